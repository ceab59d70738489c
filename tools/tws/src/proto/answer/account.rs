//! Positions, account values and profit.

use super::req;
use crate::model::{Answer, PortfolioValue};
use crate::proto::schema::account as wire;
use crate::proto::schema::session::Empty;
use crate::proto::{contract, known, size, text, write};

/// Appends the answer, if it is one of these.
pub fn encode(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::Position(account, held, told, cost) => {
            let message = wire::Position {
                account: text(account),
                contract: contract::write(held),
                position: size(*told),
                avg_cost: Some(*cost),
            };
            write(61, &message, out);
        }
        Answer::PositionEnd => write(62, &Empty {}, out),
        Answer::PositionMulti(req, account, model, held, told, cost) => {
            let message = wire::PositionMulti {
                req_id: Some(*req),
                account: text(account),
                contract: contract::write(held),
                position: size(*told),
                avg_cost: Some(*cost),
                model_code: text(model),
            };
            write(71, &message, out);
        }
        Answer::PositionMultiEnd(number) => write(72, &req(*number), out),
        Answer::PortfolioValue(told) => write(7, &portfolio(told), out),
        _ => return values(answer, out) || profit(answer, out),
    }
    true
}

fn values(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::AccountSummary(req, account, tag, value, currency) => {
            let message = wire::AccountSummary {
                req_id: Some(*req),
                account: text(account),
                tag: text(tag),
                value: text(value),
                currency: text(currency),
            };
            write(63, &message, out);
        }
        Answer::AccountSummaryEnd(number) => write(64, &req(*number), out),
        Answer::AccountValue(key, value, currency, account) => {
            let message = wire::AccountValue {
                key: text(key),
                value: text(value),
                currency: text(currency),
                account_name: text(account),
            };
            write(6, &message, out);
        }
        Answer::AccountTime(time) => {
            let time_stamp = Some(time.clone());
            write(8, &wire::AccountUpdateTime { time_stamp }, out);
        }
        Answer::AccountEnd(account) => {
            let account_name = Some(account.clone());
            write(54, &wire::AccountDataEnd { account_name }, out);
        }
        Answer::AccountUpdateMulti(req, account, model, key, value, currency) => {
            let message = wire::AccountUpdateMulti {
                req_id: Some(*req),
                account: text(account),
                model_code: text(model),
                key: text(key),
                value: text(value),
                currency: text(currency),
            };
            write(73, &message, out);
        }
        Answer::AccountUpdateMultiEnd(number) => write(74, &req(*number), out),
        _ => return false,
    }
    true
}

fn profit(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::Pnl(req, daily, unrealized, realized) => {
            let message = wire::PnL {
                req_id: Some(*req),
                daily_pnl: known(Some(*daily)),
                unrealized_pnl: known(*unrealized),
                realized_pnl: known(*realized),
            };
            write(94, &message, out);
        }
        Answer::PnlSingle {
            req,
            position,
            daily,
            unrealized,
            realized,
            value,
        } => {
            let message = wire::PnLSingle {
                req_id: Some(*req),
                position: size(*position),
                daily_pnl: known(Some(*daily)),
                unrealized_pnl: known(*unrealized),
                realized_pnl: known(*realized),
                value: known(Some(*value)),
            };
            write(95, &message, out);
        }
        _ => return false,
    }
    true
}

fn portfolio(told: &PortfolioValue) -> wire::PortfolioValue {
    wire::PortfolioValue {
        contract: contract::write(&told.contract),
        position: size(told.position),
        market_price: Some(told.price),
        market_value: Some(told.value),
        average_cost: Some(told.average_cost),
        unrealized_pnl: Some(told.unrealized),
        realized_pnl: Some(told.realized),
        account_name: text(&told.account),
    }
}
