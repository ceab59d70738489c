//! Our orders at the broker: brackets, partial fills, corrections, restarts, foreign orders.

use super::*;
use crate::ibkr::broker::{Execution, Notice, Stand, Standing, Unread, Update};
use stream::Money;

const JOURNAL: u64 = 10_000 * 1_000_000_000;
const ID: InstrumentId = InstrumentId(1);
const CLIENT: i32 = 7;

fn command(leg: u64, role: LegRole, parent: u64) -> Command {
    let stop = role == LegRole::Stop;
    Command {
        leg: FrameId(leg),
        origin: FrameId(90),
        parent_leg: FrameId(parent),
        oca: if role == LegRole::Entry { 0 } else { 90 },
        limit: if stop {
            Price(0)
        } else {
            Price(100_000_000_000)
        },
        trigger: if stop {
            Price(99_000_000_000)
        } else {
            Price(0)
        },
        qty: 100,
        op: CommandOp::Place,
        order_type: if stop {
            OrderType::Stop
        } else {
            OrderType::Limit
        },
        side: if role == LegRole::Entry {
            Side::Buy
        } else {
            Side::Sell
        },
        role,
        ..Command::zeroed()
    }
}

fn place(desk: &mut Desk, command: &Command) -> Wish {
    desk.commanded(command.leg, ID, command);
    let wish = desk.wish(command).expect("it may leave");
    desk.handed(command.leg, ID, command, Handed::Yes, 0);
    wish
}

/// A bracket: entry 11, stop 12, target 13, with order numbers from 41.
fn bracket() -> (Desk, Vec<Wish>) {
    let mut desk = Desk::new(JOURNAL, CLIENT);
    desk.raise_ids(41);
    let legs = [
        command(11, LegRole::Entry, 0),
        command(12, LegRole::Stop, 11),
        command(13, LegRole::Target, 11),
    ];
    let wishes = legs.iter().map(|leg| place(&mut desk, leg)).collect();
    (desk, wishes)
}

fn standing(order_id: i32, stand: Stand, filled: u32) -> Standing {
    Standing {
        order_id,
        client_id: CLIENT,
        perm_id: 1_000 + i64::from(order_id),
        stand,
        filled: Some(filled),
        remaining: Some(100 - filled),
    }
}

fn stands(desk: &mut Desk, order_id: i32, stand: Stand, filled: u32) -> Vec<LegState> {
    let mut say = Vec::new();
    desk.stands(&standing(order_id, stand, filled), 0, &mut say);
    states(&say)
}

fn states(say: &[Say]) -> Vec<LegState> {
    say.iter()
        .filter_map(|say| match say {
            Say::Status(_, status) => Some(status.state),
            _ => None,
        })
        .collect()
}

fn execution(id: &str, order_id: i32, qty: u32, price: i64) -> Execution {
    Execution {
        id: id.to_owned(),
        order_id,
        client_id: CLIENT,
        perm_id: 1_041,
        instrument: Some(ID),
        side: Side::Buy,
        qty,
        price: Price(price),
        at: Nanos(JOURNAL + 5_000_000_000),
        reference: String::new(),
        maker: None,
    }
}

fn executed(desk: &mut Desk, execution: &Execution) -> Vec<Fill> {
    let mut say = Vec::new();
    desk.execution(execution, &mut say);
    say.into_iter()
        .filter_map(|say| match say {
            Say::Fill(_, fill) => Some(fill),
            _ => None,
        })
        .collect()
}

fn known(wish: &Wish, client_id: i32, stand: Stand) -> Known {
    Known {
        standing: Standing {
            client_id,
            ..standing(wish.order_id, stand, 0)
        },
        instrument: Some(ID),
        symbol: "AAPL".to_owned(),
        side: wish.side,
        qty: Some(wish.qty),
        limit: wish.limit,
        trigger: wish.trigger,
        reference: wish.reference.clone(),
    }
}

#[test]
fn a_bracket_is_held_until_its_stop_stands_behind_the_entry() {
    let (_, wishes) = bracket();
    let ids: Vec<_> = wishes.iter().map(|w| (w.order_id, w.parent_id)).collect();
    assert_eq!(ids, [(41, 0), (42, 41), (43, 41)]);
    let transmit: Vec<_> = wishes.iter().map(|wish| wish.transmit).collect();
    assert_eq!(transmit, [false, true, true]);
    assert!(wishes[0].group.is_empty());
    assert_eq!(wishes[1].group, wishes[2].group);
    assert_eq!(wishes[0].reference, "sp1.9184e72a000.b");
}

