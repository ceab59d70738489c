//! What passed the wire, as the paper server saw it, by the engine's own clock.

use super::core_time::CoreTime;
use engine::clock::Clock;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stream::Nanos;
use tws::server::{Passing, Tap};
use tws::{Answer, Request, model};

/// A row of depth, whichever side tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// From the top, from 0.
    pub position: i32,
    /// 0 insert, 1 update, 2 delete.
    pub operation: i32,
    /// 0 ask, 1 bid.
    pub side: i32,
    /// In 1e-9; zero for a deletion.
    pub price: i64,
    /// Zero for a deletion.
    pub qty: u32,
}

impl Row {
    fn of(row: &model::DepthRow) -> Self {
        let deletes = row.operation == 2;
        Self {
            position: row.position,
            operation: row.operation,
            side: row.side,
            price: if deletes { 0 } else { nanos(row.price) },
            qty: if deletes {
                0
            } else {
                row.size.to_u32().unwrap_or(0)
            },
        }
    }
}

/// The best of both sides, whichever side tells it; zero where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Best {
    /// In 1e-9.
    pub bid: i64,
    /// In 1e-9.
    pub ask: i64,
    /// Quantity at the bid.
    pub bid_qty: u32,
    /// Quantity at the ask.
    pub ask_qty: u32,
}

impl Best {
    /// Takes what a tick of that number says: 1 and 2 the prices, 0 and 3 their quantities.
    fn take(&mut self, tick: i32, price: Option<f64>, size: Decimal) {
        let price = price.map(|price| nanos(price.max(0.0)));
        let size = size.to_u32().unwrap_or(0);
        match tick {
            0 | 1 => (self.bid, self.bid_qty) = (price.unwrap_or(self.bid), size),
            2 | 3 => (self.ask, self.ask_qty) = (price.unwrap_or(self.ask), size),
            _ => {}
        }
    }
}

/// To the nearest hundredth of a cent: the float says no more.
fn nanos(price: f64) -> i64 {
    (price * 1e4).round() as i64 * 100_000
}

/// When a message was written: just before the system call, and just behind it, when the bytes are
/// in our socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct When {
    /// Before.
    pub begun: Nanos,
    /// What the server's thread had taken of its core then.
    pub taken: Nanos,
    /// Behind.
    pub done: Nanos,
    /// It was an execution.
    pub fills: bool,
    /// No other message stood before it in the same write.
    pub first: bool,
    /// Its place among all messages of the connection, from 0.
    pub number: usize,
}

/// What passed.
#[derive(Debug, Default)]
pub struct Wire {
    /// The engine's clock, once it has one: before, nothing is kept.
    clock: Option<Clock>,
    /// Rows by symbol in the order of their writing, each with when.
    pub rows: HashMap<String, VecDeque<(Row, When)>>,
    /// Quotes by symbol, likewise.
    pub quotes: HashMap<String, VecDeque<(Best, When)>>,
    /// When each execution was told.
    pub executions: HashMap<String, When>,
    /// When each order and cancel was read, in their order.
    pub orders: Vec<Nanos>,
    /// Symbols by request.
    names: HashMap<i32, String>,
    /// The newest quote of each request.
    bests: HashMap<i32, Best>,
    /// What was said and not yet written, each with its place among all that was ever said.
    waiting: Vec<(usize, Said)>,
    /// How many messages were ever said, and how many of them are written.
    said: usize,
    told: usize,
    /// When the write that goes on was begun, and what the server's thread had taken then.
    begun: Option<(Nanos, Nanos)>,
    /// The server's thread.
    core_time: CoreTime,
}

#[derive(Debug)]
enum Said {
    Row(i32, Row),
    Best(i32, Best),
    Execution(String),
}

/// A wire that is being listened to.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Wire>>);

impl Shared {
    /// From now on times are kept, by this clock.
    pub fn begin(&self, clock: Clock) {
        self.lock().clock = Some(clock);
    }

    /// What the server's thread takes of its core.
    pub fn core_time(&self) -> CoreTime {
        self.lock().core_time.clone()
    }

