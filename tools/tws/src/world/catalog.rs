//! What can be traded: contracts, their numbers, and what is known of them.

use super::hours::hours;
use crate::model::{Contract, ContractDetails, Decimal, MarketRule};
use stream::hash;
use stream::payload::{Instrument, InstrumentType, Session, read_text};
use stream::{InstrumentId, Nanos, Price};

const STOCK_EXCHANGES: &str = "SMART,AMEX,NYSE,CBOE,PHLX,ISE,CHX,ARCA,ISLAND,NASDAQ,DRCTEDGE,BEX,\
                               BATS,EDGEA,BYX,IEX,EDGX,PEARL,NYSENAT,LTSE,MEMX,PSX";
const ORDER_TYPES: &str = "DAY,FOK,GTC,GTD,IOC,LMT,MKT,OCA,STP,STPLMT,TRAIL,TRAILLIMIT,WHATIF,\
                           OUTSIDERTH";
/// The number of the first price rule; further ones follow.
const FIRST_RULE: i32 = 26;
/// Months as futures name them.
const MONTHS: &str = "FGHJKMNQUVXZ";

/// One thing that can be traded.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) id: InstrumentId,
    pub(super) contract: Contract,
    pub(super) what: InstrumentType,
    pub(super) tick: Price,
    pub(super) multiplier: u32,
    pub(super) lot: u32,
    pub(super) shortable: bool,
    /// As the exchange knows it.
    pub(super) definition: Instrument,
    valid: String,
    rule: i32,
}

/// Why a contract is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Nothing fits.
    Unknown,
    /// Several fit.
    Ambiguous,
}

/// All that can be traded.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    items: Vec<Item>,
    rules: Vec<MarketRule>,
}

impl Catalog {
    pub(super) fn new(instruments: &[(InstrumentId, Instrument)], year: i16) -> Self {
        let mut catalog = Self::default();
        for (id, instrument) in instruments {
            catalog.add(*id, instrument, year);
        }
        catalog
    }

    fn add(&mut self, id: InstrumentId, instrument: &Instrument, year: i16) {
        let mut contract = match instrument.what {
            InstrumentType::Stock => stock(instrument),
            InstrumentType::Future => future(instrument, year),
            InstrumentType::Spot => pair(instrument),
        };
        let name = read_text(&instrument.symbol);
        let mut con_id = 10_000_000 + (hash::bytes(name.as_bytes()) % 500_000_000) as i32;
        while self.items.iter().any(|item| item.contract.con_id == con_id) {
            con_id += 1;
        }
        contract.con_id = con_id;
        let valid = match instrument.what {
            InstrumentType::Stock => STOCK_EXCHANGES.to_owned(),
            _ => contract.exchange.clone(),
        };
        let rule = self.rule_of(instrument.tick_size);
        self.items.push(Item {
            id,
            what: instrument.what,
            tick: instrument.tick_size,
            multiplier: instrument.multiplier.max(1),
            lot: instrument.lot.max(1),
            shortable: instrument.shortable != 0,
            definition: *instrument,
            rule,
            valid,
            contract,
        });
    }

    fn rule_of(&mut self, tick: Price) -> i32 {
        let steps = vec![(0.0, tick.to_f64())];
        if let Some(rule) = self.rules.iter().find(|rule| rule.steps == steps) {
            return rule.id;
        }
        let id = FIRST_RULE + self.rules.len() as i32;
        self.rules.push(MarketRule { id, steps });
        id
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// # Panics
    /// For an instrument that the exchange does not have: our own bug.
    pub(super) fn item(&self, id: InstrumentId) -> &Item {
        let found = self.items.get(id.index().wrapping_sub(1));
        found.expect("the exchange trades what is in the catalog")
    }

    pub(super) fn by_con_id(&self, con_id: i32) -> Option<&Item> {
        self.items
            .iter()
            .find(|item| item.contract.con_id == con_id)
    }

    pub(super) fn by_symbol(&self, symbol: &str) -> Option<&Item> {
        let is = |item: &&Item| {
            let contract = &item.contract;
            contract.symbol == symbol || contract.local_symbol == symbol
        };
        self.items.iter().find(is)
    }

    pub(super) fn set_shortable(&mut self, id: InstrumentId, shortable: bool) {
        if let Some(item) = self.items.get_mut(id.index().wrapping_sub(1)) {
            item.shortable = shortable;
            item.definition.shortable = u8::from(shortable);
        }
    }

    pub(super) fn rule(&self, id: i32) -> Option<&MarketRule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Everything that a contract's description fits.
    pub(super) fn matching<'a, 'b>(
        &'a self,
        asked: &'b Contract,
    ) -> impl Iterator<Item = &'a Item> + use<'a, 'b> {
        self.items.iter().filter(|item| fits(item, asked))
    }

