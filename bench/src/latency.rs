//! Tick to command: open-loop load of a real day at stated rates, through every stage and the
//! journal, to the hand-over at the broker's edge.
//!
//! Three figures that are never mixed: (a) a market event that changes the best, to the protective
//! command behind it; (b) an evaluation that is due, to each of its entry commands; (c) a market
//! event, to the entry command, including the cadence. Times are from when the event was *due*,
//! not from when it was read; beside them stands the service time, which leaves the waiting out.

use crate::benches::Bench;
use crate::distribution::{Distribution, Since, add_each, nanoseconds, time, told};
use crate::faults;
use crate::floors;
use crate::heard::Heard;
use crate::live::{self, Task, UNTHROTTLED};
use crate::load::{Load, Rhythm, Schedule, merged};
use crate::market::Day;
use crate::measure::Spread;
use crate::report::Report;
use anyhow::Result;
use engine::clock::{Clock, utc};
use engine::meter::{LaneMeter, PART_NAMES, histogram};
use feed::file::MemorySource;
use hdrhistogram::Histogram;
use journal::Durability;
use std::time::Duration;
use stream::payload::lines_of;
use stream::{Kind, Nanos};

/// The rate that targets speak of.
const TARGET: Rhythm = Rhythm::even(100_000);
/// The other rates.
const RATES: [Rhythm; 4] = [
    Rhythm::even(1_000),
    Rhythm::even(10_000),
    Rhythm::even(1_000_000),
    Rhythm {
        per_second: 100_000,
        burst: 10,
    },
];
/// Instruments of (b) and (c).
const INSTRUMENTS: usize = 100;
/// Targets of (a): lanes and p50 in nanoseconds.
const PROTECT_MAX: [(usize, f64); 2] = [(1, 250.0), (2, 400.0)];
/// p99 of (a) is to be within this many times its p50, beyond what the box takes.
const TAIL: u64 = 3;
/// The frames of (a)'s way into the journal.
const WAY: [Kind; 4] = [Kind::Add, Kind::Best, Kind::Protect, Kind::Command];
/// Target of (b): p50 in nanoseconds.
const ENTRY_MAX: f64 = 120_000.0;

/// One configuration that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Lanes.
    pub lanes: usize,
    /// How frames fall due.
    pub rhythm: Rhythm,
    /// The journal's durability.
    pub durability: Durability,
    /// How long is measured.
    pub time: Duration,
}

impl Case {
    fn name(&self) -> String {
        let lanes = if self.lanes == 1 { "lane" } else { "lanes" };
        let power = match self.durability {
            Durability::Process => "",
            Durability::Power => ", power",
        };
        format!("{} {lanes}, {}{power}", self.lanes, self.rhythm.name())
    }
}

/// What one run was.
#[derive(Debug)]
pub struct Measured {
    /// What its journal tells.
    pub heard: Heard,
    /// What its lanes measured.
    pub meters: Vec<LaneMeter>,
    /// Minor page faults of each lane while it was measured, where the system tells.
    pub faults: Vec<Option<u64>>,
}

/// Runs the bench.
///
/// # Errors
/// When the data or the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    drop(Clock::new());
    let mut report = Report::new("latency");
    report.note(&bench.place.how);
    report.note(
        "from when the event was due to the hand-over at the edge, every stage and the journal's \
         append in between; a probe moves the stop of what it holds at each change of the best, \
         each command reaches the simulated broker after 20 to 30 µs, and its answer comes as \
         late again, so that answers keep no step with events; its work is on the last lane",
    );
    let days = bench.place.days(&bench.effort)?;
    if let Some(day) = days.last() {
        protect(bench, day, &mut report)?;
    }
    entries(bench, &mut report)?;
    Ok(report)
}

