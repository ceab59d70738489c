//! The simulated broker alone: its rules one by one, queue positions against a naive twin, and what
//! must hold for any market and any commands.

mod any_market;
mod desk;
mod other_orders;
mod queue;
mod rules;
