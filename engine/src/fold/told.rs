//! The configuration that a journal was written with, as its inputs tell it.

use super::FoldError;
use stream::blob::Assembler;
use stream::payload::{Blob, BlobKind, Restart};
use stream::{FrameRef, Kind};

/// What inputs have told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    config: Option<String>,
    assembler: Assembler,
}

impl Told {
    /// True when a frame may be one that matters here.
    #[inline]
    pub(super) fn may_hear(frame: FrameRef<'_>) -> bool {
        matches!(frame.kind(), Kind::Blob | Kind::Restart)
    }

    /// Takes an input; hands back the restart that it is, if it is one.
    #[inline]
    pub(super) fn on_frame<'a>(
        &mut self,
        frame: FrameRef<'a>,
    ) -> Result<Option<&'a Restart>, FoldError> {
        let malformed = || FoldError::Malformed(frame.id());
        match frame.kind() {
            Kind::Blob => {
                self.hear(frame.try_read::<Blob>().ok_or_else(malformed)?);
                Ok(None)
            }
            Kind::Restart => (frame.try_read::<Restart>().ok_or_else(malformed)).map(Some),
            _ => Ok(None),
        }
    }

    fn hear(&mut self, blob: &Blob) {
        if blob.what == BlobKind::Config
            && let Some(text) = self.assembler.push_blob(blob)
        {
            self.config = Some(String::from_utf8_lossy(&text).into_owned());
        }
    }

    /// The newest configuration that was told whole.
    pub(super) fn config(&self) -> Result<&str, FoldError> {
        self.config.as_deref().ok_or(FoldError::NoConfig)
    }
}
