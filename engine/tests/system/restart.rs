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
fn assert_went_on(
    (life, how): (&Life, RestartFrom),
    kept: &Place,
    dir: &Path,
    finished: &Finished,
    what: &str,
) {
    let all = frames(dir);
    let story = Story::of_frames(&all);
    assert_eq!(story.restarts.len(), 2, "{what}");
    let restart = story.restarts[1].what;
    assert_eq!(
        (restart.epoch, restart.from, restart.disarmed),
        (2, how, 1),
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
    assert_true(&story, finished, what);
}

/// All is flat, and the journal has the money that the broker has.
fn assert_true(story: &Story, finished: &Finished, what: &str) {
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
            assert_went_on((&life, RestartFrom::Fold), &kept, &dir, &finished, &what);
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
                assert_went_on((&life, RestartFrom::Fold), &kept, &dir, &finished, &what);
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

/// What tells of orders: no saved state from before it is how things are.
const ORDERS: [Kind; 5] = [
    Kind::Command,
    Kind::Sent,
    Kind::Status,
    Kind::Fill,
    Kind::Commission,
];

/// Behind risk's first saved state, which is written last and not at once as the gateway's, the
/// first frame of each kind that tells of orders.
fn orders_behind_a_state(life: &Life) -> [Place; 5] {
    let saved = life.frames.iter().find(|frame| {
        let chunk = frame.try_read::<Checkpoint>();
        chunk.is_some_and(|chunk| chunk.stage == StageId::Risk as u8)
    });
    let tick = saved.expect("a session with a state of risk's").seq();
    let first = (life.places.iter())
        .rposition(|place| place.kind == Kind::Checkpoint && place.id.seq() == tick)
        .unwrap();
    ORDERS.map(|kind| {
        let place = life.places[first..].iter().find(|place| place.kind == kind);
        *place.unwrap_or_else(|| panic!("the session shows no {kind} behind a checkpoint"))
    })
}

#[test]
fn another_configuration_goes_on_with_all_that_was_done() {
    let life = Life::new(scene());
    let other = life.scene.clone().set("risk.loss_max", "900");
    let (places, saved) = (&life.places, Kind::Checkpoint);
    // Also before any state was saved, and long behind one.
    let first = places.iter().position(|place| place.kind == saved).unwrap();
    let last = places
        .iter()
        .rposition(|place| place.kind == saved)
        .unwrap();
    let far = [places[first - 200], places[last + 40]];
    for kept in orders_behind_a_state(&life).into_iter().chain(far) {
        let what = format!("another configuration behind {} {}", kept.kind, kept.id);
        let dir = life.cut(
            offset_of(kept.position + kept.lines),
            &format!("{}", kept.id),
        );
        let finished = life.go_on(&other, &dir);
        let finished = finished.unwrap_or_else(|why| panic!("{what}: {why}"));
        assert_sound(&dir, &what);
        let how = RestartFrom::Checkpoint;
        assert_went_on((&life, how), &kept, &dir, &finished, &what);
        let highest = Story::of(&dir).kills.iter().map(|kill| kill.what.to).max();
        assert!(highest < Some(KillLevel::Kill), "{what}: {highest:?}");
    }
}

/// The inputs of an opening: from a `Restart`'s configuration on, up to the first instrument.
fn opening(all: &Collected, restart: FrameId) -> (u64, u64) {
    let inputs = || all.iter().filter(FrameRef::is_input);
    let before = inputs().take_while(|frame| frame.id() < restart);
    let blobs = before.filter(|frame| frame.kind() == Kind::Blob);
    let behind = |frame: &FrameRef<'_>| frame.id() > restart && frame.kind() == Kind::Instrument;
    // The first epoch's configuration has as many chunks.
    let chunks = inputs()
        .take_while(|frame| frame.kind() == Kind::Blob)
        .count() as u64;
    let last = blobs.last().expect("a configuration").seq();
    (
        last + 1 - chunks,
        inputs().find(behind).expect("an instrument").seq(),
    )
}

#[test]
fn a_start_that_dies_while_it_opens_its_epoch_has_not_been() {
    let life = Life::new(scene());
    let other = life.scene.clone().set("risk.loss_max", "900");
    // Something is held, and more is under way.
    let kept = orders_behind_a_state(&life)[3];
    let dir = life.cut(offset_of(kept.position + kept.lines), "opened");
    life.go_on(&other, &dir).unwrap();
    let all = frames(&dir);
    let (first, last) = opening(&all, Story::of_frames(&all).restarts[1].id);
    for end in first..last {
        for (scene, name) in [(&other, "other"), (&life.scene, "same")] {
            let what = format!("{name} configuration, opening cut behind input {end} of {last}");
            let dir = life.place.path().join(format!("{name}-{end}"));
            let options = journal_in(&dir, life.scene.segment_bytes);
            let (mut writer, _) = journal::create_or_continue(&options).unwrap();
            for frame in all.iter().take_while(|frame| frame.seq() <= end) {
                writer.append(frame);
            }
            drop(writer);
            let finished = life.go_on(scene, &dir);
            let finished = finished.unwrap_or_else(|why| panic!("{what}: {why}"));
            assert_sound(&dir, &what);
            let story = Story::of(&dir);
            assert_eq!(story.restarts.last().unwrap().what.disarmed, 1, "{what}");
            assert_true(&story, &finished, &what);
        }
    }
}

#[test]
fn a_first_start_that_dies_while_it_opens_its_epoch_has_not_been() {
    let life = Life::new(scene());
    let whole = Story::of_frames(&life.frames);
    let mut inputs = life.frames.iter().filter(FrameRef::is_input);
    let last = inputs.find(|frame| frame.kind() == Kind::Instrument);
    let last = last.expect("an instrument").seq();
    for end in 1..last {
        let kept = life
            .places
            .iter()
            .rfind(|place| place.id.seq() == end)
            .unwrap();
        let name = format!("first-{end}");
        let dir = life.cut(offset_of(kept.position + kept.lines), &name);
        life.scene
            .run_on(&dir, vec![Box::new(life.scene.market())], |_| {})
            .unwrap();
        assert_sound(&dir, &name);
        let story = Story::of(&dir);
        assert_eq!(
            story.restarts.last().unwrap().what.from,
            RestartFrom::Empty,
            "{name}"
        );
        assert_eq!(story.fills.len(), whole.fills.len(), "{name}");
    }
}

/// Puts an input behind a journal's end that breaks this binary's risk, as it would be with
/// another one's frames: what is not risk's state comes as risk's state.
fn spoil(life: &Life, dir: &Path, seq: u64) {
    let chunk = stream::blob::checkpoint_chunk(StageId::Risk, 0, b"not a state", 0);
    let mut draft = Draft::new();
    draft.write(InstrumentId::NONE, &chunk);
    draft.header_mut().seq = seq;
    draft.header_mut().ts = Story::of(dir).last;
    let options = journal_in(dir, life.scene.segment_bytes);
    let (mut writer, _) = journal::create_or_continue(&options).unwrap();
    writer.append(draft.frame());
    writer.close().unwrap();
}

#[test]
fn no_start_from_states_that_do_not_know_the_last_orders() {
    let life = Life::new(scene());
    let refused = |kept: Place, name: &str| {
        let dir = life.cut(offset_of(kept.position + kept.lines), name);
        spoil(&life, &dir, kept.id.seq() + 1);
        let before = frames(&dir);
        let files = || std::fs::read_dir(&dir).unwrap().count();
        let held = files();
        let why = match life.go_on(&life.scene, &dir) {
            Err(RunError::Restart(why)) => why,
            other => panic!("a start behind the {} {}: {other:?}", kept.kind, kept.id),
        };
        assert_same(&before, &frames(&dir), "a refused start");
        assert!(files() <= held, "a refused start leaves no epoch behind");
        why
    };
    for kept in orders_behind_a_state(&life) {
        let why = refused(kept, &format!("{}", kept.kind));
        let RestartError::Forgotten { first, .. } = &why else {
            panic!("without the {} {}: {why}", kept.kind, kept.id);
        };
        assert!(first.id <= kept.id && ORDERS.contains(&first.kind), "{why}");
    }
    let places = &life.places;
    let saved = |place: &Place| place.kind == Kind::Checkpoint;
    let first = places.iter().position(saved).unwrap();
    let why = refused(places[first - 200], "none");
    assert!(matches!(why, RestartError::NoCheckpoint(_)), "{why}");
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
    spoil(&life, &dir, kept.id.seq() + 1);

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
    let whole = life.cut(offset_of(kept.position + kept.lines), "in an input");
    let other = life.scene.clone().set("risk.loss_max", "900");
    life.go_on(&other, &whole).unwrap();
    assert_sound(&whole, "what was lacking is appended");
    // As another program goes on, which does not know what was lacking.
    let whole = frames(&whole);
    let without = |name: &str, ends: &dyn Fn(&FrameRef<'_>) -> bool| {
        let dir = life.place.path().join(name);
        let options = journal_in(&dir, life.scene.segment_bytes);
        let (mut writer, _) = journal::create_or_continue(&options).unwrap();
        let lacks =
            |frame: &FrameRef<'_>| frame.seq() == kept.id.seq() && frame.id().sub() > kept.id.sub();
        let rest = whole.iter().take_while(|frame| !ends(frame));
        for frame in rest.filter(|frame| !lacks(frame)) {
            writer.append(frame);
        }
        drop(writer);
        dir
    };
    let dir = without("in front of a checkpoint", &|_| false);
    assert!(engine::replay::check(&dir).unwrap().identical);
    // Until the next epoch has told how it begins, it is missed.
    let short = without("in an opening", &|frame| {
        let restart = frame.try_read::<Restart>();
        restart.is_some_and(|restart| restart.from == RestartFrom::Checkpoint)
    });
    assert!(!engine::replay::check(&short).unwrap().identical);
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
