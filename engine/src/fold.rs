//! Folding a journal again: every input through the same stages, every derived frame compared.
//!
//! Used by `replay --check`, which wants to know of any difference, and by a restart, which wants
//! the state at the end. `crc` is masked; notes are skipped.
//!
//! A stage is a function of what precedes it in the stream, and the journal holds all of
//! that. So any part of the pipeline can be folded by itself, from recorded frames alone: if
//! every part reproduces its recorded frames, so does the whole. [`parallel`] folds the
//! parts of a whole journal side by side.

mod ahead;
mod compare;
mod parallel;
mod shadow;
mod told;

pub use parallel::{FoldedAll, parallel};
pub use shadow::{Pending, Shadow};

use crate::chain::{Chain, End};
use crate::probe::Probe;
use crate::restart::RestartError;
use crate::run::what_it_said;
use crate::setup::Setup;
use compare::{fields_that_differ, same};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use stream::id::SUB_COUNT_BITS;
use stream::payload::RestartFrom;
use stream::stage::Collected;
use stream::{Class, FrameId, FrameRef, Header, Kind, Kinds, Line, Nanos, Out, StageId};
use told::Told;

/// The configuration that a journal's first epoch was written with; `None` where it has none, as
/// before anything was journaled.
///
/// # Errors
/// When the journal cannot be read.
pub fn configuration(dir: &Path) -> Result<Option<String>, RestartError> {
    if !dir.join("identity").is_file() {
        return Ok(None);
    }
    let mut reader = journal::Reader::open(dir)?;
    let mut told = Told::default();
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        if told.on_frame(frame)?.is_some() {
            break;
        }
    }
    Ok(told.config().ok().map(str::to_owned))
}

/// Consecutive stages by their numbers.
#[derive(Clone, Copy, Debug)]
struct Part {
    first: u8,
    last: u8,
}

impl Part {
    const fn has(self, stage: u8) -> bool {
        self.first <= stage && stage <= self.last
    }
}

/// Every stage; a frame made by anything else counts as made by one behind them.
const ALL: Part = Part {
    first: StageId::Book as u8,
    last: u8::MAX,
};

/// The number of the stage that made a frame; 0 for inputs.
const fn stage_of(header: &Header) -> u8 {
    (header.sub >> SUB_COUNT_BITS) as u8
}

/// Where a fold's frames go: those that its own stages made of the last frame are kept.
#[derive(Debug)]
pub struct Expected {
    part: Part,
    lines: Vec<Line>,
}

impl Out for Expected {
    #[inline]
    fn put(&mut self, frame: FrameRef<'_>) {
        if self.part.has(stage_of(frame.header())) {
            match frame.lines() {
                [line] => self.lines.push(*line),
                lines => self.lines.extend_from_slice(lines),
            }
        }
    }
}

impl End for Expected {
    fn has_room(&self, _: usize) -> bool {
        true
    }

    fn flush(&mut self) {}
}

/// A derived frame that the fold makes differently, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The journal's frame, or where one is missing, the fold's.
    pub at: FrameId,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {}: {}", self.at, self.what)
    }
}

/// What cannot be folded at all.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The journal does not begin with a configuration.
    #[error("the journal has no configuration before its first epoch; it was not written by a run")]
    NoConfig,
    /// Its configuration is not understood by this binary.
    #[error("the journal's configuration does not fit this binary: {0}")]
    Config(#[from] crate::config::Faults),
    /// A frame cannot be read.
    #[error("frame {0} does not fit its kind")]
    Malformed(FrameId),
}

/// A fold in progress, of all stages or of a part of them.
#[derive(Debug)]
pub struct Fold {
    part: Part,
    chain: Option<Box<Chain<Expected>>>,
    /// The kinds that any of its stages acts on.
    acts_on: Kinds,
    cursor: usize,
    told: Told,
    /// The configuration that its stages were built by.
    config: Option<String>,
    /// What the last epoch's end lacks, until the next one tells how it begins.
    cut: Option<Difference>,
    /// Frames seen.
    pub frames: u64,
    /// Frames compared and found equal.
    pub compared: u64,
    /// State hashes among them.
    pub state_hashes: u64,
    /// Input frames folded.
    pub inputs: u64,
    /// Stamp of the last input.
    pub last_ts: Nanos,
}

impl Default for Fold {
    fn default() -> Self {
        Self::of(ALL)
    }
}

