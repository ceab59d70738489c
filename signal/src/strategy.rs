//! What a strategy is.
//!
//! A strategy sees each instrument's newest view at an evaluation in which it changed, and says
//! how strongly each side speaks for itself. The stage decides whether that becomes a signal
//! (threshold, edge, throttles) and an intent (gates); only then the strategy is asked for prices.
//!
//! To add one: a module under `strategies` with its own configuration, a variant of
//! [`StrategyConfig`](crate::StrategyConfig), and a line in its `build`. A strategy keeps nothing
//! that it cannot hash, allocates only when it is built, and must treat a mirrored market as its
//! mirror image.

use crate::codec::{Reader, Writer};
use crate::features::Features;
use crate::session::Hours;
use stream::payload::{BookView, COMPONENTS};
use stream::{InstrumentId, Nanos, Price, Qty, Side};

/// One instrument at one evaluation. Its book is tradable and its tick size known.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Time of the evaluation.
    pub ts: Nanos,
    /// The evaluation's due time in evaluation periods.
    pub step: u64,
    /// Its newest view, both sides present.
    pub view: &'a BookView,
    /// Its features, the view included.
    pub features: &'a Features,
    /// Smallest price step, positive.
    pub tick: Price,
    /// Its session; `ts` is inside.
    pub hours: Hours,
}

/// How strongly each side speaks for itself, at most 1: buy, then sell.
pub type Scores = [f64; 2];

/// A set-up in prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    /// What made the score, in the strategy's documented order.
    pub components: [f64; COMPONENTS],
    /// Limit price of the entry, on the tick grid.
    pub entry: Price,
    /// Protective stop, on the grid, on the losing side of the entry.
    pub stop: Price,
    /// Target, on the grid, on the winning side of the entry.
    pub target: Price,
    /// Gates that the strategy itself closes, see [`gates`](crate::gates).
    pub gates: u32,
    /// How long its outcome is followed.
    pub horizon: Nanos,
    /// How long the entry may wait.
    pub ttl: Nanos,
    /// The entry is cancelled beyond this spread.
    pub spread_max: Price,
    /// The entry is cancelled after this long without a trade; 0 is never.
    pub tape_stall: Nanos,
    /// Share of the account risk to use, in ppm.
    pub risk_share_ppm: u32,
}

/// A position of the strategy's own at a `Best` of its instrument. The book is tradable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Shares or contracts, negative when short, never zero.
    pub position: Qty,
    /// Best bid.
    pub bid: Price,
    /// Best ask.
    pub ask: Price,
}

/// A strategy.
pub trait Strategy: Send + core::fmt::Debug {
    /// Its lower-case name.
    fn name(&self) -> &'static str;

    /// The score from which a side is a signal.
    fn threshold(&self) -> f64;

    /// Takes what is seen and scores both sides. `None` says that nothing can be said yet.
    fn judge(&mut self, seen: &Seen<'_>) -> Option<Scores>;

    /// The set-up of a side that [`Strategy::judge`] just scored at or above the threshold;
    /// `None` when it cannot be put into prices.
    fn setup(&self, seen: &Seen<'_>, side: Side) -> Option<Setup>;

    /// True when it moves the stops of its positions between evaluations: only then it is asked.
    fn protects(&self) -> bool {
        false
    }

    /// Where the stop of a position of its own is to stand from now on, on the tick grid; asked at
    /// each `Best`. `None` leaves it where it stands, and so does a price on the losing side of
    /// the stop that risk permitted.
    fn protect(&mut self, _held: &Held) -> Option<Price> {
        None
    }

    /// A hash of everything that decides what it says next; cheap, it is asked each second.
    fn hash(&self) -> u64;

    /// Appends what must survive a change of binary or of day.
    fn save(&self, writer: &mut Writer<'_>);

    /// Takes what [`Strategy::save`] wrote. After an error the state is undefined, and the caller
    /// loads another.
    ///
    /// # Errors
    /// Says what does not fit.
    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), &'static str>;
}
