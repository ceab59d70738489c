//! Layered settings: the embedded sample, files, the environment, flags; the last one wins.
//!
//! Everything is a flat map from a dotted key to one value and the place that it came from. The
//! typed readers check type and range and collect *every* fault; a key that nobody read is a
//! fault too. Nothing here knows what a key means.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use stream::{Money, Nanos, Price};
use toml::de::{DeTable, DeValue};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The embedded sample, at a line.
    Sample(usize),
    /// A file, at a line.
    File(PathBuf, usize),
    /// An environment variable.
    Env(String),
    /// A command-line flag.
    Flag(String),
    /// Nowhere: the key is not set.
    Unset,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sample(line) => write!(f, "embedded sample:{line}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Unset => f.write_str("not set"),
        }
    }
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands.
    pub origin: Origin,
    /// Which key.
    pub key: String,
    /// What is wrong and what was expected.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.origin, self.key, self.what)
    }
}

/// A configuration that cannot be used, with every fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(
            f,
            "the configuration has {count} fault{}",
            if count == 1 { "" } else { "s" }
        )?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

/// A value as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole number or a decimal, as its digits.
    Number(String),
    /// True or false.
    Bool(bool),
    /// Text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl fmt::Display for Value {
    /// As TOML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
        match self {
            Self::Number(digits) => f.write_str(digits),
            Self::Bool(value) => value.fmt(f),
            Self::Text(text) => f.write_str(&quote(text)),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|item| quote(item)).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

/// Prefix of environment variables: `SPINDLE__RISK__MAX_ORDER_VALUE` is `risk.max_order_value`.
pub const ENV_PREFIX: &str = "SPINDLE__";

/// The layered settings.
#[derive(Debug, Default)]
pub struct Settings {
    values: BTreeMap<String, (Value, Origin)>,
    read: RefCell<BTreeSet<String>>,
    faults: RefCell<Vec<Fault>>,
}

/// The largest configuration file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

impl Settings {
    /// Adds the embedded sample.
    pub fn add_sample(&mut self, text: &str) {
        self.add_text(text, &|line| Origin::Sample(line));
    }

    /// Adds the configuration that a journal keeps.
    pub fn add_journal(&mut self, text: &str) {
        self.add_text(text, &|line| Origin::File("journal".into(), line));
    }

    /// Adds a file.
    pub fn add_file(&mut self, path: &Path) {
        let fault = |what: String| Fault {
            origin: Origin::File(path.to_owned(), 1),
            key: "-".to_owned(),
            what,
        };
        let text = match std::fs::metadata(path) {
            Ok(facts) if facts.is_dir() => Err("is a folder; name a TOML file".to_owned()),
            Ok(facts) if facts.len() > FILE_BYTES_MAX => Err(format!(
                "has {} bytes; at most {FILE_BYTES_MAX} are read",
                facts.len()
            )),
            Ok(_) => std::fs::read_to_string(path)
                .map_err(|why| format!("cannot be read: {why}; it must be UTF-8 TOML")),
            Err(why) => Err(format!(
                "cannot be read: {why}; `spindle init` writes a first one"
            )),
        };
        match text {
            Ok(text) => self.add_text(&text, &|line| Origin::File(path.to_owned(), line)),
            Err(what) => self.faults.borrow_mut().push(fault(what)),
        }
    }

    /// Adds what the environment sets.
    pub fn add_env(&mut self, variables: impl Iterator<Item = (String, String)>) {
        for (name, value) in variables {
            if let Some(key) = name.strip_prefix(ENV_PREFIX) {
                let key = key.to_ascii_lowercase().replace("__", ".");
                self.add_written(&key, &value, Origin::Env(name.clone()));
            }
        }
    }

    /// Forgets every key below `table`, for a caller that puts another one in its place.
    pub fn drop_table(&mut self, table: &str) {
        let below = format!("{table}.");
        self.values.retain(|key, _| !key.starts_with(&below));
    }

    /// Adds what a flag sets.
    pub fn add_flag(&mut self, flag: &str, key: &str, value: Value) {
        self.values
            .insert(key.to_owned(), (value, Origin::Flag(flag.to_owned())));
    }

    fn add_written(&mut self, key: &str, written: &str, origin: Origin) {
        let parsed = toml::from_str::<toml::Table>(&format!("v = {written}"))
            .ok()
            .and_then(|mut table| table.remove("v"));
        let value = match parsed {
            Some(toml::Value::Boolean(value)) => Value::Bool(value),
            Some(toml::Value::Integer(_) | toml::Value::Float(_)) => {
                Value::Number(written.trim().replace('_', ""))
            }
            Some(toml::Value::Array(items)) if items.iter().all(toml::Value::is_str) => {
                Value::List(
                    items
                        .iter()
                        .filter_map(toml::Value::as_str)
                        .map(str::to_owned)
                        .collect(),
                )
            }
            Some(toml::Value::String(text)) => Value::Text(text),
            _ => Value::Text(written.to_owned()),
        };
        self.values.insert(key.to_owned(), (value, origin));
    }

