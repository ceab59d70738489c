//! Memory: enough of it, and none of it taken away or moved behind a lane's back.

use super::check::Check;
use crate::host::{Host, chosen, size};

/// What a run with default limits needs at most, page cache apart.
const NEEDED_BYTES: u64 = 300 << 20;
/// What is comfortable beside it.
const COMFORTABLE_BYTES: u64 = 1 << 30;
/// What rings, books and a segment come to.
const LOCKED_BYTES: u64 = 256 << 20;
const FILES_NEEDED: u64 = 1_024;
/// Swapping is the last resort up to this.
pub const SWAPPINESS_MAX: u32 = 1;
/// Where huge pages are chosen, and how they are put together.
pub const HUGE_PAGES: &str = "sys/kernel/mm/transparent_hugepage/enabled";
pub const COMPACTION: &str = "sys/kernel/mm/transparent_hugepage/defrag";
/// What this process may take.
const LIMITS: &str = "proc/self/limits";
/// How gladly pages are swapped out.
pub const SWAPPINESS: &str = "proc/sys/vm/swappiness";

/// Everything about memory and limits.
pub fn checks(host: &Host) -> Vec<Check> {
    vec![
        free(host),
        huge_pages(host),
        compaction(host),
        swap(host),
        swappiness(host),
        locked(host),
        files(host),
    ]
}

/// The kibibytes of a line such as `MemAvailable:   123 kB`, in bytes.
fn meminfo(text: &str, field: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1_024)
}

fn free(host: &Host) -> Check {
    let check = Check::new(
        "free memory",
        format!(
            "{} or more, {} at least",
            size(COMFORTABLE_BYTES),
            size(NEEDED_BYTES)
        ),
        "a run with default limits takes up to 300 MB, and the journal lives in the page cache",
        "end other programs, or lower book.orders_max and book.levels_max",
    );
    let text = host.read("proc/meminfo");
    match text.and_then(|text| meminfo(&text, "MemAvailable")) {
        Some(bytes) if bytes < NEEDED_BYTES => check.fail(size(bytes)),
        Some(bytes) => check.ok_if(bytes >= COMFORTABLE_BYTES, size(bytes)),
        None => check.unseen(host, "proc/meminfo"),
    }
}

fn huge_pages(host: &Host) -> Check {
    let check = Check::new(
        "transparent huge pages",
        "madvise or never",
        "with always, the kernel stops a lane to put pages together when it likes",
        format!("spindle tune apply, or echo madvise > /{HUGE_PAGES}"),
    );
    match host.read(HUGE_PAGES).as_deref().and_then(chosen) {
        // Books ask for them, see `engine::pages`.
        Some("never") => check.ok_if(true, "never: books of millions of orders get none"),
        Some(word) => check.ok_if(word != "always", word),
        None => check.unseen(host, HUGE_PAGES),
    }
}

fn compaction(host: &Host) -> Check {
    let check = Check::new(
        "huge page compaction",
        "anything but always",
        "with always, a page fault waits until the kernel has moved other pages together",
        format!("spindle tune apply, or echo madvise > /{COMPACTION}"),
    );
    match host.read(COMPACTION).as_deref().and_then(chosen) {
        Some(word) => check.ok_if(word != "always", word),
        None => check.unseen(host, COMPACTION),
    }
}

fn swap(host: &Host) -> Check {
    let check = Check::new(
        "swap",
        "none",
        "a page that was swapped out takes milliseconds to come back",
        "swapoff -a, or keep vm.swappiness at 1",
    );
    match host.read("proc/swaps") {
        // The first line is the table's head.
        Some(text) => {
            let areas: Vec<&str> = text
                .lines()
                .skip(1)
                .filter_map(|line| line.split_whitespace().next())
                .collect();
            check.ok_if(
                areas.is_empty(),
                if areas.is_empty() {
                    "none".to_owned()
                } else {
                    areas.join(", ")
                },
            )
        }
        None => check.unseen(host, "proc/swaps"),
    }
}

