//! What risk must be told. Every limit is required: there is no default that unlimits silently.

use stream::payload::read_text;
use stream::{Money, Nanos, SourceId};

/// Parts per million in a whole.
pub const PPM: u32 = 1_000_000;

/// Whether entries may become orders at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every intent is refused with reason `observe`.
    Observe,
    /// Intents that pass every control become orders.
    Trade,
}

/// Limits that may differ from instrument to instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentLimits {
    /// Control 1: most shares or contracts in one entry.
    pub order_quantity_max: u32,
    /// Control 2: most value of one entry, in the account's currency.
    pub order_value_max: Money,
    /// Control 5: most shares or contracts held, long or short, with every working entry filled.
    pub position_max: u32,
    /// Control 27: short sales are allowed where the instrument's definition allows them too.
    pub shorts: bool,
}

/// Control 31: one instrument on the allow-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Symbol as in the instrument's definition, ASCII, padded with zeros.
    pub symbol: [u8; 16],
    /// Primary venue that it must have; `None` where the symbol alone is unambiguous.
    pub venue: Option<[u8; 8]>,
    /// Contract multiplier that it must have; `None` accepts the definition's.
    pub multiplier: Option<u32>,
    /// Its own limits; `None` uses [`Config::limits`].
    pub limits: Option<InstrumentLimits>,
}

/// Everything that risk must be told. Field names are the keys of the `[risk]` table; spans are
/// event time, shares of something are parts per million.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether entries may become orders at all.
    pub mode: Mode,
    /// The account's currency, ASCII; instruments, fees and account values in another one do not
    /// count.
    pub currency: [u8; 4],
    /// The source whose `Connectivity` is the link to the broker.
    pub broker: SourceId,
    /// Control 31: what may be traded.
    pub instruments: Vec<Allowed>,
    /// Limits of every instrument that has none of its own.
    pub limits: InstrumentLimits,
    /// Control 2: most value of one entry as a share of equity.
    pub order_value_equity_ppm: u32,
    /// Control 5: most gross value of all positions and working entries.
    pub gross_max: Money,
    /// Control 6: the same as a share of equity; 1,000,000 is one times.
    pub gross_equity_ppm: u32,
    /// Control 6: age of the reported equity beyond which no entry is made.
    pub equity_age_max: Nanos,
    /// Control 3: furthest that an entry's limit may reach through the far touch.
    pub collar_aggressive_ppm: u32,
    /// Control 3: furthest that an entry's limit may rest behind the near touch.
    pub collar_passive_ppm: u32,
    /// Control 3: furthest that a stop may lie from the last trade.
    pub collar_stop_ppm: u32,
    /// Control 7: most that may be lost in a session: realised, unrealised and fees.
    pub loss_max: Money,
    /// Control 7: the same as a share of the session's first equity; the smaller one counts.
    pub loss_max_ppm: u32,
    /// Control 7: share of the loss limit at which a warning is given.
    pub loss_warn_ppm: u32,
    /// Control 7: share of the loss limit from which positions may only be reduced.
    pub loss_reduce_ppm: u32,
    /// Control 25: age of an instrument's market data beyond which no entry is made.
    pub stale_after: Nanos,
    /// Control 29: no entries for this long after the open; zero is allowed.
    pub entries_after_open: Nanos,
    /// Control 29: no entries from this long before the close.
    pub entries_stop_before_close: Nanos,
    /// Control 29: everything is closed from this long before the close.
    pub flat_before_close: Nanos,
    /// Sizing: share of equity that one entry may lose at its stop.
    pub risk_per_trade_ppm: u32,
    /// How far through the touch the first flatten order reaches.
    pub flatten_band_ppm: u32,
    /// How much further each wider one reaches.
    pub flatten_step_ppm: u32,
    /// How many times it may be widened.
    pub flatten_steps_max: u8,
    /// Pause before a flatten that ended without a fill is made again.
    pub flatten_retry: Nanos,
    /// Control 22: time after the last raise before an operator may resume.
    pub resume_cooloff: Nanos,
    /// How long a fee is waited for before its round trip is reported without it.
    pub commission_wait: Nanos,
    /// Largest believable fee or rebate of one execution; a larger one is a fault.
    pub commission_max: Money,
    /// Fee per share or contract that the loss limit assumes until the real one comes; zero is
    /// allowed.
    pub commission_estimate: Money,
    /// How long the broker's position may differ from ours before the instrument is frozen (it
    /// takes no entry from the first moment).
    pub position_grace: Nanos,
    /// Time between two saved states.
    pub checkpoint_every: Nanos,
}

