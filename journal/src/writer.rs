//! The writer: the gate at the end of the chain.

use crate::catalogue::{closed_path, reserve_path};
use crate::crc::{Crc, Work};
use crate::disk::{Disk, Lock};
use crate::epoch::Past;
use crate::error::{Error, io_error};
use crate::helpers::Helpers;
use crate::layout::{self, Closed, PAD, Record, SegmentHeader};
use crate::map::{Nib, Pen, begin_of};
use crate::prepare::Preparer;
use crate::seal::{Seal, words};
use crate::segment::{Prepared, Segment};
use crate::shared::{Health, Shared, Why};
use crate::sheets::Sheets;
use crate::start::Made;
use crate::sync::Syncer;
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;
use stream::{FrameRef, Header, Line, Nanos, Out};
use zerocopy::FromZeros;

/// How often a writer that runs its helpers itself lets them look ahead, in lines: 512 KiB.
const INLINE_TURN_LINES: u64 = 8_192;
/// Lines that [`Writer::append_all`] stores before it publishes its position, unless there are
/// fewer: 4 KiB, which take a third of a microsecond.
const STRETCH_LINES: usize = 64;
/// How often a writer that waits for a segment looks whether there will be one.
const ROLL_PATIENCE: Duration = Duration::from_millis(1);

/// The one writer of a journal.
///
/// [`Writer::append`] stores a frame into the mapped segment: no system call, no lock, no
/// allocation, except where a segment ends. Two helpers prepare and sync, on threads of their own
/// after [`Writer::spawn_helper`], and inside `append` and [`Writer::turn`] without it.
///
/// Dropping a writer leaves the journal open, as a crash would; [`Writer::close`] ends it.
#[derive(Debug)]
pub struct Writer {
    pen: Pen,
    seal: Seal,
    position: u64,
    past: Past,
    /// Position at which the helpers are next run from here; never, when they have threads.
    turn_at: u64,
    dead: bool,
    shared: Arc<Shared>,
    segment: Arc<Segment>,
    header: SegmentHeader,
    ready: Receiver<Prepared>,
    entered: SyncSender<Arc<Segment>>,
    helpers: Helpers,
    disk: Disk,
    /// Where segments are not mapped: what is stored into instead.
    sheets: Option<Sheets>,
    /// What the start made.
    made: Made,
    /// Held until the writer is gone.
    _lock: Lock,
}

/// What a start hands to the writer.
pub(crate) struct Parts {
    pub(crate) prepared: Prepared,
    /// Where segments are not mapped.
    pub(crate) sheets: Option<Sheets>,
    pub(crate) header: SegmentHeader,
    pub(crate) shared: Arc<Shared>,
    pub(crate) ready: Receiver<Prepared>,
    pub(crate) entered: SyncSender<Arc<Segment>>,
    pub(crate) preparer: Preparer,
    pub(crate) syncer: Syncer,
    pub(crate) disk: Disk,
    pub(crate) lock: Lock,
}

impl Writer {
    pub(crate) fn new(parts: Parts) -> Self {
        let header = parts.header;
        let (mut sheets, position) = (parts.sheets, header.first_position);
        let pen = parts.prepared.pen.or_else(|| {
            let sheets = sheets.as_mut()?;
            let mut pen = sheets.take()?;
            sheets.begin(&mut pen, position, parts.prepared.segment.end());
            Some(pen)
        });
        Self {
            pen: pen.expect("a segment is mapped, or there are sheets"),
            seal: Seal::new(header.salt),
            position: header.first_position,
            past: Past::before(&header),
            turn_at: header.first_position,
            dead: false,
            shared: parts.shared,
            segment: parts.prepared.segment,
            header,
            ready: parts.ready,
            entered: parts.entered,
            helpers: Helpers::Inline(Box::new((parts.preparer, parts.syncer))),
            disk: parts.disk,
            sheets,
            made: Made::default(),
            _lock: parts.lock,
        }
    }

    /// Remembers what the start made, for it may yet come to nothing.
    pub(crate) fn remember(&mut self, made: Made) {
        self.made = made;
    }

