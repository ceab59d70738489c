//! A journal that is written by a helper, sheet by sheet, holds what one that is mapped would hold.

mod support;

use journal::{Faults, Health, Medium, Operation, Options, Reader, State, Why, verify};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stream::Line;
use support::{Frames, read, read_on, start, tiny, write};

/// 16 sheets to a segment, about.
const SEGMENT_BYTES: u64 = 1 << 20;

fn written(dir: &Path) -> Options {
    Options {
        segment_bytes: SEGMENT_BYTES,
        medium: Medium::Written,
        sync_every: Duration::ZERO,
        ..tiny(dir)
    }
}

#[test]
fn frames_lie_where_a_mapping_would_have_them() {
    for (threads, segment_bytes) in [
        (false, 4_096),
        (false, SEGMENT_BYTES),
        (true, SEGMENT_BYTES),
    ] {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("written");
        let options = Options {
            segment_bytes,
            ..written(&dir)
        };
        let (mut writer, _) = start(&options);
        if threads {
            writer.spawn_helper().unwrap();
        }
        let all = write(&mut writer, &mut Frames::after(7, 0), 40_000);
        assert_eq!(writer.health(), Health::Good);
        writer.close().unwrap();

        let mapped = Options {
            segment_bytes,
            ..tiny(&place.path().join("mapped"))
        };
        let (mut twin, _) = start(&mapped);
        assert_eq!(write(&mut twin, &mut Frames::after(7, 0), 40_000), all);
        twin.close().unwrap();
        assert_eq!(read(&dir).unwrap(), all);
        let (own, other) = (verify(&dir).unwrap(), verify(&mapped.dir).unwrap());
        assert_eq!(own.state, State::Clean);
        assert_eq!(
            (own.position, own.segments),
            (other.position, other.segments)
        );
        assert!(own.segments > 3);
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_all_that_was_appended() {
    for threads in [false, true] {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("day");
        let (mut frames, mut all) = (Frames::after(3, 0), Vec::new());
        // Within a sheet, and behind several.
        for count in [5, 4_000] {
            let (mut writer, found) = start(&written(&dir));
            assert_eq!(found.frames, all.len() as u64);
            if threads {
                writer.spawn_helper().unwrap();
            }
            all.extend(write(&mut writer, &mut frames, count));
            drop(writer);
            assert_eq!(read(&dir).unwrap(), all, "{count} {threads}");
        }
    }
}

/// Who follows sees whole frames in order, and in the end all of them.
#[test]
fn a_reader_follows_behind() {
    let place = tempfile::tempdir().unwrap();
    let (mut writer, _) = start(&written(place.path()));
    writer.spawn_helper().unwrap();
    let mut reader = Reader::open(place.path()).unwrap();
    let (mut frames, mut all, mut seen) = (Frames::after(11, 0), Vec::new(), Vec::new());
    for _ in 0..300 {
        all.extend(write(&mut writer, &mut frames, 100));
        seen.extend(read_on(&mut reader).unwrap());
        assert_eq!(seen, all[..seen.len()]);
    }
    writer.close().unwrap();
    seen.extend(read_on(&mut reader).unwrap());
    assert_eq!(seen, all);
}

/// Lets so many sheets pass, and all headers.
#[derive(Debug)]
struct Failing {
    left: AtomicU64,
}

impl Faults for Failing {
    fn before(&self, operation: Operation<'_>) -> io::Result<()> {
        match operation {
            Operation::Write { bytes, .. } if bytes.start > 0 => {}
            _ => return Ok(()),
        }
        let pass = |left: u64| left.checked_sub(1);
        match self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, pass)
        {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::from_raw_os_error(libc::EIO)),
        }
    }
}

#[test]
fn a_write_that_fails_ends_the_journal_in_front_of_it() {
    for threads in [false, true] {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("day");
        let left = AtomicU64::new(2);
        let options = Options {
            faults: Some(Arc::new(Failing { left })),
            ..written(&dir)
        };
        let (mut writer, _) = start(&options);
        if threads {
            writer.spawn_helper().unwrap();
        }
        let (mut frames, mut all) = (Frames::after(5, 0), Vec::<(u64, Vec<Line>)>::new());
        while !writer.is_failed() {
            all.extend(write(&mut writer, &mut frames, 1));
            assert!(all.len() < 100_000, "it never failed");
        }
        let why = Why(libc::EIO as u32);
        assert_eq!(writer.health(), Health::Failed { why });
        assert!(writer.close().is_err());
        let found = read(&dir).unwrap();
        assert!(found.len() > 1_000 && found.len() < 2_000, "two sheets");
        assert_eq!(found, all[..found.len()]);
    }
}

#[test]
fn what_is_written_is_not_synced() {
    let place = tempfile::tempdir().unwrap();
    let options = Options {
        sync_every: Duration::from_millis(5),
        ..written(place.path())
    };
    let refused = journal::create_or_continue(&options).unwrap_err();
    assert!(refused.to_string().contains("never synced"), "{refused}");
}
