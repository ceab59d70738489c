//! What the synthetic market is like.

use core::fmt;
use stream::limits::INSTRUMENTS_MAX;
use stream::units::SCALE;
use stream::{Nanos, Price, SourceId};

/// One synthetic share.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    /// Its ticker, ASCII, at most 16 bytes.
    pub name: String,
    /// Its venue, ASCII, at most 8 bytes.
    pub venue: String,
    /// Fair value at the open.
    pub price: Price,
    /// Smallest price step.
    pub tick: Price,
    /// Its share of the market's order flow, relative to the others'.
    pub activity: f64,
    /// Usual order quantity in shares; orders are small multiples of it.
    pub lot: u32,
    /// Standard deviation of its own fair value's moves, in basis points per square-root second.
    pub volatility_bps: f64,
    /// Its share in the moves of the common factor.
    pub beta: f64,
    /// How far from the fair value makers begin to quote in a normal regime, in ticks.
    pub half_spread_ticks: f64,
}

/// One state of the weather. The market has a state and each symbol has one; a symbol lives in
/// the worse of the two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regime {
    /// How long it lasts on average.
    pub mean: Nanos,
    /// Order flow as a multiple of the usual.
    pub intensity: f64,
    /// Volatility as a multiple of the usual.
    pub volatility: f64,
    /// The makers' distance from fair value as a multiple of the usual.
    pub spread: f64,
    /// Number and size of resting orders as a multiple of the usual.
    pub depth: f64,
}

/// Informed flow. Each symbol has a drift that comes and goes (an Ornstein-Uhlenbeck process);
/// takers who know it trade in its direction before it has happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum {
    /// How much of the takers' choice of side the drift decides, 0 to 1. At 0 the flow says
    /// nothing about the drift.
    pub informed: f64,
    /// Standard deviation of the drift, in basis points per second.
    pub drift_bps: f64,
    /// How long the drift remembers: its correlation falls to 1/e after this time.
    pub memory: Nanos,
}

/// A trading pause of one symbol: silence, then quotes only, then a reopening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HaltPlan {
    /// Index into the symbols.
    pub symbol: usize,
    /// After the open.
    pub after: Nanos,
    /// How long nothing happens.
    pub pause: Nanos,
    /// How long there are quotes and no trades after that.
    pub quote_only: Nanos,
}

/// The session's one feed gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapPlan {
    /// After the open.
    pub after: Nanos,
    /// How long messages are lost.
    pub length: Nanos,
    /// Indexes of the symbols that lose them.
    pub symbols: Vec<usize>,
}

/// What the source publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publish {
    /// Like a broker: quotes and trades of all symbols, positional depth of those with a slot.
    Broker,
    /// Like a venue: every order of all symbols, by id.
    Orders,
}

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Same seed, same market.
    pub seed: u64,
    /// The number that frames carry as their source.
    pub source: SourceId,
    /// The open; the first frame's time.
    pub start: Nanos,
    /// From open to close. No frame falls due at or past the close.
    pub length: Nanos,
    /// The symbols; their instrument ids are 1, 2, 3 and so on.
    pub symbols: Vec<Symbol>,
    /// Events in the true market a second, all symbols together, on average in a normal regime
    /// and without the opening burst. Not all of them are published, some with several frames.
    pub events_per_second: f64,
    /// Events that one event brings about on average, 0 to 0.9: how clustered the flow is.
    pub branching: f64,
    /// How fast an event's influence on the flow decays, per second.
    pub branching_decay: f64,
    /// Flow at the open beyond the usual, as a multiple of the usual.
    pub burst: f64,
    /// How fast the opening burst decays: to 1/e after this time.
    pub burst_decay: Nanos,
    /// Flow at open and close beyond that at midday, as a multiple: the U over the day; 0 for
    /// none.
    pub u_shape: f64,
    /// Standard deviation of the common factor, in basis points per square-root second.
    pub factor_volatility_bps: f64,
    /// What informed takers do.
    pub momentum: Momentum,
    /// How much takers follow the takers before them, 0 to 0.9.
    pub herding: f64,
    /// Calm, normal, stressed.
    pub regimes: [Regime; 3],
    /// Trading pauses.
    pub halts: Vec<HaltPlan>,
    /// The feed gap.
    pub gap: Option<GapPlan>,
    /// From a depth slot's begin or end to its effect, at least 1 ms.
    pub depth_delay: Nanos,
    /// Quotes are sampled this often per symbol; zero publishes each change.
    pub quote_conflation: Nanos,
    /// What is published.
    pub publish: Publish,
}

