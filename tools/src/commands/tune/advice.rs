//! What `tune` prints and never runs: words of the kernel's command line, which need a restart,
//! and what takes something away that others may want.

use super::settings::Place;
use crate::commands::doctor::CPU;
use crate::commands::doctor::cpu::siblings_of;
use crate::commands::doctor::idle::{EXIT_LATENCY_MAX_US, states_of};
use crate::host::Host;
use crate::host::cpus::Cpus;
use serde::Serialize;

/// A word of the kernel's command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Word {
    /// As it is written.
    pub word: String,
    /// Why.
    pub why: &'static str,
    /// What stands in its way.
    pub note: Option<String>,
}

/// A command that is left to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What it brings.
    pub what: String,
    /// Why.
    pub why: &'static str,
    /// The command.
    pub command: String,
    /// What takes it back.
    pub undo: String,
}

/// The words that the kernel was not started with.
pub fn words(place: &Place<'_>) -> Vec<Word> {
    let Ok(others) = place.others() else {
        return Vec::new();
    };
    let (host, lanes) = (place.host, place.lanes);
    let covers = |found: Option<Cpus>| found.is_some_and(|found| lanes.without(&found).is_empty());
    let ticks = format!("{CPU}/nohz_full");
    let no_ticks = covers(host.cpus_in(&ticks));
    let mut words = Vec::new();
    let mut add = |is_there: bool, name: &str, value: String, why| {
        if is_there {
            return;
        }
        let now = host.booted_with(name);
        let note = now.map(|now| format!("started with {name}={now} now: replace that"));
        let word = format!("{name}={value}");
        words.push(Word { word, why, note });
    };
    add(
        covers(host.cpus_in(&format!("{CPU}/isolated"))),
        "isolcpus",
        format!("managed_irq,domain,{lanes}"),
        "the scheduler and managed interrupts leave the lanes' cores alone",
    );
    add(
        // The file is there only in kernels that can do it.
        no_ticks || !host.has(&ticks),
        "nohz_full",
        lanes.to_string(),
        "no scheduler's tick on the lanes' cores",
    );
    let callbacks = host.booted_with("rcu_nocbs");
    let elsewhere = callbacks.is_some_and(|list| list == "all" || covers(list.parse().ok()));
    add(
        no_ticks || elsewhere,
        "rcu_nocbs",
        lanes.to_string(),
        "deferred work of the kernel runs elsewhere",
    );
    add(
        host.booted_with("irqaffinity").is_some_and(|list| {
            list.parse::<Cpus>()
                .is_ok_and(|list| list.both(lanes).is_empty())
        }),
        "irqaffinity",
        others.to_string(),
        "interrupts begin life on the other cores",
    );
    if sleeps_deeply(place) {
        let why = "no deep sleep from the start, on any core";
        add(false, "processor.max_cstate", "1".to_owned(), why);
        if host
            .read(&format!("{CPU}/cpuidle/current_driver"))
            .as_deref()
            == Some("intel_idle")
        {
            add(false, "intel_idle.max_cstate", "1".to_owned(), why);
        }
    }
    words
}

/// Whether a lane's core has a deep state, forbidden for now or not, that the command line allows.
fn sleeps_deeply(place: &Place<'_>) -> bool {
    let bounded = ["processor.max_cstate", "intel_idle.max_cstate"]
        .iter()
        .any(|name| place.host.booted_with(name).is_some());
    let mut states = place
        .lanes
        .iter()
        .flat_map(|cpu| states_of(place.host, cpu));
    !bounded && states.any(|state| state.latency_us > EXIT_LATENCY_MAX_US)
}

