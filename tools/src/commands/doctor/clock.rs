//! Clocks: cheap to read, steady, and right.

use super::check::Check;
use super::system::has_flag;
use crate::host::Host;
use std::io::ErrorKind;

/// Everything about clocks.
pub fn checks(host: &Host) -> Vec<Check> {
    vec![source(host), invariant(host), synchronised(host)]
}

fn source(host: &Host) -> Check {
    let check = Check::new(
        "clock source",
        "tsc (arch_sys_counter on ARM)",
        "other sources cost a system call or a trip to the hypervisor for each time that is read",
        "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource, or boot with \
         tsc=reliable where the processor's counter is known to be sound",
    );
    let path = "sys/devices/system/clocksource/clocksource0/current_clocksource";
    match host.read(path) {
        Some(name) => {
            let good = matches!(name.as_str(), "tsc" | "arch_sys_counter");
            check.ok_if(good, name)
        }
        None => check.unseen(host, path),
    }
}

fn invariant(host: &Host) -> Check {
    let check = Check::new(
        "invariant TSC",
        "constant_tsc and nonstop_tsc",
        "a counter that changes its speed or stops in sleep makes every latency wrong",
        "use a processor (or a hypervisor setting) that shows both flags; latencies are not to be \
         trusted without them",
    );
    let Some(text) = host.read("proc/cpuinfo") else {
        return check.unseen(host, "proc/cpuinfo");
    };
    if !text.lines().any(|line| line.starts_with("flags")) {
        // ARM's counter is constant by definition, and its table has no such line.
        return check.unknown("/proc/cpuinfo lists no flags of this processor");
    }
    let missing: Vec<&str> = ["constant_tsc", "nonstop_tsc"]
        .into_iter()
        .filter(|flag| !has_flag(&text, flag))
        .collect();
    if missing.is_empty() {
        check.ok("constant and never stopping")
    } else {
        check.warn(format!("{} missing", missing.join(" and ")))
    }
}

/// Programs that discipline the clock, as the kernel shortens their names.
const DAEMONS: [&str; 6] = [
    "chronyd",
    "systemd-timesyn",
    "ntpd",
    "ptp4l",
    "phc2sys",
    "openntpd",
];

fn synchronised(host: &Host) -> Check {
    let check = Check::new(
        "time synchronisation",
        "a running daemon (chrony, systemd-timesyncd, ntpd or PTP) that has synchronised",
        "session times, staleness and the broker's stamps are compared with this clock",
        "install and start chrony, then look at `chronyc tracking` (in a guest that has /dev/ptp0, \
         let chrony follow it: refclock PHC /dev/ptp0 poll 2)",
    );
    if host.has("run/systemd/timesync/synchronized") {
        return check.ok("systemd-timesyncd has synchronised");
    }
    let Some(names) = host.processes() else {
        return check.unseen(host, "proc");
    };
    let daemon = names.iter().find(|name| DAEMONS.contains(&name.as_str()));
    match daemon.map(String::as_str) {
        None => check.warn("no daemon of this system does; a host's may, unseen from here"),
        Some("systemd-timesyn") => {
            check.warn("systemd-timesyncd runs and has not synchronised yet")
        }
        Some(name) => match drift(host, name) {
            Drift::NotKept => check.ok(format!("{name} runs")),
            Drift::Known(ppm) => check.ok(format!("{name} runs; the clock's own drift is {ppm}")),
            Drift::NotYet => check.warn(format!(
                "{name} runs and has not learnt the clock's drift yet"
            )),
            Drift::Unseen(error) => check.unknown(format!(
                "{name} runs; whether it has synchronised is not visible: {error}"
            )),
        },
    }
}

/// What a daemon has learnt: it writes the drift down once it has followed a source for a while.
enum Drift {
    /// This daemon keeps no such file.
    NotKept,
    Known(String),
    NotYet,
    Unseen(String),
}

/// Where daemons keep it, in parts per million.
const DRIFTS: [(&str, &str); 6] = [
    ("chronyd", "var/lib/chrony/drift"),
    ("chronyd", "var/lib/chrony/chrony.drift"),
    ("ntpd", "var/lib/ntp/ntp.drift"),
    ("ntpd", "var/lib/ntp/drift"),
    ("ntpd", "var/lib/ntpsec/ntp.drift"),
    ("openntpd", "var/db/ntpd.drift"),
];

fn drift(host: &Host, daemon: &str) -> Drift {
    let mut drift = Drift::NotKept;
    for (_, path) in DRIFTS.iter().filter(|(name, _)| *name == daemon) {
        match std::fs::read_to_string(host.path(path)) {
            Ok(text) => {
                let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
                let own: Option<f64> = numbers.next();
                let within: Option<f64> = numbers.next();
                return match (own, within) {
                    (Some(own), Some(within)) => {
                        Drift::Known(format!("{own:+.3} ppm, known to {within:.3} ppm"))
                    }
                    (Some(own), None) => Drift::Known(format!("{own:+.3} ppm")),
                    _ => Drift::Unseen(host.why_not(path)),
                };
            }
            Err(error) if error.kind() == ErrorKind::NotFound => drift = Drift::NotYet,
            Err(error) => return Drift::Unseen(format!("/{path}: {error}")),
        }
    }
    drift
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::*;

    #[test]
    fn clocks_are_judged_by_what_the_kernel_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
            std::fs::write(path, text).expect("it is written");
        };
        let host = Host::at(folder.path());
        let clocksource = "sys/devices/system/clocksource/clocksource0/current_clocksource";
        put(clocksource, "tsc\n");
        assert_eq!(source(&host).severity, Severity::Ok);
        put(clocksource, "hpet\n");
        assert_eq!(source(&host).severity, Severity::Warn);
        put(
            "proc/cpuinfo",
            "flags\t\t: fpu constant_tsc nonstop_tsc_s3\n",
        );
        assert_eq!(invariant(&host).found, "nonstop_tsc missing");
        put("proc/cpuinfo", "flags\t\t: constant_tsc fpu nonstop_tsc\n");
        assert_eq!(invariant(&host).severity, Severity::Ok);
        assert_eq!(synchronised(&host).severity, Severity::Unknown);
        put("proc/1/comm", "init\n");
        assert_eq!(synchronised(&host).severity, Severity::Warn);
        put("proc/17/comm", "chronyd\n");
        let check = synchronised(&host);
        assert!(check.found.contains("has not learnt"), "{}", check.found);
        put(
            "var/lib/chrony/drift",
            "          -12.345678             0.051234\n",
        );
        let check = synchronised(&host);
        assert_eq!(check.severity, Severity::Ok);
        assert_eq!(
            check.found,
            "chronyd runs; the clock's own drift is -12.346 ppm, known to 0.051 ppm"
        );
        put("var/lib/chrony/drift", "?");
        assert_eq!(synchronised(&host).severity, Severity::Unknown);
        put("proc/17/comm", "ptp4l\n");
        assert_eq!(synchronised(&host).found, "ptp4l runs");
        put("proc/17/comm", "systemd-timesyn\n");
        assert_eq!(synchronised(&host).severity, Severity::Warn);
        put("run/systemd/timesync/synchronized", "");
        assert_eq!(synchronised(&host).severity, Severity::Ok);
    }
}
