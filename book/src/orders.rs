//! All live orders of all books, by instrument and order id: one flat table in two parts.
//!
//! The *nursery* has one slot for each id, chosen by the id's lowest bits. A new order finds its
//! slot without a search and evicts any older one there into the *regions*, a hash table. Most
//! orders leave before their slot is needed again, so they never cost more than one access to
//! memory, however many others live: while few are young, memory that stays in the core's
//! own cache; when many are, a line that earlier newcomers have already fetched. The nursery grows
//! with the orders in it. Ids that are sparse, or chosen to collide in one slot, cost what they
//! cost in the regions.
//!
//! The regions: open addressing with linear probing, two entries of 32 bytes to each cache line,
//! and backward-shift deletion (after Knuth, TAOCP 3, 6.4, algorithm R), line by line: an entry
//! with room in its home line never costs more than one cache miss, whether it is added, looked up
//! or deleted, and only entries behind a full line are considered for moving up. The hash is fixed
//! (Fibonacci hashing: venues count their ids up, which it spreads almost evenly). The memory is
//! reserved whole at construction, but only one region of it is in use, at most half full until the
//! last; when it fills, the next region of twice the size takes over and entries move a few at a
//! time.
//!
//! ```text
//!   slot   0 ─ unused ─ 1,024 ──── 2,048 ──────── 4,096 ────── … ─────── 2 × largest ───────
//!                         └ region ──┴─ next region ─┴──── and so on ────┴── nursery ───────
//! ```
//!
//! When a level is emptied as a whole its orders are not searched for; their entries are dead
//! weight until the table's sweep reaches them, a few slots with every few insertions.

pub(crate) mod entry;
mod likely;
mod nursery;
mod region;
#[cfg(test)]
mod tests;

use core::ops::Range;
use entry::{
    Entry, FREE, Half, LINE, is_free, is_full, is_of, key, key_of, pack, priority_of, unpack,
};
use nursery::{Nursery, SIZE_CACHED, SIZE_MIN};
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
/// Slots of the region at least before ids are taken as they are: all who are young by then fit
/// into it beside the aged, should they have to.
const REGION_SPREAD: usize = 4 * SIZE_CACHED;
/// Slots that are swept at a time while dead entries may stand in the table: a part of every
/// region and nursery.
const SWEEP_SLOTS: usize = 32;
/// Insertions from one sweep to the next while nothing else is to be done beside.
const SWEEP_REST: usize = 8;
const _: () =
    assert!(REGION_MIN.is_multiple_of(SWEEP_SLOTS) && SIZE_MIN.is_multiple_of(SWEEP_SLOTS));
/// Slots that each insertion empties while a region is being left.
const MOVE_SLOTS: usize = 8;
/// Slots that each insertion parts while the nursery grows.
const PART_SLOTS: usize = 8;

/// The table.
#[derive(Debug)]
pub(crate) struct Orders {
    halves: Vec<Half>,
    /// Halves before the first that begins a cache line.
    lead: usize,
    /// It doubles when half of its slots are taken, up to so many.
    nursery: Nursery,
    nursery_max: usize,
    region: Region,
    region_max: usize,
    /// The region that is being left, and the slot up to which it is empty.
    leaving: Option<(Region, usize)>,
    used: usize,
    used_max: usize,
    /// Entries in the regions.
    aged: usize,
    /// Insertions until the table must be asked again whether it is crowded, moves, grows or is to
    /// be swept: each brings every limit one entry nearer at most.
    calm: usize,
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
    ///
    /// # Panics
    /// If `orders_max` is above 2²⁸.
    pub(crate) fn new(orders_max: usize) -> Self {
        let region_max = (orders_max + orders_max / 2)
            .next_power_of_two()
            .max(REGION_MIN);
        let nursery_max = if region_max < REGION_SPREAD {
            SIZE_CACHED
        } else {
            region_max
        };
        let halves = vec![[0; 2]; 2 * (2 * region_max + nursery_max) + 7];
        // Half an entry is 16 bytes, and so is the least alignment of a large allocation.
        let lead = (halves.as_ptr() as usize).wrapping_neg() % 64 / size_of::<Half>();
        Self {
            halves,
            lead,
            nursery: Nursery::new(2 * region_max, lead),
            nursery_max,
            region: Region::new(REGION_MIN),
            region_max,
            leaving: None,
            used: 0,
            used_max: orders_max,
            aged: 0,
            calm: 0,
            mortal: false,
            sweep_left: 0,
            sweep_at: 0,
        }
    }

