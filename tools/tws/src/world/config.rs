//! What the broker may be told at its start.

use super::base::Base;
use super::market::Market;
use feed::synthetic;
use gateway::sim;
use stream::Nanos;

/// Settings of the broker.
#[derive(Debug)]
pub struct Config {
    /// The account; `DU…` is paper.
    pub account: String,
    /// When the world begins.
    pub start: Nanos,
    /// Market data and instruments.
    pub market: Market,
    /// The exchange and the account: seed, latencies, cash, margin, fees.
    pub sim: sim::Config,
    /// The account's own currency; the exchange's cash is what it began with in dollars.
    pub base: Base,
    /// What the broker allows.
    pub limits: Limits,
    /// The client that hears of all clients' orders, if any.
    pub master: Option<i32>,
}

/// What the broker allows. The defaults are IB's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages a second, of all clients together; 0 for no limit.
    pub messages_per_second: u32,
    /// Streaming quotes at a time, of all clients together.
    pub lines: usize,
    /// Depth at a time.
    pub depth: usize,
    /// Tick-by-tick at a time.
    pub ticks: usize,
    /// Working orders of one contract and side.
    pub orders_per_side: usize,
    /// Account summaries at a time.
    pub summaries: usize,
    /// Scanners at a time.
    pub scanners: usize,
    /// Most that a limit price may be through the other side, in percent of it; 0 for no bound.
    pub through_percent: u32,
    /// How often quotes are sampled.
    pub sampling: Nanos,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages_per_second: 50,
            lines: 100,
            depth: 3,
            ticks: 3,
            orders_per_side: 20,
            summaries: 2,
            scanners: 10,
            through_percent: 10,
            sampling: Nanos::from_millis(250),
        }
    }
}

impl Config {
    /// A broker with one account and any market.
    #[must_use]
    pub fn new(account: &str, market: Market) -> Self {
        let start = market.shift.apply(market.opens());
        Self {
            account: account.to_owned(),
            start,
            market,
            sim: sim::Config {
                reject_ppm: 0,
                ..sim::Config::default()
            },
            base: Base::default(),
            limits: Limits::default(),
            master: None,
        }
    }

    /// The embedded synthetic market from `start` on, without pauses or gaps.
    ///
    /// # Errors
    /// When `length` reaches beyond the end of time.
    pub fn synthetic(
        account: &str,
        seed: u64,
        start: Nanos,
        length: Nanos,
    ) -> Result<Self, synthetic::ConfigError> {
        let market = synthetic::Config {
            halts: Vec::new(),
            gap: None,
            events_per_second: 600.0,
            ..synthetic::Config::demo(seed, start, length)
        };
        let mut config = Self::new(account, Market::synthetic(market)?);
        config.sim.seed = seed;
        Ok(config)
    }

    /// The same, and beside it the names that everybody's examples use: large shares and funds, and
    /// index futures of two and three months.
    ///
    /// # Errors
    /// When `length` reaches beyond the end of time.
    pub fn usual(
        account: &str,
        seed: u64,
        start: Nanos,
        length: Nanos,
    ) -> Result<Self, synthetic::ConfigError> {
        let mut config = Self::synthetic(account, seed, start, length)?;
        let (known, define) = super::known::market(seed, start, length);
        config.market = config.market.beside(known, define)?;
        Ok(config)
    }
}
