//! All that risk knows, and the totals that are kept as it changes.

use crate::brackets::Brackets;
use crate::config::{Config, PPM};
use crate::controls::{Equity, View, Window};
use crate::executions::Executions;
use crate::instrument::Slot;
use crate::kill::Kill;
use crate::trips::{Trips, clamp};
use stream::limits::INSTRUMENTS_MAX;
use stream::payload::{Fault, FaultCode, KillLevel, Payload, Pnl};
use stream::{Emitter, FrameId, FrameRef, InstrumentId, Money, Nanos, Out, SourceId, hash};

/// Where derived frames go: behind the frame in hand.
pub(crate) struct Port<'a> {
    pub(crate) emitter: &'a mut Emitter,
    pub(crate) frame: FrameRef<'a>,
    pub(crate) out: &'a mut dyn Out,
    /// Flattens that this frame may still bring.
    pub(crate) flattens_left: usize,
}

impl Port<'_> {
    pub(crate) fn now(&self) -> Nanos {
        self.frame.ts()
    }

    pub(crate) fn emit<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) -> FrameId {
        self.emitter
            .emit(self.frame, instrument, payload, &mut self.out)
    }

    /// Says that something from outside cannot be right.
    pub(crate) fn fault(&mut self, code: FaultCode, value: u64) {
        let fault = Fault {
            position: self.frame.seq(),
            value,
            source: SourceId::default(),
            code,
            spare: [0; 13],
        };
        self.emit(self.frame.instrument(), &fault);
    }
}

/// Sums over all instruments, in 1e-9 of the account's currency.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) realised: i128,
    pub(crate) unrealised: i128,
    pub(crate) fees: i128,
    /// Estimates of the fees that are awaited.
    pub(crate) provisional: i128,
    /// Gross value of what is held.
    pub(crate) gross: i128,
    /// Gross value in the worst case.
    pub(crate) exposure: i128,
    pub(crate) equity: Equity,
    /// The session's first equity; 0 while unknown.
    pub(crate) first_equity: Money,
    /// The highest share of the loss limit reached in the session: 0 none, 1 warned, 2 reducing,
    /// 3 latched.
    pub(crate) loss_stage: u8,
}

impl Account {
    /// Realised + unrealised − fees.
    pub(crate) const fn day(&self) -> i128 {
        self.realised + self.unrealised - self.fees
    }

    /// What the loss limit looks at: fees that are awaited count by their estimate.
    pub(crate) const fn loss(&self) -> i128 {
        self.provisional - self.day()
    }
}

/// Everything.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    slots: Vec<Slot>,
    /// The highest instrument that was ever touched.
    pub(crate) top: usize,
    /// Instruments with a position.
    pub(crate) held: usize,
    pub(crate) account: Account,
    pub(crate) brackets: Brackets,
    pub(crate) trips: Trips,
    pub(crate) executions: Executions,
    pub(crate) kill: Kill,
    pub(crate) armed: bool,
    pub(crate) link_ready: bool,
    /// The session's date as yyyymmdd, 0 before the first.
    pub(crate) date: u32,
    pub(crate) window: Window,
    pub(crate) checkpoint_at: Nanos,
    /// The session's last checkpoint has been written.
    pub(crate) close_saved: bool,
    dirty: Vec<u16>,
    slots_hash: u64,
    /// The loss from which the limit warns, and the first equity that it was reckoned for.
    warns_at: Option<(Money, i128)>,
}

impl State {
    pub(crate) fn new(config: Config) -> Self {
        let slots = vec![Slot::new(config.limits); INSTRUMENTS_MAX + 1];
        Self {
            config,
            slots,
            top: 0,
            held: 0,
            account: Account::default(),
            brackets: Brackets::new(),
            trips: Trips::new(),
            executions: Executions::new(),
            kill: Kill::default(),
            armed: false,
            link_ready: false,
            date: 0,
            window: Window::default(),
            checkpoint_at: Nanos::ZERO,
            close_saved: false,
            dirty: Vec::with_capacity(INSTRUMENTS_MAX + 1),
            slots_hash: 0,
            warns_at: None,
        }
    }

    /// True for instruments that can be in a universe.
    #[inline]
    pub(crate) fn is_instrument(id: InstrumentId) -> bool {
        (1..=INSTRUMENTS_MAX).contains(&id.index())
    }

