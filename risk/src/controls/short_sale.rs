//! Control 27: a sale that could end short is refused unless configuration and instrument allow
//! short sales. Exits of a position count as done first: what they sell is not there to be sold
//! again.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::Side;
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "short_sale",
    reason: Reason::ShortSale,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let permitted = view.limits.shorts && view.shortable;
    if proposal.side == Side::Sell && !permitted {
        return Err(Breach::new(Reason::ShortSale, 0, view.worst_short()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry, short};
    use super::*;

    #[test]
    fn both_configuration_and_instrument_must_allow_it() {
        let mut fixture = Fixture::new();
        for (config, instrument) in [(false, false), (false, true), (true, false), (true, true)] {
            fixture.config.limits.shorts = config;
            fixture.shortable = instrument;
            assert_eq!(
                check(&short(), &fixture.view()).is_ok(),
                config && instrument
            );
            assert_eq!(check(&entry(), &fixture.view()), Ok(()));
        }
    }

    #[test]
    fn a_long_position_is_no_licence_to_sell_an_entry() {
        let mut fixture = Fixture::new();
        fixture.config.limits.shorts = false;
        fixture.position = 100;
        let breach = check(&short(), &fixture.view()).expect_err("its exits sell it already");
        assert_eq!(breach.reason, Reason::ShortSale);
    }
}
