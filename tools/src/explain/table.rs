//! Every signal that became an intent, with what became of it: one pass, one row for each.

use super::names::{Names, clock, nanos_between, utc};
use crate::failure::Outcome as Done;
use journal::Reader;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use stream::payload::{
    Fill, Intent, Leg, LegRole, LegState, Order, Outcome, Reason, Refused, Request, RequestWhy,
    RoundTrip, Signal,
};
use stream::{FrameId, FrameRef, Kind, Nanos};

/// What became of one intent.
#[derive(Debug)]
struct Row {
    intent: FrameId,
    ts: Nanos,
    since_open: Option<i64>,
    symbol: String,
    score: f64,
    wish: Intent,
    ordered: u32,
    filled: u32,
    refused: Option<Reason>,
    ended: Option<(LegState, Reason)>,
    given_up: bool,
    trip: Option<RoundTrip>,
    outcome: Option<Outcome>,
}

impl Row {
    /// The result in a word or two.
    fn result(&self) -> String {
        if let Some(trip) = &self.trip {
            return format!("closed by {}", trip.exit_role.name());
        }
        if let Some(reason) = self.refused {
            return format!("refused: {}", reason.name());
        }
        match (self.filled, self.ended) {
            (0, _) if self.given_up => "given up".to_owned(),
            (0, Some((state, Reason::None))) => state.name().to_owned(),
            (0, Some((state, reason))) => format!("{}: {}", state.name(), reason.name()),
            (0, None) if self.ordered > 0 => "waiting".to_owned(),
            (0, None) => "undecided".to_owned(),
            _ => "open".to_owned(),
        }
    }

    fn net(&self) -> Option<String> {
        self.trip.map(|trip| (trip.gross - trip.fees).to_string())
    }

    fn outcome(&self) -> &'static str {
        self.outcome.map_or("open", |outcome| outcome.kind.name())
    }
}

/// The table.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
    by_intent: BTreeMap<FrameId, usize>,
    by_signal: BTreeMap<FrameId, usize>,
    /// Signals of the input at hand, with their scores.
    signals: Vec<(FrameId, f64)>,
    names: Names,
}

/// Reads a whole journal.
///
/// # Errors
/// When it is damaged.
pub fn read(reader: &mut Reader) -> Done<Table> {
    let mut table = Table::default();
    while let Some(next) = reader.next() {
        table.on_frame(next?.1);
    }
    Ok(table)
}

impl Table {
    fn on_frame(&mut self, frame: FrameRef<'_>) {
        if frame.seq() != self.names.last_seq {
            self.signals.clear();
        }
        self.names.on_frame(frame);
        match frame.kind() {
            Kind::Signal => self
                .signals
                .push((frame.id(), frame.read::<Signal>().score)),
            Kind::Intent => self.begin(frame),
            Kind::Refused => {
                let refused = frame.read::<Refused>();
                self.of(refused.intent, |row| row.refused = Some(refused.reason));
            }
            Kind::Order => {
                let order = frame.read::<Order>();
                self.of(order.origin, |row| row.ordered = order.qty);
            }
            Kind::Leg => {
                let leg = frame.read::<Leg>();
                if leg.role == LegRole::Entry && leg.to.is_final() {
                    self.of(leg.origin, |row| row.ended = Some((leg.to, leg.reason)));
                }
            }
            Kind::Fill => {
                let fill = frame.read::<Fill>();
                if fill.role == LegRole::Entry {
                    self.of(fill.origin, |row| row.filled = fill.filled);
                }
            }
            Kind::Request => {
                let request = frame.read::<Request>();
                if request.why == RequestWhy::GivenUp {
                    self.of(request.origin, |row| row.given_up = true);
                }
            }
            Kind::RoundTrip => {
                let trip = frame.read::<RoundTrip>();
                self.of(trip.origin, |row| row.trip = Some(*trip));
            }
            Kind::Outcome => {
                let outcome = frame.read::<Outcome>();
                if let Some(row) = self.by_signal.get(&outcome.signal) {
                    self.rows[*row].outcome = Some(*outcome);
                }
            }
            _ => {}
        }
    }

