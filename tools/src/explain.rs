//! `spindle journal explain`: the whole chain of causes of an order or a signal.
//!
//! ```text
//!  market frame ─▶ BookView ─▶ Evaluate ─▶ Signal ─▶ Intent ─▶ Order | Refused
//!      ─▶ Command ─▶ Sent, Status, Leg, Fill, Commission ─▶ Pnl, RoundTrip ─▶ Outcome
//! ```
//!
//! Two passes over the journal: the first goes up to the frame that was asked for and finds out
//! which signal and bracket it belongs to, the second starts at the market frame behind the signal
//! and collects. What is kept is the chain, however long the journal is.
//!
//! Ages come from the notes that lanes put behind decisions. A journal of virtual time has none;
//! then the stream's own times are all that is shown, and that is said.

mod chain;
mod json;
mod names;
mod resolve;
mod table;
mod text;
mod words;

use crate::cli;
use crate::failure::{Failure, Outcome};
use journal::Reader;
use std::io::{ErrorKind, Write};
use stream::FrameId;

/// Explains one chain, or lists all of them.
pub fn run(args: &cli::Explain) -> Outcome {
    let mut reader = Reader::open(&args.journal)?;
    let Some(id) = &args.id else {
        let table = table::read(&mut reader)?;
        let text = if args.json {
            line_of(&table.to_json())
        } else {
            table.to_text()
        };
        return write_out(&text);
    };
    let wanted = FrameId::parse(id).ok_or_else(|| {
        Failure::bad(format!(
            "{id} is no frame id: expected seq.sub or seq, such as 24659.16385 (`spindle journal \
             explain {}` lists them)",
            args.journal.display()
        ))
    })?;
    let (target, names) = resolve::resolve(&mut reader, wanted, &args.journal)?;
    let chain = chain::collect(&mut reader, &target)?;
    let text = if args.json {
        line_of(&json::chain(&chain, &names, &args.journal))
    } else {
        text::chain(&chain, &names)
    };
    write_out(&text)
}

fn line_of(object: &serde_json::Value) -> String {
    format!("{object}\n")
}

/// Writes a whole text; a reader that has gone away ends the command quietly.
fn write_out(text: &str) -> Outcome {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
