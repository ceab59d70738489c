//! The strategies, one module each.

pub mod opening_range;
pub mod probe;
