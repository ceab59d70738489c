//! Scripts: each fault by what a client hears, and by the broker's truth.

use super::orders::{bracket, limit, place, statuses};
use super::*;
use crate::model::{Decimal, ExecutionFilter, MarketData, Order};

impl Scene {
    fn script(&mut self, text: &str) {
        self.world.script(text).expect("a sound script");
    }

    /// Buys at the ask and lets it fill.
    fn buy(&mut self, id: i32, qty: i64) -> Vec<Answer> {
        let ask = (self.best("ALDR", Side::Sell) * 100.0).round() / 100.0;
        self.ask(1, place(id, "ALDR", limit("BUY", qty, ask + 0.05)));
        self.pass(1_000)
    }

    /// Rests far below the market.
    fn rest(&mut self, id: i32, qty: i64) -> Order {
        let low = (self.best("ALDR", Side::Buy) * 95.0).round() / 100.0;
        let order = limit("BUY", qty, low);
        self.ask(1, place(id, "ALDR", order.clone()));
        self.pass(200);
        order
    }
}

fn executions(answers: &[Answer]) -> Vec<(String, i64)> {
    let execution = |answer: &Answer| match answer {
        Answer::Execution(_, _, e) => {
            Some((e.exec_id.clone(), i64::try_from(e.shares).expect("whole")))
        }
        _ => None,
    };
    answers.iter().filter_map(execution).collect()
}

fn commissions(answers: &[Answer]) -> Vec<f64> {
    let commission = |answer: &Answer| match answer {
        Answer::Commission { amount, .. } => Some(*amount),
        _ => None,
    };
    answers.iter().filter_map(commission).collect()
}

#[test]
fn messages_come_late_twice_in_the_wrong_order_or_never() {
    let mut scene = Scene::running();
    scene.script("delay ms=5000 on=orderStatus status=Filled");
    let said = scene.buy(1, 10);
    assert_eq!(
        statuses(&said, 1).last().map(|s| s.0.as_str()),
        Some("Submitted")
    );
    assert_eq!(executions(&said).len(), 1, "the execution is not late");
    let said = scene.pass(5_000);
    assert_eq!(statuses(&said, 1), [("Filled".into(), 10, 0)]);

    scene.script("duplicate copies=2 on=execDetails");
    let said = scene.buy(2, 10);
    let found = executions(&said);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|one| *one == found[0]));

    scene.script("swap on=orderStatus order=3");
    let said = scene.buy(3, 10);
    let words: Vec<_> = statuses(&said, 3).into_iter().map(|s| s.0).collect();
    assert_eq!(words, ["Filled", "Submitted"]);

    scene.script("drop on=orderStatus order=4 times=9");
    let said = scene.buy(4, 10);
    assert_eq!(statuses(&said, 4), []);
    assert_eq!(executions(&said).len(), 1);
    assert_eq!(scene.position("ALDR"), 40, "the truth is as ever");
}

#[test]
fn commissions_come_late_without_a_number_or_never() {
    let mut scene = Scene::running();
    scene.script("unset on=commissionReport\n");
    assert_eq!(commissions(&scene.buy(1, 10)), [f64::MAX]);
    scene.script("drop on=commissionReport");
    assert!(commissions(&scene.buy(2, 10)).is_empty());
    scene.script("delay on=commissionReport ms=30000");
    assert!(commissions(&scene.buy(3, 10)).is_empty());
    assert_eq!(commissions(&scene.pass(30_000)), [1.0]);
    let said = scene.ask(1, Request::Executions(9, ExecutionFilter::default()));
    assert_eq!(
        commissions(&said),
        [1.0; 3],
        "whoever asks hears all of them"
    );
}

#[test]
fn a_cancelled_order_fills_all_the_same() {
    let mut scene = Scene::running();
    scene.script("fill_after_cancel ms=500");
    scene.rest(1, 100);
    let said = scene.ask(1, Request::CancelOrder(1));
    assert_eq!(statuses(&said, 1), [("Cancelled".into(), 0, 100)]);
    let said = scene.pass(2_000);
    let filled: i64 = executions(&said).iter().map(|e| e.1).sum();
    assert_eq!(filled, 100);
    assert_eq!(statuses(&said, 1).last(), Some(&("Filled".into(), 100, 0)));
    assert_eq!(scene.position("ALDR"), 100);
}

