//! The stage: folds the stream, acts on `Evaluate`.
//!
//! | frame | what it does |
//! |---|---|
//! | `Tick` | keeps the evaluation's due time; at housekeeping writes state hash and checkpoint |
//! | `BookView` | folds features, marks the instrument for the evaluation |
//! | `Best` | judges open outcomes and missed-opportunity tracks, moves stops, at event speed |
//! | `Evaluate` | depth slots, strategies, signals, intents, outcomes |
//! | `Sent`, `Status`, `Fill`, `Verdict` | what is under way, and the position |
//! | `Instrument`, `Session`, `Control`, `Restart`, `Checkpoint` | reference, operator, epochs |
//!
//! `Gap` and `Halt` need no arm of their own: book turns them into the quality of `Best` and
//! `BookView`. An intent's frame directly follows its signal's.

mod answers;
mod evaluate;
mod protect;
pub(crate) mod state;

use crate::bracket::Bracket;
use crate::config::{Config, ConfigFault};
use crate::desk::Desk;
use crate::features::Decays;
use crate::missed::Tracks;
use crate::outcomes::Outcomes;
use crate::session::Hours;
use crate::slots::{Claim, Slots};
use crate::strategy::Strategy;
use crate::throttle::Throttles;
use stream::blob::{Assembler, chunks};
use stream::hash::fold;
use stream::limits::EVALUATE_PERIOD;
use stream::payload::{
    Best, BookView, Checkpoint, Control, ControlAction, Fill, Instrument, Restart, RestartFrom,
    Sent, Session, Status, Tick, Timer, Verdict,
};
use stream::{Emitter, FrameRef, InstrumentId, Kind, Kinds, Nanos, Out, Stage, StageId};

/// Counts since the epoch began, for tests and displays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Signals given.
    pub signals: u64,
    /// Intents made.
    pub intents: u64,
    /// Outcomes told.
    pub outcomes: u64,
    /// Slots that changed hands.
    pub rotations: u64,
    /// Missed opportunities: tracks that reached the configured worth.
    pub missed_opportunities: u64,
    /// Depth slots in use.
    pub slots_in_use: usize,
}

/// A side of an instrument that may signal in this evaluation.
#[derive(Clone, Copy, Debug)]
struct Crossing {
    score: f64,
    instrument: InstrumentId,
    strategy: u16,
    side: stream::Side,
}

/// What the operator allows, as far as it is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Permission {
    is_killed: bool,
    is_disarmed: bool,
}

/// The signal stage.
#[derive(Debug)]
pub struct SignalStage {
    config: Config,
    decays: Decays,
    emitter: Emitter,
    desks: Vec<Desk>,
    brackets: Vec<Bracket>,
    strategies: Vec<Box<dyn Strategy>>,
    /// Any of them moves stops between evaluations.
    protects: bool,
    throttles: Throttles,
    outcomes: Outcomes,
    slots: Slots,
    /// No slot is in use, and at the last evaluation no instrument needed one.
    slots_rest: bool,
    tracks: Tracks,
    claims: Vec<Claim>,
    dirty: Vec<InstrumentId>,
    crossings: Vec<Crossing>,
    permission: Permission,
    /// Due time of the evaluation under way, in evaluation periods.
    step: u64,
    /// Checkpoint periods that had passed at the last housekeeping tick.
    checkpoints: Option<u64>,
    /// The latest close of any session, and whether its checkpoint has been written.
    closing: Option<Nanos>,
    assembler: Assembler,
    digest: u64,
    stats: Stats,
}

impl SignalStage {
    /// Builds the stage and takes all its memory.
    ///
    /// # Errors
    /// Every fault of the configuration.
    pub fn new(config: Config) -> Result<Self, Vec<ConfigFault>> {
        let faults = config.check();
        if faults.is_empty() {
            Ok(Self::build(config))
        } else {
            Err(faults)
        }
    }

    fn build(config: Config) -> Self {
        let n = config.instruments;
        let slots = &config.slots;
        let strategies: Vec<_> = config.strategies.iter().map(|one| one.build(n)).collect();
        Self {
            protects: strategies.iter().any(|one| one.protects()),
            decays: Decays::new(&config.features),
            emitter: Emitter::new(StageId::Signal),
            desks: vec![Desk::new(); n + 1],
            brackets: vec![Bracket::default(); n + 1],
            strategies,
            throttles: Throttles::new(config.throttles.clone(), n, config.strategies.len()),
            outcomes: Outcomes::new(config.outcomes, n),
            slots: Slots::new(slots.clone(), n),
            slots_rest: false,
            tracks: Tracks::new(
                slots.missed_tracks,
                n,
                slots.missed_horizon,
                slots.missed_worth_ppm,
            ),
            claims: vec![Claim::default(); n + 1],
            dirty: Vec::with_capacity(n),
            crossings: Vec::with_capacity(n * config.strategies.len()),
            permission: Permission {
                is_killed: false,
                is_disarmed: false,
            },
            step: 0,
            checkpoints: None,
            closing: None,
            assembler: Assembler::default(),
            digest: 0,
            stats: Stats::default(),
            config,
        }
    }

