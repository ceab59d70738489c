//! Names that everybody's examples use, as a second synthetic market beside the first one: shares,
//! index futures and a currency pair of our own making, at prices that could be theirs. Each walks
//! by itself: the months of a future, or a fund and its shares, do not move together.

use feed::synthetic::{self, Symbol};
use jiff::civil::{Date, Weekday};
use stream::payload::{Instrument, InstrumentType, text};
use stream::{Nanos, Price};

/// Name, listing venue, price in cents, relative order flow.
const SHARES: [(&str, &str, i64, f64); 12] = [
    ("AAPL", "NASDAQ", 27_250, 1.4),
    ("MSFT", "NASDAQ", 48_050, 1.2),
    ("NVDA", "NASDAQ", 18_230, 1.8),
    ("AMZN", "NASDAQ", 22_140, 1.2),
    ("GOOGL", "NASDAQ", 29_870, 1.0),
    ("META", "NASDAQ", 59_310, 0.9),
    ("TSLA", "NASDAQ", 39_480, 1.5),
    ("AMD", "NASDAQ", 20_560, 1.0),
    ("INTC", "NASDAQ", 3_520, 0.9),
    ("IBM", "NYSE", 29_660, 0.6),
    ("SPY", "ARCA", 66_240, 1.6),
    ("QQQ", "NASDAQ", 59_520, 1.4),
];

/// Root, price in cents, multiplier, tick in cents, months.
const FUTURES: [(&str, i64, u32, i64, usize); 2] =
    [("ES", 663_000, 50, 25, 3), ("NQ", 2_432_000, 20, 25, 2)];

/// A currency pair: name, venue, price and tick in 1e-5.
const PAIR: (&str, &str, i64, i64) = ("EURUSD", "IDEALPRO", 115_870, 5);

/// Months of index futures, and the letters that name them.
const QUARTERS: [(i8, char); 4] = [(3, 'H'), (6, 'M'), (9, 'U'), (12, 'Z')];

const CENT: i64 = 10_000_000;
/// 1e-5 of a dollar.
const PIP: i64 = 10_000;
/// Events a second, all of them together.
const EVENTS: f64 = 200.0;

/// The market, and what makes some of its instruments futures.
pub(super) fn market(
    seed: u64,
    start: Nanos,
    length: Nanos,
) -> (synthetic::Config, impl Fn(&mut Instrument)) {
    let months = months(start);
    let mut symbols: Vec<Symbol> = SHARES.iter().map(|share| symbol(share, CENT)).collect();
    for (root, price, _, tick, count) in FUTURES {
        for month in months.iter().take(count) {
            let row = (format!("{root}{month}"), "CME", price, 0.6);
            symbols.push(symbol(&(&row.0, row.1, row.2, row.3), tick * CENT));
        }
    }
    let (name, venue, price, tick) = PAIR;
    symbols.push(Symbol {
        price: Price(price * PIP),
        tick: Price(tick * PIP),
        lot: 20_000,
        ..symbol(&(name, venue, 0, 0.6), PIP)
    });
    let config = synthetic::Config {
        symbols,
        halts: Vec::new(),
        gap: None,
        events_per_second: EVENTS,
        ..synthetic::Config::demo(seed, start, length)
    };
    (config, define)
}

fn symbol(&(name, venue, cents, activity): &(&str, &str, i64, f64), tick: i64) -> Symbol {
    Symbol {
        name: name.to_owned(),
        venue: venue.to_owned(),
        price: Price(cents * CENT),
        tick: Price(tick),
        activity,
        lot: if venue == "CME" { 2 } else { 100 },
        volatility_bps: 0.7,
        beta: 1.0,
        half_spread_ticks: 1.0,
    }
}

fn define(instrument: &mut Instrument) {
    if instrument.venue == text(PAIR.1) {
        instrument.what = InstrumentType::Spot;
        return;
    }
    if instrument.venue != text("CME") {
        return;
    }
    let name = stream::payload::read_text(&instrument.symbol);
    let root = FUTURES.iter().find(|future| name.starts_with(future.0));
    instrument.what = InstrumentType::Future;
    instrument.multiplier = root.map_or(1, |future| future.2);
}

/// The next quarters whose third Friday has not passed, as `Z6`.
fn months(start: Nanos) -> Vec<String> {
    let today = super::stamp::local(start).date();
    let year = today.year();
    let all = (year..=year + 1).flat_map(|year| QUARTERS.map(|quarter| (year, quarter)));
    let last = |year, month| {
        let first = Date::new(year, month, 1).ok()?;
        first.nth_weekday_of_month(3, Weekday::Friday).ok()
    };
    all.filter(|(year, (month, _))| last(*year, *month).is_some_and(|last| last >= today))
        .map(|(year, (_, letter))| format!("{letter}{}", year % 10))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::stamp;

    #[test]
    fn months_go_on_behind_their_last_friday() {
        let at = |text| stamp::parse(text).expect("a time");
        assert_eq!(months(at("20261120 10:00:00"))[..3], ["Z6", "H7", "M7"]);
        assert_eq!(months(at("20261218 10:00:00"))[..2], ["Z6", "H7"]);
        assert_eq!(months(at("20261219 10:00:00"))[..2], ["H7", "M7"]);
    }
}
