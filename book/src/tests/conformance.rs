//! What every book must do: one suite, run on the books and on their naive twin.

use super::frames::*;
use super::twin::Twin;
use crate::{Books, Config, Effect, OrderView};
use stream::Side::{Buy, Sell};
use stream::payload::{FaultCode, GapReason, HaltState, RowOp, Timer, flags, quality};
use stream::{Draft, InstrumentId, Nanos, Payload, Price, Side, SourceId};

pub(super) const STALE: Nanos = Nanos(1_000);

/// What the suite asks of a book.
trait Subject {
    fn new() -> Self;
    fn apply(&mut self, draft: &Draft) -> (Option<FaultCode>, Vec<Effect>);
    fn levels(&self, instrument: InstrumentId, side: Side) -> Vec<(Price, u64)>;
    fn best(&self, instrument: InstrumentId, side: Side) -> Option<(Price, u64)>;
    fn order(&self, instrument: InstrumentId, order_id: u64) -> Option<OrderView>;
    fn quality(&self, instrument: InstrumentId) -> u8;
}

impl Subject for Books {
    fn new() -> Self {
        Books::new(&Config {
            instruments: 2,
            orders_max: 1_000,
            levels_max: 1_000,
            stale: STALE,
        })
    }

    fn apply(&mut self, draft: &Draft) -> (Option<FaultCode>, Vec<Effect>) {
        let mut effects = Vec::new();
        let applied = Books::apply(self, draft.frame(), &mut |effect| effects.push(effect));
        (applied.fault, effects)
    }

    fn levels(&self, instrument: InstrumentId, side: Side) -> Vec<(Price, u64)> {
        self.book(instrument).levels(side).collect()
    }

    fn best(&self, instrument: InstrumentId, side: Side) -> Option<(Price, u64)> {
        self.book(instrument).best(side)
    }

    fn order(&self, instrument: InstrumentId, order_id: u64) -> Option<OrderView> {
        Books::order(self, instrument, order_id)
    }

    fn quality(&self, instrument: InstrumentId) -> u8 {
        self.book(instrument).quality()
    }
}

impl Subject for Twin {
    fn new() -> Self {
        Twin::new(2, STALE)
    }

    fn apply(&mut self, draft: &Draft) -> (Option<FaultCode>, Vec<Effect>) {
        let mut effects = Vec::new();
        let applied = Twin::apply(self, draft.frame(), &mut effects);
        (applied.fault, effects)
    }

    fn levels(&self, instrument: InstrumentId, side: Side) -> Vec<(Price, u64)> {
        self.book(instrument).levels(side)
    }

    fn best(&self, instrument: InstrumentId, side: Side) -> Option<(Price, u64)> {
        self.book(instrument).best(side)
    }

    fn order(&self, instrument: InstrumentId, order_id: u64) -> Option<OrderView> {
        self.book(instrument).order(order_id)
    }

    fn quality(&self, instrument: InstrumentId) -> u8 {
        self.book(instrument).quality()
    }
}

/// Applies frames to a subject, each a nanosecond after the one before.
struct Run<S> {
    subject: S,
    ts: u64,
}

impl<S: Subject> Run<S> {
    fn new() -> Self {
        Self {
            subject: S::new(),
            ts: 0,
        }
    }

    fn apply<P: Payload>(&mut self, payload: &P) -> (Option<FaultCode>, Vec<Effect>) {
        self.ts += 1;
        self.subject.apply(&input(self.ts, ONE, payload))
    }

    /// A frame that must not be at fault.
    fn good<P: Payload>(&mut self, payload: &P) -> Vec<Effect> {
        let (fault, effects) = self.apply(payload);
        assert_eq!(fault, None);
        effects
    }

    fn levels(&self, side: Side) -> Vec<(Price, u64)> {
        self.subject.levels(ONE, side)
    }

    fn quality(&self) -> u8 {
        self.subject.quality(ONE)
    }

    /// A sound book of three orders: two bids at 100.00, an ask at 100.02.
    fn sound() -> Self {
        let mut run = Self::new();
        run.good(&add(1, Buy, cents(10_000), 300));
        run.good(&add(2, Buy, cents(10_000), 200));
        run.good(&add(3, Sell, cents(10_002), 400));
        assert_eq!(run.quality(), 0);
        run
    }
}