#[test]
fn the_same_leg_never_has_two_numbers() {
    let (mut desk, wishes) = bracket();
    let modify = Command {
        op: CommandOp::Modify,
        trigger: Price(98_000_000_000),
        ..command(12, LegRole::Stop, 0)
    };
    desk.commanded(FrameId(20), ID, &modify);
    let again = desk.wish(&modify).expect("a working stop may move");
    assert_eq!((again.order_id, again.parent_id), (42, 41));
    assert_eq!(again.reference, wishes[1].reference);
    assert_eq!(again.trigger, Price(98_000_000_000));
    assert!(again.transmit);
    assert_eq!(
        desk.wish(&command(99, LegRole::Stop, 0)),
        Err(CannotLeave::NoOrder)
    );
}

#[test]
fn statuses_are_told_when_they_are_news_and_never_backwards_from_an_end() {
    let (mut desk, _) = bracket();
    use Stand as B;
    assert_eq!(stands(&mut desk, 41, B::Pending, 0), []);
    assert_eq!(stands(&mut desk, 41, B::Submitted, 0), [LegState::Working]);
    assert_eq!(stands(&mut desk, 41, B::Submitted, 0), []);
    assert_eq!(
        stands(&mut desk, 41, B::Submitted, 30),
        [LegState::PartlyFilled]
    );
    assert_eq!(
        stands(&mut desk, 41, B::Submitted, 60),
        [LegState::PartlyFilled]
    );
    assert_eq!(stands(&mut desk, 41, B::Filled, 100), [LegState::Filled]);
    for late in [B::Submitted, B::PreSubmitted, B::Cancelled] {
        assert_eq!(stands(&mut desk, 41, late, 100), []);
    }
}

#[test]
fn a_stop_protects_once_its_entry_has_traded() {
    let (mut desk, _) = bracket();
    assert_eq!(
        stands(&mut desk, 42, Stand::PreSubmitted, 0),
        [LegState::Held]
    );
    assert!(!desk.wants_a_look());
    assert_eq!(
        executed(&mut desk, &execution("x.1.01", 41, 40, 100)).len(),
        1
    );
    assert!(desk.wants_a_look(), "somebody has to ask whether it works");
    assert_eq!(
        stands(&mut desk, 42, Stand::PreSubmitted, 0),
        [LegState::Working]
    );
    assert!(!desk.wants_a_look());
}

#[test]
fn an_execution_counts_once_whatever_arrives_how_often() {
    let (mut desk, _) = bracket();
    let first = execution("e0.b1.01.01", 41, 40, 100);
    let fills = executed(&mut desk, &first);
    assert_eq!(
        (fills[0].leg, fills[0].qty, fills[0].filled),
        (FrameId(11), 40, 40)
    );
    assert_eq!(fills[0].ordered, 100);
    assert!(executed(&mut desk, &first).is_empty());
    assert!(executed(&mut desk, &first).is_empty());
    let second = executed(&mut desk, &execution("e0.b1.02.01", 41, 60, 100));
    assert_eq!(second[0].filled, 100);
    assert_eq!((desk.position(ID), desk.executions()), (100, 2));
}

#[test]
fn a_correction_takes_back_what_was_told_and_a_bust_leaves_nothing() {
    let (mut desk, _) = bracket();
    executed(&mut desk, &execution("e0.b1.01.01", 41, 40, 100));
    let fills = executed(&mut desk, &execution("e0.b1.01.02", 41, 35, 101));
    let told: Vec<_> = fills.iter().map(|f| (f.side, f.qty, f.price.0)).collect();
    assert_eq!(told, [(Side::Sell, 40, 100), (Side::Buy, 35, 101)]);
    assert!(fills.iter().all(|fill| fill.leg.is_none()));
    assert_ne!(fills[0].exec_id, fills[1].exec_id);
    assert_eq!(desk.position(ID), 35);
    assert!(executed(&mut desk, &execution("e0.b1.01.01", 41, 40, 100)).is_empty());
    let bust = executed(&mut desk, &execution("e0.b1.01.03", 41, 0, 101));
    assert_eq!((bust.len(), bust[0].side, bust[0].qty), (1, Side::Sell, 35));
    assert_eq!(desk.position(ID), 0);
}

