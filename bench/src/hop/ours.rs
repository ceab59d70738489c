//! The lanes' own ring, and the floor of all rings: a message is one line and nothing else.

use super::task::{Hears, Message, Outcome, Receives, Sends, Task, line, message};
use crossbeam::utils::CachePadded;
use engine::chain::End;
use engine::ring::{RingIn, RingOut, ring};
use engine::shared::Progress;
use std::array::from_fn;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use stream::{FrameRef, Out};

/// Lines beside the frame's own that a lane wants free before it reads: its notes.
const NOTES: usize = 40;

/// The ring between lanes, written and read as lanes do it: room is looked for before a frame is
/// put, frames are gathered under backlog and published when there is none; the reader takes all
/// that stands there, in place, and looks first how far the lane before it is.
pub(super) fn lanes(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let (out, input) = ring(task.slots);
        let progress = Arc::new(Progress::default());
        let upstream = Arc::clone(&progress);
        let out = LaneOut {
            out,
            last: 0,
            told: 0,
            progress,
        };
        (out, LaneIn { input, upstream })
    })
}

struct LaneOut {
    out: RingOut,
    /// The number of the last message.
    last: u64,
    /// What was last told of it.
    told: u64,
    progress: Arc<Progress>,
}

impl LaneOut {
    #[inline]
    fn publish(&mut self) {
        self.out.flush();
        if self.told != self.last {
            // As the head does: a store takes the line away from who reads it.
            self.told = self.last;
            self.progress.set_done(self.last);
        }
    }
}

impl Sends for LaneOut {
    #[inline(always)]
    fn send(&mut self, message: Message) {
        while !self.out.has_room(1 + NOTES) {
            self.publish();
            spin_loop();
        }
        self.last = message[0];
        if let Some(frame) = FrameRef::first_of(&[line(message)]) {
            self.out.put(frame);
        }
    }

    #[inline]
    fn flush(&mut self) {
        self.publish();
    }
}

struct LaneIn {
    input: RingIn,
    upstream: Arc<Progress>,
}

impl Receives for LaneIn {
    #[inline]
    fn receive(&mut self, to: &mut impl Hears) {
        let finished = self.upstream.is_finished();
        let done = self.upstream.done();
        let lines = self.input.lines();
        self.input.read(lines, |frame| {
            to.take(message(&frame.lines()[0]));
            true
        });
        std::hint::black_box((finished, done));
    }
}

/// A ring whose lines tell by themselves that they are there: the number is stored last into the
/// line that it numbers, so that a message is one line and nothing else. Its reader tells only four
/// times a lap how far it is. No frame of several lines fits it; it is the floor of a hop.
pub(super) fn numbered_lines(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let ring = Arc::new(Numbered {
            slots: (0..task.slots).map(|_| CachePadded::default()).collect(),
            read: CachePadded::default(),
        });
        let reader = NumberedIn {
            ring: Arc::clone(&ring),
            next: 0,
        };
        (NumberedOut { ring, free: 0 }, reader)
    })
}

#[derive(Debug)]
struct Numbered {
    slots: Box<[CachePadded<[AtomicU64; 8]>]>,
    read: CachePadded<AtomicU64>,
}

struct NumberedOut {
    ring: Arc<Numbered>,
    /// Numbers below it have room.
    free: u64,
}

impl Sends for NumberedOut {
    #[inline(always)]
    fn send(&mut self, message: Message) {
        let slots = self.ring.slots.len() as u64;
        while message[0] >= self.free {
            self.free = self.ring.read.load(Ordering::Acquire) + slots;
        }
        let slot = &self.ring.slots[(message[0] % slots) as usize];
        for (place, word) in slot.iter().zip(message).skip(1) {
            place.store(word, Ordering::Relaxed);
        }
        slot[0].store(message[0] + 1, Ordering::Release);
    }
}

struct NumberedIn {
    ring: Arc<Numbered>,
    next: u64,
}

impl Receives for NumberedIn {
    #[inline]
    fn receive(&mut self, to: &mut impl Hears) {
        let slots = self.ring.slots.len() as u64;
        let slot = &self.ring.slots[(self.next % slots) as usize];
        if slot[0].load(Ordering::Acquire) != self.next + 1 {
            return;
        }
        let mut words: Message = from_fn(|word| slot[word].load(Ordering::Relaxed));
        words[0] = self.next;
        self.next += 1;
        if self.next.is_multiple_of(slots / 4) {
            self.ring.read.store(self.next, Ordering::Release);
        }
        to.take(&words);
    }
}
