//! A chain for people: a tree in time, causes to the left of what they brought about.

use super::chain::{Chain, Step, signal_of};
use super::names::{Names, clock, nanos_between, signed_span, utc};
use super::words;
use crate::report::span;
use signal::strategies::opening_range::COMPONENT_NAMES;
use std::fmt::Write;
use stream::payload::{Outcome, Refused, RoundTrip, Signal};
use stream::{FrameRef, Kind, Nanos};

/// The whole text of a chain.
pub fn chain(chain: &Chain, names: &Names) -> String {
    let mut text = head(chain, names);
    let decided = chain.decided_at();
    let open = names
        .session(chain.target.first().seq())
        .map(|session| session.open);
    let ages: Vec<String> = chain
        .steps
        .iter()
        .map(|step| age(step, names.measured))
        .collect();
    let age_width = ages
        .iter()
        .map(String::len)
        .max()
        .unwrap_or(0)
        .max("age".len());
    let age_title = if names.measured {
        format!("  {:<age_width$}", "age")
    } else {
        String::new()
    };
    let _ = writeln!(
        text,
        "\n  {:<16}  {:<27}  {:>11}{age_title}  what (frame)",
        "since the open", "UTC", "since"
    );
    for (step, age) in chain.steps.iter().zip(&ages) {
        let frame = step.frame();
        let since_open = open.map_or_else(
            || "-".to_owned(),
            |open| clock(nanos_between(open, frame.ts())),
        );
        let since = signed_span(nanos_between(decided, frame.ts()));
        let _ = write!(
            text,
            "  {since_open:<16}  {:<27}  {since:>11}",
            utc(frame.ts())
        );
        if names.measured {
            let _ = write!(text, "  {age:<age_width$}");
        }
        let indent = 2 * words::depth(frame.kind());
        let _ = writeln!(
            text,
            "  {:indent$}{} ({})",
            "",
            words::of(frame),
            frame.id()
        );
        if let Some(signal) = frame.try_read::<Signal>() {
            let margin = 2 + 16 + 2 + 27 + 2 + 11 + age_title.len() + 2 + indent + 2;
            components(&mut text, signal, margin);
        }
    }
    let _ = writeln!(text, "\n  {}", result(chain));
    text
}

fn head(chain: &Chain, names: &Names) -> String {
    let target = &chain.target;
    let first = chain
        .steps
        .iter()
        .map(Step::frame)
        .find(|frame| frame.id() == target.first());
    let symbol = first.map_or_else(|| "-".to_owned(), |frame| names.symbol(frame));
    let what = signal_of(chain).map_or_else(
        || format!("order {} that risk made by itself", target.origin),
        |signal| format!("{} signal {}", signal.side.name(), target.signal),
    );
    let mut text = format!("{symbol}: {what}");
    if target.asked != target.first() {
        let _ = write!(text, ", which {} belongs to", target.asked);
    }
    if let Some(session) = names.session(target.first().seq()) {
        let _ = write!(
            text,
            "\n  session {}, open at {}",
            session.date,
            utc(session.open)
        );
    }
    text.push_str(if names.measured {
        "\n  age: since the input's number; of a decision at the end of each lane it passed, of a \
         command at its hand-over; of an input how long it waited for its number"
    } else {
        "\n  virtual time: no ages were measured; what is shown are differences in the stream's \
         own time"
    });
    text.push_str("\n  since: since the decision\n");
    text
}

/// A step's ages in words; a dash where none was taken.
fn age(step: &Step, measured: bool) -> String {
    if !measured {
        return String::new();
    }
    let frame = step.frame();
    let mut ages: Vec<String> = step.ages.iter().map(|(_, age)| span(*age)).collect();
    if let Some((age, market)) = step.hand_over {
        ages.push(format!("out {} (market {})", span(age), span(market)));
    }
    if frame.is_input() {
        ages.push(format!(
            "waited {}",
            span(u64::from(frame.header().ingress_age_ns))
        ));
    }
    if ages.is_empty() {
        "-".to_owned()
    } else {
        ages.join(", ")
    }
}

/// What made the score, and the gates.
fn components(text: &mut String, signal: &Signal, margin: usize) {
    for (row, names) in COMPONENT_NAMES.chunks(5).enumerate() {
        let values = &signal.components[5 * row..];
        let cells: Vec<String> = names
            .iter()
            .zip(values)
            .map(|(name, value)| format!("{name} {value:+.3}"))
            .collect();
        let _ = writeln!(text, "{:margin$}{}", "", cells.join(", "));
    }
    let gates = words::gates(signal);
    let gates = if gates.is_empty() {
        "all open".to_owned()
    } else {
        format!("closed: {}", gates.join(", "))
    };
    let _ = writeln!(text, "{:margin$}gates {gates}", "");
}

/// What it came to, in one sentence.
pub fn result(chain: &Chain) -> String {
    let outcome = chain.first(Kind::Outcome).map_or_else(
        || "its outcome is still open".to_owned(),
        |frame| {
            let outcome = frame.read::<Outcome>();
            let result = outcome.result_ppm as f64 / 1e6;
            format!("outcome {} ({result:+.3} of the risk)", outcome.kind.name())
        },
    );
    if let Some(trip) = chain.first(Kind::RoundTrip) {
        let trip = trip.read::<RoundTrip>();
        return format!(
            "result: traded {} × {}, closed by {} after {}: net {}; {outcome}",
            trip.qty,
            trip.entry,
            trip.exit_role.name(),
            span(trip.closed.saturating_sub(trip.opened).0),
            trip.gross - trip.fees
        );
    }
    if let Some(refused) = chain.first(Kind::Refused) {
        let reason = refused.read::<Refused>().reason.name();
        return format!("result: refused by risk ({reason}); {outcome}");
    }
    if chain.first(Kind::Fill).is_some() {
        return format!("result: filled, not closed in this journal; {outcome}");
    }
    if let Some(signal) = signal_of(chain).filter(|signal| signal.gates != 0) {
        let gates = words::gates(&signal).join(", ");
        return format!("result: stopped by its gates ({gates}); {outcome}");
    }
    match chain.first(Kind::Order) {
        Some(_) => format!("result: ordered, never filled; {outcome}"),
        None => format!("result: no order; {outcome}"),
    }
}

/// How long after the decision a frame was numbered, in nanoseconds.
pub fn since_decision(chain: &Chain, frame: FrameRef<'_>) -> i64 {
    nanos_between(chain.decided_at(), frame.ts())
}

/// How long after the open a frame was numbered, in nanoseconds; `None` outside sessions.
pub fn since_open(names: &Names, chain: &Chain, ts: Nanos) -> Option<i64> {
    let session = names.session(chain.target.first().seq())?;
    Some(nanos_between(session.open, ts))
}
