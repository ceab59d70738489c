//! Files as the journal wants them: private, never through a link, with every promise that is
//! asked of the disk in one place, so that tests can break it or record it.

use crate::error::{Error, io_error};
use crate::map::{Map, Pen};
use crate::options::{Medium, Options};
use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Something that is about to be asked of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Blocks for a new segment.
    Allocate {
        /// The file.
        path: &'a Path,
        /// Its size.
        bytes: u64,
    },
    /// Frames, or a header, into a segment that is not mapped.
    Write {
        /// The file.
        path: &'a Path,
        /// Byte range.
        bytes: Range<u64>,
    },
    /// A part of a segment shall survive a loss of power.
    SyncRange {
        /// The file.
        path: &'a Path,
        /// Byte range; whole pages are synced.
        bytes: Range<u64>,
    },
    /// A whole file shall.
    SyncFile {
        /// The file.
        path: &'a Path,
    },
    /// The folder's entries shall.
    SyncFolder {
        /// The folder.
        path: &'a Path,
    },
}

/// Faults to inject, and a view of what is asked of the disk; for tests and torture.
pub trait Faults: Debug + Send + Sync {
    /// Called before each operation; an error is taken for the disk's own answer.
    ///
    /// # Errors
    /// The fault to inject.
    fn before(&self, operation: Operation<'_>) -> io::Result<()>;

    /// May lie about the bytes that are free.
    fn free_bytes(&self, real: u64) -> u64 {
        real
    }
}

/// The disk, with a test's faults in front of it.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) dir: PathBuf,
    /// Nothing is ever synced without it.
    synced: bool,
    medium: Medium,
    faults: Option<Arc<dyn Faults>>,
}

impl Disk {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            dir: options.dir.clone(),
            synced: !options.sync_every.is_zero(),
            medium: options.medium,
            faults: options.faults.clone(),
        }
    }

    fn before(&self, operation: Operation<'_>) -> io::Result<()> {
        self.faults
            .as_ref()
            .map_or(Ok(()), |faults| faults.before(operation))
    }

    /// Gives a new file its blocks, so that no later store can find the disk full.
    pub(crate) fn allocate(&self, file: &File, path: &Path, bytes: u64) -> io::Result<()> {
        self.before(Operation::Allocate { path, bytes })?;
        loop {
            match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::OPNOTSUPP) => return write_zeros(file, bytes),
                result => return Ok(result?),
            }
        }
    }

    /// Maps the first `bytes` of an allocated file, where files are mapped.
    pub(crate) fn map(&self, file: &File, bytes: u64) -> io::Result<Option<(Pen, Arc<Map>)>> {
        match self.medium {
            Medium::Mapped => Map::new(file, bytes).map(Some),
            Medium::Written => Ok(None),
        }
    }

    /// Writes whole frames, or a header, into a segment. The first word last: readers that find it
    /// find the rest, and those who come from before do not look behind it until then.
    pub(crate) fn write(
        &self,
        file: &File,
        path: &Path,
        offset: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        let Some((word, rest)) = bytes.split_first_chunk::<8>() else {
            return Ok(());
        };
        self.before(Operation::Write {
            path,
            bytes: offset..offset + bytes.len() as u64,
        })?;
        file.write_all_at(rest, offset + word.len() as u64)?;
        // SYNC POINT frame-word: as with a mapping.
        file.write_all_at(word, offset)
    }

    pub(crate) fn sync_range(&self, map: &Map, path: &Path, bytes: Range<usize>) -> io::Result<()> {
        if !self.synced {
            return Ok(());
        }
        self.before(Operation::SyncRange {
            path,
            bytes: bytes.start as u64..bytes.end as u64,
        })?;
        map.sync(bytes)
    }

    pub(crate) fn sync_file(&self, file: &File, path: &Path) -> io::Result<()> {
        if !self.synced {
            return Ok(());
        }
        self.before(Operation::SyncFile { path })?;
        file.sync_data()
    }

    pub(crate) fn sync_folder(&self) -> io::Result<()> {
        if !self.synced {
            return Ok(());
        }
        self.before(Operation::SyncFolder { path: &self.dir })?;
        File::open(&self.dir)?.sync_all()
    }

    /// Bytes that this user may still allocate.
    pub(crate) fn free_bytes(&self) -> io::Result<u64> {
        let space = rustix::fs::statvfs(&self.dir)?;
        let real = space.f_bavail.saturating_mul(space.f_frsize);
        Ok(self
            .faults
            .as_ref()
            .map_or(real, |faults| faults.free_bytes(real)))
    }

    /// Writes a small file that is there whole or not at all.
    pub(crate) fn write_whole(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let scratch = path.with_extension("new");
        let written = (|| {
            match std::fs::remove_file(&scratch) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let file = create_new(&scratch)?;
            file.write_all_at(bytes, 0)?;
            self.sync_file(&file, &scratch)?;
            std::fs::rename(&scratch, path)?;
            self.sync_folder()
        })();
        if written.is_err() {
            // The file is not part of the journal; a failure to remove it changes nothing.
            let _ = std::fs::remove_file(&scratch);
        }
        written.map_err(io_error(path, "write the file", bytes.len() as u64))
    }
}

