//! Storing frames into a shared file mapping.
//!
//! A mapping is split into one [`Pen`], which alone stores, and a [`Map`] that other threads use
//! to make pages writable, to sync and to unmap. Nothing in this process reads the mapping, so no
//! access can race with a store; readers, in this process or another, read the file.
//!
//! A pen may have a *sheet* instead: memory that belongs to no file, and that is handed over and
//! read together with the pen.
//!
//! What another reader of the *file* can see: a frame's first word is stored last, with release,
//! so whoever finds it finds the whole frame.

use crate::crc::{CRC_WORD, REST_OF_CRC_WORD, Words};
use crate::cut::{self, Watched};
use crate::layout::RECORD_BYTES;
use crate::seal::words;
use memmap2::{Advice, MmapOptions, MmapRaw, UncheckedAdvice};
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, compiler_fence};
use stream::Line;

const PAGE_BYTES: usize = 4_096;
const WORDS: usize = size_of::<Words>() / 8;
const HEADER_LINES: usize = RECORD_BYTES / Line::BYTES;

/// A mapped segment file.
#[derive(Debug)]
pub(crate) struct Map {
    // Before the mapping: it is dropped first. `None` where no file is mapped.
    watched: Option<Watched>,
    raw: MmapRaw,
}

/// The right to store into a [`Map`]; there is one for each.
#[derive(Debug)]
pub(crate) struct Pen {
    map: Arc<Map>,
    /// Whether a store met a page that the file no longer has.
    cut: &'static AtomicBool,
    /// Lines that the mapping holds, the header's too.
    lines: usize,
    /// The line that is stored next, counted likewise: at most `lines`.
    next: usize,
}

/// A place in a segment: where a [`Pen`] stores next.
#[derive(Debug)]
pub(crate) struct Nib<'a> {
    target: *mut Line,
    /// Behind the mapping's last line.
    end: *mut Line,
    pen: PhantomData<&'a mut Pen>,
}

