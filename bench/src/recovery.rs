//! A start behind a crash: how long until the run is ready to be armed.
//!
//! The crash is a lane that breaks while the market goes on: nothing is flushed, closed or
//! shortened, as after `kill -9`. What is timed is everything that the next start does before its
//! head asks for market data: the journal verified and continued, every input folded again, every
//! derived frame compared, the opening written.

use crate::benches::Bench;
use crate::floors;
use crate::market::{Day, REPEATS_MAX};
use crate::measure::{Run, Spread, mega_rates};
use crate::pipeline;
use crate::report::Report;
use anyhow::{Result, bail, ensure};
use engine::lane::Idle;
use engine::layout::Layout;
use engine::run::{Pace, Plan, RunError};
use feed::file::MemorySource;
use feed::head::Merge;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use stream::{Draft, Next, Source};

/// Frames folded a second, in millions.
const FOLD_MIN: f64 = 10.0;
/// Days of a journal, about a second's fold each.
const DAYS: u32 = 3;

/// Runs the bench.
///
/// # Errors
/// When the data or the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("recovery");
    report.note(&bench.place.how);
    report.note(
        "from the call to the head's first look at the market: verified, continued, folded, \
         compared, opened; it lands disarmed, and is armed by an operator",
    );
    let days = bench.place.days(&bench.effort)?;
    let Some(day) = days.last() else {
        return Ok(report);
    };
    let times = if bench.effort.is_tiny() { 1 } else { DAYS };
    let mut runs = Vec::new();
    let mut folds = Vec::new();
    let mut empty = Vec::new();
    let mut lines = 1.0;
    for _ in 0..bench.effort.side_runs() {
        let dir = bench.temp()?;
        crash(day, times, dir.path())?;
        let held = pipeline::held(dir.path())?;
        let frames = held.frames;
        lines = held.lines as f64 / frames.max(1) as f64;
        let time = start(day, dir.path())?;
        let nothing = start(day, bench.temp()?.path())?;
        empty.push(nothing.as_secs_f64() * 1e3);
        folds.push(Run {
            time: time.saturating_sub(nothing),
            count: frames,
        });
        runs.push(Run {
            time,
            count: frames,
        });
    }
    let floor = floors::line_cost(bench)?;
    let each = |run: &Run| run.time.as_secs_f64() / (run.count as f64 / 1e6);
    let frames = runs.first().map_or(0, |run| run.count);
    report.figure(
        format!("{} x{times}", day.name),
        "s/M frames",
        runs.len(),
        Spread::of(runs.iter().map(each)),
        format!("crash to ready to be armed, {frames} frames in the journal"),
    );
    let detail = "the same start with nothing to fold: memory, the journal's first segment";
    let count = empty.len();
    report.figure("empty start", "ms", count, Spread::of(empty), detail);
    let rates = mega_rates(&folds);
    let detail = "frames by the time beyond an empty start's";
    report.figure("fold on recovery", "M frames/s", count, rates, detail);
    report.at_least(
        "fold on recovery",
        "M frames/s",
        rates.median,
        FOLD_MIN,
        // Each line read once and its checksum checked, on all processors.
        Some(bench.cores.allowed.len() as f64 * 1e3 / floor.scanned / lines),
    );
    Ok(report)
}

fn plan(day: &Day, dir: &Path, source: Box<dyn Source + Send>) -> Result<Plan> {
    let setup = pipeline::setup(day)?;
    let mut journal = journal::Options::new(dir);
    journal.account = "BENCH".to_owned();
    journal.segment_bytes = setup.journal.segment_bytes;
    journal.durability = setup.journal.durability;
    Ok(Plan {
        setup,
        sources: Merge::new(vec![source]),
        journal,
        layout: Layout::of(1).map_err(anyhow::Error::msg)?,
        idle: Idle::Spin,
        pace: Pace::Virtual,
        facts: String::new(),
        line: None,
    })
}

/// Leaves a journal as a run leaves it that was killed at the end of the data.
fn crash(day: &Day, times: u32, dir: &Path) -> Result<()> {
    let times = times.min(REPEATS_MAX);
    let source = Breaking(crate::load::merged(day).repeated(times, crate::market::PERIOD));
    match engine::run::run(plan(day, dir, Box::new(source))?, |_| {}) {
        Err(RunError::Broken { .. }) => Ok(()),
        Err(other) => Err(other.into()),
        Ok(_) => bail!("a run that was to break did not"),
    }
}

/// Starts behind what is in the folder; the time until the head asks for market data.
fn start(day: &Day, dir: &Path) -> Result<Duration> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let source = Asked(Arc::clone(&asked));
    let plan = plan(day, dir, Box::new(source))?;
    let begin = Instant::now();
    engine::run::run(plan, |_| {})?;
    let asked = asked.lock().map_err(|_| anyhow::anyhow!("a lane broke"))?;
    // Once before the lanes run, then by the head itself, behind the opening.
    ensure!(asked.len() == 2, "the head asks for market data");
    Ok(asked[1] - begin)
}

/// Data whose end breaks the lane that reads it.
struct Breaking(MemorySource);

impl Source for Breaking {
    fn next(&mut self) -> Next {
        match self.0.next() {
            // Without the panic's message: it is meant to happen.
            Next::End => std::panic::resume_unwind(Box::new("killed")),
            next => next,
        }
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.0.take(draft)
    }
}

/// No data, and when it was asked for the first two times.
struct Asked(Arc<Mutex<Vec<Instant>>>);

impl Source for Asked {
    fn next(&mut self) -> Next {
        if let Ok(mut asked) = self.0.lock()
            && asked.len() < 2
        {
            asked.push(Instant::now());
        }
        Next::End
    }

    fn take(&mut self, _: &mut Draft) -> bool {
        false
    }
}
