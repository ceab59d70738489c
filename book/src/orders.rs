//! All live orders of all books, by instrument and order id: one flat table in two parts.
//!
//! The *nursery* has one slot for an id: its lowest bits tell which. A newcomer finds its slot
//! without a search and moves whoever still stands there into the *regions*, a hash table. Most
//! orders leave again before somebody else needs their slot, so that they never cost more than one
//! access to memory that stays in the core's own cache, however many others live.
//!
//! The regions: open addressing with linear probing, two entries of 32 bytes to each cache line,
//! and backward-shift deletion (after Knuth, TAOCP 3, 6.4, algorithm R), line by line: who finds
//! room in its home line never costs more than one cache miss, neither when it comes nor when it
//! is looked for nor when it leaves, and only what stands behind a full line is asked whether it
//! moves up. The hash is fixed (Fibonacci hashing: venues count their ids up, which it spreads
//! almost evenly). The memory is reserved whole at construction, but only a region of it is in
//! use, at most half full until the last; when it fills, the next region of twice the size takes
//! over and entries move a few at a time.
//!
//! ```text
//!   slot   0 ─ unused ─ 1,024 ──── 2,048 ──────── 4,096 ────── … ─────── 2 × largest ───────
//!                         └ region ──┴─ next region ─┴──── and so on ────┴── nursery ───────
//! ```
//!
//! Orders of a level that was emptied as a whole are not looked for; their entries are dead
//! weight until the table's sweep comes by, a few slots with each insertion.

mod entry;
mod region;

use core::hint::select_unpredictable;
use core::ops::Range;
use entry::{
    Entry, FREE, Half, LINE, instrument_of, is_free, is_full, is_of, key, key_of, pack, unpack,
};
use region::Region;
use stream::{InstrumentId, Price, Side};

/// An order in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) price: Price,
    /// The book's count of arrivals when it joined the queue, from 1.
    pub(crate) priority: u64,
    /// At least 1.
    pub(crate) qty: u32,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
}

/// Slots of the smallest region.
const REGION_MIN: usize = 1_024;
/// Slots of the nursery to begin with: 32 KiB, a usual core's first cache.
const NURSERY_MIN: usize = 1_024;
/// Slots of the nursery at most: 512 KiB, half of a usual core's second cache.
const NURSERY_MAX: usize = 16_384;
/// Slots that each insertion sweeps while dead entries may stand in the table: a part of every
/// region and nursery.
const SWEEP_SLOTS: usize = 4;
const _: () =
    assert!(REGION_MIN.is_multiple_of(SWEEP_SLOTS) && NURSERY_MIN.is_multiple_of(SWEEP_SLOTS));
/// Slots that each insertion empties while a region is being left.
const MOVE_SLOTS: usize = 8;

/// The table.
#[derive(Debug)]
pub(crate) struct Orders {
    halves: Vec<Half>,
    /// Halves before the first that begins a cache line.
    lead: usize,
    /// The nursery's first slot and, a power of two, how many are in use; they double when half
    /// of them are taken.
    nursery: usize,
    nursery_size: usize,
    region: Region,
    region_max: usize,
    /// The region that is being left, and the slot up to which it is empty.
    leaving: Option<(Region, usize)>,
    used: usize,
    used_max: usize,
    /// Entries in the regions.
    aged: usize,
    /// True once entries may have died: to ask each that moves whether it did costs a look at its
    /// level.
    mortal: bool,
    /// Slots still to be swept. An entry that moves behind the sweep waits for the next.
    sweep_left: usize,
    /// Where it goes on: slots of the region, then of the nursery, counted from 0.
    sweep_at: usize,
}

impl Orders {
    /// A table for at most `orders_max` entries, its last region at most two thirds full.
    pub(crate) fn new(orders_max: usize) -> Self {
        let region_max = (orders_max + orders_max / 2)
            .next_power_of_two()
            .max(REGION_MIN);
        let halves = vec![[0; 2]; 2 * (2 * region_max + NURSERY_MAX) + 7];
        // Half an entry is 16 bytes, and so is the least alignment of a large allocation.
        let lead = (halves.as_ptr() as usize).wrapping_neg() % 64 / size_of::<Half>();
        Self {
            halves,
            lead,
            nursery: 2 * region_max,
            nursery_size: NURSERY_MIN,
            region: Region::new(REGION_MIN),
            region_max,
            leaving: None,
            used: 0,
            used_max: orders_max,
            aged: 0,
            mortal: false,
            sweep_left: 0,
            sweep_at: 0,
        }
    }

