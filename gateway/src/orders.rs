//! Orders in; and what ends an entry before it fills: its time, its set-up, a kill level.

use crate::bracket::{Leg, Purpose};
use crate::leg::Event;
use crate::state::{Port, State};
use stream::payload::{
    self, KillLevel, LegRole, LegState, Order, OrderType, Reason, RequestWhy, quality,
};
use stream::{FrameId, InstrumentId, Nanos, Price};

impl State {
    pub(crate) fn on_order(&mut self, port: &mut Port<'_>, order: &Order) {
        let instrument = port.frame.instrument();
        assert_sound(order);
        if order.reduce_only != 0 {
            self.on_flatten(port, instrument, order);
        } else {
            self.on_entry(port, instrument, order);
        }
        self.drain(port);
    }

    fn on_entry(&mut self, port: &mut Port<'_>, instrument: InstrumentId, order: &Order) {
        assert!(
            !self.knows(order.origin),
            "one intent became two orders: {}",
            order.origin
        );
        let (halted, blind) = (self.kill >= KillLevel::Halt, self.blind);
        let shut = match self.watch(instrument) {
            None => Some(Reason::NotAllowed),
            Some(watch) if watch.frozen => Some(Reason::Frozen),
            Some(watch) if watch.flatten != 0 => Some(Reason::KillLevel),
            Some(_) if halted => Some(Reason::KillLevel),
            Some(_) if blind => Some(Reason::Link),
            Some(_) => None,
        };
        if let Some(reason) = shut {
            refuse(port, instrument, order, reason);
            return;
        }
        let Some(slot) = self.claim(instrument, Purpose::Trade) else {
            refuse(port, instrument, order, Reason::TableFull);
            return;
        };
        self.fill_in_entry(slot, port.now(), order);
        self.credits.entries.push_back(slot);
    }

    fn fill_in_entry(&mut self, slot: u16, now: Nanos, order: &Order) {
        let bracket = self.bracket(slot);
        bracket.origin = order.origin;
        bracket.side = order.side;
        bracket.started = now;
        bracket.deadline = if order.ttl == Nanos::ZERO {
            Nanos::ZERO
        } else {
            now.saturating_add(order.ttl)
        };
        bracket.spread_max = order.spread_max;
        bracket.tape_stall = order.tape_stall;
        bracket.market_ts = order.market_ts;
        bracket.in_entries = true;
        let exit = order.side.opposite();
        let (limit, qty) = (OrderType::Limit, order.qty);
        let entry = Leg {
            low: order.price_low,
            high: order.price_high,
            ..Leg::new(LegRole::Entry, order.side, limit, qty, order.limit)
        };
        let stop = Leg {
            attached: true,
            ..Leg::new(LegRole::Stop, exit, OrderType::Stop, qty, order.stop)
        };
        let target = Leg {
            attached: true,
            ..Leg::new(LegRole::Target, exit, limit, qty, order.target)
        };
        for leg in [entry, stop, target] {
            bracket
                .push(leg)
                .expect("an empty bracket has room for three legs");
        }
    }

    /// Ends an entry, for a reason; an entry that still waits is given up with its children.
    pub(crate) fn end_entry(&mut self, port: &mut Port<'_>, slot: u16, reason: Reason) {
        if !self.bracket(slot).entry_is_open() {
            return;
        }
        if self.bracket(slot).legs[0].state() != LegState::Queued {
            self.want_cancel(port, (slot, 0), reason);
            return;
        }
        for index in 0..usize::from(self.bracket(slot).count) {
            self.happen(port, (slot, index), Event::GivenUp, (reason, 0));
        }
        let bracket = self.bracket(slot);
        let wish = (bracket.side, bracket.legs[0].qty);
        let (instrument, origin) = (bracket.instrument, bracket.origin);
        port.request(instrument, origin, wish, RequestWhy::GivenUp);
        self.forget_entry(slot);
    }

    /// Takes an entry that was given up out of its queue, and lets it go.
    fn forget_entry(&mut self, slot: u16) {
        if let Some(at) = self.credits.entries.iter().position(|&waits| waits == slot) {
            self.credits.entries.remove(at);
        }
        self.bracket(slot).in_entries = false;
        self.release_if_done(slot);
    }

    pub(crate) fn on_kill(&mut self, port: &mut Port<'_>, kill: &payload::Kill) {
        self.kill = kill.to;
        if kill.to >= KillLevel::Halt {
            for slot in 0..self.high {
                if self.bracket(slot).used {
                    self.end_entry(port, slot, Reason::KillLevel);
                }
            }
        }
        self.drain(port);
    }

