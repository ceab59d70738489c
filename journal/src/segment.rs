//! A segment file while it is written.

use crate::disk::{Disk, create_new};
use crate::layout::{RECORD_BYTES, offset_of};
use crate::map::{Map, Pen};
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stream::Line;

pub(crate) const PAGE_BYTES: u64 = 4_096;

/// What a sync may make read-only behind its end: the kernel writes back whole folios. Those of a
/// segment's mapping are pages; others may come to be where another process reads ahead of the
/// head.
const FOLIO_BYTES: u64 = 256 << 10;

/// A segment as the helpers know it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) first_position: u64,
    pub(crate) data_lines: u64,
    file: File,
    /// `None` where it is written.
    map: Option<Arc<Map>>,
}

/// A segment that no frame has been stored into yet.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Where it is mapped.
    pub(crate) pen: Option<Pen>,
    pub(crate) segment: Arc<Segment>,
    pub(crate) index: u32,
}

/// Makes a new file of `bytes` zeros with all its blocks, and sees to it that it survives. A file
/// that could not be made whole is removed again.
pub(crate) fn allocate(disk: &Disk, path: &Path, bytes: u64) -> io::Result<File> {
    let file = create_new(path)?;
    let made = disk
        .allocate(&file, path, bytes)
        .and_then(|()| disk.sync_file(&file, path))
        .and_then(|()| disk.sync_folder());
    match made {
        Ok(()) => Ok(file),
        Err(error) => {
            // The first error tells more than a failure to remove what it left.
            let _ = std::fs::remove_file(path);
            Err(error)
        }
    }
}

/// Opens a file that [`allocate`] made, to be mapped.
pub(crate) fn reopen(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)
}

/// Opens an allocated file to frames.
pub(crate) fn prepare(
    disk: &Disk,
    file: File,
    path: PathBuf,
    index: u32,
    first_position: u64,
    data_lines: u64,
) -> io::Result<Prepared> {
    let (mut pen, map) = disk.map(&file, offset_of(data_lines))?.unzip();
    if let (Some(pen), Some(map)) = (&mut pen, &map)
        && map.populate(0..RECORD_BYTES).is_err()
    {
        pen.touch();
    }
    Ok(Prepared {
        pen,
        segment: Arc::new(Segment {
            path,
            first_position,
            data_lines,
            file,
            map,
        }),
        index,
    })
}

impl Prepared {
    /// Stores the segment's header.
    pub(crate) fn store_header(
        &mut self,
        disk: &Disk,
        header: &[u8; RECORD_BYTES],
    ) -> io::Result<()> {
        if let Some(pen) = &mut self.pen {
            pen.store_header(header);
            return Ok(());
        }
        let segment = &self.segment;
        disk.write(&segment.file, &segment.path, 0, header)
    }
}

impl Segment {
    /// Writes whole frames that begin at a position, where the segment is not mapped.
    pub(crate) fn write(&self, disk: &Disk, position: u64, frames: &[u8]) -> io::Result<()> {
        disk.write(&self.file, &self.path, self.offset(position), frames)
    }

    /// Position behind the last line.
    pub(crate) const fn end(&self) -> u64 {
        self.first_position + self.data_lines
    }

    /// Byte offset of a position, held inside the segment.
    pub(crate) fn offset(&self, position: u64) -> u64 {
        offset_of(position.clamp(self.first_position, self.end()) - self.first_position)
    }

    /// Makes the pages of a range of positions writable, where the segment is mapped.
    pub(crate) fn populate(&self, positions: Range<u64>) -> io::Result<()> {
        let bytes = self.offset(positions.start)..self.offset(positions.end);
        self.map.as_ref().map_or(Ok(()), |map| {
            map.populate(bytes.start as usize..bytes.end as usize)
        })
    }

    /// Syncs a range of positions, at most `most` bytes of it, and returns the position below which
    /// everything is durable then. The block of `grain` bytes in which the range ends is left
    /// alone, for the next stores into it would trap; 1 leaves nothing.
    pub(crate) fn sync(
        &self,
        disk: &Disk,
        positions: Range<u64>,
        grain: u64,
        most: u64,
    ) -> io::Result<u64> {
        let Some(map) = &self.map else {
            // What is written is never synced.
            return Ok(positions.start);
        };
        let start = match positions.start <= self.first_position {
            true => 0,
            false => self.offset(positions.start) / PAGE_BYTES * PAGE_BYTES,
        };
        let target = self.offset(positions.end);
        let mut end = target.min(start.saturating_add(most));
        if grain > 1 || end < target {
            let grain = grain.max(PAGE_BYTES);
            end = end / grain * grain;
        }
        if end <= start || end < RECORD_BYTES as u64 {
            return Ok(positions.start);
        }
        let reached = if end == target {
            positions.end.min(self.end())
        } else {
            // A frame that begins among the last seven of these lines may end in a line that is
            // not synced: only what begins before them is whole.
            let lines = (end - RECORD_BYTES as u64) / Line::BYTES as u64;
            let whole = lines.saturating_sub(stream::frame::LINES_MAX as u64 - 1);
            self.first_position + whole
        };
        // The page in which the last sync ended is no news by itself.
        if reached <= positions.start {
            return Ok(positions.start);
        }
        let bytes = start as usize..end as usize;
        // Only the time that the sync takes depends on it.
        let _ = map.forget(bytes.clone());
        disk.sync_range(map, &self.path, bytes)?;
        if !end.is_multiple_of(FOLIO_BYTES) && reached < self.end() {
            // What follows in the same folio has become read-only with it, and the writer comes
            // there next. Only its time depends on it.
            let next = end as usize..end.next_multiple_of(FOLIO_BYTES) as usize;
            let _ = map.populate(next);
        }
        Ok(reached)
    }

    /// Gives back what lies behind the end. The mapping must not be stored into any more.
    pub(crate) fn truncate(&self, position: u64) -> io::Result<()> {
        self.file.set_len(self.offset(position))
    }

    /// Syncs the file, its size included.
    pub(crate) fn sync_file(&self, disk: &Disk) -> io::Result<()> {
        disk.sync_file(&self.file, &self.path)
    }
}