    /// Takes back a start that came to nothing: what it made is removed again, as when the journal
    /// itself refuses one. Starts that are refused over and over must not fill the disk.
    ///
    /// # Panics
    /// When a frame was appended.
    pub fn withdraw(mut self) {
        let first = self.header.first_position;
        assert_eq!(self.position, first, "frames that were appended stay");
        self.made.is_kept = false;
    }

    /// Writes a frame and returns the position behind it: lines since the journal began.
    ///
    /// When the journal has failed, nothing is written and the position stays: look at
    /// [`Writer::is_failed`] before anything that depends on the frame leaves.
    ///
    /// # Panics
    /// When the frame does not follow from the one before it (a gap in `seq`, time going back), or
    /// has the kind of a pad.
    #[inline]
    pub fn append(&mut self, frame: FrameRef<'_>) -> u64 {
        match frame.lines() {
            [line] => self.seal.run(Short(self, line)),
            _ => self.seal.run(Long(self, frame)),
        }
    }

    /// Writes frames that lie back to back, and returns the position behind the last that was
    /// written: all of them, unless the journal has failed. Cheaper than one by one: the segment is
    /// looked at and the position published once in 64 lines, and the checksums of several
    /// frames are on their way at once.
    ///
    /// # Panics
    /// As [`Writer::append`], and when the lines end within a frame.
    #[inline]
    pub fn append_all(&mut self, lines: &[Line]) -> u64 {
        self.seal.run(All(self, lines))
    }

    /// A frame of one line: nearly all are. Whatever is rare is a call at the very end, so that
    /// nothing has to be saved for it.
    #[inline(always)]
    fn append_line(&mut self, line: &Line, crc: Crc) -> u64 {
        let frame = FrameRef::first_of(slice::from_ref(line)).expect("it has one line");
        let header = frame.header();
        // A dead journal has no room.
        if self.pen.room() == 0 || !self.past.is_numbered() || !self.past.leads_to(header) {
            return self.append_rarely(frame);
        }
        let (words, mut past) = (words(line), Past::behind(header));
        let begin = begin_of(words);
        let nib = self.pen.nib();
        let slot = &nib.slots(1)[0];
        let seal = self.seal.by(crc);
        past.crc = seal.of_first(self.position, words, |index, word| slot.put(index, word));
        slot.tell(begin, past.crc);
        self.advance(self.position + 1, past)
    }

    /// A frame of one line that begins a segment, or the journal, or may not follow.
    #[cold]
    #[inline(never)]
    fn append_rarely(&mut self, frame: FrameRef<'_>) -> u64 {
        self.append_frame(frame, self.seal.way())
    }

    #[inline(always)]
    fn append_frame(&mut self, frame: FrameRef<'_>, crc: Crc) -> u64 {
        if self.pen.room() < frame.lines().len() && !self.roll() {
            return self.position;
        }
        let mut stretch = self.stretch(crc);
        stretch.take_frame(frame);
        let (position, past) = (stretch.position, stretch.past);
        self.advance(position, past)
    }

    #[inline(always)]
    fn append_all_here(&mut self, lines: &[Line], crc: Crc) -> u64 {
        let mut rest = lines;
        while !rest.is_empty() {
            let room = self.pen.room().min(STRETCH_LINES);
            let mut stretch = self.stretch(crc);
            let behind = stretch.take_all(rest, room);
            let (position, past) = (stretch.position, stretch.past);
            self.advance(position, past);
            // A frame that needs more than there is left of the segment: a pad, and the next one.
            if behind.len() == rest.len() && !self.roll() {
                break;
            }
            rest = behind;
        }
        self.position
    }

