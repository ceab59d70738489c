//! Databento files: the books they make equal those of a twin over Databento's own decoder, and
//! every record type becomes the frames that the module promises.

mod common {
    pub(crate) mod data;
    pub(crate) mod decode;
}

use book::{Books, Config};
use dbn::encode::dbn::MetadataEncoder;
use dbn::record::{BidAskPair, MboMsg, Mbp1Msg, Mbp10Msg, RecordHeader, TradeMsg};
use dbn::{FlagSet, MappingInterval, Metadata, SType, Schema, SymbolMapping, rtype};
use feed::dbn::{Decoder, definitions, format_header, format_row};
use feed::error::FeedError;
use feed::file::{Decode, FileSource, Format, Frames, Options, holdings};
use feed::open::{self, Input};
use feed::symbols::Universe;
use std::path::Path;
use std::process::Command;
use stream::payload::{
    Add, Clear, DepthSnapshot, Execute, Gap, GapReason, InstrumentType, Modify, Quote, Trade,
    flags, quality,
};
use stream::stage::Collected;
use stream::{InstrumentId, Kind, Nanos, Out, Price, Side, SourceId};

const ID: InstrumentId = InstrumentId(1);

fn books() -> Books {
    Books::new(&Config {
        instruments: 1,
        orders_max: 1 << 17,
        levels_max: 8_192,
        stale: Nanos::from_secs(60),
    })
}

/// The book after each event's last message, as a table.
fn table(path: &Path, symbol: &str, levels: usize) -> String {
    let universe = Universe::new([symbol]).expect("a symbol");
    let mut decoder = Decoder::open(open::open(path).expect("opens"), &universe).expect("DBN");
    let (mut frames, mut books) = (Frames::new(SourceId(1)), books());
    let mut out = Vec::new();
    format_header(&mut out, levels);
    while let Some(record) = decoder.decode(&mut frames).expect("sound") {
        while let Some(frame) = frames.front() {
            books.apply(frame, &mut |_| ());
            frames.pop();
        }
        let book = books.book(ID);
        if record.last {
            let (asks, bids) = (book.levels(Side::Sell), book.levels(Side::Buy));
            format_row(
                &mut out,
                record.venue_ts,
                record.sequence,
                levels,
                asks,
                bids,
            );
            assert!(!book.between_states());
            // Pre-open books may be crossed; trading begins at this second.
            let trading = record.venue_ts.0 >= TS;
            if trading {
                assert_eq!(book.quality(), 0, "crossed or gapped while trading");
            }
        }
    }
    assert_eq!((frames.faults(), books.book(ID).faults_total()), (0, 0));
    String::from_utf8(out).expect("ASCII")
}

const MBO_FILES: [(&str, &str); 3] = [
    ("esh4-glbx-mdp3-20231224.mbo.dbn.zst", "ESH4"),
    ("esh4-glbx-mdp3-20231225-until-2310utc.mbo.dbn.zst", "ESH4"),
    (
        "esm4-orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst",
        "ESM4",
    ),
];

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
fn books_equal_a_twin_over_databentos_own_decoder() {
    for (file, symbol) in MBO_FILES {
        let Some(path) = common::data::path(&format!("futures_mbo_glbx/{file}")) else {
            return;
        };
        let own = table(&path, symbol, 10);
        assert!(own.lines().count() > 1, "{file} has no event");
        let Some(python) = python() else {
            continue;
        };
        let twin = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/twin_dbn.py");
        let output = Command::new(python)
            .arg(twin)
            .arg(&path)
            .args(["10", symbol])
            .output();
        let output = output.expect("Python runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let twin = String::from_utf8(output.stdout).expect("ASCII");
        for (number, (own, twin)) in own.lines().zip(twin.lines()).enumerate() {
            assert_eq!(own, twin, "{file} row {number}");
        }
        assert_eq!(own.lines().count(), twin.lines().count(), "{file}");
    }
}

#[test]
fn quotes_and_trades_of_the_real_files_agree() {
    let file = |schema: &str| {
        let name = format!("esu4-futures_{schema}_2024-07-01T23-58_2024-07-02T00-02.dbn.zst");
        common::data::path(&format!("futures_mbo_glbx/{name}"))
    };
    let (Some(quotes), Some(trades)) = (file("mbp-1"), file("trades")) else {
        return;
    };
    let universe = Universe::new(["ESU4"]).expect("a symbol");
    let options = Options {
        source: SourceId(1),
        universe: &universe,
        bars: None,
    };
    let prints = |path: &Path| {
        let source = FileSource::open(path, &options).expect("opens");
        let memory = source.preload().expect("sound");
        let quotes = memory.iter().filter(|frame| frame.kind() == Kind::Quote);
        let trades = memory.iter().filter(|frame| frame.kind() == Kind::Trade);
        let fields = |frame: stream::FrameRef<'_>| {
            let trade = frame.read::<Trade>();
            (
                frame.ts(),
                trade.venue_ts,
                trade.price,
                trade.qty,
                trade.side,
            )
        };
        (quotes.count(), trades.map(fields).collect::<Vec<_>>())
    };
    let (quoted, from_quotes) = prints(&quotes);
    let (none, from_trades) = prints(&trades);
    assert_eq!((quoted, none, from_trades.len()), (2_288, 0, 120));
    assert_eq!(from_quotes, from_trades);
    let first = from_trades[0];
    assert_eq!(
        (first.2, first.3, first.4),
        (Price(5_528_750_000_000), 2, Side::Buy)
    );
}

