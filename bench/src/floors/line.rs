//! How long a cache line takes from one core to another.
//!
//! Two threads answer each other, and half of the way there and back is one way. *Load and store*:
//! each has a line that it alone writes and the other reads, which is what a ring does at best. One
//! way is then two transfers: the writer takes the line from the reader, the reader fetches it.
//! *Compare and swap*: both write one line and take it from each other, one transfer each.

use crate::cores::Cores;
use crate::measure::{Effort, Spread};
use crossbeam::utils::CachePadded;
use hdrhistogram::Histogram;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Ways there and back between two readings of the counter, so that reading costs little of it.
const TRIPS: u64 = 16;

/// One way in nanoseconds: the median of each run.
#[derive(Clone, Copy, Debug)]
pub struct OneWay {
    /// With a line for each direction, loaded and stored.
    pub two_lines: Spread,
    /// With one line, compared and swapped.
    pub swapped: Spread,
}

/// Measures it; `None` when there are no two cores.
#[must_use]
pub fn one_way(cores: &Cores, effort: &Effort) -> Option<OneWay> {
    cores.are_two().then(|| {
        let (mut two_lines, mut swapped) = (Vec::new(), Vec::new());
        for _ in 0..effort.runs {
            two_lines.push(run(cores, effort.run, &TwoLines::default()));
            swapped.push(run(cores, effort.run, &Swapped::default()));
        }
        OneWay {
            two_lines: Spread::of(two_lines),
            swapped: Spread::of(swapped),
        }
    })
}

/// Two threads that answer each other. Rounds count from 1.
trait Table: Sync {
    /// The first thread's half of a round: says and waits for the answer.
    fn serve(&self, round: u64);
    /// The second thread's half: waits, not longer than until `end` is set, and answers.
    fn answer(&self, round: u64, end: &AtomicBool);
}

#[derive(Debug, Default)]
struct TwoLines {
    there: CachePadded<AtomicU64>,
    back: CachePadded<AtomicU64>,
}

impl Table for TwoLines {
    fn serve(&self, round: u64) {
        self.there.store(round, Ordering::Release);
        while self.back.load(Ordering::Acquire) != round {
            spin_loop();
        }
    }

    fn answer(&self, round: u64, end: &AtomicBool) {
        while self.there.load(Ordering::Acquire) != round {
            if end.load(Ordering::Relaxed) {
                return;
            }
            spin_loop();
        }
        self.back.store(round, Ordering::Release);
    }
}

#[derive(Debug, Default)]
struct Swapped {
    line: CachePadded<AtomicU64>,
}

impl Swapped {
    fn swap(&self, from: u64, end: &AtomicBool) {
        let swap = |line: &AtomicU64| {
            line.compare_exchange(from, from + 1, Ordering::AcqRel, Ordering::Relaxed)
        };
        while swap(&self.line).is_err() {
            if end.load(Ordering::Relaxed) {
                return;
            }
            spin_loop();
        }
    }
}

impl Table for Swapped {
    fn serve(&self, round: u64) {
        // The other side has answered the round before when this succeeds.
        self.swap(2 * (round - 1), &AtomicBool::new(false));
    }

    fn answer(&self, round: u64, end: &AtomicBool) {
        self.swap(2 * round - 1, end);
    }
}

/// The median of one way, in nanoseconds.
fn run(cores: &Cores, time: Duration, table: &impl Table) -> f64 {
    let end = CachePadded::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            cores.pin(1);
            let mut round = 1;
            while !end.load(Ordering::Relaxed) {
                table.answer(round, &end);
                round += 1;
            }
        });
        let first = scope.spawn(|| {
            cores.pin(0);
            let median = serve(time, table);
            end.store(true, Ordering::Relaxed);
            median
        });
        first.join().unwrap_or(f64::NAN)
    })
}

fn serve(time: Duration, table: &impl Table) -> f64 {
    let clock = quanta::Clock::new();
    // In picoseconds for one way: the usual ones are a few dozen nanoseconds.
    let mut ways: Histogram<u64> =
        Histogram::new_with_bounds(1, 1_000_000_000_000, 3).expect("the bounds are valid");
    let begin = Instant::now();
    let mut round = 0;
    let mut before = clock.raw();
    while begin.elapsed() < time || ways.is_empty() {
        for _ in 0..64 {
            for _ in 0..TRIPS {
                round += 1;
                table.serve(round);
            }
            let now = clock.raw();
            let ps = clock.delta_as_nanos(before, now) * 1_000 / (2 * TRIPS);
            ways.saturating_record(ps.max(1));
            before = now;
        }
    }
    ways.value_at_quantile(0.5) as f64 / 1_000.0
}
