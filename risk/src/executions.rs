//! Executions seen so far: each is applied once and its fee is counted once, whatever the order
//! in which the two arrive and however often.
//!
//! Guarantee: bounded and deterministic; the oldest execution is forgotten when the table is full.
//! Deliberately absent: what an execution did to a position.

use crate::brackets::swapped;
use stream::{InstrumentId, hash};

/// Executions that are remembered.
pub const EXECUTIONS_MAX: usize = 4_096;
const INDEX: usize = 2 * EXECUTIONS_MAX;
const NOWHERE: u16 = u16::MAX;

/// How far an execution and its fee have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Progress {
    /// Applied; the fee is awaited and `amount` is its estimate.
    #[default]
    FeeAwaited = 0,
    /// Applied, fee counted.
    Settled = 1,
    /// The fee, `amount`, was counted before the execution itself came.
    FeeFirst = 2,
}

/// One execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Execution {
    pub(crate) exec_id: u64,
    /// Estimate or fee in 1e-9, see [`Progress`].
    pub(crate) amount: i64,
    /// The round trip that bears the fee, 0 for none.
    pub(crate) trip: u32,
    pub(crate) instrument: u16,
    pub(crate) progress: Progress,
}

impl Execution {
    fn hash(&self) -> u64 {
        let rest = u64::from(self.trip) << 24
            | u64::from(self.instrument) << 8
            | u64::from(self.progress as u8);
        hash::fold(
            hash::fold(hash::mix(self.exec_id), self.amount as u64),
            rest,
        )
    }
}

/// A bounded set of executions: a ring in order of arrival, and an open-addressed index over it.
#[derive(Debug)]
pub(crate) struct Executions {
    ring: Vec<Execution>,
    index: Vec<u16>,
    oldest: usize,
    hash: u64,
}

impl Executions {
    pub(crate) fn new() -> Self {
        Self {
            ring: Vec::with_capacity(EXECUTIONS_MAX),
            index: vec![NOWHERE; INDEX],
            oldest: 0,
            hash: 0,
        }
    }

    /// Where the execution stands in the ring.
    pub(crate) fn find(&self, exec_id: u64) -> Option<usize> {
        let mut at = home(exec_id);
        loop {
            let place = self.index[at];
            if place == NOWHERE {
                return None;
            }
            if self.ring[place as usize].exec_id == exec_id {
                return Some(place as usize);
            }
            at = (at + 1) % INDEX;
        }
    }

    pub(crate) fn get(&self, place: usize) -> Execution {
        self.ring[place]
    }

    /// Changes what is known of an execution; its id stays.
    pub(crate) fn set(&mut self, place: usize, execution: Execution) {
        assert_eq!(self.ring[place].exec_id, execution.exec_id);
        self.hash ^= self.ring[place].hash() ^ execution.hash();
        self.ring[place] = execution;
    }

    /// Adds an execution that is not in the set; what was forgotten for it.
    pub(crate) fn insert(&mut self, execution: Execution) -> Option<Execution> {
        assert!(self.find(execution.exec_id).is_none(), "inserted twice");
        let mut forgotten = None;
        let place = if self.ring.len() < EXECUTIONS_MAX {
            self.ring.push(execution);
            self.ring.len() - 1
        } else {
            let place = self.oldest;
            self.oldest = (self.oldest + 1) % EXECUTIONS_MAX;
            let old = self.ring[place];
            self.unlink(old.exec_id);
            self.hash ^= old.hash();
            self.ring[place] = execution;
            forgotten = Some(old);
            place
        };
        self.hash ^= execution.hash();
        self.link(place);
        forgotten
    }

    fn link(&mut self, place: usize) {
        let mut at = home(self.ring[place].exec_id);
        while self.index[at] != NOWHERE {
            at = (at + 1) % INDEX;
        }
        self.index[at] = place as u16;
    }

    /// Takes an id out of the index and closes the gap, so that no probe ends too early.
    fn unlink(&mut self, exec_id: u64) {
        let mut hole = home(exec_id);
        while self.ring[self.index[hole] as usize].exec_id != exec_id {
            hole = (hole + 1) % INDEX;
        }
        let mut at = hole;
        loop {
            self.index[hole] = NOWHERE;
            loop {
                at = (at + 1) % INDEX;
                let place = self.index[at];
                if place == NOWHERE {
                    return;
                }
                let wanted = home(self.ring[place as usize].exec_id);
                // It may move into the hole unless its home lies behind the hole.
                if (at + INDEX - wanted) % INDEX >= (at + INDEX - hole) % INDEX {
                    self.index[hole] = place;
                    hole = at;
                    break;
                }
            }
        }
    }

    /// The executions from the oldest to the newest.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Execution> {
        let (newer, older) = self.ring.split_at(self.oldest);
        older.iter().chain(newer)
    }

    /// Two instruments change places.
    pub(crate) fn swap_instruments(&mut self, a: InstrumentId, b: InstrumentId) {
        for place in 0..self.ring.len() {
            let mut execution = self.ring[place];
            execution.instrument = swapped(InstrumentId(execution.instrument), a, b).0;
            self.set(place, execution);
        }
    }

    /// Forgets every estimate, at the roll of a day.
    pub(crate) fn drop_estimates(&mut self) {
        for place in 0..self.ring.len() {
            let mut execution = self.ring[place];
            if execution.progress == Progress::FeeAwaited {
                execution.amount = 0;
                self.set(place, execution);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }
}

fn home(exec_id: u64) -> usize {
    hash::mix(exec_id) as usize % INDEX
}

const _: () = assert!(EXECUTIONS_MAX < NOWHERE as usize && INDEX.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, VecDeque};

    fn execution(exec_id: u64) -> Execution {
        Execution {
            exec_id,
            ..Execution::default()
        }
    }

    /// Three times the capacity, with ids whose homes collide, against a plain queue and map.
    #[test]
    fn it_forgets_the_oldest_and_finds_the_rest() {
        let mut set = Executions::new();
        let (mut order, mut twin) = (VecDeque::new(), BTreeMap::new());
        for step in 0..3 * EXECUTIONS_MAX as u64 {
            let id = hash::mix(step) >> (step % 50);
            if set.find(id).is_some() {
                assert!(twin.contains_key(&id));
                continue;
            }
            assert!(!twin.contains_key(&id));
            let expected = (order.len() == EXECUTIONS_MAX).then(|| order.pop_front().unwrap());
            assert_eq!(set.insert(execution(id)).map(|e| e.exec_id), expected);
            if let Some(old) = expected {
                twin.remove(&old);
            }
            order.push_back(id);
            twin.insert(id, ());
        }
        assert_eq!(set.len(), EXECUTIONS_MAX);
        for &id in &order {
            let place = set.find(id).expect("kept");
            assert_eq!(set.get(place).exec_id, id);
        }
        let listed: Vec<u64> = set.iter().map(|e| e.exec_id).collect();
        assert_eq!(listed, Vec::from(order));
    }

    #[test]
    fn the_hash_tells_contents_apart() {
        let (mut a, mut b) = (Executions::new(), Executions::new());
        a.insert(execution(1));
        b.insert(execution(1));
        assert_eq!(a.hash(), b.hash());
        let settled = Execution {
            progress: Progress::Settled,
            ..execution(1)
        };
        a.set(0, settled);
        assert_ne!(a.hash(), b.hash());
    }
}
