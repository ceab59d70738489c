//! Many frames at a time: what they will need from memory is fetched before it is needed.
//!
//! With millions of live orders nearly every frame is about an order that no cache holds, and a
//! look-up waits for memory, a hundred nanoseconds or more. Independent reads wait in parallel. So
//! a first pass over a batch reads its orders' entries, a second their levels, and only then are
//! its frames applied. The result is the same.

use crate::books::Books;
use crate::effect::{Applied, Effect};
use core::hint::{black_box, select_unpredictable};
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

    /// Reads what frames will need that are applied soon, and changes nothing: where their orders
    /// stand or will stand, where they stand instead, and the levels of those. What is to be read
    /// is found out for all frames before any of it is read: a core looks only so far ahead of a
    /// read that waits, and dozens of instructions between two of them leave room for few. Nor does
    /// any branch lie between that nobody can foresee.
    #[inline]
    fn foresee<'a>(&self, frames: impl Iterator<Item = FrameRef<'a>> + Clone) {
        if self.books.is_empty() {
            return;
        }
        let (mut events, mut count) = ([Event::default(); BATCH], 0);
        for (event, frame) in events.iter_mut().zip(frames) {
            *event = Event::of(frame);
            event.slot = self.orders.likely(event.instrument, event.id);
            count += 1;
        }
        let (events, mut read) = (&mut events[..count], 0);
        for event in &*events {
            read ^= self.orders.word(event.slot);
        }
        let orders = &self.orders;
        for event in &mut *events {
            let Event { instrument, id, .. } = *event;
            event.line = orders.likely_line(event.slot, instrument, id, event.adds);
        }
        for event in &*events {
            read ^= orders.word(event.line);
        }
        for event in &mut *events {
            self.find_level(event);
        }
        for event in &*events {
            let book = &self.books[event.index];
            read ^= book.ladders[event.side].words(event.level) ^ book.arrivals;
        }
        // It is of no use; that it was read is.
        black_box(read);
    }

    /// Finds the level of an event whose orders were read.
    #[inline]
    fn find_level(&self, event: &mut Event) {
        let Event { instrument, id, .. } = *event;
        let (price, is_bid) = self
            .orders
            .likely_place(event.slot, event.line, instrument, id);
        let price = select_unpredictable(event.adds, event.price, price);
        let is_bid = select_unpredictable(event.adds, event.is_bid, is_bid);
        event.index = instrument.index().wrapping_sub(1).min(self.books.len() - 1);
        event.side = usize::from(!is_bid);
        event.level = self.books[event.index].ladders[event.side].slot_of(price);
    }
}

/// What is known of a frame, as if it were an order event.
#[derive(Clone, Copy, Default)]
struct Event {
    instrument: InstrumentId,
    adds: bool,
    is_bid: bool,
    id: u64,
    price: Price,
    /// Where its order stands in the orders' table, or another line that is needed.
    slot: usize,
    line: usize,
    /// Book, ladder, and slot of its window.
    index: usize,
    side: usize,
    level: usize,
}

impl Event {
    #[inline]
    fn of(frame: FrameRef<'_>) -> Self {
        let line = &frame.lines()[0].0;
        Self {
            instrument: frame.instrument(),
            adds: frame.kind() == Kind::Add,
            is_bid: line[Header::BYTES + offset_of!(Add, side)] == Side::Buy as u8,
            id: word(line, offset_of!(Add, order_id)),
            price: Price(word(line, offset_of!(Add, price)) as i64),
            ..Self::default()
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
