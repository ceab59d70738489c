//! What the stage knows of one instrument's market.

use crate::features::{Features, mid2};
use crate::outcomes::Touch;
use crate::session::Hours;
use stream::Price;
use stream::hash::trail;
use stream::payload::{Best, BookView, Instrument};

/// One instrument.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    /// Price step, 0 while the instrument's definition is unknown.
    pub(crate) tick: Price,
    pub(crate) shortable: bool,
    pub(crate) hours: Hours,
    /// The newest best quote, from `Best` or a view.
    bid: Price,
    ask: Price,
    quality: u8,
    pub(crate) view: BookView,
    pub(crate) features: Features,
    /// It has a view that no evaluation has looked at.
    pub(crate) is_dirty: bool,
    /// Its feed brings a full book without a slot.
    pub(crate) has_full_book: bool,
    /// It has held a depth slot.
    pub(crate) had_slot: bool,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            tick: Price::ZERO,
            shortable: false,
            hours: Hours::default(),
            bid: Price::ZERO,
            ask: Price::ZERO,
            quality: stream::payload::quality::EMPTY,
            view: BookView::zeroed(),
            features: Features::default(),
            is_dirty: false,
            has_full_book: false,
            had_slot: false,
        }
    }

    pub(crate) fn define(&mut self, instrument: &Instrument) {
        self.tick = Price(instrument.tick_size.0.max(0));
        self.shortable = instrument.shortable != 0;
    }

    #[inline]
    pub(crate) fn on_best(&mut self, best: &Best) {
        (self.bid, self.ask, self.quality) = (best.bid, best.ask, best.quality);
    }

    pub(crate) fn on_view(&mut self, view: &BookView) {
        (self.bid, self.ask, self.quality) = (view.bid, view.ask, view.quality);
        self.view = *view;
    }

    pub(crate) fn quality(&self) -> u8 {
        self.quality
    }

    /// The touch, when the book is tradable.
    #[inline]
    pub(crate) fn touch(&self) -> Option<Touch> {
        let sound = self.quality == 0 && self.bid.0 > 0 && self.ask.0 > 0;
        sound.then_some(Touch {
            bid: self.bid,
            ask: self.ask,
        })
    }

    /// Twice the mid, when the book is tradable.
    #[inline]
    pub(crate) fn mid2(&self) -> Option<i64> {
        mid2(self.bid, self.ask).filter(|_| self.quality == 0)
    }

    /// Levels or rows are known on both sides.
    pub(crate) fn has_levels(&self) -> bool {
        self.view.depth_levels_bid > 0 && self.view.depth_levels_ask > 0
    }

    /// A hash of what no view has folded into the stage's digest yet.
    pub(crate) fn hash(&self) -> u64 {
        let quote = self.bid.0 as u64 ^ (self.ask.0 as u64).rotate_left(32);
        let flags = u64::from(self.quality)
            | u64::from(self.is_dirty) << 8
            | u64::from(self.has_full_book) << 9
            | u64::from(self.had_slot) << 10
            | u64::from(self.shortable) << 11;
        trail(quote ^ flags, self.hours.open.0 ^ self.tick.0 as u64)
    }

    pub(crate) fn spread(&self) -> Price {
        self.view.ask.saturating_sub(self.view.bid)
    }
}
