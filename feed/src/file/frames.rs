//! The queue between a codec and whoever takes its frames.

use stream::frame::push_input;
use stream::payload::{Fault, FaultCode};
use stream::{FrameRef, InstrumentId, Line, Nanos, Payload, SourceId};

/// Frames that are decoded and not yet taken: whole frames, back to back, each with its time in
/// its header.
#[derive(Debug)]
pub struct Frames {
    lines: Vec<Line>,
    read: usize,
    source: SourceId,
    ts: Nanos,
    made: u64,
    faults: u64,
}

impl Frames {
    /// An empty queue for what `source` says.
    #[must_use]
    pub fn new(source: SourceId) -> Self {
        Self {
            lines: Vec::with_capacity(1_024),
            read: 0,
            source,
            ts: Nanos::ZERO,
            made: 0,
            faults: 0,
        }
    }

    /// The source that its frames name.
    #[must_use]
    pub const fn source(&self) -> SourceId {
        self.source
    }

    /// Begins a record of `ts` at `position` (line, offset or number) in the file. When that lies
    /// before the previous record, a `Fault` is queued and the time stays.
    #[inline]
    pub fn begin(&mut self, ts: Nanos, instrument: InstrumentId, position: u64) {
        if ts >= self.ts {
            self.ts = ts;
        } else {
            self.fault(instrument, FaultCode::TimeBackwards, position, ts.0);
        }
    }

    /// The time of the record that has begun.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.ts
    }

    /// Queues a frame of the record that has begun.
    #[inline]
    pub fn push<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        push_input(&mut self.lines, self.ts, instrument, payload);
        self.made += 1;
    }

    /// Queues a `Fault` of the record that has begun.
    #[cold]
    pub fn fault(&mut self, instrument: InstrumentId, code: FaultCode, position: u64, value: u64) {
        self.faults += 1;
        let fault = Fault {
            position,
            value,
            source: self.source,
            code,
            spare: [0; 13],
        };
        self.push(instrument, &fault);
    }

    /// The frame that is next, if one is queued.
    #[must_use]
    #[inline]
    pub fn front(&self) -> Option<FrameRef<'_>> {
        FrameRef::first_of(&self.lines[self.read..])
    }

    /// Removes the frame that is next.
    #[inline]
    pub fn pop(&mut self) {
        if let Some(frame) = self.front() {
            self.read += frame.lines().len();
        }
        if self.read == self.lines.len() {
            self.lines.clear();
            self.read = 0;
        }
    }

    /// True when nothing is queued.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Frames queued so far.
    #[must_use]
    pub const fn made(&self) -> u64 {
        self.made
    }

    /// Faults among them.
    #[must_use]
    pub const fn faults(&self) -> u64 {
        self.faults
    }
}
