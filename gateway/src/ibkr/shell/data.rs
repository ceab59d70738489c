//! Market data: subscriptions within the broker's limits, swept, turned into frames.
//!
//! Quotes are passed on as they change; where the ring has no room they are conflated: only the
//! newest is kept, here. Depth is kept whole and passed on as a snapshot at its beginning and
//! whenever rows found no room. Trades that find none are lost and counted in a `Gap`.
//!
//! Delayed and frozen data are not passed on: a symbol without live quotes takes no entry.

use super::loan::Loan;
use super::rows::Rows;
use super::{Clock, Common, Idle, MARKET, SlotAsk};
use crate::ibkr::broker::{Broker, Feed, Notice, Polled, Tick};
use crate::ibkr::budget::Class;
use crate::ibkr::policy::{Bound, OnSymbol, policy};
use core::sync::atomic::Ordering;
use core::time::Duration;
use rtrb::{Consumer, Producer};
use std::sync::Arc;
use stream::payload::{
    DepthRow, Fault, FaultCode, Gap, GapReason, Halt, HaltState, Payload, Quote, Trade,
};
use stream::{Draft, InstrumentId, Line, Nanos, Price};

/// What may be read of one subscription before the others have their turn.
const TURN: usize = 64;
/// A subscription that ended by a code is asked for again after this.
const AGAIN: Nanos = Nanos::from_secs(30);
/// Sweeps without anything before the thread sleeps between them.
const IDLE_SWEEPS: u32 = 200;
/// The client library tells nobody that something has come, so the nap is part of every frame's
/// way. Where lanes spin it is as short as it says; else the system adds its slack of 50 µs.
const NAP: Duration = Duration::from_micros(10);

#[derive(Default)]
struct Symbol {
    id: InstrumentId,
    quotes: Option<Box<dyn Feed>>,
    trades: Option<Box<dyn Feed>>,
    depth: Option<Box<dyn Feed>>,
    /// A depth slot was given to it.
    slot: bool,
    rows: Rows,
    /// The depth is to be handed on whole before any further row.
    whole: bool,
    quote: Best,
    /// The quote changed and was not told.
    dirty: bool,
    /// What was known was lost; the first full quote makes it good.
    gapped: bool,
    /// Live data follow.
    live: bool,
    /// Not to be asked for by itself any more.
    barred: bool,
    /// When to ask again.
    again: Nanos,
    halt: i64,
    /// It has to be borrowed before it is sold short.
    borrows: bool,
    loan: Loan,
    /// Trades that found no room.
    lost: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Best {
    bid: Price,
    ask: Price,
    bid_qty: u32,
    ask_qty: u32,
}

pub(super) struct Data {
    common: Arc<Common>,
    symbols: Vec<Symbol>,
    ring: Producer<Line>,
    slots: Consumer<SlotAsk>,
    clock: Clock,
    draft: Draft,
    session: u64,
    /// Subscriptions that are to be cancelled, within the budget.
    parting: Vec<Box<dyn Feed>>,
    /// The best of a symbol changed in this sweep: a command may follow.
    news: bool,
}

impl Data {
    pub(super) fn new(
        common: Arc<Common>,
        universe: impl Iterator<Item = (InstrumentId, bool)>,
        ring: Producer<Line>,
        slots: Consumer<SlotAsk>,
        clock: Clock,
    ) -> Self {
        let symbol = |(id, borrows)| Symbol {
            id,
            borrows,
            live: true,
            ..Symbol::default()
        };
        Self {
            common,
            symbols: universe.map(symbol).collect(),
            ring,
            slots,
            clock,
            draft: Draft::new(),
            session: 0,
            parting: Vec::new(),
            news: false,
        }
    }

    pub(super) fn run(mut self) {
        let mut idle = 0;
        while !self.common.is_stopping() && !self.ring.is_abandoned() {
            self.follow_session();
            self.take_slots();
            if self.session == self.common.data_for.load(Ordering::Acquire)
                && let Some(broker) = self.common.broker()
            {
                self.subscribe(broker.as_ref());
            }
            if self.sweep() {
                idle = 0;
            } else if self.common.config.idle == Idle::Poll {
                std::thread::yield_now();
            } else if idle < IDLE_SWEEPS {
                idle += 1;
                std::thread::yield_now();
            } else {
                std::thread::sleep(NAP);
            }
        }
    }

