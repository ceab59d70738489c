//! Connections that break, and a broker that loses its servers: faults 6 and 7.

use super::pass::Allow;
use super::stage::{Plan, Stage};
use super::story::Story;
use stream::Kind;
use stream::payload::{CommandOp, GapReason, LegRole, LegState, LinkState};
use tws::world::Truth;

/// The silence of the other side, as the link says it.
const SILENT: i32 = -2;

fn protected(story: &Story, truth: &Truth) -> bool {
    story.legs_in(LegRole::Stop, LegState::Working) > 0 && !truth.positions.is_empty()
}

#[test]
fn a_connection_that_is_reset_at_any_message_is_made_and_read_anew() {
    let mut stage = Stage::play(Plan::trips(24), "");
    stage.wait("ready", |story, _| story.is_ready());
    for at in [
        "placeOrder",
        "placeOrder nth=2",
        "placeOrder nth=3",
        "openOrder nth=2",
        "orderStatus nth=3",
        "execDetails",
        "execDetails nth=2",
        "commissionReport",
        "error status=202",
    ] {
        let before = stage.story().times(LinkState::Ready);
        stage.script(&format!("reset on={at}"));
        let (story, _) = stage.wait(at, |story, truth| {
            let back = story.times(LinkState::Ready) > before && story.is_ready();
            truth.faults_waiting == 0 && back
        });
        assert!(story.was(LinkState::Down, 504), "{at}");
    }
    stage.rest(&Allow::default());
    stage.end();
}

#[test]
fn a_half_open_connection_is_noticed_and_given_up() {
    let mut stage = Stage::play(Plan::HELD, "half_open on=execDetails");
    stage.wait("it is given up", |story, _| {
        story.was(LinkState::Degraded, SILENT) && story.times(LinkState::Ready) > 1
    });
    let (story, truth) = stage.rest(&Allow::default());
    assert!(protected(&story, &truth));
    stage.end();
}

#[test]
fn a_black_hole_is_left_and_the_client_id_is_waited_for() {
    let mut stage = Stage::play(Plan::HELD, "black_hole ms=120000 on=orderStatus nth=2");
    let (story, _) = stage.wait("it is back", |story, truth| {
        truth.faults_waiting == 0 && story.times(LinkState::Ready) > 1
    });
    assert!(story.was(LinkState::Degraded, SILENT));
    let said = stage.said();
    assert!(
        said.contains("326: the Gateway still holds our last connection"),
        "{said}"
    );
    stage.rest(&Allow::default());
    stage.end();
}

/// 1100 in the middle of fills; what was said meanwhile follows, or is lost with the data.
fn servers_are_lost(restored: &str, code: &str) {
    let mut stage = Stage::play(Plan::HELD, "lost on=execDetails");
    stage.wait("lost", |story, truth| {
        story.was(LinkState::Degraded, 1_100) && !truth.positions.is_empty()
    });
    let quotes = stage.story().count(Kind::Quote);
    stage.script(restored);
    let (story, _) = stage.wait("back", |story, _| {
        story.times(LinkState::Ready) > 1 && story.count(Kind::Quote) > quotes + 20
    });
    assert!(stage.said().contains(code), "{}", stage.said());
    assert_eq!(
        story.times(LinkState::Down),
        2,
        "the connection is kept: {:?}",
        story.links
    );
    let (story, truth) = stage.rest(&Allow::default());
    assert!(protected(&story, &truth));
    stage.end();
}

#[test]
fn servers_that_are_lost_amid_fills_come_back_and_what_was_held_back_follows() {
    servers_are_lost("restored", "1102");
}

#[test]
fn servers_that_are_lost_amid_fills_come_back_without_data_and_forget() {
    servers_are_lost("restored_lost forget=true", "1101");
}

#[test]
fn a_farm_that_flaps_shuts_entries_and_lets_exits_go_on() {
    let mut stage = Stage::play(Plan::trips(400), "");
    stage.wait("a position", |story, _| story.held("ALDR") != 0);
    stage.script("notice code=2103");
    let (story, _) = stage.wait("flat all the same", |story, truth| {
        story.was(LinkState::Degraded, 2_103) && truth.positions.is_empty()
    });
    assert!(!story.is_ready());
    let entries = story.made(CommandOp::Place, LegRole::Entry);
    let seen = story.count(Kind::Evaluate);
    let (story, _) = stage.wait("no entry", |story, _| {
        story.count(Kind::Evaluate) > seen + 40
    });
    let now = story.made(CommandOp::Place, LegRole::Entry);
    assert_eq!(now, entries);
    stage.script("notice code=2104");
    stage.wait("an entry", |story, _| {
        story.made(CommandOp::Place, LegRole::Entry) > entries
    });
    assert_eq!(stage.story().times(LinkState::Down), 2);
    stage.disarm();
    stage.rest(&Allow::default());
    stage.end();
}

