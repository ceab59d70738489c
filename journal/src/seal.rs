//! The checksum of a frame: CRC-32C over the epoch's salt, the frame's position and its bytes
//! with `crc` zeroed, in that order, integers little-endian.
//!
//! Within one epoch a different position always gives a different checksum of the same bytes as
//! long as the positions differ by fewer than 2^32 lines; another epoch's frame passes with
//! probability 2^-32.

use crate::crc::{CRC_WORD, Crc, Words, Work};
use crate::epoch::Past;
use crate::layout::PAD;
use stream::frame::LINES_MAX;
use stream::{FrameRef, Line};
use zerocopy::{FromBytes, IntoBytes};

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

    /// Does work that takes checksums, compiled for the processor's instruction as a whole.
    #[inline]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Done {
        self.crc.run(work)
    }

    /// The same, by that way of taking checksums.
    #[inline(always)]
    pub(crate) const fn by(self, crc: Crc) -> Self {
        Self { crc, ..self }
    }

    /// The way of taking checksums that is open at all times.
    #[inline]
    pub(crate) const fn way(self) -> Crc {
        self.crc
    }

    /// The checksum of a frame at `position`, whatever its `crc` holds.
    #[inline(always)]
    pub(crate) fn of(self, position: u64, lines: &[Line]) -> u32 {
        let (first, rest) = lines.split_first().expect("a frame has a line");
        self.of_parts(position, first, rest)
    }

    /// The same of a frame's first line, and the others.
    #[inline(always)]
    pub(crate) fn of_parts(self, position: u64, first: &Line, rest: &[Line]) -> u32 {
        debug_assert!(rest.len() < LINES_MAX);
        let first = self.of_first(position, words(first), |_, _| {});
        if rest.is_empty() {
            return first;
        }
        let rest = <[Words]>::ref_from_bytes(rest.as_bytes()).expect("lines are words");
        self.crc.append(first, rest.as_flattened())
    }

    /// The same of a frame of one line. `taken` is told each word behind the one with `crc`.
    #[inline(always)]
    pub(crate) fn of_first(
        self,
        position: u64,
        first: &Words,
        taken: impl FnMut(usize, u64),
    ) -> u32 {
        self.crc.append_first(self.salt, position, first, taken)
    }

    /// The checksum, when the frame verifies at `position`.
    #[inline(always)]
    pub(crate) fn check(self, position: u64, lines: &[Line]) -> Option<u32> {
        let stored = words(&lines[0])[CRC_WORD] as u32;
        (self.of(position, lines) == stored).then_some(stored)
    }

    /// The frames at the beginning of `lines` that verify from `position` on and may follow each
    /// other, `past` being what comes before the first. A pad is none.
    pub(crate) fn sound(self, position: u64, lines: &[Line], past: Past) -> Sound {
        self.crc.run(Check {
            seal: self,
            position,
            lines,
            past,
        })
    }

    #[inline(always)]
    fn sound_here(self, position: u64, lines: &[Line], past: Past) -> Sound {
        let mut sound = Sound {
            lines: 0,
            frames: 0,
            past,
        };
        while let Some(frame) = FrameRef::first_of(&lines[sound.lines..]) {
            let header = frame.header();
            if header.seq == 0
                || header.kind == PAD
                || !sound.past.admits(header)
                || self
                    .check(position + sound.lines as u64, frame.lines())
                    .is_none()
            {
                break;
            }
            sound.past = Past::behind(header);
            sound.lines += frame.lines().len();
            sound.frames += 1;
        }
        sound
    }
}

/// Finding frames that verify.
struct Check<'a> {
    seal: Seal,
    position: u64,
    lines: &'a [Line],
    past: Past,
}

impl Work for Check<'_> {
    type Done = Sound;

    #[inline(always)]
    fn run(self, crc: Crc) -> Sound {
        self.seal
            .by(crc)
            .sound_here(self.position, self.lines, self.past)
    }
}

/// A stretch of frames that verify and follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sound {
    pub(crate) lines: usize,
    pub(crate) frames: u64,
    /// What it leaves.
    pub(crate) past: Past,
}

/// A line as the words that the checksum and the pen go by.
#[inline]
pub(crate) fn words(line: &Line) -> &Words {
    zerocopy::transmute_ref!(line)
}

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
        let crc = Seal::new(1).of(100, &lines);
        let mut sealed = lines;
        sealed[0].0[16..20].copy_from_slice(&crc.to_le_bytes());
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
        assert_eq!(Seal::new(5).of(77, &lines), bitwise(&bytes));
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
