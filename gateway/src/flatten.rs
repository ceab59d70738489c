//! Closing a position at once, inside the envelope that risk gave.
//!
//! First the instrument's other legs are cancelled, and their ends awaited; then one limit order
//! for what is still open by our own fills. Without sight of the broker, exits stay until both can
//! follow each other. What does not fill in time asks for a wider band; a
//! further order for the instrument amends the one that works.

use crate::bracket::{Leg, Purpose};
use crate::leg::Event;
use crate::protect::closing;
use crate::state::{Port, State};
use stream::payload::{LegRole, LegState, Order, OrderType, Reason, RequestWhy};
use stream::{InstrumentId, Nanos};

/// Doublings of the patience with a flatten that nobody amends, at most.
const BACKOFF_MAX: u8 = 4;

impl State {
    pub(crate) fn on_flatten(
        &mut self,
        port: &mut Port<'_>,
        instrument: InstrumentId,
        order: &Order,
    ) {
        let given_up = |port: &mut Port<'_>| {
            let wish = (order.side, order.qty);
            port.request(instrument, order.origin, wish, RequestWhy::GivenUp);
        };
        let Some(watch) = self.watch(instrument) else {
            given_up(port);
            return;
        };
        if watch.flatten != 0 {
            let slot = watch.flatten - 1;
            if self.bracket(slot).side == order.side {
                self.amend_flatten(port, slot, order);
            }
            if self.bracket(slot).origin != order.origin {
                // It lives on in the one that works; nothing will ever carry its own name.
                given_up(port);
            }
            return;
        }
        let deadline = port.now() + self.others_patience();
        let Some(slot) = self.claim(instrument, Purpose::Flatten) else {
            given_up(port);
            return;
        };
        let bracket = self.bracket(slot);
        bracket.origin = order.origin;
        bracket.side = order.side;
        bracket.reason = order.reason;
        bracket.started = port.now();
        bracket.deadline = deadline;
        bracket.market_ts = order.market_ts;
        let (kind, qty) = (OrderType::Limit, order.qty);
        let leg = Leg {
            low: order.price_low,
            high: order.price_high,
            ..Leg::new(LegRole::Flatten, order.side, kind, qty, order.limit)
        };
        bracket
            .push(leg)
            .expect("an empty bracket has room for a leg");
        self.cancel_others(port, instrument, slot, order.reason);
        self.settle_flatten(port, instrument);
    }

    /// As long as the cancels of all other legs may take.
    const fn others_patience(&self) -> Nanos {
        Nanos(self.config.cancel_patience.0 * 4)
    }

    /// The cancels that a flatten waits for leave only now: its band is not too narrow for that.
    pub(crate) fn renew_flattens(&mut self, now: Nanos) {
        let deadline = now + self.others_patience();
        for bracket in &mut self.brackets[..usize::from(self.high)] {
            let waits = bracket.used && bracket.purpose == Purpose::Flatten;
            if waits && bracket.legs[0].state() == LegState::Queued {
                bracket.deadline = deadline;
            }
        }
    }

    /// The order may be wider or narrower than before: the working leg takes it over.
    fn amend_flatten(&mut self, port: &mut Port<'_>, slot: u16, order: &Order) {
        let patience = self.config.flatten_patience;
        let bracket = self.bracket(slot);
        bracket.market_ts = order.market_ts;
        bracket.requests = 0;
        let leg = &mut bracket.legs[0];
        leg.price = order.limit;
        leg.low = order.price_low;
        leg.high = order.price_high;
        leg.qty_max = leg.filled.saturating_add(order.qty);
        if leg.state() != LegState::Queued && !leg.is_final() {
            leg.modify = true;
            bracket.deadline = port.now() + patience;
            self.queue_exit((slot, 0));
        }
    }

    fn cancel_others(
        &mut self,
        port: &mut Port<'_>,
        instrument: InstrumentId,
        own: u16,
        reason: Reason,
    ) {
        let reason = if reason == Reason::None {
            Reason::Unprotected
        } else {
            reason
        };
        let watch = &self.watches[instrument.index()];
        let (slots, count) = (watch.slots, usize::from(watch.count));
        for &slot in slots[..count].iter().filter(|&&slot| slot != own) {
            self.end_entry(port, slot, reason);
            for index in 0..usize::from(self.bracket(slot).count) {
                if self.bracket(slot).used {
                    self.want_cancel(port, (slot, index), reason);
                }
            }
            self.release_if_done(slot);
        }
    }

    /// Moves the instrument's flatten on: places it once nothing else works, keeps it within the
    /// position, lets it go when it has ended.
    pub(crate) fn settle_flatten(&mut self, port: &mut Port<'_>, instrument: InstrumentId) {
        let watch = &self.watches[instrument.index()];
        if watch.flatten == 0 {
            return;
        }
        let (slot, position) = (watch.flatten - 1, watch.own());
        let bracket = &self.brackets[usize::from(slot)];
        let leg = &bracket.legs[0];
        if leg.is_lost() {
            // Risk waits for it by name, and makes no other before it hears that nobody does here.
            // What it may still fill finds its bracket, which stays.
            let (origin, wish) = (bracket.origin, (bracket.side, leg.remaining()));
            port.request(instrument, origin, wish, RequestWhy::GivenUp);
            self.watches[instrument.index()].flatten = 0;
        } else if leg.is_final() && !leg.awaits_fills() {
            self.watches[instrument.index()].flatten = 0;
            self.release_if_done(slot);
        } else if leg.is_final() {
            // Its last executions are on their way.
        } else if leg.state() == LegState::Queued {
            if position * bracket.side.sign() >= 0 {
                self.size_flatten(port, (slot, 0));
            } else if !self.others_work(instrument, slot) {
                self.queue_exit((slot, 0));
                self.drain(port);
            }
        } else if position * bracket.side.sign() >= 0 {
            self.want_cancel(port, (slot, 0), Reason::OneCancelsOther);
        } else if i64::from(leg.remaining()) > position.abs() {
            self.bracket(slot).legs[0].modify = true;
            self.queue_exit((slot, 0));
        }
    }

    /// True while another leg of the instrument may still trade. A leg that stays unknown although
    /// it was cancelled does not hold a flatten up: a position that is known goes first.
    pub(crate) fn others_work(&self, instrument: InstrumentId, own: u16) -> bool {
        let slots = self.watches[instrument.index()].slots();
        slots.iter().filter(|&&slot| slot != own).any(|&slot| {
            self.brackets[usize::from(slot)].legs().iter().any(|leg| {
                let open = !leg.is_final() || leg.awaits_fills();
                open && !leg.is_lost()
            })
        })
    }

    /// Sizes a flatten before its command: what is open of ours, never more than the order. False
    /// when there is nothing to close on its side.
    pub(crate) fn size_flatten(&mut self, port: &mut Port<'_>, at: (u16, usize)) -> bool {
        let patience = self.config.flatten_patience;
        let now = port.now();
        let instrument = self.bracket(at.0).instrument;
        let position = self.watches[instrument.index()].own();
        let (side, open) = closing(position);
        let bracket = self.bracket(at.0);
        let leg = &mut bracket.legs[0];
        let queued = leg.state() == LegState::Queued;
        if position != 0 && side == leg.side {
            leg.ask = leg.filled.saturating_add(open).min(leg.qty_max);
            if queued {
                bracket.deadline = now + patience;
            }
            return leg.ask > leg.filled;
        }
        if queued {
            let (origin, wish) = (bracket.origin, (bracket.side, bracket.legs[0].qty));
            self.happen(port, at, Event::GivenUp, (Reason::OneCancelsOther, 0));
            port.request(instrument, origin, wish, RequestWhy::GivenUp);
            self.watches[instrument.index()].flatten = 0;
            self.release_if_done(at.0);
            self.check_protection(port, instrument);
        }
        false
    }

    /// A flatten that does not fill asks for a wider band, less and less often.
    pub(crate) fn flatten_on_time(&mut self, port: &mut Port<'_>, slot: u16, now: Nanos) {
        let patience = self.config.flatten_patience;
        let blind = self.blind;
        let bracket = self.bracket(slot);
        let waits = !blind
            && bracket.used
            && bracket.purpose == Purpose::Flatten
            && !bracket.legs[0].is_final()
            && bracket.deadline > Nanos::ZERO
            && now >= bracket.deadline;
        if !waits {
            return;
        }
        bracket.deadline = now + Nanos(patience.0 << bracket.requests.min(BACKOFF_MAX));
        bracket.requests = bracket.requests.saturating_add(1);
        if bracket.legs[0].state() == LegState::Unknown {
            // No band helps an order that nobody knows of: it is cancelled, and let go.
            self.want_cancel(port, (slot, 0), Reason::Broker);
            return;
        }
        let (instrument, origin, side) = (bracket.instrument, bracket.origin, bracket.side);
        let (closes, open) = closing(self.watches[instrument.index()].own());
        let wish = (side, if closes == side { open } else { 0 });
        port.request(instrument, origin, wish, RequestWhy::FlattenBand);
    }
}
