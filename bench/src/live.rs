//! One run by the clock, as `spindle run --mode sim` makes it, and what its journal tells of it.

use crate::benches::Bench;
use crate::cores::Cores;
use anyhow::{Context, Result};
use engine::clock::utc;
use engine::config::{Settings, Value};
use engine::lane::Idle;
use engine::layout::Layout;
use engine::meter::LaneMeter;
use engine::run::{Pace, Plan};
use engine::setup::{SAMPLE, Setup};
use feed::head::Merge;
use journal::Durability;
use std::path::Path;
use std::time::Duration;
use stream::payload::{Session, SessionKind};
use stream::{Nanos, Source};

/// Of the sample's tables, those that a bench changes, as `key = value`.
pub type Changes<'a> = &'a [(&'a str, &'a str)];

/// What lets a probe's commands come as often as the market gives occasion: throttles that never
/// close, and a broker within reach. Its answers come at odd times: were they due a whole number of
/// events behind the command, each would fall due with an event, go first, and be what is measured.
pub const UNTHROTTLED: Changes<'static> = &[
    ("signal.entries_before_close", "0s"),
    ("risk.entries_stop_before_close", "1s"),
    ("risk.flat_before_close", "1s"),
    ("throttle.signals_per_session", "1000000"),
    ("throttle.intents_per_session", "1000000"),
    ("throttle.entries_per_instrument", "65535"),
    ("throttle.entries_per_strategy", "1000000"),
    ("throttle.signal_quiet", "0s"),
    ("throttle.cool_down", "0s"),
    ("throttle.cool_down_loss", "0s"),
    ("throttle.cool_down_refused", "0s"),
    ("throttle.cool_down_unfilled", "0s"),
    ("throttle.losses", "0"),
    ("sim.outbound_base", "20us"),
    ("sim.outbound_jitter", "10us"),
    ("sim.response_base", "20us"),
    ("sim.response_jitter", "10us"),
    ("sim.reject_percent", "0"),
];

/// The sample with another universe, a probe in place of its strategy where its entries are named,
/// and some changes to all of that; one session around now.
///
/// # Errors
/// When a change is none that the configuration knows.
pub fn setup(symbols: &[String], probe: Option<&str>, changes: &[Changes<'_>]) -> Result<Setup> {
    let mut settings = Settings::default();
    settings.add_sample(SAMPLE);
    settings.add_flag("bench", "universe.symbols", Value::List(symbols.to_vec()));
    if let Some(entries) = probe {
        settings.drop_table("strategy");
        let mut set = |key: &str, value: Value| {
            settings.add_flag("bench", &format!("strategy.1.{key}"), value);
        };
        let text = |text: &str| Value::Text(text.to_owned());
        let percent = |digits: &str| Value::Number(digits.to_owned());
        set("kind", text("probe"));
        set("entries", text(entries));
        set("rest_percent", percent("1"));
        set("stop_percent", percent("3"));
        set("follow_percent", percent("1.5"));
        set("ttl", text("1s"));
    }
    let mut set = |key: &str, value: &str| {
        let number = value.parse::<f64>().is_ok();
        let value = if number {
            Value::Number(value.to_owned())
        } else {
            Value::Text(value.to_owned())
        };
        settings.add_flag("bench", key, value);
    };
    for (key, value) in changes.iter().copied().flatten() {
        set(key, value);
    }
    let mut setup = Setup::read(&settings)?;
    let now = utc();
    setup.session = Some(Session {
        open: now,
        close: now + Nanos::from_secs(86_400),
        date: 20_120_621,
        kind: SessionKind::Regular,
        ..Session::zeroed()
    });
    Ok(setup)
}

/// A run to be made.
pub struct Task<'a> {
    /// The configuration.
    pub setup: Setup,
    /// The market, due by the clock.
    pub source: Box<dyn Source + Send>,
    /// When to end.
    pub until: Nanos,
    /// 1, 2, 3 or 5.
    pub lanes: usize,
    /// When a command that adds risk may leave.
    pub durability: Durability,
    /// A folder for the journal, new.
    pub dir: &'a Path,
}

/// Runs it; `watch` is called about ten times a second on the calling thread. What the lanes
/// measured comes back in the pipeline's order.
///
/// # Errors
/// What ends the run before its time.
pub fn run(bench: &Bench, task: Task<'_>, mut watch: impl FnMut()) -> Result<Vec<LaneMeter>> {
    let layout = layout(&bench.cores, task.lanes)?;
    let pinned = layout.cores.iter().all(Option::is_some);
    let mut journal = journal::Options::new(task.dir);
    journal.account = "BENCH".to_owned();
    journal.segment_bytes = task.setup.journal.segment_bytes;
    journal.durability = task.durability;
    journal.sync_every = Duration::from_nanos(task.setup.journal.sync_every.0);
    let plan = Plan {
        setup: task.setup,
        sources: Merge::new(vec![task.source]),
        journal,
        layout,
        idle: if pinned { Idle::Spin } else { Idle::Backoff },
        line: None,
        pace: Pace::Live { until: task.until },
        facts: String::new(),
    };
    let finished = engine::run::run(plan, |_| watch()).context("a live run")?;
    Ok(finished.meters)
}

/// The lanes, each on a core of its own where there are as many; else wherever the system puts
/// them.
///
/// # Errors
/// When that number of lanes is none of the usual ones.
pub fn layout(cores: &Cores, lanes: usize) -> Result<Layout> {
    let mut layout = Layout::of(lanes).map_err(anyhow::Error::msg)?;
    match lanes {
        1 => layout.cores = vec![cores.two[0]],
        2 => layout.cores = cores.two.to_vec(),
        _ if cores.allowed.len() >= lanes => {
            layout.cores = cores.allowed[..lanes].iter().copied().map(Some).collect();
        }
        _ => {}
    }
    Ok(layout)
}
