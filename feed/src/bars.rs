//! OHLCV bars from CSV files with a header line.
//!
//! Which column is what, the time zone and the bars' length come from the configuration. Numbers
//! are read exactly. A bar enters the stream when it is complete: its `ts` is its start plus its
//! span. For daily bars start and end are the session's times in the configured zone.
//!
//! Rules for untidy collections, each counted:
//! * Rows with the same symbol and start directly behind one another: the *last* one stands (a day
//!   that was collected twice; the later row has the complete volume).
//! * A row that is not later than the symbol's bar before it: dropped. A bar that was given is
//!   history and never changes.
//! * A daily row that repeats all values of the symbol's bar before it, or any row with a volume
//!   of zero: dropped as stale (holidays, symbols that did not trade). Without a volume column
//!   only the first half applies.
//! * Prices that contradict each other, and values that are not numbers in a row of the right
//!   shape: the row becomes a `Fault`. A row without the columns is an error.

mod clock;
mod columns;

use crate::error::{FeedError, Place};
use crate::file::{Counts, Decode, Frames, Record};
use crate::open::Input;
use crate::symbols::Universe;
use crate::text::{Lines, decimal};
use clock::Clock;
use columns::{CLOSE, Columns, HIGH, LOW, OPEN, ROLES, SYMBOL, TIME, VOLUME};
use jiff::civil::Time;
use stream::payload::{Bar, FaultCode};
use stream::{InstrumentId, Nanos, Price};

/// Where a row's symbol comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// The column with this header.
    Column(String),
    /// All rows are about this symbol.
    Fixed(String),
}

/// How long the bars are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// One session, from `open` to `close` on the row's date.
    Daily {
        /// The session's start.
        open: Time,
        /// The session's end, later than its start.
        close: Time,
    },
    /// This many minutes, at least 1.
    Minutes(u32),
}

/// Which end of an intraday bar the file's time is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamp {
    /// When the bar began.
    #[default]
    Start,
    /// When the bar ended.
    End,
}

/// The columns' headers and what the rows mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Date or date and time: `2015-03-20`, `20150320`, `2015-03-20 08:30`, `…T08:30:00`.
    pub time: String,
    /// The symbol.
    pub symbol: Symbol,
    /// First price.
    pub open: String,
    /// Highest price.
    pub high: String,
    /// Lowest price.
    pub low: String,
    /// Last price.
    pub close: String,
    /// Volume; `None` where the file has none.
    pub volume: Option<String>,
    /// IANA name of the zone that the times are in, e.g. `America/Chicago`.
    pub timezone: String,
    /// How long the bars are.
    pub span: Span,
    /// Which end of an intraday bar the time is.
    pub stamp: Stamp,
}

impl Config {
    /// Daily bars of US stocks with the usual headers and a symbol column.
    #[must_use]
    pub fn daily() -> Self {
        Self {
            time: "date".to_owned(),
            symbol: Symbol::Column("symbol".to_owned()),
            open: "open".to_owned(),
            high: "high".to_owned(),
            low: "low".to_owned(),
            close: "close".to_owned(),
            volume: Some("volume".to_owned()),
            timezone: "America/New_York".to_owned(),
            span: Span::Daily {
                open: Time::constant(9, 30, 0, 0),
                close: Time::constant(16, 0, 0, 0),
            },
            stamp: Stamp::Start,
        }
    }

    /// One-minute bars of one symbol with the usual headers.
    #[must_use]
    pub fn minutes(symbol: &str, time: &str, timezone: &str) -> Self {
        Self {
            time: time.to_owned(),
            symbol: Symbol::Fixed(symbol.to_owned()),
            timezone: timezone.to_owned(),
            span: Span::Minutes(1),
            ..Self::daily()
        }
    }

    /// The symbol, where it is the same in all rows.
    #[must_use]
    pub fn fixed_symbol(&self) -> Option<&str> {
        match &self.symbol {
            Symbol::Fixed(symbol) => Some(symbol),
            Symbol::Column(_) => None,
        }
    }
}

/// A row that waits to see whether the next one replaces it.
#[derive(Clone, Copy, Debug)]
struct Held {
    instrument: InstrumentId,
    bar: Bar,
    line: u64,
}

/// Reads a bar file, row by row.
#[derive(Debug)]
pub struct Decoder {
    lines: Lines,
    universe: Universe,
    /// Set when all rows are about one symbol.
    fixed: Option<InstrumentId>,
    columns: Columns,
    clock: Clock,
    daily: bool,
    held: Option<Held>,
    /// By instrument: the bar given last.
    previous: Vec<Option<Bar>>,
    /// Some symbols that were seen and not asked for, for messages.
    seen: Vec<String>,
    matched: bool,
    counts: Counts,
}

