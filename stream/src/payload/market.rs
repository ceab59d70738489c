//! What venues and brokers report of the market: kinds 1 to 14.

use super::{Payload, payload, wire_enum};
use crate::id::SourceId;
use crate::kind::Kind;
use crate::units::{Nanos, Price, Side};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// Flags of [`Add`], [`Modify`], [`Delete`], [`Execute`], [`Level`] and [`Trade`].
pub mod flags {
    /// [`Modify`](super::Modify): `qty` is what goes away; the price stays; priority stays.
    pub const REDUCE: u8 = 1;
    /// [`Execute`](super::Execute): against an order that was never displayed; no book changes.
    pub const HIDDEN: u8 = 2;
    /// [`Execute`](super::Execute), [`Trade`](super::Trade): not to be counted in volume (also a
    /// cross or a bust).
    pub const NON_PRINTABLE: u8 = 4;
    /// [`Level`](super::Level): a level newly seen behind the deepest known one; its quantity has
    /// no order ids (an anonymous residue in an order book by id).
    pub const REVEALED: u8 = 8;
    /// [`Level`](super::Level): the level left the source's window; forget it and its orders.
    pub const FORGOTTEN: u8 = 16;
    /// Not the last message of one venue event: the book is between two states, no best quote is
    /// reported until the last one. Venue formats without such events never set it.
    pub const MORE: u8 = 32;
    /// Part of a snapshot, not news.
    pub const SNAPSHOT: u8 = 64;
}

payload! {
    /// A new displayed order.
    ///
    /// ```text
    ///  32         40      48    52     53      54       56         64
    ///  ├──────────┼───────┼─────┼──────┼───────┼────────┼──────────┤
    ///  │ order_id │ price │ qty │ side │ flags │ source │ venue_ts │
    /// ```
    Add, 1 {
        /// The venue's order id, unique per instrument while the order lives.
        order_id: u64,
        /// Limit price.
        price: Price,
        /// Displayed quantity, at least 1.
        qty: u32,
        /// Side of the order, never `None`.
        side: Side,
        /// See [`flags`].
        flags: u8,
        /// Where it comes from.
        source: SourceId,
        /// The venue's own stamp, 0 where it has none.
        venue_ts: Nanos,
    }
}

payload! {
    /// A displayed order changes. With [`flags::REDUCE`] `qty` comes off and all else stays.
    /// Otherwise `price`, `qty` and `new_order_id` are the order's new values; the order keeps its
    /// priority only if id and price stay and the quantity does not grow.
    ///
    /// ```text
    ///  32         40             48      56    60     61      62       64
    ///  ├──────────┼──────────────┼───────┼─────┼──────┼───────┼────────┤
    ///  │ order_id │ new_order_id │ price │ qty │ side │ flags │ source │
    /// ```
    Modify, 1 {
        /// The order as known so far.
        order_id: u64,
        /// Its id from now on; equal to `order_id` unless the venue replaces ids.
        new_order_id: u64,
        /// New price; ignored with `REDUCE`.
        price: Price,
        /// New quantity, or the reduction.
        qty: u32,
        /// Side of the order, `None` where the feed does not say.
        side: Side,
        /// See [`flags`].
        flags: u8,
        /// Where it comes from.
        source: SourceId,
    }
}

payload! {
    /// A displayed order leaves the book.
    Delete, 1 {
        /// The order.
        order_id: u64,
        /// Its price where the feed says so, else 0.
        price: Price,
        /// Its quantity where the feed says so, else 0.
        qty: u32,
        /// Its side where the feed says so.
        side: Side,
        /// See [`flags`].
        flags: u8,
        /// Where it comes from.
        source: SourceId,
        /// The venue's own stamp, 0 where it has none.
        venue_ts: Nanos,
    }
}

payload! {
    /// A resting order trades and loses `qty`; at 0 it leaves. With [`flags::HIDDEN`] the order
    /// was never displayed and only the tape changes.
    ///
    /// ```text
    ///  32         40      48    52     53      54       56         64
    ///  ├──────────┼───────┼─────┼──────┼───────┼────────┼──────────┤
    ///  │ order_id │ price │ qty │ side │ flags │ source │ venue_ts │
    /// ```
    Execute, 1 {
        /// The resting order, 0 when hidden.
        order_id: u64,
        /// Price of the trade; 0 means the resting order's own price.
        price: Price,
        /// Quantity of the trade.
        qty: u32,
        /// Side of the *resting* order, `None` where the feed does not say.
        side: Side,
        /// See [`flags`].
        flags: u8,
        /// Where it comes from.
        source: SourceId,
        /// The venue's own stamp, 0 where it has none.
        venue_ts: Nanos,
    }
}

