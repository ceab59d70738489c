//! From a venue's instrument ids to the universe's.

use crate::symbols::Universe;
use ::dbn::{Metadata, SType};
use std::collections::BTreeMap;
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
    /// `None`: a symbol that nobody asked for.
    instrument: Option<InstrumentId>,
}

/// Which of the universe's instruments a venue's id means at a time.
#[derive(Clone, Debug)]
pub(super) struct Symbology {
    universe: Universe,
    /// Sorted. Of ids that were never an instrument's there are none.
    entries: Vec<Entry>,
    /// By id that a mapping in the middle of the file made an instrument's: its raw symbol.
    raw_symbols: BTreeMap<u32, String>,
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

/// Every interval in which the metadata gives a symbol an id.
fn intervals<'a>(
    metadata: &'a Metadata,
    universe: &'a Universe,
) -> impl Iterator<Item = Entry> + 'a {
    let by_id = metadata.stype_in == Some(SType::InstrumentId);
    metadata.mappings.iter().flat_map(move |mapping| {
        mapping.intervals.iter().filter_map(move |interval| {
            let (symbol, id) = if by_id {
                (&interval.symbol, &mapping.raw_symbol)
            } else {
                (&mapping.raw_symbol, &interval.symbol)
            };
            Some(Entry {
                // An interval without an id is a date on which the symbol did not exist.
                venue_id: id.parse().ok()?,
                from: day_start(interval.start_date.to_julian_day()),
                to: day_start(interval.end_date.to_julian_day()),
                instrument: universe.id(symbol),
            })
        })
    })
}

/// Adds what is left of `other` where none of `ours`, sorted, has its id: one id may have several
/// names at a time (`ES.c.0` and `ES.v.0`), and then the one that was asked for counts.
fn add_rest(mut other: Entry, ours: &[Entry], rest: &mut Vec<Entry>) {
    let first = ours.partition_point(|own| own.venue_id < other.venue_id);
    let behind = ours.partition_point(|own| own.venue_id <= other.venue_id);
    let ours = &ours[first..behind];
    if ours.is_empty() {
        return;
    }
    for own in ours {
        let before = Entry {
            to: other.to.min(own.from),
            ..other
        };
        rest.extend((before.from < before.to).then_some(before));
        other.from = other.from.max(own.to);
    }
    rest.extend((other.from < other.to).then_some(other));
}

