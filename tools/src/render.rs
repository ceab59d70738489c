//! Frames as text: one JSON object or one CSV row each. Neither `crc` nor position is printed, so
//! that two runs of the same inputs print the same.

use std::fmt::Write;
use stream::payload::{Instrument, Value, describe, read_text};
use stream::{FrameRef, Kind, Price};

/// Symbols by instrument id, learned from the journal's own definitions.
#[derive(Debug, Default)]
pub struct Symbols(Vec<String>);

impl Symbols {
    /// Learns from an `Instrument` frame.
    pub fn on_frame(&mut self, frame: FrameRef<'_>) {
        if let Some(definition) = frame.try_read::<Instrument>() {
            let index = frame.instrument().index();
            if self.0.len() <= index {
                self.0.resize(index + 1, String::new());
            }
            read_text(&definition.symbol).clone_into(&mut self.0[index]);
        }
    }

    /// The symbol of an instrument, empty where unknown.
    #[must_use]
    pub fn of(&self, frame: FrameRef<'_>) -> &str {
        self.0
            .get(frame.instrument().index())
            .map_or("", String::as_str)
    }
}

/// The name that a payload's field is printed by: its own, unless that would hide the header's.
fn key(name: &str) -> &str {
    match name {
        "kind" => "variant",
        "symbol" => "defined_symbol",
        name => name,
    }
}

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
}

const COLUMNS: [&str; 9] = [
    "seq",
    "sub",
    "parent",
    "ts",
    "ingress_age_ns",
    "class",
    "kind",
    "instrument",
    "symbol",
];

/// Appends the CSV header; with a single kind every field has its own column.
pub fn csv_header(line: &mut String, only: Option<FrameRef<'_>>) {
    line.push_str(&COLUMNS.join(","));
    match only {
        Some(frame) => {
            describe(frame, &mut |name, _| {
                line.push(',');
                line.push_str(key(name));
            });
        }
        None => line.push_str(",fields"),
    }
    line.push('\n');
}

/// Appends one frame as a line.
pub fn line(out: &mut String, format: Format, frame: FrameRef<'_>, symbol: &str, single: bool) {
    match format {
        Format::Jsonl => json(out, frame, symbol),
        Format::Csv => csv(out, frame, symbol, single),
    }
}

fn json(out: &mut String, frame: FrameRef<'_>, symbol: &str) {
    let header = frame.header();
    let class = header.class().map_or("unknown", stream::Class::name);
    let _ = write!(
        out,
        "{{\"seq\":{},\"sub\":{},\"parent\":{},\"ts\":{},\"ingress_age_ns\":{},\
         \"class\":\"{class}\",\
         \"kind\":\"{}\",\"instrument\":{}",
        header.seq,
        header.sub,
        header.parent,
        header.ts,
        header.ingress_age_ns,
        header.kind,
        header.instrument.0
    );
    out.push_str(",\"symbol\":");
    quote(out, symbol);
    let known = describe(frame, &mut |name, value| {
        out.push_str(",\"");
        out.push_str(key(name));
        out.push_str("\":");
        json_value(out, value);
    });
    if !known {
        out.push_str(",\"unknown\":true");
    }
    out.push_str("}\n");
}

