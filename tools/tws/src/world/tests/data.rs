//! Reference and market data as a client sees them.

use super::*;
use crate::model::{DepthRow, HistoricalTicks, MarketData, TickByTick};
use std::collections::BTreeMap;
use stream::Price;

fn quotes(req: i32, symbol: &str) -> Request {
    Request::MarketData(MarketData {
        req,
        contract: share(symbol),
        generic_ticks: "233,236,375".to_owned(),
        ..MarketData::default()
    })
}

fn depth(req: i32, symbol: &str, rows: i32, smart: bool) -> Request {
    Request::Depth {
        req,
        contract: share(symbol),
        rows,
        smart,
        moves: smart,
    }
}

#[test]
fn contract_details_say_what_there_is_and_when_it_trades() {
    let mut scene = Scene::new();
    let said = scene.ask(1, Request::ContractDetails(5, share("ALDR")));
    let [Answer::ContractData(5, details), Answer::ContractDataEnd(5)] = &said[..] else {
        panic!("{said:?}");
    };
    assert_eq!(details.contract.primary_exchange, "NASDAQ");
    assert!(details.contract.con_id > 0);
    assert!((details.min_tick - 0.01).abs() < 1e-12);
    assert!(
        details
            .liquid_hours
            .starts_with("20261123:0930-20261123:1600;")
    );
    assert!(details.valid_exchanges.starts_with("SMART,"));
    let said = scene.ask(1, Request::ContractDetails(6, share("NONE")));
    assert_eq!(problems(&said), [(6, 200)]);
    let said = scene.ask(1, Request::MatchingSymbols(7, "ald".to_owned()));
    assert!(matches!(&said[..], [Answer::SymbolSamples(7, found)] if found.len() == 1));
    let said = scene.ask(1, Request::MarketRule(26));
    assert!(matches!(&said[..], [Answer::MarketRule(rule)] if rule.id == 26));
}

/// The last value of each tick type.
fn ticks(answers: &[Answer], about: i32) -> BTreeMap<i32, f64> {
    let mut last = BTreeMap::new();
    for answer in answers {
        let (req, tick, value) = match answer {
            Answer::TickPrice {
                req, tick, price, ..
            } => (*req, *tick, *price),
            Answer::TickSize(req, tick, size) => {
                (*req, *tick, size.to_string().parse().expect("a number"))
            }
            Answer::TickGeneric(req, tick, value) => (*req, *tick, *value),
            Answer::TickString(req, tick, text) => {
                let first = text.split(';').next().unwrap_or("");
                (*req, *tick, first.parse().expect("a number"))
            }
            _ => continue,
        };
        if req == about {
            last.insert(tick, value);
        }
    }
    last
}

#[test]
fn streaming_quotes_follow_the_book_at_each_sampling() {
    let mut scene = Scene::new();
    scene.pass(2_000);
    scene.ask(1, quotes(9, "ALDR"));
    scene.pass(3_000);
    // On the grid every change has been told.
    let heard = scene.heard(1);
    let told = ticks(&heard, 9);
    let id = scene.world.catalog.by_symbol("ALDR").expect("it trades").id;
    let book = scene.world.exchange.edge().books().book(id);
    let best = |side| book.best(side).expect("a best").0.to_f64();
    let near = |tick: i32, value: f64| assert!((told[&tick] - value).abs() < 1e-9, "tick {tick}");
    near(1, best(Side::Buy));
    near(2, best(Side::Sell));
    near(4, book.tape().last.to_f64());
    near(6, book.tape().high.to_f64());
    near(7, book.tape().low.to_f64());
    near(14, book.tape().open.to_f64());
    near(8, book.tape().volume as f64);
    near(48, book.tape().last.to_f64());
    near(77, book.tape().last.to_f64());
    near(49, 0.0);
    near(46, 3.0);
    near(89, 5_000_000.0);
    assert!(heard.contains(&Answer::MarketDataType(9, 1)));
    let ends = |answer: &&Answer| matches!(answer, Answer::TickReqParams { req: 9, .. });
    assert_eq!(heard.iter().filter(ends).count(), 1);
    scene.ask(1, Request::CancelMarketData(9));
    let said = scene.pass(2_000);
    assert_eq!(said, []);
    let said = scene.ask(1, Request::CancelMarketData(9));
    assert_eq!(problems(&said), [(9, 300)]);
}

#[test]
fn a_snapshot_ends() {
    let mut scene = Scene::new();
    scene.pass(2_000);
    let said = scene.ask(
        1,
        Request::MarketData(MarketData {
            req: 4,
            contract: share("BRKN"),
            snapshot: true,
            ..MarketData::default()
        }),
    );
    assert_eq!(said.last(), Some(&Answer::TickSnapshotEnd(4)));
    assert!(ticks(&said, 4).contains_key(&1));
    assert_eq!(scene.pass(1_000), []);
}

