//! A stage with a hand-made stream around it: frames as head and book would make them, and a
//! small broker that fills intents at the touch and exits at stop or target.

#![allow(dead_code, reason = "each test file uses its own part of the harness")]

use signal::{Config, SignalStage};
use stream::payload::*;
use stream::stage::Collected;
use stream::{
    Class, Draft, FrameId, FrameRef, InstrumentId, Kind, Nanos, Payload, Price, Side, Stage,
    StageId,
};

/// 10:00 of some day, a whole second.
pub const OPEN: Nanos = Nanos(1_700_000_000_000_000_000);
pub const TICK: Price = Price(10_000_000);
pub const STEP: u64 = 250_000_000;

/// The stage and everything that came out of it.
pub struct Rig {
    pub stage: SignalStage,
    pub out: Collected,
    pub seq: u64,
    pub ts: Nanos,
    /// Every input so far, to be folded again.
    pub inputs: Collected,
    sub: u16,
}

impl Rig {
    pub fn new(config: Config) -> Self {
        let stage = SignalStage::new(config).unwrap_or_else(|faults| panic!("{faults:?}"));
        Self {
            stage,
            out: Collected::default(),
            seq: 0,
            ts: OPEN,
            inputs: Collected::default(),
            sub: 0,
        }
    }

    fn push(&mut self, draft: &Draft) {
        use stream::Out;
        self.inputs.put(draft.frame());
        self.stage.on_frame(draft.frame(), &mut self.out);
    }

    /// An input, as the head numbers it.
    pub fn input<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        let mut draft = Draft::new();
        draft.write(instrument, payload);
        self.seq += 1;
        self.sub = 0;
        draft.header_mut().seq = self.seq;
        draft.header_mut().ts = self.ts;
        self.push(&draft);
    }

    /// A frame that book derives from the newest input.
    pub fn derived<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        let mut draft = Draft::new();
        draft.write_as(Class::Derived, instrument, payload);
        self.sub += 1;
        let header = draft.header_mut();
        (header.seq, header.ts) = (self.seq, self.ts);
        header.sub = stream::id::sub_of(StageId::Book, self.sub);
        self.push(&draft);
    }

    pub fn define(&mut self, instrument: InstrumentId) {
        let payload = Instrument {
            tick_size: TICK,
            multiplier: 1,
            lot: 1,
            shortable: 1,
            ..Instrument::zeroed()
        };
        self.input(instrument, &payload);
    }

    pub fn session(&mut self, date: u32, open: Nanos, seconds: u64) {
        let payload = Session {
            date,
            open,
            close: Nanos(open.0 + seconds * 1_000_000_000),
            ..Session::zeroed()
        };
        self.input(InstrumentId::NONE, &payload);
    }

    pub fn tick(&mut self, timer: Timer, due: Nanos) {
        self.ts = self.ts.max(due);
        let payload = Tick {
            due,
            timer,
            ..Tick::zeroed()
        };
        self.input(InstrumentId::NONE, &payload);
    }

    /// One evaluation at `due` with these views, as book lays them out.
    pub fn evaluation(&mut self, due: Nanos, views: &[(InstrumentId, BookView)]) {
        self.tick(Timer::Evaluate, due);
        for (instrument, view) in views {
            self.derived(*instrument, view);
        }
        let payload = Evaluate {
            due,
            number: due.0 / STEP,
            views: views.len() as u32,
            missed: 0,
            market_ts: due,
        };
        self.derived(InstrumentId::NONE, &payload);
    }

    /// A quote change, with `best` derived from it.
    pub fn best(&mut self, instrument: InstrumentId, bid: Price, ask: Price) {
        let quote = Quote {
            bid,
            ask,
            bid_qty: 100,
            ask_qty: 100,
            ..Quote::zeroed()
        };
        self.input(instrument, &quote);
        let best = Best {
            bid,
            ask,
            bid_qty: 100,
            ask_qty: 100,
            ..Best::zeroed()
        };
        self.derived(instrument, &best);
    }

    /// Every frame of a kind that came out, with its payload.
    pub fn all<P: Payload>(&self) -> Vec<(FrameId, InstrumentId, P)> {
        self.out
            .iter()
            .filter(|frame| frame.kind() == P::KIND)
            .map(|frame| (frame.id(), frame.instrument(), *frame.read::<P>()))
            .collect()
    }

    /// The frames that the stage itself made.
    pub fn made(&self) -> Vec<FrameRef<'_>> {
        self.out
            .iter()
            .filter(|frame| {
                frame.header().class() == Some(Class::Derived)
                    && frame.header().stage() == Some(StageId::Signal)
            })
            .collect()
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.made()
            .iter()
            .filter(|frame| frame.kind() == kind)
            .count()
    }
}

