//! One symbol's true limit order book: orders in time priority at ticks.
//!
//! Ticks are kept as *keys* of which the higher is the better on both sides (an ask's key is its
//! tick negated). All orders of a side lie within [`REACH`] ticks of its best, so that a ring of
//! levels holds them; a better best pushes out what falls behind. Nothing is allocated after
//! construction.

use stream::Side;

/// Orders in one book at most, both sides together.
pub(super) const ORDERS_MAX: usize = 512;
/// How far behind its side's best an order may lie, in ticks.
pub(super) const REACH: i64 = 120;
const RING: usize = 256;
/// No order.
pub(super) const NONE: u16 = u16::MAX;

const _: () = assert!(REACH < RING as i64);
const _: () = assert!(ORDERS_MAX < NONE as usize);

#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) id: u64,
    key: i64,
    pub(super) qty: u32,
    pub(super) next: u16,
    previous: u16,
    /// Place in the side's list of live orders.
    live: u16,
    pub(super) maker: u8,
    pub(super) side: Side,
}

impl Order {
    pub(super) const fn tick(&self) -> i64 {
        tick_of(self.side, self.key)
    }
}

#[derive(Clone, Copy, Debug)]
struct Level {
    qty: u32,
    head: u16,
    tail: u16,
}

const EMPTY: Level = Level {
    qty: 0,
    head: NONE,
    tail: NONE,
};

#[derive(Clone, Debug)]
struct Half {
    levels: Vec<Level>,
    /// Meaningless while there are no orders.
    best: i64,
    /// At or below the worst order's key.
    worst: i64,
    live: Vec<u16>,
}

