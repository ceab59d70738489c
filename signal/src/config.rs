//! Configuration of the stage: plain values, checked as a whole.

use crate::features::FeaturesConfig;
use crate::missed::TRACKS_MAX;
use crate::opportunity::OpportunityConfig;
use crate::outcomes::UNDECIDED_MAX;
use crate::slots::SlotsConfig;
use crate::stage::state;
use crate::strategies::opening_range::{OpeningRange, OpeningRangeConfig};
use crate::strategies::probe::{Probe, ProbeConfig};
use crate::strategy::Strategy;
use crate::throttle::ThrottleConfig;
use core::fmt;
use stream::Nanos;
use stream::limits::{
    CHECKPOINT_BYTES_MAX, DEPTH_SLOTS_MAX, EVALUATE_PERIOD, INSTRUMENTS_MAX, OUTCOMES_MAX,
};

/// A strategy and its configuration.
#[allow(
    clippy::large_enum_variant,
    reason = "a handful of values, read when the stage is built"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum StrategyConfig {
    /// Opening-range and momentum scalper.
    OpeningRange(OpeningRangeConfig),
    /// An instrument of measurement.
    Probe(ProbeConfig),
}

impl StrategyConfig {
    pub(crate) fn build(&self, instruments: usize) -> Box<dyn Strategy> {
        match self {
            Self::OpeningRange(config) => Box::new(OpeningRange::new(config.clone(), instruments)),
            Self::Probe(config) => Box::new(Probe::new(config.clone(), instruments)),
        }
    }

    /// How long the outcome of one of its signals is followed at most.
    const fn horizon(&self) -> Nanos {
        match self {
            Self::OpeningRange(config) => config.horizon,
            Self::Probe(_) => Probe::HORIZON,
        }
    }

    /// Bytes of the strategy's part of a checkpoint at most.
    fn bytes_max(&self, instruments: usize) -> usize {
        match self {
            Self::OpeningRange(_) => OpeningRange::bytes_max(instruments),
            Self::Probe(_) => Probe::bytes_max(),
        }
    }

    fn check(&self, faults: &mut Vec<ConfigFault>) {
        match self {
            Self::OpeningRange(config) => config.check(faults),
            Self::Probe(config) => config.check(faults),
        }
    }
}

/// All that can be set.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The highest instrument id, 1 to 1,024.
    pub instruments: usize,
    /// Memories of the features.
    pub features: FeaturesConfig,
    /// The depth-slot scheduler.
    pub slots: SlotsConfig,
    /// The opportunity score.
    pub opportunity: OpportunityConfig,
    /// Throttles.
    pub throttles: ThrottleConfig,
    /// The strategies; a signal's `strategy` is the place in this list, from 1.
    pub strategies: Vec<StrategyConfig>,
    /// No entries earlier than this after the open. Default 0.
    pub entries_after_open: Nanos,
    /// No entries later than this before the close. Default 15 min.
    pub entries_before_close: Nanos,
    /// Intents only with usable depth: a warm slot, or a feed of full books. Default true.
    pub need_depth: bool,
    /// Intents may open short positions (where the instrument allows it). Default true.
    pub shorts: bool,
    /// Signals whose outcome may be open at a time, at most 4,096. Default 1,024; 512 for more
    /// than 512 instruments, so that a checkpoint holds them.
    pub outcomes: usize,
    /// Each multiple of this (in event time) the state is written as `Checkpoint` frames, at the
    /// first housekeeping tick at or past it, and once when the session has ended; 0 is never.
    /// Default 5 min.
    pub checkpoint_every: Nanos,
}

impl Config {
    /// The defaults for instruments 1 to `instruments`, with the opening-range strategy.
    #[must_use]
    pub fn new(instruments: usize) -> Self {
        Self {
            instruments,
            features: FeaturesConfig::default(),
            slots: SlotsConfig::default(),
            opportunity: OpportunityConfig::default(),
            throttles: ThrottleConfig::default(),
            strategies: vec![StrategyConfig::OpeningRange(OpeningRangeConfig::default())],
            entries_after_open: Nanos::ZERO,
            entries_before_close: Nanos::from_secs(900),
            need_depth: true,
            shorts: true,
            outcomes: if instruments <= 512 { 1_024 } else { 512 },
            checkpoint_every: Nanos::from_secs(300),
        }
    }

    /// How long after a signal its outcome has been told, as long as evaluations come: the longest
    /// horizon, the wait for the word on its intent, and an evaluation behind each of both.
    #[must_use]
    pub fn outcome_told_within(&self) -> Nanos {
        let horizons = self.strategies.iter().map(StrategyConfig::horizon);
        let longest = horizons.max().unwrap_or(Nanos::ZERO);
        let told = longest.saturating_add(UNDECIDED_MAX);
        told.saturating_add(Nanos(2 * EVALUATE_PERIOD.0))
    }

