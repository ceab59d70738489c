//! Our orders at the broker: what was asked for, what was heard, and what follows for the stream.
//!
//! The same code folds it from a journal at a restart and keeps it while the edge runs, so that
//! there is one record of what we believe. Guarantees: a leg has exactly one order number; an
//! execution is reported once, a correction as what it changes; a state is reported when it is new;
//! what is not known is `Unknown` and never assumed gone; nothing is ever sent twice from here.
//!
//! Deliberately absent: sockets, clocks, and any trade that would "put right" a difference.

mod fold;
mod heard;

use super::broker::{Execution, Fee, Handed, Known, Unread, Wish};
use super::names::{ExecName, OrderRef};
use super::profit::Origin;
use super::reconcile::Base;
use heard::status;
use std::collections::{BTreeMap, BTreeSet};
use stream::payload::{
    Command, CommandOp, Commission, Fault, FaultCode, Fill, LegRole, LegState, OrderType, Sent,
    SentOutcome, Status, TimeInForce,
};
use stream::{FrameId, InstrumentId, Nanos, Price, Side, SourceId};

/// Something for the stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Say {
    /// What became of a command.
    Sent(InstrumentId, Sent),
    /// How a leg stands.
    Status(InstrumentId, Status),
    /// An execution.
    Fill(InstrumentId, Fill),
    /// A fee.
    Commission(InstrumentId, Commission),
    /// Something that is not explained: the instrument takes no entry.
    Fault(InstrumentId, Fault),
}

/// One of our orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The leg.
    pub leg: FrameId,
    /// Its bracket.
    pub origin: FrameId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its part.
    pub role: LegRole,
    /// Buy or sell.
    pub side: Side,
    /// What sort.
    pub order_type: OrderType,
    /// Limit, as last asked for.
    pub limit: Price,
    /// Trigger, as last asked for.
    pub trigger: Price,
    /// Quantity, as last asked for.
    pub qty: u32,
    /// Quantity, as the broker has told since then. It makes exits smaller by itself: with what
    /// the entry has filled, and with what the other exit has.
    pub ordered: Option<u32>,
    /// The leg that must fill first, or none.
    pub parent: FrameId,
    /// The broker's number with our client id, 0 while there is none.
    pub order_id: i32,
    /// The broker's own number, 0 while it is not known.
    pub perm_id: i64,
    /// Filled, by distinct executions.
    pub filled: u32,
    /// What was told last.
    pub told: LegState,
    /// Most that the broker said is filled.
    pub reported: u32,
    /// It left, or may have: the broker may know it.
    pub left: bool,
    /// Whole snapshots in a row in which the broker did not know it.
    pub absent: u8,
    /// The round in which something of it was last handed over.
    pub round: u32,
    /// What of it lives at the broker, by permanent number, with what is left to fill: one, but for
    /// a change that went wrong and left two under one order number and one reference.
    pub live: Vec<(i64, u32)>,
    /// There were two: a code that names only the order number says of neither that it is over.
    pub twin: bool,
    tif: TimeInForce,
    expire: Nanos,
    oca: u64,
}

impl Entry {
    /// True while the broker may still work it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.left && !self.told.is_final()
    }
}

#[derive(Clone, Debug)]
struct Exec {
    text: String,
    revision: u32,
    leg: FrameId,
    /// The bracket that it was made by, also where it is a correction of what its leg was told.
    origin: FrameId,
    instrument: InstrumentId,
    side: Side,
    qty: u32,
    price: Price,
    /// Its fee in 1e-9, once it is known.
    fee: Option<i64>,
}

/// An order that is not ours, or not explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// What the broker says of it.
    pub known: Known,
    /// When it was first seen.
    pub since: Nanos,
}

/// Our orders at the broker.
#[derive(Clone, Debug)]
pub struct Desk {
    journal: u64,
    client_id: i32,
    next_id: i32,
    base: Base,
    entries: BTreeMap<FrameId, Entry>,
    by_order: BTreeMap<i32, FrameId>,
    execs: BTreeMap<String, Exec>,
    fees: BTreeMap<String, Fee>,
    /// Executions that could not be read, by id. Not folded: a start tells them once more.
    unread: BTreeSet<String>,
    multipliers: BTreeMap<InstrumentId, u32>,
    futures: BTreeSet<InstrumentId>,
    unanswered: Vec<(FrameId, InstrumentId, Command)>,
    orphans: BTreeMap<i64, Orphan>,
    round: u32,
    /// Executions are about to be read whole: what is heard of before waits in `early`.
    gathers: bool,
    early: Vec<Execution>,
}

/// Why a command cannot be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotLeave {
    /// The leg is not known here, or has no order number in this session.
    NoOrder,
    /// The leg is over.
    Over,
    /// No order number is left below the broker's limit.
    NoNumber,
}

/// The last number an order may have; from here on the client numbers its requests.
const ORDER_IDS_MAX: i32 = 1_500_000_000 - 1;

