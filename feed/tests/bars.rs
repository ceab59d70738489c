//! Bars: exact numbers, the right times, and the rules for untidy collections.

mod common {
    pub(crate) mod data;
    pub(crate) mod decode;
}

use feed::bars::{Config, Decoder, Span, Stamp, Symbol};
use feed::file::{Counts, Decode, FileSource, Frames, Options};
use feed::open::{self, Input};
use feed::symbols::Universe;
use stream::payload::Bar;
use stream::stage::Collected;
use stream::{InstrumentId, Kind, Nanos, Out, Price, SourceId};

fn decode(text: &str, config: &Config, symbols: &[&str]) -> (Collected, Counts) {
    let universe = Universe::new(symbols).expect("symbols");
    let input = Input::from_bytes("bars.csv", text.as_bytes().to_vec());
    let mut decoder = Decoder::open(input, config, &universe).expect("a bar file");
    let (mut frames, mut all) = (Frames::new(SourceId(2)), Collected::default());
    common::decode::all(&mut decoder, &mut frames, |frame| all.put(frame)).expect("sound");
    (all, decoder.counts())
}

fn bars(all: &Collected) -> Vec<(u16, u64)> {
    all.iter()
        .filter(|frame| frame.kind() == Kind::Bar)
        .map(|frame| (frame.instrument().0, frame.read::<Bar>().volume))
        .collect()
}

const DAILY: &str = "date,symbol,open,high,low,close,volume,adj_close\n";

#[test]
fn minute_bars_are_exact_and_come_when_complete() {
    let text = "datetime_chicago,open,high,low,close,volume\n\
                2014-11-19 08:30,205.3100,205.3200,205.1200,205.1700,1257513.0000\n\
                2014-11-19 08:31,-435.0000,-410.0000,-601.0000,-480.0000,54.0000\n";
    let config = Config::minutes("SPY", "datetime_chicago", "America/Chicago");
    let (all, _) = decode(text, &config, &["AAPL", "SPY"]);
    let start = Nanos::from_secs(1_416_407_400);
    let frames: Vec<_> = all.iter().collect();
    assert_eq!(frames[0].ts(), start + Nanos::from_secs(60));
    let bar = frames[0].read::<Bar>();
    assert_eq!((bar.start, bar.span), (start, Nanos::from_secs(60)));
    assert_eq!(
        (bar.open, bar.high),
        (Price(205_310_000_000), Price(205_320_000_000))
    );
    assert_eq!(
        (bar.low, bar.close),
        (Price(205_120_000_000), Price(205_170_000_000))
    );
    assert_eq!((bar.volume, bar.source), (1_257_513, SourceId(2)));
    assert_eq!(frames[0].instrument(), InstrumentId(2));
    assert_eq!(frames[1].read::<Bar>().low, Price(-601_000_000_000));

    let at_end = Config {
        stamp: Stamp::End,
        ..config
    };
    let (all, _) = decode(text, &at_end, &["SPY"]);
    assert_eq!(all.iter().next().map(|frame| frame.ts()), Some(start));
}

#[test]
fn the_later_of_two_collections_stands() {
    let text = format!(
        "{DAILY}2015-03-23,AIG,55.99,56.50,55.83,55.83,5769600,55.83\n\
         2015-03-23,AIG,55.99,56.50,55.83,55.83,5788500,55.83\n\
         2015-03-23,AME,54.00,54.00,53.37,53.66,876200,53.66\n\
         2015-03-23,AIG,55.99,56.50,55.83,55.83,1,55.83\n"
    );
    let (all, counts) = decode(&text, &Config::daily(), &["AIG", "AME"]);
    assert_eq!(bars(&all), [(1, 5_788_500), (2, 876_200)]);
    assert_eq!((counts.duplicates, counts.stale, counts.records), (2, 0, 4));
}

#[test]
fn days_without_trading_are_dropped() {
    let text = format!(
        "{DAILY}2015-04-02,A,42.39,42.53,42.20,42.21,2216600,42.21\n\
         2015-04-03,A,42.39,42.53,42.20,42.21,2216600,42.21\n\
         2015-04-06,A,42.21,42.21,42.21,42.21,000,42.21\n\
         2015-04-07,A,42.39,42.53,42.20,42.21,7,42.21\n"
    );
    let (all, counts) = decode(&text, &Config::daily(), &["A"]);
    assert_eq!(bars(&all), [(1, 2_216_600), (1, 7)]);
    assert_eq!((counts.stale, counts.skipped), (2, 2));
}

