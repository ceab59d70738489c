//! The account's own currency to the one that is traded in.
//!
//! Positions, limits and profit are in the currency of what is traded. An account kept in another
//! one is converted here, by the rate that the broker itself sends with the values: a value without
//! its rate is no value, so that nothing is entered on a guess. Cash is not converted: it is what
//! the account has of the traded currency, which its trades move to the cent.

use super::broker::{Account, Value};
use super::profit::{PositionProfit, Profit, Seen};
use stream::Money;
use stream::payload::AccountField;

const ONE: i128 = 1_000_000_000;

/// How the account's currency becomes the one that is traded in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Exchange {
    /// They are the same.
    #[default]
    Same,
    /// One unit of what is traded in costs so much of the account's own.
    At {
        /// The account's own.
        base: String,
        /// The price.
        rate: Money,
    },
    /// The broker does not tell.
    Unknown {
        /// The account's own.
        base: String,
    },
}

impl Exchange {
    /// An amount of the account's currency in the one that is traded in; `None` where the rate is
    /// not known, or the amount is beyond all reason.
    #[must_use]
    pub fn of(&self, amount: Money) -> Option<Money> {
        match self {
            Self::Same => Some(amount),
            Self::Unknown { .. } => None,
            Self::At { rate, .. } => {
                let exact = i128::from(amount.0) * ONE;
                let rate = i128::from(rate.0);
                let half = if exact < 0 { -rate / 2 } else { rate / 2 };
                i64::try_from((exact + half) / rate).ok().map(Money)
            }
        }
    }

    /// False while nothing can be converted.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }

    /// What the broker says of profit, converted; `None` where it cannot be.
    #[must_use]
    pub fn seen(&self, seen: &Seen) -> Option<Seen> {
        let profit = |profit: Profit| {
            Some(Profit {
                daily: self.of(profit.daily)?,
                unrealised: profit.unrealised.and_then(|amount| self.of(amount)),
                realised: profit.realised.and_then(|amount| self.of(amount)),
            })
        };
        let mut converted = Seen {
            at: seen.at,
            total: profit(seen.total)?,
            ..Seen::default()
        };
        for (id, one) in &seen.positions {
            let one = PositionProfit {
                qty: one.qty,
                value: self.of(one.value)?,
                profit: profit(one.profit)?,
            };
            converted.positions.insert(*id, one);
        }
        Some(converted)
    }

    /// By how much two converted amounts may differ, for this much of them: the broker's own rate
    /// moves between its words on them.
    #[must_use]
    pub const fn slack(&self, of: u64) -> u64 {
        match self {
            Self::At { .. } => of / SHARE,
            Self::Same | Self::Unknown { .. } => 0,
        }
    }
}

/// A thousandth: more than a currency moves in the seconds between two words.
const SHARE: u64 = 1_000;

/// The account's values in the currency that is traded in, the equity first, and how they were
/// converted; no values where they could not be.
#[must_use]
pub fn convert(account: &Account, traded: &str) -> (Vec<Value>, Exchange) {
    let equity = |value: &&Value| value.field == AccountField::Equity;
    let first = account
        .values
        .iter()
        .find(equity)
        .or(account.values.first());
    let Some(base) = first.map(|value| value.currency.clone()) else {
        return (Vec::new(), Exchange::Same);
    };
    if base == traded {
        return (account.values.clone(), Exchange::Same);
    }
    let ledger = account.ledgers.iter().find(|one| one.currency == traded);
    let told = ledger.and_then(|one| Some((one.rate.filter(|rate| rate.0 > 0)?, one.cash)));
    let Some((rate, cash)) = told else {
        return (Vec::new(), Exchange::Unknown { base });
    };
    let exchange = Exchange::At {
        base: base.clone(),
        rate,
    };
    let own = account.values.iter().filter(|value| value.currency == base);
    let mut values: Vec<Value> = own
        .filter_map(|value| {
            let converted = match value.field {
                AccountField::Cash => cash,
                _ => exchange.of(value.value),
            };
            Some(Value {
                field: value.field,
                value: converted?,
                currency: traded.to_owned(),
            })
        })
        .collect();
    values.sort_by_key(|value| value.field as u8);
    values.push(Value {
        field: AccountField::ExchangeRate,
        value: rate,
        currency: base,
    });
    (values, exchange)
}

#[cfg(test)]
mod tests {
    use super::super::broker::Ledger;
    use super::*;

    fn money(cents: i64) -> Money {
        Money(cents * 10_000_000)
    }

    fn account(rate: Option<Money>) -> Account {
        let value = |field, cents| Value {
            field,
            value: money(cents),
            currency: "EUR".to_owned(),
        };
        Account {
            values: vec![
                value(AccountField::Cash, 9_000_000),
                value(AccountField::Equity, 9_000_000),
            ],
            ledgers: vec![Ledger {
                currency: "USD".to_owned(),
                cash: Some(money(-12_345)),
                rate,
            }],
        }
    }

    #[test]
    fn values_are_converted_and_cash_is_what_there_is() {
        let (values, exchange) = convert(&account(Some(Money(900_000_000))), "USD");
        let told: Vec<_> = values
            .iter()
            .map(|value| (value.field, value.value, value.currency.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (AccountField::Equity, money(10_000_000), "USD"),
                (AccountField::Cash, money(-12_345), "USD"),
                (AccountField::ExchangeRate, Money(900_000_000), "EUR"),
            ]
        );
        assert_eq!(
            exchange.of(Money(-1)),
            Some(Money(-1)),
            "rounded, both ways"
        );
        assert_eq!(exchange.of(Money(1)), Some(Money(1)));
        assert_eq!(exchange.slack(5_000), 5);
    }

    #[test]
    fn without_a_rate_there_is_no_value() {
        for rate in [None, Some(Money::ZERO), Some(Money(-1))] {
            let (values, exchange) = convert(&account(rate), "USD");
            assert_eq!(values, []);
            assert!(!exchange.is_known());
            assert_eq!(exchange.of(Money(1)), None);
            assert_eq!(exchange.seen(&Seen::default()), None);
        }
        let other = convert(&account(Some(Money(900_000_000))), "GBP");
        assert!(!other.1.is_known(), "a rate of another currency is none");
    }

    #[test]
    fn an_account_in_what_it_trades_is_left_as_it_is() {
        let account = account(None);
        let (values, exchange) = convert(&account, "EUR");
        assert_eq!((values, exchange), (account.values, Exchange::Same));
    }
}
