//! Brackets from order to a flat position, against the simulated broker.

mod world;

use stream::payload::*;
use stream::{Money, Nanos, Side, StageId};
use world::*;

fn bought() -> World {
    let mut world = World::new(sim_config());
    world.quote();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.millis(500);
    assert_eq!(world.position(), 100);
    world
}

#[test]
fn an_entry_brings_its_protection_and_the_target_ends_the_stop() {
    let mut world = bought();
    let entry = world.commands(CommandOp::Place, LegRole::Entry)[0];
    assert_eq!(entry.tif, TimeInForce::GoodTillDate);
    for role in [LegRole::Stop, LegRole::Target] {
        let child = world.commands(CommandOp::Place, role)[0];
        assert_eq!((child.parent_leg, child.oca), (entry.leg, entry.origin.0));
        assert_eq!((child.reduce_only, child.adds_risk), (1, 0));
    }
    assert_eq!(world.state(LegRole::Entry), LegState::Filled);
    assert_eq!(world.state(LegRole::Stop), LegState::Working);
    // A buyer takes all offers up to ours and one beyond: ours was first at its price.
    world.add(3, Side::Sell, 10_050, 50);
    world.execute(2, 500);
    world.execute(3, 50);
    world.add(4, Side::Sell, 10_052, 50);
    world.add(5, Side::Buy, 10_051, 50);
    world.millis(500);
    assert_eq!(world.position(), 0);
    assert_eq!(world.state(LegRole::Target), LegState::Filled);
    assert_eq!(world.state(LegRole::Stop), LegState::Cancelled);
    assert_eq!(world.kinds(stream::Kind::Request), 0);
    assert_eq!(world.stage.brackets(), 0, "a flat bracket is let go");
    assert_eq!(world.stage.unanswered(), 0);
    let start = Money(100_000_000_000_000);
    let truth = world.edge.as_ref().unwrap().truth();
    assert_eq!(truth.cash, world.cash_by_log(start));
    // 100 shares are the minimum of 1.00 each way; the sale also pays the regulators.
    assert!(truth.fees > Money(2_000_000_000) && truth.fees < Money(2_300_000_000));
}

#[test]
fn the_stop_takes_the_ladder_and_ends_the_target() {
    let mut world = bought();
    world.add(6, Side::Buy, 9_940, 60);
    world.add(7, Side::Buy, 9_930, 60);
    world.delete(1);
    world.millis(500);
    assert_eq!(world.position(), 0);
    let fills: Vec<_> = world
        .all::<Fill>()
        .into_iter()
        .filter(|f| f.role == LegRole::Stop)
        .collect();
    let prices: Vec<_> = fills.iter().map(|fill| (fill.price, fill.qty)).collect();
    assert_eq!(prices, [(cents(9_940), 60), (cents(9_930), 40)]);
    assert_eq!(world.state(LegRole::Target), LegState::Cancelled);
}

#[test]
fn an_entry_that_waits_too_long_is_cancelled_with_its_children() {
    let mut world = World::new(sim_config());
    world.quote();
    world.entry(Side::Buy, 100, (9_998, 9_950, 10_050));
    world.millis(500);
    assert_eq!(world.state(LegRole::Entry), LegState::Working);
    assert_eq!(world.state(LegRole::Stop), LegState::Held);
    world.millis(9_400);
    assert!(world.commands(CommandOp::Cancel, LegRole::Entry).is_empty());
    world.millis(1_000);
    // The broker's own expiry falls on the same instant; either way it ends.
    for role in [LegRole::Entry, LegRole::Stop, LegRole::Target] {
        assert_eq!(world.state(role), LegState::Cancelled, "{role:?}");
    }
    assert_eq!(
        world.commands(CommandOp::Cancel, LegRole::Entry)[0].reason,
        Reason::TimeToLive
    );
    assert_eq!(world.stage.brackets(), 0);
}

