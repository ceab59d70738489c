//! The bracket invariant: what is open is protected, in equal size, within a bound of event time,
//! or a flatten is asked for. And the pair rule: when one exit has closed the position, the other
//! ends.
//!
//! The broker's own pair and parent rules normally do the work; the gateway verifies them, and
//! acts where they did not.

use crate::bracket::{Bracket, Leg, Purpose};
use crate::leg::Event;
use crate::state::{Port, State};
use stream::payload::{CommandOp, LegRole, LegState, Protect, Reason, RequestWhy};
use stream::{InstrumentId, Nanos, Price, Side};

/// Doublings of the pause between requests, at most.
const BACKOFF_MAX: u8 = 5;

impl State {
    /// What follows for a bracket, its instrument and a flatten that waits, after any change.
    pub(crate) fn settle(&mut self, port: &mut Port<'_>, slot: u16) {
        if !self.bracket(slot).used {
            return;
        }
        self.settle_cancels(slot);
        let instrument = self.bracket(slot).instrument;
        if self.bracket(slot).purpose == Purpose::Trade {
            self.settle_pair(port, slot);
            if self.watches[instrument.index()].flatten == 0 {
                self.settle_failed_exits(port, slot);
            }
        }
        self.settle_flatten(port, instrument);
        self.check_protection(port, instrument);
        // Once flat, brackets go that were closed by others' fills.
        let watch = &self.watches[instrument.index()];
        let (slots, count) = (watch.slots, usize::from(watch.count));
        for &slot in &slots[..count] {
            self.release_if_done(slot);
        }
    }

    /// A leg that was to be cancelled, was lost, and is proven to live after all, is cancelled
    /// anew.
    fn settle_cancels(&mut self, slot: u16) {
        for index in 0..usize::from(self.bracket(slot).count) {
            let leg = &mut self.bracket(slot).legs[index];
            let lives = matches!(
                leg.state(),
                LegState::Held | LegState::Working | LegState::PartlyFilled
            );
            if lives && leg.cancel != Reason::None && !leg.in_cancels {
                leg.cancels = 0;
                self.queue_cancel((slot, index));
            }
        }
    }

    /// An exit that traded ends the entry; a bracket that holds nothing any more ends its exits.
    fn settle_pair(&mut self, port: &mut Port<'_>, slot: u16) {
        let pair_by = port.now() + self.config.pair_patience;
        if self.bracket(slot).has_exited() {
            self.end_entry(port, slot, Reason::OneCancelsOther);
        }
        let bracket = self.bracket(slot);
        let holds = bracket.exposure() * bracket.side.sign() > 0;
        if bracket.entry_is_open() || holds {
            return;
        }
        for index in 1..usize::from(bracket.count) {
            let leg = &mut self.bracket(slot).legs[index];
            if leg.is_final() || leg.cancel != Reason::None {
                continue;
            }
            if leg.state() == LegState::Queued {
                self.want_cancel(port, (slot, index), Reason::OneCancelsOther);
            } else if leg.pair_by == Nanos::ZERO {
                leg.pair_by = pair_by;
            }
        }
    }

    /// Looks for exits of which none is left that did not fail; nearly always there is none.
    fn settle_failed_exits(&mut self, port: &mut Port<'_>, slot: u16) {
        let stands = |role: LegRole| {
            let failed =
                |leg: &Leg| matches!(leg.state(), LegState::Rejected | LegState::Abandoned);
            move |leg: &Leg| leg.role == role && !failed(leg)
        };
        let roles = [LegRole::Stop, LegRole::Target];
        let failed = roles.map(|role| !self.bracket(slot).legs().iter().any(stands(role)));
        for (role, failed) in roles.into_iter().zip(failed) {
            if failed {
                self.settle_failed_exit(port, slot, role);
            }
        }
    }

    /// An exit that was refused is replaced once. Without a stop, an entry does not go on.
    fn settle_failed_exit(&mut self, port: &mut Port<'_>, slot: u16, role: LegRole) {
        let bracket = self.bracket(slot);
        let needed = bracket.entry_is_open() || bracket.exposure() * bracket.side.sign() > 0;
        if !needed {
            return;
        }
        if !bracket.was_replaced(role) {
            self.replace(slot, role);
        } else if role == LegRole::Stop {
            self.end_entry(port, slot, Reason::Unprotected);
        }
    }

