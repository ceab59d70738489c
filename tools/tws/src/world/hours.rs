//! Trading and liquid hours as contract details tell them.

use super::stamp;
use super::stamp::civil;
use feed::calendar::Calendar;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use stream::Nanos;
use stream::payload::{InstrumentType, Session, SessionKind};

/// Days that contract details tell of, today among them.
const DAYS: usize = 6;

/// The hours of one sort of instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) zone: &'static str,
    pub(super) trading: String,
    pub(super) liquid: String,
}

struct Rules {
    zone: &'static str,
    place: &'static str,
    calendar: Calendar,
    /// Shares trade before the open and after the close.
    extended: bool,
}

const fn rules(what: InstrumentType) -> Rules {
    match what {
        InstrumentType::Stock => Rules {
            zone: stamp::ZONE,
            place: "America/New_York",
            calendar: Calendar::UsEquity,
            extended: true,
        },
        InstrumentType::Future => Rules {
            zone: "US/Central",
            place: "America/Chicago",
            calendar: Calendar::CmeGlobex,
            extended: false,
        },
        InstrumentType::Spot => Rules {
            zone: "UTC",
            place: "UTC",
            calendar: Calendar::Continuous,
            extended: false,
        },
    }
}

/// The zone's name with the broker, the zone, and the calendar of one sort of instrument.
pub(super) fn zone_and_calendar(what: InstrumentType) -> (&'static str, TimeZone, Calendar) {
    let rules = rules(what);
    let zone = TimeZoneDatabase::bundled().get(rules.place);
    (rules.zone, zone.unwrap_or(TimeZone::UTC), rules.calendar)
}

/// The hours from today on. Where the exchange's own session lies outside of the calendar's (a
/// synthetic market may open at any time), its day has that session's hours.
pub(super) fn hours(what: InstrumentType, now: Nanos, session: &Session) -> Hours {
    let rules = rules(what);
    let zone = TimeZoneDatabase::bundled()
        .get(rules.place)
        .unwrap_or(TimeZone::UTC);
    let today = civil(now, &zone).date();
    let own = (session.open < session.close && !inside(rules.calendar, session))
        .then_some((session.open, session.close));
    let mut hours = Hours {
        zone: rules.zone,
        trading: String::new(),
        liquid: String::new(),
    };
    let mut date = today;
    let is_first = |date: Date, open, close| {
        let begins = civil(open, &zone).date();
        date == begins.max(today) && date <= civil(close, &zone).date()
    };
    for _ in 0..DAYS {
        let known = rules.calendar.session(date);
        let liquid = match own {
            // One that lasts for days is told whole, today or when it begins; behind that stand the
            // calendar's days, as if it were over by then.
            Some((open, close)) if is_first(date, open, close) => Some((open, ceil(close))),
            _ => known.map(|session| (session.open, session.close)),
        };
        let half = known.is_some_and(|session| session.kind == SessionKind::Half);
        let trading = match (liquid, own) {
            (Some(span), None) if rules.extended => extended(date, half, &zone).or(Some(span)),
            (span, _) => span,
        };
        push(&mut hours.liquid, date, liquid, &zone);
        push(&mut hours.trading, date, trading, &zone);
        let Ok(next) = date.tomorrow() else { break };
        date = next;
    }
    hours
}

fn inside(calendar: Calendar, session: &Session) -> bool {
    let known = calendar.session_at(session.open);
    known.is_some_and(|known| session.close <= known.close)
}

/// Pre-market from 04:00, after hours until 20:00, 17:00 on half days.
fn extended(date: Date, half: bool, zone: &TimeZone) -> Option<(Nanos, Nanos)> {
    let at = |hour| {
        let local = DateTime::from_parts(date, Time::constant(hour, 0, 0, 0));
        let zoned = local.to_zoned(zone.clone()).ok()?;
        u64::try_from(zoned.timestamp().as_nanosecond())
            .ok()
            .map(Nanos)
    };
    Some((at(4)?, at(if half { 17 } else { 20 })?))
}

/// The next whole minute.
fn ceil(ts: Nanos) -> Nanos {
    let minute = 60 * Nanos::SECOND.0;
    Nanos(ts.0.div_ceil(minute).saturating_mul(minute))
}

fn push(text: &mut String, date: Date, span: Option<(Nanos, Nanos)>, zone: &TimeZone) {
    if !text.is_empty() {
        text.push(';');
    }
    let part = match span {
        Some((open, close)) => {
            let clock = |ts| civil(ts, zone).strftime("%Y%m%d:%H%M").to_string();
            format!("{}-{}", clock(open), clock(close))
        }
        None => format!("{}:CLOSED", date.strftime("%Y%m%d")),
    };
    text.push_str(&part);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(open: Nanos, close: Nanos) -> Session {
        Session {
            open,
            close,
            ..Session::zeroed()
        }
    }

    #[test]
    fn a_half_day_and_a_weekend_in_the_brokers_format() {
        let now = stamp::parse("20261126 10:00:00").expect("a time");
        let hours = hours(
            InstrumentType::Stock,
            now,
            &session(Nanos::ZERO, Nanos::ZERO),
        );
        assert_eq!(hours.zone, "US/Eastern");
        assert_eq!(
            hours.liquid,
            "20261126:CLOSED;20261127:0930-20261127:1300;20261128:CLOSED;20261129:CLOSED;\
             20261130:0930-20261130:1600;20261201:0930-20261201:1600"
        );
        assert!(hours.trading.contains("20261127:0400-20261127:1700"));
        assert!(hours.trading.contains("20261130:0400-20261130:2000"));
    }

    #[test]
    fn a_session_of_its_own_is_told_and_one_inside_the_calendars_is_not() {
        let open = stamp::parse("20261121 09:31:05").expect("a Saturday");
        let close = open + Nanos::from_secs(60);
        let own = hours(InstrumentType::Stock, open, &session(open, close));
        assert!(
            own.liquid
                .starts_with("20261121:0931-20261121:0933;20261122:CLOSED")
        );
        let open = stamp::parse("20261123 10:31:00").expect("a Monday");
        let close = open + Nanos::from_secs(60);
        let usual = hours(InstrumentType::Stock, open, &session(open, close));
        assert!(usual.liquid.starts_with("20261123:0930-20261123:1600"));
    }

    #[test]
    fn a_session_of_days_is_told_on_each_of_them() {
        let open = stamp::parse("20261121 09:31:05").expect("a Saturday");
        let close = open + Nanos::from_secs(7 * 86_400);
        let on = |text: &str| {
            let now = stamp::parse(text).expect("a time");
            hours(InstrumentType::Stock, now, &session(open, close)).trading
        };
        let whole = "20261121:0931-20261128:0932;";
        let first = on("20261121 10:00:00");
        assert!(
            first.starts_with(whole) && first.contains("20261123:0930"),
            "{first}"
        );
        let later = on("20261124 10:00:00");
        assert!(
            later.starts_with(whole) && later.contains("20261125:0930"),
            "{later}"
        );
        assert!(on("20261129 10:00:00").starts_with("20261129:CLOSED"));
    }

    #[test]
    fn futures_have_the_hours_of_chicago() {
        let now = stamp::parse("20261124 10:00:00").expect("a time");
        let hours = hours(
            InstrumentType::Future,
            now,
            &session(Nanos::ZERO, Nanos::ZERO),
        );
        assert_eq!(hours.zone, "US/Central");
        assert!(hours.trading.starts_with("20261123:1700-20261124:1600"));
    }
}
