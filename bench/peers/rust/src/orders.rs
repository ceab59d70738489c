//! A real day as a plain list of order events, the same for every contender.
//!
//! A LOBSTER file shows a window of levels: orders leave the window without a word and come back
//! without their ids. Here what leaves is deleted, and what comes back is one order of the whole
//! level, so that every event names an order that lives, and a book that only follows orders is
//! right at any time. What moves no book (hidden executions, crosses, halts) is left out.

use anyhow::{Result, bail, ensure};
use std::collections::{HashMap, HashSet};
use stream::payload::{Add, Delete, Execute, Level, Modify, flags};
use stream::{FrameRef, Kind, Nanos, Price, Side};

/// One cent, in units of [`Price`].
pub const TICK: i64 = 10_000_000;
/// Ids of orders that stand for a level, to begin with: above every venue's.
const LEVEL_IDS: u64 = 1 << 48;

/// What an order event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A new order.
    Add,
    /// So much less of it; some is left.
    Reduce,
    /// It leaves.
    Delete,
    /// It trades so much.
    Execute,
}

/// One order event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// When.
    pub ts: Nanos,
    /// Which order.
    pub id: u64,
    /// Its price.
    pub price: Price,
    /// The quantity of the event.
    pub qty: u32,
    /// What of the order is left behind it.
    pub left: u32,
    /// What the price level holds behind it.
    pub level: u64,
    /// Side of the order.
    pub side: Side,
    /// What happens.
    pub act: Act,
}

/// Follows the orders and levels of one book.
#[derive(Debug, Default)]
struct Writer {
    live: HashMap<u64, (Side, Price, u32)>,
    levels: HashMap<(bool, i64), Vec<u64>>,
    /// The order that stands for what a level held when it was seen again.
    stands: HashMap<(bool, i64), u64>,
    next: u64,
    out: Vec<Order>,
}

const fn key(side: Side, price: Price) -> (bool, i64) {
    (matches!(side, Side::Buy), price.0)
}

impl Writer {
    fn level(&self, key: (bool, i64)) -> u64 {
        let ids = self.levels.get(&key).map_or(&[][..], Vec::as_slice);
        ids.iter().map(|id| u64::from(self.live[id].2)).sum()
    }

    fn put(&mut self, ts: Nanos, id: u64, act: Act, qty: u32) {
        let (side, price, left) = self.live[&id];
        let key = key(side, price);
        if left == 0 {
            self.live.remove(&id);
            if let Some(ids) = self.levels.get_mut(&key) {
                ids.retain(|other| *other != id);
            }
            if self.stands.get(&key) == Some(&id) {
                self.stands.remove(&key);
            }
        }
        let level = self.level(key);
        self.out.push(Order {
            ts,
            id,
            price,
            qty,
            left,
            level,
            side,
            act,
        });
    }

    fn add(&mut self, ts: Nanos, id: u64, side: Side, price: Price, qty: u32) {
        self.live.insert(id, (side, price, qty));
        self.levels.entry(key(side, price)).or_default().push(id);
        self.put(ts, id, Act::Add, qty);
    }

    /// The order, or what stands for it at its level.
    fn find(&self, id: u64, side: Side, price: Price) -> Option<u64> {
        if self.live.contains_key(&id) {
            return Some(id);
        }
        self.stands.get(&key(side, price)).copied()
    }

    fn take(&mut self, ts: Nanos, id: Option<u64>, act: Act, qty: u32) {
        let Some((id, order)) = id.and_then(|id| Some((id, self.live.get_mut(&id)?))) else {
            return;
        };
        let qty = qty.min(order.2);
        order.2 -= qty;
        let act = match act {
            Act::Reduce | Act::Delete if order.2 == 0 => Act::Delete,
            Act::Delete => Act::Reduce,
            other => other,
        };
        self.put(ts, id, act, qty);
    }

