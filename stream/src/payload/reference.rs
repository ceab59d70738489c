//! Time, definitions and long things: kinds 16 to 21, `StateHash` and `Note`.

use super::{Payload, payload, wire_enum};
use crate::id::SourceId;
use crate::kind::Kind;
use crate::units::{Nanos, Price};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

wire_enum! {
    /// Which timer.
    Timer {
        /// Every 250 ms inside sessions: strategies are evaluated.
        #[default]
        Evaluate = 0 => "evaluate",
        /// Every second inside sessions: sweeps, state hashes, totals.
        Housekeeping = 1 => "housekeeping",
        /// After 10 ms of silence (live only): moves time on.
        Pulse = 2 => "pulse",
    }
}

payload! {
    /// A timer is due. `ts` may be later than `due`; it is never earlier.
    ///
    /// ```text
    ///  32    40       48       52      53      64
    ///  ├─────┼────────┼────────┼───────┼───────┤
    ///  │ due │ number │ missed │ timer │ spare │
    /// ```
    Tick, 1 {
        /// When it was due: an exact multiple of the timer's period since the epoch.
        due: Nanos,
        /// Count of this timer's ticks in the journal's session, from 1.
        number: u64,
        /// How many due times collapsed into this one beyond the first.
        missed: u32,
        /// Which timer.
        timer: Timer,
        /// Zero.
        spare: [u8; 11],
    }
}

wire_enum! {
    /// What sort of thing an instrument is.
    InstrumentType {
        /// A share.
        #[default]
        Stock = 0 => "stock",
        /// A future.
        Future = 1 => "future",
        /// A currency or coin pair.
        Spot = 2 => "spot",
    }
}

payload! {
    /// An instrument's definition; its id is the header's `instrument`.
    Instrument, 2 {
        /// Symbol, ASCII.
        symbol: [u8; 16],
        /// Primary venue, ASCII.
        venue: [u8; 8],
        /// Currency, ASCII.
        currency: [u8; 4],
        /// Units of the underlying in one contract; 1 for shares.
        multiplier: u32,
        /// Smallest price step.
        tick_size: Price,
        /// The source's own id (stock locate, instrument id, contract id).
        venue_id: u64,
        /// Quantity step, at least 1.
        lot: u32,
        /// What sort of thing.
        what: InstrumentType,
        /// Non-zero where short sales are allowed.
        shortable: u8,
        /// Zero.
        spare: [u8; 42],
    }
}

wire_enum! {
    /// How long a session is.
    SessionKind {
        /// A full day.
        #[default]
        Regular = 0 => "regular",
        /// An early close.
        Half = 1 => "half",
        /// Around the clock.
        Continuous = 2 => "continuous",
    }
}

payload! {
    /// A trading session begins.
    Session, 1 {
        /// The session's date, as yyyymmdd.
        date: u32,
        /// How long it is.
        kind: SessionKind,
        /// Zero.
        spare: [u8; 3],
        /// When trading opens.
        open: Nanos,
        /// When trading closes.
        close: Nanos,
        /// When the session before it closed; 0 where unknown.
        previous_close: Nanos,
    }
}

wire_enum! {
    /// What a blob holds.
    BlobKind {
        /// The effective configuration, TOML: enough to build every stage again.
        #[default]
        Config = 0 => "config",
        /// Facts about the host and the build, JSON; always a note.
        Host = 1 => "host",
        /// Which parts run on which lanes, JSON; always a note.
        Lanes = 2 => "lanes",
        /// Where the inputs come from, JSON; always a note.
        Sources = 3 => "sources",
    }
}

/// Bytes of text in one [`Blob`] or state in one [`Checkpoint`].
pub const CHUNK: usize = 464;

