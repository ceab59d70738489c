//! The first lane: the head, and whatever stages run with it.

use crate::carry::save;
use crate::chain::End;
use crate::clock::Clock;
use crate::gate::SlotChange;
use crate::lane::{Idle, Waiter, Works};
use crate::shared::{Emergency, Shared};
use crate::thrift::Thrift;
use feed::head::{Head, Merge, Step};
use rtrb::Consumer;
use std::sync::Arc;
use stream::limits::MARKET_BATCH;
use stream::payload::{Note, NoteKind, Tick, Timer};
use stream::{Draft, FrameRef, InstrumentId, Line, Nanos, Source};

/// What stamps the inputs.
#[derive(Debug)]
pub enum Time {
    /// The data's own time, as fast as it goes.
    Virtual,
    /// The clock, until a time (or until stopped).
    Live {
        /// The clock.
        clock: Clock,
        /// When to end.
        until: Nanos,
    },
}

/// The head with its queues.
#[derive(Debug)]
pub struct HeadLane {
    /// The head.
    pub head: Head,
    /// The market.
    pub market: Thrift<Merge>,
    /// Answers and loop-backs from the gate.
    pub back: Consumer<Line>,
    /// Answers from a real broker.
    pub broker: Option<Consumer<Line>>,
    /// Controls from the operator.
    pub operator: Consumer<Line>,
    /// Depth slots from the gate.
    pub slots: Consumer<SlotChange>,
    /// What the threads share.
    pub shared: Arc<Shared>,
    /// What stamps.
    pub time: Time,
    /// What to do when there is nothing to do.
    pub idle: Idle,
    /// Turns in which the window or the ring was full.
    pub stalls: u64,
    /// The last input that was told as done.
    pub told: u64,
}

/// Live, an input that is numbered sooner than this behind its due time is published at once; a
/// later one has others behind it, and they are published together.
const BEHIND_NS: u32 = 1_000;

/// Live, a head that spins looks this often at timers and sources before it looks at all the rings
/// again: an event that falls due then waits for one look at the time and one at the market.
const LOOKS: u32 = 8;

enum Turn {
    Worked,
    Nothing,
    Ended,
}

impl HeadLane {
    /// Runs until the data ends, the time has come, or someone stops it. `alone`: the journal's
    /// gate is on this lane too, so an input has drained once it was put.
    pub fn run<E: End>(&mut self, works: &mut Works<E>, alone: bool) {
        let mut waiter = Waiter::new(self.idle);
        loop {
            match self.turn(works, alone) {
                Turn::Worked => waiter.reset(),
                Turn::Nothing => waiter.wait(),
                Turn::Ended => break,
            }
            if self.shared.has_failed() || self.shared.is_stopping() {
                break;
            }
        }
        self.leave_states(works, alone);
        works.chain.flush();
        self.shared.lanes[0].set_done(self.head.seq());
        self.shared.lanes[0].finish();
        // The gate may still be answering; its ring must not stay full.
        while !self
            .shared
            .lanes
            .iter()
            .all(crate::shared::Progress::is_finished)
            && !self.shared.has_failed()
            && !alone
        {
            self.collect(alone);
            waiter.wait();
        }
    }

    /// By the clock the last input has every stage write its state, so that the next start may
    /// have another configuration. A journal that cannot go on keeps its room for what is open.
    fn leave_states<E: End>(&mut self, works: &mut Works<E>, alone: bool) {
        let mut waiter = Waiter::new(self.idle);
        loop {
            let Time::Live { clock, .. } = &mut self.time else {
                return;
            };
            if self.shared.has_failed() || self.shared.emergency() != Emergency::No {
                return;
            }
            if works.has_room() && self.head.window().has_room(false) {
                let write = |draft: &mut Draft| draft.write(InstrumentId::NONE, &save());
                works.put(self.head.number(clock.now(), write));
                return;
            }
            works.chain.flush();
            self.collect(alone);
            waiter.wait();
        }
    }

    fn turn<E: End>(&mut self, works: &mut Works<E>, alone: bool) -> Turn {
        self.collect(alone);
        let turn = match self.time {
            Time::Virtual => self.turn_virtual(works, alone),
            Time::Live { .. } => self.turn_live(works, alone),
        };
        works.chain.flush();
        if self.told != self.head.seq() {
            // A store takes the line away from who reads it: none without need.
            self.told = self.head.seq();
            self.shared.lanes[0].set_done(self.told);
        }
        turn
    }

    /// As fast as it goes.
    fn turn_virtual<E: End>(&mut self, works: &mut Works<E>, alone: bool) -> Turn {
        let mut turn = Turn::Nothing;
        for _ in 0..MARKET_BATCH {
            if !works.has_room() {
                self.stalls += 1;
                break;
            }
            match self.head.next_virtual(&mut self.market) {
                Step::Frame(frame) => works.chain.put_unwatched(frame),
                Step::Wait => {
                    self.stalls += 1;
                    break;
                }
                Step::Idle => break,
                Step::End => return Turn::Ended,
            }
            turn = Turn::Worked;
            if alone {
                self.settle(works);
            }
        }
        turn
    }

