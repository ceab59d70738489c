//! `spindle doctor`: this box as the engine will find it. Each check says what was found, what is
//! wanted, why, and the remedy.
//!
//! Nothing is changed: what is written is one small file beside the journals, which is removed
//! again. What the system does not tell is *unknown*, with the file that does not tell it, and
//! never a failure. Exit code 1 when a check
//! fails, so that a start script can rely on it.

mod broker;
mod check;
mod clock;
mod config;
pub mod cpu;
mod disk;
#[cfg(test)]
pub mod fixture;
pub mod idle;
pub mod interrupts;
pub mod isolation;
mod jitter;
pub mod memory;
pub mod nodes;
mod system;

use super::common::{Base, print_json, print_text, settings};
use crate::cli;
use crate::failure::{FAILED, Failure, Outcome};
use crate::host::Host;
use crate::host::cpus::Cpus;
use check::{Check, Severity};
use engine::layout::Layout;
use engine::setup::Setup;
use std::path::PathBuf;
use std::time::Duration;

/// How long the jitter meter watches each lane's core.
const JITTER: Duration = Duration::from_secs(5);
const JITTER_QUICK: Duration = Duration::from_millis(250);
/// The folder of everything about cores.
pub const CPU: &str = "sys/devices/system/cpu";
/// Said where a check has no core to look at.
pub const NO_LANE_NAMED: &str = "no lane has a core of its own (lanes.layout names none)";
/// Size of a segment where the configuration cannot be read.
const SEGMENT_BYTES: u64 = 64 << 20;

pub fn run(args: &cli::Doctor) -> Outcome {
    let settings = settings(&args.settings, Base::Sample);
    let setup = Setup::read(&settings);
    if let Some(address) = &args.broker {
        let ibkr = setup.as_ref().ok().and_then(|setup| setup.ibkr.as_ref());
        let named = !args.settings.config.is_empty();
        return report(&broker::checks(address, ibkr.filter(|_| named)), args.json);
    }
    let lanes = setup
        .as_ref()
        .ok()
        .and_then(|setup| setup.layout.parse::<Layout>().ok());
    let (dir, segment_bytes) = match &setup {
        Ok(setup) => (
            PathBuf::from(&setup.journal.dir),
            setup.journal.segment_bytes,
        ),
        Err(_) => (PathBuf::from("journals"), SEGMENT_BYTES),
    };
    let host = Host::here();
    let cores = lanes
        .as_ref()
        .map_or_else(Vec::new, |layout| layout.cores.clone());
    let of_lanes: Cpus = cores.iter().flatten().copied().collect();
    let mut checks = Vec::with_capacity(48);
    checks.extend(config::checks(&setup, lanes.as_ref()));
    checks.extend(cpu::checks(&host, cores.len().max(1), &of_lanes));
    checks.extend(facts(&host, &of_lanes));
    checks.extend(disk::checks(&host, &dir, segment_bytes));
    let time = if args.quick { JITTER_QUICK } else { JITTER };
    checks.extend(jitter::checks(&host, &metered(&cores), time));
    report(&checks, args.json)
}

/// What the box's files tell.
fn facts(host: &Host, lanes: &Cpus) -> Vec<Check> {
    let mut checks = isolation::checks(host, lanes);
    checks.extend(interrupts::checks(host, lanes));
    checks.extend(idle::checks(host, lanes));
    checks.extend(memory::checks(host));
    checks.extend(nodes::checks(host, lanes));
    checks.extend(clock::checks(host));
    checks.extend(system::checks(host));
    checks
}

/// The cores that are metered: each that is named, once, or none in particular.
fn metered(cores: &[Option<usize>]) -> Vec<Option<usize>> {
    let named: Cpus = cores.iter().flatten().copied().collect();
    if named.is_empty() {
        return vec![None];
    }
    named.iter().map(Some).collect()
}

fn report(checks: &[Check], json: bool) -> Outcome {
    let failed = checks
        .iter()
        .filter(|check| check.severity == Severity::Fail)
        .count();
    if json {
        print_json(&serde_json::json!({ "ok": failed == 0, "checks": checks }))?;
    } else {
        print_text(&text_of(checks))?;
    }
    if failed == 0 {
        return Ok(());
    }
    // In JSON everything has been said.
    let text = match (json, failed) {
        (true, _) => String::new(),
        (false, 1) => "1 check failed".to_owned(),
        (false, many) => format!("{many} checks failed"),
    };
    Err(Failure { code: FAILED, text })
}

fn text_of(checks: &[Check]) -> String {
    let width = checks
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        text.push_str(&check.text(width));
    }
    let count = |severity| {
        checks
            .iter()
            .filter(|check| check.severity == severity)
            .count()
    };
    text.push_str(&format!(
        "\n{} ok, {} to look at, {} failed, {} unknown\n",
        count(Severity::Ok),
        count(Severity::Warn),
        count(Severity::Fail),
        count(Severity::Unknown)
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_tells_nothing_is_unknown_and_never_a_panic() {
        let folder = tempfile::tempdir().expect("a folder");
        let host = Host::at(folder.path());
        let mut checks = cpu::checks(&host, 2, &"1-2".parse().expect("a list"));
        checks.extend(facts(&host, &"1-2".parse().expect("a list")));
        assert!(
            checks
                .iter()
                .all(|check| !check.found.contains("does not say")),
            "say why"
        );
        let told: Vec<&str> = checks
            .iter()
            // How many cores this process may use is asked of the system, not of a file.
            .filter(|check| check.severity != Severity::Unknown && check.name != "cores")
            .map(|check| check.name)
            .collect();
        assert!(told.is_empty(), "{told:?}");
    }

    #[test]
    fn each_named_core_is_metered_once() {
        assert_eq!(
            metered(&[Some(3), None, Some(2), Some(3)]),
            [Some(2), Some(3)]
        );
        assert_eq!(metered(&[None, None]), [None]);
    }

    #[test]
    fn a_failed_check_makes_the_exit_code_and_every_word_is_printed() {
        let good = Check::new("good", "wanted", "why", "remedy").ok("found");
        let bad = Check::new("bad", "a wish", "a reason", "a remedy").fail("found bad");
        let text = text_of(&[good, bad]);
        assert!(text.contains("ok       good  found\n"), "{text}");
        for word in [
            "fail     bad   found bad",
            "wanted: a wish",
            "why: a reason",
            "do: a remedy",
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(text.contains("1 ok, 0 to look at, 1 failed, 0 unknown"));
    }
}
