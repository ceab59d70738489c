//! Whole real days, with book views made from LOBSTER's own orderbook file: the default
//! configuration must find a trade now and then, every signal must get its outcome, and a second
//! run must give the same bytes.

mod harness;

use harness::{Broker, Rig};
use signal::Config;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use stream::payload::*;
use stream::{InstrumentId, Kind, Nanos, Price};

const ONE: InstrumentId = InstrumentId(1);
/// 2012-06-21 00:00 in New York.
const MIDNIGHT: u64 = 1_340_251_200_000_000_000;

fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SPINDLE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
        PathBuf::from,
    );
    let path = root.join("equity_l3_lobster").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var("CI").is_err(),
        "{} is missing; set SPINDLE_DATA",
        path.display()
    );
    eprintln!("SKIPPED: {} is missing; set SPINDLE_DATA", path.display());
    None
}

/// One message with the book after it, as far as views need it.
struct Row {
    ts: Nanos,
    kind: u8,
    qty: u64,
    price: Price,
    resting_buy: bool,
    asks: Vec<(Price, u64)>,
    bids: Vec<(Price, u64)>,
}

fn price(text: &str) -> Price {
    Price(text.parse::<i64>().unwrap() * 100_000)
}

fn rows(path: PathBuf) -> Vec<Row> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let names: Vec<String> = archive
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    let mut lines = |what: &str| -> Vec<String> {
        let name = names
            .iter()
            .find(|name| name.contains(what) && name.ends_with(".csv"))
            .unwrap();
        let file = archive.by_name(name).unwrap();
        BufReader::new(file).lines().map(Result::unwrap).collect()
    };
    let (messages, books) = (lines("message"), lines("orderbook"));
    messages
        .iter()
        .zip(&books)
        .map(|(message, book)| {
            let field: Vec<&str> = message.split(',').collect();
            let (seconds, fraction) = field[0].split_once('.').unwrap();
            let nanos: u64 = format!("{fraction:0<9}")[..9].parse().unwrap();
            let seconds: u64 = seconds.parse().unwrap();
            let level: Vec<&str> = book.split(',').collect();
            let side = |from: usize| {
                level[from..]
                    .chunks(4)
                    .filter(|pair| !pair[0].contains("999999999"))
                    .map(|pair| (price(pair[0]), pair[1].parse().unwrap()))
                    .collect()
            };
            Row {
                ts: Nanos(MIDNIGHT + seconds * 1_000_000_000 + nanos),
                kind: field[1].parse().unwrap(),
                qty: field[3].parse().unwrap(),
                price: price(field[4]),
                resting_buy: field[5] == "1",
                asks: side(0),
                bids: side(2),
            }
        })
        .collect()
}

/// The tape of the session and of the time since the last view.
#[derive(Default)]
struct Tape {
    trades: u32,
    bought: u64,
    sold: u64,
    volume: u64,
    value: i128,
    last: Price,
}

impl Tape {
    fn take(&mut self, row: &Row) {
        if row.kind != 4 && row.kind != 5 {
            return;
        }
        self.trades += 1;
        if row.kind == 4 && row.resting_buy {
            self.sold += row.qty;
        } else if row.kind == 4 {
            self.bought += row.qty;
        }
        self.volume += row.qty;
        self.value += i128::from(row.price.0) * i128::from(row.qty);
        self.last = row.price;
    }

    fn view(&mut self, row: &Row) -> BookView {
        let (bid, ask) = (row.bids[0], row.asks[0]);
        let sum = |side: &[(Price, u64)]| side.iter().map(|(_, qty)| qty).sum::<u64>();
        let (depth_bid, depth_ask) = (sum(&row.bids), sum(&row.asks));
        let ppm = |bid: u64, ask: u64| {
            ((bid as i64 - ask as i64) * 1_000_000 / (bid + ask) as i64) as i32
        };
        let micro = (i128::from(bid.0.0) * i128::from(ask.1)
            + i128::from(ask.0.0) * i128::from(bid.1))
            / i128::from(bid.1 + ask.1);
        let view = BookView {
            bid: bid.0,
            ask: ask.0,
            bid_qty: bid.1 as u32,
            ask_qty: ask.1 as u32,
            microprice: Price(micro as i64),
            last: self.last,
            imbalance_best_ppm: ppm(bid.1, ask.1),
            imbalance_depth_ppm: ppm(depth_bid, depth_ask),
            depth_bid,
            depth_ask,
            trades: self.trades,
            depth_levels_bid: row.bids.len() as u8,
            depth_levels_ask: row.asks.len() as u8,
            volume_buy: self.bought,
            volume_sell: self.sold,
            volume_session: self.volume,
            vwap: Price(if self.volume == 0 {
                0
            } else {
                (self.value / i128::from(self.volume)) as i64
            }),
            market_ts: row.ts,
            ..BookView::zeroed()
        };
        (self.trades, self.bought, self.sold) = (0, 0, 0);
        view
    }
}

