//! What the box takes away: how late a core is that only watches the clock.
//!
//! A watcher has something due every microsecond and records how late it notices each; so a stall
//! of a millisecond counts a thousand times, as it would for a thousand messages. Any latency of
//! the same run is to be compared with it: a tail that shows up here is not the program's.

use crate::cores::Cores;
use crate::distribution::nanoseconds;
use hdrhistogram::Histogram;
use std::time::Duration;

/// How far apart things fall due.
pub const EVERY: Duration = Duration::from_micros(1);

/// Lateness in nanoseconds of one watcher on the first core, or of one on each core at once, for
/// `time`.
#[must_use]
pub fn hiccups(cores: &Cores, both: bool, time: Duration) -> Histogram<u64> {
    let watchers: &[usize] = if both { &[0, 1] } else { &[0] };
    let mut all = nanoseconds();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (watchers.iter())
            .map(|which| {
                scope.spawn(|| {
                    cores.pin(*which);
                    watch(time)
                })
            })
            .collect();
        for thread in threads {
            if let Ok(own) = thread.join() {
                // The bounds are the same.
                let _ = all.add(&own);
            }
        }
    });
    all
}

/// Lateness in nanoseconds as the calling thread sees it for `time`.
#[must_use]
pub fn watch(time: Duration) -> Histogram<u64> {
    let clock = quanta::Clock::new();
    let mut late = nanoseconds();
    let every = EVERY.as_nanos() as u64;
    let begin = clock.raw();
    let end = time.as_nanos() as u64;
    let mut due = every;
    while due <= end {
        let now = clock.delta_as_nanos(begin, clock.raw());
        while due <= now.min(end) {
            late.saturating_record((now - due).max(1));
            due += every;
        }
    }
    late
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_due_every_microsecond_however_late_it_is_noticed() {
        assert_eq!(watch(Duration::from_millis(2)).len(), 2_000);
        let both = hiccups(&Cores::default(), true, Duration::from_millis(1));
        assert_eq!(both.len(), 2_000);
    }
}
