//! Risk through its public face: frames in, frames out.

mod common;
mod entries;
mod exits;
mod gates;
mod ledger;
mod persist;
mod properties;
