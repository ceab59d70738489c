//! A rate against its own baseline: tape speed in trades, relative volume in shares.

use super::ewma::{Decay, Ewma};

/// A fast and a slow mean of one rate per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    fast: Ewma,
    slow: Ewma,
}

impl Rate {
    /// Takes `count` events in `steps` steps of `step_s` seconds.
    pub fn update(&mut self, (fast, slow): (&Decay, &Decay), steps: u64, step_s: f64, count: f64) {
        let rate = count / (steps as f64 * step_s);
        self.fast.update(fast.over(steps), rate);
        self.slow.update(slow.over(steps), rate);
    }

    /// The recent rate, per second.
    #[must_use]
    pub fn fast(&self) -> f64 {
        self.fast.mean()
    }

    /// The recent rate in units of the baseline; 1 while nothing ever happened. `floor` (per
    /// second) is added to both, so that one trade after a long silence is not a burst.
    #[must_use]
    pub fn relative(&self, floor: f64) -> f64 {
        (self.fast.mean() + floor) / (self.slow.mean() + floor)
    }

    /// [`Rate::relative`] as it will be after `silent` further steps without an event.
    #[must_use]
    pub fn relative_after(&self, (fast, slow): (&Decay, &Decay), silent: u64, floor: f64) -> f64 {
        let fast = self.fast.mean_after_silence(fast.over(silent));
        let slow = self.slow.mean_after_silence(slow.over(silent));
        (fast + floor) / (slow + floor)
    }

    /// The bits that decide what it will say next.
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.fast.bits() ^ self.slow.bits().rotate_left(17)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stream::Nanos;

    fn weighted(half_life: f64, counts: &[u32]) -> f64 {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (age, &count) in counts.iter().rev().enumerate() {
            let share = (-(age as f64) / half_life * std::f64::consts::LN_2).exp();
            sum += share * f64::from(count) / 0.25;
            weight += share;
        }
        sum / weight
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_sums_written_out(
            counts in prop::collection::vec(0_u32..50, 1..120),
            silent in 0_usize..40,
        ) {
            let (fast, slow) = (Decay::new(Nanos(8), Nanos(1)), Decay::new(Nanos(90), Nanos(1)));
            let mut rate = Rate::default();
            for &count in &counts {
                rate.update((&fast, &slow), 1, 0.25, f64::from(count));
            }
            let mut padded = counts.clone();
            padded.extend(std::iter::repeat_n(0, silent));
            let expected = (weighted(8.0, &padded) + 0.5) / (weighted(90.0, &padded) + 0.5);
            let told = rate.relative_after((&fast, &slow), silent as u64, 0.5);
            prop_assert!((told - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn nothing_yet_is_neither_fast_nor_slow() {
        assert!((Rate::default().relative(0.2) - 1.0).abs() < f64::EPSILON);
    }
}
