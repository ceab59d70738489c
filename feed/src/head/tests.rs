//! The head alone: how inputs are numbered, how answers, timers and sources take their turns, how
//! virtual time waits and live time collapses, and what is told of a silent source.

use super::*;
use stream::payload::{Halt, HaltState, Quote, Session, SessionKind, Verdict};
use stream::{FrameId, Kind, Price, SourceId};

const OPEN: Nanos = Nanos(34_200_000_000_000);

fn at(millis: u64) -> Nanos {
    Nanos(OPEN.0 + millis * 1_000_000)
}

fn session(close_ms: u64) -> Session {
    Session {
        date: 20_120_621,
        kind: SessionKind::Regular,
        spare: [0; 3],
        open: OPEN,
        close: at(close_ms),
        previous_close: Nanos::ZERO,
    }
}

/// Quotes at given times.
struct Script(std::collections::VecDeque<Nanos>);

impl Source for Script {
    fn next(&mut self) -> Next {
        self.0.front().map_or(Next::End, |due| Next::At(*due))
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.0.pop_front();
        let quote = Quote {
            bid: Price(1),
            ask: Price(2),
            ..Quote::zeroed()
        };
        draft.write(InstrumentId(1), &quote);
        true
    }
}

fn script(millis: &[u64]) -> Script {
    Script(millis.iter().map(|ms| at(*ms)).collect())
}

fn head(close_ms: u64, lookahead_ms: u64) -> Head {
    let mut once = Some(session(close_ms));
    let timers = Timers::new(Box::new(move |_| once.take()));
    Head::new(0, Nanos::ZERO, timers, Nanos::from_millis(lookahead_ms))
}

/// Numbers until nothing more comes, draining after each input.
fn run(head: &mut Head, source: &mut Script) -> Vec<(u64, Kind, u64)> {
    let mut seen = Vec::new();
    loop {
        match head.next_virtual(source) {
            Step::Frame(frame) => {
                seen.push((
                    frame.seq(),
                    frame.kind(),
                    (frame.ts().0 - OPEN.0) / 1_000_000,
                ));
            }
            Step::End => return seen,
            step => panic!("a drained head never answers {step:?}"),
        }
        head.drained(head.seq());
    }
}

fn verdict(due: Nanos, cause: u64) -> Draft {
    let mut draft = Draft::new();
    let payload = Verdict {
        intent: FrameId::new(cause, 1),
        ..Verdict::zeroed()
    };
    draft.write(InstrumentId(1), &payload);
    draft.header_mut().ts = due;
    draft.header_mut().seq = cause;
    draft
}

#[test]
fn inputs_are_numbered_without_gaps_and_ticks_fall_on_exact_multiples() {
    let mut head = head(1_000, 1);
    let seen = run(&mut head, &mut script(&[10, 250, 600]));
    let want = [
        (1, Kind::Session, 10),
        (2, Kind::Quote, 10),
        (3, Kind::Tick, 250),
        (4, Kind::Quote, 250),
        (5, Kind::Tick, 500),
        (6, Kind::Quote, 600),
        (7, Kind::Tick, 750),
        (8, Kind::Tick, 1_000),
        (9, Kind::Tick, 1_000),
    ];
    assert_eq!(seen, want);
}

#[test]
fn virtual_time_goes_on_behind_the_data_for_the_grace_and_never_past_the_close() {
    let last = |close_ms: u64, data_ms: u64, grace_secs: u64| {
        let end = EndOfData {
            to_close_max: Nanos::from_secs(2),
            grace: Nanos::from_secs(grace_secs),
        };
        let mut head = head(close_ms, 1).ending(end);
        let seen = run(&mut head, &mut script(&[data_ms]));
        seen.last().expect("the quote at least").2
    };
    assert_eq!(last(100_000, 10_100, 7), 17_000, "in the session's middle");
    assert_eq!(last(16_000, 10_100, 7), 16_000, "the close is nearer");
    assert_eq!(last(12_000, 10_100, 1), 12_000, "the close is near enough");
    assert_eq!(last(13_000, 10_100, 1), 11_000, "the close is not near");
    assert_eq!(last(10_000, 10_100, 7), 10_100, "behind the close");
}

