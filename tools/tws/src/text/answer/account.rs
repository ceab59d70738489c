//! Positions, account values and profit.

use crate::model::{Answer, PortfolioValue};
use crate::text::message::Message;

/// Appends the answer, if it is one of these.
pub fn encode(version: i32, answer: &Answer, out: &mut Vec<u8>) -> bool {
    let begin = |number, out| Message::begin(version, number, out);
    match answer {
        Answer::Position(account, contract, size, cost) => {
            let message = begin(61, out).int(3).text(account).contract(contract);
            message.size(*size).double(*cost).end();
        }
        Answer::PositionEnd => begin(62, out).int(1).end(),
        Answer::PositionMulti(req, account, model, contract, size, cost) => {
            let message = begin(71, out).int(1).int(*req).text(account);
            let message = message.contract(contract).size(*size).double(*cost);
            message.text(model).end();
        }
        Answer::PositionMultiEnd(req) => begin(72, out).int(1).int(*req).end(),
        Answer::AccountSummary(req, account, tag, value, currency) => {
            let message = begin(63, out).int(1).int(*req).text(account);
            message.text(tag).text(value).text(currency).end();
        }
        Answer::AccountSummaryEnd(req) => begin(64, out).int(1).int(*req).end(),
        Answer::AccountValue(key, value, currency, account) => {
            let message = begin(6, out).int(2).text(key).text(value);
            message.text(currency).text(account).end();
        }
        Answer::PortfolioValue(told) => portfolio(begin(7, out).int(8), told),
        Answer::AccountTime(time) => begin(8, out).int(1).text(time).end(),
        Answer::AccountEnd(account) => begin(54, out).int(1).text(account).end(),
        Answer::AccountUpdateMulti(req, account, model, key, value, currency) => {
            let message = begin(73, out).int(1).int(*req).text(account).text(model);
            message.text(key).text(value).text(currency).end();
        }
        Answer::AccountUpdateMultiEnd(req) => begin(74, out).int(1).int(*req).end(),
        Answer::Pnl(req, daily, unrealized, realized) => {
            let message = begin(94, out).int(*req).double(*daily);
            message.unset(*unrealized).unset(*realized).end();
        }
        Answer::PnlSingle {
            req,
            position,
            daily,
            unrealized,
            realized,
            value,
        } => {
            let message = begin(95, out).int(*req).size(*position).double(*daily);
            message
                .unset(*unrealized)
                .unset(*realized)
                .double(*value)
                .end();
        }
        _ => return false,
    }
    true
}

fn portfolio(message: Message<'_>, told: &PortfolioValue) {
    let contract = &told.contract;
    message
        .instrument(contract)
        .text(&contract.multiplier)
        .text(&contract.primary_exchange)
        .text(&contract.currency)
        .text(&contract.local_symbol)
        .text(&contract.trading_class)
        .size(told.position)
        .double(told.price)
        .double(told.value)
        .double(told.average_cost)
        .double(told.unrealized)
        .double(told.realized)
        .text(&told.account)
        .end();
}
