//! A new session date has a journal of its own, and begins with what the last one left.

use crate::common::scene::{OPEN, journal_in, run_plan};
use crate::common::{Scene, Story, frames};
use engine::openings::has_begun;
use std::path::Path;
use stream::payload::{Checkpoint, Control, ControlAction, RestartFrom, text};
use stream::{Draft, FrameRef, InstrumentId, Kind, Nanos, Next, Source, StageId};

const DAY: Nanos = Nanos::from_secs(86_400);

/// Sessions of this length trade and hold checkpoints, every ten seconds.
fn scene() -> Scene {
    Scene::new(5, 40)
}

/// A person who says one word.
struct Person {
    due: Next,
    word: ControlAction,
}

impl Source for Person {
    fn next(&mut self) -> Next {
        self.due
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.due = Next::End;
        let control = Control {
            action: self.word,
            spare: [0; 7],
            by: text("anna"),
            cause: text("enough"),
        };
        draft.write(InstrumentId::NONE, &control);
        true
    }
}

/// The first day, on which a person may say something after half of it.
fn first_day(dir: &Path, word: Option<ControlAction>) -> Story {
    let scene = scene();
    let mut sources: Vec<Box<dyn Source + Send>> = vec![Box::new(scene.market())];
    if let Some(word) = word {
        let due = Next::At(OPEN + Nanos::from_secs(20));
        sources.push(Box::new(Person { due, word }));
    }
    scene.run_on(dir, sources, |_| {}).unwrap();
    Story::of(dir)
}

fn next_day(dir: &Path, carry: Option<&Path>) -> Story {
    next_day_of(scene(), dir, carry)
}

fn next_day_of(mut scene: Scene, dir: &Path, carry: Option<&Path>) -> Story {
    scene.market.start = OPEN + DAY;
    let mut setup = scene.setup().unwrap();
    setup.carry = carry.map(Path::to_path_buf);
    let journal = journal_in(dir, scene.segment_bytes);
    let market = Box::new(scene.market());
    run_plan(setup, scene.layout.clone(), journal, vec![market], |_| {}).unwrap();
    let checked = engine::replay::check(dir).unwrap();
    assert!(checked.identical, "{:?}", checked.first);
    Story::of(dir)
}

fn entries(story: &Story) -> usize {
    let entries = story.orders.iter().filter(|own| own.what.reduce_only == 0);
    entries.count()
}

#[test]
fn a_latch_outlives_its_journal_and_no_name_is_given_twice() {
    let place = tempfile::tempdir().unwrap();
    let first = place.path().join("first");
    let before = first_day(&first, Some(ControlAction::Halt));
    let last = frames(&first).iter().last().unwrap().seq();

    let carried = next_day(&place.path().join("carried"), Some(&first));
    let restart = carried.restarts[0];
    assert_eq!(restart.what.from, RestartFrom::Checkpoint);
    assert_eq!(restart.what.epoch, 1);
    assert_eq!(restart.what.previous_seq, last);
    assert_eq!(restart.what.previous_ts, before.last);
    let named = frames(&place.path().join("carried"));
    assert_eq!(named.iter().next().unwrap().seq(), last + 1);
    assert_eq!(entries(&carried), 0, "the latch holds");

    let fresh = next_day(&place.path().join("fresh"), None);
    assert_eq!(fresh.restarts[0].what.from, RestartFrom::Empty);
    assert!(entries(&fresh) > 0, "without it the day would be traded");
}

#[test]
fn a_session_that_begins_with_what_another_left_is_armed_as_configured() {
    let place = tempfile::tempdir().unwrap();
    let first = place.path().join("first");
    first_day(&first, None);
    let carried = next_day(&place.path().join("carried"), Some(&first));
    let restart = carried.restarts[0].what;
    assert_eq!(
        (restart.from, restart.disarmed),
        (RestartFrom::Checkpoint, 0)
    );
    assert!(entries(&carried) > 0, "nothing speaks against it");
}

