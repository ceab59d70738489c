//! Every first control bites in the running system, and does not where its limit is wide.
//!
//! Where the strategy's own gates or the sizing come before a control, so that no market can lead
//! an intent into it, the risk stage is shown a recorded session in which one frame is changed:
//! that is said at the test.

use crate::common::{Scene, Story, frames};
use engine::chain::Stages;
use std::collections::BTreeMap;
use stream::payload::{Best, Intent, KillLevel, Reason, Restart, quality};
use stream::stage::Collected;
use stream::{Draft, FrameId, FrameRef, InstrumentId, Kind, Out, Stage, StageId};

const SECONDS: u64 = 40;

fn scene() -> Scene {
    Scene::new(2, SECONDS)
}

fn story(scene: &Scene) -> Story {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("journal");
    scene.run(&dir);
    let checked = engine::replay::check(&dir).unwrap();
    assert!(checked.identical, "{:?}", checked.first);
    Story::of(&dir)
}

fn refusals(story: &Story, reason: Reason) -> usize {
    story
        .refused
        .iter()
        .filter(|refused| refused.what.reason == reason)
        .count()
}

fn entries(story: &Story) -> usize {
    story
        .orders
        .iter()
        .filter(|order| order.what.reduce_only == 0)
        .count()
}

/// With wide limits the session trades and nothing at all is refused, so that every refusal below
/// is the doing of the one limit that is set.
#[test]
fn with_wide_limits_nothing_is_refused() {
    let story = story(&scene());
    assert!(entries(&story) > 5, "the session hardly trades");
    assert!(story.refused.is_empty() && story.kills.is_empty());
}

#[test]
fn each_limit_refuses_with_its_own_reason() {
    let cases: [(Reason, &[(&str, &str)]); 11] = [
        // A lot of 100 and at most 99: nothing is left to be made smaller.
        (
            Reason::OrderQuantity,
            &[
                ("instrument_default.lot", "100"),
                ("risk.order_quantity_max", "99"),
                ("risk.risk_per_trade_percent", "1"),
            ],
        ),
        (Reason::OrderValue, &[("risk.order_value_max", "20")]),
        (
            Reason::PriceCollar,
            &[("risk.collar_aggressive_percent", "0.0001")],
        ),
        (
            Reason::PriceCollar,
            &[("risk.collar_stop_percent", "0.0001")],
        ),
        (Reason::Stale, &[("risk.stale_after", "\"1ms\"")]),
        (
            Reason::SessionWindow,
            &[("risk.entries_after_open", "\"20s\"")],
        ),
        (
            Reason::SessionWindow,
            &[("risk.entries_stop_before_close", "\"20s\"")],
        ),
        (Reason::ShortSale, &[("risk.shorts", "false")]),
        (Reason::Observe, &[("risk.mode", "\"observe\"")]),
        (
            Reason::Equity,
            &[
                ("risk.equity_age_max", "\"1s\""),
                ("sim.account_every", "\"30s\""),
            ],
        ),
        (
            Reason::SizeZero,
            &[("risk.risk_per_trade_percent", "0.0001")],
        ),
    ];
    for (reason, settings) in cases {
        let scene = settings
            .iter()
            .fold(scene(), |scene, (key, value)| scene.set(key, value));
        let story = story(&scene);
        let found = refusals(&story, reason);
        assert!(
            found > 0,
            "{settings:?}: no refusal says {reason:?}: {:?}",
            story.refused
        );
        let told = story
            .verdicts
            .iter()
            .filter(|verdict| verdict.what.reason == reason)
            .count();
        assert_eq!(told, found, "{settings:?}: each refusal comes round");
        if reason == Reason::Observe {
            assert_eq!(
                (entries(&story), story.commands.len()),
                (0, 0),
                "who observes sends nothing"
            );
        }
        if reason == Reason::ShortSale {
            let short = |order: &&crate::common::story::Told<stream::payload::Order>| {
                order.what.reduce_only == 0 && order.what.side == stream::Side::Sell
            };
            assert_eq!(
                story.orders.iter().filter(short).count(),
                0,
                "a short sale got through"
            );
        }
    }
}

#[test]
fn quantity_and_value_limits_make_orders_smaller_and_say_so() {
    let quantity = story(&scene().set("risk.order_quantity_max", "7"));
    assert!(entries(&quantity) > 5);
    for order in quantity
        .orders
        .iter()
        .filter(|order| order.what.reduce_only == 0)
    {
        assert!(
            order.what.qty <= 7 && order.what.clamped == Reason::OrderQuantity,
            "{order:?}"
        );
    }
    let value = story(&scene().set("risk.order_value_max", "1000"));
    assert!(entries(&value) > 5);
    for order in value
        .orders
        .iter()
        .filter(|order| order.what.reduce_only == 0)
    {
        let worth = order
            .what
            .price_high
            .value(stream::Qty(order.what.qty.into()), 1);
        assert!(worth.0 <= 1_000 * stream::units::SCALE, "{order:?}");
        assert_eq!(order.what.clamped, Reason::OrderValue);
    }
}

