//! What happens where there is no room, and the rest that the twin does not know.

use super::frames::*;
use crate::{Books, Config, Effect, ROWS_MAX, Touched, WINDOW};
use stream::Side::{Buy, Sell};
use stream::payload::{FaultCode, GapReason, RowOp, flags, quality};
use stream::{InstrumentId, Nanos, Payload, Price};

fn books(orders_max: usize, levels_max: usize) -> Books {
    Books::new(&Config {
        instruments: 1,
        orders_max,
        levels_max,
        stale: Nanos::SECOND,
    })
}

fn apply<P: Payload>(books: &mut Books, payload: &P) -> (Option<FaultCode>, Vec<Effect>) {
    let mut effects = Vec::new();
    let draft = input(5, ONE, payload);
    let applied = books.apply(draft.frame(), &mut |effect| effects.push(effect));
    (applied.fault, effects)
}

#[test]
fn the_order_beyond_the_table_is_skipped_and_gaps_the_book() {
    let mut books = books(3, 8);
    for id in 1..=3 {
        assert_eq!(apply(&mut books, &add(id, Buy, cents(100), 1)).0, None);
    }
    let (fault, effects) = apply(&mut books, &add(4, Buy, cents(101), 1));
    assert_eq!((fault, effects), (Some(FaultCode::TableFull), vec![]));
    assert_eq!(books.book(ONE).best(Buy), Some((cents(100), 3)));
    assert_ne!(books.book(ONE).quality() & quality::GAPPED, 0);
    assert_eq!(books.book(ONE).faults(FaultCode::TableFull), 1);
}

#[test]
fn emptied_books_make_room_again() {
    let mut books = books(64, 8);
    for round in 0..20 {
        for id in 0..64 {
            let order = add(1_000 * round + id, Buy, cents(100 + id as i64), 1);
            assert_eq!(
                apply(&mut books, &order).0,
                None,
                "round {round}, order {id}"
            );
        }
        apply(&mut books, &clear(0));
        assert_eq!(books.book(ONE).levels(Buy).count(), 0);
        assert_eq!(books.order(ONE, 1_000 * round), None);
    }
}

#[test]
fn the_farthest_level_makes_room_for_a_nearer_one() {
    let mut books = books(100, 2);
    // Far from one another: only one of them can stand in the window.
    let far = |n: i64| cents(n * 2 * WINDOW as i64);
    for (id, n) in [(1, 10), (2, 9), (3, 8)] {
        assert_eq!(apply(&mut books, &add(id, Buy, far(n), 1)).0, None);
    }
    let (fault, effects) = apply(&mut books, &add(4, Buy, far(7), 1));
    assert_eq!((fault, effects), (Some(FaultCode::TableFull), vec![]));
    assert_eq!(books.order(ONE, 4), None);
    assert_ne!(books.book(ONE).quality() & quality::GAPPED, 0);
    // A new best pushes the old window out, and with it the farthest over the edge.
    let (fault, effects) = apply(&mut books, &add(5, Buy, far(11), 1));
    assert_eq!(fault, Some(FaultCode::TableFull));
    assert_eq!(effects.len(), 1);
    let levels: Vec<_> = books.book(ONE).levels(Buy).map(|level| level.0).collect();
    assert_eq!(levels, [far(11), far(10), far(9)]);
    assert_eq!(books.order(ONE, 3), None, "its level is gone");
}

#[test]
fn rows_are_bounded() {
    let mut books = books(1, 1);
    for _ in 0..ROWS_MAX {
        assert_eq!(
            apply(&mut books, &row(RowOp::Insert, Buy, 0, cents(5), 1)).0,
            None
        );
    }
    let (fault, _) = apply(&mut books, &row(RowOp::Insert, Buy, 0, cents(5), 1));
    assert_eq!(fault, Some(FaultCode::TableFull));
    assert_eq!(books.book(ONE).best(Buy), Some((cents(5), ROWS_MAX as u64)));
    assert_ne!(books.book(ONE).quality() & quality::GAPPED, 0);
}

