//! An order at the simulated venue, and where it stands in its queue.
//!
//! The queue follows what the book tells of the order's own price level:
//!
//! * by order (L3): what leaves from orders that came earlier comes off what is ahead, exactly;
//! * anonymous quantity: trades come off the front, cancels come off in proportion, rounded down;
//! * whole levels (L2, L1): a print comes off the front, and the fall of the level that belongs to
//!   it is not counted again; any other fall counts as cancels. A level that falls before its
//!   print is seen is counted as cancels, and the print again: the one place where such feeds
//!   flatter us;
//! * never more is ahead than the level shows.

use super::fees::Fees;
use stream::payload::{Command, InstrumentType, LegRole, LegState, OrderType, TimeInForce};
use stream::{FrameId, InstrumentId, Money, Nanos, Price, Qty, Side};

/// One order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) leg: FrameId,
    pub(crate) origin: FrameId,
    pub(crate) parent: FrameId,
    pub(crate) oca: u64,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) role: LegRole,
    pub(crate) order_type: OrderType,
    pub(crate) tif: TimeInForce,
    pub(crate) limit: Price,
    pub(crate) trigger: Price,
    pub(crate) expire: Nanos,
    /// Quantity as commanded.
    pub(crate) ordered: u32,
    /// Quantity that works now: an attached order's grows with its parent's fills, a pair's
    /// shrinks with the other's.
    pub(crate) total: u32,
    pub(crate) filled: u32,
    pub(crate) state: LegState,
    /// A stop whose trigger was reached.
    pub(crate) triggered: bool,
    /// A print reached the trigger in this frame.
    pub(crate) tripped: bool,
    pub(crate) queue: Queue,
    /// Value traded so far.
    pub(crate) value: Money,
    /// Fees so far.
    pub(crate) fees: Money,
}

impl Order {
    pub(crate) fn new(command: &Command, instrument: InstrumentId) -> Self {
        Self {
            leg: command.leg,
            origin: command.origin,
            parent: command.parent_leg,
            oca: command.oca,
            instrument,
            side: command.side,
            role: command.role,
            order_type: command.order_type,
            tif: command.tif,
            limit: command.limit,
            trigger: command.trigger,
            expire: command.expire,
            ordered: command.qty,
            total: command.qty,
            filled: 0,
            state: LegState::Sent,
            triggered: false,
            tripped: false,
            queue: Queue::default(),
            value: Money::ZERO,
            fees: Money::ZERO,
        }
    }

    pub(crate) const fn remaining(&self) -> u32 {
        self.total - self.filled
    }

    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.state, LegState::Working | LegState::PartlyFilled)
    }

    /// The worst price it may trade at; `None` for market orders, and stops that became one.
    pub(crate) fn worst(&self) -> Option<Price> {
        match self.order_type {
            OrderType::Limit | OrderType::StopLimit => Some(self.limit),
            OrderType::Stop | OrderType::Market => None,
        }
    }

    /// True while it rests in the book at its limit.
    pub(crate) fn rests(&self) -> bool {
        self.is_live()
            && match self.order_type {
                OrderType::Limit => true,
                OrderType::StopLimit => self.triggered,
                OrderType::Stop | OrderType::Market => false,
            }
    }

    /// True for a stop that still waits for its trigger.
    pub(crate) fn waits_for_trigger(&self) -> bool {
        let stop = matches!(self.order_type, OrderType::Stop | OrderType::StopLimit);
        self.is_live() && stop && !self.triggered
    }

    /// Books an execution; returns its fee.
    pub(crate) fn trade(
        &mut self,
        (qty, price): (u32, Price),
        fees: &Fees,
        (what, multiplier): (InstrumentType, u32),
    ) -> Money {
        assert!(
            qty > 0 && qty <= self.remaining(),
            "never more than ordered"
        );
        if let Some(worst) = self.worst() {
            let better = (worst.0 - price.0) * self.side.sign();
            assert!(better >= 0, "never worse than the limit");
        }
        self.filled += qty;
        self.value += price.value(Qty(i64::from(qty)), multiplier);
        let whole = fees.of(what, self.side, u64::from(self.filled), self.value);
        let fee = whole - self.fees;
        self.fees = whole;
        self.state = if self.remaining() == 0 {
            LegState::Filled
        } else {
            LegState::PartlyFilled
        };
        fee
    }
}

