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

use crate::level::Level;
use core::hint::select_unpredictable;
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

#[derive(Clone, Copy, Debug)]
struct Far {
    key: i64,
    level: Level,
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

/// The levels of the window, two to a cache line and none in two of them.
#[derive(Debug)]
#[repr(align(64))]
struct Slots([Level; WINDOW]);

/// One side of a book. What every change of a level needs stands in its first cache line.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Ladder {
    /// Key of the best level, [`NO_KEY`] when empty.
    best_key: i64,
    /// Its quantity.
    best_qty: u64,
    /// Its tick number: key ÷ tick, rounded down.
    best_number: i64,
    /// +1 for bids, −1 for asks: price × sign = key.
    sign: i32,
    /// How many slots of the window hold a level.
    near: u32,
    /// Tick number (key ÷ tick, rounded down) of the window's lowest slot.
    base: i64,
    /// Tick size, at least 2.
    tick: i64,
    /// 2⁶⁴ ÷ tick, rounded up: turns the division of a price on the grid into a multiplication.
    magic: u64,
    /// Sum of the hashes of all levels.
    hash: u64,
    /// One bit for each slot of the window that holds a level.
    occupied: [u64; WORDS],
    slots: Slots,
    far: Vec<Far>,
    far_max: usize,
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
            sign: side.sign() as i32,
            near: 0,
            base: 0,
            tick: 0,
            magic: 0,
            hash: 0,
            occupied: [0; WORDS],
            slots: Slots([Level::EMPTY; WINDOW]),
            // All of the window may move out at once before the surplus is dropped.
            far: Vec::with_capacity(far_max + WINDOW + 1),
            far_max,
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

    /// Sum of the hashes of all levels.
    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    /// Tick number of a price that lies on the grid.
    #[inline]
    fn tick_number(&self, price: Price) -> Option<i64> {
        let number = ((price.0 as u64 as u128 * self.magic as u128) >> 64) as i64;
        // Exact for prices on the grid (the error is below 1 ÷ tick); all others fail the test.
        (number.wrapping_mul(self.tick) == price.0).then(|| number.wrapping_mul(self.sign()))
    }

    #[inline]
    fn in_window(&self, number: i64) -> bool {
        (number.wrapping_sub(self.base) as u64) < WINDOW as u64
    }

    /// The level at a price.
    #[inline]
    pub(crate) fn level(&self, price: Price) -> Option<&Level> {
        match self.tick_number(price) {
            Some(number) if self.in_window(number) => {
                Some(&self.slots.0[(number & MASK) as usize]).filter(|level| !level.is_empty())
            }
            _ => {
                let key = price.0 * self.sign();
                let at = self.far.binary_search_by_key(&key, |far| far.key).ok()?;
                Some(&self.far[at].level)
            }
        }
    }

    /// A word of each line that a change of the level at a price needs, for whoever wants them at
    /// hand; of any other level where that one is far.
    #[inline]
    pub(crate) fn words(&self, price: Price) -> u64 {
        let number = ((price.0 as u64 as u128 * self.magic as u128) >> 64) as i64;
        let slot = (number.wrapping_mul(self.sign()) & MASK) as usize;
        self.slots.0[slot].ordered ^ self.occupied[slot / 64]
    }

    /// The tick number of a price whose level stands in the window or would.
    #[inline]
    fn near_number(&self, price: Price) -> Option<i64> {
        let number = self.tick_number(price)?;
        self.in_window(number).then_some(number)
    }

    /// An order joins the level at a price (above zero), which begins at `arrivals` where there was
    /// none; `share` is its [`order_hash`](crate::level::order_hash).
    #[inline(always)]
    pub(crate) fn join(&mut self, price: Price, arrivals: u64, qty: u64, share: u64) -> Joined {
        let Some(number) = self.near_number(price) else {
            return self.join_far(price, arrivals, qty, share);
        };
        let slot = (number & MASK) as usize;
        let level = &mut self.slots.0[slot];
        let old = level.total();
        level.born = select_unpredictable(old == 0, arrivals, level.born);
        let hash = level.join(qty, share);
        self.hash = self.hash.wrapping_add(hash);
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.near = self.near.wrapping_add(u32::from(old == 0));
        let key = number.wrapping_mul(self.tick);
        let better = key >= self.best_key;
        Joined {
            stands: true,
            lost: better && self.raise_best(key, number, old + qty),
        }
    }

