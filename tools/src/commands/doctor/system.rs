//! What the engine runs on: kernel, hypervisor, and what it takes for itself.

use super::check::Check;
use crate::host::Host;

/// The oldest kernel that is looked after.
const KERNEL_MIN: (u32, u32) = (5, 10);
/// Stolen time beyond this share is seen in the latency table.
const STEAL_MAX_PPM: u64 = 1_000;

/// Everything about the system.
pub fn checks(host: &Host) -> Vec<Check> {
    vec![kernel(host), hypervisor(host), steal(host)]
}

/// Major and minor of `6.1.0-18-amd64`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn kernel(host: &Host) -> Check {
    let (major, minor) = KERNEL_MIN;
    let check = Check::new(
        "kernel",
        format!("{major}.{minor} or newer"),
        "older kernels lack what the journal's ranged syncs and the lanes' wake-ups rely on",
        "update the system",
    );
    match host.read("proc/sys/kernel/osrelease") {
        Some(text) => match version(&text) {
            Some(found) => check.ok_if(found >= KERNEL_MIN, text),
            None => check.unseen(host, "proc/sys/kernel/osrelease"),
        },
        None => check.unseen(host, "proc/sys/kernel/osrelease"),
    }
}

/// True when a line `flags : …` of `/proc/cpuinfo` has the flag.
pub fn has_flag(cpuinfo: &str, flag: &str) -> bool {
    cpuinfo
        .lines()
        .filter(|line| line.starts_with("flags"))
        .any(|line| line.split_whitespace().any(|word| word == flag))
}

fn hypervisor(host: &Host) -> Check {
    let check = Check::new(
        "hypervisor",
        "none, or a machine with dedicated cores",
        "a hypervisor takes the core away when it likes, and no setting in here prevents it",
        "for trading by the clock use a machine of its own or one with dedicated cores",
    );
    let Some(text) = host.read("proc/cpuinfo") else {
        return check.unseen(host, "proc/cpuinfo");
    };
    if !has_flag(&text, "hypervisor") {
        return check.ok("none");
    }
    let vendor = host
        .read("sys/class/dmi/id/sys_vendor")
        .filter(|vendor| !vendor.is_empty());
    check.warn(vendor.map_or_else(|| "yes".to_owned(), |vendor| format!("yes, by {vendor}")))
}

/// Stolen and whole time since the start, from the first line of `/proc/stat`.
pub fn stolen(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // user nice system idle iowait irq softirq steal; guests are counted in user already.
    let times: Vec<u64> = line
        .split_whitespace()
        .take(8)
        .map_while(|word| word.parse().ok())
        .collect();
    (times.len() == 8).then(|| (times[7], times.iter().sum()))
}

fn steal(host: &Host) -> Check {
    let check = Check::new(
        "stolen time",
        "less than 0.1 % since the system's start",
        "while the hypervisor runs somebody else, every lane stands still; many hypervisors report \
         nothing here, the jitter meter sees it all the same",
        "ask for dedicated cores, or move to another host",
    );
    match host.read("proc/stat").and_then(|text| stolen(&text)) {
        Some((stolen, whole)) => {
            let ppm = stolen.saturating_mul(1_000_000) / whole.max(1);
            check.ok_if(ppm < STEAL_MAX_PPM, format!("{:.3} %", ppm as f64 / 1e4))
        }
        None => check.unseen(host, "proc/stat"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        assert_eq!(version("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(version("5.10"), Some((5, 10)));
        assert_eq!([version("unknown"), version("6")], [None, None]);
        assert!(has_flag("flags : a hypervisor b", "hypervisor"));
        assert!(!has_flag(
            "flags : a hypervisors\nnot hypervisor",
            "hypervisor"
        ));
        let stat = "cpu  10 0 10 70 0 0 0 10 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1";
        assert_eq!(stolen(stat), Some((10, 100)));
        assert_eq!([stolen("cpu 1 2 x"), stolen("")], [None, None]);
    }
}
