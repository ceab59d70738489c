//! Cores: how many, how fast, and what else runs on them.

use super::check::Check;
use super::{CPU, NO_LANE_NAMED};
use crate::host::Host;
use crate::host::cpus::Cpus;
use std::collections::BTreeSet;

/// Everything about cores, for a run of that many lanes on these cores.
pub fn checks(host: &Host, count: usize, lanes: &Cpus) -> Vec<Check> {
    vec![
        cores(count),
        siblings(host, lanes),
        governor(host),
        turbo(host),
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

fn siblings(host: &Host, lanes: &Cpus) -> Check {
    let check = Check::new(
        "SMT siblings",
        "no lane beside another busy thread on one physical core",
        "siblings share execution units and caches: a busy one costs a lane a third of its speed",
        "pin lanes to cores of different sibling lists and take the lanes' siblings offline \
         (echo 0 > /sys/devices/system/cpu/cpuN/online), or all siblings of the box \
         (echo off > /sys/devices/system/cpu/smt/control)",
    );
    let beside = lanes_siblings(host, lanes);
    match host.read(&format!("{CPU}/smt/active")).as_deref() {
        Some("0") => check.ok("one thread on each core"),
        Some("1") if lanes.is_empty() => {
            let lists: BTreeSet<String> = host
                .cpus()
                .iter()
                .filter_map(|cpu| siblings_of(host, *cpu))
                .map(|list| list.to_string())
                .collect();
            let lists: Vec<String> = lists.into_iter().collect();
            check.warn(format!("on; siblings {}; {NO_LANE_NAMED}", lists.join(" ")))
        }
        Some("1") => check.ok_if(
            beside.is_empty(),
            beside.first().map_or_else(
                || format!("on; none beside {lanes}"),
                |_| format!("on; {}", beside.join(", ")),
            ),
        ),
        _ => check.unseen(host, &format!("{CPU}/smt/active")),
    }
}

/// The threads of a core's physical core, itself included.
pub fn siblings_of(host: &Host, cpu: usize) -> Option<Cpus> {
    host.cpus_in(&format!("{CPU}/cpu{cpu}/topology/thread_siblings_list"))
}

/// `lane core 2 beside 18` for each lane's core that is not alone.
fn lanes_siblings(host: &Host, lanes: &Cpus) -> Vec<String> {
    let others = |cpu| {
        let own: Cpus = [cpu].into_iter().collect();
        let others = siblings_of(host, cpu)?.without(&own);
        (!others.is_empty()).then(|| format!("lane core {cpu} beside {others}"))
    };
    lanes.iter().filter_map(others).collect()
}

/// Each core's governor, where it has one.
pub fn governors(host: &Host) -> Vec<(usize, String)> {
    let read = |cpu| Some((cpu, host.read(&governor_of(cpu))?));
    host.cpus().into_iter().filter_map(read).collect()
}

/// Where a core's governor is chosen.
pub fn governor_of(cpu: usize) -> String {
    format!("{CPU}/cpu{cpu}/cpufreq/scaling_governor")
}

fn governor(host: &Host) -> Check {
    let check = Check::new(
        "frequency governor",
        "performance on every core",
        "a core that was slowed down takes tens of microseconds to speed up again",
        "spindle tune apply, or cpupower frequency-set -g performance",
    );
    let found: BTreeSet<String> = governors(host).into_iter().map(|(_, name)| name).collect();
    let found: Vec<String> = found.into_iter().collect();
    match found.as_slice() {
        [] => check.unknown(format!(
            "{} (a guest's frequency is its host's)",
            host.why_not(&governor_of(0))
        )),
        [one] if one == "performance" => check.ok("performance"),
        several => check.warn(several.join(", ")),
    }
}

fn turbo(host: &Host) -> Check {
    let check = Check::new(
        "turbo",
        "on, with the speed that all lanes' cores hold together",
        "a lane is one thread, and one thread's speed is the frequency; where turbo comes and goes \
         with the neighbours' load, the tail does too",
        "allow turbo in the BIOS and echo 0 > /sys/devices/system/cpu/intel_pstate/no_turbo (or \
         echo 1 > /sys/devices/system/cpu/cpufreq/boost); leave it off where an even speed is \
         worth more than a high one",
    );
    let (intel, other) = (
        format!("{CPU}/intel_pstate/no_turbo"),
        format!("{CPU}/cpufreq/boost"),
    );
    match (host.read(&intel).as_deref(), host.read(&other).as_deref()) {
        (Some("0"), _) | (None, Some("1")) => check.ok("on"),
        (Some("1"), _) | (None, Some("0")) => check.warn("off"),
        (Some(_), _) => check.unseen(host, &intel),
        _ => check.unseen(host, &other),
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

    #[test]
    fn a_tuned_box_is_fine() {
        let fixture = Fixture::new(&[
            ("sys/devices/system/cpu/smt/active", "0\n"),
            (
                "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                "performance\n",
            ),
            (
                "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
                "performance\n",
            ),
            ("sys/devices/system/cpu/intel_pstate/no_turbo", "0\n"),
        ]);
        let checks = &checks(&fixture.host(), 1, &cpus("1"))[1..];
        assert!(
            checks.iter().all(|check| check.severity == Severity::Ok),
            "{checks:?}"
        );
    }

    #[test]
    fn an_untuned_one_is_told_what_was_found() {
        let fixture = Fixture::new(&[
            ("sys/devices/system/cpu/smt/active", "1\n"),
            (
                "sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
                "0,2\n",
            ),
            (
                "sys/devices/system/cpu/cpu1/topology/thread_siblings_list",
                "1,3\n",
            ),
            (
                "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                "performance\n",
            ),
            (
                "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
                "powersave\n",
            ),
            ("sys/devices/system/cpu/cpufreq/boost", "0\n"),
        ]);
        let host = fixture.host();
        let smt = |lanes: &str| siblings(&host, &cpus(lanes));
        assert_eq!(smt("1").found, "on; lane core 1 beside 3");
        assert!(smt("").found.starts_with("on; siblings 0,2 1,3; "));
        assert_eq!(governor(&host).found, "performance, powersave");
        assert_eq!(turbo(&host).found, "off");
        fixture.put(
            "sys/devices/system/cpu/cpu1/topology/thread_siblings_list",
            "1\n",
        );
        assert_eq!(smt("1").severity, Severity::Ok, "its sibling is offline");
    }

    #[test]
    fn more_lanes_than_cores_are_told() {
        assert_eq!(cores(0).severity, Severity::Ok);
        assert_eq!(cores(100_000).severity, Severity::Warn);
    }
}
