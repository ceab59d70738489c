//! Intents to orders, and what the broker's answers release of their reservations.

use crate::brackets::Bracket;
use crate::controls::{self, Breach, Phase, Proposal, passive_end};
use crate::sizing::{Size, size};
use crate::state::{Port, State};
use stream::payload::{
    CommandOp, Intent, LegRole, LegState, Order, Reason, Refused, Sent, SentOutcome, Status,
};
use stream::{FrameId, InstrumentId, Nanos, Price, Side};

impl State {
    /// Refuses an intent or makes it an order.
    pub(crate) fn on_intent(&mut self, port: &mut Port<'_>, intent: &Intent) {
        let (id, name) = (port.frame.instrument(), port.frame.id());
        match self.decide(port.now(), id, name, intent) {
            Ok((proposal, size)) => self.permit(port, intent, &proposal, &size),
            Err(breach) => refuse(port, name, &breach),
        }
    }

    fn decide(
        &self,
        now: Nanos,
        id: InstrumentId,
        name: FrameId,
        intent: &Intent,
    ) -> Result<(Proposal, Size), Breach> {
        if !Self::is_instrument(id) {
            return Err(Breach::new(Reason::NotAllowed, 0, id.0));
        }
        if self.brackets.find(name).is_some() {
            // One intent never becomes two orders.
            return Err(Breach::new(Reason::BadIntent, 1, 2));
        }
        let mut proposal = Proposal {
            instrument: id,
            side: intent.side,
            reduces: false,
            qty: 0,
            limit: intent.entry,
            stop: intent.stop,
            target: intent.target,
            market_ts: intent.market_ts,
            risk_share_ppm: intent.risk_share_ppm,
        };
        let view = self.view(id, now);
        controls::check(Phase::Before, &proposal, &view)?;
        let size = size(&proposal, &view)?;
        proposal.qty = size.qty;
        controls::check(Phase::Sized, &proposal, &view)?;
        Ok((proposal, size))
    }

    fn permit(&mut self, port: &mut Port<'_>, intent: &Intent, proposal: &Proposal, size: &Size) {
        let (id, name) = (proposal.instrument, port.frame.id());
        let slot = self.slot(id);
        // The limit is the worst price of an entry, so that its risk is what was reckoned.
        let passive = passive_end(proposal.side, &slot.quote, &self.config);
        let (low, high) = match proposal.side {
            Side::Sell => (
                proposal.limit,
                passive.floor_to(slot.tick).max(proposal.limit),
            ),
            _ => (
                passive.ceil_to(slot.tick).min(proposal.limit),
                proposal.limit,
            ),
        };
        let order = Order {
            signal: intent.signal,
            clamped: size.clamped,
            price_low: low,
            price_high: high,
            limit: proposal.limit,
            stop: proposal.stop,
            target: proposal.target,
            ttl: self.time_to_live(intent.ttl, port.now()),
            spread_max: intent.spread_max,
            tape_stall: intent.tape_stall,
            market_ts: intent.market_ts,
            risk: size.risk,
            strategy: intent.strategy,
            ..bare_order(name, proposal.side, size.qty)
        };
        let bracket = Bracket {
            signal: intent.signal,
            strategy: intent.strategy,
            unit_risk: size.unit_risk,
            ..bare_bracket(id, &order)
        };
        assert!(self.brackets.insert(bracket), "a control left no room");
        let slot = self.slot_mut(id);
        match proposal.side {
            Side::Sell => slot.working_sell += i64::from(size.qty),
            _ => slot.working_buy += i64::from(size.qty),
        }
        self.refresh(id);
        port.emit(id, &order);
    }

    /// What never left, or was never sent, reserves nothing.
    pub(crate) fn on_sent(&mut self, port: &mut Port<'_>, sent: &Sent) {
        if sent.op != CommandOp::Place {
            return;
        }
        let Some(place) = self.brackets.find(sent.origin) else {
            return;
        };
        // The entry is the first leg that is commanded, so it has the smallest name.
        let bracket = self.brackets.update(place, |bracket| {
            if bracket.entry_leg.is_none() || sent.leg < bracket.entry_leg {
                bracket.entry_leg = sent.leg;
            }
        });
        let gone = matches!(sent.outcome, SentOutcome::NotSent | SentOutcome::Abandoned);
        if gone && (bracket.flatten || sent.leg == bracket.entry_leg) {
            self.keep_reserved(port.now(), place, 0);
        }
    }

    /// A final state releases all but the executions that it announces and that have not come.
    pub(crate) fn on_status(&mut self, port: &mut Port<'_>, status: &Status) {
        let Some(place) = self.brackets.find(status.origin) else {
            return;
        };
        let bracket = self.brackets.get(place);
        let role = if bracket.flatten {
            LegRole::Flatten
        } else {
            LegRole::Entry
        };
        if status.role != role || !status.state.is_final() {
            return;
        }
        let keep = match status.state {
            // How much was filled, the broker may leave to us.
            LegState::Filled if status.filled == 0 => bracket.reserved,
            _ => status.filled.saturating_sub(bracket.filled),
        };
        self.keep_reserved(port.now(), place, keep);
    }

    /// Lowers a reservation to what may still fill.
    pub(crate) fn keep_reserved(&mut self, now: Nanos, place: usize, keep: u32) {
        let old = self.brackets.get(place);
        let reserved = old.reserved.min(keep);
        let new = self
            .brackets
            .update(place, |bracket| bracket.reserved = reserved);
        self.release(old.instrument, &old, reserved);
        if new.flatten && reserved == 0 {
            self.flatten_ended(old.instrument, &new, now);
        }
        self.refresh(old.instrument);
    }
}

/// Says no.
pub(crate) fn refuse(port: &mut Port<'_>, name: FrameId, breach: &Breach) {
    let refused = Refused {
        intent: name,
        limit: breach.limit,
        observed: breach.observed,
        reason: breach.reason,
        spare: [0; 7],
    };
    port.emit(port.frame.instrument(), &refused);
}

/// An order with its name, side and quantity, everything else empty.
pub(crate) fn bare_order(origin: FrameId, side: Side, qty: u32) -> Order {
    Order {
        origin,
        signal: FrameId::NONE,
        qty,
        side,
        reduce_only: 0,
        reason: Reason::None,
        clamped: Reason::None,
        price_low: Price::ZERO,
        price_high: Price::ZERO,
        limit: Price::ZERO,
        stop: Price::ZERO,
        target: Price::ZERO,
        ttl: Nanos::ZERO,
        spread_max: Price::ZERO,
        tape_stall: Nanos::ZERO,
        market_ts: Nanos::ZERO,
        risk: stream::Money::ZERO,
        strategy: 0,
        spare2: [0; 54],
    }
}

/// The bracket of an order that has just been made.
pub(crate) fn bare_bracket(instrument: InstrumentId, order: &Order) -> Bracket {
    Bracket {
        origin: order.origin,
        instrument,
        side: order.side,
        flatten: order.reduce_only != 0,
        qty: order.qty,
        reserved: order.qty,
        ..Bracket::default()
    }
}
