//! Bytes and numbers that are on disks for good.
//!
//! `golden/frames.txt` holds one frame of each kind, as bytes and as a decoder shows it: the bytes
//! must be made again from the fields, and the fields read again from the bytes. A changed layout
//! fails both. `golden/numbers.txt` holds every number that has a meaning; it may only grow.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use stream::payload::{Field, Payload, describe, fields_of, flags, quality};
use stream::{Class, Draft, FrameRef, Header, InstrumentId, Kind, Line, Nanos, StageId};
use stream::{hash, with_payloads};

/// Fills one field with a value that comes from its name: never zero, different for each. `nth`
/// tells fields with the same enumeration apart.
fn fill(field: &Field, nth: usize, bytes: &mut [u8]) {
    if field.is_spare() {
        return;
    }
    if !field.values.is_empty() {
        bytes[0] = field.values[1 + nth % (field.values.len() - 1)].0;
    } else if field.ty == "[f64; COMPONENTS]" {
        for (index, number) in bytes.chunks_mut(8).enumerate() {
            number.copy_from_slice(&(1.5 + index as f64).to_le_bytes());
        }
    } else if field.ty == "f64" {
        let value = (hash::bytes(field.name.as_bytes()) % 1_000) as f64 + 0.25;
        bytes.copy_from_slice(&value.to_le_bytes());
    } else if field.ty.contains("[u8") {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = b'A' + ((index + field.name.len()) % 26) as u8;
        }
    } else {
        let mut state = hash::bytes(field.name.as_bytes());
        for byte in bytes {
            state = hash::mix(state);
            *byte = 1 + (state % 127) as u8;
        }
    }
}

/// The frame of `P` with every field filled, and a header whose every field is set too.
fn sample<P: Payload>() -> Draft {
    let mut payload = vec![0; P::LINES * Line::BYTES - Header::BYTES];
    for (index, field) in P::FIELDS.iter().enumerate() {
        let start = field.offset - Header::BYTES;
        let nth = P::FIELDS[..index]
            .iter()
            .filter(|other| other.ty == field.ty)
            .count();
        fill(field, nth, &mut payload[start..start + field.bytes]);
    }
    let payload = P::try_read_from_bytes(&payload).expect("its enumerations hold valid numbers");
    let mut draft = Draft::new();
    draft.write_as(Class::Derived, InstrumentId(0x0201), &payload);
    let header = draft.header_mut();
    header.seq = 0x0605_0403_0201;
    header.ts = Nanos(0x1817_1615_1413_1211);
    header.crc = 0x2423_2221;
    header.ingress_age_ns = 0x3433_3231;
    header.sub = 0x4241;
    header.parent = 0x5251;
    draft
}

fn samples() -> Vec<Draft> {
    macro_rules! all {
        ($($name:ident)*) => { vec![$(sample::<stream::payload::$name>()),*] };
    }
    with_payloads!(all)
}

