//! BinaryFILE framing: a length of two bytes, big-endian, then a message; length 0 ends the file.
//!
//! A file that stops at the end of a message is complete, too: that is how Nasdaq's samples are
//! cut. One that stops within a message is an error that names the place.
//!
//! A file is one day, and orders do not live longer: a stock's first frame stands behind a `Clear`,
//! or what the day before left in its book would cross the new day's and its order ids would clash.

use super::decoder::Decoder;
use super::message::{LENGTHS, StockDirectory};
use super::sink::Sink;
use super::{date_in_name, midnight};
use crate::error::{FeedError, Place};
use crate::file::{Counts, Decode, Frames, Record};
use crate::open::Input;
use crate::symbols::Universe;
use jiff::civil::Date;
use stream::payload::{Clear, FaultCode};
use stream::{InstrumentId, Nanos, Payload, SourceId};

/// How a BinaryFILE of a whole day begins: the system event that starts the messages.
pub const FIRST_BYTES: [u8; 3] = [0, 12, b'S'];
/// Symbols that are remembered to tell what a file holds.
const HOLDS_MAX: usize = 9;

/// Bytes read ahead. Any message fits many times.
const BUFFER: usize = 1 << 18;
/// Messages in a row that are none: the framing itself is lost, going on would be guessing.
const BAD_RUN_MAX: u32 = 64;

/// Splits a BinaryFILE into messages.
#[derive(Debug)]
pub struct BinaryFile {
    input: Input,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Offset of `buffer[start]` in the file.
    offset: u64,
    bad_run: u32,
    done: bool,
}

impl BinaryFile {
    /// Starts at the first message.
    #[must_use]
    pub fn new(input: Input) -> Self {
        Self {
            input,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            offset: 0,
            bad_run: 0,
            done: false,
        }
    }

    /// The next message and the offset of its length prefix; `None` at the end. Messages of wrong
    /// type or length are handed out, too: the decoder reports them.
    ///
    /// # Errors
    /// When reading fails, the file ends within a message, or its framing is lost.
    #[inline]
    pub fn advance(&mut self) -> Result<Option<(u64, &[u8])>, FeedError> {
        if self.done {
            return Ok(None);
        }
        let Some(length) = self.whole_message()? else {
            self.done = true;
            return Ok(None);
        };
        let (from, offset) = (self.start + 2, self.offset);
        self.start = from + length;
        self.offset += 2 + length as u64;
        let message = &self.buffer[from..from + length];
        if usize::from(LENGTHS[usize::from(message[0])]) == length {
            self.bad_run = 0;
        } else {
            self.bad_run += 1;
            if offset == 0 || self.bad_run >= BAD_RUN_MAX {
                self.done = true;
                return Err(self.lost(offset));
            }
        }
        Ok(Some((offset, message)))
    }

    /// Brings the next message into the buffer; its length, or `None` at the end.
    #[inline]
    fn whole_message(&mut self) -> Result<Option<usize>, FeedError> {
        if !self.fill(2)? {
            return match self.end - self.start {
                0 => Ok(None),
                found => Err(self.truncated(2, found)),
            };
        }
        let prefix = [self.buffer[self.start], self.buffer[self.start + 1]];
        let length = usize::from(u16::from_be_bytes(prefix));
        if length == 0 {
            return Ok(None);
        }
        if !self.fill(2 + length)? {
            return Err(self.truncated(2 + length, self.end - self.start));
        }
        Ok(Some(length))
    }

    #[cold]
    fn truncated(&mut self, expected: usize, found: usize) -> FeedError {
        self.done = true;
        let what = format!("ends within a message: {found} of {expected} bytes are there");
        FeedError::bad(self.input.label(), Place::Offset(self.offset), what)
    }

    #[cold]
    fn lost(&self, offset: u64) -> FeedError {
        let what = if offset == 0 {
            "is no ITCH 5.0 BinaryFILE: it does not begin with a message".to_owned()
        } else {
            format!("the last {BAD_RUN_MAX} messages in a row are none of ITCH 5.0")
        };
        FeedError::bad(self.input.label(), Place::Offset(offset), what)
    }

    /// Makes `want` bytes available from `start`; false when the file ends before.
    #[inline]
    fn fill(&mut self, want: usize) -> Result<bool, FeedError> {
        if self.end - self.start >= want {
            return Ok(true);
        }
        self.refill(want)
    }

    #[cold]
    fn refill(&mut self, want: usize) -> Result<bool, FeedError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < want {
            let at = self.offset + self.end as u64;
            let read = self.input.read(&mut self.buffer[self.end..], at);
            match read.inspect_err(|_| self.done = true)? {
                0 => return Ok(false),
                count => self.end += count,
            }
        }
        Ok(true)
    }
}

