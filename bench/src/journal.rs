//! The journal by itself: one-line frames appended, followed, verified and decoded, beside the
//! mapped copy and what the standard library writes files with.

mod paced;
mod plain;
mod read;

use crate::benches::Bench;
use crate::floors::{self, fresh_copy, mapped_copy};
use crate::measure::{Run, Spread, mega_rates, quotient, rates, timed};
use crate::report::Report;
use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use std::path::Path;
use std::slice;
use std::time::Duration;
use stream::payload::Add;
use stream::{Draft, FrameRef, InstrumentId, Line, Nanos, Price, Side, SourceId};

/// Lines that one second of effort appends: 512 MiB.
const LINES_PER_SECOND: f64 = 8_000_000.0;

/// What append is to reach of the bare copy with a checksum: what a frame costs beyond its bytes
/// is looking up where it goes, and telling how far the journal is.
const APPEND_SHARE: f64 = 0.85;
/// Lines a second that append is to reach at least, one by one, in millions.
const APPEND_LEAST: f64 = 40.0;

/// Runs the bench.
///
/// # Errors
/// When the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("journal");
    let lines = ((bench.effort.run.as_secs_f64() * LINES_PER_SECOND) as u64).max(1_000);
    let count = bench.effort.runs;
    let floor = mapped_copy(bench, lines.min(READY_LINES))?;
    let plain = mega_rates(&floor.plain);
    let sealed = mega_rates(&floor.with_crc);
    let touched = "into a touched mapping of a file";
    report.figure("floor: stored lines", "M lines/s", count, plain, touched);
    report.figure("floor: with CRC-32C", "M lines/s", count, sealed, touched);
    let ready = ready(bench, lines.min(READY_LINES), &mut report)?;
    let mut appends = Vec::new();
    let mut sheets = Vec::new();
    let mut closes = Vec::new();
    let mut kept = None;
    for _ in 0..count {
        let dir = bench.temp()?;
        let (append, close) = append(dir.path(), lines, bench.sync_every())?;
        appends.push(append);
        closes.push(close.as_secs_f64());
        kept = Some(dir);
        let dir = bench.temp()?;
        sheets.push(append_written(dir.path(), lines)?);
    }
    let appended = mega_rates(&appends);
    report.figure(
        "append, sustained",
        "M lines/s",
        count,
        appended,
        format!(
            "{lines} frames of one line as fast as it goes, faster than pages can be made: helpers \
             on threads, ranged sync behind the head"
        ),
    );
    let written = mega_rates(&sheets);
    let detail = "the same by stretches, as a backtest appends: a helper writes them; until all \
                  are in the files and the journal is closed, no sync";
    report.figure(
        "append by sheets, sustained",
        "M lines/s",
        count,
        written,
        detail,
    );
    let closed = Spread::of(closes);
    report.figure("close", "s", count, closed, "waits for the last sync");
    compare(bench, lines, appended.median, &mut report)?;
    let steady = ((bench.effort.run.as_secs_f64() * paced::RATE) as u64).max(1_000);
    pace(bench, steady, &mut report)?;
    if let Some(dir) = kept {
        read::read(bench, dir.path(), lines, &mut report)?;
    }
    let rate = mega_rates(&ready.single).median;
    let floor = Some(sealed.median);
    report.at_least("journal append", "M lines/s", rate, APPEND_LEAST, floor);
    for (runs, how) in [
        (&ready.stretches, "by stretches"),
        (&ready.single, "one by one"),
    ] {
        if let Some(times) = quotient(&rates(runs), &rates(&ready.floor)) {
            let name = format!("journal append {how}, of the mapped copy with CRC in turn with it");
            report.at_least(name, "x", times, APPEND_SHARE, Some(1.0));
        }
    }
    Ok(report)
}

