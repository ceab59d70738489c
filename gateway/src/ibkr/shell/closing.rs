//! The last comparison of a run: asked for, made by the control thread, and told to whoever ends
//! the run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use stream::Money;
use stream::payload::RoundResult;

/// What it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What came of it, the day's profit aside: a difference of that is told.
    pub result: RoundResult,
    /// Each difference, for people.
    pub differences: Vec<String>,
    /// Executions of the journal.
    pub executions: usize,
    /// Instruments that are still held.
    pub held: usize,
    /// Whether cash was compared: while a future is held, it is not.
    pub cash: bool,
    /// The day's profit by our executions, and as the broker says, where the two were compared.
    pub profit: Option<(Money, Money)>,
}

/// Shared by who ends the run and who compares.
#[derive(Debug, Default)]
pub struct Closing {
    asked: AtomicBool,
    found: Mutex<Option<Found>>,
}

impl Closing {
    /// The run is about to end, before its time.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Release);
    }

    /// What was found; `None` while nothing was, or where nobody could be asked.
    #[must_use]
    pub fn found(&self) -> Option<Found> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.clone()
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    pub(super) fn set(&self, found: Found) {
        let mut own = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        *own = Some(found);
    }
}
