//! Intents to orders: envelopes, reservations, refusals.

use crate::common::sample::{config, dollars};
use crate::common::{A, B, CLOSE, Rig, cents, refused};
use risk::{Config, Mode};
use stream::payload::{
    ControlAction, LegRole, LegState, LinkState, Reason, Refused, RequestWhy, SentOutcome, text,
};
use stream::{FrameId, InstrumentId, Kind, Nanos, Qty, Side, Stage};

const ENTRY: LegRole = LegRole::Entry;

#[test]
fn an_entry_carries_its_whole_envelope() {
    let mut rig = Rig::ready();
    let order = rig.wish(A, Side::Buy).expect("permitted");
    let intent = rig.intent(Side::Buy);
    assert_eq!(
        (order.qty, order.side, order.reduce_only),
        (100, Side::Buy, 0)
    );
    assert_eq!(
        (order.reason, order.clamped),
        (Reason::None, Reason::OrderQuantity)
    );
    assert_eq!(
        (order.limit, order.stop, order.target),
        (intent.entry, intent.stop, intent.target)
    );
    assert_eq!(
        (order.price_low, order.price_high),
        (cents(9_500), cents(10_002))
    );
    assert_eq!(
        (order.ttl, order.tape_stall),
        (intent.ttl, intent.tape_stall)
    );
    assert_eq!((order.spread_max, order.strategy), (intent.spread_max, 3));
    assert_eq!((order.market_ts, order.risk), (rig.now, dollars(50)));
    assert!(!order.signal.is_none());
    let short = rig.wish(B, Side::Sell).expect("permitted");
    assert_eq!(
        (short.price_low, short.price_high),
        (cents(10_000), cents(10_502))
    );
}

#[test]
fn two_entries_in_flight_count_before_anyone_has_heard_of_them() {
    let mut rig = Rig::ready();
    rig.wish(A, Side::Buy).expect("100 of 200");
    rig.wish(A, Side::Buy).expect("200 of 200");
    assert_eq!(rig.stage.worst_case(A), (Qty(200), Qty(0)));
    let breach = rig.wish(A, Side::Buy).expect_err("no room");
    assert_eq!((breach.reason, breach.limit), (Reason::PositionLimit, 0));
    assert_eq!(refused(rig.wish(A, Side::Sell)), Reason::SelfTrade);
    rig.wish(B, Side::Buy)
        .expect("another instrument has its own room");
}

#[test]
fn an_entry_lives_no_longer_than_to_the_flat_deadline() {
    let flat = config().flat_before_close;
    let most = Nanos::from_secs(3_600);
    let seconds = Nanos::from_secs(10);
    // Half an hour before the deadline: what ends before it is left as it was wished.
    let left = Nanos::from_secs(1_800);
    for (wished, lives) in [(most, left), (Nanos::ZERO, left), (seconds, seconds)] {
        let mut rig = Rig::ready();
        let from = CLOSE - flat - left;
        rig.wait(from - rig.now);
        rig.equity(dollars(100_000));
        rig.view(A, 10_000, 10_002, 0);
        let intent = stream::payload::Intent {
            ttl: wished,
            ..rig.intent(Side::Buy)
        };
        rig.derived(A, &intent);
        let order = rig.one::<stream::payload::Order>();
        assert_eq!(order.ttl, lives, "wished for {wished:?}");
    }
}

#[test]
fn what_never_left_or_ended_gives_its_room_back() {
    let mut rig = Rig::ready();
    type End = fn(&mut Rig, FrameId);
    let ends: [End; 6] = [
        |rig, origin| rig.sent(A, origin, 900, SentOutcome::NotSent),
        |rig, origin| rig.sent(A, origin, 900, SentOutcome::Abandoned),
        |rig, origin| rig.requested(A, origin, RequestWhy::GivenUp),
        |rig, origin| rig.status(A, origin, ENTRY, (LegState::Cancelled, 0)),
        |rig, origin| rig.status(A, origin, ENTRY, (LegState::Rejected, 0)),
        |rig, origin| rig.status(A, origin, ENTRY, (LegState::Abandoned, 0)),
    ];
    for end in ends {
        let order = rig.wish(A, Side::Buy).expect("room");
        assert_eq!(rig.stage.worst_case(A).0, Qty(100));
        end(&mut rig, order.origin);
        assert_eq!(rig.stage.worst_case(A).0, Qty(0));
    }
}

