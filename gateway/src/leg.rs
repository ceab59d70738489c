//! The life of one leg, as a pure function: what it was, what happened, what it is.
//!
//! Guarantees: a final state is never left; a live state is never left for an earlier one;
//! repeated and late answers change nothing. [`LegState::Unknown`] stands beside that order: any
//! proof from the broker ends it, at the furthest state that was ever proven.
//!
//! Deliberately absent: quantities. They come from fills alone and live in
//! [`crate::bracket::Leg`].

use stream::payload::{LegState, SentOutcome};

/// Where a leg is, and the furthest live state that the broker itself has proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// The state as told to the world.
    pub state: LegState,
    /// The furthest of `Held`, `Working` and `PartlyFilled` that the broker has proven; `Queued`
    /// while it has said nothing.
    pub proven: LegState,
}

/// What happened to a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its `Place` command was made.
    Commanded,
    /// The edge said what became of its `Place` command.
    Handed(SentOutcome),
    /// The broker named a live state, or `Unknown`.
    Told(LegState),
    /// It traded.
    Traded {
        /// All of it has traded now.
        complete: bool,
    },
    /// A `Cancel` command was made.
    CancelCommanded,
    /// The broker named a final state, and every execution that it reported is booked.
    Ended(LegState),
    /// Nothing was heard for too long.
    Silent,
    /// It was given up before its command was made.
    GivenUp,
}

impl Life {
    /// The life after `event`.
    #[must_use]
    pub fn next(self, event: Event) -> Self {
        if self.state.is_final() {
            return self;
        }
        match event {
            Event::Commanded => self.only_from(LegState::Queued, LegState::Commanded),
            Event::GivenUp => self.only_from(LegState::Queued, LegState::Abandoned),
            Event::Handed(outcome) => self.handed(outcome),
            Event::Told(state) => self.told(state),
            Event::Traded { complete: true } => self.at(LegState::Filled),
            Event::Traded { complete: false } => self.told(LegState::PartlyFilled),
            Event::CancelCommanded => match self.state {
                LegState::Unknown => self,
                _ => self.at(self.state.max(LegState::Cancelling)),
            },
            Event::Ended(state) if state.is_final() => self.at(state),
            Event::Ended(_) => self,
            Event::Silent => self.at(LegState::Unknown),
        }
    }

    fn at(self, state: LegState) -> Self {
        Self { state, ..self }
    }

    fn only_from(self, from: LegState, to: LegState) -> Self {
        if self.state == from {
            self.at(to)
        } else {
            self
        }
    }

    /// Once the broker has spoken of the leg, the edge's word about handing it over is old news.
    fn handed(self, outcome: SentOutcome) -> Self {
        if self.proven != LegState::Queued || self.state == LegState::Queued {
            return self;
        }
        match outcome {
            SentOutcome::Sent => self.only_from(LegState::Commanded, LegState::Sent),
            SentOutcome::Unknown => self.at(LegState::Unknown),
            SentOutcome::NotSent | SentOutcome::Abandoned => self.at(LegState::Abandoned),
        }
    }

    fn told(self, told: LegState) -> Self {
        match told {
            LegState::Unknown => self.at(LegState::Unknown),
            LegState::Held | LegState::Working | LegState::PartlyFilled => {
                let proven = self.proven.max(told);
                let state = match self.state {
                    LegState::Unknown => proven,
                    state => state.max(told),
                };
                Self { state, proven }
            }
            LegState::Cancelling => self.at(LegState::Cancelling),
            // The broker cannot name our own earlier states; final ones come as `Ended`.
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LegState as S;

    fn life(events: &[Event]) -> S {
        let mut life = Life::default();
        for &event in events {
            life = life.next(event);
        }
        life.state
    }

    const SENT: Event = Event::Handed(SentOutcome::Sent);

    #[test]
    fn the_usual_life() {
        let mut events = vec![Event::Commanded];
        assert_eq!(life(&events), S::Commanded);
        events.push(SENT);
        assert_eq!(life(&events), S::Sent);
        events.push(Event::Told(S::Working));
        assert_eq!(life(&events), S::Working);
        events.push(Event::Traded { complete: false });
        assert_eq!(life(&events), S::PartlyFilled);
        events.push(Event::Traded { complete: true });
        assert_eq!(life(&events), S::Filled);
    }

    #[test]
    fn statuses_out_of_order_never_regress() {
        let events = [
            Event::Commanded,
            SENT,
            Event::Traded { complete: true },
            Event::Told(S::Working),
            Event::Told(S::Held),
            Event::Ended(S::Cancelled),
            SENT,
        ];
        assert_eq!(life(&events), S::Filled);
        let events = [
            Event::Commanded,
            Event::Told(S::Working),
            SENT,
            Event::Told(S::Held),
        ];
        assert_eq!(life(&events), S::Working);
    }

    #[test]
    fn a_partial_fill_does_not_undo_a_cancel() {
        let events = [
            Event::Commanded,
            SENT,
            Event::CancelCommanded,
            Event::Traded { complete: false },
            Event::Told(S::Working),
        ];
        assert_eq!(life(&events), S::Cancelling);
    }

    #[test]
    fn unknown_ends_by_proof_at_the_furthest_proven_state() {
        let unknown = Event::Handed(SentOutcome::Unknown);
        assert_eq!(life(&[Event::Commanded, unknown]), S::Unknown);
        assert_eq!(
            life(&[Event::Commanded, unknown, Event::Told(S::Working)]),
            S::Working
        );
        let events = [
            Event::Commanded,
            SENT,
            Event::Traded { complete: false },
            Event::Silent,
            Event::Told(S::Working),
        ];
        assert_eq!(life(&events), S::PartlyFilled);
        assert_eq!(
            life(&[Event::Commanded, unknown, Event::CancelCommanded]),
            S::Unknown
        );
        let abandoned = Event::Handed(SentOutcome::Abandoned);
        assert_eq!(life(&[Event::Commanded, unknown, abandoned]), S::Abandoned);
    }

    #[test]
    fn never_sent_is_believed_only_before_the_broker_spoke() {
        let not_sent = Event::Handed(SentOutcome::NotSent);
        assert_eq!(life(&[Event::Commanded, not_sent]), S::Abandoned);
        assert_eq!(
            life(&[Event::Commanded, Event::Told(S::Working), not_sent]),
            S::Working
        );
    }

    #[test]
    fn every_event_in_every_state_keeps_the_order() {
        let events = [
            Event::Commanded,
            SENT,
            Event::Handed(SentOutcome::NotSent),
            Event::Handed(SentOutcome::Unknown),
            Event::Told(S::Held),
            Event::Told(S::Working),
            Event::Told(S::PartlyFilled),
            Event::Told(S::Cancelling),
            Event::Traded { complete: false },
            Event::Traded { complete: true },
            Event::CancelCommanded,
            Event::Ended(S::Cancelled),
            Event::Ended(S::Rejected),
            Event::GivenUp,
        ];
        for &state in S::ALL {
            for &proven in &[S::Queued, S::Held, S::Working, S::PartlyFilled] {
                let before = Life { state, proven };
                for &event in &events {
                    let after = before.next(event);
                    assert!(after.proven >= before.proven);
                    if state.is_final() {
                        assert_eq!(after, before, "{event:?}");
                    } else if state != S::Unknown {
                        assert!(after.state >= state, "{state:?} {event:?} {after:?}");
                    }
                }
            }
        }
    }
}