    fn add_text(&mut self, text: &str, origin: &dyn Fn(usize) -> Origin) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            self.faults.borrow_mut().push(Fault {
                origin: origin(line(at)),
                key: "-".to_owned(),
                what: format!("is not TOML: {}", error.message()),
            });
        }
        self.add_table("", table.get_ref(), &|at| origin(line(at)));
    }

    fn add_table(&mut self, prefix: &str, table: &DeTable<'_>, origin: &dyn Fn(usize) -> Origin) {
        for (key, value) in table {
            let key = format!("{prefix}{}", key.get_ref());
            self.add_value(&key, value.get_ref(), value.span().start, origin);
        }
    }

    fn add_value(
        &mut self,
        key: &str,
        value: &DeValue<'_>,
        at: usize,
        origin: &dyn Fn(usize) -> Origin,
    ) {
        let value = match value {
            DeValue::Table(table) => return self.add_table(&format!("{key}."), table, origin),
            DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
                for (index, item) in items.iter().enumerate() {
                    let key = format!("{key}.{}", index + 1);
                    self.add_value(&key, item.get_ref(), item.span().start, origin);
                }
                return;
            }
            DeValue::Array(items) => Value::List(
                items
                    .iter()
                    .map(|item| match item.get_ref() {
                        DeValue::String(text) => text.to_string(),
                        DeValue::Integer(number) => number.as_str().to_owned(),
                        DeValue::Float(number) => number.as_str().to_owned(),
                        other => other.type_str().to_owned(),
                    })
                    .collect(),
            ),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => {
                Value::Number(number.as_str().to_owned())
            }
            DeValue::Integer(number) => Value::Text(number.to_string()),
            DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
            DeValue::Datetime(value) => Value::Text(value.to_string()),
        };
        self.values.insert(key.to_owned(), (value, origin(at)));
    }

    /// Every key with its value and origin, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value, &Origin)> {
        self.values
            .iter()
            .map(|(key, (value, origin))| (key.as_str(), value, origin))
    }

    /// The settings whose keys are wanted as TOML, one dotted key a line: what a journal keeps.
    #[must_use]
    pub fn to_toml(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.iter()
            .filter(|(key, ..)| wanted(key))
            .map(|(key, value, _)| format!("{key} = {value}\n"))
            .collect()
    }

    /// The numbers or names under `prefix.`, in order: `strategy` has `1`, `2`, ….
    #[must_use]
    pub fn children(&self, prefix: &str) -> Vec<String> {
        let start = format!("{prefix}.");
        let mut names: Vec<String> = Vec::new();
        for key in self
            .values
            .keys()
            .filter_map(|key| key.strip_prefix(&start))
        {
            let name = key.split('.').next().unwrap_or(key);
            if names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
        names.sort_by_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), name.clone()));
        names.dedup();
        names
    }

    /// True when the key is set.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// A text as it stands, unread and unjudged.
    #[must_use]
    pub fn peek(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some((Value::Text(text), _)) => Some(text),
            _ => None,
        }
    }

    /// Counts a key as read, without reading it.
    pub fn touch(&self, key: &str) {
        self.read.borrow_mut().insert(key.to_owned());
    }

    /// True when nothing was wrong so far: what is checked across keys makes sense only then.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.borrow().is_empty()
    }

    /// What was wrong with the layers that were added: what has no value cannot be shown.
    ///
    /// # Errors
    /// Every fault so far; they stay, and keys that nobody read are none yet.
    pub fn layers(&self) -> Result<(), Faults> {
        let faults = self.faults.borrow();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Faults(faults.clone()))
        }
    }

    /// Reports a fault at `key`.
    pub fn fault(&self, key: &str, what: impl Into<String>) {
        let origin = self
            .values
            .get(key)
            .map_or(Origin::Unset, |(_, origin)| origin.clone());
        let fault = Fault {
            origin,
            key: key.to_owned(),
            what: what.into(),
        };
        self.faults.borrow_mut().push(fault);
    }

    fn get(&self, key: &str, expected: &str) -> Option<&Value> {
        self.read.borrow_mut().insert(key.to_owned());
        match self.values.get(key) {
            Some((value, _)) => Some(value),
            None => {
                self.fault(key, format!("is not set; expected {expected}"));
                None
            }
        }
    }

    fn wrong<T>(&self, key: &str, value: &Value, expected: &str) -> Option<T> {
        self.fault(key, format!("is {value}; expected {expected}"));
        None
    }

    /// A decimal in a range, exact. Reads a number or a text that holds one.
    pub fn decimal(&self, key: &str, range: RangeInclusive<Decimal>) -> Option<Decimal> {
        let expected = format!("a decimal from {} to {}", range.start(), range.end());
        let value = self.get(key, &expected)?;
        let digits = match value {
            Value::Number(digits) | Value::Text(digits) => digits,
            _ => return self.wrong(key, value, &expected),
        };
        match Decimal::from_str_exact(digits).or_else(|_| Decimal::from_scientific(digits)) {
            Ok(decimal) if range.contains(&decimal) => Some(decimal),
            _ => self.wrong(key, value, &expected),
        }
    }

    /// A whole number in a range; `range`'s start where it is at fault.
    pub fn whole(&self, key: &str, range: RangeInclusive<u64>) -> u64 {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let read = || {
            let value = self.get(key, &expected)?;
            match value {
                Value::Number(digits) => match digits.parse::<u64>() {
                    Ok(number) if range.contains(&number) => Some(number),
                    _ => self.wrong(key, value, &expected),
                },
                _ => self.wrong(key, value, &expected),
            }
        };
        read().unwrap_or(*range.start())
    }

    /// True or false.
    pub fn flag(&self, key: &str) -> bool {
        match self.get(key, "true or false") {
            Some(Value::Bool(value)) => *value,
            Some(value) => self.wrong(key, value, "true or false").unwrap_or_default(),
            None => false,
        }
    }

    /// A feature's or score's parameter.
    pub fn float(&self, key: &str, range: RangeInclusive<f64>) -> f64 {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        let read = || {
            let value = self.get(key, &expected)?;
            match value {
                Value::Number(digits) => match digits.parse::<f64>() {
                    Ok(number) if range.contains(&number) => Some(number),
                    _ => self.wrong(key, value, &expected),
                },
                _ => self.wrong(key, value, &expected),
            }
        };
        read().unwrap_or(*range.start())
    }

    /// An amount of money, exact.
    pub fn money(&self, key: &str, range: RangeInclusive<i64>) -> Money {
        let bounds = Decimal::from(*range.start())..=Decimal::from(*range.end());
        Money(self.decimal(key, bounds).map_or(0, nanos_of))
    }

    /// A price, exact.
    pub fn price(&self, key: &str, range: RangeInclusive<Decimal>) -> Price {
        Price(self.decimal(key, range).map_or(0, nanos_of))
    }

    /// A percentage as parts per million: `1.5` is 15,000.
    pub fn percent_ppm(&self, key: &str, range: RangeInclusive<Decimal>) -> u32 {
        let ppm = self
            .decimal(key, range)
            .map(|percent| percent * Decimal::from(10_000));
        ppm.and_then(|ppm| ppm.to_u32()).unwrap_or(0)
    }

    /// A span such as `250ms`, `3s`, `15m`, `2h`, `50us`.
    pub fn span(&self, key: &str, range: RangeInclusive<Nanos>) -> Nanos {
        let expected = format!(
            "a span such as \"250ms\" or \"15m\", from {} to {}",
            show_span(*range.start()),
            show_span(*range.end())
        );
        let read = || {
            let value = self.get(key, &expected)?;
            match value {
                Value::Text(text) => match parse_span(text) {
                    Some(span) if range.contains(&span) => Some(span),
                    _ => self.wrong(key, value, &expected),
                },
                _ => self.wrong(key, value, &expected),
            }
        };
        read().unwrap_or(*range.start())
    }

    /// A text.
    pub fn text(&self, key: &str, expected: &str) -> String {
        match self.get(key, expected) {
            Some(Value::Text(text)) => text.clone(),
            Some(value) => self.wrong(key, value, expected).unwrap_or_default(),
            None => String::new(),
        }
    }

    /// A list of texts.
    pub fn list(&self, key: &str, expected: &str) -> Vec<String> {
        match self.get(key, expected) {
            Some(Value::List(items)) => items.clone(),
            Some(value) => self.wrong(key, value, expected).unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// One of some names; the first where it is at fault.
    ///
    /// # Panics
    /// When `choices` is empty.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> T {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let expected = format!("one of {}", names.join(", "));
        let text = self.text(key, &expected);
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => *value,
            None => {
                if self
                    .values
                    .get(key)
                    .is_some_and(|(value, _)| matches!(value, Value::Text(_)))
                {
                    self.fault(key, format!("is \"{text}\"; expected {expected}"));
                }
                choices[0].1
            }
        }
    }

    /// Ends the reading: every fault, including keys that nobody read.
    ///
    /// # Errors
    /// When there is any fault.
    pub fn finish(&self) -> Result<(), Faults> {
        let read = self.read.borrow();
        for (key, (_, origin)) in &self.values {
            if !read.contains(key) {
                let near = nearest(key, &read)
                    .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                self.faults.borrow_mut().push(Fault {
                    origin: origin.clone(),
                    key: key.clone(),
                    what: format!("is not a known key{near}"),
                });
            }
        }
        let mut faults = self.faults.take();
        faults.dedup();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Faults(faults))
        }
    }
}

