//! `spindle journal explain`: the chain that it shows is the chain that the journal holds.

mod common {
    pub(crate) mod data;
    pub(crate) mod spindle;
    pub(crate) mod verdict;
}

use common::data;
use common::spindle::run;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

/// A journal of a synthetic market in virtual time; the same for all tests.
fn journal() -> &'static Path {
    static JOURNAL: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = JOURNAL.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal");
        run(&[
            "demo",
            "--fast",
            "--seconds",
            "20",
            "--seed",
            "1",
            "--json",
            "--journal",
            text(&path),
        ])
        .good();
        (folder, path)
    });
    path
}

fn json(journal: &Path, rest: &[&str]) -> Value {
    let mut args = vec!["journal", "explain", text(journal), "--json"];
    args.extend(rest);
    serde_json::from_str(&run(&args).good().stdout).expect("one JSON object")
}

fn table(journal: &Path) -> Vec<Value> {
    json(journal, &[])["signals"]
        .as_array()
        .expect("rows")
        .clone()
}

/// Every frame of a journal, as its decoder tells it.
fn decoded(journal: &Path) -> Vec<Value> {
    let args = [
        "journal",
        "decode",
        text(journal),
        "--class",
        "input",
        "--class",
        "derived",
    ];
    let printed = run(&args).good().stdout;
    printed
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn id_of(frame: &Value) -> String {
    format!("{}.{}", frame["seq"], frame["sub"])
}

fn ids(steps: &Value) -> Vec<String> {
    let steps = steps.as_array().expect("steps").iter();
    steps
        .map(|step| step["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Rows of the table whose bracket opened and closed a position.
fn traded(rows: &[Value]) -> Vec<&Value> {
    let closed: Vec<&Value> = rows.iter().filter(|row| row["net"].is_string()).collect();
    assert!(!closed.is_empty(), "the market must be traded on: {rows:?}");
    closed
}

#[test]
fn a_trade_shows_every_stage_of_its_chain_in_order() {
    let rows = table(journal());
    for row in traded(&rows) {
        let signal = row["signal"].as_str().expect("an id");
        let chain = json(journal(), &[signal]);
        assert_eq!(
            (&chain["signal"], &chain["symbol"]),
            (&row["signal"], &row["symbol"])
        );
        let steps = chain["steps"].as_array().expect("steps");
        let kinds: Vec<&str> = steps
            .iter()
            .filter_map(|step| step["kind"].as_str())
            .collect();
        let mut from = 0;
        for kind in [
            "Tick",
            "BookView",
            "Evaluate",
            "Signal",
            "Intent",
            "Order",
            "Command",
            "Sent",
            "Leg",
            "Fill",
            "Pnl",
            "Commission",
            "RoundTrip",
        ] {
            let at = kinds[from..].iter().position(|own| *own == kind);
            from += at.unwrap_or_else(|| panic!("no {kind} in its place: {kinds:?}"));
        }
        assert_eq!(kinds.iter().filter(|kind| **kind == "Outcome").count(), 1);
        // First of all the market frame that the decision rests on.
        let decision = steps
            .iter()
            .find(|step| step["kind"] == "Signal")
            .expect("a signal");
        assert_eq!(steps[0]["ts"], decision["fields"]["market_ts"]);
        assert!(
            steps
                .windows(2)
                .all(|pair| pair[0]["ts"].as_u64() <= pair[1]["ts"].as_u64())
        );
        assert_eq!(chain["virtual_time"], true);
        assert!(
            steps
                .iter()
                .all(|step| step["ages"].is_null() && step["hand_over"].is_null())
        );
    }
}

/// The chain as a naive search over the decoded journal finds it.
fn naive(frames: &[Value], signal: &str, intent: &str) -> BTreeSet<String> {
    let names = |frame: &Value, field: &str, id: &str| frame[field].as_str() == Some(id);
    let belongs = |frame: &&Value| {
        let own = id_of(frame);
        own == signal
            || own == intent
            || ["origin", "intent"]
                .iter()
                .any(|field| names(frame, field, intent))
            || names(frame, "signal", signal)
    };
    frames.iter().filter(belongs).map(id_of).collect()
}

#[test]
fn the_chain_is_what_a_naive_search_over_the_decoder_finds() {
    let frames = decoded(journal());
    let rows = table(journal());
    let evidence = ["Tick", "BookView", "Best", "Evaluate", "Pnl"];
    for row in &rows {
        let (signal, intent) = (row["signal"].as_str(), row["intent"].as_str());
        let (signal, intent) = (signal.expect("an id"), intent.expect("an id"));
        let expected = naive(&frames, signal, intent);
        let chain = json(journal(), &[signal]);
        let steps = chain["steps"].as_array().expect("steps");
        let found: BTreeSet<String> = steps
            .iter()
            .skip(1)
            .filter(|step| !evidence.contains(&step["kind"].as_str().expect("a kind")))
            // What risk ordered by itself to close the position has names of its own.
            .filter(|step| {
                let origin = step["fields"]["origin"].as_str();
                origin.is_none_or(|origin| origin == intent)
            })
            .map(|step| step["id"].as_str().expect("an id").to_owned())
            .collect();
        assert_eq!(found, expected, "{signal}");
    }
    assert!(rows.len() > 1);
}

#[test]
fn every_frame_of_a_chain_leads_to_the_same_chain() {
    let rows = table(journal());
    let row = traded(&rows)[0];
    let signal = row["signal"].as_str().expect("an id");
    let chain = json(journal(), &[signal]);
    let evidence = ["BookView", "Best", "Evaluate", "Pnl", "Tick"];
    let mut tried = BTreeSet::new();
    for step in chain["steps"].as_array().expect("steps").iter().skip(1) {
        let kind = step["kind"].as_str().expect("a kind");
        if evidence.contains(&kind) || !tried.insert(kind.to_owned()) {
            continue;
        }
        let id = step["id"].as_str().expect("an id");
        let again = json(journal(), &[id]);
        assert_eq!(again["signal"], chain["signal"], "{kind} {id}");
        assert_eq!(ids(&again["steps"]), ids(&chain["steps"]), "{kind} {id}");
    }
    assert!(tried.len() >= 9, "{tried:?}");
}

fn of_kind<'a>(frames: &'a [Value], kind: &'static str) -> impl Iterator<Item = &'a Value> {
    frames.iter().filter(move |frame| frame["kind"] == kind)
}

#[test]
fn the_table_says_what_the_journal_says() {
    let frames = decoded(journal());
    let rows = table(journal());
    assert_eq!(rows.len(), of_kind(&frames, "Intent").count());
    for row in &rows {
        let trip = of_kind(&frames, "RoundTrip").find(|trip| trip["origin"] == row["intent"]);
        let nanos = |value: &Value| -> f64 {
            value
                .as_str()
                .expect("a decimal")
                .parse()
                .expect("a decimal")
        };
        match trip {
            Some(trip) => {
                let net = nanos(&trip["gross"]) - nanos(&trip["fees"]);
                assert!((nanos(&row["net"]) - net).abs() < 1e-6, "{row}");
                let role = trip["exit_role"].as_str().expect("a role");
                assert_eq!(row["result"], format!("closed by {role}"));
            }
            None => assert!(row["net"].is_null(), "{row}"),
        }
        let refused =
            of_kind(&frames, "Refused").find(|refused| refused["intent"] == row["intent"]);
        assert_eq!(
            row["refused"],
            refused.map_or(Value::Null, |own| own["reason"].clone())
        );
    }
}

#[test]
fn people_get_a_tree_with_symbols_decimals_and_both_clocks() {
    let rows = table(journal());
    let row = traded(&rows)[0];
    let signal = row["signal"].as_str().expect("an id");
    let printed = run(&["journal", "explain", text(journal()), signal])
        .good()
        .stdout;
    let symbol = row["symbol"].as_str().expect("a symbol");
    assert!(printed.starts_with(&format!("{symbol}: ")), "{printed}");
    for words in [
        "virtual time: no ages were measured",
        "since the open",
        "UTC",
        "breakout ",
        "gates all open",
        row["entry"].as_str().expect("a price"),
        "result: traded ",
    ] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    // Causes stand to the left of what they bring about.
    let indent = |what: &str| {
        let line = printed
            .lines()
            .find(|line| line.contains(what))
            .expect("the line is there");
        line.chars().count() - line[line.find(what).expect("it is in")..].chars().count()
    };
    let side = row["side"].as_str().expect("a side");
    assert!(indent("  evaluate ") < indent(&format!("  signal {side}")));
    assert!(indent(&format!("  signal {side}")) < indent("  intent "));
    assert!(indent("  intent ") < indent("  order "));
    assert!(indent("  order ") < indent("  command place entry"));
    let listed = run(&["journal", "explain", text(journal())]).good().stdout;
    assert_eq!(listed.lines().count(), rows.len() + 1);
    assert!(listed.contains(signal));
}

#[test]
fn a_signal_that_its_gates_stopped_is_explained_too() {
    let frames = decoded(journal());
    let stopped = frames
        .iter()
        .find(|own| own["kind"] == "Signal" && own["gates"] != 0);
    let stopped = stopped.expect("a signal that was stopped");
    let chain = json(journal(), &[&id_of(stopped)]);
    assert!(chain["origin"].is_null());
    let result = chain["result"].as_str().expect("a result");
    assert!(result.starts_with("stopped by its gates ("), "{result}");
    let last = chain["steps"]
        .as_array()
        .and_then(|steps| steps.last())
        .expect("steps");
    assert_eq!(last["kind"], "Outcome");
}

#[test]
fn ids_that_lead_nowhere_are_told() {
    let explain = |id: &str| {
        run(&["journal", "explain", text(journal()), id])
            .bad()
            .stderr
    };
    assert!(explain("yesterday").contains("expected seq.sub"));
    assert!(explain("1.2.3").contains("expected seq.sub"));
    assert!(explain("99999999").contains("its last input is"));
    let frames = decoded(journal());
    let view = frames
        .iter()
        .find(|own| own["kind"] == "BookView")
        .expect("a view");
    let told = explain(&id_of(view));
    assert!(
        told.contains("is a BookView") && told.contains("expected the id of a signal"),
        "{told}"
    );
    let none = run(&["journal", "explain", "/nowhere/at/all"]).bad();
    assert!(none.stderr.contains("/nowhere/at/all"), "{}", none.stderr);
}

#[test]
fn a_live_run_shows_the_age_at_each_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    run(&[
        "demo",
        "--seconds",
        "10",
        "--seed",
        "1",
        "--json",
        "--journal",
        text(&path),
    ])
    .good();
    let frames = decoded(&path);
    let signal = frames
        .iter()
        .find(|own| own["kind"] == "Intent")
        .or_else(|| frames.iter().find(|own| own["kind"] == "Signal"));
    let chain = json(
        &path,
        &[&id_of(signal.expect("ten seconds bring a signal"))],
    );
    assert_eq!(chain["virtual_time"], false);
    let steps = chain["steps"].as_array().expect("steps");
    for step in steps {
        let kind = step["kind"].as_str().expect("a kind");
        let ages = step["ages"].as_array().expect("ages are there");
        if [
            "Evaluate", "Signal", "Intent", "Order", "Refused", "Command",
        ]
        .contains(&kind)
        {
            assert!(!ages.is_empty(), "{step}");
            assert!(
                ages.iter()
                    .all(|age| age["age_ns"].is_u64() && age["lane"].is_u64())
            );
        }
        assert_eq!(step["hand_over"].is_object(), kind == "Command", "{step}");
    }
}

#[test]
fn every_intent_of_a_real_day_is_explained() {
    let name = "equity_l3_lobster/LOBSTER_SampleFile_AAPL_2012-06-21_1.zip";
    let Some(zip) = data::path(name) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    run(&[
        "backtest",
        "--data",
        text(&zip),
        "--symbol",
        "AAPL",
        "--json",
        "--out",
        text(&path),
    ])
    .good();
    let rows = table(&path);
    for row in traded(&rows) {
        let chain = json(&path, &[row["intent"].as_str().expect("an id")]);
        assert_eq!(chain["session"]["date"], 20_120_621);
        let result = chain["result"].as_str().expect("a result");
        let net = format!("net {};", row["net"].as_str().expect("a decimal"));
        assert!(
            result.starts_with("traded ") && result.contains(&net),
            "{result}"
        );
    }
}
