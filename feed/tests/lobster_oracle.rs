//! LOBSTER's own orderbook files are the truth: books that are driven by the codec's frames
//! reproduce every row, and nothing that was already known is taken from the orderbook file.

mod common {
    pub(crate) mod data;
}

use book::{Books, Config};
use feed::file::{Decode, FileSource, Frames, Options};
use feed::lobster::{self, Codec, Decoder, Pair};
use feed::symbols::Universe;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use stream::payload::{Add, Clear, Delete, Execute, Level, Modify, flags};
use stream::stage::Collected;
use stream::{FrameRef, InstrumentId, Kind, Nanos, Out, Price, Side, SourceId};

const ID: InstrumentId = InstrumentId(1);

fn books() -> Books {
    Books::new(&Config {
        instruments: 1,
        orders_max: 1 << 19,
        levels_max: 4_096,
        stale: Nanos::from_secs(60),
    })
}

/// The contents of both files, and the number of levels.
struct Files {
    messages: Vec<u8>,
    rows: Vec<u8>,
    levels: usize,
}

impl Files {
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.messages
            .split(|&b| b == b'\n')
            .zip(self.rows.split(|&b| b == b'\n'))
            .filter(|(message, _)| !message.is_empty())
    }
}

fn read(member: &feed::open::Member) -> Vec<u8> {
    let mut input = member.open().expect("opens");
    let mut all = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match input.read(&mut buffer, all.len() as u64).expect("reads") {
            0 => return all,
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
}

fn load(path: &Path) -> Files {
    let pair = Pair::find(path).expect("readable").expect("a pair");
    Files {
        messages: read(&pair.message),
        rows: read(&pair.orderbook),
        levels: pair.name.levels,
    }
}

/// All frames of the files.
fn frames_of(files: &Files) -> (Collected, u64) {
    let mut codec = Codec::new(ID, files.levels, Nanos::from_secs(1_340_000_000));
    let mut frames = Frames::new(SourceId(1));
    let mut all = Collected::default();
    for (number, (message, row)) in files.lines().enumerate() {
        codec
            .record(message, row, number as u64 + 1, &mut frames)
            .expect("a sound line");
        while let Some(frame) = frames.front() {
            all.put(frame);
            frames.pop();
        }
    }
    (all, codec.revealed())
}

/// Reproduces a sample: every row, the number of rows and of revealed levels.
fn reproduces(zip: &str, rows: u64, revealed: u64) {
    let Some(path) = common::data::path(&format!("equity_l3_lobster/{zip}")) else {
        return;
    };
    let pair = Pair::find(&path).expect("readable").expect("a pair");
    let expected = read(&pair.orderbook);
    let mut expected = expected.split_inclusive(|&b| b == b'\n');
    let universe = Universe::new([pair.name.symbol.as_str()]).expect("a symbol");
    let mut decoder = Decoder::open(&pair, &universe).expect("opens");
    let mut frames = Frames::new(SourceId(1));
    let (mut books, mut row, mut differences) = (books(), Vec::new(), 0);
    while let Some(record) = decoder.decode(&mut frames).expect("sound") {
        assert!(record.last);
        while let Some(frame) = frames.front() {
            books.apply(frame, &mut |_| ());
            frames.pop();
            // Between a message and the levels it reveals the book says so.
            assert_eq!(books.book(ID).between_states(), !frames.is_empty());
        }
        row.clear();
        let book = books.book(ID);
        let (asks, bids) = (book.levels(Side::Sell), book.levels(Side::Buy));
        lobster::format_row(&mut row, pair.name.levels, asks, bids);
        differences += u64::from(expected.next() != Some(&row[..]));
        assert!(book.levels(Side::Sell).count() <= pair.name.levels);
    }
    assert_eq!(expected.next(), None);
    assert_eq!((differences, decoder.counts().records), (0, rows));
    assert_eq!(decoder.revealed(), revealed);
    assert_eq!((frames.faults(), books.book(ID).faults_total()), (0, 0));
}

#[test]
fn every_aapl_row_is_reproduced() {
    reproduces("LOBSTER_SampleFile_AAPL_2012-06-21_1.zip", 118_497, 30_071);
}

#[test]
fn every_amzn_row_is_reproduced() {
    reproduces("LOBSTER_SampleFile_AMZN_2012-06-21_5.zip", 155_935, 33_840);
}

/// A seeded generator (SplitMix64), so that a failing run can be repeated.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        stream::hash::mix(self.0) % bound
    }
}

