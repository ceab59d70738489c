//! Values as text, digit by digit: the formatter of the standard library costs several times as
//! much for the integers and decimals that frames are full of.

use std::io::Write;
use stream::payload::{Value, read_text};
use stream::units::SCALE;
use stream::{FrameId, Price};

/// The numbers 00 to 99.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
        number += 1;
    }
    pairs
};

/// Digits of the largest 64-bit number.
const DIGITS_MAX: usize = 20;
/// Digits behind the decimal point: the scale of prices and money.
const PLACES: usize = 9;
/// Digits that are written there even when they are zero.
const PLACES_MIN: usize = 2;
const _: () = assert!(SCALE == 10_i64.pow(PLACES as u32));

/// Appends a number.
#[inline]
pub(super) fn unsigned(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; DIGITS_MAX];
    let mut at = DIGITS_MAX;
    let mut rest = number;
    while rest >= 10 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    if rest > 0 || number == 0 {
        at -= 1;
        digits[at] = b'0' + rest as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a number.
#[inline]
pub(super) fn signed(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    unsigned(out, number.unsigned_abs());
}

/// Appends a price or an amount of money: decimal, two to nine places.
#[inline]
pub(super) fn decimal(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    let magnitude = value.unsigned_abs();
    unsigned(out, magnitude / SCALE as u64);
    let mut fraction = magnitude % SCALE as u64;
    let mut places = [b'.'; 1 + PLACES];
    for at in [8, 6, 4, 2] {
        places[at..at + 2].copy_from_slice(&PAIRS[(fraction % 100) as usize]);
        fraction /= 100;
    }
    places[1] = b'0' + fraction as u8;
    let mut end = 1 + PLACES;
    while end > 1 + PLACES_MIN && places[end - 1] == b'0' {
        end -= 1;
    }
    out.extend_from_slice(&places[..end]);
}

/// Appends a frame's name.
pub(super) fn id(out: &mut Vec<u8>, id: FrameId) {
    unsigned(out, id.seq());
    out.push(b'.');
    unsigned(out, u64::from(id.sub()));
}

/// Appends a JSON string.
pub(super) fn quote(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    out.push(b'"');
    if text.bytes().all(is_plain) {
        out.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.bytes() {
            match byte {
                b'"' => out.extend_from_slice(b"\\\""),
                b'\\' => out.extend_from_slice(b"\\\\"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                byte if byte < 0x20 => written(write!(out, "\\u{byte:04x}")),
                byte => out.push(byte),
            }
        }
    }
    out.push(b'"');
}

/// Appends a value as JSON.
pub(super) fn json(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Unsigned(number) => unsigned(out, number),
        Value::Signed(number) => signed(out, number),
        Value::Float(number) => float(out, number),
        Value::Nanos(nanos) => unsigned(out, nanos.0),
        Value::Price(Price(value)) => quoted(out, |out| decimal(out, value)),
        Value::Money(money) => quoted(out, |out| decimal(out, money.0)),
        Value::Id(frame) if frame.is_none() => out.extend_from_slice(b"null"),
        Value::Id(frame) => quoted(out, |out| id(out, frame)),
        Value::Name(name) => quoted(out, |out| out.extend_from_slice(name.as_bytes())),
        Value::Text(text) => quote(out, text),
        Value::Bytes(bytes) => {
            let last = bytes.iter().rposition(|byte| *byte != 0);
            let used = &bytes[..last.map_or(0, |last| last + 1)];
            quote(out, &String::from_utf8_lossy(used));
        }
        Value::Floats(items) => list(out, items, |out, item| float(out, *item)),
        Value::Prices(items) => list(out, items, |out, item| {
            quoted(out, |out| decimal(out, item.0));
        }),
        Value::Quantities(items) => list(out, items, |out, item| unsigned(out, u64::from(*item))),
        Value::Makers(items) => list(out, items, |out, item| quote(out, read_text(item))),
    }
}

/// Appends a value as people read it, without quotes.
pub fn plain(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Price(price) => decimal(out, price.0),
        Value::Money(money) => decimal(out, money.0),
        Value::Id(frame) if frame.is_none() => {}
        Value::Id(frame) => id(out, frame),
        Value::Name(name) => out.extend_from_slice(name.as_bytes()),
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        other => json(out, other),
    }
}

fn quoted(out: &mut Vec<u8>, inner: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    inner(out);
    out.push(b'"');
}

fn float(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        written(write!(out, "{number}"));
    } else {
        out.extend_from_slice(b"null");
    }
}

fn list<T>(out: &mut Vec<u8>, items: &[T], each: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        each(out, item);
    }
    out.push(b']');
}

/// A vector takes all that is written to it.
fn written(result: std::io::Result<()>) {
    result.expect("a vector takes all that is written to it");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stream::Money;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn numbers_read_as_the_standard_library_writes_them(number: u64, shift in 0_u32..64) {
            let number = number >> shift;
            let (positive, negative) = (number as i64, (number as i64).wrapping_neg());
            prop_assert_eq!(text(|out| unsigned(out, number)), number.to_string());
            prop_assert_eq!(text(|out| signed(out, negative)), negative.to_string());
            prop_assert_eq!(text(|out| decimal(out, positive)), Price(positive).to_string());
            prop_assert_eq!(text(|out| decimal(out, negative)), Money(negative).to_string());
            let frame = FrameId(number);
            prop_assert_eq!(text(|out| id(out, frame)), frame.to_string());
        }

        #[test]
        fn round_decimals_lose_their_zeros(whole in -1_000_000_i64..1_000_000, places in 0_u32..9) {
            let value = whole * 10_i64.pow(places);
            prop_assert_eq!(text(|out| decimal(out, value)), Price(value).to_string());
        }
    }

    #[test]
    fn the_ends_of_the_range_are_written_whole() {
        for number in [0, 9, 10, 99, 100, u64::MAX] {
            assert_eq!(text(|out| unsigned(out, number)), number.to_string());
        }
        for number in [i64::MIN, i64::MAX, 0, -1] {
            assert_eq!(text(|out| signed(out, number)), number.to_string());
            assert_eq!(text(|out| decimal(out, number)), Price(number).to_string());
        }
    }

    #[test]
    fn strings_are_quoted() {
        let quoted = text(|out| quote(out, "a\"b\\c\n\u{1}é"));
        assert_eq!(quoted, r#""a\"b\\c\n\u0001é""#);
    }
}
