//! Clients' messages in protobuf.

mod account;
mod data;
mod order;

use super::contract;
use super::schema::contract as wire;
use super::schema::session::{ReqId, SetServerLogLevel, StartApi};
use crate::model::{Request, ScannerSubscription};
use crate::wire::{Malformed, What};
use prost::Message;

type Outcome<T> = Result<T, Malformed>;

/// Reads a client's message.
pub fn decode(number: i32, payload: &[u8]) -> Outcome<Request> {
    let p = &Payload { number, payload };
    Ok(match number {
        1 | 10 | 11 | 20 | 50 | 59 | 87 | 96 | 97 => data::decode(p)?,
        3 | 4 | 7 | 15 | 99 => order::decode(p)?,
        6 | 12 | 62 | 74 | 76 | 84 | 86 | 92 | 94 => account::decode(p)?,
        9 => {
            let m: wire::ContractDataRequest = p.read()?;
            Request::ContractDetails(m.req_id.unwrap_or_default(), contract::read(m.contract))
        }
        14 => Request::LogLevel(int(p.read::<SetServerLogLevel>()?.log_level)),
        22 => scanner(p)?,
        71 => {
            let m: StartApi = p.read()?;
            Request::StartApi {
                client_id: int(m.client_id),
                capabilities: m.optional_capabilities.unwrap_or_default(),
            }
        }
        81 => {
            let m: wire::MatchingSymbolsRequest = p.read()?;
            Request::MatchingSymbols(int(m.req_id), m.pattern.unwrap_or_default())
        }
        83 => {
            let m: wire::SmartComponentsRequest = p.read()?;
            Request::SmartComponents(int(m.req_id), m.bbo_exchange.unwrap_or_default())
        }
        91 => Request::MarketRule(int(p.read::<wire::MarketRuleRequest>()?.market_rule_id)),
        _ => return plain(p),
    })
}

/// Those with nothing in them, or nothing but a number.
fn plain(p: &Payload<'_>) -> Outcome<Request> {
    Ok(match p.number {
        5 => Request::OpenOrders,
        8 => Request::Ids,
        13 => Request::CancelNewsBulletins,
        16 => Request::AllOpenOrders,
        17 => Request::ManagedAccounts,
        24 => Request::ScannerParameters,
        49 => Request::CurrentTime,
        58 => Request::GlobalCancel,
        61 => Request::Positions,
        64 => Request::CancelPositions,
        82 => Request::DepthExchanges,
        85 => Request::NewsProviders,
        105 => Request::CurrentTimeMillis,
        2 => Request::CancelMarketData(p.req()?),
        23 => Request::CancelScanner(p.req()?),
        25 => Request::CancelHistoricalBars(p.req()?),
        51 => Request::CancelRealTimeBars(p.req()?),
        63 => Request::CancelAccountSummary(p.req()?),
        75 => Request::CancelPositionsMulti(p.req()?),
        77 => Request::CancelAccountUpdatesMulti(p.req()?),
        90 => Request::CancelHeadTimestamp(p.req()?),
        93 => Request::CancelPnl(p.req()?),
        95 => Request::CancelPnlSingle(p.req()?),
        98 => Request::CancelTickByTick(p.req()?),
        104 => Request::UserInfo(p.req()?),
        106 => Request::CancelContractDetails(p.req()?),
        107 => Request::CancelHistoricalTicks(p.req()?),
        number => match (Request::is_waited_for(number), first(p.payload)) {
            (Some(_), Some(req)) => Request::Declined(number, req),
            _ => Request::Unserved(number),
        },
    })
}

fn scanner(p: &Payload<'_>) -> Outcome<Request> {
    let m: wire::ScannerRequest = p.read()?;
    let scan = m.scanner_subscription.unwrap_or_default();
    let volume = scan.above_volume.and_then(|v| i32::try_from(v).ok());
    let wish = ScannerSubscription {
        rows: scan.number_of_rows.filter(|&rows| rows >= 0),
        instrument: scan.instrument.unwrap_or_default(),
        location: scan.location_code.unwrap_or_default(),
        scan_code: scan.scan_code.unwrap_or_default(),
        above_price: super::known(scan.above_price),
        below_price: super::known(scan.below_price),
        above_volume: volume.filter(|&volume| volume != i32::MAX),
    };
    Ok(Request::Scanner(int(m.req_id), wish))
}

/// A message's bytes.
struct Payload<'a> {
    number: i32,
    payload: &'a [u8],
}

impl Payload<'_> {
    /// Its fields.
    fn read<M: Message + Default>(&self) -> Outcome<M> {
        M::decode(self.payload).map_err(|error| self.malformed(What::Proto(error.to_string())))
    }

    /// The client's number of a request, where there is nothing else.
    fn req(&self) -> Outcome<i32> {
        Ok(int(self.read::<ReqId>()?.req_id))
    }

    /// Something is not what it should be.
    fn malformed(&self, what: What) -> Malformed {
        Malformed {
            message: Some(self.number),
            req: first(self.payload),
            what,
        }
    }
}

fn int(number: Option<i32>) -> i32 {
    number.unwrap_or_default()
}

/// The first field, where it is a number: the client's number of its request in nearly all.
fn first(payload: &[u8]) -> Option<i32> {
    let mut rest = payload.strip_prefix(&[0x08])?;
    let number = prost::encoding::decode_varint(&mut rest).ok()?;
    // Negative numbers are sign-extended to 64 bits.
    i32::try_from(number.cast_signed()).ok()
}
