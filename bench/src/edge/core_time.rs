//! What the paper server's thread takes of a core that it shares with the edge's threads.
//!
//! Two clocks of the kernel give it: the thread's own clock, which it reads itself, and the
//! kernel's accounts of it, which others read. The accounts omit what a running thread has taken
//! since the last update; but whoever reads them on the same core finds the thread not running.

use rustix::thread::gettid;
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use stream::Nanos;

/// The processor time of one thread.
#[derive(Clone, Debug, Default)]
pub struct CoreTime(Arc<Books>);

#[derive(Debug, Default)]
struct Books {
    thread: AtomicI32,
    /// Held open: to open it anew takes longer than most of what is measured.
    file: OnceLock<Option<File>>,
}

impl CoreTime {
    /// The calling thread is the one; what it has taken so far.
    pub fn own(&self) -> Nanos {
        self.0
            .thread
            .store(gettid().as_raw_nonzero().get(), Ordering::Relaxed);
        let taken = clock_gettime(ClockId::ThreadCPUTime);
        Nanos(taken.tv_sec as u64 * Nanos::SECOND.0 + taken.tv_nsec as u64)
    }

    /// What that thread has taken, read by another one on the same core; `None` where it is not
    /// known or the system does not tell.
    pub fn of_other(&self) -> Option<Nanos> {
        let thread = self.0.thread.load(Ordering::Relaxed);
        if thread == 0 {
            return None;
        }
        let open = || File::open(format!("/proc/self/task/{thread}/schedstat")).ok();
        let mut text = [0; 24];
        let file = self.0.file.get_or_init(open).as_ref()?;
        let length = file.read_at(&mut text, 0).ok()?;
        let text = core::str::from_utf8(&text[..length]).ok()?;
        text.split_once(' ')?.0.parse().ok().map(Nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threads_books_follow_its_own_clock() {
        let time = CoreTime::default();
        assert_eq!(time.of_other(), None);
        let before = time.own();
        assert!(time.own() >= before);
        // Elsewhere the system may keep no such books.
        if let Some(books) = time.of_other() {
            assert!(books <= time.own());
        }
    }
}
