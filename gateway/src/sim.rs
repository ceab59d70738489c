//! A broker inside the process: deterministic, seeded matching on the book's ladders.
//!
//! It sees every journaled frame, in order. A `Command` is answered by a `Sent` that falls due
//! after the outbound delay; when that `Sent` comes back through the stream, the command has
//! *arrived*, and is decided then. Resting orders are decided at market frames. Reports fall due
//! after the response delay, in the order of their decisions, as over one connection; the
//! commission of an execution comes later, on its own. So every decision coincides with a frame of
//! the stream, and the same stream brings the same answers, whatever the number of lanes.
//!
//! Like the real broker's: attached orders wait for their parent and work what it has filled;
//! the orders of a pair shrink by each other's fills at once; cancels race with fills; new orders
//! are refused for want of funds, for prices off the grid, and now and then for no reason at all.
//! Unlike it, an exit that trades ends what its entry still wanted.
//!
//! It keeps its own truth ([`SimBroker::truth`]), to be compared with what others folded.
//!
//! Deliberately absent: the effect of our orders on the market, beyond that the same displayed
//! shares are not taken twice; borrowing costs and interest; hidden liquidity.
//!
//! Reading order: [`Config`], `order` (queues), `follow`, `venue` (matching),
//! `ties` (parents, pairs, expiry), `desk` (commands), `account`,
//! [`Fees`], `report`.

mod account;
mod config;
mod desk;
mod fees;
mod follow;
mod order;
mod report;
mod taken;
mod ties;
mod venue;
mod view;

pub use account::Truth;
pub use config::{Config, Latency};
pub use fees::Fees;
pub use ties::GROUP_CANCELS;
pub use view::Values;

use book::{Books, Effect, Touched};
use core::ops::{Deref, DerefMut};
use report::{Line, Reporter};
use stream::limits::COMMANDS_UNANSWERED_MAX;
use stream::payload::{Command, Instrument, Level, Sent, SentOutcome, Session, Tick, Timer, flags};
use stream::{Answers, Edge, FrameId, FrameRef, InstrumentId, Kind, Nanos, Qty};
use venue::Venue;

/// The code of a command that found no room: the broker's message-rate error.
const TOO_MANY: i32 = 100;

/// The simulated broker. It holds no books: it is shown those that it matches on.
#[derive(Debug)]
pub struct SimBroker {
    config: Config,
    venue: Venue,
    line: Line,
    /// Commands on their way to the venue.
    pending: Vec<(FrameId, InstrumentId, Command)>,
    started: bool,
    report_at: Nanos,
}

/// Books behind a frame, and what the frame did to them.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// As the frame left them.
    pub books: &'a Books,
    /// Which of them it changed.
    pub touched: Touched,
    /// What it did to the book of its instrument, in order.
    pub effects: &'a [Effect],
}

impl SimBroker {
    /// A broker with cash and without orders. It does not allocate after this.
    ///
    /// # Panics
    /// When [`Config::faults`] names any.
    #[must_use]
    pub fn new(config: Config, instruments: usize) -> Self {
        let faults = config.faults();
        assert!(faults.is_empty(), "sim config: {faults:?}");
        Self {
            config,
            venue: Venue::new(&config, instruments),
            line: Line::new(),
            pending: Vec::with_capacity(COMMANDS_UNANSWERED_MAX),
            started: false,
            report_at: Nanos::ZERO,
        }
    }

