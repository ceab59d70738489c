//! What one session's journal leaves to the next one.
//!
//! A new session date begins a new journal. Totals of the week, latches, streaks, calibration and
//! open positions must outlive the folder: the last full checkpoint of each stage is copied
//! behind the new journal's `Restart`, as after a start with another binary. `seq` continues, so
//! that no frame's name, and so no name of an order still resting at the broker, is given twice.

use crate::chain::Stages;
use crate::restart::RestartError;
use journal::Reader;
use std::collections::BTreeMap;
use std::path::Path;
use stream::payload::{Checkpoint, Control, ControlAction, Instrument, text};
use stream::stage::Collected;
use stream::{Draft, FrameId, FrameRef, InstrumentId, Kind, Nanos, Stage, StageId};

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
    /// The first frame that moves something behind the newest state of each stage that is needed.
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

/// True for what moves orders, positions, money and kill levels: a state from before it is not how
/// things are.
const fn moves(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Command | Kind::Sent | Kind::Status | Kind::Fill | Kind::Commission | Kind::Kill
    )
}

impl Checkpoints {
    /// Sees one frame; remembers it where it is a chunk of a state, or what no state knows of.
    pub(crate) fn on_frame(&mut self, frame: FrameRef<'_>) {
        let kind = frame.kind();
        if moves(kind) {
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

    /// Takes the states of stages that were folded to the journal's end: behind them stands nothing
    /// that they do not know. Where the configuration has no states saved, nothing changes.
    pub(crate) fn renew(&mut self, stages: &mut Stages, (seq, ts): (u64, Nanos)) {
        let mut draft = Draft::new();
        draft.write(InstrumentId::NONE, &save());
        draft.number(seq, ts, 0);
        let mut said = Collected::default();
        stages.signal.on_frame(draft.frame(), &mut said);
        stages.risk.on_frame(draft.frame(), &mut said);
        stages.gateway.on_frame(draft.frame(), &mut said);
        let states = said.iter().filter(|frame| frame.kind() == Kind::Checkpoint);
        states.for_each(|frame| self.on_frame(frame));
    }

    /// The first frame that moves something behind the older one of the states that are needed.
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

/// What has every stage write its state: by the clock the last input of a run.
pub(crate) fn save() -> Control {
    Control {
        action: ControlAction::Save,
        by: text("engine"),
        cause: text("the run ends"),
        ..Control::zeroed()
    }
}

/// What a session left behind.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub(crate) checkpoints: Checkpoints,
    pub(crate) last_seq: u64,
    pub(crate) last_ts: Nanos,
}

/// Reads what the journal of an earlier session leaves.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn left_by(dir: &Path) -> Result<Left, RestartError> {
    let mut reader = Reader::open(dir)?;
    let mut left = Left::default();
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        if frame.is_input() {
            (left.last_seq, left.last_ts) = (frame.seq(), frame.ts());
        }
        left.checkpoints.on_frame(frame);
    }
    Ok(left)
}
