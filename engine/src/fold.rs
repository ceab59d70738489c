//! Folding a journal again: every input through the same stages, every derived frame compared.
//!
//! Used by `replay --check`, which wants to know of any difference, and by a restart, which wants
//! the state at the end. `crc` is masked; notes are skipped.

use crate::chain::{Chain, End};
use crate::probe::Probe;
use crate::setup::Setup;
use gateway::sim::SimEdge;
use std::fmt;
use stream::blob::Assembler;
use stream::payload::{Blob, BlobKind, Refused, Request, Requested, Restart, RestartFrom, Verdict};
use stream::source::answer;
use stream::stage::Collected;
use stream::{Answers, Class, Draft, Edge, FrameId, FrameRef, Kind, Line, Nanos, Out};

/// Where a fold's frames go: a vector that is emptied at each input.
#[derive(Debug, Default)]
pub struct Expected(Vec<Line>);

impl Out for Expected {
    #[inline]
    fn put(&mut self, frame: FrameRef<'_>) {
        self.0.extend_from_slice(frame.lines());
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

/// What came back by the head and has not come yet.
#[derive(Debug, Default)]
pub struct Pending(Vec<Draft>);

impl Answers for Pending {
    fn queue(&mut self, draft: &Draft) {
        self.0.push(draft.clone());
    }
}

impl Pending {
    /// Takes out what has now come: the first draft with the same content.
    fn came(&mut self, frame: FrameRef<'_>) {
        if self.0.is_empty() || frame.kind().is_market() {
            return;
        }
        let bytes = &frame.bytes()[stream::Header::BYTES..];
        let same = |draft: &Draft| {
            let header = draft.header();
            header.kind == frame.kind()
                && header.instrument == frame.instrument()
                && &draft.frame().bytes()[stream::Header::BYTES..] == bytes
        };
        if let Some(index) = self.0.iter().position(same) {
            self.0.remove(index);
        }
    }

    /// What has not come, in the order in which it was queued.
    #[must_use]
    pub fn into_drafts(self) -> Vec<Draft> {
        self.0
    }
}

/// The edge and the loop-backs of a run that is folded for a restart.
#[derive(Debug)]
struct Shadow {
    edge: SimEdge,
    pending: Pending,
    delay: Nanos,
    draft: Draft,
}

impl Shadow {
    fn on_frame(&mut self, frame: FrameRef<'_>) {
        if frame.is_input() {
            self.pending.came(frame);
        }
        let due = frame.ts().saturating_add(self.delay);
        let (id, instrument) = (frame.id(), frame.instrument());
        match frame.kind() {
            Kind::Refused => {
                let refused = frame.read::<Refused>();
                let verdict = Verdict::of(refused);
                answer(
                    &mut self.pending,
                    &mut self.draft,
                    due,
                    id,
                    instrument,
                    &verdict,
                );
            }
            Kind::Request => {
                let requested = Requested::of(frame.read::<Request>(), id);
                answer(
                    &mut self.pending,
                    &mut self.draft,
                    due,
                    id,
                    instrument,
                    &requested,
                );
            }
            _ => {}
        }
        self.edge.on_frame(frame, &mut self.pending);
    }
}

/// A fold in progress.
#[derive(Debug, Default)]
pub struct Fold {
    chain: Option<Chain<Expected>>,
    cursor: usize,
    config: Option<String>,
    assembler: Assembler,
    shadow: Option<Shadow>,
    with_edge: bool,
    /// Frames compared and found equal.
    pub compared: u64,
    /// Input frames folded.
    pub inputs: u64,
    /// Stamp of the last input.
    pub last_ts: Nanos,
}

impl Fold {
    /// A fold that only checks.
    #[must_use]
    pub fn checking() -> Self {
        Self::default()
    }

    /// A fold that also brings the sim edge and everything under way to where they were.
    #[must_use]
    pub fn restarting() -> Self {
        Self {
            with_edge: true,
            ..Self::default()
        }
    }

    /// Takes the journal's next frame.
    ///
    /// # Errors
    /// When it cannot be folded. A difference is no error: it is the inner result.
    pub fn on_frame(&mut self, frame: FrameRef<'_>) -> Result<Result<(), Difference>, FoldError> {
        match frame.header().class() {
            Some(Class::Input) => {
                let missing = self.missing().map_or(Ok(()), |frame| {
                    Err(Difference {
                        at: frame.id(),
                        what: format!("{} is missing in the journal", frame.kind()),
                    })
                });
                self.input(frame)?;
                Ok(missing)
            }
            Some(Class::Derived) => Ok(self.derived(frame)),
            _ => Ok(Ok(())),
        }
    }

    fn input(&mut self, frame: FrameRef<'_>) -> Result<(), FoldError> {
        self.inputs += 1;
        self.last_ts = frame.ts();
        match frame.kind() {
            Kind::Blob => {
                let blob = frame
                    .try_read::<Blob>()
                    .ok_or(FoldError::Malformed(frame.id()))?;
                if let (BlobKind::Config, Some(text)) = (blob.what, self.assembler.push_blob(blob))
                {
                    self.config = Some(String::from_utf8_lossy(&text).into_owned());
                }
            }
            Kind::Restart => {
                let restart = frame
                    .try_read::<Restart>()
                    .ok_or(FoldError::Malformed(frame.id()))?;
                if restart.from != RestartFrom::Fold || self.chain.is_none() {
                    self.build()?;
                }
            }
            _ => {}
        }
        if let Some(chain) = &mut self.chain {
            chain.end.0.clear();
            chain.put(frame);
            self.cursor = frame.lines().len();
        }
        if let Some(shadow) = &mut self.shadow {
            shadow.on_frame(frame);
        }
        Ok(())
    }

    fn build(&mut self) -> Result<(), FoldError> {
        let text = self.config.as_deref().ok_or(FoldError::NoConfig)?;
        let setup = Setup::from_journal(text)?;
        self.chain = Some(Chain::full(
            setup.stages(),
            Expected::default(),
            Probe::default(),
        ));
        if self.with_edge && self.shadow.is_none() {
            self.shadow = Some(Shadow {
                edge: setup.edge(),
                pending: Pending::default(),
                delay: setup.loopback_delay,
                draft: Draft::new(),
            });
        }
        Ok(())
    }

    fn derived(&mut self, frame: FrameRef<'_>) -> Result<(), Difference> {
        if let Some(shadow) = &mut self.shadow {
            shadow.on_frame(frame);
        }
        let differs = |what: String| {
            Err(Difference {
                at: frame.id(),
                what,
            })
        };
        let Some(expected) = self.missing() else {
            return differs(format!("{} is not made by this binary", frame.kind()));
        };
        if !same(expected, frame) {
            let expected = (expected.id(), expected.kind());
            return differs(if expected == (frame.id(), frame.kind()) {
                format!(
                    "{} has other content: {}",
                    frame.kind(),
                    fields_that_differ(self, frame)
                )
            } else {
                format!(
                    "{} stands where {} {} is made",
                    frame.kind(),
                    expected.1,
                    expected.0
                )
            });
        }
        self.cursor += frame.lines().len();
        self.compared += 1;
        Ok(())
    }

    /// The first frame that the fold made of the last input and the journal has not shown.
    fn missing(&self) -> Option<FrameRef<'_>> {
        FrameRef::first_of(self.chain.as_ref()?.end.0.get(self.cursor..)?)
    }

    /// What the journal lacks of the last input's consequences.
    #[must_use]
    pub fn lacking(&self) -> Collected {
        let lines = self
            .chain
            .as_ref()
            .and_then(|chain| chain.end.0.get(self.cursor..));
        Collected(lines.unwrap_or(&[]).to_vec())
    }

    /// The configuration that the journal was written with.
    #[must_use]
    pub fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    /// Ends the fold: the stages, the edge, and what is under way.
    #[must_use]
    pub fn into_parts(self) -> Option<(Chain<Expected>, SimEdge, Pending)> {
        let shadow = self.shadow?;
        Some((self.chain?, shadow.edge, shadow.pending))
    }
}

/// Equality with `crc` masked.
fn same(a: FrameRef<'_>, b: FrameRef<'_>) -> bool {
    let (left, right) = (a.header(), b.header());
    left.seq == right.seq
        && left.ts == right.ts
        && left.ingress_age_ns == right.ingress_age_ns
        && left.id() == right.id()
        && (left.instrument, left.parent, left.kind, left.shape)
            == (right.instrument, right.parent, right.kind, right.shape)
        && a.bytes()[stream::Header::BYTES..] == b.bytes()[stream::Header::BYTES..]
}

fn fields_that_differ(fold: &Fold, frame: FrameRef<'_>) -> String {
    let Some(expected) = fold.missing() else {
        return String::new();
    };
    let list = |frame: FrameRef<'_>| {
        let mut fields = Vec::new();
        stream::payload::describe(frame, &mut |name, value| {
            fields.push((name, format!("{value:?}")));
        });
        fields
    };
    let differing: Vec<String> = list(expected)
        .into_iter()
        .zip(list(frame))
        .filter(|(made, kept)| made != kept)
        .map(|((name, made), (_, kept))| format!("{name} is {kept}, made {made}"))
        .collect();
    if differing.is_empty() {
        "header or spare bytes".to_owned()
    } else {
        differing.join(", ")
    }
}
