//! What is heard of orders, and what it means for legs.

use super::{Desk, Entry, Exec, Orphan, Say, unexplained};
use crate::ibkr::broker::{Execution, Fee, Known, Stand, Standing, Unread, Update};
use crate::ibkr::names::{ExecName, OrderRef, exec_number, fixed, reversal_number};
use crate::ibkr::policy::{Bound, OnOrder, is_warning, policy};
use stream::payload::{Commission, Fault, FaultCode, Fill, LegState, Liquidity, OrderType, Status};
use stream::{FrameId, InstrumentId, Money, Nanos, SourceId};

impl Desk {
    /// Takes a piece of news about orders.
    pub fn update(&mut self, now: Nanos, update: &Update, say: &mut Vec<Say>) {
        match update {
            Update::Standing(standing) => self.stands(standing, 0, say),
            Update::Open(known) => self.known(now, known, say),
            Update::Execution(execution) if self.gathers => {
                self.early.push(execution.as_ref().clone());
            }
            Update::Execution(execution) => self.execution(execution, say),
            Update::Unread(unread) => drop(self.unread(unread, say)),
            Update::Fee(fee) => self.fee(fee, say),
            Update::Notice(notice) => {
                if let Some(order_id) = notice.id {
                    self.notice(order_id, notice.code, &notice.text, say);
                }
            }
            Update::Unusable(_) => {}
        }
    }

    /// How an order of this session stands.
    pub fn stands(&mut self, standing: &Standing, code: i32, say: &mut Vec<Say>) {
        if standing.client_id != self.client_id {
            return;
        }
        if let Some(leg) = self.by_order.get(&standing.order_id).copied() {
            self.leg_stands(leg, standing, code, say);
        }
    }

    fn leg_stands(&mut self, leg: FrameId, standing: &Standing, code: i32, say: &mut Vec<Say>) {
        let parent_filled = self.parent_has_filled(leg);
        let round = self.round;
        let Some(entry) = self.entries.get_mut(&leg) else {
            return;
        };
        entry.left = true;
        entry.absent = 0;
        if standing.perm_id != 0 {
            entry.perm_id = standing.perm_id;
        }
        let filled = standing.filled.unwrap_or(entry.filled);
        if let Some(news) = incarnation(entry, standing, filled) {
            say.extend(news);
            return;
        }
        let Some(state) = leg_state(entry, standing.stand, filled, parent_filled) else {
            return;
        };
        let more = filled > entry.reported;
        let ordered = standing.remaining.map(|left| filled.saturating_add(left));
        // A word from before what is known already says nothing of what is left.
        let is_new = ordered.is_some() && filled >= entry.reported;
        let resized = is_new && entry.ordered != ordered;
        entry.reported = entry.reported.max(filled);
        // An order that is over stays it; how much it filled may be told better, and later.
        let over = entry.told.is_final() || state.is_final();
        let same = entry.told == state && !more && (over || !resized);
        if (entry.told.is_final() && entry.told != state) || same {
            return;
        }
        entry.told = state;
        if resized && !over {
            entry.ordered = ordered;
        }
        if state.is_final() {
            entry.round = round;
        }
        // Executions may be ahead of it.
        let booked = entry.reported.max(entry.filled);
        let left = ordered.map(|ordered| ordered.saturating_sub(booked));
        say.push(status_with(entry, left, code));
    }

    /// An order as the broker has it: joins it to a leg by its reference, or keeps it as an orphan.
    pub fn known(&mut self, now: Nanos, known: &Known, say: &mut Vec<Say>) {
        match self.leg_of(&known.reference) {
            Some(leg) => {
                // By its reference: orders that ended come without their numbers.
                self.join(leg, &known.standing);
                self.leg_stands(leg, &known.standing, 0, say);
            }
            None => self.orphan(now, known, say),
        }
    }

    fn leg_of(&self, reference: &str) -> Option<FrameId> {
        let own = OrderRef::parse(reference).filter(|own| own.journal == self.journal)?;
        self.entries.contains_key(&own.leg).then_some(own.leg)
    }