impl Fold {
    /// A fold of a part of the pipeline: what is recorded of earlier stages is taken as it is, what
    /// is recorded of later ones is left out.
    fn of(part: Part) -> Self {
        Self {
            part,
            chain: None,
            acts_on: Kinds::NONE,
            cursor: 0,
            told: Told::default(),
            config: None,
            cut: None,
            frames: 0,
            compared: 0,
            state_hashes: 0,
            inputs: 0,
            last_ts: Nanos::ZERO,
        }
    }

    /// Puts the parts of a pipeline together, each folded up to the same frame and lacking none.
    fn joined(book: Self, rest: Self) -> Self {
        let chain = match (book.chain, rest.chain) {
            (Some(first), Some(mut chain)) => {
                chain.take_book(*first);
                chain.end_mut().part = ALL;
                Some(chain)
            }
            _ => None,
        };
        Self {
            part: ALL,
            chain,
            acts_on: book.acts_on.or(rest.acts_on),
            compared: book.compared + rest.compared,
            state_hashes: book.state_hashes + rest.state_hashes,
            ..rest
        }
    }

    /// Takes the journal's next frame.
    ///
    /// # Errors
    /// When it cannot be folded. A difference is no error: it is the inner result.
    #[inline]
    pub fn on_frame(&mut self, frame: FrameRef<'_>) -> Result<Result<(), Difference>, FoldError> {
        if self.follow(frame) {
            Ok(Ok(()))
        } else {
            self.look_at(frame)
        }
    }

    /// As [`Self::on_frame`], but a stage that panics is a difference like others and does not end
    /// the program: a journal that broke a stage once would break it at each start. After it
    /// nothing is folded until an epoch begins.
    ///
    /// # Errors
    /// As [`Self::on_frame`].
    pub fn on_frame_or_break(
        &mut self,
        frame: FrameRef<'_>,
    ) -> Result<Result<(), Difference>, FoldError> {
        let taken = catch_unwind(AssertUnwindSafe(|| self.on_frame(frame)));
        taken.unwrap_or_else(|panic| {
            self.chain = None;
            let (kind, why) = (frame.kind(), what_it_said(panic.as_ref()));
            Ok(Err(Difference {
                at: frame.id(),
                what: format!("a stage of this binary breaks on {kind}: {why}"),
            }))
        })
    }

    /// Takes a frame that is as expected, as most are; false, and nothing is done, where it is not,
    /// or tells more than the stages are to know. Inlined where a journal is folded: most frames
    /// are compared or passed over, and cost no call.
    #[inline(always)]
    fn follow(&mut self, frame: FrameRef<'_>) -> bool {
        let header = frame.header();
        let stage = stage_of(header);
        match header.class() {
            Some(Class::Derived) if self.part.has(stage) => {
                let Some(expected) = self.missing() else {
                    return false;
                };
                if !same(expected, frame) {
                    return false;
                }
                self.cursor += frame.lines().len();
                count(&mut self.compared, true);
                count(&mut self.state_hashes, header.kind == Kind::StateHash);
            }
            Some(Class::Derived) if stage > self.part.last => {}
            Some(Class::Input | Class::Derived) => {
                if self.is_waiting() || self.cut.is_some() || Told::may_hear(frame) {
                    return false;
                }
                let is_input = stage == StageId::Head as u8;
                if is_input != (header.class() == Some(Class::Input)) {
                    return false;
                }
                if is_input {
                    count(&mut self.inputs, true);
                    self.last_ts = frame.ts();
                }
                self.feed(frame);
            }
            _ => {}
        }
        count(&mut self.frames, true);
        true
    }

    /// Takes a frame, whatever it is.
    #[cold]
    fn look_at(&mut self, frame: FrameRef<'_>) -> Result<Result<(), Difference>, FoldError> {
        self.frames += 1;
        let missing = self.nothing_missing();
        match frame.header().class() {
            Some(Class::Input) => self.input(frame, missing),
            Some(Class::Derived) if self.part.has(stage_of(frame.header())) => {
                Ok(Err(difference(self.missing(), frame)))
            }
            Some(Class::Derived) => match stage_of(frame.header()) {
                stage if stage == StageId::Head as u8 => Ok(Err(difference(None, frame))),
                _ => {
                    self.feed(frame);
                    Ok(missing)
                }
            },
            _ => Ok(Ok(())),
        }
    }

