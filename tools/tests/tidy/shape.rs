//! The shape of files: how long they are, what they are named, how they begin.

use crate::source::{Source, is_word, item_end};

const COLUMNS_MAX: usize = 100;
const FILE_LINES_MAX: usize = 700;
const FUNCTION_LINES_MAX: usize = 70;
/// A scenario of a test reads from top to bottom, and may be a little longer.
const SCENARIO_LINES_MAX: usize = 90;

/// Lines, files and functions within their bounds.
pub fn lengths(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for line in file.lines() {
            let columns = line.text.chars().count();
            if columns > COLUMNS_MAX {
                let what = format!("{columns} columns; at most {COLUMNS_MAX}");
                findings.push(file.finding(line.number, &what));
            }
        }
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            let what = format!("{lines} lines; at most {FILE_LINES_MAX}: one idea to a file");
            findings.push(file.finding(1, &what));
        }
        let most = if file.path.contains("/tests/") {
            SCENARIO_LINES_MAX
        } else {
            FUNCTION_LINES_MAX
        };
        for (number, name, lines) in functions(&file.code) {
            if lines > most {
                let what = format!(
                    "fn {name} has {lines} lines; at most {most}: keep the control \
                     flow, move the leaves out"
                );
                findings.push(file.finding(number, &what));
            }
        }
    }
    findings
}

/// First line, name and number of lines of every function with a body.
fn functions(code: &str) -> Vec<(usize, &str, usize)> {
    let mut found = Vec::new();
    for (at, word) in code.match_indices("fn ") {
        if !is_word(code, at, "fn") {
            continue;
        }
        let behind = at + word.len();
        let of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let length = code[behind..].find(|c| !of_name(c)).unwrap_or(0);
        let end = item_end(code, behind + length);
        let body = code.get(at..=end).unwrap_or("");
        if length > 0 && body.ends_with('}') {
            let line = code[..at].matches('\n').count() + 1;
            found.push((
                line,
                &code[behind..behind + length],
                body.matches('\n').count() + 1,
            ));
        }
    }
    found
}

/// A module with parts is `name.rs` beside `name/`; only what the tests of a crate share is a
/// `mod.rs`, because each file directly in `tests/` is a test of its own.
pub fn modules(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let Some(folder) = file.path.strip_suffix("/mod.rs") else {
            continue;
        };
        let shared = folder.split('/').rev().nth(1) == Some("tests") && !folder.contains("/src/");
        if !shared {
            let what = format!("name it {folder}.rs, beside the folder of its parts");
            findings.push(file.finding(1, &what));
        }
    }
    findings
}

/// Every file says what it is before anything else.
pub fn docs(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let first = file.text.lines().next().unwrap_or("");
        if !first.starts_with("//! ") {
            findings.push(file.finding(1, "begin with `//! `: what it is, what it guarantees"));
        }
    }
    findings
}

/// A lint is silenced only with the reason beside it.
pub fn silenced(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for mark in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
            for (at, _) in file.code.match_indices(mark) {
                let end = file.code[at..]
                    .find(")]")
                    .map_or(file.code.len(), |end| at + end);
                if !file.code[at..end].contains("reason = ") {
                    let line = file.code[..at].matches('\n').count() + 1;
                    let what = "a lint is silenced without `reason = \"…\"`: cure it or say why";
                    findings.push(file.finding(line, what));
                }
            }
        }
    }
    findings
}

#[test]
fn what_is_too_long_is_found() {
    let one = |text: &str| lengths(&[Source::new("risk/src/a.rs", text)]).len();
    assert_eq!(one(&"x".repeat(COLUMNS_MAX)), 0);
    assert_eq!(one(&"é".repeat(COLUMNS_MAX)), 0);
    assert_eq!(one(&"x".repeat(COLUMNS_MAX + 1)), 1);
    assert_eq!(one(&"x;\n".repeat(FILE_LINES_MAX)), 0);
    assert_eq!(one(&"x;\n".repeat(FILE_LINES_MAX + 1)), 1);
    let function = |lines: usize| format!("fn a() {{\n{}}}\n", "x(\"{\");\n".repeat(lines - 2));
    assert_eq!(one(&function(FUNCTION_LINES_MAX)), 0);
    assert_eq!(one(&function(FUNCTION_LINES_MAX + 1)), 1);
    let declared = "fn b(c: [u8; 2]);\nlet f: fn(u8);\n";
    let file = Source::new("a.rs", &format!("{declared}{}", function(5)));
    assert_eq!(functions(&file.code), [(3, "a", 5)]);
}

#[test]
fn what_is_misnamed_or_begins_without_a_word_is_found() {
    let one = |path| modules(&[Source::new(path, "//! a\n")]).len();
    assert_eq!(
        (
            one("risk/src/controls/mod.rs"),
            one("risk/src/tests/mod.rs")
        ),
        (1, 1)
    );
    assert_eq!(
        (
            one("risk/tests/common/mod.rs"),
            one("risk/tests/a/b/mod.rs")
        ),
        (0, 1)
    );
    assert_eq!(
        docs(&[
            Source::new("a.rs", "use b;\n"),
            Source::new("c.rs", "//! d\n")
        ])
        .len(),
        1
    );
}

#[test]
fn a_lint_that_is_silenced_without_a_reason_is_found() {
    let one = |text| silenced(&[Source::new("a.rs", text)]).len();
    assert_eq!(one("#[allow(dead_code)]\nfn a() {}\n"), 1);
    assert_eq!(
        one("#[allow(\n    dead_code,\n    reason = \"b\"\n)]\nfn a() {}\n"),
        0
    );
}
