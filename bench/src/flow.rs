//! A venue's order flow that is made here: many instruments, millions of live orders.
//!
//! Orders join behind the opposite side's best at distances that thin out from it, leave again by
//! deletion, replacement, reduction or execution at the front of the best level, which is what
//! moves the market. Ids only grow, with gaps where other instruments' orders would be. Busy
//! instruments come oftener: the k-th with a weight of 1 ÷ √k. The same numbers give the same flow.

use stream::hash::mix;
use stream::payload::{Add, Delete, Execute, Modify, Payload, flags};
use stream::{Draft, InstrumentId, Line, Nanos, Price, Side, SourceId};

/// Prices that an instrument's orders may have.
const TICKS: usize = 1_024;
/// Price of the lowest one, and from one to the next.
const LOWEST: i64 = 50_000_000_000;
const TICK: i64 = 10_000_000;
/// Distances from the opposite best thin out as 1 ÷ (this + ticks).
const NEAR: f64 = 16.0;
/// The farthest that an order joins from the opposite best.
const FAR: f64 = 400.0;
const NONE: u32 = u32::MAX;

/// Which of the live orders are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The newer the likelier, as 1 ÷ age: half of them have seen no more later orders than the
    /// square root of all that live.
    Young,
    /// Any with the same probability.
    Any,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    /// The next in its level's queue.
    next: u32,
    queue: u32,
    /// 0 when it is gone.
    qty: u32,
}

#[derive(Clone, Copy, Debug)]
struct Queue {
    front: u32,
    back: u32,
}

/// The flow: ask it for its next events.
#[derive(Debug)]
pub struct Flow {
    /// All that ever were, in the order of their ids.
    orders: Vec<Order>,
    /// By instrument, side and tick.
    queues: Vec<Queue>,
    /// Tick of the best by instrument and side; 0 and `TICKS` - 1 where a side is empty.
    bests: Vec<[u16; 2]>,
    live: usize,
    live_want: usize,
    leaving: Leaving,
    draws: u64,
    ts: Nanos,
    draft: Draft,
}

impl Flow {
    /// A flow of `instruments` in which `live` orders stand once its first `live` events have
    /// come, all of them additions.
    #[must_use]
    pub fn new(instruments: usize, live: usize, leaving: Leaving) -> Self {
        let nobody = Queue {
            front: NONE,
            back: NONE,
        };
        Self {
            orders: Vec::with_capacity(2 * live),
            queues: vec![nobody; instruments * 2 * TICKS],
            bests: vec![[0, TICKS as u16 - 1]; instruments],
            live: 0,
            live_want: live,
            leaving,
            draws: 0,
            ts: Nanos(1_340_285_400_000_000_000),
            draft: Draft::new(),
        }
    }

    /// Orders that live.
    #[must_use]
    pub const fn live(&self) -> usize {
        self.live
    }

    /// Appends the frames of the next `count` events, one each, numbered in their headers' times
    /// only.
    pub fn extend(&mut self, lines: &mut Vec<Line>, count: usize) {
        for _ in 0..count {
            self.ts += Nanos(1_000);
            self.event();
            self.draft.header_mut().ts = self.ts;
            lines.extend_from_slice(self.draft.frame().lines());
        }
    }

    fn draw(&mut self) -> u64 {
        self.draws += 1;
        mix(self.draws)
    }

    /// At least 0 and below 1.
    fn share(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: usize) -> usize {
        (self.share() * end as f64) as usize
    }

    /// Of a hundred events 46 add, 41 delete, 4 replace, 2 reduce and 7 execute, as long as about
    /// as many live as are wanted.
    fn event(&mut self) {
        let what = self.below(100);
        if self.live < self.live_want {
            return if what < 87 || self.orders.len() < self.live_want {
                self.add()
            } else {
                self.execute()
            };
        }
        if self.live > self.live_want + self.live_want / 64 {
            return self.delete();
        }
        match what {
            0..46 => self.add(),
            46..87 => self.delete(),
            87..91 => self.replace(),
            91..93 => self.reduce(),
            _ => self.execute(),
        }
    }

    fn put<P: Payload>(&mut self, queue: u32, payload: &P) {
        let instrument = queue as usize / (2 * TICKS);
        self.draft
            .write(InstrumentId(instrument as u16 + 1), payload);
    }

    fn add(&mut self) {
        let share = self.share();
        let instrument = (share * share * self.bests.len() as f64) as usize;
        let side = usize::from(self.draw() & 1 == 1);
        let (queue, qty) = self.join(instrument, side);
        let order_id = id(self.orders.len() - 1);
        let add = Add {
            order_id,
            price: price(queue),
            qty,
            side: if side == 0 { Side::Buy } else { Side::Sell },
            flags: 0,
            source: SourceId(1),
            venue_ts: self.ts,
        };
        self.put(queue, &add);
    }

