//! The stage: which frames concern risk, and what it may emit behind each.

use crate::config::{Config, ConfigFault};
use crate::exits::FLATTENS_PER_FRAME;
use crate::persist;
use crate::state::{Port, State};
use stream::limits::{HOUSEKEEPING_PERIOD, INSTRUMENTS_MAX, RING_LINES};
use stream::payload::{
    AccountValue, Best, BookView, Borrow, Commission, Connectivity, Control, Fault, Fill,
    Instrument, Intent, KillLevel, Position, Requested, Restart, Sent, Session, Status, Tick,
    Timer,
};
use stream::{
    Emitter, FrameRef, InstrumentId, Kind, Kinds, Money, Nanos, Out, Price, Qty, Stage, StageId,
};

/// Round trips without their fees that one tick reports at most.
const TRIPS_PER_TICK: usize = 64;

/// Intents to orders. See the crate's documentation.
#[derive(Debug)]
pub struct RiskStage {
    emitter: Emitter,
    state: State,
}

impl RiskStage {
    /// A risk stage that holds nothing, knows nothing and is disarmed. It does not allocate after
    /// this.
    ///
    /// # Panics
    /// When [`Config::validate`] names a fault: whoever reads a configuration asks first.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let faults: Vec<ConfigFault> = config.validate().err().unwrap_or_default();
        assert!(
            faults.is_empty(),
            "the risk configuration is not sound: {faults:?}"
        );
        Self {
            emitter: Emitter::new(StageId::Risk),
            state: State::new(config),
        }
    }

    /// The position of an instrument by its executions; zero for unknown instruments.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> Qty {
        if State::is_instrument(instrument) {
            self.state.slot(instrument).holding.position()
        } else {
            Qty::ZERO
        }
    }

    /// Position in the worst case: long, and short without its sign, with every working entry
    /// filled.
    #[must_use]
    pub fn worst_case(&self, instrument: InstrumentId) -> (Qty, Qty) {
        if !State::is_instrument(instrument) {
            return (Qty::ZERO, Qty::ZERO);
        }
        let view = self.state.view(instrument, Nanos::ZERO);
        (Qty(view.worst_long()), Qty(view.worst_short()))
    }

    /// The session's result: realised + unrealised − fees.
    #[must_use]
    pub fn day(&self) -> Money {
        crate::trips::clamp(self.state.account.day())
    }

    /// The kill level in force.
    #[must_use]
    pub fn kill_level(&self) -> KillLevel {
        self.state.kill.level()
    }

    /// True when entries may be made as far as arming goes.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.state.armed
    }

    /// True when something about the instrument is not explained and it takes no entry.
    #[must_use]
    pub fn is_frozen(&self, instrument: InstrumentId) -> bool {
        State::is_instrument(instrument)
            && (self.state.slot(instrument).frozen || self.state.slot(instrument).differs())
    }

    fn handle(&mut self, frame: FrameRef<'_>, out: &mut dyn Out) {
        let state = &mut self.state;
        let port = &mut Port {
            emitter: &mut self.emitter,
            frame,
            out,
            flattens_left: FLATTENS_PER_FRAME,
        };
        match frame.kind() {
            Kind::Intent => state.on_intent(port, frame.read::<Intent>()),
            Kind::Fill => state.on_fill(port, frame.read::<Fill>()),
            Kind::Commission => state.on_commission(port, frame.read::<Commission>()),
            Kind::Sent => state.on_sent(port, frame.read::<Sent>()),
            Kind::Status => state.on_status(port, frame.read::<Status>()),
            Kind::Requested => state.on_requested(port, frame.read::<Requested>()),
            Kind::Tick => {
                state.on_time(port, frame.ts());
                if is_housekeeping(frame) {
                    housekeeping(state, port);
                }
            }
            Kind::Control => state.on_control(port, frame.read::<Control>()),
            Kind::AccountValue => state.on_account(port, frame.read::<AccountValue>()),
            Kind::Borrow => state.on_borrow(port, frame.read::<Borrow>()),
            Kind::Position => state.on_position(port, frame.read::<Position>()),
            Kind::Connectivity => state.on_connectivity(port, frame.read::<Connectivity>()),
            Kind::Fault if frame.is_input() => state.on_fault(port, frame.read::<Fault>()),
            Kind::Instrument => state.on_instrument(port, frame.read::<Instrument>()),
            Kind::Session => state.on_session(port, frame.read::<Session>()),
            Kind::Restart => state.on_restart(port, frame.read::<Restart>()),
            _ => {}
        }
    }

    #[inline]
    fn on_best(&mut self, frame: FrameRef<'_>, out: &mut dyn Out) {
        if State::is_instrument(frame.instrument()) {
            let best = frame.read::<Best>();
            self.on_quote(frame, (best.bid, best.ask, best.quality), out);
        }
    }

    fn on_view(&mut self, frame: FrameRef<'_>, out: &mut dyn Out) {
        let id = frame.instrument();
        if State::is_instrument(id) {
            let view = frame.read::<BookView>();
            let quote = &mut self.state.slot_mut(id).quote;
            quote.last = view.last;
            quote.market_ts = view.market_ts;
            self.on_quote(frame, (view.bid, view.ask, view.quality), out);
        }
    }

    #[inline]
    fn on_quote(
        &mut self,
        frame: FrameRef<'_>,
        (bid, ask, quality): (Price, Price, u8),
        out: &mut dyn Out,
    ) {
        let slot = self.state.slot_mut(frame.instrument());
        let moved = slot.on_quote(bid, ask, quality);
        // Mostly nothing is held and no order works.
        if slot.holding.qty != 0 || slot.exposure != 0 {
            self.follow(frame, moved, out);
        }
    }

    #[inline(never)]
    fn follow(&mut self, frame: FrameRef<'_>, moved: bool, out: &mut dyn Out) {
        let port = &mut Port {
            emitter: &mut self.emitter,
            frame,
            out,
            flattens_left: FLATTENS_PER_FRAME,
        };
        self.state.follow_quote(port, moved);
    }
}

