//! What a lane measures as frames pass: service time of each part, ages of decisions.
//!
//! In virtual time nothing is measured. Live, each decision's age is taken when it has passed the
//! lane's end; the time that each part takes is measured on a sample of the inputs and on every
//! evaluation, by switching one stop-watch from part to part (so a part's time excludes what it
//! calls). Plain cells: a probe belongs to one lane.

use crate::clock::Clock;
use std::cell::{Cell, RefCell};
use stream::{FrameRef, Kind, Nanos};

/// The lane's end: ring or journal gate.
pub const PART_END: u8 = 5;
/// Parts that are told apart: head, four stages, end.
pub const PARTS: usize = 6;
/// Decisions of one input whose age is kept; further ones are counted only.
const DECISIONS: usize = 32;
/// One input in this many is measured part by part. The stop-watch costs such an input twice its
/// own time: were there many, they would be the tail of what the run tells of its latency.
const SAMPLE: u64 = 256;

/// What a lane measures.
#[derive(Debug, Default)]
pub struct Probe {
    live: Option<RefCell<Live>>,
    sampling: Cell<bool>,
    part: Cell<u8>,
    since: Cell<u64>,
    spent: [Cell<u64>; PARTS],
}

/// How frames are watched on their way through a chain.
pub(crate) trait Watch: Copy {
    /// The stop-watch goes over to `part`; returns the part that had it.
    fn enter(self, part: u8) -> u8;
    /// The stop-watch goes back to `part`.
    fn leave(self, part: u8);
    /// A frame has passed the lane's end.
    fn see(self, frame: FrameRef<'_>);
}

/// In virtual time nothing is measured, and the check for it is not even compiled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unwatched;

impl Watch for Unwatched {
    #[inline(always)]
    fn enter(self, _: u8) -> u8 {
        0
    }

    #[inline(always)]
    fn leave(self, _: u8) {}

    #[inline(always)]
    fn see(self, _: FrameRef<'_>) {}
}

impl Watch for &Probe {
    #[inline]
    fn enter(self, part: u8) -> u8 {
        if self.sampling.get() {
            self.switch(part)
        } else {
            0
        }
    }

    #[inline]
    fn leave(self, part: u8) {
        if self.sampling.get() {
            self.switch(part);
        }
    }

    #[inline]
    fn see(self, frame: FrameRef<'_>) {
        if is_decision(frame.kind()) {
            self.decide(frame);
        }
    }
}

#[derive(Debug)]
struct Live {
    clock: Clock,
    inputs: u64,
    decisions: [(u16, u64); DECISIONS],
    count: usize,
}

/// Frames whose age a trader asks about.
const fn is_decision(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Evaluate | Kind::Signal | Kind::Intent | Kind::Refused | Kind::Order | Kind::Command
    )
}

impl Probe {
    /// A probe that measures with `clock`.
    #[must_use]
    pub fn live(clock: Clock) -> Self {
        let live = Live {
            clock,
            inputs: 0,
            decisions: [(0, 0); DECISIONS],
            count: 0,
        };
        Self {
            live: Some(RefCell::new(live)),
            ..Self::default()
        }
    }

    /// True in live time.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Now, in live time; zero in virtual time.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.live
            .as_ref()
            .map_or(Nanos::ZERO, |live| live.borrow_mut().clock.now())
    }

    /// True when a frame may pass unmeasured; it has been counted then.
    #[inline]
    pub fn lets_pass(&self, frame: FrameRef<'_>) -> bool {
        let Some(live) = &self.live else { return true };
        let live = &mut *live.borrow_mut();
        let kind = frame.kind();
        let measured = kind == Kind::Tick || (live.inputs + 1).is_multiple_of(SAMPLE);
        if measured || is_decision(kind) {
            return false;
        }
        live.inputs += 1;
        true
    }

    /// An input begins.
    #[inline]
    pub fn begin(&self, frame: FrameRef<'_>) {
        let Some(live) = &self.live else { return };
        let live = &mut *live.borrow_mut();
        live.count = 0;
        live.inputs += 1;
        let sampling = frame.kind() == Kind::Tick || live.inputs.is_multiple_of(SAMPLE);
        self.sampling.set(sampling);
        if sampling {
            self.spent.iter().for_each(|spent| spent.set(0));
            self.part.set(0);
            self.since.set(live.clock.now().0);
        }
    }

    #[inline(never)]
    fn switch(&self, part: u8) -> u8 {
        let now = self.now().0;
        let before = self.part.replace(part);
        let spent = &self.spent[usize::from(before)];
        spent.set(spent.get() + now.saturating_sub(self.since.replace(now)));
        before
    }

    #[inline(never)]
    fn decide(&self, frame: FrameRef<'_>) {
        let Some(live) = &self.live else { return };
        let live = &mut *live.borrow_mut();
        if live.count < DECISIONS {
            let age = live.clock.now().saturating_sub(frame.ts()).0;
            live.decisions[live.count] = (frame.header().sub, age);
            live.count += 1;
        }
    }

    /// The input has ended: hands each decision (`sub`, age) to `each` and, when it was measured
    /// part by part, the nanoseconds of each part that had any to `part`.
    pub fn end(&self, mut each: impl FnMut(u16, u64), mut part: impl FnMut(u8, u64)) {
        let Some(live) = &self.live else { return };
        {
            let live = live.borrow();
            live.decisions[..live.count]
                .iter()
                .for_each(|(sub, age)| each(*sub, *age));
        }
        if self.sampling.replace(false) {
            for (index, spent) in self
                .spent
                .iter()
                .enumerate()
                .filter(|(_, spent)| spent.get() > 0)
            {
                part(index as u8, spent.get());
            }
        }
    }
}
