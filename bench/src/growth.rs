//! How cost grows: with events, with the journal's length, with instruments, and over threads.

use crate::backtest::task;
use crate::benches::Bench;
use crate::cadence;
use crate::market::Day;
use crate::measure::{Spread, quotient};
use crate::pipeline;
use crate::report::Report;
use anyhow::{Result, anyhow};
use std::time::{Duration, Instant};

/// How often the day comes.
const TIMES: [u32; 3] = [1, 3, 10];
/// How far ten times the events may be from ten times the time, as a share; and instruments.
const LINEAR: f64 = 0.05;
/// Instruments of an evaluation.
const INSTRUMENTS: [usize; 3] = [10, 30, 100];

/// Runs the bench.
///
/// # Errors
/// When the data or the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("growth");
    report.note(&bench.place.how);
    let days = bench.place.days(&bench.effort)?;
    // The shortest real day: ten of it are still soon over.
    let Some(day) = days.iter().min_by_key(|day| day.frames) else {
        return Ok(report);
    };
    events(bench, day, &mut report)?;
    side_by_side(bench, day, &mut report)?;
    instruments(bench, &mut report)?;
    Ok(report)
}

/// The runs take turns, so that a box that becomes slower does so for all of them, and what is
/// judged are quotients within a turn.
fn events(bench: &Bench, day: &Day, report: &mut Report) -> Result<()> {
    let mut each = [const { Vec::new() }; TIMES.len()];
    for _ in 0..bench.effort.runs {
        for (times, seconds) in TIMES.iter().zip(&mut each) {
            let dir = bench.temp()?;
            let done = pipeline::run(&task(day, *times, dir.path()), || {})?;
            // On a core: what others take of the box grows with nothing here.
            let time = done.lane.unwrap_or(done.stream);
            seconds.push(time.as_secs_f64());
        }
    }
    let growth = |seconds: &[f64], times: u32| {
        quotient(seconds, &each[0]).map_or(f64::NAN, |ratio| ratio / f64::from(times))
    };
    for (times, seconds) in TIMES.iter().zip(&each) {
        let spread = Spread::of(seconds.iter().copied());
        let nanos = spread.median / (day.events * u64::from(*times)) as f64 * 1e9;
        let ratio = growth(seconds, *times);
        report.figure(
            format!("{} x{times}", day.name),
            "s",
            seconds.len(),
            spread,
            format!(
                "processor time of the lane; {nanos:.1} ns an event; {ratio:.3} of {times} times \
                 one day's of the same turn"
            ),
        );
    }
    report.note(
        "flat in the journal's length: the tenth day is appended behind nine others, so a cost \
         that grew with what is there would show in the ratio",
    );
    let off = (growth(&each[2], TIMES[2]) - 1.0).abs();
    report.at_most("10x events, time off 10x", "", off, LINEAR);
    Ok(())
}

/// Two days at once, each on a thread with a journal of its own.
fn side_by_side(bench: &Bench, day: &Day, report: &mut Report) -> Result<()> {
    let times = TIMES[1];
    let mut gains = Vec::new();
    for _ in 0..bench.effort.side_runs() {
        let alone = timed(bench, day, times)?;
        let begin = Instant::now();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| timed(bench, day, times)))
                .collect();
            for thread in threads {
                thread.join().map_err(|_| anyhow!("a thread broke"))??;
            }
            Ok::<_, anyhow::Error>(())
        })?;
        let both = begin.elapsed().as_secs_f64();
        gains.push(2.0 * alone.as_secs_f64() / both.max(1e-9));
    }
    let cores = bench.cores.allowed.len();
    report.figure(
        "two days side by side",
        "times as fast",
        gains.len(),
        Spread::of(gains),
        format!("two threads, a journal each, {cores} cores with the journals' helpers on them"),
    );
    Ok(())
}

fn timed(bench: &Bench, day: &Day, times: u32) -> Result<Duration> {
    let dir = bench.temp()?;
    let begin = Instant::now();
    pipeline::run(&task(day, times, dir.path()), || {})?;
    Ok(begin.elapsed())
}

/// What an evaluation costs, by the clock; the sizes take turns.
fn instruments(bench: &Bench, report: &mut Report) -> Result<()> {
    let time = (bench.effort.run * 2).max(Duration::from_millis(700));
    let mut costs = [const { Vec::new() }; INSTRUMENTS.len()];
    let mut views = [0.0; INSTRUMENTS.len()];
    for _ in 0..bench.effort.side_runs() {
        for (at, instruments) in INSTRUMENTS.into_iter().enumerate() {
            let heard = cadence::measure(bench, instruments, time)?;
            if heard.duration.is_empty() || heard.views == 0 {
                report.note(format!("{instruments} instruments: no evaluation in time"));
                return Ok(());
            }
            costs[at].push(heard.duration.value_at_quantile(0.5) as f64);
            views[at] = heard.views as f64 / heard.evaluations.max(1) as f64;
        }
    }
    for ((instruments, costs), views) in INSTRUMENTS.iter().zip(&costs).zip(views) {
        let spread = Spread::of(costs.iter().copied());
        let each = spread.median / views.max(1.0);
        report.figure(
            format!("evaluation, {instruments} instruments"),
            "ns p50",
            costs.len(),
            spread,
            format!("{views:.1} instruments changed between two; {each:.0} ns for each"),
        );
    }
    let last = INSTRUMENTS.len() - 1;
    if let Some(growth) = quotient(&costs[last], &costs[0]) {
        let beyond = growth / (views[last] / views[0]) - 1.0;
        let name = "evaluation of 10x instruments, time beyond 10x";
        report.at_most(name, "", beyond, LINEAR);
    }
    Ok(())
}