    /// The one thing that a contract's description fits.
    pub(super) fn resolve(&self, asked: &Contract) -> Result<&Item, Missing> {
        let mut found = self.matching(asked);
        let first = found.next().ok_or(Missing::Unknown)?;
        // A continuous future is the first of its kind.
        if found.next().is_some() && asked.sec_type != "CONTFUT" {
            return Err(Missing::Ambiguous);
        }
        Ok(first)
    }

    /// Symbols that begin with a text, then those that hold it.
    pub(super) fn symbols_like(&self, text: &str) -> Vec<(Contract, Vec<String>)> {
        let text = text.trim().to_uppercase();
        let mut found: Vec<&Item> = Vec::new();
        let symbol = |item: &Item| item.contract.symbol.to_uppercase();
        if !text.is_empty() {
            found.extend(
                self.items
                    .iter()
                    .filter(|item| symbol(item).starts_with(&text)),
            );
            let inside =
                |item: &&Item| symbol(item).contains(&text) && !symbol(item).starts_with(&text);
            found.extend(self.items.iter().filter(inside));
        }
        let sample = |item: &&Item| {
            let mut contract = item.contract.clone();
            contract.description = long_name(item);
            (contract, Vec::new())
        };
        found.iter().take(16).map(sample).collect()
    }

    pub(super) fn details(&self, item: &Item, now: Nanos, session: &Session) -> ContractDetails {
        let hours = hours(item.what, now, session);
        let count = item.valid.split(',').count();
        let rule = item.rule.to_string();
        ContractDetails {
            contract: item.contract.clone(),
            market_name: item.contract.trading_class.clone(),
            min_tick: item.tick.to_f64(),
            order_types: ORDER_TYPES.to_owned(),
            valid_exchanges: item.valid.clone(),
            price_magnifier: 1,
            long_name: long_name(item),
            contract_month: item.contract.last_trade_date.chars().take(6).collect(),
            industry: "Synthetic".to_owned(),
            category: "Paper".to_owned(),
            subcategory: "Simulated".to_owned(),
            time_zone: hours.zone.to_owned(),
            trading_hours: hours.trading,
            liquid_hours: hours.liquid,
            market_rules: vec![rule; count].join(","),
            stock_type: match item.what {
                InstrumentType::Stock => "COMMON".to_owned(),
                _ => String::new(),
            },
            real_expiration: item.contract.last_trade_date.clone(),
            min_size: Decimal::ONE,
            size_increment: Decimal::from(item.lot),
            suggested_size_increment: Decimal::from(match item.what {
                InstrumentType::Stock => 100,
                _ => 1,
            }),
            agg_group: 1,
            ..ContractDetails::default()
        }
    }
}

fn long_name(item: &Item) -> String {
    match item.what {
        InstrumentType::Stock => format!("{} INC", item.contract.symbol),
        InstrumentType::Future => format!("{} FUTURE", item.contract.symbol),
        InstrumentType::Spot => format!("{} SPOT", item.contract.local_symbol),
    }
}

