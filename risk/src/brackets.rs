//! The orders that risk has permitted: what each may still fill, and whose they are.
//!
//! A bracket is *live* while its entry may still fill or some of it is still held. A dead one is
//! kept as long as there is room, so that an execution that comes after its cancel is still known;
//! the oldest dead one makes room.
//!
//! Guarantee: at most [`BRACKETS_MAX`] live brackets of entries; the rest of the table is for
//! flattens and for the dead.

use stream::limits::BRACKETS_MAX;
use stream::{FrameId, InstrumentId, Side, hash};

/// Brackets in the table, live and dead.
pub(crate) const TABLE: usize = 2 * BRACKETS_MAX;
const _: () = assert!(TABLE <= u16::MAX as usize);

/// One permitted order and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bracket {
    /// Its name; none marks a free place.
    pub(crate) origin: FrameId,
    pub(crate) signal: FrameId,
    /// The entry leg, as far as known.
    pub(crate) entry_leg: FrameId,
    pub(crate) instrument: InstrumentId,
    pub(crate) strategy: u16,
    pub(crate) side: Side,
    /// Made by risk to close something; reserves nothing.
    pub(crate) flatten: bool,
    /// Ordered.
    pub(crate) qty: u32,
    /// Still counted as about to fill.
    pub(crate) reserved: u32,
    /// Filled by the entry (or by the flatten).
    pub(crate) filled: u32,
    /// Closed by the other legs.
    pub(crate) exited: u32,
    /// Lost per unit at the stop, in 1e-9.
    pub(crate) unit_risk: i64,
}

impl Bracket {
    pub(crate) const fn is_live(&self) -> bool {
        !self.origin.is_none()
            && (self.reserved > 0 || (!self.flatten && self.exited < self.filled))
    }

    fn hash(&self) -> u64 {
        [
            u64::from(self.reserved) << 32 | u64::from(self.qty),
            u64::from(self.filled) << 32 | u64::from(self.exited),
            u64::from(self.instrument.0) << 16 | u64::from(self.strategy),
            u64::from(self.flatten),
            self.entry_leg.0,
        ]
        .into_iter()
        .fold(hash::mix(self.origin.0), hash::fold)
    }
}

/// The table.
#[derive(Debug)]
pub(crate) struct Brackets {
    table: Vec<Bracket>,
    /// The places that are taken, the oldest bracket's first.
    by_age: Vec<u16>,
    /// No bracket's name is higher: an order that comes is not among the known.
    highest: FrameId,
    /// Brackets of entries that are live.
    live: usize,
    hash: u64,
}

impl Brackets {
    pub(crate) fn new() -> Self {
        Self {
            table: vec![Bracket::default(); TABLE],
            by_age: Vec::with_capacity(TABLE),
            highest: FrameId::NONE,
            live: 0,
            hash: 0,
        }
    }

    /// The place of the bracket with that name. The newest are asked for most.
    pub(crate) fn find(&self, origin: FrameId) -> Option<usize> {
        if origin.is_none() || origin > self.highest {
            return None;
        }
        let mut newest_first = self.by_age.iter().rev().map(|&place| usize::from(place));
        newest_first.find(|&place| self.table[place].origin == origin)
    }

    pub(crate) fn get(&self, place: usize) -> Bracket {
        self.table[place]
    }

    /// Entries that may still be permitted.
    pub(crate) const fn free(&self) -> usize {
        BRACKETS_MAX.saturating_sub(self.live)
    }

    /// Adds a bracket, in a free place or in the oldest dead one; false when all are live.
    #[must_use]
    pub(crate) fn insert(&mut self, bracket: Bracket) -> bool {
        assert!(!bracket.origin.is_none(), "a bracket has a name");
        let known = self.by_age.len();
        let place = if known < TABLE {
            known as u16
        } else {
            let is_dead = |&place: &u16| !self.table[usize::from(place)].is_live();
            let Some(age) = self.by_age.iter().position(is_dead) else {
                return false;
            };
            self.by_age.remove(age)
        };
        self.by_age.push(place);
        self.highest = self.highest.max(bracket.origin);
        self.put(usize::from(place), bracket);
        true
    }

    /// Changes one bracket.
    pub(crate) fn update(&mut self, place: usize, change: impl FnOnce(&mut Bracket)) -> Bracket {
        let mut bracket = self.table[place];
        change(&mut bracket);
        self.put(place, bracket);
        bracket
    }

    fn put(&mut self, place: usize, new: Bracket) {
        let old = self.table[place];
        for (bracket, sign) in [(&old, -1), (&new, 1)] {
            let entry = bracket.is_live() && !bracket.flatten;
            self.live = self.live.wrapping_add_signed(isize::from(entry) * sign);
        }
        if !old.origin.is_none() {
            self.hash ^= old.hash();
        }
        self.hash ^= new.hash();
        self.table[place] = new;
    }

