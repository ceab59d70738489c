//! Cores: how many, whose, and how soon they wake.

use super::check::Check;
use super::host::Host;

const CPU: &str = "sys/devices/system/cpu";

/// Everything about cores, for a run of that many lanes.
pub fn checks(host: &Host, lanes: usize) -> Vec<Check> {
    vec![
        cores(lanes),
        isolated(host),
        nohz(host),
        siblings(host),
        governor(host),
        idle_states(host),
    ]
}

fn cores(lanes: usize) -> Check {
    let wanted = lanes + 1;
    let check = Check::new(
        "cores",
        format!("at least {wanted}: one for each of {lanes} lanes and one for everything else"),
        "lanes that share a core wait for each other, and spinning lanes starve the broker's edge",
        "set lanes.layout to fewer lanes, lanes.idle to backoff, or give the process more cores",
    );
    match std::thread::available_parallelism() {
        Ok(cores) => check.ok_if(cores.get() >= wanted, format!("{cores} usable")),
        Err(_) => check,
    }
}

/// A list of cores as the kernel writes it; `None` where it names none.
fn cores_in(text: &str) -> Option<&str> {
    (!text.is_empty() && text != "(null)").then_some(text)
}

fn isolated(host: &Host) -> Check {
    let check = Check::new(
        "isolated cores",
        "a core for each pinned lane that the scheduler gives to nobody else",
        "a thread that the scheduler puts on a lane's core delays it by milliseconds",
        "boot with isolcpus=managed_irq,domain,LIST and pin the lanes to LIST in lanes.layout",
    );
    match host.read(&format!("{CPU}/isolated")) {
        Some(text) => match cores_in(&text) {
            Some(list) => check.ok(list),
            None => check.warn("none"),
        },
        None => check,
    }
}

fn nohz(host: &Host) -> Check {
    let check = Check::new(
        "timer ticks",
        "nohz_full on the lanes' cores",
        "the scheduler's tick interrupts a spinning lane hundreds of times a second",
        "boot with nohz_full=LIST rcu_nocbs=LIST (a kernel with CONFIG_NO_HZ_FULL)",
    );
    match host.read(&format!("{CPU}/nohz_full")) {
        Some(text) => match cores_in(&text) {
            Some(list) => check.ok(format!("off on {list}")),
            None => check.warn("on every core"),
        },
        None => check,
    }
}

fn siblings(host: &Host) -> Check {
    let check = Check::new(
        "SMT siblings",
        "no lane beside another busy thread on one physical core",
        "siblings share execution units and caches: a busy one costs a lane a third of its speed",
        "pin lanes to cores of different sibling lists, or echo off > \
         /sys/devices/system/cpu/smt/control",
    );
    match host.read(&format!("{CPU}/smt/active")).as_deref() {
        Some("0") => check.ok("one thread on each core"),
        Some("1") => {
            let mut lists: Vec<String> = host
                .cpus()
                .iter()
                .filter_map(|cpu| {
                    host.read(&format!("{CPU}/cpu{cpu}/topology/thread_siblings_list"))
                })
                .collect();
            lists.sort_unstable();
            lists.dedup();
            check.warn(format!("on; siblings {}", lists.join(" ")))
        }
        _ => check,
    }
}

fn governor(host: &Host) -> Check {
    let check = Check::new(
        "frequency governor",
        "performance on every core",
        "a core that was slowed down takes tens of microseconds to speed up again",
        "cpupower frequency-set -g performance",
    );
    let mut governors: Vec<String> = host
        .cpus()
        .iter()
        .filter_map(|cpu| host.read(&format!("{CPU}/cpu{cpu}/cpufreq/scaling_governor")))
        .collect();
    governors.sort_unstable();
    governors.dedup();
    match governors.as_slice() {
        [] => check,
        [one] if one == "performance" => check.ok("performance"),
        several => check.warn(several.join(", ")),
    }
}

/// A deeper sleep than this shows in the latency table.
const EXIT_LATENCY_MAX_US: u64 = 10;

fn idle_states(host: &Host) -> Check {
    let check = Check::new(
        "idle states",
        format!("none that takes more than {EXIT_LATENCY_MAX_US} us to leave"),
        "a core that sleeps deeply wakes up late",
        "boot with processor.max_cstate=1 intel_idle.max_cstate=1, or use lanes.idle = \"spin\"",
    );
    let folder = format!("{CPU}/cpu0/cpuidle");
    let mut deepest: Option<(u64, String)> = None;
    for state in host.list(&folder) {
        let field = |name: &str| host.read(&format!("{folder}/{state}/{name}"));
        let Some(latency) = field("latency").and_then(|text| text.parse().ok()) else {
            continue;
        };
        let is_off = field("disable").is_some_and(|text| text != "0");
        if !is_off && deepest.as_ref().is_none_or(|(most, _)| latency > *most) {
            deepest = Some((latency, field("name").unwrap_or(state)));
        }
    }
    match deepest {
        Some((latency, name)) => check.ok_if(
            latency <= EXIT_LATENCY_MAX_US,
            format!("{name}, {latency} us to leave"),
        ),
        None => check,
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::*;
    use std::path::Path;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(CPU).join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        std::fs::write(path, text).expect("it is written");
    }

    #[test]
    fn a_tuned_box_is_fine_and_an_untuned_one_is_told_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let host = Host::at(root);
        let severities = |host: &Host| -> Vec<Severity> {
            let checks = [
                isolated(host),
                nohz(host),
                siblings(host),
                governor(host),
                idle_states(host),
            ];
            checks.iter().map(|check| check.severity).collect()
        };
        for (path, good) in [
            ("isolated", "2-3\n"),
            ("nohz_full", "2-3\n"),
            ("smt/active", "0\n"),
            ("cpu0/cpufreq/scaling_governor", "performance\n"),
            ("cpu1/cpufreq/scaling_governor", "performance\n"),
            ("cpu0/cpuidle/state0/latency", "0"),
            ("cpu0/cpuidle/state1/latency", "133"),
            ("cpu0/cpuidle/state1/disable", "1"),
        ] {
            write(root, path, good);
        }
        assert_eq!(severities(&host), [Severity::Ok; 5]);
        for (path, bad) in [
            ("isolated", "\n"),
            ("nohz_full", "(null)\n"),
            ("smt/active", "1\n"),
            ("cpu0/topology/thread_siblings_list", "0-1\n"),
            ("cpu1/topology/thread_siblings_list", "0-1\n"),
            ("cpu1/cpufreq/scaling_governor", "powersave\n"),
            ("cpu0/cpuidle/state1/disable", "0"),
            ("cpu0/cpuidle/state1/name", "C6"),
        ] {
            write(root, path, bad);
        }
        assert_eq!(severities(&host), [Severity::Warn; 5]);
        assert_eq!(siblings(&host).found, "on; siblings 0-1");
        assert_eq!(governor(&host).found, "performance, powersave");
        assert_eq!(idle_states(&host).found, "C6, 133 us to leave");
    }

    #[test]
    fn more_lanes_than_cores_are_told() {
        assert_eq!(cores(0).severity, Severity::Ok);
        assert_eq!(cores(100_000).severity, Severity::Warn);
    }
}
