//! The book stage: books in the stream.

use crate::books::{Books, Config};
use crate::effect::{Effect, Touched};
use crate::rows::ROWS_MAX;
use crate::saved;
use crate::view::{self, Totals};
use stream::hash::{fold, fold_all};
use stream::payload::{Best, Evaluate, Tick, Timer};
use stream::{Emitter, FrameRef, InstrumentId, Kind, Kinds, Nanos, Out, Stage, StageId};

/// Keeps the books and reports them.
///
/// * `Best` behind every frame that changed an instrument's best quote or quality, at most one for
///   each; none while a venue event is between two states.
/// * Behind `Tick(evaluate)`: a `BookView` for each instrument that changed since its last one, in
///   the order of ids, then `Evaluate`.
/// * Behind `Tick(housekeeping)`: the state hash.
///
/// Books that become stale do so at ticks; their `Best` goes before the views.
#[derive(Debug)]
pub struct BookStage {
    books: Books,
    emitter: Emitter,
    stale: Nanos,
    /// The newest `Best` of each instrument.
    bests: Vec<Best>,
    /// The tape's totals at each instrument's newest view.
    totals: Vec<Totals>,
    /// One bit for each instrument: changed since its newest view.
    changed: Vec<u64>,
    /// What the last frame did, where somebody wants to know.
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    touched: Touched,
    effects: Vec<Effect>,
}

/// Effects of one frame at most: a snapshot's, of which on both sides all rows may go and others
/// come.
const EFFECTS_MAX: usize = 4 * ROWS_MAX;

impl BookStage {
    /// A stage with empty books.
    ///
    /// # Panics
    /// As [`Books::new`].
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::of(config, Books::new(config))
    }

    /// A stage with these books, which are of that configuration and empty yet.
    ///
    /// # Panics
    /// When the books are not as many as the configuration says.
    #[must_use]
    pub fn of(config: &Config, books: Books) -> Self {
        assert_eq!(
            books.len(),
            config.instruments,
            "other books than the stage's"
        );
        let nothing = books
            .get(InstrumentId(1))
            .map_or_else(Best::zeroed, view::best);
        Self {
            emitter: Emitter::new(StageId::Book),
            stale: config.stale,
            bests: vec![nothing; config.instruments],
            totals: vec![Totals::default(); config.instruments],
            changed: vec![0; config.instruments.div_ceil(64)],
            books,
            kept: None,
        }
    }

    /// Keeps from now on what each frame did, for a broker that matches on these books.
    pub fn keep_effects(&mut self) {
        self.kept = Some(Kept {
            touched: Touched::None,
            effects: Vec::with_capacity(EFFECTS_MAX),
        });
    }

    /// Which books the last frame changed that may change any, and what it did to the one of its
    /// instrument, in order; nothing unless [`BookStage::keep_effects`] was called.
    #[must_use]
    #[inline]
    pub fn last(&self) -> (Touched, &[Effect]) {
        let kept = self.kept.as_ref();
        kept.map_or((Touched::None, &[]), |kept| (kept.touched, &kept.effects))
    }

    #[inline(always)]
    fn apply(&mut self, frame: FrameRef<'_>) -> Touched {
        let Some(kept) = &mut self.kept else {
            return self.books.apply(frame, &mut |_| {}).touched;
        };
        kept.effects.clear();
        let keep = &mut |effect| kept.effects.push(effect);
        kept.touched = self.books.apply(frame, keep).touched;
        kept.touched
    }

    /// The books.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// Marks an instrument's book as changed and emits its `Best` if that is another one.
    #[inline(always)]
    fn report<O: Out>(&mut self, frame: FrameRef<'_>, index: usize, out: &mut O) {
        self.changed[index / 64] |= 1 << (index % 64);
        let book = &self.books.books[index];
        if book.between_states() {
            return;
        }
        let best = view::best(book);
        if best.differs_from(&self.bests[index]) {
            self.bests[index] = best;
            let instrument = InstrumentId(index as u16 + 1);
            self.emitter.emit(frame, instrument, &best, out);
        }
    }

    /// Reports every book that a frame about all of them changed.
    #[inline(never)]
    fn report_all<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        // A session starts every tape anew; all else that is about every book shows in its best.
        let always = frame.kind() == Kind::Session;
        for index in 0..self.books.len() {
            if always || view::best(&self.books.books[index]) != self.bests[index] {
                self.report(frame, index, out);
            }
        }
    }

    fn on_tick<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        let tick = frame.read::<Tick>();
        match tick.timer {
            Timer::Evaluate => self.evaluate(frame, tick, out),
            Timer::Housekeeping => {
                let hash = self.state_hash();
                self.emitter.state_hash(frame, hash, out);
            }
            Timer::Pulse => {}
        }
    }

    fn evaluate<O: Out>(&mut self, frame: FrameRef<'_>, tick: &Tick, out: &mut O) {
        let mut views = 0;
        for word in 0..self.changed.len() {
            let mut bits = core::mem::take(&mut self.changed[word]);
            while bits != 0 {
                let index = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let book = &self.books.books[index];
                let view = view::view(book, &self.totals[index], frame.ts(), self.stale);
                self.totals[index] = Totals::of(book);
                let instrument = InstrumentId(index as u16 + 1);
                self.emitter.emit(frame, instrument, &view, out);
                views += 1;
            }
        }
        let evaluate = Evaluate {
            due: tick.due,
            number: tick.number,
            views,
            missed: tick.missed,
            market_ts: self.books.market_ts(),
        };
        self.emitter.emit(frame, InstrumentId::NONE, &evaluate, out);
    }
}