    fn level_frame(&mut self, ts: Nanos, level: &Level) {
        let key = key(level.side, level.price);
        for id in self.levels.get(&key).cloned().unwrap_or_default() {
            self.take(ts, Some(id), Act::Delete, u32::MAX);
        }
        if level.flags & flags::FORGOTTEN == 0 && level.qty > 0 {
            self.next += 1;
            let id = LEVEL_IDS + self.next;
            let qty = u32::try_from(level.qty).unwrap_or(u32::MAX);
            self.add(ts, id, level.side, level.price, qty);
            self.stands.insert(key, id);
        }
    }

    fn frame(&mut self, frame: FrameRef<'_>) -> Result<()> {
        let ts = frame.ts();
        match frame.kind() {
            Kind::Add => {
                let add = frame.read::<Add>();
                ensure!(
                    !self.live.contains_key(&add.order_id),
                    "an order comes twice"
                );
                self.add(ts, add.order_id, add.side, add.price, add.qty);
            }
            Kind::Modify => {
                let modify = frame.read::<Modify>();
                ensure!(
                    modify.flags & flags::REDUCE != 0,
                    "only reductions are expected"
                );
                let found = self.find(modify.order_id, modify.side, modify.price);
                self.take(ts, found, Act::Reduce, modify.qty);
            }
            Kind::Delete => {
                let delete = frame.read::<Delete>();
                let found = self.find(delete.order_id, delete.side, delete.price);
                let whole = found == Some(delete.order_id);
                let qty = if whole { u32::MAX } else { delete.qty };
                self.take(ts, found, Act::Delete, qty);
            }
            Kind::Execute => {
                let execute = frame.read::<Execute>();
                if execute.flags & flags::HIDDEN == 0 {
                    let found = self.find(execute.order_id, execute.side, execute.price);
                    self.take(ts, found, Act::Execute, execute.qty);
                }
            }
            Kind::Level => self.level_frame(ts, frame.read::<Level>()),
            Kind::Clear | Kind::Trade | Kind::Halt => {}
            other => bail!("a day of orders holds no {other:?}"),
        }
        Ok(())
    }
}

/// The order events of one instrument's day.
///
/// # Errors
/// When the day is not one of orders.
pub fn orders<'a>(frames: impl Iterator<Item = FrameRef<'a>>) -> Result<Vec<Order>> {
    let mut writer = Writer::default();
    for frame in frames {
        writer.frame(frame)?;
    }
    count_up(&mut writer.out)?;
    Ok(writer.out)
}

/// Numbers orders as a venue does, whose ids count up: one that stands for a level takes the id
/// behind the newest, and all who come later are higher by one more.
fn count_up(orders: &mut [Order]) -> Result<()> {
    let mut ids = HashMap::new();
    let (mut newest, mut stood) = (0, 0);
    for order in orders {
        if order.act == Act::Add {
            if order.id > LEVEL_IDS {
                stood += 1;
            } else {
                newest = newest.max(order.id);
            }
            ids.insert(order.id, order.id.min(newest) + stood);
        }
        order.id = ids[&order.id];
    }
    let told: HashSet<u64> = ids.values().copied().collect();
    ensure!(told.len() == ids.len(), "two orders would have one id");
    Ok(())
}

/// The best quote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// When.
    pub ts: Nanos,
    /// Best bid and what it holds.
    pub bid: (Price, u32),
    /// Best ask and what it holds.
    pub ask: (Price, u32),
}

