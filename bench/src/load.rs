//! Open-loop load: a day's frames, each due at a time of its own, whether or not the last one has
//! been taken.
//!
//! The market decides what the frames say, the rhythm when they come. A pipeline that falls
//! behind finds the next frames due already, and their waiting counts: this is what keeps
//! coordinated omission out.

use crate::market::{Day, PERIOD, REPEATS_MAX};
use feed::file::MemorySource;
use std::time::Duration;
use stream::{Draft, Line, Nanos, Next, Source};

/// How often frames fall due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// Frames a second, outside bursts; at most a thousand million.
    pub per_second: u64,
    /// How many times as many fall due in the first tenth of each tenth of a second; 1 is none.
    pub burst: u64,
}

impl Rhythm {
    /// Frames at even distances.
    #[must_use]
    pub const fn even(per_second: u64) -> Self {
        Self {
            per_second,
            burst: 1,
        }
    }

    /// Frames that fall due in such a time, about; with bursts, in whole rounds of them.
    #[must_use]
    pub fn frames(&self, time: Duration) -> u64 {
        let even = self.per_second as f64 * time.as_secs_f64();
        let share = Self::BURST_LASTS.0 as f64 / Self::BURST_EVERY.0 as f64;
        (even * (1.0 + (self.burst - 1) as f64 * share)) as u64
    }

    /// The next time that is long enough to have as many bursts as calm.
    #[must_use]
    pub fn rounded(&self, time: Duration) -> Duration {
        if self.burst == 1 {
            return time;
        }
        let rounds = (time.as_nanos() as u64)
            .div_ceil(Self::BURST_EVERY.0)
            .max(1);
        Duration::from_nanos(rounds * Self::BURST_EVERY.0)
    }

    /// As people say it.
    #[must_use]
    pub fn name(&self) -> String {
        let rate = match self.per_second {
            rate if rate >= 1_000_000 => format!("{}M frames/s", rate / 1_000_000),
            rate if rate >= 1_000 => format!("{}k frames/s", rate / 1_000),
            rate => format!("{rate} frames/s"),
        };
        if self.burst > 1 {
            format!("{rate} with bursts of {}x", self.burst)
        } else {
            rate
        }
    }

    /// Parts of a nanosecond, for distances that are no whole number of them.
    const PARTS: u64 = 1_024;
    /// From one burst to the next.
    const BURST_EVERY: Nanos = Nanos::from_millis(100);
    /// How long one lasts.
    const BURST_LASTS: Nanos = Nanos::from_millis(10);

    /// Distance to the next frame, in parts of a nanosecond, so long after the beginning.
    fn gap(&self, since: Nanos) -> u64 {
        let even = Nanos::SECOND.0 * Self::PARTS / self.per_second;
        if self.burst > 1 && since.0 % Self::BURST_EVERY.0 < Self::BURST_LASTS.0 {
            even / self.burst
        } else {
            even
        }
    }
}

/// Frames before the rhythm begins: books are filled, memory and branches are warm.
const LEAD_FRAMES: u64 = 60_000;
/// How far apart those fall due.
const LEAD_GAP: Nanos = Nanos(2_000);

/// When a load does what, by the run's clock.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The first frame of the lead.
    pub start: Nanos,
    /// The rhythm begins.
    pub begin: Nanos,
    /// What falls due from here on is measured.
    pub from: Nanos,
    /// Nothing falls due any more.
    pub end: Nanos,
}

impl Schedule {
    /// From `now` on, for a measurement of `time`. Between the rhythm's begin and the measurement
    /// lies an evaluation and then some: what is to be held is held by then.
    #[must_use]
    pub fn at(now: Nanos, time: Nanos) -> Self {
        let start = now + Nanos::from_millis(50);
        let begin = start + Nanos(LEAD_FRAMES * LEAD_GAP.0);
        let from = begin + Nanos::from_millis(350);
        Self {
            start,
            begin,
            from,
            end: from + time,
        }
    }

    /// When the run may end.
    #[must_use]
    pub fn until(&self) -> Nanos {
        self.end + Nanos::from_millis(20)
    }
}

/// The load.
#[derive(Debug)]
pub struct Load {
    frames: MemorySource,
    rhythm: Rhythm,
    schedule: Schedule,
    lead: u64,
    due: Nanos,
    parts: u64,
}

impl Load {
    /// The day over and over, as one source, its files merged by their times.
    #[must_use]
    pub fn new(day: &Day, rhythm: Rhythm, schedule: Schedule) -> Self {
        Self::of(merged(day), rhythm, schedule)
    }

    /// Frames over and over.
    #[must_use]
    pub fn of(frames: MemorySource, rhythm: Rhythm, schedule: Schedule) -> Self {
        Self {
            frames: frames.repeated(REPEATS_MAX, PERIOD),
            rhythm,
            schedule,
            lead: LEAD_FRAMES,
            due: schedule.start,
            parts: 0,
        }
    }

    fn advance(&mut self) {
        if self.lead > 0 {
            self.lead -= 1;
            self.due += LEAD_GAP;
            return;
        }
        let parts = self.parts
            + self
                .rhythm
                .gap(self.due.saturating_sub(self.schedule.begin));
        self.due += Nanos(parts / Rhythm::PARTS);
        self.parts = parts % Rhythm::PARTS;
    }
}

/// A day's files as one source.
#[must_use]
pub fn merged(day: &Day) -> MemorySource {
    if let [one] = &day.sources[..] {
        return one.clone();
    }
    let mut frames: Vec<_> = day.iter().collect();
    frames.sort_by_key(stream::FrameRef::ts);
    let lines: Vec<Line> = (frames.iter())
        .flat_map(|frame| frame.lines())
        .copied()
        .collect();
    MemorySource::new(lines)
}

impl Source for Load {
    #[inline]
    fn next(&mut self) -> Next {
        if self.due >= self.schedule.end {
            return Next::End;
        }
        match self.frames.next() {
            Next::At(_) => Next::At(self.due),
            other => other,
        }
    }

    #[inline]
    fn take(&mut self, draft: &mut Draft) -> bool {
        self.advance();
        self.frames.take(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Effort;

    #[test]
    fn frames_fall_due_at_the_rate_whenever_they_are_taken_and_bursts_are_denser() {
        let day = Day::synthetic(&Effort::TINY).unwrap();
        let schedule = Schedule::at(Nanos::SECOND, Nanos::from_millis(200));
        let count = |rhythm: Rhythm| {
            let mut load = Load::new(&day, rhythm, schedule);
            let (mut draft, mut measured, mut last) = (Draft::new(), 0_u64, Nanos::ZERO);
            while let Next::At(due) = load.next() {
                assert!(due >= last && due < schedule.end);
                last = due;
                measured += u64::from(due >= schedule.from);
                load.take(&mut draft);
            }
            measured
        };
        assert_eq!(count(Rhythm::even(10_000)), 2_000);
        let bursts = Rhythm {
            per_second: 10_000,
            burst: 10,
        };
        // Nine tenths of the time at the rate, one tenth at ten times.
        assert!(count(bursts).abs_diff(3_800) < 20);
        assert_eq!(bursts.name(), "10k frames/s with bursts of 10x");
        let rounded = |millis| bursts.rounded(Duration::from_millis(millis)).as_millis();
        assert_eq!((rounded(50), rounded(100), rounded(101)), (100, 100, 200));
    }
}
