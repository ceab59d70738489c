//! Frames made briefly.

use stream::payload::{
    Add, Clear, Delete, DepthRow, DepthSnapshot, Execute, Gap, GapReason, Halt, HaltState,
    Instrument, Level, Modify, Quote, RowOp, Session, SessionKind, Tick, Timer, Trade,
};
use stream::{Draft, InstrumentId, Nanos, Payload, Price, Side, SourceId};

pub(super) const SOURCE: SourceId = SourceId(3);
pub(super) const ONE: InstrumentId = InstrumentId(1);
pub(super) const CENT: i64 = 10_000_000;

/// Whole cents.
pub(super) fn cents(cents: i64) -> Price {
    Price(cents * CENT)
}

/// A numbered input about `instrument`.
pub(super) fn input<P: Payload>(ts: u64, instrument: InstrumentId, payload: &P) -> Draft {
    let mut draft = Draft::new();
    draft.write(instrument, payload);
    draft.header_mut().seq = ts;
    draft.header_mut().ts = Nanos(ts);
    draft
}

pub(super) fn add(order_id: u64, side: Side, price: Price, qty: u32) -> Add {
    Add {
        order_id,
        price,
        qty,
        side,
        flags: 0,
        source: SOURCE,
        venue_ts: Nanos::ZERO,
    }
}

pub(super) fn modify(order_id: u64, new_order_id: u64, price: Price, qty: u32) -> Modify {
    Modify {
        order_id,
        new_order_id,
        price,
        qty,
        side: Side::None,
        flags: 0,
        source: SOURCE,
    }
}

pub(super) fn delete(order_id: u64) -> Delete {
    Delete {
        order_id,
        price: Price::ZERO,
        qty: 0,
        side: Side::None,
        flags: 0,
        source: SOURCE,
        venue_ts: Nanos::ZERO,
    }
}

pub(super) fn execute(order_id: u64, side: Side, price: Price, qty: u32) -> Execute {
    Execute {
        order_id,
        price,
        qty,
        side,
        flags: 0,
        source: SOURCE,
        venue_ts: Nanos::ZERO,
    }
}

pub(super) fn level(side: Side, price: Price, qty: u64, flags: u8) -> Level {
    Level {
        price,
        qty,
        orders: 0,
        side,
        flags,
        source: SOURCE,
        venue_ts: Nanos::ZERO,
    }
}

pub(super) fn row(op: RowOp, side: Side, position: u16, price: Price, qty: u32) -> DepthRow {
    DepthRow {
        price,
        maker: *b"MAKER\0\0\0",
        qty,
        position,
        op,
        side,
        source: SOURCE,
        flags: 0,
        spare: [0; 5],
    }
}

pub(super) fn snapshot(bids: &[(Price, u32)], asks: &[(Price, u32)]) -> DepthSnapshot {
    let mut snapshot = DepthSnapshot {
        source: SOURCE,
        bids: bids.len() as u8,
        asks: asks.len() as u8,
        ..DepthSnapshot::zeroed()
    };
    for (first, rows) in [(0, bids), (10, asks)] {
        for (at, &(price, qty)) in rows.iter().enumerate() {
            snapshot.prices[first + at] = price;
            snapshot.qtys[first + at] = qty;
        }
    }
    snapshot
}

pub(super) fn quote(bid: Price, bid_qty: u32, ask: Price, ask_qty: u32) -> Quote {
    Quote {
        bid,
        ask,
        bid_qty,
        ask_qty,
        source: SOURCE,
        flags: 0,
        spare: [0; 5],
    }
}

pub(super) fn trade(price: Price, qty: u32, aggressor: Side) -> Trade {
    Trade {
        price,
        trade_id: 0,
        qty,
        side: aggressor,
        flags: 0,
        source: SOURCE,
        venue_ts: Nanos::ZERO,
    }
}

pub(super) fn halt(state: HaltState) -> Halt {
    Halt {
        source: SOURCE,
        state,
        ..Halt::zeroed()
    }
}

pub(super) fn clear(flags: u8) -> Clear {
    Clear {
        source: SOURCE,
        flags,
        ..Clear::zeroed()
    }
}

pub(super) fn gap(source: SourceId, reason: GapReason) -> Gap {
    Gap {
        source,
        reason,
        ..Gap::zeroed()
    }
}

pub(super) fn tick(timer: Timer, number: u64, due: u64) -> Tick {
    Tick {
        due: Nanos(due),
        number,
        timer,
        ..Tick::zeroed()
    }
}

pub(super) fn session(date: u32) -> Session {
    Session {
        date,
        kind: SessionKind::Regular,
        ..Session::zeroed()
    }
}

pub(super) fn definition(tick_size: Price) -> Instrument {
    Instrument {
        tick_size,
        ..Instrument::zeroed()
    }
}
