//! Identities: instruments, sources, stages, and frames.
//!
//! A frame's place in the stream is its name: `seq` of the input that caused it and its `sub`
//! within that. Signals, intents, orders and commands need no other id.

use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A dense index of an instrument in this session, from 1; 0 says "no instrument in particular".
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct InstrumentId(pub u16);

impl InstrumentId {
    /// No instrument in particular.
    pub const NONE: Self = Self(0);

    /// Index into a table of instruments in which slot 0 stays unused.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A source's number at the head; ties at one `ts` are broken by it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct SourceId(pub u16);

/// Which stage made a derived frame: the upper 3 bits of `sub`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StageId {
    /// The head: numbers inputs, derives nothing.
    Head = 0,
    /// Market frames to books.
    Book = 1,
    /// Books to intents.
    Signal = 2,
    /// Intents to orders.
    Risk = 3,
    /// Orders to commands.
    Gateway = 4,
}

impl StageId {
    /// The stage with that number.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Head),
            1 => Some(Self::Book),
            2 => Some(Self::Signal),
            3 => Some(Self::Risk),
            4 => Some(Self::Gateway),
            _ => None,
        }
    }

    /// Lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Book => "book",
            Self::Signal => "signal",
            Self::Risk => "risk",
            Self::Gateway => "gateway",
        }
    }
}

/// Bits of `sub` that count within one stage and one `seq`.
pub const SUB_COUNT_BITS: u32 = 13;
/// The `sub` of a [`Note`](crate::Kind::Note); never a derived frame's.
pub const SUB_NOTE: u16 = 0xFFFF;

/// The `sub` of the `count`th frame (from 1) that `stage` makes within one `seq`.
///
/// # Panics
/// If `count` is 0 or does not fit into 13 bits.
#[must_use]
pub const fn sub_of(stage: StageId, count: u16) -> u16 {
    assert!(
        count > 0 && count < 1 << SUB_COUNT_BITS,
        "a stage made too many frames from one input"
    );
    (stage as u16) << SUB_COUNT_BITS | count
}

/// The place of a frame in the stream, and thereby its name: `seq` in the upper 48 bits, `sub` in
/// the lower 16. Printed as `seq.sub`.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct FrameId(pub u64);

impl FrameId {
    /// Names no frame.
    pub const NONE: Self = Self(0);

    /// The frame at `seq` and `sub`.
    ///
    /// # Panics
    /// If `seq` does not fit into 48 bits (at a million inputs a second: after nine years).
    #[must_use]
    pub const fn new(seq: u64, sub: u16) -> Self {
        assert!(seq < 1 << 48, "seq does not fit into 48 bits");
        Self(seq << 16 | sub as u64)
    }

    /// The input's number.
    #[must_use]
    pub const fn seq(self) -> u64 {
        self.0 >> 16
    }

    /// The number within the input's consequences.
    #[must_use]
    pub const fn sub(self) -> u16 {
        self.0 as u16
    }

    /// True when it names no frame.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Reads `seq.sub` or a bare `seq`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, sub) = text.split_once('.').unwrap_or((text, "0"));
        let seq: u64 = seq.parse().ok()?;
        (seq < 1 << 48).then_some(())?;
        Some(Self::new(seq, sub.parse().ok()?))
    }
}

impl fmt::Display for FrameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.seq(), self.sub())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_id_reads_what_it_prints() {
        let id = FrameId::new(123_456, sub_of(StageId::Risk, 7));
        assert_eq!(FrameId::parse(&id.to_string()), Some(id));
        assert_eq!((id.seq(), id.sub()), (123_456, 0x6007));
        assert_eq!(FrameId::parse("17"), Some(FrameId::new(17, 0)));
        assert_eq!(FrameId::parse("17.99999"), None);
        assert_eq!(FrameId::parse("999999999999999999"), None);
    }

    #[test]
    fn no_stage_can_make_a_note_sub() {
        assert_ne!(
            sub_of(StageId::Gateway, (1 << SUB_COUNT_BITS) - 1),
            SUB_NOTE
        );
    }
}