#[test]
fn an_order_fills_in_part_and_the_rest_is_rejected() {
    let mut scene = Scene::running();
    scene.script("partial_then_reject");
    let said = scene.buy(1, 101);
    assert_eq!(executions(&said).iter().map(|e| e.1).sum::<i64>(), 50);
    assert_eq!(
        statuses(&said, 1).last(),
        Some(&("Inactive".into(), 50, 51))
    );
    assert!(problems(&said).contains(&(1, 201)));
    assert_eq!(scene.position("ALDR"), 50);
}

#[test]
fn an_order_is_not_made_smaller_than_what_is_withheld_of_it() {
    let mut scene = Scene::running();
    scene.script("partial_then_reject");
    let order = scene.rest(1, 101);
    let resized = |qty: i64| Order {
        quantity: Decimal::from(qty),
        ..order.clone()
    };
    for qty in [1, 51] {
        let said = scene.ask(1, place(1, "ALDR", resized(qty)));
        assert_eq!(problems(&said), [(1, 201)], "{qty}");
    }
    assert_eq!(scene.ask(1, place(1, "ALDR", resized(61))), []);
    let said = scene.pass(200);
    assert_eq!(statuses(&said, 1), [("Submitted".into(), 0, 61)]);
    let ask = (scene.best("ALDR", Side::Sell) * 100.0).round() / 100.0;
    let reachable = Order {
        limit: Some(ask + 0.05),
        ..resized(61)
    };
    scene.ask(1, place(1, "ALDR", reachable));
    let said = scene.pass(1_000);
    assert_eq!(
        statuses(&said, 1).last(),
        Some(&("Inactive".into(), 10, 51))
    );
    assert_eq!(scene.position("ALDR"), 10);
}

#[test]
fn a_child_is_rejected_and_its_parent_is_not() {
    let mut scene = Scene::running();
    scene.script("reject_child");
    bracket(&mut scene, "ALDR");
    let said = scene.pass(2_000);
    let heard = scene.heard(1);
    assert!(problems(&heard).contains(&(2, 201)));
    assert_eq!(statuses(&said, 1).last(), Some(&("Filled".into(), 100, 0)));
    assert_eq!(scene.position("ALDR"), 100);
}

#[test]
fn children_of_a_rejected_parent_end_with_it() {
    let mut scene = Scene::running();
    scene.script("reject");
    bracket(&mut scene, "ALDR");
    scene.pass(2_000);
    let heard = scene.heard(1);
    assert!(problems(&heard).contains(&(1, 201)));
    for child in [2, 3] {
        let last = statuses(&heard, child).last().cloned();
        assert_eq!(last, Some(("Cancelled".into(), 0, 100)));
    }
    assert_eq!(scene.position("ALDR"), 0);
}

#[test]
fn what_protects_fills_out_of_reach_when_a_position_is_told() {
    let mut scene = Scene::running();
    bracket(&mut scene, "ALDR");
    scene.pass(2_000);
    assert_eq!(scene.position("ALDR"), 100);
    scene.script("fill on=position");
    let said = scene.ask(1, Request::Positions);
    let told = said.iter().find_map(|answer| match answer {
        Answer::Position(_, _, quantity, _) => Some(*quantity),
        _ => None,
    });
    assert_eq!(told, Some(Decimal::from(100)), "told as it was before");
    scene.pass(2_000);
    assert_eq!(scene.position("ALDR"), 0);
}

#[test]
fn both_sides_of_a_pair_fill() {
    let mut scene = Scene::running();
    scene.script("race");
    bracket(&mut scene, "ALDR");
    scene.pass(2_000);
    let low = (scene.best("ALDR", Side::Buy) * 100.0).round() / 100.0 - 0.02;
    let changed = Order {
        parent_id: 1,
        ..limit("SELL", 100, (low * 100.0).round() / 100.0)
    };
    scene.ask(1, place(2, "ALDR", changed));
    let said = scene.pass(3_000);
    for id in [2, 3] {
        assert_eq!(
            statuses(&said, id).last(),
            Some(&("Filled".into(), 100, 0)),
            "{id}"
        );
    }
    assert_eq!(scene.position("ALDR"), -100);
    let truth = scene.world.truth();
    let net: i64 = truth
        .executions
        .iter()
        .map(|e| i64::from(e.shares) * if e.side == "BOT" { 1 } else { -1 })
        .sum();
    assert_eq!(net, -100, "executions and position agree");
}

