//! The simulated broker alone: queue positions against a naive twin, and what must hold for any
//! market and any commands.

use gateway::sim::{Config, Latency, SimEdge};
use proptest::prelude::*;
use std::collections::BTreeMap;
use stream::payload::*;
use stream::{
    Answers, Class, Draft, Edge, FrameId, InstrumentId, Money, Nanos, Payload, Price, Side,
    SourceId, StageId, id::sub_of,
};

const ONE: InstrumentId = InstrumentId(1);
const CENT: i64 = 10_000_000;
const CASH: Money = Money(100_000_000_000_000);

fn cents(value: i64) -> Price {
    Price(value * CENT)
}

#[derive(Default)]
struct Waiting(Vec<Draft>);

impl Answers for Waiting {
    fn queue(&mut self, draft: &Draft) {
        self.0.push(draft.clone());
    }
}

/// A broker and the way round; every answer that came back is kept.
struct Desk {
    edge: SimEdge,
    waiting: Waiting,
    seq: u64,
    now: Nanos,
    answers: Vec<Draft>,
    commands: Vec<Command>,
}

impl Desk {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let latency = |base, jitter| Latency {
            base: Nanos(base),
            jitter: Nanos(jitter),
        };
        let mut config = Config {
            outbound: latency(1_000, 500),
            response: latency(1_000, 500),
            commission: latency(5_000, 5_000),
            reject_ppm: 0,
            cash: CASH,
            ..Config::default()
        };
        change(&mut config);
        let books = book::Config {
            instruments: 2,
            orders_max: 4_096,
            levels_max: 128,
            stale: Nanos::from_secs(1_000),
        };
        let mut desk = Self {
            edge: SimEdge::new(config, &books),
            waiting: Waiting::default(),
            seq: 0,
            now: Nanos::from_secs(1_000),
            answers: Vec::new(),
            commands: Vec::new(),
        };
        desk.input(&Instrument {
            tick_size: cents(1),
            multiplier: 1,
            lot: 1,
            shortable: 1,
            ..Instrument::zeroed()
        });
        desk
    }

    fn put(&mut self, mut draft: Draft, class: Class) {
        let derived = class == Class::Derived;
        self.seq += u64::from(!derived);
        let header = draft.header_mut();
        header.seq = self.seq;
        header.ts = self.now;
        header.sub = if derived {
            sub_of(StageId::Gateway, 1)
        } else {
            0
        };
        self.edge.on_frame(draft.frame(), &mut self.waiting);
    }

    fn input<P: Payload>(&mut self, payload: &P) {
        self.now += Nanos(10);
        let mut draft = Draft::new();
        draft.write(ONE, payload);
        self.put(draft, Class::Input);
    }

    /// A command, behind an input of its own; it has arrived when this returns.
    fn command(&mut self, mut command: Command) -> FrameId {
        self.input(&Tick {
            timer: Timer::Pulse,
            ..Tick::zeroed()
        });
        let id = FrameId::new(self.seq, sub_of(StageId::Gateway, 1));
        if command.op == CommandOp::Place && command.leg.is_none() {
            command.leg = id;
        }
        let mut draft = Draft::new();
        draft.write_as(Class::Derived, ONE, &command);
        self.put(draft, Class::Derived);
        self.commands.push(command);
        self.settle();
        command.leg
    }

    /// All answers come back, each when it falls due.
    fn settle(&mut self) {
        while let Some(first) = (0..self.waiting.0.len()).min_by_key(|&n| {
            let header = self.waiting.0[n].header();
            (header.ts, header.seq, header.sub, n)
        }) {
            let draft = self.waiting.0.remove(first);
            assert!(draft.header().ts > Nanos::ZERO);
            self.now = self.now.max(draft.header().ts);
            self.put(draft.clone(), Class::Input);
            self.answers.push(draft);
        }
    }

    fn all<P: Payload>(&self) -> Vec<P> {
        self.answers
            .iter()
            .filter_map(|draft| draft.frame().try_read::<P>().copied())
            .collect()
    }

    fn add(&mut self, order_id: u64, side: Side, price: i64, qty: u32) {
        self.input(&Add {
            order_id,
            price: cents(price),
            qty,
            side,
            flags: 0,
            source: SourceId(1),
            venue_ts: Nanos::ZERO,
        });
    }

    fn reduce(&mut self, order_id: u64, qty: u32) {
        self.input(&Modify {
            order_id,
            new_order_id: order_id,
            qty,
            flags: flags::REDUCE,
            source: SourceId(1),
            ..Modify::zeroed()
        });
    }

    fn delete(&mut self, order_id: u64) {
        self.input(&Delete {
            order_id,
            source: SourceId(1),
            ..Delete::zeroed()
        });
    }

    fn execute(&mut self, order_id: u64, qty: u32) {
        self.input(&Execute {
            order_id,
            qty,
            source: SourceId(1),
            ..Execute::zeroed()
        });
    }

    fn limit(&mut self, side: Side, price: i64, qty: u32) -> FrameId {
        self.command(place(side, OrderType::Limit, price, qty))
    }

    fn position(&self) -> i64 {
        self.edge.position(ONE).0
    }

    fn last_status(&self, leg: FrameId) -> Status {
        self.all::<Status>()
            .into_iter()
            .rfind(|status| status.leg == leg)
            .expect("a status")
    }
}

