//! Exponentially weighted means over evaluation steps.
//!
//! A view carries sums since the view before it, which may be several steps back when an
//! instrument was silent. A value therefore stands for the whole interval, and the mean is exactly
//! what one update per step with that value would have given (up to rounding).
//!
//! The mean is divided by the weight that it has seen, so it is unbiased from its first value on
//! and does not start from an invented zero.

use stream::Nanos;

const TABLE: usize = 64;

/// The decay of a mean over whole steps, tabulated for the common small numbers of steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Decay {
    powers: [f64; TABLE],
}

impl Decay {
    /// A decay that halves a weight in `half_life`, for steps of `step`.
    ///
    /// # Panics
    /// If either is zero.
    #[must_use]
    pub fn new(half_life: Nanos, step: Nanos) -> Self {
        assert!(half_life.0 > 0 && step.0 > 0, "a decay needs time");
        let one = libm::exp2(-(step.0 as f64 / half_life.0 as f64));
        let mut powers = [1.0; TABLE];
        for i in 1..TABLE {
            powers[i] = powers[i - 1] * one;
        }
        Self { powers }
    }

    /// The share of a weight that is left after `steps` steps.
    #[must_use]
    pub fn over(&self, steps: u64) -> f64 {
        match self.powers.get(steps as usize) {
            Some(&share) if steps < TABLE as u64 => share,
            _ => power(self.powers[1], steps),
        }
    }
}

/// `base` to the `exponent`, by repeated squaring: basic operations only.
fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut result = 1.0;
    while exponent > 0 && result > 0.0 {
        if exponent & 1 == 1 {
            result *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    result
}

/// A running mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ewma {
    sum: f64,
    weight: f64,
}

impl Ewma {
    /// Takes `value`, which held over an interval that leaves `share` of older weights.
    pub fn update(&mut self, share: f64, value: f64) {
        self.sum = self.sum * share + value * (1.0 - share);
        self.weight = self.weight * share + (1.0 - share);
    }

    /// The mean, 0 before the first value.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.weight > 0.0 {
            self.sum / self.weight
        } else {
            0.0
        }
    }

    /// What the mean would be after an interval of zeros that leaves `share` of older weights.
    #[must_use]
    pub fn mean_after_silence(&self, share: f64) -> f64 {
        let mut copy = *self;
        copy.update(share, 0.0);
        copy.mean()
    }

    /// The weight seen so far, 0 to 1: how much of a full memory it rests on.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// The bits that decide what it will say next.
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.sum.to_bits() ^ self.weight.to_bits().rotate_left(32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The weighted mean written out: every step's value with its own weight.
    fn naive(half_life_steps: f64, values: &[(u64, f64)]) -> f64 {
        let mut steps = Vec::new();
        for &(count, value) in values {
            steps.extend(std::iter::repeat_n(value, count as usize));
        }
        let (mut sum, mut weight) = (0.0, 0.0);
        for (age, value) in steps.iter().rev().enumerate() {
            let share = (-(age as f64) / half_life_steps * std::f64::consts::LN_2).exp();
            sum += share * value;
            weight += share;
        }
        sum / weight
    }

    proptest! {
        #[test]
        fn it_is_the_weighted_mean_of_all_steps(
            half_life in 1_u64..2_000,
            values in prop::collection::vec((1_u64..150, -1e6_f64..1e6), 1..40),
        ) {
            let decay = Decay::new(Nanos(half_life), Nanos(1));
            let mut mean = Ewma::default();
            for &(steps, value) in &values {
                mean.update(decay.over(steps), value);
            }
            let expected = naive(half_life as f64, &values);
            prop_assert!((mean.mean() - expected).abs() <= 1e-6 * expected.abs().max(1.0));
        }

        #[test]
        fn silence_is_a_run_of_zeros(before in 1_u64..50, silent in 0_u64..500) {
            let decay = Decay::new(Nanos(40), Nanos(1));
            let mut mean = Ewma::default();
            mean.update(decay.over(before), 7.0);
            let told = mean.mean_after_silence(decay.over(silent));
            let expected = naive(40.0, &[(before, 7.0), (silent, 0.0)]);
            prop_assert!((told - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn the_table_and_the_squaring_agree() {
        let decay = Decay::new(Nanos::from_secs(5), Nanos::from_millis(250));
        for steps in 0..200 {
            assert!((decay.over(steps) - power(decay.over(1), steps)).abs() < 1e-12);
        }
        assert!(decay.over(u64::MAX).abs() < 1e-300);
    }
}
