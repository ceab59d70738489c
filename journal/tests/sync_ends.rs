//! Where a sync ends: on a whole block while the writer goes on, on a page where that takes long,
//! at the line where the writer rests or a command waits.

mod support;

use journal::{Faults, Operation, Options, Writer};
use std::io;
use std::sync::{Arc, Mutex};
use support::{Frames, start, write};

const BLOCK: u64 = 2 << 20;
/// The same where commands wait.
const BLOCK_AWAITED: u64 = 256 << 10;
const PAGE: u64 = 4_096;
/// Turns that the helper waits for a whole block.
const PATIENCE: usize = 8;

/// Notes where each sync of a part of a segment ends.
#[derive(Debug, Default)]
struct Ends(Mutex<Vec<u64>>);

impl Ends {
    fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Faults for Ends {
    fn before(&self, operation: Operation<'_>) -> io::Result<()> {
        if let Operation::SyncRange { bytes, .. } = operation {
            self.0.lock().unwrap().push(bytes.end);
        }
        Ok(())
    }
}

/// A writer whose helpers run when they are told to and every 512 KiB, and one and a half blocks
/// written.
fn writing(dir: &std::path::Path) -> (Arc<Ends>, Writer, Frames) {
    let ends = Arc::new(Ends::default());
    let options = Options {
        faults: Some(ends.clone()),
        ..Options::new(dir)
    };
    let (mut writer, _) = start(&options);
    let mut frames = Frames::after(5, 0);
    while writer.position() * 64 < BLOCK * 3 / 2 {
        write(&mut writer, &mut frames, 1);
    }
    assert_eq!(ends.take(), [BLOCK]);
    assert!(writer.durable() < BLOCK / 64);
    (ends, writer, frames)
}

#[test]
fn while_the_writer_goes_on_it_ends_on_a_block() {
    let dir = tempfile::tempdir().unwrap();
    let (ends, mut writer, mut frames) = writing(dir.path());
    let mut waited = 0;
    let end = loop {
        write(&mut writer, &mut frames, 1);
        writer.turn();
        match ends.take()[..] {
            [] => waited += 1,
            [end] => break end,
            ref more => panic!("one sync: {more:?}"),
        }
    };
    // The helper has been there once, or not at all, since the block was whole.
    assert!(waited == PATIENCE || waited == PATIENCE - 1, "{waited}");
    assert!(end > BLOCK && end.is_multiple_of(PAGE), "{end}");
}

#[test]
fn where_the_writer_rests_it_ends_at_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let (ends, mut writer, _) = writing(dir.path());
    writer.turn();
    writer.turn();
    assert_eq!(writer.durable(), writer.position());
    assert_eq!(ends.take().len(), 1);
}

#[test]
fn where_a_command_waits_it_ends_at_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let (_, mut writer, mut frames) = writing(dir.path());
    write(&mut writer, &mut frames, 1);
    writer.request_sync();
    assert_eq!(writer.durable(), writer.position());
}

#[test]
fn where_commands_have_waited_blocks_are_shorter() {
    let dir = tempfile::tempdir().unwrap();
    let (ends, mut writer, mut frames) = writing(dir.path());
    writer.request_sync();
    ends.take();
    let next = writer.position() * 64 + 2 * BLOCK_AWAITED;
    while writer.position() * 64 < next {
        write(&mut writer, &mut frames, 1);
    }
    writer.turn();
    let ends = ends.take();
    let last = *ends.last().expect("a block is whole");
    assert!(
        last.is_multiple_of(BLOCK_AWAITED) && !last.is_multiple_of(BLOCK),
        "{ends:?}"
    );
}
