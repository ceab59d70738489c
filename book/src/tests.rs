//! Tests of the whole crate: a naive twin, one suite that both must pass, random streams.

mod conformance;
mod frames;
mod limits;
mod random;
mod stage;
mod tape;
mod twin;
