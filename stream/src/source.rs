//! Sources bring inputs to the head; an edge takes commands from the journal's gate.

use crate::frame::{Draft, FrameRef};
use crate::id::{FrameId, InstrumentId};
use crate::payload::Payload;
use crate::units::Nanos;

/// What a source has next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A frame that falls due then.
    At(Nanos),
    /// Nothing at the moment (live only).
    Idle,
    /// Nothing, ever again.
    End,
}

/// Where inputs come from. A source never blocks.
pub trait Source {
    /// When its next frame falls due. In virtual time that is the venue's time; a live source
    /// says [`Next::At`] zero for whatever has already arrived.
    fn next(&mut self) -> Next;

    /// Writes the frame that [`Source::next`] announced: instrument, kind and payload; the head
    /// fills in the rest. False when it turned out to be nothing after all.
    fn take(&mut self, draft: &mut Draft) -> bool;

    /// Takes the next frame as [`Source::take`] does, if it falls due before `limit`, and tells
    /// when. `None` when nothing does, or when it turned out to be nothing.
    #[inline]
    fn take_before(&mut self, limit: Nanos, draft: &mut Draft) -> Option<Nanos> {
        match self.next() {
            Next::At(due) if due < limit && self.take(draft) => Some(due),
            _ => None,
        }
    }

    /// Asked after each housekeeping tick, until it says false: writes what there is to tell about
    /// a source that has gone silent, or that speaks again.
    fn silence(&mut self, _now: Nanos, _draft: &mut Draft) -> bool {
        false
    }

    /// A depth slot of this source begins or ends for `instrument` at `ts` or as soon after as
    /// the source's own delay says. Sources without slots ignore it.
    fn depth_slot(&mut self, _ts: Nanos, _instrument: InstrumentId, _subscribe: bool) {}
}

/// Takes what an edge answers; `due` is when it falls due at the head.
pub trait Answers {
    /// Queues a draft whose `ts`, `seq` and `sub` already tell due time and cause.
    fn queue(&mut self, draft: &Draft);
}

/// Writes and queues an answer in one go.
pub fn answer<P: Payload>(
    answers: &mut impl Answers,
    draft: &mut Draft,
    due: Nanos,
    cause: FrameId,
    instrument: InstrumentId,
    payload: &P,
) {
    draft.write(instrument, payload);
    let header = draft.header_mut();
    header.ts = due;
    header.seq = cause.seq();
    header.sub = cause.sub();
    answers.queue(draft);
}

/// The broker's side: it stands behind the journal's gate and sees every frame that passed it, in
/// order. What it answers comes back as inputs.
pub trait Edge {
    /// Takes one journaled frame.
    fn on_frame<A: Answers>(&mut self, frame: FrameRef<'_>, answers: &mut A);
}
