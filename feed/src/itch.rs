//! NASDAQ TotalView-ITCH 5.0: every message of the specification, and the frames they make.
//!
//! Three layers, each usable alone: [`message`] reads bytes as typed views without copying,
//! [`decoder`] turns messages into frames of a wanted universe, [`file`](mod@file) splits a
//! BinaryFILE into messages. The wire carries the same messages in [`moldudp`](crate::moldudp)
//! packets.
//!
//! Deliberately absent: books (the book stage keeps them), Glimpse snapshots, SoupBinTCP.

pub mod decoder;
mod directory;
pub mod file;
pub mod message;
pub mod sink;

pub use decoder::Decoder;
pub use message::Message;
pub use sink::{Counts, Made, Sink};

use jiff::civil::Date;
use stream::Nanos;

/// Bytes that are no ITCH 5.0 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItchError {
    /// No bytes.
    #[error("an empty message")]
    Empty,
    /// A type byte that ITCH 5.0 does not know.
    #[error("type byte {code:#04x} is no ITCH 5.0 message")]
    UnknownType {
        /// The byte.
        code: u8,
    },
    /// Not as long as its type.
    #[error("a message of type `{}` has {expected} bytes, not {found}", *code as char)]
    Length {
        /// Type byte.
        code: u8,
        /// Bytes that the type has.
        expected: u8,
        /// Bytes that there are.
        found: usize,
    },
}

impl ItchError {
    #[cold]
    fn length(code: u8, found: usize) -> Self {
        Self::Length {
            code,
            expected: message::LENGTHS[usize::from(code)],
            found,
        }
    }
}

/// Midnight in New York at the start of `date`: what ITCH stamps count from. `None` for dates
/// before 1970.
///
/// Clocks change at 2 a.m. on Sundays, never on a day with a session, so that a stamp is the time
/// elapsed since.
#[must_use]
pub fn midnight(date: Date) -> Option<Nanos> {
    let zone = jiff::tz::TimeZone::get("America/New_York").ok()?;
    let start = date.to_zoned(zone).ok()?.timestamp();
    u64::try_from(start.as_nanosecond()).ok().map(Nanos)
}

/// The session date in a file name as Nasdaq ships them: `01302019.NASDAQ_ITCH50.gz` (month, day,
/// year) or `S013019-v50.txt.gz` (two digits of the year); also a plain `20190130` or `2019-01-30`
/// anywhere in the name.
#[must_use]
pub fn date_in_name(name: &str) -> Option<Date> {
    let mut runs = name
        .split(|c: char| !c.is_ascii_digit())
        .filter(|run| !run.is_empty());
    let number = |run: &str| run.parse::<i16>().ok();
    let date = |y: &str, m: &str, d: &str| {
        let year = number(y)?;
        let year = if y.len() == 2 { 2000 + year } else { year };
        if !(1990..2100).contains(&year) {
            return None;
        }
        Date::new(
            year,
            number(m)?.try_into().ok()?,
            number(d)?.try_into().ok()?,
        )
        .ok()
    };
    while let Some(run) = runs.next() {
        let found = match run.len() {
            8 => date(&run[..4], &run[4..6], &run[6..])
                .or_else(|| date(&run[4..], &run[..2], &run[2..4])),
            6 => date(&run[4..], &run[..2], &run[2..4]),
            4 => {
                let mut rest = runs.clone();
                match (rest.next(), rest.next()) {
                    (Some(m), Some(d)) if m.len() == 2 && d.len() == 2 => date(run, m, d),
                    _ => None,
                }
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_follows_the_clock_change() {
        // EST is UTC−5, EDT is UTC−4.
        let winter = midnight(jiff::civil::date(2019, 1, 30)).unwrap();
        assert_eq!(winter.0, 1_548_824_400 * 1_000_000_000);
        let summer = midnight(jiff::civil::date(2012, 6, 21)).unwrap();
        assert_eq!(summer.0, 1_340_251_200 * 1_000_000_000);
    }

    #[test]
    fn file_names_tell_the_date() {
        let expected = Some(jiff::civil::date(2019, 1, 30));
        for name in [
            "01302019.NASDAQ_ITCH50.gz",
            "S013019-v50.txt.gz",
            "itch-20190130.bin",
            "AAPL_2019-01-30_full.itch",
        ] {
            assert_eq!(date_in_name(name), expected, "{name}");
        }
        for name in [
            "ITCH50.bin",
            "99999999.bin",
            "itch50_first1000_real.bin",
            "",
        ] {
            assert_eq!(date_in_name(name), None, "{name}");
        }
    }
}
