//! Latches, sessions, starts, the broker.

use crate::common::sample::{config, dollars};
use crate::common::{A, B, Rig, refused};
use stream::payload::{
    Borrow, BorrowState, ControlAction, Fault, KillLevel, LegRole, LinkState, Order, Position,
    Reason, Refused, Timer,
};
use stream::{Kind, Money, Nanos, Qty, Side, Stage};

#[test]
fn a_restart_disarms_and_forgets_the_link() {
    let mut rig = Rig::ready();
    rig.start(true);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Disarmed);
    rig.control(ControlAction::Arm, "", "");
    assert_eq!(rig.one::<Refused>().reason, Reason::Disarmed);
    rig.control(ControlAction::Arm, "policy", "");
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Link);
    for state in [LinkState::Down, LinkState::Connected, LinkState::Degraded] {
        rig.link(state);
        assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Link);
    }
    rig.link(LinkState::Ready);
    rig.wish(A, Side::Buy).expect("armed and linked");
    rig.control(ControlAction::Disarm, "anna", "");
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Disarmed);
}

#[test]
fn what_the_broker_does_not_lend_is_not_sold_short() {
    let mut rig = Rig::ready();
    let lend = |rig: &mut Rig, state, shares| {
        let borrow = Borrow {
            shares,
            state,
            ..Borrow::zeroed()
        };
        rig.input(A, &borrow);
    };
    lend(&mut rig, BorrowState::Unknown, 0);
    assert_eq!(refused(rig.wish(A, Side::Sell)), Reason::Borrow);
    lend(&mut rig, BorrowState::Available, 1);
    assert_eq!(refused(rig.wish(A, Side::Sell)), Reason::Borrow);
    let said = rig.one::<Refused>();
    assert_eq!(said.limit, 1, "so many there are");
    assert!(said.observed > 1, "so many were wanted");
    lend(&mut rig, BorrowState::Available, 1_000_000);
    rig.wish(A, Side::Sell).expect("there are enough");
    lend(&mut rig, BorrowState::Unavailable, 0);
    assert_eq!(refused(rig.wish(A, Side::Sell)), Reason::Borrow);
    rig.wish(B, Side::Sell).expect("nobody speaks of that one");
}

#[test]
fn the_loss_limit_warns_reduces_and_latches_once_each() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    rig.fee(A, 1, Money(0));
    // Each cent is a dollar; the limit is 2,000.
    rig.best(A, 9_003, 9_005, 0);
    assert_eq!(rig.brought(Kind::Kill), 0);
    rig.best(A, 9_002, 9_004, 0);
    let warning = rig.kills()[0];
    assert_eq!(
        (warning.from, warning.to),
        (KillLevel::None, KillLevel::None)
    );
    assert_eq!((warning.reason, warning.latched), (Reason::DailyLoss, 0));
    assert_eq!(
        (warning.limit, warning.observed),
        (dollars(2_000).0, dollars(1_000).0)
    );
    rig.best(A, 9_500, 9_502, 0);
    rig.best(A, 9_002, 9_004, 0);
    assert_eq!(rig.brought(Kind::Kill), 0, "warned once");
    rig.best(A, 8_402, 8_404, 0);
    assert_eq!(rig.kills()[0].to, KillLevel::Pause);
    assert_eq!(rig.brought(Kind::Order), 0);
    rig.best(A, 8_203, 8_205, 0);
    assert_eq!(rig.brought(Kind::Kill), 0);
    rig.best(A, 8_002, 8_004, 0);
    let latch = rig.kills()[0];
    assert_eq!(
        (latch.from, latch.to),
        (KillLevel::Pause, KillLevel::Flatten)
    );
    let exit = rig.one::<Order>();
    assert_eq!((exit.reason, exit.reduce_only), (Reason::DailyLoss, 1));
    rig.fill(A, exit.origin, LegRole::Flatten, (Side::Sell, 100, 9_990));
    assert_eq!(rig.brought(Kind::Order), 0, "exactly one flatten");
    assert_eq!(rig.stage.position(A), Qty(0));
    rig.wait(Nanos::from_secs(600));
    rig.control(ControlAction::Resume, "anna", "it was nothing");
    assert_eq!(rig.one::<Refused>().reason, Reason::DailyLoss);
    assert_eq!(rig.stage.kill_level(), KillLevel::Flatten);
}

