//! Stages in a row on one lane.
//!
//! A stage's output is the next stage's input, by a direct call: the order is the same as with a
//! queue between them (each stage passes a frame on before its own), without the copies. A lane
//! holds any consecutive part of the pipeline and skips the other stages' seats. A frame of a
//! kind that no later stage acts on goes straight to the end: most market frames once they have
//! passed book, and all notes and blobs, which are for readers of the journal.

mod links;

use crate::probe::{Probe, Unwatched};
use book::BookStage;
use gateway::GatewayStage;
use links::{Behind, LOADS, Last, Link, Links, Route, Seat, routes_to};
use risk::RiskStage;
use signal::SignalStage;
use stream::{FrameRef, Kind, Kinds, Line, Out, Stage, StageId};

/// Where a lane's frames go.
pub trait End: Out {
    /// True when so many lines can be put before the next flush without waiting.
    fn has_room(&self, lines: usize) -> bool;
    /// Publishes what was put.
    fn flush(&mut self);
    /// Like `flush`, where the book stage sits on the lane: for an end that looks at its books.
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

/// Any consecutive part of the pipeline, and where it ends.
#[derive(Debug)]
pub struct Chain<E> {
    links: Links<E>,
    /// What is measured on the way.
    pub probe: Probe,
}

/// The seats of a chain, in its order.
type Seats<'a> = (
    &'a Seat<BookStage>,
    &'a Seat<SignalStage>,
    &'a Seat<RiskStage>,
    &'a Seat<GatewayStage>,
);

