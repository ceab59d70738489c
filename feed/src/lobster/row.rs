//! Rows of the orderbook file: reading the fields that are wanted, and writing whole rows.

use crate::text::{decimal, field, integer};
use stream::Price;

/// The price that stands in an empty place on the ask side.
pub const EMPTY_ASK: i64 = 9_999_999_999;
/// The price that stands in an empty place on the bid side.
pub const EMPTY_BID: i64 = -9_999_999_999;
/// One ten-thousandth of a dollar.
const PRICE_UNIT: i64 = 100_000;

/// A price of a file as a price; `None` when it is not a number, not positive or too large.
pub(super) fn price(text: &[u8]) -> Option<Price> {
    let raw = integer(text)?;
    if raw <= 0 || raw >= EMPTY_ASK {
        return None;
    }
    raw.checked_mul(PRICE_UNIT).map(Price)
}

/// One place of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Empty,
    Level(Price, u64),
}

/// True when the row has the fields of `levels` levels.
pub(super) fn has_shape(row: &[u8], levels: usize) -> bool {
    row.iter().filter(|&&byte| byte == b',').count() == 4 * levels - 1
}

/// Calls `take(bid, place, cell)` for the places from `ask_from` on the ask side and from
/// `bid_from` on the bid side, deeper ones later; nothing else is looked at.
pub(super) fn cells(
    row: &[u8],
    levels: usize,
    ask_from: usize,
    bid_from: usize,
    mut take: impl FnMut(bool, usize, Cell),
) -> Result<(), &'static str> {
    let first = ask_from.min(bid_from);
    if first >= levels {
        return Ok(());
    }
    let mut rest = Some(skip(row, 4 * first));
    for place in first..levels {
        for (bid, from) in [(false, ask_from), (true, bid_from)] {
            let (price, qty);
            (price, rest) = field(rest.ok_or("has too few fields")?);
            (qty, rest) = field(rest.ok_or("has too few fields")?);
            if place >= from {
                take(bid, place, cell(price, qty)?);
            }
        }
    }
    Ok(())
}

fn skip(row: &[u8], fields: usize) -> &[u8] {
    let mut rest = row;
    for _ in 0..fields {
        rest = field(rest).1.unwrap_or(b"");
    }
    rest
}

fn cell(price_text: &[u8], qty_text: &[u8]) -> Result<Cell, &'static str> {
    let qty = integer(qty_text).ok_or("has a size that is no whole number")?;
    let qty = u64::try_from(qty).map_err(|_| "has a negative size")?;
    if qty == 0 {
        return match decimal(price_text, 0) {
            Some(_) => Ok(Cell::Empty),
            None => Err("has a price that is no whole number"),
        };
    }
    let price = price(price_text).ok_or("has a price that is none")?;
    Ok(Cell::Level(price, qty))
}

/// Appends one row in LOBSTER's own layout, line end included: for each of `levels` levels ask
/// price, ask size, bid price, bid size; empty places as LOBSTER marks them. Levels come best
/// first. A price off the grid of one ten-thousandth is cut down to it.
pub fn format_row(
    out: &mut Vec<u8>,
    levels: usize,
    asks: impl IntoIterator<Item = (Price, u64)>,
    bids: impl IntoIterator<Item = (Price, u64)>,
) {
    let (mut asks, mut bids) = (asks.into_iter(), bids.into_iter());
    for place in 0..levels {
        if place > 0 {
            out.push(b',');
        }
        put(out, asks.next(), EMPTY_ASK);
        out.push(b',');
        put(out, bids.next(), EMPTY_BID);
    }
    out.push(b'\n');
}

fn put(out: &mut Vec<u8>, level: Option<(Price, u64)>, empty: i64) {
    let (price, qty) = match level {
        Some((price, qty)) => (price.0.div_euclid(PRICE_UNIT), qty),
        None => (empty, 0),
    };
    if price < 0 {
        out.push(b'-');
    }
    put_number(out, price.unsigned_abs());
    out.push(b',');
    put_number(out, qty);
}

fn put_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_written_as_lobster_writes_them() {
        let mut out = Vec::new();
        let asks = [(Price(585_940_000_000), 200)];
        let bids = [(Price(585_330_000_000), 18), (Price(585_300_000_000), 150)];
        format_row(&mut out, 2, asks, bids);
        let text = "5859400,200,5853300,18,9999999999,0,5853000,150\n";
        assert_eq!(String::from_utf8(out.clone()).as_deref(), Ok(text));
        out.clear();
        format_row(&mut out, 1, [], []);
        assert_eq!(out, b"9999999999,0,-9999999999,0\n");
    }

    #[test]
    fn only_the_wanted_places_are_read() {
        let row = b"x,y,5,6,70000,8,z,z";
        assert!(has_shape(row, 2) && !has_shape(row, 1));
        let mut seen = Vec::new();
        cells(row, 2, 1, 2, |bid, place, cell| {
            seen.push((bid, place, cell))
        })
        .expect("read");
        assert_eq!(seen, [(false, 1, Cell::Level(Price(7_000_000_000), 8))]);
        assert!(cells(row, 2, 0, 2, |_, _, _| ()).is_err());
    }
}
