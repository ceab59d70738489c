//! A view in which everything passes, and the proposals that the controls' tests begin with.

use super::{Equity, Proposal, Quote, View, Window};
use crate::config::Config;
use crate::sample;
use stream::payload::KillLevel;
use stream::{InstrumentId, Nanos, Price, Side};

/// A price in cents.
pub(crate) const fn cents(cents: i64) -> Price {
    Price(cents * 10_000_000)
}

const NOW: Nanos = Nanos::from_secs(1_700_000_000);

/// What [`View`] borrows, and what tests change.
pub(crate) struct Fixture {
    pub(crate) config: Config,
    pub(crate) now: Nanos,
    pub(crate) kill: KillLevel,
    pub(crate) armed: bool,
    pub(crate) link_ready: bool,
    pub(crate) allowed: bool,
    pub(crate) shortable: bool,
    pub(crate) borrowable: Option<u64>,
    pub(crate) frozen: bool,
    pub(crate) multiplier: u32,
    pub(crate) window: Window,
    pub(crate) quote: Quote,
    pub(crate) position: i64,
    pub(crate) working_buy: i64,
    pub(crate) working_sell: i64,
    pub(crate) gross_others: i128,
    pub(crate) equity: Equity,
    pub(crate) loss: i128,
    pub(crate) loss_limit: i128,
    pub(crate) brackets_free: usize,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self {
            config: sample::config(),
            now: NOW,
            kill: KillLevel::None,
            armed: true,
            link_ready: true,
            allowed: true,
            shortable: true,
            borrowable: None,
            frozen: false,
            multiplier: 1,
            window: Window {
                open: NOW - Nanos::from_secs(3_600),
                close: NOW + Nanos::from_secs(3_600),
            },
            quote: Quote {
                bid: cents(10_000),
                ask: cents(10_002),
                last: cents(10_001),
                quality: 0,
                market_ts: NOW,
            },
            position: 0,
            working_buy: 0,
            working_sell: 0,
            gross_others: 0,
            equity: Equity {
                value: sample::dollars(100_000),
                as_of: NOW,
            },
            loss: 0,
            loss_limit: i128::from(sample::dollars(2_000).0),
            brackets_free: 1,
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        View {
            config: &self.config,
            limits: self.config.limits,
            now: self.now,
            kill: self.kill,
            armed: self.armed,
            link_ready: self.link_ready,
            allowed: self.allowed,
            shortable: self.shortable,
            borrowable: self.borrowable,
            frozen: self.frozen,
            multiplier: self.multiplier,
            tick: cents(1),
            lot: 1,
            window: self.window,
            quote: self.quote,
            position: self.position,
            working_buy: self.working_buy,
            working_sell: self.working_sell,
            gross_others: self.gross_others,
            equity: self.equity,
            loss: self.loss,
            loss_limit: self.loss_limit,
            brackets_free: self.brackets_free,
        }
    }
}

/// A long entry at the ask.
pub(crate) fn entry() -> Proposal {
    Proposal {
        instrument: InstrumentId(1),
        side: Side::Buy,
        reduces: false,
        qty: 0,
        limit: cents(10_002),
        stop: cents(9_952),
        target: cents(10_102),
        market_ts: NOW,
        risk_share_ppm: 1_000_000,
    }
}

/// A short entry at the bid.
pub(crate) fn short() -> Proposal {
    Proposal {
        side: Side::Sell,
        limit: cents(10_000),
        stop: cents(10_050),
        target: cents(9_900),
        ..entry()
    }
}

/// The long entry with a quantity.
pub(crate) fn sized(qty: u32) -> Proposal {
    Proposal { qty, ..entry() }
}

/// A sale that closes a long position.
pub(crate) fn exit() -> Proposal {
    Proposal {
        side: Side::Sell,
        reduces: true,
        qty: 100,
        limit: cents(9_950),
        stop: Price::ZERO,
        target: Price::ZERO,
        ..entry()
    }
}
