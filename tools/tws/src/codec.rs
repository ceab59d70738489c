//! Which encoding a connection speaks.

use crate::model::{Answer, Request};
use crate::wire::{FRAME_MAX, Malformed, PROTO_MIN, What};
use crate::{proto, text};

/// The longest message that is read. No request comes near it; a longer one would only be there to
/// be taken apart into many times its size.
pub const REQUEST_MAX: usize = 64 * 1024;

/// The encoding of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Text, at this version.
    Text(i32),
    /// Protobuf, at this version.
    Proto(i32),
}

impl Codec {
    /// The encoding of a version.
    #[must_use]
    pub const fn new(version: i32) -> Self {
        if version >= PROTO_MIN {
            Self::Proto(version)
        } else {
            Self::Text(version)
        }
    }

    /// The version that is spoken.
    #[must_use]
    pub const fn version(self) -> i32 {
        let (Self::Text(version) | Self::Proto(version)) = self;
        version
    }

    /// The shortest body that a frame may have.
    #[must_use]
    pub const fn frame_min(self) -> usize {
        match self {
            Self::Text(_) => 2,
            Self::Proto(_) => 4,
        }
    }

    /// Reads a client's message.
    ///
    /// # Errors
    ///
    /// If it cannot be read; the next one can.
    pub fn decode(self, body: &[u8]) -> Result<Request, Malformed> {
        if body.len() > REQUEST_MAX {
            return Err(Malformed {
                message: None,
                req: None,
                what: What::Length(body.len(), REQUEST_MAX),
            });
        }
        match self {
            Self::Text(version) => text::decode(version, body),
            Self::Proto(_) => proto::decode(body),
        }
    }

    /// Appends the frames of an answer. False, and nothing is appended, if it is longer than a
    /// frame may be.
    #[must_use]
    pub fn encode(self, answer: &Answer, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        match self {
            Self::Text(version) => text::encode(version, answer, out),
            Self::Proto(_) => proto::encode(answer, out),
        }
        let fits = out.len() - before <= FRAME_MAX;
        if !fits {
            out.truncate(before);
        }
        fits
    }
}
