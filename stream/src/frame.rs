//! Frames in memory: one to eight lines of 64 bytes.
//!
//! ```text
//!  line 0                               line 1 …
//!  ├── header 32 ──┬── payload 32 ──┤├── payload 64 ──┤ …
//! ```

use crate::header::{Class, Header};
use crate::id::{FrameId, InstrumentId};
use crate::kind::Kind;
use crate::payload::Payload;
use crate::units::Nanos;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// One cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
pub struct Line(pub [u8; 64]);

impl Line {
    /// All zero.
    pub const ZERO: Self = Self([0; 64]);
    /// Size in bytes.
    pub const BYTES: usize = 64;
}

impl Default for Line {
    fn default() -> Self {
        Self::ZERO
    }
}

/// The most lines a frame may have.
pub const LINES_MAX: usize = 8;
/// The most payload bytes a frame may have.
pub const PAYLOAD_MAX: usize = LINES_MAX * Line::BYTES - Header::BYTES;

/// A frame somewhere in memory: exactly its lines.
#[derive(Clone, Copy)]
pub struct FrameRef<'a>(&'a [Line]);

impl<'a> FrameRef<'a> {
    /// The frame that starts at the first line, or `None` when the lines end before it does.
    #[must_use]
    #[inline]
    pub fn first_of(lines: &'a [Line]) -> Option<Self> {
        let first = lines.first()?;
        let length = header_of(first).lines();
        Some(Self(lines.get(..length)?))
    }

    /// The header.
    #[must_use]
    #[inline]
    pub fn header(&self) -> &'a Header {
        header_of(&self.0[0])
    }

    /// The lines.
    #[must_use]
    #[inline]
    pub const fn lines(&self) -> &'a [Line] {
        self.0
    }

    /// All bytes, header first.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.0.as_bytes()
    }

    /// What it says.
    #[must_use]
    #[inline]
    pub fn kind(&self) -> Kind {
        self.header().kind
    }

    /// The input's number.
    #[must_use]
    #[inline]
    pub fn seq(&self) -> u64 {
        self.header().seq
    }

    /// When the head numbered the input.
    #[must_use]
    #[inline]
    pub fn ts(&self) -> Nanos {
        self.header().ts
    }

    /// The instrument it is about.
    #[must_use]
    #[inline]
    pub fn instrument(&self) -> InstrumentId {
        self.header().instrument
    }

    /// Its name.
    ///
    /// # Panics
    /// As [`Header::id`]: not for frames that nobody has verified.
    #[must_use]
    #[inline]
    pub fn id(&self) -> FrameId {
        self.header().id()
    }

    /// True for inputs.
    #[must_use]
    #[inline]
    pub fn is_input(&self) -> bool {
        self.header().class() == Some(Class::Input)
    }

    /// The payload, or `None` when kind, length or an enum's value do not fit `P`.
    #[must_use]
    #[inline]
    pub fn try_read<P: Payload>(&self) -> Option<&'a P> {
        if self.kind() != P::KIND {
            return None;
        }
        P::of_lines(self.0)
    }

    /// The payload of a frame whose kind is already known.
    ///
    /// # Panics
    /// When kind, length or an enum's value do not fit `P`: sources and the journal's reader have
    /// validated the frame, so this is our bug.
    #[must_use]
    #[inline]
    pub fn read<P: Payload>(&self) -> &'a P {
        self.try_read()
            .expect("a frame's payload does not fit its kind")
    }
}

impl core::fmt::Debug for FrameRef<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?} {} @{}", self.kind(), self.id(), self.ts())
    }
}

/// A line as words, and half of one: a header, or the payload beside it.
type Words = [u64; 8];
type Half = [u64; 4];

/// A frame's first line: alignment and length are known when it is compiled.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct First {
    header: Header,
    payload: Half,
}

#[inline(always)]
fn header_of(line: &Line) -> &Header {
    let first: &First = zerocopy::transmute_ref!(line);
    &first.header
}

/// Appends an unnumbered input of `P`'s kind that falls due at `ts`, without a draft in between.
#[inline]
pub fn push_input<P: Payload>(
    lines: &mut Vec<Line>,
    ts: Nanos,
    instrument: InstrumentId,
    payload: &P,
) {
    let header = Header {
        ts,
        instrument,
        kind: P::KIND,
        shape: Header::shape(Class::Input, P::LINES),
        ..Header::default()
    };
    let start = lines.len();
    lines.resize(start + P::LINES, Line::ZERO);
    fill(&mut lines[start..], header, payload);
}

/// Fills a frame's lines.
#[inline]
fn fill<P: Payload>(lines: &mut [Line], header: Header, payload: &P) {
    let [first, rest @ ..] = lines else {
        unreachable!("a frame has a line");
    };
    let payload = payload.as_bytes();
    // Word by word: what was put together from smaller fields is stored whole, so that whoever
    // loads words finds them in the store buffer. A copy of its bytes would be stored field by
    // field, and a load that spans several stores waits until all of them have left it.
    let to: &mut Words = zerocopy::transmute_mut!(first);
    let header: Half = zerocopy::transmute!(header);
    let (head, tail) = payload.split_at(size_of::<Half>());
    let half = Half::read_from_bytes(head).expect("a payload fills its lines");
    for (to, from) in to.iter_mut().zip(header.into_iter().chain(half)) {
        *to = from;
    }
    if P::LINES > 1 {
        rest.as_mut_bytes().copy_from_slice(tail);
    }
}

