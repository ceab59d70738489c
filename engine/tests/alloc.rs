//! After its warm-up the pipeline never allocates: neither the stages nor what a lane does around
//! them, on a market with trades, positional depth, checkpoints and housekeeping.
//!
//! A counting allocator stands in front of the system's. The frames are made beforehand: the head's
//! timers and the synthetic market are not what is measured.

use engine::chain::{Chain, End};
use engine::config::{Settings, Value};
use engine::lane::{Works, run_behind};
use engine::probe::Probe;
use engine::ring::{RingOut, ring};
use engine::setup::{DEMO, SAMPLE, Setup};
use engine::shared::{Progress, Shared};
use feed::head::{Head, Step};
use feed::synthetic::{Config, Synthetic};
use gateway::ibkr::edge::{COMMANDS, IbkrEdge, IbkrSource};
use gateway::sim::SimEdge;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use stream::payload::{DepthSlot, SlotAction, read_text};
use stream::source::answer;
use stream::{Answers, Draft, Edge, FrameRef, InstrumentId, Kind, Line, Nanos, Next, Out, Source};

struct Counting;

thread_local! {
    /// Allocations of this thread while it is being watched.
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    if WATCHED.try_with(Cell::get).unwrap_or(false) {
        COUNT.with(|count| count.set(count.get() + 1));
    }
}

#[allow(unsafe_code, reason = "the only way to count allocations")]
// SAFETY: every call goes on to the system's allocator unchanged; counting touches only
// thread-local cells, which never allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts what `body` allocates on this thread.
fn allocations(body: impl FnOnce()) -> u64 {
    COUNT.with(|count| count.set(0));
    WATCHED.with(|watched| watched.set(true));
    body();
    WATCHED.with(|watched| watched.set(false));
    COUNT.with(Cell::get)
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 1);
    assert_eq!(
        allocations(|| drop(std::hint::black_box(Vec::<u8>::new()))),
        0
    );
}

const OPEN: Nanos = Nanos::from_secs(1_767_796_200);
const LENGTH: Nanos = Nanos::from_secs(60);

fn scene() -> (Synthetic, Setup) {
    let mut config = Config::demo(3, OPEN, LENGTH);
    config.events_per_second = 2_500.0;
    let market = Synthetic::new(config).unwrap();
    let mut settings = Settings::default();
    settings.add_sample(SAMPLE);
    settings.add_sample(DEMO);
    let mut symbols = Vec::new();
    for (_, definition) in market.instruments() {
        let symbol = read_text(&definition.symbol).to_owned();
        let venue = read_text(&definition.venue).to_owned();
        settings.add_flag(
            "test",
            &format!("instrument.{symbol}.venue"),
            Value::Text(venue),
        );
        symbols.push(symbol);
    }
    settings.add_flag("test", "universe.symbols", Value::List(symbols));
    let mut setup = Setup::read(&settings).unwrap();
    setup.session = Some(market.session());
    (market, setup)
}

/// The end of a chain that keeps what goes back: the edge's answers, loop-backs, depth slots.
#[derive(Debug)]
struct Back {
    edge: SimEdge,
    answers: Answered,
    slots: Vec<(Nanos, InstrumentId, bool)>,
    delay: Nanos,
    draft: Draft,
    kinds: BTreeMap<u8, u64>,
}

#[derive(Debug, Default)]
struct Answered(Vec<Draft>);

impl Answers for Answered {
    fn queue(&mut self, draft: &Draft) {
        self.0.push(draft.clone());
    }
}

impl Out for Back {
    fn put(&mut self, frame: FrameRef<'_>) {
        *self.kinds.entry(frame.kind().0).or_default() += 1;
        let due = frame.ts().saturating_add(self.delay);
        match frame.kind() {
            Kind::Refused => {
                let verdict = stream::payload::Verdict::of(frame.read());
                let (id, about) = (frame.id(), frame.instrument());
                answer(&mut self.answers, &mut self.draft, due, id, about, &verdict);
            }
            Kind::Request => {
                let requested = stream::payload::Requested::of(frame.read(), frame.id());
                let (id, about) = (frame.id(), frame.instrument());
                answer(
                    &mut self.answers,
                    &mut self.draft,
                    due,
                    id,
                    about,
                    &requested,
                );
            }
            Kind::DepthSlot => {
                let on = frame.read::<DepthSlot>().action == SlotAction::Subscribe;
                self.slots.push((frame.ts(), frame.instrument(), on));
            }
            _ => {}
        }
        self.edge.on_frame(frame, &mut self.answers);
    }
}

