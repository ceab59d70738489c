//! Saving and loading: totals, positions, latches, fees, brackets, open round trips. Never quotes.
//!
//! Little-endian fields in a fixed order behind one version byte. Loading builds a whole new
//! state from bytes that prove sound to the last one, or changes nothing.

use crate::brackets::{Bracket, TABLE};
use crate::config::Config;
use crate::controls::{Equity, Window};
use crate::executions::{EXECUTIONS_MAX, Execution, Progress};
use crate::holding::POSITION_BOUND;
use crate::instrument::Slot;
use crate::state::State;
use crate::trips::{TRIPS_MAX, Trip};
use stream::limits::{CHECKPOINT_BYTES_MAX, INSTRUMENTS_MAX};
use stream::payload::{CHUNK, KillLevel, LegRole, Reason};
use stream::{FrameId, InstrumentId, Money, Nanos, Price, Side};

/// Layout version.
pub(crate) const VERSION: u8 = 2;

/// The fields that are always there, and the four counts.
const FIXED: usize = 95;
const SLOT: usize = 109;
const BRACKET: usize = 54;
const TRIP: usize = 126;
const EXECUTION: usize = 22;
const BYTES_MAX: usize = FIXED
    + INSTRUMENTS_MAX * SLOT
    + TABLE * BRACKET
    + TRIPS_MAX * TRIP
    + EXECUTIONS_MAX * EXECUTION;
/// Checkpoint frames of one saved state at most.
pub(crate) const CHUNKS_MAX: usize = BYTES_MAX.div_ceil(CHUNK);

const _: () = assert!(BYTES_MAX <= CHECKPOINT_BYTES_MAX);

struct Writer<'a>(&'a mut Vec<u8>);

macro_rules! integers {
    ($($name:ident: $int:ty),*) => {
        impl Writer<'_> {
            $(fn $name(&mut self, value: $int) {
                self.0.extend_from_slice(&value.to_le_bytes());
            })*
        }

        impl Reader<'_> {
            $(fn $name(&mut self) -> Result<$int, &'static str> {
                self.array().map(<$int>::from_le_bytes)
            })*
        }
    };
}

integers!(u8: u8, u16: u16, u32: u32, u64: u64, i32: i32, i64: i64, i128: i128);

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (head, tail) = self
            .0
            .split_first_chunk()
            .ok_or("a saved state ends too early")?;
        self.0 = tail;
        Ok(*head)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Result<T, &'static str> {
        let index = usize::from(self.u8()?);
        all.get(index).copied().ok_or("a saved code is unknown")
    }

    fn flag(&mut self) -> Result<bool, &'static str> {
        self.one_of(&[false, true])
    }

    fn count(&mut self, most: usize) -> Result<usize, &'static str> {
        let count = usize::from(self.u16()?);
        if count > most {
            Err("a saved table is too long")
        } else {
            Ok(count)
        }
    }

    fn side(&mut self) -> Result<Side, &'static str> {
        self.one_of(&[Side::None, Side::Buy, Side::Sell])
    }

    fn id(&mut self) -> Result<FrameId, &'static str> {
        self.u64().map(FrameId)
    }

    fn nanos(&mut self) -> Result<Nanos, &'static str> {
        self.u64().map(Nanos)
    }

    fn price(&mut self) -> Result<Price, &'static str> {
        self.i64().map(Price)
    }

    fn instrument(&mut self) -> Result<InstrumentId, &'static str> {
        let id = InstrumentId(self.u16()?);
        if State::is_instrument(id) {
            Ok(id)
        } else {
            Err("a saved instrument is out of range")
        }
    }

    fn reason(&mut self) -> Result<Reason, &'static str> {
        let code = self.u8()?;
        let found = Reason::ALL.iter().find(|&&reason| reason as u8 == code);
        found.copied().ok_or("a saved reason is unknown")
    }
}