fn place(side: Side, order_type: OrderType, price: i64, qty: u32) -> Command {
    let stop = order_type == OrderType::Stop;
    Command {
        side,
        order_type,
        limit: if stop { Price::ZERO } else { cents(price) },
        trigger: if stop { cents(price) } else { Price::ZERO },
        qty,
        origin: FrameId::new(1, 1),
        ..Command::zeroed()
    }
}

#[test]
fn the_same_shares_are_not_taken_twice() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Sell, 10_001, 300);
    desk.add(2, Side::Sell, 10_002, 300);
    desk.limit(Side::Buy, 10_001, 200);
    assert_eq!(desk.position(), 200);
    desk.limit(Side::Buy, 10_001, 200);
    assert_eq!(desk.position(), 300, "100 were left");
    desk.limit(Side::Buy, 10_001, 200);
    assert_eq!(desk.position(), 300, "none is left");
    desk.reduce(1, 50);
    assert_eq!(desk.position(), 300, "what leaves is what we took");
    desk.add(3, Side::Sell, 10_001, 70);
    assert_eq!(desk.position(), 370, "new shares are free");
}

#[test]
fn fees_follow_the_order_and_the_account_is_exact() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Sell, 10_001, 60);
    desk.add(2, Side::Sell, 10_002, 600);
    desk.limit(Side::Buy, 10_002, 400);
    let fees: Vec<_> = desk
        .all::<Commission>()
        .iter()
        .map(|c| c.fee.0 / CENT)
        .collect();
    assert_eq!(
        fees,
        [100, 100],
        "1.00 at least, then 0.005 a share: 2.00 in all"
    );
    let truth = desk.edge.truth();
    let paid = 60 * 10_001 + 340 * 10_002 + 200;
    assert_eq!(truth.cash, Money(CASH.0 - paid * CENT));
    assert_eq!((truth.fees, truth.fills), (Money(200 * CENT), 2));
}

#[test]
fn refusals_carry_the_codes_of_the_real_broker() {
    let mut desk = Desk::new(|config| config.cash = Money(1_000 * 100 * CENT));
    desk.add(1, Side::Buy, 9_999, 5_000);
    desk.add(2, Side::Sell, 10_001, 5_000);
    let mut off_tick = place(Side::Buy, OrderType::Limit, 10_000, 10);
    off_tick.limit = Price(off_tick.limit.0 + 1);
    let leg = desk.command(off_tick);
    assert_eq!(
        (desk.last_status(leg).state, desk.last_status(leg).code),
        (LegState::Rejected, 110)
    );
    let leg = desk.limit(Side::Buy, 10_000, 0);
    assert_eq!(desk.last_status(leg).code, 434);
    // 1,000.00 at four to one carry 4,000.00: 39 shares at 100.01 and not 41.
    let leg = desk.limit(Side::Buy, 10_001, 41);
    assert_eq!(desk.last_status(leg).code, 201);
    let leg = desk.limit(Side::Buy, 10_001, 38);
    assert_eq!(desk.last_status(leg).state, LegState::Filled);
    let cancel = |leg| Command {
        op: CommandOp::Cancel,
        leg,
        ..place(Side::Buy, OrderType::Limit, 10_001, 38)
    };
    desk.command(cancel(leg));
    assert_eq!(desk.last_status(leg).code, 10_148);
    let unknown = FrameId::new(999_999, 1);
    desk.command(cancel(unknown));
    assert_eq!(desk.last_status(unknown).code, 10_147);
    let duplicate = Command {
        leg,
        ..place(Side::Buy, OrderType::Limit, 10_001, 1)
    };
    desk.command(duplicate);
    assert_eq!(desk.last_status(leg).code, 103);
    let resting = desk.limit(Side::Sell, 10_010, 38);
    desk.command(cancel(resting));
    assert_eq!(desk.last_status(resting).code, 202);
    desk.command(cancel(resting));
    assert_eq!(desk.last_status(resting).code, 161);
}

