//! A seeded synthetic market, realistic enough to trade on: the embedded default source.
//!
//! ```text
//!  intensity ─▶ flow (fair value, makers, takers) ─▶ ladder ─▶ publish ─▶ letter ─▶ frames
//!     ▲            ▲                                              ▲
//!  agenda       weather (regimes)                        depth slots, plan (pauses, gap)
//! ```
//!
//! Each symbol has a true limit order book of single orders. Order flow is self-exciting, begins
//! with a burst, knows regimes, informed takers, trading pauses and one feed gap. Published is
//! what a broker would publish (quotes, prints, positional depth while a depth slot is on) or what
//! a venue would publish (every order by id).
//!
//! Guarantees
//! - Same configuration, same market, on every machine. Depth slots decide only what is published
//!   of it, never what happens in it.
//! - A slot begins and ends exactly `depth_delay` after the time it was asked for, whatever has
//!   been announced by then, so that an answer does not depend on how early someone asked
//!   [`Source::next`]. The announced time may therefore move forward to an earlier one when
//!   [`Source::depth_slot`] is called; it never moves before a frame that was taken.
//! - A slot begins with a `DepthSnapshot` and ends with an empty one, so that nobody goes on with
//!   rows that no longer live.
//! - Published rows turn the snapshot into exactly the true top ten rows, at all times; quotes are
//!   the true best at all times, unless they are conflated or lost in the gap.
//! - The true book is never crossed and never one-sided. Nothing is allocated after construction
//!   as long as no more than 256 slot requests wait for their time.
//!
//! Deliberately absent: our own orders' influence (that is the sim edge's business), venues'
//! fragmentation, hidden liquidity, and any clock.

mod agenda;
mod config;
mod flow;
mod intensity;
mod ladder;
mod letter;
mod plan;
mod publish;
mod random;
mod rows;
mod slots;
mod weather;

pub use config::{
    Config, ConfigError, ConfigFault, DEPTH_DELAY_MIN, GapPlan, HaltPlan, Momentum, Publish,
    Regime, Symbol,
};

use agenda::Agenda;
use flow::{Climate, Flow, Hands, Ids};
use intensity::{Intensity, Kernel, seconds};
use ladder::Effect;
use plan::{Incident, Plan};
use publish::{LOG_MAX, Publisher};
use random::Random;
use slots::Slots;
use stream::payload::{
    DepthSnapshot, HaltState, Instrument, InstrumentType, Quote, Session, SessionKind, text,
};
use stream::{Draft, InstrumentId, Nanos, Next, Source};

/// How often regimes may change.
const WEATHER_PERIOD: Nanos = Nanos::SECOND;
/// How often the common factor moves.
const FACTOR_PERIOD: Nanos = Nanos::from_millis(10);

/// The market. See the module's words.
#[derive(Clone, Debug)]
pub struct Synthetic {
    config: Config,
    kernel: Kernel,
    close: Nanos,
    now: Nanos,
    random: Random,
    ids: Ids,
    log: Vec<Effect>,
    flows: Vec<Flow>,
    intensities: Vec<Intensity>,
    /// Each symbol's usual flow before excitation, events per second.
    base_rates: Vec<f64>,
    /// Which symbols have order flow now.
    trading: Vec<bool>,
    regimes: Vec<weather::State>,
    market_regime: weather::State,
    factor: f64,
    factor_at: Nanos,
    agenda: Agenda,
    plan: Plan,
    slots: Slots,
    weather_due: Nanos,
    /// The next sampling of quotes: when, and which symbol's.
    sample_due: Nanos,
    sample_symbol: usize,
    publisher: Publisher,
}

/// What is next in the true market. Ties go to the earlier line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Incident,
    Slot,
    Weather,
    Sample,
    Flow,
}

