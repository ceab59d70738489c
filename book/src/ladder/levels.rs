//! The levels of a ladder, best first.

use super::{Ladder, MASK, WORDS};
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
        let best = (self.best_number & MASK) as usize;
        let (word, down) = (best / 64, u64::MAX >> (63 - best % 64));
        NearSlots {
            occupied: &self.occupied,
            bits: self.occupied[word] & down,
            word,
            left: WORDS,
            others: !down,
        }
    }
}

/// The slots of a window that hold a level: once around, from the best one down.
#[derive(Debug)]
pub(super) struct NearSlots<'a> {
    occupied: &'a [u64; WORDS],
    /// The slots of the word at hand that are still to come.
    bits: u64,
    word: usize,
    /// Words to come; the last of them is the first again, for its other slots.
    left: usize,
    others: u64,
}

impl Iterator for NearSlots<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            self.left = self.left.checked_sub(1)?;
            self.word = (self.word + WORDS - 1) % WORDS;
            let wanted = if self.left == 0 {
                self.others
            } else {
                u64::MAX
            };
            self.bits = self.occupied[self.word] & wanted;
        }
        let bit = 63 - self.bits.leading_zeros() as usize;
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
