//! What brokers do wrong, one case each, with the answers written by hand.

mod world;

use gateway::{Config, GatewayStage};
use stream::payload::*;
use stream::{FrameId, InstrumentId, Kind, Nanos, Side, Stage};
use world::*;

const PLACE: CommandOp = CommandOp::Place;
const CANCEL: CommandOp = CommandOp::Cancel;

#[test]
fn both_exits_fill_and_the_opposite_position_is_asked_to_be_closed_at_once() {
    let mut world = World::open_by_hand();
    world.fill(LegRole::Target, 100, 100, 100);
    assert_eq!(world.position(), 0);
    world.fill(LegRole::Stop, 100, 100, 100);
    assert_eq!(world.position(), -100);
    let asked = world.requests(RequestWhy::Unprotected);
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].side, asked[0].qty), (Side::Buy, 100));
    world.flatten(Side::Buy, 100, 10_100);
    assert_eq!(world.newest(PLACE, LegRole::Flatten).1.qty, 100);
    world.fill(LegRole::Flatten, 100, 100, 100);
    assert_eq!(world.position(), 0);
    assert_eq!(world.stage.brackets(), 0);
}

#[test]
fn the_other_exit_is_cancelled_by_the_gateway_when_the_broker_leaves_it() {
    let mut world = World::open_by_hand();
    world.fill(LegRole::Target, 100, 100, 100);
    world.millis(500);
    assert!(
        world.commands(CANCEL, LegRole::Stop).is_empty(),
        "the broker has its time"
    );
    world.millis(1_000);
    assert_eq!(
        world.commands(CANCEL, LegRole::Stop)[0].reason,
        Reason::OneCancelsOther
    );
    world.status(LegRole::Stop, LegState::Cancelled, 0, 100);
    assert_eq!(world.stage.brackets(), 0);
}

#[test]
fn a_refused_stop_is_replaced_once_and_then_a_flatten_is_asked_for() {
    let mut world = World::without_edge();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.fill(LegRole::Entry, 100, 100, 100);
    world.status(LegRole::Target, LegState::Working, 0, 100);
    world.status(LegRole::Stop, LegState::Rejected, 0, 0);
    let stops = world.commands(PLACE, LegRole::Stop);
    assert_eq!(stops.len(), 2, "replaced at once");
    assert_eq!((stops[1].trigger, stops[1].qty), (cents(9_950), 100));
    assert_eq!(stops[1].parent_leg, FrameId::NONE, "its entry is over");
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
    world.status(LegRole::Stop, LegState::Rejected, 0, 0);
    assert_eq!(world.commands(PLACE, LegRole::Stop).len(), 2);
    assert_eq!(world.requests(RequestWhy::Unprotected).len(), 1);
    // The wish is repeated, less and less often, while nobody acts.
    world.millis(30_000);
    let asked = world.requests(RequestWhy::Unprotected).len();
    assert!((3..=6).contains(&asked), "{asked}");
}

#[test]
fn an_entry_without_any_stop_does_not_go_on() {
    let mut world = World::without_edge();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.status(LegRole::Entry, LegState::Working, 0, 100);
    world.status(LegRole::Stop, LegState::Rejected, 0, 0);
    world.status(LegRole::Stop, LegState::Rejected, 0, 0);
    assert_eq!(
        world.newest(CANCEL, LegRole::Entry).1.reason,
        Reason::Unprotected
    );
}

#[test]
fn silence_about_the_stop_asks_for_a_flatten_within_the_bound() {
    let mut world = World::without_edge();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.fill(LegRole::Entry, 100, 100, 100);
    world.millis(1_900);
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
    world.millis(400);
    assert_eq!(world.requests(RequestWhy::Unprotected).len(), 1);
}

#[test]
fn a_stop_of_the_wrong_size_is_corrected_before_anyone_is_asked() {
    let mut world = World::without_edge();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.fill(LegRole::Entry, 60, 60, 100);
    world.status(LegRole::Entry, LegState::Cancelled, 60, 40);
    world.status(LegRole::Stop, LegState::Working, 0, 100);
    world.millis(1_300);
    assert_eq!(world.newest(CommandOp::Modify, LegRole::Stop).1.qty, 60);
    world.status(LegRole::Stop, LegState::Working, 0, 60);
    world.millis(5_000);
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
}