fn reduced(side: Side, price: Price, qty: u64, priority: u64, traded: bool) -> Effect {
    Effect::Reduced {
        side,
        price,
        qty,
        priority,
        traded,
    }
}

fn orders_join_and_leave_in_arrival_order<S: Subject>() {
    let mut run = Run::<S>::sound();
    assert_eq!(run.levels(Buy), [(cents(10_000), 500)]);
    let added = run.good(&add(4, Buy, cents(10_001), 50));
    let expected = Effect::Added {
        side: Buy,
        price: cents(10_001),
        qty: 50,
        priority: 4,
    };
    assert_eq!(added, [expected]);
    assert_eq!(run.subject.best(ONE, Buy), Some((cents(10_001), 50)));
    assert_eq!(
        run.good(&delete(4)),
        [reduced(Buy, cents(10_001), 50, 4, false)]
    );
    assert_eq!(
        run.good(&delete(1)),
        [reduced(Buy, cents(10_000), 300, 1, false)]
    );
    assert_eq!(run.levels(Buy), [(cents(10_000), 200)]);
    assert_eq!(run.subject.order(ONE, 1), None);
    assert_eq!(
        run.subject.order(ONE, 2).map(|order| order.priority),
        Some(2)
    );
}

fn a_modified_order_keeps_its_place_only_if_it_shrinks<S: Subject>() {
    let mut run = Run::<S>::sound();
    let shrunk = run.good(&modify(1, 1, cents(10_000), 100));
    assert_eq!(shrunk, [reduced(Buy, cents(10_000), 200, 1, false)]);
    assert_eq!(run.subject.order(ONE, 1).map(|o| o.priority), Some(1));

    let grown = run.good(&modify(1, 1, cents(10_000), 101));
    assert_eq!(grown.len(), 2);
    assert_eq!(run.subject.order(ONE, 1).map(|o| o.priority), Some(4));

    run.good(&modify(2, 2, cents(9_999), 200));
    assert_eq!(run.subject.order(ONE, 2).map(|o| o.priority), Some(5));
    run.good(&modify(2, 7, cents(9_999), 200));
    assert_eq!(run.subject.order(ONE, 2), None);
    assert_eq!(run.subject.order(ONE, 7).map(|o| o.priority), Some(6));
    assert_eq!(run.levels(Buy), [(cents(10_000), 101), (cents(9_999), 200)]);
    run.good(&modify(7, 7, cents(9_999), 0));
    assert_eq!(run.subject.order(ONE, 7), None);
}

fn an_execution_takes_from_the_order_and_prints_at_its_own_price<S: Subject>() {
    let mut run = Run::<S>::sound();
    let effects = run.good(&execute(1, Side::None, Price::ZERO, 120));
    let traded = |price, qty, resting, printed| Effect::Traded {
        price,
        qty,
        resting,
        printed,
    };
    assert_eq!(
        effects,
        [
            reduced(Buy, cents(10_000), 120, 1, true),
            traded(cents(10_000), 120, Buy, true)
        ]
    );
    let mut other_price = execute(3, Sell, cents(10_001), 400);
    other_price.flags = flags::NON_PRINTABLE;
    assert_eq!(
        run.good(&other_price),
        [
            reduced(Sell, cents(10_002), 400, 3, true),
            traded(cents(10_001), 400, Sell, false)
        ]
    );
    assert_eq!(run.quality(), quality::ONE_SIDED);
    let mut hidden = execute(0, Buy, cents(10_001), 10);
    hidden.flags = flags::HIDDEN;
    let before = run.levels(Buy);
    assert_eq!(run.good(&hidden), [traded(cents(10_001), 10, Buy, true)]);
    assert_eq!(run.levels(Buy), before);
}

fn unknown_aggressors_are_told_by_the_quote<S: Subject>() {
    let mut run = Run::<S>::sound();
    for (price, resting) in [
        (cents(10_002), Sell),
        (cents(10_000), Buy),
        (cents(10_001), Side::None),
        (Price(cents(10_001).0 + 1), Sell),
    ] {
        let effects = run.good(&trade(price, 1, Side::None));
        let expected = Effect::Traded {
            price,
            qty: 1,
            resting,
            printed: true,
        };
        assert_eq!(effects, [expected]);
    }
}

