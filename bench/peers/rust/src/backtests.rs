//! Whole backtests over a real day: ours with its journal, hftbacktest's with its two books.

use crate::contest::{Contender, Goal, Ring, contest};
use crate::frames;
use crate::hft::{self, Looks};
use crate::orders::{Order, TICK, orders};
use crate::pipeline::{self, Cadence};
use anyhow::{Result, ensure};
use bench::market::{Day, SESSION};
use bench::measure::{Run, timed};
use bench::report::Report;
use feed::file::MemorySource;
use hftbacktest::backtest::data::Data;
use hftbacktest::backtest::{Backtest, BacktestError};
use hftbacktest::depth::{
    BTreeMarketDepth, HashMapMarketDepth, L2MarketDepth, L3MarketDepth, MarketDepth,
    ROIVectorMarketDepth,
};
use hftbacktest::prelude::Event;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use stream::Nanos;
use stream::limits::EVALUATE_PERIOD;

/// From one repetition of a day to the next: a week, so that each falls into a session.
pub const PERIOD: Nanos = bench::market::PERIOD;
/// Order events in one run at full effort.
const EVENTS: f64 = 2_400_000.0;

/// A day as both sides take it.
pub struct Prepared {
    /// Its symbol.
    pub name: String,
    /// Its events.
    pub orders: Vec<Order>,
    /// How often it comes in one run.
    pub times: u32,
}

impl Prepared {
    /// Of a day of one symbol.
    ///
    /// # Errors
    /// When it is not a day of orders.
    pub fn new(day: &Day, ring: &Ring) -> Result<Self> {
        let orders = orders(day.iter())?;
        ensure!(!orders.is_empty(), "{}: the day is empty", day.name);
        let wanted = EVENTS * ring.effort.run.as_secs_f64() / orders.len() as f64;
        Ok(Self {
            name: day.name.clone(),
            times: (wanted.ceil() as u32).clamp(1, bench::market::REPEATS_MAX),
            orders,
        })
    }

    /// Events of one run.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.orders.len() as u64 * u64::from(self.times)
    }

    /// Lowest and highest price, in the currency: the vector's range of interest.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        let prices = || self.orders.iter().map(|order| order.price.0 / TICK);
        let cents = |tick: Option<i64>| tick.unwrap_or(0) as f64 / 100.0;
        (cents(prices().min()), cents(prices().max()))
    }
}

/// Days of one symbol each.
///
/// # Errors
/// When the data cannot be used.
pub fn days(ring: &Ring) -> Result<Vec<Prepared>> {
    let days = ring.place.days(&ring.effort)?;
    days.iter()
        .filter(|day| day.symbols.len() == 1)
        .map(|day| Prepared::new(day, ring))
        .collect()
}

fn notes(report: &mut Report, ring: &Ring) {
    report.note(&ring.place.how);
    report.note(
        "ours: all stages, simulated broker, journal opened, written and closed (not synced) \
         inside the time; theirs: goto_end or elapse alone, no journal, built beforehand",
    );
}

/// Order by order.
///
/// # Errors
/// When the data or the disk cannot be used.
pub fn l3(ring: &Ring) -> Result<Report> {
    let mut report = Report::new("backtest-l3");
    notes(&mut report, ring);
    for day in days(ring)? {
        let events = Data::from_data(&hft::l3_events(&day.orders, day.times, PERIOD));
        let lines = frames::of_orders(&day.orders);
        for cadence in [Cadence::Off, Cadence::On] {
            let source = MemorySource::new(lines.clone());
            let mut contenders = ours(ring, &day, &source, cadence);
            let range = day.range();
            let looks = looks(cadence);
            let count = day.count();
            contenders.push(peer3("HashMap", &events, (count, day.times), looks, || {
                HashMapMarketDepth::new(0.01, 1.0)
            }));
            contenders.push(peer3("BTree", &events, (count, day.times), looks, || {
                BTreeMarketDepth::new(0.01, 1.0)
            }));
            contenders.push(peer3(
                "ROI vector",
                &events,
                (count, day.times),
                looks,
                move || ROIVectorMarketDepth::new(0.01, 1.0, range.0, range.1),
            ));
            let (title, goal) = told("backtest L3", &day, cadence, Some(2.0));
            contest(&title, &ring.effort, contenders, goal, &mut report)?;
        }
    }
    Ok(report)
}

