//! Long things are cut into chunks and put together again; what is not the whole is never taken
//! for it.

use proptest::collection::vec;
use proptest::prelude::*;
use stream::StageId;
use stream::blob::{Assembler, blob_chunk, checkpoint_chunk, chunks};
use stream::payload::{Blob, BlobKind, CHUNK};

fn cut(bytes: &[u8]) -> Vec<Blob> {
    (0..chunks(bytes.len()))
        .map(|index| blob_chunk(BlobKind::Config, bytes, index))
        .collect()
}

fn put_together(chunks: &[Blob]) -> Vec<Vec<u8>> {
    let mut assembler = Assembler::default();
    chunks
        .iter()
        .filter_map(|chunk| assembler.push_blob(chunk))
        .collect()
}

proptest! {
    #[test]
    fn blobs_and_checkpoints_come_together_again(bytes in vec(any::<u8>(), 0..6 * CHUNK)) {
        let blob = cut(&bytes);
        prop_assert_eq!(blob.len(), bytes.len().div_ceil(CHUNK).max(1));
        for (index, chunk) in blob.iter().enumerate() {
            prop_assert_eq!(usize::from(chunk.index), index);
            prop_assert_eq!(usize::from(chunk.count), blob.len());
            let used = usize::from(chunk.len);
            prop_assert!(used == CHUNK || index + 1 == blob.len());
            prop_assert!(chunk.bytes[used..].iter().all(|&byte| byte == 0), "the rest is zero");
        }
        prop_assert_eq!(put_together(&blob), vec![bytes.clone()]);

        let mut assembler = Assembler::default();
        for index in 0..blob.len() {
            let chunk = checkpoint_chunk(StageId::Risk, 3, &bytes, index);
            prop_assert_eq!((chunk.stage, chunk.version), (StageId::Risk as u8, 3));
            let whole = assembler.push_checkpoint(&chunk);
            prop_assert_eq!(whole, (index + 1 == blob.len()).then(|| bytes.clone()));
        }
    }

    /// Behind a beginning that breaks off, the next whole is taken as if nothing had been.
    #[test]
    fn a_beginning_without_an_end_spoils_nothing(
        first in vec(any::<u8>(), 0..5 * CHUNK),
        second in vec(any::<u8>(), 0..5 * CHUNK),
        kept in any::<prop::sample::Index>(),
    ) {
        let mut row = cut(&first);
        row.truncate(kept.index(row.len()));
        row.extend(cut(&second));
        prop_assert_eq!(put_together(&row), vec![second]);
    }

    #[test]
    fn a_whole_with_a_chunk_lost_doubled_or_swapped_is_no_whole(
        bytes in vec(any::<u8>(), 2 * CHUNK + 1..6 * CHUNK),
        at in any::<prop::sample::Index>(),
    ) {
        let row = cut(&bytes);
        let at = at.index(row.len() - 1);
        let mut lost = row.clone();
        lost.remove(at);
        prop_assert!(put_together(&lost).is_empty());
        let mut swapped = row.clone();
        swapped.swap(at, at + 1);
        prop_assert!(put_together(&swapped).is_empty());
        let mut doubled = row.clone();
        doubled.insert(at, row[at]);
        // A doubled first chunk is a beginning that breaks off, and then the whole.
        let expected = if at == 0 { vec![bytes] } else { vec![] };
        prop_assert_eq!(put_together(&doubled), expected);
    }

    #[test]
    fn a_changed_bit_is_noticed(
        bytes in vec(any::<u8>(), 1..3 * CHUNK),
        bit in any::<prop::sample::Index>(),
    ) {
        let mut row = cut(&bytes);
        let bit = bit.index(8 * bytes.len());
        row[bit / 8 / CHUNK].bytes[bit / 8 % CHUNK] ^= 1 << (bit % 8);
        prop_assert!(put_together(&row).is_empty());
    }

    /// Chunks whose every number is arbitrary: no panic, and nothing whose hash does not agree.
    #[test]
    fn chunks_from_anywhere_are_never_a_whole(
        row in vec((0u16..4, 0u16..4, any::<u16>(), any::<u64>()), 0..40),
    ) {
        let mut assembler = Assembler::default();
        for (index, count, len, hash) in row {
            let chunk = Blob { index, count, len, hash, ..Blob::zeroed() };
            if let Some(whole) = assembler.push_blob(&chunk) {
                prop_assert_eq!(stream::hash::bytes(&whole), hash);
            }
        }
    }
}

#[test]
#[should_panic(expected = "no such chunk")]
fn there_is_no_chunk_behind_the_last() {
    let _ = blob_chunk(BlobKind::Config, &[0; CHUNK], 1);
}

#[test]
fn the_longest_blob_has_as_many_chunks_as_its_count_can_say() {
    let longest = vec![9; CHUNK * usize::from(u16::MAX)];
    let last = blob_chunk(BlobKind::Config, &longest, usize::from(u16::MAX) - 1);
    assert_eq!(
        (last.index, last.count, usize::from(last.len)),
        (u16::MAX - 1, u16::MAX, CHUNK)
    );
    let outgrown = std::panic::catch_unwind(|| {
        blob_chunk(
            BlobKind::Config,
            &vec![9; CHUNK * usize::from(u16::MAX) + 1],
            0,
        )
    });
    assert!(outgrown.is_err());
}
