//! Six sorts of mismatch, each seeded; answers that are missing prove nothing.

use super::super::broker::{Executed, Execution, Handed, Held, NoAnswer, Standing, Unread, Value};
use super::*;
use stream::payload::{AccountValue, Command, LegRole, OrderType, Position};
use stream::{Nanos, Price, Qty, Side};

const ID: InstrumentId = InstrumentId(1);
const OTHER: InstrumentId = InstrumentId(2);
const CASH: Money = Money(100_000_000_000_000);

/// One stop of 100 that works at the broker as order 1.
fn desk() -> Desk {
    let mut desk = Desk::new(5_000_000_000_000, 7);
    let command = Command {
        leg: FrameId(11),
        origin: FrameId(10),
        trigger: Price(99_000_000_000),
        qty: 100,
        order_type: OrderType::Stop,
        side: Side::Sell,
        role: LegRole::Stop,
        ..Command::zeroed()
    };
    desk.commanded(FrameId(11), ID, &command);
    desk.wish(&command).expect("it may leave");
    desk.handed(FrameId(11), ID, &command, Handed::Yes, 0);
    desk.round_begins();
    let mut say = Vec::new();
    desk.stands(&stop().standing, 0, &mut say);
    assert_eq!(say.len(), 1);
    desk.on_position(
        ID,
        &Position {
            qty: Qty(100),
            ..Position::zeroed()
        },
    );
    desk.on_value(&AccountValue {
        value: CASH,
        field: AccountField::Cash,
        ..AccountValue::zeroed()
    });
    desk
}

fn stop() -> Known {
    Known {
        standing: Standing {
            order_id: 1,
            client_id: 7,
            perm_id: 501,
            stand: Stand::PreSubmitted,
            filled: Some(0),
            remaining: Some(100),
        },
        instrument: Some(ID),
        symbol: "AAPL".to_owned(),
        side: Side::Sell,
        qty: Some(100),
        limit: Price(0),
        trigger: Price(99_000_000_000),
        reference: "sp1.48c27395000.b".to_owned(),
    }
}

fn execution() -> Execution {
    Execution {
        id: "e.1.01".to_owned(),
        order_id: 1,
        client_id: 7,
        perm_id: 501,
        instrument: Some(ID),
        side: Side::Sell,
        qty: 100,
        price: Price(98_900_000_000),
        at: Nanos(6_000_000_000_000),
        reference: stop().reference,
        maker: None,
    }
}

fn executed() -> Executed {
    Executed {
        executions: vec![execution()],
        ..Executed::default()
    }
}

fn held(instrument: InstrumentId, qty: i64, fraction: i64) -> Held {
    Held {
        instrument: Some(instrument),
        con_id: 0,
        symbol: String::new(),
        qty: Qty(qty),
        fraction,
        average: Price(0),
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        open: Ok(vec![stop()]),
        ended: Ok(Vec::new()),
        executions: Ok(Executed::default()),
        positions: Ok(vec![held(ID, 100, 0)]),
        values: Ok(vec![Value {
            field: AccountField::Cash,
            value: CASH,
            currency: "USD".to_owned(),
        }]),
        profit: None,
    }
}

/// A whole round as the control thread goes through it.
fn judge(desk: &mut Desk, snapshot: &Snapshot, profit_slack: Money) -> Round {
    let mut round = Round {
        mismatches: orders(desk, snapshot),
        whole: snapshot.is_whole(),
        profit: None,
    };
    let mut say = Vec::new();
    for execution in snapshot.executions.iter().flat_map(|told| &told.executions) {
        desk.execution(execution, &mut say);
    }
    let heard = desk.executions();
    if let Ok(held) = &snapshot.positions {
        round.mismatches.extend(positions(desk, held, heard));
    }
    money(desk, snapshot, profit_slack, &mut round);
    round
}

fn found(snapshot: &Snapshot) -> Vec<Mismatch> {
    judge(&mut desk(), snapshot, Money(0)).mismatches
}

#[test]
fn what_agrees_is_silent() {
    assert_eq!(found(&snapshot()), []);
}

