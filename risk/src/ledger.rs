//! Executions and fees into positions, profit and round trips.

use crate::executions::{Execution, Progress};
use crate::holding::Applied;
use crate::state::{Port, State};
use crate::trips::Trip;
use stream::payload::{Commission, FaultCode, Fill, LegRole, Reason};
use stream::{FrameId, InstrumentId, Money, Nanos, Side};

/// What the broker corrects is no further fill of the bracket whose name it has.
fn without_bracket(fill: &Fill) -> Fill {
    let origin = if fill.leg.is_none() {
        FrameId::NONE
    } else {
        fill.origin
    };
    Fill { origin, ..*fill }
}

impl State {
    /// Applies an execution that was not seen before.
    pub(crate) fn on_fill(&mut self, port: &mut Port<'_>, fill: &Fill) {
        let id = port.frame.instrument();
        let foreign = fill.leg.is_none() && fill.origin.is_none();
        let fill = &without_bracket(fill);
        if !Self::is_instrument(id) {
            port.fault(FaultCode::UnknownInstrument, fill.exec_id);
            return;
        }
        let seen = self.executions.find(fill.exec_id);
        let known = seen.map(|place| self.executions.get(place));
        let fee_first = match known {
            Some(Execution {
                progress: Progress::FeeFirst,
                amount,
                ..
            }) => Some(amount),
            Some(_) => return,
            None => None,
        };
        let slot = self.slot_mut(id);
        let (before, realised) = (slot.holding.qty, slot.holding.realised);
        let own_before = slot.own();
        let multiplier = slot.multiplier;
        let applied = slot
            .holding
            .apply(fill.side, fill.qty, fill.price, multiplier);
        let Some(applied) = applied else {
            self.freeze(port, id, FaultCode::BadValue, fill.exec_id);
            return;
        };
        let signed = fill.side.sign() * i64::from(fill.qty);
        if foreign {
            slot.add_others(signed);
        }
        let own = slot.holding.qty.saturating_sub(slot.others);
        slot.fills = slot.fills.saturating_add(1);
        slot.broker = None;
        slot.differs_since = Nanos::ZERO;
        slot.mark_at_least(fill.price);
        self.account.realised += self.slot(id).holding.realised - realised;
        self.count_held(own_before, self.slot(id).own());
        let explained = self.account_to_bracket(port.now(), id, fill);
        let trip = self.account_to_trip(port, id, fill, (before, applied));
        self.await_fee(port, id, fill, (trip, fee_first));
        if self.slot(id).own() == 0 {
            self.slot_mut(id).closed();
        }
        let slot = self.slot(id);
        if slot.holding.qty == 0 || slot.holding.qty == slot.others {
            self.brackets.flat(id);
        }
        let opens = applied.opened > 0 && own.signum() == signed.signum();
        let opens_by_exit = !foreign && fill.role != LegRole::Entry && opens;
        if opens_by_exit {
            // Both exits of a pair filled: what is open now has no stop and no bracket.
            self.slot_mut(id).due = Reason::Unprotected;
        }
        if !explained || opens_by_exit || self.slot(id).symbol == [0; 16] {
            self.freeze(port, id, FaultCode::Unreconciled, fill.exec_id);
        }
        self.refresh(id);
        self.report(port, id);
        self.report_trip(port, trip, false);
        self.check_loss(port);
    }

    fn count_held(&mut self, before: i64, after: i64) {
        self.held -= usize::from(before != 0);
        self.held += usize::from(after != 0);
    }

    /// False when the execution is not what an order of ours could bring.
    fn account_to_bracket(&mut self, now: Nanos, id: InstrumentId, fill: &Fill) -> bool {
        let Some(place) = self.brackets.find(fill.origin) else {
            return false;
        };
        let old = self.brackets.get(place);
        if old.instrument != id {
            return false;
        }
        let opening = old.flatten || fill.role == LegRole::Entry;
        let new = self.brackets.update(place, |bracket| {
            if opening {
                bracket.filled = bracket.filled.saturating_add(fill.qty);
                bracket.reserved = bracket.reserved.saturating_sub(fill.qty);
            } else {
                bracket.exited = bracket.exited.saturating_add(fill.qty);
            }
        });
        self.release(id, &old, new.reserved);
        if new.flatten && new.reserved == 0 {
            self.flatten_ended(id, &new, now);
        }
        let side = if opening {
            new.side
        } else {
            new.side.opposite()
        };
        fill.side == side && new.filled <= new.qty && (new.flatten || new.exited <= new.filled)
    }