fn swappiness(host: &Host) -> Check {
    let check = Check::new(
        "swappiness",
        format!("{SWAPPINESS_MAX} or 0"),
        "how gladly the kernel swaps a program's pages out to keep files in memory, such as the \
         journal's own",
        format!("spindle tune apply, or sysctl -w vm.swappiness={SWAPPINESS_MAX}"),
    );
    match host
        .read(SWAPPINESS)
        .and_then(|text| text.parse::<u32>().ok())
    {
        Some(found) => check.ok_if(found <= SWAPPINESS_MAX, found.to_string()),
        None => check.unseen(host, SWAPPINESS),
    }
}

/// The soft limit of a line of `/proc/self/limits`; `u64::MAX` is unlimited.
fn soft_limit(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

fn limit(host: &Host, name: &str) -> Option<u64> {
    soft_limit(&host.read(LIMITS)?, name)
}

fn locked(host: &Host) -> Check {
    let check = Check::new(
        "locked memory",
        format!("{} or unlimited", size(LOCKED_BYTES)),
        "pages that may not be locked can be taken away from a lane under memory pressure",
        "ulimit -l unlimited, or memlock in /etc/security/limits.conf (LimitMEMLOCK= in a unit)",
    );
    match limit(host, "Max locked memory") {
        Some(u64::MAX) => check.ok("unlimited"),
        Some(bytes) => check.ok_if(bytes >= LOCKED_BYTES, size(bytes)),
        None => check.unseen(host, LIMITS),
    }
}

fn files(host: &Host) -> Check {
    let check = Check::new(
        "open files",
        format!("{FILES_NEEDED} or more"),
        "each segment, source and connection takes one",
        format!("ulimit -n {FILES_NEEDED}, or nofile in /etc/security/limits.conf"),
    );
    match limit(host, "Max open files") {
        Some(u64::MAX) => check.ok("unlimited"),
        Some(files) if files < 64 => check.fail(files.to_string()),
        Some(files) => check.ok_if(files >= FILES_NEEDED, files.to_string()),
        None => check.unseen(host, LIMITS),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::*;

    #[test]
    fn fields_are_read_from_the_kernels_tables() {
        let text = "MemTotal:  8000 kB\nMemAvailable:     4096 kB\nBad: x kB";
        assert_eq!(meminfo(text, "MemAvailable"), Some(4_096 << 10));
        assert_eq!([meminfo(text, "Bad"), meminfo(text, "Mem")], [None, None]);
        let text = "Limit   Soft Limit   Hard Limit   Units\n\
                    Max locked memory         65536      unlimited  bytes\n\
                    Max open files            unlimited  unlimited  files";
        assert_eq!(soft_limit(text, "Max locked memory"), Some(65_536));
        assert_eq!(soft_limit(text, "Max open files"), Some(u64::MAX));
        assert_eq!(soft_limit(text, "Max stack size"), None);
    }

    #[test]
    fn a_box_without_memory_fails_and_swap_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("proc")).expect("a folder");
        let put = |name: &str, text: &str| {
            std::fs::write(folder.path().join("proc").join(name), text).expect("it is written");
        };
        let host = Host::at(folder.path());
        put("meminfo", "MemAvailable: 1000 kB");
        assert_eq!(free(&host).severity, Severity::Fail);
        put("meminfo", "MemAvailable: 500000 kB");
        assert_eq!(free(&host).severity, Severity::Warn);
        put("swaps", "Filename Type Size\n");
        assert_eq!(swap(&host).severity, Severity::Ok);
        put("swaps", "Filename Type Size\n/dev/sda2 partition 100\n");
        assert_eq!(swap(&host).found, "/dev/sda2");
        std::fs::create_dir_all(folder.path().join("proc/sys/vm")).expect("a folder");
        put("sys/vm/swappiness", "60\n");
        assert_eq!(swappiness(&host).severity, Severity::Warn);
        put("sys/vm/swappiness", "1\n");
        assert_eq!(swappiness(&host).severity, Severity::Ok);
        put("sys/vm/swappiness", "many\n");
        assert!(swappiness(&host).found.ends_with("not understood"));
    }
}
