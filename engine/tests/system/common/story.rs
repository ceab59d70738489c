//! What a journal tells, gathered by kind.

use journal::Reader;
use std::path::Path;
use stream::payload::{
    Command, Control, Fill, Instrument, Intent, Kill, Leg, Order, Outcome, Payload, Pnl, Refused,
    Restart, RoundTrip, Sent, Signal, StateHash, Verdict,
};
use stream::stage::Collected;
use stream::{Class, Draft, FrameId, FrameRef, Header, InstrumentId, Kind, Nanos};

/// One frame's payload with its name.
#[derive(Clone, Copy, Debug)]
pub struct Told<P> {
    /// The frame.
    pub id: FrameId,
    /// Its stamp.
    pub ts: Nanos,
    /// What it is about.
    pub instrument: InstrumentId,
    /// What it says.
    pub what: P,
}

/// Everything that a test may ask about.
#[derive(Debug, Default)]
pub struct Story {
    pub signals: Vec<Told<Signal>>,
    pub outcomes: Vec<Told<Outcome>>,
    pub intents: Vec<Told<Intent>>,
    pub refused: Vec<Told<Refused>>,
    pub verdicts: Vec<Told<Verdict>>,
    pub orders: Vec<Told<Order>>,
    pub commands: Vec<Told<Command>>,
    pub sents: Vec<Told<Sent>>,
    pub legs: Vec<Told<Leg>>,
    pub fills: Vec<Told<Fill>>,
    pub pnl: Vec<Told<Pnl>>,
    pub trips: Vec<Told<RoundTrip>>,
    pub kills: Vec<Told<Kill>>,
    pub controls: Vec<Told<Control>>,
    pub restarts: Vec<Told<Restart>>,
    pub hashes: Vec<Told<StateHash>>,
    pub instruments: Vec<Told<Instrument>>,
    /// The stamp of the last frame.
    pub last: Nanos,
}

impl Story {
    /// Reads a journal to its end.
    pub fn of(dir: &Path) -> Self {
        Self::of_frames(&frames(dir))
    }

    /// Gathers frames.
    pub fn of_frames(frames: &Collected) -> Self {
        fn push<P: Payload + Copy>(list: &mut Vec<Told<P>>, frame: FrameRef<'_>) {
            list.push(Told {
                id: frame.id(),
                ts: frame.ts(),
                instrument: frame.instrument(),
                what: *frame.read(),
            });
        }
        let mut story = Self::default();
        for frame in frames.iter() {
            story.last = frame.ts();
            match frame.kind() {
                Kind::Signal => push(&mut story.signals, frame),
                Kind::Outcome => push(&mut story.outcomes, frame),
                Kind::Intent => push(&mut story.intents, frame),
                Kind::Refused => push(&mut story.refused, frame),
                Kind::Verdict => push(&mut story.verdicts, frame),
                Kind::Order => push(&mut story.orders, frame),
                Kind::Command => push(&mut story.commands, frame),
                Kind::Sent => push(&mut story.sents, frame),
                Kind::Leg => push(&mut story.legs, frame),
                Kind::Fill => push(&mut story.fills, frame),
                Kind::Pnl => push(&mut story.pnl, frame),
                Kind::RoundTrip => push(&mut story.trips, frame),
                Kind::Kill => push(&mut story.kills, frame),
                Kind::Control => push(&mut story.controls, frame),
                Kind::Restart => push(&mut story.restarts, frame),
                Kind::StateHash => push(&mut story.hashes, frame),
                Kind::Instrument => push(&mut story.instruments, frame),
                _ => {}
            }
        }
        story
    }
}

/// Inputs and derived frames of a journal, in order, `crc` masked; notes are left out.
pub fn frames(dir: &Path) -> Collected {
    let mut reader = Reader::open(dir).expect("the journal opens");
    let mut all = Collected::default();
    let mut draft = Draft::new();
    while let Some(next) = reader.next() {
        let (_, frame) = next.expect("the journal is sound");
        if frame.header().class() == Some(Class::Note) {
            continue;
        }
        draft.copy_from(frame);
        draft.header_mut().crc = 0;
        stream::Out::put(&mut all, draft.frame());
    }
    all
}

/// Compares two streams frame by frame; tells the first difference.
pub fn assert_same(left: &Collected, right: &Collected, what: &str) {
    for (a, b) in left.iter().zip(right.iter()) {
        if a.bytes() != b.bytes() {
            let same_payload = a.bytes()[Header::BYTES..] == b.bytes()[Header::BYTES..];
            panic!("{what}: {a:?} and {b:?} differ (same payload: {same_payload})");
        }
    }
    assert_eq!(left.0.len(), right.0.len(), "{what}: one stream is longer");
}
