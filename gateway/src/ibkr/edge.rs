//! The lane's side of the edge: commands into a ring, market frames out of one.
//!
//! Guarantee: nothing here waits, allocates or locks. The gateway's credits bound the commands that
//! are unanswered, and the ring holds more than that.

use super::shell::{Clock, Passed, SlotAsk};
use rtrb::{Consumer, Producer};
use std::thread::Thread;
use stream::limits::COMMANDS_UNANSWERED_MAX;
use stream::payload::Command;
use stream::{
    Answers, Draft, Edge, FrameRef, InstrumentId, Kind, Line, Nanos, Next, Source, frame,
};

/// Commands that the ring takes: what may be unanswered, and what an emergency adds.
pub const COMMANDS: usize = 4 * COMMANDS_UNANSWERED_MAX;

/// The edge as the gate sees it.
pub struct IbkrEdge {
    commands: Producer<Passed>,
    writer: Thread,
    clock: Clock,
}

impl core::fmt::Debug for IbkrEdge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IbkrEdge").finish_non_exhaustive()
    }
}

impl IbkrEdge {
    /// The edge in front of a writer.
    #[must_use]
    pub const fn new(commands: Producer<Passed>, writer: Thread, clock: Clock) -> Self {
        Self {
            commands,
            writer,
            clock,
        }
    }
}

impl Edge for IbkrEdge {
    #[inline]
    fn on_frame<A: Answers>(&mut self, frame: FrameRef<'_>, _: &mut A) {
        if frame.kind() != Kind::Command || frame.is_input() {
            return;
        }
        let passed = Passed {
            id: frame.id(),
            instrument: frame.instrument(),
            command: *frame.read::<Command>(),
            at: (self.clock)(),
        };
        let room = self.commands.push(passed).is_ok();
        assert!(room, "more commands are unanswered than the limits allow");
        self.writer.unpark();
    }
}

/// The broker's market data as a source.
#[derive(Debug)]
pub struct IbkrSource {
    market: Consumer<Line>,
    slots: Producer<SlotAsk>,
    /// The next frame, taken out of the ring when it was announced.
    held: Draft,
    holds: bool,
}

impl IbkrSource {
    /// The reading end of the market ring, and the way of depth slots.
    #[must_use]
    pub fn new(market: Consumer<Line>, slots: Producer<SlotAsk>) -> Self {
        Self {
            market,
            slots,
            held: Draft::new(),
            holds: false,
        }
    }

    fn hold(&mut self) {
        let mut lines = [Line::ZERO; frame::LINES_MAX];
        let Ok(first) = self.market.pop() else {
            return;
        };
        lines[0] = first;
        let length = FrameRef::first_of(&lines).map_or(1, |frame| frame.lines().len());
        self.market
            .pop_entire_slice(&mut lines[1..length])
            .expect("drafts are pushed whole");
        let frame = FrameRef::first_of(&lines).expect("a draft has at most eight lines");
        self.held.copy_from(frame);
        self.holds = true;
    }
}

impl Source for IbkrSource {
    #[inline]
    fn next(&mut self) -> Next {
        if !self.holds {
            self.hold();
        }
        if self.holds {
            Next::At(self.held.header().ts)
        } else {
            Next::Idle
        }
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        if !core::mem::take(&mut self.holds) {
            return false;
        }
        draft.copy_from(self.held.frame());
        true
    }

    fn depth_slot(&mut self, _: Nanos, instrument: InstrumentId, subscribe: bool) {
        let ask = SlotAsk {
            instrument,
            subscribe,
        };
        let room = self.slots.push(ask).is_ok();
        assert!(room, "more depth slots change than the ring takes");
    }
}
