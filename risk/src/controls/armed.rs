//! Nothing is opened until someone has armed the session.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "disarmed",
    reason: Reason::Disarmed,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(_: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    if view.armed {
        Ok(())
    } else {
        Err(Breach::new(Reason::Disarmed, 1, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;

    #[test]
    fn a_disarmed_session_takes_no_entry() {
        let mut fixture = Fixture::new();
        assert_eq!(check(&entry(), &fixture.view()), Ok(()));
        fixture.armed = false;
        assert_eq!(
            check(&entry(), &fixture.view()),
            Err(Breach::new(Reason::Disarmed, 1, 0))
        );
    }
}
