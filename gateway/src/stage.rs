//! The stage: which frames concern the gateway, and what it may emit behind each.

use crate::config::{Config, PER_INSTRUMENT_MAX};
use crate::persist;
use crate::state::{Port, State};
use crate::watch::Watch;
use stream::limits::CHECKPOINT_BYTES_MAX;
use stream::payload::{
    Bar, Best, BookView, CHUNK, Connectivity, Control, ControlAction, Execute, Fill, Kill, Order,
    Protect, Sent, Session, Status, Tick, Timer, Trade, flags,
};
use stream::{Emitter, FrameRef, InstrumentId, Kind, Kinds, Nanos, Out, Qty, Stage, StageId};

/// Orders to commands. See the crate's documentation.
#[derive(Debug)]
pub struct GatewayStage {
    emitter: Emitter,
    state: State,
}

impl GatewayStage {
    /// A gateway without orders and positions. It does not allocate after this.
    ///
    /// # Panics
    /// When [`Config::faults`] names any.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            emitter: Emitter::new(StageId::Gateway),
            state: State::new(config),
        }
    }

    /// The position of an instrument by the fills that were seen; zero for unknown instruments.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> Qty {
        Qty(self
            .state
            .watches
            .get(instrument.index())
            .map_or(0, |watch| watch.position))
    }

    /// True when something about the instrument is not explained and it takes no entries.
    #[must_use]
    pub fn is_frozen(&self, instrument: InstrumentId) -> bool {
        self.state
            .watches
            .get(instrument.index())
            .is_some_and(|watch| watch.frozen)
    }

    /// The position of an instrument by the fills that were seen, and what of it no order of ours
    /// made; nothing for unknown instruments.
    #[must_use]
    pub fn holding(&self, instrument: InstrumentId) -> (i64, i64) {
        let watch = self.state.watches.get(instrument.index());
        watch.map_or((0, 0), |watch| (watch.position, watch.others))
    }

    /// True when there is anything of the instrument: a position, a bracket, or what a person has
    /// to look at.
    #[must_use]
    pub fn holds(&self, instrument: InstrumentId) -> bool {
        let watch = self.state.watches.get(instrument.index());
        watch.is_some_and(|watch| {
            (watch.position, watch.others, watch.count) != (0, 0, 0) || watch.frozen
        })
    }

    /// Brackets alive, those of flattens included.
    #[must_use]
    pub fn brackets(&self) -> usize {
        self.state
            .brackets
            .iter()
            .filter(|bracket| bracket.used)
            .count()
    }

    /// Commands that the edge has not answered.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.state.credits.unanswered()
    }

    fn handle(&mut self, frame: FrameRef<'_>, out: &mut dyn Out) {
        let state = &mut self.state;
        let emitter = &mut self.emitter;
        let port = &mut Port {
            emitter,
            frame,
            out,
        };
        match frame.kind() {
            Kind::Order => state.on_order(port, frame.read::<Order>()),
            Kind::Kill => state.on_kill(port, frame.read::<Kill>()),
            Kind::Control if frame.read::<Control>().is_armed_by_person() => {
                state.watches.iter_mut().for_each(Watch::thaw);
            }
            Kind::Control if frame.read::<Control>().action == ControlAction::Save => {
                self.checkpoint(frame, out);
            }
            Kind::Sent => state.on_sent(port, frame.read::<Sent>()),
            Kind::Status => state.on_status(port, frame.read::<Status>()),
            Kind::Fill => state.on_fill(port, frame.read::<Fill>()),
            Kind::Protect => state.on_protect(port, frame.read::<Protect>()),
            Kind::Connectivity => state.on_connectivity(port, frame.read::<Connectivity>()),
            Kind::Restart => state.on_restart(port),
            Kind::Session => state.on_session(frame.read::<Session>()),
            Kind::Best => {
                let best = frame.read::<Best>();
                state.on_quote(port, (best.bid, best.ask), best.quality);
            }
            Kind::BookView => {
                let view = frame.read::<BookView>();
                state.rest_on(frame.instrument(), view.market_ts);
                state.on_print(frame.instrument(), view.trade_ts);
                state.on_quote(port, (view.bid, view.ask), view.quality);
            }
            Kind::Tick => {
                state.on_time(port);
                if frame.read::<Tick>().timer == Timer::Housekeeping {
                    self.housekeeping(frame, out);
                }
            }
            _ => {}
        }
    }

    fn housekeeping(&mut self, frame: FrameRef<'_>, mut out: &mut dyn Out) {
        if self.state.checkpoint_is_due(frame.ts()) {
            self.checkpoint(frame, out);
        }
        let hash = self.state_hash();
        self.emitter.state_hash(frame, hash, &mut out);
    }

    fn tell_checkpoint(&self, tell: &mut dyn FnMut(Kind, usize)) {
        let config = &self.state.config;
        if config.checkpoint_every > Nanos::ZERO {
            let bytes = persist::bytes_max(config);
            assert!(
                bytes <= CHECKPOINT_BYTES_MAX,
                "the gateway's state fits a checkpoint"
            );
            tell(Kind::Checkpoint, bytes.div_ceil(CHUNK));
        }
    }

    fn checkpoint(&mut self, frame: FrameRef<'_>, mut out: &mut dyn Out) {
        if self.state.config.checkpoint_every == Nanos::ZERO {
            return;
        }
        let state = &self.state;
        let save = |bytes: &mut Vec<u8>| persist::save(state, bytes);
        self.emitter
            .checkpoint(frame, persist::VERSION, save, &mut out);
    }
}

