//! One side of a book: price levels in a flat window around the best, and the rest beside it.
//!
//! ```text
//!   keys (bids: price, asks: −price; a higher key is a better price)
//!
//!   far, sorted          window of 1,024 ticks, indexed by tick, one bit each
//!   ├─ worse … ──────┤├──────────────────────────── best ───────┬────────────┤
//!                     base                          ¾ of it    room to rise
//! ```
//!
//! A level on the tick grid within the window costs one index calculation, no search. Levels off
//! the grid or outside the window stand in a sorted vector, of bounded size. The window slides when
//! the best leaves its upper three quarters; every level changes its place then, which is rare.
//!
//! Nearly every change needs only a level's whole quantity: eight of them share a cache
//! line. How much of it is anonymous, and which orders are forgotten, matters only where orders and
//! whole levels meet ([`Made`]), and is kept apart. No change branches on whether a level begins or
//! ends, nor on which level is now the best: no branch predictor could foresee that. The best is
//! found through two words of bits, one bit for each 64 slots that hold a level and one for each of
//! those; it is not derived from the previous best, so no change waits for the one before it.

mod far;
mod levels;
mod slide;

use crate::level::Level;
use core::hint::select_unpredictable;
use far::Far;
pub(crate) use levels::Levels;
use stream::hash::trail;
use stream::{Price, Side};

/// Levels of one side that the flat window holds.
pub const WINDOW: usize = 1_024;
/// The tick size until an `Instrument` frame tells another: one cent.
pub const TICK_DEFAULT: Price = Price(10_000_000);

const WORDS: usize = WINDOW / 64;
/// Where the best comes to stand in the window when it slides.
const REST: i64 = WINDOW as i64 * 3 / 4;
/// The best may not fall below the words from this one up without a slide.
const LOW: usize = WORDS / 4;
const NO_KEY: i64 = i64::MIN;

/// What a side's quantities are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    /// Orders known by id, none of which was ever forgotten; so is an empty side.
    Orders,
    /// Whole levels, all of them anonymous.
    Levels,
    /// Both, or some orders were forgotten: what stands beside the quantities counts.
    Both,
}

/// What is to be known of a level beside its quantity, see [`Level`].
#[derive(Clone, Copy, Debug, Default)]
struct Beside {
    anonymous: u64,
    born: u64,
}

/// What changing a level brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Its whole quantity before.
    pub(crate) old: u64,
    /// Its whole quantity now.
    pub(crate) new: u64,
    /// True when there was no room: this level, or the farthest ones, are lost.
    pub(crate) lost: bool,
}

/// What became of an order that joined a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    /// False when there was no room for its level.
    pub(crate) stands: bool,
    /// True when there was no room: its level, or the farthest ones, are lost.
    pub(crate) lost: bool,
}

/// The quantities of the window's levels.
#[derive(Debug)]
#[repr(align(64))]
struct Totals([u64; WINDOW]);

/// One side of a book. What every change of a level needs beside its bit and its quantity stands in
/// the first two cache lines.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Ladder {
    /// Key of the best level, [`NO_KEY`] when empty.
    best_key: i64,
    /// Its quantity.
    best_qty: u64,
    /// Tick number (key ÷ tick, rounded down) of the window's lowest slot.
    base: i64,
    /// Tick size, at least 2.
    tick: i64,
    /// 2⁶⁴ ÷ tick, rounded up: turns the division of a price on the grid into a multiplication.
    magic: u64,
    /// A hash of all that became of its levels.
    trail: u64,
    /// +1 for bids, −1 for asks: price × sign = key.
    sign: i32,
    /// One bit for each word of `occupied` that is not zero.
    summary: u16,
    made: Made,
    /// Key of the best far level, [`NO_KEY`] when there is none.
    far_key: i64,
    far_max: usize,
    far: Vec<Far>,
    /// One bit for each slot of the window that holds a level.
    occupied: [u64; WORDS],
    totals: Totals,
    besides: [Beside; WINDOW],
}

