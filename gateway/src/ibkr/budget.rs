//! How much may be said to the broker: one bucket for all messages, counted per session second.
//!
//! Exits and cancels may use everything that is left; entries leave the exits' reserve untouched;
//! data requests leave that and the entries' reserve. Orders of every kind also have a limit of
//! their own. What finds no room waits and asks again; nothing is dropped here.
//!
//! Guarantee: no window of one second holds more than [`Config::messages`], nor more than
//! [`Config::orders`] orders, whatever was asked: what was sent is forgotten only when it is a
//! second old, so there is no burst at the border of two seconds.

use std::collections::VecDeque;
use stream::Nanos;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Closes or cancels: goes first, has the whole bucket.
    Exit,
    /// Opens.
    Entry,
    /// Reconciliation and what keeps the connection.
    State,
    /// Market data and contracts: never touches the reserve.
    Data,
}

/// The limits, each required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Messages in one second at most; the broker's own limit is 50.
    pub messages: usize,
    /// Of those, orders and cancels at most.
    pub orders: usize,
    /// Messages that only exits and cancels may use.
    pub reserve: usize,
}

/// A second.
const WINDOW: Nanos = Nanos::SECOND;
/// After the broker's code 100 the bucket is half as large for this long.
const PENANCE: Nanos = Nanos::from_secs(10);

/// Messages of the last second.
#[derive(Debug)]
pub struct Budget {
    config: Config,
    sent: VecDeque<(Nanos, bool)>,
    orders: usize,
    slow_until: Nanos,
    high_water: usize,
}

impl Budget {
    fn new(config: Config) -> Self {
        Self {
            sent: VecDeque::with_capacity(config.messages),
            config,
            orders: 0,
            slow_until: Nanos::ZERO,
            high_water: 0,
        }
    }

    /// Another engine may have died a moment ago, and the broker counts its messages too: for a
    /// second there is room for nothing but the exits' reserve.
    #[must_use]
    pub fn behind_another(config: Config, now: Nanos) -> Self {
        let mut budget = Self::new(config);
        let theirs = config.messages.saturating_sub(config.reserve);
        budget
            .sent
            .extend(core::iter::repeat_n((now, false), theirs));
        budget
    }

    /// Takes room for one message, or says when to ask again.
    ///
    /// # Errors
    /// When there is none: the time at which some of what was said is a second old.
    pub fn take(&mut self, now: Nanos, class: Class) -> Result<(), Nanos> {
        self.take_all(now, class, 1)
    }

    /// Takes room for so many messages at once, or for none of them.
    ///
    /// # Errors
    /// As [`Budget::take`].
    pub fn take_all(&mut self, now: Nanos, class: Class, count: usize) -> Result<(), Nanos> {
        self.forget(now);
        let is_order = matches!(class, Class::Exit | Class::Entry);
        if self.sent.len() + count > self.room(now, class) {
            return Err(self.next(now));
        }
        if is_order && self.orders + count > self.orders_max(class) {
            return Err(self.next(now));
        }
        for _ in 0..count {
            self.sent.push_back((now, is_order));
        }
        self.orders += if is_order { count } else { 0 };
        self.high_water = self.high_water.max(self.sent.len());
        Ok(())
    }

    /// The broker says that it was too much.
    pub fn slow_down(&mut self, now: Nanos) {
        self.slow_until = now.saturating_add(PENANCE);
    }

    /// The most messages that one second held so far.
    #[must_use]
    pub const fn high_water(&self) -> usize {
        self.high_water
    }

    fn forget(&mut self, now: Nanos) {
        while let Some(&(at, is_order)) = self.sent.front() {
            if now < at.saturating_add(WINDOW) {
                break;
            }
            self.sent.pop_front();
            self.orders -= usize::from(is_order);
        }
    }

    fn room(&self, now: Nanos, class: Class) -> usize {
        let Config {
            messages,
            orders,
            reserve,
        } = self.config;
        let all = if now < self.slow_until {
            messages.div_ceil(2)
        } else {
            messages
        };
        let kept = match class {
            Class::Exit => 0,
            Class::Entry | Class::State => reserve,
            // What exits and entries together may need in a second is theirs.
            Class::Data => reserve.max(orders),
        };
        all.saturating_sub(kept)
    }

