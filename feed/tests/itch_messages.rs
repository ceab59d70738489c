//! The parser and the decoder, message by message, on written and on random bytes.

mod itch_support;

use feed::file::{FileSource, Frames};
use feed::itch::file::FileDecoder;
use feed::itch::message::{LENGTHS, TYPES};
use feed::itch::{Decoder, ItchError, Message};
use feed::open::Input;
use itch_support::write::{self, At, binary_file, one_of_each};
use itch_support::{ONE, SOURCE, decode_all, universe};
use proptest::prelude::*;
use stream::payload::{
    Add, Delete, Execute, Fault, FaultCode, Halt, HaltState, Instrument, Modify, Trade, flags,
    read_text,
};
use stream::{Draft, FrameRef, Kind, Nanos, Next, Payload, Price, Side, Source};

const MIDNIGHT: Nanos = Nanos(1_340_251_200_000_000_000);
const AT: At = At {
    locate: 13,
    stamp: 34_200_000_000_007,
};
const TS: Nanos = Nanos(MIDNIGHT.0 + AT.stamp);

fn decoder() -> Decoder {
    Decoder::new(SOURCE, MIDNIGHT, &universe(&["AAPL"]))
}

/// A decoder that knows the stock's locate.
fn located() -> Decoder {
    let mut decoder = decoder();
    let directory = write::directory(AT, "AAPL", b'N');
    assert!(decoder.decode(&directory, 1, &mut Draft::new()).frame);
    decoder
}

/// The payload of the one frame that a message makes.
fn one<P: Payload>(decoder: &mut Decoder, message: &[u8]) -> P {
    let mut draft = Draft::new();
    assert!(decoder.decode(message, 55, &mut draft).frame, "no frame");
    *draft.frame().read::<P>()
}

/// The fault that a message makes.
fn fault(message: &[u8]) -> (FaultCode, u64) {
    let mut decoder = located();
    let fault = one::<Fault>(&mut decoder, message);
    assert_eq!(
        (fault.position, fault.source, decoder.counts().faults),
        (55, SOURCE, 1)
    );
    // Beside the directory's message one of right type and length is counted, no other.
    let whole = u64::from(fault.code == FaultCode::BadValue);
    assert_eq!(decoder.counts().messages(), 1 + whole);
    (fault.code, fault.value)
}

#[test]
fn every_type_is_read_at_its_exact_length_only() {
    let messages = one_of_each(AT, "AAPL");
    let codes: Vec<u8> = messages.iter().map(|message| message[0]).collect();
    let known: Vec<u8> = TYPES.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, known);
    for message in &messages {
        let parsed = Message::parse(message).expect("a whole message");
        assert_eq!((parsed.bytes(), parsed.stamp()), (&message[..], AT.stamp));
        let code = message[0];
        for cut in 1..message.len() {
            let error = Message::parse(&message[..cut]).expect_err("cut short");
            let expected = LENGTHS[usize::from(code)];
            let found = cut;
            assert_eq!(
                error,
                ItchError::Length {
                    code,
                    expected,
                    found
                }
            );
        }
        let mut long = message.clone();
        long.push(0);
        assert!(matches!(
            Message::parse(&long),
            Err(ItchError::Length { .. })
        ));
    }
    assert_eq!(Message::parse(&[]), Err(ItchError::Empty));
    assert_eq!(
        Message::parse(b"z12"),
        Err(ItchError::UnknownType { code: b'z' })
    );
}

#[test]
fn every_truncation_is_a_fault_with_its_place() {
    for message in one_of_each(AT, "AAPL") {
        for cut in 1..message.len() {
            assert_eq!(fault(&message[..cut]), (FaultCode::Malformed, cut as u64));
        }
    }
    assert_eq!(fault(&[]), (FaultCode::Malformed, 0));
    assert_eq!(
        fault(&[b'?'; 36]),
        (FaultCode::UnknownType, u64::from(b'?'))
    );
    // As of the wanted stock, and at an hour that no day has.
    let mut odd = write::delete(AT, 5);
    odd[0] = b'?';
    assert_eq!(fault(&odd), (FaultCode::UnknownType, u64::from(b'?')));
    let stamp = 26 * 3_600 * 1_000_000_000;
    let late = write::delete(At { stamp, ..AT }, 5);
    assert_eq!(fault(&late), (FaultCode::BadValue, stamp));
    assert_eq!(fault(&late[..18]), (FaultCode::Malformed, 18));
}

