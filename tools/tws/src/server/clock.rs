//! The session's time: the host's, or a scaled one that begins wherever it should.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::{Duration, Instant};
use stream::Nanos;

/// The zone of the times that the server tells.
const ZONE: &str = "America/New_York";
/// What clients know that zone as.
const ZONE_NAME: &str = "US/Eastern";

/// A clock that runs a thousandth to a thousand times as fast as the host's.
#[derive(Clone, Debug)]
pub struct Clock {
    began: Instant,
    start: Nanos,
    /// Thousandths of session time for each part of host time.
    speed_milli: u64,
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
        Self {
            began: Instant::now(),
            start,
            speed_milli,
            // Every build carries its own tables of zones.
            zone: TimeZone::get(ZONE).unwrap_or(TimeZone::UTC),
        }
    }

    /// The session's time.
    #[must_use]
    pub fn now(&self) -> Nanos {
        let passed = self.began.elapsed().as_nanos();
        let passed = passed * u128::from(self.speed_milli) / 1000;
        Nanos(self.start.0.saturating_add(passed as u64))
    }

    /// How long the host takes until then.
    #[must_use]
    pub fn until(&self, then: Nanos) -> Duration {
        let left = u128::from(then.0.saturating_sub(self.now().0));
        let left = (left * 1000).div_ceil(u128::from(self.speed_milli));
        Duration::from_nanos(left.min(u128::from(u64::MAX)) as u64)
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
}