    /// The round trip that bears the fee: the one that was closed, else the one that is open.
    fn account_to_trip(
        &mut self,
        port: &mut Port<'_>,
        id: InstrumentId,
        fill: &Fill,
        (before, applied): (i64, Applied),
    ) -> u32 {
        let now = port.now();
        let value = |qty: u32| i128::from(fill.price.0) * i128::from(qty);
        let slot = self.slot(id);
        let (was, held) = (slot.trip, slot.holding.qty);
        if applied.closed > 0
            && let Some(place) = self.trips.find(was)
        {
            self.trips.update(place, |trip| {
                trip.exited += u64::from(applied.closed);
                trip.exited_value += value(applied.closed);
                trip.gross += applied.realised;
                trip.exit_role = fill.role;
                if held == 0 || applied.opened > 0 {
                    trip.closed = now;
                }
            });
        }
        if held == 0 {
            self.slot_mut(id).trip = 0;
        }
        if applied.opened == 0 {
            return was;
        }
        if before == 0 || applied.closed > 0 {
            self.open_trip(port, id, fill);
        }
        let open = self.slot(id).trip;
        let place = self.brackets.find(fill.origin);
        let unit_risk = place.map_or(0, |place| self.brackets.get(place).unit_risk);
        if let Some(place) = self.trips.find(open) {
            self.trips.update(place, |trip| {
                trip.entered += u64::from(applied.opened);
                trip.entered_value += value(applied.opened);
                trip.most = trip
                    .most
                    .max(u32::try_from(held.unsigned_abs()).unwrap_or(u32::MAX));
                trip.risk += i128::from(unit_risk) * i128::from(applied.opened);
            });
        }
        if applied.closed > 0 { was } else { open }
    }

    fn open_trip(&mut self, port: &mut Port<'_>, id: InstrumentId, fill: &Fill) {
        let place = self.brackets.find(fill.origin);
        let bracket = place
            .map(|place| self.brackets.get(place))
            .unwrap_or_default();
        let trip = Trip {
            instrument: id,
            strategy: bracket.strategy,
            side: fill.side,
            origin: fill.origin,
            signal: bracket.signal,
            opened: port.now(),
            ..Trip::default()
        };
        let (opened, evicted) = self.trips.open(trip);
        if let Some(evicted) = evicted {
            port.emit(evicted.instrument, &evicted.report());
        }
        if opened.is_none() {
            self.freeze(port, id, FaultCode::TableFull, fill.exec_id);
        }
        self.slot_mut(id).trip = opened.unwrap_or(0);
    }

    /// Remembers the execution, and its fee as awaited unless it came first.
    fn await_fee(
        &mut self,
        port: &mut Port<'_>,
        id: InstrumentId,
        fill: &Fill,
        (trip, fee_first): (u32, Option<i64>),
    ) {
        let place = self.trips.find(trip);
        let mut execution = Execution {
            exec_id: fill.exec_id,
            amount: 0,
            trip,
            instrument: id.0,
            progress: Progress::Settled,
        };
        if let Some(fee) = fee_first {
            if let Some(place) = place {
                self.trips
                    .update(place, |trip| trip.fees += i128::from(fee));
            }
            let place = self
                .executions
                .find(fill.exec_id)
                .expect("its fee was remembered");
            self.executions.set(place, execution);
            return;
        }
        execution.progress = Progress::FeeAwaited;
        execution.amount = self
            .config
            .commission_estimate
            .0
            .saturating_mul(fill.qty.into());
        self.account.provisional += i128::from(execution.amount);
        if let Some(place) = place {
            self.trips.update(place, |trip| trip.awaited += 1);
        }
        self.slot_mut(id).fees_awaited += 1;
        self.remember(port, execution);
    }

