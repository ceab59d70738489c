//! What only the inside can show.

use super::*;

/// Room of everything that could grow.
fn room(market: &Synthetic) -> Vec<usize> {
    let mut room = vec![
        market.log.capacity(),
        market.slots.room(),
        market.publisher.room(),
    ];
    room.extend(market.flows.iter().map(|flow| flow.ladder.room()));
    room
}

#[test]
fn nothing_grows() {
    for publish in [Publish::Broker, Publish::Orders] {
        let mut config = Config::demo(9, Nanos::SECOND, Nanos::from_secs(40));
        config.events_per_second = 20_000.0;
        config.publish = publish;
        let mut market = Synthetic::new(config).expect("a sound configuration");
        let before = room(&market);
        let mut draft = Draft::new();
        let mut count = 0u64;
        while let Next::At(ts) = market.next() {
            count += 1;
            if count.is_multiple_of(5_000) {
                let instrument = InstrumentId((count / 5_000 % 12 + 1) as u16);
                market.depth_slot(ts, instrument, count.is_multiple_of(10_000));
            }
            market.take(&mut draft);
        }
        assert!(count > 1_000_000, "{count}");
        assert_eq!(room(&market), before);
    }
}

#[test]
fn the_true_book_is_never_crossed_and_never_one_sided() {
    for seed in 0..20 {
        let mut config = Config::demo(seed, Nanos::SECOND, Nanos::from_secs(10));
        // A wild market: books must be rebuilt far away again and again.
        for symbol in &mut config.symbols {
            symbol.volatility_bps = 40.0;
        }
        let mut market = Synthetic::new(config).expect("a sound configuration");
        let mut draft = Draft::new();
        while let Next::At(_) = market.next() {
            market.take(&mut draft);
            let ladder = &market.flows[market.publisher.symbol()].ladder;
            let bid = ladder.best(stream::Side::Buy).expect("there are bids").0;
            let ask = ladder.best(stream::Side::Sell).expect("there are asks").0;
            assert!(bid < ask && bid > 0, "seed {seed}: {bid} {ask}");
        }
    }
}
