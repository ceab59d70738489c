//! Rings of lines between lanes: one producer, one consumer, published in chunks.
//!
//! Frames are never split in what is published: the producer gathers whole frames and pushes them
//! in one piece, the consumer reads whole frames and copies the one that straddles the ring's end.
//! Back-pressure is the producer's look at [`End::has_room`] before it reads its own input.

#[allow(unsafe_code, reason = "a line of memory is asked for by its address")]
mod lookout;

use crate::chain::End;
use crate::gathered::Gathered;
use lookout::Lookout;
use rtrb::{Consumer, Producer, RingBuffer};
use std::cell::Cell;
use std::slice;
use stream::frame::LINES_MAX;
use stream::{FrameRef, Line, Out};

/// The writing end.
#[derive(Debug)]
pub struct RingOut {
    producer: Producer<Line>,
    /// What was put and is not published yet: under load a batch, without waiting for a flush.
    pending: Gathered,
    /// Lines of the ring that are known to be free: the pending ones will take theirs of them.
    free: Cell<usize>,
}

/// The reading end.
#[derive(Debug)]
pub struct RingIn {
    consumer: Consumer<Line>,
    lookout: Lookout,
    scratch: [Line; LINES_MAX],
}

/// Lines read before they are freed: the writing end fills them while the reading end goes on,
/// instead of the two waiting for each other at a full ring and an empty one.
const GIVE_LINES: usize = 128;

/// A ring of `lines` lines.
#[must_use]
pub fn ring(lines: usize) -> (RingOut, RingIn) {
    let (producer, consumer) = RingBuffer::new(lines);
    (
        RingOut {
            producer,
            pending: Gathered::new(),
            free: Cell::new(lines),
        },
        RingIn {
            consumer,
            lookout: Lookout::new(lines),
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

    /// Asks how far the reading end is. What was free at the last look still is, so the index is
    /// read again only when that is too little, or a large burst would wait for an empty ring for
    /// ever.
    #[inline(never)]
    fn look(&self, lines: usize) -> bool {
        self.free.set(self.producer.slots());
        self.pending.len() + lines <= self.free.get()
    }

    /// A longer frame's.
    // Its whole way is this call's, at the very end: nothing is to be saved for it by a short one.
    #[inline(never)]
    fn put_long(&mut self, lines: &[Line]) {
        for line in lines {
            self.pending.take(line);
        }
        if self.pending.is_full() {
            self.publish();
        }
    }

    /// Hands over what is pending. Lines are copied into the ring as blocks: each store there waits
    /// until its line has come from the other core, and with eight stores a line, a few lines would
    /// fill the core's store buffer.
    #[inline(never)]
    fn publish(&mut self) {
        self.producer
            .push_entire_slice(self.pending.lines())
            .expect("room was checked before the input was read");
        let free = self.free.get_mut();
        *free = free.saturating_sub(self.pending.len());
        self.pending.clear();
    }
}

impl Out for RingOut {
    /// Always inlined, as far as a frame of one line goes: nearly all are, and their words need not
    /// be stored before they are kept.
    #[inline(always)]
    fn put(&mut self, frame: FrameRef<'_>) {
        // Room was looked for; when not, publishing tells.
        let [line] = frame.lines() else {
            return self.put_long(frame.lines());
        };
        self.pending.take(line);
        if self.pending.is_full() {
            self.publish();
        }
    }
}

impl End for RingOut {
    #[inline]
    fn has_room(&self, lines: usize) -> bool {
        self.pending.len() + lines <= self.free.get() || self.look(lines)
    }

    #[inline]
    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.publish();
        }
    }
}

