//! Outcomes: what became of every signal, traded or not, measured on the best quotes.
//!
//! A signal's hypothetical trade enters at its entry price as soon as the far touch is there
//! (at once for a marketable entry), and leaves at the near touch when that reaches stop or
//! target, when its horizon has passed, or when the session ends. It is judged at event speed, on
//! each `Best`; a book that is not tradable judges nothing. Guaranteed: exactly one outcome for
//! each signal that was taken in, however many restarts lie between. The table is bounded.
//!
//! A signal that became an intent is not told of before it is decided whether the intent filled
//! (or [`UNDECIDED_MAX`] has passed), so that `traded` is true to the fills.

use crate::codec::{Reader, Writer};
use crate::session::side_index;
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

#[derive(Clone, Copy, Debug, PartialEq)]
struct Open {
    what: Followed,
    entered: bool,
    traded: bool,
    undecided: bool,
    /// How it ended and when, once it has.
    ended: Option<(OutcomeKind, Nanos)>,
    /// The near touch when it was last looked at; the entry before that.
    exit: Price,
    favourable: Price,
    adverse: Price,
    next: u16,
}

impl Open {
    fn new(what: Followed) -> Self {
        Self {
            what,
            entered: false,
            traded: false,
            undecided: !what.intent.is_none(),
            ended: None,
            exit: what.entry,
            favourable: Price::ZERO,
            adverse: Price::ZERO,
            next: NONE,
        }
    }

    /// Signed distance from the entry in the signal's favour.
    fn gain(&self, price: Price) -> Price {
        match self.what.side {
            Side::Sell => self.what.entry.saturating_sub(price),
            _ => price.saturating_sub(self.what.entry),
        }
    }

    /// Looks at the touch, then at the time.
    fn judge(&mut self, ts: Nanos, touch: Option<Touch>) {
        if self.ended.is_some() {
            return;
        }
        if ts < self.what.deadline
            && let Some(touch) = touch
        {
            self.look(ts, touch);
        }
        if self.ended.is_none() {
            self.expire(ts);
        }
    }

    fn look(&mut self, ts: Nanos, touch: Touch) {
        let side = self.what.side;
        if !self.entered {
            if self.gain(touch.enter(side)).0 > 0 || ts > self.what.fill_by {
                return;
            }
            self.entered = true;
        }
        self.exit = touch.exit(side);
        let gain = self.gain(self.exit);
        self.favourable = self.favourable.max(gain);
        self.adverse = self.adverse.min(gain);
        if gain <= self.gain(self.what.stop) {
            self.ended = Some((OutcomeKind::Stop, ts));
        } else if gain >= self.gain(self.what.target) {
            self.ended = Some((OutcomeKind::Target, ts));
        }
    }

    fn expire(&mut self, ts: Nanos) {
        let what = &self.what;
        if !self.entered && ts >= what.fill_by.min(what.deadline) {
            self.ended = Some((OutcomeKind::Unfilled, ts));
        } else if ts >= what.deadline {
            let kind = if what.session_end {
                OutcomeKind::SessionEnd
            } else {
                OutcomeKind::Horizon
            };
            self.ended = Some((kind, ts));
        }
    }

    /// When time alone ends it; never, once it has ended.
    fn next_end(&self) -> Nanos {
        match (self.ended, self.entered) {
            (Some(_), _) => Nanos::MAX,
            (None, true) => self.what.deadline,
            (None, false) => self.what.fill_by.min(self.what.deadline),
        }
    }

    /// When it is to be told of: ended, and decided or waited for long enough.
    fn is_due(&self, ts: Nanos) -> bool {
        match self.ended {
            Some((_, at)) => !self.undecided || ts >= at.saturating_add(UNDECIDED_MAX),
            None => false,
        }
    }

    fn tell(&self) -> Outcome {
        let what = &self.what;
        let (kind, at) = self.ended.expect("only an ended outcome is told");
        Outcome {
            signal: what.signal,
            kind,
            traded: u8::from(self.traded),
            side: what.side,
            strategy: what.strategy,
            exit: self.exit,
            favourable: self.favourable,
            adverse: self.adverse,
            result_ppm: if self.entered {
                result_ppm(self.gain(self.exit), self.gain(what.stop))
            } else {
                0
            },
            elapsed: at.saturating_sub(what.since),
            gates: what.gates,
            ..Outcome::zeroed()
        }
    }
}

