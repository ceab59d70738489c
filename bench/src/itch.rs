//! A day's frames as ITCH 5.0 messages, for measuring the parser.
//!
//! One message for each event; levels that are only revealed have none. What a message says of
//! orders that were never added is as it is: a parser does not follow orders.

use stream::payload::{Add, Delete, Execute, Modify, Trade, flags};
use stream::{FrameRef, Kind, Nanos, Price, Side};

const LOCATE: u16 = 1;

/// Messages of one day with their lengths before them, as in a BinaryFILE.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// Lengths and messages.
    pub bytes: Vec<u8>,
    /// How many.
    pub count: u64,
}

impl Messages {
    /// The messages of a day of one stock, its directory first.
    #[must_use]
    pub fn of<'a>(
        stock: &str,
        midnight: Nanos,
        frames: impl Iterator<Item = FrameRef<'a>>,
    ) -> Self {
        let mut messages = Self::default();
        messages.directory(stock);
        for frame in frames {
            messages.frame(frame, stock, midnight);
        }
        messages
    }

    /// The messages one by one.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let (length, behind) = rest.split_first_chunk::<2>()?;
            let (message, behind) =
                behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = behind;
            Some(message)
        })
    }

    fn put(&mut self, code: u8, stamp: u64, body: &[&[u8]]) {
        let length = 11 + body.iter().map(|part| part.len()).sum::<usize>();
        self.bytes.extend((length as u16).to_be_bytes());
        self.bytes.push(code);
        self.bytes.extend(LOCATE.to_be_bytes());
        self.bytes.extend([0; 2]);
        self.bytes.extend(&stamp.to_be_bytes()[2..]);
        for part in body {
            self.bytes.extend(*part);
        }
        self.count += 1;
    }

    fn directory(&mut self, stock: &str) {
        // Market and status, a round lot of 100, not only round lots, then class, subtype and
        // the flags that nothing here looks at.
        let head: [&[u8]; 4] = [&name(stock), b"QN", &100_u32.to_be_bytes(), b"N"];
        let tail: [&[u8]; 3] = [b"CZ PN 1N", &[0; 4], b"N"];
        self.put(b'R', 0, &[&head[..], &tail[..]].concat());
    }

    fn frame(&mut self, frame: FrameRef<'_>, stock: &str, midnight: Nanos) {
        let stamp = frame.ts().saturating_sub(midnight).0;
        match frame.kind() {
            Kind::Add => {
                let add = frame.read::<Add>();
                let id = add.order_id.to_be_bytes();
                let (side, qty) = ([code(add.side)], add.qty.to_be_bytes());
                let body: [&[u8]; 5] = [&id, &side, &qty, &name(stock), &price(add.price)];
                self.put(b'A', stamp, &body);
            }
            Kind::Modify => {
                let modify = frame.read::<Modify>();
                let (id, qty) = (modify.order_id.to_be_bytes(), modify.qty.to_be_bytes());
                if modify.flags & flags::REDUCE != 0 {
                    self.put(b'X', stamp, &[&id, &qty]);
                } else {
                    let new = modify.new_order_id.to_be_bytes();
                    self.put(b'U', stamp, &[&id, &new, &qty, &price(modify.price)]);
                }
            }
            Kind::Delete => {
                let id = frame.read::<Delete>().order_id.to_be_bytes();
                self.put(b'D', stamp, &[&id]);
            }
            Kind::Execute => {
                let execute = frame.read::<Execute>();
                let (id, qty) = (execute.order_id.to_be_bytes(), execute.qty.to_be_bytes());
                let number = self.count.to_be_bytes();
                if execute.flags & flags::HIDDEN == 0 {
                    self.put(b'E', stamp, &[&id, &qty, &number]);
                } else {
                    self.trade(stamp, stock, execute.qty, execute.price);
                }
            }
            Kind::Trade => {
                let trade = frame.read::<Trade>();
                self.trade(stamp, stock, trade.qty, trade.price);
            }
            _ => {}
        }
    }

    fn trade(&mut self, stamp: u64, stock: &str, qty: u32, at: Price) {
        let number = self.count.to_be_bytes();
        let (id, qty) = ([0; 8], qty.to_be_bytes());
        let body: [&[u8]; 6] = [&id, b"B", &qty, &name(stock), &price(at), &number];
        self.put(b'P', stamp, &body);
    }
}

fn name(stock: &str) -> [u8; 8] {
    let mut name = [b' '; 8];
    for (place, byte) in name.iter_mut().zip(stock.bytes()) {
        *place = byte;
    }
    name
}

const fn code(side: Side) -> u8 {
    match side {
        Side::Sell => b'S',
        Side::Buy | Side::None => b'B',
    }
}

/// Four decimals; what does not fit is the largest price there is.
fn price(price: Price) -> [u8; 4] {
    u32::try_from(price.0 / 100_000)
        .unwrap_or(u32::MAX)
        .to_be_bytes()
}