impl Desk {
    /// A desk without orders. `journal` is the journal's number, see [`OrderRef`].
    #[must_use]
    pub fn new(journal: u64, client_id: i32) -> Self {
        Self {
            journal,
            client_id,
            next_id: 1,
            base: Base::default(),
            entries: BTreeMap::new(),
            by_order: BTreeMap::new(),
            execs: BTreeMap::new(),
            fees: BTreeMap::new(),
            unread: BTreeSet::new(),
            multipliers: BTreeMap::new(),
            futures: BTreeSet::new(),
            unanswered: Vec::new(),
            orphans: BTreeMap::new(),
            round: 0,
            gathers: false,
            early: Vec::new(),
        }
    }

    /// Our client id with the broker.
    pub const fn set_client(&mut self, client_id: i32) {
        self.client_id = client_id;
    }

    /// The journal's number, where orders of this run begin.
    pub const fn set_journal(&mut self, journal: u64) {
        self.journal = journal;
    }

    /// The broker is about to be asked for everything: what is handed over from here on may or may
    /// not be in its answers, and is not held against them.
    pub const fn round_begins(&mut self) {
        self.round += 1;
    }

    /// A connection begins, or its servers are back: what was missed is older than what is heard
    /// now. An exit that is booked before its entry would look like a position of its own.
    pub const fn gather(&mut self) {
        self.gathers = true;
    }

    /// Executions were read, as far as they could be: what was heard meanwhile comes behind them.
    pub fn gathered(&mut self, say: &mut Vec<Say>) {
        self.gathers = false;
        for execution in core::mem::take(&mut self.early) {
            self.execution(&execution, say);
        }
    }

    /// True when what the broker says of an order can be held against it.
    #[must_use]
    pub const fn is_settled(&self, entry: &Entry) -> bool {
        entry.round < self.round
    }

    /// The journal's number; 0 before it is known.
    #[must_use]
    pub const fn journal(&self) -> u64 {
        self.journal
    }

    /// Numbers go on from the broker's, and never back.
    pub fn raise_ids(&mut self, next: i32) {
        self.next_id = self.next_id.max(next);
    }

    /// Where the comparison of the day's profit begins.
    pub(super) const fn set_profit(&mut self, origin: Origin) {
        self.base.profit = Some(origin);
    }

    /// Every order of ours, by leg.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// An order of ours.
    #[must_use]
    pub fn entry(&self, leg: FrameId) -> Option<&Entry> {
        self.entries.get(&leg)
    }

    /// Orders that are not explained.
    pub fn orphans(&self) -> impl Iterator<Item = &Orphan> {
        self.orphans.values()
    }

    /// Distinct executions so far.
    #[must_use]
    pub fn executions(&self) -> usize {
        self.execs.len()
    }

    /// True when some order's state has to be asked for now and not in the next round: a status
    /// told of fills whose executions have not come, nobody knows whether it lives, or it should
    /// work by now because its entry has traded.
    #[must_use]
    pub fn wants_a_look(&self) -> bool {
        self.entries.values().any(|entry| {
            let waits = entry.told == LegState::Held && self.parent_has_filled(entry.leg);
            (entry.is_open() && (entry.told == LegState::Unknown || waits))
                || entry.reported > entry.filled
        })
    }

    /// True when this execution, or a later correction of it, was taken already.
    #[must_use]
    pub fn has_execution(&self, name: ExecName<'_>) -> bool {
        self.execs
            .get(name.base)
            .is_some_and(|exec| exec.revision >= name.revision)
    }

    /// True when this execution, which cannot be read, concerns us and was not told yet.
    #[must_use]
    pub fn misses(&self, unread: &Unread) -> bool {
        // What is older than the journal is in the positions that it began with.
        let old = unread.at != Nanos::ZERO && self.is_older(unread.at);
        unread.instrument.is_some() && !old && !self.unread.contains(&unread.id)
    }

    /// What distinct executions make of each instrument, where that is not nothing.
    pub fn held(&self) -> impl Iterator<Item = (InstrumentId, i64)> + use<> {
        let mut held: BTreeMap<InstrumentId, i64> = BTreeMap::new();
        for exec in self.execs.values() {
            let qty = held.entry(exec.instrument).or_default();
            *qty += exec.side.sign() * i64::from(exec.qty);
        }
        held.into_iter().filter(|(_, qty)| *qty != 0)
    }

    /// Position by distinct executions, with what was there when the journal began.
    #[must_use]
    pub fn expected(&self, instrument: InstrumentId) -> i64 {
        self.base.position(instrument, self.position(instrument))
    }

    /// Position by distinct executions.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> i64 {
        self.execs
            .values()
            .filter(|exec| exec.instrument == instrument)
            .map(|exec| exec.side.sign() * i64::from(exec.qty))
            .sum()
    }
}

