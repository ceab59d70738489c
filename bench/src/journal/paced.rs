//! Appending at a steady rate, with the helpers syncing: what one call takes, and how far a
//! reader is behind.

use super::{add, open};
use crate::benches::Bench;
use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use stream::{Draft, InstrumentId, Nanos};

/// Appends a second.
pub const RATE: f64 = 1e6;
/// Longest time that the histograms tell from longer ones: ten seconds.
const LONGEST_NS: u64 = 10_000_000_000;
/// Their digits.
const DIGITS: u8 = 3;

/// One run.
#[derive(Debug)]
pub struct Paced {
    /// What a call of append took, in ns, the reading of the clock included.
    pub call: Histogram<u64>,
    /// From when an append was due until it was done, in ns.
    pub response: Histogram<u64>,
    /// From when an append began until a reader in another thread had the frame, in ns. Empty
    /// when there was none.
    pub lag: Histogram<u64>,
}

fn histogram() -> Result<Histogram<u64>> {
    Histogram::new_with_max(LONGEST_NS, DIGITS).context("making a histogram")
}

/// Appends so many lines at [`RATE`]; with `followed`, a live reader follows in another thread.
///
/// # Errors
/// When the journal cannot be written or read.
pub fn paced(bench: &Bench, lines: u64, followed: bool) -> Result<Paced> {
    let dir = bench.temp()?;
    let mut writer = open(dir.path(), bench.sync_every())?;
    writer.spawn_helper()?;
    let (mut call, mut response) = (histogram()?, histogram()?);
    let gap = 1e9 / RATE;
    let begin = Instant::now();
    let is_over = AtomicBool::new(false);
    let lag = std::thread::scope(|scope| {
        let follower = followed.then(|| {
            let (dir, is_over) = (dir.path(), &is_over);
            scope.spawn(move || follow(dir, begin, lines, is_over))
        });
        let mut draft = Draft::new();
        for seq in 1..=lines {
            let due = (seq as f64 * gap) as u64;
            let mut now = since(begin);
            while now < due {
                std::hint::spin_loop();
                now = since(begin);
            }
            draft.write(InstrumentId(1), &add(seq));
            let header = draft.header_mut();
            (header.seq, header.ts) = (seq, Nanos(now));
            let before = since(begin);
            writer.append(draft.frame());
            let after = since(begin);
            call.saturating_record(after - before);
            response.saturating_record(after - due);
        }
        is_over.store(true, Ordering::Release);
        match follower.map(std::thread::ScopedJoinHandle::join) {
            None => histogram(),
            Some(Ok(lag)) => lag,
            Some(Err(_)) => anyhow::bail!("the follower broke down"),
        }
    })?;
    ensure!(!writer.is_failed(), "the journal failed");
    writer.close()?;
    Ok(Paced {
        call,
        response,
        lag,
    })
}

/// Reads behind the writer until it has seen so many frames.
fn follow(dir: &Path, begin: Instant, lines: u64, is_over: &AtomicBool) -> Result<Histogram<u64>> {
    let mut lag = histogram()?;
    let mut reader = journal::Reader::open(dir)?;
    let mut seen = 0;
    while seen < lines {
        let was_over = is_over.load(Ordering::Acquire);
        match reader.next() {
            Some(next) => {
                let (_, frame) = next?;
                seen += 1;
                ensure!(
                    frame.seq() == seen,
                    "frame {} where {seen} was due",
                    frame.seq()
                );
                lag.saturating_record(since(begin).saturating_sub(frame.ts().0));
            }
            None => ensure!(!was_over, "the reader saw {seen} of {lines} frames"),
        }
    }
    Ok(lag)
}

fn since(begin: Instant) -> u64 {
    begin.elapsed().as_nanos() as u64
}
