//! `replay --check`: a journal's inputs through the stages again, everything derived compared.

use crate::backtest::{task, times_for};
use crate::benches::Bench;
use crate::floors;
use crate::measure::{mega_rates, passes};
use crate::pipeline;
use crate::report::Report;
use anyhow::{Result, ensure};

/// Frames of all kinds, folded and compared: at least so many a second, in millions.
const FOLD_LEAST: f64 = 25.0;

/// Runs the bench.
///
/// # Errors
/// When the data or the disk cannot be used, or a replay is not identical.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("replay");
    report.note(&bench.place.how);
    let floor = floors::line_cost(bench)?;
    let threads = bench.cores.allowed.len() as f64;
    report.note(
        "the floor: the journal's lines read from a touched mapping and their checksums checked, \
         as one thread does it, times the processors",
    );
    for day in bench.place.days(&bench.effort)? {
        let times = times_for(bench, &day)?;
        let dir = bench.temp()?;
        pipeline::run(&task(&day, times, dir.path()), || {})?;
        let runs = passes(
            &bench.effort,
            || (),
            |()| {
                let checked = engine::replay::check(dir.path())?;
                ensure!(
                    checked.identical,
                    "the replay of {} differs: {:?}",
                    day.name,
                    checked.first
                );
                Ok(checked.frames)
            },
        )?;
        let rates = mega_rates(&runs);
        let name = format!("{} x{times}", day.name);
        report.figure(
            &name,
            "M frames/s",
            runs.len(),
            rates,
            "all frames, folded and compared",
        );
        let name = format!("replay {}", day.name);
        let held = pipeline::held(dir.path())?;
        let lines = held.lines as f64 / held.frames.max(1) as f64;
        let floor = Some(threads * 1e3 / floor.scanned / lines);
        report.at_least(name, "M frames/s", rates.median, FOLD_LEAST, floor);
    }
    Ok(report)
}
