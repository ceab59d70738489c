//! Data that ends in the middle of a session leaves nothing open that was promised an end.

use crate::common::scene::OPEN;
use crate::common::{Scene, Story};
use std::collections::BTreeSet;
use stream::{Draft, FrameId, InstrumentId, Nanos, Next, Source};

/// How long the session would go on: far beyond what every run waits for.
const SESSION_SECONDS: u64 = 1_200;
/// When the data ends.
const CUT: Nanos = Nanos(OPEN.0 + 20 * Nanos::SECOND.0);

/// A source that ends early.
struct Until<S> {
    inner: S,
    end: Nanos,
}

impl<S: Source> Source for Until<S> {
    fn next(&mut self) -> Next {
        match self.inner.next() {
            Next::At(due) if due > self.end => Next::End,
            other => other,
        }
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.inner.take(draft)
    }

    fn depth_slot(&mut self, ts: Nanos, instrument: InstrumentId, subscribe: bool) {
        self.inner.depth_slot(ts, instrument, subscribe);
    }
}

#[test]
fn every_signal_has_its_outcome_where_the_data_ends_in_a_session() {
    let mut late = 0;
    for seed in 1..=3 {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("journal");
        let scene = Scene::new(seed, SESSION_SECONDS);
        let market = Until {
            inner: scene.market(),
            end: CUT,
        };
        scene.run_on(&dir, vec![Box::new(market)], |_| {}).unwrap();
        let story = Story::of(&dir);
        let signals = story.signals.iter().map(|signal| signal.id);
        let signals: BTreeSet<FrameId> = signals.collect();
        let outcomes = story.outcomes.iter().map(|outcome| outcome.what.signal);
        let ended: BTreeSet<FrameId> = outcomes.collect();
        assert_eq!(ended, signals, "seed {seed}");
        assert_eq!(story.outcomes.len(), signals.len(), "seed {seed}");
        late += story.outcomes.iter().filter(|told| told.ts > CUT).count();
        // Virtual time does not go on to a close that far away.
        let grace = scene.setup().unwrap().end_of_data().grace;
        assert!(story.last <= CUT.saturating_add(grace), "seed {seed}");
    }
    assert!(late > 0, "no signal is open when the data ends");
}