    fn join(&mut self, leg: FrameId, standing: &Standing) {
        if standing.client_id != self.client_id || standing.order_id <= 0 {
            return;
        }
        let next = standing.order_id.saturating_add(1);
        self.raise_ids(next);
        if let Some(entry) = self.entries.get_mut(&leg)
            && entry.order_id == 0
        {
            entry.order_id = standing.order_id;
            entry.left = true;
            self.by_order.insert(standing.order_id, leg);
        }
    }

    fn orphan(&mut self, now: Nanos, known: &Known, say: &mut Vec<Say>) {
        let over = is_over(known.standing.stand);
        let name = match known.standing.perm_id {
            0 => -i64::from(known.standing.order_id),
            perm => perm,
        };
        if over {
            self.orphans.remove(&name);
            return;
        }
        let since = self.orphans.get(&name).map_or(now, |orphan| orphan.since);
        let known = known.clone();
        if let Some(instrument) = known.instrument {
            say.push(unexplained(instrument, name as u64));
        }
        self.orphans.insert(name, Orphan { known, since });
    }

    pub(super) fn parent_has_filled(&self, leg: FrameId) -> bool {
        let Some(entry) = self.entries.get(&leg) else {
            return true;
        };
        entry.parent.is_none()
            || self
                .entries
                .get(&entry.parent)
                .is_none_or(|parent| parent.filled > 0 || parent.reported > 0)
    }

    /// A code that names an order.
    pub fn notice(&mut self, order_id: i32, code: i32, text: &str, say: &mut Vec<Say>) {
        let row = policy(code, Bound::Order);
        let Some(entry) = self
            .by_order
            .get(&order_id)
            .copied()
            .and_then(|leg| self.entries.get_mut(&leg))
        else {
            return;
        };
        if code == 103 {
            self.next_id = self.next_id.max(order_id.saturating_add(1));
        }
        let ends = !matches!(row.order, OnOrder::Keep | OnOrder::NotModified);
        if entry.told.is_final() || (entry.twin && ends) {
            return;
        }
        let confirmed = matches!(
            entry.told,
            LegState::Held | LegState::Working | LegState::PartlyFilled | LegState::Cancelling
        );
        let state = match row.order {
            OnOrder::Keep | OnOrder::NotModified => {
                if row.alert {
                    say.push(told(entry.instrument, code));
                }
                return;
            }
            OnOrder::RejectedUnlessWarning if is_warning(text) => return,
            // What the broker holds already is not over because a change of it was refused.
            OnOrder::Rejected | OnOrder::RejectedUnlessWarning if confirmed => LegState::Unknown,
            OnOrder::Rejected | OnOrder::RejectedUnlessWarning => LegState::Rejected,
            OnOrder::Cancelled => LegState::Cancelled,
            OnOrder::LookUp => LegState::Unknown,
        };
        if entry.told != state {
            entry.told = state;
            entry.round = self.round;
            say.push(status(entry, code));
        }
    }