#[test]
fn definitions_are_facts() {
    let Some(path) = common::data::path("futures_mbo_glbx/esm4-definition.dbn.zst") else {
        return;
    };
    let all = definitions(open::open(&path).expect("opens")).expect("sound");
    let [esm4] = &all[..] else {
        panic!("one definition is expected: {all:?}");
    };
    assert_eq!((esm4.symbol.as_str(), esm4.venue_id), ("ESM4", 5602));
    assert_eq!((esm4.tick_size, esm4.multiplier), (Price(250_000_000), 50));
    assert_eq!(
        (esm4.venue.as_str(), esm4.currency.as_str()),
        ("XCME", "USD")
    );
    assert_eq!(esm4.payload().what, InstrumentType::Future);
}

#[test]
fn an_unknown_symbol_is_told_what_there_is() {
    let bytes = file(3, Schema::Mbo, &[]);
    let universe = Universe::new(["NQH4"]).expect("a symbol");
    let error = Decoder::open(Input::from_bytes("x.dbn", bytes), &universe).expect_err("unknown");
    assert!(matches!(&error, FeedError::UnknownSymbol { .. }));
    let text = error.to_string();
    assert!(
        text.contains("NQH4") && text.contains("ESH4, ESM4"),
        "{text}"
    );
}

/// Metadata without mappings; its `start` is the way to a date of the encoder's own type.
fn metadata(version: u8, schema: Schema, start: u64) -> Metadata {
    Metadata::builder()
        .version(version)
        .dataset("GLBX.MDP3")
        .schema(Some(schema))
        .start(start)
        .stype_in(Some(SType::RawSymbol))
        .stype_out(SType::InstrumentId)
        .symbols(vec!["ESH4".to_owned(), "ESM4".to_owned()])
        .build()
}

/// A symbol's ids, each from a time's date to before another's.
fn mapping(symbol: &str, ids: &[(&str, u64, u64)]) -> SymbolMapping {
    let date = |ts| metadata(3, Schema::Mbo, ts).start().date();
    let interval = |&(id, from, to): &(&str, u64, u64)| MappingInterval {
        start_date: date(from),
        end_date: date(to),
        symbol: id.to_owned(),
    };
    SymbolMapping {
        raw_symbol: symbol.to_owned(),
        intervals: ids.iter().map(interval).collect(),
    }
}

/// A DBN file of that version with two instruments: ESH4 is 7, ESM4 is 8.
fn file(version: u8, schema: Schema, records: &[&[u8]]) -> Vec<u8> {
    let always = |symbol, id| mapping(symbol, &[(id, 0, 2 * TS)]);
    let mappings = vec![always("ESH4", "7"), always("ESM4", "8")];
    file_of(version, schema, mappings, records)
}

fn file_of(
    version: u8,
    schema: Schema,
    mappings: Vec<SymbolMapping>,
    records: &[&[u8]],
) -> Vec<u8> {
    let metadata = Metadata {
        mappings,
        ..metadata(version, schema, 0)
    };
    let mut bytes = Vec::new();
    MetadataEncoder::new(&mut bytes)
        .encode(&metadata)
        .expect("encodes");
    records
        .iter()
        .for_each(|record| bytes.extend_from_slice(record));
    bytes
}

const TS: u64 = 1_703_545_200_000_000_000;

fn mbo(id: u32, action: u8, side: u8, order_id: u64, qty: u32, marks: u8) -> MboMsg {
    MboMsg {
        hd: RecordHeader::new::<MboMsg>(rtype::MBO, 1, id, TS),
        order_id,
        price: 4_800_000_000_000,
        size: qty,
        flags: FlagSet::new(marks),
        channel_id: 0,
        action: action as _,
        side: side as _,
        ts_recv: TS + 5,
        ts_in_delta: 0,
        sequence: 42,
    }
}

