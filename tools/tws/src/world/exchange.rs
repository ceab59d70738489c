//! The exchange behind the broker: the simulated edge of the engine, fed with a numbered stream as
//! the engine's gate feeds it.
//!
//! Order at one time, as at the engine's head: answers that fall due, then the timer, then the
//! market. Commands are numbered when they are made, each behind an input of its own. What the edge
//! answers comes back when it falls due and is told as an [`Event`]; a `Sent` goes back into the
//! edge, which decides the command then.

use super::market::{Market, Shift};
use feed::calendar::Calendar;
use gateway::sim::{self, SimEdge};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use stream::limits::{COMMANDS_UNANSWERED_MAX, HOUSEKEEPING_PERIOD};
use stream::payload::{Command, CommandOp, Commission, Fill, Sent, Session, Status, Tick, Timer};
use stream::{
    Answers, Class, Draft, Edge, FrameId, FrameRef, InstrumentId, Kind, Nanos, Next, Payload,
    Price, Side, Source, StageId, id::sub_of,
};

/// The age at which a book is stale; the broker shows old quotes as they are.
const STALE: Nanos = Nanos::from_secs(3_600);

/// What has happened at the exchange.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// Something about the instrument's book or tape.
    Market(InstrumentId, Option<Print>),
    /// A session begins.
    Session,
    /// The broker's word on an order.
    Status(Status),
    /// An execution.
    Fill(InstrumentId, Fill),
    /// Its fee.
    Commission(Commission),
    /// A second has passed.
    Second,
}

/// A trade on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) price: Price,
    pub(super) qty: u64,
    /// Who took; `None` where nobody knows.
    pub(super) aggressor: Side,
    /// Stands for a whole bar.
    pub(super) bar: bool,
}

/// Due time, the cause's place, the count of arrivals; then where the draft is.
type Key = (Nanos, u64, u16, u64, usize);

#[derive(Debug, Default)]
struct Waiting {
    order: BinaryHeap<Reverse<Key>>,
    drafts: Vec<Draft>,
    free: Vec<usize>,
    count: u64,
}

impl Answers for Waiting {
    fn queue(&mut self, draft: &Draft) {
        let header = draft.header();
        self.count += 1;
        let slot = self.free.pop().unwrap_or(self.drafts.len());
        if slot == self.drafts.len() {
            self.drafts.push(draft.clone());
        } else {
            self.drafts[slot].clone_from(draft);
        }
        let key = (header.ts, header.seq, header.sub, self.count, slot);
        self.order.push(Reverse(key));
    }
}

impl Waiting {
    fn due(&self) -> Option<Nanos> {
        self.order.peek().map(|Reverse(key)| key.0)
    }

    fn pop(&mut self) -> Option<Draft> {
        let Reverse((.., slot)) = self.order.pop()?;
        self.free.push(slot);
        Some(self.drafts[slot].clone())
    }
}

/// The exchange.
pub(super) struct Exchange {
    edge: SimEdge,
    market: Box<dyn Source + Send>,
    shift: Shift,
    calendar: Option<Calendar>,
    session: Session,
    announced: bool,
    waiting: Waiting,
    /// Commands for which the edge has no place yet.
    queue: VecDeque<(InstrumentId, Command)>,
    unanswered: usize,
    next_second: Nanos,
    seq: u64,
    now: Nanos,
    draft: Draft,
    events: VecDeque<Event>,
    /// When the market's next event is due, as of the last step.
    market_next: Nanos,
}

