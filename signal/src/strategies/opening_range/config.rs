//! Configuration of the opening-range and momentum scalper.

use crate::config::{Check, ConfigFault};
use stream::Nanos;

/// Weights of the ten components, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// How far beyond the boundary. Default 1.
    pub breakout: f64,
    /// Microprice against the mid. Default 1.
    pub microprice: f64,
    /// Imbalance of the best quantities. Default 1.
    pub imbalance: f64,
    /// Imbalance of the depth sums; left out while no depth is usable. Default 0.5.
    pub depth: f64,
    /// Tape speed. Default 1.5.
    pub tape: f64,
    /// Aggressor flow. Default 2.
    pub flow: f64,
    /// Side of the VWAP. Default 0.5.
    pub vwap: f64,
    /// Drift. Default 1.
    pub momentum: f64,
    /// Relative volume. Default 0.5.
    pub volume: f64,
    /// Cost of the spread (never positive). Default 0.5.
    pub spread: f64,
}

impl Weights {
    /// The weights in component order.
    #[must_use]
    pub fn list(&self) -> [f64; 10] {
        [
            self.breakout,
            self.microprice,
            self.imbalance,
            self.depth,
            self.tape,
            self.flow,
            self.vwap,
            self.momentum,
            self.volume,
            self.spread,
        ]
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            breakout: 1.0,
            microprice: 1.0,
            imbalance: 1.0,
            depth: 0.5,
            tape: 1.5,
            flow: 2.0,
            vwap: 0.5,
            momentum: 1.0,
            volume: 0.5,
            spread: 0.5,
        }
    }
}

/// All that can be set. Spans are nanoseconds; distances are ticks, σ, or shares of one another.
#[derive(Clone, Debug, PartialEq)]
pub struct OpeningRangeConfig {
    /// The opening range is taken over this long from the open. Default 5 min.
    pub range: Nanos,
    /// From the end of the range, its breakouts count for this long; 0 turns the mode off.
    /// Default 85 min.
    pub opening_phase: Nanos,
    /// The range holds only if the first view came within this long of the open. Default 30 s.
    pub range_start_max: Nanos,
    /// Ticks beyond the range before it counts as broken. Default 1.
    pub buffer_ticks: u32,
    /// A price further beyond than this share of the range's width has run away. Default 0.5.
    pub chase_share: f64,
    /// Momentum mode: a new high or low of this window, at most 10 min. Default 120 s.
    pub window: Nanos,
    /// Momentum mode begins this long after the open; it needs half a window of its own as well.
    /// Default 10 min.
    pub momentum_after: Nanos,
    /// Breakout that scores full, in σ over `stop_horizon`. Default 0.5.
    pub breakout_sigma: f64,
    /// Least recent tape speed in units of its baseline. Default 1.2.
    pub tape_min: f64,
    /// Tape speed and volume, in units of their baselines, that score full. Default 3.
    pub tape_full: f64,
    /// Least aggressor flow for the side, −1 to 1. Default 0.2.
    pub flow_min: f64,
    /// Least imbalance of the best quantities for the side, −1 to 1. Default 0.
    pub imbalance_min: f64,
    /// The mid must be on the side's side of the session's VWAP. Default true.
    pub require_vwap: bool,
    /// Distance from the VWAP that scores full, in σ over `stop_horizon`. Default 2.
    pub vwap_sigma: f64,
    /// Momentum that scores full, in σ. Default 2.
    pub momentum_full: f64,
    /// Score from which a side is a signal, 0 to 1. Default 0.45.
    pub threshold: f64,
    /// Weights of the components.
    pub weights: Weights,
    /// Entry limit: this many ticks through the far touch; negative waits inside. Default 2.
    pub entry_ticks: i32,
    /// Time whose σ measures the stop. Default 60 s.
    pub stop_horizon: Nanos,
    /// Stop distance in that σ when the structure does not say otherwise. Default 1.5.
    pub stop_sigma: f64,
    /// The structure (the window's other end) may stretch the stop up to this many times the
    /// volatility's distance, and shrink it to the same part of it. At least 1. Default 1.5.
    pub stop_stretch: f64,
    /// The stop is never nearer than this many ticks. Default 5.
    pub stop_ticks_min: u32,
    /// Nor nearer than this many spreads. Default 2.
    pub stop_spreads_min: f64,
    /// Target distance in stop distances. Default 1.5.
    pub target_r: f64,
    /// How long an entry may wait. Default 3 s.
    pub ttl: Nanos,
    /// The widest spread to enter at, in σ over `stop_horizon`. Default 1.
    pub spread_sigma_max: f64,
    /// A spread of up to this many ticks is never too wide. Default 2.
    pub spread_ticks_free: u32,
    /// A waiting entry is cancelled beyond this many times the spread at the signal. Default 2.
    pub spread_blow_out: f64,
    /// A waiting entry is cancelled after this long without a trade; 0 is never. Default 10 s.
    pub tape_stall: Nanos,
    /// How long outcomes are followed. Default 10 min.
    pub horizon: Nanos,
    /// Share of the account risk to use, in ppm. Default 1,000,000.
    pub risk_share_ppm: u32,
}

