//! The venue: orders, their queues, and what the market does to them.
//!
//! When an order trades:
//!
//! * on arrival, a limit order that reaches the other side walks its displayed levels, each at the
//!   level's price, less what we took there before; the rest queues at its limit;
//! * a resting order trades at its limit: with the volume that trades at its price once what was
//!   ahead has traded; wholly, when the market prints through its price, or the other side's best
//!   appears through it; with the displayed quantity, when the other side shows up at its price;
//! * a stop triggers when a trade prints at or through its trigger, or the quote that it would
//!   trade with is through it; then it walks the ladder like a market order, at whatever the
//!   levels cost, and waits for more when the ladder is exhausted;
//! * nothing trades while the book is halted, gapped or between two states, and nothing trades
//!   against the quotes of a book that is crossed or empty.
//!
//! One print fills our orders at one price in their order, not each of them anew.

use super::account::Account;
use super::config::Config;
use super::follow::{follow_queue, trip};
use super::order::{Order, Queue};
use super::report::Reporter;
use super::taken::TakenTable;
use book::{Book, Books, Effect};
use stream::payload::{Liquidity, OrderType, quality};
use stream::{FrameId, InstrumentId, Nanos, Price};

/// Levels of which the venue remembers that we took from them.
const TAKEN_MAX: usize = 512;

#[derive(Debug)]
pub(crate) struct Venue {
    pub(crate) orders: Vec<Order>,
    pub(crate) orders_max: usize,
    /// Where the search for a finished order to replace goes on.
    oldest: usize,
    /// Live and held orders of each instrument, in the order of their arrival.
    pub(crate) live: Vec<Vec<u16>>,
    taken: TakenTable,
    scratch: Vec<u16>,
    /// A trade of a named order was followed; the print behind it is the same.
    follows_order: bool,
    pub(crate) account: Account,
    /// When the next live order may expire.
    pub(crate) next_expiry: Nanos,
    pub(crate) close: Nanos,
}

impl Venue {
    pub(crate) fn new(config: &Config, instruments: usize) -> Self {
        Self {
            orders: Vec::with_capacity(config.orders_max),
            orders_max: config.orders_max,
            oldest: 0,
            live: (0..=instruments)
                .map(|_| Vec::with_capacity(config.orders_per_instrument))
                .collect(),
            taken: TakenTable::new(TAKEN_MAX),
            scratch: Vec::with_capacity(config.orders_per_instrument),
            follows_order: false,
            account: Account::new(config.cash, instruments),
            next_expiry: Nanos::MAX,
            close: Nanos::ZERO,
        }
    }

    pub(crate) fn find(&self, leg: FrameId) -> Option<u16> {
        let found = self.orders.iter().position(|order| order.leg == leg)?;
        Some(found as u16)
    }

    pub(crate) fn order(&mut self, slot: u16) -> &mut Order {
        &mut self.orders[usize::from(slot)]
    }

    /// Remembers an order, in place of the oldest finished one when the table is full.
    pub(crate) fn remember(&mut self, order: Order) -> Option<u16> {
        if self.orders.len() < self.orders_max {
            self.orders.push(order);
            return Some((self.orders.len() - 1) as u16);
        }
        for _ in 0..self.orders_max {
            let slot = self.oldest;
            self.oldest = (self.oldest + 1) % self.orders_max;
            if self.orders[slot].state.is_final() {
                self.orders[slot] = order;
                return Some(slot as u16);
            }
        }
        None
    }

    /// True when effects on the instrument's book matter.
    pub(crate) fn watches(&self, instrument: InstrumentId) -> bool {
        self.has_live(instrument) || !self.taken.is_empty()
    }

    /// True when orders of that instrument are live.
    #[inline]
    pub(crate) fn has_live(&self, instrument: InstrumentId) -> bool {
        let live = self.live.get(instrument.index());
        live.is_some_and(|live| !live.is_empty())
    }

    /// Follows what one frame does to a book. `revealed` says that new levels were there before.
    pub(crate) fn follow(&mut self, instrument: InstrumentId, effect: Effect, revealed: bool) {
        match effect {
            Effect::Reduced {
                side, price, qty, ..
            } => {
                self.taken.left(instrument, side, price, qty);
            }
            Effect::Level {
                side,
                price,
                old,
                new,
            } if new < old => {
                self.taken.left(instrument, side, price, old - new);
            }
            Effect::Reset => self.taken.reset(instrument),
            _ => {}
        }
        let named = self.follows_order;
        self.follows_order = matches!(effect, Effect::Reduced { traded: true, .. });
        let mut given = 0;
        let live = self
            .live
            .get(instrument.index())
            .map_or(&[][..], |live| &live[..]);
        for &slot in live {
            let order = &mut self.orders[usize::from(slot)];
            if order.waits_for_trigger() {
                trip(order, effect);
            } else if order.rests() {
                follow_queue(order, effect, revealed, named, &mut given);
            }
        }
    }

    /// Every queue is lost: books were emptied without being told one by one.
    pub(crate) fn lose_queues(&mut self) {
        for order in &mut self.orders {
            order.queue.lost |= order.rests();
        }
    }

    /// What the market now does to our orders of an instrument.
    pub(crate) fn work(
        &mut self,
        books: &Books,
        instrument: InstrumentId,
        reporter: &mut Reporter<'_>,
    ) {
        let Some(book) = books.get(instrument) else {
            return;
        };
        if !trades(book) || self.live[instrument.index()].is_empty() {
            return;
        }
        let mut scratch = core::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.extend_from_slice(&self.live[instrument.index()]);
        for &slot in &scratch {
            if self.order(slot).is_live() {
                self.work_order(books, slot, reporter);
            }
        }
        self.scratch = scratch;
    }