    /// For a demonstration of half a minute whose session opens at its start.
    #[must_use]
    pub fn demo(instruments: usize) -> Self {
        let base = Self::new(instruments);
        Self {
            features: FeaturesConfig {
                tape_fast: Nanos::from_secs(2),
                tape_slow: Nanos::from_secs(15),
                flow: Nanos::from_secs(2),
                volatility: Nanos::from_secs(5),
                momentum: Nanos::from_secs(3),
                ..base.features
            },
            slots: SlotsConfig {
                min_hold: Nanos::from_secs(4),
                confirm: 4,
                margin: 0.03,
                warm_up: Nanos::from_secs(1),
                score_min: 0.2,
                missed_horizon: Nanos::from_secs(5),
                missed_worth_ppm: 1_000,
                ..base.slots
            },
            throttles: ThrottleConfig {
                signal_quiet: Nanos::from_secs(3),
                cool_down: Nanos::from_secs(3),
                cool_down_loss: Nanos::from_secs(5),
                cool_down_refused: Nanos::from_secs(3),
                cool_down_unfilled: Nanos::from_secs(1),
                losses: 0,
                ..base.throttles
            },
            strategies: vec![StrategyConfig::OpeningRange(OpeningRangeConfig::demo())],
            entries_before_close: Nanos::from_secs(4),
            checkpoint_every: Nanos::from_secs(10),
            ..base
        }
    }

    /// Bytes that a checkpoint of this stage has at most.
    #[must_use]
    pub fn checkpoint_bytes_max(&self) -> usize {
        let strategies: usize = self
            .strategies
            .iter()
            .map(|strategy| strategy.bytes_max(self.instruments))
            .sum();
        state::bytes_max(
            self.instruments,
            self.strategies.len(),
            self.outcomes,
            strategies,
        )
    }

    /// Everything that is out of range, not only the first.
    #[must_use]
    pub fn check(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        let mut check = Check::new("signal", &mut faults);
        let strategies = self.strategies.len();
        check.count(
            "instruments",
            self.instruments as u64,
            1,
            INSTRUMENTS_MAX as u64,
        );
        check.count("strategies", strategies as u64, 1, 64);
        check.count("outcomes", self.outcomes as u64, 1, OUTCOMES_MAX as u64);
        check.span("entries_after_open", self.entries_after_open, 0, 86_400);
        check.span("entries_before_close", self.entries_before_close, 0, 86_400);
        check.span("checkpoint_every", self.checkpoint_every, 0, 86_400);
        self.check_features(&mut Check::new("features", &mut faults));
        self.check_slots(&mut Check::new("slots", &mut faults));
        self.check_opportunity(&mut Check::new("opportunity", &mut faults));
        self.check_throttles(&mut Check::new("throttles", &mut faults));
        for strategy in &self.strategies {
            strategy.check(&mut faults);
        }
        if faults.is_empty() {
            let bytes = self.checkpoint_bytes_max() as u64;
            Check::new("signal", &mut faults).count(
                "checkpoint bytes (fewer instruments, outcomes or strategies)",
                bytes,
                0,
                CHECKPOINT_BYTES_MAX as u64,
            );
        }
        faults
    }

    fn check_features(&self, check: &mut Check<'_>) {
        let features = &self.features;
        check.span("tape_fast", features.tape_fast, 1, 86_400);
        check.span("tape_slow", features.tape_slow, 1, 86_400);
        check.span("flow", features.flow, 1, 86_400);
        check.span("quote", features.quote, 1, 86_400);
        check.span("volatility", features.volatility, 1, 86_400);
        check.span("momentum", features.momentum, 1, 86_400);
        check.float("tape_floor", features.tape_floor, 1e-6, 1e6);
        check.float("volume_floor", features.volume_floor, 1e-6, 1e9);
    }

    fn check_slots(&self, check: &mut Check<'_>) {
        let slots = &self.slots;
        check.count("count", slots.count as u64, 0, DEPTH_SLOTS_MAX as u64);
        check.count("rows", u64::from(slots.rows), 1, 255);
        check.count("confirm", u64::from(slots.confirm), 1, 10_000);
        check.count(
            "missed_tracks",
            slots.missed_tracks as u64,
            0,
            TRACKS_MAX as u64,
        );
        check.count(
            "missed_worth_ppm",
            u64::from(slots.missed_worth_ppm),
            1,
            1_000_000,
        );
        check.span("min_hold", slots.min_hold, 0, 86_400);
        check.span("warm_up", slots.warm_up, 0, 86_400);
        check.span("missed_horizon", slots.missed_horizon, 1, 86_400);
        check.float("margin", slots.margin, 0.0, 1.0);
        check.float("score_min", slots.score_min, 0.0, 1.0);
    }

