//! The broker's regular hours of a contract, to be held against our own calendar.

use super::broker::Details;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use stream::Nanos;

/// What the broker says of one date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Nothing: the date is not among those that it tells.
    Unknown,
    /// No trading.
    Closed,
    /// From the first opening to the last close that belong to the date.
    Open {
        /// Opens.
        open: Nanos,
        /// Closes.
        close: Nanos,
    },
}

/// The regular hours of a date, `yyyymmdd`: the spans that end on it.
#[must_use]
pub fn regular(details: &Details, date: u32) -> Hours {
    let Some(zone) = zone_of(&details.zone) else {
        return Hours::Unknown;
    };
    let wanted = date.to_string();
    let mut hours = Hours::Unknown;
    let spans = details.hours.iter().flat_map(|entry| entry.split(';'));
    for entry in spans.map(str::trim) {
        if entry.strip_suffix(":CLOSED") == Some(wanted.as_str()) {
            return Hours::Closed;
        }
        let Some((from, to)) = entry.split_once('-') else {
            continue;
        };
        // Older servers leave the date of the close away where it is that of the open.
        let to = if to.contains(':') {
            to.to_owned()
        } else {
            format!("{}:{to}", from.split(':').next().unwrap_or(""))
        };
        if !to.starts_with(&wanted) {
            continue;
        }
        let (Some(open), Some(close)) = (time_of(from, &zone), time_of(&to, &zone)) else {
            return Hours::Unknown;
        };
        hours = match hours {
            Hours::Open { open: o, close: c } => Hours::Open {
                open: open.min(o),
                close: close.max(c),
            },
            _ => Hours::Open { open, close },
        };
    }
    hours
}

/// `20261120:0930` in a zone.
fn time_of(text: &str, zone: &TimeZone) -> Option<Nanos> {
    let (date, time) = text.trim().split_once(':')?;
    let date = Date::strptime("%Y%m%d", date).ok()?;
    let time: u16 = time.parse().ok()?;
    let (hour, minute) = (time / 100, time % 100);
    let clock = DateTime::from_parts(
        date,
        jiff::civil::Time::new(hour as i8, minute as i8, 0, 0).ok()?,
    );
    let at = clock.to_zoned(zone.clone()).ok()?.timestamp();
    u64::try_from(at.as_nanosecond()).ok().map(Nanos)
}

/// A zone by its IANA name, or by one of the letters that the broker uses.
pub(super) fn zone_of(name: &str) -> Option<TimeZone> {
    let name = match name.trim() {
        "EST" | "EDT" | "EST5EDT" => "America/New_York",
        "CST" | "CDT" | "CST6CDT" => "America/Chicago",
        "PST" | "PDT" => "America/Los_Angeles",
        "GMT" | "UTC" => "UTC",
        other => other,
    };
    TimeZone::get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(hours: &[&str]) -> Details {
        Details {
            zone: "US/Eastern".to_owned(),
            hours: hours.iter().map(|text| (*text).to_owned()).collect(),
            ..Details::default()
        }
    }

    #[test]
    fn a_day_is_found_in_its_zone() {
        let known = details(&["20261120:0930-20261120:1600", "20261121:CLOSED"]);
        let open = Nanos::from_secs(1_795_185_000);
        let close = Nanos::from_secs(1_795_208_400);
        assert_eq!(regular(&known, 20_261_120), Hours::Open { open, close });
        assert_eq!(regular(&known, 20_261_121), Hours::Closed);
        assert_eq!(regular(&known, 20_261_122), Hours::Unknown);
        let one_text = details(&["20261120:0930-1600;20261121:CLOSED"]);
        assert_eq!(regular(&one_text, 20_261_120), Hours::Open { open, close });
    }

    #[test]
    fn a_session_that_begins_the_evening_before_belongs_to_its_close() {
        let known = Details {
            zone: "US/Central".to_owned(),
            ..details(&["20261119:1700-20261120:1600"])
        };
        let Hours::Open { open, close } = regular(&known, 20_261_120) else {
            panic!("it is open");
        };
        assert_eq!((close - open).0, 23 * 3_600 * 1_000_000_000);
        assert_eq!(regular(&known, 20_261_119), Hours::Unknown);
    }

    #[test]
    fn nonsense_is_unknown() {
        for text in [
            "",
            "x",
            "20261120:0930-20261120:9900",
            "20261120:-",
            "-20261120:1",
        ] {
            assert_eq!(
                regular(&details(&[text]), 20_261_120),
                Hours::Unknown,
                "{text}"
            );
        }
        let nowhere = Details {
            zone: "Mars/Base".to_owned(),
            ..details(&["20261120:0930-20261120:1600"])
        };
        assert_eq!(regular(&nowhere, 20_261_120), Hours::Unknown);
    }
}
