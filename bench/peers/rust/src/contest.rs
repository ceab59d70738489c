//! Several contenders, turn by turn, so that a busy moment of the box meets all of them.

use anyhow::{Context as _, Result};
use bench::market::Place;
use bench::measure::{Effort, Run, Spread, mega_rates};
use bench::report::Report;
use std::path::PathBuf;
use tempfile::TempDir;

/// What every contest works with.
#[derive(Clone, Debug)]
pub struct Ring {
    /// How much is measured.
    pub effort: Effort,
    /// The market.
    pub place: Place,
    /// Where journals and databases are written, in folders that are removed afterwards.
    pub folder: PathBuf,
}

impl Ring {
    /// A folder for one run.
    ///
    /// # Errors
    /// When the system refuses one.
    pub fn temp(&self) -> Result<TempDir> {
        tempfile::Builder::new()
            .prefix("spindle-peers-")
            .tempdir_in(&self.folder)
            .with_context(|| format!("cannot make a folder in {}", self.folder.display()))
    }
}

/// One run of one contender; what it prepares inside is its own to leave untimed.
pub type Turn<'a> = Box<dyn FnMut() -> Result<Run> + 'a>;

/// A contender.
pub struct Contender<'a> {
    name: String,
    detail: String,
    ours: bool,
    turn: Turn<'a>,
}

impl<'a> Contender<'a> {
    /// One of ours.
    pub fn ours(
        name: &str,
        detail: impl Into<String>,
        turn: impl FnMut() -> Result<Run> + 'a,
    ) -> Self {
        Self::new(format!("spindle: {name}"), detail, true, turn)
    }

    /// A peer.
    pub fn peer(
        name: &str,
        detail: impl Into<String>,
        turn: impl FnMut() -> Result<Run> + 'a,
    ) -> Self {
        Self::new(name.to_owned(), detail, false, turn)
    }

    fn new(
        name: String,
        detail: impl Into<String>,
        ours: bool,
        turn: impl FnMut() -> Result<Run> + 'a,
    ) -> Self {
        Self {
            name,
            detail: detail.into(),
            ours,
            turn: Box::new(turn),
        }
    }
}

/// What is compared with what.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// How many times the best peer's rate the first of ours is to reach; `None`: it is told.
    pub ratio: Option<f64>,
    /// Rates (M/s) or the time of one thing (ns).
    pub nanos: bool,
}

/// Runs everybody in turn, `effort.runs` times after one round that warms up, and tells the rates,
/// the ratios and the goal. The first contender is the one whose goal it is.
///
/// # Errors
/// The first error of a turn.
pub fn contest(
    title: &str,
    effort: &Effort,
    mut contenders: Vec<Contender<'_>>,
    goal: Goal,
    report: &mut Report,
) -> Result<()> {
    let mut all: Vec<Vec<Run>> = vec![Vec::new(); contenders.len()];
    for round in 0..=effort.runs {
        for (contender, runs) in contenders.iter_mut().zip(&mut all) {
            let run = (contender.turn)().with_context(|| contender.name.clone())?;
            if round > 0 {
                runs.push(run);
            }
        }
    }
    let rates: Vec<Spread> = all.iter().map(|runs| mega_rates(runs)).collect();
    let best = |ours: bool| {
        let sides = contenders.iter().zip(&rates);
        let side = sides.filter(move |(contender, _)| contender.ours == ours);
        side.map(|(_, rate)| rate.median).reduce(f64::max)
    };
    let peer = best(false);
    for ((contender, runs), rate) in contenders.iter().zip(&all).zip(&rates) {
        let name = format!("{title}, {}", contender.name);
        let mut detail = contender.detail.clone();
        if contender.ours
            && let Some(peer) = peer
        {
            let ratio = rate.median / peer;
            detail = format!("{ratio:.2} x the best peer; {detail}");
        }
        let (unit, spread) = if goal.nanos {
            let nanos = |run: &Run| 1e9 / run.rate();
            ("ns", Spread::of(runs.iter().map(nanos)))
        } else {
            ("M/s", *rate)
        };
        report.figure(name, unit, runs.len(), spread, detail);
    }
    if let (Some(ratio), Some(peer)) = (goal.ratio, peer) {
        target(report, title, rates[0].median, peer, ratio);
    }
    Ok(())
}

/// Notes whether our rate is so many times the peer's.
pub fn target(report: &mut Report, title: &str, ours: f64, peer: f64, ratio: f64) {
    let name = format!("{title}, spindle / best peer");
    report.at_least(name, "x", ours / peer, ratio, None);
    if let Some(target) = report.targets.last_mut() {
        target.peer = Some(1.0);
    }
}
