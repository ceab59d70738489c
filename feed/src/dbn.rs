//! Databento DBN, versions 1 to 3: MBO, MBP-1, MBP-10, trades and instrument definitions.
//!
//! A frame's time is `ts_recv`, its venue stamp `ts_event`. Records of one venue event are tied
//! together: all but the last carry `MORE`, so that no quote between two states is ever reported.
//! Instruments are resolved by the file's own symbology, date by date; what nobody asked for is
//! skipped and counted. Data that the publisher marks as possibly incomplete brings a `Gap`: by
//! orders until the book is cleared, by price and of trades until a record comes without the mark.
//!
//! | record | frame |
//! |---|---|
//! | MBO `A`dd, `M`odify | `Add`, `Modify` (new values) |
//! | MBO `C`ancel | `Modify` with `REDUCE`; `Delete` when no size is told |
//! | MBO clea`R` | `Clear` |
//! | MBO `T`rade | `Trade` |
//! | MBO `F`ill, `N`one | none: a cancel or modify follows with what the book loses |
//! | MBP-1 | `Quote`, before it a `Trade` for action `T` |
//! | MBP-10 | `DepthSnapshot` at each event's end, before it a `Trade` for action `T` |
//! | trades | `Trade` |
//!
//! Absent on purpose: consolidated schemas, bars, statistics and statuses (skipped and counted),
//! and DBN version 4 (an error). Records are read as they stand, never upgraded.

mod convert;
mod csv;
mod definition;
mod symbology;

pub use csv::{format_header, format_row};
pub use definition::{Definition, definitions};

use crate::error::{FeedError, Place};
use crate::file::{Counts, Decode, Frames, Record};
use crate::open::Input;
use crate::symbols::Universe;
use ::dbn::VersionUpgradePolicy;
use ::dbn::decode::dbn::fsm::{DbnFsm, ProcessResult};
use ::dbn::{Metadata, RecordRef};
use convert::Converter;
use core::ffi::c_char;
use symbology::Symbology;

/// Metadata longer than this is damage: even all options of a year stay far below.
const METADATA_MAX: u32 = 256 * 1024 * 1024;
/// Bytes of the fixed part before the metadata.
const PRELUDE: usize = 8;

/// Bytes to records: the reading half.
pub(crate) struct Reader {
    input: Input,
    fsm: DbnFsm,
    version: u8,
    /// Bytes handed to `fsm` so far.
    fed: u64,
    /// Offset of the record last read.
    at: u64,
}

impl core::fmt::Debug for Reader {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Reader")
            .field("input", &self.input)
            .field("version", &self.version)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Reads up to the end of the metadata.
    pub(crate) fn open(mut input: Input) -> Result<(Self, Metadata), FeedError> {
        let mut prelude = [0; PRELUDE];
        let mut have = 0;
        while have < PRELUDE {
            match input.read(&mut prelude[have..], have as u64)? {
                0 => {
                    let what = "ends within the first eight bytes of a DBN file";
                    return Err(FeedError::bad(
                        input.label(),
                        Place::Offset(have as u64),
                        what,
                    ));
                }
                count => have += count,
            }
        }
        let [b'D', b'B', b'N', version, length @ ..] = prelude else {
            return Err(FeedError::bad(
                input.label(),
                Place::Offset(0),
                "is no DBN file: it does not begin with DBN",
            ));
        };
        let length = u32::from_le_bytes(length);
        if !(1..=3).contains(&version) || length > METADATA_MAX {
            let what = format!("is DBN of version {version} with {length} bytes of metadata");
            return Err(FeedError::Bad {
                file: input.label().to_owned(),
                place: Place::Offset(3),
                what,
                remedy: "versions 1 to 3 are read; convert it with Databento's dbn tool",
            });
        }
        let mut fsm = DbnFsm::builder()
            .upgrade_policy(VersionUpgradePolicy::AsIs)
            .build()
            .map_err(|why| FeedError::bad(input.label(), Place::Whole, why.to_string()))?;
        fsm.write_all(&prelude);
        let mut reader = Self {
            input,
            fsm,
            version,
            fed: PRELUDE as u64,
            at: 0,
        };
        let metadata = reader.metadata()?;
        Ok((reader, metadata))
    }

