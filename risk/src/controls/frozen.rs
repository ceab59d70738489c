//! An instrument whose position or executions are not explained takes no entry; it is never put
//! right by a trade.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "frozen",
    reason: Reason::Frozen,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(_: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    if view.frozen {
        Err(Breach::new(Reason::Frozen, 0, view.position))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;

    #[test]
    fn a_frozen_instrument_takes_no_entry() {
        let mut fixture = Fixture::new();
        assert_eq!(check(&entry(), &fixture.view()), Ok(()));
        fixture.frozen = true;
        fixture.position = 7;
        assert_eq!(
            check(&entry(), &fixture.view()),
            Err(Breach::new(Reason::Frozen, 0, 7))
        );
    }
}