#[test]
fn a_fill_after_the_cancel_is_booked_and_protected_or_flattened() {
    let mut world = World::without_edge();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.status(LegRole::Entry, LegState::Working, 0, 100);
    world.status(LegRole::Stop, LegState::Held, 0, 100);
    world.status(LegRole::Entry, LegState::Cancelled, 0, 100);
    world.fill(LegRole::Entry, 30, 30, 100);
    assert_eq!(world.position(), 30);
    world.status(LegRole::Stop, LegState::Cancelled, 0, 100);
    world.status(LegRole::Target, LegState::Cancelled, 0, 100);
    world.millis(2_500);
    let replaced = world.commands(PLACE, LegRole::Stop).len() == 2;
    assert!(replaced || !world.requests(RequestWhy::Unprotected).is_empty());
}

#[test]
fn a_reported_end_waits_for_its_executions() {
    let mut world = World::without_edge();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.status(LegRole::Entry, LegState::Filled, 100, 0);
    assert_eq!(world.position(), 0, "positions come from executions alone");
    assert_ne!(world.state(LegRole::Entry), LegState::Filled);
    world.fill(LegRole::Entry, 100, 100, 100);
    assert_eq!(world.state(LegRole::Entry), LegState::Filled);
}

#[test]
fn executions_that_never_come_leave_the_leg_unknown() {
    let mut world = World::without_edge();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.status(LegRole::Entry, LegState::Filled, 100, 0);
    world.millis(11_000);
    assert_eq!(world.state(LegRole::Entry), LegState::Unknown);
}

#[test]
fn an_exit_that_the_broker_made_smaller_ends_once_its_size_is_told() {
    let mut world = World::open_by_hand();
    // All of it, the broker says, and not how much: taken for what we ordered.
    world.status(LegRole::Target, LegState::Filled, 0, 0);
    world.fill(LegRole::Target, 60, 60, 100);
    world.millis(11_000);
    assert_eq!(world.state(LegRole::Target), LegState::Unknown);
    world.status(LegRole::Target, LegState::Filled, 60, 0);
    assert_eq!(world.state(LegRole::Target), LegState::Filled);
}

#[test]
fn an_execution_counts_once() {
    let mut world = World::open_by_hand();
    let fill = world.all::<Fill>()[0];
    for _ in 0..3 {
        world.input(ONE, &fill);
    }
    assert_eq!(world.position(), 100);
    assert!(!world.stage.is_frozen(ONE));
}

#[test]
fn more_filled_than_ordered_freezes_the_instrument() {
    let mut world = World::open_by_hand();
    world.fill(LegRole::Entry, 50, 150, 100);
    assert_eq!(world.position(), 150);
    assert!(world.stage.is_frozen(ONE));
    world.millis(2_500);
    assert!(!world.requests(RequestWhy::Unprotected).is_empty());
    world.entry(Side::Buy, 10, (10_001, 9_950, 10_050));
    assert_eq!(
        world.commands(PLACE, LegRole::Entry).len(),
        1,
        "a frozen instrument rests"
    );
}

#[test]
fn a_fill_of_an_unknown_order_is_booked_frozen_and_asked_to_be_closed() {
    let mut world = World::without_edge();
    let fill = Fill {
        leg: FrameId::new(77, 5),
        origin: FrameId::new(77, 3),
        price: cents(10_000),
        qty: 25,
        filled: 25,
        ordered: 25,
        side: Side::Sell,
        exec_id: 9,
        ..Fill::zeroed()
    };
    world.input(ONE, &fill);
    assert_eq!(world.position(), -25);
    assert!(world.stage.is_frozen(ONE));
    let asked = world.requests(RequestWhy::Unprotected);
    assert_eq!((asked[0].side, asked[0].qty), (Side::Buy, 25));
}

