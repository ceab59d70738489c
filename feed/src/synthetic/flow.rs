//! What happens at one order-flow event of one symbol.
//!
//! Behind the book stands a fair value that nobody publishes: a random walk with its own noise, a
//! share of a common factor, and a drift that comes and goes over seconds. Makers quote around the
//! fair value and pull quotes that it has overtaken. Takers pick off what is left; the others
//! choose their side by the drift (informed flow), by what takers before them did (herding) and
//! by chance (noise that pushes the quotes away from the fair value until makers refill).

use super::config::{Momentum, Regime, Symbol};
use super::intensity::seconds;
use super::ladder::{Effect, Ladder, ORDERS_MAX};
use super::random::Random;
use stream::{Nanos, Side};

/// Orders a side in a normal regime.
const TARGET: f64 = 70.0;
/// A side with fewer orders than this is refilled before anything else.
const SCARCE: usize = 8;
/// Makers that one taker meets at most.
pub(super) const MAKERS_HIT_MAX: usize = 16;
/// Part of the events that are takers.
const TAKERS: f64 = 0.10;
/// Part of the events at which a stale best quote is pulled or picked off.
const STALE_SEEN: f64 = 0.5;
/// Lowest fair value in ticks.
const VALUE_MIN: f64 = 300.0;
/// Weight of the latest taker in the memory of takers' sides.
const HERD_WEIGHT: f64 = 0.1;

/// The makers, as a consolidated broker's depth names them.
pub(super) const MAKERS: [[u8; 8]; 6] = [
    *b"NSDQ\0\0\0\0",
    *b"ARCA\0\0\0\0",
    *b"BATS\0\0\0\0",
    *b"EDGX\0\0\0\0",
    *b"NYSE\0\0\0\0",
    *b"IEX\0\0\0\0\0",
];

/// What a symbol's flow needs to know of its surroundings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Climate {
    pub(super) regime: Regime,
    pub(super) momentum: Momentum,
    pub(super) herding: f64,
    /// The common factor's level, as a relative move since the open.
    pub(super) factor: f64,
}

/// One symbol's true market.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) ladder: Ladder,
    /// Fair value in ticks.
    value: f64,
    /// Relative move a second.
    drift: f64,
    factor_seen: f64,
    /// Memory of takers' sides, −1 to 1.
    herd: f64,
    at: Nanos,
    /// Relative move per square-root second.
    volatility: f64,
    beta: f64,
    half_spread_ticks: f64,
    lot: u32,
}

/// Ids of orders, for all symbols.
#[derive(Clone, Debug)]
pub(super) struct Ids(u64);

impl Ids {
    pub(super) const fn new() -> Self {
        Self(0)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// What an event works with.
pub(super) struct Hands<'a> {
    pub(super) random: &'a mut Random,
    pub(super) ids: &'a mut Ids,
    pub(super) log: &'a mut Vec<Effect>,
}

impl Flow {
    pub(super) fn new(symbol: &Symbol, at: Nanos) -> Self {
        Self {
            ladder: Ladder::new(),
            value: symbol.price.0 as f64 / symbol.tick.0 as f64,
            drift: 0.0,
            factor_seen: 0.0,
            herd: 0.0,
            at,
            volatility: symbol.volatility_bps * 1e-4,
            beta: symbol.beta,
            half_spread_ticks: symbol.half_spread_ticks,
            lot: symbol.lot,
        }
    }

    /// Fair value to the nearest tick.
    pub(super) fn value_tick(&self) -> i64 {
        libm::round(self.value) as i64
    }

    /// Fills an empty book around the fair value.
    pub(super) fn fill(&mut self, climate: &Climate, hands: &mut Hands<'_>) {
        let count = self.target(climate);
        for _ in 0..count {
            self.add(Side::Buy, climate, hands);
            self.add(Side::Sell, climate, hands);
        }
    }