/// Every change of the best quote while both sides are there and not crossed.
#[must_use]
pub fn quotes(orders: &[Order]) -> Vec<Quote> {
    let mut sides = [
        std::collections::BTreeMap::new(),
        std::collections::BTreeMap::new(),
    ];
    let mut quotes: Vec<Quote> = Vec::new();
    for order in orders {
        let side = &mut sides[usize::from(order.side == Side::Sell)];
        if order.level == 0 {
            side.remove(&order.price.0);
        } else {
            side.insert(order.price.0, order.level);
        }
        let best = |(price, qty): (&i64, &u64)| (Price(*price), *qty as u32);
        let bid = sides[0].last_key_value().map(best);
        let ask = sides[1].first_key_value().map(best);
        if let (Some(bid), Some(ask)) = (bid, ask)
            && bid.0 < ask.0
            && quotes
                .last()
                .is_none_or(|last| (last.bid, last.ask) != (bid, ask))
        {
            let ts = order.ts;
            quotes.push(Quote { ts, bid, ask });
        }
    }
    quotes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::each;
    use crate::frames::Frames;
    use stream::{InstrumentId, SourceId};

    const ONE: InstrumentId = InstrumentId(1);

    fn order(id: u64, act: Act, qty: u32, side: Side, cents: i64) -> Order {
        Order {
            ts: Nanos(id),
            id,
            price: Price(cents * TICK),
            qty,
            left: 0,
            level: 0,
            side,
            act,
        }
    }

    fn level(qty: u64, flags: u8) -> Level {
        Level {
            price: Price(100 * TICK),
            qty,
            orders: 0,
            side: Side::Buy,
            flags,
            source: SourceId(1),
            venue_ts: Nanos(1),
        }
    }

    #[test]
    fn what_leaves_the_window_is_deleted_and_what_comes_back_is_one_order() {
        let mut frames = Frames::default();
        let add = order(1, Act::Add, 30, Side::Buy, 100);
        frames.order(ONE, &add);
        frames.order(ONE, &order(2, Act::Add, 20, Side::Buy, 100));
        frames.put(Nanos(3), ONE, &level(0, flags::FORGOTTEN));
        frames.put(Nanos(4), ONE, &level(50, flags::REVEALED));
        frames.order(ONE, &order(1, Act::Execute, 10, Side::Buy, 100));
        frames.order(ONE, &order(2, Act::Delete, 20, Side::Buy, 100));
        frames.order(ONE, &order(1, Act::Delete, 20, Side::Buy, 100));
        frames.order(ONE, &order(3, Act::Add, 5, Side::Buy, 100));
        let out = orders(each(&frames.0)).unwrap();
        let told: Vec<(Act, u32, u32, u64)> = out
            .iter()
            .map(|order| (order.act, order.qty, order.left, order.level))
            .collect();
        let expected = [
            (Act::Add, 30, 30, 30),
            (Act::Add, 20, 20, 50),
            (Act::Delete, 30, 0, 20),
            (Act::Delete, 20, 0, 0),
            (Act::Add, 50, 50, 50),
            (Act::Execute, 10, 40, 40),
            (Act::Reduce, 20, 20, 20),
            (Act::Delete, 20, 0, 0),
            (Act::Add, 5, 5, 5),
        ];
        assert_eq!(told, expected);
        let ids: Vec<u64> = out.iter().map(|order| order.id).collect();
        assert_eq!(ids, [1, 2, 1, 2, 3, 3, 3, 3, 4]);
    }

    #[test]
    fn a_quote_comes_with_each_change_of_the_best_and_with_no_other() {
        let mut bid = order(1, Act::Add, 30, Side::Buy, 100);
        bid.level = 30;
        let mut ask = order(2, Act::Add, 20, Side::Sell, 102);
        ask.level = 20;
        let mut deep = order(3, Act::Add, 5, Side::Buy, 99);
        deep.level = 5;
        let gone = order(1, Act::Delete, 30, Side::Buy, 100);
        let quotes = quotes(&[bid, ask, deep, gone]);
        let bids: Vec<(i64, u32)> = quotes
            .iter()
            .map(|quote| (quote.bid.0.0 / TICK, quote.bid.1))
            .collect();
        assert_eq!(bids, [(100, 30), (99, 5)]);
        assert!(
            quotes
                .iter()
                .all(|quote| quote.ask == (Price(102 * TICK), 20))
        );
    }
}
