//! Our crates beside hftbacktest, NautilusTrader, itchy and SQLite, on the same data.
//!
//! `bench/peers/run` builds this and calls it; `bench/peers/README.md` says what is compared.
#![forbid(unsafe_code)]

mod backtests;
mod books;
mod contest;
mod frames;
mod hft;
mod itch;
mod journal;
mod many;
mod orders;
mod pipeline;
mod quotes;

use anyhow::{Context, Result};
use bench::host::{Host, load};
use bench::market::Place;
use bench::measure::Effort;
use bench::report::{Report, Target};
use clap::Parser;
use contest::Ring;
use quotes::Programs;
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Measures ours and theirs in turn.
#[derive(Debug, Parser)]
struct Args {
    /// Which comparisons; none: all.
    #[arg(value_parser = NAMES)]
    names: Vec<String>,
    /// Print one JSON object; with one name, that comparison's alone.
    #[arg(long)]
    json: bool,
    /// Runs of each contender.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// About how many milliseconds one run of ours takes.
    #[arg(long, default_value_t = 1_000)]
    millis: u64,
    /// A LOBSTER file or a folder of market data.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Where journals and databases are written: a disk, not memory.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// The binary `nautilus`.
    #[arg(long)]
    nautilus: Option<PathBuf>,
    /// A Python in which `nautilus_trader` is installed.
    #[arg(long, requires = "script")]
    python: Option<PathBuf>,
    /// `bench/peers/python/nautilus.py`.
    #[arg(long)]
    script: Option<PathBuf>,
    /// What could not be installed, and why; any number of times.
    #[arg(long)]
    missing: Vec<String>,
}

const NAMES: [&str; 8] = [
    "backtest-l3",
    "backtest-l2",
    "quotes",
    "book-l3",
    "book-l2",
    "book-many",
    "itch",
    "journal",
];

#[derive(Debug, Serialize)]
struct Results {
    host: Host,
    load_after: String,
    seconds: f64,
    missing: Vec<String>,
    targets: Vec<Target>,
    benches: Vec<Report>,
}

fn measure(name: &str, ring: &Ring, programs: &Programs) -> Result<Report> {
    match name {
        "backtest-l3" => backtests::l3(ring),
        "backtest-l2" => backtests::l2(ring),
        "quotes" => quotes::run(ring, programs),
        "book-l3" => books::l3(ring),
        "book-l2" => books::l2(ring),
        "book-many" => many::run(ring),
        "itch" => itch::run(ring),
        _ => journal::run(ring),
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    let ring = Ring {
        effort: Effort {
            runs: args.runs.max(1),
            run: Duration::from_millis(args.millis),
            ..Effort::TINY
        },
        place: Place::find(args.data.as_deref())?,
        folder: args.folder.clone().unwrap_or_else(std::env::temp_dir),
    };
    let programs = Programs {
        rust: args.nautilus.clone(),
        python: args.python.clone().zip(args.script.clone()),
    };
    let mut names: Vec<&str> = args.names.iter().map(String::as_str).collect();
    if names.is_empty() {
        names.extend(NAMES);
    }
    let mut missing = args.missing.clone();
    let (host, begin) = (Host::look(), Instant::now());
    if !args.json {
        print!("{host}");
    }
    let mut benches = Vec::new();
    for name in names {
        eprintln!("peers {name} ...");
        match measure(name, &ring, &programs).with_context(|| name.to_owned()) {
            Ok(report) => {
                if !args.json {
                    print!("\n{report}");
                }
                benches.push(report);
            }
            Err(wrong) => missing.push(format!("not measured: {wrong:#}")),
        }
    }
    let results = Results {
        host,
        load_after: load(),
        seconds: begin.elapsed().as_secs_f64(),
        missing,
        targets: benches
            .iter()
            .flat_map(|report| report.targets.clone())
            .collect(),
        benches,
    };
    match (&results.benches[..], args.json) {
        ([one], true) if args.names.len() == 1 => println!("{}", serde_json::to_string(one)?),
        (_, true) => println!("{}", serde_json::to_string(&results)?),
        _ => print(&results),
    }
    Ok(())
}

/// What stands below the tables.
fn print(results: &Results) {
    println!();
    for what in &results.missing {
        println!("MISSING: {what}");
    }
    let met = results.targets.iter().filter(|target| target.met).count();
    println!("{met} of {} targets met", results.targets.len());
    let (load, seconds) = (&results.load_after, results.seconds);
    println!("load average afterwards {load}; took {seconds:.0} s");
}
