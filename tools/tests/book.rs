//! `spindle book`: LOBSTER's own rows exactly, the DBN books of a twin, and clear words where a
//! file is not what it should be.

mod common {
    pub(crate) mod data;
    pub(crate) mod lobster;
    pub(crate) mod spindle;
    pub(crate) mod verdict;
}

use common::data;
use common::lobster::{Pair, Seeded, pair};
use common::spindle::{Run, command, run};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

fn book(path: &Path, levels: usize, format: &str) -> Run {
    let levels = levels.to_string();
    run(&[
        "book",
        "--data",
        text(path),
        "--levels",
        &levels,
        "--format",
        format,
    ])
}

fn read(member: &feed::open::Member) -> String {
    let mut input = member.open().expect("opens");
    let (mut all, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        match input.read(&mut buffer, all.len() as u64).expect("reads") {
            0 => return String::from_utf8(all).expect("text"),
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Both files of a real sample.
fn sample(zip: &Path) -> (Pair, String) {
    let found = feed::lobster::Pair::find(zip)
        .expect("readable")
        .expect("a pair");
    let pair = Pair {
        levels: found.name.levels,
        messages: read(&found.message),
        rows: read(&found.orderbook).replace('\r', ""),
    };
    (pair, found.message.stem())
}

const SAMPLES: [(&str, usize, u64); 2] = [
    ("LOBSTER_SampleFile_AAPL_2012-06-21_1.zip", 118_497, 30_071),
    ("LOBSTER_SampleFile_AMZN_2012-06-21_5.zip", 155_935, 33_840),
];

#[test]
fn every_row_of_every_sample_is_printed() {
    for (name, rows, revealed) in SAMPLES {
        let Some(zip) = data::path(&format!("equity_l3_lobster/{name}")) else {
            return;
        };
        let (pair, message) = sample(&zip);
        let from_zip = book(&zip, pair.levels, "lobster").good();
        assert_eq!(from_zip.stdout.lines().count(), rows);
        assert!(from_zip.stdout == pair.rows, "{name}: a row differs");
        assert_eq!(from_zip.stderr, format!("revealed levels: {revealed}\n"));
        // The same from two files in a folder.
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(&message);
        std::fs::write(&path, &pair.messages).expect("it can be written");
        let orderbook = message.replace("_message_", "_orderbook_");
        std::fs::write(folder.path().join(orderbook), &pair.rows).expect("it can be written");
        let from_files = book(&path, pair.levels, "lobster").good();
        assert!(from_files.stdout == pair.rows, "{name}: a row differs");
    }
}

#[test]
fn made_up_days_are_printed_row_by_row() {
    for (levels, seed) in [(1, 1), (3, 2), (10, 3)] {
        let folder = tempfile::tempdir().expect("a folder");
        let pair = pair(levels, seed, 12_000);
        let path = pair.write(folder.path());
        let printed = book(&path, levels, "lobster").good();
        assert!(pair.rows.lines().count() > 500);
        assert_eq!(printed.stdout, pair.rows, "{levels} levels");
        assert!(
            printed.stderr.starts_with("revealed levels: "),
            "{}",
            printed.stderr
        );
    }
}

#[test]
fn what_was_known_may_be_wrong_in_the_orderbook_file() {
    for seed in 1..=4 {
        let folder = tempfile::tempdir().expect("a folder");
        let mut pair = pair(4, seed, 2_000);
        let true_rows = pair.rows.clone();
        let altered = pair.alter_known(&mut Seeded(seed));
        assert!(
            altered > 500 && pair.rows != true_rows,
            "{altered} fields altered"
        );
        let printed = book(&pair.write(folder.path()), 4, "lobster").good();
        assert_eq!(printed.stdout, true_rows, "seed {seed}");
    }
}

#[test]
fn what_was_known_may_be_wrong_in_a_sample() {
    let Some(zip) = data::path(&format!("equity_l3_lobster/{}", SAMPLES[1].0)) else {
        return;
    };
    let (mut pair, _) = sample(&zip);
    let true_rows = pair.rows.clone();
    assert!(pair.alter_known(&mut Seeded(7)) > 100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let printed = book(&pair.write(folder.path()), 5, "lobster").good();
    assert!(
        printed.stdout == true_rows,
        "an altered field changed a row"
    );
}

#[test]
fn fewer_levels_are_the_first_ones_and_more_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = pair(4, 9, 1_000);
    let path = pair.write(folder.path());
    for count in 1..=4 {
        assert_eq!(
            book(&path, count, "lobster").good().stdout,
            pair.narrow(count)
        );
    }
    for format in ["lobster", "csv"] {
        let refused = book(&path, 5, format).bad();
        assert!(
            refused.stderr.contains("a LOBSTER file of 4 levels"),
            "{}",
            refused.stderr
        );
        assert!(refused.stderr.contains("--levels 4") && refused.stdout.is_empty());
    }
}

/// A LOBSTER row as the decimals of the CSV layout.
fn decimals(row: &str) -> String {
    let fields: Vec<&str> = row.split(',').collect();
    let cells = fields.chunks(2).map(|cell| match cell {
        [_, "0"] => ",".to_owned(),
        [price, qty] => {
            let price: u64 = price.parse().expect("a price");
            let text = format!("{}.{:04}", price / 10_000, price % 10_000);
            let text = text.strip_suffix("00").unwrap_or(&text).to_owned();
            format!("{},{qty}", text)
        }
        _ => panic!("half a level"),
    });
    cells.collect::<Vec<_>>().join(",")
}

#[test]
fn the_csv_layout_says_the_same_in_decimals() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = pair(3, 4, 2_000);
    let printed = book(&pair.write(folder.path()), 3, "csv").good();
    let mut lines = printed.stdout.lines();
    let header = lines.next().expect("a header");
    assert!(
        header.starts_with("ts_event,sequence,ask_px_00,ask_sz_00,bid_px_00,bid_sz_00,ask_px_01")
    );
    let mut count = 0;
    for (number, (own, row)) in lines.zip(pair.rows.lines()).enumerate() {
        let (stamp, levels) = own.split_once(',').expect("a time");
        let (sequence, levels) = levels.split_once(',').expect("a number");
        // 2012-06-21 04:00 UTC is midnight in New York.
        assert!(stamp.parse::<u64>().expect("a time") > 1_340_251_200_000_000_000);
        assert_eq!(sequence.parse(), Ok(number + 1));
        assert_eq!(levels, decimals(row), "row {number}");
        count += 1;
    }
    assert_eq!(count, pair.rows.lines().count());
}

/// A Python with `databento_dbn`: `SPINDLE_PYTHON`, else `python3`.
fn python() -> Option<String> {
    let python = std::env::var("SPINDLE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python)
        .args(["-c", "import databento_dbn"])
        .output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "no Python with databento_dbn: pip install databento-dbn and set SPINDLE_PYTHON"
    );
    eprintln!("SKIPPED: no Python with databento_dbn (pip install databento-dbn, SPINDLE_PYTHON)");
    None
}

#[test]
fn dbn_books_equal_the_twin_over_databentos_own_decoder() {
    let files = [
        ("esh4-glbx-mdp3-20231224.mbo.dbn.zst", "ESH4"),
        ("esh4-glbx-mdp3-20231225-until-2310utc.mbo.dbn.zst", "ESH4"),
        (
            "esm4-orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst",
            "ESM4",
        ),
    ];
    for (file, symbol) in files {
        let Some(path) = data::path(&format!("futures_mbo_glbx/{file}")) else {
            return;
        };
        let printed = book(&path, 10, "csv").good();
        assert_eq!(printed.stderr, "", "{file}");
        assert!(printed.stdout.lines().count() > 1, "{file}");
        let Some(python) = python() else { continue };
        let twin = concat!(env!("CARGO_MANIFEST_DIR"), "/../feed/tests/twin_dbn.py");
        let output = Command::new(python)
            .arg(twin)
            .arg(&path)
            .args(["10", symbol])
            .output();
        let twin = String::from_utf8(output.expect("Python runs").stdout).expect("text");
        for (number, (own, twin)) in printed.stdout.lines().zip(twin.lines()).enumerate() {
            assert_eq!(own, twin, "{file} row {number}");
        }
        assert_eq!(
            printed.stdout.lines().count(),
            twin.lines().count(),
            "{file}"
        );
    }
}

#[test]
fn a_missing_orderbook_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = pair(2, 1, 100);
    let path = pair.write(folder.path());
    std::fs::remove_file(folder.path().join(pair.name("orderbook"))).expect("it is removed");
    for format in ["lobster", "csv"] {
        let refused = book(&path, 2, format).bad();
        assert!(
            refused.stderr.contains(&pair.name("orderbook")),
            "{}",
            refused.stderr
        );
        assert!(refused.stdout.is_empty());
    }
}

#[test]
fn damage_is_told_by_line_behind_the_last_whole_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = pair(2, 5, 4_000);
    let lines: Vec<&str> = pair.messages.lines().collect();
    let rows: Vec<&str> = pair.rows.lines().collect();
    let at = 300;
    let cut = |lines: &[&str], last: &str| lines[..at].join("\n") + "\n" + last;
    let damaged = [
        (
            "message",
            cut(&lines, "34299.5,1,x,5,99000,1\n"),
            "message_2.csv:301",
        ),
        ("message", cut(&lines, &lines[at][..9]), "message_2.csv:301"),
        ("message", cut(&lines, ""), "orderbook_2.csv:301"),
        ("orderbook", cut(&rows, "1,2,3\n"), "orderbook_2.csv:301"),
        ("orderbook", cut(&rows, ""), "orderbook_2.csv:3"),
    ];
    for (role, contents, place) in damaged {
        let path = pair.write(folder.path());
        std::fs::write(folder.path().join(pair.name(role)), &contents).expect("it is written");
        for format in ["lobster", "csv"] {
            let stopped = book(&path, 2, format).bad();
            assert!(
                stopped.stderr.contains(place),
                "{place}: {}",
                stopped.stderr
            );
            assert!(
                stopped.stderr.contains("; "),
                "no remedy: {}",
                stopped.stderr
            );
            let expected = at + usize::from(format == "csv");
            assert_eq!(stopped.stdout.lines().count(), expected, "{place}");
            assert!(stopped.stdout.ends_with('\n'), "half a row: {place}");
        }
    }
}