    /// The addresses of the table, nearly none of which was touched when it is new.
    pub(crate) fn memory(&self) -> Range<usize> {
        let halves = self.halves.as_ptr_range();
        halves.start as usize..halves.end as usize
    }

    #[inline]
    fn entries(&self) -> &[Entry] {
        self.halves[self.lead..].as_chunks().0
    }

    #[inline]
    fn entry(&self, slot: usize) -> &Entry {
        &self.entries()[slot]
    }

    #[inline]
    fn entry_mut(&mut self, slot: usize) -> &mut Entry {
        &mut self.halves[self.lead..].as_chunks_mut().0[slot]
    }

    /// The entries of a line.
    #[inline]
    fn pair(&self, line: usize) -> &[Entry; LINE] {
        &self.entries().as_chunks().0[line / LINE]
    }

    /// The only slot of an id in the nursery. Instruments that count their ids alike are apart.
    #[inline]
    fn young(&self, instrument: InstrumentId, id: u64) -> usize {
        let place = id.wrapping_add(u64::from(instrument.0) * 0x9E37);
        self.nursery + (place as usize & (self.nursery_size - 1))
    }

    /// The slot of an order.
    #[inline]
    pub(crate) fn find(&self, instrument: InstrumentId, id: u64) -> Option<usize> {
        let slot = self.young(instrument, id);
        if is_of(self.entry(slot), instrument, id) {
            return Some(slot);
        }
        self.find_aged(instrument, id)
    }

    #[inline]
    fn find_aged(&self, instrument: InstrumentId, id: u64) -> Option<usize> {
        if self.aged == 0 {
            return None;
        }
        match self.find_in(self.region, instrument, id) {
            None => self.find_leaving(instrument, id),
            found => found,
        }
    }

    /// The line in which the search for an order ends, most likely; of one that is to come, the
    /// line to which whoever stands in its place will move. Without a branch, since nobody foresees
    /// which it is.
    #[inline]
    pub(crate) fn likely(&self, instrument: InstrumentId, id: u64, comes: bool) -> usize {
        let young = self.young(instrument, id);
        let entry = self.entry(young);
        let moves = comes & !is_free(entry);
        let stays = is_of(entry, instrument, id) & !comes;
        let key = select_unpredictable(moves, key_of(entry), key(instrument, id));
        let near = stays | (comes & !moves);
        select_unpredictable(near, young / LINE * LINE, self.region.home(key))
    }

    /// A word of a line.
    #[inline]
    pub(crate) fn word(&self, line: usize) -> &u64 {
        &self.pair(line)[0][1][1]
    }

    /// Where the order in the line stands that has that id, or else any of the line; and a word of
    /// the next line, if that may be needed too.
    #[inline]
    pub(crate) fn likely_place(&self, line: usize, id: u64) -> (u16, bool, Price, &u64) {
        let pair = self.pair(line);
        let entry = &pair[usize::from(pair[1][0][0] == id)];
        let last = entry[1][1];
        let is_bid = last >> 48 == Side::Buy as u64;
        let next = select_unpredictable(is_full(pair), line + LINE, line);
        let place = (last >> 32) as u16;
        (place, is_bid, Price(entry[0][1] as i64), self.word(next))
    }

    #[inline]
    fn find_leaving(&self, instrument: InstrumentId, id: u64) -> Option<usize> {
        let (region, _) = self.leaving?;
        self.find_in(region, instrument, id)
    }

    #[inline]
    fn find_in(&self, region: Region, instrument: InstrumentId, id: u64) -> Option<usize> {
        let mut line = region.home(key(instrument, id));
        loop {
            let pair = self.pair(line);
            let second = is_of(&pair[1], instrument, id);
            if second | is_of(&pair[0], instrument, id) {
                return Some(line + usize::from(second));
            }
            if !is_full(pair) {
                return None;
            }
            line = region.next(line);
        }
    }

    /// The order in a slot that [`Orders::find`] gave.
    #[inline]
    pub(crate) fn get(&self, slot: usize) -> Order {
        unpack(self.entry(slot))
    }

    /// Sets the quantity of the order in that slot, at least 1.
    #[inline]
    pub(crate) fn set_qty(&mut self, slot: usize, qty: u32) {
        let last = &mut self.entry_mut(slot)[1][1];
        *last = *last >> 32 << 32 | u64::from(qty);
    }

