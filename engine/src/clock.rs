//! The live clock: the CPU's time-stamp counter, anchored to UTC and slewed towards it.
//!
//! A reading costs about ten nanoseconds and never runs backwards. A run has one leading clock, the
//! head's; once a second by its own readings it compares with the system's UTC ([`Clock::steer`])
//! and bends by at most 500 ppm, so that a step of the system's clock never becomes a step in the
//! stream. All other clocks of the run are clones: they share the anchor and follow the leader's
//! correction, so that a difference between two lanes' readings is a span and not a drift.
//!
//! Against a paper server whose day runs faster than real time, the session's time is scaled
//! ([`Clock::scaled`]): it begins when the server says and passes at the server's speed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use stream::Nanos;

/// The most that the clock is bent, in parts per million.
pub const SLEW_PPM_MAX: i64 = 500;
/// The leader tells a new correction when it differs by this much from the last one, so that its
/// followers' cache lines stay quiet.
const TELL_NS: i64 = 50;
/// How far apart the leader compares with UTC.
const STEER_NS: u64 = 1_000_000_000;
/// For so long one bend counts, in nanoseconds: it was made for a second, and a leader that stood
/// still knows nothing of the time behind that.
const BEND_NS: u64 = 2 * STEER_NS;

/// How the leader bends: its correction grows from `from_ns` by `ppm` since `since`, for
/// [`BEND_NS`].
#[derive(Clone, Copy, Debug, Default)]
struct Bend {
    from_ns: i64,
    ppm: i64,
    /// In unbent time.
    since: u64,
}

/// A clock for one thread. A clone follows the clock that it was made from.
#[derive(Debug)]
pub struct Clock {
    tsc: quanta::Clock,
    anchor_raw: u64,
    anchor: u64,
    /// What the leader adds to unbent time, in nanoseconds. Relaxed: a late reading is a few
    /// nanoseconds off, which is less than a reading costs.
    correction: Arc<AtomicI64>,
    /// `None` for followers.
    bend: Option<Bend>,
    last: u64,
    /// The reading at which the leader next compares with UTC; at once, to begin with.
    steer_at: u64,
    pace: Pace,
}

/// How the session's time passes: `milli` thousandths of UTC's, and where both stood at the anchor.
#[derive(Clone, Copy, Debug)]
struct Pace {
    milli: u64,
    utc: u64,
}

impl Pace {
    fn scale(self, nanos: u64) -> u64 {
        if self.milli == 1_000 {
            return nanos;
        }
        u64::try_from(u128::from(nanos) * u128::from(self.milli) / 1_000).unwrap_or(u64::MAX)
    }
}

impl Clone for Clock {
    fn clone(&self) -> Self {
        Self {
            tsc: self.tsc.clone(),
            anchor_raw: self.anchor_raw,
            anchor: self.anchor,
            correction: Arc::clone(&self.correction),
            bend: None,
            last: self.last,
            steer_at: self.steer_at,
            pace: self.pace,
        }
    }
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
    /// A leading clock, anchored to the system's UTC now. Calibrates the counter on first use
    /// (about 200 ms).
    #[must_use]
    pub fn new() -> Self {
        let tsc = quanta::Clock::new();
        let anchor_raw = tsc.raw();
        let anchor = utc().0;
        Self::anchored(
            tsc,
            anchor_raw,
            anchor,
            Pace {
                milli: 1_000,
                utc: anchor,
            },
        )
    }

    /// A leading clock that says `now` now, and from then on passes `milli` thousandths as fast as
    /// UTC, 1 to 1,000,000. Every span that it measures is a span of the session.
    #[must_use]
    pub fn scaled(now: Nanos, milli: u64) -> Self {
        let tsc = quanta::Clock::new();
        let anchor_raw = tsc.raw();
        let pace = Pace {
            milli,
            utc: utc().0,
        };
        Self::anchored(tsc, anchor_raw, now.0, pace)
    }

    fn anchored(tsc: quanta::Clock, anchor_raw: u64, anchor: u64, pace: Pace) -> Self {
        Self {
            tsc,
            anchor_raw,
            anchor,
            correction: Arc::new(AtomicI64::new(0)),
            bend: Some(Bend {
                since: anchor,
                ..Bend::default()
            }),
            last: 0,
            steer_at: 0,
            pace,
        }
    }

    /// Now, in UTC nanoseconds; never less than before.
    #[inline]
    pub fn now(&mut self) -> Nanos {
        let unbent = self.unbent();
        let correction = self.correct(unbent);
        self.last = self.last.max(unbent.saturating_add_signed(correction));
        Nanos(self.last)
    }

    #[inline]
    fn unbent(&self) -> u64 {
        let passed = self.tsc.delta_as_nanos(self.anchor_raw, self.tsc.raw());
        self.anchor.saturating_add(self.pace.scale(passed))
    }