payload! {
    /// A chunk of something long. Chunks of one blob follow one another without others between.
    Blob, 8 {
        /// What the whole holds.
        what: super::BlobKind,
        /// Zero.
        spare: u8,
        /// This chunk's index, from 0.
        index: u16,
        /// How many chunks there are.
        count: u16,
        /// Bytes in use in this chunk.
        len: u16,
        /// Hash of the whole, see [`crate::hash::bytes`].
        hash: u64,
        /// The bytes.
        bytes: [u8; CHUNK],
    }
}

wire_enum! {
    /// What an epoch starts from.
    RestartFrom {
        /// Nothing: the first epoch of a journal.
        #[default]
        Empty = 0 => "empty",
        /// The day folded again from its inputs.
        Fold = 1 => "fold",
        /// The last full checkpoint; reconcile-only.
        Checkpoint = 2 => "checkpoint",
    }
}

payload! {
    /// An epoch begins; the checkpoints of what was carried over follow as inputs.
    Restart, 1 {
        /// The number of this start, from 1.
        epoch: u32,
        /// What it starts from.
        from: RestartFrom,
        /// Non-zero when the session may not trade until someone arms it.
        disarmed: u8,
        /// Zero.
        spare: [u8; 2],
        /// `seq` of the last input before it, 0 at the first start.
        previous_seq: u64,
        /// Frames that were folded to get here.
        folded: u64,
        /// When the previous epoch's last frame was stamped, 0 at the first start.
        previous_ts: Nanos,
    }
}

payload! {
    /// A chunk of one stage's saved state. Derived when the stage writes it; input when it is
    /// carried into an epoch.
    Checkpoint, 8 {
        /// Whose state: a [`StageId`](crate::StageId) as a number.
        stage: u8,
        /// Layout version of the stage's state.
        version: u8,
        /// This chunk's index, from 0.
        index: u16,
        /// How many chunks there are.
        count: u16,
        /// Bytes in use in this chunk.
        len: u16,
        /// Hash of the whole, see [`crate::hash::strands`].
        hash: u64,
        /// The bytes.
        bytes: [u8; CHUNK],
    }
}

payload! {
    /// A stage's state in one number, behind each housekeeping tick.
    StateHash, 1 {
        /// The hash.
        hash: u64,
        /// Frames that the stage has seen.
        frames: u64,
        /// Whose state: a [`StageId`](crate::StageId) as a number.
        stage: u8,
        /// Zero.
        spare: [u8; 15],
    }
}

wire_enum! {
    /// What a note tells.
    NoteKind {
        /// A decision's age, `a`, in nanoseconds since `ts`, when it reached the lane's end; at the
        /// edge (part 6) the command's age when it was handed over, with `b` the age of the newest
        /// market frame behind it.
        #[default]
        Age = 0 => "age",
        /// Lane load in the last second: `a` input frames, `b` busy nanoseconds, `c` the most
        /// lines that stood in the lane's inbound ring.
        Load = 1 => "load",
        /// Service time of a part since the start, sampled: `a` p50, `b` p99, `c` max, in
        /// nanoseconds.
        Service = 2 => "service",
        /// Head, in the last second: `a` the most input lines in the window, `b` turns in which
        /// it was full, `c` market frames dropped at the head.
        Window = 3 => "window",
        /// Age of inputs when the lane had passed on their last consequence, since the start,
        /// sampled: `a` p50, `b` p99, `c` max, in nanoseconds.
        Response = 4 => "response",
    }
}

payload! {
    /// Lane timings, put in by a lane's shell behind the frame they are about.
    Note, 1 {
        /// See [`NoteKind`].
        a: u64,
        /// See [`NoteKind`].
        b: u64,
        /// See [`NoteKind`].
        c: u64,
        /// What it tells.
        what: NoteKind,
        /// The lane's number, from 0.
        lane: u8,
        /// The part: a [`StageId`](crate::StageId) as a number, 5 journal, 6 edge, 255 the whole
        /// lane.
        part: u8,
        /// Zero.
        spare: u8,
        /// Where it comes from, where that matters.
        source: SourceId,
        /// The `sub` of the frame it is about, within the same `seq`.
        about: u16,
    }
}
