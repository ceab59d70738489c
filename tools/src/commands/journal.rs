//! `spindle journal decode|verify|stats|explain|tail`.

use super::common::{print_json, print_line, print_summary, summarise};
use crate::cli::{Decode, Format, JournalCommand, JournalDir};
use crate::explain;
use crate::failure::{Failure, Outcome};
use journal::decode::{Columns, Symbols, csv, csv_header, jsonl};
use journal::{Reader, State};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;
use stream::{Class, FrameRef, Kind, Nanos};

pub fn run(command: &JournalCommand) -> Outcome {
    match command {
        JournalCommand::Decode(args) => decode(args, false),
        JournalCommand::Tail(args) => decode(args, true),
        JournalCommand::Verify(args) => verify(args),
        JournalCommand::Stats(args) => print_summary(&summarise(&args.journal)?, args.json),
        JournalCommand::Explain(args) => explain::run(args),
    }
}

/// Which frames are printed.
#[derive(Debug, Default)]
struct Filter {
    kinds: Vec<Kind>,
    classes: Vec<Class>,
    symbols: Vec<String>,
    from: Option<Nanos>,
    to: Option<Nanos>,
    first: u64,
    last: Option<u64>,
}

impl Filter {
    fn read(args: &Decode) -> Outcome<Self> {
        let kinds = args.kind.iter().map(|name| {
            Kind::from_name(name).ok_or_else(|| {
                let all: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
                Failure::bad(format!(
                    "--kind {name}: no such kind; one of {}",
                    all.join(", ")
                ))
            })
        });
        let classes = args.class.iter().map(|name| {
            [Class::Input, Class::Derived, Class::Note]
                .into_iter()
                .find(|class| class.name().eq_ignore_ascii_case(name))
                .ok_or_else(|| {
                    Failure::bad(format!("--class {name}: expected input, derived or note"))
                })
        });
        let (first, last) = args.seq.as_deref().map_or(Ok((0, None)), read_range)?;
        Ok(Self {
            kinds: kinds.collect::<Outcome<_>>()?,
            classes: classes.collect::<Outcome<_>>()?,
            symbols: args.symbol.clone(),
            from: args.from.as_deref().map(read_time).transpose()?,
            to: args.to.as_deref().map(read_time).transpose()?,
            first,
            last,
        })
    }

    fn wants(&self, frame: FrameRef<'_>, symbols: &Symbols) -> bool {
        let class = frame.header().class();
        (self.kinds.is_empty() || self.kinds.contains(&frame.kind()))
            && (self.classes.is_empty() || class.is_some_and(|class| self.classes.contains(&class)))
            && (self.symbols.is_empty()
                || self
                    .symbols
                    .iter()
                    .any(|symbol| symbol == symbols.of(frame)))
            && frame.seq() >= self.first
            && self.from.is_none_or(|from| frame.ts() >= from)
            && self.to.is_none_or(|to| frame.ts() < to)
    }

    /// True when nothing further can be wanted.
    fn is_past(&self, frame: FrameRef<'_>) -> bool {
        self.last.is_some_and(|last| frame.seq() > last)
            || self.to.is_some_and(|to| frame.ts() >= to)
    }
}

fn read_range(text: &str) -> Outcome<(u64, Option<u64>)> {
    let bad = || Failure::bad(format!("--seq {text}: expected A..B, A.., ..B or A"));
    let number = |part: &str| part.parse::<u64>().map_err(|_| bad());
    match text.split_once("..") {
        None => number(text).map(|seq| (seq, Some(seq))),
        Some((first, last)) => {
            let first = if first.is_empty() { 0 } else { number(first)? };
            let last = if last.is_empty() {
                None
            } else {
                Some(number(last)?)
            };
            if last.is_some_and(|last| last < first) {
                return Err(bad());
            }
            Ok((first, last))
        }
    }
}

fn read_time(text: &str) -> Outcome<Nanos> {
    if let Ok(nanos) = text.parse::<u64>() {
        return Ok(Nanos(nanos));
    }
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        Failure::bad(format!(
            "{text} is no time: expected nanoseconds since 1970 or 2012-06-21T13:30:00Z"
        ))
    })?;
    u64::try_from(time.as_nanosecond())
        .map(Nanos)
        .map_err(|_| Failure::bad(format!("{text} lies before 1970 or after 2554")))
}

/// Bytes of text gathered before they are written.
const OUTPUT_BYTES: usize = 256 * 1024;
/// How long a follower rests when there is nothing new.
const REST: Duration = Duration::from_millis(20);

