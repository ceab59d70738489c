//! Depth slots that wait for their time.

use stream::{InstrumentId, Nanos};

/// Requests that fit without growing.
const WAITING: usize = 256;

#[derive(Clone, Debug)]
pub(super) struct Slots {
    /// Latest first; of one time, the last asked for first.
    waiting: Vec<(Nanos, InstrumentId, bool)>,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            waiting: Vec::with_capacity(WAITING),
        }
    }

    /// A slot begins (`subscribe`) or ends at `due`. Of one time, they happen as asked for.
    pub(super) fn ask(&mut self, due: Nanos, instrument: InstrumentId, subscribe: bool) {
        let at = self.waiting.partition_point(|waiting| waiting.0 > due);
        self.waiting.insert(at, (due, instrument, subscribe));
    }

    /// When the next one falls due; `Nanos::MAX` when none waits.
    pub(super) fn due(&self) -> Nanos {
        self.waiting.last().map_or(Nanos::MAX, |waiting| waiting.0)
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.waiting.capacity()
    }

    /// The next one.
    ///
    /// # Panics
    /// When none waits.
    pub(super) fn take(&mut self) -> (InstrumentId, bool) {
        let (_, instrument, subscribe) = self.waiting.pop().expect("a slot waits");
        (instrument, subscribe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_back_by_time_and_then_as_asked() {
        let mut slots = Slots::new();
        for (due, id) in [(5, 1), (3, 2), (5, 3), (9, 4), (3, 5)] {
            slots.ask(Nanos(due), InstrumentId(id), id % 2 == 0);
        }
        let mut order = Vec::new();
        while slots.due() < Nanos::MAX {
            let due = slots.due().0;
            let (id, subscribe) = slots.take();
            assert_eq!(subscribe, id.0 % 2 == 0);
            order.push((due, id.0));
        }
        assert_eq!(order, [(3, 2), (3, 5), (5, 1), (5, 3), (9, 4)]);
    }
}