fn collect(bytes: Vec<u8>) -> (Collected, feed::file::Counts) {
    let universe = Universe::new(["ESH4"]).expect("a symbol");
    let mut decoder = Decoder::open(Input::from_bytes("x.dbn", bytes), &universe).expect("DBN");
    let (mut frames, mut all) = (Frames::new(SourceId(3)), Collected::default());
    common::decode::all(&mut decoder, &mut frames, |frame| all.put(frame)).expect("sound");
    (all, decoder.counts())
}

const LAST: u8 = 128;
const SNAPSHOT: u8 = 32;
const MAYBE_BAD: u8 = 4;

#[test]
fn market_by_order_records_become_order_frames() {
    let records = [
        mbo(7, b'R', b'N', 0, 0, SNAPSHOT),
        mbo(7, b'A', b'B', 11, 5, SNAPSHOT | LAST),
        mbo(8, b'A', b'B', 12, 5, LAST),
        mbo(7, b'T', b'A', 0, 2, 0),
        mbo(7, b'F', b'B', 11, 2, 0),
        mbo(7, b'C', b'B', 11, 2, LAST),
        mbo(7, b'M', b'B', 11, 9, LAST),
        mbo(7, b'C', b'B', 11, 9, LAST),
        mbo(7, b'A', b'N', 13, 1, LAST),
        mbo(7, b'A', b'A', 14, 1, LAST | MAYBE_BAD),
        mbo(7, b'T', b'A', 0, 1, 0),
        mbo(7, b'F', b'B', 14, 1, LAST),
    ];
    let bytes: Vec<&[u8]> = records.iter().map(AsRef::as_ref).collect();
    for version in 1..=3 {
        let (frames, counts) = collect(file(version, Schema::Mbo, &bytes));
        let kinds: Vec<Kind> = frames.iter().map(|frame| frame.kind()).collect();
        let expected = [
            Kind::Clear,
            Kind::Add,
            Kind::Trade,
            Kind::Modify,
            Kind::Modify,
            Kind::Modify,
            Kind::Fault,
            Kind::Execute,
            Kind::Gap,
            Kind::Add,
            Kind::Trade,
            Kind::Execute,
        ];
        assert_eq!(kinds, expected, "version {version}");
        assert_eq!((counts.records, counts.unasked, counts.skipped), (12, 1, 2));
        let all: Vec<_> = frames.iter().collect();
        assert!(
            all.iter()
                .all(|frame| frame.ts() == Nanos(TS + 5) && frame.instrument() == ID)
        );
        assert_eq!(all[0].read::<Clear>().flags, flags::SNAPSHOT | flags::MORE);
        let add = all[1].read::<Add>();
        assert_eq!(
            (add.flags, add.venue_ts, add.source),
            (flags::SNAPSHOT, Nanos(TS), SourceId(3))
        );
        let trade = all[2].read::<Trade>();
        assert_eq!((trade.flags, trade.side), (flags::MORE, Side::Sell));
        let cancel = all[3].read::<Modify>();
        assert_eq!((cancel.flags, cancel.qty), (flags::REDUCE, 2));
        let modify = all[4].read::<Modify>();
        assert_eq!((modify.flags, modify.qty, modify.new_order_id), (0, 9, 11));
        assert_eq!(all[8].read::<Gap>().from, 42);
        let closing = all[11].read::<Execute>();
        assert_eq!(closing.flags, flags::HIDDEN | flags::NON_PRINTABLE);
    }
}

#[test]
fn orders_of_a_symbol_that_took_over_an_id_are_not_ours() {
    const DAY: u64 = 86_400_000_000_000;
    let (first, second, behind) = (TS, TS + DAY, TS + 2 * DAY);
    let mappings = vec![
        mapping("ESM4", &[("8", first, second), ("7", second, behind)]),
        mapping("ESH4", &[("7", first, second), ("8", second, behind)]),
    ];
    let order = |id: u32, order_id: u64, day: u64| MboMsg {
        ts_recv: day,
        ..mbo(id, b'A', b'B', order_id, 1, LAST)
    };
    let records = [
        order(7, 1, first),
        order(8, 2, first),
        order(7, 3, second),
        order(8, 4, second),
        // The file says nothing of that day.
        order(7, 5, behind),
        order(8, 6, behind),
    ];
    let records: Vec<&[u8]> = records.iter().map(AsRef::as_ref).collect();
    let (frames, counts) = collect(file_of(3, Schema::Mbo, mappings, &records));
    let orders: Vec<u64> = frames
        .iter()
        .map(|frame| frame.read::<Add>().order_id)
        .collect();
    assert_eq!(orders, [1, 4, 6]);
    assert_eq!((counts.records, counts.unasked), (6, 3));
}

