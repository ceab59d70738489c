//! Control 5: the position of an instrument in the worst case: every working entry filled on its
//! own side, exits on the other side not counted. An order counts from the moment that it is
//! permitted, before anyone has heard of it.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "position_limit",
    reason: Reason::PositionLimit,
    gate: Gate::Adding,
    phase: Phase::Sized,
    check,
};

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let limit = i64::from(view.limits.position_max);
    let worst = view.worst(proposal.side) + i64::from(proposal.qty);
    if worst > limit {
        return Err(Breach::new(Reason::PositionLimit, limit, worst));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, short, sized};
    use super::*;

    #[test]
    fn position_working_and_proposed_together_may_reach_the_limit() {
        let mut fixture = Fixture::new();
        (fixture.position, fixture.working_buy) = (50, 50);
        assert_eq!(check(&sized(100), &fixture.view()), Ok(()));
        let breach = Breach::new(Reason::PositionLimit, 200, 201);
        assert_eq!(check(&sized(101), &fixture.view()), Err(breach));
        assert!(check(&sized(u32::MAX), &fixture.view()).is_err());
    }

    #[test]
    fn the_short_side_is_a_mirror_image() {
        let mut fixture = Fixture::new();
        (fixture.position, fixture.working_sell) = (-50, 50);
        let at = |qty| Proposal { qty, ..short() };
        assert_eq!(check(&at(100), &fixture.view()), Ok(()));
        assert!(check(&at(101), &fixture.view()).is_err());
    }

    #[test]
    fn the_other_side_makes_no_room() {
        let mut fixture = Fixture::new();
        (fixture.position, fixture.working_sell) = (-200, 200);
        assert_eq!(check(&sized(200), &fixture.view()), Ok(()));
        assert!(check(&sized(201), &fixture.view()).is_err());
    }
}
