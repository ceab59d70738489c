//! One journal for each account and session date: where it stands, which one came before it, and
//! which ones have been kept long enough.

use super::common::session_of;
use crate::failure::{Failure, Outcome};
use engine::openings::has_begun;
use engine::setup::Setup;
use std::path::{Path, PathBuf};
use stream::Nanos;

/// Days are told by eight digits behind the account's name.
const DIGITS: usize = 8;

/// The journal of the session that is open at `now`, or opens next: its folder. What has been kept
/// long enough is removed, and said; the setup carries over what the session before left, in case
/// this one's journal is new.
///
/// # Errors
/// When the calendar knows no session, or the folder of journals cannot be read.
pub fn open(setup: &mut Setup, account: &str, now: Nanos) -> Outcome<PathBuf> {
    let session = session_of(setup, now, "name the journal with --journal DIR")?;
    let root = Path::new(&setup.journal.dir);
    let all = all(root, account).map_err(|why| {
        let root = root.display();
        Failure::failed(format!(
            "{root}, the folder of journals, cannot be read: {why}"
        ))
    })?;
    for old in expired(&all, session.date, setup.journal.retain_days) {
        match std::fs::remove_dir_all(old) {
            Ok(()) => eprintln!(
                "spindle run: {} was removed: older than journal.retain_days",
                old.display()
            ),
            Err(why) => eprintln!("spindle run: {} cannot be removed: {why}", old.display()),
        }
    }
    let dir = folder(root, account, session.date);
    let before = before(&all, session.date).map(Path::to_path_buf);
    setup.carry = before;
    Ok(dir)
}

/// Where that journal stands; `None` where the calendar knows no session.
pub fn place(setup: &Setup, account: &str, now: Nanos) -> Option<PathBuf> {
    let date = setup.session_of(now)?.date;
    Some(folder(Path::new(&setup.journal.dir), account, date))
}

/// The folder of an account's session.
fn folder(root: &Path, account: &str, date: u32) -> PathBuf {
    root.join(format!("{account}-{date:08}"))
}

/// The account's journals below `root`, by date.
///
/// # Errors
/// When the folder is there and cannot be read.
fn all(root: &Path, account: &str) -> std::io::Result<Vec<(u32, PathBuf)>> {
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let date = name
            .and_then(|name| name.strip_prefix(account))
            .and_then(|rest| rest.strip_prefix('-'))
            .filter(|digits| digits.len() == DIGITS)
            .and_then(|digits| digits.parse().ok());
        if let Some(date) = date.filter(|_| path.join("identity").is_file()) {
            found.push((date, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The latest of them before `date` in which a session began: a start that broke off leaves
/// nothing, and must not hide what was left before it.
fn before(all: &[(u32, PathBuf)], date: u32) -> Option<&Path> {
    let mut earlier = all.iter().rev().filter(|(day, _)| *day < date);
    let began = earlier.find(|(_, path)| has_begun(path));
    began.map(|(_, path)| path.as_path())
}

/// Those of which `days` calendar days have passed on `date`. The latest one before `date` is
/// never among them, however old: the next session begins with what it left. `days` 0 keeps all.
fn expired(all: &[(u32, PathBuf)], date: u32, days: u64) -> Vec<&Path> {
    let (Some(today), Ok(days)) = (day_of(date), i32::try_from(days)) else {
        return Vec::new();
    };
    let needed = before(all, date);
    let old = |day: u32| {
        day_of(day).is_some_and(|day| day.until(today).is_ok_and(|span| span.get_days() > days))
    };
    all.iter()
        .filter(|(day, path)| days > 0 && old(*day) && Some(path.as_path()) != needed)
        .map(|(_, path)| path.as_path())
        .collect()
}

fn day_of(date: u32) -> Option<jiff::civil::Date> {
    let part = |value: u32| i8::try_from(value).ok();
    let year = i16::try_from(date / 10_000).ok()?;
    jiff::civil::Date::new(year, part(date / 100 % 100)?, part(date % 100)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(root: &Path, name: &str) {
        std::fs::create_dir(root.join(name)).unwrap();
        std::fs::write(root.join(name).join("identity"), "").unwrap();
    }

    #[test]
    fn a_session_that_never_began_hides_nothing() {
        let root = tempfile::tempdir().unwrap();
        made(root.path(), "DU1-20261120");
        // A start that died before it had journaled anything.
        let empty = journal::Options::new(root.path().join("DU1-20261123"));
        drop(journal::create_or_continue(&empty).unwrap());
        let all = all(root.path(), "DU1").unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(before(&all, 20_261_124), Some(all[0].1.as_path()));
        assert_eq!(expired(&all, 20_261_224, 20), [all[1].1.as_path()]);
    }

    #[test]
    fn only_journals_of_the_account_count_and_the_one_before_is_kept() {
        let root = tempfile::tempdir().unwrap();
        for name in [
            "DU1-20260901",
            "DU1-20261102",
            "DU1-20261120",
            "DU12-20260101",
            "DU1-notes",
        ] {
            made(root.path(), name);
        }
        std::fs::create_dir(root.path().join("DU1-20260102")).unwrap();
        let all = all(root.path(), "DU1").unwrap();
        assert_eq!(
            all.iter().map(|(day, _)| *day).collect::<Vec<_>>(),
            [20_260_901, 20_261_102, 20_261_120]
        );
        assert_eq!(before(&all, 20_261_120), Some(all[1].1.as_path()));
        assert_eq!(before(&all, 20_260_901), None);
        assert_eq!(
            expired(&all, 20_261_123, 20),
            [all[0].1.as_path(), all[1].1.as_path()]
        );
        assert_eq!(expired(&all, 20_261_123, 21), [all[0].1.as_path()]);
        assert_eq!(expired(&all[..1], 20_261_123, 1), [] as [&Path; 0]);
        assert_eq!(expired(&all, 20_261_123, 0), [] as [&Path; 0]);
        assert!(
            super::all(&root.path().join("nowhere"), "DU1")
                .unwrap()
                .is_empty()
        );
    }
}