#[test]
fn an_execution_is_corrected_and_then_busted() {
    let mut scene = Scene::running();
    let first = executions(&scene.buy(1, 10));
    let cash = |scene: &Scene| {
        scene
            .world
            .truth()
            .cash
            .parse::<Decimal>()
            .expect("a number")
    };
    let before = cash(&scene);
    scene.script("correct by=0.05");
    let said = scene.pass(10);
    let second = executions(&said);
    let stem = |id: &str| id.rsplit_once('.').map(|(stem, _)| stem.to_owned());
    assert_eq!(stem(&first[0].0), stem(&second[0].0));
    assert!(first[0].0.ends_with(".01") && second[0].0.ends_with(".02"));
    assert_eq!(
        before - cash(&scene),
        Decimal::new(50, 2),
        "ten shares at five cents more"
    );
    scene.script("bust");
    let third = executions(&scene.pass(10));
    assert!(third[0].0.ends_with(".03"));
    assert_eq!(third[0].1, 0);
    assert_eq!(scene.position("ALDR"), 0);
    let said = scene.ask(1, Request::Executions(5, ExecutionFilter::default()));
    assert_eq!(executions(&said).len(), 1, "only the last word");
}

#[test]
fn the_link_is_lost_and_what_happened_meanwhile_follows() {
    let mut scene = Scene::running();
    scene.ask(
        1,
        Request::MarketData(MarketData {
            req: 50,
            contract: share("ALDR"),
            ..MarketData::default()
        }),
    );
    scene.rest(1, 10);
    scene.script("[[fault]]\ndo = \"lost\"\n[[fault]]\ndo = \"restored\"\nat = \"10s\"\n");
    assert_eq!(problems(&scene.pass(1)), [(-1, 1_100)]);
    let said = scene.buy(2, 10);
    assert_eq!(executions(&said), []);
    assert!(!said.iter().any(|a| matches!(a, Answer::TickPrice { .. })));
    let said = scene.pass(10_000);
    assert_eq!(problems(&said)[0], (-1, 1_102));
    assert_eq!(executions(&said).len(), 1);
    assert!(
        said.iter().any(|a| matches!(a, Answer::TickPrice { .. })),
        "streams are kept"
    );
    scene.script("lost");
    scene.script("restored_lost at=1s forget=true");
    assert_eq!(problems(&scene.pass(1)), [(-1, 1_100)]);
    let said = scene.buy(3, 10);
    assert_eq!(problems(&said), [(-1, 1_101)]);
    let said = scene.pass(2_000);
    assert_eq!(
        (executions(&said), said.len()),
        (Vec::new(), 0),
        "streams are gone"
    );
    let said = scene.ask(1, Request::Executions(5, ExecutionFilter::default()));
    assert_eq!(executions(&said).len(), 2, "whoever asks hears all of them");
}

#[test]
fn farms_flap_and_the_broker_restarts() {
    let mut scene = Scene::running();
    scene.script("notice code=2103 at=1s every=2s");
    let said = scene.pass(5_500);
    assert_eq!(problems(&said), [(-1, 2_103); 3]);
    scene.script("restart ms=5000");
    scene.pass(1);
    assert!(scene.out.contains(&Out::Close(Link(1))));
    scene.world.leave(Link(1));
    scene.connect(2, 7);
    assert!(
        scene.out.contains(&Out::Close(Link(2))),
        "it is not up again"
    );
    scene.world.leave(Link(2));
    scene.pass(5_000);
    scene.connect(3, 7);
    assert_eq!(scene.heard(3).len(), 5);
}

