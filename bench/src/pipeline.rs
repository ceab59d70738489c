//! One run of the whole pipeline over a day in memory, as `spindle backtest` does it.

use crate::counting::{self, Count};
use crate::market::Day;
use anyhow::Result;
use engine::config::{Settings, Value};
use engine::lane::{Idle, cores};
use engine::layout::Layout;
use engine::run::{Pace, Plan};
use engine::setup::{SAMPLE, Setup};
use feed::file::MemorySource;
use feed::head::Merge;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use stream::{Draft, Kind, Nanos, Next, Source};

/// A run to be made.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The market.
    pub day: &'a Day,
    /// How often the day comes.
    pub times: u32,
    /// 1, 2, 3 or 5.
    pub lanes: usize,
    /// A folder for the journal, new.
    pub dir: &'a Path,
    /// Size of the journal's segments; `None` as configured.
    pub segment_bytes: Option<u64>,
}

/// What a run was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// From the call to its return: opening and closing the journal, threads, everything.
    pub whole: Duration,
    /// From the first market frame to the end of the last source.
    pub stream: Duration,
    /// Processor time of the head's lane between the two; `None` where the system does not tell.
    /// On a box that others use it is the steadier figure of the two.
    pub lane: Option<Duration>,
    /// Allocations from when the first day (of one day its first half) had passed to the end of
    /// the last source. `own` are those of the lane with the head, which with one lane is every
    /// stage, the gate and the edge.
    pub allocations: Count,
    /// Market frames that passed meanwhile.
    pub counted: u64,
}

/// The configuration of a run over a day's symbols.
///
/// # Errors
/// Faults of the embedded sample: none.
pub fn setup(day: &Day) -> Result<Setup> {
    let mut settings = Settings::default();
    settings.add_sample(SAMPLE);
    let symbols = Value::List(day.symbols.clone());
    settings.add_flag("bench", "universe.symbols", symbols);
    Ok(Setup::read(&settings)?)
}

/// Runs it. `watch` is called about ten times a second on the calling thread.
///
/// # Errors
/// What ends the run before its time.
///
/// # Panics
/// When the number of lanes is none of the usual ones.
pub fn run(task: &Task<'_>, mut watch: impl FnMut()) -> Result<Done> {
    let setup = setup(task.day)?;
    let layout = Layout::of(task.lanes).map_err(anyhow::Error::msg)?;
    let mut journal = journal::Options::new(task.dir);
    journal.account = "BENCH".to_owned();
    journal.segment_bytes = task.segment_bytes.unwrap_or(setup.journal.segment_bytes);
    journal.durability = setup.journal.durability;
    let notes = Arc::new(Mutex::new(Notes::default()));
    let sources = Merge::new(
        task.day
            .repeated(task.times)
            .into_iter()
            .zip(&task.day.sources)
            .map(|(source, day)| -> Box<dyn Source + Send> {
                Box::new(Noted {
                    inner: source,
                    taken: 0,
                    note_at: 0,
                    warm: match task.times {
                        1 => day.frames() as u64 / 2,
                        _ => day.frames() as u64,
                    },
                    ended: false,
                    notes: Arc::clone(&notes),
                })
            })
            .collect(),
    );
    let plan = Plan {
        setup,
        sources,
        journal,
        idle: Idle::auto_virtual(&layout, cores().len()),
        layout,
        pace: Pace::Virtual,
        facts: String::new(),
        line: None,
    };
    let begin = Instant::now();
    engine::run::run(plan, |_| watch())?;
    let whole = begin.elapsed();
    let notes = notes.lock().map_err(|_| anyhow::anyhow!("a lane broke"))?;
    Ok(notes.done(whole))
}

/// What the sources note on their way, on the head's lane.
#[derive(Debug, Default)]
struct Notes {
    first: Option<Instant>,
    last: Option<Instant>,
    processor: [Option<Duration>; 2],
    warm: Option<Count>,
    end: Count,
    counted: u64,
}