    /// The broker's own truth of the account.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.venue.account.truth()
    }

    /// The broker's own truth of a position; zero for instruments that it does not know.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> Qty {
        Qty(self
            .venue
            .account
            .holding(instrument)
            .map_or(0, |holding| holding.qty))
    }

    /// Orders that work or wait for their parent.
    #[must_use]
    pub fn orders_live(&self) -> usize {
        self.venue.live.iter().map(Vec::len).sum()
    }

    /// True when a frame is anything to it at the moment. Nearly no market frame is, where no order
    /// may see or feel it, and no evaluation.
    #[must_use]
    #[inline]
    pub fn minds(&self, frame: FrameRef<'_>) -> bool {
        let kind = frame.kind();
        if frame.ts() >= self.venue.next_expiry || !self.started {
            return true;
        }
        if kind.is_market() {
            let instrument = frame.instrument();
            instrument == InstrumentId::NONE || self.venue.watches(instrument)
        } else {
            kind != Kind::Tick || is_housekeeping(frame)
        }
    }

    /// Takes one journaled frame with the books behind it; every one that it
    /// [minds](SimBroker::minds), in order.
    #[inline]
    pub fn on_frame<A: Answers>(&mut self, frame: FrameRef<'_>, shown: Shown<'_>, answers: &mut A) {
        let Shown {
            books,
            touched,
            effects,
        } = shown;
        if frame.kind().is_market() {
            self.expire(frame, books, answers);
            if self.venue.watches(frame.instrument()) {
                let revealed = is_revealed(frame);
                for effect in effects {
                    self.venue.follow(frame.instrument(), *effect, revealed);
                }
            }
            self.work(frame, books, touched, answers);
        } else if frame.is_input() || frame.kind() == Kind::Command {
            self.handle(frame, books, answers);
        }
    }

    fn handle(&mut self, frame: FrameRef<'_>, books: &Books, answers: &mut dyn Answers) {
        let mut reporter = Reporter {
            line: &mut self.line,
            answers,
            config: &self.config,
            frame,
        };
        let reporter = &mut reporter;
        if !self.started || frame.kind() == Kind::Restart {
            self.started = true;
            reporter.ready();
            reporter.account(&self.venue.account, books);
        }
        if frame.ts() >= self.venue.next_expiry {
            self.venue.expire(frame.ts(), reporter);
        }
        match frame.kind() {
            Kind::Instrument => {
                let definition = frame.read::<Instrument>();
                self.venue.account.define(frame.instrument(), definition);
            }
            Kind::Session => {
                self.venue.close = frame.read::<Session>().close;
                self.venue.next_expiry = Nanos::ZERO;
                self.venue.expire(frame.ts(), reporter);
            }
            Kind::Tick if is_housekeeping(frame) && frame.ts() >= self.report_at => {
                self.report_at = frame.ts() + self.config.account_every;
                report_all(&self.venue, books, reporter);
            }
            Kind::Command => {
                let room = self.pending.len() < COMMANDS_UNANSWERED_MAX;
                let command = frame.read::<Command>();
                if room {
                    self.pending
                        .push((frame.id(), frame.instrument(), *command));
                }
                reporter.sent(frame.instrument(), &sent_of(frame.id(), command, room));
            }
            Kind::Sent => self.arrived(frame.read::<Sent>(), frame, books, answers),
            _ => {}
        }
    }

    /// A `Sent` came back: its command has arrived.
    fn arrived(
        &mut self,
        sent: &Sent,
        frame: FrameRef<'_>,
        books: &Books,
        answers: &mut dyn Answers,
    ) {
        let Some(at) = self.pending.iter().position(|(id, ..)| *id == sent.command) else {
            return;
        };
        let (id, instrument, command) = self.pending.remove(at);
        if sent.outcome != SentOutcome::Sent {
            return;
        }
        let mut reporter = Reporter {
            line: &mut self.line,
            answers,
            config: &self.config,
            frame,
        };
        let name = (id, instrument);
        desk::arrive(&mut self.venue, books, name, &command, &mut reporter);
    }

    /// Orders end by a market frame's time too; no book is asked for that.
    #[inline]
    fn expire(&mut self, frame: FrameRef<'_>, books: &Books, answers: &mut dyn Answers) {
        if frame.ts() >= self.venue.next_expiry {
            self.handle(frame, books, answers);
        }
    }

    /// What follows from what a market frame did: queues that are lost, fills.
    #[inline]
    fn work(
        &mut self,
        frame: FrameRef<'_>,
        books: &Books,
        touched: Touched,
        answers: &mut dyn Answers,
    ) {
        match touched {
            Touched::One(instrument) if self.venue.has_live(instrument) => {
                let mut reporter = Reporter {
                    line: &mut self.line,
                    answers,
                    config: &self.config,
                    frame,
                };
                self.venue.work(books, instrument, &mut reporter);
            }
            Touched::One(_) | Touched::None => {}
            Touched::All => self.venue.lose_queues(),
        }
    }
}

