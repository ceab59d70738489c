//! The broker's rules one by one: what fills, what is refused and with which code, what it costs.

use crate::desk::{CASH, CENT, Desk, cents, place};
use stream::payload::*;
use stream::{FrameId, Money, Nanos, Price, Side, SourceId};

#[test]
fn the_same_shares_are_not_taken_twice() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Sell, 10_001, 300);
    desk.add(2, Side::Sell, 10_002, 300);
    desk.limit(Side::Buy, 10_001, 200);
    assert_eq!(desk.position(), 200);
    desk.limit(Side::Buy, 10_001, 200);
    assert_eq!(desk.position(), 300, "100 were left");
    desk.limit(Side::Buy, 10_001, 200);
    assert_eq!(desk.position(), 300, "none is left");
    desk.reduce(1, 50);
    assert_eq!(desk.position(), 300, "what leaves is what we took");
    desk.add(3, Side::Sell, 10_001, 70);
    assert_eq!(desk.position(), 370, "new shares are free");
}

#[test]
fn fees_follow_the_order_and_the_account_is_exact() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Sell, 10_001, 60);
    desk.add(2, Side::Sell, 10_002, 600);
    desk.limit(Side::Buy, 10_002, 400);
    let fees: Vec<_> = desk
        .all::<Commission>()
        .iter()
        .map(|c| c.fee.0 / CENT)
        .collect();
    assert_eq!(
        fees,
        [100, 100],
        "1.00 at least, then 0.005 a share: 2.00 in all"
    );
    let truth = desk.edge.truth();
    let paid = 60 * 10_001 + 340 * 10_002 + 200;
    assert_eq!(truth.cash, Money(CASH.0 - paid * CENT));
    assert_eq!((truth.fees, truth.fills), (Money(200 * CENT), 2));
}

#[test]
fn refusals_carry_the_codes_of_the_real_broker() {
    let mut desk = Desk::new(|config| config.cash = Money(1_000 * 100 * CENT));
    desk.add(1, Side::Buy, 9_999, 5_000);
    desk.add(2, Side::Sell, 10_001, 5_000);
    let mut off_tick = place(Side::Buy, OrderType::Limit, 10_000, 10);
    off_tick.limit = Price(off_tick.limit.0 + 1);
    let leg = desk.command(off_tick);
    assert_eq!(
        (desk.last_status(leg).state, desk.last_status(leg).code),
        (LegState::Rejected, 110)
    );
    let leg = desk.limit(Side::Buy, 10_000, 0);
    assert_eq!(desk.last_status(leg).code, 434);
    // 1,000.00 at four to one carry 4,000.00: 39 shares at 100.01 and not 41.
    let leg = desk.limit(Side::Buy, 10_001, 41);
    assert_eq!(desk.last_status(leg).code, 201);
    let leg = desk.limit(Side::Buy, 10_001, 38);
    assert_eq!(desk.last_status(leg).state, LegState::Filled);
    let cancel = |leg| Command {
        op: CommandOp::Cancel,
        leg,
        ..place(Side::Buy, OrderType::Limit, 10_001, 38)
    };
    desk.command(cancel(leg));
    assert_eq!(desk.last_status(leg).code, 10_148);
    let unknown = FrameId::new(999_999, 1);
    desk.command(cancel(unknown));
    assert_eq!(desk.last_status(unknown).code, 10_147);
    let duplicate = Command {
        leg,
        ..place(Side::Buy, OrderType::Limit, 10_001, 1)
    };
    desk.command(duplicate);
    assert_eq!(desk.last_status(leg).code, 103);
    let resting = desk.limit(Side::Sell, 10_010, 38);
    desk.command(cancel(resting));
    assert_eq!(desk.last_status(resting).code, 202);
    desk.command(cancel(resting));
    assert_eq!(desk.last_status(resting).code, 161);
}

#[test]
fn short_sales_need_a_shortable_instrument() {
    let mut desk = Desk::new(|config| config.shorts = false);
    desk.add(1, Side::Buy, 9_999, 5_000);
    desk.add(2, Side::Sell, 10_001, 5_000);
    let leg = desk.limit(Side::Sell, 9_999, 10);
    assert_eq!(desk.last_status(leg).code, 201);
    desk.limit(Side::Buy, 10_001, 10);
    let leg = desk.limit(Side::Sell, 9_999, 10);
    assert_eq!(desk.last_status(leg).state, LegState::Filled);
}

