//! The journals' folder: writable, roomy, on a file system that keeps its word, and fast enough.

use super::check::Check;
use crate::host::{Host, size};
use crate::report::span;
use memmap2::{Advice, MmapOptions};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Room that a long day with many symbols fills.
const COMFORTABLE_BYTES: u64 = 10 << 30;
/// Bytes that are asked for beforehand in the try-out.
const TRIAL_BYTES: u64 = 1 << 20;
/// Syncs in the try-out, at most, and how long they may take together.
const SYNCS: usize = 200;
const SYNCS_TIME: Duration = Duration::from_secs(1);
/// What is mounted where.
const MOUNTS: &str = "proc/self/mountinfo";
/// A sync that takes longer holds up commands in `power` mode beyond the product's budget.
const SYNC_MAX_NS: u64 = 50_000_000;

/// Everything about the folder `dir` under which journals go.
pub fn checks(host: &Host, dir: &Path, segment_bytes: u64) -> Vec<Check> {
    let (place, missing) = existing(dir);
    let trial = Trial::begin(&place);
    let mut checks = vec![folder(dir, missing, &trial), space(&place, segment_bytes)];
    checks.push(file_system(host, &place));
    checks.push(write_cache(host, &place));
    checks.extend(match &trial {
        Ok(trial) => [preallocation(trial), population(trial), latency(trial)],
        Err(_) => [preallocation_check(), population_check(), latency_check()]
            .map(|check| check.unknown("no file could be made there to try it with")),
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
            .read(true)
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

/// What a path lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mount<'a> {
    /// Type of the file system.
    kind: &'a str,
    /// Numbers of the device, such as `254:0`; `0:…` where none stands behind it.
    device: &'a str,
}

/// What a path lies on, from `/proc/self/mountinfo`: the longest mount point above it, of equal
/// ones the last.
fn mount_of<'a>(mountinfo: &'a str, path: &Path) -> Option<Mount<'a>> {
    let mut best: Option<(usize, Mount<'a>)> = None;
    for line in mountinfo.lines() {
        let Some((left, right)) = line.split_once(" - ") else {
            continue;
        };
        let mut fields = left.split(' ').skip(2);
        let (Some(device), Some(point)) = (fields.next(), fields.nth(1)) else {
            continue;
        };
        // Blanks in mount points are written as \040.
        let point = point.replace("\\040", " ");
        let kind = right.split(' ').next().unwrap_or("");
        let longer = best.is_none_or(|(length, _)| point.len() >= length);
        if path.starts_with(&point) && longer {
            best = Some((point.len(), Mount { kind, device }));
        }
    }
    best.map(|(_, mount)| mount)
}

fn file_system(host: &Host, place: &Path) -> Check {
    let check = Check::new(
        "journal file system",
        "a local one: ext4, xfs, btrfs, f2fs or zfs",
        "memory loses the journal with the power, and a network stalls the sync behind the head",
        "set journal.dir to a folder on a local disk",
    );
    let text = host.read(MOUNTS).unwrap_or_default();
    match mount_of(&text, place) {
        Some(Mount { kind, .. }) => {
            let local = ["ext4", "ext3", "xfs", "btrfs", "f2fs", "zfs", "bcachefs"];
            check.ok_if(local.contains(&kind), kind)
        }
        None => check.unseen(host, MOUNTS),
    }
}

fn write_cache(host: &Host, place: &Path) -> Check {
    let check = Check::new(
        "disk write cache",
        "write through: none, or one that survives a power cut",
        "each sync has to wait until a cache that forgets has been emptied",
        "use a disk with power-loss protection for journal.dir; never claim \"write through\" for \
         one without it",
    );
    let text = host.read(MOUNTS).unwrap_or_default();
    let Some(Mount { device, kind }) = mount_of(&text, place) else {
        return check.unseen(host, MOUNTS);
    };
    if device.starts_with("0:") {
        return check.unknown(format!("{kind} names no disk of its own"));
    }
    // A partition has no queue of its own; its disk has.
    let disk = format!("sys/dev/block/{device}");
    let paths = ["", "/.."].map(|up| format!("{disk}{up}/queue/write_cache"));
    match paths.iter().find_map(|path| host.read(path)) {
        Some(found) => check.ok_if(found == "write through", found),
        None => check.unseen(host, &paths[0]),
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

fn population_check() -> Check {
    Check::new(
        "page preparation",
        "MADV_POPULATE_WRITE works on a file of the journal's folder",
        "without it the lane of the journal takes a page fault for each new page itself",
        "use a kernel from 5.14 on and a local file system for journal.dir",
    )
}

fn population(trial: &Trial) -> Check {
    let check = population_check();
    let length = TRIAL_BYTES as usize;
    let prepared = trial.file.set_len(TRIAL_BYTES).and_then(|()| {
        let map = MmapOptions::new().len(length).map_raw(&trial.file)?;
        map.advise_range(Advice::PopulateWrite, 0, length)
    });
    match prepared {
        Ok(()) => check.ok("works"),
        Err(error) => check.warn(error.to_string()),
    }
}

fn latency_check() -> Check {
    Check::new(
        "journal sync",
        format!("fdatasync within {} at p99", span(SYNC_MAX_NS)),
        "with power durability an entry waits for it; with process durability it bounds what a \
         power cut can take",
        "use a disk with power-loss protection, or keep journal.durability = \"process\"",
    )
}

fn latency(trial: &Trial) -> Check {
    let check = latency_check();
    match syncs(&trial.file, SYNCS_TIME) {
        Ok(mut times) if !times.is_empty() => {
            times.sort_unstable();
            let at = |percent: usize| times[(times.len() - 1) * percent / 100];
            let (p50, p99, slowest, count) = (at(50), at(99), at(100), times.len());
            let found = format!(
                "p50 {}, p99 {}, slowest {} of {count}",
                span(p50),
                span(p99),
                span(slowest)
            );
            let numbers = json!({
                "syncs": count, "p50_ns": p50, "p99_ns": p99, "max_ns": slowest,
            });
            check.ok_if(p99 <= SYNC_MAX_NS, found).numbers(numbers)
        }
        Ok(_) => check,
        Err(error) => check.fail(error.to_string()),
    }
}

/// How long each of some writes took to be on the disk, in nanoseconds.
fn syncs(mut file: &File, limit: Duration) -> io::Result<Vec<u64>> {
    let mut times = Vec::with_capacity(SYNCS);
    let begun = Instant::now();
    while times.len() < SYNCS && begun.elapsed() < limit {
        file.write_all(&[0x5a; 4_096])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::super::fixture::Fixture;
    use super::*;

    #[test]
    fn the_longest_mount_point_decides() {
        let text = "22 1 0:21 / / rw - ext4 /dev/vda rw\n\
                    23 22 0:22 / /data rw,relatime shared:1 - tmpfs tmpfs rw\n\
                    24 23 0:23 / /data/my\\040disk rw - xfs /dev/vdb rw\n\
                    broken line\n\
                    25 22 0:22 / /data rw - nfs4 server:/ rw";
        let of = |path: &str| mount_of(text, Path::new(path)).map(|mount| mount.kind);
        assert_eq!(of("/elsewhere/x"), Some("ext4"));
        assert_eq!(
            of("/data/x"),
            Some("nfs4"),
            "the later mount covers the earlier one"
        );
        assert_eq!(of("/data/my disk/x"), Some("xfs"));
        assert_eq!(of("/database"), Some("ext4"));
        assert_eq!(mount_of("", Path::new("/")), None);
    }

    #[test]
    fn a_partitions_cache_is_its_disks() {
        let fixture = Fixture::new(&[
            (
                "proc/self/mountinfo",
                "22 1 254:1 / / rw - ext4 /dev/vda1 rw\n\
                                     23 1 0:27 / /pool rw - btrfs /dev/sdb rw\n",
            ),
            ("sys/devices/vda/vda1/size", "1\n"),
            ("sys/devices/vda/queue/write_cache", "write back\n"),
            ("sys/dev/block/254:0/size", "1\n"),
        ]);
        let host = fixture.host();
        let check = |place: &str| write_cache(&host, Path::new(place));
        assert_eq!(check("/data").severity, Severity::Unknown);
        std::os::unix::fs::symlink("../../devices/vda/vda1", host.path("sys/dev/block/254:1"))
            .expect("it is linked");
        assert_eq!(check("/data").found, "write back");
        fixture.put("sys/devices/vda/queue/write_cache", "write through\n");
        assert_eq!(check("/data").severity, Severity::Ok);
        assert!(check("/pool/x").found.contains("btrfs names no disk"));
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
