//! Depth: positional rows that keep a client's ladder equal to the exchange's.

use super::{Link, World};
use crate::model::{Answer, Contract, Decimal, DepthExchange, DepthRow};
use stream::{InstrumentId, Price, Side};

/// Rows a side at most.
const ROWS_MAX: i32 = 60;

const INSERT: i32 = 0;
const UPDATE: i32 = 1;
const DELETE: i32 = 2;

/// Price and quantity of a row.
type Row = (Price, u64);

/// How a client wants to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Rows a side.
    pub(super) rows: i32,
    /// Aggregated over exchanges.
    pub(super) smart: bool,
    /// Rows behind one that comes in or goes are moved by the client.
    pub(super) moves: bool,
}

/// One client's depth of one instrument.
#[derive(Debug)]
pub(super) struct Depth {
    pub(super) link: Link,
    pub(super) req: i32,
    pub(super) instrument: InstrumentId,
    smart: bool,
    moves: bool,
    /// Rows tell who quotes.
    makers: bool,
    rows: usize,
    /// What the client has by now: asks, bids.
    shown: [Vec<Row>; 2],
}

/// All depth.
#[derive(Debug, Default)]
pub(super) struct Depths {
    pub(super) all: Vec<Depth>,
}

impl Depths {
    pub(super) fn leave(&mut self, link: Link) {
        self.all.retain(|depth| depth.link != link);
    }

    pub(super) fn watches(&self, instrument: InstrumentId) -> bool {
        self.all.iter().any(|depth| depth.instrument == instrument)
    }
}

/// Turns `from` into `to`, both best first and at most `most` rows, for a client that moves the
/// rows behind one that comes in or goes: operation, position and row of each step. Better prices
/// come in before others go.
fn move_rows(
    from: &mut Vec<Row>,
    to: &[Row],
    (side, most): (Side, usize),
    mut step: impl FnMut(i32, usize, Row),
) {
    let better = |one: Row, other: &Row| (one.0.0 - other.0.0) * side.sign() > 0;
    let stays = |row: &Row| to.iter().any(|other| other.0 == row.0);
    let mut at = 0;
    loop {
        match (from.get(at), to.get(at).copied()) {
            (None, None) => return,
            (Some(have), Some(want)) if have.0 == want.0 => {
                if *have != want {
                    step(UPDATE, at, want);
                    from[at] = want;
                }
                at += 1;
            }
            (have, Some(want)) if have.is_none_or(|have| better(want, have)) => {
                if from.len() == most
                    && let Some(last) = from.iter().rposition(|row| !stays(row))
                {
                    step(DELETE, last, from.remove(last));
                }
                step(INSERT, at, want);
                from.insert(at, want);
                at += 1;
            }
            _ => step(DELETE, at, from.remove(at)),
        }
    }
}

/// Turns `from` into `to`, both best first: operation, position and row of each step.
///
/// Clients of the text protocol do not agree on what an insert does to the rows behind it: some
/// move them, some write over the position; likewise with a delete. So rows are only written over
/// where they are, added behind the last, and taken off the end, which all understand alike. Where
/// better prices come in, the worst row is written first, so that no price is missing on the way.
fn write_over(from: &mut Vec<Row>, to: &[Row], side: Side, mut step: impl FnMut(i32, usize, Row)) {
    for (at, row) in to.iter().enumerate().skip(from.len()) {
        step(INSERT, at, *row);
        from.push(*row);
    }
    let differs = (0..to.len()).find(|at| from[*at] != to[*at]);
    let better = |at: usize| (to[at].0.0 - from[at].0.0) * side.sign() > 0;
    let upwards = differs.is_some_and(better);
    for at in 0..to.len() {
        let at = if upwards { to.len() - 1 - at } else { at };
        if from[at] != to[at] {
            step(UPDATE, at, to[at]);
            from[at] = to[at];
        }
    }
    while from.len() > to.len()
        && let Some(last) = from.pop()
    {
        step(DELETE, from.len(), last);
    }
}