/// One thing that is wrong with a [`Config`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The field.
    pub key: &'static str,
    /// What would be right.
    pub expected: &'static str,
}

/// Everything that is wrong with a [`Config`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<ConfigFault>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("synthetic market:")?;
        for fault in &self.0 {
            write!(f, " {} must be {};", fault.key, fault.expected)?;
        }
        Ok(())
    }
}

/// The shortest delay of a depth slot.
pub const DEPTH_DELAY_MIN: Nanos = Nanos::MILLI;

const TICK: Price = Price(SCALE / 100);

/// Name, venue, price in cents, activity, lot, volatility, beta, half spread.
type Row = (&'static str, &'static str, i64, f64, u32, f64, f64, f64);

#[rustfmt::skip]
const DEFAULT_SYMBOLS: [Row; 12] = [
    ("ALDR", "NASDAQ", 18_240, 2.4, 100, 0.9, 1.1, 0.7),
    ("BRKN", "NASDAQ", 41_510, 2.0, 100, 0.8, 1.0, 1.4),
    ("CYGN", "NASDAQ", 12_675, 2.2, 100, 1.3, 1.5, 0.7),
    ("DALE", "NYSE",    6_330, 1.0, 200, 0.7, 0.7, 0.5),
    ("ESKA", "NYSE",    2_845, 1.1, 300, 0.9, 0.8, 0.5),
    ("FJRD", "NASDAQ", 23_890, 1.6, 100, 1.1, 1.2, 1.0),
    ("GLEN", "NYSE",    9_415, 0.8, 100, 0.6, 0.6, 0.6),
    ("HOLM", "NASDAQ",  1_560, 0.9, 500, 1.4, 1.3, 0.5),
    ("ISAR", "NASDAQ", 51_720, 1.2, 100, 0.9, 1.1, 2.0),
    ("JURA", "NYSE",   15_230, 0.7, 100, 0.7, 0.8, 0.9),
    ("KARA", "NASDAQ",  7_905, 1.5, 200, 1.5, 1.6, 0.6),
    ("LUNE", "NYSE",    4_480, 0.6, 200, 0.5, 0.5, 0.5),
];

/// The `index`th of a table of any length: the default rows, later ones under other names.
fn default_symbol(index: usize) -> Symbol {
    let (name, venue, cents, activity, lot, volatility_bps, beta, half_spread_ticks) =
        DEFAULT_SYMBOLS[index % DEFAULT_SYMBOLS.len()];
    let name = match index / DEFAULT_SYMBOLS.len() {
        0 => name.to_owned(),
        round => format!("{name}{round}"),
    };
    Symbol {
        name,
        venue: venue.to_owned(),
        price: Price(cents * TICK.0),
        tick: TICK,
        activity,
        lot,
        volatility_bps,
        beta,
        half_spread_ticks,
    }
}

const fn regime(seconds: u64, factors: [f64; 4]) -> Regime {
    let [intensity, volatility, spread, depth] = factors;
    Regime {
        mean: Nanos::from_secs(seconds),
        intensity,
        volatility,
        spread,
        depth,
    }
}