payload! {
    /// A price level's whole quantity; 0 removes it.
    ///
    /// ```text
    ///  32      40    48       52     53      54       56         64
    ///  ├───────┼─────┼────────┼──────┼───────┼────────┼──────────┤
    ///  │ price │ qty │ orders │ side │ flags │ source │ venue_ts │
    /// ```
    Level, 1 {
        /// The level.
        price: Price,
        /// Its quantity from now on.
        qty: u64,
        /// Number of orders where the feed says so, else 0.
        orders: u32,
        /// Side, never `None`.
        side: Side,
        /// See [`flags`].
        flags: u8,
        /// Where it comes from.
        source: SourceId,
        /// The venue's own stamp, 0 where it has none.
        venue_ts: Nanos,
    }
}

wire_enum! {
    /// What happens to a positional row.
    RowOp {
        /// Rows from this position on move one further away.
        #[default]
        Insert = 0 => "insert",
        /// The row takes new values.
        Update = 1 => "update",
        /// The row goes; the rows behind it move up.
        Delete = 2 => "delete",
    }
}

payload! {
    /// One positional row of a broker's depth.
    ///
    /// ```text
    ///  32      40      48    52         54   55     56       58      59      64
    ///  ├───────┼───────┼─────┼──────────┼────┼──────┼────────┼───────┼───────┤
    ///  │ price │ maker │ qty │ position │ op │ side │ source │ flags │ spare │
    /// ```
    DepthRow, 1 {
        /// Price of the row.
        price: Price,
        /// Maker or venue that quotes it, ASCII.
        maker: [u8; 8],
        /// Quantity of the row.
        qty: u32,
        /// Position from the best, from 0.
        position: u16,
        /// What happens.
        op: RowOp,
        /// Side, never `None`.
        side: Side,
        /// Where it comes from.
        source: SourceId,
        /// See [`flags`].
        flags: u8,
        /// Zero.
        spare: [u8; 5],
    }
}

/// Rows a side in a [`DepthSnapshot`].
pub const SNAPSHOT_ROWS: usize = 10;

payload! {
    /// A whole positional depth: it replaces what was known, and a gapped book is sound again.
    DepthSnapshot, 7 {
        /// The venue's own stamp, 0 where it has none.
        venue_ts: Nanos,
        /// Where it comes from.
        source: SourceId,
        /// Rows in use on the bid side, at most 10.
        bids: u8,
        /// Rows in use on the ask side, at most 10.
        asks: u8,
        /// See [`flags`].
        flags: u8,
        /// Zero.
        spare: [u8; 3],
        /// Prices: bids from the best in 0..10, asks from the best in 10..20.
        prices: [Price; 2 * SNAPSHOT_ROWS],
        /// Quantities, likewise.
        qtys: [u32; 2 * SNAPSHOT_ROWS],
        /// Makers or venues, likewise.
        makers: [[u8; 8]; 2 * SNAPSHOT_ROWS],
    }
}

payload! {
    /// A level-1 quote. Quantity 0 says that the side is empty.
    ///
    /// ```text
    ///  32    40    48        52        56       58      59      64
    ///  ├─────┼─────┼─────────┼─────────┼────────┼───────┼───────┤
    ///  │ bid │ ask │ bid_qty │ ask_qty │ source │ flags │ spare │
    /// ```
    Quote, 1 {
        /// Best bid.
        bid: Price,
        /// Best ask.
        ask: Price,
        /// Quantity at the best bid.
        bid_qty: u32,
        /// Quantity at the best ask.
        ask_qty: u32,
        /// Where it comes from.
        source: SourceId,
        /// See [`flags`].
        flags: u8,
        /// Zero.
        spare: [u8; 5],
    }
}

payload! {
    /// A trade that names no resting order.
    ///
    /// ```text
    ///  32      40         48    52     53      54       56         64
    ///  ├───────┼──────────┼─────┼──────┼───────┼────────┼──────────┤
    ///  │ price │ trade_id │ qty │ side │ flags │ source │ venue_ts │
    /// ```
    Trade, 1 {
        /// Price.
        price: Price,
        /// The venue's trade id, 0 where it has none.
        trade_id: u64,
        /// Quantity.
        qty: u32,
        /// Side of the *aggressor*, `None` where the feed does not say.
        side: Side,
        /// See [`flags`].
        flags: u8,
        /// Where it comes from.
        source: SourceId,
        /// The venue's own stamp, 0 where it has none.
        venue_ts: Nanos,
    }
}

