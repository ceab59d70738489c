//! The depth-slot scheduler: who holds the broker's few depth subscriptions.
//!
//! A candidate is an instrument that needs a slot and scores at least `score_min`; it stays one
//! until it scores below `score_min − margin`. Free slots go to the best candidates at once. When
//! all are taken, a challenger must score above the weakest holder by `margin` for `confirm`
//! evaluations in a row, and the holder must have had its slot for `min_hold`. A holder with a
//! position or a bracket is never the weakest. At most one slot changes hands in an evaluation,
//! and the subscription that ends comes first, so that the broker's limit is never passed.
//!
//! What a slot brings counts only after `warm_up`, and once rows have come.

use stream::hash::fold;
use stream::limits::DEPTH_SLOTS_MAX;
use stream::payload::{DepthSlot, SlotAction};
use stream::{InstrumentId, Nanos};

const NONE: u8 = u8::MAX;

/// Limits of the scheduler.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotsConfig {
    /// Depth subscriptions at a time, 0 to 16. Default 3, the broker's usual number.
    pub count: usize,
    /// Rows asked for a side. Default 10.
    pub rows: u16,
    /// A slot is kept for at least this long. Default 30 s.
    pub min_hold: Nanos,
    /// A challenger must score above the weakest holder by this. Default 0.05.
    pub margin: f64,
    /// For so many evaluations in a row. Default 8 (2 s).
    pub confirm: u16,
    /// Depth counts from this long after its subscription. Default 2 s.
    pub warm_up: Nanos,
    /// Score from which an instrument is a candidate, 0 to 1. Default 0.3.
    pub score_min: f64,
    /// Refused candidates that are followed at a time, at most 128. Default 32.
    pub missed_tracks: usize,
    /// How long a refused candidate is followed. Default 60 s.
    pub missed_horizon: Nanos,
    /// A move of the mid that would have been worth a slot, in ppm. Default 3,000.
    pub missed_worth_ppm: u32,
}

impl Default for SlotsConfig {
    fn default() -> Self {
        Self {
            count: 3,
            rows: 10,
            min_hold: Nanos::from_secs(30),
            margin: 0.05,
            confirm: 8,
            warm_up: Nanos::from_secs(2),
            score_min: 0.3,
            missed_tracks: 32,
            missed_horizon: Nanos::from_secs(60),
            missed_worth_ppm: 3_000,
        }
    }
}

impl SlotsConfig {
    /// `DepthSlot` frames that one evaluation makes at most.
    #[must_use]
    pub fn changes_max(&self) -> usize {
        if self.count == 0 {
            0
        } else {
            self.count.max(2)
        }
    }
}

/// What the scheduler knows of an instrument at an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Claim {
    /// Its opportunity score.
    pub score: f64,
    /// False for instruments that need no slot (unknown, or a feed with full books).
    pub needs: bool,
    /// True while it has a position or a bracket: it keeps its slot.
    pub locked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Holder {
    instrument: InstrumentId,
    since: Nanos,
}

/// A subscription that begins or ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Whose.
    pub instrument: InstrumentId,
    /// The frame.
    pub frame: DepthSlot,
}

/// The scheduler.
#[derive(Clone, Debug)]
pub struct Slots {
    config: SlotsConfig,
    holders: [Option<Holder>; DEPTH_SLOTS_MAX],
    slot_of: Vec<u8>,
    candidate: Vec<bool>,
    streak: Vec<u16>,
    changes: Vec<Change>,
    rotations: u64,
}

impl Slots {
    /// A scheduler with all slots free, for instruments 1 to `instruments`.
    ///
    /// # Panics
    /// If there are more slots than [`DEPTH_SLOTS_MAX`].
    #[must_use]
    pub fn new(config: SlotsConfig, instruments: usize) -> Self {
        assert!(config.count <= DEPTH_SLOTS_MAX, "too many depth slots");
        let changes = Vec::with_capacity(config.changes_max());
        Self {
            config,
            holders: [None; DEPTH_SLOTS_MAX],
            slot_of: vec![NONE; instruments + 1],
            candidate: vec![false; instruments + 1],
            streak: vec![0; instruments + 1],
            changes,
            rotations: 0,
        }
    }