/// One thing that is wrong with a [`Config`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The key, as a field of [`Config`]; `instruments.SYMBOL.field` for an instrument's own.
    pub key: String,
    /// What is wrong, and what was expected.
    pub what: String,
}

/// Largest believable amount: above it a unit was mistaken.
const MONEY_MAX: i64 = 100_000_000 * stream::units::SCALE;
/// Largest believable quantity.
const QUANTITY_MAX: u64 = 10_000_000;
/// Shortest span that is not a mistaken unit.
const SPAN_MIN: u64 = 1_000_000;
/// Longest believable span: a day.
const SPAN_MAX: u64 = 86_400 * 1_000_000_000;

struct Faults(Vec<ConfigFault>);

impl Faults {
    fn add(&mut self, key: &str, what: String) {
        self.0.push(ConfigFault {
            key: key.to_owned(),
            what,
        });
    }

    fn range(&mut self, key: &str, value: u64, low: u64, high: u64, unit: &str) {
        if value < low || value > high {
            self.add(key, format!("{value} {unit} is not within {low} to {high}"));
        }
    }

    fn ppm(&mut self, key: &str, value: u32, high: u32) {
        self.range(key, value.into(), 1, high.into(), "ppm");
    }

    fn span(&mut self, key: &str, value: Nanos) {
        self.range(key, value.0, SPAN_MIN, SPAN_MAX, "ns");
    }

    fn money(&mut self, key: &str, value: Money, low: i64) {
        if value.0 < low || value.0 > MONEY_MAX {
            let (low, high) = (Money(low), Money(MONEY_MAX));
            self.add(key, format!("{value} is not within {low} to {high}"));
        }
    }

    fn contradiction(&mut self, wrong: bool, key: &str, what: &str) {
        if wrong {
            self.add(key, what.to_owned());
        }
    }

    fn limits(&mut self, prefix: &str, limits: &InstrumentLimits) {
        let InstrumentLimits {
            order_quantity_max: quantity,
            order_value_max: value,
            position_max: position,
            shorts: _,
        } = *limits;
        let key = |name: &str| format!("{prefix}{name}");
        let (order, held) = (key("order_quantity_max"), key("position_max"));
        self.range(&order, quantity.into(), 1, QUANTITY_MAX, "units");
        self.money(&key("order_value_max"), value, 1);
        self.range(&held, position.into(), 1, QUANTITY_MAX, "units");
        self.contradiction(
            quantity > position,
            &order,
            "is larger than position_max: such an order could never be permitted",
        );
    }
}

impl Config {
    /// Looks for zero, negative, absurd and contradicting values.
    ///
    /// # Errors
    /// Every fault found, in the order of the fields.
    pub fn validate(&self) -> Result<(), Vec<ConfigFault>> {
        let mut faults = Faults(Vec::new());
        self.validate_instruments(&mut faults);
        self.validate_limits(&mut faults);
        self.validate_times(&mut faults);
        self.validate_flatten(&mut faults);
        if faults.0.is_empty() {
            Ok(())
        } else {
            Err(faults.0)
        }
    }

    fn validate_instruments(&self, faults: &mut Faults) {
        let currency = read_text(&self.currency);
        let is_code = currency.len() >= 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
        faults.contradiction(!is_code, "currency", "must be a currency code such as USD");
        faults.contradiction(
            self.instruments.is_empty(),
            "instruments",
            "is empty: nothing could ever be traded",
        );
        for (index, allowed) in self.instruments.iter().enumerate() {
            let symbol = read_text(&allowed.symbol);
            let key = format!("instruments.{symbol}");
            faults.contradiction(symbol.is_empty(), "instruments", "holds an empty symbol");
            let twice = self.instruments[..index]
                .iter()
                .any(|other| other.symbol == allowed.symbol && other.venue == allowed.venue);
            faults.contradiction(twice, &key, "is listed twice");
            if let Some(multiplier) = allowed.multiplier {
                let (name, high) = (format!("{key}.multiplier"), u64::from(MULTIPLIER_MAX));
                faults.range(&name, multiplier.into(), 1, high, "units");
            }
            if let Some(limits) = &allowed.limits {
                faults.limits(&format!("{key}."), limits);
            }
        }
        faults.limits("", &self.limits);
    }

