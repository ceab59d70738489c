//! What ends a command early: an exit code and a text that names the thing, the place and the
//! remedy.

use std::fmt::Display;

/// It failed.
pub const FAILED: u8 = 1;
/// Bad usage, configuration or data.
pub const BAD_USAGE: u8 = 2;
/// A check found a difference.
pub const DIFFERENCE: u8 = 3;

/// What ends a command early.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What to tell; empty when everything has been told already.
    pub text: String,
}

/// What a command returns.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Exit code 1.
    pub fn failed(text: impl Display) -> Self {
        Self {
            code: FAILED,
            text: text.to_string(),
        }
    }

    /// Exit code 2.
    pub fn bad(text: impl Display) -> Self {
        Self {
            code: BAD_USAGE,
            text: text.to_string(),
        }
    }

    /// Exit code 3, with everything told already.
    pub const fn difference() -> Self {
        Self {
            code: DIFFERENCE,
            text: String::new(),
        }
    }
}

impl From<engine::config::Faults> for Failure {
    fn from(faults: engine::config::Faults) -> Self {
        Self::bad(faults)
    }
}

impl From<feed::error::FeedError> for Failure {
    fn from(error: feed::error::FeedError) -> Self {
        Self::bad(error)
    }
}

impl From<journal::Error> for Failure {
    fn from(error: journal::Error) -> Self {
        Self::bad(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(format!("the output cannot be written: {error}"))
    }
}

impl From<engine::run::RunError> for Failure {
    fn from(error: engine::run::RunError) -> Self {
        use engine::run::RunError;
        match error {
            RunError::Journal(_)
            | RunError::EdgeLog(_)
            | RunError::Restart(_)
            | RunError::Source(_)
            | RunError::NoBroker
            | RunError::ClockBehind { .. } => Self::bad(error),
            RunError::Emergency { .. } | RunError::Broken { .. } | RunError::Threads(_) => {
                Self::failed(error)
            }
        }
    }
}
