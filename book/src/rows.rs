//! A broker's positional depth: rows by position, several makers at one price.

use crate::apply_orders::is_price;
use stream::hash::trail;
use stream::payload::{DepthRow, DepthSnapshot, FaultCode, RowOp, SNAPSHOT_ROWS};
use stream::{Price, Side};

/// Rows that one side holds at most.
pub const ROWS_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) price: Price,
    pub(crate) qty: u64,
    pub(crate) maker: [u8; 8],
}

impl Row {
    /// A row without price or quantity keeps its position and counts for nothing.
    pub(crate) const fn counts(&self) -> bool {
        is_price(self.price) && self.qty > 0
    }
}

/// Both sides' rows.
#[derive(Debug)]
pub(crate) struct Rows {
    sides: [Vec<Row>; 2],
}

/// Bids 0, asks 1.
///
/// # Panics
/// On `Side::None`, which callers have refused.
#[inline]
pub(crate) const fn side_index(side: Side) -> usize {
    // Reckoned: which side is next nobody can foresee.
    let index = (side as usize).wrapping_sub(Side::Buy as usize);
    assert!(index < 2, "a book has no such side");
    index
}

impl Rows {
    pub(crate) fn new() -> Self {
        Self {
            sides: [Vec::with_capacity(ROWS_MAX), Vec::with_capacity(ROWS_MAX)],
        }
    }

    pub(crate) fn side(&self, side: Side) -> &[Row] {
        &self.sides[side_index(side)]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sides.iter().all(Vec::is_empty)
    }

    pub(crate) fn clear(&mut self) {
        self.sides.iter_mut().for_each(Vec::clear);
    }

    /// Quantity of all makers at a price.
    pub(crate) fn qty(&self, side: Side, price: Price) -> u64 {
        let rows = self.side(side).iter();
        rows.filter(|row| row.price == price && row.counts())
            .map(|row| row.qty)
            .sum()
    }

    /// The best price that is worse than `than` (any, where `None`), and its quantity. Rows come
    /// best first, but between two messages a broker's rows need not be in order.
    pub(crate) fn next_level(&self, side: Side, than: Option<Price>) -> Option<(Price, u64)> {
        let key = |price: Price| price.0 * side.sign();
        let prices = self.side(side).iter().filter(|row| row.counts());
        let price = prices
            .map(|row| row.price)
            .filter(|price| than.is_none_or(|than| key(*price) < key(than)))
            .max_by_key(|price| key(*price))?;
        Some((price, self.qty(side, price)))
    }

    /// Applies one row; gives what the row was before, where there was one.
    pub(crate) fn apply(&mut self, row: &DepthRow) -> Result<Option<Row>, FaultCode> {
        let rows = &mut self.sides[side_index(row.side)];
        let at = usize::from(row.position);
        let new = Row {
            price: row.price,
            qty: u64::from(row.qty),
            maker: row.maker,
        };
        match row.op {
            RowOp::Insert if at > rows.len() => Err(FaultCode::BadPosition),
            RowOp::Insert if rows.len() == ROWS_MAX => Err(FaultCode::TableFull),
            RowOp::Insert => {
                rows.insert(at, new);
                Ok(None)
            }
            RowOp::Update => match rows.get_mut(at) {
                Some(row) => Ok(Some(core::mem::replace(row, new))),
                None => Err(FaultCode::BadPosition),
            },
            RowOp::Delete if at >= rows.len() => Err(FaultCode::BadPosition),
            RowOp::Delete => Ok(Some(rows.remove(at))),
        }
    }

    /// Takes a whole depth; tells how many rows are none (they keep their position).
    pub(crate) fn snapshot(&mut self, snapshot: &DepthSnapshot) -> usize {
        self.clear();
        let mut bad = 0;
        let counts = [snapshot.bids, snapshot.asks];
        for (index, count) in counts.into_iter().enumerate() {
            let count = usize::from(count);
            bad += count.saturating_sub(SNAPSHOT_ROWS);
            for at in 0..count.min(SNAPSHOT_ROWS) {
                let at = index * SNAPSHOT_ROWS + at;
                let row = Row {
                    price: snapshot.prices[at],
                    qty: u64::from(snapshot.qtys[at]),
                    maker: snapshot.makers[at],
                };
                bad += usize::from(!row.counts());
                self.sides[index].push(row);
            }
        }
        bad
    }

    pub(crate) fn hash(&self) -> u64 {
        let mut hash = 0;
        for rows in &self.sides {
            hash = trail(hash, rows.len() as u64);
            for row in rows {
                hash = trail(trail(hash, row.price.0 as u64), row.qty);
                hash = trail(hash, u64::from_le_bytes(row.maker));
            }
        }
        hash
    }
}
