//! The command line: which benches, how much of them, and where the result goes.

use crate::benches::{BENCHES, Bench};
use crate::cores::{Cores, parse_two};
use crate::host::{Host, Ticks, Used, load};
use crate::market::Place;
use crate::measure::Effort;
use crate::report::{Report, Target};
use anyhow::{Context, Result, bail, ensure};
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Runs of everything with `all`, and the one name that is no bench.
const ALL: &str = "all";

fn names() -> PossibleValuesParser {
    let names = BENCHES.iter().map(|(name, _, _)| *name);
    PossibleValuesParser::new(names.chain([ALL]))
}

/// What is measured, and how much of it.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which bench.
    #[arg(value_parser = names())]
    pub name: String,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Runs of each measurement.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub runs: u16,
    /// About how many seconds one run takes, and five times that for the watch over memory.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    pub seconds: u16,
    /// A look at everything in three minutes: three short runs of each, on fewer lanes.
    #[arg(long, conflicts_with_all = ["runs", "seconds"])]
    pub quick: bool,
    /// The two cores of benches with pinned threads; else isolated ones, else two that share none
    /// of the hardware.
    #[arg(long, value_name = "A,B", value_parser = parse_two)]
    pub cores: Option<[usize; 2]>,
    /// A LOBSTER file, or a folder of market data; else `SPINDLE_DATA`, `../shared/data`, or the
    /// synthetic market.
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// Where journals are written; else `target` here, or the system's folder for such files.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Write latencies as files into this folder: `.hgrm`, `.hlog` and `percentiles.html`.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Keep the text in `bench/results/NAME.txt`.
    #[arg(long, value_name = "NAME")]
    pub save: Option<String>,
    /// What else should be known of the box, such as who else used it.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

impl Args {
    fn effort(&self) -> Effort {
        if self.quick {
            return Effort::QUICK;
        }
        Effort {
            runs: usize::from(self.runs),
            run: Duration::from_secs(u64::from(self.seconds)),
            watch: Duration::from_secs(5 * u64::from(self.seconds)),
        }
    }
}

/// Everything that one call found.
#[derive(Debug, Serialize)]
pub struct Results {
    /// When it began, local time.
    pub date: String,
    /// How it was called.
    pub command: String,
    /// What else should be known.
    pub note: Option<String>,
    /// On what.
    pub host: Host,
    /// What of it could not be had.
    pub notes: Vec<String>,
    /// Processor time of the whole box meanwhile, where the system tells.
    pub used: Option<Used>,
    /// Load averages at the end.
    pub load_after: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether this build holds the peers that figures are compared with.
    pub peers: bool,
    /// Every target of every bench.
    pub targets: Vec<Target>,
    /// Bench by bench.
    pub benches: Vec<Report>,
}

/// Measures and prints.
///
/// # Errors
/// When the data, the disk or the file for the result cannot be used.
pub fn run(args: &Args) -> Result<()> {
    let save = args.save.as_deref().map(saved_as).transpose()?;
    let bench = Bench {
        effort: args.effort(),
        place: Place::find(args.data.as_deref())?,
        cores: Cores::choose(args.cores),
        folder: folder(args.folder.as_deref()),
    };
    let mut results = measure(&bench, &args.name)?;
    results.note.clone_from(&args.note);
    if let Some(path) = save {
        std::fs::write(&path, results.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(folder) = &args.out {
        crate::out::write(folder, &results)?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&results)?);
    } else {
        print!("{results}");
    }
    Ok(())
}