    /// Puts in an order whose id is not in the table; false when it is full.
    #[inline]
    pub(crate) fn insert(&mut self, order: &Order, dead: impl Fn(&Order) -> bool) -> bool {
        if self.leaving.is_some() || self.is_crowded() {
            self.tidy(&dead);
            if self.used >= self.used_max {
                return false;
            }
        } else if self.sweep_left > 0 {
            self.sweep(&dead);
        }
        let slot = self.young(order.instrument, order.id);
        if !is_free(self.entry(slot)) {
            self.put(*self.entry(slot));
            self.aged += 1;
        }
        *self.entry_mut(slot) = pack(order);
        self.used += 1;
        true
    }

    #[inline]
    fn is_crowded(&self) -> bool {
        self.used >= self.used_max || self.is_outgrown() || self.is_nursery_small()
    }

    #[inline]
    fn is_nursery_small(&self) -> bool {
        self.used - self.aged >= self.nursery_size / 2 && self.nursery_size < NURSERY_MAX
    }

    /// Doubles the nursery: every second order in it, about, changes its slot.
    #[cold]
    #[inline(never)]
    fn grow_nursery(&mut self) {
        let slots = self.nursery..self.nursery + self.nursery_size;
        self.nursery_size *= 2;
        for slot in slots {
            let entry = *self.entry(slot);
            let to = self.young(instrument_of(&entry), entry[0][0]);
            if !is_free(&entry) && to != slot {
                *self.entry_mut(to) = entry;
                *self.entry_mut(slot) = FREE;
            }
        }
        if self.sweep_left > 0 {
            self.sweep_left = self.region.size + self.nursery_size;
        }
    }

    #[inline]
    fn is_outgrown(&self) -> bool {
        self.aged >= self.region.size / 2 && self.region.size < self.region_max
    }

    #[inline]
    fn put(&mut self, entry: Entry) {
        let region = self.region;
        let mut line = region.home(key_of(&entry));
        while is_full(self.pair(line)) {
            line = region.next(line);
        }
        let slot = line + usize::from(!is_free(self.entry(line)));
        *self.entry_mut(slot) = entry;
    }

    /// The share of an insertion in sweeping, moving and growing.
    #[inline(never)]
    fn tidy(&mut self, dead: &impl Fn(&Order) -> bool) {
        if self.is_nursery_small() {
            self.grow_nursery();
        }
        self.move_some(MOVE_SLOTS, dead);
        if self.sweep_left > 0 {
            self.sweep(dead);
        }
        if self.used >= self.used_max {
            self.move_some(usize::MAX, dead);
            while self.sweep_left > 0 {
                self.sweep(dead);
            }
        }
        if self.is_outgrown() {
            // A region is left long before the next one fills; were it not, it is emptied now.
            self.move_some(usize::MAX, dead);
            let left = self.region.size;
            self.leaving = Some((self.region, left));
            self.region = Region::new(2 * left);
            // The dead of the region are left behind with it, those of the nursery are not.
            self.sweep_left = self.sweep_left.min(self.nursery_size);
            self.sweep_at = self.region.size;
        }
    }

    /// Moves what stands in the next slots of the region that is being left.
    fn move_some(&mut self, slots: usize, dead: &impl Fn(&Order) -> bool) {
        let Some((region, mut at)) = self.leaving else {
            return;
        };
        let end = at.saturating_add(slots).min(2 * region.size);
        while at < end {
            // What shifts into the slot is moved in the same turn.
            while !is_free(self.entry(at)) {
                let entry = *self.entry(at);
                self.remove_at(at);
                if self.mortal && dead(&unpack(&entry)) {
                    self.aged -= 1;
                    self.used -= 1;
                } else {
                    self.put(entry);
                }
            }
            at += 1;
        }
        self.leaving = (at < 2 * region.size).then_some((region, at));
    }

    /// Takes the order out of a slot; entries behind it may move up.
    #[inline]
    pub(crate) fn remove(&mut self, slot: usize) {
        if slot >= self.nursery {
            *self.entry_mut(slot) = FREE;
        } else {
            self.remove_at(slot);
            self.aged -= 1;
        }
        self.used -= 1;
    }

    #[inline]
    fn remove_at(&mut self, slot: usize) {
        let region = Region::of(slot);
        let (mut hole, mut line) = (slot, slot / LINE * LINE);
        let mut full = is_full(self.pair(line));
        // Whoever stands behind a line that was full may have wanted to stand in it.
        while full {
            line = region.next(line);
            let pair = self.pair(line);
            full = is_full(pair);
            let lines = region.distance(hole / LINE * LINE, line);
            let moves = |entry: &Entry| {
                !is_free(entry) && region.distance(region.home(key_of(entry)), line) >= lines
            };
            if let Some(way) = pair.iter().position(moves) {
                let entry = pair[way];
                *self.entry_mut(hole) = entry;
                hole = line + way;
            }
        }
        *self.entry_mut(hole) = FREE;
    }