fn pair(bid: i64, bid_qty: u32, ask: i64, ask_qty: u32) -> BidAskPair {
    BidAskPair {
        bid_px: bid,
        ask_px: ask,
        bid_sz: bid_qty,
        ask_sz: ask_qty,
        bid_ct: 1,
        ask_ct: 1,
    }
}

#[test]
fn market_by_price_records_become_quotes_and_depth() {
    let mut quote = Mbp1Msg {
        hd: RecordHeader::new::<Mbp1Msg>(rtype::MBP_1, 1, 7, TS),
        price: 100,
        size: 3,
        action: b'T' as _,
        side: b'B' as _,
        flags: FlagSet::new(LAST),
        ts_recv: u64::MAX,
        levels: [pair(99, 4, dbn::UNDEF_PRICE, 0)],
        ..Default::default()
    };
    quote.depth = 0;
    let (frames, _) = collect(file(2, Schema::Mbp1, &[quote.as_ref()]));
    let all: Vec<_> = frames.iter().collect();
    assert_eq!(all[0].read::<Trade>().side, Side::Buy);
    let own = all[1].read::<Quote>();
    assert_eq!(
        (own.bid, own.bid_qty, own.ask, own.ask_qty),
        (Price(99), 4, Price::ZERO, 0)
    );
    // Without a time of receipt the venue's own stands in.
    assert_eq!(all[1].ts(), Nanos(TS));

    let mut records = [depth(b'T', 0), depth(b'C', LAST)];
    records[1].levels[1] = pair(98, 6, dbn::UNDEF_PRICE, 0);
    let bytes: Vec<&[u8]> = records.iter().map(AsRef::as_ref).collect();
    let (frames, _) = collect(file(3, Schema::Mbp10, &bytes));
    let all: Vec<_> = frames.iter().collect();
    assert_eq!((all.len(), all[0].kind()), (2, Kind::Trade));
    let own = all[1].read::<DepthSnapshot>();
    assert_eq!((own.bids, own.asks), (2, 1));
    assert_eq!(
        (own.prices[1], own.prices[10], own.qtys[10]),
        (Price(98), Price(101), 5)
    );
}

/// An event's last record of a book with one level a side.
fn depth(action: u8, marks: u8) -> Mbp10Msg {
    let mut levels: [BidAskPair; 10] = std::array::from_fn(|_| pair(dbn::UNDEF_PRICE, 0, 0, 0));
    levels[0] = pair(99, 4, 101, 5);
    Mbp10Msg {
        hd: RecordHeader::new::<Mbp10Msg>(rtype::MBP_10, 1, 7, TS),
        price: 100,
        size: 3,
        action: action as _,
        side: b'A' as _,
        flags: FlagSet::new(marks),
        ts_recv: TS,
        levels,
        ..Default::default()
    }
}

/// The frames that a file makes, each with the quality of its book as far as that is reported.
fn qualities(schema: Schema, records: &[&[u8]]) -> Vec<(Kind, Option<u8>)> {
    let (frames, _) = collect(file(3, schema, records));
    let mut books = books();
    let follow = |frame: stream::FrameRef<'_>| {
        books.apply(frame, &mut |_| ());
        let book = books.book(ID);
        let reported = (!book.between_states()).then(|| book.quality());
        (frame.kind(), reported)
    };
    frames.iter().map(follow).collect()
}

#[test]
fn a_depth_that_the_publisher_doubts_is_gapped_until_it_no_longer_does() {
    let records = [
        depth(b'A', LAST),
        depth(b'A', LAST | MAYBE_BAD),
        depth(b'T', MAYBE_BAD),
        depth(b'C', LAST | MAYBE_BAD),
        depth(b'T', 0),
        depth(b'C', LAST),
        depth(b'A', LAST | MAYBE_BAD),
    ];
    let records: Vec<&[u8]> = records.iter().map(AsRef::as_ref).collect();
    let gapped = Some(quality::GAPPED);
    let expected = [
        (Kind::DepthSnapshot, Some(0)),
        (Kind::Gap, gapped),
        // Not even for one frame it looks sound.
        (Kind::DepthSnapshot, None),
        (Kind::Gap, gapped),
        (Kind::Trade, gapped),
        (Kind::DepthSnapshot, None),
        (Kind::Gap, gapped),
        (Kind::Trade, gapped),
        (Kind::DepthSnapshot, Some(0)),
        (Kind::Gap, gapped),
        (Kind::DepthSnapshot, None),
        (Kind::Gap, gapped),
    ];
    assert_eq!(qualities(Schema::Mbp10, &records), expected);
}

