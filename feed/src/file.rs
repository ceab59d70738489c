//! A file as a source: decodes record by record, hands out frame by frame.
//!
//! Codecs ([`Decode`]) turn records into drafts in [`Frames`], a small queue of lines that is
//! reused. Within one file time never decreases: a record that is earlier than the one before it
//! is stamped with that one's time, and a `Fault` in front of it says so. Files are not merged
//! here: every file is a source of its own, and the head merges sources.
//!
//! The first record is decoded when the file is opened, so a wrong format or an unknown symbol is
//! an error before anything starts. Later damage ends the source; [`FileSource::error`] tells.

use crate::bars;
use crate::dbn;
use crate::error::FeedError;
use crate::lobster;
use crate::open::{self, Member};
use crate::symbols::Universe;
use std::path::Path;
use stream::payload::{Fault, FaultCode};
use stream::source::{Next, Source};
use stream::{Draft, FrameRef, InstrumentId, Line, Nanos, Payload, SourceId};

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

    /// What was counted so far.
    fn counts(&self) -> Counts;
}

/// Frames that are decoded and not yet taken: whole frames, back to back, each with its time in
/// its header.
#[derive(Debug)]
pub struct Frames {
    lines: Vec<Line>,
    read: usize,
    draft: Draft,
    source: SourceId,
    ts: Nanos,
    made: u64,
    faults: u64,
}

impl Frames {
    /// An empty queue for what `source` says.
    #[must_use]
    pub fn new(source: SourceId) -> Self {
        Self {
            lines: Vec::with_capacity(1_024),
            read: 0,
            draft: Draft::new(),
            source,
            ts: Nanos::ZERO,
            made: 0,
            faults: 0,
        }
    }

    /// The source that its frames name.
    #[must_use]
    pub const fn source(&self) -> SourceId {
        self.source
    }

    /// Begins a record of `ts` at `position` (line, offset or number) in the file. When that lies
    /// before the previous record, a `Fault` is queued and the time stays.
    pub fn begin(&mut self, ts: Nanos, instrument: InstrumentId, position: u64) {
        if ts >= self.ts {
            self.ts = ts;
        } else {
            self.fault(instrument, FaultCode::TimeBackwards, position, ts.0);
        }
    }

    /// The time of the record that has begun.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.ts
    }

    /// Queues a frame of the record that has begun.
    #[inline]
    pub fn push<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        self.draft.write(instrument, payload);
        self.draft.header_mut().ts = self.ts;
        self.lines.extend_from_slice(self.draft.frame().lines());
        self.made += 1;
    }

    /// Queues a `Fault` of the record that has begun.
    #[cold]
    pub fn fault(&mut self, instrument: InstrumentId, code: FaultCode, position: u64, value: u64) {
        self.faults += 1;
        let fault = Fault {
            position,
            value,
            source: self.source,
            code,
            spare: [0; 13],
        };
        self.push(instrument, &fault);
    }

    /// The frame that is next, if one is queued.
    #[must_use]
    #[inline]
    pub fn front(&self) -> Option<FrameRef<'_>> {
        FrameRef::first_of(&self.lines[self.read..])
    }

    /// Removes the frame that is next.
    #[inline]
    pub fn pop(&mut self) {
        if let Some(frame) = self.front() {
            self.read += frame.lines().len();
        }
        if self.read == self.lines.len() {
            self.lines.clear();
            self.read = 0;
        }
    }

    /// True when nothing is queued.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Frames queued so far.
    #[must_use]
    pub const fn made(&self) -> u64 {
        self.made
    }

    /// Faults among them.
    #[must_use]
    pub const fn faults(&self) -> u64 {
        self.faults
    }
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
    }
}

enum Found<'a> {
    Lobster(lobster::Pair),
    Dbn(Member),
    Bars(Member, &'a bars::Config),
}

fn detect<'a>(path: &Path, bars: Option<&'a bars::Config>) -> Result<Found<'a>, FeedError> {
    let members = open::members(path)?;
    if let Some(pair) = lobster::Pair::among(path, &members)? {
        return Ok(Found::Lobster(pair));
    }
    let [member] = <[Member; 1]>::try_from(members).map_err(|members| FeedError::Bad {
        file: path.display().to_string(),
        place: crate::error::Place::Whole,
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
    match bars {
        Some(config) if member.stem().ends_with(".csv") => Ok(Found::Bars(member, config)),
        _ => Err(FeedError::Bad {
            file: member.label(),
            place: crate::error::Place::Offset(0),
            what: "is of no format that is known here".to_owned(),
            remedy: "LOBSTER pairs are known by their names \
                     (SYMBOL_DATE_START_END_message_LEVELS.csv), DBN files by their first bytes, \
                     bar files by a [bars] section in the configuration and a name ending in .csv",
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

/// Decoded frames in memory, for measurements without decoding; they can be repeated with shifted
/// times.
#[derive(Clone, Debug)]
pub struct MemorySource {
    lines: std::sync::Arc<[Line]>,
    read: usize,
    shift: Nanos,
    period: Nanos,
    repeats: u32,
}

impl MemorySource {
    /// Frames back to back, with their times in their headers.
    #[must_use]
    pub fn new(lines: Vec<Line>) -> Self {
        Self {
            lines: lines.into(),
            read: 0,
            shift: Nanos::ZERO,
            period: Nanos::ZERO,
            repeats: 0,
        }
    }

    /// The same from the start, to be given `times` times, each `period` later than the one
    /// before. A `period` shorter than the frames span would make time run backwards and is
    /// lengthened to that span.
    #[must_use]
    pub fn repeated(&self, times: u32, period: Nanos) -> Self {
        let mut first = None;
        let mut last = Nanos::ZERO;
        for frame in self.iter() {
            first.get_or_insert(frame.ts());
            last = frame.ts();
        }
        let span = last - first.unwrap_or(last);
        Self {
            lines: self.lines.clone(),
            read: if times == 0 { self.lines.len() } else { 0 },
            shift: Nanos::ZERO,
            period: period.max(span),
            repeats: times.saturating_sub(1),
        }
    }

    /// The frames of one round.
    pub fn iter(&self) -> impl Iterator<Item = FrameRef<'_>> {
        let mut rest = &self.lines[..];
        core::iter::from_fn(move || {
            let frame = FrameRef::first_of(rest)?;
            rest = &rest[frame.lines().len()..];
            Some(frame)
        })
    }

    /// Frames in one round.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.iter().count()
    }

    fn turn(&mut self) {
        if self.read == self.lines.len() && self.repeats > 0 && !self.lines.is_empty() {
            self.repeats -= 1;
            self.read = 0;
            self.shift += self.period;
        }
    }
}

impl Source for MemorySource {
    #[inline]
    fn next(&mut self) -> Next {
        self.turn();
        match FrameRef::first_of(&self.lines[self.read..]) {
            Some(frame) => Next::At(frame.ts() + self.shift),
            None => Next::End,
        }
    }

    #[inline]
    fn take(&mut self, draft: &mut Draft) -> bool {
        self.turn();
        let Some(frame) = FrameRef::first_of(&self.lines[self.read..]) else {
            return false;
        };
        draft.copy_from(frame);
        draft.header_mut().ts += self.shift;
        self.read += frame.lines().len();
        true
    }
}