/// Runs one bench, or all.
///
/// # Errors
/// When one cannot be run, or there is none of that name.
pub fn measure(bench: &Bench, name: &str) -> Result<Results> {
    let chosen: Vec<_> = BENCHES
        .iter()
        .filter(|(own, _, _)| name == ALL || name == *own)
        .collect();
    ensure!(!chosen.is_empty(), "there is no bench `{name}`");
    let host = Host::look_at(&bench.cores);
    let date = jiff::Zoned::now()
        .strftime("%Y-%m-%d %H:%M:%S %Z")
        .to_string();
    let (begin, before) = (Instant::now(), Ticks::now());
    let mut benches = Vec::new();
    for (name, what, run) in chosen {
        eprintln!("bench {name}: {what} ...");
        benches.push(run(bench).with_context(|| format!("bench {name}"))?);
    }
    let used = before.zip(Ticks::now()).map(|(then, now)| now.since(&then));
    Ok(Results {
        date,
        command: command(),
        note: None,
        host,
        notes: bench.cores.notes.clone(),
        used,
        load_after: load(),
        seconds: begin.elapsed().as_secs_f64(),
        peers: cfg!(feature = "peers"),
        targets: benches
            .iter()
            .flat_map(|report| report.targets.clone())
            .collect(),
        benches,
    })
}

fn command() -> String {
    let mut words = std::env::args();
    let program = words.next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default();
    let mut command = program.to_string_lossy().into_owned();
    for word in words {
        let plain = !word.is_empty() && !word.contains(char::is_whitespace);
        command.push(' ');
        command.push_str(&if plain { word } else { format!("'{word}'") });
    }
    command
}

/// The disk that the build is on, rather than a temporary folder that may be memory.
fn folder(named: Option<&Path>) -> PathBuf {
    match named {
        Some(path) => path.to_owned(),
        None if Path::new("target").is_dir() => PathBuf::from("target"),
        None => std::env::temp_dir(),
    }
}

fn saved_as(name: &str) -> Result<PathBuf> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(
        !name.is_empty() && name.chars().all(plain),
        "--save {name}: letters, digits, `-`, `_` and `.` only"
    );
    let folder = Path::new("bench/results");
    if !folder.is_dir() {
        bail!("--save: there is no bench/results here; call it from the repository's root");
    }
    let path = folder.join(format!("{name}.txt"));
    ensure!(
        !path.exists(),
        "--save: {} exists already; results are never overwritten",
        path.display()
    );
    Ok(path)
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  $ {}", self.date, self.command)?;
        write!(f, "{}", self.host)?;
        for note in &self.notes {
            writeln!(f, "      {note}")?;
        }
        let mut end = format!("      load average afterwards {}", self.load_after);
        if let Some(used) = self.used {
            let (busy, steal) = (used.busy_percent, used.steal_percent);
            write!(end, "; box busy {busy:.0} %, steal {steal:.1} %")?;
        }
        writeln!(f, "{end}; took {:.0} s", self.seconds)?;
        if let Some(note) = &self.note {
            writeln!(f, "      {note}")?;
        }
        if !self.peers {
            let which = "`cargo run --release -p bench -- NAME` has them";
            writeln!(f, "      peers: not in this build; {which}")?;
        }
        for report in &self.benches {
            write!(f, "\n{report}")?;
        }
        let met = self.targets.iter().filter(|target| target.met).count();
        writeln!(f, "\n{met} of {} targets met", self.targets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn names_are_checked_and_defaults_are_five_runs_of_a_second() {
        let args = Command::try_parse_from(["bench", "all"]).unwrap().args;
        assert_eq!((args.runs, args.seconds), (5, 1));
        assert!(!args.effort().is_quick());
        let quick = Command::try_parse_from(["bench", "all", "--quick"]).unwrap();
        assert!(quick.args.effort().is_quick() && !quick.args.effort().is_tiny());
        assert!(Command::try_parse_from(["bench", "all", "--quick", "--runs", "9"]).is_err());
        assert!(Command::try_parse_from(["bench", "nonsense"]).is_err());
        assert!(Command::try_parse_from(["bench", "all", "--runs", "0"]).is_err());
    }

    #[test]
    fn a_result_cannot_leave_its_folder() {
        assert!(saved_as("../x").is_err());
        assert!(saved_as("").is_err());
    }
}
