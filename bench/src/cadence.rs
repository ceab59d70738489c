//! The evaluation each 250 ms: a hundred instruments, three depth books that rotate, and a market
//! that opens with a burst of ten times its usual flow.

use crate::benches::Bench;
use crate::distribution::{Distribution, Since, told};
use crate::floors;
use crate::heard::{Heard, Listening};
use crate::latency::START;
use crate::live::{self, Task};
use crate::measure::Spread;
use crate::report::Report;
use anyhow::Result;
use engine::clock::{Clock, utc};
use feed::synthetic::{Config, DEPTH_DELAY_MIN, Publish, Synthetic};
use hdrhistogram::Histogram;
use journal::Durability;
use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use stream::limits::BUDGET;
use stream::payload::{lines_of, read_text};
use stream::{Kind, Nanos};

/// Instruments.
const INSTRUMENTS: usize = 100;
/// Events of the true market a second: not all are published, and as market frames there are to be
/// [`FRAMES_MIN`].
const EVENTS_PER_SECOND: f64 = 140_000.0;
/// Market frames a second that a run is to have had.
const FRAMES_MIN: f64 = 100_000.0;
/// Evaluation of all instruments, in nanoseconds.
const DURATION_MAX: f64 = 100_000.0;
/// Lateness beyond what the box takes, p99, in nanoseconds.
const LATENESS_MAX: f64 = 20_000.0;
/// The shortest run that says something.
const TIME_MIN: Duration = Duration::from_secs(8);

/// Slots that rotate within seconds.
const RESTLESS: live::Changes<'static> = &[
    ("slots.min_hold", "1s"),
    ("slots.confirm", "2"),
    ("slots.margin", "0.01"),
    ("slots.warm_up", "500ms"),
    ("slots.score_min", "0.1"),
    ("slots.missed_horizon", "5s"),
    ("features.tape_fast", "1s"),
    ("features.tape_slow", "5s"),
    ("features.volatility", "2s"),
    ("features.momentum", "1s"),
];

/// Runs the bench.
///
/// # Errors
/// When the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("cadence");
    drop(Clock::new());
    let time = match () {
        () if bench.effort.is_tiny() => Duration::from_millis(700),
        () if bench.effort.is_quick() => TIME_MIN / 4,
        () => bench.effort.run.max(TIME_MIN),
    };
    // However long the run, a moment of the box before it and one behind it are enough.
    let moment = || floors::hiccups(&bench.cores, false, bench.effort.run.min(TIME_MIN));
    let mut hiccups = moment();
    let heard = measure(bench, INSTRUMENTS, time)?;
    hiccups.add(moment())?;
    let stolen = hiccups.value_at_quantile(0.99) as f64;
    let detail = format!(
        "what an idle watcher misses, before and behind the run: {}",
        told(&hiccups)
    );
    report.figure("box", "ns p99", 1, Spread::of([stolen]), detail);
    let seconds = time.as_secs_f64();
    let rate = heard.market as f64 / seconds;
    let detail = "the opening burst included";
    report.figure("market frames", "/s", 1, Spread::of([rate]), detail);
    if !bench.effort.is_quick() {
        report.at_least("market frames", "/s", rate, FRAMES_MIN, None);
    }
    report.note(format!(
        "{INSTRUMENTS} instruments and three depth slots for {seconds:.1} s; the market is made on \
         the head's lane as it goes, so its making is in the figures; the journal, which would be \
         {:.0} GiB in an hour, is read as it is written and its read segments are emptied; \
         --seconds 3600 makes it an hour",
        heard.frames as f64 / seconds * 80.0 * 3_600.0 / f64::from(1 << 30),
    ));
    // Each instrument's view, stored with its checksum, is the least that an evaluation is.
    let lines = lines_of(Kind::BookView).unwrap_or(1) * INSTRUMENTS;
    let floor = lines as f64 * floors::line_cost(bench)?.sealed;
    tell(&heard, (stolen, floor), &mut report);
    Ok(report)
}

