//! The stage in the stream: what it reports, when, and in which order.

use super::frames::*;
use crate::{BookStage, Config};
use std::collections::BTreeMap;
use stream::Side::{Buy, Sell};
use stream::payload::{Best, BookView, Evaluate, GapReason, StateHash, Timer, flags, quality};
use stream::stage::Collected;
use stream::{Draft, InstrumentId, Kind, Nanos, Payload, Side, Stage};

const STALE: Nanos = Nanos(1_000);
const TWO: InstrumentId = InstrumentId(2);
const THREE: InstrumentId = InstrumentId(3);

struct Run {
    stage: BookStage,
    seq: u64,
    ts: u64,
}

impl Run {
    fn new() -> Self {
        let config = Config {
            instruments: 3,
            orders_max: 64,
            levels_max: 16,
            stale: STALE,
        };
        Self {
            stage: BookStage::new(&config),
            seq: 0,
            ts: 0,
        }
    }

    /// What the stage put out for one frame: that frame first, within what it said it emits.
    fn put(&mut self, mut draft: Draft) -> Collected {
        self.seq += 1;
        draft.header_mut().seq = self.seq;
        draft.header_mut().ts = Nanos(self.ts);
        let mut out = Collected::default();
        self.stage.on_frame(draft.frame(), &mut out);
        let mut left = BTreeMap::new();
        let kind = draft.header().kind;
        self.stage.emits(kind, &mut |kind, count| {
            left.insert(kind, count);
        });
        for (at, frame) in out.iter().enumerate() {
            if at == 0 {
                assert_eq!(frame.bytes(), draft.frame().bytes());
                continue;
            }
            assert_eq!((frame.seq(), frame.ts()), (self.seq, Nanos(self.ts)));
            let left = left.get_mut(&frame.kind()).expect("a kind that was told");
            *left = left.checked_sub(1).expect("as many as were told");
        }
        out
    }

    fn apply<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) -> Vec<(u16, Best)> {
        let out = self.put(input(0, instrument, payload));
        let bests = out.iter().skip(1);
        bests
            .map(|frame| (frame.instrument().0, *frame.read::<Best>()))
            .collect()
    }

    fn evaluate(&mut self) -> (Vec<(u16, BookView)>, Evaluate) {
        let out = self.put(input(0, InstrumentId::NONE, &tick(Timer::Evaluate, 7, 250)));
        let views = out.iter().filter(|frame| frame.kind() == Kind::BookView);
        let views = views
            .map(|frame| (frame.instrument().0, *frame.read::<BookView>()))
            .collect();
        let last = out.iter().last().expect("a frame");
        (views, *last.read::<Evaluate>())
    }
}

#[test]
fn best_is_reported_when_it_changes_and_only_then() {
    let mut run = Run::new();
    let first = run.apply(TWO, &add(1, Buy, cents(100), 5));
    assert_eq!(first.len(), 1);
    let (instrument, best) = first[0];
    assert_eq!((instrument, best.bid, best.bid_qty), (2, cents(100), 5));
    assert_eq!((best.ask.0, best.quality), (0, quality::ONE_SIDED));
    assert_eq!(run.apply(TWO, &add(2, Buy, cents(99), 5)), []);
    let grown = run.apply(TWO, &add(3, Buy, cents(100), 1));
    assert_eq!(grown[0].1.bid_qty, 6);
    assert_eq!(run.apply(TWO, &trade(cents(100), 1, Sell)), []);
    let halted = run.apply(TWO, &halt(stream::payload::HaltState::Halted));
    assert_eq!(halted[0].1.quality, quality::ONE_SIDED | quality::HALTED);
}

#[test]
fn between_two_states_of_an_event_no_best_is_reported() {
    let mut run = Run::new();
    run.apply(ONE, &add(1, Buy, cents(100), 5));
    run.apply(ONE, &add(2, Sell, cents(101), 5));
    let mut crossing = add(3, Buy, cents(102), 5);
    crossing.flags = flags::MORE;
    assert_eq!(run.apply(ONE, &crossing), []);
    let (views, _) = run.evaluate();
    assert_eq!(views[0].1.quality, quality::CROSSED | quality::EMPTY);
    assert_eq!(run.apply(ONE, &delete(3)), [], "as before the event");
    assert_eq!(run.apply(ONE, &delete(2)).len(), 1);
}

