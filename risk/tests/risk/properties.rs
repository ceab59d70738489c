//! Random sessions against an honest broker and a naive twin.
//!
//! The twin knows cash, positions, marks and fees, nothing else. After every step: the worst case
//! stays inside its limit, nothing is added after a latch, every intent has one answer, the
//! account is what the twin says, and a restart changes none of it. In the end everything closes.

use crate::common::sample::{config, dollars};
use crate::common::{A, B, Rig};
use proptest::prelude::*;
use stream::payload::{
    ControlAction, KillLevel, LegRole, LegState, LinkState, Order, Reason, RequestWhy, SentOutcome,
    Timer, quality,
};
use stream::{FrameId, InstrumentId, Money, Nanos, Qty, Side, Stage};

/// An order at the broker.
#[derive(Clone, Copy)]
struct Live {
    origin: FrameId,
    id: InstrumentId,
    side: Side,
    left: u32,
    held: u32,
    flatten: bool,
}

/// Cash, positions, marks, fees.
#[derive(Default)]
struct Twin {
    cash: i128,
    fees: i128,
    position: [i128; 3],
    bid: [i64; 3],
    ask: [i64; 3],
}

impl Twin {
    fn day(&self) -> i128 {
        let marked = [A, B].into_iter().map(|id| {
            let (at, qty) = (id.index(), self.position[id.index()]);
            let mark = if qty > 0 { self.bid[at] } else { self.ask[at] };
            qty * i128::from(mark) * 10_000_000
        });
        self.cash + marked.sum::<i128>() - self.fees
    }
}

struct World {
    rig: Rig,
    twin: Twin,
    live: Vec<Live>,
    unpaid: Vec<(InstrumentId, u64)>,
    last: Option<(u64, Live, LegRole, Side, u32, i64)>,
    hashes: Vec<u64>,
}

impl World {
    fn new() -> Self {
        let mut twin = Twin::default();
        for id in [A, B] {
            (twin.bid[id.index()], twin.ask[id.index()]) = (10_000, 10_002);
        }
        Self {
            rig: Rig::ready(),
            twin,
            live: Vec::new(),
            unpaid: Vec::new(),
            last: None,
            hashes: Vec::new(),
        }
    }

    fn shut(&self) -> bool {
        !self.rig.stage.is_armed() || self.rig.stage.kill_level() > KillLevel::None
    }

    /// Takes the orders of the last frame to the broker, and checks each.
    fn collect(&mut self) {
        for order in self.rig.all::<Order>() {
            let id = self.rig.made.iter().last().expect("made").instrument();
            let frame = self.rig.made.iter().skip(1).find(|frame| {
                frame.kind() == stream::Kind::Order && frame.read::<Order>().origin == order.origin
            });
            let id = frame.map_or(id, |frame| frame.instrument());
            assert!(order.price_low <= order.limit && order.limit <= order.price_high);
            if order.reduce_only == 0 {
                assert!(!self.shut(), "an entry after a latch");
            } else {
                let position = self.rig.stage.position(id).0;
                assert!(i64::from(order.qty) <= position.abs(), "more than is held");
                assert!(order.side.sign() * position < 0, "on the wrong side");
                assert_ne!(order.reason, Reason::None);
            }
            let live = Live {
                origin: order.origin,
                id,
                side: order.side,
                left: order.qty,
                held: 0,
                flatten: order.reduce_only != 0,
            };
            match self
                .live
                .iter_mut()
                .find(|other| other.origin == order.origin)
            {
                Some(known) => known.left = order.qty,
                None => self.live.push(live),
            }
        }
    }

    fn step(&mut self, (what, a, b): (u8, u32, u32)) {
        let id = if a.is_multiple_of(2) { A } else { B };
        let side = if b.is_multiple_of(2) {
            Side::Buy
        } else {
            Side::Sell
        };
        match what {
            0..=29 => self.wish(id, side),
            30..=54 => self.fill(a, b),
            55..=64 => self.quote(id, b),
            65..=69 => self.fee(a, b),
            70..=74 => self.end(a, b),
            75..=79 => self.repeat(),
            80..=84 => self.operate(b),
            85..=92 => self.pass_time(a, b),
            93..=95 => self.exit(a, b),
            96 => self.restart(),
            97 => self.rig.start(b.is_multiple_of(3)),
            98 => self.rig.link(LinkState::ALL[b as usize % 4]),
            _ => self.ask(a),
        }
        self.collect();
        self.check();
    }

    fn wish(&mut self, id: InstrumentId, side: Side) {
        let shut = self.shut();
        match self.rig.wish(id, side) {
            Ok(order) => assert!(!shut && order.qty > 0),
            Err(refused) => assert_ne!(refused.reason, Reason::None),
        }
    }