    fn nothing_missing(&self) -> Result<(), Difference> {
        self.missing().map_or(Ok(()), |frame| {
            Err(Difference {
                at: frame.id(),
                what: format!("{} is missing in the journal", frame.kind()),
            })
        })
    }

    /// Takes an input, of whose predecessor something may be `missing`. A crash cuts off what the
    /// last input caused. An epoch that goes on from a fold has it appended; one that starts
    /// otherwise does without it, and then nobody misses it.
    fn input(
        &mut self,
        frame: FrameRef<'_>,
        missing: Result<(), Difference>,
    ) -> Result<Result<(), Difference>, FoldError> {
        self.inputs += 1;
        self.last_ts = frame.ts();
        let restart = self.told.on_frame(frame)?;
        let is_anew = restart.is_some_and(|restart| restart.from != RestartFrom::Fold);
        if is_anew || (restart.is_some() && self.chain.is_none()) {
            self.build()?;
        }
        self.feed(frame);
        let cut = self.cut.take().or(missing.err());
        match frame.kind() {
            Kind::Blob => self.cut = cut,
            Kind::Restart if is_anew => {}
            _ => return Ok(cut.map_or(Ok(()), Err)),
        }
        Ok(Ok(()))
    }

    #[inline]
    fn feed(&mut self, frame: FrameRef<'_>) {
        if let Some(chain) = &mut self.chain {
            chain.end_mut().lines.clear();
            self.cursor = 0;
            if self.acts_on.has(frame.kind()) {
                put(chain, frame);
            }
        }
    }

    fn build(&mut self) -> Result<(), FoldError> {
        let config = self.told.config()?;
        let stages = Setup::from_journal(config)?.stages();
        self.config = Some(config.to_owned());
        let end = Expected {
            part: self.part,
            lines: Vec::new(),
        };
        let mut chain = Chain::full(stages, end, Probe::default());
        self.acts_on = chain.keep(|stage| self.part.has(stage as u8));
        self.chain = Some(Box::new(chain));
        Ok(())
    }

    /// The first frame that the fold made of the last one and the journal has not shown.
    #[inline]
    fn missing(&self) -> Option<FrameRef<'_>> {
        FrameRef::first_of(self.chain.as_ref()?.end().lines.get(self.cursor..)?)
    }

    /// True when there is such a frame.
    #[inline]
    fn is_waiting(&self) -> bool {
        (self.chain.as_ref()).is_some_and(|chain| chain.end().lines.len() > self.cursor)
    }

    /// What an epoch lacked at its end, where the journal ends before the next one told how it
    /// begins: until then a difference.
    #[must_use]
    pub const fn cut(&self) -> Option<&Difference> {
        self.cut.as_ref()
    }

    /// What the journal lacks of the last input's consequences.
    #[must_use]
    pub fn lacking(&self) -> Collected {
        let lines = self
            .chain
            .as_ref()
            .and_then(|chain| chain.end().lines.get(self.cursor..));
        Collected(lines.unwrap_or(&[]).to_vec())
    }

    /// The configuration that the last epoch was written with; a start that breaks off may have
    /// told a newer one.
    #[must_use]
    pub fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    /// Ends the fold: the stages, where the journal has an epoch.
    #[must_use]
    pub fn into_chain(self) -> Option<Chain<Expected>> {
        self.chain.map(|chain| *chain)
    }
}

/// Counts one where it is so. There are fewer frames than numbers; a checked addition is five
/// instructions, and each frame is counted twice.
#[inline(always)]
const fn count(counter: &mut u64, one: bool) {
    *counter = counter.wrapping_add(one as u64);
}

/// A call of its own: what it needs of the processor's registers is not saved for the frames that
/// are not put.
#[inline(never)]
fn put(chain: &mut Chain<Expected>, frame: FrameRef<'_>) {
    chain.put(frame);
}

/// What is between what the fold made, if anything, and what is recorded.
#[cold]
fn difference(expected: Option<FrameRef<'_>>, frame: FrameRef<'_>) -> Difference {
    let kind = frame.kind();
    let what = match expected {
        None => format!("{kind} is not made by this binary"),
        Some(expected) if (expected.id(), expected.kind()) == (frame.id(), kind) => {
            let fields = fields_that_differ(expected, frame);
            format!("{kind} has other content: {fields}")
        }
        Some(expected) => format!(
            "{kind} stands where {} {} is made",
            expected.kind(),
            expected.id()
        ),
    };
    Difference {
        at: frame.id(),
        what,
    }
}
