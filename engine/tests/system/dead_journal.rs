//! The journal dies while entries are live: the edge cancels them, keeps protection, writes it
//! down, and the next start hears of it.

use crate::common::scene::{journal_in, run_plan};
use crate::common::{Scene, Story};
use engine::edge_log::EdgeLog;
use engine::run::RunError;
use journal::{Faults, Operation};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use stream::payload::{Command, LegRole, LegState};

/// A disk that gives so many segments and then none.
#[derive(Debug)]
struct Full(AtomicU64);

impl Faults for Full {
    fn before(&self, operation: Operation<'_>) -> io::Result<()> {
        if !matches!(operation, Operation::Allocate { .. }) {
            return Ok(());
        }
        let left = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                left.checked_sub(1)
            });
        left.map(|_| ())
            .map_err(|_| io::Error::from_raw_os_error(ENOSPC))
    }
}

/// "No space left on device", on Linux.
const ENOSPC: i32 = 28;

/// Runs into a disk that is full after `segments` segments of one page each.
fn die(scene: &Scene, dir: &Path, segments: u64) -> RunError {
    let setup = scene.setup().expect("the scene's configuration is sound");
    let mut options = journal_in(dir, journal::Options::SEGMENT_BYTES_MIN);
    options.faults = Some(Arc::new(Full(AtomicU64::new(segments))));
    let sources: Vec<Box<dyn stream::Source + Send>> = vec![Box::new(scene.market())];
    run_plan(setup, scene.layout.clone(), options, sources, |_| {})
        .expect_err("the disk was full before the session was over")
}

#[test]
fn the_edge_cancels_entries_and_the_next_start_hears_of_it() {
    let scene = Scene::new(4, 12);
    let whole = tempfile::tempdir().expect("a folder");
    scene.run(whole.path());
    // An entry lives for a while behind its command, and a page holds 56 lines: the disk is full a
    // few pages behind each of them. Two pages more are made ahead, one is the reserve.
    let mut reader = journal::Reader::open(whole.path()).expect("the journal opens");
    let mut entries = Vec::new();
    while let Some(next) = reader.next() {
        let (position, frame) = next.expect("the journal is sound");
        let command = frame.try_read::<Command>();
        if command.is_some_and(|command| command.role == LegRole::Entry) {
            entries.push(position / 56);
        }
    }
    assert!(!entries.is_empty(), "the scene trades");

    let mut heard = 0;
    for segments in entries.iter().flat_map(|page| page + 2..page + 60) {
        let dir = tempfile::tempdir().expect("a folder");
        let error = die(&scene, dir.path(), segments);
        assert!(matches!(error, RunError::Emergency { .. }), "{error}");
        let told = EdgeLog::read(dir.path()).expect("the log is read");
        if told.is_empty() {
            continue;
        }
        heard += 1;
        assert!(
            told.iter().all(|one| one.leg.role == LegRole::Entry),
            "protection stays"
        );
        scene.run(dir.path());
        let story = Story::of(dir.path());
        for one in &told {
            let end = story.legs.iter().rfind(|leg| leg.what.leg == one.leg.leg);
            let end = end.expect("the leg has a state").what;
            assert_eq!(end.to, LegState::Cancelled, "{end:?}");
        }
        assert!(
            story
                .restarts
                .last()
                .is_some_and(|restart| restart.what.disarmed == 1)
        );
        assert!(
            story
                .controls
                .iter()
                .all(|control| control.what.action.name() != "arm")
        );
        assert!(
            engine::replay::check(dir.path())
                .expect("the journal folds")
                .identical,
            "and all of it is made again from the inputs"
        );
        assert!(
            !dir.path().join("edge.log").exists(),
            "a clean end has nothing to tell past it"
        );
        if heard == 2 {
            return;
        }
    }
    panic!("in {heard} runs only an entry was live when the journal died");
}

/// A disk that takes no frames.
#[derive(Debug)]
struct Broken;

impl Faults for Broken {
    fn before(&self, operation: Operation<'_>) -> io::Result<()> {
        match operation {
            // A segment's header stands in front of its frames.
            Operation::Write { bytes, .. } if bytes.start > 0 => {
                Err(io::Error::from_raw_os_error(EIO))
            }
            _ => Ok(()),
        }
    }
}

/// "Input/output error", on Linux.
const EIO: i32 = 5;

#[test]
fn frames_that_the_disk_does_not_take_end_a_run_in_an_error() {
    let scene = Scene::new(4, 12);
    for layout in ["1", "2"] {
        let scene = scene.clone().on(layout);
        let setup = scene.setup().expect("the scene's configuration is sound");
        let dir = tempfile::tempdir().expect("a folder");
        let mut options = journal_in(dir.path(), scene.segment_bytes);
        options.faults = Some(Arc::new(Broken));
        let sources: Vec<Box<dyn stream::Source + Send>> = vec![Box::new(scene.market())];
        let ended = run_plan(setup, scene.layout.clone(), options, sources, |_| {});
        let told = ended.expect_err("nothing was kept").to_string();
        assert!(told.contains("journal"), "{layout}: {told}");
        let found = journal::verify(dir.path()).expect("the journal is read");
        assert_eq!(found.frames, 0, "{layout}");
    }
}
