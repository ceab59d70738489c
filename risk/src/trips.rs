//! Round trips: from flat to flat, reported when every fee is known or was waited for long enough.
//!
//! Guarantee: bounded. When the table is full the oldest trip that waits for fees is reported at
//! once, flagged; when every trip is open, a further one is not tracked (its position and profit
//! are, and the instrument takes no entry).

use crate::brackets::swapped;
use stream::payload::{LegRole, RoundTrip};
use stream::{FrameId, InstrumentId, Money, Nanos, Price, Side, hash};

/// Round trips open or waiting for fees.
pub(crate) const TRIPS_MAX: usize = 256;

/// One round trip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trip {
    /// Its number, from 1; 0 marks a free place.
    pub(crate) id: u32,
    pub(crate) instrument: InstrumentId,
    pub(crate) strategy: u16,
    pub(crate) side: Side,
    pub(crate) exit_role: LegRole,
    pub(crate) origin: FrameId,
    pub(crate) signal: FrameId,
    /// Most that was held.
    pub(crate) most: u32,
    /// Opened in all, and the sum of price × quantity.
    pub(crate) entered: u64,
    pub(crate) entered_value: i128,
    /// Closed in all, and the sum of price × quantity.
    pub(crate) exited: u64,
    pub(crate) exited_value: i128,
    pub(crate) gross: i128,
    pub(crate) fees: i128,
    pub(crate) risk: i128,
    /// Executions whose fee is awaited.
    pub(crate) awaited: u32,
    /// Executions whose fee was given up.
    pub(crate) missing: u32,
    pub(crate) opened: Nanos,
    /// Zero while open.
    pub(crate) closed: Nanos,
}

impl Trip {
    pub(crate) const fn is_open(&self) -> bool {
        self.id != 0 && self.closed.0 == 0
    }

    /// The report. Averages are rounded towards zero; amounts beyond [`Money`] are clamped.
    pub(crate) fn report(&self) -> RoundTrip {
        RoundTrip {
            origin: self.origin,
            signal: self.signal,
            qty: self.most,
            side: self.side,
            exit_role: self.exit_role,
            strategy: self.strategy,
            entry: mean(self.entered_value, self.entered),
            exit: mean(self.exited_value, self.exited),
            gross: clamp(self.gross),
            fees: clamp(self.fees),
            opened: self.opened,
            closed: self.closed,
            risk: clamp(self.risk),
            fees_missing: self.missing + self.awaited,
            spare: [0; 12],
        }
    }

    fn hash(&self) -> u64 {
        [
            u64::from(self.most) << 32 | u64::from(self.awaited),
            self.entered << 32 | self.exited,
            self.gross as u64,
            self.fees as u64,
            self.entered_value as u64,
            self.exited_value as u64,
            self.closed.0,
        ]
        .into_iter()
        .fold(hash::mix(self.origin.0 ^ u64::from(self.id)), hash::fold)
    }
}

fn mean(value: i128, qty: u64) -> Price {
    Price(value.checked_div(i128::from(qty)).unwrap_or(0) as i64)
}

