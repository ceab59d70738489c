//! A tiny hand-driven loop: one gateway, one simulated broker, and the way round by a head that
//! numbers inputs by due time. No book, signal or risk stage: tests write their frames.
#![allow(dead_code, reason = "each test file uses its own part of the world")]

use gateway::sim::{self, SimEdge};
use gateway::{Config, GatewayStage};
use stream::payload::*;
use stream::stage::Collected;
use stream::{
    Answers, Class, Draft, Edge, FrameId, FrameRef, InstrumentId, Kind, Money, Nanos, Payload,
    Price, Qty, Side, SourceId, Stage, StageId, id::sub_of,
};

pub(crate) const ONE: InstrumentId = InstrumentId(1);
pub(crate) const CENT: i64 = 10_000_000;
/// Session's start: a whole second.
pub(crate) const START: Nanos = Nanos::from_secs(1_000_000);

pub(crate) fn cents(value: i64) -> Price {
    Price(value * CENT)
}

#[derive(Default)]
pub(crate) struct Waiting(pub(crate) Vec<Draft>);

impl Answers for Waiting {
    fn queue(&mut self, draft: &Draft) {
        self.0.push(draft.clone());
    }
}

pub(crate) struct World {
    pub(crate) stage: GatewayStage,
    pub(crate) edge: Option<SimEdge>,
    pub(crate) waiting: Waiting,
    pub(crate) log: Collected,
    pub(crate) seq: u64,
    pub(crate) now: Nanos,
    next_tick: Nanos,
    pub(crate) orders: u16,
}

pub(crate) fn sim_config() -> sim::Config {
    let latency = |base| sim::Latency {
        base: Nanos::from_millis(base),
        jitter: Nanos::ZERO,
    };
    sim::Config {
        outbound: latency(10),
        response: latency(10),
        commission: latency(30),
        reject_ppm: 0,
        ..sim::Config::default()
    }
}

pub(crate) fn book_config() -> book::Config {
    book::Config {
        instruments: 4,
        orders_max: 10_000,
        levels_max: 256,
        stale: Nanos::from_secs(3_600),
    }
}

pub(crate) fn gateway_config() -> Config {
    Config {
        instruments: 4,
        ..Config::default()
    }
}

impl World {
    /// Instrument 1 is defined, a share with a tick of one cent; the edge is on.
    pub(crate) fn new(sim: sim::Config) -> Self {
        let mut world = Self::without_edge();
        world.edge = Some(SimEdge::new(sim, &book_config()));
        world.define(1);
        world
    }

    pub(crate) fn without_edge() -> Self {
        Self {
            stage: GatewayStage::new(gateway_config()),
            edge: None,
            waiting: Waiting::default(),
            log: Collected::default(),
            seq: 0,
            now: START,
            next_tick: Nanos(START.0 + 250_000_000),
            orders: 0,
        }
    }

    pub(crate) fn define(&mut self, shortable: u8) {
        self.input(
            ONE,
            &Instrument {
                symbol: text("AAA"),
                currency: text("USD"),
                multiplier: 1,
                tick_size: cents(1),
                lot: 1,
                shortable,
                ..Instrument::zeroed()
            },
        );
    }

    /// One frame through the stage; what comes out goes into the log and to the edge.
    fn put(&mut self, frame: FrameRef<'_>) {
        let mut out = Collected::default();
        self.stage.on_frame(frame, &mut out);
        let mut counts = std::collections::BTreeMap::new();
        let mut frames = out.iter();
        frames.next();
        for derived in frames {
            *counts.entry(derived.kind()).or_insert(0usize) += 1;
        }
        let mut bounds = std::collections::BTreeMap::new();
        self.stage.emits(frame.kind(), &mut |kind, most| {
            bounds.insert(kind, most);
        });
        for (kind, count) in counts {
            assert!(
                count <= bounds.get(&kind).copied().unwrap_or(0),
                "{kind} behind {frame:?}"
            );
        }
        for frame in out.iter() {
            if let Some(edge) = &mut self.edge {
                edge.on_frame(frame, &mut self.waiting);
            }
        }
        self.log.0.extend_from_slice(&out.0);
    }

    fn number(&mut self, draft: &mut Draft, ts: Nanos) {
        self.seq += 1;
        self.now = self.now.max(ts);
        let header = draft.header_mut();
        header.seq = self.seq;
        header.ts = self.now;
        header.sub = 0;
    }