/// A frame being made: room for the longest, reused and never allocated anew.
///
/// Before the head has numbered it, a draft's `ts` is the time that it falls due and its `seq` and
/// `sub` name the frame that caused it (zero where none did); ties are broken by them.
#[derive(Clone, Debug)]
pub struct Draft {
    lines: [Line; LINES_MAX],
}

impl Default for Draft {
    fn default() -> Self {
        Self::new()
    }
}

impl Draft {
    /// An empty draft.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lines: [Line::ZERO; LINES_MAX],
        }
    }

    /// Starts over as an unnumbered input of `P`'s kind.
    #[inline]
    pub fn write<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        self.write_as(Class::Input, instrument, payload);
    }

    /// Starts over with `P`'s kind in any class; `seq`, `ts`, `sub` and `parent` are zero.
    #[inline]
    pub fn write_as<P: Payload>(&mut self, class: Class, instrument: InstrumentId, payload: &P) {
        let header = Header {
            instrument,
            ..Header::default()
        };
        self.write_under(class, header, payload);
    }

    /// Starts over under that header, with `P`'s kind and length in that class.
    #[inline]
    pub fn write_under<P: Payload>(&mut self, class: Class, header: Header, payload: &P) {
        let header = Header {
            kind: P::KIND,
            shape: Header::shape(class, P::LINES),
            ..header
        };
        fill(&mut self.lines[..P::LINES], header, payload);
    }

    /// Starts over as a copy of another frame.
    #[inline]
    pub fn copy_from(&mut self, frame: FrameRef<'_>) {
        let (to, from) = (&mut self.lines, frame.lines());
        // Nearly all frames have one line.
        to[0] = from[0];
        if from.len() > 1 {
            to[1..from.len()].copy_from_slice(&from[1..]);
        }
    }

    /// Starts over as a copy of a whole frame's lines that falls due at another time.
    ///
    /// # Panics
    /// When there is no line, or more than a frame has.
    #[inline(always)]
    pub fn copy_due(&mut self, due: Nanos, lines: &[Line]) {
        self.copy_from(FrameRef(lines));
        self.header_mut().ts = due;
    }

    /// The header.
    #[must_use]
    #[inline]
    pub fn header(&self) -> &Header {
        header_of(&self.lines[0])
    }

    /// Numbers it as an input: everything in its header but what it is about. Whole words are
    /// stored, as when it was made.
    #[inline]
    pub fn number(&mut self, seq: u64, ts: Nanos, ingress_age_ns: u32) {
        let header = Header {
            seq,
            ts,
            crc: 0,
            ingress_age_ns,
            sub: 0,
            parent: 0,
            ..*self.header()
        };
        let header: Half = zerocopy::transmute!(header);
        let to: &mut Words = zerocopy::transmute_mut!(&mut self.lines[0]);
        for (to, from) in to.iter_mut().zip(header) {
            *to = from;
        }
    }

    /// The header, to be changed; `shape` must keep telling the truth.
    #[inline]
    pub fn header_mut(&mut self) -> &mut Header {
        let first: &mut First = zerocopy::transmute_mut!(&mut self.lines[0]);
        &mut first.header
    }

    /// The frame as it stands.
    #[must_use]
    #[inline]
    pub fn frame(&self) -> FrameRef<'_> {
        FrameRef(&self.lines[..self.header().lines()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Tick, Timer};

    #[test]
    fn a_number_replaces_all_but_what_a_frame_is_about() {
        let mut draft = Draft::new();
        let tick = Tick {
            timer: Timer::Housekeeping,
            ..Tick::zeroed()
        };
        let made = Header {
            seq: 1,
            ts: Nanos(2),
            crc: 3,
            ingress_age_ns: 4,
            instrument: InstrumentId(5),
            sub: 6,
            parent: 7,
            ..Header::default()
        };
        draft.write_under(Class::Input, made, &tick);
        assert_eq!((draft.header().sub, draft.header().parent), (6, 7));
        draft.number(11, Nanos(12), 14);
        let numbered = Header {
            seq: 11,
            ts: Nanos(12),
            ingress_age_ns: 14,
            instrument: InstrumentId(5),
            kind: Kind::Tick,
            shape: Header::shape(Class::Input, 1),
            ..Header::default()
        };
        assert_eq!(*draft.header(), numbered);
        assert_eq!(draft.frame().read::<Tick>(), &tick);
    }

    #[test]
    fn a_copy_has_every_line() {
        let mut long = Draft::new();
        long.write(InstrumentId(1), &crate::payload::BookView::zeroed());
        let mut copy = Draft::new();
        copy.copy_from(long.frame());
        assert_eq!(copy.frame().lines(), long.frame().lines());
        let mut short = Draft::new();
        short.write(InstrumentId(2), &Tick::zeroed());
        copy.copy_from(short.frame());
        assert_eq!(copy.frame().lines(), short.frame().lines());
    }
}
