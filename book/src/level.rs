//! One price level, and the hash of what stands in it.

use stream::{Price, Side};

/// The most that one `Level` or quote may claim to stand at a price: room for all orders beside.
pub(crate) const LEVEL_QTY_MAX: u64 = 1 << 61;

/// A price level: orders known by id, and an anonymous residue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// Quantity of the orders known by id.
    pub(crate) ordered: u64,
    /// Quantity without order ids.
    pub(crate) anonymous: u64,
    /// Sum of [`order_hash`] of its orders and [`anonymous_hash`] of its residue.
    pub(crate) hash: u64,
    /// The book's arrivals when its known orders began: an order that arrived at or before this is
    /// forgotten, even where its entry still stands in the order table.
    pub(crate) born: u64,
}

impl Level {
    pub(crate) const EMPTY: Self = Self {
        ordered: 0,
        anonymous: 0,
        hash: 0,
        born: 0,
    };

    pub(crate) const fn total(&self) -> u64 {
        self.ordered + self.anonymous
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// True when the order that arrived as number `priority` still stands here.
    pub(crate) const fn holds(&self, priority: u64) -> bool {
        self.ordered > 0 && priority > self.born
    }

    /// An order joins; `share` is its [`order_hash`]. Tells what that adds to the hash.
    #[inline]
    pub(crate) fn join(&mut self, qty: u64, share: u64) -> u64 {
        let hash = share.wrapping_mul(qty);
        self.ordered += qty;
        self.hash = self.hash.wrapping_add(hash);
        hash
    }

    /// Takes quantity from the order that arrived as number `priority`; tells what that takes from
    /// the hash, or `None` when it does not stand here any more.
    #[inline]
    pub(crate) fn take(&mut self, priority: u64, qty: u64, share: u64) -> Option<u64> {
        if !self.holds(priority) {
            return None;
        }
        let hash = share.wrapping_mul(qty);
        self.ordered -= qty;
        self.hash = self.hash.wrapping_sub(hash);
        Some(hash)
    }

    /// Takes at most so much from the residue; tells how much it was.
    pub(crate) fn take_anonymous(&mut self, side: Side, price: Price, want: u64) -> u64 {
        let taken = self.anonymous.min(want);
        let hash = anonymous_hash(side, price).wrapping_mul(taken);
        self.anonymous -= taken;
        self.hash = self.hash.wrapping_sub(hash);
        taken
    }

    /// Takes a new whole: known orders are forgotten. True when there were any.
    pub(crate) fn replace(&mut self, side: Side, price: Price, qty: u64, arrivals: u64) -> bool {
        let forgets = self.ordered > 0;
        *self = Self {
            ordered: 0,
            anonymous: qty,
            hash: anonymous_hash(side, price).wrapping_mul(qty),
            born: arrivals,
        };
        forgets
    }
}

/// What one share of an order adds to its level's hash. Linear in the quantity, so that a
/// reduction needs no knowledge of the rest. One multiplication of 64 by 64 bits folded in half
/// mixes well enough for a hash that nobody attacks, at a third of the instructions of
/// [`stream::hash::mix`].
#[inline]
pub(crate) const fn order_hash(order_id: u64, side: Side, price: Price, priority: u64) -> u64 {
    let place = (price.0 as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ side as u64;
    let order = order_id ^ priority.wrapping_mul(0xA076_1D64_78BD_642F);
    let product = (order ^ place) as u128 * 0xE703_7ED1_A0B4_28DB;
    (product >> 64) as u64 ^ product as u64
}

/// What one anonymous share adds to its level's hash.
#[inline]
pub(crate) const fn anonymous_hash(side: Side, price: Price) -> u64 {
    order_hash(0x9E37_79B9_0000_0000, side, price, 0)
}
