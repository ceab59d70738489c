//! The part of the table in which every id has one slot.

use super::entry::{Entry, LINE, instrument_of};
use core::hint::cold_path;
use stream::InstrumentId;

/// Slots to begin with: 32 KiB, a usual core's first cache.
pub(super) const SIZE_MIN: usize = 1_024;
/// Slots up to which it doubles at once: 512 KiB, half of a usual core's second cache. Beyond them
/// it grows a few slots at a time.
pub(super) const SIZE_CACHED: usize = 16_384;
/// How far apart ids of neighbouring instruments begin while the nursery fits into a cache.
const APART: u64 = 0x9E37;

/// Which slots are in use, and which of them is an id's.
///
/// An id's lowest bits tell its slot. While few orders are young, instruments that count their ids
/// alike are kept apart. Of many young orders most come from a venue that counts one id up for all
/// instruments: their ids are taken as they are, so that newcomers stand side by side, each line is
/// fetched once for all who stand in it, and the processor foresees the next.
///
/// It grows as linear hashing does (Litwin 1980): slot by slot the entries of `0..size` part into
/// those that stay and those that stand `size` slots further on.
/// Places are counted in 32 bits: what is reckoned of them is below the largest number, and that
/// there is such a slot is one comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nursery {
    /// Its first slot in the table.
    pub(super) first: usize,
    /// Slots, a power of two; while it grows, those that it grows from.
    pub(super) size: usize,
    /// Its first half of a slot in the table's memory.
    half: u32,
    /// Slots in use: above `size` while it grows.
    end: u32,
    /// `size − 1`, while it grows `2 × size − 1`: then only, places beyond the end go back by
    /// `size`, a branch that is foreseen at all other times.
    mask: u32,
    apart: u64,
}

impl Nursery {
    /// Begins at slot `first` of a table of whose memory `lead` halves come before its slots.
    ///
    /// # Panics
    /// If that is above 2³⁰ slots.
    pub(super) fn new(first: usize, lead: usize) -> Self {
        assert!(first <= 1 << 30, "more slots than are counted in 32 bits");
        Self {
            first,
            size: SIZE_MIN,
            half: (lead + 2 * first) as u32,
            end: SIZE_MIN as u32,
            mask: SIZE_MIN as u32 - 1,
            apart: APART,
        }
    }

    /// The place of an id's only slot.
    #[inline(always)]
    fn place(&self, instrument: InstrumentId, id: u64) -> usize {
        let apart = u64::from(instrument.0).wrapping_mul(self.apart);
        let place = id.wrapping_add(apart) as u32 & self.mask;
        if place >= self.end {
            cold_path();
            return (place - self.size as u32) as usize;
        }
        place as usize
    }

    /// The only slot of an id.
    #[inline]
    pub(super) fn slot(&self, instrument: InstrumentId, id: u64) -> usize {
        self.first.wrapping_add(self.place(instrument, id))
    }

    /// The first half of the only slot of an id, in the table's memory.
    #[inline(always)]
    pub(super) fn half(&self, instrument: InstrumentId, id: u64) -> usize {
        self.half as usize + 2 * self.place(instrument, id)
    }

    /// The only slot of an entry.
    #[inline]
    pub(super) fn slot_of(&self, entry: &Entry) -> usize {
        self.slot(instrument_of(entry), entry[0][0])
    }

    /// True while it grows.
    #[inline]
    pub(super) const fn is_growing(&self) -> bool {
        self.end as usize > self.size
    }

    /// True once ids are taken as they are.
    #[inline]
    pub(super) const fn is_spread(&self) -> bool {
        self.apart == 0
    }

    /// Takes ids as they are from now on.
    pub(super) const fn spread(&mut self) {
        self.apart = 0;
    }

    /// Takes one more slot into use. The slot whose entry may have to move, and the one to which.
    pub(super) const fn part(&mut self) -> (usize, usize) {
        let to = self.first + self.end as usize;
        let from = to - self.size;
        self.end += 1;
        self.mask = 2 * self.size as u32 - 1;
        (from, to)
    }

    /// Ends the growth where all slots have parted; true when they have.
    pub(super) const fn grown(&mut self) -> bool {
        let grown = self.end as usize == 2 * self.size;
        if grown {
            self.size *= 2;
        }
        grown
    }

    /// Size and growth: part of what the table will do next.
    pub(super) fn layout(&self) -> [u64; 2] {
        [self.size as u64, self.end.into()]
    }
}

const _: () = assert!(SIZE_MIN.is_multiple_of(LINE) && SIZE_CACHED > SIZE_MIN);
