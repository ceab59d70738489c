//! The 32-byte header that every frame begins with.
//!
//! ```text
//!  0        8        16   20             24          26   28      30    31     32
//!  ├────────┼────────┼────┼──────────────┼───────────┼────┼───────┼─────┼──────┤
//!  │ seq    │ ts     │crc │ingress_age_ns│instrument │sub │parent │kind │shape │
//!  └────────┴────────┴────┴──────────────┴───────────┴────┴───────┴─────┴──────┘
//!  shape: bits 0–1 class · bits 2–4 lines − 1 · bits 5–7 spare, zero
//! ```

use crate::id::{FrameId, InstrumentId, SUB_COUNT_BITS, SUB_NOTE, StageId};
use crate::kind::Kind;
use crate::units::Nanos;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What a frame is to a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// Learned from outside and numbered by the head: all that a replay needs.
    Input = 0,
    /// Made by a stage: a replay must reproduce it exactly, `crc` masked.
    Derived = 1,
    /// Put in by a lane's shell (timings, host facts): a replay ignores it.
    Note = 2,
}

impl Class {
    /// Lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Derived => "derived",
            Self::Note => "note",
        }
    }
}

/// The header. Plain bytes in native (little-endian) order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Header {
    /// The input's number, gapless from 1; a derived frame has its input's.
    pub seq: u64,
    /// When the head numbered the input; never decreasing.
    pub ts: Nanos,
    /// Zero in rings; filled in by the journal over bytes, epoch and position.
    pub crc: u32,
    /// How long the input waited before its number; 0 on derived frames and in virtual time,
    /// saturating.
    pub ingress_age_ns: u32,
    /// The instrument it is about.
    pub instrument: InstrumentId,
    /// 0 on inputs; stage (3 bits) and count (13 bits) on derived frames; 0xFFFF on notes.
    pub sub: u16,
    /// On derived frames the `sub` of the frame that caused this one, within the same `seq`.
    pub parent: u16,
    /// What it says.
    pub kind: Kind,
    /// Class and lines, see [`Header::shape`].
    pub shape: u8,
}

const _: () = assert!(size_of::<Header>() == 32);

impl Header {
    /// Size in bytes.
    pub const BYTES: usize = 32;

    /// Packs class and length.
    ///
    /// # Panics
    /// Unless `lines` is 1 to 8.
    #[must_use]
    pub const fn shape(class: Class, lines: usize) -> u8 {
        assert!(lines >= 1 && lines <= 8, "a frame has 1 to 8 lines");
        class as u8 | ((lines - 1) as u8) << 2
    }

    /// Input, derived or note; `None` for the one unused code.
    #[must_use]
    #[inline]
    pub const fn class(&self) -> Option<Class> {
        match self.shape & 0b11 {
            0 => Some(Class::Input),
            1 => Some(Class::Derived),
            2 => Some(Class::Note),
            _ => None,
        }
    }

    /// Length in lines of 64 bytes, 1 to 8.
    #[must_use]
    #[inline]
    pub const fn lines(&self) -> usize {
        ((self.shape >> 2) & 0b111) as usize + 1
    }

    /// The frame's name.
    ///
    /// # Panics
    /// If `seq` does not fit into 48 bits: the head never gives such a number, so a header that
    /// holds one was never verified.
    #[must_use]
    #[inline]
    pub const fn id(&self) -> FrameId {
        FrameId::new(self.seq, self.sub)
    }

    /// The stage that made it; `None` for notes and unknown stage numbers.
    #[must_use]
    pub const fn stage(&self) -> Option<StageId> {
        if self.sub == SUB_NOTE {
            return None;
        }
        StageId::from_u8((self.sub >> SUB_COUNT_BITS) as u8)
    }
}
