//! All capacities, with the proofs that tie them to each other.

use crate::frame::LINES_MAX;
use crate::id::SUB_COUNT_BITS;
use crate::units::Nanos;

/// Instruments in one universe, ids 1 to this.
pub const INSTRUMENTS_MAX: usize = 1_024;
/// Lines that book adds to one tick at most: for each instrument a `Best` (a book becomes stale at
/// a tick) and a three-line view, then `Evaluate` or `StateHash`.
pub const BOOK_BURST_LINES: usize = INSTRUMENTS_MAX * 4 + 2;
/// Lines in a ring between two lanes: a power of two.
pub const RING_LINES: usize = 16_384;
/// Lines in a ring at most (128 MiB), where many instruments make large bursts possible.
pub const RING_LINES_MAX: usize = 1 << 21;
/// Input lines that may be numbered and not yet journaled.
pub const WINDOW_LINES: usize = 1_024;
/// Market frames that the head takes before it looks at the operator and the broker again.
pub const MARKET_BATCH: usize = 64;
/// Commands that may be unanswered at the edge.
pub const COMMANDS_UNANSWERED_MAX: usize = 64;
/// Loop-backs and broker answers that may wait for their time at the head.
pub const ANSWERS_MAX: usize = 16_384;
/// Brackets that may be alive at a time.
pub const BRACKETS_MAX: usize = 256;
/// Legs of one bracket at most: entry, stop, target, flatten, and a replacement of each exit.
pub const LEGS_PER_BRACKET_MAX: usize = 8;
/// Signals whose outcome may be open at a time.
pub const OUTCOMES_MAX: usize = 4_096;
/// Depth slots at most; the broker's usual number is three.
pub const DEPTH_SLOTS_MAX: usize = 16;
/// Bytes of one stage's checkpoint at most.
pub const CHECKPOINT_BYTES_MAX: usize = 256 * 1024;

/// The evaluation cadence.
pub const EVALUATE_PERIOD: Nanos = Nanos::from_millis(250);
/// The housekeeping cadence.
pub const HOUSEKEEPING_PERIOD: Nanos = Nanos::from_secs(1);
/// Silence after which a live head moves time on.
pub const PULSE_SILENCE: Nanos = Nanos::from_millis(10);
/// The product's budget from market event to command.
pub const BUDGET: Nanos = Nanos::from_millis(500);

// A ring must take the largest burst twice: once being read, once being written.
const _: () = assert!(RING_LINES >= 2 * (BOOK_BURST_LINES + LINES_MAX));
const _: () = assert!(RING_LINES.is_power_of_two());
// One stage's frames of one input must fit its counter.
const _: () = assert!(2 * INSTRUMENTS_MAX + 2 < 1 << SUB_COUNT_BITS);
const _: () = assert!(3 * OUTCOMES_MAX / 2 < 1 << SUB_COUNT_BITS);
// The window must hold a batch of the longest frames, or the head could never fill it.
const _: () = assert!(WINDOW_LINES >= MARKET_BATCH * LINES_MAX);
// Every window line may bring an answer, and every unanswered command four.
const _: () = assert!(ANSWERS_MAX >= 4 * (WINDOW_LINES + COMMANDS_UNANSWERED_MAX));
// Housekeeping falls on an evaluation; Evaluate goes first.
const _: () = assert!(HOUSEKEEPING_PERIOD.0.is_multiple_of(EVALUATE_PERIOD.0));
