//! Executions and fees to positions, profit and round trips.

use crate::common::sample::{config, dollars};
use crate::common::{A, B, Rig, cents, refused};
use stream::payload::{KillLevel, LegRole, Order, Reason, Timer, quality, text};
use stream::{FrameId, InstrumentId, Kind, Money, Nanos, Price, Qty, Side};

const ENTRY: LegRole = LegRole::Entry;

#[test]
fn an_execution_counts_once_and_so_does_its_fee() {
    let mut rig = Rig::ready();
    let order = rig.wish(A, Side::Buy).expect("permitted");
    for round in 0..3 {
        rig.fill_as(77, A, order.origin, ENTRY, (Side::Buy, 100, 10_002));
        assert_eq!(rig.brought(Kind::Pnl), usize::from(round == 0));
        assert_eq!(rig.stage.position(A), Qty(100));
    }
    for round in 0..3 {
        rig.fee(A, 77, dollars(1));
        assert_eq!(rig.brought(Kind::Pnl), usize::from(round == 0));
    }
    // Marked at the bid: 2 cents a share.
    assert_eq!(rig.stage.day(), Money(-3 * stream::units::SCALE));
}

#[test]
fn a_pnl_frame_tells_position_and_account() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    let pnl = rig.pnl();
    assert_eq!(
        (pnl.position, pnl.average, pnl.mark),
        (Qty(100), cents(10_002), cents(10_000))
    );
    assert_eq!(
        (pnl.realised, pnl.unrealised, pnl.fees),
        (Money(0), -dollars(2), Money(0))
    );
    assert_eq!(
        (pnl.day, pnl.equity, pnl.gross),
        (-dollars(2), dollars(100_000), dollars(10_000))
    );
    assert_eq!((pnl.fills, pnl.fees_awaited), (1, 1));
    rig.best(A, 10_010, 10_012, 0);
    assert_eq!(rig.brought(Kind::Pnl), 0);
    rig.tick(Timer::Housekeeping);
    assert_eq!(rig.pnl().unrealised, dollars(8));
    rig.tick(Timer::Housekeeping);
    assert_eq!(rig.brought(Kind::Pnl), 0, "nothing changed");
}

#[test]
fn marks_survive_an_empty_side_and_a_crossed_book() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    rig.best(A, 0, 10_002, quality::ONE_SIDED);
    rig.best(A, 20_000, 10_002, quality::CROSSED);
    rig.best(A, 1, 10_002, quality::GAPPED);
    rig.tick(Timer::Housekeeping);
    assert_eq!(rig.stage.day(), -dollars(2));
}

#[test]
fn closing_a_position_leaves_the_marks_of_both_sides_alone() {
    let mut rig = Rig::ready();
    let order = rig.enter(A, Side::Buy);
    rig.fill(A, order.origin, LegRole::Target, (Side::Sell, 100, 10_102));
    let order = rig.enter(A, Side::Sell);
    assert_eq!(
        rig.pnl().mark,
        cents(10_002),
        "not the price of an execution"
    );
    assert_eq!(order.side, Side::Sell);
}

#[test]
fn a_round_trip_waits_for_its_fees() {
    let mut rig = Rig::ready();
    let order = rig.enter(A, Side::Buy);
    rig.wait(Nanos::SECOND);
    rig.fill(A, order.origin, LegRole::Target, (Side::Sell, 40, 10_102));
    rig.fill(A, order.origin, LegRole::Target, (Side::Sell, 60, 10_105));
    assert_eq!(rig.brought(Kind::RoundTrip), 0);
    rig.fee(A, 2, dollars(1));
    rig.fee(A, 1, dollars(1));
    assert_eq!(rig.brought(Kind::RoundTrip), 0);
    rig.fee(A, 3, Money(-stream::units::SCALE / 2));
    let trip = rig.trip();
    assert_eq!((trip.origin, trip.signal), (order.origin, order.signal));
    assert_eq!((trip.qty, trip.side, trip.strategy), (100, Side::Buy, 3));
    assert_eq!(trip.exit_role, LegRole::Target);
    assert_eq!(
        (trip.entry, trip.exit),
        (cents(10_002), Price(101_038_000_000))
    );
    assert_eq!(
        (trip.gross.0, trip.fees.0),
        (101_800_000_000, 1_500_000_000)
    );
    assert_eq!((trip.risk, trip.fees_missing), (dollars(50), 0));
    assert_eq!(trip.closed.0 - trip.opened.0, 1_000_000_000);
}

#[test]
fn a_fee_that_never_comes_is_flagged_and_one_that_comes_late_still_counts() {
    let mut rig = Rig::ready();
    let order = rig.enter(A, Side::Buy);
    let exit = rig.fill(A, order.origin, LegRole::Stop, (Side::Sell, 100, 9_952));
    rig.fee(A, 1, dollars(1));
    rig.wait(Nanos::from_secs(60) - Nanos(1));
    rig.tick(Timer::Housekeeping);
    assert_eq!(rig.brought(Kind::RoundTrip), 0);
    rig.wait(Nanos(1));
    rig.tick(Timer::Housekeeping);
    let trip = rig.trip();
    assert_eq!((trip.fees, trip.fees_missing), (dollars(1), 1));
    rig.fee(A, exit, dollars(2));
    assert_eq!(rig.brought(Kind::RoundTrip), 0);
    assert_eq!(rig.pnl().fees, dollars(3));
}

