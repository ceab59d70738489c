//! Stages in a row on one lane.
//!
//! A stage's output is the next stage's input, by a direct call: the order is the same as with a
//! queue between them (each stage passes a frame on before its own), without the copies. A lane
//! holds any consecutive part of the pipeline; what it does not hold is passed over. A frame of a
//! kind that no further stage acts on goes straight to the end: most of a market's frames behind
//! book, and everywhere the notes and blobs, which are for readers of the journal.

use crate::probe::{Probe, Unwatched, Watch};
use book::BookStage;
use gateway::GatewayStage;
use risk::RiskStage;
use signal::SignalStage;
use stream::blob::Assembler;
use stream::payload::Checkpoint;
use stream::{FrameRef, Kind, Kinds, Line, Out, Stage, StageId};

/// Where a lane's frames go.
pub trait End: Out {
    /// True when so many lines can be put before the next flush without waiting.
    fn has_room(&self, lines: usize) -> bool;
    /// Publishes what was put.
    fn flush(&mut self);
    /// The same, where the book stage sits on the lane: for an end that looks at its books.
    fn flush_beside(&mut self, _: &BookStage) {
        self.flush();
    }
    /// Puts frames that lie back to back.
    fn put_all(&mut self, frames: &[Line]) {
        let mut rest = frames;
        while let Some(frame) = FrameRef::first_of(rest) {
            self.put(frame);
            rest = &rest[frame.lines().len()..];
        }
    }
}

/// A stage, and what it takes to load a saved state that comes by the stream.
#[derive(Debug)]
pub struct Seat<S> {
    stage: Option<S>,
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

/// Any consecutive part of the pipeline, and where it ends.
#[derive(Debug)]
pub struct Chain<E> {
    /// Frames to books.
    book: Seat<BookStage>,
    /// Books to intents.
    signal: Seat<SignalStage>,
    /// Intents to orders.
    risk: Seat<RiskStage>,
    /// Orders to commands.
    gateway: Seat<GatewayStage>,
    /// What is measured on the way.
    pub probe: Probe,
    /// Where the frames go.
    pub end: E,
    /// Of the stages that sit here.
    routes: Box<Routes>,
}

/// Which stages act on a kind: one bit for each stage by its number, and [`LOADS`].
type Route = u8;
/// The route of each kind.
type Routes = [Route; 256];

/// The frame holds a saved state.
const LOADS: Route = bit(StageId::Head);

const fn bit(stage: StageId) -> Route {
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
fn routes_to(seated: Route) -> Routes {
    ROUTES.map(|route| route & seated)
}

/// Where frames go within a chain.
trait Link: Out {
    /// The stages from here on.
    const STAGES: Route;

    /// Puts a frame that none of them acts on: straight to the end.
    fn pass_by(&mut self, frame: FrameRef<'_>);
}

struct After<'a, S, W, O> {
    seat: &'a mut Seat<S>,
    routes: &'a Routes,
    watch: W,
    out: &'a mut O,
}

impl<S: Stage, W: Watch, O: Link> Out for After<'_, S, W, O> {
    // Inlined everywhere: a frame that is nothing to a stage costs no call on its way past it.
    #[inline(always)]
    fn put(&mut self, frame: FrameRef<'_>) {
        let route = self.routes[usize::from(frame.kind().0)];
        if route & Self::STAGES == 0 {
            self.pass_by(frame);
        } else if route & Self::OWN != 0 {
            self.act(frame, route);
        } else {
            self.out.put(frame);
        }
    }
}

impl<S: Stage, W: Watch, O: Link> After<'_, S, W, O> {
    const OWN: Route = bit(S::ID);

    #[inline]
    fn act(&mut self, frame: FrameRef<'_>, route: Route) {
        if route & LOADS != 0 {
            self.seat.load(frame);
        }
        let stage = self.seat.stage.as_mut();
        let stage = stage.expect("whoever acts sits here");
        let outer = self.watch.enter(S::ID as u8);
        stage.on_frame(frame, self.out);
        self.watch.leave(outer);
    }
}

