//! The signal stage: books to intents.
//!
//! It keeps the newest [`BookView`](stream::payload::BookView) and constant-time streaming
//! features of each instrument, hands out the broker's few depth slots, asks its strategies at
//! each [`Evaluate`](stream::payload::Evaluate), and writes down what became of every signal.
//!
//! Guaranteed: the same frames give the same frames, bit for bit; every `Signal` gets exactly one
//! `Outcome`; never more depth subscriptions than slots, not even between two frames; an `Intent`
//! only behind a `Signal` whose gates are all clear; nothing is allocated after construction,
//! except at a `Restart` and while a checkpoint is read.
//!
//! Deliberately absent: sizing, money and every limit that protects the account. Those are the
//! risk stage's; the gates here only keep out intents that would be refused anyway.
//!
//! Reading order: [`config`], [`stage`], [`strategy`], [`strategies`], [`features`], [`gates`],
//! [`outcomes`], [`bracket`], [`throttle`], [`opportunity`], [`slots`], [`missed`].
#![forbid(unsafe_code)]

pub mod bracket;
mod codec;
pub mod config;
mod desk;
pub mod features;
pub mod gates;
pub mod missed;
pub mod opportunity;
pub mod outcomes;
pub mod session;
pub mod slots;
pub mod stage;
pub mod strategies;
pub mod strategy;
pub mod throttle;

pub use codec::{Reader, Writer};
pub use config::{Config, ConfigFault, StrategyConfig};
pub use stage::{SignalStage, Stats};
