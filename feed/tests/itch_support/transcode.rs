//! LOBSTER frames to ITCH messages that make the same book.
//!
//! ITCH has no anonymous levels. What a LOBSTER file reveals becomes an order with an id of its
//! own, and what later happens to orders that were never seen happens to that one; a level that is
//! forgotten has all its orders deleted. So every frame has its messages, and the books are equal
//! after each record of the file, not only at its end.

use super::write::{self, At};
use feed::file::{self, Decode, Frames};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use stream::payload::{Add, Delete, Execute, Level, Modify, Trade, flags};
use stream::{FrameRef, InstrumentId, Kind, Nanos, Price, Side, SourceId};

/// The locate of the one stock.
pub(crate) const LOCATE: u16 = 13;
/// Ids of orders that stand for revealed quantity begin here; Nasdaq's are far below.
const RESIDUE_IDS: u64 = 1 << 60;

#[derive(Clone, Copy, Debug)]
struct Order {
    side: Side,
    price: Price,
    qty: u32,
}

/// Follows the orders of one stock.
pub(crate) struct Transcoder {
    stock: String,
    midnight: Nanos,
    at: At,
    orders: HashMap<u64, Order>,
    /// Ids by level.
    levels: BTreeMap<(Side, Price), Vec<u64>>,
    /// The residue's order by level.
    residues: HashMap<(Side, Price), u64>,
    next_residue: u64,
    next_match: u64,
}

fn code(side: Side) -> u8 {
    match side {
        Side::Buy => b'B',
        Side::Sell => b'S',
        Side::None => panic!("an order has a side"),
    }
}

fn price_4(price: Price) -> u32 {
    assert_eq!(price.0 % 100_000, 0, "LOBSTER has four decimals");
    u32::try_from(price.0 / 100_000).expect("ITCH prices are positive")
}

impl Transcoder {
    pub(crate) fn new(stock: &str, midnight: Nanos) -> Self {
        Self {
            stock: stock.to_owned(),
            midnight,
            at: At {
                locate: LOCATE,
                stamp: 0,
            },
            orders: HashMap::new(),
            levels: BTreeMap::new(),
            residues: HashMap::new(),
            next_residue: RESIDUE_IDS,
            next_match: 1,
        }
    }

    /// The messages that say what a frame says.
    pub(crate) fn frame(&mut self, frame: FrameRef<'_>, out: &mut Vec<Vec<u8>>) {
        self.at.stamp = (frame.ts() - self.midnight).0;
        match frame.kind() {
            Kind::Add => {
                let add = frame.read::<Add>();
                self.add(add.order_id, add.side, add.price, add.qty, out);
            }
            Kind::Modify => {
                let modify = frame.read::<Modify>();
                assert_ne!(modify.flags & flags::REDUCE, 0, "LOBSTER only reduces");
                let key = (modify.side, modify.price);
                self.take(modify.order_id, key, modify.qty, Self::cancel, out);
            }
            Kind::Delete => {
                let delete = frame.read::<Delete>();
                let key = (delete.side, delete.price);
                self.take(delete.order_id, key, delete.qty, Self::cancel, out);
            }
            Kind::Execute => {
                let execute = frame.read::<Execute>();
                if execute.flags & flags::HIDDEN != 0 {
                    let (qty, price) = (execute.qty, price_4(execute.price));
                    let id = self.matched();
                    out.push(write::trade(self.at, qty, &self.stock, price, id));
                    return;
                }
                let key = (execute.side, execute.price);
                self.take(execute.order_id, key, execute.qty, Self::executed, out);
            }
            Kind::Level => {
                let level = frame.read::<Level>();
                self.level(level, out);
            }
            Kind::Trade => {
                let trade = frame.read::<Trade>();
                let (qty, price, id) = (trade.qty, price_4(trade.price), self.matched());
                out.push(write::trade(self.at, qty, &self.stock, price, id));
            }
            Kind::Clear => assert!(self.orders.is_empty(), "only the start clears"),
            kind => panic!("a {kind} has no place in the sample"),
        }
    }

    fn matched(&mut self) -> u64 {
        self.next_match += 1;
        self.next_match
    }

    fn add(&mut self, id: u64, side: Side, price: Price, qty: u32, out: &mut Vec<Vec<u8>>) {
        let known = self.orders.insert(id, Order { side, price, qty });
        assert!(known.is_none(), "order {id} was added twice");
        self.levels.entry((side, price)).or_default().push(id);
        let (code, price) = (code(side), price_4(price));
        let message = match id % 4 {
            0 => write::add_mpid(self.at, id, code, qty, &self.stock, price),
            _ => write::add(self.at, id, code, qty, &self.stock, price),
        };
        out.push(message);
    }

