//! What the tests of this crate share: files that are written from the code and kept in it.

use std::path::{Path, PathBuf};

/// A file of this crate.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// True when the committed files are to be written anew instead of compared.
pub fn blesses() -> bool {
    std::env::var_os("SPINDLE_BLESS").is_some_and(|value| value == "1")
}

/// Compares `expected` with the committed file `name`, or writes it when [`blesses`] says so.
///
/// # Panics
/// At the first line that differs.
#[allow(
    dead_code,
    reason = "each test binary uses its own part of this module"
)]
pub fn same_as_committed(name: &str, expected: &str) {
    if blesses() {
        std::fs::write(file(name), expected).expect("the crate's folder can be written");
        return;
    }
    let committed = std::fs::read_to_string(file(name))
        .unwrap_or_else(|error| panic!("{name}: {error}; SPINDLE_BLESS=1 writes it"));
    for (index, (is, was)) in expected.lines().zip(committed.lines()).enumerate() {
        assert_eq!(
            is,
            was,
            "{name}:{}: the code no longer says what the file says. A layout on disk changes only \
             on purpose: SPINDLE_BLESS=1 cargo test -p stream writes the file anew",
            index + 1
        );
    }
    let (is, was) = (expected.lines().count(), committed.lines().count());
    assert_eq!(is, was, "{name}: number of lines");
}