/// What a lane pays for so many lines while the helper keeps ahead, by stretches and one by one,
/// each in turn with the bare copy into such pages.
fn ready(bench: &Bench, lines: u64, report: &mut Report) -> Result<Ready> {
    let (mut floor, mut stretches, mut single) = (Vec::new(), Vec::new(), Vec::new());
    // Twice as many turns as runs: each takes a moment, and what else uses memory shows in it.
    for _ in 0..2 * bench.effort.runs {
        floor.push(fresh_copy(bench, lines)?);
        for (runs, fill) in [
            (&mut stretches, fill_by_stretches as Fill),
            (&mut single, fill as Fill),
        ] {
            let dir = bench.temp()?;
            runs.push(append_ready(dir.path(), lines, fill)?);
        }
    }
    let ready = "pages made writable beforehand, no sync";
    let name = "floor: with CRC-32C, fresh pages";
    let detail = "into a mapping that another thread has just touched, as the helper does";
    report.figure(name, "M lines/s", floor.len(), mega_rates(&floor), detail);
    let (count, spread) = (stretches.len(), mega_rates(&stretches));
    let detail = format!(
        "{ready}; {STRETCH_LINES} lines back to back as a lane finds them in its ring, numbered in \
         place"
    );
    report.figure("append by stretches", "M lines/s", count, spread, detail);
    let (count, spread) = (single.len(), mega_rates(&single));
    let detail = format!("{ready}; the same lines, one call each");
    report.figure("append one by one", "M lines/s", count, spread, detail);
    Ok(Ready {
        floor,
        stretches,
        single,
    })
}

/// Runs into pages that were ready, in turn.
struct Ready {
    floor: Vec<Run>,
    stretches: Vec<Run>,
    single: Vec<Run>,
}

/// A way to append so many frames.
type Fill = fn(&mut journal::Writer, u64) -> u64;

/// What the same lines cost by plainer means.
fn compare(bench: &Bench, lines: u64, appended: f64, report: &mut Report) -> Result<()> {
    let plain = plain::plain(bench, lines)?;
    for (name, runs) in [
        ("peer: BufWriter of 8 KiB", &plain.buffered),
        ("peer: write(2) each", &plain.calls),
    ] {
        let rates = mega_rates(runs);
        let detail = format!(
            "the same disk, no checksum, position or sync; sustained append is {:.1} times this",
            appended / rates.median
        );
        report.figure(name, "M lines/s", runs.len(), rates, detail);
    }
    Ok(())
}

/// Percentiles of a call of append and of a follower's lag, at a steady rate.
fn pace(bench: &Bench, lines: u64, report: &mut Report) -> Result<()> {
    let count = bench.effort.runs;
    let mut alone = Vec::new();
    let mut followed = Vec::new();
    let mut stolen = Vec::new();
    for _ in 0..count {
        let watched = floors::hiccups(&bench.cores, false, bench.effort.run);
        stolen.push(watched.value_at_quantile(TARGET_QUANTILE) as f64);
        alone.push(paced::paced(bench, lines, false)?);
        followed.push(paced::paced(bench, lines, true)?);
    }
    let rate = "1 M lines/s, helpers syncing";
    let call = "one call, two clock readings included";
    let (mut worst, mut latest) = (0.0, 0.0);
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        let of = |histogram: &Histogram<u64>| histogram.value_at_quantile(quantile) as f64;
        let calls = Spread::of(alone.iter().map(|run| of(&run.call)));
        let responses = Spread::of(alone.iter().map(|run| of(&run.response)));
        let lags = Spread::of(followed.iter().map(|run| of(&run.lag)));
        for (what, spread, detail) in [
            ("append call", calls, call),
            ("append since due", responses, "until the call was done"),
            (
                "follow lag",
                lags,
                "from a call's begin to a reader in another thread having it",
            ),
        ] {
            let detail = format!("{rate}; {detail}");
            report.figure(format!("{what} {name}"), "ns", count, spread, detail);
        }
        if name == TARGET_NAME {
            (worst, latest) = (calls.median, responses.median);
        }
    }
    let stolen = Spread::of(stolen);
    let name = format!("box, {TARGET_NAME}, one spinning");
    let detail = "what an idle watcher misses, in turn";
    report.figure(name, "ns", count, stolen, detail);
    let name = format!("append call {TARGET_NAME}, paced");
    report.at_most(name, "ns", worst, CALL_TARGET_NS);
    let name = format!("append since due {TARGET_NAME}, paced, with what the box takes");
    let target = report.at_most(name, "ns", latest, CALL_TARGET_NS + stolen.median);
    target.floor = Some(stolen.median.max(1.0));
    Ok(())
}

/// The percentile of a call of append that has a target.
const TARGET_NAME: &str = "p99.9";
/// The same as a share.
const TARGET_QUANTILE: f64 = 0.999;
/// What it is to be at most.
const CALL_TARGET_NS: f64 = 2_000.0;