payload! {
    /// A bar. It enters the stream when it is complete: `ts` is at or after `start + span`.
    Bar, 2 {
        /// First price.
        open: Price,
        /// Highest price.
        high: Price,
        /// Lowest price.
        low: Price,
        /// Last price.
        close: Price,
        /// Volume in shares or contracts.
        volume: u64,
        /// When the bar began.
        start: Nanos,
        /// How long it is.
        span: Nanos,
        /// Where it comes from.
        source: SourceId,
        /// Zero.
        spare: [u8; 38],
    }
}

wire_enum! {
    /// Whether an instrument trades.
    HaltState {
        /// Trades normally.
        #[default]
        Trading = 0 => "trading",
        /// Halted: no trades, orders may wait.
        Halted = 1 => "halted",
        /// Volatility pause.
        Paused = 2 => "paused",
        /// Quotes only, before trading resumes.
        QuoteOnly = 3 => "quote_only",
    }
}

payload! {
    /// Trading halts, pauses or resumes.
    Halt, 1 {
        /// The venue's own stamp, 0 where it has none.
        venue_ts: Nanos,
        /// The venue's reason code, ASCII.
        reason: [u8; 8],
        /// Where it comes from.
        source: SourceId,
        /// The state from now on.
        state: HaltState,
        /// Zero.
        spare: [u8; 13],
    }
}

payload! {
    /// The venue empties its book; what follows builds it anew (snapshot or fresh orders).
    Clear, 1 {
        /// The venue's own stamp, 0 where it has none.
        venue_ts: Nanos,
        /// Where it comes from.
        source: SourceId,
        /// See [`flags`].
        flags: u8,
        /// Zero.
        spare: [u8; 21],
    }
}

wire_enum! {
    /// Why a source reports a gap.
    GapReason {
        /// Messages were lost and cannot be had again.
        #[default]
        Lost = 0 => "lost",
        /// The source fell behind and dropped messages on purpose.
        Overrun = 1 => "overrun",
        /// The source went silent, or what it tells is old: it was heard too late.
        Stale = 2 => "stale",
        /// What was lost has been made good: the book is sound again.
        Recovered = 3 => "recovered",
        /// The source ended.
        Ended = 4 => "ended",
    }
}

payload! {
    /// Something was lost. The instrument's book (every book of the source, where the instrument
    /// is 0) is not tradable until it is rebuilt: by a `Clear` or `DepthSnapshot` and what follows,
    /// or by a `Gap` that says `Recovered`.
    Gap, 1 {
        /// First number that is missing, in the source's own count.
        from: u64,
        /// The number after the last missing one; 0 where unknown.
        to: u64,
        /// How many were lost, 0 where unknown.
        lost: u64,
        /// Where it comes from.
        source: SourceId,
        /// Why.
        reason: GapReason,
        /// Zero.
        spare: [u8; 5],
    }
}

wire_enum! {
    /// What was wrong with something from outside.
    FaultCode {
        /// Bytes that are no message of the format.
        #[default]
        Malformed = 0 => "malformed",
        /// A message type that the format does not know.
        UnknownType = 1 => "unknown_type",
        /// A value outside its range (price, quantity, side).
        BadValue = 2 => "bad_value",
        /// An order id that is not in the book.
        UnknownOrder = 3 => "unknown_order",
        /// An order id that is in the book already.
        DuplicateOrder = 4 => "duplicate_order",
        /// An instrument that is not in the universe.
        UnknownInstrument = 5 => "unknown_instrument",
        /// A row position that does not exist.
        BadPosition = 6 => "bad_position",
        /// Time ran backwards.
        TimeBackwards = 7 => "time_backwards",
        /// A table is full.
        TableFull = 8 => "table_full",
        /// A position or execution on which the broker and the engine do not agree.
        Unreconciled = 9 => "unreconciled",
        /// The broker's own code about an instrument's data: it is the value.
        Broker = 10 => "broker",
    }
}

payload! {
    /// Bad bytes or values from outside: counted, skipped, never guessed at.
    Fault, 1 {
        /// Where it stands: byte offset, line number or message number of the source.
        position: u64,
        /// The offending value (an order id, a type byte, a price), where there is one.
        value: u64,
        /// Where it comes from.
        source: SourceId,
        /// What was wrong.
        code: FaultCode,
        /// Zero.
        spare: [u8; 13],
    }
}
