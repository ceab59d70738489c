//! Where an order most likely stands: what is read ahead of it.

use super::Orders;
use super::entry::{LINE, is_free, is_of, key, key_of};
use core::hint::select_unpredictable;
use stream::{InstrumentId, Price, Side};

impl Orders {
    /// The slot in which an order stands or comes to stand.
    #[inline]
    pub(crate) fn likely(&self, instrument: InstrumentId, id: u64) -> usize {
        self.nursery.slot(instrument, id)
    }

    /// The first slot of a line of the region that will be needed too: where an order `adds`, the
    /// one to which whoever stands in its slot moves; where any other does not stand in its slot,
    /// the one in which it does. Else of the slot's own line.
    #[inline]
    pub(crate) fn likely_line(
        &self,
        slot: usize,
        instrument: InstrumentId,
        id: u64,
        adds: bool,
    ) -> usize {
        let entry = self.entry(slot);
        let key = select_unpredictable(adds, key_of(entry), key(instrument, id));
        let stays = select_unpredictable(adds, is_free(entry), is_of(entry, instrument, id));
        select_unpredictable(stays, slot / LINE * LINE, self.region.home(key))
    }

    /// A word of a slot.
    #[inline]
    pub(crate) fn word(&self, slot: usize) -> u64 {
        self.entry(slot)[1][1]
    }

    /// Price, and whether it bids, of an order that stands in that slot or in that line.
    #[inline]
    pub(crate) fn likely_place(
        &self,
        slot: usize,
        line: usize,
        instrument: InstrumentId,
        id: u64,
    ) -> (Price, bool) {
        let is_young = is_of(self.entry(slot), instrument, id);
        let aged = line + usize::from(is_of(self.entry(line + 1), instrument, id));
        let entry = self.entry(select_unpredictable(is_young, slot, aged));
        let is_bid = entry[1][1] >> 48 == Side::Buy as u64;
        (Price(entry[0][1] as i64), is_bid)
    }
}