#[test]
fn orders_become_frames() {
    let mut decoder = located();
    for message in [
        write::add(AT, 5, b'S', 100, "AAPL", 5_853_300),
        write::add_mpid(AT, 5, b'S', 100, "AAPL", 5_853_300),
    ] {
        let expected = Add {
            order_id: 5,
            price: Price(585_330_000_000),
            qty: 100,
            side: Side::Sell,
            flags: 0,
            source: SOURCE,
            venue_ts: TS,
        };
        assert_eq!(one::<Add>(&mut decoder, &message), expected);
    }
    let delete = one::<Delete>(&mut decoder, &write::delete(AT, 5));
    assert_eq!(
        (delete.order_id, delete.qty, delete.side),
        (5, 0, Side::None)
    );
    assert_eq!((delete.venue_ts, delete.source), (TS, SOURCE));
    let reduce = one::<Modify>(&mut decoder, &write::cancel(AT, 5, 30));
    assert_eq!(
        (reduce.order_id, reduce.new_order_id, reduce.qty),
        (5, 5, 30)
    );
    assert_eq!(reduce.flags, flags::REDUCE);
    let replace = one::<Modify>(&mut decoder, &write::replace(AT, 5, 6, 70, 10_000));
    assert_eq!(
        (replace.order_id, replace.new_order_id, replace.qty),
        (5, 6, 70)
    );
    assert_eq!(
        (replace.price, replace.side, replace.flags),
        (Price(1_000_000_000), Side::None, 0)
    );
    let executed = one::<Execute>(&mut decoder, &write::executed(AT, 6, 20, 9));
    assert_eq!(
        (executed.order_id, executed.qty, executed.price),
        (6, 20, Price::ZERO)
    );
    assert_eq!((executed.flags, executed.venue_ts), (0, TS));
    for (printable, expected) in [(b'Y', 0), (b'N', flags::NON_PRINTABLE)] {
        let message = write::executed_at(AT, 6, 20, printable, 9_999);
        let executed = one::<Execute>(&mut decoder, &message);
        assert_eq!(
            (executed.price, executed.flags),
            (Price(999_900_000), expected)
        );
    }
}

#[test]
fn prints_become_trades_and_empty_crosses_nothing() {
    let mut decoder = located();
    for message in [
        write::trade(AT, 40, "AAPL", 10_000, 77),
        write::cross(AT, 40, "AAPL", 10_000, 77),
    ] {
        let expected = Trade {
            price: Price(1_000_000_000),
            trade_id: 77,
            qty: 40,
            side: Side::None,
            flags: 0,
            source: SOURCE,
            venue_ts: TS,
        };
        assert_eq!(one::<Trade>(&mut decoder, &message), expected);
    }
    let empty = write::cross(AT, 0, "AAPL", 0, 78);
    assert!(!decoder.decode(&empty, 1, &mut Draft::new()).frame);
    let huge = write::cross(AT, 1 << 32, "AAPL", 10_000, 79);
    assert_eq!(fault(&huge), (FaultCode::BadValue, 1 << 32));
}

