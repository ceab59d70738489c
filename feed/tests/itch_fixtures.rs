//! Real ITCH 5.0: single packets of 2023-08-22 and the first 1,000 messages of another day. The
//! expected values were read off the bytes by hand.

mod itch_support;

use feed::file::{FileSource, Options};
use feed::itch::file::BinaryFile;
use feed::itch::message::{LENGTHS, TYPES};
use feed::itch::{Decoder, Message, midnight};
use feed::moldudp::Downstream;
use feed::open;
use feed::pcap;
use itch_support::{SOURCE, data, universe};
use stream::payload::{Add, Halt, HaltState, Instrument, Modify};
use stream::{Draft, InstrumentId, Nanos, Next, Price, Side, Source};

const SESSION: [u8; 10] = *b"000010059B";

/// The MoldUDP64 payloads of a capture with their capture times.
fn payloads(name: &str) -> Option<Vec<(Nanos, Vec<u8>)>> {
    let path = data("wire_fixtures/Nasdaq.Equities.TotalView.Itch.v5.0")?.join(name);
    let bytes = std::fs::read(&path).expect("the fixture can be read");
    let mut found = Vec::new();
    for packet in pcap::Reader::new(name, &bytes).expect("a pcap file") {
        let packet = packet.expect("a whole packet");
        let datagram = packet.datagram().expect("a UDP datagram");
        assert_eq!(datagram.to.to_string(), "233.54.12.111:26477");
        assert_eq!(datagram.from.to_string(), "206.200.127.138:49653");
        assert_eq!(packet.wire_length as usize, packet.frame.len());
        found.push((packet.ts, datagram.payload.to_vec()));
    }
    Some(found)
}

/// The one message of a capture with one packet, and its sequence.
fn single(name: &str) -> Option<(u64, Vec<u8>)> {
    let payloads = payloads(name)?;
    let [(_, payload)] = &payloads[..] else {
        panic!("{name} holds one packet");
    };
    let packet = Downstream::parse(payload).expect("a MoldUDP64 packet");
    assert_eq!(
        (packet.session, packet.count, packet.end),
        (SESSION, 1, false)
    );
    let message = packet.messages().next().expect("one message");
    Some((packet.sequence, message.to_vec()))
}

#[test]
fn single_packets_hold_what_their_names_say() {
    let Some((sequence, bytes)) = single("AddOrderNoMpidAttributionMessage.pcap") else {
        return;
    };
    let message = Message::parse(&bytes).unwrap();
    let head = (message.locate(), message.tracking(), message.stamp());
    assert_eq!(
        (sequence, head),
        (14_757_721, (5_528, 0, 34_199_999_894_278))
    );
    let Message::AddOrder(add) = message else {
        panic!("{message:?}")
    };
    let order = (add.order_id(), add.side(), add.shares(), add.price());
    assert_eq!(order, (23_508_286, b'B', 1_600, 873_900));
    assert_eq!(&add.stock(), b"IVOO    ");

    let (sequence, bytes) = single("OrderDeleteMessage.pcap").unwrap();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((sequence, message.locate()), (14_757_722, 3_517));
    let Message::OrderDelete(delete) = message else {
        panic!("{message:?}")
    };
    assert_eq!(delete.order_id(), 0x0166_8BD6);

    let (sequence, bytes) = single("OrderExecutedMessage.pcap").unwrap();
    let message = Message::parse(&bytes).unwrap();
    let head = (message.locate(), message.tracking(), message.stamp());
    assert_eq!(
        (sequence, head),
        (14_757_745, (2_345, 2, 34_199_999_934_561))
    );
    let Message::OrderExecuted(executed) = message else {
        panic!("{message:?}")
    };
    let fields = (executed.order_id(), executed.shares(), executed.match_id());
    assert_eq!(fields, (0x0166_929A, 25, 0x0003_E63B));

    let (sequence, bytes) = single("OrderReplaceMessage.pcap").unwrap();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((sequence, message.locate()), (14_757_701, 7_603));
    let Message::OrderReplace(replace) = message else {
        panic!("{message:?}")
    };
    let ids = (replace.order_id(), replace.new_order_id());
    assert_eq!(ids, (0x00E6_897F, 0x0145_F2C7));
    assert_eq!((replace.shares(), replace.price()), (100, 1_062_600));
}