    /// Entries in the table, dead ones included.
    pub(crate) const fn used(&self) -> usize {
        self.used
    }

    /// Size, sweep and move: part of what the table will do next.
    pub(crate) fn layout(&self) -> [u64; 5] {
        let leaving = self.leaving.map_or(0, |(_, at)| at);
        let sweep = [self.sweep_left, self.sweep_at];
        let words = [self.region.size, leaving, self.aged, sweep[0], sweep[1]];
        words.map(|word| word as u64)
    }

    /// Tells that entries may have died.
    pub(crate) fn some_died(&mut self) {
        self.mortal = true;
        self.sweep_left = self.region.size + self.nursery_size;
    }

    /// Looks at the next slots, around the end. Most are free.
    #[inline]
    fn sweep(&mut self, dead: &impl Fn(&Order) -> bool) {
        let at = self.sweep_at;
        let first = match at.checked_sub(self.region.size) {
            Some(young) => self.nursery + young,
            None => self.region.size + at,
        };
        let is_last = at + SWEEP_SLOTS == self.region.size + self.nursery_size;
        self.sweep_at = if is_last { 0 } else { at + SWEEP_SLOTS };
        self.sweep_left -= SWEEP_SLOTS;
        let slots: &[Entry; SWEEP_SLOTS] = &self.entries().as_chunks().0[first / SWEEP_SLOTS];
        if !slots.iter().all(is_free) {
            self.remove_dead(first, dead);
        }
    }

