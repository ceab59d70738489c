//! Order books by themselves: a real day, order by order and level by level, and a whole market.

use crate::backtests::{Prepared, days};
use crate::contest::{Contender, Goal, Ring, contest};
use crate::frames;
use crate::hft::{self, LevelOp, Op};
use crate::orders::{TICK, quotes};
use anyhow::{Result, ensure};
use bench::measure::{Effort, Run, timed};
use bench::report::Report;
use book::Books;
use hftbacktest::depth::{
    BTreeMarketDepth, HashMapMarketDepth, L2MarketDepth, L3MarketDepth, MarketDepth,
    ROIVectorMarketDepth,
};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Duration;
use stream::{FrameRef, InstrumentId, Line, Nanos, Side};

/// The best quote at the end of a pass, in ticks: all books must agree.
type Best = (i64, i64);

/// Order by order.
///
/// # Errors
/// When the data cannot be used, or the books come out different.
pub fn l3(ring: &Ring) -> Result<Report> {
    let mut report = Report::new("book-l3");
    report.note(&ring.place.how);
    report.note(
        "one pass is the day's order events into an empty book, orders prepared in each side's own \
         form; ours also keeps queues and tells effects, theirs tells the best before and after",
    );
    for day in &days(ring)? {
        let lines = frames::of_orders(&day.orders);
        let ops: Vec<Op> = day.orders.iter().map(Op::of).collect();
        let book = Judge::new(day);
        let (range, judge) = (day.range(), &book);
        let contenders = vec![
            ours(&ring.effort, day, &lines, judge),
            peer(&ring.effort, "HashMap", judge, &ops, apply3, || {
                HashMapMarketDepth::new(0.01, 1.0)
            }),
            peer(&ring.effort, "BTree", judge, &ops, apply3, || {
                BTreeMarketDepth::new(0.01, 1.0)
            }),
            peer(&ring.effort, "ROI vector", judge, &ops, apply3, move || {
                ROIVectorMarketDepth::new(0.01, 1.0, range.0, range.1)
            }),
        ];
        let title = format!("L3 book {}", day.name);
        contest(&title, &ring.effort, contenders, goal(1.8), &mut report)?;
        judge.tell(&mut report);
    }
    Ok(report)
}

/// Level by level.
///
/// # Errors
/// When the data cannot be used, or the books come out different.
pub fn l2(ring: &Ring) -> Result<Report> {
    let mut report = Report::new("book-l2");
    report.note(&ring.place.how);
    report.note("one pass is what each of the day's order events leaves of its level");
    for day in &days(ring)? {
        let lines = frames::of_levels(&day.orders);
        let ops: Vec<LevelOp> = day.orders.iter().map(LevelOp::of).collect();
        let book = Judge::new(day);
        let (range, judge) = (day.range(), &book);
        let contenders = vec![
            ours(&ring.effort, day, &lines, judge),
            peer(&ring.effort, "HashMap", judge, &ops, apply2, || {
                HashMapMarketDepth::new(0.01, 1.0)
            }),
            peer(&ring.effort, "BTree", judge, &ops, apply2, || {
                BTreeMarketDepth::new(0.01, 1.0)
            }),
            peer(&ring.effort, "ROI vector", judge, &ops, apply2, move || {
                ROIVectorMarketDepth::new(0.01, 1.0, range.0, range.1)
            }),
        ];
        let title = format!("L2 book {}", day.name);
        contest(&title, &ring.effort, contenders, goal(1.3), &mut report)?;
        judge.tell(&mut report);
    }
    Ok(report)
}

const fn goal(ratio: f64) -> Goal {
    Goal {
        ratio: Some(ratio),
        nanos: true,
    }
}

/// Frames back to back.
pub fn each(lines: &[Line]) -> impl Iterator<Item = FrameRef<'_>> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let frame = FrameRef::first_of(rest)?;
        rest = &rest[frame.lines().len()..];
        Some(frame)
    })
}

/// Passes until they took as long as a run should.
fn repeat(effort: &Effort, mut pass: impl FnMut() -> Result<(Duration, u64)>) -> Result<Run> {
    let mut run = Run {
        time: Duration::ZERO,
        count: 0,
    };
    while run.time < effort.run || run.count == 0 {
        let (time, count) = pass()?;
        run.time += time;
        run.count += count;
    }
    Ok(run)
}

/// What the best quote is at the end of the day, and who says otherwise.
#[derive(Debug)]
struct Judge {
    right: Best,
    wrong: RefCell<BTreeSet<String>>,
}

impl Judge {
    fn new(day: &Prepared) -> Self {
        let last = quotes(&day.orders).last().copied().unwrap_or_default();
        Self {
            right: (last.bid.0.0 / TICK, last.ask.0.0 / TICK),
            wrong: RefCell::default(),
        }
    }

    fn hear(&self, who: &str, best: Best) {
        if best != self.right {
            let what = format!(
                "{who} ends with the best quote {best:?}, not {:?}",
                self.right
            );
            self.wrong.borrow_mut().insert(what);
        }
    }

    fn tell(&self, report: &mut Report) {
        for what in self.wrong.borrow().iter() {
            report.note(format!("{what} (in ticks)"));
        }
    }
}

fn ours<'a>(
    effort: &'a Effort,
    day: &'a Prepared,
    lines: &'a [Line],
    judge: &'a Judge,
) -> Contender<'a> {
    let config = book::Config {
        instruments: 1,
        orders_max: 200_000,
        levels_max: 4_096,
        stale: Nanos::MAX,
    };
    let mut books = Books::new(&config);
    let detail = "frames into book::Books";
    Contender::ours("book", detail, move || {
        repeat(effort, || {
            // The first frame empties the books.
            let (time, faults) = timed(|| {
                let mut faults = 0;
                for frame in each(lines) {
                    let applied = books.apply(frame, &mut |effect| {
                        black_box(effect);
                    });
                    faults += u64::from(applied.fault.is_some());
                }
                faults
            });
            ensure!(faults == 0, "{faults} frames were refused");
            let book = books.book(InstrumentId(1));
            let ticks = |side| book.best(side).map_or(0, |(price, _)| price.0 / TICK);
            judge.hear("spindle", (ticks(Side::Buy), ticks(Side::Sell)));
            Ok((time, day.orders.len() as u64))
        })
    })
}

fn apply3<MD: L3MarketDepth>(depth: &mut MD, op: &Op) -> bool {
    hft::apply(depth, op).is_ok()
}

fn apply2<MD: L2MarketDepth>(depth: &mut MD, op: &LevelOp) -> bool {
    hft::apply_level(depth, op);
    true
}

fn peer<'a, MD: MarketDepth, O>(
    effort: &'a Effort,
    name: &str,
    judge: &'a Judge,
    ops: &'a [O],
    apply: impl Fn(&mut MD, &O) -> bool + 'a,
    fresh: impl Fn() -> MD + 'a,
) -> Contender<'a> {
    let name = format!("hftbacktest {name}");
    let own = name.clone();
    Contender::peer(&name, "", move || {
        repeat(effort, || {
            let mut depth = fresh();
            let (time, applied) = timed(|| ops.iter().all(|op| apply(&mut depth, op)));
            ensure!(applied, "an event was refused");
            judge.hear(&own, (depth.best_bid_tick(), depth.best_ask_tick()));
            Ok((time, ops.len() as u64))
        })
    })
}
