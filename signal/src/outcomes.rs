//! Outcomes: what became of every signal, traded or not, measured on the best quotes.
//!
//! A signal's hypothetical trade enters at its entry price as soon as the far touch is there
//! (at once for a marketable entry), and leaves at the near touch when that reaches stop or
//! target, when its horizon has passed, or when the session ends. It is judged at event speed, on
//! each `Best`; a book that is not tradable judges nothing. Guaranteed: exactly one outcome for
//! each signal that was taken in, however many restarts lie between. The table is bounded.
//!
//! The outcome of a signal that became an intent is reported only once it is known whether the
//! intent filled (or [`UNDECIDED_MAX`] has passed), so that `traded` agrees with the fills.

mod open;

use crate::codec::{Reader, Writer};
use crate::session::side_index;
use open::{Open, load_open, save_open};
use stream::hash::fold;
use stream::payload::{Outcome, OutcomeKind};
use stream::{FrameId, InstrumentId, Nanos, Price, Side};

/// How long a resolved outcome waits for the word on its intent.
pub const UNDECIDED_MAX: Nanos = Nanos::from_secs(30);

/// Bytes of one open outcome in a checkpoint.
pub const OUTCOME_BYTES: usize = 107;

const NONE: u16 = u16::MAX;

/// A signal that is to be followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Followed {
    /// The signal frame.
    pub signal: FrameId,
    /// Its intent, or none.
    pub intent: FrameId,
    /// Instrument.
    pub instrument: InstrumentId,
    /// The strategy's number.
    pub strategy: u16,
    /// Side, never `None`.
    pub side: Side,
    /// Its gates.
    pub gates: u32,
    /// Entry price.
    pub entry: Price,
    /// Stop price.
    pub stop: Price,
    /// Target price.
    pub target: Price,
    /// When the signal was made.
    pub since: Nanos,
    /// When the entry gives up.
    pub fill_by: Nanos,
    /// When the horizon or the session ends, whichever is first.
    pub deadline: Nanos,
    /// True when the session ends before the horizon.
    pub session_end: bool,
}

/// The touch of a tradable book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Best bid, positive.
    pub bid: Price,
    /// Best ask, positive.
    pub ask: Price,
}

impl Touch {
    fn enter(self, side: Side) -> Price {
        [self.ask, self.bid][side_index(side)]
    }

    fn exit(self, side: Side) -> Price {
        [self.bid, self.ask][side_index(side)]
    }
}

/// The outcome of a signal that could not be followed because the table is full.
#[must_use]
pub fn unfollowed(what: &Followed) -> Outcome {
    let mut open = Open::new(*what);
    open.ended = Some((OutcomeKind::Unfilled, what.since));
    open.tell()
}

/// All open outcomes: a slab with one chain for each instrument, oldest first.
#[derive(Clone, Debug)]
pub struct Outcomes {
    slab: Vec<Option<Open>>,
    heads: Vec<u16>,
    free: Vec<u16>,
    ended: usize,
    /// Slots from this one on have never been used.
    used: usize,
    /// Nothing ends by time alone before this.
    next_end: Nanos,
}

impl Outcomes {
    /// An empty table of `capacity` outcomes for instruments 1 to `instruments`.
    ///
    /// # Panics
    /// If `capacity` is 65,535 or more.
    #[must_use]
    pub fn new(capacity: usize, instruments: usize) -> Self {
        let last = u16::try_from(capacity).expect("outcomes are indexed by 16 bits");
        assert!(last < NONE, "outcomes are indexed by 16 bits");
        Self {
            slab: vec![None; capacity],
            heads: vec![NONE; instruments + 1],
            free: (0..last).rev().collect(),
            ended: 0,
            used: 0,
            next_end: Nanos::MAX,
        }
    }