#[test]
fn answers_about_other_legs_and_states_on_the_way_release_nothing() {
    let mut rig = Rig::ready();
    let order = rig.wish(A, Side::Buy).expect("room");
    rig.sent(A, order.origin, 900, SentOutcome::Sent);
    rig.sent(A, order.origin, 901, SentOutcome::NotSent);
    rig.sent(A, order.origin, 900, SentOutcome::Unknown);
    rig.status(A, order.origin, LegRole::Stop, (LegState::Rejected, 0));
    rig.status(A, order.origin, ENTRY, (LegState::Unknown, 0));
    rig.status(A, order.origin, ENTRY, (LegState::Cancelling, 0));
    assert_eq!(rig.stage.worst_case(A).0, Qty(100));
    // The status runs ahead of the execution that it reports: that part stays reserved.
    rig.status(A, order.origin, ENTRY, (LegState::Cancelled, 30));
    assert_eq!(rig.stage.worst_case(A).0, Qty(30));
    rig.fill(A, order.origin, ENTRY, (Side::Buy, 30, 10_002));
    assert_eq!(rig.stage.worst_case(A).0, Qty(30));
    assert_eq!(rig.stage.position(A), Qty(30));
}

#[test]
fn one_intent_never_becomes_two_orders() {
    let mut rig = Rig::ready();
    let intent = rig.intent(Side::Buy);
    rig.derived(A, &intent);
    assert_eq!(rig.brought(Kind::Order), 1);
    // The same frame once more, by its name.
    let frame = rig.made.iter().next().expect("the intent").lines().to_vec();
    let frame = stream::FrameRef::first_of(&frame).expect("whole");
    let mut out = stream::stage::Collected::default();
    rig.stage.on_frame(frame, &mut out);
    let answer = out.iter().nth(1).expect("an answer");
    assert_eq!(answer.read::<Refused>().reason, Reason::BadIntent);
}

#[test]
fn an_observing_run_refuses_everything() {
    let mut rig = Rig::with(Config {
        mode: Mode::Observe,
        ..config()
    });
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Observe);
    rig.fill(A, FrameId::NONE, ENTRY, (Side::Buy, 10, 10_000));
    rig.control(ControlAction::Flatten, "anna", "test");
    assert_eq!(rig.brought(Kind::Order), 0);
}

#[test]
fn a_stage_that_knows_nothing_permits_nothing() {
    let mut rig = Rig::bare(config());
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::NotAllowed);
    rig.define(A, "AAPL", 1);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Disarmed);
    rig.start(false);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Link);
    rig.link(LinkState::Ready);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::SessionWindow);
    rig.session(20_231_114, 0);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Stale);
    rig.view(A, 10_000, 10_002, 0);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Equity);
    rig.equity(dollars(100_000));
    rig.wish(A, Side::Buy).expect("now everything is known");
    assert_eq!(
        refused(rig.wish(InstrumentId(0), Side::Buy)),
        Reason::NotAllowed
    );
    assert_eq!(
        refused(rig.wish(InstrumentId(u16::MAX), Side::Buy)),
        Reason::NotAllowed
    );
}

#[test]
fn only_the_pinned_contract_is_allowed() {
    let mut rig = Rig::ready();
    rig.define(A, "AAPL", 10);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::NotAllowed);
    rig.define(A, "TSLA", 1);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::NotAllowed);
}

#[test]
fn entries_end_before_the_session_does() {
    let mut rig = Rig::ready();
    rig.now = CLOSE - Nanos::from_secs(15 * 60);
    rig.equity(dollars(100_000));
    rig.view(A, 10_000, 10_002, 0);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::SessionWindow);
    rig.now -= Nanos(1);
    rig.equity(dollars(100_000));
    rig.view(A, 10_000, 10_002, 0);
    rig.wish(A, Side::Buy).expect("one nanosecond before");
}

#[test]
fn equity_in_another_currency_or_field_is_not_equity() {
    let mut rig = Rig::ready();
    rig.wait(Nanos::from_secs(61));
    let account = stream::payload::AccountValue {
        value: dollars(1),
        currency: text("EUR"),
        ..stream::payload::AccountValue::zeroed()
    };
    rig.input(InstrumentId::NONE, &account);
    rig.view(A, 10_000, 10_002, 0);
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::Equity);
    rig.equity(dollars(100_000));
    rig.wish(A, Side::Buy).expect("fresh");
}

#[test]
fn a_full_table_of_brackets_refuses_and_still_lets_exits_out() {
    let mut wide = config();
    wide.limits.order_quantity_max = 1;
    wide.limits.position_max = 10_000;
    wide.gross_max = dollars(100_000);
    let mut rig = Rig::with(wide);
    rig.equity(dollars(1_000_000));
    let mut origin = FrameId::NONE;
    for _ in 0..256 {
        let order = rig.wish(A, Side::Buy).expect("room");
        assert_eq!(order.qty, 1);
        origin = order.origin;
    }
    assert_eq!(refused(rig.wish(A, Side::Buy)), Reason::TableFull);
    rig.fill(A, origin, ENTRY, (Side::Buy, 1, 10_002));
    rig.control(ControlAction::Flatten, "anna", "enough");
    assert_eq!(rig.brought(Kind::Order), 1);
}
