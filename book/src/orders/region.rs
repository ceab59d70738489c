//! A part of the table in which orders are searched for.

use super::entry::LINE;

/// Slots `size` to `2 × size`; `size` is a power of two. Their places are told by the first slot of
/// a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) size: usize,
    shift: u32,
}

impl Region {
    pub(super) const fn new(size: usize) -> Self {
        Self {
            size,
            shift: u64::BITS - size.trailing_zeros(),
        }
    }

    /// The region of a slot.
    #[inline]
    pub(super) const fn of(slot: usize) -> Self {
        Self::new(1 << slot.ilog2())
    }

    /// The line where the search for an order begins.
    #[inline]
    pub(super) const fn home(self, key: u64) -> usize {
        self.size + (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize / LINE * LINE
    }

    #[inline]
    pub(super) const fn next(self, line: usize) -> usize {
        self.size + ((line + LINE) & (self.size - 1))
    }

    /// Slots from one line on to another, around the end.
    #[inline]
    pub(super) const fn distance(self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.size - 1)
    }
}
