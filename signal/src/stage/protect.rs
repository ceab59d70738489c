//! Stops that a strategy moves between evaluations, at each `Best` of an instrument that it holds.

use super::SignalStage;
use crate::strategy::Held;
use stream::payload::Protect;
use stream::{FrameRef, InstrumentId, Out, Qty};

impl SignalStage {
    pub(super) fn protect<O: Out>(
        &mut self,
        frame: FrameRef<'_>,
        instrument: InstrumentId,
        out: &mut O,
    ) {
        let bracket = &self.brackets[instrument.index()];
        let (position, strategy) = (bracket.position(), bracket.strategy());
        if position == Qty::ZERO || strategy == 0 {
            return;
        }
        let Some(touch) = self.desks[instrument.index()].touch() else {
            return;
        };
        let held = Held {
            instrument,
            position,
            bid: touch.bid,
            ask: touch.ask,
        };
        let origin = bracket.intent();
        if let Some(stop) = self.strategies[usize::from(strategy) - 1].protect(&held) {
            let protect = Protect {
                origin,
                stop,
                strategy,
                spare: [0; 14],
            };
            self.emitter.emit(frame, instrument, &protect, out);
        }
    }
}
