//! Fees like Interactive Brokers' fixed schedule, cumulative per order, in exact integers.
//!
//! An execution costs what the whole order costs with it, less what it cost before; so minimum and
//! maximum apply to the order, and the sum over its executions is the order's fee to the
//! nano-dollar. Divisions round up to the next nano-dollar, so a fee is never understated.
//!
//! Rates change: the defaults say which day they are of, and each is a setting.

use stream::payload::InstrumentType;
use stream::{Money, Side};

/// The schedule. Amounts in the account's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// Shares: commission for each. IBKR Pro Fixed, US stocks: 0.005.
    pub stock_per_share: Money,
    /// Shares: least commission of an order. 1.00.
    pub stock_min: Money,
    /// Shares: most commission of an order, in parts per million of its value; it wins over the
    /// minimum. 10,000 (1 %).
    pub stock_max_ppm: u32,
    /// Shares sold: SEC fee (Section 31) for each million of value. 20.60, from 4 April 2026 (it
    /// was zero from 14 May 2025 on).
    pub sec_per_million: Money,
    /// Shares sold: FINRA trading activity fee for each share. 0.000195, from 1 January 2026.
    pub taf_per_share: Money,
    /// Shares sold: most trading activity fee of a trade, here of an order. 9.79.
    pub taf_max: Money,
    /// Futures: commission with exchange and regulatory fees for each contract and side. 2.25,
    /// about what an E-mini costs.
    pub future_per_contract: Money,
    /// Pairs: commission in parts per million of the value. 20 (0.2 basis points).
    pub spot_ppm: u32,
    /// Pairs: least commission of an order. 2.00.
    pub spot_min: Money,
}

impl Default for Fees {
    fn default() -> Self {
        Self {
            stock_per_share: Money(5_000_000),
            stock_min: Money(1_000_000_000),
            stock_max_ppm: 10_000,
            sec_per_million: Money(20_600_000_000),
            taf_per_share: Money(195_000),
            taf_max: Money(9_790_000_000),
            future_per_contract: Money(2_250_000_000),
            spot_ppm: 20,
            spot_min: Money(2_000_000_000),
        }
    }
}

impl Fees {
    /// No fees at all.
    pub const NONE: Self = Self {
        stock_per_share: Money::ZERO,
        stock_min: Money::ZERO,
        stock_max_ppm: 0,
        sec_per_million: Money::ZERO,
        taf_per_share: Money::ZERO,
        taf_max: Money::ZERO,
        future_per_contract: Money::ZERO,
        spot_ppm: 0,
        spot_min: Money::ZERO,
    };

    /// What an order costs that has traded `qty` for `value` (without sign) so far.
    ///
    /// # Panics
    /// If the fee does not fit [`Money`].
    #[must_use]
    pub fn of(&self, what: InstrumentType, side: Side, qty: u64, value: Money) -> Money {
        if qty == 0 {
            return Money::ZERO;
        }
        let (qty, value) = (i128::from(qty), i128::from(value.0.unsigned_abs()));
        let ppm = |rate: u32| ceil_div(value * i128::from(rate), 1_000_000);
        let fee = match what {
            InstrumentType::Stock => {
                let plain = (qty * i128::from(self.stock_per_share.0))
                    .max(i128::from(self.stock_min.0))
                    .min(ppm(self.stock_max_ppm));
                plain
                    + if side == Side::Sell {
                        self.on_sales(qty, value)
                    } else {
                        0
                    }
            }
            InstrumentType::Future => qty * i128::from(self.future_per_contract.0),
            InstrumentType::Spot => ppm(self.spot_ppm).max(i128::from(self.spot_min.0)),
        };
        Money(i64::try_from(fee).expect("a fee fits Money"))
    }

    fn on_sales(&self, qty: i128, value: i128) -> i128 {
        // A million currency units are 1e15 nano-units.
        let sec = ceil_div(
            value * i128::from(self.sec_per_million.0),
            1_000_000_000_000_000,
        );
        let taf = (qty * i128::from(self.taf_per_share.0)).min(i128::from(self.taf_max.0));
        sec + taf
    }
}

/// Of values that are not negative.
fn ceil_div(value: i128, by: i128) -> i128 {
    (value + by - 1) / by
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CENT: i64 = 10_000_000;
    const STOCK: InstrumentType = InstrumentType::Stock;

    fn buy(qty: u64, value_cents: i64) -> i64 {
        Fees::default()
            .of(STOCK, Side::Buy, qty, Money(value_cents * CENT))
            .0
    }

    #[test]
    fn the_published_examples_of_the_fixed_schedule() {
        // 100 shares at 25.00: the minimum, 1.00.
        assert_eq!(buy(100, 250_000), 100 * CENT);
        // 1,000 shares at 25.00: 5.00.
        assert_eq!(buy(1_000, 2_500_000), 500 * CENT);
        // 1,000 shares at 0.25: 1 % of 250.00 is 2.50.
        assert_eq!(buy(1_000, 25_000), 250 * CENT);
        // 10 shares at 5.00: the maximum, 0.50, wins over the minimum.
        assert_eq!(buy(10, 5_000), 50 * CENT);
    }

    #[test]
    fn sales_also_pay_the_regulators() {
        let value = Money(2_500_000 * CENT);
        let sell = Fees::default().of(STOCK, Side::Sell, 1_000, value).0;
        // 25,000.00 × 20.60 ÷ 1e6 = 0.515, and 1,000 × 0.000195 = 0.195.
        assert_eq!(sell - buy(1_000, 2_500_000), 515_000_000 + 195_000_000);
        let many = Fees::default()
            .of(STOCK, Side::Sell, 1_000_000, Money(CENT))
            .0;
        assert!(many >= 9_790_000_000, "the activity fee is capped");
    }

    #[test]
    fn futures_pay_for_each_contract() {
        let fee = Fees::default().of(InstrumentType::Future, Side::Buy, 3, Money(CENT));
        assert_eq!(fee, Money(6_750_000_000));
    }

    proptest! {
        /// Cumulative fees never fall, so no execution is paid back.
        #[test]
        fn fees_never_fall(
            fills in prop::collection::vec((1u64..5_000, 1i64..1_000_000), 1..20),
            sell in any::<bool>(),
        ) {
            let side = if sell { Side::Sell } else { Side::Buy };
            let (mut qty, mut value, mut last) = (0, 0, Money::ZERO);
            for (shares, cents) in fills {
                qty += shares;
                value += shares as i64 * cents * CENT / 100;
                let fee = Fees::default().of(STOCK, side, qty, Money(value));
                prop_assert!(fee >= last);
                last = fee;
            }
        }
    }
}
