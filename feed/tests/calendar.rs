//! The calendars at known instants.

use feed::calendar::{Calendar, FIRST_YEAR, LAST_YEAR};
use jiff::civil::{Date, date};
use stream::Nanos;
use stream::payload::SessionKind;

fn utc(text: &str) -> Nanos {
    let instant: jiff::Timestamp = text.parse().expect("a timestamp");
    Nanos(u64::try_from(instant.as_nanosecond()).expect("after 1970"))
}

fn span(calendar: Calendar, day: Date) -> (SessionKind, Nanos, Nanos) {
    let session = calendar.session(day).expect("a session");
    assert_eq!(session.date, day);
    (session.kind, session.open, session.close)
}

#[test]
fn us_hours_follow_daylight_saving_in_both_weeks() {
    let regular = |day, open, close| {
        let expected = (SessionKind::Regular, utc(open), utc(close));
        assert_eq!(span(Calendar::UsEquity, day), expected, "{day}");
    };
    // Clocks go forward on Sunday 8 March 2026.
    regular(
        date(2026, 3, 6),
        "2026-03-06T14:30:00Z",
        "2026-03-06T21:00:00Z",
    );
    regular(
        date(2026, 3, 9),
        "2026-03-09T13:30:00Z",
        "2026-03-09T20:00:00Z",
    );
    // Clocks go back on Sunday 1 November 2026.
    regular(
        date(2026, 10, 30),
        "2026-10-30T13:30:00Z",
        "2026-10-30T20:00:00Z",
    );
    regular(
        date(2026, 11, 2),
        "2026-11-02T14:30:00Z",
        "2026-11-02T21:00:00Z",
    );
}

#[test]
fn half_days_close_at_one() {
    let expected = (
        SessionKind::Half,
        utc("2026-11-27T14:30:00Z"),
        utc("2026-11-27T18:00:00Z"),
    );
    assert_eq!(span(Calendar::UsEquity, date(2026, 11, 27)), expected);
    let expected = (
        SessionKind::Half,
        utc("2026-12-24T14:30:00Z"),
        utc("2026-12-24T18:00:00Z"),
    );
    assert_eq!(span(Calendar::UsEquity, date(2026, 12, 24)), expected);
}

#[test]
fn days_on_which_other_tables_err_are_right() {
    for closed in [
        date(2025, 1, 9),
        date(2018, 12, 5),
        date(2012, 10, 29),
        date(2012, 10, 30),
        date(2026, 7, 3),
        date(2027, 6, 18),
        date(2027, 12, 24),
    ] {
        assert_eq!(Calendar::UsEquity.session(closed), None, "{closed}");
    }
    // New Year's Day on a Saturday is not moved to the Friday.
    for open in [
        date(2021, 12, 31),
        date(2027, 12, 31),
        date(2021, 6, 18),
        date(2028, 1, 3),
    ] {
        assert!(Calendar::UsEquity.session(open).is_some(), "{open}");
    }
}

#[test]
fn globex_spans_midnight_and_daylight_saving() {
    let monday = (
        SessionKind::Regular,
        utc("2026-03-08T22:00:00Z"),
        utc("2026-03-09T21:00:00Z"),
    );
    assert_eq!(span(Calendar::CmeGlobex, date(2026, 3, 9)), monday);
    let monday = (
        SessionKind::Regular,
        utc("2026-11-01T23:00:00Z"),
        utc("2026-11-02T22:00:00Z"),
    );
    assert_eq!(span(Calendar::CmeGlobex, date(2026, 11, 2)), monday);
    let labor = (
        SessionKind::Half,
        utc("2026-09-06T22:00:00Z"),
        utc("2026-09-07T17:00:00Z"),
    );
    assert_eq!(span(Calendar::CmeGlobex, date(2026, 9, 7)), labor);
    let friday = (
        SessionKind::Half,
        utc("2026-11-26T23:00:00Z"),
        utc("2026-11-27T18:15:00Z"),
    );
    assert_eq!(span(Calendar::CmeGlobex, date(2026, 11, 27)), friday);
    for closed in [
        date(2026, 12, 25),
        date(2026, 4, 3),
        date(2026, 3, 8),
        date(2025, 1, 9),
    ] {
        assert_eq!(Calendar::CmeGlobex.session(closed), None, "{closed}");
    }
}

