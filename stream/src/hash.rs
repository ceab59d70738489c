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

/// Folds one value into a running hash; order matters. One multiplication whose halves are folded
/// together (as in wyhash, Wang 2019): state hashes are made of hundreds of values a second.
#[must_use]
#[inline]
pub const fn fold(hash: u64, value: u64) -> u64 {
    let sum = (hash.rotate_left(23) ^ value).wrapping_add(0x9E37_79B9_7F4A_7C15);
    let product = sum as u128 * 0xD6E8_FEB8_6659_FD93;
    product as u64 ^ (product >> 64) as u64
}

/// As [`fold`], where a value comes with every frame and what came of thousands is hashed well in
/// the end: half of the work (as in rustc's FxHash).
#[must_use]
#[inline]
pub const fn trail(hash: u64, value: u64) -> u64 {
    (hash.rotate_left(23) ^ value).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

/// Folds many values into a running hash, in four strands side by side: a processor need not wait
/// for one multiplication before it begins the next. The strands are trails, which are folded well
/// in the end. Order matters, and so does how many there are.
#[must_use]
#[inline]
pub fn fold_all<const N: usize>(hash: u64, values: [u64; N]) -> u64 {
    let mut strands = [hash, N as u64, 2, 3];
    let (rows, rest) = values.as_chunks::<4>();
    for row in rows {
        for (strand, value) in strands.iter_mut().zip(row) {
            *strand = trail(*strand, *value);
        }
    }
    for (strand, value) in strands.iter_mut().zip(rest) {
        *strand = trail(*strand, *value);
    }
    let [a, b, c, d] = strands;
    fold(fold(a, b), fold(c, d))
}

/// Hash of a saved state, in four strands as [`fold_all`]: a processor need not wait for one word
/// before it takes the next. It stands in journals, so it stays as it is.
#[must_use]
pub fn strands(bytes: &[u8]) -> u64 {
    let mut strands = [bytes.len() as u64, 1, 2, 3];
    let (rows, rest) = bytes.as_chunks::<32>();
    for row in rows {
        take_row(&mut strands, row);
    }
    let mut last = [0; 32];
    last[..rest.len()].copy_from_slice(rest);
    take_row(&mut strands, &last);
    let [a, b, c, d] = strands;
    fold(fold(a, b), fold(c, d))
}

#[inline(always)]
fn take_row(strands: &mut [u64; 4], row: &[u8; 32]) {
    let (words, _) = row.as_chunks();
    for (strand, word) in strands.iter_mut().zip(words) {
        *strand = trail(*strand, u64::from_le_bytes(*word));
    }
}

/// As [`fold`], slower and fixed for good: for what stands in journals and for draws from a seed,
/// which shall be the same in every version.
#[must_use]
#[inline]
pub const fn join(hash: u64, value: u64) -> u64 {
    mix(hash.rotate_left(23) ^ value)
}

/// Hash of a byte string. It stands in journals, so it stays as it is.
#[must_use]
pub fn bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let mut hash = bytes.len() as u64;
    for word in words {
        hash = join(hash, u64::from_le_bytes(*word));
    }
    if rest.is_empty() {
        return hash;
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    join(hash, u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_length_matter() {
        assert_ne!(fold(fold(0, 1), 2), fold(fold(0, 2), 1));
        assert_ne!(bytes(b"a"), bytes(b"a\0"));
    }

    #[test]
    fn bytes_are_words_of_eight_the_last_filled_up() {
        let text = b"twenty-one long bytes";
        for length in 0..=text.len() {
            let words = text[..length].chunks(8).map(|chunk| {
                let byte = |at: usize| u64::from(chunk.get(at).copied().unwrap_or(0)) << (8 * at);
                (0..8).map(byte).sum::<u64>()
            });
            let hash = words.fold(length as u64, join);
            assert_eq!(bytes(&text[..length]), hash, "{length} bytes");
        }
    }

    #[test]
    fn of_a_saved_state_each_bit_every_place_and_its_length_matter() {
        let bytes: Vec<u8> = (0..75).map(|at| mix(at) as u8).collect();
        let whole = strands(&bytes);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                let flipped = (whole ^ strands(&other)).count_ones();
                assert!((8..=56).contains(&flipped), "{at}, bit {bit}: {flipped}");
            }
            for with in (0..at).filter(|&with| bytes[with] != bytes[at]) {
                let mut other = bytes.clone();
                other.swap(at, with);
                assert_ne!(whole, strands(&other), "{with} and {at}");
            }
        }
        let lengths = (0..=bytes.len()).map(|length| strands(&[0; 75][..length]));
        let distinct: std::collections::HashSet<u64> = lengths.collect();
        assert_eq!(distinct.len(), bytes.len() + 1);
        // Journals hold it.
        assert_eq!(
            [strands(b""), strands(b"a saved state, and more of it")],
            [0x892A_FBC9_1962_0CFB, 0xACAF_6528_3A50_9BFE]
        );
    }

    #[test]
    fn runs_of_one_value_of_any_length_differ() {
        for value in [0, 1, u64::MAX] {
            let runs = (0..1_000).scan(0, |hash, _| {
                *hash = fold(*hash, value);
                Some(*hash)
            });
            let distinct: std::collections::HashSet<u64> = runs.collect();
            assert_eq!(distinct.len(), 1_000, "{value}");
        }
    }

    #[test]
    fn of_many_values_each_bit_and_every_place_matters() {
        fn check<const N: usize>() {
            let values: [u64; N] = std::array::from_fn(|at| mix(at as u64));
            let whole = fold_all(7, values);
            assert_ne!(whole, fold_all(8, values));
            for at in 0..N {
                for bit in 0..64 {
                    let mut other = values;
                    other[at] ^= 1 << bit;
                    let flipped = (whole ^ fold_all(7, other)).count_ones();
                    assert!(
                        (8..=56).contains(&flipped),
                        "{at} of {N}, bit {bit}: {flipped}"
                    );
                }
                for with in 0..at {
                    let mut other = values;
                    other.swap(at, with);
                    assert_ne!(whole, fold_all(7, other), "{with} and {at} of {N}");
                }
            }
        }
        check::<1>();
        check::<4>();
        check::<9>();
        check::<24>();
        assert_ne!(fold_all(7, [0; 4]), fold_all(7, [0; 5]));
    }

    #[test]
    fn each_bit_of_either_argument_changes_about_half_of_the_result() {
        for bit in 0..64 {
            let (hash, value) = (0x0123_4567_89AB_CDEF, 77);
            let whole = fold(hash, value);
            for changed in [fold(hash ^ 1 << bit, value), fold(hash, value ^ 1 << bit)] {
                let flipped = (whole ^ changed).count_ones();
                assert!((8..=56).contains(&flipped), "bit {bit}: {flipped}");
            }
        }
    }
}