impl Notes {
    fn done(&self, whole: Duration) -> Done {
        let warm = self.warm.unwrap_or(self.end);
        Done {
            whole,
            stream: self
                .first
                .zip(self.last)
                .map_or(Duration::ZERO, |(first, last)| last - first),
            lane: (self.processor[0].zip(self.processor[1]))
                .map(|(first, last)| last.saturating_sub(first)),
            allocations: Count {
                own: self.end.own - warm.own,
                all: self.end.all - warm.all,
            },
            counted: self.counted,
        }
    }
}

/// How long the calling thread has run on a core, in the kernel's own books. Does not allocate:
/// where there are several sources, one ends while allocations are still counted.
fn processor_time() -> Option<Duration> {
    let mut text = [0; 64];
    let mut file = File::open("/proc/thread-self/schedstat").ok()?;
    let count = file.read(&mut text).ok()?;
    let text = std::str::from_utf8(&text[..count]).ok()?;
    let nanos = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// A source that notes when it begins, when it has become warm and when it ends.
#[derive(Debug)]
struct Noted {
    inner: MemorySource,
    taken: u64,
    /// How many are taken where the next note is due.
    note_at: u64,
    /// Frames of the first day, or of half of the only one.
    warm: u64,
    ended: bool,
    notes: Arc<Mutex<Notes>>,
}

impl Noted {
    /// Three times in a run; nobody else holds the lock then.
    fn note(&self, what: impl FnOnce(&mut Notes)) {
        if let Ok(mut notes) = self.notes.lock() {
            what(&mut notes);
        }
    }
}

impl Source for Noted {
    #[inline]
    fn next(&mut self) -> Next {
        let next = self.inner.next();
        if next == Next::End && !self.ended {
            self.ended = true;
            let counted = self.taken.saturating_sub(self.warm);
            self.note(|notes| {
                notes.counted += counted;
                notes.end = counting::so_far();
                notes.last = Some(Instant::now());
                notes.processor[1] = processor_time();
            });
        }
        next
    }

    #[inline]
    fn take(&mut self, draft: &mut Draft) -> bool {
        if self.taken == self.note_at {
            return self.take_noted(draft);
        }
        self.taken += 1;
        self.inner.take(draft)
    }

    #[inline]
    fn take_before(&mut self, limit: Nanos, draft: &mut Draft) -> Option<Nanos> {
        if self.taken == self.note_at {
            // The long way asks when it falls due and takes it.
            return None;
        }
        let due = self.inner.take_before(limit, draft);
        self.taken += u64::from(due.is_some());
        due
    }
}

impl Noted {
    // A call at the very end: all others need save nothing for it.
    #[cold]
    #[inline(never)]
    fn take_noted(&mut self, draft: &mut Draft) -> bool {
        if self.taken == 0 {
            self.note_at = self.warm;
            self.note(|notes| {
                if notes.first.is_none() {
                    notes.processor[0] = processor_time();
                    notes.first = Some(Instant::now());
                }
            });
        }
        self.taken += 1;
        if self.taken == self.warm + 1 {
            self.note_at = u64::MAX;
            // Of several sources the last one counts.
            self.note(|notes| notes.warm = Some(counting::so_far()));
        }
        self.inner.take(draft)
    }
}

/// What a journal holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Frames, notes included.
    pub frames: u64,
    /// Lines of 64 bytes.
    pub lines: u64,
    /// Evaluations.
    pub evaluations: u64,
    /// `BookView` frames.
    pub views: u64,
    /// Commands to the broker.
    pub commands: u64,
}

/// Counts what a journal holds.
///
/// # Errors
/// When it cannot be read.
pub fn held(dir: &Path) -> Result<Held> {
    let mut reader = journal::Reader::open(dir)?;
    let mut held = Held::default();
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        held.frames += 1;
        held.lines += frame.lines().len() as u64;
        match frame.kind() {
            Kind::Evaluate => held.evaluations += 1,
            Kind::BookView => held.views += 1,
            Kind::Command => held.commands += 1,
            _ => {}
        }
    }
    Ok(held)
}