#[test]
fn a_restart_keeps_the_loss_and_its_latch() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    rig.best(A, 8_042, 8_044, 0);
    let before = rig.stage.day();
    rig.reload(config());
    assert_eq!(rig.stage.day(), before);
    assert_eq!(rig.stage.kill_level(), KillLevel::Pause);
    rig.start(true);
    rig.define(A, "AAPL", 1);
    rig.session(20_231_114, 0);
    assert_eq!(rig.stage.day(), before, "the same date starts nothing anew");
    rig.best(A, 8_001, 8_003, 0);
    assert_eq!(rig.kills()[0].to, KillLevel::Flatten);
    assert_eq!(rig.brought(Kind::Order), 1, "disarmed or not");
}

#[test]
fn what_a_start_brings_holds_for_a_state_that_is_loaded_behind_it() {
    for disarmed in [false, true] {
        let mut rig = Rig::ready();
        rig.control(ControlAction::Kill, "anna", "enough");
        rig.control(ControlAction::Halt, "journal", "full");
        let mut saved = Vec::new();
        rig.stage.save(&mut saved);
        let mut rig = Rig::bare(config());
        rig.start(disarmed);
        rig.stage.load(&saved).expect("it was saved");
        assert_eq!(rig.stage.is_armed(), !disarmed);
        assert_eq!(rig.stage.kill_level(), KillLevel::Kill, "the latch holds");
        rig.wait(Nanos::from_secs(600));
        rig.control(ControlAction::Resume, "anna", "a new day");
        assert_eq!(
            rig.stage.kill_level(),
            KillLevel::None,
            "nothing is cut any more"
        );
    }
}

#[test]
fn a_new_date_lifts_the_loss_and_not_the_operator() {
    let mut rig = Rig::ready();
    let order = rig.enter(A, Side::Buy);
    rig.fill(A, order.origin, LegRole::Stop, (Side::Sell, 100, 8_000));
    assert_eq!(rig.stage.kill_level(), KillLevel::Flatten);
    rig.control(ControlAction::Halt, "anna", "look at this");
    rig.reload(config());
    rig.session(20_231_113, 1);
    assert_eq!(
        rig.brought(Kind::Fault),
        1,
        "a date from the past is not believed"
    );
    rig.session(20_231_115, 1);
    assert_eq!(rig.kills()[0].to, KillLevel::Halt);
    assert_eq!(rig.stage.day(), Money(0));
}

#[test]
fn a_resume_needs_a_person_a_cause_and_a_pause() {
    let mut rig = Rig::ready();
    rig.control(ControlAction::Pause, "anna", "coffee");
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::KillLevel);
    rig.wait(Nanos::from_secs(60) - Nanos(1));
    rig.control(ControlAction::Resume, "anna", "back");
    assert_eq!(rig.brought(Kind::Refused), 1, "too soon");
    rig.wait(Nanos(1));
    for (by, cause) in [
        ("", "back"),
        ("policy", "back"),
        ("engine", "x"),
        ("anna", " "),
    ] {
        rig.control(ControlAction::Resume, by, cause);
        assert_eq!(
            (rig.brought(Kind::Refused), rig.brought(Kind::Kill)),
            (1, 0)
        );
    }
    rig.control(ControlAction::Resume, "anna", "back");
    assert_eq!(rig.kills()[0].to, KillLevel::None);
    rig.view(A, 10_000, 10_002, 0);
    rig.equity(dollars(100_000));
    rig.wish(A, Side::Buy).expect("open again");
}