    /// One live order: its trigger, its queue, what it may take.
    pub(crate) fn work_order(&mut self, books: &Books, slot: u16, reporter: &mut Reporter<'_>) {
        let order = self.order(slot);
        let (filled, book) = (order.filled, books.book(order.instrument));
        if order.waits_for_trigger() {
            if !is_triggered(order, book) {
                return;
            }
            order.triggered = true;
            if order.order_type == OrderType::StopLimit {
                self.arrive(book, slot, reporter);
            } else {
                self.walk(book, slot, None, reporter);
            }
        } else if order.rests() {
            self.work_resting(book, slot, reporter);
        } else {
            self.walk(book, slot, None, reporter);
        }
        self.after_fills(books, slot, filled, reporter);
    }

    fn work_resting(&mut self, book: &Book, slot: u16, reporter: &mut Reporter<'_>) {
        let order = self.order(slot);
        let limit = order.limit;
        let queue = &mut order.queue;
        let hits = core::mem::take(&mut queue.hits);
        let through = core::mem::take(&mut queue.through);
        if queue.lost && is_sound(book) {
            *queue = Queue::back_of(book.level_qty(order.side, limit), book.arrivals());
        }
        let remaining = order.remaining();
        let by_tape = if through {
            remaining
        } else {
            u32::try_from(hits).unwrap_or(u32::MAX).min(remaining)
        };
        if by_tape > 0 {
            self.execute(slot, (by_tape, limit), Liquidity::Maker, reporter);
        }
        if self.order(slot).is_live() {
            self.walk(book, slot, Some(limit), reporter);
        }
    }

    /// A limit order reaches the venue: takes what it can, and queues with the rest.
    pub(crate) fn arrive(&mut self, book: &Book, slot: u16, reporter: &mut Reporter<'_>) {
        self.walk(book, slot, None, reporter);
        self.join(book, slot);
    }

    /// True when the other side shows enough for the whole order, within its worst price.
    pub(crate) fn could_fill(&self, book: &Book, order: &Order) -> bool {
        let other = order.side.opposite();
        let mut free = 0_u64;
        if is_sound(book) {
            for (price, shown) in book.levels(other) {
                let reach = |worst: Price| (worst.0 - price.0) * order.side.sign() >= 0;
                if free >= u64::from(order.remaining()) || !order.worst().is_none_or(reach) {
                    break;
                }
                let taken = self.taken.get(order.instrument, other, price).unwrap_or(0);
                free += shown.saturating_sub(taken);
            }
        }
        free >= u64::from(order.remaining())
    }

    /// Walks the other side's levels as far as the order's worst price. `resting` is the price at
    /// which a resting order trades instead of the level's.
    fn walk(
        &mut self,
        book: &Book,
        slot: u16,
        resting: Option<Price>,
        reporter: &mut Reporter<'_>,
    ) {
        let order = self.order(slot);
        let (instrument, side, worst) = (order.instrument, order.side, order.worst());
        let other = side.opposite();
        let reaches =
            |price: Price| worst.is_none_or(|worst| (worst.0 - price.0) * side.sign() >= 0);
        let mut levels = book.levels(other);
        // Mostly not even the first is within reach, which is sooner known than the quality.
        let Some(first) = levels.next().filter(|(price, _)| reaches(*price)) else {
            return;
        };
        if !is_sound(book) {
            return;
        }
        let liquidity = if resting.is_some() {
            Liquidity::Maker
        } else {
            Liquidity::Taker
        };
        for (price, shown) in core::iter::once(first).chain(levels) {
            if !reaches(price) {
                break;
            }
            let remaining = self.order(slot).remaining();
            if remaining == 0 {
                break;
            }
            let before = self.taken.get(instrument, other, price);
            // A level that is new and through our resting price has traded with all of us first.
            let through = resting.is_some_and(|limit| limit != price) && before.is_none();
            let free = shown.saturating_sub(before.unwrap_or(0));
            let qty = if through {
                remaining
            } else {
                u32::try_from(free).unwrap_or(u32::MAX).min(remaining)
            };
            if qty == 0 {
                continue;
            }
            let mark = u64::from(qty).min(free);
            if !self.taken.take(instrument, other, price, mark) {
                break;
            }
            let at = resting.unwrap_or(price);
            self.execute(slot, (qty, at), liquidity, reporter);
        }
    }

    /// An execution: the order, the account, the reports.
    fn execute(
        &mut self,
        slot: u16,
        (qty, price): (u32, Price),
        liquidity: Liquidity,
        reporter: &mut Reporter<'_>,
    ) {
        let order = &mut self.orders[usize::from(slot)];
        let holding = &self.account.holdings[order.instrument.index()];
        let kind = (holding.what, holding.multiplier);
        let fee = order.trade((qty, price), &reporter.config.fees, kind);
        self.account
            .trade(order.instrument, order.side, (qty, price), fee);
        reporter.fill(order, (qty, price), liquidity, fee);
        reporter.status(order, 0);
    }
}

/// What prints may be believed: the tape of a book that is neither halted nor gapped.
fn trades(book: &Book) -> bool {
    book.quality() & (quality::GAPPED | quality::HALTED) == 0 && !book.between_states()
}

/// Its quotes may be traded against, too.
pub(crate) fn is_sound(book: &Book) -> bool {
    trades(book) && book.quality() & (quality::CROSSED | quality::EMPTY) == 0
}

/// A print at or through the trigger, or the quote that it would trade with through it.
fn is_triggered(order: &Order, book: &Book) -> bool {
    let through = |(price, _): (Price, u64)| (price.0 - order.trigger.0) * order.side.sign() > 0;
    // Mostly it is not through, which is sooner known than the quality.
    order.tripped || (book.best(order.side.opposite()).is_some_and(through) && is_sound(book))
}