/// Writes everything that must survive.
pub(crate) fn save(state: &State, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    let mut writer = Writer(bytes);
    save_fixed(state, &mut writer);
    let kept = || state.ids().filter(|&id| state.slot(id).has_state());
    writer.u16(kept().count() as u16);
    for id in kept() {
        save_slot(id, state.slot(id), &mut writer);
    }
    writer.u16(state.brackets.len() as u16);
    for bracket in state.brackets.by_age() {
        save_bracket(bracket, &mut writer);
    }
    writer.u16(state.trips.iter().count() as u16);
    for trip in state.trips.iter() {
        save_trip(trip, &mut writer);
    }
    writer.u16(state.executions.len() as u16);
    for execution in state.executions.iter() {
        writer.0.extend_from_slice(&execution_bytes(execution));
    }
    let length = bytes.len() - start;
    assert!(length <= BYTES_MAX, "a saved state outgrew its bound");
}

/// At once: of executions there are thousands.
fn execution_bytes(execution: &Execution) -> [u8; EXECUTION] {
    let place = execution.instrument | (execution.progress as u16) << PROGRESS_SHIFT;
    let mut bytes = [0; EXECUTION];
    bytes[..8].copy_from_slice(&execution.exec_id.to_le_bytes());
    bytes[8..16].copy_from_slice(&execution.amount.to_le_bytes());
    bytes[16..20].copy_from_slice(&execution.trip.to_le_bytes());
    bytes[20..].copy_from_slice(&place.to_le_bytes());
    bytes
}

fn save_fixed(state: &State, writer: &mut Writer<'_>) {
    let (kill, account) = (&state.kill, &state.account);
    writer.u8(VERSION);
    for level in [kill.operator, kill.loss, kill.journal] {
        writer.u8(level as u8);
    }
    writer.u8(kill.cut.into());
    writer.u64(kill.raised.0);
    writer.u8(account.loss_stage);
    writer.i128(account.provisional);
    writer.i64(account.equity.value.0);
    writer.u64(account.equity.as_of.0);
    writer.i64(account.first_equity.0);
    writer.u32(state.date);
    writer.u64(state.window.open.0);
    writer.u64(state.window.close.0);
    writer.u64(state.checkpoint_at.0);
    writer.u8(state.close_saved.into());
    writer.u32(state.trips.next_id());
}

fn save_slot(id: InstrumentId, slot: &Slot, writer: &mut Writer<'_>) {
    writer.u16(id.0);
    writer.0.extend_from_slice(&slot.symbol);
    writer.u32(slot.multiplier);
    // Both lie within [`POSITION_BOUND`], far inside of the smaller number.
    writer.i32(slot.holding.qty as i32);
    writer.i32(slot.others as i32);
    writer.i64(crate::trips::clamp(slot.holding.cost).0);
    writer.i64(crate::trips::clamp(slot.holding.realised).0);
    writer.i64(crate::trips::clamp(slot.fees).0);
    writer.u32(slot.fills);
    writer.u32(slot.fees_awaited);
    writer.u32(slot.trip);
    writer.i64(slot.mark_bid.0);
    writer.i64(slot.mark_ask.0);
    writer.u8(slot.frozen.into());
    writer.u8(slot.due as u8);
    writer.u64(slot.flatten.0);
    writer.u8(slot.flatten_step);
    writer.i64(slot.flatten_limit.0);
    writer.u64(slot.retry_at.0);
}

fn save_bracket(bracket: &Bracket, writer: &mut Writer<'_>) {
    writer.u64(bracket.origin.0);
    writer.u64(bracket.signal.0);
    writer.u64(bracket.entry_leg.0);
    writer.u16(bracket.instrument.0);
    writer.u16(bracket.strategy);
    writer.u8(bracket.side as u8);
    writer.u8(bracket.flatten.into());
    for count in [
        bracket.qty,
        bracket.reserved,
        bracket.filled,
        bracket.exited,
    ] {
        writer.u32(count);
    }
    writer.i64(bracket.unit_risk);
}