#[test]
fn a_session_that_saved_nothing_leaves_what_was_left_to_it() {
    let place = tempfile::tempdir().unwrap();
    let dir = |name| place.path().join(name);
    first_day(&dir("first"), Some(ControlAction::Halt));
    next_day(&dir("second"), Some(&dir("first")));
    // It ends before risk has saved a state of its own.
    let is_own = |frame: &FrameRef<'_>| {
        let chunk = frame.try_read::<Checkpoint>();
        chunk.is_some_and(|chunk| chunk.stage == StageId::Risk as u8 && !frame.is_input())
    };
    let options = journal_in(&dir("short"), scene().segment_bytes);
    let (mut writer, _) = journal::create_or_continue(&options).unwrap();
    for frame in frames(&dir("second"))
        .iter()
        .take_while(|frame| !is_own(frame))
    {
        writer.append(frame);
    }
    writer.close().unwrap();
    assert!(Story::of(&dir("short")).last > OPEN + DAY);

    let third = next_day(&dir("third"), Some(&dir("short")));
    assert_eq!(third.restarts[0].what.from, RestartFrom::Checkpoint);
    assert_eq!(entries(&third), 0, "the latch holds");
}

#[test]
fn a_session_that_crashed_leaves_what_it_had_not_saved() {
    let place = tempfile::tempdir().unwrap();
    let dir = |name| place.path().join(name);
    first_day(&dir("first"), Some(ControlAction::Halt));
    // It ends behind the person's word and before any state that knows of it.
    let whole = frames(&dir("first"));
    let said = whole.iter().find(|frame| frame.kind() == Kind::Control);
    let said = said.expect("the word").seq();
    let options = journal_in(&dir("crashed"), scene().segment_bytes);
    let (mut writer, _) = journal::create_or_continue(&options).unwrap();
    for frame in whole.iter().take_while(|frame| frame.seq() <= said) {
        writer.append(frame);
    }
    drop(writer);
    assert!(!Story::of(&dir("crashed")).fills.is_empty());

    let carried = next_day(&dir("carried"), Some(&dir("crashed")));
    assert_eq!(carried.restarts[0].what.from, RestartFrom::Checkpoint);
    assert_eq!(entries(&carried), 0, "the latch holds");
}

#[test]
fn a_start_that_broke_off_hides_nothing() {
    let place = tempfile::tempdir().unwrap();
    let dir = |name: &str| place.path().join(name);
    first_day(&dir("first"), Some(ControlAction::Halt));
    next_day(&dir("second"), Some(&dir("first")));
    let second = frames(&dir("second"));
    let opened = second
        .iter()
        .position(|frame| frame.kind() == Kind::Instrument);
    for count in 1..=opened.expect("an instrument") {
        let name = format!("cut-{count}");
        let options = journal_in(&dir(&name), scene().segment_bytes);
        let (mut writer, _) = journal::create_or_continue(&options).unwrap();
        for frame in second.iter().take(count) {
            writer.append(frame);
        }
        drop(writer);
        assert!(!has_begun(&dir(&name)), "{name}: nothing is left by it");
        let again = next_day(&dir(&name), Some(&dir("first")));
        assert!(has_begun(&dir(&name)));
        assert_eq!(entries(&again), 0, "{name}: the latch holds");
    }
    assert!(has_begun(&dir("first")));
}

#[test]
fn a_session_of_a_smaller_universe_begins_with_what_fits() {
    let place = tempfile::tempdir().unwrap();
    let first = place.path().join("first");
    first_day(&first, Some(ControlAction::Flatten));
    let mut smaller = scene();
    smaller.market.symbols.remove(0);
    let dir = place.path().join("carried");
    let carried = next_day_of(smaller, &dir, Some(&first));
    assert_eq!(carried.restarts[0].what.from, RestartFrom::Checkpoint);
    assert_eq!(entries(&carried), 0, "the latch holds");
    let begins_with = |stage: StageId| {
        let all = frames(&dir);
        let mut chunks = all.iter().filter(FrameRef::is_input);
        chunks.any(|frame| {
            let chunk = frame.try_read::<Checkpoint>();
            chunk.is_some_and(|chunk| chunk.stage == stage as u8)
        })
    };
    let stages = [StageId::Signal, StageId::Risk, StageId::Gateway];
    assert_eq!(stages.map(begins_with), [false, true, true]);
}
