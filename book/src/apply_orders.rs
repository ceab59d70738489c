//! Orders by id: additions, and changes of one order into another.

use crate::books::{Books, is_alive};
use crate::desk::{Desk, NotReady, reduced};
use crate::effect::Effect;
use crate::orders::Order;
use stream::payload::{Add, FaultCode, Modify, flags};
use stream::{InstrumentId, Price, SourceId};

/// A price that is an order's: above 0 and not a format's "undefined".
#[inline]
pub(crate) const fn is_price(price: Price) -> bool {
    // One comparison: prices below 1 are the highest words.
    (price.0 as u64).wrapping_sub(1) < i64::MAX as u64 - 1
}

impl Books {
    #[inline(always)]
    pub(crate) fn add(
        &mut self,
        instrument: InstrumentId,
        index: usize,
        add: &Add,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let mut desk = self.desk(instrument, index, add.source);
        match desk.add(add, effect) {
            Ok(fault) => fault,
            Err(NotReady) => self.add_rarer(instrument, index, add, effect),
        }
    }

    /// An order comes whose id is not known to be new, or for which the table must make ready.
    #[inline(never)]
    pub(crate) fn add_rarer(
        &mut self,
        instrument: InstrumentId,
        index: usize,
        add: &Add,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        match self.make_way(instrument, index, add, effect) {
            Ok(fault) => {
                let mut desk = self.desk(instrument, index, add.source);
                desk.join(add, effect).or(fault)
            }
            Err(refused) => Some(refused),
        }
    }

    #[inline(always)]
    pub(crate) fn desk(
        &mut self,
        instrument: InstrumentId,
        index: usize,
        source: SourceId,
    ) -> Desk<'_> {
        Desk {
            book: &mut self.books[index],
            orders: &mut self.orders,
            instrument,
            source,
        }
    }

    /// One that is known by a newcomer's id leaves, and the table makes ready. What is to be said
    /// of it, as an error where the newcomer cannot come.
    fn make_way(
        &mut self,
        instrument: InstrumentId,
        index: usize,
        add: &Add,
        effect: &mut impl FnMut(Effect),
    ) -> Result<Option<FaultCode>, FaultCode> {
        let book = &mut self.books[index];
        let mut fault = None;
        if add.order_id > book.order_id_max {
            book.order_id_max = add.order_id;
        } else if let Some((_, known)) = self.orders.look(instrument, add.order_id, book.emptied) {
            fault = self.replace_known(index, &known, add, effect)?;
        }
        let books = &self.books;
        if !self.orders.admit(|order| !is_alive(books, order)) {
            self.books[index].gap(add.source);
            return Err(FaultCode::TableFull);
        }
        Ok(fault)
    }

    /// An order comes under the id of one that is known: that one leaves. What is to be said of it,
    /// as an error where the known one is to stay.
    fn replace_known(
        &mut self,
        index: usize,
        known: &Order,
        add: &Add,
        effect: &mut impl FnMut(Effect),
    ) -> Result<Option<FaultCode>, FaultCode> {
        let mut fault = None;
        let same = (known.price, known.qty, known.side) == (add.price, add.qty, add.side);
        if is_alive(&self.books, known) {
            fault = Some(FaultCode::DuplicateOrder);
            if same && add.flags & flags::SNAPSHOT != 0 {
                return Err(FaultCode::DuplicateOrder);
            }
            self.books[index].gap(add.source);
        }
        let mut desk = self.desk(known.instrument, index, add.source);
        if let Some(taken) = desk.take(known.id, None) {
            effect(reduced(&taken, false));
        }
        Ok(fault)
    }

    #[inline]
    pub(crate) fn modify(
        &mut self,
        instrument: InstrumentId,
        index: usize,
        modify: &Modify,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let desk = self.desk(instrument, index, modify.source);
        if modify.flags & flags::REDUCE != 0 {
            return desk.reduce(modify, effect);
        }
        if modify.qty > 0 && !is_price(modify.price) {
            return Some(FaultCode::BadValue);
        }
        if modify.new_order_id != modify.order_id {
            return self.replace(instrument, index, modify, effect);
        }
        let Some(order) = self.alive(instrument, index, modify.order_id) else {
            self.books[index].gap(modify.source);
            return Some(FaultCode::UnknownOrder);
        };
        if modify.price != order.price || modify.qty > order.qty {
            return self.replace(instrument, index, modify, effect);
        }
        let mut desk = self.desk(instrument, index, modify.source);
        let less = order.qty - modify.qty;
        if less > 0 {
            let taken = desk.take(modify.order_id, Some(less));
            let taken = taken.expect("the order was alive a moment ago");
            effect(reduced(&taken, false));
        }
        desk.check(order.side, modify.side, true)
    }

    /// An order leaves, and another comes on its side, at the end of a queue.
    fn replace(
        &mut self,
        instrument: InstrumentId,
        index: usize,
        modify: &Modify,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let mut desk = self.desk(instrument, index, modify.source);
        let Some(taken) = desk.take(modify.order_id, None) else {
            desk.book.gap(modify.source);
            return Some(FaultCode::UnknownOrder);
        };
        effect(reduced(&taken, false));
        let fault = desk.check(taken.side, modify.side, true);
        if modify.qty == 0 {
            return fault;
        }
        let new = Add {
            order_id: modify.new_order_id,
            price: modify.price,
            qty: modify.qty,
            side: taken.side,
            flags: 0,
            source: modify.source,
            venue_ts: Default::default(),
        };
        self.add(instrument, index, &new, effect).or(fault)
    }

    fn alive(&self, instrument: InstrumentId, index: usize, order_id: u64) -> Option<Order> {
        let since = self.books[index].emptied;
        let (_, order) = self.orders.look(instrument, order_id, since)?;
        is_alive(&self.books, &order).then_some(order)
    }
}