#[test]
fn a_fee_goes_over_to_a_correction_and_comes_back_with_a_bust() {
    let (mut desk, _) = bracket();
    let mut say = Vec::new();
    desk.execution(&execution("e0.b1.01.01", 41, 40, 100), &mut say);
    let fee = Fee {
        exec: "e0.b1.01.01".to_owned(),
        amount: Money(350),
        currency: "USD".to_owned(),
    };
    desk.fee(&fee, &mut say);
    let cash = desk.base().moved;
    desk.execution(&execution("e0.b1.01.02", 41, 40, 101), &mut say);
    assert_eq!(desk.base().moved, cash - 40);
    desk.execution(&execution("e0.b1.01.03", 41, 0, 101), &mut say);
    assert_eq!(desk.base().moved, 0, "as if nothing had been");
    let fees = say.iter().filter_map(|say| match say {
        Say::Commission(_, commission) => Some(commission.fee.0),
        _ => None,
    });
    assert_eq!(fees.collect::<Vec<_>>(), [350, -350, 350, -350]);
    assert_eq!(desk.fees_awaited(), 0);
    let late = Fee {
        exec: "e0.b2.01.01".to_owned(),
        ..fee
    };
    desk.execution(&execution("e0.b2.01.01", 41, 10, 100), &mut say);
    desk.execution(&execution("e0.b2.01.02", 41, 10, 100), &mut say);
    let cash = desk.base().moved;
    desk.fee(&late, &mut say);
    assert_eq!((desk.base().moved, desk.fees_awaited()), (cash - 350, 0));
}

#[test]
fn a_fee_waits_for_its_execution() {
    let (mut desk, _) = bracket();
    let fee = Fee {
        exec: "e0.b1.01.01".to_owned(),
        amount: Money(350_000_000),
        currency: "USD".to_owned(),
    };
    let mut say = Vec::new();
    desk.fee(&fee, &mut say);
    assert!(say.is_empty());
    desk.execution(&execution("e0.b1.01.01", 41, 40, 100), &mut say);
    let [Say::Fill(_, fill), Say::Commission(_, commission)] = say[..] else {
        panic!("{say:?}");
    };
    assert_eq!(fill.exec_id, commission.exec_id);
    assert_eq!(
        (commission.fee, commission.origin),
        (fee.amount, FrameId(90))
    );
}

#[test]
fn codes_end_orders_only_where_that_is_sure() {
    let (mut desk, _) = bracket();
    let mut hear = |order_id: i32, code: i32, text: &str| {
        let mut say = Vec::new();
        let notice = Notice {
            id: Some(order_id),
            code,
            text: text.to_owned(),
        };
        desk.update(Nanos(1), &Update::Notice(notice), &mut say);
        states(&say)
    };
    assert_eq!(hear(41, 399, "Warning: held until the open"), []);
    assert_eq!(hear(41, 2109, "outside RTH"), []);
    assert_eq!(hear(41, 201, "no funds"), [LegState::Rejected]);
    assert_eq!(hear(41, 201, "no funds"), []);
    assert_eq!(hear(42, 161, "cannot be cancelled"), [LegState::Unknown]);
    assert_eq!(hear(43, 7_777, "news to us"), [LegState::Unknown]);
    assert_eq!(hear(99, 201, "someone else's"), []);
}

#[test]
fn a_refused_change_does_not_end_what_works() {
    let (mut desk, _) = bracket();
    stands(&mut desk, 43, Stand::Submitted, 0);
    let mut say = Vec::new();
    desk.notice(43, 110, "price off the grid", &mut say);
    assert_eq!(states(&say), [LegState::Unknown]);
    assert!(desk.wants_a_look());
}

#[test]
fn a_number_that_was_used_is_never_used_again() {
    let (mut desk, _) = bracket();
    let mut say = Vec::new();
    desk.notice(43, 103, "duplicate", &mut say);
    assert_eq!(
        states(&say),
        [LegState::Unknown],
        "the earlier order may live"
    );
    desk.raise_ids(5);
    let next = place(&mut desk, &command(21, LegRole::Flatten, 0));
    assert_eq!(next.order_id, 44);
}

