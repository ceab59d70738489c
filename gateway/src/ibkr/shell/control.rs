//! The connection's life: connect, read what the broker knows, compare, enable, and watch.

mod round;

use super::gauges::Gauges;
use super::{Clock, Closing, Common, Connect, Found, MOST};
use crate::ibkr::broker::{Broker, Details, NoAnswer};
use crate::ibkr::budget::Class;
use crate::ibkr::currency::Exchange;
use crate::ibkr::link::{Ask, Step};
use crate::ibkr::reconcile::{Judged, Mismatch};
use core::sync::atomic::Ordering;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use stream::payload::{Reconciled, RoundCause, RoundResult};
use stream::{InstrumentId, Nanos};

/// Questions in a row that came to nothing before the connection is given up.
const FAILED_MAX: u32 = 2;
/// The broker's code for a client id that another connection has.
const CLIENT_ID_IN_USE: i32 = 326;
/// Attempts to connect between two alarms.
const ALARM_EVERY: u32 = 8;
/// The first wait before an order that is not clear is looked up, doubled each time; and before
/// figures that differ are asked for again.
const LOOK_AFTER: Nanos = Nanos::from_millis(500);
/// Comparisons at the end of a run until what was under way has come, and the time between them.
const LAST_ROUNDS: u32 = 4;
const LAST_PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Control {
    common: Arc<Common>,
    contracts: Vec<Details>,
    connect: Connect,
    closing: Arc<Closing>,
    clock: Clock,
    gauges: Gauges,
    exchange: Exchange,
    /// Why the next round is made.
    cause: RoundCause,
    failed: u32,
    /// There was a connection: what the Gateway says of its client id may be about that one.
    had: bool,
    last_round: Nanos,
    judged: Judged,
    /// The last round found what the next one has to confirm soon.
    again: bool,
    /// Positions that differed in the last full round, and how many executions made ours.
    differed: (usize, Vec<Mismatch>),
    last_beat: Nanos,
    clock_agrees: bool,
    /// Something about orders was heard that could not be read, and no round was made since.
    unheard: bool,
    look_at: Nanos,
    look_wait: Nanos,
    /// Positions as told last: shares, and the fraction beyond in 1e-9.
    positions: BTreeMap<InstrumentId, (i64, i64)>,
    /// Positions that were not told, because an execution may have passed them on its way here.
    doubted: BTreeSet<InstrumentId>,
    /// The journal's first positions have been told.
    first_told: bool,
    /// What the last round found.
    told: Vec<Mismatch>,
    /// What was found twice in a row.
    lasting: Vec<Mismatch>,
    /// What the last of the run's last rounds is told as.
    last_report: Option<Reconciled>,
}

impl Control {
    pub(super) fn new(
        common: Arc<Common>,
        contracts: Vec<Details>,
        (connect, closing): (Connect, Arc<Closing>),
        clock: Clock,
    ) -> Self {
        {
            let inner = &mut *common.lock();
            for known in &contracts {
                let own = &known.contract;
                let desk = &mut inner.desk;
                desk.set_units(own.instrument, own.multiplier, own.future);
            }
        }
        let first_told = !common.lock().desk.base().positions.is_empty();
        Self {
            first_told,
            common,
            contracts,
            connect,
            closing,
            clock,
            gauges: Gauges::default(),
            exchange: Exchange::default(),
            cause: RoundCause::Connected,
            failed: 0,
            had: false,
            last_round: Nanos::ZERO,
            judged: Judged::default(),
            again: false,
            differed: (0, Vec::new()),
            last_beat: Nanos::ZERO,
            clock_agrees: true,
            unheard: false,
            look_at: Nanos::ZERO,
            look_wait: LOOK_AFTER,
            positions: BTreeMap::new(),
            doubted: BTreeSet::new(),
            told: Vec::new(),
            lasting: Vec::new(),
            last_report: None,
        }
    }

    pub(super) fn run(mut self) {
        while !self.common.is_stopping() {
            {
                let now = (self.clock)();
                let inner = &mut *self.common.lock();
                inner.link.done(now);
                inner.tell_link(now);
            }
            match (self.connect)() {
                Ok(broker) => self.session(&broker),
                Err((code, what)) => self.refused(code, &what),
            }
            self.common.set_broker(None);
            let now = (self.clock)();
            let wait = {
                let inner = &mut *self.common.lock();
                inner.with_desk(|desk, say| desk.lost(say));
                let wait = inner.link.lost(now);
                inner.tell_link(now);
                wait
            };
            self.wait(self.common.wall(wait).max(MOST));
        }
    }