#[test]
fn an_evaluation_views_what_changed_in_the_order_of_ids() {
    let mut run = Run::new();
    run.ts = 100;
    for instrument in [THREE, ONE] {
        run.apply(instrument, &add(1, Buy, cents(100), 30));
        run.apply(instrument, &add(2, Sell, cents(102), 10));
        run.apply(instrument, &add(3, Sell, cents(103), 60));
        run.apply(instrument, &execute(2, Sell, cents(102), 4));
    }
    let (views, evaluate) = run.evaluate();
    assert_eq!(views.iter().map(|view| view.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(
        (evaluate.views, evaluate.number, evaluate.due),
        (2, 7, Nanos(250))
    );
    assert_eq!(evaluate.market_ts, Nanos(100));
    let view = views[0].1;
    assert_eq!((view.bid_qty, view.ask_qty), (30, 6));
    // (100 × 6 + 102 × 30) ÷ 36, truncated at the ninth decimal of a unit.
    assert_eq!(
        view.microprice.0,
        (cents(100).0 * 6 + cents(102).0 * 30) / 36
    );
    assert_eq!(view.imbalance_best_ppm, 666_666);
    assert_eq!((view.depth_bid, view.depth_ask), (30, 66));
    assert_eq!(view.imbalance_depth_ppm, -375_000);
    assert_eq!((view.depth_levels_bid, view.depth_levels_ask), (1, 2));
    assert_eq!((view.trades, view.volume_buy, view.volume_sell), (1, 4, 0));
    assert_eq!((view.last, view.vwap), (cents(102), cents(102)));
    assert_eq!((view.has_depth, view.quality), (0, 0));
    let (views, evaluate) = run.evaluate();
    assert_eq!((views.len(), evaluate.views), (0, 0));
    run.apply(THREE, &trade(cents(100), 9, Sell));
    let (views, _) = run.evaluate();
    let sums = (
        views[0].1.trades,
        views[0].1.volume_sell,
        views[0].1.volume_session,
    );
    assert_eq!((views[0].0, sums), (3, (1, 9, 13)));
}

#[test]
fn a_book_becomes_stale_at_a_tick_and_says_so_once() {
    let mut run = Run::new();
    run.ts = 10;
    run.apply(TWO, &quote(cents(100), 1, cents(101), 1));
    run.evaluate();
    run.ts += STALE.0 + 1;
    let out = run.put(input(0, InstrumentId::NONE, &tick(Timer::Evaluate, 1, 0)));
    let kinds: Vec<_> = out.iter().map(|frame| frame.kind()).collect();
    assert_eq!(
        kinds,
        [Kind::Tick, Kind::Best, Kind::BookView, Kind::Evaluate]
    );
    let best = out.iter().nth(1).unwrap().read::<Best>();
    assert_eq!(best.quality, quality::STALE);
    assert_eq!(run.evaluate().0, []);
    let fresh = run.apply(TWO, &quote(cents(100), 1, cents(101), 1));
    assert_eq!(fresh[0].1.quality, 0);
}

#[test]
fn positional_depth_adds_to_a_view_while_it_arrives() {
    let mut run = Run::new();
    run.ts = 10;
    run.apply(ONE, &quote(cents(100), 5, cents(101), 5));
    let (views, _) = run.evaluate();
    assert_eq!((views[0].1.has_depth, views[0].1.depth_levels_bid), (0, 0));
    let rows = snapshot(&[(cents(100), 3), (cents(100), 2)], &[(cents(101), 15)]);
    assert_eq!(run.apply(ONE, &rows), [], "the quote stays the best");
    let (views, _) = run.evaluate();
    let view = views[0].1;
    assert_eq!((view.has_depth, view.depth_levels_bid), (1, 2));
    assert_eq!((view.depth_bid, view.imbalance_depth_ppm), (5, -500_000));
    run.ts += STALE.0 + 1;
    run.apply(ONE, &trade(cents(100), 1, Side::None));
    assert_eq!(run.evaluate().0[0].1.has_depth, 0);
}

#[test]
fn a_gap_of_a_source_reports_each_of_its_books() {
    let mut run = Run::new();
    for instrument in [ONE, THREE] {
        run.apply(instrument, &quote(cents(100), 1, cents(101), 1));
    }
    run.evaluate();
    let bests = run.apply(InstrumentId::NONE, &gap(SOURCE, GapReason::Lost));
    let of: Vec<_> = bests.iter().map(|best| (best.0, best.1.quality)).collect();
    assert_eq!(of, [(1, quality::GAPPED), (3, quality::GAPPED)]);
    let (views, _) = run.evaluate();
    assert_eq!(views.iter().map(|view| view.0).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn housekeeping_gives_the_state_hash_and_equal_streams_equal_ones() {
    let hash = |qty| {
        let mut run = Run::new();
        run.apply(ONE, &add(1, Buy, cents(100), qty));
        let out = run.put(input(
            0,
            InstrumentId::NONE,
            &tick(Timer::Housekeeping, 1, 0),
        ));
        let hash = out.iter().last().unwrap().read::<StateHash>().hash;
        assert_eq!(hash, run.stage.state_hash());
        hash
    };
    assert_eq!(hash(5), hash(5));
    assert_ne!(hash(5), hash(6));
}

#[test]
fn derived_frames_and_broker_answers_pass_by() {
    let mut run = Run::new();
    let mut out = Collected::default();
    for &kind in Kind::ALL {
        if kind.is_market() || matches!(kind, Kind::Tick | Kind::Instrument | Kind::Session) {
            continue;
        }
        let mut draft = input(1, ONE, &trade(cents(1), 1, Buy));
        draft.header_mut().kind = kind;
        out.0.clear();
        run.stage.on_frame(draft.frame(), &mut out);
        assert_eq!(out.iter().count(), 1, "{kind}");
    }
}
