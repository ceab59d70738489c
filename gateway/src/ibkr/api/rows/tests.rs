use super::*;
use ibapi::contracts::Contract;
use ibapi::orders::{Execution as Executed, ExecutionData, Order};

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
        execution: Executed {
            execution_id: id.to_owned(),
            account_number: account.to_owned(),
            shares: 100.0,
            price: 99.5,
            ..Executed::default()
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
    let (executions, _) = rows().executions(listed).expect("they can be read");
    let ids = executions.iter().map(|one| one.id.as_str());
    assert!(ids.eq(["a.01", "c.01"]), "one that tells none is kept");
    let news = all.map(|data| rows().update(OrderUpdate::ExecutionData(data)).is_some());
    assert_eq!(news, [true, false, true]);
}

#[test]
fn orders_of_another_account_of_the_login_are_not_ours() {
    let all = [("U1", 1), ("U2", 2), ("", 3)].map(|(account, perm)| order(account, perm));
    let listed = all.iter().cloned().map(Orders::OrderData).collect();
    let knowns = rows().knowns(listed).expect("they can be read");
    let perms = knowns.iter().map(|known| known.standing.perm_id);
    assert!(perms.eq([1, 3]));
    let news = all.map(|data| rows().update(OrderUpdate::OpenOrder(data)).is_some());
    assert_eq!(news, [true, false, true]);
}

#[test]
fn before_our_account_is_known_every_row_is_read() {
    let rows = Rows {
        account: "",
        ..rows()
    };
    let (executions, _) = rows
        .executions(vec![Executions::ExecutionData(executed("U2", "b.01"))])
        .expect("it can be read");
    assert_eq!(executions.len(), 1);
}
