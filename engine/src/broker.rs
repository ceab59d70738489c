//! The broker behind the gate: the one inside the process, or a real one.

use gateway::ibkr::desk::Desk;
use gateway::ibkr::edge::IbkrEdge;
use gateway::sim::SimEdge;
use stream::{Answers, Edge, FrameRef};

/// The broker that the gate hands commands to.
#[derive(Debug)]
pub enum Broker {
    /// Inside the process: it sees every frame.
    Sim(Box<SimEdge>),
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
    pub const fn sim(&self) -> Option<&SimEdge> {
        match self {
            Self::Sim(edge) => Some(edge),
            Self::Ibkr(_) => None,
        }
    }
}

impl Edge for Broker {
    #[inline]
    fn on_frame<A: Answers>(&mut self, frame: FrameRef<'_>, answers: &mut A) {
        match self {
            Self::Sim(edge) => edge.on_frame(frame, answers),
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
