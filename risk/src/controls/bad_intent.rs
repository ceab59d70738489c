//! A proposal must make sense before anything is compared: a side, believable prices on the tick
//! grid, the stop on the losing side of the entry and the target on the winning side.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use crate::config::PPM;
use crate::holding::{PRICE_BOUND, is_believable};
use stream::Side;
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "bad_intent",
    reason: Reason::BadIntent,
    gate: Gate::Any,
    phase: Phase::Before,
    check,
};

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let sign = proposal.side.sign();
    if proposal.side == Side::None {
        return Err(Breach::new(Reason::BadIntent, 1, 0));
    }
    let exits = [proposal.stop, proposal.target];
    let prices = exits.into_iter().filter(|_| !proposal.reduces);
    for price in core::iter::once(proposal.limit).chain(prices) {
        if !is_believable(price) {
            return Err(Breach::new(Reason::BadIntent, PRICE_BOUND.0, price.0));
        }
        if !price.is_on(view.tick) {
            return Err(Breach::new(Reason::BadIntent, view.tick.0, price.0));
        }
    }
    if proposal.reduces {
        return Ok(());
    }
    let (entry, stop, target) = (proposal.limit.0, proposal.stop.0, proposal.target.0);
    if (entry - stop) * sign <= 0 {
        return Err(Breach::new(Reason::BadIntent, entry, stop));
    }
    if (target - entry) * sign <= 0 {
        return Err(Breach::new(Reason::BadIntent, entry, target));
    }
    if proposal.risk_share_ppm == 0 || proposal.risk_share_ppm > PPM {
        return Err(Breach::new(Reason::BadIntent, PPM, proposal.risk_share_ppm));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry, exit, short};
    use super::*;
    use stream::Price;

    fn refuses(change: impl FnOnce(&mut Proposal)) {
        let fixture = Fixture::new();
        let mut proposal = entry();
        change(&mut proposal);
        let breach = check(&proposal, &fixture.view()).expect_err("nonsense");
        assert_eq!(breach.reason, Reason::BadIntent, "{proposal:?}");
    }

    #[test]
    fn sound_proposals_pass() {
        let fixture = Fixture::new();
        for proposal in [entry(), short(), exit()] {
            assert_eq!(check(&proposal, &fixture.view()), Ok(()));
        }
    }

    #[test]
    fn zero_negative_and_overflowing_prices_are_refused_before_any_comparison() {
        for bad in [0, -1, i64::MIN, i64::MAX, PRICE_BOUND.0 + 10_000_000] {
            refuses(|p| p.limit = Price(bad));
            refuses(|p| p.stop = Price(bad));
            refuses(|p| p.target = Price(bad));
        }
    }

    #[test]
    fn contradictions_are_refused() {
        refuses(|p| p.side = Side::None);
        refuses(|p| p.side = Side::Sell);
        refuses(|p| p.stop = p.limit);
        refuses(|p| p.target = p.limit);
        refuses(|p| p.limit = Price(p.limit.0 + 1));
        refuses(|p| p.risk_share_ppm = 0);
        refuses(|p| p.risk_share_ppm = PPM + 1);
    }

    #[test]
    fn an_exit_needs_a_side_and_a_believable_limit_only() {
        let fixture = Fixture::new();
        let mut proposal = exit();
        proposal.limit = Price(-5);
        assert!(check(&proposal, &fixture.view()).is_err());
    }
}
