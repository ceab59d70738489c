//! What the figures were made on.

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
    /// The frequency governor of core 0, where it is visible.
    pub governor: Option<String>,
    /// True when the processor says that it is a guest's.
    pub hypervisor: bool,
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
    /// Looks around.
    #[must_use]
    pub fn look() -> Self {
        let cpu = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let found = cpu.lines().find(|line| line.starts_with(name))?;
            Some(found.split_once(':')?.1.trim().to_owned())
        };
        let flags = field("flags").unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            model: field("model name").unwrap_or_else(|| "unknown".to_owned()),
            governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            hypervisor: flags.split(' ').any(|flag| flag == "hypervisor"),
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
