//! What is written is read, across segments, epochs and threads.

mod support;

use journal::{Health, Medium, Reader, State, verify};
use std::time::Duration;
use stream::FrameRef;
use support::{Frames, TINY_LINES, frame, input, read, read_on, start, tiny, unsealed, write};

#[test]
fn frames_come_back_in_order_across_segments_and_epochs() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("day");
    let mut all = Vec::new();
    for (epoch, medium) in (1..=4).zip([Medium::Mapped, Medium::Written].into_iter().cycle()) {
        let options = journal::Options {
            medium,
            sync_every: match medium {
                Medium::Mapped => tiny(&dir).sync_every,
                Medium::Written => Duration::ZERO,
            },
            ..tiny(&dir)
        };
        let (mut writer, found) = start(&options);
        assert_eq!(found.epoch, epoch);
        assert_eq!(found.frames, all.len() as u64);
        assert_eq!(found.empty, epoch == 1);
        assert_eq!(found.closed, epoch > 1);
        let mut frames = Frames::after(u64::from(epoch), found.last_seq);
        all.extend(write(&mut writer, &mut frames, 300));
        assert_eq!(writer.health(), Health::Good);
        writer.close().unwrap();
        assert_eq!(read(&dir).unwrap(), all);
        let report = verify(&dir).unwrap();
        assert_eq!(report.state, State::Clean);
        assert!(!report.live);
        assert_eq!(report.frames, all.len() as u64);
        assert_eq!(report.epochs, u64::from(epoch));
        assert!(report.segments > 6 * u64::from(epoch));
    }
}

#[test]
fn whole_reads_and_single_frames_can_be_taken_in_turn() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = start(&tiny(dir.path()));
    let all = write(&mut writer, &mut Frames::after(3, 0), 2_000);
    writer.close().unwrap();
    for singles in [0, 1, 2, 70, 200] {
        let mut reader = Reader::open(dir.path()).unwrap();
        let (mut found, mut spare) = (Vec::new(), Vec::new());
        loop {
            let before = found.len();
            for _ in 0..singles {
                if let Some(next) = reader.next() {
                    found.push(unsealed(next.unwrap().1));
                }
            }
            let Some(read) = reader.next_frames(std::mem::take(&mut spare)) else {
                break;
            };
            let read = read.unwrap();
            let mut rest = read.lines();
            while let Some(frame) = FrameRef::first_of(rest) {
                found.push(unsealed(frame));
                rest = &rest[frame.lines().len()..];
            }
            assert!(rest.is_empty() && found.len() > before);
            spare = read.into_spare();
        }
        assert!(
            found.iter().eq(all.iter().map(|(_, lines)| lines)),
            "{singles}"
        );
    }
}

#[test]
fn a_closed_journal_holds_no_unused_byte() {
    let dir = tempfile::tempdir().unwrap();
    let options = tiny(dir.path());
    let (mut writer, _) = start(&options);
    write(&mut writer, &mut Frames::after(1, 0), 100);
    writer.close().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let segments = names.iter().filter(|name| name.ends_with(".seg")).count();
    assert_eq!(names.len(), segments + 3, "{names:?}");
    assert_eq!(std::fs::metadata(dir.path().join("lock")).unwrap().len(), 0);
    assert!(names.contains(&"00000001.closed".to_owned()));
    assert!(!names.contains(&"reserve.seg".to_owned()));
}

#[test]
fn a_journal_without_a_frame_closes_and_continues() {
    let dir = tempfile::tempdir().unwrap();
    for epoch in 1..4 {
        let (writer, found) = start(&tiny(dir.path()));
        assert!(found.empty && found.epoch == epoch);
        writer.close().unwrap();
        assert_eq!(verify(dir.path()).unwrap().state, State::Clean);
    }
    assert_eq!(read(dir.path()).unwrap(), []);
}

#[test]
fn helper_threads_change_nothing_but_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let options = journal::Options {
        segment_bytes: 64 << 10,
        ..tiny(dir.path())
    };
    let (mut writer, _) = start(&options);
    writer.spawn_helper().unwrap();
    let mut frames = Frames::after(9, 0);
    let all = write(&mut writer, &mut frames, 50_000);
    assert_eq!(
        writer.position(),
        all.last().unwrap().0 + all.last().unwrap().1.len() as u64
    );
    let position = writer.position();
    writer.request_sync();
    while writer.durable() < position {
        std::thread::yield_now();
    }
    writer.close().unwrap();
    assert_eq!(read(dir.path()).unwrap(), all);
    let report = verify(dir.path()).unwrap();
    assert_eq!((report.state, report.position), (State::Clean, position));
}

#[test]
fn a_reader_follows_a_writer_through_rolls_closes_and_starts() {
    let dir = tempfile::tempdir().unwrap();
    let options = tiny(dir.path());
    let (mut writer, _) = start(&options);
    let mut reader = Reader::open(dir.path()).unwrap();
    let mut seq = 0;
    for epoch in 0..3_u64 {
        let mut frames = Frames::after(epoch, seq);
        for count in [0, 1, 2, 30, 0, 200, 1] {
            let written = write(&mut writer, &mut frames, count);
            assert_eq!(read_on(&mut reader).unwrap(), written);
            assert!(reader.is_live());
            assert_eq!(verify(dir.path()).unwrap().state, State::Clean);
        }
        seq = writer.last_seq();
        if epoch == 1 {
            drop(writer);
        } else {
            writer.close().unwrap();
        }
        assert_eq!(read_on(&mut reader).unwrap(), []);
        writer = start(&options).0;
        assert_eq!(read_on(&mut reader).unwrap(), []);
    }
    assert_eq!(reader.epochs().len(), 4);
    assert_eq!(reader.account(), "DU123");
}

