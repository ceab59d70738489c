//! What came back: fills, statuses, sends and verdicts.

use super::SignalStage;
use crate::bracket::Ended;
use crate::throttle::Rest;
use stream::payload::{Fill, Reason, Sent, Status, Verdict};
use stream::{FrameRef, InstrumentId, Nanos};

impl SignalStage {
    pub(super) fn on_fill(&mut self, frame: FrameRef<'_>, fill: &Fill) {
        let Some(instrument) = self.known(frame) else {
            return;
        };
        let ended = self.brackets[instrument.index()].on_fill(fill);
        self.outcomes.decide(instrument, fill.origin, true);
        self.on_ended(instrument, frame.ts(), ended);
    }

    pub(super) fn on_status(&mut self, frame: FrameRef<'_>, status: &Status) {
        let Some(instrument) = self.known(frame) else {
            return;
        };
        let ended = self.brackets[instrument.index()].on_status(status);
        self.on_ended(instrument, frame.ts(), ended);
    }

    pub(super) fn on_sent(&mut self, frame: FrameRef<'_>, sent: &Sent) {
        let Some(instrument) = self.known(frame) else {
            return;
        };
        let ended = self.brackets[instrument.index()].on_sent(sent);
        self.on_ended(instrument, frame.ts(), ended);
    }

    pub(super) fn on_verdict(&mut self, frame: FrameRef<'_>, verdict: &Verdict) {
        if verdict.reason == Reason::Disarmed {
            self.permission.is_disarmed = true;
        }
        let Some(instrument) = self.known(frame) else {
            return;
        };
        let (ts, bracket) = (frame.ts(), &mut self.brackets[instrument.index()]);
        let strategy = bracket.strategy();
        if bracket.on_verdict(verdict.intent) {
            self.outcomes.decide(instrument, verdict.intent, false);
            self.throttles
                .on_end(instrument, strategy, ts, Rest::Refused);
        }
    }

    fn on_ended(&mut self, instrument: InstrumentId, ts: Nanos, ended: Option<Ended>) {
        let Some(ended) = ended else { return };
        self.outcomes.decide(instrument, ended.intent, ended.filled);
        let rest = match (ended.filled, ended.lost) {
            (false, _) => Rest::Unfilled,
            (true, true) => Rest::Loss,
            (true, false) => Rest::Win,
        };
        self.throttles.on_end(instrument, ended.strategy, ts, rest);
    }

    /// Intents that nobody ever answered do not keep their instruments for ever.
    pub(super) fn give_up_unheard(&mut self, ts: Nanos) {
        for (i, bracket) in self.brackets.iter_mut().enumerate() {
            let (intent, strategy) = (bracket.intent(), bracket.strategy());
            if !intent.is_none() && bracket.expire(ts) {
                let instrument = InstrumentId(i as u16);
                self.outcomes.decide(instrument, intent, false);
                self.throttles
                    .on_end(instrument, strategy, ts, Rest::Unfilled);
            }
        }
    }
}
