//! Streaming features of one instrument: constant time and memory per view.
//!
//! They are folded from [`BookView`]s alone and use only additions, multiplications, divisions and
//! `libm` square roots, so that every CPU computes the same bits. Signed features change sign
//! exactly when the market is mirrored. An instrument whose book is not tradable keeps its rates,
//! but contributes no price change, and none is taken across the hole afterwards.

mod ewma;
mod rate;
mod rolling;
mod volatility;

pub use ewma::{Decay, Ewma};
pub use rate::Rate;
pub use rolling::RollingRange;
pub use volatility::Volatility;

use stream::Nanos;
use stream::hash::fold;
use stream::limits::EVALUATE_PERIOD;
use stream::payload::BookView;

/// Seconds of one evaluation step.
pub const STEP_S: f64 = EVALUATE_PERIOD.0 as f64 / 1e9;

/// Memories of the features, all as half-lives.
#[derive(Clone, Debug, PartialEq)]
pub struct FeaturesConfig {
    /// Recent tape speed and volume. Default 5 s.
    pub tape_fast: Nanos,
    /// Their baseline. Default 300 s.
    pub tape_slow: Nanos,
    /// Aggressor flow. Default 5 s.
    pub flow: Nanos,
    /// Quote and depth imbalance. Default 1 s.
    pub quote: Nanos,
    /// Realised volatility and mean spread. Default 60 s.
    pub volatility: Nanos,
    /// Drift of the mid. Default 10 s.
    pub momentum: Nanos,
    /// Added to recent and baseline trades per second before they are divided. Default 0.2.
    pub tape_floor: f64,
    /// Added to recent and baseline volume per second before they are divided. Default 20.
    pub volume_floor: f64,
}

impl Default for FeaturesConfig {
    fn default() -> Self {
        Self {
            tape_fast: Nanos::from_secs(5),
            tape_slow: Nanos::from_secs(300),
            flow: Nanos::from_secs(5),
            quote: Nanos::from_secs(1),
            volatility: Nanos::from_secs(60),
            momentum: Nanos::from_secs(10),
            tape_floor: 0.2,
            volume_floor: 20.0,
        }
    }
}

/// The decays of a [`FeaturesConfig`], shared by all instruments.
#[derive(Clone, Debug)]
pub struct Decays {
    tape_fast: Decay,
    tape_slow: Decay,
    flow: Decay,
    quote: Decay,
    volatility: Decay,
    momentum: Decay,
    momentum_s: f64,
    tape_floor: f64,
    volume_floor: f64,
}

impl Decays {
    /// Tabulates the decays.
    ///
    /// # Panics
    /// If a half-life is zero.
    #[must_use]
    pub fn new(config: &FeaturesConfig) -> Self {
        let decay = |half_life| Decay::new(half_life, EVALUATE_PERIOD);
        Self {
            tape_fast: decay(config.tape_fast),
            tape_slow: decay(config.tape_slow),
            flow: decay(config.flow),
            quote: decay(config.quote),
            volatility: decay(config.volatility),
            momentum: decay(config.momentum),
            momentum_s: config.momentum.0 as f64 / 1e9,
            tape_floor: config.tape_floor,
            volume_floor: config.volume_floor,
        }
    }

    /// Fast and slow decay of the tape.
    #[must_use]
    pub fn tape(&self) -> (&Decay, &Decay) {
        (&self.tape_fast, &self.tape_slow)
    }
}

/// The features of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Features {
    step: u64,
    mid2: i64,
    tape: Rate,
    volume: Rate,
    flow_net: Ewma,
    flow_gross: Ewma,
    imbalance: Ewma,
    depth: Ewma,
    volatility: Volatility,
    momentum: f64,
    tape_relative: f64,
    volume_relative: f64,
}

/// Twice the mid in 1e-9, exact; `None` when a side is empty or the sum overflows.
#[must_use]
pub fn mid2(bid: stream::Price, ask: stream::Price) -> Option<i64> {
    if bid.0 == 0 || ask.0 == 0 {
        return None;
    }
    bid.0.checked_add(ask.0)
}

impl Features {
    /// Takes the view of evaluation step `step` (the tick's due time in evaluation periods).
    /// `depth_ready` says whether its depth sums may be used.
    pub fn update(&mut self, decays: &Decays, step: u64, view: &BookView, depth_ready: bool) {
        let steps = if self.step == 0 {
            1
        } else {
            step.saturating_sub(self.step).max(1)
        };
        self.step = step;
        let tape = decays.tape();
        self.tape
            .update(tape, steps, STEP_S, f64::from(view.trades));
        let (bought, sold) = (view.volume_buy as f64, view.volume_sell as f64);
        self.volume.update(tape, steps, STEP_S, bought + sold);
        let share = decays.flow.over(steps);
        self.flow_net.update(share, bought - sold);
        self.flow_gross.update(share, bought + sold);
        self.tape_relative = self.tape.relative(decays.tape_floor);
        self.volume_relative = self.volume.relative(decays.volume_floor);
        self.update_quote(decays, steps, view, depth_ready);
    }

