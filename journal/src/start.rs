//! A start: finding where the journal ends, and opening the next epoch there.
//!
//! Nothing that an earlier start wrote is changed. What a crash tore stays where it is; the new
//! epoch's first header says where the sound part ends. A refused start leaves nothing behind.

use crate::catalogue::{self, identity_path, lock_path, mark_path, reserve_path, segment_path};
use crate::disk::{Disk, Lock, create_folder, create_new, open_to_read};
use crate::epoch::Past;
use crate::error::{Error, io_error};
use crate::layout::{self, Identity, RECORD_BYTES, Record, SCHEMA, SegmentHeader};
use crate::options::{Medium, Options};
use crate::prepare::Preparer;
use crate::segment::{self, Prepared};
use crate::shared::Shared;
use crate::sheets::{Press, Sheets, sheets};
use crate::sync::{MarkFile, Syncer};
use crate::walk::{End, Walk};
use crate::writer::{Parts, Writer};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use stream::Nanos;
use zerocopy::FromZeros;

/// Segments that may wait for the syncing helper before the writer waits for it.
const UNSYNCED_SEGMENTS_MAX: usize = 256;

/// What a start found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The new epoch's number, from 1.
    pub epoch: u32,
    /// The epoch before, 0 when there is none.
    pub previous_epoch: u32,
    /// `seq` of the last sound frame, 0 when there is none.
    pub last_seq: u64,
    /// `ts` of the last sound frame.
    pub last_ts: Nanos,
    /// Lines since the journal began: the new epoch begins here.
    pub position: u64,
    /// Sound frames.
    pub frames: u64,
    /// Lines behind the end that a crash tore and that were left behind.
    pub cut_lines: u64,
    /// The last epoch was closed on purpose.
    pub closed: bool,
    /// There is no frame.
    pub empty: bool,
}

/// Opens a journal for writing: a new one in an empty folder, or the next epoch of one that is
/// there.
///
/// # Errors
/// When another writer holds it, the folder holds something else or another account's or date's
/// journal, durable bytes are damaged, or the disk refuses or is full.
pub fn create_or_continue(options: &Options) -> Result<(Writer, Recovered), Error> {
    options.check()?;
    let dir = &options.dir;
    let mut made = Made::default();
    if create_folder(dir)? {
        made.folder = Some(dir.clone());
    }
    if !identity_path(dir).exists() {
        refuse_strangers(dir)?;
    }
    let lock = Lock::take(&lock_path(dir))?;
    if lock.created {
        made.files.push(lock_path(dir));
    }
    let disk = Disk::new(options);
    let identity = match catalogue::identity(dir)? {
        Some(identity) => {
            refuse_foreign(&identity, options)?;
            identity
        }
        None => create_identity(&disk, options, &mut made)?,
    };
    let recovered = recover(dir)?;
    let mut writer = open_epoch(&disk, options, &identity, &recovered, lock, &mut made)?;
    made.is_kept = true;
    writer.remember(made);
    Ok((writer, recovered.found))
}

