//! Damaged, cut, foreign and absent files of every format: never a panic, and every error names
//! the file, the place and a remedy.

use dbn::encode::dbn::MetadataEncoder;
use dbn::record::{MboMsg, RecordHeader};
use dbn::{FlagSet, MappingInterval, Metadata, SType, Schema, SymbolMapping, rtype};
use feed::bars::Config;
use feed::error::{FeedError, Place};
use feed::file::{FileSource, MemorySource, Options};
use feed::open;
use feed::symbols::Universe;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use stream::source::{Next, Source};
use stream::{Draft, Kind, Nanos, SourceId};
use tempfile::TempDir;

const MESSAGE: &str = "TEST_2012-06-21_34200000_57600000_message_2.csv";
const ORDERBOOK: &str = "TEST_2012-06-21_34200000_57600000_orderbook_2.csv";
const MESSAGES: &str = "34200.1,1,1,5,1010000,-1\n34200.2,1,2,7,1020000,-1\n\
                        34200.3,4,1,5,1010000,-1\n34200.4,3,2,7,1020000,-1\n";
const ROWS: &str = "1010000,5,990000,5,9999999999,0,-9999999999,0\n\
                    1010000,5,990000,5,1020000,7,-9999999999,0\n\
                    1020000,7,990000,5,9999999999,0,-9999999999,0\n\
                    9999999999,0,990000,5,9999999999,0,-9999999999,0\n";
const BARS: &str = "date,symbol,open,high,low,close,volume\n\
                    2015-03-20,TEST,42.39,42.53,42.20,42.21,2216600\n\
                    2015-03-23,TEST,42.39,42.53,42.20,42.21,2216601\n";

/// A folder that goes away with the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("writes");
        path
    }
}

/// Reads a path to its end: frames, or the error.
fn read(path: &Path) -> Result<Vec<Kind>, FeedError> {
    let universe = Universe::new(["TEST"]).expect("a symbol");
    let bars = Config::daily();
    let options = Options {
        source: SourceId(1),
        universe: &universe,
        bars: Some(&bars),
    };
    let mut source = FileSource::open(path, &options)?;
    let (mut draft, mut kinds, mut last) = (Draft::new(), Vec::new(), Nanos::ZERO);
    while let Next::At(ts) = source.next() {
        assert!(ts >= last, "time never decreases");
        last = ts;
        assert!(source.take(&mut draft));
        kinds.push(draft.header().kind);
    }
    assert!(!source.take(&mut draft));
    assert_eq!(source.next(), Next::End);
    match source.take_error() {
        Some(error) => Err(error),
        None => Ok(kinds),
    }
}

/// Every error must say where and what to do.
fn explains(error: &FeedError, file: &str) {
    let text = error.to_string();
    assert!(text.contains(file), "{text}");
    assert!(text.contains("; "), "no remedy: {text}");
    if let FeedError::Bad { place, .. } = error {
        assert!(
            !matches!(place, Place::Line(0)) && text.len() > file.len() + 20,
            "{text}"
        );
    }
}

fn dbn_file() -> Vec<u8> {
    let start_at = |start: u64| {
        Metadata::builder()
            .dataset("GLBX.MDP3")
            .schema(Some(Schema::Mbo))
            .start(start)
            .stype_in(Some(SType::RawSymbol))
            .stype_out(SType::InstrumentId)
            .build()
    };
    let mut metadata = start_at(0);
    metadata.mappings = vec![SymbolMapping {
        raw_symbol: "TEST".to_owned(),
        intervals: vec![MappingInterval {
            start_date: metadata.start().date(),
            end_date: start_at(u64::MAX / 2).start().date(),
            symbol: "7".to_owned(),
        }],
    }];
    let mut bytes = Vec::new();
    MetadataEncoder::new(&mut bytes)
        .encode(&metadata)
        .expect("encodes");
    for order_id in 1..4 {
        let record = MboMsg {
            hd: RecordHeader::new::<MboMsg>(rtype::MBO, 1, 7, 1_000),
            order_id,
            price: 100,
            size: 1,
            flags: FlagSet::new(128),
            channel_id: 0,
            action: b'A' as _,
            side: b'B' as _,
            ts_recv: 1_000 + order_id,
            ts_in_delta: 0,
            sequence: 1,
        };
        bytes.extend_from_slice(record.as_ref());
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("packs");
    encoder.finish().expect("packs")
}

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).expect("starts");
        std::io::Write::write_all(&mut writer, bytes).expect("writes");
    }
    writer.finish().expect("finishes").into_inner()
}

/// Cuts a file at every byte. Returns at how many cuts it was refused.
fn cut_everywhere(folder: &Folder, name: &str, whole: &[u8], opened: &str) -> usize {
    let mut refused = 0;
    for length in 0..whole.len() {
        folder.put(name, &whole[..length]);
        let path = folder.0.path().join(opened);
        if let Err(error) = read(&path) {
            refused += 1;
            explains(&error, folder.0.path().to_str().expect("a path"));
        }
    }
    folder.put(name, whole);
    assert!(read(&folder.0.path().join(opened)).is_ok(), "{name} whole");
    refused
}

