//! The harness: how fast the pipeline is on this box, beside how fast it is meant to be.
//!
//! Each bench prepares outside the timed region, runs several times and reports minimum, median
//! and maximum with their units; the targets stand beside the medians, with the floor that
//! bounds them where one was measured in the same run. Every result names the host it was made
//! on, because figures of different boxes do not compare.
//!
//! Deliberately absent: any judgement of noise. A box that is shared says so by its load average
//! and steal, which are printed; ratios within one run are the evidence.
//!
//! Reading order: [`cli`], [`benches`], [`report`], [`measure`], [`market`], [`pipeline`]; for runs
//! by the clock [`load`], [`live`], [`heard`].
#![deny(unsafe_code)]

pub mod alloc;
pub mod backtest;
pub mod benches;
pub mod book;
pub mod cadence;
pub mod chain;
pub mod cli;
pub mod codec;
pub mod cores;
pub mod counting;
pub mod distribution;
pub mod edge;
pub mod faults;
pub mod floors;
pub mod flow;
pub mod growth;
pub mod heard;
pub mod hop;
pub mod host;
pub mod itch;
pub mod journal;
pub mod latency;
pub mod limits;
pub mod live;
pub mod load;
pub mod market;
pub mod measure;
pub mod out;
pub mod pipeline;
pub mod recovery;
pub mod replay;
pub mod report;
