//! What lies on the disk. Integers are little-endian, records are 512 bytes: one disk sector, so
//! that a crash leaves a record old or new and never half of each.
//!
//! ```text
//!  segment   ├── header 512 ──┬── line 0 ──┬── line 1 ──┬─ … ──┤   lines of 64 bytes
//!  record    ├── magic 8 ──┬── fields, zeros ── 500 ──┬── crc 4 ──┤   CRC-32C of bytes 0–507
//! ```
//!
//! A segment's lines are frames, back to back; when the next frame does not fit, one *pad* fills
//! the rest of the segment: a header with kind 0, the last frame's `seq` and `ts`, and zeros.

use stream::{Header, Kind, Line};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Version of everything that is described here and of the frames' layouts.
pub const SCHEMA: u32 = 1;
/// Size of a record and of a segment's header.
pub const RECORD_BYTES: usize = 512;
/// Longest account label.
pub const ACCOUNT_BYTES: usize = 64;
/// The kind of a pad.
pub const PAD: Kind = Kind(0);

/// A checksummed record of 512 bytes.
pub trait Record: FromBytes + IntoBytes + Immutable + KnownLayout + Clone {
    /// Its first eight bytes.
    const MAGIC: [u8; 8];

    /// The bytes, with magic and checksum filled in.
    #[must_use]
    fn seal(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes.copy_from_slice(self.as_bytes());
        bytes[..8].copy_from_slice(&Self::MAGIC);
        let crc = crc32c::crc32c(&bytes[..RECORD_BYTES - 4]);
        bytes[RECORD_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The record, when magic and checksum are right.
    #[must_use]
    fn unseal(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; RECORD_BYTES] = bytes.try_into().ok()?;
        let crc = crc32c::crc32c(&bytes[..RECORD_BYTES - 4]).to_le_bytes();
        (bytes[..8] == Self::MAGIC && bytes[RECORD_BYTES - 4..] == crc)
            .then(|| Self::read_from_bytes(bytes).ok())?
    }
}

macro_rules! record {
    ($(#[$doc:meta])* $name:ident, $magic:literal, $used:literal {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
        #[repr(C)]
        pub struct $name {
            /// Filled in when sealed.
            pub magic: [u8; 8],
            $($(#[$field_doc])* pub $field: $type,)*
            /// Zeros.
            pub spare: [u8; RECORD_BYTES - 4 - $used],
            /// Filled in when sealed.
            pub crc: u32,
        }

        const _: () = assert!(size_of::<$name>() == RECORD_BYTES);

        impl Record for $name {
            const MAGIC: [u8; 8] = *$magic;
        }
    };
}

record! {
    /// Whose journal it is: the file `identity`.
    Identity, b"SpindleI", 88 {
        /// A random number that every record of this journal repeats.
        journal: u64,
        /// [`SCHEMA`].
        schema: u32,
        /// Session date, `yyyymmdd`.
        date: u32,
        /// Account label, padded with zeros.
        account: [u8; ACCOUNT_BYTES],
    }
}

record! {
    /// The head of a segment.
    SegmentHeader, b"SpindleS", 160 {
        /// The journal's number.
        journal: u64,
        /// The epoch's random salt.
        salt: u64,
        /// Lines since the journal began, at this segment's first line.
        first_position: u64,
        /// Lines that the segment has room for.
        data_lines: u64,
        /// `seq` of the last frame before this segment, 0 where there is none.
        seq_before: u64,
        /// `ts` of the last frame before this segment, 0 where there is none.
        ts_before: u64,
        /// Position where this epoch began: the previous one ended there.
        epoch_position: u64,
        /// Lines that lay behind that end, did not verify and were left behind.
        cut_lines: u64,
        /// [`SCHEMA`].
        schema: u32,
        /// Session date, `yyyymmdd`.
        date: u32,
        /// The epoch, from 1, never going back.
        epoch: u32,
        /// The segment's number in its epoch, from 0.
        index: u32,
        /// The epoch before, 0 where there is none.
        previous_epoch: u32,
        /// `crc` of the last frame (or pad) before this segment, 0 where there is none.
        crc_before: u32,
        /// Account label, padded with zeros.
        account: [u8; ACCOUNT_BYTES],
    }
}

record! {
    /// Everything below a position is on the disk: one slot of an epoch's `.mark` file.
    Mark, b"SpindleM", 48 {
        /// The journal's number.
        journal: u64,
        /// The epoch's salt.
        salt: u64,
        /// Lines since the journal began; every line below is durable.
        position: u64,
        /// Counts the marks; the slot is its lowest bit.
        count: u64,
        /// The epoch.
        epoch: u32,
        /// Zeros.
        spare_word: u32,
    }
}

record! {
    /// An epoch that was ended on purpose: its `.closed` file.
    Closed, b"SpindleC", 64 {
        /// The journal's number.
        journal: u64,
        /// The epoch's salt.
        salt: u64,
        /// Lines since the journal began, at the epoch's end.
        position: u64,
        /// `seq` of the journal's last frame.
        seq: u64,
        /// `ts` of the journal's last frame.
        ts: u64,
        /// The epoch.
        epoch: u32,
        /// Segments in the epoch.
        segments: u32,
        /// `crc` of the journal's last frame or pad.
        last_crc: u32,
        /// Zeros.
        spare_word: u32,
    }
}

impl SegmentHeader {
    /// Size of the whole file.
    #[must_use]
    pub const fn file_bytes(&self) -> u64 {
        offset_of(self.data_lines)
    }
}

/// Lines that a segment file of that size has room for.
#[must_use]
pub const fn data_lines(segment_bytes: u64) -> u64 {
    (segment_bytes - RECORD_BYTES as u64) / Line::BYTES as u64
}

/// Byte offset of a segment's line.
#[must_use]
pub const fn offset_of(line: u64) -> u64 {
    RECORD_BYTES as u64 + line * Line::BYTES as u64
}

/// An account label as a fixed field.
#[must_use]
pub(crate) fn account_field(account: &str) -> [u8; ACCOUNT_BYTES] {
    stream::payload::text(account)
}

/// A pad of `lines` lines; only its first line is not zero.
#[must_use]
pub(crate) fn pad(lines: usize, seq: u64, ts: u64) -> Line {
    let header = Header {
        seq,
        ts: stream::Nanos(ts),
        sub: stream::id::SUB_NOTE,
        kind: PAD,
        shape: Header::shape(stream::Class::Note, lines),
        ..Header::default()
    };
    let mut line = Line::ZERO;
    line.0[..Header::BYTES].copy_from_slice(header.as_bytes());
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros;

    fn mark() -> Mark {
        Mark {
            position: 12,
            count: 3,
            epoch: 1,
            ..Mark::new_zeroed()
        }
    }

    #[test]
    fn a_record_reads_back_and_no_flipped_bit_is_accepted() {
        let sealed = mark().seal();
        let read = Mark::unseal(&sealed).unwrap();
        assert_eq!((read.position, read.count, read.epoch), (12, 3, 1));
        for bit in 0..RECORD_BYTES * 8 {
            let mut flipped = sealed;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Mark::unseal(&flipped), None, "bit {bit}");
        }
        assert_eq!(Mark::unseal(&sealed[..511]), None);
        assert_eq!(Mark::unseal(&[0; RECORD_BYTES]), None);
        assert!(Closed::unseal(&sealed).is_none());
    }

    /// Bytes on disk never change without a new schema version.
    #[test]
    fn golden_bytes() {
        let header = SegmentHeader {
            journal: 0x0102_0304_0506_0708,
            salt: 0x1112_1314_1516_1718,
            first_position: 0x21,
            data_lines: 0x22,
            seq_before: 0x23,
            ts_before: 0x24,
            epoch_position: 0x25,
            cut_lines: 0x26,
            schema: SCHEMA,
            date: 20_240_102,
            epoch: 0x27,
            index: 0x28,
            previous_epoch: 0x29,
            crc_before: 0x2A,
            account: account_field("DU123"),
            ..SegmentHeader::new_zeroed()
        }
        .seal();
        let mut expected = Vec::from(*b"SpindleS\x08\x07\x06\x05\x04\x03\x02\x01");
        expected.extend(b"\x18\x17\x16\x15\x14\x13\x12\x11");
        for word in 0x21..=0x26_u64 {
            expected.extend(word.to_le_bytes());
        }
        for half in [1, 20_240_102, 0x27, 0x28, 0x29, 0x2A_u32] {
            expected.extend(half.to_le_bytes());
        }
        expected.extend(b"DU123");
        expected.resize(RECORD_BYTES - 4, 0);
        assert_eq!(header[..RECORD_BYTES - 4], expected);
        assert_eq!(header[RECORD_BYTES - 4..], [210, 11, 219, 160]);
        assert_eq!(offset_of(3), 512 + 3 * 64);
        let pad = pad(3, 7, 9);
        let mut expected = [0; 64];
        (expected[0], expected[8]) = (7, 9);
        (expected[26], expected[27]) = (0xFF, 0xFF);
        expected[31] = 0b0000_1010;
        assert_eq!(pad.0, expected);
    }
}
