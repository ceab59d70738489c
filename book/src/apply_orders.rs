//! Orders by id: add, modify, delete, execute.

use crate::books::{Books, is_alive};
use crate::effect::Effect;
use crate::orders::Order;
use crate::rows::side_index;
use stream::payload::{Add, Delete, Execute, FaultCode, Modify, flags};
use stream::{FrameRef, InstrumentId, Price, Side, SourceId};

/// A price that is an order's: above 0 and not a format's "undefined".
#[inline]
pub(crate) const fn is_price(price: Price) -> bool {
    // One comparison: prices below 1 are the highest words.
    (price.0 as u64).wrapping_sub(1) < i64::MAX as u64 - 1
}

/// Where a frame takes quantity from when no order of its id is known.
struct Place {
    side: Side,
    price: Price,
    qty: u32,
    traded: bool,
}

/// What was taken, and from which order.
#[derive(Clone, Copy)]
struct Taken {
    side: Side,
    price: Price,
    priority: u64,
    qty: u32,
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
        if add.qty == 0 || add.side == Side::None || !is_price(add.price) {
            return Some(FaultCode::BadValue);
        }
        let book = &mut self.books[index];
        book.laddered = true;
        let mut fault = None;
        if add.order_id > book.order_id_max {
            book.order_id_max = add.order_id;
        } else if let Some((_, known)) = self.orders.look(instrument, add.order_id, book.emptied) {
            fault = match self.replace_known(index, &known, add, effect) {
                Ok(fault) => fault,
                Err(repeated) => return Some(repeated),
            };
        }
        let books = &self.books;
        if !self.orders.admit(|order| !is_alive(books, order)) {
            self.books[index].gap(add.source);
            return Some(FaultCode::TableFull);
        }
        let book = &mut self.books[index];
        let arrivals = book.arrivals;
        let order = Order {
            id: add.order_id,
            price: add.price,
            priority: arrivals + 1,
            qty: add.qty,
            instrument,
            side: add.side,
        };
        self.orders.insert(&order);
        book.arrivals = order.priority;
        let ladder = &mut book.ladders[side_index(order.side)];
        let qty = u64::from(order.qty);
        let joined = ladder.join(order.price, arrivals, qty, order.id);
        if joined.stands {
            effect(Effect::Added {
                side: order.side,
                price: order.price,
                qty,
                priority: order.priority,
            });
        }
        if joined.lost {
            fault = Some(self.lost(index, add.source));
        }
        fault
    }

    /// An order comes under the id of one that is known: that one leaves. What is to be said of it,
    /// as an error where the known one is to stay.
    #[cold]
    #[inline(never)]
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
        if let Some(taken) = self.take(known.instrument, index, known.id, None, add.source) {
            effect(reduced(&taken, false));
        }
        Ok(fault)
    }

    /// There was no room for a level: it and its orders are gone.
    #[cold]
    pub(crate) fn lost(&mut self, index: usize, source: SourceId) -> FaultCode {
        self.books[index].gap(source);
        self.orders.some_died();
        FaultCode::TableFull
    }

    /// Takes `want` (all where `None`) from an order, at most what is left of it. `None` when no
    /// such order lives.
    #[inline(always)]
    fn take(
        &mut self,
        instrument: InstrumentId,
        index: usize,
        order_id: u64,
        want: Option<u32>,
        source: SourceId,
    ) -> Option<Taken> {
        let since = self.books[index].emptied;
        let (slot, order) = self.orders.look(instrument, order_id, since)?;
        let qty = want.map_or(order.qty, |want| want.min(order.qty));
        let book = &mut self.books[index];
        let ladder = &mut book.ladders[side_index(order.side)];
        let left = order.qty - qty;
        let mark = order.priority ^ u64::from(left) << 32;
        let Some(lost) = ladder.take(order.price, order.priority, u64::from(qty), mark) else {
            self.orders.leave(slot, 0);
            return None;
        };
        self.orders.leave(slot, left);
        if lost {
            let code = self.lost(index, source);
            self.books[index].fault(code);
        }
        Some(Taken {
            side: order.side,
            price: order.price,
            priority: order.priority,
            qty,
        })
    }

    /// Takes quantity from a level's anonymous residue: the order was never seen. A fault when
    /// the residue does not account for it.
    #[cold]
    fn take_anonymous(
        &mut self,
        index: usize,
        place: &Place,
        source: SourceId,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let Place { side, price, .. } = *place;
        let want = u64::from(place.qty);
        let book = &mut self.books[index];
        if side == Side::None || !is_price(price) || want == 0 {
            book.gap(source);
            return Some(FaultCode::UnknownOrder);
        }
        let ladder = &mut book.ladders[side_index(side)];
        let (taken, lost) = ladder.take_anonymous(price, want);
        if taken > 0 {
            effect(Effect::Reduced {
                side,
                price,
                qty: taken,
                priority: 0,
                traded: place.traded,
            });
        }
        if taken < want {
            self.books[index].gap(source);
            return Some(FaultCode::UnknownOrder);
        }
        lost.then(|| self.lost(index, source))
    }

    #[inline]
    pub(crate) fn modify(
        &mut self,
        instrument: InstrumentId,
        index: usize,
        modify: &Modify,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        if modify.flags & flags::REDUCE != 0 {
            return self.reduce(instrument, index, modify, effect);
        }
        if modify.qty > 0 && !is_price(modify.price) {
            return Some(FaultCode::BadValue);
        }
        let Some(order) = self.alive(instrument, index, modify.order_id) else {
            self.books[index].gap(modify.source);
            return Some(FaultCode::UnknownOrder);
        };
        let keeps = modify.new_order_id == modify.order_id
            && modify.price == order.price
            && modify.qty <= order.qty;
        let want = if keeps {
            Some(order.qty - modify.qty)
        } else {
            None
        };
        if want != Some(0) {
            let id = modify.order_id;
            let taken = self.take(instrument, index, id, want, modify.source);
            let taken = taken.expect("the order was alive a moment ago");
            effect(reduced(&taken, false));
        }
        let fault = self.check(index, order.side, modify.side, None, modify.source);
        if keeps || modify.qty == 0 {
            return fault;
        }
        let new = Add {
            order_id: modify.new_order_id,
            price: modify.price,
            qty: modify.qty,
            side: order.side,
            flags: 0,
            source: modify.source,
            venue_ts: Default::default(),
        };
        self.add(instrument, index, &new, effect).or(fault)
    }

    fn reduce(
        &mut self,
        instrument: InstrumentId,
        index: usize,
        modify: &Modify,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        if modify.qty == 0 {
            return Some(FaultCode::BadValue);
        }
        let (id, source) = (modify.order_id, modify.source);
        let Some(taken) = self.take(instrument, index, id, Some(modify.qty), source) else {
            let place = Place {
                side: modify.side,
                price: modify.price,
                qty: modify.qty,
                traded: false,
            };
            return self.take_anonymous(index, &place, source, effect);
        };
        effect(reduced(&taken, false));
        let least = Some((modify.qty, taken.qty));
        self.check(index, taken.side, modify.side, least, source)
    }

    #[inline(always)]
    pub(crate) fn delete(
        &mut self,
        instrument: InstrumentId,
        index: usize,
        delete: &Delete,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let source = delete.source;
        let Some(taken) = self.take(instrument, index, delete.order_id, None, source) else {
            let place = Place {
                side: delete.side,
                price: delete.price,
                qty: delete.qty,
                traded: false,
            };
            return self.take_anonymous(index, &place, source, effect);
        };
        effect(reduced(&taken, false));
        let said = (delete.qty != 0).then_some((delete.qty, taken.qty));
        if delete.price.0 != 0 && delete.price != taken.price {
            self.books[index].gap(source);
            return Some(FaultCode::BadValue);
        }
        self.check(index, taken.side, delete.side, said, source)
    }

    #[inline(always)]
    pub(crate) fn execute(
        &mut self,
        frame: FrameRef<'_>,
        index: usize,
        execute: &Execute,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let priced = execute.price.0 == 0 || is_price(execute.price);
        let hidden = execute.flags & flags::HIDDEN != 0;
        if execute.qty == 0 || !priced || (hidden && execute.price.0 == 0) {
            return Some(FaultCode::BadValue);
        }
        let (mut side, mut price, mut fault) = (execute.side, execute.price, None);
        if !hidden {
            let (id, source) = (execute.order_id, execute.source);
            match self.take(frame.instrument(), index, id, Some(execute.qty), source) {
                Some(taken) => {
                    effect(reduced(&taken, true));
                    let said = Some((execute.qty, taken.qty));
                    fault = self.check(index, taken.side, side, said, source);
                    side = taken.side;
                    if price.0 == 0 {
                        price = taken.price;
                    }
                }
                None => {
                    let place = Place {
                        side,
                        price,
                        qty: execute.qty,
                        traded: true,
                    };
                    fault = self.take_anonymous(index, &place, source, effect);
                }
            }
        }
        if price.0 == 0 {
            return fault;
        }
        let printed = execute.flags & flags::NON_PRINTABLE == 0;
        let qty = u64::from(execute.qty);
        self.print(
            frame.ts(),
            index,
            (price, qty, side.opposite()),
            printed,
            effect,
        );
        fault
    }

    /// Compares what a frame says of an order with the order: its side, and quantities that must be
    /// equal. A contradiction proves that the book is wrong.
    #[inline(always)]
    fn check(
        &mut self,
        index: usize,
        known: Side,
        side: Side,
        said: Option<(u32, u32)>,
        source: SourceId,
    ) -> Option<FaultCode> {
        let sides_agree = side == Side::None || side == known;
        if sides_agree && said.is_none_or(|(said, known)| said == known) {
            return None;
        }
        self.books[index].gap(source);
        Some(FaultCode::BadValue)
    }

    fn alive(&self, instrument: InstrumentId, index: usize, order_id: u64) -> Option<Order> {
        let since = self.books[index].emptied;
        let (_, order) = self.orders.look(instrument, order_id, since)?;
        is_alive(&self.books, &order).then_some(order)
    }
}

#[inline]
fn reduced(taken: &Taken, traded: bool) -> Effect {
    Effect::Reduced {
        side: taken.side,
        price: taken.price,
        qty: u64::from(taken.qty),
        priority: taken.priority,
        traded,
    }
}
