//! Verification: is every byte of a journal what was written?

use crate::catalogue::lock_path;
use crate::disk::Lock;
use crate::error::{Damage, Error};
use crate::walk::{End, Walk};
use std::path::Path;
use stream::Nanos;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Sound frames.
    pub frames: u64,
    /// Lines since the journal began, up to which everything is sound; pads count.
    pub position: u64,
    /// Starts of a writer.
    pub epochs: u64,
    /// Segments with sound frames.
    pub segments: u64,
    /// `seq` of the last sound frame, 0 when there is none.
    pub last_seq: u64,
    /// `ts` of the last sound frame.
    pub last_ts: Nanos,
    /// A writer holds the journal now.
    pub live: bool,
    /// What it is.
    pub state: State,
}

/// What state a journal is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Every byte is what was written: closed on purpose, or being written now.
    Clean,
    /// Not closed: a writer died. Everything up to the position is sound; the next start goes on
    /// there.
    Tail {
        /// Lines since the journal began.
        position: u64,
        /// Lines behind it that are not zero and do not verify; 0 when nothing was torn.
        lost: u64,
    },
    /// Bytes that were durable are not what was written.
    Corrupt(Damage),
}

/// Checks every used byte of a journal, one of many segments with as many threads as the process
/// may use at once.
///
/// # Errors
/// When it cannot be read, or is no journal. Damage is not an error but the report's answer.
pub fn verify(dir: impl AsRef<Path>) -> Result<Report, Error> {
    report(dir.as_ref(), Walk::scout)
}

/// Verifies with a walk that was prepared in some way.
pub(crate) fn report(dir: &Path, prepare: impl FnOnce(&mut Walk)) -> Result<Report, Error> {
    // Asked first: a journal that is closed meanwhile must not look like a dead one.
    let live = Lock::is_held(&lock_path(dir));
    let mut walk = match Walk::new(dir) {
        Ok(walk) => walk,
        Err(Error::Corrupt(damage)) => {
            return Ok(Report {
                frames: 0,
                position: 0,
                epochs: 0,
                segments: 0,
                last_seq: 0,
                last_ts: Nanos::ZERO,
                live,
                state: State::Corrupt(damage),
            });
        }
        Err(error) => return Err(error),
    };
    prepare(&mut walk);
    let state = match walk.go_through() {
        Ok(End::Closed) => State::Clean,
        Ok(End::Open) if live => State::Clean,
        Ok(End::Open) => State::Tail {
            position: walk.position(),
            lost: walk.count_torn()?,
        },
        Err(Error::Corrupt(damage)) => State::Corrupt(damage),
        Err(error) => return Err(error),
    };
    Ok(Report {
        frames: walk.frames,
        position: walk.position(),
        epochs: walk.epochs().len() as u64,
        segments: walk.segments,
        last_seq: walk.past().seq,
        last_ts: Nanos(walk.past().ts),
        live,
        state,
    })
}
