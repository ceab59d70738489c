//! Opens files as they are shipped: plain, `.gz`, `.zst` or a member of a `.zip`.
//!
//! A file's packing is recognised by its first bytes, never by its name alone. Everything is
//! read in one pass through one buffer; zip members are unpacked while reading and their checksum
//! is compared at their end, so damage is found and no copy is kept. A name ending in `.gz`, `.zst`
//! or `.zip` whose contents are something else is an error.

use crate::error::{FeedError, Place};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use zip::CompressionMethod;

/// Bytes read from the disk at a time.
const BUFFER: usize = 128 * 1024;

/// What a file is packed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Nothing.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// Zstandard, one frame or several.
    Zstd,
    /// A zip archive.
    Zip,
}

impl Packing {
    const fn of(first: &[u8]) -> Self {
        match first {
            [0x1F, 0x8B, ..] => Self::Gzip,
            // A Zstandard frame, or a skippable one before it.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Self::Zstd,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            _ => Self::Plain,
        }
    }

    fn by_name(path: &Path) -> Self {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        match extension.to_ascii_lowercase().as_str() {
            "gz" => Self::Gzip,
            "zst" | "zstd" => Self::Zstd,
            "zip" => Self::Zip,
            _ => Self::Plain,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "Zstandard",
            Self::Zip => "zip",
        }
    }
}

/// One readable file: on the disk, or a member of an archive on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The path on the disk.
    pub path: PathBuf,
    /// The name within the zip archive, where it is one.
    pub inside: Option<String>,
}

impl Member {
    /// The file name without folders and, on the disk, without `.gz` or `.zst`: what the name says
    /// of the contents.
    #[must_use]
    pub fn stem(&self) -> String {
        let whole = match &self.inside {
            Some(inside) => return inside.rsplit('/').next().unwrap_or(inside).to_owned(),
            None => file_name(&self.path),
        };
        for ending in [".gz", ".zst", ".zstd"] {
            if let Some(stem) = whole.strip_suffix(ending) {
                return stem.to_owned();
            }
        }
        whole
    }

    /// How messages call it: `path`, or `path!member`.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.inside {
            Some(inside) => format!("{}!{inside}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }

    /// Opens it for reading, unpacked.
    ///
    /// # Errors
    /// When it cannot be opened or is not what its name or archive says.
    pub fn open(&self) -> Result<Input, FeedError> {
        let label = self.label();
        let reader: Box<dyn Read + Send> = match &self.inside {
            Some(inside) => open_zip_member(&self.path, inside)?,
            None => open_stream(&self.path)?,
        };
        Ok(Input { label, reader })
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// An opened file: its contents, unpacked.
pub struct Input {
    label: String,
    reader: Box<dyn Read + Send>,
}

impl core::fmt::Debug for Input {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Input").field("label", &self.label).finish()
    }
}

impl Input {
    /// Contents that lie in memory, for tests and tools.
    #[must_use]
    pub fn from_bytes(label: &str, bytes: Vec<u8>) -> Self {
        Self {
            label: label.to_owned(),
            reader: Box::new(io::Cursor::new(bytes)),
        }
    }

    /// How messages call it.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Reads some bytes; 0 is the end. `at` is the offset of the unpacked contents that was
    /// reached, for the message.
    ///
    /// # Errors
    /// When the system cannot read on, or the packing is damaged or cut short.
    pub fn read(&mut self, buffer: &mut [u8], at: u64) -> Result<usize, FeedError> {
        loop {
            match self.reader.read(buffer) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(at, &error)),
            }
        }
    }

    #[cold]
    fn broken(&self, at: u64, error: &io::Error) -> FeedError {
        let what = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the packed data is cut short".to_owned(),
            _ => format!("cannot be read or unpacked any further ({error})"),
        };
        FeedError::bad(&self.label, Place::Offset(at), what)
    }
}

fn cannot_open(path: &Path, why: io::Error) -> FeedError {
    FeedError::Open {
        file: path.display().to_string(),
        why,
    }
}

fn bad(path: &Path, what: impl Into<String>) -> FeedError {
    FeedError::bad(&path.display().to_string(), Place::Whole, what)
}

/// Opens a regular file and tells its packing.
fn open_raw(path: &Path) -> Result<(File, Packing), FeedError> {
    let mut file = File::open(path).map_err(|why| cannot_open(path, why))?;
    let about = file.metadata().map_err(|why| cannot_open(path, why))?;
    if about.is_dir() {
        return Err(FeedError::Bad {
            file: path.display().to_string(),
            place: Place::Whole,
            what: "is a folder".to_owned(),
            remedy: "name a file",
        });
    }
    let mut first = [0; 4];
    let mut have = 0;
    while have < first.len() {
        match file.read(&mut first[have..]) {
            Ok(0) => break,
            Ok(count) => have += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(cannot_open(path, why)),
        }
    }
    if have == 0 {
        return Err(FeedError::bad(
            &path.display().to_string(),
            Place::Offset(0),
            "is empty",
        ));
    }
    let packing = Packing::of(&first[..have]);
    let named = Packing::by_name(path);
    if named != Packing::Plain && named != packing {
        let what = format!("is named as {} data but is none", named.name());
        return Err(FeedError::bad(
            &path.display().to_string(),
            Place::Offset(0),
            what,
        ));
    }
    file.seek(SeekFrom::Start(0))
        .map_err(|why| cannot_open(path, why))?;
    Ok((file, packing))
}

