//! All live orders of all books, by instrument and order id: one flat table.
//!
//! Open addressing with linear probing and backward-shift deletion (Knuth, TAOCP 3, 6.4, algorithm
//! R): an entry is 32 bytes and never straddles a cache line, so that a look-up costs one cache
//! miss however many orders live. The hash is fixed (Fibonacci hashing: venues count their ids
//! up, which it spreads almost evenly). The size is fixed at construction.
//!
//! Orders of a level that was emptied as a whole are not looked for; their entries are dead
//! weight until the table's sweep comes by, a few slots with each insertion.

use stream::{InstrumentId, Price, Side};

/// An order in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(32))]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) price: Price,
    /// The book's count of arrivals when it joined the queue, from 1.
    pub(crate) priority: u64,
    /// At least 1.
    pub(crate) qty: u32,
    pub(crate) instrument: InstrumentId,
    /// `None` marks a free slot.
    pub(crate) side: Side,
}

const _: () = assert!(size_of::<Order>() == 32);

const FREE: Order = Order {
    id: 0,
    price: Price::ZERO,
    priority: 0,
    qty: 0,
    instrument: InstrumentId::NONE,
    side: Side::None,
};

/// Slots that each insertion sweeps while dead entries may stand in the table.
const SWEEP_SLOTS: usize = 4;

/// The table.
#[derive(Debug)]
pub(crate) struct Orders {
    slots: Box<[Order]>,
    mask: usize,
    shift: u32,
    used: usize,
    used_max: usize,
    /// Slots still to be swept. An entry that a removal moves behind the sweep waits for the next.
    sweep_left: usize,
    sweep_at: usize,
}

impl Orders {
    /// A table for at most `orders_max` entries, at most two thirds full.
    pub(crate) fn new(orders_max: usize) -> Self {
        let slots = (orders_max + orders_max / 2).next_power_of_two().max(8);
        Self {
            slots: vec![FREE; slots].into_boxed_slice(),
            mask: slots - 1,
            shift: u64::BITS - slots.trailing_zeros(),
            used: 0,
            used_max: orders_max,
            sweep_left: 0,
            sweep_at: 0,
        }
    }

