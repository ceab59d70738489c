//! What others do with a position of ours, and what the broker takes back of it: exits follow what
//! is still there, and what others added stays theirs.

mod world;

use stream::payload::*;
use stream::{FrameId, Side};
use world::*;

const PLACE: CommandOp = CommandOp::Place;
const MODIFY: CommandOp = CommandOp::Modify;
const CANCEL: CommandOp = CommandOp::Cancel;
const EXITS: [LegRole; 2] = [LegRole::Stop, LegRole::Target];

/// A trade that no order of ours made; `of`: one of ours that the broker takes back.
fn outside(world: &mut World, side: Side, qty: u32, of: FrameId) {
    let fill = Fill {
        origin: of,
        price: cents(10_000),
        qty,
        side,
        exec_id: 70_000 + u64::from(qty),
        ..Fill::zeroed()
    };
    world.input(ONE, &fill);
}

#[test]
fn a_trade_of_somebody_else_is_not_ours_to_protect() {
    let mut world = World::open_by_hand();
    outside(&mut world, Side::Buy, 7, FrameId::NONE);
    assert_eq!(world.position(), 107);
    assert!(world.stage.is_frozen(ONE));
    world.millis(30_000);
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
    assert!(world.commands(CANCEL, LegRole::Stop).is_empty());
    world.fill(LegRole::Stop, 100, 100, 100);
    world.millis(30_000);
    assert_eq!(world.position(), 7);
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
}

#[test]
fn exits_of_what_was_taken_back_or_closed_by_others_end() {
    let world = World::open_by_hand();
    let (_, stop) = world.newest(PLACE, LegRole::Stop);
    exits_end(world, stop.origin);
    exits_end(World::open_by_hand(), FrameId::NONE);
}

fn exits_end(mut world: World, of: FrameId) {
    outside(&mut world, Side::Sell, 100, of);
    assert_eq!(world.position(), 0);
    world.millis(500);
    assert!(world.commands(CANCEL, LegRole::Stop).is_empty());
    world.millis(1_500);
    for role in [LegRole::Stop, LegRole::Target] {
        assert_eq!(world.commands(CANCEL, role)[0].reason, Reason::Frozen);
        world.status(role, LegState::Cancelled, 0, 100);
    }
    assert_eq!(world.stage.brackets(), 0);
    world.millis(30_000);
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
}

#[test]
fn a_stop_that_fills_behind_a_bust_is_closed() {
    let mut world = World::open_by_hand();
    let (_, stop) = world.newest(PLACE, LegRole::Stop);
    outside(&mut world, Side::Sell, 100, stop.origin);
    world.fill(LegRole::Stop, 100, 100, 100);
    assert_eq!(world.position(), -100);
    world.millis(3_000);
    let asked = world.requests(RequestWhy::Unprotected);
    assert_eq!((asked[0].side, asked[0].qty), (Side::Buy, 100));
}

#[test]
fn a_correction_leaves_the_exits_alone() {
    let mut world = World::open_by_hand();
    let (_, stop) = world.newest(PLACE, LegRole::Stop);
    outside(&mut world, Side::Sell, 100, stop.origin);
    let again = Fill {
        origin: stop.origin,
        price: cents(10_001),
        qty: 100,
        side: Side::Buy,
        exec_id: 80_000,
        ..Fill::zeroed()
    };
    world.input(ONE, &again);
    world.millis(30_000);
    assert_eq!(world.position(), 100);
    assert!(world.commands(CANCEL, LegRole::Stop).is_empty());
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
}

/// The quantities to which exits of a role were modified.
fn modified(world: &World, role: LegRole) -> Vec<u32> {
    let commands = world.commands(MODIFY, role);
    commands.iter().map(|command| command.qty).collect()
}

#[test]
fn exits_shrink_with_what_others_closed_or_the_broker_took_back() {
    for (side, busted) in [
        (Side::Buy, false),
        (Side::Sell, false),
        (Side::Buy, true),
        (Side::Sell, true),
    ] {
        let mut world = World::without_edge();
        world.open(side);
        let (_, stop) = world.newest(PLACE, LegRole::Stop);
        let of = if busted { stop.origin } else { FrameId::NONE };
        outside(&mut world, side.opposite(), 7, of);
        assert_eq!(world.position(), side.sign() * 93);
        world.millis(900);
        assert!(
            modified(&world, LegRole::Stop).is_empty(),
            "it may be known"
        );
        world.millis(250);
        for role in EXITS {
            assert_eq!(modified(&world, role), [93], "{side:?} {busted} {role:?}");
            world.status(role, LegState::Working, 0, 93);
        }
        world.millis(30_000);
        assert!(world.requests(RequestWhy::Unprotected).is_empty());
        world.fill(LegRole::Stop, 93, 93, 93);
        world.status(LegRole::Target, LegState::Cancelled, 0, 93);
        assert_eq!((world.position(), world.stage.brackets()), (0, 0));
        world.millis(30_000);
        assert!(world.requests(RequestWhy::Unprotected).is_empty());
    }
}

#[test]
fn the_oldest_bracket_loses_what_others_closed() {
    let mut world = World::open_by_hand();
    let older = EXITS.map(|role| world.newest(PLACE, role).1.leg);
    world.open(Side::Buy);
    assert_eq!(world.position(), 200);
    outside(&mut world, Side::Sell, 107, FrameId::NONE);
    world.millis(1_250);
    for (role, older) in EXITS.into_iter().zip(older) {
        let ended = world.commands(CANCEL, role);
        assert_eq!((ended.len(), ended[0].leg), (1, older));
        let shrunk = world.commands(MODIFY, role);
        assert_eq!((shrunk.len(), shrunk[0].qty), (1, 93));
        assert_ne!(shrunk[0].leg, older);
    }
}

#[test]
fn an_arming_person_thaws_and_settles_whose_the_rest_is() {
    let mut world = World::open_by_hand();
    outside(&mut world, Side::Sell, 7, FrameId::NONE);
    world.millis(1_250);
    world.status(LegRole::Stop, LegState::Working, 0, 93);
    world.fill(LegRole::Stop, 93, 93, 93);
    world.status(LegRole::Target, LegState::Cancelled, 0, 93);
    for (by, frozen) in [("policy", true), ("", true), ("anna", false)] {
        let arm = Control {
            action: ControlAction::Arm,
            by: text(by),
            ..Control::zeroed()
        };
        world.input(stream::InstrumentId::NONE, &arm);
        assert_eq!(world.stage.is_frozen(ONE), frozen, "{by}");
    }
    // The 7 that closed ours are nobody's any more: all of the next position is protected.
    world.open(Side::Buy);
    world.millis(30_000);
    assert!(world.requests(RequestWhy::Unprotected).is_empty());
    assert_eq!(
        modified(&world, LegRole::Stop),
        [93],
        "the first one's only"
    );
}
