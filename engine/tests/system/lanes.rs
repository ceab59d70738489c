//! One lane or five, the stream is the same.

use crate::common::scene::{journal_in, run_plan};
use crate::common::story::assert_same;
use crate::common::{Scene, frames};
use engine::broker::Broker;
use engine::config::{Settings, Value};
use engine::layout::Layout;
use engine::setup::{SAMPLE, Setup};
use feed::file::{FileSource, Format, MemorySource, Options, holdings};
use feed::symbols::Universe;
use feed::synthetic::Synthetic;
use std::path::{Path, PathBuf};
use stream::stage::Collected;
use stream::{Draft, FrameRef, InstrumentId, Kind, Nanos, Next, Source, SourceId};

/// The usual layouts, and each part on a lane of its own.
const LAYOUTS: [&str; 6] = [
    "1",
    "2",
    "3",
    "5",
    "feed|book|signal|risk|gateway|journal",
    "feed+book+signal|risk+gateway+journal",
];

fn count(frames: &Collected, kind: Kind) -> usize {
    frames.iter().filter(|frame| frame.kind() == kind).count()
}

fn assert_replays(dir: &Path, what: &str) {
    let checked = engine::replay::check(dir).expect("the journal can be folded");
    assert!(checked.identical, "{what}: {:?}", checked.first);
    assert!(
        checked.state_hashes > 0 && checked.compared > 1_000,
        "{what}: {checked:?}"
    );
}

#[test]
fn a_synthetic_session_gives_the_same_stream_on_any_number_of_lanes() {
    let mut scene = Scene::new(11, 20);
    scene.market.events_per_second = 800.0;
    let place = tempfile::tempdir().unwrap();
    let first = place.path().join("first");
    scene.run(&first);
    let want = frames(&first);
    for kind in [
        Kind::DepthRow,
        Kind::DepthSlot,
        Kind::Signal,
        Kind::Verdict,
        Kind::Command,
        Kind::Fill,
    ] {
        assert!(count(&want, kind) > 0, "the session shows no {kind}");
    }
    assert_replays(&first, "first");
    for layout in LAYOUTS {
        let dir = place.path().join(layout);
        let finished = scene.clone().on(layout).run(&dir);
        let shares = matches!(finished.edge, Broker::Beside(_));
        assert_eq!(
            shares,
            layout == "1",
            "{layout}: whose books the broker matches on"
        );
        assert_same(&want, &frames(&dir), layout);
        assert_replays(&dir, layout);
    }
    // Behind what a journal holds already the broker has the books that the fold gave it.
    let again = scene.run(&first);
    assert!(matches!(again.edge, Broker::Sim(_)));
}

/// The first frames of another source.
struct First {
    inner: MemorySource,
    left: usize,
}

impl Source for First {
    fn next(&mut self) -> Next {
        if self.left == 0 {
            Next::End
        } else {
            self.inner.next()
        }
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.left -= 1;
        self.inner.take(draft)
    }

    fn depth_slot(&mut self, ts: Nanos, instrument: InstrumentId, subscribe: bool) {
        self.inner.depth_slot(ts, instrument, subscribe);
    }
}

/// The sample day, where there is data. With `CI=true` it must be there.
fn sample_day() -> Option<PathBuf> {
    let root = std::env::var_os("SPINDLE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
        PathBuf::from,
    );
    let path = root.join("equity_l3_lobster/LOBSTER_SampleFile_AAPL_2012-06-21_1.zip");
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is missing",
        path.display()
    );
    eprintln!("SKIPPED: {} is missing; set SPINDLE_DATA", path.display());
    None
}

#[test]
fn a_recorded_day_gives_the_same_stream_on_any_number_of_lanes() {
    let Some(path) = sample_day() else { return };
    assert_eq!(holdings(&path, None).unwrap().format, Format::Lobster);
    let mut settings = Settings::default();
    settings.add_sample(SAMPLE);
    settings.add_flag(
        "test",
        "universe.symbols",
        Value::List(vec!["AAPL".to_owned()]),
    );
    let setup = Setup::read(&settings).expect("the sample is sound");
    let universe = Universe::new(setup.symbols().map(|(_, symbol)| symbol)).unwrap();
    let open = || {
        let options = Options {
            source: SourceId(1),
            universe: &universe,
            bars: None,
        };
        FileSource::open(&path, &options)
            .unwrap()
            .preload()
            .unwrap()
    };
    let place = tempfile::tempdir().unwrap();
    let mut want: Option<Collected> = None;
    for layout in ["1", "1", "2", "3", "5"] {
        let dir = place.path().join(format!("{layout}-{}", want.is_some()));
        let source: Box<dyn Source + Send> = Box::new(First {
            inner: open(),
            left: 40_000,
        });
        let lanes: Layout = layout.parse().unwrap();
        let journal = journal_in(&dir, 4 << 20);
        run_plan(setup.clone(), lanes, journal, vec![source], |_| {}).unwrap();
        let got = frames(&dir);
        assert!(count(&got, Kind::Execute) > 1_000 && count(&got, Kind::BookView) > 1_000);
        assert_replays(&dir, layout);
        match &want {
            Some(want) => assert_same(want, &got, layout),
            None => want = Some(got),
        }
    }
    assert!(
        count(want.as_ref().unwrap(), Kind::Command) > 0,
        "the day is not traded"
    );
}

/// A market whose source breaks, as a bug of ours would.
struct Breaks {
    inner: Synthetic,
    left: u32,
}

impl Source for Breaks {
    fn next(&mut self) -> Next {
        self.inner.next()
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        assert!(self.left > 0, "planted");
        let taken = self.inner.take(draft);
        self.left -= u32::from(taken);
        taken
    }
}

/// However frames are appended, the one that a lane broke at can be looked at afterwards.
#[test]
fn one_lane_that_breaks_leaves_all_that_was_numbered_in_the_journal() {
    let scene = Scene::new(3, 20);
    let place = tempfile::tempdir().unwrap();
    for left in [1, 999, 1_000] {
        let dir = place.path().join(left.to_string());
        let market = Breaks {
            inner: scene.market(),
            left,
        };
        let ended = scene.run_on(&dir, vec![Box::new(market)], |_| {});
        let broken = ended.expect_err("it breaks").to_string();
        assert!(broken.contains("planted"), "{broken}");
        let left_behind = frames(&dir);
        let is_market = |frame: &FrameRef<'_>| frame.is_input() && frame.kind().is_market();
        let found = left_behind.iter().filter(is_market).count();
        assert_eq!(found, left as usize);
    }
}
