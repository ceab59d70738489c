//! The book of one instrument, as others see it.

use crate::ladder::{Ladder, Levels};
use crate::orders::Order;
use crate::rows::{Rows, side_index};
use crate::tape::Tape;
use stream::hash::{fold, fold_all};
use stream::payload::{FaultCode, HaltState, quality};
use stream::{Nanos, Price, Side, SourceId};

/// Sources of one book that are told apart when gaps are reported and made good; all further ones
/// count as one.
pub const SOURCES_MAX: usize = 15;

/// An order that stands in a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// What is left of it.
    pub qty: u64,
    /// Its place: the book's count of arrivals; lower stands before higher at one price.
    pub priority: u64,
}

impl From<Order> for OrderView {
    fn from(order: Order) -> Self {
        Self {
            side: order.side,
            price: order.price,
            qty: u64::from(order.qty),
            priority: order.priority,
        }
    }
}

/// A level-1 quote; quantity 0 says that the side is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Top {
    pub(crate) price: Price,
    pub(crate) qty: u64,
}

/// The book of one instrument. What every frame needs stands in its first cache line.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Book {
    /// Orders that ever joined a queue.
    pub(crate) arrivals: u64,
    /// The highest order id that came since the book was emptied: one above it is new, and need not
    /// be looked for.
    pub(crate) order_id_max: u64,
    /// Its arrivals when it was emptied: what the table still holds of those is nobody's order,
    /// and its id may come again.
    pub(crate) emptied: u64,
    pub(crate) market_ts: Nanos,
    /// True once orders or levels were seen: the ladder is the authority from then on.
    pub(crate) laddered: bool,
    /// True once a quote was seen: it is the authority for the best of a book without ladder.
    pub(crate) quoted: bool,
    /// Whose quote was seen last.
    quoted_by: SourceId,
    /// That source had a gap since: its quote is from before it.
    requote: bool,
    /// Between two states of one venue event.
    pub(crate) between: bool,
    pub(crate) stale: bool,
    pub(crate) halt: HaltState,
    /// The source of the newest market frame, above all of them before the first.
    newest: u32,
    /// One bit for each source that lost something, see [`Book::source_bit`].
    gapped: u16,
    sources_len: u8,
    sources: [SourceId; SOURCES_MAX],
    pub(crate) quote: [Top; 2],
    pub(crate) ladders: [Ladder; 2],
    pub(crate) tape: Tape,
    pub(crate) rows: Rows,
    pub(crate) depth_ts: Nanos,
    faults: [u64; FaultCode::ALL.len()],
}

impl Book {
    pub(crate) fn new(levels_max: usize) -> Self {
        Self {
            ladders: [
                Ladder::new(Side::Buy, levels_max),
                Ladder::new(Side::Sell, levels_max),
            ],
            arrivals: 0,
            order_id_max: 0,
            emptied: 0,
            market_ts: Nanos::ZERO,
            tape: Tape::default(),
            laddered: false,
            quoted: false,
            quoted_by: SourceId::default(),
            requote: false,
            between: false,
            stale: false,
            halt: HaltState::Trading,
            newest: u32::MAX,
            gapped: 0,
            sources_len: 0,
            sources: [SourceId::default(); SOURCES_MAX],
            quote: [Top::default(); 2],
            rows: Rows::new(),
            depth_ts: Nanos::ZERO,
            faults: [0; FaultCode::ALL.len()],
        }
    }

    /// The best price of a side and its quantity: of the ladder where orders or levels were seen,
    /// else of the quote, else of the positional rows.
    ///
    /// # Panics
    /// On `Side::None`, as every function here that takes a side.
    #[must_use]
    #[inline]
    pub fn best(&self, side: Side) -> Option<(Price, u64)> {
        if self.laddered {
            self.ladders[side_index(side)].best()
        } else if self.quoted {
            self.quote_level(side)
        } else {
            self.rows.next_level(side, None)
        }
    }

    pub(crate) fn quote_level(&self, side: Side) -> Option<(Price, u64)> {
        let top = self.quote[side_index(side)];
        (top.qty > 0).then_some((top.price, top.qty))
    }

    /// The ladder of a side where orders or levels were seen.
    pub(crate) fn ladder(&self, side: Side) -> Option<&Ladder> {
        self.laddered.then(|| &self.ladders[side_index(side)])
    }

    /// Quantity at a price as far as the book shows it: of the ladder, else of the positional
    /// rows, else of the quote.
    #[must_use]
    pub fn level_qty(&self, side: Side, price: Price) -> u64 {
        if self.laddered {
            let level = self.ladders[side_index(side)].level(price);
            level.map_or(0, |level| level.total)
        } else if !self.rows.is_empty() {
            self.rows.qty(side, price)
        } else {
            let top = self.quote_level(side);
            top.filter(|top| top.0 == price).map_or(0, |top| top.1)
        }
    }

