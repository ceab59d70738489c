//! A simulated broker by itself and the way round to it: commands arrive, answers come back when
//! they fall due.
//!
//! Beside it stands the same broker without books of its own, which is shown a book stage's: it
//! must give the same answers to each frame.

use book::BookStage;
use gateway::sim::{Config, Latency, Shown, SimBroker, SimEdge};
use stream::payload::*;
use stream::stage::Collected;
use stream::{
    Answers, Class, Draft, Edge, FrameId, FrameRef, InstrumentId, Money, Nanos, Payload, Price,
    Side, SourceId, Stage, StageId, id::sub_of,
};

const ONE: InstrumentId = InstrumentId(1);
pub(crate) const CENT: i64 = 10_000_000;
pub(crate) const CASH: Money = Money(100_000_000_000_000);

pub(crate) fn cents(value: i64) -> Price {
    Price(value * CENT)
}

#[derive(Default)]
struct Waiting(Vec<Draft>);

impl Answers for Waiting {
    fn queue(&mut self, draft: &Draft) {
        self.0.push(draft.clone());
    }
}

/// A broker and the way round; every answer that came back is kept.
pub(crate) struct Desk {
    pub(crate) edge: SimEdge,
    twin: (BookStage, SimBroker),
    waiting: Waiting,
    seq: u64,
    pub(crate) now: Nanos,
    pub(crate) answers: Vec<Draft>,
    pub(crate) commands: Vec<Command>,
}

impl Desk {
    pub(crate) fn new(change: impl FnOnce(&mut Config)) -> Self {
        let latency = |base, jitter| Latency {
            base: Nanos(base),
            jitter: Nanos(jitter),
        };
        let mut config = Config {
            outbound: latency(1_000, 500),
            response: latency(1_000, 500),
            commission: latency(5_000, 5_000),
            reject_ppm: 0,
            cash: CASH,
            ..Config::default()
        };
        change(&mut config);
        let books = book::Config {
            instruments: 2,
            orders_max: 4_096,
            levels_max: 128,
            stale: Nanos::from_secs(1_000),
        };
        let mut stage = BookStage::new(&books);
        stage.keep_effects();
        let mut desk = Self {
            edge: SimEdge::new(config, &books),
            twin: (stage, SimBroker::new(config, books.instruments)),
            waiting: Waiting::default(),
            seq: 0,
            now: Nanos::from_secs(1_000),
            answers: Vec::new(),
            commands: Vec::new(),
        };
        desk.input(&Instrument {
            tick_size: cents(1),
            multiplier: 1,
            lot: 1,
            shortable: 1,
            ..Instrument::zeroed()
        });
        desk
    }

    fn put(&mut self, mut draft: Draft, class: Class) {
        let derived = class == Class::Derived;
        self.seq += u64::from(!derived);
        let header = draft.header_mut();
        header.seq = self.seq;
        header.ts = self.now;
        header.sub = if derived {
            sub_of(StageId::Gateway, 1)
        } else {
            0
        };
        let before = self.waiting.0.len();
        self.edge.on_frame(draft.frame(), &mut self.waiting);
        let twins = self.ask_twin(draft.frame());
        let lines = |drafts: &[Draft]| -> Vec<_> {
            let frames = drafts.iter().flat_map(|draft| draft.frame().lines());
            frames.copied().collect()
        };
        assert_eq!(lines(&self.waiting.0[before..]), lines(&twins.0));
    }

    fn ask_twin(&mut self, frame: FrameRef<'_>) -> Waiting {
        let (stage, broker) = &mut self.twin;
        if BookStage::ACTS_ON.has(frame.kind()) {
            stage.on_frame(frame, &mut Collected::default());
        }
        let (touched, effects) = stage.last();
        let mut answers = Waiting::default();
        if broker.minds(frame) {
            let books = stage.books();
            let shown = Shown {
                books,
                touched,
                effects,
            };
            broker.on_frame(frame, shown, &mut answers);
        }
        answers
    }

