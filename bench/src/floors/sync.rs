//! How long the disk takes to have what was written.

use crate::benches::Bench;
use crate::distribution::nanoseconds;
use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// A write's size: a page.
const BYTES: usize = 4_096;
/// Writes of one file, over and over.
const PLACES: u64 = 1_024;

/// `fdatasync` after each write of a page into a file that has its blocks, in nanoseconds, for
/// `time`.
///
/// # Errors
/// When the file cannot be made, written or synced.
pub fn fdatasync(bench: &Bench, time: Duration) -> Result<Histogram<u64>> {
    let file = tempfile::tempfile_in(&bench.folder).context("making a file to sync")?;
    file.write_all_at(&vec![1; BYTES * PLACES as usize], 0)
        .context("filling a file to sync")?;
    file.sync_all().context("syncing a file")?;
    let mut took = nanoseconds();
    let begin = Instant::now();
    let page = [2; BYTES];
    while begin.elapsed() < time || took.is_empty() {
        let place = took.len() % PLACES * BYTES as u64;
        file.write_all_at(&page, place)
            .context("writing a file to sync")?;
        let before = Instant::now();
        file.sync_data().context("syncing a file")?;
        took.saturating_record((before.elapsed().as_nanos() as u64).max(1));
    }
    Ok(took)
}
