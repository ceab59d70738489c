//! The session's time: the host's, a scaled one that begins wherever it should, or one that stands
//! until it is moved.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::{Duration, Instant};
use stream::Nanos;

/// The zone of the times that the server tells.
const ZONE: &str = "America/New_York";
/// What clients know that zone as.
const ZONE_NAME: &str = "US/Eastern";

/// How time passes.
#[derive(Clone, Debug)]
enum Pace {
    /// From that moment on so many thousandths as fast as the host's.
    Scaled(Instant, u64),
    /// Not by itself.
    Stepped,
}

/// A clock that runs a thousandth to a thousand times as fast as the host's, or by steps.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Nanos,
    pace: Pace,
    zone: TimeZone,
}

impl Clock {
    /// A clock that shows `start` now and runs at `speed_milli` thousandths of the host's.
    ///
    /// # Panics
    ///
    /// If `speed_milli` is 0.
    #[must_use]
    pub fn scaled(start: Nanos, speed_milli: u64) -> Self {
        assert!(speed_milli > 0, "a clock that stands still is no clock");
        Self::paced(start, Pace::Scaled(Instant::now(), speed_milli))
    }

    /// A clock that shows `start` until [`Clock::step`] moves it.
    #[must_use]
    pub fn stepped(start: Nanos) -> Self {
        Self::paced(start, Pace::Stepped)
    }

    fn paced(start: Nanos, pace: Pace) -> Self {
        Self {
            start,
            pace,
            // Every build carries its own tables of zones.
            zone: TimeZone::get(ZONE).unwrap_or(TimeZone::UTC),
        }
    }

    /// True where time stands until it is moved.
    #[must_use]
    pub const fn is_stepped(&self) -> bool {
        matches!(self.pace, Pace::Stepped)
    }

    /// Moves a clock that stands by a span; one that runs is left alone.
    pub fn step(&mut self, by: Nanos) {
        if self.is_stepped() {
            self.start = self.start.saturating_add(by);
        }
    }

    /// The session's time.
    #[must_use]
    pub fn now(&self) -> Nanos {
        let Pace::Scaled(began, speed_milli) = self.pace else {
            return self.start;
        };
        let passed = began.elapsed().as_nanos() * u128::from(speed_milli) / 1000;
        Nanos(self.start.0.saturating_add(passed as u64))
    }

    /// How long the host takes until then: for ever where time stands.
    #[must_use]
    pub fn until(&self, then: Nanos) -> Duration {
        let left = u128::from(then.0.saturating_sub(self.now().0));
        let left = match self.pace {
            Pace::Scaled(_, speed_milli) => (left * 1000).div_ceil(u128::from(speed_milli)),
            Pace::Stepped if left == 0 => 0,
            Pace::Stepped => u128::MAX,
        };
        Duration::from_nanos(left.min(u128::from(u64::MAX)) as u64)
    }

    /// A time in UTC, such as `2026-11-23T14:30:00.25Z`.
    #[must_use]
    pub fn utc(at: Nanos) -> String {
        let at = Timestamp::from_nanosecond(i128::from(at.0));
        at.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
    }

    /// A time as the greeting tells it: `YYYYMMDD HH:MM:SS US/Eastern`.
    #[must_use]
    pub fn civil(&self, at: Nanos) -> String {
        let seconds = (at.0 / Nanos::SECOND.0) as i64;
        let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        let local = at.to_zoned(self.zone.clone());
        format!("{} {ZONE_NAME}", local.strftime("%Y%m%d %H:%M:%S"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_exchanges_zone() {
        // 21 November 2026, 04:50 UTC: still the evening before in New York.
        let clock = Clock::scaled(Nanos(1_795_236_600_000_000_000), 1000);
        assert_eq!(
            clock.civil(Nanos(1_795_236_600_000_000_000)),
            "20261120 23:50:00 US/Eastern"
        );
    }

    #[test]
    fn a_fast_clock_is_later_and_waits_less() {
        let clock = Clock::scaled(Nanos(1_000), 1_000_000);
        assert!(clock.now().0 >= 1_000);
        let wait = clock.until(Nanos(1_000 + 3_600_000_000_000));
        assert!(wait <= Duration::from_millis(3_600), "{wait:?}");
        assert_eq!(clock.until(Nanos(0)), Duration::ZERO);
    }

    #[test]
    fn a_stepped_clock_stands_until_it_is_moved() {
        let mut clock = Clock::stepped(Nanos::from_secs(1_795_185_000));
        assert_eq!(clock.now(), Nanos::from_secs(1_795_185_000));
        assert_eq!(
            clock.until(Nanos::from_secs(1_795_185_001)).as_secs(),
            u64::MAX / 1_000_000_000
        );
        clock.step(Nanos::from_millis(250));
        assert_eq!(Clock::utc(clock.now()), "2026-11-20T14:30:00.25Z");
        let mut runs = Clock::scaled(Nanos(0), 1);
        runs.step(Nanos::from_secs(1_000_000));
        assert!(runs.now() < Nanos::from_secs(1_000));
    }
}
