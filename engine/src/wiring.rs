//! The picture of the running system: which part stands where, and what joins them.
//!
//! ```text
//!   sources ─▶ Merge ─▶ Thrift ─▶ Head ──┐            operator ring ─▶ Head
//!                                        ▼
//!   lane 0      Chain[ book? signal? risk? gateway? ] ─▶ ring ─▶ … ─▶ last lane
//!   last lane   Chain[ … ] ─▶ Gate: journal, then SimEdge
//!                              │  answers, verdicts, requests ──▶ answers ring ─▶ Head
//!                              └─ depth slots ──────────────────▶ slots ring ───▶ sources
//!   unpinned    two journal helpers: next segment and pages ahead; sync behind
//!
//!   one lane in virtual time: SimBroker, shown the books of the lane's book stage
//!   before a real broker, SimEdge is an IbkrEdge and the source its data:
//!   Gate ─▶ commands ring ─▶ writer ─▶ socket ─▶ data, orders, control ─▶ market ring ─▶ Merge
//!                                                               └──────▶ broker ring ─▶ Head
//! ```
//!
//! The parts are the same for every run mode and every number of lanes; they differ only in where
//! the chain is cut and in what stamps the inputs.

use crate::chain::{Chain, End, Stages};
use crate::gate::Gate;
use crate::lane::{NOTES_MAX, Works};
use crate::layout::Layout;
use crate::probe::Probe;
use crate::ring::{RingIn, RingOut, ring};
use book::BookStage;
use stream::limits::RING_LINES;
use stream::{FrameRef, Line, Out};

/// Where a lane ends.
#[derive(Debug)]
pub(crate) enum LaneEnd {
    Ring(RingOut),
    Gate(Box<Gate>),
}

impl Out for LaneEnd {
    #[inline]
    fn put(&mut self, frame: FrameRef<'_>) {
        match self {
            Self::Ring(ring) => ring.put(frame),
            Self::Gate(gate) => gate.put(frame),
        }
    }
}

impl End for LaneEnd {
    #[inline]
    fn has_room(&self, lines: usize) -> bool {
        match self {
            Self::Ring(ring) => ring.has_room(lines),
            Self::Gate(gate) => gate.has_room(lines),
        }
    }

    #[inline]
    fn flush(&mut self) {
        match self {
            Self::Ring(ring) => ring.flush(),
            Self::Gate(gate) => gate.flush(),
        }
    }

    #[inline]
    fn flush_beside(&mut self, stage: &BookStage) {
        match self {
            Self::Ring(ring) => ring.flush(),
            Self::Gate(gate) => gate.flush_beside(stage),
        }
    }

    #[inline]
    fn put_all(&mut self, frames: &[Line]) {
        match self {
            Self::Ring(ring) => ring.put_all(frames),
            Self::Gate(gate) => gate.put_all(frames),
        }
    }
}

/// Parts as numbered by [`layout::PARTS`](crate::layout::PARTS).
const BOOK: usize = 1;
const SIGNAL: usize = 2;
const RISK: usize = 3;
const GATEWAY: usize = 4;

/// Seats the stages on their lanes: the works of each lane, and the ring that each lane but the
/// first reads. A ring takes the largest burst of the lane before it twice, whatever the
/// configuration makes of that burst.
pub(crate) fn seat(
    layout: &Layout,
    stages: Stages,
    gate: Gate,
    probe: impl Fn() -> Probe,
) -> (Vec<Works<LaneEnd>>, Vec<RingIn>) {
    let lanes = layout.lanes();
    let mut chains = spread(layout, stages, probe);
    let last = chains.pop().expect("there is at least one lane");
    let mut works = Vec::with_capacity(lanes);
    let mut rings = Vec::with_capacity(lanes - 1);
    for (lane, chain) in chains.into_iter().enumerate() {
        let (out, input) = ring(ring_lines(&chain));
        works.push(Works::new(chain.ending_at(LaneEnd::Ring(out)), lane as u8));
        rings.push(input);
    }
    let last = last.ending_at(LaneEnd::Gate(Box::new(gate)));
    works.push(Works::new(last, (lanes - 1) as u8));
    (works, rings)
}

/// The stages on their lanes, without ends.
fn spread(layout: &Layout, stages: Stages, probe: impl Fn() -> Probe) -> Vec<Chain<()>> {
    let mut chains: Vec<Chain<()>> = (0..layout.lanes())
        .map(|_| Chain::new((), probe()))
        .collect();
    chains[layout.lane_of(BOOK)].seat_book(stages.book);
    chains[layout.lane_of(SIGNAL)].seat_signal(stages.signal);
    chains[layout.lane_of(RISK)].seat_risk(stages.risk);
    chains[layout.lane_of(GATEWAY)].seat_gateway(stages.gateway);
    chains
}

/// Lines of the largest ring that a layout of these stages needs; 0 with one lane.
#[must_use]
pub fn largest_ring(layout: &Layout, stages: Stages) -> usize {
    let chains = spread(layout, stages, Probe::default);
    let behind = chains.len() - 1;
    chains[..behind].iter().map(ring_lines).max().unwrap_or(0)
}

/// Lines of the ring behind a chain: a power of two.
fn ring_lines(chain: &Chain<()>) -> usize {
    let burst = chain.bursts().iter().copied().max().unwrap_or(0) + NOTES_MAX;
    RING_LINES.max((2 * burst).next_power_of_two())
}
