//! The edge's threads: none of them pinned, none of them waited for by a lane.
//!
//! ```text
//!   gate ──▶ Passed ring ──▶ writer ──▶ socket          control: connect, snapshots, notices
//!   head ◀── answers ring ◀── [ Inner, under one mutex ] ◀── orders: the stream of updates
//!   head ◀── market ring  ◀── data ◀── subscriptions
//!   head ──▶ slots ring   ──▶ data
//! ```
//! The mutex is never held over a call to the broker, so that a reader never waits for a writer.
//! Answers are never dropped; market frames are conflated, or dropped with a counted `Gap`.

mod closing;
mod control;
mod data;
mod gauges;
mod loan;
mod orders;
mod rows;
mod writer;

pub use closing::{Closing, Found};

use super::broker::{Broker, Details, Notice, Unread};
use super::budget::{self, Budget};
use super::desk::{Desk, Say};
use super::link::{Ask, Link, RestartWindow};
use super::names::fixed;
use super::policy::{Bound, OnLink, Policy, policy};
use super::profit::Seen;
use super::reconcile::Streak;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use rtrb::{Consumer, Producer};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread::{JoinHandle, Thread};
use stream::payload::{AccountValue, Command, Connectivity, Payload};
use stream::{Draft, FrameId, InstrumentId, Line, Money, Nanos, SourceId};

/// The broker's own link and answers.
pub const BROKER: SourceId = SourceId(0);
/// The broker's market data: the first source of the run.
pub const MARKET: SourceId = SourceId(1);

/// What the edge may be told. Every limit is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the Gateway listens, `host:port`.
    pub address: String,
    /// Our client id: always the same, because orders belong to it.
    pub client_id: i32,
    /// The account that orders are for.
    pub account: String,
    /// The currency that is traded in.
    pub currency: String,
    /// What may be said in a second.
    pub budget: budget::Config,
    /// Market data lines at most.
    pub lines: usize,
    /// Depth subscriptions at most.
    pub depth: usize,
    /// Rows a side.
    pub rows: u16,
    /// Tick-by-tick subscriptions at most.
    pub trades: usize,
    /// Between two reconciliations.
    pub reconcile_every: Nanos,
    /// Between two questions for the time, which prove that the other side lives.
    pub heartbeat: Nanos,
    /// How long a question may take.
    pub answer_within: Nanos,
    /// When the last comparison is made, in the session's time.
    pub final_at: Nanos,
    /// When the run ends: what is told later is in no journal.
    pub until: Nanos,
    /// How far the broker's profit of the day may be from ours.
    pub profit_slack: Money,
    /// When the Gateway restarts.
    pub window: RestartWindow,
    /// How far our clock may be from the broker's, by the clock on the wall.
    pub skew_max: Nanos,
    /// The session's time runs this many thousandths as fast as the clock.
    pub speed_milli: u64,
    /// What the writer and the data thread do when there is nothing to do.
    pub idle: Idle,
    /// Sends no order.
    pub observe: bool,
}

/// What the writer and the data thread do when there is nothing to do, by what lanes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Lanes park: they sleep.
    Park,
    /// Lanes spin: a command follows within microseconds of what brings it, or not at all, and a
    /// writer that was woken for it looks on for that long.
    Look,
    /// Lanes yield to them, on a core that they share: they never sleep.
    Poll,
}

/// A thread that polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// The one that brings market data to the head.
    Data,
    /// The one that takes commands from the gate.
    Writer,
}

/// Called on a thread that polls, before it begins: where it is to run.
pub type Place = Arc<dyn Fn(Seat) + Send + Sync>;

/// A command on its way to the writer.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    /// The command frame.
    pub id: FrameId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// What is wanted.
    pub command: Command,
    /// When the gate handed it over.
    pub at: Nanos,
}

/// A depth slot on its way to the data thread.
#[derive(Clone, Copy, Debug)]
pub struct SlotAsk {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Begin or end.
    pub subscribe: bool,
}

/// A clock for one thread.
pub type Clock = Box<dyn FnMut() -> Nanos + Send>;
/// Makes a clock for each thread.
pub type Clocks = Arc<dyn Fn() -> Clock + Send + Sync>;
/// Makes a connection; the reason for none, and the code for it.
pub type Connect = Box<dyn FnMut() -> Result<Arc<dyn Broker>, (i32, String)> + Send>;
/// Tells people, once, what they should know.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;
/// Is told of each command when the socket has taken it: when the client library was called, and
/// when it returned.
pub type Meter = Box<dyn FnMut(&Passed, Nanos, Nanos) + Send>;