    /// Queues a second try of an exit, at the first one's price.
    fn replace(&mut self, slot: u16, role: LegRole) {
        let bracket = self.bracket(slot);
        let entry = bracket.legs[0];
        let Some(first) = bracket.legs().iter().find(|leg| leg.role == role).copied() else {
            return;
        };
        let leg = Leg {
            attached: !entry.is_final(),
            replacement: true,
            ..Leg::new(
                role,
                first.side,
                first.order_type,
                entry.qty_max,
                first.price,
            )
        };
        if let Some(index) = bracket.push(leg) {
            self.queue_exit((slot, index));
        }
    }

    /// Sizes an exit before its command: the whole order while its entry is open, else what is
    /// held. False when nothing is to be sent.
    pub(crate) fn size_exit(&mut self, port: &mut Port<'_>, at: (u16, usize)) -> bool {
        let held = self.held(at.0);
        let bracket = self.bracket(at.0);
        let open = bracket.entry_is_open();
        let leg = &mut bracket.legs[at.1];
        let queued = leg.state() == LegState::Queued;
        if queued && open {
            leg.ask = leg.qty_max;
            return true;
        }
        leg.attached &= !queued;
        if held > 0 && (queued || leg.remaining() != held) {
            let qty = leg.filled.saturating_add(held);
            let fits = qty <= leg.qty_max;
            if fits {
                leg.ask = qty;
            }
            return fits;
        }
        if queued {
            self.happen(port, at, Event::GivenUp, (Reason::OneCancelsOther, 0));
        }
        false
    }

    /// Compares the position of an instrument with its live stops; corrects, then asks.
    pub(crate) fn check_protection(&mut self, port: &mut Port<'_>, instrument: InstrumentId) {
        if self.blind {
            return;
        }
        let (now, within) = (port.now(), self.config.protection_within);
        let position = self.watches[instrument.index()].own();
        // Nearly always they agree. Where brackets know that they hold nothing, the pair rule ends
        // what works.
        if self.protection(instrument) == -position
            || (position == 0 && self.believed(instrument) == 0)
        {
            self.watches[instrument.index()].agree();
            return;
        }
        let hope = self.may_be_protected(instrument, position);
        let watch = &mut self.watches[instrument.index()];
        if watch.flatten != 0 {
            return;
        }
        if watch.unprotected == Nanos::ZERO {
            watch.unprotected = now;
        }
        let since = watch.unprotected;
        let half = now >= since + Nanos(within.0 / 2);
        if position == 0 {
            // What it protected was taken back, or somebody else has closed it.
            if half && !core::mem::replace(&mut watch.corrected, true) {
                let (slots, count) = (watch.slots, usize::from(watch.count));
                for &slot in &slots[..count] {
                    self.disown(port, slot);
                }
                self.drain(port);
            }
            return;
        }
        if hope && !watch.corrected && half {
            watch.corrected = true;
            self.correct(port, instrument);
            self.drain(port);
        }
        let watch = &mut self.watches[instrument.index()];
        let due = if hope { since + within } else { since };
        if now < due || now < watch.request_at {
            return;
        }
        watch.request_at = now + Nanos(within.0 << watch.requests.min(BACKOFF_MAX));
        watch.requests = watch.requests.saturating_add(1);
        let origin = watch.origin;
        let wish = closing(position);
        port.request(instrument, origin, wish, RequestWhy::Unprotected);
    }

    /// A strategy moves the stop of its open bracket: to anywhere between the price that risk
    /// permitted and the market. A wider one changes nothing, and neither does one that would take
    /// a credit from what exits and cancels keep in reserve: the next wish comes with the market.
    pub(crate) fn on_protect(&mut self, port: &mut Port<'_>, protect: &Protect) {
        let Some(watch) = self.watch(port.frame.instrument()) else {
            return;
        };
        let (slots, count) = (watch.slots, usize::from(watch.count));
        if watch.flatten != 0 || self.blind || !self.credits.spare_free() {
            return;
        }
        let origin = protect.origin;
        let named = |slot: &u16| self.brackets[usize::from(*slot)].origin == origin;
        let Some(slot) = slots[..count].iter().copied().find(named) else {
            return;
        };
        let legs = self.bracket(slot).legs_mut();
        let Some(index) = legs.iter().position(Leg::is_live_protection) else {
            return;
        };
        let leg = &mut legs[index];
        let stop = protect.stop;
        let permitted = match leg.side {
            Side::Sell => stop >= leg.low,
            _ => stop <= leg.high && stop > Price::ZERO,
        };
        if permitted && stop != leg.price {
            leg.low = leg.low.min(stop);
            leg.high = leg.high.max(stop);
            leg.price = stop;
            leg.ask = leg.qty.min(leg.qty_max);
            if leg.ask > leg.filled {
                self.command(port, (slot, index), CommandOp::Modify);
            }
        }
    }

