//! Control 3: an entry's limit and stop must lie near the live market. Without a sound two-sided
//! reference there is no entry. The same function serves whatever the session.
//!
//! A buy may reach [`Config::collar_aggressive_ppm`](crate::Config::collar_aggressive_ppm)
//! through the ask and rest `collar_passive_ppm` below the bid; a sale is the mirror image. The
//! stop must be on the losing side of the last trade (of the touch, before the first trade), or
//! it would trigger at once, and not further than `collar_stop_ppm` from it.

use super::{Breach, Control, Gate, Phase, Proposal, Quote, View};
use crate::config::{Config, PPM};
use crate::holding::is_believable;
use stream::payload::Reason;
use stream::{Price, Side};

pub(super) const CONTROL: Control = Control {
    name: "price_collar",
    reason: Reason::PriceCollar,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(proposal: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let refuse =
        |limit: i64, observed: Price| Err(Breach::new(Reason::PriceCollar, limit, observed.0));
    let quote = &view.quote;
    if !is_believable(quote.bid) || !is_believable(quote.ask) {
        return refuse(0, quote.bid.min(quote.ask));
    }
    if quote.bid >= quote.ask {
        return refuse(quote.ask.0, quote.bid);
    }
    let aggressive = view.config.collar_aggressive_ppm;
    let buys = proposal.side == Side::Buy;
    let (low, high) = if buys {
        (
            passive_end(proposal.side, quote, view.config).0,
            above(quote.ask, aggressive),
        )
    } else {
        (
            below(quote.bid, aggressive),
            passive_end(proposal.side, quote, view.config).0,
        )
    };
    if proposal.limit.0 < low {
        return refuse(low, proposal.limit);
    }
    if proposal.limit.0 > high {
        return refuse(high, proposal.limit);
    }
    let touch = if buys { quote.bid } else { quote.ask };
    let reference = if is_believable(quote.last) {
        quote.last
    } else {
        touch
    };
    let stop = view.config.collar_stop_ppm;
    let (furthest, too_far, triggers) = if buys {
        let furthest = below(reference, stop);
        (
            furthest,
            proposal.stop.0 < furthest,
            proposal.stop >= reference,
        )
    } else {
        let furthest = above(reference, stop);
        (
            furthest,
            proposal.stop.0 > furthest,
            proposal.stop <= reference,
        )
    };
    if too_far {
        return refuse(furthest, proposal.stop);
    }
    // A stop at or beyond the market would trigger at once.
    if triggers {
        return refuse(reference.0, proposal.stop);
    }
    Ok(())
}

/// The furthest that an entry on `side` may rest behind the near touch.
pub(crate) fn passive_end(side: Side, quote: &Quote, config: &Config) -> Price {
    let ppm = config.collar_passive_ppm;
    if side == Side::Buy {
        Price(below(quote.bid, ppm))
    } else {
        Price(above(quote.ask, ppm))
    }
}

fn share(price: Price, ppm: u32) -> i64 {
    // Both are bounded, so the product fits and the quotient is smaller than the price.
    (i128::from(price.0) * i128::from(ppm) / i128::from(PPM)) as i64
}

fn below(price: Price, ppm: u32) -> i64 {
    price.0 - share(price, ppm)
}

fn above(price: Price, ppm: u32) -> i64 {
    price.0 + share(price, ppm)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, cents, entry, short};
    use super::*;

    fn at(side: Side, limit: Price, stop: Price) -> Result<(), Breach> {
        // Bid 100.00, ask 100.02, last 100.01; 1 % through, 5 % behind, stops 5 %.
        let fixture = Fixture::new();
        let proposal = Proposal {
            side,
            limit,
            stop,
            ..entry()
        };
        check(&proposal, &fixture.view())
    }

    #[test]
    fn limits_at_the_collar_pass_and_one_tick_beyond_are_refused() {
        let (buy, sell) = (Side::Buy, Side::Sell);
        let (low, high) = (cents(9_900), cents(10_100));
        assert_eq!(at(buy, cents(10_102), low), Ok(()));
        assert_eq!(
            at(buy, cents(10_103), low).map_err(|b| b.limit),
            Err(101_020_200_000)
        );
        assert_eq!(at(buy, cents(9_500), low), Ok(()));
        assert_eq!(
            at(buy, cents(9_499), low).map_err(|b| b.limit),
            Err(95_000_000_000)
        );
        assert_eq!(at(sell, cents(9_900), high), Ok(()));
        assert_eq!(
            at(sell, cents(9_899), high).map_err(|b| b.limit),
            Err(99_000_000_000)
        );
        assert_eq!(at(sell, cents(10_502), high), Ok(()));
        assert_eq!(
            at(sell, cents(10_503), high).map_err(|b| b.limit),
            Err(105_021_000_000)
        );
    }

    #[test]
    fn stops_are_near_and_on_their_own_side_of_the_last_trade() {
        let (buy, sell) = (Side::Buy, Side::Sell);
        let limit = cents(10_002);
        assert_eq!(at(buy, limit, cents(10_000)), Ok(()));
        assert!(
            at(buy, limit, cents(10_001)).is_err(),
            "would trigger at once"
        );
        assert_eq!(at(buy, limit, cents(9_501)), Ok(()));
        assert!(at(buy, limit, cents(9_500)).is_err(), "too far");
        assert_eq!(at(sell, cents(10_000), cents(10_002)), Ok(()));
        assert!(
            at(sell, cents(10_000), cents(10_001)).is_err(),
            "would trigger at once"
        );
        assert_eq!(at(sell, cents(10_000), cents(10_501)), Ok(()));
        assert!(at(sell, cents(10_000), cents(10_502)).is_err(), "too far");
    }

    #[test]
    fn a_missing_crossed_or_absurd_reference_refuses() {
        for (bid, ask) in [
            (0, 10_002),
            (10_000, 0),
            (0, 0),
            (10_002, 10_002),
            (10_003, 10_002),
        ] {
            let mut fixture = Fixture::new();
            (fixture.quote.bid, fixture.quote.ask) = (cents(bid), cents(ask));
            for proposal in [entry(), short()] {
                let breach = check(&proposal, &fixture.view()).expect_err("no reference");
                assert_eq!(breach.reason, Reason::PriceCollar);
            }
        }
        let mut fixture = Fixture::new();
        fixture.quote.ask = Price::MAX;
        assert!(check(&entry(), &fixture.view()).is_err());
    }

    #[test]
    fn a_stop_that_would_trigger_at_once_is_measured_against_the_last_trade() {
        let breach = at(Side::Buy, cents(10_002), cents(10_001)).expect_err("it would trigger");
        assert_eq!(
            breach,
            Breach::new(Reason::PriceCollar, cents(10_001).0, cents(10_001).0)
        );
        let breach = at(Side::Buy, cents(10_002), cents(9_000)).expect_err("too far");
        assert_eq!(breach.observed, cents(9_000).0);
        assert!(breach.limit < cents(10_001).0 && breach.limit > cents(9_000).0);
    }
}