    #[inline]
    fn correct(&self, unbent: u64) -> i64 {
        let told = self.correction.load(Ordering::Relaxed);
        let Some(bend) = self.bend else { return told };
        let elapsed = unbent.saturating_sub(bend.since).min(BEND_NS) as i64;
        let correction = bend
            .from_ns
            .saturating_add(elapsed.saturating_mul(bend.ppm) / 1_000_000);
        if correction.abs_diff(told) >= TELL_NS.unsigned_abs() {
            self.correction.store(correction, Ordering::Relaxed);
            return correction;
        }
        told
    }

    /// Bends the leading clock towards the system's UTC, once a second by its last reading; in
    /// between it costs a comparison. Followers ignore it.
    #[inline]
    pub fn steer(&mut self) {
        if self.last >= self.steer_at {
            self.slew();
        }
    }

    #[cold]
    fn slew(&mut self) {
        self.bend_towards(utc(), self.unbent());
        self.steer_at = self.now().0.saturating_add(STEER_NS);
    }

    /// Bends towards `utc`, at a reading of unbent time.
    fn bend_towards(&mut self, utc: Nanos, unbent: u64) {
        // Signed: the system's clock may have been set back to before this one was anchored.
        let passed = i128::from(utc.0) - i128::from(self.pace.utc);
        let utc = i128::from(self.anchor) + passed * i128::from(self.pace.milli) / 1_000;
        let from_ns = self.correct(unbent);
        let now = unbent.saturating_add_signed(from_ns);
        let behind_ns = (utc - i128::from(now)).clamp(-500_000, 500_000) as i64;
        if let Some(bend) = &mut self.bend {
            // Make good over the next second what is missing now: 1,000 ns a second is 1 ppm.
            let ppm = (behind_ns / 1_000).clamp(-SLEW_PPM_MAX, SLEW_PPM_MAX);
            *bend = Bend {
                from_ns,
                ppm,
                since: unbent,
            };
        }
    }
}

#[cfg(test)]
impl Clock {
    /// True once it was compared with the system's UTC.
    pub(crate) const fn is_steered(&self) -> bool {
        self.steer_at > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_runs_backwards_even_when_utc_steps_back() {
        let mut clock = Clock::new();
        let before = clock.now();
        clock.bend_towards(Nanos(0), clock.unbent());
        assert!(clock.now() >= before);
        assert_eq!(clock.bend.map(|bend| bend.ppm), Some(-SLEW_PPM_MAX));
        clock.bend_towards(Nanos(u64::MAX), clock.unbent());
        assert!(clock.now() >= before);
        assert_eq!(clock.bend.map(|bend| bend.ppm), Some(SLEW_PPM_MAX));
    }

    #[test]
    fn one_bend_counts_for_two_seconds_however_long_the_leader_stands_still() {
        let mut clock = Clock::new();
        let start = clock.anchor;
        clock.bend_towards(Nanos(start + 100_000), start);
        let bent = |after_ns: u64| clock.correct(start + after_ns);
        assert_eq!(bent(0), 0);
        assert_eq!(bent(STEER_NS), 100_000, "what was missing, after a second");
        assert_eq!(bent(BEND_NS), 200_000);
        assert_eq!(
            bent(3_600 * STEER_NS),
            200_000,
            "100 ppm of an hour: 360 ms"
        );
    }

    #[test]
    fn it_is_steered_once_a_second_by_its_own_readings() {
        let mut clock = Clock::new();
        assert!(!clock.is_steered());
        clock.steer();
        let due = clock.steer_at;
        assert!(due >= clock.last + STEER_NS);
        clock.last = due - 1;
        clock.steer();
        assert_eq!(clock.steer_at, due, "not yet");
        clock.last = due;
        clock.steer();
        assert!(clock.steer_at >= due + STEER_NS);
    }

    #[test]
    fn a_scaled_session_passes_as_many_times_as_fast() {
        let monday = Nanos(1_700_000_000_000_000_000);
        let mut fast = Clock::scaled(monday, 60_000);
        let before = utc();
        let one = fast.now();
        assert!(one >= monday);
        while utc() < before + Nanos::from_millis(2) {}
        let two = fast.now();
        assert!(
            two.saturating_sub(one) >= Nanos::from_millis(100),
            "{one:?} {two:?}"
        );
        fast.steer();
        let bend = fast.bend.unwrap_or_default();
        assert!(bend.ppm.abs() <= SLEW_PPM_MAX);
        assert!(fast.now() < monday + Nanos::from_secs(3_600));
    }

    #[test]
    fn clones_follow_the_leader_and_never_lead() {
        let mut leader = Clock::new();
        let mut follower = leader.clone();
        leader.bend = Some(Bend {
            from_ns: 3_600_000_000_000,
            ppm: 0,
            since: 0,
        });
        let ahead = leader.now();
        assert!(
            follower.now() >= ahead,
            "an hour of correction reaches the follower at once"
        );
        follower.bend_towards(Nanos(0), follower.unbent());
        assert!(follower.now() >= ahead);
        assert!(follower.bend.is_none() && follower.clone().bend.is_none());
    }
}
