//! What the ITCH and MoldUDP64 tests share: real data, a writer of messages, and a transcoder from
//! LOBSTER frames to ITCH messages.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod transcode;
pub(crate) mod write;

use feed::symbols::Universe;
use std::path::PathBuf;
use stream::payload::FaultCode;
use stream::stage::Collected;
use stream::{Draft, InstrumentId, Nanos, Out, Price, Side, SourceId};

/// The only instrument of most tests.
pub(crate) const ONE: InstrumentId = InstrumentId(1);
/// The source of all tests.
pub(crate) const SOURCE: SourceId = SourceId(7);

/// A file of the market data, or `None` where there is none; that is an error in CI.
pub(crate) fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SPINDLE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
        PathBuf::from,
    );
    let file = root.join(path);
    if file.exists() {
        return Some(file);
    }
    let needed = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!needed, "CI needs the market data: {}", file.display());
    eprintln!("SKIPPED: no market data at {}", file.display());
    None
}

/// A universe of these symbols.
pub(crate) fn universe(symbols: &[&str]) -> Universe {
    Universe::new(symbols).expect("the symbols are good")
}

/// Books for one instrument, big enough for a sample day.
pub(crate) fn books() -> book::Books {
    book::Books::new(&book::Config {
        instruments: 1,
        orders_max: 1 << 18,
        levels_max: 4_096,
        stale: Nanos::from_secs(3_600),
    })
}

/// Everything a book shows to others, the best `depth` levels of a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) bids: Vec<(Price, u64)>,
    pub(crate) asks: Vec<(Price, u64)>,
    pub(crate) volume: u64,
    pub(crate) trades: u64,
    pub(crate) notional: i128,
}

pub(crate) fn shown(books: &book::Books, depth: usize) -> Shown {
    let book = books.book(ONE);
    let tape = book.tape();
    Shown {
        bids: book.levels(Side::Buy).take(depth).collect(),
        asks: book.levels(Side::Sell).take(depth).collect(),
        volume: tape.volume,
        trades: tape.trades_total,
        notional: tape.notional,
    }
}

/// Numbers a draft as the head would and applies it.
pub(crate) fn apply(
    books: &mut book::Books,
    draft: &mut Draft,
    seq: u64,
    ts: Nanos,
) -> Option<FaultCode> {
    let header = draft.header_mut();
    header.seq = seq;
    header.ts = ts;
    books.apply(draft.frame(), &mut |_| {}).fault
}

/// Frames of whole messages, decoded one after the other.
pub(crate) fn decode_all(decoder: &mut feed::itch::Decoder, messages: &[Vec<u8>]) -> Collected {
    let mut frames = Collected::default();
    let mut draft = Draft::new();
    for (message, position) in messages.iter().zip(1..) {
        if decoder.decode(message, position, &mut draft).frame {
            frames.put(draft.frame());
        }
    }
    frames
}