/// What the threads are made of.
pub struct Parts {
    /// Limits.
    pub config: Config,
    /// The universe, as the broker knows it.
    pub contracts: Vec<Details>,
    /// Our orders, folded from the journal.
    pub desk: Desk,
    /// Commands from the gate.
    pub commands: Consumer<Passed>,
    /// Answers to the head.
    pub answers: Producer<Line>,
    /// Market frames to the head.
    pub market: Producer<Line>,
    /// Depth slots from the head.
    pub slots: Consumer<SlotAsk>,
    /// Clocks.
    pub clocks: Clocks,
    /// Makes connections.
    pub connect: Connect,
    /// Takes what the last comparison finds.
    pub closing: Arc<Closing>,
    /// Tells people.
    pub tell: Tell,
    /// Takes latencies.
    pub meter: Meter,
    /// Where the threads run that poll.
    pub place: Place,
}

/// What goes to the head, in order, never dropped.
pub(crate) struct Outbox {
    ring: Producer<Line>,
    draft: Draft,
    clock: Clock,
}

impl Outbox {
    fn put<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        let ts = (self.clock)();
        self.draft.write(instrument, payload);
        self.draft.header_mut().ts = ts;
        while self
            .ring
            .push_entire_slice(self.draft.frame().lines())
            .is_err()
        {
            if self.ring.is_abandoned() {
                return;
            }
            std::thread::yield_now();
        }
    }

    pub(crate) fn say(&mut self, say: &Say) {
        match say {
            Say::Sent(id, payload) => self.put(*id, payload),
            Say::Status(id, payload) => self.put(*id, payload),
            Say::Fill(id, payload) => self.put(*id, payload),
            Say::Commission(id, payload) => self.put(*id, payload),
            Say::Fault(id, payload) => self.put(*id, payload),
        }
    }
}

/// What the threads share under the mutex.
pub(crate) struct Inner {
    pub(crate) desk: Desk,
    pub(crate) link: Link,
    pub(crate) budget: Budget,
    pub(crate) streak: Streak,
    pub(crate) out: Outbox,
    said: Vec<Say>,
    /// What notices ask for that the control thread has not looked at.
    pub(crate) asked: Ask,
    told: Option<(stream::payload::LinkState, i32, bool)>,
}

impl Inner {
    fn new(config: &Config, desk: Desk, out: Outbox, now: Nanos) -> Self {
        let seed = stream::hash::bytes(config.account.as_bytes()) ^ config.client_id as u64;
        Self {
            link: Link::new(config.window, seed),
            budget: Budget::behind_another(config.budget, now),
            desk,
            streak: Streak::default(),
            out,
            said: Vec::new(),
            asked: Ask::Nothing,
            told: None,
        }
    }

    /// Does something with the desk, and tells the head what follows.
    pub(crate) fn with_desk<T>(&mut self, act: impl FnOnce(&mut Desk, &mut Vec<Say>) -> T) -> T {
        let mut said = core::mem::take(&mut self.said);
        let result = act(&mut self.desk, &mut said);
        for say in said.drain(..) {
            self.out.say(&say);
        }
        self.said = said;
        result
    }

    /// Executions that cannot be read: people are told of each once.
    pub(crate) fn unread(&mut self, unread: &[Unread], tell: &Tell) {
        for one in unread {
            if self.with_desk(|desk, say| desk.unread(one, say)) {
                tell(&one.to_string());
            }
        }
    }

    /// The broker's reckoning of the day, as account values; of positions, under their names.
    pub(crate) fn tell_profit(&mut self, seen: &Seen, currency: &str) {
        let whole = [(InstrumentId::NONE, seen.total)];
        let each = seen.positions.iter().map(|(id, one)| (*id, one.profit));
        for (id, profit) in whole.into_iter().chain(each) {
            for (field, value) in profit.values() {
                let value = AccountValue {
                    value,
                    as_of: seen.at,
                    currency: fixed(currency),
                    field,
                    spare: [0; 11],
                };
                self.out.put(id, &value);
            }
        }
    }

