//! The controls: each a pure function of what is proposed and what is known, in its own file, in
//! one table.
//!
//! To add one: write a file with a `CONTROL`, and name it in [`TABLE`], whose order is the order in
//! which controls are asked. Nothing else changes. The first control that refuses decides the
//! reason.

use crate::config::{Config, InstrumentLimits};
use stream::payload::{KillLevel, Reason};
use stream::{InstrumentId, Money, Nanos, Price, Side};

mod armed;
mod bad_intent;
mod book_quality;
mod borrow;
mod daily_loss;
mod equity;
mod frozen;
mod gross;
mod kill_level;
mod link;
mod not_allowed;
mod observe;
mod order_quantity;
mod order_value;
mod position_limit;
mod price_collar;
mod self_trade;
mod session_window;
mod short_sale;
mod stale;
mod table_full;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod shut;

pub(crate) use gross::gross_limit;
pub(crate) use order_value::value_limit;
pub(crate) use price_collar::passive_end;

/// What is about to become an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What it is about.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// True when it can only bring the position nearer to zero.
    pub reduces: bool,
    /// Quantity; 0 until it is sized.
    pub qty: u32,
    /// Limit price.
    pub limit: Price,
    /// Protective stop; 0 when it reduces.
    pub stop: Price,
    /// Profit target; 0 when it reduces.
    pub target: Price,
    /// The newest market frame that it rests on.
    pub market_ts: Nanos,
    /// Share of the account risk to use, in parts per million.
    pub risk_share_ppm: u32,
}

/// The best quote as far as it is known; 0 is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// Best bid.
    pub bid: Price,
    /// Best ask.
    pub ask: Price,
    /// Last trade.
    pub last: Price,
    /// See [`stream::payload::quality`].
    pub quality: u8,
    /// The newest market frame behind it.
    pub market_ts: Nanos,
}

/// When the session trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// When it opens.
    pub open: Nanos,
    /// When it closes; 0 where no session is known.
    pub close: Nanos,
}

/// What the broker said of the equity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Equity {
    /// The value.
    pub value: Money,
    /// When it was computed; 0 where it was never reported.
    pub as_of: Nanos,
}

/// What is known when a proposal is checked.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The instrument's limits.
    pub limits: InstrumentLimits,
    /// Now.
    pub now: Nanos,
    /// The kill level in force.
    pub kill: KillLevel,
    /// True when entries may be made.
    pub armed: bool,
    /// True when the link to the broker is usable.
    pub link_ready: bool,
    /// True when the instrument is on the allow-list and its definition agrees with it.
    pub allowed: bool,
    /// True when the instrument's definition allows short sales.
    pub shortable: bool,
    /// Shares that the broker would lend; `None` where it does not speak of it.
    pub borrowable: Option<u64>,
    /// True when something about the instrument is not explained.
    pub frozen: bool,
    /// Units in one contract.
    pub multiplier: u32,
    /// Smallest price step.
    pub tick: Price,
    /// Quantity step.
    pub lot: u32,
    /// The session.
    pub window: Window,
    /// The quote.
    pub quote: Quote,
    /// Position by fills.
    pub position: i64,
    /// Bought by working entries if all of them fill.
    pub working_buy: i64,
    /// Sold by working entries if all of them fill.
    pub working_sell: i64,
    /// Gross value in the worst case of all other instruments, in 1e-9.
    pub gross_others: i128,
    /// The reported equity.
    pub equity: Equity,
    /// Lost in the session, in 1e-9; negative is a gain.
    pub loss: i128,
    /// The session's loss limit, in 1e-9.
    pub loss_limit: i128,
    /// Brackets that may still be made.
    pub brackets_free: usize,
}

impl View<'_> {
    /// Position when every working buy fills and nothing is sold.
    #[must_use]
    pub fn worst_long(&self) -> i64 {
        self.position.max(0) + self.working_buy
    }

    /// Position when every working sell fills and nothing is bought, without its sign: exits of a
    /// long position bring it to zero at most.
    #[must_use]
    pub fn worst_short(&self) -> i64 {
        (-self.position).max(0) + self.working_sell
    }

    /// The worst case on the side of an entry.
    #[must_use]
    pub fn worst(&self, side: Side) -> i64 {
        if side == Side::Sell {
            self.worst_short()
        } else {
            self.worst_long()
        }
    }

    /// The highest price that values an exposure now: ask, last trade or the entry's own limit.
    #[must_use]
    pub fn reference(&self, limit: Price) -> Price {
        limit.max(self.quote.ask).max(self.quote.bid)
    }
}

/// Why a proposal is refused, with the numbers in the control's own unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Why.
    pub reason: Reason,
    /// What the limit says.
    pub limit: i64,
    /// What was found.
    pub observed: i64,
}

impl Breach {
    /// A breach; numbers beyond `i64` are clamped.
    #[must_use]
    pub fn new(reason: Reason, limit: impl Into<i128>, observed: impl Into<i128>) -> Self {
        let clamp = |value: i128| value.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        Self {
            reason,
            limit: clamp(limit.into()),
            observed: clamp(observed.into()),
        }
    }
}

/// What a control applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Entries only: it never stands in the way of an exit.
    Adding,
    /// Everything.
    Any,
}

/// When a control is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the quantity is known.
    Before,
    /// With the quantity.
    Sized,
}

/// One control.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// Its name, as in decoded journals.
    pub name: &'static str,
    /// The reason that it gives.
    pub reason: Reason,
    /// What it applies to.
    pub gate: Gate,
    /// When it is asked.
    pub phase: Phase,
    /// The check itself.
    pub check: fn(&Proposal, &View<'_>) -> Result<(), Breach>,
}

/// Every control, in the order in which they are asked.
pub const TABLE: &[Control] = &[
    observe::CONTROL,
    not_allowed::CONTROL,
    bad_intent::CONTROL,
    armed::CONTROL,
    kill_level::CONTROL,
    daily_loss::CONTROL,
    link::CONTROL,
    session_window::CONTROL,
    frozen::CONTROL,
    self_trade::CONTROL,
    short_sale::CONTROL,
    book_quality::CONTROL,
    stale::CONTROL,
    equity::CONTROL,
    price_collar::CONTROL,
    table_full::CONTROL,
    order_quantity::CONTROL,
    order_value::CONTROL,
    position_limit::CONTROL,
    borrow::CONTROL,
    gross::CONTROL,
];

/// Asks every control of one phase that applies.
///
/// # Errors
/// The first breach.
pub fn check(phase: Phase, proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    TABLE
        .iter()
        .filter(|control| control.phase == phase)
        .filter(|control| control.gate == Gate::Any || !proposal.reduces)
        .try_for_each(|control| (control.check)(proposal, view))
}
