//! The broker's desk: what becomes of a command when it arrives.
//!
//! Codes are IB's: 103 duplicate order id, 104 modify of a finished order, 110 price off the tick,
//! 135 unknown order, 161 and 10148 not cancellable, 200 unknown instrument, 201 rejected, 202
//! cancelled, 434 quantity zero, 10147 order to cancel not found.

use super::order::Order;
use super::report::Reporter;
use super::ties::CANCELLED;
use super::venue::Venue;
use book::Books;
use stream::payload::{Command, CommandOp, LegRole, LegState, OrderType, TimeInForce};
use stream::{FrameId, InstrumentId, Nanos, Price, Side};

/// A command has arrived.
pub(crate) fn arrive(
    venue: &mut Venue,
    books: &Books,
    (id, instrument): (FrameId, InstrumentId),
    command: &Command,
    reporter: &mut Reporter<'_>,
) {
    match command.op {
        CommandOp::Place => place(venue, books, (id, instrument), command, reporter),
        CommandOp::Modify => modify(venue, books, instrument, command, reporter),
        CommandOp::Cancel => cancel(venue, instrument, command, reporter),
    }
}

fn place(
    venue: &mut Venue,
    books: &Books,
    (id, instrument): (FrameId, InstrumentId),
    command: &Command,
    reporter: &mut Reporter<'_>,
) {
    if let Some(slot) = venue.find(command.leg) {
        reporter.status(venue.order(slot), 103);
        return;
    }
    let mut order = Order::new(command, instrument);
    let refused =
        refusal(venue, books, &order, reporter).or_else(|| reporter.is_refused(id).then_some(201));
    if let Some(code) = refused {
        order.state = LegState::Rejected;
        reporter.status(&order, code);
        venue.remember(order);
        return;
    }
    if command.parent_leg.is_none() {
        order.state = LegState::Working;
    } else {
        attach(venue, &mut order);
    }
    let Some(slot) = venue.remember(order) else {
        order.state = LegState::Rejected;
        reporter.status(&order, 201);
        return;
    };
    let code = if order.state == LegState::Cancelled {
        CANCELLED
    } else {
        0
    };
    reporter.status(&order, code);
    if order.state.is_final() {
        return;
    }
    venue.live[instrument.index()].push(slot);
    venue.note_expiry(slot);
    if order.state == LegState::Working {
        work(venue, books, slot, reporter);
    }
}

/// The first match of an order that has just become live.
fn work(venue: &mut Venue, books: &Books, slot: u16, reporter: &mut Reporter<'_>) {
    let order = *venue.order(slot);
    let book = books.book(order.instrument);
    if order.tif == TimeInForce::FillOrKill && !venue.could_fill(book, &order) {
        venue.end(slot, LegState::Cancelled, CANCELLED, reporter);
        return;
    }
    if order.rests() {
        venue.arrive(book, slot, reporter);
        venue.after_fills(books, slot, order.filled, reporter);
    } else {
        venue.work_order(books, slot, reporter);
    }
    let order = venue.order(slot);
    if order.tif == TimeInForce::ImmediateOrCancel && !order.state.is_final() {
        venue.end(slot, LegState::Cancelled, CANCELLED, reporter);
    }
}

/// An attached order waits for its parent, works what the parent has filled, or dies with it.
fn attach(venue: &mut Venue, order: &mut Order) {
    let Some(parent) = venue.find(order.parent) else {
        order.state = LegState::Cancelled;
        return;
    };
    let parent = *venue.order(parent);
    let pair = |o: &&Order| o.oca == order.oca && o.oca != 0;
    let out: u32 = venue.orders.iter().filter(pair).map(|o| o.filled).sum();
    let held = parent.filled.saturating_sub(out).min(order.ordered);
    order.state = if parent.filled == 0 && !parent.state.is_final() {
        LegState::Held
    } else if held > 0 {
        order.total = held;
        LegState::Working
    } else {
        LegState::Cancelled
    };
}

/// Why a new order is refused, if it is.
fn refusal(venue: &Venue, books: &Books, order: &Order, reporter: &Reporter<'_>) -> Option<i32> {
    let Some(holding) = venue.account.holding(order.instrument) else {
        return Some(200);
    };
    if books.get(order.instrument).is_none() || order.side == Side::None {
        return Some(200);
    }
    if order.ordered == 0 {
        return Some(434);
    }
    if !on_tick(order.order_type, order.limit, order.trigger, holding.tick) {
        return Some(110);
    }
    let late = order.tif == TimeInForce::GoodTillDate && order.expire <= reporter.now();
    let closed = venue.close > Nanos::ZERO
        && reporter.now() >= venue.close
        && order.tif != TimeInForce::GoodTillCancelled;
    let full = venue.live[order.instrument.index()].len() >= reporter.config.orders_per_instrument;
    if late || closed || full {
        return Some(201);
    }
    let lacks = order.parent.is_none()
        && (sells_short(venue, order, reporter) || lacks_margin(venue, books, order, reporter));
    lacks.then_some(201)
}