#[test]
fn what_is_not_found_is_unknown_once_and_gone_twice() {
    let (mut desk, wishes) = bracket();
    stands(&mut desk, 42, Stand::Submitted, 0);
    let open = [known(&wishes[1], CLIENT, Stand::Submitted)];
    let mut say = Vec::new();
    assert_eq!(
        desk.compare(Nanos(5), (&open, &[]), &mut say),
        0,
        "just handed over"
    );
    desk.round_begins();
    assert_eq!(desk.compare(Nanos(5), (&open, &[]), &mut say), 2);
    assert_eq!(states(&say), [LegState::Unknown; 2]);
    say.clear();
    assert_eq!(desk.compare(Nanos(5), (&open, &[]), &mut say), 2);
    assert_eq!(states(&say), [LegState::Cancelled; 2]);
    say.clear();
    assert_eq!(desk.compare(Nanos(5), (&open, &[]), &mut say), 0);
    assert!(say.is_empty());
    assert!(desk.entry(FrameId(12)).expect("the stop").is_open());
    // It was on its way all the time, and works now: nobody's order, which freezes its symbol.
    desk.round_begins();
    let late = [known(&wishes[0], CLIENT, Stand::Submitted), open[0].clone()];
    desk.compare(Nanos(6), (&late, &[]), &mut say);
    assert!(matches!(say[..], [Say::Fault(ID, _)]), "{say:?}");
    assert_eq!(desk.orphans().count(), 1);
}

#[test]
fn another_process_knows_its_orders_by_their_reference() {
    let (desk, wishes) = bracket();
    let mut frames = stream::stage::Collected::default();
    let mut draft = stream::Draft::new();
    for (index, role) in [(11, LegRole::Entry), (12, LegRole::Stop)] {
        draft.write(ID, &command(index, role, 0));
        let header = draft.header_mut();
        (header.seq, header.sub) = (FrameId(index).seq(), FrameId(index).sub());
        header.ts = Nanos(JOURNAL);
        stream::Out::put(&mut frames, draft.frame());
    }
    let mut again = Desk::new(0, CLIENT);
    for frame in frames.iter() {
        again.on_frame(frame);
    }
    assert_eq!(again.journal(), desk.journal());
    let mut say = Vec::new();
    again.restarted(&mut say);
    let sent = say
        .iter()
        .filter(|say| matches!(say, Say::Sent(_, sent) if sent.outcome == SentOutcome::Unknown));
    assert_eq!(sent.count(), 2);
    assert!(again.wants_a_look());
    say.clear();
    let found = known(&wishes[1], CLIENT, Stand::Submitted);
    again.known(Nanos(5), &found, &mut say);
    assert_eq!(states(&say), [LegState::Working]);
    assert_eq!(again.cancel(FrameId(12)), Ok(42));
    assert_eq!(again.cancel(FrameId(11)), Err(CannotLeave::NoOrder));
    let next = place(&mut again, &command(21, LegRole::Flatten, 0));
    assert_eq!(next.order_id, 43, "behind the highest number that was seen");
}

#[test]
fn orders_that_ended_are_known_by_their_reference_alone() {
    let (mut desk, wishes) = bracket();
    stands(&mut desk, 43, Stand::Submitted, 0);
    let mut ended = known(&wishes[2], 0, Stand::Cancelled);
    ended.standing.order_id = 0;
    let mut say = Vec::new();
    desk.known(Nanos(5), &ended, &mut say);
    assert_eq!(states(&say), [LegState::Cancelled]);
    assert_eq!(desk.orphans().count(), 0);
}

#[test]
fn what_an_order_filled_may_be_told_behind_its_end() {
    let (mut desk, wishes) = bracket();
    stands(&mut desk, 43, Stand::Submitted, 0);
    // The broker has made it smaller, and says only that it is over.
    let mut over = known(&wishes[2], CLIENT, Stand::Filled);
    over.standing.filled = None;
    let mut say = Vec::new();
    desk.known(Nanos(5), &over, &mut say);
    assert!(matches!(say[..], [Say::Status(_, status)] if status.filled == 0));
    over.standing.filled = Some(60);
    say.clear();
    desk.known(Nanos(6), &over, &mut say);
    assert!(matches!(say[..], [Say::Status(_, status)]
        if status.filled == 60 && status.state == LegState::Filled));
    say.clear();
    desk.known(Nanos(7), &over, &mut say);
    assert!(say.is_empty(), "it is known");
    assert!(
        stands(&mut desk, 43, Stand::Cancelled, 80).is_empty(),
        "it is over"
    );
}