#[test]
fn a_quote_that_the_publisher_no_longer_doubts_ends_the_gap() {
    let quote = |marks: u8| Mbp1Msg {
        hd: RecordHeader::new::<Mbp1Msg>(rtype::MBP_1, 1, 7, TS),
        price: 100,
        size: 3,
        action: b'A' as _,
        side: b'B' as _,
        flags: FlagSet::new(marks),
        ts_recv: TS,
        levels: [pair(99, 4, 101, 5)],
        ..Default::default()
    };
    let doubted = LAST | MAYBE_BAD;
    let records = [LAST, doubted, doubted, 0, LAST, LAST, doubted].map(quote);
    let records: Vec<&[u8]> = records.iter().map(AsRef::as_ref).collect();
    let gapped = Some(quality::GAPPED);
    let expected = [
        (Kind::Quote, Some(0)),
        (Kind::Gap, gapped),
        (Kind::Quote, gapped),
        (Kind::Quote, gapped),
        // The event goes on.
        (Kind::Quote, None),
        (Kind::Quote, gapped),
        (Kind::Gap, Some(0)),
        (Kind::Quote, Some(0)),
        (Kind::Gap, gapped),
        (Kind::Quote, gapped),
    ];
    assert_eq!(qualities(Schema::Mbp1, &records), expected);
}

#[test]
fn a_trade_that_the_publisher_no_longer_doubts_ends_the_gap() {
    let trade = |marks: u8| TradeMsg {
        hd: RecordHeader::new::<TradeMsg>(rtype::MBP_0, 1, 7, TS),
        price: 100,
        size: 3,
        action: b'T' as _,
        flags: FlagSet::new(marks),
        ts_recv: TS,
        ..Default::default()
    };
    let records = [LAST | MAYBE_BAD, LAST, LAST].map(trade);
    let records: Vec<&[u8]> = records.iter().map(AsRef::as_ref).collect();
    let (frames, _) = collect(file(3, Schema::Trades, &records));
    let told = |frame: stream::FrameRef<'_>| {
        let reason = frame.try_read::<Gap>().map(|gap| gap.reason);
        (frame.kind(), reason)
    };
    let expected = [
        (Kind::Gap, Some(GapReason::Lost)),
        (Kind::Trade, None),
        (Kind::Trade, None),
        (Kind::Gap, Some(GapReason::Recovered)),
        (Kind::Trade, None),
    ];
    assert_eq!(frames.iter().map(told).collect::<Vec<_>>(), expected);
}

#[test]
fn a_trade_alone_ends_its_event() {
    let trade = TradeMsg {
        hd: RecordHeader::new::<TradeMsg>(rtype::MBP_0, 1, 7, TS),
        price: 100,
        size: 3,
        action: b'T' as _,
        side: b'N' as _,
        ts_recv: TS,
        ..Default::default()
    };
    let (frames, _) = collect(file(1, Schema::Trades, &[trade.as_ref()]));
    let frame = frames.iter().next().expect("a frame");
    let own = frame.read::<Trade>();
    assert_eq!((own.flags, own.side, own.qty), (0, Side::None, 3));
}

#[test]
fn time_that_runs_backwards_is_reported_and_stays() {
    let mut records = [
        mbo(7, b'A', b'B', 1, 1, LAST),
        mbo(7, b'A', b'B', 2, 1, LAST),
    ];
    records[1].ts_recv = TS;
    let bytes: Vec<&[u8]> = records.iter().map(AsRef::as_ref).collect();
    let (frames, _) = collect(file(3, Schema::Mbo, &bytes));
    let kinds: Vec<Kind> = frames.iter().map(|frame| frame.kind()).collect();
    assert_eq!(kinds, [Kind::Add, Kind::Fault, Kind::Add]);
    assert!(frames.iter().all(|frame| frame.ts() == Nanos(TS + 5)));
}

#[test]
fn a_path_tells_what_it_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.dbn.zst");
    let packed = zstd::encode_all(&file(2, Schema::Mbo, &[])[..], 1).expect("packs");
    std::fs::write(&path, packed).expect("writes");
    let holds = holdings(&path, None).expect("DBN");
    assert_eq!(
        (holds.format, holds.symbols.join(" ")),
        (Format::Dbn, "ESH4 ESM4".to_owned())
    );
}
