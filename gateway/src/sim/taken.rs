//! What we took from displayed levels, so that the same shares are not taken twice.
//!
//! Recorded market data does not know of our trades: a level that we emptied is still shown.
//! What we took stays off it until it leaves there too: quantity that leaves a level is first
//! counted as what we took, new quantity is free.

use stream::{InstrumentId, Price, Side};

#[derive(Clone, Copy, Debug)]
struct Taken {
    instrument: InstrumentId,
    side: Side,
    price: Price,
    qty: u64,
}

/// A bounded table; when it is full, further levels count as empty.
#[derive(Debug)]
pub(crate) struct TakenTable {
    entries: Vec<Taken>,
    max: usize,
}

impl TakenTable {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            entries: Vec::with_capacity(max),
            max,
        }
    }

    fn find(&self, instrument: InstrumentId, side: Side, price: Price) -> Option<usize> {
        self.entries
            .iter()
            .position(|e| e.instrument == instrument && e.side == side && e.price == price)
    }

    /// What we took there, or `None` where we took nothing.
    pub(crate) fn get(&self, instrument: InstrumentId, side: Side, price: Price) -> Option<u64> {
        self.find(instrument, side, price)
            .map(|at| self.entries[at].qty)
    }

    /// Takes; false when there is no room to remember it.
    pub(crate) fn take(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Price,
        qty: u64,
    ) -> bool {
        if let Some(at) = self.find(instrument, side, price) {
            self.entries[at].qty += qty;
        } else if self.entries.len() < self.max {
            self.entries.push(Taken {
                instrument,
                side,
                price,
                qty,
            });
        } else {
            return false;
        }
        true
    }

    /// Quantity left a level.
    pub(crate) fn left(&mut self, instrument: InstrumentId, side: Side, price: Price, qty: u64) {
        if let Some(at) = self.find(instrument, side, price) {
            let entry = &mut self.entries[at];
            entry.qty = entry.qty.saturating_sub(qty);
            if entry.qty == 0 {
                self.entries.swap_remove(at);
            }
        }
    }

    /// The book was emptied.
    pub(crate) fn reset(&mut self, instrument: InstrumentId) {
        self.entries.retain(|entry| entry.instrument != instrument);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_is_first_what_we_took() {
        let mut table = TakenTable::new(1);
        let (one, price) = (InstrumentId(1), Price(100));
        assert!(table.take(one, Side::Sell, price, 300));
        table.left(one, Side::Sell, price, 100);
        assert_eq!(table.get(one, Side::Sell, price), Some(200));
        assert!(!table.take(one, Side::Sell, Price(101), 1), "no room");
        table.left(one, Side::Sell, price, 500);
        assert!(table.is_empty());
    }
}