#[test]
fn an_unknown_leg_is_never_sent_again_and_ends_by_proof() {
    let mut world = World::without_edge();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.sent(PLACE, LegRole::Entry, SentOutcome::Unknown);
    assert_eq!(world.state(LegRole::Entry), LegState::Unknown);
    world.millis(60_000);
    assert_eq!(world.commands(PLACE, LegRole::Entry).len(), 1);
    let cancels = world.commands(CANCEL, LegRole::Entry).len();
    assert!(
        (1..=3).contains(&cancels),
        "its time to live is over: {cancels} cancels"
    );
    world.status(LegRole::Entry, LegState::Cancelled, 0, 100);
    assert_eq!(world.state(LegRole::Entry), LegState::Cancelled);
}

#[test]
fn a_cancel_without_effect_is_made_three_times_and_then_shown_as_unknown() {
    let mut world = World::open_by_hand();
    world.flatten(Side::Sell, 100, 9_990);
    world.millis(20_000);
    assert_eq!(world.commands(CANCEL, LegRole::Stop).len(), 3);
    assert_eq!(world.state(LegRole::Stop), LegState::Unknown);
    // A position that is known is closed all the same.
    assert_eq!(world.commands(PLACE, LegRole::Flatten).len(), 1);
}

#[test]
fn a_flatten_that_is_lost_is_given_up_by_name_and_another_follows() {
    let mut world = World::open_by_hand();
    let lost = world.flatten(Side::Sell, 100, 9_990);
    for role in [LegRole::Stop, LegRole::Target] {
        world.status(role, LegState::Cancelled, 0, 0);
    }
    world.sent(PLACE, LegRole::Flatten, SentOutcome::Unknown);
    let (_, of_lost) = world.newest(PLACE, LegRole::Flatten);
    world.millis(30_000);
    assert_eq!(world.commands(CANCEL, LegRole::Flatten).len(), 3);
    let given_up = world.requests(RequestWhy::GivenUp);
    let named: Vec<_> = given_up
        .iter()
        .map(|one| (one.origin, one.side, one.qty))
        .collect();
    assert_eq!(
        named,
        [(lost, Side::Sell, 100)],
        "once, and by its own name"
    );
    // Risk makes another, which waits for the stop that stood in meanwhile; and the lost one fills
    // all the same: the other one ends.
    world.flatten(Side::Sell, 100, 9_980);
    world.status(LegRole::Stop, LegState::Cancelled, 0, 0);
    assert_eq!(world.commands(PLACE, LegRole::Flatten).len(), 2);
    world.sent(PLACE, LegRole::Flatten, SentOutcome::Sent);
    world.status(LegRole::Flatten, LegState::Working, 0, 100);
    world.fill_of(&of_lost, 100, 100, 100);
    assert_eq!(world.position(), 0);
    assert_eq!(world.commands(CANCEL, LegRole::Flatten).len(), 4);
    world.status(LegRole::Flatten, LegState::Cancelled, 0, 100);
    assert_eq!(world.stage.brackets(), 0);
    assert!(!world.stage.is_frozen(ONE), "all of it is explained");
}

#[test]
fn what_was_never_sent_is_abandoned_and_its_children_end() {
    let mut world = World::without_edge();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.sent(PLACE, LegRole::Entry, SentOutcome::NotSent);
    assert_eq!(world.state(LegRole::Entry), LegState::Abandoned);
    world.sent(PLACE, LegRole::Stop, SentOutcome::Sent);
    world.sent(PLACE, LegRole::Target, SentOutcome::NotSent);
    world.millis(1_500);
    assert_eq!(world.commands(CANCEL, LegRole::Stop).len(), 1);
    world.status(LegRole::Stop, LegState::Cancelled, 0, 0);
    assert_eq!(world.stage.brackets(), 0);
}

