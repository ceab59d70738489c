//! The physical floor: what this box allows at best, and what it takes away.

use crate::benches::Bench;
use crate::distribution::{Distribution, Since, told};
use crate::floors;
use crate::measure::{Run, Spread, mega_rates};
use crate::report::Report;
use anyhow::Result;
use hdrhistogram::Histogram;
use std::time::Duration;

/// Lines that one second of effort copies or scans: 512 MiB.
const LINES_PER_SECOND: f64 = 8_000_000.0;
/// Pages that one second of effort stores into for the first time: 64 MiB.
const PAGES_PER_SECOND: f64 = 16_384.0;

/// Runs the bench.
///
/// # Errors
/// When the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("limits");
    lines_between_cores(bench, &mut report);
    clocks(bench, &mut report);
    copies(bench, &mut report)?;
    pages(bench, &mut report)?;
    syncs(bench, &mut report)?;
    hiccups(bench, &mut report);
    Ok(report)
}

fn lines_between_cores(bench: &Bench, report: &mut Report) {
    let Some(one_way) = floors::one_way(&bench.cores, &bench.effort) else {
        let why = bench.cores.why_not_two().unwrap_or_default();
        report.note(format!("cache line between two cores: {why}"));
        return;
    };
    let runs = bench.effort.runs;
    report.figure(
        "cache line one way",
        "ns",
        runs,
        one_way.two_lines,
        "half of there and back, p50 of each run; a line for each direction, loaded and stored",
    );
    report.figure(
        "cache line one way, swapped",
        "ns",
        runs,
        one_way.swapped,
        "the same with compare and swap on one line",
    );
}

fn clocks(bench: &Bench, report: &mut Report) {
    let effort = &bench.effort;
    for (name, spread, detail) in [
        (
            "counter reading",
            floors::raw_reading(effort),
            "the processor's time-stamp counter, raw",
        ),
        (
            "clock reading",
            floors::std_reading(effort),
            "the standard library's `Instant`",
        ),
        (
            "histogram record",
            floors::histogram_record(effort),
            "two digits, values over six powers of ten in no order",
        ),
    ] {
        report.figure(name, "ns", effort.runs, spread, detail);
    }
}

fn copies(bench: &Bench, report: &mut Report) -> Result<()> {
    let lines = amount(bench, LINES_PER_SECOND);
    let copy = floors::mapped_copy(bench, lines)?;
    let scan = floors::mapped_scan(bench, lines)?;
    for (name, runs) in [
        ("mapped copy", &copy.plain),
        ("mapped copy with CRC-32C", &copy.with_crc),
        ("mapped scan with CRC-32C", &scan),
    ] {
        let detail = format!(
            "{:.2} ns a line of 64 bytes, pages ready",
            each(runs).median
        );
        report.figure(name, "M lines/s", runs.len(), mega_rates(runs), detail);
    }
    Ok(())
}

fn pages(bench: &Bench, report: &mut Report) -> Result<()> {
    let touch = floors::pages::first_touch(bench, amount(bench, PAGES_PER_SECOND) as usize)?;
    let mut figure = |name: &str, runs: &[Run]| {
        let name = format!("first store into a page, {name}");
        report.figure(name, "ns", runs.len(), each(runs), "");
    };
    figure("sparse file", &touch.sparse);
    match &touch.allocated {
        Some(runs) => figure("allocated file", runs),
        None => report.note("an allocated file: not measured, the file system allocates none"),
    }
    let mut figure = |name: &str, runs: &[Run]| {
        let name = format!("first store into a page, {name}");
        report.figure(name, "ns", runs.len(), each(runs), "");
    };
    figure("after write-back", &touch.written_back);
    Ok(())
}

fn syncs(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut all = crate::distribution::nanoseconds();
    let (mut middle, mut late) = (Vec::new(), Vec::new());
    for _ in 0..bench.effort.runs {
        let run = floors::sync::fdatasync(bench, bench.effort.run)?;
        middle.push(run.value_at_quantile(0.5) as f64 / 1e6);
        late.push(run.value_at_quantile(0.99) as f64 / 1e6);
        all.add(&run)?;
    }
    let runs = bench.effort.runs;
    report.figure("fdatasync p50", "ms", runs, Spread::of(middle), told(&all));
    report.figure("fdatasync p99", "ms", runs, Spread::of(late), "");
    report.distribution(Distribution {
        group: "fdatasync of a page".to_owned(),
        name: "fdatasync".to_owned(),
        since: Since::Begun,
        histogram: all,
    });
    Ok(())
}

fn hiccups(bench: &Bench, report: &mut Report) {
    report.note(
        "hiccups: how late a core that only watches the clock notices what is due each \
         microsecond; a stall counts for all that it made late",
    );
    let mut watch = |name: &str, both: bool| {
        let runs: Vec<_> = (0..bench.effort.runs)
            .map(|_| floors::hiccups(&bench.cores, both, bench.effort.run))
            .collect();
        hiccup_figures(report, name, &runs);
    };
    watch("one core spinning", false);
    if bench.cores.are_two() {
        watch("both cores spinning", true);
    }
}

fn hiccup_figures(report: &mut Report, name: &str, runs: &[Histogram<u64>]) {
    let mut all = crate::distribution::nanoseconds();
    for run in runs {
        // The bounds are the same.
        let _ = all.add(run);
    }
    for (quantile, of) in [("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        let values = runs
            .iter()
            .map(|run| run.value_at_quantile(of) as f64 / 1e3);
        let detail = if quantile == "p99" {
            told(&all)
        } else {
            String::new()
        };
        let name = format!("hiccups {quantile}, {name}");
        report.figure(name, "µs", runs.len(), Spread::of(values), detail);
    }
    report.distribution(Distribution {
        group: "hiccups".to_owned(),
        name: name.to_owned(),
        since: Since::Due,
        histogram: all,
    });
}

fn amount(bench: &Bench, per_second: f64) -> u64 {
    ((bench.effort.run.as_secs_f64() * per_second) as u64).max(64)
}

/// Nanoseconds for one.
fn each(runs: &[Run]) -> Spread {
    let ns = |time: Duration| time.as_secs_f64() * 1e9;
    Spread::of(
        runs.iter()
            .map(|run| ns(run.time) / run.count.max(1) as f64),
    )
}
