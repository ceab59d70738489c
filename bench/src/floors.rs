//! What bounds the journal: lines stored into a mapped file whose pages are writable already.

use crate::benches::Bench;
use crate::counting::map;
use crate::measure::{Run, timed};
use anyhow::{Context, Result};
use std::hint::black_box;
use stream::Line;
use zerocopy::FromBytes;

/// The mapping: large enough to leave every cache.
const BYTES: usize = 256 << 20;

/// Lines stored into a touched file mapping, without and with a CRC-32C of each.
#[derive(Clone, Debug)]
pub struct MappedCopy {
    /// Stored as they are.
    pub plain: Vec<Run>,
    /// With their checksum put in.
    pub with_crc: Vec<Run>,
}

/// Measures it with `lines` lines a run.
///
/// # Errors
/// When the file cannot be made or mapped.
pub fn mapped_copy(bench: &Bench, lines: u64) -> Result<MappedCopy> {
    let bytes = BYTES.min(lines as usize * Line::BYTES);
    let file = tempfile::tempfile_in(&bench.folder).context("making a file for a mapping")?;
    file.set_len(bytes as u64)
        .context("growing a file for a mapping")?;
    let mut mapping = map(&file).context("mapping a file")?;
    let target = <[Line]>::mut_from_bytes(&mut mapping)
        .map_err(|_| anyhow::anyhow!("a mapping is page-aligned"))?;
    target.fill(Line([1; 64]));
    let mut copy = MappedCopy {
        plain: Vec::new(),
        with_crc: Vec::new(),
    };
    for _ in 0..bench.effort.runs {
        copy.plain.push(store(target, lines, |line| line));
        copy.with_crc.push(store(target, lines, |mut line| {
            let crc = crc32c::crc32c(&line.0);
            line.0[16..20].copy_from_slice(&crc.to_le_bytes());
            line
        }));
    }
    Ok(copy)
}

fn store(target: &mut [Line], lines: u64, seal: impl Fn(Line) -> Line) -> Run {
    let mut source = Line([7; 64]);
    let (time, ()) = timed(|| {
        let mut left = lines;
        while left > 0 {
            let round = target.len().min(left as usize);
            for (index, place) in target[..round].iter_mut().enumerate() {
                source.0[..8].copy_from_slice(&(left - index as u64).to_le_bytes());
                *place = seal(black_box(source));
            }
            left -= round as u64;
        }
        black_box(&target[0]);
    });
    Run { time, count: lines }
}