impl End for Back {
    fn has_room(&self, _: usize) -> bool {
        true
    }

    fn flush(&mut self) {}
}

/// A whole session's inputs, in order, as the head numbers them for a run that trades.
fn inputs() -> (Setup, Vec<Line>, BTreeMap<u8, u64>) {
    let (mut market, setup) = scene();
    let back = Back {
        edge: setup.edge(),
        answers: Answered::default(),
        slots: Vec::new(),
        delay: setup.loopback_delay,
        draft: Draft::new(),
        kinds: BTreeMap::new(),
    };
    let mut chain = Chain::full(setup.stages(), back, Probe::default());
    let mut head = Head::new(0, Nanos::ZERO, setup.timers(), setup.lookahead());
    let mut lines = Vec::new();
    let restart = stream::payload::Restart {
        epoch: 1,
        ..stream::payload::Restart::zeroed()
    };
    let mut keep = |chain: &mut Chain<Back>, frame: FrameRef<'_>| {
        lines.extend_from_slice(frame.lines());
        chain.put(frame);
    };
    keep(
        &mut chain,
        head.number(OPEN, |draft| draft.write(InstrumentId::NONE, &restart)),
    );
    for (id, definition) in &setup.instruments {
        keep(
            &mut chain,
            head.number(OPEN, |draft| draft.write(*id, definition)),
        );
    }
    loop {
        for draft in chain.end_mut().answers.0.drain(..) {
            head.hear(draft.frame());
        }
        for (ts, instrument, on) in chain.end_mut().slots.drain(..) {
            market.depth_slot(ts, instrument, on);
        }
        let seq = head.seq();
        head.drained(seq);
        match head.next_virtual(&mut market) {
            Step::Frame(frame) => keep(&mut chain, frame),
            Step::End => break,
            other => panic!("all has drained: {other:?}"),
        }
    }
    let kinds = std::mem::take(&mut chain.end_mut().kinds);
    (setup, lines, kinds)
}

/// An end that only counts: nothing grows.
#[derive(Debug, Default)]
struct Counted {
    frames: u64,
}

impl Out for Counted {
    fn put(&mut self, _: FrameRef<'_>) {
        self.frames += 1;
    }
}

impl End for Counted {
    fn has_room(&self, _: usize) -> bool {
        true
    }

    fn flush(&mut self) {}
}

