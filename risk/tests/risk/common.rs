//! A rig around the stage: it numbers inputs, feeds frames, and checks what every frame may bring.

pub(crate) mod sample;

use risk::{Config, RiskStage};
use stream::payload::{
    AccountField, AccountValue, Best, BookView, Commission, Connectivity, Control, ControlAction,
    Fill, Instrument, InstrumentType, Intent, Kill, LegRole, LegState, LinkState, Order, Pnl,
    Refused, RequestWhy, Requested, Restart, RoundTrip, Sent, SentOutcome, Session, Status, Tick,
    Timer, text,
};
use stream::stage::Collected;
use stream::{
    Class, Draft, FrameId, FrameRef, InstrumentId, Kind, Nanos, Payload, Price, Side, SourceId,
    Stage,
};

/// A price in cents.
pub(crate) const fn cents(cents: i64) -> Price {
    Price(cents * 10_000_000)
}

pub(crate) const A: InstrumentId = InstrumentId(1);
pub(crate) const B: InstrumentId = InstrumentId(2);
pub(crate) const OPEN: Nanos = Nanos::from_secs(1_700_000_000);
pub(crate) const CLOSE: Nanos = Nanos::from_secs(1_700_000_000 + 6 * 3_600 + 1_800);
const DAY: Nanos = Nanos::from_secs(86_400);

/// The stage and what it made of the last frame.
pub(crate) struct Rig {
    pub(crate) stage: RiskStage,
    pub(crate) now: Nanos,
    seq: u64,
    exec: u64,
    draft: Draft,
    pub(crate) made: Collected,
}

impl Rig {
    /// A stage that has seen a start, instruments, a session, a ready link, an equity of $100,000
    /// and quotes of 100.00 to 100.02.
    pub(crate) fn ready() -> Self {
        Self::with(sample::config())
    }

    pub(crate) fn with(config: Config) -> Self {
        let mut rig = Self::bare(config);
        rig.start(false);
        rig.define(A, "AAPL", 1);
        rig.define(B, "MSFT", 1);
        rig.session(20_231_114, 0);
        rig.link(LinkState::Ready);
        rig.equity(sample::dollars(100_000));
        for id in [A, B] {
            rig.view(id, 10_000, 10_002, 0);
        }
        rig
    }

    pub(crate) fn bare(config: Config) -> Self {
        Self {
            stage: RiskStage::new(config),
            now: OPEN + Nanos::from_secs(60),
            seq: 0,
            exec: 0,
            draft: Draft::new(),
            made: Collected::default(),
        }
    }

    /// Feeds an input.
    pub(crate) fn input<P: Payload>(&mut self, id: InstrumentId, payload: &P) -> FrameId {
        self.feed(Class::Input, 0, id, payload)
    }

    /// Feeds a frame that an earlier stage derived.
    pub(crate) fn derived<P: Payload>(&mut self, id: InstrumentId, payload: &P) -> FrameId {
        self.feed(Class::Derived, 0x2001, id, payload)
    }

    fn feed<P: Payload>(
        &mut self,
        class: Class,
        sub: u16,
        id: InstrumentId,
        payload: &P,
    ) -> FrameId {
        self.seq += 1;
        self.draft.write_as(class, id, payload);
        let header = self.draft.header_mut();
        (header.seq, header.ts, header.sub) = (self.seq, self.now, sub);
        let name = header.id();
        self.made.0.clear();
        self.stage.on_frame(self.draft.frame(), &mut self.made);
        self.check_burst();
        name
    }

    /// The frame itself comes first and unchanged; nothing comes that was not announced.
    fn check_burst(&self) {
        let input = self.draft.frame();
        let passed = self.made.iter().next().expect("passed on");
        assert_eq!(passed.bytes(), input.bytes());
        let mut allowed = [0usize; 256];
        self.stage.emits(input.kind(), &mut |kind, count| {
            allowed[usize::from(kind.0)] += count
        });
        for frame in self.made.iter().skip(1) {
            let left = &mut allowed[usize::from(frame.kind().0)];
            assert!(
                *left > 0,
                "{:?} may not bring {:?}",
                input.kind(),
                frame.kind()
            );
            *left -= 1;
            assert_eq!((frame.seq(), frame.ts()), (input.seq(), input.ts()));
        }
    }

