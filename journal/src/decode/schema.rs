//! What is in the columns: `schema.json`.
//!
//! ```json
//! {"format": 1,
//!  "symbols": {"1": "SPY"},
//!  "unknown_kinds": {"200": 3},
//!  "kinds": [
//!   {"kind": "Add", "number": 1, "rows": 2, "columns": [
//!    {"field": "price", "file": "Add/price.bin", "type": "Price", "dtype": "<i8",
//!     "shape": [], "scale": 1e-9},
//!    {"field": "side", "file": "Add/side.bin", "type": "Side", "dtype": "|u1",
//!     "shape": [], "values": {"0": "none", "1": "buy", "2": "sell"}}]}]}
//! ```
//!
//! `dtype` is numpy's, with `shape` a row's further dimensions; `type` is the one of `LAYOUT.md`;
//! `scale` is what one unit of the number is worth, and only there where it is not 1.

use super::columns::Table;
use super::text::{quote, unsigned};
use super::{Symbols, key};
use core::mem::offset_of;
use stream::payload::Field;
use stream::{Class, Header};

/// Version of the layout of `schema.json` and of the files.
const FORMAT: u64 = 1;

/// The bits of `shape` that hold the class.
const CLASS_BITS: u8 = 0b11;

/// Numbers of the classes, with their names.
const CLASSES: [(u8, &str); 3] = [
    (Class::Input as u8, Class::Input.name()),
    (Class::Derived as u8, Class::Derived.name()),
    (Class::Note as u8, Class::Note.name()),
];

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    /// First byte in the frame.
    pub(super) offset: usize,
    /// Bytes of a row.
    pub(super) bytes: usize,
    /// The bits that count, where not all do.
    pub(super) mask: Option<u8>,
    ty: &'static str,
    values: &'static [(u8, &'static str)],
}

/// The columns of a kind with those fields: the header's, then the payload's without what is
/// spare.
pub(super) fn columns(fields: &'static [Field]) -> impl Iterator<Item = Spec> {
    const fn spec(name: &'static str, offset: usize, bytes: usize, ty: &'static str) -> Spec {
        Spec {
            name,
            offset,
            bytes,
            mask: None,
            ty,
            values: &[],
        }
    }
    let header = [
        spec("seq", offset_of!(Header, seq), 8, "u64"),
        spec("sub", offset_of!(Header, sub), 2, "u16"),
        spec("parent", offset_of!(Header, parent), 2, "u16"),
        spec("ts", offset_of!(Header, ts), 8, "Nanos"),
        spec(
            "ingress_age_ns",
            offset_of!(Header, ingress_age_ns),
            4,
            "u32",
        ),
        Spec {
            mask: Some(CLASS_BITS),
            values: &CLASSES,
            ..spec("class", offset_of!(Header, shape), 1, "Class")
        },
        spec(
            "instrument",
            offset_of!(Header, instrument),
            2,
            "InstrumentId",
        ),
    ];
    let payload = fields.iter().filter(|field| !field.is_spare());
    header.into_iter().chain(payload.map(|field| Spec {
        values: field.values,
        ..spec(key(field.name), field.offset, field.bytes, field.ty)
    }))
}

impl Spec {
    /// numpy's name of the element, and the row's further dimensions. Bytes without a type where
    /// the type is not known here.
    fn dtype(&self) -> (String, Option<usize>) {
        if !self.values.is_empty() {
            return ("|u1".to_owned(), None);
        }
        let scalar = |ty: &str| match ty {
            "u8" => Some(("|u1", 1)),
            "u16" | "InstrumentId" | "SourceId" => Some(("<u2", 2)),
            "u32" => Some(("<u4", 4)),
            "u64" | "Nanos" | "FrameId" => Some(("<u8", 8)),
            "i32" => Some(("<i4", 4)),
            "i64" | "Price" | "Money" | "Qty" => Some(("<i8", 8)),
            "f64" => Some(("<f8", 8)),
            "[u8; 8]" => Some(("|S8", 8)),
            _ => None,
        };
        if self.ty == "[u8; CHUNK]" {
            return (format!("|V{}", self.bytes), None);
        }
        if self.ty.starts_with("[u8;") {
            return (format!("|S{}", self.bytes), None);
        }
        if let Some((name, _)) = scalar(self.ty) {
            return (name.to_owned(), None);
        }
        let element = self.ty.strip_prefix('[').and_then(|ty| ty.rsplit_once(';'));
        match element.and_then(|(element, _)| scalar(element)) {
            Some((name, bytes)) => (name.to_owned(), Some(self.bytes / bytes)),
            None => (format!("|V{}", self.bytes), None),
        }
    }