impl World {
    pub(super) fn depth(
        &mut self,
        link: Link,
        req: i32,
        contract: &Contract,
        Shape { rows, smart, moves }: Shape,
    ) {
        let Some(instrument) = self.find(link, req, contract) else {
            return;
        };
        if self
            .depths
            .all
            .iter()
            .any(|d| d.link == link && d.req == req)
        {
            self.complain(link, req, 102, "Duplicate ticker ID.");
            return;
        }
        if self.depths.all.len() >= self.limits.depth {
            let text = format!(
                "Max number ({}) of market depth requests has been reached",
                self.limits.depth
            );
            self.complain(link, req, 309, &text);
            return;
        }
        let direct = matches!(contract.exchange.as_str(), "ISLAND" | "NASDAQ");
        self.depths.all.push(Depth {
            link,
            req,
            instrument,
            smart,
            moves,
            makers: smart || direct,
            rows: rows.clamp(1, ROWS_MAX) as usize,
            shown: [Vec::new(), Vec::new()],
        });
        self.counters.depth_slots(self.depths.all.len());
        self.show_depth(instrument);
    }

    pub(super) fn cancel_depth(&mut self, link: Link, req: i32) {
        let before = self.depths.all.len();
        self.depths.all.retain(|d| d.link != link || d.req != req);
        if self.depths.all.len() == before {
            let text = format!("Can't find the subscribed market depth with tickerId:{req}");
            self.complain(link, req, 310, &text);
        }
    }

    /// Tells the rows that have changed since the last time.
    pub(super) fn show_depth(&mut self, instrument: InstrumentId) {
        if !self.depths.watches(instrument) || self.quotes.silent {
            return;
        }
        let Some(book) = self.exchange.edge().books().get(instrument) else {
            return;
        };
        if book.between_states() {
            return;
        }
        let levels = |side| {
            book.levels(side)
                .take(ROWS_MAX as usize)
                .collect::<Vec<_>>()
        };
        let goal = [levels(Side::Sell), levels(Side::Buy)];
        let venue = self
            .catalog
            .item(instrument)
            .contract
            .primary_exchange
            .clone();
        let mut all = core::mem::take(&mut self.depths.all);
        for depth in all.iter_mut().filter(|d| d.instrument == instrument) {
            // The side that retreats goes first, so that no client sees a crossed ladder.
            let best = |rows: &[Row]| rows.first().map_or(i64::MIN, |row| row.0.0);
            let bids_retreat = best(&goal[1]) < best(&depth.shown[1]);
            let order = if bids_retreat { [1, 0] } else { [0, 1] };
            for half in order {
                let side = [Side::Sell, Side::Buy][half];
                let goal = &goal[half][..depth.rows.min(goal[half].len())];
                let mut steps = Vec::new();
                let step = |operation, position, row| steps.push((operation, position, row));
                let shown = &mut depth.shown[half];
                if depth.moves {
                    move_rows(shown, goal, (side, depth.rows), step);
                } else {
                    write_over(shown, goal, side, step);
                }
                for step in steps {
                    self.say(depth.link, row_of(depth, half, step, &venue));
                }
            }
        }
        self.depths.all = all;
    }

    /// Every client is to forget its ladder; rows follow from the start.
    pub(super) fn reset_depth(&mut self) {
        let mut all = core::mem::take(&mut self.depths.all);
        for depth in &mut all {
            let text = "Market depth data has been RESET. Please empty deep book contents before \
                        applying any new entries.";
            self.complain(depth.link, depth.req, 317, text);
            depth.shown = [Vec::new(), Vec::new()];
        }
        let instruments: Vec<_> = all.iter().map(|depth| depth.instrument).collect();
        self.depths.all = all;
        for instrument in instruments {
            self.show_depth(instrument);
        }
    }

    pub(super) fn depth_exchanges(&mut self, link: Link) {
        let one = |exchange: &str, sec_type: &str, service: &str| DepthExchange {
            exchange: exchange.to_owned(),
            sec_type: sec_type.to_owned(),
            listing: String::new(),
            service: service.to_owned(),
            agg_group: None,
        };
        let all = vec![
            one("ISLAND", "STK", "Deep2"),
            one("NASDAQ", "STK", "Deep2"),
            one("ARCA", "STK", "Deep"),
            one("NYSE", "STK", "Deep"),
            one("BATS", "STK", "Deep"),
            one("IEX", "STK", "Deep"),
            one("CME", "FUT", "Deep"),
        ];
        self.say(link, Answer::DepthExchanges(all));
    }
}

