//! `spindle book`: the book after each message of a data file, as rows.
//!
//! Rows are whole or not there: a file that turns out to be damaged ends the command with exit code
//! 2 behind the last row that was sound. The rows' layouts are those of the codecs
//! ([`feed::lobster::format_row`], [`feed::dbn::format_row`]); nothing is formatted here.

use crate::cli::{self, BookFormat};
use crate::failure::{Failure, Outcome};
use ::book::{Book, Books, Config};
use feed::dbn;
use feed::error::FeedError;
use feed::file::{self, Decode, Format, Frames, Record};
use feed::lobster;
use feed::symbols::Universe;
use std::io::{ErrorKind, Write};
use std::path::Path;
use stream::payload::{Fault, FaultCode};
use stream::{FrameRef, InstrumentId, Nanos, Side, SourceId};

/// The one instrument whose book is printed.
const ID: InstrumentId = InstrumentId(1);
/// The one source.
const SOURCE: SourceId = SourceId(1);
/// Orders that live at a time; reserved, and touched only as far as they are used.
const ORDERS_MAX: usize = 1 << 21;
/// Levels of a side beside those around the best.
const LEVELS_MAX: usize = 1 << 16;
/// Bytes of rows gathered before they are written.
const OUTPUT_BYTES: usize = 256 * 1024;

/// Prints the book after each message.
pub fn run(args: &cli::Book) -> Outcome {
    let levels = usize::from(args.levels);
    let holds = file::holdings(&args.data, None)?;
    check_layout(args, holds.format)?;
    let symbol = choose_symbol(&args.data, args.symbol.as_deref(), &holds.symbols)?;
    let universe = Universe::new([symbol])?;
    let options = file::Options {
        source: SOURCE,
        universe: &universe,
        bars: None,
    };
    let mut printer = Printer {
        decoder: file::decoder(&args.data, &options)?,
        books: Books::new(&Config {
            instruments: 1,
            orders_max: ORDERS_MAX,
            levels_max: LEVELS_MAX,
            // No timer runs here, so that no book becomes stale.
            stale: Nanos::MAX,
        }),
        frames: Frames::new(SOURCE),
        first_fault: None,
        rows: Rows::new(args.format, levels),
    };
    let mut out = std::io::stdout().lock();
    let ended = printer.print(&mut out);
    if matches!(ended, Err(Stop::Reader)) {
        return Ok(());
    }
    if !printer.rows.any_level && ended.is_ok() {
        return Err(Failure::bad(format!(
            "{}: holds no book of {symbol}, only trades or definitions; name a file of orders, \
             levels or quotes",
            args.data.display()
        )));
    }
    if printer.rows.count > 0 {
        match printer.rows.flush(&mut out) {
            Err(Stop::Reader) => return Ok(()),
            other => other?,
        }
    }
    ended?;
    printer.tell(&args.data, holds.format);
    Ok(())
}

/// The symbol that was asked for, else the only one that there is.
fn choose_symbol<'a>(path: &Path, asked: Option<&'a str>, holds: &'a [String]) -> Outcome<&'a str> {
    match (asked, holds) {
        (Some(symbol), _) => Ok(symbol),
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::bad(format!(
            "{}: names no symbol; name one with --symbol",
            path.display()
        ))),
        (None, many) => {
            let shown = many
                .iter()
                .take(8)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            let more = if many.len() > 8 { ", …" } else { "" };
            Err(Failure::bad(format!(
                "{}: holds {} symbols ({shown}{more}); choose one with --symbol",
                path.display(),
                many.len()
            )))
        }
    }
}

/// Refuses what the layout or the file cannot show.
fn check_layout(args: &cli::Book, format: Format) -> Outcome {
    let path = args.data.display();
    let exact = matches!(format, Format::Lobster | Format::Itch);
    if args.format == BookFormat::Lobster && !exact {
        return Err(Failure::bad(format!(
            "{path}: LOBSTER's layout has prices in 1/10,000 of a dollar and no other file than \
             LOBSTER's and ITCH is sure to fit it; use --format csv"
        )));
    }
    let known = match lobster::Pair::find(&args.data)? {
        Some(pair) => pair.name.levels,
        None => return Ok(()),
    };
    if usize::from(args.levels) > known {
        return Err(Failure::bad(format!(
            "{path}: is a LOBSTER file of {known} level{} and knows no more; ask for --levels \
             {known} or fewer",
            if known == 1 { "" } else { "s" }
        )));
    }
    Ok(())
}

/// Why printing ends early.
enum Stop {
    /// Nobody reads any more.
    Reader,
    /// Something is wrong.
    Failure(Failure),
}

