//! Data subscriptions of the crate as feeds of ours.

use super::super::broker::{Feed, Polled, Tick};
use super::super::decimal::{self, BadNumber};
use super::super::names::fixed;
use super::notice_of;
use ibapi::Error;
use ibapi::client::blocking::Subscription;
use ibapi::contracts::tick_types::TickType;
use ibapi::market_data::MarketDataType;
use ibapi::market_data::realtime::{MarketDepthL2, MarketDepths, TickTypes, Trade};
use ibapi::subscriptions::SubscriptionItem;
use stream::payload::RowOp;
use stream::{Nanos, Price, Side};

/// Level 1.
pub struct Quotes {
    pub(super) stream: Subscription<TickTypes>,
    pub(super) tick: Price,
}

/// Depth.
pub struct Depth {
    pub(super) stream: Subscription<MarketDepths>,
    pub(super) tick: Price,
}

/// Every trade.
pub struct Trades {
    pub(super) stream: Subscription<Trade>,
    pub(super) tick: Price,
}

type Item<T> = Option<Result<SubscriptionItem<T>, Error>>;

/// A cancelled stream yields nothing for ever, as does an empty one: an end is told by its error.
fn polled<T>(item: Item<T>, read: impl FnOnce(T) -> Polled) -> Polled {
    match item {
        Some(Ok(SubscriptionItem::Data(data))) => read(data),
        Some(Ok(SubscriptionItem::Notice(notice))) => Polled::Tick(Tick::Notice(notice_of(notice))),
        Some(Err(Error::Notice(notice))) => Polled::Ended(Some(notice_of(notice))),
        Some(Err(_)) => Polled::Ended(None),
        None => Polled::Empty,
    }
}

impl Feed for Quotes {
    fn poll(&mut self) -> Polled {
        let tick = self.tick;
        polled(self.stream.try_next(), |data| level_1(data, tick))
    }
}

fn level_1(data: TickTypes, tick: Price) -> Polled {
    Polled::Tick(match data {
        TickTypes::PriceSize(both) => {
            let price = match both.price_tick_type {
                TickType::Bid => or_none(decimal::price(both.price, tick)).map(Tick::Bid),
                TickType::Ask => or_none(decimal::price(both.price, tick)).map(Tick::Ask),
                _ => return Polled::Tick(Tick::Other),
            };
            let size = match both.price_tick_type {
                TickType::Bid => decimal::size(both.size).map(Tick::BidQty),
                _ => decimal::size(both.size).map(Tick::AskQty),
            };
            let or_bad = |read: Result<Tick, BadNumber>| read.unwrap_or_else(Tick::Bad);
            return Polled::Pair(or_bad(price), or_bad(size));
        }
        TickTypes::Price(price) => match price.tick_type {
            TickType::Bid => or_none(decimal::price(price.price, tick)).map(Tick::Bid),
            TickType::Ask => or_none(decimal::price(price.price, tick)).map(Tick::Ask),
            _ => Ok(Tick::Other),
        }
        .unwrap_or_else(Tick::Bad),
        TickTypes::Size(size) => match size.tick_type {
            TickType::BidSize => decimal::size(size.size).map(Tick::BidQty),
            TickType::AskSize => decimal::size(size.size).map(Tick::AskQty),
            TickType::ShortableShares => decimal::size(size.size).map(Tick::ShortShares),
            _ => Ok(Tick::Other),
        }
        .unwrap_or_else(Tick::Bad),
        TickTypes::Generic(generic) => match generic.tick_type {
            TickType::Halted => decimal::whole(generic.value).map(Tick::Halted),
            TickType::Shortable => decimal::average(generic.value).map(shortable),
            _ => Ok(Tick::Other),
        }
        .unwrap_or_else(Tick::Bad),
        TickTypes::String(text) if text.tick_type == TickType::RtVolume => {
            volume(&text.value, tick)
        }
        TickTypes::MarketDataType(kind) => Tick::Live(kind == MarketDataType::Realtime),
        _ => Tick::Other,
    })
}

/// "No data" is a side that is empty.
fn or_none(price: Result<Price, BadNumber>) -> Result<Price, BadNumber> {
    match price {
        Err(BadNumber::NotPositive) => Ok(Price::ZERO),
        other => other,
    }
}

/// Above 2.5 there are a thousand shares and more, above 1.5 they have to be looked for.
fn shortable(value: Price) -> Tick {
    Tick::Shortable(match value.0 {
        2_500_000_001.. => 3,
        1_500_000_001.. => 2,
        _ => 1,
    })
}

