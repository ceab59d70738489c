//! The codecs: bytes in memory to frames. Reading and unpacking files is not part of it.

use crate::benches::Bench;
use crate::floors;
use crate::flow::{Flow, Leaving};
use crate::itch::Messages;
use crate::market::Day;
use crate::measure::{mega_rates, passes};
use crate::report::Report;
use anyhow::{Context, Result, anyhow, ensure};
use book::Books;
use feed::file::{Decode, Frames, MemorySource};
use feed::itch::Sink;
use feed::lobster::{Codec, Pair};
use feed::open::{Input, Member};
use feed::symbols::Universe;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use stream::payload::FaultCode;
use stream::{Draft, FrameRef, InstrumentId, Line, Nanos, Payload, SourceId};

const SOURCE: SourceId = SourceId(1);
/// Orders that books have room for, more than any day here has at once.
const ORDERS_MAX: usize = 1 << 18;

/// Runs the bench.
///
/// # Errors
/// When the data cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("codec");
    report.note(&bench.place.how);
    if bench.place.files.is_empty() {
        report.note("LOBSTER: not measured, there is no file");
    }
    for file in &bench.place.files {
        lobster(bench, file, &mut report)?;
    }
    for day in bench.place.days(&bench.effort)? {
        if day.symbols.len() == 1 || bench.place.files.is_empty() {
            itch(bench, &day, &mut report)?;
        }
    }
    itch_to_books(bench, &mut report)?;
    let files = dbn_files(bench.place.root.as_deref());
    if files.is_empty() {
        report.note("DBN: not measured, there is no *.mbo.dbn.zst under futures_mbo_glbx/");
    }
    for file in &files {
        dbn(bench, file, &mut report)?;
    }
    Ok(report)
}

