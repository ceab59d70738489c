//! What a run came to, folded from its journal: every number has its source in a frame.

use crate::gate::PART_EDGE;
use crate::meter::{PART_NAMES, histogram};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use stream::limits::BUDGET;
use stream::payload::{
    Command, CommandOp, DepthSlot, Evaluate, Fill, Kill, Missed, Note, NoteKind, Outcome,
    OutcomeKind, Pnl, Reason, Refused, RoundTrip, Signal, SlotAction, Status, Tick, Timer,
};
use stream::{FrameId, FrameRef, InstrumentId, Kind, Money, Nanos};

/// Percentiles of one latency, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Percentiles {
    /// Half were faster.
    pub p50: u64,
    /// 99 of 100 were faster.
    pub p99: u64,
    /// 999 of 1,000 were faster.
    pub p999: u64,
    /// The slowest.
    pub max: u64,
    /// How many there were.
    pub count: u64,
}

impl Percentiles {
    /// Percentiles of a histogram; `None` when it is empty.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        (!histogram.is_empty()).then(|| Self {
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
            count: histogram.len(),
        })
    }
}

/// Evaluations.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluations {
    /// Done.
    pub done: u64,
    /// Not done before the next was due.
    pub missed: u64,
    /// From due to numbered; `None` in virtual time.
    pub lateness_ns: Option<Percentiles>,
    /// From numbered to every consequence journaled; `None` in virtual time.
    pub duration_ns: Option<Percentiles>,
}

/// Depth slots.
#[derive(Clone, Debug, Serialize)]
pub struct Depth {
    /// The most that were taken at a time.
    pub slots: u64,
    /// Times that a slot went over from one instrument to another.
    pub rotations: u64,
    /// Subscriptions in all.
    pub subscriptions: u64,
    /// Refused candidates whose move reached the worth of an opportunity.
    pub missed_opportunities: u64,
    /// Refused candidates in all.
    pub refused_candidates: u64,
}

/// Profit and loss, as decimal texts in the account's currency.
#[derive(Clone, Debug, Serialize)]
pub struct ProfitAndLoss {
    /// Before fees.
    pub gross: String,
    /// Fees.
    pub fees: String,
    /// After fees.
    pub net: String,
}

/// Signals and what became of them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Signals {
    /// Signals.
    pub seen: u64,
    /// Those that became intents.
    pub intents: u64,
    /// Those whose outcome is known.
    pub outcomes: u64,
    /// Outcomes by how they ended.
    pub ended: BTreeMap<&'static str, u64>,
}

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Evaluations.
    pub evaluations: Evaluations,
    /// `ts` of the input that caused a command → hand-over to the edge.
    pub tick_to_command_ns: Option<Percentiles>,
    /// Newest market event that a command rests on → hand-over to the edge.
    pub market_age_ns: Option<Percentiles>,
    /// Command → the broker's first word on it, in the stream's time: a session's own, where that
    /// passes faster than the clock on the wall.
    pub order_round_trip_ns: Option<Percentiles>,
    /// The budget from market event to command.
    pub budget_ms: u64,
    /// Share of the budget that the slowest command used up, in per cent.
    pub budget_used_percent: Option<f64>,
    /// Depth slots.
    pub depth: Depth,
    /// Signals.
    pub signals: Signals,
    /// Commands handed over.
    pub commands: u64,
    /// Intents refused, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Fills.
    pub fills: u64,
    /// Positions opened and closed again.
    pub trades: u64,
    /// Share of trades with a profit after fees; `None` without trades.
    pub win_rate: Option<f64>,
    /// Profits ÷ losses after fees; `None` without losses.
    pub profit_factor: Option<f64>,
    /// Profit and loss.
    pub pnl: ProfitAndLoss,
    /// The highest kill level that was reached, and why.
    pub kill: Option<(&'static str, &'static str)>,
    /// Positions that are still open.
    pub open_positions: u64,
    /// Service time of each part, `None` in virtual time.
    pub service_ns: BTreeMap<&'static str, (u64, u64, u64)>,
    /// Milliseconds from the first input to the first fill of the journal; `None` without fills.
    pub first_fill_ms: Option<u64>,
    /// How fast the session's time passed, in thousandths of the clock on the wall: all latencies
    /// but the order round trip are spans on the wall.
    pub speed_milli: u64,
    /// Input frames.
    pub inputs: u64,
    /// Frames in all.
    pub frames: u64,
    /// The journal's folder.
    pub journal: String,
}

