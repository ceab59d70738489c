//! A message's fields, written one after the other.

use super::DECIMAL_SIZES;
use crate::model::Contract;
use rust_decimal::Decimal;
use std::io::Write;

/// What clients take for *unset* where nothing would be 0.
const UNSET: &str = "1.7976931348623157E308";

/// One message in the making. [`Message::end`] closes its frame.
#[derive(Debug)]
#[must_use = "a message that is not ended has no length"]
pub struct Message<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    version: i32,
}

impl<'a> Message<'a> {
    /// Begins a frame with a message's number.
    pub fn begin(version: i32, number: i32, out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend([0; 4]);
        let message = Self {
            out,
            start,
            version,
        };
        message.int(number)
    }

    /// The version that is spoken.
    pub const fn version(&self) -> i32 {
        self.version
    }

    /// Text. Zero bytes in it would be taken for ends of fields and are left out.
    pub fn text(self, text: &str) -> Self {
        self.out.extend(text.bytes().filter(|&byte| byte != 0));
        self.out.push(0);
        self
    }

    /// A whole number.
    pub fn int(self, number: impl Into<i64>) -> Self {
        self.show(format_args!("{}", number.into()))
    }

    /// A whole number, or nothing.
    pub fn blank_int(self, number: Option<i32>) -> Self {
        match number {
            Some(number) => self.int(number),
            None => self.text(""),
        }
    }

    /// A list: how many entries it has, and each of them.
    pub fn each<T>(self, entries: &[T], one: impl Fn(Self, &T) -> Self) -> Self {
        let message = self.show(format_args!("{}", entries.len()));
        entries.iter().fold(message, one)
    }

    /// Yes or no.
    pub fn flag(self, flag: bool) -> Self {
        self.text(if flag { "1" } else { "0" })
    }

    /// A number, as short as it can be said.
    pub fn double(self, number: f64) -> Self {
        if !number.is_finite() || number >= f64::MAX {
            return self.text(UNSET);
        }
        let magnitude = number.abs();
        if magnitude != 0.0 && !(1e-9..1e16).contains(&magnitude) {
            return self.show(format_args!("{number:E}"));
        }
        self.show(format_args!("{number}"))
    }

    /// A number, or the largest one.
    pub fn unset(self, number: Option<f64>) -> Self {
        self.double(number.unwrap_or(f64::MAX))
    }

    /// A number, or nothing.
    pub fn blank(self, number: Option<f64>) -> Self {
        match number {
            Some(number) => self.double(number),
            None => self.text(""),
        }
    }

    /// A size, without zeros that say nothing.
    pub fn size(self, size: Decimal) -> Self {
        self.show(format_args!("{}", size.normalize()))
    }

    /// A size of market data: whole where clients know no other.
    pub fn shares(self, size: Decimal) -> Self {
        let whole = self.version < DECIMAL_SIZES;
        self.size(if whole { size.trunc() } else { size })
    }

    /// The eleven fields that name a contract without its listing exchange.
    pub fn contract(self, contract: &Contract) -> Self {
        self.instrument(contract)
            .text(&contract.multiplier)
            .text(&contract.exchange)
            .text(&contract.currency)
            .text(&contract.local_symbol)
            .text(&contract.trading_class)
    }

    /// Number, symbol, type, last trading day, strike and right of a contract.
    pub fn instrument(self, contract: &Contract) -> Self {
        self.int(contract.con_id)
            .text(&contract.symbol)
            .text(&contract.sec_type)
            .text(&contract.last_trade_date)
            .double(contract.strike)
            .text(&contract.right)
    }

    /// So many fields with nothing in them.
    pub fn nothing(self, count: usize) -> Self {
        let end = self.out.len() + count;
        self.out.resize(end, 0);
        self
    }

    /// Closes the frame.
    pub fn end(self) {
        let length = (self.out.len() - self.start - 4) as u32;
        self.out[self.start..self.start + 4].copy_from_slice(&length.to_be_bytes());
    }

    fn show(self, what: std::fmt::Arguments<'_>) -> Self {
        // Writing to memory cannot fail.
        let _ = self.out.write_fmt(what);
        self.out.push(0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_shortly_as_they_can_be() {
        let mut out = Vec::new();
        Message::begin(178, 1, &mut out)
            .double(0.1 + 0.2)
            .double(300.0)
            .double(-0.0001)
            .double(1e300)
            .double(1e-12)
            .double(f64::NAN)
            .unset(None)
            .blank(None)
            .size(Decimal::new(30_000, 2))
            .shares(Decimal::new(15, 1))
            .text("a\0b")
            .end();
        let told = "1|0.30000000000000004|300|-0.0001|1E300|1E-12|1.7976931348623157E308|\
            1.7976931348623157E308||300|1.5|ab|";
        let text = String::from_utf8(out[4..].to_vec()).expect("text");
        assert_eq!(text.replace('\0', "|"), told);
        assert_eq!(out[..4], ((out.len() - 4) as u32).to_be_bytes());
    }

    #[test]
    fn sizes_of_market_data_are_whole_where_clients_know_no_other() {
        let mut out = Vec::new();
        Message::begin(157, 2, &mut out)
            .shares(Decimal::new(15, 1))
            .size(Decimal::new(15, 1))
            .end();
        let text = String::from_utf8(out[4..].to_vec()).expect("text");
        assert_eq!(text.replace('\0', "|"), "2|1|1.5|");
    }
}
