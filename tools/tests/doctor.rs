//! `spindle doctor`: every check says four things, and the exit code says whether one failed.

mod common {
    pub(crate) mod spindle;
}

use common::spindle::{command, run};
use serde_json::Value;
use std::path::Path;

fn checks(stdout: &str) -> (bool, Vec<Value>) {
    let object: Value = serde_json::from_str(stdout).expect("one JSON object");
    let checks = object["checks"].as_array().expect("checks").clone();
    (object["ok"].as_bool().expect("a verdict"), checks)
}

fn find<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    checks
        .iter()
        .find(|check| check["name"] == name)
        .expect(name)
}

/// The doctor with its journals in `dir`.
fn doctor(dir: &Path) -> (i32, bool, Vec<Value>) {
    let output = command(&["doctor", "--quick", "--json"])
        .env("SPINDLE__JOURNAL__DIR", dir)
        .output()
        .expect("it runs");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let (ok, checks) = checks(&stdout);
    (output.status.code().expect("it ends"), ok, checks)
}

#[test]
fn every_check_says_what_was_found_wanted_why_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, ok, checks) = doctor(folder.path());
    let failed = checks.iter().any(|check| check["severity"] == "fail");
    assert_eq!((code, ok), (i32::from(failed), !failed));
    for check in &checks {
        for field in ["name", "severity", "found", "wanted", "why", "remedy"] {
            assert!(
                check[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}: {check}"
            );
        }
    }
    for name in [
        "configuration",
        "cores",
        "SMT siblings",
        "frequency governor",
        "turbo",
        "isolated cores",
        "timer ticks",
        "RCU callbacks",
        "kernel workers",
        "interrupts",
        "new interrupts",
        "irqbalance",
        "idle states",
        "sleep limit",
        "free memory",
        "transparent huge pages",
        "huge page compaction",
        "swap",
        "swappiness",
        "memory nodes",
        "network card's node",
        "automatic NUMA balancing",
        "locked memory",
        "open files",
        "clock source",
        "invariant TSC",
        "time synchronisation",
        "kernel",
        "hypervisor",
        "stolen time",
        "journal folder",
        "journal space",
        "journal file system",
        "disk write cache",
        "preallocation",
        "page preparation",
        "journal sync",
        "jitter",
    ] {
        find(&checks, name);
    }
    assert_eq!(find(&checks, "journal folder")["severity"], "ok");
    assert_eq!(find(&checks, "configuration")["severity"], "ok");
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "the doctor must leave nothing behind");
}

#[test]
fn what_was_measured_is_there_in_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, _, checks) = doctor(folder.path());
    let ordered = |check: &Value, names: &[&str]| {
        let numbers: Vec<u64> = names
            .iter()
            .map(|name| check["numbers"][name].as_u64().expect(name))
            .collect();
        assert!(numbers.is_sorted(), "{check}");
    };
    ordered(find(&checks, "jitter"), &["p50_ns", "p99_ns", "p999_ns"]);
    ordered(
        find(&checks, "journal sync"),
        &["p50_ns", "p99_ns", "max_ns"],
    );
    let jitter = &find(&checks, "jitter")["numbers"];
    assert!(
        jitter["samples"]
            .as_u64()
            .is_some_and(|count| count >= 250_000),
        "{jitter}"
    );
}

#[test]
fn people_read_the_same() {
    let printed = run(&["doctor", "--quick"]);
    for words in ["configuration", "journal folder", " failed, "] {
        assert!(
            printed.stdout.contains(words),
            "{words}: {}",
            printed.stdout
        );
    }
    assert!(
        printed.code == 0 || printed.stderr.contains("failed"),
        "{}",
        printed.stderr
    );
}

#[test]
fn a_folder_that_cannot_be_written_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").expect("it is written");
    let (code, ok, checks) = doctor(&file.join("journals"));
    assert_eq!((code, ok), (1, false));
    let check = find(&checks, "journal folder");
    assert_eq!(check["severity"], "fail", "{check}");
    assert!(
        check["remedy"]
            .as_str()
            .is_some_and(|text| text.contains("journal.dir")),
        "{check}"
    );
}

#[test]
fn every_fault_of_the_configuration_is_a_failed_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("own.toml");
    std::fs::write(
        &path,
        "[universe]\nsymbols = [\"AAPL\"]\n\n[journal]\nno_such_key = 1\n",
    )
    .expect("it is written");
    let printed = run(&[
        "doctor",
        "--quick",
        "--json",
        "-c",
        path.to_str().expect("UTF-8"),
    ]);
    assert_eq!(printed.code, 1, "{}", printed.stderr);
    let (ok, checks) = checks(&printed.stdout);
    assert!(!ok);
    let faults: Vec<&str> = checks
        .iter()
        .filter(|check| check["name"] == "configuration" && check["severity"] == "fail")
        .filter_map(|check| check["found"].as_str())
        .collect();
    assert!(faults.len() > 1, "unset limits are faults too: {faults:?}");
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("own.toml:5") && fault.contains("no_such_key")),
        "{faults:?}"
    );
}
