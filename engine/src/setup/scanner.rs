//! The `[universe.scanner]` table: a scan that adds to the universe at a start, where there is one.

use crate::config::Settings;
use gateway::ibkr::broker::Scan;
use rust_decimal::Decimal;
use stream::limits::INSTRUMENTS_MAX;

/// A scan, and what it may add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanner {
    /// What it looks for.
    pub scan: Scan,
    /// Symbols that it adds at most.
    pub count: usize,
    /// The only ones that it may add.
    pub allowed: Vec<String>,
}

impl Scanner {
    /// Of what was found, in its order, what is allowed and not named already, as much as is
    /// wanted.
    #[must_use]
    pub fn pick(&self, found: &[String], named: &[String]) -> Vec<String> {
        let mut picked: Vec<String> = Vec::new();
        for symbol in found {
            let wanted = self.allowed.contains(symbol) && !named.contains(symbol);
            if picked.len() < self.count && wanted && !picked.contains(symbol) {
                picked.push(symbol.clone());
            }
        }
        picked
    }
}

/// True where the table is there.
pub(super) fn is_there(settings: &Settings) -> bool {
    !settings.children("universe.scanner").is_empty()
}

/// The table, where there is one.
pub(super) fn read(settings: &Settings) -> Option<Scanner> {
    if !is_there(settings) {
        return None;
    }
    let key = |name: &str| format!("universe.scanner.{name}");
    let text = |name: &str, expected: &str| settings.text(&key(name), expected);
    let price = |name: &str| {
        let most = Decimal::from(1_000_000);
        settings.price(&key(name), Decimal::new(1, 4)..=most)
    };
    let scan = Scan {
        code: text("code", "a scan code such as \"HOT_BY_VOLUME\""),
        instrument: text("instrument", "a sort of instrument such as \"STK\""),
        location: text("location", "a location such as \"STK.US.MAJOR\""),
        above_price: price("above_price"),
        below_price: price("below_price"),
        above_volume: settings.whole(&key("above_volume"), 0..=1_000_000_000) as u32,
    };
    if scan.above_price >= scan.below_price {
        settings.fault(&key("above_price"), "is not less than below_price");
    }
    let allowed = settings.list(&key("allowed"), "a list of symbols");
    if allowed.is_empty() {
        settings.fault(
            &key("allowed"),
            "is empty; name the symbols that a scan may add: no other is ever traded",
        );
    }
    for symbol in &allowed {
        if symbol.is_empty() || symbol.len() > 16 || !symbol.is_ascii() {
            settings.fault(
                &key("allowed"),
                format!("\"{symbol}\" is not an ASCII symbol of 1 to 16 letters"),
            );
        }
    }
    Some(Scanner {
        scan,
        count: settings.whole(&key("count"), 1..=INSTRUMENTS_MAX as u64) as usize,
        allowed,
    })
}

/// Symbols that may be added, for sections of their own.
pub(super) fn allowed(settings: &Settings) -> Vec<String> {
    if is_there(settings) {
        settings.list("universe.scanner.allowed", "a list of symbols")
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_allowed_is_never_picked() {
        let names = |all: &[&str]| -> Vec<String> { all.iter().map(|s| (*s).to_owned()).collect() };
        let scanner = Scanner {
            scan: Scan::default(),
            count: 2,
            allowed: names(&["AMD", "TSLA", "INTC", "SPY"]),
        };
        let found = names(&["GME", "SPY", "TSLA", "TSLA", "AMD", "INTC"]);
        let picked = scanner.pick(&found, &names(&["SPY"]));
        assert_eq!(
            picked,
            ["TSLA", "AMD"],
            "allowed, not named, in order, no more than two"
        );
        assert!(scanner.pick(&names(&["GME"]), &[]).is_empty());
    }
}