impl Synthetic {
    /// Builds the market; nothing has happened yet.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(ConfigError(faults));
        }
        let count = config.symbols.len();
        let activity: f64 = config.symbols.iter().map(|symbol| symbol.activity).sum();
        let usual = config.events_per_second * (1.0 - config.branching) / activity;
        let base_rates: Vec<f64> = (config.symbols.iter())
            .map(|symbol| symbol.activity * usual)
            .collect();
        let published =
            (config.symbols.iter().enumerate()).map(|(index, symbol)| (id_of(index), symbol.tick));
        let conflated = config.quote_conflation > Nanos::ZERO;
        let never = Nanos::MAX;
        Ok(Self {
            kernel: Kernel {
                decay: config.branching_decay,
                branching: config.branching,
                burst_decay: 1e9 / config.burst_decay.0 as f64,
            },
            close: config.close(),
            now: config.start,
            random: Random::new(config.seed),
            ids: Ids::new(),
            log: Vec::with_capacity(LOG_MAX),
            flows: (config.symbols.iter())
                .map(|symbol| Flow::new(symbol, config.start))
                .collect(),
            intensities: (base_rates.iter())
                .map(|rate| rate * weather::u_shape(config.u_shape, 0.0))
                .map(|rate| Intensity::new(rate, config.start))
                .collect(),
            base_rates,
            trading: vec![false; count],
            regimes: vec![weather::NORMAL; count],
            market_regime: weather::NORMAL,
            factor: 0.0,
            factor_at: config.start,
            agenda: Agenda::new(count),
            plan: Plan::new(&config),
            slots: Slots::new(),
            weather_due: config.start.saturating_add(WEATHER_PERIOD),
            sample_due: if conflated { config.start } else { never },
            sample_symbol: 0,
            publisher: Publisher::new(config.source, config.publish, conflated, published),
            config,
        })
    }

    /// What the market is like.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The definitions of its instruments, in order of their ids.
    pub fn instruments(&self) -> impl Iterator<Item = (InstrumentId, Instrument)> + '_ {
        (self.config.symbols.iter().enumerate()).map(|(index, symbol)| {
            let id = id_of(index);
            let instrument = Instrument {
                symbol: text(&symbol.name),
                venue: text(&symbol.venue),
                currency: text("USD"),
                multiplier: 1,
                tick_size: symbol.tick,
                venue_id: u64::from(id.0),
                lot: 1,
                what: InstrumentType::Stock,
                shortable: 1,
                spare: [0; 42],
            };
            (id, instrument)
        })
    }

    /// Its session. The date is that of the open in UTC.
    #[must_use]
    pub fn session(&self) -> Session {
        let days = i64::try_from(self.config.start.0 / (86_400 * Nanos::SECOND.0));
        let date = days
            .ok()
            .and_then(|days| jiff::Timestamp::from_second(days * 86_400).ok())
            .map_or(0, |midnight| {
                let date = midnight.to_zoned(jiff::tz::TimeZone::UTC).date();
                let year = u32::from(date.year().unsigned_abs());
                let month = u32::from(date.month().unsigned_abs());
                year * 10_000 + month * 100 + u32::from(date.day().unsigned_abs())
            });
        Session {
            date,
            kind: SessionKind::Regular,
            spare: [0; 3],
            open: self.config.start,
            close: self.close,
            previous_close: Nanos::ZERO,
        }
    }

    /// The true best quotes: what a test compares with. `None` for an unknown instrument and
    /// before the open.
    #[must_use]
    pub fn true_quote(&self, instrument: InstrumentId) -> Option<Quote> {
        let index = self.index_of(instrument)?;
        let ladder = &self.flows[index].ladder;
        ladder.best(stream::Side::Buy)?;
        Some(self.publisher.true_quote(index, ladder))
    }

    /// The true top ten positional rows a side, likewise.
    #[must_use]
    pub fn true_depth(&self, instrument: InstrumentId) -> Option<DepthSnapshot> {
        let index = self.index_of(instrument)?;
        Some(self.publisher.true_depth(index, &self.flows[index].ladder))
    }

    /// The regime that a symbol lives in: 0 calm, 1 normal, 2 stressed.
    #[must_use]
    pub fn regime(&self, instrument: InstrumentId) -> Option<u8> {
        Some(self.regime_of(self.index_of(instrument)?))
    }

    /// True when all frames of the last event have been taken: only then does what was published
    /// have to equal the truth.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.publisher.is_empty()
    }

    fn index_of(&self, instrument: InstrumentId) -> Option<usize> {
        let index = instrument.index().checked_sub(1)?;
        (index < self.flows.len()).then_some(index)
    }

    fn regime_of(&self, index: usize) -> weather::State {
        self.regimes[index].max(self.market_regime)
    }

    fn climate(&self, index: usize) -> Climate {
        Climate {
            regime: self.config.regimes[usize::from(self.regime_of(index))],
            momentum: self.config.momentum,
            herding: self.config.herding,
            factor: self.factor,
        }
    }

    /// What is next and when.
    fn due(&self) -> (Nanos, What) {
        let (flow, _) = self.agenda.first();
        let first = [
            (self.plan.due(), What::Incident),
            // Asked for too late, a slot is next, but behind what else is due by now.
            (self.slots.due().max(self.now), What::Slot),
            (self.weather_due, What::Weather),
            (self.sample_due, What::Sample),
            (flow, What::Flow),
        ]
        .into_iter()
        .min()
        .expect("there are five candidates");
        assert!(first.0 >= self.now, "the true market ran backwards");
        first
    }

    fn happen(&mut self, ts: Nanos, what: What) {
        self.now = ts;
        self.log.clear();
        match what {
            What::Incident => self.incident(),
            What::Slot => self.slot(),
            What::Weather => self.weather(),
            What::Sample => self.sample(),
            What::Flow => self.flow(),
        }
    }

    fn incident(&mut self) {
        let (incident, index) = self.plan.take();
        self.publisher.begin(index, self.now);
        match incident {
            Incident::Open => {
                self.reopen(index, 0.0);
                self.publisher.picture(&self.flows[index].ladder);
                self.resume(index);
            }
            Incident::Pause => {
                self.trading[index] = false;
                self.agenda.set(index, Nanos::MAX);
                self.publisher.halt(HaltState::Paused);
            }
            Incident::QuoteOnly => {
                let moves = self.random.normal();
                self.reopen(index, moves);
                self.publisher.halt(HaltState::QuoteOnly);
                self.publisher.rebuilt(&self.flows[index].ladder);
            }
            Incident::Resume => {
                self.publisher.halt(HaltState::Trading);
                self.resume(index);
            }
            Incident::GapBegin => self.publisher.gap_begin(),
            Incident::GapEnd => self.publisher.gap_end(&self.flows[index].ladder),
        }
    }

    fn reopen(&mut self, index: usize, moves: f64) {
        let climate = self.climate(index);
        let mut hands = Hands {
            random: &mut self.random,
            ids: &mut self.ids,
            log: &mut self.log,
        };
        self.flows[index].reopen(self.now, moves, &climate, &mut hands);
    }

    /// Trading begins with an auction's print and a burst.
    fn resume(&mut self, index: usize) {
        let flow = &self.flows[index];
        let qty = 20 * self.config.symbols[index].lot;
        self.publisher.cross(&flow.ladder, flow.value_tick(), qty);
        self.trading[index] = true;
        let burst = self.config.burst * self.base_rates[index];
        self.intensities[index].begin(self.now, burst, self.kernel);
        self.plan_next(index);
    }

    fn slot(&mut self) {
        let (instrument, subscribe) = self.slots.take();
        let index = self.index_of(instrument).expect("checked when asked for");
        self.publisher.begin(index, self.now);
        self.publisher.slot(&self.flows[index].ladder, subscribe);
    }

    /// Regimes take a step, and all flow is drawn anew from here.
    fn weather(&mut self) {
        self.weather_due = self.weather_due.saturating_add(WEATHER_PERIOD);
        let regimes = self.config.regimes;
        self.market_regime = weather::step(self.market_regime, &regimes, &mut self.random);
        let session = seconds(self.config.start, self.close);
        let part = seconds(self.config.start, self.now) / session;
        let shape = weather::u_shape(self.config.u_shape, part);
        for index in 0..self.flows.len() {
            self.regimes[index] = weather::step(self.regimes[index], &regimes, &mut self.random);
            let regime = regimes[usize::from(self.regime_of(index))];
            self.intensities[index].advance(self.now, self.kernel);
            self.intensities[index].set_base(self.base_rates[index] * regime.intensity * shape);
            if self.trading[index] {
                self.plan_next(index);
            }
        }
    }

    fn plan_next(&mut self, index: usize) {
        let next = self.intensities[index].next(self.kernel, &mut self.random);
        self.agenda.set(index, next);
    }

    /// Samples one symbol's quote; the symbols share the interval evenly.
    fn sample(&mut self) {
        let index = self.sample_symbol;
        let count = self.flows.len() as u64;
        let share = |part: u64| self.config.quote_conflation.0 * part / count;
        let step = share(index as u64 + 1) - share(index as u64);
        self.sample_due = self.sample_due.saturating_add(Nanos(step));
        self.sample_symbol = (index + 1) % self.flows.len();
        if self.trading[index] {
            self.publisher.begin(index, self.now);
            self.publisher.quote(&self.flows[index].ladder, 0);
        }
    }

    fn flow(&mut self) {
        let (_, index) = self.agenda.first();
        self.move_factor();
        let climate = self.climate(index);
        let mut hands = Hands {
            random: &mut self.random,
            ids: &mut self.ids,
            log: &mut self.log,
        };
        self.flows[index].step(self.now, &climate, &mut hands);
        self.publisher.begin(index, self.now);
        self.publisher.event(&self.flows[index].ladder, &self.log);
        self.intensities[index].advance(self.now, self.kernel);
        self.intensities[index].excite(self.kernel);
        self.plan_next(index);
    }

    fn move_factor(&mut self) {
        let periods = (self.now.0 - self.factor_at.0) / FACTOR_PERIOD.0;
        if periods == 0 {
            return;
        }
        let span = Nanos(periods * FACTOR_PERIOD.0);
        self.factor_at += span;
        let regime = self.config.regimes[usize::from(self.market_regime)];
        let scale = self.config.factor_volatility_bps * 1e-4 * regime.volatility;
        let root = libm::sqrt(seconds(Nanos::ZERO, span));
        self.factor += scale * root * self.random.normal();
    }
}

