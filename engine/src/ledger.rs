//! What the gate knows of orders and positions: just enough to tell when all is flat, which
//! instruments are held, and which live legs are entries and which protect.

use crate::shared::Shared;
use gateway::GatewayStage;
use stream::limits::{BRACKETS_MAX, INSTRUMENTS_MAX, LEGS_PER_BRACKET_MAX};
use stream::payload::{Command, CommandOp, Control, Fill, Leg, LegRole};
use stream::{FrameId, FrameRef, InstrumentId, Kind};

/// A leg that may be live at the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveLeg {
    /// The leg.
    pub leg: FrameId,
    /// Its bracket.
    pub origin: FrameId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its part: an entry, or protection.
    pub role: LegRole,
    /// Filled so far.
    pub filled: u32,
    /// Its quantity.
    pub qty: u32,
}

/// Live legs and positions, from commands, fills and leg states.
#[derive(Debug)]
pub struct Ledger {
    legs: Vec<LiveLeg>,
    /// Of each instrument: what is held, and what of it no order of ours made.
    positions: Box<[(i64, i64)]>,
    held: usize,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            legs: Vec::with_capacity(BRACKETS_MAX * LEGS_PER_BRACKET_MAX),
            positions: vec![(0, 0); INSTRUMENTS_MAX + 1].into_boxed_slice(),
            held: 0,
        }
    }
}

/// Something of it is ours.
const fn is_held((position, others): (i64, i64)) -> bool {
    stream::own_position(position, others) != 0
}

impl Ledger {
    /// Tells the other threads everything, once, at a start.
    pub fn tell(&self, shared: &Shared) {
        for (index, position) in self.positions.iter().enumerate().skip(1) {
            shared.set_held(InstrumentId(index as u16), is_held(*position));
        }
        shared.set_flat(self.is_flat());
    }

    /// Holds what the gateway does: a state that was carried over knows of fills that stand in no
    /// frame of this journal.
    pub fn hold(&mut self, gateway: &GatewayStage) {
        for (index, position) in self.positions.iter_mut().enumerate().skip(1) {
            *position = gateway.holding(InstrumentId(index as u16));
        }
        let held = self.positions.iter().filter(|position| is_held(**position));
        self.held = held.count();
    }

    fn is_flat(&self) -> bool {
        self.legs.is_empty() && self.held == 0
    }

    /// Folds one frame, and tells the other threads what changed.
    pub fn on_frame(&mut self, frame: FrameRef<'_>, shared: &Shared) {
        let instrument = frame.instrument();
        match frame.kind() {
            Kind::Command => {
                let command = frame.read::<Command>();
                if command.op == CommandOp::Place && !frame.is_input() {
                    self.legs.push(LiveLeg {
                        leg: command.leg,
                        origin: command.origin,
                        instrument,
                        role: command.role,
                        filled: 0,
                        qty: command.qty,
                    });
                }
            }
            Kind::Leg => {
                let leg = frame.read::<Leg>();
                if leg.to.is_final() {
                    self.legs.retain(|live| live.leg != leg.leg);
                }
            }
            Kind::Fill => {
                let fill = frame.read::<Fill>();
                if let Some(live) = self.legs.iter_mut().find(|live| live.leg == fill.leg) {
                    live.filled = fill.filled;
                }
                let position = &mut self.positions[instrument.index()];
                let before = is_held(*position);
                let signed = fill.side.sign() * i64::from(fill.qty);
                position.0 += signed;
                if fill.leg.is_none() && fill.origin.is_none() {
                    position.1 += signed;
                }
                let after = is_held(*position);
                self.held = self.held + usize::from(after) - usize::from(before);
                shared.set_held(instrument, after);
            }
            Kind::Control if frame.read::<Control>().is_armed_by_person() => {
                for (position, others) in &mut self.positions {
                    *others = *position - stream::own_position(*position, *others);
                }
            }
            _ => return,
        }
        shared.set_flat(self.is_flat());
    }

    /// Legs that may be live.
    #[must_use]
    pub fn legs(&self) -> &[LiveLeg] {
        &self.legs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::payload::{ControlAction, Payload, text};
    use stream::{Draft, Side};

    const ONE: InstrumentId = InstrumentId(1);

    fn told<P: Payload>(ledger: &mut Ledger, shared: &Shared, id: InstrumentId, payload: &P) {
        let mut draft = Draft::new();
        draft.write(id, payload);
        ledger.on_frame(draft.frame(), shared);
    }

    /// An execution of ours, or of somebody else.
    fn fill(side: Side, qty: u32, ours: bool) -> Fill {
        let leg = if ours { FrameId(7) } else { FrameId::NONE };
        Fill {
            leg,
            origin: leg,
            side,
            qty,
            ..Fill::zeroed()
        }
    }

    #[test]
    fn what_others_closed_is_nobodys_once_a_person_arms() {
        for (by, held) in [("policy", false), ("anna", true)] {
            let (mut ledger, shared) = (Ledger::default(), Shared::new(1, 0));
            for fill in [
                fill(Side::Buy, 100, true),
                fill(Side::Sell, 7, false),
                fill(Side::Sell, 93, true),
            ] {
                told(&mut ledger, &shared, ONE, &fill);
            }
            assert!(shared.is_flat());
            let arm = Control {
                action: ControlAction::Arm,
                by: text(by),
                ..Control::zeroed()
            };
            told(&mut ledger, &shared, InstrumentId::NONE, &arm);
            // Short 5: ours, and no rest of what others sold before.
            told(&mut ledger, &shared, ONE, &fill(Side::Sell, 5, true));
            assert_eq!(
                (shared.is_held(ONE), shared.is_flat()),
                (held, !held),
                "{by}"
            );
        }
    }
}