    /// Signals that are being followed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slab.len() - self.free.len()
    }

    /// True when none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when no further one fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    /// Follows a signal; `touch` is the tradable touch at this moment, if there is one.
    ///
    /// # Panics
    /// If the table is full: the caller asks first.
    pub fn follow(&mut self, what: Followed, touch: Option<Touch>) {
        let slot = self.free.pop().expect("the caller asked for room");
        let mut open = Open::new(what);
        open.judge(what.since, touch);
        self.put(slot, open);
    }

    fn put(&mut self, slot: u16, open: Open) {
        self.ended += usize::from(open.ended.is_some());
        self.next_end = self.next_end.min(open.next_end());
        self.used = self.used.max(usize::from(slot) + 1);
        self.slab[usize::from(slot)] = Some(open);
        self.append(slot, open.what.instrument);
    }

    fn append(&mut self, slot: u16, instrument: InstrumentId) {
        let mut link = self.heads[instrument.index()];
        if link == NONE {
            self.heads[instrument.index()] = slot;
            return;
        }
        loop {
            let open = self.at_mut(link);
            if open.next == NONE {
                open.next = slot;
                return;
            }
            link = open.next;
        }
    }

    fn at(&self, slot: u16) -> &Open {
        self.slab[usize::from(slot)]
            .as_ref()
            .expect("a chain holds open outcomes only")
    }

    fn at_mut(&mut self, slot: u16) -> &mut Open {
        self.slab[usize::from(slot)]
            .as_mut()
            .expect("a chain holds open outcomes only")
    }

    /// True when an outcome of the instrument is open or waits to be told.
    #[must_use]
    #[inline]
    pub fn has_open(&self, instrument: InstrumentId) -> bool {
        self.heads[instrument.index()] != NONE
    }

    /// Judges the open outcomes of one instrument, and takes the first that is due, if any.
    #[inline]
    pub fn on_best(
        &mut self,
        instrument: InstrumentId,
        ts: Nanos,
        touch: Option<Touch>,
    ) -> Option<Outcome> {
        let head = self.heads[instrument.index()];
        if head == NONE {
            return None;
        }
        let mut due = NONE;
        let mut link = head;
        while link != NONE {
            let open = self.at_mut(link);
            let was_open = open.ended.is_none();
            open.judge(ts, touch);
            let (next, ended, is_due) = (open.next, open.ended.is_some(), open.is_due(ts));
            self.ended += usize::from(was_open && ended);
            if is_due && due == NONE {
                due = link;
            }
            link = next;
        }
        (due != NONE).then(|| self.take(due).1)
    }

    /// Judges what only time ends.
    pub fn expire(&mut self, ts: Nanos) {
        if ts < self.next_end {
            return;
        }
        self.next_end = Nanos::MAX;
        for open in self.slab[..self.used].iter_mut().flatten() {
            let was_open = open.ended.is_none();
            open.judge(ts, None);
            self.ended += usize::from(was_open && open.ended.is_some());
            self.next_end = self.next_end.min(open.next_end());
        }
    }

    /// Takes all that are due, in slab order.
    pub fn drain(&mut self, ts: Nanos, mut tell: impl FnMut(InstrumentId, &Outcome)) {
        if self.ended == 0 {
            return;
        }
        for slot in 0..self.used as u16 {
            let due = self.slab[usize::from(slot)].is_some_and(|open| open.is_due(ts));
            if due {
                let (instrument, outcome) = self.take(slot);
                tell(instrument, &outcome);
            }
        }
    }

    fn take(&mut self, slot: u16) -> (InstrumentId, Outcome) {
        let open = *self.at(slot);
        let instrument = open.what.instrument;
        let mut link = self.heads[instrument.index()];
        if link == slot {
            self.heads[instrument.index()] = open.next;
        } else {
            while self.at(link).next != slot {
                link = self.at(link).next;
            }
            self.at_mut(link).next = open.next;
        }
        self.slab[usize::from(slot)] = None;
        self.free.push(slot);
        self.ended -= 1;
        (instrument, open.tell())
    }

    /// It is decided whether the intent filled.
    pub fn decide(&mut self, instrument: InstrumentId, intent: FrameId, filled: bool) {
        let mut link = self.heads[instrument.index()];
        while link != NONE {
            let open = self.at_mut(link);
            if open.what.intent == intent {
                open.undecided = false;
                open.traded |= filled;
                return;
            }
            link = open.next;
        }
    }

    /// A hash of every open outcome, whatever its place in the table.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut sum = 0_u64;
        for open in self.slab[..self.used].iter().flatten() {
            let mut hash = fold(open.what.signal.0, open.exit.0 as u64);
            hash = fold(hash, open.favourable.0 as u64 ^ open.what.deadline.0);
            hash = fold(hash, open.adverse.0 as u64 ^ open.what.entry.0 as u64);
            let ended = open.ended.map_or(0, |(kind, at)| at.0 ^ (kind as u64 + 1));
            let bits = u64::from(open.entered)
                | u64::from(open.traded) << 1
                | u64::from(open.undecided) << 2;
            sum = sum.wrapping_add(fold(hash, ended ^ bits << 61));
        }
        sum
    }

    /// Appends all open outcomes, by chain and oldest first: `OUTCOME_BYTES` each and a count.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.u16(self.len() as u16);
        for &head in &self.heads {
            let mut link = head;
            while link != NONE {
                let open = self.at(link);
                save_open(open, writer);
                link = open.next;
            }
        }
    }

    /// Takes what [`Outcomes::save`] wrote into an empty table.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), &'static str> {
        *self = Self::new(self.slab.len(), self.heads.len() - 1);
        for _ in 0..reader.u16()? {
            let open = load_open(reader)?;
            if open.what.instrument.index() >= self.heads.len() {
                return Err("a saved outcome is about an instrument beyond the universe");
            }
            let slot = self
                .free
                .pop()
                .ok_or("more saved outcomes than the table holds")?;
            self.put(slot, open);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
