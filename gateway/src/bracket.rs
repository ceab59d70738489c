//! A bracket: the legs that one permitted order became.
//!
//! An entry's bracket holds the entry, its protective stop, its target, and at most one
//! replacement of each exit. A flatten's bracket holds the flatten alone. Quantities are those of
//! fills; what the broker reports beyond them is kept apart until its executions arrive.

use crate::leg::{Event, Life};
use stream::limits::LEGS_PER_BRACKET_MAX;
use stream::payload::{LegRole, LegState, OrderType, Reason};
use stream::{FrameId, InstrumentId, Nanos, Price, Side};

/// Cancels of one leg at most; after that it is unknown, and shown as such.
pub(crate) const CANCELS_MAX: u8 = 3;

/// True for the parts that stand behind an entry: its stop and its target.
pub(crate) const fn is_trade_exit(role: LegRole) -> bool {
    matches!(role, LegRole::Stop | LegRole::Target)
}

/// One leg: an order at the broker, or about to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    /// Frame id of the command that placed it; none while it is queued.
    pub id: FrameId,
    /// Its part.
    pub role: LegRole,
    /// Buy or sell.
    pub side: Side,
    /// What sort of order.
    pub order_type: OrderType,
    /// Where it is in its life.
    pub life: Life,
    /// Becomes live at the broker only when the entry fills.
    pub attached: bool,
    /// Whole quantity: as placed, then as the broker says.
    pub qty: u32,
    /// Whole quantity that the next command asks for.
    pub ask: u32,
    /// Filled so far, by fills alone.
    pub filled: u32,
    /// The most that the broker has reported as filled.
    pub reported: u32,
    /// The final state that the broker reported while executions were missing; `Queued` for none.
    pub reported_end: LegState,
    /// Limit price, or the trigger of a stop.
    pub price: Price,
    /// The envelope: lowest permitted price.
    pub low: Price,
    /// The envelope: highest permitted price.
    pub high: Price,
    /// The envelope: most that may be bought or sold.
    pub qty_max: u32,
    /// Why it is to be cancelled, or `None`.
    pub cancel: Reason,
    /// Cancels made so far.
    pub cancels: u8,
    /// When a cancel that had no effect is made again; zero for never.
    pub cancel_by: Nanos,
    /// When it is cancelled unless it has ended by itself; zero for never.
    pub pair_by: Nanos,
    /// When it becomes unknown unless something is heard; zero for never.
    pub answer_by: Nanos,
    /// It stands in the queue of cancels.
    pub in_cancels: bool,
    /// It stands in the queue of exits, to be placed or modified.
    pub in_exits: bool,
    /// Its price or quantity is to be modified.
    pub modify: bool,
    /// It replaces an exit that failed.
    pub replacement: bool,
}

impl Leg {
    /// A leg that has only been decided.
    #[must_use]
    pub fn new(role: LegRole, side: Side, order_type: OrderType, qty: u32, price: Price) -> Self {
        Self {
            id: FrameId::NONE,
            role,
            side,
            order_type,
            life: Life::default(),
            attached: false,
            qty,
            ask: qty,
            filled: 0,
            reported: 0,
            reported_end: LegState::Queued,
            price,
            low: price,
            high: price,
            qty_max: qty,
            cancel: Reason::None,
            cancels: 0,
            cancel_by: Nanos::ZERO,
            pair_by: Nanos::ZERO,
            answer_by: Nanos::ZERO,
            in_cancels: false,
            in_exits: false,
            modify: false,
            replacement: false,
        }
    }

    /// Its state.
    #[must_use]
    pub const fn state(&self) -> LegState {
        self.life.state
    }

    /// True when nothing can follow.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        self.life.state.is_final()
    }

    /// True while it closes positions.
    #[must_use]
    pub fn is_exit(&self) -> bool {
        self.role != LegRole::Entry
    }

    /// True when the broker reported executions that have not come.
    #[must_use]
    pub const fn awaits_fills(&self) -> bool {
        self.reported > self.filled
    }

    /// True when it stays unknown although it was cancelled as often as may be, and every patience
    /// with that is over: it may still trade, but nothing waits for it any more. One that has only
    /// just become unknown is being looked up, and may have traded.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        let given_up = self.cancels >= CANCELS_MAX && self.cancel_by.0 == 0 && !self.in_cancels;
        matches!(self.state(), LegState::Unknown) && given_up
    }

    /// Quantity still to fill.
    #[must_use]
    pub const fn remaining(&self) -> u32 {
        self.qty.saturating_sub(self.filled)
    }

    /// True when it is proven to be live at the venue and nobody is taking it away.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.state(), LegState::Working | LegState::PartlyFilled)
            && matches!(self.cancel, Reason::None)
    }

    /// True for a live stop.
    #[must_use]
    pub const fn is_live_protection(&self) -> bool {
        matches!(self.role, LegRole::Stop) && self.is_live()
    }

    /// The final state that an event and the booked executions allow now, if any.
    #[must_use]
    pub fn due_end(&self) -> Option<Event> {
        let end = self.reported_end;
        (end != LegState::Queued && !self.awaits_fills()).then_some(Event::Ended(end))
    }
}

