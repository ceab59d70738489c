//! A small market of orders, cut into a LOBSTER pair as LOBSTER does it: only messages that touch
//! the best levels, and after each the levels as they stand.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use stream::hash::mix;

/// A seeded generator (SplitMix64).
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0) % bound
    }
}

/// The text of both files.
pub(crate) struct Pair {
    pub(crate) levels: usize,
    pub(crate) messages: String,
    pub(crate) rows: String,
}

#[derive(Default)]
struct Market {
    /// Side (1 buy, −1 sell), price, quantity.
    orders: BTreeMap<u64, (i64, i64, u64)>,
    next: u64,
    clock: u64,
}

impl Market {
    /// Levels of a side, best first.
    fn side(&self, side: i64) -> Vec<(i64, u64)> {
        let mut levels = BTreeMap::<i64, u64>::new();
        for (_, price, qty) in self.orders.values().filter(|order| order.0 == side) {
            *levels.entry(-price * side).or_default() += qty;
        }
        levels
            .into_iter()
            .map(|(key, qty)| (key.abs(), qty))
            .collect()
    }

    fn row(&self, levels: usize) -> String {
        let (asks, bids) = (self.side(-1), self.side(1));
        let mut fields = Vec::new();
        for level in 0..levels {
            for (side, empty) in [(&asks, 9_999_999_999), (&bids, -9_999_999_999)] {
                let (price, qty) = side.get(level).copied().unwrap_or((empty, 0));
                fields.push(format!("{price},{qty}"));
            }
        }
        fields.join(",") + "\n"
    }

    /// One event; its message.
    fn step(&mut self, seeded: &mut Seeded) -> String {
        self.clock += 1 + seeded.below(1_000_000);
        let time = format!(
            "{}.{:09}",
            34_200 + self.clock / 1_000_000,
            self.clock % 1_000_000
        );
        let at = seeded.below(self.orders.len().max(1) as u64) as usize;
        let some = self.orders.iter().nth(at).map(|(id, order)| (*id, *order));
        match (seeded.below(8), some) {
            (0..4, _) | (_, None) => {
                self.next += 1;
                let side = if seeded.below(2) == 0 { 1 } else { -1 };
                let price = 1_000_000 - side * 100 * (1 + seeded.below(12) as i64);
                let qty = 1 + seeded.below(300);
                self.orders.insert(self.next, (side, price, qty));
                format!("{time},1,{},{qty},{price},{side}\n", self.next)
            }
            (4 | 5, Some((id, (side, price, qty)))) if qty > 1 => {
                let take = 1 + seeded.below(qty - 1);
                self.orders.insert(id, (side, price, qty - take));
                format!("{time},2,{id},{take},{price},{side}\n")
            }
            (_, Some((id, (side, price, qty)))) => {
                self.orders.remove(&id);
                format!("{time},3,{id},{qty},{price},{side}\n")
            }
        }
    }
}

/// A pair of `levels` levels over that many events, of which some are left out.
pub(crate) fn pair(levels: usize, seed: u64, steps: usize) -> Pair {
    let (mut market, mut seeded) = (Market::default(), Seeded(seed << 20));
    for _ in 0..150 {
        market.step(&mut seeded);
    }
    let (mut messages, mut rows) = (String::new(), String::new());
    let mut before = market.row(levels);
    for _ in 0..steps {
        let message = market.step(&mut seeded);
        let after = market.row(levels);
        if after != before {
            messages.push_str(&message);
            rows.push_str(&after);
        }
        before = after;
    }
    Pair {
        levels,
        messages,
        rows,
    }
}

impl Pair {
    /// Name of one of the two files.
    pub(crate) fn name(&self, role: &str) -> String {
        format!(
            "TEST_2012-06-21_34200000_57600000_{role}_{}.csv",
            self.levels
        )
    }

    /// Writes both files; the path of the message file.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        let message = folder.join(self.name("message"));
        std::fs::write(&message, &self.messages).expect("it can be written");
        std::fs::write(folder.join(self.name("orderbook")), &self.rows).expect("it can be written");
        message
    }

    /// The first `count` levels of each row.
    pub(crate) fn narrow(&self, count: usize) -> String {
        let mut text = String::new();
        for row in self.rows.lines() {
            let fields: Vec<&str> = row.split(',').take(4 * count).collect();
            let _ = writeln!(text, "{}", fields.join(","));
        }
        text
    }

    /// Alters places whose price stood on the same side in the row before: they were known. Tells
    /// how many were altered.
    pub(crate) fn alter_known(&mut self, seeded: &mut Seeded) -> u64 {
        let (mut altered, mut previous, mut count) = (String::new(), Vec::<String>::new(), 0);
        for row in self.rows.lines() {
            let fields: Vec<String> = row.split(',').map(str::to_owned).collect();
            let mut changed = fields.clone();
            for place in 0..fields.len() / 2 {
                let known = previous
                    .chunks(2)
                    .enumerate()
                    .any(|(other, level)| other % 2 == place % 2 && level[0] == fields[2 * place]);
                if known && seeded.below(3) == 0 {
                    count += 1;
                    let which = 2 * place + seeded.below(2) as usize;
                    changed[which] = (seeded.below(20_000_000) as i64 - 10_000_000).to_string();
                }
            }
            altered.push_str(&(changed.join(",") + "\n"));
            previous = fields;
        }
        self.rows = altered;
        count
    }
}
