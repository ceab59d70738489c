//! What measuring itself costs: a reading of the counter, a value into a histogram.

use crate::measure::{Effort, Spread};
use engine::meter::histogram;
use std::hint::black_box;
use std::time::Instant;

/// Readings, or values, that are timed together: a few microseconds, so that most of them pass
/// without the box taking the core away.
const TOGETHER: u64 = 256;

/// Nanoseconds for a reading of the processor's counter.
#[must_use]
pub fn raw_reading(effort: &Effort) -> Spread {
    let clock = quanta::Clock::new();
    each(effort, || {
        black_box(clock.raw());
    })
}

/// A reading of the counter behind everything that this thread has loaded: without order a
/// processor reads it while it still waits for what it was to read before.
///
/// A fence of the language orders memory and not the counter: behind one it was read 15 ns before
/// it was read behind the processor's own (rtrb, paced, in turn). On other processors than x86-64
/// it has to do.
#[inline(always)]
#[must_use]
pub fn ordered_raw(clock: &quanta::Clock) -> u64 {
    loads_done();
    clock.raw()
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "the fence is an instruction, not a language's")]
fn loads_done() {
    // SAFETY: the instruction is part of SSE2, which every processor of this architecture has.
    unsafe { std::arch::x86_64::_mm_lfence() }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn loads_done() {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

/// Nanoseconds for a reading that waits for all loads, of which there are none.
#[must_use]
pub fn ordered_reading(effort: &Effort) -> Spread {
    let clock = quanta::Clock::new();
    each(effort, || {
        black_box(ordered_raw(&clock));
    })
}

/// Nanoseconds for a reading of the standard library's clock.
#[must_use]
pub fn std_reading(effort: &Effort) -> Spread {
    each(effort, || {
        black_box(Instant::now());
    })
}

/// Nanoseconds for a value into a histogram such as a lane keeps.
#[must_use]
pub fn histogram_record(effort: &Effort) -> Spread {
    let mut histogram = histogram();
    let mut value = 1_u64;
    each(effort, || {
        // Spread over six powers of ten, as latencies are, in an order that no branch predicts.
        value = value
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        histogram.saturating_record(black_box((value >> 44) + 1));
    })
}

/// The median of each run's groups.
fn each(effort: &Effort, mut one: impl FnMut()) -> Spread {
    let run = |_| {
        let mut groups = Vec::new();
        let begin = Instant::now();
        while begin.elapsed() < effort.run || groups.is_empty() {
            let group = Instant::now();
            for _ in 0..TOGETHER {
                one();
            }
            groups.push(group.elapsed().as_nanos() as f64 / TOGETHER as f64);
        }
        Spread::of(groups).median
    };
    Spread::of((0..effort.runs).map(run).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordered_reading_is_one_of_the_same_counter() {
        let clock = quanta::Clock::new();
        for _ in 0..1_000 {
            let readings = [clock.raw(), ordered_raw(&clock), ordered_raw(&clock)];
            assert!(readings.is_sorted(), "{readings:?}");
        }
    }
}
