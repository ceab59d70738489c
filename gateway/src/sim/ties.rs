//! What ties orders to each other and to time: parents and children, pairs, expiry.

use super::order::{Order, Queue};
use super::report::Reporter;
use super::venue::{Venue, is_sound};
use book::{Book, Books};
use stream::payload::{LegState, TimeInForce};
use stream::{FrameId, InstrumentId, Nanos};

/// A command's `oca` with this bit names a group in which any fill cancels all others, on
/// whatever instrument; without it, the others of one instrument shrink by the fill.
pub const GROUP_CANCELS: u64 = 1 << 63;

/// IB's code for a cancelled order.
pub(crate) const CANCELLED: i32 = 202;

impl Venue {
    /// What follows from an order's fills in this frame: its children live, its pair shrinks, its
    /// parent's rest ends, the account is reported.
    pub(crate) fn after_fills(
        &mut self,
        books: &Books,
        slot: u16,
        before: u32,
        reporter: &mut Reporter<'_>,
    ) {
        let qty = self.order(slot).filled - before;
        if qty == 0 {
            return;
        }
        let order = *self.order(slot);
        if order.state.is_final() {
            self.retire(slot);
        }
        if !order.parent.is_none() {
            self.end_parent(order.parent, reporter);
        }
        if order.oca & GROUP_CANCELS != 0 {
            self.end_group(slot, reporter);
        } else if order.oca != 0 {
            self.shrink_pair(slot, qty, reporter);
        }
        self.feed_children(books, order.leg, qty, reporter);
        reporter.position(&self.account, order.instrument);
        reporter.account(&self.account, books);
    }

    /// An exit that trades ends what its entry still wanted, so that exits never grow again.
    fn end_parent(&mut self, parent: FrameId, reporter: &mut Reporter<'_>) {
        if let Some(parent) = self.find(parent)
            && self.order(parent).is_live()
        {
            self.end(parent, LegState::Cancelled, CANCELLED, reporter);
        }
    }

    /// The other orders of a pair shrink by what one has traded, at once: both cannot fill.
    fn shrink_pair(&mut self, slot: u16, qty: u32, reporter: &mut Reporter<'_>) {
        let order = *self.order(slot);
        let mut index = 0;
        while let Some(&other) = self.live[order.instrument.index()].get(index) {
            index += 1;
            let pair = self.order(other);
            if other == slot || pair.oca != order.oca || !pair.is_live() {
                continue;
            }
            pair.total = pair.total.saturating_sub(qty).max(pair.filled);
            if pair.remaining() == 0 {
                self.end(other, LegState::Cancelled, CANCELLED, reporter);
                index -= 1;
            } else {
                reporter.status(self.order(other), 0);
            }
        }
    }

    /// A fill of one ends all others of its group, on whatever instrument, at once.
    fn end_group(&mut self, slot: u16, reporter: &mut Reporter<'_>) {
        let group = self.order(slot).oca;
        for instrument in 0..self.live.len() {
            let mut index = 0;
            while let Some(&other) = self.live[instrument].get(index) {
                index += 1;
                if other != slot && self.order(other).oca == group {
                    self.end(other, LegState::Cancelled, CANCELLED, reporter);
                    index = 0;
                }
            }
        }
    }

    /// Attached orders work what their entry has filled. Growing, they join the queue's back.
    fn feed_children(
        &mut self,
        books: &Books,
        parent: FrameId,
        qty: u32,
        reporter: &mut Reporter<'_>,
    ) {
        let instrument = self
            .find(parent)
            .map_or(InstrumentId::NONE, |p| self.order(p).instrument);
        for index in 0..self.live[instrument.index()].len() {
            let slot = self.live[instrument.index()][index];
            let child = self.order(slot);
            if child.parent != parent {
                continue;
            }
            if child.state == LegState::Held {
                child.total = 0;
                child.state = LegState::Working;
            }
            child.total = child.total.saturating_add(qty).min(child.ordered);
            self.join(books.book(instrument), slot);
            reporter.status(self.order(slot), 0);
        }
    }

    /// Joins the back of the queue at its limit.
    pub(crate) fn join(&mut self, book: &Book, slot: u16) {
        let order = self.order(slot);
        let level = book.level_qty(order.side, order.limit);
        order.queue = Queue::back_of(level, book.arrivals());
        order.queue.lost = !is_sound(book);
    }

    /// Ends an order; the children of an entry that never filled end with it.
    pub(crate) fn end(
        &mut self,
        slot: u16,
        state: LegState,
        code: i32,
        reporter: &mut Reporter<'_>,
    ) {
        let order = self.order(slot);
        order.state = state;
        let (leg, instrument, filled) = (order.leg, order.instrument, order.filled);
        reporter.status(self.order(slot), code);
        self.retire(slot);
        if filled > 0 {
            return;
        }
        let mut index = 0;
        while let Some(&child) = self.live[instrument.index()].get(index) {
            index += 1;
            if self.order(child).parent == leg {
                self.end(child, LegState::Cancelled, CANCELLED, reporter);
                index = 0;
            }
        }
    }

    fn retire(&mut self, slot: u16) {
        let instrument = self.order(slot).instrument;
        self.live[instrument.index()].retain(|&live| live != slot);
    }

    /// Notes when a live order expires.
    pub(crate) fn note_expiry(&mut self, slot: u16) {
        if let Some(at) = expiry(&self.orders[usize::from(slot)], self.close) {
            self.next_expiry = self.next_expiry.min(at);
        }
    }

    /// Ends what has expired.
    pub(crate) fn expire(&mut self, now: Nanos, reporter: &mut Reporter<'_>) {
        let (mut next, close) = (Nanos::MAX, self.close);
        for instrument in 0..self.live.len() {
            let mut index = 0;
            while let Some(&slot) = self.live[instrument].get(index) {
                index += 1;
                let Some(at) = expiry(self.order(slot), close) else {
                    continue;
                };
                if now >= at {
                    self.end(slot, LegState::Cancelled, CANCELLED, reporter);
                    index = 0;
                } else {
                    next = next.min(at);
                }
            }
        }
        self.next_expiry = next;
    }
}

/// Day orders end at the session's close, where it is known.
fn expiry(order: &Order, close: Nanos) -> Option<Nanos> {
    match order.tif {
        TimeInForce::GoodTillDate => Some(order.expire),
        TimeInForce::Day => (close > Nanos::ZERO).then_some(close),
        TimeInForce::ImmediateOrCancel
        | TimeInForce::FillOrKill
        | TimeInForce::GoodTillCancelled => None,
    }
}