    /// What the instrument's brackets hold by their own fills.
    fn believed(&self, instrument: InstrumentId) -> i64 {
        let slots = self.watches[instrument.index()].slots().iter();
        let brackets = slots.map(|&slot| &self.brackets[usize::from(slot)]);
        let trades = brackets.filter(|bracket| bracket.purpose == Purpose::Trade);
        trades.map(Bracket::exposure).sum()
    }

    /// Signed quantity of the live stops.
    fn protection(&self, instrument: InstrumentId) -> i64 {
        let slots = self.watches[instrument.index()].slots().iter();
        let legs = slots.flat_map(|&slot| self.brackets[usize::from(slot)].legs());
        let stops = legs.filter(|leg| leg.is_live_protection());
        stops
            .map(|leg| leg.side.sign() * i64::from(leg.remaining()))
            .sum()
    }

    /// Whether more protection may come without asking.
    fn may_be_protected(&self, instrument: InstrumentId, position: i64) -> bool {
        let mut hope = false;
        for &slot in self.watches[instrument.index()].slots() {
            let bracket = &self.brackets[usize::from(slot)];
            for leg in bracket.legs() {
                let comes = leg.role == LegRole::Stop
                    && !leg.is_final()
                    && leg.state() != LegState::Unknown
                    && leg.cancel == Reason::None;
                hope |= comes && leg.side.sign() * position < 0;
                // What was reported and is not booked may explain it.
                hope |= leg.awaits_fills();
            }
            let holds = bracket.exposure() * bracket.side.sign() > 0;
            let trade = bracket.purpose == Purpose::Trade;
            hope |= trade && holds && !bracket.was_replaced(LegRole::Stop);
        }
        hope
    }

    /// What a bracket holds of what is still there. Where others closed part of what our orders
    /// made, or the broker took part of it back, the oldest bracket of that side has lost it.
    fn held(&self, slot: u16) -> u32 {
        let bracket = &self.brackets[usize::from(slot)];
        let (instrument, sign) = (bracket.instrument, bracket.side.sign());
        let watch = &self.watches[instrument.index()];
        let exposure = |slot: u16| (self.brackets[usize::from(slot)].exposure() * sign).max(0);
        let mut lost = ((self.believed(instrument) - watch.own()) * sign).max(0);
        for &older in watch.slots().iter().take_while(|&&older| older != slot) {
            if self.brackets[usize::from(older)].purpose == Purpose::Trade {
                lost -= lost.min(exposure(older));
            }
        }
        u32::try_from(exposure(slot) - lost).unwrap_or(0)
    }

    /// Exits of what is no longer held would open a position: they end.
    fn disown(&mut self, port: &mut Port<'_>, slot: u16) {
        for index in 0..usize::from(self.bracket(slot).count) {
            if self.bracket(slot).used {
                self.want_cancel(port, (slot, index), Reason::Frozen);
            }
        }
    }

    /// Half of the time is over: exits of the wrong size are modified, those of nothing end, a
    /// stop that is missing is replaced.
    fn correct(&mut self, port: &mut Port<'_>, instrument: InstrumentId) {
        let watch = &self.watches[instrument.index()];
        let (slots, count) = (watch.slots, usize::from(watch.count));
        for &slot in &slots[..count] {
            let bracket = self.bracket(slot);
            if bracket.purpose != Purpose::Trade || bracket.exposure() * bracket.side.sign() <= 0 {
                continue;
            }
            let held = self.held(slot);
            if held == 0 {
                self.disown(port, slot);
                continue;
            }
            for index in 1..usize::from(self.bracket(slot).count) {
                let leg = &mut self.bracket(slot).legs[index];
                if leg.is_live() && leg.remaining() != held {
                    leg.modify = true;
                    self.queue_exit((slot, index));
                }
            }
            let bracket = self.bracket(slot);
            let stands = |leg: &Leg| leg.role == LegRole::Stop && !leg.is_final();
            if !bracket.legs().iter().any(stands) && !bracket.was_replaced(LegRole::Stop) {
                self.replace(slot, LegRole::Stop);
            }
        }
    }
}

/// Side and quantity that close a position.
pub(crate) fn closing(position: i64) -> (Side, u32) {
    let side = if position > 0 { Side::Sell } else { Side::Buy };
    (
        side,
        u32::try_from(position.unsigned_abs()).unwrap_or(u32::MAX),
    )
}
