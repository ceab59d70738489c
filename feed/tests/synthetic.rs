//! The synthetic market as a broker would publish it.

use feed::synthetic::{Config, Publish, Synthetic};
use std::collections::BTreeMap;
use stream::payload::{
    DepthRow, DepthSnapshot, Gap, GapReason, Halt, HaltState, Quote, RowOp, Trade, flags, read_text,
};
use stream::{Draft, FrameRef, InstrumentId, Kind, Nanos, Next, Price, Side, Source, hash};

const START: Nanos = Nanos(1_772_000_000_000_000_000);

fn demo(seed: u64, seconds: u64) -> Config {
    Config::demo(seed, START, Nanos::from_secs(seconds))
}

fn market(config: Config) -> Synthetic {
    Synthetic::new(config).expect("a sound configuration")
}

/// Runs to the close; `before` may ask for slots once a time is announced, `after` sees frames.
fn run(
    market: &mut Synthetic,
    mut before: impl FnMut(&mut Synthetic, Nanos),
    mut after: impl FnMut(&Synthetic, Nanos, Option<FrameRef<'_>>),
) {
    let mut draft = Draft::new();
    while let Next::At(announced) = market.next() {
        before(market, announced);
        // What the head does: it asks again right before it takes.
        let Next::At(ts) = market.next() else {
            break;
        };
        let is_frame = market.take(&mut draft);
        after(market, ts, is_frame.then(|| draft.frame()));
    }
}

fn digest_of(market: &mut Synthetic, frames: usize, slots: &[(Nanos, u16, bool)]) -> u64 {
    for &(ts, instrument, subscribe) in slots {
        market.depth_slot(ts, InstrumentId(instrument), subscribe);
    }
    let (mut digest, mut count) = (0, 0);
    run(
        market,
        |_, _| {},
        |_, ts, frame| {
            if let Some(frame) = frame.filter(|_| count < frames) {
                count += 1;
                digest = hash::join(hash::join(digest, ts.0), hash::bytes(frame.bytes()));
            }
        },
    );
    digest
}

#[test]
fn one_seed_gives_the_same_bytes_for_ever() {
    let slots = [
        (START, 1, true),
        (START, 3, true),
        (START + Nanos::SECOND, 1, false),
    ];
    let digest = |seed| digest_of(&mut market(demo(seed, 5)), 20_000, &slots);
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
    // Whoever changes this number changes every recorded demo.
    assert_eq!(digest(1), 5_992_098_963_418_197_699);
}

/// What a subscriber rebuilds from rows.
#[derive(Default)]
struct Reader {
    sides: [Vec<(Price, u32, [u8; 8])>; 2],
}

impl Reader {
    fn of(snapshot: &DepthSnapshot) -> Self {
        let side = |from: usize, count: u8| {
            (from..from + usize::from(count))
                .map(|at| (snapshot.prices[at], snapshot.qtys[at], snapshot.makers[at]))
                .collect()
        };
        Self {
            sides: [side(0, snapshot.bids), side(10, snapshot.asks)],
        }
    }

    fn apply(&mut self, row: &DepthRow) {
        let rows = &mut self.sides[usize::from(row.side == Side::Sell)];
        let (at, new) = (usize::from(row.position), (row.price, row.qty, row.maker));
        match row.op {
            RowOp::Insert => rows.insert(at, new),
            RowOp::Update => rows[at] = new,
            RowOp::Delete => assert_eq!(rows.remove(at), new),
        }
        assert!(rows.len() <= 10);
        let crossed = self.sides[0].first().zip(self.sides[1].first());
        assert!(
            crossed.is_none_or(|(bid, ask)| bid.0 < ask.0),
            "crossed between rows"
        );
    }
}

/// Rotates four slots over the symbols every 300 ms.
fn rotate(market: &mut Synthetic, rounds: &mut u64, ts: Nanos) {
    if ts.0 < START.0 + *rounds * 300_000_000 {
        return;
    }
    let id = |round: u64| InstrumentId((round * 5 % 12 + 1) as u16);
    market.depth_slot(ts, id(*rounds), true);
    if let Some(old) = rounds.checked_sub(4) {
        market.depth_slot(ts, id(old), false);
    }
    *rounds += 1;
}

#[test]
fn rows_and_quotes_are_the_true_book_at_all_times() {
    let mut rows = 0u64;
    for seed in 0..12 {
        let mut readers: BTreeMap<InstrumentId, Reader> = BTreeMap::new();
        let mut quotes: BTreeMap<InstrumentId, Quote> = BTreeMap::new();
        let mut gapped: Vec<InstrumentId> = Vec::new();
        let mut rounds = 0;
        run(
            &mut market(demo(seed, 8)),
            |market, ts| rotate(market, &mut rounds, ts),
            |market, _, frame| {
                let Some(frame) = frame else { return };
                let id = frame.instrument();
                if let Some(snapshot) = frame.try_read::<DepthSnapshot>() {
                    // An empty one ends the slot: no row may follow.
                    if snapshot.bids == 0 {
                        readers.remove(&id).expect("a slot that began");
                        return;
                    }
                    readers.insert(id, Reader::of(snapshot));
                } else if let Some(row) = frame.try_read::<DepthRow>() {
                    rows += 1;
                    readers
                        .get_mut(&id)
                        .expect("a snapshot came first")
                        .apply(row);
                } else if let Some(quote) = frame.try_read::<Quote>() {
                    quotes.insert(id, Quote { flags: 0, ..*quote });
                } else if let Some(gap) = frame.try_read::<Gap>() {
                    match gap.reason {
                        GapReason::Lost => gapped.push(id),
                        _ => gapped.retain(|other| *other != id),
                    }
                }
                if !market.is_settled() || gapped.contains(&id) {
                    return;
                }
                let truth = market.true_quote(id).expect("open");
                assert_eq!(quotes[&id], truth, "seed {seed}");
                if let Some(reader) = readers.get(&id) {
                    let truth = Reader::of(&market.true_depth(id).expect("open"));
                    assert_eq!(reader.sides, truth.sides, "seed {seed}");
                }
            },
        );
    }
    assert!(rows > 50_000, "{rows}");
}

#[test]
fn rows_come_whenever_the_true_picture_changes_while_a_slot_is_on() {
    for seed in 0..8 {
        let mut config = demo(seed, 10);
        // A pause on a symbol with a slot: its new book may lie beyond the old one on both sides.
        config.symbols[6].volatility_bps = 10.0;
        assert_eq!(config.halts[0].symbol, 6);
        let mut market = market(config);
        for id in [3, 6, 7] {
            market.depth_slot(START, InstrumentId(id), true);
        }
        let mut readers: BTreeMap<InstrumentId, Reader> = BTreeMap::new();
        run(
            &mut market,
            |_, _| {},
            |market, _, frame| {
                let id = frame.map_or(InstrumentId::NONE, |frame| frame.instrument());
                let frame = frame.as_ref();
                if let Some(snapshot) = frame.and_then(FrameRef::try_read::<DepthSnapshot>) {
                    readers.insert(id, Reader::of(snapshot));
                } else if let Some(row) = frame.and_then(FrameRef::try_read::<DepthRow>) {
                    let reader = readers.get_mut(&id).expect("a snapshot came first");
                    reader.apply(row);
                }
                for (id, reader) in readers.iter().filter(|_| market.is_settled()) {
                    let truth = Reader::of(&market.true_depth(*id).expect("open"));
                    assert_eq!(reader.sides, truth.sides, "seed {seed}");
                }
            },
        );
        assert_eq!(readers.len(), 3);
    }
}

#[test]
fn several_makers_stand_at_one_price() {
    let mut market = market(demo(2, 3));
    market.depth_slot(START, InstrumentId(1), true);
    let mut seen = false;
    run(
        &mut market,
        |_, _| {},
        |_, _, frame| {
            if let Some(snapshot) = frame.as_ref().and_then(FrameRef::try_read::<DepthSnapshot>) {
                seen |= snapshot.prices[0] == snapshot.prices[1]
                    && snapshot.makers[0] != snapshot.makers[1];
                assert_eq!(snapshot.bids, 10);
                assert_eq!(snapshot.asks, 10);
            }
        },
    );
    assert!(seen);
}

#[test]
fn slots_take_effect_after_their_delay_and_not_before() {
    let id = InstrumentId(2);
    let mut config = demo(3, 4);
    config.gap = None;
    let delay = config.depth_delay;
    let mut market = market(config);
    let on = START + Nanos::SECOND;
    let off = on + Nanos::SECOND;
    market.depth_slot(on, id, true);
    market.depth_slot(off, id, false);
    let (mut snapshots, mut rows) = (Vec::new(), Vec::new());
    run(
        &mut market,
        |_, _| {},
        |_, ts, frame| match frame.map(|frame| frame.kind()) {
            Some(Kind::DepthSnapshot) => {
                let snapshot = frame.expect("matched").read::<DepthSnapshot>();
                snapshots.push((ts, snapshot.bids));
            }
            Some(Kind::DepthRow) => rows.push(ts),
            _ => {}
        },
    );
    assert_eq!(snapshots, [(on + delay, 10), (off + delay, 0)]);
    assert!(rows.len() > 100, "{}", rows.len());
    assert!(
        rows.iter()
            .all(|ts| *ts >= on + delay && *ts <= off + delay)
    );
}

#[test]
fn asking_twice_or_for_nothing_known_changes_nothing() {
    let id = InstrumentId(2);
    let plain = digest_of(&mut market(demo(3, 2)), 9_000, &[(START, 2, true)]);
    let mut again = market(demo(3, 2));
    again.depth_slot(START, InstrumentId::NONE, true);
    again.depth_slot(START, InstrumentId(13), true);
    again.depth_slot(START + Nanos::SECOND, id, true);
    assert_eq!(digest_of(&mut again, 9_000, &[(START, 2, true)]), plain);
}

/// A run's frames with their times, all bytes.
fn record(seed: u64, late: bool) -> Vec<(Nanos, Vec<u8>)> {
    let mut config = demo(seed, 6);
    // Slow enough that the next event is often announced far beyond a slot's effect.
    config.events_per_second = 60.0;
    config.burst = 0.0;
    let delay = config.depth_delay;
    let mut wishes: Vec<(Nanos, InstrumentId, bool)> = (0..40u64)
        .map(|n| {
            let at = START + Nanos::from_millis(100 + 137 * n);
            (at, InstrumentId((n / 2 % 12 + 1) as u16), n % 2 == 0)
        })
        .collect();
    let mut frames = Vec::new();
    run(
        &mut market(config),
        |market, announced| {
            // As late as the contract allows, or as soon as time has come near.
            while let Some(wish) = wishes.first().copied() {
                let asked = if late { wish.0 + delay } else { wish.0 };
                if asked > announced {
                    return;
                }
                market.depth_slot(wish.0, wish.1, wish.2);
                wishes.remove(0);
            }
        },
        |_, ts, frame| frames.extend(frame.map(|frame| (ts, frame.bytes().to_vec()))),
    );
    frames
}

#[test]
fn what_is_published_does_not_depend_on_when_a_slot_was_asked_for() {
    for seed in 0..4 {
        let (early, late) = (record(seed, false), record(seed, true));
        assert!(early.len() > 300);
        assert!(early == late, "seed {seed}");
    }
}

#[test]
fn slots_do_not_change_the_market() {
    let public = |subscribe: bool| {
        let mut market = market(demo(5, 6));
        for id in 1..=12 {
            market.depth_slot(START, InstrumentId(id), subscribe);
        }
        let mut digest = 0;
        run(
            &mut market,
            |_, _| {},
            |_, ts, frame| {
                let kinds = [Kind::Quote, Kind::Trade, Kind::Halt];
                if let Some(frame) = frame.filter(|frame| kinds.contains(&frame.kind())) {
                    digest = hash::join(hash::join(digest, ts.0), hash::bytes(frame.bytes()));
                }
            },
        );
        digest
    };
    assert_eq!(public(true), public(false));
}

#[test]
fn time_never_runs_backwards_nor_out_of_the_session() {
    for seed in 0..6 {
        let mut last = START;
        let mut market = market(demo(seed, 6));
        let session = market.session();
        assert_eq!((session.open, session.date), (START, 20_260_225));
        let mut rounds = 0;
        run(
            &mut market,
            |market, ts| rotate(market, &mut rounds, ts),
            |_, ts, _| {
                assert!(ts >= last && ts >= session.open && ts < session.close);
                last = ts;
            },
        );
        assert_eq!(market.next(), Next::End);
        assert!(!market.take(&mut Draft::new()));
    }
}

#[test]
fn a_pause_is_silent_then_quotes_then_trades_again() {
    let config = demo(8, 30);
    let (plans, gap) = (config.halts.clone(), config.gap.clone().expect("a gap"));
    assert!(plans.iter().any(|plan| !gap.symbols.contains(&plan.symbol)));
    let mut market = market(config);
    for plan in &plans {
        market.depth_slot(START, InstrumentId(plan.symbol as u16 + 1), true);
    }
    let mut states: BTreeMap<u16, Vec<(Nanos, HaltState)>> = BTreeMap::new();
    let mut after = 0;
    run(
        &mut market,
        |_, _| {},
        |_, ts, frame| {
            let Some(frame) = frame else { return };
            let history = states.entry(frame.instrument().0).or_default();
            if let Some(halt) = frame.try_read::<Halt>() {
                assert_eq!(halt.venue_ts, ts);
                assert!(!read_text(&halt.reason).is_empty());
                history.push((ts, halt.state));
                return;
            }
            match history.last() {
                Some((_, HaltState::Paused)) => panic!("{:?} in a pause", frame.kind()),
                Some((since, HaltState::QuoteOnly)) => {
                    assert_ne!(frame.kind(), Kind::Trade);
                    assert_eq!(ts, *since, "one new picture and no more");
                }
                Some((_, _)) => after += 1,
                None => {}
            }
        },
    );
    assert!(after > 100, "{after}");
    for plan in plans {
        let id = plan.symbol as u16 + 1;
        let at = |after: Nanos| START + after;
        let expected = [
            (at(plan.after), HaltState::Paused),
            (at(plan.after + plan.pause), HaltState::QuoteOnly),
            (
                at(plan.after + plan.pause + plan.quote_only),
                HaltState::Trading,
            ),
        ];
        assert_eq!(states[&id], expected);
    }
}

#[test]
fn there_is_exactly_one_gap_and_it_is_made_good() {
    let mut config = demo(6, 20);
    // A pause that begins inside the gap is told at its end.
    config.halts[1].symbol = 4;
    config.halts[1].after = config.gap.as_ref().expect("a gap").after + Nanos::MILLI;
    let plan = config.gap.clone().expect("a gap");
    let (begin, end) = (START + plan.after, START + plan.after + plan.length);
    let mut market = market(config);
    market.depth_slot(START, InstrumentId(2), true);
    // Asked for while the feed is down: the picture comes when it is up.
    market.depth_slot(begin, InstrumentId(8), true);
    let mut frames: BTreeMap<usize, Vec<(Nanos, Kind, Option<Gap>)>> = BTreeMap::new();
    run(
        &mut market,
        |_, _| {},
        |_, ts, frame| {
            let Some(frame) = frame.filter(|_| ts >= begin && ts <= end) else {
                return;
            };
            let list = frames.entry(frame.instrument().index() - 1).or_default();
            list.push((ts, frame.kind(), frame.try_read::<Gap>().copied()));
        },
    );
    for (index, list) in &frames {
        let gaps: Vec<Gap> = list.iter().filter_map(|frame| frame.2).collect();
        if !plan.symbols.contains(index) {
            assert_eq!(gaps, []);
            continue;
        }
        let from = list.iter().position(|f| f.2.is_some()).expect("lost");
        let kinds: Vec<Kind> = list[from..].iter().map(|frame| frame.1).collect();
        let mut expected = vec![Kind::Gap];
        expected.extend((*index == 4).then_some(Kind::Halt));
        expected.push(Kind::Quote);
        expected.extend([1, 7].contains(index).then_some(Kind::DepthSnapshot));
        expected.push(Kind::Gap);
        assert!(kinds.starts_with(&expected), "{index}: {kinds:?}");
        assert_eq!((list[from].0, gaps[0].reason), (begin, GapReason::Lost));
        assert_eq!(gaps[1].reason, GapReason::Recovered);
        assert_eq!(gaps[1].from, gaps[0].from);
        assert_eq!(gaps[1].to - gaps[1].from, gaps[1].lost);
        assert!(gaps[1].lost > 0);
        assert_eq!(gaps.len(), 2);
        assert!(list[from + 1..].iter().all(|frame| frame.0 == end));
    }
    assert_eq!(
        frames.values().flatten().filter(|f| f.2.is_some()).count(),
        8
    );
}

#[test]
fn conflated_quotes_are_samples() {
    let interval = Nanos::from_millis(250);
    let mut config = demo(7, 10);
    config.quote_conflation = interval;
    config.halts.clear();
    config.gap = None;
    let mut last: BTreeMap<InstrumentId, Nanos> = BTreeMap::new();
    let mut quotes = 0;
    run(
        &mut market(config),
        |_, _| {},
        |market, ts, frame| {
            let Some(frame) = frame else { return };
            let Some(quote) = frame.try_read::<Quote>() else {
                return;
            };
            let id = frame.instrument();
            quotes += 1;
            if quote.flags & flags::SNAPSHOT == 0 {
                // A symbol's samples lie on its own grid.
                let phase = interval.0 * (u64::from(id.0) - 1) / 12;
                assert_eq!((ts.0 - START.0 - phase) % interval.0, 0);
                assert!(ts > last[&id]);
            }
            let truth = market.true_quote(id).expect("open");
            assert_eq!(Quote { flags: 0, ..*quote }, truth);
            last.insert(id, ts);
        },
    );
    assert!((12 * 20..=12 * 41).contains(&quotes), "{quotes}");
}

#[test]
fn prints_happen_at_prices_that_were_quoted() {
    let mut quotes: BTreeMap<InstrumentId, Quote> = BTreeMap::new();
    let mut ids = Vec::new();
    run(
        &mut market(demo(12, 10)),
        |_, _| {},
        |_, ts, frame| {
            let Some(frame) = frame else { return };
            if let Some(quote) = frame.try_read::<Quote>() {
                quotes.insert(frame.instrument(), *quote);
            } else if let Some(trade) = frame.try_read::<Trade>() {
                let quote = quotes[&frame.instrument()];
                assert_eq!(trade.venue_ts, ts);
                assert!(trade.qty > 0 && trade.price.is_on(Price(10_000_000)));
                ids.push(trade.trade_id);
                match trade.side {
                    // An order may walk through the book, never trade better than its best.
                    Side::Buy => assert!(trade.price >= quote.ask),
                    Side::Sell => assert!(trade.price <= quote.bid),
                    Side::None => assert_eq!(trade.flags, flags::NON_PRINTABLE),
                }
            }
        },
    );
    assert!(ids.len() > 1_000 && ids.is_sorted());
}

#[test]
fn definitions_name_every_symbol_once() {
    let market = market(demo(1, 1));
    let list: Vec<_> = market.instruments().collect();
    assert_eq!(list.len(), 12);
    let names: std::collections::BTreeSet<&str> =
        list.iter().map(|(_, i)| read_text(&i.symbol)).collect();
    assert_eq!(names.len(), 12);
    assert!(
        list.iter()
            .enumerate()
            .all(|(n, (id, _))| id.index() == n + 1)
    );
    assert!(list.iter().all(|(_, i)| i.tick_size == Price(10_000_000)));
}

#[test]
fn bad_configurations_are_refused_with_every_fault() {
    let mut config = demo(1, 1);
    config.branching = 1.0;
    config.depth_delay = Nanos(999_999);
    config.symbols[3].price = Price(-1);
    config.symbols[4].volatility_bps = f64::NAN;
    config.halts[0].symbol = 12;
    config.events_per_second = 0.0;
    config.publish = Publish::Orders;
    let error = Synthetic::new(config).expect_err("six faults");
    let keys: Vec<&str> = error.0.iter().map(|fault| fault.key).collect();
    let expected = [
        "depth_delay",
        "events_per_second",
        "branching",
        "symbols.price",
        "symbols.volatility_bps",
        "halts.symbol",
    ];
    assert_eq!(keys, expected);
    assert!(
        error
            .to_string()
            .contains("depth_delay must be at least 1 ms")
    );
}
