//! Memory that frames are stored into on their way to a file that is written and not mapped.
//!
//! In virtual time nobody waits until a frame is in its file. A mapping's pages would each have to
//! be found, cleared and brought into the core's cache for a single use. Sheets are few and reused,
//! so they stay in the cache, and the system copies them into whole pages on another core.

use crate::disk::Disk;
use crate::map::Pen;
use crate::segment::Segment;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use stream::frame::LINES_MAX;

/// Lines of a sheet, 64 KiB; the last of a segment has fewer, or a frame's length more.
const LINES: u64 = 1_024;
/// How many there are: 2 MiB, about two milliseconds of a lane's work.
const COUNT: usize = 32;
/// While fewer are free, whoever writes them is woken. Else it comes by from time to time: to wake
/// it is a system call of the lane's, and dear where a hypervisor has to fetch the other core.
const WAKE_BELOW: usize = COUNT / 4;

/// The writer's side: sheets that are free.
#[derive(Debug)]
pub(crate) struct Sheets {
    /// The one that was used last on top: most likely it is still in the cache.
    free: Vec<Pen>,
    back: Receiver<Pen>,
    filled: SyncSender<Filled>,
    /// The position at which the one in hand begins.
    from: u64,
    /// It is the last of its segment.
    is_last: bool,
}

/// A sheet that is to be written.
#[derive(Debug)]
struct Filled {
    pen: Pen,
    position: u64,
    segment: Arc<Segment>,
}

/// The helper's side: writes what the writer has filled.
#[derive(Debug)]
pub(crate) struct Press {
    filled: Receiver<Filled>,
    back: SyncSender<Pen>,
    failed: bool,
}

/// Sheets, and what writes them.
pub(crate) fn sheets() -> io::Result<(Sheets, Press)> {
    let (filled, filled_out) = sync_channel(COUNT);
    let (back, back_out) = sync_channel(COUNT);
    let lines = LINES as usize + LINES_MAX;
    let free = (0..COUNT)
        .map(|_| Pen::sheet(lines))
        .collect::<Result<_, _>>()?;
    let sheets = Sheets {
        free,
        back: back_out,
        filled,
        from: 0,
        is_last: false,
    };
    let press = Press {
        filled: filled_out,
        back,
        failed: false,
    };
    Ok((sheets, press))
}

impl Sheets {
    /// True when the sheet in hand ends where its segment does.
    pub(crate) const fn is_last(&self) -> bool {
        self.is_last
    }

    /// True when whoever writes them should come now.
    pub(crate) fn are_few(&self) -> bool {
        self.free.len() < WAKE_BELOW
    }

    /// A sheet that is free.
    pub(crate) fn take(&mut self) -> Option<Pen> {
        self.free.extend(self.back.try_iter());
        self.free.pop()
    }

    /// The next one that comes back; `None` when none will. A channel that blocks would allocate.
    pub(crate) fn wait(&mut self) -> Option<Pen> {
        loop {
            match self.back.try_recv() {
                Ok(pen) => return Some(pen),
                Err(TryRecvError::Empty) => std::thread::yield_now(),
                Err(TryRecvError::Disconnected) => return None,
            }
        }
    }

    /// A sheet becomes the one in hand: it holds what follows at `position` of a segment that ends
    /// there. Behind it there is room for any frame, or nothing.
    pub(crate) fn begin(&mut self, pen: &mut Pen, position: u64, end: u64) {
        let left = end - position;
        self.is_last = left <= LINES + LINES_MAX as u64;
        self.from = position;
        pen.begin(if self.is_last { left } else { LINES } as usize);
    }

    /// Hands over the one that was in hand.
    pub(crate) fn hand_over(&mut self, pen: Pen, segment: &Arc<Segment>) {
        let filled = Filled {
            pen,
            position: self.from,
            segment: segment.clone(),
        };
        // There is room for all of them; a helper that is gone has broken, and that is told.
        let _ = self.filled.try_send(filled);
    }
}

impl Press {
    /// Writes what has come. Behind an error nothing more is written: it would not follow.
    pub(crate) fn turn(&mut self, disk: &Disk) -> io::Result<()> {
        while let Ok(mut filled) = self.filled.try_recv() {
            let written = match self.failed {
                true => Ok(()),
                false => filled
                    .segment
                    .write(disk, filled.position, filled.pen.passed()),
            };
            // A writer that is gone needs none.
            let _ = self.back.try_send(filled.pen);
            self.failed |= written.is_err();
            written?;
        }
        Ok(())
    }
}
