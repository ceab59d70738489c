//! A measuring instrument: as many commands as the market gives occasion for.
//!
//! It knows nothing of the market and is never a default. It exists because a strategy worth
//! trading commands so rarely that the tail of its latency has no samples. Its intents pass
//! the same gates, controls and envelopes as everything else.
//!
//! [`Entries::Hold`]: it enters through the far touch, once, and keeps the position. From then on
//! each `Best` of the instrument moves the position's stop, to `follow_ppm` of the price behind the
//! touch that it would exit on, or one tick further where it stands there already, so that a
//! `Best` that left this touch where it was has its command too: one protective `Modify` for each
//! change of the best quote, as far as the gateway's credits go.
//!
//! [`Entries::Rest`]: at each evaluation it intends an entry that rests `rest_ppm` behind the
//! near touch, on the two sides in turn, and whose permitted spread is one billionth of a currency
//! unit: the next `Best` that shows a spread ends it, the next evaluation brings the next one.
//!
//! It saves nothing in a checkpoint: the market that follows brings all it needs.

use crate::codec::{Reader, Writer};
use crate::config::{Check, ConfigFault};
use crate::strategy::{Held, Scores, Seen, Setup, Strategy};
use stream::hash::fold;
use stream::limits::EVALUATE_PERIOD;
use stream::payload::COMPONENTS;
use stream::{Nanos, Price, Side};

/// What becomes of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entries {
    /// They fill, and the position is kept.
    Hold,
    /// They rest out of reach until the quote changes.
    Rest,
}

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeConfig {
    /// What becomes of its entries.
    pub entries: Entries,
    /// How far behind the near touch an entry rests, in ppm of it, 1 to 500,000.
    pub rest_ppm: u32,
    /// How far stop and target lie from the entry, in ppm of it, 1 to 500,000.
    pub stop_ppm: u32,
    /// How far behind the touch the stop of a position follows, in ppm of the mid, below
    /// `stop_ppm`; 0 leaves stops alone.
    pub follow_ppm: u32,
    /// How long an entry may wait, 250 ms to 1 h.
    pub ttl: Nanos,
}

const PPM: f64 = 1e6;

impl ProbeConfig {
    /// Collects what is out of range.
    pub(crate) fn check(&self, faults: &mut Vec<ConfigFault>) {
        let mut check = Check::new("probe", faults);
        check.count("rest_ppm", self.rest_ppm.into(), 1, 500_000);
        check.count("stop_ppm", self.stop_ppm.into(), 1, 500_000);
        let below = u64::from(self.stop_ppm.saturating_sub(1));
        check.count("follow_ppm", self.follow_ppm.into(), 0, below);
        check.span("ttl", self.ttl, 1, 3_600);
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// How far behind the touch a stop stands, on the grid; 0 before the first evaluation.
    distance: Price,
    tick: Price,
    /// Where the stop was last wanted.
    stop: Price,
    /// It was held since the last evaluation.
    held: bool,
}

/// The strategy.
#[derive(Debug)]
pub struct Probe {
    config: ProbeConfig,
    states: Vec<State>,
}

impl Probe {
    /// How long the outcome of a signal is followed.
    pub(crate) const HORIZON: Nanos = EVALUATE_PERIOD;

    /// For instruments 1 to `instruments`.
    #[must_use]
    pub fn new(config: ProbeConfig, instruments: usize) -> Self {
        Self {
            config,
            states: vec![State::default(); instruments + 1],
        }
    }

    /// Bytes of the strategy's part of a checkpoint.
    #[must_use]
    pub const fn bytes_max() -> usize {
        0
    }
}

/// A share of a price, on the grid, one tick at least.
fn share(price: Price, ppm: u32, tick: Price) -> Option<Price> {
    let share = Price::nearest(price.to_f64() * (f64::from(ppm) / PPM), tick)?;
    Some(share.max(tick))
}

fn moved(side: Side, from: Price, distance: Price) -> Option<Price> {
    match side {
        Side::Sell => from.checked_sub(distance),
        _ => from.checked_add(distance),
    }
}

impl Strategy for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn threshold(&self) -> f64 {
        0.5
    }

    fn judge(&mut self, seen: &Seen<'_>) -> Option<Scores> {
        let state = &mut self.states[seen.instrument.index()];
        let mid = Price(seen.features.mid2() / 2);
        state.tick = seen.tick;
        state.distance = share(mid, self.config.follow_ppm, seen.tick).unwrap_or_default();
        let held = core::mem::take(&mut state.held);
        let buys = seen.step.is_multiple_of(2);
        let score = |wanted: bool| f64::from(u8::from(wanted && !held));
        Some([score(buys), score(!buys)])
    }