#[inline]
fn is_housekeeping(tick: FrameRef<'_>) -> bool {
    tick.read::<Tick>().timer == Timer::Housekeeping
}

fn housekeeping(state: &mut State, port: &mut Port<'_>) {
    let now = port.now();
    state.freeze_differing(port, now);
    let deadline = now.saturating_sub(state.config.commission_wait);
    for _ in 0..TRIPS_PER_TICK {
        let Some(place) = state.trips.overdue(deadline) else {
            break;
        };
        let id = state.trips.get(place).id;
        state.report_trip(port, id, true);
    }
    for id in state.ids() {
        if state.slot(id).changed {
            state.report(port, id);
        }
    }
    state.settle_hash();
    if checkpoint_is_due(state, now) {
        save(state, port);
    }
    let hash = state.hash();
    port.emitter.state_hash(port.frame, hash, &mut port.out);
}

/// Writes the state behind the frame at hand.
pub(crate) fn save(state: &State, port: &mut Port<'_>) {
    let Port {
        emitter,
        frame,
        out,
        ..
    } = port;
    let save = |bytes: &mut Vec<u8>| persist::save(state, bytes);
    emitter.checkpoint(*frame, persist::VERSION, save, out);
}

/// Every so often, and once at the end of each session: no tick may follow its close.
fn checkpoint_is_due(state: &mut State, now: Nanos) -> bool {
    let close = state.window.close;
    let ends = close > Nanos::ZERO && now.saturating_add(HOUSEKEEPING_PERIOD) >= close;
    let closing = ends && !state.close_saved;
    state.close_saved |= closing;
    let due = now >= state.checkpoint_at;
    let first = state.checkpoint_at == Nanos::ZERO;
    if due || closing {
        state.checkpoint_at = now.saturating_add(state.config.checkpoint_every);
    }
    closing || (due && !first)
}

impl Stage for RiskStage {
    const NAME: &'static str = "risk";
    const ID: StageId = StageId::Risk;
    const ACTS_ON: Kinds = Kinds::of(&[
        Kind::Best,
        Kind::BookView,
        Kind::Intent,
        Kind::Fill,
        Kind::Commission,
        Kind::Sent,
        Kind::Status,
        Kind::Requested,
        Kind::Tick,
        Kind::Control,
        Kind::AccountValue,
        Kind::Position,
        Kind::Connectivity,
        Kind::Borrow,
        Kind::Fault,
        Kind::Instrument,
        Kind::Session,
        Kind::Restart,
        Kind::Checkpoint,
    ]);

