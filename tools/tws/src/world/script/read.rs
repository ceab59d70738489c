//! Scripts as text.

use super::kind::ANSWERS;
use super::{Action, Cut, Event, Fault, Match, Tamper, Trick, When};
use crate::world::quotes::Permission;
use stream::Nanos;
use toml::{Table, Value};

/// What is wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// It is no TOML.
    #[error("the script cannot be read: {0}")]
    Text(String),
    /// A key that means nothing there.
    #[error("fault {at}: \"{key}\" means nothing here; remove it")]
    Key {
        /// Which fault, from 1.
        at: usize,
        /// The key.
        key: String,
    },
    /// A value that cannot be.
    #[error("fault {at}: {key}: expected {expected}")]
    Value {
        /// Which fault, from 1.
        at: usize,
        /// The key.
        key: &'static str,
        /// What would be right.
        expected: &'static str,
    },
}

const WORDS: &str = "drop, delay, duplicate, swap, unset, close, reset, black_hole, half_open, \
                     hold, go, stall, clear, lost, restored, restored_lost, notice, restart, \
                     live, delayed, no_data, competing, depth_reset, silent, speak, slow, \
                     roll_back, halt, resume, short, rate, fill_after_cancel, \
                     partial_then_reject, reject, reject_child, fill, race, rewrite_tif, twin, \
                     correct, bust, trade, transfer or manual";

/// Seed and faults of a script.
pub(super) fn read(text: &str) -> Result<(Option<u64>, Vec<Fault>), ScriptError> {
    let text = text.trim();
    let document = if text.contains('\n') || text.starts_with('[') || text.is_empty() {
        text.to_owned()
    } else {
        line(text)
    };
    let mut document: Table = document
        .parse()
        .map_err(|error: toml::de::Error| ScriptError::Text(error.message().to_owned()))?;
    let seed = match document.remove("seed") {
        None => None,
        Some(Value::Integer(seed)) => Some(seed as u64),
        Some(_) => return bad(0, "seed", "a whole number"),
    };
    let faults = match document.remove("fault") {
        None => Vec::new(),
        Some(Value::Array(faults)) => faults,
        Some(_) => return bad(0, "fault", "[[fault]] tables"),
    };
    if let Some(key) = document.keys().next() {
        return Err(ScriptError::Key {
            at: 0,
            key: key.clone(),
        });
    }
    let mut all = Vec::new();
    for (index, fault) in faults.into_iter().enumerate() {
        let Value::Table(table) = fault else {
            return bad(index + 1, "fault", "a table");
        };
        all.push(Keys::new(index + 1, table).fault()?);
    }
    Ok((seed, all))
}

fn bad<T>(at: usize, key: &'static str, expected: &'static str) -> Result<T, ScriptError> {
    Err(ScriptError::Value { at, key, expected })
}

/// `delay ms=300 on=orderStatus` as a document.
/// `500ms`, `30s`, `5m`, or seconds without a unit.
fn millis_of(text: &str) -> Option<u64> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: Option<u64> = text[..text.len() - unit.len()].parse().ok();
    let factor = match unit {
        "ms" => Some(1),
        "s" | "" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    let (number, factor): (u64, u64) = number.zip(factor)?;
    number.checked_mul(factor)
}

/// The same as a span; none where it is none, or does not fit.
pub(crate) fn span_of(text: &str) -> Option<Nanos> {
    let nanos = millis_of(text)?.checked_mul(1_000_000)?;
    Some(Nanos(nanos))
}

fn line(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut document = format!("[[fault]]\ndo = {:?}\n", words.next().unwrap_or(""));
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, "true"));
        let plain = value.parse::<f64>().is_ok() || value == "true" || value == "false";
        if plain {
            document.push_str(&format!("{key} = {value}\n"));
        } else {
            document.push_str(&format!("{key} = {value:?}\n"));
        }
    }
    document
}

/// The keys of one fault that nobody has read yet.
struct Keys {
    at: usize,
    table: Table,
}

impl Keys {
    fn new(at: usize, table: Table) -> Self {
        Self { at, table }
    }

