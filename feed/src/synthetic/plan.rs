//! The session's fixed incidents in order of time: opens, pauses, the feed gap.

use super::config::Config;
use stream::Nanos;

/// What is planned for one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Incident {
    /// Trading begins.
    Open,
    /// Its messages are lost from now on.
    GapBegin,
    /// It is paused.
    Pause,
    /// A new book, quotes only.
    QuoteOnly,
    /// It trades again.
    Resume,
    /// Messages arrive again.
    GapEnd,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    incidents: Vec<(Nanos, Incident, u16)>,
    done: usize,
}

impl Plan {
    pub(super) fn new(config: &Config) -> Self {
        let at = |after: Nanos| config.start.saturating_add(after);
        let mut incidents = Vec::new();
        for index in 0..config.symbols.len() {
            incidents.push((config.start, Incident::Open, index as u16));
        }
        for halt in &config.halts {
            let index = halt.symbol as u16;
            let quotes = halt.after.saturating_add(halt.pause);
            incidents.push((at(halt.after), Incident::Pause, index));
            incidents.push((at(quotes), Incident::QuoteOnly, index));
            incidents.push((at(halt.end()), Incident::Resume, index));
        }
        if let Some(gap) = &config.gap {
            for &index in &gap.symbols {
                let end = gap.after.saturating_add(gap.length);
                incidents.push((at(gap.after), Incident::GapBegin, index as u16));
                incidents.push((at(end), Incident::GapEnd, index as u16));
            }
        }
        incidents.sort_unstable();
        Self { incidents, done: 0 }
    }

    /// When the next one falls due; `Nanos::MAX` when none is left.
    pub(super) fn due(&self) -> Nanos {
        self.incidents
            .get(self.done)
            .map_or(Nanos::MAX, |incident| incident.0)
    }

    /// The next one and its symbol.
    ///
    /// # Panics
    /// When none is left.
    pub(super) fn take(&mut self) -> (Incident, usize) {
        let (_, incident, index) = self.incidents[self.done];
        self.done += 1;
        (incident, usize::from(index))
    }
}
