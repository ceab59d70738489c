//! From legs to commands: the only place that makes one, and that asserts its envelope.

use crate::bracket::{Bracket, Purpose, is_trade_exit};
use crate::credits::Waiting;
use crate::leg::Event;
use crate::state::{Port, State};
use stream::payload::{Command, CommandOp, LegRole, LegState, OrderType, Reason, TimeInForce};
use stream::{FrameId, Nanos, Price};

impl State {
    /// Wants a leg cancelled. A leg that was never commanded is given up at once.
    pub(crate) fn want_cancel(&mut self, port: &mut Port<'_>, at: (u16, usize), reason: Reason) {
        let (slot, index) = at;
        let leg = &mut self.bracket(slot).legs[index];
        if leg.is_final() || leg.cancel != Reason::None {
            return;
        }
        if leg.state() == LegState::Queued {
            self.happen(port, at, Event::GivenUp, (reason, 0));
            return;
        }
        leg.cancel = reason;
        self.queue_cancel(at);
    }

    pub(crate) fn queue_cancel(&mut self, (slot, index): (u16, usize)) {
        let leg = &mut self.bracket(slot).legs[index];
        if !leg.in_cancels {
            leg.in_cancels = true;
            leg.cancel_by = Nanos::ZERO;
            self.credits.cancels.push_back((slot, index as u8));
        }
    }

    /// Queues an exit to be placed or modified.
    pub(crate) fn queue_exit(&mut self, (slot, index): (u16, usize)) {
        let leg = &mut self.bracket(slot).legs[index];
        if !leg.in_exits {
            leg.in_exits = true;
            self.credits.exits.push_back((slot, index as u8));
        }
    }

    /// Makes the commands that wait, as far as the credits go.
    #[inline]
    pub(crate) fn drain(&mut self, port: &mut Port<'_>) {
        if self.credits.anyone_waits() {
            self.make_commands(port);
        }
    }

    fn make_commands(&mut self, port: &mut Port<'_>) {
        while self.credits.one_free() {
            if let Some(at) = self.next_cancel() {
                self.make_cancel(port, at);
            } else if self.blind {
                return;
            } else if let Some((slot, index)) = self.credits.exits.pop_front() {
                self.make_exit(port, (slot, usize::from(index)));
            } else if self.credits.entry_free() {
                let Some(slot) = self.credits.entries.pop_front() else {
                    return;
                };
                self.make_entry(port, slot);
            } else {
                return;
            }
        }
    }

    /// The first cancel that may leave: without sight of the broker none of an exit that may work,
    /// for the flatten that is to take its place cannot leave either.
    fn next_cancel(&mut self) -> Option<(u16, usize)> {
        let leaves = |&(slot, index): &Waiting| {
            let leg = &self.brackets[usize::from(slot)].legs[usize::from(index)];
            !self.blind || leg.is_final() || !is_trade_exit(leg.role)
        };
        let at = self.credits.cancels.iter().position(leaves)?;
        let (slot, index) = self.credits.cancels.remove(at)?;
        Some((slot, usize::from(index)))
    }

    fn make_cancel(&mut self, port: &mut Port<'_>, at: (u16, usize)) {
        let now = port.now();
        let patience = self.config.cancel_patience;
        let leg = &mut self.bracket(at.0).legs[at.1];
        leg.in_cancels = false;
        if leg.is_final() {
            self.release_if_done(at.0);
            return;
        }
        leg.cancels = leg.cancels.saturating_add(1);
        leg.cancel_by = now + patience;
        let reason = leg.cancel;
        self.command(port, at, CommandOp::Cancel);
        self.happen(port, at, Event::CancelCommanded, (reason, 0));
    }

    fn make_exit(&mut self, port: &mut Port<'_>, at: (u16, usize)) {
        let bracket = self.bracket(at.0);
        let instrument = bracket.instrument;
        let leg = &mut bracket.legs[at.1];
        leg.in_exits = false;
        if leg.is_final() || leg.cancel != Reason::None {
            leg.modify = false;
            self.release_if_done(at.0);
            return;
        }
        let modify = core::mem::take(&mut leg.modify);
        let (role, queued) = (leg.role, leg.state() == LegState::Queued);
        let sized = match role {
            // A leg that was to end first has turned out to live: the flatten waits for it again.
            LegRole::Flatten if queued && self.others_work(instrument, at.0) => false,
            LegRole::Flatten => self.size_flatten(port, at),
            _ => self.size_exit(port, at),
        };
        if sized && queued {
            self.place(port, at, FrameId::NONE);
        } else if sized && modify {
            self.command(port, at, CommandOp::Modify);
        }
    }

