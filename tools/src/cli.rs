//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Spindle: an automated day-trading engine that writes down everything it saw and did.
#[derive(Debug, Parser)]
#[command(name = "spindle", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole pipeline on a synthetic market and the in-process broker; no set-up.
    Demo(Demo),
    /// The engine, by the clock.
    Run(Run),
    /// Historical data through the same stages, as fast as it goes.
    Backtest(Backtest),
    /// Fold a journal again and compare every derived frame and state hash.
    Replay(Replay),
    /// The book after each message of a data file.
    Book(Book),
    /// Decode, verify, summarise, explain or follow a journal.
    Journal {
        /// What to do with it.
        #[command(subcommand)]
        command: JournalCommand,
    },
    /// Look at this box: what was found, what is wanted, why, and the remedy.
    Doctor(Doctor),
    /// Set this box up for low latency: plan, apply until the next restart, undo.
    Tune {
        /// What to do.
        #[command(subcommand)]
        command: TuneCommand,
    },
    /// Measure how fast the pipeline is on this box, beside its targets and floors.
    Bench(bench::cli::Args),
    /// A paper server that TWS clients take for a Gateway.
    TwsSim(TwsSim),
    /// Show or check a configuration.
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Write a first configuration.
    Init(Init),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder.
    Man {
        /// The folder; it must exist.
        folder: PathBuf,
    },
}

/// Where settings come from.
#[derive(Clone, Debug, Default, Args)]
pub struct Settings {
    /// A configuration file; may be given more than once, the last one wins.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Lanes: auto, 1, 2, 3, 5, or a table such as feed+book@2|signal+risk+gateway@3|journal@4.
    #[arg(long, value_name = "LANES")]
    pub lanes: Option<String>,
    /// Seed of everything random.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// `spindle demo`.
#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    pub settings: Settings,
    /// How long it lasts.
    #[arg(long, value_name = "N", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(10..=86_400))]
    pub seconds: u64,
    /// The journal's folder; an existing journal is continued.
    #[arg(long, value_name = "DIR")]
    pub journal: Option<PathBuf>,
    /// In virtual time, as fast as it goes: the same market, no latencies.
    #[arg(long)]
    pub fast: bool,
    #[command(flatten)]
    pub words: Words,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What the operator says at a start.
#[derive(Clone, Debug, Default, Args)]
pub struct Words {
    /// Arm a continued journal at once, as the operator.
    #[arg(long)]
    pub arm: bool,
    /// Lower the kill level that is in force, as the operator, and say why. Refused while anything
    /// is held that is being closed, before risk.resume_cooloff is over, and by the day's loss.
    #[arg(long, value_name = "CAUSE", value_parser = cause)]
    pub resume: Option<String>,
}

/// A cause that fits a frame.
fn cause(text: &str) -> Result<String, String> {
    const MOST: usize = 64;
    if text.trim().is_empty() || text.len() > MOST || !text.is_ascii() {
        return Err(format!("a cause has 1 to {MOST} ASCII characters"));
    }
    Ok(text.to_owned())
}

/// How the engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Risk refuses every intent; no command is made.
    Observe,
    /// The in-process broker.
    Sim,
    /// Interactive Brokers, an account without real money (DU…, DF…).
    Paper,
    /// Interactive Brokers, real money: needs the account in ibkr.live_accounts, and a code.
    Live,
}

/// `spindle run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub settings: Settings,
    /// observe, sim, paper or live.
    #[arg(long, value_enum)]
    pub mode: Mode,
    /// Recorded data to run by the clock; without it the configured source.
    #[arg(long, value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// Recorded data, or a session with a paper server, runs this many times as fast as the
    /// clock, 0.001 to 1000.
    #[arg(long, value_name = "X", default_value = "1")]
    pub speed: String,
    /// End after so many seconds; without it at the session's close.
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,
    /// The journal's folder; an existing journal is continued.
    #[arg(long, value_name = "DIR")]
    pub journal: Option<PathBuf>,
    #[command(flatten)]
    pub words: Words,
    /// The code that a first start with real money has given.
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Print one JSON object at the end.
    #[arg(long)]
    pub json: bool,
}

/// `spindle tws-sim`.
#[derive(Debug, Args)]
pub struct TwsSim {
    /// The port, 0 for a free one; a paper TWS has 7497, a paper Gateway 4002.
    #[arg(long, value_name = "N", default_value_t = 7497)]
    pub port: u16,
    /// The address to listen on. The protocol has no password: leave it at this host.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub listen: std::net::IpAddr,
    /// The account's name.
    #[arg(long, value_name = "NAME", default_value = "DU1234567")]
    pub account: String,
    /// What the account begins with, in dollars.
    #[arg(long, value_name = "N", default_value = "100000")]
    pub cash: rust_decimal::Decimal,
    /// The account's own currency; it trades in dollars whatever it is.
    #[arg(long, value_name = "CODE", default_value = "USD")]
    pub currency: String,
    /// What a dollar costs in it.
    #[arg(long, value_name = "N", default_value = "0.9")]
    pub rate: rust_decimal::Decimal,
    /// Seed of the synthetic market and of everything random.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Recorded data as the market, moved to begin now; may be given more than once. Without it
    /// the synthetic market.
    #[arg(long, value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// When the server's clock begins, such as 2026-11-23T14:30:00Z: the synthetic market then
    /// lasts until the close of that US session. Without it now, around the clock.
    #[arg(long, value_name = "TIME")]
    pub start: Option<jiff::Timestamp>,
    /// The session's clock runs this many times as fast as the host's, 0.001 to 1000.
    #[arg(long, value_name = "X", default_value = "1")]
    pub speed: String,
    /// The session's clock stands until `step SPAN` moves it over the control socket.
    #[arg(long, conflicts_with = "speed", requires = "control")]
    pub stepped: bool,
    /// Faults that happen on purpose, in TOML; may be given more than once.
    #[arg(long, value_name = "FILE")]
    pub script: Vec<PathBuf>,
    /// A socket to make, over which the running server takes further faults, tells the truth or the
    /// session's time, and is stepped.
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Where to write, at the end, what really happened: orders, executions, positions, cash.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// A group of fields that the server is to send wrong: proof that a client's test looks.
    #[arg(long, value_name = "GROUP", value_parser = crate::commands::spoiled())]
    pub corrupt: Option<String>,
}

