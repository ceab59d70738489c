//! Reading a closed journal back: verified, frame by frame, as columns and as text.

use super::QTY;
use crate::benches::Bench;
use crate::floors::mapped_scan;
use crate::measure::{Run, mega_rates, passes};
use crate::report::Report;
use anyhow::{Result, anyhow, ensure};
use journal::Reader;
use journal::decode::{Columns, Symbols, jsonl};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use stream::payload::Add;

/// What verify is to reach of reading mapped lines and checking their checksums in one thread.
const VERIFY_SHARE: f64 = 0.8;
/// Lines a second that decoding to columns is to reach, in millions.
const COLUMNS_TARGET: f64 = 15.0;
/// The same as JSON.
const JSONL_TARGET: f64 = 2.0;
/// Text gathered before it is written, as the command does.
const TEXT_BYTES: usize = 256 << 10;

/// Measures it on the journal in `dir`, which holds so many lines.
///
/// # Errors
/// When the journal does not read as it was written.
pub fn read(bench: &Bench, dir: &Path, lines: u64, report: &mut Report) -> Result<()> {
    let scan = mapped_scan(bench, lines)?;
    let verify = verified(bench, dir, lines)?;
    let alone = std::thread::scope(|scope| {
        // A thread that may use one processor is all that verifies.
        let pinned = scope.spawn(|| {
            bench.cores.pin(0);
            verified(bench, dir, lines)
        });
        pinned.join().map_err(|_| anyhow!("a thread broke"))?
    })?;
    let frames = passes(&bench.effort, || (), |()| frames(dir, lines))?;
    let columns = columns(bench, dir, lines)?;
    let text = passes(&bench.effort, || (), |()| text(dir, lines))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut tell = |name: &str, runs: &[Run], detail: String| {
        let rates = mega_rates(runs);
        report.figure(name, "M lines/s", runs.len(), rates, detail);
        rates
    };
    let detail = "a touched mapping, each line's checksum checked; one thread";
    let scan = tell("floor: mapped scan with CRC-32C", &scan, detail.to_owned());
    let detail = format!("every segment, with {threads} threads where there are several");
    let verified = tell("verify", &verify, detail);
    let share = mega_rates(&alone).median / scan.median;
    let detail = format!("{share:.2} of the scan, thread for thread");
    tell("verify, one thread", &alone, detail);
    let detail = "every frame through the reader, its checksum checked, one field read; one thread";
    tell("decode", &frames, detail.to_owned());
    let detail = "one file a field, into the page cache of the same disk; one thread";
    let columns = tell("decode to columns", &columns, detail.to_owned());
    let text = tell(
        "decode to JSON lines",
        &text,
        "to /dev/null; one thread".to_owned(),
    );
    for (name, rate, target) in [
        ("decode to columns", columns, COLUMNS_TARGET),
        ("decode to JSON lines", text, JSONL_TARGET),
    ] {
        report.at_least(name, "M lines/s", rate.median, target, None);
    }
    let name = format!("journal verify with {threads} threads, of one thread's mapped scan");
    let share = VERIFY_SHARE * scan.median;
    report.at_least(name, "M lines/s", verified.median, share, Some(scan.median));
    Ok(())
}

fn verified(bench: &Bench, dir: &Path, lines: u64) -> Result<Vec<Run>> {
    let pass = |()| {
        let verified = journal::verify(dir)?;
        let clean = verified.state == journal::State::Clean && verified.frames == lines;
        ensure!(clean, "the journal does not verify: {:?}", verified.state);
        Ok(verified.frames)
    };
    passes(&bench.effort, || (), pass)
}

fn frames(dir: &Path, lines: u64) -> Result<u64> {
    let mut reader = Reader::open(dir)?;
    let mut sum = 0_u64;
    let mut frames = 0;
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        sum = sum.wrapping_add(frame.seq() * u64::from(frame.read::<Add>().qty));
        frames += 1;
    }
    let wanted = (1..=lines).sum::<u64>() * u64::from(QTY);
    ensure!(sum == wanted, "the journal reads otherwise");
    Ok(frames)
}

fn columns(bench: &Bench, dir: &Path, lines: u64) -> Result<Vec<Run>> {
    // A folder is kept until the next pass is prepared: removing it is not timed.
    let mut kept = Vec::new();
    passes(
        &bench.effort,
        || {
            kept.clear();
            bench.temp().map(|folder| {
                let path = folder.path().join("columns");
                kept.push(folder);
                path
            })
        },
        |out| {
            let mut columns = Columns::create(out?)?;
            let mut reader = Reader::open(dir)?;
            while let Some(next) = reader.next() {
                columns.push(next?.1)?;
            }
            let written = columns.finish(&Symbols::default())?;
            ensure!(
                written.rows == lines,
                "the columns have {} rows",
                written.rows
            );
            Ok(written.rows)
        },
    )
}

fn text(dir: &Path, lines: u64) -> Result<u64> {
    let mut reader = Reader::open(dir)?;
    let mut out = OpenOptions::new().write(true).open("/dev/null")?;
    let symbols = Symbols::default();
    let mut text = Vec::with_capacity(2 * TEXT_BYTES);
    let mut frames = 0;
    while let Some(next) = reader.next() {
        jsonl(&mut text, next?.1, &symbols);
        frames += 1;
        if text.len() >= TEXT_BYTES || frames == lines {
            out.write_all(&text)?;
            text.clear();
        }
    }
    Ok(frames)
}
