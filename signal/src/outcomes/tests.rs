//! A followed signal ends once, by the rule that comes first, and costs nothing it should not.

use super::*;
use proptest::prelude::*;

const ONE: InstrumentId = InstrumentId(1);

fn long(signal: u64) -> Followed {
    Followed {
        signal: FrameId(signal),
        intent: FrameId::NONE,
        instrument: ONE,
        strategy: 1,
        side: Side::Buy,
        gates: 0,
        entry: Price(100),
        stop: Price(90),
        target: Price(120),
        since: Nanos(1_000),
        fill_by: Nanos(2_000),
        deadline: Nanos(9_000),
        session_end: false,
    }
}

fn touch(bid: i64) -> Option<Touch> {
    Some(Touch {
        bid: Price(bid),
        ask: Price(bid + 1),
    })
}

fn table() -> Outcomes {
    Outcomes::new(8, 2)
}

#[test]
fn a_target_is_told_with_its_extremes() {
    let mut table = table();
    table.follow(long(7), touch(99));
    assert_eq!(table.on_best(ONE, Nanos(1_100), touch(95)), None);
    let told = table.on_best(ONE, Nanos(1_200), touch(121)).unwrap();
    assert_eq!(told.kind, OutcomeKind::Target);
    assert_eq!((told.favourable, told.adverse), (Price(21), Price(-5)));
    assert_eq!((told.result_ppm, told.elapsed), (2_100_000, Nanos(200)));
    assert!(table.is_empty());
}

#[test]
fn a_gap_through_the_stop_costs_what_it_costs() {
    let mut table = table();
    table.follow(long(7), touch(99));
    let told = table.on_best(ONE, Nanos(1_100), touch(80)).unwrap();
    assert_eq!(
        (told.kind, told.result_ppm),
        (OutcomeKind::Stop, -2_000_000)
    );
}

#[test]
fn an_entry_that_is_never_traded_at_is_unfilled() {
    let mut table = table();
    table.follow(long(7), touch(105));
    assert_eq!(table.on_best(ONE, Nanos(1_500), touch(125)), None);
    let told = table.on_best(ONE, Nanos(2_000), touch(125)).unwrap();
    assert_eq!((told.kind, told.result_ppm), (OutcomeKind::Unfilled, 0));
}

#[test]
fn the_horizon_ends_at_or_past_its_deadline() {
    let mut table = table();
    table.follow(long(7), touch(99));
    table.expire(Nanos(8_999));
    table.drain(Nanos(8_999), |_, _| panic!("too early"));
    table.expire(Nanos(9_001));
    let mut told = Vec::new();
    table.drain(Nanos(9_001), |_, outcome| told.push(*outcome));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].kind, OutcomeKind::Horizon);
}

#[test]
fn a_book_that_is_not_tradable_judges_nothing() {
    let mut table = table();
    table.follow(long(7), touch(99));
    assert_eq!(table.on_best(ONE, Nanos(1_100), None), None);
    assert_eq!(table.len(), 1);
}

#[test]
fn an_intent_is_told_of_once_its_fill_is_decided() {
    let mut table = table();
    let intent = FrameId(8);
    table.follow(Followed { intent, ..long(7) }, touch(99));
    assert_eq!(table.on_best(ONE, Nanos(1_100), touch(80)), None);
    table.decide(ONE, intent, true);
    let told = table.on_best(ONE, Nanos(1_200), touch(200)).unwrap();
    assert_eq!((told.kind, told.traded), (OutcomeKind::Stop, 1));
}

proptest! {
    /// A long list of signals in random order of ends: one outcome each, and a save in the
    /// middle changes none of them.
    #[test]
    fn every_signal_gets_exactly_one_outcome(
        steps in prop::collection::vec((0_u8..4, 60_i64..140, 1_u16..3), 1..200),
        cut in 0_usize..200,
    ) {
        let mut tables = [table(), table()];
        let mut followed = 0;
        let mut told: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
        for (i, (what, bid, instrument)) in steps.iter().enumerate() {
            let ts = Nanos(1_000 + 700 * i as u64);
            if i == cut {
                let mut bytes = Vec::new();
                tables[1].save(&mut Writer::new(&mut bytes));
                prop_assert_eq!(bytes.len(), 2 + OUTCOME_BYTES * tables[1].len());
                let mut fresh = table();
                fresh.load(&mut Reader::new(&bytes)).unwrap();
                prop_assert_eq!(fresh.hash(), tables[1].hash());
                tables[1] = fresh;
            }
            if *what == 0 && !tables[0].is_full() {
                followed += 1;
            }
            for (table, told) in tables.iter_mut().zip(&mut told) {
                if *what == 0 && !table.is_full() {
                    table.follow(Followed {
                        instrument: InstrumentId(*instrument),
                        since: ts,
                        fill_by: Nanos(ts.0 + 2_000),
                        deadline: Nanos(ts.0 + 9_000),
                        ..long(i as u64 + 1)
                    }, touch(*bid));
                } else if *what == 1 {
                    table.expire(ts);
                    table.drain(ts, |_, outcome| told.push(outcome.signal.0));
                } else {
                    let best = table.on_best(InstrumentId(*instrument), ts, touch(*bid));
                    told.extend(best.map(|outcome| outcome.signal.0));
                }
            }
            prop_assert_eq!(tables[0].hash(), tables[1].hash());
        }
        let end = Nanos(u64::MAX / 2);
        for (table, told) in tables.iter_mut().zip(&mut told) {
            table.expire(end);
            table.drain(end, |_, outcome| told.push(outcome.signal.0));
            prop_assert!(table.is_empty());
            told.sort_unstable();
            prop_assert_eq!(told.len(), followed);
            told.dedup();
            prop_assert_eq!(told.len(), followed);
        }
    }
}
