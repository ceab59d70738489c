//! Messages to frames: at most one frame a message, for the wanted universe only.
//!
//! | message | frame |
//! |---|---|
//! | `A` `F` | `Add` |
//! | `E` | `Execute` at the order's own price |
//! | `C` | `Execute` at the price given; `NON_PRINTABLE` when so marked |
//! | `X` | `Modify` with `REDUCE` |
//! | `D` | `Delete` |
//! | `U` | `Modify` to a new id, price and quantity; the book keeps the side |
//! | `P` | `Trade`, the aggressor's side unknown: the venue always prints `B` |
//! | `Q` | `Trade`; none where the cross found no match |
//! | `H` `h` | `Halt`, of both causes together |
//! | `R` | `Instrument`, with the locate; the lot is 1 unless only round lots trade |
//!
//! A cross is printed twice by the venue, in bulk as `Q` and order by order as `C` marked
//! non-printable. The specification counts `Q` in volume and skips the `C`s, and so does this.
//! Everything else (`S Y L V W K J B I N O`) makes no frame and is counted by type: a broken trade
//! does not change the book, and the tape of a strategy that has acted on it is not rewritten.
//!
//! A stock's locate of the day is learned from its directory message, or from any message that
//! names the stock where the directory was missed. Messages of other stocks cost one look into a
//! table. Stamps become UTC.

use super::directory::{definition, names_an_order, stock};
use super::message::{
    CrossTrade, HEAD, LENGTHS, OperationalHalt, OrderExecutedPrice, OrderReplace, StockDirectory,
    TradingAction, stamp,
};
use super::sink::{Counts, Made, Sink};
use super::{ItchError, Message};
use crate::symbols::Universe;
use stream::limits::INSTRUMENTS_MAX;
use stream::payload::{
    Add, Delete, Execute, FaultCode, Halt, HaltState, Modify, Trade, flags, text,
};
use stream::{InstrumentId, Nanos, Payload, Price, Side, SourceId};

/// 1e-9 dollars in one unit of `Price(4)`.
const PRICE_4: i64 = 100_000;
/// Stamps are below this: a day and the hour that a clock change adds.
const STAMP_END: u64 = 25 * 3_600 * 1_000_000_000;
/// A locate that no message has named yet; not an instrument.
const UNSEEN: u16 = u16::MAX;
const _: () = assert!(INSTRUMENTS_MAX < UNSEEN as usize);

/// What may trade in an instrument.
#[derive(Clone, Copy, Debug, Default)]
struct Trading {
    /// Regulatory state, on every venue.
    state: HaltState,
    reason: [u8; 8],
    /// Halted by Nasdaq alone.
    operational: bool,
}

/// What is wrong with a message.
enum Bad {
    /// Not as long as its type, or of no type.
    Length,
    /// A value outside its range.
    Value(u64),
}

/// A message whose type and length were checked.
#[inline(always)]
fn checked(bytes: &[u8]) -> Message<'_> {
    Message::parse(bytes).expect("type and length were checked")
}

/// Turns messages into frames.
#[derive(Clone, Debug)]
pub struct Decoder {
    source: SourceId,
    midnight: Nanos,
    universe: Universe,
    /// Instrument by locate; 0 is unwanted.
    locates: Box<[u16; 1 << 16]>,
    /// By instrument id.
    trading: Box<[Trading]>,
    located: u64,
    replay: u8,
    counts: Counts,
}

impl Decoder {
    /// A decoder of one session. `midnight` is the session date's start in New York, see
    /// [`midnight`](super::midnight). Symbols longer than ITCH's 8 characters never match.
    #[must_use]
    pub fn new(source: SourceId, midnight: Nanos, universe: &Universe) -> Self {
        Self {
            source,
            midnight,
            universe: universe.clone(),
            locates: unseen(),
            trading: vec![Trading::default(); universe.len() + 1].into_boxed_slice(),
            located: 0,
            replay: 0,
            counts: Counts::NONE,
        }
    }

    /// What has been seen so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The source that its frames name.
    #[must_use]
    pub const fn source(&self) -> SourceId {
        self.source
    }

    /// The wanted instruments.
    #[must_use]
    pub const fn universe(&self) -> &Universe {
        &self.universe
    }

    /// How often a wanted stock was given its locate; 0 as long as none was named.
    #[must_use]
    pub const fn located(&self) -> u64 {
        self.located
    }

