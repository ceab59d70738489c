//! The market that is measured: real LOBSTER days where there are any, else the synthetic one.
//!
//! Days are decoded into memory beforehand. A day that is repeated comes a week later each time:
//! the same weekday at the same hour, so that every repetition falls into a session of the
//! equity calendar and has its evaluations. Both days that are used here begin more than
//! [`REPEATS_MAX`] weeks before the clocks change, and no Thursday until then is a holiday.

use crate::measure::Effort;
use anyhow::{Context, Result, bail};
use feed::file::{FileSource, MemorySource, Options};
use feed::symbols::Universe;
use feed::synthetic::{Config, Synthetic};
use std::path::{Path, PathBuf};
use stream::payload::{Level, flags, read_text};
use stream::{Draft, Kind, Line, Nanos, Next, Source, SourceId};

/// From one repetition of a day to the next.
pub const PERIOD: Nanos = Nanos::from_secs(7 * 86_400);
/// Repetitions before the clocks change in autumn 2012: 2012-06-21 to 2012-11-01.
pub const REPEATS_MAX: u32 = 20;

/// When a synthetic day opens: Thursday 2012-06-21, 09:30 in New York.
const OPEN: Nanos = Nanos::from_secs(1_340_285_400);
/// A whole session.
pub const SESSION: Nanos = Nanos::from_secs(23_400);
/// Events a second in the synthetic day: about as many in all as in the real ones.
const EVENTS_PER_SECOND: f64 = 6.0;

/// What a folder of market data is expected to hold.
const LOBSTER_FOLDER: &str = "equity_l3_lobster";

/// What `--data` named, for results that others read: a place on this machine tells them nothing.
fn given(path: &Path) -> String {
    if path.is_relative() {
        return format!("--data {}", path.display());
    }
    let name = path.file_name().unwrap_or_default();
    format!("--data …/{}", name.to_string_lossy())
}

/// Where the market comes from.
#[derive(Clone, Debug)]
pub struct Place {
    /// LOBSTER files, each a day of one symbol; none: the synthetic market.
    pub files: Vec<PathBuf>,
    /// The folder with data of other formats, where one is known.
    pub root: Option<PathBuf>,
    /// How it was found, in the words of whoever named it.
    pub how: String,
}

impl Place {
    /// The named file or folder; else the folder in `SPINDLE_DATA`; else `../shared/data`; else the
    /// synthetic market.
    ///
    /// # Errors
    /// When what is named holds no LOBSTER file. What is only looked for may be absent.
    pub fn find(named: Option<&Path>) -> Result<Self> {
        if let Some(path) = named {
            return Self::at(path, &given(path));
        }
        if let Some(path) = std::env::var_os("SPINDLE_DATA") {
            return Self::at(Path::new(&path), "the folder in SPINDLE_DATA");
        }
        let usual = Path::new("../shared/data");
        if usual.join(LOBSTER_FOLDER).is_dir() {
            return Self::at(usual, "../shared/data");
        }
        Ok(Self::synthetic())
    }

    /// The synthetic market.
    #[must_use]
    pub fn synthetic() -> Self {
        Self {
            files: Vec::new(),
            root: None,
            how: "no market data found (--data, SPINDLE_DATA, ../shared/data): the synthetic \
                  market stands in"
                .to_owned(),
        }
    }

    fn at(path: &Path, how: &str) -> Result<Self> {
        if path.is_file() {
            return Ok(Self {
                files: vec![path.to_owned()],
                root: None,
                how: how.to_owned(),
            });
        }
        let inner = path.join(LOBSTER_FOLDER);
        let folder = if inner.is_dir() { &inner } else { path };
        let list = std::fs::read_dir(folder)
            .with_context(|| format!("{how}: cannot list {}", folder.display()))?;
        let mut files = Vec::new();
        for entry in list {
            let file = entry?.path();
            let is_pair = file.is_file() && matches!(feed::lobster::Pair::find(&file), Ok(Some(_)));
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if is_pair && !name.contains("_orderbook_") {
                files.push(file);
            }
        }
        files.sort();
        if files.is_empty() {
            bail!(
                "{how}: {} holds no LOBSTER file; name a folder with {LOBSTER_FOLDER}/ in it, a \
                 folder of LOBSTER files, or one of them",
                path.display()
            );
        }
        Ok(Self {
            files,
            root: Some(path.to_owned()),
            how: how.to_owned(),
        })
    }

