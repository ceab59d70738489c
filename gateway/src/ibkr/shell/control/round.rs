//! One round of questions: what the broker knows, against what we believe.

use super::super::{BROKER, answer_within};
use super::{Control, FAILED_MAX};
use crate::ibkr::broker::{Answer, Broker, Executed, Held, NoAnswer, Snapshot, Value};
use crate::ibkr::budget::Class;
use crate::ibkr::currency::{Exchange, convert};
use crate::ibkr::desk::unexplained;
use crate::ibkr::link::{Ask, Step};
use crate::ibkr::names::fixed;
use crate::ibkr::profit::Seen;
use crate::ibkr::reconcile::{self, Mismatch, Round};
use core::time::Duration;
use stream::payload::{AccountValue, Control as Order, ControlAction, Position, RoundCause, text};
use stream::{InstrumentId, Money, Nanos};

impl Control {
    /// Asks one question within the budget: so many messages, where its end is one too.
    fn ask<T>(
        &mut self,
        broker: &dyn Broker,
        (what, count): (&str, u8),
        ask: impl FnOnce() -> Answer<T>,
    ) -> Answer<T> {
        if self.failed >= FAILED_MAX {
            return Err(NoAnswer::Lost);
        }
        self.is_from_the_broker(broker)?;
        for _ in 0..count {
            if !self.common.take(&mut self.clock, Class::State) {
                return Err(NoAnswer::Lost);
            }
        }
        let answer = ask();
        let answer = answer.and_then(|answer| self.is_from_the_broker(broker).map(|()| answer));
        match &answer {
            Ok(_) => self.common.lock().link.is_heard(true),
            Err(why) => self.fail(what, why),
        }
        answer
    }

    /// A Gateway that has lost its servers answers from memory, or with nothing, and says so
    /// before: that is no answer.
    fn is_from_the_broker(&mut self, broker: &dyn Broker) -> Answer<()> {
        self.common.notices(broker, &mut self.clock, Duration::ZERO);
        let inner = self.common.lock();
        if inner.link.takes_orders() && inner.asked == Ask::Nothing {
            return Ok(());
        }
        let why = "the Gateway lost its servers meanwhile";
        Err(NoAnswer::Unusable(why.to_owned()))
    }

    /// Reads what the broker knows, compares it with what we believe, and tells the head what
    /// follows, each answer as it comes: what is heard meanwhile is younger, and would stand before
    /// it in the stream if it had to wait. A round that is not full leaves positions and values
    /// out.
    pub(super) fn round(&mut self, broker: &dyn Broker, full: bool) -> Round {
        let config = &self.common.config;
        let within = answer_within(config.answer_within, config.speed_milli);
        self.common.lock().desk.round_begins();
        let open = self.ask(broker, ("open orders", 1), || broker.open_orders(within));
        self.stepped(Step::OpenOrders, open.is_ok());
        let ended = self.ask(broker, ("orders that ended", 1), || {
            broker.ended_orders(within)
        });
        self.stepped(Step::Completed, open.is_ok() && ended.is_ok());
        let executions = self.ask(broker, ("executions", 1), || broker.executions(within));
        let mut snapshot = Snapshot {
            open,
            ended,
            executions,
            positions: Err(NoAnswer::Late),
            values: Err(NoAnswer::Late),
            profit: None,
        };
        let orders = snapshot.has_orders();
        self.unheard &= !orders;
        self.stepped(Step::Executions, orders);
        let mut round = Round {
            mismatches: self.take_orders(&snapshot),
            whole: false,
            profit: None,
        };
        if full {
            let heard = self.common.lock().desk.executions();
            snapshot.positions = self.ask(broker, ("positions", 2), || broker.positions(within));
            if let Ok(held) = &snapshot.positions {
                round.mismatches.extend(self.take_positions(held, heard));
            }
            snapshot.values = self.values(broker, within);
            snapshot.profit = self.profit(broker);
            self.take_money(&snapshot, &mut round);
            self.last_round = (self.clock)();
        }
        round.whole = snapshot.is_whole();
        if round.whole {
            self.failed = 0;
        }
        self.stepped(Step::Positions, orders && (!full || round.whole));
        let every = self.common.config.reconcile_every;
        let soon = full && core::mem::take(&mut self.again) && self.cause == RoundCause::Periodic;
        if full && self.judged.takes(self.last_round, soon, every) {
            self.judge(&round);
            self.report(&round, &snapshot);
        }
        self.again |= full && self.is_to_be_asked_again(&round);
        round
    }

