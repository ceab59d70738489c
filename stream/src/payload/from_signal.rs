//! What signal derives: kinds 72 to 77.

use super::{Payload, payload, wire_enum};
use crate::id::{FrameId, InstrumentId};
use crate::kind::Kind;
use crate::units::{Nanos, Price, Side};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// Components of a [`Signal`].
pub const COMPONENTS: usize = 10;

payload! {
    /// A strategy sees a set-up, with every component that made it. Gates that stop it from
    /// becoming an intent are named; it gets an outcome all the same.
    Signal, 3 {
        /// The strategy's number in the configuration, from 1.
        strategy: u16,
        /// Buy is long.
        side: Side,
        /// Zero.
        spare: u8,
        /// Gates that stopped it, one bit each; 0 when it became an intent.
        gates: u32,
        /// The score that the strategy compares with its threshold.
        score: f64,
        /// Where it would enter.
        entry: Price,
        /// Where it would give up.
        stop: Price,
        /// Where it would take profit.
        target: Price,
        /// How long its outcome is followed.
        horizon: Nanos,
        /// The newest market frame that it rests on.
        market_ts: Nanos,
        /// What made the score, in the strategy's documented order.
        components: [f64; COMPONENTS],
        /// The threshold.
        threshold: f64,
        /// Zero.
        spare2: [u8; 16],
    }
}

payload! {
    /// A set-up wished to become a bracket order: entry, stop, target.
    Intent, 2 {
        /// The signal behind it.
        signal: FrameId,
        /// Limit price of the entry.
        entry: Price,
        /// Protective stop: the risk per share is its distance from the entry.
        stop: Price,
        /// Profit target.
        target: Price,
        /// How long the entry may wait for its fill.
        ttl: Nanos,
        /// The entry is cancelled when the spread grows beyond this.
        spread_max: Price,
        /// The entry is cancelled when no trade prints for this long; 0 is never.
        tape_stall: Nanos,
        /// The newest market frame that it rests on.
        market_ts: Nanos,
        /// Share of the configured account risk to use, in parts per million, at most 1,000,000.
        risk_share_ppm: u32,
        /// The strategy's number.
        strategy: u16,
        /// Buy opens long, sell opens short.
        side: Side,
        /// Zero.
        spare: [u8; 25],
    }
}

wire_enum! {
    /// How a signal's hypothetical or real trade ended.
    OutcomeKind {
        /// The target was reached first.
        #[default]
        Target = 0 => "target",
        /// The stop was reached first.
        Stop = 1 => "stop",
        /// Neither within the horizon.
        Horizon = 2 => "horizon",
        /// The session ended first.
        SessionEnd = 3 => "session_end",
        /// The entry price was never traded at.
        Unfilled = 4 => "unfilled",
    }
}

payload! {
    /// What became of a signal: exactly one for each, traded or not, measured on the best quotes.
    Outcome, 2 {
        /// The signal.
        signal: FrameId,
        /// How it ended.
        kind: OutcomeKind,
        /// Non-zero when an intent of it was filled.
        traded: u8,
        /// Its side.
        side: Side,
        /// Zero.
        spare: u8,
        /// The strategy's number.
        strategy: u16,
        /// Zero.
        spare2: [u8; 2],
        /// Price at the end, on the side that it would exit on.
        exit: Price,
        /// The best it did, per share, from the entry.
        favourable: Price,
        /// The worst it did, per share, from the entry (at most 0).
        adverse: Price,
        /// Result in parts per million of the risk (entry to stop), before costs.
        result_ppm: i64,
        /// How long it took.
        elapsed: Nanos,
        /// Its gates, as in the signal.
        gates: u32,
        /// Zero.
        spare3: [u8; 36],
    }
}

wire_enum! {
    /// What happens to a depth slot.
    SlotAction {
        /// The subscription begins.
        #[default]
        Subscribe = 0 => "subscribe",
        /// The subscription ends.
        Unsubscribe = 1 => "unsubscribe",
    }
}

payload! {
    /// A depth subscription begins or ends: the shell hands it to the source that has slots.
    DepthSlot, 1 {
        /// Its opportunity score.
        score: f64,
        /// How long it held the slot, on `Unsubscribe`.
        held: Nanos,
        /// The slot, from 0.
        slot: u8,
        /// What happens.
        action: SlotAction,
        /// Who takes the slot (on `Unsubscribe`) or who had it (on `Subscribe`).
        other: InstrumentId,
        /// Rows asked for a side.
        rows: u16,
        /// Zero.
        spare: [u8; 10],
    }
}

payload! {
    /// What a candidate that was refused a depth slot went on to do until it got one, stopped
    /// being a candidate, or the accounting horizon ended.
    Missed, 1 {
        /// Its opportunity score when it was refused.
        score: f64,
        /// When it was refused.
        since: Nanos,
        /// The furthest that the mid rose from there, in parts per million.
        rise_ppm: i32,
        /// The furthest that the mid fell from there, in parts per million (at most 0).
        fall_ppm: i32,
        /// Non-zero when the move reached the configured worth of an opportunity.
        opportunity: u8,
        /// Zero.
        spare: [u8; 7],
    }
}

payload! {
    /// Where the stop of an open bracket is to stand from now on, at event speed. It may lie
    /// anywhere between the stop that risk permitted and the market; what would be wider, or has
    /// no live stop to move, changes nothing.
    Protect, 1 {
        /// The bracket.
        origin: FrameId,
        /// The stop's new trigger, on the tick grid.
        stop: Price,
        /// The strategy's number.
        strategy: u16,
        /// Zero.
        spare: [u8; 14],
    }
}