    pub(crate) fn slot(&self, id: InstrumentId) -> &Slot {
        &self.slots[id.index()]
    }

    /// An instrument, to be changed.
    #[inline]
    pub(crate) fn slot_mut(&mut self, id: InstrumentId) -> &mut Slot {
        let index = id.index();
        self.top = self.top.max(index);
        let slot = &mut self.slots[index];
        if !slot.dirty {
            slot.dirty = true;
            self.dirty.push(id.0);
        }
        slot
    }

    /// Every instrument that was ever touched.
    pub(crate) fn ids(&self) -> impl Iterator<Item = InstrumentId> + use<> {
        (1..=self.top as u16).map(InstrumentId)
    }

    /// Brings an instrument's shares of the totals up to date.
    pub(crate) fn refresh(&mut self, id: InstrumentId) {
        let slot = self.slot_mut(id);
        let (mark, multiplier) = (slot.mark(), slot.multiplier);
        let old = (slot.unrealised, slot.gross, slot.exposure);
        slot.unrealised = slot.holding.unrealised(mark, multiplier);
        slot.gross = slot.holding.value(mark, multiplier).abs();
        let highest = i128::from(slot.mark_ask.max(slot.mark_bid).0);
        slot.exposure = i128::from(slot.worst()) * highest * i128::from(multiplier);
        slot.changed |= (slot.unrealised, slot.gross) != (old.0, old.1);
        let new = (slot.unrealised, slot.gross, slot.exposure);
        self.account.unrealised += new.0 - old.0;
        self.account.gross += new.1 - old.1;
        self.account.exposure += new.2 - old.2;
    }

    /// The session's loss limit: the smaller of the amount and the share of its first equity.
    pub(crate) fn loss_limit(&self) -> i128 {
        let amount = i128::from(self.config.loss_max.0);
        let equity = i128::from(self.account.first_equity.0);
        if equity <= 0 {
            return amount;
        }
        amount.min(equity * i128::from(self.config.loss_max_ppm) / i128::from(PPM))
    }

    /// The loss from which the limit warns: below it there is nothing to do. Reckoned once for each
    /// first equity, for its divisions would take longer than all else that a quote brings.
    pub(crate) fn loss_warns_at(&mut self) -> i128 {
        let equity = self.account.first_equity;
        match self.warns_at {
            Some((of, at)) if of == equity => at,
            _ => {
                let at = self.share_of_limit(self.config.loss_warn_ppm);
                self.warns_at = Some((equity, at));
                at
            }
        }
    }

    /// A share of the loss limit.
    pub(crate) fn share_of_limit(&self, ppm: u32) -> i128 {
        self.loss_limit() * i128::from(ppm) / i128::from(PPM)
    }

