//! The helper that brings what was written to the disk, says how far it got, and unmaps what is
//! finished. Where segments are not mapped, it writes what the writer has stored into sheets.

use crate::disk::Disk;
use crate::layout::{Closed, Mark, RECORD_BYTES, Record};
use crate::segment::{PAGE_BYTES, Segment};
use crate::shared::{Health, Shared, Why};
use crate::sheets::Press;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use stream::Line;
use zerocopy::FromZeros;

/// Bytes synced at once, so that the position moves on while a long stretch is synced.
const SYNC_BYTES_MAX: u64 = 8 << 20;

/// The least that is synced at once while the writer goes on. The pages are first taken out of the
/// mapping (the kernel would make them read-only one by one), and every core that runs a thread of
/// ours is interrupted to forget them: 10 to 80 µs of a lane's time under a hypervisor.
const SYNC_BYTES_MIN: u64 = 2 << 20;

/// The same where commands wait for syncs, so that little is left to be synced before them.
const SYNC_BYTES_MIN_AWAITED: u64 = 256 << 10;

/// Turns that may pass without a whole such block to sync; then pages are synced one by one.
const PATIENCE: u32 = 8;

/// How long sheets wait for more to be filled: three or four at a time, which stay in the cache.
const PRESS_REST: Duration = Duration::from_micros(200);

/// The two slots of an epoch's durable mark.
#[derive(Debug)]
pub(crate) struct MarkFile {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) mark: Mark,
}

impl MarkFile {
    /// Marks everything below `position` as durable, in the slot that is older.
    fn write(&mut self, disk: &Disk, position: u64) -> io::Result<()> {
        self.mark.position = position;
        self.mark.count += 1;
        let slot = self.mark.count % 2 * RECORD_BYTES as u64;
        self.file.write_all_at(&self.mark.seal(), slot)?;
        disk.sync_file(&self.file, &self.path)
    }

    /// Turns the file into a close record at `path`. It has its block, so this works on a full
    /// disk; until the name changes, the second slot holds a mark that is true.
    fn into_closed(mut self, disk: &Disk, closed: &Closed, path: &Path) -> io::Result<()> {
        let position = closed.position;
        while self.mark.count != 0
            && (self.mark.position < position || self.mark.count.is_multiple_of(2))
        {
            self.write(disk, position)?;
        }
        self.file.write_all_at(&closed.seal(), 0)?;
        disk.sync_file(&self.file, &self.path)?;
        self.file.set_len(RECORD_BYTES as u64)?;
        disk.sync_file(&self.file, &self.path)?;
        std::fs::rename(&self.path, path)?;
        disk.sync_folder()
    }

    pub(crate) fn new(file: File, path: PathBuf, journal: u64, salt: u64, epoch: u32) -> Self {
        Self {
            file,
            path,
            mark: Mark {
                journal,
                salt,
                epoch,
                ..Mark::new_zeroed()
            },
        }
    }
}

/// The syncing helper.
#[derive(Debug)]
pub(crate) struct Syncer {
    shared: Arc<Shared>,
    disk: Disk,
    /// Segments as the writer enters them.
    entered: Receiver<Arc<Segment>>,
    /// Writes what the writer stores into sheets, where it does.
    press: Option<Press>,
    /// Segments that are not yet durable or not yet left.
    segments: VecDeque<Arc<Segment>>,
    mark: MarkFile,
    /// Zero: never.
    every: Duration,
    head_before: u64,
    /// Turns since anything became durable while there was something to sync.
    idle_turns: u32,
    failed: bool,
}

