//! What clients want to know of the account, and news.

use super::{Outcome, Payload, int};
use crate::model::Request;
use crate::proto::schema::{account, history};

/// One of these.
pub fn decode(p: &Payload<'_>) -> Outcome<Request> {
    Ok(match p.number {
        6 => {
            let m: account::AccountDataRequest = p.read()?;
            Request::AccountUpdates {
                subscribe: m.subscribe.unwrap_or_default(),
                account: m.acct_code.unwrap_or_default(),
            }
        }
        62 => {
            let m: account::AccountSummaryRequest = p.read()?;
            Request::AccountSummary {
                req: int(m.req_id),
                group: m.group.unwrap_or_default(),
                tags: m.tags.unwrap_or_default(),
            }
        }
        74 | 92 => {
            let m: account::AccountRequest = p.read()?;
            let account = m.account.unwrap_or_default();
            let model = m.model_code.unwrap_or_default();
            if p.number == 74 {
                Request::PositionsMulti(int(m.req_id), account, model)
            } else {
                Request::Pnl(int(m.req_id), account, model)
            }
        }
        76 => {
            let m: account::AccountUpdatesMultiRequest = p.read()?;
            let account = m.account.unwrap_or_default();
            let model = m.model_code.unwrap_or_default();
            let ledger_only = m.ledger_and_nlv.unwrap_or_default();
            Request::AccountUpdatesMulti(int(m.req_id), account, model, ledger_only)
        }
        94 => {
            let m: account::PnLSingleRequest = p.read()?;
            let account = m.account.unwrap_or_default();
            let model = m.model_code.unwrap_or_default();
            Request::PnlSingle(int(m.req_id), account, model, int(m.con_id))
        }
        _ => return news(p),
    })
}

fn news(p: &Payload<'_>) -> Outcome<Request> {
    Ok(match p.number {
        12 => {
            let m: history::NewsBulletinsRequest = p.read()?;
            Request::NewsBulletins(m.all_messages.unwrap_or_default())
        }
        84 => {
            let m: history::NewsArticleRequest = p.read()?;
            let provider = m.provider_code.unwrap_or_default();
            Request::NewsArticle(int(m.req_id), provider, m.article_id.unwrap_or_default())
        }
        86 => {
            let m: history::HistoricalNewsRequest = p.read()?;
            let providers = m.provider_codes.unwrap_or_default();
            let (con_id, most) = (int(m.con_id), int(m.total_results));
            Request::HistoricalNews(int(m.req_id), con_id, providers, most)
        }
        number => Request::Unserved(number),
    })
}
