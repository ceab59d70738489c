//! Trading calendars: when sessions open and close, in UTC nanoseconds.
//!
//! Guarantee: for US equities every full holiday and half day from 2012 to 2030 as the exchanges
//! published them, by their rules and the known exceptions. Daylight saving comes from the tz
//! database that is compiled in, so no answer depends on the host.
//!
//! Deliberately absent: years outside [`FIRST_YEAR`] to [`LAST_YEAR`] (no session is ever guessed;
//! see [`Calendar::covers`]), closures that nobody had announced when this table was written, and
//! pre- and post-market hours. A live session compares with the broker's contract details.
//!
//! `CmeGlobex` is an approximation for index futures and says so: see [`Calendar::CmeGlobex`].

mod us;

use jiff::civil::{Date, DateTime, Time, date, time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::LazyLock;
use stream::Nanos;
use stream::payload::{self, SessionKind};

/// The first year that the calendars know.
pub const FIRST_YEAR: i16 = 2012;
/// The last year that the calendars know.
pub const LAST_YEAR: i16 = 2030;

static NEW_YORK: LazyLock<TimeZone> = LazyLock::new(|| {
    TimeZoneDatabase::bundled()
        .get("America/New_York")
        .expect("the compiled-in tz database knows New York")
});

/// Days without a session in a row, at most: a bound for searches. The longest real closure in the
/// table is four days (a holiday beside a weekend); this leaves room.
const SEARCH_DAYS: usize = 14;

/// Whose sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Calendar {
    /// NYSE and NASDAQ: 09:30 to 16:00 New York time, 13:00 on half days.
    UsEquity,
    /// CME Globex index futures by template: 18:00 New York time of the calendar day before until
    /// 17:00 of the session's date.
    ///
    /// What is exact: weekends, daylight saving. What is approximated: the exchange publishes
    /// hours for each holiday anew. Here New Year's Day, Good Friday and Christmas (as observed)
    /// have no session, although some Good Fridays trade until 09:15; the other holidays of US
    /// equities end at 13:00; half days of US equities end at 13:15; days on which US equities
    /// closed out of turn (2012-10-29 and 30, 2018-12-05, 2025-01-09) have no session, although
    /// futures traded in the early morning. The pauses of 15 minutes before 2021 and the close at
    /// 17:15 before September 2015 are not modelled.
    CmeGlobex,
    /// Around the clock: each UTC day is a session.
    Continuous,
}

/// One session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The date that the session belongs to; for Globex the date of its close.
    pub date: Date,
    /// How long it is.
    pub kind: SessionKind,
    /// When trading opens, inclusive.
    pub open: Nanos,
    /// When trading closes, exclusive.
    pub close: Nanos,
}

impl Session {
    /// True when `ts` lies inside: at or past the open and before the close.
    #[must_use]
    pub fn contains(&self, ts: Nanos) -> bool {
        self.open <= ts && ts < self.close
    }

    /// The date as the number yyyymmdd.
    #[must_use]
    pub fn yyyymmdd(&self) -> u32 {
        let year = u32::try_from(self.date.year()).expect("the calendars know only years after 0");
        year * 10_000
            + self.date.month().unsigned_abs() as u32 * 100
            + self.date.day().unsigned_abs() as u32
    }

    /// The frame's payload; `previous_close` zero where unknown.
    #[must_use]
    pub fn payload(&self, previous_close: Nanos) -> payload::Session {
        payload::Session {
            date: self.yyyymmdd(),
            kind: self.kind,
            spare: [0; 3],
            open: self.open,
            close: self.close,
            previous_close,
        }
    }
}