impl Symbology {
    pub(super) fn new(metadata: &Metadata, universe: &Universe) -> Self {
        let all = || intervals(metadata, universe);
        let mut ours: Vec<Entry> = all().filter(|entry| entry.instrument.is_some()).collect();
        ours.sort_unstable();
        let mut entries = Vec::new();
        for other in all().filter(|entry| entry.instrument.is_none()) {
            add_rest(other, &ours, &mut entries);
        }
        entries.append(&mut ours);
        entries.sort_unstable();
        Self {
            universe: universe.clone(),
            entries,
            raw_symbols: BTreeMap::new(),
            last: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The instrument that `venue_id` means at `ts`; `None` where that is no symbol that was asked
    /// for. Outside of every date that the file names for it, an id means what it meant on the
    /// nearest earlier one, or on the first.
    #[inline]
    pub(super) fn instrument(&mut self, venue_id: u32, ts: Nanos) -> Option<InstrumentId> {
        if let Some(entry) = self.entries.get(self.last)
            && entry.venue_id == venue_id
            && (entry.from..entry.to).contains(&ts.0)
        {
            return entry.instrument;
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
        self.entries[found].instrument
    }

    /// An id's meaning changes, or becomes known, in the middle of a file (live captures). Either
    /// name may be the one that was asked for: the one subscribed to (`ES.c.0`), or the raw symbol.
    pub(super) fn map(&mut self, [name, raw]: [&str; 2], venue_id: u32, from: Nanos) {
        let instrument = self.universe.id(name).or_else(|| self.universe.id(raw));
        let place = |e: &Entry| (e.venue_id, e.from) <= (venue_id, from.0);
        let at = self.entries.partition_point(place);
        if instrument.is_some() {
            self.raw_symbols.insert(venue_id, raw.to_owned());
        } else if !self.was_ours(venue_id, at) || self.is_also(venue_id, raw) {
            return;
        }
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

    /// True when the id, whose entries lie around `at`, was ever an instrument's.
    fn was_ours(&self, venue_id: u32, at: usize) -> bool {
        let around = [at.checked_sub(1), Some(at)].into_iter().flatten();
        around
            .filter_map(|index| self.entries.get(index))
            .any(|entry| entry.venue_id == venue_id)
    }

    /// True when `raw` is one more name of what the id means already.
    fn is_also(&self, venue_id: u32, raw: &str) -> bool {
        self.raw_symbols
            .get(&venue_id)
            .is_some_and(|known| known == raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::dbn::{MappingInterval, Schema, SymbolMapping};

    fn day(number: u64) -> u64 {
        number * DAY_NS
    }

    fn nothing_mapped(from: u64) -> Metadata {
        Metadata::builder()
            .dataset("DBEQ.BASIC")
            .schema(Some(Schema::Mbo))
            .start(from)
            .stype_in(Some(SType::RawSymbol))
            .stype_out(SType::InstrumentId)
            .build()
    }

    /// A symbol's ids, each from a day to before another.
    fn mapping(symbol: &str, ids: &[(&str, u64, u64)]) -> SymbolMapping {
        let interval = |&(id, from, to): &(&str, u64, u64)| MappingInterval {
            start_date: nothing_mapped(day(from)).start().date(),
            end_date: nothing_mapped(day(to)).start().date(),
            symbol: id.to_owned(),
        };
        SymbolMapping {
            raw_symbol: symbol.to_owned(),
            intervals: ids.iter().map(interval).collect(),
        }
    }

    fn symbology(asked: &[&str], mappings: Vec<SymbolMapping>) -> Symbology {
        let universe = Universe::new(asked).expect("good names");
        let metadata = Metadata {
            mappings,
            ..nothing_mapped(0)
        };
        Symbology::new(&metadata, &universe)
    }

    /// What an id means at noon of each of some days, 0 for nothing that was asked for.
    fn noons(symbology: &mut Symbology, id: u32, days: core::ops::Range<u64>) -> Vec<u16> {
        let mut at = |ts| symbology.instrument(id, Nanos(ts)).map_or(0, |i| i.0);
        days.map(|number| at(day(number) + DAY_NS / 2)).collect()
    }

    #[test]
    fn an_id_means_what_its_date_says() {
        let mut symbology = symbology(&["A", "B"], Vec::new());
        symbology.map(["B", "B"], 7, Nanos(200));
        symbology.map(["A", "A"], 7, Nanos(100));
        symbology.map(["C", "C"], 9, Nanos(100));
        let mut at = |id, ts| symbology.instrument(id, Nanos(ts)).map(|i| i.0);
        assert_eq!(at(7, 250), Some(2));
        assert_eq!(at(7, 150), Some(1));
        assert_eq!(at(7, 50), Some(1));
        assert_eq!((at(9, 150), at(8, 150), at(6, 150)), (None, None, None));
    }

    #[test]
    fn an_id_that_passes_to_a_symbol_nobody_asked_for_means_none() {
        let aapl = mapping("AAPL", &[("14", 10, 11), ("15", 11, 12), ("14", 14, 15)]);
        let aap = mapping("AAP", &[("13", 10, 11), ("14", 11, 12), ("", 12, 15)]);
        let mut symbology = symbology(&["AAPL"], vec![aap, aapl]);
        // Dates that no interval covers are as the nearest earlier one, or as the first.
        assert_eq!(noons(&mut symbology, 14, 9..17), [1, 1, 0, 0, 0, 1, 1, 1]);
        assert_eq!(noons(&mut symbology, 15, 9..13), [1; 4]);
        assert_eq!(noons(&mut symbology, 13, 9..13), [0; 4]);
    }

    #[test]
    fn of_several_names_at_a_time_the_one_that_was_asked_for_counts() {
        let front = mapping("ES.c.0", &[("14", 12, 14), ("20", 14, 16)]);
        let busy = mapping("ES.v.0", &[("14", 10, 15), ("20", 15, 16)]);
        let mut symbology = symbology(&["ES.c.0"], vec![front, busy]);
        assert_eq!(noons(&mut symbology, 14, 10..16), [0, 0, 1, 1, 0, 0]);
        assert_eq!(noons(&mut symbology, 20, 13..17), [1; 4]);
    }

    #[test]
    fn a_mapping_in_the_middle_of_a_file_takes_an_id_away() {
        let mut symbology = symbology(&["AAPL", "ES.c.0"], Vec::new());
        symbology.map(["AAPL", "AAPL"], 14, Nanos(100));
        symbology.map(["AAP", "AAP"], 14, Nanos(200));
        symbology.map(["AAPL", "AAPL"], 15, Nanos(200));
        // One more name of the same contract takes nothing away; another contract does.
        symbology.map(["ES.c.0", "ESM4"], 20, Nanos(100));
        symbology.map(["ES.FUT", "ESM4"], 20, Nanos(150));
        symbology.map(["ES.FUT", "ESU4"], 20, Nanos(200));
        let mut at = |id, ts| symbology.instrument(id, Nanos(ts)).map_or(0, |i| i.0);
        assert_eq!([at(14, 150), at(14, 250), at(15, 250)], [1, 0, 1]);
        assert_eq!([at(20, 120), at(20, 170), at(20, 250)], [2, 2, 0]);
        // The later word counts, also of the same time.
        symbology.map(["AAPL", "AAPL"], 14, Nanos(200));
        assert_eq!(symbology.instrument(14, Nanos(250)), Some(InstrumentId(1)));
    }
}