    /// What the controls look at.
    pub(crate) fn view(&self, id: InstrumentId, now: Nanos) -> View<'_> {
        let slot = self.slot(id);
        View {
            config: &self.config,
            limits: slot.limits,
            now,
            kill: self.kill.level(),
            armed: self.armed,
            link_ready: self.link_ready,
            allowed: slot.allowed,
            shortable: slot.shortable,
            borrowable: slot.borrowable(),
            frozen: slot.frozen || slot.differs(),
            multiplier: slot.multiplier,
            tick: slot.tick,
            lot: slot.lot,
            window: self.window,
            quote: slot.quote,
            position: slot.holding.qty,
            working_buy: slot.working_buy,
            working_sell: slot.working_sell,
            gross_others: self.account.exposure - slot.exposure,
            equity: self.account.equity,
            loss: self.account.loss(),
            loss_limit: self.loss_limit(),
            brackets_free: self.brackets.free(),
        }
    }

    /// Freezes an instrument and says so, once.
    pub(crate) fn freeze(
        &mut self,
        port: &mut Port<'_>,
        id: InstrumentId,
        code: FaultCode,
        value: u64,
    ) {
        if core::mem::replace(&mut self.slot_mut(id).frozen, true) {
            return;
        }
        let fault = Fault {
            position: port.frame.seq(),
            value,
            source: SourceId::default(),
            code,
            spare: [0; 13],
        };
        port.emit(id, &fault);
    }

    /// Reports an instrument's position and profit.
    pub(crate) fn report(&mut self, port: &mut Port<'_>, id: InstrumentId) {
        let account = self.account;
        let slot = self.slot_mut(id);
        slot.changed = false;
        let pnl = Pnl {
            position: slot.holding.position(),
            average: slot.holding.average(slot.multiplier),
            mark: slot.mark(),
            realised: clamp(slot.holding.realised),
            unrealised: clamp(slot.unrealised),
            fees: clamp(slot.fees),
            day: clamp(account.day()),
            equity: account.equity.value,
            gross: clamp(account.gross),
            fills: slot.fills,
            fees_awaited: slot.fees_awaited,
            spare: [0; 16],
        };
        port.emit(id, &pnl);
    }

    /// Gives an instrument's slot to the symbol that a definition names: ids are dense per
    /// session, so a state that was carried over may stand elsewhere.
    pub(crate) fn bind(&mut self, id: InstrumentId, symbol: [u8; 16]) {
        let held_by = self.slots[id.index()].symbol;
        if held_by == symbol {
            return;
        }
        let carried = (1..=INSTRUMENTS_MAX).find(|&at| self.slots[at].symbol == symbol);
        let empty = || {
            (1..=INSTRUMENTS_MAX)
                .rev()
                .find(|&at| self.slots[at].symbol == [0; 16])
        };
        let other = match carried {
            Some(at) => at,
            None if held_by == [0; 16] => return,
            None => match empty() {
                Some(at) => at,
                None => return,
            },
        };
        let (a, b) = (id, InstrumentId(other as u16));
        for id in [a, b] {
            let _ = self.slot_mut(id);
        }
        self.slots.swap(a.index(), b.index());
        // The hashes stay with their places; both are marked to be made anew.
        let (x, y) = (self.slots[a.index()].hash, self.slots[b.index()].hash);
        (self.slots[a.index()].hash, self.slots[b.index()].hash) = (y, x);
        self.brackets.swap_instruments(a, b);
        self.trips.swap_instruments(a, b);
        self.executions.swap_instruments(a, b);
    }

    /// Makes the hashes of changed instruments anew.
    pub(crate) fn settle_hash(&mut self) {
        while let Some(index) = self.dirty.pop() {
            let slot = &mut self.slots[usize::from(index)];
            self.slots_hash ^= slot.hash;
            slot.hash = slot.compute_hash(usize::from(index));
            self.slots_hash ^= slot.hash;
            slot.dirty = false;
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        let slots = self.dirty.iter().fold(self.slots_hash, |sum, &index| {
            let slot = &self.slots[usize::from(index)];
            sum ^ slot.hash ^ slot.compute_hash(usize::from(index))
        });
        let account = &self.account;
        let values = [
            self.brackets.hash(),
            self.trips.hash(),
            self.executions.hash(),
            self.kill.hash(),
            account.realised as u64,
            account.unrealised as u64,
            account.fees as u64,
            account.provisional as u64,
            account.exposure as u64,
            account.equity.value.0 as u64,
            account.equity.as_of.0,
            account.first_equity.0 as u64,
            u64::from(account.loss_stage)
                | u64::from(self.armed) << 8
                | u64::from(self.link_ready) << 9
                | u64::from(self.close_saved) << 10
                | u64::from(self.date) << 32,
            self.window.open.0,
            self.window.close.0,
            self.checkpoint_at.0,
        ];
        hash::fold_all(slots, values)
    }

    /// True when positions are to be closed for the whole account's sake.
    pub(crate) fn closes_all(&self, now: Nanos) -> bool {
        self.kill.level() >= KillLevel::Flatten || self.is_past_flat_deadline(now)
    }

    /// True from some time before the session's close on.
    pub(crate) fn is_past_flat_deadline(&self, now: Nanos) -> bool {
        self.window.close > Nanos::ZERO && now >= self.flat_deadline()
    }

    /// How long an entry may work: as long as was wished, zero for ever, and not beyond the time
    /// from which on everything is closed. Entries are permitted before it only.
    pub(crate) fn time_to_live(&self, wished: Nanos, now: Nanos) -> Nanos {
        let left = self.flat_deadline().saturating_sub(now);
        assert!(
            left > Nanos::ZERO,
            "an entry was permitted past the flat deadline"
        );
        if wished == Nanos::ZERO {
            left
        } else {
            wished.min(left)
        }
    }

    fn flat_deadline(&self) -> Nanos {
        let Window { close, .. } = self.window;
        close.saturating_sub(self.config.flat_before_close)
    }
}
