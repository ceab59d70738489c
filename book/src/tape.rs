//! The tape of one instrument: what traded in the session, and running totals.

use stream::hash::fold_all;
use stream::payload::Bar;
use stream::{Nanos, Price, Side};

/// What traded. Prices are 0 before the first printed trade of the session; the totals at the end
/// run on over sessions, so that a reader takes differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    /// The session's date as yyyymmdd; 0 before the first `Session` frame.
    pub date: u32,
    /// Last printed price.
    pub last: Price,
    /// First printed price.
    pub open: Price,
    /// Highest printed price.
    pub high: Price,
    /// Lowest printed price.
    pub low: Price,
    /// Printed quantity.
    pub volume: u64,
    /// Sum of price × quantity, in 1e-9 of a currency unit.
    pub notional: i128,
    /// `ts` of the newest printed trade; kept over sessions.
    pub trade_ts: Nanos,
    /// Printed trades since the start.
    pub trades_total: u64,
    /// Quantity that aggressors bought since the start.
    pub bought_total: u64,
    /// Quantity that aggressors sold since the start.
    pub sold_total: u64,
    /// True once a trade was printed in the session: bars are ignored from then on.
    pub printed: bool,
}

impl Tape {
    /// Volume-weighted average price of the session, truncated; 0 before the first trade.
    #[must_use]
    pub fn vwap(&self) -> Price {
        if self.volume == 0 {
            return Price::ZERO;
        }
        // An average lies between its prices, so it fits unless absurd volumes have saturated.
        let vwap = self.notional / i128::from(self.volume);
        i64::try_from(vwap).map_or(self.last, Price)
    }

    /// Prints a trade. `aggressor` is `None` where nobody knows.
    pub(crate) fn print(&mut self, ts: Nanos, price: Price, qty: u64, aggressor: Side) {
        if !self.printed && self.volume > 0 {
            // Bars were a stand-in for this session's trades.
            *self = self.emptied(self.date);
        }
        self.printed = true;
        self.extend(price, price, price, price);
        self.volume = self.volume.saturating_add(qty);
        let value = i128::from(price.0) * i128::from(qty);
        self.notional = self.notional.saturating_add(value);
        self.trade_ts = ts;
        self.trades_total += 1;
        match aggressor {
            Side::Buy => self.bought_total = self.bought_total.saturating_add(qty),
            Side::Sell => self.sold_total = self.sold_total.saturating_add(qty),
            Side::None => {}
        }
    }

    /// Takes a bar of an instrument whose trades are not seen: its volume counts at the typical
    /// price (high + low + close) ÷ 3. False when the bar is no bar.
    pub(crate) fn bar(&mut self, ts: Nanos, bar: &Bar) -> bool {
        let sound = bar.low.0 > 0
            && bar.low <= bar.open.min(bar.close)
            && bar.open.max(bar.close) <= bar.high;
        if !sound {
            return false;
        }
        if self.printed {
            return true;
        }
        self.extend(bar.open, bar.high, bar.low, bar.close);
        let typical =
            (i128::from(bar.high.0) + i128::from(bar.low.0) + i128::from(bar.close.0)) / 3;
        self.volume = self.volume.saturating_add(bar.volume);
        let value = typical.saturating_mul(i128::from(bar.volume));
        self.notional = self.notional.saturating_add(value);
        self.trade_ts = ts;
        true
    }

    fn extend(&mut self, open: Price, high: Price, low: Price, close: Price) {
        if self.open == Price::ZERO {
            self.open = open;
            self.high = high;
            self.low = low;
        }
        self.high = self.high.max(high);
        self.low = self.low.min(low);
        self.last = close;
    }

    const fn emptied(&self, date: u32) -> Self {
        Self {
            date,
            last: Price::ZERO,
            open: Price::ZERO,
            high: Price::ZERO,
            low: Price::ZERO,
            volume: 0,
            notional: 0,
            printed: false,
            ..*self
        }
    }

    /// A session begins: all but the totals starts over. The session that goes on already (told
    /// again after a restart) changes nothing.
    pub(crate) fn session(&mut self, date: u32) {
        if date != self.date {
            *self = self.emptied(date);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        let values = [
            self.last.0 as u64,
            self.open.0 as u64,
            self.high.0 as u64,
            self.low.0 as u64,
            self.volume,
            self.notional as u64,
            (self.notional >> 64) as u64,
            self.trade_ts.0,
            self.trades_total,
            self.bought_total,
            self.sold_total,
            u64::from(self.printed),
        ];
        fold_all(u64::from(self.date), values)
    }
}
