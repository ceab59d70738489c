//! The run only observes: no intent becomes an order.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use crate::config::Mode;
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "observe",
    reason: Reason::Observe,
    gate: Gate::Any,
    phase: Phase::Before,
    check,
};

fn check(_: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    match view.config.mode {
        Mode::Trade => Ok(()),
        Mode::Observe => Err(Breach::new(Reason::Observe, 0, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;

    #[test]
    fn an_observing_run_refuses_and_a_trading_one_does_not() {
        let mut fixture = Fixture::new();
        assert_eq!(check(&entry(), &fixture.view()), Ok(()));
        fixture.config.mode = Mode::Observe;
        let breach = check(&entry(), &fixture.view()).expect_err("observes");
        assert_eq!(breach.reason, Reason::Observe);
    }
}
