//! The journals' folder: writable, roomy, on a file system that keeps its word, and fast enough.

use super::check::Check;
use super::host::{Host, size};
use crate::report::span;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Room that a long day with many symbols fills.
const COMFORTABLE_BYTES: u64 = 10 << 30;
/// Bytes that are asked for beforehand in the try-out.
const TRIAL_BYTES: u64 = 1 << 20;
/// Syncs in the try-out.
const SYNCS: usize = 16;
/// A sync that takes longer holds up commands in `power` mode beyond the product's budget.
const SYNC_MAX_NS: u64 = 50_000_000;

/// Everything about the folder `dir` under which journals go.
pub fn checks(host: &Host, dir: &Path, segment_bytes: u64) -> Vec<Check> {
    let (place, missing) = existing(dir);
    let trial = Trial::begin(&place);
    let mut checks = vec![folder(dir, missing, &trial), space(&place, segment_bytes)];
    checks.push(file_system(host, &place));
    checks.extend(match &trial {
        Ok(trial) => [preallocation(trial), latency(trial)],
        Err(_) => [preallocation_check(), latency_check()],
    });
    checks
}

/// The folder, or the nearest one above it that exists; true when it is another one.
fn existing(dir: &Path) -> (PathBuf, bool) {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let mut place = dir.as_path();
    while !place.exists() {
        match place.parent() {
            Some(parent) => place = parent,
            None => break,
        }
    }
    (place.to_owned(), place != dir)
}

/// A file that is removed again.
struct Trial {
    path: PathBuf,
    file: File,
}

impl Trial {
    fn begin(dir: &Path) -> io::Result<Self> {
        let path = dir.join(format!(".spindle-doctor-{}", std::process::id()));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Self { path, file })
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // Nothing can be done about a file that cannot be removed, and it is small.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn folder(dir: &Path, missing: bool, trial: &io::Result<Trial>) -> Check {
    let shown = dir.display();
    let check = Check::new(
        "journal folder",
        "a folder that this user may write to",
        "what is not in the journal has not happened: without one nothing starts",
        format!("mkdir -p {shown} as this user, or set journal.dir"),
    );
    match trial {
        Ok(_) if missing => check.ok(format!("{shown} can be made")),
        Ok(_) => check.ok(format!("{shown} can be written")),
        Err(error) => check.fail(format!("{shown} cannot be written: {error}")),
    }
}

fn space(place: &Path, segment_bytes: u64) -> Check {
    // The one that is written, the next, and the reserve.
    let needed = segment_bytes.saturating_mul(3);
    let comfortable = COMFORTABLE_BYTES.max(needed);
    let check = Check::new(
        "journal space",
        format!("{} or more, {} at least", size(comfortable), size(needed)),
        "a journal that has no room left ends the trading day",
        "free some space, set journal.dir to another disk, or a smaller journal.segment_mib",
    );
    match statvfs(place) {
        Ok(facts) => {
            let free = facts.f_bavail.saturating_mul(facts.f_frsize);
            if free < needed {
                check.fail(size(free))
            } else {
                check.ok_if(free >= comfortable, size(free))
            }
        }
        Err(_) => check,
    }
}

/// Type of the file system that a path lies on, from `/proc/self/mountinfo`: that of the longest
/// mount point above it, of equal ones the last.
fn type_of<'a>(mountinfo: &'a str, path: &Path) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for line in mountinfo.lines() {
        let Some((left, right)) = line.split_once(" - ") else {
            continue;
        };
        let Some(point) = left.split(' ').nth(4) else {
            continue;
        };
        // Blanks in mount points are written as \040.
        let point = point.replace("\\040", " ");
        let kind = right.split(' ').next().unwrap_or("");
        let longer = best.is_none_or(|(length, _)| point.len() >= length);
        if path.starts_with(&point) && longer {
            best = Some((point.len(), kind));
        }
    }
    best.map(|(_, kind)| kind)
}

