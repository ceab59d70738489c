//! What the edge did when the journal or a lane was dead: the gate's only exception.
//!
//! The edge knows of each live order only whether it is an entry or protection. When nothing can be
//! journaled any more it cancels the entries, keeps the protection, and writes what it did into
//! this file, which was made and filled with zeros at the start. The next start reads it as input.
//!
//! ```text
//!  0      8       16      24           26    27   28       32   36    40    48          56    64
//!  ├──────┼───────┼───────┼────────────┼─────┼────┼────────┼────┼─────┼─────┼───────────┼─────┤
//!  │ leg  │origin │ ts    │ instrument │role │ 0  │ filled │qty │  0  │ seq │ checksum  │  0  │
//!  └──────┴───────┴───────┴────────────┴─────┴────┴────────┴────┴─────┴─────┴───────────┴─────┘
//! ```
//! A record of zeros is the end; one whose checksum does not fit is where a crash tore it.

use crate::broker::Broker;
use crate::ledger::LiveLeg;
use gateway::sim::SimEdge;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use stream::limits::{BRACKETS_MAX, LEGS_PER_BRACKET_MAX};
use stream::payload::{Command, CommandOp, LegRole, LegState, Reason, Status};
use stream::{Answers, Class, Draft, Edge, FrameId, InstrumentId, Kind, Nanos, hash};

const NAME: &str = "edge.log";
const RECORD: usize = 64;
const RECORDS: usize = BRACKETS_MAX * LEGS_PER_BRACKET_MAX;

/// What makes the log unusable.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: the edge's log cannot be {doing}: {why}; free space or name another folder",
    path.display()
)]
pub struct EdgeLogError {
    path: PathBuf,
    doing: &'static str,
    why: io::Error,
}

/// The log, ready to be written without any further space.
#[derive(Debug)]
pub struct EdgeLog {
    file: File,
    path: PathBuf,
    next: usize,
    told: bool,
}

/// An entry that the edge cancelled by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled {
    /// The leg, with what it had filled.
    pub leg: LiveLeg,
    /// When.
    pub ts: Nanos,
    /// Behind which input.
    pub seq: u64,
}

impl Cancelled {
    fn encode(&self) -> [u8; RECORD] {
        let mut record = [0; RECORD];
        record[0..8].copy_from_slice(&self.leg.leg.0.to_le_bytes());
        record[8..16].copy_from_slice(&self.leg.origin.0.to_le_bytes());
        record[16..24].copy_from_slice(&self.ts.0.to_le_bytes());
        record[24..26].copy_from_slice(&self.leg.instrument.0.to_le_bytes());
        record[26] = self.leg.role as u8;
        record[28..32].copy_from_slice(&self.leg.filled.to_le_bytes());
        record[32..36].copy_from_slice(&self.leg.qty.to_le_bytes());
        record[40..48].copy_from_slice(&self.seq.to_le_bytes());
        let checksum = hash::bytes(&record[..48]);
        record[48..56].copy_from_slice(&checksum.to_le_bytes());
        record
    }

    fn decode(record: &[u8; RECORD]) -> Option<Self> {
        let word =
            |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().unwrap_or_default());
        let half =
            |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap_or_default());
        if word(0) == 0 || word(48) != hash::bytes(&record[..48]) {
            return None;
        }
        let role = *LegRole::ALL
            .iter()
            .find(|role| **role as u8 == record[26])?;
        let leg = LiveLeg {
            leg: FrameId(word(0)),
            origin: FrameId(word(8)),
            instrument: InstrumentId(u16::from_le_bytes([record[24], record[25]])),
            role,
            filled: half(28),
            qty: half(32),
        };
        Some(Self {
            leg,
            ts: Nanos(word(16)),
            seq: word(40),
        })
    }

    /// What the head is told of it at the next start.
    #[must_use]
    pub fn status(&self) -> Draft {
        let leg = &self.leg;
        let status = Status {
            leg: leg.leg,
            origin: leg.origin,
            filled: leg.filled,
            remaining: leg.qty.saturating_sub(leg.filled),
            code: 0,
            state: LegState::Cancelled,
            role: leg.role,
            spare: [0; 2],
        };
        let mut draft = Draft::new();
        draft.write(leg.instrument, &status);
        draft
    }
}

