//! Controls 5 and 6: gross value of all instruments in their worst case, against an amount and a
//! multiple of the equity, whichever is smaller.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use crate::config::PPM;
use stream::Side;
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "gross",
    reason: Reason::GrossLimit,
    gate: Gate::Adding,
    phase: Phase::Sized,
    check,
};

/// The limit in force, in 1e-9.
pub(crate) fn gross_limit(view: &View<'_>) -> i128 {
    let share = i128::from(view.config.gross_equity_ppm);
    let of_equity = i128::from(view.equity.value.0.max(0)) * share / i128::from(PPM);
    of_equity.min(view.config.gross_max.0.into())
}

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let qty = i64::from(proposal.qty);
    let (long, short) = match proposal.side {
        Side::Sell => (view.worst_long(), view.worst_short() + qty),
        _ => (view.worst_long() + qty, view.worst_short()),
    };
    let price = view.reference(proposal.limit);
    let own = i128::from(long.max(short)) * i128::from(price.0) * i128::from(view.multiplier);
    let (gross, limit) = (view.gross_others + own, gross_limit(view));
    if gross > limit {
        return Err(Breach::new(Reason::GrossLimit, limit, gross));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, cents, sized};
    use super::*;
    use stream::Money;

    #[test]
    fn all_instruments_together_may_reach_the_limit() {
        let mut fixture = Fixture::new();
        let own = i128::from(cents(10_002).0) * 100;
        fixture.gross_others = i128::from(fixture.config.gross_max.0) - own;
        assert_eq!(check(&sized(100), &fixture.view()), Ok(()));
        fixture.gross_others += 1;
        let breach = check(&sized(100), &fixture.view()).expect_err("one too many");
        assert_eq!(
            (breach.reason, breach.observed - breach.limit),
            (Reason::GrossLimit, 1)
        );
    }

    #[test]
    fn one_times_the_equity_counts_when_it_is_smaller() {
        let mut fixture = Fixture::new();
        fixture.equity.value = Money(cents(10_002).0 * 100);
        assert_eq!(check(&sized(100), &fixture.view()), Ok(()));
        fixture.equity.value.0 -= 1;
        assert!(check(&sized(100), &fixture.view()).is_err());
    }

    #[test]
    fn opposite_worst_cases_are_not_added_up() {
        let mut fixture = Fixture::new();
        fixture.working_sell = 100;
        fixture.equity.value = Money(cents(10_002).0 * 100);
        assert_eq!(check(&sized(100), &fixture.view()), Ok(()));
    }
}
