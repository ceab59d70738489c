//! The day's profit by hand, and everything that makes it not comparable.

use super::*;
use crate::ibkr::broker::{Execution, Fee};
use stream::{Price, Side};

const ID: InstrumentId = InstrumentId(1);
/// A Friday, noon in New York.
const NOON: Nanos = Nanos::from_secs(1_795_194_000);
const DAY: Nanos = Nanos::from_secs(86_400);
const CENT: i64 = 10_000_000;

fn desk() -> Desk {
    let mut desk = Desk::new(1, 7);
    desk.set_units(ID, 1, false);
    desk
}

fn trade(desk: &mut Desk, number: u32, side: Side, qty: u32, cents: i64, fee: i64) {
    let id = format!("e{number}.01");
    let execution = Execution {
        id: id.clone(),
        order_id: 0,
        client_id: 7,
        perm_id: 0,
        instrument: Some(ID),
        side,
        qty,
        price: Price(cents * CENT),
        at: NOON,
        reference: String::new(),
        maker: None,
    };
    let fee = Fee {
        exec: id,
        amount: Money(fee * CENT),
        currency: "USD".to_owned(),
    };
    desk.execution(&execution, &mut Vec::new());
    desk.fee(&fee, &mut Vec::new());
}

fn seen(at: Nanos, daily: i64, held: Option<(i64, i64)>) -> Seen {
    let mut seen = Seen {
        at,
        ..Seen::default()
    };
    seen.total.daily = Money(daily * CENT);
    if let Some((qty, value)) = held {
        let one = PositionProfit {
            qty,
            value: Money(value * CENT),
            ..PositionProfit::default()
        };
        seen.positions.insert(ID, one);
    }
    seen
}

fn own_of(desk: &Desk, seen: &Seen) -> Option<i64> {
    own(desk, desk.base(), seen).map(|money| money.0 / CENT)
}

#[test]
fn the_day_is_what_cash_moved_and_what_is_held_is_worth() {
    let mut desk = desk();
    assert_eq!(
        own_of(&desk, &seen(NOON, 0, None)),
        None,
        "no beginning yet"
    );
    // The account had lost 50 dollars today before the journal began.
    desk.on_profit(NOON, Money(-5_000 * CENT));
    assert_eq!(own_of(&desk, &seen(NOON, -5_000, None)), Some(-5_000));
    trade(&mut desk, 1, Side::Buy, 100, 1_000, 100);
    assert_eq!(
        own_of(&desk, &seen(NOON, 0, Some((100, 100_500)))),
        Some(-5_000 - 100 + 500),
        "marked at what the broker says"
    );
    trade(&mut desk, 2, Side::Sell, 100, 1_020, 100);
    assert_eq!(
        own_of(&desk, &seen(NOON, 0, None)),
        Some(-5_000 - 200 + 2_000)
    );
}

#[test]
fn what_is_not_known_is_not_compared() {
    let mut desk = desk();
    desk.on_profit(NOON, Money(0));
    trade(&mut desk, 1, Side::Buy, 100, 1_000, 100);
    assert_eq!(own_of(&desk, &seen(NOON, 0, None)), None, "no value heard");
    let less = seen(NOON, 0, Some((60, 60_000)));
    assert_eq!(own_of(&desk, &less), None, "a fill is on its way");
    let tomorrow = seen(NOON + DAY, 0, Some((100, 100_000)));
    assert_eq!(own_of(&desk, &tomorrow), None, "another day");
    // A day that begins with a position has no beginning here.
    desk.on_profit(NOON + DAY, Money(0));
    assert_eq!(own_of(&desk, &tomorrow), None);
    trade(&mut desk, 2, Side::Sell, 100, 1_000, 0);
    desk.on_profit(NOON + DAY, Money(700 * CENT));
    // Whether the broker's word has that sale in it already, nobody knows.
    assert_eq!(own_of(&desk, &seen(NOON + DAY, 0, None)), None);
}

#[test]
fn a_day_is_new_yorks() {
    assert_eq!(new_york_date(NOON), 20_261_120);
    let late = Nanos::from_secs(11 * 3_600 + 3_599);
    assert_eq!(new_york_date(NOON + late), 20_261_120);
    assert_eq!(new_york_date(NOON + late + Nanos::SECOND), 20_261_121);
}
