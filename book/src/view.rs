//! What the stage reports of a book: `Best` and `BookView`.

use crate::book::Book;
use stream::payload::{Best, BookView};
use stream::{Nanos, Price, Side};

/// Levels or rows a side that count as depth.
const DEPTH_LEVELS: usize = 10;

/// Running totals of the tape at an instrument's previous view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) trades: u64,
    pub(crate) bought: u64,
    pub(crate) sold: u64,
}

impl Totals {
    pub(crate) fn of(book: &Book) -> Self {
        let tape = book.tape();
        Self {
            trades: tape.trades_total,
            bought: tape.bought_total,
            sold: tape.sold_total,
        }
    }
}

/// The best quote and the quality. Inlined, so that it is compared and sent from registers.
#[inline(always)]
pub(crate) fn best(book: &Book) -> Best {
    let (best_bid, best_ask) = (book.best(Side::Buy), book.best(Side::Sell));
    let (bid, bid_qty) = best_bid.unwrap_or_default();
    let (ask, ask_qty) = best_ask.unwrap_or_default();
    Best {
        bid,
        ask,
        bid_qty: u32::try_from(bid_qty).unwrap_or(u32::MAX),
        ask_qty: u32::try_from(ask_qty).unwrap_or(u32::MAX),
        quality: book.quality_at(best_bid, best_ask),
        spare: [0; 7],
    }
}

/// The view of a book; tape sums are what has come since `before`.
pub(crate) fn view(book: &Book, before: &Totals, ts: Nanos, stale: Nanos) -> BookView {
    let best = best(book);
    let tape = book.tape();
    let now = Totals::of(book);
    let (depth_bid, levels_bid) = depth(book, Side::Buy);
    let (depth_ask, levels_ask) = depth(book, Side::Sell);
    let fresh = ts.saturating_sub(book.depth_ts) <= stale;
    BookView {
        bid: best.bid,
        ask: best.ask,
        bid_qty: best.bid_qty,
        ask_qty: best.ask_qty,
        microprice: microprice(&best),
        last: tape.last,
        imbalance_best_ppm: imbalance(u64::from(best.bid_qty), u64::from(best.ask_qty)),
        imbalance_depth_ppm: imbalance(depth_bid, depth_ask),
        depth_bid,
        depth_ask,
        trades: u32::try_from(now.trades - before.trades).unwrap_or(u32::MAX),
        quality: best.quality,
        depth_levels_bid: levels_bid,
        depth_levels_ask: levels_ask,
        has_depth: u8::from(book.has_rows() && fresh),
        volume_buy: now.bought - before.bought,
        volume_sell: now.sold - before.sold,
        volume_session: tape.volume,
        vwap: tape.vwap(),
        open: tape.open,
        high: tape.high,
        low: tape.low,
        market_ts: book.market_ts(),
        trade_ts: tape.trade_ts,
        spare: [0; 16],
    }
}

/// Quantity on the best ten levels or rows, and how many are known (at most 255).
fn depth(book: &Book, side: Side) -> (u64, u8) {
    let known = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
    if let Some(ladder) = book.ladder(side) {
        return (ladder.qty_on_best(DEPTH_LEVELS), known(ladder.len()));
    }
    let rows = book.rows.side(side).iter().filter(|row| row.counts());
    let count = rows.clone().count();
    (
        rows.take(DEPTH_LEVELS).map(|row| row.qty).sum(),
        known(count),
    )
}

/// (bid × ask quantity + ask × bid quantity) ÷ (sum of quantities), truncated; 0 where a side is
/// empty.
fn microprice(best: &Best) -> Price {
    if best.bid_qty == 0 || best.ask_qty == 0 {
        return Price::ZERO;
    }
    let half = |price: Price, qty: u32| price.0.checked_mul(i64::from(qty));
    let small = half(best.bid, best.ask_qty).zip(half(best.ask, best.bid_qty));
    if let Some(sum) = small.and_then(|(bid, ask)| bid.checked_add(ask)) {
        // Mostly: a wide division takes longer than all the rest of a view's prices.
        return Price(sum / (i64::from(best.bid_qty) + i64::from(best.ask_qty)));
    }
    let (bid_qty, ask_qty) = (i128::from(best.bid_qty), i128::from(best.ask_qty));
    let sum = i128::from(best.bid.0) * ask_qty + i128::from(best.ask.0) * bid_qty;
    let price = sum / (bid_qty + ask_qty);
    Price(i64::try_from(price).expect("an average lies between its prices"))
}

/// (bid − ask) ÷ (bid + ask) in parts per million, truncated; 0 where both are.
fn imbalance(bid: u64, ask: u64) -> i32 {
    if bid.max(ask) < 1 << 42 {
        // A million times as much still fits into a word.
        let (bid, ask) = (bid as i64, ask as i64);
        return ((bid - ask) * 1_000_000 / (bid + ask).max(1)) as i32;
    }
    let (bid, ask) = (i128::from(bid), i128::from(ask));
    if bid + ask == 0 {
        return 0;
    }
    i32::try_from((bid - ask) * 1_000_000 / (bid + ask)).expect("within a million either way")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_wide_ones_would() {
        let edge = 1_u64 << 42;
        let some = [0, 1, 7, 100, edge - 1, edge, edge + 1, u64::from(u32::MAX)];
        let wide = |bid: u64, ask: u64| {
            let (bid, ask) = (i128::from(bid), i128::from(ask));
            if bid + ask == 0 {
                0
            } else {
                (bid - ask) * 1_000_000 / (bid + ask)
            }
        };
        for (bid, ask) in some.iter().flat_map(|bid| some.map(|ask| (*bid, ask))) {
            assert_eq!(
                i128::from(imbalance(bid, ask)),
                wide(bid, ask),
                "{bid} {ask}"
            );
        }
        let prices = [1, 585_330_000_000, i64::MAX / 200, i64::MAX / 2];
        let qtys = [1, 99, 100, u32::MAX];
        for (bid, ask) in prices.iter().flat_map(|bid| prices.map(|ask| (*bid, ask))) {
            for (bid_qty, ask_qty) in qtys.iter().flat_map(|bid| qtys.map(|ask| (*bid, ask))) {
                let best = Best {
                    bid: Price(bid),
                    ask: Price(ask),
                    bid_qty,
                    ask_qty,
                    ..Best::zeroed()
                };
                let (b, a) = (i128::from(bid_qty), i128::from(ask_qty));
                let sum = i128::from(bid) * a + i128::from(ask) * b;
                assert_eq!(i128::from(microprice(&best).0), sum / (b + a), "{best:?}");
            }
        }
    }
}
