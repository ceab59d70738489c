//! Credits: how many commands may be unanswered at the edge, and who waits for one.
//!
//! Cancels go first, then exits, then entries; within each, first come, first served. An entry
//! takes three credits at once (entry, stop, target), so that no entry ever works without its
//! protection on the way, and leaves a reserve to cancels and exits.

use std::collections::VecDeque;
use stream::FrameId;

/// A leg that waits for a credit: slot of its bracket and index in it.
pub(crate) type Waiting = (u16, u8);

#[derive(Debug)]
pub(crate) struct Credits {
    max: usize,
    reserved: usize,
    unanswered: Vec<FrameId>,
    pub(crate) cancels: VecDeque<Waiting>,
    pub(crate) exits: VecDeque<Waiting>,
    pub(crate) entries: VecDeque<u16>,
}

impl Credits {
    pub(crate) fn new(max: usize, reserved: usize, legs_max: usize, slots: usize) -> Self {
        Self {
            max,
            reserved,
            unanswered: Vec::with_capacity(max),
            cancels: VecDeque::with_capacity(legs_max),
            exits: VecDeque::with_capacity(legs_max),
            entries: VecDeque::with_capacity(slots),
        }
    }

    /// Room for one more command of an exit or a cancel.
    pub(crate) fn one_free(&self) -> bool {
        self.unanswered.len() < self.max
    }

    /// Room for the three commands of an entry, with the reserve left over.
    pub(crate) fn entry_free(&self) -> bool {
        self.unanswered.len() + 3 + self.reserved <= self.max
    }

    /// Room for one more command with the reserve left over.
    pub(crate) fn spare_free(&self) -> bool {
        self.unanswered.len() + self.reserved < self.max
    }

    /// True when a leg stands in any of the queues.
    #[inline]
    pub(crate) fn anyone_waits(&self) -> bool {
        !(self.cancels.is_empty() && self.exits.is_empty() && self.entries.is_empty())
    }

    /// A command was made.
    pub(crate) fn take(&mut self, command: FrameId) {
        assert!(self.one_free(), "a command was made without a credit");
        self.unanswered.push(command);
    }

    /// A command was answered; a repeated or unknown answer changes nothing.
    pub(crate) fn give_back(&mut self, command: FrameId) {
        if let Some(at) = self.unanswered.iter().position(|&id| id == command) {
            self.unanswered.swap_remove(at);
        }
    }

    /// Nobody will answer any more: a new epoch begins.
    pub(crate) fn give_all_back(&mut self) {
        self.unanswered.clear();
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_leave_the_reserve_and_repeated_answers_give_nothing() {
        let mut credits = Credits::new(6, 2, 8, 8);
        assert!(credits.entry_free());
        credits.take(FrameId(1));
        assert!(credits.entry_free());
        credits.take(FrameId(2));
        assert!(!credits.entry_free());
        assert!(credits.one_free());
        credits.give_back(FrameId(2));
        credits.give_back(FrameId(2));
        credits.give_back(FrameId(9));
        assert_eq!(credits.unanswered(), 1);
        assert!(credits.entry_free());
    }

    #[test]
    #[should_panic(expected = "without a credit")]
    fn the_credits_cannot_be_exceeded() {
        let mut credits = Credits::new(1, 0, 1, 1);
        credits.take(FrameId(1));
        credits.take(FrameId(2));
    }
}
