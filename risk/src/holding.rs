//! One instrument's position and its cost, in exact integers.
//!
//! Guarantee: `realised − cost` equals the cash that the executions moved, to the last 1e-9, after
//! any sequence of fills: what a partial close cannot divide evenly stays in the cost of the rest.
//! Deliberately absent: fees, marks, corrections of earlier executions.

use stream::{Price, Qty, Side};

/// Most shares or contracts that a position may have; an execution beyond it is not believed.
pub const POSITION_BOUND: i64 = 100_000_000;
/// Highest price that is believed: ten million currency units.
pub const PRICE_BOUND: Price = Price(10_000_000 * stream::units::SCALE);

/// True for prices that can be reckoned with: positive and below [`PRICE_BOUND`].
#[must_use]
pub const fn is_believable(price: Price) -> bool {
    price.0 > 0 && price.0 <= PRICE_BOUND.0
}

/// A position and what it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Position; negative is short.
    pub qty: i64,
    /// Price × quantity × multiplier of what is held, in 1e-9, signed like the position.
    pub cost: i128,
    /// Gained by closing, in 1e-9, before fees.
    pub realised: i128,
}

/// What one execution did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// How much of the execution closed what was held.
    pub closed: u32,
    /// How much of it opened or added.
    pub opened: u32,
    /// What the closed part gained, in 1e-9.
    pub realised: i128,
}

impl Holding {
    /// Applies one execution; `None`, and nothing changes, when it cannot be believed: no side,
    /// no quantity, a price outside 0 to [`PRICE_BOUND`], or a position or cost out of range.
    #[must_use]
    pub fn apply(
        &mut self,
        side: Side,
        qty: u32,
        price: Price,
        multiplier: u32,
    ) -> Option<Applied> {
        if side == Side::None || qty == 0 || multiplier == 0 || !is_believable(price) {
            return None;
        }
        let mut next = *self;
        let sign = side.sign();
        let unit = i128::from(price.0) * i128::from(multiplier);
        let mut applied = Applied::default();
        if next.qty * sign < 0 {
            let held = next.qty.abs();
            let closing = i64::from(qty).min(held);
            let removed = if closing == held {
                next.cost
            } else {
                next.cost * i128::from(closing) / i128::from(held)
            };
            applied.realised = unit * i128::from(closing * -sign) - removed;
            applied.closed = closing as u32;
            next.realised += applied.realised;
            next.cost -= removed;
            next.qty += closing * sign;
        }
        applied.opened = qty - applied.closed;
        let opened = i64::from(applied.opened) * sign;
        next.qty += opened;
        next.cost += unit * i128::from(opened);
        let money = i128::from(i64::MAX / 4);
        if next.qty.abs() > POSITION_BOUND || next.cost.abs() > money || next.realised.abs() > money
        {
            return None;
        }
        *self = next;
        Some(applied)
    }

    /// Average entry price, rounded towards zero; 0 when flat.
    #[must_use]
    pub fn average(&self, multiplier: u32) -> Price {
        let units = i128::from(self.qty) * i128::from(multiplier);
        if units == 0 {
            return Price::ZERO;
        }
        Price((self.cost / units) as i64)
    }

    /// Gain or loss of what is held if it were closed at `mark`, in 1e-9.
    #[must_use]
    pub fn unrealised(&self, mark: Price, multiplier: u32) -> i128 {
        if self.qty == 0 {
            return 0;
        }
        self.value(mark, multiplier) - self.cost
    }

    /// Signed value of what is held at `mark`, in 1e-9.
    #[must_use]
    pub fn value(&self, mark: Price, multiplier: u32) -> i128 {
        i128::from(self.qty) * i128::from(mark.0) * i128::from(multiplier)
    }

    /// The position as a quantity.
    #[must_use]
    pub const fn position(&self) -> Qty {
        Qty(self.qty)
    }

    /// The side that would close it; `None` when flat.
    #[must_use]
    pub const fn exit_side(&self) -> Side {
        match self.qty {
            0 => Side::None,
            1.. => Side::Sell,
            _ => Side::Buy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNIT: i64 = stream::units::SCALE;

    #[test]
    fn a_reversal_closes_first_and_opens_with_the_rest() {
        let mut holding = Holding::default();
        let open = holding.apply(Side::Buy, 100, Price(10 * UNIT), 1);
        assert_eq!(open.map(|a| (a.closed, a.opened)), Some((0, 100)));
        let flip = holding
            .apply(Side::Sell, 150, Price(11 * UNIT), 1)
            .expect("sound");
        assert_eq!((flip.closed, flip.opened), (100, 50));
        assert_eq!(flip.realised, i128::from(100 * UNIT));
        assert_eq!((holding.qty, holding.average(1)), (-50, Price(11 * UNIT)));
        assert_eq!(
            holding.unrealised(Price(12 * UNIT), 1),
            i128::from(-50 * UNIT)
        );
    }

    #[test]
    fn what_does_not_divide_stays_in_the_cost() {
        let mut holding = Holding::default();
        holding.apply(Side::Buy, 1, Price(1), 1).expect("sound");
        holding.apply(Side::Buy, 2, Price(2), 1).expect("sound");
        holding.apply(Side::Sell, 1, Price(5), 1).expect("sound");
        assert_eq!((holding.cost, holding.realised), (4, 4));
        holding.apply(Side::Sell, 2, Price(5), 1).expect("sound");
        assert_eq!((holding.cost, holding.realised), (0, 10));
    }

    #[test]
    fn unbelievable_executions_change_nothing() {
        let mut holding = Holding::default();
        holding.apply(Side::Buy, 5, Price(UNIT), 5).expect("sound");
        let before = holding;
        for (side, qty, price, multiplier) in [
            (Side::None, 1, Price(UNIT), 1),
            (Side::Buy, 0, Price(UNIT), 1),
            (Side::Buy, 1, Price(0), 1),
            (Side::Buy, 1, Price(-UNIT), 1),
            (Side::Buy, 1, Price(PRICE_BOUND.0 + 1), 1),
            (Side::Buy, 1, Price::MAX, u32::MAX),
            (Side::Buy, u32::MAX, Price(UNIT), 1),
            (Side::Sell, 100_000_000, PRICE_BOUND, 100_000),
            (Side::Buy, 1, Price(UNIT), 0),
        ] {
            assert_eq!(holding.apply(side, qty, price, multiplier), None);
            assert_eq!(holding, before);
        }
    }

    proptest! {
        /// The twin knows cash and position only.
        #[test]
        fn realised_and_unrealised_are_cash_and_marked_value(
            fills in proptest::collection::vec((any::<bool>(), 1u32..500, 1i64..5_000_000), 1..60),
            mark in 1i64..5_000_000,
            multiplier in 1u32..60,
        ) {
            let mut holding = Holding::default();
            let (mut cash, mut position) = (0i128, 0i128);
            for (buy, qty, price) in fills {
                let side = if buy { Side::Buy } else { Side::Sell };
                holding.apply(side, qty, Price(price), multiplier).expect("sound");
                let signed = i128::from(qty) * i128::from(side.sign());
                position += signed;
                cash -= signed * i128::from(price) * i128::from(multiplier);
                prop_assert_eq!(i128::from(holding.qty), position);
                prop_assert_eq!(holding.realised - holding.cost, cash);
                let marked = position * i128::from(mark) * i128::from(multiplier);
                let total = holding.realised + holding.unrealised(Price(mark), multiplier);
                prop_assert_eq!(total, cash + marked);
                prop_assert!(holding.qty != 0 || holding.cost == 0);
            }
        }
    }
}
