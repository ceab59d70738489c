//! The memory-mapped journal: the gate and the record.
//!
//! A journal is one folder for one account and session date. What is not in it has not happened:
//! the engine lets a command out only after [`Writer::append`]. Other processes can read it while
//! it grows.
//!
//! ```text
//!  DIR/identity              who this journal belongs to            (512 bytes, never changed)
//!  DIR/lock                  held by the one writer for its life    (its pid; empty when closed)
//!  DIR/00000001-00000000.seg epoch 1, first segment                 (header 512 bytes, then lines)
//!  DIR/00000001-00000001.seg epoch 1, second segment
//!  DIR/00000001.closed       epoch 1 ended here, on purpose         (512 bytes, never changed)
//!  DIR/00000002-00000000.seg epoch 2: the next start
//!  DIR/00000002.mark         epoch 2 is durable up to here          (two slots of 512 bytes)
//!  DIR/reserve.seg           room for winding down on a full disk   (zeros)
//! ```
//!
//! * Each start is an *epoch*: a new segment whose header says where the epoch before it ended. A
//!   file that an earlier start wrote is never written again.
//! * A frame's `crc` covers its bytes, its epoch's random salt and its *position* (lines since the
//!   journal began), so a moved, missing, repeated or stale frame cannot verify.
//! * A frame appears all at once: its first word is stored last. A zero word is the end.
//! * In virtual time, where nobody waits for a frame, segments are written and not mapped: a sheet
//!   of frames appears all at once, see [`Medium::Written`].
//! * Damage below the *durable mark* is corruption, and a start is refused; damage above it is the
//!   tail of a crash and is left behind, never edited.
//!
//! Deliberately absent: any clock, any write by readers, and, except in [`decode`], any
//! interpretation of frames.
//!
//! Reading order: [`layout`], [`Writer`], [`create_or_continue`], [`Reader`], [`verify()`],
//! [`decode`].
#![deny(unsafe_code)]

mod catalogue;
mod crc;
mod cursor;
mod cut;
pub mod decode;
mod disk;
mod epoch;
mod error;
mod helpers;
pub mod layout;
mod map;
mod options;
mod prepare;
mod reader;
mod seal;
mod segment;
mod shared;
mod sheets;
mod start;
mod sync;
mod verify;
mod walk;
mod writer;

pub use disk::{Faults, Operation};
pub use error::{Damage, Error, What};
pub use options::{Durability, Medium, Options};
pub use reader::{EpochInfo, Frames, Reader};
pub use shared::{Health, Why};
pub use start::{Recovered, create_or_continue};
pub use verify::{Report, State, verify};
pub use writer::Writer;