impl Ladder {
    /// An empty side that holds at most `far_max` levels beside its window.
    ///
    /// # Panics
    /// If `far_max` is 0.
    pub(crate) fn new(side: Side, far_max: usize) -> Self {
        assert!(far_max > 0, "the first level of a side is a far one");
        let mut ladder = Self {
            best_key: NO_KEY,
            best_qty: 0,
            base: 0,
            tick: 0,
            magic: 0,
            trail: 0,
            sign: side.sign() as i32,
            summary: 0,
            made: Made::Orders,
            far_key: NO_KEY,
            far_max,
            far: far::room(far_max),
            occupied: [0; WORDS],
            totals: Totals([0; WINDOW]),
            besides: [Beside::default(); WINDOW],
        };
        ladder.set_tick_fields(TICK_DEFAULT);
        ladder
    }

    fn set_tick_fields(&mut self, tick: Price) {
        // A grid of 1e-9 does not fit the multiplication; on one of 2e-9 its odd prices are far.
        self.tick = tick.0.max(2);
        self.magic = u64::MAX / self.tick as u64 + 1;
    }

    /// Takes another tick size; levels stay what they are. True when some were lost for want of
    /// room.
    pub(crate) fn set_tick(&mut self, tick: Price) -> bool {
        if tick.0.max(2) == self.tick {
            return false;
        }
        self.move_out();
        self.set_tick_fields(tick);
        self.trail = trail(self.trail, self.tick as u64);
        self.slide()
    }

    #[inline]
    fn sign(&self) -> i64 {
        i64::from(self.sign)
    }

    /// The best price and its quantity.
    #[inline]
    pub(crate) fn best(&self) -> Option<(Price, u64)> {
        if self.best_key == NO_KEY {
            return None;
        }
        Some((Price(self.best_key * self.sign()), self.best_qty))
    }

    /// A hash of all that became of its levels. Books that went through the same have the same.
    pub(crate) const fn trail(&self) -> u64 {
        self.trail
    }

    /// Tick number of a price that lies on the grid.
    #[inline(always)]
    fn tick_number(&self, price: Price) -> Option<i64> {
        let number = ((price.0 as u64 as u128 * self.magic as u128) >> 64) as i64;
        // Exact for prices on the grid (the error is below 1 ÷ tick); all others fail the test.
        (number.wrapping_mul(self.tick) == price.0).then(|| number.wrapping_mul(self.sign()))
    }

    /// The level in a slot of the window.
    #[inline]
    fn at(&self, slot: usize) -> Level {
        let (total, beside) = (self.totals.0[slot], self.besides[slot]);
        let (anonymous, born) = match self.made {
            Made::Orders => (0, 0),
            Made::Levels => (total, 0),
            Made::Both => (beside.anonymous, beside.born),
        };
        Level {
            total,
            anonymous,
            born,
        }
    }

    /// The level at a price.
    #[inline]
    pub(crate) fn level(&self, price: Price) -> Option<Level> {
        match self.near_slot(price) {
            Some(slot) => Some(self.at(slot)).filter(|level| level.total > 0),
            None => {
                let key = price.0 * self.sign();
                let at = self.far.binary_search_by_key(&key, |far| far.key).ok()?;
                Some(self.far[at].level)
            }
        }
    }

    /// The slot of the window in which the level at a price stands; any where it is far.
    #[inline]
    pub(crate) fn slot_of(&self, price: Price) -> usize {
        let number = ((price.0 as u64 as u128 * self.magic as u128) >> 64) as i64;
        number.wrapping_mul(self.sign()).wrapping_sub(self.base) as usize % WINDOW
    }

    /// A word of each line that a change of the level in a slot needs, for whoever wants them at
    /// hand.
    ///
    /// # Panics
    /// If there is no such slot.
    #[inline]
    pub(crate) fn words(&self, slot: usize) -> u64 {
        self.totals.0[slot] ^ self.occupied[slot / 64] ^ self.far_key as u64
    }

    /// The slot of a price whose level stands in the window or would.
    #[inline(always)]
    fn near_slot(&self, price: Price) -> Option<usize> {
        self.slot_of_number(self.tick_number(price)?)
    }

    #[inline(always)]
    fn slot_of_number(&self, number: i64) -> Option<usize> {
        let slot = number.wrapping_sub(self.base) as u64;
        (slot < WINDOW as u64).then_some(slot as usize)
    }

