//! The stage as a whole, on a seeded market with hand-made frames.

mod harness;

use harness::{Broker, OPEN, Rig, STEP, TICK, Walk, drive, opened, view};
use proptest::prelude::*;
use signal::{Config, SignalStage, gates};
use std::collections::BTreeMap;
use stream::payload::*;
use stream::stage::Collected;
use stream::{Class, Draft, FrameId, InstrumentId, Kind, Nanos, Price, Side, Stage, StageId};

fn demo_run(seed: u64, mirror: bool, seconds: u64) -> (Rig, Broker) {
    run(Config::demo(8), seed, mirror, seconds)
}

fn run(config: Config, seed: u64, mirror: bool, seconds: u64) -> (Rig, Broker) {
    let mut rig = opened(config, 8, 60);
    let (mut walk, mut broker) = (Walk::new(seed, 8, mirror), Broker::default());
    drive(&mut rig, &mut walk, &mut broker, 0..seconds * 4);
    (rig, broker)
}

#[test]
fn the_demo_trades_within_ten_seconds_and_rotates_its_slots() {
    for seed in 1..6 {
        let (rig, broker) = demo_run(seed, false, 30);
        let first = rig
            .out
            .iter()
            .find(|frame| frame.kind() == Kind::Intent)
            .unwrap_or_else(|| panic!("seed {seed}: no intent"))
            .ts();
        assert!(first.0 < OPEN.0 + 10 * 1_000_000_000, "seed {seed}: late");
        assert!(rig.count(Kind::DepthSlot) >= 3, "seed {seed}");
        assert!(broker.trips > 0, "seed {seed}");
        let stats = rig.stage.stats();
        assert!(stats.rotations > 0, "seed {seed}: {stats:?}");
        assert_eq!(stats.slots_in_use, 3);
    }
}

#[test]
fn refused_candidates_are_accounted_for() {
    let (rig, _) = demo_run(1, false, 40);
    let missed = rig.all::<Missed>();
    assert!(!missed.is_empty());
    let flagged = missed.iter().filter(|one| one.2.opportunity != 0).count();
    assert_eq!(flagged as u64, rig.stage.stats().missed_opportunities);
    for (_, instrument, one) in missed {
        assert!(one.rise_ppm >= 0 && one.fall_ppm <= 0, "{instrument:?}");
        assert_eq!(
            one.opportunity != 0,
            one.rise_ppm >= 1_000 || one.fall_ppm <= -1_000
        );
    }
}

#[test]
fn an_intent_comes_only_behind_its_signal_and_with_every_gate_clear() {
    let (rig, _) = demo_run(2, false, 40);
    let signals: BTreeMap<_, _> = rig
        .all::<Signal>()
        .into_iter()
        .map(|(id, _, signal)| (id, signal))
        .collect();
    let intents = rig.all::<Intent>();
    let clear = signals.values().filter(|signal| signal.gates == 0).count();
    assert_eq!(clear, intents.len());
    for (id, _, intent) in intents {
        let signal = signals[&intent.signal];
        assert_eq!(signal.gates, 0);
        assert_eq!(id.0, intent.signal.0 + 1, "directly behind");
        assert_eq!(
            (signal.entry, signal.stop, signal.target, signal.side),
            (intent.entry, intent.stop, intent.target, intent.side)
        );
        assert!(signal.score >= signal.threshold);
        let sign = intent.side.sign();
        assert!((intent.entry.0 - intent.stop.0) * sign > 0);
        assert!((intent.target.0 - intent.entry.0) * sign > 0);
        for price in [intent.entry, intent.stop, intent.target] {
            assert!(price.is_on(harness::TICK));
        }
    }
}

#[test]
fn every_signal_gets_exactly_one_outcome_by_the_end_of_the_session() {
    let mut rig = opened(Config::demo(8), 8, 30);
    let (mut walk, mut broker) = (Walk::new(3, 8, false), Broker::default());
    drive(&mut rig, &mut walk, &mut broker, 0..119);
    let signals = rig.all::<Signal>();
    assert!(signals.len() > 10);
    let mut expected: Vec<_> = signals.iter().map(|one| one.0).collect();
    let mut told: Vec<_> = rig
        .all::<Outcome>()
        .iter()
        .map(|one| one.2.signal)
        .collect();
    told.sort_unstable();
    expected.sort_unstable();
    // Only an intent whose fill is still undecided may wait; this broker decides at once.
    assert_eq!(told, expected);
    let ended = rig
        .all::<Outcome>()
        .iter()
        .any(|one| one.2.kind == OutcomeKind::SessionEnd);
    assert!(ended, "the session ended some");
}

