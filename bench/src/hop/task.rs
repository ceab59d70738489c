//! One run of a hop: what one thread sends, what the other one notes.
//!
//! *Paced*: messages fall due at a fixed interval, whatever became of the one before; latency
//! counts from when a message was due (response) and from when it was sent (service).
//! *Saturated*: messages as fast as they go. Every message is one line with its number; missing,
//! duplicate and misordered ones are detected.

mod relay;

use crate::cores::Cores;
use crate::distribution::nanoseconds;
use crate::floors::ordered_raw;
use crate::measure::Run;
use hdrhistogram::Histogram;
use std::hint::spin_loop;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stream::payload::Add;
use stream::{Draft, InstrumentId, Line};

/// A message as words. Word 0 is its number, from 0; word 1 when it was due and word 4 when it was
/// sent, in nanoseconds since the run was made; the others are those of a frame.
pub type Message = [u64; 8];

/// Words of the two times, as a frame has `ts` and the first word of its payload.
pub const DUE: usize = 1;
/// See [`DUE`].
pub const SENT: usize = 4;

/// Stands in [`DUE`] of the last message.
const LAST: u64 = u64::MAX;
/// Saturated messages between two looks at the clock.
const STRIDE: u64 = 1_024;

/// A message as a line.
#[inline]
#[must_use]
pub fn line(message: Message) -> Line {
    zerocopy::transmute!(message)
}

/// A line as a message.
#[inline]
#[must_use]
pub fn message(line: &Line) -> &Message {
    zerocopy::transmute_ref!(line)
}

/// The sending end of a ring, a queue or a channel.
///
/// `send` is always inlined: a message that was handed over by address would be loaded back in
/// blocks before its words have reached the cache, which costs more than some of the rings.
pub trait Sends: Send {
    /// Hands over one message, or keeps it until [`Sends::flush`]; waits for room, spinning.
    fn send(&mut self, message: Message);
    /// Hands over what was kept.
    fn flush(&mut self) {}
}

/// The receiving end.
pub trait Receives: Send {
    /// Hands over what is there, if anything is.
    fn receive(&mut self, to: &mut impl Hears);
}

/// Who takes what a receiving end hands over.
pub trait Hears {
    /// Takes a message.
    fn take(&mut self, message: &Message);
}

/// Where messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trip {
    /// From the first thread to the second.
    There,
    /// From there back again through a second ring: two hops.
    ThereAndBack,
}

/// How messages come.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// So many, one every so many nanoseconds.
    Paced {
        /// Nanoseconds from one to the next.
        every: u64,
        /// How many.
        count: u64,
    },
    /// As fast as they go, for so long.
    Saturated(Duration),
}

/// One run.
#[derive(Debug)]
pub struct Task<'a> {
    /// Where the threads run.
    pub cores: &'a Cores,
    /// Places in the ring or queue.
    pub slots: usize,
    /// How messages come.
    pub load: Load,
    trip: Trip,
    clock: quanta::Clock,
    origin: u64,
    frame: Message,
    ready: Barrier,
    first: AtomicU64,
}

/// What one run was.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// From when each was due; empty when saturated.
    pub response: Histogram<u64>,
    /// From when each was sent; empty when saturated.
    pub service: Histogram<u64>,
    /// From the first sent to the last received.
    pub run: Run,
    /// Messages that were not the next one.
    pub wrong: u64,
}

/// What the receiving thread does with messages.
#[derive(Debug)]
pub struct Sink {
    clock: quanta::Clock,
    origin: u64,
    paced: bool,
    done: bool,
    next: u64,
    wrong: u64,
    sum: u64,
    response: Histogram<u64>,
    service: Histogram<u64>,
    end: u64,
}

impl<'a> Task<'a> {
    /// A run.
    #[must_use]
    pub fn new(cores: &'a Cores, slots: usize, load: Load) -> Self {
        let clock = quanta::Clock::new();
        let mut draft = Draft::new();
        draft.write(InstrumentId(1), &Add::zeroed());
        Self {
            cores,
            slots,
            load,
            trip: Trip::There,
            origin: clock.raw(),
            clock,
            frame: *message(&draft.frame().lines()[0]),
            ready: Barrier::new(2),
            first: AtomicU64::new(0),
        }
    }

    /// The same, there and back.
    #[must_use]
    pub fn and_back(self) -> Self {
        let trip = Trip::ThereAndBack;
        Self { trip, ..self }
    }

    /// The receiving end's notes.
    #[must_use]
    pub fn sink(&self) -> Sink {
        Sink {
            clock: self.clock.clone(),
            origin: self.origin,
            paced: matches!(self.load, Load::Paced { .. }),
            done: false,
            next: 0,
            wrong: 0,
            sum: 0,
            response: nanoseconds(),
            service: nanoseconds(),
            end: 0,
        }
    }

