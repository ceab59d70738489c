//! The tables of the signal stage: `[signal]`, `[features]`, `[slots]`, `[opportunity]`,
//! `[throttle]` and `[strategy.N]`.

use super::DAY;
use crate::config::Settings;
use rust_decimal::Decimal;
use signal::features::FeaturesConfig;
use signal::opportunity::OpportunityConfig;
use signal::slots::SlotsConfig;
use signal::strategies::opening_range::{OpeningRangeConfig, Weights};
use signal::strategies::probe::{Entries, ProbeConfig};
use signal::throttle::ThrottleConfig;
use signal::{Config, StrategyConfig};
use stream::Nanos;
use stream::limits::{DEPTH_SLOTS_MAX, OUTCOMES_MAX};

pub(super) fn read(settings: &Settings, instruments: usize) -> Config {
    let from_zero = |key: &str| settings.span(&format!("signal.{key}"), Nanos::ZERO..=DAY);
    let config = Config {
        instruments,
        features: features(settings),
        slots: slots(settings),
        opportunity: opportunity(settings),
        throttles: throttles(settings),
        strategies: strategies(settings),
        entries_after_open: from_zero("entries_after_open"),
        entries_before_close: from_zero("entries_before_close"),
        need_depth: settings.flag("signal.need_depth"),
        shorts: settings.flag("signal.shorts"),
        outcomes: settings.whole("signal.outcomes", 1..=OUTCOMES_MAX as u64) as usize,
        checkpoint_every: from_zero("checkpoint_every"),
    };
    let faults = if settings.is_sound() {
        config.check()
    } else {
        Vec::new()
    };
    for fault in faults {
        let table = match fault.group {
            "throttles" => "throttle",
            "opening_range" | "probe" => "strategy",
            group => group,
        };
        let what = format!("is {}; expected {}", fault.found, fault.expected);
        settings.fault(&format!("{table}.{}", fault.field), what);
    }
    config
}

fn features(settings: &Settings) -> FeaturesConfig {
    let span = |key: &str| settings.span(&format!("features.{key}"), Nanos::from_millis(250)..=DAY);
    FeaturesConfig {
        tape_fast: span("tape_fast"),
        tape_slow: span("tape_slow"),
        flow: span("flow"),
        quote: span("quote"),
        volatility: span("volatility"),
        momentum: span("momentum"),
        tape_floor: settings.float("features.tape_floor", 1e-6..=1e6),
        volume_floor: settings.float("features.volume_floor", 1e-6..=1e9),
    }
}

fn slots(settings: &Settings) -> SlotsConfig {
    let from_zero = |key: &str| settings.span(&format!("slots.{key}"), Nanos::ZERO..=DAY);
    SlotsConfig {
        count: settings.whole("slots.count", 0..=DEPTH_SLOTS_MAX as u64) as usize,
        rows: settings.whole("slots.rows", 1..=10) as u16,
        min_hold: from_zero("min_hold"),
        margin: settings.float("slots.margin", 0.0..=1.0),
        confirm: settings.whole("slots.confirm", 1..=10_000) as u16,
        warm_up: from_zero("warm_up"),
        score_min: settings.float("slots.score_min", 0.0..=1.0),
        missed_tracks: settings.whole("slots.missed_tracks", 0..=128) as usize,
        missed_horizon: settings.span("slots.missed_horizon", Nanos::from_millis(250)..=DAY),
        missed_worth_ppm: settings.percent_ppm(
            "slots.missed_worth_percent",
            Decimal::new(1, 4)..=Decimal::ONE_HUNDRED,
        ),
    }
}

fn opportunity(settings: &Settings) -> OpportunityConfig {
    let float = |key: &str, range| settings.float(&format!("opportunity.{key}"), range);
    OpportunityConfig {
        weight_tape: float("weight_tape", 0.0..=1e3),
        weight_volume: float("weight_volume", 0.0..=1e3),
        weight_volatility: float("weight_volatility", 0.0..=1e3),
        weight_momentum: float("weight_momentum", 0.0..=1e3),
        weight_spread: float("weight_spread", 0.0..=1e3),
        volatility_ppm: float("volatility_ppm", 0.001..=1e6),
        momentum_sigma: float("momentum_sigma", 0.001..=1e3),
        spread_ticks: float("spread_ticks", 0.001..=1e6),
        trades_min: float("trades_min", 0.0..=1e6),
    }
}

fn throttles(settings: &Settings) -> ThrottleConfig {
    let whole = |key: &str, most| settings.whole(&format!("throttle.{key}"), 0..=most);
    let span = |key: &str| settings.span(&format!("throttle.{key}"), Nanos::ZERO..=DAY);
    ThrottleConfig {
        signals_per_evaluation: whole("signals_per_evaluation", 64) as usize,
        intents_per_evaluation: whole("intents_per_evaluation", 64) as usize,
        signals_per_session: whole("signals_per_session", 1_000_000) as u32,
        intents_per_session: whole("intents_per_session", 1_000_000) as u32,
        entries_per_instrument: whole("entries_per_instrument", 65_535) as u16,
        entries_per_strategy: whole("entries_per_strategy", 1_000_000) as u32,
        signal_quiet: span("signal_quiet"),
        rearm_share: settings.float("throttle.rearm_share", 0.0..=1.0),
        cool_down: span("cool_down"),
        cool_down_loss: span("cool_down_loss"),
        cool_down_refused: span("cool_down_refused"),
        cool_down_unfilled: span("cool_down_unfilled"),
        losses: whole("losses", 1_000) as u32,
        loss_pause: span("loss_pause"),
    }
}

