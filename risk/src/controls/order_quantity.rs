//! Control 1: most shares or contracts in one entry.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "order_quantity",
    reason: Reason::OrderQuantity,
    gate: Gate::Adding,
    phase: Phase::Sized,
    check,
};

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let limit = view.limits.order_quantity_max;
    if proposal.qty == 0 || proposal.qty > limit {
        return Err(Breach::new(Reason::OrderQuantity, limit, proposal.qty));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, sized};
    use super::*;

    #[test]
    fn the_limit_passes_and_one_more_does_not() {
        let fixture = Fixture::new();
        assert_eq!(check(&sized(100), &fixture.view()), Ok(()));
        for qty in [0, 101, u32::MAX] {
            let breach = Breach::new(Reason::OrderQuantity, 100, qty);
            assert_eq!(check(&sized(qty), &fixture.view()), Err(breach));
        }
    }
}
