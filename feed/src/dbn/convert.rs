//! From records to frames.

use super::symbology::Symbology;
use crate::file::{Frames, Record};
use ::dbn::enums::rtype;
use ::dbn::record::{BidAskPair, MboMsg, Mbp1Msg, Mbp10Msg, TradeMsg};
use ::dbn::{FlagSet, HasRType, RecordRef, UNDEF_PRICE, UNDEF_TIMESTAMP};
use core::ffi::c_char;
use stream::payload::{
    Add, Clear, Delete, DepthSnapshot, Execute, FaultCode, Gap, GapReason, Modify, Quote,
    SNAPSHOT_ROWS, Trade, flags,
};
use stream::{InstrumentId, Nanos, Price, Side};

/// A record is shorter than its type.
#[derive(Debug)]
pub(super) struct TooShort;

/// What all records of market data have.
struct Common {
    instrument: InstrumentId,
    venue_ts: Nanos,
    sequence: u32,
    last: bool,
    /// Flags of a frame that this record makes.
    flags: u8,
    /// The publisher says that the book may be bad.
    doubted: bool,
    position: u64,
}

/// Turns records into frames and counts what it does not turn.
#[derive(Debug)]
pub(super) struct Converter {
    pub(super) unasked: u64,
    pub(super) skipped: u64,
    /// By instrument: the publisher said that the book may be bad, and it was passed on.
    gapped: Vec<bool>,
}

fn side(code: c_char) -> Side {
    match code as u8 {
        b'B' => Side::Buy,
        b'A' => Side::Sell,
        _ => Side::None,
    }
}

fn stamp(raw: u64) -> Nanos {
    Nanos(if raw == UNDEF_TIMESTAMP { 0 } else { raw })
}

fn get<'a, T: HasRType<Header = ::dbn::RecordHeader>>(
    record: RecordRef<'a>,
) -> Result<&'a T, TooShort> {
    if record.header().record_size() < size_of::<T>() {
        return Err(TooShort);
    }
    record.try_get::<T>().map_err(|_| TooShort)
}

impl Converter {
    pub(super) fn new(instruments: usize) -> Self {
        Self {
            unasked: 0,
            skipped: 0,
            gapped: vec![false; instruments + 1],
        }
    }

    /// Turns one record into frames.
    pub(super) fn convert(
        &mut self,
        record: RecordRef<'_>,
        version: u8,
        symbology: &mut Symbology,
        position: u64,
        frames: &mut Frames,
    ) -> Result<Record, TooShort> {
        let common = match record.header().rtype {
            rtype::MBO => {
                let msg: &MboMsg = get(record)?;
                let times = (msg.ts_recv, msg.sequence, msg.flags);
                let common = self.begin(record, times, symbology, position, frames);
                common.inspect(|common| {
                    self.mbo(msg, common, frames);
                })
            }
            rtype::MBP_1 => {
                let msg: &Mbp1Msg = get(record)?;
                let times = (msg.ts_recv, msg.sequence, msg.flags);
                let common = self.begin(record, times, symbology, position, frames);
                common.inspect(|common| {
                    if msg.action as u8 == b'T' {
                        print(common, (msg.price, msg.size, msg.side), flags::MORE, frames);
                    }
                    quote(&msg.levels[0], common, frames);
                    if common.last {
                        self.recover(common, frames);
                    }
                })
            }
            rtype::MBP_10 => {
                let msg: &Mbp10Msg = get(record)?;
                let times = (msg.ts_recv, msg.sequence, msg.flags);
                let common = self.begin(record, times, symbology, position, frames);
                common.inspect(|common| {
                    if msg.action as u8 == b'T' {
                        print(common, (msg.price, msg.size, msg.side), 0, frames);
                    }
                    if common.last {
                        self.depth(&msg.levels, common, frames);
                    }
                })
            }
            rtype::MBP_0 => {
                let msg: &TradeMsg = get(record)?;
                let times = (msg.ts_recv, msg.sequence, msg.flags);
                let common = self.begin(record, times, symbology, position, frames);
                common.inspect(|common| {
                    print(common, (msg.price, msg.size, msg.side), 0, frames);
                    self.recover(common, frames);
                })
            }
            rtype::SYMBOL_MAPPING => {
                self.skipped += 1;
                map_symbol(record, version, symbology)?;
                return Ok(Record::default());
            }
            _ => {
                self.skipped += 1;
                return Ok(Record::default());
            }
        };
        Ok(common.map_or_else(Record::default, |common| Record {
            venue_ts: common.venue_ts,
            sequence: u64::from(common.sequence),
            instrument: common.instrument,
            last: common.last,
        }))
    }

