//! What risk made of the executions is the broker's own truth, and every chain of cause and effect
//! is whole: signals have outcomes, intents verdicts, commands answers, legs an end.

use crate::common::story::Told;
use crate::common::{Scene, Story};
use engine::run::Finished;
use std::collections::{BTreeMap, BTreeSet};
use stream::payload::{Command, CommandOp, KillLevel, LegRole, Order, OrderType};
use stream::{FrameId, InstrumentId, Money, Side};

/// What the sample's broker starts with.
const CASH: i128 = 100_000 * 1_000_000_000;
/// How long a session lasts.
const SECONDS: u64 = 40;
/// The sample's position limit.
const POSITION_MAX: i64 = 500;

#[test]
fn profit_and_loss_is_the_brokers_own_truth() {
    let mut fills = 0;
    let mut trips = 0;
    for seed in 1..=8 {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("journal");
        let finished = Scene::new(seed, SECONDS).run(&dir);
        let story = Story::of(&dir);
        money_agrees(seed, &finished, &story);
        every_signal_ends_once(seed, &story);
        every_intent_is_decided_once(seed, &story);
        every_command_is_answered_once(seed, &story);
        every_leg_ends(seed, &story);
        nothing_is_beyond_its_order(seed, &story);
        no_position_is_beyond_its_limit(seed, &story);
        no_entry_follows_a_kill(seed, &story);
        fills += story.fills.len();
        trips += story.trips.len();
    }
    assert!(
        fills > 50 && trips > 15,
        "the sessions hardly trade: {fills} fills, {trips} trades"
    );
}

#[test]
fn money_and_orders_agree_too_where_a_loss_ends_the_trading() {
    let mut killed = 0;
    for seed in 1..=5 {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("journal");
        let finished = Scene::new(seed, SECONDS)
            .set("risk.loss_max", "12")
            .run(&dir);
        let story = Story::of(&dir);
        killed += usize::from(
            story
                .kills
                .iter()
                .any(|kill| kill.what.to == KillLevel::Flatten),
        );
        money_agrees(seed, &finished, &story);
        every_intent_is_decided_once(seed, &story);
        every_command_is_answered_once(seed, &story);
        every_leg_ends(seed, &story);
        nothing_is_beyond_its_order(seed, &story);
        no_entry_follows_a_kill(seed, &story);
    }
    assert!(killed >= 3, "only {killed} of 5 sessions lose enough");
}

fn money_agrees(seed: u64, finished: &Finished, story: &Story) {
    let truth = finished.sim().truth();
    let mut last = BTreeMap::new();
    for pnl in &story.pnl {
        last.insert(pnl.instrument, pnl.what);
    }
    let sum = |field: fn(&stream::payload::Pnl) -> Money| -> i128 {
        last.values().map(|pnl| i128::from(field(pnl).0)).sum()
    };
    let fills: u64 = last.values().map(|pnl| u64::from(pnl.fills)).sum();
    assert_eq!(fills, truth.fills, "seed {seed}: executions");
    assert_eq!(
        story.fills.len() as u64,
        truth.fills,
        "seed {seed}: executions in the journal"
    );
    assert_eq!(
        sum(|pnl| pnl.fees),
        i128::from(truth.fees.0),
        "seed {seed}: fees"
    );
    assert!(
        last.values().all(|pnl| pnl.fees_awaited == 0),
        "seed {seed}: fees are awaited"
    );
    let mut held = BTreeMap::<InstrumentId, i64>::new();
    let mut paid = 0;
    for fill in &story.fills {
        let signed = fill.what.side.sign() * i64::from(fill.what.qty);
        *held.entry(fill.instrument).or_default() += signed;
        paid += i128::from(fill.what.price.0) * i128::from(signed);
    }
    for (instrument, pnl) in &last {
        let own = held.get(instrument).copied().unwrap_or(0);
        assert_eq!(
            pnl.position.0, own,
            "seed {seed}: {instrument:?} by its fills"
        );
        assert_eq!(
            pnl.position,
            finished.sim().position(*instrument),
            "seed {seed}: {instrument:?}"
        );
    }
    // Cash is what was there, less what was paid, less fees.
    let cash = i128::from(truth.cash.0);
    assert_eq!(
        cash,
        CASH - paid - i128::from(truth.fees.0),
        "seed {seed}: cash"
    );
    // And with nothing held, the difference is what was realised.
    assert!(
        held.values().all(|qty| *qty == 0),
        "seed {seed}: the session does not end flat"
    );
    assert!(
        finished.flat && finished.sim().orders_live() == 0,
        "seed {seed}: not flat"
    );
    assert_eq!(
        cash - CASH,
        sum(|pnl| pnl.realised) - sum(|pnl| pnl.fees),
        "seed {seed}: profit"
    );
    let trips: i128 = story
        .trips
        .iter()
        .map(|trip| i128::from(trip.what.gross.0) - i128::from(trip.what.fees.0))
        .sum();
    assert_eq!(cash - CASH, trips, "seed {seed}: profit by trades");
}