    #[cold]
    #[inline(never)]
    fn join_far(&mut self, price: Price, arrivals: u64, qty: u64, share: u64) -> Joined {
        let change = |level: &mut Level| level.join(qty, share);
        let (change, _) = self.change_far(price.0 * self.sign(), arrivals, change);
        Joined {
            stands: change.new > 0,
            lost: change.lost,
        }
    }

    /// Takes quantity from the order that arrived as number `priority` at a price; `None` when it
    /// does not stand there any more, else whether levels were lost as the best moved.
    #[inline(always)]
    pub(crate) fn take(
        &mut self,
        price: Price,
        priority: u64,
        qty: u64,
        share: u64,
    ) -> Option<bool> {
        let Some(number) = self.near_number(price) else {
            return self.take_far(price, priority, qty, share);
        };
        let slot = (number & MASK) as usize;
        let level = &mut self.slots.0[slot];
        let hash = level.take(priority, qty, share)?;
        let new = level.total();
        self.hash = self.hash.wrapping_sub(hash);
        // Without a branch: whether a level ends is hard to foresee.
        let ends = u32::from(new == 0);
        self.occupied[slot / 64] ^= u64::from(ends) << (slot % 64);
        self.near = self.near.wrapping_sub(ends);
        Some(self.follow_best(number.wrapping_mul(self.tick), number, new))
    }

    #[cold]
    #[inline(never)]
    fn take_far(&mut self, price: Price, priority: u64, qty: u64, share: u64) -> Option<bool> {
        let change = |level: &mut Level| level.take(priority, qty, share);
        // No level begins by what is taken.
        let (change, hash) = self.change_far(price.0 * self.sign(), 0, change);
        hash.map(|_| change.lost)
    }

    /// Changes the level at a price (above zero); it exists exactly while it holds quantity.
    /// `change` sees an empty level where there is none, born at `arrivals`; what it says is
    /// handed back.
    #[inline]
    pub(crate) fn change<T>(
        &mut self,
        price: Price,
        arrivals: u64,
        change: impl FnOnce(&mut Level) -> T,
    ) -> (Change, T) {
        match self.near_number(price) {
            Some(number) => self.change_near(number, arrivals, change),
            None => self.change_far(price.0 * self.sign(), arrivals, change),
        }
    }

    #[inline]
    fn change_near<T>(
        &mut self,
        number: i64,
        arrivals: u64,
        change: impl FnOnce(&mut Level) -> T,
    ) -> (Change, T) {
        let slot = (number & MASK) as usize;
        let level = &mut self.slots.0[slot];
        let old = level.total();
        level.born = select_unpredictable(old == 0, arrivals, level.born);
        let old_hash = level.hash;
        let said = change(level);
        let new = level.total();
        self.hash = self.hash.wrapping_add(level.hash).wrapping_sub(old_hash);
        // Without a branch: whether a level begins, ends or stays is hard to foresee.
        let (was, is) = (u32::from(old > 0), u32::from(new > 0));
        self.occupied[slot / 64] ^= u64::from(was ^ is) << (slot % 64);
        self.near = self.near.wrapping_add(is).wrapping_sub(was);
        let lost = self.follow_best(number.wrapping_mul(self.tick), number, new);
        (Change { old, new, lost }, said)
    }

