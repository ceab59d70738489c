//! Positional depth: what a broker shows of a book, and the rows that lead from one such picture
//! to the next.
//!
//! A row is one maker's quantity at one price; makers at a price stand in the order of their first
//! order there. At most ten rows a side.

use super::ladder::Ladder;
use stream::Side;
use stream::payload::{RowOp, SNAPSHOT_ROWS};

/// One row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) tick: i64,
    pub(super) qty: u32,
    pub(super) maker: u8,
}

impl Row {
    fn same_place(&self, other: &Self) -> bool {
        self.tick == other.tick && self.maker == other.maker
    }
}

/// The rows of one side, from the best.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rows {
    rows: [Row; SNAPSHOT_ROWS],
    count: usize,
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Rows {
    /// The true top of a side.
    pub(super) fn of(ladder: &Ladder, side: Side) -> Self {
        let mut rows = Self::default();
        let mut at = ladder.front(side);
        let mut level = 0;
        while let Some(index) = at {
            let order = ladder.order(index);
            let tick = order.tick();
            if rows.count > 0 && rows.rows[rows.count - 1].tick != tick {
                level = rows.count;
            }
            let known = rows.rows[level..rows.count]
                .iter()
                .position(|row| row.maker == order.maker);
            match known {
                Some(place) => rows.rows[level + place].qty += order.qty,
                // A maker that would need an eleventh row is not shown; those of the tenth row's
                // price may still grow.
                None if rows.count == SNAPSHOT_ROWS && level == SNAPSHOT_ROWS => break,
                None if rows.count == SNAPSHOT_ROWS => {}
                None => rows.insert(
                    rows.count,
                    Row {
                        tick,
                        qty: order.qty,
                        maker: order.maker,
                    },
                ),
            }
            at = ladder.behind(index);
        }
        rows
    }

    pub(super) fn as_slice(&self) -> &[Row] {
        &self.rows[..self.count]
    }

    fn insert(&mut self, position: usize, row: Row) {
        self.rows.copy_within(position..self.count, position + 1);
        self.rows[position] = row;
        self.count += 1;
    }

    fn remove(&mut self, position: usize) {
        self.rows.copy_within(position + 1..self.count, position);
        self.count -= 1;
    }

    /// Tells the operations that turn these rows into `goal`, best first, and becomes `goal`.
    /// There are never more than ten rows in between: the last row leaves before another enters
    /// a full side.
    pub(super) fn turn_into(&mut self, goal: &Self, mut tell: impl FnMut(RowOp, usize, Row)) {
        let mut position = 0;
        while position < goal.count {
            let wanted = goal.rows[position];
            let rest = &self.rows[position..self.count];
            match rest.first().copied() {
                Some(row) if row == wanted => position += 1,
                Some(row) if row.same_place(&wanted) => {
                    self.rows[position] = wanted;
                    tell(RowOp::Update, position, wanted);
                    position += 1;
                }
                Some(row)
                    if !goal.as_slice()[position..]
                        .iter()
                        .any(|g| g.same_place(&row)) =>
                {
                    self.remove(position);
                    tell(RowOp::Delete, position, row);
                }
                _ => {
                    if self.count == SNAPSHOT_ROWS {
                        let last = self.rows[SNAPSHOT_ROWS - 1];
                        self.remove(SNAPSHOT_ROWS - 1);
                        tell(RowOp::Delete, SNAPSHOT_ROWS - 1, last);
                    }
                    self.insert(position, wanted);
                    tell(RowOp::Insert, position, wanted);
                    position += 1;
                }
            }
        }
        while self.count > goal.count {
            let last = self.rows[self.count - 1];
            self.remove(self.count - 1);
            tell(RowOp::Delete, self.count, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows() -> impl Strategy<Value = Rows> {
        proptest::collection::vec((0i64..4, 0u8..4, 1u32..4), 0..=SNAPSHOT_ROWS).prop_map(|list| {
            let mut rows = Rows::default();
            let mut sorted = list;
            sorted.sort_by_key(|(tick, _, _)| -tick);
            for (tick, maker, qty) in sorted {
                let row = Row { tick, qty, maker };
                if !rows.as_slice().iter().any(|other| other.same_place(&row)) {
                    rows.insert(rows.count, row);
                }
            }
            rows
        })
    }

    proptest! {
        #[test]
        fn operations_lead_from_any_rows_to_any_others(from in rows(), to in rows()) {
            let mut reader: Vec<Row> = from.as_slice().to_vec();
            let mut rows = from;
            let mut operations = 0;
            rows.turn_into(&to, |op, position, row| {
                operations += 1;
                match op {
                    RowOp::Insert => reader.insert(position, row),
                    RowOp::Update => reader[position] = row,
                    RowOp::Delete => assert_eq!(reader.remove(position), row),
                }
                assert!(reader.len() <= SNAPSHOT_ROWS);
            });
            prop_assert_eq!(&reader[..], to.as_slice());
            prop_assert_eq!(rows, to);
            prop_assert!(operations <= 3 * SNAPSHOT_ROWS);
        }
    }

    #[test]
    fn one_price_shows_several_makers_in_the_order_of_their_first_order() {
        let mut ladder = Ladder::new();
        let mut log = Vec::new();
        for (id, tick, qty, maker) in [
            (1, 100, 5, 2),
            (2, 100, 6, 0),
            (3, 100, 7, 2),
            (4, 99, 8, 0),
        ] {
            ladder.add(id, Side::Buy, tick, qty, maker, &mut log);
        }
        let row = |tick, qty, maker| Row { tick, qty, maker };
        let shown = Rows::of(&ladder, Side::Buy);
        assert_eq!(
            shown.as_slice(),
            [row(100, 12, 2), row(100, 6, 0), row(99, 8, 0)]
        );
        ladder.hit(Side::Buy, 5, 1, &mut log);
        let shown = Rows::of(&ladder, Side::Buy);
        assert_eq!(
            shown.as_slice(),
            [row(100, 6, 0), row(100, 7, 2), row(99, 8, 0)]
        );
    }
}
