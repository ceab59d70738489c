//! Control 7: from a share of the session's loss limit on, positions may only be reduced. The
//! limit itself latches a kill level, see [`crate::kill`].

use super::{Breach, Control, Gate, Phase, Proposal, View};
use crate::config::PPM;
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "daily_loss",
    reason: Reason::DailyLoss,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(_: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let share = i128::from(view.config.loss_reduce_ppm);
    let limit = view.loss_limit * share / i128::from(PPM);
    if view.loss < limit {
        Ok(())
    } else {
        Err(Breach::new(Reason::DailyLoss, limit, view.loss))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;

    #[test]
    fn entries_end_when_the_share_of_the_limit_is_reached() {
        let mut fixture = Fixture::new();
        fixture.loss_limit = 1_000;
        fixture.loss = 799;
        assert_eq!(check(&entry(), &fixture.view()), Ok(()));
        fixture.loss = 800;
        let breach = Breach::new(Reason::DailyLoss, 800, 800);
        assert_eq!(check(&entry(), &fixture.view()), Err(breach));
        fixture.loss = i128::from(i64::MAX) * 4;
        let breach = check(&entry(), &fixture.view()).expect_err("far beyond");
        assert_eq!(breach.observed, i64::MAX);
    }
}