/// (a), at all rates.
fn protect(bench: &Bench, day: &Day, report: &mut Report) -> Result<()> {
    let frames = merged(day);
    for (lanes, most) in PROTECT_MAX {
        if lanes > 1 && !bench.cores.are_two() {
            report.note(format!(
                "(a) with {lanes} lanes: {}",
                bench.cores.why_not_two().unwrap_or_default()
            ));
            continue;
        }
        let case = Case {
            lanes,
            rhythm: TARGET,
            durability: Durability::Process,
            time: bench.effort.run,
        };
        target(bench, (day, &frames), &case, most, report)?;
        let rates = if bench.effort.is_tiny() {
            1
        } else {
            RATES.len()
        };
        for rhythm in RATES[..rates].iter().copied() {
            let time = rhythm.rounded(bench.effort.run / 2);
            let case = Case {
                rhythm,
                time,
                ..case
            };
            beside(bench, (day, &frames), &case, report)?;
        }
        let case = Case {
            durability: Durability::Power,
            time: bench.effort.run / 2,
            ..case
        };
        beside(bench, (day, &frames), &case, report)?;
    }
    report.note(
        "power: protective commands do not wait for the disk, only what adds risk does; the \
         figure shows what the syncs of others cost them",
    );
    Ok(())
}

/// A case that no target speaks of.
fn beside(
    bench: &Bench,
    (day, frames): (&Day, &MemorySource),
    case: &Case,
    report: &mut Report,
) -> Result<()> {
    let runs = 0..bench.effort.side_runs();
    let runs = runs.map(|_| Ok(protected(bench, day, frames, case)?.heard));
    tell(case, &runs.collect::<Result<Vec<_>>>()?, report);
    Ok(())
}

/// What the box takes from cores that spin, in turn with the runs it is held against.
fn stolen(case: &Case, turns: &[Histogram<u64>], report: &mut Report) -> f64 {
    let mut all = nanoseconds();
    turns.iter().for_each(|turn| add_each([(&mut all, turn)]));
    let p99 = turns.iter().map(|turn| turn.value_at_quantile(0.99) as f64);
    let p99 = Spread::of(p99);
    let name = format!("(a) box, {} spinning", case.lanes);
    let detail = format!("what an idle watcher misses, in turn: {}", told(&all));
    report.figure(name, "ns p99", turns.len(), p99, detail);
    p99.median
}

/// The lines of a command's way, stored with their checksums, and from core to core: nanoseconds.
fn floor(bench: &Bench, lanes: usize) -> Result<f64> {
    let lines = WAY.iter().filter_map(|kind| lines_of(*kind)).sum::<usize>();
    let stored = lines as f64 * floors::line_cost(bench)?.sealed;
    if lanes == 1 {
        return Ok(stored);
    }
    let way = floors::one_way(&bench.cores, &bench.effort).map(|way| way.two_lines.median);
    Ok(stored + way.unwrap_or_default())
}

fn target(
    bench: &Bench,
    (day, frames): (&Day, &MemorySource),
    case: &Case,
    most: f64,
    report: &mut Report,
) -> Result<()> {
    let mut runs = Vec::new();
    let mut meters: Vec<LaneMeter> = Vec::new();
    let mut faults = Vec::new();
    let mut turns = Vec::new();
    for _ in 0..bench.effort.runs {
        turns.push(floors::hiccups(
            &bench.cores,
            case.lanes > 1,
            bench.effort.run,
        ));
        let measured = protected(bench, day, frames, case)?;
        runs.push(measured.heard);
        meters.extend(measured.meters);
        faults.push(measured.faults);
    }
    tell(case, &runs, report);
    tell_faults(bench, case, &faults, report)?;
    stages(&case.name(), &meters, report);
    if runs.iter().any(|run| run.protect.response.is_empty()) {
        report.note(format!(
            "(a) {}: not judged, a run had no command",
            case.name()
        ));
        return Ok(());
    }
    let quantile = |quantile: f64| {
        let each = (runs.iter()).map(|run| run.protect.response.value_at_quantile(quantile) as f64);
        Spread::of(each).median
    };
    let (p50, p99) = (quantile(0.5), quantile(0.99));
    let name = case.name();
    let floor = floor(bench, case.lanes)?;
    let target = report.at_most(format!("(a) p50, {name}"), "ns", p50, most);
    target.floor = Some(floor);
    let stolen = stolen(case, &turns, report);
    let bound = TAIL as f64 * p50 + stolen;
    let target = report.at_most(format!("(a) p99, {name}"), "ns", p99, bound);
    target.floor = Some(stolen.max(1.0));
    Ok(())
}

/// One run of (a).
///
/// # Errors
/// When the disk cannot be used.
pub fn protected(bench: &Bench, day: &Day, frames: &MemorySource, case: &Case) -> Result<Measured> {
    one(bench, (&day.symbols, frames), "hold", case)
}

