//! Control 25: the market data behind an entry must be young, by event time. The older of what
//! the intent rests on and what is known of the instrument counts; a stamp from the future is no
//! proof of youth.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "stale",
    reason: Reason::Stale,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let stamp = proposal.market_ts.min(view.quote.market_ts);
    let newest = proposal.market_ts.max(view.quote.market_ts);
    let limit = view.config.stale_after;
    let age = view.now.saturating_sub(stamp);
    if age > limit || newest > view.now {
        let observed = i128::from(view.now.0) - i128::from(stamp.0);
        return Err(Breach::new(Reason::Stale, limit.0, observed));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, entry};
    use super::*;
    use stream::Nanos;

    fn at_ages(intent: u64, quote: u64) -> Result<(), Breach> {
        let mut fixture = Fixture::new();
        fixture.quote.market_ts = fixture.now - Nanos(quote);
        let mut proposal = entry();
        proposal.market_ts = fixture.now - Nanos(intent);
        check(&proposal, &fixture.view())
    }

    #[test]
    fn the_older_stamp_decides() {
        let limit = 1_000_000_000;
        assert_eq!(at_ages(limit, limit), Ok(()));
        let breach = Breach::new(Reason::Stale, limit, limit + 1);
        assert_eq!(at_ages(limit + 1, 0), Err(breach));
        assert_eq!(at_ages(0, limit + 1), Err(breach));
    }

    #[test]
    fn a_missing_or_future_stamp_is_refused() {
        let mut fixture = Fixture::new();
        let mut proposal = entry();
        proposal.market_ts = Nanos::ZERO;
        assert!(check(&proposal, &fixture.view()).is_err());
        fixture.quote.market_ts = fixture.now + Nanos(1);
        assert!(check(&entry(), &fixture.view()).is_err());
    }
}
