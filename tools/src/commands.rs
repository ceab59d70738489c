//! One file for each command.

mod backtest;
mod book;
mod common;
mod config;
mod demo;
mod doctor;
mod init;
mod journal;
mod replay;
mod run;
mod stop;

use crate::cli::{Cli, Command};
use crate::failure::Outcome;
use clap::CommandFactory;

/// Carries a command out.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Book(args) => book::run(&args),
        Command::Journal { command } => journal::run(&command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Config { command } => config::run(&command),
        Command::Init(args) => init::run(&args),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "spindle",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}