#[test]
fn each_sort_is_found() {
    let mut foreign = stop();
    foreign.reference = "by hand".to_owned();
    foreign.standing.perm_id = 900;
    let with = |change: &dyn Fn(&mut Snapshot)| {
        let mut seeded = snapshot();
        change(&mut seeded);
        found(&seeded)
    };
    let (instrument, leg) = (ID, FrameId(11));
    assert_eq!(
        with(&|s| s.open = Ok(vec![stop(), foreign.clone()])),
        [Mismatch::ForeignOrder {
            instrument: Some(ID),
            perm_id: 900
        }]
    );
    assert_eq!(
        with(&|s| s.open = Ok(Vec::new())),
        [Mismatch::MissingOrder {
            instrument,
            leg,
            sought: false
        }]
    );
    let moved = Known {
        trigger: Price(97_000_000_000),
        ..stop()
    };
    assert_eq!(
        with(&|s| s.open = Ok(vec![moved.clone()])),
        [Mismatch::OtherTerms {
            instrument,
            leg,
            own: Price(99_000_000_000),
            broker: moved.trigger,
        }]
    );
    assert_eq!(
        with(&|s| s.positions = Ok(vec![held(ID, 60, 0), held(OTHER, 5, 0)])),
        [
            Mismatch::OtherPosition {
                instrument,
                own: 100,
                broker: 60,
                fraction: 0,
                crossed: false,
            },
            Mismatch::OtherPosition {
                instrument: OTHER,
                own: 0,
                broker: 5,
                fraction: 0,
                crossed: false,
            }
        ]
    );
    assert_eq!(
        with(&|s| {
            if let Ok(values) = &mut s.values {
                values[0].value = Money(CASH.0 - 2_000_000_000);
            }
        }),
        [Mismatch::OtherCash {
            own: CASH,
            broker: Money(CASH.0 - 2_000_000_000)
        }]
    );
}

#[test]
fn a_missed_execution_explains_position_and_cash() {
    let mut seeded = snapshot();
    seeded.executions = Ok(executed());
    seeded.positions = Ok(Vec::new());
    if let Ok(values) = &mut seeded.values {
        values[0].value = Money(CASH.0 + 9_890_000_000_000);
    }
    assert_eq!(
        found(&seeded),
        [Mismatch::MissedExecution {
            instrument: Some(ID),
            id: "e.1.01".to_owned()
        }]
    );
}

/// The stop's instrument is a future of 50 units; `before` was held when the journal began.
fn desk_of_a_future(before: i64) -> Desk {
    let mut desk = Desk::new(5_000_000_000_000, 7);
    desk.set_units(ID, 50, true);
    let qty = Qty(before);
    let position = Position {
        qty,
        ..Position::zeroed()
    };
    desk.on_position(ID, &position);
    let cash = AccountValue {
        value: CASH,
        field: AccountField::Cash,
        ..AccountValue::zeroed()
    };
    desk.on_value(&cash);
    desk.round_begins();
    desk
}

/// A round behind which `qty` are held, at that cash, with a trade of two on that side before it.
fn traded(n: u32, side: Side, price: i64, (qty, cash): (i64, i64)) -> Snapshot {
    let execution = Execution {
        id: format!("f.{n}.01"),
        side,
        qty: 2,
        price: Price(price * 1_000_000_000),
        reference: String::new(),
        ..execution()
    };
    let mut seeded = snapshot();
    seeded.open = Ok(Vec::new());
    seeded.executions = Ok(Executed {
        executions: vec![execution],
        ..Executed::default()
    });
    seeded.positions = Ok(vec![held(ID, qty, 0)]);
    if let Ok(values) = &mut seeded.values {
        values[0].value = Money(CASH.0 + cash * 1_000_000_000);
    }
    seeded
}

