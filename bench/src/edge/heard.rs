//! What a run's journal and its wire tell together.

use super::wire::{Best, Row, When, Wire};
use crate::distribution::{add_each, nanoseconds, record};
use anyhow::Result;
use core::ops::{Index, IndexMut};
use hdrhistogram::Histogram;
use std::collections::HashMap;
use std::path::Path;
use stream::payload::{
    Command, CommandOp, DepthRow, Fill, LegRole, LegState, Quote, RowOp, Status, read_text,
};
use stream::{FrameId, FrameRef, InstrumentId, Kind, Kinds, Nanos, Side};

/// A command that is on the socket.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// Which.
    pub id: FrameId,
    /// When the gate handed it over.
    pub at: Nanos,
    /// When the client library was called.
    pub called: Nanos,
    /// When it had encoded the command and was about to write it.
    pub encoded: Nanos,
    /// When the socket had taken it.
    pub written: Nanos,
    /// What the server's thread had taken of the core that it shares with the writer's; `None`
    /// where it has one of its own.
    pub taken: Option<Nanos>,
}

impl Written {
    /// When the socket would have taken it had the server's thread, once its write could be read,
    /// taken nothing of the core; `None` where it has one of its own.
    fn written_alone(&self, cause: When, bare: Nanos) -> Option<Nanos> {
        let theirs = self.taken?.saturating_sub(cause.taken);
        Some(self.written.saturating_sub(theirs.saturating_sub(bare)))
    }
}

/// What is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A row's write begun, to the number of its frame.
    Row,
    /// The same of a quote.
    Quote,
    /// The same of an execution.
    Execution,
    /// Of that the server's write itself.
    Writes,
    /// A market frame's hand-over by the client library, to its number.
    MarketAge,
    /// The same of what is said of orders.
    AnswerAge,
    /// The number of what arrived, to the command that it caused at the gate.
    Decided,
    /// A command at the gate, to the call of the client library.
    Gate,
    /// That call: the library's encoding and its system call.
    Library,
    /// Of that call its encoding.
    Encoding,
    /// Of that call its system call.
    Writing,
    /// Of what a command is behind: readable at our socket, to its read by the client library.
    Read,
    /// From that read to its number.
    ReadIn,
    /// From that read to the socket's having taken the command.
    ShareRead,
    /// What a command is behind readable at our socket, to its number.
    ShareIn,
    /// The same to the call of the client library.
    ShareCalled,
    /// The same to the socket's having taken the command.
    Share,
    /// [`Part::Share`] without what the server's thread took of the core meanwhile, beyond the
    /// write itself.
    ShareAlone,
    /// Of [`Part::Share`] those behind an execution.
    ShareOfFill,
    /// Of [`Part::Share`] those behind the first message of a write: nothing was read before it.
    ShareOfFirst,
    /// From the begin of the write instead of from when it could be read.
    Begun,
    /// From when that write had returned.
    Returned,
    /// From its begin to the server's having read the order: both ends, both ways.
    Wire,
    /// A new order's hand-over by the gate, to the number of its first status.
    Acked,
    /// A cancel's, to the number of the status that says so.
    Cancelled,
    /// An entry's, to the number of its first fill.
    Filled,
}

/// How many those are.
const PARTS: usize = Part::Filled as usize + 1;

/// Latencies of a run, in nanoseconds.
#[derive(Clone, Debug)]
pub struct Heard(Vec<Histogram<u64>>);

impl Default for Heard {
    fn default() -> Self {
        Self((0..PARTS).map(|_| nanoseconds()).collect())
    }
}

impl Index<Part> for Heard {
    type Output = Histogram<u64>;

    fn index(&self, part: Part) -> &Histogram<u64> {
        &self.0[part as usize]
    }
}

impl IndexMut<Part> for Heard {
    fn index_mut(&mut self, part: Part) -> &mut Histogram<u64> {
        &mut self.0[part as usize]
    }
}

/// What the broker says of orders.
const ANSWERS: Kinds = Kinds::of(&[Kind::Status, Kind::Fill, Kind::Commission]);

