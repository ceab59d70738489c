//! What is gathered, and when it is in the journal.

use super::*;
use crate::clock::Clock;
use crate::config::Settings;
use crate::setup::{SAMPLE, Setup};
use gateway::ibkr::edge::IbkrEdge;
use journal::{Faults, Operation, Options, create_or_continue};
use rtrb::{Consumer, RingBuffer};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use stream::payload::{Best, CommandOp, Delete, LegRole, Payload, Sent, SentOutcome};
use stream::{Class, FrameId};

/// A disk that gives so many segments and then none.
#[derive(Debug)]
struct Full(AtomicU64);

impl Faults for Full {
    fn before(&self, operation: Operation<'_>) -> io::Result<()> {
        if !matches!(operation, Operation::Allocate { .. }) {
            return Ok(());
        }
        let left = (self.0).fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
            left.checked_sub(1)
        });
        left.map(|_| ())
            .map_err(|_| io::Error::from(io::ErrorKind::StorageFull))
    }
}

/// A disk that keeps nothing.
#[derive(Debug)]
struct Forgetful;

impl Faults for Forgetful {
    fn before(&self, operation: Operation<'_>) -> io::Result<()> {
        match operation {
            Operation::SyncRange { .. } => Err(io::ErrorKind::Other.into()),
            _ => Ok(()),
        }
    }
}

/// A gate by the clock in front of the simulated broker, with a journal of small segments.
fn gate(dir: &Path, segments: u64) -> Gate {
    gate_on(dir, Arc::new(Full(AtomicU64::new(segments))), false).0
}

/// The same on a disk with faults, and what it sends back.
fn gate_on(dir: &Path, faults: Arc<dyn Faults>, power: bool) -> (Gate, Consumer<Line>) {
    let mut settings = Settings::default();
    settings.add_sample(SAMPLE);
    let setup = Setup::read(&settings).unwrap();
    let mut options = Options::new(dir);
    options.segment_bytes = Options::SEGMENT_BYTES_MIN;
    options.faults = Some(faults);
    let (journal, _) = create_or_continue(&options).unwrap();
    let (back, taken) = RingBuffer::new(8);
    let (slots, _) = RingBuffer::new(8);
    let gate = Gate::new(GateParts {
        journal,
        power,
        edge: Broker::Sim(Box::new(setup.edge())),
        log: EdgeLog::open(dir).unwrap(),
        ledger: Ledger::default(),
        back: WayBack::new(back),
        slots,
        delay: Nanos(1),
        shared: Arc::new(Shared::new(1, 0)),
        clock: Probe::live(Clock::new()),
    });
    (gate, taken)
}

fn put<P: Payload>(gate: &mut Gate, class: Class, seq: u64, payload: &P) {
    let mut draft = Draft::new();
    draft.write_as(class, InstrumentId(1), payload);
    let header = draft.header_mut();
    header.seq = seq;
    header.ts = Nanos(seq);
    header.sub = u16::from(class == Class::Derived);
    gate.put(draft.frame());
}

/// The kinds of all frames in a journal.
fn written(dir: &Path) -> Vec<Kind> {
    let mut reader = journal::Reader::open(dir).unwrap();
    let mut kinds = Vec::new();
    while let Some(next) = reader.next() {
        kinds.push(next.unwrap().1.kind());
    }
    kinds
}

#[test]
fn by_the_clock_what_is_gathered_is_in_the_journal_at_the_end_of_its_input() {
    let dir = tempfile::tempdir().unwrap();
    let mut gate = gate(dir.path(), 100);
    let begin = gate.journal.position();
    put(&mut gate, Class::Input, 1, &Delete::zeroed());
    put(&mut gate, Class::Derived, 1, &Best::zeroed());
    assert_eq!(gate.journal.position(), begin, "nothing follows from these");
    gate.flush();
    assert_eq!(gate.journal.position(), begin + 2);
    assert_eq!(written(dir.path()), [Kind::Delete, Kind::Best]);
}

