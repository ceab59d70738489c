//! What others do in the same account, and positions that nobody explains: faults 19 and 20.

use super::pass::Allow;
use super::stage::{Plan, Stage};
use super::story::Story;
use stream::payload::{CommandOp, LegRole, LegState};

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
    stage.wait("frozen", |story, _| {
        // What is held of our own when it comes is left to its stop and target.
        story.frozen.contains("ALDR") && story.held("ALDR") == 7 && story.held("BRKN") == 0
    });
    let allow = Allow {
        others: true,
        ..Allow::default()
    };
    let (story, truth) = stage.rest(&allow);
    assert_eq!(
        truth.positions.get("ALDR"),
        Some(&7),
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
