//! Timing: the work that is repeated, and what its runs look like together.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Runs of each measurement.
    pub runs: usize,
    /// How long one run should take, about.
    pub run: Duration,
    /// How long the memory of a long run is watched.
    pub watch: Duration,
}

impl Effort {
    /// A moment of everything: shows that the benches work, not how fast anything is.
    pub const TINY: Self = Self {
        runs: 2,
        run: Duration::from_millis(1),
        watch: Duration::from_millis(50),
    };

    /// A look at everything in a few minutes.
    pub const QUICK: Self = Self {
        runs: 3,
        run: Duration::from_millis(100),
        watch: Duration::from_millis(500),
    };

    /// True when there is no time for what takes long.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        self.run <= Self::QUICK.run
    }

    /// Runs of what no target speaks of: one where there is little time.
    #[must_use]
    pub fn side_runs(&self) -> usize {
        if self.is_quick() { 1 } else { self.runs }
    }

    /// True when it is not about speed.
    #[must_use]
    pub fn is_tiny(&self) -> bool {
        self.run <= Self::TINY.run
    }
}

/// Several runs of one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// The middle one, or the mean of the two middle ones.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of values in any order.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (values[0], values[values.len() - 1]);
        let half = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[half - 1], values[half])
        } else {
            values[half]
        };
        Self { min, median, max }
    }
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What it took.
    pub time: Duration,
    /// How many things were done.
    pub count: u64,
}

impl Run {
    /// Things a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// Rates of several runs, in millions a second.
#[must_use]
pub fn mega_rates(runs: &[Run]) -> Spread {
    Spread::of(runs.iter().map(|run| run.rate() / 1e6))
}

/// Rates of several runs, a second.
#[must_use]
pub fn rates(runs: &[Run]) -> Vec<f64> {
    runs.iter().map(Run::rate).collect()
}

/// The median of the quotients of what was measured in turn: what a host does to a turn falls on
/// both of it. `None` when there was no turn.
#[must_use]
pub fn quotient(over: &[f64], under: &[f64]) -> Option<f64> {
    let each: Vec<f64> = over.iter().zip(under).map(|(o, u)| o / u).collect();
    (!each.is_empty()).then(|| Spread::of(each).median)
}

/// Times one piece of work.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Instant::now();
    let result = black_box(work());
    (begin.elapsed(), result)
}

/// Runs of passes: `prepare` makes what a pass consumes and is not timed; `pass` tells how many
/// things it did. Each run repeats passes until their time reaches [`Effort::run`]. One pass
/// before them warms up and is not kept.
///
/// # Errors
/// The first error of a pass.
pub fn passes<T, E>(
    effort: &Effort,
    mut prepare: impl FnMut() -> T,
    mut pass: impl FnMut(T) -> Result<u64, E>,
) -> Result<Vec<Run>, E> {
    pass(prepare())?;
    let mut runs = Vec::with_capacity(effort.runs);
    for _ in 0..effort.runs {
        let mut run = Run {
            time: Duration::ZERO,
            count: 0,
        };
        while run.time < effort.run || run.count == 0 {
            let prepared = prepare();
            let (time, count) = timed(|| pass(prepared));
            run.time += time;
            run.count += count?;
        }
        runs.push(run);
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "small whole numbers are exact")]
    fn the_median_is_the_middle_of_odd_and_even_numbers_of_runs() {
        let odd = Spread::of([9.0, 1.0, 4.0]);
        assert_eq!((odd.min, odd.median, odd.max), (1.0, 4.0, 9.0));
        assert_eq!(Spread::of([9.0, 1.0, 4.0, 6.0]).median, 5.0);
    }

    #[test]
    fn quotients_are_of_the_same_turn() {
        assert_eq!(quotient(&[10.0, 40.0, 12.0], &[5.0, 20.0, 4.0]), Some(2.0));
        assert_eq!(quotient(&[1.0], &[]), None);
    }

    #[test]
    fn passes_are_repeated_until_a_run_is_long_enough() {
        let effort = Effort {
            runs: 3,
            ..Effort::TINY
        };
        let mut prepared = 0;
        let runs = passes(
            &effort,
            || prepared += 1,
            |()| {
                let begin = Instant::now();
                while begin.elapsed() < Duration::from_micros(300) {}
                Ok::<u64, ()>(7)
            },
        );
        let runs = runs.unwrap();
        assert_eq!(runs.len(), 3);
        let count: u64 = runs.iter().map(|run| run.count).sum();
        assert_eq!(count, 7 * (prepared - 1));
        assert!(runs.iter().all(|run| run.time >= effort.run));
    }

    #[test]
    fn the_first_error_of_a_pass_ends_it() {
        let result = passes(&Effort::TINY, || (), |()| Err::<u64, _>("bad"));
        assert_eq!(result.unwrap_err(), "bad");
    }
}
