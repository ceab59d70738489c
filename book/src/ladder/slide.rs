//! The window follows the best.

use super::far::Far;
use super::levels::NearSlots;
use super::{Ladder, NO_KEY, REST, WORDS};
use crate::level::Level;
use stream::hash::trail;

impl Ladder {
    /// Moves the window so that the best rests in it. True when levels were lost.
    #[cold]
    #[inline(never)]
    pub(super) fn slide(&mut self) -> bool {
        if self.best_key == NO_KEY {
            return false;
        }
        self.move_out();
        self.base = self.best_key.div_euclid(self.tick) - REST;
        self.move_in();
        self.drop_surplus()
    }

    /// Moves the levels of the window to the far ones.
    pub(super) fn move_out(&mut self) {
        let stood = self.far.len();
        let occupied = self.occupied;
        for slot in NearSlots::new(&occupied, self.summary) {
            let (key, level) = (self.key_of(slot), self.at(slot));
            self.far.push(Far { key, level });
        }
        self.empty_window();
        if self.far.len() > stood {
            // Two or three runs, each in order.
            self.far[stood..].reverse();
            self.far.sort_unstable_by_key(|far| far.key);
        }
        self.note_far();
    }

    /// Moves the far levels that the window covers into it.
    fn move_in(&mut self) {
        let mut far = core::mem::take(&mut self.far);
        far.retain(|far| {
            let slot = self.slot_of_number(far.key.div_euclid(self.tick));
            match slot.filter(|_| far.key.rem_euclid(self.tick) == 0) {
                Some(slot) => self.put_in(slot, &far.level),
                None => return true,
            }
            false
        });
        self.far = far;
        self.note_far();
    }

    fn put_in(&mut self, slot: usize, level: &Level) {
        self.totals.0[slot] = level.total;
        self.write_beside(slot, level);
        self.turn(slot, true);
    }

    /// Empties the window.
    pub(super) fn empty_window(&mut self) {
        for word in 0..WORDS {
            while self.occupied[word] != 0 {
                let slot = word * 64 + self.occupied[word].trailing_zeros() as usize;
                self.totals.0[slot] = 0;
                self.besides[slot].anonymous = 0;
                self.turn(slot, true);
            }
        }
    }

    /// Drops the farthest levels beyond the limit.
    fn drop_surplus(&mut self) -> bool {
        let surplus = self.far.len().saturating_sub(self.far_max);
        if surplus > 0 {
            self.far.drain(..surplus);
            self.note_far();
            self.lose_orders();
            self.trail = trail(self.trail, surplus as u64);
            self.find_best();
        }
        surplus > 0
    }
}
