//! The price of an exit that must happen: a marketable limit, a band through the touch; never a
//! market order.

use crate::config::{Config, PPM};
use crate::controls::Quote;
use crate::holding::is_believable;
use stream::payload::quality;
use stream::{Price, Side};

/// A limit and the band that the gateway may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Lowest permitted price.
    pub low: Price,
    /// Highest permitted price.
    pub high: Price,
    /// The limit to begin with: the marketable end.
    pub limit: Price,
}

/// The band of an exit on `side` after `step` widenings; `None` while it has to wait: halted, or
/// the side to trade against is empty. A crossed, stale or gapped book does not stop an exit as
/// long as it shows a price.
#[must_use]
pub fn band(side: Side, step: u8, quote: &Quote, tick: Price, config: &Config) -> Option<Band> {
    if quote.quality & (quality::HALTED | quality::EMPTY) != 0 {
        return None;
    }
    let step = u32::from(step.min(config.flatten_steps_max));
    let ppm = config
        .flatten_step_ppm
        .saturating_mul(step)
        .saturating_add(config.flatten_band_ppm);
    let share = |price: Price| (i128::from(price.0) * i128::from(ppm) / i128::from(PPM)) as i64;
    let one_tick = tick.0.max(1);
    match side {
        Side::Sell => {
            let touch = Some(quote.bid).filter(|&bid| is_believable(bid))?;
            let low = Price((touch.0 - share(touch)).max(one_tick)).floor_to(tick);
            let high = touch.max(low).ceil_to(tick);
            Some(Band {
                low,
                high,
                limit: low,
            })
        }
        Side::Buy => {
            let touch = Some(quote.ask).filter(|&ask| is_believable(ask))?;
            let high = Price(touch.0 + share(touch)).ceil_to(tick);
            let low = touch.floor_to(tick);
            Some(Band {
                low,
                high,
                limit: high,
            })
        }
        Side::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::fixture::{Fixture, cents};

    fn at(side: Side, step: u8, change: impl FnOnce(&mut Quote)) -> Option<Band> {
        let mut fixture = Fixture::new();
        change(&mut fixture.quote);
        band(side, step, &fixture.quote, cents(1), &fixture.config)
    }

    #[test]
    fn it_reaches_through_the_touch_and_further_with_each_step() {
        let sell = at(Side::Sell, 0, |_| ()).expect("quoted");
        assert_eq!(
            (sell.limit, sell.low, sell.high),
            (cents(9_950), cents(9_950), cents(10_000))
        );
        let buy = at(Side::Buy, 0, |_| ()).expect("quoted");
        assert_eq!(
            (buy.limit, buy.low, buy.high),
            (cents(10_053), cents(10_002), cents(10_053))
        );
        let limits: Vec<i64> = (0..8)
            .map(|step| at(Side::Sell, step, |_| ()).expect("quoted").limit.0 / 10_000_000)
            .collect();
        assert_eq!(
            limits,
            [9_950, 9_900, 9_850, 9_800, 9_750, 9_700, 9_700, 9_700]
        );
    }

    #[test]
    fn it_waits_for_a_price_to_trade_against() {
        assert_eq!(at(Side::Sell, 0, |q| q.bid = Price::ZERO), None);
        assert_eq!(at(Side::Buy, 0, |q| q.ask = Price::ZERO), None);
        assert_eq!(at(Side::Sell, 0, |q| q.quality = quality::HALTED), None);
        assert_eq!(at(Side::Sell, 0, |q| q.quality = quality::EMPTY), None);
        assert_eq!(at(Side::Sell, 0, |q| q.bid = Price::MAX), None);
    }

    #[test]
    fn a_bad_book_that_shows_a_price_does_not_stop_it() {
        assert!(at(Side::Sell, 0, |q| q.ask = Price::ZERO).is_some());
        for flag in [
            quality::CROSSED,
            quality::STALE,
            quality::GAPPED,
            quality::ONE_SIDED,
        ] {
            assert!(at(Side::Sell, 0, |q| q.quality = flag).is_some());
            assert!(at(Side::Buy, 0, |q| q.quality = flag).is_some());
        }
    }

    #[test]
    fn a_penny_price_keeps_a_limit_of_one_tick_at_least() {
        let sell = at(Side::Sell, 5, |q| q.bid = cents(1)).expect("quoted");
        assert_eq!(sell.limit, cents(1).floor_to(cents(1)).min(cents(1)));
        assert!(sell.limit.0 > 0 && sell.low <= sell.high);
    }
}
