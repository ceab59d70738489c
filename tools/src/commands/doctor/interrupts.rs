//! Interrupts: which of them reach a lane's core.

use super::NO_LANE_NAMED;
use super::check::Check;
use super::isolation::named;
use crate::host::Host;
use crate::host::cpus::Cpus;

/// Where an interrupt goes that comes up later.
pub const DEFAULT: &str = "proc/irq/default_smp_affinity";

/// Everything about interrupts.
pub fn checks(host: &Host, lanes: &Cpus) -> Vec<Check> {
    vec![affinity(host, lanes), defaults(host, lanes), balancer(host)]
}

/// The numbers of the interrupts that can be steered, in order.
pub fn numbers(host: &Host) -> Vec<u32> {
    let mut numbers: Vec<u32> = host
        .list("proc/irq")
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}

/// Where the cores of an interrupt are chosen.
pub fn cores_path(irq: u32) -> String {
    format!("proc/irq/{irq}/smp_affinity_list")
}

/// The cores to which an interrupt may go, as far as the kernel tells: those that it goes to now
/// (one of several that are allowed), and those that it is allowed.
fn cores_of(host: &Host, irq: u32) -> Option<(Cpus, Cpus)> {
    let allowed = host.cpus_in(&cores_path(irq))?;
    let now = host.cpus_in(&format!("proc/irq/{irq}/effective_affinity_list"));
    let now = now.filter(|now| !now.is_empty());
    Some((now.unwrap_or_else(|| allowed.clone()), allowed))
}

/// What an interrupt belongs to, from `/proc/interrupts`.
fn owner(table: &str, irq: u32) -> Option<&str> {
    let line = table.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix(&irq.to_string())?;
        rest.strip_prefix(':')
    })?;
    // Behind the counts stand chip, number and, last, the name.
    line.split_whitespace().last()
}

fn affinity(host: &Host, lanes: &Cpus) -> Check {
    let check = Check::new(
        "interrupts",
        "none that may go to a lane's core",
        "each interrupt takes a lane's core away for some microseconds",
        "spindle tune apply, or write a list without the lanes' cores to \
         /proc/irq/NUMBER/smp_affinity_list",
    );
    if !host.has("proc/irq") {
        return check.unseen(host, "proc/irq");
    }
    let table = host.read("proc/interrupts").unwrap_or_default();
    let (mut seen, mut touching, mut now) = (0, Vec::new(), 0);
    for irq in numbers(host) {
        let Some((goes_to, allowed)) = cores_of(host, irq) else {
            continue;
        };
        seen += 1;
        if !allowed.both(lanes).is_empty() {
            touching
                .push(owner(&table, irq).map_or(irq.to_string(), |name| format!("{irq} {name}")));
            now += u32::from(!goes_to.both(lanes).is_empty());
        }
    }
    match (lanes.is_empty(), touching.as_slice()) {
        _ if seen == 0 => check.unknown("/proc/irq tells of no interrupt's cores"),
        (true, _) => check.ok(format!("{seen}; {NO_LANE_NAMED}")),
        (false, []) => check.ok(format!("none of {seen} may go to {lanes}")),
        (false, _) => {
            let shown: Vec<&str> = touching.iter().take(6).map(String::as_str).collect();
            let more = if touching.len() > shown.len() {
                ", …"
            } else {
                ""
            };
            check.warn(format!(
                "{} of {seen} may go to {lanes}, {now} do now: {}{more}",
                touching.len(),
                shown.join(", ")
            ))
        }
    }
}

fn defaults(host: &Host, lanes: &Cpus) -> Check {
    let check = Check::new(
        "new interrupts",
        "a default without the lanes' cores",
        "a device that comes up later gets the default, and with it a lane's core",
        "boot with irqaffinity=LIST of the other cores, or spindle tune apply",
    );
    match host.read(DEFAULT).and_then(|text| Cpus::from_mask(&text)) {
        Some(found) if lanes.is_empty() => {
            check.ok(format!("go to {}; {NO_LANE_NAMED}", named(&found)))
        }
        Some(found) => check.ok_if(
            found.both(lanes).is_empty(),
            format!("go to {}", named(&found)),
        ),
        None => check.unseen(host, DEFAULT),
    }
}