#[test]
fn a_lobster_pair_cut_anywhere_is_refused() {
    let folder = Folder::new();
    folder.put(ORDERBOOK, ROWS.as_bytes());
    let refused = cut_everywhere(&folder, MESSAGE, MESSAGES.as_bytes(), MESSAGE);
    // A last line without its line end, or cut within its direction, is still one of its kind.
    assert!(
        refused >= MESSAGES.len() - 1,
        "{refused} of {}",
        MESSAGES.len()
    );
    let refused = cut_everywhere(&folder, ORDERBOOK, ROWS.as_bytes(), MESSAGE);
    assert!(refused >= ROWS.len() - 4, "{refused} of {}", ROWS.len());
}

#[test]
fn the_files_that_are_damaged_here_are_sound_before() {
    let folder = Folder::new();
    let kinds = |name: &str, bytes: &[u8]| read(&folder.put(name, bytes)).expect("sound");
    assert_eq!(kinds("x.dbn", &dbn_file()), [Kind::Add; 3]);
    assert_eq!(kinds("x.csv", BARS.as_bytes()), [Kind::Bar; 2]);
    folder.put(ORDERBOOK, ROWS.as_bytes());
    assert_eq!(kinds(MESSAGE, MESSAGES.as_bytes()).len(), 6);
}

#[test]
fn a_dbn_file_cut_within_a_record_is_refused() {
    let folder = Folder::new();
    let whole = dbn_file();
    let refused = cut_everywhere(&folder, "x.dbn", &whole, "x.dbn");
    // Cut between records it is a shorter file.
    assert_eq!(refused, whole.len() - 3);
}

#[test]
fn bars_cut_anywhere_are_refused_or_shorter() {
    let folder = Folder::new();
    let refused = cut_everywhere(&folder, "x.csv", BARS.as_bytes(), "x.csv");
    assert!(refused > 60, "{refused}");
}

#[test]
fn packed_files_cut_anywhere_are_refused() {
    let folder = Folder::new();
    let zstd = zstd::encode_all(&dbn_file()[..], 3).expect("packs");
    for (name, whole) in [("x.dbn.gz", gzip(&dbn_file())), ("x.dbn.zst", zstd)] {
        assert_eq!(
            cut_everywhere(&folder, name, &whole, name),
            whole.len(),
            "{name}"
        );
    }
    let day = zip_of(&[
        (MESSAGE, MESSAGES.as_bytes()),
        (ORDERBOOK, ROWS.as_bytes()),
        ("ReadMe.txt", b"hello"),
    ]);
    assert_eq!(
        cut_everywhere(&folder, "day.zip", &day, "day.zip"),
        day.len()
    );
}

#[test]
fn a_flipped_byte_in_an_archive_never_passes_silently() {
    let folder = Folder::new();
    let whole = zip_of(&[(MESSAGE, MESSAGES.as_bytes()), (ORDERBOOK, ROWS.as_bytes())]);
    let good = read(&folder.put("day.zip", &whole)).expect("whole");
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        match read(&folder.put("day.zip", &flipped)) {
            // Dates and the like in the archive's directory do not matter.
            Ok(kinds) => assert_eq!(kinds, good, "byte {at}"),
            Err(error) => explains(&error, "day.zip"),
        }
    }
}

#[test]
fn what_is_not_there_is_named() {
    let folder = Folder::new();
    let absent = folder.0.path().join("absent.dbn");
    let error = read(&absent).expect_err("absent");
    assert!(matches!(error, FeedError::Open { .. }));
    explains(&error, "absent.dbn");
    let error = read(folder.0.path()).expect_err("a folder");
    assert!(error.to_string().contains("is a folder"), "{error}");
    let alone = folder.put(MESSAGE, MESSAGES.as_bytes());
    let error = read(&alone).expect_err("no orderbook");
    assert!(error.to_string().contains(ORDERBOOK), "{error}");
    let zip = folder.put("day.zip", &zip_of(&[(MESSAGE, MESSAGES.as_bytes())]));
    let error = read(&zip).expect_err("no orderbook");
    assert!(error.to_string().contains(ORDERBOOK), "{error}");
    let name = folder.put("x.dbn.gz", &dbn_file());
    let error = read(&name).expect_err("no gzip");
    assert!(error.to_string().contains("gzip"), "{error}");
    let other = folder.put("notes.txt", b"nothing of the kind");
    explains(&read(&other).expect_err("no format"), "notes.txt");
    let two = zip_of(&[("a.csv", b"x"), ("b.csv", b"y")]);
    explains(
        &read(&folder.put("two.zip", &two)).expect_err("two"),
        "two.zip",
    );
    assert_eq!(
        open::members(&folder.0.path().join("two.zip"))
            .expect("lists")
            .len(),
        2
    );
}

