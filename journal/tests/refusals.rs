//! What a start refuses, how it says so, and that it leaves nothing behind.

mod support;

use journal::{Durability, Error, Options, Reader, create_or_continue, verify};
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::{Frames, read, start, tiny, write};

fn refusal(options: &Options) -> Error {
    match create_or_continue(options) {
        Ok(_) => panic!("the start was not refused"),
        Err(error) => error,
    }
}

fn listing(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(&path).unwrap_or_default()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_second_writer_is_refused_and_told_who_holds_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = start(&tiny(dir.path()));
    let all = write(&mut writer, &mut Frames::after(1, 0), 10);
    let before = listing(dir.path());
    let error = refusal(&tiny(dir.path()));
    let pid = std::process::id();
    assert!(matches!(error, Error::Locked { pid: Some(holder), .. } if holder == pid));
    assert!(error.to_string().contains(&format!("process {pid}")));
    assert_eq!(listing(dir.path()), before);
    assert!(Reader::open(dir.path()).unwrap().is_live());
    writer.close().unwrap();
    assert!(!Reader::open(dir.path()).unwrap().is_live());
    assert_eq!(read(dir.path()).unwrap(), all);
    start(&tiny(dir.path())).0.close().unwrap();
}

#[test]
fn a_journal_of_another_account_or_date_is_refused_and_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = start(&tiny(dir.path()));
    write(&mut writer, &mut Frames::after(1, 0), 10);
    writer.close().unwrap();
    let before = listing(dir.path());
    let error = refusal(&Options {
        account: "U999".to_owned(),
        ..tiny(dir.path())
    });
    assert!(matches!(
        error,
        Error::Foreign {
            field: "account",
            ..
        }
    ));
    assert!(error.to_string().contains("`DU123`, not `U999`"));
    let error = refusal(&Options {
        date: 20_240_103,
        ..tiny(dir.path())
    });
    assert!(matches!(error, Error::Foreign { field: "date", .. }));
    assert_eq!(listing(dir.path()), before);
}

#[test]
fn a_journal_of_another_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    start(&tiny(dir.path())).0.close().unwrap();
    let path = dir.path().join("identity");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[16] = 2;
    let crc = crc32c::crc32c(&bytes[..508]);
    bytes[508..].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let wanted = journal::layout::SCHEMA;
    for error in [
        refusal(&tiny(dir.path())),
        Reader::open(dir.path()).unwrap_err(),
        verify(dir.path()).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Schema { found: 2, wanted: w, .. } if w == wanted));
    }
}

#[test]
fn a_folder_that_holds_something_else_is_refused_and_untouched() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("letter.txt"), "dear").unwrap();
    let before = listing(dir.path());
    let error = refusal(&tiny(dir.path()));
    assert!(matches!(error, Error::NotAJournal { .. }));
    assert!(error.to_string().contains("letter.txt"));
    assert_eq!(listing(dir.path()), before);
    assert!(matches!(
        Reader::open(dir.path()),
        Err(Error::NotAJournal { .. })
    ));
    assert!(matches!(verify(dir.path()), Err(Error::NotAJournal { .. })));
}

#[test]
fn a_path_that_is_no_folder_or_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = refusal(&tiny(&file));
    assert!(
        error
            .to_string()
            .starts_with(&format!("{}: ", file.display()))
    );
    let error = refusal(&tiny(&file.join("below")));
    assert!(error.to_string().contains("make the folder"));
    assert_eq!(std::fs::read(&file).unwrap(), b"x");
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    std::fs::write(&target, "mine").unwrap();
    let home = dir.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::os::unix::fs::symlink(&target, home.join("lock")).unwrap();
    let error = refusal(&tiny(&home));
    assert!(
        error.to_string().contains("links are not followed"),
        "{error}"
    );
    assert_eq!(std::fs::read(&target).unwrap(), b"mine");
}

#[test]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = start(&tiny(dir.path()));
    write(&mut writer, &mut Frames::after(1, 0), 100);
    for (path, _) in listing(dir.path()) {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn options_out_of_range_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for options in [
        Options {
            segment_bytes: 0,
            ..tiny(&home)
        },
        Options {
            segment_bytes: 4_095,
            ..tiny(&home)
        },
        Options {
            segment_bytes: 6_000,
            ..tiny(&home)
        },
        Options {
            segment_bytes: u64::MAX / 4_096 * 4_096,
            ..tiny(&home)
        },
        Options {
            account: "a".repeat(65),
            ..tiny(&home)
        },
        Options {
            account: "a\0b".to_owned(),
            ..tiny(&home)
        },
        Options {
            durability: Durability::Power,
            sync_every: Duration::ZERO,
            ..tiny(&home)
        },
    ] {
        assert!(matches!(refusal(&options), Error::Option { .. }));
        assert!(!home.exists());
    }
}

#[test]
#[should_panic(expected = "does not follow")]
fn a_gap_in_seq_is_our_own_bug() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = start(&tiny(dir.path()));
    write(&mut writer, &mut Frames::after(1, 0), 3);
    write(&mut writer, &mut Frames::after(1, 7), 1);
}

#[test]
fn a_start_that_is_taken_back_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("new");
    start(&tiny(&new)).0.withdraw();
    assert!(!new.exists());
    let (mut writer, _) = start(&tiny(dir.path()));
    let all = write(&mut writer, &mut Frames::after(1, 0), 10);
    writer.close().unwrap();
    let before = listing(dir.path());
    for _ in 0..3 {
        let (writer, recovered) = start(&tiny(dir.path()));
        assert_eq!(recovered.epoch, 2);
        writer.withdraw();
        assert_eq!(listing(dir.path()), before);
    }
    assert_eq!(read(dir.path()).unwrap(), all);
}
