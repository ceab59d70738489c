//! The highest and lowest value of a moving window, in amortised constant time.
//!
//! Two monotonic rings of fixed capacity: a value that is newer and at least as extreme makes an
//! older one irrelevant. Nothing is allocated after construction.

/// Which end is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    High,
    Low,
}

/// A monotonic ring: candidates for the extreme, the most extreme first.
#[derive(Clone, Debug)]
struct Extreme {
    end: End,
    ring: Box<[(u64, i64)]>,
    head: usize,
    length: usize,
}

impl Extreme {
    fn new(end: End, capacity: usize) -> Self {
        Self {
            end,
            ring: vec![(0, 0); capacity].into_boxed_slice(),
            head: 0,
            length: 0,
        }
    }

    fn slot(&self, position: usize) -> usize {
        let slot = self.head + position;
        if slot >= self.ring.len() {
            slot - self.ring.len()
        } else {
            slot
        }
    }

    fn drop_before(&mut self, step: u64) {
        while self.length > 0 && self.ring[self.head].0 < step {
            self.head = self.slot(1);
            self.length -= 1;
        }
    }

    fn push(&mut self, step: u64, value: i64) {
        while self.length > 0 {
            let last = self.ring[self.slot(self.length - 1)].1;
            let irrelevant = match self.end {
                End::High => last <= value,
                End::Low => last >= value,
            };
            if !irrelevant {
                break;
            }
            self.length -= 1;
        }
        assert!(
            self.length < self.ring.len(),
            "a window holds one value a step at most"
        );
        let slot = self.slot(self.length);
        self.ring[slot] = (step, value);
        self.length += 1;
    }

    fn first(&self) -> Option<i64> {
        (self.length > 0).then(|| self.ring[self.head].1)
    }
}

/// Highest and lowest value of the last `window` steps.
#[derive(Clone, Debug)]
pub struct RollingRange {
    window: u64,
    high: Extreme,
    low: Extreme,
}

impl RollingRange {
    /// An empty window of `window` steps.
    ///
    /// # Panics
    /// If `window` is zero.
    #[must_use]
    pub fn new(window: usize) -> Self {
        assert!(window > 0, "a window has at least one step");
        Self {
            window: window as u64,
            high: Extreme::new(End::High, window),
            low: Extreme::new(End::Low, window),
        }
    }

    /// Takes the value of `step`; steps must rise. Values of `step − window` and before fall out.
    pub fn push(&mut self, step: u64, value: i64) {
        self.forget_before(step);
        self.high.push(step, value);
        self.low.push(step, value);
    }

    /// Lowest and highest value within the `window` steps before `step`; `None` when none is.
    pub fn before(&mut self, step: u64) -> Option<(i64, i64)> {
        let oldest = step.saturating_sub(self.window);
        self.high.drop_before(oldest);
        self.low.drop_before(oldest);
        Some((self.low.first()?, self.high.first()?))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.high.length = 0;
        self.low.length = 0;
    }

    fn forget_before(&mut self, step: u64) {
        let oldest = (step + 1).saturating_sub(self.window);
        self.high.drop_before(oldest);
        self.low.drop_before(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_agrees_with_a_scan_of_all_values(
            window in 1_usize..30,
            values in prop::collection::vec((1_u64..9, -20_i64..20), 1..200),
        ) {
            let mut rolling = RollingRange::new(window);
            let mut all: Vec<(u64, i64)> = Vec::new();
            let mut step = 0;
            for (gap, value) in values {
                step += gap;
                let within = all.iter().filter(|(at, _)| at + window as u64 >= step);
                let low = within.clone().map(|(_, value)| *value).min();
                let high = within.map(|(_, value)| *value).max();
                prop_assert_eq!(rolling.before(step), low.zip(high));
                rolling.push(step, value);
                all.push((step, value));
            }
        }
    }

    #[test]
    fn a_cleared_window_is_empty() {
        let mut rolling = RollingRange::new(4);
        rolling.push(1, 5);
        rolling.clear();
        assert_eq!(rolling.before(2), None);
    }
}
