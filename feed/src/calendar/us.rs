//! Holidays and half days of NYSE and NASDAQ, 2012 to 2030.
//!
//! Source: NYSE Rule 7.2 and the exchanges' published calendars. A holiday on a Sunday is kept on
//! Monday, one on a Saturday on the Friday before, except New Year's Day, whose Friday ends an
//! accounting year and stays open. A half day ends at 13:00.

use jiff::civil::{Date, Weekday, date};

/// What sort of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// Trading all day.
    Full,
    /// An early close.
    Half,
    /// No trading.
    Closed(Closed),
}

/// Why a day has no trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Saturday or Sunday.
    Weekend,
    /// A holiday on which futures trade for some hours.
    Holiday,
    /// New Year's Day, Good Friday or Christmas, as observed.
    MajorHoliday,
    /// Closed out of turn.
    Unscheduled,
}

/// Hurricane Sandy; the days of mourning for George H. W. Bush and for Jimmy Carter.
const UNSCHEDULED: [Date; 4] = [
    date(2012, 10, 29),
    date(2012, 10, 30),
    date(2018, 12, 5),
    date(2025, 1, 9),
];

/// The first year in which Juneteenth closed the exchanges.
const JUNETEENTH_FROM: i16 = 2022;

pub(super) fn day(day: Date) -> Day {
    if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
        return Day::Closed(Closed::Weekend);
    }
    if UNSCHEDULED.contains(&day) {
        return Day::Closed(Closed::Unscheduled);
    }
    if is_major_holiday(day) {
        return Day::Closed(Closed::MajorHoliday);
    }
    if is_holiday(day) {
        return Day::Closed(Closed::Holiday);
    }
    if is_half(day) { Day::Half } else { Day::Full }
}

fn is_major_holiday(day: Date) -> bool {
    let year = day.year();
    let new_year = date(year, 1, 1);
    let new_year_kept = new_year.weekday() != Weekday::Saturday && observed(new_year) == day;
    new_year_kept || observed(date(year, 12, 25)) == day || good_friday(year) == day
}

fn is_holiday(day: Date) -> bool {
    let year = day.year();
    match day.month() {
        1 => nth(year, 1, 3, Weekday::Monday) == day,
        2 => nth(year, 2, 3, Weekday::Monday) == day,
        5 => nth(year, 5, -1, Weekday::Monday) == day,
        6 => year >= JUNETEENTH_FROM && observed(date(year, 6, 19)) == day,
        7 => observed(date(year, 7, 4)) == day,
        9 => nth(year, 9, 1, Weekday::Monday) == day,
        11 => nth(year, 11, 4, Weekday::Thursday) == day,
        _ => false,
    }
}

/// The day after Thanksgiving; the trading day before Independence Day and before Christmas where
/// that is the 3rd of July or the 24th of December itself. Both are asked only of open weekdays: a
/// Friday on those dates is the holiday as observed.
fn is_half(day: Date) -> bool {
    let after_thanksgiving = || {
        nth(day.year(), 11, 4, Weekday::Thursday)
            .tomorrow()
            .is_ok_and(|friday| friday == day)
    };
    match (day.month(), day.day()) {
        (7, 3) | (12, 24) => true,
        (11, _) => after_thanksgiving(),
        _ => false,
    }
}

fn observed(holiday: Date) -> Date {
    let kept = match holiday.weekday() {
        Weekday::Saturday => holiday.yesterday(),
        Weekday::Sunday => holiday.tomorrow(),
        _ => Ok(holiday),
    };
    kept.expect("no holiday lies at the end of time")
}

fn nth(year: i16, month: i8, count: i8, weekday: Weekday) -> Date {
    date(year, month, 1)
        .nth_weekday_of_month(count, weekday)
        .expect("every month has a first to fourth and a last of each weekday")
}

/// The Friday before Easter Sunday, by the anonymous Gregorian computus (Meeus, 1991).
fn good_friday(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    let easter = date(year, (n / 31) as i8, (n % 31 + 1) as i8);
    easter
        .yesterday()
        .and_then(Date::yesterday)
        .expect("Easter is not at the beginning of time")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every closed weekday of some years, as the exchanges published them.
    const CLOSED: &[&str] = &[
        "2012: 0102 0116 0220 0406 0528 0704 0903 1029 1030 1122 1225",
        "2015: 0101 0119 0216 0403 0525 0703 0907 1126 1225",
        "2016: 0101 0118 0215 0325 0530 0704 0905 1124 1226",
        "2017: 0102 0116 0220 0414 0529 0704 0904 1123 1225",
        "2018: 0101 0115 0219 0330 0528 0704 0903 1122 1205 1225",
        "2020: 0101 0120 0217 0410 0525 0703 0907 1126 1225",
        "2021: 0101 0118 0215 0402 0531 0705 0906 1125 1224",
        "2022: 0117 0221 0415 0530 0620 0704 0905 1124 1226",
        "2023: 0102 0116 0220 0407 0529 0619 0704 0904 1123 1225",
        "2024: 0101 0115 0219 0329 0527 0619 0704 0902 1128 1225",
        "2025: 0101 0109 0120 0217 0418 0526 0619 0704 0901 1127 1225",
        "2026: 0101 0119 0216 0403 0525 0619 0703 0907 1126 1225",
        "2027: 0101 0118 0215 0326 0531 0618 0705 0906 1125 1224",
        "2028: 0117 0221 0414 0529 0619 0704 0904 1123 1225",
    ];

    /// Every half day of some years.
    const HALF: &[&str] = &[
        "2012: 0703 1123 1224",
        "2013: 0703 1129 1224",
        "2014: 0703 1128 1224",
        "2015: 1127 1224",
        "2016: 1125",
        "2017: 0703 1124",
        "2018: 0703 1123 1224",
        "2019: 0703 1129 1224",
        "2020: 1127 1224",
        "2021: 1126",
        "2022: 1125",
        "2023: 0703 1124",
        "2024: 0703 1129 1224",
        "2025: 0703 1128 1224",
        "2026: 1127 1224",
        "2027: 1126",
        "2028: 0703 1124",
    ];

    fn of_year(year: i16, wanted: impl Fn(Day) -> bool) -> String {
        let mut text = format!("{year}:");
        let mut at = date(year, 1, 1);
        while at.year() == year {
            if wanted(day(at)) {
                text += &format!(" {:02}{:02}", at.month(), at.day());
            }
            at = at.tomorrow().expect("inside the table");
        }
        text
    }

    #[test]
    fn closed_days_are_those_that_the_exchanges_published() {
        for line in CLOSED {
            let year = line[..4].parse().expect("a year");
            let weekday = |day| matches!(day, Day::Closed(why) if why != Closed::Weekend);
            assert_eq!(of_year(year, weekday), *line);
        }
    }

    #[test]
    fn half_days_are_those_that_the_exchanges_published() {
        for line in HALF {
            let year = line[..4].parse().expect("a year");
            assert_eq!(of_year(year, |day| day == Day::Half), *line);
        }
    }
}