    /// Since when the instrument holds a slot; `None` when it holds none.
    #[must_use]
    #[inline]
    pub fn held_since(&self, instrument: InstrumentId) -> Option<Nanos> {
        let slot = self.slot_of[instrument.index()];
        self.holders
            .get(usize::from(slot))?
            .map(|holder| holder.since)
    }

    /// True when the instrument's slot is warm: held for `warm_up`.
    #[must_use]
    pub fn is_warm(&self, instrument: InstrumentId, ts: Nanos) -> bool {
        self.held_since(instrument)
            .is_some_and(|since| ts >= since.saturating_add(self.config.warm_up))
    }

    /// True when it is a candidate, every slot is taken, and none is its own.
    #[must_use]
    pub fn is_refused(&self, instrument: InstrumentId) -> bool {
        self.candidate[instrument.index()]
            && self.slot_of[instrument.index()] == NONE
            && self.config.count > 0
            && self.free_slot().is_none()
    }

    /// Slots in use.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.holders.iter().flatten().count()
    }

    /// How often a slot changed hands.
    #[must_use]
    pub fn rotations(&self) -> u64 {
        self.rotations
    }

    /// The subscriptions died with the process: all slots are free again.
    pub fn vacate(&mut self) {
        self.holders = [None; DEPTH_SLOTS_MAX];
        self.slot_of.fill(NONE);
        self.streak.fill(0);
    }

    /// One evaluation. `claims` is indexed by instrument; slot 0 is unused. Returns what changes,
    /// in the order in which it must happen.
    ///
    /// # Panics
    /// If `claims` is not as long as the universe.
    pub fn step(&mut self, ts: Nanos, claims: &[Claim]) -> &[Change] {
        assert_eq!(
            claims.len(),
            self.candidate.len(),
            "one claim an instrument"
        );
        self.changes.clear();
        self.update_candidates(claims);
        if self.free_slot().is_some() {
            while let Some(slot) = self.free_slot()
                && let Some(best) = self.best(claims, 0)
            {
                self.subscribe(ts, slot, best, claims, InstrumentId::NONE);
            }
        } else if let Some(slot) = self.weakest(ts, claims) {
            self.challenge(ts, slot, claims);
        } else {
            self.streak.fill(0);
        }
        assert!(self.changes.len() <= self.config.changes_max());
        &self.changes
    }

    fn update_candidates(&mut self, claims: &[Claim]) {
        let (enter, leave) = (
            self.config.score_min,
            self.config.score_min - self.config.margin,
        );
        for (candidate, claim) in self.candidate.iter_mut().zip(claims) {
            let limit = if *candidate { leave } else { enter };
            *candidate = claim.needs && claim.score >= limit;
        }
    }

    fn free_slot(&self) -> Option<usize> {
        self.holders[..self.config.count]
            .iter()
            .position(Option::is_none)
    }

    /// The best candidate without a slot whose streak is long enough; the lower id on a tie.
    fn best(&self, claims: &[Claim], streak_min: u16) -> Option<InstrumentId> {
        let mut best: Option<usize> = None;
        for (i, claim) in claims.iter().enumerate().skip(1) {
            let stands =
                self.candidate[i] && self.slot_of[i] == NONE && self.streak[i] >= streak_min;
            if stands && best.is_none_or(|other| claim.score > claims[other].score) {
                best = Some(i);
            }
        }
        best.map(|i| InstrumentId(i as u16))
    }

    /// The slot of the lowest score that may be taken away; the lower slot on a tie.
    fn weakest(&self, ts: Nanos, claims: &[Claim]) -> Option<usize> {
        let mut weakest: Option<(usize, f64)> = None;
        for (slot, holder) in self.holders[..self.config.count].iter().enumerate() {
            let Some(holder) = holder else { continue };
            let claim = claims[holder.instrument.index()];
            let held = ts >= holder.since.saturating_add(self.config.min_hold);
            let weaker = weakest.is_none_or(|(_, score)| claim.score < score);
            if held && !claim.locked && weaker {
                weakest = Some((slot, claim.score));
            }
        }
        weakest.map(|(slot, _)| slot)
    }

    fn challenge(&mut self, ts: Nanos, slot: usize, claims: &[Claim]) {
        let holder = self.holders[slot].expect("the weakest slot is taken");
        let bar = claims[holder.instrument.index()].score + self.config.margin;
        for (i, claim) in claims.iter().enumerate() {
            let beats = self.candidate[i] && self.slot_of[i] == NONE && claim.score > bar;
            self.streak[i] = if beats {
                self.streak[i].saturating_add(1)
            } else {
                0
            };
        }
        if let Some(challenger) = self.best(claims, self.config.confirm.max(1)) {
            self.unsubscribe(ts, slot, claims, challenger);
            self.subscribe(ts, slot, challenger, claims, holder.instrument);
            self.rotations += 1;
        }
    }

    fn unsubscribe(&mut self, ts: Nanos, slot: usize, claims: &[Claim], other: InstrumentId) {
        let holder = self.holders[slot].take().expect("the slot is taken");
        self.slot_of[holder.instrument.index()] = NONE;
        self.changes.push(Change {
            instrument: holder.instrument,
            frame: DepthSlot {
                score: claims[holder.instrument.index()].score,
                held: ts.saturating_sub(holder.since),
                slot: slot as u8,
                action: SlotAction::Unsubscribe,
                other,
                rows: self.config.rows,
                ..DepthSlot::zeroed()
            },
        });
    }

    fn subscribe(
        &mut self,
        ts: Nanos,
        slot: usize,
        instrument: InstrumentId,
        claims: &[Claim],
        other: InstrumentId,
    ) {
        assert!(self.holders[slot].is_none(), "a slot has one holder");
        self.holders[slot] = Some(Holder {
            instrument,
            since: ts,
        });
        self.slot_of[instrument.index()] = slot as u8;
        self.streak[instrument.index()] = 0;
        self.changes.push(Change {
            instrument,
            frame: DepthSlot {
                score: claims[instrument.index()].score,
                slot: slot as u8,
                action: SlotAction::Subscribe,
                other,
                rows: self.config.rows,
                ..DepthSlot::zeroed()
            },
        });
    }

    /// A hash of everything that decides what it does next.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hash = self.rotations;
        for holder in self.holders[..self.config.count].iter().flatten() {
            hash = fold(hash, u64::from(holder.instrument.0) ^ holder.since.0 << 16);
        }
        for (i, (&streak, &candidate)) in self.streak.iter().zip(&self.candidate).enumerate() {
            if streak != 0 || candidate {
                hash = fold(hash, i as u64 | u64::from(streak) << 16);
                hash ^= u64::from(candidate);
            }
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claims(scores: &[f64]) -> Vec<Claim> {
        let mut all = vec![Claim::default()];
        all.extend(scores.iter().map(|&score| Claim {
            score,
            needs: true,
            locked: false,
        }));
        all
    }

    fn slots(count: usize, instruments: usize) -> Slots {
        let config = SlotsConfig {
            count,
            min_hold: Nanos(10),
            confirm: 3,
            warm_up: Nanos(4),
            ..SlotsConfig::default()
        };
        Slots::new(config, instruments)
    }

    fn holders(slots: &Slots) -> Vec<u16> {
        let mut ids: Vec<u16> = slots
            .holders
            .iter()
            .flatten()
            .map(|holder| holder.instrument.0)
            .collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn free_slots_go_to_the_best_candidates() {
        let mut slots = slots(3, 5);
        let changes = slots.step(Nanos(0), &claims(&[0.5, 0.1, 0.9, 0.4, 0.6]));
        let order: Vec<u16> = changes.iter().map(|change| change.instrument.0).collect();
        assert_eq!(order, [3, 5, 1]);
        assert!(slots.is_refused(InstrumentId(4)));
        assert!(!slots.is_refused(InstrumentId(2)), "no candidate");
        assert!(!slots.is_warm(InstrumentId(3), Nanos(3)));
        assert!(slots.is_warm(InstrumentId(3), Nanos(4)));
    }

    #[test]
    fn a_challenger_needs_margin_patience_and_a_holder_past_its_hold() {
        let mut slots = slots(1, 2);
        slots.step(Nanos(0), &claims(&[0.5, 0.4]));
        let strong = claims(&[0.5, 0.6]);
        for ts in 1..10 {
            assert!(slots.step(Nanos(ts), &strong).is_empty(), "within the hold");
        }
        assert!(slots.step(Nanos(10), &strong).is_empty());
        assert!(slots.step(Nanos(11), &claims(&[0.5, 0.54])).is_empty());
        for ts in 12..14 {
            assert!(slots.step(Nanos(ts), &strong).is_empty(), "patience");
        }
        let changes = slots.step(Nanos(14), &strong);
        let actions: Vec<_> = changes
            .iter()
            .map(|change| {
                (
                    change.instrument.0,
                    change.frame.action,
                    change.frame.other.0,
                )
            })
            .collect();
        assert_eq!(
            actions,
            [
                (1, SlotAction::Unsubscribe, 2),
                (2, SlotAction::Subscribe, 1)
            ]
        );
        assert_eq!(changes[0].frame.held, Nanos(14));
        assert_eq!(slots.rotations(), 1);
    }

    #[test]
    fn a_position_keeps_its_slot() {
        let mut slots = slots(1, 2);
        slots.step(Nanos(0), &claims(&[0.5, 0.4]));
        let mut strong = claims(&[0.1, 0.9]);
        strong[1].locked = true;
        for ts in 1..50 {
            assert!(slots.step(Nanos(ts), &strong).is_empty());
        }
        assert_eq!(holders(&slots), [1]);
    }

    proptest! {
        /// However scores jump: never more subscriptions than slots between any two frames, holds
        /// and locks are kept, and the frames alone tell who holds what.
        #[test]
        fn the_frames_never_pass_the_limit(
            rounds in prop::collection::vec(
                (prop::collection::vec((0.0_f64..1.0, prop::bool::weighted(0.2)), 6), 1_u64..6),
                1..120,
            ),
            count in 0_usize..4,
        ) {
            let mut slots = slots(count, 6);
            let mut held: Vec<(u16, u64)> = Vec::new();
            let mut ts = 0;
            for (round, gap) in rounds {
                ts += gap;
                let mut all = vec![Claim::default()];
                let claim = |&(score, locked): &(f64, bool)| Claim { score, needs: true, locked };
                all.extend(round.iter().map(claim));
                for change in slots.step(Nanos(ts), &all).to_vec() {
                    let id = change.instrument.0;
                    if change.frame.action == SlotAction::Subscribe {
                        prop_assert!(held.iter().all(|(holder, _)| *holder != id));
                        held.push((id, ts));
                        prop_assert!(held.len() <= count);
                    } else {
                        let position = held.iter().position(|(holder, _)| *holder == id).unwrap();
                        let (_, since) = held.remove(position);
                        prop_assert!(ts - since >= 10, "minimum hold");
                        prop_assert!(!all[usize::from(id)].locked, "locked");
                        prop_assert_eq!(change.frame.held, Nanos(ts - since));
                    }
                }
                let mut ids: Vec<u16> = held.iter().map(|(id, _)| *id).collect();
                ids.sort_unstable();
                prop_assert_eq!(ids, holders(&slots));
            }
        }
    }
}
