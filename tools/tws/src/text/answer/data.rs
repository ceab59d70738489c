//! The market as it goes.

use crate::model::{Answer, BidAskTick, DepthRow, LastTick};
use crate::text::message::Message;

/// Appends the answer, if it is one of these.
pub fn encode(version: i32, answer: &Answer, out: &mut Vec<u8>) -> bool {
    let begin = |number, out| Message::begin(version, number, out);
    match answer {
        Answer::TickPrice {
            req,
            tick,
            price,
            size,
            attributes,
        } => {
            let message = begin(1, out).int(6).int(*req).int(*tick);
            message.double(*price).shares(*size).int(*attributes).end();
        }
        Answer::TickSize(req, tick, size) => {
            begin(2, out)
                .int(6)
                .int(*req)
                .int(*tick)
                .shares(*size)
                .end();
        }
        Answer::TickGeneric(req, tick, value) => {
            begin(45, out)
                .int(6)
                .int(*req)
                .int(*tick)
                .double(*value)
                .end();
        }
        Answer::TickString(req, tick, value) => {
            begin(46, out).int(6).int(*req).int(*tick).text(value).end();
        }
        Answer::TickSnapshotEnd(req) => begin(57, out).int(1).int(*req).end(),
        Answer::MarketDataType(req, kind) => begin(58, out).int(1).int(*req).int(*kind).end(),
        Answer::TickReqParams {
            req,
            min_tick,
            bbo_exchange,
            snapshot_permissions,
        } => {
            let message = begin(81, out).int(*req).double(*min_tick);
            message.text(bbo_exchange).int(*snapshot_permissions).end();
        }
        _ => return rows(version, answer, out),
    }
    true
}

/// Depth, every tick, and bars of five seconds.
fn rows(version: i32, answer: &Answer, out: &mut Vec<u8>) -> bool {
    let begin = |number, out| Message::begin(version, number, out);
    match answer {
        Answer::Depth(req, row) => {
            let message = begin(12, out).int(1).int(*req).int(row.position);
            place(message, row).end();
        }
        Answer::DepthL2(req, row) => {
            let message = begin(13, out).int(1).int(*req).int(row.position);
            let message = place(message.text(&row.market_maker), row);
            message.flag(row.smart).end();
        }
        Answer::TickByTickLast(req, all, tick) => {
            let message = begin(99, out).int(*req).int(if *all { 2 } else { 1 });
            last(message, tick).end();
        }
        Answer::TickByTickBidAsk(req, tick) => {
            bid_ask(begin(99, out).int(*req).int(3), tick).end();
        }
        Answer::TickByTickMid(req, time, price) => {
            begin(99, out)
                .int(*req)
                .int(4)
                .int(*time)
                .double(*price)
                .end();
        }
        Answer::RealTimeBar(req, time, bar) => {
            let message = begin(50, out).int(3).int(*req).int(*time);
            let message = message.double(bar.open).double(bar.high).double(bar.low);
            let message = message.double(bar.close).shares(bar.volume);
            message.size(bar.wap).int(bar.count).end();
        }
        _ => return false,
    }
    true
}

fn place<'a>(message: Message<'a>, row: &DepthRow) -> Message<'a> {
    message
        .int(row.operation)
        .int(row.side)
        .double(row.price)
        .shares(row.size)
}

fn last<'a>(message: Message<'a>, tick: &LastTick) -> Message<'a> {
    message
        .int(tick.time)
        .double(tick.price)
        .shares(tick.size)
        .int(tick.attributes)
        .text(&tick.exchange)
        .text(&tick.conditions)
}

fn bid_ask<'a>(message: Message<'a>, tick: &BidAskTick) -> Message<'a> {
    message
        .int(tick.time)
        .double(tick.bid)
        .double(tick.ask)
        .shares(tick.bid_size)
        .shares(tick.ask_size)
        .int(tick.attributes)
}