impl Calendar {
    /// The calendar of that name: `us_equity`, `cme_globex` or `continuous`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::UsEquity, Self::CmeGlobex, Self::Continuous]
            .into_iter()
            .find(|calendar| calendar.name() == name)
    }

    /// Its name in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsEquity => "us_equity",
            Self::CmeGlobex => "cme_globex",
            Self::Continuous => "continuous",
        }
    }

    /// True when the table knows the date: where it is false, no session says nothing.
    #[must_use]
    pub fn covers(self, date: Date) -> bool {
        (FIRST_YEAR..=LAST_YEAR).contains(&date.year())
    }

    /// The session of that date, or `None` on a day without one and outside the table.
    #[must_use]
    pub fn session(self, date: Date) -> Option<Session> {
        if !self.covers(date) {
            return None;
        }
        match self {
            Self::UsEquity => us_equity(date),
            Self::CmeGlobex => cme_globex(date),
            Self::Continuous => Some(Session {
                date,
                kind: SessionKind::Continuous,
                open: nanos(date, time(0, 0, 0, 0), &TimeZone::UTC),
                close: nanos(date.tomorrow().ok()?, time(0, 0, 0, 0), &TimeZone::UTC),
            }),
        }
    }

    /// The session that `ts` lies in.
    #[must_use]
    pub fn session_at(self, ts: Nanos) -> Option<Session> {
        let near = utc_date(ts)?;
        // A session may belong to the date before (New York behind UTC) or after (Globex).
        [near.yesterday(), Ok(near), near.tomorrow()]
            .into_iter()
            .flatten()
            .filter_map(|date| self.session(date))
            .find(|session| session.contains(ts))
    }

    /// The first session that opens after `ts`.
    #[must_use]
    pub fn next_session(self, ts: Nanos) -> Option<Session> {
        let mut date = utc_date(ts)?.yesterday().ok()?.max(date(FIRST_YEAR, 1, 1));
        for _ in 0..SEARCH_DAYS {
            if let Some(session) = self.session(date).filter(|session| session.open > ts) {
                return Some(session);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The close of the last session that had closed at or before `ts`.
    #[must_use]
    pub fn previous_close(self, ts: Nanos) -> Option<Nanos> {
        let mut date = utc_date(ts)?.tomorrow().ok()?.min(date(LAST_YEAR, 12, 31));
        for _ in 0..SEARCH_DAYS {
            if let Some(session) = self.session(date).filter(|session| session.close <= ts) {
                return Some(session.close);
            }
            date = date.yesterday().ok()?;
        }
        None
    }
}

fn us_equity(date: Date) -> Option<Session> {
    let (kind, close) = match us::day(date) {
        us::Day::Closed(_) => return None,
        us::Day::Half => (SessionKind::Half, time(13, 0, 0, 0)),
        us::Day::Full => (SessionKind::Regular, time(16, 0, 0, 0)),
    };
    Some(Session {
        date,
        kind,
        open: nanos(date, time(9, 30, 0, 0), &NEW_YORK),
        close: nanos(date, close, &NEW_YORK),
    })
}

fn cme_globex(date: Date) -> Option<Session> {
    let (kind, close) = match us::day(date) {
        us::Day::Closed(us::Closed::Holiday) => (SessionKind::Half, time(13, 0, 0, 0)),
        us::Day::Closed(_) => return None,
        us::Day::Half => (SessionKind::Half, time(13, 15, 0, 0)),
        us::Day::Full => (SessionKind::Regular, time(17, 0, 0, 0)),
    };
    Some(Session {
        date,
        kind,
        open: nanos(date.yesterday().ok()?, time(18, 0, 0, 0), &NEW_YORK),
        close: nanos(date, close, &NEW_YORK),
    })
}

/// The instant of a wall-clock time. No session begins or ends in an hour that daylight saving
/// skips or repeats (01:00 to 03:00 on a Sunday), so the instant is unique.
fn nanos(date: Date, time: Time, zone: &TimeZone) -> Nanos {
    let zoned = DateTime::from_parts(date, time)
        .to_zoned(zone.clone())
        .expect("a date inside the table has an instant");
    let nanos = zoned.timestamp().as_nanosecond();
    Nanos(u64::try_from(nanos).expect("the table lies after 1970"))
}

fn utc_date(ts: Nanos) -> Option<Date> {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(ts.0)).ok()?;
    Some(instant.to_zoned(TimeZone::UTC).date())
}
