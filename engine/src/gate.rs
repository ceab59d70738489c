//! The end of the chain: the journal as gate, what goes round by the head, and the edge.
//!
//! Every frame is appended first. Only then a command reaches the edge, a depth slot its source,
//! and a refusal or a request sets out on its way round. With `power` durability a command that
//! adds risk waits until it is synced; the edge then sees it a little behind its place.
//!
//! What the simulated broker makes of a market frame is the venue's work and not the pipeline's:
//! it is shown the frame only after everything that the frame caused has been journaled and handed
//! over, and still sees every frame in order. A broker without books of its own
//! ([`Broker::Beside`]) is shown everything at the end of each input.
//!
//! Frames that nothing acts on are gathered and appended together: before any frame that is acted
//! on, and, where others read the journal's head, before the lane looks for the next input.

mod held;

use crate::broker::Broker;
use crate::chain::End;
use crate::edge_log::EdgeLog;
use crate::gathered::Gathered;
use crate::lane::put_note;
use crate::ledger::{Ledger, LiveLeg};
use crate::probe::Probe;
use crate::shared::{Emergency, Shared};
use book::BookStage;
use held::{HELD_MAX, Held};
use journal::{Health, Writer};
use rtrb::Producer;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use stream::payload::{
    Command, Control, ControlAction, DepthSlot, Note, NoteKind, Refused, Request, Requested,
    SlotAction, Tick, Timer, Verdict, text,
};
use stream::source::answer;
use stream::{Answers, Draft, Edge, FrameRef, InstrumentId, Kind, Kinds, Line, Nanos, Out};

/// A depth slot on its way to the source.
#[derive(Clone, Copy, Debug)]
pub struct SlotChange {
    /// When it was decided.
    pub ts: Nanos,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Begin or end.
    pub subscribe: bool,
}

/// The way back to the head. It never drops: while the ring is full it spins, and the head empties
/// it on every turn, also while it waits for room itself.
#[derive(Debug)]
pub struct WayBack {
    answers: Producer<Line>,
}

impl WayBack {
    /// The writing end of a ring of answers.
    #[must_use]
    pub const fn new(answers: Producer<Line>) -> Self {
        Self { answers }
    }
}

impl Answers for WayBack {
    fn queue(&mut self, draft: &Draft) {
        while self
            .answers
            .push_entire_slice(draft.frame().lines())
            .is_err()
        {
            assert!(
                !self.answers.is_abandoned(),
                "the head is gone while answers are due"
            );
            std::hint::spin_loop();
        }
    }
}

/// Derived kinds that are acted on; every other derived frame is only appended.
const ACTS_ON: Kinds = Kinds::of(&[
    Kind::Command,
    Kind::Refused,
    Kind::Request,
    Kind::DepthSlot,
    Kind::Leg,
]);

/// What a gate is made of.
#[derive(Debug)]
pub struct GateParts {
    /// Where frames are appended.
    pub journal: Writer,
    /// Whether a command that adds risk waits for its sync.
    pub power: bool,
    /// The broker's side.
    pub edge: Broker,
    /// What the edge does past a dead journal.
    pub log: EdgeLog,
    /// What is live and held.
    pub ledger: Ledger,
    /// The way back to the head.
    pub back: WayBack,
    /// The way of depth slots to the sources.
    pub slots: Producer<SlotChange>,
    /// Delay of `Verdict` and `Requested`.
    pub delay: Nanos,
    /// What the threads share.
    pub shared: Arc<Shared>,
    /// Live, or measuring nothing in virtual time.
    pub clock: Probe,
}

/// The end of the chain.
#[derive(Debug)]
pub struct Gate {
    journal: Writer,
    log: EdgeLog,
    edge: Broker,
    back: WayBack,
    slots: Producer<SlotChange>,
    draft: Draft,
    /// Delay of `Verdict` and `Requested`.
    delay: Nanos,
    power: bool,
    held: VecDeque<Held>,
    health: Health,
    ledger: Ledger,
    /// Frames that nothing acts on and that are not appended yet, back to back.
    gathered: Gathered,
    /// The newest market frame, where the edge has not seen it yet.
    market: Draft,
    market_waits: bool,
    shared: Arc<Shared>,
    clock: Probe,
}