#[test]
fn packets_about_stocks_hold_what_their_names_say() {
    let Some((sequence, bytes)) = single("StockTradingActionMessage.pcap") else {
        return;
    };
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((sequence, message.locate()), (34_147_961, 464));
    let Message::TradingAction(action) = message else {
        panic!("{message:?}")
    };
    assert_eq!((&action.stock(), action.state()), (b"AMC     ", b'T'));
    assert_eq!(&action.reason(), b"    ");

    let (sequence, bytes) = single("MarketParticipantPositionMessage.pcap").unwrap();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((sequence, message.locate()), (17_861_990, 3_731));
    let Message::ParticipantPosition(position) = message else {
        panic!("{message:?}")
    };
    assert_eq!(
        (&position.mpid(), &position.stock()),
        (b"MAXM", b"FGMC    ")
    );
    let codes = (position.primary(), position.mode(), position.state());
    assert_eq!(codes, (b'Y', b'N', b'A'));

    let (sequence, bytes) = single("NetOrderImbalanceIndicatorMessage.pcap").unwrap();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((sequence, message.locate()), (14_757_919, 6_462));
    let Message::Imbalance(noii) = message else {
        panic!("{message:?}")
    };
    assert_eq!((noii.paired(), noii.imbalance()), (1, 0));
    assert_eq!((noii.direction(), &noii.stock()), (b'N', b"MDC     "));
    let prices = (noii.far(), noii.near(), noii.reference());
    assert_eq!(prices, (464_400, 464_400, 464_400));
    assert_eq!((noii.cross(), noii.variation()), (b'O', b'L'));
}

#[test]
fn a_full_packet_holds_38_orders_of_one_stock() {
    let Some(payloads) = payloads("Multiple.Packets.pcap") else {
        return;
    };
    assert_eq!(payloads.len(), 2);
    assert_eq!(payloads[0].0, Nanos(1_692_711_000_007_661_955));
    assert_eq!(payloads[1].0, Nanos(1_692_711_038_952_561_782));
    let packet = Downstream::parse(&payloads[1].1).expect("a packet");
    assert_eq!((packet.sequence, packet.count), (19_009_117, 38));
    let mut decoder = Decoder::new(
        SOURCE,
        midnight(jiff::civil::date(2023, 8, 22)).unwrap(),
        &universe(&["AAPL", "META"]),
    );
    let (mut draft, mut adds, mut attributed) = (Draft::new(), Vec::new(), 0);
    for (message, sequence) in packet.messages().zip(packet.sequence..) {
        attributed += u32::from(message[0] == b'F');
        let made = decoder.decode(message, sequence, &mut draft);
        assert!(made.frame);
        assert_eq!(made.instrument, InstrumentId(2));
        // The exchange's stamp lies 180 µs before the capture's.
        assert_eq!(payloads[1].0 - made.venue_ts, Nanos(180_629));
        adds.push(*draft.frame().read::<Add>());
    }
    assert_eq!((adds.len(), attributed), (38, 2));
    let buys = adds.iter().filter(|add| add.side == Side::Buy).count();
    assert_eq!(buys, 19);
    let first = &adds[0];
    assert_eq!(
        (first.order_id, first.qty, first.side),
        (0x0079_2F9F, 1, Side::Buy)
    );
    assert_eq!(first.price, Price(80_520_000_000));
    assert_eq!((adds[1].qty, adds[1].price), (100, Price(357_330_000_000)));
    assert_eq!((adds[37].qty, adds[37].price), (1, Price(358_000_000_000)));
}

#[test]
fn frames_of_single_packets_are_exact() {
    let start = midnight(jiff::civil::date(2023, 8, 22)).unwrap();
    assert_eq!(start, Nanos(1_692_676_800_000_000_000));
    let Some((sequence, bytes)) = single("AddOrderNoMpidAttributionMessage.pcap") else {
        return;
    };
    let mut decoder = Decoder::new(SOURCE, start, &universe(&["IVOO", "AMC"]));
    let mut draft = Draft::new();
    assert!(decoder.decode(&bytes, sequence, &mut draft).frame);
    assert_eq!(draft.header().instrument, InstrumentId(1));
    let expected = Add {
        order_id: 23_508_286,
        price: Price(87_390_000_000),
        qty: 1_600,
        side: Side::Buy,
        flags: 0,
        source: SOURCE,
        venue_ts: Nanos(1_692_710_999_999_894_278),
    };
    assert_eq!(draft.frame().read::<Add>(), &expected);

    let (sequence, bytes) = single("StockTradingActionMessage.pcap").unwrap();
    assert!(decoder.decode(&bytes, sequence, &mut draft).frame);
    assert_eq!(draft.header().instrument, InstrumentId(2));
    assert_eq!(draft.frame().read::<Halt>().state, HaltState::Trading);

    // A replace of a stock that nothing has named cannot be told to be wanted.
    let (sequence, bytes) = single("OrderReplaceMessage.pcap").unwrap();
    assert!(!decoder.decode(&bytes, sequence, &mut draft).frame);
    assert_eq!(decoder.counts().unlocated, 1);
    // Once it is known to be wanted, it is.
    let mut known = bytes.clone();
    known[1..3].copy_from_slice(&5_528u16.to_be_bytes());
    assert!(decoder.decode(&known, sequence, &mut draft).frame);
    let modify = draft.frame().read::<Modify>();
    assert_eq!(
        (modify.order_id, modify.new_order_id),
        (0x00E6_897F, 0x0145_F2C7)
    );
    assert_eq!((modify.price, modify.qty), (Price(106_260_000_000), 100));
}