/// The same, to be taken.
type SeatsMut<'a> = (
    &'a mut Seat<BookStage>,
    &'a mut Seat<SignalStage>,
    &'a mut Seat<RiskStage>,
    &'a mut Seat<GatewayStage>,
);

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
        fn free<S, R>(rest: R) -> Link<S, R> {
            let seat = Seat::default();
            Link { seat, rest }
        }
        let routes = routes_to(LOADS);
        Self {
            links: free(free(free(free(Last { end, routes })))),
            probe,
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
    pub fn into_stages(mut self) -> Stages {
        const FULL: &str = "a full chain holds every stage";
        let (book, signal, risk, gateway) = self.seats_mut();
        Stages {
            book: book.stage.take().expect(FULL),
            signal: signal.stage.take().expect(FULL),
            risk: risk.stage.take().expect(FULL),
            gateway: gateway.stage.take().expect(FULL),
        }
    }

    /// Where the frames go.
    #[must_use]
    #[inline(always)]
    pub const fn end(&self) -> &E {
        &self.links.last().end
    }

    /// Where the frames go.
    #[inline(always)]
    pub const fn end_mut(&mut self) -> &mut E {
        &mut self.links.last_mut().end
    }

    /// What is measured, and where the frames go.
    pub(crate) const fn probe_and_end(&mut self) -> (&Probe, &mut E) {
        (&self.probe, &mut self.links.last_mut().end)
    }

    /// Takes out where the frames went.
    #[must_use]
    pub fn into_end(self) -> E {
        self.links.rest.rest.rest.rest.end
    }

    const fn seats(&self) -> Seats<'_> {
        let Link { seat: book, rest } = &self.links;
        let Link { seat: signal, rest } = rest;
        let Link { seat: risk, rest } = rest;
        (book, signal, risk, &rest.seat)
    }

    const fn seats_mut(&mut self) -> SeatsMut<'_> {
        let Link { seat: book, rest } = &mut self.links;
        let Link { seat: signal, rest } = rest;
        let Link { seat: risk, rest } = rest;
        (book, signal, risk, &mut rest.seat)
    }

    /// True when no stage sits here: what goes in comes out.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.seated() == LOADS
    }

    /// Empties the seats of all other stages; returns the kinds that the kept ones act on.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(StageId) -> bool) -> Kinds {
        fn leave<S: Stage>(seat: &mut Seat<S>, is_kept: impl Fn(StageId) -> bool) -> Kinds {
            if is_kept(S::ID) {
                return S::ACTS_ON;
            }
            seat.stage = None;
            Kinds::NONE
        }
        let (book, signal, risk, gateway) = self.seats_mut();
        let early = leave(book, &is_kept).or(leave(signal, &is_kept));
        let late = leave(risk, &is_kept).or(leave(gateway, &is_kept));
        self.route();
        early.or(late)
    }

    /// The stages that sit here.
    const fn seated(&self) -> Route {
        const fn of<S: Stage>(seat: &Seat<S>) -> Route {
            (seat.stage.is_some() as Route) << S::ID as u8
        }
        let (book, signal, risk, gateway) = self.seats();
        LOADS | of(book) | of(signal) | of(risk) | of(gateway)
    }

    /// Routes frames past the empty seats.
    fn route(&mut self) {
        self.links.last_mut().routes = routes_to(self.seated());
    }

    /// Takes the book stage of another chain.
    pub(crate) fn take_book(&mut self, from: Self) {
        self.links.seat = from.links.seat;
        self.route();
    }

    /// Moves a stage in.
    pub fn seat_book(&mut self, stage: BookStage) {
        self.seats_mut().0.stage = Some(stage);
        self.route();
    }

    /// Moves a stage in.
    pub fn seat_signal(&mut self, stage: SignalStage) {
        self.seats_mut().1.stage = Some(stage);
        self.route();
    }

    /// Moves a stage in.
    pub fn seat_risk(&mut self, stage: RiskStage) {
        self.seats_mut().2.stage = Some(stage);
        self.route();
    }

    /// Moves a stage in.
    pub fn seat_gateway(&mut self, stage: GatewayStage) {
        self.seats_mut().3.stage = Some(stage);
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
        let watch = &self.probe;
        let row = &mut self.links;
        Behind { row, watch }.put(frame);
    }

    /// Puts one frame through in virtual time, where nothing is measured.
    #[inline]
    pub fn put_unwatched(&mut self, frame: FrameRef<'_>)
    where
        E: End,
    {
        let (row, watch) = (&mut self.links, Unwatched);
        Behind { row, watch }.put(frame);
    }

    /// Publishes what came of the frames that were put.
    #[inline(always)]
    pub fn flush(&mut self)
    where
        E: End,
    {
        let Link { seat, rest } = &mut self.links;
        let end = &mut rest.rest.rest.rest.end;
        match seat.stage() {
            Some(stage) => end.flush_beside(stage),
            None => end.flush(),
        }
    }

    /// The same chain with another end.
    #[must_use]
    pub fn ending_at<F>(self, end: F) -> Chain<F> {
        let Link { seat: book, rest } = self.links;
        let Link { seat: signal, rest } = rest;
        let Link { seat: risk, rest } = rest;
        let mut chain = Chain::new(end, self.probe);
        (chain.links.seat, chain.links.rest.seat) = (book, signal);
        let late = &mut chain.links.rest.rest;
        (late.seat, late.rest.seat) = (risk, rest.seat);
        chain.route();
        chain
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
        let (book, signal, risk, gateway) = self.seats();
        match stage {
            0 => ask(book, kind, tell),
            1 => ask(signal, kind, tell),
            2 => ask(risk, kind, tell),
            _ => ask(gateway, kind, tell),
        }
    }

    /// State hashes of the stages that sit here, by stage.
    #[must_use]
    pub fn state_hashes(&self) -> Vec<(StageId, u64)> {
        fn ask<S: Stage>(seat: &Seat<S>) -> Option<(StageId, u64)> {
            seat.stage().map(|stage| (S::ID, stage.state_hash()))
        }
        let (book, signal, risk, gateway) = self.seats();
        [ask(book), ask(signal), ask(risk), ask(gateway)]
            .into_iter()
            .flatten()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::links::{Row, bit};
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
                let route = chain.links.routes()[usize::from(kind.0)] & !LOADS;
                assert_eq!(route != 0, acts_on.has(kind), "{kept:?}: {kind}");
                assert_eq!(route & !bit(kept), 0, "{kept:?}: {kind}");
                if !acts_on.has(kind) {
                    chain.put(blank(kind).frame());
                    assert_eq!(chain.end_mut().0.pop(), Some(kind), "{kept:?}");
                    assert!(chain.end_mut().0.is_empty(), "{kept:?}: {kind}");
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
