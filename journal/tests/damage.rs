//! Every flipped bit and every cut of a cleanly closed journal is told, with its place and class.

mod support;

use journal::layout::offset_of;
use journal::{Error, State, create_or_continue, verify};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use support::{Frames, read, start, tiny, write};

/// A closed journal of three epochs, the second of which ended in a crash, with rolls.
fn journal(dir: &Path) -> u64 {
    let options = tiny(dir);
    for epoch in 0..3 {
        let (mut writer, found) = start(&options);
        let count = [50, 8, 8][epoch as usize];
        write(
            &mut writer,
            &mut Frames::after(epoch, found.last_seq),
            count,
        );
        if epoch == 1 {
            writer.turn();
            drop(writer);
        } else {
            writer.close().unwrap();
        }
    }
    let report = verify(dir).unwrap();
    assert_eq!(report.state, State::Clean);
    report.position
}

/// The files of a journal and which of their bytes are used.
fn used(dir: &Path) -> Vec<(PathBuf, Vec<u8>, usize)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        // Behind the end of the crashed epoch lies what nobody uses any more: its mark, and zeros.
        let used = if name == "lock" || name.ends_with(".mark") {
            0
        } else if name.starts_with("00000002-") {
            bytes.len() - bytes.iter().rev().take_while(|&&byte| byte == 0).count()
        } else {
            bytes.len()
        };
        files.push((path, bytes, used));
    }
    files.sort();
    files
}

fn corruption(dir: &Path) -> Option<journal::Damage> {
    match verify(dir).unwrap().state {
        State::Corrupt(damage) => Some(damage),
        _ => None,
    }
}

#[test]
fn every_flipped_bit_is_corruption_at_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let end = journal(dir.path());
    let mut flips = 0;
    for (path, bytes, used) in used(dir.path()) {
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        for bit in 0..used * 8 {
            let flipped = bytes[bit / 8] ^ 1 << (bit % 8);
            put(&file, bit / 8, flipped);
            let damage = corruption(dir.path())
                .unwrap_or_else(|| panic!("bit {bit} of {} was not noticed", path.display()));
            assert!(damage.position <= end);
            if damage.file == path {
                assert!(damage.offset <= (bit / 8) as u64);
                assert!(damage.offset + 512 > (bit / 8) as u64);
            }
            put(&file, bit / 8, bytes[bit / 8]);
            flips += 1;
        }
    }
    assert!(flips > 50_000, "only {flips} flips");
    assert_eq!(verify(dir.path()).unwrap().state, State::Clean);
}

fn put(file: &std::fs::File, offset: usize, byte: u8) {
    use std::os::unix::fs::FileExt;
    file.write_all_at(&[byte], offset as u64).unwrap();
}

#[test]
fn every_cut_is_corruption_and_refuses_a_start() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path());
    for (path, bytes, used) in used(dir.path()) {
        for length in 0..used {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let damage = corruption(dir.path())
                .unwrap_or_else(|| panic!("{} cut at {length} was not noticed", path.display()));
            if damage.file == path {
                assert!(damage.offset <= length as u64);
            }
            if length % 37 == 0 {
                let before = listing(dir.path());
                let refused = create_or_continue(&tiny(dir.path()));
                assert!(matches!(refused, Err(Error::Corrupt(found)) if found == damage));
                assert_eq!(listing(dir.path()), before);
            }
        }
        std::fs::write(&path, &bytes).unwrap();
    }
    assert_eq!(verify(dir.path()).unwrap().state, State::Clean);
}