/// What both sides saw, beside the journal.
#[derive(Debug)]
pub struct Seen<'a> {
    /// From then on it counts.
    pub from: Nanos,
    /// The universe.
    pub symbols: &'a [(InstrumentId, String)],
    /// What the server told.
    pub wire: Wire,
    /// When the client library read each message of the server.
    pub reads: &'a [Nanos],
    /// What the edge wrote.
    pub written: &'a [Written],
    /// How long a write takes until its bytes can be read, where nobody waits for them.
    pub bare: Nanos,
}

struct Fold<'a> {
    heard: Heard,
    from: Nanos,
    symbols: &'a [(InstrumentId, String)],
    wire: Wire,
    reads: &'a [Nanos],
    bare: Nanos,
    written: HashMap<FrameId, (Written, Option<Nanos>)>,
    /// When the newest input was written, where that is known.
    cause: Option<When>,
    /// What was asked of a leg and not answered yet, and when it was handed over.
    asked: HashMap<FrameId, (Part, Nanos)>,
    unfilled: HashMap<FrameId, Nanos>,
}

impl Heard {
    /// Folds a run.
    ///
    /// # Errors
    /// When its journal cannot be read.
    pub fn fold(dir: &Path, seen: Seen<'_>) -> Result<Self> {
        // One connection: what was written first is read first.
        let written = seen.written.iter().enumerate();
        let written = written.map(|(n, own)| (own.id, (*own, seen.wire.orders.get(n).copied())));
        let mut fold = Fold {
            heard: Self::default(),
            from: seen.from,
            symbols: seen.symbols,
            written: written.collect(),
            wire: seen.wire,
            reads: seen.reads,
            bare: seen.bare,
            cause: None,
            asked: HashMap::new(),
            unfilled: HashMap::new(),
        };
        let mut reader = ::journal::Reader::open(dir)?;
        while let Some(next) = reader.next() {
            let (_, frame) = next?;
            fold.on_frame(frame);
        }
        Ok(fold.heard)
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        add_each(self.0.iter_mut().zip(&other.0));
    }
}

