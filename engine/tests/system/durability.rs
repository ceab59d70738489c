//! Whether a journal is synced: in virtual time only where durability `power` asks for it.

use crate::common::scene::{journal_in, run_plan};
use crate::common::{Scene, Story};
use journal::{Durability, Faults, Operation};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what is asked of the disk and refuses nothing.
#[derive(Debug, Default)]
struct Counts {
    syncs: AtomicU64,
    writes: AtomicU64,
}

impl Faults for Counts {
    fn before(&self, operation: Operation<'_>) -> io::Result<()> {
        match operation {
            Operation::Allocate { .. } => return Ok(()),
            Operation::Write { .. } => &self.writes,
            _ => &self.syncs,
        }
        .fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}

/// Runs a scene; how many syncs were asked for, and how many writes.
fn asked(durability: Durability, dir: &Path) -> (u64, u64) {
    let scene = Scene::new(4, 12);
    let setup = scene.setup().expect("the scene's configuration is sound");
    let counted = Arc::new(Counts::default());
    let mut options = journal_in(dir, 1 << 20);
    options.durability = durability;
    options.faults = Some(counted.clone());
    let sources: Vec<Box<dyn stream::Source + Send>> = vec![Box::new(scene.market())];
    run_plan(setup, scene.layout.clone(), options, sources, |_| {}).expect("the run ends");
    let [syncs, writes] = [&counted.syncs, &counted.writes];
    (
        syncs.load(Ordering::Acquire),
        writes.load(Ordering::Acquire),
    )
}

#[test]
fn a_journal_that_can_be_made_again_is_written_and_not_synced() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let (syncs, writes) = asked(Durability::Process, dirs[0].path());
    assert!(syncs == 0 && writes > 1, "{syncs} syncs, {writes} writes");
    let (syncs, writes) = asked(Durability::Power, dirs[1].path());
    assert!(syncs > 0 && writes == 0, "{syncs} syncs, {writes} writes");
    for dir in &dirs {
        let found = journal::verify(dir.path()).expect("the journal is read");
        assert_eq!(found.state, journal::State::Clean);
        assert!(!Story::of(dir.path()).legs.is_empty(), "the scene trades");
    }
}
