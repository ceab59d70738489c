//! The journal by itself: one-line frames appended, verified and read.

use crate::benches::Bench;
use crate::floors::mapped_copy;
use crate::measure::{Run, mega_rates, passes, timed};
use crate::report::Report;
use anyhow::{Result, ensure};
use std::path::Path;
use std::time::Duration;
use stream::payload::Add;
use stream::{Draft, InstrumentId, Nanos, Price, Side, SourceId};

/// Lines that one second of effort appends: 512 MiB.
const LINES_PER_SECOND: f64 = 8_000_000.0;

/// What append is to reach of the bare copy with a checksum: what a frame costs beyond its bytes
/// is looking up where it goes, and telling how far the journal is.
const APPEND_SHARE: f64 = 0.85;

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
    let mut ready = Vec::new();
    for _ in 0..count {
        let dir = bench.temp()?;
        ready.push(append_ready(dir.path(), lines.min(READY_LINES))?);
    }
    let ready = mega_rates(&ready);
    report.figure(
        "append, pages ready",
        "M lines/s",
        count,
        ready,
        "what a lane pays while the helper keeps ahead: pages made writable beforehand, no sync",
    );
    let mut appends = Vec::new();
    let mut closes = Vec::new();
    let mut kept = None;
    for _ in 0..count {
        let dir = bench.temp()?;
        let (append, close) = append(dir.path(), lines, bench.sync_every())?;
        appends.push(append);
        closes.push(close.as_secs_f64());
        kept = Some(dir);
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
    let closed = crate::measure::Spread::of(closes);
    report.figure("close", "s", count, closed, "waits for the last sync");
    if let Some(dir) = kept {
        read(bench, dir.path(), lines, &mut report)?;
    }
    let target = 40.0;
    let floor = Some(sealed.median);
    report.at_least("journal append", "M lines/s", ready.median, target, floor);
    let share = APPEND_SHARE * sealed.median;
    let name = "journal append, of the mapped copy with CRC";
    report.at_least(name, "M lines/s", ready.median, share, floor);
    Ok(report)
}

fn read(bench: &Bench, dir: &Path, lines: u64, report: &mut Report) -> Result<()> {
    let verify = passes(
        &bench.effort,
        || (),
        |()| {
            let verified = journal::verify(dir)?;
            let clean = verified.state == journal::State::Clean && verified.frames == lines;
            ensure!(clean, "the journal does not verify: {:?}", verified.state);
            Ok(verified.frames)
        },
    )?;
    let scan = passes(
        &bench.effort,
        || (),
        |()| {
            let mut reader = journal::Reader::open(dir)?;
            let mut sum = 0_u64;
            let mut frames = 0;
            while let Some(next) = reader.next() {
                let (_, frame) = next?;
                sum = sum.wrapping_add(frame.read::<Add>().order_id);
                frames += 1;
            }
            ensure!(
                sum == (1..=lines).sum::<u64>(),
                "the journal reads otherwise"
            );
            Ok(frames)
        },
    )?;
    let rates = mega_rates(&verify);
    report.figure("verify", "M lines/s", verify.len(), rates, "");
    let detail = "every frame through the reader, its checksum checked, one field read";
    let rates = mega_rates(&scan);
    report.figure("decode", "M lines/s", scan.len(), rates, detail);
    Ok(())
}

/// Lines that are appended into one segment whose pages are ready: 56 MiB.
const READY_LINES: u64 = 917_504;

/// What the helper needs to make a segment's pages writable, generously.
const HEAD_START: Duration = Duration::from_millis(300);

/// Appends so many frames into pages that the helper has made writable already.
fn append_ready(dir: &Path, lines: u64) -> Result<Run> {
    let mut options = journal::Options::new(dir);
    options.account = "BENCH".to_owned();
    options.sync_every = Duration::ZERO;
    options.prefault_bytes = options.segment_bytes;
    let (mut writer, _) = journal::create_or_continue(&options)?;
    writer.spawn_helper()?;
    std::thread::sleep(HEAD_START);
    let (time, position) = timed(|| fill(&mut writer, lines));
    ensure!(position == lines, "the journal kept {position} of {lines}");
    Ok(Run { time, count: lines })
}

/// Appends so many frames of one line; the position behind them.
fn fill(writer: &mut journal::Writer, lines: u64) -> u64 {
    let mut draft = Draft::new();
    let add = Add {
        order_id: 0,
        price: Price(585_330_000_000),
        qty: 100,
        side: Side::Buy,
        flags: 0,
        source: SourceId(1),
        venue_ts: Nanos(1),
    };
    let mut position = 0;
    for seq in 1..=lines {
        let add = Add {
            order_id: seq,
            ..add
        };
        draft.write(InstrumentId(1), &add);
        let header = draft.header_mut();
        header.seq = seq;
        header.ts = Nanos(seq);
        position = writer.append(draft.frame());
    }
    position
}

/// Appends so many frames; tells what appending took, and what closing.
fn append(dir: &Path, lines: u64, sync_every: Duration) -> Result<(Run, Duration)> {
    let mut options = journal::Options::new(dir);
    options.account = "BENCH".to_owned();
    options.sync_every = sync_every;
    let (mut writer, _) = journal::create_or_continue(&options)?;
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