#[test]
fn foreign_orders_and_executions_are_orphans_that_freeze_their_symbol() {
    let (mut desk, wishes) = bracket();
    let mut foreign = known(&wishes[0], 0, Stand::Submitted);
    foreign.reference = "typed by hand".to_owned();
    let mut say = Vec::new();
    desk.known(Nanos(5), &foreign, &mut say);
    assert!(matches!(say[..], [Say::Fault(ID, fault)] if fault.code == FaultCode::Unreconciled));
    assert_eq!(desk.orphans().count(), 1);
    say.clear();
    desk.compare(Nanos(5), (&[], &[]), &mut say);
    assert_eq!(desk.orphans().count(), 0, "it is gone from the broker");
    let manual = Execution {
        client_id: 0,
        order_id: 0,
        ..execution("m.01", 0, 10, 100)
    };
    let fills = executed(&mut desk, &manual);
    assert!(fills[0].leg.is_none() && fills[0].qty == 10);
    let yesterday = Execution {
        at: Nanos(JOURNAL - 3_600_000_000_000),
        ..execution("y.01", 0, 10, 100)
    };
    assert!(
        executed(
            &mut desk,
            &Execution {
                client_id: 0,
                ..yesterday
            }
        )
        .is_empty()
    );
    assert_eq!(desk.position(ID), 10);
}

#[test]
fn an_execution_that_cannot_be_read_freezes_its_symbol_once() {
    let (mut desk, _) = bracket();
    let half = |id: &str, instrument, at| {
        Update::Unread(Box::new(Unread {
            id: id.to_owned(),
            instrument,
            symbol: "AAPL".to_owned(),
            at,
            why: "quantity 0.5: Fraction".to_owned(),
        }))
    };
    let mut hear = |update: Update| {
        let mut say = Vec::new();
        desk.update(Nanos(5), &update, &mut say);
        say
    };
    let later = Nanos(JOURNAL + 5_000_000_000);
    let said = hear(half("h.01", Some(ID), later));
    assert!(matches!(said[..], [Say::Fault(ID, fault)] if fault.code == FaultCode::Unreconciled));
    assert_eq!(
        hear(half("h.01", Some(ID), later)),
        [],
        "a person may have armed since"
    );
    assert_eq!(hear(half("i.01", None, later)), [], "nothing of ours");
    assert_eq!(
        hear(half("j.01", Some(ID), Nanos(1))),
        [],
        "older than the journal"
    );
    assert_eq!(
        hear(half("k.01", Some(ID), Nanos::ZERO)).len(),
        1,
        "nobody knows when"
    );
    assert_eq!(desk.executions(), 0);
}

#[test]
fn a_lost_connection_leaves_what_was_not_confirmed_unknown() {
    let (mut desk, _) = bracket();
    stands(&mut desk, 41, Stand::Submitted, 0);
    let mut say = Vec::new();
    desk.lost(&mut say);
    assert_eq!(states(&say), [LegState::Unknown; 2]);
    say.clear();
    desk.lost(&mut say);
    assert!(say.is_empty());
}

#[test]
fn what_is_heard_before_executions_were_read_is_booked_behind_them() {
    let (mut desk, _) = bracket();
    desk.gather();
    let mut say = Vec::new();
    let exit = Execution {
        side: Side::Sell,
        ..execution("b.01", 42, 100, 99)
    };
    desk.update(Nanos(1), &Update::Execution(Box::new(exit)), &mut say);
    assert_eq!(say, [], "an exit alone would be a position");
    let entry = executed(&mut desk, &execution("a.01", 41, 100, 100));
    assert_eq!(entry[0].leg, FrameId(11));
    desk.gathered(&mut say);
    assert!(matches!(say[..], [Say::Fill(ID, fill)] if fill.leg == FrameId(12)));
    assert_eq!(desk.position(ID), 0);
    let late = execution("c.01", 41, 5, 100);
    say.clear();
    desk.update(Nanos(2), &Update::Execution(Box::new(late)), &mut say);
    assert_eq!(say.len(), 1, "from then on at once");
}

/// What is told of an order when the broker says this.
fn told(desk: &mut Desk, order_id: i32, filled: u32, remaining: u32) -> Option<Status> {
    let standing = Standing {
        remaining: Some(remaining),
        ..standing(order_id, Stand::PreSubmitted, filled)
    };
    let mut say = Vec::new();
    desk.stands(&standing, 0, &mut say);
    assert!(say.len() < 2, "{say:?}");
    say.into_iter().find_map(|say| match say {
        Say::Status(_, status) => Some(status),
        _ => None,
    })
}

