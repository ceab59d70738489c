//! A run that is cut off anywhere goes on: nothing is lost, nothing is sent twice, nobody trades
//! before being armed.

use crate::common::scene::journal_in;
use crate::common::story::assert_same;
use crate::common::{Scene, Story, frames};
use engine::fold::Fold;
use engine::restart::RestartError;
use engine::run::{Finished, RunError};
use journal::Reader;
use journal::layout::offset_of;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use stream::payload::{Checkpoint, KillLevel, Restart, RestartFrom, SentOutcome};
use stream::stage::Collected;
use stream::{
    Class, Draft, FrameId, FrameRef, InstrumentId, Kind, Nanos, Next, Out, Source, StageId,
};

const SEGMENT: &str = "00000001-00000000.seg";

/// A session that holds checkpoints (every ten seconds), trades, and fits one segment.
fn scene() -> Scene {
    let mut scene = Scene::new(5, 22);
    scene.market.events_per_second = 300.0;
    scene.segment_bytes = 16 << 20;
    scene
}

/// One frame of the first life.
#[derive(Clone, Copy, Debug)]
struct Place {
    position: u64,
    lines: u64,
    id: FrameId,
    kind: Kind,
    class: Class,
}

/// A whole session, to be cut at will.
struct Life {
    scene: Scene,
    place: tempfile::TempDir,
    /// Every frame, notes too.
    places: Vec<Place>,
    frames: Collected,
}

impl Life {
    fn new(scene: Scene) -> Self {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("whole");
        scene.run(&dir);
        let mut reader = Reader::open(&dir).unwrap();
        let mut places = Vec::new();
        while let Some(next) = reader.next() {
            let (position, frame) = next.unwrap();
            places.push(Place {
                position,
                lines: frame.lines().len() as u64,
                id: frame.id(),
                kind: frame.kind(),
                class: frame.header().class().unwrap(),
            });
        }
        let frames = frames(&dir);
        Self {
            scene,
            place,
            places,
            frames,
        }
    }

    /// A copy that ends after so many bytes of the only segment: what a killed writer leaves.
    fn cut(&self, bytes: u64, name: &str) -> PathBuf {
        let (whole, dir) = (
            self.place.path().join("whole"),
            self.place.path().join(name),
        );
        std::fs::create_dir(&dir).unwrap();
        std::fs::copy(whole.join("identity"), dir.join("identity")).unwrap();
        let mut data = std::fs::read(whole.join(SEGMENT)).unwrap();
        data[bytes as usize..].fill(0);
        data.resize(self.scene.segment_bytes as usize, 0);
        std::fs::write(dir.join(SEGMENT), data).unwrap();
        dir
    }

    /// Goes on with the market of the time after the cut.
    fn go_on(&self, scene: &Scene, dir: &Path) -> Result<Finished, RunError> {
        let last = Story::of(dir).last;
        let market = Later {
            inner: Box::new(scene.market()),
            after: last,
        };
        scene.run_on(dir, vec![Box::new(market)], |_| {})
    }

    /// The first life's inputs and derived frames up to the end of what the input `seq` caused.
    fn whole_up_to(&self, seq: u64) -> Collected {
        let mut whole = Collected::default();
        self.frames
            .iter()
            .filter(|frame| frame.seq() <= seq)
            .for_each(|frame| whole.put(frame));
        whole
    }
}

/// A source without what fell due before.
struct Later {
    inner: Box<dyn Source + Send>,
    after: Nanos,
}

impl Source for Later {
    fn next(&mut self) -> Next {
        let mut dropped = Draft::new();
        loop {
            match self.inner.next() {
                Next::At(due) if due <= self.after => {
                    self.inner.take(&mut dropped);
                }
                other => return other,
            }
        }
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.inner.take(draft)
    }

    fn depth_slot(&mut self, ts: Nanos, instrument: InstrumentId, subscribe: bool) {
        self.inner.depth_slot(ts, instrument, subscribe);
    }
}

