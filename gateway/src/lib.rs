//! Permitted orders to broker commands, and the broker edges.
//!
//! [`GatewayStage`] works each order of risk as a bracket — entry, stop, target — to a proven
//! end, and follows positions from fills to see that whatever is open is protected.
//! [`sim::SimEdge`] is a broker inside the process: deterministic matching on the book's ladders.
//! [`ibkr`] is the edge to a real one.
//!
//! Reading order: [`leg`] (one leg's life), [`bracket`] (what belongs together), [`Config`],
//! then `state`, `orders`, `answers`, `protect`, `flatten`, `sight`, `outbox`; for the edge
//! [`sim`].
#![forbid(unsafe_code)]

mod answers;
pub mod bracket;
mod config;
mod credits;
mod flatten;
pub mod ibkr;
pub mod leg;
mod orders;
mod outbox;
mod persist;
mod protect;
mod sight;
pub mod sim;
mod stage;
mod state;
mod watch;

pub use config::{Config, PER_INSTRUMENT_MAX};
pub use stage::GatewayStage;