    fn cancel(&mut self, id: u64, qty: u32, rest: u32) -> Vec<u8> {
        if rest == 0 {
            write::delete(self.at, id)
        } else {
            write::cancel(self.at, id, qty)
        }
    }

    fn executed(&mut self, id: u64, qty: u32, _rest: u32) -> Vec<u8> {
        let matched = self.matched();
        write::executed(self.at, id, qty, matched)
    }

    /// Takes `qty` from an order, or from the residue of its level when it was never seen.
    fn take(
        &mut self,
        id: u64,
        key: (Side, Price),
        qty: u32,
        message: fn(&mut Self, u64, u32, u32) -> Vec<u8>,
        out: &mut Vec<Vec<u8>>,
    ) {
        let id = match self.orders.get(&id) {
            Some(_) => id,
            None => self.residues[&key],
        };
        let order = self.orders.get_mut(&id).expect("the residue is an order");
        assert_eq!(
            (order.side, order.price),
            key,
            "order {id} stands elsewhere"
        );
        order.qty = order.qty.checked_sub(qty).expect("no more than is there");
        let rest = order.qty;
        if rest == 0 {
            self.remove(id, key);
        }
        let bytes = message(self, id, qty, rest);
        out.push(bytes);
    }

    fn remove(&mut self, id: u64, key: (Side, Price)) {
        self.orders.remove(&id);
        if self.residues.get(&key) == Some(&id) {
            self.residues.remove(&key);
        }
        let ids = self.levels.get_mut(&key).expect("its level is known");
        ids.retain(|&other| other != id);
        if ids.is_empty() {
            self.levels.remove(&key);
        }
    }

    fn level(&mut self, level: &Level, out: &mut Vec<Vec<u8>>) {
        let key = (level.side, level.price);
        if level.flags & flags::FORGOTTEN != 0 {
            for id in self
                .levels
                .remove(&key)
                .expect("a forgotten level was known")
            {
                self.orders.remove(&id);
                out.push(write::delete(self.at, id));
            }
            self.residues.remove(&key);
            return;
        }
        assert_ne!(
            level.flags & flags::REVEALED,
            0,
            "LOBSTER levels are revealed or forgotten"
        );
        assert!(!self.levels.contains_key(&key), "a revealed level is new");
        let id = self.next_residue;
        self.next_residue += 1;
        let qty = u32::try_from(level.qty).expect("sample levels are small");
        self.add(id, level.side, level.price, qty, out);
        self.residues.insert(key, id);
    }
}

/// A LOBSTER day record by record: the frames, and the messages that say the same.
pub(crate) struct Day {
    decoder: Box<dyn Decode>,
    frames: Frames,
    transcoder: Transcoder,
}

/// One record of a day.
pub(crate) struct Event {
    pub(crate) frames: stream::stage::Collected,
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) ts: Nanos,
}

/// The sample days' date.
pub(crate) const DATE: jiff::civil::Date = jiff::civil::date(2012, 6, 21);

impl Day {
    pub(crate) fn open(path: &Path, stock: &str) -> Self {
        let universe = super::universe(&[stock]);
        let options = file::Options {
            source: SourceId(1),
            universe: &universe,
            bars: None,
        };
        let midnight = feed::itch::midnight(DATE).expect("the date is in range");
        Self {
            decoder: file::decoder(path, &options).expect("the sample opens"),
            frames: Frames::new(SourceId(1)),
            transcoder: Transcoder::new(stock, midnight),
        }
    }

    /// What a session begins with.
    pub(crate) fn opening(&self) -> Vec<Vec<u8>> {
        let at = At {
            locate: LOCATE,
            stamp: 34_000_000_000_000,
        };
        let other = At { locate: 99, ..at };
        vec![
            write::system(at, b'O'),
            write::directory(other, "ZVZZT", b'N'),
            write::directory(at, &self.transcoder.stock, b'N'),
            write::action(at, &self.transcoder.stock, b'T', ""),
        ]
    }
}

impl Iterator for Day {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let record = self
            .decoder
            .decode(&mut self.frames)
            .expect("the sample is sound")?;
        let mut event = Event {
            frames: stream::stage::Collected::default(),
            messages: Vec::new(),
            ts: record.venue_ts,
        };
        while let Some(frame) = self.frames.front() {
            self.transcoder.frame(frame, &mut event.messages);
            stream::Out::put(&mut event.frames, frame);
            self.frames.pop();
        }
        Some(event)
    }
}

/// The first `records` of a day as one session of messages.
pub(crate) fn session(path: &Path, stock: &str, records: usize) -> Vec<Vec<u8>> {
    let day = Day::open(path, stock);
    let mut messages = day.opening();
    for event in day.take(records) {
        messages.extend(event.messages);
    }
    messages
}

/// The one instrument of a day.
pub(crate) const STOCK: InstrumentId = super::ONE;
