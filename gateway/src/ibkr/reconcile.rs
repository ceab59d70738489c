//! The broker's word against ours, item by item.
//!
//! Guarantee: an unanswered question proves nothing: its subject is *unknown*, and no mismatch of
//! that sort is found or settled. Nothing here trades; a difference freezes its symbol, is
//! reported, and after two rounds in a row halts entries.
//!
//! The six sorts: an order at the broker that is not ours; one of ours that the broker does not
//! have; one that it has with other terms; an execution that we did not have; a position and a
//! cash balance that differ from what our executions make of them. The day's profit as the broker
//! reckons it is also compared: a difference there is reported, and shuts nothing by itself.

use super::broker::{Executed, Held, Known, Snapshot, Stand, Value};
use super::desk::{Desk, Entry};
use super::names::{ExecName, OrderRef};
use super::profit::{self, Origin, Seen};
use std::collections::BTreeMap;
use stream::payload::{AccountField, LegState, Reconciled, RoundCause, RoundResult};
use stream::{FrameId, InstrumentId, Money, Nanos, Price};

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The broker works an order that we do not know.
    ForeignOrder {
        /// Of what, where it is in the universe.
        instrument: Option<InstrumentId>,
        /// The broker's number of it.
        perm_id: i64,
    },
    /// The broker does not have an order that we take for open.
    MissingOrder {
        /// Of what.
        instrument: InstrumentId,
        /// Which.
        leg: FrameId,
        /// Whether its state was unknown: then it is looked up, and its absence is an answer.
        sought: bool,
    },
    /// The broker has it with another price or quantity.
    OtherTerms {
        /// Of what.
        instrument: InstrumentId,
        /// Which.
        leg: FrameId,
        /// Its limit or trigger as we asked for it.
        own: Price,
        /// As the broker has it.
        broker: Price,
    },
    /// The broker has an execution that we did not have.
    MissedExecution {
        /// Of what, where it is in the universe.
        instrument: Option<InstrumentId>,
        /// Which.
        id: String,
    },
    /// The broker holds another quantity than our executions make.
    OtherPosition {
        /// Of what.
        instrument: InstrumentId,
        /// Ours.
        own: i64,
        /// The broker's.
        broker: i64,
        /// The broker's fraction beyond, in 1e-9.
        fraction: i64,
        /// Whether an execution was heard between the question and its answer: the answer may be
        /// older than that, and proves no difference.
        crossed: bool,
    },
    /// Cash moved otherwise than our executions and fees make it move; never while a future is
    /// held.
    OtherCash {
        /// What we expected.
        own: Money,
        /// What the broker says.
        broker: Money,
    },
    /// The broker makes the day's profit another than our executions do.
    OtherProfit {
        /// What we expected.
        own: Money,
        /// What the broker says.
        broker: Money,
    },
}

impl Mismatch {
    /// The instrument that it freezes, if it is about one of the universe.
    #[must_use]
    pub const fn instrument(&self) -> Option<InstrumentId> {
        match self {
            Self::ForeignOrder { instrument, .. } | Self::MissedExecution { instrument, .. } => {
                *instrument
            }
            Self::MissingOrder { instrument, .. }
            | Self::OtherTerms { instrument, .. }
            | Self::OtherPosition { instrument, .. } => Some(*instrument),
            Self::OtherCash { .. } | Self::OtherProfit { .. } => None,
        }
    }
}

impl Mismatch {
    /// True for a figure that may pass its like on its way here.
    #[must_use]
    pub const fn is_figure(&self) -> bool {
        matches!(
            self,
            Self::OtherTerms { .. }
                | Self::OtherPosition { .. }
                | Self::OtherCash { .. }
                | Self::OtherProfit { .. }
        )
    }

    /// The same difference, as it was a round ago: profit moves with every quote, and an order that
    /// was not found is looked up. A position that crossed an execution is the same as none: who
    /// trades one quantity again and again meets the same figures by chance.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::OtherPosition { crossed: true, .. }, _) => false,
            (Self::OtherProfit { .. }, Self::OtherProfit { .. }) => true,
            (Self::MissingOrder { leg: one, .. }, Self::MissingOrder { leg: other, .. }) => {
                one == other
            }
            _ => self == other,
        }
    }

    /// True where this is, a round later, what should not be: an order whose fate nobody knew, and
    /// that is looked for twice before it counts as gone, is no such thing.
    fn outlives(&self, before: &Self) -> bool {
        !matches!(before, Self::MissingOrder { sought: true, .. }) && self.is_same(before)
    }

    /// True for what shuts entries when it lasts; the rest is told.
    #[must_use]
    pub const fn shuts(&self) -> bool {
        !matches!(self, Self::OtherProfit { .. })
    }
}

