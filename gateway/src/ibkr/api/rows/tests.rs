//! Whose rows are taken, and what of them cannot be read.

use super::*;
use ibapi::contracts::Contract;
use ibapi::orders::{CommissionReport, Execution as Trade, ExecutionData, Order, OrderStatus};

const ID: InstrumentId = InstrumentId(1);
/// The broker's number of the one contract that is in the universe.
const OURS: i32 = 265_598;

fn rows() -> Rows<'static, impl Fn(i32) -> Found> {
    let known = |con_id| (con_id == OURS).then_some(ID);
    Rows {
        account: "U1",
        found: move |con_id| (known(con_id), Price(10_000_000)),
    }
}

fn contract(contract_id: i32) -> Contract {
    Contract {
        contract_id,
        ..Contract::default()
    }
}

fn executed(account: &str, id: &str) -> ExecutionData {
    ExecutionData {
        contract: contract(OURS),
        execution: Trade {
            execution_id: id.to_owned(),
            account_number: account.to_owned(),
            shares: 100.0,
            price: 99.5,
            ..Trade::default()
        },
        ..ExecutionData::default()
    }
}

fn order(account: &str, perm_id: i64) -> OrderData {
    OrderData {
        contract: contract(OURS),
        order: Order {
            account: account.to_owned(),
            perm_id,
            total_quantity: 100.0,
            ..Order::default()
        },
        ..OrderData::default()
    }
}

#[test]
fn executions_of_another_account_of_the_login_are_not_ours() {
    assert_eq!(rows().filter().account_code, "U1");
    let told = [("U1", "a.01"), ("U2", "b.01"), ("", "c.01")];
    let all = told.map(|(account, id)| executed(account, id));
    let listed = all.iter().cloned().map(Executions::ExecutionData).collect();
    let executed = rows().executions(listed);
    let ids = executed.executions.iter().map(|one| one.id.as_str());
    assert!(ids.eq(["a.01", "c.01"]), "one that tells none is kept");
    let news = all.map(|data| rows().update(OrderUpdate::ExecutionData(data)).is_some());
    assert_eq!(news, [true, false, true]);
}

#[test]
fn orders_of_another_account_of_the_login_are_not_ours() {
    let all = [("U1", 1), ("U2", 2), ("", 3)].map(|(account, perm)| order(account, perm));
    let listed = all.iter().cloned().map(Orders::OrderData).collect();
    let knowns = rows().knowns(listed);
    let perms = knowns.iter().map(|known| known.standing.perm_id);
    assert!(perms.eq([1, 3]));
    let news = all.map(|data| rows().update(OrderUpdate::OpenOrder(data)).is_some());
    assert_eq!(news, [true, false, true]);
}

#[test]
fn a_position_of_what_is_not_traded_here_does_not_hide_the_others() {
    let held = |account: &str, con_id, position| {
        rows().held(&Position {
            account: account.to_owned(),
            contract: contract(con_id),
            position,
            average_cost: 99.5,
        })
    };
    let whole = held("U1", OURS, 100.0).unwrap().unwrap();
    assert_eq!((whole.instrument, whole.qty.0), (Some(ID), 100));
    assert_eq!(held("U2", OURS, 100.0).unwrap(), None, "of another account");
    assert_eq!(held("U1", 7, f64::NAN).unwrap(), None);
    assert!(
        held("U1", OURS, f64::NAN).is_err(),
        "ours is not known to be flat"
    );
}

#[test]
fn before_our_account_is_known_every_row_is_read() {
    let rows = Rows {
        account: "",
        ..rows()
    };
    let told = vec![Executions::ExecutionData(executed("U2", "b.01"))];
    assert_eq!(rows.executions(told).executions.len(), 1);
}

#[test]
fn one_execution_that_cannot_be_read_leaves_the_others() {
    let mut half = executed("U1", "b.01");
    half.execution.shares = 0.5;
    let mut elsewhere = executed("U1", "c.01");
    elsewhere.contract = contract(OURS + 1);
    elsewhere.execution.price = f64::NAN;
    let all = [executed("U1", "a.01"), half.clone(), elsewhere];
    let mut told: Vec<_> = all.into_iter().map(Executions::ExecutionData).collect();
    told.push(Executions::CommissionReport(CommissionReport {
        execution_id: "a.01".to_owned(),
        commission: 1.5,
        ..CommissionReport::default()
    }));
    let all = rows().executions(told);
    let read: Vec<_> = all.executions.iter().map(|one| one.id.as_str()).collect();
    assert_eq!((read, all.fees.len()), (vec!["a.01"], 1));
    let unread: Vec<_> = all
        .unread
        .iter()
        .map(|one| (one.id.as_str(), one.instrument))
        .collect();
    assert_eq!(unread, [("b.01", Some(ID)), ("c.01", None)]);
    let why = all.unread[0].to_string();
    assert!(why.contains("quantity 0.5: Fraction"), "{why}");
    let news = rows().update(OrderUpdate::ExecutionData(half));
    assert!(matches!(news, Some(Update::Unread(one)) if one.instrument == Some(ID)));
}

#[test]
fn what_cannot_be_read_of_an_order_is_not_known_and_leaves_the_others() {
    let half = OrderStatus {
        perm_id: 1,
        filled: 0.5,
        remaining: 99.5,
        ..OrderStatus::default()
    };
    let mut between = order("U1", 2);
    between.order.order_type = "LMT".to_owned();
    between.order.limit_price = Some(99.505);
    let mut unset = between.clone();
    unset.order.perm_id = 3;
    unset.order.limit_price = Some(f64::MAX);
    let told = vec![
        Orders::OrderData(order("U1", 1)),
        Orders::OrderStatus(half),
        Orders::OrderData(between),
        Orders::OrderData(unset),
    ];
    let knowns = rows().knowns(told);
    let standing = knowns[0].standing;
    assert_eq!((standing.filled, standing.remaining), (None, None));
    let limits = [knowns[1].limit, knowns[2].limit];
    assert_eq!(limits, [Price(99_505_000_000), Price::ZERO]);
}
