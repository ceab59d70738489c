//! The window follows the best.

use super::far::Far;
use super::{Ladder, MASK, NO_KEY, REST, WINDOW};
use stream::hash::fold;

impl Ladder {
    /// Moves the window so that the best rests in it. True when levels were lost.
    #[cold]
    #[inline(never)]
    pub(super) fn slide(&mut self) -> bool {
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
    pub(super) fn move_out(&mut self, base: i64) {
        let mut next = self.next_near(self.base + MASK);
        let mut moved = false;
        while let Some(number) = next {
            if number.wrapping_sub(base) as u64 >= WINDOW as u64 {
                let slot = (number & MASK) as usize;
                let (key, level) = (number * self.tick, self.at(slot));
                self.totals.0[slot] = 0;
                self.besides[slot].anonymous = 0;
                self.occupied[slot / 64] &= !(1 << (slot % 64));
                self.near -= 1;
                self.far.push(Far { key, level });
                moved = true;
            }
            next = (number > self.base)
                .then(|| self.next_near(number - 1))
                .flatten();
        }
        if moved {
            self.far.sort_unstable_by_key(|far| far.key);
            self.note_far();
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
            self.totals.0[slot] = far.level.total;
            self.write_beside(slot, &far.level);
            self.occupied[slot / 64] |= 1 << (slot % 64);
            self.near += 1;
            false
        });
        self.far = far;
        self.note_far();
    }

    /// Drops the farthest levels beyond the limit.
    fn drop_surplus(&mut self) -> bool {
        let surplus = self.far.len().saturating_sub(self.far_max);
        if surplus > 0 {
            self.far.drain(..surplus);
            self.note_far();
            self.lose_orders();
            self.trail = fold(self.trail, surplus as u64);
            self.find_best(self.base + MASK);
        }
        surplus > 0
    }
}
