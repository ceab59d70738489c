//! `replay --check`: a journal's inputs through the stages again, everything derived compared.

use crate::backtest::{task, times_for};
use crate::benches::Bench;
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
        report.at_least(name, "M frames/s", rates.median, FOLD_LEAST, None);
    }
    Ok(report)
}
