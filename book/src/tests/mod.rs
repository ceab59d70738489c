//! Tests of the whole crate: a naive twin, one suite that both must pass, random streams.

mod conformance;
mod frames;
mod random;
mod twin;
