//! Faults on purpose, each as a whole: the paper server with a script in one process, the engine
//! in another, and what the journal tells held against the server's own truth.
//!
//! Every test ends in the same pass line ([`pass`]): nothing lost, nothing sent twice, flat or
//! protected, one clear reason. Time is the session's, which runs faster than the host's; nothing
//! is asserted of how long anything took.

mod disk;
mod hostile;
mod kills;
mod link;
mod market;
mod money;
mod orders;
mod pass;
mod records;
mod stage;
mod story;
mod strangers;