/// What a start has made; removed again unless it is kept.
#[derive(Debug, Default)]
pub(crate) struct Made {
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
    pub(crate) is_kept: bool,
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // The refusal itself is what is told; what cannot be removed is empty.
        for path in self.files.iter().rev() {
            let _ = std::fs::remove_file(path);
        }
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// A folder without an identity must be empty, but for what a refused start may leave and for the
/// edge's own log.
fn refuse_strangers(dir: &Path) -> Result<(), Error> {
    let failed = || io_error(dir, "list the folder", 0);
    for entry in std::fs::read_dir(dir).map_err(failed())? {
        let name = entry.map_err(failed())?.file_name();
        if name != "lock" && name != "identity.new" && name != "edge.log" {
            return Err(Error::NotAJournal {
                path: dir.to_owned(),
                why: format!("it holds {} and no identity", name.display()),
            });
        }
    }
    Ok(())
}

fn refuse_foreign(identity: &Identity, options: &Options) -> Result<(), Error> {
    let refuse = |field, found, wanted| {
        Err(Error::Foreign {
            path: identity_path(&options.dir),
            field,
            found,
            wanted,
        })
    };
    let account = stream::payload::read_text(&identity.account);
    if account != options.account {
        return refuse(
            "account",
            format!("`{account}`"),
            format!("`{}`", options.account),
        );
    }
    if identity.date != options.date {
        return refuse("date", identity.date.to_string(), options.date.to_string());
    }
    Ok(())
}

fn create_identity(disk: &Disk, options: &Options, made: &mut Made) -> Result<Identity, Error> {
    let identity = Identity {
        journal: random(&disk.dir)?,
        schema: SCHEMA,
        date: options.date,
        account: layout::account_field(&options.account),
        ..Identity::new_zeroed()
    };
    let path = identity_path(&disk.dir);
    made.files.push(path.clone());
    disk.write_whole(&path, &identity.seal())?;
    Ok(identity)
}

/// Where the journal ends.
struct Ending {
    found: Recovered,
    past: Past,
    /// Segments of the last epoch, when it was left open.
    open: Vec<PathBuf>,
}

/// Walks the whole journal.
fn recover(dir: &Path) -> Result<Ending, Error> {
    let mut walk = Walk::new(dir)?;
    walk.scout();
    let end = walk.go_through()?;
    let past = walk.past();
    let last = walk.epochs().last();
    let previous_epoch = last.map_or(0, |epoch| epoch.number);
    let open = match (end, last) {
        (End::Open, Some(epoch)) => epoch.files.segments.values().cloned().collect(),
        _ => Vec::new(),
    };
    let highest = catalogue::epochs(dir)?.keys().next_back().copied();
    let found = Recovered {
        epoch: highest.unwrap_or(0) + 1,
        previous_epoch,
        last_seq: past.seq,
        last_ts: Nanos(past.ts),
        position: walk.position(),
        frames: walk.frames,
        cut_lines: match end {
            End::Closed => 0,
            End::Open => walk.count_torn()?,
        },
        closed: end == End::Closed,
        empty: walk.frames == 0,
    };
    Ok(Ending { found, past, open })
}

fn open_epoch(
    disk: &Disk,
    options: &Options,
    identity: &Identity,
    end: &Ending,
    lock: Lock,
    made: &mut Made,
) -> Result<Writer, Error> {
    let found = &end.found;
    // The new header will vouch for what the last epoch left; so the disk must have it.
    for path in &end.open {
        open_to_read(path)
            .and_then(|file| disk.sync_file(&file, path))
            .map_err(io_error(path, "sync the segment", 0))?;
    }
    remove_unused(&end.open)?;
    let header = SegmentHeader {
        journal: identity.journal,
        salt: random(&disk.dir)?,
        first_position: found.position,
        data_lines: layout::data_lines(options.segment_bytes),
        seq_before: end.past.seq,
        ts_before: end.past.ts,
        epoch_position: found.position,
        cut_lines: found.cut_lines,
        schema: SCHEMA,
        date: identity.date,
        epoch: found.epoch,
        index: 0,
        previous_epoch: found.previous_epoch,
        crc_before: end.past.crc,
        account: identity.account,
        ..SegmentHeader::new_zeroed()
    };
    make_reserve(disk, options.segment_bytes, made)?;
    let mark = make_mark(disk, &header, made)?;
    let prepared = make_first(disk, &header, made)?;
    let shared = Arc::new(Shared::new(found.position));
    let (ready_in, ready) = sync_channel(2);
    let (entered, entered_out) = sync_channel(UNSYNCED_SEGMENTS_MAX);
    let first = prepared.segment.clone();
    let (sheets, press) = make_sheets(options)?.unzip();
    Ok(Writer::new(Parts {
        preparer: Preparer::new(
            shared.clone(),
            disk.clone(),
            header.epoch,
            first.clone(),
            options.window_bytes(),
            ready_in,
        ),
        syncer: Syncer::new(
            shared.clone(),
            disk.clone(),
            first,
            mark,
            options.sync_every,
            (entered_out, press),
        ),
        prepared,
        sheets,
        header,
        shared,
        ready,
        entered,
        disk: disk.clone(),
        lock,
    }))
}

/// Removes segments that were prepared and never used: they hold nothing but zeros.
fn remove_unused(segments: &[PathBuf]) -> Result<(), Error> {
    for path in segments.iter().skip(1) {
        let mut file = open_to_read(path).map_err(io_error(path, "open the segment", 0))?;
        let mut bytes = vec![0; 1 << 16];
        let unused = loop {
            match file.read(&mut bytes) {
                Ok(0) => break true,
                Ok(count) if bytes[..count].iter().all(|&byte| byte == 0) => {}
                Ok(_) => break false,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io_error(path, "read the segment", 0)(error)),
            }
        };
        if unused {
            std::fs::remove_file(path).map_err(io_error(path, "remove unused space", 0))?;
        }
    }
    Ok(())
}

fn make_reserve(disk: &Disk, bytes: u64, made: &mut Made) -> Result<(), Error> {
    let path = reserve_path(&disk.dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(io_error(&path, "remove the old reserve", 0)(error));
        }
        _ => {}
    }
    segment::allocate(disk, &path, bytes).map_err(io_error(
        &path,
        "make the reserve segment",
        bytes,
    ))?;
    made.files.push(path);
    Ok(())
}

fn make_mark(disk: &Disk, header: &SegmentHeader, made: &mut Made) -> Result<MarkFile, Error> {
    let path = mark_path(&disk.dir, header.epoch);
    let bytes = 2 * RECORD_BYTES as u64;
    let failed = io_error(&path, "make the durable mark", bytes);
    let file = create_new(&path).map_err(failed)?;
    made.files.push(path.clone());
    disk.allocate(&file, &path, bytes)
        .and_then(|()| disk.sync_file(&file, &path))
        .map_err(io_error(&path, "make the durable mark", bytes))?;
    Ok(MarkFile::new(
        file,
        path,
        header.journal,
        header.salt,
        header.epoch,
    ))
}

/// The epoch begins when this segment's header is on the disk.
fn make_first(disk: &Disk, header: &SegmentHeader, made: &mut Made) -> Result<Prepared, Error> {
    let path = segment_path(&disk.dir, header.epoch, 0);
    let bytes = header.file_bytes();
    let file = segment::allocate(disk, &path, bytes).map_err(io_error(
        &path,
        "make the first segment",
        bytes,
    ))?;
    made.files.push(path.clone());
    let mut prepared = segment::prepare(
        disk,
        file,
        path.clone(),
        0,
        header.first_position,
        header.data_lines,
    )
    .map_err(io_error(&path, "open the first segment", bytes))?;
    prepared
        .store_header(disk, &header.seal())
        .and_then(|()| prepared.segment.sync_file(disk))
        .map_err(io_error(&path, "sync the first segment", bytes))?;
    Ok(prepared)
}

/// Sheets, where segments are not mapped.
fn make_sheets(options: &Options) -> Result<Option<(Sheets, Press)>, Error> {
    let made = match options.medium {
        Medium::Mapped => return Ok(None),
        Medium::Written => sheets(),
    };
    made.map(Some)
        .map_err(io_error(&options.dir, "take memory for sheets", 0))
}

/// A random number from the system.
fn random(dir: &Path) -> Result<u64, Error> {
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(io_error(dir, "read /dev/urandom", 0))?;
    Ok(u64::from_le_bytes(bytes))
}
