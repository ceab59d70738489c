//! Several sources as one: the earliest frame first, ties by the order of the sources.

use super::silence::Silence;
use stream::{Draft, InstrumentId, Nanos, Next, Source, SourceId};

/// A source that says nothing for this long inside a session is reported as degraded.
pub const SILENT_AFTER: Nanos = Nanos::from_secs(5);

/// Several sources as one.
pub struct Merge {
    sources: Vec<Box<dyn Source + Send>>,
    silences: Vec<Silence>,
    picked: usize,
    due: Nanos,
    /// The next source to look at for silence.
    look: usize,
}

impl Merge {
    /// Merges `sources`; the index in the vector breaks ties, and one more than it is the number
    /// that a silent source is reported by.
    #[must_use]
    pub fn new(sources: Vec<Box<dyn Source + Send>>) -> Self {
        let silences = vec![Silence::default(); sources.len()];
        Self {
            sources,
            silences,
            picked: 0,
            due: Nanos::ZERO,
            look: 0,
        }
    }
}

impl core::fmt::Debug for Merge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Merge")
            .field("sources", &self.sources.len())
            .finish_non_exhaustive()
    }
}

impl Source for Merge {
    #[inline]
    fn next(&mut self) -> Next {
        if let [source] = &mut self.sources[..] {
            let next = source.next();
            if let Next::At(due) = next {
                self.due = due;
            }
            return next;
        }
        self.earliest()
    }

    #[inline(always)]
    fn take(&mut self, draft: &mut Draft) -> bool {
        let taken = self
            .sources
            .get_mut(self.picked)
            .is_some_and(|source| source.take(draft));
        if taken && let Some(silence) = self.silences.get_mut(self.picked) {
            silence.hear(self.due);
        }
        taken
    }

    #[inline]
    fn take_before(&mut self, limit: Nanos, draft: &mut Draft) -> Option<Nanos> {
        if let ([source], [silence]) = (&mut self.sources[..], &mut self.silences[..]) {
            let due = source.take_before(limit, draft)?;
            silence.hear(due);
            return Some(due);
        }
        match self.earliest() {
            Next::At(due) if due < limit && self.take(draft) => Some(due),
            _ => None,
        }
    }

    fn silence(&mut self, now: Nanos, draft: &mut Draft) -> bool {
        while let Some(silence) = self.silences.get_mut(self.look) {
            self.look += 1;
            if silence.look(now, SILENT_AFTER, SourceId(self.look as u16), draft) {
                return true;
            }
        }
        self.look = 0;
        false
    }

    fn depth_slot(&mut self, ts: Nanos, instrument: InstrumentId, subscribe: bool) {
        for source in &mut self.sources {
            source.depth_slot(ts, instrument, subscribe);
        }
    }
}

impl Merge {
    /// Asks all of them.
    fn earliest(&mut self) -> Next {
        let mut best: Option<(Nanos, usize)> = None;
        let mut idle = false;
        for (index, source) in self.sources.iter_mut().enumerate() {
            match source.next() {
                Next::At(due) if best.is_none_or(|(earliest, _)| due < earliest) => {
                    best = Some((due, index));
                }
                Next::At(_) | Next::End => {}
                Next::Idle => idle = true,
            }
        }
        match best {
            Some((due, index)) => {
                self.picked = index;
                self.due = due;
                Next::At(due)
            }
            None if idle => Next::Idle,
            None => Next::End,
        }
    }
}
