//! The settings that can be changed at once: where they are, what is wanted, and why.
//!
//! A setting is a function from the box to the values of its files; nothing is written here. None
//! of them survives a restart of the box.

use crate::commands::doctor::idle::{EXIT_LATENCY_MAX_US, states_of};
use crate::commands::doctor::interrupts::{self, cores_path, numbers};
use crate::commands::doctor::isolation::WORKERS;
use crate::commands::doctor::memory::{COMPACTION, HUGE_PAGES, SWAPPINESS, SWAPPINESS_MAX};
use crate::commands::doctor::nodes::BALANCING;
use crate::commands::doctor::{CPU, NO_LANE_NAMED, cpu};
use crate::host::cpus::Cpus;
use crate::host::{Host, chosen};
use serde::Serialize;

const WATCHDOG: &str = "proc/sys/kernel/watchdog_cpumask";
const STATISTICS: &str = "proc/sys/vm/stat_interval";
/// How many seconds the kernel may leave its counters of memory apart.
const STATISTICS_S: u32 = 10;

/// The box, and the cores that belong to lanes.
pub struct Place<'a> {
    /// The box.
    pub host: &'a Host,
    /// The lanes' cores.
    pub lanes: &'a Cpus,
}

impl Place<'_> {
    /// The cores that run, the lanes' included.
    pub fn online(&self) -> Cpus {
        let online = self.host.cpus_in(&format!("{CPU}/online"));
        online.unwrap_or_else(|| self.host.cpus().into_iter().collect())
    }

    /// The cores that are left to everything else.
    ///
    /// # Errors
    /// Why there is nothing to keep away from lanes, or nowhere to go.
    pub fn others(&self) -> Result<Cpus, String> {
        let others = self.online().without(self.lanes);
        match (self.lanes.is_empty(), others.is_empty()) {
            (true, _) => Err(NO_LANE_NAMED.to_owned()),
            (_, true) => Err("the lanes take every core: nothing is left to move it to".to_owned()),
            (false, false) => Ok(others),
        }
    }
}

/// One value of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The file, without the first `/`.
    pub path: String,
    /// What it says, to the last byte.
    #[serde(skip)]
    pub is: String,
    /// What is wanted.
    pub wanted: String,
}

impl Step {
    /// What changes it.
    pub fn command(&self) -> String {
        format!("echo {} > /{}", self.wanted, self.path)
    }

    /// What brings it back.
    pub fn undo(&self) -> String {
        format!("echo {} > /{}", value(&self.is), self.path)
    }

    /// True where it says already what is wanted.
    pub fn is_done(&self) -> bool {
        same(&self.path, &self.is, &self.wanted)
    }
}

/// What of a file's text is its value: the chosen one of several words, else all of it.
pub fn value(text: &str) -> &str {
    chosen(text).unwrap_or_else(|| text.trim())
}

/// True where two texts of a file mean the same.
pub fn same(path: &str, a: &str, b: &str) -> bool {
    let (a, b) = (value(a), value(b));
    if path == WORKERS || path == interrupts::DEFAULT {
        return Cpus::from_mask(a).is_some_and(|cpus| Some(cpus) == Cpus::from_mask(b));
    }
    if path == WATCHDOG || path.ends_with("_list") {
        let list = |text: &str| text.parse::<Cpus>().ok();
        return list(a).is_some_and(|cpus| Some(cpus) == list(b));
    }
    a == b
}

/// True for a file that some setting here could have changed.
pub fn is_ours(path: &str) -> bool {
    let single = [
        HUGE_PAGES,
        COMPACTION,
        SWAPPINESS,
        interrupts::DEFAULT,
        WORKERS,
        WATCHDOG,
        BALANCING,
        STATISTICS,
    ];
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = path.split('/').collect();
    single.contains(&path)
        || match parts.as_slice() {
            ["proc", "irq", irq, "smp_affinity_list"] => number(irq),
            ["sys", "devices", "system", "cpu", cpu, rest @ ..] => {
                cpu.strip_prefix("cpu").is_some_and(number)
                    && match rest {
                        ["cpufreq", "scaling_governor"] => true,
                        ["cpuidle", state, "disable"] => {
                            state.strip_prefix("state").is_some_and(number)
                        }
                        _ => false,
                    }
            }
            _ => false,
        }
}

