//! One JSON object a frame.

use super::text::{json, unsigned};
use super::{Symbols, key};
use stream::FrameRef;
use stream::payload::describe;

/// Appends one frame as a line. What no kind of this binary's explains is marked as unknown.
pub fn jsonl(out: &mut Vec<u8>, frame: FrameRef<'_>, symbols: &Symbols) {
    let header = frame.header();
    let class = header.class().map_or("unknown", stream::Class::name);
    let mut number = |name: &[u8], value: u64| {
        out.extend_from_slice(name);
        unsigned(out, value);
    };
    number(b"{\"seq\":", header.seq);
    number(b",\"sub\":", u64::from(header.sub));
    number(b",\"parent\":", u64::from(header.parent));
    number(b",\"ts\":", header.ts.0);
    number(b",\"ingress_age_ns\":", u64::from(header.ingress_age_ns));
    out.extend_from_slice(b",\"class\":\"");
    out.extend_from_slice(class.as_bytes());
    out.extend_from_slice(b"\",\"kind\":\"");
    match header.kind.name() {
        "Unknown" => out.extend_from_slice(header.kind.to_string().as_bytes()),
        name => out.extend_from_slice(name.as_bytes()),
    }
    out.extend_from_slice(b"\",\"instrument\":");
    unsigned(out, u64::from(header.instrument.0));
    out.extend_from_slice(b",\"symbol\":");
    out.extend_from_slice(symbols.quoted(frame));
    let known = describe(frame, &mut |name, value| {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(key(name).as_bytes());
        out.extend_from_slice(b"\":");
        json(out, value);
    });
    out.extend_from_slice(match known {
        true => b"}\n".as_slice(),
        false => b",\"unknown\":true}\n",
    });
}

#[cfg(test)]
mod tests {
    use super::super::tests::random;
    use super::*;
    use std::fmt::Write;
    use stream::payload::{Value, read_text};
    use stream::{Kind, Price};

    /// The line as the standard library's formatter writes it.
    fn twin(frame: FrameRef<'_>) -> String {
        let header = frame.header();
        let mut out = String::new();
        write!(
            out,
            "{{\"seq\":{},\"sub\":{},\"parent\":{},\"ts\":{},\"ingress_age_ns\":{},\
             \"class\":\"{}\",\"kind\":\"{}\",\"instrument\":{},\"symbol\":\"\"",
            header.seq,
            header.sub,
            header.parent,
            header.ts,
            header.ingress_age_ns,
            header.class().map_or("unknown", stream::Class::name),
            header.kind,
            header.instrument.0
        )
        .unwrap();
        let known = describe(frame, &mut |name, value| {
            write!(out, ",\"{}\":{}", key(name), value_of(value)).unwrap();
        });
        out.push_str(if known { "}\n" } else { ",\"unknown\":true}\n" });
        out
    }

    fn value_of(value: Value<'_>) -> String {
        let list = |items: Vec<String>| format!("[{}]", items.join(","));
        match value {
            Value::Unsigned(number) => format!("{number}"),
            Value::Signed(number) => format!("{number}"),
            Value::Float(number) if number.is_finite() => format!("{number}"),
            Value::Float(_) => "null".to_owned(),
            Value::Price(price) => format!("\"{price}\""),
            Value::Money(money) => format!("\"{money}\""),
            Value::Nanos(nanos) => format!("{nanos}"),
            Value::Id(id) if id.is_none() => "null".to_owned(),
            Value::Id(id) => format!("\"{id}\""),
            Value::Name(name) => format!("\"{name}\""),
            Value::Text(text) => string(text),
            Value::Bytes(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                string(text.trim_end_matches('\0'))
            }
            Value::Floats(items) => list(
                items
                    .iter()
                    .map(|item| value_of(Value::Float(*item)))
                    .collect(),
            ),
            Value::Prices(items) => list(
                items
                    .iter()
                    .map(|Price(item)| value_of(Value::Price(Price(*item))))
                    .collect(),
            ),
            Value::Quantities(items) => list(items.iter().map(ToString::to_string).collect()),
            Value::Makers(items) => {
                list(items.iter().map(|item| string(read_text(item))).collect())
            }
        }
    }

    fn string(text: &str) -> String {
        let escaped = text.chars().map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            c if (c as u32) < 0x20 => format!("\\u{:04x}", c as u32),
            c => c.to_string(),
        });
        format!("\"{}\"", escaped.collect::<String>())
    }

    #[test]
    fn every_kind_reads_as_the_standard_library_writes_it() {
        let mut kinds = Kind::ALL.to_vec();
        kinds.sort();
        for kind in kinds {
            for seed in 0..200 {
                let lines = random(kind, seed);
                let frame = FrameRef::first_of(&lines).unwrap();
                let mut line = Vec::new();
                jsonl(&mut line, frame, &Symbols::default());
                let wanted = twin(frame);
                assert!(!wanted.contains("unknown\":true"), "{kind}");
                assert_eq!(String::from_utf8(line).unwrap(), wanted, "{kind} {seed}");
            }
        }
    }

    #[test]
    fn what_nobody_knows_says_so() {
        let mut lines = random(Kind::Add, 1);
        lines[0].0[30] = 200;
        let frame = FrameRef::first_of(&lines).unwrap();
        let mut line = Vec::new();
        jsonl(&mut line, frame, &Symbols::default());
        let line = String::from_utf8(line).unwrap();
        assert_eq!(line, twin(frame));
        assert!(line.contains("\"kind\":\"Unknown(200)\"") && line.contains("\"unknown\":true"));
    }
}
