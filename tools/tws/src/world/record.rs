//! What the broker keeps of each instrument's market: seconds of bars, ticks, the last quote.

use super::exchange::Print;
use std::collections::VecDeque;
use stream::{Nanos, Price};

/// Ticks of each sort that are kept for requests of the past.
const TICKS_MAX: usize = 20_000;
/// Seconds that are kept apart; beyond them the older half is joined to minutes.
const SECONDS_MAX: usize = 50_000;

/// First, highest, lowest and last price; all 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) open: i64,
    pub(super) high: i64,
    pub(super) low: i64,
    pub(super) close: i64,
}

impl Span {
    pub(super) fn extend(&mut self, price: i64) {
        self.join(Self {
            open: price,
            high: price,
            low: price,
            close: price,
        });
    }

    /// With what came later.
    pub(super) fn join(&mut self, later: Self) {
        if later == Self::default() {
            return;
        }
        if *self == Self::default() {
            *self = later;
        } else {
            self.high = self.high.max(later.high);
            self.low = self.low.min(later.low);
            self.close = later.close;
        }
    }
}

/// What happened in a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Candle {
    /// Its start, in whole seconds since the epoch.
    pub(super) start: i64,
    pub(super) trades: Span,
    pub(super) bid: Span,
    pub(super) ask: Span,
    /// The middle between them.
    pub(super) mid: Span,
    pub(super) volume: u64,
    /// Sum of price × quantity.
    pub(super) notional: i128,
    pub(super) count: u32,
}

impl Candle {
    /// With what came later.
    pub(super) fn join(&mut self, later: &Self) {
        self.trades.join(later.trades);
        self.bid.join(later.bid);
        self.ask.join(later.ask);
        self.mid.join(later.mid);
        self.volume += later.volume;
        self.notional += later.notional;
        self.count += later.count;
    }
}

/// A trade of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traded {
    pub(super) ts: Nanos,
    pub(super) price: Price,
    pub(super) qty: u64,
}

/// The best quotes at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quoted {
    pub(super) ts: Nanos,
    pub(super) bid: Price,
    pub(super) ask: Price,
    pub(super) bid_qty: u64,
    pub(super) ask_qty: u64,
}

impl Quoted {
    /// The middle, rounded down to the unit of prices.
    pub(super) const fn mid(&self) -> Price {
        Price(self.bid.0 / 2 + self.ask.0 / 2 + (self.bid.0 % 2 + self.ask.0 % 2) / 2)
    }

    /// True when both sides are there.
    pub(super) const fn is_whole(&self) -> bool {
        self.bid_qty > 0 && self.ask_qty > 0
    }

    fn same(&self, other: &Self) -> bool {
        let at = |quote: &Self| Self {
            ts: Nanos::ZERO,
            ..*quote
        };
        at(self) == at(other)
    }
}

/// One instrument's record.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) last_qty: u64,
    /// The price at which its market begins, where that is known before the first event.
    pub(super) begins: Price,
    /// Shares that can be borrowed.
    pub(super) short: u64,
    pub(super) quote: Quoted,
    /// Seconds in which something happened, oldest first.
    pub(super) seconds: Vec<Candle>,
    pub(super) trades: VecDeque<Traded>,
    pub(super) quotes: VecDeque<Quoted>,
}

impl Record {
    /// The first price that is known of it; 0 before there is one.
    pub(super) fn first(&self) -> Price {
        if self.begins > Price::ZERO {
            return self.begins;
        }
        let first = self.seconds.first();
        first.map_or(Price::ZERO, |second| {
            let open = [
                second.trades.open,
                second.mid.open,
                second.bid.open,
                second.ask.open,
            ];
            Price(open.into_iter().find(|price| *price > 0).unwrap_or(0))
        })
    }

    fn second(&mut self, ts: Nanos) -> &mut Candle {
        let start = (ts.0 / Nanos::SECOND.0) as i64;
        if self.seconds.last().is_none_or(|last| last.start < start) {
            if self.seconds.len() >= SECONDS_MAX {
                self.seconds = joined(&self.seconds);
            }
            self.seconds.push(Candle {
                start,
                ..Candle::default()
            });
        }
        self.seconds.last_mut().expect("one was just made")
    }

