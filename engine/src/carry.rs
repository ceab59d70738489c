//! What one session's journal leaves to the next one.
//!
//! A new session date begins a new journal. Totals of the week, latches, streaks, calibration and
//! open positions must outlive the folder: the last full checkpoint of each stage is copied
//! behind the new journal's `Restart`, as after a start with another binary. `seq` continues, so
//! that no frame's name, and so no name of an order still resting at the broker, is given twice.

use crate::restart::RestartError;
use journal::Reader;
use std::collections::BTreeMap;
use std::path::Path;
use stream::payload::{Checkpoint, Instrument};
use stream::{FrameId, FrameRef, InstrumentId, Kind, Nanos, StageId};

/// Stages without whose states nobody knows what is held and what works.
const NEEDED: [StageId; 2] = [StageId::Risk, StageId::Gateway];

/// Symbols by the numbers that a configuration gave them.
pub(crate) type Names = BTreeMap<InstrumentId, [u8; 16]>;

/// A stage's state.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) stage: StageId,
    pub(crate) chunks: Vec<Checkpoint>,
    /// The numbers that it goes by.
    pub(crate) names: Names,
    is_input: bool,
}

#[cfg(test)]
impl Saved {
    pub(crate) const fn of(stage: StageId, chunks: Vec<Checkpoint>, names: Names) -> Self {
        Self {
            stage,
            chunks,
            names,
            is_input: false,
        }
    }
}

/// Full checkpoints, gathered from their chunks.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    gathering: BTreeMap<u8, Vec<Checkpoint>>,
    full: BTreeMap<StageId, Saved>,
    /// Which symbol each number stands for.
    names: Names,
    /// The first frame about an order behind the newest state of each stage that is needed.
    unknown: BTreeMap<StageId, Forgotten>,
}

/// A frame that a saved state knows nothing of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Which.
    pub id: FrameId,
    /// Of what kind.
    pub kind: Kind,
}

/// True for what moves orders, positions and money: a state from before it is not how things are.
const fn is_about_orders(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Command | Kind::Sent | Kind::Status | Kind::Fill | Kind::Commission
    )
}

impl Checkpoints {
    /// Sees one frame; remembers it where it is a chunk of a state, or what no state knows of.
    pub(crate) fn on_frame(&mut self, frame: FrameRef<'_>) {
        let kind = frame.kind();
        if is_about_orders(kind) {
            let id = frame.id();
            for stage in NEEDED {
                let first = self.unknown.entry(stage);
                first.or_insert(Forgotten { id, kind });
            }
        }
        if let Some(definition) = frame.try_read::<Instrument>() {
            self.define(frame.instrument(), definition.symbol);
        }
        if let Some(chunk) = frame.try_read::<Checkpoint>() {
            self.gather(*chunk, frame.is_input());
        }
    }

    /// Definitions stand behind the states that their epoch began with.
    fn define(&mut self, id: InstrumentId, symbol: [u8; 16]) {
        self.names.insert(id, symbol);
        for saved in self.full.values_mut().filter(|saved| saved.is_input) {
            saved.names.entry(id).or_insert(symbol);
        }
    }

    /// What an epoch began with counts until the stage has written its own: a session that ends
    /// before that leaves what was left to it.
    fn gather(&mut self, chunk: Checkpoint, is_input: bool) {
        let chunks = self.gathering.entry(chunk.stage).or_default();
        if chunk.index == 0 {
            chunks.clear();
        }
        chunks.push(chunk);
        if chunks.len() != usize::from(chunk.count) {
            return;
        }
        let chunks = std::mem::take(chunks);
        let Some(stage) = StageId::from_u8(chunk.stage) else {
            return;
        };
        let names = if is_input {
            Names::new()
        } else {
            self.names.clone()
        };
        let saved = Saved {
            stage,
            chunks,
            names,
            is_input,
        };
        if is_input {
            self.full.entry(stage).or_insert(saved);
        } else {
            self.full.insert(stage, saved);
            self.unknown.remove(&stage);
        }
    }

    /// The first frame about an order behind the older one of the states that are needed.
    pub(crate) fn forgotten(&self) -> Option<Forgotten> {
        self.unknown.values().copied().min_by_key(|first| first.id)
    }

    /// The states of all stages, when at least those are there that are needed.
    pub(crate) fn whole(self) -> Option<Vec<Saved>> {
        NEEDED
            .iter()
            .all(|stage| self.full.contains_key(stage))
            .then(|| self.full.into_values().collect())
    }
}

/// What a session left behind.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) checkpoints: Vec<Saved>,
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