impl core::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::ForeignOrder { perm_id, .. } => {
                write!(f, "an order that is not ours (permanent id {perm_id})")
            }
            Self::MissingOrder { leg, .. } => write!(f, "our order {leg} is not there"),
            Self::OtherTerms {
                leg, own, broker, ..
            } => write!(f, "our order {leg} is at {own}, there at {broker}"),
            Self::MissedExecution { id, .. } => write!(f, "execution {id} was not heard of"),
            Self::OtherPosition {
                instrument,
                own,
                broker,
                fraction,
                ..
            } => write!(
                f,
                "instrument {}: we make it {own}, the broker holds {broker} and {fraction}e-9",
                instrument.0
            ),
            Self::OtherCash { own, broker } => {
                write!(f, "cash: we make it {own}, the broker says {broker}")
            }
            Self::OtherProfit { own, broker } => write!(
                f,
                "profit of the day: we make it {own}, the broker says {broker}"
            ),
        }
    }
}

/// What was held and owned when the journal began, and what moved since.
#[derive(Clone, Debug, Default)]
pub struct Base {
    /// Positions that the account had before our first execution.
    pub positions: BTreeMap<InstrumentId, i64>,
    /// Cash at that time, once it was heard.
    pub cash: Option<Money>,
    /// What executions and fees moved since then.
    pub moved: i128,
    /// Where the comparison of the day's profit begins, once that was heard.
    pub profit: Option<Origin>,
}

impl Base {
    /// What is to be held, where executions since then make it `traded`.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId, traded: i64) -> i64 {
        traded + self.positions.get(&instrument).copied().unwrap_or(0)
    }
}

/// How far cash may be off beside: rounding, and this for each fee that is not known yet.
const CASH_SLACK: u64 = 1_000_000_000;

/// What came of one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Differences, of what was answered.
    pub mismatches: Vec<Mismatch>,
    /// Whether every question was answered.
    pub whole: bool,
    /// The day's profit by our executions and as the broker says, where the two were compared.
    pub profit: Option<(Money, Money)>,
}

impl Round {
    /// What came of it.
    #[must_use]
    pub const fn result(&self) -> RoundResult {
        match (self.mismatches.is_empty(), self.whole) {
            (false, _) => RoundResult::Differs,
            (true, true) => RoundResult::Agrees,
            (true, false) => RoundResult::Unanswered,
        }
    }

    /// True where nothing was found that shuts entries when it lasts.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.mismatches.iter().any(Mismatch::shuts)
    }

    /// It, for the journal.
    #[must_use]
    pub fn report(&self, cause: RoundCause, seen: Option<&Seen>) -> Reconciled {
        let count = |is: fn(&Mismatch) -> bool| {
            let found = self.mismatches.iter().filter(|one| is(one)).count();
            u8::try_from(found).unwrap_or(u8::MAX)
        };
        Reconciled {
            profit: seen.map_or(Money::ZERO, |seen| seen.total.daily),
            own_profit: self.profit.map_or(Money::ZERO, |(own, _)| own),
            cause,
            result: self.result(),
            foreign: count(|one| matches!(one, Mismatch::ForeignOrder { .. })),
            missing: count(|one| matches!(one, Mismatch::MissingOrder { .. })),
            terms: count(|one| matches!(one, Mismatch::OtherTerms { .. })),
            missed: count(|one| matches!(one, Mismatch::MissedExecution { .. })),
            positions: count(|one| matches!(one, Mismatch::OtherPosition { .. })),
            cash: count(|one| matches!(one, Mismatch::OtherCash { .. })),
            other_profit: count(|one| matches!(one, Mismatch::OtherProfit { .. })),
            profit_compared: u8::from(self.profit.is_some()),
            spare: [0; 6],
        }
    }
}

/// Orders and executions as the broker tells them, compared with the desk *before* the desk takes
/// anything of them.
#[must_use]
pub fn orders(desk: &Desk, snapshot: &Snapshot) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    if let Ok(open) = &snapshot.open {
        foreign(desk, open, &mut mismatches);
        terms(desk, open, &mut mismatches);
        if let Ok(ended) = &snapshot.ended {
            missing(desk, open, ended, &mut mismatches);
        }
    }
    if let Ok(executed) = &snapshot.executions {
        missed(desk, executed, &mut mismatches);
    }
    mismatches
}

