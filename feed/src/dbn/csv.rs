//! A book as a row of decimals.

use std::io::Write;
use stream::{Nanos, Price};

/// Appends the header: `ts_event,sequence`, then for each level ask price, ask size, bid price and
/// bid size, numbered from 00.
pub fn format_header(out: &mut Vec<u8>, levels: usize) {
    out.extend_from_slice(b"ts_event,sequence");
    for level in 0..levels {
        write!(
            out,
            ",ask_px_{level:02},ask_sz_{level:02},bid_px_{level:02},bid_sz_{level:02}"
        )
        .expect("writing to memory cannot fail");
    }
    out.push(b'\n');
}

/// Appends one row, line end included. Levels come best first; an empty place has two empty
/// fields. Times are nanoseconds since 1970, prices decimals with two to nine places.
pub fn format_row(
    out: &mut Vec<u8>,
    ts_event: Nanos,
    sequence: u64,
    levels: usize,
    asks: impl IntoIterator<Item = (Price, u64)>,
    bids: impl IntoIterator<Item = (Price, u64)>,
) {
    let (mut asks, mut bids) = (asks.into_iter(), bids.into_iter());
    write!(out, "{ts_event},{sequence}").expect("writing to memory cannot fail");
    for _ in 0..levels {
        for level in [asks.next(), bids.next()] {
            match level {
                Some((price, qty)) => write!(out, ",{price},{qty}"),
                None => write!(out, ",,"),
            }
            .expect("writing to memory cannot fail");
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_decimals_with_empty_places() {
        let mut out = Vec::new();
        format_header(&mut out, 1);
        let asks = [(Price(4_799_250_000_000), 3)];
        format_row(&mut out, Nanos(17), 5, 2, asks, []);
        let text = String::from_utf8(out).expect("ASCII");
        let header = "ts_event,sequence,ask_px_00,ask_sz_00,bid_px_00,bid_sz_00";
        assert_eq!(text, format!("{header}\n17,5,4799.25,3,,,,,,\n"));
    }
}
