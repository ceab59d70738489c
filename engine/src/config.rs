//! Configuration: layered settings, and what they mean.

pub mod settings;

pub use settings::{Fault, Faults, Origin, Settings, Value};
