//! One comma-separated row a frame.

use super::text::{plain, unsigned};
use super::{HEADER, Symbols, key};
use stream::FrameRef;
use stream::payload::describe;

/// Appends the header; with frames of a single kind, of which one is given, every field has its
/// own column.
pub fn csv_header(out: &mut Vec<u8>, only: Option<FrameRef<'_>>) {
    out.extend_from_slice(HEADER.join(",").as_bytes());
    match only {
        Some(frame) => {
            describe(frame, &mut |name, _| {
                out.push(b',');
                out.extend_from_slice(key(name).as_bytes());
            });
        }
        None => out.extend_from_slice(b",fields"),
    }
    out.push(b'\n');
}

/// Appends one frame as a row: every field in its own column where all frames are of a single
/// kind, else all in one.
pub fn csv(out: &mut Vec<u8>, frame: FrameRef<'_>, symbols: &Symbols, single: bool) {
    let header = frame.header();
    for number in [
        header.seq,
        u64::from(header.sub),
        u64::from(header.parent),
        header.ts.0,
        u64::from(header.ingress_age_ns),
    ] {
        unsigned(out, number);
        out.push(b',');
    }
    let class = header.class().map_or("unknown", stream::Class::name);
    out.extend_from_slice(class.as_bytes());
    out.push(b',');
    out.extend_from_slice(header.kind.to_string().as_bytes());
    out.push(b',');
    unsigned(out, u64::from(header.instrument.0));
    out.push(b',');
    out.extend_from_slice(symbols.of(frame).as_bytes());
    let mut fields = Vec::new();
    let mut cell_text = Vec::new();
    describe(frame, &mut |name, value| {
        if single {
            cell_text.clear();
            plain(&mut cell_text, value);
            out.push(b',');
            cell(out, &cell_text);
        } else {
            if !fields.is_empty() {
                fields.push(b' ');
            }
            fields.extend_from_slice(key(name).as_bytes());
            fields.push(b'=');
            plain(&mut fields, value);
        }
    });
    if !single {
        out.push(b',');
        cell(out, &fields);
    }
    out.push(b'\n');
}

fn cell(out: &mut Vec<u8>, text: &[u8]) {
    if !text.iter().any(|byte| b",\"\n\r".contains(byte)) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for &byte in text {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::tests::random;
    use super::*;
    use stream::Kind;

    #[test]
    fn cells_are_escaped() {
        let mut out = Vec::new();
        cell(&mut out, b"a,\"b\"");
        assert_eq!(out, b"\"a,\"\"b\"\"\"");
    }

    #[test]
    fn a_row_of_a_single_kind_has_a_cell_for_each_column() {
        let lines = random(Kind::Trade, 6);
        let frame = FrameRef::first_of(&lines).unwrap();
        let (mut head, mut row, mut mixed) = (Vec::new(), Vec::new(), Vec::new());
        csv_header(&mut head, Some(frame));
        csv(&mut row, frame, &Symbols::default(), true);
        csv(&mut mixed, frame, &Symbols::default(), false);
        let [head, row, mixed] = [head, row, mixed].map(|text| String::from_utf8(text).unwrap());
        let names: Vec<_> = head.trim().split(',').collect();
        let cells: Vec<_> = row.trim().split(',').collect();
        assert_eq!(names.len(), cells.len());
        for (name, cell) in names.iter().zip(&cells).skip(HEADER.len()) {
            assert!(
                mixed.contains(&format!("{name}={cell}")),
                "{name} in {mixed}"
            );
        }
    }
}