impl Config {
    /// The embedded default: twelve shares, an opening burst, two pauses and one feed gap, all
    /// placed in proportion to `length`, so that half a minute shows everything.
    #[must_use]
    pub fn demo(seed: u64, start: Nanos, length: Nanos) -> Self {
        let part = |percent: u64| Nanos((u128::from(length.0) * u128::from(percent) / 100) as u64);
        let at_most = |nanos: Nanos, seconds: u64| nanos.min(Nanos::from_secs(seconds));
        let pause = |symbol, percent| HaltPlan {
            symbol,
            after: part(percent),
            pause: at_most(part(8), 300),
            quote_only: at_most(part(3), 60),
        };
        Self {
            seed,
            source: SourceId(0),
            start,
            length,
            symbols: (0..DEFAULT_SYMBOLS.len()).map(default_symbol).collect(),
            events_per_second: 2_000.0,
            branching: 0.6,
            branching_decay: 6.0,
            burst: 4.0,
            burst_decay: at_most(part(15), 120),
            u_shape: 0.0,
            factor_volatility_bps: 0.6,
            momentum: Momentum {
                informed: 0.55,
                drift_bps: 1.2,
                memory: Nanos::from_secs(5),
            },
            herding: 0.3,
            regimes: [
                regime(20, [0.8, 0.6, 0.8, 1.2]),
                regime(15, [1.0, 1.0, 1.0, 1.0]),
                regime(6, [1.6, 2.0, 3.0, 0.4]),
            ],
            halts: vec![pause(6, 30), pause(10, 75)],
            gap: Some(GapPlan {
                after: part(55),
                length: at_most(part(5), 30),
                symbols: vec![1, 4, 7, 10],
            }),
            depth_delay: Nanos::from_millis(20),
            quote_conflation: Nanos::ZERO,
            publish: Publish::Broker,
        }
    }

    /// A venue's feed for benches and for tests of order books: `symbols` shares without pauses
    /// or gaps, every order by id.
    #[must_use]
    pub fn orders(
        seed: u64,
        start: Nanos,
        length: Nanos,
        symbols: usize,
        events_per_second: f64,
    ) -> Self {
        Self {
            symbols: (0..symbols).map(default_symbol).collect(),
            events_per_second,
            halts: Vec::new(),
            gap: None,
            publish: Publish::Orders,
            ..Self::demo(seed, start, length)
        }
    }

    /// The close.
    #[must_use]
    pub fn close(&self) -> Nanos {
        self.start.saturating_add(self.length)
    }

    /// Everything that is wrong with it.
    #[must_use]
    pub fn faults(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        let mut need = |key, ok: bool, expected| {
            if !ok {
                faults.push(ConfigFault { key, expected });
            }
        };
        self.check_time(&mut need);
        self.check_flow(&mut need);
        for symbol in &self.symbols {
            check_symbol(symbol, &mut need);
        }
        for regime in &self.regimes {
            let within = |value| (0.01..=100.0).contains(&value);
            let all = [
                regime.intensity,
                regime.volatility,
                regime.spread,
                regime.depth,
            ]
            .into_iter()
            .all(within);
            need("regimes", all, "multiples from 0.01 to 100");
            need(
                "regimes.mean",
                regime.mean >= Nanos::SECOND,
                "at least one second",
            );
        }
        self.check_incidents(&mut need);
        faults
    }

    fn check_time(&self, need: &mut impl FnMut(&'static str, bool, &'static str)) {
        let fits = self.start.checked_add(self.length).is_some();
        need(
            "length",
            fits && self.length > Nanos::ZERO,
            "a span after start",
        );
        need(
            "depth_delay",
            self.depth_delay >= DEPTH_DELAY_MIN,
            "at least 1 ms",
        );
        need(
            "quote_conflation",
            self.quote_conflation == Nanos::ZERO || self.quote_conflation >= Nanos::MILLI,
            "zero or at least 1 ms",
        );
        need("burst_decay", self.burst_decay > Nanos::ZERO, "positive");
        need(
            "momentum.memory",
            self.momentum.memory >= Nanos::MILLI,
            "at least 1 ms",
        );
    }

