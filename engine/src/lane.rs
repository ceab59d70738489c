//! Lanes: pinned threads that run a consecutive part of the pipeline.

use crate::chain::{Chain, End};
use crate::layout::Layout;
use crate::meter::{LaneMeter, three};
use crate::probe::PARTS;
use crate::ring::RingIn;
use crate::shared::{Progress, Shared};
use crossbeam::utils::Backoff;
use rustix::thread::{CpuSet, sched_setaffinity, set_current_timer_slack};
use std::num::NonZeroU64;
use std::sync::Arc;
use stream::header::Class;
use stream::id::SUB_NOTE;
use stream::payload::{Note, NoteKind, Tick, Timer};
use stream::{Draft, FrameRef, InstrumentId, Kind, Line, Nanos, SourceId};

/// What a lane does when there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Spins without a pause between two looks: the lowest latency, a whole core. (A guest that
    /// pauses long enough hands its core to the hypervisor.)
    Spin,
    /// Yields its core between two looks to threads that poll and have no core of their own: the
    /// edge's threads that bring market data and send commands, or a backtest's other lanes.
    Yield,
    /// Spins, then yields, then parks for a moment.
    Backoff,
}

impl Idle {
    /// The best policy for these lanes on so many cores. Lanes spin only where at least one core is
    /// left. Where exactly one is, and a broker's whole edge would crowd on it, they yield theirs.
    #[must_use]
    pub fn auto(layout: &Layout, cores: usize, broker: bool) -> Self {
        let lanes = layout.lanes();
        let pinned = layout.cores.iter().all(Option::is_some);
        if lanes >= cores {
            Self::Backoff
        } else if broker && pinned && lanes + 1 == cores {
            Self::Yield
        } else {
            Self::Spin
        }
    }

    /// The best policy in virtual time. There the head waits for all lanes at each timer, some
    /// hundred thousand times a day, and they for it: a lane that parked would sleep most of the
    /// time; to let others use its core, yielding is enough.
    #[must_use]
    pub fn auto_virtual(layout: &Layout, cores: usize) -> Self {
        if layout.lanes() < cores {
            Self::Spin
        } else {
            Self::Yield
        }
    }
}

/// Waits a little, more so the longer nothing happens.
#[derive(Debug)]
pub struct Waiter {
    idle: Idle,
    backoff: Backoff,
}

impl Waiter {
    /// A waiter of that policy.
    #[must_use]
    pub fn new(idle: Idle) -> Self {
        Self {
            idle,
            backoff: Backoff::new(),
        }
    }

    /// There was something to do.
    pub fn reset(&mut self) {
        self.backoff.reset();
    }

    /// There was nothing to do.
    pub fn wait(&mut self) {
        match self.idle {
            Idle::Spin => {}
            Idle::Yield => std::thread::yield_now(),
            Idle::Backoff if self.backoff.is_completed() => {
                std::thread::park_timeout(std::time::Duration::from_micros(50));
            }
            Idle::Backoff => self.backoff.snooze(),
        }
    }
}

/// Pins the calling thread to a core; false when the system refuses.
#[must_use]
pub fn pin(core: usize) -> bool {
    core_affinity::set_for_current(core_affinity::CoreId { id: core })
}

/// Runs a closure on a thread that keeps clear of the lanes, as do all threads that it starts:
/// they leave pinned lanes' cores to the lanes as long as there is another core, and, where lanes
/// do not park, they nap without the system's timer slack of up to 50 µs. If the system refuses,
/// only latency is lost.
///
/// # Panics
/// When the closure does.
pub fn aside<T: Send>(layout: &Layout, idle: Idle, act: impl FnOnce() -> T + Send) -> T {
    let done = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            stand_aside(layout, idle);
            act()
        });
        thread.join()
    });
    done.unwrap_or_else(|broken| std::panic::resume_unwind(broken))
}

/// Moves the calling thread to a lane's core, where that lane yields to it. Only latency is lost
/// where the system refuses, or where the lane has no core of its own.
pub fn stand_beside(layout: &Layout, lane: usize) {
    if let Some(core) = layout.cores[lane] {
        let mut set = CpuSet::new();
        set.set(core);
        let _ = sched_setaffinity(None, &set);
    }
}

fn stand_aside(layout: &Layout, idle: Idle) {
    if idle != Idle::Backoff {
        let _ = set_current_timer_slack(NonZeroU64::new(1));
    }
    let own = cores();
    let left = own
        .iter()
        .filter(|core| !layout.cores.contains(&Some(**core)));
    let mut set = CpuSet::new();
    left.for_each(|core| set.set(*core));
    if set.count() > 0 {
        let _ = sched_setaffinity(None, &set);
    }
}