#[test]
fn no_session_begins_behind_the_data() {
    let mut once = Some(Session {
        open: at(2_000),
        ..session(9_000)
    });
    let timers = Timers::new(Box::new(move |_| once.take()));
    let mut head = Head::new(0, Nanos::ZERO, timers, Nanos(1));
    let seen = run(&mut head, &mut script(&[500]));
    assert_eq!(seen, [(1, Kind::Quote, 500)]);
}

#[test]
fn an_answer_goes_before_the_timer_and_the_market_of_its_time() {
    let mut head = head(1_000, 1);
    let mut source = script(&[250]);
    let _ = head.next_virtual(&mut source);
    head.drained(1);
    head.hear(verdict(at(250), 1).frame());
    let kinds: Vec<Kind> = run(&mut head, &mut source)
        .iter()
        .map(|seen| seen.1)
        .collect();
    assert_eq!(kinds[..3], [Kind::Verdict, Kind::Quote, Kind::Tick]);
}

#[test]
fn virtual_time_waits_for_what_could_still_answer() {
    let mut head = head(1_000, 5);
    let mut source = script(&[10, 14, 15]);
    assert!(
        matches!(head.next_virtual(&mut source), Step::Frame(_)),
        "session"
    );
    assert!(
        matches!(head.next_virtual(&mut source), Step::Frame(_)),
        "quote at 10"
    );
    assert!(
        matches!(head.next_virtual(&mut source), Step::Frame(_)),
        "quote at 14 < 10 + 5"
    );
    assert!(
        matches!(head.next_virtual(&mut source), Step::Wait),
        "15 waits for 10"
    );
    head.drained(2);
    assert!(
        matches!(head.next_virtual(&mut source), Step::Frame(_)),
        "14 + 5 is later"
    );
}

#[test]
fn one_evaluation_at_a_time_and_no_more_than_the_window() {
    let mut head = head(100_000, 10_000);
    let mut source = script(&[0]);
    let _ = head.next_virtual(&mut source);
    let _ = head.next_virtual(&mut source);
    assert!(
        matches!(head.next_virtual(&mut source), Step::Frame(frame) if frame.kind() == Kind::Tick)
    );
    assert!(
        matches!(head.next_virtual(&mut source), Step::Wait),
        "the first is not done"
    );
    head.drained(3);
    assert!(
        matches!(head.next_virtual(&mut source), Step::Frame(frame) if frame.kind() == Kind::Tick)
    );

    let mut live = head_live();
    let mut burst = Script(vec![OPEN; 5_000].into());
    let mut numbered = 0;
    while let Step::Frame(_) = live.next_live(&mut burst, OPEN) {
        numbered += 1;
    }
    assert_eq!(
        numbered,
        stream::limits::WINDOW_LINES - stream::frame::LINES_MAX + 1
    );
}

fn head_live() -> Head {
    let mut once = Some(session(100_000));
    Head::new(
        0,
        Nanos::ZERO,
        Timers::new(Box::new(move |_| once.take())),
        Nanos(1),
    )
}

