//! From a message line and its orderbook row to frames.

use super::known::Known;
use super::message::{Change, Message, read};
use super::row::{self, Cell};
use crate::file::{Frames, Record};
use stream::payload::{
    Add, Clear, Delete, Execute, FaultCode, Halt, HaltState, Level, Modify, Trade, flags,
};
use stream::{InstrumentId, Nanos, Price, Side};

/// Which of the two lines cannot be read, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The message.
    Message(&'static str),
    /// The orderbook row.
    Row(&'static str),
}

/// The codec of one file pair.
#[derive(Clone, Debug)]
pub struct Codec {
    instrument: InstrumentId,
    levels: usize,
    midnight: Nanos,
    asks: Known,
    bids: Known,
    started: bool,
    revealed: u64,
    /// Levels that one message reveals or makes forgotten; reused.
    behind: Vec<(Side, Price, u64)>,
}

impl Codec {
    /// A codec for one day's pair of files: `levels` a side, times counted from `midnight`.
    ///
    /// # Panics
    /// Unless `levels` is 1 to [`LEVELS_MAX`](super::LEVELS_MAX).
    #[must_use]
    pub fn new(instrument: InstrumentId, levels: usize, midnight: Nanos) -> Self {
        assert!(
            (1..=super::LEVELS_MAX).contains(&levels),
            "a LOBSTER file has 1 to 1,000 levels"
        );
        Self {
            instrument,
            levels,
            midnight,
            asks: Known::new(Side::Sell, levels),
            bids: Known::new(Side::Buy, levels),
            started: false,
            revealed: 0,
            behind: Vec::with_capacity(2 * levels + 2),
        }
    }

    /// Levels taken behind the deepest level known, the first row apart.
    #[must_use]
    pub const fn revealed(&self) -> u64 {
        self.revealed
    }

    /// Takes a message and the row that is the book after it; `line` is their number, from 1.
    ///
    /// # Errors
    /// When one of them is no line of its format. Values that are read but make no sense become a
    /// `Fault`, and the message is skipped.
    pub fn record(
        &mut self,
        message: &[u8],
        row: &[u8],
        line: u64,
        frames: &mut Frames,
    ) -> Result<Record, Wrong> {
        let message = read(message, self.midnight).map_err(Wrong::Message)?;
        if !row::has_shape(row, self.levels) {
            let what = "does not have the fields of the levels that the file's name says";
            return Err(Wrong::Row(what));
        }
        frames.begin(message.ts, self.instrument, line);
        let change = message.change();
        let mut fault = change.err();
        let change = change.unwrap_or(None);
        if !self.started {
            if !self.start(change, row).map_err(Wrong::Row)? {
                fault = Some(FaultCode::BadValue);
            }
            let follows = fault.is_none() && message.has_flags();
            self.emit_start(message.ts, follows, frames);
        }
        if fault.is_none() {
            fault = self.track(change).err();
        }
        self.behind.clear();
        self.forget();
        let forgotten = self.behind.len();
        let sound = self.reveal(row).map_err(Wrong::Row)?;
        if !sound {
            frames.fault(self.instrument, FaultCode::BadPosition, line, 0);
        }
        match fault {
            Some(code) => {
                frames.fault(self.instrument, code, line, message.order_id as u64);
            }
            None => self.emit_message(&message, line, frames),
        }
        self.emit_behind(forgotten, message.ts, frames);
        Ok(Record {
            venue_ts: message.ts,
            sequence: line,
            instrument: self.instrument,
            last: true,
        })
    }

    fn side(&mut self, side: Side) -> &mut Known {
        if side == Side::Buy {
            &mut self.bids
        } else {
            &mut self.asks
        }
    }

    /// The very first row, with the first message taken back, so that the message itself can
    /// follow like any other. False when the message contradicts the row.
    fn start(&mut self, change: Option<Change>, row: &[u8]) -> Result<bool, &'static str> {
        let (asks, bids) = (&mut self.asks, &mut self.bids);
        let mut sorted = true;
        row::cells(row, self.levels, 0, 0, |bid, _, cell| {
            let side = if bid { &mut *bids } else { &mut *asks };
            match cell {
                Cell::Level(price, qty) => sorted &= !side.complete && side.reveal(price, qty),
                Cell::Empty => side.complete = true,
            }
        })?;
        if !sorted {
            return Err("is no book: its levels do not become worse from left to right");
        }
        self.started = true;
        let Some(change) = change else {
            return Ok(true);
        };
        let side = self.side(change.side);
        let qty = u64::from(change.qty);
        Ok(if change.adds {
            side.take(change.price, qty)
        } else {
            side.add(change.price, qty)
        })
    }

    /// An empty book, then what is known; `follows` tells whether a frame of the same event does.
    fn emit_start(&mut self, ts: Nanos, follows: bool, frames: &mut Frames) {
        let mut left = self.asks.len() + self.bids.len();
        let more = |left: usize| if follows || left > 0 { flags::MORE } else { 0 };
        let clear = Clear {
            venue_ts: ts,
            source: frames.source(),
            flags: more(left),
            spare: [0; 21],
        };
        frames.push(self.instrument, &clear);
        for side in [&self.asks, &self.bids] {
            for &(price, qty) in side.levels() {
                left -= 1;
                let flags = flags::REVEALED | more(left);
                let level = level(side.side(), price, qty, flags, ts, frames);
                frames.push(self.instrument, &level);
            }
        }
    }

    /// Follows the message in the known levels.
    fn track(&mut self, change: Option<Change>) -> Result<(), FaultCode> {
        let Some(change) = change else {
            return Ok(());
        };
        let side = self.side(change.side);
        let qty = u64::from(change.qty);
        if change.adds {
            let sound = side.add(change.price, qty);
            return if sound {
                Ok(())
            } else {
                Err(FaultCode::BadValue)
            };
        }
        let sound = side.take(change.price, qty);
        if sound {
            Ok(())
        } else {
            Err(FaultCode::UnknownOrder)
        }
    }

    /// Levels that were pushed out of the N levels.
    fn forget(&mut self) {
        for side in [&mut self.asks, &mut self.bids] {
            while let Some(price) = side.forget(self.levels) {
                self.behind.push((side.side(), price, 0));
            }
        }
    }

    /// Levels that came into the N levels. False when the row shows something there that does not
    /// stand behind the deepest known level.
    fn reveal(&mut self, row: &[u8]) -> Result<bool, &'static str> {
        let (asks, bids) = (&mut self.asks, &mut self.bids);
        let from = |side: &Known| {
            if side.complete {
                self.levels
            } else {
                side.len()
            }
        };
        let (ask_from, bid_from) = (from(asks), from(bids));
        let (mut sound, behind) = (true, &mut self.behind);
        row::cells(row, self.levels, ask_from, bid_from, |bid, _, cell| {
            let side = if bid { &mut *bids } else { &mut *asks };
            match cell {
                Cell::Empty => side.complete = true,
                Cell::Level(price, qty) if !side.complete && side.reveal(price, qty) => {
                    behind.push((side.side(), price, qty));
                }
                Cell::Level(..) => sound = false,
            }
        })?;
        for side in [asks, bids] {
            // What is added behind a full side has no message: from now on nobody knows.
            side.complete &= side.len() < self.levels;
        }
        Ok(sound)
    }

    fn emit_behind(&mut self, forgotten: usize, ts: Nanos, frames: &mut Frames) {
        let count = self.behind.len();
        for (index, &(side, price, qty)) in self.behind.iter().enumerate() {
            let what = if index < forgotten {
                flags::FORGOTTEN
            } else {
                self.revealed += 1;
                flags::REVEALED
            };
            let more = if index + 1 < count { flags::MORE } else { 0 };
            let level = level(side, price, qty, what | more, ts, frames);
            frames.push(self.instrument, &level);
        }
    }

    fn emit_message(&self, message: &Message, line: u64, frames: &mut Frames) {
        let more = if self.behind.is_empty() {
            0
        } else {
            flags::MORE
        };
        let emitted = match message.kind {
            1..=4 => self.emit_order(message, more, frames),
            5 | 6 => self.emit_print(message, more, frames),
            7 => self.emit_halt(message, frames),
            _ => {
                let kind = message.kind as u64;
                frames.fault(self.instrument, FaultCode::UnknownType, line, kind);
                return;
            }
        };
        if emitted.is_none() {
            let value = message.price_text as u64;
            frames.fault(self.instrument, FaultCode::BadValue, line, value);
        }
    }

    /// Types 1 to 4: a displayed order. Price, quantity and side are told always, because orders
    /// of revealed levels are known by nothing else.
    fn emit_order(&self, message: &Message, flags: u8, frames: &mut Frames) -> Option<()> {
        let order_id = message.order_id as u64;
        let (price, qty, side) = (message.price()?, message.qty()?, message.side()?);
        let (source, venue_ts) = (frames.source(), message.ts);
        match message.kind {
            1 => frames.push(
                self.instrument,
                &Add {
                    order_id,
                    price,
                    qty,
                    side,
                    flags,
                    source,
                    venue_ts,
                },
            ),
            2 => {
                let (new_order_id, flags) = (order_id, flags | flags::REDUCE);
                frames.push(
                    self.instrument,
                    &Modify {
                        order_id,
                        new_order_id,
                        price,
                        qty,
                        side,
                        flags,
                        source,
                    },
                );
            }
            3 => frames.push(
                self.instrument,
                &Delete {
                    order_id,
                    price,
                    qty,
                    side,
                    flags,
                    source,
                    venue_ts,
                },
            ),
            _ => frames.push(
                self.instrument,
                &Execute {
                    order_id,
                    price,
                    qty,
                    side,
                    flags,
                    source,
                    venue_ts,
                },
            ),
        }
        Some(())
    }

    /// Type 5, a hidden order's execution, and type 6, a cross: only the tape is told.
    fn emit_print(&self, message: &Message, more: u8, frames: &mut Frames) -> Option<()> {
        let (price, qty) = (message.price()?, message.qty()?);
        let (source, venue_ts) = (frames.source(), message.ts);
        if message.kind == 5 {
            let side = message.side()?;
            let flags = more | flags::HIDDEN;
            frames.push(
                self.instrument,
                &Execute {
                    order_id: 0,
                    price,
                    qty,
                    side,
                    flags,
                    source,
                    venue_ts,
                },
            );
            return Some(());
        }
        let trade = Trade {
            price,
            trade_id: 0,
            qty,
            side: Side::None,
            flags: more | flags::NON_PRINTABLE,
            source,
            venue_ts,
        };
        frames.push(self.instrument, &trade);
        Some(())
    }

    /// Type 7: the price says what happens, −1 a halt, 0 quoting resumes, 1 trading resumes.
    fn emit_halt(&self, message: &Message, frames: &mut Frames) -> Option<()> {
        let state = match message.price_text {
            -1 => HaltState::Halted,
            0 => HaltState::QuoteOnly,
            1 => HaltState::Trading,
            _ => return None,
        };
        let halt = Halt {
            venue_ts: message.ts,
            reason: [0; 8],
            source: frames.source(),
            state,
            spare: [0; 13],
        };
        frames.push(self.instrument, &halt);
        Some(())
    }
}

fn level(side: Side, price: Price, qty: u64, flags: u8, ts: Nanos, frames: &Frames) -> Level {
    Level {
        price,
        qty,
        orders: 0,
        side,
        flags,
        source: frames.source(),
        venue_ts: ts,
    }
}