    /// A new connection, or none: every subscription of the old one is gone.
    fn follow_session(&mut self) {
        let session = self.common.session.load(Ordering::Acquire);
        if session == self.session {
            return;
        }
        self.session = session;
        let mut had = false;
        let connected = self.common.broker().is_some();
        for symbol in &mut self.symbols {
            let feeds = [
                symbol.quotes.take(),
                symbol.trades.take(),
                symbol.depth.take(),
            ];
            for feed in feeds.into_iter().flatten() {
                had = true;
                // A cancel is a message too: within the budget, unless nobody hears it.
                if connected {
                    self.parting.push(feed);
                }
            }
            symbol.rows.clear();
            symbol.quote = Best::default();
            symbol.loan.forget();
            symbol.gapped = true;
            symbol.live = true;
            symbol.barred = false;
            symbol.again = Nanos::ZERO;
        }
        if had {
            self.gap(InstrumentId::NONE, GapReason::Lost, 0);
        }
    }

    fn take_slots(&mut self) {
        let mut emptied = Vec::new();
        while let Ok(ask) = self.slots.pop() {
            let Some(symbol) = self.symbols.iter_mut().find(|s| s.id == ask.instrument) else {
                continue;
            };
            symbol.slot = ask.subscribe;
            if !ask.subscribe {
                self.parting.extend(symbol.depth.take());
                self.parting.extend(symbol.trades.take());
                if !symbol.rows.is_empty() {
                    symbol.rows.clear();
                    emptied.push(symbol.id);
                }
            }
        }
        // Subscribers that have gone leave no rows behind.
        let empty = Rows::default().snapshot();
        for id in emptied {
            self.put(id, &empty);
        }
        let now = (self.clock)();
        if !self.parting.is_empty() && self.common.lock().budget.take(now, Class::Data).is_ok() {
            self.parting.pop();
        }
    }

    /// At most one new subscription a turn, so that what is subscribed is read meanwhile. Depth
    /// first: its slots are few, and cancelled ones are free only once the cancel is written.
    fn subscribe(&mut self, broker: &dyn Broker) {
        let now = (self.clock)();
        let config = &self.common.config;
        let (lines, depth, trades) = (config.lines, config.depth, config.trades);
        let count = |has: fn(&Symbol) -> bool| self.symbols.iter().filter(|s| has(s)).count();
        let taken = (
            count(|s| s.quotes.is_some()),
            count(|s| s.depth.is_some()),
            count(|s| s.trades.is_some()),
        );
        let due = |s: &Symbol| !s.barred && now >= s.again;
        let free = self.parting.is_empty();
        let want = |s: &Symbol| {
            if s.slot && s.depth.is_none() && free && taken.1 < depth && due(s) {
                Some(Want::Depth)
            } else if s.slot && s.trades.is_none() && free && taken.2 < trades && due(s) {
                Some(Want::Trades)
            } else if s.quotes.is_none() && taken.0 < lines && due(s) {
                Some(Want::Quotes)
            } else {
                None
            }
        };
        let next = self
            .symbols
            .iter()
            .enumerate()
            .find_map(|(at, s)| want(s).map(|want| (at, want)));
        let Some((at, want)) = next else {
            self.common.data_done.store(self.session, Ordering::Release);
            return;
        };
        if self.common.lock().budget.take(now, Class::Data).is_err() {
            return;
        }
        let symbol = &mut self.symbols[at];
        let asked = match want {
            Want::Depth => broker.depth(symbol.id, self.common.config.rows),
            Want::Trades => broker.trades(symbol.id),
            Want::Quotes => broker.quotes(symbol.id),
        };
        match asked {
            Ok(feed) if matches!(want, Want::Depth) => {
                symbol.rows.clear();
                symbol.whole = true;
                symbol.depth = Some(feed);
            }
            Ok(feed) if matches!(want, Want::Trades) => symbol.trades = Some(feed),
            Ok(feed) => symbol.quotes = Some(feed),
            Err(why) => {
                symbol.again = now.saturating_add(AGAIN);
                (self.common.tell)(&format!("data of instrument {}: {why}", symbol.id.0));
            }
        }
    }

    /// Reads every subscription once; true when there was something.
    fn sweep(&mut self) -> bool {
        let mut symbols = core::mem::take(&mut self.symbols);
        let mut some = false;
        for symbol in &mut symbols {
            some |= self.read(symbol, Want::Quotes);
            some |= self.read(symbol, Want::Trades);
            some |= self.read(symbol, Want::Depth);
            self.tell_loan(symbol);
            if symbol.dirty {
                self.tell_quote(symbol);
            }
            if symbol.depth.is_some() && symbol.whole && !symbol.rows.is_empty() {
                symbol.whole = !self.put(symbol.id, &symbol.rows.snapshot());
            }
        }
        self.symbols = symbols;
        // Once all of it is on its way: with one core for both, who is woken runs at once.
        if core::mem::take(&mut self.news) {
            self.common.rouse_writer();
        }
        some
    }

