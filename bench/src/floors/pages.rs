//! What the first store into a page of a mapped file costs.

use crate::benches::Bench;
use crate::counting::map;
use crate::measure::{Run, timed};
use anyhow::{Context, Result};
use memmap2::MmapMut;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::File;

const PAGE_BYTES: usize = 4_096;

/// First stores into pages.
#[derive(Clone, Debug, Default)]
pub struct FirstTouch {
    /// Of a file that has no blocks on the disk yet.
    pub sparse: Vec<Run>,
    /// Of a file whose blocks were allocated; `None` where the file system cannot.
    pub allocated: Option<Vec<Run>>,
    /// Of pages that had been stored into before and were then written back.
    pub written_back: Vec<Run>,
}

/// Measures it with `pages` pages a run.
///
/// # Errors
/// When a file cannot be made, mapped or synced.
pub fn first_touch(bench: &Bench, pages: usize) -> Result<FirstTouch> {
    let mut found = FirstTouch::default();
    let bytes = pages.max(1) * PAGE_BYTES;
    let mut allocated = Some(Vec::new());
    for _ in 0..bench.effort.runs {
        let (_, mut sparse) = mapped(bench, bytes)?;
        found.sparse.push(touch(&mut sparse));
        drop(sparse);
        let (file, mut mapping) = mapped(bench, bytes)?;
        match fallocate(&file, FallocateFlags::empty(), 0, bytes as u64) {
            Ok(()) => {
                let run = touch(&mut mapping);
                allocated.iter_mut().for_each(|runs| runs.push(run));
            }
            Err(_) => {
                allocated = None;
                touch(&mut mapping);
            }
        }
        mapping.flush().context("writing a mapping back")?;
        found.written_back.push(touch(&mut mapping));
    }
    found.allocated = allocated;
    Ok(found)
}

fn mapped(bench: &Bench, bytes: usize) -> Result<(File, MmapMut)> {
    let file = tempfile::tempfile_in(&bench.folder).context("making a file for a mapping")?;
    file.set_len(bytes as u64)
        .context("growing a file for a mapping")?;
    let mapping = map(&file).context("mapping a file")?;
    Ok((file, mapping))
}

fn touch(mapping: &mut MmapMut) -> Run {
    let (time, ()) = timed(|| {
        for page in mapping.chunks_mut(PAGE_BYTES) {
            page[0] = page[0].wrapping_add(1);
        }
    });
    Run {
        time,
        count: (mapping.len() / PAGE_BYTES) as u64,
    }
}
