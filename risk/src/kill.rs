//! Kill levels: who raised which, what is in force, and who may lower it.
//!
//! Three causes hold a level each; the highest is in force. The loss limit and the journal cannot
//! be talked out of theirs: a loss latch lasts until the next session date, a journal's until the
//! next start. An operator's own level is lowered only by a person, with a name, a cause and after
//! a pause; flatten and kill only when everything is flat, kill only after a new start.

use stream::payload::{ControlAction, KillLevel, Reason};
use stream::{Nanos, hash};

/// Who holds a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A person, or a policy in a person's name.
    Operator,
    /// Control 7.
    Loss,
    /// The journal cannot be written.
    Journal,
}

impl Cause {
    pub(crate) const fn reason(self) -> Reason {
        match self {
            Self::Operator => Reason::Operator,
            Self::Loss => Reason::DailyLoss,
            Self::Journal => Reason::Journal,
        }
    }
}

/// Levels by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kill {
    pub(crate) operator: KillLevel,
    pub(crate) loss: KillLevel,
    pub(crate) journal: KillLevel,
    /// The session was cut by L4 and has not started anew.
    pub(crate) cut: bool,
    /// When a level was raised last.
    pub(crate) raised: Nanos,
}

/// The level that an action raises; `None` for the actions that raise nothing.
pub(crate) const fn level_of(action: ControlAction) -> Option<KillLevel> {
    match action {
        ControlAction::Pause => Some(KillLevel::Pause),
        ControlAction::Halt => Some(KillLevel::Halt),
        ControlAction::Flatten => Some(KillLevel::Flatten),
        ControlAction::Kill => Some(KillLevel::Kill),
        ControlAction::Resume
        | ControlAction::Arm
        | ControlAction::Disarm
        | ControlAction::Save => None,
    }
}

/// What a resume may know of the rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    pub(crate) now: Nanos,
    pub(crate) cooloff: Nanos,
    /// Nothing is held.
    pub(crate) flat: bool,
    /// The loss stands below the share of the limit that paused entries.
    pub(crate) loss_recovered: bool,
}

impl Kill {
    /// The level in force.
    pub(crate) fn level(&self) -> KillLevel {
        self.operator.max(self.loss).max(self.journal)
    }

    fn of(&mut self, cause: Cause) -> &mut KillLevel {
        match cause {
            Cause::Operator => &mut self.operator,
            Cause::Loss => &mut self.loss,
            Cause::Journal => &mut self.journal,
        }
    }

    /// Raises a cause's level; false when it stood there already or higher.
    pub(crate) fn raise(&mut self, cause: Cause, level: KillLevel, now: Nanos) -> bool {
        let own = self.of(cause);
        if *own >= level {
            return false;
        }
        *own = level;
        self.raised = now;
        self.cut |= level == KillLevel::Kill;
        true
    }

    /// Lowers what a person may lower. False when it is refused; whatever held is still held.
    pub(crate) fn resume(&mut self, circumstances: &Circumstances) -> bool {
        let Circumstances {
            now,
            cooloff,
            flat,
            loss_recovered,
        } = *circumstances;
        let too_soon = now < self.raised.saturating_add(cooloff);
        let closing = self.level() >= KillLevel::Flatten && !flat;
        let loss_stays = self.loss > KillLevel::Pause || !loss_recovered;
        let stays = self.journal > KillLevel::None || (self.loss > KillLevel::None && loss_stays);
        if too_soon || closing || stays || self.cut {
            return false;
        }
        self.operator = KillLevel::None;
        self.loss = KillLevel::None;
        true
    }

    /// A new session date: yesterday's loss is over, an operator's word is not.
    pub(crate) fn roll(&mut self) {
        self.loss = KillLevel::None;
    }

    /// A new start: it has a journal that works, and a session that is not cut.
    pub(crate) fn restart(&mut self) {
        self.operator = self.operator.max(self.journal.min(KillLevel::Halt));
        self.journal = KillLevel::None;
        self.cut = false;
    }

    pub(crate) fn hash(&self) -> u64 {
        let levels = u64::from(self.operator as u8)
            | u64::from(self.loss as u8) << 8
            | u64::from(self.journal as u8) << 16
            | u64::from(self.cut) << 24;
        hash::fold(levels, self.raised.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later() -> Circumstances {
        Circumstances {
            now: Nanos::from_secs(100),
            cooloff: Nanos::from_secs(60),
            flat: true,
            loss_recovered: true,
        }
    }

    fn raised(cause: Cause, level: KillLevel) -> Kill {
        let mut kill = Kill::default();
        assert!(kill.raise(cause, level, Nanos::from_secs(40)));
        kill
    }

    #[test]
    fn the_highest_level_is_in_force_and_repeating_changes_nothing() {
        let mut kill = raised(Cause::Operator, KillLevel::Halt);
        assert!(!kill.raise(Cause::Operator, KillLevel::Halt, Nanos(1)));
        assert!(!kill.raise(Cause::Operator, KillLevel::Pause, Nanos(1)));
        assert!(kill.raise(Cause::Loss, KillLevel::Flatten, Nanos(1)));
        assert_eq!(kill.level(), KillLevel::Flatten);
    }

    #[test]
    fn a_person_lowers_an_operators_level_after_the_pause() {
        let mut kill = raised(Cause::Operator, KillLevel::Halt);
        let early = Circumstances {
            now: Nanos::from_secs(100) - Nanos(1),
            ..later()
        };
        assert!(!kill.resume(&early));
        assert!(kill.resume(&later()), "exactly at the end of the pause");
        assert_eq!(kill.level(), KillLevel::None);
    }

    #[test]
    fn flatten_stays_until_flat_and_kill_until_a_new_start() {
        let mut kill = raised(Cause::Operator, KillLevel::Flatten);
        assert!(!kill.resume(&Circumstances {
            flat: false,
            ..later()
        }));
        assert!(kill.resume(&later()));
        let mut kill = raised(Cause::Operator, KillLevel::Kill);
        assert!(!kill.resume(&later()));
        kill.restart();
        assert_eq!(
            kill.level(),
            KillLevel::Kill,
            "the latch survives the start"
        );
        assert!(kill.resume(&later()));
    }

    #[test]
    fn a_loss_latch_lasts_for_the_session_and_an_operators_beyond_it() {
        let mut kill = raised(Cause::Loss, KillLevel::Flatten);
        kill.raise(Cause::Operator, KillLevel::Halt, Nanos(1));
        assert!(!kill.resume(&later()));
        assert_eq!(
            kill.operator,
            KillLevel::Halt,
            "a refused resume lowers nothing"
        );
        kill.roll();
        assert_eq!(kill.level(), KillLevel::Halt);
    }

    #[test]
    fn a_pause_by_loss_can_be_lifted_once_the_loss_has_shrunk() {
        let mut kill = raised(Cause::Loss, KillLevel::Pause);
        assert!(!kill.resume(&Circumstances {
            loss_recovered: false,
            ..later()
        }));
        assert!(kill.resume(&later()));
    }

    #[test]
    fn a_broken_journal_needs_a_new_start_and_a_person() {
        let mut kill = raised(Cause::Journal, KillLevel::Halt);
        assert!(!kill.resume(&later()));
        kill.restart();
        assert_eq!(
            (kill.journal, kill.level()),
            (KillLevel::None, KillLevel::Halt)
        );
        assert!(kill.resume(&later()));
    }
}
