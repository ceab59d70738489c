//! How much a depth slot would be worth on an instrument, judged from level 1 and the tape alone.
//!
//! ```text
//! score = Σ wᵢ·cᵢ ÷ Σ wᵢ,  every cᵢ in 0..1,  s(x) = x ÷ (1 + x)
//!
//! tape        s(trades per second, recent ÷ baseline)
//! volume      s(shares per second, recent ÷ baseline)
//! volatility  s(σ over 60 s in ppm of the mid ÷ volatility_ppm)
//! momentum    s(|drift over its memory, in σ| ÷ momentum_sigma)
//! spread      1 ÷ (1 + (spread in ticks − 1) ÷ spread_ticks)
//! ```
//!
//! An instrument whose book is not tradable, or that trades less than `trades_min` a second,
//! scores 0. Pure: nothing is kept.

use crate::features::{Decays, Features};
use stream::Price;

/// Weights and scales of the score.
#[derive(Clone, Debug, PartialEq)]
pub struct OpportunityConfig {
    /// Weight of relative tape speed. Default 0.3.
    pub weight_tape: f64,
    /// Weight of relative volume. Default 0.15.
    pub weight_volume: f64,
    /// Weight of volatility. Default 0.25.
    pub weight_volatility: f64,
    /// Weight of momentum. Default 0.2.
    pub weight_momentum: f64,
    /// Weight of a narrow spread. Default 0.1.
    pub weight_spread: f64,
    /// Volatility over 60 s that scores one half, in ppm of the mid. Default 500.
    pub volatility_ppm: f64,
    /// Momentum in σ that scores one half. Default 1.
    pub momentum_sigma: f64,
    /// Ticks of spread beyond the first that score one half. Default 4.
    pub spread_ticks: f64,
    /// Recent trades per second below which an instrument scores 0. Default 0.02.
    pub trades_min: f64,
}

impl Default for OpportunityConfig {
    fn default() -> Self {
        Self {
            weight_tape: 0.3,
            weight_volume: 0.15,
            weight_volatility: 0.25,
            weight_momentum: 0.2,
            weight_spread: 0.1,
            volatility_ppm: 500.0,
            momentum_sigma: 1.0,
            spread_ticks: 4.0,
            trades_min: 0.02,
        }
    }
}

fn saturate(x: f64) -> f64 {
    x / (1.0 + x)
}

/// The score at evaluation step `step`, 0 to 1.
#[must_use]
pub fn score(
    config: &OpportunityConfig,
    decays: &Decays,
    features: &Features,
    spread: Price,
    tick: Price,
    step: u64,
) -> f64 {
    if features.mid2() <= 0 || spread.0 <= 0 || tick.0 <= 0 {
        return 0.0;
    }
    if features.tape_speed() < config.trades_min {
        return 0.0;
    }
    let mid = features.mid2() as f64 / 2e9;
    let volatility_ppm = features.sigma(60.0) / mid * 1e6;
    let spread_ticks = spread.0 as f64 / tick.0 as f64;
    let parts = [
        (
            config.weight_tape,
            saturate(features.tape_relative_at(decays, step)),
        ),
        (config.weight_volume, saturate(features.volume_relative())),
        (
            config.weight_volatility,
            saturate(volatility_ppm / config.volatility_ppm),
        ),
        (
            config.weight_momentum,
            saturate(features.momentum().abs() / config.momentum_sigma),
        ),
        (
            config.weight_spread,
            1.0 / (1.0 + (spread_ticks - 1.0).max(0.0) / config.spread_ticks),
        ),
    ];
    let (mut sum, mut weights) = (0.0, 0.0);
    for (weight, value) in parts {
        sum += weight * value;
        weights += weight;
    }
    sum / weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FeaturesConfig;
    use stream::payload::BookView;

    const TICK: Price = Price(10_000_000);

    fn features(trades: &[u32], step_ticks: i64) -> Features {
        let decays = Decays::new(&FeaturesConfig::default());
        let mut features = Features::default();
        for (i, &trades) in trades.iter().enumerate() {
            let bid = Price(100_000_000_000 + i as i64 * step_ticks * TICK.0);
            let view = BookView {
                bid,
                ask: Price(bid.0 + TICK.0),
                trades,
                volume_buy: u64::from(trades) * 100,
                ..BookView::zeroed()
            };
            features.update(&decays, 1 + i as u64, &view, false);
        }
        features
    }

    fn scored(features: &Features, spread_ticks: i64, step: u64) -> f64 {
        score(
            &OpportunityConfig::default(),
            &Decays::new(&FeaturesConfig::default()),
            features,
            Price(spread_ticks * TICK.0),
            TICK,
            step,
        )
    }

    #[test]
    fn a_burst_scores_above_a_steady_tape_and_fades_in_silence() {
        let steady = features(&[2; 200], 0);
        let mut counts = [2; 200];
        counts[180..].fill(12);
        let burst = features(&counts, 0);
        assert!(scored(&burst, 1, 200) > scored(&steady, 1, 200) + 0.05);
        assert!(scored(&burst, 1, 400) < scored(&burst, 1, 200));
    }

    #[test]
    fn movement_and_a_narrow_spread_score() {
        let still = features(&[2; 100], 0);
        let moving = features(&[2; 100], 1);
        assert!(scored(&moving, 1, 100) > scored(&still, 1, 100));
        assert!(scored(&still, 1, 100) > scored(&still, 20, 100));
        assert!((0.0..=1.0).contains(&scored(&moving, 1, 100)));
    }

    #[test]
    fn what_does_not_trade_is_no_candidate() {
        assert!(scored(&features(&[0; 50], 0), 1, 50).abs() < f64::EPSILON);
        assert!(scored(&Features::default(), 1, 50).abs() < f64::EPSILON);
    }
}
