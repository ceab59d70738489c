//! The command as people run it, from outside: killed, starved of disk, and fed with rubbish.

mod bad_input;
mod followed;
mod full_disk;
mod kill9;
mod paper_server;
mod stopped;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The command, without colour and without settings from this environment.
fn spindle() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spindle"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SPINDLE__") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1");
    command
}

fn run(args: &[&str]) -> Output {
    spindle().args(args).output().expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The sample data, where there is any. With `CI=true` it must be there.
fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SPINDLE_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is missing",
        path.display()
    );
    eprintln!("SKIPPED: {} is missing; set SPINDLE_DATA", path.display());
    None
}
