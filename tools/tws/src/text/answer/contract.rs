//! What can be traded, and where.

use crate::model::{Answer, Contract, ContractDetails, DepthExchange, ScannerRow};
use crate::text::message::Message;
use crate::text::{DECIMAL_SIZES, ISSUERS, SIZE_RULES};

/// Appends the answer, if it is one of these.
pub fn encode(version: i32, answer: &Answer, out: &mut Vec<u8>) -> bool {
    let begin = |number, out| Message::begin(version, number, out);
    match answer {
        Answer::ContractData(req, told) => details(version, *req, told, out),
        Answer::ContractDataEnd(req) => begin(52, out).int(1).int(*req).end(),
        Answer::SymbolSamples(req, samples) => {
            begin(79, out).int(*req).each(samples, sample).end();
        }
        Answer::MarketRule(rule) => {
            let message = begin(93, out).int(rule.id);
            let message =
                message.each(&rule.steps, |m, (from, step)| m.double(*from).double(*step));
            message.end();
        }
        Answer::DepthExchanges(list) => begin(80, out).each(list, exchange).end(),
        Answer::SmartComponents(req, list) => {
            let message = begin(82, out).int(*req);
            let message = message.each(list, |m, (bit, name, letter)| {
                m.int(*bit).text(name).text(letter)
            });
            message.end();
        }
        Answer::ScannerParameters(xml) => begin(19, out).int(1).text(xml).end(),
        Answer::Scanner(req, rows) => {
            begin(20, out).int(3).int(*req).each(rows, scanned).end();
        }
        _ => return false,
    }
    true
}

fn details(version: i32, req: i32, told: &ContractDetails, out: &mut Vec<u8>) {
    let old = version < SIZE_RULES;
    let contract = &told.contract;
    let mut message = Message::begin(version, 10, out);
    if old {
        message = message.int(8);
    }
    message = message
        .int(req)
        .text(&contract.symbol)
        .text(&contract.sec_type)
        .text(&contract.last_trade_date)
        .double(contract.strike)
        .text(&contract.right)
        .text(&contract.exchange)
        .text(&contract.currency)
        .text(&contract.local_symbol)
        .text(&told.market_name)
        .text(&contract.trading_class)
        .int(contract.con_id)
        .double(told.min_tick);
    if old {
        // The multiplier of depth's sizes, which no client uses any more.
        message = message.int(1);
    }
    message = message
        .text(&contract.multiplier)
        .text(&told.order_types)
        .text(&told.valid_exchanges)
        .int(told.price_magnifier)
        .int(told.under_con_id)
        .text(&told.long_name)
        .text(&contract.primary_exchange)
        .text(&told.contract_month);
    sizes(version, told, more(told, message)).end();
}

fn more<'a>(told: &ContractDetails, message: Message<'a>) -> Message<'a> {
    let message = message
        .text(&told.industry)
        .text(&told.category)
        .text(&told.subcategory)
        .text(&told.time_zone)
        .text(&told.trading_hours)
        .text(&told.liquid_hours)
        // Rule and multiplier of economic value.
        .nothing(2);
    message
        .each(&told.sec_ids, |m, (tag, value)| m.text(tag).text(value))
        .int(told.agg_group)
        // The underlying's symbol and type.
        .nothing(2)
        .text(&told.market_rules)
        .text(&told.real_expiration)
        .text(&told.stock_type)
}

fn sizes<'a>(version: i32, told: &ContractDetails, message: Message<'a>) -> Message<'a> {
    match version {
        SIZE_RULES.. => message
            .size(told.min_size)
            .size(told.size_increment)
            .size(told.suggested_size_increment),
        DECIMAL_SIZES => message.size(told.suggested_size_increment),
        _ => message,
    }
}

fn sample<'a>(message: Message<'a>, (contract, types): &(Contract, Vec<String>)) -> Message<'a> {
    let message = message
        .int(contract.con_id)
        .text(&contract.symbol)
        .text(&contract.sec_type)
        .text(&contract.primary_exchange)
        .text(&contract.currency)
        .each(types, |m, kind| m.text(kind));
    if message.version() < ISSUERS {
        return message;
    }
    message
        .text(&contract.description)
        .text(&contract.issuer_id)
}

fn exchange<'a>(message: Message<'a>, told: &DepthExchange) -> Message<'a> {
    message
        .text(&told.exchange)
        .text(&told.sec_type)
        .text(&told.listing)
        .text(&told.service)
        .int(told.agg_group.unwrap_or(i32::MAX))
}

fn scanned<'a>(message: Message<'a>, row: &ScannerRow) -> Message<'a> {
    message
        .int(row.rank)
        .instrument(&row.contract)
        .text(&row.contract.exchange)
        .text(&row.contract.currency)
        .text(&row.contract.local_symbol)
        .text(&row.market_name)
        .text(&row.contract.trading_class)
        .text(&row.distance)
        .text(&row.benchmark)
        .text(&row.projection)
        // Legs, of combinations only.
        .nothing(1)
}
