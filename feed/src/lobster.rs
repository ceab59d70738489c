//! LOBSTER: a message file and the orderbook file beside it.
//!
//! A file of N levels holds only the messages that touch the best N levels of a side, so messages
//! alone do not make a book: when a level goes, the one behind the deepest known level becomes
//! visible without a message. [`Codec`] takes from a message's orderbook row *only* those newly
//! revealed levels, and the very first row; everything else comes from messages, so that any
//! already known field of the orderbook file may be wrong without changing a frame. A level that
//! is pushed out of the N levels is forgotten. Driven by these frames, a book holds at most N
//! levels a side and equals the orderbook file's row after every message.
//!
//! The file's name gives symbol, date, span and N: `SYMBOL_DATE_START_END_message_N.csv`. Times
//! are seconds after midnight in New York, prices dollars × 10,000. A pair may lie in a zip
//! archive, or in one folder, each file plain, `.gz` or `.zst`. Contents of fields that are not
//! taken are not read; that each row has 4 × N fields is checked.

mod codec;
mod known;
mod message;
mod row;

pub use codec::Codec;
pub use row::{EMPTY_ASK, EMPTY_BID, format_row};

use crate::error::{FeedError, Place};
use crate::file::{Counts, Decode, Frames, Record};
use crate::open::Member;
use crate::symbols::Universe;
use crate::text::Lines;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use std::path::Path;
use stream::Nanos;

/// Levels a side at most.
pub const LEVELS_MAX: usize = 1_000;

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Events.
    Message,
    /// Book states.
    Orderbook,
}

/// What a LOBSTER file's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The symbol.
    pub symbol: String,
    /// The date in New York.
    pub date: Date,
    /// Start of the span, milliseconds after midnight.
    pub start_ms: u64,
    /// End of the span, milliseconds after midnight.
    pub end_ms: u64,
    /// Levels a side.
    pub levels: usize,
    /// Which of the two files.
    pub role: Role,
}

impl Name {
    /// Reads `SYMBOL_DATE_START_END_message_N.csv`; `None` for any other name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(".csv")?.rsplitn(6, '_');
        let levels: usize = parts.next()?.parse().ok()?;
        let role = match parts.next()? {
            "message" => Role::Message,
            "orderbook" => Role::Orderbook,
            _ => return None,
        };
        let end_ms: u64 = parts.next()?.parse().ok()?;
        let start_ms: u64 = parts.next()?.parse().ok()?;
        let date = parts.next()?.parse().ok()?;
        let symbol = parts.next()?.to_owned();
        let sound = (1..=LEVELS_MAX).contains(&levels)
            && start_ms <= end_ms
            && end_ms <= 86_400_000
            && !symbol.is_empty();
        sound.then_some(Self {
            symbol,
            date,
            start_ms,
            end_ms,
            levels,
            role,
        })
    }

    /// The name of the same day's file of the other role.
    #[must_use]
    fn companion(name: &str, role: Role) -> String {
        let (own, other) = match role {
            Role::Message => ("_message_", "_orderbook_"),
            Role::Orderbook => ("_orderbook_", "_message_"),
        };
        let at = name.rfind(own).unwrap_or(name.len());
        format!(
            "{}{other}{}",
            &name[..at],
            &name[(at + own.len()).min(name.len())..]
        )
    }

    /// Midnight that the file's times count from: wall-clock time, so on a day of a clock change
    /// noon minus twelve hours.
    #[must_use]
    pub fn midnight(&self) -> Option<Nanos> {
        let zone = TimeZone::get("America/New_York").ok()?;
        let noon = zone
            .to_timestamp(
                self.date
                    .to_datetime(Time::midnight().with().hour(12).build().ok()?),
            )
            .ok()?;
        let nanos = u64::try_from(noon.as_nanosecond()).ok()?;
        nanos.checked_sub(12 * 3_600 * 1_000_000_000).map(Nanos)
    }
}

/// A message file and its orderbook file.
#[derive(Clone, Debug)]
pub struct Pair {
    /// What the message file's name says.
    pub name: Name,
    /// The message file.
    pub message: Member,
    /// The orderbook file.
    pub orderbook: Member,
}

impl Pair {
    /// The pair that a path stands for; `None` when it stands for no LOBSTER file.
    ///
    /// # Errors
    /// When one of the two files is missing, or an archive holds several pairs.
    pub fn find(path: &Path) -> Result<Option<Self>, FeedError> {
        Self::among(path, &crate::open::members(path)?)
    }

