//! Isolation: whether anything but a lane runs on a lane's core.

use super::check::Check;
use super::{CPU, NO_LANE_NAMED};
use crate::host::Host;
use crate::host::cpus::Cpus;

/// Where the kernel runs work that belongs to no core.
pub const WORKERS: &str = "sys/devices/virtual/workqueue/cpumask";

/// Everything about isolation of these cores.
pub fn checks(host: &Host, lanes: &Cpus) -> Vec<Check> {
    vec![
        isolated(host, lanes),
        ticks(host, lanes),
        callbacks(host, lanes),
        workers(host, lanes),
    ]
}

/// The cores of a list, or the words for none.
pub fn named(cpus: &Cpus) -> String {
    if cpus.is_empty() {
        "none".to_owned()
    } else {
        cpus.to_string()
    }
}

/// How a lane's core is written where no lane has one.
pub fn list_of(lanes: &Cpus) -> String {
    if lanes.is_empty() {
        "LIST".to_owned()
    } else {
        lanes.to_string()
    }
}

/// Ok where every lane's core is among those found.
fn covered(check: Check, found: &Cpus, lanes: &Cpus) -> Check {
    let missing = lanes.without(found);
    match (lanes.is_empty(), missing.is_empty()) {
        (true, _) => check.ok_if(
            !found.is_empty(),
            format!("{}; {NO_LANE_NAMED}", named(found)),
        ),
        (false, true) => check.ok(found.to_string()),
        (false, false) => check.warn(format!("{}; not lane core {missing}", named(found))),
    }
}

