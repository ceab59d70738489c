//! Opening-range and momentum scalper, long and short.
//!
//! *Opening mode*: the highest and lowest mid of the first `range` of the session bound a range.
//! For `opening_phase` after it, a mid beyond the range (by `buffer_ticks`, and not run away by
//! more than `chase_share` of its width) is a breakout.
//! *Momentum mode*: from `momentum_after` on, a mid beyond every mid of the last `window` is one.
//!
//! A breakout is confirmed when the tape runs at `tape_min` times its baseline or faster, the
//! aggressors' flow and the quote imbalance are for the side, and (with `require_vwap`) the mid
//! lies on the side's side of the VWAP. Only a confirmed breakout scores; see `score.rs` for the
//! ten components and `levels.rs` for entry, stop and target.
//!
//! Deliberately absent: exits other than the bracket's own, and any knowledge of the account.

mod config;
mod levels;
mod score;

pub use config::{OpeningRangeConfig, Weights};
pub use score::COMPONENT_NAMES;

use crate::codec::{Reader, Writer};
use crate::features::RollingRange;
use crate::strategy::{Scores, Seen, Setup, Strategy};
use levels::levels;
use score::{components, score};
use stream::hash::fold;
use stream::{Nanos, Side};

/// Bytes of one instrument in a checkpoint.
const STATE_BYTES: usize = 2 + 4 + 1 + 8 + 8;

/// What is known of the opening range of one instrument in one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Range {
    date: u32,
    /// The session was seen from its beginning.
    whole: bool,
    /// Twice the highest and lowest mid, 0 before the first.
    high2: i64,
    low2: i64,
}

impl Range {
    fn take(&mut self, mid2: i64) {
        if self.high2 == 0 {
            (self.high2, self.low2) = (mid2, mid2);
        }
        self.high2 = self.high2.max(mid2);
        self.low2 = self.low2.min(mid2);
    }
}

#[derive(Clone, Debug)]
struct State {
    range: Range,
    window: RollingRange,
    /// When the window saw its first mid since it was last empty.
    window_since: Nanos,
    /// Lowest and highest doubled mid of the window before this view, where it is old enough.
    bounds: Option<(i64, i64)>,
    /// How far the mid stands beyond its boundary on either side, doubled; 0 is not.
    beyond2: [i64; 2],
}

/// The strategy.
#[derive(Debug)]
pub struct OpeningRange {
    config: OpeningRangeConfig,
    states: Vec<State>,
    digest: u64,
}

impl OpeningRange {
    /// For instruments 1 to `instruments`.
    ///
    /// # Panics
    /// If the configuration was not checked and holds no window.
    #[must_use]
    pub fn new(config: OpeningRangeConfig, instruments: usize) -> Self {
        let state = State {
            range: Range::default(),
            window: RollingRange::new(config.window_steps()),
            window_since: Nanos::ZERO,
            bounds: None,
            beyond2: [0; 2],
        };
        Self {
            config,
            states: vec![state; instruments + 1],
            digest: 0,
        }
    }

    /// Bytes of the strategy's part of a checkpoint at most.
    #[must_use]
    pub fn bytes_max(instruments: usize) -> usize {
        2 + (instruments + 1) * STATE_BYTES
    }

    /// Folds the mid into range and window and measures the breakout of either side.
    fn follow(&mut self, seen: &Seen<'_>) {
        let (config, mid2) = (&self.config, seen.features.mid2());
        let state = &mut self.states[seen.instrument.index()];
        if state.range.date != seen.hours.date {
            let late = seen.ts > seen.hours.open.saturating_add(config.range_start_max);
            state.range = Range {
                date: seen.hours.date,
                whole: !late,
                ..Range::default()
            };
            state.window.clear();
            state.window_since = seen.ts;
        }
        let known = state.window.before(seen.step);
        if known.is_none() {
            state.window_since = seen.ts;
        }
        let half = Nanos(config.window.0 / 2);
        let old = seen.ts >= state.window_since.saturating_add(half);
        state.bounds = known.filter(|_| old);
        state.window.push(seen.step, mid2);

        let age = seen.ts.saturating_sub(seen.hours.open);
        if age < config.range {
            state.range.take(mid2);
        }
        let opening = opening_breakout(config, state, seen, age);
        let momentum = momentum_breakout(config, state, mid2, age);
        state.beyond2 = [opening[0].max(momentum[0]), opening[1].max(momentum[1])];
        let bounds = state.bounds.unwrap_or_default();
        self.digest = fold(
            self.digest,
            bounds.0 as u64 ^ (bounds.1 as u64).rotate_left(32),
        );
    }

    fn is_confirmed(&self, seen: &Seen<'_>, side: Side) -> bool {
        let (config, features) = (&self.config, seen.features);
        let sign = side.sign();
        let signed = sign as f64;
        let vwap2 = seen.view.vwap.0.saturating_mul(2);
        let above = features.mid2().saturating_sub(vwap2).saturating_mul(sign);
        let vwap_agrees = !config.require_vwap || vwap2 == 0 || above >= 0;
        features.tape_relative() >= config.tape_min
            && signed * features.flow() >= config.flow_min
            && signed * features.imbalance() >= config.imbalance_min
            && vwap_agrees
    }