    /// A jump of the fair value by `moves` standard deviations of a minute, and a new book there.
    pub(super) fn reopen(
        &mut self,
        ts: Nanos,
        moves: f64,
        climate: &Climate,
        hands: &mut Hands<'_>,
    ) {
        self.at = ts;
        self.factor_seen = climate.factor;
        self.herd = 0.0;
        let jump = moves * self.volatility * libm::sqrt(60.0);
        self.value = (self.value * (1.0 + jump)).max(VALUE_MIN);
        self.ladder.clear();
        self.fill(climate, hands);
    }

    /// One event at `ts`.
    pub(super) fn step(&mut self, ts: Nanos, climate: &Climate, hands: &mut Hands<'_>) {
        self.move_value(ts, climate, hands.random);
        let scarce = [Side::Buy, Side::Sell]
            .into_iter()
            .find(|side| self.ladder.count(*side) < SCARCE);
        if let Some(side) = scarce {
            self.refill(side, climate, hands);
        } else if !self.clear_stale(climate, hands) {
            if hands.random.chance(TAKERS) {
                self.take(climate, hands);
            } else {
                self.make(climate, hands);
            }
        }
    }

    fn move_value(&mut self, ts: Nanos, climate: &Climate, random: &mut Random) {
        let elapsed = seconds(self.at, ts);
        self.at = ts;
        let memory = climate.momentum.memory.0 as f64 * 1e-9;
        let kept = libm::exp(-elapsed / memory);
        let drift_scale = climate.momentum.drift_bps * 1e-4;
        self.drift =
            self.drift * kept + drift_scale * libm::sqrt(1.0 - kept * kept) * random.normal();
        let noise = self.volatility * climate.regime.volatility * libm::sqrt(elapsed);
        let common = self.beta * (climate.factor - self.factor_seen);
        self.factor_seen = climate.factor;
        let relative = self.drift * elapsed + noise * random.normal() + common;
        self.value = (self.value * (1.0 + relative)).max(VALUE_MIN);
    }

    fn half_spread(&self, climate: &Climate) -> f64 {
        self.half_spread_ticks * climate.regime.spread
    }

    fn target(&self, climate: &Climate) -> usize {
        let target = TARGET * climate.regime.depth;
        (target as usize).clamp(2 * SCARCE, ORDERS_MAX / 3)
    }

    /// How far a side's best quote has come too near to the fair value or beyond it, in ticks;
    /// negative where it is not.
    fn overtaken(&self, side: Side) -> f64 {
        match self.ladder.best(side) {
            Some((tick, _)) => side.sign() as f64 * (tick as f64 - self.value),
            None => f64::NEG_INFINITY,
        }
    }

    /// Pulls a quote that stands too near to the fair value, or trades against one that stands
    /// beyond it. False when there is none or nobody looked.
    fn clear_stale(&mut self, climate: &Climate, hands: &mut Hands<'_>) -> bool {
        let side = if self.overtaken(Side::Buy) > self.overtaken(Side::Sell) {
            Side::Buy
        } else {
            Side::Sell
        };
        let beyond = self.overtaken(side);
        if beyond < -0.4 * self.half_spread(climate) || !hands.random.chance(STALE_SEEN) {
            return false;
        }
        if beyond > 0.5 && hands.random.chance(0.5) {
            let qty = self.quantity(1.0, hands.random);
            self.ladder.hit(side, qty, MAKERS_HIT_MAX, hands.log);
            self.remember(side.opposite());
        } else if let Some(front) = self.ladder.front(side) {
            self.ladder.delete(front, hands.log);
        }
        true
    }

    fn remember(&mut self, aggressor: Side) {
        let sign = aggressor.sign() as f64;
        self.herd += HERD_WEIGHT * (sign - self.herd);
    }