#[test]
fn data_are_taken_away_delayed_or_silent() {
    let mut scene = Scene::running();
    let quotes = |req| {
        Request::MarketData(MarketData {
            req,
            contract: share("ALDR"),
            ..MarketData::default()
        })
    };
    scene.ask(1, quotes(1));
    scene.script("silent");
    assert_eq!(scene.pass(3_000), []);
    scene.script("speak");
    assert!(!scene.pass(1_000).is_empty());
    scene.script("competing");
    let said = scene.pass(1_000);
    assert_eq!((problems(&said), said.len()), (vec![(1, 10_197)], 1));
    assert_eq!(problems(&scene.ask(1, quotes(2))), [(2, 10_197)]);
    scene.script("delayed");
    assert_eq!(problems(&scene.ask(1, quotes(3))), [(3, 10_089)]);
    scene.ask(1, Request::MarketDataType(3));
    let said = scene.ask(1, quotes(4));
    assert_eq!(problems(&said), [(4, 10_167)]);
    assert!(said.contains(&Answer::MarketDataType(4, 3)));
    let delayed = |a: &Answer| matches!(a, Answer::TickPrice { tick: 66, .. });
    assert!(said.iter().any(delayed));
    scene.script("no_data");
    assert_eq!(problems(&scene.ask(1, quotes(5))), [(4, 354), (5, 354)]);
    scene.script("live");
    assert_eq!(problems(&scene.ask(1, quotes(6))), []);
}

#[test]
fn connections_break_at_a_message() {
    let mut scene = Scene::running();
    scene.script("black_hole on=orderStatus status=Submitted");
    scene.rest(1, 10);
    assert!(scene.out.contains(&Out::Cut(Link(1), Cut::BlackHole)));
    scene.script("reset on=placeOrder nth=2");
    scene.rest(2, 10);
    assert!(!scene.out.contains(&Out::Cut(Link(1), Cut::Reset)));
    scene.rest(3, 10);
    assert!(scene.out.contains(&Out::Cut(Link(1), Cut::Reset)));
    assert_eq!(
        scene.world.exchange.edge().orders_live(),
        3,
        "the order has come"
    );
    scene.script("drop on=placeOrder");
    scene.rest(4, 10);
    assert_eq!(
        scene.world.exchange.edge().orders_live(),
        3,
        "this one has not"
    );
}

#[test]
fn the_broker_forgets_ids_halts_lends_nothing_and_rewrites() {
    let mut scene = Scene::running();
    scene.rest(20, 10);
    scene.script("roll_back client=7 to=5");
    assert_eq!(scene.ask(1, Request::Ids), [Answer::NextValidId(5)]);
    scene.script("rewrite_tif");
    let mut gtc = scene.rest(21, 10);
    gtc.tif = "GTC".to_owned();
    scene.script("rewrite_tif");
    let said = scene.ask(1, place(22, "ALDR", gtc));
    assert_eq!(problems(&said), [(22, 10_349)]);
    scene.script("short symbol=ALDR shares=0");
    let bid = (scene.best("ALDR", Side::Buy) * 100.0).round() / 100.0;
    scene.ask(1, place(23, "ALDR", limit("SELL", 10, bid)));
    assert_eq!(problems(&scene.pass(500)), [(23, 201)]);
    scene.script("halt symbol=ALDR");
    let said = scene.buy(24, 10);
    assert_eq!(executions(&said), [], "nothing trades while it is halted");
    scene.script("resume symbol=ALDR");
    assert_eq!(executions(&scene.pass(2_000)).len(), 1);
    scene.script("slow ms=700");
    scene.ask(1, Request::CurrentTime);
    let said = scene.pass(600);
    assert!(!said.iter().any(|a| matches!(a, Answer::CurrentTime(_))));
    let said = scene.pass(200);
    assert!(said.iter().any(|a| matches!(a, Answer::CurrentTime(_))));
}