    #[inline]
    fn home(&self, instrument: InstrumentId, id: u64) -> usize {
        let key = id ^ (u64::from(instrument.0) << 48);
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    /// The slot of an order.
    #[inline]
    pub(crate) fn find(&self, instrument: InstrumentId, id: u64) -> Option<usize> {
        let mut slot = self.home(instrument, id);
        loop {
            let order = &self.slots[slot & self.mask];
            if order.side == Side::None {
                return None;
            }
            if order.id == id && order.instrument == instrument {
                return Some(slot & self.mask);
            }
            slot += 1;
        }
    }

    /// The order in a slot that [`Orders::find`] gave.
    #[inline]
    pub(crate) fn get(&self, slot: usize) -> Order {
        self.slots[slot & self.mask]
    }

    /// Sets the quantity of the order in that slot.
    #[inline]
    pub(crate) fn set_qty(&mut self, slot: usize, qty: u32) {
        self.slots[slot & self.mask].qty = qty;
    }

    /// Puts in an order whose id is not in the table; false when it is full.
    #[inline]
    pub(crate) fn insert(&mut self, order: Order, dead: impl Fn(&Order) -> bool) -> bool {
        if self.sweep_left > 0 {
            self.sweep(SWEEP_SLOTS, &dead);
        }
        if self.used >= self.used_max {
            self.sweep(self.sweep_left, &dead);
            if self.used >= self.used_max {
                return false;
            }
        }
        let mut slot = self.home(order.instrument, order.id) & self.mask;
        while self.slots[slot].side != Side::None {
            slot = (slot + 1) & self.mask;
        }
        self.slots[slot] = order;
        self.used += 1;
        true
    }

    /// Takes the order out of a slot; entries behind it may move up.
    #[inline]
    pub(crate) fn remove(&mut self, slot: usize) {
        let mut hole = slot & self.mask;
        let mut next = hole;
        loop {
            next = (next + 1) & self.mask;
            let order = self.slots[next];
            if order.side == Side::None {
                break;
            }
            // It may move into the hole unless its home lies behind the hole.
            let home = self.home(order.instrument, order.id) & self.mask;
            if (next.wrapping_sub(home) & self.mask) >= (next.wrapping_sub(hole) & self.mask) {
                self.slots[hole] = order;
                hole = next;
            }
        }
        self.slots[hole] = FREE;
        self.used -= 1;
    }

    /// Entries in the table, dead ones included.
    pub(crate) const fn used(&self) -> usize {
        self.used
    }

    /// Where the sweep stands: part of what the table will do next.
    pub(crate) const fn sweep_state(&self) -> (usize, usize) {
        (self.sweep_left, self.sweep_at)
    }

    /// Tells that entries may have died.
    pub(crate) fn some_died(&mut self) {
        self.sweep_left = self.slots.len();
    }

    fn sweep(&mut self, slots: usize, dead: &impl Fn(&Order) -> bool) {
        for _ in 0..slots.min(self.sweep_left) {
            // What moves up into the slot is looked at in the same turn.
            while self.slots[self.sweep_at].side != Side::None && dead(&self.slots[self.sweep_at]) {
                self.remove(self.sweep_at);
            }
            self.sweep_at = (self.sweep_at + 1) & self.mask;
            self.sweep_left -= 1;
        }
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Order> {
        self.slots.iter().filter(|order| order.side != Side::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn order(id: u64, qty: u32) -> Order {
        Order {
            id,
            price: Price(1),
            priority: id + 1,
            qty,
            instrument: InstrumentId(1),
            side: Side::Buy,
        }
    }

    #[test]
    fn it_refuses_the_order_beyond_its_size_and_takes_one_again_after_a_removal() {
        let mut orders = Orders::new(3);
        for id in 0..3 {
            assert!(orders.insert(order(id, 1), |_| false));
        }
        assert!(!orders.insert(order(3, 1), |_| false));
        orders.remove(orders.find(InstrumentId(1), 1).unwrap());
        assert!(orders.insert(order(3, 1), |_| false));
        assert_eq!(orders.find(InstrumentId(1), 1), None);
        assert_eq!(orders.find(InstrumentId(2), 3), None);
        assert!(orders.find(InstrumentId(1), 3).is_some());
    }

    #[test]
    fn a_full_table_sweeps_its_dead_before_it_refuses() {
        let mut orders = Orders::new(64);
        for id in 0..64 {
            assert!(orders.insert(order(id, 1), |_| false));
        }
        assert!(
            !orders.insert(order(64, 1), |dead| dead.id % 2 == 0),
            "none was said to die"
        );
        orders.some_died();
        for id in 0..32 {
            assert!(orders.insert(order(101 + 2 * id, 1), |dead| dead.id % 2 == 0));
        }
        assert!(!orders.insert(order(201, 1), |dead| dead.id % 2 == 0));
        assert!((0..64).all(|id| orders.find(InstrumentId(1), id).is_some() == (id % 2 == 1)));
    }

    #[test]
    fn the_sweep_finishes_within_a_quarter_of_the_slots_insertions() {
        let mut orders = Orders::new(1_000);
        for id in 0..500 {
            orders.insert(order(id, 1), |_| false);
        }
        orders.some_died();
        for id in 500..1_012 {
            orders.insert(order(id, 1), |dead| dead.id < 500);
        }
        assert_eq!((orders.used(), orders.sweep_state().0), (512, 0));
    }

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0u64..40, 1u32..9, any::<bool>()), 1..400)) {
            let mut orders = Orders::new(32);
            let mut twin = BTreeMap::new();
            for (id, qty, add) in steps {
                // Ids that share their home, to make clusters that wrap around the end.
                let id = (id << 58) | (id % 3);
                match orders.find(InstrumentId(1), id) {
                    Some(slot) if !add => {
                        orders.remove(slot);
                        prop_assert!(twin.remove(&id).is_some());
                    }
                    None if add => {
                        let taken = orders.insert(order(id, qty), |_| false);
                        prop_assert_eq!(taken, twin.len() < 32);
                        if taken {
                            twin.insert(id, qty);
                        }
                    }
                    _ => {}
                }
                prop_assert_eq!(orders.used(), twin.len());
                for (&id, &qty) in &twin {
                    let slot = orders.find(InstrumentId(1), id);
                    prop_assert_eq!(slot.map(|slot| orders.get(slot).qty), Some(qty));
                }
            }
        }
    }
}
