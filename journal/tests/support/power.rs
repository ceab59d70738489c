//! A disk that loses power: whatever was not synced is kept or lost at random, sector by sector.

use journal::{Faults, Operation};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use stream::hash::mix;

const SECTOR: usize = 512;
const PAGE: usize = 4_096;

type Names = BTreeMap<PathBuf, u64>;

/// What the disk is sure to have.
#[derive(Clone, Debug, Default)]
struct Disk {
    /// Synced bytes by file number; a file that was never synced is absent.
    files: BTreeMap<u64, Vec<u8>>,
    /// Names after the last sync of the folder, and after each operation since.
    names: Vec<Names>,
}

/// Watches what a journal asks of the disk.
#[derive(Debug)]
pub(crate) struct Power {
    dir: PathBuf,
    disk: Mutex<Disk>,
    /// Crashes that happen in the middle of things: pictures taken at operations.
    pictures: Mutex<Vec<Picture>>,
    picture_every: u64,
    operations: Mutex<u64>,
}

/// Everything at the moment when the power went.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    disk: Disk,
    names: Names,
    current: BTreeMap<u64, Vec<u8>>,
    /// Frames below were promised when the picture was taken.
    pub(crate) durable: u64,
}

impl Power {
    /// Starts with everything in the folder synced.
    pub(crate) fn over(dir: &Path, picture_every: u64) -> Self {
        let names = names(dir);
        Self {
            dir: dir.to_owned(),
            disk: Mutex::new(Disk {
                files: contents(&names),
                names: vec![names],
            }),
            pictures: Mutex::default(),
            picture_every,
            operations: Mutex::new(0),
        }
    }

    /// The moment now.
    pub(crate) fn picture(&self, durable: u64) -> Picture {
        let names = names(&self.dir);
        Picture {
            disk: self.disk.lock().unwrap().clone(),
            current: contents(&names),
            names,
            durable,
        }
    }

    /// Pictures that were taken inside operations since the last call; `durable` was promised
    /// before them.
    pub(crate) fn take(&self, durable: u64) -> Vec<Picture> {
        let mut pictures = std::mem::take(&mut *self.pictures.lock().unwrap());
        for picture in &mut pictures {
            picture.durable = durable;
        }
        pictures
    }
}

impl Faults for Power {
    fn before(&self, operation: Operation<'_>) -> io::Result<()> {
        let count = {
            let mut count = self.operations.lock().unwrap();
            *count += 1;
            *count
        };
        if count.is_multiple_of(self.picture_every) {
            let picture = self.picture(0);
            self.pictures.lock().unwrap().push(picture);
        }
        let mut disk = self.disk.lock().unwrap();
        let names = names(&self.dir);
        match operation {
            Operation::Allocate { .. } => disk.names.push(names),
            // Promises nothing.
            Operation::Write { .. } => {}
            Operation::SyncFolder { .. } => disk.names = vec![names],
            Operation::SyncFile { path } => {
                let number = std::fs::metadata(path)?.ino();
                disk.files.insert(number, std::fs::read(path)?);
                disk.names.push(names);
            }
            Operation::SyncRange { path, bytes } => {
                let now = std::fs::read(path)?;
                let number = std::fs::metadata(path)?.ino();
                let kept = disk.files.entry(number).or_default();
                kept.resize(now.len(), 0);
                let start = bytes.start as usize / PAGE * PAGE;
                let end = (bytes.end as usize).next_multiple_of(PAGE).min(now.len());
                kept[start..end].copy_from_slice(&now[start..end]);
            }
        }
        Ok(())
    }
}

impl Picture {
    /// One of the folders that may be there when the power comes back.
    pub(crate) fn develop(&self, seed: u64, dir: &Path) {
        let mut state = seed;
        let mut random = move || {
            state = state.wrapping_add(1);
            mix(state)
        };
        let mut candidates = self.disk.names.clone();
        candidates.push(self.names.clone());
        let names = &candidates[random() as usize % candidates.len()];
        // How many sectors survive differs from crash to crash.
        let keep = random() % 101;
        let nothing = Vec::new();
        for (path, number) in names {
            let old = self.disk.files.get(number).unwrap_or(&nothing);
            let new = self.current.get(number).unwrap_or(old);
            let longer = old.len().max(new.len());
            let length = [old.len(), new.len()][(random() & 1) as usize];
            let mut bytes = vec![0; longer];
            for start in (0..longer).step_by(SECTOR) {
                let from = if random() % 100 < keep { new } else { old };
                let end = (start + SECTOR).min(longer);
                if start < from.len() {
                    let end = end.min(from.len());
                    bytes[start..end].copy_from_slice(&from[start..end]);
                }
            }
            bytes.truncate(length);
            std::fs::write(dir.join(path.file_name().unwrap()), bytes).unwrap();
        }
    }
}

fn names(dir: &Path) -> Names {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.path(), entry.metadata().unwrap().ino())
        })
        .collect()
}

fn contents(names: &Names) -> BTreeMap<u64, Vec<u8>> {
    names
        .iter()
        .map(|(path, number)| (*number, std::fs::read(path).unwrap()))
        .collect()
}