#[test]
fn a_future_that_is_held_has_moved_no_cash_by_its_price() {
    let mut desk = desk_of_a_future(0);
    let mut streak = Streak::default();
    // Two at 5,000 times 50; the mark rises by one, then stands still.
    for cash in [0, 100, 100, 100] {
        let round = judge(&mut desk, &traded(1, Side::Buy, 5_000, (2, cash)), Money(0));
        let cash = |one: &Mismatch| matches!(one, Mismatch::OtherCash { .. });
        assert!(!round.mismatches.iter().any(cash), "{:?}", round.mismatches);
        assert!(!streak.take(&round));
    }
    // Sold at 5,003: what it gained is cash, and is compared again.
    let agrees = traded(2, Side::Sell, 5_003, (0, 300));
    judge(&mut desk, &agrees, Money(0));
    assert_eq!(judge(&mut desk, &agrees, Money(0)).mismatches, []);
    let differs = traded(2, Side::Sell, 5_003, (0, 302));
    let own = Money(CASH.0 + 300_000_000_000);
    let broker = Money(CASH.0 + 302_000_000_000);
    // A fee of each side is awaited: three dollars are within the slack, five are not.
    assert_eq!(judge(&mut desk, &differs, Money(0)).mismatches, []);
    let broker = Money(broker.0 + 3_000_000_000);
    let differs = traded(2, Side::Sell, 5_003, (0, 305));
    let other = Mismatch::OtherCash { own, broker };
    assert_eq!(judge(&mut desk, &differs, Money(0)).mismatches, [other]);
}

#[test]
fn cash_that_was_first_heard_of_with_a_future_held_is_no_beginning() {
    let mut desk = desk_of_a_future(2);
    assert_eq!(desk.base().cash, None);
    let closed = traded(1, Side::Sell, 5_000, (0, 0));
    judge(&mut desk, &closed, Money(0));
    assert_eq!(judge(&mut desk, &closed, Money(0)).mismatches, []);
    // One that this journal opened: the first word behind its end is.
    let mut desk = Desk::new(5_000_000_000_000, 7);
    desk.set_units(ID, 50, true);
    judge(&mut desk, &traded(1, Side::Buy, 5_000, (2, 0)), Money(0));
    let cash = AccountValue {
        value: Money(CASH.0 + 100_000_000_000),
        field: AccountField::Cash,
        ..AccountValue::zeroed()
    };
    desk.on_value(&cash);
    assert_eq!(desk.base().cash, None);
    judge(&mut desk, &traded(2, Side::Sell, 5_001, (0, 100)), Money(0));
    desk.on_value(&cash);
    assert_eq!(desk.base().cash, Some(CASH));
}

#[test]
fn an_execution_of_others_outside_the_universe_is_missed_by_nobody() {
    let mut seeded = snapshot();
    let elsewhere = Execution {
        id: "x.1.01".to_owned(),
        instrument: None,
        reference: String::new(),
        ..executed().executions[0].clone()
    };
    if let Ok(seeded) = &mut seeded.executions {
        seeded.executions.push(elsewhere);
    }
    assert_eq!(found(&seeded), []);
}

#[test]
fn an_execution_that_cannot_be_read_is_one_that_we_do_not_have_until_it_is_told() {
    let half = |id: &str, instrument, at| Unread {
        id: id.to_owned(),
        instrument,
        symbol: String::new(),
        at,
        why: String::new(),
    };
    let now = Nanos(6_000_000_000_000);
    let mut seeded = snapshot();
    if let Ok(executed) = &mut seeded.executions {
        executed.unread = vec![
            half("h.1.01", Some(ID), now),
            half("h.2.01", None, now),
            half("h.3.01", Some(ID), Nanos(1)),
        ];
    }
    let mut desk = desk();
    let round = judge(&mut desk, &seeded, Money(0));
    let missed = Mismatch::MissedExecution {
        instrument: Some(ID),
        id: "h.1.01".to_owned(),
    };
    assert!(round.whole, "the rest of the answer stands");
    assert_eq!(round.mismatches, [missed]);
    for unread in &seeded.executions.as_ref().expect("read").unread {
        desk.unread(unread, &mut Vec::new());
    }
    assert_eq!(judge(&mut desk, &seeded, Money(0)).mismatches, []);
}