fn every_signal_ends_once(seed: u64, story: &Story) {
    let signals: BTreeSet<FrameId> = story.signals.iter().map(|signal| signal.id).collect();
    let mut ended = BTreeSet::new();
    for outcome in &story.outcomes {
        assert!(
            signals.contains(&outcome.what.signal),
            "seed {seed}: an outcome of nothing"
        );
        assert!(
            ended.insert(outcome.what.signal),
            "seed {seed}: two outcomes of one signal"
        );
        assert!(
            outcome.id > outcome.what.signal,
            "seed {seed}: an outcome before its signal"
        );
    }
    let close = Scene::new(seed, SECONDS).market.close();
    for signal in story
        .signals
        .iter()
        .filter(|signal| !ended.contains(&signal.id))
    {
        let until = signal.ts.saturating_add(signal.what.horizon);
        assert!(until > close, "seed {seed}: {signal:?} has no outcome");
    }
    let traded = story
        .outcomes
        .iter()
        .filter(|outcome| outcome.what.traded != 0)
        .count();
    let entered: BTreeSet<FrameId> = story
        .fills
        .iter()
        .filter(|fill| fill.what.role == LegRole::Entry)
        .map(|fill| fill.what.origin)
        .collect();
    assert!(
        traded <= entered.len(),
        "seed {seed}: more traded outcomes than entries"
    );
}

fn every_intent_is_decided_once(seed: u64, story: &Story) {
    let mut decided = BTreeMap::<FrameId, usize>::new();
    for order in story
        .orders
        .iter()
        .filter(|order| order.what.reduce_only == 0)
    {
        *decided.entry(order.what.origin).or_default() += 1;
    }
    for refused in &story.refused {
        *decided.entry(refused.what.intent).or_default() += 1;
    }
    for intent in &story.intents {
        assert_eq!(
            decided.get(&intent.id),
            Some(&1),
            "seed {seed}: intent {}",
            intent.id
        );
    }
    let told: BTreeSet<(FrameId, u8)> = story
        .verdicts
        .iter()
        .map(|own| (own.what.intent, own.what.reason as u8))
        .collect();
    assert_eq!(told.len(), story.refused.len(), "seed {seed}: verdicts");
    for refused in &story.refused {
        let key = (refused.what.intent, refused.what.reason as u8);
        assert!(
            told.contains(&key),
            "seed {seed}: {refused:?} never came round"
        );
    }
}

fn every_command_is_answered_once(seed: u64, story: &Story) {
    let mut answers = BTreeMap::<FrameId, usize>::new();
    for sent in &story.sents {
        *answers.entry(sent.what.command).or_default() += 1;
    }
    for command in &story.commands {
        assert_eq!(
            answers.remove(&command.id),
            Some(1),
            "seed {seed}: {command:?}"
        );
    }
    assert!(
        answers.is_empty(),
        "seed {seed}: answers to nothing: {answers:?}"
    );
}

fn every_leg_ends(seed: u64, story: &Story) {
    let mut last = BTreeMap::new();
    for leg in &story.legs {
        if let Some(before) = last.insert(leg.what.leg, leg.what.to) {
            assert_eq!(before, leg.what.from, "seed {seed}: {leg:?} jumps");
            assert!(
                !before.is_final(),
                "seed {seed}: {leg:?} rises from the dead"
            );
        }
    }
    let placed = story
        .commands
        .iter()
        .filter(|command| command.what.op == CommandOp::Place);
    for command in placed {
        let state = last.get(&command.id);
        assert!(
            state.is_some_and(|state| state.is_final()),
            "seed {seed}: {command:?} is {state:?}"
        );
    }
}

