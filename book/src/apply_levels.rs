//! Whole levels, positional rows, quotes and trades.

use crate::apply_orders::is_price;
use crate::book::{Book, Top};
use crate::books::Books;
use crate::desk::Desk;
use crate::effect::Effect;
use crate::level::LEVEL_QTY_MAX;
use crate::rows::side_index;
use stream::payload::{DepthRow, DepthSnapshot, FaultCode, Level, Quote, Trade, flags};
use stream::{Nanos, Price, Side};

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

impl Desk<'_> {
    #[inline(always)]
    pub(crate) fn level(
        &mut self,
        level: &Level,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let (side, price) = (level.side, level.price);
        if side == Side::None || !is_price(price) || level.qty > LEVEL_QTY_MAX {
            return Some(FaultCode::BadValue);
        }
        let forgotten = level.flags & flags::FORGOTTEN != 0;
        let qty = if forgotten { 0 } else { level.qty };
        let book = &mut *self.book;
        book.laddered = true;
        let arrivals = book.arrivals;
        let ladder = &mut book.ladders[side_index(side)];
        let (change, orders_died) = ladder.replace(price, arrivals, qty);
        if orders_died {
            self.orders.some_died();
        }
        if change.old != change.new || orders_died {
            effect(Effect::Level {
                side,
                price,
                old: change.old,
                new: change.new,
            });
        }
        change.lost.then(|| self.again().lost())
    }
}

impl Books {
    pub(crate) fn depth_row(
        &mut self,
        ts: Nanos,
        index: usize,
        row: &DepthRow,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let side = row.side;
        let book = &mut self.books[index];
        if side == Side::None {
            book.gap(row.source);
            return Some(FaultCode::BadValue);
        }
        book.depth_ts = ts;
        let place = usize::from(row.position);
        let old_price = book.rows.side(side).get(place).map(|row| row.price);
        let prices = [
            Some(row.price),
            old_price.filter(|&price| price != row.price),
        ];
        let old = prices.map(|price| price.map(|price| book.level_qty(side, price)));
        let bad =
            row.op != stream::payload::RowOp::Delete && (row.qty == 0 || !is_price(row.price));
        if let Err(code) = book.rows.apply(row) {
            book.gap(row.source);
            return Some(code);
        }
        if !book.laddered {
            for (price, old) in prices.into_iter().zip(old) {
                let (Some(price), Some(old)) = (price, old) else {
                    continue;
                };
                let new = book.rows.qty(side, price);
                if old != new {
                    effect(Effect::Level {
                        side,
                        price,
                        old,
                        new,
                    });
                }
            }
        }
        bad.then_some(FaultCode::BadValue)
    }

    pub(crate) fn depth_snapshot(
        &mut self,
        ts: Nanos,
        index: usize,
        snapshot: &DepthSnapshot,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let book = &mut self.books[index];
        core::mem::swap(&mut book.rows, &mut self.scratch);
        let bad = book.rows.snapshot(snapshot);
        book.depth_ts = ts;
        book.mend_depth(snapshot.source);
        let (old, new) = (&self.scratch, &book.rows);
        for side in SIDES.into_iter().filter(|_| !book.laddered) {
            let mut gone = old.next_level(side, None);
            while let Some((price, qty)) = gone {
                if new.qty(side, price) == 0 {
                    effect(Effect::Level {
                        side,
                        price,
                        old: qty,
                        new: 0,
                    });
                }
                gone = old.next_level(side, Some(price));
            }
            let mut come = new.next_level(side, None);
            while let Some((price, qty)) = come {
                let before = if old.is_empty() {
                    let top = book.quote_level(side).filter(|top| top.0 == price);
                    top.map_or(0, |top| top.1)
                } else {
                    old.qty(side, price)
                };
                if before != qty {
                    effect(Effect::Level {
                        side,
                        price,
                        old: before,
                        new: qty,
                    });
                }
                come = new.next_level(side, Some(price));
            }
        }
        (bad > 0).then_some(FaultCode::BadValue)
    }

