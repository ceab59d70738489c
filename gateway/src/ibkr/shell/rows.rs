//! The positional depth of one instrument, kept so that it can be handed on whole.

use stream::payload::SNAPSHOT_ROWS;
use stream::payload::{DepthSnapshot, RowOp};
use stream::{Price, Side};

use super::MARKET;

type Row = (Price, u32, [u8; 8]);

/// A row whose position does not exist: what we have is not what the broker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadPosition;

/// Both sides, at most ten rows each.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    bids: Vec<Row>,
    asks: Vec<Row>,
}

impl Rows {
    pub(super) fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bids.is_empty() && self.asks.is_empty()
    }

    pub(super) fn apply(
        &mut self,
        side: Side,
        (op, position): (RowOp, u16),
        row: Row,
    ) -> Result<(), BadPosition> {
        let rows = if side == Side::Buy {
            &mut self.bids
        } else {
            &mut self.asks
        };
        let at = usize::from(position);
        match op {
            RowOp::Insert if at <= rows.len() && at < SNAPSHOT_ROWS => {
                rows.truncate(SNAPSHOT_ROWS - 1);
                rows.insert(at, row);
            }
            RowOp::Update if at < rows.len() => rows[at] = row,
            RowOp::Delete if at < rows.len() => drop(rows.remove(at)),
            _ => return Err(BadPosition),
        }
        Ok(())
    }

    pub(super) fn snapshot(&self) -> DepthSnapshot {
        let mut snapshot = DepthSnapshot {
            source: MARKET,
            bids: self.bids.len() as u8,
            asks: self.asks.len() as u8,
            ..DepthSnapshot::zeroed()
        };
        let sides = [(0, &self.bids), (SNAPSHOT_ROWS, &self.asks)];
        for (first, rows) in sides {
            for (index, (price, qty, maker)) in rows.iter().enumerate() {
                snapshot.prices[first + index] = *price;
                snapshot.qtys[first + index] = *qty;
                snapshot.makers[first + index] = *maker;
            }
        }
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(price: i64) -> Row {
        (Price(price), 100, *b"ARCA\0\0\0\0")
    }

    #[test]
    fn rows_move_as_the_broker_says() {
        let mut rows = Rows::default();
        for (position, price) in [(0, 10), (1, 8), (1, 9)] {
            let op = (RowOp::Insert, position);
            assert_eq!(rows.apply(Side::Buy, op, row(price)), Ok(()));
        }
        assert_eq!(rows.apply(Side::Buy, (RowOp::Delete, 0), row(0)), Ok(()));
        assert_eq!(rows.apply(Side::Buy, (RowOp::Update, 1), row(7)), Ok(()));
        assert_eq!(rows.apply(Side::Sell, (RowOp::Insert, 0), row(11)), Ok(()));
        let snapshot = rows.snapshot();
        assert_eq!((snapshot.bids, snapshot.asks), (2, 1));
        assert_eq!(snapshot.prices[..2], [Price(9), Price(7)]);
        assert_eq!(snapshot.prices[SNAPSHOT_ROWS], Price(11));
        rows.clear();
        assert!(rows.is_empty());
    }

    #[test]
    fn rows_out_of_nowhere_are_refused_and_memory_is_bounded() {
        let mut rows = Rows::default();
        for (op, position) in [
            (RowOp::Delete, 0),
            (RowOp::Update, 0),
            (RowOp::Insert, 1),
            (RowOp::Insert, u16::MAX),
        ] {
            assert_eq!(
                rows.apply(Side::Sell, (op, position), row(1)),
                Err(BadPosition)
            );
        }
        for _ in 0..100 {
            assert_eq!(rows.apply(Side::Sell, (RowOp::Insert, 0), row(1)), Ok(()));
        }
        assert_eq!(rows.asks.len(), SNAPSHOT_ROWS);
        assert_eq!(
            rows.apply(Side::Sell, (RowOp::Insert, 10), row(1)),
            Err(BadPosition)
        );
    }
}