#[test]
fn files_of_no_use_are_refused_with_name_place_and_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("it is written");
        path
    };
    let link = folder.path().join("dangling.dbn");
    std::os::unix::fs::symlink("/nowhere/at/all", &link).expect("a link");
    let paths = [
        put("empty.dbn", b""),
        put("text.csv", b"date,open,high\n2012-06-21,1,2\n"),
        put("half.dbn", b"DBN\x03\xff\x00\x00\x00GLBX"),
        put(
            "garbage.dbn",
            b"DBN\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
        put("named.zst", b"no zstandard at all"),
        put("named.gz", b"\x1f\x8b\x08\x00\x00"),
        put("cut.zst", b"\x28\xb5\x2f\xfd\x24"),
        put("cut.zip", b"PK\x03\x04\x14\x00\x00\x00"),
        put(
            "01302019.NASDAQ_ITCH50",
            b"\x00\x0cS\x00\x00\x00\x00\x01\x02",
        ),
        link,
        folder.path().to_owned(),
        folder.path().join("not-there.dbn"),
    ];
    for path in &paths {
        for format in ["lobster", "csv"] {
            let refused = book(path, 1, format).bad();
            let name = path.file_name().expect("a name").to_string_lossy();
            assert!(refused.stderr.contains(&*name), "{}", refused.stderr);
            assert!(
                refused.stderr.contains(';') || refused.stderr.contains("--symbol"),
                "no remedy: {}",
                refused.stderr
            );
            assert_eq!(refused.stdout, "", "{}", path.display());
        }
    }
}