/// Level by level.
///
/// # Errors
/// When the data or the disk cannot be used.
pub fn l2(ring: &Ring) -> Result<Report> {
    let mut report = Report::new("backtest-l2");
    notes(&mut report, ring);
    for day in days(ring)? {
        let events = Data::from_data(&hft::l2_events(&day.orders, day.times, PERIOD));
        let source = MemorySource::new(frames::of_levels(&day.orders));
        let mut contenders = ours(ring, &day, &source, Cadence::Off);
        let range = day.range();
        contenders.push(peer2("HashMap", &events, day.count(), || {
            HashMapMarketDepth::new(0.01, 1.0)
        }));
        contenders.push(peer2("BTree", &events, day.count(), || {
            BTreeMarketDepth::new(0.01, 1.0)
        }));
        contenders.push(peer2("ROI vector", &events, day.count(), move || {
            ROIVectorMarketDepth::new(0.01, 1.0, range.0, range.1)
        }));
        let (title, goal) = told("backtest L2", &day, Cadence::Off, None);
        contest(&title, &ring.effort, contenders, goal, &mut report)?;
    }
    Ok(report)
}

fn told(what: &str, day: &Prepared, cadence: Cadence, ratio: Option<f64>) -> (String, Goal) {
    let how = match cadence {
        Cadence::Off => "evaluation off",
        Cadence::On => "250 ms",
    };
    let title = format!("{what} {} x{} {how}", day.name, day.times);
    let ratio = ratio.filter(|_| cadence == Cadence::Off);
    (
        title,
        Goal {
            ratio,
            nanos: false,
        },
    )
}

fn looks(cadence: Cadence) -> Option<Looks> {
    (cadence == Cadence::On).then_some(Looks {
        every: EVALUATE_PERIOD,
        session: SESSION,
        period: PERIOD,
    })
}

fn ours<'a>(
    ring: &'a Ring,
    day: &'a Prepared,
    source: &MemorySource,
    cadence: Cadence,
) -> Vec<Contender<'a>> {
    let source = source.repeated(day.times, PERIOD);
    let last: Rc<Cell<Duration>> = Rc::default();
    let stream = Rc::clone(&last);
    let count = day.count();
    let whole = move || {
        let dir = ring.temp()?;
        let setup = pipeline::setup(&day.name, cadence)?;
        let done = pipeline::run(setup, source.repeated(day.times, PERIOD), dir.path())?;
        last.set(done.stream);
        let time = done.whole;
        Ok(Run { time, count })
    };
    vec![
        Contender::ours("whole call", "journal included", whole),
        Contender::ours(
            "first to last",
            "the same runs without start and close of the journal",
            move || {
                let time = stream.get();
                Ok(Run { time, count })
            },
        ),
    ]
}

fn peer3<'a, MD>(
    name: &str,
    events: &'a Data<Event>,
    days: (u64, u32),
    looks: Option<Looks>,
    depth: impl Fn() -> MD + Copy + 'static,
) -> Contender<'a>
where
    MD: MarketDepth + L3MarketDepth + 'static,
    BacktestError: From<<MD as L3MarketDepth>::Error>,
{
    let detail = format!("{} of its events: an execution is two", events.len());
    Contender::peer(&format!("hftbacktest {name}"), detail, move || {
        drive(hft::l3(events, depth)?, days, looks)
    })
}

fn peer2<'a, MD>(
    name: &str,
    events: &'a Data<Event>,
    count: u64,
    depth: impl Fn() -> MD + Copy + 'static,
) -> Contender<'a>
where
    MD: MarketDepth + L2MarketDepth + 'static,
{
    Contender::peer(&format!("hftbacktest {name}"), "", move || {
        drive(hft::l2(events, depth)?, (count, 1), None)
    })
}

fn drive<MD: MarketDepth>(
    mut backtest: Backtest<MD>,
    (count, times): (u64, u32),
    looks: Option<Looks>,
) -> Result<Run> {
    let (time, done) = timed(|| hft::to_the_end(&mut backtest, looks));
    let done = done?;
    if let Some(looks) = looks {
        // The last day's end where its data does.
        let (days, a_day) = (u64::from(times), looks.a_day());
        ensure!(
            ((days - 1) * a_day..=days * a_day).contains(&done),
            "{done} looks in {days} sessions of {a_day}"
        );
    }
    Ok(Run { time, count })
}