    fn wait(&self, wait: Duration) {
        let mut left = wait;
        while !left.is_zero() && !self.common.is_stopping() {
            let nap = left.min(MOST);
            std::thread::sleep(nap);
            left -= nap;
        }
    }

    fn refused(&mut self, code: i32, what: &str) {
        let now = (self.clock)();
        let inner = self.common.lock();
        let (tries, expected) = (inner.link.tries(), inner.link.is_restart_expected(now));
        drop(inner);
        if (tries <= 1 || tries.is_multiple_of(ALARM_EVERY)) && !expected {
            if code == CLIENT_ID_IN_USE && self.had {
                (self.common.tell)(
                    "326: the Gateway still holds our last connection under this client id; it \
                     lets go within minutes, and is asked again until then",
                );
                return;
            }
            (self.common.tell)(&format!("{code}: {what}"));
        }
    }

    /// One connection, until it is lost.
    fn session(&mut self, broker: &Arc<dyn Broker>) {
        for details in &self.contracts {
            broker.learn(details);
        }
        {
            let now = (self.clock)();
            let inner = &mut *self.common.lock();
            inner.desk.raise_ids(broker.next_order_id());
            inner.desk.gather();
            inner.asked = Ask::Nothing;
            inner.link.done(now);
            inner.tell_link(now);
        }
        self.common.set_broker(Some(Arc::clone(broker)));
        (self.common.tell)("connected");
        self.gauges = Gauges::default();
        self.cause = RoundCause::Connected;
        self.had = true;
        self.failed = 0;
        self.last_beat = (self.clock)();
        // No entry by a clock that nobody has compared.
        self.beat(broker.as_ref());
        while broker.is_connected() && !self.common.is_stopping() {
            self.common.notices(broker.as_ref(), &mut self.clock, MOST);
            let ask = core::mem::take(&mut self.common.lock().asked);
            if ask == Ask::ResyncWithData {
                // The connection is the same, its data are not.
                self.common.session.fetch_add(1, Ordering::AcqRel);
            }
            if ask == Ask::Reconnect || self.failed >= FAILED_MAX {
                (self.common.tell)("the connection is made anew");
                return;
            }
            self.step(broker.as_ref());
        }
        if !self.common.is_stopping() {
            (self.common.tell)("the connection was lost");
        }
    }

    fn step(&mut self, broker: &dyn Broker) {
        let now = (self.clock)();
        let step = self.common.lock().link.step();
        match step {
            Step::Down | Step::Connecting => {}
            Step::OpenOrders | Step::Completed | Step::Executions | Step::Positions => {
                if self.common.lock().link.takes_orders() {
                    self.round(broker, true);
                }
            }
            Step::Data => {
                let session = self.common.session.load(Ordering::Acquire);
                self.common.data_for.store(session, Ordering::Release);
                if self.common.data_done.load(Ordering::Acquire) == session {
                    let inner = &mut *self.common.lock();
                    inner.link.done(now);
                    inner.tell_link(now);
                    (self.common.tell)("orders, positions and data are read; the link is ready");
                }
            }
            Step::Enabled => {
                self.common.lock().tell_link(now);
                self.watch(broker, now);
            }
        }
    }

    fn watch(&mut self, broker: &dyn Broker, now: Nanos) {
        let config = &self.common.config;
        let heartbeat = config.heartbeat;
        let every = if self.again {
            LOOK_AFTER
        } else {
            config.reconcile_every
        };
        if now >= self.last_beat.saturating_add(heartbeat) {
            self.last_beat = now;
            self.beat(broker);
        }
        // What a Gateway without its servers answers may be empty, and would prove nothing.
        if self.failed > 0 || !self.common.lock().link.takes_orders() {
            return;
        }
        let ends = now >= self.common.config.final_at || self.closing.is_asked();
        if ends && self.closing.found().is_none() {
            self.last_rounds(broker);
        } else if now >= self.last_round.saturating_add(every) {
            self.round(broker, true);
        } else if self.is_unclear() {
            if self.look_at == Nanos::ZERO {
                self.look_at = now.saturating_add(self.look_wait);
            } else if now >= self.look_at {
                self.look_at = Nanos::ZERO;
                self.look_wait = Nanos(self.look_wait.0.saturating_mul(2)).min(every);
                self.round(broker, false);
            }
        } else {
            (self.look_at, self.look_wait) = (Nanos::ZERO, LOOK_AFTER);
        }
    }