fn mirrored(price: Price) -> Price {
    Price(2 * 10_000 * harness::TICK.0 - price.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The mirror image of a market gives the mirror image of every signal, bit for bit.
    #[test]
    fn long_and_short_are_mirror_images(seed in any::<u64>()) {
        // Slots rank by volatility in ppm of the price, which a mirrored price level changes.
        let mut config = Config::demo(8);
        config.opportunity.weight_volatility = 0.0;
        let (up, _) = run(config.clone(), seed, false, 20);
        let (down, _) = run(config, seed, true, 20);
        let (up, down) = (up.all::<Signal>(), down.all::<Signal>());
        prop_assert!(!up.is_empty());
        prop_assert_eq!(up.len(), down.len());
        for ((id, instrument, a), (other, same, b)) in up.into_iter().zip(down) {
            prop_assert_eq!((id, instrument), (other, same));
            prop_assert_eq!(a.side, b.side.opposite());
            let bits = |signal: &Signal| signal.components.map(|one| (one + 0.0).to_bits());
            prop_assert_eq!(bits(&a), bits(&b));
            let image = Signal {
                side: b.side.opposite(),
                entry: mirrored(b.entry),
                stop: mirrored(b.stop),
                target: mirrored(b.target),
                components: a.components,
                ..b
            };
            prop_assert_eq!(a, image);
        }
    }

    /// Whatever comes, no frame makes the stage emit more than it declares.
    #[test]
    fn what_it_emits_stays_within_what_it_declares(seed in any::<u64>()) {
        let (rig, _) = demo_run(seed, false, 20);
        let mut stage = SignalStage::new(Config::demo(8)).unwrap();
        let mut out = Collected::default();
        for frame in rig.inputs.iter() {
            out.0.clear();
            stage.on_frame(frame, &mut out);
            let mut made: BTreeMap<Kind, usize> = BTreeMap::new();
            for one in out.iter().skip(1) {
                *made.entry(one.kind()).or_default() += 1;
                prop_assert_eq!(one.header().parent, frame.header().sub);
            }
            stage.emits(frame.kind(), &mut |kind, most| {
                let count = made.remove(&kind).unwrap_or(0);
                assert!(count <= most, "{kind}: {count} of {most}");
            });
            prop_assert!(made.is_empty(), "undeclared: {:?}", made);
        }
    }

    /// Bytes from outside are taken whole or not at all.
    #[test]
    fn a_damaged_checkpoint_changes_nothing(
        cut in any::<prop::sample::Index>(),
        flip in any::<u8>(),
    ) {
        let (mut rig, _) = demo_run(4, false, 12);
        let mut bytes = Vec::new();
        rig.stage.save(&mut bytes);
        let before = rig.stage.state_hash();
        let at = cut.index(bytes.len());
        prop_assert!(rig.stage.load(&bytes[..at]).is_err());
        prop_assert_eq!(rig.stage.state_hash(), before);
        bytes[at] ^= flip;
        if rig.stage.load(&bytes).is_err() {
            prop_assert_eq!(rig.stage.state_hash(), before);
        }
    }
}

#[test]
fn the_same_frames_give_the_same_bytes() {
    let (rig, _) = demo_run(5, false, 30);
    let mut stage = SignalStage::new(Config::demo(8)).unwrap();
    let mut out = Collected::default();
    for frame in rig.inputs.iter() {
        stage.on_frame(frame, &mut out);
    }
    assert!(out.0 == rig.out.0);
    assert_eq!(stage.state_hash(), rig.stage.state_hash());
    assert_eq!(rig.count(Kind::StateHash), 30);
}

/// Puts what the stage saved into a fresh one, as an epoch that starts from a checkpoint does.
fn restarted(rig: &Rig, disarmed: bool) -> Rig {
    let mut fresh = Rig::new(rig.stage.config().clone());
    fresh.seq = rig.seq;
    fresh.ts = rig.ts;
    let restart = Restart {
        epoch: 2,
        from: RestartFrom::Checkpoint,
        disarmed: u8::from(disarmed),
        ..Restart::zeroed()
    };
    fresh.input(InstrumentId::NONE, &restart);
    let mut bytes = Vec::new();
    rig.stage.save(&mut bytes);
    assert!(bytes.len() <= rig.stage.config().checkpoint_bytes_max());
    for index in 0..stream::blob::chunks(bytes.len()) {
        let chunk = stream::blob::checkpoint_chunk(StageId::Signal, 1, &bytes, index);
        fresh.input(InstrumentId::NONE, &chunk);
    }
    for i in 1..=8 {
        fresh.define(InstrumentId(i));
    }
    fresh.session(20_231_114, OPEN, 60);
    fresh
}

#[test]
fn outcomes_positions_and_throttles_survive_a_restart() {
    let mut rig = opened(Config::demo(8), 8, 60);
    let (mut walk, mut broker) = (Walk::new(3, 8, false), Broker::default());
    drive(&mut rig, &mut walk, &mut broker, 0..60);
    let open = rig.all::<Signal>().len() - rig.all::<Outcome>().len();
    assert!(open > 0, "nothing to carry over");
    let mut fresh = restarted(&rig, false);
    for i in 1..=8 {
        let id = InstrumentId(i);
        assert_eq!(fresh.stage.position(id), rig.stage.position(id));
    }
    let (mut saved, mut again) = (Vec::new(), Vec::new());
    rig.stage.save(&mut saved);
    fresh.stage.save(&mut again);
    assert_eq!(saved, again);
    let slots = fresh.count(Kind::DepthSlot);
    assert_eq!(slots, 0);
    walk.held.fill(false);
    let before: Vec<FrameId> = rig.all::<Signal>().iter().map(|one| one.0).collect();
    let told: Vec<FrameId> = rig
        .all::<Outcome>()
        .iter()
        .map(|one| one.2.signal)
        .collect();
    let mut walk = Walk::new(3, 8, false);
    for step in 60..240 {
        walk.step(&mut fresh, Nanos(OPEN.0 + (step + 1) * STEP));
    }
    let carried: Vec<FrameId> = fresh
        .all::<Outcome>()
        .iter()
        .map(|one| one.2.signal)
        .filter(|signal| before.contains(signal))
        .collect();
    assert_eq!(carried.len(), open);
    assert!(carried.iter().all(|signal| !told.contains(signal)));
}

#[test]
fn a_disarmed_epoch_signals_but_wishes_nothing_until_it_is_armed() {
    let (rig, _) = demo_run(3, false, 1);
    let mut fresh = restarted(&rig, true);
    let mut walk = Walk::new(3, 8, false);
    for step in 0..80 {
        walk.step(&mut fresh, Nanos(OPEN.0 + (step + 5) * STEP));
    }
    let signals = fresh.all::<Signal>();
    assert!(!signals.is_empty());
    assert!(signals.iter().all(|one| one.2.gates & gates::DISARMED != 0));
    assert_eq!(fresh.count(Kind::Intent), 0);
    let arm = Control {
        action: ControlAction::Arm,
        ..Control::zeroed()
    };
    fresh.input(InstrumentId::NONE, &arm);
    for step in 80..200 {
        walk.step(&mut fresh, Nanos(OPEN.0 + (step + 5) * STEP));
    }
    assert!(fresh.count(Kind::Intent) > 0);
}

#[test]
fn a_fold_keeps_everything_but_the_subscriptions() {
    let (mut rig, _) = demo_run(3, false, 10);
    assert_eq!(rig.stage.stats().slots_in_use, 3);
    let restart = Restart {
        epoch: 2,
        from: RestartFrom::Fold,
        ..Restart::zeroed()
    };
    let signals = rig.stage.stats().signals;
    rig.input(InstrumentId::NONE, &restart);
    assert_eq!(rig.stage.stats().slots_in_use, 0);
    assert_eq!(rig.stage.stats().signals, signals);
}

#[test]
fn a_full_table_of_outcomes_closes_a_gate_and_keeps_the_promise() {
    let mut config = Config::demo(8);
    config.outcomes = 2;
    let mut rig = opened(config, 8, 60);
    let mut walk = Walk::new(3, 8, false);
    for step in 0..160 {
        walk.step(&mut rig, Nanos(OPEN.0 + (step + 1) * STEP));
    }
    let full: Vec<_> = rig
        .all::<Signal>()
        .into_iter()
        .filter(|one| one.2.gates & gates::OUTCOMES_FULL != 0)
        .collect();
    assert!(!full.is_empty());
    let outcomes = rig.all::<Outcome>();
    for (id, _, _) in &full {
        let told: Vec<_> = outcomes.iter().filter(|one| one.2.signal == *id).collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].2.elapsed, Nanos(0));
        assert_ne!(told[0].2.gates & gates::OUTCOMES_FULL, 0);
    }
}

