//! The TWS wire protocol, and a paper server that real clients accept.
//!
//! ```text
//!   socket ─▶ frames ─▶ text | protobuf ─▶ Request ─▶ World ─▶ Answer ─▶ text | protobuf ─▶ socket
//!                                                      │
//!                                     sessions, data, orders; the `sim` edge as the exchange
//! ```
//!
//! What clients say and what the server answers are [`Request`] and [`Answer`], the same for every
//! version of the protocol. The codecs turn bytes into the one and the other into bytes; the
//! [`World`] knows no bytes, no socket and no clock: the same requests at the same times bring the
//! same answers.
//!
//! Reading order: [`model`], [`world`], [`wire`], [`codec`], [`server`].
#![forbid(unsafe_code)]

pub mod codec;
pub mod corrupt;
pub mod model;
pub mod proto;
pub mod server;
pub mod text;
pub mod wire;
pub mod world;

pub use model::{Answer, Request};
pub use world::World;