fn file_system(host: &Host, place: &Path) -> Check {
    let check = Check::new(
        "journal file system",
        "a local one: ext4, xfs, btrfs, f2fs or zfs",
        "memory loses the journal with the power, and a network stalls the sync behind the head",
        "set journal.dir to a folder on a local disk",
    );
    let Some(text) = host.read("proc/self/mountinfo") else {
        return check;
    };
    match type_of(&text, place) {
        Some(kind) => {
            let local = ["ext4", "ext3", "xfs", "btrfs", "f2fs", "zfs", "bcachefs"];
            check.ok_if(local.contains(&kind), kind)
        }
        None => check,
    }
}

fn preallocation_check() -> Check {
    Check::new(
        "preallocation",
        "fallocate works",
        "a page of a sparse file that finds no block on a full disk kills the process",
        "use a file system with fallocate, such as ext4 or xfs, for journal.dir",
    )
}

fn preallocation(trial: &Trial) -> Check {
    let check = preallocation_check();
    match fallocate(&trial.file, FallocateFlags::empty(), 0, TRIAL_BYTES) {
        Ok(()) => check.ok("works"),
        Err(error) => check.fail(io::Error::from(error).to_string()),
    }
}

fn latency_check() -> Check {
    Check::new(
        "journal sync",
        format!("{} at most", span(SYNC_MAX_NS)),
        "with power durability an entry waits for it; with process durability it bounds what a \
         power cut can take",
        "use a disk with power-loss protection, or keep journal.durability = \"process\"",
    )
}

fn latency(trial: &Trial) -> Check {
    let check = latency_check();
    match syncs(&trial.file) {
        Ok(mut times) => {
            times.sort_unstable();
            let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
            let found = format!("median {}, slowest {} of {SYNCS}", span(median), span(most));
            check.ok_if(most <= SYNC_MAX_NS, found)
        }
        Err(error) => check.fail(error.to_string()),
    }
}

/// How long each of some writes took to be on the disk, in nanoseconds.
fn syncs(mut file: &File) -> io::Result<[u64; SYNCS]> {
    let mut times = [0; SYNCS];
    for time in &mut times {
        file.write_all(&[0x5a; 4_096])?;
        let begun = Instant::now();
        file.sync_data()?;
        *time = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::*;

    #[test]
    fn the_longest_mount_point_decides() {
        let text = "22 1 0:21 / / rw - ext4 /dev/vda rw\n\
                    23 22 0:22 / /data rw,relatime shared:1 - tmpfs tmpfs rw\n\
                    24 23 0:23 / /data/my\\040disk rw - xfs /dev/vdb rw\n\
                    broken line\n\
                    25 22 0:22 / /data rw - nfs4 server:/ rw";
        let of = |path: &str| type_of(text, Path::new(path));
        assert_eq!(of("/elsewhere/x"), Some("ext4"));
        assert_eq!(
            of("/data/x"),
            Some("nfs4"),
            "the later mount covers the earlier one"
        );
        assert_eq!(of("/data/my disk/x"), Some("xfs"));
        assert_eq!(of("/database"), Some("ext4"));
        assert_eq!(type_of("", Path::new("/")), None);
    }

    #[test]
    fn a_folder_is_tried_out_and_left_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let host = Host::at(folder.path());
        let dir = folder.path().join("not/yet");
        let all = checks(&host, &dir, 1 << 20);
        assert_eq!(all[0].severity, Severity::Ok, "{}", all[0].found);
        assert!(
            all[0].found.ends_with("not/yet can be made"),
            "{}",
            all[0].found
        );
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .expect("it is there")
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn a_file_in_the_way_and_a_disk_too_small_fail() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("it is written");
        let all = checks(&Host::at(folder.path()), &file, u64::MAX / 4);
        let severity = |name: &str| {
            all.iter()
                .find(|check| check.name == name)
                .map(|check| check.severity)
        };
        assert_eq!(severity("journal folder"), Some(Severity::Fail));
        assert_eq!(severity("journal space"), Some(Severity::Fail));
        assert_eq!(severity("preallocation"), Some(Severity::Unknown));
    }
}