#[test]
fn lines_slots_and_streams_are_limited() {
    let mut scene = Scene::with(|config| config.limits.lines = 2);
    for req in 1..=2 {
        assert_eq!(problems(&scene.ask(1, quotes(req, "ALDR"))), []);
    }
    assert_eq!(problems(&scene.ask(1, quotes(3, "ALDR"))), [(3, 101)]);
    assert_eq!(problems(&scene.ask(1, quotes(2, "ALDR"))), [(2, 102)]);
    for req in 11..=13 {
        assert_eq!(problems(&scene.ask(1, depth(req, "ALDR", 5, true))), []);
    }
    assert_eq!(
        problems(&scene.ask(1, depth(14, "ALDR", 5, true))),
        [(14, 309)]
    );
    scene.world.leave(Link(1));
    scene.connect(2, 8);
    assert_eq!(problems(&scene.ask(2, depth(14, "ALDR", 5, true))), []);
    assert_eq!(scene.world.truth().depth_slots_max, 3);
}

/// A client's ladder from nothing but rows: asks, bids.
fn ladder(answers: &[Answer], about: i32) -> [Vec<(f64, String)>; 2] {
    let mut ladder = [Vec::new(), Vec::new()];
    for answer in answers {
        let row: &DepthRow = match answer {
            Answer::Depth(req, row) | Answer::DepthL2(req, row) if *req == about => row,
            Answer::Problem(problem) if problem.id == about && problem.code == 317 => {
                ladder = [Vec::new(), Vec::new()];
                continue;
            }
            _ => continue,
        };
        let side = &mut ladder[row.side as usize];
        let (at, value) = (row.position as usize, (row.price, row.size.to_string()));
        match row.operation {
            0 => side.insert(at, value),
            1 => side[at] = value,
            _ => {
                side.remove(at);
            }
        }
    }
    ladder
}

#[test]
fn depth_rows_keep_a_ladder_equal_to_the_exchanges_also_behind_a_reset() {
    let mut scene = Scene::new();
    scene.pass(1_000);
    scene.ask(1, depth(3, "CYGN", 5, true));
    scene.ask(1, depth(4, "CYGN", 7, false));
    let id = scene.world.catalog.by_symbol("CYGN").expect("it trades").id;
    for step in 0..40 {
        scene.pass(97);
        if step == 20 {
            scene.world.reset_depth();
        }
        scene.pass(3);
        let heard = scene.heard(1);
        let book = scene.world.exchange.edge().books().book(id);
        for (req, rows) in [(3, 5), (4, 7)] {
            let mine = ladder(&heard, req);
            for (half, side) in [Side::Sell, Side::Buy].into_iter().enumerate() {
                let levels = book.levels(side).take(rows);
                let true_rows: Vec<_> = levels.map(|(p, q)| (p.to_f64(), q.to_string())).collect();
                assert_eq!(mine[half], true_rows, "request {req}, step {step}");
            }
        }
    }
    let venue = |answer: &Answer| matches!(answer, Answer::DepthL2(3, row) if row.smart);
    assert!(scene.heard(1).iter().any(venue));
}

#[test]
fn tick_by_tick_tells_every_trade_and_past_ones_first() {
    let mut scene = Scene::new();
    scene.pass(5_000);
    let stream = |req, what: &str, past| {
        Request::TickByTick(TickByTick {
            req,
            contract: share("ALDR"),
            what: what.to_owned(),
            past,
            ..TickByTick::default()
        })
    };
    let said = scene.ask(1, stream(1, "Last", 3));
    assert!(matches!(&said[..], [Answer::HistoricalLasts(1, past, true)] if past.len() == 3));
    scene.ask(1, stream(2, "BidAsk", 0));
    scene.ask(1, stream(3, "MidPoint", 0));
    assert_eq!(
        problems(&scene.ask(1, stream(4, "AllLast", 0))),
        [(4, 10_190)]
    );
    let id = scene.world.catalog.by_symbol("ALDR").expect("it trades").id;
    let volume = |scene: &Scene| scene.world.exchange.edge().books().book(id).tape().volume;
    let before = volume(&scene);
    let said = scene.pass(10_000);
    let traded: f64 = said
        .iter()
        .filter_map(|answer| match answer {
            Answer::TickByTickLast(1, false, tick) => tick.size.to_string().parse::<f64>().ok(),
            _ => None,
        })
        .sum();
    assert!(traded > 0.0);
    assert!((traded - (volume(&scene) - before) as f64).abs() < 1e-9);
    let mut quotes = said.iter().rev().filter_map(|answer| match answer {
        Answer::TickByTickBidAsk(2, tick) => Some(tick),
        _ => None,
    });
    let last = quotes.next().expect("quotes change");
    let quote = scene.world.records[id.index() - 1].quote;
    assert_eq!(Price::nearest(last.bid, Price(10_000_000)), Some(quote.bid));
    assert!(
        said.iter()
            .any(|answer| matches!(answer, Answer::TickByTickMid(3, ..)))
    );
}

