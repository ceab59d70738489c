//! Cutting long things into chunks, and putting them together again.

use crate::StageId;
use crate::hash;
use crate::payload::{Blob, BlobKind, CHUNK, Checkpoint};

/// Chunks that `bytes` bytes need; an empty text still has one.
#[must_use]
pub const fn chunks(bytes: usize) -> usize {
    if bytes == 0 { 1 } else { bytes.div_ceil(CHUNK) }
}

fn chunk_of(bytes: &[u8], index: usize) -> (u16, [u8; CHUNK]) {
    let start = (index * CHUNK).min(bytes.len());
    let part = &bytes[start..bytes.len().min(start + CHUNK)];
    let mut chunk = [0; CHUNK];
    chunk[..part.len()].copy_from_slice(part);
    (part.len() as u16, chunk)
}

/// The chunk `index` of `bytes` as a [`Blob`].
///
/// # Panics
/// If `bytes` needs more than 65,535 chunks (30 MB) or `index` is not one of them.
#[must_use]
pub fn blob_chunk(what: BlobKind, bytes: &[u8], index: usize) -> Blob {
    let count = u16::try_from(chunks(bytes.len())).expect("a blob has at most 65,535 chunks");
    assert!(index < count as usize, "a blob has no such chunk");
    let (len, chunk) = chunk_of(bytes, index);
    Blob {
        what,
        spare: 0,
        index: index as u16,
        count,
        len,
        hash: hash::bytes(bytes),
        bytes: chunk,
    }
}

/// The chunk `index` of a stage's saved state as a [`Checkpoint`].
///
/// # Panics
/// As [`blob_chunk`].
#[must_use]
pub fn checkpoint_chunk(stage: StageId, version: u8, bytes: &[u8], index: usize) -> Checkpoint {
    checkpoint_chunk_of(stage, version, (bytes, hash::strands(bytes)), index)
}

/// [`checkpoint_chunk`] with the hash of the whole beside it: taken once, not for each chunk.
pub(crate) fn checkpoint_chunk_of(
    stage: StageId,
    version: u8,
    (bytes, hash): (&[u8], u64),
    index: usize,
) -> Checkpoint {
    let count = u16::try_from(chunks(bytes.len())).expect("a checkpoint has at most 65,535 chunks");
    assert!(index < count as usize, "a checkpoint has no such chunk");
    let (len, chunk) = chunk_of(bytes, index);
    Checkpoint {
        stage: stage as u8,
        version,
        index: index as u16,
        count,
        len,
        hash,
        bytes: chunk,
    }
}

/// Puts chunks together again, in order.
#[derive(Debug, Default)]
pub struct Assembler {
    bytes: Vec<u8>,
    next: u16,
}

impl Assembler {
    /// Takes one chunk; the whole once it is complete. A chunk out of order starts over.
    fn push(&mut self, index: u16, count: u16, chunk: &[u8]) -> Option<Vec<u8>> {
        if index != self.next {
            self.bytes.clear();
            self.next = 0;
            if index != 0 {
                return None;
            }
        }
        self.bytes.extend_from_slice(chunk);
        self.next += 1;
        if self.next < count {
            return None;
        }
        self.next = 0;
        Some(core::mem::take(&mut self.bytes))
    }

    /// Takes one [`Blob`] chunk; the whole once it is complete and its hash agrees.
    pub fn push_blob(&mut self, blob: &Blob) -> Option<Vec<u8>> {
        let len = usize::from(blob.len).min(CHUNK);
        let whole = self.push(blob.index, blob.count, &blob.bytes[..len])?;
        (hash::bytes(&whole) == blob.hash).then_some(whole)
    }

    /// Takes one [`Checkpoint`] chunk; the whole once it is complete and its hash agrees. Journals
    /// of before 2026-11-23 have their states hashed as [`Blob`]s are.
    pub fn push_checkpoint(&mut self, chunk: &Checkpoint) -> Option<Vec<u8>> {
        let len = usize::from(chunk.len).min(CHUNK);
        let whole = self.push(chunk.index, chunk.count, &chunk.bytes[..len])?;
        let hashes = [hash::strands, hash::bytes];
        let agrees = hashes.iter().any(|hash| hash(&whole) == chunk.hash);
        agrees.then_some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_comes_together_again() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK] {
            let text: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let mut assembler = Assembler::default();
            let mut whole = None;
            for index in 0..chunks(length) {
                assert_eq!(whole, None);
                whole = assembler.push_blob(&blob_chunk(BlobKind::Config, &text, index));
            }
            assert_eq!(whole.as_deref(), Some(&text[..]));
        }
    }

    #[test]
    fn a_state_is_taken_as_it_is_hashed_now_and_as_it_was() {
        let state = [5; 100];
        let chunk = checkpoint_chunk(StageId::Risk, 1, &state, 0);
        let before = Checkpoint {
            hash: hash::bytes(&state),
            ..chunk
        };
        let neither = Checkpoint {
            hash: chunk.hash ^ 1,
            ..chunk
        };
        for (chunk, whole) in [
            (chunk, Some(&state)),
            (before, Some(&state)),
            (neither, None),
        ] {
            let put_together = Assembler::default().push_checkpoint(&chunk);
            assert_eq!(put_together.as_deref(), whole.map(|whole| &whole[..]));
        }
    }

    #[test]
    fn a_lost_chunk_is_noticed() {
        let text = vec![7; 3 * CHUNK];
        let mut assembler = Assembler::default();
        assert_eq!(
            assembler.push_blob(&blob_chunk(BlobKind::Config, &text, 0)),
            None
        );
        assert_eq!(
            assembler.push_blob(&blob_chunk(BlobKind::Config, &text, 2)),
            None
        );
        assert_eq!(
            assembler.push_blob(&blob_chunk(BlobKind::Config, &text, 1)),
            None
        );
    }
}
