//! Memory nodes: whether lanes, their memory and their devices are close together.

use super::NO_LANE_NAMED;
use super::check::Check;
use super::isolation::named;
use crate::host::cpus::Cpus;
use crate::host::{Host, size};

const NODES: &str = "sys/devices/system/node";
/// What a node should have left for rings, books and the journal's pages.
const FREE_MIN_BYTES: u64 = 1 << 30;
/// Whether the kernel moves pages between nodes by itself.
pub const BALANCING: &str = "proc/sys/kernel/numa_balancing";

/// Everything about nodes.
pub fn checks(host: &Host, lanes: &Cpus) -> Vec<Check> {
    vec![together(host, lanes), devices(host, lanes), balancing(host)]
}

/// A node's number and cores.
fn nodes(host: &Host) -> Vec<(usize, Cpus)> {
    let mut nodes: Vec<(usize, Cpus)> = host
        .list(NODES)
        .iter()
        .filter_map(|name| {
            let number = name.strip_prefix("node")?.parse().ok()?;
            Some((number, host.cpus_in(&format!("{NODES}/{name}/cpulist"))?))
        })
        .collect();
    nodes.sort_unstable_by_key(|(number, _)| *number);
    nodes
}

/// The nodes of the lanes' cores.
fn nodes_of(host: &Host, lanes: &Cpus) -> Vec<usize> {
    let nodes = nodes(host).into_iter();
    let used = nodes.filter(|(_, cpus)| !cpus.both(lanes).is_empty());
    used.map(|(number, _)| number).collect()
}

/// Bytes of a node that are free, or hold files and can be had at once.
fn free(host: &Host, node: usize) -> Option<u64> {
    let text = host.read(&format!("{NODES}/node{node}/meminfo"))?;
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find(|line| line.contains(name))?;
        line.split_whitespace().nth(3)?.parse().ok()
    };
    let files = [" Active(file):", " Inactive(file):"].map(|name| field(name).unwrap_or(0));
    let kibibytes = files
        .iter()
        .try_fold(field(" MemFree:")?, |sum, more| sum.checked_add(*more))?;
    kibibytes.checked_mul(1_024)
}

fn together(host: &Host, lanes: &Cpus) -> Check {
    let check = Check::new(
        "memory nodes",
        format!(
            "all lanes on one node, with {} free on it",
            size(FREE_MIN_BYTES)
        ),
        "a line that comes from another node's memory or cache takes twice as long, on every hop",
        "name cores of one node in lanes.layout, and start with \
         numactl --cpunodebind=N --membind=N",
    );
    let nodes = nodes(host);
    if nodes.is_empty() {
        return check.unseen(host, NODES);
    }
    let used = nodes_of(host, lanes);
    match (nodes.len(), used.as_slice()) {
        (1, _) => {
            let left = free(host, nodes[0].0)
                .map_or_else(String::new, |free| format!(", {} free", size(free)));
            check.ok(format!("one{left}"))
        }
        (many, []) => check.warn(format!("{many}; {NO_LANE_NAMED}")),
        (many, [node]) => match free(host, *node) {
            Some(free) => check.ok_if(
                free >= FREE_MIN_BYTES,
                format!("{many}; lanes on node {node}, {} free there", size(free)),
            ),
            None => check.unseen(host, &format!("{NODES}/node{node}/meminfo")),
        },
        (many, several) => check.warn(format!("{many}; lanes on nodes {several:?}")),
    }
}

/// Network interfaces with the node that they are plugged into; −1 is none.
fn interfaces(host: &Host) -> Vec<(String, i64)> {
    let node = |name: String| {
        let node = host.read(&format!("sys/class/net/{name}/device/numa_node"))?;
        Some((name, node.parse().ok()?))
    };
    host.list("sys/class/net")
        .into_iter()
        .filter_map(node)
        .collect()
}