    fn read(&mut self, symbol: &mut Symbol, want: Want) -> bool {
        let mut some = false;
        for _ in 0..TURN {
            let feed = match want {
                Want::Quotes => &mut symbol.quotes,
                Want::Trades => &mut symbol.trades,
                Want::Depth => &mut symbol.depth,
            };
            let Some(open) = feed else {
                break;
            };
            match open.poll() {
                Polled::Empty => break,
                Polled::Tick(tick) => self.tick(symbol, tick, want),
                Polled::Pair(first, second) => {
                    self.tick(symbol, first, want);
                    self.tick(symbol, second, want);
                }
                Polled::Ended(notice) => {
                    *feed = None;
                    self.ended(symbol, notice);
                }
            }
            some = true;
        }
        some
    }

    fn tick(&mut self, symbol: &mut Symbol, tick: Tick, from: Want) {
        match tick {
            Tick::Bid(price) => symbol.set(|quote| quote.bid = price),
            Tick::Ask(price) => symbol.set(|quote| quote.ask = price),
            Tick::BidQty(qty) => symbol.set(|quote| quote.bid_qty = qty),
            Tick::AskQty(qty) => symbol.set(|quote| quote.ask_qty = qty),
            Tick::Trade { price, qty, at } => {
                // Where every trade is subscribed to, the summary of quotes would count twice.
                let twice = matches!(from, Want::Quotes) && symbol.trades.is_some();
                if symbol.live && !twice {
                    self.trade(symbol, price, qty, at);
                }
            }
            Tick::Halted(state) => self.halt(symbol, state),
            Tick::Shortable(grade) => symbol.loan.graded(grade),
            Tick::ShortShares(shares) => symbol.loan.counted(shares),
            Tick::Other => {}
            Tick::Live(live) => self.live(symbol, live),
            Tick::Row {
                position,
                op,
                side,
                price,
                qty,
                maker,
            } => {
                let row = DepthRow {
                    price,
                    maker,
                    qty,
                    position,
                    op,
                    side,
                    source: MARKET,
                    flags: 0,
                    spare: [0; 5],
                };
                self.row(symbol, &row);
            }
            Tick::Reset => {
                symbol.rows.clear();
                symbol.whole = true;
                self.gap(symbol.id, GapReason::Lost, 0);
            }
            Tick::Notice(notice) => self.notice(symbol, &notice),
            Tick::Bad(_) => self.fault(symbol.id, FaultCode::BadValue, 0),
        }
    }

    fn row(&mut self, symbol: &mut Symbol, row: &DepthRow) {
        let place = (row.op, row.position);
        let values = (row.price, row.qty, row.maker);
        if symbol.rows.apply(row.side, place, values).is_err() {
            // What we have is not what the broker has: from the beginning, please.
            self.fault(symbol.id, FaultCode::BadPosition, u64::from(row.position));
            self.gap(symbol.id, GapReason::Lost, 0);
            self.parting.extend(symbol.depth.take());
            symbol.rows.clear();
        } else if !symbol.whole && symbol.live {
            symbol.whole = !self.put(symbol.id, row);
            self.news |= row.position == 0;
        }
    }

    /// Before any quote: an entry that rests on one knows what can be borrowed.
    fn tell_loan(&mut self, symbol: &mut Symbol) {
        if symbol.borrows
            && let Some(borrow) = symbol.loan.news()
            && self.put(symbol.id, &borrow)
        {
            symbol.loan.told(&borrow);
        }
    }

    fn tell_quote(&mut self, symbol: &mut Symbol) {
        let now = symbol.quote;
        if !symbol.live {
            symbol.dirty = false;
            return;
        }
        if symbol.gapped && (now.bid == Price::ZERO || now.ask == Price::ZERO) {
            return;
        }
        let quote = Quote {
            bid: now.bid,
            ask: now.ask,
            bid_qty: if now.bid == Price::ZERO {
                0
            } else {
                now.bid_qty
            },
            ask_qty: if now.ask == Price::ZERO {
                0
            } else {
                now.ask_qty
            },
            source: MARKET,
            flags: 0,
            spare: [0; 5],
        };
        let told = self.put(symbol.id, &quote);
        // Behind it: the quote before it is from before the gap.
        symbol.gapped &= !(told && self.gap(symbol.id, GapReason::Recovered, 0));
        symbol.dirty = !told || symbol.gapped;
        self.news = true;
    }