#[test]
fn what_acts_stands_behind_what_was_gathered() {
    let dir = tempfile::tempdir().unwrap();
    let mut gate = gate(dir.path(), 100);
    put(&mut gate, Class::Input, 1, &Delete::zeroed());
    put(&mut gate, Class::Derived, 1, &Best::zeroed());
    put(&mut gate, Class::Input, 2, &Tick::zeroed());
    let all = [Kind::Delete, Kind::Best, Kind::Tick];
    assert_eq!(written(dir.path()), all, "without the end of an input");
}

#[test]
fn a_market_frame_that_a_dying_journal_lacks_is_not_shown_to_the_edge() {
    let dir = tempfile::tempdir().unwrap();
    let mut gate = gate(dir.path(), 3);
    let mut seq = 0;
    while !gate.journal.is_failed() {
        seq += 1;
        assert!(seq < 10_000, "the disk is never full");
        // Each has the one before it shown, and is appended for that.
        put(&mut gate, Class::Input, seq, &Delete::zeroed());
    }
    assert!(!gate.market_waits);
    assert_eq!(gate.shared.emergency(), Emergency::Dead);
    put(&mut gate, Class::Input, seq + 1, &Delete::zeroed());
    assert!(!gate.market_waits, "nor is any behind it");
}

#[test]
fn an_entry_that_waits_for_a_disk_that_keeps_nothing_is_given_up_and_answered_for() {
    let dir = tempfile::tempdir().unwrap();
    let (mut gate, mut back) = gate_on(dir.path(), Arc::new(Forgetful), true);
    gate.journal.spawn_helper().unwrap();
    let entry = Command {
        adds_risk: 1,
        op: CommandOp::Place,
        ..Command::zeroed()
    };
    put(&mut gate, Class::Derived, 1, &entry);
    gate.flush();
    while !gate.health_is_lost() {
        assert_eq!(gate.held.len(), 1, "it waits for its sync");
        gate.journal.request_sync();
        std::thread::yield_now();
    }
    gate.flush();
    assert!(gate.held.is_empty());
    let line = back.pop().unwrap();
    let sent = *FrameRef::first_of(&[line]).unwrap().read::<Sent>();
    assert_eq!(sent.outcome, SentOutcome::NotSent);
    assert!(back.is_empty(), "the broker never saw it");
}

#[test]
fn a_gate_whose_writer_broke_still_cancels_entries_and_writes_it_down() {
    for gathered in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        let mut gate = gate(dir.path(), 100);
        let (commands, mut taken) = RingBuffer::new(8);
        let (writer, clock) = (std::thread::current(), Box::new(|| Nanos(5)));
        gate.edge = Broker::Ibkr(Box::new(IbkrEdge::new(commands, writer, clock)));
        let entry = Command {
            leg: FrameId(7),
            op: CommandOp::Place,
            role: LegRole::Entry,
            qty: 100,
            ..Command::zeroed()
        };
        put(&mut gate, Class::Derived, 1, &entry);
        for seq in 9..9 + gathered {
            put(&mut gate, Class::Input, seq, &Delete::zeroed());
        }
        let broke = catch_unwind(AssertUnwindSafe(|| gate.flush()));
        assert!(broke.is_err(), "9 does not follow 1");
        gate.abandon();
        let left: Vec<_> = std::iter::from_fn(|| taken.pop().ok())
            .map(|passed| (passed.command.op, passed.command.leg))
            .collect();
        let want = [CommandOp::Place, CommandOp::Cancel].map(|op| (op, FrameId(7)));
        assert_eq!(left, want, "{gathered}");
        let told = EdgeLog::read(dir.path()).unwrap();
        assert_eq!((told.len(), told[0].leg.leg), (1, FrameId(7)));
        assert_eq!((told[0].seq, told[0].ts), (1, Nanos(1)));
    }
}
