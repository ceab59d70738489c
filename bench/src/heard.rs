//! What a live run's journal says of its latencies.
//!
//! Every figure is folded from frames: the head notes how long after its due time an input was
//! numbered (`ingress_age_ns`), the gate notes how old the input was when a command that it caused
//! was handed over to the edge (`Note(age)`). Response time is their sum; service time is the
//! latter alone, which is all that a measurement subject to coordinated omission sees.

use crate::distribution::{add_each, nanoseconds, record};
use anyhow::Result;
use engine::gate::PART_EDGE;
use hdrhistogram::Histogram;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use stream::payload::{
    Command, CommandOp, DepthSlot, LegRole, Note, NoteKind, SlotAction, Tick, Timer,
};
use stream::{FrameId, FrameRef, Header, InstrumentId, Kind, Nanos};

/// From when something was due, and from when it was begun.
#[derive(Clone, Debug)]
pub struct Ages {
    /// From due.
    pub response: Histogram<u64>,
    /// From begun.
    pub service: Histogram<u64>,
}

impl Default for Ages {
    fn default() -> Self {
        Self {
            response: nanoseconds(),
            service: nanoseconds(),
        }
    }
}

/// What a run's journal tells of the time from [`Listening::to`]'s `from` on. All in nanoseconds.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Market event that changes the best, to the protective command that it caused.
    pub protect: Ages,
    /// Evaluation due, to each entry command that it caused.
    pub entry: Ages,
    /// Each market event that changed the best since the evaluation before, to the entry command
    /// of its instrument: with the cadence in it.
    pub with_cadence: Histogram<u64>,
    /// Evaluation due, to its number.
    pub lateness: Histogram<u64>,
    /// Evaluation's number, to its last consequence journaled.
    pub duration: Histogram<u64>,
    /// Depth slot given, to the first rows of it, beyond the source's own delay.
    pub rotation: Histogram<u64>,
    /// Evaluations.
    pub evaluations: u64,
    /// Evaluations that were not done before the next was due.
    pub missed: u64,
    /// Views of those evaluations.
    pub views: u64,
    /// Market frames.
    pub market: u64,
    /// Frames in all, and lines.
    pub frames: u64,
    /// Turns in which the window or a ring was full.
    pub stalls: u64,
    /// The most input lines that were numbered and not yet journaled.
    pub window: u64,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            protect: Ages::default(),
            entry: Ages::default(),
            with_cadence: nanoseconds(),
            lateness: nanoseconds(),
            duration: nanoseconds(),
            rotation: nanoseconds(),
            evaluations: 0,
            missed: 0,
            views: 0,
            market: 0,
            frames: 0,
            stalls: 0,
            window: 0,
        }
    }
}

/// An input that commands may be behind.
#[derive(Clone, Copy, Debug)]
struct Cause {
    seq: u64,
    ts: Nanos,
    due: Nanos,
    kind: Kind,
}

/// A command that was journaled and not handed over yet.
#[derive(Clone, Debug)]
struct Made {
    cause: Cause,
    entry: bool,
    /// When the events were due that its evaluation waited for.
    events: Vec<Nanos>,
}

/// A journal that is folded while it is written.
#[derive(Debug)]
pub struct Listening {
    reader: journal::Reader,
    fold: Fold,
}

impl Listening {
    /// Stands at the journal's beginning; what was due before `from` is not counted. `depth_delay`
    /// is the source's own delay of a depth slot.
    ///
    /// # Errors
    /// When there is no journal.
    pub fn to(dir: &Path, from: Nanos, depth_delay: Nanos) -> Result<Self> {
        Ok(Self {
            reader: journal::Reader::open(dir)?,
            fold: Fold::new(from, depth_delay),
        })
    }

    /// Folds what has been written by now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn catch_up(&mut self) -> Result<()> {
        while let Some(next) = self.reader.next() {
            let (_, frame) = next?;
            self.fold.on_frame(frame);
        }
        Ok(())
    }

    /// What was heard, to the end.
    ///
    /// # Errors
    /// As [`Listening::catch_up`].
    pub fn heard(mut self) -> Result<Heard> {
        self.catch_up()?;
        Ok(self.fold.heard)
    }
}

/// The fold.
#[derive(Debug)]
struct Fold {
    heard: Heard,
    from: Nanos,
    depth_delay: Nanos,
    cause: Cause,
    made: HashMap<u64, Made>,
    /// For each instrument, when the events that changed its best since its last view were due.
    events: HashMap<InstrumentId, Vec<Nanos>>,
    evaluate: FrameId,
    slots: VecDeque<(InstrumentId, Nanos)>,
}

