//! Random streams, valid and not: the books and their twin must agree after every frame.

use super::frames::*;
use super::twin::Twin;
use crate::books::is_alive;
use crate::{Books, Config, Effect};
use proptest::prelude::*;
use stream::payload::{FaultCode, GapReason, HaltState, RowOp, Timer, flags};
use stream::{Draft, InstrumentId, Kind, Nanos, Price, Side, SourceId};

const STALE: Nanos = Nanos(20);
const INSTRUMENTS: usize = 2;

/// Raw material of one frame; what it means depends on `what`.
#[derive(Clone, Debug)]
struct Step {
    what: u8,
    instrument: u16,
    id: u64,
    other: u64,
    side: Side,
    price: Price,
    qty: u32,
    bits: u8,
    pause: u64,
    explicit: bool,
}

fn price() -> impl Strategy<Value = Price> {
    prop_oneof![
        12 => (9_980i64..10_020).prop_map(cents),
        3 => (8_000i64..12_000).prop_map(cents),
        2 => (9_990 * CENT..10_010 * CENT).prop_map(Price),
        1 => (1i64..100_000_000).prop_map(cents),
        1 => prop_oneof![
            Just(Price(0)), Just(Price(-CENT)), Just(Price::MAX), Just(Price(1)),
            Just(Price(i64::MAX - 1)),
        ],
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![8 => Just(Side::Buy), 8 => Just(Side::Sell), 1 => Just(Side::None)];
    let qty = prop_oneof![10 => 1u32..6, 1 => Just(0u32), 1 => Just(u32::MAX)];
    let bits = prop_oneof![
        12 => Just(0u8), 3 => Just(flags::REDUCE), 1 => Just(flags::HIDDEN),
        1 => Just(flags::NON_PRINTABLE), 1 => Just(flags::MORE), 1 => Just(flags::SNAPSHOT),
        1 => Just(flags::FORGOTTEN), 1 => Just(flags::REVEALED),
    ];
    (
        (0u8..100, 1u16..=INSTRUMENTS as u16, 0u64..24, 0u64..24),
        (side, price(), qty, bits),
        (0u64..4, any::<bool>()),
    )
        .prop_map(
            |((what, instrument, id, other), (side, price, qty, bits), (pause, explicit))| Step {
                what,
                instrument,
                id,
                other,
                side,
                price,
                qty,
                bits,
                pause,
                explicit,
            },
        )
}

/// Ids of which four each want one place in the order table.
const fn order_id(number: u64) -> u64 {
    number % 6 + number / 6 * 4_096
}

impl Step {
    /// A frame of a feed of orders, or `None` where the step means one of the others.
    fn order_draft(&self, ts: u64) -> Option<Draft> {
        let instrument = InstrumentId(self.instrument);
        let source = SourceId(self.other as u16 % 9);
        let (id, other) = (order_id(self.id), order_id(self.other));
        let more = self.bits & flags::MORE;
        let draft = match self.what {
            0..35 => {
                let mut add = add(id, self.side, self.price, self.qty);
                add.flags = self.bits & (flags::MORE | flags::SNAPSHOT);
                input(ts, instrument, &add)
            }
            35..50 => {
                let mut modify = modify(id, other, self.price, self.qty);
                if self.explicit {
                    modify.new_order_id = id;
                }
                modify.side = if self.bits == 0 {
                    Side::None
                } else {
                    self.side
                };
                modify.flags = self.bits & (flags::MORE | flags::REDUCE);
                input(ts, instrument, &modify)
            }
            50..62 => {
                let mut delete = delete(id);
                if self.explicit {
                    (delete.side, delete.price, delete.qty) = (self.side, self.price, self.qty);
                }
                delete.flags = more;
                input(ts, instrument, &delete)
            }
            62..75 => {
                let price = if self.explicit {
                    self.price
                } else {
                    Price::ZERO
                };
                let mut execute = execute(id, self.side, price, self.qty);
                execute.flags = self.bits & !flags::REDUCE;
                execute.source = source;
                input(ts, instrument, &execute)
            }
            75..85 => {
                let qty = if self.qty > 9 {
                    u64::MAX
                } else {
                    u64::from(self.qty)
                };
                input(
                    ts,
                    instrument,
                    &level(self.side, self.price, qty, self.bits),
                )
            }
            _ => return None,
        };
        Some(draft)
    }

    fn draft(&self, ts: u64, ladders: bool) -> Draft {
        let order = ladders.then(|| self.order_draft(ts)).flatten();
        order.unwrap_or_else(|| self.other_draft(ts))
    }

    fn other_draft(&self, ts: u64) -> Draft {
        let instrument = InstrumentId(self.instrument);
        let source = SourceId(self.other as u16 % 9);
        let more = self.bits & flags::MORE;
        match self.what {
            0..45 => {
                let op = RowOp::ALL[self.id as usize % 3];
                let position = self.other as u16 % 8;
                let mut row = row(op, self.side, position, self.price, self.qty);
                row.flags = more;
                input(ts, instrument, &row)
            }
            45..60 => {
                let ask = Price(self.price.0.saturating_add(self.other as i64 * CENT));
                input(
                    ts,
                    instrument,
                    &quote(self.price, self.qty, ask, self.other as u32),
                )
            }
            60..88 => {
                let mut trade = trade(self.price, self.qty, self.side);
                trade.flags = self.bits & (flags::MORE | flags::NON_PRINTABLE);
                input(ts, instrument, &trade)
            }
            88..91 => {
                let reason = GapReason::ALL[self.id as usize % 5];
                let about = if self.explicit {
                    instrument
                } else {
                    InstrumentId::NONE
                };
                input(
                    ts,
                    about,
                    &gap(if self.bits == 0 { SOURCE } else { source }, reason),
                )
            }
            91..93 => input(ts, instrument, &clear(more)),
            93..95 => input(ts, instrument, &halt(HaltState::ALL[self.id as usize % 4])),
            _ => {
                let timer = Timer::ALL[self.id as usize % 3];
                input(ts, InstrumentId::NONE, &tick(timer, 1, ts))
            }
        }
    }
}

fn compare(books: &Books, twin: &Twin) -> Result<(), TestCaseError> {
    for instrument in (1..=INSTRUMENTS as u16).map(InstrumentId) {
        let (book, naive) = (books.book(instrument), twin.book(instrument));
        for side in [Side::Buy, Side::Sell] {
            let levels: Vec<_> = book.levels(side).collect();
            prop_assert_eq!(&levels, &naive.levels(side));
            if let Some(ladder) = book.ladder(side) {
                prop_assert_eq!(ladder.len(), levels.len());
                for most in [1, 3, 10] {
                    let best = levels.iter().take(most).map(|level| level.1);
                    prop_assert_eq!(ladder.qty_on_best(most), best.sum::<u64>());
                }
            }
            prop_assert_eq!(book.best(side), naive.best(side));
            for (price, qty) in levels {
                prop_assert_eq!(book.level_qty(side, price), qty);
            }
            prop_assert_eq!(book.level_qty(side, cents(10_005)), {
                let levels = naive.levels(side);
                let level = levels.iter().find(|level| level.0 == cents(10_005));
                level.map_or(0, |level| level.1)
            });
        }
        for id in 0..24 {
            prop_assert_eq!(books.order(instrument, id), naive.order(id));
        }
        prop_assert_eq!(book.quality(), naive.quality());
        for &code in FaultCode::ALL {
            prop_assert_eq!(
                book.faults(code),
                naive.faults.get(&code).copied().unwrap_or(0)
            );
        }
        compare_tapes(book.tape(), &naive.prints)?;
    }
    Ok(())
}

fn compare_tapes(tape: &crate::Tape, prints: &[(Price, u64, Side)]) -> Result<(), TestCaseError> {
    let volume: u64 = prints.iter().map(|print| print.1).sum();
    let of = |side| -> u64 {
        let prints = prints.iter().filter(|print| print.2 == side);
        prints.map(|print| print.1).sum()
    };
    prop_assert_eq!(tape.volume, volume);
    prop_assert_eq!(
        (tape.bought_total, tape.sold_total),
        (of(Side::Buy), of(Side::Sell))
    );
    prop_assert_eq!(tape.trades_total, prints.len() as u64);
    let prices = || prints.iter().map(|print| print.0);
    prop_assert_eq!(tape.last, prices().next_back().unwrap_or_default());
    prop_assert_eq!(tape.open, prices().next().unwrap_or_default());
    prop_assert_eq!(tape.high, prices().max().unwrap_or_default());
    prop_assert_eq!(tape.low, prices().min().unwrap_or_default());
    let notional: i128 = prints
        .iter()
        .map(|print| i128::from(print.0.0) * i128::from(print.1))
        .sum();
    let vwap = notional.checked_div(i128::from(volume)).unwrap_or(0);
    prop_assert_eq!(i128::from(tape.vwap().0), vwap);
    Ok(())
}

/// What levels hold, made again from the orders that live and what is anonymous.
fn compare_sums(books: &Books) -> Result<(), TestCaseError> {
    let live: Vec<_> = books.orders.iter().collect();
    for (at, book) in books.books.iter().enumerate() {
        for (ladder, side) in book.ladders.iter().zip([Side::Buy, Side::Sell]) {
            prop_assert!(ladder.is_kept());
            for (price, level) in ladder.levels() {
                let orders = live.iter().filter(|order| {
                    (order.instrument.index(), order.side, order.price) == (at + 1, side, price)
                        && is_alive(&books.books, order)
                });
                let ordered: u64 = orders.map(|order| u64::from(order.qty)).sum();
                prop_assert_eq!(level.ordered(), ordered);
                prop_assert_eq!(level.total, ordered + level.anonymous);
            }
        }
    }
    Ok(())
}

fn run(steps: &[Step], ladders: bool, tick_size: Price) -> Result<(), TestCaseError> {
    let mut books = Books::new(&Config {
        instruments: INSTRUMENTS,
        orders_max: 500,
        levels_max: 5_000,
        stale: STALE,
    });
    let mut twin = Twin::new(INSTRUMENTS, STALE);
    let mut ts = 1;
    for (at, step) in steps.iter().enumerate() {
        ts += step.pause;
        if at == steps.len() / 2 {
            // Another grid moves levels between window and rest; nothing of it may show.
            for instrument in (1..=INSTRUMENTS as u16).map(InstrumentId) {
                let draft = input(ts, instrument, &definition(tick_size));
                books.apply(draft.frame(), &mut |effect| panic!("{effect:?}"));
            }
            compare(&books, &twin)?;
        }
        let draft = step.draft(ts, ladders);
        let (mut effects, mut expected) = (Vec::new(), Vec::new());
        let applied = books.apply(draft.frame(), &mut |effect: Effect| effects.push(effect));
        let naive = twin.apply(draft.frame(), &mut expected);
        prop_assert_eq!(applied, naive, "{:?} {:?}", draft.header().kind, step);
        if draft.header().kind != Kind::Quote {
            prop_assert_eq!(effects, expected, "{:?} {:?}", draft.header().kind, step);
        }
        compare(&books, &twin)?;
        compare_sums(&books)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn ladders_agree_with_their_twin(
        steps in prop::collection::vec(step(), 1..160),
        tick in prop_oneof![Just(CENT), Just(CENT / 2), Just(1), Just(7), Just(100 * CENT)],
    ) {
        run(&steps, true, Price(tick))?;
    }

    #[test]
    fn rows_and_quotes_agree_with_their_twin(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        run(&steps, false, Price(CENT))?;
    }

    /// What is foreseen of a batch changes nothing, whatever its frames say of each other's orders.
    #[test]
    fn batches_are_applied_as_their_frames_one_by_one(
        steps in prop::collection::vec(step(), 1..160),
    ) {
        let config = Config {
            instruments: INSTRUMENTS,
            orders_max: 64,
            levels_max: 4,
            stale: STALE,
        };
        let (mut singly, mut together) = (Books::new(&config), Books::new(&config));
        let (mut lines, mut ts) = (Vec::new(), 1);
        for step in &steps {
            ts += step.pause;
            lines.extend_from_slice(step.draft(ts, true).frame().lines());
        }
        let (mut expected, mut effects) = ((vec![], vec![]), (vec![], vec![]));
        let collected = stream::stage::Collected(lines);
        for frame in collected.iter() {
            let applied = singly.apply(frame, &mut |effect| expected.0.push(effect));
            expected.1.push((frame.kind(), applied));
        }
        together.apply_all(
            &collected.0,
            &mut |effect| effects.0.push(effect),
            &mut |frame, applied| effects.1.push((frame.kind(), applied)),
        );
        prop_assert_eq!(effects, expected);
        prop_assert_eq!(together.state_hash(), singly.state_hash());
    }

    /// Where room is short the twin has no say; what is kept must hold together all the same.
    #[test]
    fn books_without_room_hold_together(
        steps in prop::collection::vec(step(), 1..160),
        orders_max in 1usize..12,
        levels_max in 1usize..4,
    ) {
        let mut books = Books::new(&Config {
            instruments: INSTRUMENTS,
            orders_max,
            levels_max,
            stale: STALE,
        });
        let mut ts = 1;
        for step in &steps {
            ts += step.pause;
            let draft = step.draft(ts, true);
            books.apply(draft.frame(), &mut |_| {});
            compare_sums(&books)?;
            prop_assert!(books.orders_used() <= orders_max);
            for book in &books.books {
                for side in [Side::Buy, Side::Sell] {
                    let levels: Vec<_> = book.levels(side).collect();
                    prop_assert_eq!(book.best(side), levels.first().copied());
                    prop_assert!(levels.iter().all(|level| level.1 > 0));
                    prop_assert!(levels.is_sorted_by_key(|level| -level.0.0 * side.sign()));
                }
            }
        }
    }
}
