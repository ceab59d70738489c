//! What an instrument has under way: an intent, the legs of its bracket, and the position.
//!
//! The position comes from fills alone. A leg is learned from the `Sent` of its placing command
//! and ends with a final `Status`, a complete fill, or a `Sent` that says it never left. Messages
//! may come twice or late: a leg that has ended stays ended for as long as its bracket lives.
//! Deliberately absent: prices, protection, orders; those are gateway's.

use crate::codec::{Reader, Writer};
use stream::hash::trail;
use stream::limits::LEGS_PER_BRACKET_MAX;
use stream::payload::{CommandOp, Fill, LegRole, Sent, SentOutcome, Status};
use stream::{FrameId, Nanos, Qty};

/// An intent of which nothing was heard for this long is taken for lost.
pub const UNHEARD_MAX: Nanos = Nanos::from_secs(60);

/// Bytes of one instrument's state in a checkpoint at most.
pub const BRACKET_BYTES: usize = 2 + 8 + 2 + 8 + 1 + 8 + 16 + 1 + LEGS_PER_BRACKET_MAX * 9;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Leg {
    id: FrameId,
    ended: bool,
}

/// How a bracket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The intent that it came from; none for a flatten.
    pub intent: FrameId,
    /// The strategy's number, 0 for a flatten.
    pub strategy: u16,
    /// True when anything was filled.
    pub filled: bool,
    /// True when more was paid than received, before fees.
    pub lost: bool,
}

/// One instrument's intent, legs and position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bracket {
    intent: FrameId,
    strategy: u16,
    since: Nanos,
    filled: bool,
    position: Qty,
    /// Received less paid, in 1e-9 per unit of the multiplier.
    cash: i128,
    legs: [Leg; LEGS_PER_BRACKET_MAX],
    count: u8,
}

impl Bracket {
    /// An intent was made.
    pub fn start(&mut self, intent: FrameId, strategy: u16, ts: Nanos) {
        self.intent = intent;
        self.strategy = strategy;
        self.since = ts;
    }

    /// The intent whose bracket is under way, or none.
    #[must_use]
    pub fn intent(&self) -> FrameId {
        self.intent
    }

    /// The strategy behind the intent, 0 where there is none.
    #[must_use]
    pub fn strategy(&self) -> u16 {
        self.strategy
    }