fn balancer(host: &Host) -> Check {
    let check = Check::new(
        "irqbalance",
        "not running, or banned from the lanes' cores",
        "it moves interrupts back onto lanes' cores every ten seconds",
        "systemctl disable --now irqbalance, or IRQBALANCE_BANNED_CPULIST=LIST in \
         /etc/default/irqbalance",
    );
    match host.processes() {
        Some(names) if names.iter().any(|name| name == "irqbalance") => {
            let banned = ["etc/default/irqbalance", "etc/sysconfig/irqbalance"]
                .iter()
                .filter_map(|path| host.read(path))
                .find_map(|text| banned(&text));
            match banned {
                Some(list) => check.ok(format!("running, banned from {list}")),
                None => check.warn("running"),
            }
        }
        Some(_) => check.ok("not running"),
        None => check.unseen(host, "proc"),
    }
}

/// The cores that a configuration of irqbalance keeps it away from.
fn banned(text: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("IRQBALANCE_BANNED_CPULIST="))?;
    let value = value.trim_matches('"').trim();
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::super::fixture::Fixture;
    use super::*;

    const TABLE: &str = "           CPU0       CPU1       \n 24:          1          0  IO-APIC   \
                         5-edge      ACPI:Ged\n 36:          0    5142154 PCI-MSIX-0000:00:02.0   \
                         1-edge      virtio1-req.0\nLOC:   11332382   10716946   Local timer\n";

    fn vm() -> Fixture {
        Fixture::new(&[
            ("proc/interrupts", TABLE),
            ("proc/irq/24/smp_affinity_list", "0-1\n"),
            ("proc/irq/24/effective_affinity_list", "0\n"),
            ("proc/irq/36/smp_affinity_list", "0-1\n"),
            ("proc/irq/36/effective_affinity_list", "1\n"),
            ("proc/irq/40/smp_affinity_list", "0\n"),
            ("proc/irq/default_smp_affinity", "3\n"),
            ("proc/1/comm", "init\n"),
        ])
    }

    #[test]
    fn what_may_go_to_a_lane_is_told_by_name() {
        let (fixture, lanes) = (vm(), "1".parse().expect("a list"));
        let check = affinity(&fixture.host(), &lanes);
        assert_eq!(check.severity, Severity::Warn);
        assert_eq!(
            check.found,
            "2 of 3 may go to 1, 1 do now: 24 ACPI:Ged, 36 virtio1-req.0"
        );
        assert_eq!(defaults(&fixture.host(), &lanes).severity, Severity::Warn);
        for irq in [24, 36] {
            fixture.put(&cores_path(irq), "0\n");
        }
        fixture.put("proc/irq/default_smp_affinity", "1\n");
        let good = checks(&fixture.host(), &lanes);
        assert!(
            good.iter().all(|check| check.severity == Severity::Ok),
            "{good:?}"
        );
    }

    #[test]
    fn irqbalance_is_seen_and_its_bans_are_read() {
        let fixture = vm();
        fixture.put("proc/77/comm", "irqbalance\n");
        assert_eq!(balancer(&fixture.host()).severity, Severity::Warn);
        let text = "# keep off\n#IRQBALANCE_BANNED_CPULIST=\nIRQBALANCE_BANNED_CPULIST=\"2-5\"\n";
        fixture.put("etc/default/irqbalance", text);
        assert_eq!(balancer(&fixture.host()).found, "running, banned from 2-5");
        assert_eq!(banned("IRQBALANCE_BANNED_CPULIST=\n"), None);
    }
}