    #[cold]
    #[inline(never)]
    fn change_far<T>(
        &mut self,
        key: i64,
        arrivals: u64,
        change: impl FnOnce(&mut Level) -> T,
    ) -> (Change, T) {
        let place = self.far.binary_search_by_key(&key, |far| far.key);
        let mut level = match place {
            Ok(at) => self.far[at].level,
            Err(_) => Level {
                born: arrivals,
                ..Level::default()
            },
        };
        let (old, old_hash) = (level.total(), level.hash);
        let said = change(&mut level);
        let new = level.total();
        let mut lost = false;
        match place {
            Ok(at) if new == 0 => {
                self.far.remove(at);
                level = Level::default();
            }
            Ok(at) => self.far[at].level = level,
            Err(_) if new == 0 => return (Change { old, new, lost }, said),
            Err(at) => {
                lost = self.far.len() >= self.far_max;
                if lost && at == 0 {
                    return (Change { old, new: 0, lost }, said);
                }
                if lost {
                    // Nearer to the best matters more: the farthest makes room.
                    let farthest = self.far.remove(0);
                    self.hash = self.hash.wrapping_sub(farthest.level.hash);
                }
                self.far.insert(at - usize::from(lost), Far { key, level });
            }
        }
        self.hash = self.hash.wrapping_add(level.hash).wrapping_sub(old_hash);
        lost |= self.follow_best(key, key.div_euclid(self.tick), new);
        (Change { old, new, lost }, said)
    }

    /// Keeps the best after the level at `key` came to hold `new`. True when levels were lost.
    #[inline]
    fn follow_best(&mut self, key: i64, number: i64, new: u64) -> bool {
        if key < self.best_key {
            return false;
        }
        if new > 0 {
            return self.raise_best(key, number, new);
        }
        if key > self.best_key {
            return false;
        }
        // No level of the window is above the one that was best.
        let top = self.base + MASK;
        self.find_best(self.best_number.min(top));
        self.keep_window()
    }

    /// The level at `key` holds `new`, and none is better. True when levels were lost.
    #[inline]
    fn raise_best(&mut self, key: i64, number: i64, new: u64) -> bool {
        let moved = key > self.best_key;
        self.best_key = key;
        self.best_qty = new;
        self.best_number = number;
        moved && self.keep_window()
    }

    /// Finds the best level; those of the window stand at `highest` or below, which lies in it.
    fn find_best(&mut self, highest: i64) {
        let near = self.next_near(highest);
        let far = self.far.last();
        let near_key = near.map_or(NO_KEY, |number| number * self.tick);
        let far_key = far.map_or(NO_KEY, |far| far.key);
        if far_key > near_key {
            self.best_key = far_key;
            self.best_qty = far.map_or(0, |far| far.level.total());
            self.best_number = far_key.div_euclid(self.tick);
        } else {
            self.best_key = near_key;
            self.best_number = near.unwrap_or(0);
            self.best_qty = near.map_or(0, |number| self.slots.0[(number & MASK) as usize].total());
        }
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

    /// Slides the window when the best has left its upper three quarters.
    #[inline]
    fn keep_window(&mut self) -> bool {
        if self.best_key == NO_KEY {
            return false;
        }
        if (self.best_number.wrapping_sub(self.base).wrapping_sub(LOW) as u64)
            < (WINDOW as u64 - LOW as u64)
        {
            return false;
        }
        self.slide()
    }

    /// Moves the window so that the best rests in it. True when levels were lost.
    #[cold]
    #[inline(never)]
    fn slide(&mut self) -> bool {
        if self.best_key == NO_KEY {
            return false;
        }
        let base = self.best_number - REST;
        self.move_out(base);
        self.base = base;
        self.move_in();
        self.drop_surplus()
    }

    /// Moves the levels that a window from `base` on does not cover to the far ones.
    fn move_out(&mut self, base: i64) {
        let mut next = self.next_near(self.base + MASK);
        let mut moved = false;
        while let Some(number) = next {
            if number.wrapping_sub(base) as u64 >= WINDOW as u64 {
                let slot = (number & MASK) as usize;
                let level = core::mem::take(&mut self.slots.0[slot]);
                self.occupied[slot / 64] &= !(1 << (slot % 64));
                self.near -= 1;
                let key = number * self.tick;
                self.far.push(Far { key, level });
                moved = true;
            }
            next = (number > self.base)
                .then(|| self.next_near(number - 1))
                .flatten();
        }
        if moved {
            self.far.sort_unstable_by_key(|far| far.key);
        }
    }

    /// Moves the far levels that the window covers into it.
    fn move_in(&mut self) {
        let mut far = core::mem::take(&mut self.far);
        far.retain(|far| {
            let number = far.key.div_euclid(self.tick);
            if !self.in_window(number) || far.key.rem_euclid(self.tick) != 0 {
                return true;
            }
            let slot = (number & MASK) as usize;
            self.slots.0[slot] = far.level;
            self.occupied[slot / 64] |= 1 << (slot % 64);
            self.near += 1;
            false
        });
        self.far = far;
    }

    /// Drops the farthest levels beyond the limit.
    fn drop_surplus(&mut self) -> bool {
        let surplus = self.far.len().saturating_sub(self.far_max);
        for far in self.far.drain(..surplus) {
            self.hash = self.hash.wrapping_sub(far.level.hash);
        }
        if surplus > 0 {
            self.find_best(self.base + MASK);
        }
        surplus > 0
    }

    /// Forgets every level.
    pub(crate) fn clear(&mut self) {
        for word in 0..WORDS {
            while self.occupied[word] != 0 {
                let bit = self.occupied[word].trailing_zeros() as usize;
                self.occupied[word] &= self.occupied[word] - 1;
                self.slots.0[word * 64 + bit] = Level::default();
            }
        }
        self.near = 0;
        self.far.clear();
        self.hash = 0;
        self.best_key = NO_KEY;
        self.best_qty = 0;
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
        let add = |sum: u64, level: &Level| sum.saturating_add(level.total());
        let lowest = self.base.saturating_mul(self.tick);
        if self.far.last().is_some_and(|far| far.key > lowest) {
            let levels = self.levels().take(most);
            return levels.fold(0, |sum, (_, level)| add(sum, level));
        }
        let near = self.near_slots().map(|slot| &self.slots.0[slot]);
        let far = self.far.iter().rev().map(|far| &far.level);
        near.chain(far).take(most).fold(0, add)
    }

    /// All levels, best first.
    pub(crate) fn levels(&self) -> Levels<'_> {
        let mut slots = self.near_slots();
        Levels {
            ladder: self,
            near: slots.next(),
            slots,
            far: self.far.len(),
        }
    }

