//! The `[sim]` table: the in-process broker.

use super::SECOND;
use crate::config::Settings;
use gateway::sim::{Config, Fees, Latency};
use rust_decimal::Decimal;
use stream::{Nanos, SourceId};

pub(super) fn read(settings: &Settings, currency: [u8; 4]) -> Config {
    let latency = |name: &str| Latency {
        base: settings.span(
            &format!("sim.{name}_base"),
            Nanos(1_000)..=Nanos::from_secs(3_600),
        ),
        jitter: settings.span(
            &format!("sim.{name}_jitter"),
            Nanos::ZERO..=Nanos::from_secs(3_600),
        ),
    };
    let percent = |key: &str, least: Decimal| {
        settings.percent_ppm(&format!("sim.{key}"), least..=Decimal::ONE_HUNDRED)
    };
    let config = Config {
        seed: settings.whole("sim.seed", 0..=u64::MAX),
        outbound: latency("outbound"),
        response: latency("response"),
        commission: latency("commission"),
        reject_ppm: percent("reject_percent", Decimal::ZERO),
        currency,
        cash: settings.money("sim.cash", 0..=1_000_000_000),
        stock_margin_ppm: percent("stock_margin_percent", Decimal::ONE),
        future_margin_ppm: percent("future_margin_percent", Decimal::ONE),
        shorts: settings.flag("sim.shorts"),
        account_every: settings.span("sim.account_every", SECOND..=Nanos::from_secs(60)),
        orders_max: settings.whole("sim.orders_max", 64..=32_768) as usize,
        orders_per_instrument: settings.whole("sim.orders_per_instrument", 1..=1_024) as usize,
        source: SourceId(0),
        fees: fees(settings),
    };
    let faults = if settings.is_sound() {
        config.faults()
    } else {
        Vec::new()
    };
    for (field, expected) in faults {
        settings.fault(
            &format!("sim.{field}"),
            format!("is out of range; expected {expected}"),
        );
    }
    config
}

fn fees(settings: &Settings) -> Fees {
    let money = |key: &str| settings.money(&format!("sim.fees.{key}"), 0..=1_000);
    let percent =
        |key: &str| settings.percent_ppm(&format!("sim.fees.{key}"), Decimal::ZERO..=Decimal::TEN);
    Fees {
        stock_per_share: money("stock_per_share"),
        stock_min: money("stock_min"),
        stock_max_ppm: percent("stock_max_percent"),
        sec_per_million: money("sec_per_million"),
        taf_per_share: money("taf_per_share"),
        taf_max: money("taf_max"),
        future_per_contract: money("future_per_contract"),
        spot_ppm: percent("spot_percent"),
        spot_min: money("spot_min"),
    }
}
