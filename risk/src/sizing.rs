//! How many: the share of equity that one trade may lose, over the distance to its stop.
//!
//! Order of things: the risk budget gives a quantity; the limits of order quantity, order value,
//! position and gross then make it smaller where they must (the order names the limit that did);
//! what is left is rounded down to whole lots, and every control is asked with that quantity. A
//! budget below one lot is refused as `size_zero`; a limit that leaves no lot gives its own reason.

use crate::config::PPM;
use crate::controls::{Breach, Proposal, View, gross_limit, value_limit};
use stream::Money;
use stream::payload::Reason;

/// A quantity and what it risks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Whole lots, at least one.
    pub qty: u32,
    /// The limit that made it smaller than the budget asked for; `None` when none did.
    pub clamped: Reason,
    /// Lost at the stop, before fees.
    pub risk: Money,
    /// The same for one share or contract, in 1e-9.
    pub unit_risk: i64,
}

/// Sizes a proposal that has passed the controls that come before: its prices are believable and
/// on their proper sides, equity and quote are known.
///
/// # Errors
/// [`Reason::SizeZero`] when the budget is below one lot; a limit's own reason when it leaves less
/// than one lot; [`Reason::BadIntent`] when the risk of one unit is out of range.
pub fn size(proposal: &Proposal, view: &View<'_>) -> Result<Size, Breach> {
    let multiplier = i128::from(view.multiplier);
    let distance = i128::from((proposal.limit.0 - proposal.stop.0).abs());
    let Some(unit_risk) = i64::try_from(distance * multiplier)
        .ok()
        .filter(|&risk| risk > 0)
    else {
        return Err(Breach::new(Reason::BadIntent, i64::MAX, distance));
    };
    let ppm = i128::from(PPM);
    let budget =
        i128::from(view.equity.value.0.max(0)) * i128::from(view.config.risk_per_trade_ppm) / ppm
            * i128::from(proposal.risk_share_ppm)
            / ppm;
    let lot = i128::from(view.lot.max(1));
    let lots = |qty: i128| qty.max(0) / lot * lot;
    let wished = lots(budget / i128::from(unit_risk));
    if wished == 0 {
        return Err(Breach::new(
            Reason::SizeZero,
            budget,
            i128::from(unit_risk) * lot,
        ));
    }
    let (mut qty, mut clamped) = (wished, Reason::None);
    for (room, reason) in rooms(proposal, view) {
        if lots(room) < qty {
            (qty, clamped) = (lots(room), reason);
        }
        if qty == 0 {
            return Err(Breach::new(reason, room.max(0), wished));
        }
    }
    let qty = u32::try_from(qty).expect("no larger than the order quantity limit");
    Ok(Size {
        qty,
        clamped,
        risk: crate::trips::clamp(i128::from(unit_risk) * i128::from(qty)),
        unit_risk,
    })
}

