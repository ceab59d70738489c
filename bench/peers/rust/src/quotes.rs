//! Quotes through a whole engine: ours, NautilusTrader's Rust crate and its Python package.
//!
//! The quotes are every change of a real day's best quote, spaced evenly, so many to a quarter of
//! a second of their own time that an evaluation, and with it the probe's order, comes at one quote
//! in [`EVERY`]: ours orders at evaluations, theirs counts quotes. Idle, ours has no evaluations at
//! all.

use crate::backtests::days;
use crate::contest::{Contender, Goal, Ring, contest, target};
use crate::frames::Frames;
use crate::orders::{Quote, TICK, quotes};
use crate::pipeline::{self, Cadence};
use anyhow::{Context, Result, bail, ensure};
use bench::measure::Run;
use bench::pipeline::held;
use bench::report::Report;
use feed::file::MemorySource;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use stream::limits::EVALUATE_PERIOD;
use stream::{InstrumentId, Nanos};

/// Quotes between two orders of the probe.
const EVERY: u64 = 5_000;
/// Thursday 2012-06-21, 10:00 in New York.
const BEGIN: Nanos = Nanos::from_secs(1_340_287_200);
/// Quotes of one run at full effort.
const QUOTES: f64 = 1_000_000.0;

/// Programs that run NautilusTrader, as far as they are there.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    /// The binary `nautilus` beside this one.
    pub rust: Option<PathBuf>,
    /// A Python in which `nautilus_trader` is installed, and the script.
    pub python: Option<(PathBuf, PathBuf)>,
}

/// Runs it.
///
/// # Errors
/// When the data or the disk cannot be used, or a program fails.
pub fn run(ring: &Ring, programs: &Programs) -> Result<Report> {
    let mut report = Report::new("quotes");
    report.note(&ring.place.how);
    let day = days(ring)?.into_iter().next().context("there is no day")?;
    let wanted = (QUOTES * ring.effort.run.as_secs_f64().min(1.0)).max(2.0 * EVERY as f64) as usize;
    let quotes = spaced(&quotes(&day.orders), wanted);
    ensure!(!quotes.is_empty(), "{}: there is no quote", day.name);
    let dir = ring.temp()?;
    let file = dir.path().join("quotes");
    std::fs::write(&file, bytes(&quotes))?;
    let mut frames = Frames::default();
    for quote in &quotes {
        frames.quote(InstrumentId(1), quote);
    }
    let source = MemorySource::new(frames.0);
    report.note(format!(
        "{} quotes of {}, spaced evenly; the probe rests an order behind the touch at one quote in \
         {EVERY} and cancels it at the next; ours: whole call, journal included",
        quotes.len(),
        day.name
    ));
    for probe in [false, true] {
        let round = Round {
            ring,
            symbol: &day.name,
            source: &source,
            count: quotes.len() as u64,
            file: &file,
            probe,
            stream: Cell::default(),
        };
        round.run(programs, &mut report)?;
    }
    Ok(report)
}

/// Quotes at even steps, the day's over and over.
fn spaced(day: &[Quote], count: usize) -> Vec<Quote> {
    let step = EVALUATE_PERIOD.0 / EVERY;
    let moved = |(at, quote): (usize, &Quote)| Quote {
        ts: Nanos(BEGIN.0 + step * at as u64),
        ..*quote
    };
    day.iter()
        .cycle()
        .take(count)
        .enumerate()
        .map(moved)
        .collect()
}

/// Five little-endian numbers a quote: time, bid and ask in cents, what they hold.
fn bytes(quotes: &[Quote]) -> Vec<u8> {
    let words = |quote: &Quote| {
        let Quote { ts, bid, ask } = *quote;
        let (bid_qty, ask_qty) = (i64::from(bid.1), i64::from(ask.1));
        [
            ts.0 as i64,
            bid.0.0 / TICK,
            ask.0.0 / TICK,
            bid_qty,
            ask_qty,
        ]
    };
    quotes
        .iter()
        .flat_map(words)
        .flat_map(i64::to_le_bytes)
        .collect()
}