#[test]
fn short_sales_need_a_shortable_instrument() {
    let mut desk = Desk::new(|config| config.shorts = false);
    desk.add(1, Side::Buy, 9_999, 5_000);
    desk.add(2, Side::Sell, 10_001, 5_000);
    let leg = desk.limit(Side::Sell, 9_999, 10);
    assert_eq!(desk.last_status(leg).code, 201);
    desk.limit(Side::Buy, 10_001, 10);
    let leg = desk.limit(Side::Sell, 9_999, 10);
    assert_eq!(desk.last_status(leg).state, LegState::Filled);
}

#[test]
fn halted_orders_are_taken_and_do_not_trade() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Buy, 9_999, 500);
    desk.add(2, Side::Sell, 10_001, 500);
    let halt = |state| Halt {
        state,
        source: SourceId(1),
        ..Halt::zeroed()
    };
    desk.input(&halt(HaltState::Halted));
    let leg = desk.limit(Side::Buy, 10_001, 100);
    assert_eq!(desk.last_status(leg).state, LegState::Working);
    assert_eq!(desk.position(), 0);
    desk.input(&halt(HaltState::Trading));
    desk.add(3, Side::Buy, 9_000, 1);
    assert_eq!(desk.position(), 100);
}

#[test]
fn a_stop_triggers_by_print_or_by_quote_through_it() {
    for by_print in [true, false] {
        let mut desk = Desk::new(|_| {});
        desk.add(1, Side::Buy, 9_999, 500);
        desk.add(2, Side::Sell, 10_001, 500);
        desk.limit(Side::Buy, 10_001, 100);
        desk.command(place(Side::Sell, OrderType::Stop, 9_990, 100));
        desk.add(3, Side::Buy, 9_990, 500);
        desk.delete(1);
        assert_eq!(
            desk.position(),
            100,
            "a quote at the trigger is not through it"
        );
        if by_print {
            desk.execute(3, 1);
        } else {
            desk.add(4, Side::Buy, 9_989, 500);
            desk.delete(3);
        }
        assert_eq!(desk.position(), 0);
    }
}

#[test]
fn immediate_orders_do_not_rest_and_day_orders_end_with_the_session() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Sell, 10_001, 50);
    let ioc = Command {
        tif: TimeInForce::ImmediateOrCancel,
        ..place(Side::Buy, OrderType::Limit, 10_001, 80)
    };
    let leg = desk.command(ioc);
    let status = desk.last_status(leg);
    assert_eq!(
        (status.state, status.filled, status.code),
        (LegState::Cancelled, 50, 202)
    );
    let close = desk.now + Nanos::from_secs(60);
    desk.input(&Session {
        close,
        ..Session::zeroed()
    });
    let leg = desk.limit(Side::Buy, 9_000, 10);
    assert_eq!(desk.edge.orders_live(), 1);
    desk.now = close;
    desk.add(2, Side::Buy, 9_000, 50);
    desk.settle();
    assert_eq!(desk.last_status(leg).state, LegState::Cancelled);
    let leg = desk.limit(Side::Buy, 9_000, 10);
    assert_eq!(desk.last_status(leg).code, 201, "closed");
}

