//! What book derives: kinds 64 to 66.

use super::{Payload, payload};
use crate::kind::Kind;
use crate::units::{Nanos, Price};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// Why a book is not tradable; 0 is a sound book.
pub mod quality {
    /// Bid at or above ask.
    pub const CROSSED: u8 = 1;
    /// No market frame for longer than the stale limit.
    pub const STALE: u8 = 2;
    /// Something was lost; not yet rebuilt.
    pub const GAPPED: u8 = 4;
    /// A side is empty.
    pub const ONE_SIDED: u8 = 8;
    /// Not trading.
    pub const HALTED: u8 = 16;
    /// Nothing known yet, or between two states of one venue event.
    pub const EMPTY: u8 = 32;
}

payload! {
    /// The best quote or the quality of an instrument changed.
    Best, 1 {
        /// Best bid, 0 when that side is empty.
        bid: Price,
        /// Best ask, 0 when that side is empty.
        ask: Price,
        /// Quantity at the best bid, saturating.
        bid_qty: u32,
        /// Quantity at the best ask, saturating.
        ask_qty: u32,
        /// See [`quality`]; 0 is tradable.
        quality: u8,
        /// Zero.
        spare: [u8; 7],
    }
}

impl Best {
    /// Whether it is another one than `other`. All is compared at once: which part of a quote
    /// changes nobody foresees, and a processor that guesses wrong loses more than it saves.
    #[must_use]
    #[inline(always)]
    pub fn differs_from(&self, other: &Self) -> bool {
        let words = |best: &Self| -> [u64; 4] { zerocopy::transmute!(*best) };
        let pairs = words(self).into_iter().zip(words(other));
        pairs.fold(0, |all, (own, other)| all | (own ^ other)) != 0
    }
}

payload! {
    /// An instrument's book and tape at an evaluation. Tape sums are since its previous view.
    ///
    /// ```text
    ///  32    40    48        52        56           64
    ///  ├─────┼─────┼─────────┼─────────┼────────────┤
    ///  │ bid │ ask │ bid_qty │ ask_qty │ microprice │
    ///  64     72                   76                    80          88          96
    ///  ├──────┼────────────────────┼─────────────────────┼───────────┼───────────┤
    ///  │ last │ imbalance_best_ppm │ imbalance_depth_ppm │ depth_bid │ depth_ask │
    ///  96       100       101                102                103         104          112
    ///  ├────────┼─────────┼──────────────────┼──────────────────┼───────────┼────────────┤
    ///  │ trades │ quality │ depth_levels_bid │ depth_levels_ask │ has_depth │ volume_buy │
    ///  112           120              128
    ///  ├─────────────┼────────────────┤
    ///  │ volume_sell │ volume_session │
    ///  128    136    144    152   160
    ///  ├──────┼──────┼──────┼─────┤
    ///  │ vwap │ open │ high │ low │
    ///  160         168        176     192
    ///  ├───────────┼──────────┼───────┤
    ///  │ market_ts │ trade_ts │ spare │
    /// ```
    BookView, 3 {
        /// Best bid, 0 when that side is empty.
        bid: Price,
        /// Best ask, 0 when that side is empty.
        ask: Price,
        /// Quantity at the best bid, saturating.
        bid_qty: u32,
        /// Quantity at the best ask, saturating.
        ask_qty: u32,
        /// Quantity-weighted mid: (bid × ask_qty + ask × bid_qty) ÷ (bid_qty + ask_qty), truncated.
        microprice: Price,
        /// Last printed trade, 0 before the first.
        last: Price,
        /// Best quantities: (bid − ask) ÷ (bid + ask) in parts per million.
        imbalance_best_ppm: i32,
        /// Depth sums: (bid − ask) ÷ (bid + ask) in parts per million.
        imbalance_depth_ppm: i32,
        /// Quantity on the best ten bid levels or rows known.
        depth_bid: u64,
        /// Quantity on the best ten ask levels or rows known.
        depth_ask: u64,
        /// Trades since the previous view.
        trades: u32,
        /// See [`quality`]; 0 is tradable.
        quality: u8,
        /// Levels or rows known on the bid side, at most 255; 0 with level 1 only.
        depth_levels_bid: u8,
        /// Levels or rows known on the ask side, at most 255.
        depth_levels_ask: u8,
        /// Non-zero while positional depth rows arrive for it.
        has_depth: u8,
        /// Bought by aggressors since the previous view.
        volume_buy: u64,
        /// Sold by aggressors since the previous view.
        volume_sell: u64,
        /// Traded in the session.
        volume_session: u64,
        /// Volume-weighted average price of the session, 0 before the first trade.
        vwap: Price,
        /// First trade of the session, 0 before it.
        open: Price,
        /// Highest trade of the session.
        high: Price,
        /// Lowest trade of the session.
        low: Price,
        /// `ts` of the newest market frame of this instrument.
        market_ts: Nanos,
        /// `ts` of the newest printed trade.
        trade_ts: Nanos,
        /// Zero.
        spare: [u8; 16],
    }
}

payload! {
    /// All views of an evaluation are out: signal acts on this.
    Evaluate, 1 {
        /// The tick's due time.
        due: Nanos,
        /// The tick's number.
        number: u64,
        /// Views in this evaluation.
        views: u32,
        /// Evaluations that were missed before it.
        missed: u32,
        /// `ts` of the newest market frame of any instrument.
        market_ts: Nanos,
    }
}