fn each(mut lines: &[Line], mut take: impl FnMut(FrameRef<'_>)) {
    while let Some(frame) = FrameRef::first_of(lines) {
        lines = &lines[frame.lines().len()..];
        take(frame);
    }
}

/// How many lines the first tenth of the session has.
fn warm_up(lines: &[Line]) -> usize {
    let mut warm = 0;
    each(lines, |frame| {
        if frame.ts() < OPEN.saturating_add(Nanos(LENGTH.0 / 10)) {
            warm += frame.lines().len();
        }
    });
    warm
}

#[test]
fn stages_and_edge_and_lanes_do_not_allocate_after_their_warm_up() {
    let (setup, lines, kinds) = inputs();
    let of = |kind: Kind| kinds.get(&kind.0).copied().unwrap_or(0);
    for (kind, least) in [
        (Kind::Trade, 5_000),
        (Kind::DepthRow, 5_000),
        (Kind::DepthSlot, 4),
        (Kind::Checkpoint, 6),
        (Kind::StateHash, 200),
        (Kind::Signal, 10),
        (Kind::Outcome, 5),
        (Kind::Command, 20),
        (Kind::Fill, 10),
        (Kind::RoundTrip, 3),
    ] {
        assert!(
            of(kind) >= least,
            "{} {kind}, at least {least} wanted",
            of(kind)
        );
    }
    assert!(kinds.values().sum::<u64>() >= 150_000, "{kinds:?}");
    let warm = warm_up(&lines);

    stages(&setup, &lines, warm);
    edge(&setup, &lines, warm);
    lane(&setup, &lines, warm);
    before_a_broker(&setup, &lines);
}

fn stages(setup: &Setup, lines: &[Line], warm: usize) {
    let mut stages = setup.stages();
    // As one lane in virtual time has it.
    stages.book.keep_effects();
    let mut chain = Chain::full(stages, Counted::default(), Probe::default());
    each(&lines[..warm], |frame| chain.put(frame));
    let before = chain.end().frames;
    let found = allocations(|| each(&lines[warm..], |frame| chain.put(frame)));
    assert!(chain.end().frames - before >= 100_000);
    assert_eq!(found, 0, "the stages allocate");
}

/// The sim edge stands on the last lane: it is shown everything that the stages make.
fn edge(setup: &Setup, lines: &[Line], warm: usize) {
    let mut chain = Chain::full(setup.stages(), All::default(), Probe::default());
    each(&lines[..warm], |frame| chain.put(frame));
    let warm_all = chain.end().0.len();
    each(&lines[warm..], |frame| chain.put(frame));
    let all = &chain.end().0;
    let mut edge = setup.edge();
    let mut answers = Nowhere(0);
    each(&all[..warm_all], |frame| edge.on_frame(frame, &mut answers));
    let found = allocations(|| each(&all[warm_all..], |frame| edge.on_frame(frame, &mut answers)));
    assert!(answers.0 > 50);
    assert_eq!(found, 0, "the edge allocates");
}

/// A lane between two rings, with live notes: what the shell does around the stages. The outer ring
/// is as large as the wiring would make it, or the lane would wait for room for ever.
fn lane(setup: &Setup, lines: &[Line], warm: usize) {
    let probe = Probe::live(engine::clock::Clock::new());
    let (mut into, mut input) = ring(1 << 16);
    let chain = Chain::full(setup.stages(), (), probe);
    let burst = chain.bursts().iter().copied().max().unwrap_or(0);
    let (out, mut drain) = ring((4 * burst).next_power_of_two());
    let chain: Chain<RingOut> = chain.ending_at(out);
    let mut works = Works::new(chain, 1);
    let shared = Arc::new(Shared::new(2, 0));
    let upstream = Progress::from(0);
    // The lane ends when there is nothing more, so that it can be run on this thread, bit by bit.
    upstream.finish();
    let own = Progress::from(0);
    let mut feed = |lines: &[Line]| {
        let mut rest = lines;
        while !rest.is_empty() {
            let mut taken = 0;
            while let Some(frame) = FrameRef::first_of(&rest[taken..]) {
                if taken > 256 {
                    break;
                }
                into.put(frame);
                taken += frame.lines().len();
            }
            into.flush();
            rest = &rest[taken..];
            let idle = engine::lane::Idle::Spin;
            run_behind(&mut works, &mut input, &upstream, &own, &shared, idle);
            let waiting = drain.lines();
            drain.read(waiting, |_| true);
        }
    };
    feed(&lines[..warm]);
    let found = allocations(|| feed(&lines[warm..]));
    assert_eq!(found, 0, "the lane allocates");
}

/// Counts answers, and forgets them.
struct Nowhere(u64);
impl Answers for Nowhere {
    fn queue(&mut self, _: &Draft) {
        self.0 += 1;
    }
}

/// Keeps every frame.
#[derive(Debug, Default)]
struct All(Vec<Line>);
impl Out for All {
    fn put(&mut self, frame: FrameRef<'_>) {
        self.0.extend_from_slice(frame.lines());
    }
}
impl End for All {
    fn has_room(&self, _: usize) -> bool {
        true
    }

    fn flush(&mut self) {}
}

/// The lane's side of the edge to a real broker, commands out and market frames in: what its
/// threads allocate stays with them.
fn before_a_broker(setup: &Setup, lines: &[Line]) {
    let mut chain = Chain::full(setup.stages(), All::default(), Probe::default());
    each(lines, |frame| chain.put(frame));
    let (commands_in, mut commands) = rtrb::RingBuffer::new(COMMANDS);
    let (mut market_in, market) = rtrb::RingBuffer::new(lines.len());
    let (slots_in, _slots) = rtrb::RingBuffer::new(8);
    let mut clock = engine::clock::Clock::new();
    let clock = Box::new(move || clock.now());
    let mut edge = IbkrEdge::new(commands_in, std::thread::current(), clock);
    let mut source = IbkrSource::new(market, slots_in);
    each(lines, |frame| {
        market_in
            .push_entire_slice(frame.lines())
            .expect("there is room");
    });
    let mut answers = Nowhere(0);
    let mut draft = Draft::new();
    let (mut passed, mut taken) = (0, 0);
    let found = allocations(|| {
        each(&chain.end().0, |frame| {
            edge.on_frame(frame, &mut answers);
            passed += usize::from(commands.pop().is_ok());
        });
        while let Next::At(_) = source.next() {
            taken += usize::from(source.take(&mut draft));
        }
    });
    assert!(
        passed > 10 && taken > 1_000,
        "{passed} commands, {taken} frames"
    );
    assert_eq!(found, 0, "the edge to a real broker allocates on a lane");
}