    pub(crate) fn quote(
        &mut self,
        ts: Nanos,
        index: usize,
        quote: &Quote,
        effect: &mut impl FnMut(Effect),
    ) -> Option<FaultCode> {
        let bid = Top {
            price: quote.bid,
            qty: u64::from(quote.bid_qty),
        };
        let ask = Top {
            price: quote.ask,
            qty: u64::from(quote.ask_qty),
        };
        if [bid, ask]
            .iter()
            .any(|top| top.qty > 0 && !is_price(top.price))
        {
            return Some(FaultCode::BadValue);
        }
        let stale = self.stale();
        let book = &mut self.books[index];
        book.quoted_by(quote.source);
        if !book.rows.is_empty() && ts.saturating_sub(book.depth_ts) > stale {
            // The depth subscription has ended without a word.
            book.rows.clear();
        }
        let shown = !book.laddered && book.rows.is_empty();
        for (side, new) in SIDES.into_iter().zip([bid, ask]) {
            let old = core::mem::replace(&mut book.quote[side_index(side)], new);
            if shown {
                quote_effects(side, old, new, effect);
            }
        }
        None
    }
}

/// A trade that names no order.
pub(crate) fn trade(
    book: &mut Book,
    ts: Nanos,
    trade: &Trade,
    effect: &mut impl FnMut(Effect),
) -> Option<FaultCode> {
    if trade.qty == 0 || !is_price(trade.price) {
        return Some(FaultCode::BadValue);
    }
    let printed = trade.flags & flags::NON_PRINTABLE == 0;
    let qty = u64::from(trade.qty);
    print(book, ts, (trade.price, qty, trade.side), printed, effect);
    None
}

/// Puts a trade (price, quantity, aggressor) on the tape. An unknown aggressor is told by the quote
/// (Lee and Ready 1991, without the tick test): above the mid a buyer, below it a seller.
pub(crate) fn print(
    book: &mut Book,
    ts: Nanos,
    (price, qty, aggressor): (Price, u64, Side),
    printed: bool,
    effect: &mut impl FnMut(Effect),
) {
    let aggressor = match aggressor {
        Side::None => told_by_quote(book, price),
        known => known,
    };
    if printed {
        book.tape.print(ts, price, qty, aggressor);
    }
    effect(Effect::Traded {
        price,
        qty,
        resting: aggressor.opposite(),
        printed,
    });
}

/// Who traded at that price, as far as the quote tells.
fn told_by_quote(book: &Book, price: Price) -> Side {
    let (Some((bid, _)), Some((ask, _))) = (book.best(Side::Buy), book.best(Side::Sell)) else {
        return Side::None;
    };
    let (twice, mids) = (
        2 * i128::from(price.0),
        i128::from(bid.0) + i128::from(ask.0),
    );
    match twice.cmp(&mids) {
        core::cmp::Ordering::Greater => Side::Buy,
        core::cmp::Ordering::Less => Side::Sell,
        core::cmp::Ordering::Equal => Side::None,
    }
}

/// What a quote's change says of its levels: one that is no longer the best because a better one
/// came in front of it has left the source's view, not the market, so nothing is told of it.
fn quote_effects(side: Side, old: Top, new: Top, effect: &mut impl FnMut(Effect)) {
    if old == new {
        return;
    }
    if old.price == new.price && old.qty > 0 {
        effect(Effect::Level {
            side,
            price: new.price,
            old: old.qty,
            new: new.qty,
        });
        return;
    }
    let behind = new.qty > 0 && new.price.0 * side.sign() > old.price.0 * side.sign();
    if old.qty > 0 && !behind {
        effect(Effect::Level {
            side,
            price: old.price,
            old: old.qty,
            new: 0,
        });
    }
    if new.qty > 0 {
        effect(Effect::Level {
            side,
            price: new.price,
            old: 0,
            new: new.qty,
        });
    }
}
