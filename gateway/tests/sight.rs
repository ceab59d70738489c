//! The connection is lost and found again: what may be made of what is not known.

mod world;

use gateway::{Config, GatewayStage};
use stream::payload::*;
use stream::{FrameId, InstrumentId, Side, Stage};
use world::*;

const PLACE: CommandOp = CommandOp::Place;
const MODIFY: CommandOp = CommandOp::Modify;
const CANCEL: CommandOp = CommandOp::Cancel;

/// A long position of 100 with both exits; 40 of the target have traded, and the stop that the
/// broker made smaller for it was never heard of.
fn partly_out() -> World {
    let mut world = World::open_by_hand();
    world.fill(LegRole::Target, 40, 40, 100);
    assert_eq!(world.position(), 60);
    world
}

#[test]
fn a_lost_link_takes_no_protected_position_apart() {
    let mut world = partly_out();
    world.link(true);
    world.millis(60_000);
    for op in [PLACE, MODIFY, CANCEL] {
        let all = world.commands(op, LegRole::Stop).len();
        assert_eq!(all, usize::from(op == PLACE), "{op:?}");
    }
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
    // What the broker did by itself is told before the link is found again.
    world.status(LegRole::Stop, LegState::Working, 0, 60);
    world.link(false);
    world.millis(60_000);
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
    assert!(world.commands(MODIFY, LegRole::Stop).is_empty());
}

#[test]
fn what_is_still_wrong_once_the_link_is_back_has_the_usual_time() {
    let mut world = partly_out();
    world.link(true);
    world.millis(60_000);
    world.link(false);
    world.millis(900);
    assert!(world.commands(MODIFY, LegRole::Stop).is_empty());
    world.millis(400);
    assert_eq!(world.newest(MODIFY, LegRole::Stop).1.qty, 60);
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
    world.millis(1_000);
    assert_eq!(world.requests(RequestWhy::Unprotected).len(), 1);
}

#[test]
fn a_flatten_is_sized_by_what_was_missed() {
    let mut world = World::open_by_hand();
    world.link(true);
    world.flatten(Side::Sell, 100, 9_990);
    world.millis(20_000);
    world.fill(LegRole::Target, 70, 70, 100);
    // The edge would send cancels at the reconnection, and the flatten only when all was read, or
    // never: nothing would protect the position meanwhile.
    assert!(world.commands(CANCEL, LegRole::Stop).is_empty());
    assert!(world.commands(CANCEL, LegRole::Target).is_empty());
    world.link(false);
    assert_eq!(world.commands(CANCEL, LegRole::Stop).len(), 1);
    world.millis(1_000);
    assert!(world.commands(PLACE, LegRole::Flatten).is_empty());
    assert!(
        world.requests(RequestWhy::FlattenBand).is_empty(),
        "in time"
    );
    world.status(LegRole::Stop, LegState::Cancelled, 0, 0);
    world.status(LegRole::Target, LegState::Cancelled, 70, 30);
    assert_eq!(world.newest(PLACE, LegRole::Flatten).1.qty, 30);
}

#[test]
fn a_flatten_meanwhile_leaves_the_exits_and_ends_the_entry() {
    let mut world = World::open_by_hand();
    world.entry(Side::Buy, 100, (10_001, 9_951, 10_051));
    for role in [LegRole::Entry, LegRole::Stop, LegRole::Target] {
        world.sent(PLACE, role, SentOutcome::Sent);
    }
    world.status(LegRole::Entry, LegState::Working, 0, 100);
    world.link(true);
    world.flatten(Side::Sell, 100, 9_990);
    world.millis(60_000);
    let count = |world: &World| {
        let roles = [LegRole::Entry, LegRole::Stop, LegRole::Target];
        roles.map(|role| world.commands(CANCEL, role).len())
    };
    assert_eq!(count(&world), [1, 0, 0]);
    // The wait outlives a restart.
    let mut saved = Vec::new();
    world.stage.save(&mut saved);
    let mut next = World::without_edge();
    next.seq = world.seq;
    next.input(InstrumentId::NONE, &Restart::zeroed());
    next.stage.load(&saved).expect("its own bytes");
    next.millis(1_000);
    assert_eq!(count(&next), [0, 0, 0]);
    for world in [&mut world, &mut next] {
        world.link(false);
        assert_eq!(count(world)[1..], [2, 2]);
    }
}

