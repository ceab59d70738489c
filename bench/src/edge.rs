//! The edge to a broker: the engine before the paper server, over a socket of this host.
//!
//! Both ends are in this process and read one clock, so that what passes the socket can be timed
//! from end to end: the server records when it writes a message (`wire`), the journal when the
//! resulting frame was numbered, the edge when it called the client library with a command
//! and when that returned. Each command caused by a message is one sample of the whole way.
//!
//! The *socket read* happens inside the client library, which logs it (`library`). The engine's
//! share begins there: the library's decoding and whatever it reads next, our threads, the head,
//! the stages, the journal and the gate, the way to the writer, the library's encoding and the
//! system call. Before the read, the library's thread has to wake: *readable* is when the server's
//! write began, plus the time until a bare write's bytes can be read where nobody waits for them
//! (`bare`, the median of this very run). Counting from the write's begin gives an upper bound;
//! from its return it would be too little, because on a shared core the woken thread runs before
//! the write returns.
//!
//! None of the engine's figures contains the simulator's own time, unless it has no core of its
//! own: then what its thread takes of the edge's core between readable and the socket is reported
//! and subtracted (`core_time`). Round trips, which contain it, are given separately.

mod bare;
mod core_time;
mod heard;
mod library;
mod stand;
mod wire;

use crate::benches::Bench;
use crate::distribution::{Distribution, Since, told};
use crate::measure::Spread;
use crate::report::Report;
use anyhow::Result;
use bare::Bare;
use engine::lane::Idle;
use hdrhistogram::Histogram;
use heard::{Heard, Part};
use stand::{EVENTS, SYMBOLS, Shape};
use std::time::Duration;
use stream::Nanos;

/// Target of the engine's share of a reaction, p50 in nanoseconds.
const SHARE_MAX: f64 = 50_000.0;
/// A run is so many times as long as others: a market has few events.
const LONGER: u32 = 5;
/// And not shorter than this: a position has to be there.
const LEAST: Duration = Duration::from_millis(500);

/// What all rows are of: one lane, that idles as `auto` has it on this box.
fn main_shape(bench: &Bench) -> Result<Shape> {
    let layout = crate::live::layout(&bench.cores, 1)?;
    Ok(Shape {
        entries: "hold",
        lanes: 1,
        idle: Idle::auto(&layout, engine::lane::cores().len(), true),
    })
}

/// The others, of which the engine's share alone is told, and how each idles.
const OTHERS: [(&str, usize, Idle); 5] = [
    ("1 lane that yields", 1, Idle::Yield),
    ("1 lane that spins", 1, Idle::Spin),
    ("1 lane that parks", 1, Idle::Backoff),
    ("2 lanes that yield", 2, Idle::Yield),
    ("2 lanes that park", 2, Idle::Backoff),
];

/// The rows, in the order of what happens.
const ROWS: [(&str, Part); 26] = [
    ("row: write begun → numbered", Part::Row),
    ("quote: write begun → numbered", Part::Quote),
    ("execution: write begun → numbered", Part::Execution),
    ("of it the server's write", Part::Writes),
    ("market frame: given to us → numbered", Part::MarketAge),
    ("answer: given to us → numbered", Part::AnswerAge),
    ("share: readable → read by the library", Part::Read),
    ("share: read by the library → numbered", Part::ReadIn),
    ("share: readable → numbered", Part::ShareIn),
    ("share: numbered → command at the gate", Part::Decided),
    ("command: at the gate → library called", Part::Gate),
    ("command: library called → encoded", Part::Encoding),
    ("command: encoded → on the socket", Part::Writing),
    ("command: library called → on the socket", Part::Library),
    (
        "engine's own share, to the library's call",
        Part::ShareCalled,
    ),
    (SHARE, Part::Share),
    (ALONE, Part::ShareAlone),
    (FROM_READ, Part::ShareRead),
    (
        "of it behind the first message of a write",
        Part::ShareOfFirst,
    ),
    ("of it behind an execution", Part::ShareOfFill),
    ("write begun → command on the socket", Part::Begun),
    ("write returned → command on the socket", Part::Returned),
    ("write begun → command read by the server", Part::Wire),
    ("round trip: order → first status", Part::Acked),
    ("round trip: cancel → its status", Part::Cancelled),
    ("round trip: entry → first fill", Part::Filled),
];
const SHARE: &str = "engine's own share, on the socket";
const ALONE: &str = "… without the simulator's turns on its core";
const FROM_READ: &str = "engine's own share, from the library's read";