    pub(crate) fn input<P: Payload>(&mut self, payload: &P) {
        self.input_about(ONE, payload);
    }

    fn input_about<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) {
        self.now += Nanos(10);
        let mut draft = Draft::new();
        draft.write(instrument, payload);
        self.put(draft, Class::Input);
    }

    /// A command, behind an input of its own; it has arrived when this returns.
    pub(crate) fn command(&mut self, mut command: Command) -> FrameId {
        self.input(&Tick {
            timer: Timer::Pulse,
            ..Tick::zeroed()
        });
        let id = FrameId::new(self.seq, sub_of(StageId::Gateway, 1));
        if command.op == CommandOp::Place && command.leg.is_none() {
            command.leg = id;
        }
        let mut draft = Draft::new();
        draft.write_as(Class::Derived, ONE, &command);
        self.put(draft, Class::Derived);
        self.commands.push(command);
        self.settle();
        command.leg
    }

    /// All answers come back, each when it falls due.
    pub(crate) fn settle(&mut self) {
        while let Some(first) = (0..self.waiting.0.len()).min_by_key(|&n| {
            let header = self.waiting.0[n].header();
            (header.ts, header.seq, header.sub, n)
        }) {
            let draft = self.waiting.0.remove(first);
            assert!(draft.header().ts > Nanos::ZERO);
            self.now = self.now.max(draft.header().ts);
            self.put(draft.clone(), Class::Input);
            self.answers.push(draft);
        }
    }

    pub(crate) fn all<P: Payload>(&self) -> Vec<P> {
        self.answers
            .iter()
            .filter_map(|draft| draft.frame().try_read::<P>().copied())
            .collect()
    }

    pub(crate) fn add(&mut self, order_id: u64, side: Side, price: i64, qty: u32) {
        self.input(&Add {
            order_id,
            price: cents(price),
            qty,
            side,
            flags: 0,
            source: SourceId(1),
            venue_ts: Nanos::ZERO,
        });
    }

    pub(crate) fn reduce(&mut self, order_id: u64, qty: u32) {
        self.input(&Modify {
            order_id,
            new_order_id: order_id,
            qty,
            flags: flags::REDUCE,
            source: SourceId(1),
            ..Modify::zeroed()
        });
    }

    pub(crate) fn delete(&mut self, order_id: u64) {
        self.input(&Delete {
            order_id,
            source: SourceId(1),
            ..Delete::zeroed()
        });
    }

    /// The source empties this book, or all of its own.
    pub(crate) fn clear(&mut self, all: bool) {
        let about = if all { InstrumentId::NONE } else { ONE };
        let clear = Clear {
            source: SourceId(1),
            ..Clear::zeroed()
        };
        self.input_about(about, &clear);
    }

    pub(crate) fn execute(&mut self, order_id: u64, qty: u32) {
        self.input(&Execute {
            order_id,
            qty,
            source: SourceId(1),
            ..Execute::zeroed()
        });
    }

    pub(crate) fn limit(&mut self, side: Side, price: i64, qty: u32) -> FrameId {
        self.command(place(side, OrderType::Limit, price, qty))
    }

    pub(crate) fn position(&self) -> i64 {
        self.edge.position(ONE).0
    }

    pub(crate) fn last_status(&self, leg: FrameId) -> Status {
        self.all::<Status>()
            .into_iter()
            .rfind(|status| status.leg == leg)
            .expect("a status")
    }
}

/// A stop at that price, or a limit order.
pub(crate) fn place(side: Side, order_type: OrderType, price: i64, qty: u32) -> Command {
    let stop = order_type == OrderType::Stop;
    Command {
        side,
        order_type,
        limit: if stop { Price::ZERO } else { cents(price) },
        trigger: if stop { cents(price) } else { Price::ZERO },
        qty,
        origin: FrameId::new(1, 1),
        ..Command::zeroed()
    }
}