#[test]
fn a_flatten_of_what_was_closed_meanwhile_is_given_up() {
    let mut world = World::open_by_hand();
    world.link(true);
    world.flatten(Side::Sell, 100, 9_990);
    for role in [LegRole::Stop, LegRole::Target] {
        world.status(role, LegState::Cancelled, 0, 0);
    }
    // Nothing stands before it any more; only then it is heard that the stop had filled.
    world.fill(LegRole::Stop, 100, 100, 100);
    world.link(false);
    world.millis(30_000);
    assert!(world.commands(PLACE, LegRole::Flatten).is_empty());
    assert_eq!((world.position(), world.stage.brackets()), (0, 0));
}

#[test]
fn a_flatten_waits_for_a_leg_that_has_just_become_unknown() {
    // The broker refuses to cancel what has filled; the execution comes when it is asked for.
    let mut world = World::open_by_hand();
    world.flatten(Side::Sell, 100, 9_990);
    world.status(LegRole::Stop, LegState::Unknown, 0, 100);
    world.status(LegRole::Target, LegState::Unknown, 0, 100);
    world.millis(1_500);
    assert!(world.commands(PLACE, LegRole::Flatten).is_empty());
    world.fill(LegRole::Target, 100, 100, 100);
    world.status(LegRole::Stop, LegState::Cancelled, 0, 0);
    world.millis(30_000);
    assert!(world.commands(PLACE, LegRole::Flatten).is_empty());
    assert_eq!((world.position(), world.stage.brackets()), (0, 0));
}

#[test]
fn a_flatten_waits_again_for_a_leg_that_turns_out_to_live() {
    let mut world = World::open_by_hand();
    world.flatten(Side::Sell, 100, 9_990);
    world.millis(20_000);
    assert_eq!(world.state(LegRole::Stop), LegState::Unknown);
    world.status(LegRole::Flatten, LegState::Rejected, 0, 0);
    world.link(true);
    world.flatten(Side::Sell, 100, 9_990);
    let cancels = world.commands(CANCEL, LegRole::Stop).len();
    world.status(LegRole::Stop, LegState::Working, 0, 100);
    world.link(false);
    assert_eq!(world.commands(PLACE, LegRole::Flatten).len(), 1);
    assert_eq!(world.commands(CANCEL, LegRole::Stop).len(), cancels + 1);
    world.status(LegRole::Stop, LegState::Cancelled, 0, 0);
    assert_eq!(world.commands(PLACE, LegRole::Flatten).len(), 2);
}

#[test]
fn a_flatten_that_is_unknown_is_not_followed_by_another_before_it_is_looked_up() {
    let mut world = World::open_by_hand();
    world.flatten(Side::Sell, 100, 9_990);
    for role in [LegRole::Stop, LegRole::Target] {
        world.status(role, LegState::Cancelled, 0, 0);
    }
    world.sent(PLACE, LegRole::Flatten, SentOutcome::Unknown);
    world.millis(4_000);
    world.flatten(Side::Sell, 100, 9_990);
    assert_eq!(world.commands(PLACE, LegRole::Flatten).len(), 1);
    world.fill(LegRole::Flatten, 100, 100, 100);
    world.millis(30_000);
    assert_eq!(world.commands(PLACE, LegRole::Flatten).len(), 1);
    assert_eq!((world.position(), world.stage.brackets()), (0, 0));
}

#[test]
fn a_stop_is_not_moved() {
    let mut world = World::open_by_hand();
    let (_, stop) = world.newest(PLACE, LegRole::Stop);
    let follow = |world: &mut World| {
        world.derived(stream::StageId::Signal, ONE, |_| Protect {
            origin: stop.origin,
            stop: cents(9_960),
            ..Protect::zeroed()
        });
    };
    world.link(true);
    follow(&mut world);
    assert!(world.commands(MODIFY, LegRole::Stop).is_empty());
    world.link(false);
    follow(&mut world);
    assert_eq!(world.commands(MODIFY, LegRole::Stop).len(), 1);
}

#[test]
fn entries_that_wait_and_entries_that_come_are_given_up() {
    entries_are_given_up(|world| world.link(true));
}

#[test]
fn entries_that_wait_at_a_crash_never_leave() {
    let none = stream::InstrumentId::NONE;
    entries_are_given_up(|world| world.input(none, &Restart::zeroed()));
}