    /// Tells the head how the link is, when that is news.
    pub(crate) fn tell_link(&mut self, now: Nanos) {
        let (state, code) = self.link.state(now);
        let news = (state, code, self.link.is_blind());
        if self.told.replace(news) == Some(news) {
            return;
        }
        let link = Connectivity {
            source: BROKER,
            state,
            code,
            blind: u8::from(news.2),
            since: self.link.since(),
            ..Connectivity::zeroed()
        };
        self.out.put(InstrumentId::NONE, &link);
    }
}

/// What all threads share.
pub(crate) struct Common {
    pub(crate) config: Config,
    pub(crate) inner: Mutex<Inner>,
    /// Held by whoever takes notices, so that they are taken in order.
    noticing: Mutex<()>,
    /// The connection, and its number.
    broker: RwLock<Option<Arc<dyn Broker>>>,
    /// Counts connections, and ends of them.
    pub(crate) session: AtomicU64,
    /// Data are to be subscribed to for this session.
    pub(crate) data_for: AtomicU64,
    /// They are, for this session.
    pub(crate) data_done: AtomicU64,
    /// Something that could not be read has to be asked for.
    pub(crate) look: AtomicBool,
    stop: AtomicBool,
    /// The writer, once it runs.
    writer: OnceLock<Thread>,
    pub(crate) tell: Tell,
}

impl Common {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn broker(&self) -> Option<Arc<dyn Broker>> {
        let broker = self.broker.read().unwrap_or_else(PoisonError::into_inner);
        broker.clone().filter(|broker| broker.is_connected())
    }

    pub(crate) fn set_broker(&self, broker: Option<Arc<dyn Broker>>) {
        let mut own = self.broker.write().unwrap_or_else(PoisonError::into_inner);
        let old = core::mem::replace(&mut *own, broker);
        drop(own);
        self.session.fetch_add(1, Ordering::AcqRel);
        if let Some(old) = old {
            old.disconnect();
        }
    }

    /// Takes the notices that have come; waits for the first of them.
    pub(crate) fn notices(&self, broker: &dyn Broker, clock: &mut Clock, wait: Duration) {
        let one = self.noticing.lock();
        let _one = one.unwrap_or_else(PoisonError::into_inner);
        self.take_notices(broker, clock, wait);
    }

    /// The same, without a wait, unless another thread is at it.
    pub(crate) fn notices_if_free(&self, broker: &dyn Broker, clock: &mut Clock) {
        if let Ok(_one) = self.noticing.try_lock() {
            self.take_notices(broker, clock, Duration::ZERO);
        }
    }

    fn take_notices(&self, broker: &dyn Broker, clock: &mut Clock, mut wait: Duration) {
        while let Some(notice) = broker.next_notice(wait) {
            wait = wait.min(MORE);
            let row = policy(notice.code, Bound::Nothing);
            self.heard(clock(), &notice, &row);
            if self.lock().asked == Ask::Reconnect {
                break;
            }
        }
    }

    /// A code that names no order: what it does to the link, and what people are told.
    fn heard(&self, now: Nanos, notice: &Notice, row: &Policy) {
        let inner = &mut *self.lock();
        let ask = inner.link.notice(now, notice.code, row.link);
        if matches!(ask, Ask::Resync | Ask::ResyncWithData) {
            inner.desk.gather();
        }
        inner.asked = inner.asked.max(ask);
        if row.link == OnLink::SlowDown {
            inner.budget.slow_down(now);
        }
        inner.tell_link(now);
        if row.alert {
            (self.tell)(&format!("{}: {} ({})", notice.code, notice.text, row.what));
        }
    }