    /// The place of the next frame.
    #[inline(always)]
    fn stretch(&mut self, crc: Crc) -> Stretch<'_> {
        Stretch {
            nib: self.pen.nib(),
            seal: self.seal.by(crc),
            position: self.position,
            past: self.past,
        }
    }

    /// What was stored up to `position` counts from here on.
    #[inline(always)]
    fn advance(&mut self, position: u64, past: Past) -> u64 {
        if self.pen.is_cut() {
            return self.die(Why::CUT);
        }
        self.pen.pass((position - self.position) as usize);
        self.past.seq = past.seq;
        self.past.ts = past.ts;
        self.past.crc = past.crc;
        self.position = position;
        self.shared.set_head(position);
        if position >= self.turn_at {
            return self.turned();
        }
        position
    }

    #[cold]
    #[inline(never)]
    fn turned(&mut self) -> u64 {
        self.turn();
        self.position
    }

    /// Lines since the journal began.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// `seq` of the last frame, 0 when there is none.
    #[must_use]
    pub const fn last_seq(&self) -> u64 {
        self.past.seq
    }

    /// `ts` of the last frame, 0 when there is none.
    #[must_use]
    pub const fn last_ts(&self) -> Nanos {
        Nanos(self.past.ts)
    }

    /// This start's number, from 1.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.header.epoch
    }

    /// Everything below this position is on the disk.
    #[must_use]
    #[inline]
    pub fn durable(&self) -> u64 {
        self.shared.durable()
    }

    /// How the journal is.
    #[must_use]
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// True when nothing is written any more.
    #[must_use]
    #[inline]
    pub const fn is_failed(&self) -> bool {
        self.dead
    }

    /// Asks for a sync of everything written so far, now: for durability `power`. Without helper
    /// threads it is done before this returns.
    pub fn request_sync(&mut self) {
        self.shared.want(self.position);
        if let Helpers::Inline(helpers) = &mut self.helpers {
            while helpers.1.turn() {}
        }
    }

    /// Runs the helpers once, when they have no threads of their own.
    pub fn turn(&mut self) {
        if let Helpers::Inline(helpers) = &mut self.helpers {
            while helpers.0.turn() {}
            while helpers.1.turn() {}
            self.turn_at = self.position + INLINE_TURN_LINES;
        }
    }

    /// Gives the helpers two threads of their own. They inherit the calling thread's affinity, so
    /// call this before pinning.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn spawn_helper(&mut self) -> Result<(), Error> {
        if let Helpers::Inline(helpers) = &mut self.helpers {
            // The first pages are there before the first frame.
            helpers.0.turn();
        }
        let spawned = self.helpers.spawn(&self.shared);
        if !matches!(self.helpers, Helpers::Inline(_)) {
            self.turn_at = u64::MAX;
        }
        spawned.map_err(io_error(&self.disk.dir, "start a helper thread", 0))
    }

    /// Goes over to the next segment; false when there is none, and then the journal is dead.
    #[cold]
    fn roll(&mut self) -> bool {
        if self.dead {
            return false;
        }
        if self.sheets.as_ref().is_some_and(|sheets| !sheets.is_last()) {
            return self.turn_sheet();
        }
        let room = self.pen.room();
        if room > 0 {
            let pad = layout::pad(room, self.past.seq, self.past.ts);
            let zeros = [Line::ZERO; stream::frame::LINES_MAX];
            let rest = &zeros[1..room];
            let crc = self.seal.of_parts(self.position, &pad, rest);
            self.pen.nib().store_frame(&pad, rest, crc);
            self.advance(self.position + room as u64, Past { crc, ..self.past });
            if self.dead {
                return false;
            }
        }
        // Whether there is a next segment or not.
        if self.sheets.is_some() && !self.turn_sheet() {
            return false;
        }
        let Some(mut prepared) = self.next_segment() else {
            let why = match self.health() {
                Health::Reserve { why } | Health::SyncFailed { why } => why,
                _ => Why(0),
            };
            self.die(why);
            return false;
        };
        self.header.index = prepared.index;
        self.header.first_position = self.position;
        self.header.seq_before = self.past.seq;
        self.header.ts_before = self.past.ts;
        self.header.crc_before = self.past.crc;
        self.header.cut_lines = 0;
        assert_eq!(
            prepared.segment.first_position, self.position,
            "segments join without a gap"
        );
        if let Err(error) = prepared.store_header(&self.disk, &self.header.seal()) {
            self.die(Why::of(&error));
            return false;
        }
        self.segment = prepared.segment;
        match (prepared.pen, &mut self.sheets) {
            (Some(pen), _) => self.pen = pen,
            (None, Some(sheets)) => {
                sheets.begin(&mut self.pen, self.position, self.segment.end());
            }
            (None, None) => unreachable!("a segment is mapped, or there are sheets"),
        }
        // The syncing helper must know the segment before it sees a position in it.
        if self.entered.send(self.segment.clone()).is_err() {
            self.shared.report(Health::SyncFailed { why: Why(0) });
        }
        self.shared.set_index(prepared.index);
        match self.helpers {
            // The next segment is made right behind this frame, so that trouble is told early.
            Helpers::Inline(_) => self.turn_at = self.position,
            _ => self.shared.wake(),
        }
        true
    }

    /// Hands over the sheet in hand and goes on in another one; false when there is none, and then
    /// the journal is dead.
    fn turn_sheet(&mut self) -> bool {
        let next = self.next_sheet();
        let why = match self.health() {
            Health::Failed { why } => Some(why),
            _ => None,
        };
        let (Some(sheets), Some(pen), None) = (&mut self.sheets, next, why) else {
            self.die(why.unwrap_or(Why(0)));
            return false;
        };
        sheets.hand_over(std::mem::replace(&mut self.pen, pen), &self.segment);
        sheets.begin(&mut self.pen, self.position, self.segment.end());
        if sheets.are_few() {
            self.shared.wake();
        }
        true
    }

    fn next_sheet(&mut self) -> Option<Pen> {
        let sheets = self.sheets.as_mut()?;
        if let Some(pen) = sheets.take() {
            return Some(pen);
        }
        match &mut self.helpers {
            Helpers::Inline(_) => {
                self.turn();
                self.sheets.as_mut()?.take()
            }
            Helpers::Threads(..) => {
                self.shared.wake();
                sheets.wait()
            }
            Helpers::Gone => None,
        }
    }

    /// Nothing counts any more: what was just stored neither.
    #[cold]
    fn die(&mut self, why: Why) -> u64 {
        self.dead = true;
        self.pen.end();
        self.shared.report(Health::Failed { why });
        self.position
    }

    fn next_segment(&mut self) -> Option<Prepared> {
        match &mut self.helpers {
            Helpers::Inline(_) => {
                self.turn();
                self.ready.try_recv().ok()
            }
            Helpers::Threads(..) => loop {
                self.shared.wake();
                // SYNC POINT exhausted: what was made last is in the channel when this is seen.
                let exhausted = self.shared.is_exhausted();
                match self.ready.recv_timeout(ROLL_PATIENCE) {
                    Ok(prepared) => return Some(prepared),
                    Err(RecvTimeoutError::Timeout) if !exhausted => {}
                    Err(_) => return None,
                }
            },
            Helpers::Gone => None,
        }
    }

    /// Ends the epoch on purpose: syncs, gives unused space back and writes the close record.
    ///
    /// # Errors
    /// When the disk refuses; the journal is then left open, as after a crash.
    pub fn close(mut self) -> Result<(), Error> {
        if self.sheets.is_some() {
            self.turn_sheet();
        }
        let dir = self.disk.dir.clone();
        let failed = |doing| io_error(&dir, doing, 0);
        let stopped = self.helpers.stop(&self.shared);
        let (_, mut syncer) = stopped.map_err(failed("end the journal's helpers"))?;
        syncer
            .finish(self.position)
            .map_err(failed("sync the journal"))?;
        // Nothing is stored any more from here on.
        while let Ok(prepared) = self.ready.try_recv() {
            remove(&prepared.segment.path)?;
        }
        remove(&reserve_path(&dir))?;
        self.segment
            .truncate(self.position)
            .and_then(|()| self.segment.sync_file(&self.disk))
            .and_then(|()| self.disk.sync_folder())
            .map_err(failed("give unused space back"))?;
        let closed = Closed {
            journal: self.header.journal,
            salt: self.header.salt,
            position: self.position,
            seq: self.past.seq,
            ts: self.past.ts,
            epoch: self.header.epoch,
            segments: self.header.index + 1,
            last_crc: self.past.crc,
            ..Closed::new_zeroed()
        };
        let path = closed_path(&dir, self.header.epoch);
        syncer
            .into_closed(&closed, &path)
            .map_err(io_error(&path, "write the close record", 0))
    }
}