impl Decoder {
    /// Reads the header line.
    ///
    /// # Errors
    /// When a configured column is missing, the zone is unknown, the span is absurd, or the fixed
    /// symbol is not asked for.
    pub fn open(input: Input, config: &Config, universe: &Universe) -> Result<Self, FeedError> {
        let clock = Clock::new(config)?;
        let mut lines = Lines::new(input);
        let fixed = match &config.symbol {
            Symbol::Column(_) => None,
            Symbol::Fixed(symbol) => match universe.id(symbol) {
                Some(instrument) => Some(instrument),
                None => return Err(universe.nothing_in(lines.label(), [symbol.as_str()])),
            },
        };
        let columns = match lines.advance()? {
            Some(header) => Columns::new(header, config),
            None => Err("is empty: a header line is expected".to_owned()),
        };
        let columns = columns.map_err(|what| FeedError::Bad {
            file: lines.label().to_owned(),
            place: Place::Line(1),
            what,
            remedy: "name its columns in the configuration's [bars] section",
        })?;
        Ok(Self {
            lines,
            universe: universe.clone(),
            fixed,
            columns,
            clock,
            daily: matches!(config.span, Span::Daily { .. }),
            held: None,
            previous: vec![None; universe.len() + 1],
            seen: Vec::new(),
            matched: false,
            counts: Counts::default(),
        })
    }

    /// Gives the row that waited, unless a rule drops it.
    fn release(&mut self, next: Option<Held>, frames: &mut Frames) {
        let Some(held) = core::mem::replace(&mut self.held, next) else {
            return;
        };
        let previous = &mut self.previous[held.instrument.index()];
        if let Some(previous) = previous {
            if held.bar.start <= previous.start {
                self.counts.duplicates += 1;
                return;
            }
            if self.daily && same_values(previous, &held.bar) {
                self.counts.stale += 1;
                return;
            }
        }
        let source = frames.source();
        let bar = Bar { source, ..held.bar };
        *previous = Some(bar);
        frames.begin(bar.start + bar.span, held.instrument, held.line);
        frames.push(held.instrument, &bar);
    }

    #[cold]
    fn remember(&mut self, symbol: &str) {
        if self.seen.len() < 12 && !self.seen.iter().any(|seen| seen == symbol) {
            self.seen.push(symbol.to_owned());
        }
    }

    fn end(&mut self, frames: &mut Frames) -> Result<Option<Record>, FeedError> {
        if self.held.is_some() {
            self.release(None, frames);
            return Ok(Some(Record::default()));
        }
        if !self.matched && self.counts.records > 0 {
            let seen = self.seen.iter().map(String::as_str);
            return Err(self.universe.nothing_in(self.lines.label(), seen));
        }
        Ok(None)
    }
}

fn same_values(a: &Bar, b: &Bar) -> bool {
    (a.open, a.high, a.low, a.close, a.volume) == (b.open, b.high, b.low, b.close, b.volume)
}

/// Reads a row's values; `None` when one is no number or they contradict each other.
fn bar_of(fields: &[&[u8]; ROLES], has_volume: bool, (start, span): (Nanos, Nanos)) -> Option<Bar> {
    let price = |role: usize| decimal(fields[role], 9).map(Price);
    let (open, high, low, close) = (price(OPEN)?, price(HIGH)?, price(LOW)?, price(CLOSE)?);
    if high < open.max(close) || low > open.min(close) {
        return None;
    }
    let volume = match has_volume {
        true => u64::try_from(decimal(fields[VOLUME], 0)?).ok()?,
        false => 0,
    };
    Some(Bar {
        open,
        high,
        low,
        close,
        volume,
        start,
        span,
        ..Bar::zeroed()
    })
}

impl Decode for Decoder {
    fn decode(&mut self, frames: &mut Frames) -> Result<Option<Record>, FeedError> {
        let Some(row) = self.lines.advance()? else {
            return self.end(frames);
        };
        let Some(fields) = self.columns.cut(row) else {
            let what = format!("has fewer than {} columns", self.columns.last + 1);
            return Err(self.lines.wrong(what));
        };
        self.counts.records += 1;
        let asked = self
            .fixed
            .or_else(|| self.universe.id_of_bytes(fields[SYMBOL]));
        let Some(instrument) = asked else {
            self.counts.unasked += 1;
            if !self.matched && self.seen.len() < 12 {
                let symbol = String::from_utf8_lossy(fields[SYMBOL]).into_owned();
                self.remember(&symbol);
            }
            return Ok(Some(Record::default()));
        };
        self.matched = true;
        let has_volume = self.columns.at[VOLUME].is_some();
        let times = self.clock.times(fields[TIME]);
        let bar = times.and_then(|times| bar_of(&fields, has_volume, times));
        let line = self.lines.line();
        let Some(bar) = bar else {
            self.release(None, frames);
            if self.counts.records == 1 {
                let what = "has no date or no prices where the configuration says";
                return Err(self.lines.wrong(what));
            }
            frames.fault(instrument, FaultCode::BadValue, line, 0);
            return Ok(Some(Record::default()));
        };
        if has_volume && bar.volume == 0 {
            self.counts.stale += 1;
            return Ok(Some(Record::default()));
        }
        let next = Held {
            instrument,
            bar,
            line,
        };
        match &mut self.held {
            Some(held) if held.instrument == instrument && held.bar.start == bar.start => {
                self.counts.duplicates += 1;
                *held = next;
            }
            _ => self.release(Some(next), frames),
        }
        Ok(Some(Record {
            venue_ts: bar.start,
            sequence: line,
            instrument,
            last: true,
        }))
    }

    fn counts(&self) -> Counts {
        let skipped = self.counts.duplicates + self.counts.stale;
        Counts {
            skipped,
            ..self.counts
        }
    }
}