    fn validate_limits(&self, faults: &mut Faults) {
        faults.ppm("order_value_equity_ppm", self.order_value_equity_ppm, PPM);
        faults.money("gross_max", self.gross_max, 1);
        faults.contradiction(
            self.limits.order_value_max > self.gross_max,
            "gross_max",
            "is smaller than order_value_max",
        );
        faults.ppm("gross_equity_ppm", self.gross_equity_ppm, 4 * PPM);
        faults.ppm(
            "collar_aggressive_ppm",
            self.collar_aggressive_ppm,
            PPM / 10,
        );
        faults.ppm("collar_passive_ppm", self.collar_passive_ppm, PPM / 2);
        faults.ppm("collar_stop_ppm", self.collar_stop_ppm, PPM / 2);
        faults.money("loss_max", self.loss_max, 1);
        faults.ppm("loss_max_ppm", self.loss_max_ppm, PPM / 2);
        faults.ppm("loss_warn_ppm", self.loss_warn_ppm, PPM);
        faults.ppm("loss_reduce_ppm", self.loss_reduce_ppm, PPM);
        faults.contradiction(
            self.loss_warn_ppm > self.loss_reduce_ppm,
            "loss_warn_ppm",
            "warns later than loss_reduce_ppm reduces",
        );
        faults.ppm("risk_per_trade_ppm", self.risk_per_trade_ppm, PPM / 10);
        faults.contradiction(
            self.risk_per_trade_ppm > self.loss_max_ppm,
            "risk_per_trade_ppm",
            "is larger than loss_max_ppm: one trade could lose more than a session may",
        );
        faults.money("commission_max", self.commission_max, 1);
        faults.money("commission_estimate", self.commission_estimate, 0);
        faults.contradiction(
            self.commission_estimate > self.commission_max,
            "commission_estimate",
            "is larger than commission_max",
        );
    }

    fn validate_times(&self, faults: &mut Faults) {
        faults.span("equity_age_max", self.equity_age_max);
        faults.span("stale_after", self.stale_after);
        let (after, high) = (self.entries_after_open.0, SPAN_MAX);
        faults.range("entries_after_open", after, 0, high, "ns");
        faults.span("entries_stop_before_close", self.entries_stop_before_close);
        faults.span("flat_before_close", self.flat_before_close);
        faults.contradiction(
            self.entries_stop_before_close < self.flat_before_close,
            "entries_stop_before_close",
            "is shorter than flat_before_close: an entry could be made and closed at once",
        );
        let cooloff = self.resume_cooloff.0;
        faults.range("resume_cooloff", cooloff, 0, SPAN_MAX, "ns");
        faults.span("commission_wait", self.commission_wait);
        faults.span("position_grace", self.position_grace);
        faults.span("checkpoint_every", self.checkpoint_every);
    }

    fn validate_flatten(&self, faults: &mut Faults) {
        faults.ppm("flatten_band_ppm", self.flatten_band_ppm, PPM / 10);
        faults.ppm("flatten_step_ppm", self.flatten_step_ppm, PPM / 10);
        let steps = self.flatten_steps_max;
        faults.range("flatten_steps_max", steps.into(), 1, 50, "steps");
        faults.contradiction(
            self.flatten_band_max_ppm() > PPM / 4,
            "flatten_steps_max",
            "lets a flatten reach more than 25 % through the touch",
        );
        faults.span("flatten_retry", self.flatten_retry);
    }

    /// How far through the touch the widest flatten order reaches.
    #[must_use]
    pub fn flatten_band_max_ppm(&self) -> u32 {
        self.flatten_step_ppm
            .saturating_mul(self.flatten_steps_max.into())
            .saturating_add(self.flatten_band_ppm)
    }
}

