//! What a run's journal and its wire tell together.

use super::wire::{Best, Row, When, Wire};
use crate::distribution::nanoseconds;
use anyhow::Result;
use hdrhistogram::Histogram;
use std::collections::HashMap;
use std::path::Path;
use stream::payload::{
    Command, CommandOp, DepthRow, Fill, LegRole, Quote, RowOp, Status, read_text,
};
use stream::{FrameId, FrameRef, InstrumentId, Kind, Kinds, Nanos, Side};

/// A command that is on the socket.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// Which.
    pub id: FrameId,
    /// When the gate handed it over.
    pub at: Nanos,
    /// When the socket had taken it.
    pub written: Nanos,
}

/// Latencies of a run, in nanoseconds.
#[derive(Clone, Debug)]
pub struct Heard {
    /// A row's write begun, to the number of its frame.
    pub row: Histogram<u64>,
    /// The same of a quote.
    pub quote: Histogram<u64>,
    /// The same of an execution.
    pub execution: Histogram<u64>,
    /// Of that the server's write itself.
    pub writes: Histogram<u64>,
    /// A market frame's hand-over by the client library, to its number.
    pub market_age: Histogram<u64>,
    /// The same of what is said of orders.
    pub answer_age: Histogram<u64>,
    /// A command's hand-over by the gate, to its being on the socket.
    pub gate: Histogram<u64>,
    /// A quote's or row's write begun, to the command that it caused being on the socket.
    pub share: Histogram<u64>,
    /// The same from when its write had returned.
    pub inner: Histogram<u64>,
    /// From the same, to the server's having read the order: both ends, both ways.
    pub wire: Histogram<u64>,
    /// A new order's hand-over by the gate, to the number of its first status.
    pub acked: Histogram<u64>,
    /// An entry's hand-over by the gate, to the number of its first fill.
    pub filled: Histogram<u64>,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            row: nanoseconds(),
            quote: nanoseconds(),
            execution: nanoseconds(),
            writes: nanoseconds(),
            market_age: nanoseconds(),
            answer_age: nanoseconds(),
            gate: nanoseconds(),
            share: nanoseconds(),
            inner: nanoseconds(),
            wire: nanoseconds(),
            acked: nanoseconds(),
            filled: nanoseconds(),
        }
    }
}

/// What the broker says of orders.
const ANSWERS: Kinds = Kinds::of(&[Kind::Status, Kind::Fill, Kind::Commission]);

fn record(histogram: &mut Histogram<u64>, from: Nanos, to: Nanos) {
    histogram.saturating_record(to.saturating_sub(from).0.max(1));
}

struct Fold<'a> {
    heard: Heard,
    from: Nanos,
    symbols: &'a [(InstrumentId, String)],
    wire: Wire,
    written: HashMap<FrameId, (Nanos, Nanos, Option<Nanos>)>,
    /// When the row or quote that is the newest input was written.
    cause: Option<When>,
    /// Orders that nothing was heard of yet, by leg: when they were handed over.
    fresh: HashMap<FrameId, Nanos>,
    unfilled: HashMap<FrameId, Nanos>,
}

impl Heard {
    /// Folds a run, from a time on.
    ///
    /// # Errors
    /// When its journal cannot be read.
    pub fn fold(
        dir: &Path,
        from: Nanos,
        symbols: &[(InstrumentId, String)],
        (wire, written): (Wire, &[Written]),
    ) -> Result<Self> {
        // One connection: what was written first is read first.
        let read = written.iter().enumerate();
        let read =
            read.map(|(n, own)| (own.id, (own.at, own.written, wire.orders.get(n).copied())));
        let mut fold = Fold {
            heard: Self::default(),
            from,
            symbols,
            written: read.collect(),
            wire,
            cause: None,
            fresh: HashMap::new(),
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
    ///
    /// # Panics
    /// Never: the histograms have the same bounds.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.row, &other.row),
            (&mut self.quote, &other.quote),
            (&mut self.execution, &other.execution),
            (&mut self.writes, &other.writes),
            (&mut self.market_age, &other.market_age),
            (&mut self.answer_age, &other.answer_age),
            (&mut self.gate, &other.gate),
            (&mut self.share, &other.share),
            (&mut self.inner, &other.inner),
            (&mut self.wire, &other.wire),
            (&mut self.acked, &other.acked),
            (&mut self.filled, &other.filled),
        ];
        for (own, other) in pairs {
            own.add(other).expect("their bounds are the same");
        }
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

    fn input(&mut self, frame: FrameRef<'_>) {
        let (now, late) = (frame.ts(), frame.header().ingress_age_ns);
        let measured = now >= self.from;
        self.cause = None;
        let kind = frame.kind();
        if kind == Kind::DepthRow {
            self.cause = self.row(frame);
        } else if kind == Kind::Quote {
            self.cause = self.quote(frame);
        }
        if measured && (kind.is_market() || ANSWERS.has(kind)) {
            let ages = if kind.is_market() {
                &mut self.heard.market_age
            } else {
                &mut self.heard.answer_age
            };
            ages.saturating_record(u64::from(late).max(1));
        }
        if let (Some(written), true) = (self.cause, measured) {
            let own = if kind == Kind::Quote {
                &mut self.heard.quote
            } else {
                &mut self.heard.row
            };
            record(own, written.begun, now);
            record(&mut self.heard.writes, written.begun, written.done);
        }
        match kind {
            Kind::Fill => {
                let fill = frame.read::<Fill>();
                let written = self.wire.executions.get(read_text(&fill.exec_text));
                if let Some(written) = written.filter(|_| measured) {
                    record(&mut self.heard.execution, written.begun, now);
                }
                if let Some(at) = self.unfilled.remove(&fill.leg) {
                    record(&mut self.heard.filled, at, now);
                }
            }
            Kind::Status => {
                if let Some(at) = self.fresh.remove(&frame.read::<Status>().leg) {
                    record(&mut self.heard.acked, at, now);
                }
            }
            _ => {}
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
        let Some((at, written, read)) = self.written.remove(&frame.id()) else {
            return;
        };
        let command = frame.read::<Command>();
        if command.op == CommandOp::Place {
            self.fresh.insert(command.leg, at);
            if command.role == LegRole::Entry {
                self.unfilled.insert(command.leg, at);
            }
        }
        if at < self.from {
            return;
        }
        record(&mut self.heard.gate, at, written);
        if let Some(row) = self.cause {
            record(&mut self.heard.share, row.begun, written);
            record(&mut self.heard.inner, row.done, written);
            if let Some(read) = read {
                record(&mut self.heard.wire, row.begun, read);
            }
        }
    }
}