/// Every file but the lock, which a refused start may have filled in.
fn listing(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("lock"))
        .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_longer_file_is_corruption() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path());
    for (path, bytes, used) in used(dir.path()) {
        if used < bytes.len() || used == 0 {
            continue;
        }
        for extra in [&[0_u8; 1][..], &[0; 64], &[7; 64], &[1; 4_096]] {
            std::fs::write(&path, [&bytes[..], extra].concat()).unwrap();
            assert!(corruption(dir.path()).is_some(), "{}", path.display());
        }
        std::fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn torn_lines_are_counted_wherever_they_lie_behind_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let options = journal::Options {
        segment_bytes: 16 << 20,
        prefault_bytes: 64 << 10,
        ..tiny(dir.path())
    };
    let (mut writer, _) = start(&options);
    write(&mut writer, &mut Frames::after(2, 0), 20);
    let position = writer.position();
    drop(writer);
    let path = dir.path().join("00000001-00000000.seg");
    let segment = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let last = (options.segment_bytes - 512) / 64 - 1;
    for (lost, line) in (1..).zip([position + 1, position + 3_000, 100_000, last]) {
        segment.write_all_at(&[1; 64], offset_of(line)).unwrap();
        let report = verify(dir.path()).unwrap();
        assert_eq!(report.state, State::Tail { position, lost });
    }
}

#[test]
fn files_that_are_swapped_missing_repeated_or_replaced_are_corruption() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path());
    let other = tempfile::tempdir().unwrap();
    journal(other.path());
    let files: Vec<_> = used(dir.path())
        .into_iter()
        .filter(|(_, _, used)| *used > 0)
        .collect();
    for (path, bytes, _) in &files {
        std::fs::remove_file(path).unwrap();
        match path.file_name().unwrap().to_str().unwrap() {
            "identity" => assert!(matches!(verify(dir.path()), Err(Error::NotAJournal { .. }))),
            // Without its record the last epoch looks like one that was not closed.
            "00000003.closed" => assert!(matches!(
                verify(dir.path()).unwrap().state,
                State::Tail { lost: 0, .. }
            )),
            // The next epoch says as well where this one ended.
            "00000001.closed" => assert_eq!(verify(dir.path()).unwrap().state, State::Clean),
            _ => assert!(corruption(dir.path()).is_some(), "{}", path.display()),
        }
        let stranger = other.path().join(path.file_name().unwrap());
        std::fs::copy(stranger, path).unwrap();
        assert!(corruption(dir.path()).is_some(), "{}", path.display());
        for (another, others, _) in &files {
            if another != path {
                std::fs::write(path, others).unwrap();
                std::fs::write(another, bytes).unwrap();
                assert!(corruption(dir.path()).is_some(), "{}", path.display());
                std::fs::write(another, others).unwrap();
            }
        }
        std::fs::write(path, bytes).unwrap();
    }
    let last = files
        .iter()
        .rfind(|(path, _, _)| path.extension().is_some_and(|e| e == "seg"));
    let again = dir.path().join("00000003-00000009.seg");
    std::fs::write(&again, &last.unwrap().1).unwrap();
    assert!(corruption(dir.path()).is_some());
}

#[test]
fn a_reader_returns_what_is_sound_and_then_the_damage() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path());
    let all = read(dir.path()).unwrap();
    let path = dir.path().join("00000003-00000000.seg");
    let bytes = std::fs::read(&path).unwrap();
    let mut flipped = bytes.clone();
    flipped[512 + 5 * 64 + 40] ^= 4;
    std::fs::write(&path, &flipped).unwrap();
    let Some(damage) = corruption(dir.path()) else {
        panic!("not noticed");
    };
    let mut reader = journal::Reader::open(dir.path()).unwrap();
    let mut sound = 0;
    let told = loop {
        match reader.next().expect("damage is told") {
            Ok((position, frame)) => {
                assert_eq!((position, support::unsealed(frame)), all[sound]);
                sound += 1;
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(&told, Error::Corrupt(found) if *found == damage));
    assert_eq!(all[sound].0, damage.position);
    assert!(matches!(reader.next(), Some(Err(Error::Corrupt(_)))));
    assert!(reader.seek_position(0).unwrap());
    assert!(told.to_string().contains("00000003-00000000.seg, byte "));
}
