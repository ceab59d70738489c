//! Orders to the running server, over a socket of the file system.
//!
//! | text | answer |
//! |---|---|
//! | `truth` | what really happened, as JSON |
//! | `time` | the session's time, in UTC |
//! | `step 250ms` | a clock that stands is moved so far; then the session's time |
//! | a script of faults | `ok`, or what is wrong |
//!
//! A caller writes its text, ends its side, and reads. One caller at a time, on a thread of its
//! own: no client waits for it.

use crate::world::span_of;
use mio::Waker;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use stream::Nanos;

/// The longest text that is read.
const TEXT_MAX: u64 = 1 << 20;
/// What a caller gets to say it.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the server gets to answer: an hour of a busy market is stepped over in less.
const WORK: Duration = Duration::from_secs(120);
/// The furthest step.
const STEP_MAX: Nanos = Nanos::from_secs(3_600);

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word<'a> {
    /// What really happened.
    Truth,
    /// The session's time.
    Time,
    /// Time moves so far.
    Step(Nanos),
    /// A step that is none.
    BadStep,
    /// Faults.
    Script(&'a str),
}

impl<'a> Word<'a> {
    /// Reads a caller's text.
    pub fn read(text: &'a str) -> Self {
        let mut words = text.split_ascii_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("truth"), None, _) => Self::Truth,
            (Some("time"), None, _) => Self::Time,
            (Some("step"), span, None) => span
                .and_then(span_of)
                .filter(|span| *span > Nanos::ZERO && *span <= STEP_MAX)
                .map_or(Self::BadStep, Self::Step),
            _ => Self::Script(text),
        }
    }
}

/// What a caller wants.
#[derive(Debug)]
pub struct Ask {
    /// Its text.
    pub text: String,
    answer: Sender<String>,
}

impl Ask {
    /// Answers. A caller that has gone needs none.
    pub fn reply(self, said: String) {
        let _ = self.answer.send(said);
    }
}

/// The socket and its thread. It is gone with its owner.
#[derive(Debug)]
pub struct Control {
    asks: Receiver<Ask>,
    path: PathBuf,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Opens the socket.
    pub fn open(path: &Path, waker: Arc<Waker>) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let ending = Arc::new(AtomicBool::new(false));
        let (told, asks) = channel();
        let flag = Arc::clone(&ending);
        let thread = std::thread::Builder::new().name("control".to_owned());
        let thread = thread.spawn(move || {
            for caller in listener.incoming() {
                if flag.load(Ordering::Acquire) {
                    break;
                }
                if let Ok(caller) = caller {
                    // A caller that goes away is no business of the server's.
                    let _ = hear(caller, &told, &waker);
                }
            }
        })?;
        Ok(Self {
            asks,
            path: path.to_owned(),
            ending,
            thread: Some(thread),
        })
    }

    /// What is wanted now, if anything.
    pub fn next(&self) -> Option<Ask> {
        self.asks.try_recv().ok()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        // A call of our own ends the wait for callers.
        let woken = UnixStream::connect(&self.path).is_ok();
        if let (true, Some(thread)) = (woken, self.thread.take()) {
            // It cannot panic; if it did, there would be nothing to do about it here.
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn hear(mut caller: UnixStream, told: &Sender<Ask>, waker: &Waker) -> io::Result<()> {
    caller.set_read_timeout(Some(PATIENCE))?;
    caller.set_write_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    (&caller).take(TEXT_MAX).read_to_string(&mut text)?;
    let (answer, answered) = channel();
    if told.send(Ask { text, answer }).is_err() {
        return Ok(());
    }
    waker.wake()?;
    let said = answered.recv_timeout(WORK);
    let said = said.unwrap_or_else(|_| "the server does not answer".to_owned());
    caller.write_all(said.as_bytes())?;
    caller.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_scripts() {
        assert_eq!(Word::read("truth\n"), Word::Truth);
        assert_eq!(Word::read(" time "), Word::Time);
        let step = Word::Step(Nanos::from_millis(250));
        assert_eq!(Word::read("step 250ms"), step);
        for bad in ["step", "step 0s", "step 61m", "step fast", "step -1s"] {
            assert_eq!(Word::read(bad), Word::BadStep, "{bad}");
        }
        assert_eq!(Word::read("lost"), Word::Script("lost"));
    }
}
