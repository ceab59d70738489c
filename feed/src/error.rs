//! What can be wrong with a file, always with its name, the place and a remedy.

use core::fmt;
use std::io;

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// A line, from 1.
    Line(u64),
    /// A byte offset, from 0, in the file's unpacked contents.
    Offset(u64),
}

impl fmt::Display for Place {
    /// With its separator, so that it can stand behind a file's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Line(line) => write!(f, ":{line}"),
            Self::Offset(offset) => write!(f, " at byte {offset}"),
        }
    }
}

/// Why a source cannot be read, or not any further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The path cannot be opened.
    #[error("{file}: cannot be opened: {why}; check that the path exists and may be read")]
    Open {
        /// The path.
        file: String,
        /// The system's word.
        why: io::Error,
    },
    /// A file that must stand beside another one is not there.
    #[error("{file}: its companion {expected} is missing; put it into the same folder or archive")]
    Missing {
        /// The file that is there.
        file: String,
        /// The file expected.
        expected: String,
    },
    /// The contents are damaged, cut short or of another format.
    #[error("{file}{place}: {what}; {remedy}")]
    Bad {
        /// The file.
        file: String,
        /// Where.
        place: Place,
        /// What is wrong.
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// None of the symbols asked for is in the file.
    #[error("{file}: holds nothing of {asked}; it holds {holds}: ask for one of these")]
    UnknownSymbol {
        /// The file.
        file: String,
        /// What was asked for.
        asked: String,
        /// What is there.
        holds: String,
    },
    /// The configuration does not fit the file or itself.
    #[error("{what}; {remedy}")]
    Config {
        /// What is wrong.
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
}

/// The usual remedy for damage.
pub(crate) const FETCH_AGAIN: &str = "fetch or export the file again";

impl FeedError {
    /// Damage or a wrong format.
    #[cold]
    pub(crate) fn bad(file: &str, place: Place, what: impl Into<String>) -> Self {
        Self::Bad {
            file: file.to_owned(),
            place,
            what: what.into(),
            remedy: FETCH_AGAIN,
        }
    }

    /// A fault of the configuration.
    #[cold]
    #[must_use]
    pub fn config(what: impl Into<String>, remedy: &'static str) -> Self {
        Self::Config {
            what: what.into(),
            remedy,
        }
    }

    /// Where it is wrong, if it is a matter of contents.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Bad { place, .. } => Some(*place),
            _ => None,
        }
    }
}

/// At most eight names in words, for messages.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut text = names.by_ref().take(8).collect::<Vec<_>>().join(", ");
    let more = names.count();
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    if text.is_empty() {
        text.push_str("nothing");
    }
    text
}