    /// Tells whether what follows repeats what was decoded before. Repeated orders and executions
    /// carry `SNAPSHOT`, executions also `NON_PRINTABLE`, and trades that name no order are left
    /// out, so that they rebuild the book and are not counted in volume twice.
    pub const fn set_replay(&mut self, replay: bool) {
        self.replay = if replay { flags::SNAPSHOT } else { 0 };
    }

    /// Decodes one message, without any length prefix; it makes at most one frame. `position` is
    /// where it stands in its source (byte offset or sequence number); a `Fault` repeats it.
    #[inline]
    pub fn decode<S: Sink>(&mut self, bytes: &[u8], position: u64, sink: &mut S) -> Made {
        // What is common to all types, the shortest of which are longer.
        let Some(head) = bytes.first_chunk::<HEAD>() else {
            return self.malformed(bytes, position, sink);
        };
        let code = head[0];
        let locate = u16::from_be_bytes([head[1], head[2]]);
        let mut known = self.locates[usize::from(locate)];
        let is_instrument = known.wrapping_sub(1) < UNSEEN - 1;
        let is_odd = !is_instrument || code == StockDirectory::CODE;
        // What is about an instrument is asked for its length where its fields are read.
        if is_odd && usize::from(LENGTHS[usize::from(code)]) != bytes.len() {
            return self.malformed(bytes, position, sink);
        }
        let count = &mut self.counts.by_type[usize::from(code)];
        // Nobody lives to see 2⁶⁴ messages.
        *count = count.wrapping_add(1);
        if is_odd {
            if known == 0 && code != StockDirectory::CODE {
                self.counts.unwanted += 1;
                return Made::NOTHING;
            }
            known = self.resolve(bytes, known);
            if known == 0 {
                return Made::NOTHING;
            }
        }
        self.wanted((stamp(head), bytes), InstrumentId(known), position, sink)
    }

    #[inline]
    fn wanted<S: Sink>(
        &mut self,
        (stamp, bytes): (u64, &[u8]),
        id: InstrumentId,
        position: u64,
        sink: &mut S,
    ) -> Made {
        if stamp >= STAMP_END {
            return self.refuse(&Bad::Value(stamp), bytes, position, sink);
        }
        let ts = self.midnight.saturating_add(Nanos(stamp));
        let mut to = To {
            ts,
            id,
            position,
            sink,
        };
        match self.write(bytes, &mut to) {
            Ok(frame) => Made {
                frame,
                instrument: id,
                venue_ts: ts,
            },
            Err(bad) => self.refuse(&bad, bytes, position, sink),
        }
    }

    /// A message of an instrument that was counted, and should not have been where its length is
    /// wrong.
    #[cold]
    fn refuse<S: Sink>(&mut self, bad: &Bad, bytes: &[u8], position: u64, sink: &mut S) -> Made {
        match (bad, Message::parse(bytes)) {
            (Bad::Value(value), Ok(_)) => self.fault(FaultCode::BadValue, *value, position, sink),
            _ => {
                self.counts.by_type[usize::from(bytes[0])] -= 1;
                self.malformed(bytes, position, sink)
            }
        }
    }

    /// The instrument of a locate that is new or named anew; 0 when it is unknown or unwanted.
    #[cold]
    fn resolve(&mut self, bytes: &[u8], known: u16) -> u16 {
        let message = checked(bytes);
        let Some(stock) = stock(&message) else {
            self.counts.unlocated += u64::from(names_an_order(&message));
            return 0;
        };
        let length = stock
            .iter()
            .rposition(|&byte| byte != b' ')
            .map_or(0, |last| last + 1);
        let id = self
            .universe
            .id_of_bytes(&stock[..length])
            .map_or(0, |id| id.0);
        self.locates[usize::from(message.locate())] = id;
        if id == 0 {
            self.counts.unwanted += 1;
        } else if id != known {
            self.located += 1;
        }
        id
    }

    #[cold]
    fn malformed<S: Sink>(&mut self, bytes: &[u8], position: u64, sink: &mut S) -> Made {
        let (code, value) = match Message::parse(bytes) {
            Err(ItchError::UnknownType { code }) => (FaultCode::UnknownType, u64::from(code)),
            Err(ItchError::Length { found, .. }) => (FaultCode::Malformed, found as u64),
            Err(ItchError::Empty) | Ok(_) => (FaultCode::Malformed, 0),
        };
        self.fault(code, value, position, sink)
    }

