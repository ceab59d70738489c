//! `spindle bench`: the harness, by the same entry as `cargo run --release -p bench`.
//!
//! What this build cannot measure the harness says itself: it holds no peers, and its allocator
//! does not count.

use crate::failure::{Failure, Outcome};

pub fn run(args: &bench::cli::Args) -> Outcome {
    bench::cli::run(args).map_err(|error| Failure::bad(format!("bench: {error:#}")))
}
