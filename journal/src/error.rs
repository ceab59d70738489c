//! What can go wrong, with the place and the remedy.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a journal cannot be opened, continued or closed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error("{path}: cannot {doing}: {source}; {}", remedy(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full.
    #[error(
        "{path}: no space left for {bytes} bytes; free some space, choose a smaller segment size \
         or another folder"
    )]
    NoSpace {
        /// The file that could not be made.
        path: PathBuf,
        /// How much it needs.
        bytes: u64,
    },
    /// Another writer holds the journal.
    #[error(
        "{path}: the journal is being written by {}; stop that engine first, \
         or give another folder",
        holder(*pid)
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that holds it, where it could be read.
        pid: Option<u32>,
    },
    /// The folder holds something else.
    #[error("{path}: not a journal: {why}; give an empty folder, or one that holds a journal")]
    NotAJournal {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A journal of another account or date.
    #[error("{path}: this journal's {field} is {found}, not {wanted}; give another folder")]
    Foreign {
        /// The identity file.
        path: PathBuf,
        /// `account` or `date`.
        field: &'static str,
        /// What the journal says.
        found: String,
        /// What the options say.
        wanted: String,
    },
    /// A journal of another schema.
    #[error(
        "{path}: schema version {found}, this program reads and writes {wanted}; use the program \
         that wrote it"
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version of this program.
        wanted: u32,
    },
    /// Durable bytes are damaged.
    #[error(
        "{0}; the files were left untouched: copy the folder aside, run `journal verify`, and \
         reconcile with the broker from a new folder"
    )]
    Corrupt(Damage),
    /// An option out of range.
    #[error("journal option {name}: {why}")]
    Option {
        /// Its name.
        name: &'static str,
        /// What would be right.
        why: String,
    },
}

fn remedy(source: &io::Error) -> &'static str {
    if source.raw_os_error() == Some(libc::ELOOP) {
        return "links are not followed inside a journal";
    }
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "give a folder that this user may write to"
        }
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::NotADirectory => "give a folder, not a file",
        _ => "check the disk",
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

/// Makes an [`Error::Io`], or [`Error::NoSpace`] for a full disk.
pub(crate) fn io_error(
    path: &Path,
    doing: &'static str,
    bytes: u64,
) -> impl FnOnce(io::Error) -> Error {
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::NoSpace {
            path: path.to_owned(),
            bytes,
        },
        _ => Error::Io {
            path: path.to_owned(),
            doing,
            source,
        },
    }
}

/// A place where the journal is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Lines since the journal began, up to which everything is sound.
    pub position: u64,
    /// The file.
    pub file: PathBuf,
    /// Byte offset in the file.
    pub offset: u64,
    /// What is wrong there.
    pub what: What,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, byte {}: {} (journal position {})",
            self.file.display(),
            self.offset,
            self.what,
            self.position
        )
    }
}

/// What is wrong at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The identity file does not verify.
    Identity,
    /// A segment's header does not verify, or names another journal, epoch, place or past.
    Header,
    /// A segment is missing.
    Missing,
    /// A frame does not verify.
    Checksum,
    /// A frame is longer than the room that its segment or epoch has left.
    Overrun,
    /// Zeros or the end of the file where a frame must be.
    Absent,
    /// A pad that does not end its segment.
    Pad,
    /// A `seq` or `ts` that does not follow from the frame before.
    Sequence,
    /// The epoch's last frame is not the one that its close record or the next epoch names.
    Chain,
    /// A close record that does not verify, or an epoch that must have one and has none.
    CloseRecord,
    /// Bytes or segments behind the recorded end.
    Trailing,
    /// A durable mark that does not verify in either slot.
    Mark,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "the identity does not verify",
            Self::Header => "the segment header does not verify or does not belong here",
            Self::Missing => "a segment is missing",
            Self::Checksum => "a frame does not verify",
            Self::Overrun => "a frame is longer than its room",
            Self::Absent => "a frame is absent",
            Self::Pad => "a pad stands before the segment's end",
            Self::Sequence => "seq or ts does not follow from the frame before",
            Self::Chain => "the epoch does not end with the recorded frame",
            Self::CloseRecord => "the close record does not verify",
            Self::Trailing => "there is more than was recorded",
            Self::Mark => "the durable mark does not verify",
        })
    }
}
