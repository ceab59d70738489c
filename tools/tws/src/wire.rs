//! How messages lie on the socket, whatever is in them: frames, the greeting and the version that
//! it leads to. All of it is sans I/O; nothing here allocates by what a length claims.

mod inbox;
mod malformed;
mod offer;

pub use inbox::{FRAME_MAX, FrameFault, Inbox};
pub use malformed::{Malformed, What};
pub use offer::{Offer, OfferFault, PROTO_MIN, TEXT_MAX, TEXT_MIN};