impl Gate {
    /// A gate in front of a broker.
    #[must_use]
    pub fn new(parts: GateParts) -> Self {
        let GateParts {
            journal,
            power,
            edge,
            log,
            ledger,
            back,
            slots,
            delay,
            shared,
            clock,
        } = parts;
        ledger.tell(&shared);
        Self {
            power,
            health: Health::Good,
            journal,
            edge,
            log,
            back,
            slots,
            draft: Draft::new(),
            delay,
            held: VecDeque::with_capacity(HELD_MAX),
            gathered: Gathered::new(),
            market: Draft::new(),
            market_waits: false,
            ledger,
            shared,
            clock,
        }
    }

    /// Ends the run: what is held leaves first, then the journal is closed.
    ///
    /// # Errors
    /// When the journal cannot be closed cleanly.
    pub fn close(mut self) -> Result<Broker, journal::Error> {
        self.write_out();
        if !self.held.is_empty() {
            self.journal.request_sync();
            while !self.held.is_empty() && !self.health_is_lost() {
                self.release();
            }
        }
        self.journal.close()?;
        self.log.end();
        Ok(self.edge)
    }

    /// The current frame was not written: from here on nothing is done, except what the edge does
    /// by itself.
    #[cold]
    fn die(&mut self) {
        if self.shared.emergency() != Emergency::Dead {
            self.shared.raise(Emergency::Dead);
            self.abandon();
        }
    }

    /// Nothing can be journaled any more: the edge cancels entries, keeps protection, and writes
    /// down what it did. Only then what a lane was at when it broke is appended, as far as the
    /// journal still takes it; where it is the journal that died, nothing happens.
    pub fn abandon(&mut self) {
        let Self {
            journal,
            log,
            edge,
            ledger,
            ..
        } = self;
        let (ts, seq) = (journal.last_ts(), journal.last_seq());
        log.cancel_entries(edge, ledger.legs(), ts, seq);
        // The writer may be what broke, and then it breaks here again; that was told already.
        let _ = catch_unwind(AssertUnwindSafe(|| self.append_gathered()));
    }

    /// Legs that may be live at the broker.
    #[must_use]
    pub fn live_legs(&self) -> &[LiveLeg] {
        self.ledger.legs()
    }

    /// How the journal is.
    #[must_use]
    pub fn health(&self) -> Health {
        self.journal.health()
    }
}

impl Gate {
    /// Appends a frame that the last epoch's last input still lacked. The stages have already seen
    /// it. A command among these never leaves; it is given up by its own answer.
    pub fn catch_up(&mut self, frame: FrameRef<'_>) {
        if frame.kind() == Kind::Command {
            self.write_out();
            self.journal.append(frame);
            self.ledger.on_frame(frame, &self.shared);
        } else {
            self.put(frame);
        }
    }
}

impl Out for Gate {
    #[inline]
    fn put(&mut self, frame: FrameRef<'_>) {
        if !is_quiet(frame) && !self.is_put_off(frame) {
            return self.put_now(frame);
        }
        let [line] = frame.lines() else {
            return self.gather_long(frame);
        };
        self.gathered.take(line);
        if frame.is_input() {
            self.gathered_input(frame);
        } else if self.gathered.is_full() {
            self.write_out();
        }
    }
}

impl Gate {
    /// True for evaluation ticks, in front of a broker beside the books: the journal's health is
    /// checked on the other ticks.
    #[inline(always)]
    fn is_put_off(&self, frame: FrameRef<'_>) -> bool {
        matches!(self.edge, Broker::Beside(_)) && is_evaluation(frame)
    }

    /// Appends a frame, and does what follows from it.
    #[inline(never)]
    fn put_now(&mut self, frame: FrameRef<'_>) {
        if !self.gathered.is_empty() {
            self.write_out();
        }
        let position = self.journal.append(frame);
        if self.journal.is_failed() {
            return self.die();
        }
        self.act(frame, position);
        if frame.is_input() {
            self.tell_edge(frame);
        }
        if !self.held.is_empty() {
            self.release();
        }
    }

    /// Gathers a frame of more than one line.
    // A call, as is every way that most frames do not take.
    #[inline(never)]
    fn gather_long(&mut self, frame: FrameRef<'_>) {
        frame
            .lines()
            .iter()
            .for_each(|line| self.gathered.take(line));
        if frame.is_input() {
            self.gathered_input(frame);
        } else if self.gathered.is_full() {
            self.write_out();
        }
    }

    /// An input was gathered.
    #[inline(never)]
    fn gathered_input(&mut self, frame: FrameRef<'_>) {
        if self.gathered.is_full() {
            self.write_out();
        }
        self.keep_market(frame);
    }

