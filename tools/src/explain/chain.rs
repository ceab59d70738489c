//! The frames of one chain, in order, with the ages that lanes noted.

use super::resolve::{Link, Target, link_of};
use crate::failure::Outcome;
use journal::Reader;
use stream::payload::{Fill, Note, NoteKind, Order, Signal};
use stream::{FrameId, FrameRef, Kind, Line, Nanos};

/// The broker's edge, as a part in notes.
const PART_EDGE: u8 = engine::gate::PART_EDGE;
/// A whole lane, as a part in notes.
const PART_LANE: u8 = 255;

/// One frame of a chain.
#[derive(Debug)]
pub struct Step {
    lines: Vec<Line>,
    /// Lane and age, in nanoseconds since the frame's `ts`, at that lane's end.
    pub ages: Vec<(u8, u64)>,
    /// Age of a command when it was handed to the broker's edge, and of the newest market frame
    /// behind it then.
    pub hand_over: Option<(u64, u64)>,
}

impl Step {
    fn of(frame: FrameRef<'_>) -> Self {
        Self {
            lines: frame.lines().to_vec(),
            ages: Vec::new(),
            hand_over: None,
        }
    }

    /// The frame.
    pub fn frame(&self) -> FrameRef<'_> {
        FrameRef::first_of(&self.lines).expect("a step keeps a whole frame")
    }
}

/// A chain.
#[derive(Debug)]
pub struct Chain {
    /// What was asked for, and the chain's names.
    pub target: Target,
    /// Its frames, in the journal's order.
    pub steps: Vec<Step>,
}

impl Chain {
    /// The first frame of a kind.
    pub fn first(&self, kind: Kind) -> Option<FrameRef<'_>> {
        self.steps
            .iter()
            .map(Step::frame)
            .find(|frame| frame.kind() == kind)
    }

    /// When the signal was given, or risk gave its own order.
    pub fn decided_at(&self) -> Nanos {
        let first = self.target.first();
        let step = self
            .steps
            .iter()
            .map(Step::frame)
            .find(|frame| frame.id() == first);
        step.map_or(Nanos::ZERO, |frame| frame.ts())
    }
}

/// Collects a chain from the market frame behind it to the journal's end.
///
/// # Errors
/// When the journal is damaged.
pub fn collect(reader: &mut Reader, target: &Target) -> Outcome<Chain> {
    let first = target.first();
    let begin = target.market_ts != Nanos::ZERO && reader.seek_time(target.market_ts)?;
    if !begin || is_behind(reader, first.seq())? {
        reader.seek_seq(first.seq())?;
    }
    let mut collector = Collector::new(*target);
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        collector.on_frame(frame);
    }
    Ok(Chain {
        target: *target,
        steps: collector.steps,
    })
}

/// True when the next frame already lies behind that input. The frame is read again afterwards.
fn is_behind(reader: &mut Reader, seq: u64) -> Outcome<bool> {
    let found = match reader.next() {
        Some(next) => next?.1.seq(),
        None => return Ok(true),
    };
    if found > seq {
        return Ok(true);
    }
    reader.seek_seq(found)?;
    Ok(false)
}

struct Collector {
    target: Target,
    /// The chain's bracket, and what risk ordered by itself to close its position.
    origins: Vec<FrameId>,
    steps: Vec<Step>,
    /// The newest market frame of the instrument before the chain begins.
    market: Vec<Line>,
    /// Held by the chain's fills.
    position: i64,
    /// The input whose consequences are read, when it is an answer in the chain.
    answered: u64,
}

impl Collector {
    fn new(target: Target) -> Self {
        let mut origins = Vec::with_capacity(4);
        if !target.origin.is_none() {
            origins.push(target.origin);
        }
        Self {
            target,
            origins,
            steps: Vec::new(),
            market: Vec::new(),
            position: 0,
            answered: 0,
        }
    }

    fn on_frame(&mut self, frame: FrameRef<'_>) {
        let first = self.target.first().seq();
        if frame.kind() == Kind::Note {
            return self.note(frame);
        }
        if frame.seq() < first {
            return self.before(frame);
        }
        if frame.seq() == first && self.is_evidence(frame) {
            self.take_market();
            return self.take(frame);
        }
        if self.belongs(frame) {
            self.take_market();
            self.take(frame);
        }
    }

    /// Keeps the newest market frame that the decision rests on.
    fn before(&mut self, frame: FrameRef<'_>) {
        let about = frame.instrument() == self.target.instrument;
        if frame.kind().is_market() && about && frame.ts() <= self.target.market_ts {
            self.market.clear();
            self.market.extend_from_slice(frame.lines());
        }
    }

    fn take_market(&mut self) {
        if let Some(frame) = FrameRef::first_of(&self.market) {
            self.steps.push(Step::of(frame));
            self.market.clear();
        }
    }

    /// What stands between the input and the decision.
    fn is_evidence(&self, frame: FrameRef<'_>) -> bool {
        match frame.kind() {
            Kind::BookView | Kind::Best => frame.instrument() == self.target.instrument,
            Kind::Evaluate => true,
            // The same input may have brought about frames of other chains; it is ours too.
            _ => frame.is_input(),
        }
    }

    fn belongs(&mut self, frame: FrameRef<'_>) -> bool {
        if frame.kind() == Kind::Pnl {
            return frame.seq() == self.answered && frame.instrument() == self.target.instrument;
        }
        match link_of(frame) {
            Some(Link::Signal(id)) => id == self.target.signal,
            Some(Link::Origin(id)) => self.origins.contains(&id) || self.closes(frame, id),
            Some(Link::Request(id)) => self.steps.iter().any(|step| step.frame().id() == id),
            None => false,
        }
    }

    /// True for an order that risk made by itself to close what the chain holds.
    fn closes(&mut self, frame: FrameRef<'_>, origin: FrameId) -> bool {
        let Some(order) = frame.try_read::<Order>() else {
            return false;
        };
        let closes = order.reduce_only != 0
            && order.signal.is_none()
            && frame.instrument() == self.target.instrument
            && self.position * order.side.sign() < 0;
        if closes {
            self.origins.push(origin);
        }
        closes
    }

    fn take(&mut self, frame: FrameRef<'_>) {
        match frame.kind() {
            Kind::Fill => {
                let fill = frame.read::<Fill>();
                self.position += i64::from(fill.qty) * fill.side.sign();
                self.answered = frame.seq();
            }
            Kind::Commission => self.answered = frame.seq(),
            _ => {}
        }
        self.steps.push(Step::of(frame));
    }

    /// Puts an age to the step that it is about.
    fn note(&mut self, frame: FrameRef<'_>) {
        let note = frame.read::<Note>();
        if note.what != NoteKind::Age {
            return;
        }
        let id = match note.part {
            // A command that waited for its sync is handed over behind a later input.
            PART_EDGE => FrameId(note.c),
            PART_LANE => FrameId::new(frame.seq(), note.about),
            _ => return,
        };
        let Some(step) = self
            .steps
            .iter_mut()
            .rev()
            .find(|step| step.frame().id() == id)
        else {
            return;
        };
        if note.part == PART_EDGE {
            step.hand_over = Some((note.a, note.b));
        } else {
            step.ages.push((note.lane, note.a));
        }
    }
}

/// The signal's payload, where the chain has one.
pub fn signal_of(chain: &Chain) -> Option<Signal> {
    chain
        .first(Kind::Signal)
        .map(|frame| *frame.read::<Signal>())
}
