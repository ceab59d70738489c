//! What the client library says of itself: when it read a message, and when it wrote one.
//!
//! It logs each message at level *debug*: between the read that completed it and its decoding, and
//! between its encoding and the system call that writes it. The text is never formatted; its first
//! two characters tell which of the two it is.

use core::fmt::{self, Write};
use engine::clock::Clock;
use log::{LevelFilter, Log, Metadata, Record};
use std::sync::{Mutex, MutexGuard, PoisonError};
use stream::Nanos;

/// The part of the library that reads and writes.
const CONNECTION: &str = "ibapi::connection";

static LISTENER: Listener = Listener(Mutex::new(Heard {
    clock: None,
    reads: Vec::new(),
    encoded: Nanos::ZERO,
}));

/// A run's messages, of its one connection.
struct Heard {
    clock: Option<Clock>,
    /// When each was read, in their order; zero before there was a clock.
    reads: Vec<Nanos>,
    /// When the newest one was encoded.
    encoded: Nanos,
}

struct Listener(Mutex<Heard>);

/// Listens from now on, to a connection that is yet to be made.
pub fn listen() {
    // Only the first of several runs succeeds: it is the same listener in all of them.
    if log::set_logger(&LISTENER).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
    let mut heard = LISTENER.lock();
    heard.clock = None;
    heard.reads.clear();
}

/// From now on times are kept, by this clock.
pub fn begin(clock: Clock) {
    let mut heard = LISTENER.lock();
    heard.reads.reserve(1 << 20);
    heard.clock = Some(clock);
}

/// When each message of the connection was read, in their order; zero for those before
/// [`begin`].
pub fn reads() -> Vec<Nanos> {
    core::mem::take(&mut LISTENER.lock().reads)
}

/// When the newest message to the server was encoded and about to be written.
pub fn encoded() -> Nanos {
    LISTENER.lock().encoded
}

impl Listener {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(CONNECTION)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let begin = Begin::of(record.args());
        let heard = &mut *self.lock();
        let now = heard.clock.as_mut().map_or(Nanos::ZERO, Clock::now);
        match &begin {
            b"<-" => heard.reads.push(now),
            b"->" => heard.encoded = now,
            _ => {}
        }
    }

    fn flush(&self) {}
}

/// The first two bytes of a text; its formatting ends there.
struct Begin([u8; 2]);

impl Begin {
    fn of(text: &fmt::Arguments<'_>) -> [u8; 2] {
        let mut begin = Self([0; 2]);
        // It is refused behind its first piece, which holds both.
        let _ = begin.write_fmt(*text);
        begin.0
    }
}

impl Write for Begin {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if let Some(first) = text.as_bytes().first_chunk() {
            self.0 = *first;
        }
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_is_formatted() {
        struct Never;
        impl fmt::Debug for Never {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("nobody is to format it")
            }
        }
        assert_eq!(&Begin::of(&format_args!("-> {Never:?}")), b"->");
        assert_eq!(&Begin::of(&format_args!("<- protobuf {Never:?}")), b"<-");
        assert_eq!(&Begin::of(&format_args!("{}", "x")), &[0; 2]);
    }
}
