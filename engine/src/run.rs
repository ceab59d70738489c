//! One run: a journal, the stages on their lanes, and the head, until the data or the time ends.

use crate::broker::{Beside, Broker, Shade};
use crate::clock::Clock;
use crate::edge_log::{EdgeLog, EdgeLogError};
use crate::gate::{Gate, GateParts, WayBack};
use crate::head_lane::{HeadLane, Time};
use crate::lane::{Idle, Works, aside, pin, run_behind};
use crate::layout::Layout;
use crate::meter::LaneMeter;
use crate::pages::make_stack_ready;
use crate::probe::Probe;
use crate::restart::{self, Start};
use crate::ring::RingIn;
use crate::setup::Setup;
use crate::shared::{Emergency, Shared};
use crate::thrift::Thrift;
use crate::wiring::{LaneEnd, seat};
use book::BookStage;
use feed::head::{Head, Merge};
use gateway::ibkr::shell::Shell;
use gateway::sim::SimBroker;
use journal::{Durability, Medium, Recovered, Writer};
use rtrb::{Consumer, Producer, RingBuffer};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use stream::id::SUB_NOTE;
use stream::limits::ANSWERS_MAX;
use stream::payload::{BlobKind, Control, ControlAction, text};
use stream::{Class, Draft, InstrumentId, Line, Nanos, Next, Source, blob};

/// What ends a run before its time.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal cannot be opened, continued or closed.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The journal ran out of room or out of order while the run went on.
    #[error("the journal {what}; {left}")]
    Emergency {
        /// What happened to it.
        what: String,
        /// What is left at the broker.
        left: String,
    },
    /// The edge's own log cannot be used.
    #[error(transparent)]
    EdgeLog(#[from] EdgeLogError),
    /// A restart found something that it must not guess at.
    #[error(transparent)]
    Restart(#[from] restart::RestartError),
    /// A lane broke: our bug. The journal tells what happened until then.
    #[error("the lane {lane} broke: {what}; the run has ended and nothing was resumed")]
    Broken {
        /// Which lane.
        lane: String,
        /// What it said.
        what: String,
    },
    /// A source ended with an error.
    #[error("{0}")]
    Source(String),
    /// The configuration names a real broker, and no connection to one was made.
    #[error("the configuration trades at a real broker: use `spindle run --mode paper` or live")]
    NoBroker,
    /// The journal's last stamp is later than the clock.
    #[error(
        "the clock is {by:?} behind the last stamp of the journal that the run would go on from: \
         until it came there no timer would fall due, and no position would be closed; if the \
         clock is wrong, set it (chrony); if it was wrong when the journal was written, wait that \
         long, or close by hand what is open and start with an empty folder of journals"
    )]
    ClockBehind {
        /// How far.
        by: Duration,
    },
    /// The system gave no thread for the broker's edge.
    #[error("the system gives no thread for the broker's edge: {0}")]
    Threads(#[from] std::io::Error),
}

/// How time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the data goes.
    Virtual,
    /// By the clock, until then.
    Live {
        /// When to end.
        until: Nanos,
    },
}

/// Everything that one run needs.
pub struct Plan {
    /// What the configuration means.
    pub setup: Setup,
    /// The market.
    pub sources: Merge,
    /// The journal's place and policy.
    pub journal: journal::Options,
    /// Which parts run where.
    pub layout: Layout,
    /// What lanes do when idle.
    pub idle: Idle,
    /// How time runs.
    pub pace: Pace,
    /// Facts for the journal (host, lanes, sources), JSON.
    pub facts: String,
    /// The way to a real broker, where the configuration names one.
    pub line: Option<crate::ibkr::Line>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("layout", &self.layout)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

impl Plan {
    /// In virtual time nobody waits for a frame, and what a crash takes of the journal is made
    /// again from the same data: it is written behind the lane and not synced, unless durability
    /// `power` asks for it.
    fn paced(mut self) -> Self {
        if self.pace == Pace::Virtual && self.journal.durability == Durability::Process {
            self.journal.medium = Medium::Written;
            self.journal.sync_every = Duration::ZERO;
        }
        self
    }
}

/// What is left when a run has ended.
#[derive(Debug)]
pub struct Finished {
    /// The broker's side; the one inside the process has its own truth.
    pub edge: Broker,
    /// True when no position and no live order was left.
    pub flat: bool,
    /// What each lane measured, in the pipeline's order; empty histograms in virtual time.
    pub meters: Vec<LaneMeter>,
}

impl Finished {
    /// The broker inside the process.
    ///
    /// # Panics
    /// If the run stood before a real one.
    #[must_use]
    pub fn sim(&self) -> &SimBroker {
        self.edge.sim().expect("the broker was inside the process")
    }
}

/// A handle to a run that goes on: how to watch it and how to stop it.
#[derive(Debug)]
pub struct Handle {
    /// What the threads share.
    pub shared: Arc<Shared>,
    operator: Producer<Line>,
}

impl Handle {
    fn new(shared: &Arc<Shared>, operator: Producer<Line>) -> Self {
        Self {
            shared: Arc::clone(shared),
            operator,
        }
    }

