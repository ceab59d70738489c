//! What the writer and its helpers tell each other while they run.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::Thread;

/// How the journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// All is well.
    Good,
    /// The disk has room for this many further segments only, 0 or 1.
    Low {
        /// Whole segments that would still fit.
        segments: u32,
    },
    /// The next segment could not be made: what room is left, the reserve included, is for
    /// winding down.
    Reserve {
        /// Why.
        why: Why,
    },
    /// The disk failed to keep what it was given. Nothing written since the last good sync will
    /// ever count as durable in this epoch; frames still reach the page cache, for winding down.
    SyncFailed {
        /// Why.
        why: Why,
    },
    /// There is no room at all: nothing is written any more.
    Failed {
        /// Why.
        why: Why,
    },
}

impl Health {
    /// True when the engine must reduce and stop: the journal will not take much more.
    #[must_use]
    pub const fn must_wind_down(self) -> bool {
        matches!(
            self,
            Self::Reserve { .. } | Self::SyncFailed { .. } | Self::Failed { .. }
        )
    }

    /// True when nothing is written any more.
    #[must_use]
    pub const fn is_failed(self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    const fn encode(self) -> u64 {
        let (level, detail) = match self {
            Self::Good => (0, 0),
            Self::Low { segments } => (1, segments),
            Self::Reserve { why } => (2, why.0),
            Self::SyncFailed { why } => (3, why.0),
            Self::Failed { why } => (4, why.0),
        };
        level << 32 | detail as u64
    }

    const fn decode(code: u64) -> Self {
        let detail = code as u32;
        let why = Why(detail);
        match code >> 32 {
            0 => Self::Good,
            1 => Self::Low { segments: detail },
            2 => Self::Reserve { why },
            3 => Self::SyncFailed { why },
            _ => Self::Failed { why },
        }
    }
}

/// The system's error number behind a failure; 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Why(pub u32);

impl Why {
    /// Another process made a segment's file shorter while it was written: no error of the
    /// system's, hence no number of its own.
    pub const CUT: Self = Self(u32::MAX);

    /// The cause of an error.
    #[must_use]
    pub fn of(error: &std::io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(0).unsigned_abs())
    }

    /// True for a full disk or an exhausted quota.
    #[must_use]
    pub const fn is_no_space(self) -> bool {
        self.0 == libc::ENOSPC as u32 || self.0 == libc::EDQUOT as u32
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match i32::try_from(self.0) {
            _ if *self == Self::CUT => f.write_str("another process made its file shorter"),
            Ok(number) if number != 0 => std::io::Error::from_raw_os_error(number).fmt(f),
            _ => f.write_str("no cause was given"),
        }
    }
}

/// A value alone in its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Alone<T>(pub(crate) T);

/// The shared state. The writer alone moves `head`, the syncing helper alone moves `durable`.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    head: Alone<AtomicU64>,
    durable: Alone<AtomicU64>,
    /// Segments of this epoch that the writer has entered, less one.
    index: AtomicU32,
    /// Lines up to which a sync was asked for.
    wanted: AtomicU64,
    health: AtomicU64,
    /// There will be no further segment.
    exhausted: AtomicBool,
    stop: AtomicBool,
    /// The helpers' threads, to be woken.
    threads: Mutex<Vec<Thread>>,
}

impl Shared {
    pub(crate) fn new(position: u64) -> Self {
        let shared = Self::default();
        shared.set_head(position);
        shared.set_durable(position);
        shared
    }

    #[inline]
    pub(crate) fn set_head(&self, position: u64) {
        // SYNC POINT head: the frames below are stored before the helpers see the position.
        self.head.0.store(position, Ordering::Release);
    }

    pub(crate) fn head(&self) -> u64 {
        // SYNC POINT head: pairs with `set_head`.
        self.head.0.load(Ordering::Acquire)
    }

    pub(crate) fn set_durable(&self, position: u64) {
        // SYNC POINT durable: the sync is done before anybody sees the position.
        self.durable.0.store(position, Ordering::Release);
    }

    #[inline]
    pub(crate) fn durable(&self) -> u64 {
        // SYNC POINT durable: pairs with `set_durable`.
        self.durable.0.load(Ordering::Acquire)
    }

    pub(crate) fn set_index(&self, index: u32) {
        // SYNC POINT index: the writer has left the segments before.
        self.index.store(index, Ordering::Release);
    }

    pub(crate) fn index(&self) -> u32 {
        // SYNC POINT index: pairs with `set_index`.
        self.index.load(Ordering::Acquire)
    }

    /// Asks for a sync of everything below `position`, now.
    pub(crate) fn want(&self, position: u64) {
        self.wanted.fetch_max(position, Ordering::AcqRel);
        self.wake();
    }

    pub(crate) fn wanted(&self) -> u64 {
        self.wanted.load(Ordering::Acquire)
    }

    pub(crate) fn health(&self) -> Health {
        Health::decode(self.health.load(Ordering::Acquire))
    }

    /// Health only gets worse, apart from room that comes back before it was needed.
    pub(crate) fn report(&self, health: Health) {
        let code = health.encode();
        let update = |now: u64| {
            let room = now >> 32 <= 1 && code >> 32 <= 1;
            (room || code >> 32 > now >> 32).then_some(code)
        };
        // A refused update means that something worse is known already.
        let _ = self
            .health
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, update);
    }

    pub(crate) fn exhaust(&self) {
        self.exhausted.store(true, Ordering::Release);
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Acquire)
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    pub(crate) fn enlist(&self, thread: Thread) {
        self.threads
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(thread);
    }

    /// Wakes the helpers.
    pub(crate) fn wake(&self) {
        let threads = self
            .threads
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for thread in threads.iter() {
            thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_reads_back_and_never_recovers_from_a_failure() {
        let why = Why(28);
        let all = [
            Health::Good,
            Health::Low { segments: 1 },
            Health::Reserve { why },
            Health::SyncFailed { why },
            Health::Failed { why },
        ];
        for health in all {
            assert_eq!(Health::decode(health.encode()), health);
        }
        let shared = Shared::new(0);
        shared.report(Health::Low { segments: 1 });
        shared.report(Health::Good);
        assert_eq!(shared.health(), Health::Good);
        shared.report(Health::Reserve { why });
        shared.report(Health::Good);
        shared.report(Health::Reserve { why: Why(5) });
        assert_eq!(shared.health(), Health::Reserve { why });
        shared.report(Health::Failed { why: Why(5) });
        assert_eq!(shared.health(), Health::Failed { why: Why(5) });
        assert!(shared.health().must_wind_down() && shared.health().is_failed());
    }
}