#[test]
fn a_reader_follows_epochs_that_end_with_a_full_segment() {
    let dir = tempfile::tempdir().unwrap();
    let options = tiny(dir.path());
    let mut writer = start(&options).0;
    let mut reader = Reader::open(dir.path()).unwrap();
    let (mut seq, mut all) = (0, Vec::new());
    for (segments, closed) in [(1, true), (2, true), (1, false), (2, false), (1, true)] {
        for _ in 0..segments * TINY_LINES {
            seq += 1;
            let lines = input(seq);
            all.push((writer.append(frame(&lines)) - 1, lines));
        }
        let found = read_on(&mut reader).unwrap();
        assert_eq!(found, all[all.len() - found.len()..]);
        assert_eq!(reader.position(), writer.position());
        if closed {
            writer.close().unwrap();
        } else {
            drop(writer);
        }
        for _ in 0..2 {
            assert_eq!(read_on(&mut reader).unwrap(), [], "{segments} {closed}");
        }
        writer = start(&options).0;
        assert_eq!(read_on(&mut reader).unwrap(), [], "{segments} {closed}");
    }
    all.extend(write(&mut writer, &mut Frames::after(1, seq), 3));
    assert_eq!(read_on(&mut reader).unwrap(), all[all.len() - 3..]);
    assert_eq!(read(dir.path()).unwrap(), all);
    assert_eq!(reader.epochs().len(), 6);
    assert_eq!(verify(dir.path()).unwrap().state, State::Clean);
}

#[test]
fn a_reader_in_another_thread_sees_whole_frames_only() {
    let dir = tempfile::tempdir().unwrap();
    let options = journal::Options {
        segment_bytes: 32 << 10,
        ..tiny(dir.path())
    };
    let (mut writer, _) = start(&options);
    writer.spawn_helper().unwrap();
    let count = 60_000;
    let path = dir.path().to_owned();
    let follower = std::thread::spawn(move || {
        let mut reader = Reader::open(path).unwrap();
        let mut expected = Frames::after(5, 0);
        let mut seen = 0;
        while seen < count {
            for (_, lines) in read_on(&mut reader).unwrap() {
                assert_eq!(lines, expected.next());
                seen += 1;
            }
        }
    });
    let mut frames = Frames::after(5, 0);
    for _ in 0..count {
        let lines = frames.next();
        writer.append(frame(&lines));
    }
    follower.join().unwrap();
    writer.close().unwrap();
}

#[test]
fn seeks_find_what_a_scan_finds() {
    let dir = tempfile::tempdir().unwrap();
    let options = tiny(dir.path());
    let mut all = Vec::new();
    for epoch in 0..3 {
        let (mut writer, found) = start(&options);
        all.extend(write(
            &mut writer,
            &mut Frames::after(epoch, found.last_seq),
            150,
        ));
        if epoch == 1 {
            drop(writer);
        } else {
            writer.close().unwrap();
        }
    }
    let seq_of = |lines: &[stream::Line]| frame(lines).seq();
    let last = seq_of(&all.last().unwrap().1);
    let mut reader = Reader::open(dir.path()).unwrap();
    let mut order: Vec<u64> = (0..=last + 2).collect();
    order.sort_by_key(|&seq| stream::hash::mix(seq));
    for seq in order {
        let expected = all.iter().find(|(_, lines)| seq_of(lines) >= seq);
        assert_eq!(reader.seek_seq(seq).unwrap(), expected.is_some());
        let found = reader.next().map(|next| next.unwrap().0);
        assert_eq!(found, expected.map(|(position, _)| *position), "seq {seq}");
        let ts = stream::Nanos(seq * 1_000);
        assert_eq!(reader.seek_time(ts).unwrap(), expected.is_some());
        let found = reader.next().map(|next| next.unwrap().0);
        assert_eq!(found, expected.map(|(position, _)| *position), "ts {ts}");
    }
    for position in 0..=all.last().unwrap().0 {
        let at = all.partition_point(|(start, _)| *start < position);
        assert!(reader.seek_position(position).unwrap());
        assert_eq!(read_on(&mut reader).unwrap(), all[at..]);
    }
}

#[test]
fn finished_segments_are_unmapped() {
    let mapped = |dir: &std::path::Path| {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let dir = dir.to_str().unwrap();
        maps.lines().filter(|line| line.contains(dir)).count()
    };
    for (threads, sync_every) in [(false, 5), (false, 0), (true, 1), (true, 0)] {
        let dir = tempfile::tempdir().unwrap();
        let options = journal::Options {
            sync_every: std::time::Duration::from_millis(sync_every),
            ..tiny(dir.path())
        };
        let (mut writer, _) = start(&options);
        if threads {
            writer.spawn_helper().unwrap();
        }
        write(&mut writer, &mut Frames::after(1, 0), 3_000);
        assert!(mapped(dir.path()) > 0);
        // The helpers let go in their own time: each request is one more turn for them.
        while mapped(dir.path()) > 3 {
            writer.request_sync();
            std::thread::yield_now();
        }
        writer.close().unwrap();
        assert_eq!(mapped(dir.path()), 0);
    }
}