/// A lane's part of the pipeline with what it measures.
#[derive(Debug)]
pub struct Works<E> {
    /// The stages and their end.
    pub chain: Chain<E>,
    /// What is measured.
    pub meter: LaneMeter,
    bursts: Box<[usize; 256]>,
    burst_max: usize,
    note: Draft,
    lane: u8,
    published: u64,
}

impl<E: End> Works<E> {
    /// Works for the lane with that number.
    #[must_use]
    pub fn new(chain: Chain<E>, lane: u8) -> Self {
        let bursts = chain.bursts();
        let burst_max = bursts.iter().copied().max().unwrap_or(0);
        Self {
            chain,
            meter: LaneMeter::default(),
            bursts,
            burst_max,
            note: Draft::new(),
            lane,
            published: 0,
        }
    }

    /// Lines that one input can become at most.
    #[must_use]
    pub const fn burst_max(&self) -> usize {
        self.burst_max
    }

    /// True when the end has room for whatever any frame can become, notes included.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.chain.end().has_room(self.burst_max + NOTES_MAX)
    }

    /// True when the end has room for whatever a frame of that kind can become.
    #[must_use]
    #[inline]
    pub fn has_room_for(&self, kind: Kind) -> bool {
        self.chain
            .end()
            .has_room(self.bursts[usize::from(kind.0)] + NOTES_MAX)
    }

    /// Puts one frame through and notes what was measured.
    #[inline]
    pub fn put(&mut self, frame: FrameRef<'_>) {
        if self.chain.probe.is_live() {
            self.put_live(frame);
        } else {
            self.chain.put(frame);
        }
    }

    fn put_live(&mut self, frame: FrameRef<'_>) {
        self.chain.probe.begin(frame);
        self.chain.put(frame);
        self.finish(frame);
    }

    /// True when frames go through as they lie: no stage sits here, and the end never waits.
    fn is_passage(&self) -> bool {
        self.chain.is_bare() && self.chain.end().has_room(isize::MAX as usize)
    }

    /// Puts whole frames that lie back to back through works that are a passage; returns how many
    /// lines. A frame that is to be measured goes by itself.
    fn put_all(&mut self, lines: &[Line]) -> usize {
        let (mut from, mut at) = (0, 0);
        while let Some(frame) = FrameRef::first_of(&lines[at..]) {
            let behind = at + frame.lines().len();
            if self.chain.probe.lets_pass(frame) {
                self.meter.inputs += u64::from(frame.is_input());
            } else {
                self.chain.end_mut().put_all(&lines[from..at]);
                self.put(frame);
                from = behind;
            }
            at = behind;
        }
        self.chain.end_mut().put_all(&lines[from..at]);
        at
    }

    fn finish(&mut self, frame: FrameRef<'_>) {
        let Self {
            chain,
            meter,
            note,
            lane,
            ..
        } = self;
        let mut sampled = 0;
        let (probe, end) = chain.probe_and_end();
        probe.end(
            |sub, age| {
                let payload = Note {
                    a: age,
                    what: NoteKind::Age,
                    lane: *lane,
                    part: 255,
                    about: sub,
                    ..Note::zeroed()
                };
                put_note(note, frame.seq(), frame.ts(), &payload, end);
            },
            |part, ns| {
                meter.service[usize::from(part)].saturating_record(ns);
                sampled += ns;
            },
        );
        meter.inputs += u64::from(frame.is_input());
        let mut age = 0;
        if sampled > 0 {
            meter.busy_ns += sampled;
            age = chain.probe.now().saturating_sub(frame.ts()).0;
            meter.response.saturating_record(age.max(1));
        }
        match frame.try_read::<Tick>().map(|tick| tick.timer) {
            Some(Timer::Evaluate) => {
                // How old the evaluation is with all that followed from it: about the tick.
                let whole = Note {
                    a: age,
                    what: NoteKind::Age,
                    part: 255,
                    ..Note::zeroed()
                };
                self.note(frame.seq(), frame.ts(), &whole);
            }
            Some(Timer::Housekeeping) => self.publish(frame),
            _ => {}
        }
    }

    /// One part's histogram a second, so that publishing stays short.
    fn publish(&mut self, frame: FrameRef<'_>) {
        let (seq, ts) = (frame.seq(), frame.ts());
        let part = (self.published % (PARTS as u64 + 1)) as usize;
        self.published += 1;
        let (what, histogram) = self
            .meter
            .service
            .get(part)
            .map_or((NoteKind::Response, &self.meter.response), |own| {
                (NoteKind::Service, own)
            });
        let (a, b, c) = three(histogram);
        let empty = histogram.is_empty();
        let load = Note {
            a: std::mem::take(&mut self.meter.inputs),
            b: std::mem::take(&mut self.meter.busy_ns),
            c: std::mem::take(&mut self.meter.queued_lines),
            what: NoteKind::Load,
            lane: self.lane,
            part: 255,
            spare: 0,
            source: SourceId(0),
            about: 0,
        };
        self.note(seq, ts, &load);
        if !empty {
            let service = Note {
                a,
                b,
                c,
                what,
                part: part as u8,
                ..load
            };
            self.note(seq, ts, &service);
        }
    }

    /// Puts a note of this lane behind the frames of `seq`.
    pub fn note(&mut self, seq: u64, ts: Nanos, payload: &Note) {
        let payload = Note {
            lane: self.lane,
            ..*payload
        };
        put_note(&mut self.note, seq, ts, &payload, self.chain.end_mut());
    }
}