#[test]
fn a_broken_journal_latches_in_its_own_name() {
    let mut rig = Rig::ready();
    rig.control(ControlAction::Halt, "journal", "no space left");
    assert_eq!(
        (rig.kills()[0].to, rig.kills()[0].reason),
        (KillLevel::Halt, Reason::Journal)
    );
    rig.wait(Nanos::from_secs(3_600));
    rig.control(ControlAction::Resume, "anna", "please");
    assert_eq!(rig.one::<Refused>().reason, Reason::Journal);
}

#[test]
fn a_position_that_differs_is_frozen_and_never_traded_right() {
    let broker = |qty, fraction| Position {
        qty: Qty(qty),
        fraction,
        ..Position::zeroed()
    };
    let mut rig = Rig::ready();
    rig.input(A, &broker(40, 0));
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Frozen);
    rig.input(A, &broker(0, 0));
    rig.wish(A, Side::Buy)
        .expect("the execution and the position crossed on their way");
    rig.input(A, &broker(40, 0));
    rig.wait(Nanos::from_secs(5) - Nanos(1));
    rig.tick(Timer::Housekeeping);
    assert_eq!(rig.brought(Kind::Fault), 0);
    rig.wait(Nanos(1));
    rig.tick(Timer::Housekeeping);
    assert_eq!(rig.one::<Fault>().value, 40);
    assert_eq!(rig.brought(Kind::Order), 0);
    rig.input(A, &broker(0, 0));
    assert!(rig.stage.is_frozen(A), "frozen until a person has looked");
    rig.control(ControlAction::Arm, "policy", "");
    assert!(rig.stage.is_frozen(A));
    rig.control(ControlAction::Arm, "anna", "sold by hand");
    assert!(!rig.stage.is_frozen(A));
    rig.input(B, &broker(0, 1));
    assert_eq!(rig.brought(Kind::Fault), 1);
    rig.control(ControlAction::Arm, "anna", "");
    assert!(rig.stage.is_frozen(B), "a fraction is never traded");
}

#[test]
fn a_difference_that_was_told_before_the_link_was_lost_has_its_whole_time_again() {
    let mut rig = Rig::ready();
    let broker = |qty| Position {
        qty: Qty(qty),
        ..Position::zeroed()
    };
    rig.input(A, &broker(40));
    rig.wait(Nanos::from_secs(4));
    rig.link(LinkState::Down);
    rig.wait(Nanos::from_secs(3_600));
    rig.tick(Timer::Housekeeping);
    assert_eq!(rig.brought(Kind::Fault), 0);
    rig.link(LinkState::Connected);
    rig.link(LinkState::Ready);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Frozen);
    rig.wait(Nanos::from_secs(5) - Nanos(1));
    rig.link(LinkState::Ready);
    rig.tick(Timer::Housekeeping);
    assert_eq!(rig.brought(Kind::Fault), 0);
    rig.wait(Nanos(1));
    rig.tick(Timer::Housekeeping);
    assert_eq!(rig.one::<Fault>().value, 40);
}

#[test]
fn the_brokers_word_is_out_of_date_after_an_execution() {
    let mut rig = Rig::ready();
    let broker = |qty| Position {
        qty: Qty(qty),
        ..Position::zeroed()
    };
    rig.input(A, &broker(0));
    let order = rig.wish(A, Side::Buy).expect("agreed");
    // The broker's position runs ahead of the execution.
    rig.input(A, &broker(100));
    assert!(rig.stage.is_frozen(A));
    rig.fill(A, order.origin, LegRole::Entry, (Side::Buy, 100, 10_002));
    assert!(!rig.stage.is_frozen(A));
    rig.wait(Nanos::from_secs(60));
    rig.tick(Timer::Housekeeping);
    assert!(!rig.stage.is_frozen(A));
}