impl Syncer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        disk: Disk,
        first: Arc<Segment>,
        mark: MarkFile,
        every: Duration,
        (entered, press): (Receiver<Arc<Segment>>, Option<Press>),
    ) -> Self {
        Self {
            head_before: shared.head(),
            shared,
            disk,
            entered,
            press,
            segments: VecDeque::from([first]),
            mark,
            every,
            idle_turns: 0,
            failed: false,
        }
    }

    /// Syncs what is due; true when there may be more to do at once.
    pub(crate) fn turn(&mut self) -> bool {
        let wanted = self.shared.wanted();
        // The position first: whatever segment it lies in has been sent before it was published.
        let head = self.shared.head();
        while let Ok(segment) = self.entered.try_recv() {
            self.segments.push_back(segment);
        }
        let durable = self.shared.durable();
        let quiet = head == self.head_before;
        self.head_before = head;
        self.write();
        if self.failed || self.every.is_zero() {
            self.release(u64::MAX);
            return false;
        }
        let block = match wanted {
            0 => SYNC_BYTES_MIN,
            _ => SYNC_BYTES_MIN_AWAITED,
        };
        let grain = match (quiet || wanted > durable, self.idle_turns < PATIENCE) {
            (true, _) => 1,
            (_, true) => block,
            (_, false) => PAGE_BYTES,
        };
        match self.sync_towards(head, grain) {
            Ok(reached) => {
                let waits = reached == durable && head > durable;
                self.idle_turns = if waits { self.idle_turns + 1 } else { 0 };
                self.release(reached);
                // As fast as the disk takes it: a rest would leave ever more to the end.
                let behind = (head - reached) * Line::BYTES as u64 >= SYNC_BYTES_MAX;
                reached < wanted.min(head) || (behind && !waits)
            }
            Err(error) => {
                self.fail(&error);
                false
            }
        }
    }

    /// Writes what the writer has filled since. Where that fails, frames are missing: nothing that
    /// comes behind them counts.
    fn write(&mut self) {
        if let Some(Err(error)) = self.press.as_mut().map(|press| press.turn(&self.disk)) {
            self.failed = true;
            self.shared.report(Health::Failed {
                why: Why::of(&error),
            });
        }
    }

    /// Syncs everything below `head`, the writer having stopped there.
    pub(crate) fn finish(&mut self, head: u64) -> io::Result<()> {
        self.shared.set_head(head);
        while let Ok(segment) = self.entered.try_recv() {
            self.segments.push_back(segment);
        }
        self.write();
        if self.failed {
            return Err(io::Error::other("an earlier sync or write failed"));
        }
        if self.every.is_zero() {
            return Ok(());
        }
        while self.shared.durable() < head {
            let before = self.shared.durable();
            let now = self.sync_towards(head, 1).inspect_err(|error| {
                self.shared.report(Health::SyncFailed {
                    why: Why::of(error),
                })
            })?;
            if now == before {
                return Err(io::Error::other("a segment to be synced is not known"));
            }
        }
        Ok(())
    }

    /// One sync at most; returns what is durable then.
    fn sync_towards(&mut self, head: u64, grain: u64) -> io::Result<u64> {
        let durable = self.shared.durable();
        let Some(segment) = self.segments.iter().find(|segment| segment.end() > durable) else {
            return Ok(durable);
        };
        if head <= durable {
            return Ok(durable);
        }
        let to = head.min(segment.end());
        // A segment that the writer has left is synced to its end.
        let grain = if head <= segment.end() { grain } else { 1 };
        let reached = segment.sync(&self.disk, durable..to, grain, SYNC_BYTES_MAX)?;
        if reached > durable {
            // First the position, for a command may wait for it; the mark only tells a later
            // start which damage is a crash's.
            self.shared.set_durable(reached);
            self.mark.write(&self.disk, reached)?;
        }
        Ok(reached)
    }

    /// Lets go of segments that end at or below a position, all but the newest: the last one to
    /// let go unmaps, and that shall not be the writer.
    fn release(&mut self, position: u64) {
        while self.segments.len() > 1 && self.segments[0].end() <= position {
            self.segments.pop_front();
        }
    }

    /// A sync that failed has lost pages that look clean now: trying again would lie.
    fn fail(&mut self, error: &io::Error) {
        self.failed = true;
        self.shared.report(Health::SyncFailed {
            why: Why::of(error),
        });
    }

    /// Turns the mark into the epoch's close record.
    pub(crate) fn into_closed(self, closed: &Closed, path: &Path) -> io::Result<()> {
        self.mark.into_closed(&self.disk, closed, path)
    }

    /// How long to rest between turns.
    pub(crate) fn rest(&self) -> Duration {
        match (&self.press, self.every.is_zero()) {
            (Some(_), _) => PRESS_REST,
            (None, true) => Duration::from_millis(100),
            (None, false) => self.every,
        }
    }
}
