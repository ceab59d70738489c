//! Trailing stops: the desk moves their trigger behind the market, never back.

use super::{PRICES_END, Stage, exact};
use crate::model::Order;
use crate::world::World;
use stream::{InstrumentId, Price, Side};

/// How a stop trails.
#[derive(Clone, Copy, Debug)]
pub(in crate::world) struct Trail {
    /// Distance in price, or in parts per million of the price.
    amount: Price,
    ppm: i64,
    /// Between trigger and limit, for trailing limits.
    offset: Option<Price>,
    /// Where the trigger stands.
    trigger: Price,
    /// A change is on its way; the next one waits for its answer.
    pub(super) moving: bool,
}

impl Trail {
    /// Reads a trailing order and sets its first trigger and limit; `None` when it does not say
    /// by how much it trails, when that leads to no price, or when there is no market to trail.
    pub(super) fn of(
        order: &mut Order,
        side: Side,
        tick: Price,
        best: Option<Price>,
    ) -> Option<Self> {
        let amount = order
            .aux
            .and_then(exact)
            .filter(|_| order.trailing_percent.is_none());
        let percent = order
            .trailing_percent
            .filter(|percent| (0.0..100.0).contains(percent));
        let mut trail = Self {
            amount: amount.unwrap_or(Price::ZERO),
            ppm: (percent.unwrap_or(0.0) * 10_000.0).round() as i64,
            offset: None,
            trigger: Price::ZERO,
            moving: false,
        };
        if trail.amount == Price::ZERO && trail.ppm == 0 {
            return None;
        }
        let first = order.trail_stop.and_then(exact);
        trail.trigger = first.or_else(|| trail.behind(best?, side, tick))?;
        if order.order_type == "TRAIL LIMIT" {
            // A purchase's limit stands above its trigger, a sale's below.
            let above = |limit: Price| Price((limit.0 - trail.trigger.0) * side.sign());
            let by_limit = || order.limit.and_then(exact).map(above);
            let offset = order.limit_offset.and_then(exact);
            trail.offset = Some(offset.or_else(by_limit)?);
        }
        trail.write(order, side, tick)?;
        Some(trail)
    }

    /// The trigger that belongs to a market price; `None` where that is no price.
    fn behind(&self, best: Price, side: Side, tick: Price) -> Option<Price> {
        let share = i128::from(best.0) * i128::from(self.ppm) / 1_000_000;
        let distance = self.amount.0.max(share as i64);
        away(best, Price(distance), side, tick)
    }

    /// Puts trigger and limit into the order, as the exchange takes them; `None`, and nothing is
    /// changed, where the limit would be no price.
    fn write(&self, order: &mut Order, side: Side, tick: Price) -> Option<()> {
        if let Some(offset) = self.offset {
            order.limit = Some(away(self.trigger, offset, side, tick)?.to_f64());
        }
        order.trail_stop = Some(self.trigger.to_f64());
        order.aux = Some(self.trigger.to_f64());
        Some(())
    }

    /// The distance as clients see it: an amount of price.
    pub(super) fn aux(&self) -> Option<f64> {
        (self.amount > Price::ZERO).then(|| self.amount.to_f64())
    }
}

/// A distance behind a price, on the grid; clients write both, so it may be no price at all.
fn away(from: Price, distance: Price, side: Side, tick: Price) -> Option<Price> {
    let raw = i128::from(from.0) + i128::from(distance.0) * i128::from(side.sign());
    let raw = Price(i64::try_from(raw).ok()?);
    if !(Price(1)..PRICES_END).contains(&raw) {
        return None;
    }
    Some(if side == Side::Sell {
        raw.floor_to(tick)
    } else {
        raw.ceil_to(tick)
    })
}

impl World {
    /// The market of an instrument has moved: its trailing stops follow.
    pub(in crate::world) fn trail(&mut self, instrument: InstrumentId) {
        if self.orders.trails.is_empty() {
            return;
        }
        let tickets = &self.orders.tickets;
        self.orders.trails.retain(|index| tickets[*index].is_live());
        let trails = |index: &usize| {
            let ticket = &self.orders.tickets[*index];
            let works = ticket.stage == Stage::Working && !ticket.cancelling;
            ticket.instrument == instrument && works && ticket.trail.is_some_and(|t| !t.moving)
        };
        let all: Vec<usize> = self.orders.trails.iter().copied().filter(trails).collect();
        for index in all {
            self.trail_one(index);
        }
    }

