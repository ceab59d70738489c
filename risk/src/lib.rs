//! Risk: trading intents to permitted orders.
//!
//! ```text
//!  Intent ──▶ controls ──▶ sizing ──▶ controls ──▶ Order ──▶ gateway
//!               │                        │
//!               └──────── Refused ◀──────┘      Fill, Commission ──▶ position, Pnl, RoundTrip
//!  Best, Tick ──▶ marks, loss limit, deadlines ──▶ Kill, flatten Order
//! ```
//!
//! Guarantees: position and profit come from executions alone, each counted once; nothing that
//! adds risk is permitted after any latch, while disarmed, or beyond a limit with every working
//! order filled; what reduces risk passes in every state in which entries are shut; every refusal
//! has a reason; all arithmetic is exact; nothing is allocated after construction.
//!
//! Deliberately absent: the life of an order at the broker (gateway), books (book), any clock,
//! corrections of executions.
//!
//! Reading order: [`config`], [`controls`], [`sizing`], `state`, `entries`, `ledger`, `exits`,
//! `gates`, [`stage`].
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate self as risk;

mod brackets;
pub mod config;
pub mod controls;
mod entries;
mod executions;
mod exits;
pub mod flatten;
mod gates;
pub mod holding;
mod instrument;
mod kill;
mod ledger;
mod persist;
pub mod sizing;
pub mod stage;
mod state;
mod trips;

#[cfg(test)]
#[path = "../tests/risk/common/sample.rs"]
mod sample;

pub use config::{Allowed, Config, ConfigFault, InstrumentLimits, Mode};
pub use executions::EXECUTIONS_MAX;
pub use stage::RiskStage;