/// Positions, compared when they come, *behind* the executions of their round: one that is heard
/// of later says nothing about them. So many executions had been `heard` when they were asked for.
#[must_use]
pub fn positions(desk: &Desk, held: &[Held], heard: usize) -> Vec<Mismatch> {
    let base = desk.base();
    let crossed = desk.executions() != heard;
    let mut ids: Vec<InstrumentId> = base.positions.keys().copied().collect();
    ids.extend(desk.entries().map(|entry| entry.instrument));
    ids.extend(held.iter().filter_map(|held| held.instrument));
    ids.sort_unstable();
    ids.dedup();
    let differing = ids.into_iter().filter_map(|instrument| {
        let own = desk.expected(instrument);
        let theirs = held.iter().find(|held| held.instrument == Some(instrument));
        let (broker, fraction) = theirs.map_or((0, 0), |held| (held.qty.0, held.fraction));
        (own != broker || fraction != 0).then_some(Mismatch::OtherPosition {
            instrument,
            own,
            broker,
            fraction,
            crossed,
        })
    });
    differing.collect()
}

/// Cash and the day's profit, behind everything else of the round. The profit may differ by
/// `profit_slack`: prices move between the broker's words on positions and account.
pub fn money(desk: &Desk, snapshot: &Snapshot, profit_slack: Money, round: &mut Round) {
    if snapshot.executions.is_ok()
        && let Ok(values) = &snapshot.values
    {
        round.mismatches.extend(cash(desk, values));
    }
    round.profit = profits(desk, snapshot, &round.mismatches);
    if let Some((own, broker)) = round.profit {
        let slack = profit_slack.0.unsigned_abs() + CASH_SLACK * desk.fees_awaited() as u64;
        if own.0.abs_diff(broker.0) > slack {
            round.mismatches.push(Mismatch::OtherProfit { own, broker });
        }
    }
}

/// The day's profit on both sides, where both mean the same: no execution is missing here, and
/// nothing is held that is not ours.
fn profits(desk: &Desk, snapshot: &Snapshot, found: &[Mismatch]) -> Option<(Money, Money)> {
    let explains = |one: &Mismatch| {
        let missed = matches!(one, Mismatch::MissedExecution { .. });
        missed || matches!(one, Mismatch::OtherPosition { .. })
    };
    let foreign = |held: &Held| held.instrument.is_none() && (held.qty.0, held.fraction) != (0, 0);
    let held = snapshot.positions.as_ref().ok()?;
    if snapshot.executions.is_err() || held.iter().any(foreign) || found.iter().any(explains) {
        return None;
    }
    let seen = snapshot.profit.as_ref()?;
    Some((profit::own(desk, desk.base(), seen)?, seen.total.daily))
}

fn missed(desk: &Desk, executed: &Executed, mismatches: &mut Vec<Mismatch>) {
    for execution in &executed.executions {
        // What is older than the journal is in the positions that it began with.
        // What was traded outside the universe concerns nothing here, and is booked nowhere.
        let own = leg_of(desk, &execution.reference).is_some();
        let counts = own || (execution.instrument.is_some() && !desk.is_older(execution.at));
        if counts && !desk.has_execution(ExecName::parse(&execution.id)) {
            mismatches.push(Mismatch::MissedExecution {
                instrument: execution.instrument,
                id: execution.id.clone(),
            });
        }
    }
    let unread = executed.unread.iter().filter(|one| desk.misses(one));
    mismatches.extend(unread.map(|one| Mismatch::MissedExecution {
        instrument: one.instrument,
        id: one.id.clone(),
    }));
}

/// Compared only while no future is held, see [`Desk::holds_future`].
fn cash(desk: &Desk, values: &[Value]) -> Option<Mismatch> {
    if desk.holds_future() {
        return None;
    }
    let base = desk.base();
    let slack = CASH_SLACK * (1 + desk.fees_awaited() as u64);
    let now = values
        .iter()
        .find(|value| value.field == AccountField::Cash)?;
    let own = i128::from(base.cash?.0) + base.moved;
    let off = own.abs_diff(i128::from(now.value.0));
    (off > u128::from(slack)).then(|| Mismatch::OtherCash {
        own: Money(i64::try_from(own).unwrap_or(i64::MAX)),
        broker: now.value,
    })
}

