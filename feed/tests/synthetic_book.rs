//! The synthetic market through the book that the engine uses: both ways to publish give the true
//! book, and nothing in them is ever a fault.

use book::{Books, Config as BookConfig};
use feed::synthetic::{Config, Publish, Synthetic};
use stream::payload::DepthSnapshot;
use stream::{Draft, InstrumentId, Nanos, Next, Price, Side, Source};

const START: Nanos = Nanos(1_772_000_000_000_000_000);

/// A side's levels in a positional picture: makers at one price together.
fn levels(depth: &DepthSnapshot, from: usize, count: u8) -> Vec<(Price, u64)> {
    let mut levels: Vec<(Price, u64)> = Vec::new();
    for at in from..from + usize::from(count) {
        let (price, qty) = (depth.prices[at], u64::from(depth.qtys[at]));
        match levels.last_mut() {
            Some(last) if last.0 == price => last.1 += qty,
            _ => levels.push((price, qty)),
        }
    }
    levels
}

fn compare(publish: Publish, seed: u64) -> u64 {
    let mut config = Config::demo(seed, START, Nanos::from_secs(8));
    config.publish = publish;
    let gap = config.gap.clone().expect("a gap");
    let in_gap = |ts: Nanos, id: InstrumentId| {
        let (begin, end) = (START + gap.after, START + gap.after + gap.length);
        gap.symbols.contains(&(id.index() - 1)) && ts >= begin && ts < end
    };
    let mut market = Synthetic::new(config).expect("a sound configuration");
    let mut books = Books::new(&BookConfig {
        instruments: 12,
        orders_max: 16_384,
        levels_max: 1_024,
        stale: Nanos::from_secs(60),
    });
    let slots = (1..=12).map(InstrumentId).filter(|id| id.0 % 3 == 0);
    slots.for_each(|id| market.depth_slot(START, id, true));
    let mut ended = false;
    let (mut draft, mut compared) = (Draft::new(), 0);
    while let Next::At(ts) = market.next() {
        if !ended && ts >= START + Nanos::from_secs(6) {
            ended = true;
            market.depth_slot(ts, InstrumentId(3), false);
        }
        if !market.take(&mut draft) {
            continue;
        }
        draft.header_mut().ts = ts;
        let frame = draft.frame();
        let id = frame.instrument();
        let applied = books.apply(frame, &mut |_| {});
        assert_eq!(applied.fault, None, "{frame:?}");
        if !market.is_settled() || in_gap(ts, id) {
            continue;
        }
        let book = books.book(id);
        assert!(!book.between_states());
        let truth = market.true_quote(id).expect("open");
        let bid = (truth.bid, u64::from(truth.bid_qty));
        let ask = (truth.ask, u64::from(truth.ask_qty));
        assert_eq!(book.best(Side::Buy), Some(bid));
        assert_eq!(book.best(Side::Sell), Some(ask));
        if book.has_rows() {
            let depth = market.true_depth(id).expect("open");
            let bids: Vec<_> = book.levels(Side::Buy).collect();
            let asks: Vec<_> = book.levels(Side::Sell).collect();
            assert_eq!(bids, levels(&depth, 0, depth.bids));
            assert_eq!(asks, levels(&depth, 10, depth.asks));
            compared += 1;
        }
    }
    assert!(ended);
    if publish == Publish::Broker {
        assert!(!books.book(InstrumentId(3)).has_rows(), "its slot ended");
        assert!(books.book(InstrumentId(6)).has_rows());
    }
    compared
}

#[test]
fn a_brokers_frames_give_the_true_book() {
    for seed in 0..4 {
        assert!(compare(Publish::Broker, seed) > 1_000);
    }
}

#[test]
fn a_venues_frames_give_the_true_book() {
    for seed in 0..4 {
        assert_eq!(compare(Publish::Orders, seed), 0);
    }
}
