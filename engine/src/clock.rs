//! The live clock: the CPU's time-stamp counter, anchored to UTC and slewed towards it.
//!
//! A reading costs about ten nanoseconds and never runs backwards. Once a second the shell calls
//! [`Clock::slew`], which compares with the system's UTC and corrects by at most 500 ppm, so that a
//! step of the system's clock never becomes a step in the stream.

use std::time::{SystemTime, UNIX_EPOCH};
use stream::Nanos;

/// The most that the clock is bent, in parts per million.
pub const SLEW_PPM_MAX: i64 = 500;

/// A clock for one thread; clones share the anchor but are slewed on their own.
#[derive(Clone, Debug)]
pub struct Clock {
    tsc: quanta::Clock,
    anchor_raw: u64,
    anchor: u64,
    slew_ppm: i64,
    last: u64,
}

/// The system's UTC.
#[must_use]
pub fn utc() -> Nanos {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// A clock anchored to the system's UTC now. Calibrates the counter on first use (about
    /// 200 ms).
    #[must_use]
    pub fn new() -> Self {
        let tsc = quanta::Clock::new();
        let anchor_raw = tsc.raw();
        Self {
            tsc,
            anchor_raw,
            anchor: utc().0,
            slew_ppm: 0,
            last: 0,
        }
    }

    /// Now, in UTC nanoseconds; never less than before.
    #[inline]
    pub fn now(&mut self) -> Nanos {
        let elapsed = self.tsc.delta_as_nanos(self.anchor_raw, self.tsc.raw());
        let bent = elapsed as i64 * self.slew_ppm / 1_000_000;
        self.last = self.last.max(
            self.anchor
                .saturating_add(elapsed)
                .saturating_add_signed(bent),
        );
        Nanos(self.last)
    }

    /// Bends the clock towards `utc`; call it about once a second.
    pub fn slew(&mut self, utc: Nanos) {
        let now = self.now().0;
        self.anchor = now;
        self.anchor_raw = self.tsc.raw();
        let behind_ns = (i128::from(utc.0) - i128::from(now)).clamp(-500_000, 500_000) as i64;
        // Make good over the next second what is missing now: 1,000 ns a second is 1 ppm.
        self.slew_ppm = (behind_ns / 1_000).clamp(-SLEW_PPM_MAX, SLEW_PPM_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_runs_backwards_even_when_utc_steps_back() {
        let mut clock = Clock::new();
        let before = clock.now();
        clock.slew(Nanos(0));
        assert!(clock.now() >= before);
        assert_eq!(clock.slew_ppm, -SLEW_PPM_MAX);
        clock.slew(Nanos(u64::MAX));
        assert!(clock.now() >= before);
        assert_eq!(clock.slew_ppm, SLEW_PPM_MAX);
    }
}
