//! Whether two frames are the same, and what is between two that are not.

use stream::{FrameRef, Header, Line};

const WORDS: usize = Line::BYTES / 8;
/// The word of a header that holds `crc`, and the rest of that word, as it lies in memory.
const CRC_WORD: usize = core::mem::offset_of!(Header, crc) / 8;
const REST: u64 = u64::from_ne_bytes([0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
const _: () = assert!(core::mem::offset_of!(Header, crc) % 8 == 0);

/// Equality with `crc` masked, word by word: frames that were just made were stored so.
#[inline]
pub(super) fn same(a: FrameRef<'_>, b: FrameRef<'_>) -> bool {
    let (a, b) = (a.lines(), b.lines());
    let ([a_first, a_rest @ ..], [b_first, b_rest @ ..]) = (a, b) else {
        return false;
    };
    let mut first = between(a_first, b_first);
    first[CRC_WORD] &= REST;
    let differs = |words: [u64; WORDS]| words.iter().fold(0, |all, word| all | word) != 0;
    !differs(first)
        && a_rest.len() == b_rest.len()
        && !(a_rest.iter().zip(b_rest)).any(|(a, b)| differs(between(a, b)))
}

#[inline]
fn between(a: &Line, b: &Line) -> [u64; WORDS] {
    let a: &[u64; WORDS] = zerocopy::transmute_ref!(a);
    let b: &[u64; WORDS] = zerocopy::transmute_ref!(b);
    core::array::from_fn(|index| a[index] ^ b[index])
}

/// The fields that differ, for people.
pub(super) fn fields_that_differ(expected: FrameRef<'_>, frame: FrameRef<'_>) -> String {
    let list = |frame: FrameRef<'_>| {
        let mut fields = Vec::new();
        stream::payload::describe(frame, &mut |name, value| {
            fields.push((name, format!("{value:?}")));
        });
        fields
    };
    let differing: Vec<String> = list(expected)
        .into_iter()
        .zip(list(frame))
        .filter(|(made, kept)| made != kept)
        .map(|((name, made), (_, kept))| format!("{name} is {kept}, made {made}"))
        .collect();
    if differing.is_empty() {
        "header or spare bytes".to_owned()
    } else {
        differing.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::payload::BookView;
    use stream::{Draft, InstrumentId};

    #[test]
    fn every_bit_counts_but_those_of_the_checksum() {
        let mut draft = Draft::new();
        draft.write(InstrumentId(1), &BookView::zeroed());
        let lines = draft.frame().lines().to_vec();
        let frame = |lines| FrameRef::first_of(lines).unwrap();
        assert!(same(frame(&lines), frame(&lines)));
        for bit in 0..lines.len() * Line::BYTES * 8 {
            let (byte, crc) = (bit / 8, core::mem::offset_of!(Header, crc));
            let mut flipped = lines.clone();
            flipped[byte / Line::BYTES].0[byte % Line::BYTES] ^= 1 << (bit % 8);
            let masked = (crc..crc + 4).contains(&byte);
            let other = FrameRef::first_of(&flipped);
            let found = other.is_some_and(|other| same(frame(&lines), other));
            assert_eq!(found, masked, "bit {bit}");
        }
    }
}
