//! A file as a source: decodes record by record, hands out frame by frame.
//!
//! Codecs ([`Decode`]) turn records into drafts in [`Frames`], a small queue of lines that is
//! reused. Within one file time never decreases: a record that is earlier than the one before it
//! is stamped with that one's time, and a `Fault` in front of it says so. Files are not merged
//! here: every file is a source of its own, and the head merges sources.
//!
//! The first record is decoded when the file is opened, so a wrong format or an unknown symbol is
//! an error before anything starts. Later damage ends the source; see [`FileSource::error`].

mod frames;
mod memory;

pub use frames::Frames;
pub use memory::MemorySource;

use crate::bars;
use crate::dbn;
use crate::error::{FeedError, Place};
use crate::itch;
use crate::lobster;
use crate::open::{self, Member};
use crate::symbols::Universe;
use std::path::Path;
use stream::source::{Next, Source};
use stream::{Draft, InstrumentId, Nanos, SourceId};

/// What a codec counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records read, skipped ones included.
    pub records: u64,
    /// Frames made.
    pub frames: u64,
    /// Records about instruments nobody asked for.
    pub unasked: u64,
    /// Records that make no frame: of a kind that says nothing to a book (statistics, fills that
    /// cancels follow), duplicates, stale rows.
    pub skipped: u64,
    /// Rows of a bar file that repeat a symbol's time.
    pub duplicates: u64,
    /// Rows of a bar file on which nothing traded.
    pub stale: u64,
    /// Frames that report something wrong with a record.
    pub faults: u64,
    /// Levels taken from LOBSTER's orderbook file behind the deepest level known.
    pub revealed: u64,
}

/// What one record was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The venue's own stamp; 0 where it has none.
    pub venue_ts: Nanos,
    /// The venue's own number of the record; 0 where it has none.
    pub sequence: u64,
    /// What it is about; none for records that were skipped.
    pub instrument: InstrumentId,
    /// True when it ends an event: the book is in a state that existed.
    pub last: bool,
}

/// A codec over an opened file.
pub trait Decode: Send {
    /// Decodes the next record and appends its frames, if any; `None` at the end of the file.
    ///
    /// # Errors
    /// When the file is damaged, cut short or of another format. Call it no more after that.
    fn decode(&mut self, frames: &mut Frames) -> Result<Option<Record>, FeedError>;

    /// What was counted so far; frames and faults are counted where they are queued, in
    /// [`Frames`].
    fn counts(&self) -> Counts;
}

/// A format of market data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// LOBSTER message and orderbook pair.
    Lobster,
    /// Databento DBN.
    Dbn,
    /// OHLCV bars.
    Bars,
    /// NASDAQ TotalView-ITCH 5.0 BinaryFILE.
    Itch,
}

/// How a file is to be read.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// The number that its frames carry.
    pub source: SourceId,
    /// The instruments that are asked for; everything else in the file is skipped and counted.
    pub universe: &'a Universe,
    /// Columns of a bar file; without it a `.csv` that is no LOBSTER file is refused.
    pub bars: Option<&'a bars::Config>,
}

/// What a path holds, told without reading the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// The format.
    pub format: Format,
    /// The symbols, in the file's order; empty for bar files with a symbol column.
    pub symbols: Vec<String>,
}

/// Tells the format of a path and the symbols in it.
///
/// # Errors
/// When the path cannot be opened or holds no format that is known.
pub fn holdings(path: &Path, bars: Option<&bars::Config>) -> Result<Holdings, FeedError> {
    match detect(path, bars)? {
        Found::Lobster(pair) => Ok(Holdings {
            format: Format::Lobster,
            symbols: vec![pair.name.symbol],
        }),
        Found::Dbn(member) => Ok(Holdings {
            format: Format::Dbn,
            symbols: dbn::Decoder::symbols_in(member.open()?)?,
        }),
        Found::Bars(_, config) => Ok(Holdings {
            format: Format::Bars,
            symbols: config
                .fixed_symbol()
                .map(str::to_owned)
                .into_iter()
                .collect(),
        }),
        Found::Itch(member) => Ok(Holdings {
            format: Format::Itch,
            symbols: itch::file::symbols_in(member.open()?)?,
        }),
    }
}

enum Found<'a> {
    Lobster(lobster::Pair),
    Dbn(Member),
    Bars(Member, &'a bars::Config),
    Itch(Member),
}