    fn text(&mut self, key: &'static str) -> Result<Option<String>, ScriptError> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => bad(self.at, key, "a text"),
        }
    }

    /// A status, or a code.
    fn status(&mut self) -> Result<Option<String>, ScriptError> {
        if let Some(Value::Integer(code)) = self.table.get("status") {
            let code = code.to_string();
            self.table.remove("status");
            return Ok(Some(code));
        }
        self.text("status")
    }

    fn need(&mut self, key: &'static str) -> Result<String, ScriptError> {
        let at = self.at;
        self.text(key)?.map_or_else(|| bad(at, key, "a text"), Ok)
    }

    fn whole(&mut self, key: &'static str) -> Result<Option<i64>, ScriptError> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(_) => bad(self.at, key, "a whole number"),
        }
    }

    fn count(&mut self, key: &'static str, default: u32) -> Result<u32, ScriptError> {
        let at = self.at;
        self.whole(key)?.map_or(Ok(default), |number| {
            u32::try_from(number).or_else(|_| bad(at, key, "a whole number from 0"))
        })
    }

    fn id(&mut self, key: &'static str) -> Result<Option<i32>, ScriptError> {
        let at = self.at;
        let number = self.whole(key)?;
        number
            .map(|n| i32::try_from(n).or_else(|_| bad(at, key, "an id")))
            .transpose()
    }

    /// A number with places, in 1e-9.
    fn nano(&mut self, key: &'static str) -> Result<i64, ScriptError> {
        let value = match self.table.remove(key) {
            Some(Value::Integer(number)) => number as f64,
            Some(Value::Float(number)) => number,
            _ => return bad(self.at, key, "a number"),
        };
        let scaled = (value * 1e9).round();
        if scaled.is_finite() && scaled.abs() < 9.0e18 {
            Ok(scaled as i64)
        } else {
            bad(self.at, key, "a number that fits a price")
        }
    }

    fn millis(&mut self, default: u64) -> Result<Nanos, ScriptError> {
        let at = self.at;
        let millis = self.whole("ms")?.map_or(Ok(default), |number| {
            let fits = u64::try_from(number).ok().filter(|ms| *ms <= 86_400_000);
            fits.map_or_else(|| bad(at, "ms", "0 to 86,400,000"), Ok)
        })?;
        Ok(Nanos::from_millis(millis))
    }

    /// `"30s"`, `"500ms"`, `"5m"`, or seconds as a number.
    fn span(&mut self, key: &'static str) -> Result<Option<Nanos>, ScriptError> {
        const EXPECTED: &str = "a span such as \"500ms\", \"30s\" or \"5m\"";
        let parsed = match self.table.remove(key) {
            None => return Ok(None),
            Some(Value::Integer(seconds)) => u64::try_from(seconds).ok().map(|s| s * 1_000),
            Some(Value::String(text)) => millis_of(&text),
            Some(_) => None,
        };
        let Some(millis) = parsed.filter(|millis| *millis <= 604_800_000) else {
            return bad(self.at, key, EXPECTED);
        };
        Ok(Some(Nanos::from_millis(millis)))
    }

    fn fault(mut self) -> Result<Fault, ScriptError> {
        let when = self.when()?;
        let word = self.need("do")?;
        let action = self.action(&word)?;
        if let Some(key) = self.table.keys().next() {
            return Err(ScriptError::Key {
                at: self.at,
                key: key.clone(),
            });
        }
        let timed = !matches!(when, When::On(_));
        if timed && matches!(action, Action::Message(_)) {
            return bad(self.at, "on", "which messages it is done to");
        }
        Ok(Fault { action, when })
    }

    /// What messages are called.
    fn kind(&mut self, key: &'static str) -> Result<Option<String>, ScriptError> {
        match self.text(key)? {
            Some(kind) if !ANSWERS.contains(&kind.as_str()) => {
                bad(self.at, key, "a message such as orderStatus or placeOrder")
            }
            kind => Ok(kind),
        }
    }

    fn when(&mut self) -> Result<When, ScriptError> {
        if let Some(kind) = self.kind("on")? {
            let chance = match self.table.remove("chance") {
                None => 1_000_000,
                Some(Value::Float(part)) if (0.0..=1.0).contains(&part) => {
                    (part * 1e6).round() as u32
                }
                Some(_) => return bad(self.at, "chance", "a number from 0.0 to 1.0"),
            };
            return Ok(When::On(Match {
                kind,
                id: self.id("order")?,
                client: self.id("client")?,
                status: self.status()?,
                after: self.kind("after")?,
                skip: self.count("nth", 1)?.saturating_sub(1),
                times: self.count("times", 1)?.max(1),
                chance,
            }));
        }
        let every = self.span("every")?;
        Ok(match (self.span("at")?, every) {
            (None, None) => When::Now,
            (Some(at), every) => When::At(at, every),
            (None, Some(every)) => When::At(every, Some(every)),
        })
    }

    fn action(&mut self, word: &str) -> Result<Action, ScriptError> {
        if let Some(tamper) = self.tamper(word)? {
            return Ok(Action::Message(tamper));
        }
        if let Some(trick) = self.trick(word)? {
            return Ok(Action::Order(trick));
        }
        if let Some(cut) = self.cut(word)? {
            return Ok(cut);
        }
        Ok(Action::Broker(match word {
            "lost" => Event::Lost,
            "restored" | "restored_lost" => Event::Restored {
                kept: word == "restored",
                forget: self.table.remove("forget") == Some(Value::Boolean(true)),
            },
            "notice" => Event::Notice(self.id("code")?.unwrap_or(2_104)),
            "restart" => Event::Restart(self.millis(5_000)?),
            "live" => Event::Permission(Permission::Live),
            "delayed" => Event::Permission(Permission::Delayed),
            "no_data" => Event::Permission(Permission::None),
            "competing" => Event::Permission(Permission::Competing),
            "depth_reset" => Event::DepthReset,
            "silent" => Event::Silent(true),
            "clear" => Event::Clear,
            "speak" => Event::Silent(false),
            "slow" => Event::Slow(self.millis(1_000)?),
            "roll_back" => Event::RollBack {
                client: self.id("client")?.unwrap_or(0),
                to: self.id("to")?.unwrap_or(1),
            },
            "halt" | "resume" => Event::Halt {
                symbol: self.need("symbol")?,
                halted: word == "halt",
            },
            "short" => Event::Short {
                symbol: self.need("symbol")?,
                shares: u64::from(self.count("shares", 0)?),
            },
            "rate" => Event::Rate(self.nano("value")?),
            _ => return bad(self.at, "do", WORDS),
        }))
    }

    fn cut(&mut self, word: &str) -> Result<Option<Action>, ScriptError> {
        let cut = match word {
            "close" | "reset" => Cut::Reset,
            "black_hole" => Cut::BlackHole,
            "half_open" => Cut::HalfOpen,
            "hold" => Cut::Hold,
            "go" => Cut::Go,
            "stall" => return Ok(Some(Action::Link(Cut::Stall(self.millis(1_000)?), None))),
            _ => return Ok(None),
        };
        let ends = matches!(cut, Cut::BlackHole | Cut::HalfOpen) && self.table.contains_key("ms");
        let ends = if ends { Some(self.millis(0)?) } else { None };
        Ok(Some(Action::Link(cut, ends)))
    }

    fn tamper(&mut self, word: &str) -> Result<Option<Tamper>, ScriptError> {
        Ok(Some(match word {
            "drop" => Tamper::Drop,
            "delay" => Tamper::Delay(self.millis(1_000)?),
            "duplicate" => Tamper::Duplicate(self.count("copies", 1)?),
            "swap" => Tamper::Swap,
            "unset" => Tamper::Unset,
            _ => return Ok(None),
        }))
    }

    fn trick(&mut self, word: &str) -> Result<Option<Trick>, ScriptError> {
        Ok(Some(match word {
            "fill_after_cancel" => Trick::FillAfterCancel(self.millis(200)?),
            "partial_then_reject" => Trick::PartialThenReject,
            "reject" => Trick::Reject { child: false },
            "reject_child" => Trick::Reject { child: true },
            "fill" => Trick::Fill,
            "race" => Trick::Race,
            "rewrite_tif" => Trick::RewriteTif,
            "twin" => Trick::Twin,
            "correct" => Trick::Correct(self.nano("by")?),
            "bust" => Trick::Bust,
            "trade" | "transfer" => {
                let symbol = self.need("symbol")?;
                let qty = self.whole("qty")?.unwrap_or(1);
                if word == "trade" {
                    Trick::Trade(symbol, qty)
                } else {
                    Trick::Transfer(symbol, qty)
                }
            }
            "manual" => {
                let symbol = self.need("symbol")?;
                let qty = self.whole("qty")?.unwrap_or(1);
                Trick::Manual(symbol, qty, self.nano("price")?)
            }
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_and_a_line_say_the_same() {
        let document = "[[fault]]\ndo = \"delay\"\nms = 300\non = \"orderStatus\"\n\
                        status = \"Filled\"\nnth = 2\nchance = 0.5\n";
        let by_line = "delay ms=300 on=orderStatus status=Filled nth=2 chance=0.5";
        let (none, one) = read(document).expect("it reads");
        assert_eq!(none, None);
        assert_eq!(one, read(by_line).expect("it reads").1);
        let When::On(on) = &one[0].when else {
            panic!("{one:?}");
        };
        assert_eq!((on.skip, on.times, on.chance), (1, 1, 500_000));
        let (seed, timed) =
            read("seed = 9\n[[fault]]\ndo=\"lost\"\nat=\"90s\"\nevery=\"5m\"\n").expect("it reads");
        assert_eq!(seed, Some(9));
        let every = Some(Nanos::from_secs(300));
        assert_eq!(timed[0].when, When::At(Nanos::from_secs(90), every));
    }

    #[test]
    fn what_means_nothing_is_named_with_its_place() {
        for (text, part) in [
            ("[[fault", "cannot be read"),
            ("nonsense", "fault 1: do: expected drop"),
            ("lost colour=red", "fault 1: \"colour\""),
            ("drop", "fault 1: on:"),
            ("drop on=everything", "fault 1: on:"),
            ("delay on=orderStatus ms=-1", "fault 1: ms:"),
            ("lost at=soon", "fault 1: at:"),
            ("halt", "fault 1: symbol:"),
            ("x = 1\ny = 2", "fault 0: \"x\""),
        ] {
            let said = read(text).expect_err(text).to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
