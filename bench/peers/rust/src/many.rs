//! A whole market: 1,000 books with 4 million live orders, events all over them.

use crate::books::each;
use crate::contest::{Contender, Goal, Ring, contest};
use crate::frames::Frames;
use crate::hft::{self, Op};
use crate::orders::{Act, Order, TICK};
use anyhow::{Result, ensure};
use bench::measure::{Effort, Run, timed};
use bench::report::Report;
use book::Books;
use hftbacktest::depth::{
    BTreeMarketDepth, HashMapMarketDepth, L3MarketDepth, ROIVectorMarketDepth,
};
use std::hint::black_box;
use stream::{InstrumentId, Nanos, Price, Side};

const SYMBOLS: u64 = 1_000;
/// The middle of every book, and how far from it an order may stand, in ticks.
const MIDDLE: i64 = 10_000;
const FAR: i64 = 400;
/// How many of the newest orders leave when the young do.
const YOUNG: u64 = 4_096;

/// Which orders leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// One of the newest, as in a real market for the most part.
    Young,
    /// Any of those that live: no cache holds it.
    Any,
}

/// Events that keep the number of live orders about level; the same again from the same seed.
#[derive(Clone, Debug)]
struct Market {
    state: u64,
    next: u64,
    live: Vec<(u16, Order)>,
    leaving: Leaving,
}

impl Market {
    fn new(leaving: Leaving) -> Self {
        Self {
            state: 0x9E37_79B9_7F4A_7C15,
            next: 0,
            live: Vec::new(),
            leaving,
        }
    }

    /// xorshift64*, below `bound`.
    fn random(&mut self, bound: u64) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let word = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D);
        ((u128::from(word) * u128::from(bound)) >> 64) as u64
    }

    /// More orders stand near the middle than far from it.
    fn distance(&mut self) -> i64 {
        let uniform = (self.random(1 << 20) + 1) as f64 / f64::from(1 << 20);
        1 + ((-40.0 * uniform.ln()) as i64).min(FAR - 1)
    }

    fn add(&mut self) -> (u16, Order) {
        self.next += 1;
        let symbol = self.random(SYMBOLS) as u16 + 1;
        let (side, away) = match self.random(2) {
            0 => (Side::Buy, -self.distance()),
            _ => (Side::Sell, self.distance()),
        };
        let qty = 100 * (1 + self.random(5) as u32);
        let order = Order {
            ts: Nanos(self.next),
            id: self.next,
            price: Price((MIDDLE + away) * TICK),
            qty,
            left: qty,
            level: 0,
            side,
            act: Act::Add,
        };
        self.live.push((symbol, order));
        (symbol, order)
    }

    fn event(&mut self) -> (u16, Order) {
        let chance = self.random(100);
        if chance < 46 || self.live.is_empty() {
            return self.add();
        }
        let live = self.live.len() as u64;
        let index = match self.leaving {
            Leaving::Any => self.random(live),
            Leaving::Young => live - 1 - self.random(live.min(YOUNG)),
        } as usize;
        let (symbol, mut order) = self.live[index];
        order.act = match chance {
            46..90 => Act::Delete,
            90..95 if order.left > 100 => Act::Reduce,
            _ => Act::Execute,
        };
        order.qty = match order.act {
            Act::Delete => order.left,
            _ => order.left.min(100),
        };
        order.left -= order.qty;
        if order.left == 0 {
            self.live.swap_remove(index);
        } else {
            self.live[index].1.left = order.left;
        }
        (symbol, order)
    }
}

/// Live orders, and events of one run.
const fn size(effort: &Effort) -> (u64, u64) {
    if effort.run.as_millis() <= Effort::TINY.run.as_millis() {
        (20_000, 10_000)
    } else {
        (4_000_000, 2_000_000)
    }
}