/// How much each limit leaves, in shares or contracts.
fn rooms(proposal: &Proposal, view: &View<'_>) -> [(i128, Reason); 4] {
    let price = i128::from(view.reference(proposal.limit).0) * i128::from(view.multiplier);
    let worst = i128::from(view.worst(proposal.side));
    let gross = (gross_limit(view) - view.gross_others).max(0) / price;
    // Where the other side alone goes beyond the gross limit, there is no room on this one either.
    let other = i128::from(view.worst(proposal.side.opposite()));
    let gross_room = if other > gross { 0 } else { gross - worst };
    [
        (view.limits.order_quantity_max.into(), Reason::OrderQuantity),
        (value_limit(view) / price, Reason::OrderValue),
        (
            i128::from(view.limits.position_max) - worst,
            Reason::PositionLimit,
        ),
        (gross_room, Reason::GrossLimit),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::fixture::{Fixture, cents, entry, short};
    use crate::controls::{Phase, check};
    use crate::sample::dollars;
    use proptest::prelude::*;
    use stream::Price;

    fn sized(fixture: &Fixture) -> Result<(u32, Reason), Reason> {
        size(&entry(), &fixture.view())
            .map(|size| (size.qty, size.clamped))
            .map_err(|breach| breach.reason)
    }

    #[test]
    fn the_budget_over_the_stop_distance_rounded_down() {
        let mut fixture = Fixture::new();
        // 0.1 % of 8,000 is 8.00; the stop is 0.50 away.
        fixture.equity.value = dollars(8_000);
        fixture.config.gross_equity_ppm = 4_000_000;
        fixture.config.order_value_equity_ppm = 1_000_000;
        let size = size(&entry(), &fixture.view()).expect("sized");
        assert_eq!((size.qty, size.clamped), (16, Reason::None));
        assert_eq!((size.risk, size.unit_risk), (dollars(8), 500_000_000));
        fixture.equity.value = Money(dollars(8_000).0 - 1);
        assert_eq!(sized(&fixture), Ok((15, Reason::None)));
        let half = Proposal {
            risk_share_ppm: 500_000,
            ..entry()
        };
        assert_eq!(super::size(&half, &fixture.view()).map(|s| s.qty), Ok(7));
    }

    #[test]
    fn less_than_a_lot_is_refused() {
        let mut fixture = Fixture::new();
        fixture.equity.value = Money(dollars(500).0 - 1);
        assert_eq!(sized(&fixture), Err(Reason::SizeZero));
        fixture.equity.value = dollars(0);
        assert_eq!(sized(&fixture), Err(Reason::SizeZero));
    }

    #[test]
    fn each_limit_makes_it_smaller_and_says_so() {
        let mut fixture = Fixture::new();
        assert_eq!(sized(&fixture), Ok((100, Reason::OrderQuantity)));
        fixture.config.limits.order_value_max = Money(cents(10_002).0 * 60 - 1);
        assert_eq!(sized(&fixture), Ok((59, Reason::OrderValue)));
        fixture.position = 150;
        assert_eq!(sized(&fixture), Ok((50, Reason::PositionLimit)));
        fixture.gross_others = i128::from(dollars(100_000).0 - cents(10_002).0 * 160);
        assert_eq!(sized(&fixture), Ok((10, Reason::GrossLimit)));
        fixture.position = 200;
        assert_eq!(sized(&fixture), Err(Reason::PositionLimit));
    }

    #[test]
    fn a_gross_limit_that_is_passed_already_leaves_no_room_on_either_side() {
        let mut fixture = Fixture::new();
        fixture.working_sell = 20;
        fixture.gross_others = i128::from(dollars(100_000).0 - cents(10_002).0 * 20);
        assert_eq!(sized(&fixture), Ok((20, Reason::GrossLimit)));
        fixture.gross_others += 1;
        assert_eq!(sized(&fixture), Err(Reason::GrossLimit));
    }

    #[test]
    fn lots_are_whole() {
        let mut fixture = Fixture::new();
        fixture.config.limits.order_quantity_max = 50;
        let mut view = fixture.view();
        view.lot = 40;
        assert_eq!(size(&entry(), &view).map(|s| s.qty), Ok(40));
        view.lot = 51;
        let breach = size(&entry(), &view).expect_err("not one lot");
        assert_eq!(breach.reason, Reason::OrderQuantity);
    }

    proptest! {
        /// Whatever is sized passes every control that looks at the quantity.
        #[test]
        fn what_is_sized_passes_the_controls(
            sell in any::<bool>(),
            equity in 1i64..10_000_000,
            (position, working_buy, working_sell) in (-250i64..250, 0i64..250, 0i64..250),
            others in 0i64..200_000,
            stop in 1i64..400,
            (lot, multiplier) in (1u32..30, 1u32..60),
            risk_share_ppm in 1u32..=1_000_000,
        ) {
            let mut fixture = Fixture::new();
            fixture.equity.value = dollars(equity);
            fixture.position = position;
            fixture.working_buy = working_buy;
            fixture.working_sell = working_sell;
            fixture.gross_others = dollars(others).0.into();
            fixture.multiplier = multiplier;
            let mut proposal = if sell { short() } else { entry() };
            proposal.stop = Price(proposal.limit.0 - proposal.side.sign() * cents(stop).0);
            proposal.risk_share_ppm = risk_share_ppm;
            let mut view = fixture.view();
            view.lot = lot;
            if let Ok(size) = size(&proposal, &view) {
                proposal.qty = size.qty;
                prop_assert_eq!(check(Phase::Sized, &proposal, &view), Ok(()));
                prop_assert_eq!(size.qty % lot, 0);
                let budget = i128::from(dollars(equity).0) / 1_000;
                prop_assert!(i128::from(size.risk.0) <= budget);
            }
        }
    }
}