    /// Hands a control to the head. False when the queue is full (it is then being ignored).
    pub fn control(&mut self, action: ControlAction, by: &str, cause: &str) -> bool {
        let mut draft = Draft::new();
        let control = Control {
            action,
            spare: [0; 7],
            by: text(by),
            cause: text(cause),
        };
        draft.write(InstrumentId::NONE, &control);
        self.operator
            .push_entire_slice(draft.frame().lines())
            .is_ok()
    }
}

/// Runs a plan. `watch` is called on the calling thread, about ten times a second, with a handle;
/// the call returns when the run has ended.
///
/// # Errors
/// See [`RunError`].
pub fn run(plan: Plan, watch: impl FnMut(&mut Handle)) -> Result<Finished, RunError> {
    let Plan {
        setup,
        mut sources,
        journal,
        layout,
        idle,
        pace,
        facts,
        mut line,
    } = plan.paced();
    let clock = (pace != Pace::Virtual).then(|| clock_of(line.as_mut()));
    let (mut writer, mut start, log) = begin_epoch(&setup, &journal, clock.as_ref())?;
    let probe = || clock.clone().map_or_else(Probe::default, Probe::live);
    let shared = Arc::new(Shared::new(layout.lanes(), start.last_seq));
    let (back_in, back_out) = RingBuffer::new(ANSWERS_MAX);
    let (slots_in, slots_out) = RingBuffer::new(SLOT_CHANGES);
    let (operator_in, operator_out) = RingBuffer::new(OPERATOR_LINES);
    writer.spawn_helper()?;
    let begin = begin_of(clock.as_ref(), sources.next(), start.last_ts);
    let far = stand_before((&layout, idle), start.edge, line, begin)?;
    let (when, book) = ((pace, &layout, &start.opening), &mut start.stages.book);
    let mut gate = Gate::new(GateParts {
        journal: writer,
        power: journal.durability == Durability::Power,
        edge: share_books(when, book, far.edge),
        log,
        ledger: start.ledger,
        back: WayBack::new(back_in),
        slots: slots_in,
        delay: setup.loopback_delay,
        shared: Arc::clone(&shared),
        clock: probe(),
    });
    for frame in start.opening.lacking.iter() {
        gate.catch_up(frame);
    }
    let (mut works, rings) = seat(&layout, start.stages, gate, probe);
    let lane = HeadLane {
        head: head_behind(&setup, (start.last_seq, start.last_ts), &start.pending),
        market: Thrift::new(sources, Arc::clone(&shared)),
        back: back_out,
        broker: far.answers,
        operator: operator_out,
        slots: slots_out,
        shared: Arc::clone(&shared),
        time: time_of(pace, clock),
        idle,
        stalls: 0,
        told: start.last_seq,
    };
    let opening = Opening {
        setup: &setup,
        start: &start.opening,
        facts: &facts,
        begin,
    };
    let first = works.remove(0);
    let handle = Handle::new(&shared, operator_in);
    let lanes = Lanes::of(&layout, idle, &shared);
    let ended = lanes.run((lane, first, opening), works, rings, handle, watch);
    leave(far.shell);
    let (gate, meters) = ended?;
    finish(*gate, meters, &shared)
}

/// The journal's next epoch with what it goes on from; none where that is refused.
fn begin_epoch(
    setup: &Setup,
    options: &journal::Options,
    clock: Option<&Clock>,
) -> Result<(Writer, Start, EdgeLog), RunError> {
    let (writer, recovered) = journal::create_or_continue(options)?;
    let started = start_behind(setup, &options.dir, &recovered)
        .and_then(|start| not_ahead_of(clock, start.0.last_ts).map(|()| start));
    match started {
        Ok((start, log)) => Ok((writer, start, log)),
        Err(refused) => {
            writer.withdraw();
            Err(refused)
        }
    }
}

/// Time never decreases: behind a stamp that lies ahead of the clock no timer would fall due until
/// the clock has come there, not even the one that closes positions.
fn not_ahead_of(clock: Option<&Clock>, last_ts: Nanos) -> Result<(), RunError> {
    let now = clock.map_or(Nanos::MAX, |clock| clock.clone().now());
    if now.saturating_add(CLOCK_SLACK) < last_ts {
        let by = Duration::from_nanos(last_ts.saturating_sub(now).0);
        return Err(RunError::ClockBehind { by });
    }
    Ok(())
}

/// What a run goes on from, and the edge's own log.
fn start_behind(
    setup: &Setup,
    dir: &Path,
    recovered: &Recovered,
) -> Result<(Start, EdgeLog), RunError> {
    let mut start = restart::start(setup, dir, recovered)?;
    start.hear(&EdgeLog::read(dir)?);
    Ok((start, EdgeLog::open(dir)?))
}

/// What was handed over, and what an emergency cancels, leaves before the edge's threads end.
fn leave(shell: Option<Shell>) {
    if let Some(mut shell) = shell {
        shell.stop();
    }
}

/// The broker's side of a run.
struct Far {
    edge: Broker,
    shell: Option<Shell>,
    answers: Option<Consumer<Line>>,
}

fn stand_before(
    (layout, idle): (&Layout, Idle),
    shade: Shade,
    line: Option<crate::ibkr::Line>,
    begin: Nanos,
) -> Result<Far, RunError> {
    match (shade, line) {
        (Shade::Sim(edge), _) => Ok(Far {
            edge: Broker::Sim(edge),
            shell: None,
            answers: None,
        }),
        (Shade::Ibkr(_), None) => Err(RunError::NoBroker),
        (Shade::Ibkr(desk), Some(line)) => {
            let running = aside(layout, idle, || line.start(*desk, begin, (layout, idle)))?;
            Ok(Far {
                edge: running.edge,
                shell: Some(running.shell),
                answers: Some(running.answers),
            })
        }
    }
}

/// Lets a broker inside the process match on the book stage's books instead of a second set that
/// the same frames make: where both begin empty, on one lane, and nobody waits for a command.
fn share_books(
    (pace, layout, opening): (Pace, &Layout, &restart::Opening),
    stage: &mut BookStage,
    edge: Broker,
) -> Broker {
    match edge {
        Broker::Sim(edge) if pace == Pace::Virtual && layout.lanes() == 1 && opening.is_first() => {
            stage.keep_effects();
            Broker::Beside(Box::new(Beside::new(edge.into_broker())))
        }
        other => other,
    }
}

/// The clock of a live run: the system's, or the one that a broker's server set.
fn clock_of(line: Option<&mut crate::ibkr::Line>) -> Clock {
    line.map_or_else(Clock::new, crate::ibkr::Line::lend_clock)
}

/// The head, with what had not come yet when the last epoch ended.
fn head_behind(setup: &Setup, (seq, ts): (u64, Nanos), pending: &[Draft]) -> Head {
    let mut head =
        Head::new(seq, ts, setup.timers(), setup.lookahead()).ending(setup.end_of_data());
    for draft in pending {
        head.hear(draft.frame());
    }
    head
}

/// When the epoch's first inputs are stamped: now, or when the data begins.
fn begin_of(clock: Option<&Clock>, first: Next, last_ts: Nanos) -> Nanos {
    match (clock, first) {
        (Some(clock), _) => clock.clone().now().max(last_ts),
        (None, Next::At(due)) => due,
        (None, _) => last_ts,
    }
}

fn time_of(pace: Pace, clock: Option<Clock>) -> Time {
    match (pace, clock) {
        (Pace::Live { until }, Some(clock)) => Time::Live { clock, until },
        _ => Time::Virtual,
    }
}

/// Closes the journal and tells how it ended.
fn finish(gate: Gate, meters: Vec<LaneMeter>, shared: &Shared) -> Result<Finished, RunError> {
    let flat = shared.is_flat();
    let emergency = shared.emergency();
    if emergency == Emergency::No {
        return Ok(Finished {
            edge: gate.close()?,
            flat,
            meters,
        });
    }
    let what = emergency_text(gate.health());
    let left = if flat {
        "entries were cancelled and every position was closed; free disk space and start again"
            .to_owned()
    } else {
        let legs = gate.live_legs().len();
        format!("{legs} orders may still be live: look at the broker's own screen")
    };
    // Whether the close succeeds changes nothing about what must be told.
    drop(gate.close());
    Err(RunError::Emergency { what, left })
}

fn emergency_text(health: journal::Health) -> String {
    use journal::Health::{Failed, Good, Low, Reserve, SyncFailed};
    match health {
        Reserve { why } => format!("could not get its next segment ({why}) and used its reserve"),
        SyncFailed { why } => format!("could not be synced ({why})"),
        Failed { why } => format!("could not be written any more ({why})"),
        Good | Low { .. } => "had an emergency".to_owned(),
    }
}

/// Depth slots that may be on their way to the sources at a time.
const SLOT_CHANGES: usize = 1_024;
/// Lines of operator controls that may wait.
const OPERATOR_LINES: usize = 64;
/// How far the clock may be behind a journal's last stamp at a start: what two anchors of it in
/// turn may differ by.
const CLOCK_SLACK: Nanos = Nanos::from_secs(1);
/// How often the run is watched.
const WATCH_PERIOD: Duration = Duration::from_millis(100);

struct Lanes<'a> {
    layout: &'a Layout,
    idle: Idle,
    shared: &'a Arc<Shared>,
}