impl core::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Exchange")
            .field("seq", &self.seq)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Exchange {
    pub(super) fn new(market: Market, sim: sim::Config, start: Nanos) -> Self {
        let books = book::Config {
            instruments: market.instruments.len(),
            orders_max: market.orders_max,
            levels_max: 512,
            stale: STALE,
        };
        let shift = market.shift;
        let mut exchange = Self {
            edge: SimEdge::new(sim, &books),
            market: market.source,
            shift,
            calendar: market.calendar,
            session: moved(market.session, shift),
            announced: false,
            waiting: Waiting::default(),
            queue: VecDeque::new(),
            unanswered: 0,
            next_second: after_second(start),
            seq: 0,
            now: start,
            draft: Draft::new(),
            events: VecDeque::new(),
            market_next: start,
        };
        for (id, instrument) in &market.instruments {
            exchange.define(*id, instrument);
        }
        exchange
    }

    /// The books as the exchange has them now.
    pub(super) const fn edge(&self) -> &SimEdge {
        &self.edge
    }

    pub(super) const fn edge_mut(&mut self) -> &mut SimEdge {
        &mut self.edge
    }

    /// The current or coming session.
    pub(super) const fn session(&self) -> &Session {
        &self.session
    }

    /// True while its session lasts.
    pub(super) fn is_open(&self) -> bool {
        self.session.open <= self.now && self.now < self.session.close
    }

    /// When the market's next event is due; the end of time when there is none.
    pub(super) const fn market_next(&self) -> Nanos {
        self.market_next
    }

    pub(super) const fn now(&self) -> Nanos {
        self.now
    }

    /// When something else than the market's next event happens: an answer, a second, a session.
    pub(super) fn other_due(&self) -> Nanos {
        let answer = self.waiting.due().unwrap_or(Nanos::MAX);
        let session = if self.announced {
            Nanos::MAX
        } else {
            self.session.open.max(self.now)
        };
        answer.min(self.next_second).min(session).max(self.now)
    }

    fn market_due(&mut self) -> Option<Nanos> {
        match self.market.next() {
            Next::At(due) => Some(self.shift.apply(due).max(self.now)),
            Next::Idle | Next::End => None,
        }
    }

    /// The next thing that has happened until `now`, in order.
    pub(super) fn step(&mut self, now: Nanos) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let market = self.market_due().unwrap_or(Nanos::MAX);
            let due = market.min(self.other_due());
            if due > now {
                self.market_next = market;
                self.now = self.now.max(now);
                return None;
            }
            self.now = due;
            if self.waiting.due().is_some_and(|answer| answer <= due) {
                self.answered();
            } else if !self.announced && self.session.open <= due {
                self.announce();
            } else if self.next_second <= due {
                self.second();
            } else {
                self.traded();
            }
        }
    }

    /// Sends a command of the desk; returns the id of the order's leg: its own on `Place`.
    pub(super) fn command(&mut self, instrument: InstrumentId, mut command: Command) -> FrameId {
        if command.op == CommandOp::Place {
            // A number is taken for its name now, also where it has to wait for its place.
            self.seq += 1;
            command.leg = FrameId::new(self.seq, sub_of(StageId::Gateway, 1));
            command.origin = command.leg;
        }
        self.queue.push_back((instrument, command));
        self.flush();
        command.leg
    }

    /// Hands over what the edge has a place for.
    fn flush(&mut self) {
        while self.unanswered < COMMANDS_UNANSWERED_MAX {
            let Some((instrument, command)) = self.queue.pop_front() else {
                return;
            };
            self.unanswered += 1;
            self.input(InstrumentId::NONE, &pulse(self.now));
            self.draft.write_as(Class::Derived, instrument, &command);
            let header = self.draft.header_mut();
            header.seq = self.seq;
            header.ts = self.now;
            header.sub = sub_of(StageId::Gateway, 1);
            self.edge.on_frame(self.draft.frame(), &mut self.waiting);
        }
    }

    /// Tells the exchange an input of its own making: a halt, another definition.
    pub(super) fn input<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        self.draft.write(instrument, payload);
        self.number();
    }

    pub(super) fn define(&mut self, id: InstrumentId, instrument: &stream::payload::Instrument) {
        self.input(id, instrument);
    }

    /// Numbers the draft and shows it to the edge.
    fn number(&mut self) {
        self.seq += 1;
        let header = self.draft.header_mut();
        header.seq = self.seq;
        header.ts = self.now;
        header.sub = 0;
        header.parent = 0;
        let frame = self.draft.frame();
        if !frame.kind().is_market() {
            self.edge.on_frame(frame, &mut self.waiting);
            return;
        }
        let id = frame.instrument();
        let tape = |edge: &SimEdge| edge.books().get(id).map(|book| *book.tape());
        let before = tape(&self.edge);
        self.edge.on_frame(frame, &mut self.waiting);
        let after = tape(&self.edge);
        let (Some(before), Some(after)) = (before, after) else {
            return;
        };
        let kind = self.draft.frame().kind();
        let print =
            (after.trade_ts >= before.trade_ts && after.volume != before.volume).then(|| Print {
                price: after.last,
                qty: after.volume.saturating_sub(before.volume),
                aggressor: aggressor(&before, &after),
                bar: kind == Kind::Bar,
            });
        self.events.push_back(Event::Market(id, print));
    }

    fn traded(&mut self) {
        if let (Some(calendar), Next::At(due)) = (self.calendar, self.market.next())
            && self.shift.apply(due) >= self.session.close
            && let Some(next) = Market::session_at(calendar, due)
            && moved(next, self.shift).open > self.session.open
        {
            self.session = moved(next, self.shift);
            self.announced = false;
            return;
        }
        if self.market.take(&mut self.draft) {
            self.number();
        }
    }

    fn announce(&mut self) {
        self.announced = true;
        let session = self.session;
        self.input(InstrumentId::NONE, &session);
        self.events.push_back(Event::Session);
    }

    fn second(&mut self) {
        self.next_second = after_second(self.now);
        let tick = Tick {
            due: self.now,
            timer: Timer::Housekeeping,
            ..Tick::zeroed()
        };
        self.input(InstrumentId::NONE, &tick);
        self.events.push_back(Event::Second);
    }

    /// An answer falls due: it is an input of the stream, and may be news.
    fn answered(&mut self) {
        let Some(draft) = self.waiting.pop() else {
            return;
        };
        self.draft.copy_from(draft.frame());
        self.number();
        if let Some(event) = event_of(draft.frame()) {
            self.events.push_back(event);
        }
        if draft.frame().try_read::<Sent>().is_some() {
            self.unanswered -= 1;
            self.flush();
        }
    }
}

fn event_of(frame: FrameRef<'_>) -> Option<Event> {
    let instrument = frame.instrument();
    if let Some(status) = frame.try_read::<Status>() {
        return Some(Event::Status(*status));
    }
    if let Some(fill) = frame.try_read::<Fill>() {
        return Some(Event::Fill(instrument, *fill));
    }
    frame
        .try_read::<Commission>()
        .map(|c| Event::Commission(*c))
}

fn aggressor(before: &book::Tape, after: &book::Tape) -> Side {
    if after.bought_total > before.bought_total {
        Side::Buy
    } else if after.sold_total > before.sold_total {
        Side::Sell
    } else {
        Side::None
    }
}

fn pulse(due: Nanos) -> Tick {
    Tick {
        due,
        timer: Timer::Pulse,
        ..Tick::zeroed()
    }
}

fn moved(session: Session, shift: Shift) -> Session {
    Session {
        open: shift.apply(session.open),
        close: shift.apply(session.close),
        previous_close: shift.apply(session.previous_close),
        ..session
    }
}

/// The next whole second.
const fn after_second(ts: Nanos) -> Nanos {
    Nanos((ts.0 / HOUSEKEEPING_PERIOD.0 + 1) * HOUSEKEEPING_PERIOD.0)
}