fn one(
    bench: &Bench,
    (symbols, frames): (&[String], &MemorySource),
    entries: &str,
    case: &Case,
) -> Result<Measured> {
    let dir = bench.temp()?;
    let setup = live::setup(symbols, Some(entries), &[UNTHROTTLED])?;
    // Building the stages and the journal takes a while: nothing is due before.
    let schedule = Schedule::at(utc() + START, Nanos(case.time.as_nanos() as u64));
    let load = Load::of(frames.clone(), case.rhythm, schedule);
    let task = Task {
        setup,
        source: Box::new(load),
        until: schedule.until(),
        lanes: case.lanes,
        durability: case.durability,
        dir: dir.path(),
    };
    let layout = live::layout(&bench.cores, case.lanes)?;
    let (mut first, mut last) = (None, Vec::new());
    let meters = live::run(bench, task, || {
        let now = utc();
        if now >= schedule.from && now < schedule.end {
            last = faults::of_lanes(&layout);
            first.get_or_insert_with(|| last.clone());
        }
    })?;
    let first = first.unwrap_or_default();
    let since = |(then, now): (&Option<u64>, &Option<u64>)| Some((*now)? - (*then)?);
    Ok(Measured {
        heard: Heard::fold(dir.path(), schedule.from, Nanos::ZERO)?,
        meters,
        faults: first.iter().zip(&last).map(since).collect(),
    })
}

/// Page faults of lanes: of all but the journal's none is meant to happen.
fn tell_faults(
    bench: &Bench,
    case: &Case,
    runs: &[Vec<Option<u64>>],
    report: &mut Report,
) -> Result<()> {
    let layout = live::layout(&bench.cores, case.lanes)?;
    for lane in 0..case.lanes {
        let name = format!("page faults of {}, {}", layout.name(lane), case.name());
        let each: Vec<f64> = (runs.iter())
            .filter_map(|run| run.get(lane).copied().flatten())
            .map(|faults| faults as f64)
            .collect();
        if each.is_empty() {
            report.note(format!(
                "{name}: not measured, too short or the system does not tell"
            ));
            continue;
        }
        let most = each.iter().copied().fold(0.0, f64::max);
        report.figure(&name, "", each.len(), Spread::of(each), "once warm");
        if lane + 1 < case.lanes {
            report.at_most(name, "", most, 0.0);
        }
    }
    Ok(())
}

/// What a run needs before its first frame: memory, the journal. The clock's counter is calibrated
/// before, once.
pub const START: Nanos = Nanos::from_millis(250);

/// Figures of (a): response time run by run, and all runs together as distributions.
fn tell(case: &Case, runs: &[Heard], report: &mut Report) {
    let mut all = Heard::default();
    runs.iter().for_each(|run| all.add(run));
    let ages = &all.protect;
    let name = format!("(a) {}", case.name());
    if ages.response.is_empty() {
        report.note(format!(
            "{name}: no command; the run was too short, or never caught up"
        ));
        return;
    }
    let due = case.rhythm.frames(case.time) * runs.len() as u64;
    if all.market < due - due / 100 {
        report.note(format!(
            "{name}: the load was not kept up with: {} of {due} events were taken by the end",
            all.market
        ));
    }
    for (since, histogram) in [(Since::Due, &ages.response), (Since::Begun, &ages.service)] {
        report.distribution(Distribution {
            group: "best to protective command".to_owned(),
            name: name.clone(),
            since,
            histogram: histogram.clone(),
        });
    }
    let each = p50s(runs, |run| &run.protect.response);
    let detail = format!(
        "{}; service {}; {} commands behind {} events{}",
        told(&ages.response),
        told(&ages.service),
        ages.response.len(),
        all.market,
        stalled(&all)
    );
    report.figure(name, "ns p50", runs.len(), Spread::of(each), detail);
}

fn stalled(heard: &Heard) -> String {
    if heard.stalls == 0 {
        return String::new();
    }
    let (stalls, window) = (heard.stalls, heard.window);
    format!("; the window was full at {stalls} turns ({window} lines)")
}

