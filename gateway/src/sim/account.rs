//! The broker's own truth: cash, positions, fees. Exact, in nano-dollars.

use super::config::Config;
use super::view::Values;
use book::Books;
use stream::payload::{Instrument, InstrumentType};
use stream::{InstrumentId, Money, Price, Qty, Side};

/// What the broker holds to be true of the account as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Cash after all trades and fees: every trade moves its whole value.
    pub cash: Money,
    /// Fees so far, rebates taken off.
    pub fees: Money,
    /// Executions so far.
    pub fills: u64,
}

/// One instrument in the account.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holding {
    pub(crate) known: bool,
    pub(crate) what: InstrumentType,
    pub(crate) multiplier: u32,
    pub(crate) tick: Price,
    pub(crate) shortable: bool,
    pub(crate) qty: i64,
    /// What the position cost, without sign, in nano-units of price × quantity.
    cost: i128,
    last: Price,
}

impl Holding {
    /// Average entry price, rounded towards zero; 0 when flat.
    pub(crate) fn average(&self) -> Price {
        if self.qty == 0 {
            return Price::ZERO;
        }
        Price((self.cost / i128::from(self.qty.unsigned_abs())) as i64)
    }

    fn trade(&mut self, signed: i64, price: Price) {
        let open = signed.signum() * self.qty.signum() >= 0;
        let after = self.qty + signed;
        let value = |qty: i64| i128::from(price.0) * i128::from(qty.unsigned_abs());
        self.cost = if open {
            self.cost + value(signed)
        } else if after.signum() * self.qty.signum() >= 0 {
            // Closing takes its share of the cost; the average stays, to the rounding.
            self.cost * i128::from(after.unsigned_abs()) / i128::from(self.qty.unsigned_abs())
        } else {
            value(after)
        };
        self.qty = after;
        self.last = price;
    }
}

#[derive(Debug)]
pub(crate) struct Account {
    cash: i128,
    fees: i128,
    fills: u64,
    pub(crate) holdings: Vec<Holding>,
}

impl Account {
    pub(crate) fn new(cash: Money, instruments: usize) -> Self {
        Self {
            cash: i128::from(cash.0),
            fees: 0,
            fills: 0,
            holdings: vec![Holding::default(); instruments + 1],
        }
    }

    pub(crate) fn define(&mut self, instrument: InstrumentId, definition: &Instrument) {
        if let Some(holding) = self.holdings.get_mut(instrument.index()) {
            holding.known = instrument != InstrumentId::NONE;
            holding.what = definition.what;
            holding.multiplier = definition.multiplier.max(1);
            holding.tick = definition.tick_size;
            holding.shortable = definition.shortable != 0;
        }
    }

    pub(crate) fn holding(&self, instrument: InstrumentId) -> Option<&Holding> {
        self.holdings
            .get(instrument.index())
            .filter(|holding| holding.known)
    }

    pub(crate) fn trade(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        (qty, price): (u32, Price),
        fee: Money,
    ) {
        let holding = &mut self.holdings[instrument.index()];
        let signed = side.sign() * i64::from(qty);
        holding.trade(signed, price);
        let value = price.value(Qty(signed), holding.multiplier);
        self.cash -= i128::from(value.0) + i128::from(fee.0);
        self.fees += i128::from(fee.0);
        self.fills += 1;
    }

    pub(crate) fn truth(&self) -> Truth {
        Truth {
            cash: money(self.cash),
            fees: money(self.fees),
            fills: self.fills,
        }
    }

    /// Price at which a position would be closed: the side of the book that it would hit, else
    /// the last price that we traded at.
    pub(crate) fn mark(&self, books: &Books, instrument: InstrumentId) -> Price {
        let holding = &self.holdings[instrument.index()];
        let side = if holding.qty >= 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let best = books.get(instrument).and_then(|book| book.best(side));
        best.map_or(holding.last, |(price, _)| price)
    }

    /// Price at which an order at any price would begin to trade: the side of the book that it
    /// hits, else the last price that we traded at.
    pub(crate) fn likely(&self, books: &Books, instrument: InstrumentId, side: Side) -> Price {
        let best = books
            .get(instrument)
            .and_then(|book| book.best(side.opposite()));
        let last = self.holdings[instrument.index()].last;
        best.map_or(last, |(price, _)| price)
    }

    /// Equity, cash and available funds, as [`Account::valued`].
    pub(crate) fn values(&self, books: &Books, config: &Config) -> (Money, Money, Money) {
        let values = self.valued(books, config);
        (values.equity, values.cash, values.available)
    }

    /// The account now. Futures are settled to the mark: what they gained or lost is cash.
    pub(crate) fn valued(&self, books: &Books, config: &Config) -> Values {
        let (mut equity, mut cash, mut margin) = (self.cash, self.cash, 0);
        for (index, holding) in self.holdings.iter().enumerate() {
            if holding.qty == 0 {
                continue;
            }
            let mark = self.mark(books, InstrumentId(index as u16));
            let value = worth(holding, mark, holding.qty);
            equity += value;
            if holding.what == InstrumentType::Future {
                cash += value;
            }
            margin += needed(config, holding.what, value.abs());
        }
        Values {
            equity: money(equity),
            cash: money(cash),
            available: money((equity - margin).max(0)),
            margin: money(margin),
        }
    }

    /// Equity that an order of that size would bind.
    pub(crate) fn margin_of(
        &self,
        config: &Config,
        instrument: InstrumentId,
        (qty, price): (u32, Price),
    ) -> i128 {
        let holding = &self.holdings[instrument.index()];
        let value = worth(holding, price, i64::from(qty));
        needed(config, holding.what, value.abs())
    }
}

fn worth(holding: &Holding, price: Price, qty: i64) -> i128 {
    i128::from(price.0) * i128::from(qty) * i128::from(holding.multiplier)
}

fn needed(config: &Config, what: InstrumentType, value: i128) -> i128 {
    let ppm = match what {
        InstrumentType::Future => config.future_margin_ppm,
        InstrumentType::Stock | InstrumentType::Spot => config.stock_margin_ppm,
    };
    value * i128::from(ppm) / 1_000_000
}

/// Account totals beyond nine billion are reported as the largest that fit.
fn money(value: i128) -> Money {
    Money(value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}