fn contents(mut input: Input) -> Result<Vec<u8>> {
    let mut bytes = vec![0; 1 << 20];
    let mut length = 0;
    loop {
        match input.read(&mut bytes[length..], length as u64)? {
            0 => break,
            count => length += count,
        }
        if length == bytes.len() {
            bytes.resize(length * 2, 0);
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn lines(member: &Member) -> Result<Vec<Vec<u8>>> {
    let bytes = contents(member.open()?)?;
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
        .filter(|line| !line.is_empty())
        .collect())
}

fn lobster(bench: &Bench, file: &Path, report: &mut Report) -> Result<()> {
    let pair = Pair::find(file)?.ok_or_else(|| anyhow!("{}: no LOBSTER pair", file.display()))?;
    let midnight = pair.name.midnight().context("a date out of range")?;
    let (messages, rows) = (lines(&pair.message)?, lines(&pair.orderbook)?);
    ensure!(messages.len() == rows.len(), "a row for each message");
    let bytes = messages.iter().chain(&rows).map(|line| line.len() + 1);
    let bytes: usize = bytes.sum();
    let symbol = &pair.name.symbol;
    let size = bytes as f64 / messages.len() as f64;
    let mut tell = |what: &str, mut applied: Option<Applied>| {
        let fresh = || {
            let codec = Codec::new(InstrumentId(1), pair.name.levels, midnight);
            (codec, Frames::new(SOURCE))
        };
        let runs = passes(&bench.effort, fresh, |(mut codec, mut frames)| {
            for (index, (message, row)) in messages.iter().zip(&rows).enumerate() {
                codec
                    .record(message, row, index as u64 + 1, &mut frames)
                    .map_err(|wrong| anyhow!("line {}: {wrong:?}", index + 1))?;
                drain(&mut frames, &mut applied);
            }
            Ok::<u64, anyhow::Error>(messages.len() as u64)
        })?;
        let rates = mega_rates(&runs);
        report.figure(
            format!("LOBSTER {symbol} ({} levels){what}", pair.name.levels),
            "M messages/s",
            runs.len(),
            rates,
            format!("{:.0} MB/s of text, message and row", rates.median * size),
        );
        Ok::<_, anyhow::Error>(())
    };
    tell("", None)?;
    tell(", applied", Some(Applied::new(1, ORDERS_MAX)))
}

/// Takes every frame that is queued, and applies it where there are books.
fn drain(frames: &mut Frames, applied: &mut Option<Applied>) {
    while let Some(frame) = frames.front() {
        match applied {
            Some(books) => books.take(frame),
            None => drop(black_box(frame.lines())),
        }
        frames.pop();
    }
}

fn itch(bench: &Bench, day: &Day, report: &mut Report) -> Result<()> {
    let stock = day.symbols[0].as_str();
    let first = day.iter().next().map_or(Nanos::ZERO, |frame| frame.ts());
    // Any midnight before the first frame will do.
    let midnight = first.saturating_sub(Nanos::from_secs(10 * 3_600));
    let messages = Messages::of(stock, midnight, day.iter());
    let universe = Universe::new([stock])?;
    let fresh = || feed::itch::Decoder::new(SOURCE, midnight, &universe);
    let mut draft = Draft::new();
    let runs = passes(&bench.effort, fresh, |mut decoder| {
        let mut frames = 0;
        for (position, message) in messages.iter().enumerate() {
            frames += u64::from(decoder.decode(message, position as u64, &mut draft).frame);
            black_box(&draft);
        }
        // The directory message defines and makes none, or one.
        ensure!(frames + 1 >= messages.count, "{frames} frames only");
        Ok(messages.count)
    })?;
    let size = messages.bytes.len() as f64 / messages.count as f64;
    let rates = mega_rates(&runs);
    report.figure(
        format!("ITCH {stock}"),
        "M messages/s",
        runs.len(),
        rates,
        format!(
            "{} messages made from the day, {:.0} MB/s",
            messages.count,
            rates.median * size
        ),
    );
    Ok(())
}

/// Books that frames are applied to, and how many they refused.
struct Applied {
    books: Books,
    faults: u64,
}

impl Applied {
    fn new(instruments: usize, orders_max: usize) -> Self {
        let books = Books::new(&book::Config {
            instruments,
            orders_max,
            levels_max: 1_024,
            stale: Nanos::from_secs(10),
        });
        for part in books.memory_first() {
            // As the engine does; else pages are waited for, and nothing worse.
            let _ = engine::pages::make_ready(part);
        }
        Self { books, faults: 0 }
    }

    #[inline(always)]
    fn take(&mut self, frame: FrameRef<'_>) {
        let applied = self.books.apply(frame, &mut |_| {});
        self.faults += u64::from(applied.fault.is_some());
    }

    /// That a sound flow was taken as a whole.
    fn sound(&self) -> Result<()> {
        let faults = self.faults;
        ensure!(
            faults == 0,
            "{faults} messages of a sound flow were refused"
        );
        Ok(())
    }
}

/// Books that take each frame where it is made: a message's type has told its kind, and nothing
/// asks for it anew.
struct Fused {
    draft: Draft,
    applied: Applied,
}

impl Sink for Fused {
    #[inline(always)]
    fn put<P: Payload>(&mut self, _: Nanos, instrument: InstrumentId, _: u64, payload: &P) {
        self.draft.write(instrument, payload);
        self.applied.take(self.draft.frame());
    }

    fn fault(&mut self, _: SourceId, _: FaultCode, _: u64, _: u64) {
        self.applied.faults += 1;
    }
}

/// Messages of a flow in which every order is known, each parsed and applied before the next.
fn itch_to_books(bench: &Bench, report: &mut Report) -> Result<()> {
    let (live, events) = if bench.effort.is_tiny() {
        (200, 1_000)
    } else {
        (4_000, 500_000)
    };
    let mut lines = Vec::new();
    Flow::new(1, live, Leaving::Young).extend(&mut lines, events);
    let day = MemorySource::new(lines);
    let first = day.iter().next().map_or(Nanos::ZERO, |frame| frame.ts());
    let midnight = first.saturating_sub(Nanos::from_secs(10 * 3_600));
    let messages = Messages::of("MADE", midnight, day.iter());
    let universe = Universe::new(["MADE"])?;
    let decoder = || feed::itch::Decoder::new(SOURCE, midnight, &universe);
    let applied = || Applied::new(1, 4 * live);
    let framed = passes(
        &bench.effort,
        || (decoder(), applied(), Draft::new()),
        |(mut decoder, mut applied, mut draft)| {
            for (position, message) in messages.iter().enumerate() {
                if decoder.decode(message, position as u64, &mut draft).frame {
                    applied.take(draft.frame());
                }
            }
            applied.sound()?;
            Ok::<u64, anyhow::Error>(messages.count)
        },
    )?;
    let fresh = || {
        let draft = Draft::new();
        let applied = applied();
        (decoder(), Fused { draft, applied })
    };
    let fused = passes(&bench.effort, fresh, |(mut decoder, mut fused)| {
        for (position, message) in messages.iter().enumerate() {
            decoder.decode(message, position as u64, &mut fused);
        }
        fused.applied.sound()?;
        Ok::<u64, anyhow::Error>(messages.count)
    })?;
    let bytes = messages.bytes.len() as f64 / messages.count as f64;
    let floor = Some(1e3 / (floors::line_cost(bench)?.stored * bytes / Line::BYTES as f64));
    for (name, runs, how) in [
        (
            "ITCH, parsed and applied",
            framed,
            "as frames, as sources hand them on",
        ),
        (
            "ITCH, parsed and applied in one",
            fused,
            "where it is parsed: no source does",
        ),
    ] {
        let rates = mega_rates(&runs);
        let detail = format!(
            "{} messages made here of one stock, {live} live orders, {how}; {:.1} ns each",
            messages.count,
            1e3 / rates.median
        );
        report.figure(name, "M messages/s", runs.len(), rates, detail);
        report.at_least(name, "M messages/s", rates.median, 45.0, floor);
    }
    Ok(())
}

fn dbn_files(root: Option<&Path>) -> Vec<PathBuf> {
    let Some(list) = root.and_then(|root| root.join("futures_mbo_glbx").read_dir().ok()) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = list
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".mbo.dbn.zst"))
        .collect();
    files.sort();
    files
}

fn dbn(bench: &Bench, file: &Path, report: &mut Report) -> Result<()> {
    let bytes = contents(feed::open::open(file)?)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let input = |bytes: Vec<u8>| Input::from_bytes(&name, bytes);
    let symbols = feed::dbn::Decoder::symbols_in(input(bytes.clone()))?;
    let universe = Universe::new(&symbols)?;
    let megabytes = bytes.len() / 1_000_000;
    let mut tell = |what: &str, mut applied: Option<Applied>| {
        let fresh = || bytes.clone();
        let runs = passes(&bench.effort, fresh, |bytes| {
            let mut decoder = feed::dbn::Decoder::open(input(bytes), &universe)?;
            let mut frames = Frames::new(SOURCE);
            let mut records = 0;
            while decoder.decode(&mut frames)?.is_some() {
                drain(&mut frames, &mut applied);
                records += 1;
            }
            Ok::<u64, anyhow::Error>(records)
        })?;
        report.figure(
            format!("DBN {name}{what}"),
            "M records/s",
            runs.len(),
            mega_rates(&runs),
            format!("{megabytes} MB unpacked"),
        );
        Ok::<_, anyhow::Error>(())
    };
    tell("", None)?;
    tell(", applied", Some(Applied::new(symbols.len(), ORDERS_MAX)))
}