#[test]
fn a_refused_intent_rests_its_instrument_and_is_told_as_not_traded() {
    let mut rig = opened(Config::demo(8), 8, 60);
    let mut walk = Walk::new(3, 8, false);
    let mut refused = Vec::new();
    for step in 0..160 {
        let seen = refused.len();
        walk.step(&mut rig, Nanos(OPEN.0 + (step + 1) * STEP));
        for (id, instrument, intent) in rig.all::<Intent>().split_off(seen) {
            let verdict = Verdict {
                intent: id,
                reason: Reason::Observe,
                ..Verdict::zeroed()
            };
            rig.input(instrument, &verdict);
            refused.push((rig.ts, instrument, intent));
        }
    }
    assert!(refused.len() > 3);
    for (position, (ts, instrument, _)) in refused.iter().enumerate() {
        let next = refused[position + 1..]
            .iter()
            .find(|one| one.1 == *instrument);
        if let Some(next) = next {
            assert!(next.0.0 >= ts.0 + 3_000_000_000, "no rest after a refusal");
        }
    }
    assert!(rig.all::<Outcome>().iter().all(|one| one.2.traded == 0));
}

#[test]
fn a_checkpoint_is_written_on_each_multiple_and_once_at_the_end() {
    let mut rig = opened(Config::demo(8), 8, 30);
    let (mut walk, mut broker) = (Walk::new(3, 8, false), Broker::default());
    drive(&mut rig, &mut walk, &mut broker, 0..119);
    let mut times: Vec<u64> = rig
        .made()
        .iter()
        .filter(|frame| frame.kind() == Kind::Checkpoint)
        .map(|frame| (frame.ts().0 - OPEN.0) / 1_000_000_000)
        .collect();
    times.dedup();
    assert_eq!(times, [10, 20, 29]);
    let mut assembler = stream::blob::Assembler::default();
    let mut whole = None;
    for frame in rig.made() {
        if frame.kind() == Kind::Checkpoint {
            let chunk = frame.read::<Checkpoint>();
            whole = assembler.push_checkpoint(chunk).or(whole);
        }
    }
    let mut fresh = SignalStage::new(Config::demo(8)).unwrap();
    fresh.load(&whole.expect("a whole checkpoint")).unwrap();
}

