//! What one session's journal leaves to the next one.
//!
//! A new session date begins a new journal. Totals of the week, latches, streaks, calibration and
//! open positions must not end with the folder: the last full checkpoint of each stage is copied
//! behind the new journal's `Restart`, as after a start with another binary. `seq` goes on, so that
//! the name of a frame, and with it of an order that still rests at the broker, is never given
//! twice.

use crate::restart::RestartError;
use journal::Reader;
use std::collections::BTreeMap;
use std::path::Path;
use stream::payload::Checkpoint;
use stream::{FrameRef, Nanos, StageId};

/// Full checkpoints, gathered from their chunks.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    gathering: BTreeMap<u8, Vec<Checkpoint>>,
    full: BTreeMap<StageId, Vec<Checkpoint>>,
}

impl Checkpoints {
    /// Sees one frame; remembers it where it is a chunk that a stage wrote.
    pub(crate) fn on_frame(&mut self, frame: FrameRef<'_>) {
        if !frame.is_input()
            && let Some(chunk) = frame.try_read::<Checkpoint>()
        {
            self.gather(*chunk);
        }
    }

    fn gather(&mut self, chunk: Checkpoint) {
        let chunks = self.gathering.entry(chunk.stage).or_default();
        if chunk.index == 0 {
            chunks.clear();
        }
        chunks.push(chunk);
        if chunks.len() == usize::from(chunk.count)
            && let Some(stage) = StageId::from_u8(chunk.stage)
        {
            self.full.insert(stage, std::mem::take(chunks));
        }
    }

    /// The chunks of every stage, when at least those are there without which nobody knows what is
    /// held and what works.
    pub(crate) fn whole(self) -> Option<Vec<Checkpoint>> {
        [StageId::Risk, StageId::Gateway]
            .iter()
            .all(|stage| self.full.contains_key(stage))
            .then(|| self.full.into_values().flatten().collect())
    }
}

/// What a session left behind.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) checkpoints: Vec<Checkpoint>,
    pub(crate) last_seq: u64,
    pub(crate) last_ts: Nanos,
}

/// Reads what the journal of an earlier session leaves; `None` where it never came to a full
/// checkpoint.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn left_by(dir: &Path) -> Result<Option<Left>, RestartError> {
    let mut reader = Reader::open(dir)?;
    let mut checkpoints = Checkpoints::default();
    let (mut last_seq, mut last_ts) = (0, Nanos::ZERO);
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        if frame.is_input() {
            (last_seq, last_ts) = (frame.seq(), frame.ts());
        }
        checkpoints.on_frame(frame);
    }
    Ok(checkpoints.whole().map(|checkpoints| Left {
        checkpoints,
        last_seq,
        last_ts,
    }))
}
