//! Clients' messages in text. Most begin with a version of their own, which no server looks at.

mod contract;
mod data;
mod order;

use super::fields::Fields;
use crate::model::{ExecutionFilter, Request};
use crate::wire::Malformed;

type Outcome<T> = Result<T, Malformed>;

/// Reads a client's message.
pub fn decode(version: i32, body: &[u8]) -> Outcome<Request> {
    let mut fields = Fields::new(body)?;
    let number = fields.message()?;
    let f = &mut fields;
    Ok(match number {
        1 => data::market_data(f)?,
        2 => Request::CancelMarketData(second(f)?),
        3 => order::place(version, f)?,
        4 => Request::CancelOrder(second(f)?),
        9 => contract::details(version, f)?,
        10 => data::depth(f)?,
        11 => Request::CancelDepth {
            req: second(f)?,
            smart: f.flag("smart depth")?,
        },
        20 => data::bars(f)?,
        22 => data::scanner(f)?,
        23 => Request::CancelScanner(second(f)?),
        24 => Request::ScannerParameters,
        25 => Request::CancelHistoricalBars(second(f)?),
        50 => data::real_time_bars(f)?,
        51 => Request::CancelRealTimeBars(second(f)?),
        59 => Request::MarketDataType(behind_version(f, "type of data")?),
        81 => Request::MatchingSymbols(f.req()?, f.string("pattern")?),
        82 => Request::DepthExchanges,
        83 => Request::SmartComponents(f.req()?, f.string("exchange")?),
        87 => data::head_timestamp(f)?,
        90 => Request::CancelHeadTimestamp(f.req()?),
        91 => Request::MarketRule(f.int("rule")?),
        96 => data::ticks(f)?,
        97 => data::tick_by_tick(f)?,
        98 => Request::CancelTickByTick(f.req()?),
        106 => Request::CancelContractDetails(f.req()?),
        107 => Request::CancelHistoricalTicks(f.req()?),
        _ => return session(number, f),
    })
}

/// What concerns the session and its orders.
fn session(number: i32, f: &mut Fields<'_>) -> Outcome<Request> {
    Ok(match number {
        5 => Request::OpenOrders,
        7 => executions(f)?,
        8 => Request::Ids,
        14 => Request::LogLevel(behind_version(f, "level")?),
        15 => Request::AutoOpenOrders(flag_behind_version(f, "bind")?),
        16 => Request::AllOpenOrders,
        17 => Request::ManagedAccounts,
        49 => Request::CurrentTime,
        58 => Request::GlobalCancel,
        71 => Request::StartApi {
            client_id: behind_version(f, "client id")?,
            capabilities: f.string("capabilities")?,
        },
        99 => Request::CompletedOrders(f.flag("by programs only")?),
        104 => Request::UserInfo(f.req()?),
        105 => Request::CurrentTimeMillis,
        _ => return account(number, f),
    })
}

/// What concerns the account, and news.
fn account(number: i32, f: &mut Fields<'_>) -> Outcome<Request> {
    Ok(match number {
        6 => Request::AccountUpdates {
            subscribe: flag_behind_version(f, "subscribe")?,
            account: f.string("account")?,
        },
        12 => Request::NewsBulletins(flag_behind_version(f, "all of today")?),
        13 => Request::CancelNewsBulletins,
        61 => Request::Positions,
        62 => Request::AccountSummary {
            req: second(f)?,
            group: f.string("group")?,
            tags: f.string("tags")?,
        },
        63 => Request::CancelAccountSummary(second(f)?),
        64 => Request::CancelPositions,
        74 => Request::PositionsMulti(second(f)?, f.string("account")?, f.string("model")?),
        75 => Request::CancelPositionsMulti(second(f)?),
        76 => {
            let (req, account) = (second(f)?, f.string("account")?);
            let model = f.string("model")?;
            Request::AccountUpdatesMulti(req, account, model, f.flag("ledger only")?)
        }
        77 => Request::CancelAccountUpdatesMulti(second(f)?),
        84 => Request::NewsArticle(f.req()?, f.string("provider")?, f.string("article")?),
        85 => Request::NewsProviders,
        86 => {
            let (req, con_id) = (f.req()?, f.int("conId")?);
            let providers = f.string("providers")?;
            f.skip(2, "start and end")?;
            Request::HistoricalNews(req, con_id, providers, f.int("most")?)
        }
        92 => Request::Pnl(f.req()?, f.string("account")?, f.string("model")?),
        93 => Request::CancelPnl(f.req()?),
        94 => {
            let (req, account) = (f.req()?, f.string("account")?);
            Request::PnlSingle(req, account, f.string("model")?, f.int("conId")?)
        }
        95 => Request::CancelPnlSingle(f.req()?),
        number => match Request::is_waited_for(number) {
            Some(true) => Request::Declined(number, second(f)?),
            Some(false) => Request::Declined(number, f.req()?),
            None => Request::Unserved(number),
        },
    })
}

fn executions(f: &mut Fields<'_>) -> Outcome<Request> {
    let req = second(f)?;
    let filter = ExecutionFilter {
        client_id: f.int("client id")?,
        account: f.string("account")?,
        time: f.string("time")?,
        symbol: f.string("symbol")?,
        sec_type: f.string("type")?,
        exchange: f.string("exchange")?,
        side: f.string("side")?,
    };
    Ok(Request::Executions(req, filter))
}

/// The number of a request behind the message's version.
fn second(f: &mut Fields<'_>) -> Outcome<i32> {
    f.skip(1, "version")?;
    f.req()
}

fn behind_version(f: &mut Fields<'_>, name: &'static str) -> Outcome<i32> {
    f.skip(1, "version")?;
    f.int(name)
}

fn flag_behind_version(f: &mut Fields<'_>, name: &'static str) -> Outcome<bool> {
    f.skip(1, "version")?;
    f.flag(name)
}
