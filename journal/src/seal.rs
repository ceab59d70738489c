//! The checksum of a frame: CRC-32C over the epoch's salt, the frame's position and its bytes
//! with `crc` zeroed, in that order, integers little-endian.
//!
//! Within one epoch a different position always gives a different checksum of the same bytes as
//! long as the positions differ by fewer than 2^32 lines; another epoch's frame passes with
//! probability 2^-32.

use stream::frame::LINES_MAX;
use stream::{Header, Line};
use zerocopy::IntoBytes;

/// Byte range of `crc` in a header.
const CRC: std::ops::Range<usize> = 16..20;

/// The part of the checksum that an epoch's frames share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seal(u32);

impl Seal {
    pub(crate) fn new(salt: u64) -> Self {
        Self(crc32c::crc32c(&salt.to_le_bytes()))
    }

    /// The first line with its `crc` filled in.
    #[inline]
    pub(crate) fn stamp(self, position: u64, lines: &[Line]) -> (Line, u32) {
        debug_assert!((1..=LINES_MAX).contains(&lines.len()));
        let mut first = lines[0];
        first.0[CRC].fill(0);
        let crc = self.over(position, &first, &lines[1..]);
        first.0[CRC].copy_from_slice(&crc.to_le_bytes());
        (first, crc)
    }

    /// The checksum, when the frame verifies at `position`.
    pub(crate) fn check(self, position: u64, lines: &[Line]) -> Option<u32> {
        let mut first = lines[0];
        let stored = u32::from_le_bytes(first.0[CRC].try_into().ok()?);
        first.0[CRC].fill(0);
        (self.over(position, &first, &lines[1..]) == stored).then_some(stored)
    }

    #[inline]
    fn over(self, position: u64, first: &Line, rest: &[Line]) -> u32 {
        let mut crc = crc32c::crc32c_append(self.0, &position.to_le_bytes());
        crc = crc32c::crc32c_append(crc, &first.0);
        if !rest.is_empty() {
            crc = crc32c::crc32c_append(crc, rest.as_bytes());
        }
        crc
    }
}

const _: () = assert!(core::mem::offset_of!(Header, crc) == CRC.start);

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> [Line; 2] {
        let mut lines = [Line([7; 64]), Line([9; 64])];
        lines[0].0[CRC].fill(0);
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