fn own_leg(desk: &Desk, known: &Known) -> Option<FrameId> {
    leg_of(desk, &known.reference)
}

fn leg_of(desk: &Desk, reference: &str) -> Option<FrameId> {
    let own = OrderRef::parse(reference)?;
    (own.journal == desk.journal() && desk.entry(own.leg).is_some()).then_some(own.leg)
}

const fn is_over(known: &Known) -> bool {
    matches!(
        known.standing.stand,
        Stand::Cancelled | Stand::Filled | Stand::Inactive
    )
}

fn foreign(desk: &Desk, open: &[Known], mismatches: &mut Vec<Mismatch>) {
    for known in open {
        let own = own_leg(desk, known).and_then(|leg| desk.entry(leg));
        // One of ours that was over when we asked is as strange as one that never was ours.
        let strange = own.is_none_or(|entry| entry.told.is_final() && desk.is_settled(entry));
        if !is_over(known) && strange {
            mismatches.push(Mismatch::ForeignOrder {
                instrument: known.instrument,
                perm_id: known.standing.perm_id,
            });
        }
    }
}

fn terms(desk: &Desk, open: &[Known], mismatches: &mut Vec<Mismatch>) {
    for known in open {
        let Some(entry) = own_leg(desk, known).and_then(|leg| desk.entry(leg)) else {
            continue;
        };
        let works = matches!(entry.told, LegState::Working | LegState::PartlyFilled);
        if works && desk.is_settled(entry) && differs(entry, known) {
            let stop = entry.trigger.0 != 0;
            mismatches.push(Mismatch::OtherTerms {
                instrument: entry.instrument,
                leg: entry.leg,
                own: if stop { entry.trigger } else { entry.limit },
                broker: if stop { known.trigger } else { known.limit },
            });
        }
    }
}

/// Exits shrink with their pair's fills, so that less is no difference; more is one.
fn differs(entry: &Entry, known: &Known) -> bool {
    known.side != entry.side
        || known.qty.is_none_or(|qty| qty > entry.qty)
        || (entry.limit.0 != 0 && known.limit != entry.limit)
        || (entry.trigger.0 != 0 && known.trigger != entry.trigger)
}

fn missing(desk: &Desk, open: &[Known], ended: &[Known], mismatches: &mut Vec<Mismatch>) {
    for entry in desk.entries().filter(|entry| entry.is_open()) {
        let found = open
            .iter()
            .chain(ended)
            .any(|known| own_leg(desk, known) == Some(entry.leg));
        if !found && desk.is_settled(entry) {
            mismatches.push(Mismatch::MissingOrder {
                instrument: entry.instrument,
                leg: entry.leg,
                sought: entry.told == LegState::Unknown,
            });
        }
    }
}

/// Counts rounds in a row in which the same sort of thing was not explained.
#[derive(Clone, Debug, Default)]
pub struct Streak {
    last: Vec<Mismatch>,
    rounds: u32,
}

impl Streak {
    /// Takes a round; true when entries are to be halted: a mismatch outlived two rounds in a row,
    /// and said again, less and less often, while it lasts. A round without all answers neither
    /// adds to a streak nor ends it.
    pub fn take(&mut self, round: &Round) -> bool {
        let lasting = |m: &Mismatch| match m {
            // A missed execution is applied by this very round.
            Mismatch::MissedExecution { .. } => false,
            other => other.shuts() && self.last.iter().any(|before| other.outlives(before)),
        };
        let again = round.mismatches.iter().any(lasting);
        if !round.whole && round.is_clean() {
            return false;
        }
        self.rounds = if again { self.rounds + 1 } else { 0 };
        self.last.clone_from(&round.mismatches);
        self.rounds >= HALT_AFTER && self.rounds.is_power_of_two()
    }
}

/// Which rounds are judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judged {
    last: Nanos,
}

impl Judged {
    /// Takes a round of that time; true when it is to be judged. One that only asks `soon` for
    /// something again is no second proof of a difference; but where each answer is followed by
    /// such a question, those too are judged once in `every`.
    pub fn takes(&mut self, now: Nanos, soon: bool, every: Nanos) -> bool {
        let judges = !soon || now >= self.last.saturating_add(every);
        if judges {
            self.last = now;
        }
        judges
    }
}

/// A mismatch that is seen again this often halts entries: the second round.
const HALT_AFTER: u32 = 1;

#[cfg(test)]
mod tests;
