//! Control 20: no entry while any kill level is in force.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::{KillLevel, Reason};

pub(super) const CONTROL: Control = Control {
    name: "kill_level",
    reason: Reason::KillLevel,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(_: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    match view.kill {
        KillLevel::None => Ok(()),
        level => Err(Breach::new(Reason::KillLevel, 0, level as u8)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;

    #[test]
    fn every_level_shuts_entries() {
        let mut fixture = Fixture::new();
        for &level in KillLevel::ALL {
            fixture.kill = level;
            let passes = check(&entry(), &fixture.view()).is_ok();
            assert_eq!(passes, level == KillLevel::None, "{level:?}");
        }
    }
}
