//! Frames of one segment, read from the file and never mapped, so that a file that shrinks under
//! a reader is a short read and not a signal.
//!
//! Reads grow while what they bring is sound, up to a size that amortises the system call, and are
//! small again at the end of a journal that is being written. Frames are checked a stretch at a
//! time: checksums of neighbours do not depend on each other, so the processor works on several at
//! once, as long as no other work comes in between.

use crate::epoch::Past;
use crate::error::{Error, What, io_error};
use crate::layout::{PAD, RECORD_BYTES, SegmentHeader, offset_of};
use crate::seal::{Seal, Sound};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use stream::frame::LINES_MAX;
use stream::{FrameRef, Line};
use zerocopy::IntoBytes;

/// Lines of the first read, and of the next one behind something that is not sound: 4 KiB.
const READ_LINES_MIN: usize = 64;
/// Lines of the largest read: 1 MiB. A larger one leaves the second cache before it is used.
const READ_LINES_MAX: usize = 16_384;
/// By how much a read is longer than the one before it, when that was used up.
const READ_GROWTH: usize = 4;
/// Lines that are checked in one go: 8 KiB, which are still in the first cache when handed on.
const AHEAD_LINES: usize = 128;

/// What stands at the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peek {
    /// A frame that verifies.
    Frame {
        /// Its length.
        lines: usize,
        /// Its checksum.
        crc: u32,
    },
    /// A pad that verifies.
    Pad {
        /// Its length.
        lines: usize,
        /// Its checksum.
        crc: u32,
    },
    /// The segment ends here.
    Full,
    /// A zero word, or the end of the file.
    Zero,
    /// Something that is no frame.
    Bad(What),
}

/// A place in one segment.
#[derive(Debug)]
pub(crate) struct Cursor {
    file: File,
    pub(crate) path: PathBuf,
    pub(crate) header: SegmentHeader,
    seal: Seal,
    /// As long as the next read.
    buffer: Vec<Line>,
    /// Line of the segment that the buffer starts with.
    start: u64,
    /// Sound lines in the buffer.
    filled: usize,
    /// Line of the buffer at which the cursor stands; it may be the one behind the last.
    here: usize,
    /// The line of the buffer up to which frames were checked ahead: between the cursor and it
    /// stand whole frames that verify and may follow each other.
    checked: usize,
}

impl Cursor {
    pub(crate) fn new(file: File, path: PathBuf, header: SegmentHeader, buffer: Vec<Line>) -> Self {
        let mut buffer = buffer;
        if buffer.is_empty() {
            buffer.resize(READ_LINES_MIN, Line::ZERO);
        }
        Self {
            seal: Seal::new(header.salt),
            file,
            path,
            header,
            buffer,
            start: 0,
            filled: 0,
            here: 0,
            checked: 0,
        }
    }

    /// Gives the buffer back, to be used for the next segment.
    pub(crate) fn into_buffer(self) -> Vec<Line> {
        self.buffer
    }

    /// Lines since the journal began, at the cursor.
    pub(crate) const fn position(&self) -> u64 {
        self.header.first_position + self.at()
    }

    /// Line of the segment at which the cursor stands.
    const fn at(&self) -> u64 {
        self.start + self.here as u64
    }

    /// Byte offset in the file, at the cursor.
    pub(crate) const fn offset(&self) -> u64 {
        offset_of(self.at())
    }

    /// Lines that the segment has room for behind the cursor.
    pub(crate) const fn room(&self) -> u64 {
        self.header.data_lines - self.at()
    }

    /// Moves to a line of the segment.
    pub(crate) fn jump(&mut self, line: u64) {
        debug_assert!(line <= self.header.data_lines);
        (self.start, self.here) = (line, 0);
        (self.filled, self.checked) = (0, 0);
    }

    /// Moves past the frame or pad at the cursor.
    #[inline]
    pub(crate) fn advance(&mut self, lines: usize) {
        self.here += lines;
    }

    /// Moves past the frame at the cursor, of so many lines, to one that was checked ahead; tells
    /// where in the buffer it was, and how many lines the next one has. `None`, and nothing is
    /// moved, when nothing was checked there.
    #[inline]
    pub(crate) fn pass(&mut self, lines: usize) -> Option<(usize, usize)> {
        let was = self.here;
        let next = was + lines;
        if next >= self.checked {
            return None;
        }
        self.here = next;
        Some((was, self.frame().lines().len()))
    }

    /// Checks what follows the frame at the cursor, which leaves `past`: as far as it is
    /// buffered, and not beyond a position. It stops without a word at whatever is not a sound
    /// frame that may follow; a peek there tells what it is.
    pub(crate) fn check_ahead(&mut self, lines: usize, past: Past, end: u64) -> Sound {
        let first = self.here + lines;
        let room = end.saturating_sub(self.position() + lines as u64);
        let most = AHEAD_LINES.min(usize::try_from(room).unwrap_or(AHEAD_LINES));
        let stop = self.filled.min(first + most);
        let ahead = self.buffer.get(first..stop).unwrap_or_default();
        let position = self.position() + lines as u64;
        let sound = self.seal.sound(position, ahead, past);
        self.checked = first + sound.lines;
        sound
    }

    /// Moves past what follows from the cursor on, `past` being what comes before it: as far as it
    /// is buffered and sound, and not beyond a position.
    pub(crate) fn pass_buffered(&mut self, past: Past, end: u64) -> Sound {
        let room = usize::try_from(end.saturating_sub(self.position())).unwrap_or(usize::MAX);
        let stop = self.filled.min(self.here.saturating_add(room));
        let lines = self.buffer.get(self.here..stop).unwrap_or_default();
        let sound = self.seal.sound(self.position(), lines, past);
        self.here += sound.lines;
        sound
    }