/// A lane's works, and whether it broke: the gate must be at hand even then.
type Ended = (Works<LaneEnd>, Result<(), String>);

type First<'a> = (HeadLane, Works<LaneEnd>, Opening<'a>);

impl<'a> Lanes<'a> {
    const fn of(layout: &'a Layout, idle: Idle, shared: &'a Arc<Shared>) -> Self {
        Self {
            layout,
            idle,
            shared,
        }
    }
}

impl Lanes<'_> {
    /// Runs every lane on a thread of its own until the head ends; gives the gate back, and what
    /// the lanes measured.
    fn run(
        &self,
        first: First<'_>,
        works: Vec<Works<LaneEnd>>,
        rings: Vec<RingIn>,
        mut handle: Handle,
        mut watch: impl FnMut(&mut Handle),
    ) -> Result<(Box<Gate>, Vec<LaneMeter>), RunError> {
        let mut ended: Vec<(usize, Ended)> = Vec::new();
        let running = AtomicUsize::new(1 + works.len());
        std::thread::scope(|scope| {
            let (mut head, head_works, opening) = first;
            let mut threads = vec![(
                0,
                self.spawn(scope, (0, &running), head_works, move |works, alone| {
                    opening.put(&mut head.head, works);
                    head.run(works, alone);
                }),
            )];
            for (index, (works, mut ring)) in works.into_iter().zip(rings).enumerate() {
                let (lane, idle, shared) = (index + 1, self.idle, self.shared);
                threads.push((
                    lane,
                    self.spawn(scope, (lane, &running), works, move |works, _| {
                        let (upstream, own) = (&shared.lanes[lane - 1], &shared.lanes[lane]);
                        run_behind(works, &mut ring, upstream, own, shared, idle);
                    }),
                ));
            }
            while running.load(Ordering::Acquire) > 0 {
                watch(&mut handle);
                let emergency = self.shared.emergency();
                if emergency == Emergency::Dead
                    || (emergency == Emergency::Reserve && self.shared.is_flat())
                {
                    self.shared.stop();
                }
                std::thread::park_timeout(WATCH_PERIOD);
            }
            for (lane, thread) in threads {
                let result = thread.join().expect("what a lane does is caught inside it");
                ended.push((lane, result));
            }
        });
        let mut gate = None;
        let mut broken = None;
        let mut meters = Vec::with_capacity(ended.len());
        for (lane, (works, result)) in ended {
            meters.push(works.meter);
            if let LaneEnd::Gate(own) = works.chain.into_end() {
                gate = Some(own);
            }
            if let Err(what) = result {
                let lane = self.layout.name(lane);
                broken.get_or_insert(RunError::Broken { lane, what });
            }
        }
        if let Some(broken) = broken {
            // Never resumed in place: the edge protects, the journal tells what happened.
            if let Some(mut gate) = gate {
                // Whatever else is broken: behind this the edge's threads send what they were told.
                let _ = catch_unwind(AssertUnwindSafe(move || gate.abandon()));
            }
            return Err(broken);
        }
        Ok((gate.expect("the last lane ends at the gate"), meters))
    }

    fn spawn<'scope>(
        &'scope self,
        scope: &'scope std::thread::Scope<'scope, '_>,
        (lane, running): (usize, &'scope AtomicUsize),
        mut works: Works<LaneEnd>,
        body: impl FnOnce(&mut Works<LaneEnd>, bool) + Send + 'scope,
    ) -> std::thread::ScopedJoinHandle<'scope, Ended> {
        let alone = self.layout.lanes() == 1;
        let core = self.layout.cores[lane];
        let watcher = std::thread::current();
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(|| {
                if let Some(core) = core {
                    assert!(pin(core), "the system refuses core {core} to this process");
                }
                make_stack_ready();
                body(&mut works, alone);
            }));
            let result = result.map_err(|panic| {
                self.shared.fail();
                what_it_said(panic.as_ref())
            });
            // Counted before the watcher wakes: the thread itself ends later.
            running.fetch_sub(1, Ordering::Release);
            watcher.unpark();
            (works, result)
        };
        std::thread::Builder::new()
            .name(self.layout.name(lane))
            .spawn_scoped(scope, run)
            .expect("the system gives a thread")
    }
}