/// Commands lie in their order's envelope, executions in their command's.
fn nothing_is_beyond_its_order(seed: u64, story: &Story) {
    let orders: BTreeMap<FrameId, Order> = story
        .orders
        .iter()
        .map(|order| (order.what.origin, order.what))
        .collect();
    for command in &story.commands {
        let order = orders.get(&command.what.origin);
        let order = order.unwrap_or_else(|| panic!("seed {seed}: {command:?} has no order"));
        lies_within(seed, command, order);
    }
    let mut entered = BTreeMap::<FrameId, u32>::new();
    let mut by_leg = BTreeMap::<FrameId, u32>::new();
    let mut last: BTreeMap<FrameId, Command> = BTreeMap::new();
    for command in &story.commands {
        last.insert(command.what.leg, command.what);
    }
    for fill in &story.fills {
        let leg = by_leg.entry(fill.what.leg).or_default();
        *leg += fill.what.qty;
        assert_eq!(*leg, fill.what.filled, "seed {seed}: {fill:?}");
        assert!(
            fill.what.qty > 0 && *leg <= fill.what.ordered,
            "seed {seed}: {fill:?}"
        );
        let command = last[&fill.what.leg];
        assert_eq!(command.side, fill.what.side, "seed {seed}: {fill:?}");
        if command.order_type == OrderType::Limit && command.op == CommandOp::Place {
            let through = (fill.what.price.0 - command.limit.0) * command.side.sign();
            assert!(
                through <= 0,
                "seed {seed}: {fill:?} beyond its limit {:?}",
                command.limit
            );
        }
        if fill.what.role == LegRole::Entry {
            *entered.entry(fill.what.origin).or_default() += fill.what.qty;
        }
    }
    for (origin, qty) in entered {
        assert!(
            qty <= orders[&origin].qty,
            "seed {seed}: {origin} filled {qty}"
        );
    }
}

fn lies_within(seed: u64, command: &Told<Command>, order: &Order) {
    let what = &command.what;
    if what.op == CommandOp::Cancel {
        return;
    }
    assert!(
        what.qty > 0 && what.qty <= order.qty,
        "seed {seed}: {command:?} {order:?}"
    );
    let within = |price: stream::Price| order.price_low <= price && price <= order.price_high;
    let against = if order.side == Side::Buy {
        Side::Sell
    } else {
        Side::Buy
    };
    match what.role {
        LegRole::Entry | LegRole::Flatten => {
            assert!(within(what.limit), "seed {seed}: {command:?} {order:?}");
            assert_eq!(what.side, order.side, "seed {seed}: {command:?}");
            let opens = what.role == LegRole::Entry;
            assert_eq!(opens, order.reduce_only == 0, "seed {seed}: {command:?}");
            assert_eq!(opens, what.reduce_only == 0, "seed {seed}: {command:?}");
        }
        LegRole::Stop => {
            assert_eq!(
                (what.trigger, what.side),
                (order.stop, against),
                "seed {seed}: {command:?}"
            );
            assert!(
                what.reduce_only != 0 && what.adds_risk == 0,
                "seed {seed}: {command:?}"
            );
        }
        LegRole::Target => {
            assert_eq!(
                (what.limit, what.side),
                (order.target, against),
                "seed {seed}: {command:?}"
            );
            assert!(
                what.reduce_only != 0 && what.adds_risk == 0,
                "seed {seed}: {command:?}"
            );
        }
    }
}

fn no_position_is_beyond_its_limit(seed: u64, story: &Story) {
    let mut held = BTreeMap::<InstrumentId, i64>::new();
    for fill in &story.fills {
        let own = held.entry(fill.instrument).or_default();
        *own += fill.what.side.sign() * i64::from(fill.what.qty);
        assert!(
            own.abs() <= POSITION_MAX,
            "seed {seed}: {own} of {:?}",
            fill.instrument
        );
    }
}

fn no_entry_follows_a_kill(seed: u64, story: &Story) {
    let mut levels: Vec<(FrameId, KillLevel)> = story
        .kills
        .iter()
        .map(|kill| (kill.id, kill.what.to))
        .collect();
    levels.sort_by_key(|(id, _)| *id);
    let level_at = |id: FrameId| {
        let before = levels.partition_point(|(kill, _)| *kill < id);
        before
            .checked_sub(1)
            .map_or(KillLevel::None, |at| levels[at].1)
    };
    for order in story
        .orders
        .iter()
        .filter(|order| order.what.reduce_only == 0)
    {
        assert_eq!(
            level_at(order.id),
            KillLevel::None,
            "seed {seed}: {order:?} behind a kill"
        );
    }
    for command in story
        .commands
        .iter()
        .filter(|command| command.what.adds_risk != 0)
    {
        let level = level_at(command.id);
        assert!(
            level < KillLevel::Halt,
            "seed {seed}: {command:?} behind {level:?}"
        );
    }
}