#[test]
fn what_is_handed_over_meanwhile_is_not_held_against_the_answers() {
    let mut desk = desk();
    let moved = Command {
        leg: FrameId(11),
        trigger: Price(99_500_000_000),
        qty: 100,
        op: stream::payload::CommandOp::Modify,
        ..Command::zeroed()
    };
    desk.commanded(FrameId(12), ID, &moved);
    let asked_before = judge(&mut desk, &snapshot(), Money(0));
    assert_eq!(asked_before.mismatches, []);
    desk.round_begins();
    let asked_behind = judge(&mut desk, &snapshot(), Money(0));
    assert_eq!(asked_behind.mismatches.len(), 1);
}

#[test]
fn a_question_without_an_answer_proves_nothing() {
    for hole in 0..5 {
        let mut seeded = Snapshot {
            open: Ok(Vec::new()),
            ended: Ok(Vec::new()),
            executions: Ok(executed()),
            positions: Ok(Vec::new()),
            values: Ok(Vec::new()),
            profit: None,
        };
        match hole {
            0 => seeded.open = Err(NoAnswer::Late),
            1 => seeded.ended = Err(NoAnswer::Lost),
            2 => seeded.executions = Err(NoAnswer::Late),
            3 => seeded.positions = Err(NoAnswer::Late),
            _ => seeded.values = Err(NoAnswer::Late),
        }
        let round = judge(&mut desk(), &seeded, Money(0));
        assert!(!round.whole, "{hole}");
        let missing = round
            .mismatches
            .iter()
            .any(|m| matches!(m, Mismatch::MissingOrder { .. }));
        assert_eq!(missing, hole > 1, "{hole}");
        let flat = round
            .mismatches
            .iter()
            .any(|m| matches!(m, Mismatch::OtherPosition { .. }));
        // Without executions a position of zero is a difference; with one it is explained; and
        // without positions nothing is said at all.
        assert_eq!(flat, hole == 2, "{hole}");
    }
}

#[test]
fn fractions_are_a_difference() {
    let mut seeded = snapshot();
    seeded.positions = Ok(vec![held(ID, 100, 250_000_000)]);
    assert!(matches!(
        found(&seeded)[..],
        [Mismatch::OtherPosition {
            fraction: 250_000_000,
            ..
        }]
    ));
}

#[test]
fn what_lasts_two_rounds_halts_entries_and_what_is_settled_does_not() {
    let mut streak = Streak::default();
    let differing = Round {
        mismatches: vec![Mismatch::ForeignOrder {
            instrument: None,
            perm_id: 1,
        }],
        whole: true,
        profit: None,
    };
    let clean = Round {
        mismatches: Vec::new(),
        whole: true,
        profit: None,
    };
    let unanswered = Round {
        whole: false,
        ..clean.clone()
    };
    assert!(!streak.take(&differing));
    assert!(!streak.take(&clean));
    assert!(!streak.take(&differing));
    assert!(!streak.take(&unanswered), "it ends no streak");
    assert!(streak.take(&differing));
    let missed = Round {
        mismatches: vec![Mismatch::MissedExecution {
            instrument: None,
            id: "x".to_owned(),
        }],
        whole: true,
        profit: None,
    };
    let mut streak = Streak::default();
    assert!(!streak.take(&missed));
    assert!(!streak.take(&missed), "it was applied");
}

#[test]
fn a_position_that_crosses_an_execution_twice_by_the_same_figures_halts_nothing() {
    // Each time the entry's position is on its way when the exit is heard of: by the same figures,
    // because every trip is as large as the last.
    let late = |desk: &mut Desk, number: u32| {
        let heard = desk.executions();
        let exit = Execution {
            id: format!("e.{number}.01"),
            qty: if number == 1 { 100 } else { 0 },
            ..execution()
        };
        desk.execution(&exit, &mut Vec::new());
        Round {
            mismatches: positions(desk, &[held(ID, 100, 0)], heard),
            whole: true,
            profit: None,
        }
    };
    let (mut streak, mut desk) = (Streak::default(), desk());
    for number in 1..9 {
        let round = late(&mut desk, number);
        assert!(matches!(
            round.mismatches[..],
            [Mismatch::OtherPosition {
                own: 0,
                broker: 100,
                crossed: true,
                ..
            }]
        ));
        assert!(!streak.take(&round), "it proves nothing");
    }
    // Nothing trades any more, and it is still there: the first proof, and the second.
    let still = judge(&mut desk, &snapshot(), Money(0));
    assert!(!still.is_clean());
    assert!(!streak.take(&still));
    assert!(streak.take(&judge(&mut desk, &snapshot(), Money(0))));
}

