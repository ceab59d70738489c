//! What is known of one side within the N levels: a light track beside the book.

use stream::{Price, Side};

/// The known levels of one side, best first.
#[derive(Clone, Debug)]
pub(super) struct Known {
    side: Side,
    levels: Vec<(Price, u64)>,
    /// Nothing stands behind the deepest known level: a row showed an empty place there, and the
    /// side has been short of its full number of levels ever since, so every change has a message.
    pub(super) complete: bool,
}

impl Known {
    pub(super) fn new(side: Side, levels_max: usize) -> Self {
        Self {
            side,
            levels: Vec::with_capacity(levels_max + 2),
            complete: false,
        }
    }

    pub(super) const fn side(&self) -> Side {
        self.side
    }

    pub(super) const fn len(&self) -> usize {
        self.levels.len()
    }

    pub(super) fn levels(&self) -> &[(Price, u64)] {
        &self.levels
    }

    /// True when `a` lies nearer to the other side than `b`.
    fn better(&self, a: Price, b: Price) -> bool {
        if self.side == Side::Buy { a > b } else { a < b }
    }

    /// Where the level is, or where it would be inserted.
    fn find(&self, price: Price) -> Result<usize, usize> {
        for (index, &(other, _)) in self.levels.iter().enumerate() {
            if other == price {
                return Ok(index);
            }
            if self.better(price, other) {
                return Err(index);
            }
        }
        Err(self.levels.len())
    }

    /// Adds quantity to a level, which may be new; false when the sum is absurd.
    pub(super) fn add(&mut self, price: Price, qty: u64) -> bool {
        match self.find(price) {
            Ok(index) => match self.levels[index].1.checked_add(qty) {
                Some(sum) => self.levels[index].1 = sum,
                None => return false,
            },
            Err(index) => self.levels.insert(index, (price, qty)),
        }
        true
    }

    /// Takes quantity from a level; at zero the level goes. False, and nothing done, when the
    /// level is not known or holds less.
    pub(super) fn take(&mut self, price: Price, qty: u64) -> bool {
        let Ok(index) = self.find(price) else {
            return false;
        };
        let Some(rest) = self.levels[index].1.checked_sub(qty) else {
            return false;
        };
        if rest == 0 {
            self.levels.remove(index);
        } else {
            self.levels[index].1 = rest;
        }
        true
    }

    /// Removes and returns the deepest level when more than `levels_max` are known: what lies
    /// that deep is no longer told.
    pub(super) fn forget(&mut self, levels_max: usize) -> Option<Price> {
        if self.levels.len() <= levels_max {
            return None;
        }
        self.levels.pop().map(|(price, _)| price)
    }

    /// Takes a level that stands behind the deepest known one; false when it does not.
    pub(super) fn reveal(&mut self, price: Price, qty: u64) -> bool {
        let deeper = match self.levels.last() {
            Some(&(deepest, _)) => self.better(deepest, price),
            None => true,
        };
        if deeper {
            self.levels.push((price, qty));
        }
        deeper
    }
}