/// State hashes of the stages at a journal's end.
fn state_hashes(dir: &Path) -> Vec<(StageId, u64)> {
    let mut reader = Reader::open(dir).unwrap();
    let mut fold = Fold::default();
    while let Some(next) = reader.next() {
        fold.on_frame(next.unwrap().1)
            .unwrap()
            .expect("the fold is the same");
    }
    fold.into_chain()
        .expect("the journal has an epoch")
        .state_hashes()
}

fn assert_sound(dir: &Path, what: &str) {
    let checked = engine::replay::check(dir).unwrap();
    assert!(checked.identical, "{what}: {:?}", checked.first);
    let report = journal::verify(dir).unwrap();
    assert_eq!(report.state, journal::State::Clean, "{what}");
}

/// Everything that must hold after a cut behind the frame `kept` (and whatever came after it).
fn assert_went_on(life: &Life, kept: &Place, dir: &Path, finished: &Finished, what: &str) {
    let all = frames(dir);
    let story = Story::of_frames(&all);
    assert_eq!(story.restarts.len(), 2, "{what}");
    let restart = story.restarts[1].what;
    assert_eq!(
        (restart.epoch, restart.from, restart.disarmed),
        (2, RestartFrom::Fold, 1),
        "{what}"
    );
    assert_eq!(restart.previous_seq, kept.id.seq(), "{what}");

    // What the last input caused is there to its end, as if nothing had happened.
    let whole = life.whole_up_to(kept.id.seq());
    let mut first = Collected::default();
    all.iter()
        .filter(|frame| frame.seq() <= kept.id.seq())
        .for_each(|frame| first.put(frame));
    assert_same(&whole, &first, what);

    // The commands that had not been journaled never leave.
    let mut outcomes = BTreeMap::<FrameId, Vec<SentOutcome>>::new();
    for sent in &story.sents {
        outcomes
            .entry(sent.what.command)
            .or_default()
            .push(sent.what.outcome);
    }
    for command in &story.commands {
        let behind = command.id.seq() == kept.id.seq() && command.id.sub() > kept.id.sub();
        let expected = if behind {
            SentOutcome::Abandoned
        } else {
            SentOutcome::Sent
        };
        assert_eq!(
            outcomes.remove(&command.id),
            Some(vec![expected]),
            "{what}: {command:?}"
        );
    }
    assert!(
        outcomes.is_empty(),
        "{what}: answers to nothing: {outcomes:?}"
    );

    // Nobody enters before someone arms; what was open is closed.
    let since = story.restarts[1].id;
    assert!(
        !story.intents.iter().any(|own| own.id > since),
        "{what}: an intent"
    );
    assert!(
        !story
            .orders
            .iter()
            .any(|own| own.id > since && own.what.reduce_only == 0),
        "{what}: an entry while disarmed"
    );
    assert!(
        finished.flat && finished.sim().orders_live() == 0,
        "{what}: not flat"
    );
    let truth = finished.sim().truth();
    assert_eq!(story.fills.len() as u64, truth.fills, "{what}: executions");
    let mut last = BTreeMap::new();
    for pnl in &story.pnl {
        last.insert(pnl.instrument, pnl.what);
    }
    let fees: i128 = last.values().map(|pnl| i128::from(pnl.fees.0)).sum();
    let realised: i128 = last.values().map(|pnl| i128::from(pnl.realised.0)).sum();
    let earned = i128::from(truth.cash.0) - 100_000 * i128::from(stream::units::SCALE);
    assert_eq!(
        (fees, earned),
        (i128::from(truth.fees.0), realised - fees),
        "{what}: money"
    );
}