    /// An execution: told once; a correction of one that was told is told as what it changes.
    pub fn execution(&mut self, execution: &Execution, say: &mut Vec<Say>) {
        let name = ExecName::parse(&execution.id);
        let Some(instrument) = execution.instrument else {
            return;
        };
        if execution.client_id == self.client_id {
            // The broker may have forgotten which numbers were used.
            self.raise_ids(execution.order_id.saturating_add(1));
        }
        let known = self.execs.get(name.base).cloned();
        if let Some(known) = &known {
            if known.revision >= name.revision {
                return;
            }
            if known.qty > 0 {
                self.move_cash(known, true);
                say.push(taken_back(known));
                if let Some(fee) = known.fee {
                    let back = reversal_number(&known.text);
                    self.charge(known, back, Money(-fee), [0; 4], say);
                }
            }
        }
        let exec = Exec {
            text: execution.id.clone(),
            revision: name.revision,
            leg: FrameId::NONE,
            origin: known.as_ref().map_or(FrameId::NONE, |known| known.origin),
            instrument,
            side: execution.side,
            qty: execution.qty,
            price: execution.price,
            fee: None,
        };
        let leg = if known.is_some() {
            // The leg keeps what it was told; what is corrected is the account.
            None
        } else {
            self.leg_of_execution(execution)
        };
        let old = known.is_none() && leg.is_none() && self.is_older(execution.at);
        let entry = leg.and_then(|leg| self.entry(leg));
        let exec = Exec {
            origin: entry.map_or(exec.origin, |entry| entry.origin),
            leg: leg.unwrap_or(FrameId::NONE),
            // What is older than the journal is part of the position that it began with.
            qty: if old { 0 } else { exec.qty },
            ..exec
        };
        self.execs.insert(name.base.to_owned(), exec.clone());
        if exec.qty == 0 {
            return;
        }
        self.move_cash(&exec, false);
        let fill = self.fill(&exec, execution);
        say.push(Say::Fill(instrument, fill));
        if let Some(fee) = known.and_then(|known| known.fee) {
            // The fee goes over to what replaces it; the broker need not tell it again.
            let exec = Exec {
                fee: Some(fee),
                ..exec
            };
            self.execs.insert(name.base.to_owned(), exec.clone());
            self.charge(&exec, exec_number(&exec.text), Money(fee), [0; 4], say);
        }
        if let Some(fee) = self.fees.remove(&execution.id) {
            self.fee(&fee, say);
        }
    }

    /// An execution that cannot be read is booked nowhere: its instrument takes no entry until a
    /// person has looked, and is not frozen by it again. True when it is news.
    pub fn unread(&mut self, unread: &Unread, say: &mut Vec<Say>) -> bool {
        if let Some(instrument) = unread.instrument.filter(|_| self.misses(unread)) {
            say.push(unexplained(instrument, exec_number(&unread.id)));
        }
        self.unread.insert(unread.id.clone())
    }

    /// Older than the journal; the broker tells seconds.
    #[must_use]
    pub fn is_older(&self, at: Nanos) -> bool {
        at.saturating_add(Nanos::SECOND).0 <= self.journal
    }

    fn leg_of_execution(&self, execution: &Execution) -> Option<FrameId> {
        self.leg_of(&execution.reference).or_else(|| {
            let own = execution.client_id == self.client_id && execution.reference.is_empty();
            let leg = self.by_order.get(&execution.order_id).copied();
            leg.filter(|_| own)
        })
    }

    fn fill(&mut self, exec: &Exec, execution: &Execution) -> Fill {
        let liquidity = match execution.maker {
            Some(true) => Liquidity::Maker,
            Some(false) => Liquidity::Taker,
            None => Liquidity::Unknown,
        };
        let mut fill = Fill {
            price: exec.price,
            qty: exec.qty,
            side: exec.side,
            liquidity,
            origin: exec.origin,
            exec_id: exec_number(&exec.text),
            venue_ts: execution.at,
            exec_text: fixed(&exec.text),
            ..Fill::zeroed()
        };
        if let Some(entry) = self.entries.get_mut(&exec.leg) {
            entry.filled = entry.filled.saturating_add(exec.qty);
            entry.left = true;
            entry.perm_id = execution.perm_id;
            fill.leg = entry.leg;
            fill.filled = entry.filled;
            fill.ordered = entry.ordered.unwrap_or(entry.qty);
            fill.role = entry.role;
        }
        fill
    }

    /// A fee; one whose execution has not come yet waits for it.
    pub fn fee(&mut self, fee: &Fee, say: &mut Vec<Say>) {
        let name = ExecName::parse(&fee.exec);
        // The fee of an execution that was corrected meanwhile is that of the correction.
        let of = |exec: &&Exec| exec.revision >= name.revision;
        let Some(exec) = self.execs.get(name.base).filter(of) else {
            self.fees.insert(fee.exec.clone(), fee.clone());
            return;
        };
        if exec.fee.is_some() || exec.qty == 0 {
            return;
        }
        let exec = Exec {
            fee: Some(fee.amount.0),
            ..exec.clone()
        };
        self.execs.insert(name.base.to_owned(), exec.clone());
        let currency = fixed(&fee.currency);
        self.charge(&exec, exec_number(&exec.text), fee.amount, currency, say);
    }