    /// Counts since the epoch began.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            rotations: self.slots.rotations(),
            slots_in_use: self.slots.in_use(),
            ..self.stats
        }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The position of an instrument as its fills tell it.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> stream::Qty {
        self.brackets
            .get(instrument.index())
            .map_or(stream::Qty::ZERO, Bracket::position)
    }

    /// The instrument, when it is one of the universe.
    fn known(&self, frame: FrameRef<'_>) -> Option<InstrumentId> {
        let instrument = frame.instrument();
        let known = instrument != InstrumentId::NONE && instrument.index() < self.desks.len();
        known.then_some(instrument)
    }

    #[inline]
    fn on_best<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        let Some(instrument) = self.known(frame) else {
            return;
        };
        self.desks[instrument.index()].on_best(frame.read::<Best>());
        // Mostly nobody is followed, and nothing of the instrument is open or held.
        let is_held = self.brackets[instrument.index()].position() != stream::Qty::ZERO;
        let moves_stops = self.protects && is_held;
        if !self.tracks.is_empty() || self.outcomes.has_open(instrument) || moves_stops {
            self.follow_best(frame, instrument, out);
        }
    }

    /// What hangs on an instrument's best quote.
    #[inline(never)]
    fn follow_best<O: Out>(&mut self, frame: FrameRef<'_>, instrument: InstrumentId, out: &mut O) {
        let desk = &self.desks[instrument.index()];
        let touch = desk.touch();
        if let Some(mid2) = desk.mid2() {
            self.tracks.on_mid(instrument, mid2);
        }
        if let Some(outcome) = self.outcomes.on_best(instrument, frame.ts(), touch) {
            self.stats.outcomes += 1;
            self.emitter.emit(frame, instrument, &outcome, out);
        }
        if self.protects {
            self.protect(frame, instrument, out);
        }
    }

    fn on_view(&mut self, frame: FrameRef<'_>) {
        let Some(instrument) = self.known(frame) else {
            return;
        };
        let view = frame.read::<BookView>();
        let desk = &mut self.desks[instrument.index()];
        desk.on_view(view);
        // Levels although there never was a subscription: the feed brings full books. (One that
        // lost its slot may show its last rows for a moment.)
        if !desk.had_slot && view.has_depth == 0 && desk.has_levels() {
            desk.has_full_book = true;
        }
        let ready = desk.has_full_book
            || (desk.has_levels()
                && view.has_depth != 0
                && self.slots.is_warm(instrument, frame.ts()));
        desk.features.update(&self.decays, self.step, view, ready);
        self.digest = fold(
            self.digest ^ u64::from(instrument.0),
            desk.features.digest(),
        );
        if !desk.is_dirty {
            desk.is_dirty = true;
            self.dirty.push(instrument);
        }
    }

    fn on_tick<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        let tick = frame.read::<Tick>();
        match tick.timer {
            Timer::Evaluate => self.step = tick.due.0 / EVALUATE_PERIOD.0,
            Timer::Housekeeping => {
                self.give_up_unheard(frame.ts());
                self.checkpoint(frame, tick.due, out);
                self.throttles.settle_hash();
                let hash = self.state_hash();
                self.emitter.state_hash(frame, hash, out);
            }
            Timer::Pulse => {}
        }
    }

    fn checkpoint<O: Out>(&mut self, frame: FrameRef<'_>, due: Nanos, out: &mut O) {
        let every = self.config.checkpoint_every.0;
        if every == 0 {
            return;
        }
        let passed = due.0 / every;
        let periodic = self.checkpoints.is_some_and(|before| passed > before);
        let closed = self.closing.is_some_and(|end| frame.ts() >= end);
        self.checkpoints = Some(passed);
        if closed {
            self.closing = None;
        }
        if periodic || closed {
            self.save_behind(frame, out);
        }
    }

    fn save_behind<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        let parts = state::Parts {
            brackets: &self.brackets,
            throttles: &self.throttles,
            outcomes: &self.outcomes,
            strategies: &self.strategies,
            is_killed: self.permission.is_killed,
        };
        self.emitter
            .checkpoint(frame, state::VERSION, |bytes| parts.save(bytes), out);
    }

    fn on_session(&mut self, frame: FrameRef<'_>) {
        let hours = Hours::of(frame.read::<Session>());
        let instrument = frame.instrument();
        let all = instrument == InstrumentId::NONE;
        if !all && self.known(frame).is_none() {
            return;
        }
        for (i, desk) in self.desks.iter_mut().enumerate() {
            if all || i == instrument.index() {
                desk.hours = hours;
            }
        }
        self.throttles.begin_session(instrument, hours.date);
        let end = hours.end();
        self.closing = Some(self.closing.map_or(end, |other| other.max(end)));
    }

    fn on_control<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        // Which levels an action lifts is risk's to say; to believe too little in force here only
        // costs a refusal, to believe too much would cost trades.
        match frame.read::<Control>().action {
            ControlAction::Pause
            | ControlAction::Halt
            | ControlAction::Flatten
            | ControlAction::Kill => self.permission.is_killed = true,
            ControlAction::Resume => self.permission.is_killed = false,
            ControlAction::Arm => {
                self.permission = Permission {
                    is_killed: false,
                    is_disarmed: false,
                };
            }
            ControlAction::Disarm => self.permission.is_disarmed = true,
            ControlAction::Save if self.config.checkpoint_every.0 > 0 => {
                self.save_behind(frame, out);
            }
            ControlAction::Save => {}
        }
    }

    /// An epoch begins. From a fold everything goes on, except that the subscriptions died with
    /// the process; otherwise everything starts over, and a checkpoint may follow.
    fn begin_epoch(&mut self, restart: &Restart) {
        if restart.from == RestartFrom::Fold {
            self.slots.vacate();
        } else {
            *self = Self::build(self.config.clone());
        }
        self.permission.is_disarmed = restart.disarmed != 0;
    }

    fn on_checkpoint(&mut self, chunk: &Checkpoint) {
        if chunk.stage != StageId::Signal as u8 {
            return;
        }
        let whole = self.assembler.push_checkpoint(chunk);
        if let Some(bytes) = whole.filter(|_| chunk.version == state::VERSION) {
            // A state that does not fit is left aside: the stage stays fresh, which only forgets
            // rests and open outcomes. The shell has tried it before it put it into the stream.
            let _ = self.load(&bytes);
        }
    }
}

