//! What order events do to one book.

use crate::apply_levels::print;
use crate::apply_orders::is_price;
use crate::book::Book;
use crate::effect::Effect;
use crate::orders::entry::{set_free, set_qty, unpack};
use crate::orders::{Order, Orders};
use crate::rows::side_index;
use stream::payload::{Add, Delete, Execute, FaultCode, Modify, flags};
use stream::{InstrumentId, Nanos, Price, Side, SourceId};

/// One book, the table in which its orders stand, and whose frame it is.
pub(crate) struct Desk<'a> {
    pub(crate) book: &'a mut Book,
    pub(crate) orders: &'a mut Orders,
    pub(crate) instrument: InstrumentId,
    pub(crate) source: SourceId,
}

/// Where a frame takes quantity from when no order of its id is known.
struct Place {
    side: Side,
    price: Price,
    qty: u32,
    traded: bool,
}

/// An order's id is not known to be new, or the table must make ready for it.
pub(crate) struct NotReady;

/// What was taken, and from which order.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) side: Side,
    price: Price,
    priority: u64,
    qty: u32,
}

/// What is taken from an order, and what of it is left.
struct Share {
    qty: u32,
    left: u32,
    /// Whether levels were lost as the best moved; `None` where the order had died with its level.
    lost: Option<bool>,
}

impl Share {
    /// Takes from an order's level `want` (all where `None`), at most what is left of the order.
    #[inline(always)]
    fn of(book: &mut Book, order: &Order, want: Option<u32>) -> Self {
        let qty = want.map_or(order.qty, |want| want.min(order.qty));
        let left = order.qty - qty;
        let ladder = &mut book.ladders[side_index(order.side)];
        let mark = order.priority ^ u64::from(left) << 32;
        let lost = ladder.take(order.price, order.priority, u64::from(qty), mark);
        let left = if lost.is_some() { left } else { 0 };
        Self { qty, left, lost }
    }
}