    /// The addresses of what only a large market takes: the large regions, and the nursery beyond
    /// what fits into a cache. None was touched when it is new. A small market shall not wait
    /// until the system has cleared a large page for the first orders of each: where a hypervisor
    /// has to find one, that takes milliseconds.
    pub(crate) fn memory(&self) -> [Range<usize>; 2] {
        let young = self.nursery.first;
        self.addresses([
            REGION_SPREAD.min(young)..young,
            young + SIZE_CACHED..young + self.nursery_max,
        ])
    }

    /// The addresses of what every market takes, sooner or later: all else of the regions and the
    /// nursery. None was touched when the table is new.
    pub(crate) fn memory_first(&self) -> [Range<usize>; 2] {
        let young = self.nursery.first;
        self.addresses([
            REGION_MIN..REGION_SPREAD.min(young),
            young..young + SIZE_CACHED,
        ])
    }

    fn addresses(&self, slots: [Range<usize>; 2]) -> [Range<usize>; 2] {
        let first = self.entries().as_ptr() as usize;
        let address = |slot: usize| first + slot * size_of::<Entry>();
        slots.map(|slots| address(slots.start)..address(slots.end))
    }

    #[inline(always)]
    fn entries(&self) -> &[Entry] {
        self.halves[self.lead..].as_chunks().0
    }

    #[inline(always)]
    fn entry(&self, slot: usize) -> &Entry {
        let halves = &self.halves[self.half(slot)..];
        halves.first_chunk().expect("a slot is two halves")
    }

    #[inline(always)]
    fn entry_mut(&mut self, slot: usize) -> &mut Entry {
        self.entry_at_mut(self.half(slot))
    }

    /// The entry whose first half that is.
    #[inline(always)]
    fn entry_at_mut(&mut self, half: usize) -> &mut Entry {
        let halves = &mut self.halves[half..half + 2];
        halves.first_chunk_mut().expect("a slot is two halves")
    }

    /// The first half of a slot.
    #[inline(always)]
    const fn half(&self, slot: usize) -> usize {
        self.lead.wrapping_add(slot << 1)
    }

    /// The entries of a line.
    #[inline]
    fn pair(&self, line: usize) -> &[Entry; LINE] {
        &self.entries().as_chunks().0[line / LINE]
    }

    /// The slot of an order that came later than as number `since` of its book, and the order.
    #[inline(always)]
    pub(crate) fn look(
        &self,
        instrument: InstrumentId,
        id: u64,
        since: u64,
    ) -> Option<(usize, Order)> {
        let slot = self.nursery.slot(instrument, id);
        let entry = self.entry(slot);
        if is_of(entry, instrument, id) && priority_of(entry) > since {
            return Some((slot, unpack(entry)));
        }
        self.aged(instrument, id, since)
    }

    /// As [`Orders::look`], where it stands in its slot of the nursery.
    #[inline(always)]
    pub(crate) fn young(
        &mut self,
        instrument: InstrumentId,
        id: u64,
        since: u64,
    ) -> Option<&mut Entry> {
        let entry = self.entry_at_mut(self.nursery.half(instrument, id));
        (is_of(entry, instrument, id) && priority_of(entry) > since).then_some(entry)
    }

    /// One of the nursery has left.
    #[inline(always)]
    pub(crate) fn one_left(&mut self) {
        // It was counted when it came. One instruction, where a checked one takes five.
        self.used = self.used.wrapping_sub(1);
    }

    /// As [`Orders::look`], where it does not stand in its slot of the nursery.
    pub(crate) fn aged(
        &self,
        instrument: InstrumentId,
        id: u64,
        since: u64,
    ) -> Option<(usize, Order)> {
        let slot = self.find_aged(instrument, id, since)?;
        Some((slot, self.get(slot)))
    }

    #[inline(never)]
    fn find_aged(&self, instrument: InstrumentId, id: u64, since: u64) -> Option<usize> {
        if self.aged == 0 {
            return None;
        }
        match self.find_in(self.region, instrument, id, since) {
            None => self.find_leaving(instrument, id, since),
            found => found,
        }
    }

