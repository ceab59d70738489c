//! 64-byte records appended: our journal, plain files and SQLite with its write-ahead log.

use crate::contest::{Contender, Goal, Ring, contest};
use anyhow::{Result, ensure};
use bench::measure::{Run, timed};
use bench::report::Report;
use rusqlite::Connection;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Duration;
use stream::payload::Add;
use stream::{Draft, InstrumentId, Nanos, Price, Side, SourceId};

/// Records of one run at full effort: what one segment holds with pages ready, 56 MiB.
const LINES: f64 = 917_504.0;
/// What the helper needs to make a segment's pages writable, generously.
const HEAD_START: Duration = Duration::from_millis(300);

/// Runs it.
///
/// # Errors
/// When the disk cannot be used.
pub fn run(ring: &Ring) -> Result<Report> {
    let mut report = Report::new("journal");
    report.note(
        "records of 64 bytes; SQLite: bundled, WAL, synchronous=NORMAL, one table of blobs, a \
         prepared INSERT, commits inside the time; files: flushed inside, not synced",
    );
    let lines = ((LINES * ring.effort.run.as_secs_f64().min(1.0)) as u64).max(1_000);
    // SQLite commits one row at a time some 50 times slower than anything else here.
    let few = (lines / 20).max(1_000);
    let contenders = vec![
        Contender::ours(
            "append, pages ready",
            "CRC-32C included; what a lane pays while its helper keeps ahead",
            || ours(ring, lines, true),
        ),
        Contender::ours(
            "append, sustained",
            "CRC-32C included; as fast as it goes, pages made meanwhile, synced every 5 ms",
            || ours(ring, 4 * lines, false),
        ),
        Contender::peer("SQLite WAL, 1 a transaction", "", || sqlite(ring, few, 1)),
        Contender::peer("SQLite WAL, 100 a transaction", "", || {
            sqlite(ring, lines, 100)
        }),
        Contender::peer("SQLite WAL, 10,000 a transaction", "", || {
            sqlite(ring, lines, 10_000)
        }),
    ];
    let goal = Goal {
        ratio: Some(30.0),
        nanos: false,
    };
    contest("journal", &ring.effort, contenders, goal, &mut report)?;
    let plain = vec![
        Contender::ours("append, pages ready", "again, beside plain files", || {
            ours(ring, lines, true)
        }),
        Contender::peer("BufWriter 8 KiB", "", || file(ring, lines, true)),
        Contender::peer("write(2) each", "", || file(ring, lines, false)),
    ];
    let goal = Goal {
        ratio: None,
        nanos: false,
    };
    contest("files", &ring.effort, plain, goal, &mut report)?;
    Ok(report)
}

fn draft() -> Draft {
    let mut draft = Draft::new();
    let add = Add {
        order_id: 1,
        price: Price(585_330_000_000),
        qty: 100,
        side: Side::Buy,
        flags: 0,
        source: SourceId(1),
        venue_ts: Nanos(1),
    };
    draft.write(InstrumentId(1), &add);
    draft
}

/// The bytes of a record.
fn number(draft: &mut Draft, seq: u64) -> &Draft {
    let header = draft.header_mut();
    header.seq = seq;
    header.ts = Nanos(seq);
    draft
}

fn ours(ring: &Ring, lines: u64, ready: bool) -> Result<Run> {
    let dir = ring.temp()?;
    let mut options = journal::Options::new(dir.path());
    options.account = "BENCH".to_owned();
    if ready {
        options.sync_every = Duration::ZERO;
        options.prefault_bytes = options.segment_bytes;
    }
    let (mut writer, _) = journal::create_or_continue(&options)?;
    writer.spawn_helper()?;
    if ready {
        std::thread::sleep(HEAD_START);
    }
    let mut draft = draft();
    let (time, position) = timed(|| {
        let mut position = 0;
        for seq in 1..=lines {
            position = writer.append(number(&mut draft, seq).frame());
        }
        position
    });
    ensure!(position >= lines, "the journal kept {position} of {lines}");
    writer.close()?;
    Ok(Run { time, count: lines })
}

fn file(ring: &Ring, lines: u64, buffered: bool) -> Result<Run> {
    let dir = ring.temp()?;
    let file = File::create(dir.path().join("records"))?;
    let mut draft = draft();
    let capacity = if buffered { 8 << 10 } else { 0 };
    let mut file = BufWriter::with_capacity(capacity, file);
    let (time, result) = timed(|| -> std::io::Result<()> {
        for seq in 1..=lines {
            file.write_all(&number(&mut draft, seq).frame().lines()[0].0)?;
        }
        file.flush()
    });
    result?;
    Ok(Run { time, count: lines })
}

fn sqlite(ring: &Ring, lines: u64, batch: u64) -> Result<Run> {
    let dir = ring.temp()?;
    let database = Connection::open(dir.path().join("records.db"))?;
    let mode: String = database.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    ensure!(mode == "wal", "SQLite's journal mode is {mode}");
    database.pragma_update(None, "synchronous", "NORMAL")?;
    database.execute_batch("CREATE TABLE frames (seq INTEGER PRIMARY KEY, frame BLOB NOT NULL)")?;
    let mut draft = draft();
    let mut insert = database.prepare("INSERT INTO frames VALUES (?1, ?2)")?;
    let (time, result) = timed(|| -> rusqlite::Result<()> {
        for seq in 1..=lines {
            if batch > 1 && seq % batch == 1 {
                database.execute_batch("BEGIN")?;
            }
            let frame = number(&mut draft, seq).frame();
            insert.execute((seq as i64, &frame.lines()[0].0[..]))?;
            if batch > 1 && (seq.is_multiple_of(batch) || seq == lines) {
                database.execute_batch("COMMIT")?;
            }
        }
        Ok(())
    });
    result?;
    let kept: i64 = database.query_row("SELECT count(*) FROM frames", [], |row| row.get(0))?;
    ensure!(kept as u64 == lines, "SQLite kept {kept} of {lines}");
    Ok(Run { time, count: lines })
}