fn decode(args: &Decode, follow: bool) -> Outcome {
    let filter = Filter::read(args)?;
    let reader = Reader::open(&args.journal)?;
    match (args.format, &args.out) {
        (Format::Columns, Some(out)) if !follow => decode_columns(reader, &filter, out),
        (Format::Columns, None) => Err(Failure::bad(
            "--format columns writes many files: name a new folder with --out DIR",
        )),
        (Format::Columns, Some(_)) => Err(Failure::bad(
            "columns are written at once and cannot be followed; decode them when the journal is \
             closed, or follow it with --format jsonl or csv",
        )),
        (_, Some(_)) => Err(Failure::bad(
            "--out belongs to --format columns; jsonl and csv go to standard output",
        )),
        (format, None) => decode_text(reader, &filter, format, follow),
    }
}

fn decode_columns(mut reader: Reader, filter: &Filter, out: &Path) -> Outcome {
    let mut columns = Columns::create(out)?;
    let mut symbols = Symbols::default();
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        symbols.on_frame(frame);
        if filter.is_past(frame) {
            break;
        }
        if filter.wants(frame, &symbols) {
            columns.push(frame)?;
        }
    }
    let written = columns.finish(&symbols)?;
    let (rows, kinds, skipped) = (written.rows, written.kinds, written.skipped);
    print_line(&format!(
        "{rows} frames of {kinds} kinds in {}; {skipped} of unknown kinds left out",
        out.display()
    ))
}

fn decode_text(mut reader: Reader, filter: &Filter, format: Format, follow: bool) -> Outcome {
    let mut symbols = Symbols::default();
    let mut text = Vec::with_capacity(2 * OUTPUT_BYTES);
    let mut header_due = format == Format::Csv;
    let single = filter.kinds.len() == 1;
    let mut out = std::io::stdout().lock();
    loop {
        let Some(next) = reader.next() else {
            if !write_out(&mut out, &mut text)? || !follow {
                break;
            }
            std::thread::sleep(REST);
            continue;
        };
        let (_, frame) = next?;
        symbols.on_frame(frame);
        if filter.is_past(frame) {
            break;
        }
        if !filter.wants(frame, &symbols) {
            continue;
        }
        if std::mem::take(&mut header_due) {
            csv_header(&mut text, single.then_some(frame));
        }
        match format {
            Format::Csv => csv(&mut text, frame, &symbols, single),
            _ => jsonl(&mut text, frame, &symbols),
        }
        if text.len() >= OUTPUT_BYTES && !write_out(&mut out, &mut text)? {
            return Ok(());
        }
    }
    if header_due {
        csv_header(&mut text, None);
    }
    write_out(&mut out, &mut text)?;
    Ok(())
}

/// Writes what was gathered; false when nobody reads any more.
fn write_out(out: &mut impl Write, text: &mut Vec<u8>) -> Outcome<bool> {
    let written = out.write_all(text).and_then(|()| out.flush());
    text.clear();
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn verify(args: &JournalDir) -> Outcome {
    let report = journal::verify(&args.journal)?;
    let (class, position, what) = match &report.state {
        State::Clean => ("clean", report.position, String::new()),
        State::Tail { position, lost } => (
            "tail",
            *position,
            format!("not closed; {lost} torn lines behind it"),
        ),
        State::Corrupt(damage) => ("corruption", damage.position, damage.to_string()),
    };
    if args.json {
        print_json(&serde_json::json!({
            "class": class,
            "position": position,
            "what": what,
            "frames": report.frames,
            "epochs": report.epochs,
            "segments": report.segments,
            "last_seq": report.last_seq,
            "last_ts": report.last_ts.0,
            "live": report.live,
        }))?;
    } else {
        let live = if report.live {
            ", being written now"
        } else {
            ""
        };
        print_line(&format!(
            "{class}: {} frames in {} lines, {} epochs, {} segments, last input {}{live}",
            report.frames, report.position, report.epochs, report.segments, report.last_seq
        ))?;
        if !what.is_empty() {
            print_line(&format!("  at line {position}: {what}"))?;
        }
    }
    if class == "clean" {
        Ok(())
    } else {
        Err(Failure::difference())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_times_are_read_or_refused() {
        assert_eq!(read_range("5..9").unwrap(), (5, Some(9)));
        assert_eq!(read_range("5..").unwrap(), (5, None));
        assert_eq!(read_range("..9").unwrap(), (0, Some(9)));
        assert_eq!(read_range("7").unwrap(), (7, Some(7)));
        for bad in ["9..5", "x", "1..y", "-1"] {
            assert_eq!(read_range(bad).unwrap_err().code, 2, "{bad}");
        }
        assert_eq!(read_time("1970-01-01T00:00:01Z").unwrap(), Nanos::SECOND);
        assert_eq!(read_time("17").unwrap(), Nanos(17));
        assert_eq!(read_time("yesterday").unwrap_err().code, 2);
    }
}