    #[inline]
    fn find_leaving(&self, instrument: InstrumentId, id: u64, since: u64) -> Option<usize> {
        let (region, _) = self.leaving?;
        self.find_in(region, instrument, id, since)
    }

    #[inline]
    fn find_in(
        &self,
        region: Region,
        instrument: InstrumentId,
        id: u64,
        since: u64,
    ) -> Option<usize> {
        let mut line = region.home(key(instrument, id));
        let is_it = |entry| is_of(entry, instrument, id) & (priority_of(entry) > since);
        loop {
            let pair = self.pair(line);
            let second = is_it(&pair[1]);
            if second | is_it(&pair[0]) {
                return Some(line + usize::from(second));
            }
            if !is_full(pair) {
                return None;
            }
            line = region.next(line);
        }
    }

    /// The order in a slot that is taken.
    #[inline]
    fn get(&self, slot: usize) -> Order {
        unpack(self.entry(slot))
    }

    /// Leaves so much of the order in a slot that [`Orders::look`] gave; at 0 it leaves, and
    /// entries behind it may move up.
    #[inline(always)]
    pub(crate) fn leave(&mut self, slot: usize, qty: u32) {
        if qty > 0 {
            entry::set_qty(self.entry_mut(slot), qty);
        } else if slot >= self.nursery.first {
            *self.entry_mut(slot) = FREE;
            self.used -= 1;
        } else {
            self.remove(slot);
        }
    }

    /// Takes one of the insertions beside which nothing else is to be done; false when there is
    /// none left.
    #[inline(always)]
    pub(crate) fn take_turn(&mut self) -> bool {
        let calm = self.calm.checked_sub(1);
        self.calm = calm.unwrap_or(0);
        calm.is_some()
    }

    /// Makes ready for one more order; false when the table is full.
    #[inline]
    pub(crate) fn admit(&mut self, dead: impl Fn(&Order) -> bool) -> bool {
        self.take_turn() || self.make_room(&dead)
    }

    /// Puts in an order that was admitted and whose id is not in the table.
    #[inline(always)]
    pub(crate) fn insert(&mut self, order: &Order) {
        let entry = self.entry_at_mut(self.nursery.half(order.instrument, order.id));
        if is_free(entry) {
            *entry = pack(order);
        } else {
            let stood = core::mem::replace(entry, pack(order));
            self.age(stood);
        }
        // There are not as many slots as that. As above.
        self.used = self.used.wrapping_add(1);
    }

    /// Whoever stood in the slot of a newcomer moves into the region.
    #[inline(never)]
    fn age(&mut self, stood: Entry) {
        self.put(stood);
        self.aged += 1;
    }

    /// What an insertion does beside, where there is something to be done; false when the table is
    /// full.
    #[inline(never)]
    fn make_room(&mut self, dead: &impl Fn(&Order) -> bool) -> bool {
        if self.leaving.is_some() || self.nursery.is_growing() || self.is_crowded() {
            self.tidy(dead);
            if self.used >= self.used_max {
                return false;
            }
        } else if self.sweep_left > 0 {
            self.sweep(dead);
        }
        self.calm = self.calm_left().saturating_sub(1);
        true
    }

    /// Insertions, this one included, beside which there will be nothing more to be done.
    fn calm_left(&self) -> usize {
        if self.leaving.is_some() || self.nursery.is_growing() {
            return 0;
        }
        let below = |limit: usize, now: usize| limit.saturating_sub(now);
        let mut calm = below(self.used_max, self.used);
        if self.sweep_left > 0 {
            calm = calm.min(SWEEP_REST);
        }
        if self.nursery.size < self.nursery_max {
            calm = calm.min(below(self.nursery.size / 2, self.used - self.aged));
        }
        if self.region.size < self.region_max {
            calm = calm.min(below(self.region.size / 2, self.aged));
        }
        calm
    }

    #[inline]
    fn is_crowded(&self) -> bool {
        self.used >= self.used_max || self.is_outgrown() || self.is_nursery_small()
    }

    #[inline]
    fn is_nursery_small(&self) -> bool {
        let young = self.used - self.aged;
        young >= self.nursery.size / 2
            && self.nursery.size < self.nursery_max
            && !self.nursery.is_growing()
    }