#[test]
fn rows_that_contradict_themselves_are_faults() {
    let text = format!(
        "{DAILY}2015-04-02,A,42.39,42.53,42.20,42.21,1,1\n\
         2015-04-03,A,42.39,41.53,42.20,42.21,1,1\n\
         2015-04-06,A,42.39,none,42.20,42.21,1,1\n\
         2015-04-07,A,42.39,42.53,42.20,42.21,1.5,1\n\
         2015-02-30,A,42.39,42.53,42.20,42.21,1,1\n\
         2015-04-08,B,x,x,x,x,x,x\n"
    );
    let (all, counts) = decode(&text, &Config::daily(), &["A"]);
    let kinds: Vec<Kind> = all.iter().map(|frame| frame.kind()).collect();
    assert_eq!(
        kinds,
        [
            Kind::Bar,
            Kind::Fault,
            Kind::Fault,
            Kind::Fault,
            Kind::Fault
        ]
    );
    assert_eq!(counts.unasked, 1);
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let text = "\u{feff}V,\"C\",L,H,O,S,D\r\n10,2,1,4,3,\"X\",20150320\r\n";
    let named = |name: &str| name.to_owned();
    let config = Config {
        time: named("D"),
        symbol: Symbol::Column(named("S")),
        open: named("O"),
        high: named("H"),
        low: named("L"),
        close: named("C"),
        volume: Some(named("V")),
        ..Config::daily()
    };
    let (all, _) = decode(text, &config, &["X"]);
    let bar = *all.iter().next().expect("a bar").read::<Bar>();
    let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.0 / 1_000_000_000);
    assert_eq!((prices, bar.volume), ([3, 4, 1, 2], 10));
}

fn refused(text: &str, config: &Config, symbols: &[&str]) -> String {
    let universe = Universe::new(symbols).expect("symbols");
    let input = Input::from_bytes("bars.csv", text.as_bytes().to_vec());
    let source = Decoder::open(input, config, &universe)
        .and_then(|decoder| FileSource::new(Box::new(decoder), SourceId(1)));
    source.expect_err("must be refused").to_string()
}

#[test]
fn what_cannot_be_read_is_refused_with_place_and_remedy() {
    let daily = Config::daily();
    let missing = refused("date,symbol,open\n", &daily, &["A"]);
    assert!(
        missing.contains("bars.csv:1") && missing.contains("\"high\""),
        "{missing}"
    );
    let short = refused(&format!("{DAILY}2015-03-20,A,1\n"), &daily, &["A"]);
    assert!(short.contains("bars.csv:2"), "{short}");
    let wrong = refused(&format!("{DAILY}a,A,c,d,e,f,g,h\n"), &daily, &["A"]);
    assert!(wrong.contains("bars.csv:2"), "{wrong}");
    let row = "2015-03-20,A,42.39,42.53,42.20,42.21,1,1\n";
    let unknown = refused(&format!("{DAILY}{row}"), &daily, &["MSFT"]);
    assert!(
        unknown.contains("MSFT") && unknown.contains("holds A"),
        "{unknown}"
    );
    let zone = Config {
        timezone: "Mars/Olympus".to_owned(),
        ..daily
    };
    assert!(refused(DAILY, &zone, &["A"]).contains("Mars/Olympus"));
    let fixed = Config::minutes("SPY", "date", "UTC");
    assert!(refused(DAILY, &fixed, &["AAPL"]).contains("SPY"));
}

#[test]
fn a_daily_session_must_be_one() {
    let noon = jiff::civil::Time::constant(12, 0, 0, 0);
    let config = Config {
        span: Span::Daily {
            open: noon,
            close: noon,
        },
        ..Config::daily()
    };
    refused(DAILY, &config, &["A"]);
}

/// The real collection: what a straightforward twin over the whole text says, the codec says.
#[test]
fn the_daily_collection_is_read_whole() {
    let Some(path) = common::data::path("bars_daily_all_us/us_daily_2015-03_2016-05.csv.zst")
    else {
        return;
    };
    let symbols = ["AAPL", "AIG", "AME", "A", "MSFT"];
    let universe = Universe::new(symbols).expect("symbols");
    let config = Config::daily();
    let options = Options {
        source: SourceId(1),
        universe: &universe,
        bars: Some(&config),
    };
    let mut source = FileSource::open(&path, &options).expect("opens");
    let mut all = Collected::default();
    let mut draft = stream::Draft::new();
    while stream::Source::take(&mut source, &mut draft) {
        all.put(draft.frame());
    }
    assert!(source.error().is_none());
    let counts = source.counts();
    assert_eq!((counts.records, counts.faults), (1_874_708, 0));

    let mut input = open::open(&path).expect("opens");
    let (mut text, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
    loop {
        match input.read(&mut buffer, text.len() as u64).expect("reads") {
            0 => break,
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
    let text = String::from_utf8(text).expect("text");
    let mut days = std::collections::BTreeMap::new();
    for row in text.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        if symbols.contains(&fields[1]) {
            days.insert((fields[0], fields[1]), fields[2..7].join(","));
        }
    }
    let mut last = std::collections::BTreeMap::new();
    days.retain(|(_, symbol), values| {
        let stale = last.insert(*symbol, values.clone()).as_ref() == Some(values);
        !stale && !values.ends_with(",000")
    });
    let volumes = |symbol: &str| -> Vec<u64> {
        let of = days.iter().filter(|((_, other), _)| *other == symbol);
        of.map(|(_, values)| {
            values
                .rsplit(',')
                .next()
                .map(|v| v.parse().expect("a number"))
        })
        .map(|volume| volume.expect("a volume"))
        .collect()
    };
    for (index, symbol) in symbols.iter().enumerate() {
        let own = bars(&all)
            .into_iter()
            .filter(|bar| bar.0 as usize == index + 1);
        let own: Vec<u64> = own.map(|bar| bar.1).collect();
        assert!(own.len() > 200, "{symbol} has {} days", own.len());
        assert_eq!(own, volumes(symbol), "{symbol}");
    }
}