#[test]
fn a_quantity_that_the_broker_or_a_command_changed_is_told() {
    let (mut desk, _) = bracket();
    stands(&mut desk, 41, Stand::Filled, 100);
    assert!(told(&mut desk, 42, 0, 100).is_some_and(|told| told.state == LegState::Working));
    assert_eq!(told(&mut desk, 42, 0, 100), None, "it is known");
    // The target has filled 40: the broker makes the stop smaller.
    let smaller = told(&mut desk, 42, 0, 60).expect("news");
    assert_eq!((smaller.filled, smaller.remaining), (0, 60));
    let mut modify = command(12, LegRole::Stop, 11);
    (modify.op, modify.qty) = (CommandOp::Modify, 55);
    desk.commanded(FrameId(90), ID, &modify);
    let before = told(&mut desk, 42, 0, 60).expect("the first word since then");
    assert_eq!(before.remaining, 60);
    let done = told(&mut desk, 42, 0, 55).expect("it took it");
    assert_eq!((done.state, done.remaining), (LegState::Working, 55));
    assert_eq!(told(&mut desk, 42, 0, 55), None);
    // 20 of it trade; what was said before that is old, and is no larger order.
    assert!(told(&mut desk, 42, 20, 35).is_some_and(|told| told.remaining == 35));
    assert_eq!(told(&mut desk, 42, 0, 60), None);
    let execution = Execution {
        side: Side::Sell,
        ..execution("s.01", 42, 30, 100)
    };
    assert_eq!(executed(&mut desk, &execution)[0].ordered, 55);
    let behind = told(&mut desk, 42, 25, 30).expect("more than was said");
    assert_eq!((behind.filled, behind.remaining), (30, 25));
}

#[test]
fn two_orders_under_one_number_are_told_as_their_sum_and_end_one_by_one() {
    let (mut desk, wishes) = bracket();
    stands(&mut desk, 41, Stand::Filled, 100);
    assert_eq!(
        stands(&mut desk, 42, Stand::PreSubmitted, 0),
        [LegState::Working]
    );
    let twin = Standing {
        perm_id: 9_999,
        ..standing(42, Stand::PreSubmitted, 0)
    };
    let mut say = Vec::new();
    desk.stands(&twin, 0, &mut say);
    let [Say::Fault(ID, fault), Say::Status(ID, status)] = say[..] else {
        panic!("{say:?}");
    };
    assert_eq!(fault.code, FaultCode::Unreconciled);
    assert_eq!((status.state, status.remaining), (LegState::Working, 200));
    // A code names the number alone: which of the two has ended?
    say.clear();
    desk.notice(42, 202, "", &mut say);
    assert_eq!(say, []);
    let over = Standing {
        stand: Stand::Cancelled,
        ..twin
    };
    desk.stands(&over, 0, &mut say);
    assert!(matches!(say[..], [Say::Status(_, s)]
        if s.state == LegState::Working && s.remaining == 100));
    assert!(desk.entry(FrameId(12)).is_some_and(Entry::is_open));
    assert_eq!(
        stands(&mut desk, 42, Stand::Cancelled, 0),
        [LegState::Cancelled]
    );
    assert_eq!(wishes[1].order_id, 42);
}

#[test]
fn a_snapshot_that_shows_one_of_two_orders_leaves_that_one() {
    let (mut desk, wishes) = bracket();
    stands(&mut desk, 41, Stand::Filled, 100);
    stands(&mut desk, 42, Stand::PreSubmitted, 0);
    let mut say = Vec::new();
    let twin = Standing {
        perm_id: 9_999,
        ..standing(42, Stand::PreSubmitted, 0)
    };
    desk.stands(&twin, 0, &mut say);
    say.clear();
    desk.round_begins();
    let open = [known(&wishes[1], CLIENT, Stand::PreSubmitted)];
    desk.compare(Nanos(5), (&open, &[]), &mut say);
    assert!(matches!(say[0], Say::Status(_, s) if s.remaining == 100));
}

#[test]
fn what_the_broker_says_of_an_order_that_stays_as_it_is_is_told() {
    let (mut desk, _) = bracket();
    let mut say = Vec::new();
    desk.notice(41, 10_349, "Order TIF was set to DAY", &mut say);
    assert!(matches!(say[..], [Say::Fault(ID, fault)]
        if fault.code == FaultCode::Broker && fault.value == 10_349));
}

#[test]
fn numbers_of_executions_are_never_used_again() {
    let mut desk = Desk::new(JOURNAL, CLIENT);
    desk.raise_ids(1);
    executed(&mut desk, &execution("a.01", 57, 10, 100));
    let entry = place(&mut desk, &command(11, LegRole::Entry, 0));
    assert_eq!(entry.order_id, 58);
}
