//! The desk folded from a journal: what an earlier epoch asked for and heard.

use super::{Desk, Entry, Exec, Say};
use crate::ibkr::names::{ExecName, exec_number, reversal_number};
use crate::ibkr::reconcile::Base;
use stream::payload::{
    AccountField, AccountValue, Command, CommandOp, Commission, Fill, Leg, LegState, Position,
    Sent, SentOutcome, Status, read_text,
};
use stream::{FrameId, FrameRef, InstrumentId, Kind, Money};

impl Desk {
    /// Takes a journaled frame of an earlier epoch.
    pub fn on_frame(&mut self, frame: FrameRef<'_>) {
        if self.journal == 0 {
            self.journal = frame.ts().0;
        }
        match frame.kind() {
            Kind::Command => self.commanded(frame.id(), frame.instrument(), frame.read()),
            Kind::Sent => self.on_sent(frame.read()),
            Kind::Status => self.on_status(frame.read()),
            Kind::Fill => self.on_fill(frame.instrument(), frame.read()),
            Kind::Leg => self.on_leg(frame.read()),
            Kind::Commission => self.on_commission(frame.read()),
            Kind::Position => self.on_position(frame.instrument(), frame.read()),
            Kind::AccountValue => {
                let value = frame.read::<AccountValue>();
                self.on_value(value);
                let whole = frame.instrument() == InstrumentId::NONE;
                if whole && value.field == AccountField::DailyProfit {
                    self.on_profit(value.as_of, value.value);
                }
            }
            _ => {}
        }
    }

    fn on_commission(&mut self, commission: &Commission) {
        self.base.moved -= i128::from(commission.fee.0);
        let of = |exec: &&mut Exec| exec_number(&exec.text) == commission.exec_id;
        if let Some(exec) = self.execs.values_mut().find(of) {
            exec.fee = Some(commission.fee.0);
        }
    }

    /// Executions whose fee is not known yet.
    #[must_use]
    pub fn fees_awaited(&self) -> usize {
        let awaited = |exec: &&Exec| exec.qty > 0 && exec.fee.is_none();
        self.execs.values().filter(awaited).count()
    }

    /// The first word on a position is what the journal began with.
    pub fn on_position(&mut self, instrument: InstrumentId, position: &Position) {
        let own = self.position(instrument);
        let first = self.base.positions.entry(instrument);
        first.or_insert(position.qty.0 - own);
    }

    /// The first word on cash is what the journal began with, unless a future's mark is in it.
    pub fn on_value(&mut self, value: &AccountValue) {
        let first = value.field == AccountField::Cash && self.base.cash.is_none();
        if first && !self.holds_future() {
            let before = i128::from(value.value.0) - self.base.moved;
            self.base.cash = i64::try_from(before).ok().map(Money);
        }
    }

    /// What the journal began with, and what moved since.
    #[must_use]
    pub const fn base(&self) -> &Base {
        &self.base
    }

    /// Units of an instrument, and whether it is a future, for what its executions move in cash.
    pub fn set_units(&mut self, instrument: InstrumentId, multiplier: u32, future: bool) {
        self.multipliers.insert(instrument, multiplier);
        if future {
            self.futures.insert(instrument);
        }
    }

    /// True while the broker's cash cannot be told from executions. A future is not paid for: what
    /// it gains or loses at every mark is cash, and only once it is closed do its prices come to
    /// the same. Of one that was there before, nobody knows the first of them.
    #[must_use]
    pub fn holds_future(&self) -> bool {
        let before = |id| self.base.positions.get(id).is_some_and(|qty| *qty != 0);
        self.futures
            .iter()
            .any(|id| before(id) || self.position(*id) != 0)
    }

    pub(super) fn move_cash(&mut self, exec: &Exec, back: bool) {
        let units = self.multipliers.get(&exec.instrument).copied().unwrap_or(1);
        let value = i128::from(exec.price.0) * i128::from(exec.qty) * i128::from(units);
        let paid = value * i128::from(exec.side.sign());
        self.base.moved -= if back { -paid } else { paid };
    }

