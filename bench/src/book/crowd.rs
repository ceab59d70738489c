//! A whole market: a thousand books with four million live orders.
//!
//! Frames lie in a core's cache when they are applied, as if they came from a ring; what is
//! measured are the books, whose orders and levels no cache holds.

use crate::floors;
use crate::flow::{Flow, Leaving};
use crate::measure::{Effort, Run, Spread, timed};
use crate::report::Report;
use anyhow::{Result, ensure};
use book::{Books, Config};
use std::time::Duration;
use stream::{FrameRef, Line, Nanos};

/// Frames that lie in the cache at a time.
const RING: usize = 256;
/// What an event may take, in nanoseconds.
const TARGET_NS: f64 = 45.0;

/// How frames are handed over.
#[derive(Clone, Copy)]
enum Handed {
    /// Each by itself, as stages do.
    Singly,
    /// Together, as a feed's packets bring them.
    Together,
}

struct Size {
    instruments: usize,
    live: usize,
    events: usize,
}

/// Adds the market's figures to the report.
///
/// # Errors
/// When a book refuses a frame.
pub(super) fn run(effort: &Effort, report: &mut Report) -> Result<()> {
    let size = if effort.is_tiny() {
        Size {
            instruments: 20,
            live: 4_000,
            events: 1_000,
        }
    } else {
        Size {
            instruments: 1_000,
            live: 4_000_000,
            events: if effort.is_quick() {
                200_000
            } else {
                1_000_000
            },
        }
    };
    let floor = missed(effort, &size, report);
    for (leaving, who) in [(Leaving::Young, "the young"), (Leaving::Any, "any")] {
        market(effort, &size, (leaving, who), floor, report)?;
    }
    Ok(())
}

/// The floor: one line that no cache holds, of as much memory as the orders have.
fn missed(effort: &Effort, size: &Size, report: &mut Report) -> f64 {
    let [alone, together] = floors::missed_line(size.live, effort);
    let detail = format!(
        "one after the other, each told by the one before, out of {} MiB in large pages; an event \
         needs its order's and its level's at least",
        (size.live * Line::BYTES) >> 20
    );
    report.figure(
        "floor: a line from memory",
        "ns",
        effort.runs,
        alone,
        detail,
    );
    let detail = "eight at a time, as a processor can that knows them beforehand: for batches";
    report.figure(
        "floor: of eight at once",
        "ns",
        effort.runs,
        together,
        detail,
    );
    alone.median
}

fn market(
    effort: &Effort,
    size: &Size,
    (leaving, who): (Leaving, &str),
    floor: f64,
    report: &mut Report,
) -> Result<()> {
    let mut flow = Flow::new(size.instruments, size.live, leaving);
    let config = Config {
        instruments: size.instruments,
        orders_max: size.live + size.live / 4,
        levels_max: 1_024,
        stale: Nanos::from_secs(10),
    };
    let mut large = 0;
    let mut books = Books::with_memory(&config, &mut |table| {
        large += engine::pages::ask_large(table).unwrap_or(0);
    });
    let mut lines = Vec::with_capacity(size.events);
    let mut faults = 0;
    while flow.live() < size.live {
        lines.clear();
        flow.extend(&mut lines, size.events);
        faults += apply(&mut books, &lines, Handed::Together).1;
    }
    for (handed, how) in [
        (Handed::Singly, "one by one"),
        (Handed::Together, "batches"),
    ] {
        let mut runs = Vec::with_capacity(effort.runs);
        for warm in 0..=effort.runs {
            lines.clear();
            flow.extend(&mut lines, size.events);
            let (run, wrong) = apply(&mut books, &lines, handed);
            faults += wrong;
            if warm > 0 {
                runs.push(1e9 / run.rate());
            }
        }
        let name = format!("market, {who} leave, {how}");
        let spread = Spread::of(runs);
        let detail = format!(
            "{} symbols, {} live orders, {} events a run; {} MiB asked for in large pages",
            size.instruments,
            flow.live(),
            size.events,
            large >> 20
        );
        report.figure(&name, "ns an event", effort.runs, spread, detail);
        if matches!(handed, Handed::Singly) {
            report.at_most(name, "ns", spread.median, TARGET_NS).floor = Some(floor);
        }
    }
    ensure!(faults == 0, "{faults} frames of a sound flow were refused");
    Ok(())
}

/// Applies frames of one line each; the time of the books alone, and how many were refused.
fn apply(books: &mut Books, lines: &[Line], handed: Handed) -> (Run, u64) {
    let mut ring = [Line::ZERO; RING];
    let mut faults = 0;
    let mut time = Duration::ZERO;
    for stretch in lines.chunks(RING) {
        let ring = &mut ring[..stretch.len()];
        ring.copy_from_slice(stretch);
        let work = || match handed {
            Handed::Singly => {
                let frames = ring.chunks(1).filter_map(FrameRef::first_of);
                let applied = frames.map(|frame| books.apply(frame, &mut |_| {}));
                applied.filter(|applied| applied.fault.is_some()).count()
            }
            Handed::Together => {
                let mut faults = 0;
                books.apply_all(ring, &mut |_| {}, &mut |_, applied| {
                    faults += usize::from(applied.fault.is_some());
                });
                faults
            }
        };
        let (took, wrong) = timed(work);
        time += took;
        faults += wrong as u64;
    }
    let count = lines.len() as u64;
    (Run { time, count }, faults)
}