    /// Every day by itself, and all of them together where there are several.
    ///
    /// # Errors
    /// When a file is damaged.
    pub fn days(&self, effort: &Effort) -> Result<Vec<Day>> {
        if self.files.is_empty() {
            return Ok(vec![Day::synthetic(effort)?]);
        }
        let mut days = Vec::new();
        for file in &self.files {
            days.push(Day::load(std::slice::from_ref(file))?);
        }
        if self.files.len() > 1 {
            days.push(Day::load(&self.files)?);
        }
        Ok(days)
    }
}

/// A day in memory.
#[derive(Clone, Debug)]
pub struct Day {
    /// Its symbols, joined by `+`.
    pub name: String,
    /// The universe.
    pub symbols: Vec<String>,
    /// One source for each file.
    pub sources: Vec<MemorySource>,
    /// Frames in all.
    pub frames: u64,
    /// Frames that something happened by: not those that only reveal or forget levels behind the
    /// deepest one, nor the start of the book.
    pub events: u64,
}

impl Day {
    fn load(files: &[PathBuf]) -> Result<Self> {
        let symbols = engine::feeds::symbols_in(files, None)?;
        let universe = Universe::new(&symbols)?;
        let mut sources = Vec::new();
        for (index, file) in files.iter().enumerate() {
            let options = Options {
                source: SourceId(index as u16 + 1),
                universe: &universe,
                bars: None,
            };
            sources.push(FileSource::open(file, &options)?.preload()?);
        }
        Ok(Self::new(symbols, sources))
    }

    /// A day of a venue's feed that is made here, a whole session or with little effort a minute.
    ///
    /// # Errors
    /// Never, unless the synthetic market refuses its own defaults.
    pub fn synthetic(effort: &Effort) -> Result<Self> {
        let (length, rate) = if effort.is_tiny() {
            (Nanos::from_secs(60), 200.0)
        } else {
            (SESSION, EVENTS_PER_SECOND)
        };
        Self::made(Config::orders(1, OPEN, length, 2, rate))
    }

    fn made(config: Config) -> Result<Self> {
        let mut market = Synthetic::new(config)?;
        let symbols = market
            .instruments()
            .map(|(_, instrument)| read_text(&instrument.symbol).to_owned())
            .collect();
        let mut lines: Vec<Line> = Vec::new();
        let mut draft = Draft::new();
        while let Next::At(due) = market.next() {
            if market.take(&mut draft) {
                draft.header_mut().ts = due;
                lines.extend_from_slice(draft.frame().lines());
            }
        }
        Ok(Self::new(symbols, vec![MemorySource::new(lines)]))
    }

    /// Some seconds of a venue's feed of many shares, busy enough that each of them changes between
    /// two evaluations.
    ///
    /// # Errors
    /// Never, unless the synthetic market refuses its own defaults.
    pub fn many(symbols: usize, effort: &Effort) -> Result<Self> {
        let seconds = if effort.is_tiny() { 1 } else { 8 };
        let length = Nanos::from_secs(seconds);
        Self::made(Config::orders(1, OPEN, length, symbols, 50_000.0))
    }

    fn new(symbols: Vec<String>, sources: Vec<MemorySource>) -> Self {
        let frames = || sources.iter().flat_map(MemorySource::iter);
        let is_event = |frame: &stream::FrameRef<'_>| match frame.kind() {
            Kind::Clear => false,
            Kind::Level => frame.read::<Level>().flags & (flags::REVEALED | flags::FORGOTTEN) == 0,
            _ => true,
        };
        Self {
            name: symbols.join("+"),
            frames: frames().count() as u64,
            events: frames().filter(is_event).count() as u64,
            symbols,
            sources,
        }
    }

    /// The sources, the day repeated so many times.
    ///
    /// # Panics
    /// When that is more often than the calendar bears.
    #[must_use]
    pub fn repeated(&self, times: u32) -> Vec<MemorySource> {
        assert!(times <= REPEATS_MAX, "the clocks change in between");
        self.sources
            .iter()
            .map(|source| source.repeated(times, PERIOD))
            .collect()
    }

    /// Its frames, source by source.
    pub fn iter(&self) -> impl Iterator<Item = stream::FrameRef<'_>> {
        self.sources.iter().flat_map(MemorySource::iter)
    }
}
