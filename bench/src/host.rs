//! What the figures were made on.

use crate::cores::{Cores, siblings};
use serde::Serialize;
use std::fmt;
use std::fs::read_to_string;

/// Facts about the box, as far as it shows them.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Cores that this process may use.
    pub cores: usize,
    /// The processor's name.
    pub model: String,
    /// The two cores of benches with pinned threads.
    pub chosen: String,
    /// Which hardware threads share the cores of each of the two, itself included.
    pub siblings: Vec<Vec<usize>>,
    /// The frequency governor of the first of the two, where it is visible.
    pub governor: Option<String>,
    /// True when the processor says that it is a guest's.
    pub hypervisor: bool,
    /// Who made the machine, or pretends to.
    pub vendor: Option<String>,
    /// The clock that the kernel tells time by.
    pub clock_source: Option<String>,
    /// When the kernel gives out huge pages unasked: the word in brackets.
    pub huge_pages: Option<String>,
    /// Kernel.
    pub kernel: String,
    /// Cores that the kernel leaves to us alone, where any are.
    pub isolated: Option<String>,
    /// Load averages of 1, 5 and 15 minutes, before the first run.
    pub load: String,
    /// The commit, where `git` tells one; with `+` when files differ from it.
    pub commit: Option<String>,
    /// Whether this is an optimised build: figures of any other are worthless.
    pub optimised: bool,
}

fn line(path: &str) -> Option<String> {
    let text = read_to_string(path).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

impl Host {
    /// Looks around, with no cores chosen.
    #[must_use]
    pub fn look() -> Self {
        Self::look_at(&Cores::default())
    }

    /// Looks around, and at the two cores in particular.
    #[must_use]
    pub fn look_at(cores: &Cores) -> Self {
        let cpu = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let found = cpu.lines().find(|line| line.starts_with(name))?;
            Some(found.split_once(':')?.1.trim().to_owned())
        };
        let flags = field("flags").unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            model: field("model name").unwrap_or_else(|| "unknown".to_owned()),
            chosen: cores.names(),
            siblings: cores.two.iter().flatten().copied().map(siblings).collect(),
            governor: line(&format!(
                "/sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor",
                cores.two[0].unwrap_or(0)
            )),
            hypervisor: flags.split(' ').any(|flag| flag == "hypervisor"),
            vendor: line("/sys/class/dmi/id/sys_vendor"),
            clock_source: line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            huge_pages: line("/sys/kernel/mm/transparent_hugepage/enabled"),
            kernel: line("/proc/sys/kernel/osrelease").unwrap_or_default(),
            isolated: line("/sys/devices/system/cpu/isolated"),
            load: load(),
            commit: commit(),
            optimised: !cfg!(debug_assertions),
        }
    }
}

/// Load averages of 1, 5 and 15 minutes.
#[must_use]
pub fn load() -> String {
    let text = line("/proc/loadavg").unwrap_or_default();
    let three: Vec<&str> = text.split(' ').take(3).collect();
    three.join(" ")
}

fn commit() -> Option<String> {
    let git = |args: &[&str]| {
        let output = std::process::Command::new("git").args(args).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(commit + if changed.is_empty() { "" } else { "+" })
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_seen = || "not visible".to_owned();
        writeln!(f, "host: {} cores, {}", self.cores, self.model)?;
        let shared = self.siblings.iter().any(|threads| threads.len() > 1);
        writeln!(
            f,
            "      pinned to {}, {}; clock {}, huge pages {}, machine {}",
            self.chosen,
            if shared {
                format!("hardware threads of a core {:?}", self.siblings)
            } else {
                "no hardware thread beside them seen".to_owned()
            },
            self.clock_source.clone().unwrap_or_else(not_seen),
            self.huge_pages.clone().unwrap_or_else(not_seen),
            self.vendor.clone().unwrap_or_else(not_seen),
        )?;
        writeln!(
            f,
            "      governor {}, isolated cores {}, {}, kernel {}",
            self.governor.clone().unwrap_or_else(not_seen),
            self.isolated.as_deref().unwrap_or("none"),
            if self.hypervisor {
                "under a hypervisor"
            } else {
                "no hypervisor seen"
            },
            self.kernel
        )?;
        let commit = self.commit.as_deref().unwrap_or("unknown");
        writeln!(f, "      load average {}, commit {commit}", self.load)?;
        if !self.optimised {
            writeln!(f, "      NOT AN OPTIMISED BUILD: the figures mean nothing")?;
        }
        Ok(())
    }
}

/// Processor time of the whole box, in ticks of the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    all: u64,
    idle: u64,
    steal: u64,
}

/// Shares of processor time between two looks.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Used {
    /// Percent that anything ran, this program included.
    pub busy_percent: f64,
    /// Percent that the hypervisor reports as taken away; many report none.
    pub steal_percent: f64,
}

impl Ticks {
    /// Processor time so far; `None` where the system does not tell.
    #[must_use]
    pub fn now() -> Option<Self> {
        Self::parse(read_to_string("/proc/stat").ok()?.lines().next()?)
    }

    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<u64> = line
            .strip_prefix("cpu ")?
            .split_whitespace()
            .map_while(|field| field.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal; guest times are within user and nice.
        Some(Self {
            all: fields.iter().take(8).sum(),
            idle: fields.get(3)? + fields.get(4)?,
            steal: *fields.get(7)?,
        })
    }

    /// Shares since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Used {
        let all = self.all.saturating_sub(before.all).max(1) as f64;
        let share = |now: u64, then: u64| now.saturating_sub(then) as f64 / all * 100.0;
        Used {
            busy_percent: 100.0 - share(self.idle, before.idle),
            steal_percent: share(self.steal, before.steal),
        }
    }
}

/// Anonymous memory of this process in MiB; `None` where the system does not tell.
#[must_use]
pub fn anonymous_mib() -> Option<f64> {
    let status = read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_processor_time_come_from_differences() {
        let before = Ticks::parse("cpu  100 0 100 800 0 0 0 0 0 0").unwrap();
        let after = Ticks::parse("cpu  150 0 110 820 0 0 0 20 0 0").unwrap();
        let used = after.since(&before);
        assert!((used.busy_percent - 80.0).abs() < 1e-9, "{used:?}");
        assert!((used.steal_percent - 20.0).abs() < 1e-9, "{used:?}");
        assert!(Ticks::parse("cpu0 1 2 3").is_none());
    }
}
