//! The true book against a naive twin.

use super::*;
use crate::synthetic::random::Random;
use std::collections::BTreeMap;

/// A naive twin, built from the log alone.
#[derive(Default)]
struct Twin {
    orders: BTreeMap<u64, (Side, i64, u32)>,
}

impl Twin {
    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Add {
                id,
                tick,
                qty,
                side,
            } => {
                assert!(self.orders.insert(id, (side, tick, qty)).is_none());
            }
            Effect::Reduce { id, by, side } => {
                let order = self.orders.get_mut(&id).expect("known");
                assert!(order.0 == side && by < order.2);
                order.2 -= by;
            }
            Effect::Replace {
                id,
                new_id,
                tick,
                qty,
                side,
            } => {
                assert_eq!(self.orders.remove(&id).expect("known").0, side);
                self.orders.insert(new_id, (side, tick, qty));
            }
            Effect::Delete {
                id,
                tick,
                qty,
                side,
            } => {
                assert_eq!(self.orders.remove(&id), Some((side, tick, qty)));
            }
            Effect::Execute {
                id,
                tick,
                qty,
                side,
            } => {
                assert_eq!(self.best(side).expect("a best").0, tick);
                let order = self.orders.get_mut(&id).expect("known");
                order.2 -= qty;
                if order.2 == 0 {
                    self.orders.remove(&id);
                }
            }
        }
    }

    fn best(&self, wanted: Side) -> Option<(i64, u32)> {
        let of_side = || self.orders.values().filter(|order| order.0 == wanted);
        let key = of_side().map(|order| key_of(wanted, order.1)).max()?;
        let tick = tick_of(wanted, key);
        let qty = of_side().filter(|o| o.1 == tick).map(|o| o.2).sum();
        Some((tick, qty))
    }
}

fn walk(ladder: &Ladder, side: Side) -> Vec<u64> {
    let mut at = ladder.front(side);
    core::iter::from_fn(|| {
        let index = at?;
        at = ladder.behind(index);
        Some(ladder.order(index).id)
    })
    .collect()
}

#[test]
fn the_log_alone_rebuilds_the_book() {
    let mut random = Random::new(3);
    let mut ladder = Ladder::new();
    let mut twin = Twin::default();
    let mut log = Vec::new();
    let mut centre = 10_000i64;
    for id in 1..60_000u64 {
        // Jumps larger than the ring push whole sides out.
        centre += random.below(7) as i64 - 3;
        if random.chance(0.001) {
            centre += random.below(1_200) as i64 - 600;
        }
        let side = if random.chance(0.5) {
            Side::Buy
        } else {
            Side::Sell
        };
        let qty = 1 + random.below(500) as u32;
        let tick = bounded(
            &ladder,
            side,
            centre - side.sign() * random.below(90) as i64,
        );
        let count = ladder.count(side);
        match random.below(8) {
            0 if count > 0 => ladder.delete(ladder.nth(side, random.below(count)), &mut log),
            1 if count > 0 => {
                let index = ladder.nth(side, random.below(count));
                let has = ladder.order(index).qty;
                if has > 1 {
                    ladder.reduce(index, 1 + random.below(has as usize - 1) as u32, &mut log);
                }
            }
            2 if count > 0 => {
                let index = ladder.nth(side, random.below(count));
                ladder.replace(index, 1_000_000 + id, tick, qty, &mut log);
            }
            3 => ladder.hit(side, qty, 8, &mut log),
            _ if ladder.is_full() => ladder.delete(ladder.nth(side, 0), &mut log),
            _ => ladder.add(id, side, tick, qty, 0, &mut log),
        }
        log.drain(..).for_each(|effect| twin.apply(effect));
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(ladder.best(side), twin.best(side), "{id}");
        }
        if id % 500 == 0 {
            let mut ids: Vec<u64> = walk(&ladder, Side::Buy);
            ids.extend(walk(&ladder, Side::Sell));
            ids.sort_unstable();
            assert!(ids.iter().eq(twin.orders.keys()));
        }
    }
    ladder.clear();
    assert_eq!(ladder.best(Side::Buy), None);
    assert_eq!(ladder.free.len(), ORDERS_MAX);
}

fn bounded(ladder: &Ladder, side: Side, tick: i64) -> i64 {
    match (side, ladder.best(side.opposite())) {
        (Side::Buy, Some((ask, _))) => tick.min(ask - 1),
        (_, Some((bid, _))) => tick.max(bid + 1),
        (_, None) => tick,
    }
}

#[test]
fn time_priority_holds_within_a_tick() {
    let mut ladder = Ladder::new();
    let mut log = Vec::new();
    for id in 1..=3 {
        ladder.add(id, Side::Buy, 100, 10, 0, &mut log);
    }
    ladder.add(4, Side::Buy, 99, 10, 0, &mut log);
    assert_eq!(walk(&ladder, Side::Buy), [1, 2, 3, 4]);
    ladder.hit(Side::Buy, 15, 8, &mut log);
    assert_eq!(walk(&ladder, Side::Buy), [2, 3, 4]);
    assert_eq!(ladder.best(Side::Buy), Some((100, 15)));
    ladder.hit(Side::Buy, 1_000, 8, &mut log);
    assert_eq!(walk(&ladder, Side::Buy), [4], "the last order stays");
}
