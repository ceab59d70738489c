//! The helper that has the next segment ready before the writer needs it, and pages writable
//! before the writer stores into them.

use crate::catalogue::{reserve_path, segment_path};
use crate::disk::Disk;
use crate::layout::offset_of;
use crate::segment::{self, Prepared, Segment};
use crate::shared::{Health, Shared, Why};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// Lines made writable by one call, 256 KiB.
const POPULATE_LINES_MAX: u64 = (256 << 10) / stream::Line::BYTES as u64;

/// Room for fewer further segments than this is reported.
const LOW_SEGMENTS: u64 = 2;

/// The preparing helper.
#[derive(Debug)]
pub(crate) struct Preparer {
    shared: Arc<Shared>,
    disk: Disk,
    epoch: u32,
    epoch_position: u64,
    data_lines: u64,
    /// The number of the next segment to be made.
    next: u32,
    ready: SyncSender<Prepared>,
    /// Segments at and ahead of the head.
    segments: VecDeque<Arc<Segment>>,
    /// Positions below are writable.
    populated: u64,
    /// Lines ahead of the head that shall be writable.
    window: u64,
    /// The reserve is in use, or could not be: there is no further segment.
    last: bool,
}

impl Preparer {
    /// A helper for the epoch whose first segment is `first`.
    pub(crate) fn new(
        shared: Arc<Shared>,
        disk: Disk,
        epoch: u32,
        first: Arc<Segment>,
        window_bytes: u64,
        ready: SyncSender<Prepared>,
    ) -> Self {
        Self {
            shared,
            disk,
            epoch,
            epoch_position: first.first_position,
            data_lines: first.data_lines,
            next: 1,
            ready,
            populated: first.first_position,
            segments: VecDeque::from([first]),
            window: window_bytes / stream::Line::BYTES as u64,
            last: false,
        }
    }

    /// Does what is due; true when there may be more to do at once.
    pub(crate) fn turn(&mut self) -> bool {
        let index = self.shared.index();
        while self.segments.front().is_some_and(|front| {
            front.first_position < self.epoch_position + u64::from(index) * self.data_lines
        }) {
            self.segments.pop_front();
        }
        if self.next > index + 1 || self.last {
            return self.populate();
        }
        // A new file takes a disk's time: pages for that long come first, while there is time.
        let entered = self.epoch_position + u64::from(index) * self.data_lines;
        let late = self.shared.head() > entered + self.data_lines / 2;
        if !late && self.populate() {
            return true;
        }
        self.make_next();
        true
    }

    /// Makes the next segment, or hands over the reserve when that fails.
    fn make_next(&mut self) {
        let prepared = self.make().or_else(|error| {
            self.shared.report(Health::Reserve {
                why: Why::of(&error),
            });
            self.last = true;
            self.take_reserve()
        });
        match prepared {
            Ok(prepared) => {
                self.next += 1;
                self.segments.push_back(prepared.segment.clone());
                // The writer takes one before the next is made; when it is gone, so are we.
                let _ = self.ready.try_send(prepared);
            }
            Err(_) => self.last = true,
        }
        if self.last {
            // SYNC POINT exhausted: whatever was made last has been handed over.
            self.shared.exhaust();
        }
    }

    fn make(&self) -> io::Result<Prepared> {
        let bytes = offset_of(self.data_lines);
        let path = segment_path(&self.disk.dir, self.epoch, self.next);
        let file = segment::allocate(&self.disk, &path, bytes)?;
        let free = self.disk.free_bytes()? / bytes;
        self.shared.report(if free < LOW_SEGMENTS {
            Health::Low {
                segments: free as u32,
            }
        } else {
            Health::Good
        });
        segment::prepare(
            &self.disk,
            file,
            path,
            self.next,
            self.first_position(),
            self.data_lines,
        )
    }

    /// The reserve becomes the next segment: it has its blocks, so this needs no space.
    fn take_reserve(&self) -> io::Result<Prepared> {
        let path = segment_path(&self.disk.dir, self.epoch, self.next);
        // What a failed attempt may have left under that name is an empty segment.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::rename(reserve_path(&self.disk.dir), &path)?;
        // Without this sync the rename may be lost with the power, and the frames with it; they
        // are still worth more than none.
        let _ = self.disk.sync_folder();
        let file = segment::reopen(&path)?;
        segment::prepare(
            &self.disk,
            file,
            path,
            self.next,
            self.first_position(),
            self.data_lines,
        )
    }

    fn first_position(&self) -> u64 {
        self.epoch_position + u64::from(self.next) * self.data_lines
    }

    /// Makes pages ahead of the head writable; true when there are more to make.
    fn populate(&mut self) -> bool {
        let head = self.shared.head();
        // A writer that has caught up makes its own pages: leave it some and work beyond them.
        if self.populated < head {
            self.populated = head + POPULATE_LINES_MAX;
        }
        let from = self.populated;
        let wanted = head + self.window;
        let Some(segment) = self.segments.iter().find(|segment| segment.end() > from) else {
            return false;
        };
        let most = from + POPULATE_LINES_MAX;
        let to = wanted.min(segment.end()).min(most);
        if to < most && to < segment.end() {
            return false;
        }
        // An old kernel cannot; the segment was write-touched as a whole then.
        let _ = segment.populate(from..to);
        self.populated = to;
        true
    }
}
