//! A live file that another process makes shorter: the journal ends, and not the program.

mod support;

use journal::{Error, Health, Options, Why, create_or_continue};
use std::fs::OpenOptions;
use std::path::Path;
use support::{Frames, frame, start, tiny, write};

/// Makes every segment no longer than so many bytes.
fn cut_segments(dir: &Path, bytes: u64) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(bytes.min(file.metadata().unwrap().len()))
                .unwrap();
        }
    }
}

#[test]
fn a_file_that_is_cut_short_under_the_writer_ends_the_journal() {
    for (threads, bytes) in [(false, 0), (true, 0), (false, 4_096), (true, 4_096)] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            segment_bytes: 1 << 16,
            ..tiny(dir.path())
        };
        let (mut writer, _) = start(&options);
        if threads {
            writer.spawn_helper().unwrap();
        }
        let mut frames = Frames::after(9, 0);
        write(&mut writer, &mut frames, 300);
        writer.request_sync();
        while writer.durable() < writer.position() {
            std::thread::yield_now();
        }
        cut_segments(dir.path(), bytes);
        let mut appended = 0;
        while !writer.is_failed() {
            let lines = frames.next();
            let before = writer.position();
            let behind = writer.append(frame(&lines));
            assert_eq!(
                behind > before,
                !writer.is_failed(),
                "what is lost does not count"
            );
            appended += 1;
            assert!(appended < 300, "at the latest the next page is gone");
        }
        assert_eq!(writer.health(), Health::Failed { why: Why::CUT });
        assert_eq!(
            Why::CUT.to_string(),
            "another process made its file shorter"
        );
        let position = writer.position();
        assert_eq!(writer.append(frame(&frames.next())), position);
        assert_eq!(writer.append_all(&frames.next()), position);
        drop(writer);
        // What had been promised is gone: nothing goes on behind it.
        let refused = create_or_continue(&options);
        assert!(matches!(refused, Err(Error::Corrupt(_))), "{refused:?}");
    }
}
