//! The whole pipeline with its journal, one lane, over days in memory.

use crate::benches::Bench;
use crate::floors::{self, LineCost};
use crate::market::{Day, REPEATS_MAX};
use crate::measure::{Spread, quotient};
use crate::pipeline::{self, Done, Held, Task};
use crate::report::Report;
use anyhow::Result;
use std::time::Duration;

/// Instruments that a flow is spread over.
const INSTRUMENTS: [usize; 3] = [1, 10, 100];

/// What a run may take: so much for each market event, evaluation and `BookView`.
///
/// Events at 15 million a second, evaluations at 0.1 µs, views at 0.7 µs.
#[must_use]
pub fn budget(events: u64, held: &Held) -> f64 {
    events as f64 / 15e6 + held.evaluations as f64 * 0.1e-6 + held.views as f64 * 0.7e-6
}

/// Runs the bench.
///
/// # Errors
/// When the data or the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("backtest");
    report.note(&bench.place.how);
    report.note(
        "times are of the whole call: journal opened, written and closed (to the disk it goes by \
         the system's own write-back); files are decoded beforehand, each repetition of a day \
         comes a week after the one before",
    );
    let floor = floors::line_cost(bench)?;
    for day in bench.place.days(&bench.effort)? {
        one_day(bench, &day, &floor, &mut report)?;
    }
    instruments(bench, &mut report)?;
    Ok(report)
}

/// Days that make a run of about the wanted length.
///
/// # Errors
/// When the day cannot be run.
pub fn times_for(bench: &Bench, day: &Day) -> Result<u32> {
    let dir = bench.temp()?;
    let once = pipeline::run(&task(day, 1, dir.path()), || {})?;
    let times = bench.effort.run.as_secs_f64() / once.stream.as_secs_f64().max(1e-9);
    Ok((times.ceil() as u32).clamp(1, REPEATS_MAX))
}

/// A run as `spindle backtest --lanes 1` would make it.
#[must_use]
pub const fn task<'a>(day: &'a Day, times: u32, dir: &'a std::path::Path) -> Task<'a> {
    Task {
        day,
        times,
        lanes: 1,
        dir,
        segment_bytes: None,
    }
}

fn one_day(bench: &Bench, day: &Day, floor: &LineCost, report: &mut Report) -> Result<()> {
    let times = times_for(bench, day)?;
    let (runs, held) = several(bench, day, times)?;
    let count = runs.len();
    let name = format!("{} x{times}", day.name);
    let events = day.events * u64::from(times);
    let budget = budget(events, &held);
    let spread = |runs: &[Done], time: fn(&Done) -> Duration| {
        Spread::of(runs.iter().map(|run| time(run).as_secs_f64()))
    };
    let whole = spread(&runs, |run| run.whole);
    report.figure(
        &name,
        "s",
        count,
        whole,
        format!(
            "formula {budget:.3} s, ratio {:.2}; {events} events in {} market frames, {} \
             evaluations, {} views, {} commands, {} frames and {} lines in all",
            whole.median / budget,
            day.frames * u64::from(times),
            held.evaluations,
            held.views,
            held.commands,
            held.frames,
            held.lines
        ),
    );
    report.figure(
        format!("{name}, first to last"),
        "s",
        count,
        spread(&runs, |run| run.stream),
        "first market frame to the end of the data: without start and close",
    );
    if let Some(lanes) = runs.iter().map(|run| run.lane).collect::<Option<Vec<_>>>() {
        report.figure(
            format!("{name}, on a core"),
            "s",
            count,
            Spread::of(lanes.iter().map(Duration::as_secs_f64)),
            "processor time of the lane from first to last, without its waiting for a core",
        );
    }
    let rates = |amount: u64| {
        let rate = |run: &Done| amount as f64 / run.whole.as_secs_f64().max(1e-9) / 1e6;
        Spread::of(runs.iter().map(rate))
    };
    report.figure(format!("{name}, events"), "M/s", count, rates(events), "");
    report.figure(
        format!("{name}, frames"),
        "M/s",
        count,
        rates(held.frames),
        "",
    );
    let target = report.at_most(format!("backtest {}", day.name), "s", whole.median, budget);
    // The journal alone, stored with its checksums.
    target.floor = Some(held.lines as f64 * floor.sealed / 1e9);
    Ok(())
}

/// The same flow over more and more instruments: what an event costs. The sizes take turns.
fn instruments(bench: &Bench, report: &mut Report) -> Result<()> {
    let days = INSTRUMENTS.map(|count| Day::many(count, &bench.effort));
    let days: Vec<Day> = days.into_iter().collect::<Result<_>>()?;
    let mut costs = vec![Vec::new(); days.len()];
    for _ in 0..bench.effort.side_runs() {
        for (day, costs) in days.iter().zip(&mut costs) {
            let dir = bench.temp()?;
            let done = pipeline::run(&task(day, 1, dir.path()), || {})?;
            let time = done.lane.unwrap_or(done.stream);
            costs.push(time.as_secs_f64() * 1e9 / day.events as f64);
        }
    }
    for (day, own) in days.iter().zip(&costs) {
        let times = quotient(own, &costs[0]).unwrap_or(f64::NAN);
        let detail = format!(
            "processor time of the lane; {times:.2} times one instrument's; {} events of a market \
             made here",
            day.events
        );
        let name = format!("over {} instruments", day.symbols.len());
        let spread = Spread::of(own.iter().copied());
        report.figure(name, "ns an event", own.len(), spread, detail);
    }
    Ok(())
}

fn several(bench: &Bench, day: &Day, times: u32) -> Result<(Vec<Done>, Held)> {
    let mut runs = Vec::new();
    let mut held = Held::default();
    for _ in 0..bench.effort.runs {
        let dir = bench.temp()?;
        runs.push(pipeline::run(&task(day, times, dir.path()), || {})?);
        held = pipeline::held(dir.path())?;
    }
    Ok((runs, held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_the_sum_of_its_three_parts() {
        let held = Held {
            evaluations: 1_000_000,
            views: 100_000,
            ..Held::default()
        };
        assert!((budget(15_000_000, &held) - 1.17).abs() < 1e-12);
    }
}
