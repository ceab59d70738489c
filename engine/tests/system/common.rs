//! What the tests of the whole system share: scenes to run, and journals to look at.

pub mod scene;
pub mod story;

pub use scene::Scene;
pub use story::{Story, frames};