/// `price;size;ms;total;vwap;single`: a trade; without a price it only counts.
fn volume(text: &str, tick: Price) -> Tick {
    let mut parts = text.split(';');
    let mut next = || parts.next().unwrap_or("").trim();
    let (price, size, millis) = (next(), next(), next());
    if price.is_empty() {
        return Tick::Other;
    }
    let read = || {
        let price = decimal::text(price)?;
        let price = Price(price.0);
        if price.0 <= 0 || !price.is_on(tick) {
            return Err(BadNumber::OffGrid);
        }
        let qty = decimal::text(size)?.0 / 1_000_000_000;
        let qty = u32::try_from(qty).map_err(|_| BadNumber::TooLarge)?;
        let millis: u64 = millis.parse().map_err(|_| BadNumber::NotANumber)?;
        let at = Nanos(millis.saturating_mul(1_000_000));
        // Odd fractions of a share print too; they are no quantity of ours.
        Ok(if qty == 0 {
            Tick::Other
        } else {
            Tick::Trade { price, qty, at }
        })
    };
    read().unwrap_or_else(Tick::Bad)
}

impl Feed for Depth {
    fn poll(&mut self) -> Polled {
        let tick = self.tick;
        polled(self.stream.try_next(), |data| {
            Polled::Tick(match data {
                MarketDepths::Reset => Tick::Reset,
                MarketDepths::MarketDepthL2(row) => self::row(&row, tick),
                MarketDepths::MarketDepth(plain) => {
                    let row = MarketDepthL2 {
                        position: plain.position,
                        operation: plain.operation,
                        side: plain.side,
                        price: plain.price,
                        size: plain.size,
                        ..MarketDepthL2::default()
                    };
                    self::row(&row, tick)
                }
            })
        })
    }
}

fn row(row: &MarketDepthL2, tick: Price) -> Tick {
    let op = match row.operation {
        0 => RowOp::Insert,
        1 => RowOp::Update,
        2 => RowOp::Delete,
        _ => return Tick::Bad(BadNumber::NotANumber),
    };
    let side = match row.side {
        0 => Side::Sell,
        1 => Side::Buy,
        _ => return Tick::Bad(BadNumber::NotANumber),
    };
    let Ok(position) = u16::try_from(row.position) else {
        return Tick::Bad(BadNumber::NotPositive);
    };
    let values = if op == RowOp::Delete {
        Ok((Price::ZERO, 0))
    } else {
        decimal::price(row.price, tick).and_then(|price| Ok((price, decimal::size(row.size)?)))
    };
    match values {
        Ok((price, qty)) => Tick::Row {
            position,
            op,
            side,
            price,
            qty,
            maker: fixed(&row.market_maker),
        },
        Err(bad) => Tick::Bad(bad),
    }
}

impl Feed for Trades {
    fn poll(&mut self) -> Polled {
        let tick = self.tick;
        polled(self.stream.try_next(), |trade| {
            let at = u64::try_from(trade.time.unix_timestamp_nanos()).unwrap_or(0);
            let values = decimal::price(trade.price, tick)
                .and_then(|price| Ok((price, decimal::size(trade.size)?)));
            Polled::Tick(match values {
                Ok((_, 0)) => Tick::Other,
                Ok((price, qty)) => Tick::Trade {
                    price,
                    qty,
                    at: Nanos(at),
                },
                Err(bad) => Tick::Bad(bad),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CENT: Price = Price(10_000_000);

    #[test]
    fn real_time_volume_is_a_trade_read_digit_by_digit() {
        assert_eq!(
            volume("187.32;100;1763649000123;456789;187.1;true", CENT),
            Tick::Trade {
                price: Price(187_320_000_000),
                qty: 100,
                at: Nanos(1_763_649_000_123_000_000)
            }
        );
        assert_eq!(volume(";0;1763649000123;4;187.1;false", CENT), Tick::Other);
        assert_eq!(
            volume("187.32;0.4;1763649000123;4;1;true", CENT),
            Tick::Other
        );
        for bad in [
            "187.321;1;1;1;1;true",
            "x;1;1",
            "187.32;y;1",
            "187.32;1;z",
            "-1;1;1",
        ] {
            assert!(matches!(volume(bad, CENT), Tick::Bad(_)), "{bad}");
        }
    }

    #[test]
    fn rows_that_make_no_sense_are_bad_and_deletions_need_no_price() {
        let of = |position, operation, side, price| MarketDepthL2 {
            position,
            operation,
            side,
            price,
            size: 300.0,
            market_maker: "ARCA".to_owned(),
            ..MarketDepthL2::default()
        };
        assert!(matches!(
            row(&of(2, 0, 1, 187.32), CENT),
            Tick::Row {
                position: 2,
                op: RowOp::Insert,
                side: Side::Buy,
                qty: 300,
                ..
            }
        ));
        assert!(matches!(
            row(&of(0, 2, 0, 0.0), CENT),
            Tick::Row {
                op: RowOp::Delete,
                side: Side::Sell,
                qty: 0,
                ..
            }
        ));
        for bad in [
            of(-1, 0, 1, 187.32),
            of(0, 3, 1, 187.32),
            of(0, 0, 2, 187.32),
            of(0, 0, 1, 187.321),
            of(70_000, 0, 1, 187.32),
        ] {
            assert!(matches!(row(&bad, CENT), Tick::Bad(_)), "{bad:?}");
        }
    }
}
