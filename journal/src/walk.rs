//! One walk over a whole journal: reader, verification and recovery all take it.
//!
//! The walk knows where each epoch must end: where the next epoch says, or where the close record
//! says. Only the last epoch may be open, and then the durable mark divides corruption from the
//! tail of a crash.

mod place;
mod scout;

pub(crate) use place::Place;

use crate::catalogue::{self, HeaderState};
use crate::cursor::{Cursor, Peek};
use crate::disk::open_to_read;
use crate::epoch::{Epoch, Limit, Past};
use crate::error::{Damage, Error, What, io_error};
use crate::layout::{Identity, SegmentHeader};
use crate::seal::Sound;
use scout::Scouted;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use stream::{FrameRef, Line};

/// How a walk ended; it may be asked again, for an open journal grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The last epoch was closed.
    Closed,
    /// It was not.
    Open,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A frame stands at the cursor.
    Frame,
    /// There is no more.
    End(End),
}

/// A walk.
#[derive(Debug)]
pub(crate) struct Walk {
    dir: PathBuf,
    pub(crate) identity: Identity,
    epochs: Vec<Epoch>,
    /// The epoch of the cursor, an index into `epochs`.
    at: usize,
    /// The segment of the cursor, or the next one when there is none.
    index: u32,
    cursor: Option<Cursor>,
    buffer: Vec<Line>,
    limit: Limit,
    position: u64,
    /// What came before the cursor, or before the frames that were checked ahead.
    past: Past,
    /// Where in the cursor's buffer the frame before the cursor is, when the cursor stands at one
    /// that was checked ahead: it tells what came before.
    behind: Option<usize>,
    /// Lines of the frame at the cursor, past which the next step moves.
    pending: Option<usize>,
    /// What was checked ahead of the frame at which the walk last arrived.
    ahead: Sound,
    /// What scouts found in segments that the walk has not entered yet.
    scouted: BTreeMap<PathBuf, Scouted>,
    /// Frames seen.
    pub(crate) frames: u64,
    /// Segments entered.
    pub(crate) segments: u64,
}

impl Walk {
    /// Stands at the journal's beginning.
    pub(crate) fn new(dir: &Path) -> Result<Self, Error> {
        let Some(identity) = catalogue::identity(dir)? else {
            return Err(Error::NotAJournal {
                path: dir.to_owned(),
                why: "there is no file named identity".to_owned(),
            });
        };
        let epochs = Epoch::list(dir, &identity)?;
        let limit = Limit::of(&epochs, 0)?;
        Ok(Self {
            dir: dir.to_owned(),
            identity,
            epochs,
            at: 0,
            index: 0,
            cursor: None,
            buffer: Vec::new(),
            limit,
            position: 0,
            past: Past::default(),
            behind: None,
            pending: None,
            ahead: Sound::default(),
            scouted: BTreeMap::new(),
            frames: 0,
            segments: 0,
        })
    }

    /// Looks again where the current epoch ends: it may have been closed or followed since.
    pub(crate) fn refresh(&mut self) -> Result<(), Error> {
        let number = self.epochs.get(self.at).map(|epoch| epoch.number);
        self.epochs = Epoch::list(&self.dir, &self.identity)?;
        self.at = match number {
            None => 0,
            Some(number) => self
                .epochs
                .iter()
                .position(|epoch| epoch.number == number)
                .ok_or_else(|| self.damage(&self.dir.clone(), 0, What::Missing))?,
        };
        self.limit = Limit::of(&self.epochs, self.at)?;
        Ok(())
    }

    /// Moves past the current frame and to the next one.
    #[inline]
    pub(crate) fn step(&mut self) -> Result<Step, Error> {
        if self.pass() {
            return Ok(Step::Frame);
        }
        self.find()
    }

    /// Walks on to the end without a stop at each frame.
    pub(crate) fn go_through(&mut self) -> Result<End, Error> {
        while self.pass() {}
        loop {
            match self.find()? {
                Step::End(end) => return Ok(end),
                Step::Frame => self.pass_all(),
            }
        }
    }

    /// Moves past the frame at which the walk has just arrived, and all that was checked ahead.
    fn pass_all(&mut self) {
        if let (Some(lines), Some(cursor)) = (self.pending, &mut self.cursor)
            && self.ahead.frames > 0
        {
            let lines = lines + self.ahead.lines;
            cursor.advance(lines);
            self.position += lines as u64;
            self.past = self.ahead.past;
            self.pending = None;
            self.frames += self.ahead.frames;
        }
    }