#[test]
fn a_run_goes_on_behind_any_frame() {
    let life = Life::new(scene());
    let kinds: BTreeSet<u8> = life.places.iter().map(|place| place.kind.0).collect();
    for kind in [
        Kind::Command,
        Kind::Fill,
        Kind::Checkpoint,
        Kind::Refused,
        Kind::Order,
    ] {
        let optional = kind == Kind::Refused;
        assert!(
            optional || kinds.contains(&kind.0),
            "the session shows no {kind}"
        );
    }
    // Every so many frames, and around the frames that matter most.
    let first = life
        .places
        .iter()
        .position(|place| place.kind == Kind::Session)
        .unwrap();
    let step = (life.places.len() - first) / 14;
    let mut chosen: BTreeSet<usize> = (first..life.places.len()).step_by(step).collect();
    for kind in [
        Kind::Order,
        Kind::Command,
        Kind::Fill,
        Kind::Sent,
        Kind::Intent,
        Kind::Checkpoint,
    ] {
        let of_kind = life
            .places
            .iter()
            .enumerate()
            .filter(|(_, place)| place.kind == kind);
        for (index, _) in of_kind.step_by(9).take(3) {
            chosen.extend([index - 1, index]);
        }
    }
    let mut abandoned = 0;
    for index in chosen {
        let kept = life.places[index];
        let name = format!("cut-{index}");
        let end = offset_of(kept.position + kept.lines);
        let dir = life.cut(end, &name);
        let what = format!("behind {:?} {}", kept.kind, kept.id);
        let finished = life
            .go_on(&life.scene, &dir)
            .unwrap_or_else(|why| panic!("{what}: {why}"));
        assert_sound(&dir, &what);
        if kept.class != Class::Note {
            assert_went_on(&life, &kept, &dir, &finished, &what);
        }
        let story = Story::of(&dir);
        let given_up = |sent: &&crate::common::story::Told<stream::payload::Sent>| {
            sent.what.outcome == SentOutcome::Abandoned
        };
        abandoned += story.sents.iter().filter(given_up).count();
        std::fs::remove_dir_all(dir).unwrap();
    }
    assert!(abandoned > 0, "no cut tears a command from its cause");
}

#[test]
fn a_torn_frame_is_left_behind() {
    let life = Life::new(scene());
    let step = life.places.len() / 7;
    for index in (step..life.places.len()).step_by(step) {
        let (kept, torn) = (life.places[index - 1], life.places[index]);
        // Inside the header, and just before its end.
        for bytes in [20, 64 * torn.lines - 1] {
            let dir = life.cut(
                offset_of(torn.position) + bytes,
                &format!("torn-{index}-{bytes}"),
            );
            let what = format!("in {:?} {} after {bytes} bytes", torn.kind, torn.id);
            let finished = life
                .go_on(&life.scene, &dir)
                .unwrap_or_else(|why| panic!("{what}: {why}"));
            assert_sound(&dir, &what);
            // A frame whose last bytes are zero is whole without them.
            let whole =
                Story::of(&dir).restarts[1].what.previous_seq == torn.id.seq() && bytes > 20;
            if !whole && kept.class != Class::Note {
                assert_went_on(&life, &kept, &dir, &finished, &what);
            }
        }
    }
}

#[test]
fn recovery_is_the_same_every_time() {
    let life = Life::new(scene());
    let kept = life.places[life.places.len() * 2 / 3];
    let end = offset_of(kept.position + kept.lines);
    // Five recoveries of the same remains.
    let mut want: Option<Collected> = None;
    for round in 0..5 {
        let dir = life.cut(end, &format!("same-{round}"));
        life.go_on(&life.scene, &dir).unwrap();
        let got = frames(&dir);
        match &want {
            Some(want) => assert_same(want, &got, "the same remains"),
            None => want = Some(got),
        }
    }
    // Five recoveries behind one another: the first brings everything to rest, and whoever comes
    // after it finds the same state.
    let dir = life.cut(end, "again");
    life.go_on(&life.scene, &dir).unwrap();
    let rest = |dir: &Path| {
        Story::of(dir)
            .pnl
            .last()
            .map(|pnl| (pnl.what.day, pnl.what.position))
    };
    let want = (rest(&dir), Story::of(&dir).fills.len());
    let mut hashes = Vec::new();
    for round in 1..=5 {
        life.go_on(&life.scene, &dir).unwrap();
        assert_sound(&dir, &format!("round {round}"));
        let story = Story::of(&dir);
        assert_eq!(story.restarts.len(), round + 2);
        assert_eq!(story.restarts.last().unwrap().what.disarmed, 1);
        assert_eq!((rest(&dir), story.fills.len()), want, "round {round}");
        hashes.push(state_hashes(&dir));
    }
    // Risk also keeps when the broker last spoke, which each start moves on; its positions and
    // totals are compared above.
    let gateway = |all: &Vec<(StageId, u64)>| {
        let own = all.iter().find(|(stage, _)| *stage == StageId::Gateway);
        own.expect("the gateway has a state").1
    };
    let all: BTreeSet<u64> = hashes.iter().map(gateway).collect();
    assert_eq!(all.len(), 1, "{all:x?}");
}

