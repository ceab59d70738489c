//! What opens and shuts the gates: operator, loss limit, session, start, broker.

use crate::controls::{Breach, Equity, Window};
use crate::entries::refuse;
use crate::kill::{Cause, Circumstances, level_of};
use crate::stage::save;
use crate::state::{Port, State};
use stream::payload::{
    AccountField, AccountValue, Borrow, Connectivity, Control, ControlAction, Fault, FaultCode,
    Instrument, Kill, KillLevel, LinkState, Position, Reason, Restart, Session, read_text,
};
use stream::{InstrumentId, Nanos};

impl State {
    pub(crate) fn on_control(&mut self, port: &mut Port<'_>, control: &Control) {
        let (by, cause) = (read_text(&control.by), read_text(&control.cause));
        let name = port.frame.id();
        match control.action {
            ControlAction::Resume => {
                if !control.is_by_person() || cause.trim().is_empty() {
                    refuse(port, name, &Breach::new(Reason::Operator, 1, 0));
                } else {
                    self.resume(port);
                }
            }
            ControlAction::Arm if by.is_empty() => {
                refuse(port, name, &Breach::new(Reason::Disarmed, 1, 0));
            }
            ControlAction::Arm => {
                self.armed = true;
                if control.is_armed_by_person() {
                    self.thaw();
                }
            }
            ControlAction::Disarm => self.armed = false,
            ControlAction::Save => save(self, port),
            action => {
                let level = level_of(action).expect("the others are handled above");
                let cause = if by == "journal" {
                    Cause::Journal
                } else {
                    Cause::Operator
                };
                self.raise(port, cause, level, (0, 0));
            }
        }
    }

    fn resume(&mut self, port: &mut Port<'_>) {
        let from = self.kill.level();
        let circumstances = Circumstances {
            now: port.now(),
            cooloff: self.config.resume_cooloff,
            flat: self.held == 0,
            loss_recovered: self.loss_stage() < 2,
        };
        if self.kill.resume(&circumstances) {
            self.tell_kill(port, from, Reason::Operator, (0, 0));
            return;
        }
        let reason = self.kill_reason();
        let until = self.kill.raised.saturating_add(self.config.resume_cooloff);
        refuse(
            port,
            port.frame.id(),
            &Breach::new(reason, until.0, port.now().0),
        );
    }

    /// A person has looked: what no longer differs is no longer frozen, and whose the rest is, is
    /// settled.
    fn thaw(&mut self) {
        for id in self.ids() {
            let slot = self.slot_mut(id);
            slot.settle_others();
            slot.frozen &= slot.differs();
        }
    }

    fn raise(&mut self, port: &mut Port<'_>, cause: Cause, level: KillLevel, numbers: (i64, i64)) {
        let from = self.kill.level();
        if self.kill.raise(cause, level, port.now()) {
            self.tell_kill(port, from, cause.reason(), numbers);
        }
        if self.kill.level() >= KillLevel::Flatten {
            self.sweep(port);
        }
    }

    fn tell_kill(
        &self,
        port: &mut Port<'_>,
        from: KillLevel,
        reason: Reason,
        (limit, observed): (i64, i64),
    ) {
        let to = self.kill.level();
        let kill = Kill {
            from,
            to,
            reason,
            latched: u8::from(to > KillLevel::None),
            spare: [0; 4],
            limit,
            observed,
            spare2: [0; 8],
        };
        port.emit(InstrumentId::NONE, &kill);
    }

    /// How far the loss has come: 0, 1 warn, 2 reduce only, 3 the limit itself.
    fn loss_stage(&self) -> u8 {
        let loss = self.account.loss();
        let shares = [
            self.share_of_limit(self.config.loss_warn_ppm),
            self.share_of_limit(self.config.loss_reduce_ppm),
            self.loss_limit(),
        ];
        shares.into_iter().filter(|&at| loss >= at).count() as u8
    }

    /// Control 7, after everything that can change the loss. Each stage is taken once a session:
    /// the warning is a `Kill` frame that changes no level.
    pub(crate) fn check_loss(&mut self, port: &mut Port<'_>) {
        if self.account.loss() < self.loss_warns_at() {
            // No stage comes before the warning.
            return;
        }
        let stage = self.loss_stage();
        if stage <= self.account.loss_stage {
            return;
        }
        self.account.loss_stage = stage;
        let clamp = |value: i128| crate::trips::clamp(value).0;
        let numbers = (clamp(self.loss_limit()), clamp(self.account.loss()));
        match stage {
            1 => {
                let level = self.kill.level();
                self.tell_kill(port, level, Reason::DailyLoss, numbers);
            }
            2 => self.raise(port, Cause::Loss, KillLevel::Pause, numbers),
            _ => self.raise(port, Cause::Loss, KillLevel::Flatten, numbers),
        }
    }

    /// A session begins. A new date starts new totals; a date that was seen already does not, and
    /// one from the past is not believed.
    pub(crate) fn on_session(&mut self, port: &mut Port<'_>, session: &Session) {
        if session.date < self.date || session.close <= session.open {
            port.fault(FaultCode::BadValue, u64::from(session.date));
            return;
        }
        let rolls = session.date > self.date;
        self.window = Window {
            open: session.open,
            close: session.close,
        };
        if !rolls {
            return;
        }
        let first = self.date == 0;
        self.date = session.date;
        self.close_saved = false;
        if !first {
            self.roll(port);
        }
    }