    fn book(&mut self, live: Live, role: LegRole, side: Side, qty: u32) {
        let at = live.id.index();
        let price = match side {
            Side::Buy => self.twin.ask[at],
            _ => self.twin.bid[at],
        };
        let exec = self
            .rig
            .fill(live.id, live.origin, role, (side, qty, price));
        let signed = i128::from(side.sign()) * i128::from(qty);
        self.twin.position[at] += signed;
        self.twin.cash -= signed * i128::from(price) * 10_000_000;
        self.unpaid.push((live.id, exec));
        self.last = Some((exec, live, role, side, qty, price));
        if self.twin.position[at] == 0 {
            for other in self.live.iter_mut().filter(|other| other.id == live.id) {
                other.held = 0;
            }
        }
        self.collect();
    }

    /// An entry or a flatten fills, in part or whole.
    fn fill(&mut self, a: u32, b: u32) {
        let open: Vec<usize> = (0..self.live.len())
            .filter(|&at| self.live[at].left > 0)
            .collect();
        let Some(&at) = open.get(a as usize % open.len().max(1)) else {
            return;
        };
        let live = self.live[at];
        let mut qty = 1 + b % live.left;
        if live.flatten {
            // The gateway keeps a flatten within the position.
            let position = self.twin.position[live.id.index()];
            if position * i128::from(live.side.sign()) >= 0 {
                return;
            }
            qty = qty.min(position.unsigned_abs() as u32);
        }
        self.live[at].left -= qty;
        if !live.flatten {
            self.live[at].held += qty;
        }
        let role = if live.flatten {
            LegRole::Flatten
        } else {
            LegRole::Entry
        };
        self.book(live, role, live.side, qty);
    }

    /// A stop or target fills.
    fn exit(&mut self, a: u32, b: u32) {
        let held: Vec<usize> = (0..self.live.len())
            .filter(|&at| self.live[at].held > 0)
            .collect();
        let Some(&at) = held.get(a as usize % held.len().max(1)) else {
            return;
        };
        let live = self.live[at];
        let position = self.twin.position[live.id.index()] * i128::from(live.side.sign());
        let most = live.held.min(u32::try_from(position.max(0)).unwrap_or(0));
        if most == 0 {
            return;
        }
        let qty = 1 + b % most;
        self.live[at].held -= qty;
        let role = if b.is_multiple_of(2) {
            LegRole::Stop
        } else {
            LegRole::Target
        };
        self.book(live, role, live.side.opposite(), qty);
    }

    fn quote(&mut self, id: InstrumentId, b: u32) {
        let at = id.index();
        let bid = 9_000 + i64::from(b % 2_000);
        match b % 9 {
            0 => self.rig.best(id, 0, bid + 2, quality::ONE_SIDED),
            1 => self.rig.best(id, bid + 5, bid, quality::CROSSED),
            _ => self.rig.view(id, bid, bid + 2, 0),
        }
        match b % 9 {
            0 => self.twin.ask[at] = bid + 2,
            1 => {}
            _ => (self.twin.bid[at], self.twin.ask[at]) = (bid, bid + 2),
        }
    }

    fn fee(&mut self, a: u32, b: u32) {
        if self.unpaid.is_empty() {
            return;
        }
        let (id, exec) = self.unpaid.swap_remove(a as usize % self.unpaid.len());
        let fee = i64::from(b % 3_000) * 1_000_000;
        for _ in 0..1 + b % 3 {
            self.rig.fee(id, exec, Money(fee));
            self.collect();
        }
        self.twin.fees += i128::from(fee);
    }

    /// An order ends without filling further.
    fn end(&mut self, a: u32, b: u32) {
        let open: Vec<usize> = (0..self.live.len())
            .filter(|&at| self.live[at].left > 0)
            .collect();
        let Some(&at) = open.get(a as usize % open.len().max(1)) else {
            return;
        };
        let live = self.live[at];
        let role = if live.flatten {
            LegRole::Flatten
        } else {
            LegRole::Entry
        };
        self.live[at].left = 0;
        let untouched = live.held == 0 && !live.flatten;
        match b % 3 {
            0 if untouched => self.rig.sent(live.id, live.origin, 1, SentOutcome::NotSent),
            1 if untouched => self
                .rig
                .requested(live.id, live.origin, RequestWhy::GivenUp),
            _ => self
                .rig
                .status(live.id, live.origin, role, (LegState::Cancelled, 0)),
        }
    }

    /// The last execution once more.
    fn repeat(&mut self) {
        if let Some((exec, live, role, side, qty, price)) = self.last {
            self.rig
                .fill_as(exec, live.id, live.origin, role, (side, qty, price));
        }
    }

