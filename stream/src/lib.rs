//! The vocabulary of Spindle: units, frames, stages and limits.
//!
//! Everything the engine learns is a [`Frame`](FrameRef) in one numbered stream; everything it
//! does is a frame behind the frame that caused it. This crate says what those frames look like
//! and what a stage, a source and an edge are. It holds no logic of trading, no clock, no file,
//! no socket and no thread.
//!
//! ```text
//!  sources ─▶ feed head ─▶ book ─▶ signal ─▶ risk ─▶ gateway ─▶ journal gate ─▶ edge
//!                ▲                                                               │
//!                └───────────── answers, verdicts: inputs like any other ────────┘
//! ```
//!
//! Reading order: [`units`], [`header`], [`kind`], [`payload`], [`frame`], [`stage`], [`source`],
//! [`limits`].
#![forbid(unsafe_code)]

pub mod blob;
pub mod frame;
pub mod hash;
pub mod header;
pub mod id;
pub mod kind;
pub mod limits;
pub mod payload;
pub mod source;
pub mod stage;
pub mod units;

pub use frame::{Draft, FrameRef, Line};
pub use header::{Class, Header};
pub use id::{FrameId, InstrumentId, SourceId, StageId};
pub use kind::{Kind, Kinds};
pub use payload::Payload;
pub use source::{Answers, Edge, Next, Source};
pub use stage::{Emitter, Out, Stage};
pub use units::{Money, Nanos, Price, Qty, Side, own_position};