/// All positions and working entries together: with room for one and a half of them, the second
/// is made smaller or refused.
#[test]
fn the_gross_limit_binds_across_symbols() {
    let tight = |gross: &str| {
        scene()
            .set("risk.order_value_max", "3000")
            .set("risk.gross_max", gross)
            .set("throttle.cool_down", "\"0s\"")
    };
    let binds = |story: &Story| {
        let clamped = story
            .orders
            .iter()
            .filter(|own| own.what.clamped == Reason::GrossLimit);
        clamped.count() + refusals(story, Reason::GrossLimit)
    };
    let story_of = story(&tight("3100"));
    assert!(binds(&story_of) > 0, "{:?}", story_of.orders);
    assert_eq!(binds(&story(&tight("100000"))), 0);
}

#[test]
fn a_daily_loss_latches_and_closes_everything_once() {
    let mut held_at_a_kill = 0;
    for seed in 1..=6 {
        let scene = Scene::new(seed, SECONDS).set("risk.loss_max", "12");
        let story = story(&scene);
        let kills: Vec<_> = story
            .kills
            .iter()
            .filter(|own| own.what.to == KillLevel::Flatten)
            .collect();
        let Some(kill) = kills.first() else { continue };
        assert_eq!(kills.len(), 1, "seed {seed}: it latches once");
        assert_eq!(
            (kill.what.reason, kill.what.latched),
            (Reason::DailyLoss, 1)
        );
        assert!(
            kill.what.observed >= kill.what.limit && kill.what.limit > 0,
            "{kill:?}"
        );
        let last = story.kills.last().unwrap();
        assert_eq!(
            last.what.to,
            KillLevel::Flatten,
            "seed {seed}: nothing lowers it"
        );

        let mut held = BTreeMap::<InstrumentId, i64>::new();
        let sign = |own: &stream::payload::Fill| own.side.sign() * i64::from(own.qty);
        for fill in story.fills.iter().filter(|fill| fill.id < kill.id) {
            *held.entry(fill.instrument).or_default() += sign(&fill.what);
        }
        held.retain(|_, qty| *qty != 0);
        held_at_a_kill += held.len();
        let mut flattens = BTreeMap::<InstrumentId, usize>::new();
        for order in story.orders.iter().filter(|order| order.id > kill.id) {
            assert_ne!(
                order.what.reduce_only, 0,
                "seed {seed}: an entry behind the latch"
            );
            assert_eq!(order.what.reason, Reason::DailyLoss, "seed {seed}");
            *flattens.entry(order.instrument).or_default() += 1;
        }
        // An entry may fill while its cancel is under way: what it bought is closed as well.
        let mut wanted: BTreeMap<InstrumentId, usize> = held.keys().map(|id| (*id, 1)).collect();
        for fill in story.fills.iter().filter(|fill| fill.id > kill.id) {
            if fill.what.role == stream::payload::LegRole::Entry {
                *wanted.entry(fill.instrument).or_default() += 1;
            }
        }
        assert!(
            flattens.keys().eq(wanted.keys()),
            "seed {seed}: {flattens:?} {wanted:?}"
        );
        for (id, count) in &flattens {
            assert!(
                *count <= wanted[id],
                "seed {seed}: {id:?} is closed {count} times"
            );
        }
        for fill in story.fills.iter().filter(|fill| fill.id > kill.id) {
            *held.entry(fill.instrument).or_default() += sign(&fill.what);
        }
        assert!(
            held.values().all(|qty| *qty == 0),
            "seed {seed}: {held:?} is left"
        );
        let after = story
            .intents
            .iter()
            .filter(|intent| intent.id > kill.id)
            .count();
        let shut = story.refused.iter().filter(|refused| refused.id > kill.id);
        assert_eq!(
            shut.filter(|own| own.what.reason == Reason::KillLevel)
                .count(),
            after
        );
    }
    assert!(
        held_at_a_kill > 0,
        "no session is killed with something held"
    );
    assert!(
        story(&scene().set("risk.loss_max", "100000"))
            .kills
            .is_empty()
    );
}

/// Signals know who is not armed, so no intent is made at all.
#[test]
fn who_is_not_armed_wishes_nothing() {
    let story = story(&scene().set("session.armed_at_start", "false"));
    assert!(story.signals.len() > 5 && story.intents.is_empty());
    assert!(
        story
            .signals
            .iter()
            .all(|signal| signal.what.gates & signal::gates::DISARMED != 0)
    );
    assert!(story.commands.is_empty());
}

