//! The account as clients follow it, against the broker's truth and a naive twin.

use super::orders::{limit, place};
use super::*;
use crate::model::Decimal;
use std::collections::BTreeMap;

fn number(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// Trades a little of everything and comes to rest.
fn busy() -> Scene {
    let mut scene = Scene::running();
    let symbols = ["ALDR", "BRKN", "CYGN", "DALE"];
    for id in 1..=40 {
        let symbol = symbols[id as usize % 4];
        let (action, side) = if id % 3 == 0 {
            ("SELL", Side::Buy)
        } else {
            ("BUY", Side::Sell)
        };
        let price = (scene.best(symbol, side) * 100.0).round() / 100.0;
        scene.ask(
            1,
            place(id, symbol, limit(action, i64::from(10 * id), price)),
        );
        scene.pass(150);
    }
    scene.ask(1, Request::GlobalCancel);
    scene.pass(2_000);
    scene
}

#[test]
fn executions_commissions_and_cash_add_up() {
    let scene = busy();
    let truth = scene.world.truth();
    assert_eq!(truth.orders_live, 0);
    assert!(truth.executions.len() > 20);
    let (mut cash, mut fees) = (number(&truth.cash_start), Decimal::ZERO);
    let mut positions: BTreeMap<String, i64> = BTreeMap::new();
    for execution in &truth.executions {
        let sign = if execution.side == "BOT" { 1 } else { -1 };
        let signed = sign * i64::from(execution.shares);
        cash -= number(&execution.price) * Decimal::from(signed);
        fees += number(execution.fee.as_deref().expect("every fee was told"));
        *positions.entry(execution.symbol.clone()).or_default() += signed;
    }
    positions.retain(|_, qty| *qty != 0);
    assert_eq!(positions, truth.positions);
    assert_eq!(fees, number(&truth.fees));
    assert_eq!(cash - fees, number(&truth.cash));
}

#[test]
fn what_clients_hear_of_the_account_is_the_truth() {
    let mut scene = busy();
    let truth = scene.world.truth();
    let said = scene.ask(1, Request::Positions);
    assert_eq!(said.last(), Some(&Answer::PositionEnd));
    let told: BTreeMap<String, i64> = said
        .iter()
        .filter_map(|answer| match answer {
            Answer::Position(_, contract, qty, _) => {
                let qty = i64::try_from(*qty).expect("whole");
                Some((contract.local_symbol.clone(), qty))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, truth.positions);
    let tags = "NetLiquidation,TotalCashValue,BuyingPower".to_owned();
    let group = "All".to_owned();
    let said = scene.ask(
        1,
        Request::AccountSummary {
            req: 2,
            group,
            tags,
        },
    );
    let value = |wanted: &str| {
        let found = said.iter().find_map(|answer| match answer {
            Answer::AccountSummary(2, _, tag, value, _) if tag == wanted => Some(number(value)),
            _ => None,
        });
        found.expect("it was asked for")
    };
    assert_eq!(value("NetLiquidation"), number(&truth.equity).round_dp(2));
    assert_eq!(value("TotalCashValue"), number(&truth.cash).round_dp(2));
    assert_eq!(said.len(), 4);
    assert_eq!(said.last(), Some(&Answer::AccountSummaryEnd(2)));
    let said = scene.ask(1, Request::Pnl(3, String::new(), String::new()));
    let [Answer::Pnl(3, daily, Some(unrealized), Some(realized))] = said[..] else {
        panic!("{said:?}");
    };
    assert!((daily - unrealized - realized).abs() < 1e-6);
    let gained = number(&truth.equity) - number(&truth.cash_start);
    let gained: f64 = gained.to_string().parse().expect("a number");
    assert!(
        (daily - gained).abs() < 1e-6,
        "profit is what the equity gained"
    );
}

#[test]
fn profit_of_one_position_and_its_portfolio_value_agree() {
    let mut scene = busy();
    let (symbol, qty) = scene
        .world
        .truth()
        .positions
        .pop_first()
        .expect("one is held");
    let con_id = scene
        .world
        .catalog
        .by_symbol(&symbol)
        .expect("it trades")
        .contract
        .con_id;
    let none = String::new;
    let said = scene.ask(1, Request::PnlSingle(4, none(), none(), con_id));
    let [
        Answer::PnlSingle {
            position,
            unrealized: Some(unrealized),
            value,
            ..
        },
    ] = &said[..]
    else {
        panic!("{said:?}");
    };
    assert_eq!(*position, Decimal::from(qty));
    let said = scene.ask(
        1,
        Request::AccountUpdates {
            subscribe: true,
            account: none(),
        },
    );
    let found = said.iter().find_map(|answer| match answer {
        Answer::PortfolioValue(own) if own.contract.con_id == con_id => Some(own.clone()),
        _ => None,
    });
    let own = found.expect("its portfolio value");
    assert_eq!((own.position, own.value), (*position, *value));
    assert!((own.unrealized - unrealized).abs() < 1e-9);
    assert_eq!(
        said.last(),
        Some(&Answer::AccountEnd("DU1234567".to_owned()))
    );
    assert_eq!(
        problems(&scene.ask(1, Request::PnlSingle(5, none(), none(), 1))),
        [(5, 2_150)]
    );
}

#[test]
fn a_third_summary_is_one_too_many() {
    let mut scene = Scene::new();
    let summary = |req| Request::AccountSummary {
        req,
        group: "All".to_owned(),
        tags: "NetLiquidation".to_owned(),
    };
    for req in 1..=2 {
        assert_eq!(problems(&scene.ask(1, summary(req))), []);
    }
    assert_eq!(problems(&scene.ask(1, summary(3))), [(3, 322)]);
    scene.ask(1, Request::CancelAccountSummary(1));
    scene.ask(1, Request::CancelAccountSummary(1));
    assert_eq!(problems(&scene.ask(1, summary(3))), []);
}

#[test]
fn a_fill_is_heard_by_all_who_follow_positions_and_values() {
    let mut scene = Scene::running();
    scene.ask(1, Request::Positions);
    scene.ask(
        1,
        Request::AccountUpdates {
            subscribe: true,
            account: String::new(),
        },
    );
    let ask = scene.best("ALDR", Side::Sell);
    scene.ask(1, place(1, "ALDR", limit("BUY", 5, ask)));
    let said = scene.pass(1_000);
    let five = Decimal::from(5);
    let held =
        |a: &Answer| matches!(a, Answer::Position(_, _, qty, cost) if *qty == five && *cost > 0.0);
    assert!(said.iter().any(held));
    assert!(said.iter().any(|a| matches!(a, Answer::PortfolioValue(_))));
    assert!(
        said.iter()
            .any(|a| matches!(a, Answer::AccountValue(key, ..) if key == "RealizedPnL"))
    );
    scene.ask(1, Request::CancelPositions);
    scene.world.leave(Link(1));
    assert_eq!(scene.pass(200_000), []);
}

#[test]
fn an_account_in_euros_has_dollars_beside_them_and_a_rate() {
    let mut scene = Scene::with(|config| {
        config.base = crate::world::Base::new("EUR", Money(800_000_000));
    });
    scene.pass(2_000);
    let ask = scene.best("ALDR", Side::Sell);
    scene.ask(1, place(1, "ALDR", limit("BUY", 10, ask)));
    scene.pass(2_000);
    let truth = scene.world.truth();
    let spent = number(&truth.cash) - number(&truth.cash_start);
    assert!(spent < Decimal::ZERO, "it has bought");
    let values = |scene: &mut Scene, req, tags: &str| -> BTreeMap<(String, String), Decimal> {
        let (group, tags) = ("All".to_owned(), tags.to_owned());
        let said = scene.ask(1, Request::AccountSummary { req, group, tags });
        scene.ask(1, Request::CancelAccountSummary(req));
        said.into_iter()
            .filter_map(|answer| match answer {
                Answer::AccountSummary(_, _, tag, value, currency) => {
                    Some(((tag, currency), number(&value)))
                }
                _ => None,
            })
            .collect()
    };
    let of = |all: &BTreeMap<(String, String), Decimal>, tag: &str, currency: &str| {
        all.get(&(tag.to_owned(), currency.to_owned())).copied()
    };
    let all = values(&mut scene, 1, "NetLiquidation,$LEDGER:ALL");
    let cents = |amount: Decimal| amount.round_dp(2);
    let start = number(&truth.cash_start);
    let rate: Decimal = "0.8".parse().expect("a number");
    let equity = start * rate + (number(&truth.equity) - start) * rate;
    assert_eq!(of(&all, "NetLiquidation", "EUR"), Some(cents(equity)));
    assert_eq!(of(&all, "CashBalance", "USD"), Some(cents(spent)));
    assert_eq!(of(&all, "CashBalance", "EUR"), Some(cents(start * rate)));
    assert_eq!(of(&all, "ExchangeRate", "USD"), Some(rate));
    assert_eq!(of(&all, "ExchangeRate", "EUR"), Some(Decimal::ONE));
    let dollars = values(&mut scene, 2, "$LEDGER:USD");
    assert!(
        dollars.keys().all(|(_, currency)| currency == "USD"),
        "{dollars:?}"
    );
    scene.world.script("rate value=0").expect("it reads");
    let dark = values(&mut scene, 3, "$LEDGER:ALL");
    assert_eq!(of(&dark, "ExchangeRate", "USD"), None);
    assert_eq!(of(&dark, "CashBalance", "USD"), Some(cents(spent)));
}