impl Fold<'_> {
    fn on_frame(&mut self, frame: FrameRef<'_>) {
        if frame.is_input() {
            self.input(frame);
        } else if frame.kind() == Kind::Command {
            self.command(frame);
        }
    }

    fn record(&mut self, part: Part, from: Nanos, to: Nanos) {
        record(&mut self.heard[part], to.saturating_sub(from).0);
    }

    fn input(&mut self, frame: FrameRef<'_>) {
        let (kind, now) = (frame.kind(), frame.ts());
        let (part, cause) = match kind {
            Kind::DepthRow => (Part::Row, self.row(frame)),
            Kind::Quote => (Part::Quote, self.quote(frame)),
            Kind::Fill => (Part::Execution, self.fill(frame)),
            _ => (Part::Row, None),
        };
        self.cause = cause;
        if kind == Kind::Status {
            self.status(frame);
        }
        if now < self.from {
            return;
        }
        let age = u64::from(frame.header().ingress_age_ns);
        if kind.is_market() {
            record(&mut self.heard[Part::MarketAge], age);
        } else if ANSWERS.has(kind) {
            record(&mut self.heard[Part::AnswerAge], age);
        }
        if let Some(written) = cause {
            self.record(part, written.begun, now);
            self.record(Part::Writes, written.begun, written.done);
        }
    }

    fn fill(&mut self, frame: FrameRef<'_>) -> Option<When> {
        let fill = frame.read::<Fill>();
        if let Some(at) = self.unfilled.remove(&fill.leg) {
            self.record(Part::Filled, at, frame.ts());
        }
        let text = read_text(&fill.exec_text);
        self.wire.executions.get(text).copied()
    }

    fn status(&mut self, frame: FrameRef<'_>) {
        let status = frame.read::<Status>();
        let ends = status.state == LegState::Cancelled;
        let answered = |asked: &(Part, Nanos)| asked.0 != Part::Cancelled || ends;
        if self.asked.get(&status.leg).is_some_and(answered)
            && let Some((part, at)) = self.asked.remove(&status.leg)
        {
            self.record(part, at, frame.ts());
        }
    }

    fn quote(&mut self, frame: FrameRef<'_>) -> Option<When> {
        let quote = frame.read::<Quote>();
        let of = frame.instrument();
        let (_, symbol) = self.symbols.iter().find(|(id, _)| *id == of)?;
        let best = Best {
            bid: quote.bid.0,
            ask: quote.ask.0,
            bid_qty: quote.bid_qty,
            ask_qty: quote.ask_qty,
        };
        self.wire.quote_of(symbol, best)
    }

    fn row(&mut self, frame: FrameRef<'_>) -> Option<When> {
        let row = frame.read::<DepthRow>();
        let of = frame.instrument();
        let (_, symbol) = self.symbols.iter().find(|(id, _)| *id == of)?;
        let row = Row {
            position: row.position.into(),
            operation: match row.op {
                RowOp::Insert => 0,
                RowOp::Update => 1,
                RowOp::Delete => 2,
            },
            side: i32::from(row.side == Side::Buy),
            price: row.price.0,
            qty: row.qty,
        };
        self.wire.row(symbol, row)
    }

    fn command(&mut self, frame: FrameRef<'_>) {
        let Some((own, read)) = self.written.remove(&frame.id()) else {
            return;
        };
        if own.at < self.from {
            return;
        }
        let command = frame.read::<Command>();
        // A change that was taken is no news, and no frame.
        let asks = match command.op {
            CommandOp::Place => Some(Part::Acked),
            CommandOp::Cancel => Some(Part::Cancelled),
            _ => None,
        };
        if let Some(part) = asks {
            self.asked.insert(command.leg, (part, own.at));
        }
        if command.op == CommandOp::Place && command.role == LegRole::Entry {
            self.unfilled.insert(command.leg, own.at);
        }
        self.record(Part::Gate, own.at, own.called);
        self.record(Part::Encoding, own.called, own.encoded);
        self.record(Part::Writing, own.encoded, own.written);
        self.record(Part::Library, own.called, own.written);
        if let Some(cause) = self.cause {
            self.caused(frame.ts(), cause, &own, read);
        }
    }

    /// A command that followed from what arrived: all the way.
    fn caused(&mut self, numbered: Nanos, cause: When, own: &Written, read: Option<Nanos>) {
        let readable = cause.begun.saturating_add(self.bare);
        self.record(Part::Decided, numbered, own.at);
        // Another order of messages than the server's would show here.
        let within = |read: &&Nanos| (cause.begun..=numbered).contains(*read);
        if let Some(&read) = self.reads.get(cause.number).filter(within) {
            self.record(Part::Read, readable, read);
            self.record(Part::ReadIn, read, numbered);
            self.record(Part::ShareRead, read, own.written);
        }
        self.record(Part::ShareIn, readable, numbered);
        self.record(Part::ShareCalled, readable, own.called);
        self.record(Part::Share, readable, own.written);
        if let Some(alone) = own.written_alone(cause, self.bare) {
            self.record(Part::ShareAlone, readable, alone);
        }
        if cause.fills {
            self.record(Part::ShareOfFill, readable, own.written);
        }
        if cause.first {
            self.record(Part::ShareOfFirst, readable, own.written);
        }
        self.record(Part::Begun, cause.begun, own.written);
        self.record(Part::Returned, cause.done, own.written);
        if let Some(read) = read {
            self.record(Part::Wire, cause.begun, read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_took_beyond_its_write_is_taken_off() {
        let cause = When {
            begun: Nanos(1_000),
            taken: Nanos(50),
            done: Nanos(1_010),
            fills: false,
            first: true,
            number: 0,
        };
        let mut own = Written {
            id: FrameId::NONE,
            at: Nanos(1_300),
            called: Nanos(1_400),
            encoded: Nanos(1_450),
            written: Nanos(1_500),
            taken: Some(Nanos(90)),
        };
        assert_eq!(own.written_alone(cause, Nanos(10)), Some(Nanos(1_470)));
        own.taken = Some(Nanos(55));
        assert_eq!(own.written_alone(cause, Nanos(10)), Some(Nanos(1_500)));
        own.taken = None;
        assert_eq!(own.written_alone(cause, Nanos(10)), None);
    }
}