    fn of(&mut self, origin: FrameId, change: impl FnOnce(&mut Row)) {
        if let Some(row) = self.by_intent.get(&origin) {
            change(&mut self.rows[*row]);
        }
    }

    fn begin(&mut self, frame: FrameRef<'_>) {
        let wish = *frame.read::<Intent>();
        let score = self.signals.iter().find(|(id, _)| *id == wish.signal);
        let session = self.names.session(frame.seq());
        self.by_intent.insert(frame.id(), self.rows.len());
        self.by_signal.insert(wish.signal, self.rows.len());
        self.rows.push(Row {
            intent: frame.id(),
            ts: frame.ts(),
            since_open: session.map(|session| nanos_between(session.open, frame.ts())),
            symbol: self.names.symbol(frame),
            score: score.map_or(f64::NAN, |(_, score)| *score),
            wish,
            ordered: 0,
            filled: 0,
            refused: None,
            ended: None,
            given_up: false,
            trip: None,
            outcome: None,
        });
    }

    /// The table for people.
    pub fn to_text(&self) -> String {
        if self.rows.is_empty() {
            return "no signal became an intent in this journal\n".to_owned();
        }
        let title = [
            "signal",
            "UTC",
            "since open",
            "symbol",
            "side",
            "score",
            "entry",
            "stop",
            "target",
            "filled",
            "result",
            "net",
            "outcome",
        ];
        let mut cells = vec![title.map(str::to_owned)];
        cells.extend(self.rows.iter().map(|row| {
            [
                row.wish.signal.to_string(),
                utc(row.ts),
                row.since_open.map_or_else(|| "-".to_owned(), clock),
                row.symbol.clone(),
                row.wish.side.name().to_owned(),
                format!("{:.4}", row.score),
                row.wish.entry.to_string(),
                row.wish.stop.to_string(),
                row.wish.target.to_string(),
                format!("{}/{}", row.filled, row.ordered),
                row.result(),
                row.net().unwrap_or_else(|| "-".to_owned()),
                row.outcome().to_owned(),
            ]
        }));
        aligned(&cells)
    }

    /// The table for programs.
    pub fn to_json(&self) -> Json {
        let rows: Vec<Json> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "signal": row.wish.signal.to_string(),
                    "intent": row.intent.to_string(),
                    "ts": row.ts.0,
                    "since_open_ns": row.since_open,
                    "symbol": row.symbol,
                    "side": row.wish.side.name(),
                    "score": row.score,
                    "entry": row.wish.entry.to_string(),
                    "stop": row.wish.stop.to_string(),
                    "target": row.wish.target.to_string(),
                    "ordered": row.ordered,
                    "filled": row.filled,
                    "result": row.result(),
                    "refused": row.refused.map(Reason::name),
                    "net": row.net(),
                    "outcome": row.outcome.map(|outcome| outcome.kind.name()),
                })
            })
            .collect();
        json!({ "signals": rows })
    }
}

/// Columns under one another; numbers to the right.
fn aligned<const N: usize>(cells: &[[String; N]]) -> String {
    let width = |column: usize| {
        cells
            .iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let numeric: [bool; N] = std::array::from_fn(|column| {
        cells.iter().skip(1).all(|row| {
            row[column] == "-"
                || row[column]
                    .trim_start_matches(['-', '+'])
                    .parse::<f64>()
                    .is_ok()
        })
    });
    let mut text = String::new();
    for row in cells {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            let _ = if numeric[column] {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:<width$}  ")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_one_another() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        let text = aligned(&[row(["name", "net"]), row(["a", "-1.5"]), row(["long", "-"])]);
        assert_eq!(text, "name   net\na     -1.5\nlong     -\n");
    }
}