#[test]
fn halted_orders_are_taken_and_do_not_trade() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Buy, 9_999, 500);
    desk.add(2, Side::Sell, 10_001, 500);
    let halt = |state| Halt {
        state,
        source: SourceId(1),
        ..Halt::zeroed()
    };
    desk.input(&halt(HaltState::Halted));
    let leg = desk.limit(Side::Buy, 10_001, 100);
    assert_eq!(desk.last_status(leg).state, LegState::Working);
    assert_eq!(desk.position(), 0);
    desk.input(&halt(HaltState::Trading));
    desk.add(3, Side::Buy, 9_000, 1);
    assert_eq!(desk.position(), 100);
}

#[test]
fn a_stop_triggers_by_print_or_by_quote_through_it() {
    for by_print in [true, false] {
        let mut desk = Desk::new(|_| {});
        desk.add(1, Side::Buy, 9_999, 500);
        desk.add(2, Side::Sell, 10_001, 500);
        desk.limit(Side::Buy, 10_001, 100);
        desk.command(place(Side::Sell, OrderType::Stop, 9_990, 100));
        desk.add(3, Side::Buy, 9_990, 500);
        desk.delete(1);
        assert_eq!(
            desk.position(),
            100,
            "a quote at the trigger is not through it"
        );
        if by_print {
            desk.execute(3, 1);
        } else {
            desk.add(4, Side::Buy, 9_989, 500);
            desk.delete(3);
        }
        assert_eq!(desk.position(), 0);
    }
}

#[test]
fn immediate_orders_do_not_rest_and_day_orders_end_with_the_session() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Sell, 10_001, 50);
    let ioc = Command {
        tif: TimeInForce::ImmediateOrCancel,
        ..place(Side::Buy, OrderType::Limit, 10_001, 80)
    };
    let leg = desk.command(ioc);
    let status = desk.last_status(leg);
    assert_eq!(
        (status.state, status.filled, status.code),
        (LegState::Cancelled, 50, 202)
    );
    let close = desk.now + Nanos::from_secs(60);
    desk.input(&Session {
        close,
        ..Session::zeroed()
    });
    let leg = desk.limit(Side::Buy, 9_000, 10);
    assert_eq!(desk.edge.orders_live(), 1);
    desk.now = close;
    desk.add(2, Side::Buy, 9_000, 50);
    desk.settle();
    assert_eq!(desk.last_status(leg).state, LegState::Cancelled);
    let leg = desk.limit(Side::Buy, 9_000, 10);
    assert_eq!(desk.last_status(leg).code, 201, "closed");
}

#[test]
fn a_smaller_quantity_keeps_the_place_and_another_price_loses_it() {
    let mut desk = Desk::new(|_| {});
    desk.add(1, Side::Buy, 9_999, 100);
    let leg = desk.limit(Side::Buy, 9_999, 50);
    desk.add(2, Side::Buy, 9_999, 100);
    let modify = |price, qty| Command {
        op: CommandOp::Modify,
        leg,
        ..place(Side::Buy, OrderType::Limit, price, qty)
    };
    desk.command(modify(9_999, 40));
    desk.execute(1, 100);
    desk.execute(2, 10);
    assert_eq!(desk.position(), 10, "it kept its place");
    desk.command(modify(9_999, 45));
    desk.execute(2, 50);
    assert_eq!(desk.position(), 10, "it went to the back");
    desk.execute(2, 40);
    desk.add(3, Side::Buy, 9_999, 5);
    desk.execute(3, 5);
    assert_eq!(desk.position(), 15);
}

#[test]
fn with_quotes_and_prints_alone_the_queue_is_worked_by_prints() {
    let mut desk = Desk::new(|_| {});
    let quote = |bid_qty, ask| Quote {
        bid: cents(9_999),
        ask: cents(ask),
        bid_qty,
        ask_qty: 300,
        source: SourceId(1),
        ..Quote::zeroed()
    };
    let print = |price, qty| Trade {
        price: cents(price),
        qty,
        side: Side::Sell,
        source: SourceId(1),
        ..Trade::zeroed()
    };
    desk.input(&quote(500, 10_001));
    desk.limit(Side::Buy, 9_999, 100);
    desk.input(&print(9_999, 450));
    desk.input(&quote(50, 10_001));
    assert_eq!(
        desk.position(),
        0,
        "50 are ahead, and the fall was the print's"
    );
    desk.input(&print(9_999, 70));
    assert_eq!(desk.position(), 20);
    desk.input(&print(9_998, 1));
    assert_eq!(desk.position(), 100, "the market went through");
    desk.limit(Side::Buy, 10_001, 400);
    assert_eq!(desk.position(), 400, "what is shown, and not more");
}