/// Folds a journal into a [`Summary`].
#[derive(Debug)]
pub struct Tally {
    done: u64,
    missed: u64,
    lateness: Histogram<u64>,
    duration: Histogram<u64>,
    tick_to_command: Histogram<u64>,
    market_age: Histogram<u64>,
    round_trip: Histogram<u64>,
    evaluate: Option<FrameId>,
    placed: BTreeMap<FrameId, Nanos>,
    slots: BTreeMap<u8, InstrumentId>,
    slots_max: u64,
    depth: (u64, u64, u64, u64),
    signals: Signals,
    commands: u64,
    refused: BTreeMap<&'static str, u64>,
    fills: u64,
    first: Option<Nanos>,
    first_fill: Option<Nanos>,
    trades: u64,
    wins: u64,
    profits: i128,
    losses: i128,
    pnl: BTreeMap<InstrumentId, Pnl>,
    kill: Option<(stream::payload::KillLevel, Reason)>,
    service: BTreeMap<&'static str, (u64, u64, u64)>,
    live: bool,
    speed_milli: u64,
    inputs: u64,
    frames: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            done: 0,
            missed: 0,
            lateness: histogram(),
            duration: histogram(),
            tick_to_command: histogram(),
            market_age: histogram(),
            round_trip: histogram(),
            evaluate: None,
            placed: BTreeMap::new(),
            slots: BTreeMap::new(),
            slots_max: 0,
            depth: (0, 0, 0, 0),
            signals: Signals::default(),
            commands: 0,
            refused: BTreeMap::new(),
            fills: 0,
            first: None,
            first_fill: None,
            trades: 0,
            wins: 0,
            profits: 0,
            losses: 0,
            pnl: BTreeMap::new(),
            kill: None,
            service: BTreeMap::new(),
            live: false,
            speed_milli: 1_000,
            inputs: 0,
            frames: 0,
        }
    }
}

impl Tally {
    /// Of a run whose session passes `milli` thousandths as fast as the clock on the wall.
    ///
    /// # Panics
    /// If that is 0.
    #[must_use]
    pub fn at_speed(milli: u64) -> Self {
        assert!(milli > 0, "a session that stands still has no spans");
        Self {
            speed_milli: milli,
            ..Self::default()
        }
    }

    /// A span of the session on the wall's clock, 1 at least.
    fn wall(&self, session_ns: u64) -> u64 {
        if self.speed_milli == 1_000 {
            return session_ns.max(1);
        }
        let wall = u128::from(session_ns) * 1_000 / u128::from(self.speed_milli);
        u64::try_from(wall).unwrap_or(u64::MAX).max(1)
    }

    /// Takes one frame.
    pub fn on_frame(&mut self, frame: FrameRef<'_>) {
        self.frames += 1;
        self.inputs += u64::from(frame.is_input());
        self.first.get_or_insert(frame.ts());
        match frame.kind() {
            Kind::Tick => self.tick(frame.read(), frame.ts()),
            Kind::Evaluate => self.evaluated(frame.read(), frame.id()),
            Kind::Note => self.note(frame.read(), frame.seq()),
            Kind::Command => self.command(frame.read(), frame.ts()),
            Kind::Status => {
                let status = frame.read::<Status>();
                if let Some(placed) = self.placed.remove(&status.leg) {
                    self.round_trip
                        .saturating_record(frame.ts().saturating_sub(placed).0.max(1));
                }
            }
            Kind::DepthSlot => self.depth_slot(frame.read(), frame.instrument()),
            Kind::Missed => {
                self.depth.2 += 1;
                self.depth.3 += u64::from(frame.read::<Missed>().opportunity != 0);
            }
            Kind::Signal => {
                self.signals.seen += 1;
                self.signals.intents += u64::from(frame.read::<Signal>().gates == 0);
            }
            Kind::Outcome => self.outcome(frame.read()),
            Kind::Refused => {
                *self
                    .refused
                    .entry(frame.read::<Refused>().reason.name())
                    .or_default() += 1;
            }
            Kind::Fill => {
                let _: &Fill = frame.read();
                self.fills += 1;
                self.first_fill.get_or_insert(frame.ts());
            }
            Kind::RoundTrip => self.round_tripped(frame.read()),
            Kind::Pnl => {
                self.pnl.insert(frame.instrument(), *frame.read());
            }
            Kind::Kill => {
                let kill = frame.read::<Kill>();
                if self.kill.is_none_or(|(level, _)| kill.to > level) {
                    self.kill = Some((kill.to, kill.reason));
                }
            }
            _ => {}
        }
    }

