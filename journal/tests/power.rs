//! Loss of power and death of the process: what is found again is a prefix of what was written,
//! with everything that was promised, and nothing from an earlier life.

mod support;

use journal::{Durability, Options, State, create_or_continue, verify};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use stream::Line;
use stream::hash::mix;
use support::power::{Picture, Power};
use support::{Frames, read, start, tiny, write};

type Written = Vec<(u64, Vec<Line>)>;

/// One life: appends, syncs now and then, perhaps closes. Returns what was written in all and
/// every picture of a crash, with the number of frames written at that moment.
fn live(dir: &Path, seed: u64, before: Written) -> Vec<(Written, Picture)> {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_add(0x1_0000);
        mix(state)
    };
    let power = Arc::new(Power::over(dir, 1 + random() % 5));
    let options = Options {
        durability: Durability::Power,
        faults: Some(power.clone()),
        segment_bytes: [4_096, 8_192, 16_384][random() as usize % 3],
        ..tiny(dir)
    };
    let mut all = before;
    let promised_before = all.last().map_or(0, |(at, lines)| at + lines.len() as u64);
    let (mut writer, found) = create_or_continue(&options).unwrap();
    assert_eq!(found.frames, all.len() as u64);
    let mut pictures = Vec::new();
    for picture in power.take(promised_before) {
        pictures.push((all.clone(), picture));
    }
    let mut frames = Frames::after(seed, found.last_seq);
    for _ in 0..random() % 40 {
        let durable = writer.durable().max(promised_before);
        let count = random() as usize % 12;
        all.extend(write(&mut writer, &mut frames, count));
        match random() % 4 {
            0 => writer.request_sync(),
            1 => writer.turn(),
            _ => {}
        }
        for picture in power.take(durable) {
            pictures.push((all.clone(), picture));
        }
    }
    pictures.push((
        all.clone(),
        power.picture(writer.durable().max(promised_before)),
    ));
    if random() & 1 == 0 {
        let durable = writer.durable().max(promised_before);
        writer.close().unwrap();
        for picture in power.take(durable) {
            pictures.push((all.clone(), picture));
        }
        let end = all.last().map_or(0, |(at, lines)| at + lines.len() as u64);
        pictures.push((all, power.picture(end)));
    }
    pictures
}

/// Checks a folder after a crash and returns what survived.
fn survivors(dir: &Path, all: &Written, durable: u64) -> Result<Written, TestCaseError> {
    let report = verify(dir).unwrap();
    prop_assert!(
        !matches!(report.state, State::Corrupt(_)),
        "a crash was taken for corruption: {:?}",
        report
    );
    let found = read(dir).unwrap();
    prop_assert!(found.len() <= all.len());
    prop_assert_eq!(&found[..], &all[..found.len()]);
    if let Some((position, lines)) = all.get(found.len()) {
        prop_assert!(
            position + lines.len() as u64 > durable,
            "lost a frame at {position} below {durable}"
        );
    }
    Ok(found)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_loss_of_power_leaves_a_prefix_with_everything_promised(seed: u64) {
        let mut home = tempfile::tempdir().unwrap();
        let mut before = Vec::new();
        for life in 0..3 {
            let pictures = live(home.path(), mix(seed ^ life), before.clone());
            let mut next = None;
            for (number, (all, picture)) in pictures.iter().enumerate() {
                let dir = tempfile::tempdir().unwrap();
                picture.develop(mix(seed ^ number as u64), dir.path());
                if !dir.path().join("identity").exists() {
                    prop_assert_eq!(picture.durable, 0);
                    continue;
                }
                let found = survivors(dir.path(), all, picture.durable)?;
                next = Some((dir, found));
            }
            let Some((dir, found)) = next else { break };
            home = dir;
            before = found;
        }
    }

    #[test]
    fn the_death_of_the_process_loses_nothing(seed: u64, count in 0_usize..300) {
        let dir = tempfile::tempdir().unwrap();
        let mut all = Vec::new();
        for life in 0..3 {
            let (mut writer, found) = start(&tiny(dir.path()));
            prop_assert_eq!(found.frames, all.len() as u64);
            prop_assert_eq!(found.cut_lines, 0);
            all.extend(write(&mut writer, &mut Frames::after(seed ^ life, found.last_seq), count));
            drop(writer);
            let report = verify(dir.path()).unwrap();
            let position = all.last().map_or(0, |(at, lines)| at + lines.len() as u64);
            let State::Tail { lost: 0, position: end } = report.state else {
                return Err(TestCaseError::fail(format!("{report:?}")));
            };
            prop_assert!(end >= position);
            prop_assert_eq!(&read(dir.path()).unwrap(), &all);
        }
    }
}