fn revealed_levels_give_to_orders_never_seen<S: Subject>() {
    let mut run = Run::<S>::sound();
    let deep = cents(9_990);
    run.good(&level(Buy, deep, 700, flags::REVEALED));
    run.good(&add(9, Buy, deep, 100));
    let mut partial = modify(77, 77, deep, 50);
    partial.flags = flags::REDUCE;
    partial.side = Buy;
    assert_eq!(run.good(&partial), [reduced(Buy, deep, 50, 0, false)]);
    run.good(&execute(78, Buy, deep, 250));
    let mut gone = delete(79);
    (gone.side, gone.price, gone.qty) = (Buy, deep, 400);
    run.good(&gone);
    assert_eq!(
        run.levels(Buy)[1],
        (deep, 100),
        "only the known order is left"
    );
    let (fault, _) = run.apply(&gone);
    assert_eq!(fault, Some(FaultCode::UnknownOrder));
    assert_eq!(run.quality(), quality::GAPPED);
}

fn a_forgotten_level_takes_its_orders_along<S: Subject>() {
    let mut run = Run::<S>::sound();
    let price = cents(10_000);
    let effects = run.good(&level(Buy, price, 0, flags::FORGOTTEN));
    let expected = Effect::Level {
        side: Buy,
        price,
        old: 500,
        new: 0,
    };
    assert_eq!(effects, [expected]);
    assert_eq!(run.subject.order(ONE, 1), None);
    // It comes back: order 1 stands in it, but nobody knows.
    run.good(&level(Buy, price, 600, flags::REVEALED));
    let mut gone = delete(1);
    (gone.side, gone.price, gone.qty) = (Buy, price, 300);
    assert_eq!(run.good(&gone), [reduced(Buy, price, 300, 0, false)]);
    // Its id is free, and a new order under it lives on its own.
    run.good(&add(1, Buy, price, 40));
    assert_eq!(run.good(&delete(1)), [reduced(Buy, price, 40, 4, false)]);
    assert_eq!(run.levels(Buy), [(price, 300)]);
    assert_eq!(run.quality(), 0);
}

fn whole_levels_make_a_book_too<S: Subject>() {
    let mut run = Run::<S>::new();
    for (side, price, qty) in [
        (Buy, 100, 5),
        (Buy, 99, 1 << 40),
        (Sell, 101, 7),
        (Sell, 5_000, 1),
    ] {
        run.good(&level(side, cents(price), qty, 0));
    }
    assert_eq!(run.quality(), 0);
    run.good(&level(Buy, cents(100), 0, 0));
    assert_eq!(run.levels(Buy), [(cents(99), 1 << 40)]);
    assert_eq!(run.levels(Sell), [(cents(101), 7), (cents(5_000), 1)]);
    let (fault, _) = run.apply(&level(Buy, cents(1), u64::MAX, 0));
    assert_eq!(fault, Some(FaultCode::BadValue));
}

fn what_proves_the_book_wrong_gaps_it_until_it_is_rebuilt<S: Subject>() {
    let wrong_side = {
        let mut wrong = delete(1);
        wrong.side = Sell;
        wrong
    };
    type Break<S> = Box<dyn Fn(&mut Run<S>) -> Option<FaultCode>>;
    let breaks: [(Break<S>, FaultCode); 5] = [
        (
            Box::new(|run| run.apply(&delete(99)).0),
            FaultCode::UnknownOrder,
        ),
        (
            Box::new(|run| run.apply(&modify(99, 99, cents(1), 1)).0),
            FaultCode::UnknownOrder,
        ),
        (
            Box::new(|run| run.apply(&add(1, Buy, cents(9_999), 5)).0),
            FaultCode::DuplicateOrder,
        ),
        (
            Box::new(|run| run.apply(&execute(1, Buy, Price::ZERO, 301)).0),
            FaultCode::BadValue,
        ),
        (
            Box::new(move |run| run.apply(&wrong_side).0),
            FaultCode::BadValue,
        ),
    ];
    for (make, code) in breaks {
        let mut run = Run::<S>::sound();
        assert_eq!(make(&mut run), Some(code));
        assert_eq!(run.quality(), quality::GAPPED, "after {code:?}");
        run.good(&gap(SourceId(99), GapReason::Recovered));
        assert_eq!(
            run.quality(),
            quality::GAPPED,
            "another source mends nothing"
        );
        run.good(&clear(flags::MORE));
        assert_eq!(run.quality(), quality::EMPTY);
        run.good(&add(1, Buy, cents(9_999), 5));
        run.good(&add(2, Sell, cents(10_001), 5));
        assert_eq!(run.quality(), 0, "after {code:?}");
    }
}