    fn is_unclear(&mut self) -> bool {
        self.unheard |= self.common.look.swap(false, Ordering::AcqRel);
        self.unheard || self.common.lock().desk.wants_a_look()
    }

    /// The time, which proves that the other side lives and that our clocks agree.
    fn beat(&mut self, broker: &dyn Broker) {
        if !self.common.take(&mut self.clock, Class::State) {
            return;
        }
        let before = (self.clock)();
        match broker.time() {
            Ok(time) => {
                self.failed = 0;
                let after = (self.clock)();
                // It was read somewhere between our two readings.
                let off = if time < before {
                    before.saturating_sub(time)
                } else {
                    time.saturating_sub(after)
                };
                // By the clock on the wall, as hosts' stalls are.
                let most = Duration::from_nanos(self.common.config.skew_max.0);
                let agrees = self.common.wall(off) <= most;
                if agrees != core::mem::replace(&mut self.clock_agrees, agrees) {
                    self.tell_clock(off, agrees);
                }
                let inner = &mut *self.common.lock();
                inner.link.clock_agrees(agrees);
                inner.link.is_heard(true);
                inner.tell_link(after);
            }
            Err(why) => self.fail("the time", &why),
        }
    }

    fn tell_clock(&self, off: Nanos, agrees: bool) {
        (self.common.tell)(&if agrees {
            "our clock and the broker's agree again".to_owned()
        } else {
            format!(
                "our clock is {} ms from the broker's, more than ibkr.clock_skew_max: no entry is \
                 made; let a time service (chrony) set this box's clock, and that of the Gateway",
                off.0 / 1_000_000
            )
        });
    }

    fn fail(&mut self, what: &str, why: &NoAnswer) {
        if matches!(why, NoAnswer::Late | NoAnswer::Lost) {
            self.failed += 1;
            // Once more at once: who is silent twice is not there.
            self.last_beat = Nanos::ZERO;
            let now = (self.clock)();
            let inner = &mut *self.common.lock();
            inner.link.is_heard(false);
            inner.tell_link(now);
        }
        (self.common.tell)(&format!("{what}: {why}"));
    }

    /// The end of the day: as often as something may still be under way, then what came of it.
    fn last_rounds(&mut self, broker: &dyn Broker) {
        self.cause = RoundCause::EndOfDay;
        let mut begun = (self.clock)();
        let mut round = self.round(broker, true);
        for _ in 1..LAST_ROUNDS {
            // The next one takes as long as this one, and twice at most.
            let now = (self.clock)();
            let took = now.saturating_sub(begun);
            let late =
                now + self.common.session(LAST_PAUSE) + took + took > self.common.config.until;
            let over = late || self.common.is_stopping() || !broker.is_connected();
            if over || round.result() == RoundResult::Agrees {
                break;
            }
            self.wait(LAST_PAUSE);
            begun = (self.clock)();
            round = self.round(broker, true);
        }
        self.cause = RoundCause::Periodic;
        let inner = &mut *self.common.lock();
        if let Some(report) = self.last_report.take() {
            inner.out.put(InstrumentId::NONE, &report);
        }
        let differences = round.mismatches.iter().map(ToString::to_string);
        // Profit lags behind and moves with every quote; executions, positions and cash do not.
        let agrees = round.whole && round.is_clean();
        self.closing.set(Found {
            result: if agrees {
                RoundResult::Agrees
            } else {
                round.result()
            },
            differences: differences.collect(),
            executions: inner.desk.executions(),
            held: inner.desk.held().count(),
            cash: !inner.desk.holds_future(),
            profit: round.profit,
        });
    }

    fn stepped(&mut self, step: Step, answered: bool) {
        let now = (self.clock)();
        let inner = &mut *self.common.lock();
        if answered && inner.link.step() == step {
            inner.link.done(now);
            inner.tell_link(now);
        }
    }
}