#[test]
fn a_cut_at_every_line_of_an_open_journal_recovers_the_frames_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        sync_every: std::time::Duration::ZERO,
        ..tiny(dir.path())
    };
    let (mut writer, _) = start(&options);
    let all = write(&mut writer, &mut Frames::after(3, 0), 60);
    drop(writer);
    let first = dir.path().join("00000001-00000000.seg");
    let second = dir.path().join("00000001-00000001.seg");
    let whole = [
        std::fs::read(&first).unwrap(),
        std::fs::read(&second).unwrap(),
    ];
    // Nothing was synced, so whatever is missing is a crash's tail.
    for byte in (512..4_096).step_by(32) {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
        let mut torn = whole[0].clone();
        torn[byte..].fill(0);
        std::fs::write(copy.path().join("00000001-00000000.seg"), &torn).unwrap();
        let sound = all
            .iter()
            .take_while(|(at, lines)| {
                let end = 512 + (*at as usize + lines.len()) * 64;
                end <= 4_096 && torn[..end] == whole[0][..end]
            })
            .count();
        let (mut writer, found) = start(&Options {
            dir: copy.path().to_owned(),
            ..options.clone()
        });
        assert_eq!(found.frames, sound as u64, "byte {byte}");
        assert!(found.cut_lines > 0);
        let mut expected = all[..sound].to_vec();
        expected.extend(write(
            &mut writer,
            &mut Frames::after(8, found.last_seq),
            20,
        ));
        writer.close().unwrap();
        assert_eq!(read(copy.path()).unwrap(), expected);
        assert_eq!(verify(copy.path()).unwrap().state, State::Clean);
        // What the crash left is still there, byte for byte.
        let kept = std::fs::read(copy.path().join("00000001-00000000.seg")).unwrap();
        assert_eq!(kept, torn);
        let kept = std::fs::read(copy.path().join("00000001-00000001.seg")).unwrap();
        assert_eq!(kept, whole[1]);
    }
}

#[test]
fn damage_below_the_mark_refuses_a_start_and_damage_above_it_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes: 16_384,
        ..tiny(dir.path())
    };
    let (mut writer, _) = start(&options);
    let mut frames = Frames::after(4, 0);
    write(&mut writer, &mut frames, 40);
    writer.request_sync();
    let durable = writer.durable();
    assert_eq!(durable, writer.position());
    write(&mut writer, &mut frames, 40);
    let end = writer.position();
    drop(writer);
    let path = dir.path().join("00000001-00000000.seg");
    let whole = std::fs::read(&path).unwrap();
    for line in 0..end {
        let mut damaged = whole.clone();
        damaged[512 + line as usize * 64 + 33] ^= 16;
        std::fs::write(&path, &damaged).unwrap();
        let state = verify(dir.path()).unwrap().state;
        let mut zeroed = whole.clone();
        zeroed[512 + line as usize * 64..].fill(0);
        std::fs::write(&path, &zeroed).unwrap();
        let without = verify(dir.path()).unwrap().state;
        if line < durable {
            assert!(matches!(state, State::Corrupt(_)), "line {line}: {state:?}");
            assert!(matches!(without, State::Corrupt(_)), "line {line}");
            let refused = create_or_continue(&options);
            assert!(matches!(refused, Err(journal::Error::Corrupt(_))));
        } else {
            assert!(
                matches!(state, State::Tail { lost, position } if lost > 0 && position >= durable),
                "line {line}: {state:?}"
            );
            assert!(matches!(without, State::Tail { .. }), "line {line}");
        }
    }
}

#[test]
fn what_an_earlier_life_left_on_the_disk_never_verifies_in_a_later_one() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes: 16_384,
        ..tiny(dir.path())
    };
    let path = |epoch: u32| dir.path().join(format!("{epoch:08}-00000000.seg"));
    let offset = |epoch: u32, position: u64| {
        let start = starts(dir.path())[epoch as usize - 1];
        512 + (position - start) as usize * 64
    };
    let mut ghosts = 0;
    for _ in 0..20 {
        // A life whose frames are torn behind the fifth: the rest become ghosts.
        let (mut writer, found) = start(&options);
        let torn_epoch = found.epoch;
        let mut frames = Frames::after(7, 0);
        for _ in 0..found.frames {
            frames.next();
        }
        let mut again = frames.clone();
        let written = write(&mut writer, &mut frames, 25);
        drop(writer);
        let mut torn = std::fs::read(path(torn_epoch)).unwrap();
        let hole = offset(torn_epoch, written[5].0);
        torn[hole..hole + 64].fill(0);
        std::fs::write(path(torn_epoch), &torn).unwrap();

        // The next life writes the very same frames, and stops short of where the ghosts end.
        let (mut writer, found) = start(&options);
        assert!(found.cut_lines > 0);
        assert_eq!(found.position, written[5].0);
        for _ in 0..5 {
            again.next();
        }
        assert_eq!(write(&mut writer, &mut again, 10), written[5..15]);
        drop(writer);
        let expected = read(dir.path()).unwrap();

        // The file gets back the blocks of the old one, at the very positions they had.
        let mut bytes = std::fs::read(path(found.epoch)).unwrap();
        for position in written[15].0..written[24].0 {
            let old = offset(torn_epoch, position);
            let new = offset(found.epoch, position);
            bytes[new..new + 64].copy_from_slice(&torn[old..old + 64]);
            ghosts += 1;
        }
        std::fs::write(path(found.epoch), &bytes).unwrap();
        assert_eq!(read(dir.path()).unwrap(), expected);
    }
    assert!(ghosts > 200, "only {ghosts} ghosts were planted");
}

fn starts(dir: &Path) -> Vec<u64> {
    let reader = journal::Reader::open(dir).unwrap();
    reader.epochs().iter().map(|epoch| epoch.position).collect()
}