fn json_value(out: &mut String, value: Value<'_>) {
    let _ = match value {
        Value::Unsigned(number) => write!(out, "{number}"),
        Value::Signed(number) => write!(out, "{number}"),
        Value::Float(number) if number.is_finite() => write!(out, "{number}"),
        Value::Float(_) => write!(out, "null"),
        Value::Price(price) => write!(out, "\"{price}\""),
        Value::Money(money) => write!(out, "\"{money}\""),
        Value::Nanos(nanos) => write!(out, "{nanos}"),
        Value::Id(id) if id.is_none() => write!(out, "null"),
        Value::Id(id) => write!(out, "\"{id}\""),
        Value::Name(name) => write!(out, "\"{name}\""),
        Value::Text(text) => {
            quote(out, text);
            Ok(())
        }
        Value::Bytes(bytes) => {
            let end = bytes
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            quote(out, &String::from_utf8_lossy(&bytes[..end]));
            Ok(())
        }
        Value::Floats(items) => list(out, items, |out, item: &f64| {
            json_value(out, Value::Float(*item))
        }),
        Value::Prices(items) => list(out, items, |out, item: &Price| {
            json_value(out, Value::Price(*item))
        }),
        Value::Quantities(items) => list(out, items, |out, item: &u32| {
            json_value(out, Value::Unsigned(u64::from(*item)))
        }),
        Value::Makers(items) => list(out, items, |out, item: &[u8; 8]| {
            quote(out, read_text(item))
        }),
    };
}

fn list<T>(out: &mut String, items: &[T], each: impl Fn(&mut String, &T)) -> std::fmt::Result {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        each(out, item);
    }
    out.push(']');
    Ok(())
}

/// Appends a JSON string.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A value as people read it, without quotes.
pub fn plain(out: &mut String, value: Value<'_>) {
    let _ = match value {
        Value::Price(price) => write!(out, "{price}"),
        Value::Money(money) => write!(out, "{money}"),
        Value::Id(id) if id.is_none() => Ok(()),
        Value::Id(id) => write!(out, "{id}"),
        Value::Name(name) => write!(out, "{name}"),
        Value::Text(text) => write!(out, "{text}"),
        other => {
            json_value(out, other);
            Ok(())
        }
    };
}

fn csv(out: &mut String, frame: FrameRef<'_>, symbol: &str, single: bool) {
    let header = frame.header();
    let class = header.class().map_or("unknown", stream::Class::name);
    let _ = write!(
        out,
        "{},{},{},{},{},{class},{},{},{symbol}",
        header.seq,
        header.sub,
        header.parent,
        header.ts,
        header.ingress_age_ns,
        header.kind,
        header.instrument.0
    );
    let mut fields = String::new();
    describe(frame, &mut |name, value| {
        let mut text = String::new();
        plain(&mut text, value);
        if single {
            fields.push(',');
            csv_cell(&mut fields, &text);
        } else {
            let space = if fields.is_empty() { "" } else { " " };
            let _ = write!(fields, "{space}{}={text}", key(name));
        }
    });
    if single {
        out.push_str(&fields);
    } else {
        out.push(',');
        csv_cell(out, &fields);
    }
    out.push('\n');
}

fn csv_cell(out: &mut String, text: &str) {
    if text.contains([',', '"', '\n', '\r']) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

/// True when a filter on kinds lets the frame pass; an empty filter lets all pass.
#[must_use]
pub fn is_wanted(kinds: &[Kind], frame: FrameRef<'_>) -> bool {
    kinds.is_empty() || kinds.contains(&frame.kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use stream::Draft;

    #[test]
    fn no_field_hides_another() {
        for &kind in Kind::ALL {
            let mut draft = Draft::new();
            draft.write(stream::InstrumentId(1), &Instrument::zeroed());
            let lines = stream::payload::lines_of(kind).expect("every kind has a length");
            draft.header_mut().kind = kind;
            draft.header_mut().shape = stream::Header::shape(stream::Class::Input, lines);
            let mut seen: HashSet<&str> = COLUMNS.into_iter().collect();
            let known = describe(draft.frame(), &mut |name, _| {
                assert!(seen.insert(key(name)), "{kind}: {name} is printed twice");
            });
            assert!(known, "{kind} is shown");
        }
    }

    #[test]
    fn text_is_quoted_and_cells_are_escaped() {
        let mut out = String::new();
        quote(&mut out, "a\"b\\c\n\u{1}");
        assert_eq!(out, r#""a\"b\\c\n\u0001""#);
        let mut cell = String::new();
        csv_cell(&mut cell, "a,\"b\"");
        assert_eq!(cell, "\"a,\"\"b\"\"\"");
    }
}