/// The id of the symbol at an index.
fn id_of(index: usize) -> InstrumentId {
    InstrumentId(index as u16 + 1)
}

impl Source for Synthetic {
    /// The time of the next event in the true market, published or not.
    fn next(&mut self) -> Next {
        if !self.publisher.is_empty() {
            return Next::At(self.now);
        }
        match self.due() {
            (ts, _) if ts < self.close => Next::At(ts),
            _ => Next::End,
        }
    }

    /// Lets the next event happen and writes its first frame, or the next frame of an event that
    /// has several. False when the event has none.
    fn take(&mut self, draft: &mut Draft) -> bool {
        if self.publisher.is_empty() {
            match self.due() {
                (ts, what) if ts < self.close => self.happen(ts, what),
                _ => return false,
            }
        }
        let ladder = &self.flows[self.publisher.symbol()].ladder;
        self.publisher.take(ladder, draft)
    }

    /// Takes effect at `ts` plus the configured delay. Unknown instruments and order mode, which
    /// has no slots, ignore it.
    fn depth_slot(&mut self, ts: Nanos, instrument: InstrumentId, subscribe: bool) {
        if self.config.publish == Publish::Broker && self.index_of(instrument).is_some() {
            let due = ts.saturating_add(self.config.depth_delay);
            self.slots.ask(due, instrument, subscribe);
        }
    }
}

#[cfg(test)]
mod tests;
