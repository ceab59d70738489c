//! Starting behind what a journal already holds.
//!
//! The day is folded again from its inputs, by the same stages; recorded commands are facts.
//! Derived frames that the last input still lacks are appended first, and each command among them
//! is given up (`Sent(abandoned)`): it was never journaled, so it never left. Answers and
//! loop-backs that were still to come are queued again. Another configuration begins with the
//! states that the fold came to. Where the fold differs (another binary, an assert) the last full
//! checkpoint is carried over instead, as long as nothing that moves orders, money or kill levels
//! stands behind it. Either way the run starts disarmed.

use crate::broker::Shade;
pub use crate::carry::Forgotten;
use crate::carry::{self, Checkpoints, Left};
use crate::chain::Stages;
use crate::edge_log::{self, Cancelled};
use crate::fit::fitting;
use crate::fold::{Fold, FoldError, Shadow, parallel};
use crate::ledger::Ledger;
use crate::openings::Openings;
use crate::setup::Setup;
use crate::shared::Shared;
use journal::{Reader, Recovered};
use std::path::Path;
use stream::payload::{Checkpoint, Command, Restart, RestartFrom, Sent, SentOutcome};
use stream::stage::Collected;
use stream::{Draft, FrameRef, Kind, Nanos};

/// A first start on a new session's journal, with what the session before it left; `None` where
/// that never came to a full checkpoint. One that crashed knows more than it saved: it is folded.
fn carried(setup: &Setup, restart: Restart, dir: &Path) -> Result<Option<Start>, RestartError> {
    let Left {
        mut checkpoints,
        last_seq,
        last_ts,
    } = carry::left_by(dir)?;
    if let Some(first) = checkpoints.forgotten() {
        let Folded { fold, differs, .. } = fold(dir)?;
        if let Some(why) = differs {
            return Err(RestartError::Forgotten { why, first });
        }
        let chain = fold.into_chain().ok_or(FoldError::NoConfig)?;
        checkpoints.renew(&mut chain.into_stages(), (last_seq, last_ts));
    }
    let Some(saved) = checkpoints.whole() else {
        return Ok(None);
    };
    let fit = fitting(setup, saved)?;
    let mut ledger = Ledger::default();
    ledger.hold(&fit.gateway);
    let last_seq = last_seq.max(restart.previous_seq);
    let last_ts = last_ts.max(restart.previous_ts);
    Ok(Some(Start {
        stages: setup.stages(),
        edge: setup.shade(),
        ledger,
        last_seq,
        last_ts,
        pending: Vec::new(),
        opening: Opening {
            lacking: Collected::default(),
            restart: Restart {
                from: RestartFrom::Checkpoint,
                previous_seq: last_seq,
                previous_ts: last_ts,
                ..restart
            },
            checkpoints: fit.chunks,
        },
    }))
}

/// What makes a restart impossible.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// It cannot be folded.
    #[error("the journal cannot be folded: {0}")]
    Fold(#[from] FoldError),
    /// Another binary, and nothing saved to start from.
    #[error(
        "the journal cannot be folded as it was written ({0}) and holds no full checkpoint to \
         start from; start with the binary that wrote it, or with an empty folder of journals"
    )]
    NoCheckpoint(String),
    /// Another binary, and what is saved is older than what was done last.
    #[error(
        "the journal cannot be folded as it was written ({why}), and the states that \
         it saved last know nothing of {} {} behind them: a start from them would have other \
         orders and positions than the broker; start with the binary that wrote it (another may \
         follow once a run was stopped or came to its end, for it saves its states last), or close \
         by hand what is open and start with an empty folder of journals", .first.kind, .first.id
    )]
    Forgotten {
        /// What differs.
        why: String,
        /// The first of what no saved state knows.
        first: Forgotten,
    },
    /// What is saved is of another configuration, or damaged.
    #[error(
        "the saved state of {0} does not fit: {1}; start with the configuration that wrote it, or \
         close by hand what is open and start with an empty folder of journals"
    )]
    DoesNotFit(&'static str, String),
}

/// What an epoch begins with.
#[derive(Debug)]
pub struct Opening {
    /// Derived frames that the last epoch's last input still lacks.
    pub lacking: Collected,
    /// The frame that opens the epoch.
    pub restart: Restart,
    /// Carried-over states.
    pub checkpoints: Vec<Checkpoint>,
}

impl Opening {
    /// True where nothing came before: no epoch, and no state that another session left.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.restart.previous_seq == 0 && self.checkpoints.is_empty()
    }
}

