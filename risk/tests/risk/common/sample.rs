//! A complete configuration for tests: a paper account of about $100,000.

use risk::{Allowed, Config, InstrumentLimits, Mode};
use stream::payload::text;
use stream::{Money, Nanos, SourceId};

/// So many whole currency units.
pub(crate) const fn dollars(units: i64) -> Money {
    Money(units * stream::units::SCALE)
}

/// The sample: two shares and a future on the allow-list.
pub(crate) fn config() -> Config {
    let allow = |symbol: &str, multiplier| Allowed {
        symbol: text(symbol),
        venue: None,
        multiplier: Some(multiplier),
        limits: None,
    };
    Config {
        mode: Mode::Trade,
        currency: text("USD"),
        broker: SourceId(1),
        instruments: vec![allow("AAPL", 1), allow("MSFT", 1), allow("MES", 5)],
        limits: InstrumentLimits {
            order_quantity_max: 100,
            order_value_max: dollars(25_000),
            position_max: 200,
            shorts: true,
        },
        order_value_equity_ppm: 250_000,
        gross_max: dollars(100_000),
        gross_equity_ppm: 1_000_000,
        equity_age_max: Nanos::from_secs(60),
        collar_aggressive_ppm: 10_000,
        collar_passive_ppm: 50_000,
        collar_stop_ppm: 50_000,
        loss_max: dollars(2_000),
        loss_max_ppm: 20_000,
        loss_warn_ppm: 500_000,
        loss_reduce_ppm: 800_000,
        stale_after: Nanos::from_secs(1),
        entries_after_open: Nanos::ZERO,
        entries_stop_before_close: Nanos::from_secs(15 * 60),
        flat_before_close: Nanos::from_secs(5 * 60),
        risk_per_trade_ppm: 1_000,
        flatten_band_ppm: 5_000,
        flatten_step_ppm: 5_000,
        flatten_steps_max: 5,
        flatten_retry: Nanos::from_secs(5),
        resume_cooloff: Nanos::from_secs(60),
        commission_wait: Nanos::from_secs(60),
        commission_max: dollars(100),
        commission_estimate: Money(5_000_000),
        position_grace: Nanos::from_secs(5),
        checkpoint_every: Nanos::from_secs(300),
    }
}
