//! Timers as frames: sessions, evaluations each 250 ms, housekeeping each second.
//!
//! Due times are exact multiples of the period since the epoch, inside sessions only: after the
//! open, up to and including the close. Evaluate precedes housekeeping when both are due. Due
//! times that passed unserved collapse into one tick that counts them.

use super::EndOfData;
use stream::limits::{EVALUATE_PERIOD, HOUSEKEEPING_PERIOD};
use stream::payload::{Session, Tick, Timer};
use stream::{Draft, InstrumentId, Nanos};

/// Tells the session that contains a time, or else the first one after it.
pub type Sessions = Box<dyn FnMut(Nanos) -> Option<Session> + Send>;

/// The head's timers.
pub struct Timers {
    sessions: Sessions,
    session: Option<Session>,
    /// When the current session is announced; `None` once it has been.
    announce: Option<Nanos>,
    evaluate: Nanos,
    housekeeping: Nanos,
    /// When the next of all these is due; [`Nanos::MAX`] when none is.
    next: Nanos,
    /// No session comes behind the current one.
    is_last: bool,
    evaluations: u64,
    sweeps: u64,
}

impl core::fmt::Debug for Timers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Timers")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// The first multiple of `period` after `ts`.
const fn after(ts: Nanos, period: Nanos) -> Nanos {
    Nanos((ts.0 / period.0 + 1) * period.0)
}

impl Timers {
    /// Timers over the sessions of a calendar.
    #[must_use]
    pub fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            session: None,
            announce: None,
            evaluate: Nanos::MAX,
            housekeeping: Nanos::MAX,
            next: Nanos::MAX,
            is_last: false,
            evaluations: 0,
            sweeps: 0,
        }
    }

    /// The current or coming session.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Begins at `ts`: in the session that contains it, or before the next one. `None` (no data
    /// at all) leaves the timers still.
    #[inline]
    pub fn start(&mut self, ts: Option<Nanos>) {
        if let (None, false, Some(ts)) = (&self.session, self.is_last, ts) {
            self.enter(ts);
        }
    }

    /// A calendar that knows of no further session is not asked again: it would be for each frame
    /// behind the last one.
    fn enter(&mut self, ts: Nanos) {
        let next = (self.sessions)(ts);
        if next.is_some_and(|next| self.session.is_some_and(|now| now.open >= next.open)) {
            self.is_last = true;
            return;
        }
        self.session = next;
        let Some(session) = self.session else {
            self.next = Nanos::MAX;
            self.is_last = true;
            return;
        };
        let begin = session.open.max(ts);
        self.announce = Some(begin);
        self.evaluate = after(begin, EVALUATE_PERIOD);
        self.housekeeping = after(begin, HOUSEKEEPING_PERIOD);
        self.next = begin;
    }

    /// Virtual time is about to reach `ts`: once the session's last tick is out, move on to the
    /// session that contains it. Without one nothing ticks.
    #[inline]
    pub fn reach(&mut self, ts: Nanos) {
        if ts >= self.quiet_until() && self.next == Nanos::MAX {
            self.enter(ts);
        }
    }

    /// Before this time no timer falls due, whatever the market does.
    #[must_use]
    #[inline]
    pub(super) fn quiet_until(&self) -> Nanos {
        if self.next < Nanos::MAX || self.is_last {
            return self.next;
        }
        let behind = |session: &Session| session.close.saturating_add(Nanos(1));
        self.session.as_ref().map_or(Nanos::ZERO, behind)
    }

    /// When the next timer is due.
    #[must_use]
    #[inline]
    pub fn due(&self) -> Option<Nanos> {
        (self.next < Nanos::MAX).then_some(self.next)
    }

    /// The next tick, once the session has been announced: none behind its close.
    fn set_next(&mut self, close: Nanos) {
        let tick = self.evaluate.min(self.housekeeping);
        self.next = if tick <= close { tick } else { Nanos::MAX };
    }

    /// True when the next timer is an evaluation.
    #[must_use]
    pub const fn is_evaluate_next(&self) -> bool {
        self.announce.is_none() && self.evaluate.0 <= self.housekeeping.0
    }

    /// True when the next timer is housekeeping.
    #[must_use]
    pub(super) const fn is_housekeeping_next(&self) -> bool {
        self.announce.is_none() && self.housekeeping.0 < self.evaluate.0
    }

    /// Where virtual time ends when the data ends at `now`.
    pub(super) fn end(&self, now: Nanos, end: EndOfData) -> Nanos {
        let to_close = now.saturating_add(end.to_close_max.max(end.grace));
        match self.session {
            // Behind the close and before the open nothing goes on.
            Some(session) if session.close <= now || session.open > now => now,
            Some(session) if session.close <= to_close => session.close,
            _ => now.saturating_add(end.grace),
        }
    }

    /// Writes the timer that is due at or before `ts`, and moves it on.
    ///
    /// # Panics
    /// When none is due.
    pub(super) fn take(&mut self, ts: Nanos, draft: &mut Draft) {
        let session = self.session.expect("a timer was announced");
        if self.announce.take().is_some() {
            draft.write(InstrumentId::NONE, &session);
            self.set_next(session.close);
            return;
        }
        let (timer, period) = if self.is_evaluate_next() {
            (Timer::Evaluate, EVALUATE_PERIOD)
        } else {
            (Timer::Housekeeping, HOUSEKEEPING_PERIOD)
        };
        let first = self.evaluate.min(self.housekeeping);
        let reached = ts.min(session.close).max(first);
        // Mostly none was missed, and a division takes longer than all the rest.
        let missed = match reached == first {
            true => 0,
            false => (reached.0 - first.0) / period.0,
        };
        let due = Nanos(first.0 + missed * period.0);
        let number = if timer == Timer::Evaluate {
            self.evaluations += 1;
            self.evaluate = due + period;
            self.evaluations
        } else {
            self.sweeps += 1;
            self.housekeeping = due + period;
            self.sweeps
        };
        self.set_next(session.close);
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        draft.write(
            InstrumentId::NONE,
            &Tick {
                due,
                number,
                missed,
                timer,
                spare: [0; 11],
            },
        );
    }
}