impl Stage for BookStage {
    const NAME: &'static str = "book";
    const ID: StageId = StageId::Book;
    const ACTS_ON: Kinds = Kinds::MARKET.or(Kinds::of(&[
        Kind::Tick,
        Kind::Session,
        Kind::Instrument,
        Kind::Checkpoint,
    ]));

    fn emits(&self, kind: Kind, tell: &mut dyn FnMut(Kind, usize)) {
        let all = self.books.len();
        match kind {
            Kind::Fault => {}
            // These may be about every instrument.
            Kind::Gap | Kind::Clear | Kind::Halt => tell(Kind::Best, all.max(1)),
            Kind::Instrument => tell(Kind::Best, 1),
            Kind::Tick => {
                tell(Kind::Best, all);
                tell(Kind::BookView, all);
                tell(Kind::Evaluate, 1);
                tell(Kind::StateHash, 1);
            }
            kind if kind.is_market() => tell(Kind::Best, 1),
            _ => {}
        }
    }

    #[inline]
    fn on_frame<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        self.emitter.pass(frame, out);
        match self.apply(frame) {
            Touched::None => {}
            Touched::One(instrument) => self.report(frame, instrument.index() - 1, out),
            Touched::All => self.report_all(frame, out),
        }
        if frame.kind() == Kind::Tick {
            self.on_tick(frame, out);
        }
    }

    fn state_hash(&self) -> u64 {
        let mut hash = self.books.state_hash();
        for best in &self.bests {
            let prices = [best.bid.0 as u64, best.ask.0 as u64];
            let qtys = u64::from(best.bid_qty) << 32 | u64::from(best.ask_qty);
            let quality = u64::from(best.quality);
            hash = fold_all(hash, [prices[0], prices[1], qtys, quality]);
        }
        for totals in &self.totals {
            hash = fold_all(hash, [totals.trades, totals.bought, totals.sold]);
        }
        self.changed.iter().copied().fold(hash, fold)
    }

    /// What a session's tape shows and whether the instrument trades; never books: they are built
    /// anew from fresh data.
    fn save(&self, bytes: &mut Vec<u8>) {
        saved::save(&self.books.books, bytes);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        saved::load(&mut self.books.books, bytes)
    }
}
