//! Control 24: no entry on a book that is not tradable.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "book_quality",
    reason: Reason::BookQuality,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(_: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    match view.quote.quality {
        0 => Ok(()),
        flags => Err(Breach::new(Reason::BookQuality, 0, flags)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;

    #[test]
    fn every_defect_of_a_book_shuts_entries() {
        let mut fixture = Fixture::new();
        assert_eq!(check(&entry(), &fixture.view()), Ok(()));
        for bit in 0..8 {
            fixture.quote.quality = 1 << bit;
            let breach = Breach::new(Reason::BookQuality, 0, 1 << bit);
            assert_eq!(check(&entry(), &fixture.view()), Err(breach));
        }
    }
}
