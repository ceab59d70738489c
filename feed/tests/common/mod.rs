//! Where the market data for tests is, and what several tests need.

#![allow(dead_code, reason = "each test file uses a part of it")]

use feed::file::{Decode, Frames};
use std::path::PathBuf;
use stream::FrameRef;

/// The folder with real market data; `None`, said loudly, where there is none. On a build server
/// its absence is a failure.
pub(crate) fn data(relative: &str) -> Option<PathBuf> {
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

/// Decodes everything, giving each frame to `take` and telling when a record is complete.
pub(crate) fn decode_all(
    decoder: &mut dyn Decode,
    frames: &mut Frames,
    mut take: impl FnMut(FrameRef<'_>),
) -> Result<u64, feed::error::FeedError> {
    let mut records = 0;
    while decoder.decode(frames)?.is_some() {
        records += 1;
        while let Some(frame) = frames.front() {
            take(frame);
            frames.pop();
        }
    }
    Ok(records)
}
