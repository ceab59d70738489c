//! The account's own currency, where it is not the one that is traded in.
//!
//! The exchange reckons in dollars. An account in another currency began with that much of its own
//! instead, and has what its trades moved in dollars beside it: the dollars move with every trade
//! to the cent, the whole moves with the rate.

use stream::Money;

/// The currency that is traded in.
pub const TRADED: &str = "USD";
const ONE: i64 = 1_000_000_000;

/// An account's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    code: String,
    /// What a dollar costs in it, in 1e-9.
    rate: i64,
    /// The same when the account began.
    first: i64,
    /// The rate is told.
    told: bool,
}

impl Default for Base {
    fn default() -> Self {
        Self::new(TRADED, Money(ONE))
    }
}

impl Base {
    /// A currency, and what a dollar costs in it.
    #[must_use]
    pub fn new(code: &str, rate: Money) -> Self {
        let rate = if code == TRADED { ONE } else { rate.0.max(1) };
        Self {
            code: code.to_owned(),
            rate,
            first: rate,
            told: true,
        }
    }

    /// Its name.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What a dollar costs in it; `None` while that is not told.
    #[must_use]
    pub fn rate(&self) -> Option<Money> {
        self.told.then_some(Money(self.rate))
    }

    /// True where the account is kept in what it trades in.
    #[must_use]
    pub fn is_traded(&self) -> bool {
        self.code == TRADED
    }

    /// From now on a dollar costs so much; zero: the rate is not told any more.
    pub(super) fn set_rate(&mut self, rate: i64) {
        if self.is_traded() {
            return;
        }
        self.told = rate > 0;
        if self.told {
            self.rate = rate;
        }
    }

    /// So many dollars.
    #[must_use]
    pub fn of(&self, dollars: Money) -> Money {
        times(dollars, self.rate)
    }

    /// What the account began with.
    #[must_use]
    pub fn first_cash(&self, start: Money) -> Money {
        times(start, self.first)
    }

    /// An amount of dollars that the account's first cash is part of.
    #[must_use]
    pub fn with_first(&self, dollars: Money, start: Money) -> Money {
        let moved = self.of(dollars.saturating_sub(start));
        Money(moved.0.saturating_add(self.first_cash(start).0))
    }
}

fn times(amount: Money, rate: i64) -> Money {
    super::ledger::money(i128::from(amount.0) * i128::from(rate) / i128::from(ONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_move_by_trades_and_the_whole_with_the_rate() {
        let dollars = |whole: i64| Money(whole * ONE);
        let mut base = Base::new("EUR", Money(900_000_000));
        let start = dollars(100_000);
        assert_eq!(base.with_first(start, start), dollars(90_000));
        assert_eq!(base.with_first(dollars(99_000), start), dollars(89_100));
        base.set_rate(1_000_000_000);
        assert_eq!(base.with_first(dollars(99_000), start), dollars(89_000));
        base.set_rate(0);
        assert_eq!(base.rate(), None);
        assert_eq!(base.with_first(start, start), dollars(90_000));
    }

    #[test]
    fn a_dollar_is_a_dollar() {
        let mut base = Base::default();
        base.set_rate(5);
        assert_eq!(base.rate(), Some(Money(ONE)));
        assert_eq!(base.of(Money(123)), Money(123));
    }
}