impl<S: Stage, W: Watch, O: Link> Link for After<'_, S, W, O> {
    const STAGES: Route = Self::OWN | O::STAGES;

    #[inline(always)]
    fn pass_by(&mut self, frame: FrameRef<'_>) {
        self.out.pass_by(frame);
    }
}

struct Tap<'a, W, E> {
    watch: W,
    end: &'a mut E,
}

impl<W: Watch, E: End> Out for Tap<'_, W, E> {
    #[inline]
    fn put(&mut self, frame: FrameRef<'_>) {
        let outer = self.watch.enter(crate::probe::PART_END);
        self.end.put(frame);
        self.watch.leave(outer);
        self.watch.see(frame);
    }
}

impl<W: Watch, E: End> Link for Tap<'_, W, E> {
    const STAGES: Route = 0;

    #[inline]
    fn pass_by(&mut self, frame: FrameRef<'_>) {
        self.put(frame);
    }
}

/// The seats of a chain, in its order.
type Seats<'a> = (
    &'a mut Seat<BookStage>,
    &'a mut Seat<SignalStage>,
    &'a mut Seat<RiskStage>,
    &'a mut Seat<GatewayStage>,
);

/// Puts one frame through all seats to the end.
#[inline]
fn through<W: Watch, E: End>(
    (seats, routes): (Seats<'_>, &Routes),
    watch: W,
    end: &mut E,
    frame: FrameRef<'_>,
) {
    let (book, signal, risk, gateway) = seats;
    let mut out = Tap { watch, end };
    let mut out = After {
        seat: gateway,
        routes,
        watch,
        out: &mut out,
    };
    let mut out = After {
        seat: risk,
        routes,
        watch,
        out: &mut out,
    };
    let mut out = After {
        seat: signal,
        routes,
        watch,
        out: &mut out,
    };
    let mut out = After {
        seat: book,
        routes,
        watch,
        out: &mut out,
    };
    out.put(frame);
}

/// The stages of one run.
#[derive(Debug)]
pub struct Stages {
    /// Frames to books.
    pub book: BookStage,
    /// Books to intents.
    pub signal: SignalStage,
    /// Intents to orders.
    pub risk: RiskStage,
    /// Orders to commands.
    pub gateway: GatewayStage,
}

impl<E> Chain<E> {
    /// An empty chain: passes frames on.
    #[must_use]
    pub fn new(end: E, probe: Probe) -> Self {
        Self {
            book: Seat::default(),
            signal: Seat::default(),
            risk: Seat::default(),
            gateway: Seat::default(),
            probe,
            end,
            routes: Box::new(routes_to(LOADS)),
        }
    }

    /// A chain of all stages.
    #[must_use]
    pub fn full(stages: Stages, end: E, probe: Probe) -> Self {
        let mut chain = Self::new(end, probe);
        chain.seat_book(stages.book);
        chain.seat_signal(stages.signal);
        chain.seat_risk(stages.risk);
        chain.seat_gateway(stages.gateway);
        chain
    }

    /// Takes the stages out of a full chain.
    ///
    /// # Panics
    /// When a stage sits elsewhere.
    #[must_use]
    pub fn into_stages(self) -> Stages {
        const FULL: &str = "a full chain holds every stage";
        Stages {
            book: self.book.stage.expect(FULL),
            signal: self.signal.stage.expect(FULL),
            risk: self.risk.stage.expect(FULL),
            gateway: self.gateway.stage.expect(FULL),
        }
    }

    /// True when no stage sits here: what goes in comes out.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.seated() == LOADS
    }

    /// Leaves the seats of all other stages empty; tells the kinds that the others act on.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(StageId) -> bool) -> Kinds {
        fn leave<S: Stage>(seat: &mut Seat<S>, is_kept: impl Fn(StageId) -> bool) -> Kinds {
            if is_kept(S::ID) {
                return S::ACTS_ON;
            }
            seat.stage = None;
            Kinds::NONE
        }
        let early = leave(&mut self.book, &is_kept).or(leave(&mut self.signal, &is_kept));
        let late = leave(&mut self.risk, &is_kept).or(leave(&mut self.gateway, &is_kept));
        self.route();
        early.or(late)
    }

    /// The stages that sit here.
    const fn seated(&self) -> Route {
        const fn of<S: Stage>(seat: &Seat<S>) -> Route {
            (seat.stage.is_some() as Route) << S::ID as u8
        }
        LOADS | of(&self.book) | of(&self.signal) | of(&self.risk) | of(&self.gateway)
    }

    /// Leads frames past the empty seats.
    fn route(&mut self) {
        *self.routes = routes_to(self.seated());
    }

    /// Takes the book stage of another chain.
    pub(crate) fn take_book(&mut self, from: Self) {
        self.book = from.book;
        self.route();
    }

    /// Moves a stage in.
    pub fn seat_book(&mut self, stage: BookStage) {
        self.book.stage = Some(stage);
        self.route();
    }

    /// Moves a stage in.
    pub fn seat_signal(&mut self, stage: SignalStage) {
        self.signal.stage = Some(stage);
        self.route();
    }

    /// Moves a stage in.
    pub fn seat_risk(&mut self, stage: RiskStage) {
        self.risk.stage = Some(stage);
        self.route();
    }

    /// Moves a stage in.
    pub fn seat_gateway(&mut self, stage: GatewayStage) {
        self.gateway.stage = Some(stage);
        self.route();
    }

    /// Puts one frame through.
    #[inline]
    pub fn put(&mut self, frame: FrameRef<'_>)
    where
        E: End,
    {
        if !self.probe.is_live() {
            return self.put_unwatched(frame);
        }
        let Self {
            book,
            signal,
            risk,
            gateway,
            probe,
            end,
            routes,
        } = self;
        let seats = (book, signal, risk, gateway);
        through((seats, &**routes), &*probe, end, frame);
    }

    /// The same in virtual time, where nothing is measured.
    #[inline]
    pub fn put_unwatched(&mut self, frame: FrameRef<'_>)
    where
        E: End,
    {
        let seats = (
            &mut self.book,
            &mut self.signal,
            &mut self.risk,
            &mut self.gateway,
        );
        through((seats, &*self.routes), Unwatched, &mut self.end, frame);
    }

    /// Publishes what came of the frames that were put.
    #[inline(always)]
    pub fn flush(&mut self)
    where
        E: End,
    {
        match self.book.stage() {
            Some(stage) => self.end.flush_beside(stage),
            None => self.end.flush(),
        }
    }

    /// The same chain with another end.
    #[must_use]
    pub fn ending_at<F>(self, end: F) -> Chain<F> {
        let Self {
            book,
            signal,
            risk,
            gateway,
            probe,
            end: _,
            routes,
        } = self;
        Chain {
            book,
            signal,
            risk,
            gateway,
            probe,
            end,
            routes,
        }
    }

    /// Lines that one frame of each kind can become at the end of this chain, itself included.
    #[must_use]
    pub fn bursts(&self) -> Box<[usize; 256]> {
        let mut bursts = Box::new([stream::frame::LINES_MAX; 256]);
        for &kind in Kind::ALL {
            bursts[usize::from(kind.0)] = self.burst(kind, 0);
        }
        bursts
    }

    /// Lines at the end of the chain from one frame that enters at stage `from`.
    fn burst(&self, kind: Kind, from: usize) -> usize {
        let own = stream::payload::lines_of(kind).unwrap_or(stream::frame::LINES_MAX);
        let mut lines = own;
        for stage in from..4 {
            let mut made = Vec::new();
            self.emits(stage, kind, &mut |kind, count| made.push((kind, count)));
            for (kind, count) in made {
                lines += count * self.burst(kind, stage + 1);
            }
        }
        lines
    }

    fn emits(&self, stage: usize, kind: Kind, tell: &mut dyn FnMut(Kind, usize)) {
        fn ask<S: Stage>(seat: &Seat<S>, kind: Kind, tell: &mut dyn FnMut(Kind, usize)) {
            if let Some(stage) = seat.stage() {
                stage.emits(kind, tell);
            }
        }
        match stage {
            0 => ask(&self.book, kind, tell),
            1 => ask(&self.signal, kind, tell),
            2 => ask(&self.risk, kind, tell),
            _ => ask(&self.gateway, kind, tell),
        }
    }

    /// State hashes of the stages that sit here, by stage.
    #[must_use]
    pub fn state_hashes(&self) -> Vec<(StageId, u64)> {
        fn ask<S: Stage>(seat: &Seat<S>) -> Option<(StageId, u64)> {
            seat.stage().map(|stage| (S::ID, stage.state_hash()))
        }
        [
            ask(&self.book),
            ask(&self.signal),
            ask(&self.risk),
            ask(&self.gateway),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::setup::{SAMPLE, Setup};
    use stream::stage::Collected;
    use stream::{Class, Draft, Header, Nanos};

    /// A frame of zeros, but for what makes it a frame of that kind.
    fn blank(kind: Kind) -> Draft {
        let lines = stream::payload::lines_of(kind).unwrap_or(1);
        let mut draft = Draft::new();
        *draft.header_mut() = Header {
            seq: 7,
            ts: Nanos(1),
            kind,
            shape: Header::shape(Class::Input, lines),
            ..Header::default()
        };
        draft
    }

    /// What is kept from a stage would have changed nothing there.
    fn check<S: Stage>(mut stage: S) {
        for &kind in Kind::ALL.iter().filter(|kind| !S::ACTS_ON.has(**kind)) {
            stage.emits(kind, &mut |made, _| {
                panic!("{}: {kind} makes {made}", S::NAME)
            });
            let (draft, before) = (blank(kind), stage.state_hash());
            let mut out = Collected::default();
            stage.on_frame(draft.frame(), &mut out);
            assert_eq!(out.0, draft.frame().lines(), "{}: {kind}", S::NAME);
            assert_eq!(stage.state_hash(), before, "{}: {kind}", S::NAME);
        }
    }

    /// What reaches the end.
    #[derive(Default)]
    struct Kept(Vec<Kind>);

    impl Out for Kept {
        fn put(&mut self, frame: FrameRef<'_>) {
            self.0.push(frame.kind());
        }
    }

    impl End for Kept {
        fn has_room(&self, _: usize) -> bool {
            true
        }

        fn flush(&mut self) {}
    }

    #[test]
    fn frames_pass_empty_seats_by_and_stop_at_those_that_are_taken() {
        let mut settings = Settings::default();
        settings.add_sample(SAMPLE);
        for kept in [
            StageId::Book,
            StageId::Signal,
            StageId::Risk,
            StageId::Gateway,
        ] {
            let stages = Setup::read(&settings).unwrap().stages();
            let mut chain = Chain::full(stages, Kept::default(), Probe::default());
            let acts_on = chain.keep(|stage| stage == kept);
            for &kind in Kind::ALL {
                let route = chain.routes[usize::from(kind.0)] & !LOADS;
                assert_eq!(route != 0, acts_on.has(kind), "{kept:?}: {kind}");
                assert_eq!(route & !bit(kept), 0, "{kept:?}: {kind}");
                if !acts_on.has(kind) {
                    chain.put(blank(kind).frame());
                    assert_eq!(chain.end.0.pop(), Some(kind), "{kept:?}");
                    assert!(chain.end.0.is_empty(), "{kept:?}: {kind}");
                }
            }
        }
    }

    #[test]
    fn a_stage_only_passes_on_what_it_does_not_act_on() {
        let mut settings = Settings::default();
        settings.add_sample(SAMPLE);
        let stages = Setup::read(&settings).unwrap().stages();
        check(stages.book);
        check(stages.signal);
        check(stages.risk);
        check(stages.gateway);
    }
}
