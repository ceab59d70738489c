//! What others do in the same account, and positions that nobody explains: faults 19 and 20.

use super::pass::Allow;
use super::stage::{Plan, Stage};
use super::story::Story;
use stream::Nanos;
use stream::payload::{CommandOp, LegRole, LegState, RequestWhy};
use tws::world::{OrderTruth, Truth};

/// Two symbols: what freezes one leaves the other alone.
const PAIR: Plan = Plan {
    symbols: "[\"ALDR\", \"BRKN\"]",
    entries: 3,
    ..Plan::TRIP
};

fn trades(story: &Story, symbol: &str) -> usize {
    story
        .fills
        .iter()
        .filter(|fill| fill.symbol == symbol && !fill.leg.is_none())
        .count()
}

#[test]
fn an_order_that_is_typed_by_hand_freezes_its_symbol_and_is_left_alone() {
    let mut stage = Stage::new(PAIR, "manual symbol=ALDR qty=3 price=1.0");
    stage.start();
    // The other one trades until the order that stays there halts all entries.
    stage.wait("frozen", |story, _| {
        let other = trades(story, "BRKN") > 1 || story.is_halted_by_policy();
        story.frozen.contains("ALDR") && other
    });
    let allow = Allow {
        others: true,
        ..Allow::default()
    };
    let (story, truth) = stage.rest(&allow);
    assert_eq!(trades(&story, "ALDR"), 0);
    assert!(!story.frozen.contains("BRKN"));
    let typed = truth.orders.iter().find(|order| order.client == 0);
    let typed = typed.expect("it is there");
    assert_eq!(typed.status, "Submitted", "nobody touched it");
    stage.end();
}

#[test]
fn a_trade_of_somebody_else_is_booked_and_freezes_its_symbol() {
    let mut stage = Stage::play(PAIR, "");
    stage.wait("ready", |story, _| story.is_ready());
    stage.script("trade symbol=ALDR qty=7");
    stage.wait("frozen", |story, truth| {
        // What is held of our own when it comes is left to its stop and target.
        let ours_ended = !truth.orders.iter().any(is_open_exit);
        story.frozen.contains("ALDR") && ours_ended && story.held("BRKN") == 0
    });
    let allow = Allow {
        others: true,
        ..Allow::default()
    };
    let (story, truth) = stage.rest(&allow);
    let fills = story.fills.iter().filter(|fill| fill.symbol == "ALDR");
    let mut before = 0;
    for fill in fills.take_while(|fill| !fill.leg.is_none()) {
        before += fill.qty;
    }
    // It closed part of a short position that stood when it came, unless its exits were as quick.
    let left = truth.positions.get("ALDR").copied().unwrap_or(0);
    assert!(left == 7 || (left == 0 && before < 0), "{left} {before}");
    assert_eq!(
        story.made(CommandOp::Place, LegRole::Flatten),
        0,
        "never put right by a trade"
    );
    assert!(
        story
            .fills
            .iter()
            .any(|fill| fill.leg.is_none() && fill.qty == 7)
    );
    assert!(!story.frozen.contains("BRKN"));
    stage.end();
}

/// A bracket that is held, and a trade of somebody else of as much as `signed` of its own sign.
fn beside_a_bracket(signed: i64) -> (Stage, i64) {
    let mut stage = Stage::play(Plan::HELD, "");
    stage.wait("protected", |story, _| {
        story.legs_in(LegRole::Stop, LegState::Working) == 1
    });
    let (story, _) = stage.rest(&Allow::default());
    let held = story.held("ALDR");
    let qty = signed * held.signum();
    stage.script(&format!("trade symbol=ALDR qty={qty}"));
    stage.wait("frozen", |story, _| {
        story.frozen.contains("ALDR") && story.held("ALDR") == held + qty
    });
    (stage, held)
}

fn is_open_exit(order: &OrderTruth) -> bool {
    let ours = order.order_ref.starts_with("sp1.") && order.symbol == "ALDR";
    ours && !matches!(order.status.as_str(), "Filled" | "Cancelled" | "Inactive")
}

/// What the open exits would still close, one of each sort.
fn exits(truth: &Truth) -> Vec<i64> {
    let open = truth.orders.iter().filter(|order| is_open_exit(order));
    open.map(|order| i64::from(order.remaining)).collect()
}

#[test]
fn exits_of_what_somebody_else_closed_in_part_shrink_with_it() {
    let (mut stage, held) = beside_a_bracket(-7);
    let left = held.abs() - 7;
    stage.wait("shrunk", |_, truth| exits(truth) == [left, left]);
    let allow = Allow {
        others: true,
        ..Allow::default()
    };
    let (story, _) = stage.rest(&allow);
    assert_eq!(story.made(CommandOp::Place, LegRole::Flatten), 0);
    assert!(!story.requests.contains(&RequestWhy::Unprotected));
    stage.end();
}

#[test]
fn what_somebody_else_adds_to_ours_is_left_alone() {
    let (mut stage, held) = beside_a_bracket(7);
    let (story, _) = stage.wait("frozen", |_, _| true);
    let later = story.now + Nanos::from_secs(5);
    stage.wait("5 s later", |story, _| story.now > later);
    let allow = Allow {
        others: true,
        ..Allow::default()
    };
    let (story, truth) = stage.rest(&allow);
    assert_eq!(exits(&truth), [held.abs(); 2]);
    for role in [LegRole::Stop, LegRole::Target, LegRole::Flatten] {
        assert_eq!(story.made(CommandOp::Modify, role), 0);
    }
    assert!(!story.requests.contains(&RequestWhy::Unprotected));
    stage.end();
}

#[test]
fn a_position_that_is_there_at_the_start_is_nobodys_to_trade() {
    let early = "[[fault]]\ndo = \"trade\"\nsymbol = \"ALDR\"\nqty = 40\nat = \"2s\"\n";
    let mut stage = Stage::new(PAIR, early);
    stage.wait("held", |_, truth| !truth.positions.is_empty());
    stage.start();
    stage.wait("frozen", |story, _| {
        story.frozen.contains("ALDR") && trades(story, "BRKN") > 1
    });
    let allow = Allow {
        before: [("ALDR".to_owned(), 40)].into(),
        ..Allow::default()
    };
    let (story, _) = stage.rest(&allow);
    assert_eq!(trades(&story, "ALDR"), 0);
    assert!(!story.frozen.contains("BRKN"));
    stage.end();
}

#[test]
fn a_position_that_is_gone_at_a_restart_is_told_and_not_traded() {
    let mut stage = Stage::play(Plan::HELD, "");
    stage.wait("protected", |story, _| {
        story.legs_in(LegRole::Stop, LegState::Working) == 1
    });
    let (story, _) = stage.rest(&Allow::default());
    let held = story.held("ALDR");
    stage.kill();
    stage.script(&format!("transfer symbol=ALDR qty={}", -held));
    stage.start();
    stage.wait("frozen", |story, _| {
        story.frozen.contains("ALDR") && story.is_halted_by_policy()
    });
    let allow = Allow {
        transfers: [("ALDR".to_owned(), -held)].into(),
        ..Allow::default()
    };
    let (after, _) = stage.rest(&allow);
    assert_eq!(
        after.fills.len(),
        story.fills.len(),
        "no trade puts it right"
    );
    assert_eq!(after.made(CommandOp::Place, LegRole::Flatten), 0);
    stage.end();
}