/// The files of a setting with what they say and what is wanted, or why there are none.
type Look = fn(&Place<'_>) -> Result<Vec<Step>, String>;

/// Name, why, and where.
const SETTINGS: [(&str, &str, Look); 11] = [
    (
        "governor",
        "a core that was slowed down takes tens of microseconds to speed up again",
        governor,
    ),
    (
        "idle-states",
        "a core that sleeps deeply wakes up late; a limit held through /dev/cpu_dma_latency would \
         end with the program that holds it, so the deep states of the lanes' cores are forbidden \
         one by one",
        idle_states,
    ),
    (
        "interrupts",
        "each interrupt takes a lane's core away for some microseconds",
        affinities,
    ),
    (
        "new-interrupts",
        "a device that comes up later gets the default, and with it a lane's core",
        |place| {
            let others = place.others()?;
            one(place, interrupts::DEFAULT, |_| others.mask())
        },
    ),
    (
        "workers",
        "work that the kernel queues for any core lands on a lane's like on every other",
        |place| {
            let others = place.others()?;
            one(place, WORKERS, |_| others.mask())
        },
    ),
    (
        "watchdog",
        "the kernel's watchdog wakes up on each core every few seconds",
        |place| {
            let others = place.others()?;
            one(place, WATCHDOG, |_| others.to_string())
        },
    ),
    (
        "huge-pages",
        "with always, the kernel stops a lane to put pages together when it likes",
        |place| one(place, HUGE_PAGES, without_always),
    ),
    (
        "compaction",
        "with always, a page fault waits until the kernel has moved other pages together",
        |place| one(place, COMPACTION, without_always),
    ),
    (
        "swappiness",
        "the kernel is to swap a program's pages out last of all",
        |place| one(place, SWAPPINESS, |is| at_most(is, SWAPPINESS_MAX)),
    ),
    (
        "numa-balancing",
        "the kernel takes pages away from a lane to see who uses them, and moves them",
        |place| one(place, BALANCING, |_| "0".to_owned()),
    ),
    (
        "statistics",
        "each second each core stops to add up its counters of memory",
        |place| one(place, STATISTICS, |is| at_least(is, STATISTICS_S)),
    ),
];

/// The names of all settings.
pub fn names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|(name, _, _)| *name)
}

/// A setting as it stands on a box.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What is to be changed.
    pub steps: Vec<Step>,
    /// How many of its files say already what is wanted.
    pub done: usize,
    /// Why it does not apply here.
    pub note: Option<String>,
}

/// Looks at these settings, or at all where none is named.
pub fn look(place: &Place<'_>, only: &[String]) -> Vec<Setting> {
    SETTINGS
        .iter()
        .filter(|(name, _, _)| only.is_empty() || only.iter().any(|own| own == name))
        .map(|&(name, why, look)| {
            let (steps, note) = match look(place) {
                Ok(steps) => (steps, None),
                Err(note) => (Vec::new(), Some(note)),
            };
            let all = steps.len();
            let steps: Vec<Step> = steps.into_iter().filter(|step| !step.is_done()).collect();
            let done = all - steps.len();
            Setting {
                name,
                why,
                steps,
                done,
                note,
            }
        })
        .collect()
}

/// A step of a file that can be read.
fn step(place: &Place<'_>, path: String, wanted: impl FnOnce(&str) -> String) -> Option<Step> {
    let is = std::fs::read_to_string(place.host.path(&path)).ok()?;
    let wanted = wanted(value(&is));
    Some(Step { path, is, wanted })
}

/// The only file of a setting.
fn one(
    place: &Place<'_>,
    path: &str,
    wanted: impl FnOnce(&str) -> String,
) -> Result<Vec<Step>, String> {
    let step = step(place, path.to_owned(), wanted);
    step.map(|step| vec![step])
        .ok_or_else(|| place.host.why_not(path))
}

fn without_always(is: &str) -> String {
    if is == "always" { "madvise" } else { is }.to_owned()
}

fn at_most(is: &str, most: u32) -> String {
    match is.parse::<u32>() {
        Ok(found) => found.min(most).to_string(),
        Err(_) => is.to_owned(),
    }
}

fn at_least(is: &str, least: u32) -> String {
    match is.parse::<u32>() {
        Ok(found) => found.max(least).to_string(),
        Err(_) => is.to_owned(),
    }
}

fn governor(place: &Place<'_>) -> Result<Vec<Step>, String> {
    let governors = cpu::governors(place.host);
    if governors.is_empty() {
        return Err(place.host.why_not(&cpu::governor_of(0)));
    }
    let has_it = |cpu: usize| {
        let path = format!("{CPU}/cpu{cpu}/cpufreq/scaling_available_governors");
        let all = place.host.read(&path);
        all.is_none_or(|all| all.split_whitespace().any(|name| name == "performance"))
    };
    let steps = governors
        .into_iter()
        .filter(|(cpu, _)| has_it(*cpu))
        .filter_map(|(cpu, _)| step(place, cpu::governor_of(cpu), |_| "performance".to_owned()));
    Ok(steps.collect())
}

fn idle_states(place: &Place<'_>) -> Result<Vec<Step>, String> {
    if place.lanes.is_empty() {
        return Err(NO_LANE_NAMED.to_owned());
    }
    let states = place
        .lanes
        .iter()
        .flat_map(|cpu| states_of(place.host, cpu));
    let deep = states.filter(|state| state.latency_us > EXIT_LATENCY_MAX_US);
    let steps: Vec<Step> = deep
        .filter_map(|state| {
            // Whatever is not 0 forbids it.
            let off = |is: &str| if is == "0" { "1" } else { is }.to_owned();
            step(place, state.disable, off)
        })
        .collect();
    if steps.is_empty() {
        return Err("the lanes' cores have no deep state".to_owned());
    }
    Ok(steps)
}