fn save_trip(trip: &Trip, writer: &mut Writer<'_>) {
    writer.u32(trip.id);
    writer.u16(trip.instrument.0);
    writer.u16(trip.strategy);
    writer.u8(trip.side as u8);
    writer.u8(trip.exit_role as u8);
    writer.u64(trip.origin.0);
    writer.u64(trip.signal.0);
    writer.u32(trip.most);
    writer.u64(trip.entered);
    writer.i128(trip.entered_value);
    writer.u64(trip.exited);
    writer.i128(trip.exited_value);
    for amount in [trip.gross, trip.fees, trip.risk] {
        writer.i64(crate::trips::clamp(amount).0);
    }
    writer.u32(trip.awaited);
    writer.u32(trip.missing);
    writer.u64(trip.opened.0);
    writer.u64(trip.closed.0);
}

/// Reads what [`save`] wrote.
///
/// # Errors
/// Says what does not fit.
pub(crate) fn load(config: Config, bytes: &[u8]) -> Result<State, &'static str> {
    let mut state = State::new(config);
    let reader = &mut Reader(bytes);
    load_fixed(&mut state, reader)?;
    for _ in 0..reader.count(INSTRUMENTS_MAX)? {
        load_slot(&mut state, reader)?;
    }
    for _ in 0..reader.count(TABLE)? {
        load_bracket(&mut state, reader)?;
    }
    for _ in 0..reader.count(TRIPS_MAX)? {
        let trip = load_trip(reader)?;
        if trip.id == 0 || state.trips.find(trip.id).is_some() || !state.trips.restore(trip) {
            return Err("a saved round trip stands twice");
        }
    }
    for _ in 0..reader.count(EXECUTIONS_MAX)? {
        let execution = load_execution(reader)?;
        if state.executions.find(execution.exec_id).is_some() {
            return Err("a saved execution stands twice");
        }
        state.executions.insert(execution);
    }
    if !reader.0.is_empty() {
        return Err("a saved state is longer than it says");
    }
    for id in state.ids() {
        state.refresh(id);
    }
    state.settle_hash();
    Ok(state)
}