impl RingIn {
    /// Lines that stand in the ring. The next ones are asked for, whether they are there or not.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lookout.ask();
        self.consumer.slots()
    }

    /// Hands whole frames to `take`, oldest first, until `lines` lines are read or `take` says
    /// that it has no room (the frame is then kept). Returns the lines read.
    pub fn read(&mut self, lines: usize, mut take: impl FnMut(FrameRef<'_>) -> bool) -> usize {
        let mut read = 0;
        while read < lines {
            let (some, more) = self.read_some(lines - read, &mut take);
            read += some;
            if !more {
                break;
            }
        }
        read
    }

    /// Hands whole frames to `take` as they lie back to back, oldest first, until so many lines are
    /// read, which end with a frame. `take` tells the lines of the whole frames that it found, and
    /// takes all of them. Returns the lines read.
    pub fn read_all(&mut self, lines: usize, mut take: impl FnMut(&[Line]) -> usize) -> usize {
        let mut read = 0;
        while read < lines {
            let Ok(chunk) = self.consumer.read_chunk(lines - read) else {
                break;
            };
            let (front, back) = chunk.as_slices();
            let mut taken = take(&front[..front.len().min(GIVE_LINES)]);
            if taken == 0 {
                // Less than a frame: it goes on behind the ring's end.
                taken = take(straddling(&mut self.scratch, front, back).lines());
            }
            self.lookout.pass(front, taken);
            chunk.commit(taken);
            read += taken;
        }
        read
    }

    /// As [`RingIn::read`], but gives free what it read after about [`GIVE_LINES`]; false when
    /// `take` has no room, or nothing stands there.
    #[inline]
    fn read_some(
        &mut self,
        lines: usize,
        take: &mut impl FnMut(FrameRef<'_>) -> bool,
    ) -> (usize, bool) {
        let Ok(chunk) = self.consumer.read_chunk(lines) else {
            return (0, false);
        };
        let (front, back) = chunk.as_slices();
        let (mut at, mut room) = (0, true);
        while room && at < lines.min(GIVE_LINES) {
            let line = front.get(at).unwrap_or_else(|| &back[at - front.len()]);
            // Most frames are one line. Where the next begins must not wait until this one's
            // length has come from the other core: here it is guessed, so that the processor
            // fetches several at once.
            let frame = FrameRef::first_of(slice::from_ref(line))
                .unwrap_or_else(|| longer(&mut self.scratch, front, back, at));
            room = take(frame);
            if room {
                at += frame.lines().len();
            }
        }
        self.lookout.pass(front, at);
        chunk.commit(at);
        (at, room)
    }

    /// True when the writing end is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.consumer.is_abandoned()
    }
}

/// The frame of several lines that begins at a line of the two, which follow each other.
#[inline(never)]
fn longer<'a>(
    scratch: &'a mut [Line; LINES_MAX],
    front: &'a [Line],
    back: &'a [Line],
    at: usize,
) -> FrameRef<'a> {
    let rest = match at.checked_sub(front.len()) {
        None => &front[at..],
        Some(at) => &back[at..],
    };
    FrameRef::first_of(rest).unwrap_or_else(|| straddling(scratch, rest, back))
}

/// The frame that begins with the ring's last lines and goes on with its first.
fn straddling<'a>(
    scratch: &'a mut [Line; LINES_MAX],
    rest: &[Line],
    back: &[Line],
) -> FrameRef<'a> {
    let tail = (LINES_MAX - rest.len()).min(back.len());
    scratch[..rest.len()].copy_from_slice(rest);
    scratch[rest.len()..rest.len() + tail].copy_from_slice(&back[..tail]);
    FrameRef::first_of(scratch).expect("frames are published whole")
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

    #[test]
    fn what_is_asked_for_is_where_the_next_lines_come_to_stand() {
        let (mut out, mut input) = ring(13);
        for round in 0..40 {
            out.put(frame(1, 1).frame());
            out.put(frame(1, 2).frame());
            out.flush();
            let mut wanted = input.lookout.addresses().into_iter();
            let read = input.read(input.lines(), |frame| {
                let address = frame.lines().as_ptr() as usize;
                assert!(round == 0 || wanted.next() == Some(address));
                true
            });
            assert_eq!(read, 2);
            assert!(out.has_room(13));
        }
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
                if budget % 3 == 0 {
                    let read = input.read_all(lines, |frames| {
                        let mut at = 0;
                        while let Some(frame) = FrameRef::first_of(&frames[at..]) {
                            seen.push((frame.instrument().0, frame.lines().len()));
                            at += frame.lines().len();
                        }
                        at
                    });
                    prop_assert_eq!(read, lines);
                    continue;
                }
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
