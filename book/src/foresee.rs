//! Many frames at a time: what they will need from memory is asked for before it is needed.
//!
//! With millions of live orders nearly every frame is about an order that no cache holds, and a
//! look-up waits for memory, a hundred nanoseconds or more. Reads that do not depend on each other
//! wait together. So a batch is gone through first: where its orders stand is read, then where
//! their levels stand, and only then are its frames applied. What comes out is the same.

use crate::books::Books;
use crate::effect::{Applied, Effect};
use core::hint::black_box;
use core::mem::offset_of;
use stream::payload::{Add, Delete, Execute, Modify};
use stream::{FrameRef, Header, InstrumentId, Kind, Line, Price, Side};

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

    /// Reads what frames will need that are applied soon, and changes nothing: first where orders
    /// stand and will stand, then the levels of those. All places are told before any is read, and
    /// no branch that nobody can foresee lies between: a core, which looks only so far ahead, has
    /// many reads under way.
    #[inline]
    fn foresee<'a>(&self, frames: impl Iterator<Item = FrameRef<'a>>) {
        if self.books.is_empty() {
            return;
        }
        let last = self.books.len() - 1;
        let mut sights = [(0, 0); BATCH];
        let mut words = [[&0; 3]; BATCH];
        let mut count = 0;
        for ((sight, words), frame) in sights.iter_mut().zip(&mut words).zip(frames) {
            let see = Sight::of(frame);
            let line = self.orders.likely(see.instrument, see.id, see.adds);
            let book = &self.books[see.book.min(last)];
            let level = book.ladders[see.side].word(see.price);
            *sight = (line, see.id);
            *words = [self.orders.word(line), level, &book.arrivals];
            count += 1;
        }
        let mut read = words[..count]
            .iter()
            .flatten()
            .fold(0, |all, &&word| all ^ word);
        let mut words = [[&0; 2]; BATCH];
        for (&(line, id), words) in sights[..count].iter().zip(&mut words) {
            let (instrument, is_bid, price, next) = self.orders.likely_place(line, id);
            // A free place is nobody's: any book will do.
            let book = usize::from(instrument).saturating_sub(1);
            let ladder = &self.books[book].ladders[usize::from(!is_bid)];
            *words = [ladder.word(price), next];
        }
        read ^= words[..count]
            .iter()
            .flatten()
            .fold(0, |all, &&word| all ^ word);
        // It is of no use; that it was read is.
        black_box(read);
    }
}

/// What is seen of a frame from afar: where it looks like an order's.
struct Sight {
    id: u64,
    price: Price,
    instrument: InstrumentId,
    book: usize,
    side: usize,
    adds: bool,
}

impl Sight {
    #[inline]
    fn of(frame: FrameRef<'_>) -> Self {
        let line = &frame.lines()[0].0;
        let header = frame.header();
        Self {
            id: word(line, offset_of!(Add, order_id)),
            price: Price(word(line, offset_of!(Add, price)) as i64),
            instrument: header.instrument,
            book: header.instrument.index().wrapping_sub(1),
            side: usize::from(line[Header::BYTES + offset_of!(Add, side)] == Side::Sell as u8),
            adds: header.kind == Kind::Add,
        }
    }
}

/// The word of a payload that begins there.
#[inline]
fn word(line: &[u8; 64], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&line[Header::BYTES + at..][..8]);
    u64::from_le_bytes(bytes)
}

// What names an order names it in the same place.
const _: () = assert!(
    offset_of!(Modify, order_id) == offset_of!(Add, order_id)
        && offset_of!(Delete, order_id) == offset_of!(Add, order_id)
        && offset_of!(Execute, order_id) == offset_of!(Add, order_id)
);
