//! Symbols by instrument, learned from the journal's own definitions.

use super::text;
use stream::payload::{Instrument, read_text};
use stream::{FrameRef, InstrumentId, Kind};

/// Symbols by instrument id, learned from `Instrument` frames as they pass.
#[derive(Clone, Debug, Default)]
pub struct Symbols(Vec<Symbol>);

/// A symbol, and the same as a JSON string.
#[derive(Clone, Debug)]
struct Symbol {
    plain: String,
    quoted: Vec<u8>,
}

impl Symbol {
    fn new(plain: &str) -> Self {
        let mut quoted = Vec::new();
        text::quote(&mut quoted, plain);
        Self {
            plain: plain.to_owned(),
            quoted,
        }
    }
}

impl Symbols {
    /// Learns from an `Instrument` frame.
    #[inline]
    pub fn on_frame(&mut self, frame: FrameRef<'_>) {
        if frame.kind() == Kind::Instrument {
            self.learn(frame);
        }
    }

    #[cold]
    fn learn(&mut self, frame: FrameRef<'_>) {
        if let Some(definition) = frame.try_read::<Instrument>() {
            let index = frame.instrument().index();
            if self.0.len() <= index {
                self.0.resize_with(index + 1, || Symbol::new(""));
            }
            self.0[index] = Symbol::new(read_text(&definition.symbol));
        }
    }

    /// The symbol of the frame's instrument, empty where unknown.
    #[must_use]
    pub fn of(&self, frame: FrameRef<'_>) -> &str {
        self.0
            .get(frame.instrument().index())
            .map_or("", |symbol| &symbol.plain)
    }

    /// The symbol of the frame's instrument as a JSON string.
    pub(super) fn quoted(&self, frame: FrameRef<'_>) -> &[u8] {
        self.0
            .get(frame.instrument().index())
            .map_or(b"\"\"", |symbol| &symbol.quoted)
    }

    /// Every known symbol with its instrument.
    pub fn iter(&self) -> impl Iterator<Item = (InstrumentId, &str)> {
        (0..=u16::MAX)
            .zip(&self.0)
            .filter(|(_, symbol)| !symbol.plain.is_empty())
            .map(|(index, symbol)| (InstrumentId(index), symbol.plain.as_str()))
    }
}
