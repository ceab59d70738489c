//! The connection's life: connect, read what the broker knows, compare, enable, and watch.

use super::gauges::Gauges;
use super::{BROKER, Clock, Closing, Common, Connect, Found, MOST, answer_within};
use crate::ibkr::broker::{Answer, Broker, Details, Held, NoAnswer, Snapshot, Value};
use crate::ibkr::budget::Class;
use crate::ibkr::currency::{Exchange, convert};
use crate::ibkr::desk::unexplained;
use crate::ibkr::link::{Ask, Step};
use crate::ibkr::names::fixed;
use crate::ibkr::policy::{Bound, policy};
use crate::ibkr::profit::Seen;
use crate::ibkr::reconcile::{Judged, Mismatch, Round, compare};
use core::sync::atomic::Ordering;
use core::time::Duration;
use std::sync::Arc;
use stream::payload::{
    AccountValue, Control as Order, ControlAction, Position, Reconciled, RoundCause, RoundResult,
    text,
};
use stream::{InstrumentId, Money, Nanos};

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
    /// Positions as the broker told them last where ours were others behind it: which, ours, its;
    /// and how many executions made ours.
    crossed: (usize, Vec<(InstrumentId, i64, i64)>),
    last_beat: Nanos,
    look_at: Nanos,
    look_wait: Nanos,
    /// Positions as told last.
    positions: Vec<(InstrumentId, i64, i64)>,
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
                inner.desk.set_multiplier(own.instrument, own.multiplier);
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
            crossed: (0, Vec::new()),
            last_beat: Nanos::ZERO,
            look_at: Nanos::ZERO,
            look_wait: LOOK_AFTER,
            positions: Vec::new(),
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
        while broker.is_connected() && !self.common.is_stopping() {
            let ask = self.notices(broker.as_ref());
            if matches!(ask, Ask::Resync | Ask::ResyncWithData) {
                self.common.lock().desk.gather();
            }
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

    /// Notices that have come, or a short wait for one.
    fn notices(&mut self, broker: &dyn Broker) -> Ask {
        let mut all = Ask::Nothing;
        let mut wait = MOST;
        while let Some(notice) = broker.next_notice(wait) {
            wait = Duration::from_millis(1);
            let row = policy(notice.code, Bound::Nothing);
            let now = (self.clock)();
            let ask = self.common.heard(now, &notice, &row);
            if ask != Ask::Nothing {
                all = ask;
            }
            if all == Ask::Reconnect {
                break;
            }
        }
        all
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

    fn is_unclear(&self) -> bool {
        let look = self.common.look.swap(false, Ordering::AcqRel);
        look || self.common.lock().desk.wants_a_look()
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
                let agrees = self.common.wall(off) <= self.common.wall(self.common.config.skew_max);
                let inner = &mut *self.common.lock();
                inner.link.clock_agrees(agrees);
                inner.link.is_heard(true);
                inner.tell_link(after);
            }
            Err(why) => self.fail("the time", &why),
        }
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

    /// Asks one question within the budget: so many messages, where its end is one too.
    fn ask<T>(&mut self, what: &str, count: u8, ask: impl FnOnce() -> Answer<T>) -> Answer<T> {
        if self.failed >= FAILED_MAX {
            return Err(NoAnswer::Lost);
        }
        for _ in 0..count {
            if !self.common.take(&mut self.clock, Class::State) {
                return Err(NoAnswer::Lost);
            }
        }
        let answer = ask();
        match &answer {
            Ok(_) => self.common.lock().link.is_heard(true),
            Err(why) => self.fail(what, why),
        }
        answer
    }

    /// Reads what the broker knows, compares it with what we believe, and tells the head what
    /// follows. A round that is not full leaves positions and values out.
    fn round(&mut self, broker: &dyn Broker, full: bool) -> Round {
        let config = &self.common.config;
        let within = answer_within(config.answer_within, config.speed_milli);
        self.common.lock().desk.round_begins();
        let open = self.ask("open orders", 1, || broker.open_orders(within));
        self.stepped(Step::OpenOrders, open.is_ok());
        let ended = self.ask("orders that ended", 1, || broker.ended_orders(within));
        self.stepped(Step::Completed, open.is_ok() && ended.is_ok());
        let executions = self.ask("executions", 1, || broker.executions(within));
        let orders = open.is_ok() && ended.is_ok() && executions.is_ok();
        self.stepped(Step::Executions, orders);
        let mut snapshot = Snapshot {
            open,
            ended,
            executions,
            positions: Err(NoAnswer::Late),
            values: Err(NoAnswer::Late),
            profit: None,
        };
        if full {
            snapshot.positions = self.ask("positions", 2, || broker.positions(within));
            snapshot.values = self.values(broker, within);
            snapshot.profit = self.profit(broker);
            self.last_round = (self.clock)();
        }
        let round = self.take_in(&snapshot, full);
        if snapshot.is_whole() {
            self.failed = 0;
        }
        self.stepped(Step::Positions, orders && (!full || snapshot.is_whole()));
        let every = self.common.config.reconcile_every;
        let soon = full && core::mem::take(&mut self.again) && self.cause == RoundCause::Periodic;
        if full && self.judged.takes(self.last_round, soon, every) {
            self.judge(&round);
            self.report(&round, &snapshot);
        }
        self.again |= full && self.has_crossed(&snapshot);
        round
    }

    /// True where a position and an execution have passed each other on their way here, which no
    /// comparison sees: risk has heard of another position than it makes of what it heard of
    /// before, and freezes it unless it is told the right one soon. What stands for a second time,
    /// and nothing traded, is a difference, and not asked for again.
    fn has_crossed(&mut self, snapshot: &Snapshot) -> bool {
        let Ok(held) = &snapshot.positions else {
            return false;
        };
        let desk = &self.common.lock().desk;
        // What the broker does not name it does not hold.
        let others = self.contracts.iter().filter_map(|known| {
            let id = known.contract.instrument;
            let its = held.iter().find(|held| held.instrument == Some(id));
            let (own, its) = (desk.expected(id), its.map_or(0, |held| held.qty.0));
            (own != its).then_some((id, own, its))
        });
        let crossed = (desk.executions(), others.collect::<Vec<_>>());
        let is_news = crossed.1.iter().any(|one| !self.crossed.1.contains(one));
        let has_traded = !crossed.1.is_empty() && crossed.0 != self.crossed.0;
        self.crossed = crossed;
        is_news || has_traded
    }

    /// The account's values in the currency that is traded in. Without a rate there are none, and
    /// no entry is made.
    fn values(&mut self, broker: &dyn Broker, within: Duration) -> Answer<Vec<Value>> {
        let account = self.ask("account values", 2, || broker.values(within))?;
        let traded = &self.common.config.currency;
        let (values, exchange) = convert(&account, traded);
        let known = exchange.is_known();
        if known != self.exchange.is_known() {
            (self.common.tell)(&match &exchange {
                Exchange::Unknown { base } => format!(
                    "the account is kept in {base}, and the broker tells no rate for {traded}: \
                     no entry is made; it tells one where the account holds some {traded}"
                ),
                _ => format!("the broker tells a rate for {traded} again"),
            });
        }
        self.exchange = exchange;
        let now = (self.clock)();
        let inner = &mut *self.common.lock();
        inner.link.rate_is_known(known);
        inner.tell_link(now);
        Ok(values)
    }

    /// What the broker tells of the day's profit by now.
    fn profit(&mut self, broker: &dyn Broker) -> Option<Seen> {
        if self.failed > 0 {
            return None;
        }
        let held: Vec<_> = self.common.lock().desk.held().map(|(id, _)| id).collect();
        let common = (self.common.as_ref(), &mut self.clock);
        let seen = self.gauges.read(common, broker, &held).ok().flatten();
        self.exchange.seen(&seen?)
    }

    /// What came of a whole round, for the journal. The last rounds of a run tell only their end.
    fn report(&mut self, round: &Round, snapshot: &Snapshot) {
        let inner = &mut *self.common.lock();
        let report = round.report(self.cause, snapshot.profit.as_ref());
        if self.cause == RoundCause::EndOfDay {
            self.last_report = Some(report);
        } else {
            inner.out.put(InstrumentId::NONE, &report);
            self.cause = RoundCause::Periodic;
        }
    }

    /// The end of the day: as often as something may still be under way, then what came of it.
    fn last_rounds(&mut self, broker: &dyn Broker) {
        self.cause = RoundCause::EndOfDay;
        let mut round = self.round(broker, true);
        for _ in 1..LAST_ROUNDS {
            let over = self.common.is_stopping() || !broker.is_connected();
            if over || round.result() == RoundResult::Agrees {
                break;
            }
            self.wait(LAST_PAUSE);
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

    /// Compares first, and takes in then: executions before the states that they explain.
    fn take_in(&mut self, snapshot: &Snapshot, full: bool) -> Round {
        let now = (self.clock)();
        let inner = &mut *self.common.lock();
        let slack = self.profit_slack(snapshot);
        let round = compare(&inner.desk, inner.desk.base(), snapshot, slack);
        inner.with_desk(|desk, say| {
            if let Ok((executions, fees)) = &snapshot.executions {
                executions.iter().for_each(|one| desk.execution(one, say));
                fees.iter().for_each(|fee| desk.fee(fee, say));
            }
            desk.gathered(say);
            let (open, ended) = (&snapshot.open, &snapshot.ended);
            for known in open.iter().chain(ended).flatten() {
                desk.known(now, known, say);
            }
            if let (Ok(open), Ok(ended)) = (open, ended) {
                desk.compare(now, (open, ended), say);
            }
            for mismatch in &round.mismatches {
                // What stands as it is for a second round is no matter of timing.
                if let Mismatch::OtherTerms {
                    leg, instrument, ..
                } = mismatch
                    && self.told.contains(mismatch)
                {
                    say.push(unexplained(*instrument, leg.0));
                }
            }
        });
        if full {
            if let Ok(held) = &snapshot.positions {
                let first = !core::mem::replace(&mut self.first_told, true);
                let ids = self.contracts.iter().map(|known| known.contract.instrument);
                for id in ids {
                    let held = held.iter().find(|held| held.instrument == Some(id));
                    let now = held.map_or((0, 0), |held| (held.qty.0, held.fraction));
                    let before = self.positions.iter().position(|told| told.0 == id);
                    let is_news = before.is_none_or(|at| {
                        let told = self.positions[at];
                        (told.1, told.2) != now
                    });
                    if let Some(at) = before {
                        self.positions[at] = (id, now.0, now.1);
                    } else {
                        self.positions.push((id, now.0, now.1));
                    }
                    if first || is_news || now != (0, 0) {
                        let position = position_of(held);
                        inner.desk.on_position(id, &position);
                        inner.out.put(id, &position);
                    }
                }
            }
            if let Ok(values) = &snapshot.values {
                for value in values {
                    let value = value_of(value, now);
                    inner.desk.on_value(&value);
                    inner.out.put(InstrumentId::NONE, &value);
                }
            }
            if let Some(seen) = &snapshot.profit {
                inner.desk.on_profit(seen.at, seen.total.daily);
                inner.tell_profit(seen, &self.common.config.currency);
            }
        }
        round
    }

    /// How far the broker's profit of the day may be from ours.
    fn profit_slack(&self, snapshot: &Snapshot) -> Money {
        let amount = |money: Money| money.0.unsigned_abs();
        let converted = snapshot.profit.as_ref().map_or(0, |seen| {
            let values = seen.positions.values().map(|one| amount(one.value));
            values.fold(amount(seen.total.daily), u64::saturating_add)
        });
        let slack = amount(self.common.config.profit_slack);
        let slack = slack.saturating_add(self.exchange.slack(converted));
        Money(i64::try_from(slack).unwrap_or(i64::MAX))
    }

    /// What a round's differences mean for entries, and for people.
    fn judge(&mut self, round: &Round) {
        let news: Vec<&Mismatch> = round
            .mismatches
            .iter()
            .filter(|mismatch| {
                let again = self.told.iter().any(|told| told.is_same(mismatch));
                let counts = self.lasting.iter().any(|told| told.is_same(mismatch));
                // Figures may pass each other on their way: they are told the second time.
                let figure = mismatch.is_figure();
                (!again && !figure) || (again && figure && !counts)
            })
            .collect();
        for mismatch in news {
            (self.common.tell)(&format!("the broker differs: {mismatch}"));
        }
        let lasting = |mismatch: &&Mismatch| self.told.iter().any(|told| told.is_same(mismatch));
        self.lasting = round.mismatches.iter().filter(lasting).cloned().collect();
        // A figure that has passed its like on the way is right the next time, and freezes nothing.
        let known = |m: &Mismatch| self.told.iter().any(|told| told.is_same(m));
        let fresh = |m: &Mismatch| m.is_figure() && !known(m);
        self.again = round.mismatches.iter().any(fresh);
        self.told.clone_from(&round.mismatches);
        let inner = &mut *self.common.lock();
        if round.whole && round.is_clean() {
            inner.link.reconciled();
        }
        if inner.streak.take(round) {
            let order = Order {
                action: ControlAction::Halt,
                spare: [0; 7],
                by: text("policy"),
                cause: text("the broker differs for two reconciliations in a row"),
            };
            inner.out.put(InstrumentId::NONE, &order);
        }
    }
}

fn position_of(held: Option<&Held>) -> Position {
    Position {
        qty: held.map_or(stream::Qty::ZERO, |held| held.qty),
        average: held.map_or(stream::Price::ZERO, |held| held.average),
        fraction: held.map_or(0, |held| held.fraction),
        source: BROKER,
        spare: [0; 6],
    }
}

fn value_of(value: &Value, now: Nanos) -> AccountValue {
    AccountValue {
        value: value.value,
        as_of: now,
        currency: fixed(&value.currency),
        field: value.field,
        spare: [0; 11],
    }
}
