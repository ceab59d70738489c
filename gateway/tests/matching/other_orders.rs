//! Orders that the engine never makes, but other clients of the simulated broker do.

use crate::desk::{CASH, CENT, Desk, cents, place};
use gateway::sim::GROUP_CANCELS;
use stream::payload::*;
use stream::{InstrumentId, Money, Nanos, Price, Side};

const ONE: InstrumentId = InstrumentId(1);

fn market(side: Side, qty: u32) -> Command {
    place(side, OrderType::Market, 0, qty)
}

#[test]
fn a_market_order_walks_the_ladder_and_waits_for_more() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Sell, 10_001, 100);
    desk.add(2, Side::Sell, 10_009, 100);
    let leg = desk.command(market(Side::Buy, 250));
    let prices: Vec<_> = desk
        .all::<Fill>()
        .iter()
        .map(|f| (f.price, f.qty))
        .collect();
    assert_eq!(prices, [(cents(10_001), 100), (cents(10_009), 100)]);
    assert_eq!(desk.last_status(leg).state, LegState::PartlyFilled);
    desk.add(3, Side::Sell, 10_020, 80);
    desk.settle();
    assert_eq!(desk.last_status(leg).state, LegState::Filled);
    assert_eq!(desk.position(), 250);
}

#[test]
fn a_market_order_binds_what_it_would_cost() {
    let mut desk = Desk::new(|config| config.cash = Money(1_000 * 100 * CENT));
    desk.add(1, Side::Buy, 9_999, 5_000);
    desk.add(2, Side::Sell, 10_001, 5_000);
    let leg = desk.command(market(Side::Buy, 41));
    assert_eq!(
        desk.last_status(leg).code,
        201,
        "39 are what 1,000.00 carry"
    );
    let leg = desk.command(market(Side::Buy, 39));
    assert_eq!(desk.last_status(leg).state, LegState::Filled);
}

#[test]
fn all_or_nothing_at_once() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Sell, 10_001, 100);
    desk.add(2, Side::Sell, 10_003, 100);
    let kill = |price, qty| Command {
        tif: TimeInForce::FillOrKill,
        ..place(Side::Buy, OrderType::Limit, price, qty)
    };
    let leg = desk.command(kill(10_002, 101));
    assert_eq!(desk.last_status(leg).state, LegState::Cancelled);
    assert_eq!(desk.position(), 0, "100 within the limit are not 101");
    let leg = desk.command(kill(10_003, 101));
    assert_eq!(desk.last_status(leg).state, LegState::Filled);
    let leg = desk.command(kill(10_003, 100));
    assert_eq!(
        desk.last_status(leg).state,
        LegState::Cancelled,
        "99 are left"
    );
}

#[test]
fn good_till_cancelled_outlives_the_close() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Sell, 10_001, 100);
    let close = desk.now + Nanos::SECOND;
    desk.input(&Session {
        close,
        ..Session::zeroed()
    });
    let day = desk.limit(Side::Buy, 9_990, 10);
    let gtc = desk.command(Command {
        tif: TimeInForce::GoodTillCancelled,
        ..place(Side::Buy, OrderType::Limit, 9_990, 10)
    });
    desk.now = close;
    desk.add(2, Side::Sell, 10_002, 100);
    desk.settle();
    assert_eq!(desk.last_status(day).state, LegState::Cancelled);
    assert_eq!(desk.last_status(gtc).state, LegState::Working);
}

#[test]
fn any_fill_ends_the_others_of_a_group_that_cancels() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Buy, 9_990, 1_000);
    desk.add(2, Side::Sell, 10_010, 1_000);
    let member = |price| Command {
        oca: GROUP_CANCELS | 7,
        ..place(Side::Buy, OrderType::Limit, price, 300)
    };
    let low = desk.command(member(9_995));
    let lower = desk.command(member(9_991));
    let other = desk.command(Command {
        oca: GROUP_CANCELS | 8,
        ..place(Side::Buy, OrderType::Limit, 9_992, 300)
    });
    desk.add(3, Side::Sell, 9_995, 20);
    desk.settle();
    assert_eq!(desk.last_status(low).filled, 20);
    assert_eq!(desk.last_status(lower).state, LegState::Cancelled);
    assert_eq!(desk.last_status(other).state, LegState::Working);
}

#[test]
fn what_the_broker_books_itself_is_in_its_truth() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Buy, 9_999, 100);
    desk.add(2, Side::Sell, 10_001, 100);
    let trade = (50, cents(10_000));
    assert!(desk.edge.book_trade(ONE, Side::Buy, trade, Money(CENT)));
    assert!(
        !desk
            .edge
            .book_trade(InstrumentId(9), Side::Buy, trade, Money::ZERO)
    );
    assert!(!desk.edge.book_trade(ONE, Side::None, trade, Money::ZERO));
    assert_eq!(desk.position(), 50);
    assert_eq!(desk.edge.average(ONE), cents(10_000));
    assert_eq!(desk.edge.mark(ONE), cents(9_999));
    let cash = CASH.0 - 50 * 10_000 * CENT - CENT;
    assert_eq!(desk.edge.truth().cash, Money(cash));
    let values = desk.edge.values();
    assert_eq!(values.cash, Money(cash));
    assert_eq!(values.equity, Money(cash + 50 * 9_999 * CENT));
    let quarter = 50 * 9_999 * CENT / 4;
    assert_eq!(values.margin, Money(quarter));
    assert_eq!(values.available, Money(values.equity.0 - quarter));
    assert_eq!(desk.edge.margin_of(ONE, 50, cents(9_999)), Money(quarter));
    assert_eq!(
        desk.edge.margin_of(InstrumentId(9), 50, Price(1)),
        Money::ZERO
    );
}
