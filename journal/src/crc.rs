//! CRC-32C of words, by the processor's own instruction.
//!
//! The `crc32c` crate is made for long blocks; for the nine words of a one-line frame its set-up
//! costs more than the checksum. With the instruction itself, sustained append went from 10.5 to
//! 17.4 and decode from 19.8 to 27.2 million lines a second (medians of `bench journal`, before and
//! after, on a two-core guest that was also building). Where the instruction is missing, the crate
//! does it.
#![allow(
    unsafe_code,
    reason = "calling a function of a processor feature that was detected"
)]

use stream::Header;
use zerocopy::IntoBytes;

/// A line as the checksum takes it: loads of a word never span two stores of one.
pub(crate) type Words = [u64; 8];

/// The word of a header whose lower half is `crc`.
pub(crate) const CRC_WORD: usize = core::mem::offset_of!(Header, crc) / 8;
const _: () = assert!(core::mem::offset_of!(Header, crc) % 8 == 0);

/// What a checksum takes of the word that holds it.
pub(crate) const REST_OF_CRC_WORD: u64 = !(u32::MAX as u64);

/// Whether the processor has the instruction; asked once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc {
    has_sse42: bool,
}

impl Crc {
    pub(crate) fn new() -> Self {
        #[cfg(target_arch = "x86_64")]
        let has_sse42 = std::arch::is_x86_feature_detected!("sse4.2");
        #[cfg(not(target_arch = "x86_64"))]
        let has_sse42 = false;
        Self { has_sse42 }
    }

    /// Does work that takes checksums, compiled for the instruction as a whole: without a call for
    /// each of them the processor works on several at once. What is called within must be inlined
    /// always, or it is compiled without the instruction and calls each checksum after all.
    #[inline]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Done {
        #[cfg(target_arch = "x86_64")]
        if self.has_sse42 {
            // SAFETY: the processor was found to have SSE 4.2.
            return unsafe { run_sse42(work) };
        }
        run_plain(work)
    }

    /// The checksum of what had `crc` so far and goes on with `position` and a frame's first line,
    /// whose own `crc` counts as zero. `taken` is told each word behind the one with `crc`: what it
    /// does with them at once needs no register meanwhile.
    #[inline(always)]
    pub(crate) fn append_first(
        self,
        crc: u32,
        position: u64,
        first: &Words,
        mut taken: impl FnMut(usize, u64),
    ) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if self.has_sse42 {
            // SAFETY: the processor was found to have SSE 4.2.
            return unsafe { append_first_sse42(crc, position, first, taken) };
        }
        let mut first = *first;
        first[CRC_WORD] &= REST_OF_CRC_WORD;
        for (index, word) in first.iter().enumerate() {
            if index > CRC_WORD {
                taken(index, *word);
            }
        }
        self.append(self.append(crc, &[position]), &first)
    }

    /// The checksum of what had `crc` so far and goes on with `words`, little-endian.
    #[inline(always)]
    pub(crate) fn append(self, crc: u32, words: &[u64]) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if self.has_sse42 {
            // SAFETY: the processor was found to have SSE 4.2.
            return unsafe { append_sse42(crc, words) };
        }
        debug_assert!(!self.has_sse42);
        crc32c::crc32c_append(crc, words.as_bytes())
    }
}

/// Work that takes checksums: compiled twice, and each time it is known at compile time whether
/// there is an instruction. It must be inlined always, which a closure cannot be told.
pub(crate) trait Work {
    /// What comes of it.
    type Done;

    /// Does it.
    fn run(self, crc: Crc) -> Self::Done;
}

/// Never inlined: the way with the instruction shall not save registers for this one.
#[inline(never)]
fn run_plain<W: Work>(work: W) -> W::Done {
    work.run(Crc { has_sse42: false })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
fn run_sse42<W: Work>(work: W) -> W::Done {
    work.run(Crc { has_sse42: true })
}

/// Straight on, from memory into the instruction: a copy in between would be stored and loaded
/// again while the next frame waits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
#[inline]
fn append_first_sse42(
    crc: u32,
    position: u64,
    first: &Words,
    mut taken: impl FnMut(usize, u64),
) -> u32 {
    use std::arch::x86_64::_mm_crc32_u64 as step;
    let mut state = step(u64::from(!crc), position);
    for (index, word) in first.iter().enumerate() {
        let word = if index == CRC_WORD {
            word & REST_OF_CRC_WORD
        } else {
            *word
        };
        state = step(state, word);
        if index > CRC_WORD {
            taken(index, word);
        }
    }
    !(state as u32)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
#[inline]
fn append_sse42(crc: u32, words: &[u64]) -> u32 {
    let state = words.iter().fold(u64::from(!crc), |state, word| {
        std::arch::x86_64::_mm_crc32_u64(state, *word)
    });
    !(state as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_crates_checksum(
            crc: u32,
            words in prop::collection::vec(any::<u64>(), 0..70),
        ) {
            let want = crc32c::crc32c_append(crc, words.as_bytes());
            prop_assert_eq!(Crc::new().append(crc, &words), want);
            prop_assert_eq!(Crc { has_sse42: false }.append(crc, &words), want);
        }

        #[test]
        fn a_first_line_counts_behind_its_position_and_without_its_own_checksum(
            crc: u32,
            position: u64,
            first: Words,
        ) {
            let mut bare = first;
            bare[CRC_WORD] = bare[CRC_WORD] >> 32 << 32;
            let want = crc32c::crc32c_append(crc, position.as_bytes());
            let want = crc32c::crc32c_append(want, bare.as_bytes());
            for way in [Crc::new(), Crc { has_sse42: false }] {
                let mut taken = Vec::new();
                let found = way.append_first(crc, position, &first, |index, word| {
                    taken.push((index, word));
                });
                prop_assert_eq!(found, want);
                let behind = first.iter().copied().enumerate().skip(CRC_WORD + 1);
                prop_assert_eq!(taken, behind.collect::<Vec<_>>());
            }
        }
    }
}
