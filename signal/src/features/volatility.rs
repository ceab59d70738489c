//! Realised volatility and drift of the mid, in currency units.
//!
//! Volatility is the root of the exponentially weighted mean of squared mid changes per second;
//! drift is the weighted mean of signed changes per second. Changes are taken in integers and so
//! mirror exactly when the market does.

use super::ewma::{Decay, Ewma};
use stream::units::SCALE;

/// Volatility and drift of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Volatility {
    variance: Ewma,
    drift: Ewma,
}

impl Volatility {
    /// Takes a change of twice the mid, `change2` in 1e-9, over `steps` steps of `step_s` seconds.
    pub fn update(
        &mut self,
        (slow, fast): (&Decay, &Decay),
        steps: u64,
        step_s: f64,
        change2: i64,
    ) {
        let change = change2 as f64 / (2.0 * SCALE as f64);
        let seconds = steps as f64 * step_s;
        self.variance
            .update(slow.over(steps), change * change / seconds);
        self.drift.update(fast.over(steps), change / seconds);
    }

    /// Standard deviation of the mid's change over `seconds`, in currency units.
    #[must_use]
    pub fn sigma(&self, seconds: f64) -> f64 {
        libm::sqrt(self.variance.mean() * seconds)
    }

    /// Mean change per second, in currency units.
    #[must_use]
    pub fn drift(&self) -> f64 {
        self.drift.mean()
    }

    /// Change expected from the drift over `seconds` in standard deviations over the same time;
    /// 0 while nothing moved.
    #[must_use]
    pub fn momentum(&self, seconds: f64) -> f64 {
        let sigma = self.sigma(seconds);
        if sigma > 0.0 {
            self.drift.mean() * seconds / sigma
        } else {
            0.0
        }
    }

    /// How much of a full memory the variance rests on, 0 to 1.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.variance.weight()
    }

    /// The bits that decide what it will say next.
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.variance.bits() ^ self.drift.bits().rotate_left(17)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stream::Nanos;

    proptest! {
        #[test]
        fn it_agrees_with_the_formula_written_out(
            changes in prop::collection::vec(-1_000_000_000_i64..1_000_000_000, 1..80),
        ) {
            let (slow, fast) = (Decay::new(Nanos(30), Nanos(1)), Decay::new(Nanos(5), Nanos(1)));
            let mut volatility = Volatility::default();
            for &change in &changes {
                volatility.update((&slow, &fast), 1, 0.25, change);
            }
            let mean = |half_life: f64, value: fn(f64) -> f64| {
                let (mut sum, mut weight) = (0.0, 0.0);
                for (age, &change) in changes.iter().rev().enumerate() {
                    let share = (-(age as f64) / half_life * std::f64::consts::LN_2).exp();
                    sum += share * value(change as f64 / 2e9);
                    weight += share;
                }
                sum / weight
            };
            let variance = mean(30.0, |change| change * change / 0.25);
            let drift = mean(5.0, |change| change / 0.25);
            let sigma = volatility.sigma(9.0);
            prop_assert!((sigma - (variance * 9.0).sqrt()).abs() < 1e-9);
            prop_assert!((volatility.drift() - drift).abs() < 1e-9);
        }

        #[test]
        fn a_mirrored_market_mirrors_the_drift_exactly(
            changes in prop::collection::vec(-1_000_000_i64..1_000_000, 1..80),
        ) {
            let decay = Decay::new(Nanos(7), Nanos(1));
            let (mut up, mut down) = (Volatility::default(), Volatility::default());
            for &change in &changes {
                up.update((&decay, &decay), 2, 0.25, change);
                down.update((&decay, &decay), 2, 0.25, -change);
            }
            prop_assert_eq!(up.sigma(3.0).to_bits(), down.sigma(3.0).to_bits());
            prop_assert_eq!(up.drift().to_bits(), (-down.drift()).to_bits());
        }
    }

    #[test]
    fn a_market_that_never_moved_has_no_momentum() {
        assert!(Volatility::default().momentum(10.0).abs() < f64::EPSILON);
    }
}
