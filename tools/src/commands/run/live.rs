//! The second step before real money: a code that is good for one start, of this binary, with this
//! configuration.
//!
//! The first start writes the code and ends; the second one has to be given it. The code is bound
//! to the bytes of the program, to the whole configuration with its limits, to the account, and to
//! when it was made; it is used up by the start that it permits, and is good for an hour.
//!
//! The whole configuration is every key, and not the part that a journal keeps: nothing was scanned
//! yet, so what a scan may add, and the limits of symbols that it may bring, stand there only.

use crate::cli;
use crate::failure::{Failure, Outcome};
use engine::clock::utc;
use engine::config::Settings;
use engine::setup::{Ibkr, Setup};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use stream::{Nanos, hash};

/// How long a code is good.
const GOOD_FOR: Nanos = Nanos::from_secs(3_600);

/// Passes when the right code was given; else writes a new one and says what to do.
pub fn enable(args: &cli::Run, settings: &Settings, setup: &Setup, ibkr: &Ibkr) -> Outcome {
    let path = Path::new(&setup.journal.dir).join(format!("live-{}.code", ibkr.account));
    let program = std::env::current_exe()
        .and_then(fs::read)
        .map_err(|why| Failure::failed(format!("the program cannot read itself: {why}")))?;
    let config = settings.to_toml(|_| true);
    let bound = bound_to(&program, &config, &ibkr.account);
    match &args.code {
        Some(code) => consume(&path, code, bound, utc()),
        None => {
            let code = write(&path, bound, utc())?;
            Err(Failure::failed(format!(
                "nothing was connected: {} has real money. The limits that will be in force:\n{}\n\
                 To trade with them, start again within an hour with --code {code}. The code is \
                 good for one start of this program with this configuration; it is also in {}",
                ibkr.account,
                limits_of(&config),
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

/// What a person agrees to: the limits, those of symbols that a scan may bring among them, and
/// what may be traded.
fn limits_of(config: &str) -> String {
    let agreed = |line: &&str| ["risk.", "universe."].iter().any(|t| line.starts_with(t));
    let limits = config.lines().filter(agreed);
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
    use engine::config::Value;
    use engine::setup::SAMPLE;

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

    const SCANNED: &str = r#"
[universe.scanner]
code = "HOT_BY_VOLUME"
instrument = "STK"
location = "STK.US.MAJOR"
above_price = 5
below_price = 500
above_volume = 0
count = 2
allowed = ["AMD"]
[risk.instrument.AMD]
order_quantity_max = 3
order_value_max = 400
position_max = 3
shorts = false
"#;

    /// Asks for a live start with that configuration; a code, where the first step gives one.
    fn ask(folder: &Path, config: &str, code: Option<&str>) -> Outcome {
        use clap::Parser;
        let mut settings = Settings::default();
        settings.add_sample(SAMPLE);
        settings.add_sample(config);
        let dir = folder.display().to_string();
        settings.add_flag("test", "journal.dir", Value::Text(dir));
        let setup = Setup::read(&settings).expect("a sound configuration");
        let ibkr = setup.ibkr.clone().expect("a table [ibkr]");
        let words = ["spindle", "run", "--mode", "live", "-c", "-"];
        let code = code.into_iter().flat_map(|code| ["--code", code]);
        let cli = cli::Cli::parse_from(words.into_iter().chain(code));
        let cli::Command::Run(args) = cli.command else {
            panic!("a run was asked for");
        };
        enable(&args, &settings, &setup, &ibkr)
    }

    #[test]
    fn what_a_scan_may_bring_is_shown_and_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let code = || {
            let said = ask(folder.path(), SCANNED, None).expect_err("a code").text;
            for shown in [
                "risk.instrument.AMD.order_value_max = 400",
                "risk.loss_max = 1000",
                "universe.scanner.allowed = [\"AMD\"]",
            ] {
                assert!(said.contains(shown), "{shown} is agreed to: {said}");
            }
            let code = said.split("--code ").nth(1).expect("a code");
            code.split('.').next().expect("a code").to_owned()
        };
        for (was, edited) in [
            ("order_value_max = 400", "order_value_max = 40000"),
            ("allowed = [\"AMD\"]", "allowed = [\"AMD\", \"GME\"]"),
            ("count = 2", "count = 3"),
            ("shorts = false", "shorts = false\n[ibkr]\nport = 4001"),
            (
                "shorts = false",
                "shorts = false\n[journal]\nsync_every = \"1s\"",
            ),
        ] {
            let other = SCANNED.replace(was, edited);
            assert_ne!(other, SCANNED, "{was} is there");
            let refused = ask(folder.path(), &other, Some(&code())).expect_err(edited);
            assert!(refused.text.contains("not the code"), "{}", refused.text);
        }
        assert!(ask(folder.path(), SCANNED, Some(&code())).is_ok());
    }
}
