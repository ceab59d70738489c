//! What the gateway knows of one instrument: its position by fills, its brackets, its tape.

use crate::config::PER_INSTRUMENT_MAX;
use stream::{FrameId, Nanos};

/// One instrument. All zero is the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Watch {
    /// Position from all fills, known and orphaned.
    pub(crate) position: i64,
    /// What of it no order of ours made: others' trades.
    pub(crate) others: i64,
    /// `ts` of the newest printed trade.
    pub(crate) last_trade: Nanos,
    /// Slots of its live brackets, in the order in which they came.
    pub(crate) slots: [u16; PER_INSTRUMENT_MAX],
    /// How many.
    pub(crate) count: u8,
    /// Slot + 1 of the flatten under way, 0 for none.
    pub(crate) flatten: u16,
    /// The bracket that filled last: the name that requests go by.
    pub(crate) origin: FrameId,
    /// Since when the position and its protection differ; zero while they agree.
    pub(crate) unprotected: Nanos,
    /// A correction (replacement or new quantity) was tried since then.
    pub(crate) corrected: bool,
    /// No request before this.
    pub(crate) request_at: Nanos,
    /// Requests since the position was last flat or protected.
    pub(crate) requests: u8,
    /// Something is not explained (an orphan fill, more filled than ordered, a reported execution
    /// that never came): no entries until a person has looked and arms.
    pub(crate) frozen: bool,
}

impl Watch {
    pub(crate) fn slots(&self) -> &[u16] {
        &self.slots[..usize::from(self.count)]
    }

    pub(crate) fn add(&mut self, slot: u16) {
        self.slots[usize::from(self.count)] = slot;
        self.count += 1;
    }

    pub(crate) fn remove(&mut self, slot: u16) {
        let count = usize::from(self.count);
        if let Some(at) = self.slots().iter().position(|&s| s == slot) {
            self.slots.copy_within(at + 1..count, at);
            self.count -= 1;
            self.slots[usize::from(self.count)] = 0;
        }
        if self.flatten == slot + 1 {
            self.flatten = 0;
        }
    }

    /// What of the position is ours to protect: what our orders made of it, as far as it is still
    /// there. What others added is theirs.
    pub(crate) fn own(&self) -> i64 {
        stream::own_position(self.position, self.others)
    }

    /// A person has looked: entries may come again, and what is held is ours and others' from now
    /// on; what one closed of the other is forgotten.
    pub(crate) fn thaw(&mut self) {
        self.others = self.position.saturating_sub(self.own());
        self.frozen = false;
    }

    /// Room for one more bracket; the last place is kept for a flatten.
    pub(crate) fn has_room(&self, flatten: bool) -> bool {
        usize::from(self.count) + usize::from(!flatten) < PER_INSTRUMENT_MAX
    }

    /// The position and its protection agree, or there is nothing to protect.
    pub(crate) fn agree(&mut self) {
        self.unprotected = Nanos::ZERO;
        self.corrected = false;
        self.request_at = Nanos::ZERO;
        self.requests = 0;
    }

    pub(crate) fn is_blank(&self) -> bool {
        *self == Self::default()
    }
}
