//! The synthetic market as a venue would publish it: every order by id.

use feed::synthetic::{Config, GapPlan, HaltPlan, Publish, Synthetic};
use std::collections::BTreeMap;
use stream::payload::{Add, Delete, Execute, Gap, GapReason, Modify, flags};
use stream::{Draft, FrameRef, InstrumentId, Kind, Nanos, Next, Price, Side, Source, hash};

const START: Nanos = Nanos(1_772_000_000_000_000_000);

fn orders(seed: u64, seconds: u64, symbols: usize, rate: f64) -> Config {
    Config::orders(seed, START, Nanos::from_secs(seconds), symbols, rate)
}

/// A naive book by order id.
#[derive(Default)]
struct Twin(BTreeMap<u64, (Side, Price, u32)>);

impl Twin {
    /// Applies a frame; true when the book is between two states.
    fn apply(&mut self, frame: FrameRef<'_>) -> bool {
        if let Some(add) = frame.try_read::<Add>() {
            let new = (add.side, add.price, add.qty);
            assert_eq!(self.0.insert(add.order_id, new), None);
            return add.flags & flags::MORE != 0;
        }
        if let Some(delete) = frame.try_read::<Delete>() {
            let gone = (delete.side, delete.price, delete.qty);
            assert_eq!(self.0.remove(&delete.order_id), Some(gone));
            return delete.flags & flags::MORE != 0;
        }
        if let Some(execute) = frame.try_read::<Execute>() {
            let best = self.best(execute.side).expect("a best").0;
            assert_eq!(execute.price, best, "a trade away from the best");
            let order = self.0.get_mut(&execute.order_id).expect("a known order");
            assert_eq!((order.0, order.1), (execute.side, execute.price));
            order.2 -= execute.qty;
            if order.2 == 0 {
                self.0.remove(&execute.order_id);
            }
            return execute.flags & flags::MORE != 0;
        }
        if let Some(modify) = frame.try_read::<Modify>() {
            let old = self.0.remove(&modify.order_id).expect("a known order");
            let new = if modify.flags & flags::REDUCE != 0 {
                assert!(modify.qty < old.2);
                (old.0, old.1, old.2 - modify.qty)
            } else {
                (old.0, modify.price, modify.qty)
            };
            assert_eq!(self.0.insert(modify.new_order_id, new), None);
            return modify.flags & flags::MORE != 0;
        }
        if frame.kind() == Kind::Clear {
            self.0.clear();
            return true;
        }
        false
    }

    fn best(&self, wanted: Side) -> Option<(Price, u32)> {
        let of_side = || self.0.values().filter(|order| order.0 == wanted);
        let prices = of_side().map(|order| order.1);
        let price = match wanted {
            Side::Sell => prices.min(),
            _ => prices.max(),
        }?;
        let qty = of_side()
            .filter(|order| order.1 == price)
            .map(|order| order.2);
        Some((price, qty.sum()))
    }
}

#[test]
fn orders_rebuild_the_true_book() {
    let mut config = orders(3, 6, 12, 3_000.0);
    let after = Nanos::from_secs(2);
    config.halts = vec![HaltPlan {
        symbol: 2,
        after,
        pause: Nanos::from_millis(1_500),
        quote_only: Nanos::SECOND,
    }];
    config.gap = Some(GapPlan {
        after,
        length: Nanos::SECOND,
        symbols: vec![2, 5],
    });
    let mut market = Synthetic::new(config).expect("a sound configuration");
    let mut twins: BTreeMap<InstrumentId, Twin> = BTreeMap::new();
    let mut kinds: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut gapped = Vec::new();
    let mut draft = Draft::new();
    while let Next::At(_) = market.next() {
        if !market.take(&mut draft) {
            continue;
        }
        let frame = draft.frame();
        let id = frame.instrument();
        *kinds.entry(frame.kind()).or_default() += 1;
        let twin = twins.entry(id).or_default();
        let more = twin.apply(frame);
        if let Some(gap) = frame.try_read::<Gap>() {
            match gap.reason {
                GapReason::Lost => gapped.push(id),
                _ => gapped.retain(|other| *other != id),
            }
        }
        if !gapped.contains(&id) && market.is_settled() {
            assert!(!more, "the last frame of an event says so");
            let truth = market.true_quote(id).expect("open");
            assert_eq!(twin.best(Side::Buy), Some((truth.bid, truth.bid_qty)));
            assert_eq!(twin.best(Side::Sell), Some((truth.ask, truth.ask_qty)));
            assert!(truth.bid < truth.ask);
        }
    }
    for kind in [Kind::Add, Kind::Modify, Kind::Delete, Kind::Execute] {
        assert!(kinds[&kind] > 500, "{kinds:?}");
    }
    // The opens, the symbols after the gap, and the new book after the pause.
    assert_eq!(kinds[&Kind::Clear], 12 + 2 + 1);
    assert_eq!((kinds[&Kind::Gap], kinds[&Kind::Halt]), (4, 3));
    assert!(!kinds.contains_key(&Kind::Quote) && !kinds.contains_key(&Kind::DepthRow));
}

#[test]
fn one_seed_gives_the_same_orders_for_ever() {
    let digest = |seed| {
        let mut market = Synthetic::new(orders(seed, 2, 100, 20_000.0)).expect("sound");
        // Order mode has no slots.
        market.depth_slot(START, InstrumentId(1), true);
        let mut draft = Draft::new();
        let (mut digest, mut count) = (0, 0);
        while count < 30_000 {
            let Next::At(ts) = market.next() else { break };
            if market.take(&mut draft) {
                count += 1;
                digest = hash::join(hash::join(digest, ts.0), hash::bytes(draft.frame().bytes()));
            }
        }
        digest
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
    assert_eq!(digest(1), 4_222_927_860_176_394_852);
}

#[test]
fn both_ways_to_publish_show_one_market() {
    let volume = |publish| {
        let mut config = orders(5, 4, 12, 3_000.0);
        config.publish = publish;
        let mut market = Synthetic::new(config).expect("sound");
        let mut draft = Draft::new();
        let mut traded = [0u64; 13];
        while let Next::At(_) = market.next() {
            if !market.take(&mut draft) {
                continue;
            }
            let frame = draft.frame();
            let at = frame.instrument().index();
            if let Some(execute) = frame.try_read::<Execute>() {
                traded[at] += u64::from(execute.qty);
            } else if let Some(trade) = frame.try_read::<stream::payload::Trade>()
                && trade.flags & flags::NON_PRINTABLE == 0
            {
                traded[at] += u64::from(trade.qty);
            }
        }
        let last: Vec<_> = (1..=12)
            .map(|id| market.true_depth(InstrumentId(id)))
            .collect();
        (traded, last)
    };
    let (orders, broker) = (volume(Publish::Orders), volume(Publish::Broker));
    assert!(orders.0[1..].iter().all(|qty| *qty > 0));
    assert!(orders == broker);
}

#[test]
fn a_thousand_symbols_and_a_million_events_a_second_are_possible() {
    let mut config = orders(1, 1, 1_024, 1e6);
    config.length = Nanos::from_millis(500);
    config.burst = 0.0;
    let mut market = Synthetic::new(config).expect("sound");
    let mut draft = Draft::new();
    let (mut events, mut last) = (0u64, START);
    while let Next::At(ts) = market.next() {
        assert!(ts >= last);
        last = ts;
        market.take(&mut draft);
        events += u64::from(market.is_settled());
    }
    assert!((400_000..600_000).contains(&events), "{events}");
}
