//! Flattens: once, bounded, patient.

use crate::common::sample::config;
use crate::common::{A, B, CLOSE, Rig, cents};
use stream::payload::{
    ControlAction, KillLevel, LegRole, LegState, Order, Position, Reason, Refused, RequestWhy,
    Timer, quality,
};
use stream::{FrameId, Kind, Nanos, Qty, Side};

#[test]
fn a_flatten_goes_out_once_and_again_only_after_it_ended() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    rig.control(ControlAction::Flatten, "anna", "enough");
    assert_eq!(rig.kills()[0].to, KillLevel::Flatten);
    let order = rig.one::<Order>();
    assert_eq!(
        (order.side, order.qty, order.reduce_only),
        (Side::Sell, 100, 1)
    );
    assert_eq!((order.limit, order.price_low), (cents(9_950), cents(9_950)));
    assert_eq!(
        (order.price_high, order.reason),
        (cents(10_000), Reason::Operator)
    );
    for _ in 0..3 {
        rig.control(ControlAction::Flatten, "anna", "again");
        assert_eq!((rig.brought(Kind::Kill), rig.brought(Kind::Order)), (0, 0));
        rig.best(A, 9_990, 9_992, 0);
        rig.tick(Timer::Evaluate);
        assert_eq!(rig.brought(Kind::Order), 0);
    }
    rig.status(A, order.origin, LegRole::Flatten, (LegState::Cancelled, 0));
    rig.wait(Nanos::from_secs(5) - Nanos(1));
    rig.tick(Timer::Evaluate);
    assert_eq!(rig.brought(Kind::Order), 0, "not before the pause is over");
    rig.wait(Nanos(1));
    rig.tick(Timer::Evaluate);
    let wider = rig.one::<Order>();
    assert_ne!(wider.origin, order.origin);
    assert_eq!(
        wider.limit,
        cents(9_890),
        "one step wider around the new touch"
    );
    rig.fill(A, wider.origin, LegRole::Flatten, (Side::Sell, 100, 9_985));
    rig.tick(Timer::Housekeeping);
    assert_eq!(
        (rig.stage.position(A), rig.brought(Kind::Order)),
        (Qty(0), 0)
    );
}

#[test]
fn a_flatten_that_was_given_up_is_followed_by_another_and_may_fill_all_the_same() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    rig.control(ControlAction::Flatten, "anna", "enough");
    let lost = rig.one::<Order>();
    rig.requested(A, lost.origin, RequestWhy::GivenUp);
    rig.wait(Nanos::from_secs(5));
    rig.tick(Timer::Evaluate);
    let other = rig.one::<Order>();
    assert_eq!((other.side, other.qty), (Side::Sell, 100));
    rig.fill(A, lost.origin, LegRole::Flatten, (Side::Sell, 100, 9_990));
    assert_eq!(rig.stage.position(A), Qty(0));
    assert_eq!(
        rig.brought(Kind::Fault),
        0,
        "it is explained by its bracket"
    );
    rig.requested(A, other.origin, RequestWhy::GivenUp);
    rig.wait(Nanos::from_secs(5));
    rig.tick(Timer::Evaluate);
    assert_eq!(rig.brought(Kind::Order), 0, "nothing is left to close");
}

#[test]
fn a_flatten_waits_for_a_price_and_then_acts() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Sell);
    rig.best(A, 10_000, 10_002, quality::HALTED);
    rig.control(ControlAction::Flatten, "anna", "enough");
    rig.tick(Timer::Housekeeping);
    rig.best(A, 9_000, 0, quality::ONE_SIDED);
    assert_eq!(rig.brought(Kind::Order), 0);
    rig.best(A, 10_400, 10_402, 0);
    let order = rig.one::<Order>();
    assert_eq!((order.side, order.limit), (Side::Buy, cents(10_455)));
}

#[test]
fn a_wider_envelope_is_bounded() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    rig.control(ControlAction::Flatten, "anna", "enough");
    let order = rig.one::<Order>();
    let mut limits = vec![order.limit];
    for _ in 0..5 {
        rig.requested(A, order.origin, RequestWhy::FlattenBand);
        let wider = rig.one::<Order>();
        assert_eq!((wider.origin, wider.qty), (order.origin, 100));
        limits.push(wider.limit);
    }
    assert_eq!(limits.last(), Some(&cents(9_700)));
    assert!(limits.is_sorted_by(|a, b| a > b));
    rig.requested(A, order.origin, RequestWhy::FlattenBand);
    assert_eq!(rig.one::<Refused>().reason, Reason::PriceCollar);
    // The touch moves away: the widest band follows it.
    rig.best(A, 9_600, 9_602, 0);
    rig.requested(A, order.origin, RequestWhy::FlattenBand);
    assert_eq!(rig.one::<Order>().limit, cents(9_312));
    rig.requested(A, FrameId::new(1, 1), RequestWhy::FlattenBand);
    assert_eq!(rig.one::<Refused>().reason, Reason::BadIntent);
}

