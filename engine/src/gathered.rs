//! Lines that wait to be handed on together, which is cheaper than one by one.

use std::sync::atomic::{AtomicU64, Ordering};
use stream::Line;
use stream::frame::LINES_MAX;
use zerocopy::{FromBytes, IntoBytes};

/// Lines behind which it is full: 4 KiB.
const FULL: usize = 64;

/// A line that waits.
///
/// A frame that was just made was stored in words. Copied as a block it would be loaded in pieces
/// that span those stores, and wait until they have reached the cache; so it is taken word by
/// word, and relaxed atomics are words that no compiler joins to blocks. Only this thread knows
/// them.
#[derive(Debug, Default, FromBytes, IntoBytes)]
#[repr(C, align(64))]
struct Kept([AtomicU64; Line::BYTES / 8]);

impl Kept {
    #[inline]
    fn store(&self, line: &Line) {
        let words: &[u64; Line::BYTES / 8] = zerocopy::transmute_ref!(line);
        for (kept, word) in self.0.iter().zip(words) {
            kept.store(*word, Ordering::Relaxed);
        }
    }
}

/// A few lines, back to back.
#[derive(Debug)]
pub(crate) struct Gathered {
    lines: Box<[Kept; FULL + LINES_MAX]>,
    count: usize,
}

impl Gathered {
    /// Without any.
    pub(crate) fn new() -> Self {
        Self {
            lines: Box::new(std::array::from_fn(|_| Kept::default())),
            count: 0,
        }
    }

    /// Takes a line in. Where it is not full, all of one more frame find room.
    ///
    /// # Panics
    /// When there is no room.
    #[inline(always)]
    pub(crate) fn take(&mut self, line: &Line) {
        self.lines[self.count].store(line);
        self.count += 1;
    }

    /// All of them, in order.
    pub(crate) fn lines(&mut self) -> &[Line] {
        <[Line]>::ref_from_bytes(self.lines[..self.count].as_mut_bytes())
            .expect("what is kept are lines")
    }

    /// How many there are.
    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// True when they are to be handed on before another frame comes.
    #[inline]
    pub(crate) const fn is_full(&self) -> bool {
        self.count >= FULL
    }

    /// Forgets them.
    pub(crate) const fn clear(&mut self) {
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_it_is_full_a_longest_frame_finds_room() {
        let mut gathered = Gathered::new();
        let mut taken = Vec::new();
        for round in 0..3 {
            assert!(gathered.is_empty() && gathered.lines().is_empty());
            while !gathered.is_full() {
                for _ in 0..if gathered.len() == FULL - 1 {
                    LINES_MAX
                } else {
                    1
                } {
                    let line = Line([taken.len() as u8 ^ round; Line::BYTES]);
                    gathered.take(&line);
                    taken.push(line);
                }
            }
            assert_eq!(gathered.len(), FULL - 1 + LINES_MAX);
            assert_eq!(gathered.lines(), taken);
            gathered.clear();
            taken.clear();
        }
    }
}
