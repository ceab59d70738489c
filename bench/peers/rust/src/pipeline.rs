//! Our side of a backtest: the whole pipeline on one lane, journal included.

use anyhow::{Context, Result};
use engine::config::{Settings, Value};
use engine::lane::Idle;
use engine::layout::Layout;
use engine::run::{Pace, Plan};
use engine::setup::{SAMPLE, Setup};
use feed::file::MemorySource;
use feed::head::Merge;
use std::path::Path;
use std::time::{Duration, Instant};
use stream::payload::{Session, SessionKind};
use stream::{Draft, Nanos, Next, Source};

/// When evaluations come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// Never: a session long past stands in for the calendar's, and the head has no timer in any
    /// other time. Stages, risk, gateway, broker and journal are as always.
    Off,
    /// Every 250 ms of the calendar's sessions, housekeeping each second, as in the product.
    On,
}

/// How long a run took.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// The whole call: journal opened, written, synced and closed.
    pub whole: Duration,
    /// From the first market frame to the end of the data.
    pub stream: Duration,
}

/// What a run over one symbol means.
///
/// # Errors
/// Faults of the embedded sample: none.
pub fn setup(symbol: &str, cadence: Cadence) -> Result<Setup> {
    let mut setup = read(SAMPLE, symbol)?;
    if cadence == Cadence::Off {
        setup.session = Some(Session {
            date: 19_700_101,
            kind: SessionKind::Regular,
            open: Nanos(1),
            close: Nanos(2),
            ..Session::zeroed()
        });
    }
    Ok(setup)
}

/// The probe in place of the strategy: at each evaluation it wishes for an entry that rests behind
/// the touch and that the next change of the best quote cancels. Throttles are out of its way.
const PROBE: &str = r#"
[strategy.1]
kind = "probe"
entries = "rest"
rest_percent = 1
stop_percent = 4
follow_percent = 0
ttl = "5s"

"#;

/// What the throttles are for the probe.
const OPEN: [(&str, i64); 5] = [
    ("signals_per_session", 1_000_000),
    ("intents_per_session", 1_000_000),
    ("entries_per_instrument", 65_535),
    ("entries_per_strategy", 1_000_000),
    ("losses", 1_000),
];

/// A run over one symbol with the probe, evaluations in the calendar's sessions.
///
/// # Errors
/// When the configuration is refused.
pub fn probe(symbol: &str) -> Result<Setup> {
    let (before, rest) = SAMPLE.split_once("[strategy.1]").context("no strategy")?;
    let (_, behind) = rest.split_once("\n[risk]").context("no risk")?;
    let mut text = format!("{before}{PROBE}[risk]{behind}");
    for (key, value) in OPEN {
        text = with(&text, key, &value.to_string());
    }
    for key in [
        "signal_quiet",
        "cool_down_refused",
        "cool_down_unfilled",
        "cool_down",
    ] {
        text = with(&text, key, "\"0s\"");
    }
    // A quote is all there is.
    read(&with(&text, "need_depth", "false"), symbol)
}

/// The text with another value for a key that stands at the start of a line.
fn with(text: &str, key: &str, value: &str) -> String {
    let line = |line: &str| match line.split_once(" = ") {
        Some((own, _)) if own == key => format!("{key} = {value}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn read(text: &str, symbol: &str) -> Result<Setup> {
    let mut settings = Settings::default();
    settings.add_sample(text);
    let symbols = Value::List(vec![symbol.to_owned()]);
    settings.add_flag("peers", "universe.symbols", symbols);
    Ok(Setup::read(&settings)?)
}

/// Runs it with the journal in `dir`, a new folder.
///
/// # Errors
/// What ends the run before its time.
pub fn run(setup: Setup, source: MemorySource, dir: &Path) -> Result<Done> {
    let mut journal = journal::Options::new(dir);
    journal.account = "BENCH".to_owned();
    journal.segment_bytes = setup.journal.segment_bytes;
    journal.durability = setup.journal.durability;
    let (tell, told) = std::sync::mpsc::channel();
    let noted = Noted {
        inner: source,
        begun: None,
        tell,
    };
    let plan = Plan {
        setup,
        sources: Merge::new(vec![Box::new(noted)]),
        journal,
        idle: Idle::Spin,
        layout: Layout::of(1).map_err(anyhow::Error::msg)?,
        pace: Pace::Virtual,
        facts: String::new(),
        line: None,
    };
    let begin = Instant::now();
    engine::run::run(plan, |_| {})?;
    let whole = begin.elapsed();
    let stream = told.try_recv().unwrap_or(whole);
    Ok(Done { whole, stream })
}

/// A source that tells how long it took from its first frame to its end.
#[derive(Debug)]
struct Noted {
    inner: MemorySource,
    begun: Option<Instant>,
    tell: std::sync::mpsc::Sender<Duration>,
}

impl Source for Noted {
    #[inline]
    fn next(&mut self) -> Next {
        let next = self.inner.next();
        if next == Next::End
            && let Some(begun) = self.begun.take()
        {
            // Nobody listens any more when the run was given up: then nobody needs it.
            self.tell.send(begun.elapsed()).ok();
        }
        next
    }

    #[inline]
    fn take(&mut self, draft: &mut Draft) -> bool {
        if self.begun.is_none() {
            return self.take_first(draft);
        }
        self.inner.take(draft)
    }

    #[inline]
    fn take_before(&mut self, limit: Nanos, draft: &mut Draft) -> Option<Nanos> {
        if self.begun.is_none() {
            // The long way asks when it falls due and takes it.
            return None;
        }
        self.inner.take_before(limit, draft)
    }
}

impl Noted {
    // A call at the very end: all others need save nothing for it.
    #[cold]
    #[inline(never)]
    fn take_first(&mut self, draft: &mut Draft) -> bool {
        self.begun = Some(Instant::now());
        self.inner.take(draft)
    }
}