    /// Appends what was gathered; if that fails, the gate dies.
    #[inline(never)]
    fn write_out(&mut self) {
        self.append_gathered();
        if self.journal.is_failed() {
            self.die();
        }
    }

    #[inline(always)]
    fn append_gathered(&mut self) {
        match self.gathered.lines() {
            [] => return,
            [line] => {
                let frame = FrameRef::first_of(std::slice::from_ref(line));
                self.journal
                    .append(frame.expect("frames are gathered whole"));
            }
            lines => {
                self.journal.append_all(lines);
            }
        }
        self.gathered.clear();
        // The market frame that waits may be among what was not written.
        self.market_waits &= !self.journal.is_failed();
    }
}

/// True for evaluation ticks. Where they are gathered, the journal's health is checked on the
/// other ticks.
#[inline(always)]
fn is_evaluation(frame: FrameRef<'_>) -> bool {
    frame.kind() == Kind::Tick && frame.read::<Tick>().timer == Timer::Evaluate
}

/// True for frames that nothing acts on, except that the broker is shown the market.
#[inline(always)]
fn is_quiet(frame: FrameRef<'_>) -> bool {
    if frame.is_input() {
        frame.kind().is_market()
    } else {
        !ACTS_ON.has(frame.kind())
    }
}

impl Gate {
    /// What follows from a frame that has been appended.
    #[inline(never)]
    fn act(&mut self, frame: FrameRef<'_>, position: u64) {
        match frame.kind() {
            Kind::Command => self.command(frame, position),
            Kind::Refused => self.refused(frame),
            Kind::Request => self.request(frame),
            Kind::DepthSlot => self.depth_slot(frame),
            Kind::Tick => return self.watch(),
            _ => {}
        }
        self.ledger.on_frame(frame, &self.shared);
    }

    /// Shows the broker beside the books what waits for it: commands, which are in the journal, and
    /// market frames, which may still be gathered. What it answers is an input behind them.
    // A call: nothing is to be saved for it where nothing waits.
    #[inline(never)]
    fn show(&mut self, stage: &BookStage) {
        if let Broker::Beside(beside) = &mut self.edge {
            beside.show(stage, &mut self.back);
        }
    }

    /// A market frame waits until what follows from it has been handed over.
    #[inline(always)]
    fn keep_market(&mut self, frame: FrameRef<'_>) {
        match &mut self.edge {
            Broker::Sim(_) => {
                self.tell_market();
                // A dead journal's edge sees nothing more.
                if !self.journal.is_failed() {
                    self.market.copy_from(frame);
                    self.market_waits = true;
                }
            }
            Broker::Beside(beside) => beside.hear(frame),
            Broker::Ibkr(_) => {}
        }
    }
}

impl End for Gate {
    fn has_room(&self, _: usize) -> bool {
        true
    }

    #[inline]
    fn flush(&mut self) {
        if !self.gathered.is_empty() {
            self.write_out();
        }
        self.tell_market();
        if !self.held.is_empty() {
            self.release();
        }
    }

    #[inline]
    fn flush_beside(&mut self, stage: &BookStage) {
        match &mut self.edge {
            Broker::Beside(beside) if beside.waits() => self.show(stage),
            Broker::Beside(_) => {}
            Broker::Sim(_) | Broker::Ibkr(_) => self.flush(),
        }
    }

    /// As frame by frame, but frames that nothing acts on are appended together, up to the next
    /// frame that is acted on.
    fn put_all(&mut self, frames: &[Line]) {
        if !self.gathered.is_empty() {
            self.write_out();
        }
        let (mut from, mut at) = (0, 0);
        while let Some(frame) = FrameRef::first_of(&frames[at..]) {
            at += frame.lines().len();
            if !is_quiet(frame) {
                self.keep(&frames[from..at - frame.lines().len()]);
                self.put(frame);
                from = at;
            }
        }
        self.keep(&frames[from..at]);
    }
}

impl Gate {
    /// Appends frames that nothing acts on, except that the edge is shown the market.
    fn keep(&mut self, frames: &[Line]) {
        if frames.is_empty() {
            return;
        }
        self.journal.append_all(frames);
        if self.journal.is_failed() {
            return self.die();
        }
        if !self.edge.ignores_market() {
            let mut rest = frames;
            while let Some(frame) = FrameRef::first_of(rest) {
                if frame.is_input() {
                    self.keep_market(frame);
                }
                rest = &rest[frame.lines().len()..];
            }
        }
        if !self.held.is_empty() {
            self.release();
        }
    }
}