fn absurd_values_are_skipped_and_prove_nothing<S: Subject>() {
    let mut run = Run::<S>::sound();
    let before = (run.levels(Buy), run.levels(Sell));
    for absurd in [
        add(9, Buy, cents(10_000), 0),
        add(9, Buy, Price(-5), 10),
        add(9, Buy, Price::ZERO, 10),
        add(9, Buy, Price::MAX, 10),
        add(9, Side::None, cents(10_000), 10),
    ] {
        assert_eq!(run.apply(&absurd), (Some(FaultCode::BadValue), vec![]));
    }
    for absurd in [execute(1, Buy, Price(-1), 5), execute(1, Buy, cents(1), 0)] {
        assert_eq!(run.apply(&absurd), (Some(FaultCode::BadValue), vec![]));
    }
    let trade = trade(cents(1), 0, Buy);
    assert_eq!(run.apply(&trade), (Some(FaultCode::BadValue), vec![]));
    assert_eq!((run.levels(Buy), run.levels(Sell)), before);
    assert_eq!(run.quality(), 0);
}

fn a_gap_on_no_instrument_is_about_the_books_of_its_source<S: Subject>() {
    let mut run = Run::<S>::sound();
    let two = InstrumentId(2);
    let mut other = quote(cents(1), 1, cents(2), 1);
    other.source = SourceId(8);
    run.subject.apply(&input(10, two, &other));
    run.subject.apply(&input(
        11,
        InstrumentId::NONE,
        &gap(SOURCE, GapReason::Lost),
    ));
    assert_eq!(run.quality(), quality::GAPPED);
    assert_eq!(run.subject.quality(two), 0);
    run.subject.apply(&input(
        12,
        InstrumentId::NONE,
        &gap(SOURCE, GapReason::Recovered),
    ));
    assert_eq!(run.quality(), 0);
}

fn quality_names_every_reason<S: Subject>() {
    let mut run = Run::<S>::new();
    assert_eq!(run.quality(), quality::EMPTY);
    run.good(&add(1, Buy, cents(100), 1));
    assert_eq!(run.quality(), quality::ONE_SIDED);
    run.good(&add(2, Sell, cents(100), 1));
    assert_eq!(run.quality(), quality::CROSSED);
    run.good(&modify(2, 2, cents(101), 1));
    assert_eq!(run.quality(), 0);
    run.good(&halt(HaltState::Paused));
    assert_eq!(run.quality(), quality::HALTED);
    run.good(&halt(HaltState::Trading));
    let mut more = add(3, Sell, cents(102), 1);
    more.flags = flags::MORE;
    run.good(&more);
    assert_eq!(run.quality(), quality::EMPTY, "between two states");
    run.good(&delete(3));
    assert_eq!(run.quality(), 0);

    let last = run.ts;
    run.ts = last + STALE.0 - 1;
    run.good(&tick(Timer::Evaluate, 1, 0));
    assert_eq!(run.quality(), 0, "as old as the limit is not older");
    run.good(&tick(Timer::Pulse, 1, 0));
    assert_eq!(run.quality(), 0, "a pulse looks at nothing");
    run.good(&tick(Timer::Housekeeping, 1, 0));
    assert_eq!(run.quality(), quality::STALE);
    run.good(&trade(cents(100), 1, Buy));
    assert_eq!(run.quality(), 0);
}