/// `spindle backtest`.
#[derive(Debug, Args)]
pub struct Backtest {
    #[command(flatten)]
    pub settings: Settings,
    /// A data file as shipped (plain, .gz, .zst, .zip); may be given more than once.
    #[arg(long, value_name = "PATH", required = true)]
    pub data: Vec<PathBuf>,
    /// A symbol to watch and trade; may be given more than once. Without it: those of the
    /// configuration, or without one those in the data.
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Vec<String>,
    /// The journal's folder; it must be empty or absent.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `spindle replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The journal's folder.
    pub journal: PathBuf,
    /// Compare; exit 3 when anything differs.
    #[arg(long, required = true)]
    pub check: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Layouts of `spindle book`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BookFormat {
    /// LOBSTER's own orderbook rows, one for each message.
    Lobster,
    /// A header, then a row after each event: ts_event, sequence, then ask_px, ask_sz, bid_px,
    /// bid_sz for each level.
    Csv,
}

/// `spindle book`.
#[derive(Debug, Args)]
pub struct Book {
    /// A data file as shipped.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Levels a side.
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub levels: u16,
    /// How rows are laid out.
    #[arg(long, value_enum)]
    pub format: BookFormat,
    /// The symbol, where the file holds more than one.
    #[arg(long)]
    pub symbol: Option<String>,
}

/// What to do with a journal.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Print frames.
    Decode(Decode),
    /// Check every used byte: exit 0 clean, 3 tail or corruption.
    Verify(JournalDir),
    /// What it holds.
    Stats(JournalDir),
    /// The whole chain of causes of an order or a signal, with the age at each step.
    Explain(Explain),
    /// Follow a journal while it is written.
    Tail(Decode),
}

/// A journal.
#[derive(Debug, Args)]
pub struct JournalDir {
    /// The journal's folder.
    pub journal: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Plain little-endian arrays in a folder, one a field, with schema.json.
    Columns,
}

/// `spindle journal decode` and `tail`.
#[derive(Debug, Args)]
pub struct Decode {
    /// The journal's folder.
    pub journal: PathBuf,
    /// One line a frame, or columns for numpy and Arrow.
    #[arg(long, value_enum, default_value = "jsonl")]
    pub format: Format,
    /// The folder for columns; it must be empty or absent.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The same as `--format jsonl`.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Only frames of this kind; may be given more than once.
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<String>,
    /// Only frames of this class: input, derived or note; may be given more than once.
    #[arg(long, value_name = "CLASS")]
    pub class: Vec<String>,
    /// Only frames about this symbol; may be given more than once.
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Vec<String>,
    /// Only frames stamped at or after this time: nanoseconds since 1970, or 2012-06-21T13:30:00Z.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only frames stamped before this time.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Only frames of these inputs: A..B (B included), A.., ..B or A.
    #[arg(long, value_name = "A..B")]
    pub seq: Option<String>,
}

/// `spindle journal explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The journal's folder.
    pub journal: PathBuf,
    /// A frame id (seq.sub) of a signal, intent, order, command or fill; without it every signal
    /// that became an order is listed.
    pub id: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `spindle doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    pub settings: Settings,
    /// Look at a connection to TWS or IB Gateway instead of the box: what is wrong with it, and
    /// how to set it right. No order is sent.
    #[arg(long, value_name = "HOST:PORT")]
    pub broker: Option<String>,
    /// Watch the lanes' cores for a quarter of a second instead of five seconds.
    #[arg(long)]
    pub quick: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What to do with the box.
#[derive(Debug, Subcommand)]
pub enum TuneCommand {
    /// Every command that would be run, each with why and its undo; nothing is changed.
    Plan(Tune),
    /// Run what needs no restart, and keep what was there before; for root.
    Apply(TuneApply),
    /// Put back exactly what apply changed; for root.
    Undo(Tune),
}

/// `spindle tune plan` and `undo`.
#[derive(Debug, Args)]
pub struct Tune {
    #[command(flatten)]
    pub settings: Settings,
    /// Only this setting; may be given more than once.
    #[arg(long, value_name = "SETTING", value_parser = crate::commands::tuned())]
    pub only: Vec<String>,
    /// Where apply keeps what was there before; without it /run/spindle-tune.json.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// A folder that stands in for the box.
    #[arg(long, value_name = "DIR", hide = true, default_value = "/")]
    pub root: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `spindle tune apply`.
#[derive(Debug, Args)]
pub struct TuneApply {
    #[command(flatten)]
    pub tune: Tune,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// What to do with a configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Every value with its origin.
    Show(ConfigArgs),
    /// Every fault; exit 2 when there is one.
    Check(ConfigArgs),
}

/// A configuration.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(flatten)]
    pub settings: Settings,
    /// With what the demo changes.
    #[arg(long)]
    pub demo: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `spindle init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Where to write it; an existing file is never overwritten.
    #[arg(default_value = "spindle.toml")]
    pub path: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