impl Heard {
    /// Folds a journal as [`Listening`] does, at once.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn fold(dir: &Path, from: Nanos, depth_delay: Nanos) -> Result<Self> {
        Listening::to(dir, from, depth_delay)?.heard()
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        add_each([
            (&mut self.protect.response, &other.protect.response),
            (&mut self.protect.service, &other.protect.service),
            (&mut self.entry.response, &other.entry.response),
            (&mut self.entry.service, &other.entry.service),
            (&mut self.with_cadence, &other.with_cadence),
            (&mut self.lateness, &other.lateness),
            (&mut self.duration, &other.duration),
            (&mut self.rotation, &other.rotation),
        ]);
        self.evaluations += other.evaluations;
        self.missed += other.missed;
        self.views += other.views;
        self.market += other.market;
        self.frames += other.frames;
        self.stalls += other.stalls;
        self.window = self.window.max(other.window);
    }
}

impl Fold {
    fn new(from: Nanos, depth_delay: Nanos) -> Self {
        Self {
            heard: Heard::default(),
            from,
            depth_delay,
            cause: Cause {
                seq: 0,
                ts: Nanos::ZERO,
                due: Nanos::ZERO,
                kind: Kind(0),
            },
            made: HashMap::new(),
            events: HashMap::new(),
            evaluate: FrameId::NONE,
            slots: VecDeque::new(),
        }
    }

    fn on_frame(&mut self, frame: FrameRef<'_>) {
        if frame.is_input() {
            self.input(frame);
        }
        let measured = self.cause.due >= self.from;
        self.heard.frames += u64::from(measured);
        match frame.kind() {
            Kind::Best if self.cause.kind.is_market() => {
                let events = self.events.entry(frame.instrument()).or_default();
                events.push(self.cause.due);
            }
            Kind::BookView => self.heard.views += u64::from(measured),
            Kind::Evaluate => {
                self.evaluate = frame.id();
                self.heard.evaluations += u64::from(measured);
            }
            Kind::Command => self.command(frame),
            Kind::DepthSlot => self.slot(frame),
            Kind::Note => self.note(frame.read::<Note>()),
            _ => {}
        }
    }

    fn input(&mut self, frame: FrameRef<'_>) {
        if self.cause.kind == Kind::Tick && self.evaluate.seq() == self.cause.seq {
            self.events.values_mut().for_each(Vec::clear);
        }
        let header: &Header = frame.header();
        let late = Nanos(header.ingress_age_ns.into());
        self.cause = Cause {
            seq: header.seq,
            ts: header.ts,
            due: header.ts.saturating_sub(late),
            kind: header.kind,
        };
        let measured = self.cause.due >= self.from;
        if header.kind.is_market() {
            self.heard.market += u64::from(measured);
        }
        match header.kind {
            Kind::Tick => {
                let tick = frame.read::<Tick>();
                if tick.timer == Timer::Evaluate && measured {
                    self.heard.missed += u64::from(tick.missed);
                    record(
                        &mut self.heard.lateness,
                        header.ts.saturating_sub(tick.due).0,
                    );
                }
            }
            Kind::DepthSnapshot => {
                let instrument = frame.instrument();
                if let Some(at) = self.slots.iter().position(|(own, _)| *own == instrument)
                    && let Some((_, due)) = self.slots.remove(at)
                    && measured
                {
                    record(&mut self.heard.rotation, header.ts.saturating_sub(due).0);
                }
            }
            _ => {}
        }
    }

    fn command(&mut self, frame: FrameRef<'_>) {
        let command = frame.read::<Command>();
        let evaluated = self.cause.kind == Kind::Tick;
        let entry = evaluated && command.role == LegRole::Entry && command.op == CommandOp::Place;
        let protects = self.cause.kind.is_market() && command.adds_risk == 0;
        if self.cause.due < self.from || !(entry || protects) {
            return;
        }
        let events = if entry {
            let own = self.events.get(&frame.instrument());
            own.cloned().unwrap_or_default()
        } else {
            Vec::new()
        };
        let made = Made {
            cause: self.cause,
            entry,
            events,
        };
        self.made.insert(frame.id().0, made);
    }

    fn slot(&mut self, frame: FrameRef<'_>) {
        if frame.read::<DepthSlot>().action == SlotAction::Subscribe {
            let due = frame.ts() + self.depth_delay;
            self.slots.push_back((frame.instrument(), due));
        }
    }

    fn note(&mut self, note: &Note) {
        match note.what {
            NoteKind::Age if note.part == PART_EDGE => self.handed_over(note),
            NoteKind::Age if note.about == 0 && self.cause.due >= self.from => {
                record(&mut self.heard.duration, note.a);
            }
            NoteKind::Window if self.cause.due >= self.from => {
                self.heard.window = self.heard.window.max(note.a);
                self.heard.stalls += note.b;
            }
            _ => {}
        }
    }

    fn handed_over(&mut self, note: &Note) {
        let Some(made) = self.made.remove(&note.c) else {
            return;
        };
        let handed = made.cause.ts + Nanos(note.a);
        let ages = if made.entry {
            &mut self.heard.entry
        } else {
            &mut self.heard.protect
        };
        record(&mut ages.service, note.a);
        record(&mut ages.response, handed.saturating_sub(made.cause.due).0);
        for due in made.events {
            record(&mut self.heard.with_cadence, handed.saturating_sub(due).0);
        }
    }
}