/// Appending a frame of one line.
struct Short<'a, 'b>(&'a mut Writer, &'b Line);

impl Work for Short<'_, '_> {
    type Done = u64;

    #[inline(always)]
    fn run(self, crc: Crc) -> u64 {
        self.0.append_line(self.1, crc)
    }
}

/// Appending a frame of any length.
struct Long<'a, 'b>(&'a mut Writer, FrameRef<'b>);

impl Work for Long<'_, '_> {
    type Done = u64;

    #[inline(always)]
    fn run(self, crc: Crc) -> u64 {
        self.0.append_frame(self.1, crc)
    }
}

/// Appending frames that lie back to back.
struct All<'a, 'b>(&'a mut Writer, &'b [Line]);

impl Work for All<'_, '_> {
    type Done = u64;

    #[inline(always)]
    fn run(self, crc: Crc) -> u64 {
        self.0.append_all_here(self.1, crc)
    }
}

/// Frames on their way into one segment, before they count.
struct Stretch<'a> {
    nib: Nib<'a>,
    seal: Seal,
    /// Behind the last of them.
    position: u64,
    past: Past,
}

impl Stretch<'_> {
    /// Stores frames until there is no room for the next one in so many lines; tells the lines
    /// behind them.
    ///
    /// # Panics
    /// When the lines end within a frame.
    #[inline(always)]
    fn take_all<'a>(&mut self, lines: &'a [Line], room: usize) -> &'a [Line] {
        let end = lines.len().min(room);
        let mut at = 0;
        loop {
            // Nearly all frames have one line.
            at += self.take_short(&lines[at..end]);
            if at == end {
                return &lines[at..];
            }
            let frame = FrameRef::first_of(&lines[at..]).expect("lines end with a frame");
            if frame.lines().len() > end - at {
                return &lines[at..];
            }
            self.take_frame(frame);
            at += frame.lines().len();
        }
    }

    /// Stores frames of one line until there comes a longer one, or one that needs a closer look;
    /// tells how many.
    #[inline(always)]
    fn take_short(&mut self, lines: &[Line]) -> usize {
        let (seal, first) = (self.seal, self.position);
        let (mut position, mut past) = (first, self.past);
        if !past.is_numbered() {
            return 0;
        }
        for (line, slot) in lines.iter().zip(self.nib.slots(lines.len())) {
            let Some(frame) = FrameRef::first_of(slice::from_ref(line)) else {
                break;
            };
            let header = frame.header();
            if !past.leads_to(header) {
                break;
            }
            past = Past::behind(header);
            let line = words(line);
            let begin = begin_of(line);
            past.crc = seal.of_first(position, line, |index, word| slot.put(index, word));
            slot.tell(begin, past.crc);
            // No journal has as many lines as there are numbers.
            position = position.wrapping_add(1);
        }
        let stored = (position - first) as usize;
        self.nib.pass(stored);
        (self.position, self.past) = (position, past);
        stored
    }

    /// Stores the next one.
    #[inline(always)]
    fn take_frame(&mut self, frame: FrameRef<'_>) {
        let (first, rest) = frame.lines().split_first().expect("a frame has a line");
        self.take(frame.header(), first, rest);
    }

    /// Stores the next one, of so many lines.
    #[inline(always)]
    fn take(&mut self, header: &Header, first: &Line, rest: &[Line]) {
        if !self.past.is_numbered() || !self.past.leads_to(header) {
            first_follows(self.past, header);
        }
        let crc = self.seal.of_parts(self.position, first, rest);
        self.nib.store_frame(first, rest, crc);
        self.past = Past {
            crc,
            ..Past::behind(header)
        };
        self.position += 1 + rest.len() as u64;
    }
}

/// What has not the next number must be the journal's first frame.
///
/// # Panics
/// When it does not follow.
#[cold]
#[inline(never)]
fn first_follows(past: Past, header: &Header) {
    assert!(
        header.seq != 0 && header.kind != PAD && past.admits(header),
        "a frame that does not follow from the one before it"
    );
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.sheets.is_some() && !matches!(self.helpers, Helpers::Gone) {
            self.turn_sheet();
        }
        // The lock must not be free while a helper may still write.
        if let Ok((_, mut syncer)) = self.helpers.stop(&self.shared)
            && self.sheets.is_some()
        {
            syncer.turn();
        }
    }
}

impl Out for Writer {
    #[inline]
    fn put(&mut self, frame: FrameRef<'_>) {
        self.append(frame);
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(io_error(path, "remove unused space", 0)(error))
        }
        _ => Ok(()),
    }
}