/// A live run of so many instruments on one lane.
///
/// # Errors
/// When the disk cannot be used.
pub fn measure(bench: &Bench, instruments: usize, time: Duration) -> Result<Heard> {
    let dir = bench.temp()?;
    let span = Nanos(time.as_nanos() as u64);
    let begin = utc() + START;
    let config = Config {
        publish: Publish::Broker,
        depth_delay: DEPTH_DELAY_MIN,
        burst: 9.0,
        ..Config::orders(
            1,
            begin,
            span.max(Nanos::SECOND),
            instruments,
            EVENTS_PER_SECOND,
        )
    };
    let market = Synthetic::new(config)?;
    let symbols: Vec<String> = (market.instruments())
        .map(|(_, instrument)| read_text(&instrument.symbol).to_owned())
        .collect();
    let setup = live::setup(&symbols, None, &[RESTLESS])?;
    let task = Task {
        setup,
        source: Box::new(market),
        until: begin + span,
        lanes: 1,
        durability: Durability::Process,
        dir: dir.path(),
    };
    let (mut listening, mut empty) = (None, 1);
    let mut follow = || -> Result<()> {
        let listening = match &mut listening {
            Some(listening) => listening,
            none => none.insert(Listening::to(dir.path(), begin, DEPTH_DELAY_MIN)?),
        };
        listening.catch_up()?;
        empty_read_segments(dir.path(), &mut empty)
    };
    let mut followed = Ok(());
    live::run(bench, task, || {
        if followed.is_ok() {
            followed = follow();
        }
    })?;
    followed?;
    match listening {
        Some(listening) => listening.heard(),
        None => Heard::fold(dir.path(), begin, DEPTH_DELAY_MIN),
    }
}

/// Empties the segments behind a reader that has just reached the journal's end, so that an hour
/// needs no more disk than a minute; the first so many are empty already. The very first one stays,
/// whose header every listing reads; and so do the newest three: the one at hand, and the two that
/// may have followed since.
fn empty_read_segments(dir: &Path, empty: &mut usize) -> Result<()> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if name.ends_with(".seg") && name.starts_with(|first: char| first.is_ascii_digit()) {
            segments.push(path);
        }
    }
    segments.sort();
    let read = segments.len().saturating_sub(3);
    for path in segments.iter().take(read).skip(*empty) {
        File::options().write(true).open(path)?.set_len(0)?;
        *empty += 1;
    }
    Ok(())
}

fn tell(heard: &Heard, (stolen, floor): (f64, f64), report: &mut Report) {
    let mut figure = |name: &str, histogram: &Histogram<u64>, what: &str| {
        if histogram.is_empty() {
            report.note(format!("{name}: none in this run"));
            return;
        }
        let p50 = histogram.value_at_quantile(0.5) as f64;
        let detail = format!("{what}: {}; {} of them", told(histogram), histogram.len());
        report.figure(name, "ns p50", 1, Spread::of([p50]), detail);
        report.distribution(Distribution {
            group: "cadence".to_owned(),
            name: name.to_owned(),
            since: if name == "lateness" {
                Since::Due
            } else {
                Since::Begun
            },
            histogram: histogram.clone(),
        });
    };
    figure("lateness", &heard.lateness, "evaluation due to its number");
    figure(
        "duration",
        &heard.duration,
        "evaluation's number to its last consequence journaled",
    );
    figure(
        "depth rotation",
        &heard.rotation,
        "slot given to its first rows, beyond the source's millisecond",
    );
    let (late, long) = (&heard.lateness, &heard.duration);
    if long.is_empty() {
        return;
    }
    let name = "evaluations";
    let detail = format!(
        "{} missed, {:.1} instruments changed between two",
        heard.missed,
        heard.views as f64 / heard.evaluations.max(1) as f64
    );
    let done = heard.evaluations as f64;
    report.figure(name, "", 1, Spread::of([done]), detail);
    let slowest = late.max() + long.max();
    let share = slowest as f64 / BUDGET.0 as f64 * 100.0;
    let detail = "the latest and the longest together, were they one";
    report.figure("share of 500 ms", "%", 1, Spread::of([share]), detail);
    let p50 = long.value_at_quantile(0.5) as f64;
    let name = format!("evaluation of {INSTRUMENTS} instruments, p50");
    let target = report.at_most(name, "ns", p50, DURATION_MAX);
    target.floor = Some(floor);
    let p99 = late.value_at_quantile(0.99) as f64;
    let target = report.at_most("lateness p99", "ns", p99, LATENESS_MAX + stolen);
    target.floor = Some(stolen.max(1.0));
    report.at_most("missed evaluations", "", heard.missed as f64, 0.0);
}