/// The cores of a word such as `isolcpus=managed_irq,domain,2-3`, its flags left out.
fn list_behind_flags(value: &str) -> Option<Cpus> {
    let numbers: Vec<&str> = value
        .split(',')
        .filter(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    numbers.join(",").parse().ok()
}

fn isolated(host: &Host, lanes: &Cpus) -> Check {
    let list = list_of(lanes);
    let check = Check::new(
        "isolated cores",
        "each lane's core, given to nobody else by the scheduler",
        "a thread that the scheduler puts on a lane's core delays it by milliseconds",
        format!(
            "boot with isolcpus=managed_irq,domain,{list} and pin the lanes to those cores in \
             lanes.layout; `spindle tune plan` prints the whole line"
        ),
    );
    let path = format!("{CPU}/isolated");
    let from_boot = || list_behind_flags(&host.booted_with("isolcpus")?);
    match host.cpus_in(&path).or_else(from_boot) {
        Some(found) => covered(check, &found, lanes),
        None => check.unseen(host, &path),
    }
}

fn ticks(host: &Host, lanes: &Cpus) -> Check {
    let list = list_of(lanes);
    let check = Check::new(
        "timer ticks",
        "nohz_full on each lane's core",
        "the scheduler's tick interrupts a spinning lane hundreds of times a second",
        format!("boot with nohz_full={list} (a kernel with CONFIG_NO_HZ_FULL)"),
    );
    let path = format!("{CPU}/nohz_full");
    match (host.cpus_in(&path), host.has("proc/cmdline")) {
        (Some(found), _) => covered(check, &found, lanes),
        // The file is there only in kernels that can do it.
        (None, true) if !host.has(&path) && host.has(CPU) => {
            check.warn("on every core: this kernel was built without CONFIG_NO_HZ_FULL")
        }
        (None, _) => check.unseen(host, &path),
    }
}

fn callbacks(host: &Host, lanes: &Cpus) -> Check {
    let list = list_of(lanes);
    let check = Check::new(
        "RCU callbacks",
        "rcu_nocbs (or nohz_full, which includes it) on each lane's core",
        "the kernel's deferred work runs on the core that left it behind, in the lane's time",
        format!("boot with rcu_nocbs={list}"),
    );
    let Some(line) = host.read("proc/cmdline") else {
        return check.unseen(host, "proc/cmdline");
    };
    let words = ["rcu_nocbs", "nohz_full"];
    let lists = words.map(|word| host.booted_with(word));
    // A bare `rcu_nocbs` only makes it possible, and `all` says every core.
    let all = lists.iter().flatten().any(|list| list == "all");
    let cores: Cpus = lists
        .iter()
        .flatten()
        .filter_map(|list| list.parse::<Cpus>().ok())
        .flat_map(|cpus| cpus.iter().collect::<Vec<_>>())
        .collect();
    match (line.is_empty(), all) {
        (true, _) => check.unseen(host, "proc/cmdline"),
        (_, true) => check.ok("elsewhere, for every core"),
        (_, false) => covered(check, &cores, lanes),
    }
}

fn workers(host: &Host, lanes: &Cpus) -> Check {
    let found = host.read(WORKERS).and_then(|text| Cpus::from_mask(&text));
    let others = found.as_ref().map(|found| found.without(lanes));
    let mask = others.map_or_else(|| "MASK".to_owned(), |others| others.mask());
    let check = Check::new(
        "kernel workers",
        "none on a lane's core",
        "work that the kernel queues for any core lands on a lane's like on every other",
        format!("spindle tune apply, or echo {mask} > /{WORKERS}"),
    );
    match found {
        Some(found) if lanes.is_empty() => {
            check.ok(format!("on {}; {NO_LANE_NAMED}", named(&found)))
        }
        Some(found) => check.ok_if(
            found.both(lanes).is_empty(),
            format!("on {}", named(&found)),
        ),
        None => check.unseen(host, WORKERS),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::super::fixture::Fixture;
    use super::*;

    fn cpus(text: &str) -> Cpus {
        text.parse().expect("a list")
    }

    fn severities(fixture: &Fixture, lanes: &str) -> Vec<Severity> {
        let checks = checks(&fixture.host(), &cpus(lanes));
        checks.iter().map(|check| check.severity).collect()
    }

    const LINE: &str = "BOOT_IMAGE=/vmlinuz isolcpus=managed_irq,domain,2-5 nohz_full=2-5 \
                        rcu_nocbs=2-5 irqaffinity=0-1\n";

    #[test]
    fn a_dedicated_box_isolates_its_lanes() {
        let fixture = Fixture::new(&[
            ("proc/cmdline", LINE),
            ("sys/devices/system/cpu/isolated", "2-5\n"),
            ("sys/devices/system/cpu/nohz_full", "2-5\n"),
            ("sys/devices/virtual/workqueue/cpumask", "3\n"),
        ]);
        assert_eq!(severities(&fixture, "2-4"), [Severity::Ok; 4]);
        assert_eq!(
            severities(&fixture, "5-6"),
            [Severity::Warn; 3]
                .into_iter()
                .chain([Severity::Ok])
                .collect::<Vec<_>>()
        );
        let found = |lanes: &str| isolated(&fixture.host(), &cpus(lanes)).found;
        assert_eq!(found("5-6"), "2-5; not lane core 6");
        assert_eq!(found(""), format!("2-5; {NO_LANE_NAMED}"));
    }

    #[test]
    fn an_ordinary_box_is_told_what_to_boot_with() {
        let fixture = Fixture::new(&[
            ("proc/cmdline", "console=ttyS0 quiet\n"),
            ("sys/devices/system/cpu/isolated", "\n"),
            ("sys/devices/system/cpu/nohz_full", "(null)\n"),
            ("sys/devices/virtual/workqueue/cpumask", "f\n"),
        ]);
        assert_eq!(severities(&fixture, "3"), [Severity::Warn; 4]);
        let check = isolated(&fixture.host(), &cpus("3"));
        assert_eq!(check.found, "none; not lane core 3");
        assert!(check.remedy.contains("isolcpus=managed_irq,domain,3 "));
    }

    #[test]
    fn a_kernel_that_cannot_stop_its_ticks_is_told_from_a_file_that_is_not_seen() {
        let fixture = Fixture::new(&[
            ("proc/cmdline", "isolcpus=1 rcu_nocbs=all\n"),
            ("sys/devices/system/cpu/possible", "0-1\n"),
        ]);
        let host = fixture.host();
        assert!(ticks(&host, &cpus("1")).found.contains("CONFIG_NO_HZ_FULL"));
        assert_eq!(
            isolated(&host, &cpus("1")).found,
            "1",
            "from the command line"
        );
        assert_eq!(callbacks(&host, &cpus("1")).severity, Severity::Ok);
        let bare = Fixture::new(&[]);
        let check = ticks(&bare.host(), &cpus("1"));
        assert_eq!(check.severity, Severity::Unknown);
        assert!(
            check.found.contains("no /sys/devices/system/cpu/nohz_full"),
            "{}",
            check.found
        );
    }
}
