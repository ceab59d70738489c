//! From a venue's instrument ids to the universe's.

use crate::symbols::Universe;
use ::dbn::{Metadata, SType};
use stream::{InstrumentId, Nanos};

const DAY_NS: u64 = 86_400_000_000_000;
/// The Julian day number of 1970-01-01.
const EPOCH_JULIAN: i64 = 2_440_588;

/// One id's meaning from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    venue_id: u32,
    from: u64,
    to: u64,
    instrument: InstrumentId,
}

/// Which of the universe's instruments a venue's id means at a time.
#[derive(Clone, Debug)]
pub(super) struct Symbology {
    universe: Universe,
    /// Sorted.
    entries: Vec<Entry>,
    last: usize,
}

/// The symbols that metadata names: what was asked of the vendor, as far as it was found.
pub(super) fn symbols(metadata: &Metadata) -> Vec<String> {
    if metadata.mappings.is_empty() {
        return metadata.symbols.clone();
    }
    let mut names = Vec::new();
    for mapping in &metadata.mappings {
        if metadata.stype_in == Some(SType::InstrumentId) {
            names.extend(mapping.intervals.iter().map(|i| i.symbol.clone()));
        } else {
            names.push(mapping.raw_symbol.clone());
        }
    }
    names.dedup();
    names
}

fn day_start(julian_day: i32) -> u64 {
    let days = i64::from(julian_day) - EPOCH_JULIAN;
    u64::try_from(days).unwrap_or(0).saturating_mul(DAY_NS)
}

impl Symbology {
    pub(super) fn new(metadata: &Metadata, universe: &Universe) -> Self {
        let mut entries = Vec::new();
        let by_id = metadata.stype_in == Some(SType::InstrumentId);
        for mapping in &metadata.mappings {
            for interval in &mapping.intervals {
                let (symbol, id) = if by_id {
                    (&interval.symbol, &mapping.raw_symbol)
                } else {
                    (&mapping.raw_symbol, &interval.symbol)
                };
                // An interval without an id is a date on which the symbol did not exist.
                let (Some(instrument), Ok(venue_id)) = (universe.id(symbol), id.parse()) else {
                    continue;
                };
                entries.push(Entry {
                    venue_id,
                    from: day_start(interval.start_date.to_julian_day()),
                    to: day_start(interval.end_date.to_julian_day()),
                    instrument,
                });
            }
        }
        entries.sort_unstable();
        Self {
            universe: universe.clone(),
            entries,
            last: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The instrument that `venue_id` means at `ts`. Outside of every date that the file names,
    /// an id means what it meant on the nearest earlier one, or on the first.
    #[inline]
    pub(super) fn instrument(&mut self, venue_id: u32, ts: Nanos) -> Option<InstrumentId> {
        if let Some(entry) = self.entries.get(self.last)
            && entry.venue_id == venue_id
            && (entry.from..entry.to).contains(&ts.0)
        {
            return Some(entry.instrument);
        }
        let behind = self
            .entries
            .partition_point(|e| (e.venue_id, e.from) <= (venue_id, ts.0));
        let earlier = behind
            .checked_sub(1)
            .map(|index| (index, self.entries[index]));
        let found = match earlier {
            Some((index, entry)) if entry.venue_id == venue_id => index,
            _ => match self.entries.get(behind) {
                Some(entry) if entry.venue_id == venue_id => behind,
                _ => return None,
            },
        };
        self.last = found;
        Some(self.entries[found].instrument)
    }

    /// A symbol's id changes, or becomes known, in the middle of a file (live captures).
    pub(super) fn map(&mut self, symbol: &str, venue_id: u32, from: Nanos) {
        let Some(instrument) = self.universe.id(symbol) else {
            return;
        };
        let place = |e: &Entry| (e.venue_id, e.from) < (venue_id, from.0);
        let at = self.entries.partition_point(place);
        let mut to = u64::MAX;
        if let Some(later) = self.entries.get(at)
            && later.venue_id == venue_id
        {
            to = later.from;
        }
        if let Some(earlier) = at.checked_sub(1).map(|index| &mut self.entries[index])
            && earlier.venue_id == venue_id
        {
            earlier.to = earlier.to.min(from.0);
        }
        let entry = Entry {
            venue_id,
            from: from.0,
            to,
            instrument,
        };
        self.entries.insert(at, entry);
        self.last = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_means_what_its_date_says() {
        let universe = Universe::new(["A", "B"]).expect("good names");
        let mut symbology = Symbology {
            universe,
            entries: Vec::new(),
            last: 0,
        };
        symbology.map("B", 7, Nanos(200));
        symbology.map("A", 7, Nanos(100));
        symbology.map("C", 9, Nanos(100));
        let mut at = |id, ts| symbology.instrument(id, Nanos(ts)).map(|i| i.0);
        assert_eq!(at(7, 250), Some(2));
        assert_eq!(at(7, 150), Some(1));
        assert_eq!(at(7, 50), Some(1));
        assert_eq!((at(9, 150), at(8, 150), at(6, 150)), (None, None, None));
    }
}