/// How these words get onto the command line, and off it again, with the boot loader that is there.
pub fn boot_loader(host: &Host, words: &[Word]) -> (String, String) {
    if words.is_empty() {
        return Default::default();
    }
    let words: Vec<&str> = words.iter().map(|word| word.word.as_str()).collect();
    let words = words.join(" ");
    let (grub, plain) = ("/etc/default/grub", "/etc/kernel/cmdline");
    if ["usr/sbin/grubby", "sbin/grubby", "usr/bin/grubby"]
        .iter()
        .any(|path| host.has(path))
    {
        let grubby = |what| format!("grubby --update-kernel=ALL --{what}=\"{words}\" && reboot");
        return (grubby("args"), grubby("remove-args"));
    }
    let edited = |file: &str, edit: String, then: &str| {
        let old = format!("{file}.before-spindle");
        (
            format!("cp {file} {old} && sed -i -E '{edit}' {file} && {then} && reboot"),
            format!("mv {old} {file} && {then} && reboot"),
        )
    };
    if host.has("etc/default/grub") {
        let then = if host.has("usr/sbin/update-grub") {
            "update-grub"
        } else {
            "grub2-mkconfig -o /boot/grub2/grub.cfg"
        };
        let edit = format!(r#"s/^(GRUB_CMDLINE_LINUX="[^"]*)"/\1 {words}"/"#);
        return edited(grub, edit, then);
    }
    if host.has("etc/kernel/cmdline") {
        return edited(plain, format!("s/$/ {words}/"), "kernel-install add-all");
    }
    (
        format!(
            "(no boot loader that is known here) add to the kernel's command line, where this \
             system or its hypervisor keeps it, and restart: {words}"
        ),
        "take the same words away again, and restart".to_owned(),
    )
}

/// What is left to people, though it needs no restart.
pub fn by_hand(place: &Place<'_>) -> Vec<Advice> {
    let mut advice = Vec::new();
    let names = place.host.processes().unwrap_or_default();
    if names.iter().any(|name| name == "irqbalance") {
        advice.push(Advice {
            what: "irqbalance off".to_owned(),
            why: "it moves interrupts back onto lanes' cores every ten seconds",
            command: "systemctl disable --now irqbalance".to_owned(),
            undo: "systemctl enable --now irqbalance".to_owned(),
        });
    }
    let siblings: Cpus = place
        .lanes
        .iter()
        .filter_map(|cpu| siblings_of(place.host, cpu))
        .flat_map(|list| list.iter().collect::<Vec<_>>())
        .collect();
    for cpu in siblings.without(place.lanes).iter() {
        let path = format!("/{CPU}/cpu{cpu}/online");
        advice.push(Advice {
            what: format!("core {cpu} offline, the SMT sibling of a lane's core"),
            why: "siblings share execution units and caches: a busy one costs a lane a third",
            command: format!("echo 0 > {path}"),
            undo: format!("echo 1 > {path}"),
        });
    }
    let swaps = place.host.read("proc/swaps").unwrap_or_default();
    if swaps.lines().count() > 1 {
        advice.push(Advice {
            what: "swap off".to_owned(),
            why: "a page that was swapped out takes milliseconds to come back",
            command: "swapoff -a".to_owned(),
            undo: "swapon -a".to_owned(),
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::fixture::Fixture;

    fn lanes() -> Cpus {
        "2-3".parse().expect("a list")
    }

    fn metal() -> Fixture {
        Fixture::new(&[
            ("proc/cmdline", "BOOT_IMAGE=/vmlinuz quiet isolcpus=3\n"),
            (
                "proc/swaps",
                "Filename Type Size\n/dev/sda2 partition 100\n",
            ),
            ("proc/9/comm", "irqbalance\n"),
            ("sys/devices/system/cpu/online", "0-7\n"),
            ("sys/devices/system/cpu/isolated", "3\n"),
            ("sys/devices/system/cpu/nohz_full", "(null)\n"),
            (
                "sys/devices/system/cpu/cpu2/topology/thread_siblings_list",
                "2,6\n",
            ),
            (
                "sys/devices/system/cpu/cpu2/cpuidle/state3/latency",
                "133\n",
            ),
            (
                "sys/devices/system/cpu/cpuidle/current_driver",
                "intel_idle\n",
            ),
        ])
    }

    #[test]
    fn the_words_that_are_missing_are_told_and_no_others() {
        let fixture = metal();
        let (host, lanes) = (fixture.host(), lanes());
        let place = Place {
            host: &host,
            lanes: &lanes,
        };
        let missing = words(&place);
        let names: Vec<&str> = missing.iter().map(|word| word.word.as_str()).collect();
        assert_eq!(
            names,
            [
                "isolcpus=managed_irq,domain,2-3",
                "nohz_full=2-3",
                "rcu_nocbs=2-3",
                "irqaffinity=0-1,4-7",
                "processor.max_cstate=1",
                "intel_idle.max_cstate=1"
            ]
        );
        let note = missing[0].note.as_deref();
        assert_eq!(note, Some("started with isolcpus=3 now: replace that"));
        let line = format!("quiet {}\n", names.join(" "));
        fixture.put("proc/cmdline", &line);
        fixture.put("sys/devices/system/cpu/isolated", "2-3\n");
        fixture.put("sys/devices/system/cpu/nohz_full", "2-3\n");
        assert_eq!(words(&place), []);
        fixture.put("proc/cmdline", "quiet\n");
        let missing = |path: &str| {
            std::fs::remove_file(host.path(path)).expect("it is there");
            words(&place)
                .iter()
                .any(|word| word.word.starts_with("nohz_full"))
        };
        assert!(
            !missing("sys/devices/system/cpu/nohz_full"),
            "this kernel could not do it"
        );
        let none = Cpus::default();
        assert_eq!(
            words(&Place {
                host: &host,
                lanes: &none
            }),
            []
        );
    }

    #[test]
    fn the_boot_loader_that_is_there_is_used() {
        let fixture = metal();
        let (host, lanes) = (fixture.host(), lanes());
        let place = Place {
            host: &host,
            lanes: &lanes,
        };
        let words = words(&place);
        assert!(boot_loader(&host, &words).0.starts_with("(no boot loader"));
        fixture.put("etc/kernel/cmdline", "root=/dev/sda1\n");
        assert!(boot_loader(&host, &words).0.contains("kernel-install"));
        fixture.put("etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n");
        assert!(boot_loader(&host, &words).0.contains("grub2-mkconfig"));
        fixture.put("usr/sbin/update-grub", "");
        let (command, undo) = boot_loader(&host, &words);
        assert!(command.contains(" irqaffinity=0-1,4-7 ") && command.contains("update-grub"));
        assert!(undo.starts_with("mv /etc/default/grub.before-spindle /etc/default/grub"));
        fixture.put("usr/sbin/grubby", "");
        assert!(
            boot_loader(&host, &words)
                .1
                .contains("--remove-args=\"isolcpus=")
        );
    }

    #[test]
    fn what_takes_something_away_is_left_to_people() {
        let fixture = metal();
        let (host, lanes) = (fixture.host(), lanes());
        let advice = by_hand(&Place {
            host: &host,
            lanes: &lanes,
        });
        let commands: Vec<&str> = advice.iter().map(|one| one.command.as_str()).collect();
        assert_eq!(
            commands,
            [
                "systemctl disable --now irqbalance",
                "echo 0 > /sys/devices/system/cpu/cpu6/online",
                "swapoff -a"
            ]
        );
    }
}
