//! A journal read and checked ahead of those who fold it.
//!
//! Frames are handed out in the memory that they were read into. The last input and its recorded
//! consequences are held back, for whoever wants to know which of them are missing.

use journal::{Frames, Reader};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use stream::{FrameRef, Line};

/// Batches that may wait for each taker: 16 MiB where each is a large read, so that whoever reads
/// and those who take have long turns on few cores instead of waking each other all the time, and
/// what waits may still be in the last cache.
const WAITING: usize = 16;

/// What one read brought, shared by those who take it. Whoever is last gives the memory back to be
/// read into again.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    read: Arc<Frames>,
    /// The lines of it that are handed out, from the first on.
    lines: usize,
    back: Sender<Vec<Line>>,
}

impl Batch {
    /// The frames.
    pub(super) fn frames(&self) -> impl Iterator<Item = FrameRef<'_>> {
        frames(&self.read.lines()[..self.lines])
    }

    /// It has been taken.
    pub(super) fn give_back(self) {
        if let Some(read) = Arc::into_inner(self.read) {
            // A reader that is gone needs none.
            let _ = self.back.send(read.into_spare());
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
    let mut out = Handing {
        ways,
        back,
        held: Vec::new(),
    };
    while let Some(read) = reader.next_frames(used.try_recv().unwrap_or_default()) {
        if !out.take(read?) {
            break;
        }
    }
    Ok(out.end())
}

/// What is handed out, and what is not yet.
struct Handing<'a> {
    ways: &'a [SyncSender<Batch>],
    back: Sender<Vec<Line>>,
    /// The last read that has an input in it, and those behind it.
    held: Vec<Frames>,
}

impl Handing<'_> {
    /// Takes a read, and hands out what it follows where an input is in it; false when a taker is
    /// gone.
    fn take(&mut self, read: Frames) -> bool {
        let goes_on = if frames(read.lines()).any(|frame| frame.is_input()) {
            let mut held = std::mem::take(&mut self.held).into_iter();
            held.all(|read| {
                let lines = read.lines().len();
                self.hand_out(read, lines)
            })
        } else {
            true
        };
        self.held.push(read);
        goes_on
    }

    /// Hands out what comes before the last input; the rest comes back.
    fn end(mut self) -> Vec<Line> {
        let mut held = std::mem::take(&mut self.held).into_iter();
        let Some(first) = held.next() else {
            return Vec::new();
        };
        let begin = last_input(first.lines()).unwrap_or(0);
        let mut tail = first.lines()[begin..].to_vec();
        held.for_each(|read| tail.extend_from_slice(read.lines()));
        // A taker that is gone has told why.
        let _ = self.hand_out(first, begin);
        tail
    }

    /// Sends so many lines of a read to every taker; false when one is gone.
    fn hand_out(&self, read: Frames, lines: usize) -> bool {
        let batch = Batch {
            read: Arc::new(read),
            lines,
            back: self.back.clone(),
        };
        self.ways.iter().all(|way| way.send(batch.clone()).is_ok())
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use journal::{Options, create_or_continue};
    use stream::payload::{Best, Delete};
    use stream::{Class, Draft, InstrumentId, Nanos};

    /// Writes inputs, each with so many frames that it caused; all lines without checksums.
    fn written(dir: &std::path::Path, caused: &[usize]) -> Vec<Line> {
        let (mut writer, _) = create_or_continue(&Options::new(dir)).unwrap();
        let (mut draft, mut lines) = (Draft::new(), Vec::new());
        for (input, &count) in caused.iter().enumerate() {
            for sub in 0..=count {
                if sub == 0 {
                    draft.write(InstrumentId(1), &Delete::zeroed());
                } else {
                    draft.write_as(Class::Derived, InstrumentId(1), &Best::zeroed());
                }
                draft.header_mut().seq = input as u64 + 1;
                draft.header_mut().ts = Nanos(input as u64 + 1);
                draft.header_mut().sub = sub as u16;
                writer.append(draft.frame());
                lines.extend_from_slice(draft.frame().lines());
            }
        }
        writer.close().unwrap();
        lines
    }

    fn unsealed(lines: &[Line]) -> Vec<Line> {
        let clear = |line: &Line| {
            let mut line = *line;
            line.0[16..20].fill(0);
            line
        };
        lines.iter().map(clear).collect()
    }

    #[test]
    fn the_last_input_is_kept_back_however_long_its_consequences() {
        for caused in [&[0][..], &[3, 0, 2], &[0, 60_000], &[40_000, 7, 9, 50_000]] {
            let dir = tempfile::tempdir().unwrap();
            let all = written(dir.path(), caused);
            let mut reader = Reader::open(dir.path()).unwrap();
            let (to_taker, for_taker) = way();
            let taker = std::thread::spawn(move || {
                let mut taken = Vec::new();
                for batch in for_taker {
                    taken.extend(batch.frames().flat_map(|frame| frame.lines().to_vec()));
                    batch.give_back();
                }
                taken
            });
            let tail = read(&mut reader, &[to_taker]).unwrap();
            let taken = taker.join().unwrap();
            let last = all.len() - caused.last().unwrap() - 1;
            assert_eq!(unsealed(&taken), all[..last], "{caused:?}");
            assert_eq!(unsealed(&tail), all[last..], "{caused:?}");
        }
    }
}
