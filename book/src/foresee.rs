//! Many frames at a time: what they will need from memory is asked for before it is needed.
//!
//! With millions of live orders nearly every frame is about an order that no cache holds, and a
//! look-up waits for memory, a hundred nanoseconds or more. Reads that do not depend on each other
//! wait together. So a batch is gone through first: where its orders stand is read, then where
//! their levels stand, and only then are its frames applied. What comes out is the same.

use crate::books::Books;
use crate::effect::{Applied, Effect};
use core::hint::{black_box, select_unpredictable};
use core::mem::offset_of;
use stream::payload::{Add, Delete, Execute, Modify};
use stream::{FrameRef, Header, Kind, Line, Price, Side};

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
    /// stand or will stand, then the levels of those. No branch that nobody can foresee lies
    /// between, and little else: a core, which looks only so far ahead, has many reads under way.
    #[inline]
    fn foresee<'a>(&self, frames: impl Iterator<Item = FrameRef<'a>> + Clone) {
        if self.books.is_empty() {
            return;
        }
        let last = self.books.len() - 1;
        let mut slots = [0; BATCH];
        let mut read = 0;
        for (slot, frame) in slots.iter_mut().zip(frames.clone()) {
            let id = word(&frame.lines()[0].0, offset_of!(Add, order_id));
            *slot = self.orders.likely(frame.instrument(), id);
            read ^= self.orders.word(*slot);
        }
        for (&slot, frame) in slots.iter().zip(frames) {
            let line = &frame.lines()[0].0;
            let adds = frame.kind() == Kind::Add;
            let (price, is_bid) = self.orders.likely_place(slot);
            let price =
                select_unpredictable(adds, word(line, offset_of!(Add, price)), price.0 as u64);
            let side = line[Header::BYTES + offset_of!(Add, side)];
            let is_bid = select_unpredictable(adds, side == Side::Buy as u8, is_bid);
            let index = frame.instrument().index().wrapping_sub(1).min(last);
            let book = &self.books[index];
            let ladder = &book.ladders[usize::from(!is_bid)];
            read ^= ladder.words(Price(price as i64)) ^ book.arrivals;
        }
        // It is of no use; that it was read is.
        black_box(read);
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
