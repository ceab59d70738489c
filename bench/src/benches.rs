//! The benches by name.

use crate::cores::Cores;
use crate::market::Place;
use crate::measure::Effort;
use crate::report::Report;
use crate::{
    alloc, backtest, book, cadence, chain, codec, edge, growth, hop, journal, latency, limits,
    recovery, replay,
};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// What every bench works with.
#[derive(Clone, Debug)]
pub struct Bench {
    /// How much is measured.
    pub effort: Effort,
    /// The market.
    pub place: Place,
    /// Where threads of benches that need cores of their own run.
    pub cores: Cores,
    /// Where journals are written: each run into a folder of its own, removed afterwards.
    pub folder: PathBuf,
}

impl Bench {
    /// A folder for one run.
    ///
    /// # Errors
    /// When the system refuses one.
    pub fn temp(&self) -> Result<TempDir> {
        tempfile::Builder::new()
            .prefix("spindle-bench-")
            .tempdir_in(&self.folder)
            .with_context(|| format!("cannot make a folder in {}", self.folder.display()))
    }

    /// How often journals are synced that no configuration speaks of: the journal's own default.
    pub(crate) fn sync_every(&self) -> Duration {
        ::journal::Options::new(&self.folder).sync_every
    }
}

/// A bench: its name, what it measures, how.
type Row = (&'static str, &'static str, fn(&Bench) -> Result<Report>);

/// Every bench, in the order of `all`.
pub const BENCHES: &[Row] = &[
    (
        "limits",
        "what the box allows at best, and what it takes away",
        limits::run,
    ),
    (
        "hop",
        "one ring between two pinned threads, beside other people's",
        hop::run,
    ),
    (
        "backtest",
        "the whole pipeline with its journal, one lane",
        backtest::run,
    ),
    ("replay", "replay --check", replay::run),
    (
        "journal",
        "append, verify and decode, beside the mapped copy",
        journal::run,
    ),
    ("book", "a day's frames applied to order books", book::run),
    ("codec", "LOBSTER, ITCH and DBN to frames", codec::run),
    (
        "alloc",
        "allocations once warm, and anonymous memory",
        alloc::run,
    ),
    (
        "latency",
        "market event and evaluation to command, at stated rates",
        latency::run,
    ),
    (
        "edge",
        "the edge to a broker, through a socket to the paper server and back",
        edge::run,
    ),
    ("chain", "the stages as 1, 2, 3 and 5 lanes", chain::run),
    (
        "cadence",
        "evaluations of 100 instruments under a burst",
        cadence::run,
    ),
    (
        "recovery",
        "a start behind a crash, until it is ready to be armed",
        recovery::run,
    ),
    (
        "growth",
        "cost by events, length, instruments and threads",
        growth::run,
    ),
];
