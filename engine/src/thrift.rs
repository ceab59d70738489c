//! Between the sources and the head: what still passes once the journal writes into its reserve.
//!
//! Only instruments that are held are still followed; their quotes pass once a second, and updates
//! of a full book all pass, because half a book is a wrong one.

use crate::shared::{Emergency, Shared};
use std::sync::Arc;
use stream::limits::INSTRUMENTS_MAX;
use stream::{Draft, InstrumentId, Kind, Nanos, Next, Source};

/// Quotes of one instrument pass this far apart in an emergency.
const QUOTE_PERIOD: Nanos = Nanos::SECOND;

/// A source that becomes thrifty in an emergency.
#[derive(Debug)]
pub struct Thrift<S> {
    inner: S,
    shared: Arc<Shared>,
    quoted: Box<[Nanos]>,
    due: Nanos,
    dropped: u64,
}

impl<S: Source> Thrift<S> {
    /// Stands before `inner`.
    #[must_use]
    pub fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self {
            inner,
            shared,
            quoted: vec![Nanos::ZERO; INSTRUMENTS_MAX + 1].into_boxed_slice(),
            due: Nanos::ZERO,
            dropped: 0,
        }
    }

    /// Frames that were dropped since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    #[inline]
    fn lets_pass(&mut self, draft: &Draft) -> bool {
        self.shared.emergency() == Emergency::No || self.is_worth_it(draft)
    }

    #[cold]
    #[inline(never)]
    fn is_worth_it(&mut self, draft: &Draft) -> bool {
        let header = *draft.header();
        let passes = self.passes(header.kind, header.instrument);
        self.dropped += u64::from(!passes);
        passes
    }

    fn passes(&mut self, kind: Kind, instrument: InstrumentId) -> bool {
        if !self.shared.is_held(instrument) {
            return false;
        }
        let last = &mut self.quoted[instrument.index()];
        if kind == Kind::Quote {
            let due = self.due.max(*last);
            if due < last.saturating_add(QUOTE_PERIOD) {
                return false;
            }
            *last = due;
        }
        !matches!(
            kind,
            Kind::Trade | Kind::DepthRow | Kind::DepthSnapshot | Kind::Bar
        )
    }
}

impl<S: Source> Source for Thrift<S> {
    #[inline]
    fn next(&mut self) -> Next {
        let next = self.inner.next();
        if let Next::At(due) = next {
            self.due = due;
        }
        next
    }

    #[inline]
    fn take(&mut self, draft: &mut Draft) -> bool {
        self.inner.take(draft) && self.lets_pass(draft)
    }

    #[inline]
    fn take_before(&mut self, limit: Nanos, draft: &mut Draft) -> Option<Nanos> {
        self.due = self.inner.take_before(limit, draft)?;
        self.lets_pass(draft).then_some(self.due)
    }

    fn silence(&mut self, now: Nanos, draft: &mut Draft) -> bool {
        self.inner.silence(now, draft)
    }

    fn depth_slot(&mut self, ts: Nanos, instrument: InstrumentId, subscribe: bool) {
        self.inner.depth_slot(ts, instrument, subscribe);
    }
}
