//! The score: ten components, each in −1 to 1, where positive speaks for the side.
//!
//! | # | component | full at |
//! |---|---|---|
//! | 0 | breakout: mid beyond the boundary, never negative | `breakout_sigma` σ |
//! | 1 | microprice against the mid, in half spreads | the touch |
//! | 2 | imbalance of the best quantities, smoothed | one-sided |
//! | 3 | imbalance of the depth sums, smoothed; 0 and unweighted without depth | one-sided |
//! | 4 | tape speed over its baseline, less 1 | `tape_full` |
//! | 5 | aggressor flow, net over gross | one-sided |
//! | 6 | mid against the session's VWAP | `vwap_sigma` σ |
//! | 7 | drift in σ | `momentum_full` |
//! | 8 | volume over its baseline, less 1 | `tape_full` |
//! | 9 | cost: −(spread over the stop distance of the volatility), never positive | as wide |
//!
//! score = Σ wᵢ·cᵢ ÷ Σ wᵢ. σ is the mid's standard deviation over `stop_horizon`. Differences are
//! taken in integers and signs are applied last, so that a mirrored market gives the same bits.

use super::config::OpeningRangeConfig;
use crate::strategy::Seen;
use stream::payload::COMPONENTS;
use stream::units::SCALE;

/// Names of the ten components, in their order; those of their weights in the configuration.
pub const COMPONENT_NAMES: [&str; COMPONENTS] = [
    "breakout",
    "microprice",
    "imbalance",
    "depth",
    "tape",
    "flow",
    "vwap",
    "momentum",
    "volume",
    "spread",
];

/// A difference of two doubled prices in currency units.
pub(super) fn currency2(difference2: i64) -> f64 {
    difference2 as f64 / (2.0 * SCALE as f64)
}

fn unit(value: f64) -> f64 {
    value.clamp(-1.0, 1.0)
}

/// `value ÷ full`, 0 where the unit is 0: nothing moved yet, nothing can be said.
fn part(value: f64, full: f64) -> f64 {
    if full > 0.0 { unit(value / full) } else { 0.0 }
}

/// The components for the side with that `sign` (+1 buy, −1 sell) when the mid stands `beyond2`
/// (doubled, 1e-9, positive) past its boundary.
pub(super) fn components(
    config: &OpeningRangeConfig,
    seen: &Seen<'_>,
    sign: f64,
    beyond2: i64,
) -> [f64; COMPONENTS] {
    let (view, features) = (seen.view, seen.features);
    let sigma = features.sigma(config.stop_horizon.0 as f64 / 1e9);
    let mid2 = features.mid2();
    let spread = view.ask.saturating_sub(view.bid).to_f64();
    let micro2 = view.microprice.0.saturating_mul(2).saturating_sub(mid2);
    let vwap2 = if view.vwap.0 == 0 {
        0
    } else {
        mid2.saturating_sub(view.vwap.0.saturating_mul(2))
    };
    let tape_room = config.tape_full - 1.0;
    [
        part(currency2(beyond2).max(0.0), config.breakout_sigma * sigma),
        sign * part(currency2(micro2), spread / 2.0),
        sign * unit(features.imbalance()),
        sign * unit(features.depth_imbalance().unwrap_or(0.0)),
        unit((features.tape_relative() - 1.0) / tape_room),
        sign * features.flow(),
        sign * part(currency2(vwap2), config.vwap_sigma * sigma),
        sign * unit(features.momentum() / config.momentum_full),
        unit((features.volume_relative() - 1.0) / tape_room),
        -part(spread, config.stop_sigma * sigma),
    ]
}

/// The weighted mean of the components.
pub(super) fn score(
    config: &OpeningRangeConfig,
    components: &[f64; COMPONENTS],
    has_depth: bool,
) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (i, (component, weight)) in components.iter().zip(config.weights.list()).enumerate() {
        if i == 3 && !has_depth {
            continue;
        }
        sum += component * weight;
        weights += weight;
    }
    if weights > 0.0 { sum / weights } else { 0.0 }
}
