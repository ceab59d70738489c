//! What a bench found: a table for people, one object for programs.

use crate::distribution::Distribution;
use crate::measure::Spread;
use serde::Serialize;
use std::fmt;

/// One thing that was measured several times.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// How often.
    pub runs: usize,
    /// The smallest.
    pub min: f64,
    /// The middle one.
    pub median: f64,
    /// The largest.
    pub max: f64,
    /// What else is worth knowing.
    pub detail: String,
}

/// What a figure was meant to be.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// Of what.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// The median that was measured.
    pub value: f64,
    /// What it was meant to be.
    pub target: f64,
    /// True when more is better.
    pub at_least: bool,
    /// Whether it is.
    pub met: bool,
    /// What bounds it, measured in the same run.
    pub floor: Option<f64>,
    /// The best of its peers, measured in the same run.
    pub peer: Option<f64>,
}

/// What a bench found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Its name.
    pub bench: &'static str,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// Against what.
    pub targets: Vec<Target>,
    /// Latencies as a whole, for files and plots.
    pub distributions: Vec<Distribution>,
    /// What the figures do not say: choices, and what was not measured and why.
    pub notes: Vec<String>,
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new(bench: &'static str) -> Self {
        Self {
            bench,
            ..Self::default()
        }
    }

    /// Adds a figure.
    pub fn figure(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        runs: usize,
        spread: Spread,
        detail: impl Into<String>,
    ) {
        self.figures.push(Figure {
            name: name.into(),
            unit,
            runs,
            min: spread.min,
            median: spread.median,
            max: spread.max,
            detail: detail.into(),
        });
    }

    /// Adds latencies as a whole.
    pub fn distribution(&mut self, distribution: Distribution) {
        self.distributions.push(distribution);
    }

    /// Adds a target that the value must reach; what was measured beside it can be filled in.
    pub fn at_least(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        value: f64,
        target: f64,
        floor: Option<f64>,
    ) -> &mut Target {
        self.target(Target {
            name: name.into(),
            unit,
            value,
            target,
            at_least: true,
            met: value >= target,
            floor,
            peer: None,
        })
    }

    /// Adds a target that the value must not exceed; what was measured beside it can be filled in.
    pub fn at_most(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        value: f64,
        target: f64,
    ) -> &mut Target {
        self.target(Target {
            name: name.into(),
            unit,
            value,
            target,
            at_least: false,
            met: value <= target,
            floor: None,
            peer: None,
        })
    }

    fn target(&mut self, target: Target) -> &mut Target {
        let at = self.targets.len();
        self.targets.push(target);
        &mut self.targets[at]
    }

    /// Adds a note.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

/// A number with about four digits.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 1_000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self.figures.iter().map(|figure| figure.name.len());
        let wide = wide.chain(self.targets.iter().map(|target| target.name.len()));
        let wide = wide.max().unwrap_or(0).max(24);
        writeln!(f, "== {}", self.bench)?;
        let (runs, min, median, max) = ("runs", "min", "median", "max");
        writeln!(
            f,
            "{:wide$} {runs:>5} {min:>9} {median:>9} {max:>9}  unit",
            ""
        )?;
        for figure in &self.figures {
            let [min, median, max] = [figure.min, figure.median, figure.max].map(short);
            let Figure {
                name,
                runs,
                unit,
                detail,
                ..
            } = figure;
            write!(
                f,
                "{name:wide$} {runs:>5} {min:>9} {median:>9} {max:>9}  {unit}"
            )?;
            writeln!(f, "{}{detail}", if detail.is_empty() { "" } else { "; " })?;
        }
        for target in &self.targets {
            let relation = if target.at_least { ">=" } else { "<=" };
            let verdict = if target.met { "met" } else { "MISSED" };
            let (value, limit, unit) = (short(target.value), short(target.target), target.unit);
            let ratio = short(target.value / target.target);
            write!(
                f,
                "target {:wide$} {value} {relation} {limit} {unit}: ",
                target.name
            )?;
            write!(f, "{verdict}")?;
            if target.target > 0.0 {
                write!(f, ", {ratio} of the target")?;
            }
            if let Some(floor) = target.floor {
                let share = short(target.value / floor);
                write!(f, "; {share} of the floor {}", short(floor))?;
            }
            if let Some(peer) = target.peer {
                let share = short(target.value / peer);
                write!(f, "; {share} of the best peer's {}", short(peer))?;
            }
            writeln!(f)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_says_whether_it_is_met_and_in_which_direction() {
        let mut report = Report::new("some");
        report.at_least("rate", "M/s", 5.0, 4.0, Some(10.0));
        report.at_most("time", "s", 5.0, 4.0).peer = Some(2.0);
        report.at_most("count", "", 0.0, 0.0);
        let met: Vec<bool> = report.targets.iter().map(|target| target.met).collect();
        assert_eq!(met, [true, false, true]);
        let text = report.to_string();
        assert!(text.contains("5.000 >= 4.000 M/s: met, 1.250 of the target; 0.500 of the floor"));
        let missed = "5.000 <= 4.000 s: MISSED, 1.250 of the target; 2.500 of the best peer's";
        assert!(text.contains(missed), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        let keys = ["name", "value", "target", "met", "floor", "peer"];
        assert!(keys.iter().all(|key| json["targets"][0].get(key).is_some()));
    }
}