#[test]
fn a_smaller_quantity_keeps_the_place_and_another_price_loses_it() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Buy, 9_999, 100);
    let leg = desk.limit(Side::Buy, 9_999, 50);
    desk.add(2, Side::Buy, 9_999, 100);
    let modify = |price, qty| Command {
        op: CommandOp::Modify,
        leg,
        ..place(Side::Buy, OrderType::Limit, price, qty)
    };
    desk.command(modify(9_999, 40));
    desk.execute(1, 100);
    desk.execute(2, 10);
    assert_eq!(desk.position(), 10, "it kept its place");
    desk.command(modify(9_999, 45));
    desk.execute(2, 50);
    assert_eq!(desk.position(), 10, "it went to the back");
    desk.execute(2, 40);
    desk.add(3, Side::Buy, 9_999, 5);
    desk.execute(3, 5);
    assert_eq!(desk.position(), 15);
}

#[test]
fn with_quotes_and_prints_alone_the_queue_is_worked_by_prints() {
    let mut desk = Desk::new(|_| {});
    let quote = |bid_qty, ask| Quote {
        bid: cents(9_999),
        ask: cents(ask),
        bid_qty,
        ask_qty: 300,
        source: SourceId(1),
        ..Quote::zeroed()
    };
    let print = |price, qty| Trade {
        price: cents(price),
        qty,
        side: Side::Sell,
        source: SourceId(1),
        ..Trade::zeroed()
    };
    desk.input(&quote(500, 10_001));
    desk.limit(Side::Buy, 9_999, 100);
    desk.input(&print(9_999, 450));
    desk.input(&quote(50, 10_001));
    assert_eq!(
        desk.position(),
        0,
        "50 are ahead, and the fall was the print's"
    );
    desk.input(&print(9_999, 70));
    assert_eq!(desk.position(), 20);
    desk.input(&print(9_998, 1));
    assert_eq!(desk.position(), 100, "the market went through");
    desk.limit(Side::Buy, 10_001, 400);
    assert_eq!(desk.position(), 400, "what is shown, and not more");
}

/// Orders of one price in a plain list, ours among them: `None` is ours.
#[derive(Default)]
struct Twin {
    queue: Vec<(Option<u64>, u32)>,
    filled: u32,
}

impl Twin {
    fn ours(&mut self) -> Option<usize> {
        self.queue.iter().position(|(id, _)| id.is_none())
    }

    fn fill(&mut self, qty: u32) {
        if let Some(at) = self.ours() {
            let take = qty.min(self.queue[at].1);
            self.filled += take;
            self.queue[at].1 -= take;
            if self.queue[at].1 == 0 {
                self.queue.remove(at);
            }
        }
    }

    fn take_off(&mut self, id: u64, qty: u32) {
        let at = self
            .queue
            .iter()
            .position(|(other, _)| *other == Some(id))
            .expect("lives");
        self.queue[at].1 -= qty;
        if self.queue[at].1 == 0 {
            self.queue.remove(at);
        }
    }

