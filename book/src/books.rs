//! One container for the books of all instruments.
//!
//! Three parts use it: the book stage, the gateway's simulated edge (queue positions) and the
//! tools that print books. All of them see the same books, because a book is a function of the
//! frames alone.
//!
//! # When a book is gapped
//! A source said so (`Gap`), or its frames prove that something is wrong with what we know: an
//! order id that is not in the book and that no anonymous residue accounts for; an order id that
//! lives already; more taken from an order than it had; a side, price or quantity that contradicts
//! the order; a row position that does not exist; or no room left ([`Config`]). Frames with absurd
//! values are skipped and counted, they prove nothing about the rest. A gapped book goes on
//! applying what it can. It is sound again after `Clear`, `DepthSnapshot` or `Gap(Recovered)` of
//! the source that it was gapped by.

use crate::apply_levels::trade;
use crate::book::{Book, OrderView};
use crate::desk::{Desk, NotReady};
use crate::effect::{Applied, Effect, Touched};
use crate::orders::{Order, Orders};
use crate::rows::{Rows, side_index};
use core::ops::Range;
use stream::hash::{fold, trail};
use stream::payload::{
    Add, Bar, Clear, Delete, DepthRow, DepthSnapshot, Execute, FaultCode, Gap, GapReason, Halt,
    Instrument, Level, Modify, Quote, Session, Tick, Timer, Trade, flags,
};
use stream::{FrameRef, InstrumentId, Kind, Nanos, SourceId};

/// Sizes, fixed for the life of the books, and the stale limit.
///
/// Memory: about 48 KiB + 64 bytes × `levels_max` for each instrument, and 144 to 288 bytes for
/// each of `orders_max` and 512 KiB; reserved whole at construction, of the orders only what is
/// used is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Highest instrument id.
    pub instruments: usize,
    /// Orders by id of all books together. Orders of emptied books and forgotten levels count
    /// until the table's sweep has come by: give feeds with forgotten levels twice the orders
    /// that live. Beyond it an order is skipped as `TableFull` and its book is gapped.
    pub orders_max: usize,
    /// Levels of one side of one book beside those in the window around the best
    /// ([`WINDOW`](crate::WINDOW)), at least 1. Beyond it the farthest are dropped as `TableFull`
    /// and the book is gapped.
    pub levels_max: usize,
    /// A book is stale when its newest market frame is older than this.
    pub stale: Nanos,
}

/// The books of all instruments.
#[derive(Debug)]
pub struct Books {
    pub(crate) books: Vec<Book>,
    pub(crate) orders: Orders,
    /// Where a snapshot's old rows wait while the new ones are compared with them.
    pub(crate) scratch: Rows,
    stale: Nanos,
    market_ts: Nanos,
    strangers: u64,
}