fn run(rows: &[Row]) -> (Rig, Broker) {
    let mut rig = Rig::new(Config::new(1));
    let mut broker = Broker::default();
    let mut tape = Tape::default();
    let open = Nanos(MIDNIGHT + 34_200 * 1_000_000_000);
    rig.ts = open;
    rig.define(ONE);
    rig.session(20_120_621, open, 23_400);
    let mut due = open;
    let mut last: Option<&Row> = None;
    let mut changed = false;
    let mut taken = 0;
    for row in rows {
        while row.ts >= due {
            if let Some(last) = last {
                let views: Vec<_> = changed
                    .then(|| (ONE, tape.view(last)))
                    .into_iter()
                    .collect();
                rig.evaluation(due, &views);
                changed = false;
                let intents = rig.stage.stats().intents;
                if intents > taken {
                    taken = intents;
                    let (id, instrument, intent) = *rig.all::<Intent>().last().unwrap();
                    let touch = match intent.side {
                        stream::Side::Sell => last.bids[0].0,
                        _ => last.asks[0].0,
                    };
                    broker.take(&mut rig, id, instrument, intent, touch);
                }
                if due.0.is_multiple_of(1_000_000_000) {
                    rig.tick(Timer::Housekeeping, due);
                }
            }
            due = Nanos(due.0 + harness::STEP);
        }
        rig.ts = row.ts;
        tape.take(row);
        changed = true;
        if row.bids.is_empty() || row.asks.is_empty() {
            continue;
        }
        let (bid, ask) = (row.bids[0].0, row.asks[0].0);
        if last.is_none_or(|last| last.bids[0].0 != bid || last.asks[0].0 != ask) {
            rig.best(ONE, bid, ask);
            broker.on_quote(&mut rig, ONE, bid, ask);
            if row.ts.0 > MIDNIGHT + (57_600 - 300) * 1_000_000_000 {
                broker.flatten(&mut rig, ONE, bid, ask);
            }
        }
        last = Some(row);
    }
    (rig, broker)
}

fn show(rig: &Rig, broker: &Broker, name: &str) {
    let stats = rig.stage.stats();
    eprintln!(
        "{name}: {stats:?} trips {} wins {} ticks {}",
        broker.trips, broker.wins, broker.ticks_won
    );
    let mut gates = std::collections::BTreeMap::<String, usize>::new();
    for (_, _, signal) in rig.all::<Signal>() {
        let names: Vec<_> = signal::gates::names(signal.gates).collect();
        *gates.entry(names.join("+")).or_default() += 1;
    }
    eprintln!("  gates {gates:?}");
    for (_, _, intent) in rig.all::<Intent>().iter().take(8) {
        eprintln!(
            "  {:?} entry {} stop {} target {}",
            intent.side, intent.entry, intent.stop, intent.target
        );
    }
}

fn a_day(name: &str) {
    let Some(path) = data(name) else { return };
    let rows = rows(path);
    let (rig, broker) = run(&rows);
    show(&rig, &broker, name);
    let stats = rig.stage.stats();
    assert!(
        (3..=60).contains(&stats.intents),
        "{} intents in a day",
        stats.intents
    );
    assert_eq!(rig.count(Kind::DepthSlot), 0, "a full book needs no slot");
    let mut signals: Vec<_> = rig.all::<Signal>().iter().map(|one| one.0).collect();
    let mut told: Vec<_> = rig
        .all::<Outcome>()
        .iter()
        .map(|one| one.2.signal)
        .collect();
    signals.sort_unstable();
    told.sort_unstable();
    assert_eq!(signals, told, "one outcome for each signal");
    for (id, _, intent) in rig.all::<Intent>() {
        let traded = rig
            .all::<Outcome>()
            .iter()
            .any(|one| one.2.signal == intent.signal && one.2.traded != 0);
        assert!(traded, "the outcome of {id} knows of its fill");
    }
    let (again, _) = run(&rows);
    assert!(rig.out.0 == again.out.0, "a second run differs");
}

#[test]
fn aapl_one_level() {
    a_day("LOBSTER_SampleFile_AAPL_2012-06-21_1.zip");
}

#[test]
fn amzn_five_levels() {
    a_day("LOBSTER_SampleFile_AMZN_2012-06-21_5.zip");
}
