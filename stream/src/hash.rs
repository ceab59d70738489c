//! Small deterministic hashes for state hashes and blobs. Not for security.

/// Mixes one value well: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
#[must_use]
#[inline]
pub const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Folds one value into a running hash; order matters.
#[must_use]
#[inline]
pub const fn fold(hash: u64, value: u64) -> u64 {
    mix(hash.rotate_left(23) ^ value)
}

/// Hash of a byte string.
#[must_use]
pub fn bytes(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = fold(hash, u64::from_le_bytes(word));
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_length_matter() {
        assert_ne!(fold(fold(0, 1), 2), fold(fold(0, 2), 1));
        assert_ne!(bytes(b"a"), bytes(b"a\0"));
    }
}