    /// An order joins the level at a price (above zero), which begins at `arrivals` where there was
    /// none; `mark` goes into the trail.
    #[inline(always)]
    pub(crate) fn join(&mut self, price: Price, arrivals: u64, qty: u64, mark: u64) -> Joined {
        let Some(slot) = self.near_slot(price) else {
            return self.join_far(price, arrivals, qty, mark);
        };
        let old = self.totals.0[slot];
        if self.made != Made::Orders {
            self.meet_levels();
            let beside = &mut self.besides[slot];
            beside.born = select_unpredictable(old == 0, arrivals, beside.born);
        }
        self.store(slot, price, old + qty, mark);
        self.begin(slot);
        let lost = self.keep_best();
        Joined { stands: true, lost }
    }

    /// An order joins where there may be whole levels.
    #[inline]
    fn meet_levels(&mut self) {
        if self.made == Made::Levels {
            self.write_besides();
        }
    }

    /// Writes down that all there is is anonymous. No order of a side of levels is in the table,
    /// but those that came before the book was emptied.
    #[cold]
    #[inline(never)]
    fn write_besides(&mut self) {
        for (beside, &anonymous) in self.besides.iter_mut().zip(&self.totals.0) {
            *beside = Beside { anonymous, born: 0 };
        }
        self.made = Made::Both;
    }

    /// Takes quantity from the order that arrived as number `priority` at a price; `None` when it
    /// does not stand there any more, else whether levels were lost as the best moved.
    #[inline(always)]
    pub(crate) fn take(
        &mut self,
        price: Price,
        priority: u64,
        qty: u64,
        mark: u64,
    ) -> Option<bool> {
        let Some(slot) = self.near_slot(price) else {
            return self.take_far(price, priority, qty, mark);
        };
        let old = self.totals.0[slot];
        if self.made != Made::Orders && !self.at(slot).take(priority, qty) {
            return None;
        }
        let new = old - qty;
        self.store(slot, price, new, mark);
        self.end(slot, new == 0);
        Some(self.keep_best())
    }

    /// The level at a price (above zero) takes a new whole; its known orders are forgotten. Also
    /// tells whether there were any.
    #[inline(always)]
    pub(crate) fn replace(&mut self, price: Price, arrivals: u64, qty: u64) -> (Change, bool) {
        if self.made == Made::Orders {
            self.meet_orders();
        }
        let Some(slot) = self.near_slot(price) else {
            return self.replace_far(price, arrivals, qty);
        };
        let mut level = self.at(slot);
        let old = level.total;
        let forgets = level.replace(qty, arrivals);
        self.write_beside(slot, &level);
        self.store(slot, price, qty, arrivals);
        self.turn(slot, (old > 0) != (qty > 0));
        let lost = self.keep_best();
        let new = qty;
        (Change { old, new, lost }, forgets)
    }

    /// A whole level comes where there were orders, or nothing.
    #[cold]
    fn meet_orders(&mut self) {
        self.made = if self.best_key == NO_KEY {
            Made::Levels
        } else {
            Made::Both
        };
    }

    /// Takes at most so much from the anonymous residue at a price (above zero); tells how much,
    /// and whether levels were lost as the best moved.
    pub(crate) fn take_anonymous(&mut self, price: Price, want: u64) -> (u64, bool) {
        let Some(slot) = self.near_slot(price) else {
            let key = price.0 * self.sign();
            let take = |level: &mut Level| level.take_anonymous(want);
            let (change, taken) = self.change_far(key, 0, want, take);
            return (taken, change.lost);
        };
        let mut level = self.at(slot);
        let taken = level.take_anonymous(want);
        if taken == 0 {
            return (0, false);
        }
        self.write_beside(slot, &level);
        self.store(slot, price, level.total, want);
        self.end(slot, level.total == 0);
        (taken, self.keep_best())
    }

    /// Writes down what of a level is not told by its quantity, where that counts.
    #[inline(always)]
    fn write_beside(&mut self, slot: usize, level: &Level) {
        if self.made == Made::Both {
            self.besides[slot] = Beside {
                anonymous: level.anonymous,
                born: level.born,
            };
        }
    }

    /// The level in a slot of the window, at that price, comes to hold `new`.
    #[inline(always)]
    fn store(&mut self, slot: usize, price: Price, new: u64, mark: u64) {
        self.totals.0[slot] = new;
        self.trail = trail(self.trail, mark ^ new.rotate_left(40) ^ price.0 as u64);
    }

    /// Sets a slot's bit: it holds a level now, if it did not before.
    #[inline(always)]
    fn begin(&mut self, slot: usize) {
        let word = slot / 64;
        self.occupied[word] |= 1 << (slot % 64);
        self.summary |= 1 << word;
    }