fn devices(host: &Host, lanes: &Cpus) -> Check {
    let check = Check::new(
        "network card's node",
        "that of the lanes",
        "market data that arrives in another node's memory crosses the link between sockets first",
        "name cores of the card's node in lanes.layout, or put the card into a slot of theirs",
    );
    let cards = interfaces(host);
    if cards.is_empty() {
        return check.unknown("no network interface under /sys/class/net tells its node");
    }
    let lanes_on = nodes_of(host, lanes);
    let text: Vec<String> = cards
        .iter()
        .map(|(name, node)| match node {
            ..0 => format!("{name} on none"),
            node => format!("{name} on {node}"),
        })
        .collect();
    let away = cards.iter().any(|(_, node)| {
        usize::try_from(*node).is_ok_and(|node| !lanes_on.is_empty() && !lanes_on.contains(&node))
    });
    let lanes_on: Cpus = lanes_on.into_iter().collect();
    let found = format!("{}; lanes on {}", text.join(", "), named(&lanes_on));
    check.ok_if(!away || nodes(host).len() < 2, found)
}

fn balancing(host: &Host) -> Check {
    let check = Check::new(
        "automatic NUMA balancing",
        "off",
        "the kernel takes pages away from a lane to see who uses them, and moves them",
        "spindle tune apply, or sysctl -w kernel.numa_balancing=0",
    );
    match (host.read(BALANCING).as_deref(), nodes(host).len()) {
        (Some("0"), _) => check.ok("off"),
        (Some(on), nodes) if on.parse::<u32>().is_ok() => check.ok_if(
            nodes == 1,
            if nodes == 1 {
                "on, with one node"
            } else {
                "on"
            },
        ),
        (None, _) if !host.has(BALANCING) && host.has("proc/sys/kernel") => {
            check.ok("not in this kernel")
        }
        _ => check.unseen(host, BALANCING),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::super::fixture::Fixture;
    use super::*;

    fn two_sockets() -> Fixture {
        Fixture::new(&[
            ("sys/devices/system/node/online", "0-1\n"),
            ("sys/devices/system/node/node0/cpulist", "0-7\n"),
            (
                "sys/devices/system/node/node0/meminfo",
                "Node 0 MemFree:   100000 kB\n",
            ),
            ("sys/devices/system/node/node1/cpulist", "8-15\n"),
            (
                "sys/devices/system/node/node1/meminfo",
                "Node 1 MemTotal:       32675276 kB\nNode 1 MemFree:          49644 kB\n\
                 Node 1 Active(file):   1000000 kB\nNode 1 Inactive(file):  900000 kB\n",
            ),
            ("sys/class/net/eth0/device/numa_node", "1\n"),
            ("proc/sys/kernel/numa_balancing", "1\n"),
        ])
    }

    #[test]
    fn lanes_on_one_node_with_their_card_are_fine() {
        let (fixture, lanes) = (two_sockets(), "9-11".parse().expect("a list"));
        let host = fixture.host();
        assert_eq!(together(&host, &lanes).severity, Severity::Ok);
        assert_eq!(devices(&host, &lanes).found, "eth0 on 1; lanes on 1");
        assert_eq!(balancing(&host).severity, Severity::Warn);
    }

    #[test]
    fn lanes_across_nodes_or_on_a_full_one_are_told() {
        let fixture = two_sockets();
        let host = fixture.host();
        let check = |lanes: &str| together(&host, &lanes.parse().expect("a list"));
        assert_eq!(check("7-8").found, "2; lanes on nodes [0, 1]");
        assert_eq!(check("2").severity, Severity::Warn, "97 MiB are left there");
        assert_eq!(check("").severity, Severity::Warn);
        assert_eq!(
            devices(&host, &"2".parse().expect("a list")).severity,
            Severity::Warn
        );
    }

    #[test]
    fn a_box_of_one_node_has_nothing_to_get_wrong() {
        let fixture = Fixture::new(&[
            ("sys/devices/system/node/node0/cpulist", "0-1\n"),
            (
                "sys/devices/system/node/node0/meminfo",
                "Node 0 MemFree:  3949644 kB\n",
            ),
            ("sys/class/net/eth0/device/numa_node", "-1\n"),
            ("proc/sys/kernel/osrelease", "6.1\n"),
        ]);
        let (host, lanes) = (fixture.host(), "1".parse().expect("a list"));
        let checks = checks(&host, &lanes);
        assert!(
            checks.iter().all(|check| check.severity == Severity::Ok),
            "{checks:?}"
        );
        assert_eq!(checks[0].found, "one, 3857 MiB free");
        assert_eq!(checks[2].found, "not in this kernel");
        let bare = Fixture::new(&[]);
        let unseen = super::checks(&bare.host(), &lanes);
        assert!(
            unseen
                .iter()
                .all(|check| check.severity == Severity::Unknown),
            "{unseen:?}"
        );
    }
}
