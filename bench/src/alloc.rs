//! Memory: allocations once a run is warm, and whether anonymous memory stays flat.

use crate::backtest::task;
use crate::benches::Bench;
use crate::counting;
use crate::host::anonymous_mib;
use crate::market::{Day, REPEATS_MAX};
use crate::measure::Spread;
use crate::pipeline::{self, Task};
use crate::report::Report;
use anyhow::Result;
use std::time::Instant;

/// A segment that no run here fills: making segments is the helper's business and allocates.
const SEGMENT_BYTES: u64 = 1 << 30;
/// Days of a run, the first to become warm. Where little is measured, half of one day is.
const DAYS: u32 = 2;
/// What anonymous memory may grow in the second half of a run, in MiB: noise of the allocator.
const GROWTH_MAX: f64 = 1.0;
/// What all of it may be, in MiB.
const MEMORY_MAX: f64 = 300.0;

/// Runs the bench.
///
/// # Errors
/// When the data or the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("alloc");
    report.note(&bench.place.how);
    let days = bench.place.days(&bench.effort)?;
    let Some(day) = days.last() else {
        return Ok(report);
    };
    if counting::is_counting() {
        for lanes in [1, 2, 3, 5] {
            count(bench, day, lanes, &mut report)?;
        }
    } else {
        report.note(
            "allocations: not measured, this program's allocator does not count; \
             `cargo run --release -p bench -- alloc` has one that does",
        );
    }
    watch(bench, day, &mut report)?;
    Ok(report)
}

fn count(bench: &Bench, day: &Day, lanes: usize, report: &mut Report) -> Result<()> {
    let dir = bench.temp()?;
    let days = if bench.effort.is_tiny() { 1 } else { DAYS };
    let task = Task {
        lanes,
        segment_bytes: Some(SEGMENT_BYTES),
        ..task(day, days, dir.path())
    };
    let done = pipeline::run(&task, || {})?;
    let millions = done.counted as f64 / 1e6;
    let lane = |count: u64| Spread::of([count as f64 / millions.max(1e-9)]);
    let detail = format!("{} market frames once warm", done.counted);
    if lanes == 1 {
        report.figure(
            "lane: head to edge",
            "allocations/M events",
            1,
            lane(done.allocations.own),
            &detail,
        );
        let own = done.allocations.own as f64;
        report.at_most("allocations on the lane, warm", "", own, 0.0);
    }
    report.figure(
        format!("all threads, {lanes} lanes"),
        "allocations/M events",
        1,
        lane(done.allocations.all),
        format!("{detail}; the journal's helpers included"),
    );
    let all = done.allocations.all as f64;
    report.at_most(format!("allocations, {lanes} lanes, warm"), "", all, 0.0);
    Ok(())
}

/// Runs days for as long as asked and looks at anonymous memory all the time.
fn watch(bench: &Bench, day: &Day, report: &mut Report) -> Result<()> {
    let dir = bench.temp()?;
    let begin = Instant::now();
    pipeline::run(&task(day, 1, dir.path()), || {})?;
    let once = begin.elapsed().as_secs_f64();
    let times = (bench.effort.watch.as_secs_f64() / once).ceil() as u32;
    let times = times.clamp(1, REPEATS_MAX);
    let dir = bench.temp()?;
    let mut seen = Vec::new();
    let begin = Instant::now();
    pipeline::run(&task(day, times, dir.path()), || {
        seen.extend(anonymous_mib())
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    if seen.is_empty() {
        report.note("anonymous memory: not measured, the system does not tell");
        return Ok(());
    }
    let most = seen.iter().copied().fold(0.0, f64::max);
    let half = &seen[seen.len() / 2..];
    let growth = half[half.len() - 1] - half[0];
    report.figure(
        "anonymous memory",
        "MiB",
        seen.len(),
        Spread::of(seen.iter().copied()),
        format!(
            "{times} days in {seconds:.1} s, the day in memory ({:.0} MiB) included; from half \
             way to the end {growth:+.2} MiB",
            day.frames as f64 * 64.0 / f64::from(1 << 20)
        ),
    );
    report.at_most("anonymous memory", "MiB", most, MEMORY_MAX);
    report.at_most("its growth in the second half", "MiB", growth, GROWTH_MAX);
    Ok(())
}