fn affinities(place: &Place<'_>) -> Result<Vec<Step>, String> {
    let others = place.others()?;
    let all = numbers(place.host);
    if all.is_empty() {
        return Err(place.host.why_not("proc/irq"));
    }
    let steps = all.into_iter().filter_map(|irq| {
        step(place, cores_path(irq), |is| match is.parse::<Cpus>() {
            Ok(cpus) if cpus.both(place.lanes).is_empty() => is.to_owned(),
            Ok(cpus) if !cpus.both(&others).is_empty() => cpus.both(&others).to_string(),
            _ => others.to_string(),
        })
    });
    Ok(steps.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::fixture::Fixture;

    fn steps(fixture: &Fixture, lanes: &str, name: &str) -> Vec<(String, String)> {
        let lanes = lanes.parse().expect("a list");
        let host = fixture.host();
        let place = Place {
            host: &host,
            lanes: &lanes,
        };
        let settings = look(&place, &[name.to_owned()]);
        let steps = settings[0].steps.iter();
        steps.map(|step| (step.command(), step.undo())).collect()
    }

    fn pair(command: &str, undo: &str) -> (String, String) {
        (command.to_owned(), undo.to_owned())
    }

    #[test]
    fn interrupts_leave_lanes_and_keep_the_rest_of_their_cores() {
        let fixture = Fixture::new(&[
            ("sys/devices/system/cpu/online", "0-3\n"),
            ("proc/irq/4/smp_affinity_list", "0-3\n"),
            ("proc/irq/9/smp_affinity_list", "3\n"),
            ("proc/irq/10/smp_affinity_list", "1\n"),
            ("proc/irq/default_smp_affinity", "f\n"),
        ]);
        assert_eq!(
            steps(&fixture, "2-3", "interrupts"),
            [
                pair(
                    "echo 0-1 > /proc/irq/4/smp_affinity_list",
                    "echo 0-3 > /proc/irq/4/smp_affinity_list"
                ),
                pair(
                    "echo 0-1 > /proc/irq/9/smp_affinity_list",
                    "echo 3 > /proc/irq/9/smp_affinity_list"
                ),
            ]
        );
        assert_eq!(
            steps(&fixture, "2-3", "new-interrupts"),
            [pair(
                "echo 3 > /proc/irq/default_smp_affinity",
                "echo f > /proc/irq/default_smp_affinity"
            )]
        );
        assert!(
            steps(&fixture, "", "interrupts").is_empty(),
            "no lane, nothing to keep off"
        );
        assert!(
            steps(&fixture, "0-3", "interrupts").is_empty(),
            "nowhere to go"
        );
    }

    #[test]
    fn what_is_as_wanted_already_is_left_alone() {
        let fixture = Fixture::new(&[
            (HUGE_PAGES, "always madvise [never]\n"),
            (COMPACTION, "[always] defer defer+madvise madvise never\n"),
            (SWAPPINESS, "0\n"),
            (STATISTICS, "120\n"),
        ]);
        for name in ["huge-pages", "swappiness", "statistics"] {
            assert!(steps(&fixture, "1", name).is_empty(), "{name}");
        }
        let (path, from, to) = (COMPACTION, "always", "madvise");
        assert_eq!(
            steps(&fixture, "1", "compaction"),
            [pair(
                &format!("echo {to} > /{path}"),
                &format!("echo {from} > /{path}")
            )]
        );
    }

    #[test]
    fn only_files_of_settings_are_ours() {
        for path in [
            SWAPPINESS,
            "proc/irq/40/smp_affinity_list",
            "sys/devices/system/cpu/cpu12/cpufreq/scaling_governor",
            "sys/devices/system/cpu/cpu0/cpuidle/state3/disable",
        ] {
            assert!(is_ours(path), "{path}");
        }
        for path in [
            "etc/passwd",
            "proc/irq/../../etc/smp_affinity_list",
            "proc/irq/1/../smp_affinity_list",
            "sys/devices/system/cpu/cpu0/cpuidle/../disable",
            "sys/devices/system/cpu/cpu0/online",
            "/proc/sys/vm/swappiness",
            "",
        ] {
            assert!(!is_ours(path), "{path}");
        }
    }

    #[test]
    fn masks_and_lists_are_compared_by_what_they_mean() {
        assert!(same(WORKERS, "00000000,00000003\n", "3"));
        assert!(same("proc/irq/1/smp_affinity_list", "0,1\n", "0-1"));
        assert!(!same(WORKERS, "x", "x"), "no mask at all");
        assert!(same(HUGE_PAGES, "always [madvise] never\n", "madvise"));
    }
}