/// The frame as the golden file shows it: its name, its fields, its bytes.
fn shown(frame: FrameRef<'_>) -> String {
    let header = frame.header();
    let class = header.class().expect("a class").name();
    let mut text = format!(
        "{} {class} instrument={}\n",
        frame.kind(),
        header.instrument.0
    );
    write!(
        text,
        "  seq={} ts={} crc={}",
        header.seq, header.ts, header.crc
    )
    .unwrap();
    writeln!(
        text,
        " age={} sub={} parent={}",
        header.ingress_age_ns, header.sub, header.parent
    )
    .unwrap();
    let fits = describe(frame, &mut |name, value| {
        writeln!(text, "  {name}={value:?}").unwrap();
    });
    assert!(fits, "{} does not fit its kind", frame.kind());
    for half in frame.bytes().chunks(32) {
        text.push_str("  :");
        for byte in half {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    text
}

#[test]
fn one_frame_of_each_kind_keeps_its_bytes() {
    let samples = samples();
    let kinds: Vec<_> = samples.iter().map(|draft| draft.frame().kind()).collect();
    assert_eq!(kinds, Kind::ALL, "one frame of each kind");
    let text: String = samples.iter().map(|draft| shown(draft.frame())).collect();
    support::same_as_committed("tests/golden/frames.txt", &text);
    committed_bytes_read_as_the_fields_beside_them();
}

fn committed_bytes_read_as_the_fields_beside_them() {
    let name = "tests/golden/frames.txt";
    let committed = std::fs::read_to_string(support::file(name)).expect(name);
    let mut bytes = Vec::new();
    for row in committed
        .lines()
        .filter_map(|line| line.strip_prefix("  :"))
    {
        for digits in row.as_bytes().chunks(2) {
            let digits = std::str::from_utf8(digits).expect("ASCII");
            bytes.push(u8::from_str_radix(digits, 16).expect("hex"));
        }
    }
    let (whole, rest) = bytes.as_chunks::<{ Line::BYTES }>();
    assert!(rest.is_empty(), "the file ends inside a line");
    let lines: Vec<Line> = whole.iter().map(|&bytes| Line(bytes)).collect();
    let mut rest = &lines[..];
    let mut shown_again = String::new();
    while let Some(frame) = FrameRef::first_of(rest) {
        shown_again.push_str(&shown(frame));
        rest = &rest[frame.lines().len()..];
    }
    assert!(rest.is_empty(), "the file ends inside a frame");
    assert_eq!(shown_again, committed);
}

/// Sample values are there to tell fields apart: none is zero, and no two of one type are equal.
#[test]
fn no_two_fields_of_a_sample_are_equal() {
    for draft in samples() {
        let frame = draft.frame();
        let mut seen = BTreeSet::new();
        for field in fields_of(frame.kind()).expect("known") {
            if field.is_spare() {
                continue;
            }
            let bytes = &frame.bytes()[field.offset..field.offset + field.bytes];
            assert!(bytes.iter().any(|&byte| byte != 0), "{}", field.name);
            let kind = frame.kind();
            assert!(
                seen.insert((field.ty, bytes)),
                "{kind}: {} equals another",
                field.name
            );
        }
    }
}

/// Every number with a meaning: kinds, classes, stages, enumerations, flag bits.
fn numbers() -> BTreeSet<String> {
    let mut numbers = BTreeSet::new();
    for &kind in Kind::ALL {
        numbers.insert(format!("kind {:03} {kind}", kind.0));
        for field in fields_of(kind).expect("known") {
            let ty = field.ty.trim_start_matches("super::");
            for (number, name) in field.values {
                numbers.insert(format!("enum {ty} {number:03} {name}"));
            }
        }
    }
    for class in [Class::Input, Class::Derived, Class::Note] {
        numbers.insert(format!("class {:03} {}", class as u8, class.name()));
    }
    for stage in (0..=u8::MAX).filter_map(StageId::from_u8) {
        numbers.insert(format!("stage {:03} {}", stage as u8, stage.name()));
    }
    macro_rules! bits {
        ($($module:ident: $($name:ident)*;)*) => {
            $($(
                let bit = $module::$name;
                let (group, name) = (stringify!($module), stringify!($name));
                assert_eq!(bit.count_ones(), 1, "{name} is one bit");
                numbers.insert(format!("bit {group} {bit:03} {name}"));
            )*)*
        };
    }
    bits! {
        flags: REDUCE HIDDEN NON_PRINTABLE REVEALED FORGOTTEN MORE SNAPSHOT;
        quality: CROSSED STALE GAPPED ONE_SIDED HALTED EMPTY;
    }
    numbers
}

#[test]
fn a_number_once_given_keeps_its_meaning_for_ever() {
    let name = "tests/golden/numbers.txt";
    let numbers = numbers();
    let committed = std::fs::read_to_string(support::file(name)).unwrap_or_default();
    for line in committed.lines() {
        assert!(
            numbers.contains(line),
            "`{line}` stands in {name} and not in the code: journals on disk hold this number. \
             Give what is new a new number; nothing writes over this file"
        );
    }
    let text: String = numbers.iter().map(|line| format!("{line}\n")).collect();
    support::same_as_committed(name, &text);
}

#[test]
fn no_number_of_a_kind_or_an_enumeration_means_two_things() {
    let numbers = numbers();
    let places: BTreeSet<_> = numbers
        .iter()
        .map(|line| line.rsplit_once(' ').unwrap().0)
        .collect();
    assert_eq!(places.len(), numbers.len());
}
