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
pub(crate) const OPEN: Nanos = Nanos(1_700_000_000_000_000_000);
pub(crate) const TICK: Price = Price(10_000_000);
pub(crate) const STEP: u64 = 250_000_000;

/// The stage and everything that came out of it.
pub(crate) struct Rig {
    pub(crate) stage: SignalStage,
    pub(crate) out: Collected,
    pub(crate) seq: u64,
    pub(crate) ts: Nanos,
    /// Every input so far, to be folded again.
    pub(crate) inputs: Collected,
    sub: u16,
}

impl Rig {
    pub(crate) fn new(config: Config) -> Self {
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
    pub(crate) fn input<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        let mut draft = Draft::new();
        draft.write(instrument, payload);
        self.seq += 1;
        self.sub = 0;
        draft.header_mut().seq = self.seq;
        draft.header_mut().ts = self.ts;
        self.push(&draft);
    }

    /// A frame that book derives from the newest input.
    pub(crate) fn derived<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        let mut draft = Draft::new();
        draft.write_as(Class::Derived, instrument, payload);
        self.sub += 1;
        let header = draft.header_mut();
        (header.seq, header.ts) = (self.seq, self.ts);
        header.sub = stream::id::sub_of(StageId::Book, self.sub);
        self.push(&draft);
    }

    pub(crate) fn define(&mut self, instrument: InstrumentId) {
        let payload = Instrument {
            tick_size: TICK,
            multiplier: 1,
            lot: 1,
            shortable: 1,
            ..Instrument::zeroed()
        };
        self.input(instrument, &payload);
    }

    pub(crate) fn session(&mut self, date: u32, open: Nanos, seconds: u64) {
        let payload = Session {
            date,
            open,
            close: Nanos(open.0 + seconds * 1_000_000_000),
            ..Session::zeroed()
        };
        self.input(InstrumentId::NONE, &payload);
    }

    pub(crate) fn tick(&mut self, timer: Timer, due: Nanos) {
        self.ts = self.ts.max(due);
        let payload = Tick {
            due,
            timer,
            ..Tick::zeroed()
        };
        self.input(InstrumentId::NONE, &payload);
    }

    /// One evaluation at `due` with these views, as book lays them out.
    pub(crate) fn evaluation(&mut self, due: Nanos, views: &[(InstrumentId, BookView)]) {
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
    pub(crate) fn best(&mut self, instrument: InstrumentId, bid: Price, ask: Price) {
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
    pub(crate) fn all<P: Payload>(&self) -> Vec<(FrameId, InstrumentId, P)> {
        self.out
            .iter()
            .filter(|frame| frame.kind() == P::KIND)
            .map(|frame| (frame.id(), frame.instrument(), *frame.read::<P>()))
            .collect()
    }

    /// The frames that the stage itself made.
    pub(crate) fn made(&self) -> Vec<FrameRef<'_>> {
        self.out
            .iter()
            .filter(|frame| {
                frame.header().class() == Some(Class::Derived)
                    && frame.header().stage() == Some(StageId::Signal)
            })
            .collect()
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.made()
            .iter()
            .filter(|frame| frame.kind() == kind)
            .count()
    }
}

