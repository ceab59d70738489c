//! A journal read and checked ahead of those who fold it.
//!
//! Frames go out in batches that end before an input: what one input caused is never cut in two.
//! The last input with what is recorded of it is kept back, for whoever wants to know what it still
//! lacks.

use journal::Reader;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use stream::{FrameRef, Line};

/// Lines of a batch, at least: 1 MiB. A taker that waited is woken some thousand times less often
/// than it takes a frame.
const BATCH_LINES: usize = 16_384;
/// Batches that may wait for each taker: 16 MiB, so that whoever reads and those who take have long
/// turns on few cores instead of waking each other all the time, and what waits may still be in
/// the last cache.
const WAITING: usize = 16;

/// Whole frames, back to back, shared by those who take them. Whoever is last gives the memory
/// back to be filled again.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    lines: Arc<Vec<Line>>,
    back: Sender<Vec<Line>>,
}

impl Batch {
    /// The frames.
    pub(super) fn frames(&self) -> impl Iterator<Item = FrameRef<'_>> {
        frames(&self.lines)
    }

    /// It has been taken.
    pub(super) fn give_back(self) {
        if let Some(lines) = Arc::into_inner(self.lines) {
            // A reader that is gone needs none.
            let _ = self.back.send(lines);
        }
    }
}

/// The way of batches to one taker.
pub(super) fn way() -> (SyncSender<Batch>, Receiver<Batch>) {
    sync_channel(WAITING)
}

/// The frames that stand back to back in some lines.
pub(super) fn frames(lines: &[Line]) -> impl Iterator<Item = FrameRef<'_>> {
    let mut rest = lines;
    core::iter::from_fn(move || {
        let frame = FrameRef::first_of(rest)?;
        rest = &rest[frame.lines().len()..];
        Some(frame)
    })
}

/// Reads to the end; hands out all but the last input with its consequences, which come back.
/// Stops early when a taker is gone.
pub(super) fn read(
    reader: &mut Reader,
    ways: &[SyncSender<Batch>],
) -> Result<Vec<Line>, journal::Error> {
    let (back, used) = channel();
    let mut held = Vec::with_capacity(2 * BATCH_LINES);
    while let Some(stretch) = reader.next_frames() {
        let new = held.len();
        held.extend_from_slice(stretch?);
        if held.len() < BATCH_LINES {
            continue;
        }
        if let Some(end) = last_input(&held[new..]) {
            let mut kept: Vec<Line> = used.try_recv().unwrap_or_default();
            kept.clear();
            kept.reserve(2 * BATCH_LINES);
            kept.extend_from_slice(&held[new + end..]);
            held.truncate(new + end);
            let lines = Arc::new(std::mem::replace(&mut held, kept));
            let back = back.clone();
            if !hand_out(&Batch { lines, back }, ways) {
                break;
            }
        }
    }
    let end = last_input(&held).unwrap_or(0);
    let tail = held.split_off(end);
    let lines = Arc::new(held);
    // A taker that is gone has told why.
    let _ = hand_out(&Batch { lines, back }, ways);
    Ok(tail)
}

/// Sends it to every taker; false when one is gone.
fn hand_out(batch: &Batch, ways: &[SyncSender<Batch>]) -> bool {
    ways.iter().all(|way| way.send(batch.clone()).is_ok())
}

/// The line at which the last input begins.
fn last_input(lines: &[Line]) -> Option<usize> {
    let mut at = 0;
    let mut last = None;
    for frame in frames(lines) {
        if frame.is_input() {
            last = Some(at);
        }
        at += frame.lines().len();
    }
    last
}