/// Where a run starts.
#[derive(Debug)]
pub struct Start {
    /// The stages, folded.
    pub stages: Stages,
    /// The broker's side, folded.
    pub edge: Shade,
    /// What is live and held.
    pub ledger: Ledger,
    /// The last input's number, 0 at first.
    pub last_seq: u64,
    /// The last input's stamp, 0 at first.
    pub last_ts: Nanos,
    /// Answers and loop-backs that were still to come.
    pub pending: Vec<Draft>,
    /// What the epoch begins with.
    pub opening: Opening,
}

impl Start {
    /// What the edge did past a dead journal becomes known: to the edge itself, and by the head to
    /// everyone. Legs that are no longer live were heard of before.
    pub fn hear(&mut self, cancelled: &[Cancelled]) {
        // Of a real broker nobody knows whether the cancel came in time: the order is looked up.
        let Shade::Sim(edge) = &mut self.edge else {
            return;
        };
        for one in cancelled {
            if self
                .ledger
                .legs()
                .iter()
                .any(|live| live.leg == one.leg.leg)
            {
                edge_log::cancel_at(edge, one);
                self.pending.push(one.status());
            }
        }
    }
}

/// Where a run on that journal starts.
///
/// # Errors
/// See [`RestartError`].
pub fn start(setup: &Setup, dir: &Path, recovered: &Recovered) -> Result<Start, RestartError> {
    let restart = Restart {
        epoch: recovered.epoch,
        from: RestartFrom::Empty,
        disarmed: u8::from(!setup.armed_at_start),
        previous_seq: recovered.last_seq,
        previous_ts: recovered.last_ts,
        ..Restart::zeroed()
    };
    if recovered.last_seq == 0 {
        return first(setup, restart);
    }
    let folded = fold(dir)?;
    if !folded.beside.openings.has_begun() {
        return first(setup, restart);
    }
    let restart = Restart {
        disarmed: 1,
        ..restart
    };
    let is_same = folded.fold.config() == Some(setup.config_text.as_str());
    if is_same && folded.differs.is_none() && !folded.broke_off {
        return from_fold(folded, restart);
    }
    from_states(setup, folded, restart)
}

/// A first start on a journal, behind what starts that broke off left in it.
fn first(setup: &Setup, restart: Restart) -> Result<Start, RestartError> {
    if let Some(dir) = &setup.carry
        && let Some(start) = carried(setup, restart, dir)?
    {
        return Ok(start);
    }
    Ok(Start {
        stages: setup.stages(),
        edge: setup.shade(),
        ledger: Ledger::default(),
        last_seq: restart.previous_seq,
        last_ts: restart.previous_ts,
        pending: Vec::new(),
        opening: Opening {
            lacking: Collected::default(),
            restart,
            checkpoints: Vec::new(),
        },
    })
}

struct Folded {
    fold: Fold,
    differs: Option<String>,
    beside: Beside,
    /// The last start died while it opened its epoch, and is left out.
    broke_off: bool,
}

/// What is kept beside the stages: the broker's side, orders and positions, each stage's last full
/// checkpoint.
#[derive(Debug, Default)]
struct Beside {
    shadow: Shadow,
    ledger: Ledger,
    last_seq: u64,
    last_ts: Nanos,
    checkpoints: Checkpoints,
    openings: Openings,
}

impl Beside {
    fn on_frame(&mut self, frame: FrameRef<'_>, nobody: &Shared) -> Result<(), FoldError> {
        self.ledger.on_frame(frame, nobody);
        if frame.is_input() {
            (self.last_seq, self.last_ts) = (frame.seq(), frame.ts());
        }
        self.openings.on_frame(frame);
        self.checkpoints.on_frame(frame);
        self.shadow.on_frame(frame)
    }
}

/// Folds the whole journal; or what stands before an opening that broke off at its end, and goes on
/// behind that one's numbers.
fn fold(dir: &Path) -> Result<Folded, RestartError> {
    let whole = fold_whole(dir)?;
    let Some(first) = whole.beside.openings.broken_off() else {
        return Ok(whole);
    };
    let mut before = fold_in_turn(dir, first)?;
    before.beside.last_seq = whole.beside.last_seq;
    before.beside.last_ts = whole.beside.last_ts;
    before.broke_off = true;
    Ok(before)
}

/// Its parts side by side, and where anything differs or breaks a stage frame by frame.
fn fold_whole(dir: &Path) -> Result<Folded, RestartError> {
    let nobody = Shared::new(0, 0);
    let mut beside = Beside::default();
    let folded = parallel(dir, Some(&mut |frame| beside.on_frame(frame, &nobody)));
    match folded? {
        Some(all) => Ok(Folded {
            fold: all.fold,
            differs: None,
            beside,
            broke_off: false,
        }),
        None => fold_in_turn(dir, u64::MAX),
    }
}

