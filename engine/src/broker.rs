//! The broker behind the gate: the one inside the process, or a real one.

use book::BookStage;
use gateway::ibkr::desk::Desk;
use gateway::ibkr::edge::IbkrEdge;
use gateway::sim::{Shown, SimBroker, SimEdge};
use stream::{Answers, Edge, FrameRef, Line};

/// The broker that the gate hands commands to.
#[derive(Debug)]
pub enum Broker {
    /// Inside the process: it sees every frame.
    Sim(Box<SimEdge>),
    /// Inside the process and without books of its own, on the lane of the book stage, whose books
    /// it is shown behind each input with all that the input caused.
    Beside(Box<Beside>),
    /// A real one: it sees commands.
    Ibkr(Box<IbkrEdge>),
}

impl Broker {
    /// True when market frames are nothing to it.
    #[must_use]
    pub const fn ignores_market(&self) -> bool {
        matches!(self, Self::Ibkr(_))
    }

    /// The broker inside the process, if it is that.
    #[must_use]
    pub fn sim(&self) -> Option<&SimBroker> {
        match self {
            Self::Sim(edge) => Some(edge),
            Self::Beside(beside) => Some(&beside.broker),
            Self::Ibkr(_) => None,
        }
    }
}

/// A broker that is shown the book stage's books, and what it has not seen yet.
#[derive(Debug)]
pub struct Beside {
    broker: SimBroker,
    /// Frames back to back: an input, and the commands that it caused.
    waiting: Vec<Line>,
}

/// Lines that may wait: an input and as many commands as may be unanswered, each of the longest.
const WAITING_MAX: usize = (1 + stream::limits::COMMANDS_UNANSWERED_MAX) * stream::frame::LINES_MAX;

impl Beside {
    /// A broker who was shown nothing yet, like the stage.
    #[must_use]
    pub fn new(broker: SimBroker) -> Self {
        Self {
            broker,
            waiting: Vec::with_capacity(WAITING_MAX),
        }
    }

    /// True when a frame is anything to the broker.
    #[must_use]
    #[inline]
    pub fn minds(&self, frame: FrameRef<'_>) -> bool {
        self.broker.minds(frame)
    }

    /// A frame waits for the end of its input, if it is anything to the broker.
    #[inline]
    pub fn hear(&mut self, frame: FrameRef<'_>) {
        if self.minds(frame) {
            self.keep(frame);
        }
    }

    /// A frame that is something to the broker waits for the end of its input.
    pub fn keep(&mut self, frame: FrameRef<'_>) {
        match frame.lines() {
            [line] => self.waiting.push(*line),
            lines => self.waiting.extend_from_slice(lines),
        }
    }

    /// True when a frame waits to be shown.
    #[must_use]
    #[inline]
    pub const fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Everything that followed from an input has been journaled: shows what waits, in order.
    pub fn show<A: Answers>(&mut self, stage: &BookStage, answers: &mut A) {
        let (touched, effects) = stage.last();
        let shown = Shown {
            books: stage.books(),
            touched,
            effects,
        };
        let mut rest = &self.waiting[..];
        while let Some(frame) = FrameRef::first_of(rest) {
            self.broker.on_frame(frame, shown, answers);
            rest = &rest[frame.lines().len()..];
        }
        self.waiting.clear();
    }
}

impl Edge for Broker {
    #[inline]
    fn on_frame<A: Answers>(&mut self, frame: FrameRef<'_>, answers: &mut A) {
        match self {
            Self::Sim(edge) => edge.on_frame(frame, answers),
            Self::Beside(beside) => beside.hear(frame),
            Self::Ibkr(edge) => edge.on_frame(frame, answers),
        }
    }
}

/// What a fold knows of the broker's side when it has reached the journal's end.
#[derive(Debug)]
pub enum Shade {
    /// The broker inside the process, as it was.
    Sim(Box<SimEdge>),
    /// Our orders at a real one, as far as the journal tells.
    Ibkr(Box<Desk>),
}

impl Shade {
    /// Takes a journaled frame.
    pub fn on_frame<A: Answers>(&mut self, frame: FrameRef<'_>, answers: &mut A) {
        match self {
            Self::Sim(edge) => edge.on_frame(frame, answers),
            Self::Ibkr(desk) => desk.on_frame(frame),
        }
    }

    /// The broker inside the process, if it is that.
    #[must_use]
    pub fn into_sim(self) -> Option<SimEdge> {
        match self {
            Self::Sim(edge) => Some(*edge),
            Self::Ibkr(_) => None,
        }
    }
}