#[test]
fn a_snapshot_tells_what_changed_and_makes_the_book_sound() {
    let mut books = books(1, 1);
    apply(&mut books, &row(RowOp::Insert, Buy, 0, cents(100), 5));
    apply(&mut books, &row(RowOp::Insert, Buy, 1, cents(99), 6));
    apply(&mut books, &row(RowOp::Delete, Sell, 0, cents(0), 0));
    assert_ne!(books.book(ONE).quality() & quality::GAPPED, 0);
    let fresh = snapshot(
        &[(cents(101), 1), (cents(100), 2), (cents(100), 3)],
        &[(cents(102), 4)],
    );
    let (fault, effects) = apply(&mut books, &fresh);
    let whole = |side, price, old, new| Effect::Level {
        side,
        price: cents(price),
        old,
        new,
    };
    assert_eq!(fault, None);
    assert_eq!(
        effects,
        [
            whole(Buy, 99, 6, 0),
            whole(Buy, 101, 0, 1),
            whole(Sell, 102, 0, 4)
        ]
    );
    assert_eq!(books.book(ONE).quality(), 0);
    // A row without price or quantity keeps its place, and is counted.
    let odd = snapshot(&[(Price::ZERO, 0), (cents(100), 3)], &[(cents(102), 4)]);
    assert_eq!(apply(&mut books, &odd).0, Some(FaultCode::BadValue));
    let update = row(RowOp::Update, Buy, 1, cents(100), 9);
    assert_eq!(apply(&mut books, &update).0, None);
    assert_eq!(books.book(ONE).best(Buy), Some((cents(100), 9)));
}

#[test]
fn depth_alone_does_not_make_an_old_quote_sound() {
    let mut books = books(1, 1);
    let fresh = snapshot(&[(cents(99), 5)], &[(cents(104), 5)]);
    let lost = gap(SOURCE, GapReason::Lost);
    let mut after = |payloads: &[&dyn Fn(&mut Books)]| {
        payloads.iter().for_each(|one| one(&mut books));
        books.book(ONE).quality()
    };
    let told = |books: &mut Books| drop(apply(books, &quote(cents(101), 2, cents(102), 3)));
    let gapped = |books: &mut Books| drop(apply(books, &lost));
    let snapped = |books: &mut Books| drop(apply(books, &fresh));
    let reset = |books: &mut Books| drop(apply(books, &clear(0)));
    let odd_row = |books: &mut Books| {
        drop(apply(books, &row(RowOp::Delete, Sell, 9, cents(0), 0)));
    };
    let recovered = |books: &mut Books| drop(apply(books, &gap(SOURCE, GapReason::Recovered)));
    // Without quotes depth is all there is.
    assert_eq!(after(&[&gapped, &snapped]), 0);
    assert_eq!(after(&[&told, &gapped, &snapped]), quality::GAPPED);
    assert_eq!(after(&[&reset]), quality::GAPPED, "it tells no quote");
    assert_eq!(after(&[&told, &snapped]), 0, "depth behind a new quote");
    assert_eq!(after(&[&gapped, &recovered]), 0, "nothing was missing");
    assert_eq!(after(&[&odd_row]), quality::GAPPED);
    assert_eq!(after(&[&snapped]), 0, "the quote has no gap");
}

#[test]
fn a_quote_tells_what_left_and_what_came() {
    let mut books = books(1, 1);
    let bid = |price, old, new| Effect::Level {
        side: Buy,
        price: cents(price),
        old,
        new,
    };
    let mut quoted = |price, qty| apply(&mut books, &quote(cents(price), qty, cents(200), 1)).1;
    assert_eq!(quoted(100, 5)[0], bid(100, 0, 5));
    assert_eq!(quoted(100, 3), [bid(100, 5, 3)]);
    // Behind a better bid the old one still stands.
    assert_eq!(quoted(101, 4), [bid(101, 0, 4)]);
    assert_eq!(quoted(100, 9), [bid(101, 4, 0), bid(100, 0, 9)]);
    assert_eq!(quoted(100, 0), [bid(100, 9, 0)]);
}

#[test]
fn depth_that_went_silent_gives_way_to_the_quote() {
    let mut books = books(1, 1);
    apply(&mut books, &snapshot(&[(cents(90), 1)], &[(cents(110), 1)]));
    let late = input(
        Nanos::SECOND.0 + 5,
        ONE,
        &quote(cents(99), 2, cents(101), 2),
    );
    books.apply(late.frame(), &mut |_| {});
    assert!(books.book(ONE).has_rows(), "silent for exactly the limit");
    let late = input(
        Nanos::SECOND.0 + 6,
        ONE,
        &quote(cents(99), 2, cents(101), 2),
    );
    books.apply(late.frame(), &mut |_| {});
    assert!(!books.book(ONE).has_rows());
    assert_eq!(books.book(ONE).level_qty(Buy, cents(99)), 2);
}