/// A view of a full book of a few levels.
pub(crate) fn view(bid: Price, ask: Price) -> BookView {
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
pub(crate) struct Broker {
    open: Vec<Held>,
    pub(crate) trips: usize,
    pub(crate) wins: usize,
    pub(crate) ticks_won: i64,
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
    pub(crate) fn take(
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
    pub(crate) fn on_quote(
        &mut self,
        rig: &mut Rig,
        instrument: InstrumentId,
        bid: Price,
        ask: Price,
    ) {
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
    pub(crate) fn flatten(
        &mut self,
        rig: &mut Rig,
        instrument: InstrumentId,
        bid: Price,
        ask: Price,
    ) {
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

/// A seeded market of several instruments without depth of their own: bursts of one-sided flow
/// that move the mid, calm between them. With `mirror` every price `p` is `2·100 − p` and every
/// side is the other one.
pub(crate) struct Walk {
    state: u64,
    mirror: bool,
    mids: Vec<i64>,
    push: Vec<i64>,
    value: Vec<(i128, i128)>,
    pub(crate) held: Vec<bool>,
    seen: usize,
}

const CENTRE: i64 = 10_000;

impl Walk {
    pub(crate) fn new(seed: u64, instruments: usize, mirror: bool) -> Self {
        Self {
            state: seed.wrapping_mul(2) + 1,
            mirror,
            mids: vec![CENTRE; instruments],
            push: vec![0; instruments],
            value: vec![(0, 0); instruments],
            held: vec![false; instruments + 1],
            seen: 0,
        }
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.state = stream::hash::mix(self.state);
        self.state % below
    }

    /// Which instruments hold a slot, as the stage's frames say.
    fn follow_slots(&mut self, rig: &Rig) {
        let all = rig.all::<DepthSlot>();
        for (_, instrument, slot) in &all[self.seen..] {
            self.held[instrument.index()] = slot.action == SlotAction::Subscribe;
            assert!(self.held.iter().filter(|held| **held).count() <= 3);
        }
        self.seen = all.len();
    }

    /// One evaluation of all instruments at `due`, quotes first.
    pub(crate) fn step(&mut self, rig: &mut Rig, due: Nanos) {
        self.follow_slots(rig);
        rig.ts = Nanos(due.0 - STEP / 2);
        let mut views = Vec::new();
        for i in 0..self.mids.len() {
            let id = InstrumentId(i as u16 + 1);
            if self.draw(40) == 0 {
                self.push[i] = self.draw(3) as i64 - 1;
            }
            let push = self.push[i];
            let noise = self.draw(3) as i64 - 1;
            self.mids[i] += push + noise;
            let burst = push != 0;
            let trades = if burst { 6 } else { 1 } + self.draw(3) as u32;
            let (bought, sold) = match push {
                1 => (900, 50),
                -1 => (50, 900),
                _ => (self.draw(300), self.draw(300)),
            };
            let (mut bid, mut ask) = (self.mids[i] - 1, self.mids[i] + 1);
            let (mut bought, mut sold) = (bought, sold);
            let (mut bid_qty, mut ask_qty) = (300 + 200 * push, 300 - 200 * push);
            let volume = i128::from(bought + sold);
            let mut mid = self.mids[i];
            if self.mirror {
                (bid, ask) = (2 * CENTRE - ask, 2 * CENTRE - bid);
                mid = 2 * CENTRE - mid;
                std::mem::swap(&mut bought, &mut sold);
                std::mem::swap(&mut bid_qty, &mut ask_qty);
            }
            let (total, shares) = &mut self.value[i];
            *shares += volume;
            *total += i128::from(mid) * volume;
            let scale = |ticks: i64| Price(ticks * TICK.0);
            // Rounded away from the centre, so that the mirror image is exact.
            let off = *total - i128::from(CENTRE) * *shares;
            let vwap = if *shares == 0 {
                0
            } else {
                CENTRE * TICK.0 + (off * i128::from(TICK.0) / *shares) as i64
            };
            let imbalance = ((bid_qty - ask_qty) * 1_000_000 / (bid_qty + ask_qty)) as i32;
            let micro = scale(mid).0 + TICK.0 / 2 * (bid_qty - ask_qty) / (bid_qty + ask_qty);
            rig.best(id, scale(bid), scale(ask));
            let depth = self.held[id.index()];
            views.push((
                id,
                BookView {
                    bid_qty: bid_qty as u32,
                    ask_qty: ask_qty as u32,
                    microprice: Price(micro),
                    imbalance_best_ppm: imbalance,
                    imbalance_depth_ppm: if depth { imbalance / 2 } else { 0 },
                    trades,
                    volume_buy: bought,
                    volume_sell: sold,
                    vwap: Price(vwap),
                    has_depth: u8::from(depth),
                    depth_levels_bid: if depth { 5 } else { 0 },
                    depth_levels_ask: if depth { 5 } else { 0 },
                    market_ts: rig.ts,
                    ..view(scale(bid), scale(ask))
                },
            ));
        }
        rig.evaluation(due, &views);
        if due.0.is_multiple_of(1_000_000_000) {
            rig.tick(Timer::Housekeeping, due);
        }
    }

    /// The touch of an instrument.
    pub(crate) fn touch(&self, instrument: InstrumentId) -> (Price, Price) {
        let mid = self.mids[instrument.index() - 1];
        let (mut bid, mut ask) = (mid - 1, mid + 1);
        if self.mirror {
            (bid, ask) = (2 * CENTRE - ask, 2 * CENTRE - bid);
        }
        (Price(bid * TICK.0), Price(ask * TICK.0))
    }
}

/// Drives the market for `steps` evaluations from the open, with a broker that answers.
pub(crate) fn drive(
    rig: &mut Rig,
    walk: &mut Walk,
    broker: &mut Broker,
    steps: std::ops::Range<u64>,
) {
    for step in steps {
        let taken = rig.stage.stats().intents as usize;
        walk.step(rig, Nanos(OPEN.0 + (step + 1) * STEP));
        for i in 1..walk.held.len() {
            let id = InstrumentId(i as u16);
            let (bid, ask) = walk.touch(id);
            broker.on_quote(rig, id, bid, ask);
        }
        if rig.stage.stats().intents as usize > taken {
            for (id, instrument, intent) in rig.all::<Intent>().split_off(taken) {
                let (bid, ask) = walk.touch(instrument);
                let price = if intent.side == Side::Sell { bid } else { ask };
                broker.take(rig, id, instrument, intent, price);
            }
        }
    }
}

/// A rig on which `instruments` instruments have a session of `seconds` that opens now.
pub(crate) fn opened(config: Config, instruments: u16, seconds: u64) -> Rig {
    let mut rig = Rig::new(config);
    for i in 1..=instruments {
        rig.define(InstrumentId(i));
    }
    rig.session(20_231_114, OPEN, seconds);
    rig
}
