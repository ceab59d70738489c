//! Where unsafe code may stand, and what must stand above it.

use crate::source::{Source, has_word, item_end};
use std::ops::RangeInclusive;

/// The crates that may hold unsafe code, in modules that an `allow` opens: the journal maps files,
/// the engine asks for large pages, and the bench counts allocations by an allocator of its own.
const MAY: &[&str] = &["bench", "engine", "journal"];

/// Every crate's root forbids unsafe code (those that may hold some deny it), and every `unsafe`
/// outside tests has its reason directly above.
pub fn rule(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.in_src()) {
        if is_root(&file.path) {
            let level = if MAY.contains(&file.folder()) {
                "deny"
            } else {
                "forbid"
            };
            let wanted = format!("#![{level}(unsafe_code)]");
            if !file.code.contains(&wanted) {
                findings.push(file.finding(1, &format!("a crate's root must say {wanted}")));
            }
        }
        let implemented = unsafe_implementations(&file.code);
        for line in file.lines().filter(|line| !line.test) {
            // The methods of an unsafe trait are covered by the reason above its implementation.
            let covered = line.code.contains("unsafe fn")
                && implemented.iter().any(|lines| lines.contains(&line.number));
            if has_word(line.code, "unsafe") && !covered && !is_explained(file, line.number) {
                let what = "unsafe code without a `SAFETY:` comment directly above (an unsafe \
                            function: a `# Safety` section)";
                findings.push(file.finding(line.number, what));
            }
        }
    }
    findings
}

/// The lines of the bodies of `unsafe impl`.
fn unsafe_implementations(code: &str) -> Vec<RangeInclusive<usize>> {
    let line_of = |at: usize| code[..at].matches('\n').count() + 1;
    code.match_indices("unsafe impl")
        .map(|(at, _)| line_of(at) + 1..=line_of(item_end(code, at).min(code.len())))
        .collect()
}

fn is_root(path: &str) -> bool {
    path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs") || path.contains("/src/bin/")
}

/// True where the comments and attributes directly above the line say why it is sound.
fn is_explained(file: &Source, number: usize) -> bool {
    let above: Vec<&str> = file.text.lines().take(number - 1).map(str::trim).collect();
    let reasons = above.iter().rev().take_while(|line| {
        line.starts_with("//") || line.starts_with("#[") || line.ends_with(")]")
    });
    reasons
        .into_iter()
        .any(|line| line.contains("SAFETY:") || line.contains("# Safety"))
}

#[test]
fn unsafe_code_without_a_reason_or_a_root_without_the_lint_is_found() {
    let root = |path: &str, text: &str| rule(&[Source::new(path, text)]).len();
    assert_eq!(root("risk/src/lib.rs", "//! a\n"), 1);
    assert_eq!(root("risk/src/lib.rs", "//! a\n#![deny(unsafe_code)]\n"), 1);
    assert_eq!(root("risk/src/lib.rs", "//! #![forbid(unsafe_code)]\n"), 1);
    assert_eq!(
        root("risk/src/lib.rs", "//! a\n#![forbid(unsafe_code)]\n"),
        0
    );
    assert_eq!(
        root("journal/src/map.rs", "fn a() {\n    unsafe { b() }\n}\n"),
        1
    );
    let told = "fn a() {\n    // SAFETY: b is sound.\n    unsafe { b() }\n}\n";
    assert_eq!(root("journal/src/map.rs", told), 0);
    assert_eq!(
        root(
            "journal/src/map.rs",
            &told.replace("    unsafe", "    c();\n    unsafe")
        ),
        1
    );
    let methods = "// SAFETY: hands on.\nunsafe impl A for B {\n    unsafe fn c() {}\n}\n";
    assert_eq!(root("journal/src/map.rs", methods), 0);
    assert_eq!(
        root("journal/src/map.rs", &methods.replace("SAFETY", "so")),
        1
    );
    assert_eq!(
        root(
            "journal/src/map.rs",
            &format!("{methods}unsafe fn d() {{}}\n")
        ),
        1
    );
}
