//! Events as our frames.

use crate::orders::{Act, Order, Quote};
use stream::payload::{self, Add, Clear, Delete, Execute, Level, Modify, flags};
use stream::{Draft, InstrumentId, Line, Nanos, Payload, Side, SourceId};

const SOURCE: SourceId = SourceId(1);

/// Frames back to back.
#[derive(Debug, Default)]
pub struct Frames(pub Vec<Line>);

impl Frames {
    /// Appends one frame.
    pub fn put<P: Payload>(&mut self, ts: Nanos, instrument: InstrumentId, payload: &P) {
        let mut draft = Draft::new();
        draft.write(instrument, payload);
        draft.header_mut().ts = ts;
        self.0.extend_from_slice(draft.frame().lines());
    }

    /// Appends the emptying of every book, as a day begins.
    pub fn clear(&mut self, ts: Nanos) {
        let clear = Clear {
            source: SOURCE,
            ..Clear::zeroed()
        };
        self.put(ts, InstrumentId::NONE, &clear);
    }

    /// Appends one order event.
    pub fn order(&mut self, instrument: InstrumentId, order: &Order) {
        let Order {
            ts,
            id: order_id,
            price,
            qty,
            side,
            ..
        } = *order;
        let (flags, source, venue_ts) = (0, SOURCE, ts);
        match order.act {
            Act::Add => {
                let add = Add {
                    order_id,
                    price,
                    qty,
                    side,
                    flags,
                    source,
                    venue_ts,
                };
                self.put(ts, instrument, &add);
            }
            Act::Reduce => {
                let reduce = Modify {
                    order_id,
                    new_order_id: order_id,
                    price,
                    qty,
                    side,
                    flags: flags::REDUCE,
                    source,
                };
                self.put(ts, instrument, &reduce);
            }
            Act::Delete => {
                let delete = Delete {
                    order_id,
                    price,
                    qty,
                    side,
                    flags,
                    source,
                    venue_ts,
                };
                self.put(ts, instrument, &delete);
            }
            Act::Execute => {
                let execute = Execute {
                    order_id,
                    price,
                    qty,
                    side,
                    flags,
                    source,
                    venue_ts,
                };
                self.put(ts, instrument, &execute);
            }
        }
    }

    /// Appends what the order event leaves of its level.
    pub fn level(&mut self, instrument: InstrumentId, order: &Order) {
        let level = Level {
            price: order.price,
            qty: order.level,
            orders: 0,
            side: order.side,
            flags: 0,
            source: SOURCE,
            venue_ts: order.ts,
        };
        self.put(order.ts, instrument, &level);
    }

    /// Appends a quote.
    pub fn quote(&mut self, instrument: InstrumentId, quote: &Quote) {
        let frame = payload::Quote {
            bid: quote.bid.0,
            ask: quote.ask.0,
            bid_qty: quote.bid.1,
            ask_qty: quote.ask.1,
            source: SOURCE,
            flags: 0,
            spare: [0; 5],
        };
        self.put(quote.ts, instrument, &frame);
    }
}

/// A day of orders, the emptied book first.
#[must_use]
pub fn of_orders(orders: &[Order]) -> Vec<Line> {
    let mut frames = Frames::default();
    frames.clear(orders.first().map_or(Nanos::ZERO, |order| order.ts));
    for order in orders {
        frames.order(InstrumentId(1), order);
    }
    frames.0
}

/// The same day, told level by level.
#[must_use]
pub fn of_levels(orders: &[Order]) -> Vec<Line> {
    let mut frames = Frames::default();
    frames.clear(orders.first().map_or(Nanos::ZERO, |order| order.ts));
    for order in orders {
        frames.level(InstrumentId(1), order);
    }
    frames.0
}

/// True for the buying side.
#[must_use]
pub const fn is_buy(side: Side) -> bool {
    matches!(side, Side::Buy)
}
