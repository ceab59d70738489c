//! The table of the house: which folder may use which.

use crate::source::Source;

const BELOW_ENGINE: &[&str] = &[
    "stream", "feed", "book", "signal", "risk", "gateway", "journal",
];
const BELOW_BENCH: &[&str] = &[
    "stream", "feed", "book", "signal", "risk", "gateway", "journal", "engine", "tws",
];
const ALL_BELOW: &[&str] = &[
    "stream", "feed", "book", "signal", "risk", "gateway", "journal", "engine", "bench", "tws",
];

/// Crates that are not called as their folder is.
const OURS: &[&str] = &["spindle", "tws"];

/// Folder and what its crate may use of the workspace. `dev-dependencies` are free.
const TABLE: &[(&str, &[&str])] = &[
    ("stream", &[]),
    ("feed", &["stream"]),
    ("book", &["stream"]),
    ("signal", &["stream", "book"]),
    ("risk", &["stream"]),
    ("gateway", &["stream", "book"]),
    ("journal", &["stream"]),
    ("engine", BELOW_ENGINE),
    ("bench", BELOW_BENCH),
    ("tools", ALL_BELOW),
    (
        "tools/tws",
        &["stream", "feed", "book", "gateway", "journal", "engine"],
    ),
];

/// Folders of pure stages, and all that they may use from outside: nothing there does I/O, reads
/// a clock or draws random numbers.
const STAGES: &[&str] = &["stream", "book", "signal", "risk", "gateway"];
const PURE: &[&str] = &["hashbrown", "libm", "thiserror", "zerocopy"];

/// What the gateway's edge to a real broker uses beside: the stage itself names none of it, which
/// the bans hold.
const EDGE: &[&str] = &["ibapi", "jiff", "rtrb"];

/// Every member has a row, and uses only what its row says.
pub fn rule(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let Some(folder) = file.path.strip_suffix("/Cargo.toml") else {
            continue;
        };
        let Some((_, row)) = TABLE.iter().find(|(name, _)| *name == folder) else {
            if !folder.contains('/') {
                findings.push(file.finding(1, "a crate without a row in the table of the house"));
            }
            continue;
        };
        for (line, name) in dependencies(&file.text) {
            let ours = OURS.contains(&name) || TABLE.iter().any(|(folder, _)| *folder == name);
            if ours && !row.contains(&name) {
                let what = format!("{folder} must not use {name}; it may use {row:?}");
                findings.push(file.finding(line, &what));
            }
            let of_edge = folder == "gateway" && EDGE.contains(&name);
            if !ours && STAGES.contains(&folder) && !PURE.contains(&name) && !of_edge {
                let what = format!("a stage's crate may use {PURE:?} and not {name}");
                findings.push(file.finding(line, &what));
            }
        }
    }
    findings
}

/// Line and name of everything that a manifest builds into its crate.
fn dependencies(manifest: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in manifest.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            let (table, name) = match section.split_once("dependencies.") {
                Some((before, name)) => (format!("{before}dependencies"), Some(name)),
                None => (section.to_owned(), None),
            };
            let built = table.ends_with("dependencies") && !table.ends_with("dev-dependencies");
            inside = built && name.is_none();
            found.extend(name.filter(|_| built).map(|name| (index + 1, name)));
        } else if inside && let Some((name, value)) = line.split_once(['.', '=', ' ']) {
            // `other = { package = "book" }` uses book.
            let renamed = value
                .split("package")
                .nth(1)
                .and_then(|rest| rest.split('"').nth(1));
            found.push((index + 1, renamed.unwrap_or(name)));
        }
    }
    found
}

#[test]
fn a_dependency_that_is_not_in_the_row_is_found_in_every_spelling() {
    for text in [
        "[dependencies]\nengine.workspace = true\n",
        "[dependencies]\nengine = { path = \"../engine\" }\n",
        "[dependencies.engine]\npath = \"../engine\"\n",
        "[target.'cfg(unix)'.dependencies]\nengine.workspace = true\n",
        "[build-dependencies]\nother = { package = \"engine\", path = \"../engine\" }\n",
    ] {
        let files = [Source::new("risk/Cargo.toml", text)];
        assert_eq!(rule(&files).len(), 1, "{text}");
    }
    let free =
        "[dependencies]\nstream.workspace = true\n[dev-dependencies]\nengine.workspace = true\n";
    assert!(rule(&[Source::new("risk/Cargo.toml", free)]).is_empty());
    let sockets = Source::new("risk/Cargo.toml", "[dependencies]\nmio.workspace = true\n");
    assert_eq!(rule(&[sockets]).len(), 1);
    let edge = "[dependencies]\nibapi.workspace = true\n";
    assert_eq!(rule(&[Source::new("gateway/Cargo.toml", edge)]).len(), 0);
    assert_eq!(rule(&[Source::new("risk/Cargo.toml", edge)]).len(), 1);
    assert_eq!(rule(&[Source::new("shortcut/Cargo.toml", "")]).len(), 1);
}