    /// Orders and executions: compared first, and taken in then, executions before the states that
    /// they explain.
    fn take_orders(&mut self, snapshot: &Snapshot) -> Vec<Mismatch> {
        let now = (self.clock)();
        let inner = &mut *self.common.lock();
        let found = reconcile::orders(&inner.desk, snapshot);
        if let Ok(executed) = &snapshot.executions {
            inner.unread(&executed.unread, &self.common.tell);
        }
        inner.with_desk(|desk, say| {
            if let Ok(Executed {
                executions, fees, ..
            }) = &snapshot.executions
            {
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
            for mismatch in &found {
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
        if snapshot.has_orders() {
            inner.link.orders_are_read();
            inner.tell_link(now);
        }
        found
    }

    /// Positions: compared with what was heard until they came, and told. So many executions had
    /// been `heard` when they were asked for: which is older, a further one or a position that
    /// differs, nobody knows, and once it is not told but asked for again.
    fn take_positions(&mut self, held: &[Held], heard: usize) -> Vec<Mismatch> {
        let inner = &mut *self.common.lock();
        let traded = inner.desk.executions() != heard;
        let first = !core::mem::replace(&mut self.first_told, true);
        let found = reconcile::positions(&inner.desk, held, heard);
        for known in &self.contracts {
            let id = known.contract.instrument;
            let held = held.iter().find(|held| held.instrument == Some(id));
            let now = held.map_or((0, 0), |held| (held.qty.0, held.fraction));
            let differs = now != (inner.desk.expected(id), 0);
            if differs && traded && self.doubted.insert(id) {
                continue;
            }
            self.doubted.remove(&id);
            let before = self.positions.insert(id, now);
            if first || before != Some(now) || now != (0, 0) {
                let position = position_of(held);
                inner.desk.on_position(id, &position);
                inner.out.put(id, &position);
            }
        }
        found
    }

    /// Account values and the day's profit: compared, and told.
    fn take_money(&mut self, snapshot: &Snapshot, round: &mut Round) {
        let now = (self.clock)();
        let inner = &mut *self.common.lock();
        let slack = self.profit_slack(snapshot);
        reconcile::money(&inner.desk, snapshot, slack, round);
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

    /// True where a position came that is not what executions had made by then. Either may be on
    /// its way here, and risk freezes the instrument unless it soon hears the right one. What
    /// stands for a second time, and nothing traded, is a difference, and not asked for again.
    fn is_to_be_asked_again(&mut self, round: &Round) -> bool {
        let is_position = |one: &&Mismatch| matches!(one, Mismatch::OtherPosition { .. });
        let others = round.mismatches.iter().filter(is_position).cloned();
        let differed = (
            self.common.lock().desk.executions(),
            others.collect::<Vec<_>>(),
        );
        let is_news = differed.1.iter().any(|one| !self.differed.1.contains(one));
        let has_traded = !differed.1.is_empty() && differed.0 != self.differed.0;
        self.differed = differed;
        is_news || has_traded
    }

    /// The account's values in the currency that is traded in. Without a rate there are none, and
    /// no entry is made.
    fn values(&mut self, broker: &dyn Broker, within: Duration) -> Answer<Vec<Value>> {
        let account = self.ask(broker, ("account values", 2), || broker.values(within))?;
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
