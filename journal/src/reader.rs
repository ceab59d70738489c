//! Reading a journal, also while it is written.

use crate::catalogue::{closed_path, lock_path, segment_path};
use crate::disk::Lock;
use crate::error::{Damage, Error};
use crate::walk::{End, Place, Step, Walk};
use std::ops::Range;
use std::path::{Path, PathBuf};
use stream::{FrameRef, Header, Line, Nanos};

/// Places that the reader remembers, so that it can go back: one in this many lines.
const INDEX_LINES: u64 = 4_096;

/// Reads the frames of a journal in order, every kind, known or not.
///
/// It reads the files and locks nothing, so that any number of readers, in this process or
/// others, can follow a writer without being noticed by it. A frame is returned whole or not at
/// all. Seeks use the segments' headers and the places that this reader has passed before.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    walk: Walk,
    /// Places met so far, by position, at least [`INDEX_LINES`] apart.
    index: Vec<Place>,
    /// Position from which the next place is remembered.
    note_at: u64,
    damage: Option<Damage>,
}

/// Frames in the memory that they were read into.
#[derive(Clone, Debug)]
pub struct Frames {
    memory: Vec<Line>,
    range: Range<usize>,
}

impl Frames {
    /// Whole frames, back to back; at least one.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.memory[self.range.clone()]
    }

    /// The memory, to be read into again.
    #[must_use]
    pub fn into_spare(self) -> Vec<Line> {
        self.memory
    }
}

/// One start of a writer, as a reader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochInfo {
    /// Its number, from 1.
    pub epoch: u32,
    /// Lines since the journal began, where it starts.
    pub position: u64,
    /// `seq` of the last frame before it.
    pub seq_before: u64,
    /// Lines that a crash tore behind the end of the epoch before.
    pub cut_lines: u64,
    /// It was ended on purpose.
    pub closed: bool,
}