#[test]
fn another_configuration_starts_from_the_last_checkpoint_or_not_at_all() {
    let life = Life::new(scene());
    let saved = life
        .places
        .iter()
        .rposition(|place| place.kind == Kind::Checkpoint)
        .unwrap();
    let other = life.scene.clone().set("risk.loss_max", "900");

    let kept = life.places[saved + 40];
    let dir = life.cut(offset_of(kept.position + kept.lines), "with");
    life.go_on(&other, &dir).unwrap();
    assert_sound(&dir, "another configuration");
    let story = Story::of(&dir);
    let restart = story.restarts[1];
    assert_eq!(
        (restart.what.from, restart.what.disarmed),
        (RestartFrom::Checkpoint, 1)
    );
    let entry = |own: &&crate::common::story::Told<stream::payload::Order>| {
        own.id > restart.id && own.what.reduce_only == 0
    };
    assert_eq!(story.orders.iter().filter(entry).count(), 0);
    assert!(
        story
            .kills
            .iter()
            .all(|kill| kill.what.to < KillLevel::Kill)
    );

    let first = life
        .places
        .iter()
        .position(|place| place.kind == Kind::Checkpoint)
        .unwrap();
    let kept = life.places[first - 200];
    let dir = life.cut(offset_of(kept.position + kept.lines), "without");
    let before = frames(&dir);
    match life.go_on(&other, &dir) {
        Err(RunError::Restart(RestartError::NoCheckpoint(why))) => {
            assert!(why.contains("configuration"), "{why}");
        }
        other => panic!("a start without anything to start from: {other:?}"),
    }
    assert_same(&before, &frames(&dir), "a refused start");
    // Whoever comes with the right configuration still finds everything.
    life.go_on(&life.scene, &dir).unwrap();
    assert_sound(&dir, "after a refused start");
}

/// What tells of orders: no saved state from before it is how things are.
const ORDERS: [Kind; 5] = [
    Kind::Command,
    Kind::Sent,
    Kind::Status,
    Kind::Fill,
    Kind::Commission,
];

#[test]
fn no_start_from_states_that_do_not_know_the_last_orders() {
    let life = Life::new(scene());
    let other = life.scene.clone().set("risk.loss_max", "900");
    // Risk saves its state last, and not at once as the gateway does.
    let saved = life.frames.iter().find(|frame| {
        let chunk = frame.try_read::<Checkpoint>();
        chunk.is_some_and(|chunk| chunk.stage == StageId::Risk as u8)
    });
    let tick = saved.expect("a session with a state of risk's").seq();
    let first = (life.places.iter())
        .rposition(|place| place.kind == Kind::Checkpoint && place.id.seq() == tick)
        .unwrap();
    for kind in ORDERS {
        // The first of its kind behind a saved state.
        let place = &life.places[first..];
        let Some(at) = place.iter().position(|place| place.kind == kind) else {
            panic!("the session shows no {kind} behind a checkpoint");
        };
        let kept = place[at];
        let dir = life.cut(offset_of(kept.position + kept.lines), &format!("{kind}"));
        let before = frames(&dir);
        let files = || std::fs::read_dir(&dir).unwrap().count();
        let held = files();
        match life.go_on(&other, &dir) {
            Err(RunError::Restart(why @ RestartError::Forgotten { first, .. })) => {
                assert!(first.id <= kept.id && ORDERS.contains(&first.kind), "{why}");
                assert!(
                    why.to_string().contains("the configuration differs"),
                    "{why}"
                );
            }
            other => panic!("a start without the {kind} {}: {other:?}", kept.id),
        }
        assert_same(&before, &frames(&dir), "a refused start");
        assert!(files() <= held, "a refused start leaves no epoch behind");
        // Whoever comes with the right configuration still finds everything.
        life.go_on(&life.scene, &dir).unwrap();
        assert_sound(&dir, "after a refused start");
    }
}

