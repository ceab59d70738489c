//! The universe of a run: which symbols are asked for, and their dense ids.
//!
//! Ids follow the order of the list, from 1. Look-ups use a fixed hash: the same list gives the
//! same ids on every machine.

use crate::error::FeedError;
use stream::InstrumentId;
use stream::hash;
use stream::limits::INSTRUMENTS_MAX;

/// Bytes of a symbol at most: what an `Instrument` frame has room for.
pub const SYMBOL_MAX: usize = 16;

/// Symbols and their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Universe {
    symbols: Vec<String>,
    /// Open addressing; 0 is empty, otherwise an id. A power of two, at most half full.
    table: Vec<u16>,
}

impl Universe {
    /// Gives each symbol its id.
    ///
    /// # Errors
    /// When a symbol is empty, too long, not printable ASCII or named twice, or when there are too
    /// many.
    pub fn new<S: AsRef<str>>(symbols: impl IntoIterator<Item = S>) -> Result<Self, FeedError> {
        let symbols: Vec<String> = symbols
            .into_iter()
            .map(|symbol| symbol.as_ref().to_owned())
            .collect();
        if symbols.len() > INSTRUMENTS_MAX {
            return Err(FeedError::config(
                format!("{} symbols are too many", symbols.len()),
                "name at most 1,024",
            ));
        }
        let slots = (symbols.len() * 2).next_power_of_two().max(2);
        let mut universe = Self {
            symbols: Vec::with_capacity(symbols.len()),
            table: vec![0; slots],
        };
        for symbol in symbols {
            universe.add(symbol)?;
        }
        Ok(universe)
    }

    fn add(&mut self, symbol: String) -> Result<(), FeedError> {
        let printable = symbol.bytes().all(|byte| byte.is_ascii_graphic());
        if symbol.is_empty() || symbol.len() > SYMBOL_MAX || !printable {
            return Err(FeedError::config(
                format!("{symbol:?} is no symbol"),
                "a symbol has 1 to 16 printable ASCII characters without spaces",
            ));
        }
        let slot = self.slot(symbol.as_bytes());
        if self.table[slot] != 0 {
            return Err(FeedError::config(
                format!("the symbol {symbol} is named twice"),
                "name each symbol once",
            ));
        }
        self.symbols.push(symbol);
        self.table[slot] = self.symbols.len() as u16;
        Ok(())
    }

    /// The slot that holds the symbol, or the empty one where it belongs.
    fn slot(&self, symbol: &[u8]) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = hash::bytes(symbol) as usize & mask;
        loop {
            let id = self.table[slot];
            if id == 0 || self.symbols[usize::from(id) - 1].as_bytes() == symbol {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The id of a symbol; `None` when it was not asked for.
    #[must_use]
    pub fn id(&self, symbol: &str) -> Option<InstrumentId> {
        self.id_of_bytes(symbol.as_bytes())
    }

    /// [`Universe::id`] of bytes as they stand in a file.
    #[must_use]
    pub fn id_of_bytes(&self, symbol: &[u8]) -> Option<InstrumentId> {
        if self.table.is_empty() {
            return None;
        }
        match self.table[self.slot(symbol)] {
            0 => None,
            id => Some(InstrumentId(id)),
        }
    }

    /// The symbol of an id; `None` when there is no such id.
    #[must_use]
    pub fn symbol(&self, id: InstrumentId) -> Option<&str> {
        self.symbols
            .get(id.index().checked_sub(1)?)
            .map(String::as_str)
    }

    /// The symbols, in the order of their ids from 1.
    #[must_use]
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// True when nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// The error for a file that holds none of the symbols asked for.
    #[cold]
    pub(crate) fn nothing_in<'a>(
        &self,
        file: &str,
        holds: impl IntoIterator<Item = &'a str>,
    ) -> FeedError {
        FeedError::UnknownSymbol {
            file: file.to_owned(),
            asked: crate::error::list(self.symbols.iter().map(String::as_str)),
            holds: crate::error::list(holds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_list_and_read_back() {
        let names: Vec<String> = (0..INSTRUMENTS_MAX).map(|i| format!("S{i}")).collect();
        let universe = Universe::new(&names).expect("names are good");
        for (index, name) in names.iter().enumerate() {
            let id = InstrumentId(index as u16 + 1);
            assert_eq!(universe.id(name), Some(id));
            assert_eq!(universe.symbol(id), Some(name.as_str()));
        }
        assert_eq!(universe.id("MSFT"), None);
        assert_eq!(universe.symbol(InstrumentId::NONE), None);
        assert_eq!(Universe::default().id("A"), None);
    }

    #[test]
    fn bad_lists_are_refused() {
        for bad in [&["A", "A"][..], &[""], &["A B"], &["12345678901234567"]] {
            assert!(Universe::new(bad).is_err(), "{bad:?}");
        }
        let many: Vec<String> = (0..=INSTRUMENTS_MAX).map(|i| i.to_string()).collect();
        assert!(Universe::new(many).is_err());
    }
}
