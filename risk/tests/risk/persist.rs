//! What is saved, and the hash of it.

use crate::common::sample::{config, dollars};
use crate::common::{A, B, CLOSE, Rig};
use risk::RiskStage;
use stream::payload::{ControlAction, LegRole, LinkState, StateHash, Timer};
use stream::{Kind, Money, Nanos, Qty, Side, Stage};

const ENTRY: LegRole = LegRole::Entry;

#[test]
fn state_goes_with_its_symbol_when_the_ids_of_a_day_differ() {
    let mut rig = Rig::ready();
    let order = rig.enter(A, Side::Buy);
    rig.reload(config());
    rig.start(false);
    rig.define(A, "MSFT", 1);
    rig.define(B, "AAPL", 1);
    assert_eq!(
        (rig.stage.position(A), rig.stage.position(B)),
        (Qty(0), Qty(100))
    );
    rig.fill(B, order.origin, LegRole::Target, (Side::Sell, 100, 10_102));
    assert!(!rig.stage.is_frozen(B), "its bracket went with it");
    rig.fee(B, 1, dollars(1));
    rig.fee(B, 2, dollars(1));
    assert_eq!(rig.trip().fees, dollars(2));
    // A third symbol takes the place of one that is not in today's universe.
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    rig.reload(config());
    rig.define(A, "MES", 5);
    assert_eq!(rig.stage.position(A), Qty(0));
    assert_eq!(
        rig.stage.day(),
        -dollars(2),
        "the position is kept elsewhere"
    );
}

#[test]
fn checkpoints_are_written_every_so_often_and_at_the_close() {
    let mut rig = Rig::ready();
    let chunks = |rig: &mut Rig| {
        rig.tick(Timer::Housekeeping);
        assert_eq!(rig.brought(Kind::StateHash), 1);
        rig.brought(Kind::Checkpoint)
    };
    assert_eq!(chunks(&mut rig), 0);
    rig.wait(Nanos::from_secs(300) - Nanos(1));
    assert_eq!(chunks(&mut rig), 0);
    rig.wait(Nanos(1));
    assert_eq!(chunks(&mut rig), 1);
    assert_eq!(chunks(&mut rig), 0);
    rig.now = CLOSE - Nanos::from_secs(10);
    assert_eq!(chunks(&mut rig), 1);
    rig.now = CLOSE - Nanos::SECOND;
    assert_eq!(
        chunks(&mut rig),
        1,
        "the last one, whenever the one before was"
    );
    rig.now = CLOSE;
    assert_eq!(chunks(&mut rig), 0, "once a session");
}

#[test]
fn damaged_states_are_refused_and_change_nothing() {
    let mut rig = Rig::ready();
    rig.enter(A, Side::Buy);
    let mut bytes = Vec::new();
    rig.stage.save(&mut bytes);
    let mut fresh = RiskStage::new(config());
    let empty = fresh.state_hash();
    for length in 0..bytes.len() {
        assert!(fresh.load(&bytes[..length]).is_err());
    }
    bytes.push(0);
    assert!(fresh.load(&bytes).is_err());
    bytes[0] = 99;
    assert!(fresh.load(&bytes).is_err());
    assert_eq!(fresh.state_hash(), empty);
}

#[test]
fn the_state_hash_sees_every_sort_of_change() {
    let mut rig = Rig::ready();
    let mut seen = vec![rig.stage.state_hash()];
    let mut next = |rig: &Rig, what: &str| {
        let hash = rig.stage.state_hash();
        assert!(!seen.contains(&hash), "{what}");
        seen.push(hash);
    };
    rig.best(A, 10_000, 10_003, 0);
    next(&rig, "a quote");
    let order = rig.wish(A, Side::Buy).expect("permitted");
    next(&rig, "a reservation");
    rig.fill(A, order.origin, ENTRY, (Side::Buy, 100, 10_002));
    next(&rig, "a fill");
    rig.fee(A, 1, Money(1));
    next(&rig, "a fee");
    rig.equity(dollars(100_001));
    next(&rig, "an equity");
    rig.control(ControlAction::Disarm, "anna", "");
    next(&rig, "arming");
    rig.control(ControlAction::Pause, "anna", "");
    next(&rig, "a latch");
    rig.link(LinkState::Down);
    next(&rig, "the link");
    rig.tick(Timer::Housekeeping);
    let emitted = rig.one::<StateHash>().hash;
    assert_eq!(emitted, rig.stage.state_hash());
}
