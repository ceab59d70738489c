//! Control 6: an entry needs an equity that the broker reported, that is positive, and not old.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "equity",
    reason: Reason::Equity,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(_: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let limit = view.config.equity_age_max;
    let age = view.now.saturating_sub(view.equity.as_of);
    if age > limit {
        return Err(Breach::new(Reason::Equity, limit.0, age.0));
    }
    if view.equity.value.0 <= 0 {
        return Err(Breach::new(Reason::Equity, 1, view.equity.value.0));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;
    use stream::{Money, Nanos};

    #[test]
    fn an_equity_may_be_as_old_as_its_limit() {
        let mut fixture = Fixture::new();
        let limit = fixture.config.equity_age_max;
        fixture.equity.as_of = fixture.now - limit;
        assert_eq!(check(&entry(), &fixture.view()), Ok(()));
        fixture.equity.as_of = fixture.now - limit - Nanos(1);
        let breach = Breach::new(Reason::Equity, limit.0, limit.0 + 1);
        assert_eq!(check(&entry(), &fixture.view()), Err(breach));
    }

    #[test]
    fn an_unknown_or_worthless_account_takes_no_entry() {
        let mut fixture = Fixture::new();
        fixture.equity.as_of = Nanos::ZERO;
        assert!(check(&entry(), &fixture.view()).is_err());
        fixture.equity.as_of = fixture.now;
        for value in [0, -1, i64::MIN] {
            fixture.equity.value = Money(value);
            assert!(check(&entry(), &fixture.view()).is_err());
        }
    }
}