    fn emits(&self, kind: Kind, tell: &mut dyn FnMut(Kind, usize)) {
        for &(cause, bursts) in BURSTS {
            if cause == kind {
                for &(derived, count) in bursts {
                    tell(derived, count);
                }
            }
        }
    }

    #[inline]
    fn on_frame<O: Out>(&mut self, frame: FrameRef<'_>, mut out: &mut O) {
        self.emitter.pass(frame, out);
        match frame.kind() {
            Kind::Best => self.on_best(frame, &mut out),
            Kind::BookView => self.on_view(frame, &mut out),
            // Mostly an evaluation's, and nothing is to be closed.
            Kind::Tick if !is_housekeeping(frame) && !self.state.is_due(frame.ts()) => {}
            _ => self.handle(frame, &mut out),
        }
    }

    fn state_hash(&self) -> u64 {
        self.state.hash()
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        persist::save(&self.state, bytes);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let loaded = persist::load(self.state.config.clone(), bytes)?;
        let blank = core::mem::replace(&mut self.state, loaded);
        self.state.go_on_after(&blank);
        Ok(())
    }
}

/// What each kind of frame may bring, at most. A frame that is not listed brings nothing.
const BURSTS: &[(Kind, &[(Kind, usize)])] = &[
    (Kind::Intent, &[(Kind::Order, 1), (Kind::Refused, 1)]),
    (Kind::Requested, &[(Kind::Order, 1), (Kind::Refused, 1)]),
    (
        Kind::Fill,
        &[
            (Kind::Pnl, 1),
            (Kind::RoundTrip, 3),
            (Kind::Fault, 1),
            (Kind::Kill, 1),
            (Kind::Order, FLATTENS_PER_FRAME),
        ],
    ),
    (
        Kind::Commission,
        &[
            (Kind::Pnl, 1),
            (Kind::RoundTrip, 2),
            (Kind::Fault, 1),
            (Kind::Kill, 1),
            (Kind::Order, FLATTENS_PER_FRAME),
        ],
    ),
    (
        Kind::Best,
        &[(Kind::Kill, 1), (Kind::Order, FLATTENS_PER_FRAME)],
    ),
    (
        Kind::BookView,
        &[(Kind::Kill, 1), (Kind::Order, FLATTENS_PER_FRAME)],
    ),
    (
        Kind::AccountValue,
        &[(Kind::Kill, 1), (Kind::Order, FLATTENS_PER_FRAME)],
    ),
    (
        Kind::Control,
        &[
            (Kind::Kill, 1),
            (Kind::Refused, 1),
            (Kind::Order, FLATTENS_PER_FRAME),
            (Kind::Checkpoint, persist::CHUNKS_MAX),
        ],
    ),
    (Kind::Session, &[(Kind::Kill, 1), (Kind::Fault, 1)]),
    (Kind::Restart, &[(Kind::Kill, 1)]),
    (Kind::Instrument, &[(Kind::Fault, 1)]),
    (Kind::Fault, &[(Kind::Fault, 1)]),
    (Kind::Position, &[(Kind::Fault, 1)]),
    (Kind::Borrow, &[(Kind::Fault, 1)]),
    (
        Kind::Tick,
        &[
            (Kind::Order, FLATTENS_PER_FRAME),
            (Kind::Fault, INSTRUMENTS_MAX),
            (Kind::RoundTrip, TRIPS_PER_TICK),
            (Kind::Pnl, INSTRUMENTS_MAX),
            (Kind::Checkpoint, persist::CHUNKS_MAX),
            (Kind::StateHash, 1),
        ],
    ),
];

// A ring must take twice the longest burst: the one of a housekeeping tick.
const _: () = assert!(
    RING_LINES
        >= 2 * (FLATTENS_PER_FRAME * 3
            + INSTRUMENTS_MAX
            + TRIPS_PER_TICK * 2
            + INSTRUMENTS_MAX * 2
            + persist::CHUNKS_MAX * 8
            + 2)
);
