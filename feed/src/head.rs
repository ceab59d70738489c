//! The head of the stream: the only merge in the system.
//!
//! Everything that the engine learns is numbered and stamped here, in one order: operator, broker
//! and loop-backs, due timers, market. Nothing downstream depends on when a thread ran. The head
//! owns no clock and no thread: a live shell hands it the time, virtual time comes from the data.
//!
//! Inputs queue before they are numbered. What is numbered and not yet journaled is the [`Window`]:
//! at most [`WINDOW_LINES`](stream::limits::WINDOW_LINES) lines and one evaluation, so that a kill
//! or a fill never waits behind a burst.
//!
//! Deliberately absent: any decision about what a frame means.

mod merge;
mod queue;
mod silence;
mod timers;
mod window;

pub use merge::Merge;
pub use timers::{Sessions, Timers};
pub use window::Window;

use queue::AnswerQueue;
use stream::limits::PULSE_SILENCE;
use stream::payload::{Tick, Timer};
use stream::{Draft, FrameRef, InstrumentId, Nanos, Next, Source};

/// What came of asking the head for the next input.
#[derive(Debug)]
pub enum Step<'a> {
    /// An input, numbered and stamped.
    Frame(FrameRef<'a>),
    /// Something is due, but what is numbered must drain first.
    Wait,
    /// Nothing is due at the moment (live only).
    Idle,
    /// Nothing will come any more (virtual time only).
    End,
}

/// Which queue is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pick {
    Answer,
    Timer,
    Market,
}

/// How virtual time ends once the data has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndOfData {
    /// Ticks go on to the session's close when it is at most this far away, or at most `grace`.
    pub to_close_max: Nanos,
    /// Otherwise they go on for this long, so that what is under way comes to its end: answers
    /// arrive, and every report that a stage owes is made. The configuration decides how long that
    /// is.
    pub grace: Nanos,
}

impl Default for EndOfData {
    fn default() -> Self {
        Self {
            to_close_max: Nanos::from_secs(300),
            grace: Nanos::from_secs(5),
        }
    }
}

/// The head.
#[derive(Debug)]
pub struct Head {
    now: Nanos,
    answers: AnswerQueue,
    timers: Timers,
    window: Window,
    draft: Draft,
    notice: Draft,
    /// The smallest delay of any loop-back or answer: virtual time may run ahead by less.
    lookahead: Nanos,
    end_of_data: EndOfData,
    /// Set once the data has ended: when virtual time does.
    end_at: Option<Nanos>,
    /// The last live frame's stamp, for the pulse.
    quiet_since: Nanos,
    pulses: u64,
    /// In virtual time: before this neither a timer nor an answer falls due, nor anything that a
    /// timer brings. Zero: not known.
    calm_until: Nanos,
}

impl Head {
    /// A head that continues after `last_seq` and `last_ts` (both 0 at first).
    ///
    /// # Panics
    /// If `lookahead` is zero: virtual time could then never move.
    #[must_use]
    pub fn new(last_seq: u64, last_ts: Nanos, timers: Timers, lookahead: Nanos) -> Self {
        assert!(
            lookahead > Nanos::ZERO,
            "answers and loop-backs need a delay above zero"
        );
        Self {
            now: last_ts,
            answers: AnswerQueue::new(),
            timers,
            window: Window::new(last_seq),
            draft: Draft::new(),
            notice: Draft::new(),
            lookahead,
            end_of_data: EndOfData::default(),
            end_at: None,
            quiet_since: last_ts,
            pulses: 0,
            calm_until: Nanos::ZERO,
        }
    }

    /// With another end of virtual time than [`EndOfData::default`].
    #[must_use]
    pub const fn ending(mut self, end: EndOfData) -> Self {
        self.end_of_data = end;
        self
    }