    /// Puts a new order at the back of a level.
    fn join(&mut self, instrument: usize, side: usize) -> (u32, u32) {
        let away = NEAR * ((FAR / NEAR + 1.0).ln() * self.share()).exp() - NEAR;
        let away = 1 + away as usize;
        let [bid, ask] = self.bests[instrument].map(usize::from);
        let empty = bid == 0 || ask == TICKS - 1;
        let middle = TICKS / 2;
        let tick = match side {
            0 if empty => middle.saturating_sub(away),
            0 => ask.saturating_sub(away).max(1),
            _ if empty => middle + away,
            _ => (bid + away).min(TICKS - 2),
        };
        let qty = 100 * (1 + self.below(5) as u32);
        let queue = ((instrument * 2 + side) * TICKS + tick) as u32;
        let at = self.orders.len() as u32;
        self.orders.push(Order {
            next: NONE,
            queue,
            qty,
        });
        let level = &mut self.queues[queue as usize];
        if level.back == NONE {
            level.front = at;
        } else {
            self.orders[level.back as usize].next = at;
        }
        level.back = at;
        let best = &mut self.bests[instrument][side];
        *best = if side == 0 {
            (*best).max(tick as u16)
        } else {
            (*best).min(tick as u16)
        };
        self.live += 1;
        (queue, qty)
    }

    /// An order that lives.
    fn pick(&mut self) -> usize {
        let all = self.orders.len();
        // Hardly any older one lives.
        let oldest = all.min(8 * self.live_want);
        for _ in 0..64 {
            let age = match self.leaving {
                Leaving::Young => ((oldest as f64).ln() * self.share()).exp() as usize,
                Leaving::Any => self.below(all),
            };
            let at = all - age.clamp(1, all);
            if self.orders[at].qty > 0 {
                return at;
            }
        }
        let newest_first = (0..all).rev();
        let mut alive = newest_first.filter(|&at| self.orders[at].qty > 0);
        alive.next().expect("as many live as are wanted")
    }

    fn leave(&mut self, at: usize) {
        self.orders[at].qty = 0;
        self.live -= 1;
        // Whoever stands at the front of a queue is alive, and so is the best level's queue.
        let queue = self.orders[at].queue as usize;
        let level = &mut self.queues[queue];
        while level.front != NONE && self.orders[level.front as usize].qty == 0 {
            level.front = self.orders[level.front as usize].next;
        }
        if level.front != NONE {
            return;
        }
        level.back = NONE;
        let (book, tick) = (queue / TICKS, queue % TICKS);
        let best = &mut self.bests[book / 2][book % 2];
        if usize::from(*best) == tick {
            let ticks = &self.queues[book * TICKS..][..TICKS];
            let taken = |tick: &usize| ticks[*tick].front != NONE;
            *best = if book.is_multiple_of(2) {
                (0..tick).rev().find(taken).unwrap_or(0) as u16
            } else {
                (tick..TICKS).find(taken).unwrap_or(TICKS - 1) as u16
            };
        }
    }

    fn delete(&mut self) {
        let at = self.pick();
        self.leave(at);
        let delete = Delete {
            order_id: id(at),
            source: SourceId(1),
            venue_ts: self.ts,
            ..Delete::zeroed()
        };
        self.put(self.orders[at].queue, &delete);
    }

    fn replace(&mut self) {
        let at = self.pick();
        let book = self.orders[at].queue as usize / TICKS;
        self.leave(at);
        let (queue, qty) = self.join(book / 2, book % 2);
        let modify = Modify {
            order_id: id(at),
            new_order_id: id(self.orders.len() - 1),
            price: price(queue),
            qty,
            source: SourceId(1),
            ..Modify::zeroed()
        };
        self.put(queue, &modify);
    }

    fn reduce(&mut self) {
        let at = self.pick();
        if self.orders[at].qty <= 100 {
            return self.delete();
        }
        self.orders[at].qty -= 100;
        let modify = Modify {
            order_id: id(at),
            new_order_id: id(at),
            qty: 100,
            flags: flags::REDUCE,
            source: SourceId(1),
            ..Modify::zeroed()
        };
        self.put(self.orders[at].queue, &modify);
    }

    /// The front of a best level trades; the side on which more room is left gives way oftener.
    fn execute(&mut self) {
        let instrument = self.below(self.bests.len());
        let [bid, ask] = self.bests[instrument].map(usize::from);
        let side = usize::from(self.below(TICKS) > (bid + ask) / 2);
        let tick = [bid, ask][side];
        let queue = (instrument * 2 + side) * TICKS + tick;
        let front = self.queues[queue].front;
        if front == NONE {
            return self.add();
        }
        let at = front as usize;
        let qty = if self.draw() & 1 == 0 {
            self.orders[at].qty
        } else {
            100
        };
        let execute = Execute {
            order_id: id(at),
            qty,
            source: SourceId(1),
            venue_ts: self.ts,
            ..Execute::zeroed()
        };
        self.put(queue as u32, &execute);
        if qty == self.orders[at].qty {
            self.leave(at);
        } else {
            self.orders[at].qty -= qty;
        }
    }
}

/// Ids with gaps, growing.
fn id(at: usize) -> u64 {
    let at = at as u64;
    1_000_000 + 2 * at + (mix(at) & 1)
}

fn price(queue: u32) -> Price {
    Price(LOWEST + (queue as usize % TICKS) as i64 * TICK)
}
