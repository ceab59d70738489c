//! Only so many brackets may be alive at a time.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::limits::BRACKETS_MAX;
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "table_full",
    reason: Reason::TableFull,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(_: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    if view.brackets_free > 0 {
        return Ok(());
    }
    let limit = BRACKETS_MAX as u64;
    Err(Breach::new(Reason::TableFull, limit, limit + 1))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;

    #[test]
    fn the_last_free_place_is_used_and_no_more() {
        let mut fixture = Fixture::new();
        fixture.brackets_free = 1;
        assert_eq!(check(&entry(), &fixture.view()), Ok(()));
        fixture.brackets_free = 0;
        assert_eq!(
            check(&entry(), &fixture.view()),
            Err(Breach::new(Reason::TableFull, 256, 257))
        );
    }
}