fn on_tick(order_type: OrderType, limit: Price, trigger: Price, tick: Price) -> bool {
    let sound = |price: Price| price > Price::ZERO && price.is_on(tick);
    match order_type {
        OrderType::Limit => sound(limit),
        OrderType::Stop => sound(trigger),
        OrderType::StopLimit => sound(limit) && sound(trigger),
        OrderType::Market => true,
    }
}

/// True when a sale, with all other working sales outside its pair, would go below zero where
/// that is not allowed.
fn sells_short(venue: &Venue, order: &Order, reporter: &Reporter<'_>) -> bool {
    let holding = &venue.account.holdings[order.instrument.index()];
    if order.side != Side::Sell || (holding.shortable && reporter.config.shorts) {
        return false;
    }
    let others: i64 = venue.live[order.instrument.index()]
        .iter()
        .map(|&slot| &venue.orders[usize::from(slot)])
        .filter(|other| other.side == Side::Sell && other.is_live())
        .filter(|other| other.oca == 0 || other.oca != order.oca)
        .map(|other| i64::from(other.remaining()))
        .sum();
    holding.qty - others < i64::from(order.ordered)
}

/// True when the funds do not carry it beside all other orders that open positions.
fn lacks_margin(venue: &Venue, books: &Books, order: &Order, reporter: &Reporter<'_>) -> bool {
    let account = &venue.account;
    let position = account.holdings[order.instrument.index()].qty;
    let closes = position * order.side.sign() < 0 && i64::from(order.ordered) <= position.abs();
    if closes || order.role != LegRole::Entry {
        return false;
    }
    let bound = |o: &Order| {
        let price = match o.order_type {
            OrderType::Market => account.likely(books, o.instrument, o.side),
            OrderType::Stop => o.trigger,
            OrderType::Limit | OrderType::StopLimit => o.limit,
        };
        account.margin_of(reporter.config, o.instrument, (o.remaining(), price))
    };
    let others: i128 = venue
        .live
        .iter()
        .flatten()
        .map(|&slot| &venue.orders[usize::from(slot)])
        .filter(|o| o.role == LegRole::Entry)
        .map(bound)
        .sum();
    let (_, _, available) = account.values(books, reporter.config);
    others + bound(order) > i128::from(available.0)
}

/// What an answer says about an order that the broker does not know.
fn unknown(instrument: InstrumentId, command: &Command, code: i32, reporter: &mut Reporter<'_>) {
    let mut order = Order::new(command, instrument);
    order.state = LegState::Unknown;
    reporter.status(&order, code);
}

fn cancel(
    venue: &mut Venue,
    instrument: InstrumentId,
    command: &Command,
    reporter: &mut Reporter<'_>,
) {
    let Some(slot) = venue.find(command.leg) else {
        unknown(instrument, command, 10_147, reporter);
        return;
    };
    match venue.order(slot).state {
        LegState::Filled => reporter.status(venue.order(slot), 10_148),
        state if state.is_final() => reporter.status(venue.order(slot), 161),
        _ => venue.end(slot, LegState::Cancelled, CANCELLED, reporter),
    }
}

/// A smaller quantity at the same price keeps the place in the queue; anything else loses it.
fn modify(
    venue: &mut Venue,
    books: &Books,
    instrument: InstrumentId,
    command: &Command,
    reporter: &mut Reporter<'_>,
) {
    let Some(slot) = venue.find(command.leg) else {
        unknown(instrument, command, 135, reporter);
        return;
    };
    let tick = venue
        .account
        .holding(instrument)
        .map_or(Price::ZERO, |holding| holding.tick);
    let order = venue.order(slot);
    let sound = on_tick(order.order_type, command.limit, command.trigger, tick);
    let code = match () {
        () if order.state.is_final() => 104,
        () if command.qty == 0 => 434,
        () if !sound => 110,
        () => 0,
    };
    if code != 0 {
        reporter.status(venue.order(slot), code);
        return;
    }
    if command.qty <= order.filled {
        venue.end(slot, LegState::Cancelled, CANCELLED, reporter);
        return;
    }
    let keeps = order.limit == command.limit && command.qty <= order.total;
    order.limit = command.limit;
    order.trigger = command.trigger;
    order.ordered = command.qty;
    order.total = command.qty;
    reporter.status(venue.order(slot), 0);
    if venue.order(slot).is_live() && !keeps {
        work(venue, books, slot, reporter);
    }
}