    /// The entry and its children, in one go.
    fn make_entry(&mut self, port: &mut Port<'_>, slot: u16) {
        let bracket = self.bracket(slot);
        bracket.in_entries = false;
        if bracket.legs[0].state() != LegState::Queued {
            self.release_if_done(slot);
            return;
        }
        self.place(port, (slot, 0), FrameId::NONE);
        let parent = self.bracket(slot).legs[0].id;
        for index in 1..usize::from(self.bracket(slot).count) {
            if self.bracket(slot).legs[index].state() == LegState::Queued {
                self.place(port, (slot, index), parent);
            }
        }
    }

    fn place(&mut self, port: &mut Port<'_>, at: (u16, usize), parent: FrameId) {
        let by = port.now() + self.config.answer_patience;
        let bracket = self.bracket(at.0);
        let parent = if bracket.legs[at.1].attached && parent.is_none() {
            bracket.legs[0].id
        } else {
            parent
        };
        let leg = &mut bracket.legs[at.1];
        leg.id = port.next_id();
        leg.qty = leg.ask;
        leg.answer_by = by;
        let reason = bracket.reason;
        self.command_with(port, at, CommandOp::Place, parent);
        self.happen(port, at, Event::Commanded, (reason, 0));
    }

    pub(crate) fn command(&mut self, port: &mut Port<'_>, at: (u16, usize), op: CommandOp) {
        self.command_with(port, at, op, FrameId::NONE);
    }

    fn command_with(
        &mut self,
        port: &mut Port<'_>,
        (slot, index): (u16, usize),
        op: CommandOp,
        parent: FrameId,
    ) {
        let instrument = self.bracket(slot).instrument;
        let position = self.watches[instrument.index()].position;
        let newest = self.markets[instrument.index()];
        let bracket = self.bracket(slot);
        let command = command_of(bracket, index, op, parent, newest);
        assert_envelope(bracket, index, &command, position);
        let id = port.emit(instrument, &command);
        assert!(
            op != CommandOp::Place || id == command.leg,
            "a placing command must name itself"
        );
        self.credits.take(id);
    }
}

fn command_of(
    bracket: &Bracket,
    index: usize,
    op: CommandOp,
    parent_leg: FrameId,
    newest: Nanos,
) -> Command {
    let leg = &bracket.legs[index];
    let is_entry = leg.role == LegRole::Entry;
    let is_stop = leg.order_type == OrderType::Stop;
    let expires = is_entry && bracket.deadline != Nanos::ZERO;
    let has_pair = bracket.purpose == Purpose::Trade && !is_entry;
    Command {
        leg: leg.id,
        origin: bracket.origin,
        parent_leg,
        oca: if has_pair { bracket.origin.0 } else { 0 },
        limit: if is_stop { Price::ZERO } else { leg.price },
        trigger: if is_stop { leg.price } else { Price::ZERO },
        expire: if expires {
            bracket.deadline
        } else {
            Nanos::ZERO
        },
        market_ts: bracket.market_ts.max(newest),
        qty: leg.ask,
        op,
        order_type: leg.order_type,
        side: leg.side,
        tif: if expires {
            TimeInForce::GoodTillDate
        } else {
            TimeInForce::Day
        },
        role: leg.role,
        reason: if op == CommandOp::Cancel {
            leg.cancel
        } else {
            bracket.reason
        },
        reduce_only: u8::from(!is_entry),
        adds_risk: u8::from(is_entry && op != CommandOp::Cancel),
        spare: [0; 4],
        price_low: leg.low,
        price_high: leg.high,
    }
}

/// Nothing that leaves may be wider than what risk permitted. A violation is our own bug.
fn assert_envelope(bracket: &Bracket, index: usize, command: &Command, position: i64) {
    let leg = &bracket.legs[index];
    assert!(!command.leg.is_none(), "a command names its leg");
    if command.op == CommandOp::Cancel {
        return;
    }
    let price = if command.order_type == OrderType::Stop {
        command.trigger
    } else {
        command.limit
    };
    assert!(
        leg.low <= price && price <= leg.high,
        "a command's price left its envelope"
    );
    assert!(
        command.qty > leg.filled && command.qty <= leg.qty_max,
        "a command's quantity left its envelope"
    );
    match leg.role {
        LegRole::Entry => assert!(leg.side == bracket.side, "an entry turned around"),
        LegRole::Stop | LegRole::Target => {
            assert!(leg.side == bracket.side.opposite(), "an exit turned around");
        }
        LegRole::Flatten => {
            let left = i64::from(command.qty - leg.filled);
            assert!(
                position * leg.side.sign() < 0 && left <= position.abs(),
                "a flatten may only reduce"
            );
        }
    }
}
