//! What a stage's crate must not use outside its tests, and what it is to use instead.

use crate::source::{Source, has_word};

/// Crates whose `src` holds nothing but the pure fold over the stream and its vocabulary.
const STAGES: &[&str] = &["stream", "book", "signal", "risk", "gateway"];
/// Crates whose floats must come out the same on every machine.
const REPRODUCIBLE: &[&str] = &["feed", "book", "signal", "risk", "gateway"];
/// Crates that reckon in money: no float has a place there.
const MONEY: &[&str] = &["risk", "gateway"];

const CLOCK: &str = "a stage owns no clock: its time is the frame's `ts`";
const OUTSIDE: &str = "a stage does no I/O: what it learns comes as frames, what it says goes as \
                       frames; sockets and files belong to feed's sources, journal and engine";
const THREADS: &str = "a stage runs on its lane's thread alone and shares nothing";
const MAPS: &str = "std's maps are seeded at random: use a table indexed by id, a sorted vector, \
                    or hashbrown with a fixed hasher";
const RANDOM: &str = "a stage draws no random numbers: a seeded generator of its own state";
const PRINTING: &str = "a stage prints nothing: emit a frame (`Fault`, `Refused`, …) instead";
const LIBM: &str = "the platform's function differs between CPUs: use libm";
const FLOATS: &str = "money, prices and quantities are whole numbers: use the unit types and i128";
const BROKER: &str = "only the edge to a real broker talks to one: see gateway/src/ibkr";

/// Files of the edge to a real broker, which stands on the far side of rings: each with the bans
/// that it is exempt from. Its other files are as pure as the stage beside them.
const EDGE: &[(&str, &[&str])] = &[
    // The broker's numbers are floats: here they become whole ones.
    ("gateway/src/ibkr/decimal.rs", &[FLOATS]),
    ("gateway/src/ibkr/api.rs", &[OUTSIDE, THREADS, BROKER]),
    ("gateway/src/ibkr/api/", &[BROKER]),
    ("gateway/src/ibkr/hours.rs", &[BROKER]),
    ("gateway/src/ibkr/edge.rs", &[THREADS, BROKER]),
    ("gateway/src/ibkr/shell.rs", &[OUTSIDE, THREADS, BROKER]),
    ("gateway/src/ibkr/shell/", &[THREADS, BROKER]),
];

fn is_exempt(file: &Source, instead: &str) -> bool {
    EDGE.iter().any(|(path, bans)| {
        let here = file.path == *path || (path.ends_with('/') && file.path.starts_with(path));
        here && bans.contains(&instead)
    })
}

/// Name, crates in which it is banned, and what to do instead.
const BANS: &[(&[&str], &[&str], &str)] = &[
    (&["std::time", "Instant", "SystemTime"], STAGES, CLOCK),
    (
        &["std::fs", "std::net", "std::io", "std::env", "std::process"],
        STAGES,
        OUTSIDE,
    ),
    (
        &["std::thread", "std::sync", "thread_local!"],
        STAGES,
        THREADS,
    ),
    (
        &["std::collections::HashMap", "std::collections::HashSet"],
        STAGES,
        MAPS,
    ),
    (&["RandomState", "DefaultHasher"], STAGES, MAPS),
    (&["rand", "getrandom", "thread_rng"], STAGES, RANDOM),
    (
        &["println!", "eprintln!", "print!", "eprint!"],
        STAGES,
        PRINTING,
    ),
    (
        &[".exp()", ".exp2()", ".exp_m1()", ".ln()", ".ln_1p()"],
        REPRODUCIBLE,
        LIBM,
    ),
    (
        &[".log(", ".log2()", ".log10()", ".powf(", ".powi("],
        REPRODUCIBLE,
        LIBM,
    ),
    (
        &[".sin()", ".cos()", ".tan()", ".tanh()", ".atan2("],
        REPRODUCIBLE,
        LIBM,
    ),
    (&[".cbrt()", ".hypot(", ".mul_add("], REPRODUCIBLE, LIBM),
    (&["f64", "f32"], MONEY, FLOATS),
    (&["ibapi", "jiff", "rtrb"], STAGES, BROKER),
];

/// No banned name outside tests.
pub fn rule(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.in_src()) {
        for line in file.lines().filter(|line| !line.test) {
            for (names, crates, instead) in BANS {
                let holds = crates.contains(&file.folder()) && !is_exempt(file, instead);
                for name in names.iter().filter(|_| holds) {
                    if has_word(line.code, name) || imports(line.code, name) {
                        findings.push(file.finding(line.number, &format!("{name}: {instead}")));
                    }
                }
            }
        }
    }
    findings
}

/// True for `use std::{time, …}` and `use std::collections::{HashMap, …}`.
fn imports(code: &str, name: &str) -> bool {
    let Some((path, last)) = name.rsplit_once("::") else {
        return false;
    };
    code.split_once(&format!("{path}::{{"))
        .is_some_and(|(_, list)| has_word(list, last))
}

#[test]
fn each_ban_is_seen_in_code_and_only_there() {
    for (names, crates, _) in BANS {
        for (name, folder) in names
            .iter()
            .flat_map(|name| crates.iter().map(move |of| (name, of)))
        {
            let path = format!("{folder}/src/lib.rs");
            let seen = |text: &str| rule(&[Source::new(&path, text)]).len();
            let number = if name.starts_with('.') { "1.0" } else { "" };
            assert_eq!(seen(&format!("    let x = {number}{name};\n")), 1, "{name}");
            assert_eq!(
                seen(&format!("// {name}\nlet text = \"{name}\";\n")),
                0,
                "{name}"
            );
            let test = format!("#[cfg(test)]\nmod tests {{\n    let x = {number}{name};\n}}\n");
            assert_eq!(seen(&test), 0, "{name}");
        }
    }
    let grouped = Source::new(
        "book/src/a.rs",
        "use std::collections::{BTreeMap, HashMap};\n",
    );
    assert_eq!(rule(&[grouped]).len(), 1);
    let float = |path: &str| rule(&[Source::new(path, "fn a(b: f64) {}\n")]).len();
    assert_eq!(float("gateway/src/ibkr/decimal.rs"), 0);
    assert_eq!(float("gateway/src/ibkr/api.rs"), 1);
    let thread = |path: &str| rule(&[Source::new(path, "use std::thread;\n")]).len();
    assert_eq!(thread("gateway/src/ibkr/shell/writer.rs"), 0);
    assert_eq!(thread("gateway/src/ibkr/desk.rs"), 1);
    let clock = "gateway/src/ibkr/shell.rs";
    assert_eq!(rule(&[Source::new(clock, "use core::Instant;\n")]).len(), 1);
    let elsewhere = Source::new("engine/src/a.rs", "use std::time::Instant;\n");
    assert!(rule(&[elsewhere]).is_empty());
}