    /// Everything of one kind that the last frame brought.
    pub(crate) fn all<P: Payload>(&self) -> Vec<P> {
        let derived = self.made.iter().skip(1);
        derived
            .filter(|frame| frame.kind() == P::KIND)
            .map(|frame| *frame.read::<P>())
            .collect()
    }

    /// The only frame of one kind that the last frame brought.
    pub(crate) fn one<P: Payload>(&self) -> P {
        let all = self.all::<P>();
        assert_eq!(all.len(), 1, "{} frames of {:?}", all.len(), P::KIND);
        all[0]
    }

    pub(crate) fn brought(&self, kind: Kind) -> usize {
        self.made
            .iter()
            .skip(1)
            .filter(|frame: &FrameRef<'_>| frame.kind() == kind)
            .count()
    }

    pub(crate) fn wait(&mut self, span: Nanos) {
        self.now += span;
    }

    pub(crate) fn start(&mut self, disarmed: bool) {
        let restart = Restart {
            disarmed: u8::from(disarmed),
            ..Restart::zeroed()
        };
        self.input(InstrumentId::NONE, &restart);
    }

    pub(crate) fn define(&mut self, id: InstrumentId, symbol: &str, multiplier: u32) {
        let definition = Instrument {
            symbol: text(symbol),
            venue: text("XNAS"),
            currency: text("USD"),
            multiplier,
            tick_size: cents(1),
            lot: 1,
            what: InstrumentType::Stock,
            shortable: 1,
            ..Instrument::zeroed()
        };
        self.input(id, &definition);
    }

    /// A session; `days` after the first one.
    pub(crate) fn session(&mut self, date: u32, days: u64) {
        let shift = Nanos(DAY.0 * days);
        let session = Session {
            date,
            open: OPEN + shift,
            close: CLOSE + shift,
            ..Session::zeroed()
        };
        self.input(InstrumentId::NONE, &session);
    }

    pub(crate) fn link(&mut self, state: LinkState) {
        let connectivity = Connectivity {
            source: SourceId(1),
            state,
            ..Connectivity::zeroed()
        };
        self.input(InstrumentId::NONE, &connectivity);
    }

    pub(crate) fn equity(&mut self, value: stream::Money) {
        let account = AccountValue {
            value,
            as_of: self.now,
            currency: text("USD"),
            field: AccountField::Equity,
            spare: [0; 11],
        };
        self.input(InstrumentId::NONE, &account);
    }

    pub(crate) fn view(&mut self, id: InstrumentId, bid: i64, ask: i64, quality: u8) {
        let view = BookView {
            bid: cents(bid),
            ask: cents(ask),
            last: cents(bid + 1),
            quality,
            market_ts: self.now,
            ..BookView::zeroed()
        };
        self.derived(id, &view);
    }

    pub(crate) fn best(&mut self, id: InstrumentId, bid: i64, ask: i64, quality: u8) {
        let best = Best {
            bid: cents(bid),
            ask: cents(ask),
            bid_qty: 100,
            ask_qty: 100,
            quality,
            spare: [0; 7],
        };
        self.derived(id, &best);
    }

    pub(crate) fn tick(&mut self, timer: Timer) {
        let tick = Tick {
            due: self.now,
            timer,
            ..Tick::zeroed()
        };
        self.input(InstrumentId::NONE, &tick);
    }

    /// An intent around 100.00: half a dollar to the stop.
    pub(crate) fn intent(&self, side: Side) -> Intent {
        let (entry, stop, target) = match side {
            Side::Sell => (10_000, 10_050, 9_900),
            _ => (10_002, 9_952, 10_102),
        };
        Intent {
            signal: FrameId::new(self.seq + 1, 0x4001),
            entry: cents(entry),
            stop: cents(stop),
            target: cents(target),
            ttl: Nanos::from_secs(10),
            spread_max: cents(10),
            tape_stall: Nanos::from_secs(5),
            market_ts: self.now,
            risk_share_ppm: 1_000_000,
            strategy: 3,
            side,
            ..Intent::zeroed()
        }
    }

    /// Wishes for an entry; its order, or why not.
    pub(crate) fn wish(&mut self, id: InstrumentId, side: Side) -> Result<Order, Refused> {
        let intent = self.intent(side);
        let name = self.derived(id, &intent);
        match (self.all::<Order>().first(), self.all::<Refused>().first()) {
            (Some(order), None) => {
                assert_eq!(order.origin, name);
                Ok(*order)
            }
            (None, Some(refused)) => {
                assert_eq!(refused.intent, name);
                Err(*refused)
            }
            both => panic!("an intent has one answer: {both:?}"),
        }
    }

    /// A new execution; its number.
    pub(crate) fn fill(
        &mut self,
        id: InstrumentId,
        origin: FrameId,
        role: LegRole,
        (side, qty, price): (Side, u32, i64),
    ) -> u64 {
        self.exec += 1;
        self.fill_as(self.exec, id, origin, role, (side, qty, price));
        self.exec
    }

    pub(crate) fn fill_as(
        &mut self,
        exec_id: u64,
        id: InstrumentId,
        origin: FrameId,
        role: LegRole,
        (side, qty, price): (Side, u32, i64),
    ) {
        let fill = Fill {
            leg: origin,
            origin,
            price: cents(price),
            qty,
            side,
            role,
            exec_id,
            ..Fill::zeroed()
        };
        self.input(id, &fill);
    }

    /// An entry that fills at once: long or short, its order.
    pub(crate) fn enter(&mut self, id: InstrumentId, side: Side) -> Order {
        let order = self.wish(id, side).expect("permitted");
        let price = if side == Side::Sell { 10_000 } else { 10_002 };
        self.fill(id, order.origin, LegRole::Entry, (side, order.qty, price));
        order
    }

    pub(crate) fn fee(&mut self, id: InstrumentId, exec_id: u64, fee: stream::Money) {
        let commission = Commission {
            exec_id,
            origin: FrameId::NONE,
            fee,
            currency: text("USD"),
            spare: [0; 4],
        };
        self.input(id, &commission);
    }

    pub(crate) fn status(
        &mut self,
        id: InstrumentId,
        origin: FrameId,
        role: LegRole,
        (state, filled): (LegState, u32),
    ) {
        let status = Status {
            origin,
            role,
            state,
            filled,
            ..Status::zeroed()
        };
        self.input(id, &status);
    }

    pub(crate) fn sent(&mut self, id: InstrumentId, origin: FrameId, leg: u64, what: SentOutcome) {
        let sent = Sent {
            leg: FrameId::new(leg, 0x8001),
            origin,
            outcome: what,
            ..Sent::zeroed()
        };
        self.input(id, &sent);
    }

    pub(crate) fn requested(&mut self, id: InstrumentId, origin: FrameId, why: RequestWhy) {
        let requested = Requested {
            origin,
            request: FrameId::new(self.seq, 0x8002),
            why,
            ..Requested::zeroed()
        };
        self.input(id, &requested);
    }

    pub(crate) fn control(&mut self, action: ControlAction, by: &str, cause: &str) {
        let control = Control {
            action,
            spare: [0; 7],
            by: text(by),
            cause: text(cause),
        };
        self.input(InstrumentId::NONE, &control);
    }

    pub(crate) fn kills(&self) -> Vec<Kill> {
        self.all::<Kill>()
    }

    pub(crate) fn pnl(&self) -> Pnl {
        self.one::<Pnl>()
    }

    pub(crate) fn trip(&self) -> RoundTrip {
        self.one::<RoundTrip>()
    }

    /// The state through bytes and back.
    pub(crate) fn reload(&mut self, config: Config) {
        let mut bytes = Vec::new();
        self.stage.save(&mut bytes);
        let mut fresh = RiskStage::new(config);
        fresh.load(&bytes).expect("what was saved loads");
        let mut again = Vec::new();
        fresh.save(&mut again);
        // In front stand the version and the kill levels, which a new start changes.
        let (bytes, again) = (&bytes[5..], &again[5..]);
        assert_eq!(bytes, again, "saving what was loaded gives the same bytes");
        self.stage = fresh;
    }
}

/// The reason of a refusal.
pub(crate) fn refused(result: Result<Order, Refused>) -> stream::payload::Reason {
    result.expect_err("refused").reason
}
