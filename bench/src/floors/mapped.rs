//! Lines stored into, and read from, a mapped file whose pages are there already.

use crate::benches::Bench;
use crate::counting::map;
use crate::floors::checksum::{Words, count_sealed, store_sealed};
use crate::measure::{Run, mega_rates, timed};
use anyhow::{Context, Result, ensure};
use std::hint::black_box;
use stream::Line;
use zerocopy::FromBytes;

/// The largest mapping: leaves every cache.
const LINES_MAX: u64 = (256 << 20) / Line::BYTES as u64;

/// What lines are copied from: they stay in the first cache, as frames do that were just made.
const SOURCE_LINES: usize = 16;

/// Lines stored into a touched file mapping, without and with a CRC-32C of each.
#[derive(Clone, Debug)]
pub struct MappedCopy {
    /// Stored as they are.
    pub plain: Vec<Run>,
    /// With their checksum put in.
    pub with_crc: Vec<Run>,
}

/// Measures it with `lines` lines a run, into a mapping of as many lines, but at most 256 MiB.
///
/// # Errors
/// When the file cannot be made or mapped.
pub fn mapped_copy(bench: &Bench, lines: u64) -> Result<MappedCopy> {
    let mut copy = MappedCopy {
        plain: Vec::new(),
        with_crc: Vec::new(),
    };
    let source: Vec<Words> = (1..=SOURCE_LINES as u64).map(|line| [line; 8]).collect();
    touched(bench, lines, |target| {
        for _ in 0..bench.effort.runs {
            copy.plain.push(over(target, lines, |part| {
                for (place, line) in part.iter_mut().zip(black_box(&source).iter().cycle()) {
                    *place = *line;
                }
            }));
            copy.with_crc.push(over(target, lines, |part| {
                store_sealed(part, black_box(&source));
            }));
        }
        Ok(())
    })?;
    Ok(copy)
}

/// What a line costs at best, in nanoseconds: the floor of whatever stores or reads lines.
#[derive(Clone, Copy, Debug)]
pub struct LineCost {
    /// Stored as it is.
    pub stored: f64,
    /// Stored with its checksum, as the journal has it.
    pub sealed: f64,
    /// Read, and its checksum checked.
    pub scanned: f64,
}

/// Lines a second of effort that it is measured with.
const COST_LINES_PER_SECOND: f64 = 2_000_000.0;

/// Measures it, in a moment.
///
/// # Errors
/// When the file cannot be made or mapped.
pub fn line_cost(bench: &Bench) -> Result<LineCost> {
    let lines = ((bench.effort.run.as_secs_f64() * COST_LINES_PER_SECOND) as u64).max(64);
    let copy = mapped_copy(bench, lines)?;
    let scan = mapped_scan(bench, lines)?;
    let each = |runs: &[Run]| 1e3 / mega_rates(runs).median;
    Ok(LineCost {
        stored: each(&copy.plain),
        sealed: each(&copy.with_crc),
        scanned: each(&scan),
    })
}

/// Stores `lines` lines with their checksums once into pages that another thread has just touched,
/// as a journal's helper does: where the two cores share no cache, each line has to be fetched.
///
/// # Errors
/// When the file cannot be made or mapped.
pub fn fresh_copy(bench: &Bench, lines: u64) -> Result<Run> {
    let source: Vec<Words> = (1..=SOURCE_LINES as u64).map(|line| [line; 8]).collect();
    let mut run = None;
    mapped(bench, lines, |target| {
        std::thread::scope(|scope| {
            scope.spawn(|| target.fill([1; 8]));
        });
        run = Some(over(target, lines, |part| {
            store_sealed(part, black_box(&source));
        }));
        Ok(())
    })?;
    run.context("nothing was measured")
}

/// Measures how fast `lines` mapped lines are read and their checksums checked.
///
/// # Errors
/// When the file cannot be made or mapped.
pub fn mapped_scan(bench: &Bench, lines: u64) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    let source = [[7; 8]];
    touched(bench, lines, |target| {
        store_sealed(target, &source);
        for _ in 0..bench.effort.runs {
            let mut fitting = 0;
            runs.push(over(target, lines, |part| fitting += count_sealed(part)));
            ensure!(fitting == lines, "{fitting} of {lines} checksums fit");
        }
        Ok(())
    })?;
    Ok(runs)
}

/// Goes over as many lines as wanted, round and round.
fn over(target: &mut [Words], lines: u64, mut pass: impl FnMut(&mut [Words])) -> Run {
    let (time, ()) = timed(|| {
        let mut left = lines;
        while left > 0 {
            let round = left.min(target.len() as u64);
            pass(black_box(&mut target[..round as usize]));
            left -= round;
        }
    });
    Run { time, count: lines }
}

/// A mapped file of so many lines, each page of it written once.
fn touched(bench: &Bench, lines: u64, work: impl FnOnce(&mut [Words]) -> Result<()>) -> Result<()> {
    mapped(bench, lines, |target| {
        target.fill([1; 8]);
        work(target)
    })
}

/// A mapped file of so many lines.
fn mapped(bench: &Bench, lines: u64, work: impl FnOnce(&mut [Words]) -> Result<()>) -> Result<()> {
    let bytes = lines.clamp(1, LINES_MAX) * Line::BYTES as u64;
    let file = tempfile::tempfile_in(&bench.folder).context("making a file for a mapping")?;
    file.set_len(bytes)
        .context("growing a file for a mapping")?;
    let mut mapping = map(&file).context("mapping a file")?;
    let target = <[Words]>::mut_from_bytes(&mut mapping)
        .map_err(|_| anyhow::anyhow!("a mapping is page-aligned"))?;
    work(target)
}
