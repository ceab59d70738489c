//! Rings of lines between lanes: one producer, one consumer, published in chunks.
//!
//! Frames are never split in what is published: the producer gathers whole frames and pushes them
//! in one piece, the consumer reads whole frames and copies the one that straddles the ring's end.
//! Back-pressure is the producer's look at [`End::has_room`] before it reads its own input.

use crate::chain::End;
use rtrb::{Consumer, Producer, RingBuffer};
use stream::frame::LINES_MAX;
use stream::{FrameRef, Line, Out};

/// The writing end.
#[derive(Debug)]
pub struct RingOut {
    producer: Producer<Line>,
    pending: Vec<Line>,
    /// Pending lines at which they are pushed without waiting for a flush.
    batch: usize,
}

/// The reading end.
#[derive(Debug)]
pub struct RingIn {
    consumer: Consumer<Line>,
    scratch: [Line; LINES_MAX],
}

/// Lines gathered under load before they are published.
const BATCH_LINES: usize = 64;

/// A ring of `lines` lines.
#[must_use]
pub fn ring(lines: usize) -> (RingOut, RingIn) {
    let (producer, consumer) = RingBuffer::new(lines);
    (
        RingOut {
            producer,
            pending: Vec::with_capacity(lines),
            batch: BATCH_LINES,
        },
        RingIn {
            consumer,
            scratch: [Line::ZERO; LINES_MAX],
        },
    )
}

impl RingOut {
    /// True when the reading end is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.producer.is_abandoned()
    }
}

impl Out for RingOut {
    #[inline]
    fn put(&mut self, frame: FrameRef<'_>) {
        self.pending.extend_from_slice(frame.lines());
        if self.pending.len() >= self.batch {
            self.flush();
        }
    }
}

impl End for RingOut {
    #[inline]
    fn has_room(&self, lines: usize) -> bool {
        let need = self.pending.len() + lines;
        // What was free when it was last looked at still is: only when that is too little, the
        // reading end is asked, or a large burst would wait for an empty ring for ever.
        self.producer.cached_slots() >= need || self.producer.slots() >= need
    }

    #[inline]
    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.producer
            .push_entire_slice(&self.pending)
            .expect("room was checked before the input was read");
        self.pending.clear();
    }
}

impl RingIn {
    /// Lines that stand in the ring.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.consumer.slots()
    }

    /// Hands whole frames to `take`, oldest first, until `lines` lines are read or `take` says
    /// that it has no room (the frame is then kept). Returns the lines read.
    pub fn read(&mut self, lines: usize, mut take: impl FnMut(FrameRef<'_>) -> bool) -> usize {
        let Ok(chunk) = self.consumer.read_chunk(lines) else {
            return 0;
        };
        let (front, back) = chunk.as_slices();
        let mut at = 0;
        while at < lines {
            let frame = if at < front.len() {
                FrameRef::first_of(&front[at..])
            } else {
                FrameRef::first_of(&back[at - front.len()..])
            };
            let frame = frame.unwrap_or_else(|| {
                let head = &front[at..];
                let tail = (LINES_MAX - head.len()).min(back.len());
                self.scratch[..head.len()].copy_from_slice(head);
                self.scratch[head.len()..head.len() + tail].copy_from_slice(&back[..tail]);
                FrameRef::first_of(&self.scratch).expect("frames are published whole")
            });
            if !take(frame) {
                break;
            }
            at += frame.lines().len();
        }
        chunk.commit(at);
        at
    }

    /// True when the writing end is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.consumer.is_abandoned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stream::payload::{BookView, Control, Halt};
    use stream::{Draft, InstrumentId};

    fn frame(lines: usize, mark: u16) -> Draft {
        let mut draft = Draft::new();
        let id = InstrumentId(mark);
        match lines {
            1 => draft.write(id, &Halt::zeroed()),
            2 => draft.write(id, &Control::zeroed()),
            _ => draft.write(id, &BookView::zeroed()),
        }
        draft
    }

    #[test]
    fn a_burst_that_needs_most_of_the_ring_gets_it_once_the_ring_was_read() {
        let (mut out, mut input) = ring(1_024);
        while out.has_room(600) {
            out.put(frame(1, 1).frame());
            out.flush();
        }
        let lines = input.lines();
        assert_eq!(input.read(lines, |_| true), 425);
        assert!(out.has_room(1_000), "what was read is free again");
        assert!(!out.has_room(1_025));
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_whatever_the_ring_size(
            sizes in prop::collection::vec(1usize..=3, 1..200),
            capacity in 8usize..40,
            reads in prop::collection::vec(0usize..12, 1..50),
        ) {
            let (mut out, mut input) = ring(capacity);
            let mut written = 0;
            let mut seen = Vec::new();
            let mut reads = reads.iter().cycle();
            while seen.len() < sizes.len() {
                while written < sizes.len() && out.has_room(LINES_MAX) {
                    out.put(frame(sizes[written], written as u16).frame());
                    written += 1;
                }
                out.flush();
                let mut budget = *reads.next().unwrap() + 1;
                let lines = input.lines();
                input.read(lines, |frame| {
                    if budget == 0 {
                        return false;
                    }
                    budget -= 1;
                    seen.push((frame.instrument().0, frame.lines().len()));
                    true
                });
            }
            let want: Vec<(u16, usize)> =
                sizes.iter().enumerate().map(|(i, lines)| (i as u16, *lines)).collect();
            prop_assert_eq!(seen, want);
        }
    }
}