#[test]
fn real_files_cut_anywhere_are_told() {
    for file in [
        "futures_mbo_glbx/esh4-glbx-mdp3-20231225-until-2310utc.mbo.dbn.zst",
        "equity_l3_lobster/LOBSTER_SampleFile_AMZN_2012-06-21_5.zip",
        "wire_fixtures/itch50_first1000_real.bin",
    ] {
        let Some(path) = data::path(file) else { return };
        let whole = std::fs::read(&path).expect("it can be read");
        let folder = tempfile::tempdir().expect("a folder");
        let mut name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".bin") {
            name = "01302019.NASDAQ_ITCH50".to_owned();
        }
        let cut = folder.path().join(&name);
        for part in [3, 40, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&cut, &whole[..part]).expect("it is written");
            let stopped = run(&[
                "book",
                "--data",
                text(&cut),
                "--levels",
                "1",
                "--format",
                "csv",
                "--symbol",
                if name.starts_with("LOB") {
                    "AMZN"
                } else if name.starts_with("es") {
                    "ESH4"
                } else {
                    "A"
                },
            ])
            .bad();
            assert!(stopped.stderr.contains(&name), "{part}: {}", stopped.stderr);
            assert!(
                stopped.stdout.is_empty() || stopped.stdout.ends_with('\n'),
                "{part}"
            );
        }
    }
}