/// The stocks that a file's directory names: those before the first order or trade.
///
/// # Errors
/// When the file cannot be read on.
pub fn symbols_in(input: Input) -> Result<Vec<String>, FeedError> {
    let mut file = BinaryFile::new(input);
    let mut symbols = Vec::new();
    while let Some((_, message)) = file.advance()? {
        match message[0] {
            b'A' | b'F' | b'E' | b'C' | b'X' | b'D' | b'U' | b'P' | b'Q' => break,
            StockDirectory::CODE => symbols.push(symbol(message)),
            _ => {}
        }
    }
    Ok(symbols)
}

/// The symbol of a directory message; empty where the message is too short.
fn symbol(message: &[u8]) -> String {
    let stock = message.get(11..19).unwrap_or_default();
    String::from_utf8_lossy(stock).trim_end().to_owned()
}

/// A BinaryFILE as a codec of the file source.
#[derive(Debug)]
pub struct FileDecoder {
    file: BinaryFile,
    decoder: Decoder,
    /// By instrument: its day has begun.
    begun: Box<[bool]>,
    holds: Vec<String>,
    records: u64,
}

/// Frames of a file, each stock's behind a `Clear`. That names the stock: books of a source that
/// they have not heard of yet do not heed one that is about all of them.
struct Begins<'a> {
    frames: &'a mut Frames,
    begun: &'a mut [bool],
}

impl Begins<'_> {
    #[cold]
    fn begin_day(&mut self, venue_ts: Nanos, instrument: InstrumentId) {
        self.begun[instrument.index()] = true;
        let clear = Clear {
            venue_ts,
            source: self.frames.source(),
            flags: 0,
            spare: [0; 21],
        };
        self.frames.push(instrument, &clear);
    }
}

impl Sink for Begins<'_> {
    #[inline]
    fn put<P: Payload>(&mut self, ts: Nanos, instrument: InstrumentId, position: u64, payload: &P) {
        self.frames.begin(ts, instrument, position);
        if !self.begun[instrument.index()] {
            self.begin_day(ts, instrument);
        }
        self.frames.push(instrument, payload);
    }

    fn fault(&mut self, source: SourceId, code: FaultCode, position: u64, value: u64) {
        Sink::fault(self.frames, source, code, position, value);
    }
}

impl FileDecoder {
    /// Reads the instruments of `universe` from an opened file. Without a `date` the session's
    /// date is taken from the file's name, see [`date_in_name`].
    ///
    /// # Errors
    /// When no date is given and the name tells none.
    pub fn open(
        input: Input,
        source: SourceId,
        universe: &Universe,
        date: Option<Date>,
    ) -> Result<Self, FeedError> {
        let label = input.label();
        let name = label.rsplit(['/', '!']).next().unwrap_or(label);
        let start = date.or_else(|| date_in_name(name)).and_then(midnight);
        let Some(start) = start else {
            return Err(FeedError::config(
                format!("{label}: ITCH messages do not say their date and neither does the name"),
                "name the file like 01302019.NASDAQ_ITCH50, or give the session's date",
            ));
        };
        Ok(Self {
            decoder: Decoder::new(source, start, universe),
            file: BinaryFile::new(input),
            begun: vec![false; universe.len() + 1].into_boxed_slice(),
            holds: Vec::with_capacity(HOLDS_MAX),
            records: 0,
        })
    }

    /// The decoder behind it.
    #[must_use]
    pub const fn decoder(&self) -> &Decoder {
        &self.decoder
    }
}

impl Decode for FileDecoder {
    fn decode(&mut self, frames: &mut Frames) -> Result<Option<Record>, FeedError> {
        let Some((offset, message)) = self.file.advance()? else {
            if self.decoder.located() == 0 {
                let holds = self.holds.iter().map(String::as_str);
                let label = self.file.input.label();
                return Err(self.decoder.universe().nothing_in(label, holds));
            }
            return Ok(None);
        };
        self.records += 1;
        if message[0] == StockDirectory::CODE && self.holds.len() < HOLDS_MAX {
            self.holds.push(symbol(message));
        }
        let mut begins = Begins {
            frames,
            begun: &mut self.begun,
        };
        let made = self.decoder.decode(message, offset, &mut begins);
        Ok(Some(Record {
            venue_ts: made.venue_ts,
            sequence: self.records,
            instrument: made.instrument,
            last: true,
        }))
    }

    fn counts(&self) -> Counts {
        let seen = self.decoder.counts();
        Counts {
            records: self.records,
            unasked: seen.unwanted + seen.unlocated,
            ..Counts::default()
        }
    }
}
