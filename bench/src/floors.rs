//! What the box allows at best: floors that results of the same run are held against.
//!
//! Each floor is the plainest code that does the bare thing: no frames, no positions, no sharing
//! beyond what the name says.

pub mod checksum;
pub mod clock;
pub mod hiccup;
pub mod line;
pub mod mapped;
pub mod miss;
pub mod pages;
pub mod sync;

pub use clock::{histogram_record, ordered_raw, ordered_reading, raw_reading, std_reading};
pub use hiccup::hiccups;
pub use line::one_way;
pub use mapped::{LineCost, fresh_copy, line_cost, mapped_copy, mapped_scan};
pub use miss::missed_line;