#[test]
fn an_order_that_is_looked_up_and_not_found_halts_nothing_and_one_that_vanished_does() {
    let missing = |leg, sought| Round {
        mismatches: vec![Mismatch::MissingOrder {
            instrument: ID,
            leg: FrameId(leg),
            sought,
        }],
        whole: true,
        profit: None,
    };
    // Refused by a number that was used before: unknown from the start, one after the other.
    let mut streak = Streak::default();
    for leg in 1..9 {
        assert!(!streak.take(&missing(leg, true)));
        assert!(!streak.take(&missing(leg, true)), "it counts as gone now");
    }
    // One that worked is looked up from the first round on in which it is not there.
    let gone = Snapshot {
        open: Ok(Vec::new()),
        ..snapshot()
    };
    let mut desk = desk();
    let vanished = judge(&mut desk, &gone, Money(0));
    assert_eq!(vanished.mismatches, missing(11, false).mismatches);
    assert!(!streak.take(&vanished));
    desk.compare(Nanos(6_000_000_000_000), (&[], &[]), &mut Vec::new());
    desk.round_begins();
    let sought = judge(&mut desk, &gone, Money(0));
    assert_eq!(sought.mismatches, missing(11, true).mismatches);
    assert!(streak.take(&sought), "nobody knows where it went");
}

#[test]
fn another_profit_is_told_twice_and_shuts_nothing() {
    // What was held before cannot be compared; from here on nothing was.
    let mut desk = Desk::new(5_000_000_000_000, 7);
    let at = Nanos(1_795_194_000_000_000_000);
    desk.on_profit(at, Money(0));
    let said = |daily| {
        let mut seen = Seen {
            at,
            ..Seen::default()
        };
        seen.total.daily = Money(daily);
        Snapshot {
            open: Ok(Vec::new()),
            positions: Ok(Vec::new()),
            profit: Some(seen),
            ..snapshot()
        }
    };
    let mut says = |daily| judge(&mut desk, &said(daily), Money(1_000));
    let agrees = says(1_000);
    assert_eq!(agrees.result(), RoundResult::Agrees);
    assert_eq!(agrees.profit, Some((Money(0), Money(1_000))));
    let differs = says(1_001);
    let (own, broker) = (Money(0), Money(1_001));
    assert_eq!(differs.mismatches, [Mismatch::OtherProfit { own, broker }]);
    assert!(differs.is_clean(), "it shuts nothing");
    assert!(differs.mismatches[0].is_same(&says(5_000).mismatches[0]));
    let report = differs.report(RoundCause::EndOfDay, said(1_001).profit.as_ref());
    assert_eq!((report.other_profit, report.profit_compared), (1, 1));
    assert_eq!(report.result, RoundResult::Differs);
    assert_eq!((report.profit, report.own_profit), (broker, own));
    let mut streak = Streak::default();
    assert!(!streak.take(&differs));
    assert!(!streak.take(&differs), "it halts nothing");
    // Something is held that is not ours: its price moves the account's profit too.
    let mut foreign = said(1_001);
    foreign.positions = Ok(vec![Held {
        instrument: None,
        ..held(ID, 5, 0)
    }]);
    let round = judge(&mut desk, &foreign, Money(1_000));
    assert_eq!(round.profit, None);
}

#[test]
fn rounds_that_ask_again_are_judged_in_their_time_and_not_before() {
    let mut judged = Judged::default();
    let every = Nanos::from_secs(30);
    assert!(judged.takes(Nanos::from_secs(100), false, every));
    let soon: Vec<u64> = (101..=165)
        .filter(|second| judged.takes(Nanos::from_secs(*second), true, every))
        .collect();
    assert_eq!(soon, [130, 160]);
    assert!(judged.takes(Nanos::from_secs(166), false, every));
}