/// What risk alone makes of a recorded session: every frame of the stages before it, as `change`
/// leaves it. `change` puts what risk is to see into the given vector.
fn risk_alone(scene: &Scene, mut change: impl FnMut(FrameRef<'_>, &mut Collected)) -> Story {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("journal");
    scene.run(&dir);
    let Stages { mut risk, .. } = scene.setup().unwrap().stages();
    let mut out = Collected::default();
    for frame in frames(&dir).iter() {
        let made_by = frame.header().sub >> stream::id::SUB_COUNT_BITS;
        if made_by >= StageId::Risk as u16 || frame.kind() == Kind::Blob {
            continue;
        }
        let mut shown = Collected::default();
        change(frame, &mut shown);
        for frame in shown.iter() {
            risk.on_frame(frame, &mut out);
        }
    }
    Story::of_frames(&out)
}

/// A derived frame as its stage would have made it.
fn made<P: stream::payload::Payload>(like: FrameRef<'_>, sub: u16, payload: &P) -> Draft {
    let mut draft = Draft::new();
    draft.write_as(stream::Class::Derived, like.instrument(), payload);
    let header = draft.header_mut();
    (header.seq, header.ts, header.sub) = (like.seq(), like.ts(), sub);
    draft
}

/// Injected: signal's own gate looks at the same quality, so no market leads an intent there.
#[test]
fn a_book_that_is_not_tradable_shuts_entries() {
    let with = |quality: u8| {
        let mut last = BTreeMap::<InstrumentId, Best>::new();
        risk_alone(&scene(), move |frame, shown| {
            if let Some(best) = frame.try_read::<Best>() {
                last.insert(frame.instrument(), *best);
            }
            // No order is made, so nothing is heard of any.
            let answer = matches!(
                frame.kind(),
                Kind::Sent | Kind::Status | Kind::Fill | Kind::Commission | Kind::Position
            );
            if answer && quality != 0 {
                return;
            }
            if frame.kind() == Kind::Intent && quality != 0 {
                let best = Best {
                    quality,
                    ..last[&frame.instrument()]
                };
                shown.put(made(frame, frame.header().sub - 1, &best).frame());
            }
            shown.put(frame);
        })
    };
    let sound = with(0);
    assert!(sound.intents.len() > 5 && refusals(&sound, Reason::BookQuality) == 0);
    for flag in [
        quality::CROSSED,
        quality::STALE,
        quality::GAPPED,
        quality::ONE_SIDED,
        quality::HALTED,
    ] {
        let story = with(flag);
        assert_eq!(
            refusals(&story, Reason::BookQuality),
            story.intents.len(),
            "quality {flag}"
        );
        assert_eq!(entries(&story), 0);
    }
}

/// Injected: signal's own gate looks at the same arming.
#[test]
fn risk_refuses_whoever_is_not_armed() {
    let story = risk_alone(&scene(), |frame, shown| match frame.try_read::<Restart>() {
        Some(restart) => {
            let mut draft = Draft::new();
            draft.write(
                InstrumentId::NONE,
                &Restart {
                    disarmed: 1,
                    ..*restart
                },
            );
            *draft.header_mut() = *frame.header();
            shown.put(draft.frame());
        }
        None => shown.put(frame),
    });
    assert!(story.intents.len() > 5);
    assert_eq!(refusals(&story, Reason::Disarmed), story.intents.len());
    assert_eq!(entries(&story), 0);
}

/// Injected: the strategy wishes nothing for a symbol on which it has an entry working. Here each
/// intent is wished twice, and the limit has room for one.
#[test]
fn working_entries_count_towards_the_position_limit() {
    let twice = |position_max: &str| {
        let scene = scene()
            .set("risk.order_quantity_max", "5")
            .set("risk.position_max", position_max);
        risk_alone(&scene, |frame, shown| {
            shown.put(frame);
            if let Some(intent) = frame.try_read::<Intent>() {
                shown.put(made(frame, frame.header().sub + 4_000, intent).frame());
            }
        })
    };
    let second = |id: FrameId| id.sub() & 0x1FFF > 4_000;
    let tight = twice("5");
    let firsts: Vec<_> = tight
        .orders
        .iter()
        .filter(|order| order.what.reduce_only == 0)
        .collect();
    assert!(firsts.len() > 5 && firsts.iter().all(|order| !second(order.what.origin)));
    let refused = refusals(&tight, Reason::PositionLimit);
    assert!(refused >= firsts.len(), "{refused} of {}", firsts.len());
    let wide = twice("500");
    assert_eq!(refusals(&wide, Reason::PositionLimit), 0);
    assert!(wide.orders.iter().any(|order| second(order.what.origin)));
}