impl Default for OpeningRangeConfig {
    fn default() -> Self {
        Self {
            range: Nanos::from_secs(300),
            opening_phase: Nanos::from_secs(5_100),
            range_start_max: Nanos::from_secs(30),
            buffer_ticks: 1,
            chase_share: 0.5,
            window: Nanos::from_secs(120),
            momentum_after: Nanos::from_secs(600),
            breakout_sigma: 0.5,
            tape_min: 1.2,
            tape_full: 3.0,
            flow_min: 0.2,
            imbalance_min: 0.0,
            require_vwap: true,
            vwap_sigma: 2.0,
            momentum_full: 2.0,
            threshold: 0.45,
            weights: Weights::default(),
            entry_ticks: 2,
            stop_horizon: Nanos::from_secs(60),
            stop_sigma: 1.5,
            stop_stretch: 1.5,
            stop_ticks_min: 5,
            stop_spreads_min: 2.0,
            target_r: 1.5,
            ttl: Nanos::from_secs(3),
            spread_sigma_max: 1.0,
            spread_ticks_free: 2,
            spread_blow_out: 2.0,
            tape_stall: Nanos::from_secs(10),
            horizon: Nanos::from_secs(600),
            risk_share_ppm: 1_000_000,
        }
    }
}

impl OpeningRangeConfig {
    /// For a demonstration of half a minute on the synthetic market, whose session opens at its
    /// start: everything happens within seconds.
    #[must_use]
    pub fn demo() -> Self {
        Self {
            range: Nanos::from_secs(3),
            opening_phase: Nanos::from_secs(5),
            range_start_max: Nanos::from_secs(2),
            chase_share: 2.0,
            window: Nanos::from_secs(3),
            momentum_after: Nanos::from_secs(4),
            tape_min: 0.9,
            flow_min: 0.05,
            imbalance_min: -0.2,
            require_vwap: false,
            threshold: 0.25,
            stop_horizon: Nanos::from_secs(4),
            stop_ticks_min: 3,
            stop_sigma: 1.0,
            target_r: 1.0,
            ttl: Nanos::from_secs(2),
            spread_sigma_max: 3.0,
            spread_ticks_free: 4,
            horizon: Nanos::from_secs(10),
            ..Self::default()
        }
    }

    /// The momentum window in evaluation steps.
    #[must_use]
    pub fn window_steps(&self) -> usize {
        (self.window.0 / stream::limits::EVALUATE_PERIOD.0) as usize
    }

    /// Collects what is out of range.
    pub fn check(&self, faults: &mut Vec<ConfigFault>) {
        let mut check = Check::new("opening_range", faults);
        check.span("range", self.range, 1, 14_400);
        check.span("range_start_max", self.range_start_max, 1, 3_600);
        check.span("window", self.window, 1, 600);
        check.span("stop_horizon", self.stop_horizon, 1, 3_600);
        check.span("ttl", self.ttl, 1, 3_600);
        check.span("horizon", self.horizon, 1, 86_400);
        check.float("chase_share", self.chase_share, 0.01, 100.0);
        check.float("breakout_sigma", self.breakout_sigma, 0.001, 100.0);
        check.float("tape_min", self.tape_min, 0.0, 100.0);
        check.float("tape_full", self.tape_full, 1.001, 1_000.0);
        check.float("flow_min", self.flow_min, -1.0, 1.0);
        check.float("imbalance_min", self.imbalance_min, -1.0, 1.0);
        check.float("vwap_sigma", self.vwap_sigma, 0.001, 1_000.0);
        check.float("momentum_full", self.momentum_full, 0.001, 1_000.0);
        check.float("threshold", self.threshold, 0.001, 1.0);
        check.float("stop_sigma", self.stop_sigma, 0.001, 100.0);
        check.float("stop_stretch", self.stop_stretch, 1.0, 100.0);
        check.float("stop_spreads_min", self.stop_spreads_min, 0.0, 100.0);
        check.float("target_r", self.target_r, 0.01, 100.0);
        check.float("spread_sigma_max", self.spread_sigma_max, 0.0, 1_000.0);
        check.float("spread_blow_out", self.spread_blow_out, 1.0, 1_000.0);
        check.count("stop_ticks_min", u64::from(self.stop_ticks_min), 1, 100_000);
        check.count("buffer_ticks", u64::from(self.buffer_ticks), 0, 100_000);
        check.count(
            "entry_ticks",
            u64::from(self.entry_ticks.unsigned_abs()),
            0,
            100_000,
        );
        check.count(
            "spread_ticks_free",
            u64::from(self.spread_ticks_free),
            0,
            100_000,
        );
        check.count(
            "risk_share_ppm",
            u64::from(self.risk_share_ppm),
            1,
            1_000_000,
        );
        let weights = self.weights.list();
        for weight in weights {
            check.float("weights", weight, 0.0, 1_000.0);
        }
        check.float("sum of weights", weights.iter().sum(), 0.001, 10_000.0);
    }
}
