//! Control 2: most value of one entry: quantity × price × multiplier, at the limit price or the
//! ask, whichever is higher. The smaller of the amount and the share of equity counts.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use crate::config::PPM;
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "order_value",
    reason: Reason::OrderValue,
    gate: Gate::Adding,
    phase: Phase::Sized,
    check,
};

/// The limit in force, in 1e-9.
pub(crate) fn value_limit(view: &View<'_>) -> i128 {
    let share = i128::from(view.config.order_value_equity_ppm);
    let of_equity = i128::from(view.equity.value.0.max(0)) * share / i128::from(PPM);
    of_equity.min(view.limits.order_value_max.0.into())
}

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let price = view.reference(proposal.limit);
    // Below 2^63 × 2^32 × 2^32: the product cannot overflow.
    let value = i128::from(price.0) * i128::from(proposal.qty) * i128::from(view.multiplier);
    let limit = value_limit(view);
    if value <= 0 || value > limit {
        return Err(Breach::new(Reason::OrderValue, limit, value));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, cents, sized};
    use super::*;
    use stream::{Money, Price};

    #[test]
    fn the_limit_passes_and_the_smallest_excess_does_not() {
        let mut fixture = Fixture::new();
        let value = cents(10_002).0 * 100;
        fixture.config.limits.order_value_max = Money(value);
        assert_eq!(check(&sized(100), &fixture.view()), Ok(()));
        fixture.config.limits.order_value_max = Money(value - 1);
        let breach = Breach::new(Reason::OrderValue, value - 1, value);
        assert_eq!(check(&sized(100), &fixture.view()), Err(breach));
    }

    #[test]
    fn the_share_of_equity_counts_when_it_is_smaller() {
        let mut fixture = Fixture::new();
        fixture.equity.value = Money(cents(10_002).0 * 100 * 4);
        assert_eq!(check(&sized(100), &fixture.view()), Ok(()));
        fixture.equity.value.0 -= 4;
        assert!(check(&sized(100), &fixture.view()).is_err());
    }

    #[test]
    fn huge_prices_and_multipliers_are_refused_not_wrapped() {
        let mut fixture = Fixture::new();
        fixture.multiplier = u32::MAX;
        assert!(check(&sized(1), &fixture.view()).is_err());
        let mut proposal = sized(u32::MAX);
        proposal.limit = Price::MAX;
        let breach = check(&proposal, &fixture.view()).expect_err("absurd");
        assert_eq!(breach.observed, i64::MAX);
        assert!(check(&sized(0), &fixture.view()).is_err());
    }
}
