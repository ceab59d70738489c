//! Data that are somebody else's, late, gone or silent: entries are shut and say why, what is held
//! stays protected. Faults 22 and 26.

use super::pass::Allow;
use super::stage::{Plan, Stage};
use super::story::Story;
use stream::Kind;
use stream::payload::{CommandOp, GapReason, LegRole, LegState, LinkState};

/// Trips one after the other, so that an entry that is shut is missed.
const BUSY: Plan = Plan::trips(400);

fn entries(story: &Story) -> usize {
    story.made(CommandOp::Place, LegRole::Entry)
}

/// Ten seconds of evaluations bring no entry.
fn no_entry(stage: &mut Stage) {
    let before = stage.story();
    let until = before.count(Kind::Evaluate) + 40;
    let (after, _) = stage.wait("evaluations", |story, _| {
        story.count(Kind::Evaluate) > until
    });
    assert_eq!(entries(&after), entries(&before));
}

/// Entries are made again; then the last one ends, and all is as it should be.
fn goes_on(mut stage: Stage) {
    let before = entries(&stage.story());
    stage.wait("entries again", |story, _| entries(story) > before);
    stage.disarm();
    stage.rest(&Allow::default());
    stage.end();
}

#[test]
fn another_session_that_has_the_data_shuts_entries_until_it_is_gone() {
    let mut stage = Stage::play(BUSY, "");
    stage.wait("a trade", |story, _| !story.fills.is_empty());
    stage.script("competing");
    let (story, _) = stage.wait("told", |story, _| story.was(LinkState::Degraded, 10_197));
    assert!(story.data_codes.contains(&10_197) || stage.said().contains("10197"));
    no_entry(&mut stage);
    stage.script("live");
    goes_on(stage);
}

#[test]
fn delayed_data_are_not_used() {
    let mut stage = Stage::play(BUSY, "");
    stage.wait("a trade", |story, _| !story.fills.is_empty());
    stage.script("delayed");
    stage.script("reset");
    let codes = [10_089, 10_167, 354, 10_168];
    stage.wait("told", |story, _| {
        story.times(LinkState::Ready) > 1
            && codes.iter().any(|code| story.data_codes.contains(code))
    });
    no_entry(&mut stage);
    stage.script("live");
    stage.script("reset");
    goes_on(stage);
}

#[test]
fn data_that_fall_silent_are_stale_and_go_on() {
    let mut stage = Stage::play(BUSY, "");
    stage.wait("a trade", |story, _| !story.fills.is_empty());
    stage.script("silent");
    let stale = |story: &Story, _: &_| {
        story
            .sources
            .last()
            .is_some_and(|state| *state != LinkState::Ready)
    };
    stage.wait("the source is silent", stale);
    no_entry(&mut stage);
    assert_eq!(
        stage.story().times(LinkState::Down),
        2,
        "the link is not to blame"
    );
    stage.script("speak");
    goes_on(stage);
}

#[test]
fn a_depth_that_is_reset_is_built_anew() {
    let mut stage = Stage::play(Plan::HELD, "");
    let shown = |story: &Story| story.count(Kind::DepthSnapshot);
    stage.wait("a book", |story, _| {
        shown(story) > 0 && story.count(Kind::DepthRow) > 20
    });
    let before = stage.story();
    stage.script("depth_reset");
    let (story, _) = stage.wait("a new one", |story, _| shown(story) > shown(&before));
    assert_eq!(story.times(LinkState::Down), 2);
    assert!(story.gaps.contains(&GapReason::Lost), "{:?}", story.gaps);
    let (story, _) = stage.rest(&Allow::default());
    assert_eq!(story.legs_in(LegRole::Entry, LegState::Unknown), 0);
    stage.end();
}
