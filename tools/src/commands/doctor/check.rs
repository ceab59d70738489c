//! One check: what was found, what is wanted, why, and what to do.

use crate::host::Host;
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As wanted.
    Ok,
    /// The system does not say.
    Unknown,
    /// It works, but slower or less safely than it could.
    Warn,
    /// It does not work.
    Fail,
}

impl Severity {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// A check with its result.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub found: String,
    /// What is wanted.
    pub wanted: String,
    /// Why.
    pub why: &'static str,
    /// What to do.
    pub remedy: String,
    /// What was measured, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<serde_json::Value>,
}

impl Check {
    /// A check that has found nothing yet.
    pub fn new(
        name: &'static str,
        wanted: impl Into<String>,
        why: &'static str,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            name,
            severity: Severity::Unknown,
            found: "the system does not say".to_owned(),
            wanted: wanted.into(),
            why,
            remedy: remedy.into(),
            numbers: None,
        }
    }

    /// Not to be seen here, and why.
    pub fn unknown(self, why: impl Into<String>) -> Self {
        self.with(Severity::Unknown, why)
    }

    /// A file of the box does not tell it.
    pub fn unseen(self, host: &Host, path: &str) -> Self {
        self.unknown(host.why_not(path))
    }

    /// With what was measured.
    pub fn numbers(self, numbers: serde_json::Value) -> Self {
        Self {
            numbers: Some(numbers),
            ..self
        }
    }

    /// As wanted.
    pub fn ok(self, found: impl Into<String>) -> Self {
        self.with(Severity::Ok, found)
    }

    /// It works, but could be better.
    pub fn warn(self, found: impl Into<String>) -> Self {
        self.with(Severity::Warn, found)
    }

    /// It does not work.
    pub fn fail(self, found: impl Into<String>) -> Self {
        self.with(Severity::Fail, found)
    }

    /// Ok or a warning.
    pub fn ok_if(self, is_ok: bool, found: impl Into<String>) -> Self {
        self.with(if is_ok { Severity::Ok } else { Severity::Warn }, found)
    }

    fn with(self, severity: Severity, found: impl Into<String>) -> Self {
        Self {
            severity,
            found: found.into(),
            ..self
        }
    }

    /// For people: one line where all is well, else four.
    pub fn text(&self, width: usize) -> String {
        let severity = self.severity.name();
        let mut text = format!("{severity:<7}  {:<width$}  {}\n", self.name, self.found);
        if self.severity != Severity::Ok {
            let margin = 7 + 2 + width + 2;
            for (what, words) in [
                ("wanted", self.wanted.as_str()),
                ("why", self.why),
                ("do", &self.remedy),
            ] {
                text.push_str(&format!("{:margin$}{what}: {words}\n", ""));
            }
        }
        text
    }
}