    /// The slots of the window that hold a level, best first.
    #[inline]
    fn near_slots(&self) -> NearSlots<'_> {
        let best = (self.best_number & MASK) as usize;
        let (word, down) = (best / 64, u64::MAX >> (63 - best % 64));
        NearSlots {
            occupied: &self.occupied,
            bits: self.occupied[word] & down,
            word,
            left: WORDS,
            others: !down,
        }
    }
}

/// The slots of a window that hold a level: once around, from the best one down.
#[derive(Debug)]
struct NearSlots<'a> {
    occupied: &'a [u64; WORDS],
    /// The slots of the word at hand that are still to come.
    bits: u64,
    word: usize,
    /// Words to come; the last of them is the first again, for its other slots.
    left: usize,
    others: u64,
}

impl Iterator for NearSlots<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            self.left = self.left.checked_sub(1)?;
            self.word = (self.word + WORDS - 1) % WORDS;
            let wanted = if self.left == 0 {
                self.others
            } else {
                u64::MAX
            };
            self.bits = self.occupied[self.word] & wanted;
        }
        let bit = 63 - self.bits.leading_zeros() as usize;
        self.bits ^= 1 << bit;
        Some(self.word * 64 + bit)
    }
}

/// Iterator over the levels of one side, best first.
#[derive(Debug)]
pub(crate) struct Levels<'a> {
    ladder: &'a Ladder,
    slots: NearSlots<'a>,
    /// The slot of the best level of the window that is still to come.
    near: Option<usize>,
    /// Far levels that are still to come.
    far: usize,
}

impl<'a> Iterator for Levels<'a> {
    type Item = (Price, &'a Level);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let ladder = self.ladder;
        let far = self.far.checked_sub(1).map(|at| &ladder.far[at]);
        let near = self.near.map(|slot| (slot, ladder.key_of(slot)));
        match (near, far) {
            (Some((slot, key)), far) if far.is_none_or(|far| key > far.key) => {
                self.near = self.slots.next();
                Some((Price(key * ladder.sign()), &ladder.slots.0[slot]))
            }
            (_, Some(far)) => {
                self.far -= 1;
                Some((Price(far.key * ladder.sign()), &far.level))
            }
            _ => None,
        }
    }
}