/// Alters fields of the rows whose level stood at the same price in the row before, other than
/// at the level that the message touches: whatever such a field says, it was known.
fn alter_known(files: &Files, seeded: &mut Seeded, one_in: u64) -> (Vec<u8>, u64) {
    let mut altered = Vec::with_capacity(files.rows.len());
    let (mut previous, mut count) = (Vec::<String>::new(), 0);
    for row in files
        .rows
        .split(|&b| b == b'\n')
        .filter(|row| !row.is_empty())
    {
        let row = std::str::from_utf8(row).expect("text");
        let fields: Vec<String> = row.split(',').map(str::to_owned).collect();
        let mut changed = fields.clone();
        for place in 0..fields.len() / 2 {
            let price = &fields[2 * place];
            // Asks stand in even places, bids in odd ones.
            let known = previous
                .chunks(2)
                .enumerate()
                .any(|(other, level)| other % 2 == place % 2 && level[0] == *price);
            if known && seeded.below(one_in) == 0 {
                count += 1;
                changed[2 * place + usize::from(seeded.below(2) == 0)] =
                    (seeded.below(20_000_000) as i64 - 10_000_000).to_string();
            }
        }
        altered.extend_from_slice(changed.join(",").as_bytes());
        altered.push(b'\n');
        previous = fields;
    }
    (altered, count)
}

fn altering_changes_nothing(mut files: Files, seed: u64) {
    let (expected, revealed) = frames_of(&files);
    let (altered, count) = alter_known(&files, &mut Seeded(seed), 3);
    assert!(count > 100, "the test must alter something: {count}");
    assert_ne!(altered, files.rows);
    files.rows = altered;
    let (frames, again) = frames_of(&files);
    assert_eq!(again, revealed);
    assert!(
        frames.0 == expected.0,
        "an altered known field changed a frame"
    );
}

#[test]
fn what_was_known_may_be_wrong_in_the_samples() {
    for zip in [
        "LOBSTER_SampleFile_AAPL_2012-06-21_1.zip",
        "LOBSTER_SampleFile_AMZN_2012-06-21_5.zip",
    ] {
        if let Some(path) = common::data::path(&format!("equity_l3_lobster/{zip}")) {
            altering_changes_nothing(load(&path), 7);
        }
    }
}

/// A whole market of orders, from which a file pair of N levels is cut as LOBSTER does it.
#[derive(Default)]
struct Market {
    orders: BTreeMap<u64, (Side, i64, u32)>,
    next_id: u64,
    clock: u64,
}

impl Market {
    fn levels(&self, side: Side) -> Vec<(Price, u64)> {
        let mut levels = BTreeMap::<i64, u64>::new();
        for &(_, price, qty) in self.orders.values().filter(|order| order.0 == side) {
            *levels.entry(-price * side.sign()).or_default() += u64::from(qty);
        }
        let of = |(key, qty): (i64, u64)| (Price(key.abs() * 100_000), qty);
        levels.into_iter().map(of).collect()
    }

    fn row(&self, levels: usize) -> Vec<u8> {
        let mut row = Vec::new();
        let (asks, bids) = (self.levels(Side::Sell), self.levels(Side::Buy));
        lobster::format_row(&mut row, levels, asks, bids);
        row
    }

    /// One random event; its message.
    fn step(&mut self, seeded: &mut Seeded) -> String {
        self.clock += seeded.below(1_000_000);
        let time = format!(
            "{}.{:09}",
            34_200 + self.clock / 1_000_000,
            self.clock % 1_000_000
        );
        let sign = |side: Side| side.sign();
        let some = seeded.below(self.orders.len().max(1) as u64) as usize;
        let existing = self
            .orders
            .iter()
            .nth(some)
            .map(|(id, order)| (*id, *order));
        match (seeded.below(10), existing) {
            (0..5, _) | (_, None) => {
                self.next_id += 1;
                let side = if seeded.below(2) == 0 {
                    Side::Buy
                } else {
                    Side::Sell
                };
                let price = 10_000 - side.sign() * 100 * (1 + seeded.below(25) as i64);
                let qty = 1 + seeded.below(300) as u32;
                self.orders.insert(self.next_id, (side, price, qty));
                format!("{time},1,{},{qty},{price},{}", self.next_id, sign(side))
            }
            (5, Some((_, (side, price, qty)))) => {
                format!("{time},5,0,{qty},{price},{}", sign(side))
            }
            (kind @ (6 | 7), Some((id, (side, price, qty)))) if qty > 1 => {
                let take = 1 + seeded.below(u64::from(qty) - 1) as u32;
                self.orders.insert(id, (side, price, qty - take));
                let kind = if kind == 6 { 2 } else { 4 };
                format!("{time},{kind},{id},{take},{price},{}", sign(side))
            }
            (kind, Some((id, (side, price, qty)))) => {
                self.orders.remove(&id);
                let kind = if kind == 9 { 4 } else { 3 };
                format!("{time},{kind},{id},{qty},{price},{}", sign(side))
            }
        }
    }
}

