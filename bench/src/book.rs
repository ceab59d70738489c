//! Order books alone: a day's frames applied, nothing emitted; and a market of many books.

mod crowd;

use crate::benches::Bench;
use crate::floors;
use crate::measure::{Run, mega_rates, passes};
use crate::pipeline::setup;
use crate::report::Report;
use anyhow::{Result, ensure};
use std::convert::Infallible;
use stream::{Draft, InstrumentId, SourceId, payload};

/// Runs the bench.
///
/// # Errors
/// When the data cannot be used, or a book counts faults.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("book");
    report.note(&bench.place.how);
    let floor = floors::line_cost(bench)?;
    report.note("the floor of a day: as many lines stored one behind the other");
    for day in bench.place.days(&bench.effort)? {
        let setup = setup(&day)?;
        let mut books = book::Books::new(setup.books());
        let clear = clear();
        let mut faults = 0_u64;
        let mut passed = 0_u64;
        let runs = passes(
            &bench.effort,
            || (),
            |()| {
                for source in &day.sources {
                    // Sources one after the other: the books are apart anyway.
                    for frame in source.iter() {
                        // As in the stage: nobody asks for effects.
                        let applied = books.apply(frame, &mut |_| {});
                        faults += u64::from(applied.fault.is_some());
                    }
                }
                books.apply(clear.frame(), &mut |_| {});
                passed += 1;
                Ok::<u64, Infallible>(day.frames)
            },
        )?;
        ensure!(
            faults == 0 || bench.place.files.is_empty(),
            "{}: {faults} frames in {passed} passes were refused",
            day.name
        );
        let events = |run: &Run| Run {
            count: run.count / day.frames * day.events,
            ..*run
        };
        let messages: Vec<Run> = runs.iter().map(events).collect();
        let rates = mega_rates(&messages);
        report.figure(
            &day.name,
            "M messages/s",
            runs.len(),
            rates,
            format!(
                "{} messages a pass in {} frames: what only reveals levels is paid for and not \
                 counted",
                day.events, day.frames
            ),
        );
        let detail = format!("{:.1} ns each", 1e3 / mega_rates(&runs).median);
        report.figure(
            format!("{}, frames", day.name),
            "M frames/s",
            runs.len(),
            mega_rates(&runs),
            detail,
        );
        let name = format!("book {}", day.name);
        let lines = day.frames as f64 / day.events.max(1) as f64;
        let floor = Some(1e3 / floor.stored / lines);
        report.at_least(name, "M messages/s", rates.median, 15.0, floor);
    }
    crowd::run(&bench.effort, &mut report)?;
    Ok(report)
}

/// Every book of every source emptied, so that a day can come again.
fn clear() -> Draft {
    let mut draft = Draft::new();
    let clear = payload::Clear {
        source: SourceId(0),
        ..payload::Clear::zeroed()
    };
    draft.write(InstrumentId::NONE, &clear);
    draft
}
