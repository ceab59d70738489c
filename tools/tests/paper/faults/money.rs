//! Fees and executions that come late, twice, never or otherwise: faults 10, 11 and 18. The pass
//! line holds cash, fees and profit to the last place.

use super::pass::Allow;
use super::stage::{Plan, Stage};
use stream::payload::{LegRole, LegState};

#[test]
fn fees_that_are_late_missing_doubled_or_unset_are_right_in_the_end() {
    // The first one is told as it comes; later ones may be those of a list.
    let script = "[[fault]]\ndo = \"unset\"\non = \"commissionReport\"\n\
                  [[fault]]\ndo = \"delay\"\nms = 30000\non = \"commissionReport\"\n\
                  [[fault]]\ndo = \"drop\"\non = \"commissionReport\"\n\
                  [[fault]]\ndo = \"duplicate\"\ncopies = 2\non = \"commissionReport\"\n";
    // An entry of which the market leaves a part behind is no trip.
    let mut stage = Stage::play(Plan::trips(6), script);
    stage.wait("trips", |story, truth| {
        let filled = story.legs_in(LegRole::Entry, LegState::Filled);
        truth.faults_waiting == 0 && filled >= 2 && truth.positions.is_empty()
    });
    stage.rest(&Allow::default());
    stage.end();
}

#[test]
fn an_execution_that_is_told_three_times_counts_once() {
    let script = "[[fault]]\ndo = \"duplicate\"\ncopies = 2\non = \"execDetails\"\ntimes = 100\n";
    let mut stage = Stage::play(Plan::trips(6), script);
    stage.wait("trips", |story, truth| {
        story.legs_in(LegRole::Entry, LegState::Filled) >= 2 && truth.positions.is_empty()
    });
    stage.rest(&Allow::default());
    stage.end();
}

#[test]
fn a_correction_and_a_bust_are_booked_and_freeze_the_symbol() {
    let mut stage = Stage::play(Plan::HELD, "");
    stage.wait("protected", |story, _| {
        story.legs_in(LegRole::Stop, LegState::Working) == 1
    });
    stage.rest(&Allow::default());
    stage.script("correct by=0.05");
    stage.wait("corrected", |story, _| {
        story.fills.iter().any(|fill| fill.back)
    });
    let (story, _) = stage.rest(&Allow::default());
    assert!(story.frozen.contains("ALDR"));
    stage.script("bust");
    stage.wait("busted", |story, _| {
        story.fills.iter().filter(|fill| fill.back).count() >= 2
    });
    let (story, _) = stage.rest(&Allow::default());
    assert!(story.fills.len() >= 4, "{:?}", story.fills);
    stage.end();
}