    /// A fee is told and moves cash; a negative one gives back what was charged.
    fn charge(
        &mut self,
        exec: &Exec,
        exec_id: u64,
        fee: Money,
        currency: [u8; 4],
        say: &mut Vec<Say>,
    ) {
        let origin = self
            .entries
            .get(&exec.leg)
            .map_or(FrameId::NONE, |entry| entry.origin);
        self.base.moved -= i128::from(fee.0);
        let commission = Commission {
            exec_id,
            origin,
            fee,
            currency,
            spare: [0; 4],
        };
        say.push(Say::Commission(exec.instrument, commission));
    }

    /// A whole snapshot of open and ended orders: what is in neither, twice in a row, is gone.
    pub fn compare(
        &mut self,
        now: Nanos,
        (open, ended): (&[Known], &[Known]),
        say: &mut Vec<Say>,
    ) -> usize {
        let (journal, round) = (self.journal, self.round);
        let is_known = |leg: FrameId| {
            open.iter()
                .chain(ended)
                .any(|known| OrderRef::parse(&known.reference) == Some(OrderRef { journal, leg }))
        };
        let mut missing = 0;
        for entry in self.entries.values_mut() {
            if !entry.is_open() || is_known(entry.leg) {
                entry.absent = 0;
                if entry.live.len() > 1 && entry.round < round {
                    let there = |known: &Known, perm| known.standing.perm_id == perm;
                    let before = entry.live.len();
                    let live = |one: &(i64, u32)| open.iter().any(|known| there(known, one.0));
                    entry.live.retain(live);
                    if entry.live.len() < before {
                        say.push(status_with(entry, Some(left_of(entry)), 0));
                    }
                }
                continue;
            }
            if entry.round >= round {
                continue;
            }
            missing += 1;
            entry.absent = entry.absent.saturating_add(1);
            if entry.absent >= ABSENT_ENOUGH {
                // The broker does not have it, and did not have it the last time either.
                entry.told = LegState::Cancelled;
                entry.round = round;
                say.push(status(entry, NOT_FOUND));
            } else if entry.told != LegState::Unknown {
                entry.told = LegState::Unknown;
                say.push(status(entry, NOT_FOUND));
            }
        }
        for known in open.iter().filter(|known| !is_over(known.standing.stand)) {
            // One that we took for over and that is there all the same is nobody's any more.
            let own = self
                .leg_of(&known.reference)
                .and_then(|leg| self.entry(leg));
            if own.is_some_and(|entry| entry.told.is_final() && entry.round < round) {
                self.orphan(now, known, say);
            }
        }
        let seen = |orphan: &Orphan| open.iter().any(|known| same_order(known, &orphan.known));
        self.orphans.retain(|_, orphan| seen(orphan));
        missing
    }
}

/// Snapshots that must agree before an order is taken for gone.
const ABSENT_ENOUGH: u8 = 2;
/// The broker's code for an order that it does not find.
const NOT_FOUND: i32 = 10_147;

/// What the broker says of an order that leaves it as it is, for whoever reads the journal.
fn told(instrument: InstrumentId, code: i32) -> Say {
    let fault = Fault {
        position: 0,
        value: u64::from(code.unsigned_abs()),
        source: SourceId(0),
        code: FaultCode::Broker,
        spare: [0; 13],
    };
    Say::Fault(instrument, fault)
}

