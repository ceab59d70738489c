//! The broker's answers: what they prove of a leg, and what follows for its bracket.

use crate::bracket::CANCELS_MAX;
use crate::leg::Event;
use crate::state::{Port, State};
use stream::Nanos;
use stream::payload::{CommandOp, Fill, LegState, Reason, Sent, SentOutcome, Status};

impl State {
    pub(crate) fn on_sent(&mut self, port: &mut Port<'_>, sent: &Sent) {
        self.credits.give_back(sent.command);
        if let Some(at) = self.find(sent.origin, sent.leg) {
            if sent.op == CommandOp::Place {
                let event = Event::Handed(sent.outcome);
                self.happen(port, at, event, (Reason::None, sent.code));
            } else if sent.op == CommandOp::Cancel && sent.outcome != SentOutcome::Sent {
                // It may be made again: cancelling twice does no harm.
                let again = port.now() + self.config.cancel_patience;
                self.bracket(at.0).legs[at.1].cancel_by = again;
            }
            self.settle(port, at.0);
        }
        self.drain(port);
    }

    pub(crate) fn on_status(&mut self, port: &mut Port<'_>, status: &Status) {
        let Some(at) = self.find(status.origin, status.leg) else {
            return;
        };
        self.take_status(port, at, status);
        self.settle(port, at.0);
        self.drain(port);
    }

    fn take_status(&mut self, port: &mut Port<'_>, at: (u16, usize), status: &Status) {
        let by = port.now() + self.config.answer_patience;
        let leg = &mut self.bracket(at.0).legs[at.1];
        let told = match status.state {
            // Broker says that all is filled: how much, it may leave to us.
            LegState::Filled if status.filled == 0 => leg.qty,
            _ => status.filled,
        };
        leg.reported = if status.state.is_final() {
            // The broker's last word on the leg, whatever it said before.
            told
        } else {
            leg.reported.max(told)
        };
        leg.answer_by = if leg.awaits_fills() { by } else { Nanos::ZERO };
        let why = (
            if status.code == 0 {
                Reason::None
            } else {
                Reason::Broker
            },
            status.code,
        );
        if status.state.is_final() {
            if !leg.is_final() {
                leg.reported_end = status.state;
            }
            if let Some(event) = leg.due_end() {
                self.happen(port, at, event, why);
            }
            return;
        }
        // The broker may resize an exit: with its entry's fills, and with those of its pair.
        let total = status.filled.saturating_add(status.remaining);
        if leg.is_exit() && total > 0 && !leg.is_final() && status.state != LegState::Held {
            leg.qty = total.max(leg.filled);
        }
        self.happen(port, at, Event::Told(status.state), why);
    }

    pub(crate) fn on_fill(&mut self, port: &mut Port<'_>, fill: &Fill) {
        let instrument = port.frame.instrument();
        if fill.qty == 0 || fill.side.sign() == 0 || !self.is_new_execution(fill.exec_id) {
            return;
        }
        let Some(watch) = self.watch(instrument) else {
            return;
        };
        let signed = fill.side.sign() * i64::from(fill.qty);
        watch.position = watch.position.saturating_add(signed);
        // What the broker took back or corrected has the name of its bracket.
        if fill.leg.is_none() && fill.origin.is_none() {
            watch.others = watch.others.saturating_add(signed);
        }
        watch.origin = fill.origin;
        match self.find(fill.origin, fill.leg) {
            Some(at) if self.bracket(at.0).instrument == instrument => {
                self.book_fill(port, at, fill);
                self.settle(port, at.0);
            }
            _ => {
                // Position without an order of ours that we still know: booked, frozen, shown.
                self.watches[instrument.index()].frozen = true;
                self.check_protection(port, instrument);
            }
        }
        self.drain(port);
    }

    fn book_fill(&mut self, port: &mut Port<'_>, at: (u16, usize), fill: &Fill) {
        let by = port.now() + self.config.answer_patience;
        let leg = &mut self.bracket(at.0).legs[at.1];
        leg.filled = leg.filled.saturating_add(fill.qty);
        if leg.is_exit() && fill.ordered > 0 {
            leg.qty = fill.ordered;
        }
        leg.qty = leg.qty.max(leg.filled);
        leg.answer_by = match leg.answer_by {
            _ if !leg.awaits_fills() => Nanos::ZERO,
            Nanos::ZERO => by,
            sooner => sooner,
        };
        let complete = leg.filled >= fill.ordered.max(1);
        let wide = leg.side != fill.side || leg.filled > leg.qty_max;
        if leg.is_final() {
            // Booked, though the leg was over: its state stays, its quantity is told.
            let state = leg.state();
            self.tell(port, at, state, (Reason::Broker, 0));
        } else {
            self.happen(port, at, Event::Traded { complete }, (Reason::None, 0));
            if let Some(event) = self.bracket(at.0).legs[at.1].due_end() {
                self.happen(port, at, event, (Reason::None, 0));
            }
        }
        if wide {
            self.freeze(port, at);
        }
    }

    /// Something about a leg is not explained: its instrument takes no entries any more.
    pub(crate) fn freeze(&mut self, port: &mut Port<'_>, at: (u16, usize)) {
        let instrument = self.bracket(at.0).instrument;
        if !core::mem::replace(&mut self.watches[instrument.index()].frozen, true) {
            let state = self.bracket(at.0).legs[at.1].state();
            self.tell(port, at, state, (Reason::Frozen, 0));
        }
    }

    /// Timers of a bracket's legs.
    pub(crate) fn legs_on_time(&mut self, port: &mut Port<'_>, slot: u16, now: Nanos) {
        let due = |at: Nanos| at > Nanos::ZERO && now >= at;
        for index in 0..usize::from(self.bracket(slot).count) {
            let at = (slot, index);
            let blind = self.blind;
            let leg = &mut self.bracket(slot).legs[index];
            if due(leg.answer_by) && !(blind && leg.is_final()) {
                leg.answer_by = Nanos::ZERO;
                if leg.is_final() {
                    // Executions that were reported never came: what is booked has to do.
                    leg.reported = leg.filled;
                    self.freeze(port, at);
                } else {
                    self.happen(port, at, Event::Silent, (Reason::Broker, 0));
                }
            }
            let leg = &mut self.bracket(slot).legs[index];
            if leg.is_final() {
                continue;
            }
            if due(leg.pair_by) {
                leg.pair_by = Nanos::ZERO;
                self.want_cancel(port, at, Reason::OneCancelsOther);
            }
            let leg = &mut self.bracket(slot).legs[index];
            if due(leg.cancel_by) && !blind {
                leg.cancel_by = Nanos::ZERO;
                if leg.cancels < CANCELS_MAX {
                    self.queue_cancel(at);
                } else {
                    self.happen(port, at, Event::Silent, (Reason::Broker, 0));
                }
            }
        }
        self.settle(port, slot);
    }

    /// A new epoch: nobody will answer the commands of the last one through the edge any more, and
    /// what became of them is not known before the edge says so.
    pub(crate) fn on_restart(&mut self, port: &mut Port<'_>) {
        self.lose_sight(port);
        self.credits.give_all_back();
        for slot in 0..self.high {
            if !self.bracket(slot).used {
                continue;
            }
            for index in 0..usize::from(self.bracket(slot).count) {
                if self.bracket(slot).legs[index].state() == LegState::Commanded {
                    let event = Event::Handed(SentOutcome::Unknown);
                    self.happen(port, (slot, index), event, (Reason::Link, 0));
                }
            }
        }
        self.drain(port);
    }
}
