//! Which sources have gone silent.
//!
//! Inside a session every source is expected to say something now and then. One that has not for
//! longer than the limit is reported as degraded, once, and as ready when it speaks again. Books
//! notice stale instruments by themselves; this is about the source as a whole. A live source's
//! frames may have no due times ("zero"): they count as heard at the look behind them.

use stream::payload::{Connectivity, LinkState};
use stream::{Draft, InstrumentId, Nanos, SourceId};

/// What is known of one source.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence {
    /// When its newest frame was due, 0 until the next look where it does not say; `None` before
    /// the first.
    heard: Option<Nanos>,
    silent: bool,
}

impl Silence {
    /// A frame that was due then has been taken.
    #[inline]
    pub(super) fn hear(&mut self, due: Nanos) {
        self.heard = Some(due);
    }

    /// Looks at `now` whether it has gone silent, or speaks again; writes what there is to tell.
    pub(super) fn look(
        &mut self,
        now: Nanos,
        limit: Nanos,
        source: SourceId,
        draft: &mut Draft,
    ) -> bool {
        let Some(heard) = &mut self.heard else {
            return false;
        };
        if *heard == Nanos::ZERO {
            *heard = now;
        }
        let since = *heard;
        let silent = now > since.saturating_add(limit);
        if silent == self.silent {
            return false;
        }
        self.silent = silent;
        let state = if silent {
            LinkState::Degraded
        } else {
            LinkState::Ready
        };
        let link = Connectivity {
            source,
            state,
            since,
            ..Connectivity::zeroed()
        };
        draft.write(InstrumentId::NONE, &link);
        true
    }
}