/// Notes that one input can bring at most.
pub(crate) const NOTES_MAX: usize = 40;

/// Puts a note behind a frame: its `seq` and `ts`, and a `sub` that no stage uses.
pub fn put_note(
    draft: &mut Draft,
    seq: u64,
    ts: Nanos,
    payload: &Note,
    out: &mut impl stream::Out,
) {
    draft.write_as(Class::Note, InstrumentId::NONE, payload);
    let header = draft.header_mut();
    header.seq = seq;
    header.ts = ts;
    header.sub = SUB_NOTE;
    out.put(draft.frame());
}

/// Runs a lane behind another one until that one has finished and its ring is empty.
pub fn run_behind<E: End>(
    works: &mut Works<E>,
    input: &mut RingIn,
    upstream: &Progress,
    own: &Progress,
    shared: &Arc<Shared>,
    idle: Idle,
) {
    let mut waiter = Waiter::new(idle);
    let mut told = own.done();
    let is_passage = works.is_passage();
    loop {
        let finished = upstream.is_finished();
        let done = upstream.done();
        let lines = input.lines();
        works.meter.queued_lines = works.meter.queued_lines.max(lines as u64);
        let read = if is_passage {
            input.read_all(lines, |frames| works.put_all(frames))
        } else {
            input.read(lines, |frame| {
                let room = works.has_room_for(frame.kind());
                if room {
                    works.put(frame);
                }
                room
            })
        };
        works.chain.flush();
        if read == lines && done != told {
            own.set_done(done);
            told = done;
        }
        if read > 0 {
            waiter.reset();
            continue;
        }
        if (finished && lines == 0) || shared.has_failed() {
            own.finish();
            return;
        }
        waiter.wait();
    }
}

/// The cores that this process may use.
#[must_use]
pub fn cores() -> Vec<usize> {
    core_affinity::get_core_ids()
        .unwrap_or_default()
        .into_iter()
        .map(|core| core.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_burn_cores_only_where_one_is_left() {
        for (lanes, cores, broker, idle) in [
            (1, 1, true, Idle::Backoff),
            (2, 2, true, Idle::Backoff),
            (1, 2, false, Idle::Spin),
            (1, 2, true, Idle::Yield),
            (3, 4, true, Idle::Yield),
            (3, 5, true, Idle::Spin),
        ] {
            let mut layout = Layout::of(lanes).expect("usual");
            layout.cores = (0..lanes).map(Some).collect();
            let found = Idle::auto(&layout, cores, broker);
            assert_eq!(found, idle, "{lanes} {cores}");
        }
        for (lanes, cores, idle) in [(1, 1, Idle::Yield), (1, 2, Idle::Spin), (2, 2, Idle::Yield)] {
            let layout = Layout::of(lanes).expect("usual");
            assert_eq!(Idle::auto_virtual(&layout, cores), idle, "{lanes} {cores}");
        }
        let nowhere = Layout::of(1).expect("usual");
        assert_eq!(Idle::auto(&nowhere, 2, true), Idle::Spin, "beside what?");
    }

    #[test]
    fn what_stands_beside_a_lane_has_its_core() {
        let own = cores();
        let last = *own.last().expect("a core");
        let mut layout = Layout::of(2).expect("usual");
        layout.cores[1] = Some(last);
        let allowed = std::thread::spawn(move || {
            stand_beside(&layout, 0);
            let before = cores();
            stand_beside(&layout, 1);
            (before, cores())
        });
        let (before, after) = allowed.join().expect("it ends");
        assert_eq!((before, after), (own, vec![last]), "lane 0 names none");
    }

    #[test]
    fn what_stands_aside_leaves_the_lanes_their_cores_and_its_caller_alone() {
        let before = cores();
        let mut layout = Layout::of(1).expect("one lane");
        layout.cores = vec![before.last().copied()];
        let left = aside(&layout, Idle::Spin, || {
            std::thread::spawn(cores).join().expect("it only looks")
        });
        let want = before.len().saturating_sub(1).max(1);
        assert_eq!(left.len(), want, "{before:?} without the last: {left:?}");
        assert_eq!(cores(), before);
        let told = std::panic::catch_unwind(|| aside(&layout, Idle::Backoff, || panic!("told")));
        assert!(told.is_err());
    }
}
