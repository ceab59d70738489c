//! A broker that answers anything: whatever it says, every order comes to a proven end or to a
//! state that is shown, credits hold, envelopes hold, and nothing panics.

mod world;

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use stream::payload::*;
use stream::{FrameId, Side};
use world::*;

#[derive(Clone, Debug)]
enum Step {
    Entry {
        buy: bool,
        qty: u32,
    },
    Flatten {
        buy: bool,
        qty: u32,
    },
    Sent {
        which: usize,
        outcome: u8,
    },
    Status {
        which: usize,
        state: u8,
        filled: u32,
        remaining: u32,
    },
    Fill {
        which: usize,
        qty: u32,
        ordered: u32,
    },
    Repeat {
        which: usize,
    },
    Stranger {
        leg: u64,
        qty: u32,
    },
    Quote {
        bid: i64,
        ask: i64,
        quality: u8,
    },
    Kill {
        level: u8,
    },
    Link {
        blind: bool,
    },
    Restart,
    Time {
        millis: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (any::<bool>(), 1u32..200).prop_map(|(buy, qty)| Step::Entry { buy, qty }),
        1 => (any::<bool>(), 1u32..400).prop_map(|(buy, qty)| Step::Flatten { buy, qty }),
        6 => (any::<usize>(), 0u8..4).prop_map(|(which, outcome)| Step::Sent { which, outcome }),
        6 => (any::<usize>(), 3u8..12, 0u32..220, 0u32..220).prop_map(
            |(which, state, filled, remaining)| Step::Status { which, state, filled, remaining }
        ),
        5 => (any::<usize>(), 1u32..150, 0u32..220)
            .prop_map(|(which, qty, ordered)| Step::Fill { which, qty, ordered }),
        1 => any::<usize>().prop_map(|which| Step::Repeat { which }),
        1 => (1u64..1_000, 1u32..50).prop_map(|(leg, qty)| Step::Stranger { leg, qty }),
        1 => (9_000i64..10_000, 10_000i64..11_000, 0u8..64)
            .prop_map(|(bid, ask, quality)| Step::Quote { bid, ask, quality }),
        1 => (0u8..5).prop_map(|level| Step::Kill { level }),
        1 => any::<bool>().prop_map(|blind| Step::Link { blind }),
        1 => Just(Step::Restart),
        4 => (1u64..4_000).prop_map(|millis| Step::Time { millis }),
    ]
}

fn side(buy: bool) -> Side {
    if buy { Side::Buy } else { Side::Sell }
}

fn pick<T: Copy>(of: &[T], which: usize) -> Option<T> {
    (!of.is_empty()).then(|| of[which % of.len()])
}

fn commands(world: &World) -> Vec<(FrameId, Command)> {
    world
        .log
        .iter()
        .filter_map(|frame| Some((frame.id(), *frame.try_read::<Command>()?)))
        .collect()
}

fn sent_of((id, command): (FrameId, Command), outcome: SentOutcome) -> Sent {
    Sent {
        command: id,
        leg: command.leg,
        origin: command.origin,
        outcome,
        op: command.op,
        spare: [0; 2],
        code: 0,
    }
}

fn status_of(command: &Command, state: LegState, filled: u32, remaining: u32) -> Status {
    Status {
        leg: command.leg,
        origin: command.origin,
        filled,
        remaining,
        state,
        role: command.role,
        ..Status::zeroed()
    }
}

fn play(world: &mut World, step: &Step) {
    match *step {
        Step::Entry { buy: true, qty } => {
            world.entry(Side::Buy, qty, (10_001, 9_950, 10_050));
        }
        Step::Entry { buy: false, qty } => {
            world.entry(Side::Sell, qty, (10_001, 10_050, 9_950));
        }
        Step::Flatten { buy, qty } => {
            world.flatten(side(buy), qty, 10_000);
        }
        Step::Sent { which, outcome } => {
            if let Some(command) = pick(&commands(world), which) {
                let outcome = SentOutcome::ALL[usize::from(outcome)];
                world.input(ONE, &sent_of(command, outcome));
            }
        }
        Step::Status {
            which,
            state,
            filled,
            remaining,
        } => {
            if let Some((_, command)) = pick(&commands(world), which) {
                let state = LegState::ALL[usize::from(state)];
                world.input(ONE, &status_of(&command, state, filled, remaining));
            }
        }
        Step::Fill {
            which,
            qty,
            ordered,
        } => {
            if let Some((_, command)) = pick(&commands(world), which) {
                world.fill_of(&command, qty, qty, ordered);
            }
        }
        Step::Repeat { which } => {
            if let Some(fill) = pick(&world.all::<Fill>(), which) {
                world.input(ONE, &fill);
            }
        }
        Step::Stranger { leg, qty } => {
            let command = Command {
                leg: FrameId::new(1 << 40 | leg, 1),
                origin: FrameId::new(1 << 40 | leg, 2),
                side: Side::Buy,
                limit: cents(10_000),
                ..Command::zeroed()
            };
            world.fill_of(&command, qty, qty, qty);
        }
        Step::Quote { bid, ask, quality } => world.best(bid, ask, quality),
        Step::Kill { level } => {
            world.derived(stream::StageId::Risk, ONE, |_| Kill {
                to: KillLevel::ALL[usize::from(level)],
                ..Kill::zeroed()
            });
        }
        Step::Link { blind } => world.link(blind),
        Step::Restart => world.input(stream::InstrumentId::NONE, &Restart::zeroed()),
        Step::Time { millis } => world.millis(millis),
    }
}