    fn scale(&self) -> Option<&'static str> {
        let is_scaled = self.ty.contains("Price") || self.ty.contains("Money");
        is_scaled.then_some("1e-9")
    }
}

/// The whole file.
pub(super) fn text(tables: &[&Table], skipped: &[(u8, u64)], symbols: &Symbols) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"format\": ");
    unsigned(&mut out, FORMAT);
    out.extend_from_slice(b",\n \"symbols\": {");
    let mut first = true;
    for (instrument, symbol) in symbols.iter() {
        pair(&mut out, &mut first, u64::from(instrument.0));
        quote(&mut out, symbol);
    }
    out.extend_from_slice(b"},\n \"unknown_kinds\": {");
    first = true;
    for (kind, frames) in skipped {
        pair(&mut out, &mut first, u64::from(*kind));
        unsigned(&mut out, *frames);
    }
    out.extend_from_slice(b"},\n \"kinds\": [");
    for (index, table) in tables.iter().enumerate() {
        out.extend_from_slice(if index > 0 { b",\n  " } else { b"\n  " });
        kind(&mut out, table);
    }
    out.extend_from_slice(b"]}\n");
    out
}

fn kind(out: &mut Vec<u8>, table: &Table) {
    let name = table.kind.name();
    out.extend_from_slice(b"{\"kind\": ");
    quote(out, name);
    out.extend_from_slice(b", \"number\": ");
    unsigned(out, u64::from(table.kind.0));
    out.extend_from_slice(b", \"rows\": ");
    unsigned(out, table.rows);
    out.extend_from_slice(b", \"columns\": [");
    for (index, column) in table.columns.iter().enumerate() {
        let spec = &column.spec;
        out.extend_from_slice(if index > 0 { b",\n   " } else { b"\n   " });
        let (dtype, count) = spec.dtype();
        for (what, value) in [
            ("{\"field\": ", spec.name),
            (", \"file\": ", &format!("{name}/{}.bin", spec.name)),
            (", \"type\": ", spec.ty),
            (", \"dtype\": ", &dtype),
        ] {
            out.extend_from_slice(what.as_bytes());
            quote(out, value);
        }
        out.extend_from_slice(b", \"shape\": [");
        if let Some(count) = count {
            unsigned(out, count as u64);
        }
        out.push(b']');
        if let Some(scale) = spec.scale() {
            out.extend_from_slice(b", \"scale\": ");
            out.extend_from_slice(scale.as_bytes());
        }
        if !spec.values.is_empty() {
            out.extend_from_slice(b", \"values\": {");
            let mut first = true;
            for (number, value) in spec.values {
                pair(out, &mut first, u64::from(*number));
                quote(out, value);
            }
            out.push(b'}');
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}

/// Begins a pair of an object whose names are numbers.
fn pair(out: &mut Vec<u8>, first: &mut bool, number: u64) {
    if !std::mem::take(first) {
        out.extend_from_slice(b", ");
    }
    out.push(b'"');
    unsigned(out, number);
    out.extend_from_slice(b"\": ");
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::Kind;
    use stream::payload::fields_of;

    #[test]
    fn every_field_has_a_type_of_its_size() {
        for &kind in Kind::ALL {
            for spec in columns(fields_of(kind).unwrap()) {
                let (dtype, count) = spec.dtype();
                let place = format!("{kind} {} {}: {dtype}", spec.name, spec.ty);
                let bytes: usize = dtype[2..].parse().unwrap();
                assert_eq!(bytes * count.unwrap_or(1), spec.bytes, "{place}");
                assert_eq!(dtype.starts_with("|V"), spec.ty == "[u8; CHUNK]", "{place}");
            }
        }
    }
}
