//! What stands in the table: entries of 32 bytes, two to a cache line.

use super::Order;
use stream::{InstrumentId, Price, Side};

/// Half an entry. Plain zeros, so that the system hands out untouched pages.
pub(crate) type Half = [u64; 2];
/// An entry: id and price; priority and `qty | instrument << 32 | side << 48`. A free slot is zero
/// in the last word, which no order is.
pub(crate) type Entry = [Half; 2];

pub(super) const FREE: Entry = [[0; 2]; 2];
/// Entries in a cache line.
pub(super) const LINE: usize = 2;

/// Makes a slot free. What else stands in it is nobody's.
#[inline]
pub(crate) const fn set_free(entry: &mut Entry) {
    entry[1][1] = 0;
}

#[inline]
const fn place_word(instrument: InstrumentId, side: Side) -> u64 {
    (instrument.0 as u64) << 32 | (side as u64) << 48
}

#[inline]
pub(super) const fn priority_of(entry: &Entry) -> u64 {
    entry[1][0]
}

#[inline]
pub(super) const fn pack(order: &Order) -> Entry {
    let last = order.qty as u64 | place_word(order.instrument, order.side);
    [[order.id, order.price.0 as u64], [order.priority, last]]
}

#[inline]
pub(super) const fn is_free(entry: &Entry) -> bool {
    entry[1][1] == 0
}

/// True for a line without room.
#[inline]
pub(super) const fn is_full(pair: &[Entry; LINE]) -> bool {
    !is_free(&pair[0]) & !is_free(&pair[1])
}

#[inline]
pub(super) const fn instrument_of(entry: &Entry) -> InstrumentId {
    InstrumentId((entry[1][1] >> 32) as u16)
}

/// What an order's home follows from.
#[inline]
pub(super) const fn key(instrument: InstrumentId, id: u64) -> u64 {
    id ^ (instrument.0 as u64) << 48
}

#[inline]
pub(super) const fn key_of(entry: &Entry) -> u64 {
    key(instrument_of(entry), entry[0][0])
}

/// True for an order's entry; instruments are counted from 1, so that a free one is nobody's.
#[inline]
pub(super) const fn is_of(entry: &Entry, instrument: InstrumentId, id: u64) -> bool {
    entry[0][0] == id && instrument_of(entry).0 == instrument.0
}

#[inline]
pub(crate) const fn unpack(entry: &Entry) -> Order {
    let last = entry[1][1];
    Order {
        id: entry[0][0],
        price: Price(entry[0][1] as i64),
        priority: entry[1][0],
        qty: last as u32,
        instrument: instrument_of(entry),
        side: if last >> 48 & Side::Buy as u64 != 0 {
            Side::Buy
        } else {
            Side::Sell
        },
    }
}

/// Sets an order's quantity, at least 1.
#[inline]
pub(crate) const fn set_qty(entry: &mut Entry, qty: u32) {
    entry[1][1] = entry[1][1] >> 32 << 32 | qty as u64;
}