/// Runs the bench.
///
/// # Errors
/// When there is no socket, or the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("edge");
    let count = if bench.effort.is_tiny() { 50 } else { 2_000 };
    let bare = stand::bare(bench, count)?;
    explain(&mut report);
    floor(&bare, &mut report);
    let readable = Nanos(bare.write.value_at_quantile(0.5));
    let time = (bench.effort.run * LONGER).max(LEAST);
    let main = main_shape(bench)?;
    let (mut runs, mut all) = several(bench, main, readable, (bench.effort.runs, time))?;
    // What rests until the next quote brings orders and cancels.
    let rests = Shape {
        entries: "rest",
        ..main
    };
    let (others, further) = several(bench, rests, readable, (bench.effort.runs, time / 2))?;
    all.add(&further);
    runs.iter_mut()
        .zip(&others)
        .for_each(|(run, other)| run.add(other));
    for (name, part) in ROWS {
        tell(name, part, (&runs, &all), &mut report);
    }
    judge(&runs, &bare, &mut report);
    report.note(format!(
        "{} commands were written, {} of them behind a row, a quote or an execution that is joined \
         to its write; {} entries filled; round trips have the simulator's own delays in them, \
         20 µs each way, and its work",
        all[Part::Gate].len(),
        all[Part::Share].len(),
        all[Part::Filled].len(),
    ));
    let runs = bench.effort.runs.min(3);
    for (name, lanes, idle) in OTHERS {
        let shape = Shape {
            lanes,
            idle,
            ..main
        };
        if shape == main {
            continue;
        }
        let (runs, all) = several(bench, shape, readable, (runs, time))?;
        for (share, part) in [(SHARE, Part::Share), (FROM_READ, Part::ShareRead)] {
            tell(
                &format!("{share}, {name}"),
                part,
                (&runs, &all),
                &mut report,
            );
        }
    }
    Ok(report)
}

/// The share that is meant begins with the socket's read.
fn judge(runs: &[Heard], bare: &Bare, report: &mut Report) {
    let each = runs.iter().map(|run| &run[Part::ShareRead]);
    let each: Vec<f64> = each
        .filter(|own| !own.is_empty())
        .map(|own| own.value_at_quantile(0.5) as f64)
        .collect();
    if each.is_empty() {
        report.note("not judged: no order followed from a message, the run was too short");
        return;
    }
    let median = Spread::of(each).median;
    let target = report.at_most(format!("p50, {FROM_READ}"), "ns", median, SHARE_MAX);
    target.floor = Some(bare.woken.value_at_quantile(0.5) as f64);
}

/// What no engine is faster than: a write and a woken thread.
fn floor(bare: &Bare, report: &mut Report) {
    for (name, own) in [
        ("floor: a bare write that nobody waits for", &bare.write),
        ("floor: a bare write → read by a woken thread", &bare.woken),
    ] {
        figure(name, own, &[own], report);
    }
}

/// What the figures are of.
fn explain(report: &mut Report) {
    report.note(format!(
        "`spindle run --mode paper` in this process before a `tws-sim` of its own, protocol 226 \
         over loopback, clock at its own speed: {SYMBOLS} shares with depth, {EVENTS} market \
         events a second, quotes sampled every 10 ms; a probe enters at each evaluation, moves the \
         stop of what it holds at each change of the best and is soon stopped out, and for a third \
         of the time enters out of reach and cancels at the next quote; the broker's limit on \
         messages is lifted on both sides, so that no command waits for it"
    ));
    report.note(
        "engine's own share, one sample for each command that followed from a row, a quote or an \
         execution: from readable (the server's write begun, and behind it the median of a bare \
         write) to the command on the socket: the wake of the client library's thread, its reads \
         and decoding, our threads, the head, the stages, the journal, the gate, the library's \
         encoding and our system call, which runs the server's side of the kernel; from the \
         library's read, which its log tells, all but that wake and what was read before. The \
         rows are of one lane that idles as `auto` has it on this box. With two cores it yields to \
         the threads that poll, on its own core, and all others keep off it: the server shares the \
         other core with them, and what its thread took of it meanwhile is taken off in a row of \
         its own. Where the row of a lane that spins tells less, a write that wakes a thread on \
         another core is dear on this box, and `lanes.idle = \"spin\"` is for it",
    );
}

/// Runs of one shape, and all of them together.
fn several(
    bench: &Bench,
    shape: Shape,
    bare: Nanos,
    (count, time): (usize, Duration),
) -> Result<(Vec<Heard>, Heard)> {
    let mut all = Heard::default();
    let mut runs = Vec::new();
    for _ in 0..count {
        let heard = stand::run(bench, shape, bare, time)?;
        all.add(&heard);
        runs.push(heard);
    }
    Ok((runs, all))
}

fn tell(name: &str, part: Part, (runs, all): (&[Heard], &Heard), report: &mut Report) {
    let each: Vec<_> = runs.iter().map(|run| &run[part]).collect();
    figure(name, &all[part], &each, report);
}

fn figure(name: &str, all: &Histogram<u64>, runs: &[&Histogram<u64>], report: &mut Report) {
    if all.is_empty() {
        report.note(format!("{name}: none happened"));
        return;
    }
    let each = runs.iter().filter(|own| !own.is_empty());
    let each: Vec<f64> = each.map(|own| own.value_at_quantile(0.5) as f64).collect();
    let detail = format!("{}; {} of them", told(all), all.len());
    report.figure(name, "ns p50", each.len(), Spread::of(each), detail);
    report.distribution(Distribution {
        group: "edge to a broker".to_owned(),
        name: name.to_owned(),
        since: Since::Due,
        histogram: all.clone(),
    });
}