/// Runs it.
///
/// # Errors
/// When a book refuses an event.
pub fn run(ring: &Ring) -> Result<Report> {
    let mut report = Report::new("book-many");
    let (live, events) = size(&ring.effort);
    report.note(format!(
        "made here: {SYMBOLS} symbols, {live} live orders, {events} events a run at random symbols \
         (46 % added, 44 % deleted, 10 % reduced or executed); the same events for everybody, the \
         books go on from run to run"
    ));
    let title = format!("L3, {SYMBOLS} symbols, {live} orders");
    for (leaving, who) in [(Leaving::Young, "the young"), (Leaving::Any, "any")] {
        market(
            &format!("{title}, {who} leave"),
            &ring.effort,
            leaving,
            &mut report,
        )?;
    }
    Ok(report)
}

fn market(title: &str, effort: &Effort, leaving: Leaving, report: &mut Report) -> Result<()> {
    let first = report.figures.len();
    let contenders = vec![
        ours(effort, leaving)?,
        peer(effort, leaving, "HashMap", || {
            HashMapMarketDepth::new(0.01, 1.0)
        })?,
        peer(effort, leaving, "BTree", || {
            BTreeMarketDepth::new(0.01, 1.0)
        })?,
        peer(effort, leaving, "ROI vector", || {
            let cents = |ticks: i64| ticks as f64 / 100.0;
            ROIVectorMarketDepth::new(0.01, 1.0, cents(MIDDLE - FAR), cents(MIDDLE + FAR))
        })?,
    ];
    let goal = Goal {
        ratio: Some(1.8),
        nanos: true,
    };
    contest(title, effort, contenders, goal, report)?;
    let ours = report.figures[first].median;
    report.at_most(format!("{title}, spindle"), "ns", ours, 45.0);
    Ok(())
}

fn ours(effort: &Effort, leaving: Leaving) -> Result<Contender<'static>> {
    let (live, count) = size(effort);
    let config = book::Config {
        instruments: SYMBOLS as usize,
        orders_max: 2 * live as usize,
        levels_max: 4_096,
        stale: Nanos::MAX,
    };
    // As the engine does it.
    let mut books = Books::with_memory(&config, &mut |table| {
        let _ = engine::pages::ask_large(table);
    });
    let mut market = Market::new(leaving);
    let mut frames = Frames::default();
    let mut apply = move |frames: &Frames| {
        let mut faults = 0;
        for frame in each(&frames.0) {
            let applied = books.apply(frame, &mut |effect| {
                black_box(effect);
            });
            faults += u64::from(applied.fault.is_some());
        }
        faults
    };
    for _ in 0..live {
        let (symbol, order) = market.add();
        frames.0.clear();
        frames.order(InstrumentId(symbol), &order);
        ensure!(apply(&frames) == 0, "an order was refused");
    }
    Ok(Contender::ours(
        "book",
        "frames into book::Books",
        move || {
            frames.0.clear();
            for _ in 0..count {
                let (symbol, order) = market.event();
                frames.order(InstrumentId(symbol), &order);
            }
            let (time, faults) = timed(|| apply(&frames));
            ensure!(faults == 0, "{faults} frames were refused");
            Ok(Run { time, count })
        },
    ))
}

fn peer<MD: L3MarketDepth + 'static>(
    effort: &Effort,
    leaving: Leaving,
    name: &str,
    fresh: impl Fn() -> MD,
) -> Result<Contender<'static>> {
    let (live, count) = size(effort);
    let mut books: Vec<MD> = (0..SYMBOLS).map(|_| fresh()).collect();
    let mut market = Market::new(leaving);
    let mut apply =
        move |symbol: u16, op: &Op| hft::apply(&mut books[usize::from(symbol) - 1], op).is_ok();
    for _ in 0..live {
        let (symbol, order) = market.add();
        ensure!(apply(symbol, &Op::of(&order)), "an order was refused");
    }
    let mut ops: Vec<(u16, Op)> = Vec::with_capacity(count as usize);
    let name = format!("hftbacktest {name}");
    Ok(Contender::peer(
        &name,
        "a depth for each symbol",
        move || {
            ops.clear();
            for _ in 0..count {
                let (symbol, order) = market.event();
                ops.push((symbol, Op::of(&order)));
            }
            let (time, applied) = timed(|| ops.iter().all(|(symbol, op)| apply(*symbol, op)));
            ensure!(applied, "an event was refused");
            Ok(Run { time, count })
        },
    ))
}
