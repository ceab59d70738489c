//! Many frames at a time: what they will need from memory is asked for before it is needed.
//!
//! With millions of live orders nearly every frame is about an order that no cache holds, and a
//! look-up waits for memory, a hundred nanoseconds or more. Reads that do not depend on each other
//! wait together. So a batch is gone through first: where its orders stand is read, then where
//! their levels stand, and only then are its frames applied. What comes out is the same.

use crate::books::Books;
use crate::effect::{Applied, Effect};
use crate::rows::side_index;
use core::hint::black_box;
use stream::payload::{Add, Delete, Execute, Modify};
use stream::{FrameRef, Kind, Line, Price, Side};

/// Frames that are foreseen at a time: enough to keep a core's memory requests busy, few enough
/// that what was read is still in its cache when it is needed.
const BATCH: usize = 32;

fn frames(lines: &[Line]) -> impl Iterator<Item = FrameRef<'_>> + Clone {
    let mut rest = lines;
    core::iter::from_fn(move || {
        let frame = FrameRef::first_of(rest)?;
        rest = &rest[frame.lines().len()..];
        Some(frame)
    })
}

impl Books {
    /// Applies frames that stand back to back, as [`Books::apply`] does one by one; `each` is told
    /// what became of each of them. Faster where more orders live than a cache holds.
    ///
    /// # Panics
    /// As [`Books::apply`].
    pub fn apply_all(
        &mut self,
        lines: &[Line],
        effect: &mut impl FnMut(Effect),
        each: &mut impl FnMut(FrameRef<'_>, Applied),
    ) {
        let mut rest = lines;
        loop {
            let batch = frames(rest).take(BATCH);
            self.foresee(batch.clone());
            let mut used = 0;
            for frame in batch {
                let applied = self.apply(frame, effect);
                each(frame, applied);
                used += frame.lines().len();
            }
            rest = &rest[used..];
            if used == 0 {
                return;
            }
        }
    }

    /// Reads what frames will need that are applied soon, and changes nothing. First all places
    /// are told, then all are read: few instructions lie between two reads, so that a core, which
    /// looks only so far ahead, has many of them under way.
    #[inline]
    fn foresee<'a>(&self, frames: impl Iterator<Item = FrameRef<'a>> + Clone) {
        let mut words = [&0; BATCH];
        for (word, frame) in words.iter_mut().zip(frames.clone()) {
            *word = self.order_word(frame);
        }
        read(&words);
        for (word, frame) in words.iter_mut().zip(frames) {
            *word = self.level_word(frame);
        }
        read(&words);
    }

    #[inline]
    fn order_word(&self, frame: FrameRef<'_>) -> &u64 {
        let instrument = frame.instrument();
        match order_id(frame) {
            Some((id, None)) => self.orders.word(instrument, id),
            Some((id, Some(_))) => self.orders.place_word(instrument, id),
            None => &0,
        }
    }

    #[inline]
    fn level_word(&self, frame: FrameRef<'_>) -> &u64 {
        let instrument = frame.instrument();
        let place = match order_id(frame) {
            Some((_, Some(place))) => Some(place),
            Some((id, None)) => self.orders.find(instrument, id).map(|slot| {
                let order = self.orders.get(slot);
                (order.side, order.price)
            }),
            None => None,
        };
        let book = self.books.get(instrument.index().wrapping_sub(1));
        match (place, book) {
            (Some((side, price)), Some(book)) if side != Side::None => {
                book.ladders[side_index(side)].word(price)
            }
            _ => &0,
        }
    }
}

/// Reads the words. They are of no use; that they were read is.
#[inline]
fn read(words: &[&u64; BATCH]) {
    black_box(words.iter().fold(0, |all, &&word| all ^ word));
}

/// The order that a frame is about; with its place in the book when the frame adds it.
#[inline]
fn order_id(frame: FrameRef<'_>) -> Option<(u64, Option<(Side, Price)>)> {
    match frame.kind() {
        Kind::Add => {
            let add = frame.read::<Add>();
            Some((add.order_id, Some((add.side, add.price))))
        }
        Kind::Modify => Some((frame.read::<Modify>().order_id, None)),
        Kind::Delete => Some((frame.read::<Delete>().order_id, None)),
        Kind::Execute => Some((frame.read::<Execute>().order_id, None)),
        _ => None,
    }
}
