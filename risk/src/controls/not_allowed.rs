//! Control 31: the allow-list. Symbol, venue, currency and multiplier must be those that were
//! pinned.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "not_allowed",
    reason: Reason::NotAllowed,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    if view.allowed {
        Ok(())
    } else {
        Err(Breach::new(Reason::NotAllowed, 0, proposal.instrument.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;

    #[test]
    fn only_listed_instruments_pass() {
        let mut fixture = Fixture::new();
        assert_eq!(check(&entry(), &fixture.view()), Ok(()));
        fixture.allowed = false;
        assert_eq!(
            check(&entry(), &fixture.view()),
            Err(Breach::new(Reason::NotAllowed, 0, 1))
        );
    }
}
