//! Appending without a journal: the same lines by the means of the standard library.

use crate::benches::Bench;
use crate::measure::{Run, timed};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use stream::Line;

/// What the standard library's writer gathers unless told otherwise.
const BUFFER_BYTES: usize = 8 << 10;
/// A system call a line takes that much longer, so that fewer lines do.
const CALLS_SHARE: u64 = 8;

/// The same lines, without checksum, position or sync.
#[derive(Clone, Debug)]
pub struct Plain {
    /// Through a buffer of 8 KiB.
    pub buffered: Vec<Run>,
    /// One call of write(2) each.
    pub calls: Vec<Run>,
}

/// Measures it with `lines` lines a run.
///
/// # Errors
/// When the files cannot be made or written.
pub fn plain(bench: &Bench, lines: u64) -> Result<Plain> {
    let mut plain = Plain {
        buffered: Vec::new(),
        calls: Vec::new(),
    };
    for _ in 0..bench.effort.runs {
        let buffered = BufWriter::with_capacity(BUFFER_BYTES, file(bench)?);
        plain.buffered.push(write(buffered, lines)?);
        plain
            .calls
            .push(write(file(bench)?, (lines / CALLS_SHARE).max(1))?);
    }
    Ok(plain)
}

fn file(bench: &Bench) -> Result<File> {
    tempfile::tempfile_in(&bench.folder).context("making a file to write lines into")
}

fn write(mut file: impl Write, lines: u64) -> Result<Run> {
    let mut line = Line([7; 64]);
    let (time, written) = timed(|| {
        for number in 1..=lines {
            line.0[..8].copy_from_slice(&number.to_le_bytes());
            file.write_all(&line.0)?;
        }
        file.flush()
    });
    written.context("writing lines")?;
    Ok(Run { time, count: lines })
}