fn strategies(settings: &Settings) -> Vec<StrategyConfig> {
    let names = settings.children("strategy");
    if names.is_empty() {
        settings.fault(
            "strategy.1.kind",
            "is not set; at least one strategy is needed",
        );
    }
    for (index, name) in names.iter().enumerate() {
        if *name != (index + 1).to_string() {
            settings.fault(
                &format!("strategy.{name}"),
                "strategies are numbered from 1, without gaps",
            );
        }
    }
    names
        .iter()
        .map(|name| {
            let table = format!("strategy.{name}");
            let kinds: [(&str, ReadStrategy); 2] =
                [("opening_range", opening_range), ("probe", probe)];
            settings.choice(&format!("{table}.kind"), &kinds)(settings, &table)
        })
        .collect()
}

type ReadStrategy = fn(&Settings, &str) -> StrategyConfig;

fn probe(settings: &Settings, table: &str) -> StrategyConfig {
    let key = |name: &str| format!("{table}.{name}");
    let half = Decimal::from(50);
    let percent = |name: &str, least| settings.percent_ppm(&key(name), least..=half);
    StrategyConfig::Probe(ProbeConfig {
        entries: settings.choice(
            &key("entries"),
            &[("hold", Entries::Hold), ("rest", Entries::Rest)],
        ),
        rest_ppm: percent("rest_percent", Decimal::new(1, 4)),
        stop_ppm: percent("stop_percent", Decimal::new(1, 4)),
        follow_ppm: percent("follow_percent", Decimal::ZERO),
        ttl: settings.span(&key("ttl"), Nanos::ZERO..=DAY),
    })
}

fn opening_range(settings: &Settings, table: &str) -> StrategyConfig {
    let key = |name: &str| format!("{table}.{name}");
    let span = |name: &str| settings.span(&key(name), Nanos::ZERO..=DAY);
    let float = |name: &str, range| settings.float(&key(name), range);
    let ticks = |name: &str| settings.whole(&key(name), 0..=100_000) as u32;
    let all = Decimal::ONE_HUNDRED;
    StrategyConfig::OpeningRange(OpeningRangeConfig {
        range: span("range"),
        opening_phase: span("opening_phase"),
        range_start_max: span("range_start_max"),
        buffer_ticks: ticks("buffer_ticks"),
        chase_share: float("chase_share", 0.0..=100.0),
        window: span("window"),
        momentum_after: span("momentum_after"),
        breakout_sigma: float("breakout_sigma", 0.0..=100.0),
        tape_min: float("tape_min", 0.0..=1e3),
        tape_full: float("tape_full", 0.0..=1e3),
        flow_min: float("flow_min", -1.0..=1.0),
        imbalance_min: float("imbalance_min", -1.0..=1.0),
        require_vwap: settings.flag(&key("require_vwap")),
        vwap_sigma: float("vwap_sigma", 0.0..=100.0),
        momentum_full: float("momentum_full", 0.0..=100.0),
        threshold: float("threshold", 0.0..=1.0),
        weights: weights(settings, &key("weights")),
        entry_ticks: float("entry_ticks", -1e4..=1e4) as i32,
        stop_horizon: span("stop_horizon"),
        stop_sigma: float("stop_sigma", 0.0..=100.0),
        stop_stretch: float("stop_stretch", 1.0..=100.0),
        stop_ticks_min: ticks("stop_ticks_min"),
        stop_spreads_min: float("stop_spreads_min", 0.0..=100.0),
        target_r: float("target_r", 0.0..=100.0),
        ttl: span("ttl"),
        spread_sigma_max: float("spread_sigma_max", 0.0..=100.0),
        spread_ticks_free: ticks("spread_ticks_free"),
        spread_blow_out: float("spread_blow_out", 1.0..=100.0),
        tape_stall: span("tape_stall"),
        horizon: span("horizon"),
        risk_share_ppm: settings.percent_ppm(&key("risk_share_percent"), Decimal::new(1, 4)..=all),
    })
}

fn weights(settings: &Settings, table: &str) -> Weights {
    let weight = |name: &str| settings.float(&format!("{table}.{name}"), 0.0..=1e3);
    Weights {
        breakout: weight("breakout"),
        microprice: weight("microprice"),
        imbalance: weight("imbalance"),
        depth: weight("depth"),
        tape: weight("tape"),
        flow: weight("flow"),
        vwap: weight("vwap"),
        momentum: weight("momentum"),
        volume: weight("volume"),
        spread: weight("spread"),
    }
}
