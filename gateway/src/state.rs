//! The gateway's state, and how its parts are found.

use crate::bracket::{Bracket, Purpose};
use crate::config::Config;
use crate::credits::Credits;
use crate::leg::Event;
use crate::watch::Watch;
use stream::limits::LEGS_PER_BRACKET_MAX;
use stream::payload::{self, KillLevel, LegState, Payload, Reason, RequestWhy};
use stream::{Emitter, FrameId, FrameRef, InstrumentId, Nanos, Out, Price, Side};

/// Executions whose repetition is noticed: far more than can be under way at a time.
pub(crate) const RECENT: usize = 1_024;

/// Where frames go while one frame is handled.
pub(crate) struct Port<'a> {
    pub(crate) emitter: &'a mut Emitter,
    pub(crate) frame: FrameRef<'a>,
    pub(crate) out: &'a mut dyn Out,
}

impl Port<'_> {
    pub(crate) fn emit<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) -> FrameId {
        self.emitter
            .emit(self.frame, instrument, payload, &mut self.out)
    }

    pub(crate) fn now(&self) -> Nanos {
        self.frame.ts()
    }

    pub(crate) fn next_id(&self) -> FrameId {
        self.emitter.next_id(self.frame)
    }

    pub(crate) fn request(
        &mut self,
        instrument: InstrumentId,
        origin: FrameId,
        (side, qty): (Side, u32),
        why: RequestWhy,
    ) {
        let request = payload::Request {
            origin,
            limit: Price::ZERO,
            qty,
            side,
            why,
            spare: [0; 10],
        };
        self.emit(instrument, &request);
    }
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) brackets: Vec<Bracket>,
    pub(crate) watches: Vec<Watch>,
    /// `ts` of each instrument's newest market frame that was acted on: what commands rest on.
    /// Not saved, like everything about the market.
    pub(crate) markets: Vec<Nanos>,
    pub(crate) credits: Credits,
    pub(crate) kill: KillLevel,
    /// What became of orders is not known; see [`crate::sight`].
    pub(crate) blind: bool,
    pub(crate) recent: Vec<u64>,
    pub(crate) recent_next: usize,
    /// Slots from here on are free: scans end here.
    pub(crate) high: u16,
    /// Trades' brackets in use; flattens have as many slots again.
    pub(crate) trades: usize,
    pub(crate) checkpoint_at: Nanos,
    /// The latest close of any session, until the state has been written there.
    pub(crate) closing: Option<Nanos>,
}

impl State {
    pub(crate) fn new(config: Config) -> Self {
        let faults = config.faults();
        assert!(faults.is_empty(), "gateway config: {faults:?}");
        let slots = 2 * config.brackets_max;
        Self {
            brackets: vec![Bracket::empty(); slots],
            watches: vec![Watch::default(); config.instruments + 1],
            markets: vec![Nanos::ZERO; config.instruments + 1],
            credits: Credits::new(
                config.unanswered_max,
                config.unanswered_reserved,
                slots * LEGS_PER_BRACKET_MAX,
                slots,
            ),
            kill: KillLevel::None,
            blind: false,
            recent: vec![0; RECENT],
            recent_next: 0,
            high: 0,
            trades: 0,
            checkpoint_at: Nanos::ZERO,
            closing: None,
            config,
        }
    }

    /// The slot and leg index of a leg that an answer names.
    pub(crate) fn find(&self, origin: FrameId, leg: FrameId) -> Option<(u16, usize)> {
        if leg.is_none() {
            return None;
        }
        self.scanned()
            .iter()
            .enumerate()
            .find_map(|(slot, bracket)| {
                if !bracket.used || bracket.origin != origin {
                    return None;
                }
                Some((slot as u16, bracket.find(leg)?))
            })
    }

    pub(crate) fn scanned(&self) -> &[Bracket] {
        &self.brackets[..usize::from(self.high)]
    }

    /// True when the origin names a live bracket.
    pub(crate) fn knows(&self, origin: FrameId) -> bool {
        self.scanned()
            .iter()
            .any(|bracket| bracket.used && bracket.origin == origin)
    }

    pub(crate) fn bracket(&mut self, slot: u16) -> &mut Bracket {
        &mut self.brackets[usize::from(slot)]
    }