    /// What passed so far.
    pub fn take(&self) -> Wire {
        core::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the server is to tell.
    pub fn tap(&self) -> Tap {
        let own = self.clone();
        Box::new(move |passing| own.lock().pass(passing))
    }
}

impl Wire {
    fn pass(&mut self, passing: Passing<'_>) {
        self.said += usize::from(matches!(passing, Passing::Said(..)));
        match passing {
            Passing::Heard(_, Request::Depth { req, contract, .. }) => {
                self.names.insert(*req, contract.symbol.clone());
            }
            Passing::Heard(_, Request::MarketData(asked)) => {
                self.names.insert(asked.req, asked.contract.symbol.clone());
            }
            Passing::Heard(_, Request::PlaceOrder { .. } | Request::CancelOrder(_)) => {
                let now = self.clock.as_mut().map(Clock::now);
                self.orders.extend(now);
            }
            Passing::Said(_, Answer::DepthL2(req, row) | Answer::Depth(req, row)) => {
                self.wait(Said::Row(*req, Row::of(row)));
            }
            Passing::Said(
                _,
                Answer::TickPrice {
                    req,
                    tick,
                    price,
                    size,
                    ..
                },
            ) => self.quote(*req, *tick, Some(*price), *size),
            Passing::Said(_, Answer::TickSize(req, tick, size)) => {
                self.quote(*req, *tick, None, *size);
            }
            Passing::Said(_, Answer::Execution(-1, _, execution)) => {
                let id = execution.exec_id.clone();
                self.wait(Said::Execution(id));
            }
            Passing::Writing(_) => {
                let taken = self.core_time.own();
                self.begun = self.clock.as_mut().map(|clock| (clock.now(), taken));
            }
            Passing::Written(_) => self.written(),
            Passing::Heard(..) | Passing::Said(..) => {}
        }
    }

    fn wait(&mut self, said: Said) {
        self.waiting.push((self.said - 1, said));
    }

    fn quote(&mut self, req: i32, tick: i32, price: Option<f64>, size: Decimal) {
        let best = self.bests.entry(req).or_default();
        let before = *best;
        best.take(tick, price, size);
        if *best != before {
            let told = Said::Best(req, *best);
            self.wait(told);
        }
    }

    fn written(&mut self) {
        let done = self.clock.as_mut().map(Clock::now);
        let Some(((begun, taken), done)) = self.begun.take().zip(done) else {
            self.waiting.clear();
            self.told = self.said;
            return;
        };
        let when = When {
            begun,
            taken,
            done,
            fills: false,
            first: false,
            number: 0,
        };
        let first = core::mem::replace(&mut self.told, self.said);
        for (number, said) in self.waiting.drain(..) {
            let when = When {
                first: number == first,
                number,
                fills: matches!(said, Said::Execution(_)),
                ..when
            };
            match said {
                Said::Row(req, row) => {
                    if let Some(symbol) = self.names.get(&req) {
                        let rows = self.rows.entry(symbol.clone()).or_default();
                        rows.push_back((row, when));
                    }
                }
                Said::Best(req, best) => {
                    if let Some(symbol) = self.names.get(&req) {
                        let quotes = self.quotes.entry(symbol.clone()).or_default();
                        quotes.push_back((best, when));
                    }
                }
                Said::Execution(id) => {
                    self.executions.insert(id, when);
                }
            }
        }
    }

    /// When this row of a symbol was written: the first such row that was not passed yet. Rows
    /// before it became part of a snapshot.
    pub fn row(&mut self, symbol: &str, row: Row) -> Option<When> {
        first(self.rows.get_mut(symbol)?, row)
    }

    /// The same of a quote. Those before it were conflated.
    pub fn quote_of(&mut self, symbol: &str, best: Best) -> Option<When> {
        first(self.quotes.get_mut(symbol)?, best)
    }
}

fn first<T: PartialEq>(told: &mut VecDeque<(T, When)>, one: T) -> Option<When> {
    let at = told.iter().position(|(own, _)| *own == one)?;
    told.drain(..=at).next_back().map(|(_, when)| when)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tws::world::Link;

    #[test]
    fn a_row_is_stamped_when_it_is_written_and_found_in_its_order() {
        let wire = Shared::default();
        let mut tap = wire.tap();
        let contract = model::Contract {
            symbol: "ALDR".to_owned(),
            ..model::Contract::default()
        };
        let depth = Request::Depth {
            req: 7,
            contract,
            rows: 10,
            smart: false,
            moves: true,
        };
        tap(Passing::Heard(Link(1), &depth));
        let said = |size: u32| {
            let row = model::DepthRow {
                operation: 1,
                side: 1,
                price: 187.32,
                size: size.into(),
                ..model::DepthRow::default()
            };
            Answer::DepthL2(7, row)
        };
        tap(Passing::Said(Link(1), &said(100)));
        tap(Passing::Writing(Link(1)));
        tap(Passing::Written(Link(1)));
        assert!(wire.take().rows.is_empty(), "there is no clock yet");
        tap(Passing::Heard(Link(1), &depth));
        wire.begin(Clock::new());
        for size in [200, 300, 200] {
            tap(Passing::Said(Link(1), &said(size)));
            tap(Passing::Writing(Link(1)));
            tap(Passing::Written(Link(1)));
        }
        let mut told = wire.take();
        let row = |qty| Row {
            position: 0,
            operation: 1,
            side: 1,
            price: 187_320_000_000,
            qty,
        };
        let first = told.row("ALDR", row(300)).expect("it was written");
        let second = told.row("ALDR", row(200)).expect("the later one");
        assert!(second >= first && first.done >= first.begun);
        assert!(second.taken >= first.taken && first.taken > Nanos::ZERO);
        assert_eq!(told.row("ALDR", row(200)), None);
    }
}
