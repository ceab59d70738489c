//! Where answers, loop-backs and controls wait until they fall due.
//!
//! Order: due time, then rank (operator before broker and loop-backs), then the place of the
//! cause in the stream, then arrival. All of it is fixed by the stream, none by threads.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use stream::limits::ANSWERS_MAX;
use stream::{Draft, FrameRef, Kind, Nanos};

/// Places that are made, and their memory touched, before the first answer comes: far more than
/// wait unless something is amiss.
const READY: usize = 1_024;

type Key = Reverse<(Nanos, u8, u64, u16, u64)>;

/// A bounded priority queue of drafts.
#[derive(Debug)]
pub(super) struct AnswerQueue {
    order: BinaryHeap<(Key, u32)>,
    slots: Vec<Draft>,
    free: Vec<u32>,
    arrivals: u64,
}

impl AnswerQueue {
    pub(super) fn new() -> Self {
        let mut free = Vec::with_capacity(ANSWERS_MAX);
        free.extend((0..READY as u32).rev());
        let mut slots = Vec::with_capacity(ANSWERS_MAX);
        slots.extend((0..READY).map(|_| Draft::new()));
        let mut order = Vec::with_capacity(ANSWERS_MAX);
        order.resize(READY, (Reverse((Nanos::ZERO, 0, 0, 0, 0)), 0));
        order.clear();
        Self {
            order: BinaryHeap::from(order),
            slots,
            free,
            arrivals: 0,
        }
    }

    /// Queues a draft whose header tells due time (`ts`) and cause (`seq`, `sub`).
    ///
    /// # Panics
    /// When [`ANSWERS_MAX`] drafts wait already: the edge broke its credits.
    pub(super) fn push(&mut self, frame: FrameRef<'_>) {
        let header = frame.header();
        let rank = u8::from(header.kind != Kind::Control);
        self.arrivals += 1;
        let key = Reverse((header.ts, rank, header.seq, header.sub, self.arrivals));
        let slot = self.free.pop().unwrap_or_else(|| {
            assert!(
                self.slots.len() < ANSWERS_MAX,
                "more answers wait than the limits allow"
            );
            self.slots.push(Draft::new());
            (self.slots.len() - 1) as u32
        });
        self.slots[slot as usize].copy_from(frame);
        self.order.push((key, slot));
    }

    /// When the first one falls due.
    #[inline]
    pub(super) fn due(&self) -> Option<Nanos> {
        self.order.peek().map(|(Reverse(key), _)| key.0)
    }

    /// Moves the first one into `draft`.
    ///
    /// # Panics
    /// When none waits.
    pub(super) fn take(&mut self, draft: &mut Draft) {
        let (_, slot) = self.order.pop().expect("an answer was announced");
        draft.copy_from(self.slots[slot as usize].frame());
        self.free.push(slot);
    }
}