#[test]
fn a_late_live_head_collapses_evaluations_and_counts_them() {
    let mut head = head_live();
    let mut source = script(&[]);
    assert!(
        matches!(head.next_live(&mut source, OPEN), Step::Frame(_)),
        "session"
    );
    let Step::Frame(frame) = head.next_live(&mut source, at(1_100)) else {
        panic!("a tick is due")
    };
    let tick = *frame.read::<Tick>();
    assert_eq!(
        (tick.due, tick.missed, tick.timer),
        (at(1_000), 3, Timer::Evaluate)
    );
    assert_eq!(frame.ts(), at(1_100));
    assert_eq!(
        frame.header().ingress_age_ns,
        850_000_000,
        "it waited since 250"
    );
    head.drained(2);
    let Step::Frame(frame) = head.next_live(&mut source, at(1_100)) else {
        panic!("a tick is due")
    };
    assert_eq!(frame.read::<Tick>().timer, Timer::Housekeeping);
    head.drained(3);
    assert!(matches!(head.next_live(&mut source, at(1_105)), Step::Idle));
    let Step::Frame(frame) = head.next_live(&mut source, at(1_110)) else {
        panic!("a pulse is due")
    };
    assert_eq!(frame.read::<Tick>().timer, Timer::Pulse);
}

#[test]
fn live_time_never_runs_backwards() {
    let mut head = head_live();
    let mut source = Script(vec![at(0), at(0), at(0)].into());
    let _ = head.next_live(&mut source, at(5));
    let Step::Frame(frame) = head.next_live(&mut source, at(3)) else {
        panic!("a quote is due")
    };
    assert_eq!(frame.ts(), at(5));
}

#[test]
fn a_merge_breaks_ties_by_the_order_of_its_sources() {
    struct One(Option<Nanos>, u16);
    impl Source for One {
        fn next(&mut self) -> Next {
            self.0.map_or(Next::End, Next::At)
        }
        fn take(&mut self, draft: &mut Draft) -> bool {
            self.0 = None;
            let halt = Halt {
                source: SourceId(self.1),
                state: HaltState::Halted,
                ..Halt::zeroed()
            };
            draft.write(InstrumentId(1), &halt);
            true
        }
    }
    let mut merge = Merge::new(vec![
        Box::new(One(Some(at(2)), 0)),
        Box::new(One(Some(at(1)), 1)),
        Box::new(One(Some(at(1)), 2)),
    ]);
    let mut order = Vec::new();
    while let Next::At(_) = merge.next() {
        let mut draft = Draft::new();
        assert!(merge.take(&mut draft));
        order.push(draft.frame().read::<Halt>().source.0);
    }
    assert_eq!(order, [1, 2, 0]);
}

#[test]
fn a_silent_source_is_told_once_and_again_when_it_speaks() {
    use stream::payload::{Connectivity, LinkState};
    let mut head = head(20_000, 1);
    let mut merge = Merge::new(vec![
        Box::new(script(&[100, 8_500])),
        Box::new(script(&[200, 3_000, 6_000, 9_000])),
    ]);
    let mut told = Vec::new();
    loop {
        match head.next_virtual(&mut merge) {
            Step::Frame(frame) => {
                if let Some(link) = frame.try_read::<Connectivity>() {
                    let at = (frame.ts().0 - OPEN.0) / 1_000_000;
                    told.push((at, link.source.0, link.state));
                }
            }
            Step::End => break,
            step => panic!("a drained head never answers {step:?}"),
        }
        head.drained(head.seq());
        if head.now() > at(10_000) {
            break;
        }
    }
    assert_eq!(
        told,
        [
            (6_000, 1, LinkState::Degraded),
            (9_000, 1, LinkState::Ready)
        ]
    );
}

/// A live source: this many frames have arrived.
struct Arrived(std::sync::Arc<std::sync::atomic::AtomicU32>);

impl Source for Arrived {
    fn next(&mut self) -> Next {
        match self.0.load(std::sync::atomic::Ordering::Relaxed) {
            0 => Next::Idle,
            _ => Next::At(Nanos::ZERO),
        }
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        draft.write(InstrumentId(1), &Quote::zeroed());
        true
    }
}

