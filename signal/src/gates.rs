//! Gates: why a signal did not become an intent. One bit each, several may be set.
//!
//! They protect nothing (risk does that): they keep intents that would be refused anyway out of the
//! stream, and tell a reader why a set-up was passed over.

/// The instrument has a position.
pub const IN_POSITION: u32 = 1;
/// An intent or bracket of the instrument is under way.
pub const BUSY: u32 = 1 << 1;
/// The instrument rests after a round trip, a refusal or an unfilled entry.
pub const COOL_DOWN: u32 = 1 << 2;
/// Outside the entry window of the session.
pub const WINDOW: u32 = 1 << 3;
/// The book is not tradable.
pub const QUALITY: u32 = 1 << 4;
/// The instrument is halted.
pub const HALTED: u32 = 1 << 5;
/// The spread is too wide.
pub const SPREAD: u32 = 1 << 6;
/// Depth is required, and none that is warm is there.
pub const DEPTH: u32 = 1 << 7;
/// The instrument had its entries for this session.
pub const ENTRIES_INSTRUMENT: u32 = 1 << 8;
/// The strategy had its entries for this session.
pub const ENTRIES_STRATEGY: u32 = 1 << 9;
/// All strategies together had their intents for this session.
pub const INTENTS_SESSION: u32 = 1 << 10;
/// This evaluation made its intents already.
pub const INTENTS_EVALUATION: u32 = 1 << 11;
/// A kill level is known to be in force.
pub const KILL_LEVEL: u32 = 1 << 12;
/// The session is known to be disarmed.
pub const DISARMED: u32 = 1 << 13;
/// The strategy pauses after a streak of losses.
pub const LOSS_STREAK: u32 = 1 << 14;
/// The table of open outcomes is full: the signal's outcome follows at once, as `Unfilled`.
pub const OUTCOMES_FULL: u32 = 1 << 15;
/// Short, and short sales are off or the instrument cannot be sold short.
pub const SHORT: u32 = 1 << 16;

/// Every gate with its name, by bit.
pub const ALL: [(u32, &str); 17] = [
    (IN_POSITION, "in_position"),
    (BUSY, "busy"),
    (COOL_DOWN, "cool_down"),
    (WINDOW, "window"),
    (QUALITY, "quality"),
    (HALTED, "halted"),
    (SPREAD, "spread"),
    (DEPTH, "depth"),
    (ENTRIES_INSTRUMENT, "entries_instrument"),
    (ENTRIES_STRATEGY, "entries_strategy"),
    (INTENTS_SESSION, "intents_session"),
    (INTENTS_EVALUATION, "intents_evaluation"),
    (KILL_LEVEL, "kill_level"),
    (DISARMED, "disarmed"),
    (LOSS_STREAK, "loss_streak"),
    (OUTCOMES_FULL, "outcomes_full"),
    (SHORT, "short"),
];

/// The names of the gates that are set, in bit order.
pub fn names(gates: u32) -> impl Iterator<Item = &'static str> {
    ALL.iter()
        .filter(move |(bit, _)| gates & bit != 0)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gate_has_its_own_bit_and_name() {
        for (i, (bit, name)) in ALL.iter().enumerate() {
            assert_eq!(*bit, 1 << i, "{name}");
            assert_eq!(names(*bit).collect::<Vec<_>>(), [*name]);
        }
        assert_eq!(names(u32::MAX).count(), ALL.len());
    }
}