/// What a bracket was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Opens a position and closes it again.
    Trade,
    /// Closes what is open.
    Flatten,
}

/// The legs of one order.
#[derive(Clone, Debug, PartialEq)]
pub struct Bracket {
    /// The slot is in use.
    pub used: bool,
    /// What for.
    pub purpose: Purpose,
    /// Its name, see [`stream::payload::Order::origin`].
    pub origin: FrameId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Side of the entry, or of the flatten.
    pub side: Side,
    /// Why risk made it, for flattens.
    pub reason: Reason,
    /// When the order came.
    pub started: Nanos,
    /// When the entry is cancelled, or the next wider band is asked for; zero for never.
    pub deadline: Nanos,
    /// Wider bands asked for since the last amendment.
    pub requests: u8,
    /// The entry is cancelled beyond this spread; zero for never.
    pub spread_max: Price,
    /// The entry is cancelled after this long without a trade; zero for never.
    pub tape_stall: Nanos,
    /// The newest market frame behind the order.
    pub market_ts: Nanos,
    /// It stands in the queue of entries.
    pub in_entries: bool,
    /// Legs in use, from the first.
    pub count: u8,
    /// The legs, in the order in which they were decided.
    pub legs: [Leg; LEGS_PER_BRACKET_MAX],
}

impl Bracket {
    /// An unused slot.
    #[must_use]
    pub fn empty() -> Self {
        let leg = Leg::new(LegRole::Entry, Side::None, OrderType::Limit, 0, Price::ZERO);
        Self {
            used: false,
            purpose: Purpose::Trade,
            origin: FrameId::NONE,
            instrument: InstrumentId::NONE,
            side: Side::None,
            reason: Reason::None,
            started: Nanos::ZERO,
            deadline: Nanos::ZERO,
            requests: 0,
            spread_max: Price::ZERO,
            tape_stall: Nanos::ZERO,
            market_ts: Nanos::ZERO,
            in_entries: false,
            count: 0,
            legs: [leg; LEGS_PER_BRACKET_MAX],
        }
    }

    /// The legs in use.
    #[must_use]
    pub fn legs(&self) -> &[Leg] {
        &self.legs[..usize::from(self.count)]
    }

    /// The legs in use, to be changed.
    pub fn legs_mut(&mut self) -> &mut [Leg] {
        &mut self.legs[..usize::from(self.count)]
    }

    /// Adds a leg and returns its index, or `None` when there is no room.
    pub fn push(&mut self, leg: Leg) -> Option<usize> {
        let index = usize::from(self.count);
        *self.legs.get_mut(index)? = leg;
        self.count += 1;
        Some(index)
    }

    /// The leg with that id.
    #[must_use]
    pub fn find(&self, id: FrameId) -> Option<usize> {
        self.legs().iter().position(|leg| leg.id == id)
    }

    /// What the bracket holds by its own fills: positive is long.
    #[must_use]
    pub fn exposure(&self) -> i64 {
        self.legs()
            .iter()
            .map(|leg| leg.side.sign() * i64::from(leg.filled))
            .sum()
    }

    /// True when one of its exits has filled, wholly or in part.
    #[must_use]
    pub fn has_exited(&self) -> bool {
        self.legs()
            .iter()
            .any(|leg| leg.is_exit() && leg.filled > 0)
    }

    /// True when every leg is final, every reported execution is booked and no queue names it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        !self.in_entries
            && self.legs().iter().all(|leg| {
                leg.is_final() && !leg.awaits_fills() && !leg.in_cancels && !leg.in_exits
            })
    }

    /// True while its entry may still fill.
    #[must_use]
    pub fn entry_is_open(&self) -> bool {
        self.purpose == Purpose::Trade && !self.legs[0].is_final()
    }

    /// True when an exit of that role was replaced already.
    #[must_use]
    pub fn was_replaced(&self, role: LegRole) -> bool {
        self.legs()
            .iter()
            .any(|leg| leg.role == role && leg.replacement)
    }
}