    fn roll(&mut self, port: &mut Port<'_>) {
        for id in self.ids() {
            let slot = self.slot_mut(id);
            slot.holding.realised = 0;
            slot.fees = 0;
            slot.fills = 0;
            slot.changed = true;
            if slot.own() != 0 {
                // It should have been closed yesterday.
                slot.due = Reason::SessionEnd;
            }
        }
        self.executions.drop_estimates();
        self.account.realised = 0;
        self.account.fees = 0;
        self.account.provisional = 0;
        self.account.first_equity = stream::Money::ZERO;
        self.account.loss_stage = 0;
        let from = self.kill.level();
        self.kill.roll();
        if self.kill.level() != from {
            self.tell_kill(port, from, Reason::SessionEnd, (0, 0));
        }
    }

    /// An epoch begins: nothing is known of the link, and someone may have to arm.
    pub(crate) fn on_restart(&mut self, port: &mut Port<'_>, restart: &Restart) {
        self.armed = restart.disarmed == 0;
        self.link_ready = false;
        let from = self.kill.level();
        self.kill.restart();
        if self.kill.level() != from {
            self.tell_kill(port, from, Reason::Operator, (0, 0));
        }
    }

    /// A saved state comes behind its epoch's `Restart`, which only the `blank` one has seen: what
    /// that brought holds for it too.
    pub(crate) fn go_on_after(&mut self, blank: &Self) {
        self.armed = blank.armed;
        self.link_ready = blank.link_ready;
        self.kill.restart();
    }

    /// What the broker told before its link was lost, or in an earlier epoch, is old by the time
    /// that it is ready again: what still differs then has the whole grace.
    pub(crate) fn on_connectivity(&mut self, port: &mut Port<'_>, connectivity: &Connectivity) {
        if connectivity.source != self.config.broker {
            return;
        }
        let ready = connectivity.state == LinkState::Ready;
        let was_ready = core::mem::replace(&mut self.link_ready, ready);
        if ready && !was_ready {
            let now = port.now().max(Nanos(1));
            for id in self.ids() {
                let slot = self.slot_mut(id);
                if slot.differs() {
                    slot.differs_since = now;
                }
            }
        }
    }

    /// The broker's word on shares to borrow.
    pub(crate) fn on_borrow(&mut self, port: &mut Port<'_>, borrow: &Borrow) {
        let id = port.frame.instrument();
        if !Self::is_instrument(id) {
            port.fault(FaultCode::UnknownInstrument, borrow.shares);
            return;
        }
        self.slot_mut(id).on_borrow(borrow);
    }

    pub(crate) fn on_account(&mut self, port: &mut Port<'_>, account: &AccountValue) {
        let currency = account.currency;
        let own = currency == self.config.currency || currency == [0; 4];
        if account.field != AccountField::Equity || !own {
            return;
        }
        let as_of = if account.as_of == Nanos::ZERO {
            port.now()
        } else {
            account.as_of
        };
        self.account.equity = Equity {
            value: account.value,
            as_of: as_of.min(port.now()),
        };
        if self.account.first_equity.0 <= 0 && account.value.0 > 0 {
            self.account.first_equity = account.value;
            self.check_loss(port);
        }
    }

    pub(crate) fn on_instrument(&mut self, port: &mut Port<'_>, definition: &Instrument) {
        let id = port.frame.instrument();
        if !Self::is_instrument(id) {
            port.fault(FaultCode::UnknownInstrument, u64::from(id.0));
            return;
        }
        self.bind(id, definition.symbol);
        let slot = self.slot(id);
        let held = slot.holding.qty != 0;
        let mut defined = *slot;
        defined.define(definition, &self.config);
        let changed = held && defined.multiplier != slot.multiplier;
        if changed {
            // What is held was reckoned in other units: a person has to look.
            defined.multiplier = slot.multiplier;
        }
        *self.slot_mut(id) = crate::instrument::Slot {
            dirty: true,
            ..defined
        };
        if changed {
            let told = u64::from(definition.multiplier);
            self.freeze(port, id, FaultCode::Unreconciled, told);
        }
        self.refresh(id);
    }

    /// The broker's edge has something that it cannot explain: an order that is not ours, or one
    /// with other terms. The instrument takes no entry until a person has looked.
    pub(crate) fn on_fault(&mut self, port: &mut Port<'_>, fault: &Fault) {
        let id = port.frame.instrument();
        if fault.code == FaultCode::Unreconciled && Self::is_instrument(id) {
            self.freeze(port, id, FaultCode::Unreconciled, fault.value);
        }
    }

    /// Compares the broker's position with our own. It is never put right by a trade.
    pub(crate) fn on_position(&mut self, port: &mut Port<'_>, position: &Position) {
        let id = port.frame.instrument();
        if !Self::is_instrument(id) {
            port.fault(FaultCode::UnknownInstrument, position.qty.0 as u64);
            return;
        }
        let now = port.now();
        let slot = self.slot_mut(id);
        slot.broker = Some(position.qty.0);
        let agrees = position.qty.0 == slot.holding.qty && position.fraction == 0;
        if agrees {
            slot.differs_since = Nanos::ZERO;
        } else if !slot.differs() {
            slot.differs_since = now.max(Nanos(1));
        }
        if position.fraction != 0 {
            let fraction = position.fraction as u64;
            self.freeze(port, id, FaultCode::Unreconciled, fraction);
        }
    }

    /// Freezes what has differed for too long; at housekeeping. While the link is not ready no
    /// entry is made, and nobody can be asked again.
    pub(crate) fn freeze_differing(&mut self, port: &mut Port<'_>, now: Nanos) {
        if !self.link_ready {
            return;
        }
        let grace = self.config.position_grace;
        for id in self.ids() {
            let slot = self.slot(id);
            if slot.differs() && !slot.frozen && now >= slot.differs_since.saturating_add(grace) {
                let told = slot.broker.unwrap_or(0) as u64;
                self.freeze(port, id, FaultCode::Unreconciled, told);
            }
        }
    }
}
