//! Decoded frames in memory.

use std::slice;
use std::sync::Arc;
use stream::source::{Next, Source};
use stream::{Draft, FrameRef, Line, Nanos};

/// Decoded frames in memory, for measurements without decoding; they can be repeated with shifted
/// times.
#[derive(Clone, Debug)]
pub struct MemorySource {
    lines: Arc<[Line]>,
    read: usize,
    shift: Nanos,
    period: Nanos,
    repeats: u32,
    /// What stands at `read`, kept because it is asked for oftener than taken.
    next: Next,
    /// How many lines it has.
    length: usize,
}

impl MemorySource {
    /// Frames back to back, with their times in their headers.
    #[must_use]
    pub fn new(lines: Vec<Line>) -> Self {
        let mut source = Self {
            lines: lines.into(),
            read: 0,
            shift: Nanos::ZERO,
            period: Nanos::ZERO,
            repeats: 0,
            next: Next::End,
            length: 0,
        };
        source.look();
        source
    }

    /// The same from the start, to be given `times` times, each `period` later than the one
    /// before. A `period` shorter than the frames span would make time run backwards and is
    /// lengthened to that span.
    #[must_use]
    pub fn repeated(&self, times: u32, period: Nanos) -> Self {
        let mut first = None;
        let mut last = Nanos::ZERO;
        for frame in self.iter() {
            first.get_or_insert(frame.ts());
            last = frame.ts();
        }
        let span = last - first.unwrap_or(last);
        let mut source = Self {
            lines: self.lines.clone(),
            read: if times == 0 { self.lines.len() } else { 0 },
            shift: Nanos::ZERO,
            period: period.max(span),
            repeats: times.saturating_sub(1),
            next: Next::End,
            length: 0,
        };
        source.look();
        source
    }

    /// The frames of one round.
    pub fn iter(&self) -> impl Iterator<Item = FrameRef<'_>> {
        let mut rest = &self.lines[..];
        core::iter::from_fn(move || {
            let frame = FrameRef::first_of(rest)?;
            rest = &rest[frame.lines().len()..];
            Some(frame)
        })
    }

    /// Frames in one round.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.iter().count()
    }

    /// Looks at what comes next, at the end of a round at the next one's first.
    #[inline]
    fn look(&mut self) {
        if self.read == self.lines.len() && self.repeats > 0 && !self.lines.is_empty() {
            self.repeats -= 1;
            self.read = 0;
            self.shift += self.period;
        }
        (self.next, self.length) = match FrameRef::first_of(&self.lines[self.read..]) {
            Some(frame) => (Next::At(frame.ts() + self.shift), frame.lines().len()),
            None => (Next::End, 0),
        };
    }
}

impl MemorySource {
    /// A frame of more than one line.
    #[inline(never)]
    fn take_long(&mut self, due: Nanos, draft: &mut Draft) {
        let behind = self.read + self.length;
        draft.copy_due(due, &self.lines[self.read..behind]);
        self.read = behind;
        self.look();
    }
}

impl Source for MemorySource {
    #[inline]
    fn next(&mut self) -> Next {
        self.next
    }

    #[inline]
    fn take(&mut self, draft: &mut Draft) -> bool {
        self.take_before(Nanos::MAX, draft).is_some()
    }

    #[inline]
    fn take_before(&mut self, limit: Nanos, draft: &mut Draft) -> Option<Nanos> {
        let Next::At(due) = self.next else {
            return None;
        };
        if due >= limit {
            return None;
        }
        let behind = self.read + self.length;
        let [line] = &self.lines[self.read..behind] else {
            self.take_long(due, draft);
            return Some(due);
        };
        draft.copy_due(due, slice::from_ref(line));
        self.read = behind;
        self.look();
        Some(due)
    }
}