    /// What a record of market data is about; `None` when nobody asked for it.
    fn begin(
        &mut self,
        record: RecordRef<'_>,
        (ts_recv, sequence, marks): (u64, u32, FlagSet),
        symbology: &mut Symbology,
        position: u64,
        frames: &mut Frames,
    ) -> Option<Common> {
        let header = record.header();
        let venue_ts = stamp(header.ts_event);
        let ts = match stamp(ts_recv) {
            Nanos::ZERO if venue_ts == Nanos::ZERO => frames.now(),
            Nanos::ZERO => venue_ts,
            ts => ts,
        };
        let Some(instrument) = symbology.instrument(header.instrument_id, ts) else {
            self.unasked += 1;
            return None;
        };
        frames.begin(ts, instrument, position);
        let doubted = marks.is_maybe_bad_book();
        let gapped = &mut self.gapped[instrument.index()];
        if doubted && !*gapped {
            *gapped = true;
            gap(instrument, sequence, GapReason::Lost, frames);
        }
        let last = marks.is_last();
        let snapshot = if marks.is_snapshot() {
            flags::SNAPSHOT
        } else {
            0
        };
        Some(Common {
            instrument,
            venue_ts,
            sequence,
            last,
            flags: snapshot | if last { 0 } else { flags::MORE },
            doubted,
            position,
        })
    }

    /// What a record tells is whole, and the publisher no longer doubts it: the book is sound
    /// again. Not so for orders, where what was lost stays lost until the book is cleared.
    fn recover(&mut self, common: &Common, frames: &mut Frames) {
        let gapped = &mut self.gapped[common.instrument.index()];
        if *gapped && !common.doubted {
            *gapped = false;
            let (instrument, sequence) = (common.instrument, common.sequence);
            gap(instrument, sequence, GapReason::Recovered, frames);
        }
    }

    /// The book at an event's end. A snapshot makes a gapped book sound: behind one that the
    /// publisher doubts the gap is told again, and up to there the book is between two states.
    fn depth(
        &mut self,
        levels: &[BidAskPair; SNAPSHOT_ROWS],
        common: &Common,
        frames: &mut Frames,
    ) {
        let mut snapshot = DepthSnapshot {
            venue_ts: common.venue_ts,
            source: frames.source(),
            flags: u8::from(common.doubted) * flags::MORE,
            ..DepthSnapshot::zeroed()
        };
        for pair in levels {
            let (price, qty) = level(pair.bid_px, pair.bid_sz);
            if qty > 0 {
                snapshot.prices[usize::from(snapshot.bids)] = price;
                snapshot.qtys[usize::from(snapshot.bids)] = qty;
                snapshot.bids += 1;
            }
            let (price, qty) = level(pair.ask_px, pair.ask_sz);
            if qty > 0 {
                let at = SNAPSHOT_ROWS + usize::from(snapshot.asks);
                snapshot.prices[at] = price;
                snapshot.qtys[at] = qty;
                snapshot.asks += 1;
            }
        }
        frames.push(common.instrument, &snapshot);
        self.gapped[common.instrument.index()] = common.doubted;
        if common.doubted {
            gap(common.instrument, common.sequence, GapReason::Lost, frames);
        }
    }

    fn mbo(&mut self, msg: &MboMsg, common: &Common, frames: &mut Frames) {
        let instrument = common.instrument;
        match msg.action as u8 {
            b'A' | b'M' => place(msg, common, frames),
            b'C' => cancel(msg, common, frames),
            b'R' => {
                self.gapped[instrument.index()] = false;
                let clear = Clear {
                    venue_ts: common.venue_ts,
                    source: frames.source(),
                    flags: common.flags,
                    spare: [0; 21],
                };
                frames.push(instrument, &clear);
            }
            b'T' => {
                let trade = (msg.price, msg.size, msg.side);
                if !print(common, trade, common.flags, frames) {
                    close(msg, common, frames);
                }
            }
            b'F' | b'N' => {
                self.skipped += 1;
                close(msg, common, frames);
            }
            other => {
                let code = FaultCode::UnknownType;
                frames.fault(instrument, code, common.position, u64::from(other));
                close(msg, common, frames);
            }
        }
    }
}