#[test]
fn a_broken_book_and_an_unknown_instrument_are_left_alone() {
    let mut rig = opened(Config::demo(2), 2, 60);
    let mut walk = Walk::new(7, 2, false);
    for step in 0..20 {
        walk.step(&mut rig, Nanos(OPEN.0 + (step + 1) * STEP));
    }
    let beyond = InstrumentId(9);
    rig.best(beyond, Price(1), Price(2));
    rig.derived(beyond, &harness::view(Price(1), Price(2)));
    rig.input(beyond, &Fill::zeroed());
    let signals = rig.count(Kind::Signal);
    for step in 20..60 {
        let mut broken = harness::view(Price(200_000_000_000), Price(100_000_000_000));
        broken.quality = quality::CROSSED;
        let views = [(InstrumentId(1), broken), (InstrumentId(2), broken)];
        rig.evaluation(Nanos(OPEN.0 + (step + 1) * STEP), &views);
    }
    assert_eq!(rig.count(Kind::Signal), signals);
    assert_eq!(rig.stage.position(beyond).0, 0);
}

#[test]
fn an_intent_needs_warm_depth_where_slots_bring_it() {
    let mut config = Config::demo(4);
    config.slots.count = 1;
    config.slots.min_hold = Nanos::from_secs(600);
    let mut rig = opened(config, 4, 60);
    let mut walk = Walk::new(11, 4, false);
    for step in 0..200 {
        walk.step(&mut rig, Nanos(OPEN.0 + (step + 1) * STEP));
    }
    let holder = rig.all::<DepthSlot>()[0].1;
    let mut blind = 0;
    for (_, instrument, signal) in rig.all::<Signal>() {
        if instrument == holder {
            continue;
        }
        assert_ne!(signal.gates & gates::DEPTH, 0);
        blind += 1;
    }
    assert!(blind > 0);
    let intents = rig.all::<Intent>();
    assert!(!intents.is_empty());
    assert!(intents.iter().all(|one| one.1 == holder));
}

