//! One file for each command.

mod backtest;
mod bench;
mod book;
mod common;
mod config;
mod days;
mod demo;
mod doctor;
mod init;
mod journal;
mod replay;
mod run;
mod stop;
mod tune;
mod tws_sim;

use crate::cli::{Cli, Command};
use crate::failure::{Failure, Outcome};
use clap::CommandFactory;

/// The names of the settings that `spindle tune` knows.
pub fn tuned() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(tune::settings::names())
}

/// The names of the groups of fields that `spindle tws-sim` can make wrong.
pub fn spoiled() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(tws::corrupt::Group::names())
}

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
        Command::Tune { command } => tune::run(&command),
        Command::Bench(args) => bench::run(&args),
        Command::TwsSim(args) => tws_sim::run(&args),
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
        Command::Man { folder } => {
            clap_mangen::generate_to(Cli::command(), &folder).map_err(|error| {
                let folder = folder.display();
                Failure::bad(format!(
                    "{folder}: the manual pages cannot be written: {error}"
                ))
            })
        }
    }
}
