//! `cargo run --release -p bench -- NAME`: see [`bench::cli::Args`].
#![deny(unsafe_code)]

use clap::Parser;
use std::process::ExitCode;

/// Counts allocations of every thread; a few nanoseconds for each.
#[global_allocator]
static ALLOCATOR: bench::counting::Counting = bench::counting::Counting;

/// Measures how fast the pipeline is on this box.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Command {
    #[command(flatten)]
    args: bench::cli::Args,
}

fn main() -> ExitCode {
    match bench::cli::run(&Command::parse().args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::from(2)
        }
    }
}