#[test]
fn values_outside_their_range_are_faults() {
    let add = |side, shares, price| write::add(AT, 5, side, shares, "AAPL", price);
    for code in (0..=u8::MAX).filter(|code| !b"BS".contains(code)) {
        let value = u64::from(code);
        assert_eq!(fault(&add(code, 1, 1)), (FaultCode::BadValue, value));
    }
    assert_eq!(fault(&add(b'B', 0, 1)), (FaultCode::BadValue, 0));
    assert_eq!(fault(&add(b'B', 1, 0)), (FaultCode::BadValue, 0));
    assert_eq!(fault(&write::cancel(AT, 5, 0)), (FaultCode::BadValue, 0));
    assert_eq!(
        fault(&write::executed(AT, 5, 0, 1)),
        (FaultCode::BadValue, 0)
    );
    assert_eq!(
        fault(&write::replace(AT, 5, 6, 0, 1)),
        (FaultCode::BadValue, 0)
    );
    let unprinted = write::executed_at(AT, 5, 1, b'?', 1);
    assert_eq!(fault(&unprinted), (FaultCode::BadValue, u64::from(b'?')));
    let state = write::action(AT, "AAPL", b'Z', "");
    assert_eq!(fault(&state), (FaultCode::BadValue, u64::from(b'Z')));
    let late = At {
        stamp: 25 * 3_600_000_000_000,
        ..AT
    };
    assert_eq!(
        fault(&write::delete(late, 5)),
        (FaultCode::BadValue, late.stamp)
    );
}

#[test]
fn halts_of_both_causes_are_told_together() {
    let mut decoder = located();
    let mut state = |message: Vec<u8>| {
        let halt = one::<Halt>(&mut decoder, &message);
        (halt.state, read_text(&halt.reason).to_owned())
    };
    let action = |code, reason| write::action(AT, "AAPL", code, reason);
    let operational = |code| write::operational(AT, "AAPL", b'Q', code);
    assert_eq!(
        state(action(b'H', "T1")),
        (HaltState::Halted, "T1".to_owned())
    );
    assert_eq!(
        state(operational(b'H')),
        (HaltState::Halted, "OPHALT".to_owned())
    );
    assert_eq!(
        state(action(b'Q', "T3")),
        (HaltState::Halted, "OPHALT".to_owned())
    );
    assert_eq!(
        state(operational(b'T')),
        (HaltState::QuoteOnly, "T3".to_owned())
    );
    assert_eq!(
        state(action(b'P', "LUDP")),
        (HaltState::Paused, "LUDP".to_owned())
    );
    assert_eq!(state(action(b'T', "")), (HaltState::Trading, String::new()));
    // A sister market's halt is no halt here.
    let elsewhere = write::operational(AT, "AAPL", b'X', b'H');
    assert!(!decoder.decode(&elsewhere, 1, &mut Draft::new()).frame);
}

#[test]
fn a_directory_message_gives_the_locate_and_the_lot() {
    let mut decoder = decoder();
    let listed = one::<Instrument>(&mut decoder, &write::directory(AT, "AAPL", b'Y'));
    assert_eq!((read_text(&listed.symbol), listed.lot), ("AAPL", 100));
    assert_eq!((listed.venue_id, listed.tick_size), (13, Price(10_000_000)));
    assert_eq!((decoder.located(), decoder.counts().of(b'R')), (1, 1));
    // A locate may be given to another stock: its messages are unwanted from then on.
    let mut draft = Draft::new();
    assert!(
        !decoder
            .decode(&write::directory(AT, "MSFT", b'N'), 2, &mut draft)
            .frame
    );
    assert!(!decoder.decode(&write::delete(AT, 5), 3, &mut draft).frame);
    assert_eq!(decoder.counts().unwanted, 2);
}

#[test]
fn stocks_are_found_without_a_directory() {
    let mut decoder = decoder();
    let mut draft = Draft::new();
    assert!(!decoder.decode(&write::delete(AT, 5), 1, &mut draft).frame);
    assert_eq!(decoder.counts().unlocated, 1);
    assert!(
        decoder
            .decode(&write::add(AT, 5, b'B', 1, "AAPL", 1), 2, &mut draft)
            .frame
    );
    assert!(decoder.decode(&write::delete(AT, 5), 3, &mut draft).frame);
    let other = At { locate: 14, ..AT };
    // A name that only begins alike is another stock.
    for stock in ["AAPLW", "AAP", "", "ZZZZZZZZ"] {
        assert!(
            !decoder
                .decode(&write::add(other, 6, b'B', 1, stock, 1), 4, &mut draft)
                .frame
        );
    }
    assert_eq!(decoder.counts().unwanted, 4);
    assert_eq!(
        (decoder.counts().messages(), decoder.counts().faults),
        (7, 0)
    );
}

