//! Control 26: no entry against an own position or an own working entry of the same instrument.
//! Its fill could meet our own exits at the venue, and two brackets that cancel out in the position
//! would leave stops behind that protect nothing. The newest is refused.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "self_trade",
    reason: Reason::SelfTrade,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    match view.worst(proposal.side.opposite()) {
        0 => Ok(()),
        other => Err(Breach::new(Reason::SelfTrade, 0, other)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry, short};
    use super::*;

    #[test]
    fn positions_and_working_entries_shut_the_other_side_only() {
        type Change = fn(&mut Fixture);
        let long: [Change; 2] = [|f| f.position = 1, |f| f.working_buy = 1];
        let short_side: [Change; 2] = [|f| f.position = -1, |f| f.working_sell = 1];
        for (changes, passes, refused) in [(long, entry(), short()), (short_side, short(), entry())]
        {
            for change in changes {
                let mut fixture = Fixture::new();
                assert_eq!(check(&refused, &fixture.view()), Ok(()));
                change(&mut fixture);
                assert_eq!(check(&passes, &fixture.view()), Ok(()));
                let breach = Breach::new(Reason::SelfTrade, 0, 1);
                assert_eq!(check(&refused, &fixture.view()), Err(breach));
            }
        }
    }
}