/// Lines that are appended into one segment whose pages are ready: 56 MiB.
const READY_LINES: u64 = 917_504;

/// What the helper needs to make a segment's pages writable, generously.
const HEAD_START: Duration = Duration::from_millis(300);

/// Appends so many frames into pages that the helper has made writable already.
fn append_ready(dir: &Path, lines: u64, fill: Fill) -> Result<Run> {
    let mut options = options(dir, Duration::ZERO);
    // The next segment's too, or the helper would make them while these are stored into.
    options.prefault_bytes = 2 * options.segment_bytes;
    let (mut writer, _) = journal::create_or_continue(&options)?;
    writer.spawn_helper()?;
    std::thread::sleep(HEAD_START);
    let (time, position) = timed(|| fill(&mut writer, lines));
    ensure!(position == lines, "the journal kept {position} of {lines}");
    Ok(Run { time, count: lines })
}

fn options(dir: &Path, sync_every: Duration) -> journal::Options {
    journal::Options {
        account: "BENCH".to_owned(),
        sync_every,
        ..journal::Options::new(dir)
    }
}

/// A new journal.
fn open(dir: &Path, sync_every: Duration) -> Result<journal::Writer> {
    Ok(journal::create_or_continue(&options(dir, sync_every))?.0)
}

/// Shares of each order.
const QTY: u32 = 100;

/// An order to be appended: of one line, like most of the market.
const fn add(order_id: u64) -> Add {
    Add {
        order_id,
        price: Price(585_330_000_000),
        qty: QTY,
        side: Side::Buy,
        flags: 0,
        source: SourceId(1),
        venue_ts: Nanos(1),
    }
}

/// Lines of a stretch: as many as lanes publish at once.
const STRETCH_LINES: u64 = 64;

/// Appends so many frames of one line, a call for each; the position behind them.
fn fill(writer: &mut journal::Writer, lines: u64) -> u64 {
    let mut position = 0;
    numbered(lines, |stretch| {
        for line in stretch {
            if let Some(frame) = FrameRef::first_of(slice::from_ref(line)) {
                position = writer.append(frame);
            }
        }
    });
    position
}

/// The same, a call for [`STRETCH_LINES`].
fn fill_by_stretches(writer: &mut journal::Writer, lines: u64) -> u64 {
    let mut position = 0;
    numbered(lines, |stretch| position = writer.append_all(stretch));
    position
}

/// So many lines, [`STRETCH_LINES`] at a time: made beforehand, and numbered anew each time.
fn numbered(lines: u64, mut take: impl FnMut(&[Line])) {
    let mut stretch: Vec<Line> = (0..STRETCH_LINES)
        .map(|line| {
            let mut draft = Draft::new();
            draft.write(InstrumentId(1), &add(line));
            draft.header_mut().ts = Nanos(1);
            draft.frame().lines()[0]
        })
        .collect();
    let mut seq = 0;
    while seq < lines {
        let count = STRETCH_LINES.min(lines - seq) as usize;
        for line in &mut stretch[..count] {
            seq += 1;
            let words: &mut [u64; 8] = zerocopy::transmute_mut!(line);
            // A header begins with the number.
            words[0] = seq;
        }
        take(&stretch[..count]);
    }
}

/// Appends so many frames; tells what appending took, and what closing.
fn append(dir: &Path, lines: u64, sync_every: Duration) -> Result<(Run, Duration)> {
    let mut writer = open(dir, sync_every)?;
    writer.spawn_helper()?;
    let (time, position) = timed(|| fill(&mut writer, lines));
    ensure!(
        !writer.is_failed(),
        "the journal failed: {:?}",
        writer.health()
    );
    ensure!(position >= lines, "the journal kept {position} of {lines}");
    let (close, closed) = timed(|| writer.close());
    closed?;
    Ok((Run { time, count: lines }, close))
}

/// Appends so many frames in virtual time's way, until they are in the files.
fn append_written(dir: &Path, lines: u64) -> Result<Run> {
    let mut options = options(dir, Duration::ZERO);
    options.medium = journal::Medium::Written;
    let (mut writer, _) = journal::create_or_continue(&options)?;
    writer.spawn_helper()?;
    let (time, closed) = timed(|| {
        fill_by_stretches(&mut writer, lines);
        writer.close()
    });
    closed?;
    Ok(Run { time, count: lines })
}
