//! `spindle`: the command that people run.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod explain;
mod failure;
mod host;
mod report;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; everything else is bad usage.
            let code = if error.use_stderr() {
                failure::BAD_USAGE
            } else {
                0
            };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match commands::run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.text.is_empty() {
                eprintln!("spindle: {}", failure.text);
            }
            ExitCode::from(failure.code)
        }
    }
}