impl Desk<'_> {
    /// Itself, for whoever wants one of his own.
    #[inline(always)]
    pub(crate) fn again(&mut self) -> Desk<'_> {
        Desk {
            book: self.book,
            orders: self.orders,
            instrument: self.instrument,
            source: self.source,
        }
    }

    /// An order comes, if its id is known to be new and nothing is to be done beside.
    #[inline(always)]
    pub(crate) fn add(
        &mut self,
        add: &Add,
        effect: &mut impl FnMut(Effect),
    ) -> Result<Option<FaultCode>, NotReady> {
        if add.qty == 0 || add.side == Side::None || !is_price(add.price) {
            return Ok(Some(FaultCode::BadValue));
        }
        self.book.laddered = true;
        if add.order_id <= self.book.order_id_max || !self.orders.take_turn() {
            return Err(NotReady);
        }
        self.book.order_id_max = add.order_id;
        Ok(self.join(add, effect))
    }

    /// An order that may come joins the back of its level.
    #[inline(always)]
    pub(crate) fn join(&mut self, add: &Add, effect: &mut impl FnMut(Effect)) -> Option<FaultCode> {
        let book = &mut *self.book;
        let arrivals = book.arrivals;
        let order = Order {
            id: add.order_id,
            price: add.price,
            priority: arrivals + 1,
            qty: add.qty,
            instrument: self.instrument,
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
        joined.lost.then(|| self.again().lost())
    }

    /// There was no room for a level: it and its orders are gone.
    #[cold]
    #[inline(never)]
    pub(crate) fn lost(self) -> FaultCode {
        self.book.gap(self.source);
        self.orders.some_died();
        FaultCode::TableFull
    }

    /// Takes `want` (all where `None`) from an order, at most what is left of it. `None` when no
    /// such order lives.
    #[inline(always)]
    pub(crate) fn take(&mut self, order_id: u64, want: Option<u32>) -> Option<Taken> {
        let since = self.book.emptied;
        let Some(entry) = self.orders.young(self.instrument, order_id, since) else {
            return self.again().take_aged(order_id, want);
        };
        let order = unpack(entry);
        let share = Share::of(self.book, &order, want);
        if share.left > 0 {
            set_qty(entry, share.left);
        } else {
            set_free(entry);
            self.orders.one_left();
        }
        self.taken(&order, &share)
    }

    /// As [`Desk::take`], from an order that does not stand in the nursery.
    #[inline(never)]
    fn take_aged(mut self, order_id: u64, want: Option<u32>) -> Option<Taken> {
        let since = self.book.emptied;
        let (slot, order) = self.orders.aged(self.instrument, order_id, since)?;
        let share = Share::of(self.book, &order, want);
        self.orders.leave(slot, share.left);
        self.taken(&order, &share)
    }

    #[inline(always)]
    fn taken(&mut self, order: &Order, share: &Share) -> Option<Taken> {
        if share.lost? {
            let code = self.again().lost();
            self.book.fault(code);
        }
        Some(Taken {
            side: order.side,
            price: order.price,
            priority: order.priority,
            qty: share.qty,
        })
    }

    /// Takes quantity from a level's anonymous residue: the order was never seen. A fault when
    /// the residue does not account for it.
    #[inline(never)]
    fn take_anonymous(self, place: &Place, effect: &mut impl FnMut(Effect)) -> Option<FaultCode> {
        let Place { side, price, .. } = *place;
        let want = u64::from(place.qty);
        if side == Side::None || !is_price(price) || want == 0 {
            self.book.gap(self.source);
            return Some(FaultCode::UnknownOrder);
        }
        let ladder = &mut self.book.ladders[side_index(side)];
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
            self.book.gap(self.source);
            return Some(FaultCode::UnknownOrder);
        }
        lost.then(|| self.lost())
    }

    #[inline(never)]
    pub(crate) fn reduce(
        mut self,
        modify: &Modify,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        if modify.qty == 0 {
            return Some(FaultCode::BadValue);
        }
        let Some(taken) = self.take(modify.order_id, Some(modify.qty)) else {
            let place = Place {
                side: modify.side,
                price: modify.price,
                qty: modify.qty,
                traded: false,
            };
            return self.again().take_anonymous(&place, effect);
        };
        effect(reduced(&taken, false));
        self.check(taken.side, modify.side, taken.qty == modify.qty)
    }

    #[inline(always)]
    pub(crate) fn delete(
        &mut self,
        delete: &Delete,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let Some(taken) = self.take(delete.order_id, None) else {
            let place = Place {
                side: delete.side,
                price: delete.price,
                qty: delete.qty,
                traded: false,
            };
            return self.again().take_anonymous(&place, effect);
        };
        effect(reduced(&taken, false));
        let agrees = (delete.price == taken.price || delete.price == Price::ZERO)
            && (delete.qty == taken.qty || delete.qty == 0);
        self.check(taken.side, delete.side, agrees)
    }

    #[inline(always)]
    pub(crate) fn execute(
        &mut self,
        ts: Nanos,
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
            match self.take(execute.order_id, Some(execute.qty)) {
                Some(taken) => {
                    effect(reduced(&taken, true));
                    fault = self.check(taken.side, side, taken.qty == execute.qty);
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
                    fault = self.again().take_anonymous(&place, effect);
                }
            }
        }
        if price.0 == 0 {
            return fault;
        }
        let printed = execute.flags & flags::NON_PRINTABLE == 0;
        let qty = u64::from(execute.qty);
        let trade = (price, qty, side.opposite());
        print(self.book, ts, trade, printed, effect);
        fault
    }

    /// Compares what a frame says of an order with the order: its side, and whether all else
    /// `agrees`. A contradiction proves that the book is wrong.
    #[inline(always)]
    pub(crate) fn check(&mut self, known: Side, side: Side, agrees: bool) -> Option<FaultCode> {
        if agrees && (side == known || side == Side::None) {
            return None;
        }
        Some(self.again().contradicted())
    }

    #[cold]
    #[inline(never)]
    fn contradicted(self) -> FaultCode {
        self.book.gap(self.source);
        FaultCode::BadValue
    }
}

#[inline]
pub(crate) fn reduced(taken: &Taken, traded: bool) -> Effect {
    Effect::Reduced {
        side: taken.side,
        price: taken.price,
        qty: u64::from(taken.qty),
        priority: taken.priority,
        traded,
    }
}