fn write_zeros(file: &File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 16];
    let mut at = 0;
    while at < bytes {
        let count = zeros.len().min((bytes - at) as usize);
        file.write_all_at(&zeros[..count], at)?;
        at += count as u64;
    }
    Ok(())
}

/// A new file, readable by this user only.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)
}

/// An existing file, to be read; never through a link.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)
}

/// Makes the folder and its parents; true when it was not there.
pub(crate) fn create_folder(path: &Path) -> Result<bool, Error> {
    if path.is_dir() {
        return Ok(false);
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(io_error(path, "make the folder", 0))?;
    Ok(true)
}

/// How often a held lock is tried again before the start is refused.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// The exclusive lock of a journal, held while this lives.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    pub(crate) created: bool,
}

impl Lock {
    /// Takes the lock and writes this process's id into it.
    pub(crate) fn take(path: &Path) -> Result<Self, Error> {
        let mut tries = 0;
        loop {
            let created = !path.exists();
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
                .open(path)
                .map_err(io_error(path, "open the lock", 0))?;
            let exclusive = rustix::fs::FlockOperation::NonBlockingLockExclusive;
            match rustix::fs::flock(&file, exclusive) {
                // A refused start may have removed its lock file between our two steps.
                Ok(()) if !is_at(&file, path) => {}
                Ok(()) => return Self { file, created }.sign(path),
                // A reader that asks whether a writer lives holds the lock for a moment.
                Err(rustix::io::Errno::WOULDBLOCK) if tries < LOCK_TRIES => {
                    tries += 1;
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(Error::Locked {
                        path: path.to_owned(),
                        pid: read_pid(&file),
                    });
                }
                Err(error) => return Err(io_error(path, "lock", 0)(error.into())),
            }
        }
    }

    fn sign(self, path: &Path) -> Result<Self, Error> {
        let pid = std::process::id().to_string();
        self.file
            .set_len(0)
            .and_then(|()| self.file.write_all_at(pid.as_bytes(), 0))
            .map_err(io_error(path, "write the process id", pid.len() as u64))?;
        Ok(self)
    }

    /// True while some writer holds the lock.
    pub(crate) fn is_held(path: &Path) -> bool {
        let Ok(file) = open_to_read(path) else {
            return false;
        };
        let shared = rustix::fs::FlockOperation::NonBlockingLockShared;
        rustix::fs::flock(&file, shared) == Err(rustix::io::Errno::WOULDBLOCK)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that nobody holds is an empty file; one that keeps an old process id is no harm.
        let _ = self.file.set_len(0);
    }
}

/// True when the path still names that very file.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(path)) else {
        return false;
    };
    (ours.dev(), ours.ino()) == (named.dev(), named.ino())
}

fn read_pid(file: &File) -> Option<u32> {
    let mut bytes = [0; 16];
    let count = file.read_at(&mut bytes, 0).ok()?;
    std::str::from_utf8(&bytes[..count]).ok()?.parse().ok()
}