    /// Clears the bit of a slot that holds a level, where the level `ends`.
    #[inline(always)]
    fn end(&mut self, slot: usize, ends: bool) {
        let word = slot / 64;
        let bits = self.occupied[word] ^ u64::from(ends) << (slot % 64);
        self.occupied[word] = bits;
        self.summary ^= u16::from(bits == 0) << word;
    }

    /// Turns a slot's bit where it begins or ceases to hold a level.
    #[inline(always)]
    fn turn(&mut self, slot: usize, turns: bool) {
        let word = slot / 64;
        let bits = self.occupied[word] ^ u64::from(turns) << (slot % 64);
        self.occupied[word] = bits;
        self.summary = self.summary & !(1 << word) | u16::from(bits != 0) << word;
    }

    /// Keeps the best after a change in the window, without a branch on what it was or becomes.
    /// True when levels were lost as the best moved.
    #[inline(always)]
    fn keep_best(&mut self) -> bool {
        let (slot, words) = (self.highest_or_any(), self.summary);
        let key = self.base.wrapping_add(slot as i64).wrapping_mul(self.tick);
        let key = select_unpredictable(words == 0, NO_KEY, key);
        // Nothing above the words of the lowest quarter, which there are: no place for the best.
        let is_low = words.wrapping_sub(1) < (1 << LOW) - 1;
        if is_low || key < self.far_key {
            return self.follow_best();
        }
        self.best_key = key;
        self.best_qty = self.totals.0[slot];
        false
    }

    /// The highest slot of the window that holds a level, or any slot where none does.
    #[inline(always)]
    fn highest_or_any(&self) -> usize {
        let word = (self.summary | 1).ilog2() as usize;
        (word << 6).wrapping_add((self.occupied[word] | 1).ilog2() as usize)
    }

    /// The highest slot of the window that holds a level.
    fn highest(&self) -> Option<usize> {
        (self.summary != 0).then(|| self.highest_or_any())
    }

    /// True when the window is where it should be.
    #[cfg(test)]
    pub(crate) fn is_kept(&self) -> bool {
        self.best_key == NO_KEY || self.is_rest()
    }

    /// True where the best stands in the window so that it need not slide.
    fn is_rest(&self) -> bool {
        let slot = self.slot_of_number(self.best_key.div_euclid(self.tick));
        slot.is_some_and(|slot| slot / 64 >= LOW)
    }

    /// Finds the best level wherever it is, and slides the window after it.
    #[inline(never)]
    fn follow_best(&mut self) -> bool {
        self.find_best();
        self.best_key != NO_KEY && !self.is_rest() && self.slide()
    }

    /// Finds the best level.
    fn find_best(&mut self) {
        let near = self.highest();
        let near = near.map(|slot| (self.key_of(slot), self.totals.0[slot]));
        let far = self.far.last().map(|far| (far.key, far.level.total));
        (self.best_key, self.best_qty) = near.max(far).unwrap_or((NO_KEY, 0));
    }

    /// Forgets every level.
    pub(crate) fn clear(&mut self) {
        self.empty_window();
        self.far.clear();
        self.far_key = NO_KEY;
        self.made = Made::Orders;
        self.trail = trail(self.trail, u64::MAX);
        self.best_key = NO_KEY;
    }

    /// The key of the level in a slot of the window.
    #[inline]
    fn key_of(&self, slot: usize) -> i64 {
        (self.base + slot as i64) * self.tick
    }

    /// How many levels there are.
    pub(crate) fn len(&self) -> usize {
        let (mut near, mut words) = (0, self.summary);
        while words != 0 {
            near += self.occupied[words.trailing_zeros() as usize].count_ones();
            words &= words - 1;
        }
        near as usize + self.far.len()
    }

    /// Quantity on the best `most` levels.
    pub(crate) fn qty_on_best(&self, most: usize) -> u64 {
        if self.far_key > self.base.saturating_mul(self.tick) {
            let totals = self.levels().map(|(_, level)| level.total);
            return totals.take(most).fold(0, u64::saturating_add);
        }
        let near = self.near_slots().map(|slot| self.totals.0[slot]);
        let far = self.far.iter().rev().map(|far| far.level.total);
        near.chain(far).take(most).fold(0, u64::saturating_add)
    }
}
