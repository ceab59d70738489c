//! Where a decoder's frames go, and what it tells of each message.

use crate::file::Frames;
use stream::payload::{Fault, FaultCode};
use stream::{Draft, InstrumentId, Nanos, Payload, SourceId};

/// Takes the frames that messages make.
pub trait Sink {
    /// Takes a frame of the message at `position`, whose stamp is `ts`.
    fn put<P: Payload>(&mut self, ts: Nanos, instrument: InstrumentId, position: u64, payload: &P);
    /// Takes a fault of the message at `position`.
    fn fault(&mut self, source: SourceId, code: FaultCode, position: u64, value: u64);
}

/// The one frame of one message, for live sources: its time is for the head to say.
impl Sink for Draft {
    #[inline]
    fn put<P: Payload>(&mut self, _: Nanos, instrument: InstrumentId, _: u64, payload: &P) {
        self.write(instrument, payload);
    }

    fn fault(&mut self, source: SourceId, code: FaultCode, position: u64, value: u64) {
        let fault = Fault {
            position,
            value,
            source,
            code,
            spare: [0; 13],
        };
        self.write(InstrumentId::NONE, &fault);
    }
}

/// Frames of a file, in the file's time.
impl Sink for Frames {
    #[inline]
    fn put<P: Payload>(&mut self, ts: Nanos, instrument: InstrumentId, position: u64, payload: &P) {
        self.begin(ts, instrument, position);
        self.push(instrument, payload);
    }

    fn fault(&mut self, _: SourceId, code: FaultCode, position: u64, value: u64) {
        Frames::fault(self, InstrumentId::NONE, code, position, value);
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// True when it made a frame.
    pub frame: bool,
    /// The wanted instrument that it is about, else none.
    pub instrument: InstrumentId,
    /// Its stamp, UTC; 0 when it was skipped or malformed.
    pub venue_ts: Nanos,
}

impl Made {
    pub(super) const NOTHING: Self = Self {
        frame: false,
        instrument: InstrumentId::NONE,
        venue_ts: Nanos::ZERO,
    };
    pub(super) const FAULT: Self = Self {
        frame: true,
        ..Self::NOTHING
    };
}

/// What a decoder has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Messages of right type and length, by type byte.
    pub by_type: [u64; 256],
    /// Messages of stocks outside the universe.
    pub unwanted: u64,
    /// Messages about orders of a locate that nothing has named yet.
    pub unlocated: u64,
    /// Messages that became a `Fault`.
    pub faults: u64,
}

impl Counts {
    pub(super) const NONE: Self = Self {
        by_type: [0; 256],
        unwanted: 0,
        unlocated: 0,
        faults: 0,
    };

    /// Messages of right type and length.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.by_type.iter().sum()
    }

    /// Messages of one type.
    #[must_use]
    pub fn of(&self, code: u8) -> u64 {
        self.by_type[usize::from(code)]
    }
}
