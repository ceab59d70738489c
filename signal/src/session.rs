//! The session of an instrument, as far as strategies care.

use stream::limits::HOUSEKEEPING_PERIOD;
use stream::payload::Session;
use stream::{Nanos, Side};

/// When an instrument trades. The default is no session at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// The session's date as yyyymmdd, 0 when none is known.
    pub date: u32,
    /// When trading opens.
    pub open: Nanos,
    /// When trading closes.
    pub close: Nanos,
}

impl Hours {
    /// The hours of a session frame.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        Self {
            date: session.date,
            open: session.open,
            close: session.close,
        }
    }

    /// When the followed outcomes end and the last checkpoint is due: one housekeeping period
    /// before the close, because no frame is promised at or after the close.
    #[must_use]
    pub fn end(&self) -> Nanos {
        self.close.saturating_sub(HOUSEKEEPING_PERIOD)
    }

    /// True from the open until [`Hours::end`].
    #[must_use]
    pub fn contains(&self, ts: Nanos) -> bool {
        self.date != 0 && ts >= self.open && ts < self.end()
    }

    /// True while entries may be wished for: `after_open` after the open until `before_close`
    /// before the close.
    #[must_use]
    pub fn permits_entry(&self, ts: Nanos, after_open: Nanos, before_close: Nanos) -> bool {
        self.contains(ts)
            && ts >= self.open.saturating_add(after_open)
            && ts < self.close.saturating_sub(before_close)
    }
}

/// 0 for buy, 1 for sell.
///
/// # Panics
/// For `Side::None`, which no signal has.
#[must_use]
pub fn side_index(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
        Side::None => panic!("a signal has a side"),
    }
}
