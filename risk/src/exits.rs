//! Closing what must be closed: for a kill level, the session's end, or a lack of protection.
//!
//! Level-triggered: at every quote of the instrument and every tick it is asked anew whether the
//! position must go, so nothing depends on seeing a deadline pass. One flatten is at work per
//! instrument at a time; one that ended without a fill is made again after a pause, one step
//! wider. While there is nothing to trade against it waits.

use crate::brackets::Bracket;
use crate::controls::{self, Breach, Phase, Proposal};
use crate::entries::{bare_bracket, bare_order, refuse};
use crate::flatten::{Band, band};
use crate::kill::Cause;
use crate::state::{Port, State};
use stream::payload::{KillLevel, Order, Reason, RequestWhy, Requested};
use stream::{FrameId, InstrumentId, Nanos, Side};

/// Flattens that one frame may bring; the rest follow at the next tick.
pub(crate) const FLATTENS_PER_FRAME: usize = 64;

impl State {
    /// Why an instrument is to be closed now; `None` when it is not.
    fn close_reason(&self, id: InstrumentId, now: Nanos) -> Reason {
        if self.kill.level() >= KillLevel::Flatten {
            return self.kill_reason();
        }
        if self.is_past_flat_deadline(now) {
            return Reason::SessionEnd;
        }
        self.slot(id).due
    }

    /// Closes the instrument if it has to be closed and nothing is at work yet.
    pub(crate) fn close_if_due(&mut self, port: &mut Port<'_>, id: InstrumentId) {
        let reason = self.close_reason(id, port.now());
        if reason != Reason::None {
            // Whatever holds it up shows on the instrument and is asked again.
            let _ = self.flatten(port, id, reason);
        }
    }

    /// Closes every instrument that has to be closed.
    pub(crate) fn sweep(&mut self, port: &mut Port<'_>) {
        if self.held == 0 {
            return;
        }
        for id in self.ids() {
            if self.slot(id).own() != 0 {
                self.close_if_due(port, id);
            }
        }
    }

    /// Sends a flatten out, or says what holds it up.
    fn flatten(
        &mut self,
        port: &mut Port<'_>,
        id: InstrumentId,
        reason: Reason,
    ) -> Result<(), Breach> {
        let now = port.now();
        let slot = self.slot(id);
        let side = slot.holding.exit_side();
        let qty = u32::try_from(slot.closable()).unwrap_or(u32::MAX);
        if side == Side::None || qty == 0 {
            return Err(Breach::new(
                Reason::Frozen,
                slot.holding.qty,
                slot.broker.unwrap_or(0),
            ));
        }
        if !slot.flatten.is_none() || now < slot.retry_at {
            return Err(Breach::new(Reason::Unprotected, slot.retry_at.0, now.0));
        }
        let Some(band) = band(
            side,
            slot.flatten_step,
            &slot.quote,
            slot.tick,
            &self.config,
        ) else {
            return Err(Breach::new(Reason::BookQuality, 0, slot.quote.quality));
        };
        self.check_exit(id, (side, qty), &band, now)?;
        if port.flattens_left == 0 {
            return Err(Breach::new(Reason::TableFull, FLATTENS_PER_FRAME as u64, 0));
        }
        let name = port.emitter.next_id(port.frame);
        let order = self.exit_order(id, name, (side, qty), &band, reason);
        if !self.brackets.insert(bare_bracket(id, &order)) {
            return Err(Breach::new(
                Reason::TableFull,
                crate::brackets::TABLE as u64,
                0,
            ));
        }
        port.flattens_left -= 1;
        let slot = self.slot_mut(id);
        slot.flatten = name;
        slot.flatten_limit = band.limit;
        let given = port.emit(id, &order);
        assert_eq!(given, name, "an order's name is its own id");
        Ok(())
    }

    fn check_exit(
        &self,
        id: InstrumentId,
        (side, qty): (Side, u32),
        band: &Band,
        now: Nanos,
    ) -> Result<(), Breach> {
        let slot = self.slot(id);
        let proposal = Proposal {
            instrument: id,
            side,
            reduces: true,
            qty,
            limit: band.limit,
            stop: stream::Price::ZERO,
            target: stream::Price::ZERO,
            market_ts: slot.quote.market_ts,
            risk_share_ppm: 0,
        };
        let view = self.view(id, now);
        controls::check(Phase::Before, &proposal, &view)?;
        controls::check(Phase::Sized, &proposal, &view)
    }

    fn exit_order(
        &self,
        id: InstrumentId,
        name: FrameId,
        (side, qty): (Side, u32),
        band: &Band,
        reason: Reason,
    ) -> Order {
        Order {
            reduce_only: 1,
            reason,
            price_low: band.low,
            price_high: band.high,
            limit: band.limit,
            market_ts: self.slot(id).quote.market_ts,
            ..bare_order(name, side, qty)
        }
    }