#[test]
fn a_journal_that_breaks_a_stage_is_started_on_from_its_last_checkpoint() {
    let life = Life::new(scene());
    let places = &life.places;
    let saved = places
        .iter()
        .rposition(|place| place.kind == Kind::Checkpoint);
    // Behind the last consequence of an input.
    let last = (saved.unwrap() + 40..places.len() - 1)
        .find(|at| places[at + 1].class == Class::Input)
        .unwrap();
    let kept = places[last];
    let dir = life.cut(offset_of(kept.position + kept.lines), "broken");
    // An assert: what is not risk's state comes as risk's state.
    let chunk = stream::blob::checkpoint_chunk(StageId::Risk, 0, b"not a state", 0);
    let mut draft = Draft::new();
    draft.write(InstrumentId::NONE, &chunk);
    draft.header_mut().seq = kept.id.seq() + 1;
    draft.header_mut().ts = Story::of(&dir).last;
    let options = journal_in(&dir, life.scene.segment_bytes);
    let (mut writer, _) = journal::create_or_continue(&options).unwrap();
    writer.append(draft.frame());
    writer.close().unwrap();

    let checked = engine::replay::check(&dir).unwrap();
    assert!(
        checked.first[0].contains("breaks on Checkpoint"),
        "{checked:?}"
    );
    for _ in 0..2 {
        life.go_on(&life.scene, &dir).unwrap();
    }
    let from: Vec<_> = (Story::of(&dir).restarts.iter())
        .map(|told| (told.what.from, told.what.disarmed))
        .collect();
    // The second start has an epoch to fold that began without what broke.
    let (anew, folded) = (RestartFrom::Checkpoint, RestartFrom::Fold);
    assert_eq!(from[1..], [(anew, 1), (folded, 1)]);
}

#[test]
fn what_a_crash_cut_off_is_missed_by_nobody_where_the_next_start_does_without_it() {
    let life = Life::new(scene());
    let kind_at = |at: usize| life.places[at].kind;
    let saved = (0..life.places.len())
        .rfind(|at| kind_at(*at) == Kind::Checkpoint)
        .unwrap();
    // An input is kept, and the best quote that it made is not.
    let last = (saved + 40..life.places.len() - 1).find(|at| kind_at(at + 1) == Kind::Best);
    let kept = life.places[last.unwrap()];
    let dir = life.cut(offset_of(kept.position + kept.lines), "in an input");
    let other = life.scene.clone().set("risk.loss_max", "900");
    life.go_on(&other, &dir).unwrap();
    assert_sound(&dir, "a cut in front of a checkpoint");
    // Until the next epoch has told how it begins, it is missed.
    let short = dir.with_file_name("in an opening");
    let options = journal_in(&short, life.scene.segment_bytes);
    let (mut writer, _) = journal::create_or_continue(&options).unwrap();
    let is_told = |frame: &FrameRef<'_>| {
        let restart = frame.try_read::<Restart>();
        restart.is_some_and(|restart| restart.from == RestartFrom::Checkpoint)
    };
    for frame in frames(&dir).iter().take_while(|frame| !is_told(frame)) {
        writer.append(frame);
    }
    drop(writer);
    assert!(!engine::replay::check(&short).unwrap().identical);
    life.go_on(&other, &short).unwrap();
    assert_sound(&short, "an opening that was cut");
    // Nor does it keep the day from being folded.
    life.go_on(&other, &dir).unwrap();
    assert_sound(&dir, "a fold behind it");
    let from: Vec<_> = Story::of(&dir)
        .restarts
        .iter()
        .map(|told| told.what.from)
        .collect();
    assert_eq!(from[1..], [RestartFrom::Checkpoint, RestartFrom::Fold]);
}
