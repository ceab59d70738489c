//! The broker's profit of the day against our own.
//!
//! The cash that executions and fees moved, plus what is held at the *broker's own* mark, is the
//! profit of the day: whatever the order of the trades, however much of it either side calls
//! realised, and wherever a fee is booked. So neither marks nor cost methods can make a difference;
//! only an execution, a fee or a price that one side does not have.
//!
//! The day is New York's, as the broker's is, and the journal may begin within it: what the broker
//! says before anything is traded is where the comparison begins.

use super::desk::Desk;
use super::hours::new_york_date;
use super::reconcile::Base;
use std::collections::BTreeMap;
use stream::payload::AccountField;
use stream::{InstrumentId, Money, Nanos};

/// The day's profit of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profit {
    /// In all.
    pub daily: Money,
    /// Not realised, where it is said.
    pub unrealised: Option<Money>,
    /// Realised, where it is said.
    pub realised: Option<Money>,
}

impl Profit {
    /// What is said of it, as account values.
    pub fn values(&self) -> impl Iterator<Item = (AccountField, Money)> + use<> {
        [
            (AccountField::DailyProfit, Some(self.daily)),
            (AccountField::UnrealisedProfit, self.unrealised),
            (AccountField::RealisedProfit, self.realised),
        ]
        .into_iter()
        .filter_map(|(field, value)| Some((field, value?)))
    }
}

/// The day's profit of one position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionProfit {
    /// Whole shares or contracts.
    pub qty: i64,
    /// Its value at the broker's mark, with its sign.
    pub value: Money,
    /// Its profit.
    pub profit: Profit,
}

/// What the broker says of the day's profit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// When it was looked at.
    pub at: Nanos,
    /// Of the account.
    pub total: Profit,
    /// Of positions, as far as they were heard of.
    pub positions: BTreeMap<InstrumentId, PositionProfit>,
}

/// Where the comparison begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The day, `yyyymmdd`.
    date: u32,
    /// What the broker said, less what our executions had moved by then.
    before: i128,
}

impl Desk {
    /// The broker's word on the day's profit: the first one that comes before anything is traded is
    /// where the comparison begins. Behind a trade nobody knows whether it is in it already.
    pub fn on_profit(&mut self, at: Nanos, daily: Money) {
        let date = new_york_date(at);
        let base = self.base();
        let known = base.profit.is_some_and(|origin| origin.date == date);
        if known || self.executions() > 0 || !self.is_flat() {
            return;
        }
        let before = i128::from(daily.0) - base.moved;
        self.set_profit(Origin { date, before });
    }

    fn is_flat(&self) -> bool {
        let before = &self.base().positions;
        before.values().all(|qty| *qty == 0) && self.held().next().is_none()
    }
}

/// The day's profit by our executions at the broker's marks; `None` where the two cannot be
/// compared: the day began with a position, or a position's value has not come yet.
#[must_use]
pub fn own(desk: &Desk, base: &Base, seen: &Seen) -> Option<Money> {
    let origin = base.profit?;
    if origin.date != new_york_date(seen.at) || base.positions.values().any(|qty| *qty != 0) {
        return None;
    }
    let mut worth = 0;
    for (instrument, qty) in desk.held() {
        let theirs = seen.positions.get(&instrument)?;
        if theirs.qty != qty {
            return None;
        }
        worth += i128::from(theirs.value.0);
    }
    i64::try_from(origin.before + base.moved + worth)
        .ok()
        .map(Money)
}

#[cfg(test)]
mod tests;
