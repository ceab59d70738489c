//! A line that no cache holds: what a look into memory of many lines costs.

use crate::measure::{Effort, Spread, timed};
use std::hint::black_box;

/// Chains that are gone along at once.
const CHAINS: usize = 8;
/// Looks of a run that lasts a second, along each chain.
const LOOKS_PER_SECOND: f64 = 500_000.0;

/// A line of memory: where the next look goes stands in its first word.
type Line = [usize; 8];

/// Nanoseconds of a look at a line out of so many (rounded up to a power of two), in large pages
/// where the system gives them: each named by the one before, and eight such chains at once.
#[must_use]
pub fn missed_line(lines: usize, effort: &Effort) -> [Spread; 2] {
    let looks = ((effort.run.as_secs_f64() * LOOKS_PER_SECOND) as usize).max(1);
    let table = table(lines.max(CHAINS).next_power_of_two());
    let mut at: [usize; CHAINS] = std::array::from_fn(|chain| chain * table.len() / CHAINS);
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..effort.runs {
        let (time, ()) = timed(|| {
            for _ in 0..looks {
                at[0] = table[at[0]][0];
            }
        });
        alone.push(time.as_secs_f64() * 1e9 / looks as f64);
        let (time, ()) = timed(|| {
            for _ in 0..looks {
                at = at.map(|at| table[at][0]);
            }
        });
        together.push(time.as_secs_f64() * 1e9 / (looks * CHAINS) as f64);
    }
    black_box(at);
    [alone, together].map(Spread::of)
}

/// Lines that lead to each other, each once, in an order that nothing foresees: the steps of a
/// linear congruence of full period (Hull and Dobell: an odd summand, a factor of 1 modulo 4).
fn table(lines: usize) -> Vec<Line> {
    const FACTOR: usize = 1_664_525;
    const SUMMAND: usize = 1_013_904_223;
    let mut table: Vec<Line> = Vec::with_capacity(lines);
    let start = table.as_ptr() as usize;
    // Without large pages it is the page table's lines too that are not there: slower, not wrong.
    let _ = engine::pages::ask_large(start..start + lines * size_of::<Line>());
    let next = |line: usize| (line.wrapping_mul(FACTOR).wrapping_add(SUMMAND)) & (lines - 1);
    table.extend((0..lines).map(|line| [next(line); 8]));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_led_to_once() {
        let table = table(1_024);
        let (mut at, mut seen) = (0, vec![false; table.len()]);
        for _ in 0..table.len() {
            assert!(!std::mem::replace(&mut seen[at], true));
            at = table[at][0];
        }
        assert_eq!(at, 0);
    }
}
