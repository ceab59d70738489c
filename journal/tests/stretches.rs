//! Frames that are appended back to back lie where they would lie one by one.

mod support;

use journal::{Health, verify};
use stream::Line;
use stream::hash::mix;
use support::{Frames, frame, read, start, tiny};

/// So many frames, with the line behind each.
fn frames(seed: u64, count: usize) -> (Vec<Line>, Vec<usize>) {
    let (mut frames, mut lines, mut ends) = (Frames::after(seed, 0), Vec::new(), Vec::new());
    for _ in 0..count {
        lines.extend(frames.next());
        ends.push(lines.len());
    }
    (lines, ends)
}

#[test]
fn stretches_of_any_length_lie_as_single_frames_do() {
    for seed in 0..6 {
        let (lines, ends) = frames(seed, 700);
        let (single, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mut one, _) = start(&tiny(single.path()));
        let (mut all, _) = start(&tiny(whole.path()));
        let (mut from, mut at) = (0, 0);
        let mut cut = 0;
        while at < ends.len() {
            cut += 1;
            // Empty ones, single frames, and more than a segment holds.
            let count = mix(seed << 32 | cut) as usize % [3, 20, 200][cut as usize % 3];
            let to = ends[at..][..count.min(ends.len() - at)].last();
            let to = to.copied().unwrap_or(from);
            let position = all.append_all(&lines[from..to]);
            while from < to {
                let next = frame(&lines[from..]);
                one.append(next);
                from += next.lines().len();
                at += 1;
            }
            assert_eq!(position, one.position(), "seed {seed}, line {to}");
            assert_eq!(
                (all.last_seq(), all.last_ts()),
                (one.last_seq(), one.last_ts())
            );
        }
        assert_eq!(all.health(), Health::Good);
        one.close().unwrap();
        all.close().unwrap();
        let read_all = read(whole.path()).unwrap();
        assert_eq!(read_all.len(), ends.len());
        assert_eq!(read_all, read(single.path()).unwrap(), "seed {seed}");
        assert_eq!(verify(whole.path()).unwrap().frames, ends.len() as u64);
    }
}

#[test]
fn what_a_stretch_published_is_read_though_the_writer_is_gone() {
    let (lines, ends) = frames(9, 300);
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = start(&tiny(dir.path()));
    writer.append_all(&lines);
    // As a crash would leave it.
    drop(writer);
    assert_eq!(read(dir.path()).unwrap().len(), ends.len());
}

#[test]
#[should_panic(expected = "a frame that does not follow from the one before it")]
fn a_gap_within_a_stretch_is_our_own_bug() {
    let (lines, ends) = frames(3, 40);
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = start(&tiny(dir.path()));
    let gap = [&lines[..ends[9]], &lines[ends[20]..]].concat();
    writer.append_all(&gap);
}

#[test]
#[should_panic(expected = "lines end with a frame")]
fn half_a_frame_is_our_own_bug() {
    let (lines, ends) = frames(3, 200);
    let long = (1..ends.len())
        .find(|&at| ends[at] > ends[at - 1] + 1)
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = start(&tiny(dir.path()));
    writer.append_all(&lines[..ends[long] - 1]);
}