    /// Sends on the first core, once both ends have called [`Task::meet`].
    pub fn send(&self, out: &mut impl Sends) {
        self.cores.pin(0);
        self.meet();
        match self.load {
            Load::Paced { every, count } => self.send_paced(out, every, count.max(1)),
            Load::Saturated(time) => self.send_saturated(out, time.as_nanos() as u64),
        }
    }

    /// Waits until the other end is there.
    pub fn meet(&self) {
        self.ready.wait();
    }

    /// Both ends on threads of their own, to the last message. `make` makes a ring, and another one
    /// for the way back.
    #[must_use]
    pub fn between<S: Sends, R: Receives>(&self, mut make: impl FnMut() -> (S, R)) -> Outcome {
        let there = make();
        match self.trip {
            Trip::There => self.one_way(there),
            Trip::ThereAndBack => relay::there_and_back(self, there, make()),
        }
    }

    fn one_way<S: Sends, R: Receives>(&self, (mut out, mut input): (S, R)) -> Outcome {
        let sink = std::thread::scope(|scope| {
            let receiver = scope.spawn(move || {
                self.cores.pin(1);
                let mut sink = self.sink();
                self.meet();
                while !sink.is_done() {
                    let next = sink.next;
                    input.receive(&mut sink);
                    if sink.next == next {
                        // Whoever asks for a line without a pause stands in the way of its coming:
                        // far cores hand it over in up to half as long again.
                        spin_loop();
                    }
                }
                sink
            });
            scope.spawn(move || self.send(&mut out));
            receiver.join()
        });
        match sink {
            Ok(sink) => self.outcome(sink),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// What the run was, once the sink is done.
    #[must_use]
    pub fn outcome(&self, sink: Sink) -> Outcome {
        let span = sink.end.saturating_sub(self.first.load(Ordering::Relaxed));
        std::hint::black_box(sink.sum);
        Outcome {
            response: sink.response,
            service: sink.service,
            run: Run {
                time: Duration::from_nanos(span.max(1)),
                count: sink.next,
            },
            wrong: sink.wrong,
        }
    }

    #[inline]
    fn now(&self) -> u64 {
        self.clock.delta_as_nanos(self.origin, self.clock.raw())
    }

    fn send_paced(&self, out: &mut impl Sends, every: u64, count: u64) {
        self.pace(every, count, |message| {
            out.send(message);
            out.flush();
        });
    }

    /// So many messages, each when it is due, and the last one.
    #[inline(always)]
    fn pace(&self, every: u64, count: u64, mut send: impl FnMut(Message)) {
        let begin = self.now() + every;
        self.first.store(begin, Ordering::Relaxed);
        let mut message = self.frame;
        for number in 0..=count {
            let due = begin + number * every;
            let mut now = self.now();
            while now < due {
                now = self.now();
            }
            let due = if number < count { due } else { LAST };
            (message[0], message[DUE], message[SENT]) = (number, due, now);
            send(message);
        }
    }

    fn send_saturated(&self, out: &mut impl Sends, time: u64) {
        let begin = self.now();
        self.first.store(begin, Ordering::Relaxed);
        let mut message = self.frame;
        let mut number = 0;
        while number == 0 || self.now() < begin + time {
            for _ in 0..STRIDE {
                (message[0], message[DUE], message[SENT]) = (number, begin, number);
                out.send(message);
                number += 1;
            }
        }
        (message[0], message[DUE], message[SENT]) = (number, LAST, number);
        out.send(message);
        out.flush();
    }
}

impl Sink {
    /// Notes a message by its number and its times.
    #[inline]
    pub fn note(&mut self, number: u64, due: u64, sent: u64) {
        if due == LAST {
            self.wrong += u64::from(number != self.next);
            self.done = true;
            self.end = self.now();
            return;
        }
        self.wrong += u64::from(number != self.next);
        self.next += 1;
        if self.paced {
            // Behind the message as a whole: a ring that hands over an index first is not there
            // when the index is.
            let raw = ordered_raw(&self.clock);
            let now = self.clock.delta_as_nanos(self.origin, raw);
            self.response
                .saturating_record(now.saturating_sub(due).max(1));
            self.service
                .saturating_record(now.saturating_sub(sent).max(1));
        }
        self.sum = self.sum.wrapping_add(due ^ sent);
    }

    /// True when the last one came.
    #[inline]
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.done
    }

    #[inline]
    fn now(&self) -> u64 {
        self.clock.delta_as_nanos(self.origin, self.clock.raw())
    }
}

impl Hears for Sink {
    #[inline]
    fn take(&mut self, message: &Message) {
        self.note(message[0], message[DUE], message[SENT]);
    }
}