    /// A recorded trade of a named order: if we stood before it, it was ours.
    fn trade(&mut self, id: u64, qty: u32) {
        let theirs = self
            .queue
            .iter()
            .position(|(other, _)| *other == Some(id))
            .expect("lives");
        let first = self.ours().is_some_and(|ours| ours < theirs);
        self.take_off(id, qty);
        if first {
            self.fill(qty);
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    Add(u32),
    Cancel(usize, u32),
    /// The first recorded order of the level trades.
    Trade(u32),
    /// An order one tick below trades: the market went through the level.
    Through,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1u32..50).prop_map(Event::Add),
        3 => (any::<usize>(), 1u32..50).prop_map(|(which, qty)| Event::Cancel(which, qty)),
        4 => (1u32..60).prop_map(Event::Trade),
        1 => Just(Event::Through),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// By order, our place in the queue is exact: the fills are those of a plain list.
    #[test]
    fn queue_positions_are_those_of_a_plain_list(
        before in prop::collection::vec(event(), 0..20),
        own in 1u32..80,
        after in prop::collection::vec(event(), 0..60),
    ) {
        let mut desk = Desk::new(|_| {});
        desk.add(1, Side::Sell, 10_005, 1_000);
        desk.add(2, Side::Buy, 9_998, 1_000_000);
        // Without it an emptied level would let the book's best fall through ours.
        let mut twin = Twin::default();
        let mut next = 10;
        let mut rested = false;
        for (n, event) in before.iter().chain(&after).enumerate() {
            if n == before.len() {
                desk.limit(Side::Buy, 9_999, own);
                twin.queue.push((None, own));
                rested = true;
            }
            let theirs: Vec<_> =
                twin.queue.iter().filter_map(|(id, qty)| Some(((*id)?, *qty))).collect();
            match *event {
                Event::Add(qty) => {
                    next += 1;
                    desk.add(next, Side::Buy, 9_999, qty);
                    twin.queue.push((Some(next), qty));
                }
                Event::Cancel(which, qty) if !theirs.is_empty() => {
                    let (id, left) = theirs[which % theirs.len()];
                    let qty = qty.min(left);
                    if qty == left {
                        desk.delete(id);
                    } else {
                        desk.reduce(id, qty);
                    }
                    twin.take_off(id, qty);
                }
                Event::Trade(qty) if !theirs.is_empty() => {
                    let (id, left) = theirs[0];
                    desk.execute(id, qty.min(left));
                    twin.trade(id, qty.min(left));
                }
                Event::Through if theirs.is_empty() => {
                    desk.execute(2, 1);
                    twin.fill(u32::MAX);
                }
                _ => {}
            }
            desk.settle();
            prop_assert_eq!(desk.position(), i64::from(twin.filled), "{:?} rested {}", event, rested);
        }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Add { buy: bool, price: i64, qty: u32 },
    Gone { which: usize },
    Trade { which: usize, qty: u32 },
    Limit { buy: bool, price: i64, qty: u32 },
    Bracket { buy: bool, qty: u32, width: i64 },
    Modify { which: usize, price: i64, qty: u32 },
    Cancel { which: usize },
    Time { millis: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    let price = 9_980i64..10_020;
    prop_oneof![
        6 => (any::<bool>(), 0i64..20, 1u32..300)
            .prop_map(|(buy, away, qty)| Act::Add {
                buy,
                price: if buy { 9_999 - away } else { 10_001 + away },
                qty,
            }),
        4 => any::<usize>().prop_map(|which| Act::Gone { which }),
        4 => (any::<usize>(), 1u32..200).prop_map(|(which, qty)| Act::Trade { which, qty }),
        3 => (any::<bool>(), price.clone(), 1u32..400)
            .prop_map(|(buy, price, qty)| Act::Limit { buy, price, qty }),
        2 => (any::<bool>(), 1u32..200, 1i64..15)
            .prop_map(|(buy, qty, width)| Act::Bracket { buy, qty, width }),
        1 => (any::<usize>(), price, 1u32..400)
            .prop_map(|(which, price, qty)| Act::Modify { which, price, qty }),
        2 => any::<usize>().prop_map(|which| Act::Cancel { which }),
        1 => (1u64..2_000).prop_map(|millis| Act::Time { millis }),
    ]
}

fn play(desk: &mut Desk, book: &mut BTreeMap<u64, u32>, number: u64, act: &Act) {
    let side = |buy| if buy { Side::Buy } else { Side::Sell };
    let named = |book: &BTreeMap<u64, u32>, which: usize| {
        book.iter()
            .nth(which % book.len().max(1))
            .map(|(&id, &qty)| (id, qty))
    };
    match *act {
        Act::Add { buy, price, qty } => {
            desk.add(number, side(buy), price, qty);
            book.insert(number, qty);
        }
        Act::Gone { which } => {
            if let Some((id, _)) = named(book, which) {
                desk.delete(id);
                book.remove(&id);
            }
        }
        Act::Trade { which, qty } => {
            if let Some((id, left)) = named(book, which) {
                let qty = qty.min(left);
                desk.execute(id, qty);
                if qty == left {
                    book.remove(&id);
                } else {
                    book.insert(id, left - qty);
                }
            }
        }
        Act::Limit { buy, price, qty } => {
            desk.limit(side(buy), price, qty);
        }
        Act::Bracket { buy, qty, width } => {
            let (entry, sign) = (side(buy), side(buy).sign());
            let price = 10_000 + sign;
            let parent = desk.limit(entry, price, qty);
            let child = |order_type, price, role| Command {
                parent_leg: parent,
                oca: parent.0,
                role,
                ..place(entry.opposite(), order_type, price, qty)
            };
            desk.command(child(OrderType::Stop, price - sign * width, LegRole::Stop));
            desk.command(child(
                OrderType::Limit,
                price + sign * width,
                LegRole::Target,
            ));
        }
        Act::Modify { which, price, qty } => {
            if let Some(old) = desk
                .commands
                .get(which % desk.commands.len().max(1))
                .copied()
                && old.order_type == OrderType::Limit
            {
                desk.command(Command {
                    op: CommandOp::Modify,
                    limit: cents(price),
                    qty,
                    ..old
                });
            }
        }
        Act::Cancel { which } => {
            if let Some(old) = desk
                .commands
                .get(which % desk.commands.len().max(1))
                .copied()
            {
                desk.command(Command {
                    op: CommandOp::Cancel,
                    ..old
                });
            }
        }
        Act::Time { millis } => desk.now += Nanos::from_millis(millis),
    }
    desk.settle();
}

fn check(desk: &Desk) -> Result<(), TestCaseError> {
    let fills = desk.all::<Fill>();
    let mut cash = i128::from(CASH.0);
    let mut filled: BTreeMap<FrameId, u32> = BTreeMap::new();
    let mut position = 0;
    for fill in &fills {
        let places = desk
            .commands
            .iter()
            .filter(|c| c.leg == fill.leg && c.op != CommandOp::Cancel);
        let most = places.clone().map(|c| c.qty).max().expect("a command");
        let limits: Vec<_> = places
            .filter(|c| c.limit > Price::ZERO)
            .map(|c| c.limit.0)
            .collect();
        let worst = match fill.side {
            Side::Buy => limits.iter().max(),
            _ => limits.iter().min(),
        };
        if let Some(&worst) = worst {
            prop_assert!(
                (worst - fill.price.0) * fill.side.sign() >= 0,
                "worse than its limit"
            );
        }
        let sum = filled.entry(fill.leg).or_default();
        *sum += fill.qty;
        prop_assert_eq!(*sum, fill.filled);
        prop_assert!(
            fill.filled <= fill.ordered && *sum <= most,
            "more than ordered"
        );
        cash -= i128::from(fill.price.0) * i128::from(fill.side.sign()) * i128::from(fill.qty);
        position += fill.side.sign() * i64::from(fill.qty);
    }
    let fees: i128 = desk
        .all::<Commission>()
        .iter()
        .map(|c| i128::from(c.fee.0))
        .sum();
    let truth = desk.edge.truth();
    prop_assert_eq!(desk.all::<Commission>().len(), fills.len());
    prop_assert_eq!(i128::from(truth.fees.0), fees);
    prop_assert_eq!(i128::from(truth.cash.0), cash - fees);
    prop_assert_eq!(desk.position(), position);
    prop_assert_eq!(desk.all::<Sent>().len(), desk.commands.len());
    // A pair never closes more than its entry opened.
    let of = |leg: &FrameId| filled.get(leg).copied().unwrap_or(0);
    let mut pairs: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
    for child in desk
        .commands
        .iter()
        .filter(|c| c.oca != 0 && c.op == CommandOp::Place)
    {
        let pair = pairs.entry(child.oca).or_insert((of(&child.parent_leg), 0));
        pair.1 += of(&child.leg);
    }
    let modified = desk
        .commands
        .iter()
        .any(|c| c.op == CommandOp::Modify && c.oca != 0);
    for (opened, closed) in pairs.values() {
        prop_assert!(closed <= opened || modified, "{closed} of {opened}");
    }
    // What has ended stays as it ended.
    let mut ends: BTreeMap<FrameId, LegState> = BTreeMap::new();
    for status in desk.all::<Status>() {
        if let Some(&end) = ends.get(&status.leg) {
            prop_assert_eq!(end, status.state);
        } else if status.state.is_final() {
            ends.insert(status.leg, status.state);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_market_and_any_commands_keep_the_books_straight(
        acts in prop::collection::vec(act(), 1..80),
        reject_ppm in prop_oneof![Just(0u32), Just(300_000)],
    ) {
        let run = || {
            let mut desk = Desk::new(|config| config.reject_ppm = reject_ppm);
            let mut book = BTreeMap::new();
            for (n, act) in acts.iter().enumerate() {
                play(&mut desk, &mut book, n as u64 + 1, act);
            }
            desk
        };
        let desk = run();
        check(&desk)?;
        let bytes = |desk: &Desk| -> Vec<u8> {
            desk.answers.iter().flat_map(|draft| draft.frame().bytes().to_vec()).collect()
        };
        prop_assert!(bytes(&desk) == bytes(&run()), "the same stream, the same answers");
    }
}
