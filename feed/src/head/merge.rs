//! Several sources as one: the earliest frame first, ties by the order of the sources.

use stream::{Draft, InstrumentId, Nanos, Next, Source};

/// Several sources as one.
pub struct Merge {
    sources: Vec<Box<dyn Source + Send>>,
    picked: usize,
}

impl Merge {
    /// Merges `sources`; the index in the vector breaks ties.
    #[must_use]
    pub fn new(sources: Vec<Box<dyn Source + Send>>) -> Self {
        Self { sources, picked: 0 }
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
    fn next(&mut self) -> Next {
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
                Next::At(due)
            }
            None if idle => Next::Idle,
            None => Next::End,
        }
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.sources
            .get_mut(self.picked)
            .is_some_and(|source| source.take(draft))
    }

    fn depth_slot(&mut self, ts: Nanos, instrument: InstrumentId, subscribe: bool) {
        for source in &mut self.sources {
            source.depth_slot(ts, instrument, subscribe);
        }
    }
}