    /// An input, now.
    pub(crate) fn input<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        let mut draft = Draft::new();
        draft.write(instrument, payload);
        self.number(&mut draft, self.now);
        let copy = draft.clone();
        self.put(copy.frame());
    }

    /// A frame of another stage, behind a pulse.
    pub(crate) fn derived<P: Payload>(
        &mut self,
        stage: StageId,
        instrument: InstrumentId,
        make: impl FnOnce(FrameId) -> P,
    ) -> FrameId {
        self.tick(Timer::Pulse);
        let sub = sub_of(stage, 1);
        let id = FrameId::new(self.seq, sub);
        let mut draft = Draft::new();
        draft.write_as(Class::Derived, instrument, &make(id));
        let header = draft.header_mut();
        header.seq = self.seq;
        header.ts = self.now;
        header.sub = sub;
        let copy = draft.clone();
        self.put(copy.frame());
        id
    }

    pub(crate) fn tick(&mut self, timer: Timer) {
        let tick = Tick {
            due: self.now,
            timer,
            ..Tick::zeroed()
        };
        self.input(InstrumentId::NONE, &tick);
    }

    /// Time passes: answers when they fall due, ticks every 250 ms.
    pub(crate) fn run(&mut self, span: Nanos) {
        let end = self.now + span;
        loop {
            let first = self
                .waiting
                .0
                .iter()
                .enumerate()
                .min_by_key(|(n, draft)| {
                    let header = draft.header();
                    (header.ts, header.seq, header.sub, *n)
                })
                .map(|(n, draft)| (n, draft.header().ts));
            match first {
                Some((n, due)) if due <= end && due <= self.next_tick => {
                    let mut draft = self.waiting.0.remove(n);
                    self.number(&mut draft, due);
                    let copy = draft.clone();
                    self.put(copy.frame());
                }
                _ if self.next_tick <= end => {
                    self.now = self.next_tick;
                    self.next_tick = Nanos(self.next_tick.0 + 250_000_000);
                    self.tick(Timer::Evaluate);
                    if self.now.0.is_multiple_of(1_000_000_000) {
                        self.tick(Timer::Housekeeping);
                    }
                }
                _ => break,
            }
        }
        self.now = end;
    }

    pub(crate) fn millis(&mut self, millis: u64) {
        self.run(Nanos::from_millis(millis));
    }

    pub(crate) fn add(&mut self, order_id: u64, side: Side, price: i64, qty: u32) {
        self.input(
            ONE,
            &Add {
                order_id,
                price: cents(price),
                qty,
                side,
                flags: 0,
                source: SourceId(1),
                venue_ts: Nanos::ZERO,
            },
        );
    }

    pub(crate) fn delete(&mut self, order_id: u64) {
        let delete = Delete {
            order_id,
            source: SourceId(1),
            ..Delete::zeroed()
        };
        self.input(ONE, &delete);
    }

    pub(crate) fn execute(&mut self, order_id: u64, qty: u32) {
        let execute = Execute {
            order_id,
            qty,
            source: SourceId(1),
            ..Execute::zeroed()
        };
        self.input(ONE, &execute);
    }

    /// Bids at 99.99 (id 1) and asks at 100.01 (id 2), of 500 each.
    pub(crate) fn quote(&mut self) {
        self.add(1, Side::Buy, 9_999, 500);
        self.add(2, Side::Sell, 10_001, 500);
    }

    /// An entry of risk; its name.
    pub(crate) fn entry(
        &mut self,
        side: Side,
        qty: u32,
        (limit, stop, target): (i64, i64, i64),
    ) -> FrameId {
        self.order(|order| {
            order.side = side;
            order.qty = qty;
            order.limit = cents(limit);
            order.price_low = cents(limit - 10);
            order.price_high = cents(limit + 10);
            order.stop = cents(stop);
            order.target = cents(target);
            order.ttl = Nanos::from_secs(10);
        })
    }

    pub(crate) fn order(&mut self, change: impl FnOnce(&mut Order)) -> FrameId {
        let mut origin = FrameId::NONE;
        self.derived(StageId::Risk, ONE, |id| {
            let mut order = Order {
                origin: id,
                ..Order::zeroed()
            };
            change(&mut order);
            origin = order.origin;
            order
        });
        origin
    }

    /// A flatten of risk, at any price.
    pub(crate) fn flatten(&mut self, side: Side, qty: u32, limit: i64) -> FrameId {
        self.order(|order| {
            order.side = side;
            order.qty = qty;
            order.limit = cents(limit);
            order.price_low = cents(limit - 10);
            order.price_high = cents(limit + 10);
            order.reduce_only = 1;
            order.reason = Reason::Operator;
        })
    }

    pub(crate) fn best(&mut self, bid: i64, ask: i64, quality: u8) {
        self.derived(StageId::Book, ONE, |_| Best {
            bid: cents(bid),
            ask: cents(ask),
            quality,
            ..Best::zeroed()
        });
    }

    /// What became of orders is not known from here on, or is known again.
    pub(crate) fn link(&mut self, blind: bool) {
        let link = Connectivity {
            state: LinkState::Connected,
            blind: u8::from(blind),
            ..Connectivity::zeroed()
        };
        self.input(InstrumentId::NONE, &link);
    }

    pub(crate) fn all<P: Payload>(&self) -> Vec<P> {
        self.log
            .iter()
            .filter_map(|frame| frame.try_read::<P>().copied())
            .collect()
    }

    pub(crate) fn commands(&self, op: CommandOp, role: LegRole) -> Vec<Command> {
        let all = self.all::<Command>();
        all.into_iter()
            .filter(|c| c.op == op && c.role == role)
            .collect()
    }

    /// The last state that was told of the newest leg of a role.
    pub(crate) fn state(&self, role: LegRole) -> LegState {
        self.all::<Leg>()
            .iter()
            .rev()
            .find(|leg| leg.role == role)
            .expect("such a leg")
            .to
    }

    pub(crate) fn requests(&self, why: RequestWhy) -> Vec<Request> {
        self.all::<Request>()
            .into_iter()
            .filter(|request| request.why == why)
            .collect()
    }

    pub(crate) fn position(&self) -> i64 {
        let position = self.stage.position(ONE);
        if let Some(edge) = &self.edge {
            assert_eq!(
                position,
                edge.position(ONE),
                "both keep the same position at rest"
            );
        }
        position.0
    }

    /// Cash that the fills and commissions in the log come to.
    pub(crate) fn cash_by_log(&self, start: Money) -> Money {
        let mut cash = i128::from(start.0);
        for fill in self.all::<Fill>() {
            let signed = Qty(fill.side.sign() * i64::from(fill.qty));
            cash -= i128::from(fill.price.value(signed, 1).0);
        }
        for commission in self.all::<Commission>() {
            cash -= i128::from(commission.fee.0);
        }
        Money(i64::try_from(cash).expect("cash fits"))
    }

    pub(crate) fn kinds(&self, kind: Kind) -> usize {
        self.log.iter().filter(|frame| frame.kind() == kind).count()
    }
}

