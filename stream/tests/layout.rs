//! `LAYOUT.md` and the drawings in the source tell every layout truly.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use stream::payload::{Field, fields_of, lines_of};
use stream::{Header, Kind};

const INTRODUCTION: &str = "\
# Layouts

Where every byte of every frame lies, in the rings, in the journal and in a decoder of your own.
This page is written from the code by `SPINDLE_BLESS=1 cargo test -p stream --test layout` and
compared with it by the same test without the variable.

A frame is 1 to 8 lines of 64 bytes. Offsets count from the start of the frame; numbers are
little-endian, without padding; `spare` bytes are zero. `Price` and `Money` are `i64` in 1e-9 of a
currency unit, `Qty` is `i64` in whole shares or contracts, `Nanos` is `u64` since 1970-01-01 UTC
(or a span), `FrameId` is `u64`: `seq` in the upper 48 bits, `sub` in the lower 16. Texts are ASCII,
padded with zeros. A reader skips kinds that it does not know.
";

/// `super::Reason` in one module is `Reason` in another.
fn type_name(field: &Field) -> &'static str {
    field.ty.trim_start_matches("super::")
}

fn header() -> Vec<(&'static str, usize, usize)> {
    macro_rules! of {
        ($($field:ident)*) => {{
            let zero = Header::default();
            vec![$((
                stringify!($field),
                core::mem::offset_of!(Header, $field),
                size_of_val(&zero.$field),
            )),*]
        }};
    }
    of!(seq ts crc ingress_age_ns instrument sub parent kind shape)
}

fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str("\n## The header\n\n| offset | bytes | field |\n|---:|---:|---|\n");
    for (name, offset, bytes) in header() {
        writeln!(page, "| {offset} | {bytes} | `{name}` |").unwrap();
    }
    page.push_str("\n`shape`: bits 0–1 class, bits 2–4 lines − 1, bits 5–7 zero.\n\n## Kinds\n");
    let mut enums = BTreeMap::new();
    for &kind in Kind::ALL {
        let lines = lines_of(kind).unwrap();
        let plural = if lines == 1 { "" } else { "s" };
        writeln!(page, "\n### {} {kind}: {lines} line{plural}\n", kind.0).unwrap();
        page.push_str("| offset | bytes | field | type |\n|---:|---:|---|---|\n");
        for field in fields_of(kind).unwrap() {
            let (name, ty) = (field.name, type_name(field));
            writeln!(
                page,
                "| {} | {} | `{name}` | `{ty}` |",
                field.offset, field.bytes
            )
            .unwrap();
            if !field.values.is_empty() {
                let known = enums.insert(ty, field.values);
                assert!(known.is_none_or(|known| known == field.values), "{ty}");
            }
        }
    }
    page.push_str("\n## Enumerations\n");
    for (name, values) in enums {
        writeln!(page, "\n### {name}\n\n| number | name |\n|---:|---|").unwrap();
        for (number, value) in values {
            writeln!(page, "| {number} | `{value}` |").unwrap();
        }
    }
    page
}

#[test]
fn the_layout_page_is_true() {
    support::same_as_committed("LAYOUT.md", &page());
}

#[test]
fn the_header_has_no_gap() {
    let mut end = 0;
    for (name, offset, bytes) in header() {
        assert_eq!(offset, end, "{name}");
        end += bytes;
    }
    assert_eq!(end, Header::BYTES);
}

/// Kinds whose layout is drawn beside the struct.
const DRAWN: &[(Kind, &str)] = &[
    (Kind::Add, include_str!("../src/payload/market.rs")),
    (Kind::Modify, include_str!("../src/payload/market.rs")),
    (Kind::Execute, include_str!("../src/payload/market.rs")),
    (Kind::Level, include_str!("../src/payload/market.rs")),
    (Kind::DepthRow, include_str!("../src/payload/market.rs")),
    (Kind::Quote, include_str!("../src/payload/market.rs")),
    (Kind::Trade, include_str!("../src/payload/market.rs")),
    (Kind::Tick, include_str!("../src/payload/reference.rs")),
    (Kind::Fill, include_str!("../src/payload/answers.rs")),
    (Kind::BookView, include_str!("../src/payload/from_book.rs")),
    (Kind::Order, include_str!("../src/payload/from_risk.rs")),
    (
        Kind::Command,
        include_str!("../src/payload/from_gateway.rs"),
    ),
];

/// Draws the fields, offsets above and names below: half a line (32 bytes) to a row, less where
/// that would be wider than a page.
fn drawing(fields: &[Field]) -> String {
    const WIDTH: usize = 90;
    let mut drawing = String::from("```text\n");
    let mut row_end = Header::BYTES + 32;
    let (mut offsets, mut rule, mut names) = (String::new(), String::new(), String::new());
    for (index, field) in fields.iter().enumerate() {
        let width = field.name.len() + 2;
        let corner = if rule.is_empty() { '├' } else { '┼' };
        write!(offsets, " {:<width$}", field.offset).unwrap();
        write!(rule, "{corner}{}", "─".repeat(width)).unwrap();
        write!(names, "│ {} ", field.name).unwrap();
        let end = field.offset + field.bytes;
        let fits = |next: &Field| offsets.len() + next.name.len() + 3 <= WIDTH;
        if end < row_end && fields.get(index + 1).is_some_and(fits) {
            continue;
        }
        while row_end <= end {
            row_end += 32;
        }
        writeln!(drawing, "{offsets} {end}\n {rule}┤\n {names}│").unwrap();
        for row in [&mut offsets, &mut rule, &mut names] {
            row.clear();
        }
    }
    drawing.push_str("```\n");
    drawing
}

#[test]
fn the_drawings_in_the_source_are_true() {
    for &(kind, source) in DRAWN {
        let drawn: String = drawing(fields_of(kind).unwrap())
            .lines()
            .map(|line| format!("    /// {line}\n"))
            .collect();
        assert!(
            drawn.lines().all(|line| line.chars().count() <= 100),
            "{kind} is drawn too wide"
        );
        let stands = source
            .split("payload! {")
            .any(|part| part.contains(&drawn) && part.contains(&format!("\n    {kind}, ")));
        assert!(stands, "the drawing of {kind} must be:\n\n{drawn}");
    }
}
