//! Stages: pure folds over the stream.

use crate::blob;
use crate::frame::{Draft, FrameRef};
use crate::header::{Class, Header};
use crate::id::{FrameId, InstrumentId, StageId, sub_of};
use crate::kind::{Kind, Kinds};
use crate::limits::CHECKPOINT_BYTES_MAX;
use crate::payload::{Payload, StateHash};

/// Where frames go: a ring, the next stage, the journal, or a vector in a test. It cannot fail.
pub trait Out {
    /// Takes the frame; the caller may reuse its lines afterwards.
    fn put(&mut self, frame: FrameRef<'_>);
}

impl<O: Out + ?Sized> Out for &mut O {
    #[inline]
    fn put(&mut self, frame: FrameRef<'_>) {
        (**self).put(frame);
    }
}

/// A pure, deterministic fold: it passes every frame on unchanged and adds its own behind the
/// frame that caused them. It owns no clock, socket, file, thread or random number; its time is
/// the frame's `ts`; it does not allocate after it was built.
pub trait Stage {
    /// Its lower-case name.
    const NAME: &'static str;
    /// Its number.
    const ID: StageId;
    /// The kinds it acts on. Every other frame it would only pass on, so it need not see it.
    const ACTS_ON: Kinds;

    /// Tells every kind of frame that one frame of `kind` may make this stage emit, and how many
    /// of it at most. The shell proves from this that a ring has room before it reads.
    fn emits(&self, kind: Kind, tell: &mut dyn FnMut(Kind, usize));

    /// Takes one frame: passes it on, then emits what follows from it.
    fn on_frame<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O);

    /// A hash of everything that decides what it will do next.
    fn state_hash(&self) -> u64;

    /// Appends the state that must survive a change of binary or of day. Never books.
    fn save(&self, bytes: &mut Vec<u8>);

    /// Takes a state that [`Stage::save`] wrote.
    ///
    /// # Errors
    /// Says what does not fit; the stage is then as it was.
    fn load(&mut self, bytes: &[u8]) -> Result<(), &'static str>;
}

/// Makes derived frames: fills in `seq`, `ts`, `sub` and `parent`.
#[derive(Debug)]
pub struct Emitter {
    stage: StageId,
    seq: u64,
    count: u16,
    frames: u64,
    draft: Draft,
    bytes: Vec<u8>,
}

/// Room for a saved state, touched: the first checkpoint shall not wait for pages.
fn room() -> Vec<u8> {
    let mut bytes = vec![u8::MAX; CHECKPOINT_BYTES_MAX];
    bytes.clear();
    bytes
}

impl Emitter {
    /// An emitter for one stage.
    #[must_use]
    pub fn new(stage: StageId) -> Self {
        Self {
            stage,
            seq: 0,
            count: 0,
            frames: 0,
            draft: Draft::new(),
            bytes: room(),
        }
    }

    /// Passes the frame on. Call it first for every frame.
    #[inline]
    pub fn pass<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        // Fewer frames than numbers, and a checked addition is five instructions.
        self.frames = self.frames.wrapping_add(1);
        out.put(frame);
    }

    /// The id that the next [`Emitter::emit`] behind `cause` will give.
    #[must_use]
    pub fn next_id(&self, cause: FrameRef<'_>) -> FrameId {
        let count = if cause.seq() == self.seq {
            self.count
        } else {
            0
        };
        FrameId::new(cause.seq(), sub_of(self.stage, count + 1))
    }

    /// Emits a derived frame behind `cause` and returns its id.
    ///
    /// # Panics
    /// When one input makes the stage emit more than 8,191 frames.
    #[inline]
    pub fn emit<P: Payload, O: Out>(
        &mut self,
        cause: FrameRef<'_>,
        instrument: InstrumentId,
        payload: &P,
        out: &mut O,
    ) -> FrameId {
        let header = cause.header();
        if header.seq != self.seq {
            self.seq = header.seq;
            self.count = 0;
        }
        self.count += 1;
        let sub = sub_of(self.stage, self.count);
        let own = Header {
            seq: header.seq,
            ts: header.ts,
            instrument,
            sub,
            parent: header.sub,
            ..Header::default()
        };
        self.draft.write_under(Class::Derived, own, payload);
        out.put(self.draft.frame());
        FrameId::new(header.seq, sub)
    }

    /// Emits the stage's [`StateHash`]; stages call it behind each housekeeping tick.
    pub fn state_hash<O: Out>(&mut self, cause: FrameRef<'_>, hash: u64, out: &mut O) {
        let payload = StateHash {
            hash,
            frames: self.frames,
            stage: self.stage as u8,
            spare: [0; 15],
        };
        self.emit(cause, InstrumentId::NONE, &payload, out);
    }

    /// Emits a saved state as [`Checkpoint`](crate::payload::Checkpoint) frames. `save` writes
    /// into a buffer that is reused.
    ///
    /// # Panics
    /// When the state outgrows [`CHECKPOINT_BYTES_MAX`].
    pub fn checkpoint<O: Out>(
        &mut self,
        cause: FrameRef<'_>,
        version: u8,
        save: impl FnOnce(&mut Vec<u8>),
        out: &mut O,
    ) {
        let mut bytes = core::mem::take(&mut self.bytes);
        bytes.clear();
        save(&mut bytes);
        assert!(
            bytes.len() <= CHECKPOINT_BYTES_MAX,
            "a stage's checkpoint outgrew its limit"
        );
        let whole = (&bytes[..], crate::hash::strands(&bytes));
        for index in 0..blob::chunks(bytes.len()) {
            let chunk = blob::checkpoint_chunk_of(self.stage, version, whole, index);
            self.emit(cause, InstrumentId::NONE, &chunk, out);
        }
        self.bytes = bytes;
    }

    /// Frames seen so far: those of the kinds that the stage acts on.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }
}

/// A vector of frames, for tests and tools.
#[derive(Clone, Debug, Default)]
pub struct Collected(pub Vec<crate::Line>);

impl Collected {
    /// The frames, in order.
    pub fn iter(&self) -> impl Iterator<Item = FrameRef<'_>> {
        let mut rest = &self.0[..];
        core::iter::from_fn(move || {
            let frame = FrameRef::first_of(rest)?;
            rest = &rest[frame.lines().len()..];
            Some(frame)
        })
    }
}

impl Out for Collected {
    fn put(&mut self, frame: FrameRef<'_>) {
        self.0.extend_from_slice(frame.lines());
    }
}