    /// News is on its way to the head, and a command may follow: the writer wakes while the lanes
    /// are at it. From here that is cheap, where a lane's own call has to reach another core.
    pub(crate) fn rouse_writer(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// A span of the session's time, by the clock on the wall.
    pub(crate) fn wall(&self, span: Nanos) -> Duration {
        wall(span, self.config.speed_milli)
    }

    /// A span by the clock on the wall, of the session's time.
    pub(crate) fn session(&self, span: Duration) -> Nanos {
        let nanos = span.as_nanos() * u128::from(self.config.speed_milli) / 1_000;
        Nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Waits for room in the budget; false when the run ends first.
    pub(crate) fn take(&self, clock: &mut Clock, class: budget::Class) -> bool {
        loop {
            let now = clock();
            let again = match self.lock().budget.take(now, class) {
                Ok(()) => return true,
                Err(again) => again,
            };
            if self.is_stopping() {
                return false;
            }
            let wait = self.wall(again.saturating_sub(now));
            std::thread::sleep(wait.clamp(Duration::from_micros(100), MOST));
        }
    }
}

/// A span of a session's time that passes so many thousandths as fast as the clock, by the clock.
fn wall(span: Nanos, speed_milli: u64) -> Duration {
    let nanos = u128::from(span.0) * 1_000 / u128::from(speed_milli.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// What a question may take by the clock: in a session that runs faster still a second, because
/// hosts do not.
#[must_use]
pub fn answer_within(span: Nanos, speed_milli: u64) -> Duration {
    wall(span, speed_milli).max(Duration::from_secs(1))
}

/// How long a notice is waited for behind another.
const MORE: Duration = Duration::from_millis(1);

/// No thread sleeps longer than this, so that an end is seen soon.
pub(crate) const MOST: Duration = Duration::from_millis(50);

/// The running threads.
pub struct Shell {
    common: Arc<Common>,
    threads: Vec<JoinHandle<()>>,
    writer: Thread,
}

impl core::fmt::Debug for Shell {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shell")
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}

fn spawn(
    name: &str,
    place: Option<(Place, Seat)>,
    run: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let named = std::thread::Builder::new().name(name.to_owned());
    named.spawn(move || {
        if let Some((place, seat)) = place {
            place(seat);
        }
        run();
    })
}

impl Shell {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(parts: Parts) -> std::io::Result<Self> {
        let Parts {
            config,
            contracts,
            desk,
            commands,
            answers,
            market,
            slots,
            clocks,
            connect,
            closing,
            tell,
            meter,
            place,
        } = parts;
        let out = Outbox {
            ring: answers,
            draft: Draft::new(),
            clock: clocks(),
        };
        let mut inner = Inner::new(&config, desk, out, clocks()());
        // Before any thread takes a command of this epoch, which has an answer of its own.
        inner.with_desk(Desk::restarted);
        let common = Arc::new(Common {
            config,
            inner: Mutex::new(inner),
            noticing: Mutex::new(()),
            broker: RwLock::new(None),
            session: AtomicU64::new(0),
            data_for: AtomicU64::new(0),
            data_done: AtomicU64::new(0),
            look: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            writer: OnceLock::new(),
            tell,
        });
        let own = || Arc::clone(&common);
        let writer = writer::Writer::new(own(), commands, clocks(), meter);
        let orders = orders::Orders::new(own(), clocks());
        let universe = contracts.iter().map(|known| {
            let own = &known.contract;
            (own.instrument, !own.future)
        });
        let data = data::Data::new(own(), universe, market, slots, clocks());
        let control = control::Control::new(own(), contracts, (connect, closing), clocks());
        // Those that poll may have a place of their own.
        let polls = common.config.idle == Idle::Poll;
        let at = |seat| polls.then(|| (Arc::clone(&place), seat));
        let threads = vec![
            spawn("tws-out", at(Seat::Writer), move || writer.run())?,
            spawn("tws-orders", None, move || orders.run())?,
            spawn("tws-data", at(Seat::Data), move || data.run())?,
            spawn("tws-control", None, move || control.run())?,
        ];
        let writer = threads[0].thread().clone();
        // It is set here alone.
        let _ = common.writer.set(writer.clone());
        Ok(Self {
            common,
            threads,
            writer,
        })
    }

    /// The thread that writes commands, to be woken.
    #[must_use]
    pub fn writer(&self) -> Thread {
        self.writer.clone()
    }

    /// Ends the threads; what waits for the writer is handed over first where that can be.
    pub fn stop(&mut self) {
        if self.threads.is_empty() {
            return;
        }
        self.common.stop.store(true, Ordering::Release);
        self.writer.unpark();
        for thread in self.threads.drain(..) {
            // A thread that broke has said so; the run ends either way.
            let _ = thread.join();
        }
        self.common.set_broker(None);
        let most = self.common.lock().budget.high_water();
        (self.common.tell)(&format!("at most {most} messages were sent in one second"));
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.stop();
    }
}
