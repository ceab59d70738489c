//! Bad input from outside: exit code 2, a text that names the thing, the place and the remedy, and
//! nothing left behind.

use crate::{data, run, spindle, text};
use std::path::{Path, PathBuf};

/// A folder of its own for each case.
struct Case {
    place: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self {
            place: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.place.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The embedded sample, changed.
    fn config(&self, change: impl FnOnce(String) -> String) -> PathBuf {
        let path = self.place.path().join("spindle.toml");
        if !path.exists() {
            assert!(run(&["init", path.to_str().unwrap()]).status.success());
        }
        let sample = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, change(sample)).unwrap();
        path
    }

    /// Runs, and expects exit code 2 with each of `words` on stderr and no journal.
    fn refused(&self, args: &[&str], words: &[&str]) {
        let out = self.place.path().join("out");
        let output = run(args);
        let told = text(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {told}{}",
            text(&output.stdout)
        );
        for word in words {
            assert!(
                told.contains(word),
                "{args:?}: \"{word}\" is not in: {told}"
            );
        }
        assert!(!told.contains("panicked"), "{told}");
        assert!(!out.exists(), "{args:?} leaves {} behind", out.display());
    }

    fn out(&self) -> String {
        self.place.path().join("out").display().to_string()
    }
}

fn line_of(path: &Path, word: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().position(|line| line.contains(word)).unwrap() + 1;
    format!("{}:{line}", path.display())
}