#[test]
fn a_strategy_moves_its_stop_but_never_beyond_what_risk_permitted() {
    let mut world = bought();
    let origin = world.commands(CommandOp::Place, LegRole::Entry)[0].origin;
    let mut wish = |origin, stop| {
        world.derived(StageId::Signal, ONE, |_| Protect {
            origin,
            stop: cents(stop),
            ..Protect::zeroed()
        });
        world.commands(CommandOp::Modify, LegRole::Stop)
    };
    let moved = wish(origin, 9_960);
    let [command] = &moved[..] else {
        panic!("one command, not {moved:?}");
    };
    assert_eq!((command.trigger, command.qty), (cents(9_960), 100));
    assert_eq!(
        (command.price_low, command.price_high),
        (cents(9_950), cents(9_960))
    );
    assert_eq!((command.reduce_only, command.adds_risk), (1, 0));
    assert_eq!(wish(origin, 9_949).len(), 1, "wider than permitted");
    assert_eq!(wish(origin, 9_960).len(), 1, "where it stands already");
    assert_eq!(wish(stream::FrameId(7), 9_970).len(), 1, "nobody's");
    assert_eq!(wish(origin, 9_955).len(), 2, "back, within the envelope");
    world.millis(100);
    world.add(6, Side::Buy, 9_955, 500);
    world.delete(1);
    world.execute(6, 1);
    world.millis(500);
    assert_eq!(world.position(), 0, "the broker works the moved stop");
    assert_eq!(world.state(LegRole::Stop), LegState::Filled);
}

#[test]
fn wishes_to_move_a_stop_leave_the_reserve_of_credits_alone() {
    let mut world = bought();
    let origin = world.commands(CommandOp::Place, LegRole::Entry)[0].origin;
    for wish in 0..100 {
        world.derived(StageId::Signal, ONE, |_| Protect {
            origin,
            stop: cents(9_960 + wish % 2),
            ..Protect::zeroed()
        });
    }
    let config = gateway_config();
    let most = config.unanswered_max - config.unanswered_reserved;
    assert_eq!(world.stage.unanswered(), most);
}

fn waiting(change: impl FnOnce(&mut Order)) -> World {
    let mut world = World::new(sim_config());
    world.quote();
    world.order(|order| {
        order.side = Side::Buy;
        order.qty = 100;
        order.limit = cents(9_998);
        order.price_low = cents(9_990);
        order.price_high = cents(10_010);
        order.stop = cents(9_950);
        order.target = cents(10_050);
        order.ttl = Nanos::from_secs(60);
        change(order);
    });
    world.millis(100);
    world
}

#[test]
fn a_blown_out_spread_ends_the_entry_at_once_and_not_before() {
    let mut world = waiting(|order| order.spread_max = cents(5));
    world.best(9_999, 10_004, 0);
    assert!(
        world.commands(CommandOp::Cancel, LegRole::Entry).is_empty(),
        "at the limit"
    );
    world.best(9_999, 10_005, 0);
    assert_eq!(
        world.commands(CommandOp::Cancel, LegRole::Entry)[0].reason,
        Reason::SpreadBlowOut
    );
    world.millis(100);
    assert_eq!(world.state(LegRole::Entry), LegState::Cancelled);
}

#[test]
fn a_lost_book_ends_the_entry() {
    let mut world = waiting(|_| {});
    world.best(9_999, 10_001, quality::GAPPED);
    assert_eq!(
        world.commands(CommandOp::Cancel, LegRole::Entry)[0].reason,
        Reason::BookQuality
    );
}

#[test]
fn a_stalled_tape_ends_the_entry_and_a_print_keeps_it() {
    let mut world = waiting(|order| order.tape_stall = Nanos::from_secs(2));
    world.millis(1_500);
    world.execute(2, 1);
    world.millis(1_900);
    assert!(world.commands(CommandOp::Cancel, LegRole::Entry).is_empty());
    world.millis(500);
    assert_eq!(
        world.commands(CommandOp::Cancel, LegRole::Entry)[0].reason,
        Reason::TapeStall
    );
}

#[test]
fn halt_cancels_entries_and_keeps_protection() {
    let mut world = bought();
    world.entry(Side::Buy, 50, (9_990, 9_950, 10_050));
    world.millis(100);
    world.derived(StageId::Risk, ONE, |_| Kill {
        to: KillLevel::Halt,
        ..Kill::zeroed()
    });
    world.millis(500);
    assert_eq!(world.commands(CommandOp::Cancel, LegRole::Entry).len(), 1);
    assert!(world.commands(CommandOp::Cancel, LegRole::Stop).is_empty());
    let legs = world.all::<Leg>();
    let working = legs
        .iter()
        .filter(|leg| leg.role == LegRole::Stop && leg.to == LegState::Working);
    assert_eq!(working.count(), 1, "the first bracket's stop stays");
    // Nothing that adds risk leaves any more.
    world.entry(Side::Buy, 10, (10_001, 9_950, 10_050));
    assert_eq!(world.requests(RequestWhy::GivenUp).len(), 1);
    assert_eq!(world.commands(CommandOp::Place, LegRole::Entry).len(), 2);
}