    #[inline(never)]
    fn remove_dead(&mut self, first: usize, dead: &impl Fn(&Order) -> bool) {
        for slot in first..first + SWEEP_SLOTS {
            // What shifts into the slot is looked at in the same turn.
            while !is_free(self.entry(slot)) && dead(&self.get(slot)) {
                self.remove(slot);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Order> {
        self.entries()
            .iter()
            .filter(|entry| !is_free(entry))
            .map(unpack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const ONE: InstrumentId = InstrumentId(1);

    fn order(id: u64, qty: u32) -> Order {
        Order {
            id,
            price: Price(1),
            priority: id + 1,
            qty,
            instrument: ONE,
            side: Side::Buy,
        }
    }

    #[test]
    fn an_entry_holds_its_order_within_one_cache_line() {
        let mut orders = Orders::new(4);
        let extreme = Order {
            id: u64::MAX,
            price: Price(i64::MAX - 1),
            priority: u64::MAX,
            qty: u32::MAX,
            instrument: InstrumentId(u16::MAX - 1),
            side: Side::Sell,
        };
        assert!(orders.insert(&extreme, |_| false));
        let slot = orders.find(extreme.instrument, extreme.id).unwrap();
        assert_eq!(orders.get(slot), extreme);
        assert!((orders.entry(slot).as_ptr() as usize).is_multiple_of(32));
        orders.set_qty(slot, 1);
        assert_eq!(orders.get(slot), Order { qty: 1, ..extreme });
    }

    #[test]
    fn it_refuses_the_order_beyond_its_size_and_takes_one_again_after_a_removal() {
        for orders_max in [3, 700, 5_000] {
            let mut orders = Orders::new(orders_max);
            let last = orders_max as u64;
            for id in 0..last {
                assert!(orders.insert(&order(id, 1), |_| false));
            }
            assert!(!orders.insert(&order(last, 1), |_| false));
            orders.remove(orders.find(ONE, 1).unwrap());
            assert!(orders.insert(&order(last, 1), |_| false));
            assert_eq!(orders.find(ONE, 1), None);
            assert_eq!(orders.find(InstrumentId(2), 2), None);
            assert!((2..=last).all(|id| orders.find(ONE, id).is_some()));
        }
    }

    #[test]
    fn a_full_table_sweeps_its_dead_before_it_refuses() {
        let mut orders = Orders::new(64);
        let even = |dead: &Order| dead.id.is_multiple_of(2);
        for id in 0..64 {
            assert!(orders.insert(&order(id, 1), |_| false));
        }
        assert!(!orders.insert(&order(64, 1), even), "none was said to die");
        orders.some_died();
        for id in 0..32 {
            assert!(orders.insert(&order(101 + 2 * id, 1), even));
        }
        assert!(!orders.insert(&order(201, 1), even));
        assert!((0..64).all(|id| orders.find(ONE, id).is_some() != even(&order(id, 1))));
    }

    #[test]
    fn the_sweep_finishes_within_a_quarter_of_the_slots_insertions() {
        let mut orders = Orders::new(1_000);
        // Far apart, so that all but two leave the nursery of 1,024.
        let id = |number: u64| number << 9;
        for number in 0..200 {
            orders.insert(&order(id(number), 1), |_| false);
        }
        assert_eq!((orders.nursery_size, orders.aged), (NURSERY_MIN, 198));
        orders.some_died();
        for number in 200..712 {
            orders.insert(&order(id(number), 1), |dead| dead.id < id(200));
        }
        assert_eq!((orders.used(), orders.sweep_left), (512, 0));
    }

    #[test]
    fn who_stands_in_a_newcomers_place_moves_on_and_is_found_there() {
        let mut orders = Orders::new(100_000);
        let size = orders.nursery_size as u64;
        for id in [5, 5 + size, 5 + 2 * size] {
            assert!(orders.insert(&order(id, 7), |_| false));
        }
        assert_eq!((orders.used(), orders.aged), (3, 2));
        assert!(orders.find(ONE, 5 + 2 * size).unwrap() >= orders.nursery);
        assert!(orders.find(ONE, 5).unwrap() < orders.nursery);
        orders.remove(orders.find(ONE, 5).unwrap());
        orders.remove(orders.find(ONE, 5 + 2 * size).unwrap());
        assert_eq!((orders.used(), orders.aged), (1, 1));
        assert_eq!(orders.iter().map(|order| order.id).next(), Some(5 + size));
    }

    #[test]
    fn it_grows_without_losing_anyone_and_no_further_than_it_must() {
        let mut orders = Orders::new(100_000);
        for id in 0..100_000u64 {
            assert!(orders.insert(&order(id * 7, 1), |_| false));
            if id >= 300 {
                // Three hundred live at a time: the smallest region does.
                let oldest = orders.find(ONE, (id - 300) * 7).expect("it lives");
                orders.remove(oldest);
            }
        }
        assert_eq!((orders.used(), orders.region.size), (300, REGION_MIN));
        for id in 700_000..750_000u64 {
            assert!(orders.insert(&order(id, 1), |_| false));
            let some = id - (id - 700_000) / 2;
            assert!(orders.find(ONE, some).is_some(), "{some} of {id}");
        }
        assert_eq!(orders.iter().count(), orders.used());
        assert!(orders.aged >= 50_300 - NURSERY_MAX);
        assert!(orders.region.size >= 2 * orders.aged);
    }

    #[test]
    fn a_crowded_nursery_doubles_and_loses_nobody() {
        let mut orders = Orders::new(100_000);
        for id in 0..40_000 {
            assert!(orders.insert(&order(id, 1), |_| false));
            let young = orders.used() - orders.aged;
            assert!(orders.nursery_size == NURSERY_MAX || 2 * young <= orders.nursery_size);
        }
        assert_eq!(orders.nursery_size, NURSERY_MAX);
        assert!((0..40_000).all(|id| orders.find(ONE, id).is_some()));
        assert_eq!(orders.iter().count(), 40_000);
    }

    proptest! {
        #[test]
        fn it_is_a_map(
            steps in prop::collection::vec((0u64..40, 1u32..9, any::<bool>()), 1..400),
            crowd in 470u64..520,
        ) {
            let limit = 800;
            let mut orders = Orders::new(limit);
            let mut twin = BTreeMap::new();
            // A crowd at the edge of the first region: few fit into the nursery beside each other.
            for id in (0..crowd).map(|number| number << 9) {
                orders.insert(&order(id, 1), |_| false);
                twin.insert(id, 1);
            }
            for (id, qty, add) in steps {
                // Ids that share their homes, to make clusters that wrap around the end.
                let id = (id << 58) | (id % 3) | 1 << 20;
                match orders.find(ONE, id) {
                    Some(slot) if !add => {
                        orders.remove(slot);
                        prop_assert!(twin.remove(&id).is_some());
                    }
                    None if add => {
                        let taken = orders.insert(&order(id, qty), |_| false);
                        prop_assert_eq!(taken, twin.len() < limit);
                        if taken {
                            twin.insert(id, qty);
                        }
                    }
                    _ => {}
                }
                prop_assert_eq!(orders.used(), twin.len());
            }
            for (&id, &qty) in &twin {
                let slot = orders.find(ONE, id);
                prop_assert_eq!(slot.map(|slot| orders.get(slot).qty), Some(qty));
            }
            prop_assert_eq!(orders.iter().count(), twin.len());
        }
    }
}
