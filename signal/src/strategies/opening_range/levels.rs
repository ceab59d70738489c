//! Entry, stop and target of a set-up, on the tick grid.
//!
//! The stop lies behind the structure (one tick beyond the other end of the window), held within
//! `stop_stretch` of the volatility's distance, and is never nearer than the configured ticks and
//! spreads. The target is a multiple of the stop's distance.

use super::config::OpeningRangeConfig;
use super::score::currency2;
use crate::gates;
use crate::strategy::Seen;
use stream::{Price, Side};

/// Prices of a set-up and the gates that they close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Levels {
    pub(super) entry: Price,
    pub(super) stop: Price,
    pub(super) target: Price,
    pub(super) spread_max: Price,
    pub(super) gates: u32,
}

fn ticks(count: i64, tick: Price) -> Option<Price> {
    tick.0.checked_mul(count).map(Price)
}

/// `from` moved by `distance` in the direction of `side`.
fn towards(side: Side, from: Price, distance: Price) -> Option<Price> {
    match side {
        Side::Sell => from.checked_sub(distance),
        _ => from.checked_add(distance),
    }
}

/// A distance in currency units on the grid, rounded to the nearest tick.
fn distance(value: f64, tick: Price) -> Option<Price> {
    Price::nearest(value, tick)
}

/// The stop's distance from the entry. `structure2` is how far (doubled, in 1e-9) the window's
/// other end lies behind the mid, where a window is known.
fn stop_distance(
    config: &OpeningRangeConfig,
    seen: &Seen<'_>,
    spread: Price,
    structure2: Option<i64>,
) -> Option<Price> {
    let sigma = seen.features.sigma(config.stop_horizon.0 as f64 / 1e9);
    let volatility = config.stop_sigma * sigma;
    let wished = match structure2 {
        Some(behind2) => (currency2(behind2) + seen.tick.to_f64()).clamp(
            volatility / config.stop_stretch,
            volatility * config.stop_stretch,
        ),
        None => volatility,
    };
    let by_spread = distance(config.stop_spreads_min * spread.to_f64(), seen.tick)?;
    let by_ticks = ticks(i64::from(config.stop_ticks_min), seen.tick)?;
    Some(distance(wished, seen.tick)?.max(by_spread).max(by_ticks))
}

/// Puts a set-up into prices; `None` when one of them leaves the range of prices.
pub(super) fn levels(
    config: &OpeningRangeConfig,
    seen: &Seen<'_>,
    side: Side,
    structure2: Option<i64>,
) -> Option<Levels> {
    let (view, tick) = (seen.view, seen.tick);
    let spread = view.ask.checked_sub(view.bid)?;
    let touch = match side {
        Side::Sell => view.bid.floor_to(tick),
        _ => view.ask.ceil_to(tick),
    };
    let entry = towards(side, touch, ticks(i64::from(config.entry_ticks), tick)?)?;
    let risk = stop_distance(config, seen, spread, structure2)?;
    let gain = distance(config.target_r * risk.to_f64(), tick)?.max(tick);
    let stop = towards(side.opposite(), entry, risk)?;
    let target = towards(side, entry, gain)?;
    if entry.0 <= 0 || stop.0 <= 0 || target.0 <= 0 {
        return None;
    }
    let sigma = seen.features.sigma(config.stop_horizon.0 as f64 / 1e9);
    let free = ticks(i64::from(config.spread_ticks_free), tick)?;
    let wide = spread > free && spread.to_f64() > config.spread_sigma_max * sigma;
    let blow_out = distance(config.spread_blow_out * spread.to_f64(), tick)?;
    Some(Levels {
        entry,
        stop,
        target,
        spread_max: blow_out.max(free).max(tick),
        gates: if wide { gates::SPREAD } else { 0 },
    })
}