fn positional_rows_hold_several_makers_at_a_price<S: Subject>() {
    let mut run = Run::<S>::new();
    let at = |op, position, price, qty| row(op, Buy, position, cents(price), qty);
    run.good(&at(RowOp::Insert, 0, 100, 5));
    run.good(&at(RowOp::Insert, 1, 100, 7));
    run.good(&at(RowOp::Insert, 2, 99, 9));
    assert_eq!(run.levels(Buy), [(cents(100), 12), (cents(99), 9)]);
    let effects = run.good(&at(RowOp::Insert, 0, 101, 1));
    let whole = |price, old, new| Effect::Level {
        side: Buy,
        price: cents(price),
        old,
        new,
    };
    assert_eq!(effects, [whole(101, 0, 1)]);
    let effects = run.good(&at(RowOp::Update, 1, 99, 5));
    assert_eq!(effects, [whole(99, 9, 14), whole(100, 12, 7)]);
    let effects = run.good(&at(RowOp::Delete, 2, 0, 0));
    assert_eq!(effects, [whole(100, 7, 0)]);
    assert_eq!(run.levels(Buy), [(cents(101), 1), (cents(99), 14)]);
    assert_eq!(run.subject.best(ONE, Buy), Some((cents(101), 1)));
    for wrong in [
        at(RowOp::Insert, 4, 98, 1),
        at(RowOp::Update, 3, 98, 1),
        at(RowOp::Delete, 3, 0, 0),
    ] {
        assert_eq!(run.apply(&wrong).0, Some(FaultCode::BadPosition));
    }
    assert_eq!(run.quality(), quality::ONE_SIDED | quality::GAPPED);
}

fn a_quote_is_the_best_of_a_book_with_rows<S: Subject>() {
    let mut run = Run::<S>::new();
    run.good(&row(RowOp::Insert, Buy, 0, cents(100), 5));
    run.good(&row(RowOp::Insert, Sell, 0, cents(103), 5));
    assert_eq!(run.subject.best(ONE, Sell), Some((cents(103), 5)));
    run.good(&quote(cents(101), 2, cents(102), 3));
    assert_eq!(run.subject.best(ONE, Sell), Some((cents(102), 3)));
    assert_eq!(run.levels(Sell), [(cents(103), 5)]);
    // A depth reset empties the rows; the quote beside them stands.
    run.good(&clear(0));
    assert_eq!(run.subject.best(ONE, Buy), Some((cents(101), 2)));
    assert_eq!(run.levels(Buy), [(cents(101), 2)]);
    run.good(&quote(Price::ZERO, 0, cents(102), 3));
    assert_eq!(run.quality(), quality::ONE_SIDED);
    run.good(&clear(0));
    assert_eq!(run.quality(), quality::EMPTY, "without rows the quote goes");
}

fn prices_off_the_grid_and_far_away_keep_their_order<S: Subject>() {
    let mut run = Run::<S>::new();
    let half = Price(cents(10_000).0 + CENT / 2);
    for (id, price) in [
        (1, cents(10_000)),
        (2, half),
        (3, cents(1)),
        (4, cents(20_000_000)),
        (5, Price(1)),
        (6, cents(9_999)),
    ] {
        run.good(&add(id, Sell, price, 1));
    }
    let prices: Vec<_> = run.levels(Sell).into_iter().map(|level| level.0).collect();
    assert_eq!(
        prices,
        [
            Price(1),
            cents(1),
            cents(9_999),
            cents(10_000),
            half,
            cents(20_000_000)
        ]
    );
    for (id, best) in [
        (5, cents(1)),
        (3, cents(9_999)),
        (6, cents(10_000)),
        (1, half),
    ] {
        run.good(&delete(id));
        assert_eq!(run.subject.best(ONE, Sell), Some((best, 1)));
    }
    run.good(&delete(2));
    assert_eq!(run.subject.best(ONE, Sell), Some((cents(20_000_000), 1)));
}

macro_rules! conformance {
    ($($test:ident,)*) => {
        mod books {
            $(#[test] fn $test() { super::$test::<crate::Books>(); })*
        }
        mod naive {
            $(#[test] fn $test() { super::$test::<super::Twin>(); })*
        }
    };
}

conformance! {
    orders_join_and_leave_in_arrival_order,
    a_modified_order_keeps_its_place_only_if_it_shrinks,
    an_execution_takes_from_the_order_and_prints_at_its_own_price,
    unknown_aggressors_are_told_by_the_quote,
    revealed_levels_give_to_orders_never_seen,
    a_forgotten_level_takes_its_orders_along,
    whole_levels_make_a_book_too,
    what_proves_the_book_wrong_gaps_it_until_it_is_rebuilt,
    absurd_values_are_skipped_and_prove_nothing,
    a_gap_on_no_instrument_is_about_the_books_of_its_source,
    quality_names_every_reason,
    positional_rows_hold_several_makers_at_a_price,
    a_quote_is_the_best_of_a_book_with_rows,
    prices_off_the_grid_and_far_away_keep_their_order,
}
