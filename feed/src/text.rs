//! Lines of text files and exact numbers in them.
//!
//! No floats: a decimal is read into a scaled integer or not at all.

use crate::error::{FeedError, Place};
use crate::open::Input;

/// Lines of an opened file, without their line ends, counted from 1.
#[derive(Debug)]
pub(crate) struct Lines {
    input: Input,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    line: u64,
    offset: u64,
    done: bool,
}

/// A line longer than this is no line of any format here.
const LINE_MAX: usize = 64 * 1024;

impl Lines {
    /// Starts at the first line.
    #[must_use]
    pub(crate) fn new(input: Input) -> Self {
        Self {
            input,
            buffer: vec![0; 4 * LINE_MAX],
            start: 0,
            end: 0,
            line: 0,
            offset: 0,
            done: false,
        }
    }

    /// How messages call the file.
    #[must_use]
    pub(crate) fn label(&self) -> &str {
        self.input.label()
    }

    /// The number of the line last read, from 1.
    #[must_use]
    pub(crate) const fn line(&self) -> u64 {
        self.line
    }

    /// An error at the line last read.
    #[cold]
    #[must_use]
    pub(crate) fn wrong(&self, what: impl Into<String>) -> FeedError {
        FeedError::bad(self.label(), Place::Line(self.line), what)
    }

    /// Moves on to the next line; false at the end. A last line without a line end counts.
    ///
    /// # Errors
    /// When the file cannot be read on or a line is absurdly long.
    pub(crate) fn advance(&mut self) -> Result<Option<&[u8]>, FeedError> {
        let mut searched = self.start;
        loop {
            if let Some(length) = find_newline(&self.buffer[searched..self.end]) {
                let line = self.start..searched + length;
                self.offset += (line.len() + 1) as u64;
                self.start = line.end + 1;
                self.line += 1;
                return Ok(Some(trimmed(&self.buffer[line])));
            }
            searched = self.end - self.start;
            if self.done {
                return Ok(self.last_line());
            }
            self.refill()?;
        }
    }

    fn last_line(&mut self) -> Option<&[u8]> {
        let line = self.start..self.end;
        self.start = self.end;
        if line.is_empty() {
            return None;
        }
        self.offset += line.len() as u64;
        self.line += 1;
        Some(trimmed(&self.buffer[line]))
    }

    fn refill(&mut self) -> Result<(), FeedError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end > LINE_MAX {
            return Err(FeedError::bad(
                self.label(),
                Place::Line(self.line + 1),
                "is too long for a line of text: this is no text file of the expected format",
            ));
        }
        let at = self.offset + self.end as u64;
        let count = self.input.read(&mut self.buffer[self.end..], at)?;
        self.done = count == 0;
        self.end += count;
        Ok(())
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Eight bytes at a time: a zero byte in `word ^ newlines` sets the top bit of its place in
/// `(x - 0x01…) & !x & 0x80…` (Mycroft 1987); the lowest one found is exact.
fn find_newline(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let mut chunks = bytes.chunks_exact(8);
    let mut at = 0;
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks of eight")) ^ (ONES * 10);
        let found = word.wrapping_sub(ONES) & !word & TOPS;
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = chunks.remainder();
    rest.iter().position(|&b| b == b'\n').map(|i| at + i)
}

/// Cuts off the first comma-separated field; the rest is `None` behind the last one.
pub(crate) fn field(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    match line.iter().position(|&byte| byte == b',') {
        Some(comma) => (&line[..comma], Some(&line[comma + 1..])),
        None => (line, None),
    }
}

/// A whole number with an optional sign; `None` when it is none or does not fit.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    decimal(text, 0)
}

/// A decimal number as an integer scaled by ten to the `places`; `None` when it is none, does not
/// fit, or has digits other than zero beyond `places`.
pub(crate) fn decimal(text: &[u8], places: u32) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mut value, mut seen, mut fraction, mut point) = (0i64, false, 0u32, false);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                seen = true;
                if point && fraction == places {
                    if byte != b'0' {
                        return None;
                    }
                    continue;
                }
                value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                fraction += u32::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    if !seen {
        return None;
    }
    value = value.checked_mul(10i64.checked_pow(places - fraction)?)?;
    Some(if negative { -value } else { value })
}

/// A decimal number of seconds in nanoseconds, rounded to the nearest: what prints times through
/// floats leaves noise behind the ninth place.
pub(crate) fn seconds(text: &[u8]) -> Option<i64> {
    const PLACES: usize = 9;
    let point = text.iter().position(|&byte| byte == b'.');
    let end = point.map_or(text.len(), |point| text.len().min(point + 1 + PLACES));
    let (exact, noise) = text.split_at(end);
    if !noise.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let up = noise.first().is_some_and(|&digit| digit >= b'5');
    let nanos = decimal(exact, PLACES as u32)?;
    nanos.checked_add(i64::from(up && nanos >= 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_exact_or_nothing() {
        assert_eq!(decimal(b"34200.004241176", 9), Some(34_200_004_241_176));
        assert_eq!(decimal(b"34200.18960767", 9), Some(34_200_189_607_670));
        assert_eq!(decimal(b"1257513.0000", 0), Some(1_257_513));
        assert_eq!(decimal(b"-435.0000", 9), Some(-435_000_000_000));
        assert_eq!(decimal(b"000", 0), Some(0));
        assert_eq!(decimal(b".5", 1), Some(5));
        for wrong in [
            "",
            "-",
            ".",
            "1.5.0",
            "1e5",
            "1.25",
            " 1",
            "99999999999999999999",
        ] {
            assert_eq!(decimal(wrong.as_bytes(), 1), None, "{wrong}");
        }
    }

    #[test]
    fn seconds_are_rounded_to_nanoseconds() {
        assert_eq!(seconds(b"34200.004241176"), Some(34_200_004_241_176));
        assert_eq!(seconds(b"43002.632812672004"), Some(43_002_632_812_672));
        assert_eq!(seconds(b"43002.632812671996"), Some(43_002_632_812_672));
        assert_eq!(seconds(b"34200"), Some(34_200_000_000_000));
        assert_eq!(seconds(b"1.0000000000x"), None);
        assert_eq!(seconds(b"1.0e5"), None);
    }

    fn collect(text: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Lines::new(Input::from_bytes("t", text.to_vec()));
        let mut all = Vec::new();
        while let Some(line) = lines.advance().expect("memory can be read") {
            all.push(line.to_vec());
        }
        assert_eq!(lines.line(), all.len() as u64);
        all
    }

    #[test]
    fn both_line_ends_and_a_missing_last_one_are_read() {
        assert_eq!(collect(b"a,b\r\nc\n\nd"), [&b"a,b"[..], b"c", b"", b"d"]);
        assert_eq!(collect(b""), Vec::<Vec<u8>>::new());
        assert_eq!(collect(b"a\n"), [b"a"]);
    }

    proptest! {
        #[test]
        fn lines_are_what_splitting_says(text in proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(0x0B), Just(0x8A), Just(b'x'), any::<u8>()], 0..400)) {
            let mut text = text;
            text.retain(|&byte| byte != b'\r');
            let mut expected: Vec<Vec<u8>> =
                text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
            if expected.last().is_some_and(Vec::is_empty) {
                expected.pop();
            }
            prop_assert_eq!(collect(&text), expected);
        }

        #[test]
        fn decimals_agree_with_a_decimal_library(value in any::<i64>(), places in 0u32..10) {
            let text = rust_decimal::Decimal::new(value, places).to_string();
            prop_assert_eq!(decimal(text.as_bytes(), places), (value != i64::MIN).then_some(value));
        }
    }
}