    /// The number of the last input.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.window.numbered_seq()
    }

    /// The stamp of the last input.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.now
    }

    /// What is numbered and not yet drained.
    #[must_use]
    pub const fn window(&self) -> &Window {
        &self.window
    }

    /// The most input lines that stood in the window since the last call.
    pub const fn window_high_water(&mut self) -> usize {
        self.window.take_high_water()
    }

    /// Takes an answer, a loop-back or an operator's control, which waits for its time: a draft
    /// whose header tells when it falls due (`ts`) and its cause (`seq`, `sub`).
    ///
    /// # Panics
    /// When [`ANSWERS_MAX`](stream::limits::ANSWERS_MAX) wait already: the edge broke its credits.
    #[inline]
    pub fn hear(&mut self, answer: FrameRef<'_>) {
        self.calm_until = self.calm_until.min(answer.ts());
        self.answers.push(answer);
    }

    /// Everything up to `seq` has been journaled, and its answers have been heard.
    #[inline]
    pub fn drained(&mut self, seq: u64) {
        self.window.drained(seq);
    }

    /// Numbers a frame that the shell makes itself at a start: configuration, definitions,
    /// restarts. `ts` is the time at hand, used where it is later than the last stamp.
    pub fn number(&mut self, ts: Nanos, write: impl FnOnce(&mut Draft)) -> FrameRef<'_> {
        write(&mut self.draft);
        let stamp = self.now.max(ts);
        self.stamp(stamp, stamp, false);
        self.draft.frame()
    }

    /// The next input in virtual time.
    #[inline]
    pub fn next_virtual(&mut self, market: &mut impl Source) -> Step<'_> {
        // Mostly: the market's, strictly before all else and before what may still be caused.
        let limit = self.calm_until.min(self.horizon());
        if self.now < limit
            && self.window.has_room(false)
            && let Some(due) = market.take_before(limit, &mut self.draft)
        {
            let ts = due.max(self.now);
            self.stamp(ts, ts, false);
            return Step::Frame(self.draft.frame());
        }
        self.next_of_all(market)
    }

    fn next_of_all(&mut self, market: &mut impl Source) -> Step<'_> {
        loop {
            let market_due = match market.next() {
                Next::At(due) => Some(due),
                Next::Idle | Next::End => None,
            };
            self.timers.start(market_due);
            let Some((pick, due)) = self.pick(market_due) else {
                // What has not drained may still answer.
                return if self.window.oldest_ts().is_some() {
                    Step::Wait
                } else {
                    Step::End
                };
            };
            let evaluation = pick == Pick::Timer && self.timers.is_evaluate_next();
            let ts = self.now.max(due);
            if !self.window.has_room(evaluation) || ts >= self.horizon() {
                return Step::Wait;
            }
            if self.fetch(pick, ts, market) {
                self.stamp(ts, ts, evaluation);
                return Step::Frame(self.draft.frame());
            }
        }
    }

    /// The next input in live time. `now` never runs backwards here, whatever the caller's clock
    /// does.
    pub fn next_live(&mut self, market: &mut impl Source, now: Nanos) -> Step<'_> {
        let now = now.max(self.now);
        self.timers.start(Some(now));
        self.timers.reach(now);
        loop {
            let (pick, due) = if let Some(due) = self.answers.due().filter(|due| *due <= now) {
                (Pick::Answer, due)
            } else if let Some(due) = self.timers.due().filter(|due| *due <= now) {
                (Pick::Timer, due)
            } else if let Next::At(due) = market.next()
                && due <= now
            {
                (Pick::Market, due)
            } else {
                return self.pulse(now);
            };
            let evaluation = pick == Pick::Timer && self.timers.is_evaluate_next();
            if !self.window.has_room(evaluation) {
                return Step::Wait;
            }
            if self.fetch(pick, now, market) {
                // A source that says "zero" has no due time of its own: it has only just arrived.
                let due = if due == Nanos::ZERO { now } else { due };
                self.stamp(now, due, evaluation);
                return Step::Frame(self.draft.frame());
            }
        }
    }

    /// Takes the timer that is due; behind housekeeping come the sources that have gone silent.
    fn tick(&mut self, ts: Nanos, market: &mut impl Source) {
        let housekeeping = self.timers.is_housekeeping_next();
        self.timers.take(ts, &mut self.draft);
        while housekeeping && market.silence(ts, &mut self.notice) {
            self.notice.header_mut().ts = ts;
            self.answers.push(self.notice.frame());
        }
    }

    /// Moves what was picked into the draft; false when a source's announcement came to nothing.
    #[inline(always)]
    fn fetch(&mut self, pick: Pick, ts: Nanos, market: &mut impl Source) -> bool {
        match pick {
            Pick::Answer => self.answers.take(&mut self.draft),
            Pick::Timer => self.tick(ts, market),
            Pick::Market => return market.take(&mut self.draft),
        }
        true
    }

    /// The earliest candidate; ties go to answers, then timers, then market.
    fn pick(&mut self, market_due: Option<Nanos>) -> Option<(Pick, Nanos)> {
        let answer = self.answers.due();
        if let Some(due) = market_due {
            self.timers.reach(due);
            let timer = self.timers.quiet_until();
            self.calm_until = answer.map_or(timer, |due| due.min(timer));
        } else {
            let end = *self
                .end_at
                .get_or_insert(self.timers.end(self.now, self.end_of_data));
            if answer.is_none() && self.timers.due().is_none_or(|due| due > end) {
                return None;
            }
        }
        // Whatever is overdue is due now; where nothing waits, it is due at the end of time. In
        // the order that breaks ties: a later one must be strictly earlier to win.
        let due = |due: Option<Nanos>| due.unwrap_or(Nanos::MAX).max(self.now);
        let mut best = (Pick::Answer, due(answer));
        for other in [
            (Pick::Timer, due(self.timers.due())),
            (Pick::Market, due(market_due)),
        ] {
            if other.1 < best.1 {
                best = other;
            }
        }
        (best.1 < Nanos::MAX).then_some(best)
    }

    /// Nothing is numbered with `ts` ≥ T before everything with `ts` ≤ T − lookahead has drained:
    /// whatever that still causes falls due at T or later. This T.
    #[inline]
    fn horizon(&self) -> Nanos {
        let oldest = self.window.oldest_ts();
        oldest.map_or(Nanos::MAX, |ts| ts.saturating_add(self.lookahead))
    }

    fn pulse(&mut self, now: Nanos) -> Step<'_> {
        if now < self.quiet_since.saturating_add(PULSE_SILENCE) || !self.window.has_room(false) {
            return Step::Idle;
        }
        self.pulses += 1;
        let tick = Tick {
            due: self.quiet_since.saturating_add(PULSE_SILENCE),
            number: self.pulses,
            missed: 0,
            timer: Timer::Pulse,
            spare: [0; 11],
        };
        self.draft.write(InstrumentId::NONE, &tick);
        self.stamp(now, now, false);
        Step::Frame(self.draft.frame())
    }

    #[inline(always)]
    fn stamp(&mut self, ts: Nanos, due: Nanos, evaluation: bool) {
        self.now = ts;
        self.quiet_since = ts;
        let age = u32::try_from(ts.saturating_sub(due).0).unwrap_or(u32::MAX);
        let lines = self.draft.header().lines();
        let seq = self.window.push(ts, lines, evaluation);
        self.draft.number(seq, ts, age);
    }
}

#[cfg(test)]
mod tests;
