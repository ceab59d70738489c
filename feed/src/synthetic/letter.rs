//! The wire side: ticks become prices, and what is published becomes a frame.

use super::flow::MAKERS;
use super::ladder::{Effect, Ladder};
use super::rows::{Row, Rows};
use stream::payload::{
    Add, Clear, Delete, DepthRow, DepthSnapshot, Execute, Halt, HaltState, Modify, Quote, RowOp,
    SNAPSHOT_ROWS, Trade, flags, text,
};
use stream::{Draft, InstrumentId, Nanos, Price, Side, SourceId};

/// Best quotes, as last published or as they truly are: ticks and quantities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Top {
    pub(super) bid: i64,
    pub(super) ask: i64,
    pub(super) bid_qty: u32,
    pub(super) ask_qty: u32,
}

impl Top {
    pub(super) fn of(ladder: &Ladder) -> Self {
        let (bid, bid_qty) = ladder.best(Side::Buy).unwrap_or_default();
        let (ask, ask_qty) = ladder.best(Side::Sell).unwrap_or_default();
        Self {
            bid,
            ask,
            bid_qty,
            ask_qty,
        }
    }
}

/// A trade; `side` is the aggressor's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Print {
    pub(super) tick: i64,
    pub(super) qty: u32,
    pub(super) side: Side,
    pub(super) flags: u8,
    pub(super) id: u64,
}

/// A positional row changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) row: Row,
    pub(super) position: u16,
    pub(super) op: RowOp,
    pub(super) side: Side,
    pub(super) flags: u8,
}

/// What all frames of one symbol at one time have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    pub(super) source: SourceId,
    pub(super) instrument: InstrumentId,
    pub(super) tick: Price,
    pub(super) now: Nanos,
}

impl Letter {
    fn price(&self, ticks: i64) -> Price {
        let price = ticks.checked_mul(self.tick.0);
        Price(price.expect("a fair value stays far inside the range of prices"))
    }

    pub(super) fn print(&self, print: Print, draft: &mut Draft) {
        let trade = Trade {
            price: self.price(print.tick),
            trade_id: print.id,
            qty: print.qty,
            side: print.side,
            flags: print.flags,
            source: self.source,
            venue_ts: self.now,
        };
        draft.write(self.instrument, &trade);
    }

    pub(super) fn top(&self, top: Top, flags: u8) -> Quote {
        Quote {
            bid: self.price(top.bid),
            ask: self.price(top.ask),
            bid_qty: top.bid_qty,
            ask_qty: top.ask_qty,
            source: self.source,
            flags,
            spare: [0; 5],
        }
    }

    pub(super) fn quote(&self, top: Top, flags: u8, draft: &mut Draft) {
        draft.write(self.instrument, &self.top(top, flags));
    }

    pub(super) fn row(&self, change: Change, draft: &mut Draft) {
        let row = DepthRow {
            price: self.price(change.row.tick),
            maker: MAKERS[usize::from(change.row.maker)],
            qty: change.row.qty,
            position: change.position,
            op: change.op,
            side: change.side,
            source: self.source,
            flags: change.flags,
            spare: [0; 5],
        };
        draft.write(self.instrument, &row);
    }

    pub(super) fn depth(&self, rows: &[Rows; 2]) -> DepthSnapshot {
        let mut snapshot = DepthSnapshot {
            venue_ts: self.now,
            source: self.source,
            bids: rows[0].as_slice().len() as u8,
            asks: rows[1].as_slice().len() as u8,
            ..DepthSnapshot::zeroed()
        };
        for (half, side) in rows.iter().enumerate() {
            for (position, row) in side.as_slice().iter().enumerate() {
                let at = half * SNAPSHOT_ROWS + position;
                snapshot.prices[at] = self.price(row.tick);
                snapshot.qtys[at] = row.qty;
                snapshot.makers[at] = MAKERS[usize::from(row.maker)];
            }
        }
        snapshot
    }

    pub(super) fn snapshot(&self, rows: &[Rows; 2], draft: &mut Draft) {
        draft.write(self.instrument, &self.depth(rows));
    }

    pub(super) fn halt(&self, state: HaltState, draft: &mut Draft) {
        // Nasdaq's codes: volatility pause, quotation-only period, trading resumes.
        let reason = match state {
            HaltState::Paused | HaltState::Halted => "LUDP",
            HaltState::QuoteOnly => "T7",
            HaltState::Trading => "T3",
        };
        let halt = Halt {
            venue_ts: self.now,
            reason: text(reason),
            source: self.source,
            state,
            spare: [0; 13],
        };
        draft.write(self.instrument, &halt);
    }

    pub(super) fn clear(&self, draft: &mut Draft) {
        let clear = Clear {
            venue_ts: self.now,
            source: self.source,
            // The orders follow: an empty book is nobody's best quote.
            flags: flags::SNAPSHOT | flags::MORE,
            spare: [0; 21],
        };
        draft.write(self.instrument, &clear);
    }

    /// An order that has stood in the book already.
    pub(super) fn standing(&self, ladder: &Ladder, at: u16, more: bool, draft: &mut Draft) {
        let order = ladder.order(at);
        let add = Add {
            order_id: order.id,
            price: self.price(order.tick()),
            qty: order.qty,
            side: order.side,
            flags: flags::SNAPSHOT | if more { flags::MORE } else { 0 },
            source: self.source,
            venue_ts: self.now,
        };
        draft.write(self.instrument, &add);
    }

    pub(super) fn effect(&self, effect: Effect, flags: u8, draft: &mut Draft) {
        let (source, venue_ts) = (self.source, self.now);
        match effect {
            Effect::Add {
                id,
                tick,
                qty,
                side,
            } => {
                let add = Add {
                    order_id: id,
                    price: self.price(tick),
                    qty,
                    side,
                    flags,
                    source,
                    venue_ts,
                };
                draft.write(self.instrument, &add);
            }
            Effect::Delete {
                id,
                tick,
                qty,
                side,
            } => {
                let delete = Delete {
                    order_id: id,
                    price: self.price(tick),
                    qty,
                    side,
                    flags,
                    source,
                    venue_ts,
                };
                draft.write(self.instrument, &delete);
            }
            Effect::Execute {
                id,
                tick,
                qty,
                side,
            } => {
                let execute = Execute {
                    order_id: id,
                    price: self.price(tick),
                    qty,
                    side,
                    flags,
                    source,
                    venue_ts,
                };
                draft.write(self.instrument, &execute);
            }
            Effect::Reduce { .. } | Effect::Replace { .. } => self.modify(effect, flags, draft),
        }
    }

    fn modify(&self, effect: Effect, flags: u8, draft: &mut Draft) {
        let (order_id, new_order_id, price, qty, side, flags) = match effect {
            Effect::Reduce { id, by, side } => {
                (id, id, Price::ZERO, by, side, flags | flags::REDUCE)
            }
            Effect::Replace {
                id,
                new_id,
                tick,
                qty,
                side,
            } => (id, new_id, self.price(tick), qty, side, flags),
            Effect::Add { .. } | Effect::Delete { .. } | Effect::Execute { .. } => {
                unreachable!("only changes of an order are modifications")
            }
        };
        let modify = Modify {
            order_id,
            new_order_id,
            price,
            qty,
            side,
            flags,
            source: self.source,
        };
        draft.write(self.instrument, &modify);
    }
}