/// A file pair of `levels` levels: messages that change nothing in them are left out, unless they
/// are hidden executions.
fn synthetic(levels: usize, seed: u64, steps: usize, warm_up: usize) -> Files {
    let (mut market, mut seeded) = (Market::default(), Seeded(seed << 20));
    for _ in 0..warm_up {
        market.step(&mut seeded);
    }
    let (mut messages, mut rows) = (Vec::new(), Vec::new());
    let mut before = market.row(levels);
    for _ in 0..steps {
        let message = market.step(&mut seeded);
        let after = market.row(levels);
        if after != before || message.contains(",5,0,") {
            messages.extend_from_slice(message.as_bytes());
            messages.push(b'\n');
            rows.extend_from_slice(&after);
        }
        before = after;
    }
    Files {
        messages,
        rows,
        levels,
    }
}

/// The naive twin of a book for these frames: orders and residues in maps.
#[derive(Default)]
struct Twin {
    orders: BTreeMap<u64, (Side, Price, u64)>,
    residue: BTreeMap<(Side, Price), u64>,
}

impl Twin {
    fn take(&mut self, id: u64, side: Side, price: Price, qty: u64) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.2 = order.2.checked_sub(qty).expect("an order never owes");
        } else {
            let residue = self.residue.get_mut(&(side, price)).expect("known residue");
            *residue = residue.checked_sub(qty).expect("a residue never owes");
        }
    }

    fn apply(&mut self, frame: FrameRef<'_>) {
        match frame.kind() {
            Kind::Clear => {
                let _ = frame.read::<Clear>();
                *self = Self::default();
            }
            Kind::Add => {
                let add = frame.read::<Add>();
                let order = (add.side, add.price, u64::from(add.qty));
                assert_eq!(self.orders.insert(add.order_id, order), None);
            }
            Kind::Modify => {
                let modify = frame.read::<Modify>();
                assert_ne!(modify.flags & flags::REDUCE, 0);
                let qty = u64::from(modify.qty);
                self.take(modify.order_id, modify.side, modify.price, qty);
            }
            Kind::Delete => {
                let delete = frame.read::<Delete>();
                let qty = u64::from(delete.qty);
                self.take(delete.order_id, delete.side, delete.price, qty);
                self.orders.remove(&delete.order_id);
            }
            Kind::Execute => {
                let execute = frame.read::<Execute>();
                if execute.flags & flags::HIDDEN == 0 {
                    let qty = u64::from(execute.qty);
                    self.take(execute.order_id, execute.side, execute.price, qty);
                }
            }
            Kind::Level => {
                let level = frame.read::<Level>();
                let key = (level.side, level.price);
                self.orders.retain(|_, order| (order.0, order.1) != key);
                self.residue.insert(key, level.qty);
            }
            other => panic!("unexpected {other}"),
        }
    }

    fn levels(&self, side: Side) -> Vec<(Price, u64)> {
        let mut levels = BTreeMap::<i64, u64>::new();
        let orders = self
            .orders
            .values()
            .map(|order| (order.0, order.1, order.2));
        let residues = self.residue.iter().map(|(key, qty)| (key.0, key.1, *qty));
        for (_, price, qty) in orders.chain(residues).filter(|level| level.0 == side) {
            *levels.entry(-price.0 * side.sign()).or_default() += qty;
        }
        levels.retain(|_, qty| *qty > 0);
        let of = |(key, qty): (i64, u64)| (Price(key.abs()), qty);
        levels.into_iter().map(of).collect()
    }
}

/// Both a naive twin and the real books show every row.
fn follows(files: &Files) {
    let mut codec = Codec::new(ID, files.levels, Nanos::from_secs(1_340_000_000));
    let mut frames = Frames::new(SourceId(1));
    let (mut books, mut twin) = (books(), Twin::default());
    for (number, (message, expected)) in files.lines().enumerate() {
        codec
            .record(message, expected, number as u64 + 1, &mut frames)
            .expect("a sound line");
        while let Some(frame) = frames.front() {
            books.apply(frame, &mut |_| ());
            twin.apply(frame);
            frames.pop();
        }
        let (mut of_books, mut of_twin) = (Vec::new(), Vec::new());
        let book = books.book(ID);
        let (asks, bids) = (book.levels(Side::Sell), book.levels(Side::Buy));
        lobster::format_row(&mut of_books, files.levels, asks, bids);
        let (asks, bids) = (twin.levels(Side::Sell), twin.levels(Side::Buy));
        assert!(asks.len() <= files.levels && bids.len() <= files.levels);
        lobster::format_row(&mut of_twin, files.levels, asks, bids);
        let line = String::from_utf8_lossy(message);
        assert_eq!(of_twin.trim_ascii_end(), expected, "line {number}: {line}");
        assert_eq!(of_books.trim_ascii_end(), expected, "line {number}: {line}");
    }
    assert_eq!((frames.faults(), books.book(ID).faults_total()), (0, 0));
}