    /// A command was journaled: it is known from here on, whether or not it leaves.
    pub fn commanded(&mut self, id: FrameId, instrument: InstrumentId, command: &Command) {
        self.unanswered.push((id, instrument, *command));
        match command.op {
            CommandOp::Place => {
                let entry = Entry {
                    leg: command.leg,
                    origin: command.origin,
                    instrument,
                    role: command.role,
                    side: command.side,
                    order_type: command.order_type,
                    limit: command.limit,
                    trigger: command.trigger,
                    qty: command.qty,
                    ordered: None,
                    parent: command.parent_leg,
                    order_id: 0,
                    perm_id: 0,
                    filled: 0,
                    told: LegState::Commanded,
                    reported: 0,
                    left: false,
                    absent: 0,
                    round: self.round,
                    live: Vec::new(),
                    twin: false,
                    tif: command.tif,
                    expire: command.expire,
                    oca: command.oca,
                };
                self.entries.insert(command.leg, entry);
            }
            CommandOp::Modify => {
                if let Some(entry) = self.entries.get_mut(&command.leg) {
                    entry.round = self.round;
                    entry.limit = command.limit;
                    entry.trigger = command.trigger;
                    entry.qty = command.qty;
                    entry.ordered = None;
                }
            }
            CommandOp::Cancel => {}
        }
    }

    pub(super) fn on_sent(&mut self, sent: &Sent) {
        self.unanswered.retain(|(id, ..)| *id != sent.command);
        if sent.op != CommandOp::Place {
            return;
        }
        if let Some(entry) = self.entries.get_mut(&sent.leg) {
            match sent.outcome {
                SentOutcome::Sent | SentOutcome::Unknown => entry.left = true,
                SentOutcome::NotSent | SentOutcome::Abandoned if !entry.left => {
                    entry.told = LegState::Abandoned;
                }
                SentOutcome::NotSent | SentOutcome::Abandoned => {}
            }
        }
    }

    fn on_status(&mut self, status: &Status) {
        if let Some(entry) = self.entries.get_mut(&status.leg) {
            entry.told = status.state;
            entry.left = true;
            entry.reported = entry.reported.max(status.filled);
            if !status.state.is_final() {
                entry.ordered = Some(status.filled.saturating_add(status.remaining));
            }
        }
    }

    fn on_fill(&mut self, instrument: InstrumentId, fill: &Fill) {
        let text = read_text(&fill.exec_text);
        let name = ExecName::parse(text);
        let exec = Exec {
            text: text.to_owned(),
            revision: name.revision,
            leg: fill.leg,
            origin: fill.origin,
            instrument,
            side: fill.side,
            qty: fill.qty,
            price: fill.price,
            fee: None,
        };
        if fill.exec_id == reversal_number(text) {
            // Taken back: the correction behind it, if any, stands on its own.
            if let Some(exec) = self.execs.get(name.base).cloned() {
                self.move_cash(&exec, true);
                self.execs
                    .insert(name.base.to_owned(), Exec { qty: 0, ..exec });
            }
            return;
        }
        self.move_cash(&exec, false);
        self.execs.insert(name.base.to_owned(), exec);
        if let Some(entry) = self.entries.get_mut(&fill.leg) {
            entry.filled = fill.filled;
            entry.left = true;
        }
    }

    fn on_leg(&mut self, leg: &Leg) {
        // What the gateway gave up before it left is nothing that the broker could know.
        if leg.to == LegState::Abandoned
            && let Some(entry) = self.entries.get_mut(&leg.leg)
        {
            entry.told = LegState::Abandoned;
        }
    }

    /// A new epoch: commands that nobody answered may or may not have left. Each is answered with
    /// `Unknown`, and its order is looked up.
    pub fn restarted(&mut self, say: &mut Vec<Say>) {
        for (id, instrument, command) in core::mem::take(&mut self.unanswered) {
            say.push(self.answered(id, instrument, &command, SentOutcome::Unknown, 0));
        }
        self.lost(say);
        self.gather();
    }
}
