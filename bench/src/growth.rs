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
/// How far ten times the events may be from ten times the time, as a share.
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
    let ratio = growth(&each[2], TIMES[2]);
    report.at_most("10x events, time beyond 10x", "", ratio - 1.0, LINEAR);
    Ok(())
}

/// Two days at once, each on a thread with a journal of its own.
fn side_by_side(bench: &Bench, day: &Day, report: &mut Report) -> Result<()> {
    let times = TIMES[1];
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
    let gain = 2.0 * alone.as_secs_f64() / both.max(1e-9);
    let cores = bench.cores.allowed.len();
    report.figure(
        "two days side by side",
        "times as fast",
        1,
        Spread::of([gain]),
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

/// What an evaluation costs, by the clock.
fn instruments(bench: &Bench, report: &mut Report) -> Result<()> {
    let time = (bench.effort.run * 2).max(Duration::from_millis(700));
    let mut costs = Vec::new();
    for instruments in INSTRUMENTS {
        let heard = cadence::measure(bench, instruments, time)?;
        if heard.duration.is_empty() || heard.views == 0 {
            report.note(format!("{instruments} instruments: no evaluation in time"));
            continue;
        }
        let p50 = heard.duration.value_at_quantile(0.5) as f64;
        let views = heard.views as f64 / heard.evaluations.max(1) as f64;
        report.figure(
            format!("evaluation, {instruments} instruments"),
            "ns p50",
            heard.evaluations as usize,
            Spread::of([p50]),
            format!(
                "{views:.1} instruments changed between two; {:.0} ns for each",
                p50 / views.max(1.0)
            ),
        );
        costs.push((views, p50));
    }
    if let (Some(few), Some(many)) = (costs.first(), costs.last())
        && costs.len() == INSTRUMENTS.len()
    {
        let growth = (many.1 / few.1.max(1.0)) / (many.0 / few.0.max(1.0));
        report.note(format!(
            "an evaluation of {:.0} instruments takes {growth:.2} of what linear growth from \
             {:.0} would make of it",
            many.0, few.0
        ));
    }
    Ok(())
}
