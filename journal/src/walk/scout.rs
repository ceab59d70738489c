//! Segments checked on several threads before a walk comes to them.
//!
//! A segment's header says all that its first frame depends on, so segments can be checked in any
//! order. The walk trusts a scout only as far as everything was sound, and examines whatever
//! stopped it: what is an end, a tail or damage is decided in one place.

use super::Walk;
use crate::catalogue::{self, HeaderState};
use crate::cursor::Cursor;
use crate::disk::open_to_read;
use crate::epoch::{Limit, Past};
use crate::layout::SegmentHeader;
use crate::seal::Sound;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Below this many bytes a walk alone is done before threads have started.
const BYTES_MIN: u64 = 16 << 20;
/// More threads than this only wait for memory.
const THREADS_MAX: usize = 8;

/// Sound frames from a segment's first line on.
#[derive(Clone, Debug)]
pub(super) struct Scouted {
    header: SegmentHeader,
    sound: Sound,
}

impl Walk {
    /// Checks all segments with as many threads as the process may use at once, when there is
    /// enough to be checked.
    pub(crate) fn scout(&mut self) {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let bytes: u64 = self
            .segments_ahead()
            .filter_map(|path| path.metadata().ok())
            .map(|data| data.len())
            .sum();
        if bytes >= BYTES_MIN {
            self.scout_with(threads.min(THREADS_MAX));
        }
    }

    /// Checks all segments with so many threads, this one among them.
    pub(super) fn scout_with(&mut self, threads: usize) {
        let paths: Vec<_> = self.segments_ahead().cloned().collect();
        if threads < 2 || paths.len() < 2 {
            return;
        }
        let next = AtomicUsize::new(0);
        let found = Mutex::new(BTreeMap::new());
        let work = || {
            let mut buffer = Vec::new();
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Some(scouted) = check(path, &mut buffer) {
                    let mut found = found
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    found.insert(path.clone(), scouted);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(paths.len()) {
                let scout = std::thread::Builder::new().name("journal-scout".to_owned());
                // A thread that cannot be had is one that does not help.
                let _ = scout.spawn_scoped(scope, work);
            }
            work();
        });
        self.scouted = found
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
    }

    fn segments_ahead(&self) -> impl Iterator<Item = &PathBuf> {
        self.epochs()
            .iter()
            .flat_map(|epoch| epoch.files.segments.values())
    }

    /// Moves past what was found sound in the segment that was just entered.
    pub(super) fn pass_scouted(&mut self) {
        let Some(cursor) = &mut self.cursor else {
            return;
        };
        let Some(Scouted { header, sound }) = self.scouted.remove(&cursor.path) else {
            return;
        };
        let end = self.position + sound.lines as u64;
        let is_within = match self.limit {
            Limit::Known { position, .. } => end <= position,
            Limit::Open { .. } => true,
        };
        if header == cursor.header && is_within {
            cursor.jump(sound.lines as u64);
            self.position = end;
            self.past = sound.past;
            self.frames += sound.frames;
        }
    }
}

/// Checks a segment from its first line on; `None` when it cannot be read, which the walk tells.
fn check(path: &Path, buffer: &mut Vec<stream::Line>) -> Option<Scouted> {
    let file = open_to_read(path).ok()?;
    let HeaderState::Sound(header) = catalogue::header(&file).ok()? else {
        return None;
    };
    let header = *header;
    let taken = std::mem::take(buffer);
    let mut cursor = Cursor::new(file, path.to_owned(), header.clone(), taken);
    let sound = cursor.check_all(Past::before(&header)).ok();
    *buffer = cursor.into_buffer();
    Some(Scouted {
        header,
        sound: sound?,
    })
}

#[cfg(test)]
mod tests {
    use crate::{Options, Reader, State, create_or_continue, verify};
    use std::os::unix::fs::FileExt;
    use std::path::Path;
    use stream::{Class, FrameRef, Header, Kind, Line, Nanos};
    use zerocopy::IntoBytes;

    /// Three epochs of one-page segments, the second one left open.
    fn journal(dir: &Path) {
        let options = Options {
            segment_bytes: 4_096,
            ..Options::new(dir)
        };
        let mut seq = 0;
        for epoch in 0..3 {
            let (mut writer, _) = create_or_continue(&options).unwrap();
            for _ in 0..100 {
                seq += 1;
                let lines = seq as usize % 3 + 1;
                let header = Header {
                    seq,
                    ts: Nanos(seq),
                    kind: Kind(9),
                    shape: Header::shape(Class::Input, lines),
                    ..Header::default()
                };
                let mut frame = vec![Line([7; 64]); lines];
                frame[0].0[..Header::BYTES].copy_from_slice(header.as_bytes());
                writer.append(FrameRef::first_of(&frame).unwrap());
            }
            if epoch != 1 {
                writer.close().unwrap();
            }
        }
    }

    #[test]
    fn a_scouted_walk_says_what_a_walk_alone_says_of_a_sound_and_of_any_damaged_journal() {
        let dir = tempfile::tempdir().unwrap();
        journal(dir.path());
        let alone = verify::report(dir.path(), |_| {}).unwrap();
        assert_eq!(alone.state, State::Clean);
        assert_eq!(alone.frames, 300);
        let mut walk = super::Walk::new(dir.path()).unwrap();
        walk.scout_with(3);
        let scouted: u64 = walk.scouted.values().map(|found| found.sound.frames).sum();
        assert_eq!(scouted, 300);
        let paths: Vec<_> = walk.segments_ahead().cloned().collect();
        for (at, path) in paths.iter().enumerate() {
            let bytes = std::fs::read(path).unwrap();
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            for (place, byte) in bytes.iter().enumerate().skip(at % 5).step_by(5) {
                file.write_all_at(&[byte ^ 4], place as u64).unwrap();
                let alone = verify::report(dir.path(), |_| {}).unwrap();
                let scouted = verify::report(dir.path(), |walk| walk.scout_with(3)).unwrap();
                assert_eq!(scouted, alone, "byte {place} of {}", path.display());
                file.write_all_at(&[*byte], place as u64).unwrap();
            }
            file.set_len(bytes.len() as u64 / 2).unwrap();
            let alone = verify::report(dir.path(), |_| {}).unwrap();
            let scouted = verify::report(dir.path(), |walk| walk.scout_with(3)).unwrap();
            assert_eq!(scouted, alone, "{} cut", path.display());
            std::fs::write(path, &bytes).unwrap();
        }
        let mut reader = Reader::open(dir.path()).unwrap();
        assert_eq!(std::iter::from_fn(|| reader.next().map(drop)).count(), 300);
    }
}
