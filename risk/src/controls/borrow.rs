//! Control 27: nothing is sold short that the broker would not lend, nor more of it than it has.
//! Where no source reports shares to borrow (futures, recorded data), the instrument's definition
//! alone decides.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::Side;
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "borrow",
    reason: Reason::Borrow,
    gate: Gate::Adding,
    phase: Phase::Sized,
    check,
};

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let (Side::Sell, Some(shares)) = (proposal.side, view.borrowable) else {
        return Ok(());
    };
    // What is sold short already was lent already: only what may still fill is asked for.
    let wanted = view.working_sell + i64::from(proposal.qty);
    if wanted.unsigned_abs() > shares {
        return Err(Breach::new(Reason::Borrow, shares, wanted));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, exit, short, sized};
    use super::*;

    #[test]
    fn as_many_as_are_lent_and_not_one_more() {
        let mut fixture = Fixture::new();
        let sale = |qty| Proposal { qty, ..short() };
        assert_eq!(
            check(&sale(1_000), &fixture.view()),
            Ok(()),
            "nobody speaks"
        );
        fixture.borrowable = Some(100);
        assert_eq!(check(&sale(100), &fixture.view()), Ok(()));
        let breach = Breach::new(Reason::Borrow, 100, 101);
        assert_eq!(check(&sale(101), &fixture.view()), Err(breach));
        fixture.working_sell = 60;
        assert_eq!(check(&sale(40), &fixture.view()), Ok(()));
        assert_eq!(check(&sale(41), &fixture.view()), Err(breach));
    }

    #[test]
    fn none_at_all_shuts_short_sales_and_nothing_else() {
        let mut fixture = Fixture::new();
        fixture.borrowable = Some(0);
        let sale = Proposal { qty: 1, ..short() };
        assert!(check(&sale, &fixture.view()).is_err());
        assert_eq!(check(&sized(1_000), &fixture.view()), Ok(()));
        let table = super::super::check(Phase::Sized, &exit(), &fixture.view());
        assert_eq!(table, Ok(()), "an exit is no short sale");
    }
}