/// An order comes, or takes new values.
fn place(msg: &MboMsg, common: &Common, frames: &mut Frames) {
    let (instrument, source) = (common.instrument, frames.source());
    let (order_id, price, qty) = (msg.order_id, Price(msg.price), msg.size);
    let (side, flags, venue_ts) = (side(msg.side), common.flags, common.venue_ts);
    let whole = msg.price != UNDEF_PRICE && qty > 0 && side != Side::None;
    if !whole || msg.flags.is_tob() {
        let code = FaultCode::BadValue;
        frames.fault(instrument, code, common.position, order_id);
        close(msg, common, frames);
    } else if msg.action as u8 == b'A' {
        let add = Add {
            order_id,
            price,
            qty,
            side,
            flags,
            source,
            venue_ts,
        };
        frames.push(instrument, &add);
    } else {
        let modify = Modify {
            order_id,
            new_order_id: order_id,
            price,
            qty,
            side,
            flags,
            source,
        };
        frames.push(instrument, &modify);
    }
}

/// An order loses quantity, or leaves where no quantity is told.
fn cancel(msg: &MboMsg, common: &Common, frames: &mut Frames) {
    let (order_id, qty, source) = (msg.order_id, msg.size, frames.source());
    let (price, side) = (defined(msg.price), side(msg.side));
    if qty == 0 {
        let delete = Delete {
            order_id,
            price,
            qty,
            side,
            flags: common.flags,
            source,
            venue_ts: common.venue_ts,
        };
        frames.push(common.instrument, &delete);
        return;
    }
    let modify = Modify {
        order_id,
        new_order_id: order_id,
        price,
        qty,
        side,
        flags: common.flags | flags::REDUCE,
        source,
    };
    frames.push(common.instrument, &modify);
}

/// Ends an event whose last record has no frame of its own: an execution that changes neither
/// book nor volume stands in for it, so that the book does not wait for ever.
fn close(msg: &MboMsg, common: &Common, frames: &mut Frames) {
    if !common.last {
        return;
    }
    let execute = Execute {
        order_id: 0,
        price: defined(msg.price),
        qty: msg.size,
        side: side(msg.side),
        flags: flags::HIDDEN | flags::NON_PRINTABLE,
        source: frames.source(),
        venue_ts: common.venue_ts,
    };
    frames.push(common.instrument, &execute);
}

fn defined(price: i64) -> Price {
    Price(if price == UNDEF_PRICE { 0 } else { price })
}

/// A trade, with the side of its aggressor. False when it is none, which is told.
fn print(
    common: &Common,
    (price, qty, aggressor): (i64, u32, c_char),
    flags: u8,
    frames: &mut Frames,
) -> bool {
    if price == UNDEF_PRICE || qty == 0 {
        let code = FaultCode::BadValue;
        frames.fault(common.instrument, code, common.position, u64::from(qty));
        return false;
    }
    let trade = Trade {
        price: Price(price),
        trade_id: 0,
        qty,
        side: side(aggressor),
        flags,
        source: frames.source(),
        venue_ts: common.venue_ts,
    };
    frames.push(common.instrument, &trade);
    true
}

fn quote(best: &BidAskPair, common: &Common, frames: &mut Frames) {
    let (bid, bid_qty) = level(best.bid_px, best.bid_sz);
    let (ask, ask_qty) = level(best.ask_px, best.ask_sz);
    let quote = Quote {
        bid,
        ask,
        bid_qty,
        ask_qty,
        source: frames.source(),
        flags: common.flags,
        spare: [0; 5],
    };
    frames.push(common.instrument, &quote);
}

/// A level as told; nothing where there is none.
fn level(price: i64, qty: u32) -> (Price, u32) {
    if price == UNDEF_PRICE || qty == 0 {
        (Price::ZERO, 0)
    } else {
        (Price(price), qty)
    }
}

fn gap(instrument: InstrumentId, sequence: u32, reason: GapReason, frames: &mut Frames) {
    let gap = Gap {
        from: u64::from(sequence),
        to: 0,
        lost: 0,
        source: frames.source(),
        reason,
        spare: [0; 5],
    };
    frames.push(instrument, &gap);
}

/// A mapping in the middle of a file. Its symbols are of the version's own length.
fn map_symbol(
    record: RecordRef<'_>,
    version: u8,
    symbology: &mut Symbology,
) -> Result<(), TooShort> {
    let header = record.header();
    let names = if version == 1 {
        let msg: &::dbn::v1::SymbolMappingMsg = get(record)?;
        [
            super::words(&msg.stype_in_symbol),
            super::words(&msg.stype_out_symbol),
        ]
    } else {
        let msg: &::dbn::SymbolMappingMsg = get(record)?;
        [
            super::words(&msg.stype_in_symbol),
            super::words(&msg.stype_out_symbol),
        ]
    };
    let names = names.each_ref().map(String::as_str);
    symbology.map(names, header.instrument_id, stamp(header.ts_event));
    Ok(())
}
