//! Lines copied or scanned with a CRC-32C of each, as fast as one core does it.
//!
//! A line is taken as eight words, each loaded once, fed to the checksum's instruction and stored
//! where it goes. Patching the checksum into a line and copying the line afterwards would
//! load it back in pieces that span the stores just made; measured that way, this floor
//! was once slower than what it was meant to bound.

#![allow(
    unsafe_code,
    reason = "calling functions of a processor feature that was detected"
)]

use zerocopy::IntoBytes;

/// A line as words.
pub type Words = [u64; 8];

/// The word that the checksum's half is kept in, as in a frame's header.
const CRC_WORD: usize = 2;
const REST: u64 = !(u32::MAX as u64);

fn has_sse42() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("sse4.2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Stores lines of `source`, over and over, into `target`, with the count in the first word of
/// each and its checksum in the third.
pub fn store_sealed(target: &mut [Words], source: &[Words]) {
    #[cfg(target_arch = "x86_64")]
    if has_sse42() {
        // SAFETY: the processor was found to have SSE 4.2.
        return unsafe { store_sealed_sse42(target, source) };
    }
    debug_assert!(!has_sse42());
    for (index, place) in target.iter_mut().enumerate() {
        let mut line = source[index % source.len()];
        line[0] = index as u64;
        let crc = plain(&line);
        line[CRC_WORD] = line[CRC_WORD] & REST | u64::from(crc);
        *place = line;
    }
}

/// Lines whose checksum fits.
#[must_use]
pub fn count_sealed(lines: &[Words]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if has_sse42() {
        // SAFETY: the processor was found to have SSE 4.2.
        return unsafe { count_sealed_sse42(lines) };
    }
    let fits = |line: &&Words| plain(line) == line[CRC_WORD] as u32;
    lines.iter().filter(fits).count() as u64
}

/// The checksum by the crate, the line's own counting as zero.
fn plain(line: &Words) -> u32 {
    let mut line = *line;
    line[CRC_WORD] &= REST;
    crc32c::crc32c(line.as_bytes())
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
fn store_sealed_sse42(target: &mut [Words], source: &[Words]) {
    let mut next = source.iter().cycle();
    for (index, place) in target.iter_mut().enumerate() {
        let Some(line) = next.next() else { return };
        let mut words = *line;
        words[0] = index as u64;
        let crc = step_line(&words);
        words[CRC_WORD] = words[CRC_WORD] & REST | u64::from(crc);
        *place = words;
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
fn count_sealed_sse42(lines: &[Words]) -> u64 {
    (lines.iter())
        .map(|line| u64::from(step_line(line) == line[CRC_WORD] as u32))
        .sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
#[inline]
fn step_line(words: &Words) -> u32 {
    use std::arch::x86_64::_mm_crc32_u64 as step;
    let mut state = u64::from(u32::MAX);
    for (index, word) in words.iter().enumerate() {
        let kept = if index == CRC_WORD { REST } else { u64::MAX };
        state = step(state, word & kept);
    }
    !(state as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_verifies_by_the_instruction_and_by_the_crate() {
        let source: Vec<Words> = (0..3).map(|line| [line * 0x0123_4567_89AB; 8]).collect();
        let mut target = vec![[0; 8]; 50];
        store_sealed(&mut target, &source);
        assert_eq!(count_sealed(&target), 50);
        for (index, line) in target.iter().enumerate() {
            assert_eq!(line[0], index as u64);
            assert_eq!(line[1], source[index % 3][1]);
            assert_eq!(line[CRC_WORD] >> 32, source[index % 3][2] >> 32);
            assert_eq!(plain(line), line[CRC_WORD] as u32);
        }
        target[7][5] ^= 1;
        assert_eq!(count_sealed(&target), 49);
    }
}