    fn check_opportunity(&self, check: &mut Check<'_>) {
        let config = &self.opportunity;
        let weights = [
            config.weight_tape,
            config.weight_volume,
            config.weight_volatility,
            config.weight_momentum,
            config.weight_spread,
        ];
        for weight in weights {
            check.float("weights", weight, 0.0, 1_000.0);
        }
        check.float("sum of weights", weights.iter().sum(), 0.001, 5_000.0);
        check.float("volatility_ppm", config.volatility_ppm, 0.001, 1e6);
        check.float("momentum_sigma", config.momentum_sigma, 0.001, 1e3);
        check.float("spread_ticks", config.spread_ticks, 0.001, 1e6);
        check.float("trades_min", config.trades_min, 0.0, 1e6);
    }

    fn check_throttles(&self, check: &mut Check<'_>) {
        let config = &self.throttles;
        let per_evaluation = config.signals_per_evaluation as u64;
        check.count("signals_per_evaluation", per_evaluation, 1, 64);
        let intents = config.intents_per_evaluation as u64;
        check.count("intents_per_evaluation", intents, 0, per_evaluation.min(64));
        check.float("rearm_share", config.rearm_share, 0.0, 1.0);
        for (name, span) in [
            ("signal_quiet", config.signal_quiet),
            ("cool_down", config.cool_down),
            ("cool_down_loss", config.cool_down_loss),
            ("cool_down_refused", config.cool_down_refused),
            ("cool_down_unfilled", config.cool_down_unfilled),
            ("loss_pause", config.loss_pause),
        ] {
            check.span(name, span, 0, 86_400);
        }
    }
}

/// A value that is out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The group: `signal`, `features`, `slots`, `opportunity`, `throttles` or a strategy's name.
    pub group: &'static str,
    /// The field.
    pub field: &'static str,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{} is {}, expected {}",
            self.group, self.field, self.found, self.expected
        )
    }
}

impl std::error::Error for ConfigFault {}

/// Collects faults of one group.
#[derive(Debug)]
pub(crate) struct Check<'a> {
    group: &'static str,
    faults: &'a mut Vec<ConfigFault>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(group: &'static str, faults: &'a mut Vec<ConfigFault>) -> Self {
        Self { group, faults }
    }

    fn fault(&mut self, field: &'static str, found: String, expected: String) {
        self.faults.push(ConfigFault {
            group: self.group,
            field,
            found,
            expected,
        });
    }

    pub(crate) fn count(&mut self, field: &'static str, value: u64, min: u64, max: u64) {
        if value < min || value > max {
            self.fault(field, value.to_string(), format!("{min} to {max}"));
        }
    }

    /// A span of at least one evaluation where `min_s` is not 0, and of at most `max_s` seconds.
    pub(crate) fn span(&mut self, field: &'static str, value: Nanos, min_s: u64, max_s: u64) {
        let min = if min_s == 0 { 0 } else { EVALUATE_PERIOD.0 };
        if value.0 < min || value.0 > max_s * Nanos::SECOND.0 {
            let expected = format!("{} to {} ms", min / 1_000_000, max_s * 1_000);
            self.fault(field, format!("{} ns", value.0), expected);
        }
    }

    pub(crate) fn float(&mut self, field: &'static str, value: f64, min: f64, max: f64) {
        if !(value >= min && value <= max) {
            self.fault(field, value.to_string(), format!("{min} to {max}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(Config::new(1).check(), []);
        assert_eq!(Config::new(INSTRUMENTS_MAX).check(), []);
        assert_eq!(Config::demo(12).check(), []);
    }

    #[test]
    fn every_fault_is_listed() {
        let mut config = Config::new(0);
        config.slots.count = 17;
        config.features.flow = Nanos::ZERO;
        config.throttles.rearm_share = f64::NAN;
        let StrategyConfig::OpeningRange(strategy) = &mut config.strategies[0] else {
            panic!("the defaults trade the opening range");
        };
        strategy.threshold = -1.0;
        let fields: Vec<_> = config
            .check()
            .iter()
            .map(|fault| (fault.group, fault.field))
            .collect();
        assert_eq!(
            fields,
            [
                ("signal", "instruments"),
                ("features", "flow"),
                ("slots", "count"),
                ("throttles", "rearm_share"),
                ("opening_range", "threshold"),
            ]
        );
    }

    #[test]
    fn a_state_that_no_checkpoint_could_hold_is_refused() {
        let mut config = Config::new(INSTRUMENTS_MAX);
        config.outcomes = OUTCOMES_MAX;
        let faults = config.check();
        assert_eq!(faults.len(), 1);
        assert!(faults[0].field.starts_with("checkpoint bytes"));
    }
}
