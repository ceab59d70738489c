//! `spindle journal decode --format columns`: every number that the JSON lines show stands in the
//! columns, row by row, and nothing else does.

mod common {
    pub(crate) mod spindle;
    pub(crate) mod verdict;
}

use common::spindle::run;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

/// A column as the schema describes it, with its bytes.
struct Column {
    spec: Value,
    bytes: Vec<u8>,
}

impl Column {
    fn read(dir: &Path, spec: &Value, rows: usize) -> Self {
        let file = spec["file"].as_str().expect("a file");
        let bytes = std::fs::read(dir.join(file)).expect("the column's file");
        let column = Self {
            spec: spec.clone(),
            bytes,
        };
        let (element, count) = (column.element(), column.count());
        assert_eq!(column.bytes.len(), rows * element * count, "{file}");
        column
    }

    fn ty(&self) -> &str {
        self.spec["type"].as_str().expect("a type")
    }

    fn element(&self) -> usize {
        let dtype = self.spec["dtype"].as_str().expect("a dtype");
        dtype[2..].parse().expect("a size")
    }

    fn count(&self) -> usize {
        let shape = self.spec["shape"].as_array().expect("a shape");
        shape
            .iter()
            .map(|n| n.as_u64().expect("a size") as usize)
            .product()
    }

    /// The value of a row, as the JSON lines would show it.
    fn value(&self, row: usize) -> Value {
        let (element, count) = (self.element(), self.count());
        let start = row * element * count;
        let cells = self.bytes[start..start + element * count].chunks(element);
        let mut values: Vec<Value> = cells.map(|cell| self.shown(cell)).collect();
        match self.spec["shape"].as_array().expect("a shape").is_empty() {
            true => values.remove(0),
            false => Value::Array(values),
        }
    }

    fn shown(&self, cell: &[u8]) -> Value {
        let mut wide = [0; 8];
        let used = cell.len().min(8);
        wide[..used].copy_from_slice(&cell[..used]);
        let unsigned = u64::from_le_bytes(wide);
        if let Some(name) = self.spec["values"].get(unsigned.to_string()) {
            return name.clone();
        }
        let dtype = self.spec["dtype"].as_str().expect("a dtype");
        match &dtype[..2] {
            "<u" | "|u" if self.ty() == "FrameId" => match unsigned {
                0 => Value::Null,
                id => json!(format!("{}.{}", id >> 16, id & 0xFFFF)),
            },
            "<u" | "|u" => json!(unsigned),
            "<i" if self.spec["scale"] == json!(1e-9) => {
                json!(decimal(i64::from_le_bytes(wide)))
            }
            "<i" if cell.len() == 4 => json!(unsigned as u32 as i32),
            "<i" => json!(unsigned as i64),
            "<f" => json!(f64::from_bits(unsigned)),
            _ => {
                let end = cell
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |at| at + 1);
                json!(String::from_utf8_lossy(&cell[..end]))
            }
        }
    }
}

/// Two to nine places, as prices are shown.
fn decimal(value: i64) -> String {
    let digits = format!("{:010}", value.unsigned_abs());
    let (whole, places) = digits.split_at(digits.len() - 9);
    let kept = places.trim_end_matches('0').len().max(2);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{whole}.{}", &places[..kept])
}

/// Equality; floats may have lost their last digit where JSON was read.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Number(number), b) if number.is_f64() => {
            let (a, b) = (number.as_f64().expect("a float"), b.as_f64());
            b.is_some_and(|b| (a - b).abs() <= a.abs() * 1e-15)
        }
        _ => a == b,
    }
}

/// The decoder's lines, by kind.
fn lines(journal: &Path, rest: &[&str]) -> BTreeMap<String, Vec<Map<String, Value>>> {
    let mut args = vec!["journal", "decode", text(journal)];
    args.extend(rest);
    let mut kinds: BTreeMap<String, Vec<Map<String, Value>>> = BTreeMap::new();
    for line in run(&args).good().stdout.lines() {
        let Value::Object(frame) = serde_json::from_str(line).expect("JSON") else {
            panic!("{line} is no object");
        };
        let kind = frame["kind"].as_str().expect("a kind").to_owned();
        kinds.entry(kind).or_default().push(frame);
    }
    kinds
}

fn compare(journal: &Path, dir: &Path, filter: &[&str]) -> usize {
    let mut args = vec!["journal", "decode", text(journal), "--format", "columns"];
    args.extend(["--out", text(dir)]);
    args.extend(filter);
    run(&args).good();
    let schema = std::fs::read_to_string(dir.join("schema.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let frames = lines(journal, filter);
    let kinds = schema["kinds"].as_array().expect("kinds");
    assert_eq!(kinds.len(), frames.len());
    for kind in kinds {
        let name = kind["kind"].as_str().expect("a name");
        let frames = &frames[name];
        assert_eq!(kind["rows"], json!(frames.len()), "{name}");
        let specs = kind["columns"].as_array().expect("columns");
        // The kind is the table's name, and the symbol is told by the schema.
        assert_eq!(specs.len() + 2, frames[0].len(), "{name}");
        for spec in specs {
            let column = Column::read(dir, spec, frames.len());
            let field = spec["field"].as_str().expect("a name");
            for (row, frame) in frames.iter().enumerate() {
                let (found, wanted) = (column.value(row), &frame[field]);
                assert!(
                    same(&found, wanted),
                    "{name} {field} {row}: {found}, not {wanted}"
                );
            }
        }
        for frame in frames {
            let symbol = &schema["symbols"][frame["instrument"].to_string()];
            assert!(symbol.is_null() || frame["symbol"] == *symbol || frame["symbol"] == "");
        }
    }
    frames.values().map(Vec::len).sum()
}

#[test]
fn columns_hold_what_the_lines_show() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal");
    let demo = [
        "demo",
        "--fast",
        "--seconds",
        "10",
        "--seed",
        "1",
        "--json",
        "--journal",
    ];
    run(&[&demo[..], &[text(&journal)]].concat()).good();
    let all = compare(&journal, &folder.path().join("all"), &[]);
    assert!(all > 10_000, "only {all} frames");
    let some = compare(
        &journal,
        &folder.path().join("some"),
        &["--kind", "Best", "--kind", "Trade", "--seq", "500..3000"],
    );
    assert!((1..all).contains(&some), "{some} of {all}");
}

#[test]
fn columns_need_a_new_folder_and_an_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal");
    let demo = ["demo", "--fast", "--seconds", "10", "--json", "--journal"];
    run(&[&demo[..], &[text(&journal)]].concat()).good();
    let out = folder.path().join("out");
    for (arguments, told) in [
        (vec!["decode", "--format", "columns"], "--out DIR"),
        (vec!["decode", "--out", text(&out)], "--out belongs to"),
        (
            vec!["tail", "--format", "columns", "--out", text(&out)],
            "cannot be followed",
        ),
    ] {
        let args = [&["journal", arguments[0], text(&journal)], &arguments[1..]].concat();
        let refused = run(&args).bad();
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
    }
    std::fs::create_dir(&out).expect("a folder");
    std::fs::write(out.join("mine"), "mine").expect("a file");
    let args = [
        "journal",
        "decode",
        text(&journal),
        "--format",
        "columns",
        "--out",
        text(&out),
    ];
    let refused = run(&args).bad();
    assert!(
        refused.stderr.contains("is not empty"),
        "{}",
        refused.stderr
    );
}
