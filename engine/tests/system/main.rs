//! The whole system, from a market to a closed journal, through the library's own front doors.

mod common;
mod dead_journal;
mod durability;
mod end_of_data;
mod fold;
mod lanes;
mod limits_fire;
mod next_session;
mod pnl_truth;
mod restart;
