//! What is said of orders is late, doubled, out of order, missing or wrong: faults 8, 9, 12 to 17.

use super::pass::Allow;
use super::stage::{Plan, Stage};
use super::story::Story;
use std::collections::BTreeMap;
use stream::Nanos;
use stream::payload::{CommandOp, LegRole, LegState, LinkState, RequestWhy};
use tws::world::Truth;

fn flat(truth: &Truth) -> bool {
    truth.positions.is_empty()
}

/// One fault for each message of that kind with that probability.
fn chaos(kinds: &[&str]) -> String {
    let mut script = String::from("seed = 7\n");
    for kind in kinds {
        for (word, chance) in [
            ("drop", 0.2),
            ("delay\"\nms = 2500 #", 0.2),
            ("duplicate\"\ncopies = 2 #", 0.2),
            ("swap", 0.2),
        ] {
            let word = word.trim_end_matches('#');
            let tail = if word.contains('\n') { "" } else { "\"" };
            script.push_str(&format!(
                "[[fault]]\ndo = \"{word}{tail}\non = \"{kind}\"\ntimes = 1000000\n\
                 chance = {chance}\n"
            ));
        }
    }
    script
}

/// Trips under a script that never ends; then it ends, and what is still late is waited for.
fn trips_under(script: &str) {
    // More than are waited for: an entry of which the market leaves a part behind is no trip.
    let mut stage = Stage::play(Plan::trips(12), script);
    // An execution that is reported and does not come for long freezes the symbol, or halts.
    stage.wait("trips", |story, truth| {
        let filled = story.legs_in(LegRole::Entry, LegState::Filled);
        let shut = story.frozen.contains("ALDR") || story.is_halted_by_policy();
        (filled >= 5 || (filled > 0 && shut)) && flat(truth)
    });
    stage.script("clear");
    let (story, _) = stage.rest(&Allow::default());
    assert_eq!(story.legs_in(LegRole::Stop, LegState::Unknown), 0);
    stage.end();
}

#[test]
fn statuses_that_are_late_doubled_out_of_order_or_missing_change_nothing() {
    trips_under(&chaos(&["orderStatus", "openOrder"]));
}

#[test]
fn executions_that_are_late_doubled_out_of_order_or_missing_are_booked_once() {
    trips_under(&chaos(&["execDetails", "commissionReport"]));
}

#[test]
fn an_order_that_fills_behind_its_cancel_is_booked_and_protected_or_closed() {
    let mut stage = Stage::play(Plan::RESTING, "fill_after_cancel ms=700");
    let (story, _) = stage.wait("it fills", |story, truth| {
        truth.faults_waiting == 0 && !story.fills.is_empty()
    });
    assert!(
        story.legs_in(LegRole::Entry, LegState::Cancelled) > 0,
        "{:?}",
        story.legs
    );
    stage.rest(&Allow::default());
    stage.end();
}

#[test]
fn what_filled_of_an_order_whose_rest_is_rejected_is_protected() {
    let mut stage = Stage::play(Plan::HELD, "partial_then_reject");
    stage.wait("it fills", |story, truth| {
        truth.faults_waiting == 0 && !story.fills.is_empty()
    });
    let (story, truth) = stage.rest(&Allow::default());
    let entry = truth.orders.iter().find(|order| order.parent_id == 0);
    let entry = entry.expect("an entry");
    assert_eq!(entry.status, "Inactive");
    assert!(0 < entry.filled && entry.filled < entry.quantity);
    assert!(story.codes.contains(&201), "{:?}", story.codes);
    stage.end();
}

#[test]
fn a_stop_that_is_rejected_is_placed_again() {
    let mut stage = Stage::play(Plan::HELD, "reject_child");
    stage.done();
    let (story, truth) = stage.rest(&Allow::default());
    assert!(!flat(&truth), "it is protected, not closed");
    assert_eq!(story.legs_in(LegRole::Stop, LegState::Rejected), 1);
    assert_eq!(story.legs_in(LegRole::Stop, LegState::Working), 1);
    stage.end();
}

#[test]
fn a_position_whose_stop_is_rejected_twice_is_closed() {
    // The stop, the target, and what is placed in the stop's stead.
    let twice = "[[fault]]\ndo = \"reject_child\"\n\
                 [[fault]]\ndo = \"reject\"\non = \"error\"\nstatus = 201\ntimes = 2\n";
    let mut stage = Stage::play(Plan::HELD, twice);
    stage.wait("both", |story, truth| {
        let rejected = story.legs_in(LegRole::Stop, LegState::Rejected);
        truth.faults_waiting == 0 && rejected == 2
    });
    let (story, truth) = stage.rest(&Allow::default());
    let entry = &truth.orders[0];
    if entry.filled > 0 {
        assert!(flat(&truth), "{:?}", truth.positions);
        assert!(story.requests.contains(&RequestWhy::Unprotected));
    } else {
        assert_eq!(
            entry.status, "Cancelled",
            "without a stop it does not go on"
        );
    }
    stage.end();
}

#[test]
fn stop_and_target_that_both_fill_are_made_good() {
    let mut stage = Stage::play(Plan::TRIP, "race");
    stage.done();
    let (story, truth) = stage.rest(&Allow::default());
    assert!(flat(&truth), "{:?}", truth.positions);
    assert_eq!(story.legs_in(LegRole::Stop, LegState::Filled), 1);
    assert_eq!(story.legs_in(LegRole::Target, LegState::Filled), 1);
    assert!(story.requests.contains(&RequestWhy::Unprotected));
    assert!(story.made(CommandOp::Place, LegRole::Flatten) > 0);
    stage.end();
}

