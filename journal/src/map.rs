//! The only unsafe code of the crate: storing frames into a shared file mapping.
//!
//! A mapping is split into one [`Pen`], which alone stores, and a [`Map`] that other threads use
//! to make pages writable, to sync and to unmap. Nothing in this process reads the mapping, so no
//! access can race with a store; readers, in this process or another, read the file.
//!
//! What another reader of the *file* can see: a frame's first word is stored last, with release,
//! so whoever finds it finds the whole frame.

use memmap2::{Advice, MmapOptions, MmapRaw};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use stream::Line;

use crate::layout::RECORD_BYTES;

const PAGE_BYTES: usize = 4_096;
const HEADER_LINES: usize = RECORD_BYTES / Line::BYTES;

/// A mapped segment file.
#[derive(Debug)]
pub(crate) struct Map {
    raw: MmapRaw,
}

/// The right to store into a [`Map`]; there is one for each.
#[derive(Debug)]
pub(crate) struct Pen {
    map: Arc<Map>,
}

impl Map {
    /// Maps the first `bytes` of a file that is at least that long and fully allocated.
    pub(crate) fn new(file: &File, bytes: u64) -> io::Result<(Pen, Arc<Self>)> {
        if file.metadata()?.len() < bytes {
            return Err(io::Error::other("the file is shorter than its mapping"));
        }
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        let raw = MmapOptions::new().len(bytes).map_raw(file)?;
        let map = Arc::new(Self { raw });
        Ok((Pen { map: map.clone() }, map))
    }

    /// Bytes mapped.
    pub(crate) fn bytes(&self) -> usize {
        self.raw.len()
    }

    /// Makes pages writable ahead of their first store, without changing them.
    pub(crate) fn populate(&self, bytes: Range<usize>) -> io::Result<()> {
        let start = bytes.start / PAGE_BYTES * PAGE_BYTES;
        let end = bytes.end.min(self.bytes());
        if start >= end {
            return Ok(());
        }
        self.raw
            .advise_range(Advice::PopulateWrite, start, end - start)
    }

    /// Writes back a range of the file and waits until the disk has it, with everything that is
    /// needed to find it again.
    pub(crate) fn sync(&self, bytes: Range<usize>) -> io::Result<()> {
        let end = bytes.end.min(self.bytes());
        if bytes.start >= end {
            return Ok(());
        }
        self.raw.flush_range(bytes.start, end - bytes.start)
    }
}

#[allow(
    unsafe_code,
    reason = "stores into a shared mapping; see each SAFETY line"
)]
impl Pen {
    /// Stores a frame at a line of the segment; `first` replaces the frame's first line.
    ///
    /// # Panics
    /// When the frame does not fit into the segment.
    #[inline]
    pub(crate) fn store_frame(&mut self, line: u64, first: &Line, rest: &[Line]) {
        let start = HEADER_LINES + line as usize;
        let count = 1 + rest.len();
        assert!(
            start + count <= self.map.bytes() / Line::BYTES,
            "a frame does not fit into its segment"
        );
        // SAFETY: `start + count` lines lie inside the mapping (asserted), which lives as long as
        // `self.map`; mappings are page-aligned, so lines are aligned to 64 bytes; `&mut self` of
        // the only pen excludes any other access from this process, and `rest`, a Rust slice,
        // cannot overlap a mapping that is never lent out.
        unsafe {
            let target = self.map.raw.as_mut_ptr().cast::<Line>().add(start);
            core::ptr::copy_nonoverlapping(rest.as_ptr(), target.add(1), rest.len());
            Self::store_last(target.cast(), &first.0);
        }
    }

    /// Stores the segment's header.
    ///
    /// # Panics
    /// When the mapping is shorter than a header.
    pub(crate) fn store_header(&mut self, header: &[u8; RECORD_BYTES]) {
        assert!(
            self.map.bytes() >= RECORD_BYTES,
            "a segment holds its header"
        );
        // SAFETY: the header's bytes lie inside the mapping (asserted), which is page-aligned and
        // lives as long as `self.map`; `&mut self` of the only pen excludes any other access.
        unsafe { Self::store_last(self.map.raw.as_mut_ptr(), header) }
    }

    /// Stores bytes, the first eight of them last and with release.
    ///
    /// # Safety
    /// `target` is aligned to 8, valid for writes of `N` bytes, and nothing else accesses them.
    #[inline]
    unsafe fn store_last<const N: usize>(target: *mut u8, bytes: &[u8; N]) {
        const { assert!(N > 8) };
        let word = u64::from_ne_bytes([
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
        ]);
        // SAFETY: the caller's promise covers all `N` bytes.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr().add(8), target.add(8), N - 8);
            // SYNC POINT frame-word: readers that find this word in the file find the rest.
            AtomicU64::from_ptr(target.cast()).store(word, Ordering::Release);
        }
    }

    /// Write-touches every page, for kernels without `MADV_POPULATE_WRITE` (before 5.14). Only
    /// before the first store: it writes a zero into each page.
    pub(crate) fn touch(&mut self) {
        for offset in (0..self.map.bytes()).step_by(PAGE_BYTES) {
            // SAFETY: `offset` lies inside the mapping, which lives as long as `self.map`;
            // `&mut self` of the only pen excludes any other access.
            unsafe { self.map.raw.as_mut_ptr().add(offset).write_volatile(0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    fn mapped(bytes: u64) -> (File, Pen, Arc<Map>) {
        let file = tempfile::tempfile().unwrap();
        file.set_len(bytes).unwrap();
        let (pen, map) = Map::new(&file, bytes).unwrap();
        (file, pen, map)
    }

    fn line_at(file: &File, line: u64) -> Line {
        let mut found = Line::ZERO;
        file.read_exact_at(&mut found.0, crate::layout::offset_of(line))
            .unwrap();
        found
    }

    #[test]
    fn stores_appear_in_the_file_at_their_place() {
        let (file, mut pen, map) = mapped(8_192);
        pen.touch();
        map.populate(0..8_192).unwrap();
        pen.store_header(&[3; RECORD_BYTES]);
        pen.store_frame(0, &Line([1; 64]), &[]);
        pen.store_frame(117, &Line([4; 64]), &[Line([5; 64]), Line([6; 64])]);
        map.sync(0..8_192).unwrap();
        let mut header = [0; RECORD_BYTES];
        file.read_exact_at(&mut header, 0).unwrap();
        assert_eq!(header, [3; RECORD_BYTES]);
        assert_eq!(line_at(&file, 0), Line([1; 64]));
        assert_eq!(line_at(&file, 1), Line::ZERO);
        assert_eq!(line_at(&file, 117), Line([4; 64]));
        assert_eq!(line_at(&file, 119), Line([6; 64]));
    }

    #[test]
    #[should_panic(expected = "a frame does not fit into its segment")]
    fn a_store_beyond_the_mapping_is_refused() {
        let (_file, mut pen, _map) = mapped(4_096);
        pen.store_frame(55, &Line([1; 64]), &[Line([1; 64])]);
    }

    #[test]
    fn a_short_file_is_not_mapped() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4_095).unwrap();
        assert!(Map::new(&file, 4_096).is_err());
    }

    #[test]
    fn populating_changes_nothing() {
        let (file, mut pen, map) = mapped(4_096);
        pen.store_frame(3, &Line([8; 64]), &[]);
        map.populate(0..usize::MAX).unwrap();
        assert_eq!(line_at(&file, 3), Line([8; 64]));
    }
}