#[test]
fn a_position_without_a_stop_is_closed_as_soon_as_it_can_be() {
    let mut rig = Rig::ready();
    let entry = rig.enter(A, Side::Buy);
    rig.best(A, 10_000, 10_002, quality::HALTED);
    rig.requested(A, entry.origin, RequestWhy::Unprotected);
    assert_eq!(rig.one::<Refused>().reason, Reason::BookQuality);
    rig.best(A, 10_000, 10_002, 0);
    assert_eq!(rig.one::<Order>().reason, Reason::Unprotected);
    rig.requested(B, entry.origin, RequestWhy::Unprotected);
    assert_eq!(
        rig.one::<Refused>().reason,
        Reason::BadIntent,
        "nothing is held there"
    );
}

#[test]
fn the_session_ends_flat_even_when_the_deadline_was_not_seen() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    rig.now = CLOSE - Nanos::from_secs(5 * 60) - Nanos(1);
    rig.tick(Timer::Evaluate);
    assert_eq!(rig.brought(Kind::Order), 0);
    let reload = |rig: &mut Rig| rig.reload(config());
    reload(&mut rig);
    rig.define(A, "AAPL", 1);
    rig.best(A, 10_000, 10_002, 0);
    // The loop stalled across the deadline.
    rig.now = CLOSE - Nanos::SECOND;
    rig.best(A, 10_001, 10_003, 0);
    assert_eq!(rig.one::<Order>().reason, Reason::SessionEnd);
}

#[test]
fn what_was_left_over_night_is_closed_in_the_morning() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    rig.best(A, 10_000, 10_002, quality::HALTED);
    rig.now = CLOSE + Nanos::from_secs(60_000);
    rig.session(20_231_115, 1);
    rig.best(A, 9_900, 9_902, 0);
    assert_eq!(rig.one::<Order>().reason, Reason::SessionEnd);
}

#[test]
fn a_flatten_closes_only_what_both_sides_agree_on() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    let broker = |qty| Position {
        qty: Qty(qty),
        ..Position::zeroed()
    };
    rig.input(A, &broker(30));
    rig.control(ControlAction::Flatten, "anna", "enough");
    assert_eq!(rig.one::<Order>().qty, 30);
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    rig.input(A, &broker(-5));
    rig.control(ControlAction::Flatten, "anna", "enough");
    assert_eq!(rig.brought(Kind::Order), 0);
}

#[test]
fn the_flat_deadline_itself_is_late_enough() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Sell);
    rig.now = CLOSE - Nanos::from_secs(5 * 60);
    rig.tick(Timer::Evaluate);
    assert_eq!(rig.one::<Order>().reason, Reason::SessionEnd);
}

#[test]
fn what_others_hold_is_never_closed() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    let none = (FrameId::NONE, LegRole::Entry);
    rig.fill(A, none.0, none.1, (Side::Buy, 7, 10_002));
    rig.tick(Timer::Evaluate);
    assert_eq!(
        (rig.stage.position(A), rig.brought(Kind::Order)),
        (Qty(107), 0),
        "more of it is no lack of protection"
    );
    rig.control(ControlAction::Flatten, "anna", "enough");
    let order = rig.one::<Order>();
    assert_eq!((order.side, order.qty), (Side::Sell, 100), "ours alone");
    rig.fill(A, order.origin, LegRole::Flatten, (Side::Sell, 100, 9_985));
    assert_eq!(rig.stage.position(A), Qty(7));
    rig.wait(Nanos::from_secs(60));
    rig.tick(Timer::Evaluate);
    assert_eq!(rig.brought(Kind::Order), 0, "the rest is theirs");
    // Nothing of ours is held: the level may be left.
    rig.control(ControlAction::Resume, "anna", "flat");
    assert_eq!(rig.kills()[0].to, KillLevel::None);
}

#[test]
fn what_others_closed_is_nobodys_once_a_person_arms() {
    let mut rig = Rig::ready();
    let origin = rig.enter(A, Side::Buy).origin;
    rig.fill(A, FrameId::NONE, LegRole::Entry, (Side::Sell, 7, 10_002));
    rig.fill(A, origin, LegRole::Stop, (Side::Sell, 93, 9_985));
    assert_eq!(rig.stage.position(A), Qty(0));
    rig.control(ControlAction::Arm, "anna", "seen");
    assert!(!rig.stage.is_frozen(A));
    rig.enter(A, Side::Buy);
    rig.control(ControlAction::Flatten, "anna", "enough");
    let order = rig.one::<Order>();
    assert_eq!((order.side, order.qty), (Side::Sell, 100), "all is ours");
}
