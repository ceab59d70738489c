//! The tape: sessions, bars, and what a checkpoint keeps.

use super::frames::*;
use crate::{BookStage, Books, Config};
use stream::Side::{Buy, Sell};
use stream::payload::{Bar, FaultCode, HaltState, flags};
use stream::stage::Collected;
use stream::{Nanos, Payload, Price, Side, Stage};

const CONFIG: Config = Config {
    instruments: 2,
    orders_max: 16,
    levels_max: 16,
    stale: Nanos::SECOND,
};

fn bar(prices: [i64; 4], volume: u64) -> Bar {
    let [open, high, low, close] = prices.map(cents);
    Bar {
        open,
        high,
        low,
        close,
        volume,
        ..Bar::zeroed()
    }
}

fn apply<P: Payload>(books: &mut Books, payload: &P) -> Option<FaultCode> {
    let draft = input(5, ONE, payload);
    books.apply(draft.frame(), &mut |_| {}).fault
}

#[test]
fn trades_add_up_and_a_session_starts_over() {
    let mut books = Books::new(&CONFIG);
    apply(&mut books, &session(20_120_621));
    apply(&mut books, &trade(cents(100), 10, Buy));
    apply(&mut books, &trade(cents(103), 20, Sell));
    let mut busted = trade(cents(900), 99, Buy);
    busted.flags = flags::NON_PRINTABLE;
    apply(&mut books, &busted);
    apply(&mut books, &session(20_120_621));
    let tape = *books.book(ONE).tape();
    let prices = (tape.open, tape.high, tape.low, tape.last);
    assert_eq!(prices, (cents(100), cents(103), cents(100), cents(103)));
    assert_eq!((tape.volume, tape.vwap()), (30, cents(102)));
    apply(&mut books, &session(20_120_622));
    let tape = *books.book(ONE).tape();
    assert_eq!(
        (tape.volume, tape.vwap(), tape.last),
        (0, Price::ZERO, Price::ZERO)
    );
    assert_eq!(
        (tape.trades_total, tape.bought_total, tape.sold_total),
        (2, 10, 20)
    );
}

#[test]
fn bars_stand_in_until_trades_are_seen() {
    let mut books = Books::new(&CONFIG);
    assert_eq!(apply(&mut books, &bar([100, 110, 90, 100], 1_000)), None);
    assert_eq!(apply(&mut books, &bar([100, 130, 100, 130], 1_000)), None);
    let tape = *books.book(ONE).tape();
    assert_eq!(
        (tape.open, tape.high, tape.low),
        (cents(100), cents(130), cents(90))
    );
    assert_eq!((tape.vwap(), tape.volume), (cents(110), 2_000));
    for prices in [[100, 90, 110, 100], [0, 0, 0, 0], [100, 105, 99, 106]] {
        let fault = apply(&mut books, &bar(prices, 1));
        assert_eq!(fault, Some(FaultCode::BadValue));
    }
    apply(&mut books, &trade(cents(120), 5, Side::None));
    apply(&mut books, &bar([1, 1, 1, 1], 1));
    let tape = *books.book(ONE).tape();
    assert_eq!(
        (tape.open, tape.low, tape.volume),
        (cents(120), cents(120), 5)
    );
}

#[test]
fn absurd_volumes_saturate() {
    let mut books = Books::new(&CONFIG);
    let huge = Bar {
        open: Price(i64::MAX),
        high: Price(i64::MAX),
        low: Price(i64::MAX),
        close: Price(i64::MAX),
        volume: u64::MAX,
        ..Bar::zeroed()
    };
    for _ in 0..3 {
        apply(&mut books, &huge);
    }
    let tape = books.book(ONE).tape();
    assert_eq!(tape.volume, u64::MAX);
    assert!(tape.vwap().0 > 0);
}

#[test]
fn a_checkpoint_keeps_tape_and_halt_and_refuses_what_it_did_not_write() {
    let mut stage = BookStage::new(&CONFIG);
    let mut out = Collected::default();
    stage.on_frame(input(1, ONE, &session(20_120_621)).frame(), &mut out);
    stage.on_frame(input(2, ONE, &trade(cents(100), 10, Buy)).frame(), &mut out);
    stage.on_frame(input(3, ONE, &add(1, Buy, cents(99), 10)).frame(), &mut out);
    stage.on_frame(input(4, ONE, &halt(HaltState::Halted)).frame(), &mut out);
    let mut bytes = Vec::new();
    stage.save(&mut bytes);

    let mut fresh = BookStage::new(&CONFIG);
    assert!(fresh.load(&bytes[1..]).is_err());
    let mut spoiled = bytes.clone();
    spoiled[69] = 9;
    assert!(fresh.load(&spoiled).is_err());
    assert_eq!(fresh.books().book(ONE).tape().volume, 0);

    fresh.load(&bytes).unwrap();
    let book = fresh.books().book(ONE);
    assert_eq!((book.tape().volume, book.tape().last), (10, cents(100)));
    assert!(book.halted());
    assert_eq!(book.best(Buy), None, "books are never saved");
    // The session goes on: told again, it does not start over.
    fresh.on_frame(input(5, ONE, &session(20_120_621)).frame(), &mut out);
    assert_eq!(fresh.books().book(ONE).tape().volume, 10);
    let mut again = Vec::new();
    fresh.save(&mut again);
    assert_eq!(again, bytes);
}