    fn tick(&mut self, tick: &Tick, ts: Nanos) {
        if tick.timer == Timer::Evaluate {
            self.missed += u64::from(tick.missed);
            let late = self.wall(ts.saturating_sub(tick.due).0);
            self.lateness.saturating_record(late);
        }
    }

    fn evaluated(&mut self, _: &Evaluate, id: FrameId) {
        self.done += 1;
        self.evaluate = Some(id);
    }

    fn note(&mut self, note: &Note, seq: u64) {
        self.live = true;
        match note.what {
            NoteKind::Age if note.part == PART_EDGE => {
                let (command, market) = (self.wall(note.a), self.wall(note.b));
                self.tick_to_command.saturating_record(command);
                self.market_age.saturating_record(market);
            }
            NoteKind::Age if self.evaluate == Some(FrameId::new(seq, note.about)) => {
                let took = self.wall(note.a);
                self.duration.saturating_record(took);
            }
            NoteKind::Service => {
                if let Some(name) = PART_NAMES.get(usize::from(note.part)) {
                    let three = [note.a, note.b, note.c].map(|ns| self.wall(ns));
                    self.service.insert(name, three.into());
                }
            }
            _ => {}
        }
    }

    fn command(&mut self, command: &Command, ts: Nanos) {
        self.commands += 1;
        if command.op == CommandOp::Place && command.parent_leg.is_none() {
            self.placed.insert(command.leg, ts);
        }
    }

    fn depth_slot(&mut self, slot: &DepthSlot, instrument: InstrumentId) {
        match slot.action {
            SlotAction::Subscribe => {
                self.depth.0 += 1;
                self.depth.1 += u64::from(slot.other != InstrumentId::NONE);
                self.slots.insert(slot.slot, instrument);
                self.slots_max = self.slots_max.max(self.slots.len() as u64);
            }
            SlotAction::Unsubscribe => {
                self.slots.remove(&slot.slot);
            }
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        let kind: OutcomeKind = outcome.kind;
        self.signals.outcomes += 1;
        *self.signals.ended.entry(kind.name()).or_default() += 1;
    }

    fn round_tripped(&mut self, trip: &RoundTrip) {
        let net = i128::from(trip.gross.0) - i128::from(trip.fees.0);
        self.trades += 1;
        self.wins += u64::from(net > 0);
        if net > 0 {
            self.profits += net;
        } else {
            self.losses -= net;
        }
    }

    /// The summary.
    #[must_use]
    pub fn summary(self, journal: &str) -> Summary {
        let sum =
            |field: fn(&Pnl) -> Money| -> i64 { self.pnl.values().map(|pnl| field(pnl).0).sum() };
        let gross = sum(|pnl| pnl.realised) + sum(|pnl| pnl.unrealised);
        let fees = sum(|pnl| pnl.fees);
        let live =
            |histogram: &Histogram<u64>| self.live.then(|| Percentiles::of(histogram)).flatten();
        let market_age = live(&self.market_age);
        Summary {
            evaluations: Evaluations {
                done: self.done,
                missed: self.missed,
                lateness_ns: live(&self.lateness),
                duration_ns: live(&self.duration),
            },
            tick_to_command_ns: live(&self.tick_to_command),
            budget_used_percent: market_age.map(|age| age.max as f64 / BUDGET.0 as f64 * 100.0),
            market_age_ns: market_age,
            order_round_trip_ns: Percentiles::of(&self.round_trip),
            budget_ms: BUDGET.0 / 1_000_000,
            depth: Depth {
                slots: self.slots_max,
                rotations: self.depth.1,
                subscriptions: self.depth.0,
                missed_opportunities: self.depth.3,
                refused_candidates: self.depth.2,
            },
            signals: self.signals,
            commands: self.commands,
            refused: self.refused,
            fills: self.fills,
            trades: self.trades,
            win_rate: (self.trades > 0).then(|| self.wins as f64 / self.trades as f64),
            profit_factor: (self.losses > 0).then(|| self.profits as f64 / self.losses as f64),
            pnl: ProfitAndLoss {
                gross: Money(gross).to_string(),
                fees: Money(fees).to_string(),
                net: Money(gross - fees).to_string(),
            },
            kill: self
                .kill
                .map(|(level, reason)| (level.name(), reason.name())),
            open_positions: self.pnl.values().filter(|pnl| pnl.position.0 != 0).count() as u64,
            service_ns: self.service,
            first_fill_ms: self
                .first_fill
                .zip(self.first)
                .map(|(fill, first)| fill.saturating_sub(first).0 / 1_000_000),
            speed_milli: self.speed_milli,
            inputs: self.inputs,
            frames: self.frames,
            journal: journal.to_owned(),
        }
    }
}