/// The simulated broker with books of its own, for whoever has none to show.
#[derive(Debug)]
pub struct SimEdge {
    broker: SimBroker,
    books: Books,
}

impl SimEdge {
    /// A broker with cash and without orders. It does not allocate after this.
    ///
    /// # Panics
    /// When [`Config::faults`] names any, or the books' configuration is not sound.
    #[must_use]
    pub fn new(config: Config, books: &book::Config) -> Self {
        Self::of(config, Books::new(books))
    }

    /// As [`SimEdge::new`], with books that are empty yet.
    ///
    /// # Panics
    /// When [`Config::faults`] names any.
    #[must_use]
    pub fn of(config: Config, books: Books) -> Self {
        Self {
            broker: SimBroker::new(config, books.len()),
            books,
        }
    }

    /// The books that it matches on.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// The broker alone, who is shown other books from now on.
    #[must_use]
    pub fn into_broker(self) -> SimBroker {
        self.broker
    }

    /// A market frame: the book, the queues, the fills.
    #[inline]
    fn market(&mut self, frame: FrameRef<'_>, answers: &mut dyn Answers) {
        let Self { broker, books } = self;
        broker.expire(frame, books, answers);
        let instrument = frame.instrument();
        let applied = if broker.venue.watches(instrument) {
            let (venue, revealed) = (&mut broker.venue, is_revealed(frame));
            books.apply(frame, &mut |effect| {
                venue.follow(instrument, effect, revealed);
            })
        } else {
            books.apply(frame, &mut |_| {})
        };
        broker.work(frame, books, applied.touched, answers);
    }
}

impl Deref for SimEdge {
    type Target = SimBroker;

    fn deref(&self) -> &SimBroker {
        &self.broker
    }
}

impl DerefMut for SimEdge {
    fn deref_mut(&mut self) -> &mut SimBroker {
        &mut self.broker
    }
}

impl Edge for SimEdge {
    #[inline]
    fn on_frame<A: Answers>(&mut self, frame: FrameRef<'_>, answers: &mut A) {
        if frame.kind().is_market() {
            self.market(frame, answers);
        } else if frame.is_input() || frame.kind() == Kind::Command {
            self.books.apply(frame, &mut |_| {});
            self.broker.handle(frame, &self.books, answers);
        }
    }
}

/// True for a level that comes into view and was there before.
fn is_revealed(frame: FrameRef<'_>) -> bool {
    frame.kind() == Kind::Level && frame.read::<Level>().flags & flags::REVEALED != 0
}

fn is_housekeeping(tick: FrameRef<'_>) -> bool {
    tick.read::<Tick>().timer == Timer::Housekeeping
}

fn sent_of(id: FrameId, command: &Command, room: bool) -> Sent {
    Sent {
        command: id,
        leg: command.leg,
        origin: command.origin,
        outcome: if room {
            SentOutcome::Sent
        } else {
            SentOutcome::NotSent
        },
        op: command.op,
        spare: [0; 2],
        code: if room { 0 } else { TOO_MANY },
    }
}

/// Account values, and every position that is open.
fn report_all(venue: &Venue, books: &Books, reporter: &mut Reporter<'_>) {
    for (index, holding) in venue.account.holdings.iter().enumerate() {
        if holding.qty != 0 {
            reporter.position(&venue.account, InstrumentId(index as u16));
        }
    }
    reporter.account(&venue.account, books);
}