/// `gain` over the risk (the loss at the stop, negative) in parts per million, clamped.
fn result_ppm(gain: Price, at_stop: Price) -> i64 {
    let risk = i128::from(at_stop.0).abs().max(1);
    let ppm = i128::from(gain.0) * 1_000_000 / risk;
    ppm.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
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
        for open in self.slab.iter().flatten() {
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

fn save_open(open: &Open, writer: &mut Writer<'_>) {
    let what = &open.what;
    writer.u64(what.signal.0);
    writer.u64(what.intent.0);
    writer.u16(what.instrument.0);
    writer.u16(what.strategy);
    writer.u8(what.side as u8);
    writer.u32(what.gates);
    for price in [what.entry, what.stop, what.target] {
        writer.i64(price.0);
    }
    for time in [what.since, what.fill_by, what.deadline] {
        writer.u64(time.0);
    }
    let flags = [what.session_end, open.entered, open.traded, open.undecided];
    let bits = flags
        .iter()
        .rev()
        .fold(0, |bits, &flag| bits << 1 | u8::from(flag));
    writer.u8(bits);
    let (kind, at) = open
        .ended
        .map_or((u8::MAX, Nanos::ZERO), |(kind, at)| (kind as u8, at));
    writer.u8(kind);
    writer.u64(at.0);
    for price in [open.exit, open.favourable, open.adverse] {
        writer.i64(price.0);
    }
}

fn load_open(reader: &mut Reader<'_>) -> Result<Open, &'static str> {
    let mut what = Followed {
        signal: reader.frame()?,
        intent: reader.frame()?,
        instrument: InstrumentId(reader.u16()?),
        strategy: reader.u16()?,
        side: reader.side()?,
        gates: reader.u32()?,
        entry: reader.price()?,
        stop: reader.price()?,
        target: reader.price()?,
        since: reader.nanos()?,
        fill_by: reader.nanos()?,
        deadline: reader.nanos()?,
        session_end: false,
    };
    let bits = reader.u8()?;
    what.session_end = bits & 1 != 0;
    let (kind, at) = (reader.u8()?, reader.nanos()?);
    let ended = match kind {
        u8::MAX => None,
        kind => {
            let kind = OutcomeKind::ALL
                .iter()
                .find(|known| **known as u8 == kind)
                .ok_or("a saved outcome ended in a way that does not exist")?;
            Some((*kind, at))
        }
    };
    Ok(Open {
        what,
        entered: bits & 2 != 0,
        traded: bits & 4 != 0,
        undecided: bits & 8 != 0,
        ended,
        exit: reader.price()?,
        favourable: reader.price()?,
        adverse: reader.price()?,
        next: NONE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: InstrumentId = InstrumentId(1);

    fn long(signal: u64) -> Followed {
        Followed {
            signal: FrameId(signal),
            intent: FrameId::NONE,
            instrument: ONE,
            strategy: 1,
            side: Side::Buy,
            gates: 0,
            entry: Price(100),
            stop: Price(90),
            target: Price(120),
            since: Nanos(1_000),
            fill_by: Nanos(2_000),
            deadline: Nanos(9_000),
            session_end: false,
        }
    }

    fn touch(bid: i64) -> Option<Touch> {
        Some(Touch {
            bid: Price(bid),
            ask: Price(bid + 1),
        })
    }

    fn table() -> Outcomes {
        Outcomes::new(8, 2)
    }

    #[test]
    fn a_target_is_told_with_its_extremes() {
        let mut table = table();
        table.follow(long(7), touch(99));
        assert_eq!(table.on_best(ONE, Nanos(1_100), touch(95)), None);
        let told = table.on_best(ONE, Nanos(1_200), touch(121)).unwrap();
        assert_eq!(told.kind, OutcomeKind::Target);
        assert_eq!((told.favourable, told.adverse), (Price(21), Price(-5)));
        assert_eq!((told.result_ppm, told.elapsed), (2_100_000, Nanos(200)));
        assert!(table.is_empty());
    }

    #[test]
    fn a_gap_through_the_stop_costs_what_it_costs() {
        let mut table = table();
        table.follow(long(7), touch(99));
        let told = table.on_best(ONE, Nanos(1_100), touch(80)).unwrap();
        assert_eq!(
            (told.kind, told.result_ppm),
            (OutcomeKind::Stop, -2_000_000)
        );
    }

    #[test]
    fn an_entry_that_is_never_traded_at_is_unfilled() {
        let mut table = table();
        table.follow(long(7), touch(105));
        assert_eq!(table.on_best(ONE, Nanos(1_500), touch(125)), None);
        let told = table.on_best(ONE, Nanos(2_000), touch(125)).unwrap();
        assert_eq!((told.kind, told.result_ppm), (OutcomeKind::Unfilled, 0));
    }

    #[test]
    fn the_horizon_ends_at_or_past_its_deadline() {
        let mut table = table();
        table.follow(long(7), touch(99));
        table.expire(Nanos(8_999));
        table.drain(Nanos(8_999), |_, _| panic!("too early"));
        table.expire(Nanos(9_001));
        let mut told = Vec::new();
        table.drain(Nanos(9_001), |_, outcome| told.push(*outcome));
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].kind, OutcomeKind::Horizon);
    }

    #[test]
    fn a_book_that_is_not_tradable_judges_nothing() {
        let mut table = table();
        table.follow(long(7), touch(99));
        assert_eq!(table.on_best(ONE, Nanos(1_100), None), None);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn an_intent_is_told_of_once_its_fill_is_decided() {
        let mut table = table();
        let intent = FrameId(8);
        table.follow(Followed { intent, ..long(7) }, touch(99));
        assert_eq!(table.on_best(ONE, Nanos(1_100), touch(80)), None);
        table.decide(ONE, intent, true);
        let told = table.on_best(ONE, Nanos(1_200), touch(200)).unwrap();
        assert_eq!((told.kind, told.traded), (OutcomeKind::Stop, 1));
    }

    proptest! {
        /// A long list of signals in random order of ends: one outcome each, and a save in the
        /// middle changes none of them.
        #[test]
        fn every_signal_gets_exactly_one_outcome(
            steps in prop::collection::vec((0_u8..4, 60_i64..140, 1_u16..3), 1..200),
            cut in 0_usize..200,
        ) {
            let mut tables = [table(), table()];
            let mut followed = 0;
            let mut told: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
            for (i, (what, bid, instrument)) in steps.iter().enumerate() {
                let ts = Nanos(1_000 + 700 * i as u64);
                if i == cut {
                    let mut bytes = Vec::new();
                    tables[1].save(&mut Writer::new(&mut bytes));
                    prop_assert_eq!(bytes.len(), 2 + OUTCOME_BYTES * tables[1].len());
                    let mut fresh = table();
                    fresh.load(&mut Reader::new(&bytes)).unwrap();
                    prop_assert_eq!(fresh.hash(), tables[1].hash());
                    tables[1] = fresh;
                }
                if *what == 0 && !tables[0].is_full() {
                    followed += 1;
                }
                for (table, told) in tables.iter_mut().zip(&mut told) {
                    if *what == 0 && !table.is_full() {
                        table.follow(Followed {
                            instrument: InstrumentId(*instrument),
                            since: ts,
                            fill_by: Nanos(ts.0 + 2_000),
                            deadline: Nanos(ts.0 + 9_000),
                            ..long(i as u64 + 1)
                        }, touch(*bid));
                    } else if *what == 1 {
                        table.expire(ts);
                        table.drain(ts, |_, outcome| told.push(outcome.signal.0));
                    } else {
                        let best = table.on_best(InstrumentId(*instrument), ts, touch(*bid));
                        told.extend(best.map(|outcome| outcome.signal.0));
                    }
                }
                prop_assert_eq!(tables[0].hash(), tables[1].hash());
            }
            let end = Nanos(u64::MAX / 2);
            for (table, told) in tables.iter_mut().zip(&mut told) {
                table.expire(end);
                table.drain(end, |_, outcome| told.push(outcome.signal.0));
                prop_assert!(table.is_empty());
                told.sort_unstable();
                prop_assert_eq!(told.len(), followed);
                told.dedup();
                prop_assert_eq!(told.len(), followed);
            }
        }
    }
}