#[test]
fn a_nightly_restart_is_waited_for_and_what_is_held_stays_protected() {
    let mut stage = Stage::play(Plan::HELD, "");
    stage.wait("protected", protected);
    stage.script("restart ms=20000");
    let (story, _) = stage.wait("back", |story, _| story.times(LinkState::Ready) > 1);
    // Its 1100 is the last thing that it says: a busy box may see the end of the line before it.
    assert!(story.times(LinkState::Down) > 2, "{:?}", story.links);
    let lost = |gap: &GapReason| matches!(gap, GapReason::Lost | GapReason::Ended);
    assert!(story.gaps.iter().any(lost), "{:?}", story.gaps);
    let (story, truth) = stage.rest(&Allow::default());
    assert!(protected(&story, &truth));
    stage.end();
}

#[test]
fn a_start_before_a_gateway_without_its_servers_waits_for_them() {
    let mut stage = Stage::play(Plan::trips(6), "");
    stage.wait("an entry", |_, truth| !truth.positions.is_empty());
    stage.script("lost");
    stage.kill();
    let before = stage.story();
    stage.start();
    // Every story is a wrong one in which anything but a cancel is commanded meanwhile.
    let (story, _) = stage.wait("told", |story, _| story.was(LinkState::Degraded, 2_110));
    let later = story.now + stream::Nanos::from_secs(20);
    let (story, _) = stage.wait("nothing is done", |story, _| story.now > later);
    assert!(!story.is_ready());
    assert_eq!(story.fills.len(), before.fills.len());
    stage.script("restored");
    stage.wait("ready", |story, _| story.is_ready());
    let (story, _) = stage.rest(&Allow::default());
    assert!(story.frozen.is_empty(), "{:?}", story.freezes);
    stage.end();
}

#[test]
fn what_a_gateway_answers_without_its_servers_is_no_answer() {
    // It goes on answering, from memory or with nothing, in the middle of a comparison.
    let often = Plan {
        more: "reconcile_every = \"10s\"\n",
        ..Plan::HELD
    };
    let mut stage = Stage::play(often, "");
    stage.wait("protected, and the position told", |story, truth| {
        protected(story, truth) && story.count(stream::Kind::Position) > 1
    });
    stage.script("lost on=orders");
    let (story, _) = stage.wait("lost", |story, _| story.was(LinkState::Degraded, 1_100));
    let grace_is_over = story.now + stream::Nanos::from_secs(15);
    let (story, _) = stage.wait("a while", |story, _| story.now > grace_is_over);
    assert!(story.frozen.is_empty(), "{:?}", story.freezes);
    stage.script("restored");
    stage.wait("ready", |story, _| story.is_ready());
    let (story, truth) = stage.rest(&Allow::default());
    assert!(story.frozen.is_empty(), "{:?}", story.freezes);
    assert!(protected(&story, &truth));
    stage.end();
}

#[test]
fn slow_answers_are_waited_for() {
    // Quotes are late as well, so that the market has left some entries behind before they come.
    let mut stage = Stage::play(Plan::trips(40), "");
    stage.wait("ready", |story, _| story.is_ready());
    stage.script("slow ms=2500");
    stage.wait("trips", |story, truth| {
        story.legs_in(LegRole::Entry, LegState::Filled) > 1 && truth.positions.is_empty()
    });
    stage.script("slow ms=0");
    let (story, _) = stage.rest(&Allow::default());
    assert_eq!(story.times(LinkState::Down), 2, "{:?}", story.links);
    stage.end();
}

#[test]
fn a_message_that_stalls_in_the_middle_is_read_whole_or_the_connection_is_given_up() {
    let mut stage = Stage::play(Plan::trips(6), "");
    stage.wait("ready", |story, _| story.is_ready());
    stage.script("stall ms=6000 on=orderStatus nth=2");
    stage.script("stall ms=6000 on=execDetails nth=2");
    let (story, _) = stage.done();
    assert_eq!(story.times(LinkState::Down), 2, "{:?}", story.links);
    stage.script("stall ms=600000 on=tick");
    stage.wait("given up", |story, _| {
        story.was(LinkState::Degraded, SILENT) && story.times(LinkState::Ready) > 1
    });
    stage.rest(&Allow::default());
    stage.end();
}
