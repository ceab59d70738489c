//! Which column of a file is what.

use super::{Config, Symbol};

/// Roles of columns; also their places in [`Columns`].
pub(super) const TIME: usize = 0;
pub(super) const SYMBOL: usize = 1;
pub(super) const OPEN: usize = 2;
pub(super) const HIGH: usize = 3;
pub(super) const LOW: usize = 4;
pub(super) const CLOSE: usize = 5;
pub(super) const VOLUME: usize = 6;
pub(super) const ROLES: usize = 7;

/// For each role the column's number, where the file has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    pub(super) at: [Option<usize>; ROLES],
    pub(super) last: usize,
}

impl Columns {
    pub(super) fn new(header: &[u8], config: &Config) -> Result<Self, String> {
        let header = header.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(header);
        let names: Vec<&[u8]> = header.split(|&byte| byte == b',').map(bare).collect();
        let mut at = [None; ROLES];
        let symbol = match &config.symbol {
            Symbol::Column(name) => Some(name),
            Symbol::Fixed(_) => None,
        };
        let wanted = [
            (TIME, Some(&config.time)),
            (SYMBOL, symbol),
            (OPEN, Some(&config.open)),
            (HIGH, Some(&config.high)),
            (LOW, Some(&config.low)),
            (CLOSE, Some(&config.close)),
            (VOLUME, config.volume.as_ref()),
        ];
        for (role, name) in wanted {
            let Some(name) = name else {
                continue;
            };
            let found = names.iter().position(|other| *other == name.as_bytes());
            at[role] = Some(found.ok_or_else(|| {
                let have = names.iter().map(|name| String::from_utf8_lossy(name));
                let have: Vec<_> = have.take(16).collect();
                format!(
                    "has no column {name:?}; its columns are {}",
                    have.join(", ")
                )
            })?);
        }
        let last = at.iter().flatten().copied().max().unwrap_or(0);
        Ok(Self { at, last })
    }

    /// Cuts a row; `None` when it is too short.
    pub(super) fn cut<'a>(&self, row: &'a [u8]) -> Option<[&'a [u8]; ROLES]> {
        let mut fields: [&[u8]; ROLES] = [b""; ROLES];
        let mut count = 0;
        for (index, text) in row.split(|&byte| byte == b',').enumerate() {
            count = index;
            for (field, at) in fields.iter_mut().zip(self.at) {
                if at == Some(index) {
                    *field = bare(text);
                }
            }
            if index == self.last {
                break;
            }
        }
        (count == self.last).then_some(fields)
    }
}

/// Without spaces and quotation marks around it.
fn bare(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    match text {
        [b'"', inside @ .., b'"'] => inside,
        _ => text,
    }
}
