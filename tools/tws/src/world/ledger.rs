//! Positions and realized profit from executions alone, as clients were told of them.

use stream::{InstrumentId, Money, Price, Side};

/// One position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) qty: i64,
    /// What it cost, without sign, in nano-units of price × quantity × multiplier.
    cost: i128,
    /// Profit realized today, before fees.
    pub(super) realized: i128,
    /// Traded today.
    pub(super) traded: bool,
}

impl Holding {
    /// What one share or contract cost on average; multiplied, as the broker tells it.
    pub(super) fn average_cost(&self) -> f64 {
        if self.qty == 0 {
            return 0.0;
        }
        self.cost as f64 / self.qty.unsigned_abs() as f64 * 1e-9
    }

    /// Profit not yet realized, at a price.
    pub(super) fn unrealized(&self, mark: Price, multiplier: u32) -> i128 {
        worth(self.qty, mark, multiplier) - self.cost * i128::from(self.qty.signum())
    }

    /// Its value at a price, with its sign.
    pub(super) fn value(&self, mark: Price, multiplier: u32) -> i128 {
        worth(self.qty, mark, multiplier)
    }

    /// A trade; the profit that it realized, `None` when it only opened.
    fn trade(&mut self, signed: i64, price: Price, multiplier: u32) -> Option<i128> {
        self.traded = true;
        let closes = if signed.signum() * self.qty.signum() < 0 {
            signed.abs().min(self.qty.abs())
        } else {
            0
        };
        let opens = signed.abs() - closes;
        let mut realized = None;
        if closes > 0 {
            let share = self.cost * i128::from(closes) / i128::from(self.qty.abs());
            let sign = i128::from(self.qty.signum());
            let profit = (worth(closes, price, multiplier) - share) * sign;
            self.cost -= share;
            self.realized += profit;
            realized = Some(profit);
        }
        self.cost += worth(opens, price, multiplier);
        self.qty += signed;
        realized
    }
}

fn worth(qty: i64, price: Price, multiplier: u32) -> i128 {
    i128::from(price.0) * i128::from(qty) * i128::from(multiplier)
}

/// All positions.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    holdings: Vec<Holding>,
}

impl Ledger {
    pub(super) fn new(instruments: usize) -> Self {
        Self {
            holdings: vec![Holding::default(); instruments],
        }
    }

    pub(super) fn holding(&self, instrument: InstrumentId) -> Holding {
        let found = self.holdings.get(instrument.index().wrapping_sub(1));
        found.copied().unwrap_or_default()
    }

    /// Books a trade; the profit before fees that it realized, `None` when it only opened.
    pub(super) fn trade(
        &mut self,
        instrument: InstrumentId,
        (side, qty, price): (Side, u32, Price),
        multiplier: u32,
    ) -> Option<Money> {
        let holding = self.holdings.get_mut(instrument.index().wrapping_sub(1))?;
        let signed = side.sign() * i64::from(qty);
        holding.trade(signed, price, multiplier).map(money)
    }

    /// Shares come at that price, or go at what they cost: nothing is realized.
    pub(super) fn transfer(&mut self, instrument: InstrumentId, signed: i64, price: Price) {
        let at = instrument.index().wrapping_sub(1);
        let Some(holding) = self.holdings.get_mut(at) else {
            return;
        };
        let before = holding.realized;
        holding.trade(signed, price, 1);
        holding.realized = before;
    }

    /// Profit realized today, before fees.
    pub(super) fn realized(&self) -> i128 {
        self.holdings.iter().map(|holding| holding.realized).sum()
    }
}

/// Totals beyond nine billion are told as the largest that fit.
pub(super) fn money(value: i128) -> Money {
    Money(value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A naive twin: cash that moved and the position at its mark are the profit, whatever the
        /// order of trades.
        #[test]
        fn realized_and_unrealized_are_what_the_cash_says(
            trades in prop::collection::vec((any::<bool>(), 1u32..300, 1i64..5_000), 1..40),
            mark in 1i64..5_000,
            multiplier in 1u32..60,
        ) {
            let one = InstrumentId(1);
            let mut ledger = Ledger::new(1);
            let (mut cash, mut position, mut closed) = (0i128, 0i64, 0i128);
            for (buy, qty, price) in trades {
                let side = if buy { Side::Buy } else { Side::Sell };
                let signed = side.sign() * i64::from(qty);
                let opens = signed.signum() * position.signum() >= 0;
                let realized = ledger.trade(one, (side, qty, Price(price)), multiplier);
                prop_assert_eq!(realized.is_none(), opens);
                closed += realized.map_or(0, |money| i128::from(money.0));
                cash -= worth(signed, Price(price), multiplier);
                position += signed;
            }
            let holding = ledger.holding(one);
            prop_assert_eq!(holding.qty, position);
            prop_assert_eq!(ledger.realized(), closed);
            let profit = cash + worth(position, Price(mark), multiplier);
            prop_assert_eq!(closed + holding.unrealized(Price(mark), multiplier), profit);
        }
    }

    #[test]
    fn the_average_is_multiplied_and_survives_partial_closes() {
        let mut ledger = Ledger::new(1);
        let one = InstrumentId(1);
        let price = |units: i64| Price(units * 1_000_000_000);
        ledger.trade(one, (Side::Buy, 3, price(100)), 50);
        ledger.trade(one, (Side::Buy, 1, price(104)), 50);
        assert!((ledger.holding(one).average_cost() - 5_050.0).abs() < 1e-9);
        let realized = ledger.trade(one, (Side::Sell, 2, price(102)), 50);
        assert_eq!(realized, Some(Money(100_000_000_000)));
        assert!((ledger.holding(one).average_cost() - 5_050.0).abs() < 1e-9);
        assert_eq!(ledger.holding(InstrumentId(9)), Holding::default());
    }
}