#[test]
fn repeats_rebuild_the_book_and_print_nothing() {
    let mut decoder = located();
    decoder.set_replay(true);
    let add = one::<Add>(&mut decoder, &write::add(AT, 5, b'B', 1, "AAPL", 1));
    assert_eq!(add.flags, flags::SNAPSHOT);
    let executed = one::<Execute>(&mut decoder, &write::executed(AT, 5, 1, 1));
    assert_eq!(executed.flags, flags::SNAPSHOT | flags::NON_PRINTABLE);
    let trade = write::trade(AT, 40, "AAPL", 10_000, 77);
    assert!(!decoder.decode(&trade, 1, &mut Draft::new()).frame);
    decoder.set_replay(false);
    assert_eq!(one::<Trade>(&mut decoder, &trade).qty, 40);
}

fn source(bytes: Vec<u8>) -> Result<FileSource, feed::error::FeedError> {
    let input = Input::from_bytes("06212012.NASDAQ_ITCH50", bytes);
    let decoder = FileDecoder::open(input, SOURCE, &universe(&["AAPL"]), None)?;
    FileSource::new(Box::new(decoder), SOURCE)
}

/// Every frame of a file and why it ended.
fn read(bytes: Vec<u8>) -> (Vec<(Nanos, Kind)>, Option<String>) {
    let mut source = match source(bytes) {
        Ok(source) => source,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let (mut frames, mut draft) = (Vec::new(), Draft::new());
    while let Next::At(_) = source.next() {
        assert!(source.take(&mut draft));
        frames.push((draft.header().ts, draft.header().kind));
    }
    (frames, source.error().map(ToString::to_string))
}

fn day() -> Vec<Vec<u8>> {
    vec![
        write::system(AT, b'O'),
        write::directory(AT, "AAPL", b'N'),
        write::add(AT, 5, b'B', 1, "AAPL", 1),
        write::delete(AT, 5),
    ]
}

const DAY: [Kind; 4] = [Kind::Clear, Kind::Instrument, Kind::Add, Kind::Delete];

#[test]
fn a_file_ends_at_its_end_mark_or_between_messages() {
    let kinds = |bytes| -> (Vec<Kind>, Option<String>) {
        let (frames, error) = read(bytes);
        (frames.into_iter().map(|(_, kind)| kind).collect(), error)
    };
    let bytes = binary_file(&day());
    assert_eq!(kinds(bytes.clone()), (DAY.to_vec(), None));
    let mut marked = bytes.clone();
    marked.extend([0, 0, 1, 2, 3]);
    assert_eq!(kinds(marked), (DAY.to_vec(), None));
}

#[test]
fn a_file_cut_at_any_byte_is_complete_or_an_error_that_names_the_place() {
    let messages = day();
    let bytes = binary_file(&messages);
    let mut ends = vec![0];
    for message in &messages {
        ends.push(ends[ends.len() - 1] + message.len() + 2);
    }
    for cut in 0..bytes.len() {
        let (_, error) = read(bytes[..cut].to_vec());
        // A file without the stock that is asked for is an error of its own.
        let whole = ends.contains(&cut) && cut >= ends[2];
        assert_eq!(error.is_none(), whole, "cut at {cut}: {error:?}");
        if let (Some(error), false) = (error, ends.contains(&cut)) {
            let start = ends.iter().rev().find(|end| **end < cut).expect("0 is one");
            assert!(
                error.contains(&format!("at byte {start}:")),
                "{cut}: {error}"
            );
            assert!(error.contains("06212012.NASDAQ_ITCH50"), "{error}");
        }
    }
}

#[test]
fn a_bad_message_in_a_file_is_a_fault_and_the_next_one_is_read() {
    let mut messages = day();
    messages.insert(2, vec![b'?'; 9]);
    messages.insert(3, write::add(AT, 9, b'X', 1, "AAPL", 1));
    let (frames, error) = read(binary_file(&messages));
    let kinds: Vec<Kind> = frames.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(error, None);
    assert_eq!(
        kinds,
        [
            Kind::Clear,
            Kind::Instrument,
            Kind::Fault,
            Kind::Fault,
            Kind::Add,
            Kind::Delete
        ]
    );
}

#[test]
fn time_that_runs_backwards_is_told_and_does_not() {
    let early = At {
        stamp: AT.stamp - 1,
        ..AT
    };
    let mut messages = day();
    messages.push(write::add(early, 6, b'B', 1, "AAPL", 1));
    let (frames, error) = read(binary_file(&messages));
    assert_eq!(error, None);
    assert_eq!(frames[DAY.len()..], [(TS, Kind::Fault), (TS, Kind::Add)]);
}

#[test]
fn garbage_is_refused() {
    let (_, error) = read(b"time,open,high,low,close\n1,2,3,4,5\n".to_vec());
    assert!(error.is_some());
    // Framing that was lost on the way ends the file instead of inventing messages.
    let mut bytes = binary_file(&day());
    let at = bytes.len() + 63 * 3;
    bytes.extend([0, 1, 7].repeat(200));
    let (frames, error) = read(bytes);
    assert_eq!(frames.len(), DAY.len() + 63);
    assert!(error.expect("lost").contains(&format!("at byte {at}")));
}

/// Bytes that are often nearly messages.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let types = one_of_each(AT, "AAPL");
    let mutated = (
        0..types.len(),
        any::<prop::sample::Index>(),
        any::<u8>(),
        0..3usize,
    );
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        mutated.prop_map(move |(index, at, value, cut)| {
            let mut bytes = types[index].clone();
            let at = at.index(bytes.len());
            bytes[at] = value;
            bytes.truncate(bytes.len() - cut);
            bytes
        }),
    ]
}

