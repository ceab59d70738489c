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

/// Which hours are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The regular ones: of a share its session without what stands before and after.
    Regular,
    /// All in which it trades: of a future, its session.
    Trading,
}

/// One entry: closed, or from when until when, as text.
enum Entry<'a> {
    Closed(&'a str),
    Span(&'a str, String),
}

fn entries(details: &Details, which: Which) -> impl Iterator<Item = Entry<'_>> {
    let all = match which {
        Which::Regular => &details.hours,
        Which::Trading => &details.trading,
    };
    let entries = all.iter().flat_map(|entry| entry.split(';')).map(str::trim);
    entries.filter_map(|entry| {
        if let Some(date) = entry.strip_suffix(":CLOSED") {
            return Some(Entry::Closed(date));
        }
        let (from, to) = entry.split_once('-')?;
        // Older servers leave the date of the close away where it is that of the open.
        let to = if to.contains(':') {
            to.to_owned()
        } else {
            format!("{}:{to}", from.split(':').next().unwrap_or(""))
        };
        Some(Entry::Span(from, to))
    })
}

/// The hours of a date, `yyyymmdd`: the spans that end on it.
#[must_use]
pub fn of_date(details: &Details, which: Which, date: u32) -> Hours {
    let Some(zone) = zone_of(&details.zone) else {
        return Hours::Unknown;
    };
    let wanted = date.to_string();
    let mut hours = Hours::Unknown;
    for entry in entries(details, which) {
        let (from, to) = match entry {
            Entry::Closed(date) if date == wanted => return Hours::Closed,
            Entry::Span(from, to) if to.starts_with(&wanted) => (from, to),
            _ => continue,
        };
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

/// Whether it trades without a break from one time to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// The broker tells nothing of these hours.
    Unknown,
    /// All the time, or as far as the broker tells.
    Throughout,
    /// Not from here on.
    Until(Nanos),
}

/// Whether it trades from `from` to `to`: spans that touch are one, and behind the last day that
/// the broker tells of nothing is held against it.
#[must_use]
pub fn throughout(details: &Details, from: Nanos, to: Nanos) -> Open {
    let Some(zone) = zone_of(&details.zone) else {
        return Open::Unknown;
    };
    let mut spans = Vec::new();
    let mut told = Nanos::ZERO;
    for entry in entries(details, Which::Trading) {
        let last = match &entry {
            Entry::Closed(date) => time_of(&format!("{date}:2359"), &zone),
            Entry::Span(open, close) => {
                let (Some(open), Some(close)) = (time_of(open, &zone), time_of(close, &zone))
                else {
                    return Open::Unknown;
                };
                spans.push((open, close));
                Some(close)
            }
        };
        told = told.max(last.unwrap_or(told));
    }
    if told == Nanos::ZERO {
        return Open::Unknown;
    }
    spans.sort_unstable();
    let mut reached = from;
    for (open, close) in spans {
        // A minute may lie between 23:59 and midnight.
        if open <= reached.saturating_add(MINUTE) && close > reached {
            reached = close;
        }
    }
    if reached == from && reached < told {
        // Not even open now.
        return Open::Until(from);
    }
    if reached >= to.min(told) {
        Open::Throughout
    } else {
        Open::Until(reached)
    }
}

const MINUTE: Nanos = Nanos::from_secs(60);

/// `20261120:0930` in a zone.
fn time_of(text: &str, zone: &TimeZone) -> Option<Nanos> {
    let (date, time) = text.trim().split_once(':')?;
    let date = Date::strptime("%Y%m%d", date).ok()?;
    let time: u16 = time.parse().ok()?;
    let (hour, minute) = (time / 100, time % 100);
    // The end of a day, where it is written as one.
    let (date, hour) = if (hour, minute) == (24, 0) {
        (date.tomorrow().ok()?, 0)
    } else {
        (date, hour)
    };
    let clock = DateTime::from_parts(
        date,
        jiff::civil::Time::new(hour as i8, minute as i8, 0, 0).ok()?,
    );
    let at = clock.to_zoned(zone.clone()).ok()?.timestamp();
    u64::try_from(at.as_nanosecond()).ok().map(Nanos)
}

/// The date in New York, `yyyymmdd`: the broker's days are reckoned there.
#[must_use]
pub fn new_york_date(at: Nanos) -> u32 {
    let zone = zone_of("America/New_York").unwrap_or(TimeZone::UTC);
    let at = jiff::Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or_default();
    let date = at.to_zoned(zone).date();
    let (year, month, day) = (date.year(), date.month(), date.day());
    year.unsigned_abs() as u32 * 10_000
        + month.unsigned_abs() as u32 * 100
        + day.unsigned_abs() as u32
}

/// A time, for people.
#[must_use]
pub fn shown(at: Nanos) -> String {
    let at = jiff::Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Days from `today`, `yyyymmdd`, to a future's last trading day as the broker writes it; of a bare
/// month to its first day, so that it rolls too early and never too late.
#[must_use]
pub fn days_left(month: &str, today: u32) -> Option<i64> {
    let text = month.split_whitespace().next()?;
    let last = match text.len() {
        6 => Date::strptime("%Y%m%d", format!("{text}01")).ok()?,
        _ => Date::strptime("%Y%m%d", text).ok()?,
    };
    let today = Date::strptime("%Y%m%d", today.to_string()).ok()?;
    Some(i64::from(today.until(last).ok()?.get_days()))
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
            trading: hours.iter().map(|text| (*text).to_owned()).collect(),
            ..Details::default()
        }
    }

    fn regular(details: &Details, date: u32) -> Hours {
        of_date(details, Which::Regular, date)
    }

    #[test]
    fn the_last_day_of_a_month_that_is_not_told_is_its_first() {
        assert_eq!(days_left("20261218", 20_261_120), Some(28));
        assert_eq!(days_left("20261218 08:30 US/Central", 20_261_218), Some(0));
        assert_eq!(days_left("202612", 20_261_130), Some(1));
        assert_eq!(days_left("20261218", 20_261_219), Some(-1));
        assert_eq!(days_left("soon", 20_261_219), None);
        assert_eq!(days_left("20261218", 0), None);
    }

    #[test]
    fn a_break_is_found_and_midnight_is_none() {
        let at = |hours: u64| Nanos::from_secs(1_795_132_800 + hours * 3_600);
        let until = |known: &Details, from, to| throughout(known, at(from), at(to));
        let utc = |hours: &[&str]| Details {
            zone: "UTC".to_owned(),
            ..details(hours)
        };
        // at(0) is midnight of 20 November, UTC.
        let round = utc(&[
            "20261120:0000-20261120:2359",
            "20261121:0000-20261121:2400",
            "20261122:0000-20261122:1200",
        ]);
        assert_eq!(until(&round, 3, 60), Open::Throughout);
        assert_eq!(until(&round, 3, 70), Open::Throughout, "not told of");
        let day = utc(&["20261120:0930-20261120:1600", "20261121:CLOSED"]);
        assert_eq!(until(&day, 10, 16), Open::Throughout);
        assert_eq!(until(&day, 10, 17), Open::Until(at(16)));
        assert_eq!(until(&day, 9, 10), Open::Until(at(9)), "not open yet");
        assert_eq!(until(&day, 20, 22), Open::Until(at(20)), "closed by now");
        assert_eq!(until(&utc(&[]), 0, 1), Open::Unknown);
        let rest = utc(&["20261120:0000-20261120:0800;20261120:0900-20261120:2359"]);
        assert_eq!(until(&rest, 1, 20), Open::Until(at(8)));
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
