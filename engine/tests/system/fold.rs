//! Folding the parts of a pipeline side by side finds whatever folding it whole finds.

use crate::common::{Scene, frames};
use engine::fold::{Fold, parallel};
use std::path::Path;
use stream::id::{SUB_COUNT_BITS, sub_of};
use stream::stage::Collected;
use stream::{Class, Kind, Line, StageId};
use zerocopy::IntoBytes;

/// A session's frames, each by itself.
fn session() -> Vec<Vec<Line>> {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("whole");
    Scene::new(5, 12).run(&dir);
    let all = frames(&dir);
    let each = all.iter().map(|frame| frame.lines().to_vec());
    each.collect()
}

fn header(frame: &[Line]) -> stream::Header {
    *stream::FrameRef::first_of(frame).unwrap().header()
}

/// A journal of these frames.
fn write(dir: &Path, frames: &[Vec<Line>]) {
    let (mut writer, _) = journal::create_or_continue(&journal::Options::new(dir)).unwrap();
    for frame in frames {
        writer.append(stream::FrameRef::first_of(frame).unwrap());
    }
    writer.close().unwrap();
}

/// What both ways say of these frames; true when all is as it is made.
fn is_sound(frames: &[Vec<Line>], what: &str) -> bool {
    let place = tempfile::tempdir().unwrap();
    write(place.path(), frames);
    let checked = engine::replay::check(place.path()).unwrap();
    let together = parallel(place.path(), None).unwrap().is_some();
    assert_eq!(together, checked.identical, "{what}: {:?}", checked.first);
    assert_eq!(checked.frames, frames.len() as u64, "{what}");
    together
}

/// Where a frame of that stage stands, far from both ends.
fn place_of(frames: &[Vec<Line>], stage: StageId, kind: Kind) -> usize {
    let middle = frames.len() / 2;
    let found = frames[middle..].iter().position(|frame| {
        let header = header(frame);
        header.stage() == Some(stage) && header.kind == kind
    });
    middle + found.expect("every stage makes some")
}

#[test]
fn what_differs_anywhere_is_found_by_parts_as_by_the_whole() {
    let sound = session();
    assert!(is_sound(&sound, "as it was"));
    let stages = [
        StageId::Book,
        StageId::Signal,
        StageId::Risk,
        StageId::Gateway,
    ];
    for stage in stages {
        let at = place_of(&sound, stage, Kind::StateHash);
        let name = stage.name();
        let mut other = sound.clone();
        other[at][0].as_mut_bytes()[40] ^= 1;
        assert!(!is_sound(&other, &format!("{name}: a changed byte")));
        let mut other = sound.clone();
        other.remove(at);
        assert!(!is_sound(&other, &format!("{name}: a frame is missing")));
        let mut other = sound.clone();
        let twin = other[at].clone();
        other.insert(at, twin);
        assert!(!is_sound(&other, &format!("{name}: a frame stands twice")));
    }
    // Behind one tick, hashes stand from the last stage's to the first's or the other way round;
    // either way two neighbours are of two stages.
    let at = place_of(&sound, StageId::Risk, Kind::StateHash);
    let next = &sound[at + 1];
    assert_ne!(header(next).stage(), Some(StageId::Risk));
    assert_eq!(header(next).class(), Some(Class::Derived));
    let mut other = sound.clone();
    other.swap(at, at + 1);
    assert!(!is_sound(&other, "two stages' frames change places"));
}

#[test]
fn a_frame_that_no_stage_makes_is_found_by_parts_as_by_the_whole() {
    let sound = session();
    let at = place_of(&sound, StageId::Book, Kind::StateHash);
    for sub in [1, sub_of(StageId::Gateway, 8_000), 5 << SUB_COUNT_BITS | 1] {
        let mut other = sound.clone();
        let mut strange = other[at].clone();
        strange[0].0[26..28].copy_from_slice(&sub.to_le_bytes());
        other.insert(at + 1, strange);
        assert!(!is_sound(&other, &format!("sub {sub}")));
    }
}

#[test]
fn what_the_last_input_lacks_is_told_wherever_the_journal_ends() {
    let sound = session();
    let tick = place_of(&sound, StageId::Gateway, Kind::StateHash);
    let last = (0..tick).rev().find(|&at| header(&sound[at]).sub == 0);
    for end in last.unwrap() + 1..tick + 2 {
        let place = tempfile::tempdir().unwrap();
        write(place.path(), &sound[..end]);
        let all = parallel(place.path(), None)
            .unwrap()
            .expect("no difference");
        let mut whole = Fold::default();
        for frame in &sound[..end] {
            let frame = stream::FrameRef::first_of(frame).unwrap();
            whole.on_frame(frame).unwrap().unwrap();
        }
        let lacking = |fold: &Fold| -> Collected { fold.lacking() };
        assert_eq!(lacking(&all.fold).0, lacking(&whole).0, "{end}");
        let hashes = |fold: Fold| fold.into_chain().unwrap().state_hashes();
        assert_eq!(hashes(all.fold), hashes(whole), "{end}");
    }
}
