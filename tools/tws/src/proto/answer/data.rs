//! The market as it goes.

use super::req;
use crate::model::{Answer, Bar, BidAskTick, DepthRow, LastTick};
use crate::proto::schema::data as wire;
use crate::proto::{size, text, write};

/// Appends the answer, if it is one of these.
pub fn encode(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::TickSnapshotEnd(number) => write(57, &req(*number), out),
        Answer::MarketDataType(req, kind) => {
            let (req_id, market_data_type) = (Some(*req), Some(*kind));
            let message = wire::MarketDataType {
                req_id,
                market_data_type,
            };
            write(58, &message, out);
        }
        Answer::TickReqParams {
            req,
            min_tick,
            bbo_exchange,
            snapshot_permissions,
        } => {
            let message = wire::TickReqParams {
                req_id: Some(*req),
                min_tick: Some(min_tick.to_string()),
                bbo_exchange: text(bbo_exchange),
                snapshot_permissions: Some(*snapshot_permissions),
            };
            write(81, &message, out);
        }
        Answer::Depth(req, row) => write(12, &depth(*req, row, false), out),
        Answer::DepthL2(req, row) => write(13, &depth(*req, row, true), out),
        Answer::RealTimeBar(req, time, told) => write(50, &bar(*req, *time, told), out),
        _ => return tick(answer, out) || by_tick(answer, out),
    }
    true
}

/// Ticks of a line.
fn tick(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::TickPrice {
            req,
            tick,
            price,
            size: told,
            attributes,
        } => {
            let message = wire::TickPrice {
                req_id: Some(*req),
                tick_type: Some(*tick),
                price: Some(*price),
                size: size(*told),
                attr_mask: Some(*attributes),
            };
            write(1, &message, out);
        }
        Answer::TickSize(req, tick, told) => {
            let message = wire::TickSize {
                req_id: Some(*req),
                tick_type: Some(*tick),
                size: size(*told),
            };
            write(2, &message, out);
        }
        Answer::TickGeneric(req, tick, value) => {
            let message = wire::TickGeneric {
                req_id: Some(*req),
                tick_type: Some(*tick),
                value: Some(*value),
            };
            write(45, &message, out);
        }
        Answer::TickString(req, tick, value) => {
            let message = wire::TickString {
                req_id: Some(*req),
                tick_type: Some(*tick),
                value: Some(value.clone()),
            };
            write(46, &message, out);
        }
        _ => return false,
    }
    true
}

/// Every tick.
fn by_tick(answer: &Answer, out: &mut Vec<u8>) -> bool {
    let (req, kind) = match answer {
        Answer::TickByTickLast(req, all, _) => (*req, if *all { 2 } else { 1 }),
        Answer::TickByTickBidAsk(req, _) => (*req, 3),
        Answer::TickByTickMid(req, ..) => (*req, 4),
        _ => return false,
    };
    let mut message = wire::TickByTickData {
        req_id: Some(req),
        tick_type: Some(kind),
        ..wire::TickByTickData::default()
    };
    match answer {
        Answer::TickByTickLast(_, _, tick) => message.last = Some(last(tick)),
        Answer::TickByTickBidAsk(_, tick) => message.bid_ask = Some(bid_ask(tick)),
        Answer::TickByTickMid(_, time, price) => {
            message.mid = Some(wire::TickMid {
                time: Some(*time),
                price: Some(*price),
                size: None,
            });
        }
        _ => {}
    }
    write(99, &message, out);
    true
}

fn depth(req: i32, row: &DepthRow, maker: bool) -> wire::MarketDepth {
    let data = wire::MarketDepthData {
        position: Some(row.position),
        operation: Some(row.operation),
        side: Some(row.side),
        price: Some(row.price),
        size: size(row.size),
        market_maker: maker.then(|| row.market_maker.clone()),
        is_smart_depth: maker.then_some(row.smart),
    };
    wire::MarketDepth {
        req_id: Some(req),
        data: Some(data),
    }
}

/// A trade.
pub fn last(tick: &LastTick) -> wire::TickLast {
    wire::TickLast {
        time: Some(tick.time),
        attributes: Some(wire::LastAttributes {
            past_limit: Some(tick.attributes & 1 != 0),
            unreported: Some(tick.attributes & 2 != 0),
        }),
        price: Some(tick.price),
        size: size(tick.size),
        exchange: text(&tick.exchange),
        special_conditions: text(&tick.conditions),
    }
}

/// A quote.
pub fn bid_ask(tick: &BidAskTick) -> wire::TickBidAsk {
    wire::TickBidAsk {
        time: Some(tick.time),
        attributes: Some(wire::BidAskAttributes {
            bid_past_low: Some(tick.attributes & 1 != 0),
            ask_past_high: Some(tick.attributes & 2 != 0),
        }),
        price_bid: Some(tick.bid),
        price_ask: Some(tick.ask),
        size_bid: size(tick.bid_size),
        size_ask: size(tick.ask_size),
    }
}

fn bar(req: i32, time: i64, told: &Bar) -> wire::RealTimeBar {
    wire::RealTimeBar {
        req_id: Some(req),
        time: Some(time),
        open: Some(told.open),
        high: Some(told.high),
        low: Some(told.low),
        close: Some(told.close),
        volume: size(told.volume),
        wap: size(told.wap),
        count: Some(told.count),
    }
}
