//! From a row's local time to the bar's start and span.

use super::{Config, Span, Stamp};
use crate::error::FeedError;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use stream::Nanos;

/// A time as it stands in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Local {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
}

/// Reads times; remembers the last hour (or day), because rows are sorted and zones are slow.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    span: Span,
    stamp: Stamp,
    /// The hour (for daily bars the day) that `base` and `length` belong to.
    cached: Option<(i16, i8, i8, i8)>,
    base: Nanos,
    length: Nanos,
}

impl Clock {
    pub(super) fn new(config: &Config) -> Result<Self, FeedError> {
        let zone = TimeZone::get(&config.timezone).map_err(|_| {
            FeedError::config(
                format!("there is no time zone {:?}", config.timezone),
                "use an IANA name, such as America/New_York or America/Chicago",
            )
        })?;
        let length = match config.span {
            Span::Minutes(0) => None,
            Span::Minutes(minutes) if minutes > 24 * 60 => None,
            Span::Minutes(minutes) => Some(Nanos::from_secs(u64::from(minutes) * 60)),
            Span::Daily { open, close } => (open < close).then_some(Nanos::ZERO),
        };
        let length = length.ok_or_else(|| {
            FeedError::config(
                format!("bars cannot be as long as {:?}", config.span),
                "use 1 to 1,440 minutes, or a session that closes after it opens",
            )
        })?;
        Ok(Self {
            zone,
            span: config.span,
            stamp: config.stamp,
            cached: None,
            base: Nanos::ZERO,
            length,
        })
    }

    /// Start and span of the bar of a row with this time; `None` when it is no time.
    pub(super) fn times(&mut self, text: &[u8]) -> Option<(Nanos, Nanos)> {
        let local = read(text)?;
        match self.span {
            Span::Daily { open, close } => self.daily(local, open, close),
            Span::Minutes(_) => self.intraday(local),
        }
    }

    fn daily(&mut self, local: Local, open: Time, close: Time) -> Option<(Nanos, Nanos)> {
        let key = (local.year, local.month, local.day, 0);
        if self.cached != Some(key) {
            let date = Date::new(local.year, local.month, local.day).ok()?;
            let start = self.utc(date, open)?;
            self.length = self.utc(date, close)?.checked_sub(start)?;
            self.base = start;
            self.cached = Some(key);
        }
        Some((self.base, self.length))
    }

    fn intraday(&mut self, local: Local) -> Option<(Nanos, Nanos)> {
        let key = (local.year, local.month, local.day, local.hour);
        if self.cached != Some(key) {
            let date = Date::new(local.year, local.month, local.day).ok()?;
            self.base = self.utc(date, Time::new(local.hour, 0, 0, 0).ok()?)?;
            self.cached = Some(key);
        }
        let within = local.minute as u64 * 60 + local.second as u64;
        let at = self.base + Nanos::from_secs(within);
        let start = match self.stamp {
            Stamp::Start => at,
            Stamp::End => Nanos(at.0.checked_sub(self.length.0)?),
        };
        Some((start, self.length))
    }

    fn utc(&self, date: Date, time: Time) -> Option<Nanos> {
        let at = self.zone.to_timestamp(date.to_datetime(time)).ok()?;
        u64::try_from(at.as_nanosecond()).ok().map(Nanos)
    }
}

fn digits(text: &[u8]) -> Option<i16> {
    let mut value = 0i16;
    for &byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i16::from(byte - b'0'))?;
    }
    (!text.is_empty()).then_some(value)
}

fn small(text: &[u8], below: i16) -> Option<i8> {
    let value = digits(text)?;
    (value < below).then_some(value as i8)
}

/// `YYYY-MM-DD` or `YYYYMMDD`, then optionally a space or `T` and `HH:MM` or `HH:MM:SS`.
fn read(text: &[u8]) -> Option<Local> {
    let (date, time) = match text {
        [y @ .., b'-', m1, m2, b'-', d1, d2] if y.len() == 4 => ((y, [*m1, *m2], [*d1, *d2]), None),
        _ if text.len() >= 10 && text[4] == b'-' && text[7] == b'-' => (
            (&text[..4], [text[5], text[6]], [text[8], text[9]]),
            Some(&text[10..]),
        ),
        _ if text.len() >= 8 => (
            (&text[..4], [text[4], text[5]], [text[6], text[7]]),
            Some(&text[8..]),
        ),
        _ => return None,
    };
    let (hour, minute, second) = match time {
        None | Some([]) => (0, 0, 0),
        Some([b' ' | b'T', h1, h2, b':', m1, m2, rest @ ..]) => {
            let second = match rest {
                [] => 0,
                [b':', s1, s2] => small(&[*s1, *s2], 60)?,
                _ => return None,
            };
            (small(&[*h1, *h2], 24)?, small(&[*m1, *m2], 60)?, second)
        }
        Some(_) => return None,
    };
    Some(Local {
        year: digits(date.0)?,
        month: small(&date.1, 13)?,
        day: small(&date.2, 32)?,
        hour,
        minute,
        second,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_in_chicago_follow_summer_time() {
        let mut clock = Clock::new(&Config::minutes("SPY", "t", "America/Chicago")).expect("known");
        let minute = Nanos::from_secs(60);
        let winter = Nanos::from_secs(1_416_407_400);
        assert_eq!(clock.times(b"2014-11-19 08:30"), Some((winter, minute)));
        let summer = Nanos::from_secs(1_427_808_600);
        assert_eq!(clock.times(b"20150331T08:30:00"), Some((summer, minute)));
        for wrong in [
            "",
            "2014-13-01 08:30",
            "2014-11-31 08:30",
            "2014-11-19 24:00",
            "yesterday",
        ] {
            assert_eq!(clock.times(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_lasts_from_open_to_close() {
        let mut clock = Clock::new(&Config::daily()).expect("known");
        let start = Nanos::from_secs(1_426_858_200);
        let span = Nanos::from_secs(6 * 3_600 + 1_800);
        assert_eq!(clock.times(b"2015-03-20"), Some((start, span)));
    }

    #[test]
    fn absurd_settings_are_refused() {
        let mut config = Config::daily();
        config.timezone = "America/Gotham".to_owned();
        assert!(Clock::new(&config).is_err());
        config = Config::minutes("A", "t", "UTC");
        config.span = Span::Minutes(0);
        assert!(Clock::new(&config).is_err());
    }
}