    /// Doubles the nursery at once while it is small, else begins to.
    #[cold]
    #[inline(never)]
    fn grow_nursery(&mut self, dead: &impl Fn(&Order) -> bool) {
        if self.nursery.size < SIZE_CACHED {
            self.part_some(usize::MAX);
        } else {
            if !self.nursery.is_spread() {
                self.spread(dead);
            }
            self.part_some(PART_SLOTS);
        }
    }

    /// Parts the next slots of the nursery: every second order in them, about, moves.
    fn part_some(&mut self, slots: usize) {
        for _ in 0..slots {
            let (from, to) = self.nursery.part();
            let entry = *self.entry(from);
            if !is_free(&entry) && self.nursery.slot_of(&entry) == to {
                *self.entry_mut(to) = entry;
                *self.entry_mut(from) = FREE;
            }
            if self.nursery.grown() {
                // What has moved behind the sweep is looked at again.
                let again = self.sweep_left > 0 || (self.mortal && self.nursery.is_spread());
                if again {
                    self.sweep_left = self.region.size + self.nursery.size;
                }
                return;
            }
        }
    }

    /// Takes ids as they are from now on, once in a table's life: everybody in the nursery, which
    /// fits into a cache yet, finds a new place, and of two who meet one goes to the aged.
    fn spread(&mut self, dead: &impl Fn(&Order) -> bool) {
        while self.region.size < REGION_SPREAD {
            self.leave_region(dead);
        }
        self.move_some(usize::MAX, dead);
        self.nursery.spread();
        let first = self.nursery.first;
        for slot in first..first + self.nursery.size {
            let mut entry = core::mem::replace(self.entry_mut(slot), FREE);
            while !is_free(&entry) {
                let to = self.nursery.slot_of(&entry);
                let stood = core::mem::replace(self.entry_mut(to), entry);
                entry = stood;
                if !is_free(&stood) && self.nursery.slot_of(&stood) == to {
                    self.put(stood);
                    self.aged += 1;
                    entry = FREE;
                }
            }
        }
        if self.mortal {
            self.sweep_left = self.region.size + self.nursery.size;
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
            self.grow_nursery(dead);
        } else if self.nursery.is_growing() {
            self.part_some(PART_SLOTS);
        }
        self.move_some(MOVE_SLOTS, dead);
        if self.sweep_left > 0 {
            self.sweep(dead);
        }
        if self.used >= self.used_max {
            if self.nursery.is_growing() {
                self.part_some(usize::MAX);
            }
            self.move_some(usize::MAX, dead);
            while self.sweep_left > 0 {
                self.sweep(dead);
            }
        }
        if self.is_outgrown() {
            self.leave_region(dead);
        }
    }

    /// The next region takes over.
    fn leave_region(&mut self, dead: &impl Fn(&Order) -> bool) {
        // A region is left long before the next one fills; were it not, it is emptied now.
        self.move_some(usize::MAX, dead);
        let left = self.region.size;
        self.leaving = Some((self.region, left));
        self.region = Region::new(2 * left);
        // The dead of the region are left behind with it, those of the nursery are not.
        self.sweep_left = self.sweep_left.min(self.nursery.size);
        self.sweep_at = self.region.size;
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
    fn remove(&mut self, slot: usize) {
        if slot >= self.nursery.first {
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

    /// Sizes, sweep and moves: part of what the table will do next.
    pub(crate) fn layout(&self) -> impl Iterator<Item = u64> {
        let leaving = self.leaving.map_or(0, |(_, at)| at);
        let sweep = [self.sweep_left, self.sweep_at];
        let words = [self.region.size, leaving, self.aged, sweep[0], sweep[1]];
        let nursery = self.nursery.is_spread().then(|| self.nursery.layout());
        let words = words.into_iter().map(|word| word as u64);
        words.chain(nursery.into_iter().flatten())
    }

    /// Tells that entries may have died.
    pub(crate) fn some_died(&mut self) {
        self.mortal = true;
        self.calm = self.calm.min(SWEEP_REST - 1);
        self.sweep_left = self.region.size + self.nursery.size;
    }

    /// Looks at the next slots, around the end. Most are free.
    #[inline(never)]
    fn sweep(&mut self, dead: &impl Fn(&Order) -> bool) {
        let at = self.sweep_at;
        let first = match at.checked_sub(self.region.size) {
            Some(young) => self.nursery.first + young,
            None => self.region.size + at,
        };
        let is_last = at + SWEEP_SLOTS == self.region.size + self.nursery.size;
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
