//! The universe and the definitions of its symbols.

use crate::config::Settings;
use rust_decimal::Decimal;
use stream::InstrumentId;
use stream::limits::INSTRUMENTS_MAX;
use stream::payload::{Instrument, InstrumentType, text};

/// The universe, ids from 1 in the order of `universe.symbols`.
pub(super) fn read(settings: &Settings) -> Vec<(InstrumentId, Instrument)> {
    const KEY: &str = "universe.symbols";
    let symbols = settings.list(KEY, "a list of symbols");
    if symbols.is_empty() {
        settings.fault(KEY, "is empty; name at least one symbol");
    }
    if symbols.len() > INSTRUMENTS_MAX {
        settings.fault(
            KEY,
            format!("has {} symbols; at most {INSTRUMENTS_MAX}", symbols.len()),
        );
    }
    for (index, symbol) in symbols.iter().enumerate() {
        if symbol.is_empty() || symbol.len() > 16 || !symbol.is_ascii() {
            settings.fault(
                KEY,
                format!("\"{symbol}\" is not an ASCII symbol of 1 to 16 letters"),
            );
        }
        if symbols[..index].contains(symbol) {
            settings.fault(KEY, format!("\"{symbol}\" is listed twice"));
        }
    }
    let may_come = super::scanner::allowed(settings);
    for name in settings.children("instrument") {
        if symbols.contains(&name) {
            continue;
        }
        if may_come.contains(&name) {
            // It is read all the same, so that a fault in it shows before it is wanted.
            define(settings, &name);
        } else {
            settings.fault(&format!("instrument.{name}"), "is not in universe.symbols");
        }
    }
    symbols
        .iter()
        .take(INSTRUMENTS_MAX)
        .enumerate()
        .map(|(index, symbol)| (InstrumentId(index as u16 + 1), define(settings, symbol)))
        .collect()
}

fn define(settings: &Settings, symbol: &str) -> Instrument {
    // The default is always read, so that a fault in it shows even where it is overridden.
    let key = |field: &str| {
        let own = format!("instrument.{symbol}.{field}");
        let default = format!("instrument_default.{field}");
        settings.touch(&default);
        if settings.has(&own) { own } else { default }
    };
    let venue = settings.text(&key("venue"), "a venue of at most 8 letters");
    let currency = settings.text(&key("currency"), "a currency such as USD");
    if venue.len() > 8 {
        settings.fault(&key("venue"), "has more than 8 letters");
    }
    if currency.len() != 3 {
        settings.fault(&key("currency"), "is not a currency of three letters");
    }
    let smallest = Decimal::new(1, 9);
    Instrument {
        symbol: text(symbol),
        venue: text(&venue),
        currency: text(&currency),
        multiplier: settings.whole(&key("multiplier"), 1..=100_000) as u32,
        tick_size: settings.price(&key("tick"), smallest..=Decimal::from(1_000)),
        lot: settings.whole(&key("lot"), 1..=1_000_000) as u32,
        what: settings.choice(
            &key("type"),
            &[
                ("stock", InstrumentType::Stock),
                ("future", InstrumentType::Future),
                ("spot", InstrumentType::Spot),
            ],
        ),
        shortable: u8::from(settings.flag(&key("shortable"))),
        ..Instrument::zeroed()
    }
}