fn open_stream(path: &Path) -> Result<Box<dyn Read + Send>, FeedError> {
    let (file, packing) = open_raw(path)?;
    unpack(path, BufReader::with_capacity(BUFFER, file), packing)
}

fn unpack(
    path: &Path,
    reader: BufReader<File>,
    packing: Packing,
) -> Result<Box<dyn Read + Send>, FeedError> {
    Ok(match packing {
        Packing::Plain => Box::new(reader),
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Packing::Zstd => Box::new(
            zstd::stream::read::Decoder::with_buffer(reader)
                .map_err(|why| cannot_open(path, why))?,
        ),
        Packing::Zip => {
            return Err(FeedError::Bad {
                file: path.display().to_string(),
                place: Place::Whole,
                what: "is an archive within an archive or without a readable member".to_owned(),
                remedy: "unpack it first",
            });
        }
    })
}

/// The files behind a path: one, or the members of a zip archive, in the archive's order.
///
/// # Errors
/// When the path cannot be opened, or the archive's directory cannot be read.
pub fn members(path: &Path) -> Result<Vec<Member>, FeedError> {
    let (file, packing) = open_raw(path)?;
    if packing != Packing::Zip {
        return Ok(vec![Member {
            path: path.to_owned(),
            inside: None,
        }]);
    }
    let archive = read_directory(path, file)?;
    let mut members = Vec::new();
    for name in archive.file_names() {
        let name = name.map_err(|why| bad(path, format!("has a member without a name ({why})")))?;
        if !name.ends_with('/') {
            members.push(Member {
                path: path.to_owned(),
                inside: Some(name.into_owned()),
            });
        }
    }
    Ok(members)
}

fn read_directory(path: &Path, file: File) -> Result<zip::ZipArchive<BufReader<File>>, FeedError> {
    let reader = BufReader::with_capacity(BUFFER, file);
    zip::ZipArchive::new(reader).map_err(|why| {
        bad(
            path,
            format!("is cut short or damaged: the archive's directory cannot be read ({why})"),
        )
    })
}

/// Opens a member without keeping the archive: its place is looked up, then the file is read from
/// there on, so that two members can be read at once.
fn open_zip_member(path: &Path, inside: &str) -> Result<Box<dyn Read + Send>, FeedError> {
    let (file, packing) = open_raw(path)?;
    if packing != Packing::Zip {
        return Err(bad(path, "is no zip archive"));
    }
    let mut archive = read_directory(path, file)?;
    let wrong = |what: String| bad(path, format!("member {inside}: {what}"));
    let index = archive
        .file_names()
        .position(|name| name.is_ok_and(|name| name == inside))
        .ok_or_else(|| wrong("is not in the archive".to_owned()))?;
    let (start, size, method, crc) = {
        let member = archive
            .by_index_raw(index)
            .map_err(|why| wrong(format!("cannot be read ({why})")))?;
        if member.encrypted() {
            return Err(FeedError::Bad {
                file: format!("{}!{inside}", path.display()),
                place: Place::Whole,
                what: "is encrypted".to_owned(),
                remedy: "unpack it first",
            });
        }
        let start = member
            .data_start()
            .ok_or_else(|| wrong("has no data".to_owned()))?;
        (
            start,
            member.compressed_size(),
            member.compression(),
            member.crc32(),
        )
    };
    drop(archive);
    let mut file = File::open(path).map_err(|why| cannot_open(path, why))?;
    file.seek(SeekFrom::Start(start))
        .map_err(|why| cannot_open(path, why))?;
    let packed = BufReader::with_capacity(BUFFER, file.take(size));
    let reader: Box<dyn Read + Send> = match method {
        CompressionMethod::Stored => Box::new(packed),
        CompressionMethod::Deflated => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
        other => {
            return Err(FeedError::Bad {
                file: format!("{}!{inside}", path.display()),
                place: Place::Whole,
                what: format!("is packed with {other}, which is not read here"),
                remedy: "unpack it first",
            });
        }
    };
    Ok(Box::new(Checked {
        reader,
        seen: flate2::Crc::new(),
        expected: crc,
    }))
}

/// Compares a zip member's checksum when its end is reached.
struct Checked {
    reader: Box<dyn Read + Send>,
    seen: flate2::Crc,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.seen.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() && self.seen.sum() != self.expected {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the archive's checksum disagrees",
            ));
        }
        Ok(count)
    }
}

/// Opens the one file behind a path.
///
/// # Errors
/// When it cannot be opened, or is an archive with other than one member.
pub fn open(path: &Path) -> Result<Input, FeedError> {
    let members = members(path)?;
    match &members[..] {
        [one] => one.open(),
        many => Err(FeedError::Bad {
            file: path.display().to_string(),
            place: Place::Whole,
            what: format!("is an archive with {} files, not one", many.len()),
            remedy: "unpack it and name the file",
        }),
    }
}
