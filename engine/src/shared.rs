//! What the threads of one run share: a handful of atomics, and nothing else.

use crossbeam::utils::CachePadded;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use stream::InstrumentId;
use stream::limits::INSTRUMENTS_MAX;

/// How far a lane has got.
///
/// Sync point PROGRESS: a lane stores `done` (Release) after everything it made of the inputs up to
/// it has been published in its ring; the next lane loads it (Acquire) *before* it looks at the
/// ring, so that a ring read to its end then holds nothing older.
#[derive(Debug, Default)]
pub struct Progress {
    done: CachePadded<AtomicU64>,
    finished: AtomicBool,
}

impl Progress {
    /// Progress that starts behind `seq`.
    #[must_use]
    pub fn from(seq: u64) -> Self {
        Self {
            done: CachePadded::new(AtomicU64::new(seq)),
            finished: AtomicBool::new(false),
        }
    }

    /// The last input that is done with all its consequences. PROGRESS, reading end.
    #[inline]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    /// Everything up to `seq` is done. PROGRESS, writing end.
    #[inline]
    pub fn set_done(&self, seq: u64) {
        self.done.store(seq, Ordering::Release);
    }

    /// Nothing more will come. Set after the last [`Progress::set_done`].
    pub fn finish(&self) {
        self.finished.store(true, Ordering::Release);
    }

    /// True when nothing more will come.
    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }
}

/// Why the journal makes the run end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Emergency {
    /// None.
    No = 0,
    /// The journal writes into its reserve: only what closes positions goes on.
    Reserve = 1,
    /// The journal is dead.
    Dead = 2,
}

/// What the threads of one run share.
#[derive(Debug)]
pub struct Shared {
    /// How far each lane has got, in the pipeline's order.
    pub lanes: Vec<Progress>,
    stop: AtomicBool,
    failed: AtomicBool,
    emergency: AtomicU8,
    flat: AtomicBool,
    held: [AtomicU64; INSTRUMENTS_MAX / 64 + 1],
}

impl Shared {
    /// For `lanes` lanes behind `seq`.
    #[must_use]
    pub fn new(lanes: usize, seq: u64) -> Self {
        Self {
            lanes: (0..lanes).map(|_| Progress::from(seq)).collect(),
            stop: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            emergency: AtomicU8::new(0),
            flat: AtomicBool::new(true),
            held: [const { AtomicU64::new(0) }; INSTRUMENTS_MAX / 64 + 1],
        }
    }

    /// Everything up to this input is journaled, and its answers are on their way back.
    #[inline]
    pub fn drained(&self) -> u64 {
        self.lanes.last().map_or(u64::MAX, Progress::done)
    }

    /// Asks the head to number no more.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// True when the head was asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A lane broke.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// True when a lane broke.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Raises the emergency; it is never lowered.
    pub fn raise(&self, emergency: Emergency) {
        self.emergency.fetch_max(emergency as u8, Ordering::Release);
    }

    /// The emergency.
    #[inline]
    pub fn emergency(&self) -> Emergency {
        match self.emergency.load(Ordering::Acquire) {
            0 => Emergency::No,
            1 => Emergency::Reserve,
            _ => Emergency::Dead,
        }
    }

    /// Tells whether an instrument is held.
    pub fn set_held(&self, instrument: InstrumentId, held: bool) {
        let bit = 1 << (instrument.index() % 64);
        let word = &self.held[instrument.index() / 64];
        if held {
            word.fetch_or(bit, Ordering::Relaxed);
        } else {
            word.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// True when an instrument is held.
    pub fn is_held(&self, instrument: InstrumentId) -> bool {
        self.held[instrument.index() / 64].load(Ordering::Relaxed) >> (instrument.index() % 64) & 1
            == 1
    }

    /// Tells whether no position and no live order is left.
    pub fn set_flat(&self, flat: bool) {
        self.flat.store(flat, Ordering::Release);
    }

    /// True when no position and no live order is left, as far as the journal goes.
    pub fn is_flat(&self) -> bool {
        self.flat.load(Ordering::Acquire)
    }
}