impl Stage for SignalStage {
    const NAME: &'static str = "signal";
    const ID: StageId = StageId::Signal;
    const ACTS_ON: Kinds = Kinds::of(&[
        Kind::Best,
        Kind::BookView,
        Kind::Evaluate,
        Kind::Tick,
        Kind::Fill,
        Kind::Status,
        Kind::Sent,
        Kind::Verdict,
        Kind::Instrument,
        Kind::Session,
        Kind::Control,
        Kind::Restart,
        Kind::Checkpoint,
    ]);

    fn emits(&self, kind: Kind, tell: &mut dyn FnMut(Kind, usize)) {
        let config = &self.config;
        match kind {
            Kind::Best => {
                tell(Kind::Outcome, 1);
                tell(Kind::Protect, usize::from(self.protects));
            }
            Kind::Evaluate => {
                let signals = config.throttles.signals_per_evaluation;
                tell(Kind::DepthSlot, config.slots.changes_max());
                tell(Kind::Missed, config.slots.missed_tracks);
                tell(Kind::Signal, signals);
                tell(
                    Kind::Intent,
                    config.throttles.intents_per_evaluation.min(signals),
                );
                tell(Kind::Outcome, config.outcomes + signals);
            }
            Kind::Tick | Kind::Control => {
                if kind == Kind::Tick {
                    tell(Kind::StateHash, 1);
                }
                if config.checkpoint_every.0 > 0 {
                    tell(Kind::Checkpoint, chunks(config.checkpoint_bytes_max()));
                }
            }
            _ => {}
        }
    }

    #[inline]
    fn on_frame<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        if frame.kind() == Kind::Restart {
            self.begin_epoch(frame.read::<Restart>());
        }
        self.emitter.pass(frame, out);
        match frame.kind() {
            Kind::Best => self.on_best(frame, out),
            Kind::BookView => self.on_view(frame),
            Kind::Evaluate => self.evaluate(frame, out),
            Kind::Tick => self.on_tick(frame, out),
            Kind::Fill => self.on_fill(frame, frame.read::<Fill>()),
            Kind::Status => self.on_status(frame, frame.read::<Status>()),
            Kind::Sent => self.on_sent(frame, frame.read::<Sent>()),
            Kind::Verdict => self.on_verdict(frame, frame.read::<Verdict>()),
            Kind::Instrument => {
                if let Some(instrument) = self.known(frame) {
                    self.desks[instrument.index()].define(frame.read::<Instrument>());
                }
            }
            Kind::Session => self.on_session(frame),
            Kind::Control => self.on_control(frame, out),
            Kind::Checkpoint if frame.is_input() => {
                self.on_checkpoint(frame.read::<Checkpoint>());
            }
            _ => {}
        }
    }

    fn state_hash(&self) -> u64 {
        self.hash_state()
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        self.parts().save(bytes);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        self.load_state(bytes)
    }
}
