//! The second step before real money: a code that is good for one start, of this binary, with this
//! configuration.
//!
//! The first start writes the code and ends; the second one has to be given it. The code is bound
//! to the bytes of the program, to the whole configuration with its limits, to the account, and to
//! when it was made; it is used up by the start that it permits, and is good for an hour.

use crate::cli;
use crate::failure::{Failure, Outcome};
use engine::clock::utc;
use engine::setup::{Ibkr, Setup};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use stream::{Nanos, hash};

/// How long a code is good.
const GOOD_FOR: Nanos = Nanos::from_secs(3_600);

/// Passes when the right code was given; else writes a new one and says what to do.
pub fn enable(args: &cli::Run, setup: &Setup, ibkr: &Ibkr) -> Outcome {
    let path = Path::new(&setup.journal.dir).join(format!("live-{}.code", ibkr.account));
    let program = std::env::current_exe()
        .and_then(fs::read)
        .map_err(|why| Failure::failed(format!("the program cannot read itself: {why}")))?;
    let bound = bound_to(&program, &setup.config_text, &ibkr.account);
    match &args.code {
        Some(code) => consume(&path, code, bound, utc()),
        None => {
            let code = write(&path, bound, utc())?;
            Err(Failure::failed(format!(
                "nothing was connected: {} has real money. The limits that will be in force:\n{}\n\
                 To trade with them, start again within an hour with --code {code}. The code is \
                 good for one start of this program with this configuration; it is also in {}",
                ibkr.account,
                limits_of(&setup.config_text),
                path.display()
            )))
        }
    }
}

fn bound_to(program: &[u8], config: &str, account: &str) -> u64 {
    let of_config = hash::join(
        hash::bytes(config.as_bytes()),
        hash::bytes(account.as_bytes()),
    );
    hash::join(hash::bytes(program), of_config)
}

fn code_of(bound: u64, made: Nanos) -> String {
    format!("{:08x}", hash::join(bound, made.0) >> 32)
}

/// The limits: what a person agrees to.
fn limits_of(config: &str) -> String {
    let limits = config.lines().filter(|line| line.starts_with("risk."));
    limits
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn write(path: &PathBuf, bound: u64, now: Nanos) -> Outcome<String> {
    let code = code_of(bound, now);
    let failed = |why| {
        Failure::failed(format!(
            "{}: the code cannot be kept: {why}",
            path.display()
        ))
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    writeln!(file, "{} {code}", now.0).map_err(failed)?;
    Ok(code)
}

/// Takes the code away: it is good once, also when it is wrong.
fn consume(path: &PathBuf, given: &str, bound: u64, now: Nanos) -> Outcome {
    let refused = |why: &str| {
        Err(Failure::bad(format!(
            "--code {given}: {why}; start without --code for a new one"
        )))
    };
    let Ok(text) = fs::read_to_string(path) else {
        return refused("no code waits");
    };
    fs::remove_file(path)
        .map_err(|why| Failure::failed(format!("{}: the code stays: {why}", path.display())))?;
    let made = text.split(' ').next().and_then(|made| made.parse().ok());
    let made = Nanos(made.unwrap_or(0));
    if now.saturating_sub(made) > GOOD_FOR || made > now {
        return refused("it is older than an hour");
    }
    if given.trim() != code_of(bound, made) {
        return refused("it is not the code of this program with this configuration");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once_for_one_program_configuration_and_account() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("code");
        let now = Nanos::from_secs(1_000_000);
        let bound = bound_to(b"program", "risk.loss_max = 1\n", "U1");
        for other in [
            bound_to(b"programs", "[risk]\nloss_max = 1\n", "U1"),
            bound_to(b"program", "[risk]\nloss_max = 2\n", "U1"),
            bound_to(b"program", "risk.loss_max = 1\n", "U2"),
        ] {
            let code = write(&path, bound, now).expect("written");
            assert!(consume(&path, &code, other, now).is_err());
            assert!(consume(&path, &code, bound, now).is_err(), "used up");
        }
        let code = write(&path, bound, now).expect("written");
        let late = now + GOOD_FOR + Nanos(1);
        assert!(consume(&path, &code, bound, late).is_err());
        let code = write(&path, bound, now).expect("written");
        assert!(consume(&path, &code, bound, now).is_ok());
        assert!(consume(&path, &code, bound, now).is_err());
        assert_eq!(
            limits_of("a.x = 1\nrisk.loss_max = 1\nsim.y = 2\n"),
            "  risk.loss_max = 1"
        );
    }
}