/// A view of a full book of a few levels.
pub fn view(bid: Price, ask: Price) -> BookView {
    BookView {
        bid,
        ask,
        bid_qty: 100,
        ask_qty: 100,
        microprice: Price((bid.0 + ask.0) / 2),
        last: bid,
        depth_bid: 1_000,
        depth_ask: 1_000,
        depth_levels_bid: 5,
        depth_levels_ask: 5,
        vwap: Price((bid.0 + ask.0) / 2),
        ..BookView::zeroed()
    }
}

/// A broker with one bracket an instrument: fills at the touch at once, exits at stop or target.
#[derive(Default)]
pub struct Broker {
    open: Vec<Held>,
    pub trips: usize,
    pub wins: usize,
    pub ticks_won: i64,
    next_leg: u64,
}

struct Held {
    instrument: InstrumentId,
    intent: FrameId,
    what: Intent,
    entry: Price,
    legs: [FrameId; 3],
}

impl Broker {
    fn fill(&self, held: &Held, exit: bool, price: Price, role: LegRole, leg: usize) -> Fill {
        Fill {
            leg: held.legs[leg],
            origin: held.intent,
            price,
            qty: 10,
            filled: 10,
            ordered: 10,
            side: if exit {
                held.what.side.opposite()
            } else {
                held.what.side
            },
            role,
            ..Fill::zeroed()
        }
    }

    /// Answers an intent: sends all legs, fills the entry at the touch.
    pub fn take(
        &mut self,
        rig: &mut Rig,
        intent: FrameId,
        instrument: InstrumentId,
        what: Intent,
        touch: Price,
    ) {
        let legs = [1, 2, 3].map(|leg| FrameId(self.next_leg + leg));
        self.next_leg += 10;
        let held = Held {
            instrument,
            intent,
            what,
            entry: touch,
            legs,
        };
        for leg in legs {
            let sent = Sent {
                command: leg,
                leg,
                origin: intent,
                ..Sent::zeroed()
            };
            rig.input(instrument, &sent);
        }
        let fill = self.fill(&held, false, touch, LegRole::Entry, 0);
        rig.input(instrument, &fill);
        self.open.push(held);
    }

    /// The quote of an instrument moved: brackets whose stop or target is reached end.
    pub fn on_quote(&mut self, rig: &mut Rig, instrument: InstrumentId, bid: Price, ask: Price) {
        while let Some(position) = self
            .open
            .iter()
            .position(|held| held.instrument == instrument && Self::exit(held, bid, ask).is_some())
        {
            let held = self.open.swap_remove(position);
            let (price, role) = Self::exit(&held, bid, ask).expect("just asked");
            self.close(rig, &held, price, role);
        }
    }

    /// Closes everything of an instrument at the touch.
    pub fn flatten(&mut self, rig: &mut Rig, instrument: InstrumentId, bid: Price, ask: Price) {
        while let Some(position) = self
            .open
            .iter()
            .position(|held| held.instrument == instrument)
        {
            let held = self.open.swap_remove(position);
            let price = if held.what.side == Side::Buy {
                bid
            } else {
                ask
            };
            self.close(rig, &held, price, LegRole::Stop);
        }
    }

    fn exit(held: &Held, bid: Price, ask: Price) -> Option<(Price, LegRole)> {
        let what = &held.what;
        let (price, stopped, reached) = match what.side {
            Side::Sell => (ask, ask >= what.stop, ask <= what.target),
            _ => (bid, bid <= what.stop, bid >= what.target),
        };
        if stopped {
            Some((price, LegRole::Stop))
        } else {
            reached.then_some((price, LegRole::Target))
        }
    }

    fn close(&mut self, rig: &mut Rig, held: &Held, price: Price, role: LegRole) {
        let (leg, other) = if role == LegRole::Stop {
            (1, 2)
        } else {
            (2, 1)
        };
        let fill = self.fill(held, true, price, role, leg);
        rig.input(held.instrument, &fill);
        let status = Status {
            leg: held.legs[other],
            origin: held.intent,
            state: LegState::Cancelled,
            ..Status::zeroed()
        };
        rig.input(held.instrument, &status);
        let won = (price.0 - held.entry.0) * held.what.side.sign();
        self.trips += 1;
        self.wins += usize::from(won > 0);
        self.ticks_won += won / TICK.0;
    }
}