    pub(super) fn trade(&mut self, ts: Nanos, print: Print) {
        self.last_qty = print.qty;
        let second = self.second(ts);
        second.trades.extend(print.price.0);
        second.volume += print.qty;
        second.notional += i128::from(print.price.0) * i128::from(print.qty);
        second.count += 1;
        let tick = Traded {
            ts,
            price: print.price,
            qty: print.qty,
        };
        keep(&mut self.trades, tick);
    }

    /// The best quotes are these now; true when they have changed.
    pub(super) fn quote(&mut self, quote: Quoted) -> bool {
        if self.quote.same(&quote) {
            return false;
        }
        self.quote = quote;
        let second = self.second(quote.ts);
        if quote.bid_qty > 0 {
            second.bid.extend(quote.bid.0);
        }
        if quote.ask_qty > 0 {
            second.ask.extend(quote.ask.0);
        }
        if quote.is_whole() {
            second.mid.extend(quote.mid().0);
        }
        keep(&mut self.quotes, quote);
        true
    }
}

/// The older half as minutes, the rest as it is.
fn joined(seconds: &[Candle]) -> Vec<Candle> {
    let (old, new) = seconds.split_at(seconds.len() / 2);
    let mut all: Vec<Candle> = Vec::with_capacity(SECONDS_MAX);
    for candle in old {
        let start = candle.start - candle.start.rem_euclid(60);
        match all.last_mut() {
            Some(minute) if minute.start == start => minute.join(candle),
            _ => all.push(Candle { start, ..*candle }),
        }
    }
    all.extend_from_slice(new);
    all
}

fn keep<T>(ticks: &mut VecDeque<T>, tick: T) {
    if ticks.len() == TICKS_MAX {
        ticks.pop_front();
    }
    ticks.push_back(tick);
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::Side;

    #[test]
    fn seconds_join_to_longer_spans() {
        let mut record = Record::default();
        for (millis, price, qty) in [(100, 10, 5), (900, 14, 1), (1_200, 8, 2), (3_999, 9, 1)] {
            let print = Print {
                price: Price(price),
                qty,
                aggressor: Side::None,
                bar: false,
            };
            record.trade(Nanos::from_millis(millis), print);
        }
        let starts: Vec<_> = record.seconds.iter().map(|second| second.start).collect();
        assert_eq!(starts, [0, 1, 3]);
        let mut all = record.seconds[0];
        for later in &record.seconds[1..] {
            all.join(later);
        }
        let prices = (
            all.trades.open,
            all.trades.high,
            all.trades.low,
            all.trades.close,
        );
        assert_eq!(prices, (10, 14, 8, 9));
        assert_eq!((all.volume, all.notional, all.count), (9, 89, 4));
    }

    #[test]
    fn old_seconds_become_minutes_and_nothing_is_lost() {
        let mut record = Record::default();
        for second in 0..120_000 {
            let print = Print {
                price: Price(1 + second % 7),
                qty: 3,
                aggressor: Side::None,
                bar: false,
            };
            record.trade(Nanos::from_secs(second as u64), print);
        }
        assert!(record.seconds.len() <= SECONDS_MAX);
        assert!(
            record
                .seconds
                .windows(2)
                .all(|pair| pair[0].start < pair[1].start)
        );
        let volume: u64 = record.seconds.iter().map(|candle| candle.volume).sum();
        assert_eq!(volume, 360_000);
        assert_eq!(record.seconds[0].count, 60);
    }

    #[test]
    fn a_quote_that_says_the_same_is_none() {
        let mut record = Record::default();
        let quote = |millis, bid| Quoted {
            ts: Nanos::from_millis(millis),
            bid: Price(bid),
            ask: Price(103),
            bid_qty: 1,
            ask_qty: 1,
        };
        assert!(record.quote(quote(1, 100)));
        assert!(!record.quote(quote(2, 100)));
        assert!(record.quote(quote(3, 101)));
        assert_eq!(record.quotes.len(), 2);
        assert_eq!(record.seconds[0].bid.high, 101);
        assert_eq!(record.quote.mid(), Price(102));
    }
}
