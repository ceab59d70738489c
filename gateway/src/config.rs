//! What the gateway may be told.

use stream::limits::{BRACKETS_MAX, COMMANDS_UNANSWERED_MAX, INSTRUMENTS_MAX};
use stream::{Nanos, SourceId};

/// Brackets that may be alive on one instrument at a time.
pub const PER_INSTRUMENT_MAX: usize = 16;

/// Settings of the gateway stage. All spans are event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The source whose `Connectivity` is the link to the broker.
    pub broker: SourceId,
    /// Instruments in the universe, 1 to [`INSTRUMENTS_MAX`].
    pub instruments: usize,
    /// Brackets that may be alive at a time, 1 to [`BRACKETS_MAX`]; flattens have as many again.
    pub brackets_max: usize,
    /// Commands that may be unanswered at the edge, 4 to [`COMMANDS_UNANSWERED_MAX`].
    pub unanswered_max: usize,
    /// Of those, how many entries must leave free for exits and cancels; entries come in threes,
    /// so `unanswered_max` is at least 3 more.
    pub unanswered_reserved: usize,
    /// An open position must have live protection of equal size within this.
    pub protection_within: Nanos,
    /// How long the broker may take to end what should end by itself (the other leg of a pair,
    /// the children of a dead entry) before the gateway cancels it.
    pub pair_patience: Nanos,
    /// How long a cancel may stay without effect before it is made again (three times at most).
    pub cancel_patience: Nanos,
    /// How long a command or a reported execution may stay unheard of before its leg is unknown.
    pub answer_patience: Nanos,
    /// How long a flatten may wait for its fill before a wider band is asked for.
    pub flatten_patience: Nanos,
    /// How often the state is written as a checkpoint, at housekeeping ticks; zero is never.
    pub checkpoint_every: Nanos,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            broker: SourceId(0),
            instruments: INSTRUMENTS_MAX,
            brackets_max: BRACKETS_MAX,
            unanswered_max: COMMANDS_UNANSWERED_MAX,
            unanswered_reserved: 16,
            protection_within: Nanos::from_secs(2),
            pair_patience: Nanos::from_secs(1),
            cancel_patience: Nanos::from_secs(2),
            answer_patience: Nanos::from_secs(10),
            flatten_patience: Nanos::from_secs(2),
            checkpoint_every: Nanos::ZERO,
        }
    }
}

impl Config {
    /// What does not fit: field and expectation, one entry for each fault. Empty when all is well.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        let mut need = |holds: bool, field, expected| {
            if !holds {
                faults.push((field, expected));
            }
        };
        need(
            (1..=INSTRUMENTS_MAX).contains(&self.instruments),
            "instruments",
            "1 to 1024",
        );
        need(
            (1..=BRACKETS_MAX).contains(&self.brackets_max),
            "brackets_max",
            "1 to 256",
        );
        need(
            (4..=COMMANDS_UNANSWERED_MAX).contains(&self.unanswered_max),
            "unanswered_max",
            "4 to 64",
        );
        need(
            self.unanswered_reserved >= 1 && self.unanswered_reserved + 3 <= self.unanswered_max,
            "unanswered_reserved",
            "at least 1, and at least 3 below unanswered_max",
        );
        for (field, span) in [
            ("protection_within", self.protection_within),
            ("pair_patience", self.pair_patience),
            ("cancel_patience", self.cancel_patience),
            ("answer_patience", self.answer_patience),
            ("flatten_patience", self.flatten_patience),
        ] {
            let sound = span >= Nanos::MILLI && span <= Nanos::from_secs(3_600);
            need(sound, field, "1 ms to 1 h");
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_sound_and_each_fault_is_named() {
        assert_eq!(Config::default().faults(), []);
        let broken = Config {
            instruments: 0,
            unanswered_max: 3,
            cancel_patience: Nanos::ZERO,
            ..Config::default()
        };
        let fields: Vec<_> = broken.faults().iter().map(|fault| fault.0).collect();
        assert_eq!(
            fields,
            [
                "instruments",
                "unanswered_max",
                "unanswered_reserved",
                "cancel_patience"
            ]
        );
    }
}
