//! Decoding a whole file.

use feed::file::{Decode, Frames};
use stream::FrameRef;

/// Decodes everything, giving each frame to `take` and telling when a record is complete.
pub(crate) fn all(
    decoder: &mut dyn Decode,
    frames: &mut Frames,
    mut take: impl FnMut(FrameRef<'_>),
) -> Result<u64, feed::error::FeedError> {
    let mut records = 0;
    while decoder.decode(frames)?.is_some() {
        records += 1;
        while let Some(frame) = frames.front() {
            take(frame);
            frames.pop();
        }
    }
    Ok(records)
}
