//! `kill -9` of the engine at every message of a bracket's life, during recovery, and between the
//! journal and the socket: faults 1 to 4.

use super::pass::Allow;
use super::stage::{Plan, Stage};
use super::story::Story;
use stream::payload::{LegRole, LegState, RestartFrom, SentOutcome};
use tws::world::Truth;

/// No life of a bracket has so many messages.
const MESSAGES_MAX: usize = 120;

/// Trips one after the other, each killed at another message.
pub const LIVES: Plan = Plan {
    entries: 400,
    more: "reconcile_every = \"60s\"\n[slots]\ncount = 1\n",
    ..Plan::TRIP
};

fn entries(story: &Story) -> usize {
    story
        .legs
        .values()
        .filter(|leg| leg.0 == LegRole::Entry)
        .count()
}

/// The life of the bracket that was begun last is complete.
fn complete(story: &Story, truth: &Truth) -> bool {
    let open = |leg: &&(LegRole, LegState)| !leg.1.is_final();
    truth.positions.is_empty() && story.legs.values().filter(open).count() == 0
}

/// How often the lives may begin afresh: a symbol that was frozen on the way takes no more entries.
pub const AFRESH_MAX: usize = 4;

/// Kills the engine at the `first`, then the `first + step`-th … message of a bracket's life, each
/// time in another bracket, until a life has fewer messages. How many kills there were.
fn kill_at_every(first: usize, step: usize) -> usize {
    let (mut nth, mut kills) = (first, 0);
    for _ in 0..AFRESH_MAX {
        let mut stage = Stage::new(LIVES, "");
        let frozen = kill_until_frozen(&mut stage, (&mut nth, &mut kills), step);
        stage.script("clear");
        stage.start();
        stage.disarm();
        let story = stage.story();
        let folded = |restart: &stream::payload::Restart| restart.from == RestartFrom::Fold;
        assert!(
            story.restarts[1..].iter().all(folded),
            "{:?}",
            story.restarts
        );
        stage.rest(&Allow::default());
        stage.end();
        if !frozen {
            return kills;
        }
    }
    panic!("its symbol was frozen {AFRESH_MAX} times, before message {nth} and earlier");
}

/// The same on one stage; true when its symbol was frozen before the lives were through.
fn kill_until_frozen(
    stage: &mut Stage,
    (nth, kills): (&mut usize, &mut usize),
    step: usize,
) -> bool {
    while *nth < MESSAGES_MAX {
        // The server keeps still behind that message, and so does all that comes from the engine.
        stage.script(&format!("hold on=orders after=placeOrder nth={nth}"));
        let before = stage.story();
        stage.start();
        let (story, truth) = stage.wait("held, or a whole life", |story, truth| {
            let begun = entries(story) > entries(&before) + 1 || !story.frozen.is_empty();
            truth.faults_waiting == 0 || (begun && complete(story, truth))
        });
        if truth.faults_waiting > 0 && complete(&story, &truth) {
            // The next bracket may have brought the server to a stand behind that look.
            stage.bury();
            return !story.frozen.is_empty();
        }
        stage.bury();
        *kills += 1;
        *nth += step;
    }
    false
}

#[test]
fn killed_at_every_odd_message_of_a_brackets_life() {
    let kills = kill_at_every(1, 2);
    assert!(kills >= 8, "{kills}");
}

#[test]
fn killed_at_every_even_message_of_a_brackets_life() {
    let kills = kill_at_every(2, 2);
    assert!(kills >= 8, "{kills}");
}

#[test]
fn killed_at_every_order_with_the_rest_of_the_bracket_lost() {
    let mut stage = Stage::new(LIVES, "");
    for nth in 1..=3 {
        stage.script(&format!("hold on=placeOrder nth={nth}"));
        stage.start();
        stage.done();
        stage.kill();
        stage.script("reset");
    }
    stage.start_with(&[]);
    stage.wait("reconciled", |story, _| {
        story.restarts.len() == 4 && story.is_ready()
    });
    let (story, _) = stage.rest(&Allow::default());
    assert!(story.has_sent(SentOutcome::Sent) || story.has_sent(SentOutcome::Unknown));
    stage.end();
}

#[test]
fn killed_five_times_while_it_recovers() {
    let mut stage = Stage::play(Plan::HELD, "hold on=execDetails");
    stage.done();
    stage.bury();
    for at in [
        "openOrder",
        "orderStatus",
        "completedOrdersEnd",
        "execDetails",
        "positionEnd",
    ] {
        stage.script(&format!("hold on={at}"));
        stage.start();
        stage.done();
        stage.bury();
    }
    stage.start();
    // One that was killed before it could say that it began has an epoch all the same.
    stage.wait("reconciled", |story, _| {
        story.restarts.last().is_some_and(|last| last.epoch == 7) && story.is_ready()
    });
    let (story, truth) = stage.rest(&Allow::default());
    // A bracket that took too long to be protected by what is known may have been closed.
    let stops = story.legs_in(LegRole::Stop, LegState::Working);
    assert_eq!(stops, truth.positions.len());
    assert!(!story.fills.is_empty());
    stage.end();
}

#[test]
fn killed_between_the_journal_and_the_socket() {
    // Room for one bracket a second, and seconds that pass slowly: the second one is journaled and
    // waits.
    let slow = Plan {
        speed: "0.5",
        symbols: "[\"ALDR\", \"BRKN\", \"CYGN\"]",
        more: "orders_per_second = 3\n",
        ..Plan::HELD
    };
    let mut stage = Stage::play(slow, "");
    let waiting = |story: &Story| {
        let unanswered = |id: &&stream::FrameId| !story.sents.contains_key(*id);
        story.commands.keys().filter(unanswered).count()
    };
    stage.wait("commands that wait", |story, _| waiting(story) >= 3);
    stage.kill();
    let left: Vec<u64> = {
        let story = stage.story();
        let unanswered = story
            .commands
            .iter()
            .filter(|(id, _)| !story.sents.contains_key(*id));
        unanswered.map(|(_, made)| made.leg.0).collect()
    };
    assert!(left.len() >= 3, "{left:?}");
    stage.start_with(&[]);
    stage.wait("reconciled", |story, _| {
        story.restarts.len() == 2 && story.is_ready()
    });
    let (story, truth) = stage.rest(&Allow::default());
    assert!(
        story.has_sent(SentOutcome::Unknown),
        "looked up, and never sent again"
    );
    let sent = |leg: &u64| {
        truth
            .orders
            .iter()
            .any(|o| o.order_ref.ends_with(&format!(".{leg:x}")))
    };
    assert!(!left.iter().all(sent), "some of them never left");
    stage.end();
}
