//! Frames to books.
//!
//! [`Books`] holds one [`Book`] for each instrument and applies market frames to them: orders by
//! id (L3), whole price levels (L2), a broker's positional depth rows, and quotes (L1), with the
//! tape and the quality beside them. [`BookStage`] puts it into the stream: it reports a `Best`
//! when the best quote or the quality changes, and a `BookView` of each changed instrument behind
//! every evaluation tick.
//!
//! Guarantees: nothing from outside panics, every bad frame is counted; nothing allocates after
//! construction; the same frames give the same books, the same effects and the same state hash.
//!
//! Deliberately absent: clocks, files, features, and any judgement of whether a price is
//! reasonable. Books are never saved: a restart folds the day again or waits for fresh data. What
//! `save` keeps is the session's tape and whether an instrument is halted; the stage does not yet
//! write checkpoints of its own, so only a fold carries these over.
//!
//! Reading order: [`Effect`], [`Books`], [`Book`], [`BookStage`]; inside: `level`, `orders`,
//! `ladder`, `rows`, `tape`, `desk`, `apply_orders`, `apply_levels`, `foresee`.
#![forbid(unsafe_code)]

mod apply_levels;
mod apply_orders;
mod book;
mod books;
mod desk;
mod effect;
mod foresee;
mod ladder;
mod level;
mod orders;
mod rows;
mod saved;
mod stage;
mod tape;
#[cfg(test)]
mod tests;
mod view;

pub use book::{Book, OrderView, SOURCES_MAX};
pub use books::{Books, Config};
pub use effect::{Applied, Effect, Touched};
pub use ladder::{TICK_DEFAULT, WINDOW};
pub use rows::ROWS_MAX;
pub use stage::BookStage;
pub use tape::Tape;
