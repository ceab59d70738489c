//! Changes to valid bytes such as a fuzzer makes, by a seed.

/// A small generator: splitmix64.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn byte(&mut self) -> u8 {
        self.next() as u8
    }
}

/// Fields that are rarely right where they are put.
const WORDS: [&[u8]; 10] = [
    b"\0",
    b"-1\0",
    b"2147483647\0",
    b"-2147483648\0",
    b"99999999999999999999\0",
    b"1e309\0",
    b"NaN\0",
    b"BAG\0",
    b"\xff\xff\xff\xff",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
];

/// Changes something; `other` is material to mix in.
pub fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let place = random.below(bytes.len() + 1);
    match random.below(7) {
        0 => bytes.truncate(place),
        1 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = random.byte();
            }
        }
        3 => {
            let word = WORDS[random.below(WORDS.len())];
            bytes.splice(place..place, word.iter().copied());
        }
        4 => {
            let end = (place + 1 + random.below(8)).min(bytes.len());
            bytes.drain(place.min(end)..end);
        }
        5 => {
            let from = random.below(other.len() + 1);
            let part = &other[from..(from + random.below(40)).min(other.len())];
            bytes.splice(place..place, part.iter().copied());
        }
        _ => {
            let end = (place + random.below(20)).min(bytes.len());
            let part = bytes[place..end].to_vec();
            bytes.splice(place..place, part);
        }
    }
}
