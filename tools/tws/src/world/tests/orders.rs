//! Orders as clients place and follow them.

use super::*;
use crate::model::{Decimal, ExecutionFilter, Order};

/// A limit order.
pub(super) fn limit(action: &str, qty: i64, price: f64) -> Order {
    Order {
        action: action.to_owned(),
        quantity: Decimal::from(qty),
        order_type: "LMT".to_owned(),
        limit: Some(price),
        tif: "DAY".to_owned(),
        transmit: true,
        ..Order::default()
    }
}

fn market(action: &str, qty: i64) -> Order {
    Order {
        order_type: "MKT".to_owned(),
        limit: None,
        ..limit(action, qty, 0.0)
    }
}

pub(super) fn place(order_id: i32, symbol: &str, order: Order) -> Request {
    Request::PlaceOrder {
        order_id,
        contract: share(symbol),
        order: Box::new(order),
    }
}

/// Statuses of one order, as they were told: status, filled, remaining.
pub(super) fn statuses(answers: &[Answer], id: i32) -> Vec<(String, i64, i64)> {
    let status = |answer: &Answer| match answer {
        Answer::OrderStatus(s) if s.order_id == id => {
            let whole = |size: Decimal| i64::try_from(size).expect("whole");
            Some((s.status.clone(), whole(s.filled), whole(s.remaining)))
        }
        _ => None,
    };
    answers.iter().filter_map(status).collect()
}

/// The words of what is said about orders, in order.
fn words(answers: &[Answer]) -> Vec<String> {
    let word = |answer: &Answer| {
        Some(match answer {
            Answer::OpenOrder(order) => format!("open {}", order.state.status),
            Answer::OrderStatus(status) => format!("status {}", status.status),
            Answer::Execution(..) => "execution".to_owned(),
            Answer::Commission { .. } => "commission".to_owned(),
            Answer::Problem(problem) => format!("problem {}", problem.code),
            _ => return None,
        })
    };
    answers.iter().filter_map(word).collect()
}

impl Scene {
    /// Best bid or ask of a symbol, in currency units.
    pub(super) fn best(&self, symbol: &str, side: Side) -> f64 {
        let id = self.world.catalog.by_symbol(symbol).expect("it trades").id;
        let book = self.world.exchange.edge().books().book(id);
        book.best(side).expect("a best").0.to_f64()
    }

    pub(super) fn position(&self, symbol: &str) -> i64 {
        let truth = self.world.truth();
        truth.positions.get(symbol).copied().unwrap_or(0)
    }

    pub(super) fn running() -> Self {
        let mut scene = Self::new();
        scene.pass(3_000);
        scene
    }
}

fn cents(price: f64) -> f64 {
    (price * 100.0).round() / 100.0
}

#[test]
fn a_resting_order_is_changed_and_cancelled() {
    let mut scene = Scene::running();
    let low = cents(scene.best("ALDR", Side::Buy) * 0.95);
    let mut order = limit("BUY", 100, low);
    order.order_ref = "mine".to_owned();
    assert_eq!(scene.ask(1, place(1, "ALDR", order.clone())), []);
    let said = scene.pass(100);
    assert_eq!(words(&said), ["open Submitted", "status Submitted"]);
    let Answer::OpenOrder(open) = &said[0] else {
        panic!("{said:?}");
    };
    assert_eq!((open.order.client_id, open.order.order_id), (7, 1));
    assert!(open.order.perm_id > 0);
    assert_eq!(open.order.order_ref, "mine");
    order.limit = Some(cents(low - 0.05));
    order.quantity = Decimal::from(150);
    assert_eq!(scene.ask(1, place(1, "ALDR", order)), []);
    let said = scene.pass(100);
    assert_eq!(statuses(&said, 1), [("Submitted".into(), 0, 150)]);
    assert_eq!(scene.ask(1, Request::CancelOrder(1)), []);
    let again = scene.ask(1, Request::CancelOrder(1));
    assert_eq!(problems(&again), [(1, 161)]);
    let said = scene.pass(100);
    assert_eq!(
        words(&said),
        ["open Cancelled", "status Cancelled", "problem 202"]
    );
    assert_eq!(
        problems(&scene.ask(1, Request::CancelOrder(1))),
        [(1, 10_148)]
    );
    assert_eq!(
        problems(&scene.ask(1, Request::CancelOrder(9))),
        [(9, 10_147)]
    );
    let said = scene.ask(1, Request::CompletedOrders(false));
    assert!(
        matches!(&said[..], [Answer::CompletedOrder(done), Answer::CompletedOrderEnd]
        if done.state.status == "Cancelled" && done.order.quantity == Decimal::from(150))
    );
}