/// Service time of each part, from one input in 256.
fn stages(name: &str, meters: &[LaneMeter], report: &mut Report) {
    for (part, part_name) in PART_NAMES.iter().enumerate() {
        let mut all = histogram();
        for meter in meters {
            // The bounds are the same.
            let _ = all.add(&meter.service[part]);
        }
        if all.is_empty() {
            continue;
        }
        let name = format!("{part_name}, {name}");
        let p50 = all.value_at_quantile(0.5) as f64;
        let detail = format!(
            "{}; its share of an input, every frame behind it included, the stop-watch too",
            told(&all)
        );
        report.figure(&name, "ns p50", 1, Spread::of([p50]), detail);
        report.distribution(Distribution {
            group: "service of a part".to_owned(),
            name,
            since: Since::Begun,
            histogram: all,
        });
    }
}

/// (b) and (c), with many instruments.
fn entries(bench: &Bench, report: &mut Report) -> Result<()> {
    let day = Day::many(INSTRUMENTS, &bench.effort)?;
    let frames = merged(&day);
    let time = (bench.effort.run * 2).max(Duration::from_millis(300));
    for durability in [Durability::Process, Durability::Power] {
        let case = Case {
            lanes: 1,
            rhythm: TARGET,
            durability,
            time,
        };
        let is_judged = durability == Durability::Process;
        let runs = if is_judged {
            bench.effort.runs
        } else {
            bench.effort.side_runs()
        };
        let mut heard = Vec::new();
        for _ in 0..runs {
            heard.push(one(bench, (&day.symbols, &frames), "rest", &case)?.heard);
        }
        let name = format!("{INSTRUMENTS} instruments, {}", case.name());
        tell_entries(&name, &heard, report);
        let p50s = p50s(&heard, |run| &run.entry.response);
        if is_judged && !p50s.is_empty() {
            let p50 = Spread::of(p50s).median;
            let views = lines_of(Kind::BookView).unwrap_or(1) * INSTRUMENTS;
            let floor = views as f64 * floors::line_cost(bench)?.sealed;
            let target = report.at_most(format!("(b) p50, {name}"), "ns", p50, ENTRY_MAX);
            target.floor = Some(floor);
        }
    }
    Ok(())
}

/// The median of each run that had any.
fn p50s(runs: &[Heard], of: impl Fn(&Heard) -> &Histogram<u64>) -> Vec<f64> {
    let each = runs.iter().map(of).filter(|ages| !ages.is_empty());
    each.map(|ages| ages.value_at_quantile(0.5) as f64)
        .collect()
}

fn tell_entries(name: &str, runs: &[Heard], report: &mut Report) {
    let mut heard = Heard::default();
    runs.iter().for_each(|run| heard.add(run));
    let (ages, cadence) = (&heard.entry, &heard.with_cadence);
    if ages.response.is_empty() {
        report.note(format!("(b), (c) {name}: no entry, the run was too short"));
        return;
    }
    let mut figure = |what: &str, of: fn(&Heard) -> &Histogram<u64>, detail: String| {
        let p50s = p50s(runs, of);
        let name = format!("{what} {name}");
        report.figure(name, "ns p50", p50s.len(), Spread::of(p50s), detail);
    };
    let detail = format!(
        "evaluation due to entry command: {}; service {}; {} entries of {} evaluations",
        told(&ages.response),
        told(&ages.service),
        ages.response.len(),
        heard.evaluations
    );
    figure("(b)", |run| &run.entry.response, detail);
    let what = "each event that changed the best since the evaluation before";
    let detail = format!("{what}: {}", told(cadence));
    figure("(c)", |run| &run.with_cadence, detail);
    let cancel = &heard.protect.response;
    if !cancel.is_empty() {
        let detail = format!("best to the cancel of a resting entry: {}", told(cancel));
        figure("(a) cancels,", |run| &run.protect.response, detail);
    }
    for (group, since, histogram) in [
        (
            "evaluation due to entry command",
            Since::Due,
            &ages.response,
        ),
        (
            "evaluation due to entry command",
            Since::Begun,
            &ages.service,
        ),
        ("event to entry command, cadence in it", Since::Due, cadence),
    ] {
        report.distribution(Distribution {
            group: group.to_owned(),
            name: name.to_owned(),
            since,
            histogram: histogram.clone(),
        });
    }
    told_budget(name, cadence, report);
}

fn told_budget(name: &str, cadence: &Histogram<u64>, report: &mut Report) {
    let share = cadence.max() as f64 / stream::limits::BUDGET.0 as f64 * 100.0;
    let slowest = time(cadence.max());
    report.note(format!(
        "(c) {name}: the slowest took {slowest}, {share:.1} % of the 500 ms budget, of which the \
         cadence may take 250 ms"
    ));
}
