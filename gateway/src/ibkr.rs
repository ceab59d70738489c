//! The edge to Interactive Brokers, by way of TWS or IB Gateway.
//!
//! Pure parts, each with tests and without a socket: [`policy`] (what each of the broker's
//! codes means for us), [`budget`] (how much may be said), [`decimal`] (floating numbers to whole
//! ones), [`names`] (what ties our orders to theirs), [`link`] (the connection's life), [`desk`]
//! (our orders at the broker, and what follows from what is heard), [`reconcile`] (the broker's
//! word against ours), [`profit`] (its reckoning of the day against ours), [`currency`] (an
//! account that is kept in another currency).
//!
//! [`shell`] has the threads, [`edge`] the lane's side of the rings, [`api`] the client.
//!
//! Unlike the rest of this crate, this module has threads, sockets and allocations: they stand on
//! the far side of preallocated rings, and no lane waits for them.

pub mod api;
pub mod broker;
pub mod budget;
pub mod currency;
pub mod decimal;
pub mod desk;
pub mod edge;
pub mod hours;
pub mod link;
pub mod names;
pub mod policy;
pub mod profit;
pub mod reconcile;
pub mod shell;