/// Handing over.
impl Desk {
    /// The order that a command asks for, under its number; a new one for a new leg.
    ///
    /// # Errors
    /// See [`CannotLeave`].
    pub fn wish(&mut self, command: &Command) -> Result<Wish, CannotLeave> {
        let parent_id = match self.entries.get(&command.parent_leg) {
            // What its parent never was, it cannot be either.
            Some(parent) if !parent.left => return Err(CannotLeave::Over),
            Some(parent) => parent.order_id,
            None => 0,
        };
        let entry = self
            .entries
            .get_mut(&command.leg)
            .ok_or(CannotLeave::NoOrder)?;
        if entry.told.is_final() {
            return Err(CannotLeave::Over);
        }
        if command.op == CommandOp::Place && entry.order_id == 0 {
            if self.next_id > ORDER_IDS_MAX {
                return Err(CannotLeave::NoNumber);
            }
            entry.order_id = self.next_id;
            self.next_id += 1;
            self.by_order.insert(entry.order_id, entry.leg);
        }
        if entry.order_id == 0 {
            return Err(CannotLeave::NoOrder);
        }
        let leg = entry.leg;
        let reference = OrderRef {
            journal: self.journal,
            leg,
        };
        let parent_id = if command.op == CommandOp::Modify {
            self.parent_of(leg)
        } else {
            parent_id
        };
        let entry = &self.entries[&leg];
        let group = if entry.oca == 0 {
            String::new()
        } else {
            format!("{:x}.{:x}", self.journal, entry.oca)
        };
        Ok(Wish {
            order_id: entry.order_id,
            parent_id,
            instrument: entry.instrument,
            side: entry.side,
            qty: command.qty,
            order_type: entry.order_type,
            limit: command.limit,
            trigger: command.trigger,
            tif: entry.tif,
            expire: entry.expire,
            group,
            reference: reference.to_string(),
            // An entry is held until its stop stands behind it: the stop lets both go.
            transmit: entry.role != LegRole::Entry || command.op == CommandOp::Modify,
        })
    }

    fn parent_of(&self, leg: FrameId) -> i32 {
        self.entries
            .get(&leg)
            .and_then(|entry| self.entries.get(&entry.parent))
            .map_or(0, |parent| parent.order_id)
    }

    /// The number to cancel a leg by.
    ///
    /// # Errors
    /// See [`CannotLeave`].
    pub fn cancel(&self, leg: FrameId) -> Result<i32, CannotLeave> {
        let entry = self.entries.get(&leg).ok_or(CannotLeave::NoOrder)?;
        if entry.told.is_final() {
            return Err(CannotLeave::Over);
        }
        if entry.order_id == 0 {
            return Err(CannotLeave::NoOrder);
        }
        Ok(entry.order_id)
    }

    /// What became of a command: the one answer to it.
    pub fn handed(
        &mut self,
        id: FrameId,
        instrument: InstrumentId,
        command: &Command,
        handed: Handed,
        code: i32,
    ) -> Say {
        let outcome = match handed {
            Handed::Yes => SentOutcome::Sent,
            Handed::No => SentOutcome::NotSent,
            Handed::Maybe => SentOutcome::Unknown,
        };
        self.unanswered.retain(|(own, ..)| *own != id);
        if let Some(entry) = self.entries.get_mut(&command.leg) {
            entry.round = self.round;
        }
        self.answered(id, instrument, command, outcome, code)
    }

    fn answered(
        &mut self,
        id: FrameId,
        instrument: InstrumentId,
        command: &Command,
        outcome: SentOutcome,
        code: i32,
    ) -> Say {
        let sent = Sent {
            command: id,
            leg: command.leg,
            origin: command.origin,
            outcome,
            op: command.op,
            spare: [0; 2],
            code,
        };
        self.on_sent(&sent);
        if outcome == SentOutcome::Unknown
            && let Some(entry) = self.entries.get_mut(&command.leg)
            && !entry.told.is_final()
        {
            entry.told = LegState::Unknown;
        }
        Say::Sent(instrument, sent)
    }

    /// The connection is lost: of every open order that the broker has not confirmed it is unknown
    /// whether it got there; numbers stay, for they are ours in the next session too.
    pub fn lost(&mut self, say: &mut Vec<Say>) {
        for entry in self.entries.values_mut() {
            entry.absent = 0;
            let unconfirmed = matches!(entry.told, LegState::Commanded | LegState::Sent);
            if entry.left && unconfirmed {
                entry.told = LegState::Unknown;
                say.push(status(entry, 0));
            }
        }
    }
}

/// Something about an instrument is not explained.
#[must_use]
pub fn unexplained(instrument: InstrumentId, value: u64) -> Say {
    let fault = Fault {
        position: 0,
        value,
        source: SourceId(0),
        code: FaultCode::Unreconciled,
        spare: [0; 13],
    };
    Say::Fault(instrument, fault)
}

#[cfg(test)]
mod tests;