    /// The frame at which the walk stands, and all behind it that are buffered and sound: the
    /// buffer, and their lines in it. The walk moves past them and reads on into `spare`.
    ///
    /// # Panics
    /// Unless the last step found a frame.
    pub(crate) fn take_buffer(&mut self, spare: Vec<Line>) -> (Vec<Line>, Range<usize>) {
        let end = self.end();
        let lines = self.pending.take().expect("the walk stands at a frame");
        let cursor = self.cursor.as_mut().expect("a frame is in a segment");
        let first = cursor.here();
        let past = Past::behind(cursor.frame().header());
        cursor.advance(lines);
        let behind = cursor.pass_buffered(past, end);
        let range = first..cursor.here();
        self.position += range.len() as u64;
        self.past = behind.past;
        self.behind = None;
        self.frames += behind.frames;
        (cursor.exchange(spare), range)
    }

    /// The position at which the epoch ends, as far as it is known.
    const fn end(&self) -> u64 {
        match self.limit {
            Limit::Known { position, .. } => position,
            Limit::Open { .. } => u64::MAX,
        }
    }

    /// True behind a full segment where the epoch has ended: no other one follows.
    const fn ends_full(&self) -> bool {
        self.index > 0 && self.end() == self.position
    }

    /// Moves on to a frame that was checked ahead; false when there is none.
    #[inline]
    pub(crate) fn pass(&mut self) -> bool {
        if let (Some(lines), Some(cursor)) = (self.pending, &mut self.cursor)
            && let Some((was, next)) = cursor.pass(lines)
        {
            self.position += lines as u64;
            self.behind = Some(was);
            self.pending = Some(next);
            self.frames += 1;
            return true;
        }
        false
    }

    /// Stays where it is: the next step finds the frame at the cursor again.
    pub(crate) fn stay(&mut self) {
        self.past = self.past();
        self.behind = None;
        self.pending = None;
    }

    /// Moves past the current frame and finds what stands behind it.
    fn find(&mut self) -> Result<Step, Error> {
        if let (Some(lines), Some(cursor)) = (self.pending.take(), &mut self.cursor) {
            self.past = Past::behind(cursor.frame().header());
            self.behind = None;
            cursor.advance(lines);
            self.position += lines as u64;
        }
        loop {
            if self.cursor.is_none() && !self.ends_full() && !self.enter()? {
                return Ok(Step::End(End::Open));
            }
            if let Limit::Known { position, past } = self.limit
                && position == self.position
            {
                self.finish(past)?;
                if self.at + 1 == self.epochs.len() {
                    return Ok(Step::End(End::Closed));
                }
                self.leave();
                self.at += 1;
                self.index = 0;
                self.limit = Limit::of(&self.epochs, self.at)?;
                continue;
            }
            let cursor = self.cursor.as_mut().expect("entered above");
            match cursor.peek()? {
                Peek::Frame { lines, .. } => return self.arrive(lines),
                Peek::Pad { lines, crc } => self.skip_pad(lines, crc)?,
                Peek::Full => {
                    if cursor.file_bytes()? != cursor.header.file_bytes() {
                        return Err(self.damage_here(What::Trailing));
                    }
                    self.leave();
                    self.index += 1;
                }
                Peek::Zero => return self.stop(What::Absent),
                Peek::Bad(what) => return self.stop(what),
            }
        }
    }

    /// The frame at the cursor and its position.
    ///
    /// # Panics
    /// Unless the last step found a frame.
    #[inline]
    pub(crate) fn frame(&self) -> (u64, FrameRef<'_>) {
        assert!(self.pending.is_some(), "the walk stands at a frame");
        let cursor = self.cursor.as_ref().expect("a frame is in a segment");
        (self.position, cursor.frame())
    }

    /// Where the walk stands: lines since the journal began.
    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    /// What came before the cursor.
    pub(crate) fn past(&self) -> Past {
        match (self.behind, &self.cursor) {
            (Some(was), Some(cursor)) => Past::behind(cursor.frame_at(was).header()),
            _ => self.past,
        }
    }

    /// The epochs, in order.
    pub(crate) fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// Lines behind the end of an open journal that are not zero: what a crash tore.
    pub(crate) fn count_torn(&mut self) -> Result<u64, Error> {
        let mut torn = match &mut self.cursor {
            Some(cursor) => cursor.count_used()?,
            None => 0,
        };
        let first = self.index + u32::from(self.cursor.is_some());
        let Some(epoch) = self.epochs.get(self.at) else {
            return Ok(torn);
        };
        for path in epoch.files.segments.range(first..).map(|(_, path)| path) {
            let file = open_to_read(path).map_err(io_error(path, "open the segment", 0))?;
            let template = SegmentHeader {
                first_position: 0,
                ..epoch.first.clone()
            };
            torn += Cursor::new(file, path.clone(), template, Vec::new()).count_used()?;
        }
        Ok(torn)
    }

