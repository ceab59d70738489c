//! Where the market data for tests is.

use std::path::PathBuf;

/// The path of a file of real market data; `None`, said loudly, where there is none. On a build
/// server its absence is a failure.
pub(crate) fn path(relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SPINDLE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
        PathBuf::from,
    );
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "market data is missing: {}; set SPINDLE_DATA",
        path.display()
    );
    eprintln!(
        "SKIPPED: no market data at {}; set SPINDLE_DATA",
        path.display()
    );
    None
}