/// The text of a panic.
pub(crate) fn what_it_said(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "it gave no reason".to_owned())
}

/// The first inputs of an epoch: configuration, restart, carried states, definitions.
struct Opening<'a> {
    setup: &'a Setup,
    start: &'a restart::Opening,
    facts: &'a str,
    begin: Nanos,
}

impl Opening<'_> {
    fn put(&self, head: &mut Head, works: &mut Works<LaneEnd>) {
        let mut number = |write: &mut dyn FnMut(&mut Draft)| {
            works.put(head.number(self.begin, write));
            works.chain.flush();
        };
        let text = self.setup.config_text.as_bytes();
        for index in 0..blob::chunks(text.len()) {
            let chunk = blob::blob_chunk(BlobKind::Config, text, index);
            number(&mut |draft| draft.write(InstrumentId::NONE, &chunk));
        }
        number(&mut |draft| draft.write(InstrumentId::NONE, &self.start.restart));
        for chunk in &self.start.checkpoints {
            number(&mut |draft| draft.write(InstrumentId::NONE, chunk));
        }
        for (id, instrument) in &self.setup.instruments {
            number(&mut |draft| draft.write(*id, instrument));
        }
        let facts = self.facts.as_bytes();
        for index in 0..blob::chunks(facts.len()) {
            let chunk = blob::blob_chunk(BlobKind::Host, facts, index);
            let mut draft = Draft::new();
            draft.write_as(Class::Note, InstrumentId::NONE, &chunk);
            let header = draft.header_mut();
            header.seq = head.seq();
            header.ts = head.now();
            header.sub = SUB_NOTE;
            works.chain.put(draft.frame());
            works.chain.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_is_ahead_of_the_clock_is_not_gone_on_from() {
        let clock = Clock::new();
        let now = clock.clone().now();
        let hour = now.saturating_add(Nanos::from_secs(3_600));
        assert!(not_ahead_of(Some(&clock), now).is_ok());
        let refused = not_ahead_of(Some(&clock), hour).expect_err("nothing would fall due");
        assert!(refused.to_string().contains("chrony"), "{refused}");
        assert!(
            not_ahead_of(None, hour).is_ok(),
            "virtual time is the data's"
        );
    }
}
