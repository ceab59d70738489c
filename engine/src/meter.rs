//! HDR histograms of one lane, published as notes without allocating or locking.

use crate::probe::{PART_END, PARTS};
use hdrhistogram::Histogram;

/// A histogram of nanoseconds: 1 ns to 60 s, two significant digits, allocated once.
///
/// # Panics
/// Never: the bounds are valid.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 2).expect("the bounds are valid")
}

/// Names of the parts, by number.
pub const PART_NAMES: [&str; PARTS] = ["head", "book", "signal", "risk", "gateway", "end"];
const _: () = assert!(PART_END as usize == PARTS - 1);

/// What one lane measures.
#[derive(Debug)]
pub struct LaneMeter {
    /// Service time of each part, sampled.
    pub service: [Histogram<u64>; PARTS],
    /// Age of inputs when their last consequence was passed on, sampled.
    pub response: Histogram<u64>,
    /// Inputs since the last note.
    pub inputs: u64,
    /// Busy nanoseconds since the last note, from the sample.
    pub busy_ns: u64,
    /// The most lines that stood in the lane's inbound ring since the last note.
    pub queued_lines: u64,
}

impl Default for LaneMeter {
    fn default() -> Self {
        Self {
            service: std::array::from_fn(|_| histogram()),
            response: histogram(),
            inputs: 0,
            busy_ns: 0,
            queued_lines: 0,
        }
    }
}

/// p50, p99 and max.
#[must_use]
pub fn three(histogram: &Histogram<u64>) -> (u64, u64, u64) {
    (
        histogram.value_at_quantile(0.50),
        histogram.value_at_quantile(0.99),
        histogram.max(),
    )
}