impl Books {
    /// Empty books for instruments 1 to `config.instruments`.
    ///
    /// # Panics
    /// If `config.levels_max` is 0 or `config.instruments` is no instrument id.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::with_memory(config, &mut |_| {})
    }

    /// As [`Books::new`]; `reserved` hears the addresses of the books with their levels, and of the
    /// two parts of the orders' table that a large market takes, while nobody has touched them
    /// yet: the moment to ask the system for large pages. What it asks for may change how they lie
    /// in memory, never what they hold.
    ///
    /// # Panics
    /// As [`Books::new`].
    #[must_use]
    pub fn with_memory(config: &Config, reserved: &mut dyn FnMut(Range<usize>)) -> Self {
        assert!(
            config.instruments < usize::from(u16::MAX),
            "more instruments than ids"
        );
        let mut books = Vec::with_capacity(config.instruments);
        let start = books.as_ptr() as usize;
        reserved(start..start + config.instruments * size_of::<Book>());
        books.extend((0..config.instruments).map(|_| Book::new(config.levels_max)));
        let orders = Orders::new(config.orders_max);
        orders.memory().into_iter().for_each(reserved);
        Self {
            books,
            orders,
            scratch: Rows::new(),
            stale: config.stale,
            market_ts: Nanos::ZERO,
            strangers: 0,
        }
    }

    pub(crate) const fn stale(&self) -> Nanos {
        self.stale
    }

    /// The addresses of what even a small market takes of the orders' table, sooner or later; 2.5
    /// MiB at most. While the books are new nobody has touched it: the moment to have it made
    /// ready, where no frame is to wait for a page of memory.
    #[must_use]
    pub fn memory_first(&self) -> [Range<usize>; 2] {
        self.orders.memory_first()
    }

    /// How many books there are; their ids are 1 to this.
    #[must_use]
    pub fn len(&self) -> usize {
        self.books.len()
    }

    /// True when there are no books.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.books.is_empty()
    }

    /// The book of an instrument.
    ///
    /// # Panics
    /// If there is no such instrument; see [`Books::get`].
    #[must_use]
    pub fn book(&self, instrument: InstrumentId) -> &Book {
        self.get(instrument).expect("no book of that instrument")
    }

    /// The book of an instrument, if there is one.
    #[must_use]
    pub fn get(&self, instrument: InstrumentId) -> Option<&Book> {
        self.books.get(instrument.index().checked_sub(1)?)
    }

    /// The order with that id in the instrument's book.
    #[must_use]
    pub fn order(&self, instrument: InstrumentId, order_id: u64) -> Option<OrderView> {
        let since = self.get(instrument)?.emptied;
        let (_, order) = self.orders.look(instrument, order_id, since)?;
        is_alive(&self.books, &order).then(|| order.into())
    }

    /// `ts` of the newest market frame of any instrument.
    #[must_use]
    pub const fn market_ts(&self) -> Nanos {
        self.market_ts
    }

    /// Frames about instruments that have no book.
    #[must_use]
    pub const fn strangers(&self) -> u64 {
        self.strangers
    }

    /// Places taken in the order table, see [`Config::orders_max`].
    #[must_use]
    pub const fn orders_used(&self) -> usize {
        self.orders.used()
    }

    /// Applies a frame; `effect` is told what it did, in order. Frames that are not about books
    /// (derived ones too) do nothing. On evaluation and housekeeping ticks, books become stale.
    ///
    /// A `Halt`, `Clear`, `Gap` or `Session` on instrument 0 is about every book (of its source,
    /// for `Clear` and `Gap`); their effects are not told.
    ///
    /// # Panics
    /// When a payload does not fit its kind, see [`FrameRef::read`].
    #[inline(always)]
    pub fn apply(&mut self, frame: FrameRef<'_>, effect: &mut impl FnMut(Effect)) -> Applied {
        let instrument = frame.instrument();
        let index = instrument.index().wrapping_sub(1);
        if index >= self.books.len() {
            return if frame.kind().is_market() {
                self.apply_elsewhere(frame)
            } else {
                self.apply_other(frame)
            };
        }
        let fault = match frame.kind() {
            Kind::Add => {
                let add = frame.read::<Add>();
                let mut desk = self.arrive(frame, index, add.source, add.flags);
                match desk.add(add, effect) {
                    Ok(fault) => fault,
                    Err(NotReady) => self.add_rarer(instrument, index, add, effect),
                }
            }
            Kind::Delete => {
                let delete = frame.read::<Delete>();
                let mut desk = self.arrive(frame, index, delete.source, delete.flags);
                desk.delete(delete, effect)
            }
            Kind::Execute => {
                let execute = frame.read::<Execute>();
                let mut desk = self.arrive(frame, index, execute.source, execute.flags);
                desk.execute(frame.ts(), execute, effect)
            }
            Kind::Level => {
                let level = frame.read::<Level>();
                let mut desk = self.arrive(frame, index, level.source, level.flags);
                desk.level(level, effect)
            }
            kind if !kind.is_market() => return self.apply_other(frame),
            _ => self.apply_rarer(frame, index, effect),
        };
        if let Some(code) = fault {
            self.books[index].fault(code);
        }
        Applied {
            touched: Touched::One(instrument),
            fault,
        }
    }

    /// What comes less often.
    #[inline(never)]
    fn apply_rarer(
        &mut self,
        frame: FrameRef<'_>,
        index: usize,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        match frame.kind() {
            Kind::Modify => {
                let modify = frame.read::<Modify>();
                self.arrive(frame, index, modify.source, modify.flags);
                self.modify(frame.instrument(), index, modify, effect)
            }
            Kind::Trade => {
                let told = frame.read::<Trade>();
                let desk = self.arrive(frame, index, told.source, told.flags);
                trade(desk.book, frame.ts(), told, effect)
            }
            _ => self.apply_broker(frame, index, effect),
        }
    }

    /// What brokers send, and what is about a book as a whole.
    fn apply_broker(
        &mut self,
        frame: FrameRef<'_>,
        index: usize,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        match frame.kind() {
            Kind::DepthRow => {
                let row = frame.read::<DepthRow>();
                self.arrive(frame, index, row.source, row.flags);
                return self.depth_row(frame.ts(), index, row, effect);
            }
            Kind::DepthSnapshot => {
                let snapshot = frame.read::<DepthSnapshot>();
                self.arrive(frame, index, snapshot.source, snapshot.flags);
                return self.depth_snapshot(frame.ts(), index, snapshot, effect);
            }
            Kind::Quote => {
                let quote = frame.read::<Quote>();
                self.arrive(frame, index, quote.source, quote.flags);
                return self.quote(frame.ts(), index, quote, effect);
            }
            Kind::Bar => {
                let bar = frame.read::<Bar>();
                self.arrive(frame, index, bar.source, 0);
                let sound = self.books[index].tape.bar(frame.ts(), bar);
                return (!sound).then_some(FaultCode::BadValue);
            }
            Kind::Halt => {
                let halt = frame.read::<Halt>();
                // No part of an event between two states: it neither begins nor ends one.
                let more = u8::from(self.books[index].between) * flags::MORE;
                self.arrive(frame, index, halt.source, more);
                self.books[index].halt = halt.state;
            }
            Kind::Clear => {
                let clear = frame.read::<Clear>();
                self.arrive(frame, index, clear.source, clear.flags);
                self.clear(index, clear.source);
                effect(Effect::Reset);
            }
            Kind::Gap => self.gap(index, frame.read::<Gap>()),
            // Bad bytes at the source: counted there, and no word about the book.
            _ => {}
        }
        None
    }

    /// What every market frame of a book has in common.
    #[inline(always)]
    fn arrive(
        &mut self,
        frame: FrameRef<'_>,
        index: usize,
        source: SourceId,
        flag_bits: u8,
    ) -> Desk<'_> {
        self.market_ts = frame.ts();
        let desk = self.desk(frame.instrument(), index, source);
        desk.book.seen(frame.ts(), source);
        desk.book.between = flag_bits & flags::MORE != 0;
        desk
    }

    fn gap(&mut self, index: usize, gap: &Gap) {
        let book = &mut self.books[index];
        // The end of an event may be among what was lost.
        book.between = false;
        if gap.reason == GapReason::Recovered {
            book.recover(gap.source);
        } else {
            book.lose(gap.source);
        }
    }

    fn clear(&mut self, index: usize, source: SourceId) {
        let book = &mut self.books[index];
        book.ladders[0].clear();
        book.ladders[1].clear();
        book.emptied = book.arrivals;
        book.order_id_max = 0;
        if book.rows.is_empty() {
            book.quote = Default::default();
            book.mend(source);
        } else {
            // They are what the source empties: its quote stands beside them.
            book.rows.clear();
            book.mend_depth(source);
        }
        if book.laddered {
            self.orders.some_died();
        }
    }

    /// A market frame of no known instrument: some kinds mean every book.
    #[cold]
    fn apply_elsewhere(&mut self, frame: FrameRef<'_>) -> Applied {
        if frame.instrument() == InstrumentId::NONE {
            match frame.kind() {
                Kind::Gap => {
                    let gap = frame.read::<Gap>();
                    for index in 0..self.books.len() {
                        if self.books[index].is_of(gap.source) {
                            self.gap(index, gap);
                        }
                    }
                }
                Kind::Clear => {
                    let clear = frame.read::<Clear>();
                    for index in 0..self.books.len() {
                        if self.books[index].is_of(clear.source) {
                            self.books[index].between = clear.flags & flags::MORE != 0;
                            self.clear(index, clear.source);
                        }
                    }
                }
                Kind::Halt => {
                    let state = frame.read::<Halt>().state;
                    self.books.iter_mut().for_each(|book| book.halt = state);
                }
                Kind::Fault => return Applied::NOTHING,
                _ => return self.stranger(),
            }
            return Applied {
                touched: Touched::All,
                fault: None,
            };
        }
        self.stranger()
    }

    fn stranger(&mut self) -> Applied {
        self.strangers += 1;
        Applied {
            touched: Touched::None,
            fault: Some(FaultCode::UnknownInstrument),
        }
    }

    #[inline(never)]
    fn apply_other(&mut self, frame: FrameRef<'_>) -> Applied {
        match frame.kind() {
            Kind::Tick => match frame.read::<Tick>().timer {
                Timer::Evaluate | Timer::Housekeeping => self.sweep(frame.ts()),
                Timer::Pulse => Applied::NOTHING,
            },
            Kind::Instrument => self.define(frame),
            Kind::Session => self.begin_session(frame),
            _ => Applied::NOTHING,
        }
    }

    /// Finds the books that have become stale.
    fn sweep(&mut self, ts: Nanos) -> Applied {
        let mut applied = Applied::NOTHING;
        for book in &mut self.books {
            let silent = ts.saturating_sub(book.market_ts) > self.stale;
            if silent && !book.stale && book.market_ts != Nanos::ZERO {
                book.stale = true;
                applied.touched = Touched::All;
            }
        }
        applied
    }

    fn define(&mut self, frame: FrameRef<'_>) -> Applied {
        let tick = frame.read::<Instrument>().tick_size;
        let index = frame.instrument().index().wrapping_sub(1);
        if index >= self.books.len() {
            return self.stranger();
        }
        let mut fault = None;
        if tick.0 <= 0 {
            fault = Some(FaultCode::BadValue);
        } else {
            let book = &mut self.books[index];
            let lost = book.ladders[0].set_tick(tick) | book.ladders[1].set_tick(tick);
            if lost {
                book.gap(SourceId::default());
                self.orders.some_died();
                fault = Some(FaultCode::TableFull);
            }
        }
        if let Some(code) = fault {
            self.books[index].fault(code);
        }
        Applied {
            touched: Touched::One(frame.instrument()),
            fault,
        }
    }

    fn begin_session(&mut self, frame: FrameRef<'_>) -> Applied {
        let date = frame.read::<Session>().date;
        let index = frame.instrument().index();
        if index == 0 {
            let books = self.books.iter_mut();
            books.for_each(|book| book.tape.session(date));
            return Applied {
                touched: Touched::All,
                fault: None,
            };
        }
        match self.books.get_mut(index - 1) {
            Some(book) => book.tape.session(date),
            None => return self.stranger(),
        }
        Applied {
            touched: Touched::One(frame.instrument()),
            fault: None,
        }
    }

    /// A hash of all books. The ladders' part is kept as they change; the rest, of fixed size, is
    /// folded here.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let own = [self.market_ts.0, self.strangers, self.orders.used() as u64];
        let own = own.into_iter().chain(self.orders.layout());
        let hash = own.fold(self.books.len() as u64, trail);
        self.books
            .iter()
            .fold(hash, |hash, book| fold(hash, book.hash()))
    }
}

/// True when the order still stands in its level: levels that are emptied as a whole leave their
/// orders behind in the table.
pub(crate) fn is_alive(books: &[Book], order: &Order) -> bool {
    let book = &books[order.instrument.index() - 1];
    let level = book.ladders[side_index(order.side)].level(order.price);
    order.priority > book.emptied && level.is_some_and(|level| level.holds(order.priority))
}