impl From<FeedError> for Stop {
    fn from(error: FeedError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Reader => Self {
                code: 0,
                text: String::new(),
            },
            Stop::Failure(failure) => failure,
        }
    }
}

/// A file on its way to rows.
struct Printer {
    decoder: Box<dyn Decode>,
    books: Books,
    frames: Frames,
    first_fault: Option<Fault>,
    rows: Rows,
}

impl Printer {
    fn print(&mut self, out: &mut impl Write) -> Result<(), Stop> {
        while let Some(record) = self.decoder.decode(&mut self.frames)? {
            while let Some(frame) = self.frames.front() {
                note_fault(&mut self.first_fault, frame);
                self.books.apply(frame, &mut |_| ());
                self.frames.pop();
            }
            if record.last && record.instrument == ID {
                self.rows.add(&record, self.books.book(ID));
                if self.rows.text.len() >= OUTPUT_BYTES {
                    self.check_room()?;
                    self.rows.flush(out)?;
                }
            }
        }
        self.check_room()
    }

    /// A book that had no room is not the venue's book any more.
    fn check_room(&self) -> Result<(), Stop> {
        let lost = self.books.book(ID).faults(FaultCode::TableFull);
        if lost == 0 {
            return Ok(());
        }
        Err(Stop::Failure(Failure::failed(format!(
            "the book outgrew {ORDERS_MAX} orders or {LEVELS_MAX} levels of a side and {lost} \
             messages found no room; cut the file into shorter spans"
        ))))
    }

    /// What the rows do not say, on stderr.
    fn tell(&self, path: &Path, format: Format) {
        let counts = self.decoder.counts();
        if format == Format::Lobster {
            eprintln!("revealed levels: {}", counts.revealed);
        }
        let rejected = self.books.book(ID).faults_total();
        if let Some(fault) = self.first_fault {
            eprintln!(
                "{}: {} messages were wrong and skipped, the first ({}) at {}",
                path.display(),
                self.frames.faults(),
                fault.code.name(),
                fault.position
            );
        }
        if rejected > 0 {
            eprintln!(
                "{}: {rejected} messages contradict the book: do not trust it from there on",
                path.display()
            );
        }
    }
}

fn note_fault(first: &mut Option<Fault>, frame: FrameRef<'_>) {
    if first.is_none() {
        *first = frame.try_read::<Fault>().copied();
    }
}

/// Rows that wait to be written.
struct Rows {
    text: Vec<u8>,
    format: BookFormat,
    levels: usize,
    count: u64,
    any_level: bool,
}

impl Rows {
    fn new(format: BookFormat, levels: usize) -> Self {
        let mut text = Vec::with_capacity(2 * OUTPUT_BYTES);
        if format == BookFormat::Csv {
            dbn::format_header(&mut text, levels);
        }
        Self {
            text,
            format,
            levels,
            count: 0,
            any_level: false,
        }
    }

    fn add(&mut self, record: &Record, book: &Book) {
        let (asks, bids) = (book.levels(Side::Sell), book.levels(Side::Buy));
        match self.format {
            BookFormat::Lobster => lobster::format_row(&mut self.text, self.levels, asks, bids),
            BookFormat::Csv => dbn::format_row(
                &mut self.text,
                record.venue_ts,
                record.sequence,
                self.levels,
                asks,
                bids,
            ),
        }
        self.count += 1;
        self.any_level =
            self.any_level || book.best(Side::Sell).is_some() || book.best(Side::Buy).is_some();
    }

    fn flush(&mut self, out: &mut impl Write) -> Result<(), Stop> {
        let written = out.write_all(&self.text).and_then(|()| out.flush());
        self.text.clear();
        written.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Stop::Reader,
            _ => Stop::Failure(error.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_symbol_is_chosen_by_itself_and_several_are_listed() {
        let path = Path::new("x.dbn");
        let one = ["ESH4".to_owned()];
        assert_eq!(choose_symbol(path, None, &one).unwrap(), "ESH4");
        assert_eq!(choose_symbol(path, Some("NQH4"), &one).unwrap(), "NQH4");
        let many: Vec<String> = (0..9).map(|number| format!("S{number}")).collect();
        let failure = choose_symbol(path, None, &many).unwrap_err();
        assert_eq!(failure.code, 2);
        assert!(
            failure.text.contains("x.dbn: holds 9 symbols (S0, S1"),
            "{}",
            failure.text
        );
        assert!(failure.text.contains("--symbol") && failure.text.contains('…'));
        assert_eq!(choose_symbol(path, None, &[]).unwrap_err().code, 2);
    }
}
