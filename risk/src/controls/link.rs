//! No entry unless the link to the broker is ready: what cannot be watched is not opened.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::{LinkState, Reason};

pub(super) const CONTROL: Control = Control {
    name: "link",
    reason: Reason::Link,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(_: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    if view.link_ready {
        Ok(())
    } else {
        Err(Breach::new(Reason::Link, LinkState::Ready as u8, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;

    #[test]
    fn only_a_ready_link_takes_entries() {
        let mut fixture = Fixture::new();
        assert_eq!(check(&entry(), &fixture.view()), Ok(()));
        fixture.link_ready = false;
        assert_eq!(
            check(&entry(), &fixture.view()),
            Err(Breach::new(Reason::Link, 2, 0))
        );
    }
}
