//! The shell around the stream: wiring, lanes, rings, clocks, histograms, configuration, run modes.
//!
//! The stages are pure; everything that touches a thread, a clock or a file is here or in the
//! journal. [`wiring`] is the picture of the running system. Nothing here decides about trading.
#![deny(unsafe_code)]

pub mod broker;
mod carry;
pub mod chain;
pub mod clock;
pub mod config;
pub mod edge_log;
pub mod feeds;
mod fit;
pub mod fold;
pub mod gate;
mod gathered;
pub mod head_lane;
pub mod ibkr;
pub mod lane;
pub mod layout;
pub mod ledger;
pub mod meter;
pub mod openings;
#[allow(
    unsafe_code,
    reason = "the system is advised about memory by its addresses"
)]
pub mod pages;
pub mod probe;
pub mod replay;
pub mod restart;
pub mod ring;
pub mod run;
pub mod setup;
pub mod shared;
pub mod tally;
pub mod thrift;
pub mod wiring;