    /// Remembers an execution; the fee of the one that is forgotten for it is given up, and its
    /// estimate stays in the loss.
    fn remember(&mut self, port: &mut Port<'_>, execution: Execution) {
        let Some(old) = self.executions.insert(execution) else {
            return;
        };
        if old.progress != Progress::FeeAwaited {
            return;
        }
        let slot = self.slot_mut(InstrumentId(old.instrument));
        slot.fees_awaited = slot.fees_awaited.saturating_sub(1);
        if let Some(place) = self.trips.find(old.trip) {
            self.trips.update(place, |trip| {
                trip.awaited = trip.awaited.saturating_sub(1);
                trip.missing += 1;
            });
            self.report_trip(port, old.trip, false);
        }
    }

    /// Reports a round trip that is closed and whose fees are known (or, `anyway`, given up).
    pub(crate) fn report_trip(&mut self, port: &mut Port<'_>, id: u32, anyway: bool) {
        let Some(place) = self.trips.find(id) else {
            return;
        };
        if let Some(trip) = self.trips.take_done(place, anyway) {
            port.emit(trip.instrument, &trip.report());
        }
    }

    /// Counts a fee, once.
    pub(crate) fn on_commission(&mut self, port: &mut Port<'_>, commission: &Commission) {
        let named = port.frame.instrument();
        let seen = self.executions.find(commission.exec_id);
        let known = seen.map(|place| (place, self.executions.get(place)));
        let id = known.map_or(named, |(_, execution)| InstrumentId(execution.instrument));
        if !Self::is_instrument(id) {
            port.fault(FaultCode::UnknownInstrument, commission.exec_id);
            return;
        }
        if known.is_some_and(|(_, execution)| execution.progress != Progress::FeeAwaited) {
            return;
        }
        let fee = commission.fee;
        let currency = commission.currency;
        let foreign = currency != self.config.currency && currency != [0; 4];
        let bound = self.config.commission_max;
        if foreign || fee > bound || fee < Money(-bound.0) {
            self.freeze(port, id, FaultCode::BadValue, commission.exec_id);
            return;
        }
        let trip = match known {
            Some((place, execution)) => self.settle_fee(place, execution, fee),
            None => {
                let early = Execution {
                    exec_id: commission.exec_id,
                    amount: fee.0,
                    trip: 0,
                    instrument: id.0,
                    progress: Progress::FeeFirst,
                };
                self.remember(port, early);
                0
            }
        };
        self.account.fees += i128::from(fee.0);
        self.slot_mut(id).fees += i128::from(fee.0);
        self.report(port, id);
        self.report_trip(port, trip, false);
        self.check_loss(port);
    }

    fn settle_fee(&mut self, place: usize, execution: Execution, fee: Money) -> u32 {
        self.account.provisional -= i128::from(execution.amount);
        let settled = Execution {
            amount: 0,
            progress: Progress::Settled,
            ..execution
        };
        self.executions.set(place, settled);
        let slot = self.slot_mut(InstrumentId(execution.instrument));
        slot.fees_awaited = slot.fees_awaited.saturating_sub(1);
        if let Some(place) = self.trips.find(execution.trip) {
            self.trips.update(place, |trip| {
                trip.fees += i128::from(fee.0);
                trip.awaited = trip.awaited.saturating_sub(1);
            });
        }
        execution.trip
    }

    /// What follows from a quote of an instrument that is held or that orders work on; `moved`: the
    /// mark of what is held is another one.
    pub(crate) fn follow_quote(&mut self, port: &mut Port<'_>, moved: bool) {
        let id = port.frame.instrument();
        let slot = self.slot(id);
        let (held, exposed) = (slot.holding.qty != 0, slot.exposure != 0);
        if moved || exposed {
            self.refresh(id);
        }
        if moved {
            self.check_loss(port);
        }
        if held {
            self.close_if_due(port, id);
        }
    }

    /// Gives back what an order no longer needs of its reservation.
    pub(crate) fn release(
        &mut self,
        id: InstrumentId,
        old: &crate::brackets::Bracket,
        reserved: u32,
    ) {
        if old.flatten || old.reserved == reserved {
            return;
        }
        let freed = i64::from(old.reserved) - i64::from(reserved);
        let slot = self.slot_mut(id);
        match old.side {
            Side::Sell => slot.working_sell -= freed,
            _ => slot.working_buy -= freed,
        }
        assert!(
            slot.working_buy >= 0 && slot.working_sell >= 0,
            "more was released than reserved"
        );
    }
}