/// Keeps what of an order lives at the broker. Where there are two of it, or the end of one leaves
/// another, what is told is their sum: more than was asked for is not explained, and no protection
/// either, so that it is closed. `None` for the usual order.
fn incarnation(entry: &mut Entry, standing: &Standing, filled: u32) -> Option<Vec<Say>> {
    let perm = standing.perm_id;
    if perm == 0 || matches!(standing.stand, Stand::Pending | Stand::Other) {
        return None;
    }
    let before = (entry.live.len(), left_of(entry));
    let place = entry.live.iter().position(|one| one.0 == perm);
    let over = is_over(standing.stand);
    let left = entry.qty.saturating_sub(filled);
    let left = standing.remaining.unwrap_or(left);
    match place {
        Some(at) if over => drop(entry.live.remove(at)),
        Some(at) => entry.live[at].1 = left,
        None if !over => entry.live.push((perm, left)),
        None => {}
    }
    let several = entry.live.len() > 1 || (over && !entry.live.is_empty());
    if !several || entry.told.is_final() {
        return None;
    }
    let mut news = Vec::new();
    if before.0 < 2 && entry.live.len() > 1 {
        entry.twin = true;
        news.push(unexplained(entry.instrument, perm as u64));
    }
    let now = left_of(entry);
    if (entry.live.len(), now) != before {
        if entry.told != LegState::Cancelling {
            entry.told = LegState::Working;
        }
        news.push(status_with(entry, Some(now), 0));
    }
    Some(news)
}

/// What is left to fill of an order at the broker, all of its kind together.
fn left_of(entry: &Entry) -> u32 {
    entry
        .live
        .iter()
        .fold(0, |sum, one| sum.saturating_add(one.1))
}

const fn is_over(stand: Stand) -> bool {
    matches!(stand, Stand::Cancelled | Stand::Filled | Stand::Inactive)
}

fn same_order(a: &Known, b: &Known) -> bool {
    let (a, b) = (&a.standing, &b.standing);
    (a.perm_id, a.order_id, a.client_id) == (b.perm_id, b.order_id, b.client_id)
}

/// What a broker's word means for a leg; `None` where it is no news.
fn leg_state(entry: &Entry, stand: Stand, filled: u32, parent_filled: bool) -> Option<LegState> {
    let is_stop = entry.order_type != OrderType::Limit;
    Some(match stand {
        Stand::Pending => return None,
        // A stop that waits for its trigger at the broker protects; a child of an entry that has
        // not traded does not yet.
        Stand::PreSubmitted if is_stop && parent_filled => LegState::Working,
        Stand::PreSubmitted => LegState::Held,
        Stand::Submitted if !parent_filled => LegState::Held,
        Stand::Submitted if filled > 0 => LegState::PartlyFilled,
        Stand::Submitted => LegState::Working,
        Stand::PendingCancel => LegState::Cancelling,
        Stand::Cancelled => LegState::Cancelled,
        Stand::Filled => LegState::Filled,
        Stand::Inactive => LegState::Rejected,
        Stand::Other => LegState::Unknown,
    })
}

pub(super) fn status(entry: &Entry, code: i32) -> Say {
    status_with(entry, None, code)
}

fn status_with(entry: &Entry, remaining: Option<u32>, code: i32) -> Say {
    let filled = entry.reported.max(entry.filled);
    let left = if entry.told.is_final() && entry.told != LegState::Cancelled {
        0
    } else {
        remaining.unwrap_or_else(|| entry.qty.saturating_sub(filled))
    };
    let status = Status {
        leg: entry.leg,
        origin: entry.origin,
        filled,
        remaining: left,
        code,
        state: entry.told,
        role: entry.role,
        spare: [0; 2],
    };
    Say::Status(entry.instrument, status)
}

/// An execution that the broker took back: the same on the other side, outside of any order, but
/// with the name of the bracket that had made it: others' trades have none.
fn taken_back(exec: &Exec) -> Say {
    let fill = Fill {
        price: exec.price,
        qty: exec.qty,
        side: exec.side.opposite(),
        origin: exec.origin,
        exec_id: reversal_number(&exec.text),
        exec_text: fixed(&exec.text),
        ..Fill::zeroed()
    };
    Say::Fill(exec.instrument, fill)
}
