//! One evaluation: depth slots, missed opportunities, strategies, signals and intents, outcomes.

use super::{Crossing, SignalStage};
use crate::gates;
use crate::opportunity;
use crate::outcomes::{Followed, unfollowed};
use crate::slots::Claim;
use crate::strategy::{Seen, Setup};
use stream::payload::{Intent, Signal, quality};
use stream::{FrameId, FrameRef, InstrumentId, Nanos, Out, Side};

impl SignalStage {
    pub(super) fn evaluate<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        self.throttles.begin_evaluation();
        self.schedule_slots(frame, out);
        self.account_for_missed(frame, out);
        self.ask_strategies(frame.ts());
        self.give_signals(frame, out);
        self.tell_outcomes(frame, out);
    }

    fn schedule_slots<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        if self.config.slots.count == 0 {
            return;
        }
        let none_needs = !self.desks.iter().skip(1).any(needs_slot);
        if none_needs && self.slots_rest {
            return;
        }
        for (i, desk) in self.desks.iter().enumerate().skip(1) {
            let needs = needs_slot(desk);
            let bracket = &self.brackets[i];
            self.claims[i] = Claim {
                score: if needs {
                    opportunity::score(
                        &self.config.opportunity,
                        &self.decays,
                        &desk.features,
                        desk.spread(),
                        desk.tick,
                        self.step,
                    )
                } else {
                    0.0
                },
                needs,
                locked: bracket.is_busy() || bracket.position() != stream::Qty::ZERO,
            };
        }
        for change in self.slots.step(frame.ts(), &self.claims) {
            self.desks[change.instrument.index()].had_slot = true;
            self.emitter
                .emit(frame, change.instrument, &change.frame, out);
        }
        self.slots_rest = none_needs && self.slots.in_use() == 0;
    }

    fn account_for_missed<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        if self.slots_rest && self.tracks.is_empty() {
            // Nobody is refused, and nobody is followed who was.
            return;
        }
        let (ts, slots) = (frame.ts(), &self.slots);
        let (emitter, stats) = (&mut self.emitter, &mut self.stats);
        self.tracks.step(
            ts,
            |instrument| slots.is_refused(instrument),
            |instrument, missed| {
                stats.missed_opportunities += u64::from(missed.opportunity);
                emitter.emit(frame, instrument, missed, out);
            },
        );
        // The best refused candidate that has no track yet; the others' turn comes soon enough.
        let mut best: Option<InstrumentId> = None;
        for i in 1..self.claims.len() {
            let instrument = InstrumentId(i as u16);
            let waits = self.slots.is_refused(instrument) && !self.tracks.has(instrument);
            let better =
                |other: InstrumentId| self.claims[i].score > self.claims[other.index()].score;
            if waits && best.is_none_or(better) {
                best = Some(instrument);
            }
        }
        if let Some(instrument) = best
            && let Some(mid2) = self.desks[instrument.index()].mid2()
        {
            let score = self.claims[instrument.index()].score;
            self.tracks.begin(instrument, ts, score, mid2);
        }
    }

    /// Every strategy looks at every instrument that changed; what may signal is collected, the
    /// best scores first.
    fn ask_strategies(&mut self, ts: Nanos) {
        self.crossings.clear();
        for position in 0..self.dirty.len() {
            let instrument = self.dirty[position];
            let desk = &mut self.desks[instrument.index()];
            desk.is_dirty = false;
            let desk = &self.desks[instrument.index()];
            let Some(seen) = seen(desk, instrument, ts, self.step) else {
                continue;
            };
            for (i, strategy) in self.strategies.iter_mut().enumerate() {
                let number = i as u16 + 1;
                let Some(scores) = strategy.judge(&seen) else {
                    continue;
                };
                let threshold = strategy.threshold();
                let side = self
                    .throttles
                    .trigger(instrument, number, ts, scores, threshold);
                if let Some(side) = side {
                    self.crossings.push(Crossing {
                        score: scores[crate::session::side_index(side)],
                        instrument,
                        strategy: number,
                        side,
                    });
                }
            }
        }
        self.dirty.clear();
        self.crossings.sort_unstable_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then(a.instrument.cmp(&b.instrument))
                .then(a.strategy.cmp(&b.strategy))
        });
    }

    fn give_signals<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        let most = self.config.throttles.signals_per_evaluation;
        let mut given = 0;
        for position in 0..self.crossings.len() {
            if given == most {
                // The rest has not been marked as given and may signal at the next evaluation.
                break;
            }
            let crossing = self.crossings[position];
            let desk = &self.desks[crossing.instrument.index()];
            let strategy = &self.strategies[usize::from(crossing.strategy) - 1];
            let setup = seen(desk, crossing.instrument, frame.ts(), self.step)
                .and_then(|seen| strategy.setup(&seen, crossing.side));
            if let Some(setup) = setup {
                given += usize::from(self.give(frame, crossing, &setup, out));
            }
        }
    }

    /// Gives one signal, and its intent where no gate is closed; false when the session's signals
    /// are used up.
    fn give<O: Out>(
        &mut self,
        frame: FrameRef<'_>,
        crossing: Crossing,
        setup: &Setup,
        out: &mut O,
    ) -> bool {
        let (ts, instrument) = (frame.ts(), crossing.instrument);
        if !self.throttles.may_signal() {
            return false;
        }
        let gates = self.gates(ts, crossing) | setup.gates;
        let desk = &self.desks[instrument.index()];
        let market_ts = desk.view.market_ts;
        let signal = Signal {
            strategy: crossing.strategy,
            side: crossing.side,
            gates,
            score: crossing.score,
            entry: setup.entry,
            stop: setup.stop,
            target: setup.target,
            horizon: setup.horizon,
            market_ts,
            components: setup.components,
            threshold: self.strategies[usize::from(crossing.strategy) - 1].threshold(),
            ..Signal::zeroed()
        };
        let id = self.emitter.emit(frame, instrument, &signal, out);
        self.stats.signals += 1;
        self.throttles
            .on_signal(instrument, crossing.strategy, crossing.side, ts);
        let intent = if gates == 0 {
            self.wish(frame, crossing, setup, id, out)
        } else {
            FrameId::NONE
        };
        self.follow(frame, crossing, setup, gates, (id, intent), out);
        true
    }

    fn wish<O: Out>(
        &mut self,
        frame: FrameRef<'_>,
        crossing: Crossing,
        setup: &Setup,
        signal: FrameId,
        out: &mut O,
    ) -> FrameId {
        let instrument = crossing.instrument;
        let intent = Intent {
            signal,
            entry: setup.entry,
            stop: setup.stop,
            target: setup.target,
            ttl: setup.ttl,
            spread_max: setup.spread_max,
            tape_stall: setup.tape_stall,
            market_ts: self.desks[instrument.index()].view.market_ts,
            risk_share_ppm: setup.risk_share_ppm,
            strategy: crossing.strategy,
            side: crossing.side,
            ..Intent::zeroed()
        };
        let id = self.emitter.emit(frame, instrument, &intent, out);
        self.stats.intents += 1;
        self.throttles.on_intent(instrument, crossing.strategy);
        self.brackets[instrument.index()].start(id, crossing.strategy, frame.ts());
        id
    }

    fn follow<O: Out>(
        &mut self,
        frame: FrameRef<'_>,
        crossing: Crossing,
        setup: &Setup,
        gates: u32,
        (signal, intent): (FrameId, FrameId),
        out: &mut O,
    ) {
        let (ts, instrument) = (frame.ts(), crossing.instrument);
        let desk = &self.desks[instrument.index()];
        let horizon = ts.saturating_add(setup.horizon);
        let end = desk.hours.end();
        let followed = Followed {
            signal,
            intent,
            instrument,
            strategy: crossing.strategy,
            side: crossing.side,
            gates,
            entry: setup.entry,
            stop: setup.stop,
            target: setup.target,
            since: ts,
            fill_by: ts.saturating_add(setup.ttl),
            deadline: horizon.min(end),
            session_end: end <= horizon,
        };
        if gates & gates::OUTCOMES_FULL == 0 {
            self.outcomes.follow(followed, desk.touch());
        } else {
            self.stats.outcomes += 1;
            self.emitter
                .emit(frame, instrument, &unfollowed(&followed), out);
        }
    }

    fn gates(&self, ts: Nanos, crossing: Crossing) -> u32 {
        let config = &self.config;
        let instrument = crossing.instrument;
        let desk = &self.desks[instrument.index()];
        let bracket = &self.brackets[instrument.index()];
        let window =
            desk.hours
                .permits_entry(ts, config.entries_after_open, config.entries_before_close);
        let depth = desk.features.depth_imbalance().is_some();
        let short = crossing.side == Side::Sell && !(config.shorts && desk.shortable);
        let closed = [
            (bracket.position() != stream::Qty::ZERO, gates::IN_POSITION),
            (bracket.is_busy(), gates::BUSY),
            (!window, gates::WINDOW),
            (desk.quality() & !quality::HALTED != 0, gates::QUALITY),
            (desk.quality() & quality::HALTED != 0, gates::HALTED),
            (config.need_depth && !depth, gates::DEPTH),
            (self.permission.is_killed, gates::KILL_LEVEL),
            (self.permission.is_disarmed, gates::DISARMED),
            (self.outcomes.is_full(), gates::OUTCOMES_FULL),
            (short, gates::SHORT),
        ];
        closed.iter().filter(|(is_closed, _)| *is_closed).fold(
            self.throttles.gates(instrument, crossing.strategy, ts),
            |gates, (_, gate)| gates | gate,
        )
    }

    fn tell_outcomes<O: Out>(&mut self, frame: FrameRef<'_>, out: &mut O) {
        let (emitter, stats) = (&mut self.emitter, &mut self.stats);
        self.outcomes.expire(frame.ts());
        self.outcomes.drain(frame.ts(), |instrument, outcome| {
            stats.outcomes += 1;
            emitter.emit(frame, instrument, outcome, out);
        });
    }
}

/// True when nothing but a slot brings the instrument's depth.
fn needs_slot(desk: &crate::desk::Desk) -> bool {
    desk.tick.0 > 0 && !desk.has_full_book && desk.features.step() != 0
}

/// What a strategy sees of the instrument; `None` while it is not to be judged: unknown, outside
/// its session, or without a tradable book.
fn seen(
    desk: &crate::desk::Desk,
    instrument: InstrumentId,
    ts: Nanos,
    step: u64,
) -> Option<Seen<'_>> {
    let judged = desk.tick.0 > 0 && desk.features.mid2() > 0 && desk.hours.contains(ts);
    judged.then_some(Seen {
        instrument,
        ts,
        step,
        view: &desk.view,
        features: &desk.features,
        tick: desk.tick,
        hours: desk.hours,
    })
}