#[test]
fn a_fill_is_told_in_the_brokers_order_and_with_its_commission() {
    let mut scene = Scene::running();
    scene.ask(1, place(5, "ALDR", market("BUY", 10)));
    let said = scene.pass(1_000);
    let told = [
        "open Submitted",
        "status Submitted",
        "execution",
        "open Filled",
        "status Filled",
        "commission",
    ];
    assert_eq!(words(&said), told);
    let Some(Answer::Execution(-1, contract, execution)) =
        said.iter().find(|a| matches!(a, Answer::Execution(..)))
    else {
        panic!("{said:?}");
    };
    assert_eq!(contract.symbol, "ALDR");
    assert_eq!((execution.side.as_str(), execution.client_id), ("BOT", 7));
    assert!(execution.exec_id.ends_with(".01"));
    let fee = said.iter().find_map(|answer| match answer {
        Answer::Commission {
            exec_id,
            amount,
            realized,
            ..
        } => Some((exec_id.clone(), *amount, *realized)),
        _ => None,
    });
    assert_eq!(fee, Some((execution.exec_id.clone(), 1.0, None)));
    assert_eq!(scene.position("ALDR"), 10);
    assert_eq!(statuses(&said, 5).last(), Some(&("Filled".into(), 10, 0)));
    let said = scene.ask(1, Request::Executions(3, ExecutionFilter::default()));
    assert_eq!(words(&said), ["execution", "commission"]);
    assert_eq!(said.last(), Some(&Answer::ExecutionEnd(3)));
    let other = ExecutionFilter {
        side: "SELL".to_owned(),
        ..ExecutionFilter::default()
    };
    let said = scene.ask(1, Request::Executions(4, other));
    assert_eq!(said, [Answer::ExecutionEnd(4)]);
}

/// A bracket of 100 to buy at the ask: parent 1, target 2, stop 3; the last one transmits.
pub(super) fn bracket(scene: &mut Scene, symbol: &str) -> [f64; 3] {
    let ask = cents(scene.best(symbol, Side::Sell) + 0.02);
    let prices = [ask, cents(ask * 1.04), cents(ask * 0.96)];
    let held = |order: Order| Order {
        transmit: false,
        ..order
    };
    scene.ask(1, place(1, symbol, held(limit("BUY", 100, prices[0]))));
    let target = Order {
        parent_id: 1,
        ..limit("SELL", 100, prices[1])
    };
    scene.ask(1, place(2, symbol, held(target)));
    assert_eq!(
        scene.pass(200),
        [],
        "nothing leaves before the chain is whole"
    );
    assert_eq!(scene.world.exchange.edge().orders_live(), 0);
    let stop = Order {
        parent_id: 1,
        order_type: "STP".to_owned(),
        limit: None,
        aux: Some(prices[2]),
        ..limit("SELL", 100, 0.0)
    };
    scene.ask(1, place(3, symbol, stop));
    prices
}