/// Largest contract multiplier that is believed; an instrument with a larger one is not allowed.
pub const MULTIPLIER_MAX: u32 = 100_000;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::sample;

    fn keys(config: &Config) -> Vec<String> {
        let faults = config.validate().expect_err("a bad value must be found");
        faults.into_iter().map(|fault| fault.key).collect()
    }

    #[test]
    fn the_sample_is_sound() {
        assert_eq!(sample::config().validate(), Ok(()));
    }

    #[test]
    fn each_money_limit_refuses_zero_negative_and_absurd() {
        type Field = fn(&mut Config) -> &mut Money;
        let fields: [(&str, Field); 4] = [
            ("order_value_max", |c| &mut c.limits.order_value_max),
            ("gross_max", |c| &mut c.gross_max),
            ("loss_max", |c| &mut c.loss_max),
            ("commission_max", |c| &mut c.commission_max),
        ];
        for (key, field) in fields {
            for bad in [0, -1, 1_000_000_000_000_000_000, i64::MIN, i64::MAX] {
                let mut config = sample::config();
                *field(&mut config) = Money(bad);
                assert!(keys(&config).iter().any(|k| k == key), "{key} = {bad}");
            }
        }
    }

    #[test]
    fn each_share_refuses_zero_and_absurd() {
        type Field = fn(&mut Config) -> &mut u32;
        let fields: [(&str, Field); 14] = [
            ("order_quantity_max", |c| &mut c.limits.order_quantity_max),
            ("position_max", |c| &mut c.limits.position_max),
            ("order_value_equity_ppm", |c| &mut c.order_value_equity_ppm),
            ("gross_equity_ppm", |c| &mut c.gross_equity_ppm),
            ("collar_aggressive_ppm", |c| &mut c.collar_aggressive_ppm),
            ("collar_passive_ppm", |c| &mut c.collar_passive_ppm),
            ("collar_stop_ppm", |c| &mut c.collar_stop_ppm),
            ("loss_max_ppm", |c| &mut c.loss_max_ppm),
            ("loss_warn_ppm", |c| &mut c.loss_warn_ppm),
            ("loss_reduce_ppm", |c| &mut c.loss_reduce_ppm),
            ("risk_per_trade_ppm", |c| &mut c.risk_per_trade_ppm),
            ("flatten_band_ppm", |c| &mut c.flatten_band_ppm),
            ("flatten_step_ppm", |c| &mut c.flatten_step_ppm),
            ("loss_max_ppm", |c| &mut c.loss_max_ppm),
        ];
        for (key, field) in fields {
            for bad in [0, u32::MAX] {
                let mut config = sample::config();
                *field(&mut config) = bad;
                assert!(keys(&config).iter().any(|k| k == key), "{key} = {bad}");
            }
        }
    }

    #[test]
    fn each_span_refuses_zero_and_absurd() {
        type Field = fn(&mut Config) -> &mut Nanos;
        let fields: [(&str, Field); 8] = [
            ("equity_age_max", |c| &mut c.equity_age_max),
            ("stale_after", |c| &mut c.stale_after),
            ("entries_stop_before_close", |c| {
                &mut c.entries_stop_before_close
            }),
            ("flat_before_close", |c| &mut c.flat_before_close),
            ("commission_wait", |c| &mut c.commission_wait),
            ("position_grace", |c| &mut c.position_grace),
            ("checkpoint_every", |c| &mut c.checkpoint_every),
            ("flatten_retry", |c| &mut c.flatten_retry),
        ];
        for (key, field) in fields {
            for bad in [0, 60, u64::MAX] {
                let mut config = sample::config();
                *field(&mut config) = Nanos(bad);
                assert!(keys(&config).iter().any(|k| k == key), "{key} = {bad}");
            }
        }
    }

    #[test]
    fn contradictions_are_named() {
        let mut config = sample::config();
        config.limits.order_quantity_max = config.limits.position_max + 1;
        assert_eq!(keys(&config), ["order_quantity_max"]);
        let mut config = sample::config();
        config.flat_before_close = config.entries_stop_before_close + Nanos(1);
        assert_eq!(keys(&config), ["entries_stop_before_close"]);
        let mut config = sample::config();
        config.loss_warn_ppm = config.loss_reduce_ppm + 1;
        assert_eq!(keys(&config), ["loss_warn_ppm"]);
        let mut config = sample::config();
        config.flatten_steps_max = 50;
        assert_eq!(keys(&config), ["flatten_steps_max"]);
        let mut config = sample::config();
        config.risk_per_trade_ppm = config.loss_max_ppm + 1;
        assert_eq!(keys(&config), ["risk_per_trade_ppm"]);
    }

    #[test]
    fn the_allow_list_is_checked_entry_by_entry() {
        let mut config = sample::config();
        config.instruments.clear();
        assert_eq!(keys(&config), ["instruments"]);
        let mut config = sample::config();
        let mut twin = config.instruments[0];
        twin.multiplier = Some(0);
        twin.limits = Some(InstrumentLimits {
            position_max: 0,
            ..config.limits
        });
        config.instruments.push(twin);
        assert_eq!(
            keys(&config),
            [
                "instruments.AAPL",
                "instruments.AAPL.multiplier",
                "instruments.AAPL.position_max",
                "instruments.AAPL.order_quantity_max",
            ]
        );
        config.currency = *b"\0\0\0\0";
        assert_eq!(keys(&config)[0], "currency");
    }
}
