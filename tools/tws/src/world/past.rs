//! What the market did before the data begin: a seeded history without end, the same whenever and
//! in whatever pieces it is asked for.
//!
//! The price is the one at which the data begin, times one plus a sum of waves of chance: each wave
//! has values drawn by a hash at whole multiples of its period, straight lines between them, and
//! the sum is moved so that it is zero where the data begin. So history meets the present, and a
//! bar is a function of its bounds alone.

use super::record::{Candle, Span};
use stream::{Price, hash};

/// Periods in seconds and swings in parts per million of the price.
const WAVES: [(i64, i64); 8] = [
    (60, 300),
    (300, 700),
    (1_800, 1_800),
    (10_800, 4_000),
    (86_400, 9_000),
    (432_000, 20_000),
    (1_728_000, 40_000),
    (6_912_000, 70_000),
];
const MINUTE: i64 = 60;

/// One instrument's history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    seed: u64,
    /// The price at which the data begin, and when, in whole seconds.
    first: Price,
    start: i64,
    tick: Price,
}

impl Past {
    pub(super) fn new(seed: u64, con_id: i32, (first, start): (Price, i64), tick: Price) -> Self {
        Self {
            seed: hash::join(seed, con_id as u64),
            first,
            start,
            tick,
        }
    }

    /// Uniform in −1e6 to 1e6.
    fn draw(&self, wave: usize, at: i64) -> i64 {
        let random = hash::join(hash::join(self.seed, wave as u64), at as u64);
        (random % 2_000_001) as i64 - 1_000_000
    }

    /// The sum of all waves, in 1e-12 of the price.
    fn waves(&self, at: i64) -> i128 {
        let wave = |(index, (period, swing)): (usize, (i64, i64))| {
            let (whole, rest) = (at.div_euclid(period), at.rem_euclid(period));
            let (left, right) = (self.draw(index, whole), self.draw(index, whole + 1));
            let value =
                i128::from(left) * i128::from(period) + i128::from(right - left) * i128::from(rest);
            value * i128::from(swing) / i128::from(period)
        };
        WAVES.into_iter().enumerate().map(wave).sum()
    }

    /// The price at a second, on the grid and at least one tick.
    pub(super) fn price(&self, at: i64) -> Price {
        let moved = self.waves(at) - self.waves(self.start);
        let price = i128::from(self.first.0) * (1_000_000_000_000 + moved) / 1_000_000_000_000;
        Price(price as i64).max(self.tick).floor_to(self.tick)
    }

    /// A minute's extremes lie a little outside of its ends.
    fn wick(&self, minute: i64, salt: u64) -> Price {
        let random = hash::join(hash::join(self.seed ^ salt, minute as u64), 17) % 4;
        Price(self.tick.0 * random as i64)
    }

    /// What happened from one second to another, the last one not included.
    pub(super) fn candle(&self, from: i64, to: i64) -> Candle {
        let mut all = Candle {
            start: from,
            ..Candle::default()
        };
        let mut at = from;
        while at < to {
            let minute = at.div_euclid(MINUTE);
            let end = ((minute + 1) * MINUTE).min(to);
            all.join(&self.piece(at, end, minute));
            at = end;
        }
        all
    }

    /// A minute, or a part of one.
    fn piece(&self, from: i64, to: i64, minute: i64) -> Candle {
        let whole = to - from == MINUTE;
        let (open, close) = (self.price(from), self.price(to));
        let (mut high, mut low) = (open.max(close), open.min(close));
        if whole {
            high = Price(high.0 + self.wick(minute, 1).0);
            low = Price(low.0 - self.wick(minute, 2).0).max(self.tick);
        }
        let span = |shift: i64| Span {
            open: open.0 + shift,
            high: high.0 + shift,
            low: low.0 + shift,
            close: close.0 + shift,
        };
        let random = hash::join(hash::join(self.seed, minute as u64), 5);
        let volume = (20 + random % 400) * (to - from) as u64;
        let middle = i128::from(open.0) / 2 + i128::from(close.0) / 2;
        Candle {
            start: from,
            trades: span(0),
            bid: span(-self.tick.0),
            ask: span(self.tick.0),
            mid: span(0),
            volume,
            notional: middle * i128::from(volume),
            count: (volume / 100).max(1) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TICK: Price = Price(10_000_000);
    const START: i64 = 1_795_000_020;

    fn past() -> Past {
        Past::new(3, 77, (Price(100_000_000_000), START), TICK)
    }

    proptest! {
        /// Whole minutes join to the same bar in whatever pieces they are asked for.
        #[test]
        fn pieces_join_to_the_whole(
            begin in 1_600_000_000i64 / 60..1_700_000_000 / 60,
            first in 1i64..300,
            second in 1i64..300,
        ) {
            let past = past();
            let at = |minutes: i64| (begin + minutes) * 60;
            let mut joined = past.candle(at(0), at(first));
            joined.join(&past.candle(at(first), at(first + second)));
            prop_assert_eq!(joined, past.candle(at(0), at(first + second)));
            prop_assert!(joined.trades.low <= joined.trades.open.min(joined.trades.close));
            prop_assert!(joined.trades.high >= joined.trades.open.max(joined.trades.close));
            prop_assert!(joined.trades.low > 0);
        }
    }

    #[test]
    fn history_meets_the_present_and_bars_meet_each_other() {
        let past = past();
        assert_eq!(past.price(START), Price(100_000_000_000));
        let (one, two) = (past.candle(600, 1_200), past.candle(1_200, 1_800));
        assert_eq!(one.trades.close, two.trades.open);
        assert_ne!(past.price(START - 86_400), past.price(START), "it moves");
    }
}