/// What is said must fit; what is not said fits anything.
fn fits(item: &Item, asked: &Contract) -> bool {
    let own = &item.contract;
    let says = |asked: &str, own: &str| asked.is_empty() || asked.eq_ignore_ascii_case(own);
    let exchange =
        asked.exchange.is_empty() || item.valid.split(',').any(|valid| asked.exchange == valid);
    let kind = match asked.sec_type.as_str() {
        "CONTFUT" => own.sec_type == "FUT",
        other => says(other, &own.sec_type),
    };
    let expires = asked.last_trade_date.is_empty()
        || own
            .last_trade_date
            .starts_with(asked.last_trade_date.as_str());
    if asked.con_id != 0 {
        return asked.con_id == own.con_id && exchange;
    }
    let named = !asked.symbol.is_empty() || !asked.local_symbol.is_empty();
    named
        && exchange
        && kind
        && expires
        && says(&asked.symbol, &own.symbol)
        && says(&asked.local_symbol, &own.local_symbol)
        && says(&asked.currency, &own.currency)
        && says(&asked.trading_class, &own.trading_class)
        && (asked.multiplier.is_empty() || asked.multiplier == own.multiplier)
        && (asked.primary_exchange.is_empty()
            || venue(&asked.primary_exchange) == own.primary_exchange
            || asked.primary_exchange == own.exchange)
}

/// The broker's name of a venue.
fn venue(name: &str) -> &str {
    match name {
        "ISLAND" | "XNAS" => "NASDAQ",
        "XNYS" => "NYSE",
        "GLBX" | "XCME" => "CME",
        other => other,
    }
}

fn stock(instrument: &Instrument) -> Contract {
    let symbol = read_text(&instrument.symbol).to_owned();
    Contract {
        sec_type: "STK".to_owned(),
        exchange: "SMART".to_owned(),
        primary_exchange: venue(read_text(&instrument.venue)).to_owned(),
        currency: read_text(&instrument.currency).to_owned(),
        local_symbol: symbol.clone(),
        trading_class: match venue(read_text(&instrument.venue)) {
            "NASDAQ" => "NMS".to_owned(),
            _ => symbol.clone(),
        },
        symbol,
        ..Contract::default()
    }
}

/// `ESM6`: root, month, last digit of the year; the third Friday of that month.
fn future(instrument: &Instrument, year: i16) -> Contract {
    let name = read_text(&instrument.symbol);
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let letters = name.strip_suffix(digits).unwrap_or(name);
    let month = letters.chars().next_back().and_then(|c| MONTHS.find(c));
    let expires = match (month, digits.parse::<i16>()) {
        (Some(month), Ok(digits)) if digits < 100 => {
            let span = if digits < 10 { 10 } else { 100 };
            // The first such year that is not long past.
            let mut full = year - year.rem_euclid(span) + digits;
            if full < year - 1 {
                full += span;
            }
            third_friday(full, month as i8 + 1)
        }
        _ => String::new(),
    };
    let root = match expires.is_empty() {
        true => name,
        false => letters.get(..letters.len() - 1).unwrap_or(name),
    };
    Contract {
        symbol: root.to_owned(),
        sec_type: "FUT".to_owned(),
        last_trade_date: expires,
        multiplier: instrument.multiplier.max(1).to_string(),
        exchange: venue(read_text(&instrument.venue)).to_owned(),
        currency: read_text(&instrument.currency).to_owned(),
        local_symbol: name.to_owned(),
        trading_class: root.to_owned(),
        ..Contract::default()
    }
}

fn third_friday(year: i16, month: i8) -> String {
    let Ok(first) = jiff::civil::Date::new(year, month, 1) else {
        return String::new();
    };
    let friday = first.nth_weekday_of_month(3, jiff::civil::Weekday::Friday);
    friday.map_or(String::new(), |date| date.strftime("%Y%m%d").to_string())
}