fn row_of(
    depth: &Depth,
    half: usize,
    (operation, position, (price, qty)): (i32, usize, Row),
    venue: &str,
) -> Answer {
    let deleted = operation == DELETE;
    let row = DepthRow {
        position: position as i32,
        market_maker: if depth.makers {
            venue.to_owned()
        } else {
            String::new()
        },
        operation,
        side: half as i32,
        price: if deleted { 0.0 } else { price.to_f64() },
        size: if deleted {
            Decimal::ZERO
        } else {
            Decimal::from(qty)
        },
        smart: depth.smart,
    };
    if depth.makers {
        Answer::DepthL2(depth.req, row)
    } else {
        Answer::Depth(depth.req, row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// What a client does whose rows move when one comes in or goes.
    fn moving(ladder: &mut Vec<Row>, (operation, at, row): (i32, usize, Row)) {
        match operation {
            INSERT => ladder.insert(at, row),
            UPDATE => ladder[at] = row,
            _ => {
                ladder.remove(at);
            }
        }
    }

    /// What a client does that writes over positions.
    fn writing(ladder: &mut BTreeMap<usize, Row>, (operation, at, row): (i32, usize, Row)) {
        if operation == DELETE {
            ladder.remove(&at);
        } else {
            ladder.insert(at, row);
        }
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        prop::collection::btree_map(1i64..40, 1u64..9, 0..12)
            .prop_map(|rows| rows.into_iter().map(|(p, q)| (Price(p), q)).collect())
    }

    /// The pictures as they are of that side, with as many rows as were asked for.
    fn goals(pictures: Vec<Vec<Row>>, bids: bool, most: usize) -> impl Iterator<Item = Vec<Row>> {
        pictures.into_iter().map(move |mut goal| {
            if bids {
                goal.reverse();
            }
            goal.truncate(most);
            goal
        })
    }

    proptest! {
        /// A price that stays is never missing, and a row is told once at most.
        #[test]
        fn rows_that_move_turn_any_ladder_into_any_other(
            pictures in prop::collection::vec(rows(), 1..8),
            bids in any::<bool>(),
            most in 1usize..12,
        ) {
            let side = if bids { Side::Buy } else { Side::Sell };
            let (mut ours, mut one): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
            for goal in goals(pictures, bids, most) {
                let before = one.clone();
                let differs = |from: &[Row], to: &[Row]| {
                    from.iter().filter(|row| to.iter().all(|own| own.0 != row.0)).count()
                };
                let same = goal.iter().filter(|row| before.contains(row)).count();
                let mut steps = 0;
                move_rows(&mut ours, &goal, (side, most), |operation, at, row| {
                    moving(&mut one, (operation, at, row));
                    assert!(one.len() <= most);
                    let stays = |row: &&Row| goal.iter().any(|own| own.0 == row.0);
                    let kept = before.iter().filter(stays);
                    assert!(kept.clone().all(|row| one.iter().any(|own| own.0 == row.0)));
                    steps += 1;
                });
                prop_assert_eq!(&ours, &goal);
                prop_assert_eq!(&one, &goal);
                prop_assert_eq!(steps, differs(&before, &goal) + goal.len() - same);
            }
        }

        /// Every client's ladder equals ours after every picture, and is never longer than it
        /// asked for.
        #[test]
        fn rows_turn_any_ladder_into_any_other(
            pictures in prop::collection::vec(rows(), 1..8),
            bids in any::<bool>(),
            most in 1usize..12,
        ) {
            let side = if bids { Side::Buy } else { Side::Sell };
            let (mut ours, mut one, mut other) = (Vec::new(), Vec::new(), BTreeMap::new());
            for goal in goals(pictures, bids, most) {
                write_over(&mut ours, &goal, side, |operation, at, row| {
                    moving(&mut one, (operation, at, row));
                    writing(&mut other, (operation, at, row));
                    assert!(one.len() <= most);
                });
                prop_assert_eq!(&ours, &goal);
                prop_assert_eq!(&one, &goal);
                prop_assert_eq!(other.values().copied().collect::<Vec<_>>(), goal);
                prop_assert!(other.keys().copied().eq(0..other.len()));
            }
        }
    }
}