    /// Enters the next segment; false when an open journal has none yet.
    fn enter(&mut self) -> Result<bool, Error> {
        let Some(epoch) = self.epochs.get(self.at) else {
            return Ok(false);
        };
        if let Some((path, what)) = &epoch.broken {
            return Err(self.damage(&path.clone(), 0, *what));
        }
        let path = catalogue::segment_path(&self.dir, epoch.number, self.index);
        let file = match open_to_read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return self.none_yet(&path, What::Missing);
            }
            Err(error) => return Err(io_error(&path, "open the segment", 0)(error)),
        };
        let state =
            catalogue::header(&file).map_err(io_error(&path, "read the segment's header", 0))?;
        let header = match state {
            HeaderState::Sound(header) => *header,
            HeaderState::Blank | HeaderState::Damaged => {
                return self.none_yet(&path, What::Header);
            }
        };
        if !self.belongs(&header) {
            return Err(self.damage(&path, 0, What::Header));
        }
        let buffer = std::mem::take(&mut self.buffer);
        self.cursor = Some(Cursor::new(file, path, header, buffer));
        self.segments += 1;
        self.pass_scouted();
        Ok(true)
    }

    /// A segment that is not there, or has no header, is the end of an open journal as long as
    /// nothing durable is missing.
    fn none_yet(&self, path: &Path, what: What) -> Result<bool, Error> {
        match self.limit {
            Limit::Open { durable } if self.position >= durable && self.index > 0 => {
                self.nothing_follows().map(|()| false)
            }
            _ => Err(self.damage(path, 0, what)),
        }
    }

    /// True when that header is the one that must stand here.
    fn belongs(&self, header: &SegmentHeader) -> bool {
        let epoch = &self.epochs[self.at];
        let previous = match self.at {
            0 => 0,
            at => self.epochs[at - 1].number,
        };
        header.journal == self.identity.journal
            && header.account == self.identity.account
            && header.date == self.identity.date
            && header.schema == self.identity.schema
            && header.epoch == epoch.number
            && header.index == self.index
            && header.salt == epoch.first.salt
            && header.data_lines == epoch.first.data_lines
            && header.epoch_position == epoch.first.epoch_position
            && header.previous_epoch == previous
            && header.first_position == self.position
            && Past::before(header) == self.past
    }

    /// Checks the end of an epoch whose end is known.
    fn finish(&self, past: Past) -> Result<(), Error> {
        if past != self.past {
            return Err(self.damage_here(What::Chain));
        }
        let epoch = &self.epochs[self.at];
        // A full segment that was left had the size that it must have.
        let (segments, is_cut) = match &self.cursor {
            Some(cursor) => (self.index + 1, cursor.file_bytes()? == cursor.offset()),
            None => (self.index, true),
        };
        if let Some(closed) = &epoch.closed
            && (epoch.files.segments.len() as u64 != u64::from(closed.segments)
                || segments != closed.segments
                || !is_cut)
        {
            return Err(self.damage_here(What::Trailing));
        }
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(cursor) = self.cursor.take() {
            self.buffer = cursor.into_buffer();
        }
    }

    /// Stands at a frame that verifies, when it may follow what came before.
    fn arrive(&mut self, lines: usize) -> Result<Step, Error> {
        let end = self.end();
        let cursor = self.cursor.as_mut().expect("a frame is in a segment");
        let header = cursor.frame().header();
        if self.position + lines as u64 > end {
            return Err(self.damage_here(What::Overrun));
        }
        if !self.past.admits(header) {
            return Err(self.damage_here(What::Sequence));
        }
        let past = Past::behind(header);
        self.ahead = cursor.check_ahead(lines, past, end);
        self.pending = Some(lines);
        self.frames += 1;
        Ok(Step::Frame)
    }

    fn skip_pad(&mut self, lines: usize, crc: u32) -> Result<(), Error> {
        let cursor = self.cursor.as_mut().expect("a pad is in a segment");
        if cursor.room() != lines as u64 {
            return Err(self.damage_here(What::Pad));
        }
        cursor.advance(lines);
        self.position += lines as u64;
        self.past.crc = crc;
        Ok(())
    }

    /// Something that is no frame stands here: the end of an open journal, or damage.
    fn stop(&self, what: What) -> Result<Step, Error> {
        match self.limit {
            Limit::Open { durable } if self.position >= durable => {
                self.nothing_follows().map(|()| Step::End(End::Open))
            }
            _ => Err(self.damage_here(what)),
        }
    }

    /// An open end must be the journal's: an epoch behind it is one that cannot be read.
    fn nothing_follows(&self) -> Result<(), Error> {
        match self
            .epochs
            .get(self.at + 1)
            .and_then(|next| next.broken.as_ref())
        {
            None => Ok(()),
            Some((path, what)) => Err(self.damage(path, 0, *what)),
        }
    }

    fn damage_here(&self, what: What) -> Error {
        let (path, offset) = self.cursor.as_ref().map_or_else(
            || (self.dir.clone(), 0),
            |cursor| (cursor.path.clone(), cursor.offset()),
        );
        self.damage(&path, offset, what)
    }

    fn damage(&self, path: &Path, offset: u64, what: What) -> Error {
        Error::Corrupt(Damage {
            position: self.position,
            file: path.to_owned(),
            offset,
            what,
        })
    }
}