    /// Gives the buffer away as it is; what follows is read into another.
    pub(crate) fn exchange(&mut self, other: Vec<Line>) -> Vec<Line> {
        let mut other = other;
        other.resize(self.next_read(), Line::ZERO);
        self.jump(self.at());
        std::mem::replace(&mut self.buffer, other)
    }

    /// Checks everything from the cursor on, up to whatever is not a sound frame that may follow,
    /// `past` being what comes before the cursor.
    pub(crate) fn check_all(&mut self, past: Past) -> Result<Sound, Error> {
        let mut all = Sound {
            past,
            ..Sound::default()
        };
        loop {
            self.fill()?;
            let lines = &self.buffer[..self.filled];
            let sound = self.seal.sound(self.position(), lines, all.past);
            if sound.frames == 0 {
                return Ok(all);
            }
            self.here = sound.lines;
            all.lines += sound.lines;
            all.frames += sound.frames;
            all.past = sound.past;
        }
    }

    /// Looks at the cursor; what the buffer does not show as sound is read again from the file.
    pub(crate) fn peek(&mut self) -> Result<Peek, Error> {
        if self.at() >= self.header.data_lines {
            return Ok(Peek::Full);
        }
        if self.buffered() > 0 {
            let seen = self.look();
            if matches!(seen, Peek::Frame { .. } | Peek::Pad { .. }) {
                return Ok(seen);
            }
        }
        self.fill()?;
        let seen = self.look();
        if !matches!(seen, Peek::Bad(_)) {
            return Ok(seen);
        }
        // A read may have run beside the store of this very frame. The first word was there, so
        // the whole frame is there now.
        // SYNC POINT frame-word: pairs with the release in `Pen::store_last`.
        self.fill()?;
        Ok(self.look())
    }

    /// Line of the buffer at which the cursor stands.
    pub(crate) const fn here(&self) -> usize {
        self.here
    }

    /// The frame at the cursor, which was peeked at or checked ahead.
    #[inline]
    pub(crate) fn frame(&self) -> FrameRef<'_> {
        self.frame_at(self.here)
    }

    /// The frame at a line of the buffer where one was passed since the last read.
    #[inline]
    pub(crate) fn frame_at(&self, here: usize) -> FrameRef<'_> {
        FrameRef::first_of(&self.buffer[here..self.filled]).expect("a peeked frame is buffered")
    }

    /// Lines from the cursor to the end of the file that are not zero.
    pub(crate) fn count_used(&mut self) -> Result<u64, Error> {
        let back = self.at();
        let mut used = 0;
        while self.at() < self.header.data_lines {
            match self.next_data() {
                Some(line) if line > self.at() => self.jump(line),
                Some(_) => {}
                None => break,
            }
            self.fill()?;
            if self.filled == 0 {
                break;
            }
            let lines = &self.buffer[..self.filled];
            used += lines.iter().filter(|line| **line != Line::ZERO).count() as u64;
            self.here = self.filled;
        }
        self.jump(back);
        Ok(used)
    }

    /// The first line from the cursor on that may be other than zeros, `None` when there is none:
    /// what was allocated and never stored into is not read, for the system would have to make
    /// zeros of it first.
    fn next_data(&self) -> Option<u64> {
        use rustix::fs::{SeekFrom, seek};
        match seek(&self.file, SeekFrom::Data(self.offset())) {
            Ok(offset) => {
                let data = offset.saturating_sub(RECORD_BYTES as u64);
                Some(self.at().max(data / Line::BYTES as u64))
            }
            Err(rustix::io::Errno::NXIO) => None,
            // A file system that cannot tell.
            Err(_) => Some(self.at()),
        }
    }

    /// Size of the file.
    pub(crate) fn file_bytes(&self) -> Result<u64, Error> {
        let data = self.file.metadata();
        Ok(data
            .map_err(io_error(&self.path, "look at the segment", 0))?
            .len())
    }

    /// Lines buffered at the cursor.
    const fn buffered(&self) -> usize {
        self.filled.saturating_sub(self.here)
    }

    fn look(&self) -> Peek {
        if self.buffered() == 0 {
            return Peek::Zero;
        }
        let lines = &self.buffer[self.here..self.filled];
        if lines[0].0[..8] == [0; 8] {
            return Peek::Zero;
        }
        let Some(frame) = FrameRef::first_of(lines) else {
            return Peek::Bad(if self.room() < LINES_MAX as u64 {
                What::Overrun
            } else {
                What::Checksum
            });
        };
        let count = frame.lines().len();
        let Some(crc) = self.seal.check(self.position(), frame.lines()) else {
            return Peek::Bad(What::Checksum);
        };
        if frame.kind() == PAD {
            Peek::Pad { lines: count, crc }
        } else {
            Peek::Frame { lines: count, crc }
        }
    }

    /// Lines of the next read.
    fn next_read(&self) -> usize {
        if self.buffered() < LINES_MAX {
            (self.buffer.len() * READ_GROWTH).min(READ_LINES_MAX)
        } else {
            READ_LINES_MIN
        }
    }

    /// Fills the buffer from the cursor on.
    fn fill(&mut self) -> Result<(), Error> {
        if self.filled > 0 {
            self.buffer.resize(self.next_read(), Line::ZERO);
        }
        self.jump(self.at());
        let lines = (self.room() as usize).min(self.buffer.len());
        let bytes = self.buffer[..lines].as_mut_bytes();
        let mut filled = 0;
        while filled < bytes.len() {
            match self
                .file
                .read_at(&mut bytes[filled..], offset_of(self.start) + filled as u64)
            {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io_error(&self.path, "read the segment", 0)(error)),
            }
        }
        self.filled = filled / Line::BYTES;
        Ok(())
    }
}
