//! Rings of one writer and one reader.

use super::task::{Hears, Message, Outcome, Receives, Sends, Task, line, message};
use heapless::spsc;
use ringbuf::traits::{Consumer as _, Producer as _, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use rtrb::{Consumer, Producer, RingBuffer};
use std::hint::spin_loop;
use std::sync::{Mutex, PoisonError};
use stream::Line;

/// Messages handed over at once where a ring can.
pub(super) const BATCH: usize = 64;

/// rtrb, one push and one pop for each message.
pub(super) fn rtrb_push(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let (out, input) = RingBuffer::new(task.slots);
        (Pushed(out), Popped(input))
    })
}

/// rtrb, each message a chunk of its own; the reader takes what there is as one chunk.
pub(super) fn rtrb_chunks(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let (out, input) = RingBuffer::new(task.slots);
        (Chunked::<1>::new(out), ChunkRead(input))
    })
}

/// rtrb, 64 messages a chunk.
pub(super) fn rtrb_batches(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let (out, input) = RingBuffer::new(task.slots);
        (Chunked::<BATCH>::new(out), ChunkRead(input))
    })
}

struct Pushed(Producer<Line>);

impl Sends for Pushed {
    #[inline(always)]
    fn send(&mut self, message: Message) {
        while self.0.push(line(message)).is_err() {
            spin_loop();
        }
    }
}

struct Popped(Consumer<Line>);

impl Receives for Popped {
    #[inline]
    fn receive(&mut self, to: &mut impl Hears) {
        if let Ok(line) = self.0.pop() {
            to.take(message(&line));
        }
    }
}

struct Chunked<const N: usize> {
    out: Producer<Line>,
    kept: Vec<Line>,
}

impl<const N: usize> Chunked<N> {
    fn new(out: Producer<Line>) -> Self {
        let kept = Vec::with_capacity(N);
        Self { out, kept }
    }
}

impl<const N: usize> Sends for Chunked<N> {
    #[inline(always)]
    fn send(&mut self, message: Message) {
        if N == 1 {
            let line = line(message);
            while self
                .out
                .push_entire_slice(std::slice::from_ref(&line))
                .is_err()
            {
                spin_loop();
            }
            return;
        }
        self.kept.push(line(message));
        if self.kept.len() == N {
            self.flush();
        }
    }

    #[inline]
    fn flush(&mut self) {
        while self.out.push_entire_slice(&self.kept).is_err() {
            spin_loop();
        }
        self.kept.clear();
    }
}

struct ChunkRead(Consumer<Line>);

impl Receives for ChunkRead {
    #[inline]
    fn receive(&mut self, to: &mut impl Hears) {
        let there = self.0.slots();
        if there == 0 {
            // Nothing is given free where nothing was read: a store would take the line away.
            return;
        }
        let Ok(chunk) = self.0.read_chunk(there) else {
            return;
        };
        let (front, back) = chunk.as_slices();
        for line in front.iter().chain(back) {
            to.take(message(line));
        }
        chunk.commit_all();
    }
}

/// ringbuf, one push and one pop for each message.
pub(super) fn ringbuf_push(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let (out, input) = HeapRb::new(task.slots).split();
        (RingbufOut(out), RingbufIn(input))
    })
}

/// ringbuf, 64 messages at once, in and out.
pub(super) fn ringbuf_batches(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let (out, input) = HeapRb::new(task.slots).split();
        let out = RingbufSlices {
            out,
            kept: Vec::with_capacity(BATCH),
        };
        let input = RingbufSlicesIn {
            input,
            read: [Line::ZERO; BATCH],
        };
        (out, input)
    })
}

struct RingbufOut(HeapProd<Line>);

impl Sends for RingbufOut {
    #[inline(always)]
    fn send(&mut self, message: Message) {
        while self.0.try_push(line(message)).is_err() {
            spin_loop();
        }
    }
}

struct RingbufIn(HeapCons<Line>);

impl Receives for RingbufIn {
    #[inline]
    fn receive(&mut self, to: &mut impl Hears) {
        if let Some(line) = self.0.try_pop() {
            to.take(message(&line));
        }
    }
}

struct RingbufSlices {
    out: HeapProd<Line>,
    kept: Vec<Line>,
}

impl Sends for RingbufSlices {
    #[inline(always)]
    fn send(&mut self, message: Message) {
        self.kept.push(line(message));
        if self.kept.len() == BATCH {
            self.flush();
        }
    }

    #[inline]
    fn flush(&mut self) {
        let mut left = &self.kept[..];
        while !left.is_empty() {
            left = &left[self.out.push_slice(left)..];
        }
        self.kept.clear();
    }
}

struct RingbufSlicesIn {
    input: HeapCons<Line>,
    read: [Line; BATCH],
}

impl Receives for RingbufSlicesIn {
    #[inline]
    fn receive(&mut self, to: &mut impl Hears) {
        let count = self.input.pop_slice(&mut self.read);
        for line in &self.read[..count] {
            to.take(message(line));
        }
    }
}

/// A ring for the way there, and one for the way back.
type Queues<const N: usize> = Mutex<[spsc::Queue<Line, N>; 2]>;

static SMALL: Queues<1_024> = Mutex::new([const { spsc::Queue::new() }; 2]);
static LARGE: Queues<65_536> = Mutex::new([const { spsc::Queue::new() }; 2]);

/// heapless, whose size is a constant: 1,024 or 65,536 places, one of them never used.
pub(super) fn heapless(task: &Task<'_>) -> Outcome {
    fn between<const N: usize>(task: &Task<'_>, queues: &Queues<N>) -> Outcome {
        let mut queues = queues.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queues = queues.iter_mut();
        task.between(|| {
            let queue = queues.next().expect("no trip has more than two ways");
            let (out, input) = queue.split();
            (HeaplessOut(out), HeaplessIn(input))
        })
    }
    if task.slots <= 1_024 {
        between(task, &SMALL)
    } else {
        between(task, &LARGE)
    }
}

struct HeaplessOut<'a>(spsc::Producer<'a, Line>);

impl Sends for HeaplessOut<'_> {
    #[inline(always)]
    fn send(&mut self, message: Message) {
        while self.0.enqueue(line(message)).is_err() {
            spin_loop();
        }
    }
}

struct HeaplessIn<'a>(spsc::Consumer<'a, Line>);

impl Receives for HeaplessIn<'_> {
    #[inline]
    fn receive(&mut self, to: &mut impl Hears) {
        if let Some(line) = self.0.dequeue() {
            to.take(message(&line));
        }
    }
}
