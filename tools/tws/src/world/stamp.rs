//! Times as the protocol writes them.
//!
//! The broker's zone is New York, which it calls `US/Eastern`.

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::LazyLock;
use stream::Nanos;

/// The broker's name of its zone.
pub(super) const ZONE: &str = "US/Eastern";

static NEW_YORK: LazyLock<TimeZone> = LazyLock::new(|| zone("America/New_York"));

fn zone(name: &str) -> TimeZone {
    let zone = TimeZoneDatabase::bundled().get(name);
    zone.unwrap_or(TimeZone::UTC)
}

/// Milliseconds since the epoch.
pub(super) fn millis(ts: Nanos) -> i64 {
    (ts.0 / Nanos::MILLI.0) as i64
}

/// Seconds since the epoch.
pub(super) fn seconds(ts: Nanos) -> i64 {
    (ts.0 / Nanos::SECOND.0) as i64
}

/// The broker's clock on the wall.
pub(super) fn local(ts: Nanos) -> DateTime {
    civil(ts, &NEW_YORK)
}

/// A clock on the wall of a zone.
pub(super) fn civil(ts: Nanos, zone: &TimeZone) -> DateTime {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(ts.0)).unwrap_or_default();
    instant.to_zoned(zone.clone()).datetime()
}

/// The instant of a time on the broker's wall.
pub(super) fn instant(local: DateTime) -> Option<Nanos> {
    in_zone(local, &NEW_YORK)
}

fn in_zone(local: DateTime, zone: &TimeZone) -> Option<Nanos> {
    let zoned = local.to_zoned(zone.clone()).ok()?;
    u64::try_from(zoned.timestamp().as_nanosecond())
        .ok()
        .map(Nanos)
}

/// `20261121 09:31:05 US/Eastern`.
pub(super) fn full(ts: Nanos) -> String {
    local(ts).strftime("%Y%m%d %H:%M:%S US/Eastern").to_string()
}

/// `09:31`.
pub(super) fn minutes(ts: Nanos) -> String {
    local(ts).strftime("%H:%M").to_string()
}

/// Reads `20261121 09:31:05`, with or without a zone behind it, `20261121-14:31:05` (UTC), and
/// `20261121` (its midnight). Two blanks, or a hyphen with a zone, are old habits. `None` when it
/// is none of these.
pub(super) fn parse(text: &str) -> Option<Nanos> {
    let text = text.trim();
    let (day, rest) = text.split_at_checked(8)?;
    let number = |from: usize, to: usize, of: &str| of.get(from..to)?.parse::<i16>().ok();
    let (year, month, date) = (number(0, 4, day)?, number(4, 6, day)?, number(6, 8, day)?);
    let utc = rest.starts_with('-');
    let rest = rest.trim_start_matches([' ', '-']);
    let (clock, name) = rest.split_once(' ').unwrap_or((rest, ""));
    let clock = if clock.is_empty() { "00:00:00" } else { clock };
    let mut parts = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    let (month, date) = (i8::try_from(month).ok()?, i8::try_from(date).ok()?);
    let local = DateTime::new(year, month, date, hour, minute, second, 0).ok()?;
    match name.trim() {
        "" if utc => in_zone(local, &TimeZone::UTC),
        "" | ZONE | "EST" | "EDT" => instant(local),
        "GMT" | "UTC" => in_zone(local, &TimeZone::UTC),
        name => in_zone(local, &TimeZoneDatabase::bundled().get(name).ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_on_the_brokers_wall_and_read_in_all_its_manners() {
        let ts = Nanos::from_secs(1_795_271_465);
        assert_eq!(full(ts), "20261121 09:31:05 US/Eastern");
        assert_eq!(minutes(ts), "09:31");
        for text in [
            "20261121 09:31:05 US/Eastern",
            "20261121 09:31:05",
            "20261121  09:31:05",
            "20261121-14:31:05",
            "20261121 14:31:05 UTC",
            "20261121 08:31:05 America/Chicago",
        ] {
            assert_eq!(parse(text), Some(ts), "{text}");
        }
        assert_eq!(
            parse("20261121").map(full),
            Some("20261121 00:00:00 US/Eastern".into())
        );
        for text in [
            "",
            "2026",
            "2026-11-21",
            "20261321 09:31:05",
            "20261121 9h",
            "später als",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
