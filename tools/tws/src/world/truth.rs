//! What really happened, kept by the broker for itself: tests compare with it what clients
//! believe.

use serde::Serialize;

/// The log. Amounts are decimals in text, so that nothing is rounded.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Truth {
    /// The most depth slots that were in use at a time.
    pub depth_slots_max: usize,
}

impl Truth {
    pub(super) fn depth_slots(&mut self, used: usize) {
        self.depth_slots_max = self.depth_slots_max.max(used);
    }
}
