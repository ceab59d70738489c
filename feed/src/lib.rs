//! Where the stream begins: codecs of the market's file and wire formats, the synthetic market,
//! the trading calendar, and the head that merges sources into one ordered stream.
//!
//! Codecs are sans I/O: bytes or lines in, frames out; [`open`] and [`file`](mod@file) do the
//! reading.
//! What a codec does not know it counts or reports; nothing read from outside can make it panic.

#![forbid(unsafe_code)]

pub mod bars;
pub mod calendar;
pub mod dbn;
pub mod error;
pub mod file;
pub mod head;
pub mod itch;
pub mod lobster;
pub mod moldudp;
pub mod open;
pub mod pcap;
pub mod symbols;
pub mod synthetic;
mod text;
