//! What a frame did to a book: how a matching simulator follows queues without a book of its own.

use stream::payload::FaultCode;
use stream::{InstrumentId, Price, Side};

/// What one frame did to one book, in order.
///
/// Only what the book shows is told: of an instrument with orders or levels the ladder, else of
/// one with positional rows the rows, else the quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// An order joined the back of a level.
    Added {
        /// Its side.
        side: Side,
        /// Its price.
        price: Price,
        /// Its quantity, at least 1.
        qty: u64,
        /// Its place: the book's count of arrivals, from 1; it only grows.
        priority: u64,
    },
    /// Quantity left a level: an order shrank, left, or traded.
    Reduced {
        /// The level's side.
        side: Side,
        /// The level's price.
        price: Price,
        /// What left, at least 1.
        qty: u64,
        /// Place of the order that it left from; 0 is an anonymous one, somewhere in the queue.
        priority: u64,
        /// True when it traded; a [`Effect::Traded`] follows.
        traded: bool,
    },
    /// A level's whole quantity changed, and who stands in it is not known any more.
    Level {
        /// The level's side.
        side: Side,
        /// The level's price.
        price: Price,
        /// What the book showed there before; 0 where it showed nothing.
        old: u64,
        /// What it shows from now on. 0 also when a level left the part of the book that the
        /// source shows.
        new: u64,
    },
    /// A trade: once for each, hidden ones too.
    Traded {
        /// Its price.
        price: Price,
        /// Its quantity, at least 1.
        qty: u64,
        /// Side of the order that rested; `None` where neither the feed nor the quote tells.
        resting: Side,
        /// False for crosses, busts and all that is not to be counted in volume.
        printed: bool,
    },
    /// Everything known of the book was emptied.
    Reset,
}

/// Which books a frame may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// None.
    None,
    /// This one.
    One(InstrumentId),
    /// Any of them.
    All,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Which books it may have changed.
    pub touched: Touched,
    /// What was wrong with it; counted in its book too.
    pub fault: Option<FaultCode>,
}

impl Applied {
    /// A frame that is not about books.
    pub const NOTHING: Self = Self {
        touched: Touched::None,
        fault: None,
    };
}
