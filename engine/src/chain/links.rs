//! Seats in a row, and how frames go past them.
//!
//! The row is a type: each link holds its stage and everything behind it, so that whatever a stage
//! emits goes on by a call known at compile time, and a frame that skips to the end of the row
//! takes an address in one structure.

use super::End;
use crate::probe::{PART_END, Watch};
use book::BookStage;
use gateway::GatewayStage;
use risk::RiskStage;
use signal::SignalStage;
use stream::blob::Assembler;
use stream::payload::Checkpoint;
use stream::{FrameRef, Kind, Out, Stage, StageId};

/// A stage, and what it takes to load a saved state that comes by the stream.
#[derive(Debug)]
pub struct Seat<S> {
    pub(super) stage: Option<S>,
    assembler: Assembler,
}

impl<S> Default for Seat<S> {
    fn default() -> Self {
        Self {
            stage: None,
            assembler: Assembler::default(),
        }
    }
}

impl<S: Stage> Seat<S> {
    /// The stage, if it sits here.
    #[must_use]
    pub const fn stage(&self) -> Option<&S> {
        self.stage.as_ref()
    }

    /// Carried-over state arrives as input `Checkpoint` frames.
    ///
    /// # Panics
    /// When the state does not fit the stage: the journal verified, so it is another schema and
    /// must not be guessed at.
    #[cold]
    fn load(&mut self, frame: FrameRef<'_>) {
        let Some(stage) = &mut self.stage else { return };
        let chunk = frame.read::<Checkpoint>();
        if chunk.stage != S::ID as u8 || !frame.is_input() {
            return;
        }
        if let Some(bytes) = self.assembler.push_checkpoint(chunk)
            && let Err(what) = stage.load(&bytes)
        {
            panic!("the saved state of {} does not fit: {what}", S::NAME);
        }
    }
}

/// Which stages act on a kind: one bit for each stage by its number, and [`LOADS`].
pub(super) type Route = u8;
/// The route of each kind.
pub(super) type Routes = [Route; 256];

/// The frame holds a saved state.
pub(super) const LOADS: Route = bit(StageId::Head);

pub(super) const fn bit(stage: StageId) -> Route {
    1 << stage as u8
}

/// The routes where every stage sits. One look at its routes tells a chain which of its stages are
/// concerned.
static ROUTES: Routes = {
    const fn of<S: Stage>(kind: Kind) -> Route {
        (S::ACTS_ON.has(kind) as Route) << S::ID as u8
    }
    let mut routes = [0; 256];
    let mut number = 0;
    while number < routes.len() {
        let kind = Kind(number as u8);
        let early = of::<BookStage>(kind) | of::<SignalStage>(kind);
        let late = of::<RiskStage>(kind) | of::<GatewayStage>(kind);
        routes[number] = early | late;
        number += 1;
    }
    routes[Kind::Checkpoint.0 as usize] |= LOADS;
    routes
};

/// The routes where these stages sit.
pub(super) fn routes_to(seated: Route) -> Routes {
    ROUTES.map(|route| route & seated)
}

/// A part of the row, to its end.
pub(super) trait Row {
    /// The stages from here on.
    const STAGES: Route;

    /// The routes of the stages that sit in the whole row.
    fn routes(&self) -> &Routes;

    /// Puts a frame through.
    fn put<W: Watch>(&mut self, frame: FrameRef<'_>, route: Route, watch: W);

    /// Puts a frame that none of them acts on: straight to the end.
    fn pass_by<W: Watch>(&mut self, frame: FrameRef<'_>, watch: W);
}

/// A seat, and what is behind it.
#[derive(Debug)]
pub(super) struct Link<S, R> {
    pub(super) seat: Seat<S>,
    pub(super) rest: R,
}

/// Behind all seats: where the frames go.
#[derive(Debug)]
pub(super) struct Last<E> {
    pub(super) end: E,
    pub(super) routes: Routes,
}

/// A whole row.
pub(super) type Links<E> =
    Link<BookStage, Link<SignalStage, Link<RiskStage, Link<GatewayStage, Last<E>>>>>;

impl<E> Links<E> {
    /// What is behind all seats.
    #[inline(always)]
    pub(super) const fn last(&self) -> &Last<E> {
        &self.rest.rest.rest.rest
    }

    /// The same, to be changed.
    #[inline(always)]
    pub(super) const fn last_mut(&mut self) -> &mut Last<E> {
        &mut self.rest.rest.rest.rest
    }
}

/// What a stage puts its frames into: the row behind it.
pub(super) struct Behind<'a, R, W> {
    pub(super) row: &'a mut R,
    pub(super) watch: W,
}

impl<R: Row, W: Watch> Out for Behind<'_, R, W> {
    // Inlined everywhere: a frame that is nothing to a stage costs no call on its way past it.
    #[inline(always)]
    fn put(&mut self, frame: FrameRef<'_>) {
        let route = self.row.routes()[usize::from(frame.kind().0)];
        self.row.put(frame, route, self.watch);
    }
}

impl<S: Stage, R: Row> Link<S, R> {
    const OWN: Route = bit(S::ID);

    #[inline]
    fn act<W: Watch>(&mut self, frame: FrameRef<'_>, route: Route, watch: W) {
        let Self { seat, rest: row } = self;
        if route & LOADS != 0 {
            seat.load(frame);
        }
        let stage = seat.stage.as_mut().expect("whoever acts sits here");
        let outer = watch.enter(S::ID as u8);
        stage.on_frame(frame, &mut Behind { row, watch });
        watch.leave(outer);
    }
}

impl<S: Stage, R: Row> Row for Link<S, R> {
    const STAGES: Route = Self::OWN | R::STAGES;

    #[inline(always)]
    fn routes(&self) -> &Routes {
        self.rest.routes()
    }

    #[inline(always)]
    fn put<W: Watch>(&mut self, frame: FrameRef<'_>, route: Route, watch: W) {
        if route & Self::STAGES == 0 {
            self.pass_by(frame, watch);
        } else if route & Self::OWN != 0 {
            self.act(frame, route, watch);
        } else {
            self.rest.put(frame, route, watch);
        }
    }

    #[inline(always)]
    fn pass_by<W: Watch>(&mut self, frame: FrameRef<'_>, watch: W) {
        self.rest.pass_by(frame, watch);
    }
}

impl<E: End> Row for Last<E> {
    const STAGES: Route = 0;

    #[inline(always)]
    fn routes(&self) -> &Routes {
        &self.routes
    }

    #[inline(always)]
    fn put<W: Watch>(&mut self, frame: FrameRef<'_>, _: Route, watch: W) {
        self.pass_by(frame, watch);
    }

    #[inline]
    fn pass_by<W: Watch>(&mut self, frame: FrameRef<'_>, watch: W) {
        let outer = watch.enter(PART_END);
        self.end.put(frame);
        watch.leave(outer);
        watch.see(frame);
    }
}
