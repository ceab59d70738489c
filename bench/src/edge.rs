//! The edge to a broker: the engine before the paper server, over a socket of this host.
//!
//! Both ends are in this process and read one clock, so that what passes the socket can be timed
//! from end to end: the server tells when it writes a message (`wire`), the journal when the
//! frame that it became was numbered, the edge when a command was on the socket. What is counted
//! from a write's begin holds the server's system call and the kernel's way, the wake of the client
//! library's thread, its two reads and its decoding: an upper bound of *socket read → head*, which
//! the library hides. What is counted from the write's return is none on a box of two cores: who
//! is woken there may run before the write returns.
//!
//! The simulator's own time is in none of the engine's figures; round trips, which have it, stand
//! apart.

mod heard;
mod stand;
mod wire;

use crate::benches::Bench;
use crate::distribution::{Distribution, Since, told};
use crate::measure::Spread;
use crate::report::Report;
use anyhow::Result;
use hdrhistogram::Histogram;
use heard::Heard;
use stand::{EVENTS, SYMBOLS};
use std::time::Duration;

/// Target of the engine's share of a reaction, p50 in nanoseconds.
const SHARE_MAX: f64 = 50_000.0;
/// A run is so many times as long as others: a market has few events.
const LONGER: u32 = 5;
/// And not shorter than this: a position has to be there.
const LEAST: Duration = Duration::from_millis(500);

/// Runs the bench.
///
/// # Errors
/// When there is no socket, or the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("edge");
    report.note(format!(
        "`spindle run --mode paper` in this process before a `tws-sim` of its own, protocol 226 \
         over loopback, clock at its own speed: {SYMBOLS} shares with depth, {EVENTS} market \
         events a second, quotes sampled every 10 ms; a probe moves the stop of what it holds at \
         each change of the best; the broker's limit on messages is lifted on both sides, so that \
         no command waits for it"
    ));
    report.note(
        "from a write's begin: with the server's system call, the kernel's way and the client \
         library's wake, reads and decoding, an upper bound of socket read → head; from its \
         return: too little where the woken thread runs before the call returns. Every thread \
         but the lane keeps off its core: with two cores the server shares the other with ours",
    );
    let mut all = Heard::default();
    let mut runs = Vec::new();
    for _ in 0..bench.effort.runs {
        let time = (bench.effort.run * LONGER).max(LEAST);
        let heard = stand::run(bench, time)?;
        all.add(&heard);
        runs.push(heard);
    }
    let rows: [Figure; 12] = [
        ("row: write begun → numbered", |h| &h.row),
        ("quote: write begun → numbered", |h| &h.quote),
        ("execution: write begun → numbered", |h| &h.execution),
        ("of it the server's write", |h| &h.writes),
        ("market frame: given to us → numbered", |h| &h.market_age),
        ("answer: given to us → numbered", |h| &h.answer_age),
        ("command: at the gate → on the socket", |h| &h.gate),
        ("quote: write begun → order written", |h| &h.share),
        ("quote: write returned → order written", |h| &h.inner),
        ("quote: write begun → order read", |h| &h.wire),
        ("order: at the gate → first status", |h| &h.acked),
        ("order: at the gate → first fill", |h| &h.filled),
    ];
    for (name, of) in rows {
        tell(name, of, (&runs, &all), &mut report);
    }
    if all.share.is_empty() {
        report.note("not judged: no order followed from a quote, the run was too short");
    } else {
        let each = runs.iter().filter(|run| !run.share.is_empty());
        let each = each.map(|run| run.share.value_at_quantile(0.5) as f64);
        let p50 = Spread::of(each).median;
        let name = "p50, quote: write begun → order written";
        report.at_most(name, "ns", p50, SHARE_MAX);
    }
    report.note(format!(
        "{} commands were written, {} of them behind a quote or row; round trips have the \
         simulator's own delays in them, 20 µs each way, and its work",
        all.gate.len(),
        all.share.len()
    ));
    Ok(report)
}

/// A name, and which of the latencies it is.
type Figure = (&'static str, fn(&Heard) -> &Histogram<u64>);

fn tell(
    name: &str,
    of: fn(&Heard) -> &Histogram<u64>,
    (runs, all): (&[Heard], &Heard),
    report: &mut Report,
) {
    let histogram = of(all);
    if histogram.is_empty() {
        report.note(format!("{name}: none happened"));
        return;
    }
    let each = runs.iter().map(of).filter(|own| !own.is_empty());
    let each: Vec<f64> = each.map(|own| own.value_at_quantile(0.5) as f64).collect();
    let detail = format!("{}; {} of them", told(histogram), histogram.len());
    report.figure(name, "ns p50", each.len(), Spread::of(each), detail);
    report.distribution(Distribution {
        group: "edge to a broker".to_owned(),
        name: name.to_owned(),
        since: Since::Due,
        histogram: histogram.clone(),
    });
}