#[test]
fn shorts_are_gated_where_they_are_off() {
    let mut config = Config::demo(8);
    config.shorts = false;
    let mut rig = opened(config, 8, 60);
    let (mut walk, mut broker) = (Walk::new(2, 8, false), Broker::default());
    drive(&mut rig, &mut walk, &mut broker, 0..160);
    let signals = rig.all::<Signal>();
    let short = |signal: &Signal| signal.side == Side::Sell;
    assert!(signals.iter().any(|one| short(&one.2)));
    for (_, _, signal) in signals {
        assert_eq!(short(&signal), signal.gates & gates::SHORT != 0);
    }
    assert!(
        rig.all::<Intent>()
            .iter()
            .all(|one| one.2.side == Side::Buy)
    );
}

#[test]
fn a_derived_checkpoint_of_its_own_is_not_taken_for_news() {
    let (mut rig, _) = demo_run(3, false, 10);
    let before = rig.stage.state_hash();
    let mut draft = Draft::new();
    let chunk = stream::blob::checkpoint_chunk(StageId::Signal, 1, b"", 0);
    draft.write_as(Class::Derived, InstrumentId::NONE, &chunk);
    draft.header_mut().seq = rig.seq;
    rig.stage.on_frame(draft.frame(), &mut rig.out);
    assert_eq!(rig.stage.state_hash(), before);
}

#[test]
fn a_probe_moves_the_stop_of_what_it_holds_at_each_best() {
    use signal::StrategyConfig;
    use signal::strategies::probe::{Entries, ProbeConfig};
    let probe = ProbeConfig {
        entries: Entries::Hold,
        rest_ppm: 10_000,
        stop_ppm: 40_000,
        follow_ppm: 20_000,
        ttl: Nanos::SECOND,
    };
    let mut config = Config::demo(1);
    config.strategies = vec![StrategyConfig::Probe(probe)];
    let mut rig = opened(config, 1, 60);
    let one = InstrumentId(1);
    let (bid, ask) = (Price(10_000 * TICK.0), Price(10_002 * TICK.0));
    let mut broker = Broker::default();
    rig.best(one, bid, ask);
    for step in 1..=2 {
        rig.evaluation(Nanos(OPEN.0 + step * STEP), &[(one, view(bid, ask))]);
    }
    assert_eq!(rig.count(Kind::Protect), 0, "nothing is held");
    let (intent, _, wish) = rig.all::<Intent>()[0];
    broker.take(&mut rig, intent, one, wish, wish.entry);
    for rise in 0..4 {
        rig.best(
            one,
            Price(bid.0 + rise * TICK.0),
            Price(ask.0 + rise * TICK.0),
        );
    }
    let told = rig.all::<Protect>();
    assert_eq!(told.len(), 4, "one for each best");
    assert!(told.iter().all(|(.., protect)| protect.origin == intent));
    assert!(told.windows(2).all(|two| two[0].2.stop != two[1].2.stop));
    let sign = wish.side.sign();
    assert!(
        told.iter()
            .all(|(.., own)| (own.stop.0 - wish.stop.0) * sign > 0)
    );
}