// The broker by hand, for worlds without an edge.
impl World {
    pub(crate) fn newest(&self, op: CommandOp, role: LegRole) -> (FrameId, Command) {
        let found = self
            .log
            .iter()
            .filter(|frame| frame.kind() == Kind::Command)
            .filter_map(|f| {
                let command = *f.read::<Command>();
                (command.op == op && command.role == role).then_some((f.id(), command))
            });
        found.last().expect("such a command")
    }

    pub(crate) fn sent(&mut self, op: CommandOp, role: LegRole, outcome: SentOutcome) {
        let (id, command) = self.newest(op, role);
        let sent = Sent {
            command: id,
            leg: command.leg,
            origin: command.origin,
            outcome,
            op,
            spare: [0; 2],
            code: 0,
        };
        self.input(ONE, &sent);
    }

    pub(crate) fn status(&mut self, role: LegRole, state: LegState, filled: u32, remaining: u32) {
        let (_, command) = self.newest(CommandOp::Place, role);
        let status = Status {
            leg: command.leg,
            origin: command.origin,
            filled,
            remaining,
            state,
            role,
            ..Status::zeroed()
        };
        self.input(ONE, &status);
    }

    pub(crate) fn fill(&mut self, role: LegRole, qty: u32, filled: u32, ordered: u32) {
        let (_, command) = self.newest(CommandOp::Place, role);
        self.fill_of(&command, qty, filled, ordered);
    }

    pub(crate) fn fill_of(&mut self, command: &Command, qty: u32, filled: u32, ordered: u32) {
        self.orders += 1;
        let fill = Fill {
            leg: command.leg,
            origin: command.origin,
            price: command.limit,
            qty,
            filled,
            ordered,
            side: command.side,
            role: command.role,
            exec_id: u64::from(self.orders),
            ..Fill::zeroed()
        };
        self.input(ONE, &fill);
    }

    /// An entry of 100 that has filled, with stop and target working; no edge.
    pub(crate) fn open_by_hand() -> Self {
        let mut world = Self::without_edge();
        world.open(Side::Buy);
        world
    }

    /// An entry of 100 on that side, until it has filled and its exits work.
    pub(crate) fn open(&mut self, side: Side) {
        let away = 50 * side.sign();
        self.entry(side, 100, (10_001, 10_001 - away, 10_001 + away));
        for role in [LegRole::Entry, LegRole::Stop, LegRole::Target] {
            self.sent(CommandOp::Place, role, SentOutcome::Sent);
        }
        self.status(LegRole::Entry, LegState::Working, 0, 100);
        self.status(LegRole::Stop, LegState::Held, 0, 100);
        self.status(LegRole::Target, LegState::Held, 0, 100);
        self.fill(LegRole::Entry, 100, 100, 100);
        self.status(LegRole::Stop, LegState::Working, 0, 100);
        self.status(LegRole::Target, LegState::Working, 0, 100);
    }
}
