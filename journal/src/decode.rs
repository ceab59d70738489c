//! Frames for people and other programs: as text, one line each, and as binary columns.
//!
//! Neither `crc` nor position is written, so that two runs of the same inputs give the same.
//! Fields come from the tables of [`stream::payload`]; the writer and the reader know nothing of
//! them.

mod columns;
mod csv;
mod jsonl;
mod schema;
mod symbols;
mod text;

pub use columns::{Columns, Written};
pub use csv::{csv, csv_header};
pub use jsonl::jsonl;
pub use symbols::Symbols;
pub use text::plain;

/// The name that a payload's field is written by: its own, unless that would hide the header's.
fn key(name: &str) -> &str {
    match name {
        "kind" => "variant",
        "symbol" => "defined_symbol",
        name => name,
    }
}

/// What every frame says beside its payload, in the order of the text formats.
const HEADER: [&str; 9] = [
    "seq",
    "sub",
    "parent",
    "ts",
    "ingress_age_ns",
    "class",
    "kind",
    "instrument",
    "symbol",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use stream::payload::{fields_of, lines_of};
    use stream::{Class, FrameRef, Header, Kind, Line};
    use zerocopy::IntoBytes;

    /// A frame of that kind whose fields hold whatever may stand in them.
    pub(super) fn random(kind: Kind, seed: u64) -> Vec<Line> {
        let lines = lines_of(kind).expect("every kind has a length");
        let mut frame = vec![Line::ZERO; lines];
        let mut state = seed;
        for word in frame.as_mut_bytes().chunks_mut(8) {
            state = stream::hash::mix(state.wrapping_add(1));
            // Small numbers, short texts and round decimals too, as in real payloads.
            let value = match state % 4 {
                0 => state,
                1 => state & 0xFFFF,
                2 => (state % 100_000) * 10_000_000,
                _ => u64::from_le_bytes(*b"AB\"\\\n,C\0") >> (8 * (state >> 61)),
            };
            word.copy_from_slice(&value.to_le_bytes());
        }
        let header = Header {
            seq: state >> 17,
            ts: stream::Nanos(state >> 3),
            ingress_age_ns: (state >> 40) as u32,
            instrument: stream::InstrumentId(state as u16 % 4),
            sub: (state >> 8) as u16,
            parent: (state >> 16) as u16,
            kind,
            shape: Header::shape([Class::Input, Class::Derived][seed as usize % 2], lines),
            ..Header::default()
        };
        let bytes = frame.as_mut_bytes();
        bytes[..Header::BYTES].copy_from_slice(header.as_bytes());
        for field in fields_of(kind).expect("every kind has fields") {
            if !field.values.is_empty() {
                let (number, _) = field.values[bytes[field.offset] as usize % field.values.len()];
                bytes[field.offset] = number;
            }
        }
        frame
    }

    #[test]
    fn no_field_hides_another() {
        for &kind in Kind::ALL {
            let frame = random(kind, 1);
            let frame = FrameRef::first_of(&frame).unwrap();
            let mut seen: HashSet<&str> = HEADER.into_iter().collect();
            let known = stream::payload::describe(frame, &mut |name, _| {
                assert!(seen.insert(key(name)), "{kind}: {name} is written twice");
            });
            assert!(known, "{kind} is shown");
        }
    }
}
