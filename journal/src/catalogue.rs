//! What a journal's folder holds, by name; and who the journal says it is.

use crate::disk::open_to_read;
use crate::error::{Damage, Error, What, io_error};
use crate::layout::{Closed, Identity, Mark, RECORD_BYTES, Record, SCHEMA, SegmentHeader};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The files of one epoch.
#[derive(Clone, Debug, Default)]
pub(crate) struct EpochFiles {
    /// Segments by number.
    pub(crate) segments: BTreeMap<u32, PathBuf>,
    /// The close record, when the epoch was ended on purpose.
    pub(crate) closed: Option<PathBuf>,
    /// The durable mark.
    pub(crate) mark: Option<PathBuf>,
}

/// What a segment's header is.
#[derive(Clone, Debug)]
pub(crate) enum HeaderState {
    /// It verifies.
    Sound(Box<SegmentHeader>),
    /// Zeros or too short: prepared and never used, or lost.
    Blank,
    /// Something else.
    Damaged,
}

pub(crate) fn identity_path(dir: &Path) -> PathBuf {
    dir.join("identity")
}

pub(crate) fn lock_path(dir: &Path) -> PathBuf {
    dir.join("lock")
}

pub(crate) fn reserve_path(dir: &Path) -> PathBuf {
    dir.join("reserve.seg")
}

pub(crate) fn segment_path(dir: &Path, epoch: u32, index: u32) -> PathBuf {
    dir.join(format!("{epoch:08}-{index:08}.seg"))
}

pub(crate) fn closed_path(dir: &Path, epoch: u32) -> PathBuf {
    dir.join(format!("{epoch:08}.closed"))
}

pub(crate) fn mark_path(dir: &Path, epoch: u32) -> PathBuf {
    dir.join(format!("{epoch:08}.mark"))
}

/// Every epoch that has a file, by number.
pub(crate) fn epochs(dir: &Path) -> Result<BTreeMap<u32, EpochFiles>, Error> {
    let mut epochs: BTreeMap<u32, EpochFiles> = BTreeMap::new();
    let listing = std::fs::read_dir(dir).map_err(io_error(dir, "list the folder", 0))?;
    for entry in listing {
        let path = entry.map_err(io_error(dir, "list the folder", 0))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if let Some(numbers) = name.strip_suffix(".seg") {
            let Some((epoch, index)) = numbers.split_once('-') else {
                continue;
            };
            if let (Some(epoch), Some(index)) = (number(epoch), number(index)) {
                epochs
                    .entry(epoch)
                    .or_default()
                    .segments
                    .insert(index, path);
            }
        } else if let Some(epoch) = name.strip_suffix(".closed").and_then(number) {
            epochs.entry(epoch).or_default().closed = Some(path);
        } else if let Some(epoch) = name.strip_suffix(".mark").and_then(number) {
            epochs.entry(epoch).or_default().mark = Some(path);
        }
    }
    Ok(epochs)
}

fn number(text: &str) -> Option<u32> {
    (text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

/// Reads the identity; `None` when there is no such file.
pub(crate) fn identity(dir: &Path) -> Result<Option<Identity>, Error> {
    let path = identity_path(dir);
    let file = match open_to_read(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(&path, "open the identity", 0)(error)),
    };
    let bytes =
        read_to(&file, 2 * RECORD_BYTES).map_err(io_error(&path, "read the identity", 0))?;
    let Some(identity) = Identity::unseal(&bytes) else {
        return Err(Error::Corrupt(Damage {
            position: 0,
            file: path,
            offset: 0,
            what: What::Identity,
        }));
    };
    if identity.schema != SCHEMA {
        return Err(Error::Schema {
            path,
            found: identity.schema,
            wanted: SCHEMA,
        });
    }
    Ok(Some(identity))
}

/// Reads a segment's header.
pub(crate) fn header(file: &File) -> io::Result<HeaderState> {
    let state = header_once(file)?;
    // A read may have run beside the store of the header; its first word was there, so the whole
    // is there now.
    // SYNC POINT frame-word: pairs with the release in `Pen::store_last`.
    if matches!(state, HeaderState::Damaged) {
        return header_once(file);
    }
    Ok(state)
}

fn header_once(file: &File) -> io::Result<HeaderState> {
    let bytes = read_to(file, RECORD_BYTES)?;
    Ok(if let Some(header) = SegmentHeader::unseal(&bytes) {
        HeaderState::Sound(Box::new(header))
    } else if bytes.iter().all(|&byte| byte == 0) {
        HeaderState::Blank
    } else {
        HeaderState::Damaged
    })
}

/// Reads a close record; `None` when it does not verify.
pub(crate) fn closed(path: &Path) -> Result<Option<Closed>, Error> {
    let doing = "read the close record";
    let file = open_to_read(path).map_err(io_error(path, doing, 0))?;
    let bytes = read_to(&file, 2 * RECORD_BYTES).map_err(io_error(path, doing, 0))?;
    Ok(Closed::unseal(&bytes))
}

/// What an epoch's durable mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkState {
    /// Nothing yet.
    Blank,
    /// Every line below this position is durable.
    At(u64),
    /// It has bytes, and neither slot verifies.
    Damaged,
}

/// Reads the newer of the two marks that belong to that epoch; a slot may be torn by a crash, and
/// then the other one counts.
pub(crate) fn mark(path: &Path, salt: u64) -> Result<MarkState, Error> {
    let state = mark_once(path, salt)?;
    if state == MarkState::Damaged {
        // A read may have run beside a write; marks are written milliseconds apart.
        return mark_once(path, salt);
    }
    Ok(state)
}

fn mark_once(path: &Path, salt: u64) -> Result<MarkState, Error> {
    let doing = "read the durable mark";
    let file = open_to_read(path).map_err(io_error(path, doing, 0))?;
    let bytes = read_to(&file, 2 * RECORD_BYTES).map_err(io_error(path, doing, 0))?;
    let newest = bytes
        .chunks(RECORD_BYTES)
        .filter_map(Mark::unseal)
        .filter(|mark| mark.salt == salt)
        .max_by_key(|mark| mark.count);
    Ok(match newest {
        Some(mark) => MarkState::At(mark.position),
        // A close that was cut short may have put its record there, and has not counted.
        None if bytes
            .chunks(RECORD_BYTES)
            .all(|slot| slot.iter().all(|&byte| byte == 0) || Closed::unseal(slot).is_some()) =>
        {
            MarkState::Blank
        }
        None => MarkState::Damaged,
    })
}

/// Reads up to `count` bytes from the start of a file.
fn read_to(file: &File, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    let mut filled = 0;
    while filled < count {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