impl EdgeLog {
    /// Opens the log in a journal's folder with all the room that it will ever need; what it holds
    /// already is kept, and written behind.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(dir: &Path) -> Result<Self, EdgeLogError> {
        let next = Self::read(dir)?.len();
        let path = dir.join(NAME);
        let failed = |doing| {
            let path = path.clone();
            move |why| EdgeLogError { path, doing, why }
        };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed("made"))?;
        let zeros = vec![0; RECORD * (RECORDS - next)];
        file.write_all_at(&zeros, (next * RECORD) as u64)
            .map_err(failed("filled"))?;
        file.sync_all().map_err(failed("synced"))?;
        Ok(Self {
            file,
            path,
            next,
            told: false,
        })
    }

    /// Ends it: a run that closed its journal has nothing to tell past it. What this run wrote
    /// itself stays.
    pub fn end(self) {
        if self.told {
            return;
        }
        // A log that stays behind tells of orders that are no longer live, and is then ignored.
        let _ = std::fs::remove_file(&self.path);
    }

    /// What the log of a journal's folder holds; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(dir: &Path) -> Result<Vec<Cancelled>, EdgeLogError> {
        let path = dir.join(NAME);
        let failed = |why| EdgeLogError {
            path: path.clone(),
            doing: "read",
            why,
        };
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file
                .take((RECORD * RECORDS) as u64)
                .read_to_end(&mut bytes)
                .map_err(failed)?,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return Err(failed(why)),
        };
        let (records, _) = bytes.as_chunks::<RECORD>();
        Ok(records.iter().map_while(Cancelled::decode).collect())
    }

    /// Cancels every live entry at the edge and writes each down; protection stays. Returns how
    /// many were cancelled.
    pub fn cancel_entries(
        &mut self,
        broker: &mut Broker,
        legs: &[LiveLeg],
        ts: Nanos,
        seq: u64,
    ) -> usize {
        let entries = legs.iter().filter(|leg| leg.role == LegRole::Entry);
        let mut count = 0;
        for leg in entries {
            let cancelled = Cancelled { leg: *leg, ts, seq };
            match broker {
                Broker::Sim(edge) => cancel_at(edge, &cancelled),
                // It ends with this run. The next start's hears of it (`Start::hear`).
                Broker::Beside(_) => {}
                Broker::Ibkr(edge) => {
                    edge.on_frame(command(&cancelled).frame(), &mut Unheard::default())
                }
            }
            if self.next < RECORDS {
                let at = (self.next * RECORD) as u64;
                // Nothing is left to be done about an error here: the broker's word counts anyway.
                let _ = self.file.write_all_at(&cancelled.encode(), at);
                self.next += 1;
                self.told = true;
            }
            count += 1;
        }
        let _ = self.file.sync_data();
        count
    }
}

/// The edge's answers while nobody can hear them.
#[derive(Default)]
struct Unheard(Vec<Draft>);

impl Answers for Unheard {
    fn queue(&mut self, draft: &Draft) {
        self.0.push(draft.clone());
    }
}

/// The command to cancel a leg, which no stage made.
fn command(cancelled: &Cancelled) -> Draft {
    let leg = &cancelled.leg;
    let command = Command {
        leg: leg.leg,
        origin: leg.origin,
        op: CommandOp::Cancel,
        role: leg.role,
        qty: leg.qty,
        reason: Reason::Journal,
        ..Command::zeroed()
    };
    let mut draft = Draft::new();
    draft.write_as(Class::Derived, leg.instrument, &command);
    draft.header_mut().seq = cancelled.seq;
    draft.header_mut().ts = cancelled.ts;
    draft
}

/// Cancels a leg at the edge past the stream: the command, and its arrival at once.
pub fn cancel_at(edge: &mut SimEdge, cancelled: &Cancelled) {
    let draft = command(cancelled);
    let mut unheard = Unheard::default();
    edge.on_frame(draft.frame(), &mut unheard);
    let arrivals: Vec<Draft> = unheard
        .0
        .drain(..)
        .filter(|answer| answer.header().kind == Kind::Sent)
        .collect();
    for mut sent in arrivals {
        sent.header_mut().ts = cancelled.ts;
        edge.on_frame(sent.frame(), &mut unheard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cancelled(leg: u64) -> Cancelled {
        Cancelled {
            leg: LiveLeg {
                leg: FrameId(leg),
                origin: FrameId(leg + 1),
                instrument: InstrumentId(3),
                role: LegRole::Entry,
                filled: 2,
                qty: 100,
            },
            ts: Nanos(77),
            seq: 9,
        }
    }

    #[test]
    fn what_is_written_is_read_up_to_the_first_torn_record() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(EdgeLog::read(dir.path()).expect("no log is no error"), []);
        let log = EdgeLog::open(dir.path()).expect("a log");
        assert_eq!(EdgeLog::read(dir.path()).expect("an empty log"), []);
        for index in 0..3 {
            let record = cancelled(index + 1).encode();
            log.file
                .write_all_at(&record, index * RECORD as u64)
                .expect("written");
        }
        let all = EdgeLog::read(dir.path()).expect("a log");
        assert_eq!(all, [cancelled(1), cancelled(2), cancelled(3)]);
        log.file
            .write_all_at(&[1], RECORD as u64 + 9)
            .expect("torn");
        assert_eq!(EdgeLog::read(dir.path()).expect("a log"), [cancelled(1)]);
        let again = EdgeLog::open(dir.path()).expect("kept");
        assert_eq!(
            (again.next, EdgeLog::read(dir.path()).expect("a log").len()),
            (1, 1)
        );
        again.end();
        assert_eq!(EdgeLog::read(dir.path()).expect("no log is no error"), []);
    }
}