    fn score_side(&self, seen: &Seen<'_>, side: Side) -> f64 {
        let beyond2 =
            self.states[seen.instrument.index()].beyond2[crate::session::side_index(side)];
        if beyond2 <= 0 || !self.is_confirmed(seen, side) {
            return 0.0;
        }
        let parts = components(&self.config, seen, side.sign() as f64, beyond2);
        score(
            &self.config,
            &parts,
            seen.features.depth_imbalance().is_some(),
        )
    }
}

/// How far the mid stands beyond the opening range on either side, doubled; 0 where it does not.
fn opening_breakout(
    config: &OpeningRangeConfig,
    state: &State,
    seen: &Seen<'_>,
    age: Nanos,
) -> [i64; 2] {
    let range = state.range;
    let over = config.range.saturating_add(config.opening_phase);
    if age < config.range || age >= over || !range.whole || range.high2 == 0 {
        return [0; 2];
    }
    let mid2 = seen.features.mid2();
    let buffer2 = seen
        .tick
        .0
        .saturating_mul(2 * i64::from(config.buffer_ticks));
    // A range of no width at all is given the width of its buffer.
    let width2 = range.high2.saturating_sub(range.low2).max(buffer2);
    let chase2 = width2 as f64 * config.chase_share;
    let beyond = |distance2: i64| {
        let fresh = distance2 > buffer2 && distance2 as f64 <= chase2 + buffer2 as f64;
        if fresh { distance2 - buffer2 } else { 0 }
    };
    [
        beyond(mid2.saturating_sub(range.high2)),
        beyond(range.low2.saturating_sub(mid2)),
    ]
}

/// How far the mid stands beyond the window on either side, doubled; 0 where it does not.
fn momentum_breakout(
    config: &OpeningRangeConfig,
    state: &State,
    mid2: i64,
    age: Nanos,
) -> [i64; 2] {
    match state.bounds {
        Some((low2, high2)) if age >= config.momentum_after => [
            mid2.saturating_sub(high2).max(0),
            low2.saturating_sub(mid2).max(0),
        ],
        _ => [0; 2],
    }
}

impl Strategy for OpeningRange {
    fn name(&self) -> &'static str {
        "opening_range"
    }

    fn threshold(&self) -> f64 {
        self.config.threshold
    }

    fn judge(&mut self, seen: &Seen<'_>) -> Option<Scores> {
        self.follow(seen);
        Some([
            self.score_side(seen, Side::Buy),
            self.score_side(seen, Side::Sell),
        ])
    }

    fn setup(&self, seen: &Seen<'_>, side: Side) -> Option<Setup> {
        let config = &self.config;
        let state = &self.states[seen.instrument.index()];
        let mid2 = seen.features.mid2();
        let structure2 = state.bounds.map(|(low2, high2)| match side {
            Side::Sell => high2.saturating_sub(mid2),
            _ => mid2.saturating_sub(low2),
        });
        let beyond2 = state.beyond2[crate::session::side_index(side)];
        let levels = levels(config, seen, side, structure2)?;
        Some(Setup {
            components: components(config, seen, side.sign() as f64, beyond2),
            entry: levels.entry,
            stop: levels.stop,
            target: levels.target,
            gates: levels.gates,
            horizon: config.horizon,
            ttl: config.ttl,
            spread_max: levels.spread_max,
            tape_stall: config.tape_stall,
            risk_share_ppm: config.risk_share_ppm,
        })
    }

    fn hash(&self) -> u64 {
        let mut sum = self.digest;
        for (i, state) in self.states.iter().enumerate() {
            let range = state.range;
            if range.date != 0 {
                let low = (range.low2 as u64).rotate_left(32);
                let head = u64::from(range.date) << 17 | u64::from(range.whole) << 16 | i as u64;
                sum = sum.wrapping_add(fold(head, range.high2 as u64 ^ low));
            }
        }
        sum
    }

    fn save(&self, writer: &mut Writer<'_>) {
        let used = self
            .states
            .iter()
            .enumerate()
            .filter(|(_, state)| state.range.date != 0);
        writer.u16(used.clone().count() as u16);
        for (i, state) in used {
            writer.u16(i as u16);
            writer.u32(state.range.date);
            writer.u8(u8::from(state.range.whole));
            writer.i64(state.range.high2);
            writer.i64(state.range.low2);
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), &'static str> {
        for state in &mut self.states {
            state.range = Range::default();
        }
        for _ in 0..reader.u16()? {
            let i = usize::from(reader.u16()?);
            let state = self
                .states
                .get_mut(i)
                .ok_or("a saved opening range is about an instrument beyond the universe")?;
            state.range = Range {
                date: reader.u32()?,
                whole: reader.u8()? != 0,
                high2: reader.i64()?,
                low2: reader.i64()?,
            };
        }
        Ok(())
    }
}