    fn operate(&mut self, b: u32) {
        let action = ControlAction::ALL[b as usize % 7];
        let before = self.rig.stage.kill_level();
        self.rig.control(action, "anna", "test");
        let after = self.rig.stage.kill_level();
        assert!(
            action == ControlAction::Resume || after >= before,
            "only a resume lowers"
        );
    }

    fn pass_time(&mut self, a: u32, b: u32) {
        self.rig.wait(Nanos::from_millis(u64::from(b % 20_000)));
        self.rig.tick(if a.is_multiple_of(2) {
            Timer::Housekeeping
        } else {
            Timer::Evaluate
        });
        if a.is_multiple_of(3) {
            self.collect();
            self.rig.equity(dollars(100_000));
        }
    }

    fn ask(&mut self, a: u32) {
        let flattens: Vec<Live> = self
            .live
            .iter()
            .copied()
            .filter(|live| live.flatten)
            .collect();
        if let Some(live) = flattens.get(a as usize % flattens.len().max(1)) {
            self.rig
                .requested(live.id, live.origin, RequestWhy::FlattenBand);
        }
    }

    fn restart(&mut self) {
        let (day, level) = (self.rig.stage.day(), self.rig.stage.kill_level());
        let worst = [A, B].map(|id| self.rig.stage.worst_case(id));
        self.rig.reload(config());
        assert_eq!(
            (self.rig.stage.day(), self.rig.stage.kill_level()),
            (day, level)
        );
        assert_eq!([A, B].map(|id| self.rig.stage.worst_case(id)), worst);
        self.rig.start(true);
        self.rig.define(A, "AAPL", 1);
        self.rig.define(B, "MSFT", 1);
        self.rig.session(20_231_114, 0);
        self.rig.link(LinkState::Ready);
    }

    fn check(&mut self) {
        for id in [A, B] {
            let (long, short) = self.rig.stage.worst_case(id);
            assert!(long <= Qty(200) && short <= Qty(200), "{long} {short}");
            let position = self.twin.position[id.index()];
            assert_eq!(i128::from(self.rig.stage.position(id).0), position);
            assert!(
                !self.rig.stage.is_frozen(id),
                "an honest broker freezes nothing"
            );
        }
        assert_eq!(i128::from(self.rig.stage.day().0), self.twin.day());
        self.hashes.push(self.rig.stage.state_hash());
    }

    /// Whatever happened: an operator's flatten brings everything to rest.
    fn close(&mut self) {
        for live in &mut self.live {
            let (id, origin) = (live.id, live.origin);
            if core::mem::take(&mut live.left) > 0 {
                let role = if live.flatten {
                    LegRole::Flatten
                } else {
                    LegRole::Entry
                };
                self.rig.status(id, origin, role, (LegState::Cancelled, 0));
            }
        }
        self.rig.wait(Nanos::from_secs(10));
        self.rig.control(ControlAction::Flatten, "anna", "end");
        self.collect();
        for id in [A, B] {
            self.rig.best(id, 9_900, 9_902, 0);
            (self.twin.bid[id.index()], self.twin.ask[id.index()]) = (9_900, 9_902);
            self.collect();
        }
        for at in 0..self.live.len() {
            let live = self.live[at];
            if live.left > 0 {
                self.live[at].left = 0;
                self.book(live, LegRole::Flatten, live.side, live.left);
            }
        }
        self.check();
        for id in [A, B] {
            assert_eq!(self.rig.stage.position(id), Qty(0), "not flat");
            assert_eq!(self.rig.stage.worst_case(id), (Qty(0), Qty(0)));
        }
    }
}

fn run(steps: &[(u8, u32, u32)]) -> Vec<u64> {
    let mut world = World::new();
    for &step in steps {
        world.step(step);
    }
    world.close();
    world.hashes
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_session_keeps_the_invariants_and_ends_flat(
        steps in proptest::collection::vec((0u8..100, 0u32..10_000, 0u32..100_000), 1..150),
    ) {
        let first = run(&steps);
        prop_assert_eq!(first, run(&steps), "the same frames give the same state");
    }
}

/// The walk above must not pass by refusing everything.
#[test]
fn the_random_sessions_do_trade() {
    let mut world = World::new();
    let mut seed = 7u64;
    let mut orders = 0;
    for _ in 0..2_000 {
        seed = stream::hash::mix(seed);
        let what = (seed % 80) as u8;
        world.step((
            what,
            (seed >> 16) as u32 % 10_000,
            (seed >> 40) as u32 % 100_000,
        ));
        orders += world.rig.brought(stream::Kind::Order);
        world.rig.wait(Nanos::MILLI);
        if seed.is_multiple_of(50) {
            world.rig.equity(dollars(100_000));
        }
    }
    assert!(orders > 5, "{orders} orders");
    assert_ne!(world.twin.cash, 0);
}