#[test]
fn a_partial_entry_is_protected_at_its_size_and_the_rest_ends_with_the_exit() {
    let mut world = World::new(sim_config());
    world.add(1, Side::Buy, 9_999, 500);
    world.add(2, Side::Sell, 10_001, 40);
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.millis(300);
    assert_eq!(world.position(), 40);
    let stop = world
        .all::<Status>()
        .into_iter()
        .rfind(|s| s.role == LegRole::Stop)
        .unwrap();
    assert_eq!((stop.state, stop.remaining), (LegState::Working, 40));
    world.millis(5_000);
    assert_eq!(
        world.kinds(stream::Kind::Request),
        0,
        "protected at its own size"
    );
    world.add(3, Side::Sell, 10_001, 1);
    world.millis(200);
    assert_eq!(world.position(), 41);
    // The stop trades; what the entry still wanted ends.
    world.add(6, Side::Buy, 9_940, 500);
    world.delete(1);
    world.millis(500);
    assert_eq!(world.position(), 0);
    assert_eq!(world.state(LegRole::Entry), LegState::Cancelled);
    assert_eq!(world.stage.brackets(), 0);
}

#[test]
fn a_flatten_first_ends_the_protection_and_never_turns_the_position() {
    let mut world = bought();
    world.flatten(Side::Sell, 1_000, 9_995);
    assert!(
        world
            .commands(CommandOp::Place, LegRole::Flatten)
            .is_empty()
    );
    world.millis(500);
    let flatten = world.commands(CommandOp::Place, LegRole::Flatten);
    assert_eq!(flatten.len(), 1);
    assert_eq!((flatten[0].qty, flatten[0].reduce_only), (100, 1));
    assert_eq!(world.position(), 0);
    assert_eq!(world.stage.brackets(), 0);
    assert_eq!(world.kinds(stream::Kind::Request), 0);
}

#[test]
fn a_flatten_that_does_not_fill_asks_for_a_wider_band_and_takes_it() {
    let mut world = bought();
    let origin = world.flatten(Side::Sell, 100, 10_020);
    world.millis(3_000);
    let asked = world.requests(RequestWhy::FlattenBand);
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (asked[0].origin, asked[0].qty, asked[0].side),
        (origin, 100, Side::Sell)
    );
    world.order(|order| {
        order.origin = origin;
        order.side = Side::Sell;
        order.qty = 100;
        order.limit = cents(9_990);
        order.price_low = cents(9_900);
        order.price_high = cents(10_050);
        order.reduce_only = 1;
    });
    world.millis(500);
    assert_eq!(world.commands(CommandOp::Modify, LegRole::Flatten).len(), 1);
    assert_eq!(world.commands(CommandOp::Place, LegRole::Flatten).len(), 1);
    assert_eq!(world.position(), 0);
}

#[test]
fn a_flatten_of_nothing_is_given_up() {
    let mut world = World::new(sim_config());
    world.quote();
    let origin = world.flatten(Side::Sell, 100, 9_990);
    assert_eq!(world.requests(RequestWhy::GivenUp)[0].origin, origin);
    assert_eq!(world.stage.brackets(), 0);
}

#[test]
fn the_broker_ends_what_nobody_cancels() {
    // The engine is dead: no frame but the market's reaches the edge after the order.
    let mut world = World::new(sim_config());
    world.quote();
    world.entry(Side::Buy, 100, (9_998, 9_950, 10_050));
    world.millis(100);
    let edge = world.edge.as_mut().unwrap();
    assert_eq!(edge.orders_live(), 3);
    world.now = START + Nanos::from_secs(11);
    world.add(9, Side::Buy, 9_000, 1);
    assert_eq!(world.edge.as_ref().unwrap().orders_live(), 0);
}

#[test]
fn the_same_stream_brings_the_same_answers() {
    let run = || {
        let mut world = bought();
        world.add(6, Side::Buy, 9_940, 60);
        world.delete(1);
        world.millis(2_000);
        world.log.0
    };
    assert!(run() == run());
}
