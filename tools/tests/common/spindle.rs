//! The built command.

use std::process::{Command, Output};

/// The command with these arguments, free of the settings of whoever runs the tests.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("spindle"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SPINDLE__") {
            command.env_remove(name);
        }
    }
    command.args(args);
    command
}

/// What one run of the command printed.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: output.status.code().expect("it ends by itself"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Runs the command to its end.
pub(crate) fn run(args: &[&str]) -> Run {
    Run::of(command(args).output().expect("the command runs"))
}
