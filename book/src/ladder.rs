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
//! the grid or out of the window stand in a sorted vector, of bounded size. The window slides when
//! the best leaves its upper three quarters; levels change places then, which is rare.
//!
//! What nearly every change needs of a level is its whole quantity: eight of them stand in a cache
//! line. How much of it is anonymous, and which orders are forgotten, matters only where orders and
//! whole levels meet ([`Made`]), and stands beside. No change branches on whether a level begins or
//! ends, nor one at the best or above it on which level is the best now: nobody can foresee it.

mod far;
mod levels;
mod slide;

use crate::level::Level;
use core::hint::select_unpredictable;
use far::Far;
pub(crate) use levels::Levels;
use stream::hash::fold;
use stream::{Price, Side};

/// Levels of one side that the flat window holds.
pub const WINDOW: usize = 1_024;
/// The tick size until an `Instrument` frame tells another: one cent.
pub const TICK_DEFAULT: Price = Price(10_000_000);

const WORDS: usize = WINDOW / 64;
const MASK: i64 = WINDOW as i64 - 1;
/// Where the best comes to stand in the window when it slides.
const REST: i64 = WINDOW as i64 * 3 / 4;
/// The best may not fall below this without a slide.
const LOW: i64 = WINDOW as i64 / 4;
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
    /// Its tick number: key ÷ tick, rounded down. Stale when empty.
    best_number: i64,
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
    /// How many slots of the window hold a level.
    near: u32,
    /// Key of the best far level, [`NO_KEY`] when there is none.
    far_key: i64,
    made: Made,
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
            best_number: 0,
            base: 0,
            tick: 0,
            magic: 0,
            trail: 0,
            sign: side.sign() as i32,
            near: 0,
            far_key: NO_KEY,
            made: Made::Orders,
            far_max,
            // All of the window may move out at once before the surplus is dropped.
            far: Vec::with_capacity(far_max + WINDOW + 1),
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
        self.move_out(i64::MAX);
        self.set_tick_fields(tick);
        self.trail = fold(self.trail, self.tick as u64);
        if self.best_key != NO_KEY {
            self.best_number = self.best_key.div_euclid(self.tick);
        }
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

    #[inline(always)]
    fn in_window(&self, number: i64) -> bool {
        (number.wrapping_sub(self.base) as u64) < WINDOW as u64
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
        match self.near_number(price) {
            Some(number) => Some(self.at((number & MASK) as usize)).filter(|level| level.total > 0),
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
        (number.wrapping_mul(self.sign()) & MASK) as usize
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

    /// The tick number of a price whose level stands in the window or would.
    #[inline(always)]
    fn near_number(&self, price: Price) -> Option<i64> {
        let number = self.tick_number(price)?;
        self.in_window(number).then_some(number)
    }

    /// An order joins the level at a price (above zero), which begins at `arrivals` where there was
    /// none; `mark` goes into the trail.
    #[inline(always)]
    pub(crate) fn join(&mut self, price: Price, arrivals: u64, qty: u64, mark: u64) -> Joined {
        let Some(number) = self.near_number(price) else {
            return self.join_far(price, arrivals, qty, mark);
        };
        let slot = (number & MASK) as usize;
        let old = self.totals.0[slot];
        if self.made != Made::Orders {
            self.meet_levels();
            let beside = &mut self.besides[slot];
            beside.born = select_unpredictable(old == 0, arrivals, beside.born);
        }
        self.store(number, (old, old + qty), mark);
        let lost = self.follow(number);
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
        let Some(number) = self.near_number(price) else {
            return self.take_far(price, priority, qty, mark);
        };
        let slot = (number & MASK) as usize;
        let old = self.totals.0[slot];
        if self.made != Made::Orders && !self.at(slot).take(priority, qty) {
            return None;
        }
        self.store(number, (old, old - qty), mark);
        Some(self.follow(number))
    }

    /// The level at a price (above zero) takes a new whole; its known orders are forgotten. Also
    /// tells whether there were any.
    #[inline(always)]
    pub(crate) fn replace(&mut self, price: Price, arrivals: u64, qty: u64) -> (Change, bool) {
        if self.made == Made::Orders {
            self.meet_orders();
        }
        let Some(number) = self.near_number(price) else {
            return self.replace_far(price, arrivals, qty);
        };
        let slot = (number & MASK) as usize;
        let mut level = self.at(slot);
        let old = level.total;
        let forgets = level.replace(qty, arrivals);
        self.write_beside(slot, &level);
        self.store(number, (old, qty), arrivals);
        let lost = self.keep_best(number);
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
        let Some(number) = self.near_number(price) else {
            let key = price.0 * self.sign();
            let take = |level: &mut Level| level.take_anonymous(want);
            let (change, taken) = self.change_far(key, 0, want, take);
            return (taken, change.lost);
        };
        let slot = (number & MASK) as usize;
        let mut level = self.at(slot);
        let old = level.total;
        let taken = level.take_anonymous(want);
        if taken == 0 {
            return (0, false);
        }
        self.write_beside(slot, &level);
        self.store(number, (old, level.total), want);
        (taken, self.follow(number))
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

    /// The level at a tick number of the window comes to hold `new` instead of `old`. Without a
    /// branch: whether a level begins, ends or stays is hard to foresee.
    #[inline(always)]
    fn store(&mut self, number: i64, (old, new): (u64, u64), mark: u64) {
        let slot = (number & MASK) as usize;
        self.totals.0[slot] = new;
        self.trail = fold(self.trail, mark ^ new.rotate_left(40) ^ number as u64);
        let (was, is) = (u32::from(old > 0), u32::from(new > 0));
        self.occupied[slot / 64] ^= u64::from(was ^ is) << (slot % 64);
        self.near = self.near.wrapping_add(is).wrapping_sub(was);
    }

    /// Keeps the best after a change at a tick number of the window that is mostly below it, as
    /// most orders are. True when levels were lost as the best moved.
    #[inline(always)]
    fn follow(&mut self, number: i64) -> bool {
        number.wrapping_mul(self.tick) >= self.best_key && self.keep_best(number)
    }

    /// Keeps the best after a change at a tick number of the window, without a branch on whether
    /// that was, is or becomes the best. True when levels were lost as the best moved.
    #[inline(always)]
    fn keep_best(&mut self, number: i64) -> bool {
        // No level of the window stands above.
        let top = self.best_number.max(number);
        let slot = (top & MASK) as usize;
        let (word, bit) = (slot / 64, slot % 64);
        // The 64 slots from `top` down, its own uppermost.
        let below = self.occupied[word.wrapping_sub(1) % WORDS] >> 1 >> bit;
        let bits = self.occupied[word] << (63 - bit) | below;
        if bits == 0 {
            if self.near == 0 && self.far_key == NO_KEY {
                self.best_key = NO_KEY;
                return false;
            }
            return self.follow_best(top);
        }
        // Were the window's lower end among them, the best would not stand where it may.
        let number = top - i64::from(bits.leading_zeros());
        let key = number.wrapping_mul(self.tick);
        if !self.is_rest(number) || key < self.far_key {
            return self.follow_best(top);
        }
        self.best_key = key;
        self.best_number = number;
        self.best_qty = self.totals.0[(number & MASK) as usize];
        false
    }

    /// True when the window is where it should be.
    #[cfg(test)]
    pub(crate) fn is_kept(&self) -> bool {
        self.best_key == NO_KEY || self.is_rest(self.best_number)
    }

    /// True for a number in the window at which the best may stand without a slide.
    #[inline(always)]
    fn is_rest(&self, number: i64) -> bool {
        (number.wrapping_sub(self.base).wrapping_sub(LOW) as u64) < (WINDOW as u64 - LOW as u64)
    }

    /// Finds the best level wherever it is, those of the window at `top` or below, and slides the
    /// window after it.
    #[inline(never)]
    fn follow_best(&mut self, top: i64) -> bool {
        let highest = self.base + MASK;
        self.find_best(if self.in_window(top) { top } else { highest });
        self.best_key != NO_KEY && !self.is_rest(self.best_number) && self.slide()
    }

    /// Finds the best level; those of the window stand at `highest` or below, which lies in it.
    fn find_best(&mut self, highest: i64) {
        let near = self.next_near(highest);
        let near_key = near.map_or(NO_KEY, |number| number * self.tick);
        let far = self.far.last().filter(|far| far.key > near_key);
        if let Some(far) = far {
            self.best_key = far.key;
            self.best_qty = far.level.total;
            self.best_number = far.key.div_euclid(self.tick);
            return;
        }
        self.best_key = near_key;
        self.best_number = near.unwrap_or(self.best_number);
        self.best_qty = near.map_or(0, |number| self.totals.0[(number & MASK) as usize]);
    }

    /// The highest occupied tick number in the window at or below `number`, which lies in it.
    #[inline]
    fn next_near(&self, number: i64) -> Option<i64> {
        let slot = (number & MASK) as usize;
        let mut word = slot / 64;
        let mut bits = self.occupied[word] & (u64::MAX >> (63 - slot % 64));
        for _ in 0..WORDS {
            if bits != 0 {
                break;
            }
            word = (word + WORDS - 1) % WORDS;
            bits = self.occupied[word];
        }
        if bits == 0 {
            return None;
        }
        let found = word * 64 + 63 - bits.leading_zeros() as usize;
        let below = (slot as i64 - found as i64) & MASK;
        // What stands above `number` is found last, having gone all the way around.
        (number - below >= self.base).then_some(number - below)
    }

    /// Forgets every level.
    pub(crate) fn clear(&mut self) {
        for word in 0..WORDS {
            while self.occupied[word] != 0 {
                let bit = self.occupied[word].trailing_zeros() as usize;
                self.occupied[word] &= self.occupied[word] - 1;
                self.totals.0[word * 64 + bit] = 0;
                self.besides[word * 64 + bit].anonymous = 0;
            }
        }
        self.near = 0;
        self.far.clear();
        self.far_key = NO_KEY;
        self.made = Made::Orders;
        self.trail = fold(self.trail, u64::MAX);
        self.best_key = NO_KEY;
    }

    /// The key of the level in a slot of the window.
    #[inline]
    fn key_of(&self, slot: usize) -> i64 {
        (self.base + ((slot as i64 - self.base) & MASK)) * self.tick
    }

    /// How many levels there are.
    pub(crate) fn len(&self) -> usize {
        self.near as usize + self.far.len()
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