/// What happened to an order: a line of the true market's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Add {
        id: u64,
        tick: i64,
        qty: u32,
        side: Side,
    },
    Reduce {
        id: u64,
        by: u32,
        side: Side,
    },
    Replace {
        id: u64,
        new_id: u64,
        tick: i64,
        qty: u32,
        side: Side,
    },
    Delete {
        id: u64,
        tick: i64,
        qty: u32,
        side: Side,
    },
    /// `side` is the resting order's.
    Execute {
        id: u64,
        tick: i64,
        qty: u32,
        side: Side,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Ladder {
    halves: [Half; 2],
    orders: Vec<Order>,
    free: Vec<u16>,
}

const fn key_of(side: Side, tick: i64) -> i64 {
    match side {
        Side::Sell => -tick,
        _ => tick,
    }
}

const fn tick_of(side: Side, key: i64) -> i64 {
    key_of(side, key)
}

const fn half_of(side: Side) -> usize {
    match side {
        Side::Sell => 1,
        _ => 0,
    }
}

const fn slot(key: i64) -> usize {
    (key & (RING as i64 - 1)) as usize
}

impl Ladder {
    pub(super) fn new() -> Self {
        let half = Half {
            levels: vec![EMPTY; RING],
            best: 0,
            worst: 0,
            live: Vec::with_capacity(ORDERS_MAX),
        };
        let nobody = Order {
            id: 0,
            key: 0,
            qty: 0,
            next: NONE,
            previous: NONE,
            live: 0,
            maker: 0,
            side: Side::None,
        };
        // A clone of a vector has no spare capacity, so each half makes its own.
        let other = Half {
            levels: vec![EMPTY; RING],
            live: Vec::with_capacity(ORDERS_MAX),
            ..half
        };
        Self {
            halves: [half, other],
            orders: vec![nobody; ORDERS_MAX],
            free: (0..ORDERS_MAX as u16).rev().collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.free.capacity()
            + self
                .halves
                .iter()
                .map(|half| half.live.capacity())
                .sum::<usize>()
    }

    /// Live orders of a side.
    pub(super) fn count(&self, side: Side) -> usize {
        self.halves[half_of(side)].live.len()
    }

    /// True when no further order fits.
    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    pub(super) fn order(&self, index: u16) -> &Order {
        &self.orders[usize::from(index)]
    }

    /// The side's best tick and its quantity.
    pub(super) fn best(&self, side: Side) -> Option<(i64, u32)> {
        let half = &self.halves[half_of(side)];
        let level = half.levels[slot(half.best)];
        (!half.live.is_empty()).then_some((tick_of(side, half.best), level.qty))
    }

    /// The `n`th live order of a side, in no particular order.
    pub(super) fn nth(&self, side: Side, n: usize) -> u16 {
        self.halves[half_of(side)].live[n]
    }

    /// The first order at the best tick.
    pub(super) fn front(&self, side: Side) -> Option<u16> {
        let half = &self.halves[half_of(side)];
        (!half.live.is_empty()).then(|| half.levels[slot(half.best)].head)
    }

    /// The order behind `index` in the side's price and time priority.
    pub(super) fn behind(&self, index: u16) -> Option<u16> {
        let order = self.order(index);
        if order.next != NONE {
            return Some(order.next);
        }
        let half = &self.halves[half_of(order.side)];
        let mut key = order.key;
        while key > half.worst {
            key -= 1;
            let head = half.levels[slot(key)].head;
            if head != NONE {
                return Some(head);
            }
        }
        None
    }

    /// Puts an order behind all others at its tick. What a better best pushes out of reach is
    /// deleted first. An order that would itself be out of reach is put at the edge.
    ///
    /// # Panics
    /// When the book is full or the order would cross the other side: the caller's bug.
    pub(super) fn add(
        &mut self,
        id: u64,
        side: Side,
        tick: i64,
        qty: u32,
        maker: u8,
        log: &mut Vec<Effect>,
    ) {
        let key = self.place(id, side, tick, qty, maker, log);
        log.push(Effect::Add {
            id,
            tick: tick_of(side, key),
            qty,
            side,
        });
    }

    fn place(
        &mut self,
        id: u64,
        side: Side,
        tick: i64,
        qty: u32,
        maker: u8,
        log: &mut Vec<Effect>,
    ) -> i64 {
        assert!(qty > 0, "an order has a quantity");
        let mut key = key_of(side, tick);
        if let Some((other, _)) = self.best(side.opposite()) {
            assert!(
                key < key_of(side, other),
                "an order would cross the true book"
            );
        }
        if self.count(side) > 0 {
            key = key.max(self.halves[half_of(side)].best - REACH);
            self.push_out(side, key - REACH, log);
        }
        let index = self.free.pop().expect("the true book is full");
        let half = &mut self.halves[half_of(side)];
        if half.live.is_empty() {
            (half.best, half.worst) = (key, key);
        }
        half.best = half.best.max(key);
        half.worst = half.worst.min(key);
        let level = &mut half.levels[slot(key)];
        let previous = level.tail;
        level.qty += qty;
        level.tail = index;
        if previous == NONE {
            level.head = index;
        } else {
            self.orders[usize::from(previous)].next = index;
        }
        self.orders[usize::from(index)] = Order {
            id,
            key,
            qty,
            next: NONE,
            previous,
            live: half.live.len() as u16,
            maker,
            side,
        };
        half.live.push(index);
        key
    }

    /// Deletes all orders of a side with keys below `bound`.
    fn push_out(&mut self, side: Side, bound: i64, log: &mut Vec<Effect>) {
        let at = half_of(side);
        let last = self.halves[at].best.min(bound - 1);
        while self.halves[at].worst <= last && !self.halves[at].live.is_empty() {
            let head = self.halves[at].levels[slot(self.halves[at].worst)].head;
            if head == NONE {
                self.halves[at].worst += 1;
            } else {
                self.delete(head, log);
            }
        }
    }

    fn unlink(&mut self, index: u16) {
        let order = *self.order(index);
        let half = &mut self.halves[half_of(order.side)];
        let level = &mut half.levels[slot(order.key)];
        level.qty -= order.qty;
        match order.previous {
            NONE => level.head = order.next,
            previous => self.orders[usize::from(previous)].next = order.next,
        }
        match order.next {
            NONE => level.tail = order.previous,
            next => self.orders[usize::from(next)].previous = order.previous,
        }
        half.live.swap_remove(usize::from(order.live));
        if let Some(&moved) = half.live.get(usize::from(order.live)) {
            self.orders[usize::from(moved)].live = order.live;
        }
        while !half.live.is_empty() && half.levels[slot(half.best)].head == NONE {
            half.best -= 1;
        }
        self.free.push(index);
    }

    /// Takes an order away.
    pub(super) fn delete(&mut self, index: u16, log: &mut Vec<Effect>) {
        let order = *self.order(index);
        self.unlink(index);
        log.push(Effect::Delete {
            id: order.id,
            tick: order.tick(),
            qty: order.qty,
            side: order.side,
        });
    }

    /// Takes `by` off an order, which must be less than it has.
    pub(super) fn reduce(&mut self, index: u16, by: u32, log: &mut Vec<Effect>) {
        let order = &mut self.orders[usize::from(index)];
        assert!(by < order.qty, "a reduction leaves something");
        order.qty -= by;
        let order = *order;
        self.halves[half_of(order.side)].levels[slot(order.key)].qty -= by;
        log.push(Effect::Reduce {
            id: order.id,
            by,
            side: order.side,
        });
    }

    /// Moves an order to the end of another tick's queue, under a new id.
    pub(super) fn replace(
        &mut self,
        index: u16,
        new_id: u64,
        tick: i64,
        qty: u32,
        log: &mut Vec<Effect>,
    ) {
        let order = *self.order(index);
        self.unlink(index);
        let key = self.place(new_id, order.side, tick, qty, order.maker, log);
        log.push(Effect::Replace {
            id: order.id,
            new_id,
            tick: tick_of(order.side, key),
            qty,
            side: order.side,
        });
    }

    /// Trades up to `qty` against a side's best orders, at most `makers` of them, and never its
    /// last order.
    pub(super) fn hit(&mut self, side: Side, mut qty: u32, makers: usize, log: &mut Vec<Effect>) {
        for _ in 0..makers {
            if qty == 0 || self.count(side) <= 1 {
                return;
            }
            let index = self.front(side).expect("the side has orders");
            let order = *self.order(index);
            let traded = qty.min(order.qty);
            log.push(Effect::Execute {
                id: order.id,
                tick: order.tick(),
                qty: traded,
                side,
            });
            if traded == order.qty {
                self.unlink(index);
            } else {
                self.orders[usize::from(index)].qty -= traded;
                self.halves[half_of(side)].levels[slot(order.key)].qty -= traded;
            }
            qty -= traded;
        }
    }

    /// Empties the book without a word.
    pub(super) fn clear(&mut self) {
        for side in [Side::Buy, Side::Sell] {
            while let Some(index) = self.front(side) {
                self.unlink(index);
            }
        }
    }
}

#[cfg(test)]
mod tests;