    fn check_flow(&self, need: &mut impl FnMut(&'static str, bool, &'static str)) {
        let count = (1..=INSTRUMENTS_MAX).contains(&self.symbols.len());
        need("symbols", count, "1 to 1,024 symbols");
        let rate = (0.01..=1e9).contains(&self.events_per_second);
        need("events_per_second", rate, "from 0.01 to 1e9");
        let branching = (0.0..=0.9).contains(&self.branching);
        need("branching", branching, "from 0 to 0.9");
        let decay = (0.001..=1e6).contains(&self.branching_decay);
        need("branching_decay", decay, "from 0.001 to 1e6 per second");
        need(
            "burst",
            (0.0..=1_000.0).contains(&self.burst),
            "from 0 to 1,000",
        );
        need(
            "u_shape",
            (0.0..=100.0).contains(&self.u_shape),
            "from 0 to 100",
        );
        let factor = (0.0..=100.0).contains(&self.factor_volatility_bps);
        need("factor_volatility_bps", factor, "from 0 to 100");
        let informed = (0.0..=1.0).contains(&self.momentum.informed);
        need("momentum.informed", informed, "from 0 to 1");
        let drift = (0.0..=100.0).contains(&self.momentum.drift_bps);
        need("momentum.drift_bps", drift, "from 0 to 100");
        need(
            "herding",
            (0.0..=0.9).contains(&self.herding),
            "from 0 to 0.9",
        );
    }

    fn check_incidents(&self, need: &mut impl FnMut(&'static str, bool, &'static str)) {
        let mut halts = self.halts.clone();
        halts.sort_by_key(|halt| (halt.symbol, halt.after));
        for halt in &halts {
            let known = halt.symbol < self.symbols.len();
            need("halts.symbol", known, "an index into the symbols");
            let positive = halt.pause > Nanos::ZERO && halt.quote_only > Nanos::ZERO;
            need("halts", positive, "a positive pause and quote-only period");
        }
        let apart = halts
            .windows(2)
            .all(|pair| pair[0].symbol != pair[1].symbol || pair[0].end() < pair[1].after);
        need("halts", apart, "apart from each other in one symbol");
        if let Some(gap) = &self.gap {
            let known = gap.symbols.iter().all(|index| *index < self.symbols.len());
            need("gap.symbols", known, "indexes into the symbols");
            let mut sorted = gap.symbols.clone();
            sorted.sort_unstable();
            let once = sorted.windows(2).all(|pair| pair[0] != pair[1]);
            need("gap.symbols", once, "each symbol once");
            need("gap.length", gap.length > Nanos::ZERO, "positive");
        }
    }
}

impl HaltPlan {
    /// When trading resumes, after the open.
    pub(super) fn end(&self) -> Nanos {
        self.after
            .saturating_add(self.pause)
            .saturating_add(self.quote_only)
    }
}

fn check_symbol(symbol: &Symbol, need: &mut impl FnMut(&'static str, bool, &'static str)) {
    let text = |text: &str, most| text.is_ascii() && (1..=most).contains(&text.len());
    need(
        "symbols.name",
        text(&symbol.name, 16),
        "1 to 16 ASCII letters",
    );
    need(
        "symbols.venue",
        text(&symbol.venue, 8),
        "1 to 8 ASCII letters",
    );
    // A thousand ticks keep the fair value away from zero; a billion keep floats exact.
    let ticks = if symbol.tick > Price::ZERO {
        symbol.price.0 / symbol.tick.0
    } else {
        0
    };
    need("symbols.tick", symbol.tick > Price::ZERO, "positive");
    need(
        "symbols.price",
        (1_000..=1_000_000_000).contains(&ticks) && symbol.price.0 < i64::MAX / 16,
        "1,000 to 1e9 ticks and below 5e8 currency units",
    );
    let activity = (1e-6..=1e6).contains(&symbol.activity);
    need("symbols.activity", activity, "from 1e-6 to 1e6");
    need(
        "symbols.lot",
        (1..=100_000).contains(&symbol.lot),
        "from 1 to 100,000",
    );
    let volatility = (0.0..=100.0).contains(&symbol.volatility_bps);
    need("symbols.volatility_bps", volatility, "from 0 to 100");
    need("symbols.beta", symbol.beta.abs() <= 10.0, "from -10 to 10");
    let half = (0.1..=30.0).contains(&symbol.half_spread_ticks);
    need("symbols.half_spread_ticks", half, "from 0.1 to 30");
}