#[test]
fn a_fee_may_come_before_its_execution() {
    let mut rig = Rig::ready();
    let order = rig.wish(A, Side::Buy).expect("permitted");
    rig.fee(A, 501, dollars(1));
    assert_eq!(rig.pnl().fees, dollars(1));
    rig.fill_as(501, A, order.origin, ENTRY, (Side::Buy, 100, 10_002));
    rig.fee(A, 501, dollars(1));
    assert_eq!(rig.brought(Kind::Pnl), 0, "it was counted already");
    rig.fee(A, 502, dollars(1));
    rig.fill_as(
        502,
        A,
        order.origin,
        LegRole::Target,
        (Side::Sell, 100, 10_102),
    );
    assert_eq!(rig.trip().fees, dollars(2));
}

#[test]
fn fees_that_cannot_be_believed_are_faults() {
    for (fee, currency) in [
        (Money::MAX, "USD"),
        (Money::MIN, "USD"),
        (dollars(1), "EUR"),
    ] {
        let mut rig = Rig::ready();
        rig.enter(A, Side::Buy);
        let commission = stream::payload::Commission {
            exec_id: 1,
            origin: FrameId::NONE,
            fee,
            currency: text(currency),
            spare: [0; 4],
        };
        rig.input(A, &commission);
        assert_eq!(
            (rig.brought(Kind::Fault), rig.stage.day()),
            (1, -dollars(2))
        );
        assert!(rig.stage.is_frozen(A));
    }
}

#[test]
fn a_late_fee_and_an_estimate_count_towards_the_limit() {
    let mut tight = config();
    tight.loss_max = dollars(3);
    let mut rig = Rig::with(tight);
    // 2.00 by the spread, and 0.50 estimated for the fee.
    rig.enter(A, Side::Buy);
    assert_eq!(rig.kills()[0].to, KillLevel::Pause, "2.50 of 3.00");
    rig.fee(A, 1, dollars(1));
    assert_eq!(rig.kills()[0].to, KillLevel::Flatten, "exactly 3.00");
    assert_eq!(rig.brought(Kind::Order), 1);
}

#[test]
fn unknown_fills_are_booked_frozen_and_shown() {
    let mut rig = Rig::ready();
    rig.fill(A, FrameId::new(9, 9), ENTRY, (Side::Buy, 7, 10_002));
    assert_eq!(
        (rig.stage.position(A), rig.brought(Kind::Fault)),
        (Qty(7), 1)
    );
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Frozen);
    rig.wish(B, Side::Buy).expect("other instruments go on");
    // Overfilled, and on the wrong side.
    let mut rig = Rig::ready();
    let order = rig.enter(A, Side::Buy);
    rig.fill(A, order.origin, ENTRY, (Side::Buy, 1, 10_002));
    assert_eq!(rig.brought(Kind::Fault), 1);
    let mut rig = Rig::ready();
    let order = rig.wish(A, Side::Buy).expect("permitted");
    rig.fill(A, order.origin, ENTRY, (Side::Sell, 1, 10_002));
    assert!(rig.stage.is_frozen(A));
}

#[test]
fn both_exits_of_a_pair_filling_is_found_and_closed() {
    let mut rig = Rig::ready();
    let order = rig.enter(A, Side::Buy);
    rig.fill(A, order.origin, LegRole::Target, (Side::Sell, 100, 10_102));
    rig.fill(A, order.origin, LegRole::Stop, (Side::Sell, 100, 9_952));
    assert_eq!(
        (rig.stage.position(A), rig.brought(Kind::Fault)),
        (Qty(-100), 1)
    );
    rig.best(A, 9_950, 9_952, 0);
    let exit = rig.one::<Order>();
    assert_eq!(
        (exit.side, exit.qty, exit.reason),
        (Side::Buy, 100, Reason::Unprotected)
    );
}

#[test]
fn unbelievable_fills_are_faults_and_change_nothing() {
    let mut rig = Rig::ready();
    let order = rig.wish(A, Side::Buy).expect("permitted");
    for (side, qty, price) in [
        (Side::None, 1, 10_000),
        (Side::Buy, 0, 10_000),
        (Side::Buy, u32::MAX, 10_000),
        (Side::Buy, 1, 0),
        (Side::Buy, 1, -1),
        (Side::Buy, 1, i64::MAX / 10_000_000),
    ] {
        rig.fill(A, order.origin, ENTRY, (side, qty, price));
        assert_eq!((rig.stage.position(A), rig.brought(Kind::Pnl)), (Qty(0), 0));
        assert!(rig.stage.is_frozen(A));
    }
    rig.fill(InstrumentId(0), order.origin, ENTRY, (Side::Buy, 1, 10_000));
    assert_eq!(rig.brought(Kind::Fault), 1);
}

#[test]
fn contracts_count_with_their_multiplier() {
    let mut rig = Rig::ready();
    let future = InstrumentId(3);
    rig.define(future, "MES", 5);
    rig.view(future, 10_000, 10_002, 0);
    let order = rig.enter(future, Side::Sell);
    // A risk of 100 over 5 × 0.50 a contract; 25,000 of value would buy 49.
    assert_eq!((order.qty, order.clamped), (40, Reason::None));
    assert_eq!(order.risk, dollars(100));
    assert_eq!(rig.pnl().unrealised, -dollars(4));
    assert_eq!(rig.pnl().gross, dollars(20_004));
    rig.fill(
        future,
        order.origin,
        LegRole::Target,
        (Side::Buy, 40, 9_900),
    );
    assert_eq!(rig.pnl().realised, dollars(200));
}