fn load_execution(reader: &mut Reader<'_>) -> Result<Execution, &'static str> {
    let (exec_id, amount, trip) = (reader.u64()?, reader.i64()?, reader.u32()?);
    let packed = reader.u16()?;
    let instrument = InstrumentId(packed & ((1 << PROGRESS_SHIFT) - 1));
    let progress = PROGRESS.get(usize::from(packed >> PROGRESS_SHIFT)).copied();
    match progress {
        Some(progress) if State::is_instrument(instrument) => Ok(Execution {
            exec_id,
            amount,
            trip,
            instrument: instrument.0,
            progress,
        }),
        _ => Err("a saved execution is out of range"),
    }
}

/// Where an execution's progress stands beside its instrument.
const PROGRESS_SHIFT: u32 = 14;
const _: () = assert!(INSTRUMENTS_MAX < 1 << PROGRESS_SHIFT);

const PROGRESS: [Progress; 3] = [Progress::FeeAwaited, Progress::Settled, Progress::FeeFirst];

fn load_fixed(state: &mut State, reader: &mut Reader<'_>) -> Result<(), &'static str> {
    if reader.u8()? != VERSION {
        return Err("a saved state has another version");
    }
    state.kill.operator = reader.one_of(KillLevel::ALL)?;
    state.kill.loss = reader.one_of(KillLevel::ALL)?;
    state.kill.journal = reader.one_of(KillLevel::ALL)?;
    state.kill.cut = reader.flag()?;
    state.kill.raised = reader.nanos()?;
    state.account.loss_stage = reader.u8()?;
    state.account.provisional = reader.i128()?;
    state.account.equity = Equity {
        value: Money(reader.i64()?),
        as_of: reader.nanos()?,
    };
    state.account.first_equity = Money(reader.i64()?);
    state.date = reader.u32()?;
    state.window = Window {
        open: reader.nanos()?,
        close: reader.nanos()?,
    };
    state.checkpoint_at = reader.nanos()?;
    state.close_saved = reader.flag()?;
    state.trips.set_next_id(reader.u32()?);
    let bound = i128::from(i64::MAX);
    if state.account.provisional.abs() > bound || state.account.loss_stage > 3 {
        return Err("a saved total is out of range");
    }
    Ok(())
}

fn load_slot(state: &mut State, reader: &mut Reader<'_>) -> Result<(), &'static str> {
    let id = reader.instrument()?;
    if state.slot(id).has_state() {
        return Err("a saved instrument stands twice");
    }
    let mut slot = *state.slot(id);
    slot.symbol = reader.array()?;
    slot.multiplier = reader.u32()?;
    slot.holding.qty = reader.i32()?.into();
    slot.others = reader.i32()?.into();
    slot.holding.cost = reader.i64()?.into();
    slot.holding.realised = reader.i64()?.into();
    slot.fees = reader.i64()?.into();
    slot.fills = reader.u32()?;
    slot.fees_awaited = reader.u32()?;
    slot.trip = reader.u32()?;
    slot.mark_bid = reader.price()?;
    slot.mark_ask = reader.price()?;
    slot.frozen = reader.flag()?;
    slot.due = reader.reason()?;
    slot.flatten = reader.id()?;
    slot.flatten_step = reader.u8()?;
    slot.flatten_limit = reader.price()?;
    slot.retry_at = reader.nanos()?;
    slot.changed = true;
    let bound = crate::holding::PRICE_BOUND;
    let sane = slot.holding.qty.unsigned_abs() <= POSITION_BOUND.unsigned_abs()
        && (1..=crate::config::MULTIPLIER_MAX).contains(&slot.multiplier)
        && (Price::ZERO..=bound).contains(&slot.mark_bid)
        && (Price::ZERO..=bound).contains(&slot.mark_ask);
    if !sane {
        return Err("a saved position is out of range");
    }
    state.held += usize::from(slot.own() != 0);
    state.account.realised += slot.holding.realised;
    state.account.fees += slot.fees;
    let dirty = state.slot_mut(id);
    *dirty = Slot {
        dirty: true,
        ..slot
    };
    Ok(())
}

fn load_bracket(state: &mut State, reader: &mut Reader<'_>) -> Result<(), &'static str> {
    let bracket = Bracket {
        origin: reader.id()?,
        signal: reader.id()?,
        entry_leg: reader.id()?,
        instrument: reader.instrument()?,
        strategy: reader.u16()?,
        side: reader.side()?,
        flatten: reader.flag()?,
        qty: reader.u32()?,
        reserved: reader.u32()?,
        filled: reader.u32()?,
        exited: reader.u32()?,
        unit_risk: reader.i64()?,
    };
    let twice = bracket.origin.is_none() || state.brackets.find(bracket.origin).is_some();
    if twice || bracket.side == Side::None || !state.brackets.insert(bracket) {
        return Err("a saved bracket stands twice or says nothing");
    }
    if !bracket.flatten {
        let slot = state.slot_mut(bracket.instrument);
        let working = match bracket.side {
            Side::Sell => &mut slot.working_sell,
            _ => &mut slot.working_buy,
        };
        *working += i64::from(bracket.reserved);
    }
    Ok(())
}

fn load_trip(reader: &mut Reader<'_>) -> Result<Trip, &'static str> {
    Ok(Trip {
        id: reader.u32()?,
        instrument: reader.instrument()?,
        strategy: reader.u16()?,
        side: reader.side()?,
        exit_role: reader.one_of(LegRole::ALL)?,
        origin: reader.id()?,
        signal: reader.id()?,
        most: reader.u32()?,
        entered: reader.u64()?,
        entered_value: reader.i128()?,
        exited: reader.u64()?,
        exited_value: reader.i128()?,
        gross: reader.i64()?.into(),
        fees: reader.i64()?.into(),
        risk: reader.i64()?.into(),
        awaited: reader.u32()?,
        missing: reader.u32()?,
        opened: reader.nanos()?,
        closed: reader.nanos()?,
    })
}