#[test]
fn a_time_in_force_that_is_rewritten_is_told() {
    let mut stage = Stage::play(Plan::HELD, "rewrite_tif");
    stage.done();
    let (story, _) = stage.rest(&Allow::default());
    assert!(story.data_codes.contains(&10_349), "{:?}", story.data_codes);
    assert!(stage.said().contains("10349"), "{}", stage.said());
    stage.end();
}

#[test]
fn a_change_that_leaves_two_orders_alive_is_seen_and_both_are_ended() {
    let moving = Plan {
        follow_percent: "0.5",
        ..Plan::HELD
    };
    let mut stage = Stage::play(moving, "twin");
    stage.wait("frozen", |story, truth| {
        truth.faults_waiting == 0 && story.frozen.contains("ALDR")
    });
    let allow = Allow {
        twins: true,
        ..Allow::default()
    };
    stage.wait("closed", |_, truth| flat(truth));
    let (_, truth) = stage.rest(&allow);
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for order in &truth.orders {
        *numbers.entry(&order.order_ref).or_default() += 1;
    }
    assert!(numbers.values().any(|count| *count == 2), "{numbers:?}");
    stage.end();
}

#[test]
fn numbers_that_the_broker_rolls_back_are_never_used_again() {
    // An entry of which the market leaves a part behind is no trip.
    let mut stage = Stage::play(Plan::trips(6), "");
    let trips = |story: &Story| story.legs_in(LegRole::Entry, LegState::Filled);
    stage.wait("a trip", |story, truth| trips(story) > 0 && flat(truth));
    stage.script("roll_back client=17 to=1");
    stage.script("reset");
    stage.wait("back", |story, _| story.times(LinkState::Ready) > 1);
    stage.wait("another", |story, truth| trips(story) > 1 && flat(truth));
    stage.rest(&Allow::default());
    let truth = stage.truth();
    let ids: Vec<i32> = truth.orders.iter().map(|order| order.order_id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    stage.end();
}

#[test]
fn a_number_that_was_used_before_is_unknown_looked_up_and_moved_on_from() {
    let many = Plan {
        entries: 40,
        ..Plan::RESTING
    };
    let mut stage = Stage::play(many, "");
    // Orders that ended come back without their numbers: a new engine cannot know them.
    stage.wait("entries", |story, _| {
        story.legs_in(LegRole::Entry, LegState::Cancelled) >= 4
    });
    // An order that is still open would tell the number that it has.
    stage.disarm();
    stage.wait("nothing is open", |_, truth| truth.orders_live == 0);
    stage.kill();
    stage.script("roll_back client=17 to=1");
    stage.start();
    let (story, _) = stage.wait("entries again", |story, _| {
        let refused = [103, 161, 105, 135]
            .iter()
            .any(|code| story.codes.contains(code));
        refused && story.legs_in(LegRole::Entry, LegState::Cancelled) >= 12
    });
    assert_eq!(story.restarts.len(), 3);
    stage.disarm();
    stage.rest(&Allow::default());
    stage.end();
}

#[test]
fn a_position_that_is_told_before_an_execution_and_weighed_behind_it_freezes_nothing() {
    let mut stage = Stage::play(
        Plan {
            more: "reconcile_every = \"600s\"\n[risk]\nposition_grace = \"1s\"\n",
            ..Plan::HELD
        },
        "",
    );
    stage.wait("held and protected", |story, _| {
        story.held("ALDR") != 0 && story.legs_in(LegRole::Stop, LegState::Working) == 1
    });
    // Read anew, the position is told as it is, and what protects it fills right behind; the round
    // waits for the account's values, which come later than the execution, this time and the next.
    stage.script("delay ms=4000 times=9 on=accountSummaryEnd");
    stage.script("fill on=position");
    stage.script("reset");
    let (ended, _) = stage.wait("sold, and the link is ready", |story, _| {
        story.held("ALDR") == 0 && story.is_ready()
    });
    let grace_is_over = ended.now + Nanos::from_secs(30);
    let (story, _) = stage.wait("thirty seconds", |story, _| story.now > grace_is_over);
    assert_eq!(
        story.crossed, 0,
        "what was old when it could be told is not told"
    );
    assert!(story.frozen.is_empty(), "{:?}", story.freezes);
    stage.script("clear");
    stage.rest(&Allow::default());
    stage.end();
}

#[test]
fn a_position_that_passes_an_execution_on_its_way_freezes_nothing() {
    // Positions are told two seconds late, at each of many connections, while trips begin and end.
    // A difference lasts half a minute before it freezes: time to ask twice, and no time for the
    // next comparison.
    let late = |kind: &str| format!("[[fault]]\ndo = \"delay\"\nms = 2000\non = \"{kind}\"\n");
    let script = ["position", "positionEnd"].map(|kind| late(kind) + "times = 1000000\n");
    let resets = "[[fault]]\ndo = \"reset\"\nat = \"20s\"\nevery = \"12s\"\n";
    let mut stage = Stage::play(
        Plan {
            entries: 400,
            more: "reconcile_every = \"600s\"\n[risk]\nposition_grace = \"30s\"\n",
            ..Plan::TRIP
        },
        &format!("{}{resets}", script.concat()),
    );
    let (story, _) = stage.wait("many connections and trades", |story, _| {
        let enough = story.times(LinkState::Ready) >= 16 && story.fills.len() > 20;
        enough || story.is_halted_by_policy()
    });
    // Every trip is of one quantity: the same figures come again, and are no lasting difference.
    assert!(!story.is_halted_by_policy(), "{}", stage.said());
    stage.script("clear");
    stage.disarm();
    let (story, _) = stage.rest(&Allow::default());
    assert!(story.frozen.is_empty(), "{:?}", story.freezes);
    stage.end();
}