/// Values that no frame may carry.
fn assert_sound(frame: FrameRef<'_>) {
    match frame.kind() {
        Kind::Add => {
            let add = frame.read::<Add>();
            assert!(add.qty > 0 && add.price.0 > 0 && add.side != Side::None);
        }
        Kind::Modify => assert!(frame.read::<Modify>().qty > 0),
        Kind::Execute => assert!(frame.read::<Execute>().qty > 0),
        Kind::Trade => assert!(frame.read::<Trade>().qty > 0 && frame.read::<Trade>().price.0 > 0),
        Kind::Instrument => assert!(frame.read::<Instrument>().lot > 0),
        Kind::Fault => assert_eq!(frame.instrument().0, 0),
        Kind::Delete | Kind::Halt => {}
        kind => panic!("no message makes a {kind}"),
    }
}

proptest! {
    #[test]
    fn random_bytes_make_sound_frames_or_none(
        messages in proptest::collection::vec(nearly(), 0..50)
    ) {
        let mut decoder = located();
        let frames = decode_all(&mut decoder, &messages);
        for frame in frames.iter() {
            assert_sound(frame);
            prop_assert!(frame.instrument() == ONE || frame.kind() == Kind::Fault);
        }
        prop_assert_eq!(
            decoder.counts().messages() + decoder.counts().faults >= messages.len() as u64, true
        );
    }

    #[test]
    fn random_files_end(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        read(bytes);
    }

    #[test]
    fn nearly_good_files_end(messages in proptest::collection::vec(nearly(), 0..50)) {
        let mut all = day();
        all.extend(messages);
        read(binary_file(&all));
    }

    /// A file decoder and a live decoder make the same frames.
    #[test]
    fn both_sinks_take_the_same(messages in proptest::collection::vec(nearly(), 0..50)) {
        let live = decode_all(&mut located(), &messages);
        let (mut decoder, mut frames) = (located(), Frames::new(SOURCE));
        let mut filed = Vec::new();
        for (message, position) in messages.iter().zip(1..) {
            decoder.decode(message, position, &mut frames);
        }
        while let Some(frame) = frames.front() {
            let told = frame.try_read::<Fault>();
            if told.is_none_or(|fault| fault.code != FaultCode::TimeBackwards) {
                filed.push(frame.bytes()[32..].to_vec());
            }
            frames.pop();
        }
        let live: Vec<_> = live.iter().map(|frame| frame.bytes()[32..].to_vec()).collect();
        prop_assert_eq!(filed, live);
    }
}
