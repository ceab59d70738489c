//! Sessions: what a client hears before it asks for anything else.

use super::*;

fn hear(world: &mut World, link: u64, request: Request) -> Vec<Answer> {
    let mut out = Vec::new();
    world.request(Nanos::from_secs(1_000), Link(link), request, &mut out);
    let said = |out| match out {
        Out::Say(to, answer) if to == Link(link) => Some(*answer),
        _ => None,
    };
    out.into_iter().filter_map(said).collect()
}

fn start(client_id: i32) -> Request {
    Request::StartApi {
        client_id,
        capabilities: String::new(),
    }
}

#[test]
fn a_session_begins_with_accounts_ids_and_farms() {
    let mut world = World::new("DU1234567");
    world.join(Link(1));
    assert_eq!(hear(&mut world, 1, Request::CurrentTime), []);
    let said = hear(&mut world, 1, start(7));
    assert_eq!(said[0], Answer::ManagedAccounts("DU1234567".into()));
    assert_eq!(said[1], Answer::NextValidId(1));
    let codes = said[2..].iter().map(|answer| match answer {
        Answer::Problem(problem) => (problem.id, problem.code),
        other => panic!("{other:?}"),
    });
    assert!(codes.eq([(-1, 2104), (-1, 2106), (-1, 2158)]));
    assert_eq!(
        hear(&mut world, 1, Request::CurrentTime),
        [Answer::CurrentTime(1_000)]
    );
}

#[test]
fn a_number_in_use_is_refused_and_the_connection_closed() {
    let mut world = World::new("DU1234567");
    world.join(Link(1));
    world.join(Link(2));
    hear(&mut world, 1, start(7));
    let mut out = Vec::new();
    world.request(Nanos::from_secs(1_000), Link(2), start(7), &mut out);
    let Out::Say(Link(2), first) = &out[0] else {
        panic!("{out:?}");
    };
    assert!(matches!(&**first, Answer::Problem(p) if p.code == 326 && p.id == -1));
    assert_eq!(out[1..], [Out::Close(Link(2))]);
    world.leave(Link(1));
    world.leave(Link(2));
    world.join(Link(3));
    assert_eq!(hear(&mut world, 3, start(7)).len(), 5);
}

#[test]
fn order_ids_are_spent_for_ever_for_each_client_alone() {
    let mut world = World::new("DU1234567");
    world.join(Link(1));
    hear(&mut world, 1, start(7));
    world.sessions.raise_floor(7, 41);
    world.sessions.raise_floor(7, 3);
    assert_eq!(hear(&mut world, 1, Request::Ids), [Answer::NextValidId(42)]);
    world.leave(Link(1));
    world.join(Link(2));
    assert_eq!(hear(&mut world, 2, start(7))[1], Answer::NextValidId(42));
    world.leave(Link(2));
    world.join(Link(3));
    assert_eq!(hear(&mut world, 3, start(8))[1], Answer::NextValidId(1));
}

#[test]
fn every_list_that_a_client_waits_for_has_an_end() {
    let mut world = World::new("DU1234567");
    world.join(Link(1));
    hear(&mut world, 1, start(7));
    let account = String::from("DU1234567");
    let updates = Request::AccountUpdates {
        subscribe: true,
        account: String::new(),
    };
    for (request, end) in [
        (Request::Positions, Answer::PositionEnd),
        (Request::OpenOrders, Answer::OpenOrderEnd),
        (Request::AllOpenOrders, Answer::OpenOrderEnd),
        (Request::CompletedOrders(false), Answer::CompletedOrderEnd),
        (updates, Answer::AccountEnd(account.clone())),
        (
            Request::AccountUpdatesMulti(9, account, String::new(), false),
            Answer::AccountUpdateMultiEnd(9),
        ),
        (
            Request::Executions(8, crate::model::ExecutionFilter::default()),
            Answer::ExecutionEnd(8),
        ),
    ] {
        assert_eq!(hear(&mut world, 1, request).last(), Some(&end));
    }
}

#[test]
fn only_client_0_binds_orders_typed_by_hand() {
    let mut world = World::new("DU1234567");
    world.join(Link(1));
    hear(&mut world, 1, start(7));
    let said = hear(&mut world, 1, Request::AutoOpenOrders(true));
    assert!(matches!(&said[..], [Answer::Problem(p)] if p.code == 327));
}

#[test]
fn what_is_not_served_is_said_and_not_left_to_be_waited_for() {
    let mut scene = Scene::new();
    let read = |text: &str| crate::text::decode(178, text.as_bytes()).expect("it reads");
    let histogram = read("88\x0077\x00265598\x00");
    assert_eq!(histogram, Request::Declined(88, 77));
    assert_eq!(problems(&scene.ask(1, histogram)), [(77, 321)]);
    let fundamentals = read("52\x002\x0078\x00265598\x00AAPL\x00");
    assert_eq!(problems(&scene.ask(1, fundamentals)), [(78, 321)]);
    assert_eq!(
        scene.ask(1, read("120\x005\x00")),
        [],
        "nobody waits for it"
    );
}