    fn trail_one(&mut self, index: usize) {
        let ticket = &mut self.orders.tickets[index];
        let (side, instrument) = (ticket.side, ticket.instrument);
        let tick = self.catalog.item(instrument).tick;
        let best = self
            .exchange
            .edge()
            .books()
            .book(instrument)
            .best(side.opposite());
        let (Some((best, _)), Some(mut trail)) = (best, ticket.trail) else {
            return;
        };
        let Some(next) = trail.behind(best, side, tick) else {
            return;
        };
        // A sale's trigger only rises, a purchase's only falls.
        let is_better = if side == Side::Sell {
            next > trail.trigger
        } else {
            next < trail.trigger
        };
        if !is_better {
            return;
        }
        trail.trigger = next;
        trail.moving = true;
        if trail.write(&mut ticket.order, side, tick).is_some() {
            ticket.trail = Some(trail);
            self.send_change(index, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CENT: Price = Price(10_000_000);

    fn order(kind: &str) -> Order {
        Order {
            order_type: kind.to_owned(),
            ..Order::default()
        }
    }

    #[test]
    fn a_trigger_stands_behind_the_market_on_the_grid() {
        let mut sale = Order {
            trailing_percent: Some(1.0),
            ..order("TRAIL")
        };
        let best = Some(Price(123_450_000_000));
        Trail::of(&mut sale, Side::Sell, CENT, best).expect("it trails");
        assert_eq!(sale.aux, Some(122.21), "122.2155, down");
        let mut purchase = Order {
            aux: Some(0.5),
            limit_offset: Some(0.1),
            ..order("TRAIL LIMIT")
        };
        let trail = Trail::of(&mut purchase, Side::Buy, CENT, best).expect("it trails");
        assert_eq!((purchase.aux, purchase.limit), (Some(123.95), Some(124.05)));
        assert_eq!(trail.aux(), Some(0.5));
    }

    #[test]
    fn a_limit_that_is_told_by_itself_stays_as_far_from_its_trigger() {
        let best = Some(Price(100_000_000_000));
        for (side, stop, limit) in [(Side::Buy, 101.0, 101.2), (Side::Sell, 99.0, 98.8)] {
            let mut order = Order {
                aux: Some(1.0),
                trail_stop: Some(stop),
                limit: Some(limit),
                ..order("TRAIL LIMIT")
            };
            let trail = Trail::of(&mut order, side, CENT, best).expect("it trails");
            assert_eq!(trail.offset, Some(Price(200_000_000)), "{side:?}");
            assert_eq!(order.limit, Some(limit));
        }
    }

    #[test]
    fn what_does_not_say_by_how_much_does_not_trail() {
        let best = Some(Price(100_000_000_000));
        assert!(Trail::of(&mut order("TRAIL"), Side::Sell, CENT, best).is_none());
        let mut bare = Order {
            aux: Some(1.0),
            ..order("TRAIL")
        };
        assert!(
            Trail::of(&mut bare, Side::Sell, CENT, None).is_none(),
            "no market"
        );
    }

    #[test]
    fn what_leads_to_no_price_does_not_trail() {
        let best = Some(Price(100_000_000_000));
        for side in [Side::Buy, Side::Sell] {
            let far = Order {
                aux: Some(1.0),
                trail_stop: Some(8e9),
                limit_offset: Some(8.5e9),
                ..order("TRAIL LIMIT")
            };
            let mut own = far.clone();
            assert!(Trail::of(&mut own, side, CENT, best).is_none(), "{side:?}");
            assert_eq!(own, far, "it stays as it was written");
        }
        let trail = Trail::of(
            &mut Order {
                aux: Some(8.9e9),
                trail_stop: Some(8e9),
                ..order("TRAIL")
            },
            Side::Sell,
            CENT,
            best,
        );
        let trail = trail.expect("its first trigger is a price");
        assert_eq!(trail.behind(Price(100), Side::Sell, CENT), None);
        let dear = Price(8_000_000_000_000_000_000);
        assert_eq!(trail.behind(dear, Side::Buy, CENT), None);
    }
}