    fn setup(&self, seen: &Seen<'_>, side: Side) -> Option<Setup> {
        let (view, tick, config) = (seen.view, seen.tick, &self.config);
        let entry = match (config.entries, side) {
            (Entries::Hold, Side::Sell) => view.bid.floor_to(tick).checked_sub(tick)?,
            (Entries::Hold, _) => view.ask.ceil_to(tick).checked_add(tick)?,
            (Entries::Rest, Side::Sell) => {
                let near = view.ask.ceil_to(tick);
                near.checked_add(share(near, config.rest_ppm, tick)?)?
            }
            (Entries::Rest, _) => {
                let near = view.bid.floor_to(tick);
                near.checked_sub(share(near, config.rest_ppm, tick)?)?
            }
        };
        let risk = share(entry, config.stop_ppm, tick)?;
        let stop = moved(side.opposite(), entry, risk)?;
        let target = moved(side, entry, risk)?;
        let sound = entry.0 > 0 && stop.0 > 0 && target.0 > 0;
        sound.then_some(Setup {
            components: [0.0; COMPONENTS],
            entry,
            stop,
            target,
            gates: 0,
            horizon: Self::HORIZON,
            ttl: config.ttl,
            spread_max: match config.entries {
                Entries::Hold => Price::ZERO,
                Entries::Rest => Price(1),
            },
            tape_stall: Nanos::ZERO,
            risk_share_ppm: 1_000_000,
        })
    }

    fn protects(&self) -> bool {
        self.config.follow_ppm > 0
    }

    #[inline]
    fn protect(&mut self, held: &Held) -> Option<Price> {
        let state = &mut self.states[held.instrument.index()];
        state.held = true;
        if state.distance == Price::ZERO {
            return None;
        }
        let (tick, away) = if held.position.0 > 0 {
            (Price(-state.tick.0), Price(-state.distance.0))
        } else {
            (state.tick, state.distance)
        };
        let touch = if held.position.0 > 0 {
            held.bid.floor_to(state.tick)
        } else {
            held.ask.ceil_to(state.tick)
        };
        let mut stop = touch.checked_add(away)?;
        if stop == state.stop {
            stop = stop.checked_add(tick)?;
        }
        state.stop = stop;
        Some(stop).filter(|stop| stop.0 > 0)
    }

    fn hash(&self) -> u64 {
        let words = self.states.iter().map(|state| {
            let stop = (state.stop.0 as u64).rotate_left(32);
            (state.distance.0 as u64) << 1 ^ u64::from(state.held) ^ stop
        });
        words.fold(0, fold)
    }

    fn save(&self, _: &mut Writer<'_>) {}

    fn load(&mut self, _: &mut Reader<'_>) -> Result<(), &'static str> {
        self.states.fill(State::default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::{InstrumentId, Qty};

    const CENT: i64 = 10_000_000;

    fn config() -> ProbeConfig {
        ProbeConfig {
            entries: Entries::Hold,
            rest_ppm: 10_000,
            stop_ppm: 40_000,
            follow_ppm: 20_000,
            ttl: Nanos::SECOND,
        }
    }

    fn held(position: i64) -> Held {
        Held {
            instrument: InstrumentId(1),
            position: Qty(position),
            bid: Price(10_000 * CENT),
            ask: Price(10_002 * CENT),
        }
    }

    #[test]
    fn the_same_quote_twice_moves_the_stop_by_one_tick_on_either_side() {
        let mut probe = Probe::new(config(), 1);
        assert_eq!(probe.protect(&held(5)), None, "no evaluation yet");
        probe.states[1].distance = Price(200 * CENT);
        probe.states[1].tick = Price(CENT);
        let mut stops = |position| probe.protect(&held(position)).map(|stop| stop.0 / CENT);
        assert_eq!([stops(5), stops(5)], [Some(9_800), Some(9_799)]);
        assert_eq!([stops(-5), stops(-5)], [Some(10_202), Some(10_203)]);
    }

    #[test]
    fn what_is_out_of_range_is_listed_and_stops_that_never_move_are_not_asked_for() {
        let mut faults = Vec::new();
        config().check(&mut faults);
        assert_eq!(faults, []);
        let still = ProbeConfig {
            follow_ppm: 0,
            ..config()
        };
        assert!(Probe::new(config(), 1).protects() && !Probe::new(still, 1).protects());
        let broken = ProbeConfig {
            rest_ppm: 0,
            follow_ppm: 40_000,
            ..config()
        };
        broken.check(&mut faults);
        let fields: Vec<_> = faults.iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["rest_ppm", "follow_ppm"]);
    }
}
