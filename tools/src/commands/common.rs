//! What several commands share: settings, journals, the end of a run.

use crate::cli;
use crate::failure::{Failure, Outcome};
use crate::report;
use engine::config::{Settings, Value};
use engine::lane::Idle;
use engine::layout::Layout;
use engine::setup::{DEMO, FeedKind, SAMPLE, Setup};
use engine::tally::{Summary, Tally};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;
use stream::Nanos;
use stream::payload::Session;

/// After the close of a session the last answers and fees come in.
const TAIL: Nanos = Nanos::from_secs(5);

/// What a command starts its settings from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing: files must say everything.
    Files,
    /// The embedded sample where no file is given.
    Sample,
    /// The embedded sample with what the demo changes; files on top.
    Demo,
}

/// Reads settings in their order of precedence: sample, files, environment, flags.
pub fn settings(args: &cli::Settings, base: Base) -> Settings {
    let mut settings = Settings::default();
    if base == Base::Demo || (base == Base::Sample && args.config.is_empty()) {
        settings.add_sample(SAMPLE);
    }
    if base == Base::Demo {
        settings.add_sample(DEMO);
    }
    for file in &args.config {
        settings.add_file(file);
    }
    settings.add_env(std::env::vars());
    if let Some(lanes) = &args.lanes {
        settings.add_flag("--lanes", "lanes.layout", Value::Text(lanes.clone()));
    }
    if let Some(seed) = args.seed {
        settings.add_flag("--seed", "sim.seed", Value::Number(seed.to_string()));
    }
    settings
}

/// The session that is open at `now`, or opens next.
///
/// # Errors
/// When the calendar knows none, with what to do `instead`.
pub fn session_of(setup: &Setup, now: Nanos, instead: &str) -> Outcome<Session> {
    setup.session_of(now).ok_or_else(|| {
        let calendar = setup.calendar.name();
        Failure::bad(format!(
            "the {calendar} calendar knows no session from now on; {instead}"
        ))
    })
}

/// When a run ends that begins at `start`: after the asked time, or a little behind the close of
/// the session.
///
/// # Errors
/// When neither is known.
pub fn end_of_run(seconds: Option<u64>, setup: &Setup, start: Nanos) -> Outcome<Nanos> {
    if let Some(seconds) = seconds {
        return Ok(start.saturating_add(Nanos::from_secs(seconds)));
    }
    let session = session_of(setup, start, "give --seconds N or set session.calendar")?;
    Ok(session.close.saturating_add(TAIL))
}

/// The layout of lanes, checked against the cores of this box.
pub fn layout(setup: &Setup) -> Outcome<Layout> {
    let layout: Layout = setup.layout.parse().map_err(Failure::bad)?;
    let cores = engine::lane::cores();
    for core in layout.cores.iter().flatten() {
        if !cores.contains(core) {
            return Err(Failure::bad(format!(
                "lanes.layout: core {core} is not among the cores of this process ({cores:?}); \
                 name one of those, or leave the @core away"
            )));
        }
    }
    if layout.lanes() > 1 {
        setup.check_layout(&layout)?;
    }
    Ok(layout)
}

/// The layout of lanes in virtual time. `auto` is one lane there, on whichever core is free: with
/// more of them the head waits for all at each timer, and backtests that run side by side would
/// meet on the same cores.
pub fn layout_virtual(setup: &Setup) -> Outcome<Layout> {
    if setup.layout == "auto" {
        return Layout::of(1).map_err(Failure::bad);
    }
    layout(setup)
}

/// What lanes do when idle, by the clock.
pub fn idle(setup: &Setup, layout: &Layout) -> Idle {
    let broker = matches!(setup.feed, FeedKind::Ibkr);
    named_idle(setup).unwrap_or_else(|| Idle::auto(layout, parallelism(), broker))
}

/// What lanes do when idle, in virtual time.
pub fn idle_virtual(setup: &Setup, layout: &Layout) -> Idle {
    named_idle(setup).unwrap_or_else(|| Idle::auto_virtual(layout, parallelism()))
}

fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What the configuration says of it, unless that is `auto`.
fn named_idle(setup: &Setup) -> Option<Idle> {
    match setup.idle.as_str() {
        "auto" => None,
        "spin" => Some(Idle::Spin),
        "yield" => Some(Idle::Yield),
        _ => Some(Idle::Backoff),
    }
}

/// A journal's folder: the named one, or a fresh one under the configured folder.
pub fn journal_dir(named: Option<&PathBuf>, setup: &Setup, what: &str) -> PathBuf {
    named.cloned().unwrap_or_else(|| {
        let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S");
        Path::new(&setup.journal.dir).join(format!("{what}-{now}-{}", std::process::id()))
    })
}

/// The journal's options.
pub fn journal_options(setup: &Setup, dir: &Path, account: &str) -> journal::Options {
    let mut options = journal::Options::new(dir);
    account.clone_into(&mut options.account);
    options.segment_bytes = setup.journal.segment_bytes;
    options.durability = setup.journal.durability;
    options.sync_every = Duration::from_nanos(setup.journal.sync_every.0);
    options
}

/// Folds a journal into its summary.
pub fn summarise(dir: &Path) -> Outcome<Summary> {
    summarise_at(dir, 1_000)
}

/// The same of a session that passes `milli` thousandths as fast as the clock on the wall.
pub fn summarise_at(dir: &Path, milli: u64) -> Outcome<Summary> {
    let mut reader = journal::Reader::open(dir)?;
    let mut tally = Tally::at_speed(milli);
    while let Some(next) = reader.next() {
        tally.on_frame(next?.1);
    }
    Ok(tally.summary(&dir.display().to_string()))
}

/// Prints a run's summary.
pub fn print_summary(summary: &Summary, json: bool) -> Outcome {
    if json {
        print_json(summary)
    } else {
        report::print(summary)?;
        Ok(())
    }
}

/// Prints one JSON object.
pub fn print_json(value: &impl serde::Serialize) -> Outcome {
    let text = serde_json::to_string(value).map_err(Failure::failed)?;
    print_line(&text)
}

/// Prints a line; a reader that has gone away ends the command quietly.
pub fn print_line(text: &str) -> Outcome {
    use std::io::Write;
    let written = writeln!(std::io::stdout(), "{text}");
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints a text that ends its own lines; a reader that has gone away ends the command quietly.
pub fn print_text(text: &str) -> Outcome {
    use std::io::Write;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// A progress line on a terminal, nothing elsewhere.
pub struct Progress(Option<indicatif::ProgressBar>);

impl Progress {
    /// Progress over so many steps.
    pub fn new(steps: u64, what: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = indicatif::ProgressBar::new(steps);
        if let Ok(style) =
            indicatif::ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {elapsed}")
        {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self(Some(bar))
    }

    /// Shows how far it is.
    pub fn at(&self, step: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(step);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Facts about the host and the build, for the journal.
pub fn facts(layout: &Layout, time: &str, sources: &[String]) -> String {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    serde_json::json!({
        "spindle": env!("CARGO_PKG_VERSION"),
        "time": time,
        "lanes": layout.to_string(),
        "sources": sources,
        "kernel": read("/proc/sys/kernel/osrelease"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backtest_is_one_lane_on_any_core_unless_told_otherwise_and_never_parks() {
        for (told, lanes) in [("auto", 1), ("1", 1), ("3", 3), ("5", 5)] {
            let mut settings = Settings::default();
            settings.add_sample(SAMPLE);
            settings.add_flag("--lanes", "lanes.layout", Value::Text(told.to_owned()));
            let setup = Setup::read(&settings).expect("the sample is sound");
            let layout = layout_virtual(&setup).expect("usual lanes");
            assert_eq!(layout.lanes(), lanes);
            assert!(layout.cores.iter().all(Option::is_none), "{layout}");
            assert_ne!(idle_virtual(&setup, &layout), Idle::Backoff);
        }
    }
}