#[test]
fn every_fault_of_a_configuration_is_named_with_file_line_and_key() {
    type Change = fn(String) -> String;
    let cases: [(&str, Change, &str, &[&str]); 8] = [
        (
            "unknown key",
            |s| s.replace("loss_max = 1000\n", "loss_max = 1000\nloss_mux = 7\n"),
            "loss_mux",
            &["risk.loss_mux"],
        ),
        (
            "absurd value",
            |s| s.replace("loss_max = 1000\n", "loss_max = 99999999999\n"),
            "loss_max = 9",
            &["risk.loss_max", "expected"],
        ),
        (
            "negative limit",
            |s| s.replace("loss_max = 1000\n", "loss_max = -5\n"),
            "loss_max = -5",
            &["risk.loss_max", "expected"],
        ),
        (
            "wrong unit",
            |s| s.replace("stale_after = \"1s\"", "stale_after = \"1 parsec\""),
            "parsec",
            &["risk.stale_after", "span"],
        ),
        (
            "no unit",
            |s| s.replace("stale_after = \"1s\"", "stale_after = 1"),
            "stale_after = 1",
            &["risk.stale_after", "span"],
        ),
        (
            "text for a number",
            |s| s.replace("position_max = 500", "position_max = \"many\""),
            "\"many\"",
            &["risk.position_max", "whole number"],
        ),
        (
            "twice",
            |s| s.replace("[\"AAPL\", \"AMZN\"]", "[\"AAPL\", \"AAPL\"]"),
            "\"AAPL\", \"AAPL\"",
            &["universe.symbols", "twice"],
        ),
        (
            "not TOML",
            |s| s.replace("loss_max = 1000\n", "loss_max = = 1000\n"),
            "= =",
            &["TOML"],
        ),
    ];
    for (what, change, place, words) in cases {
        let case = Case::new();
        let path = case.config(change);
        let at = line_of(&path, place);
        let mut words = words.to_vec();
        words.push(&at);
        let name = path.to_str().unwrap();
        eprintln!("{what}");
        case.refused(&["config", "check", "-c", name], &words);
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let case = Case::new();
    let path = case.config(|sample| {
        sample
            .replace("loss_max = 1000\n", "")
            .replace("rows = 10", "rows = 99")
            .replace("calendar = ", "calender = ")
    });
    let words = [
        "risk.loss_max",
        "not set",
        "slots.rows",
        "session.calender",
        "session.calendar",
    ];
    case.refused(&["config", "check", "-c", path.to_str().unwrap()], &words);
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    let case = Case::new();
    let path = case.config(|sample| format!("\u{feff}{sample}"));
    let output = run(&["config", "check", "-c", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn what_is_no_configuration_file_is_refused() {
    let case = Case::new();
    let huge = case.file("huge.toml", vec![b'#'; 10 << 20]);
    let binary = case.file("binary.toml", [0xFF, 0xFE, 0x00, 0x80]);
    let missing = case.place.path().join("missing.toml");
    let folder = case.place.path().to_owned();
    let cases: [(&PathBuf, &str); 4] = [
        (&huge, "at most"),
        (&binary, "UTF-8"),
        (&missing, "init"),
        (&folder, "folder"),
    ];
    for (path, word) in cases {
        let name = path.to_str().unwrap();
        case.refused(&["config", "check", "-c", name], &[name, word]);
        case.refused(&["config", "show", "-c", name], &[name, word]);
        case.refused(&["config", "show", "--json", "-c", name], &[name, word]);
    }
}

#[test]
fn what_is_shown_of_a_broken_file_is_not_taken_for_all_of_it() {
    let case = Case::new();
    let broken = "[risk]\nloss_max = = 1000\nposition_max = 500\nshorts = yes\n";
    let path = case.file("broken.toml", broken);
    let output = run(&["config", "show", "-c", path.to_str().unwrap()]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    for line in [2, 4] {
        let place = format!("{}:{line}", path.display());
        assert!(told.contains(&place), "{place}: {told}");
    }
    let shown = text(&output.stdout);
    assert!(shown.contains("risk.position_max = 500"), "{shown}");
    // A part of a configuration can be looked at; whether it is one is another question.
    let part = case.file("part.toml", "[risk]\nposition_max = 500\nloss_mux = 7\n");
    let output = run(&["config", "show", "-c", part.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn what_the_paper_server_cannot_be_is_refused() {
    let case = Case::new();
    for (option, value, remedy) in [
        ("--cash", "0", "dollars above 0"),
        ("--cash", "-5", "dollars above 0"),
        ("--cash", "9999999999999999999", "at most 1000000000"),
        ("--rate", "0", "what a dollar costs"),
        ("--currency", "EURO", "three letters"),
        ("--speed", "fast", "--speed fast"),
    ] {
        let word = format!("{option}={value}");
        case.refused(&["tws-sim", "--port", "0", &word], &[option, value, remedy]);
    }
}

#[test]
fn settings_of_the_environment_are_named_too() {
    let output = spindle()
        .args(["config", "check"])
        .env("SPINDLE__RISK__LOSS_MAX", "lots")
        .env("SPINDLE__RISK__NONSENSE", "1")
        .output()
        .unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("SPINDLE__RISK__LOSS_MAX") && told.contains("SPINDLE__RISK__NONSENSE"),
        "{told}"
    );
}

#[test]
fn an_unset_limit_refuses_to_start() {
    let Some(day) = data("equity_l3_lobster/LOBSTER_SampleFile_AAPL_2012-06-21_1.zip") else {
        return;
    };
    let case = Case::new();
    let path = case.config(|sample| sample.replace("position_max = 500\n", ""));
    let out = case.out();
    let args = [
        "backtest",
        "-c",
        path.to_str().unwrap(),
        "--data",
        day.to_str().unwrap(),
        "--symbol",
        "AAPL",
        "--out",
        &out,
    ];
    case.refused(&args, &["risk.position_max", "not set"]);
}

#[test]
fn damaged_and_foreign_data_files_are_refused_before_anything_is_written() {
    let cases = [
        (
            "equity_l3_lobster/LOBSTER_SampleFile_AAPL_2012-06-21_1.zip",
            "AAPL",
        ),
        (
            "futures_mbo_glbx/esm4-orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst",
            "ESM4",
        ),
        (
            "futures_mbo_glbx/esu4-futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst",
            "ESU4",
        ),
        ("bars_1min_csv/aapl_1min_2014-11_2015-03.csv.zst", "AAPL"),
        ("wire_fixtures/itch50_first1000_real.bin", "AAPL"),
    ];
    for (name, symbol) in cases {
        let Some(path) = data(name) else { return };
        let whole = std::fs::read(&path).unwrap();
        let own = path.file_name().unwrap().to_str().unwrap();
        let case = Case::new();
        let out = case.out();
        let half = case.file(own, &whole[..whole.len() / 2]);
        let garbage = case.place.path().join("garbage");
        std::fs::create_dir(&garbage).unwrap();
        let garbage = garbage.join(own);
        let noise: Vec<u8> = (0..4_096_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        std::fs::write(&garbage, noise).unwrap();
        let empty = case.place.path().join("empty");
        std::fs::create_dir(&empty).unwrap();
        let empty = empty.join(own);
        std::fs::write(&empty, []).unwrap();
        for path in [&half, &garbage, &empty] {
            let name = path.to_str().unwrap();
            case.refused(
                &[
                    "backtest", "--data", name, "--symbol", symbol, "--out", &out,
                ],
                &[own],
            );
        }
    }
}

#[test]
fn an_unknown_symbol_and_an_unreadable_path_are_named() {
    let case = Case::new();
    let out = case.out();
    let missing = case.place.path().join("missing.zip");
    let missing = missing.to_str().unwrap();
    case.refused(
        &[
            "backtest", "--data", missing, "--symbol", "AAPL", "--out", &out,
        ],
        &[missing],
    );
    let strange = case.file("notes.docx", b"hello");
    let strange = strange.to_str().unwrap();
    case.refused(
        &[
            "backtest", "--data", strange, "--symbol", "AAPL", "--out", &out,
        ],
        &["notes.docx"],
    );
    let Some(day) = data("equity_l3_lobster/LOBSTER_SampleFile_AAPL_2012-06-21_1.zip") else {
        return;
    };
    let day = day.to_str().unwrap();
    case.refused(
        &["backtest", "--data", day, "--symbol", "ZZZZ", "--out", &out],
        &["ZZZZ"],
    );
}

#[test]
fn an_unwritable_journal_folder_is_refused() {
    let case = Case::new();
    let file = case.file("file", b"not a folder");
    let below = file.join("journal");
    let below = below.to_str().unwrap();
    case.refused(&["demo", "--seconds", "10", "--journal", below], &[below]);
    let strange = case.place.path().join("strange");
    std::fs::create_dir(&strange).unwrap();
    std::fs::write(strange.join("letter.txt"), b"mine").unwrap();
    let name = strange.to_str().unwrap();
    case.refused(
        &["demo", "--seconds", "10", "--journal", name],
        &["strange", "not a journal"],
    );
    assert_eq!(
        std::fs::read_dir(&strange).unwrap().count(),
        1,
        "something was left beside it"
    );
}

#[test]
fn what_is_no_journal_is_refused_by_its_readers() {
    let case = Case::new();
    let name = case.place.path().to_str().unwrap();
    for args in [
        &["replay", name, "--check"][..],
        &["journal", "verify", name],
        &["journal", "stats", name],
        &["journal", "decode", name, "--format", "csv"],
    ] {
        case.refused(args, &[name]);
    }
}