    fn update_quote(&mut self, decays: &Decays, steps: u64, view: &BookView, depth_ready: bool) {
        let Some(mid2) = mid2(view.bid, view.ask).filter(|_| view.quality == 0) else {
            self.mid2 = 0;
            return;
        };
        let share = decays.quote.over(steps);
        self.imbalance
            .update(share, f64::from(view.imbalance_best_ppm) / 1e6);
        if depth_ready {
            self.depth
                .update(share, f64::from(view.imbalance_depth_ppm) / 1e6);
        } else {
            self.depth = Ewma::default();
        }
        if self.mid2 != 0 {
            let change2 = mid2.saturating_sub(self.mid2);
            let decay = (&decays.volatility, &decays.momentum);
            self.volatility.update(decay, steps, STEP_S, change2);
            self.momentum = self.volatility.momentum(decays.momentum_s);
        }
        self.mid2 = mid2;
    }

    /// The step of the newest view, 0 before the first.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Twice the mid, in 1e-9; 0 while the book is not tradable.
    #[must_use]
    pub fn mid2(&self) -> i64 {
        self.mid2
    }

    /// Recent trades per second.
    #[must_use]
    pub fn tape_speed(&self) -> f64 {
        self.tape.fast()
    }

    /// Recent trades per second in units of their baseline.
    #[must_use]
    pub fn tape_relative(&self) -> f64 {
        self.tape_relative
    }

    /// [`Features::tape_relative`] at a later step up to which nothing traded.
    #[must_use]
    pub fn tape_relative_at(&self, decays: &Decays, step: u64) -> f64 {
        let silent = step.saturating_sub(self.step);
        if silent == 0 {
            return self.tape_relative;
        }
        self.tape
            .relative_after(decays.tape(), silent, decays.tape_floor)
    }

    /// Recent volume in units of its baseline.
    #[must_use]
    pub fn volume_relative(&self) -> f64 {
        self.volume_relative
    }

    /// Aggressors' net volume over their gross volume, −1 to 1.
    #[must_use]
    pub fn flow(&self) -> f64 {
        let gross = self.flow_gross.mean();
        if gross > 0.0 {
            (self.flow_net.mean() / gross).clamp(-1.0, 1.0)
        } else {
            0.0
        }
    }

    /// Imbalance of the best quantities, smoothed, −1 to 1.
    #[must_use]
    pub fn imbalance(&self) -> f64 {
        self.imbalance.mean()
    }

    /// Imbalance of the depth sums, smoothed, −1 to 1; `None` without usable depth.
    #[must_use]
    pub fn depth_imbalance(&self) -> Option<f64> {
        (self.depth.weight() > 0.0).then(|| self.depth.mean())
    }

    /// Standard deviation of the mid's change over `seconds`, in currency units.
    #[must_use]
    pub fn sigma(&self, seconds: f64) -> f64 {
        self.volatility.sigma(seconds)
    }

    /// Drift over its memory in standard deviations.
    #[must_use]
    pub fn momentum(&self) -> f64 {
        self.momentum
    }

    /// One number over everything that decides what the features will say next.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let quote = self.imbalance.bits() ^ self.depth.bits().rotate_left(17);
        let flow = self.flow_net.bits() ^ self.flow_gross.bits().rotate_left(17);
        let rates = self.tape.bits() ^ self.volume.bits().rotate_left(29);
        let head = fold(self.step ^ (self.mid2 as u64).rotate_left(20), quote);
        fold(
            fold(head, flow ^ self.volatility.bits().rotate_left(7)),
            rates,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::Price;

    fn view(bid: i64, ask: i64) -> BookView {
        BookView {
            bid: Price(bid),
            ask: Price(ask),
            trades: 2,
            volume_buy: 300,
            volume_sell: 100,
            imbalance_best_ppm: 500_000,
            ..BookView::zeroed()
        }
    }

    #[test]
    fn no_price_change_is_taken_across_a_hole() {
        let decays = Decays::new(&FeaturesConfig::default());
        let mut features = Features::default();
        features.update(&decays, 10, &view(100_000_000_000, 100_010_000_000), false);
        let mut broken = view(100_000_000_000, 100_010_000_000);
        broken.quality = stream::payload::quality::GAPPED;
        features.update(&decays, 11, &broken, false);
        features.update(&decays, 12, &view(150_000_000_000, 150_010_000_000), false);
        assert!(features.sigma(1.0).abs() < f64::EPSILON);
        features.update(&decays, 13, &view(150_010_000_000, 150_020_000_000), false);
        assert!(features.sigma(1.0) > 0.0);
    }

    #[test]
    fn depth_counts_only_while_it_is_ready() {
        let decays = Decays::new(&FeaturesConfig::default());
        let mut features = Features::default();
        let mut seen = view(100_000_000_000, 100_010_000_000);
        seen.imbalance_depth_ppm = -250_000;
        features.update(&decays, 10, &seen, false);
        assert_eq!(features.depth_imbalance(), None);
        features.update(&decays, 11, &seen, true);
        assert_eq!(features.depth_imbalance(), Some(-0.25));
        features.update(&decays, 12, &seen, false);
        assert_eq!(features.depth_imbalance(), None);
    }

    #[test]
    fn flow_is_net_over_gross() {
        let decays = Decays::new(&FeaturesConfig::default());
        let mut features = Features::default();
        features.update(&decays, 10, &view(100_000_000_000, 100_010_000_000), false);
        assert!((features.flow() - 0.5).abs() < 1e-12);
        assert!((features.tape_speed() - 8.0).abs() < 1e-12);
    }
}
