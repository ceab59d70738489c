//! Orders to the running server, over a socket of the file system: a script of faults, or `truth`.
//!
//! A caller writes its text, ends its side, and reads `ok`, what is wrong, or what really happened
//! as JSON. One caller at a time, on a thread of its own: the clients' sockets never wait for it.

use mio::Waker;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest text that is read.
const TEXT_MAX: u64 = 1 << 20;
/// What a caller gets to say it, and the server to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a caller wants.
#[derive(Debug)]
pub struct Ask {
    /// Its text.
    pub text: String,
    /// Where the answer goes.
    pub answer: Sender<String>,
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
    let said = answered.recv_timeout(PATIENCE);
    let said = said.unwrap_or_else(|_| "the server does not answer".to_owned());
    caller.write_all(said.as_bytes())?;
    caller.write_all(b"\n")
}
