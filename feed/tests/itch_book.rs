//! The oracle of the ITCH decoder on a whole market day: the book of a transcoded LOBSTER day is
//! the book of the LOBSTER frames, after every record.

mod itch_support;

use feed::file::{FileSource, Options};
use feed::itch::file::FileDecoder;
use feed::itch::{Decoder, midnight};
use feed::open::Input;
use itch_support::transcode::{self, Day};
use itch_support::write::{self, At, binary_file};
use itch_support::{ONE, SOURCE, apply, books, data, shown, universe};
use stream::{Draft, Next, Price, Side, Source, SourceId};

/// Compares after every record; returns records and messages.
fn day_is_equal(file: &str, stock: &str, depth: usize) -> Option<(u64, u64)> {
    let path = data(file)?;
    let start = midnight(transcode::DATE).expect("the date is in range");
    let mut decoder = Decoder::new(SOURCE, start, &universe(&[stock]));
    let (mut lobster, mut itch) = (books(), books());
    let (mut records, mut seq) = (0, 0);
    let mut draft = Draft::new();
    let mut decode = |books: &mut book::Books, message: &[u8], seq: &mut u64| {
        if decoder.decode(message, *seq, &mut draft).frame {
            *seq += 1;
            let fault = apply(books, &mut draft, *seq, start);
            assert_eq!(fault, None, "{message:?}");
        }
    };
    let mut day = Day::open(&path, stock);
    for message in day.opening() {
        decode(&mut itch, &message, &mut seq);
    }
    for event in day.by_ref() {
        for frame in event.frames.iter() {
            let fault = lobster.apply(frame, &mut |_| {}).fault;
            assert_eq!(fault, None, "{frame:?}");
        }
        for message in &event.messages {
            decode(&mut itch, message, &mut seq);
        }
        records += 1;
        assert_eq!(
            shown(&itch, depth),
            shown(&lobster, depth),
            "after record {records}"
        );
    }
    assert_eq!(decoder.counts().faults, 0);
    assert_eq!(itch.book(ONE).quality(), lobster.book(ONE).quality());
    Some((records, decoder.counts().messages()))
}

#[test]
fn a_transcoded_day_of_amzn_makes_the_same_book_after_every_record() {
    let file = "equity_l3_lobster/LOBSTER_SampleFile_AMZN_2012-06-21_5.zip";
    if let Some((records, messages)) = day_is_equal(file, "AMZN", 6) {
        assert_eq!(records, 155_935);
        assert!(messages > records);
    }
}

#[test]
fn a_transcoded_day_of_aapl_makes_the_same_book_after_every_record() {
    let file = "equity_l3_lobster/LOBSTER_SampleFile_AAPL_2012-06-21_1.zip";
    if let Some((records, _)) = day_is_equal(file, "AAPL", 2) {
        assert_eq!(records, 118_497);
    }
}

/// The same once more by way of a packed BinaryFILE and the file source, in the file's own time.
#[test]
fn a_packed_file_of_a_transcoded_day_ends_in_the_same_book() {
    let Some(path) = data("equity_l3_lobster/LOBSTER_SampleFile_AAPL_2012-06-21_1.zip") else {
        return;
    };
    let mut day = Day::open(&path, "AAPL");
    let (mut messages, mut lobster) = (day.opening(), books());
    let mut last = stream::Nanos::ZERO;
    for event in day.by_ref() {
        last = event.ts;
        messages.extend(event.messages);
        for frame in event.frames.iter() {
            lobster.apply(frame, &mut |_| {});
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("06212012.NASDAQ_ITCH50.zst");
    let packed = zstd::encode_all(&binary_file(&messages)[..], 1).expect("it can be packed");
    std::fs::write(&file, packed).expect("it can be written");
    let wanted = universe(&["AAPL"]);
    let options = Options {
        source: SOURCE,
        universe: &wanted,
        bars: None,
    };
    let mut source = FileSource::open(&file, &options).expect("it opens");
    let (mut itch, mut draft, mut before) = (books(), Draft::new(), stream::Nanos::ZERO);
    while let Next::At(due) = source.next() {
        assert!(source.take(&mut draft) && due >= before);
        before = due;
        assert_eq!(itch.apply(draft.frame(), &mut |_| {}).fault, None);
    }
    assert!(source.error().is_none());
    assert_eq!(before, last);
    assert_eq!(shown(&itch, 100), shown(&lobster, 100));
    assert_eq!(source.counts().unasked, 1);
}

/// Applies a day's file to books that may hold the day before.
fn follow(books: &mut book::Books, name: &str, source: u16, messages: &[Vec<u8>]) {
    let (input, source) = (
        Input::from_bytes(name, binary_file(messages)),
        SourceId(source),
    );
    let decoder = FileDecoder::open(input, source, &universe(&["AAPL"]), None).expect("it opens");
    let mut file = FileSource::new(Box::new(decoder), source).expect("its first message is good");
    let mut draft = Draft::new();
    while let Next::At(_) = file.next() {
        assert!(file.take(&mut draft));
        let fault = books.apply(draft.frame(), &mut |_| {}).fault;
        assert_eq!(fault, None, "{:?}", draft.frame());
    }
}

#[test]
fn a_new_days_book_begins_empty() {
    let at = At {
        locate: 13,
        stamp: 34_200_000_000_000,
    };
    let system = write::system(at, b'O');
    let directory = write::directory(at, "AAPL", b'N');
    let first = [
        system.clone(),
        directory.clone(),
        write::add(at, 5, b'B', 100, "AAPL", 2_000_000),
        write::add(at, 6, b'S', 100, "AAPL", 2_000_100),
    ];
    // Ids begin anew, locates may be others, and both prices lie below the old bid.
    let next = At { locate: 14, ..at };
    let orders = [
        write::add(next, 5, b'S', 300, "AAPL", 1_900_100),
        write::add(next, 7, b'B', 200, "AAPL", 1_900_000),
    ];
    let named = [system.clone(), write::directory(next, "AAPL", b'N')];
    // A directory that was missed: the stock's first frame is an order's.
    for opening in [&named[..], &[system]] {
        let mut books = books();
        follow(&mut books, "06212012.NASDAQ_ITCH50", 1, &first);
        assert_eq!(
            books.book(ONE).best(Side::Buy).map(|best| best.1),
            Some(100)
        );
        let second = [opening, &orders].concat();
        follow(&mut books, "06222012.NASDAQ_ITCH50", 2, &second);
        let levels = |side| books.book(ONE).levels(side).collect::<Vec<_>>();
        assert_eq!(levels(Side::Buy), [(Price(190_000_000_000), 200)]);
        assert_eq!(levels(Side::Sell), [(Price(190_010_000_000), 300)]);
        assert_eq!(books.book(ONE).quality(), 0);
    }
}