    /// Nothing of `instrument` is held any more: whatever its brackets still held was closed by
    /// others.
    pub(crate) fn flat(&mut self, instrument: InstrumentId) {
        for place in 0..TABLE {
            let bracket = self.table[place];
            if bracket.instrument == instrument && bracket.exited < bracket.filled {
                self.update(place, |bracket| bracket.exited = bracket.filled);
            }
        }
    }

    /// Two instruments change places.
    pub(crate) fn swap_instruments(&mut self, a: InstrumentId, b: InstrumentId) {
        for place in 0..TABLE {
            let other = swapped(self.table[place].instrument, a, b);
            if other != self.table[place].instrument {
                self.update(place, |bracket| bracket.instrument = other);
            }
        }
    }

    /// Known brackets, oldest first: the order in which [`Brackets::insert`] rebuilds the table.
    pub(crate) fn by_age(&self) -> impl Iterator<Item = &Bracket> {
        let place = |&place: &u16| &self.table[usize::from(place)];
        self.by_age.iter().map(place)
    }

    /// How many brackets are known.
    pub(crate) fn len(&self) -> usize {
        self.by_age.len()
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }
}

/// `b` for `a`, `a` for `b`, all others as they are.
pub(crate) fn swapped(id: InstrumentId, a: InstrumentId, b: InstrumentId) -> InstrumentId {
    match id {
        id if id == a => b,
        id if id == b => a,
        id => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bracket(number: u64) -> Bracket {
        Bracket {
            origin: FrameId::new(number, 1),
            instrument: InstrumentId(1),
            side: Side::Buy,
            qty: 10,
            reserved: 10,
            ..Bracket::default()
        }
    }

    #[test]
    fn the_oldest_dead_bracket_makes_room_and_live_ones_stay() {
        let mut brackets = Brackets::new();
        for number in 1..=TABLE as u64 {
            assert!(brackets.insert(bracket(number)));
        }
        assert!(!brackets.insert(bracket(9_999)), "all are live");
        assert_eq!(brackets.free(), 0);
        for number in [7, 5] {
            let place = brackets.find(FrameId::new(number, 1)).expect("known");
            brackets.update(place, |bracket| bracket.reserved = 0);
        }
        assert!(brackets.insert(bracket(9_999)));
        assert_eq!(brackets.find(FrameId::new(5, 1)), None);
        assert!(brackets.find(FrameId::new(7, 1)).is_some());
    }

    #[test]
    fn a_bracket_lives_until_all_of_it_is_closed() {
        let mut brackets = Brackets::new();
        assert!(brackets.insert(bracket(1)));
        assert_eq!(brackets.free(), BRACKETS_MAX - 1);
        brackets.update(0, |b| (b.reserved, b.filled) = (0, 10));
        assert!(brackets.get(0).is_live());
        brackets.update(0, |b| b.exited = 4);
        assert_eq!(brackets.free(), BRACKETS_MAX - 1);
        brackets.flat(InstrumentId(2));
        assert!(brackets.get(0).is_live());
        brackets.flat(InstrumentId(1));
        assert_eq!(brackets.free(), BRACKETS_MAX);
        assert!(brackets.find(FrameId::new(1, 1)).is_some());
    }

    /// The same by a list that is searched and shifted: what is forgotten, found and listed.
    #[test]
    fn it_holds_what_a_plain_list_holds() {
        let mut brackets = Brackets::new();
        let mut list: Vec<Bracket> = Vec::new();
        let mut random = 1_u64;
        for number in 1..=4 * TABLE as u64 {
            random = hash::mix(random);
            let new = bracket(number);
            let oldest_dead = list.iter().position(|known| !known.is_live());
            let fits = list.len() < TABLE || oldest_dead.is_some();
            assert_eq!(brackets.insert(new), fits);
            if list.len() == TABLE && fits {
                list.remove(oldest_dead.unwrap());
            }
            if fits {
                list.push(new);
            }
            // All but a few come to rest, long after they came or soon.
            let at = random as usize % list.len();
            if !random.is_multiple_of(5) {
                list[at].reserved = 0;
                let place = brackets.find(list[at].origin).expect("known");
                brackets.update(place, |bracket| bracket.reserved = 0);
            }
            let asked = FrameId::new(1 + hash::mix(random) % (number + 9), 1);
            let known = list.iter().find(|known| known.origin == asked);
            let found = brackets.find(asked).map(|place| brackets.get(place));
            assert_eq!(found.as_ref(), known);
        }
        assert_eq!(brackets.len(), TABLE);
        assert!(brackets.by_age().eq(&list));
    }
}