    fn take(&mut self, climate: &Climate, hands: &mut Hands<'_>) {
        let scale = climate.momentum.drift_bps * 1e-4;
        let known = if scale > 0.0 { self.drift / scale } else { 0.0 };
        // x / (1 + |x|): a cheap, exact stand-in for tanh.
        let informed = climate.momentum.informed * known / (1.0 + known.abs());
        let lean = (informed + climate.herding * self.herd).clamp(-0.95, 0.95);
        let aggressor = if hands.random.chance(0.5 + 0.5 * lean) {
            Side::Buy
        } else {
            Side::Sell
        };
        let qty = self.quantity(1.0, hands.random);
        let resting = aggressor.opposite();
        self.ladder.hit(resting, qty, MAKERS_HIT_MAX, hands.log);
        self.remember(aggressor);
    }

    /// A maker adds, cancels, shrinks or moves an order; the numbers of orders return to target.
    fn make(&mut self, climate: &Climate, hands: &mut Hands<'_>) {
        let side = if hands.random.chance(0.5) {
            Side::Buy
        } else {
            Side::Sell
        };
        let count = self.ladder.count(side);
        let target = self.target(climate) as f64;
        let want = (0.5 + (target - count as f64) / target).clamp(0.1, 0.9);
        if hands.random.chance(want) && !self.ladder.is_full() {
            return self.add(side, climate, hands);
        }
        let index = self.ladder.nth(side, hands.random.below(count));
        let qty = self.ladder.order(index).qty;
        match hands.random.below(10) {
            0 if qty > 1 => {
                let by = 1 + hands.random.below(qty as usize - 1) as u32;
                self.ladder.reduce(index, by, hands.log);
            }
            1 => {
                let tick = self.limit(side, climate, hands.random);
                let id = hands.ids.next();
                self.ladder.replace(index, id, tick, qty, hands.log);
            }
            _ => self.ladder.delete(index, hands.log),
        }
    }

    /// Adds to a side that runs dry, or makes room for that.
    fn refill(&mut self, side: Side, climate: &Climate, hands: &mut Hands<'_>) {
        if self.ladder.is_full() {
            let crowded = side.opposite();
            let index = hands.random.below(self.ladder.count(crowded));
            self.ladder
                .delete(self.ladder.nth(crowded, index), hands.log);
        } else {
            self.add(side, climate, hands);
        }
    }

    fn add(&mut self, side: Side, climate: &Climate, hands: &mut Hands<'_>) {
        let tick = self.limit(side, climate, hands.random);
        let qty = self.quantity(climate.regime.depth.min(2.0), hands.random);
        let maker = maker(hands.random);
        let id = hands.ids.next();
        self.ladder.add(id, side, tick, qty, maker, hands.log);
    }

    /// A maker's limit: most near the edge of the spread that the regime asks for, some deep.
    fn limit(&self, side: Side, climate: &Climate, random: &mut Random) -> i64 {
        let half = self.half_spread(climate);
        let away = if random.chance(0.08) {
            random.below(40) as i64
        } else {
            i64::from(random.geometric(0.7))
        };
        let sign = side.sign();
        let edge = match side {
            Side::Sell => libm::ceil(self.value + half) as i64,
            _ => libm::floor(self.value - half) as i64,
        };
        let tick = edge - sign * away;
        match (side, self.ladder.best(side.opposite())) {
            (Side::Sell, Some((bid, _))) => tick.max(bid + 1),
            (_, Some((ask, _))) => tick.min(ask - 1),
            (_, None) => tick,
        }
    }

    /// Mostly small multiples of the lot, sometimes an odd lot, sometimes a large one.
    fn quantity(&self, scale: f64, random: &mut Random) -> u32 {
        if random.chance(0.2) {
            return 1 + random.below(self.lot as usize) as u32;
        }
        let lots = 1 + random.geometric(0.45) + 5 * random.geometric(0.05);
        let qty = f64::from(lots * self.lot) * scale;
        (qty as u32).max(1)
    }
}

/// The first makers are the busiest.
fn maker(random: &mut Random) -> u8 {
    let a = random.below(MAKERS.len());
    a.min(random.below(MAKERS.len())) as u8
}