/// Position by executions, each once.
fn folded(world: &World) -> i64 {
    let mut seen = BTreeSet::new();
    let fills = world
        .all::<Fill>()
        .into_iter()
        .filter(|fill| seen.insert(fill.exec_id));
    fills
        .map(|fill| fill.side.sign() * i64::from(fill.qty))
        .sum()
}

/// The last state of each leg that was commanded.
fn last_states(world: &World) -> BTreeMap<FrameId, LegState> {
    world
        .all::<Leg>()
        .into_iter()
        .filter(|l| !l.leg.is_none())
        .map(|l| (l.leg, l.to))
        .collect()
}

/// A command that is no cancel and was made while nobody knew what became of earlier ones.
fn made_blind(world: &World) -> Option<Command> {
    let mut blind = false;
    world.log.iter().find_map(|frame| {
        if let Some(link) = frame.try_read::<Connectivity>() {
            blind = link.blind != 0;
        }
        blind |= frame.kind() == stream::Kind::Restart;
        let command = frame.try_read::<Command>().filter(|_| blind)?;
        (command.op != CommandOp::Cancel).then_some(*command)
    })
}

/// From now on the broker is honest: it answers each command, ends what is to be cancelled, and
/// fills what flattens. Commands of the past are answered too.
fn make_honest(world: &mut World) {
    world.link(false);
    let mut answered = BTreeSet::new();
    for _ in 0..60 {
        let all = commands(world);
        let states = last_states(world);
        for &(id, command) in &all {
            if !answered.insert(id) {
                continue;
            }
            world.input(ONE, &sent_of((id, command), SentOutcome::Sent));
            let known = states.get(&command.leg).copied().unwrap_or_default();
            match (command.op, command.role) {
                (CommandOp::Cancel, _) => {
                    let filled = filled(world, command.leg);
                    let end = status_of(&command, LegState::Cancelled, filled, 0);
                    world.input(ONE, &end);
                }
                (_, LegRole::Flatten) if !known.is_final() => {
                    let left = command.qty.saturating_sub(filled(world, command.leg));
                    if left > 0 {
                        world.fill_of(&command, left, command.qty, command.qty);
                    }
                }
                _ => {}
            }
        }
        // Risk grants what is asked for.
        let asked = world
            .all::<Request>()
            .into_iter()
            .rev()
            .find(|r| r.why != RequestWhy::GivenUp);
        if let Some(request) = asked
            && world.stage.position(ONE).0 * request.side.sign() < 0
        {
            world.flatten(request.side, request.qty.max(1), 10_000);
        }
        world.millis(4_000);
    }
}

fn filled(world: &World, leg: FrameId) -> u32 {
    let mut seen = BTreeSet::new();
    let fills = world.all::<Fill>().into_iter();
    fills
        .filter(|f| f.leg == leg && seen.insert(f.exec_id))
        .map(|f| f.qty)
        .sum()
}

