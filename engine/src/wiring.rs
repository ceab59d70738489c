//! The picture of the running system: which part stands where, and what joins them.
//!
//! ```text
//!   sources ─▶ Merge ─▶ Thrift ─▶ Head ──┐            operator ring ─▶ Head
//!                                        ▼
//!   lane 0      Chain[ book? signal? risk? gateway? ] ─▶ ring ─▶ … ─▶ last lane
//!   last lane   Chain[ … ] ─▶ Gate: journal, then SimEdge
//!                              │  answers, verdicts, requests ──▶ answers ring ─▶ Head
//!                              └─ depth slots ──────────────────▶ slots ring ───▶ sources
//!   unpinned    journal helper: touch ahead, sync behind, next segment
//! ```
//!
//! The parts are the same for every run mode and every number of lanes; only where the chain is
//! cut differs, and what stamps the inputs.

use crate::chain::{Chain, Stages};
use crate::gate::Gate;
use crate::lane::Works;
use crate::layout::Layout;
use crate::probe::Probe;
use crate::ring::{RingIn, ring};
use crate::run::LaneEnd;
use stream::limits::RING_LINES;

/// Parts as numbered by [`layout::PARTS`](crate::layout::PARTS).
const BOOK: usize = 1;
const SIGNAL: usize = 2;
const RISK: usize = 3;
const GATEWAY: usize = 4;

/// Seats the stages on their lanes: the works of each lane, and the ring that each lane but the
/// first reads.
///
/// # Panics
/// When a ring is too small for the largest burst: the limits promise that it is not.
pub(crate) fn seat(
    layout: &Layout,
    stages: Stages,
    gate: Gate,
    probe: impl Fn() -> Probe,
) -> (Vec<Works<LaneEnd>>, Vec<RingIn>) {
    let lanes = layout.lanes();
    let mut ends = Vec::new();
    let mut rings = Vec::new();
    for _ in 1..lanes {
        let (out, input) = ring(RING_LINES);
        ends.push(LaneEnd::Ring(out));
        rings.push(input);
    }
    ends.push(LaneEnd::Gate(Box::new(gate)));
    let mut chains: Vec<Chain<LaneEnd>> = ends
        .into_iter()
        .map(|end| Chain::new(end, probe()))
        .collect();
    chains[layout.lane_of(BOOK)].seat_book(stages.book);
    chains[layout.lane_of(SIGNAL)].seat_signal(stages.signal);
    chains[layout.lane_of(RISK)].seat_risk(stages.risk);
    chains[layout.lane_of(GATEWAY)].seat_gateway(stages.gateway);
    let works: Vec<Works<LaneEnd>> = chains
        .into_iter()
        .enumerate()
        .map(|(lane, chain)| Works::new(chain, lane as u8))
        .collect();
    for (lane, works) in works.iter().enumerate() {
        let burst = works.burst_max();
        assert!(
            lane + 1 == lanes || RING_LINES >= 2 * burst,
            "lane {lane}: a burst of {burst} lines does not fit a ring of {RING_LINES} twice"
        );
    }
    (works, rings)
}
