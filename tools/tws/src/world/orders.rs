//! The desk of orders: what clients placed, where it stands, and what they are told of it.
//!
//! An order goes to the exchange as a command and comes back as statuses, fills and commissions
//! with the exchange's delays. The desk itself holds what must not leave yet: orders whose chain
//! waits for `transmit`, and day orders placed after the close. It moves trailing stops, checks
//! what the broker checks before the exchange sees anything, and remembers every order for the
//! day.
//!
//! Reading order: here, `check`, `place`, `change`, `report`, `executions`, `what_if`, `trail`.

mod change;
mod check;
mod executions;
mod lists;
mod place;
mod report;
mod trail;
mod what_if;

pub(super) use executions::{Exec, commission_of, word};
pub(super) use trail::Trail;

use crate::model::{Contract, Order};
use std::collections::BTreeMap;
use stream::payload::OrderType;
use stream::{FrameId, InstrumentId, Nanos, Price, Side};

/// The first permanent id, less one.
const PERM_BASE: i64 = 700_000_000;

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its chain is not transmitted yet.
    Kept,
    /// It waits for the next session.
    Waiting,
    /// On its way to the exchange.
    Sent,
    /// The exchange has it; it waits for its parent.
    Held,
    /// It works, or waits for its trigger.
    Working,
    Filled,
    Cancelled,
    /// Refused.
    Inactive,
}

impl Stage {
    pub(super) const fn is_final(self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled | Self::Inactive)
    }
}

/// An order as the broker keeps it.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) client: i32,
    pub(super) id: i32,
    pub(super) perm_id: i64,
    pub(super) contract: Contract,
    /// As the client last wished it.
    pub(super) order: Order,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) kind: OrderType,
    /// The parent, by its place among the tickets.
    pub(super) parent: Option<usize>,
    /// The exchange's name of it; none before it left.
    pub(super) leg: FrameId,
    pub(super) stage: Stage,
    /// Quantity that the client wishes.
    pub(super) qty: u32,
    /// Filled, as clients were told.
    pub(super) filled: u32,
    /// Still to fill, likewise.
    pub(super) remaining: u32,
    /// Of its quantity, what the exchange never hears of and the script rejects in the end.
    pub(super) withheld: u32,
    /// Sum of price × quantity of its fills.
    pub(super) value: i128,
    pub(super) last_price: Price,
    pub(super) trail: Option<Trail>,
    /// A cancel is under way.
    pub(super) cancelling: bool,
    /// Clients were told that it exists.
    pub(super) told: bool,
    pub(super) ended: Nanos,
    /// Why it ended, for the list of completed orders.
    pub(super) why: String,
}

impl Ticket {
    /// True while it may still trade.
    pub(super) const fn is_live(&self) -> bool {
        !self.stage.is_final()
    }

    /// True for one that waits for a trigger, as far as anybody was told.
    pub(super) fn waits_for_trigger(&self) -> bool {
        matches!(self.kind, OrderType::Stop | OrderType::StopLimit) && self.filled == 0
    }

    /// The status in the protocol's words.
    pub(super) fn status(&self) -> &'static str {
        if self.cancelling && self.is_live() {
            return "PendingCancel";
        }
        match self.stage {
            Stage::Kept | Stage::Sent => "PendingSubmit",
            Stage::Waiting | Stage::Held => "PreSubmitted",
            Stage::Working if self.waits_for_trigger() => "PreSubmitted",
            Stage::Working => "Submitted",
            Stage::Filled => "Filled",
            Stage::Cancelled => "Cancelled",
            Stage::Inactive => "Inactive",
        }
    }

    /// Why it is held.
    pub(super) fn why_held(&self) -> &'static str {
        match (self.stage, self.waits_for_trigger()) {
            (Stage::Held, true) => "child,trigger",
            (Stage::Held, false) => "child",
            (Stage::Working, true) => "trigger",
            _ => "",
        }
    }

    /// Average price of its fills; 0 before the first.
    pub(super) fn average(&self) -> f64 {
        if self.filled == 0 {
            return 0.0;
        }
        let whole = self.value / i128::from(self.filled);
        let rest = self.value % i128::from(self.filled);
        Price(whole as i64).to_f64() + rest as f64 / f64::from(self.filled) * 1e-9
    }
}

/// All orders of the day, and their executions.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) tickets: Vec<Ticket>,
    by_id: BTreeMap<(i32, i32), usize>,
    by_leg: BTreeMap<FrameId, usize>,
    pub(super) execs: Vec<Exec>,
    /// Those that trail, so that nobody looks at all orders at each event of the market.
    trails: Vec<usize>,
}

impl Orders {
    /// The order of that number; of two that share it the newer one, unless only the other lives.
    pub(super) fn find(&self, client: i32, id: i32) -> Option<usize> {
        let newest = self.by_id.get(&(client, id)).copied()?;
        if self.tickets[newest].is_live() {
            return Some(newest);
        }
        let twin = |at: &usize| (self.tickets[*at].client, self.tickets[*at].id) == (client, id);
        self.live().find(twin).or(Some(newest))
    }

    pub(super) fn find_leg(&self, leg: FrameId) -> Option<usize> {
        self.by_leg.get(&leg).copied()
    }

    /// Remembers an order and gives it its permanent id.
    pub(super) fn add(&mut self, mut ticket: Ticket) -> usize {
        let index = self.tickets.len();
        ticket.perm_id = PERM_BASE + 1 + index as i64;
        self.by_id.insert((ticket.client, ticket.id), index);
        if ticket.trail.is_some() {
            self.trails.push(index);
        }
        self.tickets.push(ticket);
        index
    }

    /// The exchange knows an order by this name from now on.
    pub(super) fn name(&mut self, index: usize, leg: FrameId) {
        self.tickets[index].leg = leg;
        self.by_leg.insert(leg, index);
    }

    /// Live orders, oldest first.
    pub(super) fn live(&self) -> impl Iterator<Item = usize> + '_ {
        let tickets = self.tickets.iter().enumerate();
        tickets.filter(|(_, t)| t.is_live()).map(|(index, _)| index)
    }

    /// True for a child whose parent has ended without a trade: it has nothing to close.
    pub(super) fn is_orphaned(&self, index: usize) -> bool {
        let parent = self.tickets[index].parent.map(|at| &self.tickets[at]);
        parent.is_some_and(|parent| {
            let ended = matches!(parent.stage, Stage::Cancelled | Stage::Inactive);
            ended && parent.filled == 0
        })
    }

    /// The order at the top of a chain of parents.
    pub(super) fn root(&self, mut index: usize) -> usize {
        while let Some(parent) = self.tickets[index].parent {
            index = parent;
        }
        index
    }
}

/// Prices are below this: nine billion, so that one and a tick above it is still a number.
const PRICES_END: Price = Price(9_000_000_000_000_000_000);

/// A price that a client wrote: exact in 1e-9, above zero. `None` for what is no price.
pub(super) fn exact(price: f64) -> Option<Price> {
    let scaled = (price * 1e9).round();
    let known = scaled.is_finite() && (1.0..PRICES_END.0 as f64).contains(&scaled);
    known.then_some(Price(scaled as i64))
}