#[test]
fn ticks_of_the_past_are_asked_from_one_end() {
    let mut scene = Scene::new();
    scene.pass(20_000);
    let asked = |what: &str, end: &str| {
        Request::HistoricalTicks(HistoricalTicks {
            req: 1,
            contract: share("ALDR"),
            end: end.to_owned(),
            count: 10,
            what: what.to_owned(),
            ..HistoricalTicks::default()
        })
    };
    let end = stamp::full(scene.now);
    let said = scene.ask(1, asked("TRADES", &end));
    let [Answer::HistoricalLasts(1, ticks, true)] = &said[..] else {
        panic!("{said:?}");
    };
    assert!(ticks.len() >= 10);
    assert!(ticks.windows(2).all(|pair| pair[0].time <= pair[1].time));
    let said = scene.ask(1, asked("BID_ASK", &end));
    assert!(matches!(&said[..], [Answer::HistoricalBidAsks(1, ticks, true)] if ticks.len() >= 10));
    assert_eq!(problems(&scene.ask(1, asked("TRADES", ""))), [(1, 321)]);
}

#[test]
fn the_same_requests_at_the_same_times_bring_the_same_answers() {
    let play = |step: u64| {
        let mut scene = Scene::new();
        scene.pass(1_000);
        scene.ask(1, quotes(1, "ALDR"));
        scene.ask(1, depth(2, "BRKN", 10, false));
        let end = scene.now + Nanos::from_secs(5);
        while scene.now < end {
            scene.now = (scene.now + Nanos::from_millis(step)).min(end);
            let now = scene.now;
            scene.world.advance(now, &mut scene.out);
        }
        scene.heard(1)
    };
    let often = play(1);
    assert!(often.len() > 1_000);
    assert_eq!(often, play(1_700));
}

#[test]
fn the_names_of_everybodys_examples_are_there_and_change_nothing_beside_them() {
    let second = |usual: bool| {
        let mut scene = Scene::with(|config| {
            if usual {
                let length = Nanos::from_secs(3_600);
                *config = Config::usual("DU1234567", 7, monday(), length).expect("sound");
            }
        });
        scene.pass(20_000);
        let quote = |symbol: &str| {
            let item = scene.world.catalog.by_symbol(symbol)?;
            let book = scene.world.exchange.edge().books().get(item.id)?;
            Some((
                book.best(Side::Buy),
                book.best(Side::Sell),
                book.tape().volume,
            ))
        };
        (quote("ALDR"), quote("AAPL"), quote("ESZ6"), quote("ESH7"))
    };
    let (alone, none, ..) = second(false);
    let (beside, apple, december, march) = second(true);
    assert_eq!(alone, beside, "the same seed, the same market");
    assert_eq!(none, None);
    for (name, quote) in [("AAPL", apple), ("ESZ6", december), ("ESH7", march)] {
        let (bid, ask, _) = quote.unwrap_or_else(|| panic!("{name} is quoted"));
        assert!(bid.is_some() && ask.is_some(), "{name}: {bid:?} {ask:?}");
    }
    let mut scene = Scene::with(|config| {
        let length = Nanos::from_secs(3_600);
        *config = Config::usual("DU1234567", 7, monday(), length).expect("sound");
    });
    let future = Contract {
        symbol: "ES".to_owned(),
        sec_type: "FUT".to_owned(),
        exchange: "CME".to_owned(),
        currency: "USD".to_owned(),
        ..Contract::default()
    };
    let said = scene.ask(1, Request::ContractDetails(9, future));
    let months: Vec<(String, String)> = said
        .iter()
        .filter_map(|answer| match answer {
            Answer::ContractData(_, details) => {
                let own = &details.contract;
                Some((own.last_trade_date.clone(), own.multiplier.clone()))
            }
            _ => None,
        })
        .collect();
    let euros = Contract {
        symbol: "EUR".to_owned(),
        sec_type: "CASH".to_owned(),
        exchange: "IDEALPRO".to_owned(),
        currency: "USD".to_owned(),
        ..Contract::default()
    };
    let said = scene.ask(1, Request::ContractDetails(10, euros));
    let told = said.iter().find_map(|answer| match answer {
        Answer::ContractData(10, details) => Some((details.min_tick, &details.contract)),
        _ => None,
    });
    let (tick, own) = told.expect("it is known");
    assert!((tick - 0.000_05).abs() < 1e-12, "{tick}");
    assert_eq!(own.local_symbol, "EUR.USD");
    let fifty = |date: &str| (date.to_owned(), "50".to_owned());
    assert_eq!(
        months,
        [fifty("20261218"), fifty("20270319"), fifty("20270618")]
    );
}