#[test]
fn a_silent_source_whose_frames_have_no_due_times_is_told_too() {
    use stream::payload::{Connectivity, LinkState};
    let arrived = std::sync::Arc::default();
    let source = Arrived(std::sync::Arc::clone(&arrived));
    let (mut head, mut merge) = (head_live(), Merge::new(vec![Box::new(source)]));
    let mut told = Vec::new();
    for ms in (0..20_000).step_by(250) {
        let speaks = !(3_000..12_000).contains(&ms);
        arrived.store(u32::from(speaks), std::sync::atomic::Ordering::Relaxed);
        while let Step::Frame(frame) = head.next_live(&mut merge, at(ms)) {
            let link = frame.try_read::<Connectivity>();
            told.extend(link.map(|link| (ms, link.source.0, link.state, link.since)));
            head.drained(head.seq());
        }
    }
    // Its last frame, of 2,750, is heard by the look at 3,000.
    let expected = [
        (9_000, 1, LinkState::Degraded, at(3_000)),
        (13_000, 1, LinkState::Ready, at(13_000)),
    ];
    assert_eq!(told, expected);
}

/// Three sessions with gaps between them, and how often they were asked for.
fn sessions(asked: std::sync::Arc<std::sync::atomic::AtomicU32>) -> Timers {
    let days = [(0, 2_000), (4_000, 5_000), (9_000, 9_500)].map(|(open, close)| Session {
        open: at(open),
        ..session(close)
    });
    Timers::new(Box::new(move |ts| {
        asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        days.into_iter().find(|day| ts <= day.close)
    }))
}

/// What a head numbers of quotes and answers drawn by a seed, which drain all at once or some
/// later. `long`: it goes the long way each time.
fn drawn(seed: u64, long: bool) -> Vec<(u64, Kind, Nanos, u64)> {
    use stream::hash::mix;
    let mut random = mix(seed);
    let mut due = 0;
    let mut quotes = std::collections::VecDeque::new();
    for _ in 0..400 {
        random = mix(random);
        due += [0, 1, 7, 125, 250][random as usize % 5] * u64::from(random >> 40 & 1 == 0);
        quotes.push_back(at(due));
    }
    let mut source = Script(quotes);
    let mut head = Head::new(0, Nanos::ZERO, sessions(Default::default()), at(3) - OPEN);
    let mut seen = Vec::new();
    loop {
        let step = match long {
            true => head.next_of_all(&mut source),
            false => head.next_virtual(&mut source),
        };
        let waits = match step {
            Step::Frame(frame) => {
                let cause = frame.try_read::<Verdict>();
                let cause = cause.map_or(0, |verdict| verdict.intent.seq());
                seen.push((frame.seq(), frame.kind(), frame.ts(), cause));
                false
            }
            Step::Wait => true,
            Step::End => return seen,
            Step::Idle => panic!("virtual time never idles"),
        };
        random = mix(random ^ head.seq());
        if !waits && random.is_multiple_of(3) {
            let later = at(3 + (random >> 32) % 300) - OPEN;
            let answer = verdict(head.now() + later, head.seq());
            head.hear(answer.frame());
        }
        if waits || !(random >> 8).is_multiple_of(4) {
            head.drained(head.seq());
        }
    }
}

#[test]
fn the_short_way_to_the_next_input_is_the_long_one() {
    for seed in 0..200 {
        let short = drawn(seed, false);
        assert_eq!(short, drawn(seed, true), "seed {seed}");
        for kind in [Kind::Session, Kind::Tick, Kind::Quote, Kind::Verdict] {
            let comes = short.iter().any(|input| input.1 == kind);
            assert!(comes, "seed {seed} has no {kind}");
        }
    }
}

#[test]
fn a_calendar_that_knows_no_further_session_is_not_asked_again() {
    let asked = std::sync::Arc::default();
    let timers = sessions(std::sync::Arc::clone(&asked));
    let mut head = Head::new(0, Nanos::ZERO, timers, Nanos(1));
    let late: Vec<u64> = (0..500).map(|quote| 8_900 + quote * 10).collect();
    assert!(run(&mut head, &mut script(&late)).len() > late.len());
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 2);
}