    /// True while an intent or any leg is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.intent.is_none() || self.count > 0
    }

    /// Shares or contracts held, negative when short.
    #[must_use]
    pub fn position(&self) -> Qty {
        self.position
    }

    /// The intent was refused; true when it was this one.
    pub fn on_verdict(&mut self, intent: FrameId) -> bool {
        let ours = !intent.is_none() && self.intent == intent && self.count == 0;
        if ours {
            self.intent = FrameId::NONE;
            self.strategy = 0;
        }
        ours
    }

    /// What became of a command.
    pub fn on_sent(&mut self, sent: &Sent) -> Option<Ended> {
        if sent.op != CommandOp::Place {
            return None;
        }
        let ended = match sent.outcome {
            SentOutcome::Sent | SentOutcome::Unknown => false,
            SentOutcome::NotSent | SentOutcome::Abandoned => true,
        };
        self.note(sent.leg, ended);
        self.end()
    }

    /// The broker's word on a leg.
    pub fn on_status(&mut self, status: &Status) -> Option<Ended> {
        if status.state.is_final() {
            self.note(status.leg, true);
        }
        self.end()
    }

    /// An execution. The position saturates, it never wraps.
    pub fn on_fill(&mut self, fill: &Fill) -> Option<Ended> {
        let signed = fill.side.sign() * i64::from(fill.qty);
        self.position = self.position.saturating_add(Qty(signed));
        self.cash -= i128::from(signed) * i128::from(fill.price.0);
        self.filled |= fill.role == LegRole::Entry || !self.intent.is_none();
        if fill.filled >= fill.ordered {
            self.note(fill.leg, true);
        }
        self.end()
    }

    /// Gives up an intent of which nothing was heard for [`UNHEARD_MAX`]; true when it did.
    pub fn expire(&mut self, ts: Nanos) -> bool {
        let lost = !self.intent.is_none()
            && self.count == 0
            && self.position == Qty::ZERO
            && ts >= self.since.saturating_add(UNHEARD_MAX);
        if lost {
            *self = Self::default();
        }
        lost
    }

    fn note(&mut self, id: FrameId, ended: bool) {
        let count = usize::from(self.count);
        if let Some(leg) = self.legs[..count].iter_mut().find(|leg| leg.id == id) {
            leg.ended |= ended;
            return;
        }
        let slot = if count < self.legs.len() {
            self.count += 1;
            Some(count)
        } else {
            self.legs.iter().position(|leg| leg.ended)
        };
        // Beyond the most legs that a bracket can have, the broker's word is about something that
        // is not ours to wait for.
        if let Some(slot) = slot {
            self.legs[slot] = Leg { id, ended };
        }
    }

    fn end(&mut self) -> Option<Ended> {
        let legs = &self.legs[..usize::from(self.count)];
        let over = !legs.is_empty() && legs.iter().all(|leg| leg.ended);
        if !over || self.position != Qty::ZERO {
            return None;
        }
        let ended = Ended {
            intent: self.intent,
            strategy: self.strategy,
            filled: self.filled,
            lost: self.cash < 0,
        };
        *self = Self::default();
        Some(ended)
    }

    /// True when nothing is known that a fresh instrument would not know.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// A hash of everything.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let flags = u64::from(self.strategy) | u64::from(self.filled) << 16;
        let own = [
            self.position.0 as u64,
            self.cash as u64 ^ self.since.0,
            flags,
        ];
        let legs = self.legs[..usize::from(self.count)].iter();
        let legs = legs.map(|leg| leg.id.0 << 1 | u64::from(leg.ended));
        own.into_iter().chain(legs).fold(self.intent.0, trail)
    }

    /// Appends it.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.u64(self.intent.0);
        writer.u16(self.strategy);
        writer.u64(self.since.0);
        writer.u8(u8::from(self.filled));
        writer.i64(self.position.0);
        writer.i128(self.cash);
        writer.u8(self.count);
        for leg in &self.legs[..usize::from(self.count)] {
            writer.u64(leg.id.0);
            writer.u8(u8::from(leg.ended));
        }
    }

    /// Reads what [`Bracket::save`] wrote.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn load(reader: &mut Reader<'_>) -> Result<Self, &'static str> {
        let mut bracket = Self {
            intent: reader.frame()?,
            strategy: reader.u16()?,
            since: reader.nanos()?,
            filled: reader.u8()? != 0,
            position: Qty(reader.i64()?),
            cash: reader.i128()?,
            count: reader.u8()?,
            ..Self::default()
        };
        let legs = bracket
            .legs
            .get_mut(..usize::from(bracket.count))
            .ok_or("a saved bracket has more legs than a bracket can have")?;
        for leg in legs {
            *leg = Leg {
                id: reader.frame()?,
                ended: reader.u8()? != 0,
            };
        }
        Ok(bracket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::payload::LegState;
    use stream::{Price, Side};

    fn sent(leg: u64, outcome: SentOutcome) -> Sent {
        Sent {
            leg: FrameId(leg),
            outcome,
            ..Sent::zeroed()
        }
    }

    fn status(leg: u64, state: LegState) -> Status {
        Status {
            leg: FrameId(leg),
            state,
            ..Status::zeroed()
        }
    }

    fn fill(leg: u64, side: Side, price: i64, role: LegRole) -> Fill {
        Fill {
            leg: FrameId(leg),
            side,
            price: Price(price),
            qty: 5,
            filled: 5,
            ordered: 5,
            role,
            ..Fill::zeroed()
        }
    }

    fn entered() -> Bracket {
        let mut bracket = Bracket::default();
        bracket.start(FrameId(9), 1, Nanos(1));
        for leg in [21, 22, 23] {
            assert_eq!(bracket.on_sent(&sent(leg, SentOutcome::Sent)), None);
        }
        assert_eq!(
            bracket.on_fill(&fill(21, Side::Buy, 100, LegRole::Entry)),
            None
        );
        bracket
    }

    #[test]
    fn a_bracket_ends_flat_and_with_every_leg_final() {
        let mut bracket = entered();
        assert_eq!(bracket.position(), Qty(5));
        let stop = fill(22, Side::Sell, 90, LegRole::Stop);
        assert_eq!(bracket.on_fill(&stop), None, "the target is still live");
        let ended = bracket
            .on_status(&status(23, LegState::Cancelled))
            .expect("flat, and all legs final");
        assert_eq!(
            ended,
            Ended {
                intent: FrameId(9),
                strategy: 1,
                filled: true,
                lost: true
            }
        );
        assert!(bracket.is_default());
    }

    #[test]
    fn late_and_repeated_words_wake_no_leg() {
        let mut bracket = entered();
        bracket.on_status(&status(23, LegState::Cancelled));
        bracket.on_sent(&sent(23, SentOutcome::Sent));
        bracket.on_status(&status(23, LegState::Working));
        let end = bracket.on_fill(&fill(22, Side::Sell, 110, LegRole::Stop));
        assert!(end.is_some_and(|ended| !ended.lost));
    }

    #[test]
    fn a_refused_or_unsent_intent_leaves_nothing_behind() {
        let mut bracket = Bracket::default();
        bracket.start(FrameId(9), 1, Nanos(1));
        assert!(!bracket.on_verdict(FrameId(8)));
        assert!(bracket.on_verdict(FrameId(9)));
        assert!(!bracket.is_busy());
        bracket.start(FrameId(10), 1, Nanos(1));
        let end = bracket.on_sent(&sent(30, SentOutcome::NotSent));
        assert!(end.is_some_and(|ended| !ended.filled && ended.intent == FrameId(10)));
    }

    #[test]
    fn an_intent_that_nobody_answers_is_given_up() {
        let mut bracket = Bracket::default();
        bracket.start(FrameId(9), 1, Nanos(0));
        assert!(!bracket.expire(Nanos(UNHEARD_MAX.0 - 1)));
        assert!(bracket.expire(Nanos(UNHEARD_MAX.0 + 1)));
        assert!(!bracket.is_busy());
    }

    #[test]
    fn a_saved_bracket_comes_back_whole() {
        let bracket = entered();
        let mut bytes = Vec::new();
        bracket.save(&mut Writer::new(&mut bytes));
        assert!(bytes.len() <= BRACKET_BYTES);
        let back = Bracket::load(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(back, bracket);
        assert_eq!(back.hash(), bracket.hash());
        assert!(Bracket::load(&mut Reader::new(&bytes[..bytes.len() - 1])).is_err());
    }
}
