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
    /// In virtual time: before this no other source than the picked one comes next. Zero: unknown.
    alone_until: Nanos,
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
            alone_until: Nanos::ZERO,
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
        // What a source has next does not change until it is taken: often the one that came last
        // has the next one too, and the others need not be asked.
        let limit_alone = limit.min(self.alone_until);
        if let (Some(source), Some(silence)) = (
            self.sources.get_mut(self.picked),
            self.silences.get_mut(self.picked),
        ) && let Some(due) = source.take_before(limit_alone, draft)
        {
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
        // A source may have something earlier now.
        self.alone_until = Nanos::ZERO;
        for source in &mut self.sources {
            source.depth_slot(ts, instrument, subscribe);
        }
    }
}

impl Merge {
    /// Asks all of them.
    fn earliest(&mut self) -> Next {
        let mut best: Option<(Nanos, usize)> = None;
        let mut rival = Nanos::MAX;
        let mut idle = false;
        for (index, source) in self.sources.iter_mut().enumerate() {
            match source.next() {
                Next::At(due) => match best {
                    // A tie goes to the earlier in order: against the ones behind it the best has
                    // that instant too.
                    Some((earliest, _)) if due >= earliest => {
                        rival = rival.min(due.saturating_add(Nanos(1)));
                    }
                    _ => {
                        rival = best.map_or(Nanos::MAX, |(due, _)| due);
                        best = Some((due, index));
                    }
                },
                Next::End => {}
                Next::Idle => idle = true,
            }
        }
        // What is idle may have something at any moment.
        self.alone_until = if idle { Nanos::ZERO } else { rival };
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};
    use stream::hash::mix;
    use stream::payload::Halt;

    /// Frames by their dues, each with its source's number in it. A depth slot brings one at once.
    #[derive(Clone)]
    struct Dues(Arc<Mutex<VecDeque<Nanos>>>, u16);

    impl Source for Dues {
        fn next(&mut self) -> Next {
            let dues = self.0.lock().unwrap();
            dues.front().map_or(Next::End, |due| Next::At(*due))
        }

        fn take(&mut self, draft: &mut Draft) -> bool {
            self.0.lock().unwrap().pop_front();
            let halt = Halt {
                source: SourceId(self.1),
                ..Halt::zeroed()
            };
            draft.write(InstrumentId(1), &halt);
            true
        }

        fn depth_slot(&mut self, ts: Nanos, instrument: InstrumentId, _: bool) {
            if instrument == InstrumentId(self.1) {
                self.0.lock().unwrap().push_front(ts);
            }
        }
    }

    /// The same by asking every source each time.
    fn naive(sources: &[Dues]) -> Option<(Nanos, u16)> {
        let next = |source: &Dues| source.0.lock().unwrap().front().map(|due| (*due, source.1));
        sources.iter().filter_map(next).min()
    }

    #[test]
    fn the_earliest_comes_whoever_had_the_last() {
        let mut draft = Draft::new();
        for seed in 0..200_u64 {
            let count = 1 + mix(seed) % 4;
            let dues = |source: u64| {
                let mut dues: Vec<u64> = (0..40)
                    .map(|i| mix(seed ^ i << 8 ^ source << 20) % 60)
                    .collect();
                dues.sort_unstable();
                dues.into_iter().map(Nanos).collect()
            };
            let sources: Vec<Dues> = (0..count)
                .map(|source| Dues(Arc::new(Mutex::new(dues(source))), source as u16))
                .collect();
            let boxed = |source: &Dues| Box::new(source.clone()) as Box<dyn Source + Send>;
            let mut merge = Merge::new(sources.iter().map(boxed).collect());
            let (mut step, mut now) = (seed << 32, Nanos::ZERO);
            while let Some((due, source)) = naive(&sources) {
                step += 1;
                let random = mix(step);
                let limit = Nanos(due.0 + random % 3);
                let (found, expected) = match random >> 8 & 15 {
                    0..2 => {
                        assert_eq!(merge.next(), Next::At(due), "{seed}");
                        (merge.take(&mut draft).then_some(due), Some(due))
                    }
                    2 => {
                        merge.depth_slot(now, InstrumentId((random >> 16) as u16 % 4), true);
                        continue;
                    }
                    _ => (
                        merge.take_before(limit, &mut draft),
                        (due < limit).then_some(due),
                    ),
                };
                assert_eq!(found, expected, "{seed}");
                if found.is_some() {
                    assert_eq!(
                        draft.frame().read::<Halt>().source,
                        SourceId(source),
                        "{seed}"
                    );
                    now = due;
                }
            }
            assert_eq!(merge.take_before(Nanos::MAX, &mut draft), None);
        }
    }
}
