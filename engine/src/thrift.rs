//! Between the sources and the head: what still passes once the journal writes into its reserve.
//!
//! Only instruments that are held are still followed; their quotes pass once a second, and updates
//! of a full book all pass, because half a book is a wrong one. So does what is about every
//! instrument: a book that misses a gap, a halt or its own end is a wrong one too.

use crate::shared::{Emergency, Shared};
use std::sync::Arc;
use stream::limits::INSTRUMENTS_MAX;
use stream::{Draft, InstrumentId, Kind, Nanos, Next, Source};

/// Quotes of one instrument pass this far apart in an emergency.
const QUOTE_PERIOD: Nanos = Nanos::SECOND;

/// Faults about no instrument that pass in an emergency. Bad bytes bring one with each message, as
/// many as come, and the reserve is one segment; gaps, ends and halts of a whole source are few.
const FAULTS_MAX: u32 = 64;

/// A source that becomes thrifty in an emergency.
#[derive(Debug)]
pub struct Thrift<S> {
    inner: S,
    shared: Arc<Shared>,
    quoted: Box<[Nanos]>,
    due: Nanos,
    faults: u32,
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
            faults: 0,
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
        if instrument == InstrumentId::NONE {
            return self.passes_about_all(kind);
        }
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

    /// What is about every instrument is about the held ones.
    fn passes_about_all(&mut self, kind: Kind) -> bool {
        match kind {
            Kind::Gap | Kind::Clear | Kind::Halt => true,
            Kind::Fault if self.faults < FAULTS_MAX => {
                self.faults += 1;
                true
            }
            _ => false,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use stream::payload::{Clear, Delete, Fault, Gap, Halt, Payload, Quote, Trade};

    const HELD: InstrumentId = InstrumentId(3);

    /// A source that has the same frame, over and over.
    struct Same(Draft);

    impl Source for Same {
        fn next(&mut self) -> Next {
            Next::At(Nanos::ZERO)
        }

        fn take(&mut self, draft: &mut Draft) -> bool {
            draft.copy_from(self.0.frame());
            true
        }
    }

    /// In an emergency, with one instrument held.
    fn thrift<P: Payload>(instrument: InstrumentId, payload: &P) -> Thrift<Same> {
        let shared = Arc::new(Shared::new(1, 0));
        shared.set_held(HELD, true);
        shared.raise(Emergency::Reserve);
        let mut draft = Draft::new();
        draft.write(instrument, payload);
        Thrift::new(Same(draft), shared)
    }

    fn passes<P: Payload>(instrument: InstrumentId, payload: &P) -> bool {
        thrift(instrument, payload).take(&mut Draft::new())
    }

    #[test]
    fn what_is_about_every_instrument_passes_as_what_is_about_a_held_one() {
        for (instrument, follows) in [
            (InstrumentId::NONE, true),
            (HELD, true),
            (InstrumentId(4), false),
        ] {
            let all = [
                passes(instrument, &Gap::zeroed()),
                passes(instrument, &Clear::zeroed()),
                passes(instrument, &Halt::zeroed()),
                passes(instrument, &Fault::zeroed()),
            ];
            assert_eq!(all, [follows; 4], "{instrument:?}");
        }
        assert!(passes(HELD, &Delete::zeroed()), "a full book stays whole");
        for instrument in [InstrumentId::NONE, HELD] {
            assert!(!passes(instrument, &Trade::zeroed()), "{instrument:?}");
        }
        assert!(!passes(InstrumentId::NONE, &Quote::zeroed()));
    }

    #[test]
    fn bad_bytes_do_not_fill_the_reserve() {
        let mut thrift = thrift(InstrumentId::NONE, &Fault::zeroed());
        let mut draft = Draft::new();
        let passed = (0..10 * FAULTS_MAX).filter(|_| thrift.take(&mut draft));
        assert_eq!(passed.count(), FAULTS_MAX as usize);
        assert_eq!(thrift.take_dropped(), u64::from(9 * FAULTS_MAX));
    }
}
