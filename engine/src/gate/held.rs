//! Commands that wait until the disk has them: with `power` durability what adds risk leaves only
//! once its frame is synced.

use super::{Gate, answer};
use stream::payload::{Command, Sent, SentOutcome};
use stream::{Draft, FrameId, FrameRef};

/// Commands that may be held back for a sync at a time.
pub(super) const HELD_MAX: usize = stream::limits::COMMANDS_UNANSWERED_MAX;

/// A command that waits for its sync.
#[derive(Debug)]
pub(super) struct Held {
    /// Where it stands in the journal.
    position: u64,
    /// Its bracket.
    origin: FrameId,
    draft: Draft,
}

impl Gate {
    /// What is not in the journal does not leave. With `power` durability what adds risk is held
    /// until it is synced, and so is everything of the same bracket behind it: a cancel must not
    /// overtake the order that it cancels.
    pub(super) fn command(&mut self, frame: FrameRef<'_>, position: u64) {
        if self.journal.is_failed() {
            return;
        }
        let command = frame.read::<Command>();
        let behind_held = self.held.iter().any(|held| held.origin == command.origin);
        let waits = behind_held || (self.power && command.adds_risk != 0);
        if !waits {
            return self.hand_over(frame);
        }
        assert!(self.held.len() < HELD_MAX, "the gateway broke its credits");
        let mut draft = Draft::new();
        draft.copy_from(frame);
        self.held.push_back(Held {
            position,
            origin: command.origin,
            draft,
        });
        self.journal.request_sync();
        // Virtual time must not depend on how long a disk takes: there it stands still instead.
        while !self.clock.is_live() && !self.held.is_empty() && !self.health_is_lost() {
            self.release();
            std::thread::yield_now();
        }
    }

    /// True when waiting for a sync is in vain.
    pub(super) fn health_is_lost(&self) -> bool {
        self.journal.health().must_wind_down()
    }

    /// Commands whose frames are synced by now leave, in order. Behind a dead journal none does:
    /// the edge has done what there is to do. Where the disk keeps nothing any more, waiting is in
    /// vain.
    pub(super) fn release(&mut self) {
        if self.journal.is_failed() {
            return;
        }
        while let Some(held) = self.held.front()
            && self.journal.durable() >= held.position
        {
            if let Some(held) = self.held.pop_front() {
                self.hand_over(held.draft.frame());
            }
        }
        if !self.held.is_empty() && self.health_is_lost() {
            self.give_up();
        }
    }

    /// What waits for a disk that is lost never leaves, and is answered for: its gateway would wait
    /// for an answer, and the run's end for its leg.
    #[cold]
    fn give_up(&mut self) {
        while let Some(held) = self.held.pop_front() {
            let frame = held.draft.frame();
            let command = frame.read::<Command>();
            let sent = Sent {
                command: frame.id(),
                leg: command.leg,
                origin: command.origin,
                outcome: SentOutcome::NotSent,
                op: command.op,
                spare: [0; 2],
                code: 0,
            };
            let (due, of) = (frame.ts().saturating_add(self.delay), frame.id());
            let instrument = frame.instrument();
            answer(&mut self.back, &mut self.draft, due, of, instrument, &sent);
        }
    }
}