#[test]
fn others_trade_in_the_same_account() {
    let mut scene = Scene::running();
    scene.ask(1, Request::Positions);
    scene.script("trade symbol=BRKN qty=-7");
    let said = scene.pass(10);
    let minus = Decimal::from(-7);
    assert!(
        said.iter()
            .any(|a| matches!(a, Answer::Position(_, _, qty, _) if *qty == minus))
    );
    assert_eq!(scene.position("BRKN"), -7);
    scene.script("manual symbol=ALDR qty=3 price=170.5");
    scene.pass(500);
    let said = scene.ask(1, Request::AllOpenOrders);
    let typed = |a: &Answer| matches!(a, Answer::OpenOrder(o) if o.order.client_id == 0);
    assert!(said.iter().any(typed));
    let said = scene.ask(1, Request::Executions(5, ExecutionFilter::default()));
    assert_eq!(executions(&said).len(), 1, "whoever asks hears of it");
}

#[test]
fn chance_is_seeded() {
    let play = |seed: u64| {
        let mut scene = Scene::running();
        scene.script(&format!(
            "seed = {seed}\n[[fault]]\ndo = \"drop\"\non = \"currentTime\"\ntimes = 1000\n\
             chance = 0.5\n"
        ));
        let mut heard = Vec::new();
        for _ in 0..40 {
            heard.push(scene.ask(1, Request::CurrentTime).len());
        }
        heard
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
    assert!(play(1).contains(&0) && play(1).contains(&1));
}

#[test]
fn a_change_makes_a_second_order_under_the_same_number() {
    let mut scene = Scene::running();
    let order = scene.rest(1, 10);
    scene.script("twin");
    let lower = order
        .limit
        .map(|price| ((price - 1.0) * 100.0).round() / 100.0);
    let changed = Order {
        limit: lower,
        ..order
    };
    scene.ask(1, place(1, "ALDR", changed));
    scene.pass(200);
    let said = scene.ask(1, Request::AllOpenOrders);
    let perms: Vec<i64> = said
        .iter()
        .filter_map(|answer| match answer {
            Answer::OpenOrder(open) if open.order.order_id == 1 => Some(open.order.perm_id),
            _ => None,
        })
        .collect();
    assert_eq!(perms.len(), 2, "{said:?}");
    assert_ne!(perms[0], perms[1]);
    for left in [1, 0] {
        scene.ask(1, Request::CancelOrder(1));
        scene.pass(200);
        assert_eq!(scene.world.exchange.edge().orders_live(), left);
    }
}

#[test]
fn shares_are_transferred_without_cash() {
    let mut scene = Scene::running();
    scene.buy(1, 10);
    let before = scene.world.truth();
    scene.script("transfer symbol=ALDR qty=-10");
    scene.pass(10);
    let after = scene.world.truth();
    assert_eq!(scene.position("ALDR"), 0);
    assert_eq!(
        (before.cash, before.realized, before.executions.len()),
        (after.cash, after.realized, after.executions.len())
    );
    let said = scene.ask(1, Request::Positions);
    assert!(
        !said
            .iter()
            .any(|a| matches!(a, Answer::Position(_, _, qty, _) if !qty.is_zero()))
    );
}

#[test]
fn faults_count_from_a_message_on_and_are_forgotten() {
    let mut scene = Scene::running();
    scene.script("reset on=orders after=cancelOrder nth=2");
    scene.rest(1, 10);
    assert!(!scene.out.contains(&Out::Cut(Link(1), Cut::Reset)));
    assert_eq!(scene.world.truth().faults_waiting, 1);
    scene.ask(1, Request::CancelOrder(1));
    scene.pass(200);
    assert!(scene.out.contains(&Out::Cut(Link(1), Cut::Reset)));
    assert_eq!(scene.world.truth().faults_waiting, 0);
    scene.script("reset on=placeOrder");
    scene.script("clear");
    assert_eq!(scene.world.truth().faults_waiting, 0);
}

#[test]
fn a_black_hole_ends_when_the_broker_notices() {
    let mut scene = Scene::running();
    scene.script("black_hole ms=3000");
    scene.pass(2_000);
    assert!(scene.out.contains(&Out::Cut(Link(1), Cut::BlackHole)));
    assert!(!scene.out.contains(&Out::Cut(Link(1), Cut::Reset)));
    scene.pass(2_000);
    assert!(scene.out.contains(&Out::Cut(Link(1), Cut::Reset)));
}