/// Frame by frame, up to an input and without it.
fn fold_in_turn(dir: &Path, end: u64) -> Result<Folded, RestartError> {
    let nobody = Shared::new(0, 0);
    let mut reader = Reader::open(dir)?;
    let mut folded = Folded {
        fold: Fold::default(),
        differs: None,
        beside: Beside::default(),
        broke_off: false,
    };
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        if frame.seq() >= end {
            break;
        }
        folded.beside.on_frame(frame, &nobody)?;
        if begins_anew(frame) {
            // Its states came from elsewhere: how those before it were made is of no matter.
            folded.differs = None;
        }
        if let Err(difference) = folded.fold.on_frame_or_break(frame)? {
            folded.differs.get_or_insert(difference.to_string());
        }
    }
    if let (None, Some(cut)) = (&folded.differs, folded.fold.cut()) {
        folded.differs = Some(cut.to_string());
    }
    Ok(folded)
}

/// True for the beginning of an epoch that does not go on from a fold.
fn begins_anew(frame: FrameRef<'_>) -> bool {
    let restart = frame.try_read::<Restart>();
    restart.is_some_and(|restart| restart.from != RestartFrom::Fold)
}

fn from_fold(folded: Folded, restart: Restart) -> Result<Start, RestartError> {
    let Folded { fold, beside, .. } = folded;
    let lacking = fold.lacking();
    let frames = fold.frames;
    let chain = fold.into_chain().ok_or(FoldError::NoConfig)?;
    let (edge, pending) = beside.shadow.into_parts().ok_or(FoldError::NoConfig)?;
    let mut pending = pending.into_drafts();
    pending.extend(lacking.iter().filter_map(abandoned));
    let (stages, mut ledger) = (chain.into_stages(), beside.ledger);
    ledger.hold(&stages.gateway);
    Ok(Start {
        stages,
        edge,
        ledger,
        last_seq: beside.last_seq,
        last_ts: beside.last_ts,
        pending,
        opening: Opening {
            lacking,
            restart: Restart {
                from: RestartFrom::Fold,
                folded: frames,
                ..restart
            },
            checkpoints: Vec::new(),
        },
    })
}

/// A command that was made but never journaled is given up.
fn abandoned(frame: FrameRef<'_>) -> Option<Draft> {
    let command = frame.try_read::<Command>()?;
    let sent = Sent {
        command: frame.id(),
        leg: command.leg,
        origin: command.origin,
        outcome: SentOutcome::Abandoned,
        op: command.op,
        spare: [0; 2],
        code: 0,
    };
    let mut draft = Draft::new();
    draft.write(frame.instrument(), &sent);
    let header = draft.header_mut();
    header.seq = frame.seq();
    header.sub = frame.header().sub;
    Some(draft)
}

/// From saved states. Where only the configuration differs they are those of the fold, as good as a
/// checkpoint behind the last input's last consequence; else what the journal saved last.
fn from_states(setup: &Setup, folded: Folded, restart: Restart) -> Result<Start, RestartError> {
    let Folded {
        fold,
        differs,
        mut beside,
        broke_off: _,
    } = folded;
    let frames = fold.frames;
    let (last_seq, last_ts) = (beside.last_seq, beside.last_ts);
    let (edge, pending) = beside.shadow.into_parts().ok_or(FoldError::NoConfig)?;
    let mut pending = pending.into_drafts();
    let mut lacking = Collected::default();
    if differs.is_none() {
        lacking = fold.lacking();
        pending.extend(lacking.iter().filter_map(abandoned));
        let chain = fold.into_chain().ok_or(FoldError::NoConfig)?;
        let mut stages = chain.into_stages();
        beside.checkpoints.renew(&mut stages, (last_seq, last_ts));
    } else {
        // Loop-backs to states that are older than what they answer.
        pending.retain(|draft| !matches!(draft.header().kind, Kind::Verdict | Kind::Requested));
    }
    let why = differs.unwrap_or_else(|| "another configuration, or a start broke off".to_owned());
    // Neither broker nor journal tells the stages again what they do not know: the edge counts it
    // as told, and an order that only the edge knows is nobody's.
    let forgotten = beside.checkpoints.forgotten();
    let Some(saved) = beside.checkpoints.whole() else {
        return Err(RestartError::NoCheckpoint(why));
    };
    if let Some(first) = forgotten {
        return Err(RestartError::Forgotten { why, first });
    }
    let fit = fitting(setup, saved)?;
    let mut ledger = beside.ledger;
    ledger.hold(&fit.gateway);
    Ok(Start {
        stages: setup.stages(),
        edge,
        ledger,
        last_seq,
        last_ts,
        pending,
        opening: Opening {
            lacking,
            restart: Restart {
                from: RestartFrom::Checkpoint,
                folded: frames,
                ..restart
            },
            checkpoints: fit.chunks,
        },
    })
}