#[test]
fn a_brackets_target_ends_its_stop() {
    let mut scene = Scene::running();
    let [_, target, _] = bracket(&mut scene, "ALDR");
    let said = scene.pass(2_000);
    assert_eq!(statuses(&said, 1).last(), Some(&("Filled".into(), 100, 0)));
    assert_eq!(
        statuses(&said, 2).last(),
        Some(&("Submitted".into(), 0, 100))
    );
    assert_eq!(
        statuses(&said, 3).last(),
        Some(&("PreSubmitted".into(), 0, 100))
    );
    let low = cents(scene.best("ALDR", Side::Buy) - 0.02);
    assert!(low < target);
    let changed = Order {
        parent_id: 1,
        ..limit("SELL", 100, low)
    };
    scene.ask(1, place(2, "ALDR", changed));
    let said = scene.pass(3_000);
    assert_eq!(statuses(&said, 2).last(), Some(&("Filled".into(), 100, 0)));
    assert_eq!(
        statuses(&said, 3).last().map(|s| s.0.as_str()),
        Some("Cancelled")
    );
    assert_eq!(scene.position("ALDR"), 0);
    assert!(problems(&said).contains(&(3, 202)));
}

#[test]
fn a_partly_filled_target_leaves_the_stop_for_the_rest() {
    let mut scene = Scene::running();
    bracket(&mut scene, "HOLM");
    scene.pass(2_000);
    assert_eq!(scene.position("HOLM"), 100);
    // A sale far below the market by another hand takes part of the target's room: the pair
    // shrinks together.
    let id = scene.world.catalog.by_symbol("HOLM").expect("it trades").id;
    let before = scene.heard(1).len();
    let bid = cents(scene.best("HOLM", Side::Buy));
    let changed = Order {
        parent_id: 1,
        ..limit("SELL", 100, bid)
    };
    scene.ask(1, place(2, "HOLM", changed));
    scene.pass(20_000);
    let said = scene.heard(1)[before..].to_vec();
    let filled: i64 = statuses(&said, 2).iter().map(|s| s.1).max().unwrap_or(0);
    let stop = statuses(&said, 3);
    assert!(filled > 0, "the target trades at the bid");
    let rest = stop.last().map_or(100, |status| status.2);
    if filled < 100 {
        assert_eq!(rest, 100 - filled);
    } else {
        assert_eq!(stop.last().map(|s| s.0.as_str()), Some("Cancelled"));
    }
    let position = scene.world.exchange.edge().position(id).0;
    assert_eq!(position, 100 - filled);
}

#[test]
fn a_cancelled_parent_takes_its_children_with_it() {
    let mut scene = Scene::running();
    let low = cents(scene.best("ALDR", Side::Buy) * 0.95);
    let parent = Order {
        transmit: false,
        ..limit("BUY", 100, low)
    };
    scene.ask(1, place(1, "ALDR", parent));
    let child = Order {
        parent_id: 1,
        ..limit("SELL", 100, cents(low * 1.1))
    };
    scene.ask(1, place(2, "ALDR", child));
    let said = scene.pass(200);
    let held = said.iter().any(|answer| match answer {
        Answer::OrderStatus(s) => (s.order_id, s.parent_id, s.why_held.as_str()) == (2, 1, "child"),
        _ => false,
    });
    assert!(held, "it waits for its parent");
    scene.ask(1, Request::CancelOrder(1));
    let said = scene.pass(200);
    for id in [1, 2] {
        assert_eq!(statuses(&said, id), [("Cancelled".into(), 0, 100)]);
    }
    let orphan = Order {
        parent_id: 44,
        ..limit("SELL", 100, low)
    };
    assert_eq!(
        problems(&scene.ask(1, place(3, "ALDR", orphan))),
        [(3, 135)]
    );
}

