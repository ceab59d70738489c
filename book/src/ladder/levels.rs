//! The levels of a ladder, best first.

use super::{Ladder, WORDS};
use crate::level::Level;
use stream::Price;

impl Ladder {
    /// All levels, best first.
    pub(crate) fn levels(&self) -> Levels<'_> {
        let mut slots = self.near_slots();
        Levels {
            ladder: self,
            near: slots.next(),
            slots,
            far: self.far.len(),
        }
    }

    /// The slots of the window that hold a level, best first.
    #[inline]
    pub(super) fn near_slots(&self) -> NearSlots<'_> {
        NearSlots::new(&self.occupied, self.summary)
    }
}

/// The slots of a window that hold a level, best first.
#[derive(Debug)]
pub(super) struct NearSlots<'a> {
    occupied: &'a [u64; WORDS],
    /// One bit for each word that is still to come.
    words: u16,
    word: usize,
    /// The slots of the word at hand that are still to come.
    bits: u64,
}

impl<'a> NearSlots<'a> {
    /// `words` has one bit for each word that is not zero.
    #[inline]
    pub(super) const fn new(occupied: &'a [u64; WORDS], words: u16) -> Self {
        Self {
            occupied,
            words,
            word: 0,
            bits: 0,
        }
    }
}

impl Iterator for NearSlots<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.bits == 0 {
            self.word = self.words.checked_ilog2()? as usize;
            self.words ^= 1 << self.word;
            self.bits = self.occupied[self.word];
        }
        let bit = self.bits.ilog2() as usize;
        self.bits ^= 1 << bit;
        Some(self.word * 64 + bit)
    }
}

/// Iterator over the levels of one side, best first.
#[derive(Debug)]
pub(crate) struct Levels<'a> {
    ladder: &'a Ladder,
    slots: NearSlots<'a>,
    /// The slot of the best level of the window that is still to come.
    near: Option<usize>,
    /// Far levels that are still to come.
    far: usize,
}

impl Iterator for Levels<'_> {
    type Item = (Price, Level);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let ladder = self.ladder;
        let far = self.far.checked_sub(1).map(|at| &ladder.far[at]);
        let near = self.near.map(|slot| (slot, ladder.key_of(slot)));
        match (near, far) {
            (Some((slot, key)), far) if far.is_none_or(|far| key > far.key) => {
                self.near = self.slots.next();
                Some((Price(key * ladder.sign()), ladder.at(slot)))
            }
            (_, Some(far)) => {
                self.far -= 1;
                Some((Price(far.key * ladder.sign()), far.level))
            }
            _ => None,
        }
    }
}