    pub(crate) fn watch(&mut self, instrument: InstrumentId) -> Option<&mut Watch> {
        if instrument == InstrumentId::NONE {
            return None;
        }
        self.watches.get_mut(instrument.index())
    }

    /// Whether any bracket is of that instrument.
    #[inline]
    pub(crate) fn has_brackets(&self, instrument: InstrumentId) -> bool {
        let watch = self.watches.get(instrument.index());
        watch.is_some_and(|watch| watch.count > 0)
    }

    /// A market frame of that time stands behind what is decided from now on.
    pub(crate) fn rest_on(&mut self, instrument: InstrumentId, ts: Nanos) {
        if let Some(newest) = self.markets.get_mut(instrument.index()) {
            *newest = ts.max(*newest);
        }
    }

    /// Takes a free slot for a bracket of that purpose, or says that there is none.
    pub(crate) fn claim(&mut self, instrument: InstrumentId, purpose: Purpose) -> Option<u16> {
        let flatten = purpose == Purpose::Flatten;
        if !self.watch(instrument)?.has_room(flatten) {
            return None;
        }
        if !flatten && self.trades >= self.config.brackets_max {
            return None;
        }
        let slot = self.brackets.iter().position(|bracket| !bracket.used)? as u16;
        self.trades += usize::from(!flatten);
        self.high = self.high.max(slot + 1);
        let bracket = self.bracket(slot);
        *bracket = Bracket::empty();
        bracket.used = true;
        bracket.purpose = purpose;
        bracket.instrument = instrument;
        let watch = self.watch(instrument)?;
        watch.add(slot);
        if flatten {
            watch.flatten = slot + 1;
        }
        Some(slot)
    }

    /// Lets a bracket go once nothing can come of it any more: all legs final, and what it holds
    /// is nothing or was closed by a flatten.
    #[inline]
    pub(crate) fn release_if_done(&mut self, slot: u16) {
        let bracket = &self.brackets[usize::from(slot)];
        if bracket.used && bracket.is_done() {
            self.release(slot);
        }
    }

    fn release(&mut self, slot: u16) {
        let bracket = &self.brackets[usize::from(slot)];
        let position = self.watches[bracket.instrument.index()].own();
        if bracket.purpose == Purpose::Trade && bracket.exposure() != 0 && position != 0 {
            return;
        }
        let instrument = bracket.instrument;
        self.trades -= usize::from(bracket.purpose == Purpose::Trade);
        self.watches[instrument.index()].remove(slot);
        self.bracket(slot).used = false;
        while self.high > 0 && !self.brackets[usize::from(self.high) - 1].used {
            self.high -= 1;
        }
    }

    /// Applies an event to a leg and tells the world when its state changed.
    pub(crate) fn happen(
        &mut self,
        port: &mut Port<'_>,
        (slot, index): (u16, usize),
        event: Event,
        (reason, code): (Reason, i32),
    ) {
        let by = port.now() + self.config.answer_patience;
        let leg = &mut self.bracket(slot).legs[index];
        let from = leg.state();
        leg.life = leg.life.next(event);
        if leg.is_final() && leg.awaits_fills() && leg.answer_by == Nanos::ZERO {
            // Nothing waits for ever, for reported executions neither.
            leg.answer_by = by;
        }
        if leg.state() != from {
            self.tell(port, (slot, index), from, (reason, code));
        }
    }

    /// Tells the world of a leg; `from` equal to its state says that the instrument froze.
    pub(crate) fn tell(
        &mut self,
        port: &mut Port<'_>,
        (slot, index): (u16, usize),
        from: LegState,
        (reason, code): (Reason, i32),
    ) {
        let bracket = &self.brackets[usize::from(slot)];
        let leg = &bracket.legs[index];
        let payload = payload::Leg {
            leg: leg.id,
            origin: bracket.origin,
            filled: leg.filled,
            qty: leg.qty,
            from,
            to: leg.state(),
            role: leg.role,
            reason,
            code,
        };
        port.emit(bracket.instrument, &payload);
    }

    /// True the first time that an execution is seen.
    pub(crate) fn is_new_execution(&mut self, exec_id: u64) -> bool {
        if self.recent.contains(&exec_id) {
            return false;
        }
        self.recent[self.recent_next] = exec_id;
        self.recent_next = (self.recent_next + 1) % RECENT;
        true
    }
}
