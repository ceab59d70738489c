//! Every bench runs, tiny, so that none rots. No figure is judged: the box may be doing anything.

use bench::benches::{BENCHES, Bench};
use bench::cli::measure;
use bench::cores::Cores;
use bench::counting::Counting;
use bench::market::Place;
use bench::measure::Effort;
use std::path::Path;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The folder with real market data, if there is one.
fn data() -> Option<std::path::PathBuf> {
    let root = std::env::var_os("SPINDLE_DATA").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).to_owned(),
        Into::into,
    );
    root.exists().then_some(root)
}

fn tiny(place: Place) -> Bench {
    Bench {
        effort: Effort::TINY,
        place,
        cores: Cores::choose(None),
        folder: std::env::temp_dir(),
    }
}

fn check(bench: &Bench, name: &str) -> bench::cli::Results {
    let results = measure(bench, name).unwrap();
    let [report] = &results.benches[..] else {
        panic!("one report");
    };
    assert_eq!(report.bench, name);
    assert!(!report.figures.is_empty(), "{name}");
    for figure in &report.figures {
        let ordered = figure.min <= figure.median && figure.median <= figure.max;
        assert!(ordered && figure.max.is_finite(), "{name}: {figure:?}");
    }
    let json = serde_json::to_value(&results).unwrap();
    assert_eq!(
        json["targets"].as_array().unwrap().len(),
        report.targets.len()
    );
    assert!(results.to_string().contains(&format!("== {name}")));
    results
}

#[test]
fn every_bench_runs_on_the_synthetic_market() {
    let bench = tiny(Place::synthetic());
    for (name, _, _) in BENCHES {
        let results = check(&bench, name);
        if *name == "edge" {
            // Where a command followed from a message, the library's read of it is known as well.
            let names = results.benches[0].figures.iter().map(|figure| &figure.name);
            let share: Vec<_> = names
                .filter(|name| name.starts_with("engine's own"))
                .collect();
            let read = share
                .iter()
                .any(|name| name.ends_with("the library's read"));
            assert!(share.is_empty() || read, "{share:?}");
        }
    }
}

#[test]
fn books_and_codecs_run_on_real_days() {
    let Some(root) = data() else {
        let server = std::env::var("CI").as_deref() == Ok("true");
        assert!(!server, "market data is missing; set SPINDLE_DATA");
        eprintln!("SKIPPED: no market data; set SPINDLE_DATA");
        return;
    };
    let bench = tiny(Place::find(Some(&root)).unwrap());
    check(&bench, "book");
    let codec = check(&bench, "codec");
    for format in ["LOBSTER", "ITCH", "DBN"] {
        let measured = &codec.benches[0].figures;
        assert!(
            measured
                .iter()
                .any(|figure| figure.name.starts_with(format))
        );
    }
}

#[test]
fn a_folder_without_data_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let error = Place::find(Some(folder.path())).unwrap_err().to_string();
    assert!(error.contains("holds no LOBSTER file"), "{error}");
    assert!(error.contains("equity_l3_lobster"), "{error}");
}

#[test]
fn once_warm_a_run_allocates_nothing_on_its_lane() {
    let bench = tiny(Place::synthetic());
    let results = check(&bench, "alloc");
    let report = &results.benches[0];
    let target = (report.targets.iter())
        .find(|target| target.name == "allocations on the lane, warm")
        .expect("this test counts allocations");
    assert!(target.met, "{} allocations", target.value);
}