    /// Puts a fault of the transport into the same place as the messages'.
    pub(crate) fn report<S: Sink>(
        &mut self,
        code: FaultCode,
        position: u64,
        value: u64,
        sink: &mut S,
    ) {
        self.fault(code, value, position, sink);
    }

    #[cold]
    fn fault<S: Sink>(&mut self, code: FaultCode, value: u64, position: u64, sink: &mut S) -> Made {
        self.counts.faults += 1;
        sink.fault(self.source, code, position, value);
        Made::FAULT
    }

    /// Writes the message's frame; false when it makes none. What type it is of is asked here and
    /// nowhere before: which comes next nobody can foresee, and each jump by it costs anew.
    #[inline]
    fn write<S: Sink>(&mut self, bytes: &[u8], to: &mut To<'_, S>) -> Result<bool, Bad> {
        match Message::parse(bytes).map_err(|_| Bad::Length)? {
            Message::AddOrder(m) => {
                to.put(&self.add(m.order_id(), m.side(), m.shares(), m.price(), to.ts)?);
            }
            Message::AddOrderMpid(m) => {
                to.put(&self.add(m.order_id(), m.side(), m.shares(), m.price(), to.ts)?);
            }
            Message::OrderExecuted(m) => {
                to.put(&self.execute(m.order_id(), m.shares(), Price::ZERO, true, to.ts)?);
            }
            Message::OrderExecutedPrice(m) => to.put(&self.execute_at(m, to.ts)?),
            Message::OrderCancel(m) => to.put(&Modify {
                order_id: m.order_id(),
                new_order_id: m.order_id(),
                price: Price::ZERO,
                qty: some(m.shares())?,
                side: Side::None,
                flags: flags::REDUCE | self.replay,
                source: self.source,
            }),
            Message::OrderDelete(m) => to.put(&Delete {
                order_id: m.order_id(),
                price: Price::ZERO,
                qty: 0,
                side: Side::None,
                flags: self.replay,
                source: self.source,
                venue_ts: to.ts,
            }),
            Message::OrderReplace(m) => to.put(&self.replace(m)?),
            Message::TradeNonCross(m) => {
                let trade = self.trade(m.match_id(), m.price(), m.shares(), to.ts)?;
                return Ok(to.put_some(trade));
            }
            Message::CrossTrade(m) => return Ok(to.put_some(self.cross(m, to.ts)?)),
            Message::TradingAction(m) => to.put(&self.action(m, to.id, to.ts)?),
            Message::OperationalHalt(m) => {
                return Ok(to.put_some(self.operational(m, to.id, to.ts)?));
            }
            Message::StockDirectory(m) => {
                let locate = Message::StockDirectory(m).locate();
                to.put(&definition(m, locate).ok_or(Bad::Value(0))?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[inline]
    fn add(&self, order_id: u64, code: u8, qty: u32, price: u32, ts: Nanos) -> Result<Add, Bad> {
        Ok(Add {
            order_id,
            price: positive(price)?,
            qty: some(qty)?,
            side: side(code)?,
            flags: self.replay,
            source: self.source,
            venue_ts: ts,
        })
    }

    #[inline]
    fn execute(
        &self,
        order_id: u64,
        qty: u32,
        price: Price,
        printable: bool,
        ts: Nanos,
    ) -> Result<Execute, Bad> {
        let counted = printable && self.replay == 0;
        Ok(Execute {
            order_id,
            price,
            qty: some(qty)?,
            side: Side::None,
            flags: self.replay | if counted { 0 } else { flags::NON_PRINTABLE },
            source: self.source,
            venue_ts: ts,
        })
    }

    #[inline]
    fn execute_at(&self, m: OrderExecutedPrice<'_>, ts: Nanos) -> Result<Execute, Bad> {
        let printable = match m.printable() {
            b'Y' => true,
            b'N' => false,
            other => return Err(Bad::Value(u64::from(other))),
        };
        let price = positive(m.price())?;
        self.execute(m.order_id(), m.shares(), price, printable, ts)
    }

    #[inline]
    fn replace(&self, m: OrderReplace<'_>) -> Result<Modify, Bad> {
        Ok(Modify {
            order_id: m.order_id(),
            new_order_id: m.new_order_id(),
            price: positive(m.price())?,
            qty: some(m.shares())?,
            side: Side::None,
            flags: self.replay,
            source: self.source,
        })
    }

    fn trade(
        &self,
        trade_id: u64,
        price: u32,
        qty: u32,
        venue_ts: Nanos,
    ) -> Result<Option<Trade>, Bad> {
        let trade = Trade {
            price: positive(price)?,
            trade_id,
            qty: some(qty)?,
            side: Side::None,
            flags: 0,
            source: self.source,
            venue_ts,
        };
        Ok((self.replay == 0).then_some(trade))
    }

    fn cross(&self, m: CrossTrade<'_>, ts: Nanos) -> Result<Option<Trade>, Bad> {
        let shares = m.shares();
        if shares == 0 {
            return Ok(None);
        }
        let qty = u32::try_from(shares).map_err(|_| Bad::Value(shares))?;
        self.trade(m.match_id(), m.price(), qty, ts)
    }

    fn action(&mut self, m: TradingAction<'_>, id: InstrumentId, ts: Nanos) -> Result<Halt, Bad> {
        let state = match m.state() {
            b'H' => HaltState::Halted,
            b'P' => HaltState::Paused,
            b'Q' => HaltState::QuoteOnly,
            b'T' => HaltState::Trading,
            other => return Err(Bad::Value(u64::from(other))),
        };
        let mut reason = [0; 8];
        for (to, from) in reason.iter_mut().zip(m.reason()) {
            *to = if from == b' ' { 0 } else { from };
        }
        let trading = &mut self.trading[id.index()];
        trading.state = state;
        trading.reason = reason;
        Ok(self.halt(id, ts))
    }

    /// A halt of Nasdaq's own. Those of the sister markets do not concern this book.
    fn operational(
        &mut self,
        m: OperationalHalt<'_>,
        id: InstrumentId,
        ts: Nanos,
    ) -> Result<Option<Halt>, Bad> {
        let halted = match m.action() {
            b'H' => true,
            b'T' => false,
            other => return Err(Bad::Value(u64::from(other))),
        };
        match m.market() {
            b'Q' => {}
            b'B' | b'X' => return Ok(None),
            other => return Err(Bad::Value(u64::from(other))),
        }
        self.trading[id.index()].operational = halted;
        Ok(Some(self.halt(id, ts)))
    }

    /// Both causes together: an operational resume does not lift a regulatory halt.
    fn halt(&self, id: InstrumentId, ts: Nanos) -> Halt {
        let trading = &self.trading[id.index()];
        let (state, reason) = if trading.operational {
            (HaltState::Halted, text("OPHALT"))
        } else {
            (trading.state, trading.reason)
        };
        Halt {
            venue_ts: ts,
            reason,
            source: self.source,
            state,
            spare: [0; 13],
        }
    }
}

/// Where a message's frame goes.
struct To<'a, S> {
    ts: Nanos,
    id: InstrumentId,
    position: u64,
    sink: &'a mut S,
}

impl<S: Sink> To<'_, S> {
    #[inline(always)]
    fn put<P: Payload>(&mut self, payload: &P) {
        self.sink.put(self.ts, self.id, self.position, payload);
    }

    /// False where there is none.
    fn put_some<P: Payload>(&mut self, payload: Option<P>) -> bool {
        payload.inspect(|payload| self.put(payload)).is_some()
    }
}

/// `B` or `S`. Reckoned, because no branch foresees which of the two comes next.
#[inline(always)]
fn side(code: u8) -> Result<Side, Bad> {
    const APART: u8 = b'S' - b'B';
    let above = code.wrapping_sub(b'B');
    let sells = above / (APART - 1) % 2;
    if sells * APART != above {
        return Err(Bad::Value(u64::from(code)));
    }
    Ok(if sells == 0 { Side::Buy } else { Side::Sell })
}

/// No locate named yet.
fn unseen() -> Box<[u16; 1 << 16]> {
    let unseen = vec![UNSEEN; 1 << 16].into_boxed_slice();
    unseen.try_into().expect("one for every locate")
}

#[inline(always)]
fn positive(price: u32) -> Result<Price, Bad> {
    if price == 0 {
        return Err(Bad::Value(0));
    }
    Ok(Price(i64::from(price) * PRICE_4))
}

#[inline(always)]
fn some(shares: u32) -> Result<u32, Bad> {
    if shares == 0 {
        return Err(Bad::Value(0));
    }
    Ok(shares)
}
