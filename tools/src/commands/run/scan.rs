//! A universe that a scan adds to: once, when a journal begins. Instruments have numbers, books and
//! tables of their own from the start, so nothing joins a run that goes on; and a start behind a
//! journal has that journal's universe, or what is held would be forgotten.

use super::super::days;
use crate::cli;
use crate::failure::{Failure, Outcome};
use engine::clock::utc;
use engine::fold::configuration;
use engine::ibkr::BrokerError;
use engine::setup::{Scanner, Setup};
use std::path::{Path, PathBuf};

/// The journal that the run will continue, where one is there to be.
pub fn journal(args: &cli::Run, setup: &Setup, account: &str, speed_milli: u64) -> Option<PathBuf> {
    match &args.journal {
        Some(named) => Some(named.clone()),
        None if args.mode != cli::Mode::Observe && speed_milli == 1_000 => {
            days::place(setup, account, utc())
        }
        None => None,
    }
}

/// The named symbols, and behind them what the scan finds, or what the journal began with.
pub fn universe(
    scanner: &Scanner,
    named: Vec<String>,
    journal: Option<&Path>,
    scan: impl FnOnce() -> Result<Vec<String>, BrokerError>,
) -> Outcome<Vec<String>> {
    let begun = match journal {
        Some(dir) => configuration(dir).map_err(Failure::failed)?,
        None => None,
    };
    if let Some(text) = begun {
        let before = Setup::from_journal(&text)?;
        let all: Vec<String> = before
            .symbols()
            .map(|(_, symbol)| symbol.to_owned())
            .collect();
        eprintln!(
            "spindle run: nothing is scanned: the journal began with {}",
            all.join(", ")
        );
        return Ok(all);
    }
    let found = scan()?;
    let picked = scanner.pick(&found, &named);
    eprintln!(
        "spindle run: {} found {} symbols, {} of them are allowed and added: {}",
        scanner.scan.code,
        found.len(),
        picked.len(),
        if picked.is_empty() {
            "none".to_owned()
        } else {
            picked.join(", ")
        }
    );
    Ok([named, picked].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanner() -> Scanner {
        Scanner {
            scan: Default::default(),
            count: 1,
            allowed: vec!["AMD".to_owned()],
        }
    }

    #[test]
    fn a_start_without_a_journal_scans() {
        let named = vec!["SPY".to_owned()];
        let none = tempfile::tempdir().expect("a folder");
        let found = || Ok(vec!["GME".to_owned(), "AMD".to_owned()]);
        let all = universe(&scanner(), named.clone(), Some(none.path()), found);
        assert_eq!(
            all.map_err(|why| why.text),
            Ok(vec!["SPY".to_owned(), "AMD".to_owned()])
        );
        let all = universe(&scanner(), named.clone(), None, || Ok(Vec::new()));
        assert_eq!(all.map_err(|why| why.text), Ok(named));
    }
}