#[test]
fn what_was_known_may_be_wrong_in_a_made_up_day() {
    altering_changes_nothing(synthetic(3, 5, 4_000, 200), 11);
    altering_changes_nothing(synthetic(10, 6, 4_000, 0), 12);
}

/// Empty places of a side that is known whole are known too.
#[test]
fn emptiness_that_was_known_is_not_read_again() {
    let rows = "101,5,99,5,9999999999,0,-9999999999,0\n101,6,99,5,777,7,55,5\n";
    let files = Files {
        messages: b"34200.1,1,1,5,101,-1\n34200.2,1,2,1,101,-1\n".to_vec(),
        rows: rows.as_bytes().to_vec(),
        levels: 2,
    };
    let (frames, revealed) = frames_of(&files);
    let last = frames.iter().last().expect("frames");
    assert_eq!(
        (last.kind(), last.read::<Add>().flags, revealed),
        (Kind::Add, 0, 0)
    );
}

#[test]
fn a_source_gives_the_same_frames_from_every_packing() {
    let files = synthetic(3, 9, 500, 50);
    let (expected, _) = frames_of(&files);
    let folder = tempfile::tempdir().expect("a folder");
    let stem = |role: &str| format!("TEST_2012-06-21_34200000_57600000_{role}_3.csv");
    let (message, orderbook) = (stem("message"), stem("orderbook"));
    let universe = Universe::new(["TEST"]).expect("a symbol");
    let options = Options {
        source: SourceId(1),
        universe: &universe,
        bars: None,
    };
    let kinds = |path: &Path| {
        let source = FileSource::open(path, &options).expect("opens");
        let memory = source.preload().expect("sound");
        memory
            .iter()
            .map(|frame| (frame.kind(), frame.instrument()))
            .collect::<Vec<_>>()
    };
    let expected: Vec<_> = expected
        .iter()
        .map(|f| (f.kind(), f.instrument()))
        .collect();
    let plain = folder.path().join(&message);
    std::fs::write(&plain, &files.messages).expect("writes");
    let missing = FileSource::open(&plain, &options)
        .expect_err("no orderbook file")
        .to_string();
    assert!(missing.contains(&orderbook), "{missing}");
    let packed = zstd::encode_all(&files.rows[..], 1).expect("packs");
    std::fs::write(folder.path().join(format!("{orderbook}.zst")), packed).expect("writes");
    assert_eq!(kinds(&plain), expected);
    let zip = folder.path().join("day.zip");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&zip).expect("creates"));
    for (name, bytes) in [(&orderbook, &files.rows), (&message, &files.messages)] {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(name, options).expect("starts");
        std::io::Write::write_all(&mut writer, bytes).expect("writes");
    }
    writer.finish().expect("finishes");
    assert_eq!(kinds(&zip), expected);
}

#[test]
fn halts_and_crosses_are_told() {
    let row = "101,5,99,5\n".repeat(6);
    let messages = "34200.1,7,0,0,-1,-1\n34200.2,6,-1,500,100,-1\n34200.3,7,0,0,0,-1\n\
                    34200.4,7,0,0,1,-1\n34200.5,9,0,0,1,-1\n34200.6,3,8,9,101,-1\n";
    let files = Files {
        messages: messages.as_bytes().to_vec(),
        rows: row.into_bytes(),
        levels: 1,
    };
    let (frames, _) = frames_of(&files);
    let kinds: Vec<Kind> = frames.iter().map(|frame| frame.kind()).collect();
    let start = [Kind::Clear, Kind::Level, Kind::Level];
    assert_eq!(kinds[..3], start);
    let rest = [
        Kind::Halt,
        Kind::Trade,
        Kind::Halt,
        Kind::Halt,
        Kind::Fault,
        Kind::Fault,
    ];
    assert_eq!(kinds[3..], rest);
    let mut books = books();
    for frame in frames.iter() {
        books.apply(frame, &mut |_| ());
    }
    assert!(!books.book(ID).between_states() && !books.book(ID).halted());
    assert_eq!(books.book(ID).level_qty(Side::Sell, Price(10_100_000)), 5);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn made_up_days_are_followed(
        seed in 0u64..1 << 30,
        levels in 1usize..8,
        warm_up in 0usize..120,
    ) {
        follows(&synthetic(levels, seed, 400, warm_up));
    }
}