    /// [`Pair::find`] with the path's members already listed.
    pub(crate) fn among(path: &Path, members: &[Member]) -> Result<Option<Self>, FeedError> {
        let named: Vec<(Name, &Member)> = members
            .iter()
            .filter_map(|member| Some((Name::parse(&member.stem())?, member)))
            .collect();
        let mut messages = named.iter().filter(|(name, _)| name.role == Role::Message);
        let (name, own): (&Name, &Member) = match (messages.next(), named.first()) {
            (Some((name, own)), _) | (None, Some((name, own))) => (name, own),
            (None, None) => return Ok(None),
        };
        if messages.next().is_some() {
            return Err(FeedError::Bad {
                file: path.display().to_string(),
                place: Place::Whole,
                what: "holds several LOBSTER pairs".to_owned(),
                remedy: "unpack it and name one message file for each --data",
            });
        }
        let expected = Name::companion(&own.stem(), name.role);
        let other = match &own.inside {
            Some(_) => members.iter().find(|m| m.stem() == expected).cloned(),
            None => beside(path, &expected),
        };
        let other = other.ok_or_else(|| FeedError::Missing {
            file: own.label(),
            expected,
        })?;
        let (message, orderbook) = match name.role {
            Role::Message => (own.clone(), other),
            Role::Orderbook => (other, own.clone()),
        };
        Ok(Some(Self {
            name: name.clone(),
            message,
            orderbook,
        }))
    }
}

/// The file of that name in the same folder, plain or packed.
fn beside(path: &Path, name: &str) -> Option<Member> {
    ["", ".gz", ".zst", ".zstd"]
        .iter()
        .map(|ending| path.with_file_name(format!("{name}{ending}")))
        .find(|candidate| candidate.is_file())
        .map(|path| Member { path, inside: None })
}

/// Reads a pair, row by row.
#[derive(Debug)]
pub struct Decoder {
    codec: Codec,
    messages: Lines,
    rows: Lines,
    records: u64,
}

impl Decoder {
    /// Opens both files.
    ///
    /// # Errors
    /// When one cannot be opened, or the symbol is not asked for.
    pub fn open(pair: &Pair, universe: &Universe) -> Result<Self, FeedError> {
        let label = pair.message.label();
        let symbol = pair.name.symbol.as_str();
        let instrument = universe
            .id(symbol)
            .ok_or_else(|| universe.nothing_in(&label, [symbol]))?;
        let midnight = pair.name.midnight().ok_or_else(|| {
            FeedError::bad(&label, Place::Whole, "the date in its name is out of range")
        })?;
        Ok(Self {
            codec: Codec::new(instrument, pair.name.levels, midnight),
            messages: Lines::new(pair.message.open()?),
            rows: Lines::new(pair.orderbook.open()?),
            records: 0,
        })
    }

    /// Levels taken from the orderbook file behind the deepest level known, the first row apart.
    #[must_use]
    pub const fn revealed(&self) -> u64 {
        self.codec.revealed()
    }
}

impl Decode for Decoder {
    fn decode(&mut self, frames: &mut Frames) -> Result<Option<Record>, FeedError> {
        let Some(message) = self.messages.advance()? else {
            return match self.rows.advance()? {
                None => Ok(None),
                Some(_) => Err(self.rows.wrong(format!(
                    "has no message: {} ends before it",
                    self.messages.label()
                ))),
            };
        };
        let Some(row) = self.rows.advance()? else {
            let what = "ends here, but the message file goes on".to_owned();
            return Err(self.rows.wrong(what));
        };
        self.records += 1;
        match self.codec.record(message, row, self.records, frames) {
            Ok(record) => Ok(Some(record)),
            Err(codec::Wrong::Message(what)) => Err(self.messages.wrong(what)),
            Err(codec::Wrong::Row(what)) => Err(self.rows.wrong(what)),
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            records: self.records,
            revealed: self.codec.revealed(),
            ..Counts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_the_right() {
        let name = Name::parse("BRK_B_2012-06-21_34200000_57600000_message_10.csv");
        let name = name.expect("a LOBSTER name");
        assert_eq!((name.symbol.as_str(), name.levels), ("BRK_B", 10));
        assert_eq!(name.role, Role::Message);
        for other in [
            "prices.csv",
            "A_2012-06-21_1_2_message_0.csv",
            "A_2012-13-21_1_2_message_1.csv",
        ] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }

    #[test]
    fn midnight_follows_new_york_through_the_year() {
        let at = |date: &str| {
            let name = Name::parse(&format!("A_{date}_0_1_message_1.csv")).expect("a name");
            name.midnight().expect("in range").0 / 1_000_000_000 % 86_400
        };
        assert_eq!(at("2012-06-21"), 4 * 3_600);
        assert_eq!(at("2012-12-21"), 5 * 3_600);
    }
}
