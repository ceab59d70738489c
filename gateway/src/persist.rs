//! The state as bytes, and as one number.
//!
//! ```text
//!  kill 1 │ recent executions: count 2, then 8 each
//!         │ watches that are not blank: count 2, then id 2 and 43 bytes each
//!         │ brackets in use: count 2, then head and legs each
//! ```
//!
//! Unanswered commands and the state of the link are not saved: whoever loads a state starts a new
//! epoch, in which a leg whose command was not answered is unknown.

use crate::bracket::{Bracket, Leg, Purpose};
use crate::config::{Config, PER_INSTRUMENT_MAX};
use crate::leg::Life;
use crate::state::{RECENT, State};
use crate::watch::Watch;
use stream::limits::HOUSEKEEPING_PERIOD;
use stream::payload::{KillLevel, LegRole, LegState, OrderType, Reason, Session};
use stream::{FrameId, InstrumentId, Nanos, Price, Side, hash};
use zerocopy::{IntoBytes, TryFromBytes};

/// Layout version.
pub(crate) const VERSION: u8 = 2;

const LEG_BYTES: usize = 8 + 6 + 5 * 4 + 3 * 8 + 3 + 3 * 8 + 5;
const BRACKET_BYTES: usize = 1 + 8 + 2 + 1 + 1 + 8 + 8 + 1 + 8 + 8 + 8 + 1 + 1;
const WATCH_BYTES: usize = 2 + 8 + 8 + 8 + 8 + 8 + 1 + 8 + 1 + 1;

/// The most bytes that a state of that configuration takes. Of a trade's legs five are in use at
/// most, of a flatten's one.
pub(crate) const fn bytes_max(config: &Config) -> usize {
    1 + 2
        + 8 * RECENT
        + 2
        + WATCH_BYTES * config.instruments
        + 2
        + config.brackets_max * (2 * BRACKET_BYTES + 6 * LEG_BYTES)
}

impl State {
    /// A session that ends behind all others closes the day.
    pub(crate) fn on_session(&mut self, session: &Session) {
        self.closing = self.closing.max(Some(session.close));
    }

    /// Every so often, and once at the end of the day: no tick may follow its close.
    pub(crate) fn checkpoint_is_due(&mut self, now: Nanos) -> bool {
        let every = self.config.checkpoint_every;
        if every == Nanos::ZERO {
            return false;
        }
        let ends = |close| now.saturating_add(HOUSEKEEPING_PERIOD) >= close;
        let closing = self.closing.take_if(|close| ends(*close)).is_some();
        let due = closing || now >= self.checkpoint_at;
        if due {
            self.checkpoint_at = now + every;
        }
        due
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn get<T: TryFromBytes>(&mut self) -> Result<T, &'static str> {
        let (head, rest) = self
            .0
            .split_at_checked(size_of::<T>())
            .ok_or("the gateway's state ends early")?;
        self.0 = rest;
        T::try_read_from_bytes(head).map_err(|_| "the gateway's state holds a value it cannot have")
    }

    fn flag(&mut self) -> Result<bool, &'static str> {
        Ok(self.get::<u8>()? != 0)
    }
}

fn put<T: IntoBytes + zerocopy::Immutable>(bytes: &mut Vec<u8>, value: &T) {
    bytes.extend_from_slice(value.as_bytes());
}

pub(crate) fn save(state: &State, bytes: &mut Vec<u8>) {
    put(bytes, &state.kill);
    put(bytes, &(state.recent.len() as u16));
    let (newer, older) = state.recent.split_at(state.recent_next);
    for exec_id in older.iter().chain(newer) {
        put(bytes, exec_id);
    }
    let kept = || {
        state
            .watches
            .iter()
            .enumerate()
            .filter(|(_, watch)| !is_blank(watch))
    };
    put(bytes, &(kept().count() as u16));
    for (index, watch) in kept() {
        put(bytes, &(index as u16));
        save_watch(bytes, watch);
    }
    let used = || state.brackets.iter().filter(|bracket| bracket.used);
    put(bytes, &(used().count() as u16));
    for bracket in used() {
        save_bracket(bytes, bracket);
    }
}

/// Slots are given anew on loading, so they do not count.
fn is_blank(watch: &Watch) -> bool {
    let bare = Watch {
        slots: [0; PER_INSTRUMENT_MAX],
        count: 0,
        flatten: 0,
        ..watch.clone()
    };
    bare.is_blank()
}

fn save_watch(bytes: &mut Vec<u8>, watch: &Watch) {
    put(bytes, &watch.position);
    put(bytes, &watch.others);
    put(bytes, &watch.last_trade);
    put(bytes, &watch.origin);
    put(bytes, &watch.unprotected);
    put(bytes, &u8::from(watch.corrected));
    put(bytes, &watch.request_at);
    put(bytes, &watch.requests);
    put(bytes, &u8::from(watch.frozen));
}