#[test]
fn one_fill_of_a_group_cancels_the_rest_of_it() {
    let mut scene = Scene::running();
    let group = |symbol: &str, scene: &Scene, through: f64| Order {
        oca_group: "either".to_owned(),
        oca_type: 1,
        ..limit("BUY", 100, cents(scene.best(symbol, Side::Buy) * through))
    };
    let order = group("BRKN", &scene, 0.95);
    scene.ask(1, place(1, "BRKN", order));
    scene.pass(200);
    let order = group("ALDR", &scene, 1.01);
    scene.ask(1, place(2, "ALDR", order));
    let said = scene.pass(1_000);
    assert!(scene.position("ALDR") > 0);
    assert_eq!(
        statuses(&said, 1).last().map(|s| s.0.as_str()),
        Some("Cancelled")
    );
}

#[test]
fn what_breaks_a_rule_is_refused_with_the_brokers_code() {
    let mut scene = Scene::running();
    let low = cents(scene.best("ALDR", Side::Buy) * 0.95);
    let refused = |scene: &mut Scene, id: i32, symbol: &str, order: Order| {
        let said = scene.ask(1, place(id, symbol, order));
        let found = problems(&said);
        assert_eq!(found.len(), 1, "{said:?}");
        assert_eq!(found[0].0, id);
        found[0].1
    };
    scene.ask(1, place(10, "ALDR", limit("BUY", 100, low)));
    scene.pass(200);
    let s = &mut scene;
    assert_eq!(refused(s, 9, "ALDR", limit("BUY", 100, low)), 103);
    assert_eq!(refused(s, 11, "NONE", limit("BUY", 100, low)), 200);
    assert_eq!(refused(s, 12, "ALDR", limit("BUY", 100, low + 0.001)), 110);
    assert_eq!(refused(s, 13, "ALDR", limit("BUY", 0, low)), 434);
    assert_eq!(refused(s, 14, "ALDR", limit("BUY", 100, low * 1.5)), 110);
    assert_eq!(
        refused(s, 15, "ALDR", limit("BUY", 100, cents(low * 1.5))),
        201
    );
    assert_eq!(refused(s, 10, "ALDR", limit("SELL", 100, low)), 105);
    assert_eq!(refused(s, 10, "ALDR", limit("BUY", 100, low + 0.001)), 110);
    assert_eq!(refused(s, 10, "ALDR", limit("BUY", 0, low)), 434);
    let mut odd = limit("BUY", 100, low);
    odd.order_type = "PEG MID".to_owned();
    assert_eq!(refused(s, 16, "ALDR", odd), 387);
    let mut foreign = limit("BUY", 100, low);
    foreign.account = "DU999".to_owned();
    assert_eq!(refused(s, 17, "ALDR", foreign), 436);
    scene.ask(1, place(18, "ALDR", market("BUY", 1)));
    scene.pass(1_000);
    assert_eq!(refused(&mut scene, 18, "ALDR", market("BUY", 2)), 104);
    assert_eq!(scene.world.sessions.next_order_id(7), 19);
}

#[test]
fn a_price_is_free_and_money_is_not() {
    let mut scene = Scene::with(|config| config.sim.cash = Money(1_000_000_000_000));
    scene.pass(3_000);
    let low = cents(scene.best("ALDR", Side::Buy) * 0.95);
    scene.ask(1, place(1, "ALDR", limit("BUY", 1_000, low)));
    let said = scene.pass(200);
    assert_eq!(
        words(&said),
        ["problem 201", "open Inactive", "status Inactive"]
    );
}

#[test]
fn an_order_that_comes_behind_its_own_end_is_refused_and_told_why() {
    let mut scene = Scene::running();
    let low = cents(scene.best("ALDR", Side::Buy) * 0.95);
    let mut late = limit("BUY", 1, low);
    late.tif = "GTD".to_owned();
    late.good_till = "20200102-15:00:00".to_owned();
    scene.ask(1, place(1, "ALDR", late));
    let said = scene.pass(200);
    assert_eq!(problems(&said), [(1, 201)]);
    assert!(format!("{said:?}").contains("good-till date is in the past"));
}