    /// The levels of a side, best first: price and whole quantity; of what
    /// [`Book::level_qty`] looks at.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = (Price, u64)> + '_ {
        if self.laddered {
            Shown::Ladder(self.ladders[side_index(side)].levels())
        } else if !self.rows.is_empty() {
            Shown::Rows(&self.rows, side, None)
        } else {
            Shown::Quote(self.quote_level(side))
        }
    }

    /// Why the book is not tradable, as in [`stream::payload::quality`]; 0 is a sound book.
    #[must_use]
    pub fn quality(&self) -> u8 {
        self.quality_at(self.best(Side::Buy), self.best(Side::Sell))
    }

    /// [`Book::quality`] where bid and ask are at hand.
    #[inline]
    pub(crate) fn quality_at(&self, bid: Option<(Price, u64)>, ask: Option<(Price, u64)>) -> u8 {
        let sides = match (bid, ask) {
            (Some(bid), Some(ask)) if bid.0 >= ask.0 => quality::CROSSED,
            (Some(_), Some(_)) => 0,
            (None, None) => quality::EMPTY,
            _ => quality::ONE_SIDED,
        };
        [
            (self.between, quality::EMPTY),
            (self.stale, quality::STALE),
            (self.gapped != 0, quality::GAPPED),
            (self.halted(), quality::HALTED),
        ]
        .into_iter()
        .fold(sides, |all, (is_so, flag)| all | (u8::from(is_so) * flag))
    }

    /// True while the instrument does not trade normally.
    #[must_use]
    pub fn halted(&self) -> bool {
        self.halt != HaltState::Trading
    }

    /// Whether and how it trades.
    #[must_use]
    pub const fn halt_state(&self) -> HaltState {
        self.halt
    }

    /// True between two states of one venue event.
    #[must_use]
    pub const fn between_states(&self) -> bool {
        self.between
    }

    /// What traded.
    #[must_use]
    pub const fn tape(&self) -> &Tape {
        &self.tape
    }

    /// `ts` of its newest market frame; 0 before the first.
    #[must_use]
    pub const fn market_ts(&self) -> Nanos {
        self.market_ts
    }

    /// True where orders or levels were seen, so that [`Book::levels`] is the venue's own book.
    #[must_use]
    pub const fn has_ladder(&self) -> bool {
        self.laddered
    }

    /// True while positional rows are known.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Orders that ever joined a queue: the priority of the newest.
    #[must_use]
    pub const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Faulty frames of that sort so far.
    #[must_use]
    pub const fn faults(&self, code: FaultCode) -> u64 {
        self.faults[code as usize]
    }

    /// All faulty frames so far.
    #[must_use]
    pub fn faults_total(&self) -> u64 {
        self.faults.iter().sum()
    }

    pub(crate) fn fault(&mut self, code: FaultCode) {
        self.faults[code as usize] += 1;
    }

    /// The bit of a source that has been seen; the last one stands for all beyond them.
    fn source_bit(&self, source: SourceId) -> Option<u16> {
        let known = &self.sources[..usize::from(self.sources_len)];
        match known.iter().position(|&known| known == source) {
            Some(at) => Some(1 << at),
            None if known.len() == SOURCES_MAX => Some(1 << SOURCES_MAX),
            None => None,
        }
    }

    /// A market frame of that source came in: the book is the source's from now on.
    #[inline]
    pub(crate) fn seen(&mut self, ts: Nanos, source: SourceId) {
        self.market_ts = ts;
        self.stale = false;
        // Nearly every book has one source.
        if self.newest != u32::from(source.0) {
            self.bind(source);
            self.newest = u32::from(source.0);
        }
    }

    fn bind(&mut self, source: SourceId) {
        if self.source_bit(source).is_none() {
            self.sources[usize::from(self.sources_len)] = source;
            self.sources_len += 1;
        }
    }

    /// True when the source ever sent this book a market frame; once the table of sources is full,
    /// for every further one too.
    pub(crate) fn is_of(&self, source: SourceId) -> bool {
        self.source_bit(source).is_some()
    }

    /// What the source says does not add up, or it lost something.
    pub(crate) fn gap(&mut self, source: SourceId) {
        self.bind(source);
        self.gapped |= self.source_bit(source).unwrap_or(1 << SOURCES_MAX);
    }

    /// The source's part of the book is sound again.
    pub(crate) fn mend(&mut self, source: SourceId) {
        self.gapped &= !self.source_bit(source).unwrap_or(0);
    }

    /// A quote has come.
    pub(crate) const fn quoted_by(&mut self, source: SourceId) {
        self.quoted = true;
        self.quoted_by = source;
        self.requote = false;
    }

    /// The source says that it lost something.
    pub(crate) fn lose(&mut self, source: SourceId) {
        self.requote |= self.quoted && self.quoted_by == source;
        self.gap(source);
    }

    /// The source says that nothing is missing any more.
    pub(crate) fn recover(&mut self, source: SourceId) {
        self.requote &= self.quoted_by != source;
        self.mend(source);
    }

    /// The source has told its depth anew, which says nothing of a quote from before its gap.
    pub(crate) fn mend_depth(&mut self, source: SourceId) {
        if !self.requote || self.quoted_by != source {
            self.mend(source);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        let [bids, asks] = &self.ladders;
        let bits = [
            self.requote,
            self.laddered,
            self.quoted,
            self.between,
            self.stale,
        ];
        let bits = bits
            .into_iter()
            .fold(self.halt as u64, |bits, bit| bits << 1 | u64::from(bit));
        let mut hash = fold(bits << 16 | u64::from(self.gapped), self.rows.hash());
        for source in &self.sources[..usize::from(self.sources_len)] {
            hash = fold(hash, u64::from(source.0));
        }
        let [bid, ask] = self.quote;
        let values = [
            bid.price.0 as u64,
            bid.qty,
            ask.price.0 as u64,
            ask.qty,
            bids.trail(),
            asks.trail(),
            self.arrivals,
            self.market_ts.0,
            self.depth_ts.0,
            self.tape.hash(),
            self.faults_total(),
        ];
        fold_all(hash, values)
    }
}

enum Shown<'a> {
    Ladder(Levels<'a>),
    Rows(&'a Rows, Side, Option<Price>),
    Quote(Option<(Price, u64)>),
}

impl Iterator for Shown<'_> {
    type Item = (Price, u64);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Ladder(levels) => levels.next().map(|(price, level)| (price, level.total)),
            Self::Rows(rows, side, than) => {
                let level = rows.next_level(*side, *than)?;
                *than = Some(level.0);
                Some(level)
            }
            Self::Quote(level) => level.take(),
        }
    }
}