#[test]
fn symbols_are_chosen_and_unknown_ones_are_told_what_there_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = pair(1, 1, 50).write(folder.path());
    let with = |path: &Path, symbol: &str| {
        run(&[
            "book",
            "--data",
            text(path),
            "--format",
            "csv",
            "--symbol",
            symbol,
        ])
    };
    with(&path, "TEST").good();
    let refused = with(&path, "MSFT").bad();
    assert!(
        refused.stderr.contains("MSFT") && refused.stderr.contains("TEST"),
        "{}",
        refused.stderr
    );
    let Some(itch) = data::path("wire_fixtures/itch50_first1000_real.bin") else {
        return;
    };
    let refused = book(&itch, 1, "csv").bad();
    assert!(refused.stderr.contains("--symbol") && refused.stderr.contains("AAAU"));
    // It holds directory messages alone.
    let dated = folder.path().join("01302019.NASDAQ_ITCH50");
    std::fs::copy(&itch, &dated).expect("it is copied");
    let refused = with(&dated, "AAAU").bad();
    assert!(
        refused.stderr.contains("holds no book of AAAU"),
        "{}",
        refused.stderr
    );
    assert_eq!(refused.stdout, "");
}

#[test]
fn a_file_that_does_not_fit_the_layout_is_refused() {
    let name = "futures_mbo_glbx/esh4-glbx-mdp3-20231224.mbo.dbn.zst";
    let Some(path) = data::path(name) else { return };
    let refused = book(&path, 1, "lobster").bad();
    assert!(
        refused.stderr.contains("--format csv"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = pair(10, 6, 20_000);
    assert!(
        pair.rows.len() > 1 << 20,
        "more than a pipe and a buffer hold"
    );
    let path = pair.write(folder.path());
    let args = [
        "book",
        "--data",
        text(&path),
        "--levels",
        "10",
        "--format",
        "lobster",
    ];
    let mut child = command(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    reader.read_line(&mut line).expect("a row");
    drop(reader);
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut stderr)
        .expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{stderr}");
    assert_eq!(Some(line.trim_end()), pair.rows.lines().next());
    assert!(!stderr.contains("panicked"), "{stderr}");
}