#[test]
fn exits_that_fill_beyond_themselves_are_closed_again() {
    let steps = [
        Step::Entry { buy: true, qty: 1 },
        Step::Fill {
            which: 5047561323387044897,
            qty: 38,
            ordered: 0,
        },
        Step::Restart,
        Step::Fill {
            which: 681329949415158843,
            qty: 92,
            ordered: 0,
        },
        Step::Fill {
            which: 4367583323513857658,
            qty: 55,
            ordered: 0,
        },
        Step::Time { millis: 1219 },
        Step::Flatten { buy: true, qty: 1 },
        Step::Time { millis: 1781 },
        Step::Fill {
            which: 8107900854375707860,
            qty: 80,
            ordered: 0,
        },
        Step::Fill {
            which: 7942339236361200277,
            qty: 1,
            ordered: 2,
        },
    ];
    let mut world = World::without_edge();
    for step in &steps {
        play(&mut world, step);
    }
    let position = world.stage.position(ONE).0;
    world.flatten(
        side(position < 0),
        position.unsigned_abs().max(1) as u32,
        10_000,
    );
    make_honest(&mut world);
    assert_eq!(world.stage.position(ONE).0, 0);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default() })]

    #[test]
    fn any_answers_are_survived(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::without_edge();
        for step in &steps {
            play(&mut world, step);
            prop_assert!(world.stage.unanswered() <= gateway_config().unanswered_max);
            prop_assert_eq!(world.stage.position(ONE).0, folded(&world));
        }
        world.link(false);
        prop_assert_eq!(made_blind(&world), None);
        // No command was made twice for one leg, no state regressed.
        let mut placed = BTreeSet::new();
        for (_, command) in commands(&world) {
            if command.op == CommandOp::Place {
                prop_assert!(placed.insert(command.leg));
            }
        }
        for leg in world.all::<Leg>() {
            let frozen = leg.from == leg.to;
            let forward = leg.to > leg.from || leg.from == LegState::Unknown;
            prop_assert!(frozen || (forward && !leg.from.is_final()), "{:?}", leg);
        }
        // Quiet: whatever is open and not protected is asked for.
        let before = world.log.0.len();
        world.millis(120_000);
        let position = world.stage.position(ONE).0;
        if position != 0 {
            let stops: i64 = live_stops(&world);
            let asked = world.requests(RequestWhy::Unprotected).len()
                + world.requests(RequestWhy::FlattenBand).len();
            prop_assert!(stops == -position || asked > 0, "position {} stops {}", position, stops);
        }
        prop_assert!(world.log.0.len() - before < 40_000, "quiet stays quiet");
    }

    #[test]
    fn an_honest_end_leaves_nothing_open(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::without_edge();
        for step in &steps {
            play(&mut world, step);
        }
        world.derived(stream::StageId::Risk, ONE, |_| Kill {
            to: KillLevel::Flatten,
            ..Kill::zeroed()
        });
        let position = world.stage.position(ONE).0;
        world.flatten(side(position < 0), position.unsigned_abs().max(1) as u32, 10_000);
        make_honest(&mut world);
        prop_assert_eq!(world.stage.position(ONE).0, 0);
        for (leg, state) in last_states(&world) {
            prop_assert!(state.is_final() || state == LegState::Unknown, "{} {:?}", leg, state);
        }
    }

    #[test]
    fn the_same_answers_bring_the_same_frames(steps in prop::collection::vec(step(), 1..40)) {
        let run = || {
            let mut world = World::without_edge();
            for step in &steps {
                play(&mut world, step);
            }
            world.log.0
        };
        prop_assert!(run() == run());
    }
}

/// Signed quantity of the stops that the log says are live, at the size that was last told.
fn live_stops(world: &World) -> i64 {
    let mut states = BTreeMap::new();
    let mut sizes: BTreeMap<FrameId, u32> = BTreeMap::new();
    let mut sides = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for frame in world.log.iter() {
        if let Some(command) = frame.try_read::<Command>()
            && (command.op, command.role) == (CommandOp::Place, LegRole::Stop)
        {
            sizes.insert(command.leg, command.qty);
            sides.insert(command.leg, command.side);
        } else if let Some(leg) = frame.try_read::<Leg>()
            && sides.contains_key(&leg.leg)
        {
            states.insert(leg.leg, leg.to);
        } else if let Some(status) = frame.try_read::<Status>() {
            let live = !status.state.is_final() && status.state != LegState::Held;
            let total = status.filled + status.remaining;
            if live && total > 0 && !states.get(&status.leg).is_some_and(|s| s.is_final()) {
                sizes.insert(status.leg, total);
            }
        } else if let Some(fill) = frame.try_read::<Fill>()
            && seen.insert(fill.exec_id)
            && fill.ordered > 0
        {
            sizes.insert(fill.leg, fill.ordered);
        }
    }
    let live = |s: &LegState| matches!(s, LegState::Working | LegState::PartlyFilled);
    let of = |(leg, _): (&FrameId, &LegState)| {
        let left = sizes[leg].saturating_sub(filled(world, *leg));
        sides[leg].sign() * i64::from(left)
    };
    states.iter().filter(|(_, state)| live(state)).map(of).sum()
}
