//! How epochs begin in a journal, and whether a start died while it wrote one's beginning.
//!
//! An epoch opens with its configuration, `Restart`, the states that it goes on from, and its
//! instruments. Before the first instrument nothing else is done: a start that dies until then has
//! not been, and whoever comes next goes on from what stood there before it.

use std::path::Path;
use stream::payload::{Blob, BlobKind, Restart, RestartFrom};
use stream::{FrameRef, Kind};

/// What a journal's inputs have told of its epochs so far.
#[derive(Debug, Default)]
pub(crate) struct Openings {
    /// The number of the first input of an opening that goes on.
    first: Option<u64>,
    /// It has come to its `Restart`.
    restarted: bool,
    /// That begins with new stages.
    is_anew: bool,
    has_begun: bool,
}

impl Openings {
    /// Sees the next frame.
    #[inline]
    pub(crate) fn on_frame(&mut self, frame: FrameRef<'_>) {
        if !frame.is_input() {
            return;
        }
        match frame.kind() {
            Kind::Blob | Kind::Restart => self.opens(frame),
            Kind::Checkpoint => {}
            _ if self.first.is_some() => {
                *self = Self {
                    has_begun: self.has_begun || self.restarted,
                    ..Self::default()
                };
            }
            _ => {}
        }
    }

    #[cold]
    fn opens(&mut self, frame: FrameRef<'_>) {
        let restart = frame.try_read::<Restart>();
        let blob = frame.try_read::<Blob>();
        if restart.is_none() && blob.is_none_or(|blob| blob.what != BlobKind::Config) {
            return;
        }
        self.first.get_or_insert(frame.seq());
        if let Some(restart) = restart {
            self.restarted = true;
            self.is_anew = restart.from != RestartFrom::Fold;
        }
    }

    /// Whether any epoch has come behind its opening.
    pub(crate) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The number of the first input of an opening that broke off behind a `Restart` with new
    /// stages, of which nobody knows whether they had their states.
    pub(crate) fn broken_off(&self) -> Option<u64> {
        self.first.filter(|_| self.is_anew)
    }
}

/// Whether any epoch of a journal has come behind its opening: one that has not leaves nothing to
/// the next session, and hides what the one before it left. True where the journal cannot be read,
/// which is for whoever reads it to tell.
#[must_use]
pub fn has_begun(dir: &Path) -> bool {
    let Ok(mut reader) = journal::Reader::open(dir) else {
        return true;
    };
    let mut openings = Openings::default();
    while let Some(next) = reader.next() {
        let Ok((_, frame)) = next else {
            return true;
        };
        openings.on_frame(frame);
        if openings.has_begun() {
            return true;
        }
    }
    false
}