/// An amount in 1e-9 as money, clamped to its range.
pub(crate) fn clamp(amount: i128) -> Money {
    Money(amount.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
}

/// The table.
#[derive(Debug)]
pub(crate) struct Trips {
    table: Vec<Trip>,
    next_id: u32,
    /// Trips that are closed and wait for fees.
    waiting: usize,
    hash: u64,
}

impl Trips {
    pub(crate) fn new() -> Self {
        Self {
            table: vec![Trip::default(); TRIPS_MAX],
            next_id: 1,
            waiting: 0,
            hash: 0,
        }
    }

    /// Opens a trip: its number, and the report of one that had to make room. No number when
    /// every place holds an open trip.
    pub(crate) fn open(&mut self, mut trip: Trip) -> (Option<u32>, Option<Trip>) {
        let free = self.table.iter().position(|other| other.id == 0);
        let evicted = if free.is_none() {
            self.oldest_waiting()
        } else {
            None
        };
        let Some(place) = free.or(evicted) else {
            return (None, None);
        };
        let old = self.table[place];
        trip.id = self.next_id;
        self.next_id = self
            .next_id
            .checked_add(1)
            .expect("four billion round trips");
        self.put(place, trip);
        (Some(trip.id), (old.id != 0).then_some(old))
    }

    pub(crate) fn find(&self, id: u32) -> Option<usize> {
        (id != 0).then(|| self.table.iter().position(|trip| trip.id == id))?
    }

    pub(crate) fn get(&self, place: usize) -> Trip {
        self.table[place]
    }

    pub(crate) fn update(&mut self, place: usize, change: impl FnOnce(&mut Trip)) -> Trip {
        let mut trip = self.table[place];
        change(&mut trip);
        self.put(place, trip);
        trip
    }

    /// Takes the trip out when it is closed and, unless `anyway`, all its fees are known.
    pub(crate) fn take_done(&mut self, place: usize, anyway: bool) -> Option<Trip> {
        let trip = self.table[place];
        if trip.id == 0 || trip.is_open() || (trip.awaited > 0 && !anyway) {
            return None;
        }
        self.put(place, Trip::default());
        Some(trip)
    }

    /// The oldest closed trip that has waited for fees until `deadline` or longer.
    pub(crate) fn overdue(&self, deadline: Nanos) -> Option<usize> {
        if self.waiting == 0 {
            return None;
        }
        let place = self.oldest_waiting()?;
        (self.table[place].closed <= deadline).then_some(place)
    }

    fn oldest_waiting(&self) -> Option<usize> {
        (0..TRIPS_MAX)
            .filter(|&place| self.table[place].id != 0 && !self.table[place].is_open())
            .min_by_key(|&place| (self.table[place].closed, self.table[place].id))
    }

    fn put(&mut self, place: usize, new: Trip) {
        let old = self.table[place];
        for (trip, sign) in [(&old, -1), (&new, 1)] {
            let waits = isize::from(trip.id != 0 && !trip.is_open());
            self.waiting = self.waiting.wrapping_add_signed(waits * sign);
            if trip.id != 0 {
                self.hash ^= trip.hash();
            }
        }
        self.table[place] = new;
    }

    /// Two instruments change places.
    pub(crate) fn swap_instruments(&mut self, a: InstrumentId, b: InstrumentId) {
        for place in 0..TRIPS_MAX {
            self.update(place, |trip| {
                trip.instrument = swapped(trip.instrument, a, b)
            });
        }
    }

    /// Puts back a saved trip under its own number.
    pub(crate) fn restore(&mut self, trip: Trip) -> bool {
        let place = self.table.iter().position(|other| other.id == 0);
        let Some(place) = place else { return false };
        self.next_id = self.next_id.max(trip.id.saturating_add(1));
        self.put(place, trip);
        true
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Trip> {
        self.table.iter().filter(|trip| trip.id != 0)
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) const fn next_id(&self) -> u32 {
        self.next_id
    }

    pub(crate) fn set_next_id(&mut self, next_id: u32) {
        self.next_id = self.next_id.max(next_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(at: u64) -> Trip {
        Trip {
            closed: Nanos(at),
            awaited: 1,
            ..Trip::default()
        }
    }

    #[test]
    fn a_full_table_reports_the_oldest_that_waits() {
        let mut trips = Trips::new();
        for at in 0..TRIPS_MAX as u64 {
            let trip = if at == 3 || at == 9 {
                closed(100 - at)
            } else {
                Trip::default()
            };
            assert_eq!(trips.open(trip).1, None);
        }
        let (id, evicted) = trips.open(Trip::default());
        assert!(id.is_some());
        assert_eq!(evicted.map(|trip| trip.closed), Some(Nanos(91)));
        assert_eq!(
            trips
                .open(Trip::default())
                .1
                .map(|t| t.report().fees_missing),
            Some(1)
        );
        assert_eq!(trips.open(Trip::default()), (None, None), "all are open");
    }

    #[test]
    fn fees_are_waited_for_until_the_deadline() {
        let mut trips = Trips::new();
        trips.open(closed(50));
        assert_eq!(trips.overdue(Nanos(49)), None);
        let place = trips.overdue(Nanos(50)).expect("at the deadline");
        assert_eq!(trips.take_done(place, false), None);
        assert_eq!(trips.take_done(place, true).map(|t| t.awaited), Some(1));
        assert_eq!(trips.hash(), 0);
    }
}
