//! Words that must stand in no file: what was left over, and names of places.

use crate::source::{Source, has_word, is_word};

// Split, so that this file does not hold them itself.
const LEFTOVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
    concat!("todo", "!"),
    concat!("unimplemented", "!"),
    concat!("dbg", "!"),
    concat!("place", "holder"),
];

/// Nothing is begun and not finished.
pub fn leftovers(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for line in file.lines() {
            for word in LEFTOVERS.iter().filter(|word| has_word(line.text, word)) {
                findings.push(file.finding(line.number, &format!("{word}: finish it or cut it")));
            }
        }
    }
    findings
}

const MACHINE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
];
const TEMPORARY: &str = concat!("/tm", "p/");
const REGISTRIES: &[&str] = &[
    concat!("crates", ".io"),
    concat!("py", "pi.org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("proxy.go", "lang.org"),
    concat!("doc", "ker.io"),
    concat!("gh", "cr.io"),
];

/// No path of one machine, no host of a registry: the project builds wherever it stands, through
/// whatever its tools are configured to use. Tests may use the folder for temporary files.
pub fn places(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for line in file.lines() {
            let temporary = [TEMPORARY].into_iter().filter(|_| !line.test);
            let paths = MACHINE.iter().copied().chain(temporary);
            for path in paths.filter(|path| begins(line.text, path)) {
                let what = format!(
                    "{path} is a path of one machine: take it from the \
                                    environment, an argument or CARGO_MANIFEST_DIR"
                );
                findings.push(file.finding(line.number, &what));
            }
            for host in REGISTRIES.iter().filter(|host| has_word(line.text, host)) {
                let what = format!("{host}: registries belong into a user's own configuration");
                findings.push(file.finding(line.number, &what));
            }
        }
    }
    findings
}

/// True where an absolute path begins with `path`.
fn begins(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-}~*".contains(c))
            && is_word(text, at, path)
    })
}

#[test]
fn words_and_places_are_found_in_any_file() {
    for word in LEFTOVERS {
        for path in ["risk/src/lib.rs", "README.md", "Cargo.toml"] {
            assert_eq!(
                leftovers(&[Source::new(path, &format!("// {word} x\n"))]).len(),
                1,
                "{word}"
            );
        }
    }
    for place in MACHINE.iter().chain([&TEMPORARY]).chain(REGISTRIES) {
        let text = format!("see \"{place}\"\n");
        assert_eq!(
            places(&[Source::new("README.md", &text)]).len(),
            1,
            "{place}"
        );
    }
    let test = format!("open(\"{TEMPORARY}x\")\n");
    assert!(places(&[Source::new("risk/tests/a.rs", &test)]).is_empty());
    assert!(
        places(&[Source::new(
            "a.md",
            concat!("the frame", "wo", "rk/ and net", "wo", "rk/\n")
        )])
        .is_empty()
    );
}