    /// An entry leaves half of the orders to exits.
    const fn orders_max(&self, class: Class) -> usize {
        match class {
            Class::Entry => self.config.orders.div_ceil(2),
            _ => self.config.orders,
        }
    }

    fn next(&self, now: Nanos) -> Nanos {
        self.sent
            .front()
            .map_or(now, |&(at, _)| at.saturating_add(WINDOW))
            .max(now.saturating_add(Nanos::MILLI))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: Config = Config {
        messages: 40,
        orders: 20,
        reserve: 10,
    };

    fn taken(budget: &mut Budget, now: Nanos, class: Class, tries: usize) -> usize {
        (0..tries)
            .filter(|_| budget.take(now, class).is_ok())
            .count()
    }

    #[test]
    fn a_start_leaves_the_second_to_whoever_was_there_before() {
        let now = Nanos::from_secs(100);
        let mut budget = Budget::behind_another(CONFIG, now);
        let later = now.saturating_add(WINDOW);
        assert_eq!(budget.take(now, Class::State), Err(later));
        assert_eq!(budget.take(now, Class::Data), Err(later));
        assert_eq!(budget.take_all(now, Class::Exit, CONFIG.reserve), Ok(()));
        assert_eq!(budget.take(now, Class::Exit), Err(later));
        assert_eq!(budget.take(later, Class::Data), Ok(()));
    }

    #[test]
    fn data_never_touches_what_orders_need() {
        let mut budget = Budget::new(CONFIG);
        assert_eq!(taken(&mut budget, Nanos(1), Class::Data, 100), 20);
        assert_eq!(taken(&mut budget, Nanos(1), Class::Entry, 100), 10);
        assert_eq!(taken(&mut budget, Nanos(1), Class::State, 100), 0);
        assert_eq!(taken(&mut budget, Nanos(1), Class::Exit, 100), 10);
        assert_eq!(budget.high_water(), 40);
    }

    #[test]
    fn entries_leave_half_of_the_orders_to_exits() {
        let mut budget = Budget::new(CONFIG);
        assert_eq!(taken(&mut budget, Nanos(1), Class::Entry, 100), 10);
        assert_eq!(taken(&mut budget, Nanos(1), Class::Exit, 100), 10);
    }

    #[test]
    fn no_second_anywhere_holds_more_than_the_limit() {
        let mut budget = Budget::new(CONFIG);
        let mut sent: Vec<u64> = Vec::new();
        for step in 0..4_000_u64 {
            let now = Nanos(step * 1_700_000);
            for class in [Class::Data, Class::Exit, Class::Entry, Class::State] {
                if budget.take(now, class).is_ok() {
                    sent.push(now.0);
                }
            }
        }
        for (index, first) in sent.iter().enumerate() {
            let within = sent[index..]
                .iter()
                .take_while(|at| **at < first + WINDOW.0)
                .count();
            assert!(within <= CONFIG.messages, "{within} behind {first}");
        }
        assert!(sent.len() > 200);
    }

    #[test]
    fn who_finds_no_room_learns_when_to_ask_again() {
        let mut budget = Budget::new(CONFIG);
        taken(&mut budget, Nanos(5), Class::Exit, 20);
        let again = budget.take(Nanos(6), Class::Exit).expect_err("20 orders");
        assert_eq!(again, Nanos(5) + WINDOW);
        assert_eq!(budget.take(again, Class::Exit), Ok(()));
    }

    #[test]
    fn too_fast_halves_the_bucket_for_a_while() {
        let mut budget = Budget::new(CONFIG);
        budget.slow_down(Nanos(1));
        assert_eq!(taken(&mut budget, Nanos(1), Class::Exit, 100), 20);
        let later = Nanos(1) + PENANCE;
        assert_eq!(taken(&mut budget, later, Class::State, 100), 30);
    }
}