    fn trade(&mut self, symbol: &mut Symbol, price: Price, qty: u32, at: Nanos) {
        if symbol.lost > 0 && self.gap(symbol.id, GapReason::Overrun, symbol.lost) {
            self.gap(symbol.id, GapReason::Recovered, symbol.lost);
            symbol.lost = 0;
        }
        let trade = Trade {
            price,
            qty,
            venue_ts: at,
            source: MARKET,
            ..Trade::zeroed()
        };
        if !self.put(symbol.id, &trade) {
            symbol.lost += 1;
        }
    }

    fn halt(&mut self, symbol: &mut Symbol, state: i64) {
        if core::mem::replace(&mut symbol.halt, state) == state {
            return;
        }
        let halt = Halt {
            source: MARKET,
            state: match state {
                0 => HaltState::Trading,
                2 => HaltState::Paused,
                _ => HaltState::Halted,
            },
            ..Halt::zeroed()
        };
        while !self.put(symbol.id, &halt) {
            if self.common.is_stopping() || self.ring.is_abandoned() {
                return;
            }
            std::thread::yield_now();
        }
    }

    fn live(&mut self, symbol: &mut Symbol, live: bool) {
        if live {
            self.common.lock().link.data_is_live();
        } else if symbol.live {
            (self.common.tell)(&format!(
                "instrument {}: the broker sends delayed or frozen data; they are not used",
                symbol.id.0
            ));
            self.gap(symbol.id, GapReason::Stale, 0);
            symbol.gapped = true;
        }
        symbol.live = live;
    }

    fn notice(&mut self, symbol: &mut Symbol, notice: &Notice) {
        let row = policy(notice.code, Bound::Request);
        let now = (self.clock)();
        self.common.heard(now, notice, &row);
        match row.symbol {
            OnSymbol::Keep | OnSymbol::DepthGone => {}
            OnSymbol::Untradable => {
                symbol.live = false;
                self.gap(symbol.id, GapReason::Stale, 0);
                symbol.gapped = true;
                self.fault(symbol.id, FaultCode::Broker, notice.code as u64);
            }
            OnSymbol::DepthReset => {
                symbol.rows.clear();
                symbol.whole = true;
            }
            OnSymbol::AskAgain => symbol.again = now.saturating_add(AGAIN),
        }
    }

    /// A subscription ended, by a code or with the connection.
    fn ended(&mut self, symbol: &mut Symbol, notice: Option<Notice>) {
        let now = (self.clock)();
        symbol.again = now.saturating_add(AGAIN);
        self.gap(symbol.id, GapReason::Ended, 0);
        symbol.gapped = true;
        let Some(notice) = notice else {
            return;
        };
        let row = policy(notice.code, Bound::Request);
        self.common.heard(now, &notice, &row);
        self.fault(symbol.id, FaultCode::Broker, notice.code as u64);
        symbol.barred = row.symbol == OnSymbol::Untradable;
    }

    fn gap(&mut self, id: InstrumentId, reason: GapReason, lost: u64) -> bool {
        let gap = Gap {
            lost,
            source: MARKET,
            reason,
            ..Gap::zeroed()
        };
        self.put(id, &gap)
    }

    fn fault(&mut self, id: InstrumentId, code: FaultCode, value: u64) {
        let fault = Fault {
            position: 0,
            value,
            source: MARKET,
            code,
            spare: [0; 13],
        };
        // A fault that finds no room is lost; what it tells of stands in the book's quality.
        self.put(id, &fault);
    }

    /// False when the ring has no room.
    fn put<P: Payload>(&mut self, id: InstrumentId, payload: &P) -> bool {
        let ts = (self.clock)();
        self.draft.write(id, payload);
        self.draft.header_mut().ts = ts;
        self.ring
            .push_entire_slice(self.draft.frame().lines())
            .is_ok()
    }
}

impl Symbol {
    fn set(&mut self, change: impl FnOnce(&mut Best)) {
        let before = self.quote;
        change(&mut self.quote);
        self.dirty |= before != self.quote;
    }
}

#[derive(Clone, Copy)]
enum Want {
    Quotes,
    Trades,
    Depth,
}