#[test]
fn the_first_thousand_messages_of_a_day_are_all_known() {
    let Some(path) = data("wire_fixtures/itch50_first1000_real.bin") else {
        return;
    };
    let mut file = BinaryFile::new(open::open(&path).expect("the fixture opens"));
    let mut by_type = [0u32; 256];
    let (mut last, mut listings) = (0, Vec::new());
    while let Some((offset, bytes)) = file.advance().expect("the fixture is whole") {
        let message = Message::parse(bytes).unwrap_or_else(|error| panic!("{offset}: {error}"));
        by_type[usize::from(message.code())] += 1;
        assert!(message.stamp() >= last, "time runs forward");
        last = message.stamp();
        if let Message::StockDirectory(stock) = message {
            let name = String::from_utf8(stock.stock().to_vec()).expect("ASCII");
            listings.push((name.trim_end().to_owned(), message.locate()));
            assert!(matches!(stock.authenticity(), b'P' | b'T'));
        }
    }
    assert_eq!(last, 11_354_360_581_176);
    let found: Vec<_> = TYPES
        .iter()
        .map(|(code, _)| (*code, by_type[usize::from(*code)]))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(found, [(b'S', 1), (b'R', 993), (b'H', 3), (b'Y', 3)]);
    assert_eq!(listings.len(), 993);
    assert_eq!(listings[12], ("AAPL".to_owned(), 13));
    assert!(listings.contains(&("AMZN".to_owned(), 393)));
}

#[test]
fn a_real_file_is_a_source() {
    let Some(path) = data("wire_fixtures/itch50_first1000_real.bin") else {
        return;
    };
    let wanted = universe(&["AMZN", "A"]);
    let options = Options {
        source: SOURCE,
        universe: &wanted,
        bars: None,
    };
    // Its name tells no date.
    let error = FileSource::open(&path, &options)
        .expect_err("there is no date")
        .to_string();
    assert!(error.contains("01302019"), "{error}");
    let folder = tempfile::tempdir().expect("a folder");
    let named = folder.path().join("01302019.NASDAQ_ITCH50");
    std::fs::copy(&path, &named).expect("the fixture can be copied");
    let mut source = FileSource::open(&named, &options).expect("it opens");
    let (mut draft, mut frames) = (Draft::new(), Vec::new());
    while let Next::At(due) = source.next() {
        assert!(source.take(&mut draft));
        assert_eq!(draft.header().ts, due);
        frames.push((draft.header().kind.name(), draft.header().instrument.0));
        if let Some(instrument) = draft.frame().try_read::<Instrument>() {
            let symbol = stream::payload::read_text(&instrument.symbol).to_owned();
            let venue = stream::payload::read_text(&instrument.venue).to_owned();
            let seen = (
                symbol.as_str(),
                venue.as_str(),
                instrument.venue_id,
                instrument.lot,
            );
            match draft.header().instrument.0 {
                1 => assert_eq!(seen, ("AMZN", "NASDAQ", 393, 1)),
                _ => assert_eq!(seen, ("A", "NYSE", 1, 1)),
            }
        }
    }
    assert!(source.error().is_none());
    let expected = [
        ("Clear", 2),
        ("Instrument", 2),
        ("Halt", 2),
        ("Clear", 1),
        ("Instrument", 1),
    ];
    assert_eq!(frames, expected);
    assert_eq!(source.counts().records, 1_000);
}

#[test]
fn a_symbol_that_is_not_there_is_named_before_anything_starts() {
    let Some(path) = data("wire_fixtures/itch50_first1000_real.bin") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let named = folder.path().join("01302019.NASDAQ_ITCH50");
    std::fs::copy(&path, &named).expect("the fixture can be copied");
    let wanted = universe(&["NOSUCH"]);
    let options = Options {
        source: SOURCE,
        universe: &wanted,
        bars: None,
    };
    let error = FileSource::open(&named, &options)
        .expect_err("nothing to read")
        .to_string();
    assert!(
        error.contains("NOSUCH") && error.contains("AAAU"),
        "{error}"
    );
}

#[test]
fn every_type_has_its_length() {
    let lengths: String = TYPES
        .iter()
        .map(|(code, _)| format!("{}{} ", *code as char, LENGTHS[usize::from(*code)]))
        .collect();
    let expected = "S12 R39 H25 Y20 L26 V35 W12 K28 J35 h21 A36 F40 E31 C36 X23 D19 U35 P44 Q40 \
                    B19 I50 N20 O48 ";
    assert_eq!(lengths, expected);
}