impl Reader {
    /// Stands at the journal's beginning.
    ///
    /// # Errors
    /// When the folder holds no journal of this schema, or its identity is damaged.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self {
            dir: dir.as_ref().to_owned(),
            walk: Walk::new(dir.as_ref())?,
            index: Vec::new(),
            note_at: 0,
            damage: None,
        })
    }

    /// The next frame and its position, or `None` at the end. The end of a journal that is being
    /// written moves: to follow it, call again later.
    ///
    /// # Errors
    /// Damage, which is told again and again until a seek goes elsewhere; or a failed read.
    #[allow(
        clippy::should_implement_trait,
        reason = "the frame borrows from the reader, which no iterator can express"
    )]
    #[inline]
    pub fn next(&mut self) -> Option<Result<(u64, FrameRef<'_>), Error>> {
        if self.walk.pass() {
            self.note();
            return Some(Ok(self.walk.frame()));
        }
        self.find()
    }

    /// The next frames as they lie, as many as one read brings, in the memory that they were read
    /// into; or `None` at the end. The next ones are read into `spare`, which may be empty. What is
    /// read this way goes on where [`Reader::next`] stopped, and the other way round.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn next_frames(&mut self, spare: Vec<Line>) -> Option<Result<Frames, Error>> {
        if self.walk.pass() {
            self.note();
        } else {
            match self.step() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
        let (memory, range) = self.walk.take_buffer(spare);
        Some(Ok(Frames { memory, range }))
    }

    /// The next frame, where it was not checked ahead.
    fn find(&mut self) -> Option<Result<(u64, FrameRef<'_>), Error>> {
        match self.step() {
            Ok(true) => Some(Ok(self.walk.frame())),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Goes to the first frame whose `seq` is at least this: the input of that number, or its
    /// first frame in the journal. False when there is none yet; the reader then stands at the
    /// end.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn seek_seq(&mut self, seq: u64) -> Result<bool, Error> {
        self.seek(|place| place.past.seq < seq, |_, header| header.seq >= seq)
    }

    /// Goes to the first frame whose `ts` is at least this. False when there is none yet; the
    /// reader then stands at the end.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn seek_time(&mut self, ts: Nanos) -> Result<bool, Error> {
        self.seek(|place| place.past.ts < ts.0, |_, header| header.ts >= ts)
    }

    /// Goes to the first frame at or behind a position. False when there is none yet; the reader
    /// then stands at the end.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn seek_position(&mut self, position: u64) -> Result<bool, Error> {
        self.seek(|place| place.position <= position, |at, _| at >= position)
    }

    /// The position behind the last frame that was returned.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.walk.position()
    }

    /// The journal's account label.
    #[must_use]
    pub fn account(&self) -> &str {
        stream::payload::read_text(&self.walk.identity.account)
    }

    /// The journal's session date, `yyyymmdd`; 0 where there is none.
    #[must_use]
    pub fn date(&self) -> u32 {
        self.walk.identity.date
    }

    /// The starts so far.
    #[must_use]
    pub fn epochs(&self) -> Vec<EpochInfo> {
        self.walk
            .epochs()
            .iter()
            .filter(|epoch| epoch.broken.is_none())
            .map(|epoch| EpochInfo {
                epoch: epoch.number,
                position: epoch.first.epoch_position,
                seq_before: epoch.first.seq_before,
                cut_lines: epoch.first.cut_lines,
                closed: epoch.closed.is_some(),
            })
            .collect()
    }

    /// True while a writer holds the journal.
    #[must_use]
    pub fn is_live(&self) -> bool {
        Lock::is_held(&lock_path(&self.dir))
    }

    /// Steps to the next frame; false at the end.
    fn step(&mut self) -> Result<bool, Error> {
        if let Some(damage) = &self.damage {
            return Err(Error::Corrupt(damage.clone()));
        }
        let stepped = match self.walk.step() {
            Ok(Step::End(end)) if self.may_go_on(end) => {
                self.walk.refresh().and_then(|()| self.walk.step())
            }
            stepped => stepped,
        };
        match stepped {
            Ok(Step::Frame) => {
                self.note();
                Ok(true)
            }
            Ok(Step::End(_)) => Ok(false),
            Err(error) => {
                if let Error::Corrupt(damage) = &error {
                    self.damage = Some(damage.clone());
                }
                Err(error)
            }
        }
    }

    /// True when the epoch may have been closed or followed by another since it was listed.
    fn may_go_on(&self, end: End) -> bool {
        let Some(last) = self.walk.epochs().last() else {
            return true;
        };
        (end == End::Open && closed_path(&self.dir, last.number).exists())
            || segment_path(&self.dir, last.number + 1, 0).exists()
    }

    /// Remembers the place of the frame at hand.
    #[inline]
    fn note(&mut self) {
        let position = self.walk.position();
        if position >= self.note_at {
            self.remember(position);
        }
    }

    #[cold]
    fn remember(&mut self, position: u64) {
        self.note_at = position + INDEX_LINES;
        let at = self
            .index
            .partition_point(|place| place.position < position);
        let far = |place: Option<&Place>| {
            place.is_none_or(|place| place.position.abs_diff(position) >= INDEX_LINES)
        };
        if far(self.index.get(at)) && far(at.checked_sub(1).and_then(|i| self.index.get(i))) {
            self.index.extend(self.walk.place());
            self.index[at..].rotate_right(1);
        }
    }

    /// Goes to the last known place that lies before the target, then steps to the target.
    fn seek(
        &mut self,
        before: impl Fn(&Place) -> bool,
        found: impl Fn(u64, &Header) -> bool,
    ) -> Result<bool, Error> {
        self.damage = None;
        self.walk.refresh()?;
        let starts = self.walk.starts()?;
        let last_before = |places: &[Place]| {
            let count = places.partition_point(&before);
            places[..count].last().copied()
        };
        let place = last_before(&starts)
            .into_iter()
            .chain(last_before(&self.index))
            .max_by_key(|place| place.position);
        let Some(place) = place.or_else(|| starts.first().copied()) else {
            return Ok(false);
        };
        self.walk.go(&place)?;
        self.note_at = place.position;
        while self.step()? {
            let (position, frame) = self.walk.frame();
            if found(position, frame.header()) {
                self.walk.stay();
                return Ok(true);
            }
        }
        Ok(false)
    }
}