fn nanos_of(value: Decimal) -> i64 {
    (value * Decimal::from(stream::units::SCALE))
        .to_i64()
        .unwrap_or(i64::MAX)
}

/// Reads a span such as `250ms`.
#[must_use]
pub fn parse_span(text: &str) -> Option<Nanos> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..split].parse().ok()?;
    let unit = match &text[split..] {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    number.checked_mul(unit).map(Nanos)
}

/// Writes a span in its largest whole unit.
#[must_use]
pub fn show_span(span: Nanos) -> String {
    const UNITS: [(u64, &str); 5] = [
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
    ];
    let unit = UNITS
        .iter()
        .find(|(size, _)| span.0 > 0 && span.0.is_multiple_of(*size));
    unit.map_or_else(
        || format!("{}ns", span.0),
        |(size, name)| format!("{}{name}", span.0 / size),
    )
}

/// The known key that differs least, if it is close.
fn nearest<'a>(key: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    let best = known.iter().min_by_key(|name| distance(key, name))?;
    (distance(key, best) <= 3).then_some(best)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        let mut settings = Settings::default();
        settings.add_text(text, &|line| Origin::File("test.toml".into(), line));
        settings
    }

    #[test]
    fn every_fault_is_listed_with_file_line_and_key() {
        let s = settings("[risk]\nmax_order_value = \"abc\"\nmax_ordr_quantity = 5\n\n[x]\ny=1\n");
        s.money("risk.max_order_value", 1..=1_000_000);
        s.whole("risk.max_order_quantity", 1..=100);
        let Err(Faults(faults)) = s.finish() else {
            panic!("three faults")
        };
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "test.toml:2:risk.max_order_value: is \"abc\"; expected a decimal from 1 to \
                 1000000",
                "not set:risk.max_order_quantity: is not set; expected a whole number from 1 to \
                 100",
                "test.toml:3:risk.max_ordr_quantity: is not a known key; did you mean \
                 `risk.max_order_quantity`?",
                "test.toml:6:x.y: is not a known key",
            ]
        );
    }

    #[test]
    fn money_and_percentages_are_exact() {
        let s = settings("a = 0.1\nb = \"2500.000000001\"\nc = 1.5\nd = 1e18\n");
        assert_eq!(s.money("a", 0..=1), Money(100_000_000));
        assert_eq!(s.money("b", 0..=10_000), Money(2_500_000_000_001));
        assert_eq!(
            s.percent_ppm("c", Decimal::ZERO..=Decimal::from(100)),
            15_000
        );
        s.money("d", 0..=1_000_000);
        let Err(Faults(faults)) = s.finish() else {
            panic!("one fault")
        };
        assert_eq!(faults.len(), 1, "{faults:?}");
    }

    #[test]
    fn later_layers_win_and_what_is_kept_reads_the_same() {
        let mut s = settings("[a]\nb = 1\nlist = [\"x\", \"y\"]\n[[strategy]]\nk = \"v\"\n");
        s.add_env([("SPINDLE__A__B".to_owned(), "2".to_owned())].into_iter());
        s.add_flag("--b", "a.c", Value::Bool(true));
        assert_eq!(s.whole("a.b", 0..=9), 2);
        assert!(s.flag("a.c"));
        assert_eq!(s.children("strategy"), ["1"]);
        assert_eq!(s.text("strategy.1.k", "text"), "v");
        assert_eq!(s.list("a.list", "names"), ["x", "y"]);
        assert_eq!(s.finish(), Ok(()));
        let again = settings(&s.to_toml(|_| true));
        assert_eq!(again.to_toml(|_| true), s.to_toml(|_| true));
    }

    #[test]
    fn spans_read_what_they_print() {
        for text in ["250ms", "3s", "15m", "2h", "50us", "7ns", "0ns"] {
            assert_eq!(show_span(parse_span(text).unwrap()), text);
        }
        for bad in [
            "",
            "5",
            "ms",
            "-1s",
            "1.5s",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            assert_eq!(parse_span(bad), None, "{bad}");
        }
    }

    #[test]
    fn broken_toml_is_a_fault_with_its_line() {
        let s = settings("a = 1\nb = = 2\n");
        s.whole("a", 0..=1);
        let Err(Faults(faults)) = s.finish() else {
            panic!("a fault")
        };
        assert_eq!(faults[0].origin, Origin::File("test.toml".into(), 2));
    }
}