impl Map {
    /// Maps the first `bytes` of a file that is at least that long and fully allocated.
    pub(crate) fn new(file: &File, bytes: u64) -> io::Result<(Pen, Arc<Self>)> {
        if file.metadata()?.len() < bytes {
            return Err(io::Error::other("the file is shorter than its mapping"));
        }
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        let raw = MmapOptions::new().len(bytes).map_raw(file)?;
        // A page in the cache by itself, and not with its neighbours in a folio as large as the
        // disk's read-ahead: of a folio that is written back each page is made read-only first,
        // those ahead of the head too. Only the time that stores take depends on it.
        let _ = raw.advise(Advice::Random);
        let start = raw.as_ptr() as usize;
        let watched = cut::watch(start..start + bytes);
        let cut = watched.mark();
        let map = Arc::new(Self {
            watched: Some(watched),
            raw,
        });
        let pen = Pen {
            cut,
            map: map.clone(),
            lines: map.bytes() / Line::BYTES,
            next: HEADER_LINES.min(map.bytes() / Line::BYTES),
        };
        Ok((pen, map))
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

    /// Takes finished pages out of this process's page tables; they stay in the page cache.
    ///
    /// A page that is written back while it is mapped must first be made read-only here, page by
    /// page, and each time every core that runs the process is interrupted: the writer's core too.
    /// Taken out as a range they cost one such interruption together.
    #[allow(
        unsafe_code,
        reason = "giving up pages of a mapping; see the SAFETY line"
    )]
    pub(crate) fn forget(&self, bytes: Range<usize>) -> io::Result<()> {
        let start = bytes.start.next_multiple_of(PAGE_BYTES);
        let end = bytes.end.min(self.bytes()) / PAGE_BYTES * PAGE_BYTES;
        if start >= end {
            return Ok(());
        }
        // SAFETY: the mapping is shared and backed by a file, so no content is lost: what was
        // stored is in the page cache, and an access maps the same page again. Nothing in this
        // process holds a reference into the mapping.
        unsafe {
            self.raw
                .unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start)
        }
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
    /// A pen for memory of so many lines that is no file's, a sheet: for one segment after the
    /// other, a piece of each.
    pub(crate) fn sheet(lines: usize) -> io::Result<Self> {
        /// Nobody can make it shorter.
        static NEVER: AtomicBool = AtomicBool::new(false);
        let memory = MmapOptions::new().len(lines * Line::BYTES).map_anon()?;
        Ok(Self {
            map: Arc::new(Map {
                watched: None,
                raw: memory.into(),
            }),
            cut: &NEVER,
            lines,
            next: 0,
        })
    }

    /// Begins a sheet anew: it is so many lines long, and nothing was stored yet.
    ///
    /// # Panics
    /// When it has fewer, or is a file's mapping.
    pub(crate) fn begin(&mut self, lines: usize) {
        assert!(self.map.watched.is_none(), "a mapping is no sheet");
        assert!(
            lines <= self.map.bytes() / Line::BYTES,
            "a sheet is shorter"
        );
        (self.lines, self.next) = (lines, 0);
    }

    /// What was passed since a sheet was begun.
    ///
    /// # Panics
    /// When it is a file's mapping: others may store into that.
    pub(crate) fn passed(&mut self) -> &[u8] {
        assert!(self.map.watched.is_none(), "a mapping is no sheet");
        // SAFETY: `self.next <= self.lines` lines lie inside the memory (asserted by [`Pen::begin`]
        // and [`Pen::pass`]), which lives as long as `self.map`. It is no file's, so it is nobody
        // else's, and the only pen is borrowed exclusively as long as the slice.
        unsafe { core::slice::from_raw_parts(self.map.raw.as_ptr(), self.next * Line::BYTES) }
    }

    /// Lines of the segment behind what was passed.
    #[inline(always)]
    pub(crate) const fn room(&self) -> usize {
        self.lines - self.next
    }

    /// True when something that was stored is lost, because another process made the file shorter.
    #[inline(always)]
    pub(crate) fn is_cut(&self) -> bool {
        // SYNC POINT cut: the handler runs on this thread, in the middle of its stores, so it is
        // only the compiler that could look at the mark before them.
        compiler_fence(Ordering::SeqCst);
        self.cut.load(Ordering::Relaxed)
    }

    /// There is no room any more.
    pub(crate) const fn end(&mut self) {
        self.next = self.lines;
    }

    /// The segment behind what was passed, to be stored into frame by frame.
    #[inline(always)]
    pub(crate) fn nib(&mut self) -> Nib<'_> {
        let base = self.map.raw.as_mut_ptr().cast::<Line>();
        Nib {
            // SAFETY: `self.next <= self.lines` lines lie inside the mapping, which lives as long
            // as `self.map`.
            target: unsafe { base.add(self.next) },
            // SAFETY: as above.
            end: unsafe { base.add(self.lines) },
            pen: PhantomData,
        }
    }

    /// What was stored into so many lines stays.
    ///
    /// # Panics
    /// When the segment has fewer.
    #[inline(always)]
    pub(crate) fn pass(&mut self, lines: usize) {
        assert!(lines <= self.room(), "a segment ends before that line");
        self.next += lines;
    }

    /// Stores a frame at a line of the segment, with its `crc` filled in.
    #[cfg(test)]
    fn store_frame(&mut self, line: usize, lines: &[Line], crc: u32) {
        self.next = HEADER_LINES + line;
        self.nib().store_frame(&lines[0], &lines[1..], crc);
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

/// A frame's words up to the one with its `crc`.
pub(crate) type Begin = [u64; CRC_WORD + 1];

/// Taken before anything is stored, they need not be loaded again: atomic stores are such that no
/// compiler keeps what it loaded before them.
#[inline(always)]
pub(crate) fn begin_of(first: &Words) -> Begin {
    std::array::from_fn(|index| first[index])
}

/// A line of the mapping: words that are stored one by one. As a block they would be loaded in
/// pieces that span the stores which have just made the frame, and wait for them.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Slot([AtomicU64; WORDS]);

const _: () = assert!(size_of::<Slot>() == Line::BYTES && align_of::<Slot>() <= align_of::<Line>());

impl Slot {
    /// Stores a word of a line that is not yet told of.
    #[inline(always)]
    pub(crate) fn put(&self, index: usize, word: u64) {
        self.0[index].store(word, Ordering::Relaxed);
    }

    /// Stores a frame's first words up to the one with `crc`, which is filled in, the very first
    /// last: everything behind them must have been stored.
    #[inline(always)]
    pub(crate) fn tell(&self, begin: Begin, crc: u32) {
        let [first, second, third] = begin;
        self.put(CRC_WORD, third & REST_OF_CRC_WORD | u64::from(crc));
        self.put(1, second);
        // SYNC POINT frame-word: readers that find this word in the file find the rest.
        self.0[0].store(first, Ordering::Release);
    }

    /// Stores one of a frame's other lines.
    #[inline(always)]
    fn store(&self, line: &Words) {
        for (index, word) in line.iter().enumerate() {
            self.put(index, *word);
        }
    }
}

impl Nib<'_> {
    /// The next so many lines, to be stored into.
    ///
    /// # Panics
    /// When the segment has fewer.
    #[allow(
        unsafe_code,
        reason = "stores into a shared mapping; see the SAFETY line"
    )]
    #[inline(always)]
    pub(crate) fn slots(&self, lines: usize) -> &[Slot] {
        let room = (self.end as usize - self.target as usize) / Line::BYTES;
        assert!(lines <= room, "a frame does not fit into its segment");
        // SAFETY: the lines from `self.target` to `self.end` lie inside the mapping ([`Pen::nib`]),
        // which is not unmapped while the pen is borrowed, and `lines` are no more (asserted).
        // Mappings are page-aligned, so lines are aligned as slots are (asserted at compile time),
        // and any bytes are atomics. The only pen is borrowed exclusively, so from this process
        // nothing but these atomics accesses them.
        unsafe { core::slice::from_raw_parts(self.target.cast(), lines) }
    }

    /// What was stored into so many lines stays.
    ///
    /// # Panics
    /// When the segment has fewer.
    #[inline(always)]
    pub(crate) fn pass(&mut self, lines: usize) {
        self.target = self.target.wrapping_add(self.slots(lines).len());
    }

    /// Stores a frame behind the one before, with its `crc` filled in: its first line, and the
    /// others.
    ///
    /// # Panics
    /// When the frame does not fit into the segment.
    #[inline(always)]
    pub(crate) fn store_frame(&mut self, first: &Line, rest: &[Line], crc: u32) {
        let lines = 1 + rest.len();
        let slots = self.slots(lines);
        for (slot, line) in slots[1..].iter().zip(rest) {
            slot.store(words(line));
        }
        let first = words(first);
        for (index, word) in first.iter().enumerate() {
            if index > CRC_WORD {
                slots[0].put(index, *word);
            }
        }
        slots[0].tell(begin_of(first), crc);
        self.pass(lines);
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

    /// A line of one byte value, its checksum not yet filled in.
    fn frame(byte: u8) -> Line {
        let mut line = Line([byte; 64]);
        line.0[16..20].fill(0);
        line
    }

    #[test]
    fn stores_appear_in_the_file_at_their_place() {
        let (file, mut pen, map) = mapped(8_192);
        pen.touch();
        map.populate(0..8_192).unwrap();
        pen.store_header(&[3; RECORD_BYTES]);
        pen.store_frame(0, &[frame(1)], 0x0101_0101);
        pen.store_frame(117, &[frame(4), Line([5; 64]), Line([6; 64])], 0x0404_0404);
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
        pen.store_frame(55, &[Line([1; 64]); 2], 0);
    }

    #[test]
    fn stores_into_what_another_process_cut_off_lead_nowhere_and_are_marked() {
        let (file, mut pen, map) = mapped(16_384);
        let (other, mut another, _map) = mapped(16_384);
        pen.store_frame(0, &[frame(1)], 0x0101_0101);
        file.set_len(4_096).unwrap();
        assert!(!pen.is_cut(), "nothing has been stored there yet");
        pen.store_frame(10, &[frame(2)], 0x0202_0202);
        assert!(!pen.is_cut(), "that page is still there");
        for line in [70, 71, 150] {
            pen.store_frame(line, &[frame(3)], 0x0303_0303);
            assert!(pen.is_cut());
        }
        another.store_frame(70, &[frame(4)], 0x0404_0404);
        assert!(!another.is_cut());
        assert_eq!(line_at(&other, 70), Line([4; 64]));
        assert_eq!(line_at(&file, 10), Line([2; 64]));
        assert_eq!(file.metadata().unwrap().len(), 4_096);
        assert!(map.populate(0..16_384).is_err(), "an error, not a signal");
        map.forget(0..16_384).unwrap();
    }

    #[test]
    fn a_short_file_is_not_mapped() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4_095).unwrap();
        assert!(Map::new(&file, 4_096).is_err());
    }

    #[test]
    fn pages_that_were_given_up_keep_what_was_stored() {
        let (file, mut pen, map) = mapped(12_288);
        for line in [0, 60, 130] {
            pen.store_frame(line, &[frame(6)], 0x0606_0606);
        }
        map.forget(0..12_288).unwrap();
        pen.store_frame(61, &[frame(7)], 0x0707_0707);
        map.forget(1..4_097).unwrap();
        map.sync(0..12_288).unwrap();
        for line in [0, 60, 130] {
            assert_eq!(line_at(&file, line), Line([6; 64]));
        }
        assert_eq!(line_at(&file, 61), Line([7; 64]));
    }

    /// KiB of a mapping that this process has in its page tables.
    fn resident_kib(map: &Map) -> u64 {
        told(map, "Rss:").trim_end_matches(" kB").parse().unwrap()
    }

    /// What the kernel tells of a mapping under that name.
    fn told(map: &Map, name: &str) -> String {
        let own = format!("{:x}-", map.raw.as_ptr() as usize);
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut lines = maps.lines().skip_while(|line| !line.starts_with(&own));
        let told = lines.find_map(|line| line.strip_prefix(name)).unwrap();
        told.trim().to_owned()
    }

    #[test]
    fn pages_of_a_mapping_come_one_by_one() {
        let (_file, _pen, map) = mapped(16_384);
        let flags = told(&map, "VmFlags:");
        assert!(flags.split(' ').any(|flag| flag == "rr"), "{flags}");
    }

    #[test]
    fn pages_that_were_given_up_leave_the_page_tables_and_no_others_do() {
        let (_file, mut pen, map) = mapped(16_384);
        pen.touch();
        assert_eq!(resident_kib(&map), 16);
        map.forget(1..12_287).unwrap();
        assert_eq!(resident_kib(&map), 12, "only the second page is whole");
    }

    #[test]
    fn a_sheet_holds_what_was_stored_since_it_was_begun() {
        let mut pen = Pen::sheet(16).unwrap();
        assert_eq!((pen.room(), pen.passed().len()), (16, 0));
        pen.nib()
            .store_frame(&frame(1), &[Line([2; 64])], 0x0101_0101);
        pen.pass(2);
        assert_eq!(pen.passed(), [[1; 64], [2; 64]].concat());
        pen.begin(3);
        assert_eq!((pen.room(), pen.passed().len()), (3, 0));
        pen.nib().store_frame(&frame(7), &[], 0x0707_0707);
        pen.pass(1);
        assert_eq!(pen.passed(), [7; 64]);
        assert!(!pen.is_cut());
    }

    #[test]
    #[should_panic(expected = "a mapping is no sheet")]
    fn a_mapping_is_not_read() {
        let (_file, mut pen, _map) = mapped(4_096);
        pen.passed();
    }

    #[test]
    fn populating_changes_nothing() {
        let (file, mut pen, map) = mapped(4_096);
        pen.store_frame(3, &[frame(8)], 0x0808_0808);
        map.populate(0..usize::MAX).unwrap();
        assert_eq!(line_at(&file, 3), Line([8; 64]));
    }
}
