//! A disk that is full or failing: told early, wound down on the reserve, never a signal.

mod support;

use journal::{
    Error, Faults, Health, Operation, Options, State, Why, Writer, create_or_continue, verify,
};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use support::{Frames, frame, read, start, tiny, write};

/// Fails each kind of operation from a certain one on.
#[derive(Debug)]
struct Broken {
    allocations: AtomicI64,
    syncs: AtomicI64,
    calls_after_failure: AtomicU64,
    errno: i32,
    free: u64,
}

impl Broken {
    fn new(allocations: i64, syncs: i64, errno: i32) -> Arc<Self> {
        Arc::new(Self {
            allocations: allocations.into(),
            syncs: syncs.into(),
            calls_after_failure: 0.into(),
            errno,
            free: u64::MAX,
        })
    }
}

impl Faults for Broken {
    fn before(&self, operation: Operation<'_>) -> io::Result<()> {
        let left = match operation {
            Operation::Allocate { .. } => &self.allocations,
            Operation::SyncRange { .. } => &self.syncs,
            _ => return Ok(()),
        };
        let left = left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return Ok(());
        }
        self.calls_after_failure
            .fetch_add(u64::from(left < 0), Ordering::SeqCst);
        Err(io::Error::from_raw_os_error(self.errno))
    }

    fn free_bytes(&self, real: u64) -> u64 {
        real.min(self.free)
    }
}

/// Appends until the journal is dead; returns what it took.
fn fill(writer: &mut Writer, frames: &mut Frames) -> Vec<(u64, Vec<stream::Line>)> {
    let mut taken = Vec::new();
    for _ in 0..100_000 {
        let lines = frames.next();
        let end = writer.append(frame(&lines));
        if writer.is_failed() {
            return taken;
        }
        taken.push((end - lines.len() as u64, lines));
    }
    panic!("the journal never filled up");
}

/// A start makes three allocations: the reserve, the mark and the first segment.
const START: i64 = 3;

#[test]
fn a_full_disk_is_told_at_once_and_the_reserve_takes_what_follows() {
    let why = Why(libc::ENOSPC as u32);
    for threads in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            faults: Some(Broken::new(START + 2, i64::MAX, libc::ENOSPC)),
            ..tiny(dir.path())
        };
        let (mut writer, _) = start(&options);
        if threads {
            writer.spawn_helper().unwrap();
        }
        let mut frames = Frames::after(1, 0);
        let mut all = Vec::new();
        // Two further segments were made; the third could not be.
        while !writer.health().must_wind_down() {
            all.extend(write(&mut writer, &mut frames, 1));
        }
        assert_eq!(writer.health(), Health::Reserve { why });
        assert!(why.is_no_space());
        // With threads, the writer may have filled the segment while the next one failed.
        assert!(threads || writer.position() < 3 * 56);
        all.extend(fill(&mut writer, &mut frames));
        assert_eq!(writer.health(), Health::Failed { why });
        let position = writer.position();
        assert_eq!(position, 4 * 56, "three segments and the reserve are full");
        let seq = writer.last_seq();
        let mut later = Frames::after(3, seq);
        writer.append(frame(&later.next()));
        assert_eq!((writer.position(), writer.last_seq()), (position, seq));
        assert_eq!(read(dir.path()).unwrap(), all);

        // It can be closed without any space, and goes on when there is some.
        writer.close().unwrap();
        assert_eq!(verify(dir.path()).unwrap().state, State::Clean);
        let (mut writer, found) = start(&tiny(dir.path()));
        assert_eq!((found.frames, found.position), (all.len() as u64, position));
        all.extend(write(
            &mut writer,
            &mut Frames::after(2, found.last_seq),
            10,
        ));
        writer.close().unwrap();
        assert_eq!(read(dir.path()).unwrap(), all);
    }
}

#[test]
fn a_disk_that_is_full_at_the_start_is_refused_and_nothing_is_left() {
    for allocations in 0..START {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("day");
        let options = Options {
            faults: Some(Broken::new(allocations, i64::MAX, libc::ENOSPC)),
            ..tiny(&home)
        };
        let error = create_or_continue(&options).unwrap_err();
        assert!(matches!(error, Error::NoSpace { .. }), "{error}");
        assert!(error.to_string().contains("free some space"));
        assert!(!home.exists());
    }
}

#[test]
fn a_full_disk_at_a_later_start_leaves_the_journal_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = start(&tiny(dir.path()));
    let all = write(&mut writer, &mut Frames::after(1, 0), 100);
    writer.close().unwrap();
    for allocations in 0..START {
        let options = Options {
            faults: Some(Broken::new(allocations, i64::MAX, libc::ENOSPC)),
            ..tiny(dir.path())
        };
        assert!(create_or_continue(&options).is_err());
        assert_eq!(verify(dir.path()).unwrap().state, State::Clean);
        assert_eq!(read(dir.path()).unwrap(), all);
        assert_eq!(std::fs::read(dir.path().join("lock")).unwrap(), b"");
    }
}

#[test]
fn a_sync_that_fails_is_never_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let broken = Broken::new(i64::MAX, 2, libc::EIO);
    let options = Options {
        faults: Some(broken.clone()),
        ..tiny(dir.path())
    };
    let (mut writer, _) = start(&options);
    let mut frames = Frames::after(1, 0);
    let mut all = write(&mut writer, &mut frames, 5);
    writer.request_sync();
    all.extend(write(&mut writer, &mut frames, 5));
    writer.request_sync();
    let durable = writer.durable();
    assert_eq!(durable, writer.position());
    all.extend(write(&mut writer, &mut frames, 5));
    writer.request_sync();
    let why = Why(libc::EIO as u32);
    assert_eq!(writer.health(), Health::SyncFailed { why });
    for _ in 0..10 {
        all.extend(write(&mut writer, &mut frames, 20));
        writer.request_sync();
        writer.turn();
        assert_eq!(writer.durable(), durable);
    }
    assert!(!writer.is_failed());
    assert!(writer.close().is_err());
    assert_eq!(broken.calls_after_failure.load(Ordering::SeqCst), 0);
    assert_eq!(read(dir.path()).unwrap(), all);
    assert!(matches!(
        verify(dir.path()).unwrap().state,
        State::Tail { lost: 0, .. }
    ));
    let (_, found) = start(&tiny(dir.path()));
    assert_eq!(found.frames, all.len() as u64);
}

#[test]
fn little_space_is_told_while_there_is_some() {
    let dir = tempfile::tempdir().unwrap();
    let mut broken = Broken::new(i64::MAX, i64::MAX, 0);
    Arc::get_mut(&mut broken).unwrap().free = 2 * 4_096 - 1;
    let options = Options {
        faults: Some(broken),
        ..tiny(dir.path())
    };
    let (mut writer, _) = start(&options);
    writer.turn();
    assert_eq!(writer.health(), Health::Low { segments: 1 });
    assert!(!writer.health().must_wind_down());
    writer.close().unwrap();
}
