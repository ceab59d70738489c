//! The checksum of a frame: CRC-32C over the epoch's salt, the frame's position and its bytes
//! with `crc` zeroed, in that order, integers little-endian.
//!
//! Within one epoch a different position always gives a different checksum of the same bytes as
//! long as the positions differ by fewer than 2^32 lines; another epoch's frame passes with
//! probability 2^-32.

use crate::crc::Crc;
use stream::frame::LINES_MAX;
use stream::{Header, Line};
use zerocopy::{FromBytes, IntoBytes};

/// The word of a header whose lower half is `crc`.
const CRC_WORD: usize = 2;

/// The part of the checksum that an epoch's frames share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seal {
    salt: u32,
    crc: Crc,
}

impl Seal {
    pub(crate) fn new(salt: u64) -> Self {
        let crc = Crc::new();
        Self {
            salt: crc.append(0, &[salt]),
            crc,
        }
    }

    /// The first line with its `crc` filled in, and that checksum.
    #[inline]
    pub(crate) fn stamp(self, position: u64, lines: &[Line]) -> (Line, u32) {
        debug_assert!((1..=LINES_MAX).contains(&lines.len()));
        let mut words = Words::of(position, &lines[0]);
        let crc = self.over(&words, &lines[1..]);
        words.0[1 + CRC_WORD] |= u64::from(crc);
        (words.line(), crc)
    }

    /// The checksum, when the frame verifies at `position`.
    #[inline]
    pub(crate) fn check(self, position: u64, lines: &[Line]) -> Option<u32> {
        let stored = word(&lines[0], CRC_WORD) as u32;
        let words = Words::of(position, &lines[0]);
        (self.over(&words, &lines[1..]) == stored).then_some(stored)
    }

    #[inline]
    fn over(self, words: &Words, rest: &[Line]) -> u32 {
        let crc = self.crc.append(self.salt, &words.0);
        match <[u64]>::ref_from_bytes(rest.as_bytes()) {
            Ok(rest) if !rest.is_empty() => self.crc.append(crc, rest),
            _ => crc,
        }
    }
}

/// The position and a frame's first line with `crc` zeroed, as words: loads then never span two
/// stores, and the checksum takes them in one go.
struct Words([u64; 9]);

impl Words {
    #[inline]
    fn of(position: u64, line: &Line) -> Self {
        let mut words = [0; 9];
        words[0] = position;
        for (index, target) in words[1..].iter_mut().enumerate() {
            *target = word(line, index);
        }
        words[1 + CRC_WORD] = word(line, CRC_WORD) & !u64::from(u32::MAX);
        Self(words)
    }

    #[inline]
    fn line(&self) -> Line {
        let mut line = Line::ZERO;
        for (target, word) in line.0.chunks_exact_mut(8).zip(&self.0[1..]) {
            target.copy_from_slice(&word.to_ne_bytes());
        }
        line
    }
}

/// A line's word, little-endian.
#[inline]
fn word(line: &Line, index: usize) -> u64 {
    let bytes = &line.0[index * 8..index * 8 + 8];
    u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}

const _: () = assert!(core::mem::offset_of!(Header, crc) == CRC_WORD * 8);
// Records and headers are kept as they lie in memory.
const _: () = assert!(cfg!(target_endian = "little"));

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> [Line; 2] {
        let mut lines = [Line([7; 64]), Line([9; 64])];
        lines[0].0[16..20].fill(0);
        lines
    }

    #[test]
    fn a_frame_verifies_only_at_its_place_and_in_its_epoch() {
        let lines = frame();
        let (first, crc) = Seal::new(1).stamp(100, &lines);
        let sealed = [first, lines[1]];
        assert_eq!(Seal::new(1).check(100, &sealed), Some(crc));
        assert_eq!(Seal::new(1).check(101, &sealed), None);
        assert_eq!(Seal::new(1).check(100 + (1 << 31), &sealed), None);
        assert_eq!(Seal::new(2).check(100, &sealed), None);
        for bit in 0..sealed.as_bytes().len() * 8 {
            let mut flipped = sealed;
            flipped.as_mut_bytes()[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Seal::new(1).check(100, &flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn the_checksum_is_the_plain_crc_of_salt_position_and_frame() {
        let lines = frame();
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&5_u64.to_le_bytes());
        bytes.extend_from_slice(&77_u64.to_le_bytes());
        bytes.extend_from_slice(lines.as_bytes());
        assert_eq!(Seal::new(5).stamp(77, &lines).1, bitwise(&bytes));
    }

    /// CRC-32C, bit by bit, from its definition (polynomial 0x1EDC6F41, reflected).
    fn bitwise(bytes: &[u8]) -> u32 {
        let mut crc = !0_u32;
        for &byte in bytes {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg());
            }
        }
        !crc
    }
}