    fn turn_live<E: End>(&mut self, works: &mut Works<E>, alone: bool) -> Turn {
        let mut turn = Turn::Nothing;
        let mut looks = if self.idle == Idle::Spin { LOOKS } else { 1 };
        if let Time::Live { clock, .. } = &mut self.time {
            // Not with housekeeping, which there is none of before the open.
            clock.steer();
        }
        for _ in 0..MARKET_BATCH {
            if !works.has_room() {
                self.stalls += 1;
                break;
            }
            let Time::Live { clock, until } = &mut self.time else {
                break;
            };
            let now = clock.now();
            if now >= *until {
                return Turn::Ended;
            }
            let (housekeeping, on_time) = match self.head.next_live(&mut self.market, now) {
                Step::Frame(frame) => {
                    works.put(frame);
                    let late = frame.header().ingress_age_ns >= BEHIND_NS;
                    (is_housekeeping(frame), !late)
                }
                Step::Wait => {
                    self.stalls += 1;
                    break;
                }
                Step::Idle => {
                    looks -= 1;
                    // What was put must first be published.
                    if matches!(turn, Turn::Worked) || looks == 0 {
                        break;
                    }
                    continue;
                }
                Step::End => return Turn::Ended,
            };
            turn = Turn::Worked;
            if housekeeping {
                self.keep_house(works);
            }
            if alone {
                self.settle(works);
            } else if on_time {
                works.chain.flush();
            }
        }
        turn
    }

    /// With the gate on this lane: what was put has been through it, and what it brought has come
    /// back. The operator can wait for the end of the turn.
    #[inline(always)]
    fn settle<E: End>(&mut self, works: &mut Works<E>) {
        works.chain.flush();
        self.collect_from_gate();
        self.head.drained(self.head.seq());
    }

    /// Takes what came back: first how far the gate has got, then what it sent until then.
    fn collect(&mut self, alone: bool) {
        let drained = if alone {
            self.head.seq()
        } else {
            self.shared.drained()
        };
        if let Some(broker) = &mut self.broker
            && broker.slots() > 0
        {
            drain(broker, &mut self.head);
        }
        if self.operator.slots() > 0 {
            drain(&mut self.operator, &mut self.head);
        }
        self.collect_from_gate();
        self.head.drained(drained);
    }

    /// Takes what the gate sent.
    #[inline(always)]
    fn collect_from_gate(&mut self) {
        if self.back.slots() > 0 {
            drain(&mut self.back, &mut self.head);
        }
        if self.slots.slots() > 0 {
            self.change_slots();
        }
    }

    #[cold]
    fn change_slots(&mut self) {
        while let Ok(change) = self.slots.pop() {
            self.market
                .depth_slot(change.ts, change.instrument, change.subscribe);
        }
    }

    fn keep_house<E: End>(&mut self, works: &mut Works<E>) {
        let note = Note {
            a: self.head.window_high_water() as u64,
            b: std::mem::take(&mut self.stalls),
            c: self.market.take_dropped(),
            what: NoteKind::Window,
            part: 0,
            ..Note::zeroed()
        };
        works.note(self.head.seq(), self.head.now(), &note);
    }
}

fn is_housekeeping(frame: FrameRef<'_>) -> bool {
    frame
        .try_read::<Tick>()
        .is_some_and(|tick| tick.timer == Timer::Housekeeping)
}

/// Moves whole frames from a ring of drafts to the head. Drafts are pushed whole.
fn drain(ring: &mut Consumer<Line>, head: &mut Head) {
    let mut lines = [Line::ZERO; stream::frame::LINES_MAX];
    while let Ok(first) = ring.pop() {
        lines[0] = first;
        let length = FrameRef::first_of(&lines).map_or(1, |frame| frame.lines().len());
        ring.pop_entire_slice(&mut lines[1..length])
            .expect("drafts are pushed whole");
        head.hear(FrameRef::first_of(&lines).expect("a draft has at most eight lines"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Chain;
    use crate::probe::Probe;
    use feed::head::Timers;
    use rtrb::RingBuffer;
    use stream::Out;

    /// An end that takes everything.
    struct Nowhere;

    impl Out for Nowhere {
        fn put(&mut self, _: FrameRef<'_>) {}
    }

    impl End for Nowhere {
        fn has_room(&self, _: usize) -> bool {
            true
        }

        fn flush(&mut self) {}
    }

    #[test]
    fn the_clock_is_steered_before_the_open_too() {
        let shared = Arc::new(Shared::new(1, 0));
        let never = Timers::new(Box::new(|_| None));
        let time = Time::Live {
            clock: Clock::new(),
            until: Nanos::MAX,
        };
        let mut lane = HeadLane {
            head: Head::new(0, Nanos::ZERO, never, Nanos(1)),
            market: Thrift::new(Merge::new(Vec::new()), Arc::clone(&shared)),
            back: RingBuffer::new(1).1,
            broker: None,
            operator: RingBuffer::new(1).1,
            slots: RingBuffer::new(1).1,
            shared,
            time,
            idle: Idle::Backoff,
            stalls: 0,
            told: 0,
        };
        let mut works = Works::new(Chain::new(Nowhere, Probe::default()), 0);
        lane.turn(&mut works, true);
        let Time::Live { clock, .. } = &lane.time else {
            panic!("it runs by the clock");
        };
        assert!(
            clock.is_steered(),
            "without a session there is no housekeeping"
        );
    }
}