    fn metadata(&mut self) -> Result<Metadata, FeedError> {
        loop {
            match self.fsm.process() {
                ProcessResult::Metadata(metadata) => return Ok(metadata),
                ProcessResult::ReadMore(_) => {
                    if !self.feed()? {
                        return Err(self.wrong(self.fed, "ends within its metadata"));
                    }
                }
                ProcessResult::Record(()) => {
                    return Err(self.wrong(self.fed, "has no metadata"));
                }
                ProcessResult::Err(why) => {
                    return Err(self.wrong(PRELUDE as u64, format!("has bad metadata ({why})")));
                }
            }
        }
    }

    fn feed(&mut self) -> Result<bool, FeedError> {
        let space = self.fsm.space();
        let count = self.input.read(space, self.fed)?;
        self.fsm.fill(count);
        self.fed += count as u64;
        Ok(count > 0)
    }

    /// Moves on to the next record; false at the end.
    pub(crate) fn advance(&mut self) -> Result<bool, FeedError> {
        loop {
            let at = self.fed - self.fsm.data().len() as u64;
            match self.fsm.process() {
                ProcessResult::Record(()) => {
                    self.at = at;
                    return Ok(true);
                }
                ProcessResult::ReadMore(_) => {
                    if !self.feed()? {
                        if self.fed > at {
                            return Err(self.wrong(at, "is cut short within a record"));
                        }
                        return Ok(false);
                    }
                }
                ProcessResult::Metadata(_) => return Err(self.wrong(at, "has metadata twice")),
                ProcessResult::Err(why) => {
                    return Err(self.wrong(at, format!("has no record there ({why})")));
                }
            }
        }
    }

    /// The record that was read.
    pub(crate) fn record(&self) -> Option<RecordRef<'_>> {
        self.fsm.last_record()
    }

    /// The file's DBN version, 1 to 3.
    pub(crate) const fn version(&self) -> u8 {
        self.version
    }

    #[cold]
    pub(crate) fn wrong(&self, at: u64, what: impl Into<String>) -> FeedError {
        FeedError::bad(self.input.label(), Place::Offset(at), what)
    }

    /// A record whose length does not fit its type.
    #[cold]
    pub(crate) fn wrong_length(&self) -> FeedError {
        self.wrong(self.at, "has a record too short for its type")
    }
}

/// A text field of a record, up to its first zero.
fn words(field: &[c_char]) -> String {
    let bytes: Vec<u8> = field
        .iter()
        .map(|&c| c as u8)
        .take_while(|&byte| byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads a DBN file, record by record.
#[derive(Debug)]
pub struct Decoder {
    reader: Reader,
    symbology: Symbology,
    converter: Converter,
    records: u64,
}

impl Decoder {
    /// Reads the metadata and resolves the universe's symbols in it.
    ///
    /// # Errors
    /// When it is no DBN file of versions 1 to 3, or holds nothing that is asked for.
    pub fn open(input: Input, universe: &Universe) -> Result<Self, FeedError> {
        let (reader, metadata) = Reader::open(input)?;
        let symbology = Symbology::new(&metadata, universe);
        if symbology.is_empty() && !metadata.mappings.is_empty() {
            let holds = symbology::symbols(&metadata);
            let holds = holds.iter().map(String::as_str);
            return Err(universe.nothing_in(reader.input.label(), holds));
        }
        Ok(Self {
            reader,
            symbology,
            converter: Converter::new(universe.len()),
            records: 0,
        })
    }

    /// The symbols that a DBN file's metadata names, in its order.
    ///
    /// # Errors
    /// When it is no DBN file of versions 1 to 3.
    pub fn symbols_in(input: Input) -> Result<Vec<String>, FeedError> {
        let (_, metadata) = Reader::open(input)?;
        Ok(symbology::symbols(&metadata))
    }
}

impl Decode for Decoder {
    fn decode(&mut self, frames: &mut Frames) -> Result<Option<Record>, FeedError> {
        if !self.reader.advance()? {
            return Ok(None);
        }
        self.records += 1;
        let Some(record) = self.reader.record() else {
            return Ok(None);
        };
        let (at, version) = (self.reader.at, self.reader.version());
        let converted = self
            .converter
            .convert(record, version, &mut self.symbology, at, frames);
        match converted {
            Ok(record) => Ok(Some(record)),
            Err(convert::TooShort) => Err(self.reader.wrong_length()),
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            records: self.records,
            unasked: self.converter.unasked,
            skipped: self.converter.skipped,
            ..Counts::default()
        }
    }
}
