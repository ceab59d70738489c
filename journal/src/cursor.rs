//! Frames of one segment, read from the file and never mapped, so that a file that shrinks under
//! a reader is a short read and not a signal.

use crate::error::{Error, What, io_error};
use crate::layout::{PAD, SegmentHeader, offset_of};
use crate::seal::Seal;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use stream::frame::LINES_MAX;
use stream::{FrameRef, Line};
use zerocopy::IntoBytes;

/// Lines read at once: 64 KiB.
const BUFFER_LINES: usize = 1_024;

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
    buffer: Vec<Line>,
    /// Line of the segment that the buffer starts with.
    start: u64,
    /// Sound lines in the buffer.
    filled: usize,
    /// Line of the segment at which the cursor stands.
    at: u64,
}

impl Cursor {
    pub(crate) fn new(file: File, path: PathBuf, header: SegmentHeader, buffer: Vec<Line>) -> Self {
        let mut buffer = buffer;
        buffer.resize(BUFFER_LINES, Line::ZERO);
        Self {
            seal: Seal::new(header.salt),
            file,
            path,
            header,
            buffer,
            start: 0,
            filled: 0,
            at: 0,
        }
    }

    /// Gives the buffer back, to be used for the next segment.
    pub(crate) fn into_buffer(self) -> Vec<Line> {
        self.buffer
    }

    /// Lines since the journal began, at the cursor.
    pub(crate) const fn position(&self) -> u64 {
        self.header.first_position + self.at
    }

    /// Byte offset in the file, at the cursor.
    pub(crate) const fn offset(&self) -> u64 {
        offset_of(self.at)
    }

    /// Lines that the segment has room for behind the cursor.
    pub(crate) const fn room(&self) -> u64 {
        self.header.data_lines - self.at
    }

    /// Moves to a line of the segment.
    pub(crate) fn jump(&mut self, line: u64) {
        debug_assert!(line <= self.header.data_lines);
        self.at = line;
    }

    /// Moves past what was just peeked.
    pub(crate) fn advance(&mut self, lines: usize) {
        self.at += lines as u64;
    }

    /// Looks at the cursor; what the buffer does not show as sound is read again from the file.
    pub(crate) fn peek(&mut self) -> Result<Peek, Error> {
        if self.at >= self.header.data_lines {
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

    /// The frame that was just peeked.
    pub(crate) fn frame(&self) -> FrameRef<'_> {
        let start = (self.at - self.start) as usize;
        FrameRef::first_of(&self.buffer[start..self.filled]).expect("a peeked frame is buffered")
    }

    /// Lines from the cursor to the end of the file that are not zero.
    pub(crate) fn count_used(&mut self) -> Result<u64, Error> {
        let back = self.at;
        let mut used = 0;
        while self.at < self.header.data_lines {
            self.fill()?;
            if self.filled == 0 {
                break;
            }
            let lines = &self.buffer[..self.filled];
            used += lines.iter().filter(|line| **line != Line::ZERO).count() as u64;
            self.at += self.filled as u64;
        }
        self.at = back;
        self.filled = 0;
        Ok(used)
    }

    /// Size of the file.
    pub(crate) fn file_bytes(&self) -> Result<u64, Error> {
        let data = self.file.metadata();
        Ok(data
            .map_err(io_error(&self.path, "look at the segment", 0))?
            .len())
    }

    /// Lines buffered at the cursor.
    fn buffered(&self) -> usize {
        let end = self.start + self.filled as u64;
        if self.at < self.start {
            0
        } else {
            end.saturating_sub(self.at) as usize
        }
    }

    fn look(&self) -> Peek {
        let buffered = self.buffered();
        if buffered == 0 {
            return Peek::Zero;
        }
        let start = (self.at - self.start) as usize;
        let lines = &self.buffer[start..start + buffered];
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

    /// Fills the buffer from the cursor on.
    fn fill(&mut self) -> Result<(), Error> {
        self.start = self.at;
        let lines = (self.room() as usize).min(BUFFER_LINES);
        let bytes = self.buffer[..lines].as_mut_bytes();
        let mut filled = 0;
        while filled < bytes.len() {
            match self
                .file
                .read_at(&mut bytes[filled..], offset_of(self.at) + filled as u64)
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