impl Gate {
    fn hand_over(&mut self, frame: FrameRef<'_>) {
        let now = self.clock.is_live().then(|| self.clock.now());
        self.tell_edge(frame);
        if let Some(now) = now {
            self.note_age(frame, now);
        }
    }

    /// Notes how old a command was that left at `now`.
    fn note_age(&mut self, frame: FrameRef<'_>, now: Nanos) {
        let market_ts = frame.read::<Command>().market_ts;
        let age = Note {
            a: now.saturating_sub(frame.ts()).0,
            b: now.saturating_sub(market_ts).0,
            c: frame.id().0,
            what: NoteKind::Age,
            part: PART_EDGE,
            about: frame.header().sub,
            ..Note::zeroed()
        };
        // Not behind a later frame: this one may have been held back.
        let (seq, ts) = (self.journal.last_seq(), self.journal.last_ts());
        put_note(
            &mut self.draft,
            seq,
            ts,
            &age,
            &mut Append(&mut self.journal),
        );
    }

    /// Hands the edge a frame, behind the market frame that waits.
    #[inline]
    fn tell_edge(&mut self, frame: FrameRef<'_>) {
        self.tell_market();
        self.edge.on_frame(frame, &mut self.back);
    }

    #[inline]
    fn tell_market(&mut self) {
        if self.market_waits {
            self.market_is_due();
        }
    }

    #[inline(never)]
    fn market_is_due(&mut self) {
        if !self.gathered.is_empty() {
            self.write_out();
        }
        if !core::mem::take(&mut self.market_waits) {
            return;
        }
        self.edge.on_frame(self.market.frame(), &mut self.back);
    }

    fn refused(&mut self, frame: FrameRef<'_>) {
        let verdict = Verdict::of(frame.read::<Refused>());
        let due = frame.ts().saturating_add(self.delay);
        answer(
            &mut self.back,
            &mut self.draft,
            due,
            frame.id(),
            frame.instrument(),
            &verdict,
        );
    }

    fn request(&mut self, frame: FrameRef<'_>) {
        let requested = Requested::of(frame.read::<Request>(), frame.id());
        let due = frame.ts().saturating_add(self.delay);
        answer(
            &mut self.back,
            &mut self.draft,
            due,
            frame.id(),
            frame.instrument(),
            &requested,
        );
    }

    fn depth_slot(&mut self, frame: FrameRef<'_>) {
        let change = SlotChange {
            ts: frame.ts(),
            instrument: frame.instrument(),
            subscribe: frame.read::<DepthSlot>().action == SlotAction::Subscribe,
        };
        while self.slots.push(change).is_err() {
            assert!(
                !self.slots.is_abandoned(),
                "the head is gone while a depth slot changes"
            );
            std::hint::spin_loop();
        }
    }

    /// Looks at the journal's health on every tick: once it writes into its reserve, entries are
    /// cancelled (L2) and then everything is closed (L3), by way of the head.
    fn watch(&mut self) {
        let health = self.journal.health();
        if health == self.health {
            return;
        }
        self.health = health;
        if let Health::Low { segments: 0 | 1 } = health {
            self.control(
                ControlAction::Pause,
                "the disk has room for one more segment at most",
            );
        }
        if health.is_failed() {
            self.die();
        } else if health.must_wind_down() && self.shared.emergency() == Emergency::No {
            self.shared.raise(Emergency::Reserve);
            self.control(ControlAction::Halt, "the journal cannot go on");
            self.control(ControlAction::Flatten, "the journal cannot go on");
        }
    }

    fn control(&mut self, action: ControlAction, cause: &str) {
        let control = Control {
            action,
            spare: [0; 7],
            by: text("journal"),
            cause: text(cause),
        };
        self.draft.write(InstrumentId::NONE, &control);
        self.back.queue(&self.draft);
    }
}

/// Notes of the gate itself go straight into the journal.
struct Append<'a>(&'a mut Writer);

impl Out for Append<'_> {
    fn put(&mut self, frame: FrameRef<'_>) {
        self.0.append(frame);
    }
}

/// The edge, as a part in notes.
pub const PART_EDGE: u8 = 6;

#[cfg(test)]
mod tests;
