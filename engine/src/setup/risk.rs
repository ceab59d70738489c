//! The `[risk]` table.

use super::{DAY, SECOND};
use crate::config::Settings;
use risk::{Allowed, Config, InstrumentLimits, Mode};
use rust_decimal::Decimal;
use stream::payload::{Instrument, read_text};
use stream::{InstrumentId, Nanos, SourceId};

const MONEY_MAX: i64 = 100_000_000;

pub(super) fn read(
    settings: &Settings,
    currency: [u8; 4],
    universe: &[(InstrumentId, Instrument)],
) -> Config {
    let percent = |key: &str, most: i64| {
        settings.percent_ppm(
            &format!("risk.{key}"),
            Decimal::new(1, 4)..=Decimal::from(most),
        )
    };
    let span = |key: &str| settings.span(&format!("risk.{key}"), Nanos::MILLI..=DAY);
    let from_zero = |key: &str| settings.span(&format!("risk.{key}"), Nanos::ZERO..=DAY);
    let money = |key: &str| settings.money(&format!("risk.{key}"), 0..=MONEY_MAX);
    for symbol in super::scanner::allowed(settings) {
        let own = format!("risk.instrument.{symbol}");
        if !settings.children(&own).is_empty() {
            limits(settings, &own);
        }
    }
    let config = Config {
        mode: settings.choice(
            "risk.mode",
            &[("observe", Mode::Observe), ("trade", Mode::Trade)],
        ),
        currency,
        broker: SourceId(0),
        instruments: universe
            .iter()
            .map(|(_, own)| allow(settings, own))
            .collect(),
        limits: limits(settings, "risk"),
        order_value_equity_ppm: percent("order_value_equity_percent", 100),
        gross_max: money("gross_max"),
        gross_equity_ppm: percent("gross_equity_percent", 400),
        equity_age_max: settings.span("risk.equity_age_max", SECOND..=DAY),
        collar_aggressive_ppm: percent("collar_aggressive_percent", 10),
        collar_passive_ppm: percent("collar_passive_percent", 50),
        collar_stop_ppm: percent("collar_stop_percent", 50),
        loss_max: money("loss_max"),
        loss_max_ppm: percent("loss_max_percent", 50),
        loss_warn_ppm: percent("loss_warn_percent", 100),
        loss_reduce_ppm: percent("loss_reduce_percent", 100),
        stale_after: span("stale_after"),
        entries_after_open: from_zero("entries_after_open"),
        entries_stop_before_close: span("entries_stop_before_close"),
        flat_before_close: span("flat_before_close"),
        risk_per_trade_ppm: percent("risk_per_trade_percent", 10),
        flatten_band_ppm: percent("flatten_band_percent", 10),
        flatten_step_ppm: percent("flatten_step_percent", 10),
        flatten_steps_max: settings.whole("risk.flatten_steps_max", 1..=50) as u8,
        flatten_retry: span("flatten_retry"),
        resume_cooloff: from_zero("resume_cooloff"),
        commission_wait: span("commission_wait"),
        commission_max: money("commission_max"),
        commission_estimate: money("commission_estimate"),
        position_grace: span("position_grace"),
        checkpoint_every: span("checkpoint_every"),
    };
    if settings.is_sound()
        && let Err(faults) = config.validate()
    {
        for fault in faults {
            settings.fault(&key_of(&fault.key), fault.what);
        }
    }
    config
}

/// The key that people write for a field of risk's own configuration.
fn key_of(field: &str) -> String {
    let field = field
        .strip_prefix("instruments.")
        .map_or_else(|| field.to_owned(), |own| format!("instrument.{own}"));
    let percent = field
        .strip_suffix("_ppm")
        .map(|name| format!("{name}_percent"));
    format!("risk.{}", percent.unwrap_or(field))
}

fn allow(settings: &Settings, definition: &Instrument) -> Allowed {
    let own = format!("risk.instrument.{}", read_text(&definition.symbol));
    let has_own = !settings.children(&own).is_empty();
    Allowed {
        symbol: definition.symbol,
        venue: Some(definition.venue),
        multiplier: Some(definition.multiplier),
        limits: has_own.then(|| limits(settings, &own)),
    }
}

fn limits(settings: &Settings, table: &str) -> InstrumentLimits {
    InstrumentLimits {
        order_quantity_max: settings.whole(&format!("{table}.order_quantity_max"), 1..=10_000_000)
            as u32,
        order_value_max: settings.money(&format!("{table}.order_value_max"), 1..=MONEY_MAX),
        position_max: settings.whole(&format!("{table}.position_max"), 1..=10_000_000) as u32,
        shorts: settings.flag(&format!("{table}.shorts")),
    }
}