fn pair(instrument: &Instrument) -> Contract {
    let name = read_text(&instrument.symbol);
    let currency = read_text(&instrument.currency);
    let base = name.strip_suffix(currency).unwrap_or(name);
    let local_symbol = format!("{base}.{currency}");
    // Currencies trade at the broker's own venue, coins at another one.
    let (sec_type, exchange, class) = match read_text(&instrument.venue) {
        "IDEALPRO" => ("CASH", "IDEALPRO", local_symbol.as_str()),
        _ => ("CRYPTO", "PAXOS", base),
    };
    Contract {
        symbol: base.to_owned(),
        sec_type: sec_type.to_owned(),
        exchange: exchange.to_owned(),
        currency: currency.to_owned(),
        trading_class: class.to_owned(),
        local_symbol,
        ..Contract::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::payload::text;

    fn catalog() -> Catalog {
        let one = |id, symbol, what, venue, tick| {
            let instrument = Instrument {
                symbol: text(symbol),
                venue: text(venue),
                currency: text("USD"),
                multiplier: if what == InstrumentType::Future {
                    50
                } else {
                    1
                },
                tick_size: Price(tick),
                what,
                ..Instrument::zeroed()
            };
            (InstrumentId(id), instrument)
        };
        let (share, future) = (InstrumentType::Stock, InstrumentType::Future);
        let all = [
            one(1, "ALDR", share, "NASDAQ", 10_000_000),
            one(2, "ESM6", future, "CME", 250_000_000),
            one(3, "ESU6", future, "CME", 250_000_000),
        ];
        Catalog::new(&all, 2026)
    }

    fn asked(symbol: &str, sec_type: &str, exchange: &str) -> Contract {
        Contract {
            symbol: symbol.to_owned(),
            sec_type: sec_type.to_owned(),
            exchange: exchange.to_owned(),
            ..Contract::default()
        }
    }

    #[test]
    fn what_is_said_must_fit() {
        let catalog = catalog();
        let found = |contract: &Contract| catalog.resolve(contract).map(|item| item.id.0);
        assert_eq!(found(&asked("ALDR", "STK", "SMART")), Ok(1));
        assert_eq!(found(&asked("ALDR", "STK", "ISLAND")), Ok(1));
        assert_eq!(found(&asked("ALDR", "FUT", "")), Err(Missing::Unknown));
        assert_eq!(found(&asked("ALDR", "STK", "CME")), Err(Missing::Unknown));
        assert_eq!(found(&asked("", "STK", "SMART")), Err(Missing::Unknown));
        assert_eq!(found(&asked("ES", "FUT", "CME")), Err(Missing::Ambiguous));
        assert_eq!(found(&asked("ES", "CONTFUT", "CME")), Ok(2));
        let june = Contract {
            last_trade_date: "202606".to_owned(),
            ..asked("ES", "FUT", "CME")
        };
        assert_eq!(found(&june), Ok(2));
        let by_number = Contract {
            con_id: catalog.items()[2].contract.con_id,
            ..Contract::default()
        };
        assert_eq!(found(&by_number), Ok(3));
    }

    #[test]
    fn futures_know_when_they_end_and_rules_are_by_tick() {
        let catalog = catalog();
        let june = &catalog.items()[1];
        assert_eq!(june.contract.last_trade_date, "20260619");
        assert_eq!((june.contract.symbol.as_str(), june.rule), ("ES", 27));
        assert_eq!(catalog.rule(27).expect("a rule").steps, [(0.0, 0.25)]);
        assert_eq!(catalog.rule(26).expect("a rule").steps, [(0.0, 0.01)]);
        assert!(catalog.rule(28).is_none());
    }

    #[test]
    fn symbols_that_begin_with_the_text_come_first() {
        let catalog = catalog();
        let like = |text| {
            let found = catalog.symbols_like(text);
            found
                .into_iter()
                .map(|(c, _)| c.local_symbol)
                .collect::<Vec<_>>()
        };
        assert_eq!(like("es"), ["ESM6", "ESU6"]);
        assert_eq!(like("ld"), ["ALDR"]);
        assert_eq!(like(""), Vec::<String>::new());
    }
}
