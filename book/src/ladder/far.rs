//! Levels off the grid or out of the window: a sorted vector of bounded size.

use super::{Change, Joined, Ladder, Made, NO_KEY, WINDOW};
use crate::level::Level;
use stream::Price;
use stream::hash::trail;

/// A level that does not stand in the window; better ones come later in the vector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Far {
    pub(super) key: i64,
    pub(super) level: Level,
}

/// Room for so many far levels and all of the window, which may move out at once before the surplus
/// is dropped. The part that a slide of a book without others takes is touched: the first one shall
/// not wait for pages.
pub(super) fn room(far_max: usize) -> Vec<Far> {
    let mut far = Vec::with_capacity(far_max + WINDOW + 1);
    let level = Level::default();
    far.resize(WINDOW, Far { key: 0, level });
    far.clear();
    far
}

impl Ladder {
    /// Changes the level at `key`; it exists exactly while it holds quantity. `change` sees an
    /// empty level where there is none, born at `arrivals`; what it says is handed back.
    #[cold]
    #[inline(never)]
    pub(super) fn change_far<T>(
        &mut self,
        key: i64,
        arrivals: u64,
        mark: u64,
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
        let old = level.total;
        let said = change(&mut level);
        let new = level.total;
        let mut lost = false;
        match place {
            Ok(at) if new == 0 => {
                self.far.remove(at);
            }
            Ok(at) => self.far[at].level = level,
            Err(_) if new == 0 => return (Change { old, new, lost }, said),
            Err(at) => {
                lost = self.far.len() >= self.far_max;
                if lost {
                    self.lose_orders();
                }
                if lost && at == 0 {
                    return (Change { old, new: 0, lost }, said);
                }
                if lost {
                    // Nearer to the best matters more: the farthest makes room.
                    self.far.remove(0);
                }
                self.far.insert(at - usize::from(lost), Far { key, level });
            }
        }
        let price = key * self.sign();
        self.trail = trail(self.trail, mark ^ new.rotate_left(40) ^ price as u64);
        self.note_far();
        lost |= self.follow_best();
        (Change { old, new, lost }, said)
    }

    /// A level is dropped: orders of its own are forgotten.
    pub(super) fn lose_orders(&mut self) {
        if self.made == Made::Orders {
            self.made = Made::Both;
        }
    }

    /// Notes the best far level, some of which have come or gone.
    pub(super) fn note_far(&mut self) {
        self.far_key = self.far.last().map_or(NO_KEY, |far| far.key);
    }

    #[cold]
    #[inline(never)]
    pub(super) fn join_far(&mut self, price: Price, arrivals: u64, qty: u64, mark: u64) -> Joined {
        self.meet_levels();
        let key = price.0 * self.sign();
        let (change, ()) = self.change_far(key, arrivals, mark, |level| level.total += qty);
        Joined {
            stands: change.new > 0,
            lost: change.lost,
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn take_far(
        &mut self,
        price: Price,
        priority: u64,
        qty: u64,
        mark: u64,
    ) -> Option<bool> {
        let key = price.0 * self.sign();
        // No level begins by what is taken.
        let (change, taken) = self.change_far(key, 0, mark, |level| level.take(priority, qty));
        taken.then_some(change.lost)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn replace_far(&mut self, price: Price, arrivals: u64, qty: u64) -> (Change, bool) {
        let key = price.0 * self.sign();
        self.change_far(key, arrivals, arrivals, |level| {
            level.replace(qty, arrivals)
        })
    }
}