fn entries_are_given_up(lose_sight: impl Fn(&mut World)) {
    let mut world = World::without_edge();
    for _ in 0..15 {
        world.entry(Side::Buy, 1, (10_001, 9_950, 10_050));
    }
    // Of two of another instrument, the second finds no credits left, and waits.
    let order = |id| Order {
        origin: id,
        qty: 1,
        side: Side::Buy,
        limit: cents(10_001),
        price_low: cents(9_000),
        price_high: cents(11_000),
        stop: cents(9_950),
        target: cents(10_050),
        ..Order::zeroed()
    };
    for _ in 0..2 {
        world.derived(stream::StageId::Risk, stream::InstrumentId(2), order);
    }
    assert_eq!(world.commands(PLACE, LegRole::Entry).len(), 16);
    lose_sight(&mut world);
    let given_up = |world: &World| {
        let legs = world.all::<Leg>().into_iter();
        let mine = legs.filter(|leg| {
            (leg.role, leg.to, leg.reason) == (LegRole::Entry, LegState::Abandoned, Reason::Link)
        });
        mine.count()
    };
    assert_eq!(given_up(&world), 1);
    world.entry(Side::Buy, 1, (10_001, 9_950, 10_050));
    assert_eq!(given_up(&world), 2);
    world.link(false);
    assert_eq!(world.commands(PLACE, LegRole::Entry).len(), 16);
}

#[test]
fn an_execution_that_is_awaited_may_come_when_the_link_is_back() {
    let mut world = World::open_by_hand();
    world.status(LegRole::Target, LegState::Cancelled, 50, 50);
    world.link(true);
    world.millis(60_000);
    assert!(!world.stage.is_frozen(ONE));
    world.fill(LegRole::Target, 50, 50, 100);
    world.link(false);
    world.millis(1_000);
    assert!(!world.stage.is_frozen(ONE));
    assert_eq!(world.position(), 50);
}

#[test]
fn a_refused_stop_is_replaced_when_the_link_is_back() {
    let mut world = World::open_by_hand();
    world.link(true);
    world.status(LegRole::Stop, LegState::Rejected, 0, 0);
    world.millis(60_000);
    assert_eq!(world.commands(PLACE, LegRole::Stop).len(), 1);
    world.link(false);
    let stops = world.commands(PLACE, LegRole::Stop);
    assert_eq!((stops.len(), stops[1].parent_leg), (2, FrameId::NONE));
}

#[test]
fn a_new_epoch_begins_blind() {
    let mut world = partly_out();
    world.millis(1_900);
    world.input(stream::InstrumentId::NONE, &Restart::zeroed());
    world.status(LegRole::Stop, LegState::Unknown, 0, 100);
    world.millis(60_000);
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
    world.status(LegRole::Stop, LegState::Working, 0, 60);
    world.link(false);
    world.millis(60_000);
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
}

#[test]
fn another_source_says_nothing_of_sight() {
    let mut world = partly_out();
    let other = Connectivity {
        source: stream::SourceId(1),
        blind: 1,
        ..Connectivity::zeroed()
    };
    world.input(stream::InstrumentId::NONE, &other);
    world.millis(1_300);
    assert_eq!(world.newest(MODIFY, LegRole::Stop).1.qty, 60);
}

#[test]
fn a_saved_state_is_blind_and_its_waiting_entries_are_given_up() {
    let narrow = Config {
        unanswered_max: 4,
        unanswered_reserved: 1,
        ..gateway_config()
    };
    let mut world = World::without_edge();
    world.stage = GatewayStage::new(narrow);
    for _ in 0..2 {
        world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    }
    assert_eq!(world.commands(PLACE, LegRole::Entry).len(), 1, "one waits");
    let mut saved = Vec::new();
    world.stage.save(&mut saved);

    let mut next = World::without_edge();
    next.seq = world.seq;
    next.stage = GatewayStage::new(narrow);
    next.input(InstrumentId::NONE, &Restart::zeroed());
    next.stage.load(&saved).expect("its own bytes");
    next.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    assert_eq!(next.requests(RequestWhy::GivenUp).len(), 1, "a new one");
    next.link(false);
    assert_eq!(next.requests(RequestWhy::GivenUp).len(), 2, "an old one");
    next.millis(2_000);
    assert!(next.commands(PLACE, LegRole::Entry).is_empty());
}
