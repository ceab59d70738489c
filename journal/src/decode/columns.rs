//! Frames as binary columns: `DIR/Kind/field.bin`, one plain little-endian array a field, and
//! `DIR/schema.json`, which says what is in them. numpy (`np.memmap`), Arrow and most other
//! programs read such arrays in place.
//!
//! Frames are gathered kind by kind and turned over a block at a time: for each column one tight
//! loop over a block that is still in the first cache. `schema.json` is written last: a folder
//! without it is not whole.

use super::{Symbols, schema};
use crate::disk::{create_folder, create_new};
use crate::error::{Error, io_error};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use stream::payload::{fields_of, lines_of};
use stream::{FrameRef, Kind, Line};
use zerocopy::IntoBytes;

/// Lines that are gathered before they are turned over: 16 KiB.
const BLOCK_LINES: usize = 256;
/// Bytes of a column that are gathered before they are written.
const WRITE_BYTES: usize = 128 << 10;
/// Kinds that one byte can name.
const KINDS: usize = 256;

/// Writes frames as columns.
#[derive(Debug)]
pub struct Columns {
    dir: PathBuf,
    tables: Vec<Option<Box<Table>>>,
    /// Frames that no kind of this binary's explains, by kind.
    skipped: [u64; KINDS],
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Frames, one row each.
    pub rows: u64,
    /// Kinds among them.
    pub kinds: usize,
    /// Frames of kinds that this binary does not know; they are only counted.
    pub skipped: u64,
}

/// The columns of one kind.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) kind: Kind,
    pub(super) rows: u64,
    pub(super) columns: Vec<Column>,
    /// Lines of one frame.
    lines: usize,
    gathered: Vec<Line>,
}

/// One column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) spec: schema::Spec,
    /// Opened for each write: a journal may have more columns than a process open files.
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Columns {
    /// Begins in a folder that is empty or absent.
    ///
    /// # Errors
    /// When it is neither, or cannot be made.
    pub fn create(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = dir.as_ref();
        create_folder(dir)?;
        let mut entries = std::fs::read_dir(dir).map_err(io_error(dir, "list the folder", 0))?;
        if entries.next().is_some() {
            return Err(Error::Option {
                name: "out",
                why: format!("{} is not empty; give a new folder", dir.display()),
            });
        }
        Ok(Self {
            dir: dir.to_owned(),
            tables: (0..KINDS).map(|_| None).collect(),
            skipped: [0; KINDS],
        })
    }

    /// Takes a frame: one row of its kind's columns.
    ///
    /// # Errors
    /// When a file cannot be made or written.
    #[inline]
    pub fn push(&mut self, frame: FrameRef<'_>) -> Result<(), Error> {
        let lines = frame.lines();
        match &mut self.tables[usize::from(frame.kind().0)] {
            Some(table) if table.lines == lines.len() => {
                table.rows += 1;
                table.gathered.extend_from_slice(lines);
                match table.gathered.len() < BLOCK_LINES {
                    true => Ok(()),
                    false => table.turn_over(),
                }
            }
            _ => self.push_first(frame),
        }
    }

    /// Takes the first frame of a kind, or one that no kind explains.
    #[cold]
    fn push_first(&mut self, frame: FrameRef<'_>) -> Result<(), Error> {
        let kind = frame.kind();
        let at = usize::from(kind.0);
        if lines_of(kind) != Some(frame.lines().len()) {
            self.skipped[at] += 1;
            return Ok(());
        }
        self.tables[at] = Some(Box::new(Table::create(&self.dir, kind)?));
        self.push(frame)
    }

    /// Writes what is left, and what the columns are.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn finish(mut self, symbols: &Symbols) -> Result<Written, Error> {
        for table in self.tables.iter_mut().flatten() {
            table.turn_over()?;
            for column in &mut table.columns {
                column.write()?;
            }
        }
        let tables: Vec<_> = self.tables.iter().flatten().map(AsRef::as_ref).collect();
        let skipped = self.skipped.iter().enumerate();
        let skipped: Vec<_> = skipped
            .filter(|(_, frames)| **frames > 0)
            .map(|(kind, frames)| (kind as u8, *frames))
            .collect();
        let text = schema::text(&tables, &skipped, symbols);
        let path = self.dir.join("schema.json");
        create_new(&path)
            .and_then(|mut file| file.write_all(&text))
            .map_err(io_error(&path, "write the file", text.len() as u64))?;
        Ok(Written {
            rows: tables.iter().map(|table| table.rows).sum(),
            kinds: tables.len(),
            skipped: skipped.iter().map(|(_, frames)| frames).sum(),
        })
    }
}

impl Table {
    fn create(dir: &Path, kind: Kind) -> Result<Self, Error> {
        let folder = dir.join(kind.name());
        create_folder(&folder)?;
        let fields = fields_of(kind).unwrap_or_default();
        let columns = schema::columns(fields).map(|spec| Column::create(&folder, spec));
        Ok(Self {
            kind,
            rows: 0,
            columns: columns.collect::<Result<_, _>>()?,
            lines: lines_of(kind).unwrap_or(1),
            gathered: Vec::with_capacity(BLOCK_LINES + stream::frame::LINES_MAX),
        })
    }

    /// Turns what was gathered into columns.
    fn turn_over(&mut self) -> Result<(), Error> {
        let rows = self.gathered.as_bytes();
        for column in &mut self.columns {
            column.take(rows, self.lines * Line::BYTES);
            if column.bytes.len() >= WRITE_BYTES {
                column.write()?;
            }
        }
        self.gathered.clear();
        Ok(())
    }
}

impl Column {
    fn create(folder: &Path, spec: schema::Spec) -> Result<Self, Error> {
        let path = folder.join(format!("{}.bin", spec.name));
        create_new(&path).map_err(io_error(&path, "make the file", 0))?;
        Ok(Self {
            spec,
            path,
            bytes: Vec::new(),
        })
    }

    /// Appends this column's bytes of frames that lie back to back.
    fn take(&mut self, rows: &[u8], stride: usize) {
        let (out, offset) = (&mut self.bytes, self.spec.offset);
        match self.spec.bytes {
            1 => gather::<1>(out, rows, stride, offset),
            2 => gather::<2>(out, rows, stride, offset),
            4 => gather::<4>(out, rows, stride, offset),
            8 => gather::<8>(out, rows, stride, offset),
            bytes => {
                for row in rows.chunks_exact(stride) {
                    out.extend_from_slice(&row[offset..offset + bytes]);
                }
            }
        }
        if let Some(mask) = self.spec.mask {
            let fresh = out.len() - rows.len() / stride;
            out[fresh..].iter_mut().for_each(|byte| *byte &= mask);
        }
    }

    fn write(&mut self) -> Result<(), Error> {
        let file = OpenOptions::new().append(true).open(&self.path);
        let written = file.and_then(|mut file| file.write_all(&self.bytes));
        let bytes = self.bytes.len() as u64;
        self.bytes.clear();
        written.map_err(io_error(&self.path, "write the column", bytes))
    }
}

fn gather<const BYTES: usize>(out: &mut Vec<u8>, rows: &[u8], stride: usize, offset: usize) {
    let start = out.len();
    out.resize(start + rows.len() / stride * BYTES, 0);
    let cells = out[start..].chunks_exact_mut(BYTES);
    for (cell, row) in cells.zip(rows.chunks_exact(stride)) {
        cell.copy_from_slice(&row[offset..offset + BYTES]);
    }
}