#[test]
fn frames_about_strangers_are_counted() {
    let mut books = books(1, 1);
    for instrument in [InstrumentId(2), InstrumentId::NONE, InstrumentId(u16::MAX)] {
        let draft = input(5, instrument, &add(1, Buy, cents(1), 1));
        let applied = books.apply(draft.frame(), &mut |effect| panic!("{effect:?}"));
        assert_eq!(applied.fault, Some(FaultCode::UnknownInstrument));
        assert_eq!(applied.touched, Touched::None);
    }
    assert_eq!(books.strangers(), 3);
}

#[test]
fn more_sources_than_are_told_apart_share_the_last_place() {
    let mut books = books(1, 1);
    for source in 0..20 {
        let mut update = quote(cents(1), 1, cents(2), 1);
        update.source = stream::SourceId(source);
        apply(&mut books, &update);
    }
    let say = |books: &mut Books, source, reason| {
        apply(books, &gap(stream::SourceId(source), reason));
        books.book(ONE).quality() & quality::GAPPED != 0
    };
    use stream::payload::GapReason::{Lost, Recovered};
    assert!(say(&mut books, 2, Lost));
    assert!(say(&mut books, 19, Lost));
    assert!(say(&mut books, 2, Recovered));
    assert!(!say(&mut books, 18, Recovered));
}

#[test]
fn a_repeated_order_of_a_snapshot_is_counted_only() {
    let mut books = books(8, 1);
    let mut order = add(1, Buy, cents(100), 5);
    order.flags = flags::SNAPSHOT;
    apply(&mut books, &order);
    assert_eq!(
        apply(&mut books, &order),
        (Some(FaultCode::DuplicateOrder), vec![])
    );
    assert_eq!(books.book(ONE).quality() & quality::GAPPED, 0);
}

#[test]
fn equal_streams_give_equal_hashes_and_every_part_counts() {
    let base = || {
        let mut books = books(64, 8);
        apply(&mut books, &add(1, Buy, cents(100), 5));
        apply(&mut books, &add(2, Sell, cents(101), 5));
        apply(&mut books, &trade(cents(101), 1, Buy));
        books
    };
    let mut hashes = vec![base().state_hash()];
    assert_eq!(hashes[0], base().state_hash());
    let mut with = |change: &dyn Fn(&mut Books)| {
        let mut books = base();
        change(&mut books);
        hashes.push(books.state_hash());
    };
    with(&|books| drop(apply(books, &modify(1, 1, cents(100), 4))));
    with(&|books| drop(apply(books, &modify(1, 9, cents(100), 5))));
    with(&|books| drop(apply(books, &modify(1, 1, cents(99), 5))));
    with(&|books| drop(apply(books, &level(Buy, cents(100), 5, 0))));
    with(&|books| drop(apply(books, &trade(cents(101), 1, Buy))));
    with(&|books| drop(apply(books, &trade(cents(101), 1, Sell))));
    with(&|books| drop(apply(books, &quote(cents(1), 1, cents(2), 1))));
    with(&|books| drop(apply(books, &row(RowOp::Insert, Buy, 0, cents(1), 1))));
    with(&|books| drop(apply(books, &halt(stream::payload::HaltState::Halted))));
    with(&|books| drop(apply(books, &session(20_120_621))));
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}

/// What large pages are asked for is what the tables then take, and nothing was there before.
#[test]
fn memory_is_told_before_it_is_touched_and_holds_the_tables() {
    let config = Config {
        instruments: 3,
        orders_max: 200_000,
        levels_max: 4,
        stale: Nanos::MAX,
    };
    let mut told = Vec::new();
    let mut books = Books::with_memory(&config, &mut |range| told.push(range));
    let [of_books, aged, young] = told.try_into().expect("books, and two parts of orders");
    for instrument in (1..=3).map(InstrumentId) {
        let book = core::ptr::from_ref(books.book(instrument)) as usize;
        assert!(of_books.contains(&book));
        assert!(book.is_multiple_of(64), "a book begins a cache line");
    }
    let order = add(7, Buy, cents(1_000), 5);
    books.apply(input(1, ONE, &order).frame(), &mut |_| {});
    assert!(!aged.is_empty() && !young.is_empty(), "of a large table");
    assert_eq!(books.orders.memory(), [aged, young]);
    assert_eq!(books.order(ONE, 7).map(|order| order.qty), Some(5));
}
