//! The stage's state in one number, and as bytes that survive a change of binary or of day.
//!
//! Saved: throttles, streaks and rests, brackets and positions, open outcomes, opening ranges, and
//! that a kill level is known. Not saved: features, windows, slots and missed-opportunity tracks;
//! they grow anew from the market.
//!
//! ```text
//! 'S' 'G' · instruments 2 · strategies 1 · killed 1 · throttles · brackets · outcomes · strategies
//! ```

use super::SignalStage;
use crate::bracket::{BRACKET_BYTES, Bracket};
use crate::codec::{Reader, Writer};
use crate::outcomes::{OUTCOME_BYTES, Outcomes};
use crate::strategy::Strategy;
use crate::throttle::{self, Throttles};
use stream::hash::{fold, fold_all, trail};

/// Layout version of a checkpoint.
pub(super) const VERSION: u8 = 1;
const MAGIC: u16 = u16::from_le_bytes(*b"SG");
const HEAD_BYTES: usize = 2 + 2 + 1 + 1;

/// What a checkpoint holds, borrowed.
pub(super) struct Parts<'a> {
    pub(super) brackets: &'a [Bracket],
    pub(super) throttles: &'a Throttles,
    pub(super) outcomes: &'a Outcomes,
    pub(super) strategies: &'a [Box<dyn Strategy>],
    pub(super) is_killed: bool,
}

impl Parts<'_> {
    pub(super) fn save(&self, bytes: &mut Vec<u8>) {
        let writer = &mut Writer::new(bytes);
        writer.u16(MAGIC);
        writer.u16(self.brackets.len() as u16);
        writer.u8(self.strategies.len() as u8);
        writer.u8(u8::from(self.is_killed));
        self.throttles.save(writer);
        let used = self
            .brackets
            .iter()
            .enumerate()
            .filter(|(_, bracket)| !bracket.is_default());
        writer.u16(used.clone().count() as u16);
        for (i, bracket) in used {
            writer.u16(i as u16);
            bracket.save(writer);
        }
        self.outcomes.save(writer);
        for strategy in self.strategies {
            strategy.save(writer);
        }
    }
}

/// Bytes of a checkpoint at most.
pub(crate) fn bytes_max(
    instruments: usize,
    strategies: usize,
    outcomes: usize,
    strategy_bytes: usize,
) -> usize {
    HEAD_BYTES
        + throttle::bytes_max(instruments, strategies)
        + (2 + instruments * (2 + BRACKET_BYTES))
        + (2 + outcomes * OUTCOME_BYTES)
        + strategy_bytes
}

impl SignalStage {
    pub(super) fn hash_state(&self) -> u64 {
        let permission =
            u64::from(self.permission.is_killed) | u64::from(self.permission.is_disarmed) << 1;
        let own = [
            self.step,
            permission,
            self.slots.hash(),
            self.tracks.hash(),
            self.throttles.hash(),
            self.outcomes.hash(),
        ];
        let hash = self
            .strategies
            .iter()
            .fold(fold_all(self.digest, own), |hash, strategy| {
                fold(hash, strategy.hash())
            });
        let mut sum = 0_u64;
        for (i, (desk, bracket)) in self.desks.iter().zip(&self.brackets).enumerate() {
            let own = trail(desk.hash(), bracket.hash());
            sum = sum.wrapping_add(fold(i as u64, own));
        }
        fold(hash, sum)
    }

    pub(super) fn parts(&self) -> Parts<'_> {
        Parts {
            brackets: &self.brackets,
            throttles: &self.throttles,
            outcomes: &self.outcomes,
            strategies: &self.strategies,
            is_killed: self.permission.is_killed,
        }
    }

    /// Takes a saved state; after an error everything is as it was.
    pub(super) fn load_state(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let mut before = Vec::new();
        self.parts().save(&mut before);
        let taken = self.take_state(bytes);
        if taken.is_err() {
            self.take_state(&before)
                .expect("a stage reads what it has just written");
        }
        taken
    }

    fn take_state(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let reader = &mut Reader::new(bytes);
        if reader.u16()? != MAGIC {
            return Err("not a saved state of the signal stage");
        }
        if usize::from(reader.u16()?) != self.brackets.len() {
            return Err("the saved state is of a universe of another size");
        }
        if usize::from(reader.u8()?) != self.strategies.len() {
            return Err("the saved state is of another number of strategies");
        }
        self.permission.is_killed = reader.u8()? != 0;
        self.throttles.load(reader)?;
        self.brackets.fill(Bracket::default());
        for _ in 0..reader.u16()? {
            let i = usize::from(reader.u16()?);
            let bracket = self
                .brackets
                .get_mut(i)
                .ok_or("a saved bracket is about an instrument beyond the universe")?;
            *bracket = Bracket::load(reader)?;
        }
        self.outcomes.load(reader)?;
        for strategy in &mut self.strategies {
            strategy.load(reader)?;
        }
        reader.end()
    }
}