    /// The quote changed: a set-up whose spread blew out, or whose book is lost, is dead.
    pub(crate) fn on_quote(
        &mut self,
        port: &mut Port<'_>,
        (bid, ask): (Price, Price),
        quality: u8,
    ) {
        let instrument = port.frame.instrument();
        let Some(watch) = self.watch(instrument) else {
            return;
        };
        let (slots, count) = (watch.slots, usize::from(watch.count));
        if count == 0 {
            return;
        }
        let now = port.now();
        let lost = quality & (quality::GAPPED | quality::HALTED | quality::STALE) != 0;
        let one_sided = bid == Price::ZERO || ask == Price::ZERO;
        let between = quality & (quality::EMPTY | quality::CROSSED) != 0;
        let spread = ask.saturating_sub(bid);
        for &slot in &slots[..count] {
            let bracket = self.bracket(slot);
            if !bracket.entry_is_open() {
                continue;
            }
            let spread_max = bracket.spread_max;
            let wide = one_sided || spread > spread_max;
            if lost {
                self.end_entry(port, slot, Reason::BookQuality);
            } else if !between && spread_max > Price::ZERO && wide {
                self.end_entry(port, slot, Reason::SpreadBlowOut);
            } else {
                self.end_if_stalled(port, slot, now);
            }
        }
        self.drain(port);
    }

    /// A trade printed.
    pub(crate) fn on_print(&mut self, instrument: InstrumentId, ts: Nanos) {
        if let Some(watch) = self.watch(instrument) {
            watch.last_trade = watch.last_trade.max(ts);
        }
    }

    /// An entry has at least its tape-stall span from its own order on.
    fn end_if_stalled(&mut self, port: &mut Port<'_>, slot: u16, now: Nanos) {
        let bracket = self.bracket(slot);
        let (stall, started) = (bracket.tape_stall, bracket.started);
        let instrument = bracket.instrument;
        let last = self.watches[instrument.index()].last_trade.max(started);
        if stall > Nanos::ZERO && now >= last.saturating_add(stall) {
            self.end_entry(port, slot, Reason::TapeStall);
        }
    }

    /// Everything whose time has come.
    pub(crate) fn on_time(&mut self, port: &mut Port<'_>) {
        let now = port.now();
        for slot in 0..self.high {
            if !self.bracket(slot).used {
                continue;
            }
            if self.bracket(slot).entry_is_open() {
                let deadline = self.bracket(slot).deadline;
                if deadline > Nanos::ZERO && now >= deadline {
                    self.end_entry(port, slot, Reason::TimeToLive);
                }
                self.end_if_stalled(port, slot, now);
            }
            if self.bracket(slot).used {
                self.legs_on_time(port, slot, now);
                self.flatten_on_time(port, slot, now);
            }
            self.release_if_done(slot);
        }
        // Where brackets stand, each was settled above, and that looks at it.
        for index in 1..self.watches.len() {
            let watch = &self.watches[index];
            if watch.position != 0 && watch.count == 0 {
                self.check_protection(port, InstrumentId(index as u16));
            }
        }
        self.drain(port);
    }
}

/// Says that an order is given up before any of it left.
fn refuse(port: &mut Port<'_>, instrument: InstrumentId, order: &Order, reason: Reason) {
    let told = payload::Leg {
        leg: FrameId::NONE,
        origin: order.origin,
        filled: 0,
        qty: order.qty,
        from: LegState::Queued,
        to: LegState::Abandoned,
        role: LegRole::Entry,
        reason,
        code: 0,
    };
    port.emit(instrument, &told);
    let wish = (order.side, order.qty);
    port.request(instrument, order.origin, wish, RequestWhy::GivenUp);
}

/// What risk permits must make sense; if it does not, that is our own bug.
fn assert_sound(order: &Order) {
    assert!(!order.origin.is_none(), "an order has a name");
    assert!(order.qty > 0, "an order has a quantity");
    assert!(order.side.sign() != 0, "an order has a side");
    assert!(
        order.price_low <= order.limit && order.limit <= order.price_high,
        "an order's limit lies in its own band"
    );
    if order.reduce_only == 0 {
        let sign = order.side.sign();
        let rises = (order.limit.0 - order.stop.0) * sign > 0
            && (order.target.0 - order.limit.0) * sign > 0;
        assert!(rises, "stop, entry and target are in order");
    }
}