    /// A flatten is over: filled, cancelled, refused or never sent.
    pub(crate) fn flatten_ended(&mut self, id: InstrumentId, bracket: &Bracket, now: Nanos) {
        let (retry, steps) = (self.config.flatten_retry, self.config.flatten_steps_max);
        let slot = self.slot_mut(id);
        if slot.flatten != bracket.origin {
            return;
        }
        slot.flatten = FrameId::NONE;
        if bracket.filled < bracket.qty {
            slot.flatten_step = slot.flatten_step.saturating_add(1).min(steps);
            slot.retry_at = now.saturating_add(retry);
        }
    }

    /// The gateway has given an order up, or wishes for a wider envelope.
    pub(crate) fn on_requested(&mut self, port: &mut Port<'_>, requested: &Requested) {
        if !Self::is_instrument(port.frame.instrument()) {
            refuse(
                port,
                requested.request,
                &Breach::new(Reason::NotAllowed, 0, 0),
            );
            return;
        }
        let answer = match requested.why {
            RequestWhy::GivenUp => {
                if let Some(place) = self.brackets.find(requested.origin) {
                    self.keep_reserved(port.now(), place, 0);
                }
                Ok(())
            }
            RequestWhy::FlattenBand => self.widen(port, requested),
            RequestWhy::Unprotected => self.protect(port),
        };
        if let Err(breach) = answer {
            refuse(port, requested.request, &breach);
        }
    }

    /// A flatten that did not fill gets a wider band, or the same band around a touch that moved.
    fn widen(&mut self, port: &mut Port<'_>, requested: &Requested) -> Result<(), Breach> {
        let id = port.frame.instrument();
        let slot = self.slot(id);
        let side = slot.holding.exit_side();
        let qty = u32::try_from(slot.closable()).unwrap_or(u32::MAX);
        if slot.flatten != requested.origin || requested.origin.is_none() || qty == 0 {
            return Err(Breach::new(Reason::BadIntent, slot.holding.qty, 0));
        }
        let step = slot
            .flatten_step
            .saturating_add(1)
            .min(self.config.flatten_steps_max);
        let Some(band) = band(side, step, &slot.quote, slot.tick, &self.config) else {
            return Err(Breach::new(Reason::BookQuality, 0, slot.quote.quality));
        };
        let gain = (band.limit.0 - slot.flatten_limit.0) * side.sign();
        if gain <= 0 {
            return Err(Breach::new(
                Reason::PriceCollar,
                slot.flatten_limit.0,
                requested.limit.0,
            ));
        }
        self.check_exit(id, (side, qty), &band, port.now())?;
        let reason = match self.close_reason(id, port.now()) {
            Reason::None => Reason::Unprotected,
            reason => reason,
        };
        let order = self.exit_order(id, requested.origin, (side, qty), &band, reason);
        let slot = self.slot_mut(id);
        slot.flatten_step = step;
        slot.flatten_limit = band.limit;
        if let Some(place) = self.brackets.find(requested.origin) {
            self.brackets.update(place, |bracket| {
                bracket.qty = bracket.filled.saturating_add(qty);
                bracket.reserved = qty;
            });
        }
        port.emit(id, &order);
        Ok(())
    }

    /// A position without a stop is closed; if it cannot be now, as soon as it can.
    fn protect(&mut self, port: &mut Port<'_>) -> Result<(), Breach> {
        let id = port.frame.instrument();
        if self.slot(id).own() == 0 {
            return Err(Breach::new(Reason::BadIntent, 0, 0));
        }
        self.slot_mut(id).due = Reason::Unprotected;
        self.flatten(port, id, Reason::Unprotected)
    }

    /// The reason of the level in force.
    pub(crate) fn kill_reason(&self) -> Reason {
        let kill = &self.kill;
        let level = kill.level();
        let causes = [
            (kill.journal, Cause::Journal),
            (kill.loss, Cause::Loss),
            (kill.operator, Cause::Operator),
        ];
        let cause = causes.into_iter().find(|&(own, _)| own == level);
        cause.map_or(Reason::None, |(_, cause)| cause.reason())
    }

    /// Everything whose time has come; at every tick.
    pub(crate) fn on_time(&mut self, port: &mut Port<'_>, now: Nanos) {
        if self.is_due(now) {
            self.sweep(port);
        }
    }

    /// True when something held is to be closed.
    #[inline]
    pub(crate) fn is_due(&self, now: Nanos) -> bool {
        self.held > 0 && (self.closes_all(now) || self.any_due())
    }

    fn any_due(&self) -> bool {
        self.ids().any(|id| self.slot(id).due != Reason::None)
    }
}
