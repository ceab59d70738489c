//! Clocks: cheap to read, steady, and right.

use super::check::Check;
use super::host::Host;
use super::system::has_flag;

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
        None => check,
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
        return check;
    };
    if !text.lines().any(|line| line.starts_with("flags")) {
        // ARM's counter is constant by definition, and its table has no such line.
        return check;
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
        "install and start chrony, then `chronyc tracking`",
    );
    let daemon = host
        .list("proc")
        .iter()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|process| host.read(&format!("proc/{process}/comm")))
        .find(|name| DAEMONS.contains(&name.as_str()));
    let by_systemd = host.has("run/systemd/timesync/synchronized");
    match (daemon, by_systemd) {
        (_, true) => check.ok("systemd-timesyncd has synchronised"),
        (Some(name), _) if name == "systemd-timesyn" => {
            check.warn("systemd-timesyncd runs and has not synchronised yet")
        }
        (Some(name), _) => check.ok(format!("{name} runs")),
        (None, false) if host.has("proc") => {
            check.warn("no daemon of this system does; a host's may, unseen from here")
        }
        (None, false) => check,
    }
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
        assert_eq!(synchronised(&host).severity, Severity::Warn);
        put("proc/17/comm", "chronyd\n");
        assert_eq!(synchronised(&host).found, "chronyd runs");
    }
}
