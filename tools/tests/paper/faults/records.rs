//! `kill -9` of the engine behind every record of a bracket's life: fault 1 once more, by the
//! engine's own journal instead of by the broker's messages.
//!
//! The test follows the journal as it is written and kills when it sees the record. What the engine
//! does until the signal arrives is chance: a command has left, or has not.

use super::kills::{AFRESH_MAX, LIVES};
use super::pass::Allow;
use super::stage::Stage;
use journal::Reader;
use std::collections::BTreeSet;
use std::time::Duration;
use stream::payload::{Command, Commission, Fill, Leg, Order, Sent, Status};
use stream::{FrameId, FrameRef, Kind};

/// No life of a bracket has so many records.
const RECORDS_MAX: usize = 300;
/// Empty looks at the journal between two looks at what else there is, and how often.
const EMPTY_MAX: u32 = 2_000;
const LOOKS_MAX: u32 = 400;
const PAUSE: Duration = Duration::from_micros(50);

/// How one life was followed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// The record came, and the engine was killed.
    Kill,
    /// The next bracket was begun before so many records.
    NextLife,
    /// The symbol takes no more entries.
    Frozen,
}

/// The bracket that a frame is about.
fn origin(frame: FrameRef<'_>) -> Option<FrameId> {
    Some(match frame.kind() {
        Kind::Order => frame.read::<Order>().origin,
        Kind::Command => frame.read::<Command>().origin,
        Kind::Sent => frame.read::<Sent>().origin,
        Kind::Status => frame.read::<Status>().origin,
        Kind::Leg => frame.read::<Leg>().origin,
        Kind::Fill => frame.read::<Fill>().origin,
        Kind::Commission => frame.read::<Commission>().origin,
        _ => return None,
    })
}

/// The first bracket that is begun behind a place in the journal.
struct Life {
    reader: Reader,
    origin: FrameId,
    records: usize,
}

impl Life {
    /// From the end of what is there now.
    fn next_of(stage: &Stage) -> Self {
        let mut reader = Reader::open(stage.journal()).expect("a journal");
        while let Some(next) = reader.next() {
            next.expect("what was journaled verifies");
        }
        Self {
            reader,
            origin: FrameId::NONE,
            records: 0,
        }
    }

    /// Reads on; true at its `nth` record, or `None` once the next one was begun.
    fn reads_to(&mut self, nth: usize) -> Option<bool> {
        while let Some(next) = self.reader.next() {
            let (_, frame) = next.expect("what was journaled verifies");
            let begins = frame.kind() == Kind::Order && frame.read::<Order>().reduce_only == 0;
            if begins && !self.origin.is_none() {
                return None;
            }
            if begins {
                self.origin = frame.read::<Order>().origin;
            }
            if !self.origin.is_none() && origin(frame) == Some(self.origin) {
                self.records += 1;
                if self.records == nth {
                    return Some(true);
                }
            }
        }
        Some(false)
    }
}

/// Follows the next bracket, and kills behind its `nth` record.
fn kill_behind(stage: &mut Stage, nth: usize) -> Came {
    let mut life = Life::next_of(stage);
    stage.start();
    for _ in 0..LOOKS_MAX {
        for _ in 0..EMPTY_MAX {
            match life.reads_to(nth) {
                Some(true) => {
                    stage.kill();
                    stage.wait("its connection is gone", |_, truth| truth.clients == 0);
                    return Came::Kill;
                }
                None => return Came::NextLife,
                Some(false) => std::thread::sleep(PAUSE),
            }
        }
        if !stage.story().frozen.is_empty() {
            return Came::Frozen;
        }
    }
    panic!("no bracket is begun: {}", stage.said());
}

/// Kills behind the `first`, then the `first + step`-th … record of a bracket's life, each time in
/// another bracket, until a life has fewer. The records behind which it was.
fn kill_behind_every(first: usize, step: usize) -> BTreeSet<usize> {
    let (mut nth, mut killed) = (first, BTreeSet::new());
    for _ in 0..AFRESH_MAX {
        let mut stage = Stage::play(LIVES, "");
        stage.wait("ready", |story, _| story.is_ready());
        stage.kill();
        let came = loop {
            match kill_behind(&mut stage, nth) {
                Came::Kill => drop(killed.insert(nth)),
                came => break came,
            }
            nth += step;
            assert!(nth < RECORDS_MAX, "a life without an end");
        };
        stage.disarm();
        stage.rest(&Allow::default());
        stage.end();
        if came == Came::NextLife {
            return killed;
        }
    }
    panic!("its symbol was frozen {AFRESH_MAX} times, before record {nth} and earlier");
}

#[test]
fn killed_behind_every_odd_record_of_a_brackets_life() {
    let killed = kill_behind_every(1, 2);
    assert!(killed.len() >= 8, "{killed:?}");
}

#[test]
fn killed_behind_every_even_record_of_a_brackets_life() {
    let killed = kill_behind_every(2, 2);
    assert!(killed.len() >= 8, "{killed:?}");
}