/// Where a resting order stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// Displayed quantity that trades before us.
    pub(crate) ahead: u64,
    /// The level's displayed quantity.
    pub(crate) level: u64,
    /// Orders up to this priority came before us.
    pub(crate) mark: u64,
    /// Traded by prints, not yet seen leaving the level.
    pub(crate) credit: u64,
    /// Traded volume that reached us and is not filled yet.
    pub(crate) hits: u64,
    /// The market traded through our price.
    pub(crate) through: bool,
    /// The book was emptied: we queue anew once it is sound.
    pub(crate) lost: bool,
}

impl Queue {
    /// At the back of a level.
    pub(crate) fn back_of(level: u64, arrivals: u64) -> Self {
        Self {
            ahead: level,
            level,
            mark: arrivals,
            ..Self::default()
        }
    }

    /// An order joined behind us.
    pub(crate) fn added(&mut self, qty: u64) {
        self.level += qty;
    }

    /// Quantity traded from a named or anonymous order of our level; returns what reached us.
    pub(crate) fn traded_by_order(&mut self, qty: u64, priority: u64) -> u64 {
        let off = self.ahead.min(qty);
        self.ahead -= off;
        self.shrink(qty);
        // An earlier order that trades more than was known to be ahead proves nothing about us.
        if priority == 0 || priority > self.mark {
            qty - off
        } else {
            0
        }
    }

    /// Quantity left without trading.
    pub(crate) fn cancelled(&mut self, qty: u64, priority: u64) {
        if priority == 0 {
            self.ahead -= share(qty, self.ahead, self.level);
        } else if priority <= self.mark {
            self.ahead = self.ahead.saturating_sub(qty);
        }
        self.shrink(qty);
    }

    /// A print at our price from a feed that does not name the order; returns what reached us.
    pub(crate) fn printed(&mut self, qty: u64) -> u64 {
        let off = self.ahead.min(qty);
        self.ahead -= off;
        self.credit += qty;
        qty - off
    }

    /// The level's quantity changed as a whole. `revealed` quantity was there before us.
    pub(crate) fn leveled(&mut self, old: u64, new: u64, revealed: bool) {
        if new >= old {
            if revealed {
                self.ahead += new - old;
            }
        } else {
            let fall = old - new;
            let by_print = self.credit.min(fall);
            self.credit -= by_print;
            let cancelled = fall - by_print;
            self.ahead -= share(cancelled, self.ahead, old - by_print);
        }
        self.level = new;
        self.ahead = self.ahead.min(new);
    }

    fn shrink(&mut self, qty: u64) {
        self.level = self.level.saturating_sub(qty);
        self.ahead = self.ahead.min(self.level);
    }
}

/// The part of `qty` that falls on `part` of `whole`, rounded down, at most `part`.
fn share(qty: u64, part: u64, whole: u64) -> u64 {
    if whole == 0 {
        return part;
    }
    ((u128::from(qty) * u128::from(part) / u128::from(whole)) as u64).min(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_order_the_queue_is_exact() {
        let mut queue = Queue::back_of(500, 7);
        queue.added(100);
        queue.cancelled(100, 9);
        assert_eq!((queue.ahead, queue.level), (500, 500));
        queue.cancelled(200, 3);
        assert_eq!(queue.ahead, 300);
        assert_eq!(queue.traded_by_order(300, 5), 0);
        queue.added(50);
        assert_eq!(queue.traded_by_order(40, 10), 40);
    }

    #[test]
    fn anonymous_cancels_come_off_in_proportion_rounded_down() {
        let mut queue = Queue::back_of(300, 0);
        queue.added(100);
        queue.cancelled(101, 0);
        // 101 × 300 ÷ 400 = 75.75
        assert_eq!(queue.ahead, 225);
    }

    #[test]
    fn a_print_and_the_fall_of_its_level_count_once() {
        let mut queue = Queue::back_of(500, 0);
        assert_eq!(queue.printed(200), 0);
        queue.leveled(500, 300, false);
        assert_eq!(queue.ahead, 300);
        assert_eq!(queue.printed(350), 50);
        queue.leveled(300, 0, false);
        assert_eq!(queue.ahead, 0);
    }

    #[test]
    fn revealed_quantity_was_there_before_us() {
        let mut queue = Queue::back_of(0, 0);
        queue.leveled(0, 400, true);
        assert_eq!(queue.ahead, 400);
        queue.leveled(400, 600, false);
        assert_eq!(queue.ahead, 400);
    }
}