#[test]
fn boundaries_belong_to_the_session_that_opens() {
    let open = utc("2026-03-09T13:30:00Z");
    let close = utc("2026-03-09T20:00:00Z");
    let us = Calendar::UsEquity;
    assert_eq!(us.session_at(Nanos(open.0 - 1)), None);
    let session = us.session_at(open).expect("open");
    assert_eq!(us.session_at(Nanos(close.0 - 1)), Some(session));
    assert_eq!(us.session_at(close), None);

    assert_eq!(us.next_session(Nanos(open.0 - 1)), Some(session));
    assert_eq!(
        us.next_session(open).map(|next| next.date),
        Some(date(2026, 3, 10))
    );
    assert_eq!(us.previous_close(close), Some(close));
    assert_eq!(
        us.previous_close(Nanos(close.0 - 1)),
        Some(utc("2026-03-06T21:00:00Z"))
    );
    assert_eq!(session.payload(Nanos(7)).date, 20_260_309);
}

#[test]
fn long_closures_are_crossed() {
    // Thanksgiving week, and Christmas as observed beside a weekend.
    let us = Calendar::UsEquity;
    let after = |ts| us.next_session(utc(ts)).map(|session| session.date);
    assert_eq!(after("2026-11-25T22:00:00Z"), Some(date(2026, 11, 27)));
    assert_eq!(after("2027-12-23T22:00:00Z"), Some(date(2027, 12, 27)));
    assert_eq!(
        us.previous_close(utc("2012-10-31T13:30:00Z")),
        Some(utc("2012-10-26T20:00:00Z"))
    );
}

#[test]
fn a_globex_evening_belongs_to_the_next_date() {
    let at = utc("2026-03-08T22:00:00Z");
    let session = Calendar::CmeGlobex.session_at(at).expect("Sunday evening");
    assert_eq!(session.date, date(2026, 3, 9));
    assert_eq!(Calendar::CmeGlobex.session_at(Nanos(at.0 - 1)), None);
    let winter = Calendar::CmeGlobex
        .session_at(utc("2026-01-06T00:30:00Z"))
        .expect("Monday");
    assert_eq!(winter.date, date(2026, 1, 6));
}

#[test]
fn continuous_days_touch() {
    let calendar = Calendar::Continuous;
    let first = calendar.session(date(2026, 2, 28)).expect("a day");
    let second = calendar.next_session(first.open).expect("a day");
    assert_eq!(first.close, second.open);
    assert_eq!(second.date, date(2026, 3, 1));
    assert_eq!(calendar.session_at(first.close), Some(second));
    assert_eq!(calendar.previous_close(first.close), Some(first.close));
}

#[test]
fn what_the_table_does_not_know_it_does_not_guess() {
    for calendar in [
        Calendar::UsEquity,
        Calendar::CmeGlobex,
        Calendar::Continuous,
    ] {
        assert_eq!(Calendar::from_name(calendar.name()), Some(calendar));
        assert!(!calendar.covers(date(LAST_YEAR + 1, 1, 2)));
        assert_eq!(calendar.session(date(FIRST_YEAR - 1, 12, 30)), None);
        assert_eq!(calendar.session(date(LAST_YEAR + 1, 1, 2)), None);
        assert_eq!(calendar.session_at(Nanos::MAX), None);
        assert_eq!(calendar.next_session(Nanos::MAX), None);
        assert_eq!(calendar.previous_close(Nanos::ZERO), None);
    }
    assert_eq!(Calendar::from_name("lse"), None);
}

#[test]
fn sessions_never_overlap_and_the_searches_agree() {
    for calendar in [Calendar::UsEquity, Calendar::CmeGlobex] {
        let mut day = date(FIRST_YEAR, 1, 1);
        let mut last = None;
        let mut count = 0;
        while day.year() <= LAST_YEAR {
            if let Some(session) = calendar.session(day) {
                count += 1;
                assert!(session.open < session.close);
                assert_eq!(calendar.session_at(session.open), Some(session));
                if let Some(close) = last {
                    assert!(close <= session.open);
                    assert_eq!(calendar.previous_close(session.open), Some(close));
                    assert_eq!(calendar.next_session(close), Some(session));
                }
                last = Some(session.close);
            }
            day = day.tomorrow().expect("inside jiff's range");
        }
        // About 252 sessions a year over 19 years.
        assert!((4_700..=5_000).contains(&count), "{count}");
    }
}