/// One comparison: with the probe or idle.
struct Round<'a> {
    ring: &'a Ring,
    symbol: &'a str,
    source: &'a MemorySource,
    count: u64,
    file: &'a Path,
    probe: bool,
    /// Of our last run, from its first quote to its last.
    stream: Cell<Duration>,
}

impl Round<'_> {
    fn run(&self, programs: &Programs, report: &mut Report) -> Result<()> {
        let title = if self.probe {
            "quotes, probe"
        } else {
            "quotes, idle"
        };
        let told = self.ours().map(|(_, told)| told);
        let mut contenders = Vec::new();
        match told {
            Ok(told) => {
                contenders.push(Contender::ours("whole call", told, || Ok(self.ours()?.0)));
                let detail = "the same runs without start and close of the journal";
                contenders.push(Contender::ours("first to last", detail, || {
                    let (time, count) = (self.stream.get(), self.count);
                    Ok(Run { time, count })
                }));
            }
            Err(wrong) => report.note(format!("{title}: ours was not measured: {wrong:#}")),
        }
        let every = if self.probe { EVERY } else { 0 };
        if let Some(rust) = &programs.rust {
            contenders.push(Contender::peer("NautilusTrader Rust", "", move || {
                self.theirs(Command::new(rust), every)
            }));
        }
        if let Some((python, script)) = &programs.python {
            contenders.push(Contender::peer("NautilusTrader Python", "", move || {
                let mut command = Command::new(python);
                command.arg(script);
                self.theirs(command, every)
            }));
        }
        let goal = Goal {
            ratio: None,
            nanos: false,
        };
        contest(title, &self.ring.effort, contenders, goal, report)?;
        if self.probe {
            self.goals(title, report);
        }
        Ok(())
    }

    /// Ours once, and what it did.
    fn ours(&self) -> Result<(Run, String)> {
        let dir = self.ring.temp()?;
        let setup = if self.probe {
            pipeline::probe(self.symbol)?
        } else {
            pipeline::setup(self.symbol, Cadence::Off)?
        };
        let done = pipeline::run(setup, self.source.repeated(1, Nanos::ZERO), dir.path())?;
        let held = held(dir.path())?;
        ensure!(
            !self.probe || held.commands > 0,
            "the probe made no command in {} evaluations",
            held.evaluations
        );
        self.stream.set(done.stream);
        let told = format!(
            "{} evaluations, {} commands",
            held.evaluations, held.commands
        );
        let (time, count) = (done.whole, self.count);
        Ok((Run { time, count }, told))
    }

    fn theirs(&self, mut command: Command, every: u64) -> Result<Run> {
        let output = command.arg(self.file).arg(every.to_string()).output()?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!(
                "{}; {}",
                output.status,
                error.lines().last().unwrap_or_default()
            );
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().last().context("it said nothing")?;
        let told: serde_json::Value = serde_json::from_str(line)?;
        let seconds = told["seconds"].as_f64().context("it told no time")?;
        ensure!(
            told["quotes"] == self.count,
            "it took {} quotes",
            told["quotes"]
        );
        let orders = told["orders"].as_u64().unwrap_or(0);
        ensure!((orders > 0) == (every > 0), "it made {orders} orders");
        Ok(Run {
            time: Duration::from_secs_f64(seconds),
            count: self.count,
        })
    }

    fn goals(&self, title: &str, report: &mut Report) {
        let median = |report: &Report, who: &str| {
            let mut figures = report.figures.iter();
            let found = figures.find(|figure| figure.name == format!("{title}, {who}"))?;
            Some(found.median)
        };
        let Some(ours) = median(report, "spindle: whole call") else {
            return;
        };
        for (who, ratio) in [
            ("NautilusTrader Rust", 8.0),
            ("NautilusTrader Python", 50.0),
        ] {
            if let Some(peer) = median(report, who) {
                target(report, &format!("{title}, {who}"), ours, peer, ratio);
            }
        }
    }
}
