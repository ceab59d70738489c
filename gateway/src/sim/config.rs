//! What the simulated broker may be told.

use super::fees::Fees;
use stream::payload::text;
use stream::{FrameId, Money, Nanos, SourceId, hash};

/// A delay: a base and a seeded share of `jitter` on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The least, above zero.
    pub base: Nanos,
    /// The most that is added.
    pub jitter: Nanos,
}

impl Latency {
    /// The delay of the `count`th event of `name`: uniform in base to base + jitter, from a hash,
    /// so that it depends on nothing else.
    #[must_use]
    pub fn of(self, seed: u64, name: FrameId, count: u64) -> Nanos {
        let random = hash::join(hash::join(seed, name.0), count);
        let span = u128::from(self.jitter.0) + 1;
        self.base + Nanos(((u128::from(random) * span) >> 64) as u64)
    }
}

/// Settings of the simulated broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Seed of delays and rejects.
    pub seed: u64,
    /// From a command to its arrival at the venue.
    pub outbound: Latency,
    /// From a decision at the venue to its report.
    pub response: Latency,
    /// From an execution's report to its commission's.
    pub commission: Latency,
    /// Share of new orders that the broker refuses for no reason, in parts per million.
    pub reject_ppm: u32,
    /// Cash at the start.
    pub cash: Money,
    /// Currency of the account, ASCII.
    pub currency: [u8; 4],
    /// Shares and pairs: equity needed, in parts per million of the value: 1,000,000 for a cash
    /// account, 250,000 for four to one within the day.
    pub stock_margin_ppm: u32,
    /// Futures: the same, of the contract's value.
    pub future_margin_ppm: u32,
    /// Short sales are possible where the instrument allows them.
    pub shorts: bool,
    /// The fee schedule.
    pub fees: Fees,
    /// How often account values and open positions are reported, at housekeeping ticks; they also
    /// follow each fill.
    pub account_every: Nanos,
    /// Orders remembered, finished ones included.
    pub orders_max: usize,
    /// Orders that may be live on one instrument.
    pub orders_per_instrument: usize,
    /// The broker's number as a source.
    pub source: SourceId,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            outbound: Latency {
                base: Nanos::from_millis(15),
                jitter: Nanos::from_millis(10),
            },
            response: Latency {
                base: Nanos::from_millis(15),
                jitter: Nanos::from_millis(10),
            },
            commission: Latency {
                base: Nanos::from_millis(50),
                jitter: Nanos::from_millis(200),
            },
            reject_ppm: 1_000,
            cash: Money(100_000_000_000_000),
            currency: text("USD"),
            stock_margin_ppm: 250_000,
            future_margin_ppm: 100_000,
            shorts: true,
            fees: Fees::default(),
            account_every: Nanos::from_secs(5),
            orders_max: 4_096,
            orders_per_instrument: 64,
            source: SourceId(0),
        }
    }
}

impl Config {
    /// The smallest delay of any answer: how far the head may run ahead of the edge.
    #[must_use]
    pub fn latency_min(&self) -> Nanos {
        self.outbound.base.min(self.response.base)
    }

    /// What does not fit: field and expectation, one entry for each fault. Empty when all is well.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        for (field, latency) in [
            ("outbound", self.outbound),
            ("response", self.response),
            ("commission", self.commission),
        ] {
            let most = Nanos::from_secs(3_600);
            if latency.base == Nanos::ZERO || latency.base > most || latency.jitter > most {
                faults.push((field, "a base of 1 ns to 1 h and a jitter of at most 1 h"));
            }
        }
        let mut need = |holds: bool, field, expected| {
            if !holds {
                faults.push((field, expected));
            }
        };
        let million = 1_000_000;
        need(
            self.reject_ppm <= million,
            "reject_ppm",
            "at most 1,000,000",
        );
        need(
            self.cash.0 >= 0 && self.cash.0 <= 1_000_000_000_000_000_000,
            "cash",
            "0 to 1e9 currency units",
        );
        for (field, margin) in [
            ("stock_margin_ppm", self.stock_margin_ppm),
            ("future_margin_ppm", self.future_margin_ppm),
        ] {
            need((1..=million).contains(&margin), field, "1 to 1,000,000");
        }
        need(
            (64..=32_768).contains(&self.orders_max),
            "orders_max",
            "64 to 32,768",
        );
        need(
            (1..=1_024).contains(&self.orders_per_instrument)
                && self.orders_per_instrument < self.orders_max / 2,
            "orders_per_instrument",
            "1 to 1,024, below half of orders_max",
        );
        need(
            self.account_every >= Nanos::SECOND,
            "account_every",
            "at least 1 s",
        );
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_seeded_bounded_and_above_zero() {
        let latency = Latency {
            base: Nanos(5),
            jitter: Nanos(10),
        };
        let delays: Vec<_> = (0..1_000).map(|n| latency.of(7, FrameId(3), n).0).collect();
        assert!(delays.iter().all(|delay| (5..=15).contains(delay)));
        assert!((5..=15).all(|delay| delays.contains(&delay)));
        assert_eq!(latency.of(7, FrameId(3), 9), latency.of(7, FrameId(3), 9));
        assert_ne!(
            delays,
            (0..1_000)
                .map(|n| latency.of(8, FrameId(3), n).0)
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_default_is_sound_and_faults_are_named() {
        assert_eq!(Config::default().faults(), []);
        let mut broken = Config::default();
        broken.response.base = Nanos::ZERO;
        broken.stock_margin_ppm = 0;
        let fields: Vec<_> = broken.faults().iter().map(|fault| fault.0).collect();
        assert_eq!(fields, ["response", "stock_margin_ppm"]);
    }
}