#[test]
fn the_credits_hold_and_cancels_go_first() {
    let mut world = World::without_edge();
    let most = gateway_config().unanswered_max - gateway_config().unanswered_reserved;
    for _ in 0..14 {
        world.entry(Side::Buy, 1, (10_001, 9_950, 10_050));
    }
    assert_eq!(world.stage.unanswered(), 14 * 3);
    world.entry(Side::Buy, 1, (10_001, 9_950, 10_050));
    assert_eq!(world.stage.unanswered(), 15 * 3);
    for n in 0..8 {
        let two = InstrumentId(2);
        world.derived(stream::StageId::Risk, two, |id| Order {
            origin: id,
            qty: 1 + n,
            side: Side::Buy,
            limit: cents(10_001),
            price_low: cents(9_000),
            price_high: cents(11_000),
            stop: cents(9_950),
            target: cents(10_050),
            ttl: Nanos::from_secs(600),
            ..Order::zeroed()
        });
    }
    assert_eq!(
        world.stage.unanswered() / 3,
        most / 3,
        "entries leave the reserve free"
    );
    world.best(9_000, 11_000, quality::GAPPED);
    assert_eq!(
        world.commands(CANCEL, LegRole::Entry).len(),
        15,
        "cancels use the reserve"
    );
    assert!(world.stage.unanswered() <= gateway_config().unanswered_max);
}

#[test]
fn a_restart_leaves_unanswered_commands_unknown_and_gives_the_credits_back() {
    let mut world = World::without_edge();
    world.entry(Side::Buy, 100, (10_001, 9_950, 10_050));
    world.sent(PLACE, LegRole::Stop, SentOutcome::Abandoned);
    world.input(InstrumentId::NONE, &Restart::zeroed());
    assert_eq!(world.state(LegRole::Entry), LegState::Unknown);
    assert_eq!(world.state(LegRole::Target), LegState::Unknown);
    world.status(LegRole::Entry, LegState::Working, 0, 100);
    assert_eq!(world.state(LegRole::Entry), LegState::Working);
}

#[test]
fn a_saved_state_works_on_where_it_stood() {
    let world = World::open_by_hand();
    let mut bytes = Vec::new();
    world.stage.save(&mut bytes);
    let mut other = World::without_edge();
    other.stage.load(&bytes).expect("its own bytes");
    assert_eq!(other.stage.state_hash(), world.stage.state_hash());
    other.seq = world.seq;
    other.now = world.now;
    other.log = world.log.clone();
    other.orders = world.orders;
    assert_eq!(other.position(), 100);
    other.fill(LegRole::Target, 100, 100, 100);
    other.status(LegRole::Stop, LegState::Cancelled, 0, 100);
    assert_eq!((other.position(), other.stage.brackets()), (0, 0));
    let hash = other.stage.state_hash();
    for cut in 0..bytes.len() {
        assert!(other.stage.load(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    assert_eq!(
        other.stage.state_hash(),
        hash,
        "a refused state changes nothing"
    );
}

#[test]
fn the_state_is_saved_every_so_often_and_once_at_the_close() {
    let mut world = World::without_edge();
    world.stage = GatewayStage::new(Config {
        checkpoint_every: Nanos::from_secs(300),
        ..gateway_config()
    });
    let close = START + Nanos::from_secs(100);
    let session = Session {
        open: START,
        close,
        ..Session::zeroed()
    };
    world.input(InstrumentId::NONE, &session);
    let mut saved = |second: u64| {
        let before = world.kinds(Kind::Checkpoint);
        world.now = START + Nanos::from_secs(second);
        world.tick(Timer::Housekeeping);
        world.kinds(Kind::Checkpoint) > before
    };
    assert_eq!([1, 2, 98].map(&mut saved), [true, false, false]);
    assert!(saved(99), "no tick may follow the close");
    assert_eq!([100, 101, 398].map(&mut saved), [false; 3], "once");
    assert!(saved(399));
}

#[test]
fn an_exit_of_which_the_broker_has_more_than_was_permitted_is_never_moved_beyond_it() {
    let mut world = World::open_by_hand();
    world.status(LegRole::Stop, LegState::Working, 0, 200);
    let (_, stop) = world.newest(PLACE, LegRole::Stop);
    let protect = Protect {
        origin: stop.origin,
        stop: cents(9_960),
        ..Protect::zeroed()
    };
    world.input(ONE, &protect);
    world.millis(5_000);
    for command in world.commands(CommandOp::Modify, LegRole::Stop) {
        assert!(command.qty <= 100, "{command:?}");
    }
    assert!(!world.requests(RequestWhy::Unprotected).is_empty());
}