#[test]
fn so_many_orders_of_one_side_work_and_no_more() {
    let mut scene = Scene::with(|config| config.limits.orders_per_side = 3);
    scene.pass(3_000);
    let low = cents(scene.best("ALDR", Side::Buy) * 0.95);
    for id in 1..=3 {
        assert_eq!(scene.ask(1, place(id, "ALDR", limit("BUY", 1, low))), []);
    }
    let said = scene.ask(1, place(4, "ALDR", limit("BUY", 1, low)));
    assert_eq!(problems(&said), [(4, 201)]);
    scene.pass(200);
    scene.connect(2, 8);
    scene.ask(2, Request::GlobalCancel);
    scene.pass(200);
    assert_eq!(scene.world.exchange.edge().orders_live(), 0);
    assert_eq!(scene.ask(1, place(5, "ALDR", limit("BUY", 1, low))), []);
}

#[test]
fn what_if_tells_margin_and_fee_and_places_nothing() {
    let mut scene = Scene::running();
    let mut order = limit("BUY", 100, 180.0);
    order.what_if = true;
    let said = scene.ask(1, place(1, "ALDR", order));
    let [Answer::OpenOrder(open)] = &said[..] else {
        panic!("{said:?}");
    };
    let [before, change, after] = open.state.initial_margin.map(|m| m.expect("told"));
    assert!((before - 0.0).abs() < 1e-9);
    assert!((change - 4_500.0).abs() < 1e-6, "a quarter of 18,000.00");
    assert!((after - 4_500.0).abs() < 1e-6);
    assert_eq!(open.state.commission, Some(1.0));
    assert_eq!(scene.pass(500), []);
    assert_eq!(scene.world.truth().orders, []);
}

#[test]
fn a_trailing_stop_follows_the_market_and_never_back() {
    let mut scene = Scene::running();
    scene.ask(1, place(1, "CYGN", market("BUY", 10)));
    scene.pass(1_000);
    let trail = Order {
        order_type: "TRAIL".to_owned(),
        limit: None,
        aux: Some(0.5),
        ..limit("SELL", 10, 0.0)
    };
    scene.ask(1, place(2, "CYGN", trail));
    let (mut highest, mut last, mut moves) = (0.0_f64, 0.0_f64, 0);
    for _ in 0..600 {
        let said = scene.pass(100);
        highest = highest.max(scene.best("CYGN", Side::Buy));
        for answer in said {
            if let Answer::OpenOrder(open) = answer
                && open.state.status == "PreSubmitted"
            {
                let stop = open.order.trail_stop.expect("it trails");
                assert!(stop >= last, "never back");
                assert_eq!(open.order.aux, Some(0.5));
                moves += i32::from(stop > last);
                last = stop;
            }
        }
    }
    assert!(moves > 1, "the market moved");
    assert!(last <= highest - 0.5 + 1e-9 || scene.position("CYGN") == 0);
}

#[test]
fn other_clients_orders_are_seen_by_those_who_ask_and_by_the_master() {
    let mut scene = Scene::with(|config| config.master = Some(9));
    scene.pass(3_000);
    scene.connect(2, 8);
    scene.connect(3, 9);
    let low = cents(scene.best("ALDR", Side::Buy) * 0.95);
    scene.ask(1, place(40, "ALDR", limit("BUY", 1, low)));
    scene.pass(200);
    assert_eq!(
        words(&scene.heard(3)[5..]),
        ["open Submitted", "status Submitted"]
    );
    assert_eq!(scene.ask(2, Request::OpenOrders), [Answer::OpenOrderEnd]);
    let said = scene.ask(2, Request::AllOpenOrders);
    assert_eq!(words(&said), ["open Submitted", "status Submitted"]);
    assert_eq!(scene.ask(2, Request::Ids), [Answer::NextValidId(41)]);
    assert_eq!(
        problems(&scene.ask(2, Request::CancelOrder(40))),
        [(40, 10_147)]
    );
}