#[test]
fn errors_in_the_middle_name_the_line() {
    let folder = Folder::new();
    folder.put(ORDERBOOK, ROWS.as_bytes());
    let messages = MESSAGES.replace("34200.3", "noon");
    let error = read(&folder.put(MESSAGE, messages.as_bytes())).expect_err("bad");
    assert_eq!(error.place(), Some(Place::Line(3)));
    folder.put(MESSAGE, MESSAGES.as_bytes());
    let rows = ROWS.replacen("1020000,7,-9999999999,0", "1020000,7,x", 1);
    folder.put(ORDERBOOK, rows.as_bytes());
    let error = read(&folder.0.path().join(MESSAGE)).expect_err("bad");
    assert_eq!(error.place(), Some(Place::Line(2)));
    let mut dbn = dbn_file();
    let last = dbn.len() - 56;
    dbn[last] = 1;
    let error = read(&folder.put("x.dbn", &dbn)).expect_err("bad");
    assert_eq!(error.place(), Some(Place::Offset(last as u64)));
}

#[test]
fn versions_and_lengths_that_cannot_be_are_refused_at_once() {
    let folder = Folder::new();
    for version in [0, 4, 255] {
        let mut dbn = dbn_file();
        dbn[3] = version;
        explains(
            &read(&folder.put("x.dbn", &dbn)).expect_err("bad version"),
            "x.dbn",
        );
    }
    let mut dbn = dbn_file();
    dbn[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    explains(
        &read(&folder.put("x.dbn", &dbn)).expect_err("bad length"),
        "x.dbn",
    );
}

#[test]
fn a_day_in_memory_repeats_with_shifted_time() {
    let folder = Folder::new();
    folder.put(ORDERBOOK, ROWS.as_bytes());
    let path = folder.put(MESSAGE, MESSAGES.as_bytes());
    let universe = Universe::new(["TEST"]).expect("a symbol");
    let options = Options {
        source: SourceId(1),
        universe: &universe,
        bars: None,
    };
    let day = FileSource::open(&path, &options)
        .expect("opens")
        .preload()
        .expect("sound");
    let all = |source: &mut MemorySource| {
        let (mut draft, mut seen) = (Draft::new(), Vec::new());
        while let Next::At(ts) = source.next() {
            assert!(source.take(&mut draft));
            assert_eq!(draft.header().ts, ts);
            seen.push((ts, draft.header().kind));
        }
        seen
    };
    let once = all(&mut day.clone());
    assert_eq!(once.len(), day.frames());
    let hour = Nanos::from_secs(3_600);
    let thrice = all(&mut day.repeated(3, hour));
    assert_eq!(thrice.len(), 3 * once.len());
    for (index, (ts, kind)) in thrice.iter().enumerate() {
        let (first, own) = once[index % once.len()];
        let shift = Nanos(hour.0 * (index / once.len()) as u64);
        assert_eq!((*ts, *kind), (first + shift, own));
    }
    assert_eq!(all(&mut day.repeated(0, hour)), []);
    // A period too short would make time run backwards.
    let times = all(&mut day.repeated(3, Nanos::ZERO));
    assert!(times.windows(2).all(|pair| pair[0].0 <= pair[1].0));
}

/// Garbage with the beginning of something real, or none.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let starts = [
        Vec::new(),
        dbn_file(),
        gzip(b"x"),
        zstd::encode_all(&b"x"[..], 1).expect("packs"),
        b"PK\x03\x04".to_vec(),
        BARS.as_bytes().to_vec(),
        MESSAGES.as_bytes().to_vec(),
        vec![0, 12, b'S'],
    ];
    let start = (0..starts.len(), any::<prop::sample::Index>()).prop_map(move |(which, keep)| {
        let start = &starts[which];
        start[..keep.index(start.len() + 1)].to_vec()
    });
    (start, proptest::collection::vec(any::<u8>(), 0..300)).prop_map(|(mut start, rest)| {
        start.extend(rest);
        start
    })
}

/// A real file with some bytes changed.
fn mutated(whole: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = whole.len();
    proptest::collection::vec((0..length, any::<u8>()), 1..6).prop_map(move |changes| {
        let mut bytes = whole.clone();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn garbage_is_refused_or_counted(bytes in garbage(), which in 0usize..6) {
        let folder = Folder::new();
        folder.put(ORDERBOOK, ROWS.as_bytes());
        folder.put(MESSAGE, MESSAGES.as_bytes());
        let names = [MESSAGE, ORDERBOOK, "x.dbn", "x.csv", "x.zip", "01302019.NASDAQ_ITCH50"];
        let opened = if which == 1 { MESSAGE } else { names[which] };
        folder.put(names[which], &bytes);
        if let Err(error) = read(&folder.0.path().join(opened)) {
            explains(&error, folder.0.path().to_str().expect("a path"));
        }
    }

    #[test]
    fn changed_bytes_never_panic(
        dbn in mutated(dbn_file()),
        messages in mutated(MESSAGES.as_bytes().to_vec()),
        rows in mutated(ROWS.as_bytes().to_vec()),
        bars in mutated(BARS.as_bytes().to_vec()),
    ) {
        let folder = Folder::new();
        let message = folder.put(MESSAGE, &messages);
        folder.put(ORDERBOOK, &rows);
        for path in [message, folder.put("x.dbn", &dbn), folder.put("x.csv", &bars)] {
            if let Err(error) = read(&path) {
                explains(&error, folder.0.path().to_str().expect("a path"));
            }
        }
    }
}