impl Stage for GatewayStage {
    const NAME: &'static str = "gateway";
    const ID: StageId = StageId::Gateway;
    const ACTS_ON: Kinds = Kinds::of(&[
        Kind::Best,
        Kind::BookView,
        Kind::Trade,
        Kind::Execute,
        Kind::Bar,
        Kind::Tick,
        Kind::Order,
        Kind::Protect,
        Kind::Kill,
        Kind::Control,
        Kind::Sent,
        Kind::Status,
        Kind::Fill,
        Kind::Connectivity,
        Kind::Session,
        Kind::Restart,
        Kind::Checkpoint,
    ]);

    fn emits(&self, kind: Kind, tell: &mut dyn FnMut(Kind, usize)) {
        let config = &self.state.config;
        // An instrument's brackets may be touched by a frame of its own, all by the others.
        let (trades, requests) = match kind {
            Kind::Order | Kind::Best | Kind::BookView | Kind::Sent | Kind::Status | Kind::Fill => {
                (PER_INSTRUMENT_MAX, PER_INSTRUMENT_MAX)
            }
            Kind::Kill | Kind::Connectivity | Kind::Restart => {
                (config.brackets_max, 2 * config.brackets_max)
            }
            Kind::Tick => (
                config.brackets_max,
                2 * config.brackets_max + config.instruments,
            ),
            Kind::Protect => return tell(Kind::Command, 1),
            Kind::Control => return self.tell_checkpoint(tell),
            _ => return,
        };
        // A trade has five legs at most (each exit is replaced once), a flatten has one. A leg
        // changes twice at most behind one frame; each command changes one leg of any instrument.
        let legs = 2 * 6 * trades + config.unanswered_max + 2;
        tell(Kind::Command, config.unanswered_max);
        tell(Kind::Leg, legs);
        tell(Kind::Request, requests + 2);
        if kind == Kind::Tick {
            tell(Kind::StateHash, 1);
            self.tell_checkpoint(tell);
        }
    }

    #[inline]
    fn on_frame<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        self.emitter.pass(frame, out);
        match frame.kind() {
            Kind::Best => {
                self.state.rest_on(frame.instrument(), frame.ts());
                // Mostly nothing of ours stands there.
                if self.state.has_brackets(frame.instrument()) {
                    self.handle(frame, out);
                }
            }
            Kind::Trade => {
                if frame.read::<Trade>().flags & flags::NON_PRINTABLE == 0 {
                    self.state.on_print(frame.instrument(), frame.ts());
                }
            }
            Kind::Execute => {
                if frame.read::<Execute>().flags & flags::NON_PRINTABLE == 0 {
                    self.state.on_print(frame.instrument(), frame.ts());
                }
            }
            Kind::Bar => {
                if frame.read::<Bar>().volume > 0 {
                    self.state.on_print(frame.instrument(), frame.ts());
                }
            }
            _ => self.handle(frame, out),
        }
    }

    fn state_hash(&self) -> u64 {
        persist::state_hash(&self.state)
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        persist::save(&self.state, bytes);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let loaded = persist::load(self.state.config, bytes)?;
        // It comes behind its epoch's `Restart`: what that did to the blank state holds on.
        let blind = self.state.blind;
        self.state = State { blind, ..loaded };
        Ok(())
    }
}