#[test]
fn a_day_order_after_the_close_waits_and_can_be_cancelled() {
    let mut scene = Scene::with(|config| {
        let length = Nanos::from_secs(5);
        let short = Config::synthetic("DU1234567", 7, monday(), length).expect("sound");
        *config = short;
    });
    scene.pass(3_000);
    let low = cents(scene.best("ALDR", Side::Buy) * 0.95);
    scene.ask(1, place(1, "ALDR", limit("BUY", 1, low)));
    let said = scene.pass(5_000);
    assert_eq!(
        statuses(&said, 1).last().map(|s| s.0.as_str()),
        Some("Cancelled")
    );
    let said = scene.ask(1, place(2, "ALDR", limit("BUY", 1, low)));
    assert_eq!(
        words(&said),
        ["problem 399", "open PreSubmitted", "status PreSubmitted"]
    );
    let said = scene.ask(1, Request::CancelOrder(2));
    assert_eq!(
        words(&said),
        ["open Cancelled", "status Cancelled", "problem 202"]
    );
}

#[test]
fn numbers_that_lead_to_no_price_or_no_amount_are_refused() {
    let mut scene = Scene::running();
    let far = |action: &str| Order {
        order_type: "TRAIL LIMIT".to_owned(),
        limit: None,
        aux: Some(1.0),
        trail_stop: Some(8e9),
        limit_offset: Some(8.5e9),
        ..limit(action, 1, 0.0)
    };
    for (id, order, code) in [
        (1, far("BUY"), 321),
        (2, far("SELL"), 321),
        (3, market("BUY", i64::from(u32::MAX)), 2_147),
        (4, market("BUY", 100_000_000), 2_147),
    ] {
        let said = scene.ask(1, place(id, "ALDR", order.clone()));
        assert_eq!(problems(&said), [(id, code)], "{order:?}");
    }
    let low = cents(scene.best("ALDR", Side::Buy) * 0.95);
    scene.ask(1, place(5, "ALDR", limit("BUY", 10, low)));
    scene.pass(200);
    for qty in [100_000_000, i64::from(u32::MAX)] {
        let said = scene.ask(1, place(5, "ALDR", limit("BUY", qty, low)));
        assert_eq!(problems(&said), [(5, 2_147)], "{qty}");
    }
    // Its trigger is a price, and what would trail it is none: it stays where it is.
    let trail = Order {
        order_type: "TRAIL".to_owned(),
        limit: None,
        aux: Some(8.9e9),
        trail_stop: Some(1.0),
        ..limit("SELL", 1, 0.0)
    };
    scene.ask(1, place(6, "ALDR", trail));
    let said = scene.pass(5_000);
    assert_eq!(statuses(&said, 6), [("PreSubmitted".into(), 0, 1)]);
    assert_eq!(scene.world.exchange.edge().orders_live(), 2);
}

#[test]
fn what_if_of_any_size_is_answered_or_refused() {
    let length = Nanos::from_secs(3_600);
    let mut scene = Scene::with(|config| {
        *config = Config::usual("DU1234567", 7, monday(), length).expect("sound");
    });
    let future = Contract {
        local_symbol: "ESZ6".to_owned(),
        sec_type: "FUT".to_owned(),
        exchange: "CME".to_owned(),
        ..Contract::default()
    };
    let mut ask = |order_id: i32, qty: i64| {
        let order = Order {
            what_if: true,
            ..market("BUY", qty)
        };
        let contract = future.clone();
        let order = Box::new(order);
        scene.ask(
            1,
            Request::PlaceOrder {
                order_id,
                contract,
                order,
            },
        )
    };
    let said = ask(1, 1_000);
    let [Answer::OpenOrder(open)] = &said[..] else {
        panic!("{said:?}");
    };
    assert_eq!(open.state.commission, Some(2_250.0));
    assert_eq!(problems(&ask(2, 100_000_000)), [(2, 2_147)]);
    assert_eq!(problems(&ask(3, i64::from(u32::MAX))), [(3, 2_147)]);
}