fn detect<'a>(path: &Path, bars: Option<&'a bars::Config>) -> Result<Found<'a>, FeedError> {
    let members = open::members(path)?;
    if let Some(pair) = lobster::Pair::among(path, &members)? {
        return Ok(Found::Lobster(pair));
    }
    let [member] = <[Member; 1]>::try_from(members).map_err(|members| FeedError::Bad {
        file: path.display().to_string(),
        place: Place::Whole,
        what: format!(
            "is an archive with {} files and no LOBSTER pair among them",
            members.len()
        ),
        remedy: "unpack it and name the file",
    })?;
    let mut first = [0; 3];
    let mut input = member.open()?;
    let mut have = 0;
    while have < first.len() {
        match input.read(&mut first[have..], have as u64)? {
            0 => break,
            count => have += count,
        }
    }
    if &first == b"DBN" {
        return Ok(Found::Dbn(member));
    }
    if first == itch::file::FIRST_BYTES {
        return Ok(Found::Itch(member));
    }
    match bars {
        Some(config) if member.stem().ends_with(".csv") => Ok(Found::Bars(member, config)),
        _ => Err(FeedError::Bad {
            file: member.label(),
            place: Place::Offset(0),
            what: "is of no format that is known here".to_owned(),
            remedy: "LOBSTER pairs are known by their names \
                     (SYMBOL_DATE_START_END_message_LEVELS.csv), DBN and ITCH 5.0 files by \
                     their first bytes, bar files by a [bars] section in the configuration and a \
                     name ending in .csv",
        }),
    }
}

/// Opens the codec that fits a path.
///
/// # Errors
/// When the path cannot be opened, is of no known format, or holds nothing that is asked for.
pub fn decoder(path: &Path, options: &Options<'_>) -> Result<Box<dyn Decode>, FeedError> {
    Ok(match detect(path, options.bars)? {
        Found::Lobster(pair) => Box::new(lobster::Decoder::open(&pair, options.universe)?),
        Found::Dbn(member) => Box::new(dbn::Decoder::open(member.open()?, options.universe)?),
        Found::Itch(member) => Box::new(itch::file::FileDecoder::open(
            member.open()?,
            options.source,
            options.universe,
            None,
        )?),
        Found::Bars(member, config) => Box::new(bars::Decoder::open(
            member.open()?,
            config,
            options.universe,
        )?),
    })
}

/// A file that is read as it goes.
pub struct FileSource {
    decoder: Box<dyn Decode>,
    frames: Frames,
    error: Option<FeedError>,
    ended: bool,
}

impl core::fmt::Debug for FileSource {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FileSource")
            .field("counts", &self.counts())
            .field("error", &self.error)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl FileSource {
    /// Opens a path and decodes its first record.
    ///
    /// # Errors
    /// When the path cannot be opened, is of no known format, holds nothing that is asked for, or
    /// its first record is damaged.
    pub fn open(path: &Path, options: &Options<'_>) -> Result<Self, FeedError> {
        Self::new(decoder(path, options)?, options.source)
    }

    /// A source over a codec; decodes its first record.
    ///
    /// # Errors
    /// When the first record is damaged.
    pub fn new(decoder: Box<dyn Decode>, source: SourceId) -> Result<Self, FeedError> {
        let mut opened = Self {
            decoder,
            frames: Frames::new(source),
            error: None,
            ended: false,
        };
        opened.fill();
        match opened.error.take() {
            Some(error) => Err(error),
            None => Ok(opened),
        }
    }

    /// Decodes until a frame is queued or the file has ended.
    fn fill(&mut self) {
        while self.frames.is_empty() && !self.ended {
            match self.decoder.decode(&mut self.frames) {
                Ok(Some(_)) => {}
                Ok(None) => self.ended = true,
                Err(error) => {
                    self.error = Some(error);
                    self.ended = true;
                }
            }
        }
    }

    /// Why it ended early, if it did. Look when [`Next::End`] was reached.
    #[must_use]
    pub const fn error(&self) -> Option<&FeedError> {
        self.error.as_ref()
    }

    /// Takes the error out.
    pub fn take_error(&mut self) -> Option<FeedError> {
        self.error.take()
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self.decoder.counts();
        counts.frames = self.frames.made();
        counts.faults = self.frames.faults();
        counts
    }

    /// Reads the rest of the file into memory.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn preload(mut self) -> Result<MemorySource, FeedError> {
        let mut lines = Vec::new();
        loop {
            self.fill();
            let Some(frame) = self.frames.front() else {
                break;
            };
            lines.extend_from_slice(frame.lines());
            self.frames.pop();
        }
        match self.error {
            Some(error) => Err(error),
            None => Ok(MemorySource::new(lines)),
        }
    }
}

impl Source for FileSource {
    fn next(&mut self) -> Next {
        self.fill();
        match self.frames.front() {
            Some(frame) => Next::At(frame.ts()),
            None => Next::End,
        }
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.fill();
        let Some(frame) = self.frames.front() else {
            return false;
        };
        draft.copy_from(frame);
        self.frames.pop();
        true
    }
}