fn load_watch(reader: &mut Reader<'_>) -> Result<Watch, &'static str> {
    Ok(Watch {
        position: reader.get()?,
        others: reader.get()?,
        last_trade: reader.get()?,
        origin: reader.get()?,
        unprotected: reader.get()?,
        corrected: reader.flag()?,
        request_at: reader.get()?,
        requests: reader.get()?,
        frozen: reader.flag()?,
        ..Watch::default()
    })
}

fn save_bracket(bytes: &mut Vec<u8>, bracket: &Bracket) {
    put(bytes, &u8::from(bracket.purpose == Purpose::Flatten));
    put(bytes, &bracket.origin);
    put(bytes, &bracket.instrument);
    put(bytes, &bracket.side);
    put(bytes, &bracket.reason);
    put(bytes, &bracket.started);
    put(bytes, &bracket.deadline);
    put(bytes, &bracket.requests);
    put(bytes, &bracket.spread_max);
    put(bytes, &bracket.tape_stall);
    put(bytes, &bracket.market_ts);
    put(bytes, &u8::from(bracket.in_entries));
    put(bytes, &bracket.count);
    for leg in bracket.legs() {
        save_leg(bytes, leg);
    }
}

fn save_leg(bytes: &mut Vec<u8>, leg: &Leg) {
    put(bytes, &leg.id);
    put(bytes, &leg.role);
    put(bytes, &leg.side);
    put(bytes, &leg.order_type);
    put(bytes, &leg.life.state);
    put(bytes, &leg.life.proven);
    put(bytes, &u8::from(leg.attached));
    for quantity in [leg.qty, leg.ask, leg.filled, leg.reported, leg.qty_max] {
        put(bytes, &quantity);
    }
    for price in [leg.price, leg.low, leg.high] {
        put(bytes, &price);
    }
    put(bytes, &leg.reported_end);
    put(bytes, &leg.cancel);
    put(bytes, &leg.cancels);
    for time in [leg.cancel_by, leg.pair_by, leg.answer_by] {
        put(bytes, &time);
    }
    for flag in [
        leg.in_cancels,
        leg.in_exits,
        leg.modify,
        leg.replacement,
        false,
    ] {
        put(bytes, &u8::from(flag));
    }
}

fn load_leg(reader: &mut Reader<'_>) -> Result<Leg, &'static str> {
    let mut leg = Leg::new(LegRole::Entry, Side::None, OrderType::Limit, 0, Price::ZERO);
    leg.id = reader.get::<FrameId>()?;
    leg.role = reader.get()?;
    leg.side = reader.get()?;
    leg.order_type = reader.get()?;
    leg.life = Life {
        state: reader.get()?,
        proven: reader.get()?,
    };
    leg.attached = reader.flag()?;
    leg.qty = reader.get()?;
    leg.ask = reader.get()?;
    leg.filled = reader.get()?;
    leg.reported = reader.get()?;
    leg.qty_max = reader.get()?;
    leg.price = reader.get()?;
    leg.low = reader.get()?;
    leg.high = reader.get()?;
    leg.reported_end = reader.get()?;
    leg.cancel = reader.get::<Reason>()?;
    leg.cancels = reader.get()?;
    leg.cancel_by = reader.get()?;
    leg.pair_by = reader.get()?;
    leg.answer_by = reader.get()?;
    leg.in_cancels = reader.flag()?;
    leg.in_exits = reader.flag()?;
    leg.modify = reader.flag()?;
    leg.replacement = reader.flag()?;
    reader.flag()?;
    if leg.life.state == LegState::Commanded {
        leg.life.state = LegState::Unknown;
    }
    Ok(leg)
}

fn load_bracket(state: &mut State, reader: &mut Reader<'_>) -> Result<(), &'static str> {
    let flatten = reader.flag()?;
    let purpose = if flatten {
        Purpose::Flatten
    } else {
        Purpose::Trade
    };
    let origin = reader.get()?;
    let instrument: InstrumentId = reader.get()?;
    let slot = state
        .claim(instrument, purpose)
        .ok_or("the gateway's state holds more brackets than the configuration allows")?;
    let bracket = state.bracket(slot);
    bracket.origin = origin;
    bracket.side = reader.get()?;
    bracket.reason = reader.get()?;
    bracket.started = reader.get()?;
    bracket.deadline = reader.get()?;
    bracket.requests = reader.get()?;
    bracket.spread_max = reader.get()?;
    bracket.tape_stall = reader.get()?;
    bracket.market_ts = reader.get()?;
    bracket.in_entries = reader.flag()?;
    let count: u8 = reader.get()?;
    for _ in 0..count {
        let leg = load_leg(reader)?;
        bracket
            .push(leg)
            .ok_or("a bracket in the gateway's state has too many legs")?;
    }
    if bracket.count == 0 || (purpose == Purpose::Trade && bracket.count < 3) {
        return Err("a bracket in the gateway's state has too few legs");
    }
    if bracket.in_entries {
        state.credits.entries.push_back(slot);
    }
    for index in 0..count {
        let leg = &state.brackets[usize::from(slot)].legs[usize::from(index)];
        if leg.in_cancels {
            state.credits.cancels.push_back((slot, index));
        }
        if leg.in_exits {
            state.credits.exits.push_back((slot, index));
        }
    }
    Ok(())
}

pub(crate) fn load(config: Config, bytes: &[u8]) -> Result<State, &'static str> {
    let mut state = State::new(config);
    let reader = &mut Reader(bytes);
    state.kill = reader.get::<KillLevel>()?;
    let recent: u16 = reader.get()?;
    if usize::from(recent) != state.recent.len() {
        return Err("the gateway's state remembers another number of executions");
    }
    for exec_id in &mut state.recent {
        *exec_id = reader.get()?;
    }
    for _ in 0..reader.get::<u16>()? {
        let index: u16 = reader.get()?;
        let watch = load_watch(reader)?;
        let holds = (watch.position, watch.others) != (0, 0) || watch.frozen;
        match state.watch(InstrumentId(index)) {
            Some(place) => *place = watch,
            None if holds => {
                return Err("the gateway's state holds an instrument outside the universe");
            }
            // When it last traded is nothing to a smaller universe.
            None => {}
        }
    }
    for _ in 0..reader.get::<u16>()? {
        load_bracket(&mut state, reader)?;
    }
    if !reader.0.is_empty() {
        return Err("the gateway's state goes on behind its end");
    }
    Ok(state)
}

/// Everything that decides what comes next. Each part is hashed by itself, and the parts are summed
/// up: a processor need not wait for one before it begins the next.
pub(crate) fn state_hash(state: &State) -> u64 {
    let last = (state.recent_next + RECENT - 1) % RECENT;
    let own = [
        state.kill as u64 | u64::from(state.blind) << 8,
        state.recent[last],
        state.credits.unanswered() as u64,
    ];
    let mut sum = hash::fold_all(0, own);
    for (index, watch) in state.watches.iter().enumerate() {
        if !watch.is_blank() {
            sum = sum.wrapping_add(hash_watch(index, watch));
        }
    }
    for (place, bracket) in state.scanned().iter().enumerate() {
        if bracket.used {
            sum = sum.wrapping_add(hash_bracket(place, bracket));
        }
    }
    sum
}

fn hash_watch(index: usize, watch: &Watch) -> u64 {
    let flags = u64::from(watch.frozen) << 32
        | u64::from(watch.corrected) << 33
        | u64::from(watch.requests) << 16
        | u64::from(watch.flatten);
    let values = [
        watch.position as u64,
        watch.others as u64,
        watch.last_trade.0,
        watch.origin.0,
        watch.unprotected.0,
        watch.request_at.0,
        flags,
    ];
    hash::fold_all(index as u64, values)
}

fn hash_bracket(place: usize, bracket: &Bracket) -> u64 {
    let values = [
        bracket.origin.0,
        u64::from(bracket.instrument.0) << 8 | u64::from(bracket.count),
        bracket.deadline.0,
        u64::from(bracket.requests) << 1 | u64::from(bracket.in_entries),
    ];
    let legs = bracket.legs().iter().enumerate();
    let legs = legs.map(|(at, leg)| hash_leg(at, leg));
    let legs = legs.fold(0_u64, u64::wrapping_add);
    hash::fold_all(place as u64 ^ legs, values)
}

fn hash_leg(at: usize, leg: &Leg) -> u64 {
    let life = (leg.life.state as u64) << 8 | leg.life.proven as u64;
    let flags = u64::from(leg.in_cancels)
        | u64::from(leg.in_exits) << 1
        | u64::from(leg.modify) << 2
        | (leg.cancel as u64) << 8
        | u64::from(leg.cancels) << 16
        | life << 32;
    let values = [
        leg.id.0,
        flags,
        u64::from(leg.qty) << 32 | u64::from(leg.filled),
        u64::from(leg.reported) << 8 | leg.reported_end as u64,
        u64::from(leg.ask),
        leg.price.0 as u64,
        leg.cancel_by.0,
        leg.pair_by.0,
        leg.answer_by.0,
    ];
    hash::fold_all(at as u64, values)
}

// The largest configuration must fit a checkpoint.
const _: () = assert!(
    bytes_max(&Config {
        broker: stream::SourceId(0),
        instruments: stream::limits::INSTRUMENTS_MAX,
        brackets_max: stream::limits::BRACKETS_MAX,
        unanswered_max: 0,
        unanswered_reserved: 0,
        protection_within: stream::Nanos::ZERO,
        pair_patience: stream::Nanos::ZERO,
        cancel_patience: stream::Nanos::ZERO,
        answer_patience: stream::Nanos::ZERO,
        flatten_patience: stream::Nanos::ZERO,
        checkpoint_every: stream::Nanos::ZERO,
    }) <= stream::limits::CHECKPOINT_BYTES_MAX
);
